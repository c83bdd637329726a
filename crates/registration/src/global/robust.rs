//! A pose from matches of which some are wrong.

use nalgebra::{Isometry3, Point3};

use super::consistency::Place;
use crate::Correspondence;
use crate::pose::closed_form;

/// Growth of μ from round to round.
const GROWTH: f64 = 2.0;

/// Rounds at most.
const ROUNDS: usize = 40;

/// The pose with the least truncated squared error Σ min(|T x − y|² , c²) over some matches, by graduated non-convexity:
/// from nearly least squares to the truncated cost itself, each round a weighted closed form. `None` if no three matches hold it.
///
/// # References
/// Yang, Antonante, Tzoumas, Carlone, *Graduated non-convexity for robust spatial perception*, RA-L 2020, section IV and
/// equation 14 (weights of the truncated least squares).
pub(crate) fn truncated_least_squares(places: &[Place], limit: f64) -> Option<Isometry3<f64>> {
    let points: Vec<Point3<f64>> = places.iter().map(|place| place.source).collect();
    let mut pairs: Vec<Correspondence> = places
        .iter()
        .enumerate()
        .map(|(source, place)| Correspondence { source, target: place.target, normal: None, weight: 1.0 })
        .collect();
    let mut pose = closed_form(&pairs, &points)?;
    let squared = |pose: &Isometry3<f64>, place: &Place| (pose * place.source - place.target).norm_squared();
    let limit_squared = limit * limit;
    let largest = places.iter().map(|place| squared(&pose, place)).fold(0.0, f64::max);
    if largest <= limit_squared {
        return Some(pose);
    }
    let mut mu = limit_squared / (2.0 * largest - limit_squared);
    for _ in 0..ROUNDS {
        let (inner, outer) = (mu / (mu + 1.0) * limit_squared, (mu + 1.0) / mu * limit_squared);
        let mut undecided = false;
        for (pair, place) in pairs.iter_mut().zip(places) {
            let error = squared(&pose, place);
            pair.weight = if error <= inner {
                1.0
            } else if error >= outer {
                0.0
            } else {
                undecided = true;
                ((limit_squared * mu * (mu + 1.0) / error).sqrt() - mu).clamp(0.0, 1.0)
            };
        }
        pose = closed_form(&pairs, &points)?;
        if !undecided {
            break;
        }
        mu *= GROWTH;
    }
    Some(pose)
}
