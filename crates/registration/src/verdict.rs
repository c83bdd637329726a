//! Whether a pose is to be believed.

use std::fmt;

use crate::Agreement;

/// What the evidence says about a pose.
///
/// The limits were set between the right poses of 34 pairs of real scans (consistency 0.40 and more, gap 0.18 and less) and the
/// best poses of some hundred pairs that have nothing in common (consistency 0.22 and less, gap 0.20 and more).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// No pose was found that the clouds bear out: what is returned is the best there was, and most likely wrong.
    Failed,
    /// The clouds bear the pose out in part, or another pose as well.
    Doubtful,
    /// The clouds bear the pose out where they meet, and no other one as well.
    Accepted,
}

/// Least consistency of a pose to be accepted, and to be doubted only.
const CONSISTENT: [f64; 2] = [0.34, 0.27];

/// Largest gap of a pose to be accepted, and to be doubted only \[voxels\].
const GAPS: [f64; 2] = [0.2, 0.27];

/// Least share of supported points of a pose to be accepted, and to be doubted only.
const SUPPORTED: [f64; 2] = [0.08, 0.05];

/// Consistency and share of supported points beyond which no other pose is looked for.
const CLEAR: f64 = 0.45;

/// Another pose with more than this share of the score is as good.
const RIVAL: f64 = 0.8;

impl fmt::Display for Verdict {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Failed => "failed",
            Self::Doubtful => "doubtful",
            Self::Accepted => "accepted",
        })
    }
}

impl Verdict {
    /// Judges a pose by its agreement, and by that of the best pose which is not the same.
    pub(crate) fn of(agreement: &Agreement, rival: Option<&Agreement>) -> Self {
        let passes = |level: usize| {
            agreement.consistency >= CONSISTENT[level]
                && agreement.gap <= GAPS[level]
                && agreement.supported >= SUPPORTED[level]
        };
        let rivalled = rival.is_some_and(|rival| rival.score() > RIVAL * agreement.score());
        match (passes(0), passes(1)) {
            (true, _) if !rivalled => Self::Accepted,
            (true, _) | (false, true) => Self::Doubtful,
            (false, false) => Self::Failed,
        }
    }
}

impl Agreement {
    /// Whether no other pose need be looked for.
    pub(crate) fn is_clear(&self) -> bool {
        self.consistency >= CLEAR && self.supported >= 0.5 * CLEAR && self.gap <= GAPS[0]
    }
}
