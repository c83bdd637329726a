//! Rigid registration over weighted correspondences.
