#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# foxingd and a target that is not what it was: replaced, read-only, unmounted, mounted anew; a source that is emptied; a flush that must not come too early.
#   targets.sh KIND KIND       the filesystems of source and target; the target's has a number of its own and can be mounted anew
. "$(dirname "$0")/../support/common.sh"
. "$(dirname "$0")/../support/foxingd.sh"
need_fxcp
need_foxingd
private_mounts "$@"
work_dir
a=$(new_fs "$1") || exit $?
b=$(new_fs "$2") || exit $?
mkdir -p "$a/src/sub" "$a/elsewhere"
echo 1 >"$a/src/file" && echo 1 >"$a/src/sub/file"
stalled() { foxingd status --socket "$WORK/control" | grep -q "stalled"; }
waits() {
  for _ in $(seq 80); do stalled && break; sleep 0.1; done
  check "it waits: $1" stalled
}

# Somebody else's directory takes the target's place, on the same filesystem: nothing of it is touched.
mirror "$a/src" "$b/dst" || finish
mkdir "$b/photos" && echo precious >"$b/photos/one"
mv "$b/dst" "$b/old" && mv "$b/photos" "$b/dst"
echo 2 >"$a/src/file"
waits "the target was replaced"
sleep 1.5   # it tries again meanwhile
check "it still waits" stalled
check "what lies there now is not deleted" [ "$(cat "$b/dst/one")" = precious ]
check "and nothing is made there" [ ! -e "$b/dst/file" ]
mv "$b/dst" "$b/photos" && mv "$b/old" "$b/dst"
settled
same "$a/src" "$b/dst"
check "what was there is left alone" [ "$(cat "$b/photos/one")" = precious ]

# Read-only for a while.
check "remount read-only" mount -o remount,ro "$b"
echo 3 >"$a/src/file" && chmod 700 "$a/src/sub"
waits "the target is read-only"
check "pause" foxingd pause --socket "$WORK/control" "$b/dst"
check "remount writable" mount -o remount,rw "$b"
sleep 1.5
check "who waits and is paused stays so" [ "$(cat "$b/dst/file")" = 2 ]
check "resume" foxingd resume --socket "$WORK/control" "$b/dst"
settled
same "$a/src" "$b/dst"

# What cannot be mirrored is not called equal.
if chattr +i "$b/dst/sub/file" 2>/dev/null; then
  echo changed >"$a/src/sub/file"
  if foxingd flush --socket "$WORK/control" --timeout 60 >"$WORK/said" 2>&1; then fail "a flush says that all is equal"; fi
  check "it says how much is not" grep -q "1 name is not equal" "$WORK/said"
  check "and so does the status" [ "$(counted given_up)" = 1 ]
  chattr -i "$b/dst/sub/file"
  echo again >"$a/src/sub/file"
  settled
  same "$a/src" "$b/dst"
fi

# Unmounted and mounted anew, while things change; what was mounted over for a moment stays empty.
umount "$b" || umount -l "$b"
echo 4 >"$a/src/file" && mv "$a/src/sub" "$a/src/moved"
waits "the target is not mounted"
check "nothing is made where it was" [ -z "$(ls -A "$b")" ]
for _ in $(seq 50); do [ -z "$(losetup -j "$b.img")" ] && break; sleep 0.1; done
check "foxingd has let go of it" [ -z "$(losetup -j "$b.img")" ]
check "mount anew" mount -o loop "$b.img" "$b"
settled
same "$a/src" "$b/dst"

# Something is mounted over a directory in which somebody goes on writing, and is unmounted again.
mkdir "$a/src/under" && echo 1 >"$a/src/under/file"
settled
(cd "$a/src/under" && until [ -e "$WORK/enough" ]; do echo more >>file; sleep 0.01; done) &
writer=$!
check "mount" mount -t tmpfs tmpfs "$a/src/under"
echo hidden >"$a/src/under/hidden"
echo 5 >"$a/src/file"
settled
check "what is mounted there is not mirrored" [ ! -e "$b/dst/under/hidden" ]
touch "$WORK/enough" && wait $writer
check "unmount" umount "$a/src/under"
settled
same "$a/src" "$b/dst"
renames=$(counted renames)
check "bind" mount --bind "$a/src/moved" "$a/src/under"
touch "$a/src/under" && echo 6 >"$a/src/moved/file" && touch "$a/src/moved"
settled
check "a directory in two places is followed in one of them" grep -qx 6 "$b/dst/moved/file" "$b/dst/under/file"
check "and is not renamed to and fro" [ "$(counted renames)" = "$renames" ]
check "unbind" umount "$a/src/under"
settled
same "$a/src" "$b/dst"

# A tree that is moved in from outside is on the target when a flush that came after it is answered.
for round in $(seq 8); do
  mkdir -p "$a/elsewhere/tree/x/y" && cp "$a/src/file" "$a/elsewhere/tree/x/y/file"
  for number in $(seq 40); do echo "$number" >"$a/elsewhere/tree/x/$number"; done
  mv "$a/elsewhere/tree" "$a/src/tree$round"
  check "flush" foxingd flush --socket "$WORK/control" --timeout 60
  same "$a/src/tree$round" "$b/dst/tree$round" || break
done

# The last name of the source: its copy is kept until somebody says that it is meant so, or there is something again.
rm -r "$a/src"/tree* && settled
foxingd pause --socket "$WORK/control" "$b/dst" >/dev/null
rm -r "$a/src/moved" "$a/src/under" "$a/src/file"
foxingd resume --socket "$WORK/control" "$b/dst" >/dev/null
waits "the source was emptied"
check "it says why" grep -q "is empty now" <(foxingd status --socket "$WORK/control")
check "the copy is kept" [ -n "$(ls -A "$b/dst")" ]
echo 5 >"$a/src/file"
settled
same "$a/src" "$b/dst"
stop_mirror

# A target that must be mounted.
mkdir "$a/disk"
configure "$a/src" "$a/disk/dst"
echo "must_be_mounted = true" >>"$WORK/config.toml"
expect 2 foxingd daemon -c "$WORK/config.toml"
says "$a/disk/dst" "must_be_mounted"
check "nothing was made" [ -z "$(ls -A "$a/disk")" ]
mount -t tmpfs tmpfs "$a/disk"
rm -f "$WORK/control"
begin_mirror daemon -c "$WORK/config.toml" || finish
settled
same "$a/src" "$a/disk/dst"
stop_mirror
umount "$a/disk"

# One of two disks is read-only at the start: the other one is mirrored, and it begins when it can.
disk=$(new_fs tmpfs 64M)
check "read-only" mount -o remount,ro "$disk"
configure "$a/src" "$b/first" "$disk/second"
rm -f "$WORK/control"
begin_mirror daemon -c "$WORK/config.toml" || finish
check "the first goes on" foxingd flush --socket "$WORK/control" --timeout 60 "$b/first"
same "$a/src" "$b/first"
waits "the second has not begun"
if foxingd flush --socket "$WORK/control" --timeout 60 2>"$WORK/said"; then fail "a flush of both says that all is equal"; fi
check "it says why" grep -q "Read-only" "$WORK/said"
check "writable" mount -o remount,rw "$disk"
for _ in $(seq 80); do foxingd flush --socket "$WORK/control" --timeout 60 >/dev/null 2>&1 && break; sleep 0.1; done
settled
same "$a/src" "$disk/second"
stop_mirror
finish
