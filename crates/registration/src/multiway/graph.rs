//! Poses of many frames from measurements between pairs of them, some of which are wrong.

use barrow_geometry::{Convergence, Error as GeometryError, Status};
use nalgebra::{Isometry3, Matrix6};

use super::descent::Descent;
use super::edge::PoseEdge;
use super::parts::{Parts, spanning_poses};
use crate::Result;
use crate::error::require_positive;

/// Ratio of successive values of the control parameter (Yang et al. 2020, section V).
const HARDENING: f64 = 1.4;

/// Steps at each of them: the next one asks for other weights anyway.
const STEPS: usize = 3;

/// Control parameter from which the weights are those of truncated least squares for every practical purpose.
const HARDEST: f64 = 1e6;

/// Rounds that fix which edges are kept, at the end.
const ROUNDS: usize = 20;

/// Frames and the measured poses between them.
///
/// Looked for are poses W with the least truncated sum of squares
///
/// ```text
/// Σₑ min(δₑᵀ Λₑ δₑ, limitₑ²)      with      W_target⁻¹ W_source = target_from_source ∘ (exp ω, t),  δ = (ω, t)
/// ```
///
/// so that an edge beyond its limit has no say. Two ways lead there, both from the poses along the tree of the most trusted
/// edges: with weights that let go of edges little by little, and with weights that do so at once; the better end is kept. Parts
/// that no edge joins are solved side by side, each in the frame of its first node.
///
/// # Units
/// Those of the measurements; δᵀ Λ δ has none.
///
/// # Determinism
/// No draws and no threads: the same graph gives the same bits.
///
/// # References
/// Yang, Antonante, Tzoumas, Carlone, *Graduated non-convexity for robust spatial perception*, RA-L 2020, section V (weights,
/// truncated least squares); Choi, Zhou, Koltun, *Robust reconstruction of indoor scenes*, CVPR 2015 (wrong loops among
/// registrations).
///
/// ```
/// use barrow_registration::{PoseEdge, PoseGraph};
/// use nalgebra::{Isometry3, Matrix6};
///
/// // Four frames along a line, each measured against the one before, and one measurement that is wrong.
/// let step = Isometry3::translation(1.0, 0.0, 0.0);
/// let sure = Matrix6::identity() * 1e4;
/// let mut edges: Vec<PoseEdge> = (1..4).map(|k| PoseEdge::new(k, k - 1, step, sure)).collect();
/// edges.push(PoseEdge::new(3, 0, Isometry3::translation(3.0, 0.0, 0.0), sure));
/// edges.push(PoseEdge::new(2, 0, Isometry3::translation(0.0, 9.0, 0.0), sure));
/// let solution = PoseGraph { nodes: 4, edges, ..PoseGraph::default() }.solve()?;
/// assert!((solution.part_from_node[3].translation.vector.x - 3.0).abs() < 1e-9);
/// assert_eq!(solution.is_kept, [true, true, true, true, false]);
/// # Ok::<(), barrow_registration::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct PoseGraph {
    /// Number of frames.
    pub nodes: usize,
    /// Poses measured between them; several between the same two are several opinions.
    pub edges: Vec<PoseEdge>,
    /// Gauss–Newton steps in the end, once it is settled which edges are kept.
    pub max_iterations: usize,
    /// Converged when a step promises to lower the sum by less than this share of it, or of one standard deviation.
    pub tolerance: f64,
}

impl Default for PoseGraph {
    fn default() -> Self {
        Self { nodes: 0, edges: Vec::new(), max_iterations: 100, tolerance: 1e-12 }
    }
}

/// Poses that agree with the measurements kept.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct PoseGraphSolution {
    /// First node of the part that each node is in. Nodes of different parts are not joined by any edge kept.
    pub part: Vec<usize>,
    /// Poses in the frame of the part's first node.
    pub part_from_node: Vec<Isometry3<f64>>,
    /// Whether each edge agrees with the poses within its limit.
    pub is_kept: Vec<bool>,
    /// √(δᵀ Λ δ) of each edge at these poses \[standard deviations\]; none between different parts.
    pub disagreements: Vec<Option<f64>>,
    /// Covariance of each pose, for the perturbation T ∘ (exp ω, t); zero for the first node of a part, `None` throughout if
    /// the edges kept leave some direction free. Not multiplied by [`variance`](Self::variance).
    pub covariances: Vec<Option<Matrix6<f64>>>,
    /// Sum of δᵀ Λ δ over the edges kept ÷ its expectation: about 1 if the informations are what they say. `None` without
    /// any edge beyond those of a tree.
    pub variance: Option<f64>,
    /// Why the last steps ended; `residual` is the decrease that the last one promised.
    pub convergence: Convergence,
}

impl PoseGraph {
    /// Finds the poses.
    ///
    /// # Errors
    /// If there are no nodes, an edge is none (by its index and what is wrong with it), or an option is out of range. Not
    /// converging is an answer.
    pub fn solve(&self) -> Result<PoseGraphSolution> {
        if self.nodes == 0 {
            let (name, requirement) = ("nodes", "at least 1");
            return Err(GeometryError::InvalidOption { name, requirement, got: 0.0 }.into());
        }
        require_positive("tolerance", self.tolerance)?;
        require_positive("max_iterations", self.max_iterations as f64)?;
        for (index, edge) in self.edges.iter().enumerate() {
            edge.check(index, self.nodes)?;
        }
        let start = spanning_poses(self.nodes, &self.edges);
        let firsts = Parts::of(self.nodes, &self.edges, |_| true).firsts();
        let mut slow = Descent::new(&self.edges, start.clone(), &firsts);
        self.let_go_slowly(&mut slow);
        let slow = self.settled(slow);
        let fast = self.settled(Descent::new(&self.edges, start, &firsts));
        let (descent, convergence) = if self.cost(&fast.0) < self.cost(&slow.0) { fast } else { slow };
        Ok(self.answer(descent, convergence))
    }

    /// Weights from nearly equal ones to those of truncated least squares.
    fn let_go_slowly(&self, descent: &mut Descent) {
        let worst = self.shares(descent).into_iter().fold(0.0, f64::max);
        if worst <= 1.0 {
            return;
        }
        let mut hardness = 1.0 / (2.0 * worst - 1.0);
        // From however far away, within a number of rounds that is known beforehand.
        hardness = hardness.max(1.0 / HARDEST);
        while hardness < HARDEST {
            let weights: Vec<f64> =
                self.shares(descent).iter().map(|&share| weight(share, hardness)).collect();
            if hardness > 1.0 && weights.iter().all(|&weight| weight == 0.0 || weight == 1.0) {
                return;
            }
            descent.run(&weights, self.tolerance, STEPS);
            hardness *= HARDENING;
        }
    }

    /// δᵀ Λ δ ÷ limit² of each edge.
    fn shares(&self, descent: &Descent) -> Vec<f64> {
        let share = |(square, edge): (f64, &PoseEdge)| square / (edge.limit * edge.limit);
        descent.squares().into_iter().zip(&self.edges).map(share).collect()
    }

    /// Keeps the edges within their limits, moves the poses accordingly, and again, until nothing changes.
    fn settled<'a>(&self, mut descent: Descent<'a>) -> (Descent<'a>, Convergence) {
        let kept = |descent: &Descent| -> Vec<f64> {
            self.shares(descent).iter().map(|&share| f64::from(u8::from(share <= 1.0))).collect()
        };
        let mut weights = kept(&descent);
        let mut convergence = descent.run(&weights, self.tolerance, self.max_iterations);
        for _ in 0..ROUNDS {
            let next = kept(&descent);
            if next == weights {
                return (descent, convergence);
            }
            weights = next;
            convergence = descent.run(&weights, self.tolerance, self.max_iterations);
        }
        (descent, Convergence { status: Status::MaxIterations, ..convergence })
    }

    /// What the ends are compared by: trust in the edges let go, and how far those kept had to give.
    fn cost(&self, descent: &Descent) -> f64 {
        let shares = self.shares(descent);
        shares.iter().zip(&self.edges).map(|(share, edge)| edge.trust * share.min(1.0)).sum()
    }

    fn answer(&self, descent: Descent, convergence: Convergence) -> PoseGraphSolution {
        let shares = self.shares(&descent);
        let is_kept: Vec<bool> = shares.iter().map(|&share| share <= 1.0).collect();
        let squares = descent.squares();
        let part = Parts::of(self.nodes, &self.edges, |index| is_kept[index]).firsts();
        let part_from_node = based(&descent.poses, &part);
        let kept: Vec<PoseEdge> = self
            .edges
            .iter()
            .zip(&is_kept)
            .filter(|(_, kept)| **kept)
            .map(|(edge, _)| edge.clone())
            .collect();
        let spread = Descent::new(&kept, part_from_node.clone(), &part).covariances(&vec![1.0; kept.len()]);
        let covariances = match spread {
            Some(found) => found.into_iter().map(Some).collect(),
            None => vec![None; self.nodes],
        };
        let free = part.iter().enumerate().filter(|(node, first)| node != *first).count();
        let sum: f64 =
            squares.iter().zip(&is_kept).filter(|(_, kept)| **kept).map(|(square, _)| square).sum();
        let variance = (kept.len() > free).then(|| sum / (6 * (kept.len() - free)) as f64);
        let joined = |edge: &PoseEdge| part[edge.source] == part[edge.target];
        let disagreements = self
            .edges
            .iter()
            .zip(squares)
            .map(|(edge, square)| joined(edge).then(|| square.sqrt()))
            .collect();
        let convergence = Convergence { iterations: descent.iterations, ..convergence };
        PoseGraphSolution { part, part_from_node, is_kept, disagreements, covariances, variance, convergence }
    }
}

/// Poses in the frame of the first node of each node's part.
pub(super) fn based(poses: &[Isometry3<f64>], part: &[usize]) -> Vec<Isometry3<f64>> {
    let based = |(node, &first): (usize, &usize)| match node == first {
        true => Isometry3::identity(),
        false => poses[first].inv_mul(&poses[node]),
    };
    part.iter().enumerate().map(based).collect()
}

/// Weight of an edge under graduated non-convexity, from its δᵀ Λ δ ÷ limit² (Yang et al. 2020, equation 14).
fn weight(share: f64, hardness: f64) -> f64 {
    if share <= hardness / (hardness + 1.0) {
        1.0
    } else if share >= (hardness + 1.0) / hardness {
        0.0
    } else {
        ((hardness * (hardness + 1.0) / share).sqrt() - hardness).clamp(0.0, 1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::weight;

    #[test]
    fn weights_harden_to_a_step() {
        for hardness in [1e-3, 0.5, 2.0, 1e5] {
            let weights: Vec<f64> = (0..400).map(|k| weight(0.01 * f64::from(k), hardness)).collect();
            assert!(weights.windows(2).all(|pair| pair[0] >= pair[1]), "{hardness}");
            assert_eq!(weights[0], 1.0);
        }
        assert!(weight(0.999, 1e5) > 0.99 && weight(1.001, 1e5) < 0.01);
        assert!(weight(1.5, 1e-3) > 0.02, "at first nothing is out of the question");
    }
}
