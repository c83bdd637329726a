//! How far apart are two clouds, surely? The interval closes until it is narrow enough.
//!
//! `cargo run --release -p barrow-examples --example certified`

use std::ops::ControlFlow;

use barrow::geometry::{Measure, Wasserstein, WassersteinProblem};
use nalgebra::{Point3, Vector3};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // A sphere, and an ellipsoid beside it.
    let sphere: Vec<_> = (0..5000)
        .map(|i| {
            let z = 1.0 - (2.0 * i as f64 + 1.0) / 5000.0;
            let (r, turn) = ((1.0 - z * z).sqrt(), 2.399963229728653 * i as f64);
            Point3::new(r * turn.cos(), r * turn.sin(), z)
        })
        .collect();
    let stretch = Vector3::new(0.5, 1.0, 1.5);
    let ellipsoid: Vec<_> = sphere
        .iter()
        .rev()
        .map(|x| Point3::from(x.coords.component_mul(&stretch)) + Vector3::new(0.2, 0.0, 0.0))
        .collect();
    let problem = WassersteinProblem::new(Measure::uniform(&sphere)?, Measure::uniform(&ellipsoid)?);
    let answer = Wasserstein { gap: 1e-6, ..Default::default() }.solve_with(&problem, |step| {
        let interval = step.certificate;
        println!(
            "{:?} of {}: between {:.6} and {:.6} m",
            step.stage, step.points, interval.lower, interval.upper
        );
        ControlFlow::Continue(())
    })?;
    // A linear map with positive stretches is optimal, so here the truth is known.
    let squares = sphere.iter().zip(ellipsoid.iter().rev()).map(|(x, y)| (x - y).norm_squared());
    let truth = (squares.sum::<f64>() / sphere.len() as f64).sqrt();
    println!("W2 = {:.6} m; the truth is {truth:.6} m; {} arcs", answer.value, answer.plan.arcs().len());
    assert!(answer.certificate.lower <= truth && truth <= answer.certificate.upper);
    Ok(())
}
