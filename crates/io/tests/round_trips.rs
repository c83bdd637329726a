//! What is written comes back: bit for bit where the format can hold it.

use barrow_geometry::PointCloud;
use barrow_io::{Format, Loaded, ReadOptions, WriteOptions, read, write};
use nalgebra::{Point3, Vector3};
use proptest::prelude::*;
use tempfile::TempDir;

/// A cloud with every attribute, of numbers that few formats keep by chance.
fn full_cloud(len: usize) -> PointCloud {
    let third = |i: usize| (i as f64 + 1.0) / 3.0;
    PointCloud::new(
        (0..len).map(|i| Point3::new(4.5e5 + third(i), 5.4e6 - third(i) * 1e-3, -third(i))).collect(),
    )
    .and_then(|c| c.with_normals((0..len).map(|i| Vector3::new(third(i), 1.0, 0.0).normalize()).collect()))
    .and_then(|c| c.with_colors((0..len).map(|i| [(i % 256 * 257) as u16, 0, 65535]).collect()))
    .and_then(|c| c.with_intensities((0..len).map(|i| third(i) * 100.0).collect()))
    .and_then(|c| c.with_times((0..len).map(|i| 1.6e9 + third(i)).collect()))
    .unwrap()
}

fn round_trip(cloud: &PointCloud, file: &str, ascii: bool) -> Loaded {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join(file);
    write(&path, cloud, &WriteOptions { ascii, ..Default::default() }).unwrap();
    read(&path, &ReadOptions::default()).unwrap()
}

#[test]
fn formats_with_doubles_keep_every_bit_of_every_attribute() {
    // More than one chunk of every decoder, and a last one that is not full.
    for len in [0, 1, 5, 20_001] {
        let cloud = full_cloud(len);
        for (file, ascii) in [
            ("cloud.ply", false),
            ("cloud.ply", true),
            ("cloud.pcd", false),
            ("cloud.pcd", true),
            ("cloud.csv", false),
            ("cloud.xyz", false),
            ("cloud.pts", false),
        ] {
            if len == 0 && !file.ends_with("ply") && !file.ends_with("pcd") {
                continue;
            }
            let loaded = round_trip(&cloud, file, ascii);
            assert_eq!(loaded.cloud, cloud, "{file}, ascii {ascii}, {len} points");
            assert_eq!(loaded.dropped_nonfinite, 0);
            assert_eq!(loaded.notes, Vec::<String>::new(), "{file}");
        }
    }
}

#[test]
fn sixteen_bit_colors_survive_where_the_format_has_them() {
    let colors = vec![[1, 2, 3], [256, 65534, 0]];
    let cloud = PointCloud::new(vec![Point3::origin(); 2]).unwrap().with_colors(colors).unwrap();
    for (file, ascii) in [("c.ply", false), ("c.ply", true), ("c.csv", false), ("c.xyz", false)] {
        assert_eq!(round_trip(&cloud, file, ascii).cloud, cloud, "{file}");
    }
}

#[test]
fn the_content_wins_over_the_extension() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("cloud.las");
    let cloud = full_cloud(3);
    write(&path, &cloud, &WriteOptions { format: Some(Format::Pcd), ascii: false }).unwrap();
    let loaded = read(&path, &ReadOptions::default()).unwrap();
    assert_eq!((loaded.format, loaded.cloud), (Format::Pcd, cloud));
}

#[test]
fn writing_replaces_whole_files_and_leaves_nothing_beside() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("cloud.ply");
    for len in [100, 1] {
        write(&path, &full_cloud(len), &WriteOptions::default()).unwrap();
    }
    assert_eq!(read(&path, &ReadOptions::default()).unwrap().cloud.len(), 1);
    let names: Vec<_> =
        std::fs::read_dir(directory.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(names, ["cloud.ply"]);
    let missing = directory.path().join("missing/cloud.ply");
    assert!(write(&missing, &full_cloud(1), &WriteOptions::default()).is_err());
}

proptest! {
    #[test]
    fn any_finite_position_survives_text(values in prop::array::uniform3(-1e150..1e150_f64), tiny in any::<f64>()) {
        let tiny = if tiny.abs() <= 1e150 { tiny } else { 5e-324 };
        let positions = vec![Point3::from(values), Point3::new(tiny, -0.0, 1e-7)];
        let cloud = PointCloud::new(positions).unwrap();
        for file in ["c.ply", "c.pcd", "c.xyz", "c.csv"] {
            let back = round_trip(&cloud, file, true).cloud;
            for (a, b) in back.positions().iter().zip(cloud.positions()) {
                prop_assert_eq!(a.coords.map(f64::to_bits), b.coords.map(f64::to_bits));
            }
        }
    }
}
