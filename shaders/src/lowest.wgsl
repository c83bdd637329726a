// The lowest costs minus weights of every query, by a walk over two levels of boxes; formula, bindings and what is
// promised about rounding are documented at LOWEST in lib.rs.

struct Part {
    // First workgroup of this dispatch.
    first: u32,
    // Blocks of this part of the points, and the place of its first point among all.
    blocks: u32,
    place: u32,
    // 1 if nothing was looked at before, 0 if the lists go on.
    fresh: u32,
    // Units of centres and weights, and what host arithmetic may have done to a coordinate.
    length: f32,
    weight: f32,
    blur: f32,
    // Tiles scanned and blocks opened, after which a workgroup gives up.
    patience: u32,
}

struct Tile {
    centre: vec3<i32>,
    // Largest weight minus slope · (y − centre); of queries what is added to every weight.
    highest: i32,
    // Extent of the box from the centre along each axis, and of its corners.
    reach: vec3<f32>,
    radius: f32,
    slope: vec3<f32>,
    // Of queries the tile to begin with.
    begin: u32,
}

@group(0) @binding(0) var<uniform> part: Part;
@group(0) @binding(1) var<storage, read> query_tiles: array<Tile>;
@group(0) @binding(2) var<storage, read> queries: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read> blocks: array<Tile>;
@group(0) @binding(4) var<storage, read> tiles: array<Tile>;
@group(0) @binding(5) var<storage, read> points: array<vec4<u32>>;
@group(0) @binding(6) var<storage, read_write> values: array<vec4<f32>>;
@group(0) @binding(7) var<storage, read_write> places: array<vec4<u32>>;

// Length of the lists: 4, 8, 12 or 20.
override KEPT: u32 = 4u;
// 0 for |x − y|², 1 for |x − y|.
override EUCLIDEAN: u32 = 0u;

const TILE: u32 = 64u;
// Weight of a point, and of a box, that is not there.
const ABSENT: i32 = -2147483647 - 1;
// Above every score, yet finite.
const FAR: f32 = 1e30;
const GIVEN_UP: f32 = -1e30;

// Parts of the squared sizes by which scores of points and bounds of boxes are lowered: above all rounding.
const OF_POINT: f32 = 0x1p-18f;
const OF_BOX: f32 = 0x1p-17f;
const OF_WEIGHT: f32 = 0x1p-20f;
// What numbers too small to be computed with may have lost.
const LOST: f32 = 0x1p-100f;
const LOST_ROOT: f32 = 0x1p-58f;

var<workgroup> shared_points: array<vec4<f32>, TILE>;
var<workgroup> shared_bounds: array<f32, TILE>;
// Blocks, then tiles of a block, by increasing bound.
var<workgroup> order: array<u32, 2u * TILE>;
var<workgroup> widest: atomic<u32>;
var<workgroup> within: atomic<u32>;
var<workgroup> votes: atomic<u32>;

var<private> lane: u32;
var<private> own: Tile;
var<private> query: vec3<f32>;
// The list of this query, by increasing score.
var<private> list: array<vec4<f32>, 5>;
var<private> found: array<vec4<u32>, 5>;
// The last score of the list.
var<private> limit: f32;
var<private> effort: u32;
var<private> ballots: u32;

fn cost(squared: f32) -> f32 {
    if EUCLIDEAN == 1u {
        return sqrt(max(squared, 0x1p-120f));
    }
    return squared;
}

// How much too large a score of points that far apart may have been computed.
fn allowance(span: f32, part_of: f32) -> f32 {
    let size = 1.0001 * span;
    if EUCLIDEAN == 1u {
        return part_of * size + 32.0 * part.blur + LOST_ROOT;
    }
    return part_of * size * size + 32.0 * part.blur * size + LOST;
}

// Below all scores between queries within `reach` of a position and the points of a box, `tilt` times the query's
// offset from the position added.
fn bound_of(tile: Tile, offset: vec3<f32>, reach: vec3<f32>, tilt: vec3<f32>) -> f32 {
    if tile.highest == ABSENT {
        return FAR;
    }
    let between = vec3<f32>(own.centre - tile.centre) * part.length;
    let position = offset + between;
    let gap = max(abs(position + 0.5 * tile.slope) - tile.reach - reach, vec3<f32>(0.0));
    let affine = dot(tile.slope, position) + dot(abs(tile.slope - tilt), reach) + 0.25 * dot(tile.slope, tile.slope);
    let weight = f32(tile.highest + own.highest) * part.weight;
    let span = own.radius + length(between) + tile.radius + length(tile.slope) + length(tilt);
    return cost(dot(gap, gap)) - affine - weight - OF_WEIGHT * abs(weight) - allowance(span, OF_BOX);
}

fn insert_row(row: u32, value: ptr<function, f32>, place: ptr<function, u32>) {
    let old = list[row];
    let indices = found[row];
    if *value >= old.w {
        return;
    }
    let x = vec4<f32>(*value);
    let p = vec4<u32>(*place);
    let before = vec4<f32>(GIVEN_UP, old.xyz);
    let moved = vec4<u32>(0u, indices.xyz);
    list[row] = select(select(x, before, before > x), old, old <= x);
    found[row] = select(select(p, moved, before > x), indices, old <= x);
    *value = old.w;
    *place = indices.w;
}

// Puts a score below the limit into the list.
fn insert(score: f32, at: u32) {
    var value = score;
    var place = at;
    insert_row(0u, &value, &place);
    if KEPT > 4u { insert_row(1u, &value, &place); }
    if KEPT > 8u { insert_row(2u, &value, &place); }
    if KEPT > 12u {
        insert_row(3u, &value, &place);
        insert_row(4u, &value, &place);
    }
    limit = list[KEPT / 4u - 1u].w;
}

// Looks at the points of a tile.
fn scan(index: u32) {
    let tile = tiles[index];
    let between = vec3<f32>(own.centre - tile.centre) * part.length;
    let point = points[index * TILE + lane];
    let units = bitcast<i32>(point.w);
    var weight = -FAR;
    if units != ABSENT {
        let exact = f32(units + own.highest) * part.weight;
        weight = exact + OF_WEIGHT * abs(exact) + allowance(own.radius + length(between) + tile.radius, OF_POINT);
    }
    shared_points[lane] = vec4<f32>(bitcast<vec3<f32>>(point.xyz), weight);
    workgroupBarrier();
    let position = query + between;
    let first = part.place + index * TILE;
    for (var k = 0u; k < TILE; k += 4u) {
        var scores: vec4<f32>;
        for (var i = 0u; i < 4u; i++) {
            let y = shared_points[k + i];
            let difference = position - y.xyz;
            scores[i] = cost(dot(difference, difference)) - y.w;
        }
        if any(scores < vec4<f32>(limit)) {
            if scores.x < limit { insert(scores.x, first + k); }
            if scores.y < limit { insert(scores.y, first + k + 1u); }
            if scores.z < limit { insert(scores.z, first + k + 2u); }
            if scores.w < limit { insert(scores.w, first + k + 3u); }
        }
    }
    effort++;
    workgroupBarrier();
}

// Whether a query of the workgroup may find something in a box.
fn wanted(tile: Tile) -> bool {
    ballots++;
    if bound_of(tile, query, vec3<f32>(0.0), vec3<f32>(0.0)) < limit {
        atomicMax(&votes, ballots);
    }
    return workgroupUniformLoad(&votes) == ballots;
}

fn ascending(value: f32) -> u32 {
    let bits = bitcast<u32>(value);
    return select(bits | 0x80000000u, ~bits, (bits >> 31u) == 1u);
}

fn value_of(key: u32) -> f32 {
    return bitcast<f32>(select(~key, key & 0x7fffffffu, (key >> 31u) == 1u));
}

// Orders 64 boxes, one a thread, by their bounds; returns how many may be of use. `first` is 0 for blocks, 64 for tiles.
fn sorted(tile: Tile, first: u32) -> u32 {
    let bound = bound_of(tile, vec3<f32>(0.0), own.reach, own.slope);
    let raised = limit + dot(own.slope, query);
    let rounding = OF_WEIGHT * (abs(limit) + length(own.slope) * own.radius);
    if lane == 0u {
        atomicStore(&widest, 0u);
        atomicStore(&within, 0u);
    }
    shared_bounds[lane] = bound;
    workgroupBarrier();
    atomicMax(&widest, ascending(raised + rounding));
    workgroupBarrier();
    // What is not there is not wanted by anyone.
    if bound < min(value_of(atomicLoad(&widest)), FAR) {
        var rank = 0u;
        for (var k = 0u; k < TILE; k++) {
            let other = shared_bounds[k];
            if other < bound || (other == bound && k < lane) { rank++; }
        }
        order[first + rank] = lane;
        atomicAdd(&within, 1u);
    }
    return workgroupUniformLoad(&within);
}

@compute @workgroup_size(TILE)
fn lowest(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(local_invocation_index) index: u32,
) {
    let group_index = part.first + group.x;
    let row = group_index * TILE + index;
    lane = index;
    own = query_tiles[group_index];
    query = queries[row].xyz;
    for (var k = 0u; k < KEPT / 4u; k++) {
        if part.fresh == 1u {
            list[k] = vec4<f32>(FAR);
            found[k] = vec4<u32>(0u);
        } else {
            list[k] = values[row * (KEPT / 4u) + k];
            found[k] = places[row * (KEPT / 4u) + k];
        }
    }
    limit = list[KEPT / 4u - 1u].w;
    effort = 0u;
    ballots = 0u;
    if lane == 0u { atomicStore(&votes, 0u); }
    workgroupBarrier();
    // Wraps around where the tile to begin with is in a part before, or in none.
    let begin = own.begin - part.place / TILE;
    if begin < part.blocks * TILE {
        if tiles[begin].highest != ABSENT { scan(begin); }
    }
    for (var chunk = 0u; chunk < part.blocks && effort <= part.patience; chunk += TILE) {
        var block = blocks[min(chunk + lane, part.blocks - 1u)];
        if chunk + lane >= part.blocks { block.highest = ABSENT; }
        let some = sorted(block, 0u);
        for (var i = 0u; i < some && effort <= part.patience; i++) {
            let open = chunk + workgroupUniformLoad(&order[i]);
            if !wanted(blocks[open]) { continue; }
            effort++;
            let few = sorted(tiles[open * TILE + lane], TILE);
            for (var j = 0u; j < few && effort <= part.patience; j++) {
                let next = open * TILE + workgroupUniformLoad(&order[TILE + j]);
                if next != begin && wanted(tiles[next]) { scan(next); }
            }
        }
    }
    if effort > part.patience {
        // Below everything that was not looked at.
        list[KEPT / 4u - 1u].w = GIVEN_UP;
    }
    for (var k = 0u; k < KEPT / 4u; k++) {
        values[row * (KEPT / 4u) + k] = list[k];
        places[row * (KEPT / 4u) + k] = found[k];
    }
}
