//! What was drawn, as an array of pixels.

/// Rows from the top, red, green and blue in turn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    /// \[pixel\].
    pub width: u32,
    /// \[pixel\].
    pub height: u32,
    /// Three bytes a pixel, as a screen takes them (sRGB).
    pub pixels: Vec<u8>,
}

impl Picture {
    /// Red, green and blue of a pixel, counted from the upper left.
    ///
    /// # Panics
    /// Outside of the picture.
    pub fn at(&self, column: u32, row: u32) -> [u8; 3] {
        let first = 3 * (row as usize * self.width as usize + column as usize);
        [self.pixels[first], self.pixels[first + 1], self.pixels[first + 2]]
    }

    /// The picture as a file.
    ///
    /// # Errors
    /// If it has no pixels.
    pub fn png(&self) -> Result<Vec<u8>, png::EncodingError> {
        let mut file = Vec::new();
        let mut encoder = png::Encoder::new(&mut file, self.width, self.height);
        encoder.set_color(png::ColorType::Rgb);
        encoder.set_depth(png::BitDepth::Eight);
        encoder.set_source_srgb(png::SrgbRenderingIntent::Perceptual);
        encoder.write_header()?.write_image_data(&self.pixels)?;
        Ok(file)
    }
}
