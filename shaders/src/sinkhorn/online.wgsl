// The sums of a row, to which columns are added sixteen at a time.

// Far below any score, yet finite.
const MASKED: f32 = -1e30;
// Bits below the largest score of a row from where on a score is no matter.
const FAINT: f32 = 60.0;

// The row's offset from the centre of its tile, and the way to the focus.
var<private> point: vec3<f32>;
var<private> aside: vec3<f32>;
// Largest score so far, and Σ 2^(score − reference).
var<private> reference: f32;
var<private> sum: f32;

fn add_sixteen(meeting: Meeting, first: u32) {
    let slope = 2.0 * (meeting.slope + point);
    let from_row = meeting.aside + aside - point;
    let s0 = scores(slope, from_row, first);
    let s1 = scores(slope, from_row, first + 4u);
    let s2 = scores(slope, from_row, first + 8u);
    let s3 = scores(slope, from_row, first + 12u);
    let upper = max(max(s0, s1), max(s2, s3));
    let highest = max(max(upper.x, upper.y), max(upper.z, upper.w));
    var shift = meeting.level;
    if !EUCLIDEAN {
        shift += 2.0 * dot(point, meeting.aside);
    }
    let peak = shift + highest;
    if peak < reference - FAINT {
        return;
    }
    // Online log-sum-exp: what was summed so far is made relative to the new maximum.
    if peak > reference {
        sum *= exp2(max(reference - peak, -200.0));
        reference = peak;
    }
    // From the highest score, which leaves no power above one however large scores are.
    let down = vec4<f32>((peak - reference) - highest);
    let parts = (exp2(s0 + down) + exp2(s1 + down)) + (exp2(s2 + down) + exp2(s3 + down));
    sum += (parts.x + parts.y) + (parts.z + parts.w);
}
