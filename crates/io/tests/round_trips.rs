//! What is written comes back: bit for bit where the format can hold it.

use barrow_geometry::PointCloud;
use barrow_io::{Format, Loaded, ReadOptions, WriteOptions, read, read_from, rounding, write};
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
            ("cloud.vtk", false),
            ("cloud.vtk", true),
            ("cloud.npy", false),
            ("cloud.npz", false),
            ("cloud.e57", false),
        ] {
            // Text without a line has no header that could say how many there are.
            if len == 0 && ["csv", "xyz", "pts", "e57"].iter().any(|extension| file.ends_with(extension)) {
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
    for (file, ascii) in [
        ("c.ply", false),
        ("c.ply", true),
        ("c.csv", false),
        ("c.xyz", false),
        ("c.vtk", false),
        ("c.vtk", true),
        ("c.npy", false),
        ("c.npz", false),
        ("c.e57", false),
        ("c.obj", false),
        ("c.las", false),
        ("c.laz", false),
    ] {
        assert_eq!(round_trip(&cloud, file, ascii).cloud, cloud, "{file}");
    }
}

#[test]
fn a_large_file_read_in_parts_is_the_same_as_one_read_whole() {
    let directory = TempDir::new().unwrap();
    let cloud = full_cloud(20_001);
    let cases = [("c.ply", false), ("c.pcd", false), ("c.las", false), ("c.ply", true), ("c.pcd", true)];
    for (file, ascii) in cases {
        let path = directory.path().join(file);
        write(&path, &cloud, &WriteOptions { ascii, ..Default::default() }).unwrap();
        let bytes = std::fs::read(&path).unwrap();
        assert!(bytes.len() > 1 << 20, "{file} is too small to be read in parts");
        let whole = read_from(&bytes[..], file, &ReadOptions::default()).unwrap();
        assert_eq!(read(&path, &ReadOptions::default()).unwrap(), whole, "{file}");
        // A row less than promised is refused in the same words.
        std::fs::write(&path, &bytes[..bytes.len() - if ascii { 100 } else { 1 }]).unwrap();
        let message = read(&path, &ReadOptions::default()).unwrap_err().to_string();
        assert!(message.contains("20001") && message.contains("20000"), "{message}");
    }
}

#[test]
fn large_text_in_parts_keeps_lines_whole_wherever_parts_end() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("c.csv");
    // Lines of many lengths, some blank, some comments, and one that is longer than a part.
    let mut text = String::from("x,y,z\r\n");
    let mut expected = Vec::new();
    for i in 0..60_000_usize {
        let value = (i * 7919 % 1000) as f64 / 8.0;
        text.push_str(&format!("{value}, {i},{:1$}\n", -0.5, i % 37));
        expected.push(Point3::new(value, i as f64, -0.5));
        match i {
            20_000 => text.push_str(&format!("# {}\n", "long ".repeat(200_000))),
            _ if i % 1000 == 0 => text.push_str("  \r\n// note\n"),
            _ => {}
        }
    }
    text.push_str("1,2,3");
    expected.push(Point3::new(1.0, 2.0, 3.0));
    std::fs::write(&path, &text).unwrap();
    assert_eq!(read(&path, &ReadOptions::default()).unwrap().cloud.positions(), expected);
    // The line of a fault is the line of the file.
    std::fs::write(&path, format!("{text},4\n1,2\n")).unwrap();
    let lines = text.lines().count();
    let message = read(&path, &ReadOptions::default()).unwrap_err().to_string();
    assert!(message.contains(&format!("line {}: 2 values where 3", lines + 1)), "{message}");
}

#[test]
fn obj_keeps_positions_colors_and_normals() {
    let full = full_cloud(20_001);
    let loaded = round_trip(&full, "cloud.obj", false);
    assert_eq!(loaded.cloud.positions(), full.positions());
    assert_eq!(loaded.cloud.normals(), full.normals());
    assert_eq!(loaded.cloud.colors(), full.colors());
    assert_eq!(loaded.cloud.attributes(), ["normals", "colors"]);
}

/// How far the coordinate is off that is off most.
fn farthest(back: &PointCloud, cloud: &PointCloud) -> f64 {
    let apart =
        back.positions().iter().zip(cloud.positions()).map(|(back, point)| (back - point).abs().max());
    apart.fold(0.0, f64::max)
}

#[test]
fn las_keeps_decimals_exactly_and_rounds_all_else_as_it_says() {
    for file in ["cloud.las", "cloud.laz"] {
        let full = full_cloud(60_001);
        let loaded = round_trip(&full, file, false);
        let said = rounding(&full, loaded.format);
        assert!(said <= 0.5e-5, "{said}");
        assert_eq!(farthest(&loaded.cloud, &full), said);
        assert_eq!(loaded.cloud.normals(), full.normals());
        assert_eq!(loaded.cloud.colors(), full.colors());
        assert_eq!(loaded.cloud.intensities(), full.intensities());
        assert_eq!(loaded.cloud.times(), full.times());

        let decimal = |i: usize| (i as f64 * 37.0).rem_euclid(1e6) / 1000.0;
        let positions: Vec<_> = (0..3000).map(|i| Point3::new(decimal(i), -decimal(i * i), 851.21)).collect();
        let cloud = PointCloud::new(positions).unwrap().with_intensities(vec![7.0; 3000]).unwrap();
        let loaded = round_trip(&cloud, file, false);
        assert!(rounding(&cloud, loaded.format) < 1e-12);
        assert_eq!(loaded.cloud.attributes(), ["intensity"]);
        for (back, point) in loaded.cloud.positions().iter().zip(cloud.positions()) {
            assert!((back - point).abs().max() < 1e-12, "{back} {point}");
        }
        // What once was LAS stays as it is.
        assert_eq!(round_trip(&loaded.cloud, file, false).cloud, loaded.cloud);
    }
}

#[test]
fn las_holds_the_smallest_and_the_largest_clouds() {
    for scale in [1e-9, 1.0, 1e7, 1e100] {
        let positions =
            (0..100).map(|i| Point3::new(i as f64 / 7.0, -1.0 / 3.0, (i as f64).sqrt()) * scale).collect();
        let cloud = PointCloud::new(positions).unwrap();
        let said = rounding(&cloud, Format::Las);
        let back = round_trip(&cloud, "c.las", false).cloud;
        assert!(said <= 0.5000001e-8 * 15.0 * scale, "{said} of {scale}");
        assert_eq!(farthest(&back, &cloud), said);
    }
    let one = PointCloud::new(vec![Point3::new(1.0 / 3.0, 1e9 / 7.0, -1e-12)]).unwrap();
    assert_eq!(round_trip(&one, "c.laz", false).cloud, one);
    let equal = PointCloud::new(vec![Point3::new(1.0, 2.0, 3.0); 300_000]).unwrap();
    assert_eq!(round_trip(&equal, "c.laz", false).cloud, equal);
    let none = PointCloud::default();
    assert_eq!(round_trip(&none, "c.las", false).cloud.len(), 0);
    assert_eq!(round_trip(&none, "c.laz", false).cloud.len(), 0);
}

#[test]
fn kitti_keeps_floats() {
    let full = full_cloud(1000);
    let single = |value: f64| f64::from(value as f32);
    let loaded = round_trip(&full, "cloud.bin", false);
    assert_eq!(loaded.format, Format::Kitti);
    assert_eq!(farthest(&loaded.cloud, &full), rounding(&full, Format::Kitti));
    for (back, point) in loaded.cloud.positions().iter().zip(full.positions()) {
        assert_eq!(back.coords, point.coords.map(single));
    }
    assert_eq!(loaded.cloud.attributes(), ["intensity"]);
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
