//! Light that adds up, point by point, and the PNG of it.

use anyhow::Result;
use colorous::VIRIDIS;
use nalgebra::Point2;

use super::view::Frame;
use super::{BACKGROUND, GAP, Plate, STRIP, WIDTH};
use crate::lettering;

/// Exponent of the power that stands in for the curve of sRGB.
const GAMMA: f32 = 2.2;

/// Part of viridis that is left out at its dark end, where it would not be seen on a dark ground.
const DARK: f64 = 0.12;

/// Light per pixel and channel.
pub struct Picture {
    width: usize,
    height: usize,
    light: Vec<[f32; 3]>,
}

impl Picture {
    /// A picture without points; what is right of the first panel is the gap to a second.
    pub fn new(width: usize, height: usize) -> Self {
        let mut light = vec![BACKGROUND; width * height];
        for row in light.chunks_mut(width) {
            row.iter_mut().skip(WIDTH).take(GAP).for_each(|pixel| *pixel = [0.0; 3]);
        }
        Self { width, height, light }
    }

    /// Adds a cloud to the panel that starts at column `left`.
    pub fn add_layer(&mut self, left: usize, frame: &Frame, points: &[Point2<f64>], color: [f32; 3]) {
        self.shine(left, brightness(&density(frame, points, |_| 1.0)), |_| color);
    }

    /// Adds a cloud whose points are coloured by parts of a whole, as [`color_of`] does; a point whose part is no number is left out.
    pub fn add_colored_layer(&mut self, frame: &Frame, points: &[Point2<f64>], parts: &[f64]) {
        let there = |index: usize| if parts[index].is_nan() { 0.0 } else { 1.0 };
        let clamped =
            |index: usize| if parts[index].is_nan() { 0.0 } else { parts[index].clamp(0.0, 1.0) as f32 };
        let (density, sum) = (density(frame, points, there), self::density(frame, points, clamped));
        let linear = |channel: u8| (f32::from(channel) / 255.0).powf(GAMMA);
        let mean = |pixel: usize| color_of(f64::from(sum[pixel] / density[pixel])).map(linear);
        self.shine(0, brightness(&density), mean);
    }

    /// Adds light to a panel, as bright and of the colour that every pixel has.
    fn shine(&mut self, left: usize, brightness: Vec<f32>, color: impl Fn(usize) -> [f32; 3]) {
        for (index, brightness) in
            brightness.into_iter().enumerate().filter(|(_, brightness)| *brightness > 0.0)
        {
            let pixel = &mut self.light[index / WIDTH * self.width + left + index % WIDTH];
            for (channel, strength) in pixel.iter_mut().zip(color(index)) {
                *channel += brightness * strength;
            }
        }
    }

    /// Writes a word with its top left corner at a pixel.
    pub fn write(&mut self, left: usize, top: usize, word: &str, color: [f32; 3]) {
        for (column, row) in lettering::pixels(word) {
            let (column, row) = (left + column, top + row);
            if column < self.width && row < self.height {
                self.light[row * self.width + column] = color;
            }
        }
    }

    /// The rows from one on as a PNG, its channels in steps: coarse ones take less than half of the space of all 256.
    pub fn plate(&self, top: usize, step: u8) -> Result<Plate> {
        let (width, height) = (self.width, self.height - top);
        // Linear light to sRGB, by its power approximation.
        let step = f32::from(step);
        let encode = |value: f32| {
            let level = (255.0 / step * value.clamp(0.0, 1.0).powf(1.0 / GAMMA) + 0.5).floor();
            (level * step) as u8
        };
        let bytes: Vec<u8> = self.light[top * width..].iter().flatten().map(|&value| encode(value)).collect();
        let mut png = Vec::new();
        let mut encoder = png::Encoder::new(&mut png, width as u32, height as u32);
        encoder.set_color(png::ColorType::Rgb);
        encoder.set_depth(png::BitDepth::Eight);
        encoder.set_compression(png::Compression::High);
        encoder.write_header()?.write_image_data(&bytes)?;
        Ok(Plate { png, width, height })
    }
}

/// The colour of a part of a whole in sRGB: perceptually uniform, from violet at 0 to yellow at 1.
pub fn color_of(part: f64) -> [u8; 3] {
    let color = VIRIDIS.eval_continuous(DARK + (1.0 - DARK) * part.clamp(0.0, 1.0));
    [color.r, color.g, color.b]
}

/// How brightly every pixel is lit: one as dense as the median of those that are hit by half, ten times that brightly.
fn brightness(density: &[f32]) -> Vec<f32> {
    let mut lit: Vec<f32> = density.iter().copied().filter(|&value| value > 1e-3).collect();
    if lit.is_empty() {
        return Vec::new();
    }
    let middle = lit.len() / 2;
    let typical = *lit.select_nth_unstable_by(middle, f32::total_cmp).1;
    density.iter().map(|value| 1.0 - (-0.6 * (value / typical).powf(0.7)).exp()).collect()
}

/// Weight of the points on every pixel of one panel, each spread over the pixels around it.
fn density(frame: &Frame, points: &[Point2<f64>], weight: impl Fn(usize) -> f32) -> Vec<f32> {
    let mut density = vec![0.0; WIDTH * frame.height];
    for (index, point) in points.iter().enumerate() {
        let (x, y) = frame.place(point);
        let (x, y) = (x - 0.5, y - 0.5);
        let (column, row) = (x.floor(), y.floor());
        let inside = column >= 0.0 && row >= STRIP as f64;
        if !inside || column + 1.0 >= WIDTH as f64 || row + 1.0 >= frame.height as f64 {
            continue;
        }
        let (right, down) = ((x - column) as f32, (y - row) as f32);
        let (corner, weight) = (row as usize * WIDTH + column as usize, weight(index));
        density[corner] += weight * (1.0 - right) * (1.0 - down);
        density[corner + 1] += weight * right * (1.0 - down);
        density[corner + WIDTH] += weight * (1.0 - right) * down;
        density[corner + WIDTH + 1] += weight * right * down;
    }
    for _ in 0..2 {
        density = blurred(&density, WIDTH);
    }
    density
}

/// One pass of the binomial filter 1 2 1 along both axes.
fn blurred(density: &[f32], width: usize) -> Vec<f32> {
    let pass = |values: &[f32], stride: usize| -> Vec<f32> {
        let at = |index: usize| values.get(index).copied().unwrap_or(0.0);
        (0..values.len())
            .map(|index| {
                0.5 * at(index) + 0.25 * (at(index.wrapping_sub(stride)) + at(index.wrapping_add(stride)))
            })
            .collect()
    };
    pass(&pass(density, 1), width)
}
