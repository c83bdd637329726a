//! Sliced distances known exactly, as means over all directions.

use nalgebra::{Point3, Vector3};

use super::clouds::{blob, fibonacci_sphere, mapped, mean, on_line, shuffled};
use super::{ClosedForm, ClosedForms, Quantity};
use crate::Result;

const SW1: Quantity = Quantity::Sliced { p: 1 };
const SW2: Quantity = Quantity::Sliced { p: 2 };

pub(super) fn cases(options: &ClosedForms) -> Result<Vec<ClosedForm>> {
    let source = blob(options.points, options.seed);
    let shift = Vector3::new(0.3, -0.4, 1.2);
    let (moved, _) = shuffled(&mapped(&source, |x| x + shift), options.seed, 300);
    let (dilated, _) = shuffled(&mapped(&source, |x| 3.0 * x), options.seed, 301);
    let sphere = fibonacci_sphere(options.points);
    let outer = mapped(&sphere, |x| 2.5 * x);
    // Along every direction the dilation keeps the order, so that x goes to 3x there too.
    let (spread, spread_squared) =
        (mean(&source, |x| x.coords.norm()), mean(&source, |x| x.coords.norm_squared()));
    let mut cases = vec![
        ClosedForm::new("translation_sw1", &source, &moved, SW1, 0.65, "|t| × mean |cos| = |t| / 2")?,
        ClosedForm::new("translation_sw2", &source, &moved, SW2, 1.3 / 3.0_f64.sqrt(), "SW_2² = |t|² / 3")?,
        ClosedForm::new("dilation_sw1", &source, &dilated, SW1, spread, "(s − 1) × mean of |x| / 2")?,
        ClosedForm::new(
            "dilation_sw2",
            &source,
            &dilated,
            SW2,
            2.0 * (spread_squared / 3.0).sqrt(),
            "SW_2² = (s − 1)² × mean of |x|² / 3",
        )?,
        ClosedForm::new("nested_spheres_sw1", &sphere, &outer, SW1, 0.75, "(R − r) / 2")?,
        ClosedForm::new("nested_spheres_sw2", &sphere, &outer, SW2, 0.75_f64.sqrt(), "SW_2² = (R − r)² / 3")?,
    ];
    for p in [1, 2] {
        let name = ["translation_max_sw1", "translation_max_sw2"][p as usize - 1];
        let reason = "|t|, along t itself";
        cases.push(ClosedForm::new(name, &source, &moved, Quantity::MaxSliced { p }, 1.3, reason)?);
    }
    cases.extend(lines()?);
    Ok(cases)
}

/// Points on one line: a projection shrinks all distances by |cos|, whose p-th power has the mean 1/(p+1).
fn lines() -> Result<Vec<ClosedForm>> {
    let direction = Vector3::new(2.0, -3.0, 6.0) / 7.0;
    let line = |distances: &[f64]| on_line(Point3::new(5.0, -2.0, 0.5), direction, distances);
    let (from, to) = (line(&[0.0, 1.0, 2.0, 5.0]), line(&[3.0, 0.5, 8.0, 2.5]));
    let (heavy, light) = (line(&[2.0, 0.0]), line(&[1.0, 4.0]));
    let weights = Some(vec![0.25, 0.75]);
    Ok(vec![
        ClosedForm::new("line_sw1", &from, &to, SW1, 0.75, "W_1 / 2 with W_1 = 1.5")?,
        ClosedForm::new(
            "line_sw2",
            &from,
            &to,
            SW2,
            (3.125_f64 / 3.0).sqrt(),
            "SW_2² = W_2² / 3, W_2² = 3.125",
        )?,
        ClosedForm::new(
            "line_with_weights_sw2",
            &heavy,
            &light,
            SW2,
            (5.5_f64 / 3.0).sqrt(),
            "SW_2² = W_2² / 3, W_2² = 5.5",
        )?
        .with_weights(weights, None),
        ClosedForm::new(
            "line_max_sw2",
            &from,
            &to,
            Quantity::MaxSliced { p: 2 },
            3.125_f64.sqrt(),
            "W_2, along the line",
        )?,
    ])
}
