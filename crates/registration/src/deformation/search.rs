//! A start from nothing: many rotations, each a small transport problem.

use nalgebra::{Quaternion, UnitQuaternion, Vector3};
use rayon::prelude::*;

use super::plan::Softness;
use super::similarity::Motion;
use super::state::{Rules, Source, State, Target};

/// Rotations tried beside the one at hand; neighbours are some 45° apart.
const ROTATIONS: usize = 60;

/// First blur of a try, in radii.
const FIRST: f64 = 0.5;

/// Last blur of a try: about as wide as the points that tries are made with lie apart.
const LAST: f64 = 0.15;

/// Ratio of successive blurs.
const COOLING: f64 = 0.8;

/// Reach in blurs: a rotation is to account for all of the source, so that little is left behind.
const REACH: f64 = 4.0;

/// Updates of a plan: it starts from the one before, and points the right way long before it is exact.
const UPDATES: usize = 3;

/// What another rotation must match beyond the one at hand to be taken instead: shapes that look alike from
/// several sides stay as they are.
const LEAD: f64 = 0.02;

/// The motion under which the source, kept rigid but for its scale, has most of its mass matched.
///
/// The score is the mass of the plan onto the target relative to that of the source's plan onto itself.
pub(super) fn search(source: &Source, target: &Target, initial: &Motion, find_scale: bool) -> Motion {
    let middle = initial.apply(&nalgebra::Point3::origin()).coords;
    let about = |turn: UnitQuaternion<f64>| Motion {
        rotation: turn * initial.rotation,
        translation: middle,
        ..*initial
    };
    let starts: Vec<Motion> =
        std::iter::once(*initial).chain(rotations(ROTATIONS).into_iter().map(about)).collect();
    let tried: Vec<(f64, Motion)> =
        starts.into_par_iter().map(|start| attempt(source, target, start, find_scale)).collect();
    let best = tried.iter().skip(1).fold(tried[0], |best, next| if next.0 > best.0 { *next } else { best });
    if best.0 > tried[0].0 + LEAD { best.1 } else { tried[0].1 }
}

fn attempt(source: &Source, target: &Target, start: Motion, find_scale: bool) -> (f64, Motion) {
    let mut state = State::new(start);
    let mut blur = FIRST;
    loop {
        let softness = Softness { blur, reach: REACH, iterations: UPDATES };
        let rules = Rules { softness, stiffness: None, find_scale };
        let Some(progress) = state.step(source, target, &rules) else { return (0.0, start) };
        if blur <= LAST {
            return (progress.mass, state.motion);
        }
        state.change_blur(COOLING);
        blur *= COOLING;
    }
}

/// Rotations spread evenly over all there are.
///
/// # References
/// Alexa, *Super-Fibonacci spirals: fast, low-discrepancy sampling of SO(3)*, CVPR 2022, algorithm 1.
fn rotations(count: usize) -> Vec<UnitQuaternion<f64>> {
    const PHI: f64 = std::f64::consts::SQRT_2;
    // The real root of ψ⁴ = ψ + 4.
    const PSI: f64 = 1.533_751_168_755_204_3;
    let at = |index: usize| {
        let s = index as f64 + 0.5;
        let share = s / count as f64;
        let (r, other) = (share.sqrt(), (1.0 - share).sqrt());
        let (alpha, beta) = (std::f64::consts::TAU * s / PHI, std::f64::consts::TAU * s / PSI);
        let vector = Vector3::new(r * alpha.sin(), r * alpha.cos(), other * beta.sin());
        UnitQuaternion::from_quaternion(Quaternion::from_parts(other * beta.cos(), vector))
    };
    (0..count).map(at).collect()
}
