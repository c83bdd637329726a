//! What the neighbours of a point say about the surface there: spread, normal, spacing.

use nalgebra::{Matrix3, Point3, Vector3};

use crate::{BatchSearch, Error, KdTree, Neighbor, PointCloud, Queries, Result};

/// Points whose spacing is looked at by [`median_spacing`]; more would not change the median visibly.
const SPACING_SAMPLE: usize = 20_000;

/// Covariance of each point's `neighbors` nearest points, itself included \[m²\].
///
/// Normalised by the number of neighbours, about their mean, accumulated relative to the point itself so
/// that projected coordinates lose no digits.
///
/// # Errors
/// [`Error::InvalidOption`] if `neighbors` is zero.
pub fn estimate_covariances(
    cloud: &PointCloud,
    tree: &KdTree,
    neighbors: usize,
) -> Result<Vec<Matrix3<f64>>> {
    if neighbors == 0 {
        return Err(Error::InvalidOption { name: "neighbors", requirement: ">= 1", got: 0.0 });
    }
    let covariance = |point: usize, found: &[Neighbor]| covariance_at(cloud.positions(), point, found);
    Ok(tree.nearest_k_map(own_queries(cloud, tree), neighbors, &BatchSearch::default(), covariance))
}

/// Covariance of some points about their mean, accumulated relative to one of the cloud.
fn covariance_at(positions: &[Point3<f64>], point: usize, found: &[Neighbor]) -> Matrix3<f64> {
    let scale = 1.0 / found.len().max(1) as f64;
    let offsets = || found.iter().map(|neighbor| positions[neighbor.index] - positions[point]);
    let mean = offsets().sum::<Vector3<f64>>() * scale;
    offsets().map(|offset| (offset - mean) * (offset - mean).transpose()).sum::<Matrix3<f64>>() * scale
}

/// Unit normals: the direction in which each point's `neighbors` nearest points spread least.
///
/// Turned towards `viewpoint`, the place the scan was taken from, which is the origin for a scan in its
/// sensor's frame. Where the neighbours do not span a plane (coincident or collinear points) the least
/// direction is arbitrary but still a unit vector.
///
/// # Errors
/// [`Error::InvalidOption`] if `neighbors` is below 3: fewer points do not span a plane.
///
/// # References
/// Hoppe et al., *Surface reconstruction from unorganized points*, SIGGRAPH 1992, section 3.2.
///
/// ```
/// use barrow_geometry::{KdTree, PointCloud, estimate_normals};
/// use nalgebra::Point3;
///
/// let plane = (0..100).map(|i| Point3::new((i % 10) as f64, (i / 10) as f64, 0.0)).collect();
/// let cloud = PointCloud::new(plane)?;
/// let tree = KdTree::new(cloud.positions());
/// let normals = estimate_normals(&cloud, &tree, 8, &Point3::new(5.0, 5.0, 9.0))?;
/// assert!(normals.iter().all(|normal| (normal.z - 1.0).abs() < 1e-12));
/// # Ok::<(), barrow_geometry::Error>(())
/// ```
pub fn estimate_normals(
    cloud: &PointCloud,
    tree: &KdTree,
    neighbors: usize,
    viewpoint: &Point3<f64>,
) -> Result<Vec<Vector3<f64>>> {
    if neighbors < 3 {
        return Err(Error::InvalidOption { name: "neighbors", requirement: ">= 3", got: neighbors as f64 });
    }
    let positions = cloud.positions();
    let normal = |point: usize, found: &[Neighbor]| {
        let normal = least_direction(&covariance_at(positions, point, found));
        if normal.dot(&(viewpoint - positions[point])) < 0.0 { -normal } else { normal }
    };
    Ok(tree.nearest_k_map(own_queries(cloud, tree), neighbors, &BatchSearch::default(), normal))
}

/// The points of a cloud as the tree over them has grouped them already.
fn own_queries<'a>(cloud: &'a PointCloud, tree: &'a KdTree) -> Queries<'a> {
    if tree.len() == cloud.len() { tree.into() } else { cloud.positions().into() }
}

/// Unit eigenvector of the smallest eigenvalue of a symmetric matrix.
///
/// # References
/// Smith, *Eigenvalues of a symmetric 3 × 3 matrix*, CACM 4 (1961) (the eigenvalue, in closed form).
fn least_direction(covariance: &Matrix3<f64>) -> Vector3<f64> {
    // Scaled to unit size, so that clouds of any unit meet the same thresholds.
    let size = covariance.amax();
    if size == 0.0 {
        return Vector3::z();
    }
    let matrix = covariance / size;
    let mean = matrix.trace() / 3.0;
    let centered = matrix - Matrix3::from_diagonal_element(mean);
    let spread = (centered.norm_squared() / 6.0).sqrt();
    let turn = (0.5 * centered.determinant() / spread.powi(3)).clamp(-1.0, 1.0).acos() / 3.0;
    let least = mean + 2.0 * spread * (turn + std::f64::consts::TAU / 3.0).cos();
    // The rows of A − λI span the plane across the eigenvector.
    let rows = (matrix - Matrix3::from_diagonal_element(least)).transpose();
    let (x, y, z) = (rows.column(0), rows.column(1), rows.column(2));
    let across = [x.cross(&y), y.cross(&z), z.cross(&x)];
    let longest = across.into_iter().reduce(|a, b| if b.norm_squared() > a.norm_squared() { b } else { a });
    match longest {
        Some(direction) if direction.norm() > SIMPLE => direction.normalize(),
        // Two small eigenvalues, or three equal ones.
        _ => {
            let eigen = matrix.symmetric_eigen();
            eigen.eigenvectors.column(eigen.eigenvalues.imin()).into_owned()
        }
    }
}

/// Product of the gaps to the other two eigenvalues above which the closed form of the least one's direction is good to rounding.
const SIMPLE: f64 = 1e-3;

/// Median distance from a point to its nearest other point \[m\]; `None` below two points.
///
/// Looks at up to 20 000 points, evenly spread over the indices. Duplicates count as distance zero.
///
/// ```
/// use barrow_geometry::{KdTree, PointCloud, median_spacing};
/// use nalgebra::Point3;
///
/// let cloud = PointCloud::new((0..50).map(|i| Point3::new(0.5 * i as f64, 0.0, 0.0)).collect())?;
/// assert_eq!(median_spacing(&cloud, &KdTree::new(cloud.positions())), Some(0.5));
/// # Ok::<(), barrow_geometry::Error>(())
/// ```
pub fn median_spacing(cloud: &PointCloud, tree: &KdTree) -> Option<f64> {
    if cloud.len() < 2 {
        return None;
    }
    let stride = cloud.len().div_ceil(SPACING_SAMPLE);
    let sample: Vec<Point3<f64>> = cloud.positions().iter().step_by(stride).copied().collect();
    let spacing = |_: usize, found: &[Neighbor]| found.get(1).map(|other| other.distance_squared.sqrt());
    let spacings = tree.nearest_k_map(&sample, 2, &BatchSearch::default(), spacing);
    let mut spacings: Vec<f64> = spacings.into_iter().flatten().collect();
    if spacings.is_empty() {
        return None;
    }
    let middle = spacings.len() / 2;
    Some(*spacings.select_nth_unstable_by(middle, f64::total_cmp).1)
}
