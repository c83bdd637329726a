// From soft minima to the next potentials, and what the plan misplaces. Bindings in sinkhorn.rs.

struct Improve {
    first: u32,
    points: u32,
    // 0: marginals are met; 1: missed at the price of Kullback–Leibler; 2: of total variation.
    balance: u32,
    // What is added of the way from the last image, or of the way to the image and from the last potential.
    inertia: f32,
    step: f32,
    // ε/ρ
    ratio: f32,
    // ρ in bits
    limit: f32,
    // (ρ/ε) / 2, for the translation; 0 for none.
    translation: f32,
    // 1 / (1 + ε/ρ)
    damping: Factor,
}

@group(0) @binding(0) var<uniform> improve: Improve;
@group(0) @binding(1) var<storage, read> softmins: array<Bits>;

fn clipped(value: Bits) -> Bits {
    let limit = bits(improve.limit);
    if difference(value, limit) > 0.0 {
        return limit;
    }
    let least = negated(limit);
    if difference(least, value) > 0.0 {
        return least;
    }
    return value;
}

fn allowed(value: Bits) -> Bits {
    if improve.balance == 2u {
        return clipped(value);
    }
    return value;
}

// The best answer to a soft minimum.
fn best(softmin: Bits) -> Bits {
    if improve.balance == 1u {
        return times(softmin, improve.damping);
    }
    return allowed(softmin);
}

fn index_of(id: vec3<u32>, counts: vec3<u32>, lane: u32) -> u32 {
    return (improve.first + id.x + id.y * counts.x) * 256u + lane;
}
