#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
# sync_kill_loop.py SOURCE TARGET SEED KILLS: kills fxcp -a --delete SOURCE TARGET, run over a mirror that has become old, at random moments.
# In each round the source changes (mutate.py), the mirror is damaged (but with FOXING_SIGNATURES), the run is killed one to three times, and then runs to its end.
# At each kill: every name that both versions have as a regular file has the old or the new content; every name that both versions have at all is there;
# nothing but names of the two versions and staging names is there.  In the end: exact, no staging name.
import os
import random
import re
import stat
import subprocess
import sys
import time

from tally import problem, problems

FXCP = os.environ["FXCP"]
COMPARE = os.path.join(os.environ["FOXING_TOOLS"], "tree_compare")
MUTATE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "mutate.py")
source, target, seed, kills = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
rng = random.Random(int(seed))
MOMENTS = os.environ.get("FOXING_MOMENTS", "--delete --delete-before --delete-after").split()
# With hashes only the moment stays the same: they are bound to the options that decide what the target is to be.
SIGNATURES = ["--generate-sigs", "--detect-renames"] if os.environ.get("FOXING_SIGNATURES") else []
if SIGNATURES:
    MOMENTS = [random.Random(f"moment {seed}").choice(["--delete", "--delete-after"])]
OPTIONS = [[moment, *SIGNATURES, *others] for moment in MOMENTS for others in ([], ["-j", "1"], ["-j", "4"], ["--fsync"])]


def start(options):
    return subprocess.Popen([FXCP, "-a", *options, source, target], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def content(path, status):
    """None where it is too large to be read in each round; sizes still count."""
    if status.st_size > 1 << 22:
        return status.st_size, None
    with open(path, "rb", opener=lambda name, flags: os.open(name, flags | os.O_NOFOLLOW | os.O_NOATIME)) as file:
        return status.st_size, hash(file.read())


def version(tree):
    """Path to type and, of regular files, content."""
    found = {}
    for directory, directories, names in os.walk(os.fsencode(tree)):
        for name in directories + names:
            path = os.path.join(directory, name)
            status = os.lstat(path)
            regular = stat.S_ISREG(status.st_mode)
            found[os.path.relpath(path, os.fsencode(tree))] = (stat.S_IFMT(status.st_mode), content(path, status) if regular else None)
    return found


def is_staging(path):
    return any(part.startswith(b".tmp.66786370-") for part in path.split(b"/"))


def look(before, after, options):
    now = {path: what for path, what in version(target).items() if not is_staging(path)}
    for path, what in now.items():
        if what not in (before.get(path), after.get(path)):
            problem(f"killed {options}: neither old nor new: {path!r}: {what}, old {before.get(path)}, new {after.get(path)}")
    for path in before.keys() & after.keys():
        if path not in now:
            problem(f"killed {options}: gone: {path!r}: old {before[path]}, new {after[path]}")
    for path in now.keys() - before.keys() - after.keys():
        problem(f"killed {options}: of neither version: {path!r}")


def litter():
    return [path for path in version(target) if is_staging(path)]


def finish(what, options):
    """Runs to the end; how long that took."""
    begin = time.monotonic()
    process = subprocess.Popen([FXCP, "-a", "--json", *options, source, target], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    output, error = process.communicate()
    error = error.decode("utf-8", "replace")
    took = time.monotonic() - begin
    pruned.extend(int(number) for number in re.findall(rb'"pruned":(\d+)', output))
    if process.returncode != 0:
        problem(f"{what}: exit {process.returncode}: {error}")
    compared = subprocess.run([COMPARE, source, target, "--no-holes"], capture_output=True, text=True, errors="replace")
    lines = [line for line in compared.stdout.splitlines() if line != ".: xattr only in B: user.foxing.origin"]
    if compared.returncode == 2 or lines:
        problem(f"{what}, {options}: the trees differ: {lines[:5]} {compared.stderr[:200]}")
    if litter():
        problem(f"{what}: left behind: {litter()[:3]}")
    return took


pruned = []  # directories, by run
finish("the first run", OPTIONS[0])
done = landed = staged = number = 0
duration = 0.3  # of a re-run, at first a guess
while done < kills:
    number += 1
    for side, tree, count in [("source", source, rng.randrange(1, 60))] if SIGNATURES else [("target", target, 30), ("source", source, 150)]:
        subprocess.run([MUTATE, side, tree, f"{seed}.{number}", str(count)], check=True, stdout=subprocess.DEVNULL)
    after = version(source)
    for _ in range(rng.randrange(1, 4)):
        options = rng.choice(OPTIONS)
        before = version(target)
        process = start(options)
        time.sleep(rng.random() * duration)
        process.kill()
        error = process.communicate()[1].decode("utf-8", "replace")
        done += 1
        landed += process.returncode == -9
        if process.returncode not in (-9, 0):
            problem(f"exit {process.returncode} before the kill of {options}: {error}")
        staged += bool(litter())
        look({path: what for path, what in before.items() if not is_staging(path)}, after, options)
    options = rng.choice(OPTIONS)
    duration = finish("the run after the kill", options) * 0.8  # what a killed run has done is not done again
    if problems():
        print(f"in round {number}")
        break
print(f"{done} kills, {landed} in time, {staged} left staging names, {sum(pruned)} directories pruned, {problems()} problems")
if SIGNATURES and sum(pruned) == 0:
    sys.exit("nothing was pruned: this shows nothing")
if landed * 4 < done:
    sys.exit("most kills came too late: this shows nothing")
sys.exit(1 if problems() else 0)
