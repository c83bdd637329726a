//! The command line as typed.

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::{
    completions, convert, deform, devices, distance, evaluate, info, interpolate, manual, matching, odometry,
    register, synth, view,
};

/// Match 3D point clouds: distances, optimal transport, registration.
#[derive(Debug, Parser)]
#[command(name = "barrow", version, arg_required_else_help = true, max_term_width = 100)]
#[command(after_help = "\
Examples:
  barrow info scan.pcd                                what a file holds
  barrow register source.ply target.ply --out T.txt   the pose that moves source onto target
  barrow distance a.ply b.ply --metric sinkhorn       how far apart two clouds are
  barrow register --help                              all options of a subcommand

Lengths are in the unit of the clouds, called metres. Source comes first, target second, always.
Exit codes: 0 done, 2 wrong usage, 3 bad input, 4 not reached what was asked, 5 no such device, \
130 interrupted.")]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// Options of every subcommand.
    #[command(flatten)]
    pub common: Common,
}

/// One variant per subcommand.
#[derive(Debug, Subcommand)]
pub enum Command {
    Info(info::Options),
    Convert(convert::Options),
    Deform(deform::Options),
    Distance(distance::Options),
    Match(matching::Options),
    Interpolate(interpolate::Options),
    Register(register::Options),
    Odometry(odometry::Options),
    Evaluate(evaluate::Options),
    View(Box<view::Options>),
    Synth(synth::Options),
    Devices(devices::Options),
    Completions(completions::Options),
    Manual(manual::Options),
}

/// Options of every subcommand.
#[derive(Debug, Args)]
#[command(next_help_heading = "Options of every subcommand")]
pub struct Common {
    /// Print exactly one JSON value on standard output.
    #[arg(long, global = true)]
    pub json: bool,
    /// Worker threads [default: one per core]; the same bits come out for every N.
    #[arg(long, global = true, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub threads: Option<u16>,
    /// Where dense work runs.
    #[arg(long, global = true, value_enum, default_value_t = Device::Auto)]
    pub device: Device,
    /// Seed of every random draw.
    #[arg(long, global = true, value_name = "N", default_value_t = 0)]
    pub seed: u64,
    /// No messages on standard error but errors.
    #[arg(long, global = true)]
    pub quiet: bool,
    /// No progress bars; without this they appear on a terminal when work lasts.
    #[arg(long, global = true)]
    pub no_progress: bool,
}

/// Where dense work runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Device {
    /// Whatever suits the size of the work, the processor if a device fails; the result says what ran and why.
    Auto,
    /// The processor.
    Cpu,
    /// A graphics device, or exit code 5. What has no engine for one runs on the processor and says so.
    Gpu,
}
