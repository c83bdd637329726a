// As many operations of one kind as a device can do: what others are measured against. Bindings at PEAK in peak.rs.

struct Peak {
    first: u32,
    rounds: u32,
    padding: vec2<u32>,
}

// Whether powers of two are taken rather than products added.
override POWERS: bool = false;

@group(0) @binding(0) var<uniform> peak: Peak;
@group(0) @binding(1) var<storage, read_write> results: array<f32>;

@compute @workgroup_size(256)
fn peak_rate(
    @builtin(workgroup_id) id: vec3<u32>,
    @builtin(num_workgroups) counts: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let index = (peak.first + id.x + id.y * counts.x) * 256u + lane;
    // Four chains of four, so that none waits for itself. Both operations have a fixed point, which they stay near.
    var a = vec4<f32>(0.6, 0.61, 0.62, 0.63) + f32(lane) * 1e-4;
    var b = a + 0.001;
    var c = a + 0.002;
    var d = a + 0.003;
    let half = vec4<f32>(0.5);
    let rest = vec4<f32>(0.3);
    if POWERS {
        for (var round = 0u; round < peak.rounds; round++) {
            a = exp2(-a); b = exp2(-b); c = exp2(-c); d = exp2(-d);
            a = exp2(-a); b = exp2(-b); c = exp2(-c); d = exp2(-d);
        }
    } else {
        for (var round = 0u; round < peak.rounds; round++) {
            a = fma(a, half, rest); b = fma(b, half, rest); c = fma(c, half, rest); d = fma(d, half, rest);
            a = fma(a, half, rest); b = fma(b, half, rest); c = fma(c, half, rest); d = fma(d, half, rest);
        }
    }
    let all = a + b + c + d;
    results[index] = all.x + all.y + all.z + all.w;
}
