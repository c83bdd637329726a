//! Matching 3D point clouds: distances, optimal transport, registration.

pub use barrow_geometry as geometry;
pub use barrow_io as io;
pub use barrow_registration as registration;
