#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# foxingd when things go wrong: events lost, SIGKILL, a target that vanishes, is full, loses directories; a source that is emptied.
#   recovery.sh KIND KIND       the filesystems of source and target
. "$(dirname "$0")/../support/common.sh"
. "$(dirname "$0")/../support/foxingd.sh"
need_fxcp
need_foxingd
private_mounts "$@"
work_dir
a=$(new_fs "$1") || exit $?
b=$(new_fs "$2") || exit $?
mkdir "$a/src"
seed=${FOXING_SEED:-$RANDOM}
echo "FOXING_SEED=$seed"
storm() { check "storm" python3 "$SUPPORT/storm.py" "$a/src" "$seed $1" "${2:-2}" "${3:-600}"; }

# The kernel's queue overflows while foxingd is held: everything is looked at, and nothing restarts.
storm 1
mirror "$a/src" "$b/dst" --limited-queue || finish
same "$a/src" "$b/dst"
kill -STOP "$MIRROR"
mkdir "$a/src/many"
check "more than 16384 events" python3 -c '
import os, sys
for number in range(20000):
    os.close(os.open(f"{sys.argv[1]}/{number}", os.O_WRONLY | os.O_CREAT))
    if number % 3: os.unlink(f"{sys.argv[1]}/{number}")' "$a/src/many"
kill -CONT "$MIRROR"
settled
same "$a/src" "$b/dst"
check "the loss is counted" [ "$(counted lost)" = 1 ]
check "and was answered by a scan" [ "$(counted scans)" = 2 ]
check "of the process that lost them" kill -0 "$MIRROR"

# SIGKILL in the midst of a storm, changes while nobody listens, a new start.
for round in 1 2 3; do
  storm "kill $round" 2 800 &
  changing=$!
  sleep "0.$((RANDOM % 4 + 1))"
  kill_mirror
  wait $changing
  storm "nobody $round" 1 200
  mirror "$a/src" "$b/dst" || finish
  same "$a/src" "$b/dst"
done
no_litter "$b/dst"

# Somebody takes a directory from the target: it comes back when something happens in it.
mkdir -p "$a/src/kept/inner" && echo 1 >"$a/src/kept/inner/file"
settled
rm -r "$b/dst/kept"
echo 2 >"$a/src/kept/inner/other"
settled
same "$a/src/kept" "$b/dst/kept"
stop_mirror

# A full target waits, deletes nothing and goes on by itself.
small=$(new_fs tmpfs 8M)
mkdir "$a/full" && echo kept >"$a/full/first"
mirror "$a/full" "$small/dst" || finish
dd if=/dev/zero of="$small/ballast" bs=1M count=7 status=none
dd if=/dev/urandom of="$a/large" bs=1M count=4 status=none && mv "$a/large" "$a/full/large"
echo later >"$a/full/later"
stalled() { foxingd status --socket "$WORK/control" | grep -q "stalled"; }
for _ in $(seq 50); do stalled && break; sleep 0.1; done
check "it waits" stalled
check "what was there stays" [ "$(cat "$small/dst/first")" = kept ]
check "nothing half is there" [ ! -e "$small/dst/large" ]
rm "$small/ballast"
settled
same "$a/full" "$small/dst"

# A source that is taken away is not an empty one.
mv "$a/full" "$a/away"
mkdir "$a/full"
echo changed >"$a/away/later"
for _ in $(seq 50); do stalled && break; sleep 0.1; done
check "a source that is another directory: it waits" stalled
check "and deletes nothing" [ "$(cat "$small/dst/first")" = kept ]
rmdir "$a/full" && mv "$a/away" "$a/full"
settled
same "$a/full" "$small/dst"
stop_mirror

# Two targets: one vanishes, the other is not held up; the first one comes back.
first=$(new_fs tmpfs) && second=$(new_fs tmpfs)
configure "$a/src" "$first/dst" "$second/dst"
rm -f "$WORK/control"
begin_mirror daemon -c "$WORK/config.toml" || finish
settled
same "$a/src" "$first/dst"
same "$a/src" "$second/dst"
mv "$second/dst" "$second/hidden"
storm "two targets"
check "the other one goes on" foxingd flush --socket "$WORK/control" --timeout 60 "$first/dst"
same "$a/src" "$first/dst"
for _ in $(seq 50); do stalled && break; sleep 0.1; done
check "the one that is gone waits" stalled
check "nothing is made in its place" [ ! -e "$second/dst" ]
mv "$second/hidden" "$second/dst"
settled
same "$a/src" "$second/dst"
stop_mirror
finish
