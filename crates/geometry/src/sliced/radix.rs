//! Sorting by 32-bit keys without comparisons.

/// Bits of one digit: two digits are told apart by two passes, and their counters fit into the first cache.
const DIGIT: u32 = 11;
const VALUES: usize = 1 << DIGIT;

/// Below this, clearing and summing the counters would take longer than comparing.
pub(super) const SMALL: usize = 700;

/// What is sorted by a key of 32 bits.
pub(super) trait Keyed: Copy + Default + Ord {
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

/// Sorts completely; `spare` is overwritten.
///
/// Two passes settle the upper 22 bits. Where the keys spread over their range, few neighbours are then in the
/// wrong order, and one walk puts them right; where they do not, the lowest digit gets a pass too.
pub(super) fn sort<T: Keyed>(items: &mut Vec<T>, spare: &mut Vec<T>) {
    if items.len() < SMALL {
        items.sort_unstable();
        return;
    }
    sort_upper(items, spare);
    if !finish(items, |a, b| a < b) {
        pass(items, spare, 0, &histogram(items, 0));
        sort_upper(items, spare);
    }
}

/// Sorts by the upper 22 bits of the keys, keeping the order of those that agree.
pub(super) fn sort_upper<T: Keyed>(items: &mut Vec<T>, spare: &mut Vec<T>) {
    let (mut middle, mut upper) = ([0; VALUES], [0; VALUES]);
    for item in items.iter() {
        middle[digit(item.key(), 32 - 2 * DIGIT)] += 1;
        upper[digit(item.key(), 32 - DIGIT)] += 1;
    }
    pass(items, spare, 32 - 2 * DIGIT, &middle);
    pass(items, spare, 32 - DIGIT, &upper);
}

/// Sorts by insertion what is nearly sorted; `false` if that would take too long.
pub(super) fn finish<T: Copy>(items: &mut [T], less: impl Fn(&T, &T) -> bool) -> bool {
    let mut moves = 4 * items.len();
    for index in 1..items.len() {
        let item = items[index];
        let mut place = index;
        while place > 0 && less(&item, &items[place - 1]) {
            if moves == 0 {
                items[place] = item;
                return false;
            }
            moves -= 1;
            items[place] = items[place - 1];
            place -= 1;
        }
        if place != index {
            items[place] = item;
        }
    }
    true
}

fn digit(key: u32, shift: u32) -> usize {
    (key >> shift) as usize & (VALUES - 1)
}

fn histogram<T: Keyed>(items: &[T], shift: u32) -> [u32; VALUES] {
    let mut counts = [0; VALUES];
    for item in items {
        counts[digit(item.key(), shift)] += 1;
    }
    counts
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
