//! Curves over the steps or the seconds of a run.

use super::axis::Axis;
use super::markup::{Html, element};
use super::plot::Plot;

/// Points that have a dot each with what it says; more would hide the line.
const DOTS: usize = 400;

/// A number of a curve.
#[derive(Debug, Clone)]
pub struct Point {
    /// Along the bottom.
    pub x: f64,
    /// How high.
    pub y: f64,
    /// Whether the line starts anew here.
    pub begins: bool,
    /// What a reader is told who points at it.
    pub title: String,
}

/// A line through points.
#[derive(Debug, Clone)]
pub struct Curve {
    /// Its colour: `one`, `two`.
    pub class: &'static str,
    /// Its points, from left to right.
    pub points: Vec<Point>,
}

/// Part of the bottom axis with a name, such as a stage.
#[derive(Debug, Clone, PartialEq)]
pub struct Band {
    /// Where it is.
    pub range: [f64; 2],
    /// What it is called.
    pub name: String,
}

impl Band {
    /// The bands that some steps fall into: the number of every step, and its band's name where one begins.
    pub fn of<'a>(steps: impl IntoIterator<Item = (usize, Option<&'a str>)>) -> Vec<Self> {
        let mut bands: Vec<Self> = Vec::new();
        for (number, begins) in steps {
            let end = number as f64 + 0.5;
            match (bands.last_mut(), begins) {
                (Some(band), None) => band.range[1] = end,
                // Steps that were left out belong to the band behind them.
                (last, name) => {
                    let start = last.map_or(number as f64 - 0.5, |band| band.range[1]);
                    bands.push(Self { range: [start, end], name: name.unwrap_or_default().into() });
                }
            }
        }
        bands
    }
}

/// Curves in a frame.
pub struct Chart {
    plot: Plot,
}

impl Chart {
    /// An empty frame.
    pub fn new(x: Axis, y: Axis) -> Self {
        Self { plot: Plot::new(x, y) }
    }

    /// Shades every second band.
    pub fn bands(&mut self, bands: &[Band]) {
        for (index, Band { range, name }) in bands.iter().enumerate() {
            self.plot.band(*range, if index % 2 == 0 { "band even" } else { "band" }, name, name);
        }
    }

    /// Fills the space between two curves with the same columns.
    pub fn between(&mut self, lower: &Curve, upper: &Curve) {
        let forth = lower.points.iter().enumerate().map(|(index, point)| (point.x, point.y, index == 0));
        let back = upper.points.iter().rev().map(|point| (point.x, point.y, false));
        if !lower.points.is_empty() {
            self.plot.draw(self.plot.path(forth.chain(back)).with("class", "between").empty());
        }
    }

    /// Draws a curve.
    pub fn curve(&mut self, Curve { class, points }: &Curve) {
        if points.is_empty() {
            return;
        }
        let path = self.plot.path(points.iter().map(|point| (point.x, point.y, point.begins)));
        self.plot.draw(path.with("class", format!("curve {class}")).empty());
        if points.len() <= DOTS {
            let dot = |point: &Point| {
                let (column, row) = (self.plot.column(point.x), self.plot.row(point.y));
                let circle = element("circle").with("cx", format!("{column:.1}"));
                let circle = circle.with("cy", format!("{row:.1}")).with("r", 2.5);
                circle.around(element("title").text(&point.title))
            };
            let dots: Html = points.iter().map(dot).collect();
            self.plot.draw(element("g").with("class", format!("dots {class}")).around(dots));
        }
    }

    /// A line that something is to reach.
    pub fn level(&mut self, y: f64, word: &str) {
        self.plot.level(y, word);
    }

    /// The finished drawing; `told` says in words what it shows.
    pub fn finish(self, told: &str) -> Html {
        self.plot.finish(told)
    }
}

#[cfg(test)]
mod tests {
    use super::Band;

    #[test]
    fn bands_touch_each_other() {
        let steps = [(1, Some("a")), (2, None), (5, Some("b")), (6, Some("c"))];
        let bands: Vec<_> = Band::of(steps).into_iter().map(|band| (band.range, band.name)).collect();
        let expected = [([0.5, 2.5], "a"), ([2.5, 5.5], "b"), ([5.5, 6.5], "c")];
        assert_eq!(bands, expected.map(|(range, name)| (range, name.to_owned())));
    }
}
