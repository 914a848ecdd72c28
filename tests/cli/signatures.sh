#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Signatures, pruning and renames as a user meets them: what is left on a target, what later runs make of it, what is not believed, and what each way of
# looking again finds.   signatures.sh user|root: root adds filesystems of its own.
. "$(dirname "$0")/../support/common.sh"
need_fxcp
need_tool python3 setfattr getfattr
part=${1:-user}
if [ "$part" = root ]; then private_mounts "$@"; fi
work_dir
touch .probe && setfattr -n user.probe -v x .probe 2>/dev/null || skip "no user attributes below $WORK"

put() { mkdir -p "$(dirname "$1")" && printf '%s\n' "$2" >"$1" && touch -d '2020-02-02 02:02:02.123456789' "$1"; }
text_of() { dd if="$1" iflag=noatime,nofollow status=none 2>/dev/null; }
holds() { check "$1 should say '$2' and says '$(text_of "$1")'" test "$(text_of "$1")" = "$2"; }
gone() { local name; for name; do check "$name should not be there" test ! -e "$name" -a ! -L "$name"; done; }
# edit_secretly FILE TEXT: size and mtime are as before.
edit_secretly() {
  local time
  time=$(stat -c %y "$1") && printf '%s' "$2" | dd of="$1" bs=64 conv=notrunc status=none && touch -m -d "$time" "$1"
}
# settled: until the clock is well past every change so far (kSurelyEarlierNs in core/copy/quick_check.h).  No sleep: the clock is asked.
settled() {
  local was now
  touch "$WORK/.clock" && was=$(date -d "$(stat -c %z "$WORK/.clock")" +%s%N)
  until touch "$WORK/.clock" && now=$(date -d "$(stat -c %z "$WORK/.clock")" +%s%N) && [ "$now" -gt $((was + 50000000)) ]; do :; done
}
# counted KEY NUMBER: the summary of the last run, which had --json.
counted() {
  local found
  found=$(sed -n 's/.*"type":"summary".*"'"$1"'":\([0-9]*\).*/\1/p' "$WORK/out")
  check "$1 should be $2 and is $found" test "$found" = "$2"
}
signature() { getfattr --only-values -n user.foxing.sig "$1" 2>/dev/null | base64 -w0; }
is_signed() { check "$1 has a signature" test -n "$(signature "$1")"; }
has_hash() { check "$1 has a hash" getfattr -n user.foxing.dir_hash "$1"; }
has_none() { check_not "$1 has no hash" getfattr -n user.foxing.dir_hash "$1"; }
begin() {
  chmod -R u+rwx s d 2>/dev/null
  rm -rf s d
  put s/a 'text a' && put s/dir/c 'text c' && put s/dir/deep/e 'text e' && put s/other/o 'text o' && ln -s a s/link && mkdir s/empty
  head -c 3000000 /dev/zero | tr '\0' x >s/large && touch -d 2020-01-01 s/large
  settled
  expect 0 fxcp -a --delete --generate-sigs --json s/ d
  counted signatures_written 5 && counted hashes_written 5
  settled  # a change within 50 ms of the signature that puts times back is not seen (docs/formats/signature.md)
}
again() { expect 0 fxcp -a --delete --generate-sigs --json "$@" s/ d; }

what_is_left() {
  begin
  is_signed d/a && is_signed d/dir/deep/e && is_signed d/large && has_hash d && has_hash d/dir/deep && has_hash d/empty
  check "the source has nothing of ours" test -z "$(getfattr -R -d -m '^user.foxing' s 2>/dev/null)"
  again
  counted pruned 1 && counted entries 11 && counted unchanged 6 && counted signatures_written 0 && counted files 0
  # Nothing is needed of it.
  expect 0 fxcp -a --delete --json s/ d && counted pruned 1
  find d -exec setfattr -h -x user.foxing.sig {} + -exec setfattr -h -x user.foxing.dir_hash {} + 2>/dev/null
  again
  counted pruned 0 && counted unchanged 6 && counted signatures_written 5 && counted hashes_written 5
  # A copy of a mirror takes none of it along.
  rm -rf copy && expect 0 fxcp -a d/ copy
  check "a copy of the mirror has nothing of ours" test -z "$(getfattr -R -d -m '^user.foxing.\(sig\|merkle\|dir\)' copy 2>/dev/null)"
}

what_is_followed() {
  begin
  edit_secretly s/dir/deep/e 'TEXT E'
  settled
  again && counted files 1 && counted pruned 2 && holds d/dir/deep/e 'TEXT E'
  rm s/other/o && settled
  again && counted deleted 1 && counted pruned 2 && gone d/other/o
  again && counted pruned 1
  chmod 700 s/dir && settled
  again && check "its mode" test "$(stat -c %a d/dir)" = 700
  # Options that decide what the target is to be.
  expect 0 fxcp -a --generate-sigs --json s/ d && counted pruned 0
  expect 0 fxcp -a --generate-sigs --json -j 1 --fsync s/ d && counted pruned 1
  expect 0 fxcp -a --generate-sigs --json --exclude=c s/ d && counted pruned 0
  expect 0 fxcp -a --generate-sigs --json --exclude=c -n s/ d && counted pruned 1
}

# What somebody else does to the target below a directory that has not been touched in the source is not looked at, unless that is asked for.
what_finds_a_touched_target() {
  local option
  for option in --no-prune --verify -c -I -ii; do
    begin
    edit_secretly d/dir/deep/e 'DAMAGE'
    again && counted pruned 1 && holds d/dir/deep/e 'DAMAGE'
    if [ "$option" = -ii ]; then expect 0 fxcp -a --delete --generate-sigs -ii s/ d; else again "$option" && counted pruned 0; fi
    holds d/dir/deep/e 'text e'
  done
  begin
  rm d/dir/deep/e && put d/dir/deep/extra x
  again --no-prune && holds d/dir/deep/e 'text e' && gone d/dir/deep/extra
}

# forged WHAT FILE: the file is damaged behind its times, and has this signature: it is found.
forged() {
  settled
  edit_secretly "$2" 'DAMAGE'
  check "set $1" setfattr -n user.foxing.sig -v "$3" "$2"
  again --no-prune
  holds "$2" "${4:-text e}" || echo "      the signature was: $1"
}

forgeries() {
  begin
  local good
  good=$(signature d/dir/deep/e)
  forged 'nothing' d/dir/deep/e ''
  forged 'garbage' d/dir/deep/e "0s$(head -c 144 /dev/urandom | base64 -w0)"
  forged "another file's" d/dir/deep/e "0s$(signature d/a)"
  forged 'cut' d/dir/deep/e "0s$(base64 -d <<<"$good" | head -c 100 | base64 -w0)"
  forged 'its own of before' d/dir/deep/e "0s$good"
  counted signatures_ignored 1
  is_signed d/dir/deep/e
  # Leaves of other data.
  edit_secretly s/large "$(head -c 60 /dev/zero | tr '\0' y)" && settled
  setfattr -n user.foxing.merkle -v "0s$(head -c 800 /dev/urandom | base64 -w0)" d/large
  again --inplace --delta-min-size=1M && check "the large file is right" cmp s/large d/large
  # Hashes of directories.
  local hash
  for hash in "0s$(head -c 64 /dev/urandom | base64 -w0)" "$(getfattr --only-values -n user.foxing.dir_hash d/other | base64 -w0 | sed 's/^/0s/')" ''; do
    begin
    rm d/dir/deep/e
    find d -type d -exec setfattr -n user.foxing.dir_hash -v "$hash" {} +
    again && holds d/dir/deep/e 'text e'
  done
  begin
  cp -a --preserve=all d moved && rm moved/dir/deep/e
  expect 0 fxcp -a --delete --generate-sigs --json s/ moved && counted pruned 0 && holds moved/dir/deep/e 'text e'
  rm -rf moved
}

# A checksum that is right is against damage only; what the record says must still fit the file.
resealed() {
  if ! command -v b3sum >/dev/null && ! python3 -c 'import blake3' 2>/dev/null; then
    echo "not here: records with a right checksum (neither b3sum nor python3's blake3 is installed); store_test has them"
    return
  fi
  begin
  edit_secretly d/dir/deep/e 'DAMAGE'
  python3 - d/dir/deep/e <<'EOF' || fail "resealing"
import os, struct, subprocess, sys
def blake3(data):
    try:
        import blake3 as module
        return module.blake3(data).digest()
    except ImportError:
        return bytes.fromhex(subprocess.run(["b3sum", "--no-names"], input=data, capture_output=True, check=True).stdout.decode().strip())
path = sys.argv[1]
record = bytearray(os.getxattr(path, "user.foxing.sig"))
record[32:40] = struct.pack("<Q", os.stat(path).st_ino + 1)  # another inode; the window would hold
import time
record[40:48] = struct.pack("<q", time.time_ns())
record[136:144] = blake3(bytes(record[:136]))[:8]
os.setxattr(path, "user.foxing.sig", bytes(record))
EOF
  again --no-prune && holds d/dir/deep/e 'text e'
}

renames() {
  local inode
  begin
  inode=$(stat -c %i d/large)
  mkdir s/films && mv s/large s/films/feature && mv s/dir s/folder && settled
  again --detect-renames
  counted renamed 3 && counted bytes_moved 0
  check "the same file under its new name" test "$(stat -c '%i %h' d/films/feature)" = "$inode 1"
  gone d/large d/dir && holds d/folder/deep/e 'text e'
  # The events name both.
  mv s/a s/b && settled
  expect 0 fxcp -a --delete --generate-sigs --detect-renames --json=files s/ d
  says '"action":"renamed"' '"from":"a"'
  # Without --delete the old name stays.
  mv s/b s/c
  expect 0 fxcp -a --detect-renames --json s/ d && holds d/b 'text a' && holds d/c 'text a'
  # The same size and time alone are no reason.
  mv s/c "$WORK/aside" && put s/other-data 'TEXT A' && touch -r d/b s/other-data
  expect 0 fxcp -a --delete --detect-renames --json s/ d && counted renamed 0 && holds d/other-data 'TEXT A'
  expect 2 fxcp -a --delete-before --detect-renames s/ d && says 'contradict'
  mv s/other-data s/again && expect 0 fxcp -a -n --delete --detect-renames --json s/ d && holds d/other-data 'TEXT A' && gone d/again
}

failures() {
  begin
  [ "$(id -u)" = 0 ] && return  # root reads everything
  put s/dir/deep/secret x && chmod 0 s/dir/deep/secret && settled
  expect 1 fxcp -a --delete --generate-sigs s/ d
  has_none d && has_none d/dir && has_none d/dir/deep && has_hash d/other
  chmod 600 s/dir/deep/secret
  again && holds d/dir/deep/secret x && has_hash d
}

# Only root: sources whose sizes mean nothing, and a target without attributes.
on_other_filesystems() {
  begin
  rm -rf sizes
  expect 0 fxcp -a --generate-sigs --json /sys/kernel/mm/ksm/ sizes
  counted hashes_written 0
  check "files without a size are copied" cmp /sys/kernel/mm/ksm/run sizes/run
  local ram
  ram=$(mktemp -d "$WORK/ramfs.XXXX") && mount -t ramfs ramfs "$ram" || skip "cannot mount ramfs"
  if setfattr -n user.probe -v x "$ram" 2>/dev/null; then
    echo "not here: ramfs has user attributes on this kernel"
  else
    expect 0 fxcp -a --delete --generate-sigs --json s/ "$ram/d" && counted signatures_written 5 && counted hashes_written 5
    check "a sidecar" test -f "$ram/d/dir/deep/.foxing_meta"
    check "the copy" diff -r --no-dereference --exclude=.foxing_meta s "$ram/d"
    expect 0 fxcp -a --delete --generate-sigs --json s/ "$ram/d" && counted pruned 1
    edit_secretly "$ram/d/dir/deep/e" 'DAMAGE'
    expect 0 fxcp -a --delete --generate-sigs --no-prune s/ "$ram/d" && holds "$ram/d/dir/deep/e" 'text e'
  fi
  # Hard links whose other name moves with its directory.
  local fs
  for fs in xfs btrfs; do
    fs=$(loop_fs $fs 400M) || continue
    mkdir -p "$fs/s/a" "$fs/s/b" && put "$fs/s/a/one" 1 && ln "$fs/s/a/one" "$fs/s/b/uno" && settled
    expect 0 fxcp -a --delete --generate-sigs "$fs/s/" "$fs/d"
    mv "$fs/s/b" "$fs/s/c" && settled
    expect 0 fxcp -a --delete --generate-sigs "$fs/s/" "$fs/d"
    check "still one file" test "$fs/d/a/one" -ef "$fs/d/c/uno"
  done
}

what_is_left
what_is_followed
what_finds_a_touched_target
forgeries
resealed
renames
failures
[ "$part" != root ] || on_other_filesystems
finish
