//! Matching 3D point clouds: distances, optimal transport, registration.
//!
//! This crate is the whole library under one name. [`geometry`] has clouds, neighbours, metrics and
//! optimal transport, [`io`] reads and writes files, [`registration`] finds poses. Each of the three is a
//! crate of its own, for those who need no more.
//!
//! # A tour
//!
//! **Clouds.** A [`PointCloud`](geometry::PointCloud) holds finite positions in `f64` and optional
//! columns. [`io::read`] makes one from any of the formats, told by the content; here it is made by hand:
//! a patch of hilly ground, and the same patch seen from a sensor that has moved.
//!
//! ```
//! use barrow::geometry::PointCloud;
//! use nalgebra::{Isometry3, Point3, Vector3};
//!
//! let hill = |i: usize| {
//!     let (x, y) = (0.1 * (i % 40) as f64, 0.1 * (i / 40) as f64);
//!     Point3::new(x, y, x.sin() + (1.7 * y).cos())
//! };
//! let target = PointCloud::new((0..1600).map(hill).collect())?;
//! let target_from_source = Isometry3::new(Vector3::new(0.1, 0.2, -0.1), Vector3::new(0.0, 0.1, 0.1));
//! let source = target.transformed(&target_from_source.inverse());
//!
//! // How far apart: the mean distance to the nearest point, both ways.
//! let before = barrow::geometry::chamfer(&source, &target)?.value;
//! assert!(before > 0.02);
//!
//! // The pose that lays the source onto the target, and how well it fits.
//! use barrow::registration::{Aligner, Method};
//! let registration = Aligner { method: Method::Gicp, ..Aligner::default() }.align(&source, &target)?;
//! let moved = source.transformed(&registration.target_from_source);
//! assert!(barrow::geometry::chamfer(&moved, &target)?.value < 1e-3);
//! assert!(registration.fitness > 0.9);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! **How far apart.** [`NearestDistances`](geometry::NearestDistances) searches once in each direction; Chamfer,
//! Hausdorff, F-scores at any radii, quantiles and every point's own distance follow without another search.
//!
//! ```
//! use barrow::geometry::{NearestDistances, PointCloud};
//! use nalgebra::Point3;
//!
//! let truth = PointCloud::new((0..100).map(|i| Point3::new(0.1 * i as f64, 0.0, 0.0)).collect())?;
//! let scan = PointCloud::new((0..50).map(|i| Point3::new(0.1 * i as f64, 0.01, 0.0)).collect())?;
//! let nearest = NearestDistances::between(&scan, &truth)?;
//! // All of the scan lies on the truth, half of which it misses: it ends 5 m too early.
//! let score = nearest.f_score(0.02)?;
//! assert_eq!((score.precision, score.recall), (1.0, 0.5));
//! assert!((nearest.hausdorff().value - 5.0).abs() < 1e-3);
//! assert!((nearest.source_to_target().median() - 0.01).abs() < 1e-12);
//! # Ok::<(), barrow::geometry::Error>(())
//! ```
//!
//! **Optimal transport.** A problem says what is asked, a solver how soon, a plan is the answer. A
//! [`Measure`](geometry::Measure) is positions with weights; the *blur* is the length below which the plan
//! is fuzzy.
//!
//! ```
//! use barrow::geometry::{Backend, Measure, Sinkhorn, TransportProblem};
//! use nalgebra::{Point3, Vector3};
//!
//! let source: Vec<_> = (0..50).map(|i| Point3::new(i as f64, 0.0, 0.0)).collect();
//! let target: Vec<_> = source.iter().map(|point| point + Vector3::new(0.0, 3.0, 0.0)).collect();
//! let problem = TransportProblem::new(Measure::uniform(&source)?, Measure::uniform(&target)?, 0.1);
//! let plan = Sinkhorn::default().solve(&problem, &Backend::Cpu)?;
//! assert!((plan.transport_cost() - 9.0).abs() < 1e-6);
//! // Every source point goes to the target point beside it.
//! let arcs = plan.arcs(0.5)?;
//! assert!(arcs.len() == 50 && arcs.iter().all(|arc| arc.source == arc.target));
//! # Ok::<(), barrow::geometry::Error>(())
//! ```
//!
//! Where mass may be dropped, [`MarginalPenalty`](geometry::MarginalPenalty) says at what price.
//! [`DivergencePlans`](geometry::DivergencePlans) differentiate the debiased distance by positions and weights;
//! [`GradientFlow`](geometry::GradientFlow) follows that slope from one cloud to another, and
//! [`FreeSupport`](geometry::FreeSupport) to the mean of several. Costs that are no distance go into a matrix, for
//! [`MatrixSinkhorn`](geometry::MatrixSinkhorn).
//!
//! **Files.** Reading drops and counts points that are not finite; writing leaves a whole file or none.
//!
//! ```no_run
//! use barrow::io::{ReadOptions, WriteOptions};
//! use barrow::registration::Aligner;
//!
//! let source = barrow::io::read("source.pcd", &ReadOptions::default())?.cloud;
//! let target = barrow::io::read("target.las", &ReadOptions::default())?.cloud;
//! let pose = Aligner::default().align(&source, &target)?.target_from_source;
//! barrow::io::write_transform("target_from_source.txt", &pose)?;
//! barrow::io::write("moved.ply", &source.transformed(&pose), &WriteOptions::default())?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What holds everywhere
//!
//! - Source comes first and target second; a pose is `target_from_source`: x_target = T · x_source.
//! - Lengths are in metres, that is in the unit of the clouds; angles in radians.
//! - The same input and options give the same bits on any number of threads.
//! - A question without an answer is an error that names the value; not converging is an answer that
//!   says so.

pub use barrow_geometry as geometry;
pub use barrow_io as io;
pub use barrow_registration as registration;
