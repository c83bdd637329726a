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
const CONSISTENT: [f64; 2] = [0.36, 0.27];

/// Largest gap of a pose to be accepted, and to be doubted only \[voxels\].
const GAPS: [f64; 2] = [0.2, 0.27];

/// Least share of supported points of a pose to be accepted, and to be doubted only.
const SUPPORTED: [f64; 2] = [0.15, 0.05];

/// Least consistency of a pose that is accepted with a share of supported points that is only enough to be doubted.
const CERTAIN: f64 = 0.55;

/// Share of supported points beyond which no other pose is looked for, if the consistency is certain.
const CLEAR: f64 = 0.25;

/// Another pose with more than this share of the score is as good.
const RIVAL: f64 = 0.6;

/// The same where the balanced consistency is below [`WEAK`]. Of streets and rooms with a third in common, poses turned by half a turn
/// have reached 0.25, with others at 0.23 of their score; right poses of real scans 0.25 as well, with others at 0.17.
const RIVAL_OF_WEAK: f64 = 0.2;

/// Balanced consistency below which all that is not large and flat speaks neither for a pose nor against it.
const WEAK: f64 = 0.28;

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
        let supported = if agreement.consistency >= CERTAIN { [SUPPORTED[1]; 2] } else { SUPPORTED };
        let passes = |level: usize| {
            agreement.consistency >= CONSISTENT[level]
                && agreement.gap <= GAPS[level]
                && agreement.supported >= supported[level]
        };
        let as_good = if agreement.balanced < WEAK { RIVAL_OF_WEAK } else { RIVAL };
        let rivalled = rival.is_some_and(|rival| rival.score() > as_good * agreement.score());
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
        self.consistency >= CERTAIN && self.supported >= CLEAR && self.gap <= GAPS[0]
    }
}
