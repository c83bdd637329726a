//! Small files with everything in them that a format can hold.

use barrow::geometry::{Arc, PointCloud};
use barrow::io::{Format, WriteOptions, write, write_plan, write_transform};
use nalgebra::{Isometry3, Point3, Vector3};

use crate::Target;

/// Good files for a target of readers, which a search begins with; none for solvers, which take any bytes.
///
/// # Errors
/// If a file cannot be written.
pub fn good(target: Target) -> Result<Vec<Vec<u8>>, Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    let file = |name: &str| folder.path().join(name);
    let mut inputs = Vec::new();
    let formats = Format::ALL.into_iter().filter(|format| match target.name {
        "any" => true,
        "las" => matches!(format, Format::Las | Format::Laz),
        name => format.name() == name,
    });
    for format in formats {
        for ascii in [false, true] {
            let path = file("cloud");
            write(&path, &cloud()?, &WriteOptions { format: Some(format), ascii })?;
            inputs.push(std::fs::read(path)?);
        }
    }
    match target.name {
        "poses" => {
            let path = file("pose.txt");
            write_transform(&path, &Isometry3::new(Vector3::new(1.0, 2.0, -3.0), Vector3::z()))?;
            inputs.push(std::fs::read(path)?);
            inputs.push(b"1 0 0 0 0 1 0 0 0 0 1 0\n1 0 0 2.5 0 1 0 0 0 0 1 0\n".to_vec());
            inputs.push(b"# time x y z qx qy qz qw\n0.1 1 2 3 0 0 0 1\n0.2 1 2 4 0 0 0 1\n".to_vec());
        }
        "plans" => {
            let arc = |source, target, mass| Arc { source, target, mass, cost: 1.0 };
            let arcs = [arc(0, 0, 0.5), arc(3, 2, 0.25)];
            let cloud = |count: usize| PointCloud::new(vec![Point3::new(1.0, 2.0, 3.0); count]);
            for extension in ["npz", "csv", "ply"] {
                let path = file(&format!("plan.{extension}"));
                write_plan(&path, &cloud(4)?, &cloud(3)?, &arcs)?;
                inputs.push(std::fs::read(path)?);
            }
        }
        "weights" => inputs.push(b"1\n0.5\n2e-3\n".to_vec()),
        _ => {}
    }
    Ok(inputs)
}

fn cloud() -> barrow::geometry::Result<PointCloud> {
    let positions = (0..5).map(|i| Point3::new(f64::from(i) / 3.0, -1.5, f64::from(i * i))).collect();
    PointCloud::new(positions)
        .and_then(|cloud| cloud.with_normals(vec![Vector3::z(); 5]))
        .and_then(|cloud| cloud.with_colors(vec![[257, 514, 65535]; 5]))
        .and_then(|cloud| cloud.with_intensities(vec![7.0, 8.0, 9.0, 10.0, 11.0]))
        .and_then(|cloud| cloud.with_times(vec![0.25; 5]))
}
