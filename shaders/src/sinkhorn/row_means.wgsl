// What the plan does with every row, over the columns that matter to it. Formulas and bindings at ROW_MEANS in sinkhorn.rs.

struct Summary {
    // Σ p (y − x), Σ p |y − x|², for every row x.
    first: vec3<f32>,
    square: f32,
    // Σ p (y − x) / |y − x|, Σ p |y − x|, for the Euclidean cost.
    pull: vec3<f32>,
    length: f32,
    // What the sums are relative to, and Σ p.
    reference: f32,
    sum: f32,
    padding: vec2<f32>,
}

@group(0) @binding(6) var<storage, read_write> softmins: array<Bits>;
@group(0) @binding(7) var<storage, read_write> summaries: array<Summary>;

const HALF: u32 = 16u;
const MASKED: f32 = -1e30;
const FAINT: f32 = 60.0;

var<private> point: vec3<f32>;
var<private> aside: vec3<f32>;
var<private> row: Summary;

var<workgroup> halves: array<Summary, TILE>;

fn shrunk(summary: Summary, reference: f32) -> Summary {
    let factor = exp2(max(summary.reference - reference, -200.0));
    return Summary(
        summary.first * factor, summary.square * factor, summary.pull * factor, summary.length * factor,
        reference, summary.sum * factor, vec2<f32>(0.0),
    );
}

fn added(a: Summary, b: Summary) -> Summary {
    let reference = max(a.reference, b.reference);
    let left = shrunk(a, reference);
    let right = shrunk(b, reference);
    return Summary(
        left.first + right.first, left.square + right.square, left.pull + right.pull, left.length + right.length,
        reference, left.sum + right.sum, vec2<f32>(0.0),
    );
}

fn take(at: u32, score: f32, away: vec3<f32>) {
    let part = exp2(score - row.reference);
    let way = away + staged[at].xyz;
    let square = dot(way, way);
    row.sum += part;
    row.first += part * way;
    row.square += part * square;
    if EUCLIDEAN {
        let length = sqrt(square);
        row.length += part * length;
        row.pull += part * way / max(length, 1e-18);
    }
}

fn absorb(meeting: Meeting, lane: u32) {
    let first = select(0u, HALF, lane >= TILE);
    let slope = 2.0 * (meeting.slope + point);
    let away = meeting.aside + aside - point;
    var shift = meeting.level;
    if !EUCLIDEAN {
        shift += 2.0 * dot(point, meeting.aside);
    }
    for (var k = 0u; k < HALF; k += 4u) {
        let four = scores(slope, away, first + k) + vec4<f32>(shift);
        let highest = max(max(four.x, four.y), max(four.z, four.w));
        if highest < row.reference - FAINT {
            continue;
        }
        if highest > row.reference {
            row = shrunk(row, highest);
        }
        take(first + k, four.x, away);
        take(first + k + 1u, four.y, away);
        take(first + k + 2u, four.z, away);
        take(first + k + 3u, four.w, away);
    }
}

@compute @workgroup_size(64)
fn row_means(
    @builtin(workgroup_id) id: vec3<u32>,
    @builtin(num_workgroups) counts: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let tile = min(walk.first + id.x + id.y * counts.x, walk.row_tiles - 1u);
    let place = tile * TILE + (lane & 31u);
    let aim = aims[tile];
    point = row_points[place].xyz;
    aside = off_grid(aim.focus);
    row = Summary(vec3<f32>(0.0), 0.0, vec3<f32>(0.0), 0.0, MASKED, 0.0, vec2<f32>(0.0));
    walk_over(tile, lane);
    if lane >= TILE {
        halves[lane - TILE] = row;
    }
    workgroupBarrier();
    if lane >= TILE {
        return;
    }
    var whole = added(row, halves[lane]);
    if walk.begins == 0u {
        whole = added(summaries[place], whole);
    }
    summaries[place] = whole;
    if walk.ends != 0u {
        softmins[place] = negated(plus(base(point, aim), bits(whole.reference + log2(whole.sum))));
    }
}
