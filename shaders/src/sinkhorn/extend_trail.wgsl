// On along the line through the potentials of the last two ε, both in bits of the last. Bindings at EXTEND_TRAIL in sinkhorn.rs.

struct Extend {
    first: u32,
    points: u32,
    // Of the way from the one to the other.
    part: f32,
    // Largest size of a potential, in bits; 0 where there is none.
    limit: f32,
}

@group(0) @binding(0) var<uniform> extend: Extend;
@group(0) @binding(1) var<storage, read_write> potentials: array<Bits>;
@group(0) @binding(2) var<storage, read_write> trail: array<Bits>;

@compute @workgroup_size(256)
fn extend_trail(
    @builtin(workgroup_id) id: vec3<u32>,
    @builtin(num_workgroups) counts: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let index = (extend.first + id.x + id.y * counts.x) * 256u + lane;
    if index >= extend.points {
        return;
    }
    let now = potentials[index];
    var next = now;
    if extend.part > 0.0 {
        next = plus(now, bits(extend.part * difference(now, trail[index])));
        if extend.limit > 0.0 {
            let limit = bits(extend.limit);
            if difference(next, limit) > 0.0 {
                next = limit;
            } else if difference(negated(limit), next) > 0.0 {
                next = negated(limit);
            }
        }
    }
    trail[index] = now;
    potentials[index] = next;
}
