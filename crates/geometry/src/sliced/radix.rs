//! Sorting by 32-bit keys without comparisons.

use std::ops::Range;

/// Bits of one digit: two digits are told apart by two passes, and their counters fit into the first cache.
const DIGIT: u32 = 11;
const VALUES: usize = 1 << DIGIT;

/// Below this, clearing and summing the counters would take longer than comparing.
pub(super) const SMALL: usize = 700;

/// From here on neighbours in the wrong order are so many that every block would have some.
const CROWDED: usize = 1 << 18;
/// Keys that are looked at together.
const BLOCK: usize = 16;

/// What is sorted by a key of 32 bits.
pub(super) trait Keyed: Copy + Default {
    fn key(self) -> u32;
}

impl Keyed for u32 {
    fn key(self) -> u32 {
        self
    }
}

/// A key above an index.
impl Keyed for u64 {
    fn key(self) -> u32 {
        (self >> 32) as u32
    }
}

/// How often the two upper digits have which value.
pub(super) struct Counts {
    middle: [u32; VALUES],
    upper: [u32; VALUES],
}

impl Default for Counts {
    fn default() -> Self {
        Self { middle: [0; VALUES], upper: [0; VALUES] }
    }
}

impl Counts {
    pub fn add<T: Keyed>(&mut self, items: &[T]) {
        for item in items {
            self.middle[digit(item.key(), 32 - 2 * DIGIT)] += 1;
            self.upper[digit(item.key(), 32 - DIGIT)] += 1;
        }
    }
}

/// Sorts what has been counted; `spare` is overwritten.
///
/// Two passes settle the upper 22 bits. Where the keys spread over their range, few neighbours are then in the
/// wrong order, and one walk puts them right; where they do not, the lowest digit gets a pass too.
pub(super) fn sort(items: &mut Vec<u32>, spare: &mut Vec<u32>, counts: &Counts) {
    if items.len() < SMALL {
        items.sort_unstable();
        return;
    }
    sort_upper(items, spare, counts);
    if items.len() >= CROWDED {
        carry(items);
    }
    if !finish_blocks(items) {
        let mut lowest = [0; VALUES];
        items.iter().for_each(|&item| lowest[digit(item, 0)] += 1);
        pass(items, spare, 0, &lowest);
        sort_upper(items, spare, counts);
    }
}

/// Sorts by the upper 22 bits of the keys, keeping the order of those that agree.
pub(super) fn sort_upper<T: Keyed>(items: &mut Vec<T>, spare: &mut Vec<T>, counts: &Counts) {
    pass(items, spare, 32 - 2 * DIGIT, &counts.middle);
    pass(items, spare, 32 - DIGIT, &counts.upper);
}

/// Moves the larger of two neighbours on, all along: every key that is one place too far back comes right, without a
/// branch that the machine could mispredict.
fn carry(items: &mut [u32]) {
    let mut largest = 0;
    for place in 1..items.len() {
        let next = items[place];
        largest = items[place - 1].max(largest);
        items[place - 1] = next.min(largest);
        items[place] = next.max(largest);
    }
}

/// Sorts by insertion where a block is out of order; `false` if that would take too long.
fn finish_blocks(items: &mut [u32]) -> bool {
    let mut moves = 4 * items.len();
    let mut start = 1;
    while start < items.len() {
        let end = (start + BLOCK).min(items.len());
        let window = &items[start - 1..end];
        let wrong = window.iter().zip(&window[1..]).fold(0, |wrong, (a, b)| wrong | u32::from(a > b));
        if wrong != 0 && !insert(items, start..end, &mut moves, |a, b| a < b) {
            return false;
        }
        start = end;
    }
    true
}

/// Sorts by insertion what is nearly sorted; `false` if that would take too long.
pub(super) fn finish<T: Copy>(items: &mut [T], less: impl Fn(&T, &T) -> bool) -> bool {
    let mut moves = 4 * items.len();
    insert(items, 1..items.len(), &mut moves, less)
}

/// Inserts the items of a range into those before, which are sorted; `false` when the moves are spent.
#[inline(always)]
fn insert<T: Copy>(
    items: &mut [T],
    range: Range<usize>,
    moves: &mut usize,
    less: impl Fn(&T, &T) -> bool,
) -> bool {
    for index in range {
        let item = items[index];
        let mut place = index;
        while place > 0 && less(&item, &items[place - 1]) {
            items[place] = items[place - 1];
            place -= 1;
        }
        if place != index {
            items[place] = item;
            let moved = index - place;
            if moved > *moves {
                return false;
            }
            *moves -= moved;
        }
    }
    true
}

fn digit(key: u32, shift: u32) -> usize {
    (key >> shift) as usize & (VALUES - 1)
}

/// Sorts by one digit, keeping the order of those that agree.
fn pass<T: Keyed>(items: &mut Vec<T>, spare: &mut Vec<T>, shift: u32, counts: &[u32; VALUES]) {
    let mut places = [0; VALUES];
    let mut sum = 0;
    for (place, count) in places.iter_mut().zip(counts) {
        *place = sum;
        sum += count;
    }
    spare.resize(items.len(), T::default());
    let to = &mut spare[..items.len()];
    for &item in items.iter() {
        let place = &mut places[digit(item.key(), shift)];
        to[*place as usize] = item;
        *place += 1;
    }
    std::mem::swap(items, spare);
}
