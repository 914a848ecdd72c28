#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Trees that are hard to copy, through archives: archive.sh SOURCE TARGET, each one of xfs btrfs ext4 tmpfs.  From a file, through a pipe, appended.
. "$(dirname "$0")/../support/common.sh"
need_fxcp
need_tool python3
private_mounts "$@"
work_dir
from=$1 to=$2
a=$(new_fs "$from") || exit $?
if [ "$from" = "$to" ]; then b=$a; else b=$(new_fs "$to") || exit $?; fi
archives=$(tmpfs 1G) || exit $?

tree_make "$a/src" --scale "${FOXING_SCALE:-0.05}" --portable all || exit 1
expect 0 fxcp snap export -q "$a/src" -o "$archives/one"
expect 0 fxcp snap check -q "$archives/one"
expect 0 fxcp snap import -q --devices "$archives/one" "$b/file"
same "$a/src" "$b/file"
pipe() { fxcp snap export -q "$a/src" | fxcp snap import -q --devices "$b/pipe"; }
expect 0 pipe
same "$a/src" "$b/pipe"
rm -rf "$b/pipe"

# An old version of everything is in the way: it gives way.
python3 "$SUPPORT/scramble.py" "$b/file" 1 >/dev/null || fail "scramble"
check_not "the tree is scrambled" tree_compare "$a/src" "$b/file" --quiet
expect 0 fxcp snap import -q --devices "$archives/one" "$b/file"
same "$a/src" "$b/file" --extra-ok
rm -rf "$b/file"

# A second snapshot, of which most is known.
python3 "$SUPPORT/scramble.py" "$a/src" 2 >/dev/null || fail "scramble"
expect 0 fxcp snap export -q --append "$a/src" -o "$archives/one"
expect 0 fxcp snap check -q "$archives/one"
expect 0 fxcp snap import -q --devices "$archives/one" "$b/second"
same "$a/src" "$b/second"
finish
