@group(0) @binding(2) var<storage, read> points: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> sums: array<f32>;
@group(0) @binding(4) var<storage, read> potentials: array<Bits>;

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

// How far a potential is from its best answer, as a part of its weight.
fn violation(potential: Bits, softmin: Bits) -> f32 {
    let moved = power(difference(potential, softmin));
    if improve.balance == 0u {
        return abs(moved - 1.0);
    }
    if improve.balance == 1u {
        return abs(moved - power(-improve.ratio * rounded(potential)));
    }
    let best = clipped(softmin);
    let stays = power(difference(best, softmin));
    return max(abs(moved - stays), 1.0 - power(-abs(difference(best, potential))));
}

// Σ of the weights times what is misplaced, of 256 points each.
@compute @workgroup_size(256)
fn misplaced(
    @builtin(workgroup_id) id: vec3<u32>,
    @builtin(num_workgroups) counts: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let group = improve.first + id.x + id.y * counts.x;
    let index = group * 256u + lane;
    var value = 0.0;
    if index < improve.points {
        let weight = exp2(max(points[index].w, -140.0));
        value = weight * violation(potentials[index], softmins[index]);
    }
    let sum = add_up(lane, value);
    if lane == 0u && group * 256u < improve.points {
        sums[group] = sum;
    }
}

// Σ of the weights times exp(−potential/ρ), of 256 points each.
@compute @workgroup_size(256)
fn kept(
    @builtin(workgroup_id) id: vec3<u32>,
    @builtin(num_workgroups) counts: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let group = improve.first + id.x + id.y * counts.x;
    let index = group * 256u + lane;
    var value = 0.0;
    if index < improve.points {
        let weight = exp2(max(points[index].w, -140.0));
        value = weight * power(-improve.ratio * rounded(best(softmins[index])));
    }
    let sum = add_up(lane, value);
    if lane == 0u && group * 256u < improve.points {
        sums[group] = sum;
    }
}
