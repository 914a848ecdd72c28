#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Is the copy the same?  fidelity.sh SOURCE TARGET, each one of xfs btrfs ext4 tmpfs overlay.
# Trees of every kind of difficulty: copied fresh, copied again, copied over an old version with other types and contents.
. "$(dirname "$0")/../support/common.sh"
need_fxcp
need_tool python3
private_mounts "$@"
work_dir
from=$1 to=$2
a=$(new_fs "$from") || exit $?
if [ "$from" = "$to" ]; then b=$a; else b=$(new_fs "$to") || exit $?; fi
scale=${FOXING_SCALE:-0.05}

tree_make "$a/src" --scale "$scale" --portable all || exit 1
expect 0 fxcp -a "$a/src" "$b/fresh"
same "$a/src" "$b/fresh" --atime
expect 0 fxcp -a "$a/src" "$b/fresh"
same "$a/src" "$b/fresh"

# An old version: every second name has changed in some way.  Times are put back behind changes of the target, which only -I does not believe.
for seed in 1 2; do
  python3 "$SUPPORT/scramble.py" "$b/fresh" $seed >/dev/null || fail "scramble"
  check_not "the tree is scrambled" tree_compare "$a/src" "$b/fresh" --quiet
  expect 0 fxcp -a -I "$a/src" "$b/fresh"
  same "$a/src" "$b/fresh" --extra-ok
done
expect 0 fxcp -a "$a/src" "$b/fresh"
same "$a/src" "$b/fresh" --extra-ok

# Another tree under the same names, with extra names that nobody asked to delete.
rm -rf "$b/fresh"
tree_make "$b/other" --scale "$scale" --portable --seed 2 links modes sizes sparse xattrs acls dirs || exit 1
expect 0 fxcp -a -I "$a/src" "$b/other"
same "$a/src" "$b/other" --extra-ok
rm -rf "$b/other"

# All that this filesystem takes can be kept on itself.
if [ "$from" = "$to" ]; then
  rm -rf "$a/src"
  tree_make "$a/all" --scale 0.02 --seed 3 all || exit 1
  expect 0 fxcp -a "$a/all" "$b/all2"
  same "$a/all" "$b/all2"
fi
finish
