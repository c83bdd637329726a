#![cfg(feature = "gpu")]
use barrow_geometry::*;
use nalgebra::Point3;
fn cloud(n: usize, seed: u64) -> Vec<Point3<f64>> {
    let mut state = seed.wrapping_mul(2654435761) + 1;
    let mut random = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as f64 / f64::from(1u32 << 31)
    };
    (0..n).map(|_| Point3::new(random(), random(), random())).collect()
}
#[test]
fn first_try() {
    let gpu = Gpu::open().unwrap();
    for (n, m, blur, cost) in [
        (1, 1, 0.1, Cost::SquaredEuclidean),
        (100, 80, 0.1, Cost::SquaredEuclidean),
        (100, 80, 0.1, Cost::Euclidean),
        (1000, 1000, 0.02, Cost::SquaredEuclidean),
        (4000, 3000, 0.05, Cost::SquaredEuclidean),
    ] {
        let (x, y) = (cloud(n, 1), cloud(m, 2));
        let y: Vec<_> = y.iter().map(|p| Point3::new(p.x + 0.7, 0.5 * p.y, p.z)).collect();
        let problem = TransportProblem {
            cost,
            ..TransportProblem::new(Measure::uniform(&x).unwrap(), Measure::uniform(&y).unwrap(), blur)
        };
        let solver = Sinkhorn { tolerance: 1e-4, ..Default::default() };
        let t = std::time::Instant::now();
        let a = solver.solve(&problem, &Backend::Cpu).unwrap();
        let ta = t.elapsed().as_secs_f64();
        let t = std::time::Instant::now();
        let b = solver.solve(&problem, &Backend::Gpu(gpu.clone())).unwrap();
        let tb = t.elapsed().as_secs_f64();
        println!(
            "{n} {m} {blur} {cost:?}: {} {}  cost {} {} conv {:?} {:?}  {ta:.2}s {tb:.2}s {:?} {:?}",
            a.value(),
            b.value(),
            a.transport_cost(),
            b.transport_cost(),
            a.convergence(),
            b.convergence(),
            a.marginal_error(),
            b.marginal_error()
        );
    }
}
