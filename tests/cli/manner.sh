#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The manner of a copy: modes and owners that are changed on the way, pace and priorities, changing in place, --verify, --mkpath.
. "$(dirname "$0")/../support/common.sh"
need_fxcp
need_tool rsync
work_dir
mkdir -p src/sub && echo one >src/one && echo two >src/sub/two && chmod 640 src/one && chmod 755 src/sub/two && chmod 750 src/sub
find src -exec touch -h -d 2001-01-01 {} +
shown() { (cd "$1" && find . -printf '%P %y %m %U %G\n' | sort); }
# as_rsync OPTION...: the same modes and owners, and a re-run has nothing to do.
as_rsync() {
  rm -rf ours theirs
  expect 0 fxcp -a "$@" src ours && rsync -a "$@" src/ theirs/
  check "as rsync: $*" diff <(shown ours) <(shown theirs)
  check_not "the option matters: $*" diff <(shown src) <(shown ours)
  expect 0 fxcp -a -ii "$@" src ours
  check_not "a re-run changes nothing: $*" grep -E '^.[fd](\+|[^ ]*[cstpog])' out
}
for changes in go-rwx D700,F600 a+X u=rwx,go=rx Dg+s,Fo+w; do as_rsync --chmod=$changes; done
as_rsync --chmod=D711 --chmod=F604
if [ "$(id -u)" = 0 ]; then
  chown 1234:2345 src/one && chown 0:1500 src/sub
  as_rsync --chown=1:2
  as_rsync --chown=:2
  as_rsync --usermap=1234:7,root:8
  as_rsync --usermap='r*:9' --groupmap='1000-1999:77,*:78'
  as_rsync --groupmap=2345:5
  expect 0 fxcp -a --numeric-ids src numeric && check "--numeric-ids" diff <(shown src) <(shown numeric)
else
  echo "not root: --chown, --usermap and --groupmap are left out" >&2
fi

# Values that cannot be, and contradictions: exit 2, nothing made.
for option in --nice=20 --nice=x --nice=-21 --ionice=foo --ionice=best-effort:8 --bwlimit=x --stop-after=0 --stop-after=x --stop-at=x \
  --stop-at=2001-01-01T00:00 "--stop-at=$(date +%Y-%m-%dT%H:%M)" --chmod=q --chown= --delta-min-size=x; do
  expect 2 fxcp -a "$option" src none && says "${option%%=*}"
done
for option in --chown=nosuchuser --usermap=x --usermap=root:nosuchuser --groupmap=1-:; do expect 2 fxcp -a "$option" src none; done
for pair in "-W --inplace" "-W --delta-min-size=1M" "--chown=1 --usermap=1:2"; do
  # shellcheck disable=SC2086  # two options
  expect 2 fxcp -a $pair src none && says contradict
done
check "nothing was made" test ! -e none

head -c 40000 /dev/zero >small
expect 0 fxcp --bwlimit=200K --stats small slowly && check "it waited" grep -qE 'Waited for limits +0*[0-9.]*[1-9]' out && cmp small slowly
expect 0 fxcp -a --nice=5 --ionice=idle --stop-after=5 src polite && same src polite
if [ -r /proc/pressure/io ]; then expect 0 fxcp -a --throttle src throttled && same src throttled
else expect 2 fxcp -a --throttle src throttled && says PSI; fi
expect 0 fxcp -a --verify src verified && same src verified
# Damage that hides behind its size and times: an ordinary run believes it, --verify does not, and says so.
touch -r verified/sub/two keep && printf X | dd of=verified/sub/two conv=notrunc status=none && touch -r keep verified/sub/two
expect 0 fxcp -a src verified && check "believed" test "$(head -c 1 verified/sub/two)" = X
expect 1 fxcp -a --verify src verified && says sub/two
expect 0 fxcp -a -c src verified && expect 0 fxcp -a --verify src verified

# Missing directories above DST: for a tree, a file, and several into one.
expect 2 fxcp -a src deep/er/tree && check "not without it" test ! -e deep
expect 0 fxcp -a -n --mkpath src deep/er/tree && check "dry" test ! -e deep
expect 0 fxcp -a --mkpath src deep/er/tree && same src deep/er/tree
expect 0 fxcp --mkpath small deep/for/file && cmp small deep/for/file
expect 0 fxcp -a --mkpath --target-directory=deep/for/both src small && same src deep/for/both/src

# In place and whole.
head -c 3000000 /dev/urandom >large && cp large target && cp large whole
printf changed | dd of=large bs=1 seek=1000000 conv=notrunc status=none
inode=$(stat -c %i target)
expect 0 fxcp -a --inplace --explain large target && says delta && cmp large target
check "the inode is kept" test "$(stat -c %i target)" = "$inode"
inode=$(stat -c %i whole)
expect 0 fxcp -a -W --explain large whole && cmp large whole
check_not "-W knows no delta" grep -q delta out
check_not "-W replaces" test "$(stat -c %i whole)" = "$inode"
finish
