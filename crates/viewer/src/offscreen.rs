//! Pictures without a window, a display, or a graphics card.

use std::ops::ControlFlow;

use kiss3d::window::{CanvasSetup, OffscreenSurface};

use crate::canvas::Canvas;
use crate::device;
use crate::panel::Panel;
use crate::{Error, Picture, Result, Viewer};

/// Frames before a picture is taken: the panel is measured in the first and drawn in the second.
const FRAMES: usize = 3;

/// What of the user interface is in a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Controls {
    /// None of it.
    #[default]
    Hidden,
    /// The panel.
    Panel,
    /// The panel and the list of keys.
    Help,
}

impl Viewer {
    /// One picture of what is seen.
    ///
    /// # Errors
    /// [`Error::Size`] for a size out of range, [`Error::NoDevice`] if nothing can draw, [`Error::Broken`] if it breaks down.
    pub fn picture(&mut self, size: [u32; 2], controls: Controls) -> Result<Picture> {
        let mut taken = None;
        self.pictures(
            size,
            controls,
            1,
            |_, _| Ok(()),
            |_, picture| {
                taken = Some(picture);
                ControlFlow::Continue(())
            },
        )?;
        taken.ok_or_else(|| Error::Broken { reason: "no picture was taken".into() })
    }

    /// Several pictures, each of what `set` makes of the viewer; `take` may end it.
    ///
    /// # Errors
    /// As [`picture`](Self::picture), and what `set` returns.
    pub fn pictures(
        &mut self,
        size: [u32; 2],
        controls: Controls,
        count: usize,
        mut set: impl FnMut(&mut Self, usize) -> Result<()> + Send,
        mut take: impl FnMut(usize, Picture) -> ControlFlow<()> + Send,
    ) -> Result<()> {
        let [width, height] = size;
        if !size.iter().all(|side| device::SIDES.contains(side)) {
            return Err(Error::Size { width, height });
        }
        // What draws keeps its state in the thread, and only once in its life.
        std::thread::scope(|scope| {
            let drawing = scope.spawn(|| {
                device::guarded(|| -> Result<()> {
                    let samples = device::samples(device::offscreen()?);
                    let setup = CanvasSetup { samples, vsync: false, ..CanvasSetup::default() };
                    let mut surface = pollster::block_on(OffscreenSurface::with_setup(width, height, setup));
                    let mut canvas = Canvas::new(self);
                    let mut panel = Panel {
                        is_hidden: controls == Controls::Hidden,
                        shows_help: controls == Controls::Help,
                        ..Panel::default()
                    };
                    for index in 0..count {
                        set(self, index)?;
                        let frames = if index == 0 { FRAMES } else { FRAMES - 1 };
                        for _ in 0..frames {
                            pollster::block_on(canvas.draw(surface.window_mut(), self, &mut panel))?;
                        }
                        let picture = canvas.snap(surface.window());
                        if take(index, picture).is_break() {
                            break;
                        }
                    }
                    Ok(())
                })?
            });
            drawing
                .join()
                .unwrap_or_else(|_| Err(Error::Broken { reason: "the thread that draws ended".into() }))
        })
    }
}
