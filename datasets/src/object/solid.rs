//! The thing that is looked at: a few rounded parts melted together, with bumps.

use nalgebra::{Point3, Rotation3, Unit, Vector3};

use crate::random::Draws;

/// Stream of the draws of the solid, away from those of the views.
const STREAM: u64 = 1 << 32;
/// Over this length two parts melt into each other.
const MELT: f64 = 0.06;

/// An asymmetric object around the origin, within [`ObjectSolid::RADIUS`], given by an implicit function.
///
/// A body, a head aside of it, a block on the other side and a handle: no rotation carries it to itself.
#[derive(Debug, Clone)]
pub struct ObjectSolid {
    parts: Vec<Part>,
    waves: Vec<Wave>,
}

#[derive(Debug, Clone)]
struct Part {
    shape: Shape,
    center: Vector3<f64>,
    part_from_solid: Rotation3<f64>,
}

#[derive(Debug, Clone, Copy)]
enum Shape {
    Ellipsoid {
        half: Vector3<f64>,
    },
    /// With edges rounded by a radius.
    Block {
        half: Vector3<f64>,
        round: f64,
    },
    /// Around its axis z.
    Ring {
        major: f64,
        minor: f64,
    },
}

/// A ripple of the surface.
#[derive(Debug, Clone, Copy)]
struct Wave {
    number: Vector3<f64>,
    phase: f64,
    amplitude: f64,
}

impl ObjectSolid {
    /// All of the object lies within this distance of the origin, in metres.
    pub const RADIUS: f64 = 0.62;

    pub(super) fn new(seed: u64) -> Self {
        let mut draws = Draws::at(seed, STREAM, 0);
        let mut part = |shape, center: [f64; 3]| {
            let shaken = Vector3::from(center) + 0.05 * draws.in_cube();
            let axis = Unit::new_normalize(draws.direction());
            let part_from_solid = Rotation3::from_axis_angle(&axis, draws.between(-0.4, 0.4));
            Part { shape, center: shaken, part_from_solid }
        };
        let parts = vec![
            part(Shape::Ellipsoid { half: Vector3::new(0.34, 0.24, 0.2) }, [0.0, 0.0, 0.0]),
            part(Shape::Ellipsoid { half: Vector3::repeat(0.15) }, [0.27, 0.1, 0.23]),
            part(Shape::Block { half: Vector3::new(0.07, 0.18, 0.06), round: 0.02 }, [-0.22, -0.1, 0.19]),
            part(Shape::Ring { major: 0.16, minor: 0.045 }, [-0.12, 0.26, -0.1]),
            part(Shape::Ellipsoid { half: Vector3::new(0.08, 0.12, 0.2) }, [0.15, -0.18, -0.2]),
        ];
        let waves = (1..=6)
            .map(|item| {
                let mut draws = Draws::at(seed, STREAM, item);
                let number = draws.between(8.0, 30.0);
                Wave {
                    number: number * draws.direction(),
                    phase: draws.between(0.0, std::f64::consts::TAU),
                    // Short waves are low, so that no slope exceeds a tenth.
                    amplitude: 0.1 / number,
                }
            })
            .collect();
        Self { parts, waves }
    }

    /// Negative inside, zero exactly on the surface, positive outside; about the distance in metres near it.
    pub fn implicit(&self, point: &Point3<f64>) -> f64 {
        self.melted(point) + self.ripples(point)
    }

    /// The waves without the parts.
    fn ripples(&self, point: &Point3<f64>) -> f64 {
        let ripple = |wave: &Wave| wave.amplitude * (wave.number.dot(&point.coords) + wave.phase).sin();
        self.waves.iter().map(ripple).sum()
    }

    /// The parts without the waves.
    fn melted(&self, point: &Point3<f64>) -> f64 {
        let parts = self.parts.iter().map(|part| part.implicit(point));
        parts.reduce(smooth_minimum).expect("the solid has parts")
    }

    /// Distance along a ray to the surface, from outside of the object.
    pub(super) fn hit(&self, origin: &Point3<f64>, direction: &Vector3<f64>) -> Option<f64> {
        // Waves, melting and the distance to an ellipsoid, which is approximate, all steepen the function:
        // this share of its value is a step that does not cross the surface.
        const SHARE: f64 = 0.5;
        const SMALLEST_STEP: f64 = 1e-4;
        let nearest = -direction.dot(&origin.coords);
        let offset = origin.coords + nearest * direction;
        let half_chord_squared = Self::RADIUS * Self::RADIUS - offset.norm_squared();
        if half_chord_squared < 0.0 {
            return None;
        }
        let half_chord = half_chord_squared.sqrt();
        let height: f64 = self.waves.iter().map(|wave| wave.amplitude).sum();
        let value = |distance: f64| {
            let point = origin + distance * direction;
            // Far above all waves their height alone matters.
            let melted = self.melted(&point);
            if melted > 2.0 * height { melted - height } else { melted + self.ripples(&point) }
        };
        let (mut outside, end) = ((nearest - half_chord).max(0.0), nearest + half_chord);
        let mut above = value(outside);
        while outside < end {
            let next = outside + (SHARE * above).max(SMALLEST_STEP);
            let below = value(next);
            if below < 0.0 {
                return Some(root(value, (outside, above), (next, below)));
            }
            (outside, above) = (next, below);
        }
        None
    }
}

impl Part {
    fn implicit(&self, point: &Point3<f64>) -> f64 {
        let local = self.part_from_solid * (point.coords - self.center);
        match self.shape {
            Shape::Ellipsoid { half } => {
                // First-order distance: the level of the quadric over its slope.
                let scaled = local.component_div(&half);
                let slope = scaled.component_div(&half).norm();
                let level = scaled.norm();
                if slope > 1e-12 { level * (level - 1.0) / slope } else { -half.min() }
            }
            Shape::Block { half, round } => {
                let excess = local.abs() - (half - Vector3::repeat(round));
                excess.sup(&Vector3::zeros()).norm() + excess.max().min(0.0) - round
            }
            Shape::Ring { major, minor } => (local.x.hypot(local.y) - major).hypot(local.z) - minor,
        }
    }
}

/// Minimum that melts two surfaces where both are nearer than [`MELT`] to each other.
fn smooth_minimum(a: f64, b: f64) -> f64 {
    let overlap = (MELT - (a - b).abs()).max(0.0) / MELT;
    a.min(b) - 0.25 * overlap * overlap * MELT
}

/// Zero of a function between two places where its signs differ, by the Illinois rule (Dowell and
/// Jarratt, 1971): false position that halves the value of an end kept twice.
fn root(value: impl Fn(f64) -> f64, mut outside: (f64, f64), mut inside: (f64, f64)) -> f64 {
    let mut kept = 0;
    let mut place = outside.0;
    for _ in 0..100 {
        place = outside.0 + (inside.0 - outside.0) * outside.1 / (outside.1 - inside.1);
        let here = value(place);
        if here.abs() < 1e-15 {
            break;
        }
        if here < 0.0 {
            inside = (place, here);
            if kept < 0 {
                outside.1 *= 0.5;
            }
            kept = -1;
        } else {
            outside = (place, here);
            if kept > 0 {
                inside.1 *= 0.5;
            }
            kept = 1;
        }
    }
    place
}
