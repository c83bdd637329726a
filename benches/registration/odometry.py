"""Compares barrow's odometry with KISS-ICP: drift and time on procedural drives with exact poses.

    benches/install
    cargo build --release -p barrow-benches --bin odometry
    target/peers/bin/python benches/registration/odometry.py [--scans 500] [--points 30000] [--seeds 0] [--rounds 1]
                                                             [--json FILE] [--markdown FILE]

Every seed is a street driven through twice: `still` stops for every scan, `moving` goes on while it scans, as a LiDAR on
a car does. Both contenders get the same points, in `moving` with their times, read before the clock runs; both have
two threads, and on Linux the same two processors. They take turns, A B A B, and what is reported is the ratio of the
medians over all scans.

Both have their defaults. Where points have times, the pose of KISS-ICP is that of the end of the scan and barrow's that
of its start: each is judged by the true poses of that moment. Drift is that of the KITTI benchmark (per stretch of 100 to
800 m), `ate` the root mean square distance after rigid alignment, `rpe` that of the motions from scan to scan.
"""

import argparse
import json
import os
import statistics
import subprocess
import time
from pathlib import Path

THREADS = 2
# Read by the libraries when they are loaded, and by barrow when it starts.
os.environ |= {"OMP_NUM_THREADS": str(THREADS), "RAYON_NUM_THREADS": str(THREADS)}
if hasattr(os, "sched_setaffinity"):
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:THREADS])

import numpy as np
from kiss_icp.config.parser import load_config
from kiss_icp.kiss_icp import KissICP

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = ROOT / "target/release/odometry"
FOLDER = ROOT / "target/benches/odometry"
LENGTHS = [100.0 * i for i in range(1, 9)]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--scans", type=int, default=500)
    parser.add_argument("--points", type=int, default=30_000)
    parser.add_argument("--seeds", type=int, nargs="*", default=[0])
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--markdown", type=Path)
    arguments = parser.parse_args()
    rows = []
    for seed in arguments.seeds:
        for kind in ("still", "moving"):
            folder = FOLDER / f"{kind}-{arguments.scans}-{arguments.points}-{seed}"
            if not (folder / "end.txt").exists():
                make(folder, arguments, seed, kind)
            rows.append(compare(folder, kind, seed, arguments.rounds))
    text = table(rows)
    print(text)
    if arguments.json:
        arguments.json.write_text(json.dumps(rows, indent=1))
    if arguments.markdown:
        arguments.markdown.write_text(text + "\n")


def make(folder, arguments, seed, kind):
    command = [PROGRAM, "make", folder, "--scans", arguments.scans, "--points", arguments.points, "--seed", seed]
    subprocess.run([str(word) for word in command] + ["--distorted"] * (kind == "moving"), check=True)


def compare(folder, kind, seed, rounds):
    counts = json.loads((folder / "counts.json").read_text())
    data = np.fromfile(folder / "points.f64").reshape(-1, 4)
    ends = np.cumsum(counts)
    scans = [data[end - count : end] for end, count in zip(ends, counts)]
    clouds = [np.ascontiguousarray(scan[:, :3]) for scan in scans]
    shares = [share(scan[:, 3]) if kind == "moving" else np.zeros(0) for scan in scans]
    seconds = {"barrow": [], "kiss": []}
    for _ in range(rounds):
        taken, lost = barrow(folder, kind)
        seconds["barrow"] += taken
        poses, taken = kiss(clouds, shares, kind)
        seconds["kiss"] += taken
    truth = {"barrow": read(folder / "start.txt"), "kiss": read(folder / "end.txt")}
    found = {"barrow": read(folder / "barrow.txt"), "kiss": poses}
    row = {"kind": kind, "seed": seed, "scans": len(scans), "points": int(np.median(counts)), "lost": lost}
    for name in ("barrow", "kiss"):
        row[name] = errors(found[name], truth[name]) | {
            "median_ms": 1e3 * statistics.median(seconds[name]),
            "mean_ms": 1e3 * statistics.fmean(seconds[name]),
        }
    row["time_ratio"] = row["barrow"]["median_ms"] / row["kiss"]["median_ms"]
    return row


def share(times):
    return (times - times.min()) / (times.max() - times.min())


def barrow(folder, kind):
    command = [str(PROGRAM), "run", str(folder)] + ["--no-deskew"] * (kind == "still")
    answer = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    return answer["seconds"], answer["lost"]


def kiss(clouds, shares, kind):
    config = load_config(None)
    config.registration.max_num_threads = THREADS
    config.data.deskew = kind == "moving"
    odometry, poses, seconds = KissICP(config), [], []
    for cloud, times in zip(clouds, shares):
        start = time.perf_counter()
        odometry.register_frame(cloud, times)
        seconds.append(time.perf_counter() - start)
        poses.append(odometry.last_pose.copy())
    return np.array(poses), seconds


def read(path):
    rows = np.loadtxt(path).reshape(-1, 3, 4)
    poses = np.tile(np.eye(4), (len(rows), 1, 1))
    poses[:, :3] = rows
    return poses


def errors(estimate, truth):
    way = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(truth[:, :3, 3], axis=0), axis=1))])
    shifts, turns = [], []
    for first in range(0, len(truth), 10):
        for length in LENGTHS:
            last = np.searchsorted(way, way[first] + length, side="right")
            if last < len(truth):
                shift, turn = motion_error(estimate, truth, first, last)
                shifts.append(shift / length)
                turns.append(turn / length)
    steps = [motion_error(estimate, truth, at, at + 1)[0] for at in range(len(truth) - 1)]
    return {
        "drift_percent": 100 * float(np.mean(shifts)),
        "drift_deg_per_100m": 100 * float(np.degrees(np.mean(turns))),
        "ate": absolute(estimate[:, :3, 3], truth[:, :3, 3]),
        "rpe": float(np.sqrt(np.mean(np.square(steps)))),
    }


def motion_error(estimate, truth, first, last):
    def motion(poses):
        return np.linalg.inv(poses[first]) @ poses[last]

    error = np.linalg.inv(motion(truth)) @ motion(estimate)
    sine = 0.5 * np.linalg.norm(error[[2, 0, 1], [1, 2, 0]] - error[[1, 2, 0], [2, 0, 1]])
    return np.linalg.norm(error[:3, 3]), np.arctan2(sine, 0.5 * (np.trace(error[:3, :3]) - 1))


def absolute(estimate, truth):
    from_estimate, from_truth = estimate - estimate.mean(0), truth - truth.mean(0)
    u, _, v = np.linalg.svd(from_truth.T @ from_estimate)
    rotation = u @ np.diag([1, 1, np.linalg.det(u @ v)]) @ v
    return float(np.sqrt(np.mean(np.sum((from_truth - from_estimate @ rotation.T) ** 2, axis=1))))


def table(rows):
    lines = [
        "| drive | contender | drift % | drift °/100 m | ATE m | RPE m | ms a scan | times as fast |",
        "|---|---|---:|---:|---:|---:|---:|---:|",
    ]
    for row in rows:
        for name in ("barrow", "kiss"):
            of = row[name]
            faster = f"{1 / row['time_ratio']:.1f}" if name == "barrow" else ""
            lines.append(
                f"| {row['kind']}, seed {row['seed']} | {name} | {of['drift_percent']:.4f} | "
                f"{of['drift_deg_per_100m']:.4f} | {of['ate']:.4f} | {of['rpe']:.4f} | {of['median_ms']:.1f} | {faster} |"
            )
    return "\n".join(lines)


if __name__ == "__main__":
    main()
