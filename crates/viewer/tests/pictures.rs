//! What is drawn: colors where points are, arcs between them, legends, panels.

use barrow_geometry::{Arc, Bounds, PointCloud, SparsePlan};
use barrow_viewer::{ColorBy, Controls, Error, Look, Picture, Progress, Scene, Viewer};
use nalgebra::{Point3, Vector3};

const SIZE: [u32; 2] = [640, 480];

const SOURCE: [u8; 3] = [255, 148, 46];
const TARGET: [u8; 3] = [64, 150, 255];

/// Takes a picture; `None` where nothing can draw, unless that is an error here.
fn taken(viewer: &mut Viewer, controls: Controls) -> Option<Picture> {
    match viewer.picture(SIZE, controls) {
        Ok(picture) => Some(picture),
        Err(Error::NoDevice { reason })
            if std::env::var_os("BARROW_REQUIRE_GPU").is_none_or(|v| v != "1") =>
        {
            eprintln!("skipped, there is no graphics device: {reason}");
            None
        }
        Err(error) => panic!("{error}"),
    }
}

/// Three source points in a row, and as many target points beside them, in the plane z = 0; unit masses straight across.
fn scene() -> Scene {
    let row = |y: f64| (0..3).map(|x| Point3::new(f64::from(x), y, 0.0)).collect();
    let source = PointCloud::new(row(0.0)).unwrap();
    let source =
        source.with_colors(vec![[0xffff, 0, 0]; 3]).unwrap().with_intensities(vec![0.0, 0.5, 1.0]).unwrap();
    let source = source.with_normals(vec![Vector3::z(); 3]).unwrap();
    let target = PointCloud::new(row(2.0)).unwrap();
    let arcs = (0..3).map(|index| Arc { source: index, target: index, mass: 1.0 / 3.0, cost: 4.0 }).collect();
    Scene {
        source,
        target: Some(target),
        plan: Some(SparsePlan::new(3, 3, arcs).unwrap()),
        potentials: Some([vec![0.0, 1.0, 2.0], vec![4.0, 3.0, 2.0]]),
        ..Scene::default()
    }
}

/// From straight above, with large points.
fn viewer(look: Look) -> Viewer {
    let mut viewer = Viewer::new(scene(), Look { point_size: 11.0, ..look }).unwrap();
    viewer.eye.size = SIZE.map(f64::from);
    (viewer.eye.yaw, viewer.eye.pitch) = (-std::f64::consts::FRAC_PI_2, std::f64::consts::FRAC_PI_2);
    viewer.refit();
    viewer
}

/// The color of the pixel where a place of the scene is seen.
fn seen(viewer: &Viewer, picture: &Picture, place: [f64; 3]) -> [u8; 3] {
    let (place, _) = viewer.eye.place(&Point3::from(place)).unwrap();
    picture.at(place.x as u32, place.y as u32)
}

fn is_near(a: [u8; 3], b: [u8; 3]) -> bool {
    a.iter().zip(b).all(|(a, b)| a.abs_diff(b) <= 3)
}

fn rgb(rgba: [u8; 4]) -> [u8; 3] {
    [rgba[0], rgba[1], rgba[2]]
}

#[test]
fn points_have_their_colors_in_every_mode_and_nothing_else_has() {
    for color in ColorBy::ALL {
        let mut viewer = viewer(Look { color, shows_guides: false, ..Look::default() });
        let Some(picture) = taken(&mut viewer, Controls::Hidden) else { return };
        for x in 0..3 {
            let coloring = viewer.coloring();
            let (source, target) = (rgb(coloring.source[x]), rgb(coloring.target[x]));
            let (at_source, at_target) = ([x as f64, 0.0, 0.0], [x as f64, 2.0, 0.0]);
            assert!(is_near(seen(&viewer, &picture, at_source), source), "{color}: {source:?}");
            assert!(is_near(seen(&viewer, &picture, at_target), target), "{color}: {target:?}");
        }
        let background = viewer.look.background;
        let lit = (0..SIZE[1]).flat_map(|row| (0..SIZE[0]).map(move |column| (column, row)));
        let lit = lit.filter(|&(column, row)| !is_near(picture.at(column, row), background)).count();
        // Six squares of eleven pixels, edges included or not.
        assert!((6 * 81..=6 * 169).contains(&lit), "{color}: {lit} pixels");
    }
}

#[test]
fn guides_stand_at_the_edges_and_name_what_colors_mean() {
    for color in [ColorBy::Cloud, ColorBy::Height, ColorBy::Potential] {
        let mut with = viewer(Look { color, ..Look::default() });
        let Some(picture) = taken(&mut with, Controls::Hidden) else { return };
        let background = with.look.background;
        let lit = |columns: std::ops::Range<u32>, rows: std::ops::Range<u32>| {
            let pixels = rows.flat_map(|row| columns.clone().map(move |column| (column, row)));
            pixels.filter(|&(column, row)| !is_near(picture.at(column, row), background)).count()
        };
        assert!(lit(500..640, 0..60) > 50, "{color}: no legend");
        assert!(lit(0..100, 380..480) > 60, "{color}: no axes");
        assert!(lit(400..640, 430..480) > 60, "{color}: no scale bar");
        let bar = lit(605..640, 40..190);
        assert_eq!(bar > 1500, color != ColorBy::Cloud, "{color}: {bar} pixels of a bar");
    }
}

#[test]
fn arcs_run_between_the_points_that_they_join() {
    let mut viewer = viewer(Look { arcs: 1.0, shows_guides: false, ..Look::default() });
    let Some(picture) = taken(&mut viewer, Controls::Hidden) else { return };
    let background = viewer.look.background;
    for x in 0..3 {
        for y in [0.5, 1.0, 1.5] {
            let there = seen(&viewer, &picture, [f64::from(x), y, 0.0]);
            assert!(!is_near(there, background), "no arc at {x}, {y}: {there:?}");
        }
    }
    for x in [0.5, 1.5] {
        assert!(is_near(seen(&viewer, &picture, [x, 1.0, 0.0]), background), "an arc at {x}");
    }
}

#[test]
fn mass_is_on_its_way_at_every_time() {
    for (time, color) in [(0.0, SOURCE), (0.5, [160, 149, 151]), (1.0, TARGET)] {
        let mut viewer = viewer(Look { time: Some(time), shows_guides: false, ..Look::default() });
        let Some(picture) = taken(&mut viewer, Controls::Hidden) else { return };
        let background = viewer.look.background;
        for x in 0..3 {
            for y in [0.0, 0.5, 1.0] {
                let there = seen(&viewer, &picture, [f64::from(x), 2.0 * y, 0.0]);
                let expected = if y == time { color } else { background };
                assert!(is_near(there, expected), "time {time}, at {y}: {there:?}, not {expected:?}");
            }
        }
    }
}

#[test]
fn a_clip_box_leaves_out_what_lies_outside() {
    let clip = Bounds { min: Point3::new(0.5, -1.0, -1.0), max: Point3::new(3.0, 1.0, 1.0) };
    let mut viewer = viewer(Look { clip: Some(clip), shows_guides: false, ..Look::default() });
    let Some(picture) = taken(&mut viewer, Controls::Hidden) else { return };
    let background = viewer.look.background;
    assert!(is_near(seen(&viewer, &picture, [0.0, 0.0, 0.0]), background));
    assert!(is_near(seen(&viewer, &picture, [1.0, 0.0, 0.0]), SOURCE));
    assert!(is_near(seen(&viewer, &picture, [1.0, 2.0, 0.0]), background));
}

#[test]
fn the_panel_and_the_keys_are_drawn_when_asked_for() {
    let mut plain = viewer(Look { shows_guides: false, ..Look::default() });
    let Some(plain) = taken(&mut plain, Controls::Hidden) else { return };
    let changed = |controls| {
        let mut with = viewer(Look { shows_guides: false, ..Look::default() });
        let picture = taken(&mut with, controls)?;
        Some(picture.pixels.iter().zip(&plain.pixels).filter(|(a, b)| a != b).count())
    };
    let (panel, help) = (changed(Controls::Panel).unwrap(), changed(Controls::Help).unwrap());
    assert!(panel > 40_000 && help > panel + 20_000, "{panel} and {help} bytes differ");
}

#[test]
fn an_arc_that_is_touched_is_told_apart_with_its_ends() {
    let mut viewer = viewer(Look { arcs: 1.0, shows_guides: false, ..Look::default() });
    let Some(before) = taken(&mut viewer, Controls::Hidden) else { return };
    let (place, _) = viewer.eye.place(&Point3::new(1.0, 1.0, 0.0)).unwrap();
    assert_eq!(viewer.touch(place), Some(1));
    let after = taken(&mut viewer, Controls::Hidden).unwrap();
    assert!(is_near(seen(&viewer, &after, [1.0, 1.5, 0.0]), [255; 3]));
    assert_eq!(seen(&viewer, &before, [0.0, 1.5, 0.0]), seen(&viewer, &after, [0.0, 1.5, 0.0]));
    // Rings about both ends.
    for y in [0.0, 2.0] {
        let (end, _) = viewer.eye.place(&Point3::new(1.0, y, 0.0)).unwrap();
        let (ring, row) = (end.x as u32 - 6, end.y as u32);
        let is_lit = |picture: &Picture| (ring - 1..=ring + 1).any(|x| is_near(picture.at(x, row), [255; 3]));
        assert!(is_lit(&after) && !is_lit(&before), "no ring at {y}");
    }
}

/// Pixels of about a color in the panel, which stands in the upper left.
fn in_panel(picture: &Picture, color: [u8; 3]) -> usize {
    let pixels = (0..SIZE[1]).flat_map(|row| (0..260).map(move |column| (column, row)));
    // The edges of thin lines are mixed with what lies behind.
    let is_about = |pixel: [u8; 3]| pixel.iter().zip(color).all(|(a, b)| a.abs_diff(b) <= 60);
    pixels.filter(|&(column, row)| is_about(picture.at(column, row))).count()
}

#[test]
fn the_panel_of_a_registration_shows_its_curves_and_how_it_ended() {
    let made = barrow_datasets::Object { points: 1500, ..Default::default() }.make().unwrap();
    let cloud = |name| made.cloud(name).unwrap().points.clone();
    let scene = Scene { source: cloud("source"), target: Some(cloud("target")), ..Scene::default() };
    let mut viewer = Viewer::new(scene, Look::default()).unwrap();
    viewer.eye.size = SIZE.map(f64::from);
    viewer.refit();
    let (curve, upper, words) = ([120, 210, 255], [255, 170, 80], [255; 3]);
    let Some(before) = taken(&mut viewer, Controls::Panel) else { return };
    // A few pixels of letters and frames are of about any color.
    assert!(in_panel(&before, curve) < 20 && in_panel(&before, upper) < 20);
    viewer.register().unwrap();
    for _ in 0..8 {
        viewer.advance(true);
    }
    let running = taken(&mut viewer, Controls::Panel).unwrap();
    // Two curves of 210 pixels across, and one that bounds the transport from above and may hide the lower one.
    let lit = (in_panel(&running, curve), in_panel(&running, upper));
    assert!(lit.0 > 420 && lit.1 > 210, "{lit:?} pixels of curves");
    // Some matches are drawn, as long as steps are taken.
    let matched = |viewer: &mut Viewer| {
        let picture = taken(viewer, Controls::Hidden).unwrap();
        let pixels = (0..SIZE[1]).flat_map(|row| (0..SIZE[0]).map(move |column| (column, row)));
        let is_green = |[red, green, blue]: [u8; 3]| {
            green > 90 && green > red.saturating_add(20) && green > blue.saturating_add(20)
        };
        pixels.filter(|&(column, row)| is_green(picture.at(column, row))).count()
    };
    viewer.look.shows_guides = false;
    let with = matched(&mut viewer);
    viewer.look.shows_matches = false;
    assert!(with > 200 && matched(&mut viewer) == 0, "{with} pixels of matches");
    (viewer.look.shows_matches, viewer.look.shows_guides) = (true, true);
    while viewer.playback.as_ref().is_some_and(barrow_viewer::Playback::is_alive) {
        viewer.advance(true);
    }
    let Some(Progress::Ended(found)) = viewer.playback.as_ref().map(|playback| &playback.progress) else {
        panic!("{:?}", viewer.playback);
    };
    assert_eq!(found.target_from_source, viewer.scene().target_from_source);
    let after = taken(&mut viewer, Controls::Panel).unwrap();
    assert!(in_panel(&after, words) > in_panel(&running, words), "no verdict");
    viewer.reset_pose();
    let again = taken(&mut viewer, Controls::Panel).unwrap();
    assert!(in_panel(&again, curve) < 20);
}

#[test]
fn pictures_are_the_same_bytes_every_time() {
    let take = || taken(&mut viewer(Look { arcs: 1.0, ..Look::default() }), Controls::Panel);
    let (Some(first), Some(second)) = (take(), take()) else { return };
    assert!(first == second);
}

#[test]
fn sizes_that_nothing_draws_are_errors() {
    for size in [[0, 480], [640, 1_000_000]] {
        let error = viewer(Look::default()).picture(size, Controls::Hidden).unwrap_err();
        assert!(matches!(error, Error::Size { .. }), "{error}");
    }
}
