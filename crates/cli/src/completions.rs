//! `barrow completions`: a script that completes the command's words in a shell.

use anyhow::Result;
use clap::{Args, CommandFactory};
use clap_complete::Shell;
use serde::Serialize;

use crate::arguments::Arguments;
use crate::failure::Ending;
use crate::report::{Report, print};
use crate::settings::Settings;

/// Print a script that completes the words of this command in a shell.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  barrow completions bash > ~/.local/share/bash-completion/completions/barrow
  barrow completions zsh > ~/.zfunc/_barrow
  barrow completions fish > ~/.config/fish/completions/barrow.fish")]
pub struct Options {
    /// The shell.
    shell: Shell,
}

#[derive(Debug, Serialize)]
struct CompletionsReport {
    shell: String,
    script: String,
}

impl Report for CompletionsReport {
    fn text(&self) -> String {
        self.script.trim_end().to_owned()
    }
}

/// Prints the script.
///
/// # Errors
/// If standard output cannot be written.
pub fn run(options: &Options, settings: &Settings) -> Result<Ending> {
    let mut script = Vec::new();
    clap_complete::generate(options.shell, &mut Arguments::command(), "barrow", &mut script);
    let script = String::from_utf8_lossy(&script).into_owned();
    print(&CompletionsReport { shell: options.shell.to_string(), script }, settings)?;
    Ok(Ending::Done)
}
