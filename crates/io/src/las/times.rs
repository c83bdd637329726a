//! Times of compressed points (LASzip, `laszip_itemio_gpstime.hpp`): differences to the last of four interleaved sequences.
//!
//! laz decodes the same, but calls itself for every change to another sequence, of which a file can hold as many in a row as
//! it likes: stacks overflow, which nothing can catch. Here it is a loop, and a short one.

use std::io::{Cursor, Error, ErrorKind, Read, Result};

use laz::decoders::ArithmeticDecoder;
use laz::decompressors::{IntegerDecompressor, IntegerDecompressorBuilder};
use laz::models::{ArithmeticModel, ArithmeticModelBuilder};
use laz::record::FieldDecompressor;

/// Differences up to this many times the last one have a code each; so do those down to `LEAST` times.
const MOST: u32 = 500;
const LEAST: u32 = 10;

/// Codes behind them: the same time again, a new sequence, and the three others of the four.
const SAME: u32 = MOST + LEAST + 1;
const NEW: u32 = SAME + 1;
const CODES: u32 = NEW + 4;

/// What the codes are in a sequence that stands still.
const FIRST_CODES: u32 = 6;

/// Differences in a row that are no such multiple, until one of them becomes the one to be multiplied.
const EXTREMES: u8 = 3;

/// One sequence: its last time, as the bits of an `f64`, and the difference that led there.
#[derive(Clone, Copy, Default)]
struct Sequence {
    time: i64,
    difference: i32,
    extremes: u8,
}

/// The four sequences and the models of their differences.
pub(super) struct Times {
    sequences: [Sequence; 4],
    last: usize,
    newest: usize,
    /// Codes that are left out: that of the same time again, where points say that otherwise.
    left_out: u32,
    first: ArithmeticModel,
    multiple: ArithmeticModel,
    differences: IntegerDecompressor,
}

impl Times {
    /// Of point formats 0 to 5: every point has a code.
    pub(super) fn of_all() -> Self {
        Self::new(0)
    }

    /// Of point formats 6 to 10, after this one: only a point whose time is another has a code.
    pub(super) fn of_changes(time: i64) -> Self {
        let mut times = Self::new(1);
        times.sequences[0].time = time;
        times
    }

    fn new(left_out: u32) -> Self {
        Self {
            sequences: [Sequence::default(); 4],
            last: 0,
            newest: 0,
            left_out,
            first: ArithmeticModelBuilder::new(FIRST_CODES - left_out).build(),
            multiple: ArithmeticModelBuilder::new(CODES - left_out).build(),
            differences: IntegerDecompressorBuilder::new().bits(32).contexts(9).build_initialized(),
        }
    }

    /// The time of the next point that has one.
    pub(super) fn next<R: Read>(&mut self, decoder: &mut ArithmeticDecoder<R>) -> Result<i64> {
        // Whoever compresses looks for the one sequence that is near, so that one change is all that is ever needed.
        for _ in 0..self.sequences.len() {
            if self.decode(decoder)? {
                return Ok(self.sequences[self.last].time);
            }
        }
        Err(Error::new(ErrorKind::InvalidData, "its time is in none of the four sequences of times"))
    }

    /// One code: `false` if it says to look for the time in another sequence.
    fn decode<R: Read>(&mut self, decoder: &mut ArithmeticDecoder<R>) -> Result<bool> {
        let sequence = &mut self.sequences[self.last];
        let last = sequence.difference;
        if last == 0 {
            match decoder.decode_symbol(&mut self.first)? + self.left_out {
                0 => {}
                1 => {
                    sequence.difference = self.differences.decompress(decoder, 0, 0)?;
                    sequence.time = sequence.time.wrapping_add(sequence.difference.into());
                    sequence.extremes = 0;
                }
                2 => self.begin(decoder)?,
                code => return Ok(self.go_to(code - 2)),
            }
            return Ok(true);
        }
        let mut code = decoder.decode_symbol(&mut self.multiple)?;
        if code >= SAME {
            code += self.left_out;
        }
        if code >= SAME {
            match code {
                SAME => {}
                NEW => self.begin(decoder)?,
                _ => return Ok(self.go_to(code - NEW)),
            }
            return Ok(true);
        }
        let (factor, context) = match code {
            0 => (0, 7),
            1 => (1, 1),
            2..10 => (code as i32, 2),
            10..MOST => (code as i32, 3),
            MOST => (code as i32, 4),
            _ if code < MOST + LEAST => (MOST as i32 - code as i32, 5),
            _ => (-(LEAST as i32), 6),
        };
        let difference = self.differences.decompress(decoder, last.wrapping_mul(factor), context)?;
        sequence.time = sequence.time.wrapping_add(difference.into());
        match context {
            1 => sequence.extremes = 0,
            4 | 6 | 7 if sequence.extremes == EXTREMES => {
                sequence.difference = difference;
                sequence.extremes = 0;
            }
            4 | 6 | 7 => sequence.extremes += 1,
            _ => {}
        }
        Ok(true)
    }

    /// A sequence that is far from the last one takes the place of the oldest.
    fn begin<R: Read>(&mut self, decoder: &mut ArithmeticDecoder<R>) -> Result<()> {
        let last = (self.sequences[self.last].time >> 32) as i32;
        let high = self.differences.decompress(decoder, last, 8)?;
        let low = decoder.read_int()?;
        self.newest = (self.newest + 1) % 4;
        self.last = self.newest;
        self.sequences[self.last] =
            Sequence { time: i64::from(high) << 32 | i64::from(low), ..Sequence::default() };
        Ok(())
    }

    fn go_to(&mut self, further: u32) -> bool {
        self.last = (self.last + further as usize) % 4;
        false
    }
}

impl<'a> FieldDecompressor<Cursor<&'a [u8]>> for Times {
    fn size_of_field(&self) -> usize {
        8
    }

    fn decompress_first(&mut self, source: &mut Cursor<&'a [u8]>, field: &mut [u8]) -> Result<()> {
        source.read_exact(field)?;
        self.sequences[0].time = field.try_into().map_or(0, i64::from_le_bytes);
        Ok(())
    }

    fn decompress_with(
        &mut self,
        decoder: &mut ArithmeticDecoder<Cursor<&'a [u8]>>,
        field: &mut [u8],
    ) -> Result<()> {
        field.copy_from_slice(&self.next(decoder)?.to_le_bytes());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use laz::encoders::ArithmeticEncoder;

    use super::*;

    #[test]
    fn sequences_that_change_without_end_are_refused() {
        let mut encoder = ArithmeticEncoder::new(Cursor::new(Vec::new()));
        let mut model = ArithmeticModelBuilder::new(FIRST_CODES).with_compression(true).build();
        for _ in 0..2_000_000 {
            encoder.encode_symbol(&mut model, 4).unwrap();
        }
        encoder.done().unwrap();
        let bytes = encoder.into_inner().into_inner();
        assert!(bytes.len() < 1000, "{} bytes", bytes.len());
        let mut decoder = ArithmeticDecoder::new(bytes.as_slice());
        decoder.read_init_bytes().unwrap();
        let error = Times::of_all().next(&mut decoder).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidData);
    }
}
