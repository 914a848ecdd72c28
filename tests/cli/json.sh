#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# --json: every line is one JSON object of the documented schema, stdout has nothing else, and no file name can forge a line.
. "$(dirname "$0")/../support/common.sh"
need_fxcp
need_tool python3
work_dir
lines() { python3 "$SUPPORT/json_lines.py" "$@"; }

tree_make src --user --scale 0.01 types names links || exit 1
expect 0 fxcp -a --json src plain && check "schema" lines check out
check "stderr is empty" test ! -s err
check "one start, first" lines first out start
check "one summary, last" lines last out summary
check "no file events unasked" lines count out file 0
expect 0 fxcp -a --json=files src files && check "schema" lines check out
check "an event for every name" lines covers out src
expect 0 fxcp -a -q --json src quiet && check "-q does not touch --json" lines last out summary
expect 0 fxcp -a --json --progress src progress && check "schema with --progress" lines check out
expect 0 fxcp -a --json --stats --explain -v src chatty && check "schema with everything" lines check out
expect 0 fxcp -a -n --json src dry && check "schema of a dry run" lines check out

# Failures: a line naming the path, and the summary agrees with the exit code.
expect 2 fxcp -a --json missing dst
if [ -s out ]; then check "schema of a refusal" lines check out; fi
check "the path is named" grep -q missing out err
if [ "$(id -u)" != 0 ]; then
  echo secret >src/types/unreadable && chmod 000 src/types/unreadable
  expect 1 fxcp -a --json src unreadable && check "schema of a failure" lines check out
  check "a failure names the path" lines failure out types/unreadable
  check "exit code in the summary" lines summary out exit_code 1
  rm -f src/types/unreadable
fi
expect 0 fxcp -a --json src plain && check "exit code in the summary" lines summary out exit_code 0
check "as many entries as there are" lines summary out entries "$(find src -printf x | wc -c)"   # names have newlines

# Names that are not UTF-8 can be had back byte for byte.
mkdir bytes && printf x >bytes/"$(printf 'not\xffutf8\n\\x41')"
expect 0 fxcp -a --json=files bytes bytes2 && check "schema" lines check out && check "bytes of a name" lines covers out bytes

# fxcp info: one object; a path that is not there yet, one that leads nowhere, and names that are not UTF-8.
expect 0 fxcp info --json src plain not/there bytes/* && check "schema of info" lines info out
odd=(bytes/*)
expect 1 fxcp info --json src "${odd[0]}/below" && check "schema of info with a failure" lines info out
check "docs/json.md names every key" lines documented out "$FOXING_SOURCE/docs/json.md"
finish
