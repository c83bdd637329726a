//! Markup that cannot be broken by what it holds: text enters a page through [`escaped`] alone.

use std::fmt::{Display, Write as _};

/// Elements that HTML closes by themselves; every other one needs an end tag, even if it is empty.
const VOID: [&str; 3] = ["img", "link", "meta"];

/// A piece of a page: well-formed as XML and valid as HTML.
#[derive(Debug, Clone, Default)]
pub struct Html(String);

impl Html {
    /// Text, whatever characters it holds.
    pub fn text(text: impl Display) -> Self {
        Self(escaped(text))
    }

    /// A style sheet. HTML takes its content as it stands, and so it may hold nothing that XML would read as markup.
    pub fn style(sheet: &'static str) -> Self {
        debug_assert!(!sheet.contains(['<', '&']), "a style sheet with markup in it");
        Self(format!("<style>\n{sheet}</style>"))
    }

    /// Whether nothing is there.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// As it stands in a file.
    pub fn into_string(self) -> String {
        self.0
    }
}

impl FromIterator<Html> for Html {
    fn from_iter<I: IntoIterator<Item = Html>>(pieces: I) -> Self {
        Self(pieces.into_iter().map(|piece| piece.0).collect())
    }
}

impl<const N: usize> From<[Html; N]> for Html {
    fn from(pieces: [Html; N]) -> Self {
        pieces.into_iter().collect()
    }
}

/// An element that is being made.
#[derive(Debug)]
pub struct Element {
    name: &'static str,
    open: String,
}

/// Begins an element.
pub fn element(name: &'static str) -> Element {
    Element { name, open: format!("<{name}") }
}

impl Element {
    /// Adds an attribute.
    pub fn with(mut self, attribute: &'static str, value: impl Display) -> Self {
        // Writing to a string does not fail.
        let _ = write!(self.open, " {attribute}=\"{}\"", escaped(value));
        self
    }

    /// The element around other pieces.
    pub fn around(self, content: impl Into<Html>) -> Html {
        let Html(content) = content.into();
        Html(format!("{}>{content}</{}>", self.open, self.name))
    }

    /// The element around a text.
    pub fn text(self, text: impl Display) -> Html {
        self.around(Html::text(text))
    }

    /// The element with nothing in it.
    pub fn empty(self) -> Html {
        if VOID.contains(&self.name) { Html(self.open + "/>") } else { self.around([]) }
    }
}

/// Text with everything replaced that would be read as markup, or that no document may hold.
fn escaped(text: impl Display) -> String {
    let mut safe = String::new();
    for character in text.to_string().chars() {
        match character {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            '\n' | '\t' => safe.push(character),
            // Control characters, and those that turn the direction of what follows, are shown to be there.
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{fffe}' | '\u{ffff}' => {
                safe.push('\u{fffd}')
            }
            character if character.is_control() => safe.push('\u{fffd}'),
            character => safe.push(character),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::{Html, element};

    #[test]
    fn nothing_that_is_put_in_can_become_markup() {
        let hostile = "<script>alert('x')</script>&\"\u{0}\u{1b}\u{202e}";
        let piece = element("p").with("title", hostile).text(hostile).into_string();
        let safe = "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&amp;&quot;\u{fffd}\u{fffd}\u{fffd}";
        assert_eq!(piece, format!("<p title=\"{safe}\">{safe}</p>"));
    }

    #[test]
    fn elements_end_as_both_languages_want_it() {
        let pieces: Html = [element("img").with("alt", "").empty(), element("td").empty()].into();
        assert_eq!(pieces.into_string(), "<img alt=\"\"/><td></td>");
    }
}
