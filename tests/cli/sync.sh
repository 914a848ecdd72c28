#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Bringing a copy up to date: what counts as changed, what is deleted, what is kept of it, what -i says, and what is refused.
# Every check fails when its option is ignored.   sync.sh user|root: root adds what needs mounts and devices.
. "$(dirname "$0")/../support/common.sh"
need_fxcp
need_tool python3
part=${1:-user}
if [ "$part" = root ]; then private_mounts "$@"; fi
work_dir

# `put FILE TEXT [DATE]`: a file with this text and modification time.
put() {
  mkdir -p "$(dirname "$1")" && printf '%s\n' "$2" >"$1" && touch -a -d 2020-01-01 "$1" && touch -m -d "${3:-2020-02-02 02:02:02.123456789}" "$1"
}
# Reading would move access times, which the next run would then put back.
text_of() { dd if="$1" iflag=noatime,nofollow status=none 2>/dev/null; }
holds() { check "$1 should say '$2' and says '$(text_of "$1")'" test "$(text_of "$1")" = "$2"; }
stamps() { python3 "$SUPPORT/stamps.py" "$@"; }
gone() { local name; for name; do check "$name should not be there" test ! -e "$name" -a ! -L "$name"; done; }
there() { local name; for name; do check "$name should be there" test -e "$name"; done; }
# edit_secretly FILE TEXT: size and mtime are as before.
edit_secretly() {
  local time
  time=$(stat -c %y "$1") && printf '%s' "$2" | dd of="$1" bs=64 conv=notrunc status=none && touch -m -d "$time" "$1"
}
# later FILE: until the clock of the filesystem is well past FILE's ctime (kSurelyEarlierNs in core/copy/quick_check.h).  No sleep: the clock is asked.
later() {
  local was now
  was=$(date -d "$(stat -c %z "$1")" +%s%N)
  until touch "$WORK/.clock" && now=$(date -d "$(stat -c %z "$WORK/.clock")" +%s%N) && [ "$now" -gt $((was + 50000000)) ]; do :; done
}
# begin: a source and its exact copy.
begin() {
  rm -rf s d keep "$WORK/elsewhere"
  put s/a 'text a' && put s/b 'text b' && put s/dir/c 'text c' && put s/dir/deep/e 'text e' && mkdir s/empty && ln -s a s/link
  later s/link
  expect 0 fxcp -a s d
}
# refused WORDS -- OPTIONS...: exit 2, it says WORDS, and the target is not touched.
refused() {
  local words=()
  while [ "$1" != -- ]; do words+=("$1") && shift; done
  shift
  stamps save d refused.stamps
  expect 2 fxcp "$@"
  says "${words[@]}"
  check "fxcp $* was refused and touched nothing" stamps check s d refused.stamps
}

what_is_changed() {
  begin
  local inode
  inode=$(stat -c %i d/a)
  stamps save d equal.stamps
  expect 0 fxcp -a -i s d
  check "nothing is said of what is equal" test ! -s out
  check "nothing is written where all is equal" stamps check s d equal.stamps
  expect 0 fxcp -a -ii s d && says '.f          a' '.d          dir/deep/' '.L          link'
  expect 0 fxcp -a -I s d
  check "-I copies what is equal" test "$(stat -c %i d/a)" != "$inode"

  # A source that puts size and mtime back.
  begin
  edit_secretly s/a 'TEXT A'
  expect 0 fxcp -a --trust-times s d && holds d/a 'text a'
  later s/a  # a copy made within 20 ms of the change would be looked at once more
  expect 0 fxcp -a -i s d && holds d/a 'TEXT A' && says '>fc........ a'
  # A target that does: only -c can tell.
  edit_secretly d/a 'target'
  later d/a
  expect 0 fxcp -a s d && holds d/a target
  expect 0 fxcp -a -c -i s d && holds d/a 'TEXT A' && says '>fc........ a'
  expect 0 fxcp -a --checksum -i s d && check "-c: nothing left to do" test ! -s out

  # What a list did not name was not compared: a note on its directory must not say that it was.
  begin
  if setfattr -n user.x -v 1 d/b 2>/dev/null; then
    later d/b
    expect 0 fxcp -a --files-from=- s d <<<a && expect 0 fxcp -a --files-from=- s d <<<a
    expect 0 fxcp -a --files-from=- s d <<<b && check "an attribute too many goes" test -z "$(getfattr -d d/b 2>/dev/null | grep user.x)"
  fi

  # A link that leads elsewhere now: to a file of the same size and times, older than the copy.
  begin
  put one 'text 1' && put two 'text 2' && ln -s ../one s/followed
  later s/followed
  expect 0 fxcp -aL s d && holds d/followed 'text 1'
  ln -sfn ../two s/followed
  expect 0 fxcp -aL s d && holds d/followed 'text 2'

  # Another tree, older than the copies, with files of the same sizes and times.
  rm -rf s2 && cp -a s s2 && put s2/dir/c 'TEXT C' && later s2/dir/c && rm -rf d
  expect 0 fxcp -a s d && expect 0 fxcp -a s2 d && holds d/dir/c 'TEXT C'

  # Only the time differs: the data stays, whoever is asked.
  begin
  inode=$(stat -c %i d/a) && touch -m -d 2021-01-01 s/a
  expect 0 fxcp -a -i s d && says '.f..t...... a'
  check "equal data is not copied again" test "$(stat -c %i d/a)" = "$inode"
  begin
  put s/a 'TEXT A' 2021-01-01
  expect 0 fxcp -a --size-only s d && holds d/a 'text a'
  check "--size-only keeps times" test "$(stat -c %Y d/a)" = "$(stat -c %Y s/a)"
  put s/a 'longer than that' && expect 0 fxcp -a --size-only s d && holds d/a 'longer than that'
  begin
  put s/a 'TEXT A' 2021-01-01
  expect 0 fxcp -a -i s d && holds d/a 'TEXT A' && says '>fc.t...... a'

  # Times that a filesystem has rounded.
  begin
  touch -m -d '2020-02-02 02:02:03.9' s/b
  expect 0 fxcp -a --modify-window=2 -i s d && check "a window of 2 s" test ! -s out
  expect 0 fxcp -a --modify-window=0 -i s d && says 't...... b'
  touch -m -d '2020-02-02 02:02:03.1' s/b
  expect 0 fxcp -a --modify-window=0 -i s d && check "whole seconds" test ! -s out
  expect 0 fxcp -a --modify-window=-1 -i s d && says 't...... b'
}

which_files() {
  begin
  put s/a 'older' 2019-01-01 && put d/a 'newer in the target' 2022-01-01
  put s/b 'newer in the source' 2022-01-01
  expect 0 fxcp -a -u s d && holds d/a 'newer in the target' && holds d/b 'newer in the source'
  expect 0 fxcp -a s d && holds d/a older

  begin
  put s/a changed && put s/new 1 && put s/newdir/x 1 && ln -s a s/newlink && put d/extra 1
  expect 0 fxcp -a --existing s d && holds d/a changed && gone d/new d/newdir d/newlink && there d/extra
  expect 0 fxcp -a --ignore-non-existing --delete s d && gone d/new d/newdir d/extra
  expect 0 fxcp -a s d && holds d/new 1 && holds d/newdir/x 1

  # --existing into nothing makes nothing, as its dry run says; where a directory takes the place of a file it stays empty.
  local dry
  for dry in -n ''; do
    expect 0 fxcp -a $dry --existing --json s nod && gone nod && says '"files":0,' '"directories":0,'
    expect 0 fxcp -a $dry --existing --remove-source-files s/a s/link nod/ && gone nod && there s/a s/link
    expect 0 fxcp -a $dry --existing s/a nod && gone nod
    put s/isfile/f 1 && put s/isfile/sub/g 2 && put d/isfile 'a file'
    expect 0 fxcp -a $dry --existing --remove-source-files --json s/ d && says '"files":0,' '"directories":6,'
    there s/isfile/f s/isfile/sub/g && gone d/isfile/f d/isfile/sub
    [ -n "$dry" ] && holds d/isfile 'a file'
  done
  check "a directory, and nothing in it" test "$(find d/isfile -printf '%y ')" = 'd '

  begin
  put s/a changed && put s/dir/c changed && put s/dir/new 1 && ln -sfn elsewhere s/link
  expect 0 fxcp -a --ignore-existing s d && holds d/a 'text a' && holds d/dir/c 'text c' && holds d/dir/new 1
  check "a symlink that is there stays" test "$(readlink d/link)" = a
  put s/a changed && expect 0 fxcp -a --no-clobber s d && holds d/a 'text a'
  expect 0 fxcp -a s d && holds d/a changed && check "then it is followed" test "$(readlink d/link)" = elsewhere

  begin
  head -c 1024 /dev/zero >s/k1 && head -c 1025 /dev/zero >s/k1more && head -c 1000 /dev/zero >s/kb1 && put d/k1more kept && : >s/nothing
  expect 0 fxcp -a --max-size=1K --delete s d && there d/k1 d/kb1 d/nothing && holds d/k1more kept
  rm -rf d
  expect 0 fxcp -a --max-size=1KB s d && there d/kb1 && gone d/k1 d/k1more
  rm -rf d
  expect 0 fxcp -a --min-size=1K s d && there d/k1 d/k1more && gone d/kb1 d/nothing d/a
  rm -rf d
  expect 0 fxcp -a --min-size=1001 --max-size=1K s d && there d/k1 && gone d/kb1 d/k1more
  check "directories and links have no size" test -d d/dir/deep -a -L d/link
}

extras() {
  put d/extra 1 && put d/dir/extra 1 && put d/tree/x/y 1 && put d/tree/z 1 && ln -s / d/tree/root && mkdir -p d/dir/empty
  ln -s /etc d/etc_link && mkfifo d/fifo
}
deleting() {
  local how first_copy last_deletion
  begin && extras
  expect 0 fxcp -a s d && there d/extra d/dir/extra d/tree/z
  for how in --delete --delete-during --delete-before --delete-after --delete-delay; do
    begin && extras
    put s/a changed && put s/dir/deep/e changed && touch -d 2001-01-01 s/dir s
    expect 0 fxcp -a -n "$how" -i s d
    check "$how -n names them" test "$(grep -c '^\*deleting   ' out)" = 10
    there d/extra d/tree/x/y && holds d/a 'text a'
    expect 0 fxcp -a "$how" -i s d
    check "$how names them" test "$(grep -c '^\*deleting   ' out)" = 10
    says '*deleting   extra' '*deleting   dir/extra' '*deleting   tree/x/y' '*deleting   tree/x/' '*deleting   tree/root' '*deleting   dir/empty/'
    first_copy=$(grep -n '^>f' out | head -n 1 | cut -d: -f1) last_deletion=$(grep -n '^\*' out | tail -n 1 | cut -d: -f1)
    case $how in
      --delete-before) check "deleted before anything is copied" test "$last_deletion" -lt "$first_copy" ;;
      --delete-after | --delete-delay)
        check "deleted after everything is copied" test "$(grep -n '^\*' out | head -n 1 | cut -d: -f1)" -gt "$(grep -n '^>f' out | tail -n 1 | cut -d: -f1)" ;;
    esac
    setfattr -x user.foxing.origin d 2>/dev/null
    same s d
    expect 0 fxcp -a "$how" -i s d && check "$how: the second run has nothing to do: $(head -n 3 out)" test ! -s out

    # What is in the way goes as well.
    begin
    rm s/b && mkdir s/b && put s/b/in 1 && rm -r s/dir && put s/dir 'now a file' && rm -r s/empty && ln -s a s/empty && rm s/link && mkfifo s/link
    expect 0 fxcp -a "$how" s d
    setfattr -x user.foxing.origin d 2>/dev/null
    same s d
  done
  there /etc/passwd

  # Only in what is mirrored, not beside it.
  begin && mkdir into && put into/other 1 && expect 0 fxcp -a --delete s --target-directory=into && there into/other into/s/a
  put into/s/extra 1 && expect 0 fxcp -a --delete s --target-directory=into && gone into/s/extra && there into/other
  rm -rf into
}

limits() {
  begin && extras
  expect 1 fxcp -a --delete --max-delete=3 -i s d && says --max-delete=3
  check "3 of 10 are deleted: $(grep -c '^\*deleting' out)" test "$(grep -c '^\*deleting' out)" = 3
  check "and 7 left" test "$(find d ! -path d | wc -l)" = $(($(find s ! -path s | wc -l) + 7))
  begin && extras
  expect 1 fxcp -a --delete --max-delete=0 s d && there d/extra d/tree/x/y d/dir/empty
  expect 0 fxcp -a --delete --max-delete=10 s d && gone d/extra d/tree
  # 10 of 18 are 56 %.
  begin && extras
  refused --max-delete=50% -- -a --delete --max-delete=50% s d
  put s/a changed
  refused --max-delete=0% -- -a --delete-after --max-delete=0% s d
  expect 0 fxcp -a --delete --max-delete=60% s d && gone d/extra d/tree && holds d/a changed

  # A source that is empty is mostly one that is not mounted.
  begin && rm -rf none && mkdir none
  refused none --delete-anyway -- -a --delete none d
  refused none --delete-anyway -- -a --delete-after none d
  expect 0 fxcp -a none d && there d/a
  expect 0 fxcp -a --delete --delete-anyway none d && gone d/a d/dir
  expect 0 fxcp -a --delete none d
  rm -rf none d && mkdir none && expect 0 fxcp -a --delete none d
  rm -rf none
}

unreadable_source() {
  programs_for_all
  local mine="$WORK/mine"
  mkdir -m 777 "$mine"
  for how in --delete --delete-before --delete-after; do
    rm -rf "${mine:?}/"*
    as_user mkdir -p "$mine/s/closed" "$mine/s/open" "$mine/d/closed" "$mine/d/open"
    as_user touch "$mine/d/closed/kept" "$mine/d/open/extra" "$mine/s/open/f"
    as_user chmod 0 "$mine/s/closed"
    expect 1 as_user "$FXCP_FOR_ALL" -a "$how" "$mine/s" "$mine/d"
    says closed
    there "$mine/d/closed/kept"
    [ "$how" = --delete-after ] || gone "$mine/d/open/extra"
    expect 1 as_user "$FXCP_FOR_ALL" -a "$how" --ignore-errors "$mine/s" "$mine/d"
    gone "$mine/d/open/extra"
    chmod 755 "$mine/s/closed" "$mine/d/closed"
  done
}

keeping() {
  begin && extras
  put s/a changed && touch -d 2023-01-01 s/a
  expect 0 fxcp -a --delete --backup s d
  holds d/a changed && holds d/a~ 'text a' && holds d/extra~ 1 && holds d/dir/extra~ 1 && gone d/extra d/dir/extra d/tree
  holds d/tree~/x/y 1
  gone d/b~
  expect 0 fxcp -a --delete -b -i s d && check "what is kept is no extra: $(head -n 3 out)" test ! -s out
  put s/a 'changed again' && expect 0 fxcp -a -b s d && holds d/a~ changed
  expect 0 fxcp -a --delete s d && gone d/a~ d/tree~

  begin && extras && put s/a changed
  expect 0 fxcp -a --delete -b --suffix=.old s d && holds d/a.old 'text a' && holds d/extra.old 1 && gone d/a~

  begin && extras && put s/a changed && put s/dir/c changed
  expect 0 fxcp -a --delete --backup-dir=.kept s d
  holds d/.kept/a 'text a' && holds d/.kept/dir/c 'text c' && holds d/.kept/extra 1 && holds d/.kept/tree/x/y 1 && gone d/extra d/tree
  expect 0 fxcp -a --delete --backup-dir=.kept -i s d && check "the directory itself stays: $(head -n 3 out)" test ! -s out
  put s/a 'changed again' && put d/later 2
  expect 0 fxcp -a --delete --backup-dir=.kept --suffix=.1 s d && holds d/.kept/a 'text a' && holds d/.kept/a.1 changed && holds d/.kept/later.1 2

  begin && extras && put s/a changed
  expect 0 fxcp -a --delete --backup-dir="$WORK/elsewhere" s d && holds elsewhere/a 'text a' && holds elsewhere/dir/extra 1 && gone d/extra

  begin && extras && put s/a changed
  expect 0 fxcp -a --delete --trash="$WORK/elsewhere" s d && holds elsewhere/extra 1 && holds elsewhere/tree/x/y 1 && gone elsewhere/a d/extra
  check "links are moved, not followed" test "$(readlink elsewhere/tree/root)" = /
  put d/extra 2 && put d/tree/z 2
  expect 0 fxcp -a --delete --trash="$WORK/elsewhere" s d && gone d/extra d/tree
  check "both trees are kept" test "$(cat elsewhere/tree/z elsewhere/tree.1/z)" = $'1\n2'

  # A directory that comes back each time: what was kept of it stays, under names that no later run takes for extra, or counts.
  local run
  begin
  for run in 1 2 3 4; do
    put d/x/f $run && expect 0 fxcp -a --delete --backup --max-delete=1 s d
  done
  check "each was kept once: $(cd d && echo x*)" test "$(cd d && echo x*)" = "x~ x~.1 x~.2 x~.3"
  check "as it was: $(cat d/x*/f)" test "$(cat d/x~{,.1,.2,.3}/f)" = $'1\n2\n3\n4'
  expect 0 fxcp -a --delete --backup --max-delete=0% s d && holds d/x~.3/f 4
  # Rules have directories emptied file by file; their backups stay in them.
  begin
  for run in 1 2 3; do
    put d/x/sub/f $run && expect 0 fxcp -a --delete --backup --max-delete=1 --exclude=none s d
  done
  check "the last one: $(cd d && find x)" test "$(cd d && find x -type f -printf '%f ')" = 'f~ ' && holds d/x/sub/f~ 3
  # Where it is kept is not to be copied by the next run.
  begin && extras
  refused 'lies in what is copied' -- -a --delete --backup-dir="$PWD/s/bk" s d
  refused 'lies in what is copied' -- -a --backup-dir=../s/dir/bk s d
  refused 'lies in what is copied' -- -a --delete --trash="$PWD/s/bk" s d
  refused 'lies in what is copied' -- -an --delete --trash="$PWD/s/dir" s d
  gone s/bk s/dir/bk

  # What is replaced by another type is kept as well.
  begin && rm s/a && mkdir s/a && put s/a/in 1 && rm -r s/dir && put s/dir 'a file now'
  expect 0 fxcp -a --delete -b s d && holds d/a~ 'text a' && holds d/a/in 1 && holds d/dir~/c 'text c' && holds d/dir 'a file now'
}

# A source that lies in the target would be deleted there.
source_below_target() {
  begin && mkdir -p p/src/sub/src p/other && put p/src/f 1 && put p/src/sub/src/g 2 && put p/other/x 3
  for moment in --delete --delete-before --delete-after; do
    refused "'p'" inside -- -a $moment p/src p
    refused inside -- -a $moment --target-directory=p p/src/sub/src
    (cd p/src && "$FXCP" -a $moment . .. >/dev/null 2>&1)
    check "from inside, $moment" test $? = 2
    holds p/src/f 1 && holds p/src/sub/src/g 2 && holds p/other/x 3
  done
  expect 0 fxcp -a p/src p && holds p/f 1 && holds p/other/x 3 && holds p/src/f 1
  if [ "$part" = root ]; then
    mkdir bound && mount --bind p/src bound && refused inside -- -a --delete-before bound p
    holds p/src/sub/src/g 2
    umount bound
  fi
}

# One inode on both sides: the source is not changed, whatever is to be set or noted on its copy.
shared_with_the_source() {
  begin && rm -rf d && cp -al s d
  expect 0 fxcp -a --chmod=F600 s d && check "the source's mode stays" test "$(stat -c %a s/a)" != 600
  check "the copy has it" test "$(stat -c %a d/a)" = 600
  rm -rf d && cp -al s d
  expect 0 fxcp -a --generate-sigs s d
  check_not "no signature on the source" getfattr -n user.foxing.sig s/a
}

# What is Foxing's own in a source is left out, and that is said.
own_names() {
  begin && mkdir -p s/.foxing_versions/1 && put s/.foxing_versions/1/f 1 && put s/dir/.foxing_meta 1
  expect 0 fxcp -a s d && says .foxing_versions && gone d/.foxing_versions d/dir/.foxing_meta
  expect 0 fxcp -a --json=files s d && check "each is told" test "$(grep -c '"kind":"left_out"' out)" = 2
  expect 0 fxcp verify --json s d && check "counted: $(tail -1 out)" grep -q '"left_out":2' out
  expect 0 fxcp -a --exclude=.foxing_versions s d && check_not "excluded: not told" grep -q foxing_versions "$WORK/err"
}

# The first of several runs, each of which takes from the one before, has none before it.
rotating() {
  local how
  begin
  for how in link copy compare; do
    rm -rf d0 d1
    expect 0 fxcp -a --$how-dest=../none s d0 && says 'none' 'is not there' && same s d0
    expect 0 fxcp -a --json --$how-dest=../none s d0 && says '"path":"../none"' '"warnings":1'
    expect 0 fxcp -a --$how-dest=../none --$how-dest=../d0 s d1 && says none
    check "$how: from the one that is there" test ! -e d1/a -o $how != compare
    [ $how = compare ] || same s d1 --no-links
  done
  expect 2 fxcp -a --link-dest=../s/a s d2 && says '../s/a'
}

contradictions() {
  begin && extras && put s/a changed
  refused --delete -- --delete s d
  refused --delete -- --delete s/a d/a
  refused --max-delete -- -a --max-delete=3 s d
  refused --max-delete -- -a --delete --max-delete=-1 s d
  refused --max-delete -- -a --delete --max-delete=101% s d
  refused --max-delete -- -a --delete --max-delete=x s d
  refused --ignore-errors -- -a --ignore-errors s d
  refused --delete-anyway -- -a --delete-anyway s d
  refused --trash -- -a --trash=T s d
  refused --trash --backup -- -a --delete --trash=T --backup s d
  refused --trash -- -a --delete --trash=T --backup-dir=B s d
  refused --suffix -- -a --suffix=x s d
  refused --suffix -- -a -b --suffix=x/y s d
  refused --delete-after -- -a --delete --delete-after s d
  refused --delete-before -- -a --delete-after --delete-before s d
  refused --checksum --size-only -- -a -c --size-only s d
  refused --checksum --ignore-times -- -a -c -I s d
  refused --size-only --ignore-times -- -a -I --size-only s d
  refused --max-size --min-size -- -a --max-size=1K --min-size=2K s d
  refused --max-size -- -a --max-size=lots s d
  refused --modify-window -- -a --modify-window=-2 s d
  refused --modify-window -- -a --modify-window=soon s d
  gone d/T d/B T B
}

# What rsync says of the same trees.  Known differences, taken out before:
#   c   we say it of a file whose bytes were compared and differ; rsync says it with -c only
#   u   access times: rsync keeps and names them with -U only
#   =>  rsync names the other name of a hard link
# Not in the trees: files with equal bytes and other times, which rsync copies (>f..t) and we do not (.f..t).
as_rsync() {
  command -v rsync >/dev/null || { echo "not compared with rsync: there is none"; return; }
  begin && extras
  put s/bigger 'one' && put s/dir/same_size 'ab' && put s/mode 1 && put s/dir/deep/attribute 1 && put s/first 1 && ln s/first s/second
  later s/first
  expect 0 fxcp -a --no-prune s d && setfattr -x user.foxing.as_of d 2>/dev/null  # rsync would name notes on directories
  put s/bigger 'one and two' 2021-01-01 && put s/dir/same_size 'cd' 2021-01-01 && chmod 600 s/mode && touch -d 2021-01-01 s/empty
  setfattr -n user.x -v 1 s/dir/deep/attribute 2>/dev/null
  ln -sfn b s/link && touch -h -d 2021-01-01 s/link
  mkdir -m 700 s/newdir && put s/newdir/f 1 && mkfifo s/newfifo && ln -s x s/newlink && ln s/first s/third
  rm -r s/b && put s/b/in 1
  if [ "$(id -u)" = 0 ]; then chown 12:34 s/mode s/newdir && mknod s/newdev c 1 3; fi
  touch -d 2021-01-01 s s/dir  # rsync compares whole seconds, and deletes in a directory before it looks at its time
  find s -exec touch -a -h -d 2020-01-01 {} +
  cp -a d d2
  rsync -aHAXi --delete s/ d2/ | sed 's/ => .*//; s/ -> .*//' | sort >theirs
  expect 0 fxcp -a -i --delete s d
  sed -E '/^\*/!{s/^([>.]f)c/\1./; s/^(..[^+].....)u/\1./}' out | grep -vE '^\.[a-zA-Z]\.{9} ' | sort >ours
  check "-i as rsync says it" diff theirs ours
  check "there is something to say" test "$(wc -l <theirs)" -gt 20
}

other_filesystems() {
  local one two to
  one=$(loop_fs ext4 64M) || exit $?
  two=$(loop_fs ext4 64M) || exit $?
  to=$(loop_fs xfs 400M) || exit $?
  mkdir "$WORK/mnt" && mount --bind "$one" "$WORK/mnt"
  put "$WORK/mnt/data" one && put "$WORK/mnt/more" one
  expect 0 fxcp -a --delete "$WORK/mnt" "$to/d" && holds "$to/d/data" one
  put "$to/d/extra" 1
  expect 0 fxcp -a --delete "$WORK/mnt" "$to/d" && gone "$to/d/extra"
  # Another disk under the same path.
  umount "$WORK/mnt" && mount --bind "$two" "$WORK/mnt"
  put "$WORK/mnt/other" two
  local moment
  stamps save "$to/d" other.stamps
  for moment in --delete --delete-before --delete-after; do
    expect 2 fxcp -a "$moment" "$WORK/mnt" "$to/d" && says "$WORK/mnt" 'another filesystem' --delete-anyway
    check "another filesystem deletes nothing" stamps check "$to/d" "$to/d" other.stamps
  done
  # Not mounted at all.
  umount "$WORK/mnt"
  expect 2 fxcp -a --delete "$WORK/mnt" "$to/d" && says 'is empty'
  put "$WORK/mnt/on_the_root" 3
  expect 2 fxcp -a --delete "$WORK/mnt" "$to/d" && says 'another filesystem'
  check "and nothing was touched" stamps check "$to/d" "$to/d" other.stamps
  rm "$WORK/mnt/on_the_root"
  # Meant so; from then on it is the one that is remembered, also when it was mounted anew.
  mount --bind "$two" "$WORK/mnt"
  expect 0 fxcp -a --delete --delete-anyway "$WORK/mnt" "$to/d" && gone "$to/d/data" && holds "$to/d/other" two
  expect 0 fxcp -a --delete "$WORK/mnt" "$to/d"
  umount "$WORK/mnt" && mount --bind "$one" "$WORK/mnt"
  expect 2 fxcp -a --delete "$WORK/mnt" "$to/d"
  umount "$WORK/mnt"

  # What is mounted in the target is not deleted, and what is kept must lie on the target's filesystem.
  begin
  mkdir d/mounted && mount --bind "$two" d/mounted
  expect 1 fxcp -a --delete s d && says mounted
  holds d/mounted/other two
  umount d/mounted
  extras
  refused filesystem -- -a --delete --backup-dir="$to/kept" s d
  refused filesystem -- -a --delete --trash="$to/kept" s d
}

if [ "$part" = root ]; then
  other_filesystems
  source_below_target
  as_rsync
else
  what_is_changed
  which_files
  deleting
  limits
  unreadable_source
  keeping
  source_below_target
  shared_with_the_source
  own_names
  rotating
  contradictions
  as_rsync
fi
finish
