#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
# fault_sweep.py SOURCE TARGET OLD EFFECTS [CALL...]: fails every single call of fxcp -a SOURCE TARGET, one run for each.
#   OLD      a tree that the target is a copy of before each run; "-" for a target that is not there
#   EFFECTS  such as EIO,ENOSPC,EINTR,short; a call is failed at its 1st, 2nd, 3rd ... time until the run has no more of them;
#            "*7:EINTR" fails every seventh instead
# After each run, whatever failed:
#   - the exit code is 0, 1 or 2: no crash, no hang
#   - exit 0 only if the target equals the source
#   - every name that differs is named by a failure, or lies below or above a name that is
#   - no name is gone that both the source and the old version have; with --delete in FOXING_SWEEP_OPTIONS OLD has others too
#   - every name shows its old or its new content, or is absent where it was not there before
#   - no staging name is left, but where removing names is what failed; then a second run removes it
#   - a second run without faults makes the copy exact
import os
import re
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import json_lines

FXCP = os.environ["FXCP"]
COMPARE = os.path.join(os.environ["FOXING_TOOLS"], "tree_compare")
CALLS = ("openat openat2 tmpfile close fstat fstatat getdents64 readlinkat read pread write pwrite lseek ftruncate fallocate ficlone "
         "copy_file_range sendfile fsync syncfs mkdirat symlinkat mknodat linkat renameat2 unlinkat fchown fchmod utimensat listxattr "
         "getxattr setxattr removexattr fstatfs io_uring_setup uring_read uring_write").split()
MOVERS = "read pread write pwrite copy_file_range sendfile uring_read uring_write".split()
EXTRA = os.environ.get("FOXING_SWEEP_OPTIONS", "").split()

source, target, old, effects = sys.argv[1:5]
calls = sys.argv[5:] or CALLS
log = target + ".faults"
runs = fired = bad = 0


def remove(path):
    if os.path.lexists(path):
        subprocess.run(["chmod", "-R", "u+rwx", path], stderr=subprocess.DEVNULL) if os.geteuid() != 0 else None
        shutil.rmtree(path)


def prepare():
    remove(target)
    if old != "-":
        subprocess.run(["cp", "-a", "--sparse=always", old, target], check=True)
    if os.path.exists(log):
        os.unlink(log)


def run(plan):
    environment = dict(os.environ)
    if plan:
        environment.update(FOXING_FAULT=plan, FOXING_FAULT_LOG=log)
    try:
        done = subprocess.run([FXCP, "-a", "--json", *EXTRA, source, target], env=environment, capture_output=True, timeout=60)
        return done.returncode, done.stdout, done.stderr
    except subprocess.TimeoutExpired as late:
        return "hangs", late.stdout or b"", late.stderr or b""


def differences(a, b, *options):
    done = subprocess.run([COMPARE, a, b, *options], capture_output=True)
    lines = done.stdout.decode("utf-8", "replace").splitlines()
    lines = [line for line in lines if line != ".: xattr only in B: user.foxing.origin"]  # what a mirror remembers
    return done.returncode, lines, done.stderr.decode("utf-8", "replace")


def covered(line, named):
    """Is the difference told?  Its name itself; a name above, all of which failed; or a name below (the times of a directory suffer
    with its entries).  A hard link has two names, and either may be the one that failed."""
    paths = [line.split(": ")[0]]
    partner = re.search(r": hard link: one file with (.*) in [AB], not in [AB]$", line)
    if partner:
        paths.append(partner.group(1))
    if ": link count: " in line and any(not os.path.lexists(os.path.join(source, name)) for name in named):
        return True  # a name that should have been deleted, and was not, is one of the links
    return any(name == "." or path == "." or path == name or path.startswith(name + "/") or name.startswith(path + "/")
               for name in named for path in paths)


def relative(path):
    """A path of a report, relative to the root of the tree."""
    for root in (source, target):
        if path == root:
            return "."
        if path.startswith(root + "/"):
            return path[len(root) + 1:]
    return path


def contents(path):
    with open(path, "rb") as file:
        return file.read(1 << 22)


def half_written():
    """Regular files of the target that are neither the source's nor the old version's."""
    wrong = []
    for directory, _, names in os.walk(target):
        for name in names:
            path = os.path.join(directory, name)
            if os.path.islink(path) or not os.path.isfile(path):
                continue
            inner = os.path.relpath(path, target)
            now = contents(path)
            versions = [os.path.join(root, inner) for root in (source, old) if root != "-"]
            if not any(os.path.isfile(version) and not os.path.islink(version) and os.path.getsize(version) == os.path.getsize(path)
                       and contents(version) == now for version in versions):
                wrong.append(inner)
    return wrong


def lost():
    """Names that both the source and the old version have, and the target has not."""
    if old == "-":
        return []
    both = names_in(source) & names_in(old)
    return sorted(both - names_in(target))


def names_in(tree):
    return {os.path.relpath(os.path.join(directory, name), tree) for directory, directories, names in os.walk(tree) for name in directories + names}


def litter():
    return [os.path.join(directory, name) for directory, directories, names in os.walk(target) for name in names + directories
            if name.startswith(".tmp.") and not os.path.lexists(os.path.join(source, os.path.relpath(directory, target), name))]


def examine(plan, call, code, out, err):
    """What is wrong after this run."""
    problems = []
    text = err.decode("utf-8", "replace")
    if code not in (0, 1, 2):
        return [f"exit {code}: {text[-1500:]}"]
    try:
        events = json_lines.parse(out)
    except ValueError as error:
        return [f"stdout is not JSON lines: {error}"]
    code_of_compare, lines, trouble = differences(source, target) if os.path.lexists(target) else (1, [".: only in A"], "")
    if code_of_compare == 2:
        return [f"cannot compare: {trouble[:300]}"]
    if code == 0 and lines:
        problems.append(f"exit 0, and yet: {lines[:4]}")
    named = {relative(path) for path in json_lines.failing_paths(events)}
    if code == 1:
        if not named:
            problems.append(f"exit 1 without a failure that names a path: {text[:300]}")
        # A full target ends the run: what it has not come to is as it was, and only the summary tells.
        full = events[-1].get("no_space", False) if events else False
        silent = [] if full else [line for line in lines if not covered(line, named)]
        if silent:
            problems.append(f"differs and not named (named: {sorted(named)[:5]}): {silent[:4]}")
    if code == 2 and not text.strip() and not named:
        problems.append("exit 2 without a message")
    if code == 2 and old != "-" and os.path.lexists(target):
        changed = differences(old, target, "--no-times")[1]
        if changed:
            problems.append(f"exit 2, and yet something was done: {changed[:4]}")
    if os.path.isdir(target) and lost():
        problems.append(f"lost: {lost()[:4]}")
    left = litter() if os.path.isdir(target) else []
    if left and call != "unlinkat":
        problems.append(f"left behind: {left[:3]}")
    if os.path.isdir(target):
        for path in half_written():
            if path not in {os.path.relpath(name, target) for name in left}:
                problems.append(f"neither old nor new: {path}")
    if lines or left or code != 0:
        code, _, err = run(None)
        again = differences(source, target)[1] if os.path.lexists(target) else ["nothing there"]
        if code != 0 or again:
            problems.append(f"a second run does not heal: exit {code}, {again[:4]} {err.decode('utf-8', 'replace')[:300]}")
    return problems


def attempt(call, when, effect):
    """False when the run had no such call any more."""
    global runs, fired, bad
    plan = f"{call}:{when}:{effect}"
    prepare()
    code, out, err = run(plan)
    runs += 1
    if code == 2 and b"FOXING_FAULT" in err:
        sys.exit(f"fault_sweep: {err.decode('utf-8', 'replace')}")
    hit = os.path.exists(log) and os.path.getsize(log) > 0
    fired += hit
    problems = examine(plan, call, code, out, err)
    for problem in problems:
        bad += 1
        if bad <= 40:
            print(f"FAIL: FOXING_FAULT={plan} (old: {old != '-'}): {problem}"[:900])
    return hit


for call in calls:
    for effect in effects.split(","):
        every = re.match(r"(\*\d+):(.*)", effect)
        if (every.group(2) if every else effect) == "short" and call not in MOVERS:
            continue
        if every:
            attempt(call, every.group(1), every.group(2))
            continue
        nth = 1
        while attempt(call, nth, effect):
            nth += 1

remove(target)
print(f"{runs} runs, {fired} with a fault, {bad} problems")
if fired == 0:
    sys.exit("no fault was ever fired: is this a build with FOXING_FAULT_INJECTION?")
sys.exit(1 if bad else 0)
