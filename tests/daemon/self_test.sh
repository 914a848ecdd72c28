#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# foxingd check --self-test: every operation is done, what is heard of is said, and nothing is left behind.
. "$(dirname "$0")/../support/common.sh"
. "$(dirname "$0")/../support/foxingd.sh"
need_fxcp
need_foxingd
private_mounts "$@"
work_dir
target=$(new_fs tmpfs) || exit $?

# configuration CAPTURE SOURCE
configuration() {
  printf 'control_socket = "%s"\nmetrics = ""\ncapture = "%s"\nself_test = %s\n[[sources]]\npath = "%s"\n[[sources.targets]]\npath = "%s"\n' \
    "$WORK/control" "$1" "${3:-false}" "$2" "$target/dst" >"$WORK/config.toml"
}
nothing_left() {
  check "nothing is left behind in $1" [ "$(ls -A "$1")" = kept ]
}

for kind in xfs btrfs ext4 tmpfs; do
  fs=$(new_fs $kind) || exit $?
  mkdir "$fs/src" && echo 1 >"$fs/src/kept"
  configuration auto "$fs/src"
  expect 0 foxingd check --self-test -c "$WORK/config.toml"
  says "self-test of $fs/src" "0 problems"
  ! grep -q "heard of by bpf-ctime" "$WORK/out" || says "mmap_write     heard of"
  configuration fanotify "$fs/src"
  expect 0 foxingd check --self-test -c "$WORK/config.toml"
  says "0 problems"
  for operation in create mkdir link unlink rename exchange write io_uring_write truncate copy_range chmod chown utimes xattr close; do
    check "$kind: $operation is heard of" grep -qE "^  $operation +heard of$" "$WORK/out"
  done
  for operation in mmap_write aio_write; do
    check "$kind: $operation is not" grep -qE "^  $operation +(not heard of: seen when|cannot be done)" "$WORK/out"
  done
  [ $kind != xfs ] || says "clone          heard of"
  nothing_left "$fs/src"
  last=$fs
done

# By polling, too; on what fanotify cannot watch.
over=$(new_fs overlay) || exit $?
mkdir "$over/src" && echo 1 >"$over/src/kept"
configuration auto "$over/src"
expect 0 foxingd check --self-test -c "$WORK/config.toml"
says "heard of by poll" "0 problems"
nothing_left "$over/src"

# Interrupted in the midst: here while it waits until what it made is no longer young.
"$FOXINGD" check --self-test -c "$WORK/config.toml" >"$WORK/out" 2>"$WORK/err" &
testing=$!
for _ in $(seq 200); do ls -A "$over/src" | grep -q '^\.tmp\.' && break; sleep 0.02; done
kill -TERM $testing
code=0
wait $testing || code=$?
check "a signal is a problem ($code)" [ $code = 2 ]
says "a signal came"
nothing_left "$over/src"
# Killed: what is left goes with the next.
"$FOXINGD" check --self-test -c "$WORK/config.toml" >"$WORK/out" 2>"$WORK/err" &
testing=$!
for _ in $(seq 200); do ls -A "$over/src" | grep -q '^\.tmp\.' && break; sleep 0.02; done
kill -KILL $testing
wait $testing 2>/dev/null
check "it leaves something" [ "$(ls -A "$over/src" | wc -l)" = 2 ]
configuration auto "$last/src" true
begin_mirror daemon -c "$WORK/config.toml" || finish
settled
check "the daemon says that it passed" grep -q "self-test passed" "$WORK/foxingd.log"
same "$last/src" "$target/dst"

# Beside a mirror that runs: it takes nothing of it.
configuration poll "$over/src"
expect 0 foxingd check --self-test -c "$WORK/config.toml"
nothing_left "$over/src"
configuration fanotify "$last/src"
expect 0 foxingd check --self-test -c "$WORK/config.toml"
settled
same "$last/src" "$target/dst"
stop_mirror
finish
