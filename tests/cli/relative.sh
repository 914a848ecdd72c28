#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# -R, --no-implied-dirs and -m: which directories the target gets, beside rsync where it is there.
#   relative.sh user|root     as whom the copying is done
. "$(dirname "$0")/../support/common.sh"
need_fxcp
who=${1:-user}
work_dir
as_whom "$who"
have_rsync=0
has_rsync 3.2 && have_rsync=1
[ $have_rsync = 1 ] || echo "no rsync 3.2 or later: its trees are not compared"

# as_rsync OPTIONS -- SRC...: the same tree with -a OPTIONS as rsync makes, of these SRC, from the same target before (./before, if it is there).
as_rsync() {
  local options=()
  while [ "$1" != -- ]; do options+=("$1"); shift; done
  shift
  rm -rf f r
  if [ -d before ]; then with cp -a before f; with cp -a before r; else with mkdir f r; fi
  expect 0 run -a "${options[@]}" "$@" f || return
  [ $have_rsync = 1 ] || return
  CHECKS=$((CHECKS + 1))
  with rsync -aHX "${options[@]}" "$@" r/ >rsync.log 2>&1 || { fail "rsync -a ${options[*]} $*"; cat rsync.log; return; }
  local name
  for name in . ${touched:-}; do [ ! -e "f/$name" ] || with touch -d 2001-01-01 "f/$name" "r/$name"; done   # DST is nobody's copy
  same r f || echo "      after: -a ${options[*]} $*"
}

with mkdir -p s/a/b/c/deep s/a/b/other s/a/x s/d s/e/e2/e3 s/ex s/fifo s/big
for f in s/a/b/c/f s/a/b/c/deep/g s/a/b/beside s/a/b/other/o s/a/x/y s/d/e s/ex/x.o s/big/big; do with sh -c "echo $f >$f"; done
with mkfifo s/fifo/p
with ln s/d/e s/a/x/hard
with ln -s b s/a/lb; with ln -s a s/la
with chmod 711 s/a; with chmod 750 s/a/b; with chmod 700 s/a/b/c
with find s -depth ! -type p -exec touch -h -d 2020-02-02 {} +

as_rsync -R -- s/a/b/c
as_rsync -R -- s/a/b/c/
as_rsync -R -- s/./a/b/c
as_rsync -R -- s//a/./b/c
as_rsync -R -- s/a/b/c/f
as_rsync -R -- s/a/./
as_rsync -R -- s/a/b/c s/d s/a/x
as_rsync -R -- s/a/b/c/f s/d/e s/a/b/c/deep
as_rsync -R -- s/a s/a/b/c
as_rsync -R -- s/./a/b/c s/./d
as_rsync -R -- s/la/b/c
as_rsync -R -- s/a/lb/c/f
as_rsync -R -- s/la s/d
as_rsync -R --exclude=b -- s/a/b/c
as_rsync -mR --exclude=c -- s/a/b/c s/d
as_rsync -R --exclude=/s/a/b/c/f -- s/a/b/c
touched="s s/a s/a/b s/a/b/c" as_rsync -R --no-implied-dirs -- s/a/b/c/f
as_rsync -R --copy-links -- s/la s/a/lb
as_rsync -R -- "$WORK/s/./a/b"
as_rsync -R --existing -- s/a/b/c
check "nothing new" test ! -e f/s
expect 0 run -a -R s/a/b/c new/ && check "a DST that is missing is made" test -f new/s/a/b/c/f -a ! -e new/s/a/b/beside
expect 0 run -R s/a/b/c/f plain && check "without -r too" test -f plain/s/a/b/c/f
expect 0 run --parents s/a/b/c/f parents && check "cp's name for it" test -f parents/s/a/b/c/f
expect 0 run -aR "--target-directory=tdir" s/d && check "--target-directory" test -f tdir/s/d/e
expect 0 run -aR "$WORK/s/d" absolute && check "an absolute SRC keeps all of it" test -f "absolute$WORK/s/d/e"
expect 0 run -aR --max-depth=2 s/a/b depth && check "the depth counts from SRC" test -f depth/s/a/b/beside -a ! -e depth/s/a/b/c/f
expect 0 run -aR --verify s/a/b/c verified

# A second run has nothing to do.
expect 0 run -aR s/a/b/c s/d twice
expect 0 run -aR -i s/a/b/c s/d twice
CHECKS=$((CHECKS + 1)); [ ! -s "$WORK/out" ] || { fail "a second run changes something"; cat "$WORK/out"; }

# What the target has already; --delete only inside of what was given.
rm -rf before; with mkdir -p before/s/a/b/c before/s/x before/top
for f in before/s/a/extra before/s/a/b/extra before/s/a/b/c/extra before/s/x/x before/top/t; do with sh -c "echo $f >$f"; done
as_rsync -R --delete -- s/a/b/c
check "on the way nothing is deleted" test -e f/s/a/b/extra -a -e f/s/a/extra -a -e f/s/x/x -a -e f/top/t
check "in what was given it is" test ! -e f/s/a/b/c/extra
as_rsync -R --delete-before -- s/a/b/c s/d
as_rsync -R --delete-after -- s/a/b/c s/d
as_rsync -R --delete -- s/./a/b s/./d
as_rsync -R --delete -- s/a/b/c/f
rm -rf f; with cp -a before f; before=$(fingerprint f)
expect 0 run -aR -n --delete s/a/b/c f
CHECKS=$((CHECKS + 1)); [ "$before" = "$(fingerprint f)" ] || fail "a dry run touched the target"
# A link, and a file, where a directory on the way is to be.
rm -rf before; with mkdir -p before/s elsewhere; with ln -s ../../elsewhere before/s/a
as_rsync -R -- s/a/b/c
check "what the link pointed to is left alone" test -z "$(ls elsewhere)"
rm -rf f; with mkdir f f/s; with ln -s ../../elsewhere f/s/a; with chmod 700 elsewhere
expect 0 run -aR --no-implied-dirs s/a/b/c f && check "--no-implied-dirs: the link serves as the directory" test -L f/s/a -a -f elsewhere/b/c/f
check "and keeps its mode" test "$(stat -c %a elsewhere)" = 700
rm -rf before; with mkdir -p before/s; with sh -c 'echo file >before/s/a'
as_rsync -R -- s/a/b/c
rm -rf before; with mkdir -p before/s/a; with chmod 500 before/s/a; with chmod 555 before/s
expect 0 run -aR --no-implied-dirs s/a/b/c before && check "a closed directory on the way is closed again" test "$(stat -c %a before/s/a)$(stat -c %a before/s)" = 500555
with chmod 755 before/s before/s/a; rm -rf before

# A directory on the way that may be searched and not read.
with mkdir -p locked/in; with sh -c 'echo x >locked/in/f'; with chmod 311 locked
expect 0 run -aR locked/in/f through && check "it is gone through" test -f through/locked/in/f
check "with its mode" test "$(stat -c %a through/locked)" = 311
with chmod 755 locked through/locked

# Refused before anything is touched.
expect 2 run -aR s/a/../d/e refused && says "--relative" "/./"
expect 0 run -aR s/a/.././d/e cut && check ".. before the cut is fine" test -f cut/d/e
with mkdir -p o/a; expect 2 run -aR s/./a o/./a refused && says "would both become 'a'"
expect 2 run -aR s s/la/b refused && says "symbolic link"
expect 2 run -aR s/nothing refused && says "does not exist"
expect 2 run -R s/a/b refused && says "is a directory"
expect 2 run -aR s/a . && says "same"
expect 2 run -aR s/a s/a/b/inside && says "lies inside"
CHECKS=$((CHECKS + 1)); [ ! -e refused ] || fail "a refused run has made its target"
with sh -c 'echo a/b/c/f >list'
expect 2 run --files-from=list --no-relative s t && says "--no-relative"
expect 2 run --files-from=list --no-implied-dirs s t && says "--no-implied-dirs"
expect 0 run -R --files-from=list s listed && check "--files-from keeps paths anyhow" test -f listed/a/b/c/f
expect 0 run -a --no-relative s/d t && check "--no-relative" test -f t/e
# Names with newlines.
with mkdir -p $'n\nl/in'; with sh -c 'echo x >"$1/in/f"' sh $'n\nl'
with touch -d 2020-02-02 $'n\nl/in' $'n\nl'
as_rsync -R -- $'n\nl/in'

# -m
as_rsync -m -- s/
as_rsync -m --exclude='*.o' -- s/
as_rsync -m --max-size=5 -- s/
as_rsync -mR -- s/e s/d
as_rsync -m --existing -- s/
with mkdir pruned; expect 0 run -am --target-directory=pruned s/e && check "an empty SRC too" test ! -e pruned/e
expect 0 run -am s/e pruned2 && check "DST itself is made" test -d pruned2
expect 0 run -am --max-depth=1 s shallow && check "nothing is copied into what is too deep" test ! -e shallow/d
with sh -c 'echo e/e2 >list; echo d/e >>list'; expect 0 run -am --files-from=list s listed2 && check "listed and empty" test -f listed2/d/e -a ! -e listed2/e
expect 0 run -am -n -v s dry && check "a dry run names none" test -z "$(grep -F 's/e/' "$WORK/out")" -a ! -e dry
with mkdir -p before/e/e2/e3 before/ex/sub before/d before/other; with sh -c 'echo 1 >before/e/e2/old; echo 2 >before/ex/y.o'
touched=ex
as_rsync -m --delete --exclude='*.o' -- s/
check "what is guarded stays" test -f f/ex/y.o -a ! -e f/e -a ! -e f/other
as_rsync -m --delete-before --exclude='*.o' -- s/
as_rsync -m --delete-after --exclude='*.o' -- s/
as_rsync -m --delete --delete-excluded --exclude='*.o' -- s/
touched='e e/e2' as_rsync -m --delete --filter='P old' -- s/
as_rsync -m -- s/
rm -rf f; with cp -a before f; before=$(fingerprint f)
expect 0 run -am -n -i --delete s f && says "*deleting"
CHECKS=$((CHECKS + 1)); [ "$before" = "$(fingerprint f)" ] || fail "a dry run touched the target"
expect 2 run -am --delete --max-depth=1 s f && says "--max-depth"
rm -rf before
as_rsync -m --filter='P e2/' -- s/
check "a protected one stays" test -d f/e/e2 -a ! -e f/e/e2/e3
# What cannot be read is not empty.
if [ "$who" = user ]; then
  with mkdir -p u/closed; with chmod 000 u/closed
  expect 1 run -am u unread && says u/closed
fi
finish
