#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# An ordinary user: what only root may set is not asked for, what cannot be read is a failure with its name, all else is equal.
. "$(dirname "$0")/../support/common.sh"
need_fxcp
need_tool setpriv python3
work_dir
programs_for_all
mkdir world && chmod 1777 world && cd world || exit 1
as_user_here() { (cd "$WORK/world" && as_user "$@"); }

expect 0 as_user "$WORK/bin/tree_make" "$WORK/world/src" --user --scale 0.02 --portable all
src=$WORK/world/src
expect 0 as_user "$FXCP_FOR_ALL" -a "$src" "$WORK/world/t"
same "$src" "$WORK/world/t"
expect 0 as_user "$FXCP_FOR_ALL" -a "$src" "$WORK/world/t"
same "$src" "$WORK/world/t"

# Old content in the way, in directories that their owner may not write to.
chmod -R u+w "$WORK/world/t" && find "$WORK/world/t/dirs" -type f -exec sh -c 'echo old >"$1"' _ {} \;
find "$WORK/world/t/dirs" -depth -type d -exec chmod 555 {} +
expect 0 as_user "$FXCP_FOR_ALL" -a "$src" "$WORK/world/t"
same "$src" "$WORK/world/t"

# Other people's files: readable ones are copied and belong to the user (no failure); unreadable ones are failures.
if [ "$(id -u)" = 0 ]; then
  tree_make "$WORK/world/roots" --scale 0.01 --user types sizes || exit 1
  chown -R 1234:1234 "$WORK/world/roots"
  setfattr -n trusted.secret -v x "$WORK/world/roots/types/regular" 2>/dev/null
  expect 0 as_user "$FXCP_FOR_ALL" -a "$WORK/world/roots" "$WORK/world/mine"
  same "$WORK/world/roots" "$WORK/world/mine" --no-owner --no-trusted
  check "they belong to the user" test "$(find "$WORK/world/mine" ! -user 65534 | wc -l)" = 0
  # setuid of another's file must not become setuid of the user's.
  cp /bin/true "$WORK/world/roots/setuid" && chown 1234 "$WORK/world/roots/setuid" && chmod 4755 "$WORK/world/roots/setuid"
  as_user "$FXCP_FOR_ALL" -a "$WORK/world/roots" "$WORK/world/mine" >"$WORK/out" 2>"$WORK/err"
  check "setuid of another's file does not become the user's" test ! -u "$WORK/world/mine/setuid"
  rm -f "$WORK/world/roots/setuid" "$WORK/world/mine/setuid"
  # Devices cannot be made: a failure, said with the path.
  mknod "$WORK/world/roots/device" c 1 3
  expect 1 as_user "$FXCP_FOR_ALL" -a --json "$WORK/world/roots" "$WORK/world/mine"
  check "the device is named" python3 "$SUPPORT/json_lines.py" failure "$WORK/out" device
  expect 0 as_user "$FXCP_FOR_ALL" -a --no-devices "$WORK/world/roots" "$WORK/world/mine"
  rm "$WORK/world/roots/device"
  # What may not be read.
  mkdir "$WORK/world/roots/closed" && echo x >"$WORK/world/roots/closed/file" && chmod 700 "$WORK/world/roots/closed"
  echo secret >"$WORK/world/roots/secret" && chmod 600 "$WORK/world/roots/secret"
  expect 1 as_user "$FXCP_FOR_ALL" -a --json "$WORK/world/roots" "$WORK/world/mine"
  check "the directory is named" python3 "$SUPPORT/json_lines.py" failure "$WORK/out" closed
  check "the file is named" python3 "$SUPPORT/json_lines.py" failure "$WORK/out" secret
  no_litter "$WORK/world/mine"
  rm -rf "$WORK/world/roots/closed" "$WORK/world/roots/secret" "$WORK/world/mine/closed"
  touch -r "$WORK/world/roots" "$WORK/world/mine"
  same "$WORK/world/roots" "$WORK/world/mine" --no-owner --no-trusted
  # A target that the user may not write to.
  mkdir "$WORK/world/roots_only" && chmod 755 "$WORK/world/roots_only"
  before=$(fingerprint "$WORK/world/roots_only")
  as_user "$FXCP_FOR_ALL" -a "$src" "$WORK/world/roots_only" >"$WORK/out" 2>"$WORK/err"; code=$?
  check "a target of root's is a failure (exit $code)" test $code = 1 -o $code = 2
  check "nothing was touched" test "$before" = "$(fingerprint "$WORK/world/roots_only")"
  says roots_only
fi
cd "$WORK" || exit 1
finish
