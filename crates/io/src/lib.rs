//! Reading and writing point clouds, transforms and transport plans.
