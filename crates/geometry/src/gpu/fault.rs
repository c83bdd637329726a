//! What goes wrong on a device, kept until someone asks.

use std::sync::{Arc, Mutex, PoisonError};

use crate::{Error, Result};

/// The first fault since the last question. A lost device stays lost.
#[derive(Default)]
pub(super) struct Faults(Mutex<Option<Error>>);

impl Faults {
    /// Listens to a device. Otherwise its errors would end the program.
    pub fn watch(self: &Arc<Self>, device: &wgpu::Device) {
        let faults = Arc::clone(self);
        device.on_uncaptured_error(Arc::new(move |error| {
            faults.report(match error {
                wgpu::Error::OutOfMemory { .. } => Error::DeviceMemory { bytes: 0 },
                other => Error::DeviceLost { reason: other.to_string() },
            });
        }));
        let faults = Arc::clone(self);
        device.set_device_lost_callback(move |_, reason| faults.report(Error::DeviceLost { reason }));
    }

    pub fn report(&self, fault: Error) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(fault);
    }

    /// The fault, if there was one.
    pub fn check(&self) -> Result<()> {
        let mut fault = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match fault.clone() {
            Some(lost @ Error::DeviceLost { .. }) => Err(lost),
            Some(other) => {
                *fault = None;
                Err(other)
            }
            None => Ok(()),
        }
    }
}
