// The sum of 64-bit numbers over a workgroup.

var<workgroup> totals: array<vec2<u32>, 256>;

/// The sum of the values of all threads, for all threads.
fn wide_total(thread: u32, value: vec2<u32>) -> vec2<u32> {
    totals[thread] = value;
    for (var half = 128u; half > 0u; half /= 2u) {
        workgroupBarrier();
        if thread < half {
            totals[thread] = wide_sum(totals[thread], totals[thread + half]);
        }
    }
    workgroupBarrier();
    return totals[0];
}
