// Soft minimum of a Sinkhorn half-step; formula and bindings are documented at SOFTMIN in lib.rs.

struct Sizes {
    rows: u32,
    columns: u32,
}

@group(0) @binding(0) var<uniform> sizes: Sizes;
@group(0) @binding(1) var<storage, read> rows: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> columns: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> log2_sums: array<f32>;

const GROUP: u32 = 256u;
// Columns between two updates of the running maximum: one rescaling exponential for eight terms.
const BLOCK: u32 = 8u;
// Far below any score, yet finite: shader compilers may assume that infinities do not occur.
const MASKED: f32 = -1e30;

// One tile of columns, read once per workgroup: 4 KiB.
var<workgroup> tile: array<vec4<f32>, GROUP>;

@compute @workgroup_size(GROUP)
fn softmin(
    @builtin(global_invocation_id) global: vec3<u32>,
    @builtin(local_invocation_id) local: vec3<u32>,
) {
    // Threads beyond the last row still load columns and meet the barriers.
    let row = min(global.x, sizes.rows - 1u);
    let point = rows[row].xyz;
    var largest = MASKED;
    var sum = 0.0;
    for (var first = 0u; first < sizes.columns; first += GROUP) {
        let column = first + local.x;
        if column < sizes.columns {
            tile[local.x] = columns[column];
        } else {
            tile[local.x] = vec4<f32>(0.0, 0.0, 0.0, MASKED);
        }
        workgroupBarrier();
        for (var block = 0u; block < GROUP; block += BLOCK) {
            var scores: array<f32, BLOCK>;
            var highest = largest;
            for (var k = 0u; k < BLOCK; k++) {
                let y = tile[block + k];
                scores[k] = dot(point, y.xyz) + y.w;
                highest = max(highest, scores[k]);
            }
            // Online log-sum-exp: what was summed so far is made relative to the new maximum.
            sum *= exp2(largest - highest);
            for (var k = 0u; k < BLOCK; k++) {
                sum += exp2(scores[k] - highest);
            }
            largest = highest;
        }
        workgroupBarrier();
    }
    if global.x < sizes.rows {
        log2_sums[row] = largest + log2(sum);
    }
}
