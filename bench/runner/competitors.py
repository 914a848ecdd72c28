# SPDX-License-Identifier: GPL-2.0-or-later
"""Competitors: what a table column is, and the command behind it.

fxcp and cp get the same words; rsync's trailing slash says the same thing.  The two `limit` columns are bare_loop in whichever form is the
fastest for this pair and workload: the candidates run once before the first round, so no table from another machine is believed.
"""

import os
import re
import shutil
import subprocess

FXCP, FXCP_PLAIN, CP, RSYNC, LIMIT, LIMIT_PLAIN = "fxcp", "fxcp --no-atomic", "cp -a", "rsync -a", "limit", "limit --no-atomic"
ORDER = [FXCP, FXCP_PLAIN, CP, RSYNC, LIMIT, LIMIT_PLAIN]


class Competitors:
    def __init__(self, fxcp, helpers):
        self.fxcp = fxcp
        self.helpers = helpers
        self.missing = [name for name in ("cp", "rsync", "diff") if shutil.which(name) is None]

    def names(self, workload):
        """`million` is about memory: no limits there."""
        names = [CP, RSYNC] if "rsync" not in self.missing else [CP]
        if workload.name == "million":
            return [FXCP, *names]
        return [FXCP, FXCP_PLAIN, *names, LIMIT, LIMIT_PLAIN]

    def command(self, name, workload, target, limit_words=()):
        source = workload.path
        if workload.name == "single" and name not in (LIMIT, LIMIT_PLAIN):
            source, target = os.path.join(source, "file0"), target + "/file{}"
        elif workload.name == "single":
            target += "/directory{}"  # bare_loop copies directories: one mkdir more than the others
        if name == FXCP:
            return [self.fxcp, "-a", source, target]
        if name == FXCP_PLAIN:
            return [self.fxcp, "-a", "--no-atomic", source, target]
        if name == CP:
            return ["cp", "-a", source, target]
        if name == RSYNC:
            return ["rsync", "-a", source + ("" if workload.name == "single" else "/"), target]
        return [self.bare_loop, *limit_words, source, target]

    def shortened(self, workload, target):
        """A function that takes the paths of this machine out of a command's words."""
        def short(word):
            for path, name in ((self.fxcp, "fxcp"), (self.helpers + "/", ""), (workload.path, "SOURCE"), (target, "TARGET")):
                word = word.replace(path, name)
            return word
        return short

    @property
    def bare_loop(self):
        return os.path.join(self.helpers, "bare_loop")

    @staticmethod
    def limit_candidates(name, pair, workload):
        """Ways to copy that may be the fastest here.  copy_file_range does what clone or sendfile does, or refuses."""
        namings = ["--naming=final"] if name == LIMIT_PLAIN else ["--naming=tmpfile"]
        if workload.name == "single":
            return [["--threads=1", "--way=read_write", "--buffer=65536", *namings]]
        ways = [["--way=sendfile"], ["--way=read_write", "--buffer=262144"]]
        if workload.name in ("large", "mixed"):
            ways.append(["--way=mapped", "--buffer=262144"])
        if pair.reflink:
            ways = [["--way=sendfile", "--clone-from=16384"], ["--way=clone"], *ways[:1]]
        if name == LIMIT and pair.target.name.startswith("xfs"):
            namings.append("--naming=apart")
        return [[f"--threads={threads}", naming, *way] for threads in (1, 2) for naming in namings for way in ways]


def version(program):
    """The first line of --version (mkfs.xfs knows only -V), without the copyright."""
    if os.path.sep not in program and shutil.which(program) is None:
        return "not installed"
    done = subprocess.run([program, "-V" if program == "mkfs.xfs" else "--version"], capture_output=True, text=True, check=False)
    return re.sub(r"\s+", " ", (done.stdout or done.stderr).split("\n", 1)[0]).strip()
