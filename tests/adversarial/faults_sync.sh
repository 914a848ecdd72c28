#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Every single call of `fxcp -a --delete` over an old mirror fails once: nothing that should stay is lost, exit 0 only where the mirror is exact,
# and the next run makes it so.  support/fault_sweep.py says what is looked at.
#   faults_sync.sh PART    one of: EIO-looking EIO-changing ENOSPC moments
. "$(dirname "$0")/../support/common.sh"
need_fxcp
need_tool python3 cp setfattr
private_mounts "$@"
work_dir
FOXING_FAULT=nonsense "$FXCP" -a / "$WORK/none" >/dev/null 2>"$WORK/err"
grep -qi 'build\|injection' "$WORK/err" && ! grep -qi 'nonsense' "$WORK/err" && skip "this fxcp was built without FOXING_FAULT_INJECTION"

# One of each thing that a re-run does: $2 is the version, 1 in the source and 2 in the mirror.
tree() {
  local tree=$1 version=$2
  mkdir -p "$tree/dir/sub" "$tree/same"
  echo equal >"$tree/same/equal"
  echo "version $version" >"$tree/same/edited"
  echo equal >"$tree/dir/attributes" && setfattr -n user.version -v "$version" "$tree/dir/attributes" && chmod "64$version" "$tree/dir/attributes"
  ln -s "version $version" "$tree/dir/symlink"
  echo linked >"$tree/dir/linked" && ln "$tree/dir/linked" "$tree/dir/sub/linked too"
  if [ "$version" = 1 ]; then
    echo new >"$tree/dir/new" && mkdir "$tree/new dir" && echo new >"$tree/new dir/in it"
    echo file >"$tree/was a directory" && mkdir "$tree/was a file" && echo in >"$tree/was a file/in it"
  else
    echo extra >"$tree/dir/extra" && mkdir -p "$tree/extra/deep" && echo extra >"$tree/extra/deep/file" && mkfifo "$tree/extra/fifo"
    ln "$tree/dir/linked" "$tree/extra/linked three" && ln -s /etc "$tree/extra/link"
    mkdir "$tree/was a directory" && echo in >"$tree/was a directory/in it" && echo file >"$tree/was a file"
  fi
  find "$tree" -depth -exec touch -h -d "2001-01-0$version 01:02:03.123456789" {} +
  # Times alone must not tell what is equal.
  touch -d 2001-01-01 "$tree/same/equal" "$tree/dir/attributes" "$tree/dir/linked"
}
a=$(tmpfs 100M) || exit $?
b=$(new_fs "$([ "${1:-}" = ENOSPC ] && echo ext4 || echo xfs)" 400M) || exit $?
tree "$a/src" 1
tree "$b/old" 2
sweep() {
  CHECKS=$((CHECKS + 1))
  FOXING_SWEEP_OPTIONS=$1 python3 "$SUPPORT/fault_sweep.py" "$a/src" "$b/new" "$b/old" "${@:2}" || fail "fault sweep $*"
}
case ${1:-} in
  EIO-looking) sweep --delete EIO openat openat2 close fstat fstatat getdents64 readlinkat lseek listxattr getxattr fstatfs ;;
  EIO-changing)
    sweep --delete EIO tmpfile read pread write pwrite ftruncate fallocate ficlone copy_file_range sendfile fsync syncfs mkdirat symlinkat mknodat \
      linkat renameat2 unlinkat fchown fchmod utimensat setxattr removexattr ;;
  ENOSPC) sweep --delete ENOSPC openat openat2 tmpfile write pwrite ftruncate fallocate copy_file_range sendfile mkdirat symlinkat linkat renameat2 setxattr ;;
  moments)
    for moment in --delete-before --delete-after; do sweep "$moment" EIO getdents64 fstatat unlinkat renameat2 openat2; done ;;
  *) fail "which part?" ;;
esac
finish
