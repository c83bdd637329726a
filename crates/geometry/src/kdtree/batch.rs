//! Many queries at once: in parallel, eight neighbouring ones together, answers in query order.

use std::borrow::Cow;

use nalgebra::{Isometry3, Point3};
use rayon::prelude::*;

use super::gather::{Drained, KNearest, Within};
#[cfg(feature = "gpu")]
use super::gpu::{self, Sought};
use super::leaf::{LEAF, Leaf, NONE};
use super::neighbors::Lists;
use super::node::WIDTH;
use super::packet::{Packet, Seeds};
use super::score::{Plain, Score};
use super::search::{lowest, lowest_k, lowest_within, squared_limit};
use super::{KdTree, Neighbor, Neighbors, build, places};
use crate::{Backend, Result};

/// Leaves of queries that one task searches. Fixed: answers do not depend on it, allocations do.
const CHUNK: usize = 32;

/// Queries of one task; the last may have fewer.
pub(super) const TASK: usize = CHUNK * LEAF;

/// The points to search for: a slice, or another tree, whose points are grouped in space already.
///
/// Queries that lie close together share their way down the tree. A slice is grouped first, which costs
/// about a third of the search itself; where the same points are searched for again and again, such as a
/// moving source, a tree over them saves that.
#[derive(Debug, Clone)]
pub struct Queries<'a> {
    pub(super) leaves: Cow<'a, [Leaf]>,
    pub(super) places: Cow<'a, [u32]>,
}

impl<'a> From<&'a KdTree> for Queries<'a> {
    fn from(tree: &'a KdTree) -> Self {
        Self { leaves: Cow::Borrowed(&tree.leaves), places: Cow::Borrowed(tree.places()) }
    }
}

impl<'a> From<&'a [Point3<f64>]> for Queries<'a> {
    fn from(points: &'a [Point3<f64>]) -> Self {
        let leaves = build::leaves(points);
        let places = places(&leaves, points.len());
        Self { leaves: Cow::Owned(leaves), places: Cow::Owned(places) }
    }
}

impl<'a> From<&'a Vec<Point3<f64>>> for Queries<'a> {
    fn from(points: &'a Vec<Point3<f64>>) -> Self {
        points.as_slice().into()
    }
}

/// What is known before a search over many queries.
///
/// ```
/// use barrow_geometry::{BatchSearch, KdTree};
/// use nalgebra::Point3;
///
/// let tree = KdTree::new(&[Point3::origin(), Point3::new(3.0, 0.0, 0.0)]);
/// let queries = [Point3::new(2.9, 0.0, 0.0), Point3::new(9.0, 0.0, 0.0)];
/// let search = BatchSearch { max_distance: 1.0, ..Default::default() };
/// let found = tree.nearest_all(&queries[..], &search);
/// assert_eq!(found[0].unwrap().index, 1);
/// assert!(found[1].is_none());
/// ```
#[derive(Debug, Clone, Copy)]
pub struct BatchSearch<'a> {
    /// Points farther than this \[m\] are not found; infinite by default. Nothing is found if it is NaN or
    /// negative.
    pub max_distance: f64,
    /// For every query the index of a point that is probably close, such as the answer for the last pose.
    /// Changes how soon the answer comes, never the answer. An index of no point is no guess.
    pub guesses: Option<&'a [usize]>,
    /// Moves the queries before they are searched for.
    pub pose: Option<Isometry3<f64>>,
}

impl Default for BatchSearch<'_> {
    fn default() -> Self {
        Self { max_distance: f64::INFINITY, guesses: None, pose: None }
    }
}

impl KdTree {
    /// The nearest point for every query, in query order; `None` where there is none within the distance.
    ///
    /// # Determinism
    /// The same bits as [`nearest`](Self::nearest) for every query, on any number of threads.
    pub fn nearest_all<'q>(
        &self,
        queries: impl Into<Queries<'q>>,
        search: &BatchSearch,
    ) -> Vec<Option<Neighbor>> {
        let queries = queries.into();
        let found = self.lowest_in_order(&queries, search, squared_limit(search.max_distance), &Plain);
        found.into_par_iter().map(|row| (row.1 != NONE).then(|| Neighbor::from_score(row))).collect()
    }

    /// The `k` nearest points for every query, in query order, the nearest first.
    ///
    /// # Determinism
    /// The same bits as [`nearest_k`](Self::nearest_k) for every query, on any number of threads.
    pub fn nearest_k_all<'q>(
        &self,
        queries: impl Into<Queries<'q>>,
        k: usize,
        search: &BatchSearch,
    ) -> Neighbors {
        let limit = squared_limit(search.max_distance);
        self.lowest_k_all(queries.into(), k, search, limit, &Plain, Neighbor::from_score)
    }

    /// What a function makes of every query's index and its `k` nearest points, in query order.
    ///
    /// As [`nearest_k_all`](Self::nearest_k_all), without keeping the lists: for a normal, a spacing, a
    /// density.
    pub fn nearest_k_map<'q, T: Copy + Send + Sync>(
        &self,
        queries: impl Into<Queries<'q>>,
        k: usize,
        search: &BatchSearch,
        map: impl Fn(usize, &[Neighbor]) -> T + Sync,
    ) -> Vec<T> {
        let queries = queries.into();
        let limit = squared_limit(search.max_distance);
        // Rows of a task, and room for one list.
        let tasks = self.k_lists(
            &queries,
            k,
            search,
            limit,
            &Plain,
            |task: &mut (Vec<T>, Vec<Neighbor>), query, found| {
                let (rows, list) = task;
                list.clear();
                list.extend(found.map(Neighbor::from_score));
                rows.push(map(query, list));
            },
        );
        let row = |(query, &place): (usize, &u32)| match place {
            NONE => map(query, &[]),
            place => tasks[place as usize / TASK].0[place as usize % TASK],
        };
        queries.places.par_iter().enumerate().map(row).collect()
    }

    /// The points within a distance for every query, in query order, the nearest first.
    ///
    /// The distance is the search's `max_distance`, its surface included; infinite, it finds everything.
    ///
    /// # Determinism
    /// The same bits as [`within`](Self::within) for every query, on any number of threads.
    pub fn within_all<'q>(&self, queries: impl Into<Queries<'q>>, search: &BatchSearch) -> Neighbors {
        let queries = queries.into();
        let limit = squared_limit(search.max_distance);
        let tasks = in_chunks(&queries, |leaves| {
            let mut lists = Lists::default();
            let mut gather = Within::new();
            for (mut packet, index) in packets(leaves, search, limit) {
                lowest_within(self, &mut packet, &mut gather);
                for lane in 0..index.len() {
                    lists.push(gather.answer(lane).map(Neighbor::from_score));
                }
            }
            lists
        });
        Neighbors { places: queries.places.into_owned(), tasks, lists: TASK }
    }

    /// Nearest distances and indices of all queries, in two lean columns; all queries must be usable and
    /// the tree must have points.
    pub(crate) fn nearest_columns<'q>(&self, queries: impl Into<Queries<'q>>) -> (Vec<f64>, Vec<u32>) {
        let queries = queries.into();
        let found = self.lowest_in_order(&queries, &BatchSearch::default(), f64::MAX, &Plain);
        found.into_par_iter().unzip()
    }

    /// As [`nearest_columns`](Self::nearest_columns), with the same bits, wherever that runs.
    pub(crate) fn nearest_columns_on<'q>(
        &self,
        queries: impl Into<Queries<'q>>,
        backend: &Backend,
    ) -> Result<(Vec<f64>, Vec<u32>)> {
        let queries = queries.into();
        match backend {
            Backend::Cpu => Ok(self.nearest_columns(queries)),
            #[cfg(feature = "gpu")]
            Backend::Gpu(device) => {
                let sought = Sought { tree: self, weighted: None };
                let Some(found) = gpu::lowest_k(sought, &queries, 1, device)? else {
                    return Ok(self.nearest_columns(queries));
                };
                let row = |&place: &u32| if place == NONE { NOTHING } else { found.rows[place as usize] };
                Ok(queries.places.par_iter().map(row).unzip())
            }
        }
    }

    /// The lowest score and its index for every query, in query order; index [`NONE`] where there is none.
    pub(super) fn lowest_in_order(
        &self,
        queries: &Queries,
        search: &BatchSearch,
        limit: f64,
        score: &impl Score,
    ) -> Vec<(f64, u32)> {
        let chunks = in_chunks(queries, |leaves| {
            let mut rows = Vec::with_capacity(leaves.len() * LEAF);
            let mut seeds = Seeds::none();
            for (mut packet, index) in packets(leaves, search, limit) {
                if let Some(guesses) = search.guesses {
                    self.lower_limits(&mut packet, index, guesses, score);
                }
                let found = lowest(self, &mut packet, score, &mut seeds);
                rows.extend((0..index.len()).map(|lane| found.answer(lane).unwrap_or(NOTHING)));
            }
            rows
        });
        let row = |&place: &u32| match place {
            NONE => NOTHING,
            place => chunks[place as usize / TASK][place as usize % TASK],
        };
        queries.places.par_iter().map(row).collect()
    }

    /// Lowers the limits of queries to the scores of the points that were guessed for them.
    fn lower_limits(&self, packet: &mut Packet, index: &[u32], guesses: &[usize], score: &impl Score) {
        for (lane, &query) in index.iter().enumerate() {
            let Some(&guess) = guesses.get(query as usize) else { continue };
            let Some(point) = self.point(guess) else { continue };
            let bound = score.of_point(packet.distance_squared(lane, &point), self.places()[guess] as usize);
            packet.limits[lane] = packet.limits[lane].min(bound);
        }
    }

    /// The `k` lowest scores of every query, in query order.
    pub(super) fn lowest_k_all<T: Copy + Send + Sync>(
        &self,
        queries: Queries,
        k: usize,
        search: &BatchSearch,
        limit: f64,
        score: &impl Score,
        answer: impl Fn((f64, u32)) -> T + Sync,
    ) -> Neighbors<T> {
        let push = |lists: &mut Lists<T>, _, found: Drained| lists.push(found.map(&answer));
        let tasks = self.k_lists(&queries, k, search, limit, score, push);
        Neighbors { places: queries.places.into_owned(), tasks, lists: TASK }
    }

    /// Hands every query's index and its `k` lowest scores to its task, in the order of leaves.
    fn k_lists<T: Default + Send>(
        &self,
        queries: &Queries,
        k: usize,
        search: &BatchSearch,
        limit: f64,
        score: &impl Score,
        push: impl Fn(&mut T, usize, Drained) + Send + Sync,
    ) -> Vec<T> {
        let k = k.min(self.len);
        in_chunks(queries, |leaves| {
            let (mut task, mut gather) = (T::default(), KNearest::new(k));
            for (mut packet, index) in packets(leaves, search, limit) {
                if k > 0 {
                    lowest_k(self, &mut packet, score, &mut gather);
                }
                for (lane, &query) in index.iter().enumerate() {
                    push(&mut task, query as usize, gather.answer(lane));
                }
            }
            task
        })
    }
}

/// No point was found.
pub(super) const NOTHING: (f64, u32) = (f64::INFINITY, NONE);

fn in_chunks<T: Send>(queries: &Queries, search: impl Fn(&[Leaf]) -> T + Send + Sync) -> Vec<T> {
    queries.leaves.par_chunks(CHUNK).map(search).collect()
}

/// The queries of some leaves in packets of eight, each with the indices of its queries.
///
/// Every leaf but the very last is full, so that answers written lane after lane stay at their places.
fn packets<'a>(
    leaves: &'a [Leaf],
    search: &'a BatchSearch,
    limit: f64,
) -> impl Iterator<Item = (Packet, &'a [u32])> + 'a {
    let halves = leaves.iter().flat_map(|leaf| [(leaf, 0), (leaf, WIDTH)]);
    halves.filter_map(move |(leaf, first)| {
        let count = leaf.len().saturating_sub(first).min(WIDTH);
        let mut packet = Packet::EMPTY;
        for axis in 0..3 {
            packet.position[axis].copy_from_slice(&leaf.position[axis][first..first + WIDTH]);
            // Empty lanes repeat the first query: they must not widen the box around all.
            let start = packet.position[axis][0];
            packet.position[axis][count..].fill(start);
        }
        packet.limits[..count].fill(limit);
        if let Some(pose) = &search.pose {
            packet.move_by(pose);
        }
        (count > 0).then(|| (packet, &leaf.index[first..first + count]))
    })
}
