// A number for every point, added up over workgroups.

@group(0) @binding(2) var<storage, read> points: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> sums: array<f32>;

var<workgroup> lanes: array<f32, 256>;

// In a fixed order.
fn add_up(lane: u32, value: f32) -> f32 {
    lanes[lane] = value;
    workgroupBarrier();
    for (var stride = 128u; stride > 0u; stride /= 2u) {
        if lane < stride {
            lanes[lane] += lanes[lane + stride];
        }
        workgroupBarrier();
    }
    return lanes[0];
}

// exp2 that does not leave the range of numbers.
fn power(bits: f32) -> f32 {
    return exp2(clamp(bits, -120.0, 100.0));
}
