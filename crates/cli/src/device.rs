//! Which device runs a piece of work, and what becomes of the work where it fails.

use anyhow::{Context, Result};
use barrow::geometry::{Backend, Gpu};
use serde::Serialize;

use crate::arguments::Device;
use crate::crossover::Work;
use crate::report::count;
use crate::settings::Settings;

/// Where dense work ran, and why there.
#[derive(Debug, Clone, Serialize)]
pub struct DeviceReport {
    /// `cpu`, or `gpu` and the name of the adapter.
    pub ran: String,
    /// What decided it.
    pub why: String,
    /// Whether a reader is told, too.
    #[serde(skip)]
    notable: bool,
}

impl DeviceReport {
    fn cpu(why: impl Into<String>) -> Self {
        Self { ran: "cpu".into(), why: why.into(), notable: false }
    }

    fn gpu(gpu: &Gpu, why: impl Into<String>) -> Self {
        Self { ran: format!("gpu {}", gpu.adapter().name), why: why.into(), notable: true }
    }

    /// One line for a reader, where it is not what they would expect.
    pub fn text(&self) -> Option<String> {
        self.notable.then(|| format!("{}: {}", self.ran, self.why))
    }
}

/// What `--device` asks for.
#[derive(Debug, Clone)]
pub enum Wanted {
    /// Whatever suits the size of the work.
    Auto,
    /// The processor.
    Cpu,
    /// This device.
    Gpu(Gpu),
}

/// Why work ran where `--device` says.
const ASKED: &str = "asked for";

impl Wanted {
    /// Opens the device if one is asked for.
    ///
    /// # Errors
    /// If there is none.
    pub fn new(device: Device) -> Result<Self> {
        Ok(match device {
            Device::Auto => Self::Auto,
            Device::Cpu => Self::Cpu,
            Device::Gpu => Self::Gpu(Gpu::open().context("--device gpu")?),
        })
    }

    /// Where work runs that no device has an engine for; `what` is its subject.
    pub fn cpu_only(&self, what: &str) -> DeviceReport {
        let why = format!("{what} runs on the processor only");
        match self {
            Self::Cpu => DeviceReport::cpu(ASKED),
            Self::Auto => DeviceReport::cpu(why),
            Self::Gpu(_) => DeviceReport { notable: true, ..DeviceReport::cpu(why) },
        }
    }

    /// Where work runs for which a device must be asked for, as it has to be too little for one; `why` says so.
    pub fn if_asked(&self, why: &str) -> (Backend, DeviceReport) {
        match self {
            Self::Cpu => (Backend::Cpu, DeviceReport::cpu(ASKED)),
            Self::Auto => (Backend::Cpu, DeviceReport::cpu(why)),
            Self::Gpu(gpu) => (Backend::Gpu(gpu.clone()), DeviceReport::gpu(gpu, ASKED)),
        }
    }
}

/// What `--device auto` takes for some work: a device, or none for a reason.
fn auto(work: Work) -> std::result::Result<(Gpu, String), String> {
    let amount = count(work.amount() as usize);
    let few = |least: f64| {
        format!("{amount} {} are less than the {} that pay for a device", work.unit(), count(least as usize))
    };
    // Looking for an adapter takes up to a tenth of a second.
    if work.amount() < work.least() {
        return Err(few(work.least()));
    }
    let gpu = Gpu::open().map_err(|error| error.to_string())?;
    let adapter = gpu.adapter();
    match work.least_on(adapter.kind) {
        None => Err(format!("{} is not faster at {}", adapter.name, work.unit())),
        Some(least) if work.amount() < least => Err(few(least)),
        Some(_) => {
            let why = format!("{amount} {}", work.unit());
            Ok((gpu, why))
        }
    }
}

impl Settings {
    /// Runs work where it is to run. With `--device auto` a device that fails hands it back to the processor.
    ///
    /// # Errors
    /// Those of the work; of a device only where it was asked for.
    pub fn dense<T>(
        &self,
        work: Work,
        mut run: impl FnMut(&Backend) -> Result<T>,
    ) -> Result<(T, DeviceReport)> {
        match &self.device {
            Wanted::Cpu => Ok((run(&Backend::Cpu)?, DeviceReport::cpu(ASKED))),
            Wanted::Gpu(gpu) => Ok((run(&Backend::Gpu(gpu.clone()))?, DeviceReport::gpu(gpu, ASKED))),
            Wanted::Auto => match auto(work) {
                Ok((gpu, why)) => try_on(&gpu, why, run),
                Err(why) => Ok((run(&Backend::Cpu)?, DeviceReport::cpu(why))),
            },
        }
    }
}

/// Runs work on a device and, if that fails, on the processor.
fn try_on<T>(
    gpu: &Gpu,
    why: String,
    mut run: impl FnMut(&Backend) -> Result<T>,
) -> Result<(T, DeviceReport)> {
    match run(&Backend::Gpu(gpu.clone())) {
        Ok(answer) => Ok((answer, DeviceReport::gpu(gpu, why))),
        Err(failure) => {
            // What is wrong with the question itself, the processor finds as well.
            let answer = run(&Backend::Cpu)?;
            let why = format!("gpu {}: {failure:#}, so cpu", gpu.adapter().name);
            Ok((answer, DeviceReport { notable: true, ..DeviceReport::cpu(why) }))
        }
    }
}

#[cfg(test)]
mod tests {
    use anyhow::bail;
    use barrow::geometry::{Backend, Error, Gpu};

    use super::try_on;

    #[test]
    fn what_a_device_fails_at_the_processor_does() {
        let gpu = match Gpu::open() {
            Ok(gpu) => gpu,
            Err(error) => {
                assert!(std::env::var_os("BARROW_REQUIRE_GPU").is_none(), "{error}");
                eprintln!("SKIPPED, nothing was tested: {error}");
                return;
            }
        };
        let fails_on_device = |backend: &Backend| match backend {
            Backend::Cpu => Ok(7),
            _ => Err(Error::DeviceLost { reason: "pulled out".into() }.into()),
        };
        let (answer, report) = try_on(&gpu, "large".into(), fails_on_device).expect("an answer");
        let why = format!("gpu {}: the device was lost: pulled out, so cpu", gpu.adapter().name);
        assert_eq!((answer, report.ran.as_str(), &report.why), (7, "cpu", &why));
        assert!(report.text().is_some());

        let (answer, report) = try_on(&gpu, "large".into(), |_| Ok(8)).expect("an answer");
        assert_eq!((answer, report.ran.starts_with("gpu "), report.why.as_str()), (8, true, "large"));

        let wrong_question = |backend: &Backend| -> anyhow::Result<()> {
            bail!(if matches!(backend, Backend::Cpu) { "the question" } else { "the device" })
        };
        let error = try_on(&gpu, String::new(), wrong_question).expect_err("no answer");
        assert_eq!(error.to_string(), "the question");
    }
}
