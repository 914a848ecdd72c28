#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Help, version, dry run, and the parts that -a is made of: each --no-... leaves out its own part and nothing else.
. "$(dirname "$0")/../support/common.sh"
need_fxcp
work_dir

expect 0 fxcp --version && says fxcp
expect 0 fxcp --help && says --archive --dry-run --target-directory --no-target-directory --one-file-system --json --cleanup
check "nothing on stderr" test ! -s err
check "help fits a terminal" test "$(awk '{ if (length > longest) longest = length } END { print longest + 0 }' out)" -le 132
expect 2 fxcp --no-such-option a b && says no-such-option
expect 2 fxcp --arch a b && says arch          # no abbreviations: a later version may have another --arch
expect 2 fxcp --archive=yes a b && says archive

# A full disk behind stdout is a failure too.
if [ -w /dev/full ]; then
  "$FXCP" --help >/dev/full 2>err; code=$?
  check "--help >/dev/full is no success (exit $code)" test $code -ne 0
fi

# The world of the parts.
tree_make src --user --scale 0.01 types sizes modes links xattrs acls times 2>err || {
  grep -q 'not supported' err && skip "no xattrs or ACLs below $WORK"
  cat err; exit 1
}

# Dry run: writes nothing at all, neither in a new nor in an old target.
expect 0 fxcp -a -n src dry
check "dry run made nothing" test ! -e dry
mkdir dry && echo old >dry/types && touch -d 2001-01-01 dry/types dry
before=$(fingerprint dry; fingerprint src)
expect 0 fxcp -a --dry-run -v src dry && says types
after=$(fingerprint dry; fingerprint src)
check "dry run touched nothing" test "$before" = "$after"
rm -rf dry
expect 2 fxcp -a -n missing dry && says missing

# Quiet says nothing when all is well; verbose names the files.
expect 0 fxcp -a -q src quiet && check "quiet is quiet" test ! -s out -a ! -s err
expect 0 fxcp -a -v src verbose && says types/regular
expect 0 fxcp -a --stats src stats && check "--stats says something" test -s out -o -s err
expect 0 fxcp -a --explain src explained && says types/regular
same src explained
for jobs in 1 2 7; do expect 0 fxcp -a -j $jobs src "jobs$jobs" && same src "jobs$jobs"; done
expect 0 fxcp -a --no-atomic src direct && same src direct
expect 0 fxcp -a --no-atomic src direct && same src direct
expect 0 fxcp -a --fsync src synced && same src synced
tree_make sparse --user --scale 0.01 sparse || exit 1
expect 0 fxcp -a --sparse=always src holes && same src holes
expect 0 fxcp -a --sparse=always sparse sparse_always && same sparse sparse_always
expect 0 fxcp -a --reflink=never sparse sparse_auto && same sparse sparse_auto
expect 0 fxcp -a --sparse=never src dense && same src dense --no-holes
expect 0 fxcp -a --reflink=never src unshared && same src unshared
expect 0 fxcp -rpogtXAHlD src parts && same src parts

# Each part left out: all else is equal, and the part is not.
expect 0 fxcp -a --no-times src no_times && same src no_times --no-times
check_not "times were not kept" tree_compare src no_times --quiet
expect 0 fxcp -a --no-xattrs src no_xattrs && same src no_xattrs --no-xattrs
check_not "xattrs were not kept" tree_compare src no_xattrs --quiet
expect 0 fxcp -a --no-acls src no_acls && same src no_acls --no-acls
check_not "ACLs were not kept" tree_compare src no_acls --quiet
expect 0 fxcp -a --no-hard-links src no_hard && same src no_hard --no-links
check "no hard links" test "$(find no_hard ! -type d -links +1 | wc -l)" = 0
expect 0 fxcp -a --no-perms src no_perms
check "--no-perms keeps the contents" diff -r src/sizes no_perms/sizes
check_not "permissions were not kept" tree_compare src no_perms --quiet
expect 0 fxcp -a --no-times src no_times && same src no_times --no-times
expect 0 fxcp --no-times -a src order && check_not "--no-times wins from before -a" tree_compare src order --quiet
# fifos and sockets are left out, and only they.
fxcp -a --no-specials src no_specials >out 2>err; code=$?
check "no specials (exit $code)" test "$(find no_specials -type p -o -type s | wc -l)" = 0
check "all else is there" test "$(find src ! -type p ! -type s | wc -l)" = "$(find no_specials | wc -l)"
fxcp -a --no-links src no_links >out 2>err; code=$?
check "no symlinks (exit $code)" test "$(find no_links -type l | wc -l)" = 0
check "all else is there" test "$(find src ! -type l | wc -l)" = "$(find no_links | wc -l)"
if [ "$(id -u)" = 0 ]; then
  tree_make devices --scale 0.01 types owners || exit 1
  fxcp -a --no-devices devices no_devices >out 2>err; code=$?
  check "no devices (exit $code)" test "$(find no_devices -type b -o -type c | wc -l)" = 0
  check "all else is there" test "$(find devices ! -type b ! -type c | wc -l)" = "$(find no_devices | wc -l)"
  # Somebody else's setuid program must not become ours: the bits go with the owner.
  expect 0 fxcp -a --no-owner --no-group devices no_setuid
  check "no setuid without its owner" test -z "$(find no_setuid/owners -type f -name '1.*' -perm /4000)"
  find devices/owners -type f -exec chmod 755 {} +
  expect 0 fxcp -a --no-owner --no-group devices no_owner && same devices no_owner --no-owner
  check "nobody else owns anything" test "$(find no_owner ! -user 0 -o ! -group 0 | wc -l)" = 0
fi

# The source is as it was, atimes included.
touch -a -d 2001-01-01 src/types/regular src/types src/links
expect 0 fxcp -a src atimes
check "atimes of the source" test "$(stat -c %X src/types/regular src/types src/links | sort -u)" = "$(date -d 2001-01-01 +%s)"
check "atimes are copied" test "$(stat -c %X atimes/types/regular)" = "$(date -d 2001-01-01 +%s)"
finish
