#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# fxcp - DST, compression, checkpoints, block devices.
#   streams.sh user      pipes, compression, refusals      streams.sh root      checkpoints on XFS, ext4 that has none, loop devices
# Pipes are the subject, so there are cats.
# shellcheck disable=SC2094,SC2016,SC2002
. "$(dirname "$0")/../support/common.sh"
need_fxcp
need_tool python3 tar
part=${1:-user}
[ "$part" = user ] || private_mounts "$@"
work_dir

# A shell's background job ignores SIGINT; this one does not.  Becomes fxcp, so that $! is its process.
interruptible() {
  exec python3 -c 'import signal, os, sys; signal.signal(signal.SIGINT, signal.SIG_DFL); os.execv(sys.argv[1], sys.argv[1:])' "$FXCP" "$@"
}

# until_true COMMAND...: waits for it, up to 20 s.
until_true() {
  local i
  for i in $(seq 1 400); do
    "$@" >/dev/null 2>&1 && return 0
    sleep 0.05
  done
  fail "it did not come to this: $*"
  return 1
}

# refuses NAME ARGUMENTS...: exit 2, says NAME, and everything is as it was.  Standard input is what the caller gives.
refuses() {
  local name=$1 before
  shift
  before=$(fingerprint "$WORK/t")
  expect 2 fxcp "$@" && says "$name"
  CHECKS=$((CHECKS + 1))
  [ "$before" = "$(fingerprint "$WORK/t")" ] || fail "something was touched by: fxcp $*"
}

pipes() {
  mkdir "$WORK/t" && cd "$WORK/t" || exit 1
  head -c 3000000 /dev/urandom >noise
  { cat noise; head -c 3000000 /dev/zero; echo end; } >mixed
  (umask 027 && cat mixed | fxcp - a) || fail "a pipe"
  check "the same" cmp mixed a
  check "0666 without the umask" test "$(stat -c %a a)" = 640
  check "zeros are holes" test "$(stat -c %b a)" -lt 8000
  cat mixed | fxcp --sparse=never --fsync - b || fail "--sparse=never"
  check "no holes" test "$(stat -c %b b)" -ge 11700
  check "the same" cmp mixed b
  expect 0 fxcp -a - c <mixed && check "-a is taken, and a file is a stream too" cmp mixed c
  : >empty && expect 0 fxcp - d <empty && check "an empty stream" test -f d -a ! -s d
  ln -s elsewhere link && expect 0 fxcp - link <noise && check "a link gives way" test -f link -a ! -L link
  check "and what it named was not made" test ! -e elsewhere
  expect 0 fxcp --size=6M - e <mixed && check "announced" cmp mixed e
  check "nothing stays reserved" test "$(stat -c %b e)" -lt 8000
  expect 0 fxcp --size=1 - e <mixed && check "more than announced" cmp mixed e
  echo file >./- && expect 0 fxcp ./- f && check "a file called -" cmp ./- f

  # A file that is replaced hands on its mode, its owner and its ACL, as the shell's > keeps them; what setuid was said of is gone.
  local mode
  for mode in 600 666 4711 400 000; do
    rm -f old && echo q >old && chmod $mode old
    expect 0 fxcp - old <noise && check "mode $mode: $(stat -c %a old)" test "$(stat -c %a old)" = "$(printf %o $((0$mode & 0777)))" && cp old got
  done
  rm -f old && echo q >old.gz && chmod 640 old.gz && expect 0 fxcp --compress gzip - old <noise && check "compressed" test "$(stat -c %a old.gz)" = 640
  rm -f old.gz && ln -s private link2 && echo q >private && chmod 600 private
  expect 0 fxcp - link2 <noise && check "by the link that leads to it" test "$(stat -c %a link2)" = 600 && rm link2 private
  echo q >old && chmod 640 old
  if setfacl -m u:12345:r old 2>/dev/null; then
    getfacl -c old >acl && expect 0 fxcp - old <noise && check "the ACL" diff acl <(getfacl -c old)
  fi
  if [ "$(id -u)" = 0 ]; then
    chown 12345:54321 old && chmod 660 old && expect 0 fxcp - old <noise
    check "the owner: $(stat -c %u:%g:%a old)" test "$(stat -c %u:%g:%a old)" = 12345:54321:660
    # Whoever may not give the group away gives it no more than all others have.
    programs_for_all && mkdir -m 777 common && echo q >common/f && chown 12345:54321 common/f && chmod 664 common/f
    expect 0 as_user "$FXCP_FOR_ALL" - "$PWD/common/f" <noise
    check "another owner and group: $(stat -c %u:%g:%a common/f)" test "$(stat -c %u:%g:%a common/f)" = 65534:65534:644
  fi
  rm -f old got acl

  expect 0 fxcp --stats - g <mixed && says "Files copied             1" "6,000,004"
  expect 0 fxcp -v - g <mixed && says "-"
  expect 0 fxcp --json=files - g <mixed && says '"type":"start"' '"type":"file"' '"bytes":6000004' '"exit_code":0'
  expect 0 fxcp --progress - g <mixed && says "5.7 MiB of 5.7 MiB"
  expect 0 fxcp --json --progress --size=6000004 - g < <(cat mixed) && says '"type":"progress"' '"total_bytes":6000004'
  rm -f g
  # A dry run reads nothing: what comes behind it still gets all.
  expect 0 sh -c '"$0" -n --compress xz - g <mixed' "$FXCP" && says "would be written to 'g.xz', compressed by xz:6"
  { fxcp -n - g >/dev/null && cat; } <mixed | cmp - mixed || fail "-n has read something"
  check "and writes nothing" test ! -e g -a ! -e g.xz
  no_litter .
}

compression() {
  local codec suffix tool
  cd "$WORK/t" || exit 1
  mkdir tree && cp mixed noise tree/ && echo text >tree/text
  for codec in zstd zstd:1 zstd:19 lz4 gzip:9 xz:1; do
    tool=${codec%:*}
    case $tool in zstd) suffix=zst ;; lz4) suffix=lz4 ;; gzip) suffix=gz ;; xz) suffix=xz ;; esac
    rm -rf x.tar* back
    tar --format=posix -c tree | fxcp --compress "$codec" - x.tar || fail "--compress $codec"
    check "$codec: it has its suffix, once" test -s "x.tar.$suffix" -a ! -e x.tar
    tar --format=posix -c tree | fxcp --compress "$codec" - "x.tar.$suffix" || fail "--compress $codec, over an old one"
    check "$codec: it has its suffix, once" test ! -e "x.tar.$suffix.$suffix"
    cat "x.tar.$suffix" | fxcp --decompress - x.tar || fail "--decompress of $codec"
    mkdir back && tar -C back -xf x.tar && same tree back/tree
    if command -v "$tool" >/dev/null; then
      check "$tool reads it" "$tool" -t "x.tar.$suffix"
      "$tool" -dc "x.tar.$suffix" | cmp - x.tar || fail "$tool reads something else"
      "$tool" -c mixed >m && "$tool" -c noise >>m
      expect 0 fxcp --decompress - n <m
      cat mixed noise | cmp - n || fail "what $tool writes is read as something else"
    else
      echo "no $tool: not compared with it" >&2
    fi
    # Damage, truncation, garbage: said, and the old file stays.
    echo old >old
    head -c -1 "x.tar.$suffix" >shorter
    refuses "ends too early" --decompress - old <shorter
    { cat "x.tar.$suffix"; echo garbage; } >behind
    refuses "standard input" --decompress - old <behind
    check "the old file stays" test "$(cat old)" = old
  done
  refuses "not compressed by" --decompress - old <noise
  refuses "nothing to decompress" --decompress - old <empty
  expect 0 fxcp --compress none - old <noise && check "none" cmp noise old
  no_litter .
}

refusals() {
  cd "$WORK/t" || exit 1
  mkdir -p dir && mkfifo fifo && rm -f g
  refuses "dir" - dir <noise
  refuses "dir" - dir/ <noise
  refuses "names a directory" - new/ <noise
  refuses "nowhere" - nowhere/file <noise
  refuses "ot a directory" - noise/file <mixed
  refuses "fifo" - fifo <noise
  refuses "character device" - /dev/null <noise
  refuses "is closed" - g <&-
  refuses "is a directory" - g <dir
  refuses "announced; nothing was written" --size=8000T - g <noise
  refuses "alone" noise - dir <mixed
  refuses "has no meaning" -r - g <noise
  refuses "not a block device" --copy-devices noise g
  refuses "does not exist" --copy-devices missing g
  refuses "not a block device" --write-devices noise mixed
  refuses "does not exist" --write-devices noise g
  refuses "is for streams" --size=1M --compress zstd noise g
  if command -v script >/dev/null; then
    script -qec "'$FXCP' - g" /dev/null >"$WORK/out" 2>&1 </dev/null
    check "a terminal is refused" grep -q "is a terminal" "$WORK/out"
    check "and nothing made" test ! -e g
  else
    echo "no script(1): a terminal was not tried" >&2
  fi
  no_litter .
}

stops() {
  local signal pid code
  cd "$WORK/t" || exit 1
  for signal in INT TERM; do
    rm -f h pipe && mkfifo pipe && exec 3<>pipe
    interruptible - h <pipe >"$WORK/out" 2>"$WORK/err" 3>&- &
    pid=$!
    head -c 6000000 noise >&3; head -c 6000000 noise >&3   # more than a pipe holds: it is reading
    kill -s $signal $pid
    code=0
    wait $pid || code=$?
    exec 3>&-
    check "exit 2 after SIG$signal, not $code: $(cat "$WORK/err")" test $code = 2
    says "stopped"
    check "nothing is left" test ! -e h
  done
  no_litter .
}

checkpoints() {
  local xfs ext4 pid fs
  xfs=$(new_fs xfs 500M) || exit $?
  ext4=$(new_fs ext4 100M) || exit $?
  head -c 50000000 /dev/urandom >"$WORK/noise"
  mkdir "$WORK/t" && cd "$WORK/t" || exit 1
  mount --bind "$ext4" "$WORK/t" && cd "$WORK/t" || exit 1
  refuses "lies on ext4" --checkpoint-interval=1 - g <"$WORK/noise"
  refuses "announced; nothing was written" --size=90M - g <"$WORK/noise"

  for codec in none zstd; do
    fs=$xfs/$codec && mkdir "$fs" && cd "$fs" || exit 1
    case $codec in zstd) suffix=.zst ;; *) suffix='' ;; esac
    mkfifo "$WORK/pipe-$codec" && exec 3<>"$WORK/pipe-$codec"
    "$FXCP" --compress $codec --checkpoint-interval=0.1 --checkpoint-keep=2 - dst <"$WORK/pipe-$codec" >"$WORK/out" 2>"$WORK/err" 3>&- &
    pid=$!
    # Each part is waited for: a checkpoint is made only when something new has come.
    for i in 1 2 3; do
      tail -c +$((i * 7000000 + 1)) "$WORK/noise" | head -c 7000000 >&3
      until_true test -e "dst$suffix.checkpoint-$i"
    done
    kill -9 $pid
    wait $pid 2>/dev/null
    exec 3>&-
    check "no more than two are kept" test "$(find . -name '*.checkpoint-*' | wc -l)" -le 2
    check "the file itself is not there" test ! -e "dst$suffix"
    last=$(find . -name '*.checkpoint-*' | sort -V | tail -n 1)
    check "there is one" test -n "$last"
    if [ $codec = none ]; then cp "$last" expanded; else expect 0 fxcp --decompress - expanded <"$last"; fi
    check "it is not empty" test -s expanded
    check "the last checkpoint is a beginning of the stream" cmp -n "$(stat -c %s expanded)" expanded <(tail -c +7000001 "$WORK/noise")
    no_litter .
    # The next run leaves them alone, and removes its own.
    "$FXCP" --compress $codec --checkpoint-interval=0.1 - dst <"$WORK/noise" || fail "the run after a kill"
    check "its own are gone, the others are not" test "$(find . -name '*.checkpoint-*' | wc -l)" -le 2 -a -e "$last"
    check "and the file is there" test -s "dst$suffix"
  done
  cd "$WORK" && umount "$WORK/t" && rmdir "$WORK/t"
}

LOOPS=()
detach() {
  local loop
  for loop in "${LOOPS[@]}"; do losetup -d "$loop"; done
  LOOPS=()
}
# loop_device FILE: sets $LOOP.
loop_device() {
  LOOP=$(losetup -f --show "$1") || skip "no loop device can be had"
  LOOPS+=("$LOOP")
}

devices() {
  local device small
  need_tool losetup blockdev
  trap 'detach; clean_up' EXIT
  mkdir "$WORK/t" && cd "$WORK/t" || exit 1
  head -c 16777216 /dev/zero | tr '\0' '\377' >"$WORK/backing"
  loop_device "$WORK/backing" && device=$LOOP
  { head -c 3000000 /dev/urandom; head -c 4000000 /dev/zero; head -c 777 /dev/urandom; } >image

  # Writing: only when asked for; zeros are written, and what lies behind stays.
  refuses "--write-devices" image "$device"
  refuses "--write-devices" - "$device" <image
  expect 0 fxcp -n --write-devices image "$device" && says "over what is there"
  check "a dry run has written nothing" cmp "$device" <(head -c 16777216 /dev/zero | tr '\0' '\377')
  expect 0 fxcp --write-devices image "$device"
  check "the image is there" cmp -n 7000777 image "$device"
  check "what is behind it stays" cmp <(tail -c +7000778 "$device") <(head -c $((16777216 - 7000777)) /dev/zero | tr '\0' '\377')
  tr '\0-\377' '\377' <image >ones
  expect 0 fxcp --write-devices --sparse=never - "$device" <ones
  check "from standard input" cmp -n 7000777 ones "$device"
  gzip -c image >image.gz
  expect 0 fxcp --write-devices --decompress - "$device" <image.gz
  check "decompressed, zeros too" cmp -n 7000777 image "$device"

  # Refusals: too large, in use, itself.
  head -c 16777217 /dev/zero >large
  refuses "holds 16,777,216 bytes" --write-devices large "$device"
  refuses "holds 16,777,216 bytes" --write-devices - "$device" <large
  refuses "holds 16,777,216 bytes" --write-devices --size=17M - "$device" <image
  check "nothing was written" cmp -n 7000777 image "$device"
  refuses "is the source itself" --copy-devices --write-devices "$device" "$device"
  # More than was known: the device holds a part, and that is said.
  expect 1 fxcp --write-devices - "$device" < <(cat large) && says "the device holds a part"
  expect 0 fxcp --write-devices - "$device" < <(cat image) && check "a pipe" cmp -n 7000777 image "$device"
  if FOXING_FAULT=fsync:1:EIO "$FXCP" --write-devices image "$device" >"$WORK/out" 2>"$WORK/err"; then
    echo "this fxcp was built without FOXING_FAULT_INJECTION: a failing fsync was not tried" >&2
  elif grep -q FOXING_FAULT "$WORK/err"; then
    echo "this fxcp was built without FOXING_FAULT_INJECTION: a failing fsync was not tried" >&2
  else
    says "fsync: Input/output error" "the device holds a part"
  fi

  # Reading.
  refuses "--copy-devices copies its content" --write-devices "$device" image
  expect 0 fxcp --copy-devices "$device" copy
  check "the device is the file" cmp "$device" copy
  check "zeros are holes" test "$(stat -c %b copy)" -lt 26000
  chmod 600 copy && expect 0 fxcp --copy-devices "$device" copy && check "it stays private" test "$(stat -c %a copy)" = 600
  mkdir dir && expect 0 fxcp --copy-devices "$device" dir
  check "into a directory" cmp "$device" "dir/$(basename "$device")"
  # Left out, and named: a failure, with the way out.
  expect 2 fxcp "$device" not_copied && says "$device" --copy-devices && check "nothing was made" test ! -e not_copied
  expect 1 fxcp "$device" image --target-directory=dir && says "$device" --copy-devices && check "the other" test -e dir/image
  expect 0 fxcp --copy-devices --compress zstd:1 "$device" copy && check "compressed" test -s copy.zst
  expect 0 fxcp --decompress - copy2 <copy.zst && check "and back" cmp copy copy2
  expect 0 fxcp -a "$device" node   # without the option a device stays a device
  check "a node" test -b node

  truncate -s 16M "$WORK/backing2" && loop_device "$WORK/backing2"
  expect 0 fxcp --copy-devices --write-devices "$device" "$LOOP" && check "device to device" cmp "$device" "$LOOP"

  truncate -s 64M "$WORK/backing3" && mkfs.ext4 -q -F "$WORK/backing3" && loop_device "$WORK/backing3" && small=$LOOP
  mkdir "$WORK/mounted"
  mount "$small" "$WORK/mounted" || skip "cannot mount ext4"
  refuses "is in use" --write-devices image "$small"
  umount "$WORK/mounted"
  check "the filesystem is whole" e2fsck -fn "$small"
  detach
}

if [ "$part" = user ]; then
  pipes
  compression
  refusals
  stops
else
  checkpoints
  devices
fi
finish
