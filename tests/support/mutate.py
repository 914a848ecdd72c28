#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
# mutate.py source|target TREE SEED COUNT: changes a tree as its users would, COUNT times.
#   source   what a mirror must follow: new, edited, moved, joined, parted, retyped, deleted; also edits that put size and mtime back
#   target   what a mirror must undo: edits, deletions, names and trees that nobody has asked for, other modes, joined names
# Why.   scramble.py makes an old version of a tree, one change for a name.  Here changes meet: what was moved is edited, what was joined
#        is deleted, directories are moved while names in them are.
# Holds. Deterministic for TREE and SEED.  Nothing outside of TREE is touched: nothing but regular files is opened, and no link is followed,
#        for the trees have links to / and /etc.  An edit in the target always moves its mtime or size: nobody could tell otherwise.
#   FOXING_WITHOUT="CHANGE..."   leaves out changes by the names of their functions: to look behind a failure that is known
# Exit 1 where most changes were refused by the filesystem: then this shows nothing.
import collections
import ctypes
import os
import random
import shutil
import stat
import struct
import sys

side, tree, seed, count = sys.argv[1], os.fsencode(sys.argv[2]), sys.argv[3], int(sys.argv[4])
rng = random.Random(f"{side} {seed}")
libc = ctypes.CDLL(None, use_errno=True)
libc.fallocate.argtypes = [ctypes.c_int, ctypes.c_int, ctypes.c_int64, ctypes.c_int64]
KEEP_SIZE_PUNCH = 0x01 | 0x02
fresh = 0
done, refused = collections.Counter(), collections.Counter()


class Entries:
    """What there is, by type; listed anew after names have changed."""

    def __init__(self):
        self.stale = True

    def look(self):
        if not self.stale:
            return
        self.files, self.directories, self.others = [], [tree], []
        for directory, subdirectories, names in os.walk(tree):
            subdirectories.sort()
            for name in sorted(subdirectories + names):
                path = os.path.join(directory, name)
                mode = os.lstat(path).st_mode
                (self.directories if stat.S_ISDIR(mode) else self.files if stat.S_ISREG(mode) else self.others).append(path)
        self.stale = False

    def a_file(self):
        self.look()
        return rng.choice(self.files)

    def a_directory(self):
        self.look()
        return rng.choice(self.directories)

    def an_inner_directory(self):
        self.look()
        return rng.choice(self.directories[1:])

    def anything(self):
        """Below the root; types in turn, for most entries are files."""
        self.look()
        return rng.choice(rng.choice([kind for kind in (self.files, self.directories[1:], self.others) if kind]))


entries = Entries()


def new_path(directory=None):
    global fresh
    fresh += 1
    entries.stale = True
    return os.path.join(directory or entries.a_directory(), b"%s %s.%d" % (side.encode(), seed.encode(), fresh))


def opened(path, change, keep_times=False):
    before = os.lstat(path)
    fd = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOATIME)
    try:
        change(fd, before.st_size)
    finally:
        os.close(fd)
    if keep_times:
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns), follow_symlinks=False)


def some_place(size):
    return rng.randrange(max(size, 1))


def overwrite_at(fd, size):
    at = some_place(size)
    os.pwrite(fd, rng.randbytes(min(rng.choice([1, 1, 100, 5000]), max(size - at, 1))), at)


def different_byte(fd, size):
    at = some_place(size)
    old = os.pread(fd, 1, at) or b"\0"
    os.pwrite(fd, bytes([old[0] ^ rng.randrange(1, 256)]), at)


def create():
    path = new_path()
    with open(path, "xb") as file:
        file.write(rng.randbytes(rng.choice([0, 1, 100, 4096, 70000])))


def create_sparse():
    with open(new_path(), "xb") as file:
        os.ftruncate(file.fileno(), rng.randrange(1, 1 << 21))
        os.pwrite(file.fileno(), b"data", rng.randrange(1 << 20))


def create_tree():
    top = new_path()
    os.mkdir(top)
    for number in range(rng.randrange(1, 5)):
        inner = os.path.join(top, b"d%d" % number)
        os.mkdir(inner)
        with open(os.path.join(inner, b"f"), "xb") as file:
            file.write(rng.randbytes(rng.randrange(3000)))
        os.symlink(rng.choice([b"/etc", b"..", b"nowhere"]), os.path.join(inner, b"l"))


def create_other():
    path = new_path()
    rng.choice([lambda: os.mkdir(path), lambda: os.symlink(b"somewhere", path), lambda: os.mkfifo(path),
                lambda: os.mknod(path, stat.S_IFSOCK | 0o600)])()


def append():
    opened(entries.a_file(), lambda fd, size: os.pwrite(fd, rng.randbytes(rng.randrange(1, 9000)), min(size, 1 << 26)))


def overwrite():
    opened(entries.a_file(), overwrite_at)


def overwrite_secretly():
    """Size and mtime are put back; ctime alone tells."""
    path = entries.a_file()
    if os.lstat(path).st_size == 0:
        raise OSError("empty")
    opened(path, different_byte, keep_times=True)


def truncate():
    opened(entries.a_file(), lambda fd, size: os.ftruncate(fd, rng.randrange(min(size, 1 << 22) + 1)))


def extend():
    opened(entries.a_file(), lambda fd, size: os.ftruncate(fd, min(size, 1 << 22) + rng.randrange(1, 1 << 20)))


def punch():
    def change(fd, size):
        if libc.fallocate(fd, KEEP_SIZE_PUNCH, some_place(size) & ~4095, rng.choice([4096, 65536, 1 << 20])) != 0:
            raise OSError(ctypes.get_errno(), "fallocate")
    opened(entries.a_file(), change, keep_times=rng.randrange(2) == 0)


def rename_within():
    path = entries.anything()
    os.rename(path, new_path(os.path.dirname(path)))


def rename_across():
    os.rename(entries.anything(), new_path())


def rename_directory():
    os.rename(entries.an_inner_directory(), new_path())


def rename_over():
    a, b = entries.a_file(), entries.a_file()
    os.rename(a, b)
    entries.stale = True


def swap_names():
    a, b = entries.anything(), entries.anything()
    if a == b or (a + b"/").startswith(b + b"/") or (b + b"/").startswith(a + b"/"):
        raise OSError("one within the other")
    between = new_path(tree)
    os.rename(a, between)
    os.rename(b, a)
    os.rename(between, b)


def join():
    entries.look()
    os.link(rng.choice(entries.files + entries.others), new_path(), follow_symlinks=False)


def linked_file():
    entries.look()
    linked = [path for path in entries.files if (status := os.lstat(path)).st_nlink > 1 and status.st_size < 1 << 20]  # some are of 1 TiB
    if not linked:
        raise OSError("no hard links")
    return rng.choice(linked)


def replace_with(path, other):
    os.rename(other, path)
    entries.stale = True


def part():
    """One name of a group becomes a file of its own: the same data and times."""
    path = linked_file()
    copy = new_path(os.path.dirname(path))
    shutil.copy2(path, copy, follow_symlinks=False)
    replace_with(path, copy)


def part_and_edit():
    part_of = linked_file()
    copy = new_path(os.path.dirname(part_of))
    shutil.copy2(part_of, copy, follow_symlinks=False)
    replace_with(part_of, copy)
    if os.lstat(part_of).st_size:
        opened(part_of, different_byte, keep_times=True)


def regroup():
    """A name of one group becomes a name of another file."""
    path, other = linked_file(), entries.a_file()
    if os.path.samestat(os.lstat(path), os.lstat(other)):
        raise OSError("one file")
    link = new_path(os.path.dirname(path))
    os.link(other, link, follow_symlinks=False)
    replace_with(path, link)


def edit_linked_secretly_and_delete_one():
    path = linked_file()
    inode = os.lstat(path).st_ino
    names = [name for name in entries.files if os.lstat(name).st_ino == inode and name != path]
    if not names or os.lstat(path).st_size == 0:
        raise OSError("no other name")
    opened(path, different_byte, keep_times=True)
    os.unlink(rng.choice(names))
    entries.stale = True


def retarget():
    entries.look()
    links = [path for path in entries.others if os.path.islink(path)]
    path = rng.choice(links)
    times = os.lstat(path)
    os.unlink(path)
    os.symlink(rng.choice([b"nowhere", b".", b"/etc", b"../../outside", b"x" * 200]), path)
    if rng.randrange(2):
        os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns), follow_symlinks=False)


def remove(path):
    shutil.rmtree(path) if stat.S_ISDIR(os.lstat(path).st_mode) else os.unlink(path)
    entries.stale = True


def retype():
    path = entries.anything()
    was = stat.S_IFMT(os.lstat(path).st_mode)
    remove(path)
    makers = {stat.S_IFREG: lambda: open(path, "xb").write(rng.randbytes(rng.randrange(2000))),
              stat.S_IFDIR: lambda: (os.mkdir(path), open(os.path.join(path, b"in"), "xb").write(b"in it")),
              stat.S_IFLNK: lambda: os.symlink(b"retyped", path), stat.S_IFIFO: lambda: os.mkfifo(path)}
    makers[rng.choice([kind for kind in makers if kind != was])]()


def delete():
    remove(entries.anything())


def change_mode():
    path = entries.anything()
    if stat.S_ISLNK(os.lstat(path).st_mode):
        raise OSError("links have no mode")
    os.chmod(path, rng.randrange(0o10000))


def change_owner():
    os.lchown(entries.anything(), rng.randrange(70000), rng.randrange(70000))


def change_xattr():
    path = rng.choice([entries.a_file, entries.a_directory])()
    names = [name for name in os.listxattr(path, follow_symlinks=False) if name.startswith("user.") and not name.startswith("user.foxing.")]
    room = sum(len(os.getxattr(path, name, follow_symlinks=False)) + len(name) for name in names) < 1000  # ext4 has one block
    if names and (rng.randrange(2) or not room):
        os.removexattr(path, rng.choice(names), follow_symlinks=False)
    else:
        os.setxattr(path, b"user.mutated%d" % rng.randrange(3), rng.randbytes(rng.randrange(40)), follow_symlinks=False)


def change_acl():
    path = rng.choice([entries.a_file, entries.a_directory])()
    kind = "system.posix_acl_default" if stat.S_ISDIR(os.lstat(path).st_mode) and rng.randrange(2) else "system.posix_acl_access"
    if kind in os.listxattr(path, follow_symlinks=False) and rng.randrange(2):
        return os.removexattr(path, kind, follow_symlinks=False)
    rows = [(0x01, rng.randrange(8), 0xFFFFFFFF), (0x02, rng.randrange(8), rng.randrange(5000)), (0x04, 4, 0xFFFFFFFF),
            (0x10, 7, 0xFFFFFFFF), (0x20, 0, 0xFFFFFFFF)]
    acl = struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *row) for row in rows)
    return os.setxattr(path, kind, acl, follow_symlinks=False)


def touch():
    os.utime(entries.anything(), ns=(rng.randrange(2 * 10**18), rng.randrange(2 * 10**18)), follow_symlinks=False)


def only_ctime():
    path = entries.a_file()
    mode = stat.S_IMODE(os.lstat(path).st_mode)
    os.chmod(path, mode ^ 0o001)
    os.chmod(path, mode)


def target_edit():
    """Where the quick check must see it: mtime moves with every write."""
    opened(entries.a_file(), different_byte)


SOURCE = [create, create, create_sparse, create_tree, create_other, append, append, overwrite, overwrite, overwrite_secretly,
          overwrite_secretly, truncate, extend, punch, rename_within, rename_across, rename_directory, rename_over, swap_names, join, join,
          part, part_and_edit, regroup, edit_linked_secretly_and_delete_one, retarget, retype, retype, delete, change_mode,
          change_owner, change_xattr, change_acl, touch, only_ctime]
TARGET = [create, create_tree, create_other, target_edit, append, truncate, delete, change_mode, change_owner, change_xattr, change_acl,
          retype, rename_across, join, part, touch, swap_names]

without = os.environ.get("FOXING_WITHOUT", "").split()
choices = [change for change in (SOURCE if side == "source" else TARGET) if change.__name__ not in without]
os.umask(0o022)
for _ in range(count):
    change = rng.choice(choices)
    try:
        change()
        done[change.__name__] += 1
    except (OSError, IndexError) as error:
        entries.stale = True
        refused[change.__name__] += 1
        if os.environ.get("FOXING_VERBOSE"):
            print(f"{change.__name__}: {error}", file=sys.stderr)
print(f"{side}: {sum(done.values())} changes, {sum(refused.values())} not possible")
if sum(refused.values()) * 2 > count:
    sys.exit(f"mutate: most changes were refused: {dict(refused)}")
