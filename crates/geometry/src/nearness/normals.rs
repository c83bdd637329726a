//! Normal consistency: whether surfaces that are near each other also face the same way.

use nalgebra::Vector3;

use super::{DirectedDistances, NearestDistances};
use crate::{Error, PointCloud, Result, fold_ordered};

/// Agreement of normals from every point of one cloud to its nearest point of the other.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct DirectedConsistency {
    /// Mean |n · n'| in [0, 1]; `None` if no pair has two normals.
    pub mean: Option<f64>,
    /// Points left out because their normal, or that of their partner, is zero or not finite.
    pub left_out: usize,
}

/// Both directions of the normal consistency.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct NormalConsistency {
    /// Average of the two directed means, in [0, 1]; `None` if one of them does not exist.
    pub value: Option<f64>,
    /// From every source point to the target.
    pub source_to_target: DirectedConsistency,
    /// From every target point to the source.
    pub target_to_source: DirectedConsistency,
}

impl NearestDistances {
    /// How well the normals of nearest points agree, orientation aside.
    ///
    /// With n(x) the unit normal of x and x → y its nearest point in the other cloud,
    ///
    /// ```text
    /// value = ½ ( 1/n Σ_i |n(x_i) · n(y(x_i))| + 1/m Σ_j |n(y_j) · n(x(y_j))| )
    /// ```
    ///
    /// 1 where surfaces are parallel everywhere; ½ for normals without any relation. Normals need not have
    /// unit length. A pair of which one normal is zero or not finite is left out and counted. With weights the
    /// means are weighted, and a point of weight zero is neither used nor counted.
    ///
    /// Give the clouds that the distances were measured between.
    ///
    /// # Units
    /// None: a cosine.
    ///
    /// # Errors
    /// [`Error::MissingAttribute`] if a cloud has no normals, [`Error::ColumnLength`] if a cloud is not the
    /// one that was measured, told by its number of points.
    ///
    /// # Determinism
    /// The same bits on any number of threads. Of equally near points one is the partner; see
    /// [`NearestDistances`].
    ///
    /// # References
    /// Mescheder, Oechsle, Niemeyer, Nowozin, Geiger, *Occupancy networks*, CVPR 2019, section 4 and
    /// supplementary.
    pub fn normal_consistency(&self, source: &PointCloud, target: &PointCloud) -> Result<NormalConsistency> {
        let sides = [("source", source, &self.source_to_target), ("target", target, &self.target_to_source)];
        let mut normals = [[].as_slice(); 2];
        for (column, (role, cloud, side)) in normals.iter_mut().zip(sides) {
            let missing = Error::MissingAttribute { role, attribute: "normals" };
            *column = cloud.normals().ok_or(missing)?;
            if cloud.len() != side.len() {
                let (expected, got) = (side.len(), cloud.len());
                return Err(Error::ColumnLength { column: "normals", expected, got });
            }
        }
        let [source, target] = normals;
        let source_to_target = directed(&self.source_to_target, source, target);
        let target_to_source = directed(&self.target_to_source, target, source);
        let value =
            source_to_target.mean.zip(target_to_source.mean).map(|(forth, back)| 0.5 * (forth + back));
        Ok(NormalConsistency { value, source_to_target, target_to_source })
    }
}

/// Normals fetched at a time.
const TOGETHER: usize = 64;

fn directed(side: &DirectedDistances, from: &[Vector3<f64>], to: &[Vector3<f64>]) -> DirectedConsistency {
    let part = |range: std::ops::Range<usize>| {
        let (mut sum, mut weight, mut left_out) = (0.0, 0.0, 0);
        let mut partners = [Vector3::zeros(); TOGETHER];
        for begin in range.clone().step_by(TOGETHER) {
            let indices = begin..(begin + TOGETHER).min(range.end);
            // Partners lie anywhere in memory: fetched by themselves, many are under way at once.
            for (partner, &index) in partners.iter_mut().zip(&side.nearest()[indices.clone()]) {
                *partner = to[index as usize];
            }
            for (index, partner) in indices.zip(&partners) {
                let own = side.weight(index);
                match cosine(&from[index], partner) {
                    _ if own == 0.0 => {}
                    Some(cosine) => {
                        sum += own * cosine;
                        weight += own;
                    }
                    None => left_out += 1,
                }
            }
        }
        (sum, weight, left_out)
    };
    let add = |a: (f64, f64, usize), b: (f64, f64, usize)| (a.0 + b.0, a.1 + b.1, a.2 + b.2);
    let (sum, weight, left_out) = fold_ordered(side.len(), part, add).unwrap_or((0.0, 0.0, 0));
    DirectedConsistency { mean: (weight > 0.0).then(|| sum / weight), left_out }
}

/// Cosine of the angle between two lines; `None` if a direction is zero or not finite.
fn cosine(a: &Vector3<f64>, b: &Vector3<f64>) -> Option<f64> {
    const SAFE: std::ops::Range<f64> = 1e-100..1e100;
    let squares = (a.norm_squared(), b.norm_squared());
    // Normals are nearly always near unit length: one root for both.
    if SAFE.contains(&squares.0) && SAFE.contains(&squares.1) {
        return Some((a.dot(b).abs() / (squares.0 * squares.1).sqrt()).min(1.0));
    }
    Some(unit(a)?.dot(&unit(b)?).abs().min(1.0))
}

fn unit(vector: &Vector3<f64>) -> Option<Vector3<f64>> {
    let largest = vector.amax();
    let usable = largest > 0.0 && vector.iter().all(|value| value.is_finite());
    usable.then(|| (vector / largest).normalize())
}
