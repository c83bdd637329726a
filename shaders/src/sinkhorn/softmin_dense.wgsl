// Soft minimum over all columns: 256 rows at a time stream over their part of the columns, eight tiles at once.
// Formula and bindings at SOFTMIN_DENSE in sinkhorn.rs.

struct Dense {
    // Of the workgroups, which are numbered by blocks of rows, then by splits of columns.
    first: u32,
    row_tiles: u32,
    tiles: u32,
    splits: u32,
    // Where the partial sums of the first split go.
    place: u32,
    padding: u32,
}

@group(0) @binding(0) var<uniform> dense: Dense;
@group(0) @binding(1) var<storage, read> row_nodes: array<Node>;
@group(0) @binding(2) var<storage, read> row_points: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read> aims: array<Aim>;
@group(0) @binding(4) var<storage, read> nodes: array<Node>;
@group(0) @binding(5) var<storage, read> columns: array<vec4<f32>>;
// For every split and row what is summed up: reference and sum.
@group(0) @binding(6) var<storage, read_write> partials: array<vec2<f32>>;

// Tiles of rows of a workgroup, and tiles of columns that it brings in at once.
const TILES: u32 = 8u;
const STAGED: u32 = 256u;

var<workgroup> meetings: array<Meeting, 64>;

@compute @workgroup_size(256)
fn softmin_dense(
    @builtin(workgroup_id) id: vec3<u32>,
    @builtin(num_workgroups) counts: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let number = dense.first + id.x + id.y * counts.x;
    let split = number % dense.splits;
    let first_row_tile = number / dense.splits * TILES;
    // Lanes beyond the last row still load columns and meet the barriers.
    let last_row_tile = dense.row_tiles - 1u;
    let row_tile = min(first_row_tile + lane / TILE, last_row_tile);
    let row = row_tile * TILE + lane % TILE;
    // Splits are of whole stages, as even as can be.
    let stages = (dense.tiles + TILES - 1u) / TILES;
    let begin = stages * split / dense.splits;
    let end = stages * (split + 1u) / dense.splits;
    point = row_points[row].xyz;
    aside = off_grid(aims[row_tile].focus);
    reference = MASKED;
    sum = 0.0;
    for (var stage = begin; stage < end; stage++) {
        let tile = stage * TILES;
        let column = tile * TILE + lane;
        if column < dense.tiles * TILE {
            staged[lane] = columns[column];
        }
        if lane < 64u {
            let rows = min(first_row_tile + lane / TILES, last_row_tile);
            let met = min(tile + lane % TILES, dense.tiles - 1u);
            meetings[lane] = meeting_of(nodes[met], met, row_nodes[rows], aims[rows]);
        }
        workgroupBarrier();
        let count = min(TILES, dense.tiles - tile);
        for (var k = 0u; k < count; k++) {
            let meeting = meetings[lane / TILE * TILES + k];
            add_sixteen(meeting, k * TILE);
            add_sixteen(meeting, k * TILE + 16u);
        }
        workgroupBarrier();
    }
    if first_row_tile + lane / TILE <= last_row_tile {
        partials[(dense.place + split) * dense.row_tiles * TILE + row] = vec2<f32>(reference, sum);
    }
}
