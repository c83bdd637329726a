//! The guide in `docs/book`: every command in it runs and prints what the guide says, every link leads somewhere.
//!
//! A block ```` ```sh ```` is run by `sh -e` in a temporary folder that its chapter has for itself, `barrow` being the
//! command just built and `datasets` that of the repository. A block ```` ```text ```` right after it is what it
//! prints on both streams. ```` ```sh,ignore ```` is not run: it installs something or opens a window.
//!
//! What is printed may differ from the book in times, which stand before `s` or `ms`, in numbers by one percent or 1e-4, whole
//! percentages by one, and in the amount of white space. `…` stands for anything within a line, and alone on a line for any number of lines.
#![allow(missing_docs)]

mod command;

use std::fs;
use std::path::PathBuf;

use command::workspace;

/// What a number may be off by, of its value and at all: other processors round otherwise.
const SHARE: f64 = 0.01;
const ABSOLUTE: f64 = 1e-4;

fn source() -> PathBuf {
    workspace().join("docs/book/src")
}

/// Files of the chapters that the summary names, in its order.
fn chapters() -> Vec<PathBuf> {
    let summary = fs::read_to_string(source().join("SUMMARY.md")).expect("a summary");
    let chapters: Vec<PathBuf> = links(&summary).into_iter().map(|link| source().join(link)).collect();
    assert!(chapters.len() > 5, "{chapters:?}");
    chapters
}

/// What stands in `](…)`, pages elsewhere left out.
fn links(text: &str) -> Vec<&str> {
    let ends = text.split("](").skip(1).filter_map(|rest| rest.split_once(')'));
    ends.map(|(link, _)| link).filter(|link| !link.contains("://")).collect()
}

/// Commands of the book, and what they print.
#[derive(Debug, Default, PartialEq)]
struct Block {
    /// Where it begins, from 1.
    line: usize,
    commands: String,
    prints: Option<String>,
}

/// The blocks of a chapter that are run.
fn blocks(text: &str) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut lines = text.lines().enumerate();
    // Whether nothing but empty lines came since the last block.
    let mut follows = false;
    while let Some((index, line)) = lines.next() {
        let Some(mark) = line.trim_start().strip_prefix("```") else {
            follows &= line.trim().is_empty();
            continue;
        };
        let body = lines.by_ref().map(|(_, line)| line).take_while(|line| line.trim() != "```");
        let body: String = body.flat_map(|line| [line, "\n"]).collect();
        match mark {
            "sh" => blocks.push(Block { line: index + 1, commands: body, prints: None }),
            "text" if follows => blocks.last_mut().expect("a block before").prints = Some(body),
            "sh,ignore" | "text" | "json" | "rust" | "toml" => {}
            other => panic!("line {}: a block of {other:?}", index + 1),
        }
        follows = mark == "sh";
    }
    blocks
}

/// A part of a line.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Piece {
    Letter(char),
    Number(f64),
    /// A whole number of percent.
    Percent(f64),
    /// A number of seconds.
    Time,
    /// `…`
    Anything,
}

impl Piece {
    fn fits(self, printed: Piece) -> bool {
        match (self, printed) {
            (Self::Number(book), Self::Number(printed)) => {
                (book - printed).abs() <= ABSOLUTE.max(SHARE * book.abs())
            }
            (Self::Percent(book), Self::Percent(printed)) => (book - printed).abs() <= 1.0,
            _ => self == printed,
        }
    }
}

/// The length in bytes of the number that a text begins with; thousands may be apart.
fn number_length(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let digits = |at: usize| bytes[at..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    let sign = usize::from(bytes.first() == Some(&b'-'));
    let whole = digits(sign);
    if whole == 0 {
        return None;
    }
    let mut end = sign + whole;
    if whole <= 3 {
        while bytes.get(end) == Some(&b' ') && digits(end + 1) == 3 && bytes.get(end + 4) != Some(&b'.') {
            end += 4;
        }
    }
    if bytes.get(end) == Some(&b'.') && digits(end + 1) > 0 {
        end += 1 + digits(end + 1);
    }
    if bytes.get(end) == Some(&b'e') {
        let sign = usize::from(matches!(bytes.get(end + 1), Some(b'-' | b'+')));
        if end + 1 + sign < bytes.len() && digits(end + 1 + sign) > 0 {
            end += 1 + sign + digits(end + 1 + sign);
        }
    }
    Some(end)
}

fn pieces(line: &str) -> Vec<Piece> {
    let line = line.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut pieces = Vec::new();
    let (mut rest, mut before) = (line.as_str(), ' ');
    while let Some(letter) = rest.chars().next() {
        // The line in `way-0` is none of the number's.
        let is_number = letter != '-' || !before.is_alphanumeric();
        let length = number_length(rest).filter(|_| is_number);
        let end = length.unwrap_or(letter.len_utf8());
        let (part, after) = rest.split_at(end);
        let is_time = [" s", " ms"].iter().any(|unit| {
            let tail = after.strip_prefix(unit);
            tail.is_some_and(|tail| !tail.starts_with(|next: char| next.is_alphanumeric()))
        });
        let number = || part.replace(' ', "").parse().expect("digits");
        let is_percent = after.starts_with(" %") && !part.contains(['.', 'e']);
        pieces.push(match (length, letter) {
            (Some(_), _) if is_time => Piece::Time,
            (Some(_), _) if is_percent => Piece::Percent(number()),
            (Some(_), _) => Piece::Number(number()),
            (None, '…') => Piece::Anything,
            (None, letter) => Piece::Letter(letter),
        });
        before = part.chars().next_back().unwrap_or(before);
        rest = after;
    }
    pieces
}

/// Whether one list is as the other says, which has gaps.
fn agrees<T>(book: &[T], printed: &[T], is_gap: &dyn Fn(&T) -> bool, fits: &dyn Fn(&T, &T) -> bool) -> bool {
    match (book.split_first(), printed.split_first()) {
        (None, None) => true,
        (Some((first, rest)), _) if is_gap(first) => {
            (0..=printed.len()).any(|left_out| agrees(rest, &printed[left_out..], is_gap, fits))
        }
        (Some((first, rest)), Some((got, others))) => fits(first, got) && agrees(rest, others, is_gap, fits),
        _ => false,
    }
}

/// Whether what was printed is what the book says.
fn is_printed(book: &str, printed: &str) -> bool {
    let lines = |text: &str| text.trim_end().lines().map(pieces).collect::<Vec<_>>();
    let line_fits = |book: &Vec<Piece>, printed: &Vec<Piece>| {
        agrees(book, printed, &|piece| *piece == Piece::Anything, &|a, b| a.fits(*b))
    };
    agrees(&lines(book), &lines(printed), &|line| line[..] == [Piece::Anything], &line_fits)
}

/// Runs the blocks of a chapter one after the other and says what is wrong.
#[cfg(unix)]
fn run(chapter: &std::path::Path) -> Vec<String> {
    use std::path::Path;
    use std::process::{Command, Stdio};

    let text = fs::read_to_string(chapter).unwrap_or_else(|error| panic!("{}: {error}", chapter.display()));
    let folder = tempfile::tempdir().expect("a temporary folder");
    let datasets = workspace().join("datasets").canonicalize().expect("the folder of datasets");
    std::os::unix::fs::symlink(datasets, folder.path().join("datasets")).expect("a link");
    let built = Path::new(env!("CARGO_BIN_EXE_barrow")).parent().map(Path::to_path_buf);
    let path = std::env::var_os("PATH").unwrap_or_default();
    let path = std::env::join_paths(built.into_iter().chain(std::env::split_paths(&path))).expect("a path");
    let runtime = std::env::var_os("XDG_RUNTIME_DIR").unwrap_or_else(|| folder.path().into());

    let mut wrong = Vec::new();
    for Block { line, commands, prints } in blocks(&text) {
        let output = Command::new("sh")
            .args(["-e", "-c", &format!("exec 2>&1\n{commands}")])
            .current_dir(folder.path())
            .env("PATH", &path)
            // Some drivers complain without.
            .env("XDG_RUNTIME_DIR", &runtime)
            .stdin(Stdio::null())
            .output()
            .expect("sh");
        let printed = String::from_utf8_lossy(&output.stdout);
        let place = format!("{}:{line}", chapter.display());
        if output.status.code() == Some(5)
            && std::env::var_os("BARROW_REQUIRE_GPU").is_none_or(|it| it != "1")
        {
            eprintln!("skipped {place}: {printed}");
        } else if !output.status.success() {
            wrong.push(format!("{place}: ended with {}\n{commands}{printed}", output.status));
        } else if let Some(book) = prints.filter(|book| !is_printed(book, &printed)) {
            wrong.push(format!("{place}: the book says\n{book}but it is\n{printed}"));
        }
    }
    wrong
}

#[test]
#[cfg(unix)]
fn every_command_runs_and_prints_what_the_book_says() {
    let mut wrong = Vec::new();
    for chapter in chapters() {
        let start = std::time::Instant::now();
        wrong.extend(run(&chapter));
        eprintln!("{:.1} s, {}", start.elapsed().as_secs_f64(), chapter.display());
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_link_leads_somewhere() {
    for chapter in chapters() {
        let text =
            fs::read_to_string(&chapter).unwrap_or_else(|error| panic!("{}: {error}", chapter.display()));
        for link in links(&text) {
            let file = link.split('#').next().unwrap_or_default();
            let place = chapter.parent().expect("a folder").join(file);
            assert!(place.exists(), "{}: {link}", chapter.display());
        }
    }
}

#[test]
fn every_chapter_is_in_the_summary() {
    let mut files: Vec<PathBuf> = fs::read_dir(source())
        .expect("the chapters")
        .map(|entry| entry.expect("the folder is readable").path())
        .filter(|path| {
            path.extension().is_some_and(|extension| extension == "md") && !path.ends_with("SUMMARY.md")
        })
        .collect();
    let mut named = chapters();
    files.sort();
    named.sort();
    assert_eq!(files, named);
}

#[test]
fn blocks_are_found_with_what_they_print() {
    let text = "a\n```sh\none\ntwo\n```\n\n```text\nout\n```\n```sh,ignore\nno\n```\n```sh\nthree\n```\nb\n```text\nc\n```\n";
    let block = |line, commands: &str, prints: Option<&str>| Block {
        line,
        commands: commands.into(),
        prints: prints.map(Into::into),
    };
    assert_eq!(blocks(text), [block(2, "one\ntwo\n", Some("out\n")), block(13, "three\n", None)]);
}

#[test]
fn what_differs_is_told_and_what_may_differ_is_not() {
    for (book, printed) in [
        ("points  2 000", "points 2 000\n"),
        ("points 2 000", "points 1 999"),
        ("value 0.5 m", "value    0.503 m"),
        ("near 0.00001 m", "near -0.00004 m"),
        ("read 0.01 s, 3 steps, 20.5 ms", "read 12 s, 3 steps, 1e-3 ms"),
        ("a …, b", "a 17 of 3, b"),
        ("a\n…\nd", "a\nb\nc\nd"),
        ("a\n…", "a"),
        ("-1.5 2 000.5", "-1.5 2 000.5"),
        ("2.1e-5 of 3.1e12", "2.2e-5 of 3.1e12"),
        ("81 % of all", "80 % of all"),
    ] {
        assert!(is_printed(book, printed), "{book:?} is not {printed:?}");
    }
    for (book, printed) in [
        ("verdict accepted", "verdict doubtful"),
        ("points 2 000", "points 2 100"),
        ("value 0.5 m", "value -0.5 m"),
        ("value 0.5 m", "value 0.51 m"),
        ("3 steps", "4 steps"),
        ("value 0.5 m", "value 0.5 s"),
        ("a …, b", "a 17 of 3, c"),
        ("a\nb", "a"),
        ("a", "a\nb"),
        ("a\n…\nd", "a\nb\nc"),
        ("way-1.png", "way-2.png"),
        ("3.1e12", "3.3e12"),
        ("81 % of all", "79 % of all"),
        ("8.1 % of all", "8.2 % of all"),
    ] {
        assert!(!is_printed(book, printed), "{book:?} is {printed:?}");
    }
}
