//! Transport between numbers: by hand, against sorted samples, and against its own dual.

mod common;

use barrow_geometry::{
    Error, LineMeasure, jensen_shannon, kullback_leibler, total_variation, wasserstein_1d,
};
use common::assert_close;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

fn numbers(count: usize, seed: u64) -> Vec<f64> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    (0..count).map(|_| random.random::<f64>() * 4.0 - 2.0).collect()
}

fn weights(count: usize, seed: u64) -> Vec<f64> {
    // Every fifth is zero, many are equal.
    numbers(count, seed)
        .iter()
        .enumerate()
        .map(|(i, w)| if i % 5 == 2 { 0.0 } else { (4.0 * w.abs()).ceil() })
        .collect()
}

#[test]
fn equal_numbers_of_samples_meet_in_order() {
    let (x, y) = (numbers(500, 1), numbers(500, 2));
    let (mut sorted_x, mut sorted_y) = (x.clone(), y.clone());
    sorted_x.sort_by(f64::total_cmp);
    sorted_y.sort_by(f64::total_cmp);
    for p in [1.0, 1.5, 2.0, 7.0] {
        let powers: f64 = sorted_x.iter().zip(&sorted_y).map(|(a, b)| (a - b).abs().powf(p)).sum();
        let found = wasserstein_1d(&LineMeasure::uniform(&x).unwrap(), &LineMeasure::uniform(&y).unwrap(), p)
            .unwrap();
        assert_close(found.cost, powers / 500.0, 1e-12);
        assert_close(found.value, (powers / 500.0).powf(1.0 / p), 1e-12);
    }
}

#[test]
fn whole_weights_are_copies() {
    let (x, y, a, b) = (numbers(40, 3), numbers(31, 4), weights(40, 5), weights(31, 6));
    let copies = |values: &[f64], counts: &[f64], times: f64| -> Vec<f64> {
        let copies = |(value, count): (&f64, &f64)| vec![*value; (count * times) as usize];
        values.iter().zip(counts).flat_map(copies).collect()
    };
    // The same number of copies on both sides.
    let (total_a, total_b): (f64, f64) = (a.iter().sum(), b.iter().sum());
    let (many_x, many_y) = (copies(&x, &a, total_b), copies(&y, &b, total_a));
    for p in [1.0, 2.0] {
        let few = wasserstein_1d(
            &LineMeasure::weighted(&x, &a).unwrap(),
            &LineMeasure::weighted(&y, &b).unwrap(),
            p,
        );
        let many = wasserstein_1d(
            &LineMeasure::uniform(&many_x).unwrap(),
            &LineMeasure::uniform(&many_y).unwrap(),
            p,
        );
        assert_close(few.unwrap().value, many.unwrap().value, 1e-12);
    }
}

#[test]
fn the_plan_is_a_plan_and_the_potential_proves_it() {
    for (n, m, seed) in [(1, 1, 0), (1, 9, 10), (30, 7, 20), (100, 101, 30)] {
        let (x, y, mut a, mut b) =
            (numbers(n, seed), numbers(m, seed + 1), weights(n, seed + 2), weights(m, seed + 3));
        (a[0], b[0]) = (2.0, 3.0);
        let source = LineMeasure::weighted(&x, &a).unwrap();
        let target = LineMeasure::weighted(&y, &b).unwrap();
        let found = wasserstein_1d(&source, &target, 1.0).unwrap();
        assert!(found.arcs.len() < n + m && found.arcs.iter().all(|arc| arc.mass > 0.0));
        for i in 0..n {
            let row: f64 = found.arcs.iter().filter(|arc| arc.source == i).map(|arc| arc.mass).sum();
            assert_close(row, source.share(i), 1e-14);
        }
        for j in 0..m {
            let column: f64 = found.arcs.iter().filter(|arc| arc.target == j).map(|arc| arc.mass).sum();
            assert_close(column, target.share(j), 1e-14);
        }
        assert_close(found.arcs.iter().map(|arc| arc.mass * arc.cost).sum(), found.value, 1e-13);
        let potential = found.potential.unwrap();
        assert_close(potential.value, found.value, 1e-13);
        assert!(potential.violation <= 1e-14);
        let all: Vec<(f64, f64)> = x
            .iter()
            .zip(&potential.source)
            .chain(y.iter().zip(&potential.target))
            .map(|(place, value)| (*place, *value))
            .collect();
        for (s, u) in &all {
            assert!(all.iter().all(|(t, v)| (u - v).abs() <= (s - t).abs() + 1e-14));
        }
    }
}

#[test]
fn a_shift_is_its_length_and_distances_obey_the_triangle() {
    let x = numbers(64, 40);
    let moved: Vec<f64> = x.iter().map(|value| value + 0.75).collect();
    let distance = |a: &[f64], b: &[f64], p: f64| {
        wasserstein_1d(&LineMeasure::uniform(a).unwrap(), &LineMeasure::uniform(b).unwrap(), p).unwrap().value
    };
    let (y, z) = (numbers(10, 41), numbers(77, 42));
    for p in [1.0, 2.0, 3.5] {
        assert_close(distance(&x, &moved, p), 0.75, 1e-14);
        assert_eq!(distance(&x, &x, p), 0.0);
        assert_close(distance(&y, &z, p), distance(&z, &y, p), 1e-14);
        assert!(distance(&x, &z, p) <= distance(&x, &y, p) + distance(&y, &z, p) + 1e-14);
        // Any scale: no power over- or underflows.
        for scale in [1e-200, 1e200] {
            let scaled = |values: &[f64]| -> Vec<f64> { values.iter().map(|value| value * scale).collect() };
            assert_close(distance(&scaled(&x), &scaled(&y), p) / scale, distance(&x, &y, p), 1e-12);
        }
    }
}

/// SciPy's documentation of `wasserstein_distance`, and `jensenshannon` squared.
#[test]
fn published_examples() {
    let distance = |x: &[f64], y: &[f64], a: &[f64], b: &[f64]| {
        wasserstein_1d(&LineMeasure::weighted(x, a).unwrap(), &LineMeasure::weighted(y, b).unwrap(), 1.0)
            .unwrap()
            .value
    };
    assert_close(distance(&[0.0, 1.0, 3.0], &[5.0, 6.0, 8.0], &[1.0; 3], &[1.0; 3]), 5.0, 1e-14);
    assert_close(distance(&[0.0, 1.0], &[0.0, 1.0], &[3.0, 1.0], &[2.0, 2.0]), 0.25, 1e-14);
    let (x, a) = ([3.4, 3.9, 7.5, 7.8], [1.4, 0.9, 3.1, 7.2]);
    assert_close(distance(&x, &[4.5, 1.4], &a, &[3.2, 3.5]), 4.078133143804786, 1e-13);
    assert_close(jensen_shannon(&[1.0, 0.0], &[0.5, 0.5]).unwrap().sqrt(), 0.4645014040224589, 1e-14);
}

#[test]
fn divergences_by_hand() {
    let (a, b) = ([1.0, 3.0], [2.0, 2.0]);
    let wanted = 0.25 * 0.5f64.ln() + 0.75 * 1.5f64.ln();
    assert_close(kullback_leibler(&a, &b).unwrap(), wanted, 1e-15);
    assert_close(total_variation(&a, &b).unwrap(), 0.25, 1e-15);
    assert_eq!(kullback_leibler(&a, &[0.0, 1.0]).unwrap(), f64::INFINITY);
    assert!(kullback_leibler(&[0.0, 1.0], &a).unwrap().is_finite());
    let apart = ([1.0, 0.0], [0.0, 4.0]);
    assert_close(jensen_shannon(&apart.0, &apart.1).unwrap(), std::f64::consts::LN_2, 1e-15);
    for same in [kullback_leibler(&a, &a), jensen_shannon(&a, &a), total_variation(&a, &a)] {
        assert_eq!(same.unwrap(), 0.0);
    }
}

#[test]
fn questions_without_an_answer_are_errors() {
    assert!(matches!(LineMeasure::uniform(&[]), Err(Error::Empty { .. })));
    for bad in [f64::NAN, f64::INFINITY, f64::MAX] {
        assert!(matches!(
            LineMeasure::uniform(&[0.0, bad]),
            Err(Error::InvalidOption { name: "position", .. })
        ));
    }
    let place = [0.0, 1.0];
    assert!(matches!(LineMeasure::weighted(&place, &[1.0]), Err(Error::ColumnLength { .. })));
    assert!(matches!(
        LineMeasure::weighted(&place, &[1.0, -1.0]),
        Err(Error::InvalidWeight { index: 1, .. })
    ));
    assert!(matches!(LineMeasure::weighted(&place, &[0.0, 0.0]), Err(Error::NoMass { .. })));
    let measure = LineMeasure::uniform(&place).unwrap();
    for p in [0.5, f64::NAN, f64::INFINITY] {
        assert!(matches!(wasserstein_1d(&measure, &measure, p), Err(Error::InvalidOption { name: "p", .. })));
    }
    assert!(matches!(kullback_leibler(&[1.0], &[1.0, 2.0]), Err(Error::ColumnLength { .. })));
    assert!(matches!(total_variation(&[], &[]), Err(Error::NoMass { .. })));
}
