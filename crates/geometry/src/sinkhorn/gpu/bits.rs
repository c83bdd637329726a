//! Numbers of bits as the device holds them: whole numbers and parts.

use bytemuck::{Pod, Zeroable};

/// whole + part, 0 ≤ part ≤ 1: 31 bits before the point and 24 behind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Pod, Zeroable)]
#[repr(C)]
pub(super) struct Bits {
    pub whole: i32,
    pub part: f32,
}

impl From<f64> for Bits {
    fn from(value: f64) -> Self {
        let whole = value.floor();
        Self { whole: whole as i32, part: (value - whole) as f32 }
    }
}

impl From<Bits> for f64 {
    fn from(bits: Bits) -> Self {
        Self::from(bits.whole) + Self::from(bits.part)
    }
}

/// A factor from 0 to 2¹⁵.
#[derive(Debug, Clone, Copy, Default, PartialEq, Pod, Zeroable)]
#[repr(C)]
pub(super) struct Factor {
    units: u32,
    /// Times 2⁻³².
    fraction: u32,
    rounded: f32,
    /// What is left beyond 2⁻³².
    tail: f32,
}

impl From<f64> for Factor {
    fn from(value: f64) -> Self {
        let fine = value.fract() * 2f64.powi(32);
        let tail = (fine.fract() * 2f64.powi(-32)) as f32;
        Self { units: value as u32, fraction: fine as u32, rounded: value as f32, tail }
    }
}
