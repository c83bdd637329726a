// Moves keys to their places by one digit, each with the index of its point.

@group(0) @binding(0) var<uniform> parameters: DigitParameters;
@group(0) @binding(1) var<storage, read> keys: array<u32>;
@group(0) @binding(2) var<storage, read> indices: array<u32>;
@group(0) @binding(3) var<storage, read> counts: array<u32>;
@group(0) @binding(4) var<storage, read> bases: array<u32>;
@group(0) @binding(5) var<storage, read_write> moved: array<u32>;
@group(0) @binding(6) var<storage, read_write> moved_indices: array<u32>;

@compute @workgroup_size(256)
fn scatter_pairs(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let number = parameters.first + group.x;
    let direction = number / parameters.blocks;
    let segment = direction * parameters.count;
    let begin = number % parameters.blocks * BLOCK;
    let end = min(begin + BLOCK, parameters.count);
    start_ranks(thread, bases[direction * 256u + thread] + counts[number * 256u + thread]);
    for (var start = begin; start < end; start += 256u) {
        var index = start + thread;
        let present = index < end;
        var key = 0u;
        if present {
            key = keys[segment + index];
            // By the lowest digit points stand in their own order.
            if parameters.shift > 0u {
                index = indices[segment + index];
            }
        }
        let place = next_place(thread, (key >> parameters.shift) & 255u, present);
        if present {
            moved[segment + place] = key;
            moved_indices[segment + place] = index;
        }
    }
}
