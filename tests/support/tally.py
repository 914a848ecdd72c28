# SPDX-License-Identifier: GPL-2.0-or-later
"""What the loops that kill programs have found: said as it comes, the first twenty; counted to the end."""

_problems = 0


def problem(text):
    global _problems
    _problems += 1
    if _problems <= 20:
        print("FAIL: " + text[:900])


def problems():
    return _problems
