//! Point clouds made from a seed, with exact ground truth.
