//! Nodes above the leaves, level by level.

use nalgebra::{Matrix3, SymmetricEigen, Vector3};
use rayon::prelude::*;

use super::leaf::Leaf;
use super::node::{Node, Span, WIDTH, along, rows, slack};

/// A node whose points spread this much less along one direction than along another gets its own axes:
/// ratio of variances.
const THIN: f64 = 0.02;

/// What a parent asks of a child: where it is, and how it spreads.
#[derive(Clone, Copy)]
struct Summary {
    bounds: [Span; 3],
    count: f64,
    mean: Vector3<f64>,
    /// Sum of (p − mean)(p − mean)ᵀ.
    scatter: Matrix3<f64>,
}

impl Summary {
    fn of(leaf: &Leaf) -> Self {
        let mut bounds = [Span::EMPTY; 3];
        let (mut count, mut mean) = (0.0, Vector3::zeros());
        let first = leaf.point(0).coords;
        for point in leaf.points() {
            for axis in 0..3 {
                bounds[axis].add(point[axis]);
            }
            mean += point.coords - first;
            count += 1.0;
        }
        mean = first + mean / count;
        let scatter = leaf.points().map(|p| (p.coords - mean) * (p.coords - mean).transpose()).sum();
        Self { bounds, count, mean, scatter }
    }

    /// Pairwise update of mean and scatter: Chan, Golub, LeVeque, *Algorithms for computing the sample
    /// variance*, The American Statistician 1983, equation 2.1.
    fn merged(&self, other: &Self) -> Self {
        let count = self.count + other.count;
        let apart = other.mean - self.mean;
        let share = other.count / count;
        Self {
            bounds: std::array::from_fn(|axis| self.bounds[axis].union(&other.bounds[axis])),
            count,
            mean: self.mean + apart * share,
            scatter: self.scatter + other.scatter + apart * apart.transpose() * (self.count * share),
        }
    }
}

/// The levels of nodes: the first above the leaves, the last with a single node. Empty without leaves.
pub(super) fn levels(leaves: &[Leaf]) -> Vec<Vec<Node>> {
    let mut levels: Vec<Vec<Node>> = Vec::new();
    let mut children: Vec<Summary> = leaves.par_iter().map(Summary::of).collect();
    // Leaves below one child.
    let mut below = 1;
    while children.len() > 1 || (levels.is_empty() && !children.is_empty()) {
        let (nodes, summaries) = children
            .par_chunks(WIDTH)
            .zip(leaves.par_chunks(WIDTH * below))
            .map(|(children, leaves)| parent(children, leaves, below))
            .unzip();
        levels.push(nodes);
        children = summaries;
        below *= WIDTH;
    }
    levels
}

fn parent(children: &[Summary], leaves: &[Leaf], below: usize) -> (Node, Summary) {
    let all = children[1..].iter().fold(children[0], |all, child| all.merged(child));
    let mut node = Node::EMPTY;
    node.axes = own_axes(&all);
    match &node.axes {
        None => {
            for (child, summary) in children.iter().enumerate() {
                node.set(child, &summary.bounds);
            }
        }
        Some(axes) => {
            let slack = slack(&all.bounds);
            let axes = *axes;
            for (child, leaves) in leaves.chunks(below).enumerate() {
                let mut bounds = [Span::EMPTY; 3];
                for point in leaves.iter().flat_map(Leaf::points) {
                    let turned = along(&axes, &point);
                    for axis in 0..3 {
                        bounds[axis].add(turned[axis]);
                    }
                }
                node.set(child, &bounds.map(|span| Span { min: span.min - slack, max: span.max + slack }));
            }
        }
    }
    (node, all)
}

/// The principal axes of points that are thin along one of them; `None` if the axes of space do as well.
fn own_axes(all: &Summary) -> Option<[[f64; 3]; 3]> {
    let size = all.scatter.amax();
    // A scatter that under- or overflows says nothing.
    if !size.is_normal() {
        return None;
    }
    let eigen = SymmetricEigen::new(all.scatter / size);
    let (least, most) = (eigen.eigenvalues.min(), eigen.eigenvalues.max());
    (least < THIN * most).then(|| rows(&eigen.eigenvectors.transpose()))
}
