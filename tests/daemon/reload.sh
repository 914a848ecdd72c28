#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# foxingd explain, and SIGHUP: the configuration is read again while mirrors run.
. "$(dirname "$0")/../support/common.sh"
. "$(dirname "$0")/../support/foxingd.sh"
need_fxcp
need_foxingd
private_mounts "$@"
work_dir
fs=$(new_fs xfs) || exit $?
mkdir "$fs/one" "$fs/two" && echo 1 >"$fs/one/file" && echo 2 >"$fs/two/file" && echo 3 >"$fs/one/a.log"

# What explain says is a configuration, and the document knows its keys.
foxingd explain "$fs/one" "$fs/explained" >"$WORK/explained.toml"
expect 0 foxingd check -c "$WORK/explained.toml"
says "0 problems"
expect 2 foxingd explain relative /absolute
says "is a relative path"
expect 2 foxingd explain /one
says "a SRC and a DST"
for key in $(foxingd explain | sed -n 's/^\([a-z_]*\) = .*/\1/p' | sort -u); do
  check "docs/configuration.md has $key" grep -qE "^#? ?$key +=" "$FOXING_SOURCE/docs/configuration.md"
done

# configuration METRICS EXCLUDE [SOURCE TARGET]...
configuration() {
  printf 'control_socket = "%s"\nmetrics = "%s"\n' "$WORK/control" "$1"
  local exclude=$2
  shift 2
  while [ $# -gt 0 ]; do
    printf '[[sources]]\npath = "%s"\nexclude = [%s]\n[[sources.targets]]\npath = "%s"\n' "$1" "$exclude" "$2"
    shift 2
  done
}
reloads() { grep -cE 'read again:|is not used' "$WORK/foxingd.log"; }
# reload: SIGHUP, and waits until foxingd has said what it made of it.
reload() {
  local before
  before=$(reloads)
  kill -HUP "$MIRROR"
  for _ in $(seq 200); do
    [ "$(reloads)" -gt "$before" ] && return 0
    sleep 0.05
  done
  fail "no word about the configuration"
}
# Everybody who is wanted has begun.
all_settled() {
  for _ in $(seq 200); do
    foxingd flush --socket "$WORK/control" --timeout 60 >"$WORK/.flushed" 2>&1 && break
    grep -q "has not begun" "$WORK/.flushed" || break
    sleep 0.05
  done
  settled
}
logged() { check "the log says: $1" grep -qF -e "$1" "$WORK/foxingd.log"; }

configuration "" "" "$fs/one" "$fs/mirror-one" >"$WORK/config.toml"
begin_mirror daemon -c "$WORK/config.toml" || finish
settled
same "$fs/one" "$fs/mirror-one"

# One comes; the other notices nothing.
configuration "" "" "$fs/one" "$fs/mirror-one" "$fs/two" "$fs/mirror-two" >"$WORK/config.toml"
reload
logged "1 mirrors begin, 0 end, 1 go on"
all_settled
same "$fs/two" "$fs/mirror-two"
check "who goes on has not been scanned again" [ "$(counted scans 0)" = 1 ]

# Mistakes change nothing; all of them are told.
printf 'colour = 1\nworker_count = "two"\n' >"$WORK/config.toml"
reload
logged "unknown key 'colour'"
logged "worker_count must be"
logged "everything goes on as it was"
configuration "" "" "$fs/one" "$fs/one/inside" >"$WORK/config.toml"
reload
logged "lies inside its source"
configuration "" "" "$fs/one" "$fs/mirror-one" "$fs/missing" "$fs/mirror-missing" >"$WORK/config.toml"
reload
echo more >>"$fs/two/file"
all_settled
same "$fs/two" "$fs/mirror-two"

# Other rules for one: it begins anew with those.  A key that cannot change while it runs is named.
configuration "127.0.0.1:1" '"*.log"' "$fs/one" "$fs/mirror-one" >"$WORK/config.toml"
reload
logged "metrics stays as it is: only a restart changes it"
logged "1 mirrors begin, 2 end, 0 go on"
echo 4 >"$fs/one/b.log" && echo 4 >"$fs/one/b" && echo 4 >"$fs/two/late"
all_settled
check "the new rules hold" [ ! -e "$fs/mirror-one/b.log" ]
check "and the rest is mirrored" [ "$(cat "$fs/mirror-one/b")" = 4 ]
check "who is not wanted any more is not mirrored" [ ! -e "$fs/mirror-two/late" ]
expect 2 foxingd flush --socket "$WORK/control" "$fs/mirror-two"
says "no such target"

# A target gets another source.
configuration "" "" "$fs/two" "$fs/mirror-two" >"$WORK/config.toml"
reload
all_settled
same "$fs/two" "$fs/mirror-two"
stop_mirror

# Without a configuration SIGHUP ends it, as a terminal that is closed wants it.
mirror "$fs/one" "$fs/mirror-one" || finish
kill -HUP "$MIRROR"
code=0
wait "$MIRROR" || code=$?
check "SIGHUP ends sync --watch" [ $code = 0 ]
finish
