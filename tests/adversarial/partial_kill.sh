#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# SIGKILL at random moments of copies that are gone on with (--partial), and of copies whose sources go (--remove-source-files), with and without faults.
# FOXING_SEED repeats a run, FOXING_KILLS says how many rounds (20).
. "$(dirname "$0")/../support/common.sh"
need_fxcp
need_tool python3
private_mounts "$@"
work_dir
seed=${FOXING_SEED:-$(date +%s)} kills=${FOXING_KILLS:-20}
echo "FOXING_SEED=$seed FOXING_KILLS=$kills"
for kind in ${FOXING_FILESYSTEMS:-xfs ext4}; do
  a=$(tmpfs 700M) || exit $?
  b=$(new_fs "$kind" 1200M) || exit $?
  mkdir -p "$a/src/sub" "$a/moved/sub"
  head -c 30000000 /dev/urandom >"$a/src/sub/one" && head -c 20000000 /dev/urandom >"$a/src/two" && echo small >"$a/src/small"
  head -c 3000000 /dev/urandom >"$a/src/sparse" && head -c 9000000 /dev/urandom | dd of="$a/src/sparse" bs=1M seek=13 conv=notrunc status=none
  CHECKS=$((CHECKS + 1))
  python3 "$SUPPORT/under_way_kill_loop.py" partial "$a/src" "$b/t" "$seed" "$kills" || fail "$kind: partial with FOXING_SEED=$seed"
  for i in $(seq 1 200); do head -c $((i * 500)) /dev/urandom >"$a/moved/sub/$i"; done
  head -c 20000000 /dev/urandom >"$a/moved/large" && ln "$a/moved/large" "$a/moved/sub/its other name" && ln "$a/moved/sub/7" "$a/moved/sub/seven"
  find "$a/moved" -type f -exec touch -d '2020-02-02 02:02:02.123456789' {} +
  CHECKS=$((CHECKS + 1))
  python3 "$SUPPORT/under_way_kill_loop.py" move "$a/moved" "$b/m" "$seed" "$kills" || fail "$kind: moving with FOXING_SEED=$seed"
done
finish
