//! Poses, weights and plans in files: what is read, what is refused and by which words.

use barrow_geometry::{Arc, PointCloud};
use barrow_io::{read_transform, read_weights, write_plan, write_transform};
use nalgebra::{Isometry3, Point3, Vector3};
use proptest::prelude::*;
use tempfile::TempDir;

type Checked = Result<(), Box<dyn std::error::Error>>;

fn refused(text: &str, words: &str) -> Checked {
    let directory = TempDir::new()?;
    let path = directory.path().join("pose.txt");
    std::fs::write(&path, text)?;
    let message = read_transform(&path).expect_err(text).to_string();
    assert!(message.contains(words), "{message:?} does not say {words:?}");
    assert!(message.contains("pose.txt"), "{message:?} does not name the file");
    Ok(())
}

proptest! {
    #[test]
    fn a_pose_comes_back(axis in prop::array::uniform3(-3.0..3.0_f64), shift in prop::array::uniform3(-1e7..1e7_f64)) {
        let directory = TempDir::new().unwrap();
        let path = directory.path().join("pose.txt");
        let pose = Isometry3::new(Vector3::from(shift), Vector3::from(axis));
        write_transform(&path, &pose).unwrap();
        let back = read_transform(&path).unwrap();
        prop_assert_eq!(back.translation, pose.translation);
        prop_assert!(back.rotation.angle_to(&pose.rotation) < 1e-7);
        prop_assert!((back.to_homogeneous() - pose.to_homogeneous()).abs().max() < 1e-14);
    }
}

#[test]
fn few_digits_are_made_a_rotation_again() -> Checked {
    let directory = TempDir::new()?;
    let path = directory.path().join("pose.txt");
    std::fs::write(
        &path,
        "# T\n0.804419, 0.359467, -0.472963, -0.15688\n\n-0.509824 0.826408 -0.239017 0.480208\n0.304942\t0.433397 0.848043 0.0140672\r\n0 0 0 1",
    )?;
    let matrix = read_transform(&path)?.rotation.to_rotation_matrix();
    let defect = matrix.matrix().transpose() * matrix.matrix() - nalgebra::Matrix3::identity();
    assert!(defect.abs().max() < 1e-14);
    assert!((matrix[(0, 1)] - 0.359467).abs() < 1e-6);
    Ok(())
}

#[test]
fn what_is_no_pose_is_refused_with_its_defect() -> Checked {
    refused("0.96 0 0 0\n0 0.96 0 0\n0 0 0.96 0\n0 0 0 1\n", "scale 0.96")?;
    refused("-1 0 0 0\n0 1 0 0\n0 0 1 0\n0 0 0 1\n", "reflection")?;
    refused("1 0 0 0\n0 1 0 0\n0 0 2 0\n0 0 0 1\n", "singular values 2.0000 1.0000 1.0000")?;
    refused("1 0 0 0\n0 1 0 0\n0 0 1 0\n0 0 0 2\n", "last row is 0 0 0 2")?;
    refused("1 0 0 0\n0 1 0 0\n0 0 1 0\n", "12 numbers")?;
    refused("1 0 0\n", "line 1: 3 numbers")?;
    refused("1 0 0 0\n0 1 zero 0\n", "line 2: \"zero\"")?;
    refused("1 0 0 0\n0 1 nan 0\n", "line 2: \"nan\" is not a finite number")?;
    refused("", "0 numbers")?;
    refused("1 0 0 0\n0 1 0 0\n0 0 1 0\n0 0 0 1\n0 0 0 1\n", "line 5: a fifth line")
}

#[test]
fn weights_are_read_one_per_line() -> Checked {
    let directory = TempDir::new()?;
    let path = directory.path().join("weights.txt");
    std::fs::write(&path, "0.5\n# half\n1e-3 # small\r\n\n2\n")?;
    assert_eq!(read_weights(&path)?, [0.5, 1e-3, 2.0]);
    std::fs::write(&path, "0.5\none\n")?;
    assert!(read_weights(&path).unwrap_err().to_string().contains("line 2: \"one\""));
    std::fs::write(&path, "\n")?;
    assert!(read_weights(&path).unwrap_err().to_string().contains("no weights"));
    Ok(())
}

#[test]
fn a_plan_is_written_in_three_formats() -> Checked {
    let directory = TempDir::new()?;
    let source = PointCloud::new(vec![Point3::origin(), Point3::new(1.0, 0.0, 0.0)])?;
    let target = PointCloud::new(vec![Point3::new(0.0, 1.0, 0.0)])?;
    let arcs = [
        Arc { source: 0, target: 0, mass: 0.5, cost: 1.0 },
        Arc { source: 1, target: 0, mass: 0.1, cost: 2.0 },
    ];
    let csv = directory.path().join("plan.csv");
    write_plan(&csv, &source, &target, &arcs)?;
    assert_eq!(std::fs::read_to_string(&csv)?, "source,target,mass,cost\n0,0,0.5,1\n1,0,0.1,2\n");

    let ply = directory.path().join("plan.ply");
    write_plan(&ply, &source, &target, &arcs)?;
    let vertices = barrow_io::read(&ply, &Default::default())?.cloud;
    assert_eq!(vertices.len(), 3);
    assert_eq!(vertices.positions()[2], target.positions()[0]);
    let bytes = std::fs::read(&ply)?;
    let last_edge = &bytes[bytes.len() - 24..];
    assert_eq!(last_edge[..8], [1, 0, 0, 0, 2, 0, 0, 0]);
    assert_eq!(last_edge[8..16], 0.1_f64.to_le_bytes());

    let npz = directory.path().join("plan.npz");
    write_plan(&npz, &source, &target, &arcs)?;
    let mut archive = zip::ZipArchive::new(std::fs::File::open(&npz)?)?;
    let array = npyz::NpyFile::new(archive.by_name("source.npy")?)?;
    assert_eq!(array.into_vec::<i64>()?, [0, 1]);
    let array = npyz::NpyFile::new(archive.by_name("cost.npy")?)?;
    assert_eq!(array.into_vec::<f64>()?, [1.0, 2.0]);

    let beyond = [Arc { source: 2, target: 0, mass: 1.0, cost: 0.0 }];
    let message = write_plan(&npz, &source, &target, &beyond).unwrap_err().to_string();
    assert!(message.contains("from 2 to 0"), "{message}");
    let message = write_plan(directory.path().join("plan.xls"), &source, &target, &arcs).unwrap_err();
    assert!(message.to_string().contains("\"xls\""), "{message}");
    Ok(())
}
