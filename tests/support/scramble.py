#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
# scramble.py TREE [SEED]: makes an old version of a tree: other contents, other types, other attributes, missing names, joined and
# parted hard links; also changes that size and mtime do not tell.  A directory never gives way to something else while it holds
# names: that is another test.  What the filesystem refuses is left as it is.
import os
import random
import stat
import struct
import sys

tree = os.fsencode(sys.argv[1])
rng = random.Random(int(sys.argv[2]) if len(sys.argv) > 2 else 1)


def quietly(call, *arguments, **keywords):
    try:
        return call(*arguments, **keywords)
    except OSError:
        return None


def with_times_kept(path, change):
    status = os.lstat(path)
    change()
    quietly(os.utime, path, ns=(status.st_atime_ns, status.st_mtime_ns), follow_symlinks=False)


def write(path, offset, data):
    fd = quietly(os.open, path, os.O_WRONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    if fd is not None:
        quietly(os.pwrite, fd, data, offset)
        os.close(fd)


def flip_byte(path, status):
    if status.st_size > 0:
        with_times_kept(path, lambda: write(path, rng.randrange(status.st_size), bytes([rng.randrange(256)])))


def grow(path, status):
    write(path, min(status.st_size, 1 << 30), os.urandom(rng.randrange(1, 10000)))


def cut(path, status):
    fd = quietly(os.open, path, os.O_WRONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    if fd is not None:
        quietly(os.ftruncate, fd, rng.randrange(min(status.st_size, 1 << 20) + 1))
        os.close(fd)


def fill_hole(path, status):
    with_times_kept(path, lambda: write(path, 0, bytes(min(status.st_size, 1 << 16))))


def new_type(path, status):
    if stat.S_ISDIR(status.st_mode):
        if os.listdir(path):
            return
        os.rmdir(path)
    else:
        os.unlink(path)
    choice = rng.randrange(5)
    if choice == 0:
        os.mkdir(path)
    elif choice == 1:
        os.symlink(rng.choice([b"nowhere", b".", b"/etc", b"../../../outside"]), path)
    elif choice == 2:
        os.mkfifo(path)
    elif choice == 3:
        quietly(os.mknod, path, stat.S_IFSOCK | 0o600)
    else:
        with open(path, "wb") as file:
            file.write(b"another file")


def vanish(path, status):
    if not stat.S_ISDIR(status.st_mode):
        os.unlink(path)


def change_mode(path, status):
    # chmod follows links, and the trees have links to / and /etc/passwd: nothing outside of the tree may be touched.
    if stat.S_ISLNK(status.st_mode):
        return
    quietly(os.chmod, path, rng.randrange(0o10000) | (0o700 if os.geteuid() != 0 else 0))


def change_owner(path, status):
    quietly(os.lchown, path, rng.randrange(70000), rng.randrange(70000))


def change_times(path, status):
    quietly(os.utime, path, ns=(rng.randrange(10**18), rng.randrange(10**18)), follow_symlinks=False)


def change_xattrs(path, status):
    names = quietly(os.listxattr, path, follow_symlinks=False) or []
    for name in names:
        if rng.randrange(2) and not name.startswith("trusted.SGI_ACL"):
            quietly(os.removexattr, path, name, follow_symlinks=False)
    space = "user" if stat.S_ISREG(status.st_mode) or stat.S_ISDIR(status.st_mode) else "trusted"
    quietly(os.setxattr, path, f"{space}.scrambled", os.urandom(rng.randrange(50)), follow_symlinks=False)


def change_acl(path, status):
    entries = [(0x01, 6, 0xFFFFFFFF), (0x02, 7, 4321), (0x04, 4, 0xFFFFFFFF), (0x10, 7, 0xFFFFFFFF), (0x20, 0, 0xFFFFFFFF)]
    acl = struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *entry) for entry in entries)
    if stat.S_ISREG(status.st_mode) or stat.S_ISDIR(status.st_mode):
        quietly(os.setxattr, path, "system.posix_acl_access", acl)
    if stat.S_ISDIR(status.st_mode):
        quietly(os.setxattr, path, "system.posix_acl_default", acl)


def part(path, status):
    if stat.S_ISREG(status.st_mode) and status.st_nlink > 1:
        copy = path + b"~"
        with open(path, "rb") as old, open(copy, "wb") as new:
            new.write(old.read(1 << 20))
        os.rename(copy, path)


last_file = []


def join(path, status):
    if stat.S_ISREG(status.st_mode):
        if last_file and os.path.lexists(last_file[0]):
            os.unlink(path)
            if quietly(os.link, last_file[0], path) is None and not os.path.lexists(path):
                open(path, "xb").close()
        last_file[:] = [path]


OF_FILES = [flip_byte, grow, cut, fill_hole, part, join]
OF_ALL = [new_type, vanish, change_mode, change_owner, change_times, change_xattrs, change_acl]
count = 0
for directory, subdirectories, files in os.walk(tree, topdown=False):
    for name in sorted(files + subdirectories):
        path = os.path.join(directory, name)
        if len(path) > 4000 or rng.randrange(3) == 0:
            continue
        status = quietly(os.lstat, path)
        if status is None:
            continue
        change = rng.choice(OF_ALL + OF_FILES * 2 if stat.S_ISREG(status.st_mode) else OF_ALL)
        quietly(change, path, status)
        count += 1
print(count)
if count == 0:
    sys.exit("scramble: nothing to change")
