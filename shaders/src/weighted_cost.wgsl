// What transport along directions costs between points with masses, step by step of either side's cumulated mass.

struct WeightedParameters {
    first: u32,
    /// Points of the one side and the other.
    points: vec2<u32>,
    /// Blocks of the one side and the other.
    blocks: vec2<u32>,
    whole: u32,
    rest: f32,
}

const BLOCK = 4096u;
/// Lengths of the halves of a mass, in units of the total, 2⁶³.
const LOW = 1.0842021724855044e-19;
const HIGH = 4.656612873077393e-10;

@group(0) @binding(0) var<uniform> parameters: WeightedParameters;
@group(0) @binding(1) var<storage, read> keys: array<u32>;
@group(0) @binding(2) var<storage, read> others: array<u32>;
@group(0) @binding(3) var<storage, read> cumulated: array<vec2<u32>>;
@group(0) @binding(4) var<storage, read> others_cumulated: array<vec2<u32>>;
@group(0) @binding(5) var<storage, read_write> parts: array<CostPart>;

/// A distance and the mass that is moved over it.
struct Move {
    apart: u32,
    mass: f32,
}

fn key_at(other: bool, index: u32) -> u32 {
    if other {
        return others[index];
    }
    return keys[index];
}

/// The mass of the points up to some rank of a segment, itself not among them.
fn mass_before(other: bool, segment: u32, rank: u32) -> vec2<u32> {
    if rank == 0u {
        return vec2(0u);
    }
    if other {
        return others_cumulated[segment + rank - 1u];
    }
    return cumulated[segment + rank - 1u];
}

/// The move that ends where a point of one side ends: it began where the last point of either side ended, and leads
/// to the point of the far side that holds this mass. Of two points that end together it is the first side's that
/// ends the move; the far side's moves nothing.
fn move_until(other: bool, direction: u32, rank: u32) -> Move {
    let own = direction * select(parameters.points.x, parameters.points.y, other);
    let count = select(parameters.points.y, parameters.points.x, other);
    let far = direction * count;
    let end = mass_before(other, own, rank + 1u);
    // The first point of the far side that ends at `end` or beyond; beyond, seen from the second side.
    var low = 0u;
    var high = count;
    while low < high {
        let middle = low + (high - low) / 2u;
        let reached = mass_before(!other, far, middle + 1u);
        if wide_less(reached, end) || (other && all(reached == end)) {
            low = middle + 1u;
        } else {
            high = middle;
        }
    }
    if low == count {
        return Move(0u, 0.0);
    }
    let own_begin = mass_before(other, own, rank);
    let far_begin = mass_before(!other, far, low);
    let begin = select(far_begin, own_begin, wide_less(far_begin, own_begin));
    if all(begin == end) {
        return Move(0u, 0.0);
    }
    let mass = wide_difference(end, begin);
    let apart = apart(key_at(other, own + rank), key_at(!other, far + low));
    return Move(apart, f32(mass.y) * HIGH + f32(mass.x) * LOW);
}

@compute @workgroup_size(256)
fn weighted_cost(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let number = parameters.first + group.x;
    let blocks = parameters.blocks.x + parameters.blocks.y;
    let direction = number / blocks;
    let block = number % blocks;
    let other = block >= parameters.blocks.x;
    let begin = BLOCK * select(block, block - parameters.blocks.x, other);
    let end = min(begin + BLOCK, select(parameters.points.x, parameters.points.y, other));
    var largest = 1u;
    // First and second powers of keys are within what a float can hold.
    if parameters.whole > 2u || parameters.rest > 0.0 {
        for (var rank = begin + thread; rank < end; rank += 256u) {
            largest = max(largest, move_until(other, direction, rank).apart);
        }
        largest = largest_of(thread, largest);
    }
    var sum = 0.0;
    for (var rank = begin + thread; rank < end; rank += 256u) {
        let moved = move_until(other, direction, rank);
        sum += moved.mass * relative_power(moved.apart, largest, parameters.whole, parameters.rest);
    }
    sum = sum_of(thread, sum);
    if thread == 0u {
        parts[number] = CostPart(largest, sum);
    }
}
