//! Levenberg–Marquardt over the poses of a graph whose edges have weights.

use barrow_geometry::{Convergence, Status};
use nalgebra::{Isometry3, Matrix6, Vector6};

use super::blocks::{BlockFactor, BlockMatrix, elimination_order};
use super::edge::{PoseEdge, moved};

/// First damping, relative to the diagonal; a good step divides it by [`EASE`], a bad one multiplies.
const DAMPING: f64 = 1e-6;
const EASE: f64 = 10.0;

/// Damping beyond which no step helps.
const STUCK: f64 = 1e8;

/// Least diagonal entry relative to the largest of its kind: directions without information are left alone.
const FLOOR: f64 = 1e-12;

/// Poses on their way to the least Σ wₑ δₑᵀ Λₑ δₑ, the first node of each part held.
pub(super) struct Descent<'a> {
    edges: &'a [PoseEdge],
    pub poses: Vec<Isometry3<f64>>,
    /// Position of each node among the unknowns; `None` is held.
    positions: Vec<Option<usize>>,
    unknowns: usize,
    damping: f64,
    pub iterations: usize,
}

impl<'a> Descent<'a> {
    /// Begins at some poses; `firsts` names the first node of each node's part.
    pub fn new(edges: &'a [PoseEdge], poses: Vec<Isometry3<f64>>, firsts: &[usize]) -> Self {
        let mut numbers = vec![None; poses.len()];
        let free: Vec<usize> = (0..poses.len()).filter(|&node| firsts[node] != node).collect();
        for (number, &node) in free.iter().enumerate() {
            numbers[node] = Some(number);
        }
        let pairs: Vec<(usize, usize)> =
            edges.iter().filter_map(|edge| numbers[edge.source].zip(numbers[edge.target])).collect();
        let mut positions = vec![None; poses.len()];
        for (position, number) in elimination_order(free.len(), &pairs).into_iter().enumerate() {
            positions[free[number]] = Some(position);
        }
        Self { edges, poses, positions, unknowns: free.len(), damping: DAMPING, iterations: 0 }
    }

    /// δᵀ Λ δ of every edge.
    pub fn squares(&self) -> Vec<f64> {
        self.squares_at(&self.poses)
    }

    fn squares_at(&self, poses: &[Isometry3<f64>]) -> Vec<f64> {
        let at = |edge: &PoseEdge| edge.squared(&edge.disagreement(&poses[edge.source], &poses[edge.target]));
        self.edges.iter().map(at).collect()
    }

    /// Steps until one promises less than `tolerance` of the squared sum, in standard deviations, or `limit` are taken.
    pub fn run(&mut self, weights: &[f64], tolerance: f64, limit: usize) -> Convergence {
        let mut cost = weighted(&self.squares(), weights);
        let mut promised = 0.0;
        for taken in 0..limit {
            let (matrix, gradient) = self.equations(weights);
            let Some((step, gain)) = self.downhill(&matrix, &gradient, weights, &mut cost) else {
                // No step goes down: the poses are as good as the arithmetic lets them be.
                return Convergence { status: Status::Converged, iterations: taken, residual: promised };
            };
            promised = gain;
            self.poses = step;
            self.iterations += 1;
            if promised <= tolerance * (1.0 + cost) {
                return Convergence { status: Status::Converged, iterations: taken + 1, residual: promised };
            }
        }
        Convergence { status: Status::MaxIterations, iterations: limit, residual: promised }
    }

    /// Poses of a lower cost, and the decrease that was promised; damps until there are any.
    fn downhill(
        &mut self,
        matrix: &BlockMatrix,
        gradient: &[Vector6<f64>],
        weights: &[f64],
        cost: &mut f64,
    ) -> Option<(Vec<Isometry3<f64>>, f64)> {
        while self.damping <= STUCK {
            if let Some(factor) = damped(matrix.clone(), self.unknowns, self.damping).factor() {
                let step = factor.solve(gradient);
                let gain: f64 = step.iter().zip(gradient).map(|(step, gradient)| step.dot(gradient)).sum();
                let mut poses = self.poses.clone();
                for (pose, position) in poses.iter_mut().zip(&self.positions) {
                    if let Some(position) = position {
                        // The gradient holds the way up.
                        *pose = moved(pose, &-step[*position]);
                    }
                }
                let reached = weighted(&self.squares_at(&poses), weights);
                if reached <= *cost {
                    *cost = reached;
                    self.damping = (self.damping / EASE).max(FLOOR);
                    return Some((poses, gain));
                }
            }
            self.damping *= EASE;
        }
        self.damping = DAMPING;
        None
    }

    /// Σ w Jᵀ Λ J and Σ w Jᵀ Λ δ.
    fn equations(&self, weights: &[f64]) -> (BlockMatrix, Vec<Vector6<f64>>) {
        let mut matrix = BlockMatrix::zeros(self.unknowns);
        let mut gradient = vec![Vector6::zeros(); self.unknowns];
        for (edge, &weight) in self.edges.iter().zip(weights) {
            let at = edge.linearized(&self.poses[edge.source], &self.poses[edge.target]);
            let information = edge.information * weight;
            let ends =
                [(self.positions[edge.source], at.by_source), (self.positions[edge.target], at.by_target)];
            for (number, (position, slope)) in ends.iter().enumerate() {
                let Some(position) = *position else { continue };
                let weighted = slope.transpose() * information;
                gradient[position] += weighted * at.disagreement;
                matrix.add(position, position, &(weighted * slope));
                if let (0, (Some(other), other_slope)) = (number, &ends[1]) {
                    matrix.add(position, *other, &(weighted * other_slope));
                }
            }
        }
        (matrix, gradient)
    }

    /// Covariance of each node's pose against the first of its part, zero for that one; `None` if some direction is free.
    pub fn covariances(&self, weights: &[f64]) -> Option<Vec<Matrix6<f64>>> {
        let factor: BlockFactor = self.equations(weights).0.factor()?;
        let of = |position: &Option<usize>| {
            position.map_or_else(Matrix6::zeros, |position| factor.inverse_diagonal(position))
        };
        let found: Vec<Matrix6<f64>> = self.positions.iter().map(of).collect();
        found.iter().all(|block| block.iter().all(|value| value.is_finite())).then_some(found)
    }
}

/// Marquardt's damping: the diagonal times 1 + `damping`, no entry without any.
fn damped(mut matrix: BlockMatrix, unknowns: usize, damping: f64) -> BlockMatrix {
    let mut largest = Vector6::repeat(f64::MIN_POSITIVE);
    for index in 0..unknowns {
        largest = largest.sup(&matrix.diagonal_mut(index).diagonal());
    }
    let (turn, shift) = (largest.fixed_rows::<3>(0).max(), largest.fixed_rows::<3>(3).max());
    for index in 0..unknowns {
        let block = matrix.diagonal_mut(index);
        for axis in 0..6 {
            let floor = if axis < 3 { turn } else { shift };
            block[(axis, axis)] += damping * block[(axis, axis)] + FLOOR * floor;
        }
    }
    matrix
}

fn weighted(squares: &[f64], weights: &[f64]) -> f64 {
    squares.iter().zip(weights).map(|(square, weight)| square * weight).sum()
}
