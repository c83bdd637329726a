//! The options of every subcommand as meant.

use std::fmt::Display;
use std::io::Write;

use anyhow::{Context, Result};

use crate::arguments::Common;
use crate::device::Wanted;

/// What every subcommand needs to know besides its own options.
#[derive(Debug, Clone)]
pub struct Settings {
    /// One JSON value on standard output instead of text.
    pub json: bool,
    /// Seed of every random draw.
    pub seed: u64,
    /// Whether progress bars are welcome.
    pub progress: bool,
    /// Where dense work is to run.
    pub device: Wanted,
    /// No messages but errors.
    pub quiet: bool,
}

impl Settings {
    /// Decides where work runs and with how many threads.
    ///
    /// # Errors
    /// If the device asked for is not there, or the threads cannot be started.
    pub fn new(common: &Common) -> Result<Self> {
        if let Some(threads) = common.threads {
            rayon::ThreadPoolBuilder::new()
                .num_threads(threads.into())
                .build_global()
                .with_context(|| format!("--threads {threads}: the threads could not be started"))?;
        }
        Ok(Self {
            json: common.json,
            seed: common.seed,
            progress: !common.quiet && !common.no_progress,
            device: Wanted::new(common.device)?,
            quiet: common.quiet,
        })
    }

    /// Tells the user something on standard error, unless they asked for silence.
    pub fn note(&self, message: impl Display) {
        if !self.quiet {
            // Where there is nobody to tell, the answer is still worth having.
            drop(writeln!(std::io::stderr(), "note: {message}"));
        }
    }
}
