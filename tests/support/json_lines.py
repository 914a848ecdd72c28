#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
# Reads the NDJSON that fxcp --json writes and answers questions about it, by its exit code:
#   check FILE               every line is an object of the schema, in a possible order
#   first|last FILE TYPE     the first or last line is of that type, and the only one of it
#   count FILE TYPE N        so many lines of that type
#   covers FILE TREE         an event for every name of the tree, byte for byte
#   failure FILE PATH        a failure names this path, or one that ends in it
#   failures FILE N          so many failures
#   only_failures FILE KIND  all failures are of this kind
#   kind FILE KIND           a failure of this kind
#   summary FILE KEY VALUE   the summary says so
#   info FILE                one line: what fxcp info --json writes, of its schema
#   documented FILE DOCUMENT the document names every key of both schemas, `so`
# The schema is written down here a second time on purpose: docs/json.md tells users, this keeps the promise.  Keys may be added to
# schema fxcp/1; those that are here may not go, nor change their type.
import json
import os
import sys

NUMBER = (int, float)
# type of line: {key: type}; a key that ends in ? may be absent
SCHEMA = {
    "start": {"schema": str, "version": str, "time": str, "dry_run": bool, "sources": list, "destination": str, "destination_hex?": str,
              "workers": int},
    "refused": {"message": str, "path?": str, "path_hex?": str, "operation?": str, "errno?": str, "exit_code": int},
    "failure": {"kind": str, "message": str, "path?": str, "path_hex?": str, "operation?": str, "errno?": str},
    "warning": {"kind": str, "message": str, "path?": str, "path_hex?": str, "operation?": str, "errno?": str},
    "file": {"action": str, "path": str, "path_hex?": str, "file_type": str, "changes?": list, "bytes?": int, "tier?": str, "why?": str, "attempts?": list,
             "from?": str, "from_hex?": str},
    "progress": {"elapsed_s": NUMBER, "files": int, "bytes": int, "total_files?": int, "total_bytes?": int, "totals_are_final?": bool,
                 "eta_s?": NUMBER},
    "summary": {"exit_code": int, "dry_run": bool, "interrupted": bool, "elapsed_s": NUMBER, "entries": int, "files": int,
                "directories": int, "symlinks": int, "specials": int, "hard_links": int, "unchanged": int, "updated": int, "pruned": int,
                "renamed": int, "signatures_written": int, "hashes_written": int, "signatures_ignored": int, "codec_files": int,
                "codec_bytes_read": int, "codec_bytes_made": int, "skipped": int,
                "deleted": int, "sources_removed": int, "delta_files": int, "delta_spared_bytes": int, "bytes": int, "bytes_moved": int, "retries": int,
                "litter_removed": int, "failures": int, "warnings": int, "files_by_tier": dict, "no_space?": bool, "missing_bytes?": int},
}
# fxcp info --json: an object as its keys; [x] is an array of x, a tuple what may stand there.
LAYER = {"kind": str, "depth": int, "device": str, "kernel_name": str, "name": str, "name_hex?": str, "size": int, "logical_block": int,
         "rotational": bool, "removable": bool, "discards": bool}
MOUNT = {"id": int, "parent": int, "device": str, "root": str, "root_hex?": str, "point": str, "point_hex?": str, "source": str,
         "source_hex?": str, "type": str, "options": [str], "super_options": [str]}
PATH = {"path": str, "path_hex?": str, "resolved": str, "resolved_hex?": str, "missing": str, "missing_hex?": str, "filesystem": str, "type": str,
        "magic": str, "nature": str, "uuid": str, "device": str, "block_size": int, "total": int, "free": int, "available": int,
        "free_inodes": int, "read_only": bool, "supports": {"shared_blocks": str, "holes": str, "nameless_files": str},
        "times": {"earliest_s": int, "latest_s": int, "step_ns": (int, None)}, "mount": (MOUNT, None),
        "overlay": ({"upper": str, "work": str, "lower": [str]}, None), "rotational": (bool, None), "encrypted": bool, "thin": bool,
        "alignment": int, "layers": [LAYER]}
PLAN = {"example": str, "size": int, "allocated": int, "holes": str, "until_end": bool, "tiers": [{"tier": str, "why": str}]}
PAIR = {"source": str, "source_hex?": str, "target": str, "target_hex?": str, "same_device": bool, "same_filesystem": bool,
        "same_mount": bool, "nesting": str, "shared_blocks": str, "kernel_copy": str, "plans": [PLAN]}
INFO = {"schema": str, "machine": {"container": str, "container_mark": str, "virtual_machine": bool, "hypervisor": str},
        "paths": [PATH], "pairs": [PAIR], "failures": [{"path": str, "path_hex?": str, "message": str, "operation": str, "errno?": str}]}
KINDS = {"failed", "unreadable", "changed_while_read", "in_the_way", "no_space", "device", "symlink", "special", "hard_link", "owner",
         "mode", "xattr", "acl", "capability", "time", "differs", "not_deleted", "left_out", "vanished"}
ACTIONS = {"copied", "linked", "symlink", "special", "directory", "attributes", "unchanged", "deleted", "renamed", "removed"}


def parse(text):
    """The lines as objects.  ValueError where they are not JSON, not UTF-8, or the last has no end."""
    if text and not text.endswith(b"\n"):
        raise ValueError("the last line has no end")
    events = [json.loads(line.decode("utf-8")) for line in text.split(b"\n")[:-1]]
    for event in events:
        if not isinstance(event, dict):
            raise ValueError(f"a line is not an object: {event}")
    return events


def path_of(event, key="path"):
    """The bytes of a name: JSON is Unicode, names are bytes."""
    if key + "_hex" in event:
        return bytes.fromhex(event[key + "_hex"])
    return event[key].encode("utf-8") if key in event else None


def failing_paths(events):
    return [path_of(event).decode("utf-8", "replace") for event in events if event["type"] in ("failure", "refused") and "path" in event]


def problems_of(event):
    keys = SCHEMA.get(event.get("type"))
    if keys is None:
        return [f"unknown type of line: {event}"]
    found = []
    for key, wanted in keys.items():
        name = key.rstrip("?")
        if name not in event:
            if not key.endswith("?"):
                found.append(f"{event['type']} lacks {name}")
        elif not isinstance(event[name], wanted) or (wanted is int and isinstance(event[name], bool)):
            found.append(f"{event['type']}.{name} is {event[name]!r}")
    for name in event:
        if name != "type" and name not in keys and name + "?" not in keys:
            found.append(f"{event['type']}.{name} is not in the schema")
    if event["type"] in ("failure", "warning") and event.get("kind") not in KINDS:
        found.append(f"unknown kind: {event.get('kind')}")
    if event["type"] == "file" and event.get("action") not in ACTIONS:
        found.append(f"unknown action: {event.get('action')}")
    return found


def misfits(value, wanted, where):
    """What in a value of fxcp info is not as it is wanted."""
    if isinstance(wanted, tuple):
        return [] if any(not misfits(value, one, where) for one in wanted) else misfits(value, wanted[0], where)
    if isinstance(wanted, list):
        if not isinstance(value, list):
            return [f"{where} is {value!r}"]
        return [problem for at, one in enumerate(value) for problem in misfits(one, wanted[0], f"{where}[{at}]")]
    if not isinstance(wanted, dict):
        # True is an int to Python, and none to JSON.
        fits = value is None if wanted is None else type(value) is wanted
        return [] if fits else [f"{where} is {value!r}"]
    if not isinstance(value, dict):
        return [f"{where} is {value!r}"]
    keys = {key.rstrip("?"): (one, key.endswith("?")) for key, one in wanted.items()}
    found = [f"{where} lacks {key}" for key, (_, optional) in keys.items() if key not in value and not optional]
    for key, one in value.items():
        found += misfits(one, keys[key][0], f"{where}.{key}") if key in keys else [f"{where}.{key} is not in the schema"]
    return found


def problems_of_info(events):
    if len(events) != 1:
        return [f"{len(events)} lines"]
    found = misfits(events[0], INFO, "info")
    return found if found or events[0]["schema"] == "fxcp.info/1" else [f"schema {events[0]['schema']}"]


def keys_of(schema):
    """All names of keys in a schema; the bytes of names (_hex) are told of once for all of them."""
    if isinstance(schema, dict):
        own = {key.rstrip("?") for key in schema if not key.rstrip("?").endswith("_hex")}
        return own.union(*(keys_of(one) for one in schema.values()))
    return set().union(*(keys_of(one) for one in schema)) if isinstance(schema, (list, tuple)) else set()


def undocumented(document):
    with open(document, encoding="utf-8") as file:
        said, _, of_info = file.read().partition("\n## fxcp info")
    lines = {key for line in SCHEMA.values() for key in keys_of(line)}
    return [f"{document} does not name {key}" for key in sorted(lines) if f"`{key}`" not in said] + \
           [f"{document} does not name {key} of fxcp info" for key in sorted(keys_of(INFO)) if f"`{key}`" not in of_info]


def problems_of_order(events):
    types = [event["type"] for event in events]
    if types == ["refused"]:
        return []
    found = []
    if not types or types[0] != "start" or types.count("start") != 1:
        found.append("not one start at the beginning")
    if not types or types[-1] != "summary" or types.count("summary") != 1:
        found.append("not one summary at the end")
        return found
    summary = events[-1]
    if types.count("failure") != summary["failures"] or types.count("warning") != summary["warnings"]:
        found.append(f"{types.count('failure')} failures and {types.count('warning')} warnings, and the summary says {summary}")
    if (summary["exit_code"] == 0) != (summary["failures"] == 0 and not summary["interrupted"]):
        found.append(f"exit code {summary['exit_code']} with {summary['failures']} failures")
    if events[0].get("schema") != "fxcp/1":
        found.append(f"schema {events[0].get('schema')}")
    return found


def names_below(tree):
    yield tree
    for directory, directories, files in os.walk(tree):
        for name in directories + files:
            yield os.path.join(directory, name)


def ask(question, events, arguments):
    """What is wrong; an empty list for "yes"."""
    types = [event.get("type") for event in events]
    failures = [event for event in events if event.get("type") in ("failure", "refused")]
    if question == "check":
        return [problem for event in events for problem in problems_of(event)] + problems_of_order(events)
    if question == "info":
        return problems_of_info(events)
    if question == "documented":
        return undocumented(arguments[0])
    if question in ("first", "last"):
        at = 0 if question == "first" else -1
        return [] if types and types[at] == arguments[0] and types.count(arguments[0]) == 1 else [f"types: {types[:3]} ... {types[-3:]}"]
    if question == "count":
        return [] if types.count(arguments[0]) == int(arguments[1]) else [f"{types.count(arguments[0])}"]
    if question == "covers":
        told = {os.path.normpath(path_of(event)) for event in events if event["type"] == "file"}
        wanted = {os.path.normpath(name) for name in names_below(os.fsencode(arguments[0]))}
        return ([f"no event for {sorted(wanted - told)[:3]}"] if wanted - told else []) + \
               ([f"an event for what is not there: {sorted(told - wanted)[:3]}"] if told - wanted else [])
    if question == "failure":
        wanted = os.fsencode(arguments[0])
        paths = [path_of(event) for event in failures]
        return [] if any(path and (path == wanted or path.endswith(b"/" + wanted)) for path in paths) else [f"failures name {paths[:5]}"]
    if question == "failures":
        return [] if len(failures) == int(arguments[0]) else [f"{len(failures)} failures: {failures[:5]}"]
    if question == "only_failures":
        return [f"{event}" for event in failures if event.get("kind") != arguments[0]][:5]
    if question == "kind":
        return [] if any(event.get("kind") == arguments[0] for event in failures) else [f"kinds: {[event.get('kind') for event in failures][:5]}"]
    if question == "summary":
        told = events[-1].get(arguments[0]) if events else None
        return [] if str(told) == arguments[1] else [f"{arguments[0]} is {told}"]
    return [f"no question {question}"]


def main():
    with open(sys.argv[2], "rb") as file:
        try:
            events = parse(file.read())
        except ValueError as error:
            sys.exit(f"not JSON lines: {error}")
    problems = ask(sys.argv[1], events, sys.argv[3:])
    for problem in problems[:10]:
        print(problem)
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
