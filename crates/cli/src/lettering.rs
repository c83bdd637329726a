//! The few letters that a picture needs, five pixels wide.

/// Pixels per dot of a letter.
const SCALE: usize = 3;
/// Columns from one letter to the next [dot].
const ADVANCE: usize = 6;

/// Rows of a letter from top to bottom, `#` where there is ink. Other characters are blank.
fn glyph(letter: char) -> [&'static str; 9] {
    match letter {
        'a' => ["", "", " ###", "    #", " ####", "#   #", " ####", "", ""],
        'b' => ["#", "#", "####", "#   #", "#   #", "#   #", "####", "", ""],
        'c' => ["", "", " ####", "#", "#", "#", " ####", "", ""],
        'e' => ["", "", " ###", "#   #", "#####", "#", " ####", "", ""],
        'f' => ["  ##", " #", "####", " #", " #", " #", " #", "", ""],
        'g' => ["", "", " ####", "#   #", "#   #", " ####", "    #", "    #", " ###"],
        'o' => ["", "", " ###", "#   #", "#   #", "#   #", " ###", "", ""],
        'r' => ["", "", "# ##", "##", "#", "#", "#", "", ""],
        's' => ["", "", " ####", "#", " ###", "    #", "####", "", ""],
        't' => ["", " #", "####", " #", " #", " #", "  ##", "", ""],
        'u' => ["", "", "#   #", "#   #", "#   #", "#   #", " ####", "", ""],
        _ => [""; 9],
    }
}

/// Width of a word [pixel].
pub fn width(word: &str) -> usize {
    word.chars().count() * ADVANCE * SCALE
}

/// Column and row of every pixel with ink, from the top left corner of the word.
pub fn pixels(word: &str) -> impl Iterator<Item = (usize, usize)> {
    word.chars().enumerate().flat_map(|(index, letter)| {
        glyph(letter).into_iter().enumerate().flat_map(move |(row, dots)| {
            let inked = dots.chars().enumerate().filter(|&(_, dot)| dot == '#');
            inked.flat_map(move |(column, _)| {
                let (left, top) = ((index * ADVANCE + column) * SCALE, row * SCALE);
                (0..SCALE * SCALE).map(move |dot| (left + dot % SCALE, top + dot / SCALE))
            })
        })
    })
}
