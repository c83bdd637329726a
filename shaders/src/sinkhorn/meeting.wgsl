// A tile of rows and a tile of columns, in numbers as small as tiles are.

// What a tile of columns is to the rows.
struct Meeting {
    // tilt − away
    slope: vec3<f32>,
    level: f32,
    // away − focus
    aside: vec3<f32>,
    tile: u32,
}

// Columns that the rows meet: their offsets from the centre of their tile, and what they have beyond its plane.
var<workgroup> staged: array<vec4<f32>, STAGED>;

fn meeting_of(node: Node, tile: u32, rows: Node, aim: Aim) -> Meeting {
    let away = node.center - rows.center;
    return Meeting(off_grid(node.tilt - away), level(node, away, aim.anchor), off_grid(away - aim.focus), tile);
}

// Four scores relative to a meeting's level.
fn scores(slope: vec3<f32>, from_row: vec3<f32>, at: u32) -> vec4<f32> {
    let a = staged[at];
    let b = staged[at + 1u];
    let c = staged[at + 2u];
    let d = staged[at + 3u];
    if EUCLIDEAN {
        return vec4<f32>(a.w, b.w, c.w, d.w) - vec4<f32>(
            length(from_row + a.xyz), length(from_row + b.xyz), length(from_row + c.xyz), length(from_row + d.xyz),
        );
    }
    return vec4<f32>(
        dot(slope, a.xyz) + a.w, dot(slope, b.xyz) + b.w, dot(slope, c.xyz) + c.w, dot(slope, d.xyz) + d.w,
    );
}
