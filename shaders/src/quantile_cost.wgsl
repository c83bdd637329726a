// What transport along directions costs, point by point of the larger side: masses are equal on either side.

struct QuantileParameters {
    first: u32,
    larger: u32,
    smaller: u32,
    blocks: u32,
    whole: u32,
    rest: f32,
    padding: vec2<u32>,
}

const BLOCK = 4096u;

@group(0) @binding(0) var<uniform> parameters: QuantileParameters;
@group(0) @binding(1) var<storage, read> keys: array<u32>;
@group(0) @binding(2) var<storage, read> others: array<u32>;
@group(0) @binding(3) var<storage, read> starts: array<vec2<u32>>;
@group(0) @binding(4) var<storage, read_write> parts: array<CostPart>;

/// What meets a point of the larger side: one or two neighbours on the other, and the masses shared with them.
struct Meeting {
    apart: vec2<u32>,
    mass: vec2<u32>,
}

/// In units of 1/(larger · smaller) a point of the larger side has the mass `smaller` and one of the other side the
/// mass `larger`. `begin` is how far into which point of the other side the block begins: its rank and a remainder.
fn meeting(direction: u32, block: u32, offset: u32, begin: vec2<u32>) -> Meeting {
    let n = parameters.larger;
    let m = parameters.smaller;
    // (offset · m + remainder) / n rounded down, from an estimate that is off by one at most. Its remainder is right
    // modulo 2³², and lies between −n and 2 n: with n up to 2³⁰ that tells it apart.
    var rank = u32((f32(offset) * f32(m) + f32(begin.y)) / f32(n));
    var remainder = i32(offset * m + begin.y - rank * n);
    if remainder < 0 {
        rank -= 1u;
        remainder += i32(n);
    }
    if remainder >= i32(n) {
        rank += 1u;
        remainder -= i32(n);
    }
    rank += begin.x;
    let mass = min(m, n - u32(remainder));
    let key = keys[direction * n + block * BLOCK + offset];
    let segment = direction * m;
    let next = min(rank + 1u, m - 1u);
    let meets = vec2(apart(key, others[segment + rank]), apart(key, others[segment + next]));
    // A neighbour without mass must not be the largest.
    return Meeting(select(meets, vec2(meets.x), vec2(false, mass == m)), vec2(mass, m - mass));
}

@compute @workgroup_size(256)
fn quantile_cost(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let number = parameters.first + group.x;
    let direction = number / parameters.blocks;
    let block = number % parameters.blocks;
    let begin = starts[block];
    let count = min(BLOCK, parameters.larger - block * BLOCK);
    var largest = 1u;
    // First and second powers of keys are within what a float can hold.
    if parameters.whole > 2u || parameters.rest > 0.0 {
        for (var offset = thread; offset < count; offset += 256u) {
            let met = meeting(direction, block, offset, begin);
            largest = max(largest, max(met.apart.x, met.apart.y));
        }
        largest = largest_of(thread, largest);
    }
    var sum = 0.0;
    for (var offset = thread; offset < count; offset += 256u) {
        let met = meeting(direction, block, offset, begin);
        sum += f32(met.mass.x) * relative_power(met.apart.x, largest, parameters.whole, parameters.rest);
        if met.mass.y > 0u {
            sum += f32(met.mass.y) * relative_power(met.apart.y, largest, parameters.whole, parameters.rest);
        }
    }
    sum = sum_of(thread, sum);
    if thread == 0u {
        parts[number] = CostPart(largest, sum);
    }
}
