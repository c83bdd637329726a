//! The pose of one scan on the map: planes, robust weights, and what the motion before makes likely.

use barrow_geometry::fold_ordered;
use nalgebra::{Matrix6, SMatrix, SVector, Vector3, Vector6};
use rayon::prelude::*;

use super::map::LocalMap;
use super::motion::{Motion, Unroll, exp};
use super::prior::Prior;
use crate::Kernel;

pub(crate) type Matrix12 = SMatrix<f64, 12, 12>;
pub(crate) type Vector12 = SVector<f64, 12>;

/// A robust standard deviation is this many median absolute residuals.
const DEVIATIONS: f64 = 1.4826;

/// The kernel's width in robust standard deviations.
const WIDTH: f64 = 3.0;

/// Least noise that residuals are believed to have, in cells: exact data must not make every pair an outlier.
const LEAST_NOISE: f64 = 5e-3;

/// Residuals of one place are alike, in the map as in the scan: so many of them say as much as one.
const ALIKE: f64 = 10.0;

/// Standard deviation of the place, in cells, from which on a direction is not told.
const UNTOLD: f64 = 0.2;

/// Share of the information along the best told direction below which another may be untold.
const FAR_WORSE: f64 = 0.02;

/// Information along directions that nothing holds, as a share of the largest.
const UNCONSTRAINED: f64 = 1e-9;

/// Points that one task matches, unrolled one after the other. Fixed: no bit depends on it.
const PART: usize = 512;

/// A point of the scan that is matched.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct SourcePoint {
    /// Where it was measured, in the sensor's frame of that moment \[m\].
    pub position: Vector3<f64>,
    /// When, from −½ to ½ of the scan.
    pub share: f64,
}

/// A motion, and what the map says about it.
#[derive(Debug, Clone)]
pub(crate) struct Solved {
    pub motion: Motion,
    /// Σ w Jᵀ J of the pose in the middle of the scan, residuals in metres.
    pub hessian: Matrix6<f64>,
    /// Covariance of pose and twist, what was likely before taken in; in squares of radians and metres.
    pub covariance: Matrix12,
    /// Robust standard deviation of the residuals \[m\].
    pub noise: f64,
    /// Points with a plane of the map near them.
    pub matched: usize,
    /// Points that lie on their plane, within the gate.
    pub inliers: usize,
    /// Root mean square of their distances to it \[m\].
    pub inlier_rmse: Option<f64>,
    pub iterations: usize,
    pub converged: bool,
}

/// Directions (ω, v) along which planes tell the place worse than to a share of a cell, and far worse than along others; of
/// unit length after scaling rotations by `radius` \[m\].
pub(crate) fn untold(hessian: &Matrix6<f64>, noise: f64, edge: f64, radius: f64) -> Vec<Vector6<f64>> {
    let turn = 1.0 / radius.max(f64::MIN_POSITIVE);
    let scale = Vector6::new(turn, turn, turn, 1.0, 1.0, 1.0);
    // In units of the least information that tells a direction.
    let deviation = UNTOLD * edge / noise;
    let unit = deviation * deviation / ALIKE;
    let scaled = Matrix6::from_fn(|i, j| hessian[(i, j)] * scale[i] * scale[j] * unit);
    if !scaled.iter().all(|value| value.is_finite()) {
        return Vec::new();
    }
    let eigen = scaled.symmetric_eigen();
    let most = 1f64.min(FAR_WORSE * eigen.eigenvalues.max());
    (0..6)
        .filter(|&at| eigen.eigenvalues[at] <= most)
        .map(|at| eigen.eigenvectors.column(at).into_owned())
        .collect()
}

/// A matched point.
#[derive(Debug, Clone, Copy)]
struct Row {
    /// Derivative of the residual by the pose.
    row: Vector6<f64>,
    share: f64,
    /// Distance to the plane \[m\].
    residual: f64,
    /// Variance of the map's points along the normal \[m²\].
    thickness: f64,
    flatness: f64,
}

/// The sums of the normal equations, moments of the share apart.
#[derive(Clone)]
struct Sums {
    hessian: [Matrix6<f64>; 3],
    gradient: [Vector6<f64>; 2],
    inliers: usize,
    squares: f64,
}

/// How long to look for a pose.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Effort {
    pub max_iterations: usize,
    /// Motion \[cells\] of a point at `radius` that counts as none.
    pub tolerance: f64,
    /// Distance of a typical point from the sensor \[m\].
    pub radius: f64,
    /// Distance to its plane up to which a point is an inlier \[m\].
    pub gate: f64,
}

/// Moves a scan onto the map by Gauss–Newton steps, from a motion on.
pub(crate) fn solve(
    map: &mut LocalMap,
    source: &[SourcePoint],
    start: Motion,
    prior: &Prior,
    effort: &Effort,
) -> Solved {
    let mut solved = Solved {
        motion: start,
        hessian: Matrix6::zeros(),
        covariance: Matrix12::zeros(),
        noise: f64::INFINITY,
        matched: 0,
        inliers: 0,
        inlier_rmse: None,
        iterations: 0,
        converged: false,
    };
    while !solved.converged && solved.iterations < effort.max_iterations {
        solved.iterations += 1;
        let rows = rows(map, source, &solved.motion);
        if rows.is_empty() {
            solved.hessian = Matrix6::zeros();
            solved.matched = 0;
            solved.inliers = 0;
            break;
        }
        let noise = noise(&rows).max(LEAST_NOISE * map.edge);
        let sums = sums(&rows, noise, effort.gate);
        let Some((step, covariance)) = step(&sums, noise, &solved.motion, map.edge, prior, effort) else {
            break;
        };
        let moved = step.fixed_rows::<6>(0).into_owned();
        let twisted = step.fixed_rows::<6>(6).into_owned();
        let mut middle = solved.motion.middle * exp(&moved);
        middle.rotation.renormalize();
        solved.motion = Motion { middle, twist: solved.motion.twist + twisted };
        solved.hessian = sums.hessian[0];
        solved.covariance = covariance;
        solved.matched = rows.len();
        solved.inliers = sums.inliers;
        solved.inlier_rmse = (sums.inliers > 0).then(|| (sums.squares / sums.inliers as f64).sqrt());
        solved.noise = noise;
        let length = |step: &Vector6<f64>| {
            step.fixed_rows::<3>(3).norm() + effort.radius * step.fixed_rows::<3>(0).norm()
        };
        solved.converged = length(&moved) + 0.5 * length(&twisted) <= effort.tolerance * map.edge;
    }
    solved
}

/// The step of pose and twist, and their covariance; `None` if nothing holds them.
fn step(
    sums: &Sums,
    noise: f64,
    motion: &Motion,
    edge: f64,
    prior: &Prior,
    effort: &Effort,
) -> Option<(Vector12, Matrix12)> {
    // Rotations in lengths at the radius: entries of one size.
    let turn = 1.0 / effort.radius.max(f64::MIN_POSITIVE);
    let scale = Vector12::from_fn(|at, _| if at % 6 < 3 { turn } else { 1.0 });
    let scale_of_pose = scale.fixed_rows::<6>(0).into_owned();
    // What the planes hardly tell is noise: there the pose stays where it was expected.
    let mut told = Matrix6::identity();
    for direction in untold(&sums.hessian[0], noise, edge, effort.radius) {
        told -= direction * direction.transpose();
    }
    let trust = 1.0 / (ALIKE * noise * noise);
    let seen = |hessian: &Matrix6<f64>| {
        let scaled = Matrix6::from_fn(|i, j| hessian[(i, j)] * scale_of_pose[i] * scale_of_pose[j]);
        told * scaled * told * trust
    };
    let pulled = |gradient: &Vector6<f64>| told * gradient.component_mul(&scale_of_pose) * trust;
    let (mut hessian, mut gradient) = (Matrix12::zeros(), Vector12::zeros());
    prior.add(motion, &mut hessian, &mut gradient);
    let mut scaled = Matrix12::from_fn(|i, j| hessian[(i, j)] * scale[i] * scale[j]);
    let mut gradient = gradient.component_mul(&scale);
    let parts: &[(usize, usize)] = if prior.timed { &[(0, 0), (0, 1), (1, 0), (1, 1)] } else { &[(0, 0)] };
    for &(row, column) in parts {
        let mut part = scaled.fixed_view_mut::<6, 6>(6 * row, 6 * column);
        part += seen(&sums.hessian[row + column]);
    }
    for row in 0..if prior.timed { 2 } else { 1 } {
        let mut part = gradient.fixed_rows_mut::<6>(6 * row);
        part += pulled(&sums.gradient[row]);
    }
    // Directions that nothing holds stay where they are.
    let ridge = UNCONSTRAINED * scaled.diagonal().max();
    for at in 0..12 {
        scaled[(at, at)] += ridge;
    }
    let cholesky = scaled.cholesky()?;
    let step = -cholesky.solve(&gradient).component_mul(&scale);
    let inverse = cholesky.inverse();
    let covariance = Matrix12::from_fn(|i, j| inverse[(i, j)] * scale[i] * scale[j]);
    step.iter().all(|value| value.is_finite()).then_some((step, covariance))
}

/// The matched points of a scan, in their order.
fn rows(map: &mut LocalMap, source: &[SourcePoint], motion: &Motion) -> Vec<Row> {
    let rotation = motion.middle.rotation.to_rotation_matrix().into_inner();
    let shift = motion.middle.translation.vector;
    let seen: &LocalMap = map;
    let met: Vec<Vec<(Vector3<f64>, Option<usize>)>> = source
        .par_chunks(PART)
        .map(|part| {
            let mut unroll = Unroll::new(motion.twist);
            let meet = |point: &SourcePoint| {
                let x = unroll.point(&point.position, point.share);
                (x, seen.nearest(&(rotation * x + shift)))
            };
            part.iter().map(meet).collect()
        })
        .collect();
    map.refresh(met.iter().flatten().filter_map(|met| met.1));
    let rows = met.iter().flatten().zip(source).filter_map(|((x, cell), point)| {
        let plane = map.plane((*cell)?)?;
        let residual = plane.normal.dot(&(rotation * x + shift - plane.point));
        // n·(ω × x) + n·v, in the scan's frame.
        let normal = rotation.tr_mul(&plane.normal);
        let turn = x.cross(&normal);
        let row = Vector6::new(turn.x, turn.y, turn.z, normal.x, normal.y, normal.z);
        Some(Row { row, share: point.share, residual, thickness: plane.thickness, flatness: plane.flatness })
    });
    rows.collect()
}

/// Robust standard deviation of the residuals \[m\].
fn noise(rows: &[Row]) -> f64 {
    let mut residuals: Vec<f64> = rows.iter().map(|row| row.residual.abs()).collect();
    let middle = residuals.len() / 2;
    DEVIATIONS * *residuals.select_nth_unstable_by(middle, f64::total_cmp).1
}

fn sums(rows: &[Row], noise: f64, gate: f64) -> Sums {
    let zero =
        Sums { hessian: [Matrix6::zeros(); 3], gradient: [Vector6::zeros(); 2], inliers: 0, squares: 0.0 };
    let width = WIDTH * noise;
    let part = |range: std::ops::Range<usize>| {
        let mut sums = zero.clone();
        for Row { row, share, residual, thickness, flatness } in &rows[range] {
            // A rough surface says less where it is, and a blob has no side.
            let sharpness = noise * noise / (noise * noise + thickness) * flatness * flatness;
            let weight = sharpness * Kernel::GemanMcClure.weight(*residual, width);
            let outer = row * (row * weight).transpose();
            sums.hessian[0] += outer;
            sums.hessian[1] += outer * *share;
            sums.hessian[2] += outer * (share * share);
            let pull = row * (weight * residual);
            sums.gradient[0] += pull;
            sums.gradient[1] += pull * *share;
            if residual.abs() <= gate {
                sums.inliers += 1;
                sums.squares += residual * residual;
            }
        }
        sums
    };
    let merged = |mut a: Sums, b: Sums| {
        for (mine, theirs) in a.hessian.iter_mut().zip(b.hessian) {
            *mine += theirs;
        }
        for (mine, theirs) in a.gradient.iter_mut().zip(b.gradient) {
            *mine += theirs;
        }
        a.inliers += b.inliers;
        a.squares += b.squares;
        a
    };
    fold_ordered(rows.len(), part, merged).unwrap_or(zero)
}
