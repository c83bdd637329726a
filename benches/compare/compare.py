"""Runs barrow and the libraries that people use side by side, and writes the table "Side by side" of benches/RESULTS.md.

    benches/install
    cargo build --release -p barrow-benches --bins
    BARROW_DATA=FOLDER target/peers/bin/python benches/compare/compare.py [--rounds 3] [--only PART] [--limit 200]
                                                                          [--fresh] [--no-write]

Every round runs each contender of a row once, in turn, each in a process of its own and with two threads, on Linux on the
same two processors: a machine busy with other things slows all. In its process a contender repeats its call for two
seconds, five times at most. Times are medians, memory is what a call holds beyond what was held before it. Who takes longer
than 20 s runs once; who takes longer than `--limit` is stopped, and its time is a lower bound.

What is found is held against the exact answer: that of a library that searches in double precision, that of the definition
in double precision, or barrow's own with an interval around it that is proven or a tolerance a hundred times finer, as
each row says. Real scans are those of `pairs.json` in the folder that BARROW_DATA names; without it their rows are left out.

`--only` runs the rows whose titles contain a part; the others stay as they were measured before, by the same commit or
not. All answers are kept in target/benches/compare, and exact ones that take long are asked once; `--fresh` asks them again.
"""

import argparse
import hashlib
import json
import os
import platform
import statistics
import subprocess
import sys
from datetime import date
from importlib.metadata import version
from pathlib import Path

from questions import FOLDER, PROGRAM, ROOT, ROWS

THREADS = 2
if hasattr(os, "sched_setaffinity"):
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:THREADS])
os.environ |= {"RAYON_NUM_THREADS": str(THREADS)}

HERE = Path(__file__).resolve().parent
RESULTS = ROOT / "benches/RESULTS.md"
BEGIN, END = "<!-- compare: begin -->", "<!-- compare: end -->"
# A process repeats its call for so long, and is not run again if it took longer than that [s].
REPEATING, PATIENCE = 2.0, 20.0
# Differences that are rounding of double precision.
ROUNDING = 1e-9


# Asking.

def command(job, name, request):
    if name == "barrow" and job not in ("register", "deform", "odometry"):
        return [PROGRAM, json.dumps(request | {"job": job})]
    return [sys.executable, HERE / "contender.py", job, name, json.dumps(request)]


def ask(job, name, request, limit):
    """What a contender answers: seconds and more, or why not."""
    request = {key: value for key, value in request.items() if value is not None} | {"patience": REPEATING}
    try:
        done = subprocess.run(command(job, name, request), capture_output=True, text=True, timeout=limit)
    except subprocess.TimeoutExpired:
        return {"stopped": limit}
    lines = done.stdout.strip().splitlines()
    if done.returncode != 0 or not lines:
        said = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
        return {"failed": said.replace(str(ROOT), ".")[:200]}
    return json.loads(lines[-1])


def exact_value(row, request, answers, fresh):
    if row.exact is None:
        return None
    if isinstance(row.exact, str) and row.exact in answers:
        return answers[row.exact].get("value")
    name, more = ("barrow", row.ours | row.exact) if isinstance(row.exact, dict) else (row.exact, {})
    request = request | more
    digest = hashlib.sha1(json.dumps([row.job, name, request], sort_keys=True).encode()).hexdigest()[:16]
    path = FOLDER / "exact" / f"{digest}.json"
    if fresh or not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        print(f"  exact, by {name} ...", file=sys.stderr)
        answer = ask(row.job, name, request, 1800)
        if "value" not in answer:
            print(f"  {answer}", file=sys.stderr)
            return None
        path.write_text(json.dumps(answer))
    return json.loads(path.read_text())["value"]


def run(row, arguments):
    """Medians over the rounds, by contender."""
    request = row.files() | row.asked
    going, rounds = ["barrow", *row.peers], {name: [] for name in ["barrow", *row.peers]}
    for _ in range(arguments.rounds):
        for name in list(going):
            answer = ask(row.job, name, request | (row.ours if name == "barrow" else {}), arguments.limit)
            rounds[name].append(answer)
            print(f"  {name}: {answer}", file=sys.stderr)
            if not answer.get("seconds", PATIENCE) < PATIENCE:
                going.remove(name)
    answers = {}
    for name, found in rounds.items():
        answers[name] = found[-1]
        if all("seconds" in answer for answer in found):
            answers[name] = answers[name] | {"seconds": statistics.median(answer["seconds"] for answer in found),
                                             "all_seconds": [answer["seconds"] for answer in found]}
    exact = exact_value(row, request, answers, arguments.fresh)
    for answer in answers.values():
        if exact and "value" in answer:
            answer["off"] = abs(answer["value"] / exact - 1)
    return {"title": row.title, "witness": row.witness, "answers": answers}


# Telling.

def quality(answer):
    """How good an answer is, in words, and as numbers of which less is better."""
    if "right" in answer:
        words = f"{answer['right']} of {answer['of']} within"
        if "verdicts" in answer:
            words += f", {answer['verdicts']} verdicts right"
        if "rotation_deg" in answer:
            words += f"; of those, median {answer['rotation_deg']:.2g}°, {answer['centroid']:.2g} m"
        return words, -answer["right"]
    if "error" in answer:
        return f"{answer['error']:.2g}" + ("" if answer.get("ended", True) else ", not ended"), answer["error"]
    if "drift" in answer:
        return f"drift {answer['drift']:.3g} %", answer["drift"]
    if "off" in answer:
        words = "0" if answer["off"] == 0 else f"{answer['off']:.1e}"
        if "lower" in answer:
            words += f"; proven to {answer['upper'] / answer['lower'] - 1:.0e}"
        return words, max(answer["off"], ROUNDING)
    return "–", float("nan")


def bold(text, loses):
    return f"**{text}**" if loses else text


def lines_of(result):
    ours = result["answers"]["barrow"]
    if "seconds" not in ours:
        yield f"| {result['title']} | barrow | {ours} | | | |"
        return
    for name, answer in result["answers"].items():
        title = result["title"] if name == "barrow" else ""
        if "seconds" not in answer:
            why = f"> {answer['stopped'] / ours['seconds']:.0f} (stopped)" if "stopped" in answer else f"failed: {answer['failed']}"
            yield f"| {title} | {name} | {why} | | |"
            continue
        words, worth = quality(answer)
        ratio = answer["seconds"] / ours["seconds"]
        time = f"1 ({ours['seconds']:.3g} s)" if name == "barrow" else bold(f"{ratio:.2f}" if ratio < 10 else f"{ratio:.0f}", ratio < 1)
        megabytes = answer.get("memory_mb")
        memory = "–" if megabytes is None else bold(f"{megabytes:.0f}", megabytes < (ours.get("memory_mb") or 0) - 1)
        yield f"| {title} | {name} | {time} | {memory} | {bold(words, worth < quality(ours)[1])} |"


def losses(results):
    """Rows in which somebody is faster."""
    for result in results:
        ours = result["answers"]["barrow"]
        for name, answer in result["answers"].items():
            if "seconds" in answer and answer["seconds"] < ours.get("seconds", float("inf")):
                yield f"{result['title']} ({name}, {answer['seconds'] / ours.get('seconds', float('nan')):.2f})"


def machine():
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        model = next(line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        model = platform.processor() or platform.machine()
    return f"{model}, {os.cpu_count()} cores, {platform.system()}"


def versions():
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True).stdout.strip()
    names = [line.split("==")[0] for line in (ROOT / "benches/requirements.txt").read_text().splitlines() if "==" in line]
    found = []
    for name in names:
        try:
            found.append(f"{name} {version(name)}")
        except ModuleNotFoundError:
            pass
    return f"barrow {commit}, Python {platform.python_version()}, {', '.join(found)}"


def table(results, arguments):
    yield f"{machine()}; {THREADS} threads; {date.today():%B %Y}; {versions()}."
    yield ""
    yield f"Times are medians of {arguments.rounds} rounds as multiples of barrow's, so that more than 1 is slower than barrow; memory is what"
    yield "the call holds at most beyond what was held before it. `off by` is |value / exact − 1|. **Bold** is where barrow loses."
    yield ""
    lost = list(losses(results))
    yield f"Faster than barrow: {'; '.join(lost) if lost else 'none'}."
    yield ""
    yield "| work | contender | time | memory [MB] | off by, or what was found |"
    yield "|---|---|---:|---:|---|"
    for result in results:
        yield from lines_of(result)
    yield ""
    yield "Exact answers:"
    witnesses = {}
    for result in results:
        witnesses.setdefault(result["witness"], []).append(result["title"])
    for witness, titles in witnesses.items():
        yield f"- {witness}: {'; '.join(titles)}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", default="", help="rows whose titles contain this")
    parser.add_argument("--limit", type=float, default=200.0, help="seconds after which a contender is stopped")
    parser.add_argument("--fresh", action="store_true", help="ask for exact answers again")
    parser.add_argument("--no-write", action="store_true", help="print the table, and leave benches/RESULTS.md alone")
    arguments = parser.parse_args()
    (FOLDER / "rows").mkdir(parents=True, exist_ok=True)
    results = []
    for row in ROWS:
        path = FOLDER / "rows" / f"{hashlib.sha1(row.title.encode()).hexdigest()[:16]}.json"
        if arguments.only in row.title:
            print(row.title, file=sys.stderr)
            try:
                path.write_text(json.dumps(run(row, arguments), indent=1))
            except FileNotFoundError as missing:
                print(f"  left out, as there is no {missing.filename}", file=sys.stderr)
        if path.exists():
            results.append(json.loads(path.read_text()))
    text = "\n".join(table(results, arguments))
    print(text)
    if not arguments.no_write:
        whole = RESULTS.read_text()
        before, after = whole[: whole.index(BEGIN) + len(BEGIN)], whole[whole.index(END) :]
        RESULTS.write_text(f"{before}\n{text}\n{after}")


if __name__ == "__main__":
    main()
