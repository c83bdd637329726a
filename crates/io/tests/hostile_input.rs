//! Files that lie or are damaged: an error that says where, never a panic, a hang or a huge allocation.

use std::panic::catch_unwind;

use barrow_geometry::PointCloud;
use barrow_io::{Error, Format, Loaded, ReadOptions, WriteOptions, read, read_from, write};
use nalgebra::{Point3, Vector3};
use proptest::prelude::*;
use tempfile::TempDir;

fn load(bytes: &[u8], format: Option<Format>) -> barrow_io::Result<Loaded> {
    read_from(bytes, "input", &ReadOptions { format, ..Default::default() })
}

/// Loads, and fails if that panicked inside: the net under the libraries turns panics into these words.
fn load_calmly(bytes: &[u8], format: Format) -> barrow_io::Result<Loaded> {
    let loaded = catch_unwind(|| load(bytes, Some(format)));
    loaded.unwrap_or_else(|_| panic!("{format}: panic on {} bytes", bytes.len()))
}

fn small_cloud() -> PointCloud {
    let positions = (0..4).map(|i| Point3::new(i as f64 / 3.0, -1.5, i as f64)).collect();
    PointCloud::new(positions)
        .and_then(|cloud| cloud.with_normals(vec![Vector3::z(); 4]))
        .and_then(|cloud| cloud.with_colors(vec![[257, 514, 65535]; 4]))
        .and_then(|cloud| cloud.with_intensities(vec![7.0, 8.0, 9.0, 10.0]))
        .and_then(|cloud| cloud.with_times(vec![0.25; 4]))
        .unwrap()
}

/// A small file of every format, by our own writer.
fn samples() -> Vec<(Format, Vec<u8>)> {
    let directory = TempDir::new().unwrap();
    let mut samples = Vec::new();
    for format in Format::ALL {
        for ascii in [false, true] {
            let path = directory.path().join(format!("sample.{format}"));
            write(&path, &small_cloud(), &WriteOptions { format: Some(format), ascii }).unwrap();
            samples.push((format, std::fs::read(&path).unwrap()));
        }
    }
    samples.push((Format::Pcd, compressed_pcd()));
    samples
}

/// The three points 0, 1, 2 on a line, as PCL compresses them: here all literals.
fn compressed_pcd() -> Vec<u8> {
    let mut file = b"VERSION 0.7\nFIELDS x y z\nSIZE 4 4 4\nTYPE F F F\nCOUNT 1 1 1\nWIDTH 3\nHEIGHT 1\nPOINTS 3\nDATA binary_compressed\n".to_vec();
    let mut body = Vec::new();
    for column in [[0.0_f32, 1.0, 2.0], [0.0; 3], [0.0; 3]] {
        body.push(11);
        body.extend(column.iter().flat_map(|value| value.to_le_bytes()));
    }
    file.extend((body.len() as u32).to_le_bytes());
    file.extend(36_u32.to_le_bytes());
    file.extend(body);
    file
}

#[test]
fn the_samples_are_whole() {
    for (format, bytes) in samples() {
        let loaded = load_calmly(&bytes, format).unwrap();
        assert!(loaded.cloud.len() >= 3, "{format}");
    }
}

#[test]
fn cut_off_anywhere_gives_an_error_or_fewer_lines() {
    for (format, bytes) in samples() {
        for length in 0..bytes.len() {
            match load_calmly(&bytes[..length], format) {
                Err(error) => assert!(error.to_string().starts_with("input: "), "{error}"),
                // Text without a count, and raw floats, cannot know that something is missing.
                Ok(loaded) => assert!(
                    matches!(format, Format::Xyz | Format::Obj | Format::Kitti)
                        || loaded.cloud.positions() == load_calmly(&bytes, format).unwrap().cloud.positions(),
                    "{format} of {length} bytes of {} gave {} points",
                    bytes.len(),
                    loaded.cloud.len()
                ),
            }
        }
    }
}

#[test]
fn any_changed_byte_is_read_or_refused() {
    for (format, bytes) in samples() {
        for at in 0..bytes.len() {
            for value in [0xff, bytes[at] ^ 0x01] {
                let mut changed = bytes.clone();
                changed[at] = value;
                let _ = load_calmly(&changed, format);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..Default::default() })]

    #[test]
    fn random_damage_is_read_or_refused(
        which in any::<prop::sample::Index>(),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12),
        cut in any::<prop::sample::Index>(),
    ) {
        let samples = samples();
        let (format, mut bytes) = samples[which.index(samples.len())].clone();
        for (at, value) in damage {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        let _ = load_calmly(&bytes, format);
        let _ = load_calmly(&bytes[..cut.index(bytes.len() + 1)], format);
    }

    #[test]
    fn noise_is_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = load(&bytes, None);
        for format in Format::ALL {
            let _ = load_calmly(&bytes, format);
        }
    }

    #[test]
    fn any_text_is_read_or_refused(text in "[-+0-9eE.,; \\t\\n\"#/naif]{0,120}") {
        for format in [Format::Xyz, Format::Obj] {
            let _ = load_calmly(text.as_bytes(), format);
        }
        let header = format!("ply\nformat ascii 1.0\nelement vertex 3\nproperty float x\nproperty float y\nproperty float z\nend_header\n{text}");
        let _ = load_calmly(header.as_bytes(), Format::Ply);
        let header = format!("# vtk DataFile Version 3.0\nt\nASCII\nDATASET POLYDATA\nPOINTS 3 float\n{text}");
        let _ = load_calmly(header.as_bytes(), Format::Vtk);
    }
}

/// What a refusal must say.
fn refused(bytes: &[u8], words: &[&str]) {
    let message = load(bytes, None).expect_err(&words.concat()).to_string();
    for word in words {
        assert!(message.contains(word), "{message:?} does not say {word:?}");
    }
}

const BILLIONS: &str = "10000000000";

#[test]
fn headers_that_claim_gigabytes_are_refused_at_once() {
    let xyz = "property double x\nproperty double y\nproperty double z\n";
    for format in ["binary_little_endian", "binary_big_endian", "ascii"] {
        let ply = format!("ply\nformat {format} 1.0\nelement vertex {BILLIONS}\n{xyz}end_header\n1 2 3\n");
        refused(ply.as_bytes(), &[BILLIONS]);
        let ply = format!("ply\nformat {format} 1.0\nelement vertex {}\n{xyz}end_header\n1 2 3\n", u64::MAX);
        refused(ply.as_bytes(), &["18446744073709551615"]);
        let before = format!("element other {BILLIONS}\nproperty list uchar int i\nelement vertex 1\n");
        let ply = format!("ply\nformat {format} 1.0\n{before}{xyz}end_header\n1 2 3\n");
        refused(ply.as_bytes(), &[BILLIONS, "other"]);
    }
    for data in ["binary", "ascii", "binary_compressed"] {
        for points in [BILLIONS, "18446744073709551615"] {
            let pcd = format!(
                "VERSION 0.7\nFIELDS x y z\nSIZE 4 4 4\nTYPE F F F\nCOUNT 1 1 1\nWIDTH {points}\nHEIGHT 1\nPOINTS {points}\nDATA {data}\n1 2 3 4 5 6 7 8 9\n"
            );
            refused(pcd.as_bytes(), &[points]);
        }
    }
    let count = "VERSION 0.7\nFIELDS x y z w\nSIZE 4 4 4 4\nTYPE F F F F\nCOUNT 1 1 1 99999999999\nWIDTH 1\nHEIGHT 1\nPOINTS 1\nDATA binary\n";
    refused(count.as_bytes(), &["COUNT 99999999999"]);
    for encoding in ["ASCII", "BINARY"] {
        let vtk = format!(
            "# vtk DataFile Version 3.0\nt\n{encoding}\nDATASET POLYDATA\nPOINTS {BILLIONS} double\n1 2 3\n"
        );
        refused(vtk.as_bytes(), &["30000000000"]);
    }
    refused(
        b"# vtk DataFile Version 3.0\nt\nASCII\nDATASET POLYDATA\nPOINTS 9223372036854775807 double\n",
        &["memory"],
    );
    refused(format!("{BILLIONS}\n1 2 3\n").as_bytes(), &["line 1", BILLIONS]);
    for shape in ["(10000000000, 3)", "(4294967296, 4294967296)", "(0, 18446744073709551615, 3)"] {
        let dictionary = format!("{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}, }}\n");
        let mut npy = b"\x93NUMPY\x01\x00".to_vec();
        npy.extend((dictionary.len() as u16).to_le_bytes());
        npy.extend(dictionary.as_bytes());
        refused(&npy, &["shape"]);
    }
    refused(b"\x93NUMPY\x02\x00\xff\xff\xff\xff{'descr'", &["4294967295 bytes"]);
    let nested = [b"\x93NUMPY\x01\x00\x00\x40".to_vec(), vec![b'('; 0x4000]].concat();
    refused(&nested, &["nests"]);
}

#[test]
fn las_headers_that_claim_gigabytes_are_refused_at_once() {
    for (format, bytes) in
        samples().into_iter().filter(|(format, _)| matches!(format, Format::Las | Format::Laz))
    {
        // The legacy count, and beyond it all of the 64-bit one.
        let mut claims = bytes.clone();
        claims[107..111].copy_from_slice(&u32::MAX.to_le_bytes());
        let message = load_calmly(&claims, format).expect_err("a claim of 4294967295 points").to_string();
        assert!(message.contains("4294967295") || message.contains("decompressed"), "{message}");
        let mut claims = bytes.clone();
        claims[107..111].copy_from_slice(&0_u32.to_le_bytes());
        claims[247..255].copy_from_slice(&u64::MAX.to_le_bytes());
        assert!(load_calmly(&claims, format).is_err());
    }
}

#[test]
fn every_refusal_names_the_place_and_what_would_do() {
    refused(b"", &["file is empty"]);
    refused(b"ply\n", &["byte", "end_header"]);
    refused(
        b"ply\nformat ascii 1.0\nelement vertex 1\nproperty float x\nproperty float y\nend_header\n1 2\n",
        &["\"z\"", "\"y\""],
    );
    refused(b"ply\nformat ascii 1.0\nelement face 1\nproperty float x\nend_header\n1\n", &["vertex", "face"]);
    refused(b"ply\nformat ascii 1.0\nelement vertex 2\nproperty float x\nproperty float y\nproperty float z\nend_header\n1 2 3\n4 five 6\n", &["line 9", "\"five\""]);
    refused(b"ply\nformat ascii 1.0\nelement vertex 2\nproperty float x\nproperty float y\nproperty float z\nend_header\n1 2 3\n4 5\n", &["line 9", "2 values where 3"]);
    refused(b"ply\nformat ascii 1.0\nelement vertex 1\nproperty float x\nproperty float x\nproperty float y\nproperty float z\nend_header\n1 2 3 4\n", &["same name"]);
    refused(b"ply\nformat ascii 1.0\nelement vertex one\nend_header\n", &["line 3", "element vertex one"]);
    refused(b"1 2 3\n4 5\n", &["line 2", "2 values where 3"]);
    refused(b"1 2 3\n4 5 6 7\n", &["line 2", "more than 3"]);
    refused(b"x,y,z\n1,2,3\n1,2,z\n", &["line 3", "\"z\""]);
    refused(b"a,b,c\n1,2,3\n", &["unknown format"]);
    let message = load(b"a,b,c\n1,2,3\n", Some(Format::Xyz)).unwrap_err().to_string();
    assert!(message.contains("no column \"x\"") && message.contains("\"c\""), "{message}");
    refused(b"\x00\x01\x02\x03", &["unknown format", "ply, pcd, las"]);
    let message = load(&[0; 13], Some(Format::Kitti)).unwrap_err().to_string();
    assert!(message.contains("13 bytes"), "{message}");
}

#[test]
fn what_is_not_finite_is_dropped_and_counted_or_refused_if_strict() {
    let text =
        b"x y z intensity\n0 0 0 1\nnan 0 0 2\n1 1 1 3\n0 inf 0 4\n0 0 -Infinity 5\n1e200 0 0 6\n2 2 2 nan\n";
    let loaded = load(text, None).unwrap();
    assert_eq!(loaded.dropped_nonfinite, 4);
    assert_eq!(loaded.cloud.len(), 3);
    assert_eq!(loaded.cloud.intensities().unwrap()[..2], [1.0, 3.0]);
    let strict = ReadOptions { strict: true, format: Some(Format::Xyz), ..Default::default() };
    match read_from(&text[..], "input", &strict) {
        Err(Error::NonFinite { index: 1, position, .. }) => assert!(position[0].is_nan()),
        other => panic!("{other:?}"),
    }
    let nothing = load(b"nan nan nan\ninf 0 0\n", None).unwrap();
    assert_eq!((nothing.cloud.len(), nothing.dropped_nonfinite), (0, 2));
}

#[test]
fn folders_missing_files_and_devices_are_refused() {
    let directory = TempDir::new().unwrap();
    let options = ReadOptions::default();
    let message = read(directory.path(), &options).unwrap_err().to_string();
    assert!(message.contains("is a directory"), "{message}");
    let message = read(directory.path().join("missing.ply"), &options).unwrap_err().to_string();
    assert!(message.contains("missing.ply: cannot be read"), "{message}");
    #[cfg(unix)]
    {
        let message = read("/dev/zero", &options).unwrap_err().to_string();
        assert!(message.contains("is a device"), "{message}");
    }
    let path = directory.path().join("cloud.dat");
    std::fs::write(&path, [0xfe; 40]).unwrap();
    assert!(matches!(read(&path, &options), Err(Error::UnknownFormat { .. })));
    assert!(matches!(
        write(&path, &small_cloud(), &WriteOptions::default()),
        Err(Error::UnknownFormat { .. })
    ));
}
