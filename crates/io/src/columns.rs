//! The columns of a cloud while it is being read: non-finite points are still in.

use barrow_geometry::{Color, PointCloud};
use nalgebra::{Point3, Vector3};
use rayon::prelude::*;

use crate::error::{Fault, Outcome};

/// Which columns a file carries.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Present {
    pub normals: bool,
    pub colors: bool,
    pub intensities: bool,
    pub times: bool,
}

/// Columns of equal length.
#[derive(Debug, Clone, Default)]
pub(crate) struct Columns {
    pub positions: Vec<Point3<f64>>,
    pub normals: Option<Vec<Vector3<f64>>>,
    pub colors: Option<Vec<Color>>,
    pub intensities: Option<Vec<f64>>,
    pub times: Option<Vec<f64>>,
}

/// A range of rows of all columns, to be filled by one thread.
pub(crate) struct Rows<'a> {
    pub positions: &'a mut [Point3<f64>],
    pub normals: Option<&'a mut [Vector3<f64>]>,
    pub colors: Option<&'a mut [Color]>,
    pub intensities: Option<&'a mut [f64]>,
    pub times: Option<&'a mut [f64]>,
}

impl Columns {
    /// Zeroed columns. The caller has seen the bytes that will fill them.
    pub(crate) fn zeroed(rows: usize, present: Present) -> Self {
        Self {
            positions: bytemuck::zeroed_vec(rows),
            normals: present.normals.then(|| bytemuck::zeroed_vec(rows)),
            colors: present.colors.then(|| bytemuck::zeroed_vec(rows)),
            intensities: present.intensities.then(|| bytemuck::zeroed_vec(rows)),
            times: present.times.then(|| bytemuck::zeroed_vec(rows)),
        }
    }

    /// Empty columns with room for some rows.
    pub(crate) fn with_capacity(rows: usize, present: Present) -> Self {
        Self {
            positions: Vec::with_capacity(rows),
            normals: present.normals.then(|| Vec::with_capacity(rows)),
            colors: present.colors.then(|| Vec::with_capacity(rows)),
            intensities: present.intensities.then(|| Vec::with_capacity(rows)),
            times: present.times.then(|| Vec::with_capacity(rows)),
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.positions.len()
    }

    pub(crate) fn present(&self) -> Present {
        Present {
            normals: self.normals.is_some(),
            colors: self.colors.is_some(),
            intensities: self.intensities.is_some(),
            times: self.times.is_some(),
        }
    }

    /// All rows, as one range.
    pub(crate) fn rows(&mut self) -> Rows<'_> {
        Rows {
            positions: &mut self.positions,
            normals: self.normals.as_deref_mut(),
            colors: self.colors.as_deref_mut(),
            intensities: self.intensities.as_deref_mut(),
            times: self.times.as_deref_mut(),
        }
    }

    /// Forgets all rows from one on.
    pub(crate) fn truncate(&mut self, rows: usize) {
        self.positions.truncate(rows);
        if let Some(column) = &mut self.normals {
            column.truncate(rows);
        }
        if let Some(column) = &mut self.colors {
            column.truncate(rows);
        }
        if let Some(column) = &mut self.intensities {
            column.truncate(rows);
        }
        if let Some(column) = &mut self.times {
            column.truncate(rows);
        }
    }

    /// Keeps the first `kept[i]` rows of each part of `lengths[i]` rows.
    pub(crate) fn close_gaps(&mut self, lengths: &[usize], kept: &[usize]) {
        fn close<T: Copy>(column: &mut Vec<T>, lengths: &[usize], kept: &[usize]) {
            let (mut from, mut to) = (0, 0);
            for (&length, &kept) in lengths.iter().zip(kept) {
                if from != to {
                    column.copy_within(from..from + kept, to);
                }
                from += length;
                to += kept;
            }
            column.truncate(to);
        }
        close(&mut self.positions, lengths, kept);
        if let Some(column) = &mut self.normals {
            close(column, lengths, kept);
        }
        if let Some(column) = &mut self.colors {
            close(column, lengths, kept);
        }
        if let Some(column) = &mut self.intensities {
            close(column, lengths, kept);
        }
        if let Some(column) = &mut self.times {
            close(column, lengths, kept);
        }
    }

    /// Parts put one after the other; a column survives if every part has it. `None` of no parts.
    pub(crate) fn concatenated(mut parts: Vec<Columns>) -> Option<Columns> {
        let present = parts.iter().map(Columns::present).reduce(|a, b| Present {
            normals: a.normals && b.normals,
            colors: a.colors && b.colors,
            intensities: a.intensities && b.intensities,
            times: a.times && b.times,
        })?;
        if parts.len() == 1 {
            return parts.pop();
        }
        let mut whole = Columns::zeroed(parts.iter().map(Columns::len).sum(), present);
        let lengths: Vec<usize> = parts.iter().map(Columns::len).collect();
        whole.rows().split(&lengths).into_par_iter().zip(&parts).for_each(|(rows, part)| {
            rows.positions.copy_from_slice(&part.positions);
            copy(rows.normals, &part.normals);
            copy(rows.colors, &part.colors);
            copy(rows.intensities, &part.intensities);
            copy(rows.times, &part.times);
        });
        Some(whole)
    }

    /// The cloud without its non-finite points, and how many those were.
    pub(crate) fn finish(self, strict: bool) -> Outcome<(PointCloud, usize)> {
        let limit = PointCloud::MAX_COORDINATE;
        let finite = |p: &Point3<f64>| p.x.abs() <= limit && p.y.abs() <= limit && p.z.abs() <= limit;
        let kept: Option<Vec<usize>> = if self.positions.par_iter().all(finite) {
            None
        } else {
            Some((0..self.len()).into_par_iter().filter(|&i| finite(&self.positions[i])).collect())
        };
        let Some(kept) = kept else {
            return Ok((self.into_cloud()?, 0));
        };
        if strict {
            let index = kept.iter().enumerate().position(|(i, &k)| i != k).unwrap_or(kept.len());
            return Err(Fault::NonFinite(index, self.positions[index].coords.into()));
        }
        let dropped = self.len() - kept.len();
        let pick = Columns {
            positions: pick(&self.positions, &kept),
            normals: self.normals.map(|column| pick(&column, &kept)),
            colors: self.colors.map(|column| pick(&column, &kept)),
            intensities: self.intensities.map(|column| pick(&column, &kept)),
            times: self.times.map(|column| pick(&column, &kept)),
        };
        Ok((pick.into_cloud()?, dropped))
    }

    fn into_cloud(self) -> Outcome<PointCloud> {
        let fault = |error: barrow_geometry::Error| Fault::file(error.to_string());
        let mut cloud = PointCloud::new(self.positions).map_err(fault)?;
        if let Some(column) = self.normals {
            cloud = cloud.with_normals(column).map_err(fault)?;
        }
        if let Some(column) = self.colors {
            cloud = cloud.with_colors(column).map_err(fault)?;
        }
        if let Some(column) = self.intensities {
            cloud = cloud.with_intensities(column).map_err(fault)?;
        }
        if let Some(column) = self.times {
            cloud = cloud.with_times(column).map_err(fault)?;
        }
        Ok(cloud)
    }
}

impl<'a> Rows<'a> {
    /// Consecutive ranges of the given lengths, which sum to the length of these rows.
    pub(crate) fn split(self, lengths: &[usize]) -> Vec<Rows<'a>> {
        fn cut<'a, T>(rest: &mut Option<&'a mut [T]>, length: usize) -> Option<&'a mut [T]> {
            let (head, tail) = rest.take()?.split_at_mut(length);
            *rest = Some(tail);
            Some(head)
        }
        let mut positions = Some(self.positions);
        let Rows { mut normals, mut colors, mut intensities, mut times, .. } = self;
        lengths
            .iter()
            .map(|&length| Rows {
                positions: cut(&mut positions, length).unwrap_or_default(),
                normals: cut(&mut normals, length),
                colors: cut(&mut colors, length),
                intensities: cut(&mut intensities, length),
                times: cut(&mut times, length),
            })
            .collect()
    }

    /// Consecutive ranges of one length, the last one shorter.
    pub(crate) fn chunks(self, length: usize) -> Vec<Rows<'a>> {
        let rows = self.positions.len();
        let lengths: Vec<usize> = (0..rows).step_by(length).map(|at| length.min(rows - at)).collect();
        self.split(&lengths)
    }
}

fn copy<T: Copy>(to: Option<&mut [T]>, from: &Option<Vec<T>>) {
    if let (Some(to), Some(from)) = (to, from) {
        to.copy_from_slice(from);
    }
}

fn pick<T: Copy + Send + Sync>(column: &[T], indices: &[usize]) -> Vec<T> {
    indices.par_iter().map(|&index| column[index]).collect()
}
