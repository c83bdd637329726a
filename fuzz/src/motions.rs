//! Registrations and deformations of any small clouds: an error, or an answer that keeps what it promises.

use arbitrary::{Arbitrary, Unstructured};
use barrow::registration::{Aligner, Deformer, Method, SimilarityAligner};
use nalgebra::{Isometry3, Point3};

use crate::questions::{Pair, option};

fn given(is_given: bool, bytes: &mut Unstructured, sensible: f64) -> Option<f64> {
    is_given.then(|| option(bytes, sensible))
}

pub fn register(bytes: &[u8]) {
    let mut bytes = Unstructured::new(bytes);
    let Ok(pair) = Pair::arbitrary(&mut bytes) else { return };
    let Some([source, target]) = pair.clouds() else { return };
    let kind = u8::arbitrary(&mut bytes).unwrap_or(0);
    let method = [Method::Auto, Method::Transport, Method::Gicp, Method::PointToPlane, Method::PointToPoint]
        [usize::from(kind % 5)];
    let shift = [0.0; 3].map(|zero: f64| zero + option(&mut bytes, 0.1 * pair.extent()));
    let start = Isometry3::translation(shift[0], shift[1], shift[2]);
    let is_start = start.to_homogeneous().iter().all(|number| number.is_finite());
    let aligner = Aligner {
        method,
        initial: (kind & 64 == 0 && is_start).then_some(start),
        voxel_size: given(kind & 128 == 0, &mut bytes, 0.1 * pair.extent()),
        max_iterations: 20,
        ..Aligner::default()
    };
    let Ok(found) = aligner.align(&source, &target) else { return };
    let pose = found.target_from_source;
    assert!(pose.to_homogeneous().iter().all(|number| number.is_finite()));
    assert!((pose.rotation.quaternion().norm() - 1.0).abs() < 1e-9);
    assert!((0.0..=1.0).contains(&found.fitness) && (0.0..=1.0).contains(&found.overlap));
    let first: Option<&Point3<f64>> = source.positions().first();
    assert!(first.is_none_or(|point| (pose * point).iter().all(|number| number.is_finite())));
}

pub fn similarity(bytes: &[u8]) {
    let mut bytes = Unstructured::new(bytes);
    let Ok(pair) = Pair::arbitrary(&mut bytes) else { return };
    let Some([source, target]) = pair.clouds() else { return };
    let aligner = Aligner { max_iterations: 5, ..Aligner::default() };
    let Ok(found) = (SimilarityAligner { aligner, range: option(&mut bytes, 2.0) }).align(&source, &target)
    else {
        return;
    };
    let pose = found.target_from_source;
    assert!(pose.scaling() > 0.0 && pose.to_homogeneous().iter().all(|number| number.is_finite()));
    assert!((pose.isometry.rotation.quaternion().norm() - 1.0).abs() < 1e-9);
    assert!((0.0..=1.0).contains(&found.registration.fitness));
}

pub fn deform(bytes: &[u8]) {
    let mut bytes = Unstructured::new(bytes);
    let Ok(pair) = Pair::arbitrary(&mut bytes) else { return };
    let Some([source, target]) = pair.measures() else { return };
    let kind = u8::arbitrary(&mut bytes).unwrap_or(0);
    let deformer = Deformer {
        stiffness: if kind & 1 == 0 { 0.01 } else { option(&mut bytes, 0.01) },
        width: given(kind & 2 != 0, &mut bytes, pair.extent()),
        blur: given(kind & 4 != 0, &mut bytes, 0.1 * pair.extent()),
        reach: if kind & 8 == 0 { 1.0 } else { option(&mut bytes, 1.0) },
        scale: kind & 16 == 0,
        initial: (kind & 32 == 0).then(Isometry3::identity),
        scaling: 0.7,
        max_iterations: 5,
        ..Deformer::default()
    };
    let Ok(mut run) = deformer.start(source, target) else { return };
    while let Ok(Some(step)) = run.step() {
        assert!(step.motion.is_finite() && step.rmse.is_finite());
    }
    let found = run.finish();
    assert_eq!(found.displacements.len(), source.len());
    assert!(found.displacements.iter().all(|moved| moved.iter().all(|number| number.is_finite())));
    assert!(found.scale() > 0.0 && found.scale().is_finite());
    assert!(found.target_from_source().to_homogeneous().iter().all(|number| number.is_finite()));
}
