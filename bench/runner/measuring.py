# SPDX-License-Identifier: GPL-2.0-or-later
"""Measuring: runs the competitors side by side, round by round, and keeps every number.

How.   One round runs each competitor once, in an order that moves on by one every round, so that drift of the machine and leftovers of
       the one before fall on all of them alike.  Before every run the old target is gone and both file systems are written out.
       Warm: the source is read through before every run.  Cold: drop_caches before every run.
Holds. Whatever fxcp says it copied is compared with the source after its first run, attribute by attribute and byte by byte.
"""

import contextlib
import errno
import json
import os
import shutil
import signal
import statistics
import subprocess

from runner import competitors as who
from runner import workloads

_BYTES_PER_INODE = 4096  # inode, dentry and what the file system keeps beside them
_TOUCH_SHARE = 0.25  # of the memory that is available, at most
_DROP_CACHES = "/proc/sys/vm/drop_caches"


class Series:
    """The runs of one competitor in one cell of the table."""

    def __init__(self, command):
        self.command = command
        self.seconds = []
        self.max_rss_bytes = 0
        self.user_seconds = []
        self.system_seconds = []
        self.failure = None
        self.account = None  # second runs: bytes read and written

    def add(self, run):
        self.seconds.append(run["seconds"])
        self.user_seconds.append(run["user_seconds"])
        self.system_seconds.append(run["system_seconds"])
        self.max_rss_bytes = max(self.max_rss_bytes, run["max_rss_bytes"])

    def as_json(self, short=str):
        facts = {"command": [short(word) for word in self.command], "failure": self.failure, "seconds": self.seconds}
        if self.account:
            facts["io"] = self.account.as_json()
        if self.seconds:
            facts |= {
                "median": statistics.median(self.seconds),
                "min": min(self.seconds),
                "max": max(self.seconds),
                "user_median": statistics.median(self.user_seconds),
                "system_median": statistics.median(self.system_seconds),
                "max_rss_bytes": self.max_rss_bytes,
            }
        return facts


class Stopwatch:
    def __init__(self, helpers, work):
        self._program = os.path.join(helpers, "stopwatch")
        self._result = os.path.join(work, "stopwatch.json")
        self._log = os.path.join(work, "stopwatch.log")

    def run(self, command, touch_bytes=0, warm=None, repeat=1):
        """The cost of `command`, and None; or None, and what it said when it failed."""
        words = [self._program, f"--touch={touch_bytes}", f"--repeat={repeat}", *([f"--warm={warm}"] if warm else []), self._result, *command]
        with open(self._log, "wb") as log:
            # A session of its own, so that an interrupted benchmark can end whatever is running before it unmounts.
            process = subprocess.Popen(words, stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True)
            try:
                status = process.wait()
            except BaseException:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()
                raise
        if status != 0:
            with open(self._log, encoding="utf-8", errors="replace") as log:
                said = log.read(2000).strip().replace("\n", "; ")
            return None, f"status {status}: {said or 'nothing said'}"
        with open(self._result, encoding="utf-8") as result:
            return json.load(result), None


def can_drop_caches():
    return os.geteuid() == 0 and os.access(_DROP_CACHES, os.W_OK)


def drop_caches():
    """False where it is not allowed (a container)."""
    os.sync()
    try:
        with open(_DROP_CACHES, "w", encoding="ascii") as file:
            file.write("3")
    except OSError as error:
        if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            return False
        raise
    return True


class Cell:
    """One pair, one workload, warm or cold: a row of the table."""

    def __init__(self, pair, workload, cold, rounds, smoke=False):
        self.smoke = smoke
        self.pair = pair
        self.workload = workload
        self.cold = cold
        self.rounds = rounds
        self.series = {}
        self.unequal = {}  # competitor: what differs
        self.target = os.path.join(pair.target.root, "target")

    @property
    def failures(self):
        broken = {name: series.failure for name, series in self.series.items() if series.failure}
        return broken | {name: "unequal: " + text for name, text in self.unequal.items()}


class Measurer:
    def __init__(self, stopwatch, competitors, limits):
        self._stopwatch = stopwatch
        self._competitors = competitors
        self._limits = limits  # (pair name, workload name, competitor): words for bare_loop, found by `_choose_limit`

    def measure(self, cell, progress):
        names = self._competitors.names(cell.workload)
        for name in names:
            words = self._choose_limit(cell, name) if name in (who.LIMIT, who.LIMIT_PLAIN) else ()
            cell.series[name] = Series(self._competitors.command(name, cell.workload, cell.target, words))
        for number in range(cell.rounds):
            first = number % len(names)
            for name in names[first:] + names[:first]:
                progress(f"round {number + 1} of {cell.rounds}: {name}")
                self._run(cell, name)
        self._clear(cell)

    def _run(self, cell, name):
        series = cell.series[name]
        if series.failure:
            return
        run, series.failure = self._run_command(cell, series.command)
        if run is None:
            return
        series.add(run)
        if len(series.seconds) == 1 and name in (who.FXCP, who.FXCP_PLAIN):
            difference = first_difference(cell)
            if difference:
                cell.unequal[name] = difference

    def _run_command(self, cell, command):
        self._clear(cell)
        single = cell.workload.name == "single"
        if single:
            os.mkdir(cell.target)
        if cell.cold:
            drop_caches()
        repeat = 1
        if single and not cell.cold:
            repeat = workloads.SINGLE_REPEATS_SMOKE if cell.smoke else workloads.SINGLE_REPEATS
        return self._stopwatch.run(command, touch_bytes(cell), None if cell.cold else cell.workload.path, repeat)

    @staticmethod
    def _clear(cell):
        if os.path.exists(cell.target):
            subprocess.run(["rm", "-rf", cell.target], check=True)
        settle(cell)

    def _choose_limit(self, cell, name):
        """The fastest form of the bare loop: the best of two runs for each candidate.  Cold rows use what was found warm, when it was."""
        key = (cell.pair.name, cell.workload.name, name)
        if key not in self._limits:
            best = None
            for words in self._competitors.limit_candidates(name, cell.pair, cell.workload):
                command = self._competitors.command(name, cell.workload, cell.target, words)
                runs = [self._run_command(cell, command)[0] for _ in range(1 if cell.smoke else 2)]
                seconds = min((run["seconds"] for run in runs if run), default=None)
                if seconds is not None and (best is None or seconds < best[0]):
                    best = (seconds, words)
            self._limits[key] = best[1] if best else []
        return self._limits[key]


def settle(cell):
    """Both file systems written out, so that nobody pays for the one before."""
    if cell.smoke:
        return
    cell.pair.target.sync()
    if not cell.pair.same:
        cell.pair.source.sync()


def touch_bytes(cell):
    """About what page cache and inodes will ask for.  Cold runs have just emptied both, so the source needs its share as well."""
    if cell.smoke:
        return 0
    wanted = (cell.workload.bytes + cell.workload.files * _BYTES_PER_INODE + (64 << 20)) * (2 if cell.cold else 1)
    return int(min(wanted, _available_bytes() * _TOUCH_SHARE))


def _available_bytes():
    with open("/proc/meminfo", encoding="ascii") as file:
        for line in file:
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    return 0


def first_difference(cell):
    """None when source and target are equal; else the first thing that differs, in words."""
    source, target = cell.workload.path, cell.target
    if cell.workload.name == "single":
        copies = os.listdir(target)
        pairs = ((os.path.join(source, "file0"), os.path.join(target, name)) for name in copies)
        return next((text for text in (_compare(a, b) for a, b in pairs) if text), None) if copies else "nothing was copied"
    for directory, names, files in os.walk(source):
        there = os.path.join(target, os.path.relpath(directory, source))
        try:
            listed = sorted(os.listdir(there))
        except OSError as error:
            return f"{there}: {error.strerror}"
        if listed != sorted(names + files):
            return f"{there}: other names than in {directory}"
        for name in names + files:
            text = _compare(os.path.join(directory, name), os.path.join(there, name), contents=False)
            if text:
                return text
    return other_contents(source, target)


def other_contents(source, target):
    """Names and bytes alone."""
    done = subprocess.run(["diff", "-r", "-q", "--no-dereference", source, target], capture_output=True, text=True, errors="replace", check=False)
    return done.stdout.strip().split("\n")[0] or done.stderr.strip() or None


def _compare(source, target, contents=True):
    """Type, permission bits, owner, size, mtime to the nanosecond, link text, allocated blocks of sparse files."""
    left, right = os.lstat(source), os.lstat(target)
    for field in ("st_mode", "st_uid", "st_gid", "st_mtime_ns"):
        if getattr(left, field) != getattr(right, field):
            return f"{target}: {field} {getattr(right, field)}, not {getattr(left, field)}"
    regular = os.path.isfile(source) and not os.path.islink(source)
    if regular and left.st_size != right.st_size:
        return f"{target}: {right.st_size} bytes, not {left.st_size}"
    # 1 MiB of slack: file systems round and preallocate differently.
    if regular and left.st_blocks * 512 < left.st_size // 2 and right.st_blocks * 512 > left.st_blocks * 512 + (1 << 20):
        return f"{target}: {right.st_blocks * 512} bytes allocated for {left.st_blocks * 512}: holes were lost"
    if os.path.islink(source) and os.readlink(source) != os.readlink(target):
        return f"{target}: another link text"
    if contents and shutil.which("cmp"):
        done = subprocess.run(["cmp", source, target], capture_output=True, text=True, check=False)
        return done.stdout.strip() or done.stderr.strip() or None
    return None
