"""Compares smooth deformations with coherent point drift as pycpd and probreg have it, time beside error.

    pip install pycpd==2.0.0 probreg==0.3.8 numpy
    cargo build --release -p barrow-benches --bin deformation
    BARROW_DATA=FOLDER python benches/registration/deformation.py [--points 5000] [--patience 300] [--rounds 3]
                       [--only fish2d bunny] [--peers pycpd low-rank probreg] [--json FILE]

All start from the same pose: none for the fish, the best rigid one for the bunny, found from the rows that belong
together. The peers keep the units of the files, in which their default widths of 2 do well, and may iterate until their
variance no longer changes. All have two threads. A peer that has not ended after `--patience` seconds is stopped, and
its time is a lower bound. The error is the root mean square over the rows of |T(x) - y| over the target's root mean
square radius. A last row lays the whole bunny down without any pose.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path

THREADS = "2"
os.environ |= {"OMP_NUM_THREADS": THREADS, "OPENBLAS_NUM_THREADS": THREADS, "RAYON_NUM_THREADS": THREADS}

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = ROOT / "target/release/deformation"
FOLDER = ROOT / "target/benches/deformation"
DATA = Path(os.environ.get("BARROW_DATA", ROOT / "../shared/data")) / "nonrigid_cpd"


class OutOfPatience(Exception):
    """A peer was given up; what it holds is its answer so far."""


class Watch:
    """Called every iteration; keeps the last positions and gives up in time."""

    def __init__(self, patience):
        self.start, self.patience, self.iterations, self.moved = time.perf_counter(), patience, 0, None

    def see(self, moved):
        self.iterations += 1
        self.moved = np.array(moved)
        if time.perf_counter() - self.start > self.patience:
            raise OutOfPatience

    def outcome(self, moved, ended):
        return {"moved": moved, "seconds": time.perf_counter() - self.start, "iterations": self.iterations,
                "ended": ended}


def pycpd(source, target, patience, **options):
    from pycpd import DeformableRegistration

    watch = Watch(patience)
    run = DeformableRegistration(X=target, Y=source, alpha=2, beta=2, tolerance=1e-9, max_iterations=150,
                                **options)
    try:
        moved, _ = run.register(lambda iteration, error, X, Y: watch.see(Y))
    except OutOfPatience:
        return watch.outcome(watch.moved, False)
    return watch.outcome(moved, True)


def low_rank(source, target, patience):
    return pycpd(source, target, patience, low_rank=True, num_eig=100)


def probreg(source, target, patience):
    from probreg import cpd

    watch = Watch(patience)
    try:
        found = cpd.registration_cpd(source, target, "nonrigid", maxiter=150, tol=1e-9,
                                     callbacks=[lambda t: watch.see(t.transform(source))])
    except OutOfPatience:
        return watch.outcome(watch.moved, False)
    return watch.outcome(found.transformation.transform(source), True)


PEERS = {"pycpd": pycpd, "low-rank": low_rank, "probreg": probreg}


def best_pose(source, target):
    """The rotation and shift that take rows of the source best to those of the target."""
    a, b = source - source.mean(0), target - target.mean(0)
    u, _, v = np.linalg.svd(b.T @ a)
    turn = u @ np.diag([1.0] * (a.shape[1] - 1) + [np.sign(np.linalg.det(u @ v))]) @ v
    return a @ turn.T + target.mean(0)


def pair(name, points):
    """Source and target, row by row."""
    if name == "fish2d":
        source, target = np.loadtxt(DATA / "fish_source.txt"), np.loadtxt(DATA / "fish_target.txt")
    else:
        source, target = np.loadtxt(DATA / "bunny-x.txt"), np.loadtxt(DATA / "bunny-y.txt")
        rows = np.sort(np.random.default_rng(0).permutation(len(source))[:points])
        source, target = best_pose(source, target)[rows], target[rows]
    return source, target


def error(moved, target):
    squares = ((target - target.mean(0)) ** 2).sum()
    return float(np.sqrt(((moved - target) ** 2).sum() / squares))


def barrow(*arguments):
    command = [PROGRAM, *map(str, arguments)]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def row(name, arguments):
    print(name, file=sys.stderr)
    source, target = pair(name, arguments.points)
    files = [FOLDER / f"{name}-{role}.txt" for role in ("source", "target")]
    for file, cloud in zip(files, (source, target)):
        np.savetxt(file, cloud, fmt="%.17g")
    identity = FOLDER / "identity.txt"
    np.savetxt(identity, np.eye(4))
    ours = barrow(*files, "--init", identity, "--rounds", arguments.rounds)
    found = {"set": name, "points": len(source), "before": error(source, target), "barrow": ours, "peers": {}}
    print(f"  barrow: {ours['seconds']:.3f} s, error {ours['error']:.4f}", file=sys.stderr)
    for peer in arguments.peers:
        outcome = PEERS[peer](source, target, arguments.patience)
        outcome["error"] = error(outcome.pop("moved"), target)
        outcome["ratio"] = outcome["seconds"] / ours["seconds"]
        found["peers"][peer] = outcome
        note = "" if outcome["ended"] else ", given up"
        print(f"  {peer}: {outcome['seconds']:.2f} s, {outcome['iterations']} iterations{note}, error "
              f"{outcome['error']:.4f}, {outcome['ratio']:.1f} times as long", file=sys.stderr)
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--points", type=int, default=5000)
    parser.add_argument("--patience", type=float, default=300.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", nargs="+", default=["fish2d", "bunny"], choices=["fish2d", "bunny"])
    parser.add_argument("--peers", nargs="*", default=list(PEERS), choices=list(PEERS))
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    FOLDER.mkdir(parents=True, exist_ok=True)
    rows = [row(name, arguments) for name in arguments.only]
    whole = barrow(DATA / "bunny-x.txt", DATA / "bunny-y.txt", "--rounds", arguments.rounds)
    print(f"bunny, all points, no pose: {whole['seconds']:.3f} s, error {whole['error']:.4f}", file=sys.stderr)
    rows.append({"set": "bunny, all points, no pose", "barrow": whole})
    text = json.dumps(rows, indent=1)
    if arguments.json:
        arguments.json.write_text(text)
    print(text)


if __name__ == "__main__":
    main()
