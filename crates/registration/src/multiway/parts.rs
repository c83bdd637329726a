//! What hangs together: parts of a graph, its most trusted tree, and edges that nothing else stands in for.

use nalgebra::Isometry3;

use super::edge::PoseEdge;

/// Sets of nodes that grow together.
#[derive(Debug, Clone)]
pub(super) struct Parts {
    parents: Vec<usize>,
}

impl Parts {
    /// Every node for itself.
    pub fn new(nodes: usize) -> Self {
        Self { parents: (0..nodes).collect() }
    }

    /// Parts of a graph of which some edges are used.
    pub fn of(nodes: usize, edges: &[PoseEdge], is_used: impl Fn(usize) -> bool) -> Self {
        let mut parts = Self::new(nodes);
        for (_, edge) in edges.iter().enumerate().filter(|(index, _)| is_used(*index)) {
            parts.join(edge.source, edge.target);
        }
        parts
    }

    /// The first node of the part that a node is in.
    pub fn first(&self, mut node: usize) -> usize {
        while self.parents[node] != node {
            node = self.parents[node];
        }
        node
    }

    /// Joins two parts; `false` if they are one already.
    pub fn join(&mut self, a: usize, b: usize) -> bool {
        let (a, b) = (self.first(a), self.first(b));
        let first = a.min(b);
        for node in [a, b] {
            self.parents[node] = first;
        }
        a != b
    }

    /// For every node the first one of its part.
    pub fn firsts(&self) -> Vec<usize> {
        (0..self.parents.len()).map(|node| self.first(node)).collect()
    }
}

/// Edges at every node, as (other node, edge).
pub(super) fn adjacency(nodes: usize, edges: &[PoseEdge]) -> Vec<Vec<(usize, usize)>> {
    let mut near = vec![Vec::new(); nodes];
    for (index, edge) in edges.iter().enumerate() {
        near[edge.source].push((edge.target, index));
        near[edge.target].push((edge.source, index));
    }
    near
}

/// The pose `other_from_node` that an edge at a node measures.
fn outward(edge: &PoseEdge, node: usize) -> Isometry3<f64> {
    if edge.source == node { edge.target_from_source } else { edge.target_from_source.inverse() }
}

/// Poses along a spanning tree of the most trusted edges, in the frame of the first node of each part.
///
/// An edge that closes triangles is trusted more, once for each: a wrong one hardly ever closes any.
pub(super) fn spanning_poses(nodes: usize, edges: &[PoseEdge]) -> Vec<Isometry3<f64>> {
    let near = adjacency(nodes, edges);
    let mut trusted: Vec<(f64, usize)> = edges
        .iter()
        .enumerate()
        .map(|(index, edge)| (edge.trust * (1 + closed_triangles(edge, edges, &near)) as f64, index))
        .collect();
    trusted.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    let mut parts = Parts::new(nodes);
    let mut is_in_tree = vec![false; edges.len()];
    for (_, index) in trusted {
        is_in_tree[index] = parts.join(edges[index].source, edges[index].target);
    }
    let mut poses: Vec<Option<Isometry3<f64>>> = vec![None; nodes];
    for first in 0..nodes {
        if poses[first].is_some() {
            continue;
        }
        poses[first] = Some(Isometry3::identity());
        let mut reached = vec![(first, Isometry3::identity())];
        while let Some((node, pose)) = reached.pop() {
            for &(other, index) in near[node].iter().filter(|(_, index)| is_in_tree[*index]) {
                if poses[other].is_none() {
                    let mut pose = pose * outward(&edges[index], node).inverse();
                    pose.rotation.renormalize();
                    poses[other] = Some(pose);
                    reached.push((other, pose));
                }
            }
        }
    }
    poses.into_iter().map(Option::unwrap_or_default).collect()
}

/// Number of nodes over which two other edges lead to what this one measures.
fn closed_triangles(edge: &PoseEdge, edges: &[PoseEdge], near: &[Vec<(usize, usize)>]) -> usize {
    let closes = |&(middle, first): &(usize, usize)| {
        middle != edge.target
            && near[middle].iter().any(|&(end, second)| {
                let around = || outward(&edges[second], middle) * outward(&edges[first], edge.source);
                end == edge.target
                    && edge.squared(&edge.disagreement(&around(), &Isometry3::identity())).sqrt()
                        <= edge.limit
            })
    };
    near[edge.source].iter().filter(|near| closes(near)).count()
}

/// Used edges without which their part falls in two.
pub(super) fn bridges(nodes: usize, edges: &[PoseEdge], is_used: &[bool]) -> Vec<usize> {
    let whole = Parts::of(nodes, edges, |index| is_used[index]);
    let stands_alone = |&index: &usize| {
        let others = Parts::of(nodes, edges, |other| is_used[other] && other != index);
        let (a, b) = (edges[index].source, edges[index].target);
        whole.first(a) == whole.first(b) && others.first(a) != others.first(b)
    };
    (0..edges.len()).filter(|&index| is_used[index]).filter(stands_alone).collect()
}
