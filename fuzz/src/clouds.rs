//! What is done with clouds before and beside matching them: neighbours, voxels, normals, samples.

use arbitrary::{Arbitrary, Unstructured};
use barrow::geometry::{
    KdTree, NearestDistances, count_voxels, estimate_normals, median_spacing, sample, voxel_downsample,
};
use nalgebra::Point3;

use crate::questions::{Pair, option};

pub fn nearest(bytes: &[u8]) {
    let Ok(pair) = Pair::arbitrary(&mut Unstructured::new(bytes)) else { return };
    let Some([source, target]) = pair.clouds() else { return };
    let Ok(there) = NearestDistances::between(&source, &target) else { return };
    // The same from the other side, to the bit, and what looking at every pair finds.
    let back = NearestDistances::between(&target, &source).expect("an answer there is one back");
    assert_eq!(there.hausdorff().value, back.hausdorff().value);
    assert_eq!(there.chamfer().value, back.chamfer().value);
    for (index, point) in pair.source.iter().enumerate() {
        let nearest =
            pair.target.iter().map(|other| (other - point).norm_squared()).fold(f64::INFINITY, f64::min);
        let found = there.source_to_target().distances()[index];
        // Squares that vanish are equally near.
        assert!(
            found == nearest.sqrt() || nearest < 1e-290 && found < 1e-140,
            "{found}, not {}",
            nearest.sqrt()
        );
    }
}

pub fn thin(bytes: &[u8]) {
    let mut bytes = Unstructured::new(bytes);
    let Ok(pair) = Pair::arbitrary(&mut bytes) else { return };
    let Some([cloud, _]) = pair.clouds() else { return };
    let size = option(&mut bytes, 0.2 * pair.extent());
    if let Ok(thinned) = voxel_downsample(&cloud, size) {
        assert_eq!(thinned.len(), count_voxels(&cloud, size).expect("what can be thinned can be counted"));
        assert!(thinned.len() <= cloud.len() && thinned.is_empty() == cloud.is_empty());
        // Means lie between what they are means of, but for rounding.
        for axis in 0..3 {
            let of = |points: &[Point3<f64>]| {
                let numbers = points.iter().map(|point| point[axis]);
                numbers.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), number| {
                    (low.min(number), high.max(number))
                })
            };
            let ((low, high), (least, most)) = (of(cloud.positions()), of(thinned.positions()));
            let slack = 1e-12 * pair.extent();
            assert!(least >= low - slack && most <= high + slack, "{least} to {most} of {low} to {high}");
        }
    }
    let tree = KdTree::new(cloud.positions());
    if let Some(spacing) = median_spacing(&cloud, &tree) {
        assert!(spacing >= 0.0 && !spacing.is_nan());
    }
    let neighbors = usize::from(u8::arbitrary(&mut bytes).unwrap_or(0) % 32);
    if let Ok(normals) = estimate_normals(&cloud, &tree, neighbors, &Point3::origin()) {
        assert!(normals.iter().all(|normal| (normal.norm() - 1.0).abs() < 1e-9));
    }
    let count = usize::from(u8::arbitrary(&mut bytes).unwrap_or(0));
    assert_eq!(sample(&cloud, count, 1).len(), count.min(cloud.len()));
}
