//! A window to look through, and what hands do in it.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use kiss3d::event::{Action, Key, Modifiers, MouseButton, WindowEvent};
use kiss3d::window::{CanvasSetup, Window};
use nalgebra::Point2;

use crate::canvas::Canvas;
use crate::panel::{self, Panel};
use crate::playback::Progress;
use crate::recording::Recording;
use crate::{ColorBy, Result, Viewer, device};

/// Two clicks within this time are a double click.
const TWICE: Duration = Duration::from_millis(400);

/// A click moves the pointer by no more \[pixel\].
const STILL: f64 = 4.0;

/// Frames after the last change: the panel needs some to settle.
const SETTLING: usize = 3;

/// Displacement interpolation takes this long from end to end \[s\].
const JOURNEY: f64 = 4.0;

/// Points that a device in software draws while the picture moves.
const FLUENT: f64 = 60_000.0;

/// A pause between looks for something new, where nothing moves.
const PAUSE: Duration = Duration::from_millis(8);

/// Factor of the distance for one notch of the wheel, which counts ten.
const NOTCH: f64 = 0.9;

/// How a window is opened.
#[derive(Debug, Clone, PartialEq)]
pub struct WindowOptions {
    /// What it is called.
    pub title: String,
    /// Width and height \[pixel\].
    pub size: [u32; 2],
    /// Where pictures are saved to: `PREFIX-1.png`, `PREFIX-2.png`, ….
    pub pictures: PathBuf,
    /// Whether a registration starts at once.
    pub registers: bool,
}

impl Default for WindowOptions {
    fn default() -> Self {
        Self { title: "barrow".into(), size: [1280, 800], pictures: "barrow".into(), registers: false }
    }
}

/// What the mouse is about.
#[derive(Debug, Default)]
struct Hand {
    cursor: Point2<f64>,
    pressed: Option<(MouseButton, Point2<f64>)>,
    last_click: Option<(Instant, Point2<f64>)>,
    has_shift: bool,
}

impl Viewer {
    /// Opens a window and returns when it is closed. Must be called on the first thread of the process.
    ///
    /// # Errors
    /// [`NoDisplay`](crate::Error::NoDisplay) and [`NoDevice`](crate::Error::NoDevice) if there is none,
    /// [`Broken`](crate::Error::Broken) if drawing breaks down. After the
    /// last the process should end: the library of the window cannot be used again.
    pub fn open(&mut self, options: &WindowOptions) -> Result<()> {
        device::display()?;
        device::guarded(|| pollster::block_on(self.run(options)))?
    }

    async fn run(&mut self, options: &WindowOptions) -> Result<()> {
        let is_software = device::is_software()?;
        let setup =
            CanvasSetup { vsync: true, samples: device::samples(is_software), ..CanvasSetup::default() };
        let [width, height] = options.size;
        let mut window = Window::new_with_setup(&options.title, width, height, setup).await;
        let mut canvas = Canvas::new(self);
        let (mut panel, mut hand) = (Panel::default(), Hand::default());
        let (mut waiting, mut pictures, mut last) = (SETTLING, 0, Instant::now());
        self.set_size([f64::from(width), f64::from(height)]);
        self.refit();
        if options.registers {
            panel::start(self);
        }
        let mut recording: Option<Recording> = None;
        loop {
            window.canvas_mut().poll_events();
            let events: Vec<WindowEvent> = window.events().iter().map(|event| event.value).collect();
            let mut moves = false;
            for event in events {
                waiting = SETTLING;
                let (over_panel, typing) =
                    (window.is_egui_capturing_mouse(), window.is_egui_capturing_keyboard());
                match event {
                    WindowEvent::Close => return Ok(()),
                    WindowEvent::Key(Key::Space | Key::Escape, Action::Press, _) if recording.is_some() => {
                        self.end(&mut recording);
                    }
                    WindowEvent::Key(key, Action::Press, modifiers) if !typing => {
                        match self.pressed(key, modifiers, &mut panel) {
                            Answer::Leave => return Ok(()),
                            Answer::Save => {
                                pictures += 1;
                                self.save(&canvas, &window, options, pictures);
                            }
                            Answer::Stay => {}
                        }
                    }
                    event if event.is_mouse_event() => moves |= self.handled(&mut hand, &event, over_panel),
                    _ => {}
                }
            }
            if recording.is_some() {
                self.record(&mut recording, &mut canvas, &mut window).await?;
                waiting = SETTLING;
                continue;
            }
            let elapsed = last.elapsed().as_secs_f64().min(0.1);
            last = Instant::now();
            if self.ran(&mut panel, elapsed) {
                (waiting, moves) = (SETTLING, true);
            }
            if waiting == 0 && !window.egui_context().has_requested_repaint() {
                std::thread::sleep(PAUSE);
                continue;
            }
            waiting = waiting.saturating_sub(1);
            let points = f64::from(canvas.points()).max(1.0);
            let is_coarse = is_software && moves;
            canvas.set_share(if is_coarse { (FLUENT / points).min(1.0) } else { 1.0 });
            // The rest of the points follows when the hand rests.
            waiting = if is_coarse { SETTLING } else { waiting };
            let wishes = canvas.draw(&mut window, self, &mut panel).await?;
            if wishes.fits {
                self.refit();
            }
            if wishes.resets {
                self.reset_view();
            }
            if let Some(count) = wishes.records {
                pictures += 1;
                panel.plays = false;
                let folder = PathBuf::from(format!("{}-{pictures}", options.pictures.display()));
                recording = Recording::start(folder, count, self.look.time)
                    .inspect_err(|error| self.note = Some(error.to_string()))
                    .ok();
            }
            if window.should_close() {
                return Ok(());
            }
        }
    }

    /// Draws the next picture along the plan without the panel, and saves it.
    async fn record(
        &mut self,
        recording: &mut Option<Recording>,
        canvas: &mut Canvas,
        window: &mut Window,
    ) -> Result<()> {
        let Some(time) = recording.as_ref().and_then(Recording::time) else {
            self.end(recording);
            return Ok(());
        };
        self.look.time = Some(time);
        canvas.set_share(1.0);
        let mut hidden = Panel { is_hidden: true, ..Panel::default() };
        for _ in 0..SETTLING {
            canvas.draw(window, self, &mut hidden).await?;
        }
        let picture = canvas.snap(window);
        if let Some(Err(error)) = recording.as_mut().map(|recording| recording.take(&picture)) {
            self.end(recording);
            self.note = Some(error.to_string());
        }
        Ok(())
    }

    fn end(&mut self, recording: &mut Option<Recording>) {
        if let Some(ended) = recording.take() {
            let (time, note) = ended.end();
            (self.look.time, self.note) = (time, Some(note));
        }
    }

    /// Lets time and registration go on. Returns whether something has moved.
    fn ran(&mut self, panel: &mut Panel, elapsed: f64) -> bool {
        let mut has_moved = false;
        if panel.plays && self.scene().plan.is_some() {
            let time = self.look.time.unwrap_or(0.0) + elapsed / JOURNEY;
            panel.plays = time < 1.0;
            self.look.time = Some(time.min(1.0));
            has_moved = true;
        }
        let is_running = self.playback.as_ref().is_some_and(|one| one.progress == Progress::Running);
        has_moved | (is_running && self.advance(false))
    }

    /// What a key does.
    fn pressed(&mut self, key: Key, modifiers: Modifiers, panel: &mut Panel) -> Answer {
        if modifiers.intersects(Modifiers::Control | Modifiers::Alt | Modifiers::Super) {
            return Answer::Stay;
        }
        match key {
            Key::Q | Key::Escape => return Answer::Leave,
            Key::P => return Answer::Save,
            Key::F => self.refit(),
            Key::R => self.reset_view(),
            Key::C => self.next_color(),
            Key::Equals | Key::Add => self.look.point_size = (self.look.point_size + 1.0).min(12.0),
            Key::Minus | Key::Subtract => self.look.point_size = (self.look.point_size - 1.0).max(1.0),
            Key::S => self.look.shows_source ^= true,
            Key::T => self.look.shows_target ^= true,
            Key::A => self.look.arcs = if self.look.arcs > 0.0 { 0.0 } else { 0.1 },
            Key::H => panel.shows_help ^= true,
            Key::Tab => panel.is_hidden ^= true,
            Key::Space => self.play(panel),
            _ => {}
        }
        Answer::Stay
    }

    /// Plays what there is to play: time along a plan, else the registration.
    fn play(&mut self, panel: &mut Panel) {
        if self.scene().plan.is_some() {
            panel.plays ^= true;
            if panel.plays && self.look.time == Some(1.0) {
                self.look.time = Some(0.0);
            }
            return;
        }
        match self.playback.as_ref().map(|playback| playback.progress.clone()) {
            Some(Progress::Running) => panel::pause(self),
            Some(Progress::Paused) => panel::resume(self),
            _ if self.scene().target.is_some() => panel::start(self),
            _ => {}
        }
    }

    /// The next color that the scene has values for.
    fn next_color(&mut self) {
        let current = ColorBy::ALL.iter().position(|by| *by == self.look.color).unwrap_or(0);
        let following =
            (1..=ColorBy::ALL.len()).map(|step| ColorBy::ALL[(current + step) % ColorBy::ALL.len()]);
        let has_values = |by: &ColorBy| crate::Coloring::of(self.scene(), *by, self.look.up).is_ok();
        if let Some(next) = following.into_iter().find(has_values) {
            self.look.color = next;
        }
    }

    /// What the mouse does. Returns whether the picture moves.
    fn handled(&mut self, hand: &mut Hand, event: &WindowEvent, over_panel: bool) -> bool {
        match *event {
            WindowEvent::MouseButton(button, Action::Press, modifiers) if !over_panel => {
                hand.has_shift = modifiers.contains(Modifiers::Shift);
                hand.pressed = Some((button, hand.cursor));
                false
            }
            WindowEvent::MouseButton(button, Action::Release, _) => {
                let pressed = hand.pressed.take().filter(|(which, _)| *which == button);
                let Some((MouseButton::Button1, place)) = pressed else { return false };
                if !hand.has_shift && (hand.cursor - place).norm() <= STILL {
                    self.clicked(hand, place);
                }
                false
            }
            WindowEvent::CursorPos(x, y, _) => {
                let before = std::mem::replace(&mut hand.cursor, Point2::new(x, y));
                let (right, down) = (x - before.x, y - before.y);
                match (hand.pressed, hand.has_shift) {
                    (None, _) => {
                        if !over_panel {
                            self.touch(hand.cursor);
                        }
                        return false;
                    }
                    (Some((MouseButton::Button1, _)), true) => self.turn_source(right, down),
                    (Some((MouseButton::Button1, _)), false) => self.eye.turn(right, down),
                    (Some(_), true) => self.shift_source(right, down),
                    (Some(_), false) => self.eye.pan(right, down),
                }
                true
            }
            WindowEvent::Scroll(_, notches, _) if !over_panel => {
                self.eye.zoom(NOTCH.powf(notches / 10.0));
                true
            }
            _ => false,
        }
    }

    fn clicked(&mut self, hand: &mut Hand, place: Point2<f64>) {
        let is_second = hand
            .last_click
            .is_some_and(|(when, where_)| when.elapsed() < TWICE && (where_ - place).norm() <= STILL);
        let found = self.pick(place);
        if found.is_none() {
            self.picked = None;
        }
        if let (true, Some(point)) = (is_second, found) {
            self.eye.focus = point;
            self.eye.zoom(0.5);
        }
        hand.last_click = if is_second { None } else { Some((Instant::now(), place)) };
    }

    fn save(&mut self, canvas: &Canvas, window: &Window, options: &WindowOptions, number: usize) {
        let path = format!("{}-{number}.png", options.pictures.display());
        let saved = canvas.snap(window).save(Path::new(&path));
        self.note = Some(match saved {
            Ok(()) => format!("saved {path}"),
            Err(error) => format!("{path}: {error}"),
        });
    }
}

/// What is to happen after a key.
enum Answer {
    Stay,
    Save,
    Leave,
}
