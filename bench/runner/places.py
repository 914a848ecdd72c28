# SPDX-License-Identifier: GPL-2.0-or-later
"""Places: the file systems a benchmark copies from and to.

    from  the names of pairs ("xfs-btrfs")          to  Place objects with a mounted directory each
Why.   The shape of the file system decides the numbers, so it is made here and the same everywhere: sparse images of 256 GiB, freshly
       formatted, on loop devices with direct I/O (no second copy of every page in the cache of the disk below).  256 GiB because small
       btrfs images measure something else: each dirty file reserves about 1 MiB of metadata for the worst case, 10 000 files use up what
       16 GiB can promise, and every create waits (10 000 files of 4 KiB from XFS: 290 ms at 16 GiB, 140 ms at 256 GiB).
Holds. Whatever is mounted here is unmounted when the `with` ends, however it ends; an autoclear loop device goes with its mount.
"""

import contextlib
import ctypes
import os
import shutil
import signal
import subprocess
import time

# Pairs in the order of the report.  "xfs2" is a second XFS: same code, another device.
PAIRS = ["xfs-xfs", "xfs-xfs2", "xfs-btrfs", "xfs-ext4", "xfs-tmpfs", "btrfs-btrfs"]
DIRECTORY_PAIRS = ["here-here", "here-shm"]

_MAKE = {
    "xfs": ["mkfs.xfs", "-q", "-f", "-m", "reflink=1"],
    "btrfs": ["mkfs.btrfs", "-q", "-f"],
    "ext4": ["mkfs.ext4", "-q", "-F"],
}
# ext4 would format its inode tables in the background, all through the measurement.
_OPTIONS = {"ext4": ["-o", "noinit_itable"], "tmpfs": ["-o", "size=60%"]}
_NAMES = {"xfs": "XFS", "xfs2": "other XFS", "here": "directory", "shm": "/dev/shm"}

_INTERRUPTS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_libc = ctypes.CDLL(None, use_errno=True)


def interrupts_unwind():
    """Every signal that asks to stop becomes KeyboardInterrupt, so that every `with` is left properly."""
    def unwind(number, frame):
        raise KeyboardInterrupt
    for number in _INTERRUPTS:
        signal.signal(number, unwind)


class CannotMount(Exception):
    """Loop mounts are not to be had here; the message says why."""


class Place:
    """One mounted file system, or a plain directory where mounting is not possible."""

    def __init__(self, name, root, own_device=False):
        self.name = name
        self.root = root
        self.own_device = own_device

    def sync(self):
        """Waits until everything written so far is on the device, so that it does not disturb the next run."""
        descriptor = os.open(self.root, os.O_RDONLY | os.O_DIRECTORY)
        try:
            if _libc.syncfs(descriptor) != 0:
                raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), self.root)
        finally:
            os.close(descriptor)

    def device_written_bytes(self):
        """Since it was attached; None where the device is not this place's alone (a plain directory) or has no count (tmpfs, btrfs)."""
        if not self.own_device:
            return None
        device = os.stat(self.root).st_dev
        try:
            with open(f"/sys/dev/block/{os.major(device)}:{os.minor(device)}/stat", encoding="ascii") as file:
                return int(file.read().split()[6]) * 512
        except OSError:
            return None

    def facts(self):
        """Type and mount options, as mountinfo has them."""
        best = ("", "unknown", "")
        with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as table:
            for line in table:
                left, _, right = line.partition(" - ")
                point, options = left.split()[4], left.split()[5]
                inside = self.root == point or self.root.startswith(point.rstrip("/") + "/")
                if inside and len(point) >= len(best[0]):
                    kind, _, super_options = right.split(maxsplit=2)
                    best = (point, kind, f"{options},{super_options.strip()}")
        return {"type": best[1], "options": best[2]}


class Pair:
    """Where from and where to; `same` when both are one file system."""

    def __init__(self, name, source, target):
        self.name = name
        self.source = source
        self.target = target
        self.same = source is target

    @property
    def title(self):
        left, right = self.name.split("-")
        return f"{_NAMES.get(left, left)} → {_NAMES.get(right, right)}"

    @property
    def reflink(self):
        return self.same and self.source.name in ("xfs", "btrfs")


class Places(contextlib.AbstractContextManager):
    """Makes each place when it is first asked for, and undoes all of them at the end."""

    def __init__(self, work, image_bytes):
        self.work = work
        self.image_bytes = image_bytes
        self._places = {}
        self._undo = contextlib.ExitStack()

    def __exit__(self, *reason):
        """Nothing interrupts this: a second ^C would leave mounts behind."""
        previous = {number: signal.signal(number, signal.SIG_IGN) for number in _INTERRUPTS}
        self._undo.close()
        for number, handler in previous.items():
            signal.signal(number, handler)
        return False

    def pair(self, name):
        left, right = name.split("-")
        source = self._place(left)
        target = source if right == left else self._place(right)
        return Pair(name, source, target)

    def _place(self, name):
        if name not in self._places:
            kind = name.rstrip("2")
            if kind == "here":
                self._places[name] = self._directory(name, self.work)
            elif kind == "shm":
                self._places[name] = self._directory(name, "/dev/shm")
            else:
                self._places[name] = self._mount(name, kind)
        return self._places[name]

    def _directory(self, name, above):
        root = os.path.join(above, f"foxing-bench-{os.getpid()}")
        os.mkdir(root, 0o700)
        self._undo.callback(shutil.rmtree, root, ignore_errors=True)
        return Place(name, root)

    def _mount(self, name, kind):
        if os.geteuid() != 0:
            raise CannotMount("not root")
        point = os.path.join(self.work, name)
        os.mkdir(point)
        self._undo.callback(_remove_directory, point)
        options = _OPTIONS.get(kind, [])
        if kind == "tmpfs":
            _run(["mount", "-t", "tmpfs", *options, "tmpfs", point])
            self._undo.callback(_unmount, point)
            return Place(name, point)
        if shutil.which(_MAKE[kind][0]) is None:
            raise CannotMount(f"{_MAKE[kind][0]} is not installed")
        image = point + ".image"
        self._undo.callback(_remove_file, image)
        with open(image, "wb") as file:
            file.truncate(self.image_bytes)
        _run([*_MAKE[kind], image])
        device = _attach(image)
        try:
            _run(["mount", "-t", kind, *options, device, point])
            self._undo.callback(_unmount, point)
        finally:
            # In use it stays until the unmount; without a mount it goes at once.
            subprocess.run(["losetup", "-d", device], check=False)
        return Place(name, point, own_device=True)


def _run(command):
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise CannotMount(f"{' '.join(command)}: {done.stderr.strip()}")
    return done.stdout


def _attach(image):
    try:
        return _run(["losetup", "--find", "--show", "--direct-io=on", image]).strip()
    except CannotMount:
        return _run(["losetup", "--find", "--show", image]).strip()  # e.g. the directory lies on tmpfs, which has no direct I/O


def _unmount(point):
    """A process that was interrupted may take a moment to let go."""
    for _ in range(50):
        if subprocess.run(["umount", point], stderr=subprocess.DEVNULL, check=False).returncode == 0:
            return
        time.sleep(0.1)
    subprocess.run(["umount", "-l", point], check=False)


def _remove_file(path):
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)


def _remove_directory(path):
    with contextlib.suppress(OSError):
        os.rmdir(path)
