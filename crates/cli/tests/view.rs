//! `barrow view`: pictures without a window, a window on a display of its own, and what happens without either.
#![allow(missing_docs)]

mod command;

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use barrow_viewer::{Look, Scene, Viewer};
use command::{Run, barrow, command, folder_with_pair};
use nalgebra::Point3;

/// Width, height and pixels of a picture.
fn picture(path: &Path) -> (u32, u32, Vec<u8>) {
    let file = std::io::BufReader::new(std::fs::File::open(path).expect("a picture"));
    let mut reader = png::Decoder::new(file).read_info().expect("a PNG");
    let mut pixels = vec![0; reader.output_buffer_size().expect("a size")];
    let frame = reader.next_frame(&mut pixels).expect("pixels");
    (frame.width, frame.height, pixels)
}

fn colors(pixels: &[u8]) -> usize {
    pixels.chunks(3).collect::<BTreeSet<_>>().len()
}

/// The answer of a run that draws; `None` where nothing can, unless that is asked to be an error.
fn drawn(folder: &Path, arguments: &str) -> Option<serde_json::Value> {
    let run = barrow(folder, &format!("{arguments} --json"));
    if run.code == Some(5) && std::env::var_os("BARROW_REQUIRE_GPU").is_none_or(|value| value != "1") {
        eprintln!("skipped: {}", run.err);
        return None;
    }
    Some(run.expect(0).json())
}

#[test]
fn a_screenshot_has_the_size_asked_for_and_shows_the_clouds() {
    let folder = folder_with_pair(2000);
    let view = "view source.xyz target.xyz --screenshot a.png --size 320x200";
    let Some(json) = drawn(folder.path(), view) else { return };
    assert_eq!(json["written"], serde_json::json!(["a.png"]));
    let (width, height, pixels) = picture(&folder.path().join("a.png"));
    assert_eq!((width, height), (320, 200));
    assert!(colors(&pixels) > 3);
}

#[test]
fn a_registration_moves_the_source_in_the_picture() {
    let folder = folder_with_pair(2000);
    let view = "view source.xyz target.xyz --size 320x200 --screenshot";
    if drawn(folder.path(), &format!("{view} before.png")).is_none() {
        return;
    }
    let Some(json) = drawn(folder.path(), &format!("{view} after.png --register")) else { return };
    assert_eq!(json["verdict"], "accepted");
    let [before, after] = ["before.png", "after.png"].map(|name| picture(&folder.path().join(name)).2);
    assert_ne!(before, after);
}

#[test]
fn frames_show_the_way_along_a_plan() {
    let folder = folder_with_pair(2000);
    let view = "view source.xyz target.xyz --transport --arcs 10 --frames 3 --out way --size 200x160";
    let Some(json) = drawn(folder.path(), view) else { return };
    assert_eq!(json["written"], serde_json::json!(["way/000.png", "way/001.png", "way/002.png"]));
    let frames = ["000", "001", "002"].map(|name| picture(&folder.path().join(format!("way/{name}.png"))).2);
    assert!(frames[0] != frames[1] && frames[1] != frames[2]);
}

#[test]
fn what_cannot_be_drawn_is_told_with_a_code() {
    let folder = folder_with_pair(2000);
    let run = |arguments: &str| {
        let mut command = command();
        command.current_dir(folder.path()).args(arguments.split_whitespace());
        let command =
            command.env_remove("DISPLAY").env_remove("WAYLAND_DISPLAY").env_remove("WAYLAND_SOCKET");
        Run::from(command.output().expect("the command"))
    };
    if cfg!(all(unix, not(target_os = "macos"))) {
        let without_display = run("view source.xyz").expect(5);
        assert!(without_display.err.contains("no display"), "{}", without_display.err);
        assert!(without_display.err.contains("hint: --screenshot"), "{}", without_display.err);
    }
    run("view source.xyz --color mass --screenshot a.png").expect(2);
    run("view source.xyz target.xyz --time 2 --screenshot a.png").expect(2);
    run("view source.xyz --size 0x5 --screenshot a.png").expect(2);
    run("view source.xyz --screenshot a.txt").expect(2);
    run("view nothing.ply --screenshot a.png").expect(3);
    let colorless = run("view source.xyz --color stored --screenshot a.png").expect(3);
    assert!(colorless.err.contains("no cloud has colors"), "{}", colorless.err);
    assert!(!folder.path().join("a.png").exists());
}

/// An X server without a screen, and a window on it.
struct Display {
    server: Child,
    window: Child,
    name: String,
    /// Of the window.
    id: String,
}

impl Drop for Display {
    fn drop(&mut self) {
        for child in [&mut self.window, &mut self.server] {
            drop(child.kill());
            drop(child.wait());
        }
    }
}

impl Display {
    const SIZE: [u32; 2] = [900, 600];

    /// Opens a window; `None` where the programs for it are not installed.
    fn open(folder: &Path, arguments: &str) -> Option<Self> {
        static OPENED: AtomicU32 = AtomicU32::new(0);
        let number = OPENED.fetch_add(1, Ordering::Relaxed);
        let name = format!(":{}", 1000 + 2 * (std::process::id() % 15_000) + number);
        let server = Command::new("Xvfb")
            .args([&name, "-screen", "0", "1000x800x24", "-nolisten", "tcp"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let has_xdotool = Command::new("xdotool").arg("version").output().is_ok();
        let (Ok(server), true) = (server, has_xdotool) else {
            assert!(std::env::var_os("BARROW_REQUIRE_DISPLAY").is_none(), "Xvfb and xdotool are needed");
            eprintln!("skipped: Xvfb or xdotool is not installed");
            return None;
        };
        std::thread::sleep(Duration::from_secs(1));
        let window = command()
            .current_dir(folder)
            .args(arguments.split_whitespace())
            .args(["--size", &Self::SIZE.map(|side| side.to_string()).join("x")])
            .env("DISPLAY", &name)
            .env_remove("WAYLAND_DISPLAY")
            .stderr(Stdio::inherit())
            .spawn()
            .expect("the command");
        let mut display = Self { server, window, name, id: String::new() };
        let ids = display.wait_for(|| display.does(&["search", "--name", "barrow:"]));
        display.id = ids.lines().next()?.to_owned();
        display.does(&["windowfocus", &display.id]);
        display.does(&["mousemove", "600", "400"]);
        Some(display)
    }

    /// Repeats until there is an answer.
    #[track_caller]
    fn wait_for(&self, ask: impl Fn() -> String) -> String {
        let start = Instant::now();
        while start.elapsed() < Duration::from_secs(60) {
            let answer = ask();
            if !answer.is_empty() {
                return answer;
            }
            std::thread::sleep(Duration::from_millis(200));
        }
        panic!("nothing came in a minute");
    }

    /// What a hand does.
    fn does(&self, arguments: &[&str]) -> String {
        let output = Command::new("xdotool").args(arguments).env("DISPLAY", &self.name).output();
        String::from_utf8_lossy(&output.expect("xdotool").stdout).into_owned()
    }

    /// Moves the pointer to where a place of the scene is seen.
    fn point_at(&self, viewer: &Viewer, place: [f64; 3]) {
        let (seen, _) = viewer.eye.place(&Point3::from(place)).expect("before the eye");
        let [x, y] = [seen.x, seen.y].map(|side| (side.round() as i32).to_string());
        self.does(&["mousemove", "--window", &self.id, &x, &y]);
    }

    /// The picture that the window saves next.
    #[track_caller]
    fn snap(&self, folder: &Path, number: usize) -> Vec<u8> {
        let path = folder.join(format!("barrow-{number}.png"));
        let whole = || {
            let is_whole = std::fs::read(&path).is_ok_and(|bytes| bytes.ends_with(b"IEND\xaeB`\x82"));
            if is_whole { "there".into() } else { String::new() }
        };
        // Until what was done before is drawn.
        std::thread::sleep(Duration::from_millis(700));
        self.does(&["key", "p"]);
        self.wait_for(whole);
        picture(&path).2
    }
}

fn changed(before: &[u8], after: &[u8]) -> usize {
    before.chunks(3).zip(after.chunks(3)).filter(|(a, b)| a != b).count()
}

#[test]
fn hands_turn_come_closer_color_and_register_in_a_window() {
    let folder = folder_with_pair(2000);
    let folder = folder.path();
    let Some(mut display) = Display::open(folder, "view source.xyz target.xyz") else {
        return;
    };
    let first = display.snap(folder, 1);
    display.does(&["mousedown", "1"]);
    for _ in 0..5 {
        display.does(&["mousemove_relative", "20", "5"]);
    }
    display.does(&["mouseup", "1"]);
    let turned = display.snap(folder, 2);
    display.does(&["click", "4"]);
    let closer = display.snap(folder, 3);
    display.does(&["key", "c"]);
    let colored = display.snap(folder, 4);
    // The slider of the point size, which is the first of the panel.
    display.does(&["mousemove", "115", "123"]);
    display.does(&["mousedown", "1"]);
    display.does(&["mousemove_relative", "60", "0"]);
    display.does(&["mouseup", "1"]);
    display.does(&["mousemove", "600", "400"]);
    let larger = display.snap(folder, 5);
    display.does(&["key", "space"]);
    std::thread::sleep(Duration::from_secs(6));
    let registered = display.snap(folder, 6);
    for (what, before, after, least) in [
        ("a drag", &first, &turned, 500),
        ("the wheel", &turned, &closer, 500),
        ("a key", &closer, &colored, 500),
        ("a slider", &colored, &larger, 500),
        ("a registration", &larger, &registered, 500),
    ] {
        let pixels = changed(before, after);
        assert!(pixels > least, "{what} changed {pixels} pixels");
    }
    display.does(&["key", "q"]);
    let ended = display.window.wait().expect("the window");
    assert!(ended.success(), "{ended}");
}

/// The color of the pixel where a place of the scene is seen.
fn seen(viewer: &Viewer, pixels: &[u8], place: [f64; 3], right: u32) -> [u8; 3] {
    let (seen, _) = viewer.eye.place(&Point3::from(place)).expect("before the eye");
    let first = 3 * (seen.y as u32 * Display::SIZE[0] + seen.x as u32 + right) as usize;
    [pixels[first], pixels[first + 1], pixels[first + 2]]
}

fn is_near(a: [u8; 3], b: [u8; 3]) -> bool {
    a.iter().zip(b).all(|(a, b)| a.abs_diff(b) <= 3)
}

#[test]
fn hands_touch_arcs_pick_points_and_play_time_in_a_window() {
    const WHITE: [u8; 3] = [255; 3];
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let row = |y: f64| [0.0, 1.0, 2.0].map(|x| [x, y, 0.0]);
    let (from, to) = (row(0.0), row(1.0));
    for (name, points) in [("source.xyz", from), ("target.xyz", to)] {
        let lines: String = points.iter().map(|[x, y, z]| format!("{x} {y} {z}\n")).collect();
        std::fs::write(folder.join(name), lines).expect("a cloud");
    }
    let view = "view source.xyz target.xyz --transport --arcs 100 --point-size 11 --from -90,90";
    let Some(mut display) = Display::open(folder, view) else { return };
    // The same eye as in the window knows where things are seen.
    let cloud = |points: [[f64; 3]; 3]| barrow::geometry::PointCloud::new(points.map(Point3::from).into());
    let scene = Scene {
        source: cloud(from).expect("a cloud"),
        target: Some(cloud(to).expect("a cloud")),
        ..Scene::default()
    };
    let mut viewer = Viewer::new(scene, Look::default()).expect("a viewer");
    viewer.eye.size = Display::SIZE.map(f64::from);
    (viewer.eye.yaw, viewer.eye.pitch) = (-90f64.to_radians(), 90f64.to_radians());
    viewer.refit();

    let first = display.snap(folder, 1);
    // Beside the arcs, which end in the middle of points.
    let (orange, blue) = (seen(&viewer, &first, from[2], 4), seen(&viewer, &first, to[2], 4));
    assert!(is_near(orange, [255, 148, 46]) && is_near(blue, [64, 150, 255]), "{orange:?} {blue:?}");
    let along = [2.0, 0.3, 0.0];
    assert!(!is_near(seen(&viewer, &first, along, 0), WHITE));
    display.point_at(&viewer, along);
    let touched = display.snap(folder, 2);
    assert!(is_near(seen(&viewer, &touched, along, 0), WHITE), "the arc is not highlighted");
    assert!(is_near(seen(&viewer, &touched, to[2], 6), WHITE), "its end is not highlighted");
    display.point_at(&viewer, from[1]);
    display.does(&["click", "1"]);
    display.does(&["mousemove", "600", "500"]);
    let picked = display.snap(folder, 3);
    assert!(is_near(seen(&viewer, &picked, from[1], 7), WHITE), "no ring about the point");
    let line = [0.996, 0.998, 1.0, 1.002, 1.004].map(|x| seen(&viewer, &picked, [x, 0.5, 0.0], 0));
    assert!(
        line.iter().any(|color| color.iter().all(|channel| *channel > 200)),
        "no line to its mass: {line:?}"
    );
    display.point_at(&viewer, to[2]);
    display.does(&["click", "--repeat", "2", "--delay", "60", "1"]);
    let focused = display.snap(folder, 4);
    let middle = 3 * (Display::SIZE[1] / 2 * Display::SIZE[0] + Display::SIZE[0] / 2 + 4) as usize;
    assert!(is_near([focused[middle], focused[middle + 1], focused[middle + 2]], blue), "not looked at");
    display.does(&["key", "f", "space"]);
    std::thread::sleep(Duration::from_millis(1500));
    let underway = display.snap(folder, 5);
    assert!(changed(&first, &underway) > 100, "time stands still");
    std::thread::sleep(Duration::from_secs(5));
    // The button that saves the way as pictures.
    display.does(&["mousemove", "--window", &display.id, "35", "339"]);
    display.does(&["click", "1"]);
    let way = folder.join("barrow-6");
    display.wait_for(|| if way.join("059.png").exists() { "there".into() } else { String::new() });
    std::thread::sleep(Duration::from_millis(700));
    let [start, end] = ["000", "059"].map(|name| picture(&way.join(format!("{name}.png"))).2);
    assert!(is_near(seen(&viewer, &start, from[0], 4), orange), "no mass at its start at time 0");
    assert!(is_near(seen(&viewer, &end, to[0], 4), blue), "no mass at its end at time 1");
    display.does(&["key", "q"]);
    assert!(display.window.wait().expect("the window").success());
}
