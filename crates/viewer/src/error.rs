//! What can go wrong with looking.

use crate::device::SIDES;

/// Why there is nothing to look at.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No cloud has a point.
    #[error("there is nothing to see: no cloud has a point")]
    Empty,
    /// A picture that no device draws.
    #[error("a picture must be {} to {} pixels wide and high, got {width}x{height}", SIDES.start(), SIDES.end())]
    Size {
        /// Asked for \[pixel\].
        width: u32,
        /// Asked for \[pixel\].
        height: u32,
    },
    /// A color that needs what the scene has not.
    #[error("points cannot be colored by {by}: {missing}")]
    NoValues {
        /// What was asked for.
        by: crate::ColorBy,
        /// What that would need.
        missing: &'static str,
    },
    /// Nowhere to open a window.
    #[error("there is no display to open a window on: {reason}")]
    NoDisplay {
        /// What the system says.
        reason: String,
    },
    /// Nothing that could draw.
    #[error("there is no graphics device to draw with, not even one in software: {reason}")]
    NoDevice {
        /// What the system says.
        reason: String,
    },
    /// The window or the drawing broke down.
    #[error("drawing broke down: {reason}")]
    Broken {
        /// What was said.
        reason: String,
    },
    /// A plan that is not one of these clouds.
    #[error(transparent)]
    Geometry(#[from] barrow_geometry::Error),
    /// A registration that cannot be started or went wrong.
    #[error(transparent)]
    Registration(#[from] barrow_registration::Error),
}

/// An answer or an [`enum@Error`].
pub type Result<T> = std::result::Result<T, Error>;
