//! Points of compressed chunks are those that laz makes of them.

use laz::LazItemRecordBuilder;
use laz::las::{Point3, Point7};
use laz::record::{LayeredPointRecordCompressor, RecordCompressor, SequentialPointRecordCompressor};
use proptest::prelude::*;

use super::*;

/// Points that jump between channels, returns and sequences of times, some of them as the one before.
fn points(length: usize, jumps: &[(u8, i16, u64)]) -> Vec<u8> {
    // None is negative: where differences of their bits overflow, the compressor of laz panics in builds that look.
    let mut times = [1.0e9, 2.0e5, 3.0, 0.0, 5.0e-9, 7.0e17];
    let mut point = vec![0u8; length];
    let mut points = Vec::new();
    let extended = length == 36;
    for &(kind, step, bits) in jumps {
        let add = |point: &mut [u8], at: usize, step: i32| {
            let number = i32::from_le_bytes(point[at..at + 4].try_into().unwrap()).wrapping_add(step);
            point[at..at + 4].copy_from_slice(&number.to_le_bytes());
        };
        for (axis, factor) in [(0, 1), (4, -3), (8, 1 << 14)] {
            add(&mut point, axis, i32::from(step).wrapping_mul(factor));
        }
        if kind & 1 != 0 {
            let sequence = bits as usize % times.len();
            times[sequence] += f64::from(step.unsigned_abs() % 8) * [1e-6, 0.5, 1e4][sequence % 3];
            let at = if extended { 22 } else { 20 };
            let time: f64 = times[sequence];
            point[at..at + 8].copy_from_slice(&time.to_le_bytes());
        }
        if kind & 2 != 0 {
            let returns = if extended { 14 } else { 15 };
            point[returns] = (bits >> 8) as u8;
        }
        if kind & 4 != 0 {
            point[12..14].copy_from_slice(&((bits >> 16) as u16).to_le_bytes());
        }
        if kind & 24 == 24 {
            // Scanner channel and flags; return number and number of returns.
            point[if extended { 15 } else { 14 }] = (bits >> 32) as u8;
        }
        if kind & 32 != 0 {
            let color = length - 6;
            point[color..].copy_from_slice(&bits.to_be_bytes()[..6]);
        }
        points.extend_from_slice(&point);
    }
    points
}

/// What one compressed chunk becomes here and by laz, of the fields that are wanted.
fn both(items: &Vec<LazItem>, compressed: &[u8], length: usize, count: usize) -> [Vec<u8>; 2] {
    let is_layered = items[0].version() > 2;
    let ours = if is_layered { layered } else { sequential };
    let ours = ours(Cursor::new(compressed), items).unwrap();
    let mut theirs: Decompressor<'_> = match is_layered {
        true => Box::new(LayeredPointRecordDecompressor::new(Cursor::new(compressed))),
        false => Box::new(SequentialPointRecordDecompressor::new(Cursor::new(compressed))),
    };
    theirs.set_fields_from(items).unwrap();
    [ours, theirs].map(|mut decompressor| {
        decompressor.set_selection(
            DecompressionSelection::base()
                .decompress_z()
                .decompress_intensity()
                .decompress_gps_time()
                .decompress_rgb(),
        );
        let mut points = vec![0; length * count];
        decompressor.decompress_many(&mut points).unwrap();
        points
    })
}

proptest! {
    #[test]
    fn points_are_those_that_laz_makes(jumps in proptest::collection::vec(any::<(u8, i16, u64)>(), 1..400)) {
        for items in [LazItemRecordBuilder::version_3_of::<Point7>(0), LazItemRecordBuilder::version_4_of::<Point7>(0)] {
            let mut points = points(36, &jumps);
            let mut compressor = LayeredPointRecordCompressor::new(Cursor::new(Vec::new()));
            compressor.set_fields_from(&items).unwrap();
            compressor.compress_many(&points).unwrap();
            compressor.done().unwrap();
            let [ours, theirs] = both(&items, compressor.into_inner().get_ref(), 36, jumps.len());
            prop_assert_eq!(&ours, &theirs);
            // Flags, classification, angle, user data and source are as in the first point, the channel is not.
            let first = points[..36].to_vec();
            for point in points.chunks_exact_mut(36) {
                point[15] = first[15] & !0x30 | point[15] & 0x30;
            }
            prop_assert_eq!(&ours, &points);
        }
    }

    #[test]
    fn points_of_old_formats_are_those_that_laz_makes(
        jumps in proptest::collection::vec(any::<(u8, i16, u64)>(), 1..400),
    ) {
        let items = LazItemRecordBuilder::version_2_of::<Point3>(0);
        let points = points(34, &jumps);
        let mut compressor = SequentialPointRecordCompressor::new(Cursor::new(Vec::new()));
        compressor.set_fields_from(&items).unwrap();
        compressor.compress_many(&points).unwrap();
        compressor.done().unwrap();
        let [ours, theirs] = both(&items, compressor.into_inner().get_ref(), 34, jumps.len());
        prop_assert_eq!(&ours, &theirs);
        prop_assert_eq!(&ours, &points);
    }
}
