// The mass of every sorted point and of all before it.

struct MassParameters {
    first: u32,
    count: u32,
    blocks: u32,
    padding: u32,
}

const BLOCK = 4096u;
/// Neighbours of one thread.
const RUN = BLOCK / 256u;

@group(0) @binding(0) var<uniform> parameters: MassParameters;
@group(0) @binding(1) var<storage, read> indices: array<u32>;
@group(0) @binding(2) var<storage, read> masses: array<vec2<u32>>;
@group(0) @binding(3) var<storage, read> sums: array<vec2<u32>>;
@group(0) @binding(4) var<storage, read_write> cumulated: array<vec2<u32>>;

var<workgroup> runs: array<vec2<u32>, 256>;

@compute @workgroup_size(256)
fn cumulate_masses(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let number = parameters.first + group.x;
    let direction = number / parameters.blocks;
    let block = number % parameters.blocks;
    let segment = direction * parameters.count;
    // What the blocks before weigh.
    var before = vec2(0u);
    for (var other = thread; other < block; other += 256u) {
        before = wide_sum(before, sums[direction * parameters.blocks + other]);
    }
    before = wide_total(thread, before);
    // What the threads before weigh, by adding neighbours at distances 1, 2, 4 ... (Hillis and Steele).
    let begin = min(block * BLOCK + thread * RUN, parameters.count);
    let end = min(begin + RUN, parameters.count);
    var run = vec2(0u);
    for (var rank = begin; rank < end; rank += 1u) {
        run = wide_sum(run, masses[indices[segment + rank]]);
    }
    var until = run;
    runs[thread] = run;
    workgroupBarrier();
    for (var distance = 1u; distance < 256u; distance *= 2u) {
        if thread >= distance {
            until = wide_sum(until, runs[thread - distance]);
        }
        workgroupBarrier();
        runs[thread] = until;
        workgroupBarrier();
    }
    var mass = wide_sum(before, wide_difference(until, run));
    for (var rank = begin; rank < end; rank += 1u) {
        mass = wide_sum(mass, masses[indices[segment + rank]]);
        cumulated[segment + rank] = mass;
    }
}
