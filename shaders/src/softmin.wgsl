// Soft minimum of a tile of rows over the columns that matter to it; formula and bindings at SOFTMIN in lib.rs.

@group(0) @binding(6) var<storage, read_write> softmins: array<Bits>;
// What is summed up so far, where columns come in parts.
@group(0) @binding(7) var<storage, read_write> states: array<vec2<f32>>;

// Two lanes for every row, each of which takes half of every tile of columns.
const HALF: u32 = 16u;
// Far below any score, yet finite.
const MASKED: f32 = -1e30;
// Bits below the largest score of a row from where on a score is no matter.
const FAINT: f32 = 60.0;

// The row's offset from the centre of its tile.
var<private> point: vec3<f32>;
var<private> aside: vec3<f32>;
// Largest score so far, and Σ 2^(score − reference).
var<private> reference: f32;
var<private> sum: f32;

var<workgroup> halves: array<vec2<f32>, LANES>;

fn absorb(meeting: Meeting, lane: u32) {
    let first = select(0u, HALF, lane >= TILE);
    let slope = 2.0 * (meeting.slope + point);
    let from_row = meeting.aside + aside - point;
    let s0 = scores(slope, from_row, first);
    let s1 = scores(slope, from_row, first + 4u);
    let s2 = scores(slope, from_row, first + 8u);
    let s3 = scores(slope, from_row, first + 12u);
    let upper = max(max(s0, s1), max(s2, s3));
    let highest = max(max(upper.x, upper.y), max(upper.z, upper.w));
    var shift = meeting.level;
    if !EUCLIDEAN {
        shift += 2.0 * dot(point, meeting.aside);
    }
    if shift + highest < reference - FAINT {
        return;
    }
    // Online log-sum-exp: what was summed so far is made relative to the new maximum.
    if shift + highest > reference {
        sum *= exp2(max(reference - (shift + highest), -200.0));
        reference = shift + highest;
    }
    let down = vec4<f32>(shift - reference);
    let parts = (exp2(s0 + down) + exp2(s1 + down)) + (exp2(s2 + down) + exp2(s3 + down));
    sum += (parts.x + parts.y) + (parts.z + parts.w);
}

fn merged(a: vec2<f32>, b: vec2<f32>) -> vec2<f32> {
    let highest = max(a.x, b.x);
    return vec2<f32>(
        highest, a.y * exp2(max(a.x - highest, -200.0)) + b.y * exp2(max(b.x - highest, -200.0)),
    );
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
