//! What a progress bar is.

use std::io::IsTerminal;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Work that ends sooner shows no bar.
const PATIENCE: Duration = Duration::from_millis(500);
/// Time between two frames of a bar that nobody advances.
const FRAME: Duration = Duration::from_millis(100);

/// A bar on standard error that appears only on a terminal and only if the work lasts.
///
/// It goes away when dropped and leaves the terminal as it was.
pub struct Progress {
    shown: Option<Shown>,
}

struct Shown {
    bar: ProgressBar,
    /// Closed to say that the work is over.
    over: Option<Sender<()>>,
    waiter: Option<JoinHandle<()>>,
}

impl Progress {
    /// Work that begins now.
    pub fn new(wanted: bool, label: impl Into<String>) -> Self {
        if !wanted || !std::io::stderr().is_terminal() {
            return Self { shown: None };
        }
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
        bar.set_style(style("{spinner:.cyan} {prefix} {elapsed} {wide_msg:.dim}"));
        bar.set_prefix(label.into());
        let (over, wait) = channel();
        let waiting = bar.clone();
        let waiter = std::thread::spawn(move || appear_later(&waiting, &wait));
        Self { shown: Some(Shown { bar, over: Some(over), waiter: Some(waiter) }) }
    }

    /// Part `done` of `all` is done, and `message` tells more; it is called only if there is a bar.
    pub fn at(&self, done: usize, all: usize, message: impl FnOnce() -> String) {
        let Some(Shown { bar, .. }) = &self.shown else { return };
        if bar.length() != Some(all as u64) {
            bar.set_style(style("{spinner:.cyan} {prefix} {bar:24.cyan/black} {elapsed} {wide_msg:.dim}"));
            bar.set_length(all as u64);
        }
        bar.set_position(done as u64);
        bar.set_message(message());
    }

    /// What is being done, where nobody knows how much there is to do.
    pub fn say(&self, message: impl FnOnce() -> String) {
        if let Some(Shown { bar, .. }) = &self.shown {
            bar.set_message(message());
        }
    }
}

/// A style from a template of this file.
fn style(template: &str) -> ProgressStyle {
    let style = ProgressStyle::with_template(template);
    style.unwrap_or_else(|_| ProgressStyle::default_spinner()).progress_chars("━━─")
}

fn appear_later(bar: &ProgressBar, wait: &Receiver<()>) {
    if wait.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout) {
        bar.set_draw_target(ProgressDrawTarget::stderr());
        bar.enable_steady_tick(FRAME);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        let Some(shown) = &mut self.shown else { return };
        drop(shown.over.take());
        if let Some(waiter) = shown.waiter.take() {
            // The waiter only draws; if it failed there is no bar to remove.
            drop(waiter.join());
        }
        shown.bar.finish_and_clear();
    }
}
