@group(0) @binding(2) var<storage, read_write> potentials: array<Bits>;

// The best answers as they are.
@compute @workgroup_size(256)
fn answer(
    @builtin(workgroup_id) id: vec3<u32>,
    @builtin(num_workgroups) counts: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let index = index_of(id, counts, lane);
    if index < improve.points {
        potentials[index] = best(softmins[index]);
    }
}
