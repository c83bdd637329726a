// Where the keys with every value of a digit go: one workgroup per direction, one thread per value.

struct PlaceParameters {
    first: u32,
    blocks: u32,
    padding: vec2<u32>,
}

/// Blocks of one round.
const AT_ONCE = 8u;

@group(0) @binding(0) var<uniform> parameters: PlaceParameters;
@group(0) @binding(1) var<storage, read_write> counts: array<u32>;
@group(0) @binding(2) var<storage, read_write> bases: array<u32>;

var<workgroup> sums: array<u32, 256>;

@compute @workgroup_size(256)
fn place_digits(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let direction = parameters.first + group.x;
    // Keys with this value in the blocks before. Several are read before any is written: one wait for all.
    var sum = 0u;
    let begin = direction * parameters.blocks * 256u + thread;
    for (var block = 0u; block < parameters.blocks; block += AT_ONCE) {
        let left = min(AT_ONCE, parameters.blocks - block);
        var read: array<u32, AT_ONCE>;
        for (var next = 0u; next < AT_ONCE; next += 1u) {
            if next < left {
                read[next] = counts[begin + (block + next) * 256u];
            }
        }
        for (var next = 0u; next < AT_ONCE; next += 1u) {
            if next < left {
                counts[begin + (block + next) * 256u] = sum;
                sum += read[next];
            }
        }
    }
    // Keys with a smaller value, by adding neighbours at distances 1, 2, 4 ... (Hillis and Steele).
    var until = sum;
    sums[thread] = sum;
    workgroupBarrier();
    for (var distance = 1u; distance < 256u; distance *= 2u) {
        if thread >= distance {
            until += sums[thread - distance];
        }
        workgroupBarrier();
        sums[thread] = until;
        workgroupBarrier();
    }
    bases[direction * 256u + thread] = until - sum;
}
