# SPDX-License-Identifier: GPL-2.0-or-later
"""What run.py and limits.py share: places to copy between, trees to copy, programs that copy, the stopwatch, the report."""
