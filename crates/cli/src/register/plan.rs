//! The matches at the final pose, as arcs between both clouds.

use anyhow::Result;
use barrow::geometry::{
    Arc, Backend, BatchSearch, KdTree, MarginalPenalty, Measure, Neighbor, PointCloud, Sinkhorn,
    TransportProblem, median_spacing,
};
use barrow::registration::Method;

use crate::settings::Settings;

/// Part of its source point's mass that an arc of a transport plan must hold to be written.
const THRESHOLD: f64 = 1e-3;

/// Part of the mass that may be in the wrong place: a plan that is off by this still says who belongs to whom.
const TOLERANCE: f64 = 1e-2;

/// Iterations of a transport plan at most.
const ITERATIONS: usize = 300;

/// How the method matches, between a source in its place and the target, nothing farther apart than `max_distance` \[m\] in the end; all
/// source points weigh the same and would sum to one.
///
/// # Errors
/// If a cloud is not fit for transport.
pub fn of(
    method: Method,
    moved: &PointCloud,
    target: &PointCloud,
    max_distance: f64,
    settings: &Settings,
) -> Result<Vec<Arc>> {
    match method {
        Method::Transport => transported(moved, target, max_distance, settings),
        _ => Ok(nearest(moved, target, max_distance)),
    }
}

/// Each source point with its nearest target point, if that is within the gate.
fn nearest(moved: &PointCloud, target: &PointCloud, max_distance: f64) -> Vec<Arc> {
    let mass = 1.0 / moved.len() as f64;
    let search = BatchSearch { max_distance, ..BatchSearch::default() };
    let nearest = KdTree::new(target.positions()).nearest_all(moved.positions(), &search);
    let within = |(source, found): (usize, Option<Neighbor>)| {
        let found = found?;
        Some(Arc { source, target: found.index, mass, cost: found.distance_squared })
    };
    nearest.into_iter().enumerate().filter_map(within).collect()
}

/// The plan that moves what is within the gate of the other cloud and leaves the rest, as sharp as points lie apart.
fn transported(
    moved: &PointCloud,
    target: &PointCloud,
    max_distance: f64,
    settings: &Settings,
) -> Result<Vec<Arc>> {
    let spacing = |cloud: &PointCloud| median_spacing(cloud, &KdTree::new(cloud.positions()));
    let spacings = [moved, target].into_iter().filter_map(spacing).filter(|&spacing| spacing > 0.0);
    // Where all points coincide, any blur tells them apart from the rest.
    let blur = 0.5 * spacings.reduce(f64::max).unwrap_or(max_distance).min(max_distance);
    let (source, measure) = (Measure::uniform(moved.positions())?, Measure::uniform(target.positions())?);
    // To go to one place only costs ε log m of entropy beside the way: nobody is to stay for that.
    let entropy = 2.0 * blur * blur * (target.len() as f64).ln();
    let problem = TransportProblem {
        reach: Some((max_distance * max_distance + entropy).sqrt()),
        penalty: MarginalPenalty::TotalVariation,
        ..TransportProblem::new(source, measure, blur)
    };
    let solver = Sinkhorn { tolerance: TOLERANCE, max_iterations: ITERATIONS, ..Sinkhorn::default() };
    let plan = solver.solve(&problem, &Backend::Cpu)?;
    if !plan.convergence().converged() {
        settings.note("the plan of the final match did not converge; it is the best one found");
    }
    Ok(plan.arcs(THRESHOLD)?)
}
