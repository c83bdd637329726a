// Two references with their sums as one.
fn merged(a: vec2<f32>, b: vec2<f32>) -> vec2<f32> {
    let highest = max(a.x, b.x);
    return vec2<f32>(
        highest, a.y * exp2(max(a.x - highest, -200.0)) + b.y * exp2(max(b.x - highest, -200.0)),
    );
}
