"""What is asked of whom: clouds that are made, real scans, and the rows of the table."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = ROOT / "target/release/compare"
REGISTRATION = ROOT / "target/release/registration"
FOLDER = ROOT / "target/benches/compare"
DATA = Path(os.environ.get("BARROW_DATA", ROOT / "../shared/data"))


@dataclass
class Row:
    """A question, who answers it, and what is right."""

    title: str
    job: str
    # Makes the files if they are not there, and names them.
    files: Callable[[], dict]
    peers: list
    # What all are asked, and barrow beside that.
    asked: dict = field(default_factory=dict)
    ours: dict = field(default_factory=dict)
    # The exact value: what a peer of the row says, what a contender says who is asked once, or what barrow says if asked so.
    exact: str | dict | None = None
    # How exact that is, in words.
    witness: str = ""


def made(pair, points):
    paths = [FOLDER / f"{pair}-{points}-{role}.npy" for role in ("source", "target")]
    if not all(path.exists() for path in paths):
        subprocess.run([PROGRAM, "make", FOLDER, pair, str(points)], check=True)
    return dict(zip(("source", "target"), map(str, paths)))


def real(name, points=None):
    """A pair of real scans as they stand in their files; every so many-th of their points."""
    entry = next(pair for pair in json.loads((DATA / "pairs.json").read_text()) if pair["id"] == name)
    request = {}
    for role in ("source", "target"):
        path = FOLDER / f"{name}-{points or 'all'}-{role}.npy"
        if not path.exists():
            subprocess.run([REGISTRATION, "array", DATA / entry["dir"] / entry[role], path], check=True)
            if points:
                cloud = np.load(path)
                np.save(path, cloud[np.linspace(0, len(cloud) - 1, points).astype(int)])
        request[role] = str(path)
    return request


def formats(name):
    if not (FOLDER / "files" / name).exists():
        subprocess.run([PROGRAM, "files", FOLDER / "files", "1000000"], check=True)
    return {"source": str(FOLDER / "files" / name)}


def real_file(name, kind):
    entry = next(pair for pair in json.loads((DATA / "pairs.json").read_text()) if pair["id"] == name)
    return {"source": str(DATA / entry["dir"] / entry[kind])}


def registration_jobs():
    path = FOLDER / "register.jsonl"
    command = [REGISTRATION, "jobs", "real", "--data", DATA, "--made", ROOT / "target/benches/registration/made"]
    path.write_bytes(subprocess.run(command, check=True, capture_output=True).stdout)
    return {"source": str(path)}


def deformation_files(name, points):
    sys.path.append(str(ROOT / "benches/registration"))
    import deformation

    request = {"init": str(FOLDER / "identity.txt")}
    np.savetxt(request["init"], np.eye(4))
    for role, cloud in zip(("source", "target"), deformation.pair(name, points)):
        request[role] = str(FOLDER / f"{name}-{points}-{role}.txt")
        np.savetxt(request[role], cloud, fmt="%.17g")
    return request


def drive():
    folder = ROOT / "target/benches/odometry/still-500-30000-0"
    if not (folder / "end.txt").exists():
        program = ROOT / "target/release/odometry"
        subprocess.run([program, "make", folder, "--scans", "500", "--points", "30000", "--seed", "0"], check=True)
    return {"source": str(folder)}


TREES = ["SciPy", "SciPy, fast build", "Open3D", "Open3D tensor", "point-cloud-utils", "small_gicp"]
# SciPy and small_gicp take minutes where nearly all points are equally far.
SLANTED = ["Open3D", "Open3D tensor", "point-cloud-utils"]
HAUSDORFF = ["SciPy", "Open3D", "Open3D tensor", "point-cloud-utils"]
NEIGHBORS = ["SciPy", "SciPy, fast build", "Open3D", "point-cloud-utils", "small_gicp"]
EXACT = ["POT emd2", "SciPy linear_sum_assignment", "lapx"]
GEOMLOSS = ["GeomLoss tensorized", "GeomLoss online", "GeomLoss multiscale"]
DENSE = "dense, double precision"
TREES_OF_CUTS = ["POT BSP-OT, 16 trees", "POT BSP-OT, 64 trees"]
DIRECTIONS = ["POT, 50 directions", "POT, 200 directions"]
MULTISCALE = ["GeomLoss multiscale", "GeomLoss multiscale, scaling 0.9"]
COHERENT = ["pycpd", "pycpd, low rank"]


def read(name, peers, witness, files=None):
    title = f"read {name}, 1 million points" if files is None else f"read {name}"
    return Row(title, "read", files or partial(formats, name), peers, exact=witness, witness=f"sum of coordinates by {witness}")


def searched(title, job, files, peers, witness="SciPy", **asked):
    return Row(title, job, files, peers, asked, exact=witness, witness=f"{witness}'s tree, double precision")


def wasserstein(title, files, peers, gap=0.0, **asked):
    return Row(title, "wasserstein", files, peers, asked, {"gap": gap}, {"gap": 0.0}, "barrow's optimum, proven to 1e-9 or better")


def sliced(title, files, peers):
    many = {"projections": 100_000, "rotations": 2, "seed": 12345}
    return Row(title, "sliced", files, peers, {"seed": 0}, {"projections": 600, "rotations": 2}, many, "barrow with 100 000 directions")


def divergence(title, files, peers, blur, reach=None, by_definition=True):
    ours = {"tolerance": 1e-3, "max_iterations": 20_000}
    exact, witness = DENSE, "the definition in double precision"
    if not by_definition:
        exact, witness = {"tolerance": 1e-5}, "barrow with a tolerance of 1e-5"
    return Row(f"Sinkhorn divergence, {title}", "divergence", files, peers, {"blur": blur, "reach": reach}, ours, exact, witness)


KITCHEN, BUNNY = "redkitchen_4_to_0", "bunny_045_to_000"
ROWS = [
    read("bare.ply", ["Open3D", "plyfile", "point-cloud-utils"], "plyfile"),
    read("full-ascii.ply", ["Open3D", "plyfile", "point-cloud-utils"], "plyfile"),
    read("full.pcd", ["Open3D"], "Open3D"),
    read("bare-ascii.pcd", ["Open3D"], "Open3D"),
    read("digits.xyz", ["Open3D", "NumPy loadtxt"], "NumPy loadtxt"),
    read("survey.las", ["laspy with lazrs"], "laspy with lazrs"),
    read("survey.laz", ["laspy with lazrs"], "laspy with lazrs"),
    read("a real room, binary PLY", ["Open3D", "plyfile", "point-cloud-utils"], "plyfile", partial(real_file, KITCHEN, "target")),
    read("a real scan, ASCII PLY", ["Open3D", "plyfile", "point-cloud-utils"], "plyfile", partial(real_file, BUNNY, "target")),
    searched("Chamfer, cube, 1,000,000 points", "chamfer", partial(made, "cube", 1_000_000), TREES),
    searched("Chamfer, street, 1,000,000 points", "chamfer", partial(made, "street", 1_000_000), TREES),
    searched("Chamfer, sphere and torus, 100,000 points", "chamfer", partial(made, "sphere-torus", 100_000), SLANTED, "Open3D"),
    searched("Chamfer, real room", "chamfer", partial(real, KITCHEN), TREES),
    searched("Chamfer, real bunny", "chamfer", partial(real, BUNNY), TREES),
    searched("Hausdorff, street, 100,000 points", "hausdorff", partial(made, "street", 100_000), HAUSDORFF),
    searched("Hausdorff, real room", "hausdorff", partial(real, KITCHEN), HAUSDORFF),
    searched("10 nearest, cube, 1,000,000 points", "knn", partial(made, "cube", 1_000_000), NEIGHBORS, k=10),
    searched("10 nearest, real room", "knn", partial(real, KITCHEN), NEIGHBORS, k=10),
    wasserstein("W₂² exact, cube, 4000 points", partial(made, "cube", 4000), EXACT),
    wasserstein("W₂² exact, sphere and torus, 4000 points", partial(made, "sphere-torus", 4000), EXACT),
    wasserstein("W₂² exact, real bunny, 4000 points", partial(real, BUNNY, 4000), EXACT),
    wasserstein("W₂² exact of 0.7 of the mass, sphere and torus, 1000 points", partial(made, "sphere-torus", 1000),
                ["POT partial_wasserstein"], mass=0.7),
    wasserstein("W₂² within 1 %, sphere and torus, 100,000 points", partial(made, "sphere-torus", 100_000), TREES_OF_CUTS, 0.01),
    wasserstein("W₂² within 2 %, cube, 100,000 points", partial(made, "cube", 100_000), TREES_OF_CUTS, 0.02),
    wasserstein("W₂² within 1 %, real bunny, 40,000 points", partial(real, BUNNY, 40_000), TREES_OF_CUTS, 0.01),
    sliced("SW₂, sphere and torus, 100,000 points", partial(made, "sphere-torus", 100_000), DIRECTIONS),
    sliced("SW₂, street, 100,000 points", partial(made, "street", 100_000), DIRECTIONS),
    sliced("SW₂, real room, 200,000 points", partial(real, KITCHEN, 200_000), DIRECTIONS[:1]),
    divergence("sphere and torus, 2000 points, blur 0.05 m", partial(made, "sphere-torus", 2000), GEOMLOSS, 0.05),
    # By the definition this one takes many minutes.
    divergence("sphere and torus, 2000 points, blur 0.01 m", partial(made, "sphere-torus", 2000), GEOMLOSS, 0.01, by_definition=False),
    divergence("sphere and torus, 2000 points, blur 0.05 m, reach 0.5 m", partial(made, "sphere-torus", 2000), GEOMLOSS, 0.05, 0.5),
    divergence("cube, 100,000 points, blur 0.05 m", partial(made, "cube", 100_000), MULTISCALE, 0.05, by_definition=False),
    divergence("real bunny, 40,000 points, blur 5 mm", partial(real, BUNNY, 40_000), MULTISCALE, 0.005, by_definition=False),
    Row("registration of 35 real pairs, nothing known", "register", registration_jobs,
        ["KISS-Matcher + small_gicp", "Open3D FPFH + RANSAC + ICP"], witness="the poses that come with the scans"),
    Row("smooth deformation, fish, 91 points", "deform", partial(deformation_files, "fish2d", 91), COHERENT,
        {"limit": 100}, witness="rows that belong together"),
    Row("smooth deformation, real bunny, 1000 points", "deform", partial(deformation_files, "bunny", 1000), COHERENT,
        {"limit": 100}, witness="rows that belong together"),
    Row("odometry, 500 scans of a street", "odometry", drive, ["KISS-ICP"], witness="the true way of the made street"),
]
