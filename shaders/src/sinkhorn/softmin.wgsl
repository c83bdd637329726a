// Soft minimum of a tile of rows over the columns that matter to it; formula and bindings at SOFTMIN in sinkhorn.rs.

@group(0) @binding(6) var<storage, read_write> softmins: array<Bits>;
// What is summed up so far, where columns come in parts.
@group(0) @binding(7) var<storage, read_write> states: array<vec2<f32>>;

// Two lanes for every row, each of which takes half of every tile of columns.
const HALF: u32 = 16u;

var<workgroup> halves: array<vec2<f32>, LANES>;

fn absorb(meeting: Meeting, lane: u32) {
    add_sixteen(meeting, select(0u, HALF, lane >= TILE));
}

@compute @workgroup_size(64)
fn softmin(
    @builtin(workgroup_id) id: vec3<u32>,
    @builtin(num_workgroups) counts: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let tile = min(walk.first + id.x + id.y * counts.x, walk.row_tiles - 1u);
    let row = tile * TILE + (lane & 31u);
    let aim = aims[tile];
    point = row_points[row].xyz;
    aside = off_grid(aim.focus);
    reference = MASKED;
    sum = 0.0;
    walk_over(tile, lane);
    halves[lane] = vec2<f32>(reference, sum);
    workgroupBarrier();
    if lane >= TILE {
        return;
    }
    var state = merged(halves[lane], halves[lane + TILE]);
    if walk.begins == 0u {
        state = merged(states[row], state);
    }
    if walk.ends == 0u {
        states[row] = state;
        return;
    }
    softmins[row] = negated(plus(base(point, aim), bits(state.x + log2(state.y))));
}
