#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
# kill_loop.py SOURCE TARGET OLD SEED KILLS: kills fxcp -a SOURCE TARGET at random moments and looks at what is left.
# Half of the rounds begin with no target, half with a copy of OLD.  In each round the copy is killed one to four times, so that a
# dead run's remains meet the next kill; then it runs to its end.
import os
import random
import shutil
import subprocess
import sys
import time

from tally import problem, problems

FXCP = os.environ["FXCP"]
COMPARE = os.path.join(os.environ["FOXING_TOOLS"], "tree_compare")
source, target, old = sys.argv[1:4]
rng = random.Random(int(sys.argv[4]))
kills = int(sys.argv[5])
OPTIONS = [["--reflink=auto"], ["-j", "1"], ["-j", "4"], ["--fsync"]]


def start(options):
    return subprocess.Popen([FXCP, "-a", *options, source, target], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def digest(path):
    with open(path, "rb") as file:
        data = file.read()
    return len(data), hash(data)


def versions(tree):
    found = {}
    for directory, _, names in os.walk(tree):
        for name in names:
            path = os.path.join(directory, name)
            if os.path.isfile(path) and not os.path.islink(path) and os.lstat(path).st_size < 1 << 28:
                found[os.path.relpath(path, tree)] = digest(path)
    return found


def whole(of_source, of_old):
    """Every regular file under a name of the source or the old tree has one of their contents."""
    for directory, _, names in os.walk(target):
        for name in names:
            path = os.path.join(directory, name)
            inner = os.path.relpath(path, target)
            if os.path.islink(path) or not os.path.isfile(path) or (inner not in of_source and inner not in of_old):
                continue
            now = digest(path)
            if now not in (of_source.get(inner), of_old.get(inner)):
                problem(f"after a kill neither old nor new: {inner}")


def litter():
    return [os.path.join(directory, name) for directory, directories, names in os.walk(target) for name in names + directories
            if name.startswith(".tmp.")]


def full_time():
    shutil.rmtree(target, ignore_errors=True)
    begin = time.monotonic()
    process = start([])
    error = process.communicate()[1]
    if process.returncode != 0:
        sys.exit(f"the copy does not even work undisturbed: exit {process.returncode} {error.decode('utf-8', 'replace')[:500]}")
    return time.monotonic() - begin


duration = full_time()
of_source, of_old = versions(source), versions(old)
done = landed = with_litter = 0
while done < kills:
    shutil.rmtree(target, ignore_errors=True)
    begins_old = rng.random() < 0.5
    if begins_old:
        subprocess.run(["cp", "-a", old, target], check=True)
    # OLD is another tree of equal names and times, with other holes and links: -I takes nothing of it for equal.
    over_old = ["-I"] if begins_old else []
    for _ in range(rng.randrange(1, 5)):
        process = start(rng.choice(OPTIONS) + over_old)
        time.sleep(rng.random() * duration * 1.1)
        process.kill()
        error = process.communicate()[1]
        done += 1
        landed += process.returncode == -9
        if process.returncode not in (-9, 0):
            problem(f"exit {process.returncode} before the kill: {error.decode('utf-8', 'replace')[:500]}")
        with_litter += bool(litter())
    if os.path.isdir(target):
        whole(of_source, of_old if begins_old else {})
    process = start(over_old)
    error = process.communicate()[1]
    if process.returncode != 0:
        problem(f"the run after the kill: exit {process.returncode}: {error.decode('utf-8', 'replace')[:500]}")
    compared = subprocess.run([COMPARE, source, target] + (["--extra-ok"] if begins_old else []), capture_output=True, text=True, errors="replace")
    if compared.returncode != 0:
        problem(f"after the kills and a run the trees differ: {compared.stdout[:600]}{compared.stderr[:200]}")
    if litter():
        problem(f"left behind: {litter()[:3]}")

print(f"{done} kills, {landed} in time, {with_litter} left staging names, {problems()} problems; one run takes {duration:.2f} s")
if landed * 4 < done:
    sys.exit("most kills came too late: this shows nothing")
sys.exit(1 if problems() else 0)
