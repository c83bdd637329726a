//! A cloud coloured by the distance of its points.

use std::path::Path;

use anyhow::Result;
use barrow::geometry::{Color, PointCloud};
use barrow::io::Format;
use colorous::VIRIDIS;
use rayon::prelude::*;
use serde_json::{Value, json};

use crate::failure::usage;
use crate::interrupt;
use crate::output::{self, Kind};
use crate::report::number;
use crate::settings::Settings;

/// A coloured cloud that was written.
pub struct Colorized {
    path: String,
    /// Distance drawn in the last colour [m].
    maximum: f64,
    /// Attribute that holds the distances themselves.
    column: Option<&'static str>,
}

/// Refuses a file that could not hold the colours, before the work.
///
/// # Errors
/// If the extension stands for a format without colours or for none, or the place cannot be written.
pub fn check(path: &Path) -> Result<()> {
    output::check(path, Kind::Cloud)?;
    if Format::from_extension(path) == Some(Format::Kitti) {
        let message = format!("{}: KITTI has no colours; ply, pcd and others have them", path.display());
        return Err(usage(message));
    }
    Ok(())
}

/// Writes the cloud with viridis from 0 to `maximum`, and with the distances as intensities if it has none.
///
/// # Errors
/// If the file cannot be written.
pub fn write(
    path: &Path,
    cloud: &PointCloud,
    distances: &[f64],
    maximum: f64,
    settings: &Settings,
) -> Result<Colorized> {
    let colors = distances.par_iter().map(|&distance| color(distance, maximum)).collect();
    let mut colored = cloud.clone().with_colors(colors)?;
    let fits = colored.intensities().is_none() && Format::from_extension(path) != Some(Format::Obj);
    if fits {
        colored = colored.with_intensities(distances.to_vec())?;
    }
    interrupt::hold();
    output::write_cloud(path, &colored, false, settings)?;
    Ok(Colorized { path: path.display().to_string(), maximum, column: fits.then_some("intensity") })
}

/// The colour of a distance: perceptually uniform, so that equal steps look equal; 16 bits a channel.
fn color(distance: f64, maximum: f64) -> Color {
    // Where all distances are zero, so is the scale.
    let part = if distance > 0.0 { (distance / maximum).min(1.0) } else { 0.0 };
    let color = VIRIDIS.eval_continuous(part);
    [color.r, color.g, color.b].map(|channel| 257 * u16::from(channel))
}

impl Colorized {
    /// The answer for a program.
    pub fn json(&self) -> Value {
        json!({
            "path": self.path,
            "colormap": "viridis",
            "minimum": 0.0,
            "maximum": self.maximum,
            "distance_column": self.column,
        })
    }

    /// The answer for a reader.
    pub fn text(&self) -> String {
        let nowhere = || String::from(", the distances themselves not stored");
        let column = self.column.map_or_else(nowhere, |column| format!(", the distances as {column}"));
        format!("{}: viridis from 0 to {} m{column}", self.path, number(self.maximum))
    }
}
