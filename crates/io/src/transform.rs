//! Poses in text files: four lines of four numbers.

use std::path::Path;

use nalgebra::{Isometry3, Matrix3, Matrix4, Rotation3, Similarity3, Translation3, UnitQuaternion, Vector3};

use crate::error::{Fault, Outcome, Result};
use crate::number::parse;
use crate::{file, write};

/// How far singular values of the rotation may be from 1: files carry 6 digits, some of them worse.
const LARGEST_DEFECT: f64 = 1e-2;

/// Reads a pose: four lines of four numbers, separated by blanks or commas; `#` begins a comment.
///
/// The rotation is replaced by the nearest one, R = U Vᵀ of its singular value decomposition, so that
/// few digits in the file do not bend what it moves.
///
/// # Errors
/// If there are not 16 numbers, the last row is not 0 0 0 1, or the rotation is off by more than 1e-2: the message names the
/// defect, such as a scale or a reflection.
///
/// ```
/// use nalgebra::{Isometry3, Vector3};
///
/// let directory = tempfile::tempdir().unwrap();
/// let path = directory.path().join("pose.txt");
/// let pose = Isometry3::new(Vector3::new(1.0, 2.0, 3.0), Vector3::new(0.1, 0.2, 0.3));
/// barrow_io::write_transform(&path, &pose)?;
/// let back = barrow_io::read_transform(&path)?;
/// assert!((back.to_homogeneous() - pose.to_homogeneous()).abs().max() < 1e-15);
/// # Ok::<(), barrow_io::Error>(())
/// ```
///
/// # References
/// Arun, Huang, Blostein, "Least-squares fitting of two 3-D point sets", 1987 (the projection onto SO(3)).
pub fn read_transform(path: impl AsRef<Path>) -> Result<Isometry3<f64>> {
    let path = path.as_ref();
    let bytes = file::read(path)?;
    parse_transform(&bytes).map_err(|fault| fault.named(&file::name(path)))
}

/// Writes a pose as four lines of four numbers with 17 significant digits.
///
/// # Errors
/// [`Error::Write`](crate::Error::Write) if the file cannot be written; what was there before stays then.
pub fn write_transform(path: impl AsRef<Path>, target_from_source: &Isometry3<f64>) -> Result<()> {
    write_matrix(path.as_ref(), &target_from_source.to_homogeneous())
}

/// Writes a pose with a scale as [`write_transform`] does; [`read_transform`] refuses it, for it is not rigid.
///
/// # Errors
/// As [`write_transform`].
pub fn write_similarity(path: impl AsRef<Path>, target_from_source: &Similarity3<f64>) -> Result<()> {
    write_matrix(path.as_ref(), &target_from_source.to_homogeneous())
}

fn write_matrix(path: &Path, matrix: &Matrix4<f64>) -> Result<()> {
    let line =
        |row: usize| (0..4).map(|column| format!("{:.16e}", matrix[(row, column)])).collect::<Vec<_>>();
    let text: String = (0..4).map(|row| line(row).join(" ") + "\n").collect();
    write::replace(path, &[text.into_bytes()])
}

fn parse_transform(bytes: &[u8]) -> Outcome<Isometry3<f64>> {
    let mut values: Vec<f64> = Vec::with_capacity(16);
    for (number, line) in bytes.split(|&byte| byte == b'\n').enumerate() {
        let line = line.split(|&byte| byte == b'#').next().unwrap_or_default();
        let separators = |byte: &u8| byte.is_ascii_whitespace() || *byte == b',';
        let before = values.len();
        for word in line.split(separators).filter(|word| !word.is_empty()) {
            let parsed = parse(word).filter(|&(value, length)| length == word.len() && value.is_finite());
            let Some((value, _)) = parsed else {
                let word = String::from_utf8_lossy(&word[..word.len().min(40)]).into_owned();
                return Err(Fault::line(number + 1, format!("{word:?} is not a finite number")));
            };
            values.push(value);
        }
        let found = values.len() - before;
        if found != 0 && found != 4 {
            return Err(Fault::line(number + 1, format!("{found} numbers, a transform has four lines of 4")));
        }
        if values.len() > 16 {
            return Err(Fault::line(number + 1, "a fifth line of numbers, a transform has four"));
        }
    }
    if values.len() != 16 {
        return Err(Fault::file(format!("{} numbers, a transform has 16", values.len())));
    }
    isometry(&Matrix4::from_row_slice(&values))
}

/// The nearest rigid motion of a matrix that is nearly one.
pub(crate) fn isometry(matrix: &Matrix4<f64>) -> Outcome<Isometry3<f64>> {
    let last = matrix.row(3);
    if (0..4).any(|column| (last[column] - f64::from(u8::from(column == 3))).abs() > 1e-9) {
        return Err(Fault::file(format!(
            "the last row is {} {} {} {}, a rigid transform has 0 0 0 1",
            last[0], last[1], last[2], last[3]
        )));
    }
    let linear: Matrix3<f64> = matrix.fixed_view::<3, 3>(0, 0).into_owned();
    let svd = linear.svd(true, true);
    let (Some(u), Some(v_t)) = (svd.u, svd.v_t) else {
        return Err(Fault::file("the rotation has no singular value decomposition"));
    };
    let scales = svd.singular_values;
    let scale = scales.mean();
    if scales.iter().any(|value| (value - 1.0).abs() > LARGEST_DEFECT) {
        let uniform = scales.iter().all(|value| (value - scale).abs() <= LARGEST_DEFECT * scale);
        let defect = match uniform {
            true => format!("scale {scale:.4}"),
            false => format!("singular values {:.4} {:.4} {:.4}", scales[0], scales[1], scales[2]),
        };
        return Err(Fault::file(format!(
            "not a rigid transform: {defect}, accepted is 1 within {LARGEST_DEFECT}"
        )));
    }
    let rotation = u * v_t;
    if rotation.determinant() < 0.0 {
        return Err(Fault::file("not a rigid transform: its determinant is -1, a reflection"));
    }
    let rotation = UnitQuaternion::from_rotation_matrix(&Rotation3::from_matrix_unchecked(rotation));
    let translation: Vector3<f64> = matrix.fixed_view::<3, 1>(0, 3).into_owned();
    Ok(Isometry3::from_parts(Translation3::from(translation), rotation))
}
