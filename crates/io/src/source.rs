//! Where bytes come from: all of them at hand, or read from a file part by part by whoever decodes the part.
//!
//! A file of fixed rows need not lie in memory as a whole: each task reads its rows into a buffer that
//! stays in the cache. Filling a buffer as large as the file costs more than decoding it.

use std::fs::File;
use std::io;

/// Bytes that can be looked at by range.
pub(crate) struct Source<'a> {
    /// The first bytes; all of them, unless there is a file.
    pub head: &'a [u8],
    file: Option<&'a File>,
    pub length: usize,
}

impl<'a> Source<'a> {
    pub(crate) fn whole(bytes: &'a [u8]) -> Self {
        Self { head: bytes, file: None, length: bytes.len() }
    }

    pub(crate) fn parts(head: &'a [u8], file: &'a File, length: usize) -> Self {
        Self { head, file: Some(file), length }
    }

    /// Calls `look` with a range of the bytes; `scratch` is a buffer to read them into.
    ///
    /// # Errors
    /// If the system does not give the bytes, or the file has become shorter meanwhile.
    pub(crate) fn with<T>(
        &self,
        start: usize,
        length: usize,
        scratch: &mut Vec<u8>,
        look: impl FnOnce(&[u8]) -> T,
    ) -> io::Result<T> {
        if let Some(bytes) = self.head.get(start..start + length) {
            return Ok(look(bytes));
        }
        let file = self.file.ok_or(io::ErrorKind::UnexpectedEof)?;
        scratch.resize(length, 0);
        read_at(file, scratch, start as u64)?;
        Ok(look(scratch))
    }
}

/// Fills a buffer from a place in a file without moving its cursor, so that many threads can.
#[cfg(unix)]
pub(crate) fn read_at(file: &File, buffer: &mut [u8], start: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, buffer, start)
}

/// Fills a buffer from a place in a file.
#[cfg(windows)]
pub(crate) fn read_at(file: &File, buffer: &mut [u8], start: u64) -> io::Result<()> {
    use std::os::windows::fs::FileExt;
    let mut done = 0;
    while done < buffer.len() {
        match file.seek_read(&mut buffer[done..], start + done as u64)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            count => done += count,
        }
    }
    Ok(())
}
