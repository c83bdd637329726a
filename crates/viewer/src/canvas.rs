//! One frame: the scene, the guides over it, the panel over them. The same on a window and off-screen.

use kiss3d::color::Color;
use kiss3d::post_processing::Tonemap;
use kiss3d::window::Window;

use crate::painting::Painting;
use crate::panel::{Panel, Wishes};
use crate::{Picture, Result, Viewer, guides, panel};

pub(crate) struct Canvas {
    painting: Painting,
}

impl Canvas {
    /// A window or an off-screen surface must be there.
    pub fn new(viewer: &mut Viewer) -> Self {
        viewer.forget_painting();
        Self { painting: Painting::new(viewer.eye.origin) }
    }

    /// Share of the points that is drawn.
    pub fn set_share(&mut self, share: f64) {
        self.painting
            .layers
            .iter_mut()
            .filter(|layer| layer.is_points())
            .for_each(|layer| layer.share = share);
    }

    /// Number of points there are to draw.
    pub fn points(&self) -> u32 {
        self.painting.layers.iter().filter(|layer| layer.is_points()).map(|layer| layer.len()).sum()
    }

    /// Draws a frame. Returns what the user wished for in the panel.
    ///
    /// # Errors
    /// If the look asks for what cannot be drawn.
    pub async fn draw(
        &mut self,
        window: &mut Window,
        viewer: &mut Viewer,
        panel: &mut Panel,
    ) -> Result<Wishes> {
        // Colors are data here: no film curve, no shadows.
        window.set_tonemap(Tonemap::None);
        window.set_shadows_enabled(false);
        let linear = |channel: u8| (f32::from(channel) / 255.0).powf(2.2);
        let [red, green, blue] = viewer.look.background.map(linear);
        window.set_background_color(Color::new(red, green, blue, 1.0));
        let size = window.size();
        viewer.set_size([f64::from(size.x.max(1)), f64::from(size.y.max(1))]);
        viewer.paint(&mut self.painting)?;
        let mut wishes = Wishes::default();
        window.draw_ui(|context| {
            guides::draw(context, viewer);
            wishes = panel::draw(context, viewer, panel);
        });
        let mut eye = viewer.eye.clone();
        window.render(None, None, Some(&mut eye), None, Some(&mut self.painting), None).await;
        Ok(wishes)
    }

    /// What was drawn last.
    pub fn snap(&self, window: &Window) -> Picture {
        let image = window.snap_image();
        Picture { width: image.width(), height: image.height(), pixels: image.into_raw() }
    }
}
