#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Every single call of a copy fails once, for each reason: a clear error that names the path, or full recovery; nothing else
# harmed, no remains, and never exit 0 with a tree that differs.  support/fault_sweep.py says what is looked at.
#   faults.sh PART    one of: new-EIO new-ENOSPC old-EIO old-ENOSPC interrupted all
. "$(dirname "$0")/../support/common.sh"
need_fxcp
need_tool python3 cp
private_mounts "$@"
work_dir
code=0
FOXING_FAULT=read:1:EIO "$FXCP" --version >/dev/null 2>"$WORK/err" || code=$?
if FOXING_FAULT=nonsense "$FXCP" -a / "$WORK/none" >/dev/null 2>"$WORK/err"; then fail "a plan that cannot be read must be refused"; fi
grep -qi 'build\|injection' "$WORK/err" && ! grep -qi 'nonsense' "$WORK/err" && skip "this fxcp was built without FOXING_FAULT_INJECTION"

# Small, and with one of everything; some files large enough for each way of copying.
small_tree() {
  local tree=$1 seed=$2
  mkdir -p "$tree/dir/sub" "$tree/empty"
  echo "text $seed" >"$tree/file"
  : >"$tree/dir/nothing"
  head -c 20000 /dev/urandom >"$tree/dir/medium"
  head -c 2500000 /dev/urandom >"$tree/dir/large"
  truncate -s 3M "$tree/dir/sparse" && printf x | dd of="$tree/dir/sparse" bs=1 seek=1M conv=notrunc status=none
  ln -s "target $seed" "$tree/symlink"
  mkfifo "$tree/dir/fifo"
  mknod "$tree/dir/device" c 1 "$seed"
  echo "linked $seed" >"$tree/dir/linked" && ln "$tree/dir/linked" "$tree/dir/sub/linked2"
  setfattr -n user.name -v "value $seed" "$tree/file"
  setfattr -n "user.only_in_$seed" -v 1 "$tree/file"
  setfacl -m "u:$((1000 + seed)):r" "$tree/file"
  setfacl -d -m "u:$((1000 + seed)):rwx" "$tree/dir/sub"
  chown "$seed:$seed" "$tree/file" "$tree/dir/sub"
  chmod 4755 "$tree/file" && chmod 2750 "$tree/dir/sub" && chmod 555 "$tree/empty"
  find "$tree" -depth -exec touch -h -d "2001-01-0$seed 01:02:03.123456789" {} +
}
a=$(tmpfs 200M) || exit $?
b=$(new_fs xfs 400M) || exit $?
c=$(new_fs ext4 200M) || exit $?
small_tree "$a/src" 3
small_tree "$b/src" 3
small_tree "$b/old" 7
small_tree "$c/old" 7
sweep() {
  CHECKS=$((CHECKS + 1))
  python3 "$SUPPORT/fault_sweep.py" "$@" || fail "fault sweep $*"
}
case ${1:-all} in
  new-EIO) sweep "$a/src" "$b/new" - EIO ;;
  new-ENOSPC) sweep "$a/src" "$c/new" - ENOSPC openat openat2 tmpfile write pwrite ftruncate fallocate ficlone copy_file_range sendfile fsync syncfs \
    mkdirat symlinkat mknodat linkat renameat2 setxattr close uring_write ;;
  old-EIO) sweep "$b/src" "$b/new" "$b/old" EIO ;;
  old-ENOSPC) sweep "$a/src" "$c/new" "$c/old" ENOSPC tmpfile write pwrite ftruncate fallocate copy_file_range linkat renameat2 setxattr mkdirat ;;
  interrupted)
    sweep "$a/src" "$b/new" - '*7:EINTR,*2:EINTR,*2:short,*3:short'
    sweep "$b/src" "$c/new" "$c/old" '*7:EINTR,*3:EINTR,*2:short'
    FOXING_SWEEP_OPTIONS=--fsync sweep "$b/src" "$c/new" - EIO,EINTR fsync syncfs ;;
  all)
    for effect in EIO ENOSPC EINTR short EACCES ENOMEM; do
      sweep "$a/src" "$b/new" - $effect
      sweep "$b/src" "$b/new" - $effect
      sweep "$a/src" "$c/new" "$c/old" $effect
      sweep "$b/src" "$b/new" "$b/old" $effect
    done ;;
esac
finish
