//! A feasible plan from cutting both measures in halves of equal mass, again and again.

use nalgebra::Point3;

use super::flow::Flow;

/// Atoms below which a half is not worth a thread of its own.
const ALONE: usize = 1 << 13;

/// Part of a point: its mass may have been split among several.
#[derive(Debug, Clone, Copy)]
struct Atom {
    point: Point3<f64>,
    mass: i64,
    index: u32,
}

/// A plan whose arcs form a forest, at most n + m − 1 of them.
///
/// Both sides are cut across the axis along which they extend farthest, the source between two points near the
/// half of its mass, the target at the same mass, through a point if need be; what is on the same sides
/// belongs together. With `images` close to where the source points belong, cells match cells and the plan is
/// wrong by about the distance of neighbours. Points without mass take no part. O(N log N) for N = n + m.
///
/// # References
/// Genest, Bonneel, Nivoliers, Coeurjolly, *BSP-OT: sparse transport plans between discrete measures in loglinear
/// time*, SIGGRAPH Asia 2025, section 4 (simultaneous cuts; atoms that straddle one).
pub(super) fn bisect(
    images: &[Point3<f64>],
    source: &[i64],
    targets: &[Point3<f64>],
    target: &[i64],
) -> Vec<Flow> {
    let mut from = atoms(images, source);
    let mut to = atoms(targets, target);
    let mut plan = Vec::with_capacity(from.len() + to.len());
    cut(&mut from, &mut to, &mut plan);
    plan
}

fn atoms(points: &[Point3<f64>], masses: &[i64]) -> Vec<Atom> {
    let all = points.iter().zip(masses).enumerate();
    all.filter(|(_, (_, mass))| **mass > 0)
        .map(|(index, (point, mass))| Atom { point: *point, mass: *mass, index: index as u32 })
        .collect()
}

fn cut(from: &mut [Atom], to: &mut [Atom], plan: &mut Vec<Flow>) {
    if let [only] = from {
        plan.extend(to.iter().map(|atom| (only.index, atom.index, atom.mass)));
        return;
    }
    if let [only] = to {
        plan.extend(from.iter().map(|atom| (atom.index, only.index, atom.mass)));
        return;
    }
    let axis = (extent(from) + extent(to)).imax();
    let total: i64 = from.iter().map(|atom| atom.mass).sum();
    // Between two source points: the atom at the half goes where less mass is misplaced, and no side stays empty.
    let (place, below) = locate(from, axis, total / 2);
    let over = total / 2 - below;
    let after = (2 * over >= from[place].mass && place + 1 < from.len()) || place == 0;
    let (count, mass) = if after { (place + 1, below + from[place].mass) } else { (place, below) };
    let (left, right) = from.split_at_mut(count);

    let (place, below) = locate(to, axis, mass);
    let inside = mass - below;
    if inside == 0 {
        let (to_left, to_right) = to.split_at_mut(place);
        return both((left, to_left), (right, to_right), plan);
    }
    let mut straddling = to[place];
    straddling.mass -= inside;
    to[place].mass = inside;
    if left.len().min(right.len()) > ALONE {
        let mut to_right = Vec::with_capacity(to.len() - place);
        to_right.push(straddling);
        to_right.extend_from_slice(&to[place + 1..]);
        return both((left, &mut to[..=place]), (right, &mut to_right), plan);
    }
    cut(left, &mut to[..=place], plan);
    // The left half is done with: its last place takes the other part of the atom.
    to[place] = straddling;
    cut(right, &mut to[place..], plan);
}

fn both(left: (&mut [Atom], &mut [Atom]), right: (&mut [Atom], &mut [Atom]), plan: &mut Vec<Flow>) {
    if left.0.len().min(right.0.len()) > ALONE {
        let mut rest = Vec::with_capacity(right.0.len() + right.1.len());
        rayon::join(|| cut(left.0, left.1, plan), || cut(right.0, right.1, &mut rest));
        plan.append(&mut rest);
    } else {
        cut(left.0, left.1, plan);
        cut(right.0, right.1, plan);
    }
}

fn extent(atoms: &[Atom]) -> nalgebra::Vector3<f64> {
    let first = atoms[0].point;
    let bounds =
        |(min, max): (Point3<f64>, Point3<f64>), atom: &Atom| (min.inf(&atom.point), max.sup(&atom.point));
    let (min, max) = atoms.iter().fold((first, first), bounds);
    max - min
}

/// Orders atoms about the one that holds a quantile along an axis: its place, and the mass below it. The quantile
/// must be below the total.
fn locate(atoms: &mut [Atom], axis: usize, quantile: i64) -> (usize, i64) {
    let (mut low, mut high, mut below) = (0, atoms.len(), 0);
    // Guessing the place from equal masses first: uniform weights need no further look.
    let total: i64 = atoms.iter().map(|atom| atom.mass).sum();
    let mut guess = (atoms.len() as f64 * (quantile as f64 / total as f64)) as usize;
    while high - low > 1 {
        let middle = guess.clamp(low, high - 1);
        atoms[low..high].select_nth_unstable_by(middle - low, |a, b| {
            a.point[axis].total_cmp(&b.point[axis]).then(a.index.cmp(&b.index))
        });
        let mass: i64 = atoms[low..middle].iter().map(|atom| atom.mass).sum();
        if quantile < below + mass {
            high = middle;
        } else if quantile < below + mass + atoms[middle].mass {
            return (middle, below + mass);
        } else {
            below += mass + atoms[middle].mass;
            low = middle + 1;
        }
        guess = low + (high - low) / 2;
    }
    (low, below)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::RngExt;
    use rand::SeedableRng;

    #[test]
    fn marginals_are_exact_and_the_arcs_a_forest() {
        let mut random = rand_chacha::ChaCha8Rng::seed_from_u64(1);
        for (n, m) in [(1, 1), (1, 7), (7, 1), (2, 3), (50, 50), (33, 100), (1000, 640)] {
            let mut cloud = |count: usize| -> Vec<Point3<f64>> {
                (0..count)
                    .map(|_| Point3::from(std::array::from_fn(|_| (random.random::<f64>() * 9.0).round())))
                    .collect()
            };
            let (x, y) = (cloud(n), cloud(m));
            let mut a: Vec<i64> = (0..n).map(|_| random.random_range(0..1000)).collect();
            let mut b: Vec<i64> = (0..m).map(|_| random.random_range(0..1000)).collect();
            let (left, right): (i64, i64) = (a.iter().sum(), b.iter().sum());
            a[n / 2] += (right - left).max(0) + 1;
            b[m / 2] += (left - right).max(0) + 1;
            let plan = bisect(&x, &a, &y, &b);
            assert!(plan.len() < n + m && plan.iter().all(|arc| arc.2 > 0));
            let (mut rows, mut columns) = (vec![0; n], vec![0; m]);
            for &(i, j, mass) in &plan {
                rows[i as usize] += mass;
                columns[j as usize] += mass;
            }
            assert_eq!((rows, columns), (a, b));
        }
    }
}
