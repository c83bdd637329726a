//! Plans written and read, and files that pretend to be plans.

use std::path::Path;

use barrow_geometry::{Arc, PointCloud, SparsePlan};
use barrow_io::{Error, Place, read_plan, write_plan};
use nalgebra::Point3;

fn cloud(count: usize) -> PointCloud {
    PointCloud::new((0..count).map(|i| Point3::new(i as f64, -0.5, 1e7)).collect()).unwrap()
}

fn arcs(sources: usize, targets: usize) -> Vec<Arc> {
    let arc = |index: usize| Arc {
        source: index % sources,
        target: (index * 7 + index / 3) % targets,
        mass: 1.0 / (3.0 + index as f64),
        cost: (index as f64).sqrt() * 1e5,
    };
    (0..sources + targets - 1).map(arc).collect()
}

fn refused(path: &Path, wanted: &[&str]) -> Place {
    match read_plan(path, 2, 3) {
        Err(Error::Malformed { name, place, problem }) => {
            assert!(name.contains("plan"), "{name}");
            for word in wanted {
                assert!(problem.contains(word), "no {word:?} in {problem:?}");
            }
            place
        }
        other => panic!("{wanted:?}: {other:?}"),
    }
}

#[test]
fn plans_come_back_to_the_bit() {
    let folder = tempfile::tempdir().unwrap();
    for (sources, targets) in [(1, 1), (5, 3), (400, 900)] {
        let arcs = arcs(sources, targets);
        let plan = SparsePlan::new(sources, targets, arcs.clone()).unwrap();
        for name in ["plan.npz", "plan.csv", "plan.ply"] {
            let path = folder.path().join(name);
            write_plan(&path, &cloud(sources), &cloud(targets), &arcs).unwrap();
            assert_eq!(read_plan(&path, sources, targets).unwrap(), plan, "{name}");
            assert!(read_plan(&path, sources + 1, targets).is_ok() == (name != "plan.ply"));
            assert!(sources == 1 || read_plan(&path, sources - 1, targets).is_err(), "{name}");
        }
    }
}

#[test]
fn plans_of_other_programs_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("plan.csv");
    std::fs::write(&path, "cost, mass ,note,Target,source\r\n2.5,1e-1,x,2,1\r\n\r\n0,0.5,,0,0\r\n").unwrap();
    let wanted = vec![
        Arc { source: 0, target: 0, mass: 0.5, cost: 0.0 },
        Arc { source: 1, target: 2, mass: 0.1, cost: 2.5 },
    ];
    assert_eq!(read_plan(&path, 2, 3).unwrap().arcs(), wanted);
    let path = folder.path().join("plan.ply");
    let header = "ply\nformat ascii 1.0\nelement vertex 5\nproperty float x\nproperty float y\nproperty float z\n\
                  element edge 2\nproperty double mass\nproperty int vertex1\nproperty uint vertex2\n\
                  property float cost\nend_header\n";
    let vertices = "0 0 0\n".repeat(5);
    std::fs::write(&path, format!("{header}{vertices}0.5 0 2 0\n0.1 1 4 2.5\n")).unwrap();
    assert_eq!(read_plan(&path, 2, 3).unwrap().arcs(), wanted);
    // An edge between two points of the source.
    std::fs::write(&path, format!("{header}{vertices}0.5 0 2 0\n0.1 1 0 2.5\n")).unwrap();
    refused(&path, &["arc 1", "target is -2"]);
    std::fs::write(&path, format!("{header}{vertices}0.5 0 2 0\n")).unwrap();
    refused(&path, &["2 rows"]);
    std::fs::write(&path, format!("{header}{vertices}0.5 0 2\n0.1 1 0 2.5\n")).unwrap();
    refused(&path, &["arc 0"]);
    std::fs::write(&path, header.replace("vertex 5", "vertex 6")).unwrap();
    refused(&path, &["6 vertices"]);
    std::fs::write(&path, header.replace("element edge", "element face")).unwrap();
    refused(&path, &["edge"]);
    std::fs::write(&path, header.replace("vertex 5", "vertex 18446744073709551615")).unwrap();
    refused(&path, &["vertices"]);
    std::fs::write(
        &path,
        header.replace("edge 2", "edge 99999999999999").replace("ascii", "binary_little_endian"),
    )
    .unwrap();
    refused(&path, &["promises"]);
}

#[test]
fn hostile_plans_are_refused_with_the_place() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("plan.csv");
    for (row, words) in [
        ("2,0,1,1", ["source is 2", "from 0 to 1"]),
        ("0,3,1,1", ["target is 3", "from 0 to 2"]),
        ("-1,0,1,1", ["source is -1", "whole"]),
        ("0.5,0,1,1", ["source is 0.5", "whole"]),
        ("nan,0,1,1", ["source is NaN", "whole"]),
        ("1e300,0,1,1", ["source is 1", "whole"]),
        ("0,0,nan,1", ["mass is NaN", "finite"]),
        ("0,0,-1,1", ["mass is -1", ">= 0"]),
        ("0,0,inf,1", ["mass is inf", "finite"]),
        ("0,0,1,-2", ["cost is -2", ">= 0"]),
        ("0,0,1,NaN", ["cost is NaN", "finite"]),
        ("0,0,1", ["cost is \"\"", "not a number"]),
        ("0,zero,1,1", ["target is \"zero\"", "not a number"]),
    ] {
        std::fs::write(&path, format!("source,target,mass,cost\n1,1,1,1\n{row}\n")).unwrap();
        assert_eq!(refused(&path, &words), Place::Line(3), "{row}");
    }
    for content in
        ["", "x y z\n0 0 0\n", "source,target,mass\n0,0,1\n", "PK\x03\x04 no archive", "ply\n", "\0\0\0"]
    {
        std::fs::write(&path, content).unwrap();
        refused(&path, &[]);
    }
    // Every cut of a plan in a binary format, and every byte of its beginning turned over.
    for name in ["plan.npz", "plan.ply"] {
        let path = folder.path().join(name);
        write_plan(&path, &cloud(2), &cloud(3), &arcs(2, 3)).unwrap();
        let whole = std::fs::read(&path).unwrap();
        for length in 0..whole.len() {
            std::fs::write(&path, &whole[..length]).unwrap();
            assert!(read_plan(&path, 2, 3).is_err(), "{name} cut to {length}");
        }
        for at in 0..whole.len() {
            let mut bytes = whole.clone();
            bytes[at] ^= 0x5f;
            std::fs::write(&path, bytes).unwrap();
            // A plan of other numbers or a refusal, but no panic.
            drop(read_plan(&path, 2, 3));
        }
    }
    let missing = read_plan(folder.path().join("none.npz"), 2, 3);
    assert!(matches!(missing, Err(Error::Read { .. })));
}
