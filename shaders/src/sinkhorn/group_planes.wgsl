@compute @workgroup_size(64)
fn group_planes(
    @builtin(workgroup_id) id: vec3<u32>,
    @builtin(num_workgroups) counts: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let index = (planes.first + id.x + id.y * counts.x) * 64u + lane;
    if index >= planes.groups {
        return;
    }
    let place = planes.tiles + index;
    let group = nodes[place];
    let last = group.first + u32(group.count);
    var sum = vec3<f32>(0.0);
    var count = 0.0;
    for (var tile = group.first; tile < last; tile++) {
        if nodes[tile].top != NOTHING {
            sum += off_grid(nodes[tile].tilt);
            count += 1.0;
        }
    }
    let tilt = on_grid(sum / max(count, 1.0));
    var top = NOTHING;
    for (var tile = group.first; tile < last; tile++) {
        let node = nodes[tile];
        if node.top == NOTHING {
            continue;
        }
        let half = product(tilt, group.center - node.center);
        let way = plus(half, half);
        let spread = 2.0 * dot(abs(off_grid(node.tilt - tilt)), node.half);
        top = max(top, node.top + way.whole + 1 + i32(ceil(spread * 1.00001)));
    }
    nodes[place].tilt = tilt;
    nodes[place].top = top;
}
