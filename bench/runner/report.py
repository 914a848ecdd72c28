# SPDX-License-Identifier: GPL-2.0-or-later
"""Report: the machine and every cell as JSON, and the tables for people (terminal, docs/benchmarks.md).

The tables are made from the JSON alone, so `run.py --from FILE --markdown` gives the page of any result that was kept.
"""

import datetime
import json
import os
import platform
import re
import statistics
import subprocess

from runner import competitors as who
from runner import second_run, second_run_report, workloads

BEGIN, END = "<!-- results: begin (written by bench/run.py --markdown) -->", "<!-- results: end -->"
SCHEMA = 1


class Budget:
    """At least so many times faster; design budgets, printed beside the result and never asserted."""

    def __init__(self, cp=None, rsync=None, plain_cp=None, seconds=None, rss_mib=None, cold=True):
        self.cp, self.rsync, self.plain_cp, self.seconds, self.rss_mib, self.cold = cp, rsync, plain_cp, seconds, rss_mib, cold


def budget(pair, workload, cold):
    found = {
        ("small", "xfs-xfs"): Budget(2.0, 2.2, 2.2, cold=False),
        ("small", "xfs-btrfs"): Budget(1.6, 2.2, 2.5, cold=False),
        ("small", "xfs-ext4"): Budget(3.0, 2.2, 4.0, cold=False),
        ("small", "xfs-tmpfs"): Budget(3.5, 2.2, 5.0, cold=False),
    }.get((workload, pair))
    same = len(set(pair.split("-"))) == 1
    if workload in ("large", "sparse"):
        if same:
            found = Budget(1.0, 100)
        elif workload == "large":
            found = Budget(1.2, 2.0)
    elif workload == "mixed":
        found = Budget(2.0 if same else 1.5, 4.0)
    elif workload == "tree":
        found = Budget(2.0, 4.0)
    elif workload == "single":
        found = Budget(1 / 1.5, seconds=0.002, cold=False)
    elif workload == "million":
        found = Budget(rss_mib=64)
    return found if found and (found.cold or not cold) else None


# ---------------------------------------------------------------- gathering

def machine(load_at_start):
    return {
        "cpu": _first(r"^model name\s*:\s*(.+)$", "/proc/cpuinfo") or platform.machine(),
        "cores": os.cpu_count(),
        "memory_bytes": int(_first(r"^MemTotal:\s*(\d+)", "/proc/meminfo") or 0) * 1024,
        "virtual": " hypervisor" in (_first(r"^flags\s*:(.+)$", "/proc/cpuinfo") or ""),
        "kernel": platform.release(),
        "system": _first(r'^PRETTY_NAME="?([^"\n]+)', "/etc/os-release") or platform.system(),
        "load_at_start": load_at_start,
    }


def commit(source_root):
    """The short hash, "-dirty" when the tree differs from it, "unknown" outside a repository."""
    def git(*words):
        return subprocess.run(["git", "-C", source_root, *words], capture_output=True, text=True, check=False)
    head = git("rev-parse", "--short", "HEAD")
    if head.returncode != 0:
        return "unknown"
    return head.stdout.strip() + ("-dirty" if git("status", "--porcelain", "--untracked-files=no").stdout.strip() else "")


def cell_as_json(cell, competitors):
    short = competitors.shortened(cell.workload, cell.target)
    second = {"changed_bytes": cell.workload.changed_bytes} if cell.workload.name in second_run.KINDS else {}
    return second | {
        "pair": cell.pair.name,
        "title": cell.pair.title,
        "workload": cell.workload.name,
        "files": cell.workload.files,
        "bytes": cell.workload.bytes,
        "cold": cell.cold,
        "rounds": cell.rounds,
        "failures": cell.failures,
        "competitors": {name: series.as_json(short) for name, series in cell.series.items()},
    }


def document(source_root, competitors, facts_of_places, cells, notes, load_at_start):
    return {
        "schema": SCHEMA,
        "date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        "commit": commit(source_root),
        "machine": machine(load_at_start),
        "versions": {name: who.version(program) for name, program in (
            ("fxcp", competitors.fxcp), ("cp", "cp"), ("rsync", "rsync"), ("xfsprogs", "mkfs.xfs"), ("btrfs-progs", "mkfs.btrfs"))},
        "filesystems": facts_of_places,
        "notes": notes,
        "cells": [cell_as_json(cell, competitors) for cell in cells],
    }


def write_json(facts, directory):
    os.makedirs(directory, exist_ok=True)
    stem = f"{facts['date'][:10]}-{facts['commit']}"
    path, number = os.path.join(directory, stem + ".json"), 2
    while os.path.exists(path):
        path, number = os.path.join(directory, f"{stem}-{number}.json"), number + 1
    with open(path, "w", encoding="utf-8") as file:
        json.dump(facts, file, indent=1, ensure_ascii=False)
        file.write("\n")
    return path


# ---------------------------------------------------------------- telling

COLUMNS = ["from → to", "fxcp", "cp -a", "rsync -a", "limit", "× cp", "× rsync", "of limit", "--no-atomic", "× cp", "of limit", "RSS", "budget"]


def rows(facts, workload):
    """The table of one workload, warm rows before cold ones; every row as long as columns()."""
    cells = [cell for cell in facts["cells"] if cell["workload"] == workload]
    for cell in sorted(cells, key=lambda each: each["cold"]):
        if workload in second_run.KINDS:
            yield from second_run_report.rows(cell, _spread)
        else:
            yield _row(cell)


def columns(workload):
    return second_run_report.COLUMNS if workload in second_run.KINDS else COLUMNS


def title(workload):
    if workload in second_run.KINDS:
        return f"{workload}: {second_run.KINDS[workload].title}"
    return f"{workload}: {workloads.WORKLOADS[workload][0]}"


def _row(cell):
    medians = {name: series.get("median") for name, series in cell["competitors"].items()}
    fxcp, plain = medians.get(who.FXCP), medians.get(who.FXCP_PLAIN)
    rss = cell["competitors"].get(who.FXCP, {}).get("max_rss_bytes")
    return [
        cell["title"] + (", cold" if cell["cold"] else ""),
        _spread(cell, who.FXCP),
        _spread(cell, who.CP),
        _spread(cell, who.RSYNC),
        _spread(cell, who.LIMIT),
        _times(medians.get(who.CP), fxcp),
        _times(medians.get(who.RSYNC), fxcp),
        _times(fxcp, medians.get(who.LIMIT)),
        _spread(cell, who.FXCP_PLAIN),
        _times(medians.get(who.CP), plain),
        _times(plain, medians.get(who.LIMIT_PLAIN)),
        f"{rss / 2**20:.0f} MiB" if rss else "–",
        _verdict(cell, medians, rss),
    ]


def _verdict(cell, medians, rss):
    if cell["failures"]:
        return "FAILED: " + ", ".join(cell["failures"])
    wanted = budget(cell["pair"], cell["workload"], cell["cold"])
    if wanted is None:
        return "–"
    # Judged as printed: two figures.  More would be noise.
    checks = [
        ("cp", wanted.cp, medians.get(who.CP), medians.get(who.FXCP)),
        ("rsync", wanted.rsync, medians.get(who.RSYNC), medians.get(who.FXCP)),
        ("cp, --no-atomic", wanted.plain_cp, medians.get(who.CP), medians.get(who.FXCP_PLAIN)),
    ]
    missed = [f"{least:.2g}× {name}" for name, least, slow, fast in checks
              if least and slow and fast and float(f"{slow / fast:.2g}") < float(f"{least:.2g}")]
    if wanted.seconds and medians.get(who.FXCP, 0) > wanted.seconds:
        missed.append(_time(wanted.seconds))
    if wanted.rss_mib and rss and rss > wanted.rss_mib * 2**20:
        missed.append(f"{wanted.rss_mib} MiB")
    return "missed: " + "; ".join(missed) if missed else "met"


def _spread(cell, name):
    series = cell["competitors"].get(name)
    if series is None or not series["seconds"]:
        return "–"
    return f"{_time(series['median'])} ({_number(series['min'])}–{_number(series['max'])})"


def _time(seconds):
    return f"{_number(seconds)} ms"


def _number(seconds):
    milliseconds = seconds * 1000
    return f"{milliseconds:.0f}" if milliseconds >= 100 else f"{milliseconds:.3g}"


def _times(slow, fast):
    return f"{slow / fast:.2f}" if slow and fast else "–"


def text_table(facts):
    """For the terminal: the columns aligned, one block per workload."""
    lines = []
    for workload in _workloads(facts):
        table = [columns(workload), *rows(facts, workload)]
        widths = [max(len(cell) for cell in column) for column in zip(*table)]
        lines.append("\n" + title(workload))
        lines += ["  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in table]
    return "\n".join(lines) + "\n"


def markdown(facts, result_name):
    lines = [BEGIN, ""]
    lines += _markdown_machine(facts, result_name)
    for workload in _workloads(facts):
        names = columns(workload)
        lines += [f"### {title(workload)}", "", "| " + " | ".join(names) + " |", "|" + "---|" * len(names)]
        lines += ["| " + " | ".join(row) + " |" for row in rows(facts, workload)]
        lines.append("")
    return "\n".join([*lines, END])


def _markdown_machine(facts, result_name):
    here = facts["machine"]
    memory = f"{here['memory_bytes'] / 2**30:.0f} GiB"
    lines = [
        f"Measured {facts['date'][:10]} at commit `{facts['commit']}`; every number is in `bench/results/{result_name}`.",
        "",
        f"- Machine: {here['cpu']}{' (virtual machine)' if here['virtual'] else ''}, {here['cores']} cores, {memory}; "
        f"{here['system']}, Linux {here['kernel']}; load {here['load_at_start']:.2f} at the start.",
        "- Against: " + "; ".join(text for name, text in facts["versions"].items() if name in ("cp", "rsync")) + ".",
        "- File systems: " + "; ".join(f"{name}: {place['type']} `{place['options']}`" for name, place in facts["filesystems"].items()) + ".",
    ]
    lines += [f"- {note}" for note in facts["notes"]]
    return [*lines, ""]


def _workloads(facts):
    present = {cell["workload"] for cell in facts["cells"]}
    return [name for name in (*workloads.WORKLOADS, *second_run.KINDS) if name in present]


def write_markdown(facts, result_name, page):
    with open(page, encoding="utf-8") as file:
        text = file.read()
    before, found, rest = text.partition(BEGIN)
    _, ended, after = rest.partition(END)
    if not found or not ended:
        raise ValueError(f"{page}: the lines {BEGIN!r} and {END!r} are not there")
    with open(page, "w", encoding="utf-8") as file:
        file.write(before + markdown(facts, result_name) + after)


def summary(facts):
    """Ratios over all warm cells, for the last line on the terminal."""
    pairs = [(cell["competitors"].get(who.CP, {}).get("median"), cell["competitors"].get(who.FXCP, {}).get("median"))
             for cell in facts["cells"] if not cell["cold"]]
    ratios = [slow / fast for slow, fast in pairs if slow and fast]
    return f"fxcp is {statistics.median(ratios):.2f} times as fast as cp -a (median of {len(ratios)} warm rows)" if ratios else ""


def _first(pattern, path):
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            match = re.search(pattern, file.read(), re.MULTILINE)
    except OSError:
        return None
    return match.group(1).strip() if match else None
