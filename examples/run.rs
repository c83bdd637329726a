//! Every example runs, and says something.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Where cargo puts examples: beside the folder of this test.
fn program(name: &str) -> PathBuf {
    let this = std::env::current_exe().expect("a program");
    let folder = this.ancestors().nth(2).expect("a folder of builds").join("examples");
    folder.join(format!("{name}{}", std::env::consts::EXE_SUFFIX))
}

fn says(name: &str, arguments: &[&Path]) -> String {
    let output = Command::new(program(name)).args(arguments).output().expect("an example that was built");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{name}: {}\n{said}", String::from_utf8_lossy(&output.stderr));
    assert!(!said.is_empty(), "{name} says nothing");
    said
}

#[test]
fn examples_that_make_their_own_clouds() {
    for name in ["distance", "certified", "shifted_masses", "evaluate", "overlap", "odometry", "simulated"] {
        says(name, &[]);
    }
}

#[test]
fn examples_that_read_scans() {
    let ready = Path::new(env!("CARGO_MANIFEST_DIR")).join("../datasets/ready");
    let (source, target) = (ready.join("source.ply"), ready.join("target.ply"));
    let folder = tempfile::tempdir().expect("a folder");
    let aligned = folder.path().join("aligned.ply");
    assert!(says("register", &[&source, &target, &aligned]).contains("fitness"));
    assert!(aligned.exists());
    says("own_loop", &[&source, &target]);
    assert!(says("multiway", &[&target, &source]).contains("accepted"));
    assert!(says("evaluate", &[&aligned, &target]).contains("chamfer"));
}
