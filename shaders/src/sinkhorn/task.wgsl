// What a workgroup of 64 is told that takes a tile of rows over columns.

struct Walk {
    // Tile of rows of the first workgroup.
    first: u32,
    row_tiles: u32,
    tiles: u32,
    groups: u32,
    // Whether these are the first and the last columns of a measure in parts.
    begins: u32,
    ends: u32,
    // Bits by which a tile may fall short of a row's sum before it is left out.
    margin: f32,
    padding: u32,
}

@group(0) @binding(0) var<uniform> walk: Walk;

const LANES: u32 = 64u;

