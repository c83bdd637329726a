//! The cost of transport along one direction.

use super::body::{Body, Line, Shadow, centered};

/// A mean of p-th powers, `largest^p · mean`, whose factors neither over- nor underflow.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Power {
    pub largest: f64,
    pub mean: f64,
}

impl Power {
    /// The p-th root.
    pub fn root(self, p: f64) -> f64 {
        self.largest * power_or_root(self.mean, p, true)
    }

    /// `largest^p · mean` in units of another largest value.
    pub fn relative_to(self, largest: f64, p: f64) -> f64 {
        match self.largest == largest {
            true => self.mean,
            false => self.mean * power_or_root(self.largest / largest, p, false),
        }
    }
}

/// value^p or value^(1/p), exact where that is cheap.
fn power_or_root(value: f64, p: f64, root: bool) -> f64 {
    match (p == 1.0, p == 2.0, root) {
        (true, ..) => value,
        (_, true, true) => value.sqrt(),
        (_, true, false) => value * value,
        (.., true) => value.powf(1.0 / p),
        (.., false) => value.powf(p),
    }
}

/// Walks two sorted sides, quantile meeting quantile: ranks on either side and the mass that they share.
///
/// Sides without weights are walked in whole numbers of 1/(n·m): no mass is lost to rounding.
pub(super) fn walk(
    sizes: [usize; 2],
    shares: Option<[&dyn Fn(usize) -> f64; 2]>,
    mut visit: impl FnMut(usize, usize, f64),
) {
    let [n, m] = sizes;
    let Some([source, target]) = shares else {
        if n == m {
            let mass = 1.0 / n as f64;
            (0..n).for_each(|rank| visit(rank, rank, mass));
            return;
        }
        let unit = 1.0 / (n as f64 * m as f64);
        let (mut i, mut j, mut left, mut room) = (0, 0, m as u64, n as u64);
        while i < n {
            let mass = left.min(room);
            visit(i, j, mass as f64 * unit);
            left -= mass;
            room -= mass;
            if left == 0 {
                (i, left) = (i + 1, m as u64);
            }
            if room == 0 {
                (j, room) = (j + 1, n as u64);
            }
        }
        return;
    };
    let (mut i, mut j, mut left, mut room) = (0, 0, source(0), target(0));
    // Once one side has ended, the other only holds what rounding has left over.
    while i < n && j < m {
        let mass = left.min(room);
        visit(i, j, mass);
        let (spent, full) = (left <= room, room <= left);
        left -= mass;
        room -= mass;
        if spent {
            i += 1;
            left = if i < n { source(i) } else { 0.0 };
        }
        if full {
            j += 1;
            room = if j < m { target(j) } else { 0.0 };
        }
    }
}

/// W_p^p of two measures without weights, from their shadows.
pub(super) fn of_shadows(source: &Shadow, target: &Shadow, p: f64) -> Power {
    let sizes = [source.keys.len(), target.keys.len()];
    let away = |i: usize, j: usize| source.position(i) - target.position(j);
    match sizes[0] == sizes[1] && (p == 1.0 || p == 2.0) {
        true => {
            let shift = source.offset - target.offset;
            let sum = sum(&source.keys, &target.keys, [source.step, target.step, shift], p == 2.0);
            Power { largest: 1.0, mean: sum / sizes[0] as f64 }
        }
        false => mean_power(|visit| walk(sizes, None, |i, j, mass| visit(away(i, j), mass)), p),
    }
}

/// W_p^p of two measures, from their exact projections.
pub(super) fn of_lines(bodies: [&Body; 2], lines: [&Line; 2], p: f64) -> Power {
    mean_power(
        |visit| {
            walk_lines(bodies, lines, |i, j, mass| visit(lines[0].position(i) - lines[1].position(j), mass))
        },
        p,
    )
}

/// Walks two exact projections; ranks, not indices.
pub(super) fn walk_lines(bodies: [&Body; 2], lines: [&Line; 2], visit: impl FnMut(usize, usize, f64)) {
    let sizes = lines.map(Line::len);
    if bodies.iter().all(|body| body.measure().is_uniform()) {
        return walk(sizes, None, visit);
    }
    let (source, target) =
        (|rank| bodies[0].share(lines[0].index(rank)), |rank| bodies[1].share(lines[1].index(rank)));
    walk(sizes, Some([&source, &target]), visit);
}

/// Σ mass · |distance|^p over what the walk visits.
fn mean_power(walk: impl Fn(&mut dyn FnMut(f64, f64)), p: f64) -> Power {
    let mut mean = 0.0;
    if p == 1.0 || p == 2.0 {
        walk(&mut |away, mass| mean += mass * power_or_root(away.abs(), p, false));
        return Power { largest: 1.0, mean };
    }
    let mut largest = 0.0_f64;
    walk(&mut |away, _| largest = largest.max(away.abs()));
    if largest > 0.0 {
        walk(&mut |away, mass| mean += mass * (away.abs() / largest).powf(p));
    }
    Power { largest, mean }
}

/// Σ |a·(key − 2³¹) − b·(key′ − 2³¹) + shift|, squared or not, in lanes that a machine may add at once.
#[multiversion::multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2+fma"))]
fn sum(source: &[u32], target: &[u32], [a, b, shift]: [f64; 3], squared: bool) -> f64 {
    const LANES: usize = 8;
    let away = |x: u32, y: u32| a * centered(x) - b * centered(y) + shift;
    let term = |away: f64| if squared { away * away } else { away.abs() };
    let mut lanes = [0.0; LANES];
    let (blocks, others) = (source.chunks_exact(LANES), target.chunks_exact(LANES));
    let rest: f64 = blocks.remainder().iter().zip(others.remainder()).map(|(&x, &y)| term(away(x, y))).sum();
    for (x, y) in blocks.zip(others) {
        for lane in 0..LANES {
            lanes[lane] += term(away(x[lane], y[lane]));
        }
    }
    lanes.iter().sum::<f64>() + rest
}
