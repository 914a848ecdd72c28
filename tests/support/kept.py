#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
# kept.py BEFORE AFTER KEPT: is everything that BEFORE had still somewhere?  AFTER is BEFORE brought up to date with --backup-dir=KEPT.
# Each regular file and symlink of BEFORE has its content under its name in AFTER or in KEPT (there also with a number behind a part of
# the path, where something else was kept under the name).  Files of more than 4 MiB are compared by size.  Exit 1 where something is lost.
import os
import stat
import sys

before, after, kept = (os.fsencode(argument) for argument in sys.argv[1:4])


def content(path):
    try:
        status = os.lstat(path)
    except OSError:  # nothing there, or something else than a directory above it
        return None
    if stat.S_ISLNK(status.st_mode):
        return "link", os.readlink(path)
    if not stat.S_ISREG(status.st_mode):
        return stat.S_IFMT(status.st_mode), None
    if status.st_size > 1 << 22:
        return "file", status.st_size
    with open(path, "rb") as file:
        return "file", file.read()


def numbered(root, parts):
    """Every path below root whose parts are these, or these with .1, .2 ... behind."""
    found = [root]
    for part in parts:
        found = [os.path.join(path, name) for path in found for name in candidates(path, part)]
    return found


def candidates(directory, part):
    yield part
    number = 1
    while os.path.lexists(os.path.join(directory, part + b".%d" % number)):
        yield part + b".%d" % number
        number += 1


lost = moved = 0
for directory, directories, names in os.walk(before):
    for name in names + [name for name in directories if os.path.islink(os.path.join(directory, name))]:
        path = os.path.join(directory, name)
        inner = os.path.relpath(path, before)
        was = content(path)
        if content(os.path.join(after, inner)) == was:
            continue
        moved += 1
        if not any(content(place) == was for place in numbered(kept, inner.split(b"/"))):
            lost += 1
            if lost <= 10:
                print(f"lost: {inner!r} ({was[0]})")
print(f"{moved} are no longer in their place, {lost} of them lost")
if moved == 0:
    sys.exit("kept: nothing has changed: this shows nothing")
sys.exit(1 if lost else 0)
