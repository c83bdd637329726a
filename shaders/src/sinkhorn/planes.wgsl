// The columns of a half-step: planes above what every tile and group brings to scores, and what columns have beyond
// the plane of their tile. Formulas and bindings at TILE_PLANES and GROUP_PLANES in sinkhorn.rs.

struct Planes {
    // Tile or group of the first workgroup.
    first: u32,
    tiles: u32,
    groups: u32,
    padding: u32,
}

@group(0) @binding(0) var<uniform> planes: Planes;
@group(0) @binding(1) var<storage, read_write> nodes: array<Node>;

// log₂ of a weight from which on a column counts.
const COUNTS: f32 = -1e29;
// Steepest tilt: farther than any cloud reaches.
const STEEPEST: f32 = 30000.0;
