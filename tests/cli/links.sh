#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What becomes of entries instead of copies: --safe-links, --copy-unsafe-links, --munge-links beside rsync; --link and --attributes-only beside cp.
#   links.sh user|root     as whom the copying is done
. "$(dirname "$0")/../support/common.sh"
need_fxcp
who=${1:-user}
work_dir
as_whom "$who"
have_rsync=0
has_rsync 3.4 && have_rsync=1
[ $have_rsync = 1 ] || echo "no rsync 3.4 or later: its trees are not compared"

with mkdir -p s/a/b outside/dir; with sh -c 'echo o >outside/f; echo d >outside/dir/f; echo i >s/inner; echo n >inner'
link() { with ln -s "$1" "s/$2"; }
link inner safe; link ../inner out1; link "$WORK/outside/f" abs; link ../inner a/up; link ../../inner a/up2; link ../../inner a/b/up2
link b/../../inner a/mid; link ./../inner a/dot; link . here; link nowhere dangling; link ../outside outdir; link ../../../outside/f a/b/outf
link ..//inner a/slashes; link "$WORK/s/inner" absin; link a/./b/x dotty; link ../outside/dir a/up_dir; link /rsyncd-munged/x munged
link '..' a/parent; link 'inner/' slash; link ../../ a/b/top
settle() { with find s outside -depth -exec touch -h -d 2020-02-02 {} +; }   # rsync does not look at fractions of seconds
settle
# judged SRC OPTIONS: the same tree and exit code as rsync.
judged() {
  local src=$1 code=0 theirs=0
  shift
  rm -rf f r; with mkdir f r
  if [ -d before ]; then with cp -a before/. f; with cp -a before/. r; fi
  run -a "$@" "$src" f >"$WORK/out" 2>"$WORK/err" || code=$?
  [ $have_rsync = 1 ] || return
  with rsync -aHX "$@" "$src" r/ >rsync.log 2>&1 || theirs=1
  CHECKS=$((CHECKS + 1)); [ $code = $theirs ] || fail "exit code $code, rsync's class is $theirs: $* ($(head -c 300 "$WORK/err"))"
  same r f || echo "      after: -a $* $src"
}
judged s/ --safe-links
check "in all" test "$(find f -type l | wc -l)" = 11
says "--safe-links"
judged s/a/ --safe-links
judged s/ --safe-links --delete
with mkdir -p before/outdir; with sh -c 'echo x >before/out1; echo p >before/outdir/p'; with ln -s ../zz before/extra; with ln -s /etc before/abs
judged s/ --safe-links --delete
check "what is there under the name of a link that is left out stays" test -f f/out1 -a -f f/outdir/p -a -L f/abs
check "but nothing else" test ! -L f/extra
rm -rf before
judged s/a/ --copy-unsafe-links
with rm s/a/b/top s/a/parent
with rm s/munged
settle
judged s/ --copy-unsafe-links
check "a file" test -f f/abs -a ! -L f/abs
check "a tree" test -f f/outdir/dir/f -a ! -L f/outdir
check "a safe link stays" test -L f/a/up -a -L f/safe -a -L f/dangling
with ln -s ../gone s/lost
settle
judged s/ --copy-unsafe-links
check "one that leads nowhere is a failure, and is named" grep -qF lost "$WORK/err"
with rm s/lost
settle
expect 0 run -a --copy-unsafe-links s f
expect 0 run -a --copy-unsafe-links -i s f
CHECKS=$((CHECKS + 1)); [ ! -s "$WORK/out" ] || fail "a second run has something to do: $(head -n 3 "$WORK/out")"
# SRC itself, and loops.
expect 0 run -a --copy-unsafe-links s/abs s/safe into && check "SRC itself" test -f into/abs -a ! -L into/abs -a -L into/safe
with mkdir loop; with ln -s "$WORK/loop" loop/self; with ln -s "$WORK" loop/up; with sh -c 'echo x >loop/file'
FXCP_TIMEOUT=60 expect 1 run -a --copy-unsafe-links loop loops && says "leads to a directory that contains it"
check "the rest is there" test -f loops/file
rm -rf loops

# --munge-links: what rsync munges, and each takes back what the other did.
with ln -s /rsyncd-munged/x s/munged
settle
if [ $have_rsync = 1 ]; then
  rm -rf r f; with mkdir r f
  with rsync -aHX -M--munge-links --exclude=munged s/ r/
  expect 0 run -a --munge-links --exclude=munged s f && same r f
  with mkdir back; with rsync -aHX --munge-links f/ back/ && check "rsync takes it back" test "$(readlink back/out1)" = ../inner
  expect 0 run -a --munge-links=undo r back2 && same back back2
fi
expect 0 run -a --munge-links s m && check "munged" test "$(readlink m/safe)" = /rsyncd-munged/inner
check "what comes munged cannot work" test "$(readlink m/munged)" = /rsyncd-munged//rsyncd-munged/x
expect 0 run -a --munge-links -i s m
CHECKS=$((CHECKS + 1)); [ ! -s "$WORK/out" ] || fail "a second run does not settle: $(head -n 3 "$WORK/out")"
expect 0 run -a --munge-links=undo m unmunged && same s unmunged
expect 0 run -a --munge-links --safe-links s sm && check "judged by what the source says" test -L sm/safe -a ! -L sm/abs

# --link
with mkdir -p l/d; with sh -c 'echo 1 >l/f; echo 2 >l/d/g'; with ln l/f l/f2; with ln -s f l/s; with mkfifo l/p; with chmod 640 l/f; with chmod 750 l/d
with touch -d 2020-02-02 l/f l/d
with cp -al l by_cp
state() { find "$1" ! -type d -printf '%P|%y|%m|%U|%G|%s|%T@|%i|%l\n' | LC_ALL=C sort; }
before=$(state l)
expect 0 run -a --link l linked
CHECKS=$((CHECKS + 1)); [ "$(state linked)" = "$(state by_cp)" ] || fail "not what cp -al makes"
CHECKS=$((CHECKS + 1)); [ "$before" = "$(state l)" ] || fail "the source was touched"
check "directories have their attributes" test "$(stat -c '%a %Y' linked/d)" = "$(stat -c '%a %Y' l/d)"
before=$(fingerprint l)
expect 0 run -a --link --stats l linked && says "Equal already            5"
expect 0 run -a --link -c l linked
expect 0 run -a --link -I l linked
expect 0 run -a l linked   # an ordinary run over links: nothing is to be done
CHECKS=$((CHECKS + 1)); [ "$before" = "$(fingerprint l)" ] || fail "a second run touched the source"
# Another file under the name gives way; other names of it keep their content.
with rm linked/f linked/d/g; with sh -c 'echo other >linked/f; echo extra >linked/extra; mkdir linked/d/g'; with ln linked/f other_name
before=$(state l)
expect 0 run -a --link --delete l linked
CHECKS=$((CHECKS + 1)); [ "$(state linked)" = "$(state by_cp)" ] || fail "not what cp -al makes, after other files"
CHECKS=$((CHECKS + 1)); [ "$before" = "$(state l)" ] || fail "the source was touched"
check "the other name has its content" test "$(cat other_name)" = other
with rm linked/f; before=$(fingerprint linked); source=$(fingerprint l)
expect 0 run -a --link -n -i l linked && says "h" && says "f"
CHECKS=$((CHECKS + 1)); [ "$before" = "$(fingerprint linked)" ] && [ "$source" = "$(fingerprint l)" ] || fail "a dry run touched something"
with sh -c 'echo mine >linked/f'; with sh -c 'echo old >linked/f2.x'
expect 0 run -a --link --backup l linked && check "--backup keeps what gives way" test "$(cat linked/f~)" = mine
expect 0 run -aR --link l/d/g rl && check "with -R" test l/d/g -ef rl/l/d/g
expect 0 run --link l/f one && check "one file" test l/f -ef one
expect 0 run -a --link --max-size=0 l none && check "limits of size" test ! -e none/f
for other in --reflink=always --inplace --sparse=always --chmod=F600 --chown=0 --generate-sigs --attributes-only --munge-links; do
  expect 2 run -a --link $other l refused && says "contradict"
done
no_litter linked
if [ "$who" = root ]; then
  private=$WORK/tm; mkdir -p "$private"
  if mount -t tmpfs -o size=8M tmpfs "$private" 2>/dev/null; then
    expect 2 run -a --link l "$private/x" && says "another filesystem" && check "nothing was made" test ! -e "$private/x"
    mkdir l/mounted && mount -t tmpfs -o size=8M tmpfs l/mounted && echo x >l/mounted/f
    expect 1 run -a --link l across && says "mounted/f" && check "the rest is linked" test l/f -ef across/f
    umount l/mounted && rmdir l/mounted
  else
    echo "tmpfs cannot be mounted: another filesystem is not tried"
  fi
fi

# --attributes-only
with mkdir -p at/d bt; with sh -c 'echo data >at/there; echo data >at/missing; echo x >at/d/x; echo old old >bt/there'
with chmod 640 at/there; with chmod 600 at/missing; with chmod 700 at/d; with touch -d 2020-02-02 at/there at/missing at/d/x at/d; with ln -s there at/l
with cp -a bt ct
inode=$(stat -c %i bt/there)
expect 0 run -a --attributes-only at bt
expect 0 run -a --attributes-only -i at bt
CHECKS=$((CHECKS + 1)); [ ! -s "$WORK/out" ] || fail "a second run has something to do: $(head -n 3 "$WORK/out")"
with cp -a --attributes-only at/. ct
same ct bt
check "the data is the old one, in the same file" test "$(cat bt/there)$(stat -c %i bt/there)" = "old old$inode"
check "empty" test ! -s bt/missing
before=$(fingerprint ct); with chmod 604 at/there
expect 0 run -a --attributes-only -n -i at ct && says "there"
CHECKS=$((CHECKS + 1)); [ "$before" = "$(fingerprint ct)" ] || fail "a dry run touched the target"
expect 0 run -a at bt && same at bt
check "an ordinary run brings the data" cmp at/missing bt/missing
for other in -c --size-only -I --inplace --delta-min-size=1M --generate-sigs --reflink=always --verify; do
  expect 2 run -a --attributes-only $other at refused && says "contradict"
done
with mkdir k; with sh -c 'mkdir k/there; echo precious >k/d; echo precious >k/l'
expect 1 run -a --attributes-only at k && says "replaces nothing" && check "nothing gives way" test -d k/there -a "$(cat k/d)" = precious -a "$(cat k/l)" = precious
CHECKS=$((CHECKS + 1)); [ ! -e refused ] || fail "a refused run has made its target"
finish
