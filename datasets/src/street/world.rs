//! The street: what stands beside it and what drives on it.
//!
//! A main street runs along x and is crossed by side streets along y. Houses line both; pavements lie
//! between them and the road; trees, lamps, signs and parked cars stand at the kerb. Whatever would stand
//! in the way of the drive is left out, so that any arc can be driven.

use nalgebra::{Point2, Point3, Vector3};

use super::drive::Drive;
use super::facade::Facade;
use super::furniture::{car, lamp, sign, tree};
use super::surface::{Hit, Ray, Shape, Surface};
use super::tree::SurfaceTree;
use super::way::Way;
use crate::random::Draws;

/// Half of the width of a road, with its parking strips.
const KERB: f64 = 5.2;
/// From the middle of a road to the houses.
const HOUSES: f64 = 8.5;
/// Depth of a row of houses.
const DEPTH: f64 = 12.0;
/// From one crossing to the next.
const BLOCK: f64 = 76.0;
const ASPHALT: f64 = 0.25;

/// Streams of draws, away from those of the scans.
const STREAM: u64 = 1 << 32;

/// Everything that stands still, and the cars that do not.
#[derive(Debug, Clone)]
pub(super) struct World {
    still: SurfaceTree,
    movers: Vec<Mover>,
    /// Range of x on which movers circulate.
    circuit: (f64, f64),
}

#[derive(Debug, Clone, Copy)]
struct Mover {
    start: f64,
    /// Along x; negative in the opposite lane.
    speed: f64,
    lane: f64,
    seed: u64,
    item: usize,
}

impl World {
    pub(super) fn new(seed: u64, drive: &Drive, duration: f64, range: f64, moving_cars: usize) -> Self {
        let way = Way::new(drive, duration);
        let extent = |axis: usize| {
            let along = way.places().map(|place| place[axis]);
            (along.clone().fold(0.0, f64::min) - range, along.fold(0.0, f64::max) + range)
        };
        let (x, y) = (extent(0), extent(1));
        let mut surfaces = Vec::new();
        let mut place = |things: Vec<Surface>| {
            if things.iter().all(|thing| way.is_clear_of(thing)) {
                surfaces.extend(things);
            }
        };
        let blocks = |low: f64, high: f64| {
            let first = (low / BLOCK).floor() as i64;
            first..=(high / BLOCK).ceil() as i64
        };
        for block in blocks(x.0, x.1) {
            for side in [-1.0, 1.0] {
                furnish(seed, block, side, y, &mut place);
            }
        }
        // Pavements are low enough to be driven over.
        for block in blocks(x.0, x.1) {
            surfaces.extend(pavements(block, y));
        }
        let around = range.min(60.0);
        let circuit = (x.0 + range - around, x.1 - range + around);
        let movers = (0..moving_cars).map(|item| mover(seed, item, moving_cars, circuit)).collect();
        Self { still: SurfaceTree::new(surfaces), movers, circuit }
    }

    /// The first thing on a ray, with the moving cars where they are drawn in `cars`.
    pub(super) fn hit(&self, ray: &Ray, limit: f64, cars: &SurfaceTree) -> Option<Hit> {
        // The road is the plane z = 0.
        let down = -ray.origin.z / ray.direction.z;
        let road = (0.0 < down && down < limit).then_some(Hit {
            distance: down,
            normal: Vector3::z(),
            reflectance: ASPHALT,
        });
        let limit = road.map_or(limit, |hit| hit.distance);
        let still = self.still.hit(ray, limit);
        let limit = still.map_or(limit, |hit| hit.distance);
        cars.hit(ray, limit).or(still).or(road)
    }

    /// The moving cars at one time, less any that would touch the vehicle at its place.
    pub(super) fn cars_at(&self, time: f64, vehicle: &Point2<f64>) -> SurfaceTree {
        let length = self.circuit.1 - self.circuit.0;
        let surfaces = self.movers.iter().flat_map(|mover| {
            let x = self.circuit.0 + (mover.start + mover.speed * time).rem_euclid(length);
            let at = Point2::new(x, mover.lane);
            // Six metres ahead or behind, three aside: cars are twice as long as wide.
            if (0.5 * (at.x - vehicle.x)).hypot(at.y - vehicle.y) < 3.0 {
                return Vec::new();
            }
            let heading = if mover.speed < 0.0 { std::f64::consts::PI } else { 0.0 };
            car(at, heading, &mut Draws::at(mover.seed, STREAM + 9, mover.item))
        });
        SurfaceTree::new(surfaces.collect())
    }

    /// Distance to what stands still: zero exactly on it, and elsewhere no more than the true one.
    pub(super) fn distance(&self, point: &Point3<f64>) -> f64 {
        let surfaces = self.still.surfaces().iter().map(|surface| surface.distance(point));
        surfaces.fold(point.z.abs(), f64::min)
    }
}

/// Numbers of blocks may be negative; items may not.
fn item(block: i64, side: f64, index: usize) -> usize {
    let zigzag = if block < 0 { (-2 * block - 1) as usize } else { 2 * block as usize };
    (zigzag * 2 + usize::from(side > 0.0)) * 256 + index
}

/// One side of the street between two crossings.
fn furnish(seed: u64, block: i64, side: f64, y: (f64, f64), place: &mut impl FnMut(Vec<Surface>)) {
    let start = block as f64 * BLOCK;
    let (west, east) = (start + HOUSES, start + BLOCK - HOUSES);

    // Houses along the main street, then along the side street at the western end, then at the eastern.
    let mut house_index = 0;
    let mut next = || {
        house_index += 1;
        Draws::at(seed, STREAM, item(block, side, house_index % 256))
    };
    let mut x = west;
    while east - x > 3.0 {
        let mut draws = next();
        let mut width = draws.between(7.0, 17.0);
        // No sliver is left at the corner.
        if east - (x + width) < 7.0 {
            width = east - x;
        }
        let front = HOUSES + draws.between(0.0, 0.6);
        let mut house = house(&mut draws, [x, x + width], front, HOUSES + DEPTH, side, 1);
        house.extend(balconies(&mut draws, [x, x + width], front, side));
        place(house);
        // Every now and then a passage between two houses.
        x += width + if draws.happens(0.2) { draws.between(1.5, 4.0) } else { 0.0 };
    }
    let far = if side > 0.0 { y.1 } else { -y.0 };
    for (corner, inwards) in [(west, 1.0), (east, -1.0)] {
        let mut along = HOUSES + DEPTH + 3.0;
        while along < far {
            let mut draws = next();
            let width = draws.between(8.0, 18.0);
            let front = corner + inwards * draws.between(0.0, 0.6);
            let back = corner + inwards * DEPTH;
            place(house(&mut draws, [along, along + width], front, back, side, 0));
            along += width + if draws.happens(0.25) { draws.between(1.5, 4.0) } else { 0.0 };
        }
    }

    // The kerb: a slot every five metres holds a tree, a lamp, a sign or nothing.
    let slots = ((BLOCK - 2.0 * KERB - 4.0) / 5.0) as usize;
    for slot in 0..slots {
        let mut draws = Draws::at(seed, STREAM + 1, item(block, side, slot));
        let at = Point2::new(
            start + KERB + 2.0 + 5.0 * slot as f64 + draws.between(0.0, 2.5),
            side * (KERB + draws.between(0.4, 0.9)),
        );
        let kind = draws.uniform();
        place(match slot % 4 {
            1 if kind < 0.8 => lamp(at, -side, &mut draws),
            3 if kind < 0.5 => sign(at, &mut draws),
            0 | 2 if kind < 0.55 => tree(at, &mut draws),
            _ => Vec::new(),
        });
    }
    // Parked cars, bumper to bumper with gaps.
    for slot in 0..((BLOCK - 2.0 * (KERB + 5.0)) / 5.8) as usize {
        let mut draws = Draws::at(seed, STREAM + 2, item(block, side, slot));
        if draws.happens(0.55) {
            let x = start + KERB + 7.5 + 5.8 * slot as f64 + draws.between(-0.4, 0.4);
            let at = Point2::new(x, side * (KERB - 1.1 + draws.between(-0.1, 0.1)));
            let heading = if side > 0.0 { std::f64::consts::PI } else { 0.0 };
            place(car(at, heading + draws.between(-0.04, 0.04), &mut draws));
        }
    }
}

/// A house from `along[0]` to `along[1]` on one axis, between its front and back on the other.
fn house(
    draws: &mut Draws,
    along: [f64; 2],
    front: f64,
    back: f64,
    side: f64,
    front_axis: usize,
) -> Vec<Surface> {
    let (mut min, mut max) = (Point3::origin(), Point3::origin());
    if front_axis == 1 {
        (min.x, max.x) = (along[0], along[1]);
        (min.y, max.y) = ((side * front).min(side * back), (side * front).max(side * back));
    } else {
        (min.y, max.y) = ((side * along[0]).min(side * along[1]), (side * along[0]).max(side * along[1]));
        (min.x, max.x) = (front.min(back), front.max(back));
    }
    let storey = draws.between(2.9, 3.6);
    max.z = storey * draws.between(2.0, 6.0).floor() + draws.between(0.6, 1.4);
    let facade = Facade {
        min,
        max,
        storey,
        spacing: draws.between(1.9, 3.2),
        window: [draws.between(0.9, 1.5), draws.between(1.2, 1.7)],
        sill: draws.between(0.7, 1.0),
        recess: draws.between(0.12, 0.35),
    };
    vec![Surface { shape: Shape::House(Box::new(facade)), reflectance: draws.between(0.35, 0.8) }]
}

/// Up to four boxes on the front of a house, on different floors.
fn balconies(draws: &mut Draws, along: [f64; 2], front: f64, side: f64) -> Vec<Surface> {
    let count = draws.between(0.0, 4.0) as usize;
    let balcony = |floor: usize| {
        let half = Vector3::new(draws.between(0.8, 1.6), draws.between(0.3, 0.6), 0.5);
        let x = draws.between(along[0] + half.x, along[1] - half.x);
        let center = Point3::new(x, side * (front - half.y), 3.3 * (floor + 1) as f64 + 0.3);
        upright(center, half, draws.between(0.3, 0.7))
    };
    (0..count).map(balcony).collect()
}

/// The pavements of one block on both sides of the main street, one slab each.
fn pavements(block: i64, y: (f64, f64)) -> [Surface; 2] {
    let (west, east) = (block as f64 * BLOCK + KERB, (block + 1) as f64 * BLOCK - KERB);
    [(-1.0, -y.0), (1.0, y.1)].map(|(side, far)| {
        let depth = 0.5 * (far.max(KERB + 1.0) - KERB);
        let center = Point3::new(0.5 * (west + east), side * (KERB + depth), 0.0);
        upright(center, Vector3::new(0.5 * (east - west), depth, 0.14), 0.4)
    })
}

/// A box along the axes.
fn upright(center: Point3<f64>, half: Vector3<f64>, reflectance: f64) -> Surface {
    Surface { shape: Shape::Block { center, half, cosine: 1.0, sine: 0.0 }, reflectance }
}

/// Movers alternate between the opposite lane and the own one, evenly spread with some disorder.
fn mover(seed: u64, item: usize, count: usize, circuit: (f64, f64)) -> Mover {
    let mut draws = Draws::at(seed, STREAM + 8, item);
    let length = circuit.1 - circuit.0;
    let start = length * (item as f64 + draws.between(0.2, 0.8)) / count as f64;
    let speed = draws.between(6.0, 12.0);
    let opposite = item.is_multiple_of(2);
    let (speed, lane) = if opposite { (-speed, -Drive::LANE) } else { (speed, Drive::LANE) };
    Mover { start, speed, lane, seed, item }
}
