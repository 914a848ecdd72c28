#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""filter_fxcp_fuzz.py [SEED...]: do fxcp and rsync, the whole programs, leave the same names in the target?

    FXCP=build/dev/bin/fxcp FOXING_TOOLS=build/dev/tests tests/support/filter_fxcp_fuzz.py          the fixed seeds, then a fresh one
    FXCP=... FOXING_TOOLS=... tests/support/filter_fxcp_fuzz.py 4711     this seed alone
    FOXING_FILTER_CASES=N                                              cases a seed (see CASES)

The trees and rules are those of filter_fuzz.py.  Each case runs `-a [--delete] [-m] RULES` of both programs from copies of one target, and compares the names
(with their types) that are there afterwards.  With -m and the moments of --delete more meets the rules than the fuzz of src/core/filter alone can.

Left out, because we differ on purpose (docs/filters.md): what filter_fuzz.py leaves out, and rules where the addition matters (filter_probe tells).  rsync judges what it
deletes by the target's rule files, fxcp by the source's; so where there are rule files both have the same ones, and what lies in directories that the source has not, or
leaves out, is not compared: there each goes by what the other does not read.  Rules with the path of the source in them are tried without --delete and -m.
Exit 0: the same; 1: differences, with seed and command; 77: rsync 3.2 or later, or fxcp, is missing.
"""
import os
import random
import shutil
import subprocess
import sys

import filter_fuzz
from filter_fuzz import Probe, Tree, options, write

FXCP = os.environ.get("FXCP", "build/dev/bin/fxcp")
SEEDS = [1, 2]
CASES = int(os.environ.get("FOXING_FILTER_CASES", "40"))


def names(root):
    found = set()
    for directory, directories, files in os.walk(root):
        here = os.path.relpath(directory, root)
        found.update(os.path.join(here, name) + "/" for name in directories)
        found.update(os.path.join(here, name) for name in files)
    return found


def run(program, arguments, base):
    done = subprocess.run([*program, *arguments], cwd=base, stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL,
                          check=False, timeout=60)
    return done.returncode, done.stderr.decode("latin-1")


def same_rule_files(tree, made):
    """A rule file counts for the source and for the target: it has to be in both, and say the same."""
    for path in set(made):
        for one, other in ((tree.source, tree.target), (tree.target, tree.source)):
            if not path.startswith(one + "/"):
                continue
            twin = other + path[len(one):]
            if not os.path.isdir(os.path.dirname(twin)):
                continue
            if one == tree.source or not os.path.lexists(twin):
                shutil.copyfile(path, twin)
                made.append(twin)


def beside_source(found, sent):
    """Those that lie in a directory which is copied too, and are no directory that is not."""
    there = {"./"} | {line.removeprefix("send ") for line in sent if line.startswith("send ") and line.endswith("/")}
    kept = set()
    for name in found:
        parent = name.rsplit("/", 2 if name.endswith("/") else 1)[0] + "/"
        if parent in there and (not name.endswith("/") or name.removeprefix("./") in there):
            kept.add(name)
    return kept


def speaks_of_source(tree, rules, made):
    """A rule with the modifier / names the source's absolute path: of names in the target rsync asks for the target's."""
    texts = list(rules)
    for path in made:
        with open(path, encoding="latin-1") as file:
            texts.append(file.read())
    return any(os.path.basename(tree.source) + "/" in text for text in texts)


def modes(rng):
    """What both programs are asked beside the rules."""
    chosen = []
    if rng.random() < 0.7:
        chosen.append(rng.choice(["--delete", "--delete", "--delete-before", "--delete-after"]))
    if rng.random() < 0.3:
        chosen.append("-m")
    return chosen


def run_seed(seed, base):
    rng = random.Random(seed)
    home = os.path.join(base, "home")
    os.makedirs(home, exist_ok=True)
    write(os.path.join(home, ".cvsignore"), "*.c n1\n")
    os.environ.update(HOME=home, CVSIGNORE="n2 x*", LC_ALL="C")
    probe = Probe(base)
    bad = compared = refused = skipped = 0
    tree = None
    for case in range(CASES):
        if case % 15 == 0:
            tree = Tree(rng, os.path.join(base, f"{seed}.{case}"))
        made = []
        rules = options(rng, base, tree, made)
        how = modes(rng)
        if "--delete-excluded" in rules and not any(one.startswith("--delete") for one in how):
            how.append("--delete")  # rsync implies it, fxcp refuses
        same_rule_files(tree, made)
        sent = probe.ask(rules, tree)[0]
        by_files = any(path.startswith((tree.source, tree.target)) for path in made)
        misread = sent is None and by_files  # a rule file of the target alone, which only one of the programs reads
        if misread or sent != probe.ask(["--plain", *rules], tree)[0]:
            skipped += 1
        else:
            ours, theirs = os.path.join(base, "ours"), os.path.join(base, "theirs")
            for copy in (ours, theirs):
                shutil.rmtree(copy, ignore_errors=True)
                shutil.copytree(tree.target, copy, symlinks=True)
            if speaks_of_source(tree, rules, made):
                how = []
            if "--delete-excluded" in rules and not how:
                rules.remove("--delete-excluded")
            if by_files and "-m" in how:  # rsync asks its global rules what is not to be pruned, fxcp all
                how.remove("-m")
            code, why = run([FXCP], ["-a", "--no-owner", *how, *rules, tree.source, ours], base)
            their_code, their_why = run(["rsync"], ["-a", *how, *rules, tree.source + "/", theirs + "/"], base)
            if code != 0 and their_code in (1, 2, 11, 12):  # refused, or a file of rules that cannot be understood
                refused += 1
            else:
                compared += 1
                found, wanted = names(ours), names(theirs)
                if by_files:
                    found, wanted = beside_source(found, sent), beside_source(wanted, sent)
                if found != wanted or code not in (0, 1) or their_code not in (0, 23, 25):
                    bad += 1
                    if bad <= 5:
                        print(f"DIFFERENT: seed {seed}, case {case}: {' '.join(repr(argument) for argument in how + rules)}")
                        print(f"  fxcp {code}: {why.strip()[:300]}\n  rsync {their_code}: {their_why.strip()[:300]}")
                        print(f"  only rsync has: {sorted(wanted - found)[:12]}\n  only fxcp has:  {sorted(found - wanted)[:12]}")
                        for path in made:
                            with open(path, "rb") as file:
                                print(f"  {os.path.relpath(path, base)}: {file.read()!r}")
        for path in set(made):
            if os.path.lexists(path):
                os.unlink(path)
    probe.close()
    print(f"seed {seed}: {CASES} rule sets, {compared} compared, {refused} refused by both, {skipped} left out, {bad} different")
    return bad, compared


def main():
    if filter_fuzz.rsync_is_missing():
        return 77
    if shutil.which(FXCP) is None:
        print(f"FXCP does not name a program ({FXCP})")
        return 77
    return filter_fuzz.run_seeds("foxing-filter-fxcp-", run_seed, SEEDS)


if __name__ == "__main__":
    sys.exit(main())
