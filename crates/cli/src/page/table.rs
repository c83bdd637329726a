//! Tables, and numbers that a program can read back.

use serde_json::Value;

use super::markup::{Html, element};
use crate::report::{number, significant};

/// A number as a reader likes it, with all of its digits for a program beside it.
pub fn value(value: f64, shown: impl std::fmt::Display) -> Html {
    element("data").with("value", format!("{value:?}")).text(shown)
}

/// A length with its unit, to four digits.
pub fn metres(length: f64) -> Html {
    value(length, format!("{}\u{a0}m", significant(length, 4)))
}

/// A table whose rows have names.
pub struct Table {
    caption: Html,
    head: Vec<String>,
    rows: Vec<Html>,
    class: &'static str,
}

impl Table {
    /// An empty table with the names of its columns, that of the rows' names first.
    pub fn new<const N: usize>(caption: impl std::fmt::Display, head: [&str; N]) -> Self {
        Self {
            caption: Html::text(caption),
            head: head.map(String::from).into(),
            rows: Vec::new(),
            class: "wide",
        }
    }

    /// A table of numbers, which stand at the right.
    pub fn numeric(self) -> Self {
        Self { class: "wide numbers", ..self }
    }

    /// Adds a row.
    pub fn row(&mut self, name: impl std::fmt::Display, cells: impl IntoIterator<Item = Html>) {
        let head = element("th").with("scope", "row").text(name);
        let cells = cells.into_iter().map(|cell| element("td").around(cell));
        let row: Html = [head].into_iter().chain(cells).collect();
        self.rows.push(element("tr").around(row));
    }

    /// The table, in a frame of its own that scrolls if it is too wide; nothing without rows.
    pub fn finish(self) -> Html {
        if self.rows.is_empty() {
            return Html::default();
        }
        let name = |name: &String| element("th").with("scope", "col").text(name);
        let head =
            element("thead").around(element("tr").around(self.head.iter().map(name).collect::<Html>()));
        let body = element("tbody").around(self.rows.into_iter().collect::<Html>());
        let table = element("table").around([element("caption").around(self.caption), head, body]);
        element("div").with("class", self.class).around(table)
    }
}

/// Everything that a JSON value holds, a row for every leaf.
pub fn of_json(caption: &str, json: &Value) -> Html {
    let mut table = Table::new(caption, ["name", "value"]);
    add(&mut table, String::new(), json);
    table.finish()
}

fn add(table: &mut Table, name: String, json: &Value) {
    let below = |key: &str| if name.is_empty() { key.to_owned() } else { format!("{name}.{key}") };
    match json {
        Value::Object(entries) => entries.iter().for_each(|(key, entry)| add(table, below(key), entry)),
        Value::Array(entries) if entries.iter().any(|entry| entry.is_object() || entry.is_array()) => {
            entries
                .iter()
                .enumerate()
                .for_each(|(index, entry)| add(table, below(&index.to_string()), entry));
        }
        Value::Array(entries) => {
            let space = || Html::text(" ");
            let cells = entries.iter().flat_map(|entry| [leaf(entry), space()]).collect();
            table.row(name, [if entries.is_empty() { Html::text("none") } else { cells }]);
        }
        entry => table.row(name, [leaf(entry)]),
    }
}

fn leaf(entry: &Value) -> Html {
    match entry {
        Value::Null => Html::text("none"),
        Value::Bool(flag) => Html::text(if *flag { "yes" } else { "no" }),
        Value::Number(given) => match given.as_f64() {
            // A whole number is shown with all of its digits.
            Some(_) if !given.is_f64() => element("data").with("value", given).text(given),
            Some(float) => value(float, number(float)),
            None => Html::text(given),
        },
        Value::String(text) => Html::text(text),
        other => Html::text(other),
    }
}
