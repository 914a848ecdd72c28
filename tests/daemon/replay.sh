#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# foxingd record and replay.  What was recorded is told again: first what this story records itself, where it is root; then a recording of an older version,
# as an ordinary user.
. "$(dirname "$0")/../support/common.sh"
. "$(dirname "$0")/../support/foxingd.sh"
need_fxcp
[ -x "$FOXINGD" ] || skip "there is no foxingd beside fxcp ($FOXINGD)"
[ "$(id -u)" != 0 ] || private_mounts "$@"
work_dir
programs_for_all
cp "$FOXINGD" "$WORK/bin/foxingd" && chmod 755 "$WORK/bin/foxingd"
cp "$FOXING_SOURCE/tests/golden/recording/v1" "$WORK/golden" && chmod 644 "$WORK/golden"

# The tree that recordings begin with, and what happens in it.  The golden one was made with these: they stay as they are.
before() {
  mkdir -p "$1/moved/deep" "$1/gone" "$1/kept" && echo 1 >"$1/kept/file" && echo 2 >"$1/moved/deep/file" && echo 3 >"$1/gone/file"
  echo 4 >"$1/a" && ln "$1/a" "$1/b"
}
changes() {
  echo more >>"$1/kept/file"
  mkdir -p "$1/new/inner" && echo 5 >"$1/new/inner/file"
  mv "$1/moved" "$1/kept/moved" && echo 6 >>"$1/kept/moved/deep/file"
  rm -r "$1/gone"
  mv "$1/a" "$1/c" && chmod 600 "$1/c"
  for name in 1 2 3 4 5; do mv "$1/kept/file" "$1/kept/$name" && mv "$1/kept/$name" "$1/kept/file"; done
  ln -s c "$1/link"
}

export -f before changes

if [ "$(id -u)" = 0 ]; then
  recorded=$(new_fs tmpfs)/src
  mkdir "$recorded" && before "$recorded"
  "$FOXINGD" record -o "$WORK/recording" --seconds 600 "$recorded" >"$WORK/record.out" 2>&1 &
  recorder=$!
  for _ in $(seq 200); do [ -e "$WORK/recording" ] && break; sleep 0.05; done
  changes "$recorded"
  kill "$recorder"
  code=0
  wait "$recorder" || code=$?
  check "the recorder ends well" [ $code = 0 ]
  check "and says what it has" grep -qE '^[1-9][0-9]* events, [0-9]+ left out$' "$WORK/record.out"
  chmod 644 "$WORK/recording"
  expect 2 foxingd record -o "$WORK/recording" "$recorded"
  says "File exists"
  expect 0 foxingd record -o "$WORK/empty" --seconds 1 "$recorded"
  says "0 events"
fi

# replayed FILE: without privileges a mirror that hears the recording is equal, without a second look at everything.
replayed() {
  local at=$WORK/replay.$(basename "$1")
  mkdir -m 777 "$at"
  as_user mkdir "$at/src"
  as_user bash -c 'before "$1/src"' bash "$at"
  local as=()
  [ "$(id -u)" != 0 ] || as=(setpriv --reuid=65534 --regid=65534 --clear-groups --)
  "${as[@]}" "$WORK/bin/foxingd" replay --socket "$at/control" "$1" "$at/src" "$at/dst" 2>"$at/log" &
  MIRROR=$!
  for _ in $(seq 200); do
    [ -S "$at/control" ] && foxingd status --json --socket "$at/control" 2>/dev/null | grep -q '"state":"live".*"scans":1,' && break
    sleep 0.05
  done
  as_user bash -c 'changes "$1/src"' bash "$at"
  check "nothing is told before somebody asks" [ -e "$at/dst/gone/file" ]
  check "flush" foxingd flush --socket "$at/control" --timeout 60
  same "$at/src" "$at/dst"
  check "one scan was enough" [ "$(foxingd status --json --socket "$at/control" | grep -o '"scans":[0-9]*')" = '"scans":1' ]
  stop_mirror
  # Once more, to its end: it is equal already, and stays so.
  expect 0 as_user "$WORK/bin/foxingd" replay "$1" "$at/src" "$at/dst"
  says " events, "
  same "$at/src" "$at/dst"
}
replayed "$WORK/golden"
[ "$(id -u)" != 0 ] || replayed "$WORK/recording"

# What is no recording is told by nobody.
head -c 100 "$WORK/golden" >"$WORK/short"
chmod 644 "$WORK/short"
expect 2 foxingd replay "$WORK/short" "$WORK/replay.golden/src" "$WORK/replay.golden/dst"
says "is no recording of foxingd that can be used" "at byte"
expect 2 foxingd replay "$WORK/bin" "$WORK/replay.golden/src" "$WORK/replay.golden/dst"
says "is no regular file"
expect 2 foxingd record "$WORK/replay.golden/src"
says "--output FILE"
finish
