//! Files opened and read.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use rayon::prelude::*;

use crate::error::{Error, Result};
use crate::source::read_at;

/// How a path is called in messages.
pub(crate) fn name(path: &Path) -> String {
    path.display().to_string()
}

/// A file that may be read.
pub(crate) struct Opened {
    pub file: File,
    /// Bytes of a regular file; a pipe has no size.
    pub length: Option<usize>,
}

/// Opens a regular file or a pipe.
///
/// Devices are refused, because some of them never end.
pub(crate) fn open(path: &Path) -> Result<Opened> {
    let fail = |cause: io::Error| Error::Read { name: name(path), cause };
    let file = File::open(path).map_err(fail)?;
    let metadata = file.metadata().map_err(fail)?;
    let kind = metadata.file_type();
    if kind.is_dir() {
        return Err(fail(io::Error::new(io::ErrorKind::IsADirectory, "this is a directory, not a file")));
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt;
        if kind.is_char_device() || kind.is_block_device() {
            return Err(fail(io::Error::new(io::ErrorKind::InvalidInput, "this is a device, not a file")));
        }
    }
    let length = kind.is_file().then(|| usize::try_from(metadata.len()).unwrap_or(usize::MAX));
    Ok(Opened { file, length })
}

/// All bytes of a file.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>> {
    let opened = open(path)?;
    opened.read().map_err(|cause| Error::Read { name: name(path), cause })
}

impl Opened {
    /// All bytes, a large file by several threads: most of the time goes into making the pages.
    pub(crate) fn read(self) -> io::Result<Vec<u8>> {
        const LARGE: usize = 1 << 20;
        let Opened { mut file, length } = self;
        let mut bytes = Vec::new();
        if let Some(length) = length.filter(|&length| length > LARGE) {
            bytes.try_reserve_exact(length)?;
            bytes = vec![0; length];
            bytes
                .par_chunks_mut(LARGE)
                .enumerate()
                .try_for_each(|(chunk, part)| read_at(&file, part, (chunk * LARGE) as u64))?;
        } else {
            file.read_to_end(&mut bytes)?;
        }
        Ok(bytes)
    }
}
