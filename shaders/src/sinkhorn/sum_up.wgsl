// The sum of numbers in a fixed order. Bindings at SUM_UP in sinkhorn.rs.

struct Reduce {
    count: u32,
    // Where the sum goes.
    place: u32,
    // Whether it is added to what is there.
    adds: u32,
    padding: u32,
}

@group(0) @binding(0) var<uniform> reduce: Reduce;
@group(0) @binding(1) var<storage, read> numbers: array<f32>;
@group(0) @binding(2) var<storage, read_write> sums: array<f32>;

var<workgroup> lanes: array<f32, 256>;

@compute @workgroup_size(256)
fn sum_up(@builtin(local_invocation_index) lane: u32) {
    var sum = 0.0;
    for (var index = lane; index < reduce.count; index += 256u) {
        sum += numbers[index];
    }
    lanes[lane] = sum;
    workgroupBarrier();
    for (var stride = 128u; stride > 0u; stride /= 2u) {
        if lane < stride {
            lanes[lane] += lanes[lane + stride];
        }
        workgroupBarrier();
    }
    if lane == 0u {
        sums[reduce.place] = select(0.0, sums[reduce.place], reduce.adds == 1u) + lanes[0];
    }
}
