//! Whether there is something to draw with, and somewhere: asked before a library could panic about it.

use std::cell::Cell;
use std::ops::RangeInclusive;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Once;

use kiss3d::context::Context;
use kiss3d::window::NumSamples;

use crate::{Error, Result};

/// Widths and heights of pictures that every device draws \[pixel\].
pub const SIDES: RangeInclusive<u32> = 16..=8192;

/// What could draw: not OpenGL, which in software draws black where edges are smoothed.
fn adapter() -> Result<(wgpu::Instance, wgpu::Adapter)> {
    let backends = wgpu::Backends::VULKAN | wgpu::Backends::METAL | wgpu::Backends::DX12;
    let instance = wgpu::Instance::new(wgpu::InstanceDescriptor {
        backends,
        ..wgpu::InstanceDescriptor::new_without_display_handle()
    });
    let adapter = pollster::block_on(instance.request_adapter(&wgpu::RequestAdapterOptions::default()))
        .map_err(|error| Error::NoDevice { reason: error.to_string() })?;
    Ok((instance, adapter))
}

/// Whether what could draw is software.
///
/// # Errors
/// [`Error::NoDevice`] if there is nothing.
pub(crate) fn is_software() -> Result<bool> {
    Ok(adapter()?.1.get_info().device_type == wgpu::DeviceType::Cpu)
}

/// Makes a device for this thread to draw with off-screen. Returns whether it is software.
///
/// # Errors
/// [`Error::NoDevice`] if there is none. The library that draws would panic.
pub(crate) fn offscreen() -> Result<bool> {
    let (instance, adapter) = adapter()?;
    let wanted = wgpu::DeviceDescriptor { required_limits: adapter.limits(), ..Default::default() };
    let (device, queue) = pollster::block_on(adapter.request_device(&wanted))
        .map_err(|error| Error::NoDevice { reason: error.to_string() })?;
    let is_software = adapter.get_info().device_type == wgpu::DeviceType::Cpu;
    Context::init(instance, device, queue, adapter, wgpu::TextureFormat::Rgba8Unorm);
    Ok(is_software)
}

/// Edges are smoothed where that costs little.
pub(crate) fn samples(is_software: bool) -> NumSamples {
    if is_software { NumSamples::One } else { NumSamples::Four }
}

/// Whether there is an X server or a Wayland compositor to open a window on.
///
/// # Errors
/// [`Error::NoDisplay`] with what the system says. The window's library can be asked only once in a process, and would panic.
#[cfg(all(unix, not(target_os = "macos")))]
pub(crate) fn display() -> Result<()> {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    let refused = |reason: String| Error::NoDisplay { reason };
    if let Some(name) = set("WAYLAND_DISPLAY") {
        let path = std::path::Path::new(&set("XDG_RUNTIME_DIR").unwrap_or_default()).join(name);
        return match std::os::unix::net::UnixStream::connect(&path) {
            Ok(_) => Ok(()),
            Err(error) => Err(refused(format!("Wayland, {}: {error}", path.display()))),
        };
    }
    if set("WAYLAND_SOCKET").is_some() {
        return Ok(());
    }
    let Some(name) = set("DISPLAY") else {
        return Err(refused("neither WAYLAND_DISPLAY nor DISPLAY is set".into()));
    };
    match x11rb::connect(None) {
        Ok(_) => Ok(()),
        Err(error) => Err(refused(format!("X, display {}: {error}", name.to_string_lossy()))),
    }
}

/// These systems always have one.
#[cfg(not(all(unix, not(target_os = "macos"))))]
pub(crate) fn display() -> Result<()> {
    Ok(())
}

thread_local! {
    /// Whether what this thread panics about becomes an error.
    static IS_GUARDED: Cell<bool> = const { Cell::new(false) };
}

/// Turns what a library panics about into an error, without a word on standard error. Other threads panic as they would.
pub(crate) fn guarded<T>(draw: impl FnOnce() -> T) -> Result<T> {
    static LISTENING: Once = Once::new();
    LISTENING.call_once(|| {
        let otherwise = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            if !IS_GUARDED.get() {
                otherwise(panic);
            }
        }));
    });
    let before = IS_GUARDED.replace(true);
    let drawn = catch_unwind(AssertUnwindSafe(draw));
    IS_GUARDED.set(before);
    drawn.map_err(|panic| {
        let said = panic.downcast_ref::<String>().cloned();
        let reason = said.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
        Error::Broken { reason: reason.unwrap_or_else(|| "for no reason that was told".into()) }
    })
}
