//! Which stages a method runs through, as plain lists.

use crate::Residual;
use crate::scan::FINEST;

/// What an [`Aligner`](crate::Aligner) does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Method {
    /// Generalised ICP; from a given pose several coarse starts are tried, transport among them.
    #[default]
    Auto,
    /// Transport matches under a falling blur, then generalised ICP: converges from further away.
    Transport,
    /// Transport along lines under a falling blur, then generalised ICP: cheaper than transport.
    Sliced,
    /// Generalised ICP from coarse to fine: points as small planes on both sides.
    Gicp,
    /// Generalised ICP from coarse to fine, onto the cells of a grid: no neighbours are searched for.
    VoxelGicp,
    /// ICP from coarse to fine, by the planes between the normals of both sides.
    Symmetric,
    /// Point-to-plane ICP from coarse to fine.
    PointToPlane,
    /// Point-to-point ICP from coarse to fine.
    PointToPoint,
}

/// How a stage finds its matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Matching {
    /// Nearest neighbours, the residual measured so.
    Nearest(Residual),
    /// Nearest of the cells around, the residual that of distributions.
    Voxels,
    /// Rows of a transport plan, the residual point to point.
    Transport,
    /// Transport along lines, the residual point to point.
    Sliced,
}

/// One stage of the pose loop.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct StagePlan {
    /// What the result calls it.
    pub name: &'static str,
    /// How matches are found.
    pub matching: Matching,
    /// Its own voxel size, in voxels.
    pub coarseness: f64,
}

/// What is run from where.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Schedule {
    /// Alternatives from the first pose, each a list of stages run one after another.
    pub starts: Vec<Vec<StagePlan>>,
    /// From each pose that a search came up with.
    pub sifting: StagePlan,
    /// From the best of these.
    pub settling: StagePlan,
    /// Run once, at the end, from the best pose of all.
    pub finish: Vec<StagePlan>,
}

const fn nearest(name: &'static str, residual: Residual, coarseness: f64) -> StagePlan {
    StagePlan { name, matching: Matching::Nearest(residual), coarseness }
}

const GICP_COARSEST: StagePlan = nearest("gicp coarsest", Residual::Distribution, 8.0);
const GICP_COARSE: StagePlan = nearest("gicp coarse", Residual::Distribution, 4.0);
const GICP_MIDDLE: StagePlan = nearest("gicp middle", Residual::Distribution, 2.0);
const GICP_FINE: StagePlan = nearest("gicp fine", Residual::Distribution, 1.0);
const GICP_FINEST: StagePlan = nearest("gicp finest", Residual::Distribution, FINEST);
const fn voxels(name: &'static str, coarseness: f64) -> StagePlan {
    StagePlan { name, matching: Matching::Voxels, coarseness }
}

const POINT_COARSEST: StagePlan = nearest("point coarsest", Residual::PointToPoint, 8.0);
const TRANSPORT: StagePlan = StagePlan { name: "transport", matching: Matching::Transport, coarseness: 4.0 };

const SLICED: StagePlan = StagePlan { name: "sliced", matching: Matching::Sliced, coarseness: 4.0 };

impl Schedule {
    /// The stages of a method, from a given pose or without one.
    ///
    /// Starts differ in what they survive: planes slide quickly but lock onto the wrong ones, points are
    /// slow but sure, transport reaches furthest. Without a pose only the first is tried before a search.
    pub fn of(method: Method, searches: bool) -> Self {
        let mut starts = match method {
            Method::Auto => vec![
                vec![GICP_COARSE, GICP_MIDDLE],
                vec![GICP_COARSEST, GICP_COARSE, GICP_MIDDLE],
                vec![POINT_COARSEST, GICP_COARSE, GICP_MIDDLE],
                vec![TRANSPORT, GICP_COARSE, GICP_MIDDLE],
            ],
            Method::Transport => vec![vec![TRANSPORT, GICP_COARSE, GICP_MIDDLE]],
            Method::Sliced => vec![vec![SLICED, GICP_COARSE, GICP_MIDDLE]],
            Method::Gicp => vec![vec![GICP_COARSE, GICP_MIDDLE]],
            Method::VoxelGicp => vec![vec![voxels("voxels coarse", 4.0), voxels("voxels middle", 2.0)]],
            Method::Symmetric => {
                let stage = |name, coarseness| nearest(name, Residual::Symmetric, coarseness);
                vec![vec![stage("symmetric coarse", 4.0), stage("symmetric middle", 2.0)]]
            }
            Method::PointToPlane => {
                let stage = |name, coarseness| nearest(name, Residual::PointToPlane, coarseness);
                vec![vec![stage("plane coarse", 4.0), stage("plane middle", 2.0)]]
            }
            Method::PointToPoint => {
                let stage = |name, coarseness| nearest(name, Residual::PointToPoint, coarseness);
                vec![vec![stage("point coarse", 4.0), stage("point middle", 2.0)]]
            }
        };
        if searches {
            starts.truncate(1);
        }
        let pair =
            |fine, finest, residual| vec![nearest(fine, residual, 1.0), nearest(finest, residual, FINEST)];
        let finish = match method {
            Method::Auto | Method::Transport | Method::Sliced | Method::Gicp => vec![GICP_FINE, GICP_FINEST],
            Method::VoxelGicp => vec![voxels("voxels fine", 1.0), voxels("voxels finest", FINEST)],
            Method::Symmetric => pair("symmetric fine", "symmetric finest", Residual::Symmetric),
            Method::PointToPlane => pair("plane fine", "plane finest", Residual::PointToPlane),
            Method::PointToPoint => pair("point fine", "point finest", Residual::PointToPoint),
        };
        Self { starts, sifting: GICP_COARSE, settling: GICP_MIDDLE, finish }
    }

    /// Ends with a stage like the last one, on the clouds themselves.
    pub fn adds_full_detail(&mut self) {
        if let Some(&last) = self.finish.last() {
            self.finish.push(StagePlan { name: "full detail", coarseness: 0.0, ..last });
        }
    }

    /// Coarseness of the coarsest stage, whose gate is the widest.
    pub fn coarsest(&self) -> f64 {
        let stages = self.starts.iter().flatten().chain(&self.finish);
        stages.map(|stage| stage.coarseness).fold(1.0, f64::max)
    }
}
