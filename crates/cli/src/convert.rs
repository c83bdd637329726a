//! `barrow convert`: another format, fewer points, another frame.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use barrow::geometry::{Bounds, KdTree, PointCloud, estimate_normals, sample, voxel_downsample};
use clap::Args;
use nalgebra::Point3;
use serde::Serialize;

use crate::clouds::{Reading, name};
use crate::failure::Ending;
use crate::interrupt;
use crate::output::{self, Kind};
use crate::progress::Progress;
use crate::report::{Lines, Report, count, print};
use crate::settings::Settings;

/// Convert between formats; crop, thin out, estimate normals, move.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  barrow convert scan.las scan.ply --voxel-size 0.1 --normals 20
  barrow convert scan.pcd moved.pcd --transform T.txt
  barrow convert tile.laz part.xyz --crop 0,0,-5,50,50,20

The steps run in this order: crop (in the frame of IN), voxel-size, sample, normals, transform. \
The format of OUT is told by its extension.")]
pub struct Options {
    /// File to read; `-` for standard input.
    #[arg(value_name = "IN")]
    input: PathBuf,
    /// File to write.
    #[arg(value_name = "OUT")]
    output: PathBuf,
    /// Keep one point per cube of this edge: the mean of its members [m].
    #[arg(long, value_name = "METRES", allow_negative_numbers = true)]
    voxel_size: Option<f64>,
    /// Keep this many points, drawn at random with --seed.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    sample: Option<u64>,
    /// Estimate normals from this many neighbours, turned towards the origin.
    #[arg(long, value_name = "K", value_parser = clap::value_parser!(u32).range(3..))]
    normals: Option<u32>,
    /// Keep the points in this box, its faces included [m].
    #[arg(long, value_name = "X0,Y0,Z0,X1,Y1,Z1", allow_hyphen_values = true, value_parser = parse_box)]
    crop: Option<Bounds>,
    /// Move the cloud by the pose in this file: four lines of four numbers.
    #[arg(long, value_name = "FILE")]
    transform: Option<PathBuf>,
    /// Write numbers as text where the format leaves the choice.
    #[arg(long)]
    ascii: bool,
    #[command(flatten)]
    reading: Reading,
}

fn parse_box(text: &str) -> Result<Bounds, String> {
    let numbers: Vec<f64> = text
        .split(',')
        .map(|part| part.trim().parse().map_err(|_| format!("`{part}` is not a number")))
        .collect::<Result<_, _>>()?;
    let [x0, y0, z0, x1, y1, z1] = numbers[..] else {
        return Err(format!("six numbers are needed, got {}", numbers.len()));
    };
    let bounds = Bounds { min: Point3::new(x0, y0, z0), max: Point3::new(x1, y1, z1) };
    if (0..3).all(|axis| bounds.min[axis] <= bounds.max[axis]) {
        Ok(bounds)
    } else {
        Err("the first corner must not be above the second on any axis".into())
    }
}

#[derive(Debug, Serialize)]
struct ConvertReport {
    input: String,
    output: String,
    points_in: usize,
    points_out: usize,
    attributes: Vec<&'static str>,
}

/// Reads, changes, writes.
///
/// # Errors
/// If a file cannot be read or written, or no point is left to write.
pub fn run(options: &Options, settings: &Settings) -> Result<Ending> {
    output::check(&options.output, Kind::Cloud)?;
    let transform = options.transform.as_ref().map(barrow::io::read_transform).transpose()?;
    let inputs = [options.input.clone()];
    let cloud = options.reading.read(&options.input, &inputs, settings)?.cloud;
    let points_in = cloud.len();

    let progress = Progress::new(settings.progress, "converting");
    let mut cloud = prepared(cloud, options, settings).with_context(|| name(&options.input))?;
    if let Some(target_from_source) = transform {
        cloud = cloud.transformed(&target_from_source);
    }
    interrupt::hold();
    let attributes = output::write_cloud(&options.output, &cloud, options.ascii, settings)?;
    drop(progress);

    let report = ConvertReport {
        input: options.input.display().to_string(),
        output: options.output.display().to_string(),
        points_in,
        points_out: cloud.len(),
        attributes,
    };
    print(&report, settings)?;
    Ok(Ending::Done)
}

fn prepared(mut cloud: PointCloud, options: &Options, settings: &Settings) -> Result<PointCloud> {
    if let Some(bounds) = &options.crop {
        let kept = cloud.crop(bounds);
        if let (true, Some(Bounds { min, max })) = (kept.is_empty(), cloud.bounds()) {
            bail!("--crop keeps none of the {} points, which lie between {min} and {max}", cloud.len());
        }
        cloud = kept;
    }
    if let Some(voxel_size) = options.voxel_size {
        cloud = voxel_downsample(&cloud, voxel_size)?;
    }
    if let Some(number) = options.sample {
        cloud = sample(&cloud, usize::try_from(number).unwrap_or(usize::MAX), settings.seed);
    }
    if let Some(neighbors) = options.normals {
        let tree = KdTree::new(cloud.positions());
        let normals = estimate_normals(&cloud, &tree, neighbors as usize, &Point3::origin())?;
        cloud = cloud.with_normals(normals)?;
    }
    Ok(cloud)
}

impl Report for ConvertReport {
    fn text(&self) -> String {
        let attributes = if self.attributes.is_empty() { "none".into() } else { self.attributes.join(", ") };
        let mut lines = Lines::default();
        lines.add("read", format!("{} ({} points)", self.input, count(self.points_in)));
        lines.add("written", format!("{} ({} points)", self.output, count(self.points_out)));
        lines.add("attributes", attributes);
        lines.text()
    }
}
