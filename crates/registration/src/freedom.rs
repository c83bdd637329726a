//! Motions that two surfaces leave free, and poses held back along them.

use nalgebra::{DMatrix, Isometry3, Matrix6, Point3, Vector3, Vector6};

use crate::odometry::motion::log;
use crate::pose::{UNCONSTRAINED, retract, scales};

/// Least share of what normals say about a motion that both clouds' normals must say alike. Between free motions and others there
/// is a wide gap: with points off by up to half a voxel it is below 0.1 along the former, and above 0.4 along the latter even where
/// scans have a third in common.
const SHARED: f64 = 0.2;

/// Length of the turning part of a direction of length one below which it is a mere shift.
const STRAIGHT: f64 = 0.2;

/// Rounds after which a pose is held back to rounding: each one squares what the last left.
const ROUNDS: usize = 8;

/// What the matches say about each motion, by the normals of the surfaces that meet.
///
/// A motion δ moves a match by nᵀ J δ along a normal n. Were normals exact, Σ (nᵀ J δ)² would tell how firmly δ is held. But
/// normals are measured, and their errors hold every motion a little: the floor of a corridor seems to be rough, and rough
/// floors do not let one slide. Source and target were measured apart, though, and the errors of their normals n and m do not
/// agree: Σ (nᵀ J δ)(mᵀ J δ) keeps what is true of the surface and averages the rest away.
#[derive(Debug, Clone)]
pub(crate) struct Holds {
    /// Mean over both clouds of Σ w (nᵀ J)ᵀ (nᵀ J).
    own: Matrix6<f64>,
    /// Σ w of the symmetric part of (nᵀ J)ᵀ (mᵀ J).
    shared: Matrix6<f64>,
}

impl Holds {
    pub fn zero() -> Self {
        Self { own: Matrix6::zeros(), shared: Matrix6::zeros() }
    }

    /// Adds a match at a source point x, with both normals in the source's frame; turns are measured at a `radius` \[m\].
    pub fn add(&mut self, x: &Point3<f64>, normals: [Vector3<f64>; 2], radius: f64, weight: f64) {
        let scale = scales(radius);
        // ω × x + t along n is ω · (x × n) + t · n.
        let row = |n: Vector3<f64>| along(&x.coords, &n).component_mul(&scale);
        let [n, m] = normals.map(row);
        self.own += (n * n.transpose() + m * m.transpose()) * (0.5 * weight);
        let both = n * m.transpose() * (0.5 * weight);
        // Which side of a surface its normal points to means nothing.
        let sign = if normals[0].dot(&normals[1]) < 0.0 { -1.0 } else { 1.0 };
        self.shared += (both + both.transpose()) * sign;
    }

    pub fn merged(mut self, other: Self) -> Self {
        self.own += other.own;
        self.shared += other.shared;
        self
    }
}

/// The motions (ω, t) of a source about its centroid that nothing holds.
#[derive(Debug, Clone)]
pub(crate) struct Freedom {
    /// Orthonormal, ω times the radius; shifts first.
    directions: Vec<Vector6<f64>>,
    radius: f64,
}

impl Freedom {
    /// Motions of which the normals of both clouds say nothing alike.
    ///
    /// # References
    /// Zhang, Kaess, Singh, *On degeneracy of optimization-based state estimation problems*, ICRA 2016, for holding a solution
    /// back along eigenvectors; instead of their threshold on eigenvalues, which depends on the scene, the share here has none.
    pub fn of(holds: &Holds, radius: f64) -> Self {
        let size = holds.own.amax();
        if size == 0.0 || !size.is_finite() {
            return Self { directions: (0..6).map(unit).collect(), radius };
        }
        let eigen = (holds.shared / size).symmetric_eigen();
        let own = holds.own / size;
        let floor = UNCONSTRAINED * eigen.eigenvalues.max();
        let is_free = |&i: &usize| {
            let direction = eigen.eigenvectors.column(i);
            let (shared, own) = (eigen.eigenvalues[i], direction.dot(&(own * direction)));
            shared <= floor || shared < SHARED * own
        };
        let free = (0..6).filter(is_free).map(|i| eigen.eigenvectors.column(i).into_owned()).collect();
        Self::spanned(free, radius)
    }

    /// The motions spanned by some of unit length that are at right angles, ω times the radius.
    pub fn spanned(free: Vec<Vector6<f64>>, radius: f64) -> Self {
        if free.is_empty() {
            return Self { directions: free, radius };
        }
        // Sorted by how much they turn: what does not turn is a shift.
        let turns = DMatrix::from_fn(free.len(), free.len(), |i, j| {
            free[i].fixed_rows::<3>(0).dot(&free[j].fixed_rows::<3>(0))
        });
        let eigen = turns.symmetric_eigen();
        let mut order: Vec<usize> = (0..free.len()).collect();
        order.sort_by(|&a, &b| eigen.eigenvalues[a].total_cmp(&eigen.eigenvalues[b]));
        let mixed = |&i: &usize| -> Vector6<f64> {
            let sum: Vector6<f64> =
                free.iter().zip(eigen.eigenvectors.column(i).iter()).map(|(one, &by)| one * by).sum();
            // The first clear entry is positive: a direction and its opposite are the same.
            let sign = sum.iter().find(|entry| entry.abs() > STRAIGHT).map_or(1.0, |entry| entry.signum());
            sum * sign
        };
        Self { directions: order.iter().map(mixed).collect(), radius }
    }

    pub fn is_empty(&self) -> bool {
        self.directions.is_empty()
    }

    /// The directions (ω, t) in radians and metres.
    pub fn directions(&self) -> Vec<Vector6<f64>> {
        let scale = scales(self.radius);
        self.directions.iter().map(|direction| direction.component_mul(&scale)).collect()
    }

    /// The matrix that takes their part from a step.
    pub fn keeping(&self) -> Matrix6<f64> {
        Matrix6::from_columns(&std::array::from_fn::<_, 6, _>(|i| unit(i) - self.part(&unit(i))))
    }

    /// The pose nearest to `start` among those that `pose` may freely move to.
    pub fn held_back(&self, pose: &Isometry3<f64>, start: &Isometry3<f64>) -> Isometry3<f64> {
        let mut held = *pose;
        for _ in 0..ROUNDS {
            held = retract(&held, &-self.part(&log(&start.inv_mul(&held))));
        }
        held
    }

    fn part(&self, step: &Vector6<f64>) -> Vector6<f64> {
        let scale = scales(self.radius);
        let scaled = step.component_div(&scale);
        let part: Vector6<f64> =
            self.directions.iter().map(|direction| direction * direction.dot(&scaled)).sum();
        part.component_mul(&scale)
    }
}

/// Derivative of n · (ω × x + t) by (ω, t).
pub(crate) fn along(x: &Vector3<f64>, n: &Vector3<f64>) -> Vector6<f64> {
    let turn = x.cross(n);
    Vector6::new(turn.x, turn.y, turn.z, n.x, n.y, n.z)
}

fn unit(i: usize) -> Vector6<f64> {
    Vector6::ith(i, 1.0)
}
