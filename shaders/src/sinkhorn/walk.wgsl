// A tile of rows walks over the columns that matter to it: groups of tiles are tested by 64 at a time, then the tiles
// of those that pass, and what passes again is left to `absorb`, which every kernel brings along.

@group(0) @binding(1) var<storage, read> row_nodes: array<Node>;
@group(0) @binding(2) var<storage, read> row_points: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read> aims: array<Aim>;
@group(0) @binding(4) var<storage, read> nodes: array<Node>;
// A column's offset from the centre of its tile, and what it has beyond the tile's plane.
@group(0) @binding(5) var<storage, read> columns: array<vec4<f32>>;

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

// Takes the lowest of the bits that are left.
fn take_lowest(bits: ptr<function, vec2<u32>>) -> u32 {
    if (*bits).x == 0u {
        let lowest = 32u + firstTrailingBit((*bits).y);
        (*bits).y &= (*bits).y - 1u;
        return lowest;
    }
    let lowest = firstTrailingBit((*bits).x);
    (*bits).x &= (*bits).x - 1u;
    return lowest;
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
            let next = take_lowest(&groups);
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
        let next = take_lowest(&tiles);
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
