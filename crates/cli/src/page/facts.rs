//! The few numbers that matter most, and what made the page.

use std::path::Path;

use barrow::geometry::PointCloud;

use super::markup::{Html, element};
use super::table::{Table, value};
use crate::clouds::{LoadedPair, Pair, name};
use crate::device::DeviceReport;
use crate::report::{Seconds, count};

/// A number with its name.
pub struct Fact {
    /// What it is.
    pub name: &'static str,
    /// The number, with its unit.
    pub value: Html,
    /// What it is measured against.
    pub note: String,
}

impl Fact {
    /// How long it took.
    pub fn time(seconds: &Seconds) -> Self {
        let all = seconds.read + seconds.prepare + seconds.solve;
        Self { name: "time", value: value(all, format!("{all:.2} s")), note: seconds.text() }
    }
}

/// Names and sizes of both clouds, with a word between them.
pub fn files(pair: &Pair, clouds: &LoadedPair, word: &str) -> Html {
    let side = |path: &Path, cloud: &PointCloud| -> Html {
        [element("bdi").text(name(path)), Html::text(format!(" ({} points)", count(cloud.len())))].into()
    };
    let between = Html::text(format!(" {word} "));
    let (source, target) = (side(&pair.source, &clouds.source), side(&pair.target, &clouds.target));
    element("p").with("class", "files").around([source, between, target])
}

/// Numbers as a row of cards.
pub fn facts(facts: impl IntoIterator<Item = Fact>) -> Html {
    let card = |Fact { name, value, note }: Fact| {
        let note = element("dd").with("class", "note").text(note);
        element("div").around([element("dt").text(name), element("dd").around(value), note])
    };
    element("dl").with("class", "facts").around(facts.into_iter().map(card).collect::<Html>())
}

/// What made the page: version, machine, device, and the command to make it again.
pub fn made_by(device: &DeviceReport) -> Html {
    let mut table = Table::new("What computed this", ["name", "value"]);
    let mut row = |name: &str, text: String| table.row(name, [Html::text(text)]);
    row("barrow", env!("CARGO_PKG_VERSION").into());
    row("built for", format!("{} {}", std::env::consts::ARCH, std::env::consts::OS));
    row("threads", rayon::current_num_threads().to_string());
    row("device", format!("{}: {}", device.ran, device.why));
    let given = std::env::args_os().skip(1).map(|word| quoted(&word.to_string_lossy()));
    let words = [String::from("barrow")].into_iter().chain(given);
    let command = element("pre").around(element("code").text(words.collect::<Vec<_>>().join(" ")));
    [table.finish(), element("p").with("class", "label").text("Command"), command].into()
}

/// A word of a command line, in quotes if a shell would take it for something else.
fn quoted(word: &str) -> String {
    let plain = |character: char| character.is_alphanumeric() || "-_./,:=+@%".contains(character);
    if !word.is_empty() && word.chars().all(plain) {
        word.into()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn words_survive_a_shell() {
        assert_eq!(
            ["a.ply", "--p=2", "", "a b", "it's", "$HOME"].map(quoted),
            ["a.ply", "--p=2", "''", "'a b'", r"'it'\''s'", "'$HOME'"]
        );
    }
}
