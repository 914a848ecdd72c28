#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The whole tree at scale 1, with 20 000 entries in one directory and paths far longer than PATH_MAX, in many workers and in one.
. "$(dirname "$0")/../support/common.sh"
need_fxcp
private_mounts "$@"
work_dir
a=$(new_fs xfs 1500M) || exit $?
b=$(new_fs btrfs 1500M) || exit $?
tree_make "$a/src" --portable --seed "${FOXING_SEED:-1}" all || exit 1
expect 0 fxcp -a "$a/src" "$b/many" && same "$a/src" "$b/many" --atime
expect 0 fxcp -a -j 16 "$a/src" "$b/many" && same "$a/src" "$b/many"
rm -rf "$b/many"
expect 0 fxcp -a -j 1 "$a/src" "$a/one" && same "$a/src" "$a/one"
finish
