#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# SIGKILL and a full disk while a snapshot is appended, or an archive imported: the old archive is as it was, no half file has a name.
. "$(dirname "$0")/../support/common.sh"
need_fxcp
need_tool python3 timeout
private_mounts "$@"
work_dir
seed=${FOXING_SEED:-$RANDOM}
RANDOM=$seed
echo "seed $seed"
disk=$(new_fs ext4 300M) || exit $?

mkdir src && python3 - <<'PYTHON'
import os, random
random.seed(1)
for i in range(300):
    os.makedirs(f"src/d{i % 7}", exist_ok=True)
    open(f"src/d{i % 7}/f{i}", "wb").write(random.randbytes(random.randint(0, 120000)))
PYTHON
expect 0 fxcp snap export -q src -o "$disk/archive" --timestamp=2026-01-01T000000
cp -a src before
python3 - <<'PYTHON'
import random
random.seed(2)
for i in range(0, 300, 3):
    open(f"src/d{i % 7}/f{i}", "ab").write(random.randbytes(50000))
PYTHON

# killed_after SECONDS COMMAND...
killed_after() {
  local seconds=$1
  shift
  (timeout -s KILL "$seconds" "$@") >/dev/null 2>&1
}
for _ in $(seq "${FOXING_KILLS:-8}"); do
  cp "$disk/archive" "$disk/killed"
  killed_after "0.$(printf %03d $((RANDOM % 120 + 5)))" "$FXCP" snap export -q --append src -o "$disk/killed"
  # Be it the first snapshot or both: what it has is whole.
  expect 0 fxcp snap import -q "$disk/killed" first --date=2026-01-01
  same before first
  rm -rf first
  expect 0 fxcp snap export -q --append src -o "$disk/killed"
  expect 0 fxcp snap check -q "$disk/killed"
  expect 0 fxcp snap import -q "$disk/killed" last
  same src last
  rm -rf last "$disk/killed"

  killed_after "0.$(printf %03d $((RANDOM % 120 + 5)))" "$FXCP" snap import -q "$disk/archive" half
  [ ! -e half ] || check "every name that is there is whole" python3 - <<'PYTHON'
import os
for root, _, files in os.walk("half"):
    for name in files:
        path = os.path.join(root, name)
        assert open(path, "rb").read() == open("before" + path[4:], "rb").read(), path
PYTHON
  expect 0 fxcp snap import -q "$disk/archive" half
  same before half
  rm -rf half
done

# A disk that is full: appending ends with an error, and the archive is as it was.
cp "$disk/archive" saved
fallocate -l "$(($(df --output=avail -B1 "$disk" | tail -n 1) - 2000000))" "$disk/ballast"
expect 2 fxcp snap export -q --append src -o "$disk/archive" && says "No space left"
check "as it was" cmp "$disk/archive" saved
expect 2 fxcp snap export -q src -o "$disk/new" && says "No space left"
check "no new archive" test ! -e "$disk/new"
expect 2 fxcp snap import -q "$disk/archive" "$disk/target" && says "are needed" "are missing; nothing was restored"
check "nothing was made" test ! -e "$disk/target"
expect 2 fxcp snap restore -q "$disk/archive" --file '*' -o "$disk/target" && says "nothing was restored"
from_a_pipe() { cat "$disk/archive" | fxcp snap import -q - "$disk/target"; }
expect 1 from_a_pipe && says "No space left"  # how much it will be is not known before
no_litter "$disk"
rm -rf "$disk/ballast" "$disk/target"
expect 0 fxcp snap import -q "$disk/archive" "$disk/target"
same before "$disk/target"
finish
