#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The benchmark: fxcp, cp -a, rsync -a and the bare loop over pairs of file systems, side by side.

    bench/run.py                                  everything (about two hours), results in bench/results/, a table on the terminal
    bench/run.py --only small,large --pairs xfs-btrfs --rounds 9
    bench/run.py --only second-run                the runs that bring a target up to date
    bench/run.py --markdown                       and the table in docs/benchmarks.md
    bench/run.py --from bench/results/X.json --markdown     the page again, without measuring
    bench/run.py --smoke                          tiny trees, one round, no opinion about time: does it all work?

docs/benchmarks.md says how to read the result.  Exit status: 0 all ran and all copies were equal, 1 something failed, 2 usage.
"""

import argparse
import json
import os
import sys
import tempfile

sys.dont_write_bytecode = True  # the source tree stays as it is

from runner import competitors as who  # noqa: E402
from runner import measuring, places, report, second_run, workloads  # noqa: E402

SOURCE_ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
SMOKE_SCALE = 100
GIB = 1 << 30


def main():
    options = parse_options()
    if options.from_file:
        return tell_again(options)
    for program in (options.fxcp, *(os.path.join(options.helpers, name) for name in ("stopwatch", "bare_loop", "make_workload"))):
        if not os.access(program, os.X_OK):
            print(f"run.py: {program} is not there; `make release` builds it", file=sys.stderr)
            return 2
    places.interrupts_unwind()
    facts, complete = measure_all(options)
    if not complete:
        print("\nrun.py: interrupted; everything is unmounted and removed", file=sys.stderr)
    result = report.write_json(facts, options.results) if options.results and facts["cells"] else None
    tell(facts, os.path.basename(result) if result else "", options)
    if result:
        print(f"\n{result}")
    failures = [(cell, name, text) for cell in facts["cells"] for name, text in cell["failures"].items()]
    for cell, name, text in failures:
        print(f"FAILED: {cell['workload']}, {cell['title']}, {name}: {text}", file=sys.stderr)
    return 0 if complete and facts["cells"] and not failures else 1


def measure_all(options):
    """The document of all rows, and whether that is all of them: the rows before an interruption are kept."""
    load_at_start = os.getloadavg()[0]
    competitors = who.Competitors(options.fxcp, options.helpers)
    notes = [f"{name} is not installed: no column for it" for name in competitors.missing]
    if load_at_start > 1 and not options.smoke:
        note(notes, f"other programs were running (load {load_at_start:.1f}): these times are not worth much")
    cells, facts_of_places, complete = [], {}, True
    try:
        with tempfile.TemporaryDirectory(prefix="foxing-bench-", dir=options.work) as work:
            with places.Places(os.path.realpath(work), options.image_bytes) as world:
                stopwatch = measuring.Stopwatch(options.helpers, work)
                measurers = measuring.Measurer(stopwatch, competitors, {}), second_run.Measurer(stopwatch, competitors, work)
                measure_pairs(world, measurers, options, cells, facts_of_places, notes)
    except KeyboardInterrupt:
        complete = False
        notes.append("interrupted: not all rows")
    return report.document(SOURCE_ROOT, competitors, facts_of_places, cells, notes, load_at_start), complete


def measure_pairs(world, measurers, options, cells, facts_of_places, notes):
    """Pairs, workloads, warm then cold; adds to the last three."""
    for name in options.pairs:
        chosen_here = [each for each in options.only if each in workloads.WORKLOADS or name in options.second_pairs]
        if not chosen_here:
            continue
        try:
            pair = world.pair(name)
        except places.CannotMount as reason:
            note(notes, f"{name} left out: {reason}")
            continue
        facts_of_places |= {place.name: place.facts() for place in (pair.source, pair.target)}
        for workload_name in chosen_here:
            second = workload_name in second_run.KINDS
            workload = (second_run if second else workloads).make(workload_name, pair.source, options.helpers, options.scale)
            for cold in options.second_caches if second else options.caches:
                if cold and not measuring.can_drop_caches():
                    note(notes, "no cold rows: only root may drop the caches")
                    continue
                cell = measuring.Cell(pair, workload, cold, options.rounds or rounds_of(workload_name, cold, options), options.smoke)
                measurers[second].measure(cell, lambda text, cell=cell: progress(cell, text))
                cells.append(cell)
                print(row_of(cell), flush=True)


def rounds_of(workload, cold, options):
    if options.smoke:
        return 1
    rounds = second_run.KINDS[workload].rounds if workload in second_run.KINDS else workloads.WORKLOADS[workload][1]
    return min(rounds, 5) if cold else rounds


def note(notes, text):
    if text not in notes:
        notes.append(text)
        print(f"note: {text}", file=sys.stderr)


def progress(cell, text):
    if sys.stderr.isatty():
        print(f"\r\033[K{cell.workload.name}, {cell.pair.title}: {text}", end="", file=sys.stderr, flush=True)


def row_of(cell):
    """One line as soon as a row is complete; the tables come at the end."""
    if sys.stderr.isatty():
        print("\r\033[K", end="", file=sys.stderr, flush=True)
    medians = {name: series.as_json().get("median") for name, series in cell.series.items()}
    numbers = ", ".join(f"{name} {1000 * value:.4g} ms" if value else f"{name} failed" for name, value in medians.items())
    return f"{cell.workload.name:8} {cell.pair.title}{', cold' if cell.cold else ''}: {numbers}"


def tell_again(options):
    """--from: a result that was kept, without measuring."""
    try:
        with open(options.from_file, encoding="utf-8") as file:
            facts = json.load(file)
    except (OSError, ValueError) as error:
        print(f"run.py: {options.from_file}: {error}", file=sys.stderr)
        return 2
    tell(facts, os.path.basename(options.from_file), options)
    return 0


def tell(facts, result_name, options):
    if options.smoke:
        report.markdown(facts, result_name)
        report.text_table(facts)
        print(f"{len(facts['cells'])} rows ran")
        return
    print(report.text_table(facts))
    print(report.summary(facts))
    if options.markdown:
        report.write_markdown(facts, result_name, options.markdown)
        print(f"written into {options.markdown}")


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0], epilog="docs/benchmarks.md has more.")
    release = os.path.join(SOURCE_ROOT, "build", "release", "bin")
    parser.add_argument("--fxcp", default=os.path.join(release, "fxcp"), metavar="PATH", help="the program to measure (default: the release build)")
    parser.add_argument("--helpers", metavar="DIR", help="where stopwatch, bare_loop and make_workload are (default: the release build)")
    parser.add_argument("--only", metavar="NAMES", help="workloads: " + ", ".join((*workloads.WORKLOADS, *second_run.KINDS)) +
                        "; first-run, second-run: all of these (default: all but million)")
    parser.add_argument("--pairs", metavar="NAMES", help="file systems: " + ", ".join(places.PAIRS + places.DIRECTORY_PAIRS))
    parser.add_argument("--caches", metavar="NAMES", help="warm, cold or both (default; --smoke: warm)")
    parser.add_argument("--rounds", type=int, metavar="N", help="rounds for every row (default: 5 or 7, by workload)")
    parser.add_argument("--work", metavar="DIR", help="where images and mount points go: up to 25 GB (default: the temporary directory)")
    parser.add_argument("--results", metavar="DIR", default=os.path.join(SOURCE_ROOT, "bench", "results"), help="where the JSON goes")
    parser.add_argument("--markdown", nargs="?", metavar="PAGE", const=os.path.join(SOURCE_ROOT, "docs", "benchmarks.md"),
                        help="write the tables into this page (default: docs/benchmarks.md)")
    parser.add_argument("--from", dest="from_file", metavar="FILE", help="measure nothing, show the tables of this result")
    parser.add_argument("--smoke", action="store_true", help="tiny trees, one round, nothing kept; also without root")
    options = parser.parse_args()
    options.helpers = os.path.abspath(options.helpers or release)
    options.fxcp = os.path.abspath(options.fxcp) if os.path.sep in options.fxcp else options.fxcp
    first = [name for name in workloads.WORKLOADS if name not in workloads.ON_REQUEST]
    groups = {"first-run": first, "second-run": list(second_run.KINDS)}
    options.only = chosen(parser, options.only, [*workloads.WORKLOADS, *second_run.KINDS, *groups], [*groups])
    options.only = [name for word in options.only for name in groups.get(word, [word])]
    asked_for_caches = options.caches
    options.caches = [name == "cold" for name in chosen(parser, options.caches, ["warm", "cold"], ["warm"] if options.smoke else ["warm", "cold"])]
    options.second_caches = options.caches if asked_for_caches else [False]
    options.scale = SMOKE_SCALE if options.smoke else 1
    options.image_bytes = GIB if options.smoke else 256 * GIB
    default_pairs = places.PAIRS
    if options.smoke:
        options.results = None
        default_pairs = ["xfs-xfs", "xfs-btrfs", "xfs-ext4", "here-here"] if os.geteuid() == 0 else ["here-here"]
        default_pairs += ["here-shm"] if os.access("/dev/shm", os.W_OK) else []
    second_pairs = second_run.PAIRS_SMOKE if options.smoke else second_run.PAIRS
    options.second_pairs = chosen(parser, options.pairs, places.PAIRS + places.DIRECTORY_PAIRS, second_pairs)
    options.pairs = chosen(parser, options.pairs, places.PAIRS + places.DIRECTORY_PAIRS, default_pairs)
    return options


def chosen(parser, words, allowed, default):
    if not words:
        return default
    names = words.split(",")
    unknown = [name for name in names if name not in allowed]
    if unknown:
        parser.error(f"{', '.join(unknown)}: not one of {', '.join(allowed)}")
    return names


if __name__ == "__main__":
    sys.exit(main())
