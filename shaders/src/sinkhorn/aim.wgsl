// The column with the largest score seen from the centre of a tile of rows: branch and bound over groups and tiles.
// Bindings at AIM in sinkhorn.rs.

@group(0) @binding(1) var<storage, read> row_nodes: array<Node>;
@group(0) @binding(2) var<storage, read_write> aims: array<Aim>;
@group(0) @binding(3) var<storage, read> nodes: array<Node>;
@group(0) @binding(4) var<storage, read> columns: array<vec4<f32>>;

struct Candidate {
    focus: vec3<i32>,
    score: Bits,
}

var<workgroup> bounds: array<f32, LANES>;
var<workgroup> places: array<u32, LANES>;
var<workgroup> candidates: array<Candidate, TILE>;
var<workgroup> best: Candidate;
var<workgroup> chosen: u32;

// Of the lanes the one with the largest bound, its place for all; the first of equal ones.
fn largest(lane: u32, bound: f32, place: u32) -> u32 {
    bounds[lane] = bound;
    places[lane] = place;
    workgroupBarrier();
    for (var stride = LANES / 2u; stride > 0u; stride /= 2u) {
        if lane < stride {
            let other = lane + stride;
            let better = bounds[other] > bounds[lane]
                || (bounds[other] == bounds[lane] && places[other] < places[lane]);
            if better {
                bounds[lane] = bounds[other];
                places[lane] = places[other];
            }
        }
        workgroupBarrier();
    }
    if lane == 0u {
        chosen = places[0];
    }
    return workgroupUniformLoad(&chosen);
}

// Takes the best column of a tile if it is better than the best so far.
fn look_into(lane: u32, tile: u32, center: vec3<i32>) {
    if lane < TILE {
        let node = nodes[tile];
        let column = columns[tile * TILE + lane];
        let away = node.center - center;
        var score = Bits(node.top, 0.0);
        if EUCLIDEAN {
            score = plus(score, bits(max(column.w - length(off_grid(away) + column.xyz), -1e9)));
        } else {
            let more = dot(2.0 * off_grid(node.tilt - away), column.xyz) + column.w;
            score = plus(plus(score, negated(product(away, away))), bits(max(more, -1e9)));
        }
        candidates[lane] = Candidate(away + on_grid(column.xyz), score);
    }
    workgroupBarrier();
    for (var stride = TILE / 2u; stride > 0u; stride /= 2u) {
        if lane < stride && difference(candidates[lane + stride].score, candidates[lane].score) > 0.0 {
            candidates[lane] = candidates[lane + stride];
        }
        workgroupBarrier();
    }
    if lane == 0u && difference(candidates[0].score, best.score) > 0.0 {
        best = candidates[0];
    }
    workgroupBarrier();
}

@compute @workgroup_size(64)
fn aim(
    @builtin(workgroup_id) id: vec3<u32>,
    @builtin(num_workgroups) counts: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let row_tile = min(walk.first + id.x + id.y * counts.x, walk.row_tiles - 1u);
    let center = row_nodes[row_tile].center;
    if lane == 0u {
        best = Candidate(vec3<i32>(0), Bits(NOTHING, 0.0));
        if walk.begins == 0u {
            let before = aims[row_tile];
            best = Candidate(before.focus, Bits(before.anchor, before.part));
        }
    }
    workgroupBarrier();
    // The group that promises most, and its most promising tile, so that little is left to look into.
    var bound = -3e38;
    var place = 0u;
    for (var group = lane; group < walk.groups; group += LANES) {
        let promise = bound_from(nodes[walk.tiles + group], center, 0);
        if promise > bound {
            bound = promise;
            place = group;
        }
    }
    let first = nodes[walk.tiles + largest(lane, bound, place)];
    bound = -3e38;
    if f32(lane) < first.count {
        bound = bound_from(nodes[first.first + lane], center, 0);
    }
    look_into(lane, first.first + largest(lane, bound, lane), center);
    // What may be better still.
    for (var group = 0u; group < walk.groups; group += LANES) {
        let anchor = workgroupUniformLoad(&best).score.whole;
        bound = -3e38;
        if group + lane < walk.groups {
            bound = bound_from(nodes[walk.tiles + group + lane], center, anchor);
        }
        for (var left = 0u; left < LANES; left++) {
            // The most promising of the groups that are left, as long as one can win.
            let next = largest(lane, bound, lane);
            if workgroupUniformLoad(&bounds[0]) <= 0.0 {
                break;
            }
            if lane == next {
                bound = -3e38;
            }
            look_into_group(lane, walk.tiles + group + next, center);
        }
    }
    if lane == 0u {
        aims[row_tile] = Aim(best.focus, best.score.whole, best.score.part, vec3<f32>(0.0));
    }
}

fn look_into_group(lane: u32, index: u32, center: vec3<i32>) {
    let group = nodes[index];
    let anchor = workgroupUniformLoad(&best).score.whole;
    var bound = -3e38;
    if f32(lane) < group.count {
        bound = bound_from(nodes[group.first + lane], center, anchor);
    }
    for (var left = 0u; left < LANES; left++) {
        let next = largest(lane, bound, lane);
        // The best may have risen since the bounds were found.
        let risen = f32(workgroupUniformLoad(&best).score.whole - anchor);
        if workgroupUniformLoad(&bounds[0]) <= risen {
            break;
        }
        if lane == next {
            bound = -3e38;
        }
        look_into(lane, group.first + next, center);
    }
}
