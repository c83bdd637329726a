//! Real files of every kind, which are not part of the project: each loads completely, with the number of
//! points that its own README tells, or is refused with the place and the reason.

use std::path::{Path, PathBuf};

use barrow_io::{Loaded, ReadOptions, read};

fn data() -> Option<PathBuf> {
    let folder = std::env::var_os("BARROW_DATA")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"), PathBuf::from);
    if folder.join("README.md").is_file() {
        return Some(folder);
    }
    println!("skipped: no shared data");
    None
}

fn load(path: &Path) -> barrow_io::Result<Loaded> {
    read(path, &ReadOptions::default())
}

/// Files that hold no cloud, and a word of the message that says so.
const REFUSED: [(&str, &str); 5] = [
    ("format_fixtures/stereo_left.pcd", "no field \"x\""),
    ("libpointmatcher_3d/carCloudList.csv", "no column \"x\""),
    ("e57_fixtures/corrupt_crc.e57", "checksum"),
    ("stanford_bunny_scans/bun.conf", "unknown format"),
    ("goicp_bunny/output.txt", "is not a point"),
];

/// Points of the E57 files, invalid ones included, which the README does not count.
const E57: [(&str, usize); 17] = [
    ("bunnyDouble", 30571),
    ("bunnyFloat", 30571),
    ("bunnyInt21", 30571),
    ("cartesian_invalid_state_single", 3),
    ("empty", 0),
    ("empty_pc", 0),
    ("float_intensity_without_min_max", 1),
    ("integer_intensity", 2),
    ("las2e57_no_images_tag", 153),
    ("no_ext_namespace", 1),
    ("original_guids", 1),
    ("read_error", 2651),
    ("scaled_integer_intensity", 2),
    ("tinyCartesianFloatRgb", 2090),
    ("tiny_pc_and_images", 2),
    ("tiny_pc_with_extension", 1),
    ("tiny_spherical", 360),
];

/// The files that the README counts points of.
fn counted(folder: &Path) -> Vec<(String, usize)> {
    let text = std::fs::read_to_string(folder.join("README.md")).unwrap();
    text.lines()
        .filter_map(|line| {
            let cells: Vec<&str> = line.split('|').map(str::trim).collect();
            let (name, points) = (cells.get(1)?, cells.get(5)?.parse().ok()?);
            folder.join(name).is_file().then(|| ((*name).to_owned(), points))
        })
        .collect()
}

#[test]
fn every_counted_file_loads_completely() {
    let Some(folder) = data() else { return };
    let files = counted(&folder);
    assert!(files.len() > 60, "the table was not understood: {}", files.len());
    let mut wrong = Vec::new();
    for (name, points) in files {
        if REFUSED.iter().any(|(refused, _)| *refused == name) {
            continue;
        }
        // Of these two the README counts the header as a line of points.
        let header = usize::from(name.starts_with("libpointmatcher_3d/car_cloud400"));
        match load(&folder.join(&name)) {
            Ok(loaded) if loaded.cloud.len() + loaded.dropped_nonfinite + header == points => {}
            Ok(loaded) => wrong.push(format!("{name}: {} of {points}", loaded.cloud.len())),
            Err(error) => wrong.push(error.to_string()),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_e57_file_loads_completely() {
    let Some(folder) = data() else { return };
    let mut wrong = Vec::new();
    for (name, points) in E57 {
        match load(&folder.join(format!("e57_fixtures/{name}.e57"))) {
            Ok(loaded) if loaded.cloud.len() + loaded.dropped_nonfinite == points => {}
            Ok(loaded) => {
                wrong.push(format!("{name}: {} + {}", loaded.cloud.len(), loaded.dropped_nonfinite))
            }
            Err(error) => wrong.push(error.to_string()),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_is_no_cloud_is_refused_with_a_reason() {
    let Some(folder) = data() else { return };
    for (name, words) in REFUSED {
        let message = load(&folder.join(name)).expect_err(name).to_string();
        assert!(message.contains(words), "{message}");
        assert!(message.contains(name), "{message}");
    }
}

#[test]
fn every_file_loads_or_is_refused() {
    let Some(folder) = data() else { return };
    let (mut loaded, mut refused) = (0, Vec::new());
    for entry in std::fs::read_dir(&folder).unwrap().flatten() {
        let files = match entry.file_type().unwrap().is_dir() {
            true => std::fs::read_dir(entry.path()).unwrap().flatten().map(|file| file.path()).collect(),
            false => vec![entry.path()],
        };
        for path in files {
            match load(&path) {
                Ok(_) => loaded += 1,
                Err(error) => refused.push(error.to_string()),
            }
        }
    }
    refused.sort();
    println!("{loaded} loaded, {} refused:\n{}", refused.len(), refused.join("\n"));
    // Transforms and tables must not pass as clouds.
    assert!(refused.iter().filter(|message| message.contains("4 by 4 transform")).count() >= 35);
}

#[test]
fn attributes_arrive() {
    let Some(folder) = data() else { return };
    for (name, attributes) in [
        ("format_fixtures/cloud_0.pcd", &["normals", "intensity"][..]),
        ("format_fixtures/colored_cloud.pcd", &["normals", "colors"]),
        ("format_fixtures/milk_color.pcd", &["colors"]),
        ("format_fixtures/office1.pcd", &["colors"]),
        ("format_fixtures/horse.ply", &["colors"]),
        ("fricp_monkey/source.ply", &["normals"]),
        ("small_gicp/source.ply", &["intensity"]),
        ("libpointmatcher_3d/car_cloud400.csv", &["normals"]),
        ("las_fixtures/simple.las", &["colors", "intensity", "time"]),
        ("las_fixtures/simple.laz", &["colors", "intensity", "time"]),
        ("las_fixtures/simple.copc.laz", &["colors", "intensity", "time"]),
        ("e57_fixtures/tinyCartesianFloatRgb.e57", &["colors"]),
        ("e57_fixtures/tiny_pc_with_extension.e57", &["normals"]),
        ("pcl_bun_small/bun4.pcd", &[]),
        ("libpointmatcher_2d/2D_oneBox.csv", &[]),
    ] {
        assert_eq!(load(&folder.join(name)).unwrap().cloud.attributes(), attributes, "{name}");
    }
}

#[test]
fn notes_say_what_a_user_should_know() {
    let Some(folder) = data() else { return };
    for (name, words) in [
        ("format_fixtures/samp11-utm.pcd", "0.5 apart"),
        ("format_fixtures/office1.pcd", "VIEWPOINT"),
        ("nc_newer_college_01/planes_000000.bin", "3 floats per point"),
    ] {
        let notes = load(&folder.join(name)).unwrap().notes.join("\n");
        assert!(notes.contains(words), "{name}: {notes}");
    }
    assert_eq!(load(&folder.join("small_gicp/source.ply")).unwrap().notes, Vec::<String>::new());
}

#[test]
fn the_same_points_come_out_of_las_and_laz() {
    let Some(folder) = data() else { return };
    let las = |name: &str| load(&folder.join("las_fixtures").join(name)).unwrap().cloud;
    assert_eq!(las("simple.las"), las("simple.laz"));
    assert_eq!(las("extrabytes.las"), las("extrabytes.laz"));
    assert_eq!(las("simple.las").positions()[0].coords, nalgebra::Vector3::new(637012.24, 849028.31, 431.66));
}
