//! Whole files in and out.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use crate::error::{Error, Result};

/// How a path is called in messages.
pub(crate) fn name(path: &Path) -> String {
    path.display().to_string()
}

/// All bytes of a regular file or a pipe.
///
/// Devices are refused, because some of them never end.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>> {
    let fail = |cause: io::Error| Error::Read { name: name(path), cause };
    let mut file = File::open(path).map_err(fail)?;
    let kind = file.metadata().map_err(fail)?.file_type();
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
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).map_err(fail)?;
    Ok(bytes)
}
