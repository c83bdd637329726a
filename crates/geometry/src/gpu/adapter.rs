//! What computing devices a machine has.

/// Kind of an adapter, best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum AdapterKind {
    /// A graphics card with its own memory.
    Discrete,
    /// Graphics that share the processor's memory.
    Integrated,
    /// A part of a card, lent by a host.
    Virtual,
    /// Of unknown kind.
    Other,
    /// The processor playing a graphics card: for tests, not for speed.
    Software,
}

/// A device that the machine offers.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Adapter {
    /// Name that the vendor gave it.
    pub name: String,
    /// How it is reached: `"vulkan"`, `"metal"` or `"dx12"`.
    pub interface: String,
    /// Name and version of the driver, as far as it tells.
    pub driver: String,
    /// Its kind.
    pub kind: AdapterKind,
    /// Largest buffer that a kernel can be given \[bytes\].
    pub buffer_bytes: u64,
    /// Most workgroups along one axis of a dispatch.
    pub workgroups: u32,
    /// Memory that a workgroup shares \[bytes\].
    pub workgroup_bytes: u32,
    /// Whether threads can exchange values without memory. Not needed.
    pub subgroups: bool,
    /// Whether there are 16-bit floats. Not needed.
    pub half_floats: bool,
    /// Whether the device can tell the time by itself. Not needed.
    pub timestamps: bool,
}

/// Threads of a workgroup, storage bindings of a kernel and shared memory that every kernel may use: what WebGPU
/// promises everywhere.
const THREADS: u32 = 256;
const BINDINGS: u32 = 8;
const SHARED: u32 = 16 << 10;

impl Adapter {
    fn new(adapter: &wgpu::Adapter) -> Self {
        let (info, limits, features) = (adapter.get_info(), adapter.limits(), adapter.features());
        let kind = match info.device_type {
            wgpu::DeviceType::DiscreteGpu => AdapterKind::Discrete,
            wgpu::DeviceType::IntegratedGpu => AdapterKind::Integrated,
            wgpu::DeviceType::VirtualGpu => AdapterKind::Virtual,
            wgpu::DeviceType::Cpu => AdapterKind::Software,
            wgpu::DeviceType::Other => AdapterKind::Other,
        };
        Self {
            name: info.name,
            interface: info.backend.to_string().to_lowercase(),
            driver: [info.driver, info.driver_info].join(" ").trim().to_string(),
            kind,
            buffer_bytes: limits.max_storage_buffer_binding_size.min(limits.max_buffer_size),
            workgroups: limits.max_compute_workgroups_per_dimension,
            workgroup_bytes: limits.max_compute_workgroup_storage_size,
            subgroups: features.contains(wgpu::Features::SUBGROUP),
            half_floats: features.contains(wgpu::Features::SHADER_F16),
            timestamps: features.contains(wgpu::Features::TIMESTAMP_QUERY),
        }
    }
}

/// All adapters that can run the kernels, best first.
pub(super) fn all() -> Vec<(Adapter, wgpu::Adapter)> {
    let instance = wgpu::Instance::new(wgpu::InstanceDescriptor {
        backends: wgpu::Backends::VULKAN | wgpu::Backends::METAL | wgpu::Backends::DX12,
        // No validation layers and their messages, whatever this was compiled for.
        flags: wgpu::InstanceFlags::empty(),
        ..wgpu::InstanceDescriptor::new_without_display_handle()
    });
    let found = pollster::block_on(instance.enumerate_adapters(wgpu::Backends::all()));
    let able = |adapter: &wgpu::Adapter| {
        let limits = adapter.limits();
        limits.max_compute_invocations_per_workgroup >= THREADS
            && limits.max_storage_buffers_per_shader_stage >= BINDINGS
            && limits.max_compute_workgroup_storage_size >= SHARED
    };
    let mut adapters: Vec<_> =
        found.into_iter().filter(able).map(|adapter| (Adapter::new(&adapter), adapter)).collect();
    // In the machine's order where two are of one kind.
    adapters.sort_by_key(|(adapter, _)| adapter.kind);
    adapters
}
