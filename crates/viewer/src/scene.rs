//! What there is to see.

use barrow_geometry::{Bounds, PointCloud, SparsePlan};
use nalgebra::{Isometry3, Point3};

use crate::{Error, Result};

/// One cloud or two, and the plan between them if there is one.
#[derive(Debug, Clone, Default)]
pub struct Scene {
    /// The cloud that moves.
    pub source: PointCloud,
    /// The cloud that stays.
    pub target: Option<PointCloud>,
    /// Where the source is drawn.
    pub target_from_source: Isometry3<f64>,
    /// Where the mass goes: from source points, where they are drawn, to target points.
    pub plan: Option<SparsePlan>,
    /// Dual variables of source and target points \[m²\], in the units of their solver.
    pub potentials: Option<[Vec<f64>; 2]>,
    /// What source and target are called.
    pub names: [String; 2],
}

impl Scene {
    /// Checks that everything belongs together.
    ///
    /// # Errors
    /// [`Error::Empty`] if there is no point; [`Error::Geometry`] if the plan or the potentials are of other numbers of points.
    pub(crate) fn check(&self) -> Result<()> {
        let targets = self.target.as_ref().map_or(0, PointCloud::len);
        if self.source.is_empty() && targets == 0 {
            return Err(Error::Empty);
        }
        let expect = |column: &'static str, expected: usize, got: usize| {
            let wrong = barrow_geometry::Error::ColumnLength { column, expected, got };
            if expected == got { Ok(()) } else { Err(wrong) }
        };
        if let Some(plan) = &self.plan {
            expect("plan, sources", self.source.len(), plan.source_len())?;
            expect("plan, targets", targets, plan.target_len())?;
        }
        if let Some([source, target]) = &self.potentials {
            expect("potentials of the source", self.source.len(), source.len())?;
            expect("potentials of the target", targets, target.len())?;
        }
        Ok(())
    }

    /// The source where it is drawn.
    pub fn moved_source(&self) -> Vec<Point3<f64>> {
        self.source.positions().iter().map(|point| self.target_from_source * point).collect()
    }

    /// The box around all that is drawn.
    ///
    /// # Errors
    /// [`Error::Empty`] if there is no point.
    pub fn bounds(&self) -> Result<Bounds> {
        let source = Bounds::of(&self.moved_source());
        let target = self.target.as_ref().and_then(PointCloud::bounds);
        match (source, target) {
            (Some(a), Some(b)) => Ok(Bounds {
                min: Point3::from(a.min.coords.inf(&b.min.coords)),
                max: Point3::from(a.max.coords.sup(&b.max.coords)),
            }),
            (Some(one), None) | (None, Some(one)) => Ok(one),
            (None, None) => Err(Error::Empty),
        }
    }
}
