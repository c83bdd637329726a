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
