#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
# under_way_kill_loop.py partial|move SOURCE TARGET SEED KILLS: kills fxcp at random moments and looks at what is left.
#   partial  fxcp -a --partial: no name shows a half; the run that goes on moves no byte that was there and right, makes the copy exact, and leaves nothing.
#   move     fxcp -a --remove-source-files, sometimes with a planned fault: each file's content is in the source or, whole and dressed, in the target; in the end
#            all of it is in the target and nothing but directories in the source.
# Bytes are counted, never seconds.
import json
import os
import random
import shutil
import subprocess
import sys
import time

from tally import problem, problems

FXCP = os.environ["FXCP"]
COMPARE = os.path.join(os.environ["FOXING_TOOLS"], "tree_compare")
mode, source, target, seed, kills = *sys.argv[1:5], int(sys.argv[5])
rng = random.Random(int(seed))
BLOCK = 4096
FAULTS = ["", "", "pwrite:*7:EIO", "write:*3:ENOSPC", "sendfile:*3:EIO", "linkat:*3:EIO", "unlinkat:*2:EIO", "utimensat:*3:EIO", "syncfs:1:EIO",
          "renameat2:*3:EIO", "openat:*9:EACCES", "fstatat:*5:EIO", "close:*3:EIO"]


def read(path):
    with open(path, "rb", opener=lambda name, flags: os.open(name, flags | os.O_NOFOLLOW)) as file:
        return file.read()


def files(tree):
    for directory, _, names in os.walk(tree):
        for name in names:
            path = os.path.join(directory, name)
            if os.path.isfile(path) and not os.path.islink(path):
                yield os.path.relpath(path, tree), path


def start(options, faults=""):
    environment = dict(os.environ, FOXING_FAULT=faults) if faults else None
    return subprocess.Popen([FXCP, "-a", "--reflink=never", *options, source, target], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment)


def end(options):
    process = start([*options, "--json"])
    out, error = process.communicate()
    if process.returncode != 0:
        problem(f"the run after the kills: exit {process.returncode}: {error.decode('utf-8', 'replace')}")
    return json.loads(out.splitlines()[-1])


def compare(what):
    done = subprocess.run([COMPARE, what, target], capture_output=True, text=True, errors="replace")
    if done.returncode != 0:
        problem(f"not the same in the end: {done.stdout}")


def kill_one(options, faults=""):
    process = start(options, faults)
    time.sleep(rng.random() * duration * 1.1)  # the moment is what is random here
    process.kill()
    process.communicate()
    return process.returncode == -9


def still_to_move():
    """What is neither in place nor right in a partial file."""
    rest = 0
    for inner, path in files(source):
        copy = os.path.join(target, inner)
        kept = os.path.join(os.path.dirname(copy), ".fxcp-partial", os.path.basename(copy))
        data = read(path)
        if os.path.exists(copy) and read(copy) == data:
            continue
        rest += len(data)
        if os.path.exists(kept):
            have = read(kept)
            for at in range(0, min(len(have), len(data)), BLOCK):
                if data[at:at + BLOCK] == have[at:at + BLOCK]:
                    rest -= len(data[at:at + BLOCK])
    return rest


def partial_round():
    global landed, spared
    shutil.rmtree(target, ignore_errors=True)
    options = ["--partial", *rng.choice([[], ["-j", "1"], ["-j", "4"], ["--fsync"]])]
    for _ in range(rng.randrange(1, 4)):
        landed += kill_one(options)
        for inner, path in files(target):
            if ".fxcp-partial" not in inner and read(path) != contents[inner]:
                problem(f"half of {inner} has its name")
    rest = still_to_move() if os.path.isdir(target) else sum(map(len, contents.values()))
    summary = end(options)
    if summary["bytes_moved"] > rest:
        problem(f"{summary['bytes_moved']} bytes were moved, and only {rest} were missing")
    spared += sum(map(len, contents.values())) - rest
    compare(source)
    left = [path for path, _, _ in os.walk(target) if path.endswith(".fxcp-partial")]
    if left:
        problem(f"left behind: {left}")


def move_round():
    global landed, spared
    shutil.rmtree(target, ignore_errors=True)
    shutil.rmtree(source, ignore_errors=True)
    subprocess.run(["cp", "-a", original, source], check=True)
    options = ["--remove-source-files", *rng.choice([[], ["-j", "1"], ["-j", "4"], ["--fsync"], ["--partial"]])]
    for _ in range(rng.randrange(1, 5)):
        faults = rng.choice(FAULTS)
        landed += kill_one(options, faults)
        for inner, data in contents.items():
            here, there = os.path.join(source, inner), os.path.join(target, inner)
            if os.path.lexists(here):
                if read(here) != data:
                    problem(f"the source has changed: {inner}")
                continue
            spared += len(data)
            if not os.path.exists(there) or read(there) != data:
                problem(f"killed {options} {faults}: {inner} is gone from the source, and not whole in the target")
            elif int(os.lstat(there).st_mtime) != int(os.lstat(os.path.join(original, inner)).st_mtime):
                problem(f"killed {options} {faults}: {inner} is gone from the source, and its copy has another time")
    for directory, _, _ in os.walk(source):  # whose times removing has moved
        shutil.copystat(os.path.join(original, os.path.relpath(directory, source)), directory)
    end(options)
    compare(original)
    left = [path for _, path in files(source)]
    if left:
        problem(f"not removed: {left[:3]}")


contents = {inner: read(path) for inner, path in files(source)}
original = source + ".original"
if mode == "move":
    subprocess.run(["cp", "-a", source, original], check=True)
begin = time.monotonic()
end(["--remove-source-files"] if mode == "move" else [])
duration = time.monotonic() - begin
rounds = landed = spared = 0
while rounds < kills:
    (partial_round if mode == "partial" else move_round)()
    rounds += 1
print(f"{mode}: {rounds} rounds, {landed} kills in time, {spared} bytes need not be moved again, {problems()} problems; one run takes {duration:.2f} s")
if landed * 3 < rounds or spared == 0:
    sys.exit("the kills came too early or too late: this shows nothing")
sys.exit(1 if problems() else 0)
