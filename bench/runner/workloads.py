# SPDX-License-Identifier: GPL-2.0-or-later
"""Workloads: the trees that are copied, made once per source file system by make_workload (`tree` by cp from /usr).

`scale` divides the number of files, or their sizes (make_workload.cc says which), for the smoke test.
"""

import json
import os
import shutil
import subprocess

# name: (what it is, rounds).  `single` runs its command many times in a round, see SINGLE_REPEATS.
WORKLOADS = {
    "small": ("10 000 × 4 KiB", 7),
    "large": ("10 × 100 MiB", 5),
    "sparse": ("10 × 50 MiB, nearly all holes", 7),
    "mixed": ("5 000 files, 2.1 GB", 5),
    "tree": ("/usr/share and /usr/include", 5),
    "single": ("one 4 KiB file", 7),
    "million": ("1 000 000 × 100 bytes", 1),
}
ON_REQUEST = ["million"]
SINGLE_REPEATS = 100
SINGLE_REPEATS_SMOKE = 3


class Workload:
    def __init__(self, name, path, files, size):
        self.name = name
        self.path = path
        self.files = files
        self.bytes = size

    @property
    def title(self):
        return WORKLOADS[self.name][0]


def make(name, place, helpers, scale):
    """The workload on `place`; what is there already from an earlier pair is used again."""
    path = os.path.join(place.root, f"source-{name}")
    note = path + ".json"
    if not os.path.exists(note):
        facts = _make_tree(path, scale) if name == "tree" else _make_by_program(name, path, helpers, scale)
        with open(note, "w", encoding="utf-8") as file:
            json.dump(facts, file)
        place.sync()
    with open(note, encoding="utf-8") as file:
        facts = json.load(file)
    return Workload(name, path, facts["files"], facts["bytes"])


def _make_by_program(name, path, helpers, scale):
    done = subprocess.run([os.path.join(helpers, "make_workload"), name, path, f"--scale={scale}"], check=True, capture_output=True, text=True)
    return json.loads(done.stdout)


def _make_tree(path, scale):
    os.mkdir(path)
    if scale == 1:
        sources = [each for each in ("/usr/share", "/usr/include") if os.path.isdir(each)]
    else:
        sources = [os.path.dirname(json.__file__)]  # a small real directory that is there wherever this runs
    for source in sources:
        if shutil.which("cp") is None:
            raise FileNotFoundError("cp")
        subprocess.run(["cp", "-a", source, os.path.join(path, os.path.basename(source))], check=True)
    return count(path)


def count(path):
    files, size = 0, 0
    for directory, _, names in os.walk(path):
        for name in names:
            facts = os.lstat(os.path.join(directory, name))
            files += 1
            size += facts.st_size
    return {"files": files, "bytes": size}
