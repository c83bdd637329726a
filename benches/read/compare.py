"""Reads the same files with barrow, Open3D and laspy, in turn, and prints the ratios of the medians.

    python3 -m venv target/peers && target/peers/bin/pip install -r benches/read/requirements.txt
    cargo build --release -p barrow-benches --bin read
    target/peers/bin/python benches/read/compare.py [--rounds 9] [--json FILE] [--only NAME]

Every round reads every file once with each library, A B A B, so that a machine busy with other things slows both.
Where other programs keep the cores busy, a reader with many threads gets less than it would alone; the processor
times do not depend on that so much, and are printed beside.
The number of points and the sum of all coordinates must agree, which shows that both read everything.
A peer has read when it holds the coordinates as 64-bit floats: `read_point_cloud` of Open3D ends there,
`laspy.read` needs `.xyz` after it.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

import laspy
import numpy as np
import open3d as o3d

ROOT = Path(__file__).resolve().parents[2]


def open3d(path):
    return np.asarray(o3d.io.read_point_cloud(str(path)).points)


def laspy_lazrs(path):
    return laspy.read(path).xyz


# File, peer, and how many times as fast barrow is meant to be.
CASES = [
    ("bare.ply", open3d, 4.0),
    ("full.ply", open3d, 4.0),
    ("bare.pcd", open3d, 4.0),
    ("full.pcd", open3d, 4.0),
    ("survey.las", laspy_lazrs, 1.5),
    ("survey.laz", laspy_lazrs, 1.5),
    ("survey-7.laz", laspy_lazrs, 1.5),
    ("bare-ascii.ply", open3d, 5.0),
    ("digits-ascii.ply", open3d, 5.0),
    ("full-ascii.ply", open3d, 5.0),
    ("bare-ascii.pcd", open3d, 5.0),
    ("digits-ascii.pcd", open3d, 5.0),
    ("bare.xyz", open3d, 5.0),
    ("digits.xyz", open3d, 5.0),
]


class Barrow:
    """The program that reads with barrow, one path at a time."""

    def __init__(self, program):
        self.process = subprocess.Popen(
            [program, "serve"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def read(self, path):
        cpu = self.cpu()
        self.process.stdin.write(f"{path}\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        return answer | {"cpu": self.cpu() - cpu}

    def cpu(self):
        """Processor seconds so far, in steps of the kernel's clock; nan where there is no /proc."""
        try:
            fields = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")")[1].split()
        except OSError:
            return float("nan")
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def peer_read(peer, path):
    start, cpu = time.perf_counter(), time.process_time()
    points = peer(path)
    seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
    return {"seconds": seconds, "cpu": cpu, "points": len(points), "sum": float(points.sum())}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--points", type=int, default=1_000_000)
    parser.add_argument("--folder", type=Path, default=ROOT / "target/benches/read")
    parser.add_argument("--program", default=str(ROOT / "target/release/read"))
    parser.add_argument("--only", default="")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    o3d.utility.set_verbosity_level(o3d.utility.VerbosityLevel.Error)

    folder = arguments.folder
    if not (folder / "survey-7.laz").exists():
        subprocess.run([arguments.program, "make", folder, str(arguments.points)], check=True)
        # Point format 7, whose layers a reader may choose from; laspy makes it from our file.
        laspy.convert(laspy.read(folder / "survey.las"), point_format_id=7).write(folder / "survey-7.laz")

    barrow = Barrow(arguments.program)
    cases = [case for case in CASES if arguments.only in case[0]]
    seconds = {name: ([], []) for name, _, _ in cases}
    cpu = {name: ([], []) for name, _, _ in cases}
    for round_number in range(arguments.rounds + 1):
        for name, peer, _ in cases:
            ours, theirs = barrow.read(folder / name), peer_read(peer, folder / name)
            if ours["points"] != theirs["points"] or not np.isclose(ours["sum"], theirs["sum"], rtol=1e-9):
                sys.exit(f"{name}: barrow read {ours}, {peer.__name__} {theirs}")
            # The first round warms the page cache and the allocators.
            if round_number > 0:
                seconds[name][0].append(ours["seconds"])
                seconds[name][1].append(theirs["seconds"])
                cpu[name][0].append(ours["cpu"])
                cpu[name][1].append(theirs["cpu"])

    rows = []
    print("| file | MB | peer | peer [ms] | barrow [ms] | ratio of medians | wanted | peer cpu [ms] | barrow cpu [ms] |")
    print("|---|---:|---|---:|---:|---:|---:|---:|---:|")
    for name, peer, wanted in cases:
        ours, theirs = (statistics.median(times) for times in seconds[name])
        our_cpu, their_cpu = (statistics.mean(times) for times in cpu[name])
        size = (folder / name).stat().st_size / 1e6
        row = {
            "file": name,
            "megabytes": size,
            "peer": peer.__name__,
            "peer_seconds": theirs,
            "barrow_seconds": ours,
            "ratio": theirs / ours,
            "wanted": wanted,
            "peer_cpu_seconds": their_cpu,
            "barrow_cpu_seconds": our_cpu,
            "rounds": arguments.rounds,
        }
        rows.append(row)
        print(
            f"| {name} | {size:.1f} | {row['peer']} | {1e3 * theirs:.1f} | {1e3 * ours:.1f} "
            f"| {row['ratio']:.2f} | {wanted} | {1e3 * their_cpu:.0f} | {1e3 * our_cpu:.0f} |"
        )
    if arguments.json:
        arguments.json.write_text(json.dumps(rows, indent=2) + "\n")


if __name__ == "__main__":
    main()
