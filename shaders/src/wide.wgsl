// Whole numbers of 64 bits, the lower half first.

/// a · b in full.
fn wide_product(a: u32, b: u32) -> vec2<u32> {
    let a_low = a & 0xffffu;
    let a_high = a >> 16u;
    let b_low = b & 0xffffu;
    let b_high = b >> 16u;
    // (2¹⁶ − 1)² + 2¹⁶ − 1 is less than 2³²: no sum here loses a carry.
    let inner = a_low * b_high + ((a_low * b_low) >> 16u);
    let outer = a_high * b_low + (inner & 0xffffu);
    return vec2(a * b, a_high * b_high + (inner >> 16u) + (outer >> 16u));
}

/// a + b, modulo 2⁶⁴.
fn wide_sum(a: vec2<u32>, b: vec2<u32>) -> vec2<u32> {
    let low = a.x + b.x;
    return vec2(low, a.y + b.y + select(0u, 1u, low < a.x));
}

/// a − b, where b is not larger.
fn wide_difference(a: vec2<u32>, b: vec2<u32>) -> vec2<u32> {
    return vec2(a.x - b.x, a.y - b.y - select(0u, 1u, a.x < b.x));
}

/// a < b.
fn wide_less(a: vec2<u32>, b: vec2<u32>) -> bool {
    return a.y < b.y || (a.y == b.y && a.x < b.x);
}
