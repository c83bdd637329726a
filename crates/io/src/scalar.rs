//! Number types of binary files, and columns of them gathered out of rows of bytes.

/// A number type, as PLY, PCD, VTK and NPY name them in their own ways.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scalar {
    I8,
    U8,
    I16,
    U16,
    I32,
    U32,
    I64,
    U64,
    F32,
    F64,
}

/// The order of the bytes of a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Endian {
    Little,
    Big,
}

impl Scalar {
    /// Bytes of one number.
    pub(crate) fn size(self) -> usize {
        match self {
            Scalar::I8 | Scalar::U8 => 1,
            Scalar::I16 | Scalar::U16 => 2,
            Scalar::I32 | Scalar::U32 | Scalar::F32 => 4,
            Scalar::I64 | Scalar::U64 | Scalar::F64 => 8,
        }
    }

    pub(crate) fn is_float(self) -> bool {
        matches!(self, Scalar::F32 | Scalar::F64)
    }

    /// One number from the beginning of some bytes; the caller has checked that they are enough.
    pub(crate) fn read(self, endian: Endian, bytes: &[u8]) -> f64 {
        let mut value = 0.0;
        gather(self, endian, bytes, self.size(), 1, |_, number| value = number);
        value
    }
}

/// Calls `put(row, value)` for `rows` numbers that lie `stride` bytes apart, the first at the first byte.
///
/// One loop per number type, chosen once, so that the type costs nothing per value. The bytes may end
/// with the last number.
///
/// # Panics
/// If a row is cut off: callers measure first.
#[inline]
pub(crate) fn gather(
    scalar: Scalar,
    endian: Endian,
    bytes: &[u8],
    stride: usize,
    rows: usize,
    mut put: impl FnMut(usize, f64),
) {
    macro_rules! each {
        ($number:ty, $from:ident) => {{
            const SIZE: usize = size_of::<$number>();
            for (row, chunk) in bytes.chunks(stride).take(rows).enumerate() {
                let mut word = [0; SIZE];
                word.copy_from_slice(&chunk[..SIZE]);
                put(row, <$number>::$from(word) as f64);
            }
        }};
    }
    match (scalar, endian) {
        (Scalar::I8, _) => each!(i8, from_le_bytes),
        (Scalar::U8, _) => each!(u8, from_le_bytes),
        (Scalar::I16, Endian::Little) => each!(i16, from_le_bytes),
        (Scalar::U16, Endian::Little) => each!(u16, from_le_bytes),
        (Scalar::I32, Endian::Little) => each!(i32, from_le_bytes),
        (Scalar::U32, Endian::Little) => each!(u32, from_le_bytes),
        (Scalar::I64, Endian::Little) => each!(i64, from_le_bytes),
        (Scalar::U64, Endian::Little) => each!(u64, from_le_bytes),
        (Scalar::F32, Endian::Little) => each!(f32, from_le_bytes),
        (Scalar::F64, Endian::Little) => each!(f64, from_le_bytes),
        (Scalar::I16, Endian::Big) => each!(i16, from_be_bytes),
        (Scalar::U16, Endian::Big) => each!(u16, from_be_bytes),
        (Scalar::I32, Endian::Big) => each!(i32, from_be_bytes),
        (Scalar::U32, Endian::Big) => each!(u32, from_be_bytes),
        (Scalar::I64, Endian::Big) => each!(i64, from_be_bytes),
        (Scalar::U64, Endian::Big) => each!(u64, from_be_bytes),
        (Scalar::F32, Endian::Big) => each!(f32, from_be_bytes),
        (Scalar::F64, Endian::Big) => each!(f64, from_be_bytes),
    }
}
