//! Neighbours by distance minus a weight: what optimal transport asks for.

use nalgebra::Point3;
use rayon::prelude::*;

use super::batch::{BatchSearch, Queries};
use super::gather::KNearest;
#[cfg(feature = "gpu")]
use super::gpu::{self, Sought};
use super::leaf::{LEAF, NONE};
use super::node::{Around, Lanes, Node, Span, WIDTH, turned_back, turned_one};
use super::packet::Packet;
use super::score::{At, Score};
use super::search::{lowest_k, lowest_of_one};
use super::slopes::{Slopes, slopes};
use super::{KdTree, Neighbors};
use crate::{Backend, Cost, Error, Result};

/// A point of the tree and what it costs a query beyond the point's weight.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ReducedCost {
    /// Index into the points that the tree was built from.
    pub index: usize,
    /// c(x, y) − g \[m² or m, as the cost\]. Negative if the weight is larger than the cost.
    pub value: f64,
}

impl ReducedCost {
    fn from_score((value, index): (f64, u32)) -> Self {
        Self { index: index as usize, value }
    }
}

/// A [`KdTree`] whose points weigh: finds min_j c(x, y_j) − g_j.
///
/// With c(x, y) = |x − y|² the points are the cells of a power diagram, with c(x, y) = |x − y| those of an
/// additively weighted Voronoi diagram. The minimum over j is the c-transform of g at x, the dual of
/// optimal transport; a tight lower bound on a transport cost is a sum of such minima.
///
/// A node is passed over when the cost to its box minus the largest weight inside is above the best so
/// far. Rounding is monotone, so the answer is exactly what a scan with the same formula finds; of several
/// at the same value the lowest index wins. Where the weights of |x − y|² are steep, as those of transport
/// to a place elsewhere, an affine function bounds them in place of the largest.
///
/// # References
/// Aurenhammer, *Power diagrams*, SIAM Journal on Computing 1987; Peyré, Cuturi, *Computational optimal
/// transport*, 2019, section 5.1 (c-transforms).
///
/// ```
/// use barrow_geometry::{Cost, KdTree};
/// use nalgebra::Point3;
///
/// let tree = KdTree::new(&[Point3::origin(), Point3::new(3.0, 0.0, 0.0)]);
/// let weighted = tree.weighted(&[4.0, 0.0], Cost::SquaredEuclidean)?;
/// // 2² − 4 against 1² − 0: the point farther away wins.
/// let lowest = weighted.lowest(&Point3::new(2.0, 0.0, 0.0)).unwrap();
/// assert_eq!((lowest.index, lowest.value), (0, 0.0));
/// # Ok::<(), barrow_geometry::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct WeightedKdTree<'a> {
    pub(super) tree: &'a KdTree,
    pub(super) cost: Cost,
    /// Weights of the points, leaf by leaf.
    pub(super) weights: Vec<[f64; LEAF]>,
    /// Largest weights below the children of every node, level by level.
    largest: Vec<Vec<[f64; WIDTH]>>,
    /// More about the weights below every node, where the largest say too little.
    slopes: Option<Vec<Vec<Slopes>>>,
}

impl KdTree {
    /// The tree with one weight per point, in the unit of the cost.
    ///
    /// A weight of −∞ takes a point out. Costs one pass over the points, far less than building the tree.
    ///
    /// # Errors
    /// [`Error::ColumnLength`] unless there is a weight for every point, [`Error::InvalidPotential`] if one
    /// is NaN or +∞.
    pub fn weighted(&self, weights: &[f64], cost: Cost) -> Result<WeightedKdTree<'_>> {
        if weights.len() != self.len {
            return Err(Error::ColumnLength { column: "weights", expected: self.len, got: weights.len() });
        }
        if let Some(index) = weights.iter().position(|weight| weight.is_nan() || *weight == f64::INFINITY) {
            return Err(Error::InvalidPotential { index, got: weights[index] });
        }
        let weight = |&index: &u32| if index == NONE { f64::NEG_INFINITY } else { weights[index as usize] };
        let weights: Vec<[f64; LEAF]> =
            self.leaves.par_iter().map(|leaf| leaf.index.each_ref().map(weight)).collect();
        let mut below: Vec<f64> = weights.par_iter().map(|row| highest(row)).collect();
        let mut largest = Vec::with_capacity(self.levels.len());
        for _ in &self.levels {
            let level: Vec<[f64; WIDTH]> = below.par_chunks(WIDTH).map(children).collect();
            below = level.par_iter().map(|row| highest(row)).collect();
            largest.push(level);
        }
        let slopes = (cost == Cost::SquaredEuclidean).then(|| slopes(self, &weights)).flatten();
        Ok(WeightedKdTree { tree: self, cost, weights, largest, slopes })
    }
}

fn highest(row: &[f64]) -> f64 {
    row.iter().copied().fold(f64::NEG_INFINITY, f64::max)
}

fn children(some: &[f64]) -> [f64; WIDTH] {
    std::array::from_fn(|child| some.get(child).copied().unwrap_or(f64::NEG_INFINITY))
}

impl WeightedKdTree<'_> {
    /// The point with the lowest reduced cost; `None` if there is no point with a weight above −∞.
    pub fn lowest(&self, query: &Point3<f64>) -> Option<ReducedCost> {
        let mut packet = Packet::single(query, f64::MAX)?;
        let found = match (self.cost, &self.slopes) {
            (Cost::Euclidean, _) => lowest_of_one(self.tree, &mut packet, &Unsquared(self)),
            (_, None) => lowest_of_one(self.tree, &mut packet, &Squared(self)),
            (_, Some(slopes)) => lowest_of_one(self.tree, &mut packet, &Steep(self, slopes)),
        };
        found.map(ReducedCost::from_score)
    }

    /// The `k` points with the lowest reduced costs, by increasing value, then index.
    pub fn lowest_k(&self, query: &Point3<f64>, k: usize) -> Vec<ReducedCost> {
        let k = k.min(self.tree.len);
        let Some(mut packet) = Packet::single(query, f64::MAX).filter(|_| k > 0) else { return Vec::new() };
        let mut gather = KNearest::new(k);
        match (self.cost, &self.slopes) {
            (Cost::Euclidean, _) => lowest_k(self.tree, &mut packet, &Unsquared(self), &mut gather),
            (_, None) => lowest_k(self.tree, &mut packet, &Squared(self), &mut gather),
            (_, Some(slopes)) => lowest_k(self.tree, &mut packet, &Steep(self, slopes), &mut gather),
        }
        gather.answer(0).map(ReducedCost::from_score).collect()
    }

    /// [`lowest`](Self::lowest) for many queries, in parallel, in query order.
    ///
    /// `guesses` are indices of points that are probably the answer, such as those for slightly other
    /// weights; they change how soon the answer comes, never the answer.
    pub fn lowest_all<'q>(
        &self,
        queries: impl Into<Queries<'q>>,
        guesses: Option<&[usize]>,
    ) -> Vec<Option<ReducedCost>> {
        let queries = queries.into();
        let search = BatchSearch { guesses, ..BatchSearch::default() };
        let (tree, limit) = (self.tree, f64::MAX);
        let found = match (self.cost, &self.slopes) {
            (Cost::Euclidean, _) => tree.lowest_in_order(&queries, &search, limit, &Unsquared(self)),
            (_, None) => tree.lowest_in_order(&queries, &search, limit, &Squared(self)),
            (_, Some(slopes)) => tree.lowest_in_order(&queries, &search, limit, &Steep(self, slopes)),
        };
        found.into_par_iter().map(|row| (row.1 != NONE).then(|| ReducedCost::from_score(row))).collect()
    }

    /// [`lowest_k`](Self::lowest_k) for many queries, in parallel, in query order.
    pub fn lowest_k_all<'q>(&self, queries: impl Into<Queries<'q>>, k: usize) -> Neighbors<ReducedCost> {
        let (queries, search) = (queries.into(), BatchSearch::default());
        let (tree, limit, answer) = (self.tree, f64::MAX, ReducedCost::from_score);
        match (self.cost, &self.slopes) {
            (Cost::Euclidean, _) => tree.lowest_k_all(queries, k, &search, limit, &Unsquared(self), answer),
            (_, None) => tree.lowest_k_all(queries, k, &search, limit, &Squared(self), answer),
            (_, Some(slopes)) => tree.lowest_k_all(queries, k, &search, limit, &Steep(self, slopes), answer),
        }
    }

    /// [`lowest_k_all`](Self::lowest_k_all), with the same bits, wherever it runs.
    ///
    /// A device lists for every query a few points more than `k`, and proves that no other is among the `k` lowest;
    /// which of them are, is decided in `f64`. Queries for which that proof fails, those with many points nearly tied or
    /// with weights so large that single precision cannot tell costs apart, are searched for on the processor; so are
    /// all where `k` is above 16.
    ///
    /// # Errors
    /// What can go wrong on a device.
    ///
    /// ```
    /// use barrow_geometry::{Backend, Cost, Gpu, KdTree};
    /// use nalgebra::Point3;
    ///
    /// let points = [Point3::origin(), Point3::new(3.0, 0.0, 0.0)];
    /// let tree = KdTree::new(&points);
    /// let weighted = tree.weighted(&[4.0, 0.0], Cost::SquaredEuclidean)?;
    /// let backend = Gpu::open().map_or(Backend::Cpu, Backend::Gpu);
    /// let lowest = weighted.lowest_k_all_on(&tree, 2, &backend)?;
    /// assert_eq!((lowest.of(0)[0].value, lowest.of(1)[0].value), (-4.0, 0.0));
    /// # Ok::<(), barrow_geometry::Error>(())
    /// ```
    pub fn lowest_k_all_on<'q>(
        &self,
        queries: impl Into<Queries<'q>>,
        k: usize,
        backend: &Backend,
    ) -> Result<Neighbors<ReducedCost>> {
        let queries = queries.into();
        match backend {
            Backend::Cpu => Ok(self.lowest_k_all(queries, k)),
            #[cfg(feature = "gpu")]
            Backend::Gpu(device) => {
                let sought = Sought { tree: self.tree, weighted: Some(self) };
                Ok(match gpu::lowest_k(sought, &queries, k, device)? {
                    Some(found) => found.into_lists(queries, k.min(self.tree.len), ReducedCost::from_score),
                    None => self.lowest_k_all(queries, k),
                })
            }
        }
    }

    /// Largest weights below the children of a node.
    #[inline(always)]
    fn largest_of(&self, at: At) -> &[f64; WIDTH] {
        &self.largest[at.level][at.node]
    }
}

/// Reduced costs from costs.
#[inline(always)]
fn minus<const N: usize>(mut costs: [f64; N], weights: &[f64; N]) -> [f64; N] {
    for place in 0..N {
        costs[place] -= weights[place];
    }
    costs
}

/// |x − y|² − g.
struct Squared<'a>(&'a WeightedKdTree<'a>);

impl Score for Squared<'_> {
    #[inline(always)]
    fn of_children(&self, node: &Node, queries: &Around, at: At) -> [f64; WIDTH] {
        minus(node.distances_squared(&queries.bounds), self.0.largest_of(at))
    }
    #[inline(always)]
    fn of_lanes(&self, node: &Node, queries: &Lanes, at: At, child: usize, _: bool) -> [f64; WIDTH] {
        let largest = self.0.largest_of(at)[child];
        minus(node.lane_distances_squared(child, queries), &[largest; WIDTH])
    }
    #[inline(always)]
    fn of_points(&self, distances_squared: [f64; LEAF], leaf: usize) -> [f64; LEAF] {
        minus(distances_squared, &self.0.weights[leaf])
    }
    #[inline(always)]
    fn of_point(&self, distance_squared: f64, place: usize) -> f64 {
        distance_squared - self.0.weights[place / LEAF][place % LEAF]
    }
}

/// |x − y|² − g where weights are steep.
struct Steep<'a>(&'a WeightedKdTree<'a>, &'a [Vec<Slopes>]);

impl Score for Steep<'_> {
    const STEEP: bool = true;
    /// Care costs half as much again, and points at one place are as rare as everywhere.
    const PATIENCE: u32 = 1000;

    #[inline(always)]
    fn of_children(&self, _: &Node, queries: &Around, at: At) -> [f64; WIDTH] {
        self.1[at.level][at.node].of_children(queries)
    }
    /// The careful look at ties, which only the bound by the largest weight meets to the last bit.
    #[inline(always)]
    fn of_lanes(&self, node: &Node, queries: &Lanes, at: At, child: usize, careful: bool) -> [f64; WIDTH] {
        let mut bounds = self.1[at.level][at.node].of_lanes(child, queries);
        if careful {
            let flat = Squared(self.0).of_lanes(node, queries, at, child, careful);
            for lane in 0..WIDTH {
                bounds[lane] = if flat[lane] > bounds[lane] { flat[lane] } else { bounds[lane] };
            }
        }
        bounds
    }
    #[inline(always)]
    fn of_points(&self, distances_squared: [f64; LEAF], leaf: usize) -> [f64; LEAF] {
        Squared(self.0).of_points(distances_squared, leaf)
    }
    #[inline(always)]
    fn of_point(&self, distance_squared: f64, place: usize) -> f64 {
        Squared(self.0).of_point(distance_squared, place)
    }
    /// The slope of the weights where the way down ends that takes the lowest bound on every level.
    #[inline(always)]
    fn tilt(&self, tree: &KdTree, at: &[f64; 3]) -> [f64; 3] {
        let mut node = 0;
        let mut tilt = [0.0; 3];
        for level in (0..tree.levels.len()).rev() {
            let (here, slopes) = (&tree.levels[level][node], &self.1[level][node]);
            let own = here.axes.as_ref().map_or(*at, |axes| turned_one(axes, at));
            let bounds = slopes.of_children(&Around { middle: own, ..Around::new(own.map(Span::at)) });
            let mut lowest = 0;
            for child in 1..WIDTH {
                lowest = if bounds[child] < bounds[lowest] { child } else { lowest };
            }
            let slope = slopes.slope(lowest);
            tilt = here.axes.as_ref().map_or(slope, |axes| turned_back(axes, &slope));
            node = node * WIDTH + lowest;
            // Nothing below, not even a child.
            if bounds[lowest] == f64::INFINITY {
                break;
            }
        }
        tilt
    }
}

/// |x − y| − g. The root is rounded correctly and so monotone too.
struct Unsquared<'a>(&'a WeightedKdTree<'a>);

impl Score for Unsquared<'_> {
    #[inline(always)]
    fn of_children(&self, node: &Node, queries: &Around, at: At) -> [f64; WIDTH] {
        minus(roots(node.distances_squared(&queries.bounds)), self.0.largest_of(at))
    }
    #[inline(always)]
    fn of_lanes(&self, node: &Node, queries: &Lanes, at: At, child: usize, _: bool) -> [f64; WIDTH] {
        let largest = self.0.largest_of(at)[child];
        minus(roots(node.lane_distances_squared(child, queries)), &[largest; WIDTH])
    }
    #[inline(always)]
    fn of_points(&self, distances_squared: [f64; LEAF], leaf: usize) -> [f64; LEAF] {
        minus(roots(distances_squared), &self.0.weights[leaf])
    }
    #[inline(always)]
    fn of_point(&self, distance_squared: f64, place: usize) -> f64 {
        distance_squared.sqrt() - self.0.weights[place / LEAF][place % LEAF]
    }
}

#[inline(always)]
fn roots<const N: usize>(mut values: [f64; N]) -> [f64; N] {
    for value in &mut values {
        *value = value.sqrt();
    }
    values
}
