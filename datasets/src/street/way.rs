//! The ground that the vehicle needs for its drive.

use nalgebra::Point2;

use super::drive::Drive;
use super::surface::Surface;

/// Room to be left around the vehicle.
const CLEARANCE: f64 = 1.6;
/// Places in one stretch.
const STRETCH: usize = 64;

/// The places of a drive in stretches, each with a box around it, so that a street of many kilometres is
/// cleared without asking every place about every house.
pub(super) struct Way {
    stretches: Vec<Stretch>,
}

struct Stretch {
    places: Vec<Point2<f64>>,
    min: Point2<f64>,
    max: Point2<f64>,
}

impl Way {
    /// The places lie close enough together to leave no gap in the cleared way.
    pub(super) fn new(drive: &Drive, duration: f64) -> Self {
        let steps = (drive.speed.abs() * duration / 0.5).ceil() as usize + 1;
        let path: Vec<Point2<f64>> =
            (0..=steps).map(|step| drive.place(duration * step as f64 / steps as f64)).collect();
        let bounded = |places: &[Point2<f64>]| Stretch {
            min: places.iter().fold(places[0], |min, place| min.inf(place)),
            max: places.iter().fold(places[0], |max, place| max.sup(place)),
            places: places.to_vec(),
        };
        Self { stretches: path.chunks(STRETCH).map(bounded).collect() }
    }

    pub(super) fn places(&self) -> impl Iterator<Item = &Point2<f64>> + Clone {
        self.stretches.iter().flat_map(|stretch| &stretch.places)
    }

    /// Whether the vehicle never comes near a thing, seen from above.
    pub(super) fn is_clear_of(&self, thing: &Surface) -> bool {
        let bounds = thing.bounds();
        let clear = |min: &Point2<f64>, max: &Point2<f64>| {
            let beyond =
                |axis: usize| (bounds.min[axis] - max[axis]).max(min[axis] - bounds.max[axis]).max(0.0);
            beyond(0).hypot(beyond(1)) > CLEARANCE
        };
        self.stretches.iter().all(|stretch| {
            clear(&stretch.min, &stretch.max) || stretch.places.iter().all(|place| clear(place, place))
        })
    }
}
