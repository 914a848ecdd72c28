#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# SIGKILL at random moments of `fxcp -a --delete` over an old mirror: each name has old or new content, and the next run makes the mirror exact.
# sync_kill.sh [signatures]: with --generate-sigs --detect-renames; hashes are believed by the runs that are killed and by those that end, and the mirror
# is not damaged between the runs, as pruning assumes.
# FOXING_SEED repeats a run, FOXING_KILLS says how many (30), FOXING_MOMENTS="--delete" which moments of deleting.
. "$(dirname "$0")/../support/common.sh"
need_fxcp
need_tool python3
private_mounts "$@"
work_dir
if [ "${1:-}" = signatures ]; then export FOXING_SIGNATURES=1; fi
seed=${FOXING_SEED:-$(date +%s)} kills=${FOXING_KILLS:-30}
echo "FOXING_SEED=$seed FOXING_KILLS=$kills"
a=$(tmpfs 700M) || exit $?
b=$(new_fs xfs 1200M) || exit $?
tree_make "$a/src" --seed "$seed" --scale 0.01 --portable types sizes links xattrs acls dirs modes || exit 1
setfattr -h -x user.foxing.notours "$a/src/xattrs/"* 2>/dev/null
head -c 20000000 /dev/urandom >"$a/src/large"
CHECKS=$((CHECKS + 1))
python3 "$SUPPORT/sync_kill_loop.py" "$a/src" "$b/dst" "$seed" "$kills" || fail "kill loop with FOXING_SEED=$seed"
finish
