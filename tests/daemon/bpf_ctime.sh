#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# foxingd with bpf-ctime: what no name tells of is mirrored while the file stays open; it does not follow itself on one filesystem.
#   bpf_ctime.sh KIND       the filesystem of source and target: one, for both
. "$(dirname "$0")/../support/common.sh"
. "$(dirname "$0")/../support/foxingd.sh"
need_fxcp
need_foxingd
private_mounts "$@"
work_dir
a=$(new_fs "$1") || exit $?
mkdir "$a/src" "$a/beside"
seed=${FOXING_SEED:-$RANDOM}
echo "FOXING_SEED=$seed"
CAPTURE=bpf-ctime
cat >"$WORK/config.toml" <<TOML
capture = "bpf-ctime"
[[sources]]
path = "$a/src"
[[sources.targets]]
path = "$a/dst"
TOML
why=$(foxingd check -c "$WORK/config.toml")
case $why in
  *"no programs for BPF"* | *"loading programs into the kernel"* | *"multigrain timestamps"* | *"no BPF"*) skip "${why%%$'\n'*}" ;;
esac

# Every operation, on this filesystem.
if [ -x "$FOXING_TOOLS/capture_test" ]; then
  check "every operation is heard of" env TMPDIR="$a/beside" "$FOXING_TOOLS/capture_test" --gtest_brief=1 --gtest_filter='*BpfCtimeSource*'
  rmdir "$a/beside" && mkdir "$a/beside" || fail "the unit test left something"
fi

# Somebody has a file mapped before foxingd begins, and stores into it without a pause, and then once more into a page that is dirty.
coproc STORER { exec python3 "$SUPPORT/storer.py" "$a/src/mapped" 1048576; }
store() { echo "$1 $2" >&"${STORER[1]}" && read -r _ <&"${STORER[0]}"; }
store 0 before
check "other files" python3 "$SUPPORT/storm.py" "$a/src" "$seed" 2 200
mirror "$a/src" "$a/dst" || finish
same "$a/src" "$a/dst"
for round in 1 2 3 4 5; do
  store $((round * 1000)) "first$round"
  store $((round * 1000)) "again$round"
  settled
  check "a store is in what a flush waits for ($round)" cmp -s "$a/src/mapped" "$a/dst/mapped"
done
equal_soon() { for _ in $(seq 200); do cmp -s "$1" "$2" && return 0; sleep 0.05; done; return 1; }
for round in 1 2 3; do
  store $((500000 + round)) "alone$round"
  check "a store is mirrored by itself ($round)" equal_soon "$a/src/mapped" "$a/dst/mapped"
done

for page in $(seq 100 115); do store $((page * 4096)) "page$page"; done
check "every page is mirrored" equal_soon "$a/src/mapped" "$a/dst/mapped"

# Its own writes lie on the same filesystem, and are not followed.
check "storm" python3 "$SUPPORT/storm.py" "$a/src" "$seed more" 2 400
settled
same "$a/src" "$a/dst"
# Some are looked at once more; then it is quiet.
quiet_soon() {
  local before now=none
  for _ in $(seq 20); do before=$now now=$(counted looked_at) && [ "$now" = "$before" ] && return 0; sleep 1.2; done
  return 1
}
check "quiet: nothing is looked at" quiet_soon
check "its own changes were met, and left out" [ "$(counted own_events)" -gt 0 ]
check "nothing was lost" [ "$(counted lost)" = 0 ]
check "one scan was enough" [ "$(counted scans)" = 1 ]
check "no doubt was given up" [ "$(counted given_up_doubts)" = 0 ]

# What is stored in the last moment, and then closed.
store 900000 last
exec {STORER[1]}>&-
wait "$STORER_PID"
settled
same "$a/src" "$a/dst"
stop_mirror

# Chosen by itself; where it cannot be, it says why, and what is used instead.
sed -i 1d "$WORK/config.toml"
expect 0 foxingd check -c "$WORK/config.toml"
says "heard of by bpf-ctime" "coverage of bpf-ctime" "heard of, and not mirrored"
elsewhere=$(new_fs tmpfs 64M) && mkdir "$elsewhere/src" && echo 1 >"$elsewhere/src/file"
sed -i "s|path = \"$a/src\"|path = \"$elsewhere/src\"|" "$WORK/config.toml"
expect 0 foxingd check -c "$WORK/config.toml"
says "heard of by fanotify" "not by bpf-ctime" "only ext4, XFS and btrfs" "seen when the file is closed"
expect 2 foxingd sync --watch --capture bpf-ctime "$elsewhere/src" "$a/other"
says "only ext4, XFS and btrfs"
finish
