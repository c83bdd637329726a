//! `barrow manual`: the help of every subcommand as pages for `man`.

use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::{Args, CommandFactory};
use clap_mangen::Man;
use serde::Serialize;

use crate::arguments::Arguments;
use crate::failure::Ending;
use crate::output;
use crate::report::{Report, print};
use crate::settings::Settings;

/// Write a page for man of this command and of each subcommand.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  barrow manual --out ~/.local/share/man/man1    then: man barrow-register")]
pub struct Options {
    /// Folder of the pages; made if it is not there.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

#[derive(Debug, Serialize)]
struct ManualReport {
    written: Vec<String>,
}

impl Report for ManualReport {
    fn text(&self) -> String {
        self.written.join("\n")
    }
}

/// Writes the pages: `DIR/barrow.1`, `DIR/barrow-register.1`, ….
///
/// # Errors
/// If the folder cannot be made or written.
pub fn run(options: &Options, settings: &Settings) -> Result<Ending> {
    let folder = &options.out;
    std::fs::create_dir_all(folder)
        .with_context(|| format!("{}: cannot be made a folder", folder.display()))?;
    let mut command = Arguments::command();
    // Gives every subcommand the options that all have.
    command.build();
    let mut written = Vec::new();
    let pages =
        std::iter::once(&command).chain(command.get_subcommands().filter(|part| part.get_name() != "help"));
    for page in pages {
        let name = page.get_display_name().unwrap_or_else(|| page.get_name()).to_owned();
        let mut text = Vec::new();
        Man::new(page.clone()).title(name.clone()).render(&mut text)?;
        let path = folder.join(format!("{name}.1"));
        output::write_whole(&path, &text)?;
        written.push(path.display().to_string());
    }
    print(&ManualReport { written }, settings)?;
    Ok(Ending::Done)
}
