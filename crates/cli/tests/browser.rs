//! The page of `--report` in a browser, where there is one: no console error, no request, pictures that are seen.
#![allow(missing_docs)]

mod command;

use std::path::Path;
use std::process::Command;

use command::{barrow, folder_with_pair};
use serde_json::{Value, json};

const BROWSERS: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "chrome"];

/// Without a window, as narrow as it can be without one, and as quiet as a browser can be told to be.
const ARGUMENTS: [&str; 8] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--enable-logging=stderr",
    "--window-size=500,900",
    "--dump-dom",
];

/// A script that tells of the pictures and of the width; pages have none, and their policy forbids it.
const PROBE: &str = "<script>addEventListener('load', () => {\
    const pictures = [...document.images].map(image => image.complete ? image.naturalWidth : 0);\
    const tooWide = document.documentElement.scrollWidth - document.documentElement.clientWidth;\
    document.title = 'seen ' + JSON.stringify({ pictures, tooWide });\
});</script></body>";

/// Something to fetch.
const REQUEST: &str = "<img src=\"http://127.0.0.1:9/picture.png\" alt=\"\"/></body>";

/// What became of a page.
struct Opened {
    /// The page as it is in the end.
    shown: String,
    /// What the browser said, its console included.
    said: String,
    /// Requests made by the page.
    requests: usize,
}

/// Opens a page from the disk; none if this machine has no browser.
fn open(folder: &Path, page: &str) -> Option<Opened> {
    let [file, log, profile] = ["opened.html", "log.json", "profile"].map(|name| folder.join(name));
    std::fs::write(&file, page).expect("the folder is writable");
    let output = BROWSERS.iter().find_map(|browser| {
        let mut command = Command::new(browser);
        command.arg(format!("--user-data-dir={}", profile.display()));
        command.arg(format!("--log-net-log={}", log.display()));
        command.args(ARGUMENTS).arg(format!("file://{}", file.display())).output().ok()
    })?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let log = std::fs::read_to_string(log).expect("a log of the network");
    // What a browser asks for by itself has no origin.
    let of_page = |line: &&str| line.contains("\"initiator\":") && !line.contains("\"not an origin\"");
    let requests = log.lines().filter(of_page).count();
    Some(Opened { shown: text(&output.stdout), said: text(&output.stderr), requests })
}

#[test]
fn a_page_opens_from_the_disk() {
    let folder = folder_with_pair(600);
    barrow(folder.path(), "register source.xyz target.xyz --report r.html").expect(0);
    barrow(folder.path(), "distance source.xyz target.xyz --metric wasserstein --report d.html").expect(0);
    for name in ["r.html", "d.html"] {
        let page = std::fs::read_to_string(folder.path().join(name)).expect("a page");
        let Some(opened) = open(folder.path(), &page) else {
            eprintln!("skipped: no browser");
            return;
        };
        assert!(opened.shown.contains("</html>"), "{}", opened.said);
        assert!(!opened.said.contains(":CONSOLE"), "{}", opened.said);
        assert_eq!(opened.requests, 0, "{name}");

        let without_policy = page.replace("http-equiv=\"Content-Security-Policy\"", "name=\"policy\"");
        let probed =
            open(folder.path(), &without_policy.replace("</body>", PROBE)).expect("the same browser");
        let told = probed.shown.split("<title>seen ").nth(1).and_then(|rest| rest.split("</title>").next());
        let told: Value =
            serde_json::from_str(told.unwrap_or_else(|| panic!("{}", probed.said))).expect("JSON");
        assert_eq!(told, json!({ "pictures": [900, 900], "tooWide": 0 }), "{name}");
    }
}

#[test]
fn what_a_page_must_not_do_would_be_seen() {
    let folder = folder_with_pair(300);
    barrow(folder.path(), "distance source.xyz target.xyz --report d.html").expect(0);
    let page = std::fs::read_to_string(folder.path().join("d.html")).expect("a page");
    let asking = page.replace("</body>", REQUEST);
    let Some(opened) = open(folder.path(), &asking) else {
        eprintln!("skipped: no browser");
        return;
    };
    // The policy of the page keeps the request from being made, and the console says so.
    let complains = opened.said.contains(":CONSOLE") && opened.said.contains("Content Security Policy");
    assert!(complains && opened.requests == 0, "{} requests, {}", opened.requests, opened.said);
    let without_policy = asking.replace("http-equiv=\"Content-Security-Policy\"", "name=\"policy\"");
    assert!(open(folder.path(), &without_policy).expect("the same browser").requests > 0);
}
