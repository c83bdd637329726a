//! How things look: what a user may choose.

use std::fmt;
use std::str::FromStr;

use barrow_geometry::Bounds;

/// What the color of a point tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ColorBy {
    /// Which cloud it belongs to.
    #[default]
    Cloud,
    /// Nothing but itself: the color that came with it.
    Stored,
    /// Its coordinate along the axis that is up \[m\].
    Height,
    /// The intensity that came with it.
    Intensity,
    /// Its normal: x, y, z as red, green, blue.
    Normal,
    /// Distance to the nearest point of the other cloud \[m\].
    Distance,
    /// Mass that the plan takes from it or brings to it; what is left behind has none.
    Mass,
    /// Its dual variable \[m²\].
    Potential,
}

impl ColorBy {
    /// All of them, in the order of the panel.
    pub const ALL: [Self; 8] = [
        Self::Cloud,
        Self::Stored,
        Self::Height,
        Self::Intensity,
        Self::Normal,
        Self::Distance,
        Self::Mass,
        Self::Potential,
    ];

    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Cloud => "cloud",
            Self::Stored => "stored",
            Self::Height => "height",
            Self::Intensity => "intensity",
            Self::Normal => "normal",
            Self::Distance => "distance",
            Self::Mass => "mass",
            Self::Potential => "potential",
        }
    }
}

impl fmt::Display for ColorBy {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

impl FromStr for ColorBy {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        let names = || Self::ALL.map(Self::name).join(", ");
        Self::ALL
            .into_iter()
            .find(|by| by.name() == word)
            .ok_or_else(|| format!("expected one of {}", names()))
    }
}

/// Which arcs of a plan are drawn, where all would hide each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ArcChoice {
    /// Drawn by lot, each as likely as it has mass: what is seen is a fair sample of where the mass goes.
    #[default]
    Sampled,
    /// Those of most mass.
    Heaviest,
}

/// What the color of an arc tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ArcColor {
    /// How far its mass goes \[m\].
    #[default]
    Length,
    /// How much mass takes it.
    Mass,
}

/// The axis that points up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Up {
    /// Scans of models that lie on their side.
    X,
    /// Most models.
    Y,
    /// LiDAR scans and maps.
    #[default]
    Z,
}

impl Up {
    /// Number of the axis.
    pub fn axis(self) -> usize {
        match self {
            Self::X => 0,
            Self::Y => 1,
            Self::Z => 2,
        }
    }
}

/// Everything about the look that a user may choose.
#[derive(Debug, Clone, PartialEq)]
pub struct Look {
    /// What colors of points tell.
    pub color: ColorBy,
    /// Edge of the square of a point \[pixel\].
    pub point_size: f32,
    /// Behind everything, red, green and blue.
    pub background: [u8; 3],
    /// The axis that points up.
    pub up: Up,
    /// Whether the source is shown.
    pub shows_source: bool,
    /// Whether the target is shown.
    pub shows_target: bool,
    /// Time of displacement interpolation, from 0 (source) to 1 (target); `None` shows the clouds themselves.
    pub time: Option<f64>,
    /// Share of the arcs that are drawn, from 0 to 1.
    pub arcs: f64,
    /// Which.
    pub arc_choice: ArcChoice,
    /// And in what color.
    pub arc_color: ArcColor,
    /// Whether some matches of a registration that is watched are drawn.
    pub shows_matches: bool,
    /// Points and arcs outside are left out.
    pub clip: Option<Bounds>,
    /// Whether axes, scale bar and legend are drawn.
    pub shows_guides: bool,
}

impl Default for Look {
    fn default() -> Self {
        Self {
            color: ColorBy::Cloud,
            point_size: 2.0,
            background: [16, 18, 24],
            up: Up::Z,
            shows_source: true,
            shows_target: true,
            time: None,
            arcs: 0.0,
            arc_choice: ArcChoice::Sampled,
            arc_color: ArcColor::Length,
            shows_matches: true,
            clip: None,
            shows_guides: true,
        }
    }
}
