//! Makes drives with exact poses for `benches/registration/odometry.py`, and follows them.
//!
//!     odometry make FOLDER --scans 500 --points 30000 [--distorted] [--seed 0] [--turn-rate 0.05]
//!     odometry run FOLDER
//!
//! A folder holds `points.f64` (x, y, z, time of every point, little endian), `counts.json` (points of every scan), and
//! `start.txt` and `end.txt`: where the sensor was when a scan began and when it ended, as KITTI has it. `run` reads
//! all of it first, times every scan, writes `barrow.txt`, and prints the seconds of every scan as JSON.

use std::io::Write;
use std::path::Path;

use barrow::geometry::PointCloud;
use barrow::registration::Odometry;
use barrow_datasets::Street;
use nalgebra::{Isometry3, Point3};

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

fn main() -> Outcome<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let value = |name: &str, default: f64| -> Outcome<f64> {
        match arguments.iter().position(|argument| argument == name) {
            Some(at) => Ok(arguments.get(at + 1).ok_or(format!("{name} needs a number"))?.parse()?),
            None => Ok(default),
        }
    };
    let folder = arguments.get(1).ok_or("odometry make|run FOLDER")?;
    match arguments[0].as_str() {
        "make" => {
            let street = Street {
                scans: value("--scans", 500.0)? as usize,
                points: value("--points", 30_000.0)? as usize,
                seed: value("--seed", 0.0)? as u64,
                turn_rate: value("--turn-rate", 0.05)?,
                motion_distortion: arguments.iter().any(|argument| argument == "--distorted"),
                ..Street::default()
            };
            make(Path::new(folder), &street)
        }
        "run" => run(Path::new(folder), !arguments.iter().any(|argument| argument == "--no-deskew")),
        other => Err(format!("{other}: not make or run").into()),
    }
}

/// Duration of a revolution, which a scan begins and ends with \[s\].
const REVOLUTION: f64 = 0.1;

fn make(folder: &Path, street: &Street) -> Outcome<()> {
    std::fs::create_dir_all(folder)?;
    let sequence = street.sequence()?;
    let mut points = std::io::BufWriter::new(std::fs::File::create(folder.join("points.f64"))?);
    let (mut counts, mut start, mut end) = (Vec::new(), String::new(), String::new());
    for scan in 0..sequence.len() {
        let cloud = sequence.scan(scan)?;
        let times = cloud.points.times().ok_or("a street's points have times")?;
        for (point, time) in cloud.points.positions().iter().zip(times) {
            for value in [point.x, point.y, point.z, *time] {
                points.write_all(&value.to_le_bytes())?;
            }
        }
        counts.push(cloud.points.len());
        start += &line(&cloud.world_from_cloud);
        let ended = street.interval * scan as f64 + if street.motion_distortion { REVOLUTION } else { 0.0 };
        end += &line(&street.world_from_sensor_at(ended));
    }
    std::fs::write(folder.join("counts.json"), serde_json::to_string(&counts)?)?;
    std::fs::write(folder.join("start.txt"), start)?;
    std::fs::write(folder.join("end.txt"), end)?;
    Ok(())
}

/// Follows a drive, and prints how long every scan took.
fn run(folder: &Path, deskew: bool) -> Outcome<()> {
    let scans = read(folder)?;
    let mut run = Odometry { deskew, ..Odometry::default() }.start()?;
    for scan in &scans {
        run.push(scan);
    }
    let track = run.finish();
    let text: String = track.poses().iter().map(line).collect();
    std::fs::write(folder.join("barrow.txt"), text)?;
    let seconds: Vec<f64> = track.steps.iter().map(|step| step.seconds).collect();
    let lost = track.steps.iter().filter(|step| !step.tracking.is_measured()).count();
    let answer = serde_json::json!({ "seconds": seconds, "lost": lost, "voxel_size": track.voxel_size });
    println!("{answer}");
    if std::env::var_os("BARROW_STEPS").is_some() {
        for step in &track.steps {
            eprintln!(
                "{} {} points {} fitness {:.3} rmse {:.4} threshold {:.2} deviation {:.3} iterations {} weak {} {:.1} ms",
                step.scan,
                step.tracking,
                step.points,
                step.fitness,
                step.inlier_rmse.unwrap_or(f64::NAN),
                step.threshold,
                step.deviation,
                step.iterations,
                step.degenerate_directions.len(),
                1e3 * step.seconds
            );
        }
    }
    Ok(())
}

fn read(folder: &Path) -> Outcome<Vec<PointCloud>> {
    let counts: Vec<usize> = serde_json::from_slice(&std::fs::read(folder.join("counts.json"))?)?;
    let bytes = std::fs::read(folder.join("points.f64"))?;
    let mut values = bytes.as_chunks::<8>().0.iter().map(|&bytes| f64::from_le_bytes(bytes));
    let mut next = || values.next().ok_or("points.f64 ends too early");
    let mut scans = Vec::new();
    for count in counts {
        let (mut positions, mut times) = (Vec::with_capacity(count), Vec::with_capacity(count));
        for _ in 0..count {
            positions.push(Point3::new(next()?, next()?, next()?));
            times.push(next()?);
        }
        scans.push(PointCloud::new(positions)?.with_times(times)?);
    }
    Ok(scans)
}

/// The upper three rows of a pose on one line.
fn line(pose: &Isometry3<f64>) -> String {
    let matrix = pose.to_homogeneous();
    let values = (0..12).map(|at| format!("{:.16e}", matrix[(at / 4, at % 4)]));
    values.collect::<Vec<_>>().join(" ") + "\n"
}
