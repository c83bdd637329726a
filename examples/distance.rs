//! How far are two clouds apart? Three answers that see different things.
//!
//! `cargo run --release -p barrow-examples --example distance`

use barrow::geometry::{
    Backend, Measure, PointCloud, Sinkhorn, SinkhornDivergence, TransportProblem, chamfer,
};
use nalgebra::{Point3, Vector3};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // A ring, and the same ring moved and with its points bunched up on one side.
    let ring = |bunching: f64, shift: Vector3<f64>| {
        let angle = |i: usize| {
            let even = std::f64::consts::TAU * i as f64 / 400.0;
            even + bunching * even.sin()
        };
        let point = |i| Point3::new(f64::cos(angle(i)), f64::sin(angle(i)), 0.0) + shift;
        PointCloud::new((0..400).map(point).collect())
    };
    let even = ring(0.0, Vector3::zeros())?;

    for (name, other) in [
        ("moved by 0.3 m", ring(0.0, Vector3::new(0.0, 0.0, 0.3))?),
        ("bunched up", ring(0.8, Vector3::zeros())?),
    ] {
        // Chamfer looks at nearest points, so it hardly notices where the mass lies.
        let nearest = chamfer(&even, &other)?.value;
        // Transport moves all mass: its square root is a distance in metres.
        let problem = TransportProblem::new(
            Measure::uniform(even.positions())?,
            Measure::uniform(other.positions())?,
            0.02,
        );
        let moved = SinkhornDivergence::solve(&Sinkhorn::default(), &problem, &Backend::Cpu)?;
        println!("{name}: chamfer {nearest:.4} m, transport {:.4} m", moved.value.max(0.0).sqrt());
    }
    Ok(())
}
