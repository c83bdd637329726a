//! Sliced distances on a device beside those of the CPU engine, to 10⁻⁵ of their value.
#![cfg(feature = "gpu")]

mod common;

use std::path::Path;

use barrow_geometry::{Backend, Directions, Error, Gpu, Measure, Sliced, SlicedDistance};
use common::{awkward, cube, line, sphere};
use nalgebra::{Point3, Vector3};

const TOLERANCE: f64 = 1e-5;

type Points = Vec<Point3<f64>>;

/// A device to test on; says loudly if there is none, and fails where that must not be.
fn device(opened: barrow_geometry::Result<Gpu>) -> Option<Backend> {
    match opened {
        Ok(gpu) => Some(Backend::Gpu(gpu)),
        Err(error) => {
            assert!(std::env::var_os("BARROW_REQUIRE_GPU").is_none(), "{error}");
            eprintln!("SKIPPED, nothing was tested: {error}");
            None
        }
    }
}

fn uniform(points: &[Point3<f64>]) -> Measure<'_> {
    Measure::uniform(points).unwrap()
}

fn moved(points: &[Point3<f64>], map: impl Fn(&Vector3<f64>) -> Vector3<f64>) -> Points {
    points.iter().map(|point| Point3::from(map(&point.coords))).collect()
}

fn sliced(p: f64, projections: usize) -> Sliced {
    Sliced { p, projections, ..Default::default() }
}

/// Compares one distance, and that it comes out the same again.
#[track_caller]
fn compare(
    name: &str,
    options: &Sliced,
    source: &Measure,
    target: &Measure,
    backend: &Backend,
) -> SlicedDistance {
    let got = options.distance_on(source, target, backend).unwrap();
    let wanted = options.distance(source, target).unwrap();
    let off = (got.value - wanted.value).abs();
    assert!(off <= TOLERANCE * wanted.value, "{name}, {options:?}: {got:?} for {wanted:?}");
    // Errors are differences of values.
    let off = (got.standard_error - wanted.standard_error).abs();
    assert!(off <= 2.0 * TOLERANCE * wanted.value, "{name}, {options:?}: {got:?} for {wanted:?}");
    assert_eq!(got, options.distance_on(source, target, backend).unwrap(), "{name} again");
    got
}

#[test]
fn sizes_around_every_boundary() {
    let Some(backend) = device(Gpu::open()) else { return };
    for count in [1, 2, 255, 256, 257, 1023, 4095, 4096, 4097] {
        let (source, target) = (cube(count, 1), sphere(count, 0.7));
        for p in [1.0, 2.0, 3.0] {
            compare(&format!("{count}"), &sliced(p, 8), &uniform(&source), &uniform(&target), &backend);
        }
    }
}

#[test]
fn sides_of_unequal_sizes() {
    let Some(backend) = device(Gpu::open()) else { return };
    for (n, m) in
        [(1, 2), (1, 4097), (2, 3), (256, 257), (1000, 999), (4097, 4096), (8200, 13), (5000, 12_345)]
    {
        let (source, target) = (cube(n, 1), sphere(m, 0.7));
        for p in [1.0, 2.0, 3.0] {
            let options = sliced(p, 8);
            let there =
                compare(&format!("{n} to {m}"), &options, &uniform(&source), &uniform(&target), &backend);
            let back = options.distance_on(&uniform(&target), &uniform(&source), &backend).unwrap();
            assert!(
                (there.value - back.value).abs() <= 1e-8 * there.value,
                "{n} to {m}, {there:?}, {back:?}"
            );
        }
    }
}

#[test]
fn two_at_once_on_one_device() {
    let Some(backend) = device(Gpu::open()) else { return };
    let clouds = [cube(2000, 1), cube(5000, 2), sphere(3000, 0.7)];
    let distance = |source: usize| {
        let (source, target) = (uniform(&clouds[source]), uniform(&clouds[2]));
        sliced(2.0, 16).distance_on(&source, &target, &backend).unwrap()
    };
    let alone = [distance(0), distance(1)];
    let together = std::thread::scope(|scope| {
        let other = scope.spawn(|| distance(0));
        let own = distance(1);
        [other.join().unwrap(), own]
    });
    assert_eq!(alone, together);
}

#[test]
fn many_points() {
    let Some(backend) = device(Gpu::open()) else { return };
    let (source, target) = (cube(70_000, 1), sphere(70_001, 0.7));
    compare("equal", &sliced(2.0, 8), &uniform(&source), &uniform(&target[1..]), &backend);
    compare("unequal", &sliced(1.0, 8), &uniform(&source), &uniform(&target), &backend);
}

#[test]
fn many_directions() {
    let Some(backend) = device(Gpu::open()) else { return };
    let (source, target) = (cube(300, 1), sphere(200, 0.7));
    let (source, target) = (uniform(&source), uniform(&target));
    let by_lattices = compare("lattices", &sliced(2.0, 400), &source, &target, &backend);
    assert!(by_lattices.standard_error < 1e-2 * by_lattices.value);
    let options = Sliced { directions: Directions::MonteCarlo, ..sliced(2.0, 301) };
    compare("at random", &options, &source, &target, &backend);
}

#[test]
fn awkward_clouds() {
    let Some(backend) = device(Gpu::open()) else { return };
    let clouds = awkward();
    for (name, source) in &clouds {
        let measure = uniform(source);
        for other in ["cube", "line", "twice", "far away"] {
            let (_, target) = clouds.iter().find(|(name, _)| *name == other).unwrap();
            compare(&format!("{name} to {other}"), &sliced(2.0, 8), &measure, &uniform(target), &backend);
        }
        // Moved in proportion to its size, by less and less.
        let size = source.iter().map(|point| (point - source[0]).norm()).fold(0.0, f64::max);
        for part in [0.3, 1e-3, 1e-5] {
            let target = moved(source, |x| x + Vector3::new(0.3, -0.9, 0.4) * (part * size));
            compare(&format!("{name} by {part}"), &sliced(1.0, 8), &measure, &uniform(&target), &backend);
        }
        let own = sliced(2.0, 8).distance_on(&measure, &measure, &backend).unwrap();
        assert!(own.value == 0.0, "{name} to itself: {own:?}");
    }
}

#[test]
fn powers_from_one_to_the_largest_distance() {
    let Some(backend) = device(Gpu::open()) else { return };
    let (source, target) = (cube(1500, 1), sphere(1700, 0.7));
    for p in [1.0, 1.000001, 1.5, 2.0, 2.999, 3.0, 8.0, 64.5, 1000.0, 1e6, 1e300] {
        compare("powers", &sliced(p, 8), &uniform(&source), &uniform(&target), &backend);
    }
}

#[test]
fn offsets_do_not_show() {
    let Some(backend) = device(Gpu::open()) else { return };
    let (source, target) = (cube(3000, 1), cube(2900, 2));
    let near = sliced(2.0, 12).distance_on(&uniform(&source), &uniform(&target), &backend).unwrap();
    let far = |points: &[Point3<f64>]| moved(points, |x| x + Vector3::new(1e7, -1e7, 3e6));
    let (source, target) = (far(&source), far(&target));
    let far = compare("far", &sliced(2.0, 12), &uniform(&source), &uniform(&target), &backend);
    assert!((near.value - far.value).abs() <= 1e-7 * near.value, "{near:?}, {far:?}");
}

#[test]
fn weights() {
    let Some(backend) = device(Gpu::open()) else { return };
    for (n, m) in [(1, 1), (2, 5), (300, 257), (4097, 1000), (9000, 9000)] {
        let (source, target) = (cube(n, 1), sphere(m, 0.7));
        // Zeros, equals, and weights of all sizes; the heaviest somewhere in between.
        let heavy = |index: usize| [0.0, 1.0, 1.0, 1e-9, 3.7, 0.01 * index as f64][index % 6];
        let mut weights: Vec<f64> = (0..n).map(heavy).collect();
        weights[n / 2] += 0.3 * n as f64;
        let others: Vec<f64> = (0..m).map(|index| 1.0 + (index as f64).sin()).collect();
        let (weighted, other) =
            (Measure::weighted(&source, &weights).unwrap(), Measure::weighted(&target, &others).unwrap());
        for p in [1.0, 2.0, 3.0] {
            let name = format!("{n} to {m}");
            compare(&name, &sliced(p, 8), &weighted, &other, &backend);
        }
        compare("source", &sliced(2.0, 8), &weighted, &uniform(&target), &backend);
        compare("target", &sliced(2.0, 8), &uniform(&source), &other, &backend);
        // Equal weights are none.
        let weights = vec![0.1; n];
        let equal = Measure::weighted(&source, &weights).unwrap();
        let got = compare("equal weights", &sliced(2.0, 8), &equal, &uniform(&target), &backend);
        let wanted = sliced(2.0, 8).distance_on(&uniform(&source), &uniform(&target), &backend).unwrap();
        assert!((got.value - wanted.value).abs() <= 1e-6 * wanted.value);
    }
}

#[test]
fn small_buffers_give_the_same_bits() {
    let (Some(backend), Some(limited)) = (device(Gpu::open()), device(Gpu::open_limited(1 << 16))) else {
        return;
    };
    let (source, target) = (cube(5000, 1), sphere(4900, 0.7));
    let weights: Vec<f64> = (0..5000).map(|index| (index % 7) as f64).collect();
    for source in [uniform(&source), Measure::weighted(&source, &weights).unwrap()] {
        for p in [2.0, 3.0] {
            let on = |backend| sliced(p, 12).distance_on(&source, &uniform(&target), backend).unwrap();
            assert_eq!(on(&backend), on(&limited));
        }
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    let Some(limited) = device(Gpu::open_limited(1 << 16)) else { return };
    let (most, many) = (cube(1 << 14, 1), cube((1 << 14) + 1, 1));
    let target = line(10);
    assert!(sliced(2.0, 8).distance_on(&uniform(&most), &uniform(&target), &limited).is_ok());
    for (source, target) in [(&many, &target), (&target, &many)] {
        let refused = sliced(2.0, 8).distance_on(&uniform(source), &uniform(target), &limited);
        let wanted = Error::DeviceLimit { what: "bytes of a buffer", needed: (1 << 16) + 4, limit: 1 << 16 };
        assert_eq!(refused, Err(wanted));
    }
}

#[test]
fn options_are_checked_as_on_the_cpu() {
    let Some(backend) = device(Gpu::open()) else { return };
    let points = cube(10, 1);
    let measure = uniform(&points);
    for options in [
        sliced(0.5, 8),
        sliced(f64::NAN, 8),
        sliced(2.0, 7),
        Sliced { directions: Directions::Lattice { rotations: 5 }, ..sliced(2.0, 8) },
    ] {
        let got = options.distance_on(&measure, &measure, &backend);
        let wanted = options.distance(&measure, &measure);
        // Not compared as values: what was refused may be NaN.
        assert_eq!(got.unwrap_err().to_string(), wanted.unwrap_err().to_string());
    }
}

/// The positions of a binary PLY file whose vertices are four floats, x, y and z first.
fn vertices(path: &Path) -> Option<Points> {
    let bytes = std::fs::read(path).ok()?;
    let end = b"end_header\n";
    let begin = bytes.windows(end.len()).position(|window| window == end)? + end.len();
    let float = |bytes: &[u8]| f64::from(f32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]));
    let point = |bytes: &[u8]| Point3::new(float(bytes), float(&bytes[4..]), float(&bytes[8..]));
    Some(bytes[begin..].chunks_exact(16).map(point).collect())
}

#[test]
fn scans_of_a_street() {
    let Some(backend) = device(Gpu::open()) else { return };
    let data = std::env::var_os("BARROW_DATA").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"),
        |data| Path::new(&data).to_path_buf(),
    );
    let read = |name: &str| vertices(&data.join("small_gicp").join(name));
    let (Some(source), Some(target)) = (read("source.ply"), read("target.ply")) else {
        eprintln!("skipped: no shared data");
        return;
    };
    assert_eq!([source.len(), target.len()], [69_792, 69_088]);
    compare("street", &sliced(2.0, 8), &uniform(&source), &uniform(&target), &backend);
    let weights: Vec<f64> = source.iter().map(|point| point.coords.norm()).collect();
    let weighted = Measure::weighted(&source, &weights).unwrap();
    compare("weighted street", &sliced(1.0, 8), &weighted, &uniform(&target), &backend);
}
