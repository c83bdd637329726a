//! The main job on the pair that comes with the repository.
#![allow(missing_docs)]

mod command;

use command::{barrow, files, workspace};

/// Registers the pair with some options and asserts that the pose is near the truth.
fn assert_registers(options: &str) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let pair = workspace().join("datasets/ready");
    let [source, target, truth] = ["source.ply", "target.ply", "target_from_source.txt"]
        .map(|name| pair.join(name).display().to_string());
    barrow(folder.path(), &format!("register {source} {target} --out T.txt {options}")).expect(0);
    let evaluation = format!("evaluate {source} {target} --transform T.txt --reference {truth} --json");
    let answer = barrow(folder.path(), &evaluation).expect(0).json();
    let rotation = answer["rotation_error_deg"].as_f64().expect("a number");
    let translation = answer["translation_error"].as_f64().expect("a number");
    assert!(rotation < 0.5 && translation < 0.05, "{options}: {rotation}°, {translation} m");
    assert!(!options.contains("--picture") || files(folder.path()).contains(&"registered.png".to_owned()));
}

#[test]
fn the_first_command_of_the_readme() {
    assert_registers("--method ot --picture registered.png");
}

#[test]
fn default_options() {
    assert_registers("");
}
