//! The public interface of every library of the workspace is the one that is written down in `docs/api`.
//!
//! ```sh
//! cargo test --workspace --exclude barrow-benches --test api -- --ignored     # what has changed?
//! UPDATE=1 cargo test --workspace --exclude barrow-benches --test api -- --ignored     # it was meant to
//! ```
//!
//! Documentation as JSON changes with the compiler, so that other compilers than the oldest that is supported are not asked.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Whose documentation the parser of this test understands.
const COMPILER: &str = concat!("rustc ", env!("CARGO_PKG_RUST_VERSION"), ".");

const CRATES: [&str; 6] =
    ["barrow", "barrow_geometry", "barrow_io", "barrow_registration", "barrow_viewer", "barrow_shaders"];

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

fn stdout(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Documents all crates as JSON, which is an unstable option of the stable compiler; answers where.
fn documented() -> PathBuf {
    let flags = "-Z unstable-options --output-format json";
    let rustdoc = workspace().join("scripts/rustdoc-unstable");
    stdout(
        Command::new(env!("CARGO"))
            .args(["doc", "--workspace", "--no-deps", "--quiet"])
            .env("RUSTDOC", rustdoc)
            .env("RUSTDOCFLAGS", flags)
            .current_dir(workspace()),
    );
    let metadata = stdout(
        Command::new(env!("CARGO"))
            .args(["metadata", "--no-deps", "--offline", "--format-version=1"])
            .current_dir(workspace()),
    );
    let metadata: serde_json::Value = serde_json::from_str(&metadata).unwrap();
    Path::new(metadata["target_directory"].as_str().unwrap()).join("doc")
}

#[test]
#[ignore = "documents every crate anew"]
fn the_public_interface_is_the_one_that_is_written_down() {
    let compiler = stdout(Command::new("rustc").arg("--version"));
    if !compiler.starts_with(COMPILER) {
        eprintln!("skipped: {} is not {COMPILER}x", compiler.trim());
        return;
    }
    let documented = documented();
    let mut changed = Vec::new();
    for name in CRATES {
        let json = documented.join(format!("{name}.json"));
        let api = public_api::Builder::from_rustdoc_json(&json)
            .omit_blanket_impls(true)
            .omit_auto_trait_impls(true)
            .omit_auto_derived_impls(true)
            .build()
            .unwrap();
        let now: BTreeSet<String> = api.items().map(ToString::to_string).collect();
        let path = workspace().join("docs/api").join(format!("{}.txt", name.replace('_', "-")));
        if std::env::var_os("UPDATE").is_some() {
            let text: String = now.iter().map(|item| format!("{item}\n")).collect();
            std::fs::write(&path, text).unwrap();
        }
        let written = std::fs::read_to_string(&path).unwrap_or_default();
        let written: BTreeSet<String> = written.lines().map(str::to_owned).collect();
        changed.extend(written.difference(&now).map(|item| format!("- {item}")));
        changed.extend(now.difference(&written).map(|item| format!("+ {item}")));
    }
    assert!(changed.is_empty(), "the public interface has changed:\n{}", changed.join("\n"));
}
