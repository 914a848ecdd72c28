#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tree_make makes the same tree for the same seed, another for another, on every filesystem; and `cp -a`, which is exact on one
# filesystem, copies it exactly (all but paths longer than PATH_MAX): so maker and comparer see the same world.
. "$(dirname "$0")/../support/common.sh"
need_tool cp
private_mounts "$@"
work_dir
kinds="types names modes owners sizes links xattrs acls times dirs"
for type in xfs btrfs ext4 tmpfs overlay; do
  top=$(new_fs $type) || exit $?
  check "$type" tree_make "$top/one" --scale 0.03 all
  check "$type, again" tree_make "$top/two" --scale 0.03 all
  same "$top/one" "$top/two" --atime
  check "$type, another seed" tree_make "$top/three" --scale 0.03 --seed 2 all
  check_not "$type: another seed is another tree" tree_compare "$top/one" "$top/three" --quiet
  check "$type, portable" tree_make "$top/four" --scale 0.03 --portable $kinds
  cp -a "$top/four" "$top/five"
  same "$top/four" "$top/five"
  umount "$top"
done
check_not "an unknown kind" sh -c "'$FOXING_TOOLS/tree_make' '$WORK/x' nonsense; [ \$? = 2 ] && exit 1"
finish
