// Boxes of neighbouring points, and what a box of columns can bring to a score at most.
//
// Lengths are in units in which costs over ε are bits: |x − y|², or |x − y| for the Euclidean cost.

// Whether costs are lengths rather than their squares.
override EUCLIDEAN: bool = false;

const TILE: u32 = 32u;

struct Node {
    // On the grid.
    center: vec3<i32>,
    // Of a group its first tile.
    first: u32,
    // Of the edges.
    half: vec3<f32>,
    // Largest distance from the plane through the centre with this normal.
    thickness: f32,
    normal: vec3<f32>,
    // Tiles of a group.
    count: f32,
    // As columns: no v_j is above top + 2 tilt · (y_j − center); the tilt is on the grid.
    tilt: vec3<i32>,
    top: i32,
}

// What scores of a tile of rows are relative to.
struct Aim {
    // Where mass goes from the centre, on the grid.
    focus: vec3<i32>,
    // The largest score seen from the centre.
    anchor: i32,
    // What it has beyond whole bits.
    part: f32,
    padding: vec3<f32>,
}

// The top of a node without mass.
const NOTHING: i32 = -1073741824;

// A plane turned about the normal, along which a sample of a surface does not tell the tilt, and how it rises.
struct Turned {
    // Less the way to the node.
    tilt: vec3<f32>,
    rise: f32,
}

fn turned(node: Node, away: vec3<i32>, wanted: vec3<f32>) -> Turned {
    let along = dot(node.normal, wanted - off_grid(node.tilt - away));
    return Turned(off_grid(node.tilt - away) + along * node.normal, 2.0 * abs(along) * node.thickness);
}

// top − anchor − cost of the way between the centres.
fn level(node: Node, away: vec3<i32>, anchor: i32) -> f32 {
    let top = Bits(node.top, 0.0);
    if EUCLIDEAN {
        return difference(top, Bits(anchor, 0.0));
    }
    return difference(top, plus(Bits(anchor, 0.0), product(away, away)));
}

// What rounding may take from a bound of this size.
fn slack(size: f32) -> f32 {
    return 4e-6 * size + 0.5;
}

fn gap(away: vec3<f32>, half: vec3<f32>) -> f32 {
    return length(max(abs(away) - half, vec3<f32>(0.0)));
}

// No score of a node seen from a point is above this plus the anchor.
fn bound_from(node: Node, center: vec3<i32>, anchor: i32) -> f32 {
    let away = node.center - center;
    let base = level(node, away, anchor);
    if EUCLIDEAN {
        return base - gap(off_grid(away), node.half) + slack(abs(base));
    }
    let plane = turned(node, away, vec3<f32>(0.0));
    let offset = clamp(plane.tilt, -node.half, node.half);
    let more = dot(2.0 * plane.tilt - offset, offset);
    return base + plane.rise + more + slack(abs(base) + plane.rise + abs(more));
}

// No score of a node, seen from a point u of a box of rows, is above this plus the anchor plus 2 focus · u.
fn bound(node: Node, rows: Node, aim: Aim) -> f32 {
    let away = node.center - rows.center;
    let base = level(node, away, aim.anchor);
    let reach = node.half + rows.half;
    if EUCLIDEAN {
        return base - gap(off_grid(away), reach) + slack(abs(base));
    }
    // The tilts of rows and columns: their mean meets the difference of the offsets, as does the distance, and half of
    // their difference meets the sum.
    let focus = off_grid(aim.focus - away);
    let plane = turned(node, away, focus);
    let mean = 0.5 * (plane.tilt + focus);
    let offset = clamp(mean, -reach, reach);
    let more = dot(2.0 * mean - offset, offset) + dot(abs(plane.tilt - focus), reach);
    return base + plane.rise + more + slack(abs(base) + plane.rise + abs(more));
}
