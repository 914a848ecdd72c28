# SPDX-License-Identifier: GPL-2.0-or-later
"""The tables of second runs: a line for each command, from the JSON alone (runner/report.py puts them into the page).

Budgets are the design's, printed beside the result and never asserted.
"""

from runner import second_run

COLUMNS = ["from → to", "command", "time", "fxcp is", "read", "written", "on the device", "RSS", "budget"]
# Times faster than the command named, at least.
TIMES = {
    "again": {second_run.RSYNC: 3.5, second_run.RSYNC_ALL: 6.0},
    "again100k": {second_run.RSYNC: 2.7, second_run.RSYNC_ALL: 6.0},
    "signed": {second_run.RSYNC: 3.5, second_run.RSYNC_ALL: 6.0},
    "signed100k": {second_run.RSYNC: 2.7, second_run.RSYNC_ALL: 6.0},
    "blocks": {second_run.RSYNC_DELTA: 3.0},
}
# Written, as a multiple of the blocks that changed, at most.
WRITTEN = {"blocks": 1.1}


def rows(cell, spread):
    """The lines of one cell; `spread` is how the other tables print a time."""
    kind = second_run.KINDS[cell["workload"]]
    ours = cell["competitors"].get(kind.competitors[0], {}).get("median")
    for number, (name, series) in enumerate(cell["competitors"].items()):
        account = series.get("io", {})
        median = series.get("median")
        yield [
            cell["title"] + (", cold" if cell["cold"] else "") if number == 0 else "",
            f"`{name}`",
            spread(cell, name),
            f"{median / ours:.2f}×" if median and ours and number > 0 else "–",
            _bytes(account.get("read")),
            _bytes(account.get("written")),
            _bytes(account.get("device_written")),
            f"{series['max_rss_bytes'] / 2**20:.0f} MiB" if series.get("max_rss_bytes") else "–",
            _verdict(cell, name),
        ]


def _verdict(cell, name):
    """Of each of fxcp's lines."""
    if name in cell["failures"]:
        return "FAILED"
    if not name.startswith("fxcp"):
        return "–"
    medians = {each: series.get("median") for each, series in cell["competitors"].items()}
    checked, missed = 0, []
    if not cell["cold"]:
        for other, least in TIMES.get(cell["workload"], {}).items():
            if medians.get(name) and medians.get(other):
                checked += 1
                # Judged as printed in the other tables: two figures.
                if float(f"{medians[other] / medians[name]:.2g}") < least:
                    missed.append(f"{least:.2g}× {other}")
    most, written = WRITTEN.get(cell["workload"]), cell["competitors"][name].get("io", {}).get("written")
    if most and written is not None and cell.get("changed_bytes"):
        checked += 1
        if written > most * cell["changed_bytes"]:
            missed.append(f"{most}× {_bytes(cell['changed_bytes'])} written")
    if missed:
        return "missed: " + "; ".join(missed)
    return "met" if checked else "–"


def _bytes(number):
    if number is None:
        return "–"
    for unit, size in (("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)):
        if number >= size:
            return f"{number / size:.3g} {unit}" if number / size < 1000 else f"{number / size:.0f} {unit}"
    return f"{number} B"
