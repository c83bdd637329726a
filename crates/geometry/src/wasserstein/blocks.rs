//! Domain decomposition: many small exact problems instead of a large one.

use nalgebra::{Point3, Rotation3};
use rayon::prelude::*;

use super::cells::cells;
use super::flow::{Candidate, Flow};
use super::forest::forest;
use super::graph::{Lists, accumulate};
use super::simplex::Simplex;

/// Radians by which space is turned about its axes from one sweep to the next: far from anything that repeats, so that
/// the borders of cells cross those of every earlier sweep.
const TURN: [f64; 3] = [1.1, 0.7, 0.3];

/// Improves a plan, sorted by source: cuts the sources into compact cells of at most `size` points and solves every
/// cell exactly on the pairs of `rows` and the plan, leaving each target the mass that it gets from the cell.
///
/// The cost never rises. `potential` is f as far as it is known.
///
/// # References
/// Bonafini, Schmitzer, *Domain decomposition for entropy regularized optimal transport*, Numerische Mathematik 2021
/// (alternating partitions); here without the entropy.
pub(super) fn sweep(
    number: usize,
    size: usize,
    points: &[Point3<f64>],
    plan: &[Flow],
    rows: &Lists,
    potential: &[f64],
    price: impl Fn(u32, u32) -> f64 + Sync,
) -> Vec<Flow> {
    let angle = TURN.map(|turn| turn * number as f64);
    let turn = Rotation3::from_euler_angles(angle[0], angle[1], angle[2]);
    let turned: Vec<Point3<f64>> = points.iter().map(|point| turn * point).collect();
    let (order, ranges) = cells(&turned, size);
    drop(turned);
    let mut starts = vec![0u32; points.len() + 1];
    plan.iter().for_each(|flow| starts[flow.0 as usize + 1] += 1);
    accumulate(&mut starts);
    let row = |source: u32| &plan[starts[source as usize] as usize..starts[source as usize + 1] as usize];
    let solved: Vec<Vec<Flow>> =
        ranges.into_par_iter().map(|range| solve(&order[range], row, rows, potential, &price)).collect();
    let mut plan = solved.concat();
    plan.par_sort_unstable();
    plan
}

/// One cell.
fn solve<'a>(
    cell: &[u32],
    row: impl Fn(u32) -> &'a [Flow],
    rows: &Lists,
    potential: &[f64],
    price: impl Fn(u32, u32) -> f64,
) -> Vec<Flow> {
    let mut targets: Vec<u32> =
        cell.iter().flat_map(|&source| row(source).iter().map(|flow| flow.1)).collect();
    targets.sort_unstable();
    targets.dedup();
    let local = |target: u32| targets.binary_search(&target).ok().map(|place| place as u32);
    let (mut arcs, mut plan) = (Vec::new(), Vec::new());
    for (place, &index) in cell.iter().enumerate() {
        let source = place as u32;
        let (others, costs) = rows.of(index as usize);
        let pairs = others.iter().zip(costs);
        arcs.extend(
            pairs.filter_map(|(&other, &cost)| Some(Candidate { source, target: local(other)?, cost })),
        );
        plan.extend(row(index).iter().filter_map(|flow| Some((source, local(flow.1)?, flow.2))));
    }
    let sizes = (cell.len(), targets.len());
    let price = |i: u32, j: u32| price(cell[i as usize], targets[j as usize]);
    let own: Vec<f64> = cell.iter().map(|&source| potential[source as usize]).collect();
    let mut simplex = Simplex::new(sizes, arcs, &forest(sizes, plan, price), &own, price);
    simplex.run(usize::MAX);
    let plan = simplex.plan().into_iter();
    plan.map(|(i, j, mass)| (cell[i as usize], targets[j as usize], mass)).collect()
}
