//! Clouds and what is estimated from them: against naive versions, closed forms and degenerate input.

mod common;

use std::collections::BTreeMap;

use barrow_geometry::{
    Bounds, Error, KdTree, PointCloud, estimate_covariances, estimate_normals, sample, voxel_downsample,
};
use common::{assert_close, awkward, cube, line, sphere};
use nalgebra::{Isometry3, Point3, Vector3};

fn cloud(points: Vec<Point3<f64>>) -> PointCloud {
    PointCloud::new(points).unwrap()
}

#[test]
fn voxels_hold_the_means_of_their_members() {
    for (size, count) in [(0.1, 3000), (0.037, 3000), (5.0, 100), (1e-7, 500)] {
        let points = cube(count, 7);
        let colors: Vec<_> = (0..count).map(|i| [(i % 500) as u16, 0, u16::MAX]).collect();
        let times: Vec<f64> = (0..count).map(|i| 1.6e9 + i as f64).collect();
        let full =
            cloud(points.clone()).with_colors(colors.clone()).unwrap().with_times(times.clone()).unwrap();
        let coarse = voxel_downsample(&full, size).unwrap();
        let corner = full.bounds().unwrap().min;
        let mut cells: BTreeMap<[u64; 3], Vec<usize>> = BTreeMap::new();
        for (index, point) in points.iter().enumerate() {
            let cell: [u64; 3] = std::array::from_fn(|axis| ((point[axis] - corner[axis]) / size) as u64);
            cells.entry(cell).or_default().push(index);
        }
        assert_eq!(coarse.len(), cells.len());
        for (index, members) in cells.values().enumerate() {
            let count = members.len() as f64;
            let mean = members.iter().map(|&i| points[i].coords).sum::<Vector3<f64>>() / count;
            assert!((coarse.positions()[index].coords - mean).norm() < 1e-12);
            let red = members.iter().map(|&i| f64::from(colors[i][0])).sum::<f64>() / count;
            assert!((f64::from(coarse.colors().unwrap()[index][0]) - red).abs() <= 0.5);
            assert_eq!(coarse.colors().unwrap()[index][2], u16::MAX);
            let time = members.iter().map(|&i| times[i]).sum::<f64>() / count;
            assert_close(coarse.times().unwrap()[index], time, 1e-6);
        }
    }
}

#[test]
fn voxels_refuse_what_no_key_can_hold() {
    let wide = cloud(vec![Point3::origin(), Point3::new(1e15, 0.0, 0.0)]);
    for size in [1e-3, 0.0, -1.0, f64::NAN, f64::INFINITY] {
        let refused = voxel_downsample(&wide, size);
        assert!(matches!(refused, Err(Error::InvalidOption { name: "voxel_size", .. })), "{size}");
    }
    assert_eq!(voxel_downsample(&wide, 1e3).map(|coarse| coarse.len()), Ok(2));
    assert_eq!(voxel_downsample(&cloud(Vec::new()), 1.0).map(|coarse| coarse.len()), Ok(0));
    for (name, points) in awkward() {
        let coarse = voxel_downsample(&cloud(points.clone()), 1e30).unwrap();
        assert_eq!(coarse.len(), 1, "{name}");
        let bounds = Bounds::of(&points).unwrap();
        let slack = Vector3::repeat(1e-9 * bounds.diagonal());
        let grown = Bounds { min: bounds.min - slack, max: bounds.max + slack };
        assert!(grown.contains(&coarse.positions()[0]), "{name}");
    }
}

#[test]
fn mean_normals_are_units_or_nothing() {
    let opposed = cloud(vec![Point3::origin(); 2]).with_normals(vec![Vector3::z(), -Vector3::z()]).unwrap();
    assert_eq!(voxel_downsample(&opposed, 1.0).unwrap().normals().unwrap()[0], Vector3::zeros());
    let leaning = cloud(vec![Point3::origin(); 2]).with_normals(vec![Vector3::z(), Vector3::x()]).unwrap();
    assert_close(voxel_downsample(&leaning, 1.0).unwrap().normals().unwrap()[0].norm(), 1.0, 1e-15);
}

#[test]
fn normals_of_a_sphere_point_to_its_centre() {
    for offset in [Vector3::zeros(), Vector3::new(4.5e6, 5.2e6, 300.0)] {
        let points: Vec<_> = sphere(4000, 2.0).iter().map(|point| point + offset).collect();
        let ball = cloud(points);
        let tree = KdTree::new(ball.positions());
        let center = Point3::from(offset);
        let normals = estimate_normals(&ball, &tree, 12, &center).unwrap();
        for (point, normal) in ball.positions().iter().zip(normals) {
            assert_close(normal.norm(), 1.0, 1e-9);
            assert!(normal.dot(&(center - point).normalize()) > 0.998);
        }
    }
}

#[test]
fn normals_of_a_tilted_plane_are_its_normal() {
    let turn = Isometry3::new(Vector3::new(100.0, 0.0, 0.0), Vector3::new(0.3, 0.5, 0.0));
    let plane: Vec<_> = cube(800, 3).iter().map(|point| turn * Point3::new(point.x, point.y, 0.0)).collect();
    let flat = cloud(plane);
    let tree = KdTree::new(flat.positions());
    let up = turn.rotation * Vector3::z();
    for normal in estimate_normals(&flat, &tree, 10, &(turn * Point3::new(0.5, 0.5, 9.0))).unwrap() {
        assert!(normal.dot(&up) > 1.0 - 1e-9);
    }
}

#[test]
fn degenerate_neighbours_still_give_numbers() {
    for (name, points) in awkward().into_iter().chain([("pair", line(2)), ("triple", line(3))]) {
        let odd = cloud(points);
        let tree = KdTree::new(odd.positions());
        let normals = estimate_normals(&odd, &tree, 8, &Point3::origin()).unwrap();
        assert!(normals.iter().all(|normal| (normal.norm() - 1.0).abs() < 1e-9), "{name}");
        let covariances = estimate_covariances(&odd, &tree, 8).unwrap();
        assert!(covariances.iter().all(|c| c.iter().all(|v| v.is_finite()) && c.trace() >= 0.0), "{name}");
    }
    // Across a line there is no spread; along it, that of five points with unit spacing.
    let straight = cloud((0..50).map(|i| Point3::new(0.0, f64::from(i), 0.0)).collect());
    let covariance = estimate_covariances(&straight, &KdTree::new(straight.positions()), 5).unwrap()[25];
    assert_eq!((covariance[(1, 1)], covariance.trace()), (2.0, 2.0));
    let tree = KdTree::new(straight.positions());
    assert!(matches!(
        estimate_normals(&straight, &tree, 2, &Point3::origin()),
        Err(Error::InvalidOption { .. })
    ));
    assert!(matches!(estimate_covariances(&straight, &tree, 0), Err(Error::InvalidOption { .. })));
}

#[test]
fn samples_are_subsets_without_repetition() {
    let full = cloud(cube(1000, 1)).with_intensities((0..1000).map(f64::from).collect()).unwrap();
    let drawn = sample(&full, 100, 7);
    let indices = drawn.intensities().unwrap();
    assert_eq!(indices.len(), 100);
    assert!(indices.windows(2).all(|pair| pair[0] < pair[1]));
    assert!(
        indices
            .iter()
            .zip(drawn.positions())
            .all(|(&index, point)| full.positions()[index as usize] == *point)
    );
    assert_ne!(sample(&full, 100, 8), drawn);
    assert_eq!(sample(&full, 5000, 0), full);
    assert_eq!(sample(&full, 0, 0).len(), 0);
    // Every point is drawn about equally often.
    let mut hits = vec![0; 1000];
    for seed in 0..400 {
        sample(&full, 100, seed).intensities().unwrap().iter().for_each(|&index| hits[index as usize] += 1);
    }
    assert!(hits.iter().all(|&count| (10..=80).contains(&count)));
}

#[test]
fn cropping_keeps_the_faces() {
    let grid = cloud(common::lattice(5)).with_times((0..125).map(f64::from).collect()).unwrap();
    let inside = grid.crop(&Bounds { min: Point3::new(1.0, 1.0, 1.0), max: Point3::new(3.0, 2.0, 1.0) });
    assert_eq!(inside.len(), 6);
    assert_eq!(inside.times().unwrap()[0], 31.0);
    assert_eq!(
        grid.crop(&Bounds { min: Point3::new(9.0, 0.0, 0.0), max: Point3::new(9.0, 9.0, 9.0) }).len(),
        0
    );
}

#[test]
fn a_motion_and_its_inverse_cancel() {
    let source = cloud(cube(500, 1)).with_normals(vec![Vector3::x(); 500]).unwrap();
    let motion = Isometry3::new(Vector3::new(1.0, -2.0, 3.0), Vector3::new(0.1, 2.0, -0.7));
    let there = source.transformed(&motion);
    assert_eq!(there.normals().unwrap()[0], motion.rotation * Vector3::x());
    let back = there.transformed(&motion.inverse());
    for (a, b) in source.positions().iter().zip(back.positions()) {
        assert!((a - b).norm() < 1e-14);
    }
}

#[test]
fn centroids_keep_their_digits_far_away() {
    let near = cloud(cube(3000, 1));
    let offset = Vector3::new(1e7, -1e7, 5e6);
    let far = cloud(near.positions().iter().map(|point| point + offset).collect());
    let difference = far.centroid().unwrap() - near.centroid().unwrap() - offset;
    assert!(difference.norm() < 4e-9, "{difference}");
    assert_eq!(cloud(Vec::new()).centroid(), None);
    assert_eq!(cloud(Vec::new()).bounds(), None);
}
