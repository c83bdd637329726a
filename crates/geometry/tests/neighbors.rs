//! Every answer of the trees against a scan with the same formula, to the last bit.

mod common;

use barrow_geometry::{BatchSearch, Cost, Error, KdTree, Neighbor, PointCloud};
use common::{awkward, cube, lattice, line, sphere};
use nalgebra::{Isometry3, Point3, Vector3};

/// Squared distance in the order of operations that the tree documents.
fn squared(a: &Point3<f64>, b: &Point3<f64>) -> f64 {
    let [x, y, z]: [f64; 3] = (a - b).into();
    x * x + y * y + z * z
}

/// All points by increasing score, then index.
fn sorted(scores: impl Iterator<Item = f64>) -> Vec<(usize, f64)> {
    let mut all: Vec<(usize, f64)> = scores.enumerate().collect();
    all.sort_by(|a, b| a.1.total_cmp(&b.1).then(a.0.cmp(&b.0)));
    all
}

fn pairs(neighbors: &[Neighbor]) -> Vec<(usize, f64)> {
    neighbors.iter().map(|neighbor| (neighbor.index, neighbor.distance_squared)).collect()
}

/// The shared clouds and more: surfaces at a slant, rings, sizes around those of leaves and nodes.
fn clouds() -> Vec<(String, Vec<Point3<f64>>)> {
    let slanted = |points: Vec<Point3<f64>>, thickness: f64, offset: f64| -> Vec<Point3<f64>> {
        let turn = Isometry3::new(Vector3::repeat(offset), Vector3::new(0.4, -0.7, 1.1));
        points.iter().map(|p| turn * Point3::new(p.x, p.y, thickness * p.z)).collect()
    };
    let rings = (0..1200)
        .map(|i| {
            let (angle, ring) = (0.017 * i as f64, (i % 16) as f64);
            let range = 4.0 + ring * ring + (7.0 * angle).sin();
            Point3::new(range * angle.cos(), range * angle.sin(), -1.7)
        })
        .collect();
    let mut all: Vec<(String, Vec<Point3<f64>>)> =
        awkward().into_iter().map(|(name, points)| (name.into(), points)).collect();
    all.push(("sphere".into(), sphere(2500, 2.0)));
    all.push(("flat".into(), slanted(cube(1500, 11), 0.0, 0.0)));
    all.push(("thin and far".into(), slanted(cube(1500, 12), 1e-3, 1e7)));
    all.push(("thin and tiny".into(), slanted(cube(900, 13), 1e-9, 0.0).iter().map(|p| p * 1e-9).collect()));
    all.push(("rings".into(), rings));
    all.push(("line of duplicates".into(), [line(60), line(60), line(60), line(60)].concat()));
    all.push(("flat lattice".into(), slanted(lattice(12), 0.0, 0.0)));
    all.push((
        "two scales".into(),
        [cube(300, 14), cube(300, 15).iter().map(|p| p * 1e-12).collect()].concat(),
    ));
    for count in [0, 2, 8, 15, 16, 17, 127, 128, 129, 1025] {
        all.push((format!("{count} points"), cube(count, 16)));
    }
    all
}

/// Points of the cloud, points near it, and points far away.
fn queries(points: &[Point3<f64>]) -> Vec<Point3<f64>> {
    let (min, max) =
        points.iter().fold((Vector3::repeat(0.0), Vector3::repeat(1.0)), |(_, _), p| (p.coords, p.coords));
    let (min, max) = points.iter().fold((min, max), |(min, max), p| (min.inf(&p.coords), max.sup(&p.coords)));
    let size = (max - min).norm().max(1e-12);
    let around = |scale: f64, seed: u64, count: usize| {
        let middle = (min + max) * 0.5;
        cube(count, seed)
            .into_iter()
            .map(move |q| Point3::from(middle + (q.coords - Vector3::repeat(0.5)) * scale * size))
    };
    let own = points.iter().step_by(1 + points.len() / 40).copied();
    own.chain(around(1.0, 21, 40)).chain(around(3.0, 22, 15)).chain(around(1e4, 23, 6)).collect()
}

#[test]
fn single_and_batched_searches_find_what_a_scan_finds() {
    for (name, points) in clouds() {
        let tree = KdTree::new(&points);
        let queries = queries(&points);
        let all: Vec<_> = queries.iter().map(|q| sorted(points.iter().map(|p| squared(p, q)))).collect();
        let nearest = tree.nearest_all(&queries, &BatchSearch::default());
        let by_tree = tree.nearest_all(&KdTree::new(&queries), &BatchSearch::default());
        assert_eq!(nearest, by_tree, "{name}");
        let ten = tree.nearest_k_all(&queries, 10, &BatchSearch::default());
        let many = tree.nearest_k_all(&queries, usize::MAX, &BatchSearch::default());
        for (index, (query, wanted)) in queries.iter().zip(&all).enumerate() {
            let first: Vec<_> = wanted.iter().take(1).copied().collect();
            assert_eq!(pairs(tree.nearest(query).as_slice()), first, "{name}, query {index}");
            assert_eq!(pairs(nearest[index].as_slice()), first, "{name}, query {index}");
            for k in [0, 1, 3, 40] {
                assert_eq!(
                    pairs(&tree.nearest_k(query, k)),
                    wanted[..k.min(wanted.len())],
                    "{name}, k = {k}"
                );
            }
            assert_eq!(pairs(ten.of(index)), wanted[..wanted.len().min(10)], "{name}, query {index}");
            assert_eq!(pairs(many.of(index)), *wanted, "{name}, query {index}");
        }
    }
}

#[test]
fn distances_bound_what_is_found() {
    for (name, points) in clouds() {
        let tree = KdTree::new(&points);
        let queries = queries(&points);
        // Radii at which points lie exactly, and between.
        let radii: Vec<f64> = queries
            .iter()
            .step_by(9)
            .filter_map(|q| points.get(points.len() / 2).map(|p| squared(p, q).sqrt()))
            .chain([0.0, -1.0, f64::NAN, f64::INFINITY])
            .collect();
        for radius in radii {
            let search = BatchSearch { max_distance: radius, ..Default::default() };
            let (nearest, ten) =
                (tree.nearest_all(&queries, &search), tree.nearest_k_all(&queries, 10, &search));
            let within = tree.within_all(&queries, &search);
            for (index, query) in queries.iter().enumerate() {
                let mut wanted = sorted(points.iter().map(|p| squared(p, query)));
                wanted.retain(|&(_, distance)| radius >= 0.0 && distance <= radius * radius);
                assert_eq!(
                    pairs(nearest[index].as_slice()),
                    wanted[..wanted.len().min(1)],
                    "{name}, {radius}"
                );
                assert_eq!(pairs(ten.of(index)), wanted[..wanted.len().min(10)], "{name}, {radius}");
                assert_eq!(pairs(within.of(index)), wanted, "{name}, {radius}");
                assert_eq!(pairs(&tree.within(query, radius)), wanted, "{name}, {radius}");
            }
        }
    }
}

#[test]
fn guesses_and_poses_change_no_answer() {
    let pose = Isometry3::new(Vector3::new(0.3, -0.2, 0.1), Vector3::new(0.1, 0.5, -0.2));
    for (name, points) in clouds() {
        let tree = KdTree::new(&points);
        let queries = queries(&points);
        let moved: Vec<_> = queries.iter().map(|query| pose * query).collect();
        let wanted = tree.nearest_all(&moved, &BatchSearch::default());
        for seed in 0..4 {
            // Good guesses, bad guesses, none, and a column that is too short.
            let guesses: Vec<usize> = (0..queries.len() / (1 + seed / 3))
                .map(|index| match (index * 7 + seed) % 4 {
                    0 => wanted[index].map_or(0, |found| found.index),
                    1 => index * 31 % points.len().max(1),
                    2 => points.len(),
                    _ => usize::MAX,
                })
                .collect();
            let search = BatchSearch { pose: Some(pose), guesses: Some(&guesses), ..Default::default() };
            assert_eq!(tree.nearest_all(&queries, &search), wanted, "{name}");
            assert_eq!(tree.nearest_all(&KdTree::new(&queries), &search), wanted, "{name}");
        }
    }
}

#[test]
fn weighted_searches_find_what_a_scan_finds() {
    for (name, points) in clouds() {
        let tree = KdTree::new(&points);
        let queries = queries(&points);
        let spread = points.iter().map(|p| squared(p, &points[0])).fold(0.0, f64::max);
        for cost in [Cost::SquaredEuclidean, Cost::Euclidean] {
            let unit = if cost == Cost::Euclidean { spread.sqrt() } else { spread };
            for scale in [0.0, 1e-3, 0.3, 10.0] {
                let weights: Vec<f64> = (0..points.len())
                    .map(|i| match i % 11 {
                        0 => f64::NEG_INFINITY,
                        other => unit * scale * ((i * 37 % 101) as f64 / 50.0 - 1.0) * f64::from(other != 5),
                    })
                    .collect();
                let weighted = tree.weighted(&weights, cost).unwrap();
                let batch = weighted.lowest_all(&queries, None);
                let guesses: Vec<usize> = (0..queries.len()).map(|i| i * 13 % (points.len() + 1)).collect();
                assert_eq!(batch, weighted.lowest_all(&KdTree::new(&queries), Some(&guesses)), "{name}");
                let six = weighted.lowest_k_all(&queries, 6);
                for (index, query) in queries.iter().enumerate() {
                    let cost_of = |p| match cost {
                        Cost::SquaredEuclidean => squared(p, query),
                        Cost::Euclidean => squared(p, query).sqrt(),
                    };
                    let mut wanted = sorted(points.iter().zip(&weights).map(|(p, g)| cost_of(p) - g));
                    wanted.retain(|(_, value)| value.is_finite());
                    let got = |found: &[barrow_geometry::ReducedCost]| -> Vec<(usize, f64)> {
                        found.iter().map(|found| (found.index, found.value)).collect()
                    };
                    let first = &wanted[..wanted.len().min(1)];
                    assert_eq!(got(weighted.lowest(query).as_slice()), first, "{name}, {cost:?}, {scale}");
                    assert_eq!(got(batch[index].as_slice()), first, "{name}, {cost:?}, {scale}");
                    assert_eq!(
                        got(six.of(index)),
                        wanted[..wanted.len().min(6)],
                        "{name}, {cost:?}, {scale}"
                    );
                    assert_eq!(got(&weighted.lowest_k(query, 6)), wanted[..wanted.len().min(6)], "{name}");
                }
            }
        }
    }
}

/// Returns without an echo are often all written as the origin. Visiting every copy would take hours.
#[test]
fn masses_of_duplicates_are_not_visited_one_by_one() {
    let heap = vec![Point3::origin(); 200_000];
    // Not one place, but so close together that every distance from afar rounds to the same.
    let speck: Vec<_> = cube(200_000, 51).iter().map(|p| p * 1e-20).collect();
    let around: Vec<_> = cube(2_000, 52).iter().map(|p| p + Vector3::repeat(1.0)).collect();
    for points in [heap, speck] {
        let tree = KdTree::new(&points);
        let own = tree.nearest_all(&tree, &BatchSearch::default());
        for (point, found) in points.iter().zip(&own).step_by(997) {
            assert_eq!(squared(point, &points[found.unwrap().index]), 0.0);
        }
        let queries = [around.clone(), points[..2_000].to_vec()].concat();
        let ten = tree.nearest_k_all(&queries, 10, &BatchSearch::default());
        let weighted = tree.weighted(&vec![0.25; points.len()], Cost::SquaredEuclidean).unwrap();
        let lowest = weighted.lowest_all(&queries, None);
        for index in (0..queries.len()).step_by(801) {
            let wanted = sorted(points.iter().map(|p| squared(p, &queries[index])));
            assert_eq!(pairs(ten.of(index)), wanted[..10]);
            let wanted = sorted(points.iter().map(|p| squared(p, &queries[index]) - 0.25))[0];
            assert_eq!(lowest[index].map(|found| (found.index, found.value)), Some(wanted));
        }
    }
}

#[test]
fn sizes_may_differ_a_thousandfold() {
    let (few, many) = (sphere(50, 1.0), sphere(50_000, 1.2));
    for (points, queries) in [(&few, &many), (&many, &few)] {
        let found = KdTree::new(points).nearest_all(queries, &BatchSearch::default());
        for (query, found) in queries.iter().zip(found).step_by(queries.len() / 50) {
            let wanted = sorted(points.iter().map(|p| squared(p, query)))[0];
            assert_eq!(pairs(found.as_slice()), [wanted]);
        }
    }
}

/// Too many points for a scan: against another library's tree.
#[test]
fn large_clouds_agree_with_another_tree() {
    use kiddo::{ImmutableKdTree, SquaredEuclidean};
    let turned = Isometry3::new(Vector3::zeros(), Vector3::new(0.3, 0.5, -0.9));
    let sheet: Vec<_> = cube(60_000, 41).iter().map(|p| turned * Point3::new(p.x, p.y, 1e-3 * p.z)).collect();
    for (points, queries) in [(cube(60_000, 42), cube(20_000, 43)), (sheet, sphere(20_000, 0.5))] {
        let rows: Vec<[f64; 3]> = points.iter().map(|point| point.coords.into()).collect();
        let theirs = ImmutableKdTree::<f64, 3>::new_from_slice(&rows).unwrap();
        let ours = KdTree::new(&points).nearest_all(&queries, &BatchSearch::default());
        for (query, found) in queries.iter().zip(ours) {
            let wanted = theirs.query(&query.coords.into()).nearest_one::<SquaredEuclidean<f64>>().execute();
            assert_eq!(found.unwrap().distance_squared, wanted.distance);
        }
    }
}

#[test]
fn what_no_cloud_accepts_is_neither_found_nor_searched_for() {
    let odd = [
        Point3::new(f64::NAN, 0.0, 0.0),
        Point3::new(0.0, f64::INFINITY, 0.0),
        Point3::new(0.0, 0.0, -1e300),
        Point3::new(0.0, 0.0, 2.0),
    ];
    let tree = KdTree::new(&odd);
    assert_eq!(tree.len(), 4);
    let search = BatchSearch { guesses: Some(&[0, 1, 2, 3]), ..Default::default() };
    let wanted = Some(Neighbor { index: 3, distance_squared: 0.0 });
    assert_eq!(tree.nearest_all(&odd[..], &search), [None, None, None, wanted]);
    assert_eq!(tree.nearest_all(&tree, &search), [None, None, None, wanted]);
    for query in &odd[..3] {
        assert_eq!(tree.nearest(query), None);
        assert!(tree.nearest_k(query, 2).is_empty() && tree.within(query, f64::INFINITY).is_empty());
    }
    assert_eq!(tree.nearest_k(&Point3::origin(), 9).len(), 1);
    assert_eq!(tree.within(&Point3::origin(), f64::INFINITY).len(), 1);
    assert!(KdTree::new(&odd[..3]).nearest(&Point3::origin()).is_none());
    let none = KdTree::new(&[]);
    assert!(none.is_empty() && none.nearest_all(&odd[..], &search).iter().all(Option::is_none));
    assert_eq!(none.nearest_k_all(&odd[..], 3, &search).iter().map(<[_]>::len).sum::<usize>(), 0);
    assert!(tree.nearest_all(&[][..], &search).is_empty());
}

#[test]
fn extreme_coordinates_keep_their_order() {
    let limit = PointCloud::MAX_COORDINATE;
    for scale in [limit, 1e100, 1e-9, 1e-100] {
        let points: Vec<_> = cube(500, 31)
            .iter()
            .map(|p| Point3::from((p.coords * 2.0 - Vector3::repeat(1.0)) * scale))
            .collect();
        let tree = KdTree::new(&points);
        for query in points.iter().step_by(50).chain([&Point3::origin(), &Point3::new(limit, limit, -limit)])
        {
            let wanted = sorted(points.iter().map(|p| squared(p, query)));
            assert_eq!(pairs(&tree.nearest_k(query, 5)), wanted[..5], "{scale:e}");
        }
    }
}

#[test]
fn weights_without_order_are_refused() {
    let tree = KdTree::new(&lattice(2));
    let wrong = tree.weighted(&[0.0; 7], Cost::Euclidean);
    assert!(matches!(wrong, Err(Error::ColumnLength { expected: 8, got: 7, .. })));
    for bad in [f64::NAN, f64::INFINITY] {
        let mut weights = [0.0; 8];
        weights[5] = bad;
        let refused = tree.weighted(&weights, Cost::SquaredEuclidean);
        assert!(matches!(refused, Err(Error::InvalidPotential { index: 5, .. })));
    }
}

#[test]
fn the_same_bits_on_any_number_of_threads() {
    let (points, queries) = (sphere(30_000, 1.0), sphere(20_000, 1.1));
    let run = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let tree = KdTree::new(&points);
            let search = BatchSearch { max_distance: 0.2, ..Default::default() };
            let weighted = tree.weighted(&vec![0.5; points.len()], Cost::Euclidean).unwrap();
            let lowest = weighted.lowest_all(&queries, None);
            (tree.nearest_all(&queries, &search), tree.nearest_k_all(&queries, 4, &search), lowest)
        })
    };
    let one = run(1);
    assert!(one == run(2) && one == run(5));
}
