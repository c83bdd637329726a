//! What the columns of a text without a header mean, judged by the values of its first lines.

use crate::role::Role;

/// The roles of `width` columns, from a sample of rows.
///
/// Two columns are x y; three x y z; a fourth alone is intensity. Of further triples, unit vectors are
/// normals and whole numbers from 0 to 255 are colours; `x y z i r g b` is the habit of PTS. Columns whose
/// meaning does not show are not carried.
pub(crate) fn roles(width: usize, sample: &[Vec<f64>]) -> Vec<Option<Role>> {
    let mut roles = vec![None; width];
    for (axis, role) in roles.iter_mut().take(3).enumerate() {
        *role = Some(Role::Position(axis));
    }
    let (mut normals, mut colors) = (false, false);
    let mut at = 3;
    while at < width {
        let triple = at + 3 <= width;
        if triple && !normals && are_normals(sample, at) {
            (0..3).for_each(|axis| roles[at + axis] = Some(Role::Normal(axis)));
            normals = true;
            at += 3;
        } else if triple && !colors && are_colors(sample, at) && (width - at).is_multiple_of(3) {
            (0..3).for_each(|channel| roles[at + channel] = Some(Role::Color(channel)));
            colors = true;
            at += 3;
        } else {
            let alone = width == 4 || (at == 3 && (width - at) % 3 == 1);
            roles[at] = (at == 3 && alone).then_some(Role::Intensity);
            at += 1;
        }
    }
    roles
}

fn are_colors(sample: &[Vec<f64>], at: usize) -> bool {
    let color = |value: &f64| value.fract() == 0.0 && (0.0..=255.0).contains(value);
    sample.iter().all(|row| row[at..at + 3].iter().all(color))
}

/// Unit vectors, or zero where the sensor had none.
fn are_normals(sample: &[Vec<f64>], at: usize) -> bool {
    let mut any = false;
    let mut unit = |row: &Vec<f64>| {
        let length = row[at..at + 3].iter().map(|value| value * value).sum::<f64>().sqrt();
        any |= length > 0.5;
        length == 0.0 || length.is_nan() || (length - 1.0).abs() < 1e-2
    };
    sample.iter().all(&mut unit) && any
}
