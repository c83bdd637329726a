"""Compares barrow's sliced Wasserstein distance with POT's, time beside error.

    pip install pot==0.9.7 numpy
    cargo build --release -p barrow-benches --bin sliced
    python benches/transport/sliced.py [--rounds 3] [--points 100000] [--pairs sphere-torus cube street]
                                       [--projections 600] [--rotations 2] [--peer-projections 200] [--json FILE]

Every round runs each side once, in turn, so that a machine busy with other things slows both; both have two threads.
Making and loading the clouds is not timed. The error is that of SW_2 against a mean over 100 000 directions, which
barrow computes once for every pair and keeps in target/benches/transport.
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

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = ROOT / "target/release/sliced"
FOLDER = ROOT / "target/benches/transport"
REFERENCE = 100_000


def barrow(pair, points, *options):
    command = [PROGRAM, pair, str(points), *map(str, options)]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def reference(pair, points):
    """SW_2 over many directions; the clouds are saved beside it."""
    path = FOLDER / f"{pair}-{points}-sliced.json"
    if not path.exists():
        print(f"  {REFERENCE} directions ...", file=sys.stderr)
        row = barrow(pair, points, "--save", FOLDER, "--projections", REFERENCE, "--rotations", 2, "--seed", 12345)
        path.write_text(json.dumps(row))
    return json.loads(path.read_text())["value"]


def pot(source, target, projections, seed):
    start = time.perf_counter()
    value = ot.sliced_wasserstein_distance(source, target, n_projections=projections, seed=seed)
    return time.perf_counter() - start, float(value)


def row(pair, arguments):
    print(pair, file=sys.stderr)
    truth = reference(pair, arguments.points)
    clouds = [np.load(FOLDER / f"{pair}-{arguments.points}-{role}.npy") for role in ("source", "target")]
    seconds, errors, peak = {"barrow": [], "POT": []}, {"barrow": [], "POT": []}, 0.0
    for seed in range(arguments.rounds):
        found = barrow(pair, arguments.points, "--seed", seed, "--projections", arguments.projections,
                       "--rotations", arguments.rotations)
        peak = max(peak, found["peak_rss_mb"] or 0.0)
        elapsed, value = pot(*clouds, arguments.peer_projections, seed)
        for name, time_taken, got in (("barrow", found["seconds"], found["value"]), ("POT", elapsed, value)):
            seconds[name].append(time_taken)
            errors[name].append(abs(got - truth) / truth)
            print(f"  {name}: {time_taken:.3f} s, off by {errors[name][-1]:.2e}", file=sys.stderr)
    mean_square = {name: statistics.fmean(error * error for error in errors[name]) ** 0.5 for name in errors}
    median = {name: statistics.median(seconds[name]) for name in seconds}
    return {"pair": pair, "points": arguments.points, "seconds": seconds, "ratio": median["POT"] / median["barrow"],
            "median": median, "error": mean_square, "peak_rss_mb": peak, "reference": truth}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--points", type=int, default=100_000)
    parser.add_argument("--pairs", nargs="+", default=["sphere-torus", "cube", "street"])
    parser.add_argument("--projections", type=int, default=600)
    parser.add_argument("--rotations", type=int, default=2)
    parser.add_argument("--peer-projections", type=int, default=200)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    FOLDER.mkdir(parents=True, exist_ok=True)
    rows = [row(pair, arguments) for pair in arguments.pairs]
    print(f"POT {ot.__version__}, {arguments.peer_projections} directions; barrow {arguments.projections}")
    print("| pair | points | ratio of times | barrow | off by | POT | off by |")
    print("|---|---:|---:|---:|---:|---:|---:|")
    for found in rows:
        median, error = found["median"], found["error"]
        print(f"| {found['pair']} | {found['points']} | {found['ratio']:.0f} | {median['barrow']:.3f} s |"
              f" {error['barrow']:.1e} | {median['POT']:.2f} s | {error['POT']:.1e} |")
    if arguments.json:
        arguments.json.write_text(json.dumps(rows, indent=2) + "\n")


if __name__ == "__main__":
    main()
