//! Buffers, submissions and limits on whatever device there is.

use nalgebra::Point3;

use super::{Buffer, Gpu, Kernel, Work, device};
use crate::{Backend, Error, Measure, Wasserstein, WassersteinProblem};

const DOUBLE: Kernel = Kernel {
    source: "struct Part { first: u32, count: u32 }
        @group(0) @binding(0) var<uniform> part: Part;
        @group(0) @binding(1) var<storage, read_write> numbers: array<u32>;
        @compute @workgroup_size(1)
        fn double(@builtin(workgroup_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
            let index = part.first + id.x + id.y * groups.x;
            if index < part.count { numbers[index] = 2u * numbers[index] + 1u; }
        }",
    entry: "double",
    constants: &[],
};

fn doubled(gpu: &Gpu, numbers: &[u32], cost: f64) -> crate::Result<Vec<u32>> {
    let buffer: Buffer = gpu.upload(numbers)?;
    let mut work = Work::new(gpu);
    let count = numbers.len() as u32;
    work.run_in_parts(&DOUBLE, |first| [first, count], &[&buffer], numbers.len(), cost)?;
    work.finish()?;
    gpu.download(&buffer, numbers.len())
}

#[test]
fn every_workgroup_runs_once_however_work_is_cut() {
    let Some(gpu) = device() else { return };
    for count in [1, 2, 65_535, 65_536, 65_537, 200_001] {
        let numbers: Vec<u32> = (0..count).collect();
        let expected: Vec<u32> = numbers.iter().map(|number| 2 * number + 1).collect();
        for cost in [0.0, 1e8] {
            assert!(doubled(&gpu, &numbers, cost).unwrap() == expected, "{count} at {cost}");
        }
    }
    assert!(doubled(&gpu, &[], 1.0).unwrap().is_empty());
}

#[test]
fn what_exceeds_a_limit_is_refused_by_name() {
    let Ok(gpu) = Gpu::open_limited(1 << 16) else { return };
    assert_eq!(gpu.capacity::<u32>(), 1 << 14);
    assert!(gpu.upload(&vec![1u32; 1 << 14]).is_ok());
    let refused = gpu.upload(&vec![1u32; (1 << 14) + 1]).err();
    assert_eq!(
        refused,
        Some(Error::DeviceLimit { what: "bytes of a buffer", needed: (1 << 16) + 4, limit: 1 << 16 })
    );
    assert!(matches!(Gpu::open_limited(1000), Err(Error::DeviceLimit { .. })));
}

fn lose(gpu: &Gpu) {
    let buffer = gpu.upload(&[1u32]).unwrap();
    let broken = Kernel { source: "fn nothing() {}", entry: "nothing", constants: &[] };
    let refused = Work::new(gpu).run(&broken, &[0u32, 1], &[&buffer], 1, 1.0);
    assert!(matches!(refused, Err(Error::DeviceLost { .. })));
}

#[test]
fn a_broken_kernel_is_an_error_and_not_the_end() {
    let Some(gpu) = device() else { return };
    lose(&gpu);
    // Lost for good.
    assert!(matches!(gpu.upload(&[1u32]), Err(Error::DeviceLost { .. })));
}

#[test]
fn a_run_whose_device_is_lost_says_so_until_the_end() {
    let Some(gpu) = device() else { return };
    let cloud = |shift: f64| -> Vec<Point3<f64>> {
        (0..700)
            .map(|i| Point3::new((1.3 * i as f64).sin(), (i as f64).cos() + shift, 0.01 * i as f64))
            .collect()
    };
    let (source, target) = (cloud(0.0), cloud(5.0));
    let (a, b) = (Measure::uniform(&source).unwrap(), Measure::uniform(&target).unwrap());
    let problem = WassersteinProblem::new(a, b);
    let backend = Backend::Gpu(gpu.clone());
    let mut run = Wasserstein { gap: 0.0, ..Wasserstein::default() }.start_on(&problem, &backend).unwrap();
    assert!(run.step().unwrap().is_some());
    lose(&gpu);
    for _ in 0..2 {
        assert!(matches!(run.step(), Err(Error::DeviceLost { .. })));
    }
    assert!(matches!(run.finish(), Err(Error::DeviceLost { .. })));
}

#[test]
fn every_kernel_has_a_rate_and_computes_what_it_should() {
    let Some(gpu) = device() else { return };
    let (peaks, rates) = (gpu.peaks().unwrap(), gpu.kernel_rates(256).unwrap());
    for (rate, error) in peaks.iter().map(|peak| (peak, 1e-5)).chain(rates.iter().map(|rate| {
        let error = match (rate.unit, rate.kernel) {
            // Bits, of which potentials have hundreds.
            ("pairs", _) => 1e-3,
            ("queries", _) => 0.02,
            (_, "project_keys") => 1e-9,
            (_, kernel) if kernel.ends_with("cost") => 1e-5,
            _ => 0.0,
        };
        (rate, error)
    })) {
        assert!(rate.per_second() > 0.0 && rate.per_second().is_finite(), "{rate:?}");
        assert!(rate.error <= error, "{rate:?}");
        assert!(rate.share_of(&peaks).is_none_or(|share| share > 0.0 && share.is_finite()), "{rate:?}");
    }
    assert!(
        peaks.iter().all(|peak| peak.share_of(&peaks).is_some_and(|share| (share - 1.0).abs() < 1e-9)),
        "{peaks:?}"
    );
    let names: Vec<_> = rates.iter().map(|rate| rate.kernel).collect();
    for name in ["softmin_dense", "row_means", "scatter_keys", "weighted_cost", "lowest, reduced costs"] {
        assert!(names.contains(&name), "{names:?}");
    }
    for points in [0, 63, (1 << 24) + 1] {
        assert!(matches!(gpu.kernel_rates(points), Err(Error::InvalidOption { name: "points", .. })));
    }
}
