//! `barrow devices`: what can compute here, and how fast.

mod rate;

use anyhow::Result;
use barrow::geometry::{Adapter, AdapterKind, Backend, Gpu};
use clap::Args;
use serde::Serialize;

use self::rate::dense_rate;
use crate::crossover::Crossover;
use crate::failure::Ending;
use crate::progress::Progress;
use crate::report::{Lines, Report, number, print};
use crate::settings::Settings;

/// List the devices that can compute, which of them are taken, and how fast they are.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  barrow devices
  barrow devices --json

The dense rate is how many pairs of points the soft minimum of entropic transport weighs in a second \
where no pair can be left out. --device auto takes a device from sizes on that its kind decides; an \
adapter in software, which is the processor in disguise, it never takes.")]
pub struct Options {}

#[derive(Debug, Serialize)]
struct DevicesReport {
    adapters: Vec<AdapterReport>,
    gpu: Choice,
    auto: Choice,
    /// From how much work on `auto` takes its adapter.
    crossover: Option<Crossover>,
    pairs_per_second: Rates,
}

#[derive(Debug, Serialize)]
struct AdapterReport {
    name: String,
    interface: String,
    driver: String,
    kind: &'static str,
    limits: Limits,
    features: Features,
}

#[derive(Debug, Serialize)]
struct Limits {
    buffer_bytes: u64,
    workgroups: u32,
    workgroup_bytes: u32,
}

#[derive(Debug, Serialize)]
struct Features {
    subgroups: bool,
    half_floats: bool,
    timestamps: bool,
}

/// What a value of `--device` takes.
#[derive(Debug, Serialize)]
struct Choice {
    /// Index among the adapters.
    adapter: Option<usize>,
    why: String,
}

/// What was measured [1/s].
#[derive(Debug, Serialize)]
struct Rates {
    cpu: Option<f64>,
    gpu: Option<f64>,
}

/// Looks for adapters, opens the best of them and measures.
///
/// # Errors
/// If standard output cannot be written. That there is no adapter is an answer.
pub fn run(_: &Options, settings: &Settings) -> Result<Ending> {
    let progress = Progress::new(settings.progress, "measuring");
    let adapters = Gpu::adapters();
    let opened = Gpu::open();
    let gpu = match &opened {
        Ok(_) => Choice { adapter: Some(0), why: "the best of this machine".into() },
        Err(error) => Choice { adapter: None, why: error.to_string() },
    };
    let kind = opened.as_ref().ok().map(|gpu| gpu.adapter().kind);
    let crossover = kind.map(Crossover::of).filter(|crossover| crossover.pairs.is_some());
    let auto = match (kind, crossover) {
        (None, _) => Choice { adapter: None, why: gpu.why.clone() },
        (Some(_), Some(_)) => Choice { adapter: Some(0), why: "for enough work".into() },
        (Some(kind), None) => {
            Choice { adapter: None, why: format!("a {} adapter is no faster than the processor", name(kind)) }
        }
    };
    let rate = |backend: Backend| match dense_rate(&backend) {
        Ok(rate) => Some(rate),
        Err(error) => {
            settings.note(format!("no rate was measured: {error}"));
            None
        }
    };
    let pairs_per_second =
        Rates { cpu: rate(Backend::Cpu), gpu: opened.ok().and_then(|gpu| rate(Backend::Gpu(gpu))) };
    drop(progress);
    let adapters = adapters.into_iter().map(AdapterReport::from).collect();
    print(&DevicesReport { adapters, gpu, auto, crossover, pairs_per_second }, settings)?;
    Ok(Ending::Done)
}

impl From<Adapter> for AdapterReport {
    fn from(adapter: Adapter) -> Self {
        Self {
            kind: name(adapter.kind),
            limits: Limits {
                buffer_bytes: adapter.buffer_bytes,
                workgroups: adapter.workgroups,
                workgroup_bytes: adapter.workgroup_bytes,
            },
            features: Features {
                subgroups: adapter.subgroups,
                half_floats: adapter.half_floats,
                timestamps: adapter.timestamps,
            },
            name: adapter.name,
            interface: adapter.interface,
            driver: adapter.driver,
        }
    }
}

/// The name of a kind in an answer.
fn name(kind: AdapterKind) -> &'static str {
    match kind {
        AdapterKind::Discrete => "discrete",
        AdapterKind::Integrated => "integrated",
        AdapterKind::Virtual => "virtual",
        AdapterKind::Software => "software",
        _ => "other",
    }
}

impl Report for DevicesReport {
    fn text(&self) -> String {
        let mut lines = Lines::default();
        for (index, adapter) in self.adapters.iter().enumerate() {
            lines.add(format!("adapter {index}"), adapter.text());
        }
        lines.add("--device gpu", self.gpu.text("ends with exit code 5"));
        lines.add("--device auto", self.auto.text("stays on the processor"));
        lines.add_some("from", self.crossover.map(|crossover| crossover.text()));
        lines.add_some("dense rate, cpu", self.pairs_per_second.cpu.map(rate_text));
        lines.add_some("dense rate, gpu", self.pairs_per_second.gpu.map(rate_text));
        lines.text()
    }
}

impl AdapterReport {
    fn text(&self) -> String {
        let Limits { buffer_bytes, workgroups, workgroup_bytes } = self.limits;
        let Features { subgroups, half_floats, timestamps } = self.features;
        let features = [("subgroups", subgroups), ("half floats", half_floats), ("timestamps", timestamps)];
        let those = |there: bool| {
            let names: Vec<_> =
                features.iter().filter(|feature| feature.1 == there).map(|feature| feature.0).collect();
            if names.is_empty() { "nothing".into() } else { names.join(", ") }
        };
        format!(
            "{}\n{}, {}, driver {}\n\
             buffers up to {} MiB, {workgroups} workgroups along an axis, {} KiB in a workgroup\n\
             has {}; lacks {}",
            self.name,
            self.kind,
            self.interface,
            self.driver,
            number((buffer_bytes >> 20) as f64),
            workgroup_bytes >> 10,
            those(true),
            those(false),
        )
    }
}

impl Choice {
    fn text(&self, otherwise: &str) -> String {
        match self.adapter {
            Some(index) => format!("takes adapter {index}: {}", self.why),
            None => format!("{otherwise}: {}", self.why),
        }
    }
}

impl Crossover {
    fn text(self) -> String {
        let counted =
            [(self.pairs, "pairs of points"), (self.keys, "projected points"), (self.points, "points")];
        let from =
            |(least, unit): (Option<f64>, &str)| least.map(|least| format!("{} {unit}", number(least)));
        counted.into_iter().filter_map(from).collect::<Vec<_>>().join(", ")
    }
}

fn rate_text(rate: f64) -> String {
    format!("{rate:.2e} pairs/s")
}
