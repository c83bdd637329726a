//! The command `barrow`: arguments in, one answer and an exit code out.

mod arguments;
mod certified;
mod clouds;
mod completions;
mod convert;
mod crossover;
mod deform;
mod device;
mod devices;
mod distance;
mod entropy;
mod evaluate;
mod failure;
mod info;
mod interpolate;
mod interrupt;
mod lettering;
mod manual;
mod matching;
mod multiway;
mod odometry;
mod output;
mod page;
mod picture;
mod pose;
mod progress;
mod register;
mod report;
mod settings;
mod synth;
mod view;
mod weights;

use std::process::ExitCode;

use anyhow::Result;
use clap::Parser;

use crate::arguments::{Arguments, Command};
use crate::failure::{Ending, Failure};
use crate::settings::Settings;

fn main() -> ExitCode {
    // Wrong usage ends here, with exit code 2 and a message that tells what would be accepted.
    let arguments = Arguments::parse();
    interrupt::listen();
    match run(&arguments) {
        Ok(ending) => ending.into(),
        Err(error) => {
            let failure = Failure::from(&error);
            failure.tell();
            if arguments.common.json {
                failure.tell_json();
            }
            failure.code.into()
        }
    }
}

fn run(arguments: &Arguments) -> Result<Ending> {
    let settings = Settings::new(&arguments.common)?;
    match &arguments.command {
        Command::Info(options) => info::run(options, &settings),
        Command::Convert(options) => convert::run(options, &settings),
        Command::Deform(options) => deform::run(options, &settings),
        Command::Distance(options) => distance::run(options, &settings),
        Command::Match(options) => matching::run(options, &settings),
        Command::Interpolate(options) => interpolate::run(options, &settings),
        Command::Register(options) => register::run(options, &settings),
        Command::Odometry(options) => odometry::run(options, &settings),
        Command::Evaluate(options) => evaluate::run(options, &settings),
        Command::View(options) => view::run(options, &settings),
        Command::Synth(options) => synth::run(options, &settings),
        Command::Devices(options) => devices::run(options, &settings),
        Command::Completions(options) => completions::run(options, &settings),
        Command::Manual(options) => manual::run(options, &settings),
    }
}
