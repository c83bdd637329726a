//! The frame that curves and bars are drawn in: a grid, ticks, labels.
//!
//! Colours are classes of the style sheet, so that a drawing follows the reader's scheme.

use super::axis::Axis;
use super::markup::{Element, Html, element};

/// Size of a drawing, and the space around what is drawn \[px\].
const WIDTH: f64 = 480.0;
const HEIGHT: f64 = 260.0;
const LEFT: f64 = 58.0;
const RIGHT: f64 = 16.0;
const TOP: f64 = 36.0;
const BOTTOM: f64 = 44.0;

/// Width of a letter, on average and with some space \[px\].
const LETTER: f64 = 6.5;

/// A drawing with two axes.
pub struct Plot {
    /// The axis along the bottom.
    pub x: Axis,
    /// The axis along the left side.
    pub y: Axis,
    /// What lies beneath the grid, and what above.
    ground: Vec<Html>,
    layers: Vec<Html>,
}

impl Plot {
    /// An empty frame.
    pub fn new(x: Axis, y: Axis) -> Self {
        Self { x, y, ground: Vec::new(), layers: Vec::new() }
    }

    /// Draws something above what is there.
    pub fn draw(&mut self, layer: Html) {
        self.layers.push(layer);
    }

    /// Column of a number \[px\].
    pub fn column(&self, x: f64) -> f64 {
        LEFT + self.x.part(x) * (WIDTH - LEFT - RIGHT)
    }

    /// Row of a number \[px\].
    pub fn row(&self, y: f64) -> f64 {
        HEIGHT - BOTTOM - self.y.part(y) * (HEIGHT - TOP - BOTTOM)
    }

    /// The outline through some points, a new one wherever a point begins.
    pub fn path(&self, points: impl IntoIterator<Item = (f64, f64, bool)>) -> Element {
        let place = |(x, y, begins): (f64, f64, bool)| {
            format!("{}{:.1},{:.1}", if begins { 'M' } else { 'L' }, self.column(x), self.row(y))
        };
        element("path").with("d", points.into_iter().map(place).collect::<Vec<_>>().join(" "))
    }

    /// A box between two columns and two rows, in numbers of the axes.
    pub fn bar(&self, [from, to]: [f64; 2], [low, high]: [f64; 2]) -> Element {
        let (left, right, top, bottom) = (self.column(from), self.column(to), self.row(high), self.row(low));
        let rectangle = element("rect").with("x", format!("{left:.1}")).with("y", format!("{top:.1}"));
        rectangle.with("width", format!("{:.1}", right - left)).with("height", format!("{:.1}", bottom - top))
    }

    /// A line over the whole height with a word at its top, `rank` lines below the first.
    pub fn mark(&mut self, x: f64, word: &str, rank: usize) {
        let (column, top) = (self.column(x), TOP + 10.0 + 13.0 * rank as f64);
        let line = path(format!("M{column:.1},{TOP} V{}", HEIGHT - BOTTOM)).with("class", "mark").empty();
        // Where there is no room on the right, the word stands on the left.
        let is_narrow = column + LETTER * word.chars().count() as f64 > WIDTH - RIGHT;
        let (offset, side) = if is_narrow { (-4.0, "end") } else { (4.0, "start") };
        self.draw([line, words(column + offset, top, side, word)].into());
    }

    /// A line over the whole width with a word at its beginning.
    pub fn level(&mut self, y: f64, word: &str) {
        let row = self.row(y);
        let line = path(format!("M{LEFT},{row:.1} H{}", WIDTH - RIGHT)).with("class", "mark").empty();
        self.draw([line, words(LEFT + 4.0, row - 4.0, "start", word)].into());
    }

    /// The whole height between two columns, with a word above it if there is room.
    pub fn band(&mut self, [from, to]: [f64; 2], class: &str, word: &str, title: &str) {
        let (left, right) = (self.column(from), self.column(to));
        let rectangle = element("rect").with("x", format!("{left:.1}")).with("y", TOP).with("class", class);
        let rectangle = rectangle.with("width", format!("{:.1}", right - left));
        let rectangle = rectangle.with("height", HEIGHT - TOP - BOTTOM);
        self.ground.push(rectangle.around(element("title").text(title)));
        if right - left > LETTER * word.chars().count() as f64 {
            self.draw(words((left + right) / 2.0, TOP - 5.0, "middle", word));
        }
    }

    /// The finished drawing; `told` says in words what it shows.
    pub fn finish(self, told: &str) -> Html {
        let mut pieces = self.ground.clone();
        let (bottom, right) = (HEIGHT - BOTTOM, WIDTH - RIGHT);
        let mut lines = String::new();
        let mut labels = Vec::new();
        for (value, label) in &self.x.ticks {
            let column = self.column(*value);
            lines += &format!("M{column:.1},{bottom} V{:.1} ", bottom + 4.0);
            labels.push(words(column, bottom + 17.0, "middle", label));
        }
        for (value, label) in &self.y.ticks {
            let row = self.row(*value);
            lines += &format!("M{LEFT},{row:.1} H{right} ");
            labels.push(words(LEFT - 6.0, row + 4.0, "end", label));
        }
        pieces.push(path(lines).with("class", "grid").empty());
        pieces.push(path(format!("M{LEFT},{bottom} H{right}")).with("class", "base").empty());
        pieces.extend(self.layers);
        pieces.push(element("g").with("class", "ticks").around(labels.into_iter().collect::<Html>()));
        pieces.push(words(4.0, 13.0, "start", &self.y.label));
        pieces.push(words((LEFT + right) / 2.0, HEIGHT - 8.0, "middle", &self.x.label));
        let drawing = element("svg").with("viewBox", format!("0 0 {WIDTH} {HEIGHT}")).with("role", "img");
        drawing.with("aria-label", told).around(pieces.into_iter().collect::<Html>())
    }
}

fn path(outline: String) -> Element {
    element("path").with("d", outline.trim_end())
}

fn words(x: f64, y: f64, anchor: &str, text: &str) -> Html {
    let place = element("text").with("x", format!("{x:.1}")).with("y", format!("{y:.1}"));
    place.with("text-anchor", anchor).text(text)
}
