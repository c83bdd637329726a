"""Compares barrow's Sinkhorn divergence with GeomLoss on the CPU.

    python3 -m venv target/peers-transport
    target/peers-transport/bin/pip install geomloss==0.3.1 pykeops==2.3 torch
    cargo build --release -p barrow-benches --bin sinkhorn
    target/peers-transport/bin/python benches/transport/sinkhorn.py [--pairs cube sphere-torus street]
        [--points 100000] [--blur-spacings 2] [--backend online|multiscale] [--peer-scaling 0.5] [--reference]
        [--peer-limit 600] [--json FILE]

Both have two threads and the same arrays, the cost |x - y|^2 and epsilon = 2 blur^2. GeomLoss works with half of
the cost and epsilon = blur^2; its value is doubled. The first, compiling call of GeomLoss is not timed, nor is the making
of clouds. The reference is barrow's own at a tolerance of 1e-8; with `--reference` it is computed, and both errors are
shown. A peer that takes longer than `--peer-limit` seconds is stopped and shown with that time as a lower bound.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

THREADS = 2
os.environ |= {"OMP_NUM_THREADS": str(THREADS), "RAYON_NUM_THREADS": str(THREADS), "OMP_WAIT_POLICY": "PASSIVE"}

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = ROOT / "target/release/sinkhorn"


def barrow(pair, points, *more):
    command = [PROGRAM, "--pair", pair, "--points", str(points), "--threads", str(THREADS), *map(str, more)]
    answer = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return json.loads(answer) if answer.strip() else None


def geomloss(folder, blur, backend, scaling):
    """Runs in a process of its own, so that it can be stopped and its memory seen."""
    import resource

    import numpy as np
    import torch
    from geomloss import SamplesLoss

    torch.set_num_threads(THREADS)
    source, target = (torch.as_tensor(np.load(f"{folder}/{name}.npy"), dtype=torch.float32) for name in ("source", "target"))
    loss = SamplesLoss("sinkhorn", p=2, blur=blur, scaling=scaling, debias=True, backend=backend)
    loss(source[:200].contiguous(), target[:200].contiguous())
    start = time.perf_counter()
    value = 2 * float(loss(source, target))
    seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6
    print(json.dumps({"seconds": seconds, "value": value, "peak_rss_mb": peak}))


def peer(folder, blur, options):
    command = [sys.executable, __file__, "--peer", folder, str(blur), options.backend, str(options.peer_scaling)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=options.peer_limit)
    except subprocess.TimeoutExpired:
        return {"seconds": options.peer_limit, "value": None, "stopped": True}
    if done.returncode != 0:
        return {"seconds": None, "value": None, "error": done.stderr.strip().splitlines()[-1:]}
    return json.loads(done.stdout.strip().splitlines()[-1])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", nargs="+", default=["cube", "sphere-torus", "street"])
    parser.add_argument("--points", type=int, default=100_000)
    parser.add_argument("--blur-spacings", type=float, default=2.0)
    parser.add_argument("--tolerance", type=float, default=1e-3)
    parser.add_argument("--backend", default="multiscale", choices=["tensorized", "online", "multiscale"])
    parser.add_argument("--peer-scaling", type=float, default=0.5)
    parser.add_argument("--peer-limit", type=float, default=600)
    parser.add_argument("--reference", action="store_true")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    rows = []
    for pair in options.pairs:
        blur = ["--blur-spacings", options.blur_spacings]
        with tempfile.TemporaryDirectory() as folder:
            barrow(pair, options.points, "--save", folder)
            ours = barrow(pair, options.points, *blur, "--tolerance", options.tolerance)
            theirs = peer(folder, ours["blur"], options)
        row = {"pair": pair, "points": options.points, "blur": ours["blur"], "barrow": ours, "geomloss": theirs}
        if theirs["seconds"]:
            row["ratio"] = theirs["seconds"] / ours["seconds"]
        if options.reference:
            exact = barrow(pair, options.points, *blur, "--tolerance", 1e-8, "--iterations", 20000)
            row["reference"] = exact["value"]
            for name in ("barrow", "geomloss"):
                if row[name]["value"] is not None:
                    row[name]["relative_error"] = row[name]["value"] / exact["value"] - 1
        rows.append(row)
        print(json.dumps(row), flush=True)
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--peer"]:
        geomloss(sys.argv[2], float(sys.argv[3]), sys.argv[4], float(sys.argv[5]))
    else:
        main()
