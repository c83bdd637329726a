//! What barrow does with bytes that nobody meant: files that lie, clouds and options out of a hat.
//!
//! Each target takes any bytes, and panics if barrow panics or answers wrong. `cargo fuzz` searches for such bytes; the test of
//! this crate tries those that were once found, and random changes of good ones, on any compiler.

mod clouds;
mod files;
mod good;
mod motions;
mod questions;
mod solvers;

pub use good::good;

/// Something that takes any bytes.
#[derive(Clone, Copy)]
pub struct Target {
    /// Of the program, and of the folder of its corpus.
    pub name: &'static str,
    /// Panics if barrow does something wrong.
    pub run: fn(&[u8]),
}

/// All of them.
pub const TARGETS: [Target; 25] = [
    Target { name: "ply", run: files::ply },
    Target { name: "pcd", run: files::pcd },
    Target { name: "las", run: files::las },
    Target { name: "e57", run: files::e57 },
    Target { name: "kitti", run: files::kitti },
    Target { name: "npy", run: files::npy },
    Target { name: "npz", run: files::npz },
    Target { name: "xyz", run: files::xyz },
    Target { name: "obj", run: files::obj },
    Target { name: "vtk", run: files::vtk },
    Target { name: "any", run: files::any },
    Target { name: "poses", run: files::poses },
    Target { name: "plans", run: files::plans },
    Target { name: "weights", run: files::weights },
    Target { name: "nearest", run: clouds::nearest },
    Target { name: "thin", run: clouds::thin },
    Target { name: "wasserstein", run: solvers::wasserstein },
    Target { name: "sinkhorn", run: solvers::sinkhorn },
    Target { name: "divergence", run: solvers::divergence },
    Target { name: "sliced", run: solvers::sliced },
    Target { name: "matrix", run: solvers::matrix },
    Target { name: "line", run: solvers::line },
    Target { name: "register", run: motions::register },
    Target { name: "similarity", run: motions::similarity },
    Target { name: "deform", run: motions::deform },
];

/// The target of a name.
///
/// # Panics
/// If there is none.
pub fn target(name: &str) -> Target {
    let found = TARGETS.into_iter().find(|target| target.name == name);
    found.unwrap_or_else(|| panic!("no target is called {name}"))
}

/// Leaves panics to whoever catches them: some readers of other people's formats panic, which barrow turns into errors.
pub fn quiet() {
    std::panic::set_hook(Box::new(|_| {}));
}
