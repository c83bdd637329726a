//! Writes what `cargo fuzz` begins from, `fuzz/corpus/<target>`: good files of every kind, and small files found in the folders that
//! are named.
//!
//!     cargo run --package barrow-fuzz --example seed [FOLDER…]

use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};

use barrow::io::Format;
use barrow_fuzz::{TARGETS, good};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// Large files teach a fuzzer nothing that small ones do not.
const LARGEST: u64 = 65_536;

fn main() -> Result<()> {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    for target in TARGETS {
        for bytes in good(target)? {
            keep(&corpus, target.name, &bytes)?;
        }
    }
    for folder in std::env::args().skip(1) {
        look(Path::new(&folder), &corpus)?;
    }
    for target in TARGETS {
        let files = std::fs::read_dir(corpus.join(target.name)).map_or(0, Iterator::count);
        println!("{}: {files} files", target.name);
    }
    Ok(())
}

/// Keeps the small files of a folder and of those in it.
fn look(folder: &Path, corpus: &Path) -> Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path: PathBuf = entry?.path();
        if path.is_dir() {
            look(&path, corpus)?;
        } else if let Some(format) = Format::from_extension(&path)
            && path.metadata()?.len() <= LARGEST
        {
            let bytes = std::fs::read(&path)?;
            let name = if format == Format::Laz { "las" } else { format.name() };
            keep(corpus, name, &bytes)?;
            keep(corpus, "any", &bytes)?;
        }
    }
    Ok(())
}

fn keep(corpus: &Path, target: &str, bytes: &[u8]) -> Result<()> {
    let folder = corpus.join(target);
    std::fs::create_dir_all(&folder)?;
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    Ok(std::fs::write(folder.join(format!("{:016x}", hasher.finish())), bytes)?)
}
