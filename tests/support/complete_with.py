#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
# complete_with.py bash|zsh|fish SCRIPT LINE: types LINE and presses tab, in a shell that has read the completion SCRIPT; prints the
# words that the command would get then, one a line.
# bash and zsh are run on a terminal of their own.  fish is asked with `complete -C`, which answers from the same completions: where
# there is one candidate it takes the place of the last word.
import os
import pty
import select
import shutil
import subprocess
import sys
import tempfile
import time

PATIENCE_S = 30
# The command itself, for the shell: says what it was given.  The marks stand apart in here, so that they are none where this is shown.
PRINTS = r"""fxcp() { printf '<%s' 'words>'; printf '\n%s' "$@"; printf '\n<%s\n' '/words>'; }"""


def start_files(shell, script, folder):
    """Files in `folder` from which the shell starts; its arguments and environment."""
    environment = dict(os.environ, TERM="xterm", PS1="$ ", HOME=folder, HISTFILE="")
    if shell == "bash":
        with open(os.path.join(folder, "rc"), "w") as rc:
            rc.write(f"{PRINTS}\nbind 'set enable-bracketed-paste off'\n. '{script}'\nprintf '<%s\\n' 'ready>'\n")
        return ["bash", "--noprofile", "--rcfile", os.path.join(folder, "rc"), "-i"], environment
    os.mkdir(os.path.join(folder, "functions"))
    shutil.copy(script, os.path.join(folder, "functions", "_fxcp"))
    with open(os.path.join(folder, ".zshrc"), "w") as rc:
        rc.write(f"fpath=('{folder}/functions' $fpath)\nautoload -Uz compinit\ncompinit -u -D\nunsetopt zle_bracketed_paste 2>/dev/null\n"
                 f"unset zle_bracketed_paste\n{PRINTS}\nprintf '<%s\\n' 'ready>'\n")
    return ["zsh", "-d", "-i"], dict(environment, ZDOTDIR=folder)


def read_until(terminal, mark, seen, end):
    while mark not in seen:
        if time.monotonic() > end or not select.select([terminal], [], [], max(end - time.monotonic(), 0))[0]:
            sys.exit(f"no {mark!r} within {PATIENCE_S} s, only {seen!r}")
        try:
            got = os.read(terminal, 4096)
        except OSError:
            got = b""
        if not got:
            sys.exit(f"the shell has ended: {seen!r}")
        seen += got
    return seen


def on_a_terminal(shell, script, line):
    with tempfile.TemporaryDirectory() as folder:
        arguments, environment = start_files(shell, script, folder)
        child, terminal = pty.fork()
        if child == 0:
            os.execvpe(arguments[0], arguments, environment)
        try:
            end = time.monotonic() + PATIENCE_S
            read_until(terminal, b"<ready>", b"", end)
            os.write(terminal, line.encode() + b"\t\n")
            seen = read_until(terminal, b"</words>", b"", end)
        finally:
            os.close(terminal)  # hangs up, which ends the shell
            os.waitpid(child, 0)
    words = seen[seen.rindex(b"<words>"):seen.rindex(b"</words>")].decode().replace("\r", "").split("\n")
    return [word for word in words[1:] if word]


def in_fish(script, line):
    answer = subprocess.run(["fish", "--no-config", "-c", 'source $argv[1]; complete -C $argv[2]', script, line], check=True,
                            stdout=subprocess.PIPE, timeout=PATIENCE_S, text=True).stdout
    candidates = [candidate.split("\t")[0] for candidate in answer.splitlines()]
    words = line.split()[1:]
    return words[:-1] + candidates if len(candidates) == 1 else words


def main():
    shell, script, line = sys.argv[1:]
    words = in_fish(script, line) if shell == "fish" else on_a_terminal(shell, os.path.abspath(script), line)
    print("\n".join(words))


if __name__ == "__main__":
    main()
