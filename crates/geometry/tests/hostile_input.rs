//! Every bad question gets an error that holds the offending value; odd but valid ones get an answer.

mod common;

use barrow_geometry::{
    Backend, Cost, Error, Measure, PointCloud, Sinkhorn, Sliced, TransportProblem, chamfer,
};
use common::{awkward, cube};
use nalgebra::Point3;

#[test]
fn measures_refuse_what_has_no_weight_or_place() {
    let points = cube(3, 1);
    assert!(matches!(Measure::uniform(&[]), Err(Error::Empty { .. })));
    let bad = [Point3::origin(), Point3::new(0.0, f64::NAN, 0.0)];
    assert!(matches!(Measure::uniform(&bad), Err(Error::NonFinite { index: 1, .. })));
    let huge = [Point3::new(1e200, 0.0, 0.0)];
    assert!(matches!(Measure::uniform(&huge), Err(Error::TooLarge { index: 0, .. })));
    for got in [-1.0, f64::NAN, f64::INFINITY] {
        let weights = [1.0, got, 1.0];
        let refused = Measure::weighted(&points, &weights);
        assert!(matches!(refused, Err(Error::InvalidWeight { index: 1, .. })), "{got}");
    }
    assert!(matches!(
        Measure::weighted(&points, &[1.0]),
        Err(Error::ColumnLength { expected: 3, got: 1, .. })
    ));
    assert!(matches!(Measure::weighted(&points, &[0.0; 3]), Err(Error::NoMass { .. })));
    assert!(matches!(Measure::weighted(&points, &[1e308; 3]), Err(Error::InvalidOption { .. })));
}

#[test]
fn solvers_refuse_options_out_of_range() {
    let points = cube(20, 1);
    let measure = Measure::uniform(&points).unwrap();
    let problem = TransportProblem::new(measure, measure, 0.1);
    let refuses = |solver: Sinkhorn, problem: &TransportProblem| {
        let refused = solver.solve(problem, &Backend::Cpu).err();
        assert!(matches!(refused, Some(Error::InvalidOption { .. })), "{refused:?}");
    };
    for value in [0.0, -1.0, f64::NAN, f64::INFINITY, 1e-300, 1e300, 1e-9] {
        refuses(Sinkhorn::default(), &TransportProblem { blur: value, ..problem });
    }
    for value in [0.0, -1.0, f64::NAN, f64::INFINITY, 1e-300, 1e300] {
        refuses(Sinkhorn::default(), &TransportProblem { reach: Some(value), ..problem });
    }
    for scaling in [0.0, 1.0, -0.5, f64::NAN] {
        refuses(Sinkhorn { scaling, ..Default::default() }, &problem);
    }
    for tolerance in [0.0, -1.0, 1.0, f64::NAN] {
        refuses(Sinkhorn { tolerance, ..Default::default() }, &problem);
    }
    refuses(Sinkhorn { max_iterations: 0, ..Default::default() }, &problem);
    refuses(Sinkhorn { initial_blur: Some(f64::NAN), ..Default::default() }, &problem);
    let plan = Sinkhorn::default().solve(&problem, &Backend::Cpu).unwrap();
    let mut broken = plan.potentials().clone();
    broken.target[3] = f64::NAN;
    refuses(Sinkhorn { initial: Some(broken), ..Default::default() }, &problem);
    for threshold in [0.0, -1.0, 2.0, f64::NAN] {
        assert!(matches!(plan.arcs(threshold), Err(Error::InvalidOption { .. })));
    }
    for sliced in [Sliced { p: 0.5, ..Default::default() }, Sliced { projections: 0, ..Default::default() }] {
        assert!(matches!(sliced.distance(&measure, &measure), Err(Error::InvalidOption { .. })));
    }
}

#[test]
fn unequal_totals_are_named_unless_mass_may_be_dropped() {
    let points = cube(2, 1);
    let (a, b) =
        (Measure::weighted(&points, &[1.0, 1.0]).unwrap(), Measure::weighted(&points, &[1.0, 2.0]).unwrap());
    let problem = TransportProblem::new(a, b, 0.1);
    let refused = Sinkhorn::default().solve(&problem, &Backend::Cpu).err();
    assert_eq!(refused, Some(Error::UnequalTotals { source_total: 2.0, target_total: 3.0 }));
    assert!(refused.unwrap().to_string().contains("got 2 and 3"));
    let unbalanced = TransportProblem { reach: Some(1.0), ..problem };
    assert!(Sinkhorn::default().solve(&unbalanced, &Backend::Cpu).is_ok());
    // Rounding is not a difference.
    let almost = [1.0, 1.0 + 1e-12];
    let almost = Measure::weighted(&points, &almost).unwrap();
    assert!(Sinkhorn::default().solve(&TransportProblem::new(a, almost, 0.1), &Backend::Cpu).is_ok());
}

#[test]
fn a_dense_plan_too_large_is_refused_before_it_is_made() {
    let points = vec![Point3::origin(); 6000];
    let measure = Measure::uniform(&points).unwrap();
    let solver = Sinkhorn { max_iterations: 1, ..Default::default() };
    let plan = solver.solve(&TransportProblem::new(measure, measure, 1.0), &Backend::Cpu).unwrap();
    assert!(matches!(plan.dense(), Err(Error::PlanTooLarge { rows: 6000, columns: 6000, .. })));
}

#[test]
fn chamfer_with_nothing_is_an_error() {
    let (some, none) = (PointCloud::new(cube(3, 1)).unwrap(), PointCloud::new(Vec::new()).unwrap());
    assert!(matches!(chamfer(&some, &none), Err(Error::Empty { role: "target" })));
    assert!(matches!(chamfer(&none, &some), Err(Error::Empty { role: "source" })));
}

#[test]
fn awkward_clouds_against_each_other_give_finite_answers() {
    let clouds = awkward();
    for (name, x) in &clouds {
        for (other, y) in &clouds {
            let (a, b) = (Measure::uniform(x).unwrap(), Measure::uniform(y).unwrap());
            let sliced = Sliced { projections: 8, ..Default::default() }.distance(&a, &b).unwrap();
            assert!(sliced.value.is_finite() && sliced.standard_error.is_finite(), "{name} {other}");
            for cost in [Cost::SquaredEuclidean, Cost::Euclidean] {
                for reach in [None, Some(1.0)] {
                    let problem = TransportProblem { cost, reach, ..TransportProblem::new(a, b, 0.5) };
                    let solver = Sinkhorn { max_iterations: 3, ..Default::default() };
                    match solver.solve(&problem, &Backend::Cpu) {
                        Ok(plan) => {
                            assert!(plan.value().is_finite(), "{name} {other} {reach:?}");
                            assert!(plan.convergence().residual.is_finite(), "{name} {other} {reach:?}");
                            let rows = plan.row_means();
                            assert!(rows.iter().all(|row| row.position.iter().all(|v| v.is_finite())));
                            assert!(rows.iter().all(|row| row.mass.is_finite() && row.spread >= 0.0));
                        }
                        // A blur far below the extent of the two is refused, and says so.
                        Err(error) => {
                            assert!(
                                matches!(error, Error::InvalidOption { name: "blur" | "reach", .. }),
                                "{error}"
                            );
                        }
                    }
                }
            }
        }
    }
}

#[test]
fn outliers_a_million_blurs_away_cost_what_they_cost() {
    let (mut x, mut y) = (cube(300, 1), cube(200, 2));
    x.push(Point3::new(1e3, 0.0, 0.0));
    y.push(Point3::new(-1e3, 0.0, 0.0));
    let (a, b) = (Measure::uniform(&x).unwrap(), Measure::uniform(&y).unwrap());
    let value = |blur: f64| {
        let solver = Sinkhorn { max_iterations: 3, initial_blur: Some(blur), ..Default::default() };
        solver.solve(&TransportProblem::new(a, b, blur), &Backend::Cpu).unwrap().value()
    };
    // The dual value of three iterations, nearly that of the lone points: they carry it.
    let wide = value(0.1);
    for blur in [0.01, 0.004, 0.0025] {
        assert!((value(blur) - wide).abs() < 1e-3 * wide, "{} at {blur}, {wide} at 0.1", value(blur));
    }
}
