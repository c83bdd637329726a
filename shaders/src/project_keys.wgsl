// Positions of points along directions, as whole numbers.

struct ProjectParameters {
    first: u32,
    count: u32,
    blocks: u32,
    directions: u32,
}

const DIRECTIONS_AT_ONCE = 8u;

@group(0) @binding(0) var<uniform> parameters: ProjectParameters;
@group(0) @binding(1) var<storage, read> x: array<u32>;
@group(0) @binding(2) var<storage, read> y: array<u32>;
@group(0) @binding(3) var<storage, read> z: array<u32>;
@group(0) @binding(4) var<storage, read> factors: array<vec4<u32>>;
@group(0) @binding(5) var<storage, read_write> keys: array<u32>;

/// A coordinate times its factor; a negative factor mirrors the coordinate.
fn share(coordinate: u32, factor: u32, mirrored: bool) -> vec2<u32> {
    return wide_product(select(coordinate, 0u - coordinate, mirrored), factor);
}

@compute @workgroup_size(256)
fn project_keys(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let number = parameters.first + group.x;
    let index = number % parameters.blocks * 256u + thread;
    if index >= parameters.count {
        return;
    }
    let begin = number / parameters.blocks * DIRECTIONS_AT_ONCE;
    let end = min(begin + DIRECTIONS_AT_ONCE, parameters.directions);
    let place = vec3(x[index], y[index], z[index]);
    for (var direction = begin; direction < end; direction += 1u) {
        let along = factors[direction];
        let mirrored = (vec3(along.w) & vec3(1u, 2u, 4u)) != vec3(0u);
        // Half a key more, so that cutting off the lower half rounds.
        var sum = wide_sum(vec2(0x80000000u, 0u), share(place.x, along.x, mirrored.x));
        sum = wide_sum(sum, share(place.y, along.y, mirrored.y));
        sum = wide_sum(sum, share(place.z, along.z, mirrored.z));
        keys[direction * parameters.count + index] = sum.y;
    }
}
