// A tile of rows walks over the columns that matter to it: groups of tiles are tested by 64 at a time, then the tiles
// of those that pass, and what passes again is left to `absorb`, which every kernel brings along.

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
@group(0) @binding(1) var<storage, read> row_nodes: array<Node>;
@group(0) @binding(2) var<storage, read> row_points: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read> aims: array<Aim>;
@group(0) @binding(4) var<storage, read> nodes: array<Node>;
// A column's offset from the centre of its tile, and what it has beyond the tile's plane.
@group(0) @binding(5) var<storage, read> columns: array<vec4<f32>>;

const LANES: u32 = 64u;
// One tile of columns is brought in at once.
const STAGED: u32 = TILE;

var<workgroup> passes: array<u32, LANES>;
var<workgroup> passing: vec2<u32>;
var<workgroup> meetings: array<Meeting, LANES>;

// Which lanes pass, as bits, for all.
fn gathered(lane: u32, keep: bool) -> vec2<u32> {
    passes[lane] = select(0u, 1u, keep);
    workgroupBarrier();
    if lane < 2u {
        var word = 0u;
        for (var k = 0u; k < 32u; k += 4u) {
            let at = lane * 32u + k;
            word |= (passes[at] | (passes[at + 1u] << 1u) | (passes[at + 2u] << 2u) | (passes[at + 3u] << 3u)) << k;
        }
        passing[lane] = word;
    }
    return workgroupUniformLoad(&passing);
}

fn walk_over(tile: u32, lane: u32) {
    let rows = row_nodes[tile];
    let aim = aims[tile];
    // No row's sum, less what scores are relative to, is below this: it holds the column that the anchor is of.
    let corner = select(dot(rows.half, rows.half), length(rows.half), EUCLIDEAN);
    let lowest = -corner - walk.margin - slack(length(rows.half));
    for (var first = 0u; first < walk.groups; first += LANES) {
        let group = first + lane;
        var keep = false;
        if group < walk.groups {
            let node = nodes[walk.tiles + group];
            keep = bound(node, rows, aim) + log2(node.count * f32(TILE)) >= lowest;
        }
        var groups = gathered(lane, keep);
        while any(groups != vec2<u32>(0u)) {
            var next = firstTrailingBit(groups.x);
            if groups.x == 0u {
                next = 32u + firstTrailingBit(groups.y);
                groups.y &= groups.y - 1u;
            } else {
                groups.x &= groups.x - 1u;
            }
            meet_group(rows, aim, lane, walk.tiles + first + next, lowest);
        }
    }
}

fn meet_group(rows: Node, aim: Aim, lane: u32, index: u32, lowest: f32) {
    let group = nodes[index];
    var keep = false;
    if f32(lane) < group.count {
        let tile = group.first + lane;
        let node = nodes[tile];
        keep = node.top != NOTHING && bound(node, rows, aim) + log2(f32(TILE)) >= lowest;
        meetings[lane] = meeting_of(node, tile, rows, aim);
    }
    var tiles = gathered(lane, keep);
    while any(tiles != vec2<u32>(0u)) {
        var next = firstTrailingBit(tiles.x);
        if tiles.x == 0u {
            next = 32u + firstTrailingBit(tiles.y);
            tiles.y &= tiles.y - 1u;
        } else {
            tiles.x &= tiles.x - 1u;
        }
        let meeting = meetings[next];
        workgroupBarrier();
        if lane < TILE {
            staged[lane] = columns[meeting.tile * TILE + lane];
        }
        workgroupBarrier();
        absorb(meeting, lane);
    }
    workgroupBarrier();
}
