//! Points on their way along a plan, and what travels with them.

mod common;

use barrow_geometry::{
    Arc, Displaced, Displacement, Error, Measure, PointCloud, Sliced, SlicedPlan, SparsePlan,
};
use common::{assert_close, cube, sphere};
use nalgebra::{Point3, Vector3};

fn cloud(points: Vec<Point3<f64>>) -> PointCloud {
    PointCloud::new(points).unwrap()
}

fn moved(cloud: &PointCloud, map: impl Fn(&Vector3<f64>) -> Vector3<f64>) -> PointCloud {
    PointCloud::new(cloud.positions().iter().map(|point| Point3::from(map(&point.coords))).collect()).unwrap()
}

/// All attributes, other ones for every seed; some of them missing.
fn decorated(cloud: PointCloud, seed: usize) -> PointCloud {
    let count = cloud.len();
    let number = |index: usize| ((index * 37 + seed * 11) % 101) as f64;
    let normal = |index: usize| match index % 7 {
        0 => Vector3::repeat(f64::NAN),
        1 => Vector3::zeros(),
        _ => {
            Vector3::new(number(index) - 50.5, number(index + 3) - 50.5, number(index + 5) - 20.5).normalize()
        }
    };
    let shade = |index: usize, c: usize| (number(index + c) * 600.0) as u16;
    let intensity = |index: usize| if index.is_multiple_of(5) { f64::NAN } else { number(index) };
    cloud
        .with_normals((0..count).map(normal).collect())
        .and_then(|cloud| {
            cloud.with_colors((0..count).map(|i| [shade(i, 0), shade(i, 1), shade(i, 2)]).collect())
        })
        .and_then(|cloud| cloud.with_intensities((0..count).map(intensity).collect()))
        .and_then(|cloud| cloud.with_times((0..count).map(|i| 1.7e9 + number(i)).collect()))
        .unwrap()
}

/// The best of some plans along lines: enough to walk along.
fn plan(source: &PointCloud, target: &PointCloud) -> SparsePlan {
    let measure = |cloud| Measure::uniform(PointCloud::positions(cloud)).unwrap();
    let directions = Sliced { projections: 32, ..Default::default() }.directions().unwrap();
    SlicedPlan::best(&measure(source), &measure(target), 2.0, &directions).unwrap().plan
}

fn mean(displaced: &Displaced) -> Vector3<f64> {
    displaced.cloud.positions().iter().zip(&displaced.masses).map(|(point, mass)| point.coords * *mass).sum()
}

#[test]
fn both_ends_are_the_clouds() {
    let (source, target) = (decorated(cloud(cube(200, 1)), 1), decorated(cloud(sphere(150, 2.0)), 2));
    let plan = plan(&source, &target);
    let way = Displacement::new(&source, &target, &plan).unwrap();
    let bits = |cloud: &PointCloud| format!("{cloud:?}");
    let ends = |pick: fn(&Arc) -> usize| plan.arcs().iter().map(pick).collect::<Vec<_>>();
    let (start, end) = (way.at(0.0).unwrap(), way.at(1.0).unwrap());
    assert_eq!(start.cloud.positions(), source.select(&ends(|arc| arc.source)).positions());
    assert_eq!(end.cloud.positions(), target.select(&ends(|arc| arc.target)).positions());
    // Where a side has no normal or intensity that of the other stands in for it; all the rest is as it was.
    let whole = |cloud: &PointCloud| cloud.clone().with_normals(vec![Vector3::x(); cloud.len()]).unwrap();
    let whole = |cloud: &PointCloud| whole(cloud).with_intensities(vec![1.0; cloud.len()]).unwrap();
    let (source, target) = (whole(&source), whole(&target));
    let way = Displacement::new(&source, &target, &plan).unwrap();
    assert_eq!(bits(&way.at(0.0).unwrap().cloud), bits(&source.select(&ends(|arc| arc.source))));
    assert_eq!(bits(&way.at(1.0).unwrap().cloud), bits(&target.select(&ends(|arc| arc.target))));
    assert_eq!(way.at(0.0).unwrap().masses, way.at(1.0).unwrap().masses);
}

#[test]
fn translations_and_dilations_are_straight_ways() {
    let source = cloud(cube(300, 1));
    let shift = Vector3::new(3.0, -1.0, 0.5);
    for factor in [1.0, 2.5] {
        let target = moved(&source, |x| x * factor + shift);
        let plan = plan(&source, &target);
        let way = Displacement::new(&source, &target, &plan).unwrap();
        for t in [0.0, 0.1, 0.5, 0.9, 1.0] {
            let wanted = moved(&source, |x| x * (1.0 - t + t * factor) + shift * t);
            let close = |found: Displaced| {
                for (found, wanted) in found.cloud.positions().iter().zip(wanted.positions()) {
                    assert!((found - wanted).norm() < 1e-14, "{found} {wanted}");
                }
            };
            close(way.at(t).unwrap());
            close(way.means_at(t).unwrap());
        }
        let velocities = plan.velocities(source.positions(), target.positions()).unwrap();
        for (velocity, point) in velocities.iter().zip(source.positions()) {
            assert!((velocity - (point.coords * (factor - 1.0) + shift)).norm() < 1e-14);
        }
    }
}

#[test]
fn mass_stays_and_means_go_straight() {
    let (source, target) = (cloud(cube(210, 1)), cloud(sphere(133, 3.0)));
    let plan = plan(&source, &target);
    let way = Displacement::new(&source, &target, &plan).unwrap();
    let ends = [0.0, 1.0].map(|t| mean(&way.at(t).unwrap()));
    for t in [0.0, 0.3, 0.75, 1.0] {
        for displaced in [way.at(t).unwrap(), way.means_at(t).unwrap()] {
            assert_close(displaced.masses.iter().sum(), 1.0, 1e-13);
            assert!((mean(&displaced) - (ends[0] * (1.0 - t) + ends[1] * t)).norm() < 1e-13);
        }
        assert_eq!(way.means_at(t).unwrap().cloud.len(), 210);
    }
}

#[test]
fn offsets_cost_no_digits() {
    let offset = Vector3::repeat(1e7);
    let (source, target) = (cloud(cube(80, 1)), cloud(sphere(60, 2.0)));
    let plan = plan(&source, &target);
    let (far_source, far_target) = (moved(&source, |x| x + offset), moved(&target, |x| x + offset));
    let near = Displacement::new(&source, &target, &plan).unwrap();
    let far = Displacement::new(&far_source, &far_target, &plan).unwrap();
    for (a, b) in [(near.at(0.3), far.at(0.3)), (near.means_at(0.3), far.means_at(0.3))] {
        for (a, b) in a.unwrap().cloud.positions().iter().zip(b.unwrap().cloud.positions()) {
            assert!((b - offset - a).norm() < 1e-8);
        }
    }
}

#[test]
fn attributes_change_in_proportion() {
    let arc = Arc { source: 0, target: 0, mass: 1.0, cost: 0.0 };
    let plan = SparsePlan::new(1, 1, vec![arc]).unwrap();
    let point = |normal, color, intensity, time| {
        cloud(vec![Point3::origin()])
            .with_normals(vec![normal])
            .and_then(|cloud| cloud.with_colors(vec![color]))
            .and_then(|cloud| cloud.with_intensities(vec![intensity]))
            .and_then(|cloud| cloud.with_times(vec![time]))
            .unwrap()
    };
    let at = |source: &PointCloud, target: &PointCloud, t| {
        Displacement::new(source, target, &plan).unwrap().at(t).unwrap().cloud
    };
    let source = point(Vector3::x(), [0, 100, 65535], 1.0, 10.0);
    let target = point(Vector3::y(), [400, 100, 0], 3.0, 20.0);
    let third = at(&source, &target, 1.0 / 3.0);
    // A third of a right angle.
    let wanted = Vector3::new(30_f64.to_radians().cos(), 0.5, 0.0);
    assert!((third.normals().unwrap()[0] - wanted).norm() < 1e-15);
    assert_eq!(third.colors().unwrap(), [[133, 100, 43690]]);
    assert_close(third.intensities().unwrap()[0], 5.0 / 3.0, 1e-15);
    assert_close(third.times().unwrap()[0], 40.0 / 3.0, 1e-14);

    // Opposite normals turn evenly, on a way of their own.
    let back = point(-Vector3::x(), [0; 3], f64::NAN, 0.0);
    for t in [0.0_f64, 0.25, 0.5, 1.0] {
        let normal = at(&source, &back, t).normals().unwrap()[0];
        assert_close(normal.norm(), 1.0, 1e-15);
        assert_close(normal.angle(&Vector3::x()), t * std::f64::consts::PI, 1e-7);
    }
    assert_eq!(at(&source, &back, 0.5).intensities().unwrap(), [1.0]);
    // What has no direction takes the other's.
    for missing in [Vector3::zeros(), Vector3::repeat(f64::NAN), Vector3::new(f64::INFINITY, 0.0, 0.0)] {
        let none = point(missing, [0; 3], 0.0, 0.0);
        assert_eq!(at(&source, &none, 0.5).normals().unwrap(), [Vector3::x()]);
        assert_eq!(at(&none, &source, 0.5).normals().unwrap(), [Vector3::x()]);
    }
    // One side alone has no attribute to go to.
    assert!(at(&source, &cloud(vec![Point3::origin()]), 0.5).attributes().is_empty());
}

#[test]
fn attributes_come_over_by_mass() {
    let arc = |source, target, mass| Arc { source, target, mass, cost: 0.0 };
    let plan = SparsePlan::new(4, 3, vec![arc(0, 0, 1.0), arc(0, 1, 3.0), arc(1, 1, 2.0), arc(3, 2, 1.0)]);
    let source = cloud(cube(4, 1)).with_times(vec![1.0; 4]).unwrap();
    let target = cloud(cube(3, 2))
        .with_normals(vec![2.0 * Vector3::x(), Vector3::y(), Vector3::zeros()])
        .and_then(|cloud| cloud.with_colors(vec![[100, 0, 0], [200, 0, 60000], [7, 7, 7]]))
        .and_then(|cloud| cloud.with_intensities(vec![f64::NAN, 5.0, 1e300]))
        .unwrap();
    let found = plan.unwrap().transfer(&source, &target).unwrap();
    assert_eq!(found.positions(), source.positions());
    assert_eq!(found.attributes(), ["normals", "colors", "intensity"]);
    let normals = found.normals().unwrap();
    assert!((normals[0] - Vector3::new(1.0, 3.0, 0.0).normalize()).norm() < 1e-15);
    assert_eq!(normals[1], Vector3::y());
    assert!(normals[2].iter().chain(normals[3].iter()).all(|value| value.is_nan()));
    assert_eq!(found.colors().unwrap(), [[175, 0, 45000], [200, 0, 60000], [0; 3], [7; 3]]);
    let intensities = found.intensities().unwrap();
    assert_eq!(intensities[..2], [5.0, 5.0]);
    assert!(intensities[2].is_nan());
    assert_eq!(intensities[3], 1e300);
}

#[test]
fn rows_of_tiny_masses_have_means() {
    let arc = |target, mass| Arc { source: 1, target, mass, cost: 0.0 };
    let plan = SparsePlan::new(2, 2, vec![arc(0, 1e-310), arc(1, 3e-310)]).unwrap();
    let source = [Point3::origin(); 2];
    let target = [Point3::new(0.0, 4.0, 0.0), Point3::new(0.0, 8.0, 0.0)];
    let means = plan.row_means(&source, &target).unwrap();
    assert_eq!((means[0].position, means[0].mass, means[0].spread), (Point3::origin(), 0.0, 0.0));
    assert_close(means[1].position.y, 7.0, 1e-8);
    assert_close(means[1].spread, 3.0, 1e-8);
}

#[test]
fn what_does_not_fit_is_refused() {
    let (source, target) = (cloud(cube(4, 1)), cloud(cube(3, 2)));
    let plan = SparsePlan::new(4, 3, Vec::new()).unwrap();
    let way = Displacement::new(&source, &target, &plan).unwrap();
    assert!(way.at(0.5).unwrap().cloud.is_empty() && way.means_at(0.5).unwrap().cloud.is_empty());
    for t in [-0.1, 1.1, f64::NAN, f64::INFINITY] {
        assert!(matches!(way.at(t), Err(Error::InvalidOption { name: "t", .. })));
        assert!(matches!(way.means_at(t), Err(Error::InvalidOption { name: "t", .. })));
    }
    let swapped = Displacement::new(&target, &source, &plan).err();
    assert!(matches!(swapped, Some(Error::ColumnLength { column: "source", expected: 4, got: 3 })));
    let short = plan.transfer(&source, &source).err();
    assert!(matches!(short, Some(Error::ColumnLength { column: "target", expected: 3, got: 4 })));
    assert!(plan.row_means(source.positions(), source.positions()).is_err());
    assert!(plan.velocities(target.positions(), target.positions()).is_err());
}
