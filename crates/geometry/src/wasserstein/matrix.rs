//! Exact transport with every pair: for costs that no tree can search.

use nalgebra::{DMatrix, Point3};

use super::bisection::bisect;
use super::exact::Exact;
use super::flow::{Candidate, Flow};
use super::masses::Masses;
use super::multiscale::Answer;
use super::outside::{Leftover, first_plan};
use super::problem::{PAIRS, WassersteinProblem};
use super::run::Bounds;
use crate::measure::{require_available, require_equal_totals, total_weight};
use crate::{Arc, Balance, Error, Potentials, Result, SparsePlan};

/// A network with all pairs, under way to its optimum.
pub(super) struct AllPairs {
    exact: Exact,
    /// Costs of all pairs, the outside among them if there is one: row by row.
    costs: Vec<f64>,
    /// Part by which any of them may be off: nothing where they are given.
    rounding: f64,
    /// Masses of everything that has mass.
    rows: Vec<i64>,
    columns: Vec<i64>,
    /// Indices of the points among them.
    source: Vec<u32>,
    target: Vec<u32>,
    masses: Masses,
    lower: f64,
    upper: f64,
    potentials: (Vec<f64>, Vec<f64>),
    plan: Vec<Flow>,
}

impl AllPairs {
    /// |x − y|^p between scaled points.
    pub fn between(
        problem: &WassersteinProblem,
        (x, y): (&[Point3<f64>], &[Point3<f64>]),
        scale: f64,
    ) -> Self {
        let (masses, leftover) = problem.masses(scale);
        let p = problem.p;
        let between = |i: u32, j: u32| (x[i as usize] - y[j as usize]).norm().powf(p);
        // A length errs by a few roundoffs, its power by p times as many, and the power itself by one or two.
        let rounding = 8.0 * (p + 1.0) * f64::EPSILON;
        Self { rounding, ..Self::new(masses, leftover, between) }
    }

    fn new(masses: Masses, leftover: Option<Leftover>, between: impl Fn(u32, u32) -> f64) -> Self {
        let there = |masses: &[i64]| -> Vec<u32> {
            (0..masses.len() as u32).filter(|&index| masses[index as usize] > 0).collect()
        };
        let (source, target) = (there(&masses.source), there(&masses.target));
        let of =
            |masses: &[i64], places: &[u32]| places.iter().map(|&index| masses[index as usize]).collect();
        let mut rows: Vec<i64> = of(&masses.source, &source);
        let mut columns: Vec<i64> = of(&masses.target, &target);
        // Anywhere will do for a first plan: by index, as if the points stood in line.
        let line =
            |count: usize| (0..count).map(|index| Point3::new(index as f64, 0.0, 0.0)).collect::<Vec<_>>();
        let (x, y) = (line(rows.len()), line(columns.len()));
        let bisect = |from: &[i64], to: &[i64]| bisect(&x, from, &y, to);
        let sizes = (rows.len(), columns.len());
        let between = |i: u32, j: u32| between(source[i as usize], target[j as usize]);
        let plan = match &leftover {
            None => bisect(&rows, &columns),
            Some(leftover) => {
                let plan = first_plan(leftover, (&rows, &columns), bisect);
                rows.push(leftover.source);
                columns.push(leftover.target);
                plan
            }
        };
        let price = |i, j| match &leftover {
            None => between(i, j),
            Some(leftover) => leftover.price(sizes, i, j, between),
        };
        let (n, m) = (rows.len() as u32, columns.len() as u32);
        let costs: Vec<f64> =
            (0..n).flat_map(|i| (0..m).map(move |j| (i, j))).map(|(i, j)| price(i, j)).collect();
        let place = |i: u32, j: u32| i as usize * m as usize + j as usize;
        let pairs = (0..n).flat_map(|i| (0..m).map(move |j| (i, j)));
        let arcs = pairs
            .map(|(source, target)| Candidate { source, target, cost: costs[place(source, target)] })
            .filter(|arc| arc.cost.is_finite())
            .collect();
        let cost = |i: u32, j: u32| costs[place(i, j)];
        let exact = Exact::new((n as usize, m as usize), arcs, plan.clone(), &vec![0.0; n as usize], cost);
        let (lower, upper) = (f64::NEG_INFINITY, f64::INFINITY);
        let potentials = (vec![0.0; n as usize], vec![0.0; m as usize]);
        Self {
            exact,
            costs,
            rounding: 0.0,
            rows,
            columns,
            source,
            target,
            masses,
            lower,
            upper,
            potentials,
            plan,
        }
    }

    /// Pivots for a while; whether the plan is optimal.
    pub fn step(&mut self) -> bool {
        let optimal = self.exact.step();
        self.plan = self.exact.plan();
        let m = self.columns.len();
        let (mut sum, mut size, mut largest) = (0.0, 0.0, 0.0f64);
        for &(i, j, mass) in &self.plan {
            let term = mass as f64 * self.costs[i as usize * m + j as usize];
            (sum, size) = (sum + term, size + term.abs());
        }
        for cost in self.costs.iter().filter(|cost| cost.is_finite()) {
            largest = largest.max(cost.abs());
        }
        let count = (self.plan.len() + 16) as f64;
        let unit = self.masses.unit;
        // Twice the largest cost pays for any repair of rounded weights, whatever the signs.
        let repair = 2.0 * self.masses.rounding * largest + self.rounding * self.moved() * largest;
        self.upper = sum * unit + 1.1 * count * f64::EPSILON * size * unit + repair;
        if optimal {
            self.prove(repair);
        }
        optimal
    }

    /// All mass that goes anywhere, the outside included.
    fn moved(&self) -> f64 {
        self.rows.iter().map(|&mass| mass as f64).sum::<f64>() * self.masses.unit
    }

    /// The bound that follows from g alone: f_i = min_j c_ij − g_j, rounded down.
    fn prove(&mut self, repair: f64) {
        let (_, g) = self.exact.potentials();
        let m = self.columns.len();
        let row = |i: usize| {
            let terms = self.costs[i * m..(i + 1) * m].iter().zip(&g);
            let lowest = terms.map(|(cost, g)| {
                let reduced = cost - g;
                // One difference: half an ulp.
                reduced - f64::EPSILON * reduced.abs()
            });
            lowest.fold(f64::INFINITY, f64::min)
        };
        let f: Vec<f64> = (0..self.rows.len()).map(row).collect();
        let (mut sum, mut size) = (0.0, 0.0);
        let both = self.rows.iter().zip(&f).chain(self.columns.iter().zip(&g));
        for (&mass, value) in both.filter(|&(&mass, _)| mass > 0) {
            let term = mass as f64 * value;
            (sum, size) = (sum + term, size + term.abs());
        }
        let count = (f.len() + g.len() + 16) as f64;
        let unit = self.masses.unit;
        self.lower = sum * unit - 1.1 * count * f64::EPSILON * size * unit - repair;
        self.potentials = (f, g);
    }

    pub fn bounds(&self) -> Bounds {
        Bounds { lower: self.lower.max(0.0), upper: self.upper }
    }

    pub fn answer(self) -> Answer {
        let (n, m) = (self.source.len(), self.target.len());
        let whole = |&(i, j, mass): &Flow| {
            mass > self.masses.negligible || mass == self.rows[i as usize] || mass == self.columns[j as usize]
        };
        let inside = |flow: &&Flow| (flow.0 as usize) < n && (flow.1 as usize) < m;
        let flows = self.plan.iter().filter(inside).filter(|flow| whole(flow));
        let index = |&(i, j, mass): &Flow| {
            (self.source[i as usize], self.target[j as usize], mass as f64 * self.masses.unit)
        };
        let flows = flows.map(index).collect();
        let (mut f, mut g) = self.potentials;
        f.truncate(n);
        g.truncate(m);
        let potentials = Potentials { source: f, target: g };
        Answer { flows, potentials, source: self.source, target: self.target }
    }
}

/// Exact transport for a matrix of costs.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct MatrixWasserstein {
    /// Σ π_ij C_ij, and with [`Balance::TotalVariation`] what is left at its price.
    pub value: f64,
    /// The optimal value is proven to be at least this; different from `value` by rounding only.
    pub lower: f64,
    /// The optimal plan, with at most n + m − 1 arcs where all is moved.
    pub plan: SparsePlan,
    /// Feasible potentials: f_i + g_j ≤ C_ij for every pair. Where all is moved they prove the bound, else together with
    /// those of staying behind. −∞ where a point has no weight.
    pub potentials: Potentials,
}

/// The optimal plan for costs that the caller gives as a matrix, by the network simplex.
///
/// ```text
/// min Σ π_ij C_ij    with π1 = a, πᵀ1 = b,    or as `balance` says; there is no entropy
/// ```
///
/// Takes memory for all pairs, and time that grows a little faster than their number.
///
/// # Errors
/// [`Error::Empty`], [`Error::MatrixShape`], [`Error::InvalidWeight`], [`Error::NoMass`], [`Error::InvalidCost`] for a
/// cost that is not finite, or negative where plans may differ in mass; [`Error::UnequalTotals`];
/// [`Error::PlanTooLarge`] above 2²² pairs; [`Error::InvalidOption`] for ρ or a mass out of range, and for
/// [`Balance::KullbackLeibler`], whose optimum is not a vertex of anything: use [`MatrixSinkhorn`](crate::MatrixSinkhorn).
///
/// # Determinism
/// Sequential.
///
/// # References
/// Peyré, Cuturi, *Computational optimal transport*, 2019, section 3.5.
///
/// ```
/// use barrow_geometry::{Balance, wasserstein_of_matrix};
/// use nalgebra::DMatrix;
///
/// let costs = DMatrix::from_row_slice(2, 3, &[0.0, 1.0, 4.0, 2.0, 1.0, 0.0]);
/// let answer = wasserstein_of_matrix(&costs, &[2.0, 2.0], &[1.0, 1.0, 2.0], Balance::Exact)?;
/// assert_eq!(answer.value, 1.0);
/// assert_eq!(answer.plan.marginals().target, [1.0, 1.0, 2.0]);
/// # Ok::<(), barrow_geometry::Error>(())
/// ```
pub fn wasserstein_of_matrix(
    costs: &DMatrix<f64>,
    source: &[f64],
    target: &[f64],
    balance: Balance,
) -> Result<MatrixWasserstein> {
    let (rows, columns) = costs.shape();
    for (role, count) in [("source", rows), ("target", columns)] {
        if count == 0 {
            return Err(Error::Empty { role });
        }
    }
    if (rows, columns) != (source.len(), target.len()) {
        let (source_weights, target_weights) = (source.len(), target.len());
        return Err(Error::MatrixShape { rows, columns, source_weights, target_weights });
    }
    if rows.saturating_mul(columns) > PAIRS {
        return Err(Error::PlanTooLarge { rows, columns, limit: PAIRS });
    }
    let source_total = total_weight("source", source, rows)?;
    let target_total = total_weight("target", target, columns)?;
    let any_sign = matches!(balance, Balance::Exact | Balance::Partial { .. });
    for (index, &got) in costs.iter().enumerate() {
        if !(got.abs() <= 1e150 && (any_sign || got >= 0.0)) {
            let (row, column) = (index % rows, index / rows);
            let requirement = "finite, at most 1e150 in size, and >= 0 where plans may differ in mass";
            return Err(Error::InvalidCost { row, column, requirement, got });
        }
    }
    let (masses, leftover) = match balance {
        Balance::Exact => {
            require_equal_totals(source_total, target_total)?;
            (Masses::balanced(source, target), None)
        }
        Balance::TotalVariation { rho } => {
            crate::error::require_positive("rho", rho)?;
            let masses = Masses::unbalanced(source, target);
            let leftover = Leftover::at_price(rho, &masses);
            (masses, Some(leftover))
        }
        Balance::Partial { mass } => {
            require_available(mass, source_total, target_total)?;
            let masses = Masses::unbalanced(source, target);
            let leftover = Leftover::all_but(mass / source_total, &masses);
            (masses, Some(leftover))
        }
        Balance::KullbackLeibler { rho } => {
            let requirement = "left to the entropic solver: the exact one knows no Kullback–Leibler penalty";
            return Err(Error::InvalidOption { name: "rho", requirement, got: rho });
        }
    };
    let mut solver = AllPairs::new(masses, leftover, |i, j| costs[(i as usize, j as usize)]);
    while !solver.step() {}
    let lower = solver.lower * source_total;
    let Answer { flows, potentials, source: from, target: to } = solver.answer();
    let arcs = flows.into_iter().map(|(i, j, mass)| {
        let (source, target) = (i as usize, j as usize);
        Arc { source, target, mass: mass * source_total, cost: costs[(source, target)] }
    });
    let plan = SparsePlan::new(rows, columns, arcs.collect())?;
    let left = match balance {
        Balance::TotalVariation { rho } => rho * (source_total + target_total - 2.0 * plan.mass()).max(0.0),
        _ => 0.0,
    };
    let restore = |values: Vec<f64>, places: Vec<u32>, len: usize| {
        let mut restored = vec![f64::NEG_INFINITY; len];
        places.into_iter().zip(values).for_each(|(index, value)| restored[index as usize] = value);
        restored
    };
    let potentials = Potentials {
        source: restore(potentials.source, from, rows),
        target: restore(potentials.target, to, columns),
    };
    let value = plan.cost() + left;
    Ok(MatrixWasserstein { value, lower: lower.min(value), plan, potentials })
}
