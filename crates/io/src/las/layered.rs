//! Points of formats 6 to 10 as LASzip keeps them (`laszip_itemio_v3.hpp`): a layer of its own for every field, and models for each
//! of four scanner channels.
//!
//! laz decodes the same with times that can overflow any stack (see [`Times`]), and has no place to put others. So this is
//! here, for the fields that a cloud can carry; all others stay what they are in the first point.

use std::io::{Cursor, Read, Result, Seek, SeekFrom};

use laz::DecompressionSelection;
use laz::decoders::ArithmeticDecoder;
use laz::decompressors::{IntegerDecompressor, IntegerDecompressorBuilder};
use laz::models::{ArithmeticModel, ArithmeticModelBuilder};
use laz::record::LayeredFieldDecompressor;

use super::times::Times;

/// Bytes of a point, and where in them its fields are.
const SIZE: usize = 30;
const INTENSITY: usize = 12;
const RETURNS: usize = 14;
const FLAGS: usize = 15;
const TIME: usize = 22;

/// Layers in the order of the file, and those that are read here. The first holds x, y, returns and channel.
const LAYERS: usize = 9;
const Z: usize = 1;
const INTENSITIES: usize = 4;
const TIMES: usize = 8;

/// What a point says to have changed, as bits of the first symbol of each.
const RETURN: u32 = 0b11;
const NUMBER_OF_RETURNS: u32 = 1 << 2;
const TIME_CHANGED: u32 = 1 << 4;
const CHANNEL: u32 = 1 << 6;

type Layer = ArithmeticDecoder<Cursor<Vec<u8>>>;

/// Layers that are wanted and not the same for all points.
struct Layers {
    main: Layer,
    z: Option<Layer>,
    intensity: Option<Layer>,
    time: Option<Layer>,
}

/// The fields that points of all formats from 6 on have.
pub(super) struct Points {
    /// Whether other fields are told the channel of every point, or as in version 3 only where it changes.
    tells_every_channel: bool,
    selection: DecompressionSelection,
    sizes: [u32; LAYERS],
    layers: Layers,
    channel: usize,
    current: Box<Channel>,
    /// Of the channels that were met before.
    others: [Option<Box<Channel>>; 4],
}

impl Points {
    pub(super) fn new(version: u16) -> Self {
        let main = ArithmeticDecoder::new(Cursor::new(Vec::new()));
        Self {
            tells_every_channel: version > 3,
            selection: DecompressionSelection::all(),
            sizes: [0; LAYERS],
            layers: Layers { main, z: None, intensity: None, time: None },
            channel: 0,
            current: Box::new(Channel::new([0; SIZE])),
            others: [const { None }; 4],
        }
    }

    /// Goes on with the models of another channel: where that is met for the first time, from the point at hand.
    fn switch(&mut self, channel: usize) {
        let point = self.current.point;
        let next = self.others[channel].take().unwrap_or_else(|| Box::new(Channel::new(point)));
        self.others[self.channel] = Some(std::mem::replace(&mut self.current, next));
        self.channel = channel;
        self.current.point[FLAGS] = self.current.point[FLAGS] & !0x30 | (channel as u8) << 4;
    }
}

impl<'a> LayeredFieldDecompressor<Cursor<&'a [u8]>> for Points {
    fn size_of_field(&self) -> usize {
        SIZE
    }

    fn set_selection(&mut self, selection: DecompressionSelection) {
        self.selection = selection;
    }

    fn init_first_point(
        &mut self,
        source: &mut Cursor<&'a [u8]>,
        field: &mut [u8],
        channel: &mut usize,
    ) -> Result<()> {
        let mut point = [0; SIZE];
        source.read_exact(&mut point)?;
        field.copy_from_slice(&point);
        self.channel = usize::from(point[FLAGS] >> 4 & 3);
        *channel = self.channel;
        *self.current = Channel::new(point);
        Ok(())
    }

    fn decompress_field_with(&mut self, field: &mut [u8], channel: &mut usize) -> Result<()> {
        let changes = self.current.changes(&mut self.layers.main)?;
        if changes & CHANNEL != 0 {
            let further = self.layers.main.decode_symbol(&mut self.current.other_channel)? as usize + 1;
            self.switch((self.channel + further) % self.others.len());
        }
        if self.tells_every_channel || changes & CHANNEL != 0 {
            *channel = self.channel;
        }
        self.current.next(changes, &mut self.layers)?;
        field.copy_from_slice(&self.current.point);
        Ok(())
    }

    fn read_layers_sizes(&mut self, source: &mut Cursor<&'a [u8]>) -> Result<()> {
        for size in &mut self.sizes {
            let mut bytes = [0; 4];
            source.read_exact(&mut bytes)?;
            *size = u32::from_le_bytes(bytes);
        }
        Ok(())
    }

    fn read_layers(&mut self, source: &mut Cursor<&'a [u8]>) -> Result<()> {
        let mut wanted = [false; LAYERS];
        wanted[0] = true;
        wanted[Z] = self.selection.should_decompress_z();
        wanted[INTENSITIES] = self.selection.should_decompress_intensity();
        wanted[TIMES] = self.selection.should_decompress_gps_time();
        for (index, (size, wanted)) in self.sizes.into_iter().zip(wanted).enumerate() {
            let mut layer = source.clone().take(size.into());
            source.seek(SeekFrom::Current(size.into()))?;
            if !wanted || size == 0 {
                continue;
            }
            let mut bytes = Vec::new();
            layer.read_to_end(&mut bytes)?;
            let mut layer = ArithmeticDecoder::new(Cursor::new(bytes));
            layer.read_init_bytes()?;
            match index {
                Z => self.layers.z = Some(layer),
                INTENSITIES => self.layers.intensity = Some(layer),
                TIMES => self.layers.time = Some(layer),
                _ => self.layers.main = layer,
            }
        }
        Ok(())
    }
}

/// The last point of a channel, and what the next one is expected to be.
struct Channel {
    point: [u8; SIZE],
    position: [i32; 3],
    /// Whether its time was another than that of the point before.
    time_changed: bool,
    changes: Vec<ArithmeticModel>,
    other_channel: ArithmeticModel,
    number_of_returns: [Option<ArithmeticModel>; 16],
    return_at_other_time: [Option<ArithmeticModel>; 16],
    return_at_same_time: ArithmeticModel,
    /// Steps in x and y by kind of return.
    steps: [[Median; 12]; 2],
    x: IntegerDecompressor,
    y: IntegerDecompressor,
    z: IntegerDecompressor,
    /// Last z by the number of returns before or behind.
    depths: [i32; 8],
    intensity: IntegerDecompressor,
    intensities: [u16; 8],
    times: Times,
}

impl Channel {
    fn new(point: [u8; SIZE]) -> Self {
        let model = |symbols| ArithmeticModelBuilder::new(symbols).build();
        let integer = |bits, contexts| {
            IntegerDecompressorBuilder::new().bits(bits).contexts(contexts).build_initialized()
        };
        let position = [0, 4, 8].map(|at| i32::from_le_bytes(part(&point, at)));
        Self {
            point,
            position,
            time_changed: false,
            changes: (0..8).map(|_| model(128)).collect(),
            other_channel: model(3),
            number_of_returns: [const { None }; 16],
            return_at_other_time: [const { None }; 16],
            return_at_same_time: model(13),
            steps: [[Median::default(); 12]; 2],
            x: integer(32, 2),
            y: integer(32, 22),
            z: integer(32, 20),
            depths: [position[2]; 8],
            intensity: integer(16, 4),
            intensities: [u16::from_le_bytes(part(&point, INTENSITY)); 8],
            times: Times::of_changes(i64::from_le_bytes(part(&point, TIME))),
        }
    }

    /// The number of returns of the pulse, and which of them the last point is.
    fn returns(&self) -> (u8, u8) {
        (self.point[RETURNS] >> 4, self.point[RETURNS] & 15)
    }

    /// What the next point says to have changed.
    fn changes(&mut self, main: &mut Layer) -> Result<u32> {
        let (number, nth) = self.returns();
        let context =
            usize::from(nth == 1) + 2 * usize::from(nth >= number) + 4 * usize::from(self.time_changed);
        main.decode_symbol(&mut self.changes[context])
    }

    fn next(&mut self, changes: u32, layers: &mut Layers) -> Result<()> {
        let main = &mut layers.main;
        self.time_changed = changes & TIME_CHANGED != 0;
        let (number, nth) = self.next_return(changes, main)?;
        self.point[RETURNS] = number << 4 | nth;

        let time_changed = usize::from(self.time_changed);
        let is_only = u32::from(number == 1);
        let kind = 2 * usize::from(KINDS[usize::from(number)][usize::from(nth)]) + time_changed;
        // Steps are as rough as the one before was.
        let roughness = |bits: u32, most: u32| is_only + (bits.min(most) & !1);
        let step = self.x.decompress(main, self.steps[0][kind].get(), is_only)?;
        self.steps[0][kind].add(step);
        self.position[0] = self.position[0].wrapping_add(step);
        let step = self.y.decompress(main, self.steps[1][kind].get(), roughness(self.x.k(), 20))?;
        self.steps[1][kind].add(step);
        self.position[1] = self.position[1].wrapping_add(step);
        if let Some(layer) = &mut layers.z {
            let depth = &mut self.depths[usize::from(number.abs_diff(nth).min(7))];
            let bits = (self.x.k() + self.y.k()) / 2;
            *depth = self.z.decompress(layer, *depth, roughness(bits, 18))?;
            self.position[2] = *depth;
        }
        for (bytes, number) in self.point.chunks_exact_mut(4).zip(self.position) {
            bytes.copy_from_slice(&number.to_le_bytes());
        }
        if let Some(layer) = &mut layers.intensity {
            let place = 2 * u32::from(nth == 1) + u32::from(nth >= number);
            let last = &mut self.intensities[2 * place as usize + time_changed];
            *last = self.intensity.decompress(layer, i32::from(*last), place)? as u16;
            self.point[INTENSITY..INTENSITY + 2].copy_from_slice(&last.to_le_bytes());
        }
        if let Some(layer) = layers.time.as_mut().filter(|_| self.time_changed) {
            let time = self.times.next(layer)?;
            self.point[TIME..].copy_from_slice(&time.to_le_bytes());
        }
        Ok(())
    }

    fn next_return(&mut self, changes: u32, main: &mut Layer) -> Result<(u8, u8)> {
        let sixteen = || ArithmeticModelBuilder::new(16).build();
        let (mut number, last) = self.returns();
        if changes & NUMBER_OF_RETURNS != 0 {
            let model = self.number_of_returns[usize::from(number)].get_or_insert_with(sixteen);
            number = main.decode_symbol(model)? as u8;
        }
        let nth = match changes & RETURN {
            0 => last,
            1 => last + 1,
            2 => last + 15,
            _ if self.time_changed => {
                let model = self.return_at_other_time[usize::from(last)].get_or_insert_with(sixteen);
                main.decode_symbol(model)? as u8
            }
            _ => last + 2 + main.decode_symbol(&mut self.return_at_same_time)? as u8,
        };
        Ok((number, nth % 16))
    }
}

fn part<const N: usize>(point: &[u8; SIZE], at: usize) -> [u8; N] {
    std::array::from_fn(|index| point[at + index])
}

/// The median of the last steps, more or less: of five, the smallest and the largest make room by turns.
#[derive(Clone, Copy, Default)]
struct Median {
    sorted: [i32; 5],
    lowers: bool,
}

impl Median {
    fn get(&self) -> i32 {
        self.sorted[2]
    }

    fn add(&mut self, step: i32) {
        let median = self.sorted[2];
        if self.lowers {
            self.sorted[0] = step;
            self.lowers = median < step;
        } else {
            self.sorted[4] = step;
            self.lowers = step >= median;
        }
        self.sorted.sort_unstable();
    }
}

/// Kinds of returns whose steps are alike, by the number of returns of the pulse and which of them it is.
const KINDS: [[u8; 16]; 16] = [
    [0, 1, 2, 3, 4, 5, 3, 4, 4, 5, 5, 5, 5, 5, 5, 5],
    [1, 0, 1, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3],
    [2, 1, 2, 4, 4, 4, 4, 4, 4, 4, 4, 3, 3, 3, 3, 3],
    [3, 3, 4, 5, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4],
    [4, 3, 4, 4, 5, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4],
    [5, 3, 4, 4, 4, 5, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4],
    [3, 3, 4, 4, 4, 4, 5, 4, 4, 4, 4, 4, 4, 4, 4, 4],
    [4, 3, 4, 4, 4, 4, 4, 5, 4, 4, 4, 4, 4, 4, 4, 4],
    [4, 3, 4, 4, 4, 4, 4, 4, 5, 4, 4, 4, 4, 4, 4, 4],
    [5, 3, 4, 4, 4, 4, 4, 4, 4, 5, 4, 4, 4, 4, 4, 4],
    [5, 3, 4, 4, 4, 4, 4, 4, 4, 4, 5, 4, 4, 4, 4, 4],
    [5, 3, 3, 4, 4, 4, 4, 4, 4, 4, 4, 5, 5, 4, 4, 4],
    [5, 3, 3, 4, 4, 4, 4, 4, 4, 4, 4, 5, 5, 5, 4, 4],
    [5, 3, 3, 4, 4, 4, 4, 4, 4, 4, 4, 4, 5, 5, 5, 4],
    [5, 3, 3, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 5, 5, 5],
    [5, 3, 3, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 5, 5],
];
