//! Whole solves on a graphics device agree with the processor's on real scans.
#![cfg(feature = "gpu")]

use std::path::PathBuf;

use barrow::geometry::{
    Backend, Bounds, Gpu, Measure, NearestDistances, PointCloud, Sinkhorn, TransportProblem, sample,
};
use barrow::io::{ReadOptions, read};

/// The device to test on. Says loudly if there is none, and fails where that must not be.
fn device() -> Option<Gpu> {
    match Gpu::open() {
        Ok(gpu) => Some(gpu),
        Err(error) => {
            assert!(std::env::var_os("BARROW_REQUIRE_GPU").is_none(), "{error}");
            eprintln!("SKIPPED, nothing was tested: {error}");
            None
        }
    }
}

/// Pairs of scans, thinned; a street with coordinates of a LiDAR, a bunny of 15 cm, and the pair that comes along.
fn pairs() -> Vec<(&'static str, PointCloud, PointCloud)> {
    let folder = std::env::var_os("BARROW_DATA").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data")),
        PathBuf::from,
    );
    let ready = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../datasets/ready"));
    let thinned = |path: PathBuf| {
        let cloud = read(&path, &ReadOptions::default()).unwrap().cloud;
        sample(&cloud, 800, 0)
    };
    let mut pairs = vec![("ready", thinned(ready.join("source.ply")), thinned(ready.join("target.ply")))];
    for (name, source, target) in [
        ("street", "small_gicp/source.ply", "small_gicp/target.ply"),
        ("bunny", "stanford_bunny_scans/bun000.ply", "stanford_bunny_scans/bun045.ply"),
    ] {
        let (source, target) = (folder.join(source), folder.join(target));
        if source.exists() && target.exists() {
            pairs.push((name, thinned(source), thinned(target)));
        } else {
            eprintln!("SKIPPED {name}: no shared data");
        }
    }
    pairs
}

#[test]
fn entropic_transport_and_nearest_points_agree() {
    let Some(gpu) = device() else { return };
    let backend = Backend::Gpu(gpu);
    for (name, source, target) in pairs() {
        let (a, b) =
            (Measure::uniform(source.positions()).unwrap(), Measure::uniform(target.positions()).unwrap());
        let extent = Bounds::of(source.positions()).unwrap().diagonal();
        for reach in [None, Some(0.1 * extent)] {
            let problem = TransportProblem { reach, ..TransportProblem::new(a, b, 0.03 * extent) };
            let solver = Sinkhorn { tolerance: 1e-4, ..Sinkhorn::default() };
            let got = solver.solve(&problem, &backend).unwrap();
            assert!(got.convergence().converged(), "{name}");
            // Of the same potentials the processor finds the same value, and that they misplace as little.
            let same =
                Sinkhorn { initial: Some(got.potentials().clone()), max_iterations: 1, ..solver.clone() };
            let same = same.solve(&problem, &Backend::Cpu).unwrap();
            assert!(same.convergence().residual < 1.5 * solver.tolerance, "{name}, reach {reach:?}");
            let apart = (got.value() / same.value() - 1.0).abs();
            assert!(apart < 1e-5, "{name}, reach {reach:?}: {} for {}", got.value(), same.value());
            let apart = (got.transport_cost() / same.transport_cost() - 1.0).abs();
            assert!(apart < 1e-4, "{name}, reach {reach:?}: costs are {apart:e} apart");
            // What is misplaced costs either of them some of the value.
            let wanted = solver.solve(&problem, &Backend::Cpu).unwrap();
            let apart = (got.value() / wanted.value() - 1.0).abs();
            assert!(apart < 1e-4, "{name}, reach {reach:?}: {} for {}", got.value(), wanted.value());
        }
        let wanted = NearestDistances::between(&source, &target).unwrap().chamfer();
        let got = NearestDistances::between_on(&source, &target, &backend).unwrap().chamfer();
        assert_eq!(got.value.to_bits(), wanted.value.to_bits(), "{name}");
    }
}
