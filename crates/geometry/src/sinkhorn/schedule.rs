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

#[cfg(test)]
mod tests {
    use super::blurs;

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
