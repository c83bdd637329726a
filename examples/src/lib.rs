//! Examples of barrow.
