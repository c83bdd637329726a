//! Local refinement of real scans: every method ends where generalised ICP does.

use std::path::PathBuf;

use barrow::io::{ReadOptions, read, read_transform};
use barrow::registration::{Aligner, Method, Verdict};
use nalgebra::{Isometry3, Vector3};

#[test]
fn symmetric_and_voxelised_icp_end_where_generalised_icp_does() {
    let folder = std::env::var_os("BARROW_DATA").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data")),
        PathBuf::from,
    );
    let scans = folder.join("stanford_bunny_scans");
    if !scans.exists() {
        println!("skipped: no shared data");
        return;
    }
    let cloud = |name: &str| read(scans.join(name), &ReadOptions::default()).unwrap().cloud;
    let (source, target) = (cloud("bun045.ply"), cloud("bun000.ply"));
    let truth = read_transform(folder.join("gt/bunny_045_to_000.txt")).unwrap();
    let center = source.centroid().unwrap();
    let about = Isometry3::translation(center.x, center.y, center.z);
    let off = Isometry3::new(Vector3::new(0.002, -0.001, 0.001), Vector3::new(0.03, -0.04, 0.02));
    let initial = Some(truth * about * off * about.inverse());
    let ends = [Method::Gicp, Method::Symmetric, Method::VoxelGicp].map(|method| {
        let found = Aligner { method, initial, ..Aligner::default() }.align(&source, &target).unwrap();
        assert_eq!(found.verdict, Verdict::Accepted, "{method:?}");
        found.target_from_source
    });
    // The reference itself is known to a third of a degree.
    for end in ends {
        let angle = (end.inverse() * truth).rotation.angle();
        assert!(angle.to_degrees() < 0.2, "{}", angle.to_degrees());
        let apart = (ends[0].inverse() * end).rotation.angle();
        let shift = (end * center - ends[0] * center).norm();
        assert!(apart.to_degrees() < 0.05 && shift < 5e-5, "{} {shift}", apart.to_degrees());
    }
}
