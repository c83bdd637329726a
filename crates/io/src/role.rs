//! What a named column of a file means for a cloud.

use crate::columns::Present;

/// Where a value of a row goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// x, y or z.
    Position(usize),
    /// A component of the normal.
    Normal(usize),
    /// Red, green or blue.
    Color(usize),
    /// Three 8-bit colours in one 32-bit word, as in PCD.
    Packed,
    /// Return strength.
    Intensity,
    /// Seconds.
    Time,
}

impl Role {
    /// The meaning of a column name, in either case, with CloudCompare's `scalar_` taken off.
    pub(crate) fn of(name: &str) -> Option<Role> {
        let name = name.trim().trim_matches('"').to_ascii_lowercase();
        let name = name.strip_prefix("scalar_").unwrap_or(&name);
        Some(match name {
            "x" | "px" | "pos_x" | "position_x" | "x_coord" | "points:0" => Role::Position(0),
            "y" | "py" | "pos_y" | "position_y" | "y_coord" | "points:1" => Role::Position(1),
            "z" | "pz" | "pos_z" | "position_z" | "z_coord" | "points:2" => Role::Position(2),
            "nx" | "normal_x" | "normalx" | "n_x" => Role::Normal(0),
            "ny" | "normal_y" | "normaly" | "n_y" => Role::Normal(1),
            "nz" | "normal_z" | "normalz" | "n_z" => Role::Normal(2),
            "r" | "red" | "diffuse_red" => Role::Color(0),
            "g" | "green" | "diffuse_green" => Role::Color(1),
            "b" | "blue" | "diffuse_blue" => Role::Color(2),
            "rgb" | "rgba" => Role::Packed,
            "i" | "intensity" | "intensities" | "reflectance" | "reflectivity" => Role::Intensity,
            "time" | "times" | "timestamp" | "gps_time" | "gpstime" | "gps time" | "stamp" => Role::Time,
            _ => return None,
        })
    }
}

/// A column of a file that a cloud can carry: which one it is, and what it means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Assignment {
    pub column: usize,
    pub role: Role,
}

/// The columns to read, of all that a file names.
///
/// The first column of a meaning wins. Triples are read whole or not at all.
#[derive(Debug, Clone, Default)]
pub(crate) struct Assignments(pub Vec<Assignment>);

impl Assignments {
    pub(crate) fn of(names: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        let roles = names.into_iter().map(|name| Role::of(name.as_ref())).collect::<Vec<_>>();
        Self::of_roles(&roles)
    }

    pub(crate) fn of_roles(roles: &[Option<Role>]) -> Self {
        let mut list: Vec<Assignment> = Vec::new();
        for (column, role) in roles.iter().enumerate() {
            if let Some(role) = *role
                && !list.iter().any(|known| known.role == role)
            {
                list.push(Assignment { column, role });
            }
        }
        let has = |role| list.iter().any(|known: &Assignment| known.role == role);
        let normals = (0..3).all(|axis| has(Role::Normal(axis)));
        let colors = (0..3).all(|channel| has(Role::Color(channel)));
        list.retain(|known| match known.role {
            Role::Normal(_) => normals,
            Role::Color(_) => colors,
            Role::Packed => !colors,
            _ => true,
        });
        Self(list)
    }

    pub(crate) fn has(&self, role: Role) -> bool {
        self.0.iter().any(|known| known.role == role)
    }

    /// The first of x, y, z that is missing.
    pub(crate) fn missing_axis(&self) -> Option<&'static str> {
        (0..3).find(|&axis| !self.has(Role::Position(axis))).map(|axis| ["x", "y", "z"][axis])
    }

    pub(crate) fn present(&self) -> Present {
        Present {
            normals: self.has(Role::Normal(0)),
            colors: self.has(Role::Color(0)) || self.has(Role::Packed),
            intensities: self.has(Role::Intensity),
            times: self.has(Role::Time),
        }
    }
}
