//! The committed pair is what the options make, and it fits a clone.

use std::path::PathBuf;

use barrow_datasets::Street;
use barrow_io::ReadOptions;

fn ready(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("ready").join(name)
}

#[test]
fn the_committed_pair_is_made_again() {
    let scene = Street::ready().make().unwrap();
    for cloud in &scene.clouds {
        let read = barrow_io::read(ready(&format!("{}.ply", cloud.name)), &ReadOptions::default()).unwrap();
        assert_eq!(read.cloud.len(), cloud.points.len());
        for (committed, made) in read.cloud.positions().iter().zip(cloud.points.positions()) {
            // Rounded to a tenth of a millimetre; one step more where two platforms round apart.
            assert!((committed - made).amax() < 1.001e-4, "{committed} and {made}");
        }
    }
    let pose = barrow_io::read_transform(ready("target_from_source.txt")).unwrap();
    let error = pose.inverse() * scene.target_from_source().unwrap();
    assert!(error.translation.vector.norm() < 1e-12 && error.rotation.angle() < 1e-7);
}

#[test]
fn the_committed_pair_is_small_and_has_moved_visibly() {
    let bytes = |name| std::fs::metadata(ready(name)).unwrap().len();
    assert!(bytes("source.ply") + bytes("target.ply") < 1_000_000);
    let pose = barrow_io::read_transform(ready("target_from_source.txt")).unwrap();
    let degrees = pose.rotation.angle().to_degrees();
    assert!((10.0..15.0).contains(&degrees), "{degrees}");
    assert!((1.0..2.0).contains(&pose.translation.vector.norm()));
}
