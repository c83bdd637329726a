"""Compares barrow's exact and certified transport with POT and SciPy, time beside error.

    pip install pot==0.9.7.post1 scipy numpy
    cargo build --release -p barrow-benches --bin wasserstein
    python benches/transport/wasserstein.py [--rounds 5] [--only exact-4000 certified-100k ...] [--json FILE]

Cost |x - y|^2, uniform weights, two threads. Every round runs each side once, in turn, so that a machine busy with other
things slows both. Making and loading the clouds is not timed; the peers' matrix of costs is, because a user starts from
points. barrow runs in a process of its own each time, whose peak of memory is reported. Gaps are those of the cost W_2^2,
(upper - lower) / upper: barrow is asked for half of them of W_2. A peer's value has no proof; how far it is above barrow's
lower bound says how wrong it is at most.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

THREADS = "2"
os.environ |= {"OMP_NUM_THREADS": THREADS, "OPENBLAS_NUM_THREADS": THREADS, "RAYON_NUM_THREADS": THREADS}

import numpy as np
import ot
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = ROOT / "target/release/wasserstein"
FOLDER = ROOT / "target/benches/transport"


def emd2(source, target):
    return float(ot.emd2([], [], ot.dist(source, target), numItermax=10_000_000))


def assignment(source, target):
    costs = cdist(source, target, "sqeuclidean")
    return float(costs[linear_sum_assignment(costs)].mean())


def bisections(trees):
    def solve(source, target):
        order = np.asarray(ot.compute_bspot_bijection(source, target, n_plans=trees)[1]).astype(int)
        return float(((source - target[order]) ** 2).sum(1).mean())

    return solve


POT, SCIPY = ("POT emd2", emd2), ("SciPy linear_sum_assignment", assignment)
# name: pair, points, gap of the cost, peers, what is wanted
JOBS = {
    "exact-4000": ("cube", 4000, 0.0, [POT, SCIPY], "ratio >= 8, <= 100 MB"),
    "exact-4000-shapes": ("sphere-torus", 4000, 0.0, [POT], "ratio >= 8, <= 100 MB"),
    "exact-20k": ("cube", 20_000, 0.0, [], "<= 10 s"),
    "exact-20k-shapes": ("sphere-torus", 20_000, 0.0, [], "<= 10 s"),
    "exact-50k": ("cube", 50_000, 0.0, [], "<= 60 s"),
    "exact-50k-shapes": ("sphere-torus", 50_000, 0.0, [], "<= 60 s"),
    "certified-100k": ("sphere-torus", 100_000, 0.01, [("BSP-OT, 64 trees", bisections(64))], "ratio >= 3"),
    "certified-1M": ("sphere-torus", 1_000_000, 0.01, [("BSP-OT, 16 trees", bisections(16))], "<= 20 s, <= 1.5 GB"),
    "noise-4000": ("cube", 4000, 0.0, [("BSP-OT, 64 trees", bisections(64))], "exact"),
    "noise-100k": ("cube", 100_000, 0.02, [("BSP-OT, 64 trees", bisections(64))], "<= 10 s"),
    "noise-1M": ("cube", 1_000_000, 0.05, [("BSP-OT, 16 trees", bisections(16))], "<= 60 s"),
    "street-100k": ("street", 100_000, 0.01, [("BSP-OT, 64 trees", bisections(64))], ""),
    "street-1M": ("street", 1_000_000, 0.01, [("BSP-OT, 16 trees", bisections(16))], ""),
}
# Beyond this many points one round has to do.
LARGE = 200_000


def barrow(pair, points, gap):
    command = [PROGRAM, pair, str(points), "--gap", str(gap / 2)]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def clouds(pair, points):
    paths = [FOLDER / f"{pair}-{points}-{role}.npy" for role in ("source", "target")]
    if not all(path.exists() for path in paths):
        command = [PROGRAM, pair, str(points), "--gap", "0.9", "--save", FOLDER]
        subprocess.run(command, check=True, capture_output=True)
    return [np.load(path) for path in paths]


def job(name, rounds):
    pair, points, gap, peers, wanted = JOBS[name]
    found, seconds, values = [], {peer: [] for peer, _ in peers}, {}
    for _ in range(1 if points > LARGE else rounds):
        found.append(barrow(pair, points, gap))
        print(f"{name}: barrow {found[-1]['seconds']:.3f} s, gap {found[-1]['cost_gap']:.1e}", file=sys.stderr)
        for peer, solve in peers:
            data = clouds(pair, points)
            start = time.perf_counter()
            values[peer] = solve(*data)
            seconds[peer].append(time.perf_counter() - start)
            print(f"  {peer} {seconds[peer][-1]:.3f} s, {values[peer]:.6g}", file=sys.stderr)
    own = statistics.median(row["seconds"] for row in found)
    last = found[-1]
    contenders = [
        {
            "peer": peer,
            "seconds": statistics.median(seconds[peer]),
            "ratio": statistics.median(seconds[peer]) / own,
            "above_lower": values[peer] / last["lower"] - 1,
        }
        for peer, _ in peers
    ]
    return {"job": name, "pair": pair, "points": points, "asked": gap, "wanted": wanted, "seconds": own,
            "gap": last["cost_gap"], "cost": last["cost"], "peak_rss_mb": last["peak_rss_mb"], "peers": contenders}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", nargs="+", choices=JOBS, default=list(JOBS))
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    FOLDER.mkdir(parents=True, exist_ok=True)
    rows = [job(name, arguments.rounds) for name in arguments.only]
    print("| work | points | asked | proven gap | time | memory | peers: time, ratio, above the lower bound | wanted |")
    print("|---|---:|---:|---:|---:|---:|---|---|")
    for row in rows:
        peers = "; ".join(f"{peer['peer']} {peer['seconds']:.2f} s, {peer['ratio']:.1f}, {peer['above_lower']:.2%}"
                          for peer in row["peers"])
        asked = "exact" if row["asked"] == 0 else f"{row['asked']:.0%}"
        print(f"| {row['pair']} | {row['points']} | {asked} | {row['gap']:.1e} | {row['seconds']:.2f} s |"
              f" {row['peak_rss_mb']:.0f} MB | {peers} | {row['wanted']} |")
    if arguments.json:
        arguments.json.write_text(json.dumps(rows, indent=2) + "\n")


if __name__ == "__main__":
    main()
