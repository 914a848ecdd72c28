#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Not enough room.  Seen before the first write where it can be known: nothing is touched.  Otherwise in mid-run: the partial file
# goes, all else stays as it was, exit 1, the reason and how much is missing.  What needs no room (clones, holes) is not refused.
. "$(dirname "$0")/../support/common.sh"
need_fxcp
need_tool python3
private_mounts "$@"
work_dir
a=$(tmpfs 800M) || exit $?

for type in ext4 xfs btrfs tmpfs; do
  case $type in
    xfs) small=$(new_fs xfs 320M) ;;
    *) small=$(new_fs $type 150M) ;;
  esac || exit $?
  capacity=$(df --output=avail -B1 "$small" | tail -n 1)
  rm -rf "$a/src" "$a/other"
  mkdir -p "$a/src/dir" "$a/other"

  # 1. Plainly too large: refused before the first write.
  for i in 1 2 3 4; do head -c $((capacity / 3)) /dev/zero | tr '\0' 'x' >"$a/src/dir/file$i"; done
  echo small >"$a/src/small"
  expect 2 fxcp -a --json "$a/src" "$small/new"
  check "$type: nothing was begun" test ! -e "$small/new"
  says space
  mkdir "$small/old" && echo old >"$small/old/small"
  before=$(fingerprint "$small/old")
  expect 2 fxcp -a "$a/src" "$small/old" && says "space"
  check "$type: the message says how much" grep -qE '[0-9.]+ ?([KMG]i?)?B' "$WORK/err"
  check "$type: nothing was touched" test "$before" = "$(fingerprint "$small/old")"

  # 2. Holes need no room.
  rm -rf "$a/src" "$small/new"
  mkdir -p "$a/src/dir"
  truncate -s 20G "$a/src/dir/holes"
  echo small >"$a/src/small"
  expect 0 fxcp -a "$a/src" "$small/new" && same "$a/src" "$small/new"

  # 3. It fits when one looks, and then the room goes: another writer takes it.
  rm -rf "$small/new" "$a/src"
  mkdir -p "$a/src/dir"
  for i in $(seq 1 9); do head -c $((capacity / 12)) /dev/urandom >"$a/src/dir/file$i"; done
  mkdir "$small/kept" && head -c 100000 /dev/urandom >"$small/kept/file" && cp "$small/kept/file" "$a/other/file"
  # Stopped when the first files are there, so that the room goes in its midst and not before or after.
  code=0
  python3 - "$FXCP" "$a/src" "$small/new" "$small/hog" >"$WORK/out" 2>"$WORK/err" <<'END' || code=$?
import os, signal, subprocess, sys, time
fxcp, source, target, hog = sys.argv[1:]
copy = subprocess.Popen([fxcp, "-a", "--json", "--reflink=never", "-j", "1", source, target])
while copy.poll() is None and not (os.path.isdir(target + "/dir") and len(os.listdir(target + "/dir")) >= 2): time.sleep(0.0005)
if copy.poll() is None:
    copy.send_signal(signal.SIGSTOP)
    fd = os.open(hog, os.O_CREAT | os.O_WRONLY)
    space = os.statvfs(hog)
    size = space.f_bavail * space.f_frsize
    while size > 4096:
        try: os.posix_fallocate(fd, os.fstat(fd).st_size, size)
        except OSError: size //= 2
    copy.send_signal(signal.SIGCONT)
sys.exit(copy.wait())
END
  CHECKS=$((CHECKS + 1))
  if [ $code = 0 ]; then
    echo "note: $type: the copy was quicker than the writer that takes the room"
  else
    [ $code = 1 ] || fail "$type: exit $code, expected 1: $(head -c 500 "$WORK/err")"
    check "$type: the reason" grep -qi -e 'no space' -e ENOSPC -e no_space "$WORK/out" "$WORK/err"
    check "$type: a failure names the path" grep -q '"kind":"no_space","path":"[^"]*/dir/file' "$WORK/out"
    check "$type: the summary" python3 "$SUPPORT/json_lines.py" summary "$WORK/out" exit_code 1
  fi
  no_litter "$small"
  check "$type: what was there is intact" cmp "$a/other/file" "$small/kept/file"
  if [ -d "$small/new/dir" ]; then
    for file in $(cd "$small/new" && find . -type f); do check "$type: whole or not there: $file" cmp "$a/src/$file" "$small/new/$file"; done
  fi
  rm -f "$small/hog"
  expect 0 fxcp -a "$a/src" "$small/new" && same "$a/src" "$small/new"

  # 4. Replacing a file needs room beside it; where that is not there, the old one stays.
  rm -rf "$small/new" "$small/kept" "$a/src"
  mkdir -p "$a/src" "$small/new"
  head -c $((capacity * 6 / 10)) /dev/urandom >"$small/new/large"
  head -c $((capacity * 6 / 10)) /dev/urandom >"$a/src/large"
  old=$(md5sum <"$small/new/large")
  code=0; fxcp -a "$a/src" "$small/new" >"$WORK/out" 2>"$WORK/err" || code=$?
  CHECKS=$((CHECKS + 1))
  case $code in
    0) same "$a/src" "$small/new" ;;
    1 | 2) check "$type: the old file stays (exit $code)" test "$old" = "$(md5sum <"$small/new/large")"; no_litter "$small" ;;
    *) fail "$type: exit $code" ;;
  esac
  rm -rf "$small/new"

  # 5. Clones need no room: on one filesystem a tree larger than what is left is copied.
  case $type in xfs | btrfs)
    mkdir "$small/src" && head -c $((capacity * 7 / 10)) /dev/urandom >"$small/src/large" && sync -f "$small"
    expect 0 fxcp -a "$small/src" "$small/clone" && same "$small/src" "$small/clone"
    rm -rf "$small/clone"
    expect 2 fxcp -a --reflink=never "$small/src" "$small/clone"
    ;;
  esac

  # 6. No inodes left.
  if [ $type = ext4 ]; then
    few=$(loop_fs ext4 64M -N 64) || exit $?
    rm -rf "$a/src" && mkdir "$a/src" && for i in $(seq 1 100); do echo $i >"$a/src/f$i"; done
    code=0; fxcp -a "$a/src" "$few/t" >"$WORK/out" 2>"$WORK/err" || code=$?
    check "no inodes left is a failure (exit $code)" test $code = 1 -o $code = 2
    no_litter "$few"
    umount "$few"
  fi
  umount "$small"
done
finish
