#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Data on its way, and sources that go: --partial, --partial-dir, --temp-dir, --append-verify, --remove-source-files, --copy-devices in trees.
# partial.sh user|root: root adds what needs mounts and devices.
. "$(dirname "$0")/../support/common.sh"
need_fxcp
need_tool python3 setfattr
part=${1:-user}
if [ "$part" = root ]; then private_mounts "$@"; fi
work_dir

there() { local name; for name; do check "$name should be there" test -e "$name" -o -L "$name"; done; }
gone() { local name; for name; do check "$name should not be there" test ! -e "$name" -a ! -L "$name"; done; }
number() { python3 -c 'import json,sys; print([json.loads(line) for line in open(sys.argv[1])][-1][sys.argv[2]])' "$WORK/out" "$1"; }
# refused WORDS -- OPTIONS...: exit 2, it says WORDS, and neither s nor d is touched.
refused() {
  local words=() before
  while [ "$1" != -- ]; do words+=("$1"); shift; done
  shift
  before=$(fingerprint s; fingerprint d)
  expect 2 fxcp "$@" && says "${words[@]}"
  check "refused, and nothing was touched: $*" test "$before" = "$(fingerprint s; fingerprint d)"
}
# The files are as large as they are so that a paced run is surely stopped in their midst.
begin() {
  chmod -R u+rwx s d 2>/dev/null
  rm -rf s d && mkdir -p s/sub && head -c 12000000 /dev/urandom >s/sub/big && echo small >s/small
}
# stop SIGNAL FILE OPTIONS...: the run is stopped when FILE has something.
stop() {
  local signal=$1 file=$2 pid
  shift 2
  "$FXCP" --bwlimit=8M --reflink=never "$@" >"$WORK/out" 2>"$WORK/err" & pid=$!
  until [ -s "$file" ] || ! kill -0 $pid 2>/dev/null; do :; done
  kill -"$signal" $pid 2>/dev/null
  wait $pid 2>/dev/null
  check "stopped in the midst: $file" test -s "$file"
}
# goes_on OPTIONS...: the next run writes less than all, and makes the copy exact.
goes_on() {
  expect 0 fxcp -a --json --reflink=never "$@" s d
  check "the next run goes on: $(number bytes_moved) bytes of 12000000 moved" test "$(number bytes_moved)" -lt 12000000
  same s d
}

partial() {
  local signal
  for signal in TERM HUP KILL; do
    begin
    stop $signal d/sub/.fxcp-partial/big -a --partial -j 1 s d
    gone d/sub/big && there d/sub/.fxcp-partial/big
    check "nobody else's" test "$(stat -c %a d/sub/.fxcp-partial d/sub/.fxcp-partial/big | xargs)" = "700 600"
    goes_on --partial
    gone d/sub/.fxcp-partial
    check "no mark stays" test -z "$(getfattr -d -m user.foxing.partial d/sub/big 2>/dev/null)"
  done

  # Another directory, and an old version that stays.
  begin && mkdir -p d/sub && echo old >d/sub/big
  stop TERM d/sub/.mine/big -a -P --partial-dir=.mine s d
  check "the old version is there" test "$(cat d/sub/big)" = old
  goes_on --partial-dir=.mine/
  begin && mkdir place
  "$FXCP" --bwlimit=8M --reflink=never -a --partial-dir="$WORK/place" s d >/dev/null 2>&1 & pid=$!
  until [ -n "$(find place -type f -size +0)" ] || ! kill -0 $pid 2>/dev/null; do :; done
  kill -9 $pid; wait $pid 2>/dev/null
  check "it lies in the one place" test -n "$(find place -name 'big.*' -size +0)"
  goes_on --partial-dir="$WORK/place"
  check "the place is empty" test -z "$(ls -A place)"

  # One file, not a tree.
  begin && mkdir d
  stop TERM d/.fxcp-partial/new --partial s/sub/big d/new
  expect 0 fxcp --partial --json --reflink=never s/sub/big d/new
  check "one file goes on: $(number bytes_moved)" test "$(number bytes_moved)" -lt 12000000
  check "and is exact" cmp s/sub/big d/new
  check "nothing else is there" test "$(ls -A d)" = new

  # Without the option nothing is kept.
  begin
  "$FXCP" --bwlimit=8M --reflink=never -a s d >/dev/null 2>&1 & pid=$!
  until [ -d d/sub ] || ! kill -0 $pid 2>/dev/null; do :; done
  kill -TERM $pid; wait $pid 2>/dev/null
  check "nothing is kept unasked" test -z "$(find d -name .fxcp-partial)"

  # The source has changed; what was kept is another version, or nonsense.
  begin
  stop KILL d/sub/.fxcp-partial/big -a --partial -j 1 s d
  printf changed | dd of=s/sub/big bs=1 seek=100 conv=notrunc status=none
  printf damaged | dd of=d/sub/.fxcp-partial/big bs=1 seek=5000 conv=notrunc status=none
  goes_on --partial
}

neither_copied_nor_deleted() {
  begin && mkdir s/.fxcp-partial s/sub/.fxcp-partial && echo x >s/.fxcp-partial/x
  mkdir -p d/sub/.fxcp-partial && echo mine >d/sub/.fxcp-partial/mine && echo extra >d/extra
  for how in --delete --delete-before --delete-after; do
    echo extra >d/extra
    expect 0 fxcp -a --partial $how s d
    gone d/.fxcp-partial d/extra && there d/sub/.fxcp-partial/mine
    expect 0 fxcp -a --partial $how -i s d && check "$how: the second run has nothing to do: $(head -n 3 "$WORK/out")" test ! -s "$WORK/out"
  done
  # With a directory that goes it goes.
  mkdir -p d/doomed/.fxcp-partial && echo x >d/doomed/.fxcp-partial/x
  expect 0 fxcp -a --partial --delete s d && gone d/doomed
  # Without the option it is a directory like any other.
  expect 0 fxcp -a --delete s d && there d/.fxcp-partial/x && gone d/sub/.fxcp-partial/mine
  begin && mkdir -p s/.mine s/.fxcp-partial
  expect 0 fxcp -a --partial-dir=.mine s d && gone d/.mine && there d/.fxcp-partial

  # Of names that are gone, and by --cleanup.
  begin && stop KILL d/sub/.fxcp-partial/big -a --partial s d
  rm s/sub/big && echo mine >d/sub/.fxcp-partial/mine
  expect 0 fxcp -a -n --partial s d && there d/sub/.fxcp-partial/big
  expect 0 fxcp -a --partial s d && gone d/sub/.fxcp-partial/big && there d/sub/.fxcp-partial/mine
  begin && stop KILL d/sub/.fxcp-partial/big -a --partial s d
  expect 0 fxcp --cleanup -n d && there d/sub/.fxcp-partial/big
  expect 0 fxcp --cleanup d && says "1 temporary file removed" && gone d/sub/.fxcp-partial
  begin && stop KILL d/sub/.mine/big -a --partial-dir=.mine s d
  expect 0 fxcp --cleanup d && there d/sub/.mine/big
  expect 0 fxcp --cleanup --partial-dir=.mine d && gone d/sub/.mine
}

refusals() {
  begin && mkdir d elsewhere
  refused '--partial' '--no-atomic' -- -a --partial --no-atomic s d
  refused '--partial-dir' -- -a --partial-dir=a/b s d
  refused 'lies in the target' -- -a --partial-dir="$WORK/d" s d
  refused 'lies in what is copied' -- -a --partial-dir="$WORK/s/sub" s d
  refused 'is not there' -- -a --partial-dir="$WORK/none" s d
  refused 'is not there' -- -a --temp-dir=none s d
  refused 'lies in what is copied' -- -a -T "$WORK/s" s d
  mkdir d/tmp
  refused 'where --delete would remove it' -- -a -T tmp --delete s d
  refused '--append-verify looks' -- -a --append s d
  refused '--append-verify' '--whole-file' -- -a --append-verify -W s d
  refused '--remove-source-files' '--delete' -- -a --remove-source-files --delete s d
  refused '--verify' -- -a --copy-devices --verify s d
}

temp_dir() {
  begin && mkdir -p d elsewhere && echo old >d/small
  touch elsewhere/.tmp.notes
  expect 0 fxcp -a -T "$WORK/elsewhere" s d && same s d
  check "nothing stays there: $(ls -A elsewhere)" test "$(ls -A elsewhere)" = .tmp.notes
  echo newer >s/small && mkdir d/tmp
  expect 0 fxcp -a --temp-dir=tmp s d && check "relative: from DST" cmp s/small d/small
  if FOXING_FAULT=renameat2:1:EIO "$FXCP" --version >/dev/null 2>&1; then
    echo newest >s/small
    FOXING_FAULT=renameat2:1+:EIO,unlinkat:1+:EPERM expect 1 fxcp -a -T "$WORK/elsewhere" s d
    check "its temporary names lie there" test "$(find elsewhere -name '.tmp.6*' | wc -l)" = 1
    no_litter d
    check "and the next run takes them" fxcp -a -T "$WORK/elsewhere" s d
    check "nothing stays there: $(ls -A elsewhere)" test "$(ls -A elsewhere)" = .tmp.notes
  else
    echo "this fxcp was built without FOXING_FAULT_INJECTION: failing renames were not tried" >&2
  fi
}

append_verify() {
  local inode
  begin && mkdir -p d/sub && head -c 5000000 s/sub/big >d/sub/big && inode=$(stat -c %i d/sub/big)
  expect 0 fxcp -a --append-verify --json s d
  check "only the rest: $(number bytes_moved)" test "$(number bytes_moved)" -lt 7000100
  check "in place" test "$(stat -c %i d/sub/big)" = "$inode"
  same s d
  printf more >>s/sub/big && printf damaged | dd of=d/sub/big bs=1 seek=77 conv=notrunc status=none
  expect 0 fxcp -a --append-verify s d && check "no beginning: replaced" test "$(stat -c %i d/sub/big)" != "$inode"
  same s d
  # Killed in the midst: a shorter file, which the next run repairs, whatever is newer.
  for options in "-a" "-a -u" "-a --append-verify" "-a --ignore-existing"; do
    rm -rf d && mkdir -p d/sub && head -c 1000000 s/sub/big >d/sub/big && touch -d 2001-01-01 d/sub/big
    "$FXCP" --bwlimit=8M -a --append-verify s d >/dev/null 2>&1 & pid=$!
    until [ "$(stat -c %s d/sub/big)" -gt 1000000 ] || ! kill -0 $pid 2>/dev/null; do :; done
    kill -9 $pid; wait $pid 2>/dev/null
    check "a beginning" cmp -n "$(stat -c %s d/sub/big)" s/sub/big d/sub/big
    # shellcheck disable=SC2086
    expect 0 fxcp $options s d
    check "repaired with $options" cmp s/sub/big d/sub/big
  done
  # A log that grows while it is copied.
  rm -rf d && mkdir -p d/sub && head -c 1000000 s/sub/big >d/sub/big
  "$FXCP" --bwlimit=8M -a --append-verify s d >/dev/null 2>&1 & pid=$!
  until [ "$(stat -c %s d/sub/big)" -gt 1000000 ] || ! kill -0 $pid 2>/dev/null; do :; done
  printf grown >>s/sub/big
  wait $pid
  check "followed" test $? = 0
  same s d
}

removing() {
  begin && ln s/small s/again && ln -s small s/link && mkfifo s/sub/fifo && printf x >"s/new
line" && cp -a s before
  expect 0 fxcp -a -n -v --remove-source-files s d && says "removing s/small"
  same s before
  gone d
  expect 0 fxcp -a --remove-source-files -i --stats s d
  says "*removing   small" "Sources removed"
  same before d
  check "only directories are left: $(find s ! -type d)" test -z "$(find s ! -type d)"
  there s/sub
  expect 0 fxcp -a --remove-source-files s d && check "the copies stay" cmp before/sub/big d/sub/big

  # What is there already goes as well, after its bytes have been compared.
  rm -rf s && cp -a before s && printf damaged | dd of=d/sub/big bs=1 seek=99 conv=notrunc status=none && touch -r s/sub/big d/sub/big
  expect 0 fxcp -a --remove-source-files --json=files s d
  check "named in JSON" grep -q '"action":"removed"' "$WORK/out"
  check "counted in JSON: $(number sources_removed)" test "$(number sources_removed)" = 6
  same before d
  # --verify that finds nothing wrong.
  rm -rf s d && cp -a before s
  expect 0 fxcp -a --verify --remove-source-files s d && same before d && check "verified, and gone" test -z "$(find s ! -type d)"

  # Stopped: nothing goes.
  rm -rf s d && cp -a before s
  stop TERM d/sub/.fxcp-partial/big -a --partial --remove-source-files -j 1 s d
  same s before
  expect 0 fxcp -a --partial --remove-source-files s d && same before d
  # What is left alone stays.
  rm -rf s && cp -a before s && rm d/small d/again
  expect 0 fxcp -a --existing --remove-source-files s d && there s/small s/again && gone s/sub/big
  expect 0 fxcp -a --ignore-existing --remove-source-files s d && gone s/small
  # A single file, and one through a symbolic link.
  rm -rf s d && cp -a before s
  expect 0 fxcp -p --remove-source-files s/small d && gone s/small && check "there" grep -q small d
  rm -f d && expect 0 fxcp -pL --remove-source-files s/sub/big s/again --target-directory="$WORK" && gone s/again s/sub/big && rm "$WORK/big" "$WORK/again"
  rm -rf s d && cp -a before s && ln -s sub/big s/way
  expect 0 fxcp -aL --no-specials --remove-source-files s d && there s/way s/link && check "a copy" cmp before/sub/big d/way
  # By relative and odd names.
  rm -rf s d && cp -a before s
  (cd s && expect 0 fxcp -a --remove-source-files . ../d) && same before d && check "from ." test -z "$(find s ! -type d)"
  rm -rf s d before
}

under_root() {
  local small other pid
  small=$(tmpfs 16M) || exit $?
  other=$(tmpfs 64M) || exit $?
  begin
  refused "does not lie on the target's filesystem" -- -a -T "$other" s d
  mkdir d
  refused "does not lie on the target's filesystem" -- -a -T "$other" s d
  refused "does not lie on the target's filesystem" -- -a --partial-dir="$other" s d

  # A full target: what was kept takes room there, and is not in the way of the next run.
  "$FXCP" --bwlimit=8M -a --partial -j 1 s "$small/d" >"$WORK/out" 2>"$WORK/err" & pid=$!
  until [ "$(stat -c %s "$small/d/sub/.fxcp-partial/big" 2>/dev/null || echo 0)" -gt 5000000 ] || ! kill -0 $pid 2>/dev/null; do :; done
  head -c 20000000 /dev/zero >"$small/filler" 2>/dev/null
  wait $pid
  check "full" test $? = 1
  says "the target is full"
  there "$small/d/sub/.fxcp-partial/big"
  rm "$small/filler"
  check "less room than the file needs" test "$(df --output=avail -B1 "$small" | tail -n 1)" -lt 12000000
  expect 0 fxcp -a --partial --json s "$small/d"
  check "it goes on: $(number bytes_moved)" test "$(number bytes_moved)" -lt 8000000
  same s "$small/d"

  # Another user's directory of partial files is not used.
  begin && mkdir -p d/sub/.fxcp-partial && chown 1:1 d/sub/.fxcp-partial
  expect 0 fxcp -a --partial s d && says "others may write" && same s d --extra-ok
  # What belongs to somebody else is given back before it is gone on with.
  begin && stop KILL d/sub/.fxcp-partial/big -a --partial -j 1 s d && chown 12:34 d/sub/.fxcp-partial/big && chmod 4755 d/sub/.fxcp-partial/big
  goes_on --partial

  # Block devices as files.
  local device
  truncate -s 8M backing && dd if=/dev/urandom of=backing bs=1M count=2 conv=notrunc status=none
  device=$(losetup -f --show backing) || skip "no loop device"
  begin && rm s/sub/big && mknod s/sub/disk b $((0x$(stat -c %t "$device"))) $((0x$(stat -c %T "$device"))) && chmod 640 s/sub/disk
  expect 0 fxcp -a --copy-devices s d
  check "the content" cmp backing d/sub/disk
  check "a file, of the device's mode" test "$(stat -c '%F %a' d/sub/disk)" = "regular file 640"
  check "zeros are holes" test "$(stat -c %b d/sub/disk)" -lt 8000
  expect 0 fxcp -a --copy-devices -i s d && check "the second run has nothing to do: $(head -n 3 "$WORK/out")" test ! -s "$WORK/out"
  printf changed | dd of="$device" bs=1 seek=5000000 conv=notrunc,fsync status=none
  expect 0 fxcp -a --copy-devices -n -v s d && says s/sub/disk
  expect 0 fxcp -a --copy-devices --remove-source-files s d && check "read again" cmp "$device" d/sub/disk
  there s/sub/disk
  mknod s/null c 1 3
  expect 1 fxcp -r --copy-devices s d && says "s/null" "character device" && gone d/null
  expect 0 fxcp -a s d && check "a node without the option" test -b d/sub/disk
  losetup -d "$device"
}

if [ "$part" = root ]; then
  under_root
else
  partial
  neither_copied_nor_deleted
  refusals
  temp_dir
  append_verify
  removing
fi
finish
