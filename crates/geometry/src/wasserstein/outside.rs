//! Where mass goes that is not moved.

use super::flow::Flow;
use super::masses::Masses;
use crate::dual_bound::Outside;

/// One more source and one more target, behind the points in a network.
#[derive(Debug, Clone, Copy)]
pub(super) struct Leftover {
    /// Cost of leaving a unit of mass on either side.
    pub drop: f64,
    /// Cost from the one outside to the other; infinite if nothing may go there.
    pub pass: f64,
    /// Mass that comes from outside.
    pub source: i64,
    /// Mass that goes outside.
    pub target: i64,
}

impl Leftover {
    /// All of it may be left, at a price.
    pub fn at_price(drop: f64, masses: &Masses) -> Self {
        let (a, b) = (masses.source.iter().sum(), masses.target.iter().sum());
        Self { drop, pass: 0.0, source: b, target: a }
    }

    /// All but a part of the source's total must be left.
    pub fn all_but(part: f64, masses: &Masses) -> Self {
        let (a, b) = (masses.source.iter().sum::<i64>(), masses.target.iter().sum::<i64>());
        let moved = ((part / masses.unit).round() as i64).clamp(1, a.min(b));
        Self { drop: 0.0, pass: f64::INFINITY, source: b - moved, target: a - moved }
    }

    /// For proofs, in units of the source's total, with the potential of the outside as a target.
    pub fn in_parts(&self, masses: &Masses, potential: f64) -> Outside {
        Outside {
            drop: self.drop,
            pass: self.pass,
            source_mass: self.source as f64 * masses.unit,
            target_mass: self.target as f64 * masses.unit,
            target_total: masses.target.iter().sum::<i64>() as f64 * masses.unit,
            potential,
        }
    }

    /// The cost of a pair of n + 1 sources and m + 1 targets.
    pub fn price(&self, (n, m): (usize, usize), i: u32, j: u32, between: impl Fn(u32, u32) -> f64) -> f64 {
        match ((i as usize) < n, (j as usize) < m) {
            (true, true) => between(i, j),
            (false, false) => self.pass,
            _ => self.drop,
        }
    }

    /// The pairs that lead outside.
    pub fn pairs(&self, (n, m): (usize, usize)) -> impl Iterator<Item = (u32, u32)> {
        let (n, m) = (n as u32, m as u32);
        let both = self.pass.is_finite().then_some((n, m));
        (0..n).map(move |i| (i, m)).chain((0..m).map(move |j| (n, j))).chain(both)
    }
}

/// A first plan that leaves the same part of every point: sources and targets as given, the outside behind both.
pub(super) fn first_plan(
    leftover: &Leftover,
    (source, target): (&[i64], &[i64]),
    bisect: impl Fn(&[i64], &[i64]) -> Vec<Flow>,
) -> Vec<Flow> {
    let (n, m) = (source.len() as u32, target.len() as u32);
    let (left, missing) = (shares(source, leftover.target), shares(target, leftover.source));
    let rest =
        |masses: &[i64], shares: &[i64]| masses.iter().zip(shares).map(|(a, b)| a - b).collect::<Vec<_>>();
    let (from, to) = (rest(source, &left), rest(target, &missing));
    let mut plan = if from.iter().any(|&mass| mass > 0) { bisect(&from, &to) } else { Vec::new() };
    plan.extend((0..n).zip(left).map(|(i, mass)| (i, m, mass)));
    plan.extend((0..m).zip(missing).map(|(j, mass)| (n, j, mass)));
    plan.retain(|flow| flow.2 > 0);
    plan.sort_unstable();
    plan
}

/// The same part of every mass, `sum` together: each gives what the sum so far asks for.
fn shares(masses: &[i64], sum: i64) -> Vec<i64> {
    let total: i64 = masses.iter().sum();
    let (mut seen, mut given) = (0i128, 0i64);
    let share = |&mass: &i64| {
        seen += i128::from(mass);
        let due = (seen * i128::from(sum) / i128::from(total)) as i64;
        let share = due - given;
        given = due;
        share
    };
    masses.iter().map(share).collect()
}
