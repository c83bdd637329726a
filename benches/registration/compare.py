"""Compares barrow's registration with KISS-Matcher and small_gicp, Open3D, CPD and FilterReg.

    benches/install
    cargo build --release -p barrow-benches --bin registration
    target/peers/bin/python benches/registration/compare.py [--data FOLDER] [--only ROW,ROW] [--draws N] [--pairs PART]
                                                            [--rounds 3] [--peers all|usual|none] [--fresh]
                                                            [--markdown FILE]

Every question is put to the program `registration`, which knows the pairs, the starts and the limits, and prints them
as jobs; peers are asked the same jobs. Reading files is never timed. All have two threads, and on Linux the same two
processors.

Ratios (`total`, `local`) are of runs that took turns, A B A B, so that a machine busy with other things slows both.
Elsewhere peers answer once: their answers are kept in target/benches/registration/peers.jsonl, by what was asked and
by their versions, and `--fresh` asks them again. The answers of barrow stand beside it, in ROW.jsonl.

Peers are told by hand, set by set, what barrow reads off the clouds: `peer` in benches/registration/sets.json.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from statistics import median

THREADS = 2
# Read by the libraries when they are loaded, and by barrow when it starts.
os.environ |= {"OMP_NUM_THREADS": str(THREADS), "RAYON_NUM_THREADS": str(THREADS), "OMP_WAIT_POLICY": "PASSIVE",
               "OPENBLAS_NUM_THREADS": str(THREADS)}
if hasattr(os, "sched_setaffinity"):
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:THREADS])

import numpy as np

from jobs import FOLDER, PROGRAM, ROOT, Barrow, Kept, Question, jobs_of, judged
from peers import PEERS, version_of

GLOBAL = ("KISS-Matcher + small_gicp", "Open3D FPFH + RANSAC + ICP")
FAR = ("CPD + plane", "FilterReg + plane", "small_gicp, far")


class Asking:
    """What was asked on the command line, and what has been answered before."""

    def __init__(self, arguments):
        self.arguments = arguments
        self.kept = Kept(FOLDER / "peers.jsonl", arguments.fresh)

    def options(self, draws=True):
        options = ["--data", arguments_data(self.arguments), "--only", self.arguments.pairs]
        if draws and self.arguments.draws:
            options += ["--draws", str(self.arguments.draws)]
        return options

    def barrow(self, row, *options):
        """The table and the answers of a row."""
        name = "-".join([row, *options]).replace("--", "")
        lines = FOLDER / f"{name}.jsonl"
        lines.unlink(missing_ok=True)
        command = [PROGRAM, row, "--made", FOLDER / "made", "--json", lines, "--threads", str(THREADS)]
        output = subprocess.run([*command, *self.options(), *options], check=True, stdout=subprocess.PIPE, text=True)
        return output.stdout.strip(), [json.loads(line) for line in lines.read_text().splitlines()]

    def peers(self, usual, every=None):
        return {"all": every or usual, "usual": usual, "none": ()}[self.arguments.peers]

    def peer(self, name, job):
        """What a peer answers, kept from before or new."""
        answer = self.kept.ask(job, name, version_of(name), lambda: peer_answer(name, job))
        return answer | {"group": job["group"]} | errors_of(job, answer)


def arguments_data(arguments):
    return str(arguments.data or os.environ.get("BARROW_DATA", "../shared/data"))


def peer_answer(name, job):
    try:
        pose, seconds = PEERS[name][0](question := Question(job))
    except RuntimeError as error:
        return {"pose": None, "seconds": {"total": float("nan")}, "refused": str(error)}
    if pose is None or not np.isfinite(pose).all():
        return {"pose": None, "seconds": seconds}
    print(f"  {name}: {job['id']}, {seconds['total']:.2f} s", file=sys.stderr)
    return {"pose": question.in_files(pose).tolist(), "seconds": seconds}


def errors_of(job, answer):
    if answer["pose"] is None or not job.get("truth"):
        return {"error": None, "right": False}
    error, right = judged(job, np.array(answer["pose"]))
    return {"error": error, "right": right}


def cell(value, digits):
    return "–" if value is None else f"{value:.{digits}}"


def row_table(names, lines):
    yield "| " + " | ".join(names) + " |"
    yield "|" + "---|" * len(names)
    for line in lines:
        yield "| " + " | ".join(map(str, line)) + " |"


def seconds_of(answers):
    times = [answer["seconds"]["total"] for answer in answers]
    return [time for time in times if time == time]


# Rows. Each returns a line of the summary (what was measured, what was wanted, whether it was reached, what peers
# reach) and the lines that explain it.

def share(answers):
    return sum(answer["right"] for answer in answers) / max(len(answers), 1)


def real(asking):
    """All real pairs, no guess, default options."""
    jobs = jobs_of("real", asking.options())
    names = asking.peers(GLOBAL[:1], GLOBAL)
    peers = {name: [asking.peer(name, job) for job in jobs] for name in names}
    _, ours = asking.barrow("real")

    def columns(answer, seconds):
        error = answer.get("error") or {}
        return [cell(error.get("rotation_deg"), "3g"), cell(error.get("translation"), "2e"),
                "yes" if answer["right"] else "**no**", f"{seconds:.2f}"]

    lines = []
    for index, answer in enumerate(ours):
        line = [answer["id"], *columns(answer, answer["seconds"]), answer.get("verdict") or "–"]
        for found in peers.values():
            line += columns(found[index], found[index]["seconds"]["total"])
        lines.append(line)
    heads = ["pair", "rotation [deg]", "translation", "within", "s", "verdict"]
    for name in names:
        heads += [f"{name}: rotation [deg]", "translation", "within", "s"]
    # Without verdicts only refusals count as failed.
    told = all(answer.get("verdict") for answer in ours)
    honest = sum((answer.get("verdict") == "accepted") == answer["right"] for answer in ours)
    right = sum(answer["right"] for answer in ours)
    measured = f"{right} of {len(ours)} within" + (f", {honest} verdicts right" if told else "")
    reached = right == len(ours) and (not told or honest == len(ours))
    reach = "; ".join(
        f"{name}: {sum(a['right'] for a in found)} within, "
        f"{sum(bool(a['error']) and a['error']['rotation_deg'] <= 5 for a in found)} within 5°" for name, found in peers.items())
    return (measured, "all, verdicts right", reached, reach), row_table(heads, lines)


def by_group(asking, row, names, draws=True):
    """Shares and times of barrow and of peers by group."""
    # Peers first: what they answer is kept if the run is cut off.
    jobs = jobs_of(row, asking.options(draws)) if names else []
    peers = {name: [asking.peer(name, job) for job in jobs] for name in names}
    found = {"barrow": asking.barrow(row)[1]} | peers
    groups = defaultdict(dict)
    for name, answers in found.items():
        for answer in answers:
            groups[answer["group"]].setdefault(name, []).append(answer)
    return found, groups


def group_table(found, groups):
    heads = ["what", "answers"]
    for name in found:
        heads += [f"{name}: within", "median s"]
    lines = []
    for group, answers in groups.items():
        line = [group, len(answers["barrow"])]
        for name in found:
            these = answers.get(name, [])
            times = [a["seconds"] for a in these] if name == "barrow" else seconds_of(these)
            line += [f"{100 * share(these):.0f} %", f"{median(times):.2f}" if times else "–"]
        lines.append(line)
    return row_table(heads, lines)


def turned(asking):
    """The same pairs, the source turned and shifted at random."""
    found, groups = by_group(asking, "turned", GLOBAL[:1] if asking.arguments.peers == "all" else ())
    reach = "; ".join(f"{name}: {100 * share(answers):.1f} %" for name, answers in found.items() if name != "barrow")
    ours = share(found["barrow"])
    return (f"{100 * ours:.1f} % of {len(found['barrow'])}", "≥ 99 %", ours >= 0.99, reach), group_table(found, groups)


def units(asking):
    """The same pairs × 1e-3, × 1e3 and + 5e6: how far does the rotation change?"""
    table, answers = asking.barrow("units")
    frames = defaultdict(list)
    for answer in answers:
        frames[answer["group"]].append(answer)
    changes = []
    for found in frames.values():
        poses = [answer.get("T_target_source") for answer in found]
        for pose in poses[1:]:
            changes.append(np.inf if pose is None or poses[0] is None else rotation_between(poses[0], pose))
    same = sum(change < 1e-3 for change in changes)
    return (f"{same} of {len(changes)} below, largest {max(changes):.1e}°", "all < 1e-3°", same == len(changes), ""), [table]


def rotation_between(one, other):
    one, other = (np.array(pose)[:3, :3] / np.cbrt(np.linalg.det(np.array(pose)[:3, :3])) for pose in (one, other))
    chord = np.linalg.norm(one.T @ other - np.eye(3)) / np.sqrt(8)
    return float(np.degrees(2 * np.arcsin(min(chord, 1))))


def total(asking):
    """Time for all pairs, files read; runs that took turns."""
    jobs, barrow, peer = jobs_of("real", asking.options()), Barrow(), GLOBAL[0]
    lines, sums = [], [0.0, 0.0]
    for job in jobs:
        question = Question(job)
        rounds = []
        # The first round reads files and warms caches.
        for _ in range(1 + asking.arguments.rounds):
            ours = barrow.answer(job)["seconds"]
            rounds.append((ours, PEERS[peer][0](question)[1]["total"]))
        ours, theirs = (median(times) for times in zip(*rounds[1:]))
        print(f"  {job['id']}: {ours:.2f} s, {peer} {theirs:.2f} s", file=sys.stderr)
        sums = [sums[0] + ours, sums[1] + theirs]
        lines.append([job["id"], f"{ours:.3f}", f"{theirs:.3f}", f"{ours / theirs:.2f}"])
    ratio = sums[0] / sums[1]
    measured = f"{ratio:.2f} ({sums[0]:.1f} s against {sums[1]:.1f} s)"
    return (measured, f"≤ 0.7 × {peer}", ratio <= 0.7, ""), row_table(["pair", "barrow [s]", f"{peer} [s]", "ratio"], lines)


def refined(asking):
    """Errors after refinement from beside the truth."""
    jobs, name = jobs_of("refined", asking.options()), "small_gicp"
    theirs = [asking.peer(name, job) for job in jobs]
    _, ours = asking.barrow("refined")
    lines, within, errors = [], 0, defaultdict(list)
    for mine, other in zip(ours, theirs):
        line, ratios = [mine["id"]], []
        for what in ("rotation_deg", "centroid"):
            one, two = ((answer.get("error") or {}).get(what, np.inf) for answer in (mine, other))
            ratios.append(one / two)
            errors[what].append((one, two))
            line += [f"{one:.3g}", f"{two:.3g}", f"{ratios[-1]:.2f}"]
        within += max(ratios) <= 1.2
        lines.append(line)
    medians = {what: [median(values) for values in zip(*pairs)] for what, pairs in errors.items()}
    better = all(one <= two for one, two in medians.values())
    heads = ["pair", "rotation [deg]", f"{name}'s", "ratio", "at the centroid", f"{name}'s", "ratio"]
    measured = "; ".join(f"median {what} {one:.3g} to {two:.3g}" for what, (one, two) in medians.items())
    measured += f"; {within} of {len(ours)} pairs within 1.2 ×"
    return (measured, f"medians ≤ {name}'s, each ≤ 1.2 ×", better and within == len(ours), ""), row_table(heads, lines)


def local(asking):
    """Refinement alone: same start, same thinned clouds; runs that took turns. Preparation is normals, covariances, trees."""
    jobs, barrow, name = jobs_of("local", asking.options()), Barrow(), "small_gicp, thinned"
    lines, whole, alone = [], [], []
    for job in jobs:
        question, rounds = Question(job), []
        for _ in range(1 + 2 * asking.arguments.rounds):
            mine = barrow.answer(job)
            pose, seconds = PEERS[name][0](question)
            aligning = sum(stage[2] for stage in mine["stages"])
            rounds.append((mine["seconds"], aligning, seconds["total"], seconds["alignment"]))
        ours, ours_alone, theirs, theirs_alone = (median(times) for times in zip(*rounds[1:]))
        whole.append(ours / theirs)
        alone.append(ours_alone / theirs_alone)
        error, _ = judged(job, question.in_files(np.array(pose)))
        mine = mine.get("error") or {}
        lines.append([job["id"], f"{1e3 * ours:.1f}", f"{1e3 * theirs:.1f}", f"{whole[-1]:.2f}", f"{1e3 * ours_alone:.1f}",
                      f"{1e3 * theirs_alone:.1f}", f"{alone[-1]:.2f}", cell(mine.get("rotation_deg"), "3g"), f"{error['rotation_deg']:.3g}"])
        print("  " + " ".join(lines[-1]), file=sys.stderr)
    heads = ["pair", "with preparation [ms]", "small_gicp's", "ratio", "alignment alone [ms]", "small_gicp's", "ratio",
             "rotation error [deg]", "small_gicp's"]
    measured = f"median ratio {median(whole):.2f} with preparation, {median(alone):.2f} without"
    return (measured, "≤ 0.8 × small_gicp", median(whole) <= 0.8, ""), row_table(heads, lines)


def basin(asking):
    """Starts that are 30 to 120 degrees off: local transport alone."""
    found, groups = by_group(asking, "basin", asking.peers(FAR))
    wanted, lines, reached = {60: 0.95, 90: 0.9, 120: 0.5}, [], True
    by_angle = defaultdict(lambda: defaultdict(list))
    for group, answers in groups.items():
        for name, these in answers.items():
            by_angle[int(group.split("from ")[1].rstrip("°"))][name] += these
    for degrees, least in wanted.items():
        each = [share(a["barrow"]) for g, a in groups.items() if g.endswith(f"from {degrees}°")]
        reached &= bool(each) and min(each) >= least
    tell = lambda name: ", ".join(f"{degrees}° {100 * share(answers[name]):.0f} %" for degrees, answers in by_angle.items() if name in answers)
    times = {name: median([a["seconds"] for a in answers] if name == "barrow" else seconds_of(answers)) for name, answers in found.items() if answers}
    fastest = min((times[name] for name in FAR[:2] if name in times), default=np.inf)
    faster = times["barrow"] <= fastest / 3
    reach = "; ".join(f"{name}: {tell(name)}, {times[name]:.2f} s" for name in found if name in times and name != "barrow")
    _, gicp = asking.barrow("basin", "--method", "gicp")
    groups_of_gicp = defaultdict(list)
    for answer in gicp:
        groups_of_gicp[answer["group"]].append(answer)
    found = {**found, "barrow, gicp": gicp}
    for group, answers in groups_of_gicp.items():
        groups[group]["barrow, gicp"] = [a | {"seconds": {"total": a["seconds"]}} for a in answers]
    measured = f"{tell('barrow')}, {times['barrow']:.2f} s"
    return ((measured, "each pair 60° ≥ 95 %, 90° ≥ 90 %, 120° ≥ 50 %, time < ⅓ of CPD's and FilterReg's", reached and faster, reach),
            group_table(found, groups))


def overlap(asking):
    """Made pairs of every overlap, unknown pose."""
    found, groups = by_group(asking, "overlap", asking.peers(GLOBAL[:1]))
    of_three_tenths = {name: [a for group, answers in groups.items() if group.endswith("overlap 0.3") for a in answers.get(name, [])] for name in found}
    ours = share(of_three_tenths["barrow"])
    reach = "; ".join(f"{name}: {100 * share(answers):.0f} % at 0.3, {100 * share(found[name]):.0f} % of all"
                      for name, answers in of_three_tenths.items() if name != "barrow")
    measured = f"{100 * ours:.0f} % at 0.3 of {len(of_three_tenths['barrow'])}, {100 * share(found['barrow']):.0f} % of all {len(found['barrow'])}"
    return (measured, "≥ 95 % at 0.3", ours >= 0.95, reach), group_table(found, groups)


def unrelated(asking):
    """Clouds that have nothing to do with each other."""
    table, answers = asking.barrow("unrelated")
    told = [answer for answer in answers if answer.get("verdict")]
    accepted = sum(answer.get("verdict") == "accepted" for answer in answers)
    measured = f"{accepted} of {len(answers)} accepted" if len(told) == len(answers) else "no verdict"
    return (measured, "≤ 1 % accepted", len(told) == len(answers) and accepted <= 0.01 * len(answers), ""), [table]


def certainty(asking):
    """Is the error as large as the covariance says?"""
    table, answers = asking.barrow("certainty")
    groups = defaultdict(list)
    for answer in answers:
        groups[answer["group"]].append(answer.get("nees"))
    means = {group: np.mean([np.inf if value is None else value for value in values]) for group, values in groups.items()}
    measured = ", ".join(f"{group} {mean:.1f}" for group, mean in means.items())
    return (measured, "mean 3 to 9 (right: 6)", all(3 <= mean <= 9 for mean in means.values()), ""), [table]


ROWS = {row.__name__: row for row in (real, turned, units, total, refined, local, basin, overlap, unrelated, certainty)}
# Rows with programs of their own.
OTHERS = ("odometry", "deformation")


def machine():
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        model = next(line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        model = platform.processor() or platform.machine()
    return f"{model}, {os.cpu_count()} cores"


def other(name, arguments):
    """The output of a program beside this one, if there is one."""
    script = Path(__file__).with_name(f"{name}.py")
    if not script.exists():
        return None
    environment = os.environ | {"BARROW_DATA": arguments_data(arguments)}
    return subprocess.run([sys.executable, script], stdout=subprocess.PIPE, text=True, env=environment).stdout.strip()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, help="the folder of pairs.json; BARROW_DATA otherwise")
    parser.add_argument("--only", help=f"rows, of {','.join((*ROWS, *OTHERS))}")
    parser.add_argument("--draws", type=int, help="draws of each row that draws")
    parser.add_argument("--pairs", default="", help="pairs whose name contains this")
    parser.add_argument("--rounds", type=int, default=3, help="of what takes turns; refinements take twice as many")
    parser.add_argument("--peers", choices=("all", "usual", "none"), default="usual")
    parser.add_argument("--fresh", action="store_true", help="ask peers again")
    parser.add_argument("--markdown", type=Path)
    arguments = parser.parse_args()
    rows = arguments.only.split(",") if arguments.only else [*ROWS, *OTHERS]
    if unknown := set(rows) - {*ROWS, *OTHERS}:
        parser.error(f"no row {', '.join(unknown)}")

    asking, summary, details = Asking(arguments), [], []
    for name in rows:
        print(name, file=sys.stderr)
        if name in OTHERS:
            output = other(name, arguments)
            details += ["", f"## {name}", "", output] if output else []
            continue
        (measured, wanted, reached, peers), table = ROWS[name](asking)
        summary.append([ROWS[name].__doc__.splitlines()[0].rstrip("."), measured, wanted, "yes" if reached else "**no**", peers])
        details += ["", f"## {name}", "", ROWS[name].__doc__, "", *table]
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True).stdout.strip()
    versions = sorted({text for name in PEERS for text in version_of(name).split(", ")})
    lines = [f"{machine()}; {THREADS} threads; barrow {commit}, {', '.join(versions)}.", ""]
    lines += [*row_table(["work", "barrow", "wanted", "reached", "peers"], summary), *details]
    text = "\n".join(lines) + "\n"
    print(text, end="")
    if arguments.markdown:
        arguments.markdown.write_text(text)


if __name__ == "__main__":
    main()
