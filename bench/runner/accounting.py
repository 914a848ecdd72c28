# SPDX-License-Identifier: GPL-2.0-or-later
"""Accounting: what one run reads and writes, in a run of its own that nobody times.

Two counts, because they answer different questions:
    read, written    bytes that passed through read, write, sendfile and their like, from /proc/PID/io (rchar, wchar), children included.
                     A clone and a mapping pass nothing.  What processes tell each other counts too: rsync is three of them.
    device_written   what reached the target's device by the end of a syncfs: data, metadata and journal, of everybody on that device.
How.   waitid with WNOWAIT leaves the ended child as it is, so its /proc entry can still be read; then it is reaped.
"""

import contextlib
import os
import signal
import subprocess


class Account:
    """Numbers are None where this system does not tell them."""

    def __init__(self, read, written, device_written):
        self.read = read
        self.written = written
        self.device_written = device_written

    def as_json(self):
        return {"read": self.read, "written": self.written, "device_written": self.device_written}


def run(command, target, log_file):
    """The account of `command`, and None; or None, and what it said when it failed.  `target` is a Place, written out before."""
    before = target.device_written_bytes()
    with open(log_file, "wb") as log:
        # A session of its own, so that an interrupted benchmark can end whatever is running before it unmounts.
        process = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True)
        try:
            os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
            passed = _passed(process.pid)
            status = process.wait()
        except BaseException:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            raise
    if status != 0:
        with open(log_file, encoding="utf-8", errors="replace") as log:
            said = log.read(2000).strip().replace("\n", "; ")
        return None, f"status {status}: {said or 'nothing said'}"
    target.sync()
    after = target.device_written_bytes()
    return Account(passed.get("rchar"), passed.get("wchar"), None if before is None or after is None else after - before), None


def _passed(pid):
    try:
        with open(f"/proc/{pid}/io", encoding="ascii") as file:
            return {name: int(value) for name, _, value in (line.partition(":") for line in file)}
    except OSError:
        return {}  # a kernel without TASK_IO_ACCOUNTING
