#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Does tree_compare see?  Pairs of trees that differ in exactly one attribute: each difference must be found, and nothing else.
#   tree_compare_test.sh user     what an ordinary user can make       tree_compare_test.sh root     owner, devices, trusted, ACLs
# The pairs are made with cp and the tools of the system: nothing of ours judges itself here.
. "$(dirname "$0")/../support/common.sh"
need_tool cp touch truncate setfattr setfacl mkfifo fallocate python3
[ "${1:-user}" = user ] || private_mounts "$@"
work_dir

if [ "${1:-user}" = root ]; then
  top=$(loop_fs xfs 400M) || exit $?   # trusted, ACLs, holes: whatever the place of TMPDIR is
else
  top=$WORK
fi

touch "$top/probe" && setfattr -n user.probe -v 1 "$top/probe" 2>/dev/null || skip "no user xattrs below $top"
rm "$top/probe"

# One tree with a name of every kind, and times that are not now.
mkdir -p "$top/base/dir/sub" "$top/base/plain"
cd "$top/base" || exit 1
echo text >dir/file
head -c 300000 /dev/urandom >dir/big
truncate -s 4M dir/hole
printf x | dd of=dir/hole bs=1 seek=2M conv=notrunc status=none
printf 'two' >dir/linked
ln dir/linked dir/linked2
ln dir/linked plain/linked3
echo other >dir/alone
echo other >dir/alone2
ln -s ../plain dir/symlink
mkfifo dir/fifo
setfattr -n user.name -v value dir/file
setfattr -n user.on.dir -v value dir/sub
find . -depth -exec touch -h -d '2001-02-03 04:05:06.123456789' {} +
cd "$WORK" || exit 1

pair() {
  rm -rf "$top/a" "$top/b"
  cp -a "$top/base" "$top/a"
  cp -a "$top/base" "$top/b"
}
# Changes that touch more than they mean to have their times put back.
restore() { touch -h -d '2001-02-03 04:05:06.123456789' "$@"; }

# differs PATTERN COMMANDS: in the fresh pair, run in b, they make exactly one difference, whose line matches PATTERN.
differs() {
  local pattern=$1 lines code=0
  pair
  check "equal before: $2" tree_compare "$top/a" "$top/b" || return
  (cd "$top/b" && eval "$2") || { fail "could not make the difference: $2"; return; }
  tree_compare "$top/a" "$top/b" >"$WORK/lines" 2>&1 || code=$?
  lines=$(wc -l <"$WORK/lines")
  CHECKS=$((CHECKS + 1))
  if [ $code != 1 ] || [ "$lines" != "${3:-1}" ] || ! grep -qE -- "$pattern" "$WORK/lines"; then
    fail "after \`$2\`: exit $code, $lines lines, wanted /$pattern/"
    sed 's/^/      | /' "$WORK/lines"
  fi
}

# ignored OPTION COMMANDS: the option takes the difference away.
ignored() {
  pair
  (cd "$top/b" && eval "$2") || { fail "could not make the difference: $2"; return; }
  check "$1 after \`$2\`" tree_compare "$top/a" "$top/b" $1
}

user_story() {
  differs '^dir/file: mode: 0644 \| 0600$' 'chmod 600 dir/file'
  differs '^dir/sub: mode' 'chmod 1755 dir/sub'
  differs '^dir/file: mode' 'chmod 4644 dir/file'
  differs '^dir/file: mtime: .*\.123456789 \| .*\.123456788$' 'touch -d "2001-02-03 04:05:06.123456788" dir/file'
  differs '^dir/sub: mtime' 'touch -d "2001-02-03 04:05:07.123456789" dir/sub'
  differs '^dir/symlink: mtime' 'touch -h -d "2001-02-03 04:05:06" dir/symlink'
  differs '^dir/fifo: mtime' 'touch -d "2001-02-03 04:05:06" dir/fifo'
  differs '^\.: mtime' 'touch -d "2001-02-03 04:05:06" .'
  differs '^dir/file: content differs at byte 0$' 'printf Text\\n >dir/file; restore dir/file'
  differs '^dir/big: content differs at byte 299999$' \
    'byte=$(tail -c 1 dir/big | od -An -tu1); printf "\\$(printf %o $(((byte + 1) % 256)))" | dd of=dir/big bs=1 seek=299999 conv=notrunc status=none; restore dir/big'
  differs '^dir/hole: content differs at byte 2097152$' 'printf y | dd of=dir/hole bs=1 seek=2M conv=notrunc status=none; restore dir/hole'
  differs '^dir/file: size: 5 \| 6$' 'echo textx >dir/file; restore dir/file'
  differs '^dir/hole: hole of A is data' 'dd if=/dev/zero of=dir/hole bs=64K count=1 seek=4 conv=notrunc status=none; restore dir/hole'
  differs '^dir/hole: hole of A is data' 'dd if=/dev/zero of=dir/hole bs=64K count=1 seek=63 conv=notrunc status=none; restore dir/hole'
  differs '^dir/symlink: symlink target: \.\./plain \| \.\./plainx$' 'ln -sfn ../plainx dir/symlink; restore dir/symlink dir'
  differs '^dir/file: xattr value differs: user.name' 'setfattr -n user.name -v valuX dir/file'
  differs '^dir/file: xattr only in A: user.name' 'setfattr -x user.name dir/file'
  differs '^dir/big: xattr only in B: user.new' 'setfattr -n user.new dir/big'
  differs '^dir/sub: xattr only in B: user.new' 'setfattr -n user.new -v 0x00 dir/sub'
  differs '^dir/file: xattr value differs: user.name' 'setfattr -n user.name dir/file'
  differs '^dir/file: only in A$' 'rm dir/file; restore dir'
  differs '^dir/new: only in B$' 'touch dir/new; restore dir'
  differs '^plain/\\xff\\x0a: only in B$' 'touch plain/$'"'\\xff\\n'"'; restore plain'
  differs '^dir/sub: type: directory \| regular file$' 'rmdir dir/sub; touch dir/sub; restore dir dir/sub'
  differs '^dir/fifo: type: fifo \| regular file$' 'rm dir/fifo; touch dir/fifo; restore dir dir/fifo'
  differs '^dir/symlink: type: symlink \| directory$' 'rm dir/symlink; mkdir dir/symlink; restore dir dir/symlink'
  differs '^plain/linked3: hard link: one file with dir/linked in A' 'cp -a plain/linked3 x; mv x plain/linked3; restore plain .'
  differs '^dir/alone2: hard link: one file with dir/alone in B' 'ln -f dir/alone dir/alone2; restore dir'
  differs '^dir/linked: link count: 3 \| 4$' 'ln dir/linked "$WORK/outside" 2>/dev/null || ln dir/linked "$top/outside"'
  rm -f "$WORK/outside" "$top/outside"
  differs 'only in' 'mv dir/file dir/file2; restore dir' 2
  differs '^dir/file: xattr only in A: user.name' 'setfattr -x user.name dir/file; chmod 600 dir/file' 2

  ignored --no-times 'touch dir/file'
  ignored --no-xattrs 'setfattr -n user.new -v 1 dir/file'
  ignored --no-holes 'dd if=/dev/zero of=dir/hole bs=64K count=1 seek=4 conv=notrunc status=none; restore dir/hole'
  ignored --no-links 'ln -f dir/alone dir/alone2; restore dir'
  ignored --extra-ok 'touch dir/new; restore dir'

  # Preallocated space is a hole to SEEK_DATA, and yet no hole.
  pair
  truncate -s 64M "$top/a/dir/hole" && cp -a --sparse=always "$top/a/dir/hole" "$top/b/dir/hole" && restore "$top/a/dir" "$top/b/dir"
  check "equal before the preallocation" tree_compare "$top/a" "$top/b"
  fallocate -o 4M -l 60M "$top/b/dir/hole" && restore "$top/b/dir/hole" && restore "$top/a/dir/hole"
  check_not "preallocated hole is seen" tree_compare "$top/a" "$top/b"

  # atimes: compared on request, and never changed by the comparison.
  pair
  touch -a -d '1999-01-01' "$top/a/dir/file" "$top/b/dir/file" "$top/a/dir" "$top/b/dir"
  check "equal atimes" tree_compare "$top/a" "$top/b" --atime
  check "equal atimes, looked at again" tree_compare "$top/a" "$top/b" --atime
  CHECKS=$((CHECKS + 1))
  [ "$(stat -c %X "$top/a/dir/file" "$top/a/dir" | sort -u)" = "$(date -d 1999-01-01 +%s)" ] || fail "tree_compare changed an atime"
  touch -a -d '1999-01-02' "$top/b/dir/file"
  check_not "an atime differs" tree_compare "$top/a" "$top/b" --atime
  check "an atime differs, and nobody asked" tree_compare "$top/a" "$top/b"

  # Thousands of levels, longer than any path may be.
  for side in a b; do
    python3 - "$top/$side" <<'END'
import os, sys
os.chdir(sys.argv[1])
for level in range(3000):
    os.mkdir("level"); os.chdir("level")
open("bottom", "w").write("text")
for level in range(3001):
    os.utime(".", (1, 1)); os.utime("bottom", (1, 1)) if level == 0 else None
    os.chdir("..")
END
  done
  restore "$top/a" "$top/b"
  check "deep trees are equal" tree_compare "$top/a" "$top/b"
  python3 - "$top/b" <<'END'
import os, sys
os.chdir(sys.argv[1])
for level in range(3000): os.chdir("level")
open("bottom", "w").write("texT"); os.utime("bottom", (1, 1))
END
  check_not "a difference 3000 levels down" tree_compare "$top/a" "$top/b"

  # Two files instead of two trees, and what cannot be compared.
  pair
  check "two files" tree_compare "$top/a/dir/big" "$top/b/dir/big"
  check_not "two other files" tree_compare "$top/a/dir/big" "$top/b/dir/file"
  expect 2 tree_compare "$top/a" "$top/nothing"
  expect 2 tree_compare "$top/a"
  expect 2 tree_compare "$top/a" "$top/b" --no-such-option
  if [ "$(id -u)" != 0 ]; then
    chmod 000 "$top/b/dir/sub" "$top/a/dir/sub"
    expect 2 tree_compare "$top/a" "$top/b"
    chmod 755 "$top/b/dir/sub" "$top/a/dir/sub"
  fi
}

root_story() {
  mknod "$top/base/dir/char" c 1 3
  mknod "$top/base/dir/block" b 7 200
  setfattr -n trusted.name -v value "$top/base/dir/symlink" -h
  setfattr -n trusted.name -v value "$top/base/dir/char"
  setfacl -m u:1234:r-- "$top/base/dir/big"
  setfacl -d -m u:1234:rwx "$top/base/dir/sub"
  restore "$top/base/dir"/* "$top/base/dir"
  differs '^dir/file: uid: 0 \| 77$' 'chown 77 dir/file'
  differs '^dir/file: gid: 0 \| 77$' 'chgrp 77 dir/file'
  differs '^dir/symlink: uid' 'chown -h 77 dir/symlink'
  differs '^dir/fifo: gid' 'chgrp 77 dir/fifo'
  differs '^dir/char: device: 1:3 \| 1:5$' 'rm dir/char; mknod dir/char c 1 5; setfattr -n trusted.name -v value dir/char; restore dir dir/char'
  differs '^dir/block: type: block device' 'rm dir/block; mknod dir/block c 7 200; restore dir dir/block'
  differs '^dir/symlink: xattr only in A: trusted.name' 'setfattr -h -x trusted.name dir/symlink'
  differs '^dir/char: xattr value differs: trusted.name' 'setfattr -n trusted.name -v valuX dir/char'
  differs '^dir/big: xattr value differs: system.posix_acl_access' 'setfacl -m u:1234:rw-,m::r-- dir/big'
  differs '^dir/sub: xattr only in A: system.posix_acl_default' 'setfacl -k dir/sub'
  differs '^dir/file: xattr only in B: security.capability' 'setfattr -n security.capability -v 0sAQAAAgAgAAAAAAAAAAAAAAAAAAA= dir/file'
  ignored --no-owner 'chown 77:77 dir/file'
  ignored --no-trusted 'setfattr -h -x trusted.name dir/symlink'
  ignored --no-acls 'setfacl -k dir/sub'
  ignored '--no-xattrs --no-acls' 'setfattr -h -x trusted.name dir/symlink; setfacl -k dir/sub'
}

"${1:-user}_story"
finish
