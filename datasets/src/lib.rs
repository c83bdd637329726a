//! Point clouds made from a seed, with exact ground truth.
//!
//! | maker | clouds | true by construction |
//! |---|---|---|
//! | [`Street`] | consecutive scans of a LiDAR driven through a street | the pose of every scan |
//! | [`Object`] | views of a depth camera around an object | poses, overlap |
//! | [`SphereTorus`], [`Cube`], [`Clusters`] | samples of shapes and densities | their parameters |
//! | [`ClosedForms`] | small clouds | a distance between them, to rounding |
//!
//! Every maker is a set of options with a `make` that checks them and returns a [`Scene`] (closed forms
//! return their own list). Lengths are in metres, angles in radians.
//!
//! # Determinism
//! Every random number is addressed by seed, cloud and point, so the same options give the same bits on
//! any number of threads. Sines, logarithms and exponentials come from the platform's library; between
//! two platforms the last bit of a coordinate may differ.

mod closed_forms;
mod error;
mod object;
mod random;
mod scene;
mod shapes;
mod street;

pub use closed_forms::{ClosedForm, ClosedForms, Quantity};
pub use error::{Error, Result};
pub use object::{Object, ObjectSolid};
pub use scene::{Exact, Scene, SceneCloud};
pub use shapes::{Clusters, Cube, SphereTorus};
pub use street::{Street, StreetSequence, StreetWorld};

/// The examples of the README, compiled and run as tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
