#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# foxingd where fanotify cannot be had: it looks at every directory from time to time.
. "$(dirname "$0")/../support/common.sh"
. "$(dirname "$0")/../support/foxingd.sh"
need_fxcp
need_foxingd
private_mounts "$@"
work_dir
a=$(new_fs xfs) || exit $?
b=$(new_fs tmpfs) || exit $?
over=$(new_fs overlay) || exit $?
seed=${FOXING_SEED:-$RANDOM}
echo "FOXING_SEED=$seed"

# configuration CAPTURE SECONDS SOURCE TARGET
configuration() {
  printf 'control_socket = "%s"\nmetrics = ""\ncapture = "%s"\npoll_seconds = %s\nsweep_minutes = 0\n' "$WORK/control" "$1" "$2"
  printf '[[sources]]\npath = "%s"\n[[sources.targets]]\npath = "%s"\n' "$3" "$4"
} >"$WORK/config.toml"
logged() { check "the log says: $1" grep -qF -e "$1" "$WORK/foxingd.log"; }

# It looks when somebody waits for it, and finds everything.
mkdir "$a/src"
tree_make "$a/src" --seed "$seed" --scale 0.01 --portable types names modes owners sizes sparse links xattrs acls times dirs || exit 1
configuration poll 86400 "$a/src" "$b/dst"
begin_mirror daemon -c "$WORK/config.toml" || finish
settled
logged "heard of by poll"
same "$a/src" "$b/dst"
for round in 1 2 3; do
  check "mutate" python3 "$SUPPORT/mutate.py" source "$a/src" "$seed $round" 100
  settled
  same "$a/src" "$b/dst"
done
check "storm" python3 "$SUPPORT/storm.py" "$a/src" "$seed" 2 300
settled
same "$a/src" "$b/dst"
mkdir -p "$a/src/old/deep" && echo 1 >"$a/src/old/deep/file"
settled
inode=$(stat -c %i "$b/dst/old/deep")
mv "$a/src/old" "$a/src/new" && echo 2 >"$a/src/new/deep/other"
settled
check "a directory's rename is a rename" [ "$(stat -c %i "$b/dst/new/deep")" = "$inode" ]
same "$a/src" "$b/dst"
check "one scan was enough" [ "$(counted scans)" = 1 ]
check "nothing was given up" [ "$(counted given_up)" = 0 ]
stop_mirror

# By itself, on a filesystem that fanotify cannot watch.
mkdir "$over/src" && echo 1 >"$over/src/file"
configuration auto 1 "$over/src" "$b/over"
rm -f "$WORK/control"
expect 0 foxingd check -c "$WORK/config.toml"
says "heard of by poll"
begin_mirror daemon -c "$WORK/config.toml" || finish
settled
mkdir "$over/src/sub" && echo 2 >"$over/src/sub/new" && echo 22 >"$over/src/file"
for _ in $(seq 100); do [ -s "$b/over/sub/new" ] && [ "$(cat "$b/over/file")" = 22 ] && break; sleep 0.1; done
check "it comes by itself" [ "$(cat "$b/over/sub/new" "$b/over/file")" = "2
22" ]
settled
same "$over/src" "$b/over"
stop_mirror
sed -i 's/capture = .*/capture = "fanotify"/' "$WORK/config.toml"
expect 2 foxingd check -c "$WORK/config.toml"
says "cannot be watched as a whole"
sed -i 's/capture = .*/capture = "inotify"/' "$WORK/config.toml"
expect 2 foxingd check -c "$WORK/config.toml"
says "config.toml:3: capture must be one of auto, bpf-ctime, fanotify, poll"

# Without privileges.
mkdir "$a/users" "$b/users" && echo 1 >"$a/users/file" && chown -R 65534:65534 "$a/users" "$b/users"
configuration poll 86400 "$a/users" "$b/users/dst"
chmod 644 "$WORK/config.toml" && mkdir -m 777 "$WORK/socket"
sed -i "s|^control_socket = .*|control_socket = \"$WORK/socket/control\"|" "$WORK/config.toml"
programs_for_all
cp "$FOXINGD" "$WORK/bin/foxingd" && chmod 755 "$WORK/bin/foxingd"
(cd "$WORK" && HOME="$WORK" exec setpriv --reuid=65534 --regid=65534 --clear-groups -- "$WORK/bin/foxingd" daemon -c "$WORK/config.toml" 2>>"$WORK/foxingd.log") &
MIRROR=$!
for _ in $(seq 200); do [ -S "$WORK/socket/control" ] && break; sleep 0.05; done
as_user sh -c 'echo 2 >"$1/second" && mkdir "$1/deep" && echo 3 >"$1/deep/third"' sh "$a/users"
check "flush" foxingd flush --socket "$WORK/socket/control" --timeout 60
same "$a/users" "$b/users/dst"
stop_mirror
finish
