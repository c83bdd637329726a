//! A spinning LiDAR driven through a street.

mod drive;
mod facade;
mod furniture;
mod scanner;
mod sequence;
mod surface;
mod tree;
mod way;
mod world;

use nalgebra::{Isometry3, Point3};

use crate::error::{require_count, require_points, require_within};
use crate::scene::{Exact, Scene, cloud_name};
use crate::shapes::require_noise;
use crate::{Error, Result};
use drive::Drive;
use scanner::Scanner;
pub use sequence::StreetSequence;
use world::World;

/// Scans of a multi-beam LiDAR on a car that drives through a procedural street.
///
/// The street has houses with windows and balconies, pavements, trees, lamps, signs, parked and moving
/// cars; rays end at the first of them. A cloud holds one revolution in the sensor's frame (x forward, y
/// left, z up), with intensity (reflectance × cosine of incidence) and time (of the firing, since the
/// start of the drive). `Scene::exact` holds `scans`, `beams`, `columns`.
///
/// With two scans the **source is the later one** and the target the earlier, as odometry asks.
///
/// # Units
/// Metres, seconds, radians.
///
/// ```
/// use barrow_datasets::Street;
///
/// let scene = Street { points: 2_000, ..Default::default() }.make()?;
/// let target_from_source = scene.target_from_source().unwrap();
/// assert!((target_from_source.translation.vector.norm() - 0.8).abs() < 0.1);
/// # Ok::<(), barrow_datasets::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Street {
    /// Points of a scan, approximately: the number of columns is chosen for it by a coarse first scan, and is
    /// at least one.
    pub points: usize,
    /// Seed of the street and of every draw.
    pub seed: u64,
    /// Standard deviation of the range, in metres.
    pub noise: f64,
    /// Probability that a return is lost, from 0 to below 1.
    pub dropout: f64,
    /// Number of scans, from 1 to 1000.
    pub scans: usize,
    /// Time from the start of one scan to that of the next, in seconds.
    pub interval: f64,
    /// Speed of the vehicle, in metres per second.
    pub speed: f64,
    /// Turn rate of the vehicle, in radians per second; positive to the left.
    pub turn_rate: f64,
    /// Amplitude of roll and pitch, in radians.
    pub sway: f64,
    /// Number of moving cars, at most 200.
    pub moving_cars: usize,
    /// Beams, from 1 to 512, evenly spread between the two elevations.
    pub beams: usize,
    /// Elevation of the lowest and of the highest beam, in radians.
    pub elevations: [f64; 2],
    /// Firings in one revolution; `None` chooses them for `points`.
    pub columns: Option<usize>,
    /// Returns from farther away are not seen, in metres.
    pub max_range: f64,
    /// Whether the vehicle moves on during a revolution, which bends the scan.
    ///
    /// The pose of a scan is that of its first firing.
    pub motion_distortion: bool,
}

impl Default for Street {
    fn default() -> Self {
        Self {
            points: 20_000,
            seed: 0,
            noise: 0.02,
            dropout: 0.02,
            scans: 2,
            interval: 0.1,
            speed: 8.0,
            turn_rate: 0.0,
            sway: 0.005,
            moving_cars: 6,
            beams: 32,
            elevations: [-0.436, 0.262],
            columns: None,
            max_range: 80.0,
            motion_distortion: false,
        }
    }
}

impl Street {
    /// Drives and scans.
    ///
    /// # Errors
    /// [`Error::InvalidOption`] for an option out of its range, [`Error::NothingSeen`] if a scan has no
    /// returns at all.
    pub fn make(&self) -> Result<Scene> {
        let sequence = self.sequence()?;
        // The source comes first, and of a pair the source is the later scan.
        let order: Vec<usize> = if self.scans == 2 { vec![1, 0] } else { (0..self.scans).collect() };
        let mut clouds = Vec::with_capacity(order.len());
        for (index, &scan) in order.iter().enumerate() {
            let mut cloud = sequence.scan(scan)?;
            cloud.name = cloud_name("scan", index, self.scans);
            clouds.push(cloud);
        }
        let exact = vec![
            Exact::new("scans", self.scans as f64),
            Exact::new("beams", self.beams as f64),
            Exact::new("columns", sequence.columns() as f64),
        ];
        Ok(Scene { clouds, exact })
    }

    /// Gets ready to scan, and leaves it to the caller when each scan is made: a long drive need not be held in memory.
    ///
    /// # Errors
    /// [`Error::InvalidOption`] for an option out of its range.
    pub fn sequence(&self) -> Result<StreetSequence> {
        StreetSequence::new(self)
    }

    /// The options of the pair that is committed in `datasets/ready`: a car turns left at a crossing and
    /// scans it twice within 0.4 s, which leaves 11° and 1.6 m between the scans.
    pub fn ready() -> Self {
        Self { interval: 0.4, speed: 4.0, turn_rate: 0.5, ..Self::default() }
    }

    /// What the sensor sees, to measure points against.
    ///
    /// # Errors
    /// As [`make`](Self::make).
    pub fn world(&self) -> Result<StreetWorld> {
        self.check()?;
        let duration = self.interval * self.scans as f64;
        let world = World::new(self.seed, &self.drive(), duration, self.max_range, self.moving_cars);
        Ok(StreetWorld { world })
    }

    /// Exact pose of the sensor at the start of a scan.
    pub fn world_from_sensor(&self, scan: usize) -> Isometry3<f64> {
        self.world_from_sensor_at(self.interval * scan as f64)
    }

    /// Exact pose of the sensor at any time since the start of the drive \[s\]: a revolution takes 0.1 s.
    pub fn world_from_sensor_at(&self, time: f64) -> Isometry3<f64> {
        self.drive().world_from_sensor(time)
    }

    fn drive(&self) -> Drive {
        Drive { speed: self.speed, turn_rate: self.turn_rate, sway: self.sway }
    }

    /// Columns for which the first scan would return about `points` points.
    fn columns_for_points(&self, world: &StreetWorld) -> usize {
        const PROBES: usize = 180;
        let scanner = Scanner { street: self, world: &world.world, drive: self.drive(), columns: PROBES };
        let seen = scanner.count(0).max(1) as f64 / PROBES as f64;
        ((self.points as f64 / seen).round() as usize).max(1)
    }

    fn check(&self) -> Result<()> {
        require_points(self.points)?;
        require_noise(self.noise)?;
        if !(0.0..1.0).contains(&self.dropout) {
            return Err(Error::InvalidOption {
                name: "dropout",
                requirement: ">= 0 and < 1",
                got: self.dropout,
            });
        }
        require_count("scans", self.scans, 1, 1000, "from 1 to 1000")?;
        require_within("interval", self.interval, 1e-3, 1e3, "from 0.001 to 1000 s")?;
        require_within("speed", self.speed, -100.0, 100.0, "from -100 to 100 m/s")?;
        require_within("turn_rate", self.turn_rate, -10.0, 10.0, "from -10 to 10 rad/s")?;
        require_within("sway", self.sway, 0.0, 0.2, "from 0 to 0.2 rad")?;
        require_count("moving_cars", self.moving_cars, 0, 200, "at most 200")?;
        require_count("beams", self.beams, 1, 512, "from 1 to 512")?;
        for elevation in self.elevations {
            require_within("elevations", elevation, -1.5, 1.5, "from -1.5 to 1.5 rad")?;
        }
        if let Some(columns) = self.columns {
            require_count("columns", columns, 1, 1_000_000, "from 1 to 1000000")?;
        }
        require_within("max_range", self.max_range, 5.0, 300.0, "from 5 to 300 m")?;
        // The street is built as far as the drive goes.
        let way = self.speed.abs() * self.interval * self.scans as f64;
        require_within("speed * interval * scans", way, 0.0, 10_000.0, "at most 10000 m")?;
        Ok(())
    }
}

/// The street that a [`Street`] scans.
#[derive(Debug, Clone)]
pub struct StreetWorld {
    world: World,
}

impl StreetWorld {
    /// Distance of a point of the world to the surfaces that stand still, in metres: zero on them, and
    /// elsewhere no more than the true distance. Moving cars do not count.
    pub fn distance(&self, point: &Point3<f64>) -> f64 {
        self.world.distance(point)
    }
}
