//! Distances to nearest points known exactly.

use nalgebra::{Point3, Vector3};

use super::clouds::{fibonacci_sphere, lattice, mapped, shuffled};
use super::{ClosedForm, ClosedForms, Quantity};
use crate::Result;

pub(super) fn cases(options: &ClosedForms) -> Result<Vec<ClosedForm>> {
    let grid = lattice(4);
    // Less than half a cell of 0.25 on every axis: the nearest point is the shifted one itself.
    let shift = Vector3::new(0.06, -0.03, 0.06);
    let (moved, _) = shuffled(&mapped(&grid, |x| x + shift), options.seed, 400);
    let shifted = "the nearest point of a lattice shifted by less than half a cell is the same node: |t|";
    let sphere = fibonacci_sphere(options.points);
    let outer = mapped(&sphere, |x| 2.5 * x);
    let nested = "the nearest point of a larger copy is the one in the same direction: R − r";
    let corners = mapped(&lattice(2), |x| 2.0 * x);
    let center = [Point3::origin()];
    let extra: Vec<Point3<f64>> = grid.iter().copied().chain([Point3::new(0.375, 0.375, 2.375)]).collect();
    let half_diagonal = 0.75_f64.sqrt();
    let score = |radius| Quantity::FScore { radius };
    Ok(vec![
        ClosedForm::new("shifted_lattice_chamfer", &grid, &moved, Quantity::Chamfer, 0.09, shifted)?,
        ClosedForm::new("shifted_lattice_hausdorff", &grid, &moved, Quantity::Hausdorff, 0.09, shifted)?,
        ClosedForm::new("nested_spheres_chamfer", &sphere, &outer, Quantity::Chamfer, 1.5, nested)?,
        ClosedForm::new("nested_spheres_hausdorff", &sphere, &outer, Quantity::Hausdorff, 1.5, nested)?,
        ClosedForm::new(
            "nested_spheres_fscore_above",
            &sphere,
            &outer,
            score(1.6),
            1.0,
            "all found above R − r",
        )?,
        ClosedForm::new(
            "nested_spheres_fscore_below",
            &sphere,
            &outer,
            score(1.4),
            0.0,
            "none found below R − r",
        )?,
        ClosedForm::new(
            "corners_to_center_chamfer",
            &corners,
            &center,
            Quantity::Chamfer,
            half_diagonal,
            "all at √3 / 2",
        )?,
        ClosedForm::new(
            "one_point_more_chamfer",
            &extra,
            &grid,
            Quantity::Chamfer,
            1.0 / 65.0,
            "one of 65 source points at 2 m, no target point away: (2 / 65 + 0) / 2",
        )?,
        ClosedForm::new(
            "one_point_more_hausdorff",
            &extra,
            &grid,
            Quantity::Hausdorff,
            2.0,
            "the one point, at 2 m",
        )?,
        ClosedForm::new(
            "one_point_more_fscore",
            &extra,
            &grid,
            score(0.1),
            128.0 / 129.0,
            "64 of 65 found one way, all the other way: 2 p r / (p + r)",
        )?,
    ])
}
