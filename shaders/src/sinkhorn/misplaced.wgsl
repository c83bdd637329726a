@group(0) @binding(4) var<storage, read> potentials: array<Bits>;

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
