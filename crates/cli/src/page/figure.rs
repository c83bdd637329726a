//! Figures: pictures and drawings with their captions.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::markup::{Html, element};
use crate::picture::Plate;

/// Something to look at and what it is.
pub fn figure(content: Html, caption: Html) -> Html {
    element("figure").around([content, element("figcaption").around(caption)])
}

/// A drawing with a caption of a title and a text.
pub fn drawing(content: Html, title: &str, text: &str) -> Html {
    let title = element("strong").text(title);
    figure(content, [title, Html::text(" "), Html::text(text)].into())
}

/// A picture that is part of the page.
pub fn picture(Plate { png, width, height }: &Plate, told: &str, caption: Html) -> Html {
    let image = element("img").with("src", format!("data:image/png;base64,{}", STANDARD.encode(png)));
    let image = image.with("width", width).with("height", height).with("alt", told);
    figure(image.empty(), caption)
}

/// A patch of a colour and what it stands for.
pub fn key(class: &str, word: &str) -> Html {
    let patch = element("span").with("class", format!("key {class}")).with("aria-hidden", "true").empty();
    element("span").with("class", "keyed").around([patch, Html::text(word)])
}

/// Figures side by side where there is room.
pub fn side_by_side(figures: impl IntoIterator<Item = Html>) -> Html {
    element("div").with("class", "pair").around(figures.into_iter().collect::<Html>())
}

/// What is shown only to those who ask for it.
pub fn folded(summary: &str, content: Html) -> Html {
    if content.is_empty() {
        return content;
    }
    element("details").around([element("summary").text(summary), content])
}
