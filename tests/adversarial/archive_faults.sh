#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Calls of exporting, appending and importing fail, one a run: archive_faults.sh EFFECT [FIRST].  support/archive_fault_sweep.py says what is looked at.
. "$(dirname "$0")/../support/common.sh"
need_fxcp
need_tool python3 setfacl setfattr
private_mounts "$@"
work_dir
FOXING_FAULT=nonsense "$FXCP" --version >/dev/null 2>"$WORK/err"
grep -q CALL:WHEN "$WORK/err" || skip "this fxcp was built without FOXING_FAULT_INJECTION"
disk=$(new_fs xfs 400M) || exit $?
tree=$disk/src
mkdir -p "$tree/dir/sub" "$disk/archives"
echo text >"$tree/file"
head -c 300000 /dev/urandom >"$tree/dir/large" && cp "$tree/dir/large" "$tree/dir/same"
truncate -s 1M "$tree/dir/sparse" && printf x | dd of="$tree/dir/sparse" bs=1 seek=500000 conv=notrunc status=none
ln -s target "$tree/symlink" && mkfifo "$tree/dir/fifo" && mknod "$tree/dir/device" c 1 3
echo linked >"$tree/dir/linked" && ln "$tree/dir/linked" "$tree/dir/sub/linked2"
setfattr -n user.name -v value "$tree/file" && setfacl -m u:1000:r "$tree/file" && setfacl -d -m u:1000:rwx "$tree/dir/sub"
chown 5:6 "$tree/file" && chmod 4755 "$tree/file"
find "$tree" -depth -exec touch -h -d "2001-01-01 01:02:03.123456789" {} +
check "every fault is an error or is made up for" python3 "$SUPPORT/archive_fault_sweep.py" "$tree" "$disk/archives/archive" "$disk/target" "$@"
cat "$WORK/.check"
finish
