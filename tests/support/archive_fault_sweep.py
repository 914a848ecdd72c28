#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
# archive_fault_sweep.py SOURCE ARCHIVE TARGET EFFECT [FIRST]: fails every single call of fxcp snap export, export --append, import from a file and through a pipe, one run for
# each.  SOURCE is a tree, ARCHIVE a name beside which nothing is, TARGET a directory that is not there.
# After each run, whatever failed:
#   - the exit code is 0, 1 or 2: no crash, no hang; not 0 unless what was made is exact
#   - a new archive has its name only when it is whole; an old one has its first snapshot, whole, and nothing that is damaged
#   - a restored file is whole; no staging name is left, but where removing names is what failed
import filecmp
import os
import shutil
import subprocess
import sys

FXCP = os.environ["FXCP"]
COMPARE = os.path.join(os.environ["FOXING_TOOLS"], "tree_compare")
CALLS = ("openat openat2 tmpfile close fstat fstatat getdents64 readlinkat read pread write pwrite lseek ftruncate fsync mkdirat symlinkat mknodat linkat "
         "renameat2 unlinkat fchown fchmod utimensat listxattr getxattr setxattr fstatfs poll lock").split()
MAY_STAY = ("unlinkat",)
source, archive, target, effect = sys.argv[1:5]
first = int(sys.argv[5]) if len(sys.argv) > 5 else 12
old, log = archive + ".old", target + ".faults"
runs = fired = bad = 0


def fxcp(*words, plan=None, stdin=None):
    environment = dict(os.environ)
    if plan:
        environment.update(FOXING_FAULT=plan, FOXING_FAULT_LOG=log)
    return subprocess.run([FXCP, "snap", *words], env=environment, stdin=stdin, capture_output=True, timeout=60)


def same(a, b):
    return subprocess.run([COMPARE, a, b, "--quiet"], capture_output=True).returncode == 0


def forget(path):
    shutil.rmtree(path, ignore_errors=True)


def staging(place):
    return [name for _, directories, files in os.walk(place) for name in directories + files if name.startswith(".tmp.")]


def restored(path):
    """What an archive has, restored without faults; None where it cannot be."""
    forget(target)
    done = fxcp("import", "-q", "--devices", path, target)
    return target if done.returncode == 0 else None


def whole_files(tree):
    for root, _, files in os.walk(tree):
        for name in files:
            path = os.path.join(root, name)
            original = source + path[len(tree):]
            if os.path.isfile(path) and not os.path.islink(path) and not name.startswith(".tmp.") and not filecmp.cmp(path, original, shallow=False):
                return False
    return True


def export(plan):
    if os.path.exists(archive):
        os.unlink(archive)
    done = fxcp("export", "-q", source, "-o", archive, plan=plan)
    if not os.path.exists(archive):
        yield done.returncode == 2, "nothing was made, and the exit code is another"
    else:
        yield fxcp("check", "-q", archive).returncode == 0, "what has the name is not whole"
        if done.returncode == 0:
            yield restored(archive) and same(source, target), "exit 0, and the archive has another tree"
    yield done.returncode in (0, 1, 2), f"exit {done.returncode}: {done.stderr[-300:]}"


def append(plan):
    shutil.copyfile(old, archive)
    done = fxcp("export", "-q", "--append", source, "-o", archive, plan=plan)
    yield done.returncode in (0, 1, 2), f"exit {done.returncode}: {done.stderr[-300:]}"
    checked = fxcp("check", "-q", archive)
    if "ftruncate" not in (plan or ""):
        yield checked.returncode == 0, f"the archive is damaged: {checked.stderr[-300:]}"
    forget(target)
    yield fxcp("import", "-q", "--devices", "--date=2026-01-01", archive, target).returncode == 0 and same(source, target), "the first snapshot is gone"
    if done.returncode == 0:
        yield restored(archive) and same(source, target), "exit 0, and the archive has another tree"


def imported(plan, through_pipe):
    forget(target)
    if through_pipe:
        with subprocess.Popen(["cat", old], stdout=subprocess.PIPE) as cat:
            done = fxcp("import", "-q", "--devices", target, plan=plan, stdin=cat.stdout)
            cat.stdout.close()
    else:
        done = fxcp("import", "-q", "--devices", old, target, plan=plan)
    yield done.returncode in (0, 1, 2), f"exit {done.returncode}: {done.stderr[-300:]}"
    if done.returncode == 0:
        yield same(source, target), "exit 0, and the trees differ"
    else:
        yield len(done.stderr) > 0, "a failure that is not said"
    yield whole_files(target), "a file is not whole"


WAYS = {"export": export, "append": append, "import": lambda plan: imported(plan, False), "pipe": lambda plan: imported(plan, True)}

assert fxcp("export", "-q", source, "-o", old, "--timestamp=2026-01-01T000000").returncode == 0
for way, run in WAYS.items():
    for call in CALLS:
        step = number = 1
        while True:
            if os.path.exists(log):
                os.unlink(log)
            plan = f"{call}:{number}:{effect}"
            found = [what for good, what in run(plan) if not good]
            runs += 1
            if not os.path.exists(log) or os.path.getsize(log) == 0:
                if found:
                    found = [f"without a fault: {what}" for what in found]
                    print(f"{way} {plan}: {'; '.join(found)}")
                    bad += 1
                break
            fired += 1
            left = staging(os.path.dirname(archive)) + staging(target)
            if left and call not in MAY_STAY:
                found.append(f"left behind: {left[:3]}")
            for path in [os.path.join(os.path.dirname(archive), name) for name in left]:
                if os.path.isfile(path):
                    os.unlink(path)
            if found:
                bad += 1
                print(f"{way} {plan}: {'; '.join(found)}")
            number += step
            if number > first:  # the first ones of a kind are different places; of the others some
                step = 7
print(f"{effect}: {runs} runs, {fired} faults, {bad} bad")
sys.exit(1 if bad or fired < 100 else 0)
