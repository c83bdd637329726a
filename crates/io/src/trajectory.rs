//! Poses of a sequence in text files, one a line, as KITTI and TUM have them.

use std::fmt;
use std::path::Path;
use std::str::FromStr;

use nalgebra::{Isometry3, Matrix4, Quaternion, Translation3, UnitQuaternion};

use crate::error::{Fault, Outcome, Result};
use crate::number::parse;
use crate::transform::isometry;
use crate::{file, write};

/// How far the length of a quaternion may be from 1: files carry 4 digits, some of them worse.
const LARGEST_DEFECT: f64 = 1e-2;

/// How a line holds a pose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TrajectoryFormat {
    /// Twelve numbers: the upper three rows of the 4 × 4 matrix, one after the other. No times.
    Kitti,
    /// Eight numbers: time, translation x y z, quaternion x y z w.
    Tum,
}

impl TrajectoryFormat {
    /// All names, for messages.
    pub const NAMES: &'static str = "kitti, tum";

    /// The lower-case name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Kitti => "kitti",
            Self::Tum => "tum",
        }
    }
}

impl fmt::Display for TrajectoryFormat {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.name())
    }
}

impl FromStr for TrajectoryFormat {
    type Err = String;

    fn from_str(name: &str) -> std::result::Result<Self, String> {
        [Self::Kitti, Self::Tum]
            .into_iter()
            .find(|format| format.name() == name)
            .ok_or_else(|| format!("unknown format {name:?}; accepted are {}", Self::NAMES))
    }
}

/// Poses in the order of time, `world_from_sensor`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Trajectory {
    /// The poses.
    pub poses: Vec<Isometry3<f64>>,
    /// When each was \[s\]; `None` where the format has no times.
    pub times: Option<Vec<f64>>,
}

/// Reads a trajectory: twelve numbers a line are KITTI, eight TUM. Blanks or commas separate numbers; `#` begins a comment.
///
/// Rotations are replaced by the nearest ones, quaternions brought to unit length. A file without poses gives an empty
/// trajectory.
///
/// # Errors
/// [`Error::Malformed`](crate::Error::Malformed) with the line, if lines are not of one of both kinds, a number is not
/// finite, or a rotation is off by more than 1e-2.
///
/// ```
/// use barrow_io::{Trajectory, TrajectoryFormat};
/// use nalgebra::{Isometry3, Vector3};
///
/// let directory = tempfile::tempdir().unwrap();
/// let path = directory.path().join("poses.txt");
/// let pose = Isometry3::new(Vector3::new(1.0, 2.0, 3.0), Vector3::new(0.1, 0.2, 0.3));
/// let trajectory = Trajectory { poses: vec![Isometry3::identity(), pose], times: Some(vec![0.0, 0.1]) };
/// barrow_io::write_trajectory(&path, &trajectory, TrajectoryFormat::Tum)?;
/// let back = barrow_io::read_trajectory(&path)?;
/// assert_eq!(back.times, trajectory.times);
/// assert!((back.poses[1].to_homogeneous() - pose.to_homogeneous()).abs().max() < 1e-14);
/// # Ok::<(), barrow_io::Error>(())
/// ```
///
/// # References
/// Geiger, Lenz, Urtasun, *Are we ready for autonomous driving?*, CVPR 2012; Sturm et al., *A benchmark for the
/// evaluation of RGB-D SLAM systems*, IROS 2012.
pub fn read_trajectory(path: impl AsRef<Path>) -> Result<Trajectory> {
    let path = path.as_ref();
    let bytes = file::read(path)?;
    parse_trajectory(&bytes).map_err(|fault| fault.named(&file::name(path)))
}

/// Writes a trajectory with 17 significant digits, whole or not at all. Where a trajectory has no times, TUM gets the index of
/// the pose; KITTI has none to write.
///
/// # Errors
/// [`Error::Malformed`](crate::Error::Malformed) if there is not one time for every pose,
/// [`Error::Write`](crate::Error::Write) if the file cannot be written; what was there before stays then.
pub fn write_trajectory(
    path: impl AsRef<Path>,
    trajectory: &Trajectory,
    format: TrajectoryFormat,
) -> Result<()> {
    let path = path.as_ref();
    let Trajectory { poses, times } = trajectory;
    if let Some(times) = times.as_ref().filter(|times| times.len() != poses.len()) {
        let problem = format!("{} times for {} poses", times.len(), poses.len());
        return Err(Fault::file(problem).named(&file::name(path)));
    }
    let line = |(index, pose): (usize, &Isometry3<f64>)| {
        let values: Vec<String> = match format {
            TrajectoryFormat::Kitti => {
                let matrix = pose.to_homogeneous();
                (0..12).map(|at| format!("{:.16e}", matrix[(at / 4, at % 4)])).collect()
            }
            TrajectoryFormat::Tum => {
                let time = times.as_ref().map_or(index as f64, |times| times[index]);
                let numbers = pose.translation.vector.iter().chain(pose.rotation.coords.iter());
                // The shortest text that reads back as the same time: stamps are long and mostly decimal.
                std::iter::once(format!("{time}"))
                    .chain(numbers.map(|value| format!("{value:.16e}")))
                    .collect()
            }
        };
        values.join(" ") + "\n"
    };
    let text: String = poses.iter().enumerate().map(line).collect();
    write::replace(path, &[text.into_bytes()])
}

fn parse_trajectory(bytes: &[u8]) -> Outcome<Trajectory> {
    let (mut poses, mut times) = (Vec::new(), Vec::new());
    for (index, line) in bytes.split(|&byte| byte == b'\n').enumerate() {
        let number = index + 1;
        let line = line.split(|&byte| byte == b'#').next().unwrap_or_default();
        let separators = |byte: &u8| byte.is_ascii_whitespace() || *byte == b',';
        let mut values = Vec::with_capacity(12);
        for word in line.split(separators).filter(|word| !word.is_empty()) {
            let parsed = parse(word).filter(|&(value, length)| length == word.len() && value.is_finite());
            let Some((value, _)) = parsed else {
                let word = String::from_utf8_lossy(&word[..word.len().min(40)]).into_owned();
                return Err(Fault::line(number, format!("{word:?} is not a finite number")));
            };
            values.push(value);
        }
        let at = |fault: Fault| match fault {
            Fault::At(_, problem) => Fault::line(number, problem),
            other => other,
        };
        match values.len() {
            0 => continue,
            12 => poses.push(kitti(&values).map_err(at)?),
            8 => {
                poses.push(tum(&values).map_err(at)?);
                times.push(values[0]);
            }
            other => {
                let problem = format!("{other} numbers; a pose has 12 (kitti) or 8 (tum)");
                return Err(Fault::line(number, problem));
            }
        }
        if !times.is_empty() && times.len() != poses.len() {
            return Err(Fault::line(number, "lines of 8 and of 12 numbers are mixed; a file has one kind"));
        }
    }
    let times = (!times.is_empty()).then_some(times);
    Ok(Trajectory { poses, times })
}

fn kitti(values: &[f64]) -> Outcome<Isometry3<f64>> {
    let last = [0.0, 0.0, 0.0, 1.0];
    let rows = values.iter().copied().chain(last);
    isometry(&Matrix4::from_row_iterator(rows))
}

fn tum(values: &[f64]) -> Outcome<Isometry3<f64>> {
    let quaternion = Quaternion::new(values[7], values[4], values[5], values[6]);
    let norm = quaternion.norm();
    if (norm - 1.0).abs() > LARGEST_DEFECT {
        let problem = format!("a quaternion of length {norm:.4}, accepted is 1 within {LARGEST_DEFECT}");
        return Err(Fault::file(problem));
    }
    let translation = Translation3::new(values[1], values[2], values[3]);
    Ok(Isometry3::from_parts(translation, UnitQuaternion::from_quaternion(quaternion)))
}
