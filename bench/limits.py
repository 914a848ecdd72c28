#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The table behind the planner: which way of copying is the fastest for a pair of file systems and a size of file.

    bench/limits.py                         all pairs, a few minutes: Markdown on the terminal
    bench/limits.py --pairs xfs-btrfs --rounds 9

Each cell is the median of bare_loop (staged: O_TMPFILE and linkat) in milliseconds, the ways taking turns; the fastest is bold.  A way that
the kernel refuses for the pair has a dash.  cp -a and rsync -a stand beside it.  core/copy's planner keeps what this prints; run it again
on another machine or kernel before changing a number there.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True  # the source tree stays as it is

from runner import measuring, places  # noqa: E402

KIB = 1024
SIZES = [(4 * KIB, 10_000), (16 * KIB, 6_000), (64 * KIB, 2_500), (256 * KIB, 800), (1024 * KIB, 300)]  # bytes, files
WAYS = ["read_write", "sendfile", "mapped", "copy_file_range", "clone"]
RELEASE = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "build", "release", "bin")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--pairs", default=",".join(places.PAIRS), metavar="NAMES", help=", ".join(places.PAIRS + places.DIRECTORY_PAIRS))
    parser.add_argument("--rounds", type=int, default=5, metavar="N")
    parser.add_argument("--helpers", default=RELEASE, metavar="DIR", help="where stopwatch, bare_loop and make_workload are")
    parser.add_argument("--work", metavar="DIR", help="where images and mount points go (default: the temporary directory)")
    options = parser.parse_args()
    unknown = set(options.pairs.split(",")) - set(places.PAIRS + places.DIRECTORY_PAIRS)
    if unknown:
        parser.error(f"{', '.join(sorted(unknown))}: not a pair")
    places.interrupts_unwind()
    with tempfile.TemporaryDirectory(prefix="foxing-limits-", dir=options.work) as work, places.Places(os.path.realpath(work), 256 << 30) as world:
        stopwatch = measuring.Stopwatch(os.path.abspath(options.helpers), work)
        for name in options.pairs.split(","):
            try:
                table(world.pair(name), stopwatch, options)
            except places.CannotMount as reason:
                print(f"{name} left out: {reason}", file=sys.stderr)


def table(pair, stopwatch, options):
    naming = "apart" if pair.target.name.startswith("xfs") else "tmpfile"  # as fxcp stages
    bare_loop = [os.path.join(options.helpers, "bare_loop"), f"--naming={naming}", "--buffer=262144"]
    variants = {f"{way}, {threads} thread{'s' * (threads > 1)}": [*bare_loop, f"--threads={threads}", f"--way={way}"]
                for threads in (1, 2) for way in WAYS}
    variants |= {"cp -a": ["cp", "-a"], "rsync -a": ["rsync", "-a"]}
    columns = [cells(pair, stopwatch, options, size, files, variants) for size, files in SIZES]
    print(f"\n### {pair.title}\n")
    print("| ms | " + " | ".join(f"{files} × {size // KIB} KiB" for size, files in SIZES) + " |\n|" + "---|" * (len(SIZES) + 1))
    for variant in variants:
        print(f"| {variant} | " + " | ".join(column[variant] for column in columns) + " |", flush=True)


def cells(pair, stopwatch, options, size, files, variants):
    """The text of one column: median milliseconds by variant."""
    source = os.path.join(pair.source.root, f"uniform-{size}")
    target = os.path.join(pair.target.root, "target")
    if not os.path.exists(source):
        subprocess.run([os.path.join(options.helpers, "make_workload"), "uniform", source, f"--files={files}", f"--size={size}"],
                       check=True, stdout=subprocess.DEVNULL)
    pair.source.sync()
    names, seconds = list(variants), {name: [] for name in variants}
    for number in range(options.rounds):
        first = number % len(names)
        for name in names[first:] + names[:first]:
            ending = "/" if name == "rsync -a" else ""
            run, _ = stopwatch.run([*variants[name], source + ending, target], touch_bytes=size * files + (64 << 20), warm=source)
            if run:
                seconds[name].append(run["seconds"])
            subprocess.run(["rm", "-rf", target], check=True)
            pair.target.sync()
    medians = {name: 1000 * statistics.median(values) for name, values in seconds.items() if len(values) == options.rounds}
    best = min(value for name, value in medians.items() if name not in ("cp -a", "rsync -a"))
    return {name: _text(medians.get(name), best) for name in names}


def _text(median, best):
    if median is None:
        return "–"
    return f"**{median:.0f}**" if median == best else f"{median:.0f}"


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit("limits.py: interrupted; everything is unmounted and removed")
