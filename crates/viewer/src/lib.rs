//! Point clouds, transport plans and registrations to look at.
//!
//! A [`Scene`] is what there is to see, a [`Look`] how it is shown, a [`Viewer`] both and an [`Eye`]. The same viewer draws in a
//! window ([`Viewer::open`]) and without one ([`Viewer::picture`]), on a graphics card or in software.
//!
//! ```no_run
//! use barrow_geometry::PointCloud;
//! use barrow_viewer::{ColorBy, Controls, Look, Scene, Viewer};
//! use nalgebra::Point3;
//!
//! let source = PointCloud::new((0..100).map(|i| Point3::new(0.1 * f64::from(i), 0.0, 0.0)).collect())?;
//! let look = Look { color: ColorBy::Height, ..Look::default() };
//! let mut viewer = Viewer::new(Scene { source, ..Scene::default() }, look)?;
//! let picture = viewer.picture([800, 600], Controls::Hidden)?;
//! std::fs::write("cloud.png", picture.png()?)?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod arcs;
mod camera;
mod canvas;
mod coloring;
mod device;
mod error;
mod guides;
mod legend;
mod look;
mod offscreen;
mod painting;
mod panel;
mod picture;
mod playback;
mod pointing;
mod recording;
mod scene;
mod viewer;
mod window;

pub use arcs::ShownArcs;
pub use camera::Eye;
pub use coloring::Coloring;
pub use device::SIDES;
pub use error::{Error, Result};
pub use legend::{Legend, Rgba, Scale};
pub use look::{ArcChoice, ArcColor, ColorBy, Look, Up};
pub use offscreen::Controls;
pub use picture::Picture;
pub use playback::{Moment, Playback, Progress};
pub use pointing::Picked;
pub use scene::Scene;
pub use viewer::Viewer;
pub use window::WindowOptions;
