#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
# Reads the NDJSON that fxcp --json writes and answers questions about it, by its exit code:
#   check FILE               every line is an object of the schema, in a possible order
#   first|last FILE TYPE     the first or last line is of that type, and the only one of it
#   count FILE TYPE N        so many lines of that type
#   covers FILE TREE         an event for every name of the tree, byte for byte
#   failure FILE PATH        a failure (or a loss) names this path or ends in it
#   summary FILE KEY VALUE   the summary says so
# The schema is written down here a second time on purpose: docs/formats tells users, this keeps the promise.
import json
import os
import sys

NUMBER, TEXT, TRUTH, LIST, TABLE = (int, float), str, bool, list, dict

# TODO-SCHEMA
SCHEMA = {}


def lines(path):
    with open(path, "rb") as file:
        text = file.read()
    if text and not text.endswith(b"\n"):
        sys.exit("the last line has no end")
    return [json.loads(line.decode("utf-8")) for line in text.splitlines()]
