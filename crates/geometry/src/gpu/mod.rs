//! A device that computes: opened once, shared by everything that runs on it.
//!
//! What is specific to one algorithm lives with the algorithm; here are buffers within the device's limits, work cut
//! into short submissions, and faults turned into errors.

mod adapter;
mod buffer;
mod fault;
mod rate;
#[cfg(test)]
mod tests;
mod work;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

pub use adapter::{Adapter, AdapterKind};
pub(crate) use buffer::Buffer;
pub use rate::KernelRate;
pub(crate) use rate::{surface, wrong};
pub(crate) use work::{Kernel, Work};

use self::fault::Faults;
use self::work::Pace;
use crate::{Error, Result};

/// A graphics device that computes. Cheap to clone: all clones are the same device.
///
/// Reached through Vulkan, Metal or Direct3D 12, whatever the machine offers; nothing but plain 32-bit arithmetic is
/// asked of it.
///
/// ```
/// use barrow_geometry::{Backend, Gpu};
///
/// // No device is no error where the processor will do.
/// let backend = Gpu::open().map_or(Backend::Cpu, Backend::Gpu);
/// ```
#[derive(Clone)]
pub struct Gpu(Arc<Device>);

struct Device {
    adapter: Adapter,
    device: wgpu::Device,
    queue: wgpu::Queue,
    faults: Arc<Faults>,
    pipelines: Mutex<HashMap<String, wgpu::ComputePipeline>>,
    pace: Mutex<Pace>,
}

impl Gpu {
    /// Opens the best adapter of the machine: a discrete graphics card before an integrated one, those before a
    /// virtual one, and an adapter in software only if there is nothing else.
    ///
    /// # Errors
    /// [`Error::NoDevice`] if the machine has no adapter or none can be opened.
    pub fn open() -> Result<Self> {
        let adapters = adapter::all();
        let reason = || "no adapter for Vulkan, Metal or Direct3D 12 was found".to_string();
        let best = adapters.into_iter().next().ok_or_else(|| Error::NoDevice { reason: reason() })?;
        Self::open_within(best, u64::MAX)
    }

    /// As [`open`](Self::open), with every buffer held to a number of bytes: what a device of smaller limits would do.
    ///
    /// # Errors
    /// Those of [`open`](Self::open); [`Error::DeviceLimit`] below 64 KiB.
    pub fn open_limited(buffer_bytes: u64) -> Result<Self> {
        const LEAST: u64 = 1 << 16;
        if buffer_bytes < LEAST {
            return Err(Error::DeviceLimit { what: "bytes of a buffer", needed: LEAST, limit: buffer_bytes });
        }
        let best = adapter::all().into_iter().next();
        let reason = "no adapter was found".to_string();
        Self::open_within(best.ok_or(Error::NoDevice { reason })?, buffer_bytes)
    }

    /// The adapters of this machine, best first.
    pub fn adapters() -> Vec<Adapter> {
        adapter::all().into_iter().map(|(adapter, _)| adapter).collect()
    }

    /// What this device runs on.
    pub fn adapter(&self) -> &Adapter {
        &self.0.adapter
    }

    fn open_within((mut adapter, raw): (Adapter, wgpu::Adapter), buffer_bytes: u64) -> Result<Self> {
        adapter.buffer_bytes = adapter.buffer_bytes.min(buffer_bytes);
        // Everything the adapter can do: what is too large for it is met by splitting, not by refusing to start.
        let request = raw.request_device(&wgpu::DeviceDescriptor {
            label: Some("barrow"),
            required_limits: raw.limits(),
            ..Default::default()
        });
        let (device, queue) = pollster::block_on(request)
            .map_err(|error| Error::NoDevice { reason: format!("{}: {error}", adapter.name) })?;
        let faults = Arc::new(Faults::default());
        faults.watch(&device);
        let pace = Mutex::new(Pace::new(adapter.kind));
        Ok(Self(Arc::new(Device { adapter, device, queue, faults, pipelines: Mutex::default(), pace })))
    }

    /// The pipeline of a kernel, compiled when it is first asked for.
    fn pipeline(&self, kernel: &Kernel) -> wgpu::ComputePipeline {
        let mut pipelines = self.0.pipelines.lock().unwrap_or_else(PoisonError::into_inner);
        let compile = || {
            let module = self.0.device.create_shader_module(wgpu::ShaderModuleDescriptor {
                label: Some(kernel.entry),
                source: wgpu::ShaderSource::Wgsl(kernel.source.into()),
            });
            self.0.device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
                label: Some(kernel.entry),
                layout: None,
                module: &module,
                entry_point: Some(kernel.entry),
                compilation_options: wgpu::PipelineCompilationOptions {
                    constants: kernel.constants,
                    // Every kernel writes what it reads.
                    zero_initialize_workgroup_memory: false,
                },
                cache: None,
            })
        };
        pipelines.entry(kernel.name()).or_insert_with(compile).clone()
    }
}

impl std::fmt::Debug for Gpu {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_tuple("Gpu").field(&self.0.adapter.name).finish()
    }
}

/// The device to test on; says loudly if there is none, and fails where that must not be.
#[cfg(test)]
pub(crate) fn device() -> Option<Gpu> {
    match Gpu::open() {
        Ok(gpu) => Some(gpu),
        Err(error) => {
            assert!(std::env::var_os("BARROW_REQUIRE_GPU").is_none(), "{error}");
            eprintln!("SKIPPED, nothing was tested: {error}");
            None
        }
    }
}
