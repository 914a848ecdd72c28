#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# SIGKILL and a full disk while a snapshot is made, pruned or reverted: whole ones or none, and the tree is as it was until one is there.
. "$(dirname "$0")/../support/common.sh"
need_fxcp
need_tool python3
private_mounts "$@"
work_dir
seed=${FOXING_SEED:-$RANDOM}
RANDOM=$seed
echo "seed $seed"
disk=$(new_fs ext4 120M) || exit $?
dst=$disk/dst store=$disk/dst/.foxing_versions

python3 - <<'PYTHON'
import os, random
random.seed(1)
for which, seed in (("old", 1), ("new", 2)):
    random.seed(seed)
    for i in range(400):
        os.makedirs(f"{which}/d{i % 7}", exist_ok=True)
        open(f"{which}/d{i % 7}/f{i}", "wb").write(random.randbytes(random.randint(0, 60000)))
PYTHON
expect 0 fxcp -aq old "$dst"

snapshots() { ls "$store" 2>/dev/null | grep -v index.json; }
# killed_after MOST COMMAND...: kills it within MOST ms, and waits until it is gone: a temporary name of one that still dies is a live one's.
killed_after() {
  "${@:2}" >/dev/null 2>&1 &
  sleep "0.$(printf %03d $((RANDOM % $1 + 2)))"
  { kill -KILL $! && wait $!; } 2>/dev/null
}
for _ in $(seq "${FOXING_KILLS:-8}"); do
  killed_after 150 "$FXCP" -a --snapshot --delete new "$dst"
  there=$(snapshots)
  # None: then nothing has changed.  One: it is the old tree.
  if [ -n "$there" ]; then same old "$store/$there/tree"; else expect 0 fxcp verify -q old "$dst"; fi
  expect 0 fxcp -a --delete old "$dst"
  expect 0 fxcp --cleanup "$dst"
  expect 0 fxcp verify -q old "$dst"
  check "no half is left" test -z "$(ls -A "$store" 2>/dev/null | grep '^\.')"
  if [ -n "$there" ]; then
    expect 0 fxcp -a --snapshot old "$dst"
    killed_after 20 "$FXCP" snap prune --keep-last 1 "$dst"
    for one in $(snapshots); do same old "$store/$one/tree" --no-links; done  # where there are two, they are links of each other
    killed_after 20 "$FXCP" snap revert "$dst/d1" latest
    same old/d1 "$dst/d1"
  fi
  rm -rf "$store"
  expect 0 fxcp -aq old "$dst"
done

# A full disk: no snapshot, and no change.
fallocate -l "$(($(df --output=avail -B1 "$disk" | tail -n 1) - 4000000))" "$disk/ballast"
expect 2 fxcp -a --snapshot --delete new "$dst" && says "No space left" "nothing was changed"
expect 0 fxcp verify -q old "$dst"
check "no half is left" test -z "$(ls -A "$store" | grep -v index.json)"
rm "$disk/ballast"
expect 0 fxcp -a --snapshot --delete new "$dst"
same old "$store/$(snapshots)/tree"
expect 0 fxcp verify -q new "$dst"
finish
