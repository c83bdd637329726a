//! Which stages a method runs through, as plain lists.

use crate::Residual;

/// What an [`Aligner`](crate::Aligner) does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Method {
    /// Several coarse starts, transport among them; generalised ICP from the one that fits best.
    #[default]
    Auto,
    /// Transport matches under a falling blur, then generalised ICP: converges from further away.
    Transport,
    /// Generalised ICP from coarse to fine: points as small planes on both sides.
    Gicp,
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
    /// Rows of a transport plan, the residual point to point.
    Transport,
}

/// One stage of the pose loop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct StagePlan {
    /// What the result calls it.
    pub name: &'static str,
    /// How matches are found.
    pub matching: Matching,
    /// Voxel size in units of the finest one.
    pub coarseness: u32,
}

/// What is run: every start from the initial pose, then the finish from the start that fits best.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Schedule {
    /// Alternatives, each a list of stages run one after another.
    pub starts: Vec<Vec<StagePlan>>,
    /// Stages run once, at the end.
    pub finish: Vec<StagePlan>,
}

const fn nearest(name: &'static str, residual: Residual, coarseness: u32) -> StagePlan {
    StagePlan { name, matching: Matching::Nearest(residual), coarseness }
}

const GICP_COARSEST: StagePlan = nearest("gicp coarsest", Residual::Distribution, 8);
const GICP_COARSE: StagePlan = nearest("gicp coarse", Residual::Distribution, 4);
const GICP_MIDDLE: StagePlan = nearest("gicp middle", Residual::Distribution, 2);
const GICP_FINE: StagePlan = nearest("gicp fine", Residual::Distribution, 1);
const POINT_COARSEST: StagePlan = nearest("point coarsest", Residual::PointToPoint, 8);
const TRANSPORT: StagePlan = StagePlan { name: "transport", matching: Matching::Transport, coarseness: 4 };

impl Schedule {
    /// The stages of a method.
    ///
    /// Starts differ in what they survive: planes slide quickly but lock onto the wrong ones, points are
    /// slow but sure, transport reaches furthest.
    pub fn of(method: Method) -> Self {
        let one_start = |start: Vec<StagePlan>, finish| Self { starts: vec![start], finish: vec![finish] };
        match method {
            Method::Auto => Self {
                starts: vec![
                    vec![GICP_COARSE, GICP_MIDDLE],
                    vec![GICP_COARSEST, GICP_COARSE, GICP_MIDDLE],
                    vec![POINT_COARSEST, GICP_COARSE, GICP_MIDDLE],
                    vec![TRANSPORT, GICP_COARSE, GICP_MIDDLE],
                ],
                finish: vec![GICP_FINE],
            },
            Method::Transport => one_start(vec![TRANSPORT, GICP_COARSE, GICP_MIDDLE], GICP_FINE),
            Method::Gicp => one_start(vec![GICP_COARSE, GICP_MIDDLE], GICP_FINE),
            Method::PointToPlane => {
                let stage = |name, coarseness| nearest(name, Residual::PointToPlane, coarseness);
                one_start(vec![stage("plane coarse", 4), stage("plane middle", 2)], stage("plane fine", 1))
            }
            Method::PointToPoint => {
                let stage = |name, coarseness| nearest(name, Residual::PointToPoint, coarseness);
                one_start(vec![stage("point coarse", 4), stage("point middle", 2)], stage("point fine", 1))
            }
        }
    }

    /// Coarseness of the coarsest stage, whose gate is the widest.
    pub fn coarsest(&self) -> u32 {
        let stages = self.starts.iter().flatten().chain(&self.finish);
        stages.map(|stage| stage.coarseness).max().unwrap_or(1)
    }

    /// Number of stages in all.
    pub fn len(&self) -> usize {
        self.starts.iter().map(Vec::len).sum::<usize>() + self.finish.len()
    }
}
