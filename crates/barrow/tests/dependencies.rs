//! Every package that barrow is built on has a licence that `deny.toml` allows. `cargo deny check` looks at more, advisories among it,
//! and CI runs it where it is installed; this test needs nothing but cargo.

use std::path::Path;
use std::process::Command;

use serde_json::Value;
use spdx::{Expression, ParseMode};

fn stdout(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// The licence that a package names, or that the text is whose file it names.
fn named(package: &Value) -> Option<String> {
    if let Some(license) = package["license"].as_str() {
        return Some(license.to_owned());
    }
    let folder = Path::new(package["manifest_path"].as_str()?).parent()?;
    let text = std::fs::read_to_string(folder.join(package["license_file"].as_str()?)).ok()?;
    (text.lines().next()?.trim() == "MIT License").then(|| "MIT".to_owned())
}

#[test]
fn every_package_has_a_licence_that_is_allowed() {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let deny: toml_edit::DocumentMut =
        std::fs::read_to_string(workspace.join("deny.toml")).unwrap().parse().unwrap();
    let allowed: Vec<_> = deny["licenses"]["allow"]
        .as_array()
        .unwrap()
        .iter()
        .map(|name| spdx::Licensee::parse(name.as_str().unwrap()).unwrap())
        .collect();
    let compiler = stdout(Command::new("rustc").arg("-vV"));
    let host = compiler.lines().find_map(|line| line.strip_prefix("host: ")).unwrap();
    // Packages of other systems have not been downloaded.
    let arguments = ["metadata", "--offline", "--locked", "--format-version=1", "--filter-platform", host];
    let metadata = stdout(Command::new(env!("CARGO")).args(arguments).current_dir(&workspace));
    let metadata: Value = serde_json::from_str(&metadata).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    assert!(packages.len() > 100, "{} packages", packages.len());
    let refused: Vec<String> = packages
        .iter()
        .filter(|package| {
            let Some(license) = named(package) else { return true };
            // "MIT/Apache-2.0" was how it was written once.
            let parsed = Expression::parse_mode(&license, ParseMode::LAX);
            !parsed.is_ok_and(|parsed| {
                parsed.evaluate(|wanted| allowed.iter().any(|licence| licence.satisfies(wanted)))
            })
        })
        .map(|package| format!("{} {}: {}", package["name"], package["version"], package["license"]))
        .collect();
    assert!(refused.is_empty(), "not allowed by deny.toml:\n{}", refused.join("\n"));
}
