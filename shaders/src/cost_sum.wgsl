// The sum of a workgroup's costs, each the p-th power of a distance, in units of the largest.

/// The largest distance of a workgroup, or 1 where powers need no unit, and Σ mass · (distance / largest)^p.
struct CostPart {
    largest: u32,
    sum: f32,
}

var<workgroup> distances: array<u32, 256>;
var<workgroup> costs: array<f32, 256>;

/// The largest value of all threads, for all threads.
fn largest_of(thread: u32, value: u32) -> u32 {
    distances[thread] = value;
    for (var half = 128u; half > 0u; half /= 2u) {
        workgroupBarrier();
        if thread < half {
            distances[thread] = max(distances[thread], distances[thread + half]);
        }
    }
    workgroupBarrier();
    return distances[0];
}

/// The sum of the values of all threads, for the first thread. Always in the same order.
fn sum_of(thread: u32, value: f32) -> f32 {
    costs[thread] = value;
    for (var half = 128u; half > 0u; half /= 2u) {
        workgroupBarrier();
        if thread < half {
            costs[thread] += costs[thread + half];
        }
    }
    workgroupBarrier();
    return costs[0];
}

/// The distance between two keys.
fn apart(a: u32, b: u32) -> u32 {
    return max(a, b) - min(a, b);
}

/// (distance / largest)^(whole + rest). The largest gives 1 exactly, whatever division does: no power of it vanishes.
fn relative_power(distance: u32, largest: u32, whole: u32, rest: f32) -> f32 {
    var ratio = 1.0;
    if distance != largest {
        ratio = select(min(f32(distance) / f32(largest), 1.0), f32(distance), largest == 1u);
    }
    var power = 1.0;
    var square = ratio;
    for (var left = whole; left > 0u; left >>= 1u) {
        if (left & 1u) == 1u {
            power *= square;
        }
        // The last square is not needed, and might be too large.
        if left > 1u {
            square *= square;
        }
    }
    if rest > 0.0 {
        power *= exp2(rest * log2(max(ratio, 1e-30)));
    }
    return power;
}
