#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What foxingd does not do, and the words in which it says so; the configuration and its mistakes; check.
. "$(dirname "$0")/../support/common.sh"
. "$(dirname "$0")/../support/foxingd.sh"
need_fxcp
need_foxingd
private_mounts "$@"
work_dir
fs=$(new_fs xfs) || exit $?
mkdir -p "$fs/src/sub" "$fs/dst"
echo 1 >"$fs/src/file"

expect 2 foxingd sync --watch "$fs/src" "$fs/src/sub"
says "lies inside its source"
expect 2 foxingd sync --watch "$fs/src/sub" "$fs/src"
says "lies inside its target"
expect 2 foxingd sync --watch "$fs/src" "$fs/src/../src"
says "are the same directory"
expect 2 foxingd sync --watch "$fs/missing" "$fs/dst"
says "No such file or directory"
mkdir "$fs/empty" "$fs/full" && echo precious >"$fs/full/precious"
expect 2 foxingd sync --watch "$fs/empty" "$fs/full"
says "is empty" "--delete-anyway"
check "nothing was deleted" [ "$(cat "$fs/full/precious")" = precious ]
expect 2 foxingd sync "$fs/empty" "$fs/full"
check "nothing was deleted" [ "$(cat "$fs/full/precious")" = precious ]

# One daemon a target.
mirror "$fs/src" "$fs/dst" || finish
expect 2 foxingd sync --watch "$fs/src" "$fs/dst"
says "another foxingd"
expect 2 foxingd sync --watch --socket "$WORK/control" "$fs/src" "$fs/other"
says "another foxingd listens there"
check "the socket is its owner's alone" [ "$(stat -c %a "$WORK/control")" = 600 ]
expect 0 foxingd status --socket "$WORK/control"
says "live" "0 pending"
expect 2 foxingd pause --socket "$WORK/control" /no/such/target
says "no such target"

# Paused: nothing happens until it is resumed.
check "pause" foxingd pause --socket "$WORK/control" "$fs/dst"
echo 2 >"$fs/src/paused"
sleep 0.3
check "nothing happens" [ ! -e "$fs/dst/paused" ]
check "resume" foxingd resume --socket "$WORK/control" "$fs/dst"
settled
same "$fs/src" "$fs/dst"
expect 0 foxingd metrics --socket "$WORK/control"
says "foxing_replication_lag_seconds" "foxing_capture_coverage" 'op="mmap_write"'
stop_mirror
check "the socket is gone" [ ! -e "$WORK/control" ]
expect 2 foxingd status --socket "$WORK/control"
says "is it running?"

# Without the privilege.
if with_no_privilege=$(setpriv --bounding-set=-sys_admin --inh-caps=-sys_admin "$FOXINGD" sync --watch "$fs/src" "$fs/dst" 2>&1); then
  fail "without CAP_SYS_ADMIN it should refuse"
fi
check "it says what is missing" grep -q "CAP_SYS_ADMIN" <<<"$with_no_privilege"

# sync without --watch; filters.
mkdir "$fs/picky" && echo 1 >"$fs/src/a.log" && echo 1 >"$fs/src/keep.log"
expect 0 foxingd sync -a --exclude '*.log' --include keep.log "$fs/src" "$fs/picky"
check "left out" [ ! -e "$fs/picky/a.log" ]
check "let in" [ -e "$fs/picky/keep.log" ]
mirror "$fs/src" "$fs/picky" --exclude '*.log' || finish
echo 2 >"$fs/src/b.log" && echo 2 >"$fs/src/b.txt" && mv "$fs/src/b.txt" "$fs/src/c.txt" && mv "$fs/src/a.log" "$fs/src/a.txt"
settled
check "what is left out stays so" [ ! -e "$fs/picky/b.log" ]
check "what gets another name comes in" [ -e "$fs/picky/a.txt" ]
check "what the target has of it is not deleted" [ -e "$fs/picky/keep.log" ]
mv "$fs/src/c.txt" "$fs/src/c.log"
settled
check "what leaves is deleted" [ ! -e "$fs/picky/c.txt" ] && check "and not made" [ ! -e "$fs/picky/c.log" ]
stop_mirror

# Mistakes in the configuration, all of them, with their lines.
cat >"$WORK/bad.toml" <<'TOML'
worker_count = "two"
colour = "red"
[[sources]]
path = "relative"
exclude = [1]
[[sources.targets]]
path = "/t"
size = 3
[[sources]]
path = "/s"
TOML
expect 2 foxingd check -c "$WORK/bad.toml"
says "bad.toml:1: worker_count must be a whole number" "bad.toml:2: unknown key 'colour'" "bad.toml:4: 'relative' is a relative path" \
  "bad.toml:5: exclude must be a list of texts" "bad.toml:8: unknown key 'size'" "bad.toml:9: this source has no [[sources.targets]]"
expect 2 foxingd daemon -c "$WORK/bad.toml"
says "unknown key 'colour'"
printf '[[sources]\n' >"$WORK/broken.toml"
expect 2 foxingd check -c "$WORK/broken.toml"
says "broken.toml:1"
cat >"$WORK/good.toml" <<TOML
capture = "fanotify"
[[sources]]
path = "$fs/src"
[[sources.targets]]
path = "$fs/dst"
TOML
expect 0 foxingd check -c "$WORK/good.toml"
says "fanotify" "mmap_write" "seen when the file is closed" "0 problems"
expect 2 foxingd frobnicate
says "there is no command"
expect 2 foxingd sync --colour "$fs/src" "$fs/dst"
says "has no option"
finish
