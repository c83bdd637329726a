//! Deformations known by construction, what they must not depend on, and what input may be.

mod common;

use barrow_geometry::{Measure, PointCloud, Status};
use barrow_registration::{Deformation, Deformer, Error};
use nalgebra::{Isometry3, Point3, Rotation3, Vector3};

/// A closed surface without symmetry, `count` points.
fn body(count: usize, phase: f64) -> Vec<Point3<f64>> {
    let point = |i: usize| {
        let z = 1.0 - 2.0 * (i as f64 + 0.5) / count as f64;
        let angle = 2.399_963_229_728_653 * i as f64 + phase;
        let ring = (1.0 - z * z).sqrt();
        let direction = Vector3::new(ring * angle.cos(), ring * angle.sin(), z);
        let ear = |at: Vector3<f64>, sharp: f64| (sharp * (direction.dot(&at.normalize()) - 1.0)).exp();
        let radius = 1.0
            + 0.8 * ear(Vector3::new(0.3, 0.1, 1.0), 12.0)
            + 0.5 * ear(Vector3::new(-0.7, 0.6, 0.2), 9.0)
            + 0.3 * ear(Vector3::new(0.2, -1.0, -0.4), 6.0);
        Point3::from(direction.component_mul(&Vector3::new(1.3, 0.9, 0.7)) * radius)
    };
    (0..count).map(point).collect()
}

/// A smooth map that bends: about a tenth of the body's radius, more at its ends.
fn bend(point: &Point3<f64>) -> Point3<f64> {
    let angle = 0.25 * point.x;
    let (sin, cos) = angle.sin_cos();
    let bent = Vector3::new(
        point.x + 0.08 * (1.5 * point.y).sin(),
        cos * point.y - sin * point.z,
        sin * point.y + cos * point.z + 0.1 * point.x * point.x,
    );
    Point3::from(bent)
}

fn cloud(points: Vec<Point3<f64>>) -> PointCloud {
    PointCloud::new(points).unwrap()
}

/// Root mean square distance of the mapped points to their partners over the partners' radius.
fn error(found: &Deformation, source: &[Point3<f64>], target: &[Point3<f64>]) -> f64 {
    let centroid = cloud(target.to_vec()).centroid().unwrap();
    let radius: f64 = target.iter().map(|point| (point - centroid).norm_squared()).sum();
    let pairs = source.iter().zip(target);
    let square: f64 = pairs.map(|(source, target)| (found.at(source) - target).norm_squared()).sum();
    (square / radius).sqrt()
}

#[test]
fn a_known_bend_is_recovered_from_any_rotation() {
    let source = body(1500, 0.0);
    let turns = [Vector3::zeros(), Vector3::new(1.6, 0.0, 0.0), Vector3::new(0.8, -1.5, 1.0)];
    for turn in turns {
        let pose = Isometry3::new(Vector3::new(3.0, -2.0, 1.0), turn);
        let target: Vec<_> = source.iter().map(|point| pose * bend(point)).collect();
        let found = Deformer::default().deform(&cloud(source.clone()), &cloud(target.clone())).unwrap();
        let error = error(&found, &source, &target);
        assert!(error < 0.05, "{turn:?}: {error}");
        assert_eq!(found.smoothness.folded, 0.0);
        assert!(found.transported_mass > 0.95);
    }
}

#[test]
fn other_samples_of_the_surface_do() {
    let source = body(2000, 0.0);
    let target = body(1500, 1.0).iter().map(bend).collect();
    let found = Deformer::default().deform(&cloud(source.clone()), &cloud(target)).unwrap();
    let truth: Vec<_> = source.iter().map(bend).collect();
    let error = error(&found, &source, &truth);
    assert!(error < 0.08, "{error}");
}

#[test]
fn a_motion_bends_nothing() {
    let source = body(1000, 0.0);
    for (turn, scale) in [(Vector3::new(0.4, 0.3, -0.5), 1.0), (Vector3::new(0.1, -2.0, 0.2), 1.2)] {
        let pose = Isometry3::new(Vector3::new(-1.0, 0.5, 2.0), turn);
        let target: Vec<_> = source.iter().map(|point| pose * (point * scale)).collect();
        let found = Deformer::default().deform(&cloud(source.clone()), &cloud(target.clone())).unwrap();
        assert!(error(&found, &source, &target) < 3e-3, "{}", error(&found, &source, &target));
        assert!(found.smoothness.rms_field < 3e-3, "{:?}", found.smoothness);
        assert!(found.smoothness.max_gradient < 2e-2, "{:?}", found.smoothness);
        assert!((found.scale() - scale).abs() < 1e-3 * scale, "{}", found.scale());
        let rotation = found.target_from_source().rotation.rotation_to(&pose.rotation);
        assert!(rotation.angle() < 3e-3, "{}", rotation.angle());
    }
}

#[test]
fn a_cloud_on_itself_stays() {
    let source = cloud(body(600, 0.0));
    let found = Deformer::default().deform(&source, &source).unwrap();
    let moved = found.displacements.iter().map(|shift| shift.norm()).fold(0.0, f64::max);
    assert!(moved < 5e-4, "{moved}");
    assert_eq!(found.convergence.status, Status::Converged);
}

#[test]
fn the_derivative_is_that_of_the_map() {
    let source = body(600, 0.0);
    let target = source.iter().map(bend).collect();
    let found = Deformer::default().deform(&cloud(source.clone()), &cloud(target)).unwrap();
    let step = 1e-5;
    for point in source.iter().step_by(97) {
        let jacobian = found.jacobian(point);
        for axis in 0..3 {
            let shift = Vector3::ith(axis, step);
            let slope = (found.at(&(point + shift)) - found.at(&(point - shift))) / (2.0 * step);
            assert!((slope - jacobian.column(axis)).norm() < 1e-6);
        }
    }
}

#[test]
fn normals_stay_normal() {
    // A patch in the plane z = 0 rolled up: tangents map by the derivative, and normals stay across them.
    let points: Vec<_> =
        (0..900).map(|i| Point3::new((i % 30) as f64 / 15.0, (i / 30) as f64 / 15.0, 0.0)).collect();
    let rolled = |point: &Point3<f64>| Point3::new(point.x.sin(), point.y, 1.0 - point.x.cos());
    let target: Vec<_> = points.iter().map(rolled).collect();
    let source = cloud(points.clone()).with_normals(vec![Vector3::z(); 900]).unwrap();
    let deformer = Deformer { initial: Some(Isometry3::identity()), ..Deformer::default() };
    let found = deformer.deform(&source, &cloud(target)).unwrap();
    let moved = found.apply(&source).unwrap();
    for (index, normal) in moved.normals().unwrap().iter().enumerate() {
        assert!((normal.norm() - 1.0).abs() < 1e-12);
        let jacobian = found.jacobian(&points[index]);
        assert!((jacobian * Vector3::x()).dot(normal).abs() < 1e-9);
        assert!((jacobian * Vector3::y()).dot(normal).abs() < 1e-9);
    }
}

#[test]
fn units_and_offsets_do_not_matter() {
    let source = body(800, 0.0);
    let target: Vec<_> = source.iter().map(bend).collect();
    let first = Deformer::default().deform(&cloud(source.clone()), &cloud(target.clone())).unwrap();
    for (scale, offset) in [(1e-3, 0.0), (1e3, 0.0), (1.0, 5e6), (1e3, 5e6)] {
        let offset = Vector3::new(offset, -offset, 0.1 * offset);
        let change =
            |points: &[Point3<f64>]| cloud(points.iter().map(|point| point * scale + offset).collect());
        let found = Deformer::default().deform(&change(&source), &change(&target)).unwrap();
        for (changed, shift) in found.displacements.iter().zip(&first.displacements) {
            let difference = (changed / scale - shift).norm();
            assert!(difference < 1e-4, "scale {scale}, offset {offset:?}: {difference}");
        }
    }
}

#[test]
fn the_order_of_points_does_not_matter() {
    let source = body(800, 0.0);
    let target: Vec<_> = source.iter().map(bend).collect();
    let first = Deformer::default().deform(&cloud(source.clone()), &cloud(target.clone())).unwrap();
    let turned = |points: &[Point3<f64>]| points.iter().rev().copied().collect::<Vec<_>>();
    let found = Deformer::default().deform(&cloud(turned(&source)), &cloud(turned(&target))).unwrap();
    for point in &source {
        let difference = (found.at(point) - first.at(point)).norm();
        assert!(difference < 5e-3, "{difference}");
    }
}

#[test]
fn a_turned_target_turns_the_answer() {
    let source = body(800, 0.0);
    let target: Vec<_> = source.iter().map(bend).collect();
    let first = Deformer::default().deform(&cloud(source.clone()), &cloud(target.clone())).unwrap();
    let turn = Rotation3::new(Vector3::new(0.3, 1.9, -0.4));
    let turned = target.iter().map(|point| turn * point).collect();
    let found = Deformer::default().deform(&cloud(source.clone()), &cloud(turned)).unwrap();
    for point in &source {
        let difference = (found.at(point) - turn * first.at(point)).norm();
        assert!(difference < 0.03, "{difference}");
    }
}

#[test]
fn weights_are_masses() {
    // A point of weight two is the point twice.
    let points = body(400, 0.0);
    let weights: Vec<f64> = (0..400).map(|i| if i % 3 == 0 { 2.0 } else { 1.0 }).collect();
    let twice: Vec<_> = points.iter().copied().chain(points.iter().copied().step_by(3)).collect();
    let target: Vec<_> = points.iter().map(bend).collect();
    let solve = |source: Measure, target: Measure| {
        let deformer = Deformer { blur: Some(0.05), ..Deformer::default() };
        let mut run = deformer.start(source, target).unwrap();
        while run.step().unwrap().is_some() {}
        run.finish()
    };
    let onto = Measure::uniform(&target).unwrap();
    let weighted = solve(Measure::weighted(&points, &weights).unwrap(), onto);
    let doubled = solve(Measure::uniform(&twice).unwrap(), onto);
    for point in &points {
        assert!((weighted.at(point) - doubled.at(point)).norm() < 1e-2);
    }
}

#[test]
fn points_without_a_partner_are_carried_along() {
    // A tenth of the source is clutter far off the target: the rest must lie as it would without.
    let body = body(1500, 0.0);
    let truth: Vec<_> = body.iter().map(bend).collect();
    let clutter = (0..150).map(|i| Point3::new(2.6 + 0.04 * (i % 5) as f64, -0.3 + 0.004 * i as f64, 0.2));
    let source = body.iter().copied().chain(clutter).collect();
    let deformer = Deformer { initial: Some(Isometry3::identity()), scale: false, ..Deformer::default() };
    let found = deformer.deform(&cloud(source), &cloud(truth.clone())).unwrap();
    let error = error(&found, &body, &truth);
    assert!(error < 0.08, "{error}");
    assert!((0.8..0.95).contains(&found.transported_mass), "{}", found.transported_mass);
    assert_eq!(found.smoothness.folded, 0.0);
}

#[test]
fn every_number_of_threads_gives_the_same_bits() {
    let source = cloud(body(1200, 0.0));
    let target = cloud(body(1100, 0.5).iter().map(bend).collect());
    let solve = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| Deformer::default().deform(&source, &target).unwrap())
    };
    assert_eq!(solve(1), solve(3));
}

#[test]
fn stopping_is_an_answer() {
    let source = cloud(body(300, 0.0));
    let target = cloud(body(300, 0.0).iter().map(bend).collect());
    let mut steps = 0;
    let found = Deformer::default()
        .deform_with(&source, &target, |_| {
            steps += 1;
            if steps == 3 { std::ops::ControlFlow::Break(()) } else { std::ops::ControlFlow::Continue(()) }
        })
        .unwrap();
    assert_eq!((found.convergence.status, found.convergence.iterations), (Status::Stopped, 3));
    assert!(found.displacements.iter().all(|shift| shift.iter().all(|value| value.is_finite())));
}

#[test]
fn degenerate_clouds_have_finite_answers() {
    let line: Vec<_> = (0..50).map(|i| Point3::new(i as f64 * 0.1, 0.0, 0.0)).collect();
    let bow: Vec<_> = line.iter().map(|point| point + Vector3::y() * 0.05 * point.x * point.x).collect();
    let clouds = [
        vec![Point3::new(1.0, 2.0, 3.0)],
        vec![Point3::new(1.0, 2.0, 3.0); 500],
        vec![Point3::new(-1.0, 0.0, 0.0), Point3::new(1.0, 0.0, 0.0)],
        line,
        bow,
        (0..400).map(|i| Point3::new((i % 20) as f64, (i / 20) as f64, 0.0)).collect(),
        body(200, 0.0),
        vec![Point3::new(1e140, 0.0, 0.0), Point3::new(-1e140, 1e140, 0.0), Point3::origin()],
        vec![Point3::new(1e-200, 0.0, 0.0), Point3::origin()],
    ];
    for (first, source) in clouds.iter().enumerate() {
        for (second, target) in clouds.iter().enumerate() {
            match Deformer::default().deform(&cloud(source.clone()), &cloud(target.clone())) {
                Ok(found) => {
                    let finite = found.displacements.iter().all(|shift| shift.iter().all(|v| v.is_finite()));
                    assert!(finite, "{first} onto {second}");
                    assert!((0.0..=1.0).contains(&found.transported_mass), "{first} onto {second}");
                }
                Err(error) => assert!(
                    matches!(error, Error::NoCorrespondences { .. }),
                    "{first} onto {second}: {error}"
                ),
            }
        }
    }
}

#[test]
fn a_planar_shape_stays_in_its_plane() {
    let shape = |bend: f64| {
        let point = |i: usize| {
            let angle = i as f64 / 120.0 * std::f64::consts::TAU;
            let radius = 1.0 + 0.3 * (2.0 * angle).cos() + 0.2 * (3.0 * angle + 0.4).sin();
            let (x, y) = (radius * angle.cos(), radius * angle.sin());
            Point3::new(x + bend * y * y, y - bend * x * x, 0.0)
        };
        (0..120).map(point).collect::<Vec<_>>()
    };
    let (source, target) = (shape(0.0), shape(0.08));
    let found = Deformer::default().deform(&cloud(source.clone()), &cloud(target.clone())).unwrap();
    assert!(error(&found, &source, &target) < 0.03, "{}", error(&found, &source, &target));
    assert!(found.displacements.iter().all(|shift| shift.z.abs() < 1e-9));
}

#[test]
fn what_cannot_be_asked_is_refused() {
    let (empty, body) = (cloud(Vec::new()), cloud(body(50, 0.0)));
    assert!(Deformer::default().deform(&empty, &body).unwrap_err().to_string().contains("source"));
    assert!(Deformer::default().deform(&body, &empty).unwrap_err().to_string().contains("target"));
    let bad = [
        Deformer { stiffness: -1.0, ..Deformer::default() },
        Deformer { stiffness: f64::NAN, ..Deformer::default() },
        Deformer { width: Some(0.0), ..Deformer::default() },
        Deformer { blur: Some(f64::INFINITY), ..Deformer::default() },
        Deformer { blur: Some(1e-30), ..Deformer::default() },
        Deformer { reach: 0.0, ..Deformer::default() },
        Deformer { scaling: 1.0, ..Deformer::default() },
        Deformer { max_points: 0, ..Deformer::default() },
        Deformer { max_iterations: 0, ..Deformer::default() },
        Deformer { tolerance: 0.0, ..Deformer::default() },
    ];
    for deformer in bad {
        assert!(deformer.deform(&body, &body).is_err(), "{deformer:?}");
    }
    let far = Isometry3::translation(1e3, 0.0, 0.0);
    let deformer = Deformer { initial: Some(far), ..Deformer::default() };
    assert!(matches!(deformer.deform(&body, &body), Err(Error::NoCorrespondences { .. })));
}

/// A file of the shared data, if it is there.
fn shared(name: &str) -> Option<PointCloud> {
    let folder = std::env::var_os("BARROW_DATA").map_or_else(
        || std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"),
        std::path::PathBuf::from,
    );
    let text = std::fs::read_to_string(folder.join("nonrigid_cpd").join(name)).ok()?;
    let points = text.lines().filter(|line| !line.trim().is_empty()).map(|line| {
        let mut numbers = line.split_whitespace().map(|number| number.parse().unwrap());
        let mut next = || numbers.next().unwrap_or(0.0);
        Point3::new(next(), next(), next())
    });
    Some(cloud(points.collect()))
}

#[test]
fn real_pairs_are_laid_together() {
    for (source, target, most) in
        [("fish_source.txt", "fish_target.txt", 0.005), ("bunny-x.txt", "bunny-y.txt", 0.05)]
    {
        let (Some(source), Some(target)) = (shared(source), shared(target)) else {
            println!("skipped: no shared data");
            return;
        };
        // Every row has its partner in the same row; a tenth of the points carries the others.
        let deformer = Deformer { max_points: 1000, ..Deformer::default() };
        let found = deformer.deform(&source, &target).unwrap();
        let error = error(&found, source.positions(), target.positions());
        assert!(error <= most, "{error}, not {most}");
    }
}
