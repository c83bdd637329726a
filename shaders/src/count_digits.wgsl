// How often every value of a digit occurs in every block of keys.

struct DigitParameters {
    first: u32,
    count: u32,
    blocks: u32,
    shift: u32,
}

const BLOCK = 4096u;

@group(0) @binding(0) var<uniform> parameters: DigitParameters;
@group(0) @binding(1) var<storage, read> keys: array<u32>;
@group(0) @binding(2) var<storage, read_write> counts: array<u32>;

var<workgroup> tally: array<atomic<u32>, 256>;

@compute @workgroup_size(256)
fn count_digits(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let number = parameters.first + group.x;
    let segment = number / parameters.blocks * parameters.count;
    let begin = number % parameters.blocks * BLOCK;
    let end = min(begin + BLOCK, parameters.count);
    atomicStore(&tally[thread], 0u);
    workgroupBarrier();
    // Sums of whole numbers do not depend on the order in which threads come to add.
    for (var index = begin + thread; index < end; index += 256u) {
        atomicAdd(&tally[(keys[segment + index] >> parameters.shift) & 255u], 1u);
    }
    workgroupBarrier();
    counts[number * 256u + thread] = atomicLoad(&tally[thread]);
}
