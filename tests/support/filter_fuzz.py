#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""filter_fuzz.py [SEED...]: do src/core/filter and rsync choose the same files?

    FOXING_TOOLS=build/dev/tests tests/support/filter_fuzz.py          the fixed seeds, then a fresh one
    FOXING_TOOLS=build/dev/tests tests/support/filter_fuzz.py 4711     this seed alone
    FOXING_FILTER_CASES=N                                             cases a seed (see CASES)

A seed makes trees (a source, and a target that has some of the same names and some others) and rule sets of all kinds: options, files of
rules, per-directory files (in up to nine of ten directories, so that one start of rsync answers for many rule sets).  `rsync -rlnii
--delete` and filter_probe are asked what they would send and delete.

Left out, because we differ on purpose (docs/filters.md): the addition (--plain; and once more with it, where no literal include follows a
wildcard exclude), rule files that name others by a path, w with prefixes that need a space, x, merge files in directories whose names have wildcards.
Exit 0: the same; 1: differences, with seed and command; 77: rsync 3.2 or later is missing.
Time: a start of rsync is 40 ms on two busy cores, four seeds of 120 cases 20 s.
"""
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile

PROBE = os.path.join(os.environ.get("FOXING_TOOLS", "build/dev/tests"), "filter_probe")
SEEDS = [1, 2, 3]
CASES = int(os.environ.get("FOXING_FILTER_CASES", "120"))
NAMES = ["a", "b", "ab", "foo", "bar", "foo.c", "bar.o", "x.log", "important.log", "a.b.c", "core", "tags", "w x", "-", "#h", ";s", "b\\c",
         "n1", "n2", "Foo", "foo~", ".hid", "CVS"]
DIRECTORIES = ["d", "e", "foo", "sub", "a", "d.d", "CVS", ".git", "lo ng"]
PIECES = ["*", "?", "**", "[a-f]", "[!a]", "[[:alpha:]]", "[^b-o]", "a", "b", "foo", "bar", ".", "o", "c", "x", "*.", ".log", "\\*", "\\f", "[", "]", "\\"]


def pattern(rng):
    kind = rng.random()
    if kind < 0.25:
        text = rng.choice(NAMES + DIRECTORIES)
    elif kind < 0.4:
        text = rng.choice(["*", "*.c", "*.o", "*.log", "foo*", "?", "*/", "**", "***", "b*", "*o", "*.*", "?o?", "[ab]*", "*[!o]"])
    elif kind < 0.7:
        parts = [rng.choice(NAMES + DIRECTORIES * 2 + ["*", "**", "f*", "?", "*.c", "d*", "[de]", "***", "**o", "a**"])
                 for _ in range(rng.choice([2, 2, 2, 3, 4]))]
        text = "/".join(parts)
    else:
        text = "".join(rng.choice(PIECES) for _ in range(rng.randint(1, 5)))
        if rng.random() < 0.3:
            text = rng.choice(DIRECTORIES + ["*", "**"]) + "/" + text
    if rng.random() < 0.2:
        text = "/" + text
    if rng.random() < 0.2:
        text += rng.choice(["/", "/", "/**", "/***", "/*"])
    return text.replace("//", "/")


LONG = {"-": "exclude", "+": "include", "H": "hide", "S": "show", "P": "protect", "R": "risk"}


def rule(rng, root, sided=True):
    """A rule with a prefix."""
    letter = rng.choice("---++" + ("HSPR" if sided else ""))
    modifiers = ""
    if rng.random() < 0.25:
        allowed = "!p/" + ("sr" if sided and letter in "-+" else "")
        modifiers = "".join(rng.sample(allowed, rng.randint(1, 2)))
    text = pattern(rng)
    if "/" in modifiers and rng.random() < 0.6:
        text = root.rstrip("/") + "/" + text.lstrip("/")
        if rng.random() < 0.4:
            text = "/".join(text.split("/")[-3:])
    name = letter + rng.choice(["", ","] if modifiers else [""])
    if rng.random() < 0.2:
        name = LONG[letter] + ("," if modifiers else "")
    return name + modifiers + rng.choice("  _") + text


def lines(rng, style, root):
    """A file of rules."""
    sided = "s" not in style and "r" not in style
    found = []
    for _ in range(rng.randint(1, 5)):
        if rng.random() < 0.1:
            found.append(rng.choice(["", "# a comment", "; another", "#foo", ";s"]))
        elif "C" in style or "-" in style or "+" in style:
            found.append(pattern(rng) if rng.random() < 0.93 else "!")
        elif "w" in style:
            found.append(rule(rng, root, sided).replace(" ", "_"))
        else:
            found.append(rule(rng, root, sided) if rng.random() < 0.95 else rng.choice(["!", "clear"]))
    return found


def write(path, content):
    with open(path, "wb") as file:
        file.write(content.encode("latin-1"))


def write_lines(rng, path, found, style="", nul=False):
    end = "\0" if nul and "w" not in style and "C" not in style else rng.choice(["\n", "\n", "\r\n", " \t" if ("w" in style or "C" in style) else "\n"])
    text = end.join(found)
    write(path, text + (end if rng.random() < 0.8 else ""))


class Tree:
    """A source and a target whose names are files in both or directories in both."""

    def __init__(self, rng, base):
        self.source, self.target = os.path.join(base, "src"), os.path.join(base, "dst")
        self.directories = []
        os.makedirs(self.source)
        os.makedirs(self.target)
        self.grow(rng, "", 0, True, True)

    def grow(self, rng, directory, depth, in_source, in_target):
        self.directories.append((directory, in_source, in_target))
        for name in rng.sample(NAMES, rng.randint(3, 9)):
            path = os.path.join(directory, name)
            where = rng.choice(["both", "both", "source", "target"])
            if name == "CVS":
                continue
            if in_source and where != "target":
                write(os.path.join(self.source, path), "")
            if in_target and where != "source":
                write(os.path.join(self.target, path), "")
        if depth == 3:
            return
        for name in rng.sample(DIRECTORIES, rng.randint(1, 4 if depth < 2 else 2)):
            path = os.path.join(directory, name)
            if os.path.lexists(os.path.join(self.source, path)) or os.path.lexists(os.path.join(self.target, path)):
                continue
            where = rng.choice(["both", "both", "both", "source", "target"])
            both = (in_source and where != "target", in_target and where != "source")
            if not any(both):
                continue
            for root, there in zip((self.source, self.target), both):
                if there:
                    os.mkdir(os.path.join(root, path))
            self.grow(rng, path, depth + 1, *both)

    def rule_files(self, rng, name, style, nul, share):
        made = []
        for directory, in_source, in_target in self.directories:
            if rng.random() > share:
                continue
            for root, there in ((self.source, in_source), (self.target, in_target)):
                if there and rng.random() < 0.8:
                    path = os.path.join(root, directory, name)
                    found = lines(rng, style, root)
                    if "C" not in style and "-" not in style and "+" not in style and "w" not in style and rng.random() < 0.06:
                        found.insert(rng.randint(0, len(found)), rng.choice([": .more", ":n .more", ":e- .more"]))
                    write_lines(rng, path, found, style, nul)
                    made.append(path)
        return made


def options(rng, base, tree, made):
    """The options of one case; files that it makes are appended to `made`."""
    out = []
    nul = rng.random() < 0.1
    if nul:
        out.append("-0")
    if rng.random() < 0.15:
        out.append("--delete-excluded")
    per_directory = 0
    for _ in range(rng.randint(1, 6)):
        kind = rng.random()
        if kind < 0.15:
            out.append("--exclude=" + rng.choice(["", "", "", "- ", "+ "]) + pattern(rng))
        elif kind < 0.3:
            out.append("--include=" + rng.choice(["", "", "", "- ", "+ "]) + pattern(rng))
        elif kind < 0.65:
            out.append("--filter=" + rule(rng, tree.source))
        elif kind < 0.75:
            path = os.path.join(base, f"from{len(made)}")
            found = [rng.choice(["", "", "- ", "+ "]) + pattern(rng) for _ in range(rng.randint(1, 4))]
            found.insert(0, rng.choice(["# comment", "", "; comment", "#"]))
            write_lines(rng, path, found, "", nul)
            made.append(path)
            out.append(rng.choice(["--exclude-from=", "--include-from="]) + path)
        elif kind < 0.83:
            style = rng.choice(["", "", "-", "+", "C", "w", "-w", "s", "p", "/", "-r"])
            path = os.path.join(base, f"merge{len(made)}")
            write_lines(rng, path, lines(rng, style, tree.source), style, nul)
            made.append(path)
            out.append("--filter=" + rng.choice([".", ". ", "merge,"]).strip(" ") + style + rng.choice(" _") + path)
            if out[-1].startswith("--filter=merge, "):
                out[-1] = out[-1].replace("merge, ", "merge ")
        elif kind < 0.95:
            style = rng.choice(["", "", "e", "n", "-", "+", "C", "w", "-n", "en", "s", "r", "p", "e-", "sC", "/", "nw", "-p"])
            name = rng.choice([".rules", ".rules", ".others", "foo"]) if "C" not in style else rng.choice([".cvsignore", ".rules"])
            if name == "foo":
                name = ".more"
            share = rng.choice([0.2, 0.5, 0.9])
            if per_directory < 2:
                made += tree.rule_files(rng, name, style, nul, share)
            per_directory += 1
            out.append("--filter=:" + style + rng.choice(" _") + name)
        elif kind < 0.98:
            out.append("-F")
            made += tree.rule_files(rng, ".rsync-filter", "", nul, 0.3)
            if rng.random() < 0.5:
                out.append("-F")
        else:
            out.append(rng.choice(["--filter=!", "--filter=clear", "--exclude=!", "--filter=-C", "--filter=-Cp"]))
    if rng.random() < 0.12:
        out.append("-C")
        made += tree.rule_files(rng, ".cvsignore", "C", nul, 0.3)
    return out


def decoded(name):
    return re.sub(r"\\#(\d{3})", lambda octal: chr(int(octal[1], 8)), name)


def ask_rsync(arguments, tree, base):
    """What rsync would send and delete; None where it refuses."""
    done = subprocess.run(["rsync", "-rlnii", "--delete", "--no-inc-recursive", *arguments, tree.source + "/", tree.target + "/"], cwd=base,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, check=False)
    if done.returncode in (1, 11, 12, 2):
        return None, done.stderr.decode("latin-1")
    answer = set()
    for line in done.stdout.decode("latin-1").split("\n"):
        if line.startswith("*deleting"):
            answer.add("delete " + decoded(line[12:]))
        elif re.match(r"[.<>ch*][fdLDS].{9} ", line) and line[12:] != "./":
            answer.add("send " + decoded(line[12:]))
    # In a dry run rsync says of a directory inside of a deleted one that it goes, even where something in it is guarded.
    for path in [path for path in answer if path.startswith("delete ") and path.endswith("/")]:
        top = os.path.join(tree.target, path[7:])
        for directory, directories, names in os.walk(top):
            here = os.path.relpath(directory, tree.target)
            below = [f"delete {here}/{name}" for name in names] + [f"delete {here}/{name}/" for name in directories]
            if any(name not in answer for name in below):
                answer.discard(path)
    return answer, done.stderr.decode("latin-1")


class Probe:
    def __init__(self, base):
        self.process = subprocess.Popen([PROBE, "--batch"], cwd=base, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def ask(self, arguments, tree):
        text = "".join(argument + "\0" for argument in [*arguments, tree.source, tree.target]) + "\0"
        self.process.stdin.write(text.encode("latin-1"))
        self.process.stdin.flush()
        answer, line = set(), b""
        while True:
            byte = self.process.stdout.read(1)
            if not byte:
                sys.exit(f"filter_probe died: {arguments}")
            if byte != b"\0":
                line += byte
            elif not line:
                break
            else:
                answer.add(line.decode("latin-1"))
                line = b""
        errors = [line for line in answer if line.startswith("error ")]
        return (None, errors[0]) if errors else (answer, "")

    def close(self):
        self.process.stdin.close()
        if self.process.wait() != 0:
            sys.exit("filter_probe ended badly")


def addition_may_matter(arguments, made):
    """A wildcard exclude stands somewhere, and a literal include too."""
    text = " ".join(arguments)
    for path in made:
        with open(path, encoding="latin-1") as file:
            text += " " + file.read()
    return re.search(r"\+|include|[SR][ _,]|show|risk", text) is not None


def run_seed(seed, base):
    rng = random.Random(seed)
    home = os.path.join(base, "home")
    os.makedirs(home, exist_ok=True)
    write(os.path.join(home, ".cvsignore"), "*.c n1\n")
    os.environ["HOME"] = home
    os.environ["CVSIGNORE"] = "n2 x*"
    os.environ["LC_ALL"] = "C"
    probe = Probe(base)
    bad = refused = compared = plainless = 0
    tree = None
    for case in range(CASES):
        if case % 15 == 0:
            place = os.path.join(base, f"{seed}.{case}")
            tree = Tree(rng, place)
        made = []
        arguments = options(rng, base, tree, made)
        theirs, why = ask_rsync(arguments, tree, base)
        runs = [["--plain"]] + ([] if addition_may_matter(arguments, made) else [[]])
        for extra in runs:
            ours, our_why = probe.ask(extra + arguments, tree)
            plainless += not extra
            if theirs is None and ours is None:
                refused += 1
                continue
            compared += 1
            if theirs == ours:
                continue
            bad += 1
            if bad <= 5:
                print(f"DIFFERENT: seed {seed}, case {case}: {' '.join(repr(argument) for argument in extra + arguments)}")
                if theirs is None or ours is None:
                    print(f"  rsync: {why.strip()[:300] or 'accepts'}\n  ours:  {our_why or 'accepts'}")
                else:
                    print(f"  only rsync: {sorted(theirs - ours)[:12]}\n  only ours:  {sorted(ours - theirs)[:12]}")
                for path in made:
                    with open(path, "rb") as file:
                        print(f"  {os.path.relpath(path, base)}: {file.read()!r}")
        for path in set(made):
            os.unlink(path)
    probe.close()
    print(f"seed {seed}: {CASES} rule sets, {compared} compared ({plainless} with the addition), {refused} refused by both, {bad} different")
    return bad, compared


def rsync_is_missing():
    if shutil.which("rsync") is None:
        print("rsync is missing")
        return True
    version = re.search(r"version (\d+)\.(\d+)", subprocess.run(["rsync", "--version"], stdout=subprocess.PIPE, check=True).stdout.decode())
    if version is None or (int(version[1]), int(version[2])) < (3, 2):
        print("rsync is older than 3.2")
        return True
    return False


def run_seeds(prefix, run_seed, usual):
    """The seeds of the command line, or `usual` and a new one.  `run_seed(seed, directory)` answers what was bad, and how much was compared."""
    seeds = [int(seed) for seed in sys.argv[1:]] or [*usual, random.SystemRandom().randrange(1 << 32)]
    bad = compared = 0
    with tempfile.TemporaryDirectory(prefix=prefix) as base:
        for seed in seeds:
            found = run_seed(seed, os.path.realpath(base))
            bad, compared = bad + found[0], compared + found[1]
    if compared == 0:
        print("nothing was compared")
        return 1
    return 1 if bad else 0


def main():
    return 77 if rsync_is_missing() else run_seeds("foxing-filter-", run_seed, SEEDS)


if __name__ == "__main__":
    sys.exit(main())
