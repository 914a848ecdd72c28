#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What is said of a run: --out-format, --list-only and -i beside rsync's own lines, the log, sizes with -h, hard links in a dry run.
. "$(dirname "$0")/../support/common.sh"
need_fxcp
need_tool rsync python3
work_dir
export TZ=UTC

put() { mkdir -p "$(dirname "$1")" && printf '%s\n' "$2" >"$1" && touch -d "${3:-2020-02-02 02:02:02.123456789}" "$1"; }
# Reading moves access times that are older than the others, and -i would tell: all are newer.
settle() { find "$1" -exec touch -h -a -d "$ATIME" {} +; }
ATIME=$(date -d '+1 hour' '+%F %T.5')

tree() {
  put s/a 'text a' && put s/b 'text b' && put s/dir/c 'text c' && put s/dir/deep/e 'text e' && mkdir -p s/empty
  head -c 1234567 /dev/zero >s/dir/big && touch -d 2021-03-04T05:06:07 s/dir/big
  ln -s a s/link && ln -s nowhere s/dir/dead && mkfifo s/fifo
  chmod 4755 s/a && chmod 2711 s/b && chmod 600 s/dir/c && chmod 1777 s/empty && chmod 700 s/dir/deep
  touch -h -d 2019-01-01 s/link s/dir/dead && touch -d 2018-01-01T10:00:00 s/dir/deep s/empty s/dir s
  settle s
}

# same_lines FORMAT [OPTIONS]: both say the same of bringing their copy up to date, whatever the order.
same_lines() {
  local format=$1
  shift
  expect 0 rsync -aHAXU "$@" --out-format="$format" s/ theirs
  grep -v '^created directory' out | sed 's,|s/\.|,|s|,' | sort >wanted
  expect 0 fxcp -a "$@" --out-format="$format" s ours
  sort out >said
  check "fxcp $* --out-format='$format' says what rsync says" diff wanted said
  check "and it is something" test -s said
}
lines() { sort out | diff - <(printf '%s\n' "$@" | sort); }

formats() {
  tree
  local rich='%i|%n|%f|%l|%o|%B|%L|%M|%U|%G|%10l|%-12n|%'\''l|%'\'\''l|%'\'\'\''l|100%%'
  expect 0 fxcp -a -n --out-format='%i %n%L' s ours && mv out would && check "a dry run writes nothing" test ! -e ours
  same_lines "$rich"
  rm -rf ours theirs
  expect 0 fxcp -a --out-format='%i %n%L' s ours && check "a dry run says the same" diff <(sort would) <(sort out)
  expect 0 rsync -aHAXU s/ theirs

  put s/a 'another text a, longer' 2022-01-01 && chmod 640 s/b && put s/new/file 1 && rm -r s/dir/deep s/dir/dead && put s/dir/c 'longer than before' 2022-01-01
  settle s
  cp -a ours ours_2 && cp -a theirs theirs_2
  same_lines '%i %n%L' -n --delete
  same_lines '%i %n%L' --delete
  rm -rf ours theirs && mv ours_2 ours && mv theirs_2 theirs
  # Without %i: no lines for attributes alone, and a word for what is deleted.
  same_lines '%n' --delete
  expect 0 fxcp -a --out-format='%i %n' -ii s ours && says '.f          a' '.d          dir/'
  expect 0 fxcp -a --out-format='%n' -ii s ours && check "equal names have no line without %i" test ! -s out
  rm -rf ours && mkdir ours
  expect 0 fxcp --out-format='%i %b %l %n' s/dir/big ours && says '>f+++++++++ 1234567 1234567 big'
  # -i has always been this.
  rm -rf ours && expect 0 fxcp -a -i s ours
  check "-i: $(head -n 20 out)" lines 'cd+++++++++ ./' 'cd+++++++++ dir/' 'cd+++++++++ empty/' 'cd+++++++++ new/' '>f+++++++++ a' '>f+++++++++ b' \
    '>f+++++++++ dir/big' '>f+++++++++ dir/c' '>f+++++++++ new/file' 'cL+++++++++ link' 'cS+++++++++ fifo'
  # A name makes no line of its own.
  rm -rf ours && mkdir odd && printf x >odd/"$(printf 'two\nlines')"
  expect 0 fxcp -a --out-format='%n' odd ours && check "a name with a newline is one line" lines './' 'two\x0alines'
  for format in '%z' '%n %C' '%h' '%' '%-9' "%'n"; do
    expect 2 fxcp -a --out-format="$format" s none && says --out-format "${format#%n }" && check "nothing was done" test ! -e none
  done
  rm -rf s ours theirs odd
}

hard_links() {
  put h/one text && ln h/one h/two && put h/alone text && mkdir h/d && put h/d/x text && ln h/d/x h/d/y
  expect 0 fxcp -a -n --out-format='%i %n%L' h new && sort out >would
  check "two of five are links" test "$(grep -c '^hf' would)" = 2 -a "$(grep -c '^>f' would)" = 3
  check "each leads to its other name" grep -qE '^hf\+{9} (one => two|two => one)$' would
  check "and below" grep -qE '^hf\+{9} d/(x => d/y|y => d/x)$' would
  expect 0 fxcp -a -n --json h new && says '"files":3' '"hard_links":2'
  expect 0 fxcp -a --out-format='%i %n%L' h new && check "so it is done" diff would <(sort out)
  settle h && expect 0 fxcp -a h new
  expect 0 fxcp -a -n --out-format='%i %n' h new && check "nothing is left to do: $(cat out)" test ! -s out
  rm new/two && cp -a new/one new/two && touch -r h new
  expect 0 fxcp -a -n --out-format='%i %n' h new && check "a file of its own becomes a link again: $(cat out)" test "$(grep -c '^hf' out)" = 1 -a "$(wc -l <out)" = 1
  expect 0 fxcp -a -n --no-hard-links -i h new2 && check "not without -H" test "$(grep -c '^>f' out)" = 5
  rm -rf h new
}

# same_list OPTIONS -- SRC [DST]: rsync wants a slash after one directory.
same_list() {
  local options=() theirs
  while [ "$1" != -- ]; do options+=("$1") && shift; done
  shift
  theirs=$1
  [ ! -d "$theirs" ] || theirs=$1/
  expect 0 rsync --list-only "${options[@]}" "$theirs" && sort out >wanted
  expect 0 fxcp --list-only "${options[@]}" "$@" && sort out >said
  check "fxcp --list-only ${options[*]} $* says what rsync says" diff wanted said
  check "and it is something" test -s said
}

lists() {
  tree
  ln s/b s/b2
  fingerprint . >before
  local option
  for option in -a -l -rl -a\ -h -a\ -hh -a\ --no-h '-a --exclude=dir' '-a --exclude=*e* --exclude=big' -aL; do
    # shellcheck disable=SC2086  # words
    [ "$option" = -aL ] && rm -f s/dir/dead   # rsync calls it an error
    # shellcheck disable=SC2086
    same_list $option -- s
  done
  same_list -- s/a
  same_list -a -- s/link
  same_list -a -- s nowhere/at/all
  expect 0 fxcp -a --list-only s && check "a directory comes before what is in it" test "$(grep -n ' dir$' out | cut -d: -f1)" -lt "$(grep -n ' dir/big$' out | cut -d: -f1)"
  expect 0 fxcp --list-only s && cut -c47- out | sort >level
  expect 0 fxcp -a --list-only --max-depth=1 s && check "--max-depth=1 is one level" diff level <(cut -c47- out | sed 's/ -> .*//' | sort)
  expect 0 fxcp -r --list-only s/a s/dir s/empty none
  check "several keep their names: $(cut -c47- out)" diff <(printf '%s\n' a dir dir/big dir/c dir/deep dir/deep/e empty) <(cut -c47- out | sort)
  printf 'dir/c\n' >names && expect 0 fxcp --list-only --files-from=names s
  check "--files-from: $(cut -c47- out)" diff <(printf '%s\n' . dir dir/c) <(cut -c47- out | sort)
  printf 'dir/missing\n' >names && expect 1 fxcp --list-only --files-from=names s && says dir/missing 'is listed, and not in the source'
  expect 2 fxcp --list-only missing && says "'missing' does not exist"
  expect 0 fxcp -a --list-only --json s
  check "JSON lines" python3 - out <<'PYTHON'
import json, sys
lines = [json.loads(line) for line in open(sys.argv[1])]
assert lines[0]["type"] == "start" and lines[0]["schema"] == "fxcp.list/1", lines[0]
entries = {line["path"]: line for line in lines[1:-1]}
assert all(line["type"] == "entry" for line in entries.values())
assert set(entries) == {".", "a", "b", "b2", "link", "fifo", "empty", "dir", "dir/big", "dir/c", "dir/deep", "dir/deep/e"}, sorted(entries)
assert entries["a"]["mode"] == "4755" and entries["a"]["bytes"] == 7 and entries["a"]["modified"] == "1580608922.123456789", entries["a"]
assert entries["link"]["link"] == "a" and entries["link"]["file_type"] == "symbolic link", entries["link"]
assert lines[-1]["type"] == "summary" and lines[-1]["entries"] == len(entries) and lines[-1]["exit_code"] == 0, lines[-1]
PYTHON
  if [ "$(id -u)" != 0 ]; then
    mkdir s/closed && chmod 000 s/closed
    expect 1 fxcp -a --list-only s && says s/closed
    expect 2 fxcp -a --list-only s/closed && says s/closed
    chmod 700 s/closed && rmdir s/closed && touch -d 2018-01-01T10:00:00 s
  fi
  rm -f names before.now && rm -f wanted said level out err
  rm -rf s
}

the_log() {
  put s/a 'text a' && put s/dir/b 'text b' && ln -s a s/link && touch -d 2019-01-01 s/dir s
  expect 0 fxcp -a --log-file=log s d && check "nothing is said elsewhere" test ! -s out -a ! -s err
  check "a line for everything: $(cat log)" diff <(sed -E 's/^[0-9/]{10} [0-9:]{8} \[[0-9]+\] //; s/[0-9.]+ s, exit/T s, exit/' log | sort) - <<'LINES'
>f+++++++++ a
>f+++++++++ dir/b
cL+++++++++ link -> a
cd+++++++++ ./
cd+++++++++ dir/
fxcp: 5 of 5 entries done, 0 failures; 2 files of 14 bytes copied, 0 linked, 0 equal already, 0 deleted; T s, exit code 0
LINES
  check "each with date, time and process" test "$(grep -cvE '^20[0-9]{2}/[0-9]{2}/[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2} \[[0-9]+\] ' log)" = 0
  rm s/a && expect 0 fxcp -a -q --delete --log-file=log --log-file-format='%o %n' s d
  check "appended, in the form asked for" grep -qE '\] del\. a$' log
  check "what was there stays" grep -qE '\] >f\+{9} a$' log
  check "the sums of both" test "$(grep -c 'entries done' log)" = 2
  rm -rf d && expect 0 fxcp -a -n --log-file=dry s d && check "a dry run is logged, and only that" test ! -e d -a "$(grep -c 'dry run' dry)" = 1
  expect 0 fxcp -a --json --log-file=both s d && check "standard output is JSON all the same" python3 "$SUPPORT/json_lines.py" check out
  check "and the log is one" grep -q 'dir/b' both
  rm -rf d && printf x | fxcp --log-file=stream - streamed && check "streams have lines, too" grep -q 'exit code 0' stream

  expect 2 fxcp -a --log-file=missing/log s none && says "'missing/log'" 'No such file or directory' && check "nothing was done" test ! -e none
  expect 2 fxcp -a --log-file=s s none && says "'s'" 'Is a directory' && check "nothing was done" test ! -e none
  expect 2 fxcp -a --log-file=log --log-file-format=%q s none && says '%q' && check "nothing was done" test ! -e none
  expect 2 fxcp -a --log-file=log s/missing none && check "a refusal is logged" grep -q "'s/missing' does not exist" log
  expect 1 fxcp -a --log-file=/dev/full s full
  check "a full log is told once: $(cat err)" test "$(grep -c 'No space left on device' err)" = 1
  check "and everything is copied" diff -r --no-dereference s full
  expect 1 fxcp -a --json --log-file=/dev/full s full2 && says '"exit_code":1'
  put t/kept 1 && mkdir u && expect 1 fxcp -a --delete --log-file=u/log t u && says 'was deleted while it was written'
  expect 0 fxcp -a s d
  put d/dir/b 'changed by somebody' && rm -r s/dir && put s/dir 'a file now'
  expect 1 fxcp -a -q --log-file=problems s d
  check "problems are logged" grep -q 'fxcp: .*dir' problems && check "and counted" grep -q 'exit code 1' problems
  rm -rf s d t u full full2
}

sizes_and_letters() {
  mkdir s && head -c 2048 /dev/zero >s/a
  expect 0 fxcp -a --stats s d1 && says 'Bytes                    2,048 (2.0 KiB)'
  expect 0 fxcp -a --stats -h s d2 && check "-h: units alone" grep -qE '^Bytes  +2\.0 KiB$' out
  expect 0 fxcp -a --stats --no-h s d3 && check "--no-h: digits alone" grep -qE '^Bytes  +2048$' out
  expect 0 fxcp -h && says 'Usage: fxcp'
  expect 0 fxcp -aP s d4 && says '1 files'
  expect 2 fxcp -archive s d5 && says 'did you mean --archive'
  for option in --chown=: --usermap=x --groupmap=1-:; do expect 2 fxcp -a "$option" s d6 && says "${option%%=*}"; done
  rm -rf s d1 d2 d3 d4
}

formats
hard_links
lists
the_log
sizes_and_letters
finish
