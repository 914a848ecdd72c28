#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# SIGKILL at random moments, into an empty and into an old target: after each kill every name shows old or new, and the next run
# makes an exact copy without remains.  FOXING_SEED repeats a run, FOXING_KILLS says how many.
. "$(dirname "$0")/../support/common.sh"
need_fxcp
need_tool python3
private_mounts "$@"
work_dir
seed=${FOXING_SEED:-$(date +%s)} kills=${FOXING_KILLS:-200}
echo "FOXING_SEED=$seed FOXING_KILLS=$kills"
a=$(tmpfs 700M) || exit $?
b=$(new_fs xfs 1200M) || exit $?
tree_make "$a/src" --scale 0.01 --portable types sizes sparse links xattrs acls dirs modes || exit 1
tree_make "$a/old" --scale 0.01 --portable --seed 9 sizes sparse links xattrs acls dirs modes || exit 1
head -c 20000000 /dev/urandom >"$a/src/large"
head -c 15000000 /dev/urandom >"$a/old/large"
CHECKS=$((CHECKS + 1))
python3 "$SUPPORT/kill_loop.py" "$a/src" "$b/t" "$a/old" "$seed" "$kills" || fail "kill loop with FOXING_SEED=$seed"
finish
