//! Local refinement: every residual and every matcher comes to rest at the same pose.

mod common;

use barrow_geometry::PointCloud;
use barrow_registration::{Aligner, Kernel, Matcher, Method, Registration, VoxelMatcher};
use common::{Draws, error, landscape, motion};
use nalgebra::{Isometry3, Point3, Vector3};

const LOCAL: [Method; 4] = [Method::Gicp, Method::VoxelGicp, Method::Symmetric, Method::PointToPlane];

fn aligner(method: Method) -> Aligner {
    Aligner { method, initial: Some(Isometry3::identity()), ..Aligner::default() }
}

/// The same landscape twice, sampled at other places, and moved.
fn pair() -> (PointCloud, PointCloud) {
    (landscape(83).transformed(&motion().inverse()), landscape(70))
}

fn bits(found: &Registration) -> Vec<u64> {
    let matrix = found.target_from_source.to_homogeneous();
    matrix.iter().chain(found.information.iter()).map(|value| value.to_bits()).collect()
}

#[test]
fn every_method_comes_to_rest_on_a_curved_patch() {
    let (source, target) = pair();
    let center = source.centroid().unwrap();
    for method in LOCAL {
        let found = aligner(method).align(&source, &target).unwrap();
        let (rotation, translation) = error(&found.target_from_source, &motion(), &center);
        assert!(rotation < 1e-3 && translation < 1e-3, "{method:?}: {rotation} {translation}");
        assert!(found.convergence.converged(), "{method:?}");
    }
}

#[test]
fn full_detail_ends_on_all_points() {
    // The same points: what grids make of them differs, they themselves do not.
    let target = landscape(160);
    let source = target.transformed(&motion().inverse());
    let center = source.centroid().unwrap();
    let of = |full_detail| {
        let aligner = Aligner { full_detail, voxel_size: Some(0.15), ..aligner(Method::Gicp) };
        let found = aligner.align(&source, &target).unwrap();
        let (rotation, translation) = error(&found.target_from_source, &motion(), &center);
        (rotation + translation, found.stages.last().map(|stage| stage.name))
    };
    let ((plain, last), (full, very_last)) = (of(false), of(true));
    assert_eq!((last, very_last), (Some("gicp finest"), Some("full detail")));
    assert!(full < 1e-9 && plain > 1e-6, "{plain} {full}");
}

#[test]
fn backwards_returns_the_inverse() {
    let (source, target) = pair();
    for method in LOCAL {
        let there = aligner(method).align(&source, &target).unwrap().target_from_source;
        let back = aligner(method).align(&target, &source).unwrap().target_from_source;
        let both = there * back;
        let (rotation, translation) = error(&both, &Isometry3::identity(), &target.centroid().unwrap());
        assert!(rotation < 1e-3 && translation < 1e-3, "{method:?}: {rotation} {translation}");
    }
}

#[test]
fn the_number_of_threads_changes_no_bit() {
    let (source, target) = pair();
    for (method, kernel) in [(Method::VoxelGicp, Kernel::GemanMcClure), (Method::Symmetric, Kernel::Adaptive)]
    {
        let on = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let aligner = Aligner { kernel, ..aligner(method) };
            bits(&pool.install(|| aligner.align(&source, &target).unwrap()))
        };
        assert_eq!(on(1), on(3), "{method:?}");
    }
}

#[test]
fn the_unit_of_length_changes_nothing() {
    let (source, target) = pair();
    for method in [Method::VoxelGicp, Method::Symmetric] {
        let aligner = Aligner { kernel: Kernel::Adaptive, ..aligner(method) };
        let plain = aligner.align(&source, &target).unwrap().target_from_source;
        for scale in [1e-3, 1e3] {
            let found =
                aligner.align(&source.scaled(scale).unwrap(), &target.scaled(scale).unwrap()).unwrap();
            let mut expected = plain;
            expected.translation.vector *= scale;
            let (rotation, translation) =
                error(&found.target_from_source, &expected, &(source.centroid().unwrap() * scale));
            assert!(rotation < 1e-6 && translation < 1e-6 * scale, "{method:?}: {rotation} {translation}");
        }
    }
}

#[test]
fn the_nearest_of_the_cells_around_is_found() {
    let mut draws = Draws::new(5);
    let mut point = || Point3::from(Vector3::from_fn(|_, _| 3.0 * draws.uniform()));
    let target = PointCloud::new((0..300).map(|_| point()).collect()).unwrap();
    let source: Vec<Point3<f64>> = (0..200).map(|_| point()).collect();
    let edge = 0.5;
    // By hand: the mean of every cell.
    let cell = |point: &Point3<f64>| point.coords.map(|value| (value / edge).floor() as i64);
    let mut cells: Vec<_> = target.positions().iter().map(&cell).collect();
    cells.sort_by_key(|cell| (cell.x, cell.y, cell.z));
    cells.dedup();
    let means = cells.iter().map(|one| {
        let members: Vec<_> = target.positions().iter().filter(|point| cell(point) == *one).collect();
        members.iter().map(|point| point.coords).sum::<Vector3<f64>>() / members.len() as f64
    });
    let means: Vec<Vector3<f64>> = means.collect();

    let pairs =
        VoxelMatcher::new(&target, edge).unwrap().correspond(&source, &Isometry3::identity()).unwrap();
    let mut met = 0;
    for (index, point) in source.iter().enumerate() {
        let least = means.iter().map(|mean| (mean - point.coords).norm()).fold(f64::INFINITY, f64::min);
        let found = pairs.iter().find(|pair| pair.source == index);
        let distance = found.map(|pair| (pair.target - point).norm());
        assert!(distance.is_none_or(|distance| distance <= edge && distance >= least - 1e-12));
        if least < 0.5 * edge {
            assert!((distance.unwrap() - least).abs() < 1e-12);
            met += 1;
        }
    }
    assert!(met > 50, "{met}");
    assert!(VoxelMatcher::new(&target, 0.0).is_err());
}

#[test]
fn the_adaptive_kernel_is_least_squares_where_residuals_are_normal() {
    let mut draws = Draws::new(1);
    let normal: Vec<f64> = (0..4000).map(|_| (0.02 * draws.normal()).powi(2)).collect();
    let alpha = |squares: &[f64]| Kernel::Adaptive.fitted(squares.to_vec(), 1e-9).alpha().unwrap();
    assert!(alpha(&normal) > 1.8, "{}", alpha(&normal));
    // Three in ten are anywhere within half a metre.
    let mixed: Vec<f64> = normal
        .iter()
        .map(|&square| if draws.uniform() < 0.3 { (0.5 * draws.uniform()).powi(2) } else { square })
        .collect();
    assert!(alpha(&mixed) < 0.0, "{}", alpha(&mixed));
    assert_eq!(Kernel::Adaptive.fitted(Vec::new(), 1.0).alpha(), Some(2.0));
    assert_eq!(Kernel::Adaptive.fitted(vec![0.0; 9], 0.0).weight_of_square(0.0), 1.0);
    assert_eq!(Kernel::Huber.fitted(normal, 1.0).alpha(), None);
}

#[test]
fn the_adaptive_kernel_finds_what_least_squares_misses() {
    let target = landscape(60);
    let mut draws = Draws::new(2);
    let points = landscape(55).transformed(&motion().inverse()).positions().to_vec();
    let off = points.into_iter().map(|point| match draws.uniform() < 0.3 {
        true => point + Vector3::z() * (0.3 + 0.3 * draws.uniform()),
        false => point,
    });
    let source = PointCloud::new(off.collect()).unwrap();
    let errors = |kernel| {
        let aligner =
            Aligner { kernel, voxel_size: Some(0.07), max_distance: Some(2.0), ..aligner(Method::Gicp) };
        let found = aligner.align(&source, &target).unwrap().target_from_source;
        error(&found, &motion(), &source.centroid().unwrap())
    };
    let (rotation, translation) = errors(Kernel::Adaptive);
    assert!(rotation < 1e-3 && translation < 1e-3, "{rotation} {translation}");
    let (_, translation) = errors(Kernel::LeastSquares);
    assert!(translation > 0.01, "{translation}");
}
