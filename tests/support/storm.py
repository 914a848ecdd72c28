#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
# storm.py TREE SEED PROCESSES COUNT: several processes change one tree at once, without regard for each other, COUNT times each.
# storm.py chains TREE COUNT: COUNT files are made and renamed a, b, c, d, e; only the e's are left.
# Why.   mutate.py changes a tree as one user would, and knows what is there.  Here names disappear under each other's hands, directories are moved while others
#        work in them, and a name is a file, a directory and nothing within a millisecond: what a mirror hears of is late, merged and out of date.
# Holds. Nothing outside of TREE is touched: no link is followed, and names are taken from a small set, so that they meet.
#        What fails because somebody else was there first is no error.  Exit 1 where next to nothing succeeded.
import ctypes
import mmap
import os
import random
import shutil
import sys

libc = ctypes.CDLL(None, use_errno=True)
AT_FDCWD, RENAME_EXCHANGE = -100, 2


def exchange(one, other):
    if libc.renameat2(AT_FDCWD, one, AT_FDCWD, other, RENAME_EXCHANGE) != 0:
        raise OSError(ctypes.get_errno(), "renameat2")


class Worker:
    def __init__(self, tree, seed):
        self.tree, self.rng, self.done = tree, random.Random(seed), 0

    def directory(self):
        path = self.tree
        for _ in range(self.rng.randrange(4)):
            deeper = os.path.join(path, b"d%d" % self.rng.randrange(4))
            if not os.path.isdir(deeper) or os.path.islink(deeper):
                break
            path = deeper
        return path

    def file(self):
        return os.path.join(self.directory(), b"f%d" % self.rng.randrange(12))

    def subdirectory(self):
        return os.path.join(self.directory(), b"d%d" % self.rng.randrange(4))

    def content(self):
        return self.rng.randbytes(self.rng.choice([0, 1, 100, 4096, 4097, 20000]))

    def write(self, path, flags, data):
        fd = os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK, 0o644)
        try:
            os.write(fd, data)
        finally:
            os.close(fd)

    def create(self):
        self.write(self.file(), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, self.content())

    def append(self):
        self.write(self.file(), os.O_WRONLY | os.O_APPEND, self.content())

    def overwrite(self):
        fd = os.open(self.file(), os.O_WRONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        try:
            os.pwrite(fd, self.content(), self.rng.randrange(8192))
        finally:
            os.close(fd)

    def shorten(self):
        fd = os.open(self.file(), os.O_WRONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        try:
            os.ftruncate(fd, self.rng.randrange(5000))
        finally:
            os.close(fd)

    def save(self):
        """As editors do."""
        path = self.file()
        aside = path + b".%d~" % os.getpid()
        self.write(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, self.content())
        os.rename(aside, path)

    def map(self):
        fd = os.open(self.file(), os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK)
        try:
            size = os.fstat(fd).st_size
            if size:
                with mmap.mmap(fd, size) as view:
                    view[self.rng.randrange(size)] = self.rng.randrange(256)
        finally:
            os.close(fd)

    def link(self):
        os.link(self.file(), self.file(), follow_symlinks=False)

    def symlink(self):
        os.symlink(b"../somewhere/%d" % self.rng.randrange(9), self.file())

    def fifo(self):
        os.mkfifo(self.file())

    def unlink(self):
        os.unlink(self.file())

    def rename(self):
        os.rename(self.file(), self.file())

    def swap(self):
        exchange(self.file(), self.file())

    def mkdir(self):
        os.mkdir(self.subdirectory())

    def rename_directory(self):
        os.rename(self.subdirectory(), self.subdirectory())

    def swap_directories(self):
        exchange(self.subdirectory(), self.subdirectory())

    def directory_for_file(self):
        os.rename(self.subdirectory(), self.file())

    def rmtree(self):
        shutil.rmtree(self.subdirectory(), ignore_errors=True)

    def tree_at_once(self):
        top = self.subdirectory()
        os.makedirs(os.path.join(top, b"d0", b"d1"))
        for i in range(5):
            self.write(os.path.join(top, b"d0", b"f%d" % i), os.O_WRONLY | os.O_CREAT, self.content())

    def change_mode(self, path, mode):
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        try:
            os.fchmod(fd, mode)
        finally:
            os.close(fd)

    def mode(self):
        self.change_mode(self.file(), self.rng.choice([0o600, 0o644, 0o755]))

    def directory_mode(self):
        self.change_mode(self.subdirectory(), self.rng.choice([0o700, 0o755]))

    def owner(self):
        os.chown(self.file(), self.rng.randrange(1000), -1, follow_symlinks=False)

    def times(self):
        os.utime(self.file(), ns=(10**18, self.rng.randrange(10**18)), follow_symlinks=False)

    def xattr(self):
        os.setxattr(self.file(), b"user.storm", self.rng.randbytes(10), follow_symlinks=False)

    def run(self, count):
        kinds = [(self.create, 10), (self.append, 5), (self.overwrite, 5), (self.shorten, 2), (self.save, 8), (self.map, 2), (self.link, 4),
                 (self.symlink, 2), (self.fifo, 1), (self.unlink, 6), (self.rename, 8), (self.swap, 2), (self.mkdir, 8),
                 (self.rename_directory, 5), (self.swap_directories, 2), (self.directory_for_file, 1), (self.rmtree, 2),
                 (self.tree_at_once, 4), (self.mode, 3), (self.directory_mode, 2), (self.owner, 2), (self.times, 2), (self.xattr, 2)]
        choices, weights = zip(*kinds)
        for _ in range(count):
            try:
                self.rng.choices(choices, weights)[0]()
                self.done += 1
            except OSError:
                pass


def storm(tree, seed, processes, count):
    children = []
    for number in range(processes):
        child = os.fork()
        if child == 0:
            worker = Worker(tree, f"{seed} {number}")
            worker.run(count)
            os._exit(0 if worker.done > count // 10 else 1)
        children.append(child)
    return max(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children)


def chains(tree, count):
    for number in range(count):
        path = os.path.join(tree, b"%d." % number)
        with open(path + b"a", "wb") as file:
            file.write(b"%d" % number)
        for old, new in ((b"a", b"b"), (b"b", b"c"), (b"c", b"d"), (b"d", b"e")):
            os.rename(path + old, path + new)
    return 0


if sys.argv[1] == "chains":
    sys.exit(chains(os.fsencode(sys.argv[2]), int(sys.argv[3])))
sys.exit(storm(os.fsencode(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4])))
