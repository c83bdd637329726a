//! The sequence of blurs that annealing walks down.

/// Blurs from `first` down to `last`, each `scaling` times the one before; ends exactly with `last`.
///
/// A `first` that is not above `last` gives `last` alone.
pub(crate) fn blurs(first: f64, last: f64, scaling: f64) -> Vec<f64> {
    std::iter::successors(Some(first), |blur| Some(blur * scaling))
        .take_while(|&blur| blur > last)
        .chain([last])
        .collect()
}

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
    if let Some(&Stage { blur, level }) = stages.last() {
        // The last blur is not left to the points alone: what is settled on cells costs little.
        stages.extend((0..level).rev().map(|level| Stage { blur, level }));
    }
    stages
}

#[cfg(test)]
mod tests {
    use super::{Stage, blurs, stages};

    #[test]
    fn every_blur_has_the_coarsest_cells_that_it_does_not_see() {
        let stage = |blur, level| Stage { blur, level };
        assert_eq!(stages(&[4.0, 2.0, 1.0], &[]), [stage(4.0, 0), stage(2.0, 0), stage(1.0, 0)]);
        assert_eq!(stages(&[4.0, 2.0, 1.0], &[1.5, 3.0]), [stage(4.0, 2), stage(2.0, 1), stage(1.0, 0)]);
        assert_eq!(stages(&[1.0], &[0.5, 1.0]), [stage(1.0, 2), stage(1.0, 1), stage(1.0, 0)]);
    }

    #[test]
    fn falls_geometrically_and_ends_at_the_last() {
        assert_eq!(blurs(1.0, 0.2, 0.5), [1.0, 0.5, 0.25, 0.2]);
        assert_eq!(blurs(1.0, 0.25, 0.5), [1.0, 0.5, 0.25]);
        let blurs = blurs(37.0, 1e-3, 0.9);
        assert!(blurs.windows(2).all(|pair| pair[1] < pair[0] && pair[1] >= 0.9 * pair[0] * (1.0 - 1e-12)));
    }

    #[test]
    fn a_first_below_the_last_anneals_nothing() {
        assert_eq!(blurs(0.1, 0.2, 0.5), [0.2]);
        assert_eq!(blurs(0.0, 0.2, 0.5), [0.2]);
    }
}
