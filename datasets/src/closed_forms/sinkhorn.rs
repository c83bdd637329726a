//! Entropic transport and Sinkhorn divergences known exactly.

use nalgebra::{Point3, Vector3};

use super::clouds::{blob, mapped, on_line, shuffled};
use super::{ClosedForm, ClosedForms, Quantity};
use crate::Result;

/// The divergence of balanced transport.
const fn divergence(blur: f64) -> Quantity {
    Quantity::SinkhornDivergence { blur, marginal_penalty: None }
}

/// The entropic cost of balanced transport.
const fn transport(blur: f64) -> Quantity {
    Quantity::EntropicTransport { blur, marginal_penalty: None }
}

pub(super) fn cases(options: &ClosedForms) -> Result<Vec<ClosedForm>> {
    let mut cases = diracs(options)?;
    cases.extend(translations(options)?);
    cases.extend(two_points()?);
    cases.extend(gaussians()?);
    cases.extend(unbalanced_diracs()?);
    cases.push(large_blur(options)?);
    Ok(cases)
}

fn diracs(options: &ClosedForms) -> Result<Vec<ClosedForm>> {
    let one = [Point3::new(1.0, 2.0, 3.0)];
    let other = [Point3::new(3.0, -1.0, 9.0)];
    let single = "one coupling, the product itself: its divergence from the product is 0 for every blur";
    let cloud = blob(options.points, options.seed);
    let mean_square = super::clouds::mean(&cloud, |x| (x - one[0]).norm_squared());
    Ok(vec![
        ClosedForm::new("diracs_entropic", &one, &other, transport(0.01), 49.0, single)?,
        ClosedForm::new("diracs_divergence", &one, &other, divergence(10.0), 49.0, single)?,
        ClosedForm::new("dirac_to_cloud_entropic", &one, &cloud, transport(0.3), mean_square, single)?,
    ])
}

fn translations(options: &ClosedForms) -> Result<Vec<ClosedForm>> {
    let source = blob(options.points, options.seed);
    let shift = Vector3::new(0.3, -0.4, 1.2);
    let (target, _) = shuffled(&mapped(&source, |x| x + shift), options.seed, 200);
    let (same, _) = shuffled(&source, options.seed, 201);
    let reason = "|x − y|² splits into the shift of the mean and a part that debiasing removes";
    let itself = "a divergence of a measure from itself";
    Ok(vec![
        ClosedForm::new("translation_blur_0.05", &source, &target, divergence(0.05), 1.69, reason)?,
        ClosedForm::new("translation_blur_0.5", &source, &target, divergence(0.5), 1.69, reason)?,
        ClosedForm::new("translation_blur_5", &source, &target, divergence(5.0), 1.69, reason)?,
        ClosedForm::new("itself_blur_0.1", &source, &same, divergence(0.1), 0.0, itself)?,
    ])
}

/// Two points at distance 1 against themselves: both potentials are constant by symmetry, so that
/// f + g = −ε log(½ + ½ exp(−1/ε)) is the value. ε = 1 is the first example of the POT documentation.
fn two_points() -> Result<Vec<ClosedForm>> {
    let two = [Point3::origin(), Point3::new(0.0, 1.0, 0.0)];
    let value = |epsilon: f64| -epsilon * (0.5 + 0.5 * (-1.0 / epsilon).exp()).ln();
    let reason = "constant potentials: −ε log(½ + ½ exp(−1/ε))";
    let case = |name, epsilon: f64| {
        ClosedForm::new(name, &two, &two, transport((epsilon / 2.0).sqrt()), value(epsilon), reason)
    };
    Ok(vec![case("two_points_epsilon_1", 1.0)?, case("two_points_epsilon_0.1", 0.1)?])
}

/// Gaussians on a fine grid of a line (Janati, Muzellec, Peyré and Cuturi, 2020, in one dimension).
///
/// The grid is equidistant and seven deviations wide, where sums of Gaussians equal their integrals to
/// rounding; the tails that it cuts off weigh less than 1e-11.
fn gaussians() -> Result<Vec<ClosedForm>> {
    let origin = Point3::new(0.5, 1.0, -2.0);
    let direction = Vector3::new(2.0, -3.0, 6.0) / 7.0;
    let grid: Vec<f64> = (0..201).map(|index| -1.2 + 3.2 * index as f64 / 200.0).collect();
    let points = on_line(origin, direction, &grid);
    let weights = |mean: f64, variance: f64| -> Vec<f64> {
        let density = |x: &f64| (-(x - mean).powi(2) / (2.0 * variance)).exp();
        let total: f64 = grid.iter().map(density).sum();
        grid.iter().map(|x| density(x) / total).collect()
    };
    let (a, b, blur) = ((0.2, 0.03), (0.6, 0.01), 0.2);
    let cross = entropic_gaussians(a, b, blur);
    let debiased = cross - 0.5 * entropic_gaussians(a, a, blur) - 0.5 * entropic_gaussians(b, b, blur);
    let reason = "closed form for Gaussians; the tolerance is the mass cut off by the grid";
    let case = |name, quantity, value| {
        Ok::<_, crate::Error>(
            ClosedForm::new(name, &points, &points, quantity, value, reason)?
                .with_weights(Some(weights(a.0, a.1)), Some(weights(b.0, b.1)))
                .with_tolerance(1e-9),
        )
    };
    Ok(vec![
        case("gaussians_entropic", transport(blur), cross)?,
        case("gaussians_divergence", divergence(blur), debiased)?,
    ])
}

/// OT_ε between N(m, A) and N(m', B) on a line, with ε = 2σ², D = √(4AB + σ⁴):
/// (m − m')² + A + B − D + σ² (1 − log 2σ²) + σ² log(D + σ²).
fn entropic_gaussians(a: (f64, f64), b: (f64, f64), blur: f64) -> f64 {
    let s = blur * blur;
    let d = (4.0 * a.1 * b.1 + s * s).sqrt();
    (a.0 - b.0).powi(2) + a.1 + b.1 - d + s * (1.0 - (2.0 * s).ln()) + s * (d + s).ln()
}

/// Unit Diracs at squared distance c with a penalty ρ on both marginals. The plan is one number m with
/// (ε + 2ρ) log m = −c, so that OT = (ε + 2ρ)(1 − m); between a Dirac and itself m = 1 and OT = 0.
fn unbalanced_diracs() -> Result<Vec<ClosedForm>> {
    let one = [Point3::origin()];
    let other = [Point3::new(0.0, 0.6, 0.8)];
    let reason = "(ε + 2ρ)(1 − exp(−c / (ε + 2ρ))): the plan is a single number";
    let case = |name, blur: f64, penalty: f64| {
        let stiffness = 2.0 * blur * blur + 2.0 * penalty;
        let value = -stiffness * (-1.0 / stiffness).exp_m1();
        let quantity = Quantity::SinkhornDivergence { blur, marginal_penalty: Some(penalty) };
        ClosedForm::new(name, &one, &other, quantity, value, reason)
    };
    Ok(vec![
        case("unbalanced_diracs_soft", 0.1, 0.25)?,
        case("unbalanced_diracs_stiff", 0.1, 100.0)?,
        case("unbalanced_diracs_blurred", 1.0, 0.5)?,
    ])
}

/// For a blur far above the extent the divergence tends to the squared shift of the mean; the next term
/// is |A − B|² / ε in the Frobenius norm of the covariances, here below 0.01 / ε.
fn large_blur(options: &ClosedForms) -> Result<ClosedForm> {
    let source = blob(options.points, options.seed);
    let shift = Vector3::new(1.0, 2.0, 2.0);
    let target = mapped(&source, |x| Point3::from(0.5 * x.coords + shift));
    let mean = source.iter().map(|x| x.coords).sum::<Vector3<f64>>() / source.len() as f64;
    let value = (shift - 0.5 * mean).norm_squared();
    let blur = 1000.0;
    let reason = "the limit for a blur of infinity, |m − m'|²; the tolerance is the next term, over ε";
    // Coordinates within ±½ have a covariance of Frobenius norm at most √3 / 4, so |A − B|² ≤ 3 / 16.
    let tolerance = 0.1875 / (2.0 * blur * blur) + 1e-12 * value;
    Ok(ClosedForm::new("blur_1000", &source, &target, divergence(blur), value, reason)?
        .with_tolerance(tolerance))
}
