//! Matches by transport along lines: sorts in place of a plan.

use std::sync::Arc;

use barrow_geometry::{Directions, Sliced};
use nalgebra::{Isometry3, Matrix3, Point3, Unit, Vector3};
use rayon::prelude::*;

use crate::annealing::Annealing;
use crate::global::Feature;
use crate::surface::Surface;
use crate::transport::weight;
use crate::{Correspondence, Matcher, Result};

/// Ratio of successive blurs; one pose step is taken at each.
const COOLING: f64 = 0.8;

/// Lines on which a match is made.
const LINES: usize = 64;

/// Directions of length one that make one in the space of looks.
const PARTS: usize = 11;

/// Pairs every source point with the place that sorting along many lines moves it to.
///
/// Points have a place and a look, (T x_i / blur, φ_i / τ), φ and τ as in [`JointMatcher`](crate::joint::JointMatcher). On each line through
/// that space the source is matched with the target quantile by quantile, which is optimal transport there, and says of every source point how
/// far it is to go along the line's direction in space,
///
/// ```text
/// v_i = argmin Σ_k (θ_k · v − θ_k · (y_σk(i) − T x_i))².
/// ```
///
/// At a wide blur looks decide, at a narrow one places do. A pair weighs less the more its lines disagree. A match takes
/// O(K n log n) time and no plan, where transport takes one entry for every pair of points.
///
/// # Determinism
/// Lines are drawn from a seed that counts the matches.
///
/// # References
/// Bonneel et al., *Sliced and Radon Wasserstein barycenters of measures*, 2015, section 3; Bonneel, Coeurjolly, *SPOT: sliced partial
/// optimal transport*, SIGGRAPH 2019, section 5 (registration by slices).
pub(crate) struct SlicedMatcher {
    target: Arc<Surface>,
    looks: Option<Looks>,
    annealing: Annealing,
}

/// Histograms of both sides in units of τ.
struct Looks {
    source: Vec<Feature>,
    target: Vec<Feature>,
}

/// One line: where it points among places, and among looks.
struct Line {
    place: Unit<Vector3<f64>>,
    look: [f32; 3 * PARTS],
}

impl SlicedMatcher {
    /// A matcher onto a surface, whose blur ends at `blur` \[m\], with the looks of all points of both sides if they have any.
    pub fn new(target: Arc<Surface>, looks: Option<[Vec<Option<Feature>>; 2]>, blur: f64) -> Self {
        let annealing = Annealing::new(&target.positions, COOLING, blur);
        let looks = looks.map(|[source, target]| Looks::new(&source, &target));
        Self { target, looks, annealing }
    }

    /// How far the blur has fallen.
    pub fn annealing(&self) -> &Annealing {
        &self.annealing
    }

    /// For every source point the target point of its quantile on a line.
    fn along(&self, line: &Line, moved: &[Point3<f64>], blur: f64) -> Vec<usize> {
        let ranked = |points: &[Point3<f64>], looks: Option<&Vec<Feature>>| -> Vec<usize> {
            let value = |index: usize| {
                let look = looks.map_or(0.0, |looks| dot(&looks[index], &line.look));
                line.place.dot(&points[index].coords) / blur + look
            };
            let mut keyed: Vec<(f64, usize)> = (0..points.len()).map(|index| (value(index), index)).collect();
            keyed.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
            keyed.into_iter().map(|(_, index)| index).collect()
        };
        let sources = ranked(moved, self.looks.as_ref().map(|looks| &looks.source));
        let targets = ranked(&self.target.positions, self.looks.as_ref().map(|looks| &looks.target));
        let mut matched = vec![0; sources.len()];
        for (rank, source) in sources.iter().enumerate() {
            // The middle of the quantile.
            matched[*source] = targets[(2 * rank + 1) * targets.len() / (2 * sources.len())];
        }
        matched
    }

    /// Lines of the match to come.
    fn lines(&self) -> Result<Vec<Line>> {
        let draws = Sliced {
            projections: LINES * (1 + PARTS),
            directions: Directions::MonteCarlo,
            seed: self.annealing.calls() as u64,
            ..Sliced::default()
        };
        let drawn = draws.directions()?;
        Ok(drawn
            .chunks(1 + PARTS)
            .map(|parts| Line {
                place: parts[0],
                look: std::array::from_fn(|bin| parts[1 + bin / 3][bin % 3] as f32),
            })
            .collect())
    }
}

impl Matcher for SlicedMatcher {
    fn correspond(
        &mut self,
        source: &[Point3<f64>],
        target_from_source: &Isometry3<f64>,
    ) -> Result<Vec<Correspondence>> {
        let moved: Vec<Point3<f64>> = source.iter().map(|point| target_from_source * point).collect();
        let blur = self.annealing.blur();
        let lines = self.lines()?;
        self.annealing.advance();
        let matched: Vec<Vec<usize>> = lines.par_iter().map(|line| self.along(line, &moved, blur)).collect();
        let spread: Matrix3<f64> = lines.iter().map(|line| *line.place * line.place.transpose()).sum();
        // As many directions as there are lie in no plane; the inverse exists.
        let solve = spread.try_inverse().unwrap_or_else(Matrix3::zeros);
        let (targets, moved) = (&self.target.positions, &moved);
        let pair = |index: usize| {
            let ways = || {
                lines.iter().zip(&matched).map(move |(line, matched)| {
                    let way = targets[matched[index]] - moved[index];
                    (line.place, line.place.dot(&way))
                })
            };
            let shift = solve * ways().map(|(place, way)| *place * way).sum::<Vector3<f64>>();
            let squares: f64 = ways().map(|(place, way)| (way - place.dot(&shift)).powi(2)).sum();
            let variance = 3.0 * squares / lines.len() as f64;
            Correspondence {
                source: index,
                target: moved[index] + shift,
                normal: None,
                weight: weight(1.0, variance, blur),
            }
        };
        Ok((0..moved.len()).into_par_iter().map(pair).collect())
    }
}

impl Looks {
    /// Both sides in units of τ; a point without a histogram looks like the mean of all.
    fn new(source: &[Option<Feature>], target: &[Option<Feature>]) -> Self {
        let all = || source.iter().chain(target).flatten();
        let count = all().count().max(1) as f32;
        let mut mean: Feature = std::array::from_fn(|_| 0.0);
        for look in all() {
            mean.iter_mut().zip(look).for_each(|(mean, bin)| *mean += bin / count);
        }
        let squared =
            |a: &Feature, b: &Feature| -> f32 { a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum() };
        // A hundred of the source tell how alike the most alike are.
        let step = source.len().div_ceil(100).max(1);
        let least =
            |look: &Feature| target.iter().flatten().map(|other| squared(look, other)).reduce(f32::min);
        let mut least: Vec<f32> = source.iter().step_by(step).flatten().filter_map(least).collect();
        let middle = least.len() / 2;
        let typical = match least.len() {
            0 => 1.0,
            _ => least.select_nth_unstable_by(middle, f32::total_cmp).1.max(1e-6),
        };
        let scaled = |side: &[Option<Feature>]| {
            let scaled = |look: &Option<Feature>| -> Feature {
                let look = look.as_ref().unwrap_or(&mean);
                std::array::from_fn(|bin| (look[bin] - mean[bin]) / typical.sqrt())
            };
            side.iter().map(scaled).collect()
        };
        Self { source: scaled(source), target: scaled(target) }
    }
}

fn dot(look: &Feature, line: &[f32; 3 * PARTS]) -> f64 {
    f64::from(look.iter().zip(line).map(|(a, b)| a * b).sum::<f32>())
}
