@group(0) @binding(2) var<storage, read_write> potentials: array<Bits>;
@group(0) @binding(3) var<storage, read_write> before: array<Bits>;

// Towards the best answers, and on the way that the last step went: one measure against itself.
@compute @workgroup_size(256)
fn average(
    @builtin(workgroup_id) id: vec3<u32>,
    @builtin(num_workgroups) counts: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let index = index_of(id, counts, lane);
    if index >= improve.points {
        return;
    }
    let now = potentials[index];
    var change = improve.step * difference(best(softmins[index]), now);
    if improve.inertia > 0.0 {
        change += improve.inertia * difference(now, before[index]);
    }
    before[index] = now;
    potentials[index] = allowed(plus(now, bits(change)));
}
