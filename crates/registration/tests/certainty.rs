//! Whether the covariance tells the error, and what the clouds leave free is named and left alone.

mod common;

use std::f64::consts::TAU;

use barrow_datasets::{Object, Scene};
use barrow_geometry::{PointCloud, sample};
use barrow_registration::{Aligner, Method, Registration, Verdict, automatic_max_distance};
use common::Draws;
use nalgebra::{Isometry3, Point3, Translation3, Vector3, Vector6};

/// A rectangle: a corner and two edges.
type Wall = [[f64; 3]; 3];

/// Points drawn evenly by area.
fn walls(walls: &[Wall], count: usize, draws: &mut Draws) -> Vec<Point3<f64>> {
    let walls = walls.iter().map(|wall| wall.map(Vector3::from)).collect::<Vec<_>>();
    let areas: Vec<f64> = walls.iter().map(|[_, a, b]| a.cross(b).norm()).collect();
    let total: f64 = areas.iter().sum();
    let point = |_| {
        let mut left = draws.uniform() * total;
        let found = areas.iter().position(|area| {
            left -= area;
            left < 0.0
        });
        let [corner, a, b] = walls[found.unwrap_or(walls.len() - 1)];
        Point3::from(corner + a * draws.uniform() + b * draws.uniform())
    };
    (0..count).map(point).collect()
}

/// The six sides of a box.
fn sides([x, y, z]: [f64; 3], [a, b, c]: [f64; 3]) -> Vec<Wall> {
    let (along, across, up) = ([a, 0.0, 0.0], [0.0, b, 0.0], [0.0, 0.0, c]);
    let low = [x, y, z];
    vec![
        [low, along, across],
        [[x, y, z + c], along, across],
        [low, along, up],
        [[x, y + b, z], along, up],
        [low, across, up],
        [[x + a, y, z], across, up],
    ]
}

fn room() -> Vec<Wall> {
    let furniture = [
        ([0.7, 0.9, 0.0], [1.2, 0.6, 0.8]),
        ([3.1, 2.4, 0.0], [0.5, 0.9, 1.9]),
        ([4.0, 0.6, 0.0], [0.8, 0.8, 0.5]),
    ];
    let mut all = sides([0.0; 3], [5.5, 4.2, 2.6]);
    all.extend(furniture.into_iter().flat_map(|(at, size)| sides(at, size)));
    all
}

/// A source and a target that were drawn apart, with noise in voxels, and the true pose.
struct Drawn {
    source: PointCloud,
    target: PointCloud,
    truth: Isometry3<f64>,
    voxel: f64,
}

impl Drawn {
    fn new(
        [source, target]: [Vec<Point3<f64>>; 2],
        truth: Isometry3<f64>,
        noise: f64,
        draws: &mut Draws,
    ) -> Self {
        let [source, target] = [source, target].map(|points| PointCloud::new(points).unwrap());
        // The gate is three voxels by default.
        let voxel = automatic_max_distance(&source, &target).unwrap() / 3.0;
        // Seen from somewhere else, so that the grids have nothing in common.
        let turn = Isometry3::new(Vector3::new(1.0, -2.0, 0.5), Vector3::new(0.3, -0.5, 0.8));
        let mut noisy = |cloud: &PointCloud| {
            let around =
                |point: &Point3<f64>| point + Vector3::from_fn(|_, _| draws.normal()) * (noise * voxel);
            PointCloud::new(cloud.positions().iter().map(around).collect()).unwrap()
        };
        let (source, target) = (noisy(&source).transformed(&turn.inverse()), noisy(&target));
        Self { source, target, truth: truth * turn, voxel }
    }

    /// A pose near the true one: half a voxel off, and a little turned about the source's centroid.
    fn near(&self, draws: &mut Draws) -> Isometry3<f64> {
        let mut vector = || Vector3::from_fn(|_, _| draws.normal());
        let off = Isometry3::new(vector() * (0.5 * self.voxel), vector() * 0.003);
        let about = self.about();
        self.truth * about * off * about.inverse()
    }

    fn about(&self) -> Translation3<f64> {
        Translation3::from(self.source.centroid().unwrap())
    }

    fn align(&self, initial: Option<Isometry3<f64>>) -> Registration {
        Aligner { initial, method: Method::Gicp, ..Aligner::default() }
            .align(&self.source, &self.target)
            .unwrap()
    }
}

/// The small motion (ω, t) from one pose to another, in the source's frame.
fn between(from: &Isometry3<f64>, to: &Isometry3<f64>) -> Vector6<f64> {
    let step = from.inv_mul(to);
    let (turn, shift) = (step.rotation.scaled_axis(), step.translation.vector);
    Vector6::new(turn.x, turn.y, turn.z, shift.x, shift.y, shift.z)
}

fn view(scene: &Scene, name: &str, seed: u64) -> Vec<Point3<f64>> {
    let cloud = &scene.cloud(name).unwrap().points;
    sample(cloud, cloud.len() / 2, seed).positions().to_vec()
}

/// Mean over draws of δᵀ C⁻¹ δ: 6 if the covariance C is that of the error δ.
fn normalised_error_squared(drawn: impl Fn(u64, &mut Draws) -> Drawn) -> f64 {
    let one = |seed| {
        let mut draws = Draws::new(7 * seed + 3);
        let drawn = drawn(seed, &mut draws);
        let found = drawn.align(Some(drawn.near(&mut draws)));
        assert!(found.degenerate_directions.is_empty(), "{:?}", found.degenerate_directions);
        let error = between(&drawn.truth, &found.target_from_source);
        error.dot(&found.covariance.unwrap().cholesky().unwrap().solve(&error))
    };
    (1..=DRAWS).map(one).sum::<f64>() / DRAWS as f64
}

/// Eight draws of χ² with 6 degrees of freedom have their mean in this with a probability of 0.998.
const CALIBRATED: std::ops::Range<f64> = 2.9..10.5;

const DRAWS: u64 = 8;

#[test]
fn the_error_of_objects_is_as_large_as_their_covariance_says() {
    for noise in [0.1, 0.5] {
        let drawn = |seed, draws: &mut Draws| {
            let made = Object { points: 8_000, overlap: 0.9, noise: 0.0, seed, ..Object::default() }.make();
            let scene = made.unwrap();
            let views = [view(&scene, "source", seed), view(&scene, "target", seed + 100)];
            Drawn::new(views, scene.target_from_source().unwrap(), noise, draws)
        };
        let mean = normalised_error_squared(drawn);
        assert!(CALIBRATED.contains(&mean), "noise {noise}: {mean}");
    }
}

#[test]
fn the_error_in_a_room_is_as_large_as_its_covariance_says() {
    for noise in [0.2, 0.5] {
        let drawn = |_, draws: &mut Draws| {
            let scans = [walls(&room(), 12_000, draws), walls(&room(), 12_000, draws)];
            Drawn::new(scans, Isometry3::identity(), noise, draws)
        };
        let mean = normalised_error_squared(drawn);
        assert!(CALIBRATED.contains(&mean), "noise {noise}: {mean}");
    }
}

/// Clouds with a symmetry: how they are drawn at a place of the sensor, and the normal at a point.
struct Symmetric {
    draw: fn(f64, &mut Draws) -> Vec<Point3<f64>>,
    normal: fn(&Point3<f64>) -> Vector3<f64>,
    /// Free shifts, free turns.
    free: [usize; 2],
}

const COUNT: usize = 6000;

const PLANE: Symmetric = Symmetric {
    draw: |_, draws| walls(&[[[0.0; 3], [10.0, 0.0, 0.0], [0.0, 8.0, 0.0]]], COUNT, draws),
    normal: |_| Vector3::z(),
    free: [2, 1],
};

/// A floor between two walls.
const CORRIDOR: Symmetric = Symmetric {
    draw: |from, draws| {
        let (along, across, up) = ([20.0, 0.0, 0.0], [0.0, 2.5, 0.0], [0.0, 0.0, 3.0]);
        let low = [from, 0.0, 0.0];
        walls(&[[low, along, across], [low, along, up], [[from, 2.5, 0.0], along, up]], COUNT, draws)
    },
    normal: |point| {
        let to_wall = point.y.abs().min((point.y - 2.5).abs());
        if point.z.abs() < to_wall { Vector3::z() } else { Vector3::y() }
    },
    free: [1, 0],
};

const CYLINDER: Symmetric = Symmetric {
    draw: |from, draws| {
        let mut point = |_| {
            let (sine, cosine) = (TAU * draws.uniform()).sin_cos();
            Point3::new(cosine, sine, 0.5 * from + 6.0 * draws.uniform())
        };
        (0..COUNT).map(&mut point).collect()
    },
    normal: |point| Vector3::new(point.x, point.y, 0.0).normalize(),
    free: [1, 1],
};

const SPHERE: Symmetric = Symmetric {
    draw: |_, draws| {
        let mut point = |_| Point3::from(Vector3::from_fn(|_, _| draws.normal()).normalize());
        (0..COUNT).map(&mut point).collect()
    },
    normal: |point| point.coords.normalize(),
    free: [0, 3],
};

impl Symmetric {
    fn drawn(&self, noise: f64, draws: &mut Draws) -> Drawn {
        let scans = [(self.draw)(0.0, draws), (self.draw)(1.0, draws)];
        Drawn::new(scans, Isometry3::identity(), noise, draws)
    }

    /// Root mean squares over the source's points of a motion of the source, all of it and its part along the normals \[m\].
    fn moved(&self, drawn: &Drawn, motion: impl Fn(&Point3<f64>) -> Vector3<f64>) -> (f64, f64) {
        let points = drawn.source.positions();
        let square = |point: &Point3<f64>| {
            let there = drawn.truth * point;
            let moved = drawn.truth * motion(point);
            Vector3::new(moved.norm_squared(), (self.normal)(&there).dot(&moved).powi(2), 0.0)
        };
        let mean = points.iter().map(square).sum::<Vector3<f64>>() / points.len() as f64;
        (mean.x.sqrt(), mean.y.sqrt())
    }

    /// The free motions are named, and only the others are corrected.
    fn assert_held_back(&self, name: &str) {
        for noise in [0.0, 0.4] {
            let mut draws = Draws::new(5);
            let drawn = self.drawn(noise, &mut draws);
            let start = drawn.near(&mut draws);
            let found = drawn.align(Some(start));
            let (free, about) = (&found.degenerate_directions, drawn.about());
            assert_eq!(free.len(), self.free.iter().sum::<usize>(), "{name} {noise}: {free:?}");
            assert!(found.covariance.is_none());
            let at = |motion: &Vector6<f64>, point: &Point3<f64>| {
                let [turn, shift] = [0, 3].map(|row| motion.fixed_rows::<3>(row).into_owned());
                turn.cross(&(point.coords - about.vector)) + shift
            };
            let inverse = about.inverse();
            let drift = between(&(inverse * start * about), &(inverse * found.target_from_source * about));
            let squares = drawn.source.positions().iter().map(|p| (p.coords - about.vector).norm_squared());
            let squared_radius = squares.sum::<f64>() / drawn.source.len() as f64;
            for (index, direction) in free.iter().enumerate() {
                // Five degrees.
                let (all, across) = self.moved(&drawn, |point| at(direction, point));
                assert!(across < 0.087 * all, "{name} {noise}: {across} of {all} along {direction}");
                let turn = direction.fixed_rows::<3>(0).norm_squared() * squared_radius;
                assert_eq!(turn < 0.5, index < self.free[0], "{name} {noise}: {direction}");
                assert!((turn + direction.fixed_rows::<3>(3).norm_squared() - 1.0).abs() < 1e-9);
                let metric = Vector6::from_fn(|row, _| if row < 3 { squared_radius } else { 1.0 });
                let along = drift.component_mul(&metric).dot(direction);
                assert!(along.abs() < 0.02 * drawn.voxel, "{name} {noise}: {along} along {direction}");
            }
            let off = |point: &Point3<f64>| {
                drawn
                    .truth
                    .inverse_transform_vector(&(found.target_from_source * point - drawn.truth * point))
            };
            let (_, error) = self.moved(&drawn, off);
            assert!(error < 0.15 * drawn.voxel, "{name} {noise}: {error} of a voxel of {}", drawn.voxel);
        }
    }
}

#[test]
fn a_plane_may_slide_both_ways_and_turn() {
    PLANE.assert_held_back("plane");
}

#[test]
fn a_corridor_may_slide_along() {
    CORRIDOR.assert_held_back("corridor");
}

#[test]
fn a_cylinder_may_slide_and_turn() {
    CYLINDER.assert_held_back("cylinder");
}

#[test]
fn a_sphere_may_turn_about_everything() {
    SPHERE.assert_held_back("sphere");
}

#[test]
fn what_is_free_is_doubted_unless_it_was_given() {
    let mut draws = Draws::new(1);
    let drawn = CORRIDOR.drawn(0.1, &mut draws);
    let given = drawn.align(Some(drawn.near(&mut draws)));
    assert_eq!(given.verdict, Verdict::Accepted);
    let still = Drawn { source: drawn.source.transformed(&drawn.truth), ..drawn };
    let found = still.align(None);
    assert_eq!((found.verdict, found.degenerate_directions.len()), (Verdict::Doubtful, 1));
    // As they lay.
    let shift = found.target_from_source.translation.vector;
    assert!(shift.norm() < 0.1 * still.voxel, "{shift}");
}
