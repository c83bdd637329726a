//! Which tiles matter to which, remembered from one soft minimum to the next.

use std::sync::{Mutex, PoisonError};

use rayon::prelude::*;

use super::columns::{Columns, Listed};
use super::tiles::TiledMeasure;

/// Bits that scores may rise, or sums may fall, before tiles are listed anew.
pub(super) const LIST_SLACK: f64 = 3.0;

/// The tiles that matter to a tile of rows, as long as scores have not changed much.
pub(super) struct TileList {
    /// The column that the list was seen from.
    pub best: usize,
    /// Lower bound of the rows' sums at the time, less the tilt.
    pub level: f64,
    /// Bits by which scores of columns had risen at the time since lists are kept.
    pub risen: f64,
    pub tiles: Vec<Listed>,
}

impl TileList {
    /// Whether the list still holds all that matters to rows whose sums have a lower bound.
    pub fn holds(&self, level: f64, risen: f64) -> bool {
        level - self.level >= risen - self.risen - LIST_SLACK
    }
}

/// The lists of the tiles of rows of one side.
#[derive(Default)]
pub(super) struct Lists(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    /// Of rows and columns.
    levels: [usize; 2],
    epsilon: f64,
    /// The columns' scores of the last time.
    scores: Vec<f64>,
    /// Bits by which any of them can have risen since the lists are kept.
    risen: f64,
    tiles: Vec<Option<TileList>>,
}

impl Lists {
    /// Does something with the lists of the last time, if that was between the same levels and at the same ε, and with
    /// the bits by which scores may have risen since they are kept.
    pub fn recall<T>(
        &self,
        levels: [usize; 2],
        rows: &TiledMeasure,
        columns: &Columns,
        work: impl FnOnce(&mut [Option<TileList>], f64) -> T,
    ) -> T {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.levels == levels && kept.epsilon == columns.epsilon {
            let rises = columns.scores.par_iter().zip(&kept.scores).map(|(now, before)| now - before);
            kept.risen += rises.reduce(|| 0.0, f64::max);
        } else {
            *kept = Kept { levels, epsilon: columns.epsilon, tiles: none(rows), ..Kept::default() };
        }
        kept.scores.clone_from(&columns.scores);
        let risen = kept.risen;
        work(&mut kept.tiles, risen)
    }
}

/// No lists yet, or none for what is asked once.
pub(super) fn none(rows: &TiledMeasure) -> Vec<Option<TileList>> {
    (0..rows.tiles()).map(|_| None).collect()
}
