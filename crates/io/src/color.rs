//! Colour values as files hold them, and the 16-bit channels that a cloud holds.

use barrow_geometry::Color;

use crate::scalar::Scalar;

/// How the numbers of a colour column are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ColorScale {
    /// 0 to 255.
    Eight,
    /// 0 to 65535.
    Sixteen,
    /// 0 to 1.
    Unit,
}

impl ColorScale {
    /// The scale that a type tells; any, if there are no colours.
    pub(crate) fn of_type(scalar: Option<Scalar>) -> Option<Self> {
        match scalar {
            None | Some(Scalar::U8 | Scalar::I8) => Some(ColorScale::Eight),
            Some(Scalar::U16 | Scalar::I16) => Some(ColorScale::Sixteen),
            Some(_) => None,
        }
    }

    /// The scale of numbers whose type does not tell: by their largest, and whether all are whole.
    pub(crate) fn of_values(largest: f64, whole: bool) -> Self {
        if largest <= 1.0 && !whole {
            ColorScale::Unit
        } else if largest <= 255.0 {
            ColorScale::Eight
        } else {
            ColorScale::Sixteen
        }
    }

    /// One channel. Out of range saturates, NaN is black.
    pub(crate) fn channel(self, value: f64) -> u16 {
        match self {
            ColorScale::Eight => value.round() as u8 as u16 * 257,
            ColorScale::Sixteen => value.round() as u16,
            ColorScale::Unit => (value * 65535.0).round() as u16,
        }
    }
}

/// The colour in the low 24 bits of a word, red highest, as PCD packs it.
pub(crate) fn unpacked(word: u32) -> Color {
    [16, 8, 0].map(|shift| ((word >> shift) & 0xff) as u16 * 257)
}

/// The word of a colour, rounded to 8 bits a channel.
pub(crate) fn packed(color: Color) -> u32 {
    color.into_iter().fold(0, |word, channel| word << 8 | u32::from(eight_bit(channel)))
}

/// The nearest 8-bit channel.
pub(crate) fn eight_bit(channel: u16) -> u8 {
    ((u32::from(channel) + 128) / 257) as u8
}

/// Whether 8 bits a channel hold all of these colours without loss.
pub(crate) fn is_eight_bit(colors: &[Color]) -> bool {
    colors.iter().flatten().all(|channel| channel % 257 == 0)
}
