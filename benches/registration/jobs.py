"""Jobs of the program `registration`, and its answers.

A pose is 4 x 4, x_target = T x_source, between the clouds as they stand in the files. What a job does to the clouds
before they are registered (the source moved, both scaled and shifted) is undone in the answer, so that errors mean
the same whatever was done.
"""

import hashlib
import json
import subprocess
from functools import lru_cache
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = ROOT / "target/release/registration"
FOLDER = ROOT / "target/benches/registration"
# What changes the question that a peer is asked; options of barrow do not.
ASKED = ("source", "target", "moved", "unit", "offset", "initial", "resampled", "peer")


def jobs_of(row, options=()):
    """The jobs of a row, made by the program."""
    made = ["--made", FOLDER / "made"]
    output = subprocess.run([PROGRAM, "jobs", row, *made, *options], check=True, stdout=subprocess.PIPE, text=True)
    return [json.loads(line) for line in output.stdout.splitlines()]


@lru_cache(maxsize=None)
def digest(path):
    return hashlib.sha1(Path(path).read_bytes()).hexdigest()[:16]


def key_of(job):
    """Short for all that a peer is asked; the clouds count by their content."""
    asked = {name: job.get(name) for name in ASKED}
    asked |= {role: digest(job[role]) for role in ("source", "target")}
    return hashlib.sha1(json.dumps(asked, sort_keys=True).encode()).hexdigest()[:20]


@lru_cache(maxsize=16)
def points_of(path):
    """The finite points of a file, as barrow reads them."""
    if not path.endswith(".npy"):
        array = FOLDER / "arrays" / f"{digest(path)}.npy"
        if not array.exists():
            array.parent.mkdir(parents=True, exist_ok=True)
            subprocess.run([PROGRAM, "array", path, array], check=True)
        path = array
    return np.ascontiguousarray(np.load(path), float)


def similarity(scale=1.0, shift=0.0):
    pose = np.eye(4)
    pose[:3, :3] *= scale
    pose[:3, 3] = shift
    return pose


def applied(pose, points):
    return np.ascontiguousarray(points @ pose[:3, :3].T + pose[:3, 3])


class Question:
    """What a peer is handed: two arrays, a start if there is one, and the scales of its set, set by hand."""

    def __init__(self, job):
        if job.get("resampled"):
            raise ValueError("points drawn anew are not handed to peers")
        unit = job.get("unit") or 1.0
        self.frame = similarity(unit, job.get("offset", 0.0))
        self.moved = np.array(job["moved"]) if job.get("moved") else np.eye(4)
        self.source = applied(self.frame @ self.moved, points_of(job["source"]))
        self.target = applied(self.frame, points_of(job["target"]))
        self.initial = None
        if job.get("initial"):
            self.initial = self.frame @ np.array(job["initial"]) @ np.linalg.inv(self.frame @ self.moved)
        self.by_hand = {name: unit * length for name, length in job["peer"].items()}

    def in_files(self, pose):
        return np.linalg.inv(self.frame) @ pose @ self.frame @ self.moved


def judged(job, pose):
    """The errors of a pose, by the rules of the program."""
    truth, must = np.array(job["truth"]), job["must"]
    scales = [np.cbrt(np.linalg.det(matrix[:3, :3])) for matrix in (pose, truth)]
    turn = (pose[:3, :3] / scales[0]).T @ (truth[:3, :3] / scales[1])
    # By the chord, because the cosine of a small angle has lost its digits.
    chord = np.linalg.norm(turn - np.eye(3)) / np.sqrt(8)
    centroid = points_of(job["source"]).mean(axis=0)
    apart = applied(pose, centroid[None]) - applied(truth, centroid[None])
    error = {
        "rotation_deg": float(np.degrees(2 * np.arcsin(min(chord, 1.0)))),
        "translation": float(np.linalg.norm(pose[:3, 3] - truth[:3, 3])),
        "centroid": float(np.linalg.norm(apart)),
        "scale": float(abs(scales[0] / scales[1] - 1)),
    }
    return error, all(error[name] <= limit for name, limit in must.items() if limit is not None)


class Barrow:
    """The program that registers with barrow, one job at a time."""

    def __init__(self):
        self.process = None

    def answer(self, job):
        if self.process is None:
            command = [PROGRAM, "serve", "--threads", "2"]
            self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.process.stdin.write(json.dumps(job) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            raise SystemExit(f"barrow gave up on {job['id']}")
        return json.loads(answer)


class Kept:
    """Answers written down as they come, so that a run that was cut off goes on, and peers need not answer twice."""

    def __init__(self, path, fresh):
        self.path, self.answers = path, {}
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists() and not fresh:
            for line in path.read_text().splitlines():
                answer = json.loads(line)
                self.answers[answer["key"], answer["contender"], answer["version"]] = answer

    def ask(self, job, contender, version, run):
        key = key_of(job), contender, version
        if key not in self.answers:
            answer = run() | {"key": key[0], "contender": contender, "version": version, "job": job["id"]}
            with self.path.open("a") as lines:
                lines.write(json.dumps(answer) + "\n")
            self.answers[key] = answer
        return self.answers[key]
