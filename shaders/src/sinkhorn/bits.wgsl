// Numbers of bits, exactly: potentials and costs over ε are millions of bits, and plans hang on their thousandths.
//
// Single precision has 24 digits, and compilers may reorder its sums, which rules out pairs of floats. Whole numbers
// they may not touch.

struct Bits {
    whole: i32,
    // From 0 to 1.
    part: f32,
}

fn bits(value: f32) -> Bits {
    let whole = floor(value);
    return Bits(i32(whole), value - whole);
}

fn plus(a: Bits, b: Bits) -> Bits {
    let part = a.part + b.part;
    let carry = floor(part);
    return Bits(a.whole + b.whole + i32(carry), part - carry);
}

fn negated(a: Bits) -> Bits {
    return Bits(-a.whole - 1, 1.0 - a.part);
}

// a − b, small enough for single precision.
fn difference(a: Bits, b: Bits) -> f32 {
    return f32(a.whole - b.whole) + (a.part - b.part);
}

fn rounded(a: Bits) -> f32 {
    return f32(a.whole) + a.part;
}

// Lengths on the grid of centres: 2⁻⁸.
const GRID: f32 = 256.0;

fn on_grid(length: vec3<f32>) -> vec3<i32> {
    return vec3<i32>(round(length * GRID));
}

fn off_grid(length: vec3<i32>) -> vec3<f32> {
    return vec3<f32>(length) / GRID;
}

// a · b of two vectors on the grid, whose product fits into 31 bits. With a = 2⁸ a₁ + a₀ no term overflows.
fn product(a: vec3<i32>, b: vec3<i32>) -> Bits {
    let a1 = a >> vec3<u32>(8u);
    let b1 = b >> vec3<u32>(8u);
    let a0 = a & vec3<i32>(255);
    let b0 = b & vec3<i32>(255);
    let middle = a1 * b0 + a0 * b1;
    let whole = a1 * b1 + (middle >> vec3<u32>(8u));
    let parts = (middle & vec3<i32>(255)) * 256 + a0 * b0;
    let part = parts.x + parts.y + parts.z;
    return Bits(whole.x + whole.y + whole.z + (part >> 16u), f32(part & 65535) / 65536.0);
}

// A factor from 0 to 2¹⁵: units + fraction / 2³² + tail.
struct Factor {
    units: u32,
    fraction: u32,
    rounded: f32,
    tail: f32,
}

fn times(value: Bits, factor: Factor) -> Bits {
    let size = u32(abs(value.whole));
    let a1 = size >> 16u;
    let a0 = size & 65535u;
    let b1 = factor.fraction >> 16u;
    let b0 = factor.fraction & 65535u;
    let low = a0 * b0;
    let upper = a1 * b0;
    let lower = a0 * b1;
    let middle = (low >> 16u) + (upper & 65535u) + (lower & 65535u);
    let whole = i32(size * factor.units + a1 * b1 + (upper >> 16u) + (lower >> 16u) + (middle >> 16u));
    let rest = (middle << 16u) | (low & 65535u);
    let scaled = Bits(whole, f32(rest) / 4294967296.0);
    let part = bits(value.part * factor.rounded + f32(value.whole) * factor.tail);
    if value.whole < 0 {
        return plus(negated(scaled), part);
    }
    return plus(scaled, part);
}
