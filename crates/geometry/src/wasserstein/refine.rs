//! From a plan between cells to one between their parts.

use nalgebra::Point3;
use rayon::prelude::*;

use super::flow::{Candidate, Flow};
use super::hierarchy::Level;
use super::simplex::Simplex;

/// The plan between the parts: first every source cell's mass is shared among its parts, then every target cell's.
/// Each of the small problems is solved exactly.
pub(super) fn refine(
    plan: &mut Vec<Flow>,
    (source, target): (&Level, &Level),
    coarse_targets: &[Point3<f64>],
    price: &(dyn Fn(&Point3<f64>, &Point3<f64>) -> f64 + Sync),
) {
    plan.par_sort_unstable();
    *plan = split(plan, source, |cell| coarse_targets[cell as usize], price);
    plan.iter_mut().for_each(|flow| (flow.0, flow.1) = (flow.1, flow.0));
    plan.par_sort_unstable();
    *plan = split(plan, target, |place| source.points[place as usize], price);
    plan.iter_mut().for_each(|flow| (flow.0, flow.1) = (flow.1, flow.0));
    plan.par_sort_unstable();
}

/// Shares the flows of every cell, sorted by cell, among the cell's parts.
fn split(
    plan: &[Flow],
    parts: &Level,
    other: impl Fn(u32) -> Point3<f64> + Sync,
    price: &(dyn Fn(&Point3<f64>, &Point3<f64>) -> f64 + Sync),
) -> Vec<Flow> {
    let rows: Vec<&[Flow]> = plan.chunk_by(|a, b| a.0 == b.0).collect();
    let split: Vec<Vec<Flow>> = rows
        .par_iter()
        .with_min_len(64)
        .map(|row| {
            let children = parts.children[row[0].0 as usize].clone();
            let first = children.start as u32;
            if let [(_, there, _)] = row {
                return children.map(|child| (child as u32, *there, parts.masses[child])).collect();
            }
            if children.len() == 1 {
                return row.iter().map(|&(_, there, mass)| (first, there, mass)).collect();
            }
            let cost = |i: u32, j: u32| price(&parts.points[(first + i) as usize], &other(row[j as usize].1));
            let (n, m) = (children.len() as u32, row.len() as u32);
            let pairs = (0..n).flat_map(|i| (0..m).map(move |j| (i, j)));
            let arcs = pairs
                .map(|(source, target)| Candidate { source, target, cost: cost(source, target) })
                .collect();
            // Any forest will do to start from: one mass after the other.
            let (mut i, mut j, mut start) = (0, 0, Vec::new());
            let (mut left, mut room) = (parts.masses[children.start], row[0].2);
            loop {
                let mass = left.min(room);
                start.push((i as u32, j as u32, mass));
                (left, room) = (left - mass, room - mass);
                if left == 0 {
                    i += 1;
                    if i == children.len() {
                        break;
                    }
                    left = parts.masses[children.start + i];
                }
                if room == 0 {
                    j += 1;
                    room = row[j].2;
                }
            }
            let sizes = (n as usize, m as usize);
            let mut simplex = Simplex::new(sizes, arcs, &start, &vec![0.0; n as usize], cost);
            simplex.run(usize::MAX);
            simplex.plan().into_iter().map(|(i, j, mass)| (first + i, row[j as usize].1, mass)).collect()
        })
        .collect();
    split.concat()
}
