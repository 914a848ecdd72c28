#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# --compress and --decompress of files and trees: the way there and back, the second run, names, what is damaged, what is deleted, and the tools that others use.
# Every check fails when the option is ignored, or when a name is mapped in one place and not in another.
# shellcheck disable=SC2012,SC2034
. "$(dirname "$0")/../support/common.sh"
need_fxcp
need_tool python3
work_dir

put() { mkdir -p "$(dirname "$1")" && printf '%s\n' "$2" >"$1" && touch -a -d 2020-01-01 "$1" && touch -m -d "${3:-2020-02-02 02:02:02.123456789}" "$1"; }
gone() { local name; for name; do check "$name should not be there" test ! -e "$name" -a ! -L "$name"; done; }
there() { local name; for name; do check "$name should be there" test -e "$name"; done; }
# number KEY: the value in the summary of the last `expect 0 fxcp --json ...`.
number() {
  python3 -c 'import json, sys
for line in open(sys.argv[1], encoding="utf-8", errors="surrogateescape"):
    event = json.loads(line)
    if event["type"] == "summary": print(event[sys.argv[2]])' "$WORK/out" "$1"
}
counts() { check "$1 should be $2 and is $(number "$1")" test "$(number "$1")" = "$2"; }
suffix_of() { case $1 in zstd*) echo .zst ;; lz4) echo .lz4 ;; gzip*) echo .gz ;; xz*) echo .xz ;; esac; }
inode() { stat -c %i "$1"; }

# begin: a tree with everything that has a name, an end, or an attribute of its own.
begin() {
  rm -rf s d b
  mkdir -p s/sub/deep s/empty && chmod 750 s/sub
  put s/text "$(seq 1 20000)" && : >s/nothing && touch -d 2019-05-06 s/nothing && printf x >s/one
  head -c 700000 /dev/urandom >s/noise && { head -c 2000000 /dev/zero; echo end; } >s/zeros
  truncate -s 3M s/hole && printf data | dd of=s/hole bs=1 seek=1500000 conv=notrunc status=none
  put s/sub/.zst 'only a suffix' && put s/sub/..zst 'two dots' && put s/sub/deep/c.zst 'not compressed at all' && put s/sub/deep/c.tar.gz 'nor this'
  put s/sub/$'a name\nwith a line' 'text' && put s/$'\xff\xfe' 'no UTF-8'
  chmod 400 s/text && chmod 6755 s/one
  ln s/noise s/sub/noise2 && ln -s text s/link && ln -s nowhere s/sub/dangling && mkfifo s/fifo
  setfattr -n user.color -v blue s/noise 2>/dev/null || echo "no user attributes here" >&2
}

there_and_back() {
  local codec suffix
  for codec in zstd lz4 gzip:1 xz:0; do
    begin
    suffix=$(suffix_of "$codec")
    expect 0 fxcp -a --compress "$codec" --json s d
    counts codec_files 12 && counts hard_links 1
    there "d/text$suffix" "d/nothing$suffix" "d/sub/deep/c.zst$suffix" "d/sub/noise2$suffix" d/fifo
    gone d/text d/nothing d/sub/noise2
    check "$codec: the link's text is as it was" test "$(readlink d/link)" = text
    check "$codec: one file of two names" test "$(inode "d/noise$suffix")" = "$(inode "d/sub/noise2$suffix")"
    check "$codec: time, mode" test "$(stat -c '%Y %a' "d/text$suffix")" = "$(stat -c '%Y %a' s/text)"
    check "$codec: setuid" test "$(stat -c %a "d/one$suffix")" = 6755
    check "$codec: small is small" test "$(stat -c %s "d/zeros$suffix")" -lt 100000
    no_litter d
    # Again: nothing.
    expect 0 fxcp -a --compress "$codec" --json s d
    counts files 0 && counts codec_files 0 && counts updated 0 && counts failures 0
    expect 0 fxcp -a --compress "$codec" -i s d && check "$codec: nothing to say" test ! -s out
    expect 0 fxcp -a --compress "$codec" --checksum --json s d && counts files 0
    # Back.
    expect 0 fxcp -a --decompress --json d b
    counts codec_files 12
    same s b
    expect 0 fxcp -a --decompress --json d b
    counts files 0 && counts updated 0
    expect 0 fxcp -a --decompress --checksum --delete --json d b && counts files 0 && counts deleted 0
    same s b
  done
  # Holes: the zeros are left out, or written.
  check "zeros become holes" test "$(stat -c %b b/zeros)" -lt 1000
  expect 0 fxcp -a --decompress --sparse=never d b2 && check "or are written" test "$(stat -c %b b2/zeros)" -ge 3900
  # None means: as it is.
  expect 0 fxcp -a --compress none s b3 && same s b3
}

second_runs() {
  local was
  begin
  expect 0 fxcp -a --compress zstd s d
  was=$(inode d/noise.zst)
  # Another level is no reason, another codec makes its own.
  expect 0 fxcp -a --compress zstd:9 --json s d && counts files 0
  # The source has changed: that file only.
  put s/sub/deep/c.tar.gz 'changed' 2021-01-01
  expect 0 fxcp -a --compress zstd --json s d && counts codec_files 1 && counts files 1
  expect 0 fxcp -a --decompress d b && same s b
  # An edit that puts size and time back.
  was=$(stat -c %y s/sub/..zst) && printf 'TWO' | dd of=s/sub/..zst conv=notrunc status=none && touch -m -d "$was" s/sub/..zst
  expect 0 fxcp -a --compress zstd --trust-times --json s d && counts files 0
  expect 0 fxcp -a --compress zstd --json s d && counts codec_files 1
  # Only attributes: the data stays, and the run after that has nothing to do.
  was=$(inode d/text.zst)
  chmod 640 s/text && touch -m -d 2022-02-02 s/text
  expect 0 fxcp -a --compress zstd --json s d && counts files 0 && counts updated 1
  check "it is the same file" test "$(inode d/text.zst)" = "$was"
  check "with the new time" test "$(stat -c '%Y %a' d/text.zst)" = "$(stat -c '%Y %a' s/text)"
  expect 0 fxcp -a --compress zstd --json s d && counts files 0 && counts updated 0
  # The copy was changed: it is made again.
  printf x >>d/zeros.zst && touch -m -r s/zeros d/zeros.zst
  expect 0 fxcp -a --compress zstd --json s d && counts codec_files 1
  touch d/zeros.zst
  expect 0 fxcp -a --compress zstd --json s d && counts codec_files 1
  # One byte, size and time as before: -c decompresses, and finds it.
  was=$(stat -c %y d/noise.zst)
  printf '\xff\x00\xff\x00' | dd of=d/noise.zst bs=1 seek=300000 conv=notrunc status=none && touch -m -d "$was" d/noise.zst
  expect 0 fxcp -a --compress zstd -c --json s d && counts codec_files 1
  expect 0 fxcp -a -H --decompress d b && same s b
  # Without notes: it decompresses and compares, and leaves one.
  if setfattr -n user.probe -v 1 s/one 2>/dev/null; then
    setfattr -x user.probe s/one
    check "there is a note" getfattr -n user.foxing.made d/noise.zst
    setfattr -x user.foxing.made d/noise.zst
    expect 0 fxcp -a --compress zstd --json s d && counts files 0
    check "there is a note again" getfattr -n user.foxing.made d/noise.zst
    expect 0 fxcp -a d plain && check "notes are nobody else's" test -z "$(getfattr -m user.foxing.made plain/noise.zst 2>/dev/null)"
  fi
  # A dry run says, and touches nothing.
  put s/new 'new' && put s/text 'changed'
  was=$(fingerprint d)
  expect 0 fxcp -a -n --delete --compress zstd --json s d && counts files 2
  check "a dry run touches nothing" test "$was" = "$(fingerprint d)"
  # What is there and newer, or not there, stays.
  touch -m -d 2030-01-01 d/text.zst
  expect 0 fxcp -a -u --existing --compress zstd --json s d && counts files 0
  gone d/new.zst
  expect 0 fxcp -a --ignore-existing --compress zstd --json s d && counts files 1
  there d/new.zst
  # Without -t the times are those of the making; that settles too.
  expect 0 fxcp -r --compress gzip --json s e && counts failures 0
  expect 0 fxcp -r --compress gzip --json s e && counts files 0 && counts updated 0
  expect 0 fxcp -r -I --compress gzip --json s e && check "-I makes everything again" test "$(number files)" -gt 10
}

names() {
  rm -rf s d b
  # A link, or a directory, that has the name already: it keeps it, whoever comes first.
  put s/a 'text a' && ln -s elsewhere s/a.zst && put s/z 'text z' && mkdir s/z.zst && put s/z.zst/in 'in' && put s/ok ok
  local run  # the same each time
  for run in 1 2 3; do
    expect 1 fxcp -a -j2 --compress zstd s d
    says "s/a:" "would have the same name in the target as 'a.zst'" "s/z:" "'z.zst'"
    check "the link has it" test "$(readlink d/a.zst)" = elsewhere
    there d/z.zst/in.zst d/ok.zst
  done
  # Names that get shorter: `a` itself, then zst before gz.
  rm -rf s d && mkdir s
  put p/a 'compressed' && expect 0 fxcp -a --compress zstd p/a s/a.zst && expect 0 fxcp -a --compress gzip p/a s/a.gz && put s/a 'plain'
  expect 0 fxcp -a --compress zstd p/a s/b.zst && expect 0 fxcp -a --compress gzip p/a s/b.gz && cp -p s/b.gz s/c.xz && cp -p s/b.zst s/d
  for run in 1 2 3; do
    expect 1 fxcp -a -j2 --decompress --delete s d
    says 's/a.zst:' 's/a.gz:' 's/b.gz:'
    check "a is a" test "$(cat d/a)" = plain
    check "b is of b.zst" test "$(cat d/b)" = compressed
    check "the suffix of another format stays" test "$(cat d/c.xz)" = compressed
    check "no suffix, and compressed all the same" test "$(cat d/d)" = compressed
    check "and nothing else" test "$(ls d | wc -l)" = 4
  done
  # The rival is not copied: then it is no rival.
  expect 0 fxcp -a --decompress --exclude=/a --exclude='*.gz' s d2 && check "a is of a.zst" test "$(cat d2/a)" = compressed
  # Files whose size says nothing.
  expect 0 fxcp --compress gzip /proc/version proc && check "procfs" cmp <(gzip -dc proc.gz) /proc/version
  expect 0 fxcp --decompress /proc/version proc && check "procfs" cmp proc /proc/version
  # One file.
  expect 0 fxcp --compress zstd p/a one && there one.zst && gone one
  expect 0 fxcp --compress zstd p/a two.zst && there two.zst && gone two.zst.zst
  mkdir dir && expect 0 fxcp --compress xz p/a dir && there dir/a.xz
  expect 0 fxcp --compress zstd one.zst dir && there dir/one.zst.zst
  expect 0 fxcp --decompress one.zst dir && check "dir/one" cmp dir/one p/a
  expect 0 fxcp --decompress one.zst as-given && check "as-given" cmp as-given p/a
  expect 0 fxcp --decompress p/a plain-one && check "what is not compressed is copied" cmp plain-one p/a
  expect 2 fxcp --decompress one.zst one.zst && says 'same file'
  put q/one.gz 'no' && expect 0 fxcp --decompress one.zst q/one.gz dir3 && check "dir3" test "$(ls dir3 | tr '\n' ' ')" = 'one one.gz '
  cp one.zst q/one.zst
  expect 2 fxcp --decompress one.zst q/one.zst dir4 && says "another source is called 'one' too"
  # Too long with the suffix.
  put long/"$(printf 'n%.0s' $(seq 1 253))" text && expect 1 fxcp -a --compress zstd long dl && says 'File name too long'
}

damage() {
  rm -rf s d b && begin
  expect 0 fxcp -a --compress zstd s d
  expect 0 fxcp -a --compress gzip s/text d/text && expect 0 fxcp -a --compress xz s/text d/text && expect 0 fxcp -a --compress lz4 s/text d/text
  rm d/text.zst
  put d/plain.zst 'nothing compressed'
  local file
  for file in text.gz text.xz text.lz4 noise.zst; do
    chmod u+w "d/$file"
    rm -rf one && mkdir one
    head -c "$(($(stat -c %s "d/$file") * 2 / 3))" "d/$file" >"one/$file"
    cp one/"$file" one/flipped && printf '\x55\xaa\x55' | dd of=one/flipped bs=1 seek=$(($(stat -c %s one/flipped) / 2)) conv=notrunc status=none
    { cat "d/$file"; echo garbage; } >one/followed
    expect 1 fxcp -a --decompress one "out-$file"
    says "one/$file:" one/flipped: one/followed:
    check "nothing stands for it" test "$(ls -A "out-$file" | wc -l)" = 0
  done
  # What was there stays, and the others go.
  rm d/text.*
  expect 0 fxcp -a --decompress d b
  head -c 1000 d/noise.zst >part && cat part >d/noise.zst && touch -m -d 2021-01-01 d/noise.zst
  put d/plain.zst 'changed'
  expect 1 fxcp -a --decompress --delete d b && says 'd/noise.zst' 'ends too early'
  check "the old version stays" cmp b/noise s/noise
  check "the others go" test "$(cat b/plain.zst)" = changed
  no_litter b
}

deleting() {
  begin
  expect 0 fxcp -a --compress zstd s d
  # A copy that was not compressed, files of another codec, and what the source has not.
  put d/text 'plain' && put d/text.gz 'gzip' && put d/other.zst 'extra' && mkdir d/gone && put d/gone/x.zst 'extra' && ln -s x d/extra.zst
  expect 0 fxcp -a --compress zstd --delete --json s d
  counts deleted 6 && counts files 0
  gone d/text d/text.gz d/other.zst d/gone d/extra.zst && there d/text.zst d/noise.zst
  expect 0 fxcp -a --decompress d b && same s b
  local moment
  for moment in --delete-before --delete-after --delete-during; do
    put d/text 'plain' && put "b/extra" 'extra' && put b/text.zst 'extra'
    expect 0 fxcp -a --compress zstd $moment --json s d && counts deleted 1
    expect 0 fxcp -a --decompress $moment --json d b && counts deleted 2
    same s b
  done
  # A name that the source loses takes its copy with it, and one name of two leaves the other.
  rm s/zeros s/noise
  expect 0 fxcp -a --compress zstd --delete --json s d && counts deleted 2
  gone d/zeros.zst d/noise.zst && there d/sub/noise2.zst
  expect 0 fxcp -a --decompress --delete d b && same s b
  # What a filter hides is guarded under its mapped name.
  put s/x.log 'log' && expect 0 fxcp -a --compress zstd s d && there d/x.log.zst
  expect 0 fxcp -a --compress zstd --delete --exclude='*.log' --json s d && counts deleted 0
  rm s/x.log
  expect 0 fxcp -a --compress zstd --delete --exclude='*.log' --json s d && counts deleted 0
  put s/x.log 'log'
  expect 0 fxcp -a --compress zstd --delete --delete-excluded --exclude='*.log' --json s d && counts deleted 1
  gone d/x.log.zst
  # What gives way is kept under its name in the target.
  put s/one 'new version'
  expect 0 fxcp -a --compress zstd -b s d && there d/one.zst~
  # Too many: nothing is done.
  rm -rf few && mkdir few && put few/text 'text'
  expect 2 fxcp -a --compress zstd --delete --max-delete=5% few d
}

tools() {
  begin
  chmod u+w s/text
  local tool suffix file
  rm -rf foreign && mkdir foreign
  for tool in zstd lz4 gzip xz; do
    if ! command -v $tool >/dev/null; then
      echo "SKIPPED: $tool is not installed, so its files are not tried" >&2
      continue
    fi
    suffix=$(suffix_of $tool)
    $tool -c <s/text >"foreign/text$tool$suffix" && $tool -c <s/nothing >"foreign/nothing$tool$suffix"
    # Two frames are one file.
    { $tool -c <s/one; $tool -c <s/noise; } >"foreign/two$tool$suffix"
    rm -rf d && expect 0 fxcp -a --compress $tool s d
    check "$tool reads ours" cmp <($tool -dc <"d/text$suffix") s/text
    for file in noise zeros nothing sub/noise2; do check "$tool tests $file" $tool -tq "d/$file$suffix"; done
    # One that the tool has made beside its source is taken for ours: the same name, time and content.
    rm "d/text$suffix" && $tool -c <s/text >"d/text$suffix" && touch -m -r s/text "d/text$suffix" && chmod 400 "d/text$suffix"
    chmod 400 s/text
    expect 0 fxcp -a --compress $tool --json s d && counts files 0
    chmod 600 s/text
  done
  expect 0 fxcp -a --decompress foreign d2
  cat s/one s/noise >two
  for tool in zstd lz4 gzip xz; do
    command -v $tool >/dev/null || continue
    check "text of $tool" cmp "d2/text$tool" s/text
    check "nothing of $tool" test -f "d2/nothing$tool" -a ! -s "d2/nothing$tool"
    check "two of $tool" cmp "d2/two$tool" two
  done
}

refusals() {
  rm -rf s d && put s/a a && mkdir d
  local option
  for option in --inplace --link-dest=d --copy-dest=d --compare-dest=d --size-only --reflink=always --verify --delta-min-size=1M --generate-sigs --detect-renames; do
    expect 2 fxcp -a --compress zstd $option s d && says "--compress" "${option%%=*}" 'contradict each other'
    expect 2 fxcp -a --decompress $option s d && says "--decompress" "${option%%=*}"
  done
  expect 2 fxcp -a --compress zstd --sparse=always s d && says '--sparse=always'
  expect 2 fxcp -a --compress zstd --decompress s d
  expect 2 fxcp -a --compress zip s d && says 'use zstd'
  expect 2 fxcp -a --compress zstd --size=1 s d && says 'is for streams'
  check "nothing was done" test -z "$(ls -A d)"
}

# Links to files that are followed are files, and get names as such.
followed_links() {
  rm -rf s d b && put s/a a && ln -s a s/l && ln -s nowhere s/x && put t/in in && ln -s ../t s/dir
  expect 1 fxcp -a -L --compress zstd s d
  there d/a.zst d/l.zst d/dir/in.zst
  rm s/x
  expect 0 fxcp -a -L --compress zstd --delete --json s d && counts files 0 && counts deleted 0
  expect 0 fxcp -a --decompress d b && check "l" cmp b/l s/a
  expect 0 fxcp -a --compress zstd --delete --json s d && counts deleted 2
  gone d/l.zst && check "a link again" test "$(readlink d/l)" = a
}

there_and_back
second_runs
names
damage
deleting
tools
refusals
followed_links
finish
