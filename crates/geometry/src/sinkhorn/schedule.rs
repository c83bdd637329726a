//! The sequence of blurs that annealing walks down.

/// Blurs from `first` down to `last` in as few equal ratios as are not below `scaling`; ends exactly with `last`.
///
/// A `first` that is not above `last` gives `last` alone.
pub(crate) fn blurs(first: f64, last: f64, scaling: f64) -> Vec<f64> {
    let ratio = last / first;
    // Not one more for what rounding makes of a ratio that fits.
    let steps = (ratio.ln() / scaling.ln() - 1e-9).ceil();
    if !(ratio < 1.0 && steps.is_finite()) {
        return vec![last];
    }
    (0..steps as usize).map(|step| first * ratio.powf(step as f64 / steps)).chain([last]).collect()
}

/// Ratio of successive blurs on points, once there have been cells.
const POINT_SCALING: f64 = 0.4;

/// One blur on points (level 0) or on cells (the coarser, the higher).
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Stage {
    pub blur: f64,
    pub level: usize,
}

/// The stages of falling blurs, each on the coarsest level that its blur does not see, and at last on the points.
/// `levels[k]` is the smallest blur for the cells of level k + 1, ascending.
pub(super) fn stages(blurs: &[f64], levels: &[f64]) -> Vec<Stage> {
    let coarsest = |&blur: &f64| Stage { blur, level: levels.partition_point(|&smallest| smallest <= blur) };
    let mut stages: Vec<Stage> = blurs.iter().map(coarsest).collect();
    let on_points = stages.partition_point(|stage| stage.level > 0);
    if 0 < on_points && on_points < stages.len() {
        // Points cost most, and their plan as a matrix mends what larger steps leave.
        let (from, last) = (stages[on_points - 1].blur, stages[stages.len() - 1].blur);
        stages.truncate(on_points);
        let rest = self::blurs(from, last, POINT_SCALING).into_iter().skip(1);
        stages.extend(rest.map(|blur| Stage { blur, level: 0 }));
    }
    if let Some(&Stage { blur, level }) = stages.last() {
        // The last blur is not left to the points alone: what is settled on cells costs little.
        stages.extend((0..level).rev().map(|level| Stage { blur, level }));
    }
    stages
}

/// The smallest blur of every level, of those that are stages.
#[cfg(feature = "gpu")]
pub(super) fn finest(stages: &[Stage]) -> Vec<f64> {
    let levels = stages.iter().map(|stage| stage.level + 1).max().unwrap_or(0);
    let mut finest = vec![f64::INFINITY; levels];
    for stage in stages {
        finest[stage.level] = finest[stage.level].min(stage.blur);
    }
    finest
}

#[cfg(test)]
mod tests {
    use super::{Stage, blurs, stages};

    #[test]
    fn every_blur_has_the_coarsest_cells_that_it_does_not_see() {
        let stage = |blur, level| Stage { blur, level };
        assert_eq!(stages(&[4.0, 2.0, 1.0], &[]), [stage(4.0, 0), stage(2.0, 0), stage(1.0, 0)]);
        assert_eq!(stages(&[4.0, 2.0, 1.0], &[1.5, 3.0]), [stage(4.0, 2), stage(2.0, 1), stage(1.0, 0)]);
        // On points after cells, in larger steps.
        assert_eq!(stages(&[2.4, 1.7, 1.0], &[2.0]), [stage(2.4, 1), stage(1.0, 0)]);
        assert_eq!(stages(&[4.0, 1.0], &[3.0]), [stage(4.0, 1), stage(2.0, 0), stage(1.0, 0)]);
        assert_eq!(stages(&[1.0], &[0.5, 1.0]), [stage(1.0, 2), stage(1.0, 1), stage(1.0, 0)]);
    }

    #[test]
    fn falls_geometrically_and_ends_at_the_last() {
        assert_eq!(blurs(1.0, 0.25, 0.5), [1.0, 0.5, 0.25]);
        let between = blurs(1.0, 0.2, 0.5);
        assert_eq!((between.len(), between[0], between[3]), (4, 1.0, 0.2));
        for scaling in [0.9, 0.5, 0.3] {
            let blurs = blurs(37.0, 1e-3, scaling);
            let ratios: Vec<f64> = blurs.windows(2).map(|pair| pair[1] / pair[0]).collect();
            assert!(ratios.iter().all(|ratio| *ratio < 1.0 && *ratio >= scaling * (1.0 - 1e-9)));
            assert!(ratios.iter().all(|ratio| (ratio / ratios[0] - 1.0).abs() < 1e-9));
        }
    }

    #[test]
    fn a_first_below_the_last_anneals_nothing() {
        assert_eq!(blurs(0.1, 0.2, 0.5), [0.2]);
        assert_eq!(blurs(0.0, 0.2, 0.5), [0.2]);
    }
}
