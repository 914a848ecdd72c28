#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""storer.py FILE SIZE: maps FILE, and keeps it mapped.  Each line "OFFSET TEXT" on standard input is stored there; "ok" answers it."""
import mmap
import os
import sys

fd = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT, 0o644)
os.ftruncate(fd, int(sys.argv[2]))
view = mmap.mmap(fd, int(sys.argv[2]))
os.close(fd)  # what is mapped stays open
for line in sys.stdin:
    offset, text = line.split()
    view[int(offset):int(offset) + len(text)] = text.encode()
    print("ok", flush=True)
