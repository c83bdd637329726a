// Potentials in bits of another ε. Bindings at RESCALE_POTENTIALS in sinkhorn.rs.

struct Rescale {
    first: u32,
    points: u32,
    padding: vec2<u32>,
    factor: Factor,
}

@group(0) @binding(0) var<uniform> rescale: Rescale;
@group(0) @binding(1) var<storage, read_write> potentials: array<Bits>;

@compute @workgroup_size(256)
fn rescale_potentials(
    @builtin(workgroup_id) id: vec3<u32>,
    @builtin(num_workgroups) counts: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let index = (rescale.first + id.x + id.y * counts.x) * 256u + lane;
    if index < rescale.points {
        potentials[index] = times(potentials[index], rescale.factor);
    }
}
