//! `barrow register` with more than two clouds: poses that agree with each other.

mod answer;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result, bail};
use barrow::geometry::{PointCloud, Status};
use barrow::registration::{Aligner, Arrangement, Multiway};

use self::answer::MultiwayReport;
use crate::clouds::{Reading, name};
use crate::failure::{Ending, usage};
use crate::interrupt;
use crate::output::{self, Kind};
use crate::progress::Progress;
use crate::report::{Seconds, print};
use crate::settings::Settings;

/// What is asked of many clouds.
pub struct Request<'a> {
    /// Files of the clouds, the first one's frame being the world.
    pub paths: Vec<PathBuf>,
    /// How they are read.
    pub reading: &'a Reading,
    /// How pairs are registered.
    pub aligner: Aligner,
    /// Folder for one pose a cloud.
    pub out: Option<&'a Path>,
    /// File for all placed clouds together.
    pub aligned: Option<&'a Path>,
    /// Whether poses that still move are less than what was asked for.
    pub require_converged: bool,
}

/// Reads all clouds, finds poses that agree, writes what was asked for.
///
/// # Errors
/// If a file cannot be read or written, or an option is out of range.
pub fn run(request: &Request, settings: &Settings) -> Result<Ending> {
    request.check_outputs()?;
    let start = Instant::now();
    let mut clouds = Vec::with_capacity(request.paths.len());
    for path in &request.paths {
        clouds.push(request.reading.read(path, &request.paths, settings)?.cloud);
    }
    let read = start.elapsed().as_secs_f64();

    interrupt::hold();
    let (arrangement, prepare, solve) = arrange(request, &clouds, settings)?;
    let unplaced = arrangement.unplaced();
    let stopped = arrangement.convergence.status == Status::Stopped;
    let written = if stopped {
        settings.note("interrupted: these are the poses so far, and no file is written");
        Vec::new()
    } else {
        request.write(&arrangement, &clouds, settings)?
    };
    for &cloud in &unplaced {
        let name = name(&request.paths[cloud]);
        settings.note(format!("{name}: not placed, nothing sure joins it with the first cloud"));
    }
    let names = request.paths.iter().zip(&clouds).map(|(path, cloud)| (name(path), cloud.len())).collect();
    let device = settings.device.cpu_only("matching nearest points");
    let seconds = Seconds { read, prepare, solve };
    print(&MultiwayReport::new(&arrangement, names, seconds, device, written), settings)?;
    let settled = arrangement.convergence.converged() || !request.require_converged;
    Ok(match unplaced.is_empty() && settled {
        _ if stopped => Ending::Interrupted,
        true => Ending::Done,
        false => Ending::Missed,
    })
}

/// The poses, and the times that preparing and solving took.
fn arrange(request: &Request, clouds: &[PointCloud], settings: &Settings) -> Result<(Arrangement, f64, f64)> {
    let progress = Progress::new(settings.progress, "registering");
    let start = Instant::now();
    let multiway = Multiway { aligner: request.aligner.clone(), ..Multiway::default() };
    let mut run = multiway.start(clouds)?;
    let prepare = start.elapsed().as_secs_f64();
    while let Some(step) = run.step().with_context(|| format!("{} clouds", clouds.len()))? {
        progress.at(step.done, step.planned, || {
            format!("{} onto {}: {}", step.source, step.target, step.verdict)
        });
        if interrupt::asked() {
            break;
        }
    }
    let arrangement = run.finish()?;
    Ok((arrangement, prepare, start.elapsed().as_secs_f64() - prepare))
}

impl Request<'_> {
    fn check_outputs(&self) -> Result<()> {
        if let Some(path) = self.aligned {
            output::check(path, Kind::Cloud)?;
        }
        let Some(folder) = self.out else { return Ok(()) };
        if folder.exists() && !folder.is_dir() {
            let folder = folder.display();
            return Err(usage(format!(
                "--out {folder}: is a file; more than two clouds ask for a folder of poses"
            )));
        }
        // A file a cloud, named after it: two clouds of one name would write the same.
        let mut names: Vec<OsString> = self.paths.iter().map(|path| pose_name(path)).collect();
        names.sort();
        if let Some(pair) = names.windows(2).find(|pair| pair[0] == pair[1]) {
            let name = pair[0].to_string_lossy();
            return Err(usage(format!(
                "--out: two clouds would both write {name}; give them different names"
            )));
        }
        match folder.parent() {
            Some(parent) if !parent.as_os_str().is_empty() && !parent.is_dir() => {
                bail!("{}: cannot be made: there is no folder {}", folder.display(), parent.display())
            }
            _ => Ok(()),
        }
    }

    /// Writes the files asked for, of the clouds that are placed, and returns their names.
    fn write(&self, found: &Arrangement, clouds: &[PointCloud], settings: &Settings) -> Result<Vec<String>> {
        let _progress = Progress::new(settings.progress, "writing");
        let placed =
            || found.world_from_cloud.iter().enumerate().filter_map(|(k, pose)| pose.map(|pose| (k, pose)));
        let mut written = Vec::new();
        if let Some(folder) = self.out {
            std::fs::create_dir_all(folder)
                .with_context(|| format!("{}: cannot be made", folder.display()))?;
            for (cloud, pose) in placed() {
                let path = folder.join(pose_name(&self.paths[cloud]));
                barrow::io::write_transform(&path, &pose)?;
                written.push(path.display().to_string());
            }
        }
        if let Some(path) = self.aligned {
            let moved: Vec<PointCloud> = placed().map(|(k, pose)| clouds[k].transformed(&pose)).collect();
            output::write_cloud(path, &merged(&moved)?, false, settings)?;
            written.push(path.display().to_string());
        }
        Ok(written)
    }
}

/// The file that holds the pose of a cloud: its name with the extension `.txt`.
fn pose_name(path: &Path) -> OsString {
    let mut name: OsString = match path.file_stem() {
        Some(stem) if path.as_os_str() != "-" => stem.into(),
        _ => "standard_input".into(),
    };
    name.push(".txt");
    name
}

/// All points in one cloud, with the attributes that every one of the clouds has.
fn merged(clouds: &[PointCloud]) -> Result<PointCloud> {
    fn column<T: Clone>(clouds: &[PointCloud], of: impl Fn(&PointCloud) -> Option<&[T]>) -> Option<Vec<T>> {
        let columns: Option<Vec<&[T]>> = clouds.iter().map(of).collect();
        columns.map(|columns| columns.concat())
    }
    let positions = clouds.iter().flat_map(|cloud| cloud.positions().iter().copied()).collect();
    let mut merged = PointCloud::new(positions)?;
    if let Some(normals) = column(clouds, PointCloud::normals) {
        merged = merged.with_normals(normals)?;
    }
    if let Some(colors) = column(clouds, PointCloud::colors) {
        merged = merged.with_colors(colors)?;
    }
    if let Some(intensities) = column(clouds, PointCloud::intensities) {
        merged = merged.with_intensities(intensities)?;
    }
    if let Some(times) = column(clouds, PointCloud::times) {
        merged = merged.with_times(times)?;
    }
    Ok(merged)
}
