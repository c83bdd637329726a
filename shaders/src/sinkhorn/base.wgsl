// What the scores of a row are relative to: the anchor, and 2 focus · u − |u|² for a row u from the centre.
fn base(point: vec3<f32>, aim: Aim) -> Bits {
    let anchor = Bits(aim.anchor, 0.0);
    if EUCLIDEAN {
        return anchor;
    }
    let near = on_grid(point);
    let half = product(near, aim.focus);
    let rest = dot(2.0 * off_grid(aim.focus), point - off_grid(near)) - dot(point, point);
    return plus(plus(anchor, plus(half, half)), bits(rest));
}
