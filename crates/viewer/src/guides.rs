//! What is drawn over the picture to read it by: legends, axes, a scale bar, what was picked.

use kiss3d::egui::{
    Align2, Color32, Context, FontId, Id, LayerId, Order, Painter, Pos2, Rect, Stroke, Vec2, pos2, vec2,
};
use nalgebra::{Point3, Vector3};

use crate::Viewer;
use crate::legend::{Legend, Rgba, Scale, gradient, number};

/// Space between the guides and the edge of the picture, and between each other \[point\].
const MARGIN: f32 = 16.0;

/// Width and height of the colors of a scale \[point\].
const BAR: Vec2 = vec2(14.0, 150.0);

/// Marks along a scale.
const MARKS: usize = 5;

/// Steps of color in a bar.
const BANDS: usize = 75;

/// Length of an axis \[point\].
const AXIS: f32 = 34.0;

/// Largest width of the scale bar, as a share of the picture's.
const WIDEST: f64 = 0.22;

pub(crate) fn draw(context: &Context, viewer: &Viewer) {
    let painter = context.layer_painter(LayerId::new(Order::Background, Id::new("guides")));
    let ink = ink(viewer.look.background);
    let screen = painter.clip_rect();
    if viewer.look.shows_guides {
        let mut top = screen.top() + MARGIN;
        top = legend(&painter, screen, top, &viewer.coloring().legend, ink);
        if let Some(arcs) = viewer.arcs() {
            scale(&painter, screen, top, &arcs.scale, ink);
        }
        axes(&painter, screen, viewer, ink);
        ruler(&painter, screen, viewer, ink);
    }
    touched(context, &painter, viewer);
    picked(context, &painter, viewer);
}

/// Dark on light, light on dark.
fn ink(background: [u8; 3]) -> Color32 {
    if is_light(background) { Color32::from_gray(30) } else { Color32::from_gray(220) }
}

fn is_light(background: [u8; 3]) -> bool {
    let [red, green, blue] = background.map(f32::from);
    0.3 * red + 0.59 * green + 0.11 * blue > 140.0
}

fn color(rgba: Rgba) -> Color32 {
    Color32::from_rgb(rgba[0], rgba[1], rgba[2])
}

fn word(painter: &Painter, place: Pos2, anchor: Align2, text: impl ToString, ink: Color32) {
    painter.text(place, anchor, text, FontId::proportional(13.0), ink);
}

/// Draws a legend below `top` at the right edge, and tells where it ends.
fn legend(painter: &Painter, screen: Rect, top: f32, legend: &Legend, ink: Color32) -> f32 {
    match legend {
        Legend::Nothing => top,
        Legend::Scale(of) => scale(painter, screen, top, of, ink),
        Legend::Names(names) => {
            let right = screen.right() - MARGIN;
            for (row, (name, rgba)) in names.iter().enumerate() {
                let middle = top + 8.0 + 20.0 * row as f32;
                painter.circle_filled(pos2(right - 6.0, middle), 6.0, color(*rgba));
                word(painter, pos2(right - 20.0, middle), Align2::RIGHT_CENTER, name, ink);
            }
            top + 20.0 * names.len() as f32 + MARGIN
        }
    }
}

fn scale(painter: &Painter, screen: Rect, top: f32, scale: &Scale, ink: Color32) -> f32 {
    let right = screen.right() - MARGIN;
    word(painter, pos2(right, top), Align2::RIGHT_TOP, &scale.title, ink);
    let bar = Rect::from_min_size(pos2(right - BAR.x, top + 24.0), BAR);
    for band in 0..BANDS {
        let part = (band as f64 + 0.5) / BANDS as f64;
        let height = BAR.y / BANDS as f32;
        let lower = bar.bottom() - band as f32 * height;
        let rect = Rect::from_min_max(pos2(bar.left(), lower - height - 0.5), pos2(bar.right(), lower));
        painter.rect_filled(rect, 0.0, color(gradient(part)));
    }
    for mark in 0..MARKS {
        let part = mark as f64 / (MARKS - 1) as f64;
        let height = bar.bottom() - part as f32 * BAR.y;
        painter
            .line_segment([pos2(bar.left() - 4.0, height), pos2(bar.left(), height)], Stroke::new(1.0, ink));
        word(painter, pos2(bar.left() - 8.0, height), Align2::RIGHT_CENTER, scale.mark(part), ink);
    }
    bar.bottom() + 2.0 * MARGIN
}

/// The directions of x, y and z, in the lower left corner.
fn axes(painter: &Painter, screen: Rect, viewer: &Viewer, ink: Color32) {
    let corner = pos2(screen.left() + MARGIN + AXIS + 8.0, screen.bottom() - MARGIN - AXIS - 8.0);
    let to_eye = viewer.eye.axes().transpose();
    let colors =
        [Color32::from_rgb(235, 80, 80), Color32::from_rgb(90, 200, 90), Color32::from_rgb(90, 140, 255)];
    let mut ends: Vec<(Vector3<f64>, usize)> =
        (0..3).map(|axis| (to_eye.column(axis).into_owned(), axis)).collect();
    // Those that point away are drawn first.
    ends.sort_by(|a, b| a.0.z.total_cmp(&b.0.z));
    for (end, axis) in ends {
        let tip = corner + vec2(end.x as f32, -end.y as f32) * AXIS;
        painter.line_segment([corner, tip], Stroke::new(2.0, colors[axis]));
        let beyond = corner + vec2(end.x as f32, -end.y as f32) * (AXIS + 9.0);
        word(painter, beyond, Align2::CENTER_CENTER, ["x", "y", "z"][axis], ink);
    }
}

/// A length of 1, 2 or 5 times a power of ten, as long as it is at the focus.
fn ruler(painter: &Painter, screen: Rect, viewer: &Viewer, ink: Color32) {
    let pixels_per_point = f64::from(painter.ctx().pixels_per_point());
    let point = viewer.eye.pixel() * pixels_per_point;
    let length = round_length(WIDEST * f64::from(screen.width()) * point);
    let width = (length / point) as f32;
    let right = pos2(screen.right() - MARGIN, screen.bottom() - MARGIN);
    let left = right - vec2(width, 0.0);
    let stroke = Stroke::new(2.0, ink);
    painter.line_segment([left, right], stroke);
    for end in [left, right] {
        painter.line_segment([end - vec2(0.0, 5.0), end + vec2(0.0, 5.0)], stroke);
    }
    let middle = left + vec2(0.5 * width, -6.0);
    word(painter, middle, Align2::CENTER_BOTTOM, with_unit(length), ink);
}

/// The largest of 1, 2, 5 times a power of ten that is no longer \[m\].
pub(crate) fn round_length(most: f64) -> f64 {
    let power = 10f64.powf(most.log10().floor());
    let step = [5.0, 2.0, 1.0].into_iter().find(|step| step * power <= most);
    step.unwrap_or(1.0) * power
}

/// A length in the unit that suits it \[m\].
pub(crate) fn with_unit(length: f64) -> String {
    let (factor, unit) = match length {
        length if length >= 1e3 => (1e-3, "km"),
        length if length >= 1.0 => (1.0, "m"),
        length if length >= 0.01 => (1e2, "cm"),
        length if length >= 1e-3 => (1e3, "mm"),
        _ => return format!("{length:.0e} m"),
    };
    format!("{:.0} {unit}", length * factor)
}

/// Where a point is seen \[point\].
fn place(context: &Context, viewer: &Viewer, point: &Point3<f64>) -> Option<Pos2> {
    let (seen, _) = viewer.eye.place(point)?;
    Some(pos2(seen.x as f32, seen.y as f32) / context.pixels_per_point())
}

/// Words beside a place, on a ground of their own.
fn label(painter: &Painter, viewer: &Viewer, beside: Pos2, text: String) {
    let galley = painter.layout_no_wrap(text, FontId::proportional(13.0), ink(viewer.look.background));
    let corner = beside + vec2(14.0, 10.0);
    let back = Rect::from_min_size(corner, galley.size()).expand(6.0);
    let [red, green, blue] = viewer.look.background;
    painter.rect_filled(back, 4.0, Color32::from_rgba_unmultiplied(red, green, blue, 220));
    painter.galley(corner, galley, ink(viewer.look.background));
}

/// A ring about the point that was picked, lines to where its mass goes, and what it is.
fn picked(context: &Context, painter: &Painter, viewer: &Viewer) {
    let Some(picked) = &viewer.picked else { return };
    let Some(center) = place(context, viewer, &picked.position) else { return };
    let scene = viewer.scene();
    for (index, _) in picked.partners.iter().take(200) {
        let other = match (picked.is_source, &scene.target) {
            (true, Some(target)) => target.positions()[*index],
            _ => scene.target_from_source * scene.source.positions()[*index],
        };
        if let Some(end) = place(context, viewer, &other) {
            painter.line_segment([center, end], Stroke::new(2.0, highlight(viewer)));
            painter.circle_filled(end, 3.0, highlight(viewer));
        }
    }
    painter.circle_stroke(center, 7.0, Stroke::new(2.0, highlight(viewer)));
    label(painter, viewer, center, description(viewer));
}

/// The arc that the pointer is at, rings about the points that it joins, and how much mass it carries how far.
fn touched(context: &Context, painter: &Painter, viewer: &Viewer) {
    let Some(index) = viewer.touched else { return };
    let (Some(plan), Some(ends)) = (&viewer.scene().plan, viewer.ends(index)) else { return };
    let Some(seen) = viewer.eye.segment(&ends[0], &ends[1]) else { return };
    let seen = seen.map(|place| pos2(place.x as f32, place.y as f32) / context.pixels_per_point());
    painter.line_segment(seen, Stroke::new(2.5, highlight(viewer)));
    for end in ends.iter().filter_map(|end| place(context, viewer, end)) {
        painter.circle_stroke(end, 6.0, Stroke::new(2.0, highlight(viewer)));
    }
    let arc = &plan.arcs()[index];
    let length = (ends[1] - ends[0]).norm();
    let text = format!(
        "source point {} to target point {}\nmass {:.3e}, {} m",
        arc.source,
        arc.target,
        arc.mass,
        number(length, 0.1 * length)
    );
    label(painter, viewer, seen[0] + 0.5 * (seen[1] - seen[0]), text);
}

/// The color of what is pointed at.
fn highlight(viewer: &Viewer) -> Color32 {
    if is_light(viewer.look.background) { Color32::BLACK } else { Color32::WHITE }
}

/// What there is to say about the point that was picked.
pub(crate) fn description(viewer: &Viewer) -> String {
    let Some(picked) = &viewer.picked else { return String::new() };
    let span = viewer.bounds().diagonal();
    let of = if picked.is_source { "source" } else { "target" };
    let coordinates: Vec<String> = picked.position.iter().map(|value| number(*value, 1e-2 * span)).collect();
    let mut lines = vec![format!("{of} point {}", picked.index), format!("{} m", coordinates.join(", "))];
    if viewer.scene().plan.is_some() {
        let total: f64 = picked.partners.iter().map(|(_, mass)| mass).sum();
        let (verb, other) = if picked.is_source { ("goes to", "target") } else { ("comes from", "source") };
        lines.push(match picked.partners.as_slice() {
            [] => "no mass: left behind".into(),
            [(one, mass)] => format!("mass {mass:.3e} {verb} {other} point {one}"),
            [(first, _), ..] => {
                format!("mass {total:.3e} {verb} {} {other} points, most to {first}", picked.partners.len())
            }
        });
    }
    lines.join("\n")
}
