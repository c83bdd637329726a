//! The main job on the pair that comes with the repository.
#![allow(missing_docs)]

mod command;

use command::{barrow, workspace};

#[test]
fn the_first_command_of_the_readme_registers_the_pair() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let pair = workspace().join("datasets/ready");
    let arguments = |rest: &str| {
        let (source, target) = (pair.join("source.ply"), pair.join("target.ply"));
        [rest.split_once(' ').expect("a subcommand and its options")]
            .into_iter()
            .flat_map(|(name, options)| {
                let files = [source.display().to_string(), target.display().to_string()];
                [name.to_owned()].into_iter().chain(files).chain(options.split(' ').map(str::to_owned))
            })
            .collect::<Vec<_>>()
            .join(" ")
    };
    barrow(folder.path(), &arguments("register --out T.txt --picture match.png")).expect(0);
    let truth = pair.join("target_from_source.txt");
    let evaluation = arguments(&format!("evaluate --transform T.txt --json --reference {}", truth.display()));
    let answer = barrow(folder.path(), &evaluation).expect(0).json();
    let rotation = answer["rotation_error_deg"].as_f64().expect("a number");
    let translation = answer["translation_error"].as_f64().expect("a number");
    assert!(rotation < 0.5 && translation < 0.05, "{rotation}°, {translation} m");
}
