//! The local map: cubes that remember the mean and the spread of what was seen in them.

use nalgebra::Vector3;
use rayon::prelude::*;

use super::moments::Moments;
use crate::cells::{CellTable, Place, place, places_around};

/// Points that a cell takes in. The first ones anchor the map; later ones would carry the drift into it.
const FULL: f64 = 60.0;

/// Growth of a cell after which its plane is fitted again.
const GROWTH: f64 = 1.5;

/// Least points of a neighbourhood that make a plane.
const LEAST_POINTS: f64 = 6.0;

/// Least spread across, as a share of the spread along: one line of a scanner has a thickness, but no plane.
const LEAST_WIDTH: f64 = 0.02;

/// A place on a surface, as the cells around it show it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Plane {
    /// Mean of the points in the cell itself \[m\].
    pub point: Vector3<f64>,
    /// Unit normal.
    pub normal: Vector3<f64>,
    /// Variance along the normal \[m²\].
    pub thickness: f64,
    /// 1 − thickness ÷ width: 1 for a sheet, 0 for a blob.
    pub flatness: f64,
}

/// What was last found out about the plane of a cell.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Fitted {
    plane: Option<Plane>,
    /// Points of the cell at that time.
    count: f64,
    /// Update of the map at that time.
    update: u32,
}

/// Cells around the sensor.
#[derive(Debug, Clone)]
pub(crate) struct LocalMap {
    /// Edge of a cell \[m\].
    pub edge: f64,
    table: CellTable,
    places: Vec<Place>,
    moments: Vec<Moments>,
    fitted: Vec<Fitted>,
    /// Number of scans taken in.
    update: u32,
}

impl LocalMap {
    pub fn new(edge: f64) -> Self {
        Self {
            edge,
            table: CellTable::with_room(1024),
            places: Vec::new(),
            moments: Vec::new(),
            fitted: Vec::new(),
            update: 0,
        }
    }

    /// Number of cells.
    pub fn len(&self) -> usize {
        self.table.len()
    }

    /// Takes in the points of one scan, in their order.
    pub fn insert(&mut self, points: &[Vector3<f64>]) {
        self.update += 1;
        for point in points {
            let Some(place) = place(point, self.edge) else { continue };
            let cell = self.cell(place);
            if self.moments[cell].count < FULL {
                self.moments[cell].add(point);
            }
        }
    }

    fn cell(&mut self, place: Place) -> usize {
        let (cell, is_new) = self.table.insert(place);
        if is_new {
            self.places.push(place);
            self.moments.push(Moments::NONE);
            self.fitted.push(Fitted { plane: None, count: 0.0, update: 0 });
        }
        cell
    }

    /// The same map in cells `factor` times as long.
    pub fn coarsened(&self, factor: i32) -> Self {
        let mut coarse = Self::new(self.edge * f64::from(factor));
        coarse.update = 1;
        for (place, moments) in self.places.iter().zip(&self.moments) {
            let cell = coarse.cell(place.map(|value| value.div_euclid(factor)));
            coarse.moments[cell].merge(moments);
        }
        coarse
    }

    /// Forgets cells farther than `radius` \[m\] from a place.
    pub fn forget_beyond(&mut self, center: &Vector3<f64>, radius: f64) {
        let kept: Vec<usize> = (0..self.len())
            .filter(|&cell| (self.moments[cell].mean - center).norm_squared() <= radius * radius)
            .collect();
        let mut table = CellTable::with_room(kept.len());
        for &cell in &kept {
            table.insert(self.places[cell]);
        }
        self.table = table;
        self.places = kept.iter().map(|&cell| self.places[cell]).collect();
        self.moments = kept.iter().map(|&cell| self.moments[cell]).collect();
        self.fitted = kept.iter().map(|&cell| self.fitted[cell]).collect();
    }

    /// The cell whose mean is nearest, of the eight around a point: none nearer than half an edge is missed.
    pub fn nearest(&self, point: &Vector3<f64>) -> Option<usize> {
        let mut best: Option<(f64, usize)> = None;
        for place in places_around(point, self.edge)? {
            let Some(cell) = self.table.get(place) else { continue };
            let distance = (self.moments[cell].mean - point).norm_squared();
            if best.is_none_or(|best| distance < best.0) {
                best = Some((distance, cell));
            }
        }
        best.filter(|best| best.0 <= self.edge * self.edge).map(|best| best.1)
    }

    /// Makes the planes of some cells fit what the map holds now; the list may name a cell often.
    pub fn refresh(&mut self, cells: impl Iterator<Item = usize>) {
        let mut stale: Vec<usize> = cells.filter(|&cell| self.is_stale(cell)).collect();
        stale.sort_unstable();
        stale.dedup();
        let fitted: Vec<Fitted> = stale.par_iter().map(|&cell| self.fit(cell)).collect();
        for (cell, fitted) in stale.into_iter().zip(fitted) {
            self.fitted[cell] = fitted;
        }
    }

    fn is_stale(&self, cell: usize) -> bool {
        let fitted = &self.fitted[cell];
        let grown = self.moments[cell].count >= GROWTH * fitted.count;
        grown || (fitted.plane.is_none() && fitted.update != self.update)
    }

    /// The plane of a cell, if the points there and in the cells around make one.
    pub fn plane(&self, cell: usize) -> Option<&Plane> {
        self.fitted[cell].plane.as_ref()
    }

    /// The plane of the 27 cells around; where they hold too little, as behind the first scan, of the 125.
    fn fit(&self, cell: usize) -> Fitted {
        let own = &self.moments[cell];
        let within = |reach: i32| plane(own, &self.around(cell, reach), self.edge);
        let plane = within(1).or_else(|| within(2));
        Fitted { plane, count: own.count, update: self.update }
    }

    /// Moments of a cell and those up to `reach` cells away along every axis.
    fn around(&self, cell: usize, reach: i32) -> Moments {
        let [x, y, z] = self.places[cell];
        let mut around = Moments::NONE;
        for x in x - reach..=x + reach {
            for y in y - reach..=y + reach {
                for z in z - reach..=z + reach {
                    if let Some(other) = self.table.get([x, y, z]) {
                        around.merge(&self.moments[other]);
                    }
                }
            }
        }
        around
    }
}

fn plane(own: &Moments, around: &Moments, edge: f64) -> Option<Plane> {
    if around.count < LEAST_POINTS {
        return None;
    }
    // In units of the cell, so that no length is too small for the eigenvalues.
    let eigen = (around.covariance() / (edge * edge)).symmetric_eigen();
    let mut order = [0, 1, 2];
    order.sort_by(|&a, &b| eigen.eigenvalues[a].total_cmp(&eigen.eigenvalues[b]));
    let [thickness, width, length] = order.map(|at| eigen.eigenvalues[at].max(0.0));
    if width <= LEAST_WIDTH * length {
        return None;
    }
    let normal = eigen.eigenvectors.column(order[0]).into_owned();
    let flatness = 1.0 - thickness / width;
    Some(Plane { point: own.mean, normal, thickness: thickness * edge * edge, flatness })
}
