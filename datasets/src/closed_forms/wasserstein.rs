//! Wasserstein distances known exactly.
//!
//! For squared distances, a map that is the gradient of a convex function is optimal (Brenier, 1991);
//! its graph is the plan, and strictly convex means the only one. Translations are optimal for every p.

use nalgebra::{Matrix3, Point3, Rotation3, Vector3};

use super::clouds::{blob, fibonacci_sphere, lattice, mapped, on_line, shuffled};
use super::{ClosedForm, ClosedForms, Quantity};
use crate::Result;
use crate::random::Draws;

const W1: Quantity = Quantity::Wasserstein { p: 1 };
const W2: Quantity = Quantity::Wasserstein { p: 2 };

/// Stream of the shuffles, away from those of the clouds.
const SHUFFLE: u64 = 100;

pub(super) fn cases(options: &ClosedForms) -> Result<Vec<ClosedForm>> {
    let mut cases = diracs(options)?;
    cases.extend(maps(options)?);
    cases.extend(lines()?);
    cases.extend(lattices(options)?);
    cases.extend(small_sets(options)?);
    Ok(cases)
}

/// One point on one side: there is a single coupling.
fn diracs(options: &ClosedForms) -> Result<Vec<ClosedForm>> {
    let one = [Point3::new(1.0, 2.0, 3.0)];
    let other = [Point3::new(3.0, -1.0, 9.0)];
    let cloud = blob(options.points, options.seed);
    // Weights 1 : 2 : … : n, so that no two points count alike.
    let total = (cloud.len() * (cloud.len() + 1)) as f64 / 2.0;
    let weights: Vec<f64> = (1..=cloud.len()).map(|rank| rank as f64 / total).collect();
    let weighted = |power: i32| -> f64 {
        cloud.iter().zip(&weights).map(|(point, weight)| weight * (point - one[0]).norm().powi(power)).sum()
    };
    let reason = "all mass goes to, or comes from, one point";
    Ok(vec![
        ClosedForm::new("diracs_w1", &one, &other, W1, 7.0, "|(2, -3, 6)| = 7")?.with_matching(vec![0]),
        ClosedForm::new("diracs_w2", &one, &other, W2, 7.0, "|(2, -3, 6)| = 7")?.with_matching(vec![0]),
        ClosedForm::new("dirac_to_weighted_cloud_w1", &one, &cloud, W1, weighted(1), reason)?
            .with_weights(None, Some(weights.clone())),
        ClosedForm::new("dirac_to_weighted_cloud_w2", &one, &cloud, W2, weighted(2).sqrt(), reason)?
            .with_weights(None, Some(weights.clone())),
    ])
}

/// Targets that are the image of the source under a gradient of a convex function.
fn maps(options: &ClosedForms) -> Result<Vec<ClosedForm>> {
    let source = blob(options.points, options.seed);
    let shift = Vector3::new(0.3, -0.4, 1.2);
    let case = |name, source: &[Point3<f64>], image: Vec<Point3<f64>>, reason| {
        let moved: f64 = source.iter().zip(&image).map(|(x, y)| (y - x).norm_squared()).sum();
        let (target, matching) = shuffled(&image, options.seed, SHUFFLE);
        let value = (moved / source.len() as f64).sqrt();
        Ok::<_, crate::Error>(
            ClosedForm::new(name, source, &target, W2, value, reason)?.with_matching(matching),
        )
    };

    let (moved, matching) = shuffled(&mapped(&source, |x| x + shift), options.seed, SHUFFLE);
    let translation = "W_p(μ, μ + t) = |t| for every p: no coupling moves the mean by less";
    let mut cases = vec![
        // For p = 1 other plans may be as good (points on one line), so no matching is claimed.
        ClosedForm::new("translation_w1", &source, &moved, W1, 1.3, translation)?,
        ClosedForm::new("translation_w2", &source, &mapped(&source, |x| x + shift), W2, 1.3, translation)?
            .with_matching((0..source.len()).collect()),
        ClosedForm::new("translation_shuffled_w2", &source, &moved, W2, 1.3, translation)?
            .with_matching(matching),
    ];

    let center = Point3::from(source.iter().map(|x| x.coords).sum::<Vector3<f64>>() / source.len() as f64);
    for (name, factor) in [("shrinking_w2", 0.25), ("dilation_w2", 3.0)] {
        let image = mapped(&source, |x| center + factor * (x - center));
        cases.push(case(name, &source, image, "W_2² = (s − 1)² × mean of |x − centroid|²: s ≥ 0 is convex")?);
    }

    let rotation = Rotation3::from_euler_angles(0.3, -0.5, 1.1).into_inner();
    let stretch = rotation * Matrix3::from_diagonal(&Vector3::new(0.4, 1.5, 2.0)) * rotation.transpose();
    let image = mapped(&source, |x| Point3::from(stretch * x.coords + shift));
    cases.push(case(
        "affine_w2",
        &source,
        image,
        "a symmetric positive definite matrix is the gradient of a convex form",
    )?);

    let centers: Vec<(f64, Point3<f64>)> = (0..5)
        .map(|index| {
            let mut draws = Draws::at(options.seed, SHUFFLE + 1, index);
            (draws.uniform(), Point3::from(draws.in_cube()))
        })
        .collect();
    let image = mapped(&source, |x| {
        x + centers.iter().map(|(speed, z)| *speed * (x - z).normalize()).sum::<Vector3<f64>>()
    });
    cases.push(case(
        "away_from_centers_w2",
        &source,
        image,
        "y = x + Σ v (x − z) / |x − z| is the gradient of |x|² / 2 + Σ v |x − z|",
    )?);

    let slopes: Vec<Vector3<f64>> =
        (0..6).map(|index| 2.0 * Draws::at(options.seed, SHUFFLE + 2, index).in_cube()).collect();
    let image = mapped(&source, |x| {
        let powers: Vec<f64> = slopes.iter().map(|slope| slope.dot(&x.coords).exp()).collect();
        let sum: Vector3<f64> = slopes.iter().zip(&powers).map(|(slope, power)| *power * slope).sum();
        Point3::from(sum / powers.iter().sum::<f64>())
    });
    cases.push(case(
        "soft_maximum_w2",
        &source,
        image,
        "y is the gradient of the logarithm of Σ exp(a·x), which is convex",
    )?);

    cases.push(bures(&rotation, shift)?);
    cases.push(reflection(options)?);
    let sphere = fibonacci_sphere(options.points);
    let outer = mapped(&sphere, |x| 2.5 * x);
    cases.push(
        ClosedForm::new(
            "nested_spheres_w2",
            &sphere,
            &outer,
            W2,
            1.5,
            "radial maps are convex: W_2 = R − r",
        )?
        .with_matching((0..sphere.len()).collect()),
    );
    Ok(cases)
}

/// Bures' formula holds for any two clouds related by a symmetric positive definite map; a product grid
/// has an exactly diagonal covariance, so that its square roots are known.
fn bures(rotation: &Matrix3<f64>, shift: Vector3<f64>) -> Result<ClosedForm> {
    let grid = lattice(5);
    // Variance of five cell centres in the unit interval: (1 − 1/25) / 12.
    let deviation = (0.08_f64).sqrt();
    let (before, after) = (Vector3::new(0.5, 1.0, 2.0), Vector3::new(1.5, 0.25, 2.0));
    let stretched = |factors: Vector3<f64>, offset: Vector3<f64>| {
        mapped(&grid, |x| Point3::from(rotation * x.coords.component_mul(&factors) + offset))
    };
    let value = (shift.norm_squared() + (deviation * (after - before)).norm_squared()).sqrt();
    Ok(ClosedForm::new(
        "commuting_covariances_w2",
        &stretched(before, Vector3::zeros()),
        &stretched(after, shift),
        W2,
        value,
        "Bures: W_2² = |m − m'|² + Σ (√l − √l')² for covariances with common axes and an affine map",
    )?
    .with_matching((0..grid.len()).collect()))
}

/// A set that is its own mirror image in the origin: reflecting every point is a permutation, and the
/// plan that follows the reflection is not optimal.
fn reflection(options: &ClosedForms) -> Result<ClosedForm> {
    let half = blob(options.points.div_ceil(2), options.seed);
    let source: Vec<Point3<f64>> = half.iter().copied().chain(half.iter().map(|x| -x)).collect();
    let target = mapped(&source, |x| -x);
    let matching = (0..source.len()).map(|index| (index + half.len()) % source.len()).collect();
    let reason = "the reflected set is the set itself; point i to point i would cost 4 × mean of |x|²";
    Ok(ClosedForm::new("point_reflection_w2", &source, &target, W2, 0.0, reason)?.with_matching(matching))
}

/// On a line the monotone plan is optimal for every p ≥ 1, wherever the line lies.
fn lines() -> Result<Vec<ClosedForm>> {
    let origin = Point3::new(5.0, -2.0, 0.5);
    let direction = Vector3::new(2.0, -3.0, 6.0) / 7.0;
    let line = |distances: &[f64]| on_line(origin, direction, distances);
    let (from, to) = (line(&[0.0, 1.0, 2.0, 5.0]), line(&[3.0, 0.5, 8.0, 2.5]));
    let equal = "sorted points matched in order: moves of 0.5, 1.5, 1 and 3";
    // Source 0: ¾, 2: ¼. Target 1: ½, 4: ½. Monotone plan: ½ moves 1, ¼ moves 4, ¼ moves 2.
    let (heavy, light) = (line(&[2.0, 0.0]), line(&[1.0, 4.0]));
    let weights = Some(vec![0.25, 0.75]);
    let unequal = "quantiles merged: ½ moves by 1, ¼ by 4, ¼ by 2";
    Ok(vec![
        ClosedForm::new("line_w1", &from, &to, W1, 1.5, equal)?,
        ClosedForm::new("line_w2", &from, &to, W2, 3.125_f64.sqrt(), equal)?.with_matching(vec![1, 3, 0, 2]),
        ClosedForm::new("line_with_weights_w1", &heavy, &light, W1, 2.0, unequal)?
            .with_weights(weights.clone(), None),
        ClosedForm::new("line_with_weights_w2", &heavy, &light, W2, 5.5_f64.sqrt(), unequal)?
            .with_weights(weights, None),
    ])
}

fn lattices(options: &ClosedForms) -> Result<Vec<ClosedForm>> {
    let fine = lattice(4);
    let half_cell = 0.125;
    let offset = Vector3::new(1e7, -5e6, 2.5e6);
    let shift = Vector3::new(0.25, -0.5, 0.5);
    let far = mapped(&fine, |x| x + offset);
    let (beyond, matching) = shuffled(&mapped(&far, |x| x + shift), options.seed, SHUFFLE);
    Ok(vec![
        ClosedForm::new(
            "lattice_to_coarser_w2",
            &fine,
            &lattice(2),
            W2,
            3.0_f64.sqrt() * half_cell,
            "every coarse point takes the 8 fine ones around it, all at √3 half cells",
        )?,
        ClosedForm::new(
            "translation_far_from_origin_w2",
            &far,
            &beyond,
            W2,
            0.75,
            "as a translation; every coordinate is a sum of powers of two, so that 1e7 m cost no digit",
        )?
        .with_matching(matching),
        ClosedForm::new(
            "dilated_cube_w2",
            &fine,
            &mapped(&fine, |x| 3.0 * x),
            W2,
            (3.0_f64 * (1.0 - 1.0 / 16.0) / 12.0).sqrt() * 2.0,
            "W_2² = (S − s)² × 3 (1 − 1/n²) / 12 for n cells on an edge; (S − s)² / 4 in the limit",
        )?
        .with_matching((0..fine.len()).collect()),
    ])
}

fn small_sets(options: &ClosedForms) -> Result<Vec<ClosedForm>> {
    let two = [Point3::origin(), Point3::new(0.0, 2.0, 0.0)];
    let others = [Point3::new(2.0, 2.0, 0.0), Point3::new(2.0, 1.0, 0.0)];
    let corners = mapped(&lattice(2), |x| 2.0 * x);
    let doubled: Vec<Point3<f64>> = corners.iter().chain(&corners).copied().collect();
    let (reordered, _) = shuffled(&doubled, options.seed, SHUFFLE);
    let center = [Point3::origin()];
    let half_diagonal = 0.75_f64.sqrt();
    Ok(vec![
        ClosedForm::new(
            "two_to_two_w2",
            &two,
            &others,
            W2,
            4.5_f64.sqrt(),
            "(5 + 4) / 2 against (8 + 5) / 2",
        )?
        .with_matching(vec![1, 0]),
        ClosedForm::new("cube_corners_to_center_w1", &corners, &center, W1, half_diagonal, "all at √3 / 2")?,
        ClosedForm::new("cube_corners_to_center_w2", &corners, &center, W2, half_diagonal, "all at √3 / 2")?,
        ClosedForm::new("duplicates_w2", &doubled, &reordered, W2, 0.0, "the same points in another order")?,
        six_points(options.seed)?,
    ])
}

/// Two random sets of six points and the best of all their permutations.
fn six_points(seed: u64) -> Result<ClosedForm> {
    let draw = |stream| move |index| Point3::from(Draws::at(seed, stream, index).in_cube());
    let source: Vec<Point3<f64>> = (0..6).map(draw(SHUFFLE + 3)).collect();
    let target: Vec<Point3<f64>> = (0..6).map(draw(SHUFFLE + 4)).collect();
    let (mut least, mut matching) = (f64::INFINITY, Vec::new());
    visit_permutations(&mut [0, 1, 2, 3, 4, 5], 0, &mut |permutation| {
        let cost: f64 =
            source.iter().zip(permutation).map(|(x, index)| (target[*index] - x).norm_squared()).sum();
        if cost < least {
            (least, matching) = (cost, permutation.to_vec());
        }
    });
    let value = (least / 6.0).sqrt();
    Ok(ClosedForm::new("six_to_six_w2", &source, &target, W2, value, "the best of all 720 permutations")?
        .with_matching(matching))
}

/// Calls back with every order of the items from `fixed` on.
fn visit_permutations(items: &mut [usize], fixed: usize, visit: &mut impl FnMut(&[usize])) {
    if fixed == items.len() {
        return visit(items);
    }
    for index in fixed..items.len() {
        items.swap(fixed, index);
        visit_permutations(items, fixed + 1, visit);
        items.swap(fixed, index);
    }
}
