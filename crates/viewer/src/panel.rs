//! The panel: everything about the look that can be chosen, and the registration that is watched.

use kiss3d::egui::{
    self, Color32, ComboBox, Context, DragValue, Grid, RichText, Sense, Shape, Slider, Stroke, Ui, Window,
    pos2, vec2,
};

use crate::legend::number;
use crate::playback::{Moment, Progress};
use crate::{ArcChoice, ArcColor, ColorBy, Up, Viewer};

/// What the window is to do after a frame, which the viewer itself cannot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Wishes {
    /// See everything.
    pub fits: bool,
    /// See it from where it was seen at first.
    pub resets: bool,
    /// Save so many pictures along the plan.
    pub records: Option<u32>,
}

/// State of the panel itself.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Panel {
    /// Whether the keys are listed.
    pub shows_help: bool,
    /// Whether the panel is drawn at all.
    pub is_hidden: bool,
    /// Whether time runs.
    pub plays: bool,
    /// Pictures to save along the plan.
    pub pictures: u32,
}

impl Default for Panel {
    fn default() -> Self {
        Self { shows_help: false, is_hidden: false, plays: false, pictures: 60 }
    }
}

/// Keys, and what they do.
pub(crate) const KEYS: [(&str, &str); 17] = [
    ("left drag", "turn"),
    ("right or middle drag", "move"),
    ("wheel", "closer, away"),
    ("click", "what a point is, and where its mass goes"),
    ("double click", "look at a point"),
    ("Shift + left drag", "turn the source by hand"),
    ("Shift + right drag", "move the source by hand"),
    ("F", "see everything"),
    ("R", "back to the first view"),
    ("C", "next color"),
    ("+ -", "larger, smaller points"),
    ("S, T", "show or hide source, target"),
    ("A", "show or hide arcs"),
    ("Space", "play, pause"),
    ("P", "save a picture"),
    ("Tab, H", "hide the panel, list the keys"),
    ("Q, Esc", "leave"),
];

pub(crate) fn draw(context: &Context, viewer: &mut Viewer, panel: &mut Panel) -> Wishes {
    let mut wishes = Wishes::default();
    // Nothing fades in: a picture does not depend on when it was taken.
    context.all_styles_mut(|style| style.animation_time = 0.0);
    if panel.shows_help {
        help(context);
    }
    if panel.is_hidden {
        return wishes;
    }
    // A window and not a side panel: only above windows do drags stay away from the scene.
    Window::new("barrow").default_pos([10.0, 10.0]).default_width(230.0).resizable(false).show(
        context,
        |ui| {
            ui.spacing_mut().slider_width = 120.0;
            look(ui, viewer);
            if viewer.scene().plan.is_some() {
                ui.separator();
                transport(ui, viewer, panel, &mut wishes);
            }
            if viewer.scene().target.is_some() {
                ui.separator();
                registration(ui, viewer);
            }
            ui.separator();
            ui.collapsing("Clip box", |ui| clip(ui, viewer));
            ui.horizontal(|ui| {
                wishes.fits = ui.button("Fit").clicked();
                wishes.resets = ui.button("Reset").clicked();
                ui.toggle_value(&mut panel.shows_help, "Keys");
            });
            if let Some(note) = &viewer.note {
                ui.colored_label(Color32::from_rgb(255, 180, 90), note);
            }
        },
    );
    wishes
}

fn look(ui: &mut Ui, viewer: &mut Viewer) {
    let names = viewer.scene().names.clone();
    let has_target = viewer.scene().target.is_some();
    let points = |count: usize| format!("{count} points");
    let (source, target) =
        (viewer.scene().source.len(), viewer.scene().target.as_ref().map_or(0, |cloud| cloud.len()));
    let look = &mut viewer.look;
    ui.checkbox(&mut look.shows_source, "source").on_hover_text(format!("{} {}", names[0], points(source)));
    if has_target {
        ui.checkbox(&mut look.shows_target, "target").on_hover_text(format!(
            "{} {}",
            names[1],
            points(target)
        ));
    }
    Grid::new("look").num_columns(2).show(ui, |ui| {
        ui.label("color by");
        ComboBox::from_id_salt("color").selected_text(look.color.name()).show_ui(ui, |ui| {
            for by in ColorBy::ALL {
                ui.selectable_value(&mut look.color, by, by.name());
            }
        });
        ui.end_row();
        ui.label("point size");
        ui.add(Slider::new(&mut look.point_size, 1.0..=12.0).suffix(" px"));
        ui.end_row();
        ui.label("background");
        ui.color_edit_button_srgb(&mut look.background);
        ui.end_row();
        ui.label("up");
        ui.horizontal(|ui| {
            for (up, name) in [(Up::X, "x"), (Up::Y, "y"), (Up::Z, "z")] {
                ui.selectable_value(&mut look.up, up, name);
            }
        });
        ui.end_row();
    });
    ui.checkbox(&mut look.shows_guides, "axes, scale, legend");
}

fn transport(ui: &mut Ui, viewer: &mut Viewer, panel: &mut Panel, wishes: &mut Wishes) {
    let drawn = viewer.arcs().map_or(0, |arcs| arcs.indices.len());
    let all = viewer.scene().plan.as_ref().map_or(0, |plan| plan.arcs().len());
    let look = &mut viewer.look;
    ui.label(RichText::new("Transport").strong());
    Grid::new("transport").num_columns(2).show(ui, |ui| {
        ui.label("arcs");
        let mut percent = 100.0 * look.arcs;
        let slider = Slider::new(&mut percent, 0.0..=100.0).suffix(" %").max_decimals(1);
        if ui.add(slider).changed() {
            look.arcs = percent / 100.0;
        }
        ui.end_row();
        ui.label("chosen");
        ui.horizontal(|ui| {
            ui.selectable_value(&mut look.arc_choice, ArcChoice::Sampled, "by mass")
                .on_hover_text("drawn by lot, each as likely as it has mass");
            ui.selectable_value(&mut look.arc_choice, ArcChoice::Heaviest, "heaviest");
        });
        ui.end_row();
        ui.label("colored by");
        ui.horizontal(|ui| {
            ui.selectable_value(&mut look.arc_color, ArcColor::Length, "length");
            ui.selectable_value(&mut look.arc_color, ArcColor::Mass, "mass");
        });
        ui.end_row();
        ui.label("time");
        ui.horizontal(|ui| {
            let mut time = look.time.unwrap_or(0.0);
            if ui.button(if panel.plays { "⏸" } else { "▶" }).on_hover_text("play, pause").clicked() {
                panel.plays = !panel.plays;
                look.time = Some(time);
            }
            if ui.add(Slider::new(&mut time, 0.0..=1.0).fixed_decimals(2)).changed() {
                look.time = Some(time);
            }
        });
        ui.end_row();
    });
    ui.horizontal(|ui| {
        ui.label(format!("{drawn} of {all} arcs"));
        if look.time.is_some() && ui.small_button("show the clouds").clicked() {
            (look.time, panel.plays) = (None, false);
        }
    });
    ui.horizontal(|ui| {
        let saves = ui.button("Save").on_hover_text("as PNG files, from time 0 to 1; Space stops").clicked();
        wishes.records = saves.then_some(panel.pictures);
        ui.add(DragValue::new(&mut panel.pictures).range(2..=1000).suffix(" pictures"));
    });
}

fn registration(ui: &mut Ui, viewer: &mut Viewer) {
    ui.label(RichText::new("Registration").strong());
    let progress = viewer.playback.as_ref().map(|playback| playback.progress.clone());
    ui.horizontal(|ui| {
        match progress {
            Some(Progress::Running) => {
                if ui.button("Pause").clicked() {
                    pause(viewer);
                }
            }
            Some(Progress::Paused) => {
                if ui.button("Go on").clicked() {
                    resume(viewer);
                }
            }
            _ => {
                if ui.button("Start").clicked() {
                    start(viewer);
                }
            }
        }
        if ui.button("Step").clicked() {
            if !viewer.playback.as_ref().is_some_and(|playback| playback.is_alive()) {
                start(viewer);
            }
            pause(viewer);
            viewer.advance(true);
        }
        if ui.button("Reset").clicked() {
            viewer.reset_pose();
        }
    });
    let Some(playback) = &viewer.playback else {
        ui.label("from where the source is dragged to, or without a guess");
        return;
    };
    ui.checkbox(&mut viewer.look.shows_matches, "matches");
    if let Some(last) = playback.moments.last() {
        ui.label(format!("step {}, {}", playback.moments.len(), last.step.stage));
        let of = |value: fn(&Moment) -> f64| playback.moments.iter().map(value).collect::<Vec<_>>();
        curve(ui, "rmse", "m", &[of(|moment| moment.step.rmse)]);
        curve(ui, "overlap", "", &[of(|moment| moment.overlap)]);
        let bounds = [of(|moment| moment.transport.lower), of(|moment| moment.transport.upper)];
        curve(ui, "transport, at least and at most", "m", &bounds);
    }
    match &playback.progress {
        Progress::Ended(found) => {
            ui.label(
                RichText::new(format!("{}, overlap {:.0} %", found.verdict, 100.0 * found.overlap)).strong(),
            );
            if let Some(rmse) = found.inlier_rmse {
                ui.label(format!("rmse {} m", number(rmse, 0.1 * rmse)));
            }
        }
        Progress::Failed(reason) => {
            ui.colored_label(Color32::from_rgb(255, 120, 100), reason);
        }
        Progress::Running | Progress::Paused => {}
    }
}

/// Registers from here.
pub(crate) fn start(viewer: &mut Viewer) {
    match viewer.register() {
        Ok(()) => viewer.note = None,
        Err(error) => viewer.note = Some(error.to_string()),
    }
}

pub(crate) fn pause(viewer: &mut Viewer) {
    switch(viewer, Progress::Running, Progress::Paused);
}

pub(crate) fn resume(viewer: &mut Viewer) {
    switch(viewer, Progress::Paused, Progress::Running);
}

fn switch(viewer: &mut Viewer, from: Progress, to: Progress) {
    if let Some(playback) = viewer.playback.as_mut().filter(|playback| playback.progress == from) {
        playback.progress = to;
    }
}

/// Values over steps, from zero up; two curves enclose what lies between them.
fn curve(ui: &mut Ui, title: &str, unit: &str, curves: &[Vec<f64>]) {
    let most = curves.iter().flatten().copied().filter(|value| value.is_finite()).fold(0.0, f64::max);
    let last = curves.iter().filter_map(|values| values.last()).map(|value| number(*value, 0.1 * most));
    let last: Vec<String> = last.collect();
    ui.small(format!("{title}: {} {unit}", last.join(" to ")));
    let (response, painter) = ui.allocate_painter(vec2(210.0, 44.0), Sense::hover());
    let frame = response.rect;
    painter.rect_filled(frame, 2.0, ui.visuals().extreme_bg_color);
    let places = |values: &[f64]| -> Vec<egui::Pos2> {
        let across = frame.width() / values.len().saturating_sub(1).max(1) as f32;
        let height = |value: f64| match most > 0.0 && value.is_finite() {
            true => (value / most) as f32,
            false => 0.0,
        };
        values
            .iter()
            .enumerate()
            .map(|(step, &value)| {
                let up = height(value) * (frame.height() - 4.0);
                pos2(frame.left() + step as f32 * across, frame.bottom() - 2.0 - up)
            })
            .collect()
    };
    let colors = [Color32::from_rgb(120, 210, 255), Color32::from_rgb(255, 170, 80)];
    for (values, color) in curves.iter().zip(colors) {
        painter.add(Shape::line(places(values), Stroke::new(1.5, color)));
    }
}

fn clip(ui: &mut Ui, viewer: &mut Viewer) {
    let whole = *viewer.bounds();
    let mut is_on = viewer.look.clip.is_some();
    if ui.checkbox(&mut is_on, "on").changed() {
        viewer.look.clip = is_on.then_some(whole);
    }
    let Some(clip) = &mut viewer.look.clip else { return };
    for (axis, name) in ["x", "y", "z"].into_iter().enumerate() {
        let range = whole.min[axis]..=whole.max[axis];
        ui.add(Slider::new(&mut clip.min[axis], range.clone()).text(format!("{name} from")).suffix(" m"));
        ui.add(Slider::new(&mut clip.max[axis], range).text(format!("{name} to")).suffix(" m"));
    }
}

fn help(context: &Context) {
    Window::new("Keys")
        .anchor(egui::Align2::CENTER_CENTER, [0.0, 0.0])
        .resizable(false)
        .collapsible(false)
        .show(context, |ui| {
            Grid::new("keys").num_columns(2).spacing([24.0, 4.0]).show(ui, |ui| {
                for (key, what) in KEYS {
                    ui.label(RichText::new(key).strong());
                    ui.label(what);
                    ui.end_row();
                }
            });
        });
}
