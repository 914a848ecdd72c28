#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What a target cannot keep is never lost silently: exit 1, a line in --json that names the path, a line on the terminal; and all
# else is equal.  Exit 0 means equal.
. "$(dirname "$0")/../support/common.sh"
need_fxcp
need_tool python3 setfattr touch
private_mounts "$@"
work_dir
a=$(tmpfs 1G) || exit $?
xfs=$(new_fs xfs) || exit $?
ext4=$(new_fs ext4) || exit $?
btrfs=$(new_fs btrfs) || exit $?

# loses NAME TARGET KIND [COMPARE OPTIONS]: the source holds NAME, which the target cannot keep, beside a plain file and directory.
loses() {
  local name=$1 target=$2 kind=$3
  shift 3
  rm -rf "$target/t"
  expect 1 fxcp -a --json "$a/src" "$target/t"
  check "the $kind is named" python3 "$SUPPORT/json_lines.py" failure "$WORK/out" "$name"
  check "a line of that kind" python3 "$SUPPORT/json_lines.py" kind "$WORK/out" "$kind"
  check "the summary says 1" python3 "$SUPPORT/json_lines.py" summary "$WORK/out" exit_code 1
  no_litter "$target/t"
  same "$a/src/beside" "$target/t/beside"
  # Again: over what is there, it is said again.
  expect 1 fxcp -a "$a/src" "$target/t" && says "$name"
  rm -rf "$target/t"
}
fresh() {
  rm -rf "$a/src"
  mkdir -p "$a/src/beside/dir"
  echo text >"$a/src/beside/file"
  echo text >"$a/src/file"
}

fresh; ln -s "$(head -c 1500 /dev/zero | tr '\0' x)" "$a/src/long_link"
loses long_link "$xfs" symlink
expect 0 fxcp -a "$a/src" "$ext4/t" && same "$a/src" "$ext4/t"; rm -rf "$ext4/t"
fresh; mknod "$a/src/device" c 4000 1
loses device "$xfs" device
expect 0 fxcp -a "$a/src" "$btrfs/t" && same "$a/src" "$btrfs/t"; rm -rf "$btrfs/t"

value=0s$(head -c 10000 /dev/urandom | base64 -w0)
fresh; setfattr -n user.large -v "$value" "$a/src/file"
loses file "$ext4" xattr
expect 0 fxcp -a "$a/src" "$xfs/t" && same "$a/src" "$xfs/t"; rm -rf "$xfs/t"
fresh; setfattr -n user.large -v "$value" "$a/src/beside/dir"; mv "$a/src/beside/dir" "$a/src/dir"
loses dir "$ext4" xattr
fresh; setfattr -n trusted.large -v "$value" "$a/src/file"
loses file "$ext4" xattr

# Times outside of what the inode can hold are cut off by the kernel, which says nothing.
for time in 1800-01-01 2500-01-01; do
  fresh; touch -d $time "$a/src/file"
  loses file "$xfs" time
  loses file "$ext4" time
  expect 0 fxcp -a "$a/src" "$btrfs/t" && same "$a/src" "$btrfs/t"; rm -rf "$btrfs/t"
  expect 0 fxcp -a --no-times "$a/src" "$ext4/t" && same "$a/src" "$ext4/t" --no-times; rm -rf "$ext4/t"
  fresh; mkdir "$a/src/olddir"; touch -d $time "$a/src/olddir"
  loses olddir "$ext4" time
  fresh; ln -s x "$a/src/oldlink"; touch -h -d $time "$a/src/oldlink"
  loses oldlink "$ext4" time
done

# The time of the last access is a time as well.
fresh; touch -a -d 1800-01-01 "$a/src/file"
loses file "$xfs" time
loses file "$ext4" time

# A filesystem that has neither xattrs nor ACLs.
mkdir "$WORK/ramfs" && mount -t ramfs ramfs "$WORK/ramfs" || skip "cannot mount ramfs"
acl=0x0200000001000600ffffffff02000700e803000004000400ffffffff10000700ffffffff20000400ffffffff
fresh; setfattr -n user.name -v x "$a/src/file"
loses file "$WORK/ramfs" xattr
fresh; setfattr -n security.capability -v 0sAQAAAgAgAAAAAAAAAAAAAAAAAAA= "$a/src/file"
loses file "$WORK/ramfs" capability
fresh; setfattr -n system.posix_acl_access -v $acl "$a/src/file"
loses file "$WORK/ramfs" acl
expect 0 fxcp -a --no-acls "$a/src" "$WORK/ramfs/t" && same "$a/src" "$WORK/ramfs/t" --no-acls
fresh; mkdir "$a/src/dir"; setfattr -n system.posix_acl_default -v $acl "$a/src/dir"
loses dir "$WORK/ramfs" acl

# FAT has no owners, modes, links, fifos.
if command -v mkfs.vfat >/dev/null && grep -qw vfat /proc/filesystems; then
  truncate -s 64M "$WORK/fat.img" && mkfs.vfat "$WORK/fat.img" >/dev/null && mkdir "$WORK/fat" && mount -o loop "$WORK/fat.img" "$WORK/fat" || exit 1
  for make in 'ln -s x' 'mkfifo' 'install -o 77 /dev/null'; do
    fresh; $make "$a/src/lost"
    expect 1 fxcp -a --json "$a/src" "$WORK/fat/t"
    check "what FAT cannot keep is named ($make)" python3 "$SUPPORT/json_lines.py" failure "$WORK/out" lost
    rm -rf "$WORK/fat/t"
  done
else
  echo "note: no vfat here; the part about a filesystem without owners and links did not run"
fi

# More names for one inode than the filesystem allows (ext4: 65000): names beyond that are files of their own, and that is said.
fresh
mkdir "$a/src/many" && python3 - "$a/src/many" <<'END'
import os, sys
os.chdir(sys.argv[1])
open("0", "w").write("text")
for i in range(1, 65010): os.link("0", str(i))
END
rm -rf "$ext4/t"
expect 1 fxcp -a --json "$a/src" "$ext4/t"
check "the broken link is told" python3 "$SUPPORT/json_lines.py" kind "$WORK/out" hard_link
check "every name is there" test "$(find "$ext4/t/many" -type f | wc -l)" = 65010
same "$a/src" "$ext4/t" --no-links
finish
