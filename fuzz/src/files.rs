//! Files of any bytes: an error that names the file, or what was read is sound.

use std::path::{Path, PathBuf};

use barrow::geometry::PointCloud;
use barrow::io::{
    Error, Format, ReadOptions, Trajectory, read_from, read_plan, read_trajectory, read_transform,
    read_weights,
};

/// Points that a plan is read for.
const SOURCES: usize = 4;
const TARGETS: usize = 3;

/// Bytes of a cloud for each byte of its file: compressed files grow, but no header makes points out of nothing.
const GROWTH: usize = 2048;

fn cloud(bytes: &[u8], format: Option<Format>) {
    let read = read_from(bytes, "input", &ReadOptions { format, ..ReadOptions::default() });
    match read {
        Ok(loaded) => sound(&loaded.cloud, bytes.len()),
        Err(error) => told(&error, "input"),
    }
}

fn sound(cloud: &PointCloud, length: usize) {
    assert!(cloud.positions().iter().all(|point| point.iter().all(|number| number.is_finite())));
    assert!(24 * cloud.len() <= GROWTH * length, "{} points of {length} bytes", cloud.len());
    let columns = [
        cloud.normals().map(<[_]>::len),
        cloud.colors().map(<[_]>::len),
        cloud.intensities().map(<[_]>::len),
        cloud.times().map(<[_]>::len),
    ];
    assert!(columns.into_iter().flatten().all(|length| length == cloud.len()));
}

fn told(error: &Error, name: &str) {
    let told = error.to_string();
    assert!(told.contains(name), "{told} does not name the file");
    assert!(told.len() < 2000, "{} bytes of a message", told.len());
}

pub fn ply(bytes: &[u8]) {
    cloud(bytes, Some(Format::Ply));
}

pub fn pcd(bytes: &[u8]) {
    cloud(bytes, Some(Format::Pcd));
}

pub fn las(bytes: &[u8]) {
    cloud(bytes, Some(Format::Las));
}

pub fn e57(bytes: &[u8]) {
    cloud(bytes, Some(Format::E57));
}

pub fn kitti(bytes: &[u8]) {
    cloud(bytes, Some(Format::Kitti));
}

pub fn npy(bytes: &[u8]) {
    cloud(bytes, Some(Format::Npy));
}

pub fn npz(bytes: &[u8]) {
    cloud(bytes, Some(Format::Npz));
}

pub fn xyz(bytes: &[u8]) {
    cloud(bytes, Some(Format::Xyz));
}

pub fn obj(bytes: &[u8]) {
    cloud(bytes, Some(Format::Obj));
}

pub fn vtk(bytes: &[u8]) {
    cloud(bytes, Some(Format::Vtk));
}

pub fn any(bytes: &[u8]) {
    cloud(bytes, None);
}

/// A file of these bytes, for readers that take a path.
fn with_file<T>(bytes: &[u8], extension: &str, read: impl FnOnce(&Path) -> T) -> T {
    let thread = std::thread::current().id();
    let name = format!("barrow-{}-{thread:?}.{extension}", std::process::id());
    let path: PathBuf = std::env::temp_dir().join(name);
    std::fs::write(&path, bytes).unwrap();
    let read = read(&path);
    // Another run makes it again.
    drop(std::fs::remove_file(&path));
    read
}

pub fn poses(bytes: &[u8]) {
    with_file(bytes, "txt", |path| {
        if let Ok(pose) = read_transform(path) {
            assert!(pose.to_homogeneous().iter().all(|number| number.is_finite()));
            assert!((pose.rotation.quaternion().norm() - 1.0).abs() < 1e-9);
        }
        if let Ok(Trajectory { poses, .. }) = read_trajectory(path) {
            assert!(poses.iter().all(|pose| pose.to_homogeneous().iter().all(|number| number.is_finite())));
        }
    });
}

pub fn plans(bytes: &[u8]) {
    for extension in ["npz", "csv", "ply"] {
        let read = with_file(bytes, extension, |path| read_plan(path, SOURCES, TARGETS));
        if let Ok(plan) = read {
            let is_sound = |arc: &barrow::geometry::Arc| {
                arc.source < SOURCES && arc.target < TARGETS && arc.mass >= 0.0 && arc.mass.is_finite()
            };
            assert!(plan.arcs().iter().all(is_sound));
        }
    }
}

pub fn weights(bytes: &[u8]) {
    for extension in ["txt", "npy"] {
        drop(with_file(bytes, extension, |path| read_weights(path)));
    }
}
