#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
# stamps.py save TREE FILE            notes inode and ctime of every entry
# stamps.py check SOURCE TREE FILE    says which entries have been written since; exit 1 where there are any
# Why.   mtime can be put back, ctime cannot: a run that writes nothing leaves every ctime as it is.
# Holds. Directories are read with O_NOATIME, regular files are not opened: looking changes nothing, not even the source's times.
#        A regular file may have a new ctime where the quick check had to look at its bytes: its source was changed later than 20 ms before
#        the copy's last change (kSurelyEarlierNs in core/copy/quick_check.h), and a directory where a note was left on it (core/copy/as_of.h).  More than a fifth of such files is an error: then the check is void.
import os
import stat
import sys

SURELY_EARLIER_NS = 20_000_000


def stamps(directory, prefix=b""):
    """(path, status) of everything in a tree."""
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_NOATIME
    todo = [prefix]
    while todo:
        inner = todo.pop()
        fd = os.open(os.path.join(directory, inner) if inner else directory, flags)
        yield inner or b".", os.fstat(fd)
        for name in os.listdir(fd):
            name = os.fsencode(name)
            status = os.lstat(name, dir_fd=fd)
            path = os.path.join(inner, name) if inner else name
            if stat.S_ISDIR(status.st_mode):
                todo.append(path)
            else:
                yield path, status
        os.close(fd)


def has_note(directory):
    return "user.foxing.as_of" in os.listxattr(directory, follow_symlinks=False)


def save(tree, file):
    with open(file, "wb") as out:
        for path, status in stamps(tree):
            out.write(b"%d %d %s\0" % (status.st_ino, status.st_ctime_ns, path))


def check(source, tree, file):
    before = {}
    with open(file, "rb") as lines:
        for line in lines.read().split(b"\0")[:-1]:
            inode, ctime, path = line.split(b" ", 2)
            before[path] = (int(inode), int(ctime))
    looked, written = 0, []
    for path, status in stamps(tree):
        was = before.pop(path, None)
        if was == (status.st_ino, status.st_ctime_ns):
            continue
        if was is None:
            written.append((path, "is new"))
            continue
        origin = os.lstat(os.path.join(source, path))
        if was[0] == status.st_ino and stat.S_ISDIR(status.st_mode) and has_note(os.path.join(tree, path)):
            continue
        if was[0] == status.st_ino and stat.S_ISREG(status.st_mode) and origin.st_ctime_ns + SURELY_EARLIER_NS >= was[1]:
            looked += 1
        else:
            written.append((path, f"was inode {was[0]} ctime {was[1]}, is {status.st_ino} {status.st_ctime_ns}, source {origin.st_ctime_ns}"))
    written += [(path, "is gone") for path in before]
    for path, what in written[:10]:
        print(f"written: {path!r} {what}")
    if looked * 5 > len(before) + 50 + looked:
        print(f"{looked} files were only looked at: too many for this check to mean something")
        return 1
    return 1 if written else 0


arguments = [os.fsencode(argument) for argument in sys.argv[2:]]
sys.exit(save(*arguments) if sys.argv[1] == "save" else check(*arguments))
