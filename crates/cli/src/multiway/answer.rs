//! What `barrow register` prints of more than two clouds.

use barrow::registration::{Arrangement, PairAnswer, Standing};
use serde::Serialize;

use crate::device::DeviceReport;
use crate::report::{ConvergenceReport, Lines, Report, Seconds, matrix, number, rows};

/// What the registration of many clouds prints.
#[derive(Debug, Serialize)]
pub struct MultiwayReport {
    clouds: Vec<CloudReport>,
    parts: Vec<Vec<usize>>,
    unplaced: Vec<usize>,
    edges: Vec<EdgeReport>,
    convergence: ConvergenceReport,
    seconds: Seconds,
    device: DeviceReport,
    written: Vec<String>,
}

#[derive(Debug, Serialize)]
struct CloudReport {
    path: String,
    points: usize,
    #[serde(rename = "T_world_cloud")]
    world_from_cloud: Option<[[f64; 4]; 4]>,
    covariance: Option<[[f64; 6]; 6]>,
}

#[derive(Debug, Serialize)]
struct EdgeReport {
    source: usize,
    target: usize,
    verdict: String,
    standing: &'static str,
    guessed: bool,
    overlap: Option<f64>,
    disagreement: Option<f64>,
    #[serde(rename = "T_target_source")]
    target_from_source: Option<[[f64; 4]; 4]>,
}

impl EdgeReport {
    fn of(pair: &PairAnswer) -> Self {
        let found = pair.registration.as_ref();
        Self {
            source: pair.source,
            target: pair.target,
            verdict: pair.verdict().to_string(),
            standing: match pair.standing {
                Standing::Kept => "kept",
                Standing::Outvoted => "outvoted",
                Standing::Unconfirmed => "unconfirmed",
                _ => "failed",
            },
            guessed: pair.was_guessed,
            overlap: found.map(|found| found.overlap),
            disagreement: pair.disagreement,
            target_from_source: found.map(|found| matrix(&found.target_from_source)),
        }
    }

    fn text(&self) -> String {
        let guessed = if self.guessed { ", from the poses of others" } else { "" };
        let overlap = self.overlap.map_or(String::new(), |overlap| format!(", overlap {overlap:.2}"));
        let disagreement = self
            .disagreement
            .filter(|_| self.standing != "failed")
            .map_or(String::new(), |distance| format!(", {} m from the poses", number(distance)));
        let Self { source, target, verdict, standing, .. } = self;
        // A pair without a pose fails in both respects.
        let standing = if verdict == standing { String::new() } else { format!(", {standing}") };
        format!("{source} onto {target}: {verdict}{standing}{overlap}{disagreement}{guessed}")
    }
}

impl MultiwayReport {
    /// Gathers what is printed; `clouds` holds names and numbers of points.
    pub fn new(
        answer: &Arrangement,
        clouds: Vec<(String, usize)>,
        seconds: Seconds,
        device: DeviceReport,
        written: Vec<String>,
    ) -> Self {
        let clouds = clouds.into_iter().enumerate().map(|(index, (path, points))| CloudReport {
            path,
            points,
            world_from_cloud: answer.world_from_cloud[index].as_ref().map(matrix),
            covariance: answer.world_from_cloud[index].and(answer.covariances[index].as_ref()).map(rows),
        });
        Self {
            clouds: clouds.collect(),
            parts: answer.parts.clone(),
            unplaced: answer.unplaced(),
            edges: answer.pairs.iter().map(EdgeReport::of).collect(),
            convergence: ConvergenceReport::from(&answer.convergence),
            seconds,
            device,
            written,
        }
    }
}

impl Report for MultiwayReport {
    fn text(&self) -> String {
        let mut lines = Lines::default();
        let placed = self.clouds.len() - self.unplaced.len();
        lines.add("placed", format!("{placed} of {} clouds, in the frame of the first", self.clouds.len()));
        for (index, cloud) in self.clouds.iter().enumerate() {
            let place = match &cloud.world_from_cloud {
                Some(rows) => rows
                    .iter()
                    .map(|row| {
                        row.map(|value| format!("{value:>13.8}"))
                            .join(" ")
                            .replace("-0.00000000", " 0.00000000")
                    })
                    .collect::<Vec<_>>()
                    .join("\n"),
                None => "not placed: nothing sure joins it with the first cloud".into(),
            };
            lines.add(format!("cloud {index}"), format!("{}\n{place}", cloud.path));
        }
        if self.parts.len() > 1 {
            let part = |part: &Vec<usize>| part.iter().map(usize::to_string).collect::<Vec<_>>().join(", ");
            lines.add("parts", self.parts.iter().map(part).collect::<Vec<_>>().join("\n"));
        }
        lines.add("pairs", self.edges.iter().map(EdgeReport::text).collect::<Vec<_>>().join("\n"));
        lines.add("stopped", self.convergence.short());
        lines.add_some("device", self.device.text());
        lines.add("time", self.seconds.text());
        if !self.written.is_empty() {
            lines.add("written", self.written.join("\n"));
        }
        lines.text()
    }
}
