//! Colors, arcs and views whose answers are known.

use barrow_geometry::{Arc, Bounds, PointCloud, SparsePlan};
use barrow_viewer::{ArcChoice, ColorBy, Coloring, Error, Eye, Legend, Look, Scene, ShownArcs, Up, Viewer};
use nalgebra::{Isometry3, Point2, Point3, Vector3};

fn line(count: usize, shift: f64) -> PointCloud {
    PointCloud::new((0..count).map(|index| Point3::new(index as f64, shift, 0.5 * index as f64)).collect())
        .unwrap()
}

fn pair() -> Scene {
    Scene { source: line(5, 0.0), target: Some(line(3, 2.0)), ..Scene::default() }
}

fn scale(legend: &Legend) -> &barrow_viewer::Scale {
    match legend {
        Legend::Scale(scale) => scale,
        other => panic!("{other:?} is no scale"),
    }
}

#[test]
fn heights_run_from_the_lowest_to_the_highest_point_along_the_axis_that_is_up() {
    let coloring = Coloring::of(&pair(), ColorBy::Height, Up::Z).unwrap();
    let heights = scale(&coloring.legend);
    assert_eq!((heights.range, heights.unit, heights.is_exceeded), ([0.0, 2.0], "m", [false; 2]));
    assert_eq!(coloring.source[0], heights.color(0.0));
    assert_eq!(coloring.source[2], coloring.target[2]);
    assert_ne!(coloring.source[0], coloring.source[4]);
    let sideways = Coloring::of(&pair(), ColorBy::Height, Up::Y).unwrap();
    assert_eq!(scale(&sideways.legend).range, [0.0, 2.0]);
    assert_eq!(sideways.source[0], sideways.source[4]);
}

#[test]
fn distances_are_those_to_the_other_cloud_where_the_source_is_drawn() {
    let scene = Scene { target_from_source: Isometry3::translation(0.0, 1.0, 0.0), ..pair() };
    let coloring = Coloring::of(&scene, ColorBy::Distance, Up::Z).unwrap();
    let distances = scale(&coloring.legend);
    // Two source points have no partner across: the last is 2 x (1, 0, 1/2) and (0, 1, 0) away from the last target point.
    assert_eq!(distances.range, [1.0, 6.0_f64.sqrt()]);
    assert_eq!(coloring.target[0], distances.color(1.0));
}

#[test]
fn stray_values_lie_beyond_the_scale_and_the_scale_says_so() {
    let mut intensities = vec![0.5; 1000];
    (0..1000).for_each(|index| intensities[index] += 0.001 * index as f64);
    intensities[999] = 1e9;
    let points = (0..1000).map(|index| Point3::new(f64::from(index), 0.0, 0.0)).collect();
    let source = PointCloud::new(points).unwrap().with_intensities(intensities).unwrap();
    let scene = Scene { source, ..Scene::default() };
    let coloring = Coloring::of(&scene, ColorBy::Intensity, Up::Z).unwrap();
    let intensity = scale(&coloring.legend);
    assert_eq!(intensity.is_exceeded, [true; 2]);
    assert!(intensity.range[1] < 2.0, "{:?}", intensity.range);
    assert_eq!(coloring.source[999], intensity.color(intensity.range[1]));
}

#[test]
fn stored_colors_and_normals_are_shown_as_they_are() {
    let source = line(2, 0.0).with_colors(vec![[0xffff, 0, 0x8000], [0, 0x1234, 0]]).unwrap();
    let source = source.with_normals(vec![Vector3::x(), -Vector3::z()]).unwrap();
    let scene = Scene { source, ..Scene::default() };
    let stored = Coloring::of(&scene, ColorBy::Stored, Up::Z).unwrap();
    assert_eq!(stored.source, [[255, 0, 128, 255], [0, 18, 0, 255]]);
    let normals = Coloring::of(&scene, ColorBy::Normal, Up::Z).unwrap();
    assert_eq!(normals.source, [[255, 128, 128, 255], [128, 128, 0, 255]]);
}

#[test]
fn what_a_scene_has_not_is_an_error_that_says_what_is_missing() {
    let missing = |by| Coloring::of(&pair(), by, Up::Z).unwrap_err().to_string();
    assert_eq!(missing(ColorBy::Stored), "points cannot be colored by stored: no cloud has colors");
    assert_eq!(missing(ColorBy::Mass), "points cannot be colored by mass: that takes a plan");
    for by in [ColorBy::Normal, ColorBy::Intensity, ColorBy::Potential] {
        assert!(missing(by).starts_with(&format!("points cannot be colored by {by}: ")), "{by}");
    }
    let alone = Scene { target: None, ..pair() };
    assert!(matches!(Coloring::of(&alone, ColorBy::Distance, Up::Z), Err(Error::NoValues { .. })));
}

#[test]
fn a_scene_without_points_and_a_plan_of_other_clouds_are_errors() {
    assert!(matches!(Viewer::new(Scene::default(), Look::default()), Err(Error::Empty)));
    let plan = SparsePlan::new(4, 3, Vec::new()).unwrap();
    let scene = Scene { plan: Some(plan), ..pair() };
    let error = Viewer::new(scene, Look::default()).unwrap_err();
    assert!(matches!(error, Error::Geometry(_)), "{error}");
}

fn plan() -> SparsePlan {
    let arc = |source, target, mass| Arc { source, target, mass, cost: 1.0 };
    let arcs = (0..4).map(|source| arc(source, source % 3, if source == 2 { 0.7 } else { 0.1 })).collect();
    SparsePlan::new(5, 3, arcs).unwrap()
}

#[test]
fn masses_are_the_marginals_and_what_is_left_behind_has_none() {
    let scene = Scene { plan: Some(plan()), ..pair() };
    let coloring = Coloring::of(&scene, ColorBy::Mass, Up::Z).unwrap();
    let masses = scale(&coloring.legend);
    assert_eq!(masses.range, [0.0, 0.7]);
    assert_eq!(coloring.source[4], masses.color(0.0));
    assert_eq!(coloring.source[2], masses.color(0.7));
}

#[test]
fn heavy_arcs_come_first_and_samples_are_fair() {
    let look = |arcs, arc_choice| Look { arcs, arc_choice, ..Look::default() };
    let shown = |look: &Look, plan: &SparsePlan| ShownArcs::of(plan, look, |arc| arc.cost).indices;
    assert_eq!(shown(&look(0.25, ArcChoice::Heaviest), &plan()), [2]);
    assert_eq!(shown(&look(0.25, ArcChoice::Sampled), &plan()), [2]);
    assert_eq!(shown(&look(1.0, ArcChoice::Sampled), &plan()), [0, 1, 2, 3]);
    // A thousand arcs, the second half three times as heavy: three of four arcs drawn are of that half.
    let arcs = (0..1000).map(|index| {
        let mass = if index < 500 { 1.0 } else { 3.0 };
        Arc { source: index, target: 0, mass, cost: 1.0 }
    });
    let plan = SparsePlan::new(1000, 1, arcs.collect()).unwrap();
    let indices = shown(&look(0.1, ArcChoice::Sampled), &plan);
    assert_eq!(indices.len(), 100);
    assert_eq!(indices.iter().filter(|index| **index >= 500).count(), 75);
    // Arcs that come in turn from eight places: as many of each, although every step passes the same number of turns.
    let arcs = (0..800).map(|index| Arc { source: index, target: 0, mass: 1.0, cost: 1.0 });
    let plan = SparsePlan::new(800, 1, arcs.collect()).unwrap();
    let indices = shown(&look(0.125, ArcChoice::Sampled), &plan);
    for place in 0..8 {
        let drawn = indices.iter().filter(|index| **index % 8 == place).count();
        assert!((11..=14).contains(&drawn), "{drawn} of place {place}");
    }
}

#[test]
fn the_focus_is_in_the_middle_of_the_picture_and_a_pan_follows_the_hand() {
    let bounds = Bounds { min: Point3::new(5e6, 4e5, 100.0), max: Point3::new(5e6 + 10.0, 4e5 + 4.0, 102.0) };
    for up in [Up::X, Up::Y, Up::Z] {
        let mut eye = Eye::on(&bounds, up);
        eye.size = [800.0, 600.0];
        eye.fit(&bounds);
        let (place, depth) = eye.place(&bounds.center()).unwrap();
        assert!((place - Point2::new(400.0, 300.0)).norm() < 1e-5 && (depth - eye.distance).abs() < 1e-6);
        // What is up is above.
        let mut above = bounds.center();
        above[up.axis()] += 1.0;
        assert!(eye.place(&above).unwrap().0.y < 290.0, "{up:?}");
        // Every corner is seen.
        for corner in 0..8 {
            let side =
                |axis: usize| if corner >> axis & 1 == 0 { bounds.min[axis] } else { bounds.max[axis] };
            let (place, _) = eye.place(&Point3::new(side(0), side(1), side(2))).unwrap();
            assert!((0.0..800.0).contains(&place.x) && (0.0..600.0).contains(&place.y), "{up:?} {place}");
        }
        let center = bounds.center();
        eye.pan(30.0, -20.0);
        let (moved, _) = eye.place(&center).unwrap();
        assert!((moved - Point2::new(430.0, 280.0)).norm() < 1e-5, "{up:?} {moved}");
    }
}

#[test]
fn a_click_picks_the_point_in_front_and_knows_where_its_mass_goes() {
    let scene = Scene { plan: Some(plan()), ..pair() };
    let mut viewer = Viewer::new(scene, Look::default()).unwrap();
    viewer.eye.size = [800.0, 600.0];
    viewer.refit();
    let (place, _) = viewer.eye.place(&Point3::new(2.0, 0.0, 1.0)).unwrap();
    assert_eq!(viewer.pick(place), Some(Point3::new(2.0, 0.0, 1.0)));
    let picked = viewer.picked.clone().unwrap();
    assert_eq!((picked.is_source, picked.index, picked.partners), (true, 2, vec![(2, 0.7)]));
    assert_eq!(viewer.pick(Point2::new(1.0, 1.0)), None);
    // A hidden cloud cannot be picked.
    viewer.look.shows_source = false;
    assert_eq!(viewer.pick(place), None);
}

#[test]
fn the_pointer_touches_the_arc_that_it_is_at() {
    let scene = Scene { plan: Some(plan()), ..pair() };
    let mut viewer = Viewer::new(scene, Look { arcs: 1.0, ..Look::default() }).unwrap();
    viewer.eye.size = [800.0, 600.0];
    viewer.refit();
    // Nothing is touched that has not been drawn.
    let halfway = Point3::from(0.3 * Vector3::new(2.0, 0.0, 1.0) + 0.7 * Vector3::new(2.0, 2.0, 1.0));
    let (place, _) = viewer.eye.place(&halfway).unwrap();
    assert_eq!(viewer.touch(place), None);
    if viewer.picture([800, 600], barrow_viewer::Controls::Hidden).is_err() {
        eprintln!("skipped: nothing can draw");
        return;
    }
    assert_eq!(viewer.touch(place), Some(2));
    assert_eq!(viewer.touched, Some(2));
    assert_eq!(viewer.touch(Point2::new(1.0, 1.0)), None);
    // What the box leaves out is not there.
    viewer.look.clip = Some(Bounds { min: Point3::new(3.0, -1.0, -1.0), max: Point3::new(9.0, 9.0, 9.0) });
    assert_eq!(viewer.touch(place), None);
    // From among the points: the arc begins behind the eye and is touched where it is seen.
    viewer.look.clip = None;
    viewer.eye.focus = Point3::new(2.0, 2.0, 1.0);
    (viewer.eye.yaw, viewer.eye.pitch, viewer.eye.distance) = (-std::f64::consts::FRAC_PI_2, 0.02, 1.0);
    assert!(viewer.eye.place(&Point3::new(2.0, 0.0, 1.0)).is_none());
    let (place, _) = viewer.eye.place(&Point3::new(2.0, 1.5, 1.0)).unwrap();
    assert_eq!(viewer.touch(place), Some(2));
}
