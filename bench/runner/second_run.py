# SPDX-License-Identifier: GPL-2.0-or-later
"""The second run: a target that is there already is brought up to date.

    from  a tree `before` and a source that is `before` with a change      to  cells like those of the first run, and bytes read and written
Why.   A copy is made once and refreshed for years.
How.   The target is put back before every run: an ordinary copy of `before`, made by cp without reflinks, so that nobody meets shared
       blocks that a real target would not have.  It is then in the page cache, as the source is after the stopwatch has read it.
       Rows whose runs leave the target as it is (`again`, `again100k`, `verify`) get it once.
Holds. Times are as in real life.  A copy is younger (ctime) than its unchanged source file: the source was made long before.  A changed
       source file is younger than its copy: `freshen` touches it after the target was put back.  Access times are equal on both sides,
       and reading moves none on the source: relatime moves them once after a change, and the source has been read by then.
       One run of each competitor comes first, untimed: it counts bytes, and what it made of the target is compared with the source
       (fxcp's with all attributes, the others' names and bytes).
"""

import json
import os
import random
import shutil
import subprocess
import time

from runner import accounting, measuring

FXCP, FXCP_INPLACE, FXCP_DELETE, FXCP_VERIFY = "fxcp -a", "fxcp -a --inplace", "fxcp -a --delete", "fxcp verify"
RSYNC, RSYNC_ALL, RSYNC_DELTA, RSYNC_DELETE, RSYNC_CHECK = (
    "rsync -a", "rsync -aHAX", "rsync -a --inplace --no-whole-file", "rsync -a --delete", "rsync -anc")
CP, DIFF = "cp -a", "diff -r"

KIB, GIB = 1 << 10, 1 << 30
DELTA_BLOCK = 4 * KIB
SEED = 1
# fxcp believes a copy that is at least 20 ms younger than its source; tiny trees are copied sooner than that.
_OLDER_SECONDS = 0.1


class Kind:
    def __init__(self, title, rounds, competitors, tree, change=None, signed=False):
        self.title = title
        self.rounds = rounds
        self.competitors = competitors  # the first is the one that the others are compared with
        self.tree = tree  # words for make_workload
        self.signed = signed  # the last run was `fxcp -a --generate-sigs`
        self.change = change  # what is done to the source; without it the target is not changed either


def files_of_4_kib(number):
    return lambda scale: ["uniform", f"--files={max(100, number // scale)}", f"--size={4 * KIB}"]


def one_file(size):
    return lambda scale: ["uniform", "--files=1", f"--size={size // scale}"]


def mixed(scale):
    return ["mixed", f"--scale={scale}"]


# ---------------------------------------------------------------- changes: the names that changed, and how many bytes of data

def rewrite_one_in_a_hundred(root):
    """Other bytes, the same size."""
    draw = random.Random(SEED)
    names = files_below(root)[::100]
    for name in names:
        with open(os.path.join(root, name), "r+b") as file:
            file.write(draw.randbytes(os.fstat(file.fileno()).st_size))
    return names, sum(os.lstat(os.path.join(root, name)).st_size for name in names)


def rewrite_one_block_in_a_hundred(root):
    draw = random.Random(SEED)
    [name] = files_below(root)
    path = os.path.join(root, name)
    blocks = os.lstat(path).st_size // DELTA_BLOCK
    chosen = draw.sample(range(blocks), max(1, blocks // 100))
    with open(path, "r+b") as file:
        for block in chosen:
            file.seek(block * DELTA_BLOCK)
            file.write(draw.randbytes(DELTA_BLOCK))
    return [name], len(chosen) * DELTA_BLOCK


def other_mode(root):
    names = files_below(root)
    for name in names:
        os.chmod(os.path.join(root, name), 0o640)
    return names, 0


def remove_every_other(root):
    for name in files_below(root)[::2]:
        os.unlink(os.path.join(root, name))
    return [], 0


KINDS = {
    "again": Kind("10 000 × 4 KiB, nothing changed", 7, [FXCP, RSYNC, RSYNC_ALL], files_of_4_kib(10_000)),
    "again100k": Kind("100 000 × 4 KiB, nothing changed", 5, [FXCP, RSYNC, RSYNC_ALL], files_of_4_kib(100_000)),
    "signed": Kind("10 000 × 4 KiB, nothing changed, with signatures", 7, [FXCP, RSYNC, RSYNC_ALL], files_of_4_kib(10_000), signed=True),
    "signed100k": Kind("100 000 × 4 KiB, nothing changed, with signatures", 5, [FXCP, RSYNC, RSYNC_ALL], files_of_4_kib(100_000), signed=True),
    "edited": Kind("10 000 × 4 KiB, 1 % rewritten", 7, [FXCP, RSYNC, RSYNC_ALL], files_of_4_kib(10_000), rewrite_one_in_a_hundred),
    "blocks": Kind("1 GiB, 1 % of its 4 KiB blocks rewritten", 5, [FXCP, FXCP_INPLACE, RSYNC_DELTA, RSYNC, CP], one_file(GIB),
                   rewrite_one_block_in_a_hundred),
    "modes": Kind("10 000 × 4 KiB, chmod of all", 7, [FXCP, RSYNC, RSYNC_ALL], files_of_4_kib(10_000), other_mode),
    "removed": Kind("10 000 × 4 KiB, half of them removed", 7, [FXCP_DELETE, RSYNC_DELETE], files_of_4_kib(10_000), remove_every_other),
    "verify": Kind("compare 5 000 files, 2.1 GB", 5, [FXCP_VERIFY, RSYNC_CHECK, DIFF], mixed),
}
PAIRS = ["xfs-xfs", "xfs-xfs2", "xfs-ext4"]  # unless others are asked for
PAIRS_SMOKE = ["xfs-xfs", "xfs-ext4", "here-here"]


_UNCHANGED = ("again", "again100k", "signed", "signed100k")


class Workload:
    def __init__(self, name, source_root, facts):
        self.name = name
        self.kind = KINDS[name]
        self.before, self.path = (os.path.join(source_root, facts[side]) for side in ("before", "source"))
        self.files = facts["files"]
        self.bytes = facts["bytes"]
        self.changed = facts["changed"]  # names below `path`
        self.changed_bytes = facts["changed_bytes"]


def make(name, place, helpers, scale):
    """The trees of one kind on `place`; what is there already from an earlier pair is used again."""
    kind = KINDS[name]
    path = os.path.join(place.root, f"second-{name}")
    note = path + ".json"
    if not os.path.exists(note):
        words = kind.tree(scale)
        done = subprocess.run([os.path.join(helpers, "make_workload"), words[0], path, *words[1:]], check=True, capture_output=True, text=True)
        facts = json.loads(done.stdout) | {"before": os.path.basename(path), "source": os.path.basename(path), "changed": [], "changed_bytes": 0}
        _make_old(path)
        if kind.change is not None:
            source = path + "-changed"
            subprocess.run(["cp", "-a", "--reflink=never", path, source], check=True)
            facts["changed"], facts["changed_bytes"] = kind.change(source)
            facts["source"] = os.path.basename(source)
        _read_through(os.path.join(place.root, facts["source"]))
        with open(note, "w", encoding="utf-8") as file:
            json.dump(facts, file)
        place.sync()
        time.sleep(_OLDER_SECONDS)
    with open(note, encoding="utf-8") as file:
        return Workload(name, place.root, json.load(file))


def command(name, fxcp, source, target):
    """The words behind a column; a name is what somebody would type."""
    program, *options = name.split()
    if program == "fxcp":
        return [fxcp, *options, source, target]
    if program == "cp":
        return ["cp", *options, "--no-target-directory", source, target]
    if program == "diff":
        return ["diff", *options, source, target]
    return ["rsync", *options, source + "/", target]


class Measurer:
    """As measuring.Measurer, for cells of a second run."""

    def __init__(self, stopwatch, competitors, work):
        self._stopwatch = stopwatch
        self._competitors = competitors
        self._log = os.path.join(work, "accounting.log")

    def measure(self, cell, progress):
        names = [name for name in cell.workload.kind.competitors if name.split()[0] not in self._competitors.missing]
        for name in names:
            cell.series[name] = measuring.Series(command(name, self._competitors.fxcp, cell.workload.path, cell.target))
        self._put_back(cell)
        for name in names:
            progress(f"what it reads and writes: {name}")
            self._account(cell, name)
        # The comparing has read the target, which moves its access times; they are put back, too.
        self._put_back(cell)
        for number in range(cell.rounds):
            first = number % len(names)
            for name in names[first:] + names[:first]:
                progress(f"round {number + 1} of {cell.rounds}: {name}")
                self._run(cell, name)
        shutil.rmtree(cell.target)
        measuring.settle(cell)

    def _account(self, cell, name):
        self._prepare(cell)
        series = cell.series[name]
        series.account, series.failure = accounting.run(series.command, cell.pair.target, self._log)
        if series.account is None:
            return
        if name.startswith("fxcp"):
            difference = measuring.first_difference(cell) or _other_work(cell, series.account)
        else:
            # A program that took a change for none would win its row.  No more is asked: rsync leaves some directories with a new mtime.
            difference = measuring.other_contents(cell.workload.path, cell.target)
        if difference:
            cell.unequal[name] = difference

    def _run(self, cell, name):
        series = cell.series[name]
        if series.failure:
            return
        self._prepare(cell)
        if cell.workload.name in _UNCHANGED:
            self._run_before(cell, name)
        if cell.cold:
            measuring.drop_caches()
        run, series.failure = self._stopwatch.run(series.command, measuring.touch_bytes(cell), None if cell.cold else cell.workload.path)
        if run is not None:
            series.add(run)

    def _run_before(self, cell, name):
        """The mirror was last refreshed by the same command, as mirrors are: rsync -X takes away what fxcp notes in attributes."""
        words = cell.series[name].command
        if name == FXCP and cell.workload.kind.signed:
            words = [self._competitors.fxcp, "-a", "--generate-sigs", cell.workload.path, cell.target]
        subprocess.run(words, check=True, stdout=subprocess.DEVNULL)
        measuring.settle(cell)

    def _prepare(self, cell):
        if cell.workload.kind.change is None:
            measuring.settle(cell)
        else:
            self._put_back(cell)

    def _put_back(self, cell):
        put_back(cell)
        if cell.workload.kind.signed:
            subprocess.run([self._competitors.fxcp, "-a", "--generate-sigs", cell.workload.path, cell.target], check=True)
            measuring.settle(cell)


def _other_work(cell, account):
    """None when the run did what its row is about: times of anything else would be worth nothing."""
    name, size = cell.workload.name, cell.workload.bytes
    if account.read is None:
        return None
    if name in _UNCHANGED and max(account.read, account.written) >= size:
        return f"nothing had changed, but {account.read} bytes were read and {account.written} written"
    if name == "verify" and account.read < 2 * size:
        return f"only {account.read} bytes were read of two times {size}"
    return None


def put_back(cell):
    """The target as the last run had left it, long ago; the changed files of the source as changed since."""
    workload = cell.workload
    if os.path.exists(cell.target):
        subprocess.run(["rm", "-rf", cell.target], check=True)
    subprocess.run(["cp", "-a", "--reflink=never", workload.before, cell.target], check=True)
    _same_access_times(workload, cell.target)
    for name in workload.changed:
        _freshen(os.path.join(workload.path, name))
    measuring.settle(cell)


def _freshen(path):
    """A new ctime and nothing else."""
    os.chmod(path, os.lstat(path).st_mode & 0o7777)


def _same_access_times(workload, target):
    """cp read `before`, which moved times there; the copies of unchanged files get the source's, as the last run would have set them."""
    changed = set(workload.changed)
    for directory, _, names in os.walk(target, topdown=False):
        below = os.path.relpath(directory, target)
        for name in [*names, "."]:
            within = os.path.normpath(os.path.join(below, name))
            source, copy = os.path.join(workload.path, within), os.path.join(target, within)
            if within not in changed and os.path.exists(source):
                os.utime(copy, ns=(os.lstat(source).st_atime_ns, os.lstat(copy).st_mtime_ns))


def _make_old(root):
    """Written an hour ago: rsync compares whole seconds, and would take a change within the same one for none."""
    for name in files_below(root):
        path = os.path.join(root, name)
        facts = os.lstat(path)
        os.utime(path, ns=(facts.st_atime_ns, facts.st_mtime_ns - 3600 * 10**9))


def _read_through(root):
    for name in files_below(root):
        with open(os.path.join(root, name), "rb") as file:
            while file.read(256 * KIB):
                pass


def files_below(root):
    """Names of files relative to `root`, sorted, so that every machine changes the same."""
    found = [os.path.relpath(os.path.join(directory, name), root) for directory, _, names in os.walk(root) for name in names]
    return sorted(found)
