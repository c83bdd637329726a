//! What can go wrong, as the caller of a process sees it: exit codes and messages.

use std::fmt;
use std::io::Write;
use std::process::ExitCode;

/// How a command ended that has an answer to show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// The question is answered.
    Done,
    /// Some of the inputs have an answer; what is wrong with the others has been told.
    SomeRefused,
    /// The best answer found is printed, but it is not what was asked for.
    Missed,
    /// The answer so far is printed; the user stopped the work.
    Interrupted,
}

impl From<Ending> for ExitCode {
    fn from(ending: Ending) -> Self {
        Self::from(match ending {
            Ending::Done => 0,
            Ending::SomeRefused => 3,
            Ending::Missed => 4,
            Ending::Interrupted => 130,
        })
    }
}

/// Options that contradict each other or do not belong to what was asked.
#[derive(Debug)]
struct Usage(String);

impl fmt::Display for Usage {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl std::error::Error for Usage {}

/// An error that calls for wrong usage, exit code 2.
pub fn usage(message: impl Into<String>) -> anyhow::Error {
    Usage(message.into()).into()
}

/// Whether an error is about a device: there is none, or it is lost, or too small for the work.
pub fn is_of_device(error: &anyhow::Error) -> bool {
    use barrow::geometry::Error::{DeviceLimit, DeviceLost, DeviceMemory, NoDevice};
    let of_device = |link: &(dyn std::error::Error + 'static)| {
        let cause = match link.downcast_ref() {
            Some(barrow::registration::Error::Geometry(cause)) => Some(cause),
            _ => link.downcast_ref(),
        };
        matches!(cause, Some(NoDevice { .. } | DeviceLost { .. } | DeviceMemory { .. } | DeviceLimit { .. }))
    };
    error.chain().any(of_device)
}

/// What to do where there is nothing to draw with, or nowhere to draw on; `None` for any other error.
fn hint_of_view(error: &anyhow::Error) -> Option<&'static str> {
    use barrow_viewer::Error::{Broken, NoDevice, NoDisplay};
    error.chain().find_map(|link| match link.downcast_ref()? {
        NoDisplay { .. } | Broken { .. } => Some("--screenshot FILE.png draws without a window"),
        NoDevice { .. } => {
            Some("a Vulkan driver in software, such as Mesa's lavapipe, draws without a graphics card")
        }
        _ => None,
    })
}

/// A remedy that travels with an error and is printed on a line of its own.
#[derive(Debug)]
pub struct Hint(pub String);

impl fmt::Display for Hint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// An error as the user meets it.
#[derive(Debug, PartialEq, Eq)]
pub struct Failure {
    /// Exit code of the contract.
    pub code: u8,
    /// The file, the place, the value, and what would be accepted, on one line.
    pub message: String,
    /// What to try instead.
    pub hint: Option<String>,
}

impl From<&anyhow::Error> for Failure {
    fn from(error: &anyhow::Error) -> Self {
        let of_view = hint_of_view(error);
        let code = match error.downcast_ref::<Usage>() {
            Some(_) => 2,
            None if of_view.is_some() || is_of_device(error) => 5,
            // Every other error is about the input.
            None => 3,
        };
        let hint = match code {
            5 => Some(of_view.unwrap_or("--device auto or cpu does without").to_owned()),
            _ => error.downcast_ref::<Hint>().map(|hint| hint.0.clone()),
        };
        let mut parts: Vec<String> = Vec::new();
        for link in error.chain().map(ToString::to_string) {
            // The hint has its own line, and many libraries repeat their cause in their own message.
            let repeated = parts.last().is_some_and(|said| said.contains(&link));
            if !repeated && hint.as_ref() != Some(&link) {
                parts.push(link);
            }
        }
        Self { code, message: parts.join(": "), hint }
    }
}

impl Failure {
    /// Tells the user on standard error.
    pub fn tell(&self) {
        let mut text = format!("error: {}\n", self.message);
        if let Some(hint) = &self.hint {
            text += &format!("hint: {hint}\n");
        }
        // Where there is nobody to tell, the exit code still says it.
        drop(std::io::stderr().write_all(text.as_bytes()));
    }

    /// Tells a program that asked for JSON, so that standard output holds one value whatever happens.
    pub fn tell_json(&self) {
        let value = serde_json::json!({ "error": self.message, "hint": self.hint, "exit_code": self.code });
        drop(writeln!(std::io::stdout(), "{value}"));
    }
}
