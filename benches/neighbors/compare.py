"""Compares barrow's neighbour search with SciPy, Open3D, point-cloud-utils and small_gicp.

    benches/neighbors/install
    cargo build --release -p barrow-benches --bin neighbors
    target/peers/bin/python benches/neighbors/compare.py [--rounds 5] [--only ROW] [--json FILE] [--markdown FILE]
                                                         [--patience 20]

Every round of a row runs each contender once, A B A B, so that a machine busy with other things slows all.
Loading is not timed, building trees is. All have two threads, and on Linux the same two processors.
The first round warms caches and allocators and is not counted, except for those that are then not run again: peers
far behind the fastest, and whoever takes longer than `--patience` seconds. Such a figure is marked `once`.

What a contender computes is checked against SciPy (or, where that would take too long, another peer in double
precision), and a value that differs is shown instead of a ratio.
Chamfer is the mean of the two directed means of unsquared distances; neighbours are checked by the mean distance
to the last of them. Whoever is wrong is never the fastest peer.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

THREADS = 2
# Read by the libraries when they are loaded, and by barrow when it starts.
os.environ |= {"OMP_NUM_THREADS": str(THREADS), "RAYON_NUM_THREADS": str(THREADS), "OMP_WAIT_POLICY": "PASSIVE"}
if hasattr(os, "sched_setaffinity"):
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:THREADS])

import numpy as np
import open3d as o3d
import point_cloud_utils as pcu
import small_gicp
from scipy.spatial import cKDTree

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = ROOT / "target/release/neighbors"
FOLDER = ROOT / "target/benches/neighbors"
# A peer that takes this many times as long as the fastest is not run again: it will not become the fastest.
TOO_SLOW = 2.0
K = 10
SINGLE, DOUBLE = 1e-5, 1e-9


# Peers. Each takes two arrays, converts them to what it calls a cloud, and returns the call to be timed; what the
# call returns goes to the second function, untimed, which makes of it the value to compare.

def half_sum_of_means(distances):
    return 0.5 * sum(np.mean(directed) for directed in distances)


def scipy(source, target, **build):
    def call():
        towards = lambda queries, points: cKDTree(points, **build).query(queries, workers=THREADS)[0]
        return towards(source, target), towards(target, source)
    return call, half_sum_of_means


def scipy_fast_build(source, target):
    return scipy(source, target, balanced_tree=False, compact_nodes=False)


def open3d(source, target):
    source, target = (o3d.geometry.PointCloud(o3d.utility.Vector3dVector(cloud)) for cloud in (source, target))
    def call():
        return source.compute_point_cloud_distance(target), target.compute_point_cloud_distance(source)
    return call, half_sum_of_means


def open3d_tensor(source, target):
    # Clouds of doubles are refused.
    single = lambda cloud: o3d.t.geometry.PointCloud(o3d.core.Tensor(cloud, o3d.core.float32))
    source, target = single(source), single(target)
    metrics = (o3d.t.geometry.Metric.ChamferDistance,), o3d.t.geometry.MetricParameters()
    return lambda: source.compute_metrics(target, *metrics), lambda found: 0.5 * found[0].item()


def point_cloud_utils(source, target):
    return lambda: pcu.chamfer_distance(source, target), lambda value: 0.5 * value


def small_gicp_tree(source, target):
    clouds = [small_gicp.PointCloud(cloud) for cloud in (source, target)]
    def call():
        source_tree, target_tree = (small_gicp.KdTree(cloud, num_threads=THREADS) for cloud in clouds)
        return (target_tree.batch_nearest_neighbor_search(source, num_threads=THREADS)[1],
                source_tree.batch_nearest_neighbor_search(target, num_threads=THREADS)[1])
    return call, lambda squares: half_sum_of_means(map(np.sqrt, squares))


def last_of(distances):
    return np.mean(distances[:, -1])


def last_of_squared(squares):
    return np.mean(np.sqrt(squares[:, -1]))


def scipy_knn(source, target, **build):
    return lambda: cKDTree(target, **build).query(source, k=K, workers=THREADS)[0], last_of


def scipy_fast_build_knn(source, target):
    return scipy_knn(source, target, balanced_tree=False, compact_nodes=False)


def open3d_knn(source, target):
    source, target = o3d.core.Tensor(source), o3d.core.Tensor(target)
    def call():
        search = o3d.core.nns.NearestNeighborSearch(target)
        search.knn_index()
        return search.knn_search(source, K)[1]
    return call, lambda squares: last_of_squared(squares.numpy())


def point_cloud_utils_knn(source, target):
    return lambda: pcu.k_nearest_neighbors(source, target, K, num_threads=THREADS)[0], last_of


def small_gicp_knn(source, target):
    target = small_gicp.PointCloud(target)
    def call():
        tree = small_gicp.KdTree(target, num_threads=THREADS)
        return tree.batch_knn_search(source, K, num_threads=THREADS)[1]
    return call, lambda squares: last_of_squared(np.asarray(squares))


# The call and the relative error that its precision excuses. The first of each is what the others are checked with.
CHAMFER = {
    "SciPy": (scipy, DOUBLE),
    "SciPy, fast build": (scipy_fast_build, DOUBLE),
    "Open3D": (open3d, DOUBLE),
    "Open3D tensor": (open3d_tensor, SINGLE),
    "point-cloud-utils": (point_cloud_utils, DOUBLE),
    "small_gicp": (small_gicp_tree, DOUBLE),
}
# The others take minutes a run on the sphere and the torus of a million points.
CHAMFER_OF_MILLIONS = {name: CHAMFER[name] for name in ("point-cloud-utils", "Open3D tensor")}
KNN = {
    "SciPy": (scipy_knn, DOUBLE),
    "SciPy, fast build": (scipy_fast_build_knn, DOUBLE),
    "Open3D": (open3d_knn, DOUBLE),
    "point-cloud-utils": (point_cloud_utils_knn, DOUBLE),
    "small_gicp": (small_gicp_knn, DOUBLE),
}


@dataclass
class Work:
    """An operation on a pair of clouds."""

    op: str
    kind: str
    points: int

    def paths(self):
        """The files of the pair, made if they are not there."""
        paths = [FOLDER / f"{self.kind}-{self.points}-{role}.npy" for role in ("source", "target")]
        if not all(path.exists() for path in paths):
            subprocess.run([PROGRAM, "make", FOLDER, self.kind, str(self.points)], check=True)
        return paths

    def request(self):
        source, target = map(str, self.paths())
        return json.dumps({"op": self.op, "source": source, "target": target, "k": K})


class Barrow:
    """The program that computes with barrow, one request at a time."""

    def __init__(self):
        self.process = subprocess.Popen([PROGRAM, "serve"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def contender(self, work):
        request = work.request()

        def run():
            self.process.stdin.write(request + "\n")
            self.process.stdin.flush()
            answer = self.process.stdout.readline()
            if not answer:
                sys.exit(f"barrow gave up on {request}")
            answer = json.loads(answer)
            return answer["seconds"], answer["value"]

        return run


def peer_contender(setup, work):
    call, value_of = setup(*(np.load(path) for path in work.paths()))

    def run():
        start = time.perf_counter()
        found = call()
        return time.perf_counter() - start, float(value_of(found))

    return run


@dataclass
class Measured:
    seconds: list
    value: float

    def __post_init__(self):
        # The first round counts only where it is the only one.
        self.once = len(self.seconds) == 1
        self.median = statistics.median(self.seconds[1:] or self.seconds)


def interleaved(contenders, arguments, right_peers=lambda values: ()):
    """Runs every contender once a round, peers far behind the fastest that is right only in the first."""
    seconds, values = {name: [] for name in contenders}, {}

    def run(name):
        elapsed, values[name] = contenders[name]()
        seconds[name].append(elapsed)
        print(f"  {name}: {elapsed:.3f} s", file=sys.stderr)

    for name in contenders:
        run(name)
    first = {name: times[0] for name, times in seconds.items()}
    limit = TOO_SLOW * min((first[name] for name in right_peers(values)), default=float("inf"))
    near = lambda name: name == "barrow" or first[name] <= limit
    going_on = [name for name in contenders if near(name) and first[name] <= arguments.patience]
    for _ in range(arguments.rounds):
        for name in going_on:
            run(name)
    return {name: Measured(seconds[name], values[name]) for name in contenders}


@dataclass
class AgainstPeers:
    """At least `wanted` times as fast as the fastest peer."""

    work: Work
    peers: dict
    wanted: float

    def run(self, barrow, arguments):
        contenders = {"barrow": barrow.contender(self.work)}
        contenders |= {name: peer_contender(setup, self.work) for name, (setup, _) in self.peers.items()}
        measured = interleaved(contenders, arguments, lambda values: self.peers.keys() - self.wrong(values))
        values = {name: contender.value for name, contender in measured.items()}
        wrong, exact = self.wrong(values), values[next(iter(self.peers))]
        ours = measured.pop("barrow")
        ratios = {name: peer.median / ours.median for name, peer in measured.items()}
        fastest = min(ratios.keys() - wrong, key=ratios.get)

        def cell(name):
            if name in wrong:
                return f"{name} wrong: {measured[name].value!r}, not {exact!r}"
            return f"{name} {ratios[name]:.2f}" + (" (once)" if measured[name].once else "")

        return {
            "ratio": ratios[fastest],
            "wanted": f"≥ {self.wanted:g}",
            "reached": ratios[fastest] >= self.wanted and "barrow" not in wrong,
            "from": f"{ours.median:.3f} s, {fastest} {measured[fastest].median:.3f} s"
            + (f"; barrow wrong: {ours.value!r}, not {exact!r}" if "barrow" in wrong else ""),
            "peers": ", ".join(map(cell, sorted(ratios, key=ratios.get))),
            "seconds": {"barrow": ours.seconds} | {name: peer.seconds for name, peer in measured.items()},
        }

    def wrong(self, values):
        """Names of those whose value is not that of the first peer."""
        exact = values[next(iter(self.peers))]
        error = lambda name: self.peers[name][1] if name in self.peers else DOUBLE
        return {name for name, value in values.items() if not abs(value - exact) <= error(name) * exact}


@dataclass
class AgainstItself:
    """At most `wanted` times as long as barrow takes for something else."""

    work: Work
    other: Work
    wanted: float

    def run(self, barrow, arguments):
        contenders = {"this": barrow.contender(self.work), "other": barrow.contender(self.other)}
        this, other = interleaved(contenders, arguments).values()
        return {
            "ratio": this.median / other.median,
            "wanted": f"≤ {self.wanted:g}",
            "reached": this.median <= self.wanted * other.median,
            "from": f"{this.median:.3f} s, {self.other.op} {self.other.kind} {self.other.points}: {other.median:.3f} s",
            "peers": "",
            "seconds": {"this": this.seconds, "other": other.seconds},
        }


@dataclass
class Memory:
    """Finishes, in a process of its own that holds at most `wanted` gigabytes (10⁹ bytes)."""

    work: Work
    wanted: float

    def run(self, _barrow, _arguments):
        output = subprocess.run([PROGRAM, "once", self.work.request()], check=True, capture_output=True, text=True)
        answer = json.loads(output.stdout)
        peak = answer["peak_rss_mb"]
        gigabytes = float("nan") if peak is None else peak / 1e3
        return {
            "ratio": gigabytes,
            "wanted": f"≤ {self.wanted:g} GB",
            "reached": gigabytes <= self.wanted,
            "from": f"{answer['seconds']:.1f} s, Chamfer {answer['value']!r}; the files' reading counts as memory",
            "peers": "",
            "seconds": {"barrow": [answer["seconds"]]},
        }


def chamfer(kind, points):
    return Work("chamfer", kind, points)


HUNDRED_THOUSAND, MILLION = 100_000, 1_000_000
ROWS = {
    "Chamfer, uniform, 1M": AgainstPeers(chamfer("uniform", MILLION), CHAMFER, 4.0),
    "Chamfer, LiDAR, 1M": AgainstPeers(chamfer("lidar", MILLION), CHAMFER, 4.0),
    "Chamfer, sphere and torus, 100k": AgainstPeers(chamfer("sphere-torus", HUNDRED_THOUSAND), CHAMFER, 6.0),
    "Chamfer, sphere and torus, 1M": AgainstPeers(chamfer("sphere-torus", MILLION), CHAMFER_OF_MILLIONS, 6.0),
    "10 nearest, uniform, 1M": AgainstPeers(Work("knn", "uniform", MILLION), KNN, 3.0),
    "sphere and torus against uniform, 100k": AgainstItself(
        chamfer("sphere-torus", HUNDRED_THOUSAND), chamfer("uniform", HUNDRED_THOUSAND), 4.0
    ),
    "sphere and torus against uniform, 1M": AgainstItself(
        chamfer("sphere-torus", MILLION), chamfer("uniform", MILLION), 4.0
    ),
    "all metrics against Chamfer, uniform, 1M": AgainstItself(
        Work("all_metrics", "uniform", MILLION), chamfer("uniform", MILLION), 1.15
    ),
    "growth from 100k to 1M, uniform": AgainstItself(
        chamfer("uniform", MILLION), chamfer("uniform", HUNDRED_THOUSAND), 13.0
    ),
    "growth from 100k to 1M, LiDAR": AgainstItself(
        chamfer("lidar", MILLION), chamfer("lidar", HUNDRED_THOUSAND), 13.0
    ),
    "growth from 100k to 1M, sphere and torus": AgainstItself(
        chamfer("sphere-torus", MILLION), chamfer("sphere-torus", HUNDRED_THOUSAND), 13.0
    ),
    "memory of Chamfer, uniform, 10M": Memory(chamfer("uniform", 10 * MILLION), 3.0),
}


def machine():
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        model = next(line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        model = platform.processor() or platform.machine()
    return f"{model}, {os.cpu_count()} cores"


def versions():
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True)
    peers = ["scipy", "open3d", "point-cloud-utils", "small_gicp", "numpy"]
    return [f"barrow {commit.stdout.strip()}"] + [f"{peer} {version(peer)}" for peer in peers]


def markdown(rows, arguments):
    yield f"{machine()}; {THREADS} threads; {', '.join(versions())}."
    yield f"Ratios of medians of {arguments.rounds} interleaved rounds. `once`: one run, because it took more than"
    yield f"{TOO_SLOW:g} times as long as the fastest peer, or more than {arguments.patience:g} s."
    yield ""
    yield "| work | ratio | wanted | reached | barrow's time, and the other's | ratio of each peer |"
    yield "|---|---:|---:|---|---|---|"
    for name, row in rows.items():
        reached = "yes" if row["reached"] else "no"
        yield f"| {name} | {row['ratio']:.2f} | {row['wanted']} | {reached} | {row['from']} | {row['peers']} |"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", default="", help="rows whose name contains this")
    parser.add_argument("--patience", type=float, default=20.0, help="what takes more seconds is run once")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--markdown", type=Path)
    arguments = parser.parse_args()
    o3d.utility.set_verbosity_level(o3d.utility.VerbosityLevel.Error)

    barrow = Barrow()
    rows = {}
    for name in (name for name in ROWS if arguments.only in name):
        print(name, file=sys.stderr)
        rows[name] = ROWS[name].run(barrow, arguments)
    table = "\n".join(markdown(rows, arguments)) + "\n"
    print(table, end="")
    if arguments.markdown:
        arguments.markdown.write_text(table)
    if arguments.json:
        arguments.json.write_text(json.dumps(rows, indent=2) + "\n")


if __name__ == "__main__":
    main()
