//! What the pairs so far show: the graph they make, and which of them may place a cloud.

use nalgebra::Isometry3;

use super::answer::Standing;
use super::evidence::edge;
use super::graph::{PoseGraph, PoseGraphSolution, based};
use super::parts::{Parts, bridges};
use super::{Multiway, PoseEdge};
use crate::{Registration, Result};

/// A pair that was registered.
pub(super) struct Tried {
    pub source: usize,
    pub target: usize,
    /// `None` if not a single match was found.
    pub found: Option<Registration>,
    pub was_guessed: bool,
}

/// The graph of the pairs so far, solved, without the edges that are not to be relied on.
pub(super) struct Picture {
    /// What became of every pair.
    pub standings: Vec<Standing>,
    /// First cloud of the part that each is in.
    pub part: Vec<usize>,
    /// Poses in the frame of that cloud.
    pub poses: Vec<Isometry3<f64>>,
    /// Clouds that each is joined with by a pair that is kept.
    pub near: Vec<Vec<usize>>,
    pub solution: PoseGraphSolution,
}

impl Picture {
    pub fn of(clouds: usize, tried: &[Tried], options: &Multiway) -> Result<Self> {
        let made = tried.iter().enumerate().filter_map(|(index, pair)| {
            let found = pair.found.as_ref()?;
            let made = edge(pair.source, pair.target, found, options.max_disagreement)?;
            Some(((index, found.verdict >= options.least_verdict), made))
        });
        let (pairs, edges): (Vec<(usize, bool)>, Vec<PoseEdge>) = made.unzip();
        let graph = PoseGraph { nodes: clouds, edges, ..PoseGraph::default() };
        let solution = graph.solve()?;
        let of_edges = standings(clouds, &graph.edges, &solution.is_kept, |edge| pairs[edge].1);
        let part = Parts::of(clouds, &graph.edges, |edge| of_edges[edge] == Standing::Kept).firsts();
        let mut standings = vec![Standing::Failed; tried.len()];
        for ((pair, _), standing) in pairs.into_iter().zip(of_edges) {
            standings[pair] = standing;
        }
        let mut near = vec![Vec::new(); clouds];
        for (pair, _) in tried.iter().zip(&standings).filter(|&(_, &of)| of == Standing::Kept) {
            near[pair.source].push(pair.target);
            near[pair.target].push(pair.source);
        }
        let poses = based(&solution.part_from_node, &part);
        Ok(Self { standings, part, poses, near, solution })
    }
}

/// What becomes of the edges of a solved graph: one that alone joins two parts may do so if it is sure, and no other that is
/// sure contradicts it. Of two that contradict each other, nothing tells which is wrong.
fn standings(
    nodes: usize,
    edges: &[PoseEdge],
    is_kept: &[bool],
    is_sure: impl Fn(usize) -> bool,
) -> Vec<Standing> {
    let mut standings: Vec<Standing> =
        is_kept.iter().map(|&kept| if kept { Standing::Kept } else { Standing::Outvoted }).collect();
    for bridge in bridges(nodes, edges, is_kept) {
        let apart = Parts::of(nodes, edges, |edge| is_kept[edge] && edge != bridge);
        let sides = |edge: usize| {
            let (a, b) = (apart.first(edges[edge].source), apart.first(edges[edge].target));
            (a.min(b), a.max(b))
        };
        let contradicts = |edge: usize| !is_kept[edge] && is_sure(edge) && sides(edge) == sides(bridge);
        if !is_sure(bridge) || (0..edges.len()).any(contradicts) {
            standings[bridge] = Standing::Unconfirmed;
        }
    }
    standings
}

#[cfg(test)]
mod tests {
    use nalgebra::Matrix6;

    use super::*;
    use Standing::{Kept, Outvoted, Unconfirmed};

    /// Standings of edges given as (source, target, kept, sure).
    fn of(nodes: usize, given: &[(usize, usize, bool, bool)]) -> Vec<Standing> {
        let edge = |&(source, target, ..): &(usize, usize, bool, bool)| {
            PoseEdge::new(source, target, Isometry3::identity(), Matrix6::identity())
        };
        let edges: Vec<PoseEdge> = given.iter().map(edge).collect();
        let is_kept: Vec<bool> = given.iter().map(|one| one.2).collect();
        standings(nodes, &edges, &is_kept, |index| given[index].3)
    }

    #[test]
    fn a_chain_of_sure_edges_holds() {
        assert_eq!(of(3, &[(1, 0, true, true), (2, 1, true, true)]), [Kept, Kept]);
    }

    #[test]
    fn a_doubtful_edge_holds_only_within_a_loop() {
        assert_eq!(of(3, &[(1, 0, true, true), (2, 1, true, false)]), [Kept, Unconfirmed]);
        assert_eq!(
            of(3, &[(1, 0, true, true), (2, 1, true, false), (2, 0, true, false)]),
            [Kept, Kept, Kept]
        );
    }

    #[test]
    fn of_two_sure_edges_that_contradict_each_other_neither_joins() {
        // Cloud 3 to the loop 0, 1, 2, in two ways.
        let ring = [(1, 0, true, true), (2, 1, true, true), (2, 0, true, true)];
        let sure = [&ring[..], &[(3, 0, true, true), (3, 1, false, true)]].concat();
        assert_eq!(of(4, &sure), [Kept, Kept, Kept, Unconfirmed, Outvoted]);
        // One that was doubtful anyway contradicts nothing.
        let doubtful = [&ring[..], &[(3, 0, true, true), (3, 1, false, false)]].concat();
        assert_eq!(of(4, &doubtful), [Kept, Kept, Kept, Kept, Outvoted]);
        // Two that agree outvote one.
        let outvoted = [&ring[..], &[(3, 0, true, true), (3, 2, true, true), (3, 1, false, true)]].concat();
        assert_eq!(of(4, &outvoted), [Kept, Kept, Kept, Kept, Kept, Outvoted]);
    }
}
