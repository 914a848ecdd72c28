#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# fxcp verify: what it says and how it ends, for each class; nothing is inferred from sizes and times; as an ordinary user too.
. "$(dirname "$0")/../support/common.sh"
need_fxcp
need_tool python3 setpriv
work_dir
programs_for_all

# json QUESTION: a Python expression about `lines`, the objects of $WORK/out.
json() {
  python3 - "$WORK/out" "$1" <<'PYTHON'
import json, sys
with open(sys.argv[1], "rb") as file:
    text = file.read()
assert text.endswith(b"\n")
lines = [json.loads(line) for line in text.split(b"\n")[:-1]]
entries = [line for line in lines if line["type"] == "entry"]
sys.exit(0 if eval(sys.argv[2]) else f"no: {lines}")
PYTHON
}
# quietly FILE COMMAND...: the command may change the file and its directory, but neither's times.
quietly() {
  local file=$1
  shift
  touch -r "$file" "$WORK/.file" && touch -r "$(dirname "$file")" "$WORK/.directory" && "$@" || exit 1
  [ ! -e "$file" ] || touch -r "$WORK/.file" "$file"
  touch -r "$WORK/.directory" "$(dirname "$file")"
}

tree_make a --user --scale 0.01 types sizes modes links times names sparse || exit 1
find a \( -name .foxing_meta -o -name .foxing_versions -o -name ".tmp.66786370-*" \) -prune -exec rm -rf {} +  # not compared
expect 0 fxcp -a a b
same a b
expect 0 fxcp verify a b && says "differs 0, only in A 0, only in B 0, unreadable 0"
check "one line, the summary" test "$(wc -l <out)" = 1 -a ! -s err
expect 0 fxcp verify -q a b && check "quiet is quiet" test ! -s out -a ! -s err
expect 0 fxcp verify -v -j 3 a b && says "same: a/types/regular"
check "every name is named" test "$(grep -c '^same: ' out)" = "$(find a -printf x | wc -c)"
expect 0 fxcp verify --json a b && check "start and summary" json '[line["type"] for line in lines] == ["start", "summary"]'
check "both sides were read" json 'lines[-1]["bytes_read"] > 0 and lines[0]["schema"] == "fxcp.verify/1"'
expect 0 fxcp verify --json=files a b && check "an entry for every name" json "len(entries) == $(find a -printf x | wc -c)"
for content in hash size extent; do expect 0 fxcp verify --content=$content a b; done

# One byte, behind the same size and time.
printf 'the same size\n' >a/byte && cp -a a/byte b/byte && touch -r a b
flip() { printf X | dd of="$1" bs=1 seek="$2" conv=notrunc status=none; }
quietly b/byte flip b/byte 7
check "size and time are equal" test "$(stat -c '%s %y' a/byte)" = "$(stat -c '%s %y' b/byte)"
expect 1 fxcp verify a b && says "differs: a/byte: content at byte 7" "differs 1"
expect 1 fxcp verify -q a b && check "quiet names it, without a summary" test "$(cat out)" = "differs: a/byte: content at byte 7"
expect 1 fxcp verify a/byte b/byte && says "differs: a/byte: content at byte 7"
expect 0 fxcp verify --content=size a b && says "no content was read"
expect 1 fxcp verify --json a b
check "the place, for programs" json 'entries[0]["differences"] == [{"what": "content", "at": 7}] and lines[-1]["exit_code"] == 1'
rm a/byte b/byte && touch -r a b

# Each class and attribute.
mkdir -p c/sub/deep && echo text >c/file && echo text >c/mode && ln -s there c/link && ln c/file c/sub/hard && mkfifo c/fifo && cp -a c d
expect 0 fxcp verify c d
chmod 600 d/mode && touch -d 2001-01-01 d/sub && ln -sfn elsewhere d/link && rm d/sub/hard && cp -a d/file d/sub/hard
rm d/fifo && mkdir -p d/fifo d/extra/below && rm -r d/sub/deep
touch -h -r c/link d/link && touch -d 2001-01-01 d/sub && touch -r c d && touch -r c/fifo d/fifo
expect 1 fxcp verify c d
says "differs: c/mode: mode 0644, 0600" "differs: c/link: link to 'there', 'elsewhere'" "differs: c/sub: modified" "hard link: with" \
  "differs: c/fifo: type fifo, directory" "only in A: c/sub/deep" "only in B: d/extra"
check "what is below is not listed" test "$(grep -c below out)" = 0
expect 1 fxcp verify --json c d && check "classes are counted" json \
  '(lines[-1]["differs"], lines[-1]["only_in_a"], lines[-1]["only_in_b"], lines[-1]["unreadable"]) == (5, 1, 1, 0)'
rm -r d && cp -a c d && chmod 600 d/mode && touch -d 2001-01-01 d/file d/sub
expect 1 fxcp verify c d
expect 0 fxcp verify --no-perms --no-times c d
rm d/sub/hard && cp -a d/file d/sub/hard
expect 1 fxcp verify --no-perms --no-times c d
expect 0 fxcp verify --no-perms --no-times --no-hard-links c d

# Names are bytes, and cannot forge lines.
mkdir e f && printf x >e/"$(printf 'not\xffutf8\nsame: forged')" && touch -r e f
expect 1 fxcp verify e f && check "one line" test "$(wc -l <out)" = 2
expect 1 fxcp verify --json e f && check "its bytes" json 'bytes.fromhex(entries[0]["path_hex"]) == b"e/not\xffutf8\nsame: forged"'

# Roots and usage.
expect 2 fxcp verify a missing && says missing
expect 2 fxcp verify --json missing a && check "a refusal" json 'len(lines) == 1 and lines[0]["type"] == "refused" and lines[0]["exit_code"] == 2'
expect 2 fxcp verify a
expect 2 fxcp verify a b c
expect 2 fxcp verify --content=crc a b
expect 2 fxcp verify a a && says itself
ln -s b also_b && expect 0 fxcp verify a also_b
ln -s a also_a && expect 2 fxcp verify also_a a
expect 1 fxcp verify a c/file && says "type directory, regular file"
expect 2 fxcp verify c/file c/sub/hard && says itself
[ ! -w /dev/full ] || { "$FXCP" verify -v a b >/dev/full 2>err; check "a full disk behind stdout is no success" test $? -ne 0; }

# Two names of A that B does not tell apart are one there, and may not pass for two.
if [ "$(id -u)" = 0 ] && command -v mkfs.vfat >/dev/null && unshare --mount true 2>/dev/null; then
  mkdir cases fat && printf x >cases/name && printf x >cases/NAME
  truncate -s 8M fat.img && mkfs.vfat fat.img >/dev/null || exit 1
  # shellcheck disable=SC2016
  expect 1 unshare --mount --propagation private sh -c \
    'mount -o loop fat.img fat || exit 9; cp cases/name fat && "$0" verify --no-perms --no-times cases fat' "$FXCP"
  says "differs: cases: names 2 names, 1 names" "same 2, differs 1"
fi

# What fxcp has copied is the same, and its own names are passed over.
expect 0 fxcp -a a copied
expect 0 fxcp verify a copied
mkdir copied/.foxing_versions && echo x >copied/.foxing_versions/x && touch -r a copied
expect 0 fxcp verify a copied && says "same"

# An ordinary user: sees everything that can be read, and says of the rest that it cannot.
mkdir world && chmod 1777 world
expect 0 as_user "$WORK/bin/tree_make" "$WORK/world/src" --user --scale 0.01 types sizes links
expect 0 as_user "$FXCP_FOR_ALL" -a "$WORK/world/src" "$WORK/world/dst"
expect 0 as_user "$FXCP_FOR_ALL" verify "$WORK/world/src" "$WORK/world/dst"
as_user chmod 000 "$WORK/world/dst/types/regular" "$WORK/world/src/sizes"
expect 1 as_user "$FXCP_FOR_ALL" verify "$WORK/world/src" "$WORK/world/dst"
says "unreadable: $WORK/world/dst/types/regular: openat: Permission denied" "unreadable: $WORK/world/src/sizes: openat: Permission denied"
expect 1 as_user "$FXCP_FOR_ALL" verify --json "$WORK/world/src" "$WORK/world/dst"
check "unreadable is counted" json 'lines[-1]["unreadable"] == 2 and all(line["errno"] == "EACCES" for line in entries)'
as_user chmod 755 "$WORK/world/src/sizes"
if [ "$(id -u)" = 0 ]; then
  as_user chmod 644 "$WORK/world/dst/types/regular" && chmod --reference="$WORK/world/src/types/regular" "$WORK/world/dst/types/regular"
  expect 0 as_user "$FXCP_FOR_ALL" verify "$WORK/world/src" "$WORK/world/dst"
  chown 1 "$WORK/world/dst/types/regular"
  expect 1 as_user "$FXCP_FOR_ALL" verify "$WORK/world/src" "$WORK/world/dst" && says "owner 65534, 1"
  expect 0 as_user "$FXCP_FOR_ALL" verify --no-owner "$WORK/world/src" "$WORK/world/dst"
fi
finish
