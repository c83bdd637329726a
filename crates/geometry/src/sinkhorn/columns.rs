//! The columns of a half-step under their tree: what a node can bring to a score at most.
//!
//! A bound from the largest v_j of a node and its box alone is useless where mass moves far: v_j then changes over
//! the node by thousands of bits, and the distance by as many the other way. So every node carries a plane above its
//! v_j,
//!
//! ```text
//! v_j ≤ top + 2κ tilt · (y_j − center)      tilt ≈ ½ ∇g, the way that mass came
//! ```
//!
//! and v_j − κ|x − y_j|² ≤ top + 2κ tilt · (y_j − center) − κ|x − y_j|² is largest where y is nearest to x + tilt. Over
//! a sample of a surface the tilt is unknown along the normal; any may be taken there at the price of the thickness.

use nalgebra::{Matrix3, Point3, Vector3};
use rayon::prelude::*;

use super::problem::Cost;
use super::tiles::{MASKED, Node, Slab, TILE, TiledMeasure};

/// Points handled as one part of parallel work.
const PART: usize = 128 * TILE;

/// The columns of a half-step: points with what they bring to every score.
pub(super) struct Columns<'a> {
    pub measure: &'a TiledMeasure,
    pub cost: Cost,
    pub epsilon: f64,
    /// log₂(e) / ε
    pub kappa: f64,
    /// v_j = κ g_j + log₂ b_j, padded.
    pub scores: Vec<f64>,
    /// The plane above the v_j of every node.
    planes: Vec<Plane>,
}

/// A plane above the v_j of a node, through its centre.
#[derive(Debug, Clone, Copy)]
struct Plane {
    top: f64,
    tilt: Vector3<f64>,
    /// Whether no column of the node counts.
    masked: bool,
}

/// A tile of rows as the tree of columns sees it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Aim {
    pub center: Point3<f64>,
    /// Half of the edges of the rows' box.
    pub half: Vector3<f64>,
    /// Where mass goes from the centre, as an offset; zero for the Euclidean cost.
    pub tilt: Vector3<f64>,
}

/// A tile of columns, and a bound of s_ij − 2κ tilt · (x_i − center) for all rows of a tile.
#[derive(Debug, Clone, Copy)]
pub(super) struct Listed {
    pub bound: f64,
    pub node: Node,
}

impl<'a> Columns<'a> {
    pub fn new(measure: &'a TiledMeasure, potential: &[f64], cost: Cost, epsilon: f64) -> Self {
        let kappa = std::f64::consts::LOG2_E / epsilon;
        let mut scores = measure.log2_weights.clone();
        scores.par_chunks_mut(PART).zip(potential.par_chunks(PART)).for_each(|(scores, potential)| {
            for (score, value) in scores.iter_mut().zip(potential) {
                *score += kappa * value;
            }
        });
        let slabs = measure.tile_slabs();
        let leaves: Vec<Plane> = slabs
            .par_iter()
            .enumerate()
            .map(|(tile, slab)| plane(measure, &scores, tile, slab, cost, kappa))
            .collect();
        let mut planes = Vec::with_capacity(measure.slabs.len());
        raise(measure, kappa, Node::root(measure.tiles()), &leaves, &mut planes);
        Self { measure, cost, epsilon, kappa, scores, planes }
    }

    /// The root of the tree.
    pub fn root(&self) -> Node {
        Node::root(self.measure.tiles())
    }

    /// The node of a tile.
    pub fn leaf(&self, tile: usize) -> Node {
        let mut node = self.root();
        while !node.is_leaf() {
            let [left, right] = node.children();
            node = if tile < right.first { left } else { right };
        }
        node
    }

    /// The score of a column seen from a point.
    pub fn score(&self, from: &Point3<f64>, column: usize) -> f64 {
        self.scores[column] - self.kappa * self.cost.between(from, &self.measure.point(column))
    }

    /// The column with the largest score seen from a point.
    pub fn best(&self, from: &Point3<f64>) -> (f64, usize) {
        let mut best = (f64::NEG_INFINITY, 0);
        let mut waiting = vec![(f64::INFINITY, self.root())];
        while let Some((bound, node)) = waiting.pop() {
            if bound < best.0 {
                continue;
            }
            if node.is_leaf() {
                for column in self.measure.range(node.first) {
                    let score = self.score(from, column);
                    if score > best.0 {
                        best = (score, column);
                    }
                }
                continue;
            }
            let [left, right] = node.children().map(|child| (self.bound_from(from, &child), child));
            let (nearer, farther) = if left.0 >= right.0 { (left, right) } else { (right, left) };
            waiting.extend([farther, nearer]);
        }
        best
    }

    /// Tiles whose score seen from a point may reach a value, each with every one of its columns.
    pub fn visit(&self, from: &Point3<f64>, lowest: f64, mut tile: impl FnMut(usize)) {
        let mut waiting = vec![self.root()];
        while let Some(node) = waiting.pop() {
            if self.bound_from(from, &node) < lowest {
                continue;
            }
            if node.is_leaf() {
                tile(node.first);
            } else {
                let [left, right] = node.children();
                waiting.extend([right, left]);
            }
        }
    }

    /// The tiles that can matter to a tile of rows, by falling bound. `lowest` is a lower bound of
    /// log₂ Σ_j 2^s_ij − 2κ tilt · (x_i − center) for all its rows; the tiles left out, together, add to no row more than
    /// 2^−omission of 2^lowest. `except` is left out for free.
    pub fn list(&self, aim: &Aim, lowest: f64, omission: f64, except: usize) -> Vec<Listed> {
        // A few bits for the number of nodes that are left out; more where that turns out too few.
        let mut margin = omission + 3.0;
        loop {
            let mut omitted = 0.0;
            let mut listed = Vec::new();
            let mut waiting = vec![self.root()];
            while let Some(node) = waiting.pop() {
                let bound = self.bound(aim, &node);
                let sum = bound + f64::from((node.tiles * TILE).ilog2() + 1) - lowest;
                if sum < -margin {
                    // What is far below needs no exact exponential.
                    omitted += if sum < -margin - 16.0 { (-margin - 16.0).exp2() } else { sum.exp2() };
                } else if !node.is_leaf() {
                    let [left, right] = node.children();
                    waiting.extend([right, left]);
                } else if node.first != except {
                    listed.push(Listed { bound, node });
                }
            }
            if omitted <= (-omission).exp2() {
                listed.sort_unstable_by(|a, b| {
                    b.bound.total_cmp(&a.bound).then(a.node.index.cmp(&b.node.index))
                });
                return listed;
            }
            margin += 4.0;
        }
    }

    /// The plane of a node with the tilt brought to a wanted one along the normal.
    pub fn turned(&self, node: &Node, wanted: &Vector3<f64>) -> (f64, Vector3<f64>) {
        let (plane, slab) = (&self.planes[node.index], &self.measure.slabs[node.index]);
        let along = slab.normal.dot(&(wanted - plane.tilt));
        let top = plane.top + 2.0 * self.kappa * along.abs() * slab.thickness * (1.0 + 1e-9);
        (top, plane.tilt + along * slab.normal)
    }

    /// No score of a node, seen from a point, is above this.
    fn bound_from(&self, from: &Point3<f64>, node: &Node) -> f64 {
        let slab = &self.measure.slabs[node.index];
        let away = slab.center - from;
        match self.cost {
            Cost::Euclidean => self.planes[node.index].top - self.kappa * gap(&away, &slab.half),
            Cost::SquaredEuclidean => {
                let (top, tilt) = self.turned(node, &away);
                let mut total = 0.0;
                for axis in 0..3 {
                    let (tilt, away, half) = (tilt[axis], away[axis], slab.half[axis]);
                    let offset = (tilt - away).clamp(-half, half);
                    total += 2.0 * tilt * offset - (away + offset) * (away + offset);
                }
                top + self.kappa * total
            }
        }
    }

    /// No s_ij − 2κ tilt · (x_i − center) of a node and a tile of rows is above this.
    fn bound(&self, aim: &Aim, node: &Node) -> f64 {
        let slab = &self.measure.slabs[node.index];
        let away = slab.center - aim.center;
        match self.cost {
            Cost::Euclidean => self.planes[node.index].top - self.kappa * gap(&away, &(slab.half + aim.half)),
            Cost::SquaredEuclidean => {
                // With x = center + u and y = center' + t: the tilts meet t and u; their mean meets t − u, as does
                // the distance, and half of their difference meets t + u.
                let (top, tilt) = self.turned(node, &aim.tilt);
                let mut total = 0.0;
                for axis in 0..3 {
                    let (away, reach) = (away[axis], slab.half[axis] + aim.half[axis]);
                    let mean = 0.5 * (tilt[axis] + aim.tilt[axis]);
                    let offset = (mean - away).clamp(-reach, reach);
                    total += 2.0 * mean * offset - (away + offset) * (away + offset)
                        + (tilt[axis] - aim.tilt[axis]).abs() * reach;
                }
                top + self.kappa * total
            }
        }
    }
}

/// Smallest distance of a point from a box, `away` being that of its centre.
fn gap(away: &Vector3<f64>, half: &Vector3<f64>) -> f64 {
    (away.abs() - half).sup(&Vector3::zeros()).norm()
}

/// A plane above the v_j of a tile: the gradient that fits them best, then as high as needed.
fn plane(measure: &TiledMeasure, scores: &[f64], tile: usize, slab: &Slab, cost: Cost, kappa: f64) -> Plane {
    let counts = |&column: &usize| measure.log2_weights[column] > 0.5 * MASKED;
    let columns = || measure.range(tile).filter(counts);
    let count = columns().count();
    if count == 0 {
        return Plane { top: MASKED, tilt: Vector3::zeros(), masked: true };
    }
    let tilt = match cost {
        Cost::Euclidean => Vector3::zeros(),
        Cost::SquaredEuclidean => {
            let (mut mean, mut mean_score) = (Vector3::zeros(), 0.0);
            for column in columns() {
                mean += measure.point(column) - slab.center;
                mean_score += scores[column];
            }
            mean /= count as f64;
            mean_score /= count as f64;
            let (mut scatter, mut slope) = (Matrix3::zeros(), Vector3::zeros());
            for column in columns() {
                let offset = measure.point(column) - slab.center - mean;
                scatter += offset * offset.transpose();
                slope += offset * (scores[column] - mean_score);
            }
            // A little towards zero, where the points do not tell.
            let ridge = 1e-3 * scatter.trace();
            (scatter + Matrix3::from_diagonal_element(ridge))
                .try_inverse()
                .map(|inverse| inverse * slope / (2.0 * kappa))
                .filter(|tilt| tilt.iter().all(|value| value.is_finite()))
                .unwrap_or_else(Vector3::zeros)
        }
    };
    let above =
        |column: usize| scores[column] - 2.0 * kappa * tilt.dot(&(measure.point(column) - slab.center));
    let top = columns().map(above).fold(f64::NEG_INFINITY, f64::max);
    Plane { top, tilt, masked: false }
}

/// The planes of a node and all below it, in preorder; returns that of the node.
fn raise(measure: &TiledMeasure, kappa: f64, node: Node, leaves: &[Plane], planes: &mut Vec<Plane>) -> Plane {
    if node.is_leaf() {
        planes.push(leaves[node.first]);
        return leaves[node.first];
    }
    let place = planes.len();
    planes.push(leaves[node.first]);
    let children = node.children();
    let below = children.map(|child| raise(measure, kappa, child, leaves, planes));
    let merged = match below {
        [left, right] if left.masked => {
            Plane { masked: right.masked, ..over(measure, kappa, &node, &[(children[1], right)]) }
        }
        [left, right] if right.masked => over(measure, kappa, &node, &[(children[0], left)]),
        [left, right] => over(measure, kappa, &node, &[(children[0], left), (children[1], right)]),
    };
    planes[place] = merged;
    merged
}

/// A plane above those of some children.
fn over(measure: &TiledMeasure, kappa: f64, node: &Node, below: &[(Node, Plane)]) -> Plane {
    let tiles: usize = below.iter().map(|(child, _)| child.tiles).sum();
    let tilt = below.iter().map(|(child, plane)| plane.tilt * child.tiles as f64).sum::<Vector3<f64>>()
        / tiles as f64;
    let center = measure.slabs[node.index].center;
    let top = below
        .iter()
        .map(|(child, plane)| {
            let slab = &measure.slabs[child.index];
            let spread = (plane.tilt - tilt).abs().dot(&slab.half);
            plane.top + 2.0 * kappa * (spread + tilt.dot(&(center - slab.center)))
        })
        .fold(f64::NEG_INFINITY, f64::max);
    Plane { top, tilt, masked: false }
}
