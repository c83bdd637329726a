"""One contender, one job, in a process of its own: what is imported, held and warmed up by one does not touch another.

    contender.py JOB NAME REQUEST

prints a line of JSON: seconds (the median of as many calls as fit the request's `patience`, five at most), the memory of a
call beyond what was held before it, and what came out. Loading, converting to what a library calls a cloud and a first
call on few points, where a library compiles something then, are not timed.
"""

import json
import os
import statistics
import sys
import time
from pathlib import Path

THREADS = 2
CALLS = 5
# Read by the libraries when they are loaded, and by barrow when it starts.
os.environ |= {"OMP_NUM_THREADS": str(THREADS), "OPENBLAS_NUM_THREADS": str(THREADS), "RAYON_NUM_THREADS": str(THREADS),
               "OMP_WAIT_POLICY": "PASSIVE"}
# `import ot` loads every other library of arrays that it finds, which would count as its memory.
os.environ |= {f"POT_BACKEND_DISABLE_{name}": "1" for name in ("PYTORCH", "TENSORFLOW", "JAX", "CUPY")}


def megabytes(name, process="self"):
    """A line of what Linux says of a process; NaN elsewhere."""
    try:
        lines = Path(f"/proc/{process}/status").read_text().splitlines()
    except OSError:
        return float("nan")
    return next(int(line.split()[1]) * 1024 / 1e6 for line in lines if line.startswith(f"{name}:"))


def begin_anew(process="self"):
    """Forgets the high-water mark of memory, and returns what is held now."""
    try:
        Path(f"/proc/{process}/clear_refs").write_text("5")
    except OSError:
        return float("nan")
    return megabytes("VmRSS", process)


def measured(call, answer_of, patience):
    seconds, before = [], begin_anew()
    start = time.perf_counter()
    while len(seconds) < CALLS and (not seconds or time.perf_counter() - start < patience):
        called = time.perf_counter()
        found = call()
        seconds.append(time.perf_counter() - called)
    memory = megabytes("VmHWM") - before
    return {"seconds": statistics.median(seconds), "memory_mb": memory} | answer_of(found)


def main():
    job, name, request = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
    from contenders import CONTENDERS

    call, answer_of = CONTENDERS[job][name](request)
    print(json.dumps(measured(call, answer_of, request.get("patience", 0))))


if __name__ == "__main__":
    main()
