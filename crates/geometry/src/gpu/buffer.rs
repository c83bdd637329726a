//! Memory of a device.

use bytemuck::Pod;
use wgpu::util::DeviceExt;

use super::Gpu;
use crate::{Error, Result};

/// Memory on a device that kernels read and write.
#[derive(Debug, Clone)]
pub(crate) struct Buffer {
    pub(super) raw: wgpu::Buffer,
}

impl Gpu {
    /// Most items of a type that one buffer holds.
    pub(crate) fn capacity<T>(&self) -> usize {
        (self.0.adapter.buffer_bytes / size_of::<T>() as u64) as usize
    }

    /// Room for some items, at least one, all zero.
    pub(crate) fn zeros<T: Pod>(&self, count: usize) -> Result<Buffer> {
        let bytes = self.sized::<T>(count)?;
        let usage = wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_SRC | wgpu::BufferUsages::COPY_DST;
        let descriptor =
            wgpu::BufferDescriptor { label: None, size: bytes, usage, mapped_at_creation: false };
        self.made(self.0.device.create_buffer(&descriptor), bytes)
    }

    /// Some items, brought to the device.
    pub(crate) fn upload<T: Pod>(&self, items: &[T]) -> Result<Buffer> {
        let buffer = self.zeros::<T>(items.len())?;
        self.write(&buffer, items)?;
        Ok(buffer)
    }

    /// Replaces the first items of a buffer.
    pub(crate) fn write<T: Pod>(&self, buffer: &Buffer, items: &[T]) -> Result<()> {
        if !items.is_empty() {
            self.0.queue.write_buffer(&buffer.raw, 0, bytemuck::cast_slice(items));
        }
        self.0.faults.check()
    }

    /// What kernels are told beside their buffers.
    pub(super) fn uniform(&self, bytes: &[u8]) -> wgpu::Buffer {
        self.0.device.create_buffer_init(&wgpu::util::BufferInitDescriptor {
            label: None,
            contents: bytes,
            usage: wgpu::BufferUsages::UNIFORM,
        })
    }

    /// The first items of a buffer, brought back once all work before has ended.
    pub(crate) fn download<T: Pod>(&self, buffer: &Buffer, count: usize) -> Result<Vec<T>> {
        if count == 0 {
            return Ok(Vec::new());
        }
        let size = self.sized::<T>(count)?;
        let usage = wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST;
        let descriptor = wgpu::BufferDescriptor { label: None, size, usage, mapped_at_creation: false };
        let staging = self.made(self.0.device.create_buffer(&descriptor), size)?;
        let mut encoder = self.0.device.create_command_encoder(&Default::default());
        encoder.copy_buffer_to_buffer(&buffer.raw, 0, &staging.raw, 0, size);
        let submission = self.0.queue.submit([encoder.finish()]);
        // Whether it came to pass is told by the range: a lost device maps nothing.
        staging.raw.slice(..).map_async(wgpu::MapMode::Read, |_| ());
        self.wait(submission)?;
        let lost = |error: &dyn std::fmt::Display| Error::DeviceLost { reason: error.to_string() };
        let view = staging.raw.slice(..).get_mapped_range().map_err(|error| lost(&error))?;
        let mut items = vec![T::zeroed(); count];
        bytemuck::cast_slice_mut::<T, u8>(&mut items).copy_from_slice(&view[..count * size_of::<T>()]);
        Ok(items)
    }

    /// Bytes of some items, at least one and a multiple of four, if a buffer may have them.
    fn sized<T>(&self, count: usize) -> Result<u64> {
        let bytes = (count.max(1) as u64).saturating_mul(size_of::<T>() as u64);
        let limit = self.0.adapter.buffer_bytes;
        if bytes > limit {
            return Err(Error::DeviceLimit { what: "bytes of a buffer", needed: bytes, limit });
        }
        Ok(bytes.next_multiple_of(4))
    }

    fn made(&self, raw: wgpu::Buffer, bytes: u64) -> Result<Buffer> {
        self.0.faults.check().map_err(|fault| match fault {
            Error::DeviceMemory { .. } => Error::DeviceMemory { bytes },
            other => other,
        })?;
        Ok(Buffer { raw })
    }
}
