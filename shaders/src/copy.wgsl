// As many bytes as a device's memory can take and give. Bindings at COPY in peak.rs.

struct Copy {
    first: u32,
    padding: vec3<u32>,
}

@group(0) @binding(0) var<uniform> copy: Copy;
@group(0) @binding(1) var<storage, read> original: array<vec4<u32>>;
@group(0) @binding(2) var<storage, read_write> copied: array<vec4<u32>>;

@compute @workgroup_size(256)
fn peak_copy(
    @builtin(workgroup_id) id: vec3<u32>,
    @builtin(num_workgroups) counts: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let index = (copy.first + id.x + id.y * counts.x) * 256u + lane;
    if index < arrayLength(&copied) {
        copied[index] = original[index];
    }
}
