//! What the kernel computes, without its walk: every score in single precision, the lowest kept.

use super::frame::{ABSENT, Frame, Raised};
use super::tiles::{LENGTH, Points, QueryTiles, TILE};
use crate::Cost;

/// The twin of the kernel `lowest`: for every query the lowest scores by increasing score, and the places of the points.
pub(super) fn lowest(
    points: &Points,
    queries: &QueryTiles,
    frame: &Frame,
    raised: &Raised,
    cost: Cost,
    kept: usize,
) -> Vec<Vec<(f32, u32)>> {
    let (length, unit, blur) = (LENGTH as f32, raised.unit as f32, frame.blur as f32);
    let norm = |vector: [f32; 3]| vector.iter().map(|value| value * value).sum::<f32>().sqrt();
    let of_query = |row: usize| {
        let own = &queries.tiles[row / TILE];
        let mut scores = Vec::new();
        for (place, point) in points.positions.iter().enumerate() {
            let tile = &points.tiles[place / TILE];
            if point[3] as i32 == ABSENT {
                continue;
            }
            let between = [0, 1, 2].map(|axis| (own.centre[axis] - tile.centre[axis]) as f32 * length);
            let difference = [0, 1, 2]
                .map(|axis| queries.positions[row][axis] + between[axis] - f32::from_bits(point[axis]));
            let weight = (point[3] as i32 + own.highest) as f32 * unit;
            let size = 1.0001 * (own.radius + norm(between) + tile.radius);
            let squared = difference.iter().map(|value| value * value).sum::<f32>();
            let (cost, allowance) = match cost {
                Cost::SquaredEuclidean => {
                    (squared, 2f32.powi(-18) * size * size + 32.0 * blur * size + 2f32.powi(-100))
                }
                Cost::Euclidean => (squared.sqrt(), 2f32.powi(-18) * size + 32.0 * blur + 2f32.powi(-58)),
            };
            scores.push((cost - (weight + 2f32.powi(-20) * weight.abs() + allowance), place as u32));
        }
        scores.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        scores.truncate(kept);
        scores
    };
    (0..queries.positions.len()).map(of_query).collect()
}
