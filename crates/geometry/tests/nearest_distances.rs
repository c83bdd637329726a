//! Cloud metrics against the formulas as they read, by hand and in closed form.

mod common;

use barrow_geometry::{
    DirectedDistances, Error, KdTree, Measure, NearestDistances, PointCloud, chamfer, f_score, hausdorff,
};
use common::{assert_close, awkward, cube, lattice, sphere};
use nalgebra::{Point3, Vector3};

fn cloud(points: &[Point3<f64>]) -> PointCloud {
    PointCloud::new(points.to_vec()).unwrap()
}

fn on_axis(xs: &[f64]) -> Vec<Point3<f64>> {
    xs.iter().map(|&x| Point3::new(x, 0.0, 0.0)).collect()
}

fn between(x: &[Point3<f64>], y: &[Point3<f64>]) -> NearestDistances {
    NearestDistances::between(&cloud(x), &cloud(y)).unwrap()
}

fn weighted(x: &[Point3<f64>], a: &[f64], y: &[Point3<f64>], b: &[f64]) -> NearestDistances {
    let (source, target) = (Measure::weighted(x, a).unwrap(), Measure::weighted(y, b).unwrap());
    NearestDistances::between_measures(&source, &target).unwrap()
}

/// Nearest distances by trying all, and by sorting all.
struct Slow {
    /// Distance and weight, by distance.
    sorted: Vec<(f64, f64)>,
    total: f64,
}

impl Slow {
    fn new(from: &[Point3<f64>], a: &[f64], to: &[Point3<f64>], b: &[f64]) -> Self {
        let there = |b: &f64| *b > 0.0;
        let distance = |x: &Point3<f64>| {
            let others = to.iter().zip(b).filter(|(_, b)| there(b));
            others.map(|(y, _)| (x - y).norm()).fold(f64::INFINITY, f64::min)
        };
        let points = from.iter().zip(a).filter(|(_, a)| there(a));
        let mut sorted: Vec<(f64, f64)> = points.map(|(x, &a)| (distance(x), a)).collect();
        sorted.sort_unstable_by(|p, q| p.0.total_cmp(&q.0));
        let total = sorted.iter().map(|(_, a)| a).sum();
        Self { sorted, total }
    }

    fn mean_of(&self, value: impl Fn(f64) -> f64) -> f64 {
        self.sorted.iter().map(|&(d, a)| a * value(d)).sum::<f64>() / self.total
    }

    fn quantile(&self, fraction: f64) -> f64 {
        let mut sum = 0.0;
        let reached = self.sorted.iter().find(|(_, a)| {
            sum += a;
            sum >= fraction * self.total * (1.0 - 1e-12)
        });
        reached.or(self.sorted.last()).unwrap().0
    }
}

#[track_caller]
fn assert_matches(side: &DirectedDistances, slow: &Slow, slack: f64, name: &str) {
    let close = |got: f64, wanted: f64, slack: f64| {
        assert!((got - wanted).abs() <= slack, "{name}: got {got}, wanted {wanted} within {slack:e}");
    };
    let largest = slow.sorted.last().unwrap().0;
    close(side.mean(), slow.mean_of(|d| d), slack);
    close(side.mean_of_squares(), slow.mean_of(|d| d * d), slack * (1.0 + largest));
    close(side.rms(), slow.mean_of(|d| d * d).sqrt(), slack);
    close(side.maximum().distance, largest, slack);
    for fraction in [0.0, 0.1, 0.25, 0.5, 0.75, 0.95, 1.0] {
        close(side.quantile(fraction).unwrap(), slow.quantile(fraction), slack);
    }
    assert_eq!(side.median(), side.quantile(0.5).unwrap());
    assert_eq!(side.percentile_95(), side.quantile(0.95).unwrap());
    // Between two distances that occur, so that rounding decides nothing.
    let mut radii: Vec<f64> = [0.3, 0.6, 0.9]
        .iter()
        .map(|&fraction| 0.5 * (slow.quantile(fraction) + largest) + 2.0 * slack)
        .filter(|radius| slow.sorted.iter().all(|(d, _)| (d - radius).abs() > slack))
        .collect();
    radii.push(2.0 * largest + 4.0 * slack + f64::MIN_POSITIVE);
    let shares = side.shares_within(&radii).unwrap();
    for (radius, share) in radii.iter().zip(shares) {
        let wanted = slow.mean_of(|d| f64::from(d <= *radius));
        assert!((share - wanted).abs() < 1e-12, "{name}, radius {radius}: {share} instead of {wanted}");
        assert_eq!(side.share_within(*radius).unwrap(), share);
    }
}

#[test]
fn every_statistic_is_what_its_formula_says() {
    for (name, x) in awkward() {
        let bounds = cloud(&x).bounds().unwrap();
        let size = if bounds.diagonal() > 0.0 { bounds.diagonal() } else { 1.0 };
        let y: Vec<_> = x.iter().step_by(3).map(|p| p + Vector3::new(0.01, 0.02, -0.03) * size).collect();
        let a: Vec<f64> = (0..x.len()).map(|i| [2.0, 0.0, 1.0, 0.5][i % 4]).collect();
        let b: Vec<f64> = (0..y.len()).map(|i| [3.0, 1.0, 0.0][i % 3]).collect();
        // Far from the origin the coordinates themselves are rounded.
        let slack = 1e-12 * size + 1e-15 * bounds.max.coords.amax();
        let same = (vec![1.0; x.len()], vec![1.0; y.len()]);
        let nearest = between(&x, &y);
        let slow = (Slow::new(&x, &same.0, &y, &same.1), Slow::new(&y, &same.1, &x, &same.0));
        assert_matches(nearest.source_to_target(), &slow.0, slack, name);
        assert_matches(nearest.target_to_source(), &slow.1, slack, name);
        assert_eq!(nearest.mean(), nearest.chamfer().value);

        let nearest = weighted(&x, &a, &y, &b);
        let slow = (Slow::new(&x, &a, &y, &b), Slow::new(&y, &b, &x, &a));
        assert_matches(nearest.source_to_target(), &slow.0, slack, name);
        assert_matches(nearest.target_to_source(), &slow.1, slack, name);
        // The columns name who is near, by the index in the whole cloud, and hold the points of weight zero too.
        let side = nearest.source_to_target();
        assert_eq!((side.len(), side.onto(), side.distances().len()), (x.len(), y.len(), x.len()));
        for ((point, distance), &partner) in x.iter().zip(side.distances()).zip(side.nearest()) {
            assert!(b[partner as usize] > 0.0, "{name}");
            assert!(((point - y[partner as usize]).norm() - distance).abs() <= slack, "{name}");
        }
        let far = nearest.hausdorff();
        assert!(a[far.source_to_target.from] > 0.0 && b[far.target_to_source.from] > 0.0, "{name}");
        assert_eq!(far.value, far.source_to_target.distance.max(far.target_to_source.distance));
    }
}

#[test]
fn quantiles_are_members_of_the_sorted_column() {
    // Several octaves, duplicates and zeros; long enough for several parts of the count.
    let count = 300_000;
    let x: Vec<_> = (0..count)
        .map(|i| match i % 7 {
            0 => Point3::origin(),
            1 => Point3::new(0.25, 0.0, 0.0),
            k => Point3::new((k as f64 * 9.7 - 40.0).exp2() * (1.0 + (i / 7) as f64), 0.0, 0.0),
        })
        .collect();
    let nearest = between(&x, &[Point3::origin()]);
    let side = nearest.source_to_target();
    let mut sorted = side.distances().to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let fractions: Vec<f64> = (0..=100).map(|percent| f64::from(percent) / 100.0).collect();
    let found = side.quantiles(&fractions).unwrap();
    for (percent, found) in found.iter().enumerate() {
        // Exact: whole arithmetic, where 0.07 · 300 000 in floating point would be above 21 000.
        let rank = (percent * count).div_ceil(100).max(1);
        assert_eq!(*found, sorted[rank - 1], "{percent} %");
    }
    assert!(matches!(side.quantile(1.1), Err(Error::InvalidOption { name: "fraction", .. })));
    assert!(matches!(side.quantile(f64::NAN), Err(Error::InvalidOption { name: "fraction", .. })));
}

#[test]
fn a_whole_weight_is_so_many_points() {
    let (x, y) = (cube(300, 1), cube(200, 2));
    let (a, b): (Vec<f64>, Vec<f64>) =
        ((0..300).map(|i| f64::from(i % 4)).collect(), (0..200).map(|i| f64::from((i + 1) % 3)).collect());
    let repeated = |points: &[Point3<f64>], weights: &[f64]| -> Vec<Point3<f64>> {
        let times = |(point, &weight): (&Point3<f64>, &f64)| vec![*point; weight as usize];
        points.iter().zip(weights).flat_map(times).collect()
    };
    let points = between(&repeated(&x, &a), &repeated(&y, &b));
    for scale in [1.0, 1e-120, 1e300] {
        let scaled = |weights: &[f64]| -> Vec<f64> { weights.iter().map(|weight| weight * scale).collect() };
        let weights = weighted(&x, &scaled(&a), &y, &scaled(&b));
        let (got, wanted) = (weights.chamfer(), points.chamfer());
        assert_close(got.value, wanted.value, 1e-14);
        assert_close(got.source_to_target.rms, wanted.source_to_target.rms, 1e-14);
        assert_eq!(got.source_to_target.median, wanted.source_to_target.median);
        assert_eq!(got.target_to_source.percentile_95, wanted.target_to_source.percentile_95);
        assert_eq!(got.target_to_source.maximum, wanted.target_to_source.maximum);
        let radius = wanted.source_to_target.median;
        let (got, wanted) = (weights.f_score(radius).unwrap(), points.f_score(radius).unwrap());
        assert_close(got.f_score, wanted.f_score, 1e-14);
    }
}

#[test]
fn the_lightest_point_is_there() {
    let x = on_axis(&[0.0, 5.0, 9.0]);
    let nearest = weighted(&x, &[1e300, 1e-300, 0.0], &x[..1], &[1.0]);
    assert_eq!(nearest.hausdorff().source_to_target.from, 1);
    assert!(nearest.mean() < 1e-300 && nearest.source_to_target().median() == 0.0);
}

#[test]
fn a_shifted_lattice_is_found_from_the_shift_on() {
    // A shift whose length is a number of the machine, so that the jump is exactly there.
    let x = lattice(5);
    let y: Vec<_> = x.iter().map(|point| point + Vector3::new(0.25, 0.0, 0.0)).collect();
    let (source, target) = (cloud(&x), cloud(&y));
    let scores = f_score(&source, &target, &[0.3, 0.25, 0.25_f64.next_down()]).unwrap();
    for (score, wanted) in scores.iter().zip([1.0, 1.0, 0.0]) {
        assert_eq!((score.precision, score.recall, score.f_score), (wanted, wanted, wanted), "{score:?}");
    }
    assert_eq!(scores[1].radius, 0.25);
    assert_eq!(hausdorff(&source, &target).unwrap().value, 0.25);
    assert_eq!(chamfer(&source, &target).unwrap().value, 0.25);
}

#[test]
fn nested_spheres_are_their_gap_apart() {
    let (inner, outer) = (cloud(&sphere(5000, 1.0)), cloud(&sphere(5000, 2.5)));
    assert_close(hausdorff(&inner, &outer).unwrap().value, 1.5, 1e-12);
    assert_close(chamfer(&inner, &outer).unwrap().value, 1.5, 1e-12);
    let scores = f_score(&inner, &outer, &[1.49, 1.51]).unwrap();
    assert_eq!((scores[0].f_score, scores[1].f_score), (0.0, 1.0));
}

#[test]
fn a_box_scaled_about_its_corner() {
    // The example in Open3D's documentation of its metrics: corners move by a tenth of their distance to the origin.
    let corners: Vec<_> =
        (0..8).map(|i| Point3::new((i & 1) as f64, (i >> 1 & 1) as f64, (i >> 2) as f64)).collect();
    let scaled: Vec<_> = corners.iter().map(|corner| corner * 1.1).collect();
    let nearest = between(&corners, &scaled);
    // Open3D gives the sum of both directions, twice this value.
    assert_close(2.0 * nearest.mean(), 0.2243672873672043, 1e-15);
    assert_close(nearest.hausdorff().value, 0.1 * 3.0_f64.sqrt(), 1e-15);
    let scores = nearest.f_scores(&[0.01, 0.11, 0.15, 0.18]).unwrap();
    for (score, wanted) in scores.iter().zip([0.125, 0.5, 0.875, 1.0]) {
        assert_eq!(score.f_score, wanted, "{score:?}");
    }
}

#[test]
fn directed_hausdorff_of_two_crosses() {
    // The example in SciPy's documentation of directed_hausdorff.
    let flat = |points: &[[f64; 2]]| -> Vec<Point3<f64>> {
        points.iter().map(|&[x, y]| Point3::new(x, y, 0.0)).collect()
    };
    let small = flat(&[[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0], [0.0, -1.0]]);
    let large = flat(&[[2.0, 0.0], [0.0, 2.0], [-2.0, 0.0], [0.0, -4.0]]);
    let found = between(&small, &large).hausdorff();
    assert_eq!((found.source_to_target.distance, found.source_to_target.from), (5.0_f64.sqrt(), 3));
    assert_eq!(found.target_to_source.distance, 3.0);
    assert_eq!((found.target_to_source.from, found.target_to_source.to, found.value), (3, 3, 3.0));
}

#[test]
fn precision_is_of_the_source_and_recall_of_the_target() {
    let (source, target) = (cloud(&on_axis(&[0.0, 1.0, 9.0, 9.0])), cloud(&on_axis(&[0.0, 1.25])));
    let score = NearestDistances::between(&source, &target).unwrap().f_score(0.5).unwrap();
    assert_eq!((score.precision, score.recall), (0.5, 1.0));
    assert_close(score.f_score, 2.0 / 3.0, 1e-15);
    let swapped = NearestDistances::between(&target, &source).unwrap().f_score(0.5).unwrap();
    assert_eq!((swapped.precision, swapped.recall, swapped.f_score), (1.0, 0.5, score.f_score));
}

#[test]
fn the_farthest_pair_is_the_first_one() {
    let nearest = between(&on_axis(&[0.0, 5.0, -5.0, 1.0]), &on_axis(&[7.0, 0.0]));
    // 5 is 2 m from 7, −5 is 5 m from 0, and so first of its kind.
    let far = nearest.hausdorff();
    assert_eq!((far.value, far.source_to_target.from, far.source_to_target.to), (5.0, 2, 1));
    assert_eq!((far.target_to_source.from, far.target_to_source.to), (0, 1));
    let even = between(&on_axis(&[0.0, 5.0, -5.0, 5.0]), &on_axis(&[0.0])).hausdorff();
    assert_eq!(even.source_to_target.from, 1);
}

#[test]
fn lengths_of_any_scale_keep_their_digits() {
    let line = [0.0, 1.0, 3.0, 10.0];
    for scale in [1e-300, 1e-160, 1e-9, 1.0, 1e9, 1e148] {
        let scaled: Vec<f64> = line.iter().map(|x| x * scale).collect();
        let found = between(&on_axis(&scaled), &on_axis(&[0.0])).chamfer().source_to_target;
        let close = |got: f64, wanted: f64| assert_close(got / scale, wanted, 1e-14);
        close(found.mean, 3.5);
        close(found.rms, 27.5_f64.sqrt());
        close(found.median, 1.0);
        close(found.maximum, 10.0);
        assert!(found.mean_of_squares.is_finite());
    }
    // The weighted sum of squares overflows, their mean does not.
    let limit = PointCloud::MAX_COORDINATE;
    let far = [Point3::new(limit, limit, limit), Point3::new(-limit, -limit, -limit)];
    let found = weighted(&far, &[3e90, 1e90], &far[1..], &[1.0]).chamfer().source_to_target;
    assert_close(found.rms / limit, 3.0, 1e-14);
    assert_close(found.mean_of_squares / limit / limit, 9.0, 1e-13);
}

#[test]
fn density_awareness_by_hand() {
    // Three source points share the partner 0, one has the partner 4; of the target points 0 has the partner 0,
    // 4 the partner 4.
    let nearest = between(&on_axis(&[0.0, 0.5, 1.0, 4.0]), &on_axis(&[0.0, 4.25]));
    let alpha = 2.0;
    let worth = |distance: f64| (-alpha * distance).exp();
    let forth = [1.0 / 3.0, worth(0.5) / 3.0, worth(1.0) / 3.0, worth(0.25)];
    let forth = forth.iter().map(|gain| 1.0 - gain).sum::<f64>() / 4.0;
    let back = ((1.0 - 1.0) + (1.0 - worth(0.25))) / 2.0;
    let found = nearest.density_aware(alpha).unwrap();
    assert_eq!(found.alpha, alpha);
    assert_close(found.source_to_target, forth, 1e-15);
    assert_close(found.target_to_source, back, 1e-15);
    assert_close(found.value, 0.5 * (forth + back), 1e-15);
}

#[test]
fn density_awareness_lies_between_zero_and_one() {
    let x = cube(500, 3);
    assert_eq!(between(&x, &x).density_aware(5.0).unwrap().value, 0.0);
    let far: Vec<_> = x.iter().map(|point| point + Vector3::repeat(1e6)).collect();
    assert_close(between(&x, &far).density_aware(5.0).unwrap().value, 1.0, 1e-12);
    // A cloud against half of it: however wide the kernel, only so many partners exist.
    let half: Vec<_> = x.iter().step_by(2).copied().collect();
    let found = between(&x, &half).density_aware(1e-9).unwrap();
    assert_close(found.source_to_target, 0.5, 1e-6);
    assert_close(found.target_to_source, 0.0, 1e-6);
    let found = between(&x, &half).density_aware(1e300).unwrap();
    assert!((0.0..=1.0).contains(&found.value), "{found:?}");
}

#[test]
fn normals_by_hand() {
    let (x, y) = (on_axis(&[0.0, 1.0, 2.0, 3.0]), on_axis(&[0.0, 1.0, 3.0]));
    let up = Vector3::z();
    let leaning = Vector3::new(0.0, 3.0, 4.0);
    // Turned round, long, zero: the last two source points fall to the target points 1 (or 3) and 3.
    let source = cloud(&x).with_normals(vec![-up, 1e200 * leaning, Vector3::zeros(), up]).unwrap();
    let target = cloud(&y).with_normals(vec![up, up, Vector3::new(f64::NAN, 0.0, 1.0)]).unwrap();
    let nearest = NearestDistances::between(&source, &target).unwrap();
    let found = nearest.normal_consistency(&source, &target).unwrap();
    assert_eq!((found.source_to_target.left_out, found.target_to_source.left_out), (2, 1));
    assert_close(found.source_to_target.mean.unwrap(), 0.5 * (1.0 + 0.8), 1e-15);
    assert_close(found.target_to_source.mean.unwrap(), 0.5 * (1.0 + 0.8), 1e-15);
    assert_close(found.value.unwrap(), 0.9, 1e-15);

    // Nothing to compare is no agreement and no disagreement.
    let blank = cloud(&y).with_normals(vec![Vector3::zeros(); 3]).unwrap();
    let found = nearest.normal_consistency(&source, &blank).unwrap();
    assert_eq!((found.value, found.source_to_target.mean), (None, None));
    assert_eq!((found.source_to_target.left_out, found.target_to_source.left_out), (4, 3));

    // Weights count; who weighs nothing is neither used nor left out.
    let (a, b) = ([3.0, 1.0, 0.0, 0.0], [1.0; 3]);
    let nearest = weighted(&x, &a, &y, &b);
    let found = nearest.normal_consistency(&source, &target).unwrap().source_to_target;
    assert_eq!(found.left_out, 0);
    assert_close(found.mean.unwrap(), (3.0 + 0.8) / 4.0, 1e-15);
}

#[test]
fn turning_normals_round_changes_nothing() {
    let (x, y) = (sphere(800, 1.0), sphere(700, 1.01));
    let outward = |points: &[Point3<f64>], sign: f64| {
        cloud(points).with_normals(points.iter().map(|point| sign * point.coords).collect()).unwrap()
    };
    let nearest = between(&x, &y);
    let found = nearest.normal_consistency(&outward(&x, 1.0), &outward(&y, 7.0)).unwrap();
    assert_eq!(nearest.normal_consistency(&outward(&x, -2.0), &outward(&y, 7.0)).unwrap(), found);
    assert!(found.value.unwrap() > 0.99 && found.value.unwrap() <= 1.0, "{found:?}");
}

#[test]
fn the_order_of_points_changes_no_distance() {
    let (x, y) = (cube(3000, 1), cube(2500, 2));
    let back = |points: &[Point3<f64>]| -> Vec<Point3<f64>> { points.iter().rev().copied().collect() };
    let (straight, turned) = (between(&x, &y), between(&back(&x), &back(&y)));
    assert_close(straight.mean(), turned.mean(), 1e-14);
    let (a, b) = (straight.source_to_target(), turned.source_to_target());
    assert_eq!(a.quantiles(&[0.1, 0.5, 0.9]), b.quantiles(&[0.1, 0.5, 0.9]));
    assert_eq!(a.maximum().distance, b.maximum().distance);
    assert_eq!(a.shares_within(&[0.01, 0.03]), b.shares_within(&[0.01, 0.03]));
    let (p, q) = (straight.density_aware(20.0).unwrap(), turned.density_aware(20.0).unwrap());
    assert_close(p.value, q.value, 1e-12);
    let swapped = between(&y, &x);
    assert_eq!(swapped.source_to_target(), straight.target_to_source());
}

#[test]
fn threads_change_no_bit() {
    let (x, y) = (cube(40_000, 1), cube(35_000, 2));
    let (a, b): (Vec<f64>, Vec<f64>) = (
        (0..x.len()).map(|i| 0.1 * (i % 9) as f64).collect(),
        (0..y.len()).map(|i| 0.3 + i as f64).collect(),
    );
    let normals = |points: &[Point3<f64>]| {
        let normals = points.iter().map(|point| point.coords - Vector3::repeat(0.5)).collect();
        cloud(points).with_normals(normals).unwrap()
    };
    let (source, target) = (normals(&x), normals(&y));
    let answer = || {
        let (plain, weighted) = (between(&x, &y), weighted(&x, &a, &y, &b));
        let all = |nearest: &NearestDistances| {
            (
                nearest.chamfer(),
                nearest.hausdorff(),
                nearest.f_scores(&[0.02, 0.01, 0.03]).unwrap(),
                nearest.normal_consistency(&source, &target).unwrap(),
            )
        };
        let answers = (all(&plain), all(&weighted), plain.density_aware(30.0).unwrap());
        (answers, plain, weighted)
    };
    let with =
        |threads| rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(answer);
    let one = with(1);
    assert!(one == with(2));
    assert!(one == with(3));
}

#[test]
fn trees_may_be_brought_along() {
    let (source, target) = (cloud(&cube(500, 1)), cloud(&cube(400, 2)));
    let (source_tree, target_tree) = (KdTree::new(source.positions()), KdTree::new(target.positions()));
    let with_trees = NearestDistances::with_trees(&source, &source_tree, &target, &target_tree).unwrap();
    assert!(with_trees == NearestDistances::between(&source, &target).unwrap());
    let swapped = NearestDistances::with_trees(&source, &target_tree, &target, &source_tree);
    assert!(matches!(swapped, Err(Error::ColumnLength { column: "tree", .. })));
    let other = KdTree::new(&cube(3, 1));
    let other = NearestDistances::with_trees(&source, &source_tree, &target, &other);
    assert!(matches!(other, Err(Error::ColumnLength { column: "tree", .. })));
    let nothing = PointCloud::default();
    let empty = NearestDistances::with_trees(&nothing, &KdTree::new(&[]), &target, &target_tree);
    assert!(matches!(empty, Err(Error::Empty { role: "source" })));
}

#[test]
fn questions_without_an_answer_are_errors() {
    let (some, none) = (cloud(&cube(3, 1)), PointCloud::default());
    assert!(matches!(hausdorff(&some, &none), Err(Error::Empty { role: "target" })));
    assert!(matches!(f_score(&none, &some, &[1.0]), Err(Error::Empty { role: "source" })));
    let nearest = NearestDistances::between(&some, &some).unwrap();
    for bad in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        let refused = nearest.f_scores(&[0.1, bad]);
        assert!(matches!(refused, Err(Error::InvalidOption { name: "radius", .. })), "{bad}");
        let refused = nearest.density_aware(bad);
        assert!(matches!(refused, Err(Error::InvalidOption { name: "alpha", .. })), "{bad}");
    }
    assert_eq!(nearest.f_scores(&[]).unwrap(), []);
    let with_normals = cloud(&cube(3, 1)).with_normals(vec![Vector3::z(); 3]).unwrap();
    let refused = nearest.normal_consistency(&with_normals, &some);
    assert!(matches!(refused, Err(Error::MissingAttribute { role: "target", attribute: "normals" })));
    let other = cloud(&cube(4, 1)).with_normals(vec![Vector3::z(); 4]).unwrap();
    let refused = nearest.normal_consistency(&other, &with_normals);
    assert!(matches!(refused, Err(Error::ColumnLength { expected: 3, got: 4, .. })));
    let points = cube(3, 1);
    let refused = weighted(&points, &[1.0; 3], &points, &[1.0, 0.0, 2.0]).density_aware(1.0);
    assert!(matches!(refused, Err(Error::WeightsUndefined { .. })));
}
