@group(0) @binding(2) var<storage, read> points: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read> potentials: array<Bits>;
@group(0) @binding(4) var<storage, read_write> columns: array<vec4<f32>>;

const SUMS: u32 = 9u;

var<workgroup> terms: array<array<f32, TILE>, SUMS>;
var<workgroup> totals: array<f32, SUMS>;

// Adds up the terms of all lanes, each kind by one lane in order.
fn add_up(lane: u32) {
    workgroupBarrier();
    if lane < SUMS {
        var total = 0.0;
        for (var k = 0u; k < TILE; k += 4u) {
            total += (terms[lane][k] + terms[lane][k + 1u]) + (terms[lane][k + 2u] + terms[lane][k + 3u]);
        }
        totals[lane] = total;
    }
    workgroupBarrier();
}

fn highest(lane: u32, value: f32) -> f32 {
    workgroupBarrier();
    terms[0][lane] = value;
    workgroupBarrier();
    var highest = terms[0][0];
    for (var k = 1u; k < TILE; k++) {
        highest = max(highest, terms[0][k]);
    }
    return highest;
}

// The tilt that fits best, 2 tilt · (y − center) ≈ v, a little towards zero where points do not tell.
fn solved(scatter_diagonal: vec3<f32>, scatter_beside: vec3<f32>, slope: vec3<f32>) -> vec3<f32> {
    let size = scatter_diagonal.x + scatter_diagonal.y + scatter_diagonal.z;
    if !(size > 1e-30) {
        return vec3<f32>(0.0);
    }
    let d = scatter_diagonal / size + vec3<f32>(1e-3);
    // xy, yz, zx
    let b = scatter_beside / size;
    let a = slope / size;
    let x = vec3<f32>(d.x, b.x, b.z);
    let y = vec3<f32>(b.x, d.y, b.y);
    let z = vec3<f32>(b.z, b.y, d.z);
    let volume = dot(x, cross(y, z));
    let tilt = 0.5 * vec3<f32>(dot(a, cross(y, z)), dot(x, cross(a, z)), dot(x, cross(y, a))) / volume;
    return clamp(tilt, vec3<f32>(-STEEPEST), vec3<f32>(STEEPEST));
}

@compute @workgroup_size(32)
fn tile_planes(
    @builtin(workgroup_id) id: vec3<u32>,
    @builtin(num_workgroups) counts: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let tile = min(planes.first + id.x + id.y * counts.x, planes.tiles - 1u);
    let at = tile * TILE + lane;
    let point = points[at].xyz;
    let weight = points[at].w;
    let there = weight > COUNTS;
    let one = select(0.0, 1.0, there);
    // v_j relative to the tile's first.
    let potential = potentials[at];
    let value = one * (difference(potential, potentials[tile * TILE]) + select(0.0, weight, there));
    var tilt = vec3<i32>(0);
    if !EUCLIDEAN {
        terms[0][lane] = one;
        terms[1][lane] = one * point.x;
        terms[2][lane] = one * point.y;
        terms[3][lane] = one * point.z;
        terms[4][lane] = value;
        terms[5][lane] = 0.0;
        terms[6][lane] = 0.0;
        terms[7][lane] = 0.0;
        terms[8][lane] = 0.0;
        add_up(lane);
        let count = max(totals[0], 1.0);
        let mean = vec3<f32>(totals[1], totals[2], totals[3]) / count;
        let mean_value = totals[4] / count;
        workgroupBarrier();
        let offset = one * (point - mean);
        let more = one * (value - mean_value);
        terms[0][lane] = offset.x * offset.x;
        terms[1][lane] = offset.y * offset.y;
        terms[2][lane] = offset.z * offset.z;
        terms[3][lane] = offset.x * offset.y;
        terms[4][lane] = offset.y * offset.z;
        terms[5][lane] = offset.z * offset.x;
        terms[6][lane] = offset.x * more;
        terms[7][lane] = offset.y * more;
        terms[8][lane] = offset.z * more;
        add_up(lane);
        tilt = on_grid(solved(
            vec3<f32>(totals[0], totals[1], totals[2]),
            vec3<f32>(totals[3], totals[4], totals[5]),
            vec3<f32>(totals[6], totals[7], totals[8]),
        ));
    }
    // v_j − 2 tilt · (y_j − center): exactly, as either may be millions of bits.
    let near = on_grid(point);
    let half = negated(product(near, tilt));
    let rest = select(0.0, weight, there) - 2.0 * dot(off_grid(tilt), point - off_grid(near));
    let above = plus(plus(potential, plus(half, half)), bits(rest));
    let reference = potentials[tile * TILE].whole;
    let relative = difference(above, Bits(reference, 0.0));
    let top = highest(lane, select(-3e38, relative, there));
    let any_there = top > -1e38;
    // Whole bits: what is added to it is rounded the same way in every step.
    let whole = select(NOTHING, reference + i32(ceil(max(top, -1e9))), any_there);
    var beyond = difference(above, Bits(whole, 0.0));
    if !EUCLIDEAN {
        beyond -= dot(point, point);
    }
    columns[at] = vec4<f32>(point, select(-1e9, beyond, there));
    if lane == 0u {
        nodes[tile].tilt = tilt;
        nodes[tile].top = whole;
    }
}
