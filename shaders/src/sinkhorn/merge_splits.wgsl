// Partial sums of rows as soft minima, merged in order. Bindings at MERGE_SPLITS in sinkhorn.rs.

struct Merge {
    first: u32,
    points: u32,
    splits: u32,
    padding: u32,
}

@group(0) @binding(0) var<uniform> merge: Merge;
@group(0) @binding(1) var<storage, read> row_points: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> aims: array<Aim>;
@group(0) @binding(3) var<storage, read> partials: array<vec2<f32>>;
@group(0) @binding(4) var<storage, read_write> softmins: array<Bits>;

@compute @workgroup_size(256)
fn merge_splits(
    @builtin(workgroup_id) id: vec3<u32>,
    @builtin(num_workgroups) counts: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let row = (merge.first + id.x + id.y * counts.x) * 256u + lane;
    if row >= merge.points {
        return;
    }
    var state = partials[row];
    for (var split = 1u; split < merge.splits; split++) {
        state = merged(state, partials[split * merge.points + row]);
    }
    let offset = base(row_points[row].xyz, aims[row / TILE]);
    softmins[row] = negated(plus(offset, bits(state.x + log2(state.y))));
}
