@group(0) @binding(2) var<storage, read_write> potentials: array<Bits>;
@group(0) @binding(3) var<storage, read_write> images: array<Bits>;
// Σ a exp(−f/ρ) and Σ b exp(−g/ρ)
@group(0) @binding(4) var<storage, read> kept: array<f32>;

// Sums between these are of terms that are as they should be, or too small to matter.
const LEAST: f32 = 1e-27;
const MOST: f32 = 1e18;

// Beyond the best answers, the way that the last ones came.
@compute @workgroup_size(256)
fn extrapolate(
    @builtin(workgroup_id) id: vec3<u32>,
    @builtin(num_workgroups) counts: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let index = index_of(id, counts, lane);
    if index >= improve.points {
        return;
    }
    var image = best(softmins[index]);
    // Sums that may have left the range of numbers tell nothing; the translation changes how soon, not what.
    let told = min(kept[0], kept[1]) > LEAST && max(kept[0], kept[1]) < MOST;
    if improve.translation > 0.0 && told {
        image = plus(image, bits(-improve.translation * (log2(kept[0]) - log2(kept[1]))));
    }
    let before = images[index];
    images[index] = image;
    if improve.inertia > 0.0 {
        image = plus(image, bits(improve.inertia * difference(image, before)));
    }
    potentials[index] = allowed(image);
}
