//! Pose graphs whose answer is known: loops with noise, with wrong edges, in several parts, and graphs that are none.

mod common;

use barrow_geometry::Status;
use barrow_registration::{Error, PoseEdge, PoseGraph, PoseGraphSolution};
use common::{Draws, error};
use nalgebra::{Isometry3, Matrix6, Point3, Vector3, Vector6};

/// Standard deviations of the measured rotations [rad] and translations [m].
const NOISE: (f64, f64) = (0.01, 0.02);

fn information() -> Matrix6<f64> {
    let (turn, shift) = (NOISE.0.powi(-2), NOISE.1.powi(-2));
    Matrix6::from_diagonal(&Vector6::new(turn, turn, turn, shift, shift, shift))
}

/// Poses along a winding path that ends near its start.
fn path(nodes: usize) -> Vec<Isometry3<f64>> {
    let pose = |k: usize| {
        let angle = std::f64::consts::TAU * k as f64 / nodes as f64;
        let place = Vector3::new(10.0 * angle.cos(), 10.0 * angle.sin(), 2.0 * (3.0 * angle).sin());
        Isometry3::new(place, Vector3::new(0.4 * (2.0 * angle).sin(), 0.3, angle))
    };
    let first = pose(0).inverse();
    (0..nodes).map(|k| first * pose(k)).collect()
}

/// What a sensor would say about two poses.
fn measured(truth: &[Isometry3<f64>], source: usize, target: usize, draws: &mut Draws) -> PoseEdge {
    let turn = Vector3::from_fn(|_, _| NOISE.0 * draws.normal());
    let shift = Vector3::from_fn(|_, _| NOISE.1 * draws.normal());
    let noise = Isometry3::new(shift, turn);
    PoseEdge::new(source, target, truth[target].inverse() * truth[source] * noise, information())
}

/// The path with every edge to the one before and the one before that, and some across.
fn loops(nodes: usize, draws: &mut Draws) -> (Vec<Isometry3<f64>>, PoseGraph) {
    let truth = path(nodes);
    let mut edges: Vec<PoseEdge> = (1..nodes).map(|k| measured(&truth, k, k - 1, draws)).collect();
    edges.extend((2..nodes).step_by(2).map(|k| measured(&truth, k, k - 2, draws)));
    edges.extend((0..nodes / 4).map(|k| measured(&truth, nodes - 1 - k, k, draws)));
    (truth, PoseGraph { nodes, edges, ..PoseGraph::default() })
}

/// Largest rotation [rad] and translation [m] by which poses are off.
fn worst(solution: &PoseGraphSolution, truth: &[Isometry3<f64>]) -> (f64, f64) {
    let off = |(found, truth)| error(found, truth, &Point3::origin());
    let larger = |a: (f64, f64), b: (f64, f64)| (a.0.max(b.0), a.1.max(b.1));
    solution.part_from_node.iter().zip(truth).map(off).fold((0.0, 0.0), larger)
}

#[test]
fn measurements_without_noise_are_met_exactly() {
    let truth = path(12);
    let pairs = [(0, 11), (3, 7), (9, 2), (5, 0), (11, 6)];
    let chain = (1..12).map(|k| (k, k - 1));
    let edges = chain
        .chain(pairs)
        .map(|(s, t)| PoseEdge::new(s, t, truth[t].inverse() * truth[s], information()))
        .collect();
    let solution = PoseGraph { nodes: 12, edges, ..PoseGraph::default() }.solve().unwrap();
    let (turn, shift) = worst(&solution, &truth);
    assert!(turn < 1e-7 && shift < 1e-9, "{turn} {shift}");
    assert!(solution.is_kept.iter().all(|&kept| kept));
    assert_eq!(solution.convergence.status, Status::Converged);
}

#[test]
fn a_misclosure_goes_to_the_edges_in_proportion_to_their_variances() {
    // Three frames on a line, no rotations: by hand, edge k gives way by d · (1/λₖ) / Σ (1/λ).
    let informations = [1e4, 1e2, 4e2];
    let steps = [1.0, 1.0, -1.9];
    let edges = (0..3)
        .map(|k| {
            let pose = Isometry3::translation(steps[k], 0.0, 0.0);
            PoseEdge {
                limit: 100.0,
                ..PoseEdge::new((k + 1) % 3, k, pose, Matrix6::identity() * informations[k])
            }
        })
        .collect();
    let solution = PoseGraph { nodes: 3, edges, ..PoseGraph::default() }.solve().unwrap();
    let total: f64 = informations.iter().map(|information| 1.0 / information).sum();
    let (one, two) = (solution.part_from_node[1].translation.x, solution.part_from_node[2].translation.x);
    assert!((one - (1.0 - 0.1 / informations[0] / total)).abs() < 1e-9, "{one}");
    assert!((two - one - (1.0 - 0.1 / informations[1] / total)).abs() < 1e-9, "{two}");
}

#[test]
fn a_direction_without_information_is_left_to_other_edges() {
    // What is measured along x in one edge and across in another: each alone would be 5 m off.
    let flat = |axis: usize| {
        let mut information = Matrix6::identity() * 1e4;
        information[(3 + axis, 3 + axis)] = 0.0;
        information
    };
    let edges = vec![
        PoseEdge::new(1, 0, Isometry3::translation(5.0, 2.0, 0.0), flat(0)),
        PoseEdge::new(1, 0, Isometry3::translation(1.0, -5.0, 0.0), flat(1)),
    ];
    let solution = PoseGraph { nodes: 2, edges, ..PoseGraph::default() }.solve().unwrap();
    let shift = solution.part_from_node[1].translation.vector;
    assert!((shift - Vector3::new(1.0, 2.0, 0.0)).norm() < 1e-6, "{shift}");
}

#[test]
fn covariances_are_what_repeated_noise_shows() {
    let (mut squares, mut count, mut variances) = (0.0, 0.0, 0.0);
    for seed in 0..60 {
        let mut draws = Draws::new(seed);
        let (truth, graph) = loops(16, &mut draws);
        let solution = graph.solve().unwrap();
        variances += solution.variance.unwrap() / 60.0;
        for (node, truth) in truth.iter().enumerate().skip(1) {
            let between = solution.part_from_node[node].inverse() * truth;
            let (turn, shift) = (between.rotation.scaled_axis(), between.translation.vector);
            let off = Vector6::new(turn.x, turn.y, turn.z, shift.x, shift.y, shift.z);
            squares += off.dot(&(solution.covariances[node].unwrap().try_inverse().unwrap() * off));
            count += 1.0;
        }
    }
    // χ² with six degrees of freedom has the mean 6; the nodes of a draw are not independent.
    let mean: f64 = squares / count;
    assert!((5.0..7.0).contains(&mean), "{mean}");
    assert!((0.9..1.1).contains(&variances), "{variances}");
}

#[test]
fn wrong_edges_are_found_and_have_no_say() {
    for seed in 0..10 {
        let mut draws = Draws::new(100 + seed);
        let (truth, mut graph) = loops(40, &mut draws);
        let right = graph.edges.len();
        let clean = worst(&graph.solve().unwrap(), &truth);
        // Two wrong edges for every three right ones, anywhere between anything.
        for _ in 0..2 * right / 3 {
            let source = 1 + draws.below(39);
            let target = draws.below(source);
            let shift = Vector3::from_fn(|_, _| 8.0 * draws.normal());
            let turn = Vector3::from_fn(|_, _| draws.normal());
            graph.edges.push(PoseEdge::new(source, target, Isometry3::new(shift, turn), information()));
        }
        let solution = graph.solve().unwrap();
        let (turn, shift) = worst(&solution, &truth);
        assert!(turn <= 1.05 * clean.0 && shift <= 1.05 * clean.1, "{seed}: {turn} {shift}, clean {clean:?}");
        let kept =
            |range: std::ops::Range<usize>| solution.is_kept[range].iter().filter(|&&kept| kept).count();
        assert!(kept(0..right) + 1 >= right, "{seed}");
        assert_eq!(kept(right..graph.edges.len()), 0, "{seed}");
    }
}

#[test]
fn parts_without_an_edge_between_them_are_told_apart() {
    let mut draws = Draws::new(7);
    let truth = path(9);
    let edges = [(1, 0), (2, 1), (2, 0), (4, 3), (5, 4), (8, 5), (8, 3)]
        .map(|(source, target)| measured(&truth, source, target, &mut draws));
    let solution = PoseGraph { nodes: 9, edges: edges.to_vec(), ..PoseGraph::default() }.solve().unwrap();
    assert_eq!(solution.part, [0, 0, 0, 3, 3, 3, 6, 7, 3]);
    for node in 0..9 {
        let wanted = truth[solution.part[node]].inverse() * truth[node];
        let (turn, shift) = error(&solution.part_from_node[node], &wanted, &Point3::origin());
        assert!(turn < 0.1 && shift < 0.3, "{node}: {turn} {shift}");
    }
    assert_eq!(solution.part_from_node[6], Isometry3::identity());
}

#[test]
fn a_graph_of_hundreds_of_frames_is_solved() {
    let mut draws = Draws::new(3);
    let (truth, graph) = loops(400, &mut draws);
    let solution = graph.solve().unwrap();
    let (turn, shift) = worst(&solution, &truth);
    assert!(turn < 0.1 && shift < 1.0, "{turn} {shift}");
    assert_eq!(solution.convergence.status, Status::Converged);
}

#[test]
fn graphs_of_any_size_of_numbers_are_solved_alike() {
    let mut draws = Draws::new(11);
    let (truth, graph) = loops(12, &mut draws);
    let wanted = graph.solve().unwrap();
    for size in [1e-6, 1e6] {
        let mut scaled = graph.clone();
        for edge in &mut scaled.edges {
            edge.target_from_source.translation.vector *= size;
            let scale = Vector6::new(1.0, 1.0, 1.0, 1.0 / size, 1.0 / size, 1.0 / size);
            edge.information = Matrix6::from_fn(|i, j| edge.information[(i, j)] * scale[i] * scale[j]);
        }
        let solution = scaled.solve().unwrap();
        assert_eq!(solution.is_kept, wanted.is_kept);
        for (found, wanted) in solution.part_from_node.iter().zip(&wanted.part_from_node) {
            let shift = found.translation.vector / size - wanted.translation.vector;
            assert!(shift.norm() < 1e-6 && found.rotation.angle_to(&wanted.rotation) < 1e-7, "{size}");
        }
    }
    assert!(worst(&wanted, &truth).0 < 0.1);
}

#[test]
fn what_is_no_graph_is_refused_by_name() {
    let good = PoseEdge::new(1, 0, Isometry3::identity(), Matrix6::identity());
    let solve = |nodes, edge: PoseEdge| {
        PoseGraph { nodes, edges: vec![good.clone(), edge], ..PoseGraph::default() }.solve()
    };
    assert!(solve(2, good.clone()).is_ok());
    let mut lopsided = Matrix6::identity();
    lopsided[(0, 3)] = 0.5;
    let bad = [
        PoseEdge { source: 2, ..good.clone() },
        PoseEdge { source: 0, ..good.clone() },
        PoseEdge { information: Matrix6::identity() * f64::NAN, ..good.clone() },
        PoseEdge { information: Matrix6::identity() * -1.0, ..good.clone() },
        PoseEdge { information: lopsided, ..good.clone() },
        PoseEdge { target_from_source: Isometry3::translation(f64::INFINITY, 0.0, 0.0), ..good.clone() },
        PoseEdge { limit: 0.0, ..good.clone() },
        PoseEdge { limit: f64::NAN, ..good.clone() },
        PoseEdge { trust: -1.0, ..good.clone() },
    ];
    for edge in bad {
        let result = solve(2, edge.clone());
        assert!(matches!(result, Err(Error::InvalidEdge { index: 1, .. })), "{edge:?}: {result:?}");
    }
    assert!(PoseGraph::default().solve().is_err());
    assert!(PoseGraph { nodes: 1, tolerance: 0.0, ..PoseGraph::default() }.solve().is_err());
}

#[test]
fn graphs_at_the_edge_of_sense_answer_without_a_nan() {
    let edge = |pose, information| PoseEdge::new(1, 0, pose, information);
    let half = Isometry3::new(Vector3::zeros(), Vector3::new(std::f64::consts::PI, 0.0, 0.0));
    let graphs = [
        vec![],
        vec![edge(Isometry3::identity(), Matrix6::zeros())],
        vec![edge(half, Matrix6::identity()), edge(Isometry3::identity(), Matrix6::identity())],
        vec![edge(half, Matrix6::identity() * 1e300), edge(half.inverse(), Matrix6::identity() * 1e-300)],
        vec![edge(Isometry3::translation(1e200, 0.0, 0.0), Matrix6::identity()); 3],
    ];
    for edges in graphs {
        let solution = PoseGraph { nodes: 3, edges: edges.clone(), ..PoseGraph::default() }.solve().unwrap();
        let finite = |pose: &Isometry3<f64>| pose.to_homogeneous().iter().all(|value| value.is_finite());
        assert!(solution.part_from_node.iter().all(finite), "{edges:?}: {solution:?}");
    }
}
