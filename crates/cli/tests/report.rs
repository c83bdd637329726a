//! The page of `--report`: well-formed, self-contained, and true.
#![allow(missing_docs)]

mod command;

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use command::{Run, barrow, command, files, folder_with_pair, workspace};
use roxmltree::{Document, Node, ParsingOptions};
use serde_json::Value;

/// Runs a command on a pair in a folder and gives the JSON answer and the page.
fn reported(folder: &Path, arguments: &str) -> (Value, String) {
    let run = barrow(folder, &format!("{arguments} --report page.html --json"));
    let page = std::fs::read_to_string(folder.join("page.html"));
    let page = page.unwrap_or_else(|error| panic!("no page ({error}): {}", run.err));
    (run.json(), page)
}

fn parsed(page: &str) -> Document<'_> {
    let options = ParsingOptions { allow_dtd: true, ..ParsingOptions::default() };
    Document::parse_with_options(page, options).unwrap_or_else(|error| panic!("not well-formed: {error}"))
}

fn elements<'a>(page: &'a Document<'a>, name: &'static str) -> impl Iterator<Item = Node<'a, 'a>> {
    page.descendants().filter(move |node| node.has_tag_name(name))
}

fn text(node: Node) -> String {
    node.descendants().filter_map(|part| part.text().filter(|_| part.is_text())).collect()
}

/// The drawing whose caption begins with a title.
fn drawing<'a>(page: &'a Document<'a>, title: &str) -> Node<'a, 'a> {
    let is_it =
        |figure: &Node| figure.descendants().any(|node| node.has_tag_name("strong") && text(node) == title);
    elements(page, "figure").find(is_it).unwrap_or_else(|| panic!("no figure `{title}`"))
}

/// Corners of the path of a class in a drawing.
fn corners(drawing: Node, class: &str) -> Vec<(f64, f64)> {
    let path = drawing.descendants().find(|node| node.attribute("class") == Some(class));
    let path = path.unwrap_or_else(|| panic!("no `{class}`")).attribute("d").expect("an outline");
    let corner = |corner: &str| {
        let (x, y) = corner.trim_start_matches(['M', 'L']).split_once(',').expect("two numbers");
        (x.parse().expect("a number"), y.parse().expect("a number"))
    };
    path.split(' ').map(corner).collect()
}

/// The number behind the card of a name.
fn fact(page: &Document, name: &str) -> f64 {
    let term = elements(page, "dt").find(|term| text(*term) == name).unwrap_or_else(|| panic!("no `{name}`"));
    let card = term.parent().expect("a card");
    let data = card.descendants().find(|node| node.has_tag_name("data")).expect("a number");
    data.attribute("value").and_then(|value| value.parse().ok()).expect("a number")
}

/// Numbers of the row with a name in a table whose caption begins with some words.
fn row(page: &Document, caption: &str, name: &str) -> Vec<f64> {
    let is_it = |table: &Node| {
        table.children().any(|node| node.has_tag_name("caption") && text(node).starts_with(caption))
    };
    let table = elements(page, "table").find(is_it).unwrap_or_else(|| panic!("no table `{caption}`"));
    let rows = table.descendants().filter(|node| node.has_tag_name("tr"));
    let named = |row: &Node| row.first_child().is_some_and(|head| text(head) == name);
    let row = rows.into_iter().find(named).unwrap_or_else(|| panic!("no row `{name}`"));
    let data = row.descendants().filter(|node| node.has_tag_name("data"));
    data.map(|node| node.attribute("value").unwrap().parse().expect("a number")).collect()
}

/// What holds of every page: nothing is fetched, run or left without words, and every picture shows something.
fn assert_self_contained(page: &str) {
    let document = parsed(page);
    let words = without_pictures(page);
    for address in ["http:", "https:", "url(", "@import", "file:"] {
        assert!(!words.to_lowercase().contains(address), "{address} in the page");
    }
    for node in document.descendants().filter(Node::is_element) {
        let name = node.tag_name().name();
        assert!(!["script", "iframe", "object", "embed", "form", "base"].contains(&name), "<{name}>");
        for attribute in node.attributes() {
            let (key, value) = (attribute.name(), attribute.value());
            assert!(!key.starts_with("on"), "{key}");
            assert!(
                !["src", "href", "srcset"].contains(&key) || value.starts_with("data:"),
                "{key}={value:.40}"
            );
        }
    }
    let images: Vec<_> = elements(&document, "img").collect();
    assert!(!images.is_empty());
    for image in images {
        assert!(image.attribute("alt").is_some_and(|alt| alt.len() > 20));
        let data = image.attribute("src").and_then(|source| source.strip_prefix("data:image/png;base64,"));
        let bytes = STANDARD.decode(data.expect("a PNG")).expect("base64");
        let mut reader = png::Decoder::new(std::io::Cursor::new(bytes)).read_info().expect("a PNG");
        let mut pixels = vec![0; reader.output_buffer_size().expect("a size")];
        let shape = reader.next_frame(&mut pixels).expect("a whole picture");
        let said = |name: &str| image.attribute(name).and_then(|size| size.parse().ok());
        assert_eq!((said("width"), said("height")), (Some(shape.width), Some(shape.height)));
        let mut colors: Vec<_> = pixels.chunks(3).collect();
        colors.sort_unstable();
        colors.dedup();
        assert!(shape.width > 100 && shape.height > 100 && colors.len() > 50, "{} colours", colors.len());
    }
    for drawing in elements(&document, "svg") {
        assert_eq!(drawing.attribute("role"), Some("img"));
        assert!(drawing.attribute("aria-label").is_some_and(|label| label.len() > 10));
    }
    for figure in elements(&document, "figure") {
        assert!(figure.children().any(|node| node.has_tag_name("figcaption")));
    }
    for table in elements(&document, "table") {
        let has = |name: &str, scope: &str| {
            table.descendants().any(|node| node.has_tag_name(name) && node.attribute("scope") == Some(scope))
        };
        assert!(
            has("th", "col") && has("th", "row") && table.children().any(|node| node.has_tag_name("caption"))
        );
    }
    assert!(
        !["NaN", ">inf<", ">inf ", ">-inf", "=\"inf"].iter().any(|word| words.contains(word)),
        "a number that is none"
    );
}

/// The page without its pictures, whose letters mean nothing.
fn without_pictures(page: &str) -> String {
    let mut parts = page.split("base64,");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| text + part.trim_start_matches(|letter| letter != '"'))
}

/// Numbers that are the same up to the last bit, which reading JSON may cost.
#[track_caller]
fn assert_same(told: &[f64], answered: &[f64]) {
    let same = |(a, b): (&f64, &f64)| (a - b).abs() <= f64::EPSILON * b.abs();
    assert!(told.len() == answered.len() && told.iter().zip(answered).all(same), "{told:?} {answered:?}");
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("not a number: {value}"))
}

fn ready_pair() -> String {
    let pair = workspace().join("datasets/ready");
    format!("{0}/source.ply {0}/target.ply", pair.display())
}

#[test]
fn a_registration_is_told_as_it_was() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (answer, page) = reported(folder.path(), &format!("register {} --out T.txt", ready_pair()));
    assert_self_contained(&page);
    assert_eq!(answer["written"], serde_json::json!(["T.txt", "page.html"]));
    assert_eq!(files(folder.path()), ["T.txt", "page.html"]);

    let page = parsed(&page);
    assert_eq!(elements(&page, "img").count(), 2);
    for (name, key) in [("fitness", "fitness"), ("inlier rmse", "inlier_rmse"), ("overlap", "overlap")] {
        assert_same(&[fact(&page, name)], &[number(&answer[key])]);
    }
    assert_same(&[fact(&page, "consistency")], &[number(&answer["agreement"]["consistency"])]);
    for (index, name) in ["x target", "y target", "z target", "1"].into_iter().enumerate() {
        let told: Vec<f64> =
            answer["T_target_source"][index].as_array().unwrap().iter().map(number).collect();
        assert_same(&row(&page, "T_target_source", name), &told);
    }
    let stages = answer["stages"].as_array().expect("a list");
    for stage in stages {
        let told = row(&page, "What was run", stage["name"].as_str().expect("a name"));
        assert_same(&told, &[number(&stage["seconds"])]);
    }
    let told = |word: &str| elements(&page, "p").any(|node| text(node).contains(word));
    assert!(told(answer["verdict"].as_str().expect("a word")));
    assert!(elements(&page, "td").any(|cell| text(cell) == env!("CARGO_PKG_VERSION")));

    // Stages that look at many poses at once have no residual.
    let steps =
        stages.iter().filter(|stage| !["search", "settling"].contains(&stage["name"].as_str().unwrap()));
    let steps: u64 = steps.map(|stage| stage["iterations"].as_u64().unwrap()).sum();
    for title in ["Residual", "Motion", "Matches"] {
        assert_eq!(corners(drawing(&page, title), "curve two").len() as u64, steps, "{title}");
    }
    assert_eq!(elements(&page, "rect").filter(|node| node.attribute("class") == Some("bar")).count(), 48);
}

#[test]
fn the_residuals_shrink() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    barrow(folder.path(), "synth object --out scene --points 4000").expect(0);
    let (answer, page) = reported(folder.path(), "register scene/source.ply scene/target.ply");
    assert_self_contained(&page);
    assert_eq!(answer["verdict"], "accepted");
    let page = parsed(&page);
    // Rows count downwards: a higher bar begins at a smaller row.
    let near = |corners: &[(f64, f64)]| corners[..8].iter().map(|&(_, row)| 1000.0 - row).sum::<f64>();
    let figure = drawing(&page, "Distances to the nearest target point");
    let bars = figure.descendants().filter(|node| node.attribute("class") == Some("bar"));
    let bars: Vec<_> = bars
        .flat_map(|bar| {
            let at = |name| bar.attribute(name).unwrap().parse::<f64>().unwrap();
            [(at("x"), at("y")), (at("x") + at("width"), at("y"))]
        })
        .collect();
    assert!(near(&bars) > near(&corners(figure, "outline")), "{bars:?}");
}

#[test]
fn the_interval_closes() {
    let folder = folder_with_pair(800);
    let (answer, page) =
        reported(folder.path(), "distance source.xyz target.xyz --metric wasserstein --gap 0.001");
    assert_self_contained(&page);
    assert_eq!(answer["written"], serde_json::json!(["page.html"]));
    let page = parsed(&page);
    let certificate = &answer["certificate"];
    assert_same(&[fact(&page, "value")], &[number(&answer["value"])]);
    assert_same(&[fact(&page, "at least")], &[number(&certificate["lower"])]);
    assert_same(&[fact(&page, "at most")], &[number(&certificate["upper"])]);
    assert_same(&[fact(&page, "gap")], &[number(&certificate["relative_gap"])]);

    let closing = drawing(&page, "The certificate");
    let (lower, upper) = (corners(closing, "curve two"), corners(closing, "curve one"));
    assert!(lower.len() == upper.len() && !lower.is_empty());
    // Rows count downwards: the lower bound rises, the upper one falls, and they do not cross.
    assert!(lower.windows(2).all(|pair| pair[1].1 <= pair[0].1), "{lower:?}");
    assert!(upper.windows(2).all(|pair| pair[1].1 >= pair[0].1), "{upper:?}");
    assert!(lower.iter().zip(&upper).all(|(low, high)| low.0 == high.0 && low.1 >= high.1));
    let (first, last) = (lower[0].1 - upper[0].1, lower[lower.len() - 1].1 - upper[upper.len() - 1].1);
    assert!(last < 0.5 * first, "{first} {last}");
    // The last row of the steps is the answer.
    let steps = row(&page, "Steps", &answer["convergence"]["iterations"].to_string());
    assert_same(&steps[1..], &["lower", "upper", "relative_gap"].map(|key| number(&certificate[key])));
}

#[test]
fn misplaced_mass_is_drawn_by_step() {
    let folder = folder_with_pair(300);
    let arguments = "distance source.xyz target.xyz --metric sinkhorn --blur 0.3 --device cpu";
    let (answer, page) = reported(folder.path(), arguments);
    assert_self_contained(&page);
    let page = parsed(&page);
    assert_same(&[fact(&page, "value")], &[number(&answer["value"])]);
    let steps = answer["convergence"]["iterations"].as_u64().unwrap() as usize;
    assert_eq!(corners(drawing(&page, "Misplaced mass"), "curve two").len(), steps);
    assert_eq!(row(&page, "What it was computed with", "blur"), [0.3]);
}

#[test]
fn metrics_without_steps_have_a_histogram_alone() {
    let folder = folder_with_pair(300);
    for metric in ["chamfer", "hausdorff", "fscore", "sliced", "max-sliced"] {
        let (answer, page) =
            reported(folder.path(), &format!("distance source.xyz target.xyz --metric {metric}"));
        assert_self_contained(&page);
        let page = parsed(&page);
        assert_same(&[fact(&page, "value")], &[number(&answer["value"])]);
        assert_eq!(
            elements(&page, "svg").filter(|drawing| drawing.attribute("class").is_none()).count(),
            1,
            "{metric}"
        );
        let outline = corners(drawing(&page, "Distances to the nearest point"), "outline");
        assert_eq!(outline.len(), 2 * 48);
    }
}

#[test]
fn hostile_names_are_only_words() {
    let folder = folder_with_pair(300);
    let hostile = "<script>&\"'\u{202e}.xyz";
    std::fs::rename(folder.path().join("source.xyz"), folder.path().join(hostile)).expect("a strange name");
    for subcommand in ["register", "distance"] {
        let arguments = [subcommand, hostile, "target.xyz", "--report", "page.html"];
        let run = command().current_dir(folder.path()).args(arguments).output().expect("the command starts");
        Run::from(run).expect(0);
        let page = std::fs::read_to_string(folder.path().join("page.html")).expect("a page");
        assert_self_contained(&page);
        assert!(!page.contains("<script") && !page.contains('\u{202e}'));
        let page = parsed(&page);
        assert!(elements(&page, "bdi").any(|name| text(name) == "<script>&\"'\u{fffd}.xyz"));
    }
}

#[test]
fn a_failed_registration_is_reported_alone() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    barrow(folder.path(), "synth cube --out cube --points 900").expect(0);
    let scattered: Vec<_> = command::room(900);
    command::write_points(&folder.path().join("room.xyz"), &scattered);
    let arguments = "register cube/source.ply room.xyz --out T.txt --report page.html --json";
    let run = barrow(folder.path(), arguments);
    let answer = run.json();
    assert_eq!(answer["verdict"], "failed", "{answer}");
    let run = run.expect(4);
    assert!(run.err.contains("no file is written but the report"), "{}", run.err);
    assert_eq!(answer["written"], serde_json::json!(["page.html"]));
    assert_eq!(files(folder.path()), ["cube", "page.html", "room.xyz"]);
    let page = std::fs::read_to_string(folder.path().join("page.html")).expect("a page");
    assert_self_contained(&page);
    assert!(page.contains("most likely wrong"));
}

#[test]
fn where_no_step_had_a_match_no_curve_is_drawn() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    barrow(folder.path(), "synth cube --out cube --points 900").expect(0);
    barrow(folder.path(), "synth street --out street --seed 3").expect(0);
    let (answer, page) = reported(folder.path(), "register cube/source.ply street/target.ply");
    assert_self_contained(&page);
    assert_eq!((answer["verdict"].as_str(), number(&answer["fitness"])), (Some("failed"), 0.0));
    assert_eq!(elements(&parsed(&page), "svg").count(), 1);
}

#[test]
fn degenerate_clouds_have_a_page_too() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let clouds = [
        ("one.xyz", "1 2 3\n"),
        ("same.xyz", "1 2 3\n1 2 3\n1 2 3\n"),
        ("line.xyz", "0 0 0\n1 0 0\n2 0 0\n"),
        ("far.xyz", "1e150 0 0\n0 1e150 0\n0 0 1e160\n"),
        ("vast.xyz", "1e300 0 0\n0 -1e300 0\n0 0 1e307\n"),
        ("tiny.xyz", "1e-300 0 0\n0 1e-310 0\n0 0 1e-320\n"),
    ];
    for (name, text) in clouds {
        std::fs::write(folder.path().join(name), text).expect("the folder is writable");
    }
    for (source, _) in clouds {
        for (target, _) in clouds {
            let run = barrow(folder.path(), &format!("distance {source} {target} --report page.html --json"));
            if run.code == Some(0) {
                let page = std::fs::read_to_string(folder.path().join("page.html")).expect("a page");
                parsed(&page);
                assert!(!without_pictures(&page).contains("NaN"), "{source} {target}");
            } else {
                run.expect(3);
            }
        }
    }
}

#[test]
fn a_place_that_cannot_be_written_is_refused_before_the_work() {
    let folder = folder_with_pair(300);
    std::fs::create_dir(folder.path().join("folder.html")).expect("a folder");
    for subcommand in ["register", "distance"] {
        for (place, word) in [("nowhere/page.html", "nowhere"), ("folder.html", "folder")] {
            let arguments = format!("{subcommand} missing.xyz target.xyz --report {place}");
            // The missing cloud is not even looked for.
            barrow(folder.path(), &arguments).refused(&[word]);
        }
    }
    assert_eq!(files(folder.path()), ["folder.html", "source.xyz", "target.xyz"]);
    let many = "register source.xyz target.xyz target.xyz --report page.html";
    assert!(barrow(folder.path(), many).expect(2).err.contains("--report"));
}
