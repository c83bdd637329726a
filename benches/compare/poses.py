"""Registration of real pairs, smooth deformations, and odometry.

The times are what each says of its own work on clouds that are read, which leaves out the conversion of arrays.
"""

import json
import statistics
import sys
from pathlib import Path

import numpy as np

from contender import begin_anew, megabytes

sys.path.append(str(Path(__file__).resolve().parents[1] / "registration"))


def answers(found):
    return found


def told(results):
    """How many of the pairs are within their limits, and how far off those are."""
    right = [error for error, within in results if within]
    off = {name: statistics.median(error[name] for error in right) for name in ("rotation_deg", "centroid")} if right else {}
    return {"right": len(right), "of": len(results)} | off


def all_pairs(register):
    """Every pair, one after the other."""
    def contender(request):
        from jobs import Question, judged

        jobs = [json.loads(line) for line in Path(request["source"]).read_text().splitlines()]
        # Reads the files, and warms up what a library does on its first call.
        register(Question(jobs[0]))
        for job in jobs:
            Question(job)

        def call():
            total, results = 0.0, []
            for job in jobs:
                question = Question(job)
                pose, seconds = register(question)
                total += seconds["total"]
                found = pose is not None and np.isfinite(pose).all()
                results.append(judged(job, question.in_files(np.asarray(pose))) if found else (None, False))
            return {"seconds": total} | told(results)
        return call, answers
    return contender


def peer(name):
    def contender(request):
        from peers import PEERS

        return all_pairs(PEERS[name][0])(request)
    return contender


def barrow(request):
    from jobs import Barrow, judged

    jobs = [json.loads(line) for line in Path(request["source"]).read_text().splitlines()]
    program = Barrow()
    program.answer(jobs[0])
    process = program.process.pid

    def call():
        before = begin_anew(process)
        found = [program.answer(job) for job in jobs]
        results = [judged(job, np.array(answer["T_target_source"])) if answer["T_target_source"] else (None, False)
                   for job, answer in zip(jobs, found)]
        verdicts = sum((answer["verdict"] == "accepted") == within for answer, (_, within) in zip(found, results))
        return {"seconds": sum(answer["seconds"] for answer in found), "verdicts": verdicts,
                "memory_mb": megabytes("VmHWM", process) - before} | told(results)
    return call, answers


def barrow_deforms(request):
    import deformation

    def call():
        found = deformation.barrow(request["source"], request["target"], "--init", request["init"], "--rounds", 3)
        return {"seconds": found["seconds"], "memory_mb": found["peak_rss_mb"], "error": found["error"]}
    return call, answers


def pycpd(**options):
    def contender(request):
        import deformation

        source, target = np.loadtxt(request["source"]), np.loadtxt(request["target"])

        def call():
            found = deformation.pycpd(source, target, request["limit"], **options)
            return {"seconds": found["seconds"], "error": deformation.error(found["moved"], target), "ended": found["ended"]}
        return call, answers
    return contender


def driven(contender):
    """500 scans of a street, stopping for each."""
    def setup(request):
        import odometry

        folder = Path(request["source"])
        if contender == "barrow":
            def call():
                seconds, _ = odometry.barrow(folder, "still")
                return seconds, odometry.read(folder / "barrow.txt")
        else:
            counts = np.cumsum(json.loads((folder / "counts.json").read_text()))
            points = np.fromfile(folder / "points.f64").reshape(-1, 4)[:, :3]
            scans = [np.ascontiguousarray(scan) for scan in np.split(points, counts)[:-1]]

            def call():
                poses, seconds = odometry.kiss(scans, [np.zeros(0)] * len(scans), "still")
                return seconds, poses
        truth = odometry.read(folder / "start.txt")

        def answer(found):
            # barrow's memory would have the scans in it, which its program reads, and KISS-ICP's would not.
            return {"seconds": sum(found[0]), "memory_mb": None, "drift": odometry.errors(found[1], truth)["drift_percent"]}
        return call, answer
    return setup


CONTENDERS = {
    "register": {
        "barrow": barrow,
        "KISS-Matcher + small_gicp": peer("KISS-Matcher + small_gicp"),
        "Open3D FPFH + RANSAC + ICP": peer("Open3D FPFH + RANSAC + ICP"),
    },
    "deform": {"barrow": barrow_deforms, "pycpd": pycpd(), "pycpd, low rank": pycpd(low_rank=True, num_eig=100)},
    "odometry": {"barrow": driven("barrow"), "KISS-ICP": driven("KISS-ICP")},
}
