// Places of the keys of one block, those with equal digits in the order in which they stand.

struct DigitParameters {
    first: u32,
    count: u32,
    blocks: u32,
    shift: u32,
}

const BLOCK = 4096u;

/// Which of 256 threads hold a digit, 32 to a word: word w of digit d is at 256 w + d.
var<workgroup> holders: array<atomic<u32>, 2048>;
/// Where the next key with a digit goes.
var<workgroup> places: array<atomic<u32>, 256>;

/// Before the first keys of a block.
fn start_ranks(thread: u32, place: u32) {
    for (var word = 0u; word < 8u; word += 1u) {
        atomicStore(&holders[word * 256u + thread], 0u);
    }
    atomicStore(&places[thread], place);
    workgroupBarrier();
}

/// The place of the key of every thread that has one. No order of atomics shows: bits are set and counted, not taken.
fn next_place(thread: u32, digit: u32, present: bool) -> u32 {
    let word = thread / 32u;
    let bit = 1u << (thread % 32u);
    if present {
        atomicOr(&holders[word * 256u + digit], bit);
    }
    workgroupBarrier();
    var place = 0u;
    if present {
        place = atomicLoad(&places[digit]);
        for (var before = 0u; before < word; before += 1u) {
            place += countOneBits(atomicLoad(&holders[before * 256u + digit]));
        }
        place += countOneBits(atomicLoad(&holders[word * 256u + digit]) & (bit - 1u));
    }
    workgroupBarrier();
    // No thread minds that others already hold their next digits: its bit is its own in every word.
    if present {
        atomicAnd(&holders[word * 256u + digit], ~bit);
        atomicAdd(&places[digit], 1u);
    }
    return place;
}
