//! What is drawn: colors where points are, arcs between them, legends, panels.

use barrow_geometry::{Arc, Bounds, PointCloud, SparsePlan};
use barrow_viewer::{ColorBy, Controls, Error, Look, Picture, Scene, Viewer};
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
