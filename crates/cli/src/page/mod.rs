//! One self-contained page: pictures, numbers, curves and tables in one file that opens from the disk.
//!
//! It is valid HTML and well-formed XML at once, runs no script, asks for nothing (a policy in its head forbids it to), follows
//! the reader's scheme, fits a telephone and prints.

mod axis;
mod curve;
mod facts;
mod figure;
mod histogram;
mod markup;
mod plot;
mod table;
mod trace;

pub use self::axis::Axis;
pub use self::curve::{Band, Chart, Curve, Point};
pub use self::facts::{Fact, facts, files, made_by};
pub use self::figure::{drawing, figure, folded, key, picture, side_by_side};
pub use self::histogram::{Distances, Histogram};
pub use self::markup::{Html, element};
pub use self::table::{Table, metres, of_json, value};
pub use self::trace::{Seen, Trace};

/// The look of a page.
const STYLE: &str = include_str!("style.css");

/// What a page may load: its own pictures and its own style.
const POLICY: &str = "default-src 'none'; img-src data:; style-src 'unsafe-inline'";

/// A page that is being written.
pub struct Page {
    title: String,
    header: Html,
    sections: Vec<Html>,
}

impl Page {
    /// A page with a title and what stands beneath it.
    pub fn new(title: &str, beneath: impl Into<Html>) -> Self {
        let header = element("header").around([element("h1").text(title), beneath.into()]);
        Self { title: title.into(), header, sections: Vec::new() }
    }

    /// Adds a section, if there is anything in it.
    pub fn section(&mut self, heading: &str, content: impl Into<Html>) {
        let content = content.into();
        if content.is_empty() {
            return;
        }
        let name = format!("section-{}", self.sections.len() + 1);
        let heading = element("h2").with("id", &name).text(heading);
        let section = element("section").with("aria-labelledby", &name);
        self.sections.push(section.around([heading, content]));
    }

    /// The file.
    pub fn into_bytes(self) -> Vec<u8> {
        let meta = |name, content| element("meta").with("name", name).with("content", content).empty();
        let head = element("head").around([
            element("meta").with("charset", "utf-8").empty(),
            element("meta").with("http-equiv", "Content-Security-Policy").with("content", POLICY).empty(),
            meta("viewport", "width=device-width, initial-scale=1"),
            meta("color-scheme", "light dark"),
            meta("generator", concat!("barrow ", env!("CARGO_PKG_VERSION"))),
            // Without an icon of its own, a page that is served has the browser ask for one.
            element("link").with("rel", "icon").with("href", "data:,").empty(),
            element("title").text(&self.title),
            Html::style(STYLE),
        ]);
        let sections: Html = self.sections.into_iter().collect();
        let body = element("body").around([self.header, element("main").around(sections)]);
        let html = element("html").with("lang", "en").around([head, body]);
        format!("<!DOCTYPE html>\n{}\n", html.into_string()).into_bytes()
    }
}
