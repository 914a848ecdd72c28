#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# -x stays on the filesystem of SRC; without it, what is mounted below is copied as well.  Also: where reflinks are asked for.
. "$(dirname "$0")/../support/common.sh"
need_fxcp
private_mounts "$@"
work_dir
mkdir -p src/dir/mounted src/plain && echo here >src/dir/file && echo here >src/plain/file
mount -t tmpfs tmpfs src/dir/mounted && chmod 750 src/dir/mounted && mkdir src/dir/mounted/deep && echo there >src/dir/mounted/deep/file

expect 0 fxcp -a src all && same src all
expect 0 fxcp -a -x src one
check "the mount point is there" test -d one/dir/mounted
check "and empty" test -z "$(ls -A one/dir/mounted)"
check "the rest is there" cmp src/dir/file one/dir/file
# A SRC that is a mount point is a filesystem like any other.
expect 0 fxcp -a -x src/dir/mounted mounted && same src/dir/mounted mounted
# A bind mount of the same filesystem is another mount, and -x goes by filesystem as cp and rsync do; either is stated, neither crashes.
mkdir src/bound && mount --bind src/plain src/bound
expect 0 fxcp -a -x src bound
umount src/bound; rmdir src/bound

# Reflinks: always means always, and never means never.
xfs=$(new_fs xfs 400M) || exit $?
ext4=$(new_fs ext4 100M) || exit $?
mkdir "$xfs/src" && head -c 3000000 /dev/urandom >"$xfs/src/large" && head -c 100 /dev/urandom >"$xfs/src/small" && : >"$xfs/src/empty"
expect 0 fxcp -a --reflink=always "$xfs/src" "$xfs/always" && same "$xfs/src" "$xfs/always"
expect 0 fxcp -a --reflink=never "$xfs/src" "$xfs/never" && same "$xfs/src" "$xfs/never"
expect 0 fxcp -a "$xfs/src" "$xfs/auto" && same "$xfs/src" "$xfs/auto"
sync -f "$xfs"
if command -v filefrag >/dev/null; then
  check "always shares" sh -c "filefrag -v '$xfs/always/large' | grep -q shared"
  check "auto shares" sh -c "filefrag -v '$xfs/auto/large' | grep -q shared"
  check "never does not" sh -c "! filefrag -v '$xfs/never/large' | grep -q shared"
fi
expect 1 fxcp -a --reflink=always "$xfs/src" "$ext4/always" && says large
no_litter "$ext4"

# --sparse: always makes holes of zeros, never fills holes, auto keeps what is there.
mkdir "$xfs/zeros" && head -c 4194304 /dev/zero >"$xfs/zeros/zeros" && truncate -s 4M "$xfs/zeros/hole" && echo x >"$xfs/zeros/text"
sync -f "$xfs"
blocks() { stat -c %b "$1"; }
expect 0 fxcp -a --reflink=never --sparse=always "$xfs/zeros" "$ext4/sparse" && same "$xfs/zeros" "$ext4/sparse"
expect 0 fxcp -a --reflink=never --sparse=never "$xfs/zeros" "$ext4/dense" && same "$xfs/zeros" "$ext4/dense" --no-holes
expect 0 fxcp -a --reflink=never "$xfs/zeros" "$ext4/auto" && same "$xfs/zeros" "$ext4/auto"
sync -f "$ext4"
check "always: zeros became a hole" test "$(blocks "$ext4/sparse/zeros")" -lt 64
check "never: no hole" test "$(blocks "$ext4/dense/hole")" -ge 8192
check "auto: zeros stay zeros" test "$(blocks "$ext4/auto/zeros")" -ge 8192
check "auto: holes stay holes" test "$(blocks "$ext4/auto/hole")" -lt 64
expect 0 fxcp -a --sparse=never "$xfs/zeros" "$xfs/dense" && same "$xfs/zeros" "$xfs/dense" --no-holes
check "never: no hole on the same filesystem" test "$(blocks "$xfs/dense/hole")" -ge 8192
finish
