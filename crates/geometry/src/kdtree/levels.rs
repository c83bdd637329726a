//! Nodes above the leaves, level by level.

use nalgebra::{Matrix3, SymmetricEigen, Vector3};
use rayon::prelude::*;

use super::leaf::{LEAF, Leaf, NONE};
use super::node::{Node, Span, WIDTH, rows, slack, turned};

/// A node gets its own axes where its points spread this much less along one of them than along any axis of
/// space: ratio of variances. Those of walls and floors that stand straight are thin as they are.
const SLANTED: f64 = 0.02;

/// What a parent asks of a child: where it is, and how it spreads.
#[derive(Clone, Copy)]
struct Summary {
    bounds: [Span; 3],
    /// Lowest index.
    first: u32,
    count: f64,
    mean: Vector3<f64>,
    /// Sum of (p − mean)(p − mean)ᵀ.
    scatter: Matrix3<f64>,
}

impl Summary {
    fn of(leaf: &Leaf) -> Self {
        let len = leaf.len();
        let first = leaf.point(0).coords;
        // Relative to a point of the leaf, so that coordinates far away cost no digits.
        let mut offsets = [[0.0; LEAF]; 3];
        for axis in 0..3 {
            for place in 0..LEAF {
                let offset = leaf.position[axis][place] - first[axis];
                offsets[axis][place] = if place < len { offset } else { 0.0 };
            }
        }
        let count = len as f64;
        let mean = Vector3::from(offsets.map(|row| sum(&row) / count));
        let product = |a: usize, b: usize| {
            let products = std::array::from_fn(|place| offsets[a][place] * offsets[b][place]);
            sum(&products) - count * mean[a] * mean[b]
        };
        let (xy, xz, yz) = (product(0, 1), product(0, 2), product(1, 2));
        let scatter = Matrix3::new(product(0, 0), xy, xz, xy, product(1, 1), yz, xz, yz, product(2, 2));
        let lowest = leaf.index.iter().fold(NONE, |lowest, &index| lowest.min(index));
        Self { bounds: spans(&leaf.position, len), first: lowest, count, mean: first + mean, scatter }
    }

    /// Pairwise update of mean and scatter: Chan, Golub, LeVeque, *Algorithms for computing the sample
    /// variance*, The American Statistician 1983, equation 2.1.
    fn merged(&self, other: &Self) -> Self {
        let count = self.count + other.count;
        let apart = other.mean - self.mean;
        let share = other.count / count;
        Self {
            bounds: union(&self.bounds, &other.bounds),
            first: self.first.min(other.first),
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
    let mut node = Node { axes: own_axes(&all), ..Node::EMPTY };
    for (first, child) in node.first.iter_mut().zip(children) {
        *first = child.first;
    }
    match node.axes {
        None => {
            for (child, summary) in children.iter().enumerate() {
                node.set(child, &summary.bounds);
            }
        }
        Some(axes) => {
            let slack = slack(&all.bounds);
            for (child, leaves) in leaves.chunks(below).enumerate() {
                let bounds = leaves.iter().map(|leaf| spans(&turned(&axes, &leaf.position), leaf.len()));
                let bounds = bounds.fold([Span::EMPTY; 3], |all, leaf| union(&all, &leaf));
                node.set(child, &bounds.map(|span| Span { min: span.min - slack, max: span.max + slack }));
            }
        }
    }
    (node, all)
}

fn union(a: &[Span; 3], b: &[Span; 3]) -> [Span; 3] {
    std::array::from_fn(|axis| a[axis].union(&b[axis]))
}

/// Where the first points of a leaf are.
fn spans(position: &[[f64; LEAF]; 3], len: usize) -> [Span; 3] {
    position.each_ref().map(|row| {
        let mut span = Span::EMPTY;
        row[..len].iter().for_each(|&value| span.add(value));
        span
    })
}

/// In four parts at once.
fn sum(row: &[f64; LEAF]) -> f64 {
    let mut parts = [0.0; 4];
    for place in 0..LEAF {
        parts[place % 4] += row[place];
    }
    (parts[0] + parts[2]) + (parts[1] + parts[3])
}

/// The principal axes of points; `None` if the axes of space do as well.
fn own_axes(all: &Summary) -> Option<[[f64; 3]; 3]> {
    let size = all.scatter.amax();
    // A scatter that under- or overflows says nothing.
    if !size.is_normal() {
        return None;
    }
    let eigen = SymmetricEigen::new(all.scatter / size);
    let straight = all.scatter.diagonal().min() / size;
    (eigen.eigenvalues.min() < SLANTED * straight).then(|| rows(&eigen.eigenvectors.transpose()))
}
