// Masses of blocks of sorted points.

struct MassParameters {
    first: u32,
    count: u32,
    blocks: u32,
    padding: u32,
}

const BLOCK = 4096u;

@group(0) @binding(0) var<uniform> parameters: MassParameters;
@group(0) @binding(1) var<storage, read> indices: array<u32>;
@group(0) @binding(2) var<storage, read> masses: array<vec2<u32>>;
@group(0) @binding(3) var<storage, read_write> sums: array<vec2<u32>>;

@compute @workgroup_size(256)
fn sum_masses(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let number = parameters.first + group.x;
    let segment = number / parameters.blocks * parameters.count;
    let begin = number % parameters.blocks * BLOCK;
    let end = min(begin + BLOCK, parameters.count);
    var sum = vec2(0u);
    for (var rank = begin + thread; rank < end; rank += 256u) {
        sum = wide_sum(sum, masses[indices[segment + rank]]);
    }
    sum = wide_total(thread, sum);
    if thread == 0u {
        sums[number] = sum;
    }
}
