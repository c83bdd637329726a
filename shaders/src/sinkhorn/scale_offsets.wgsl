// Offsets from the centres of tiles, in units in which costs over ε are bits. Bindings at SCALE_OFFSETS in sinkhorn.rs.

struct Scale {
    first: u32,
    points: u32,
    factor: f32,
    padding: u32,
}

@group(0) @binding(0) var<uniform> scale: Scale;
// In the measure's units, and log₂ of the weight.
@group(0) @binding(1) var<storage, read> offsets: array<vec4<f32>>;
// How far the centre of every tile, which is on the grid, is from where it would be.
@group(0) @binding(2) var<storage, read> shifts: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> points: array<vec4<f32>>;

@compute @workgroup_size(256)
fn scale_offsets(
    @builtin(workgroup_id) id: vec3<u32>,
    @builtin(num_workgroups) counts: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let index = (scale.first + id.x + id.y * counts.x) * 256u + lane;
    if index < scale.points {
        let offset = offsets[index];
        points[index] = vec4<f32>(scale.factor * offset.xyz - shifts[index / 32u].xyz, offset.w);
    }
}
