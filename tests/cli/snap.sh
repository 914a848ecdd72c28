#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# fxcp snap: archives from export to restore, as a user meets them; as an ordinary user too.
. "$(dirname "$0")/../support/common.sh"
need_fxcp
need_tool python3 setpriv script
work_dir
programs_for_all

tree_make a --user --scale 0.02 types sizes modes links times names xattrs || exit 1
find a \( -name .foxing_meta -o -name .foxing_versions -o -name ".tmp.66786370-*" \) -prune -exec rm -rf {} +  # not in archives

# There and back: a file, a pipe, standard input that is a file.
expect 0 fxcp snap export a -o a.fxar && says "entries"
check "nobody else may read it" test "$(stat -c %a a.fxar)" = 600
expect 0 fxcp snap import a.fxar b && same a b
pipe() { fxcp snap export "$@" | fxcp snap import c; }
rm -rf c && expect 0 pipe a && same a c
rm -rf c && expect 0 fxcp snap import c <a.fxar && same a c
rm -rf c && expect 0 fxcp snapshot import - c <a.fxar && same a c
expect 0 fxcp snap import a.fxar b && same a b
expect 0 fxcp snap check a.fxar && says "damages 0"
for codec in zstd:1 lz4 gzip xz:0 none; do
  expect 0 fxcp snap export --compress=$codec a -o codec.fxar
  rm -rf c && expect 0 fxcp snap import codec.fxar c && same a c
done
check "nothing is left beside them" test "$(find . -maxdepth 1 -name '.tmp.*' | wc -l)" = 0

# The same tree and the same time: the same bytes, however many threads, through a pipe or not.
when=--timestamp=2026-01-02T030405
expect 0 fxcp snap export $when -j 1 a -o one.fxar
expect 0 fxcp snap export $when -j 4 a -o four.fxar
to_file() { fxcp snap export "$@" >piped.fxar; }
expect 0 to_file -q $when a
check "one thread and four" cmp one.fxar four.fxar
check "a file and a pipe" cmp one.fxar piped.fxar
check "quiet is quiet" test ! -s err

# Never to a terminal.
expect 2 script -qec "'$FXCP' snap export a" /dev/null </dev/null && says "standard output is a terminal"
expect 2 fxcp snap export missing -o x.fxar && says "'missing': "
check "nothing was made" test ! -e x.fxar

# An archive in the tree itself is not in the archive; rules; own names.
mkdir -p t/sub t/.foxing_versions && echo text >t/file && echo log >t/sub/x.log && echo x >t/.foxing_meta
expect 0 fxcp snap export t -o t/self.fxar -e '*.log'
expect 0 fxcp snap export t -o t/self.fxar -e '*.log'
expect 0 fxcp snap inspect t/self.fxar --list
check "what is in it" test "$(sort out | tr '\n' ' ')" = ". file sub "

# Several snapshots.
expect 0 fxcp snap export t -o s.fxar --timestamp=2026-03-12T101500 -e self.fxar
echo more >t/file2
expect 0 fxcp snap export --append t -o s.fxar --timestamp=2026-03-13T101500 -e self.fxar
expect 2 fxcp snap export --append t -o s.fxar --timestamp=2026-03-13T101500 && says "must have a later name"
rm t/file
expect 0 fxcp snap export --append t -o s.fxar --timestamp=2026-03-13T111500 -e self.fxar
expect 0 fxcp snap check s.fxar && says "3 snapshots"
expect 0 fxcp snap inspect s.fxar && says 2026-03-12T101500 2026-03-13T111500
expect 0 fxcp snap import s.fxar d1 --date=2026-03-12 && check "the first" test -e d1/file -a ! -e d1/file2
expect 0 fxcp snap import s.fxar d2 --date=2026-03-13 && check "the newest of that day" test ! -e d2/file -a -e d2/file2
expect 0 fxcp snap import s.fxar d3 && check "the newest" test ! -e d3/file -a -e d3/file2
expect 2 fxcp snap import s.fxar d4 --date=2027 && says "has no snapshot whose name begins with 2027"
check "nothing was made" test ! -e d4
stream() { cat s.fxar | fxcp snap import - "$@"; }
expect 0 stream d5 && says "snapshot 2026-03-13T111500" && same d3 d5
expect 0 stream d5a --date=2026-03-12 && same d1 d5a
expect 0 stream d5b --date=2026-03-13 && same d2 d5b
expect 0 stream d5c --latest && same d3 d5c
expect 2 stream d5d --date=2027 && says "has no snapshot whose name begins with 2027"
check "nothing was made" test ! -e d5d
short() { head -c $(($(stat -c %s s.fxar) - 100)) s.fxar | fxcp snap import - d5e; }
expect 1 short && says "is whole and was restored"
check "nothing temporary is left" test -z "$(find d5 d5a d5b d5c d5e -name '.tmp.*')"
expect 0 fxcp snap export --append t -o new.fxar && expect 0 fxcp snap check new.fxar
touch junk && echo 'this is not an archive' >junk
expect 2 fxcp snap export --append t -o junk && says "is not an FXAR archive"
check "it is as it was" grep -q 'not an archive' junk
for verb in check inspect; do expect 2 fxcp snap $verb junk && says "is not an FXAR archive"; done
expect 2 fxcp snap import junk d6 && check "nothing was made" test ! -e d6

# What has the archive's name gives way only where it is a regular file; links lead to it.
expect 2 fxcp snap export t -o /dev/null && says "'/dev/null' is a character device" && check "it is one" test -c /dev/null
mkfifo fifo && expect 2 fxcp snap export t -o fifo && says "is a fifo" && check "it is one" test -p fifo
mkdir taken && expect 2 fxcp snap export t -o taken && says "is a directory" && check "it is one" test -d taken
for verb in "" --append; do
  mkdir -p place && ln -sf place/linked.fxar link.fxar && rm -f place/linked.fxar
  expect 0 fxcp snap export $verb t -o link.fxar && check "a link stays" test -L link.fxar -a -f place/linked.fxar
  expect 0 fxcp snap export $verb t -o link.fxar && check "a link stays" test -L link.fxar -a -f place/linked.fxar
  expect 0 fxcp snap check link.fxar
done
# Two that append to what is not there yet: both snapshots are in it.
"$FXCP" snap export -q --append a -o both.fxar 2>err.first &
first=$!
kill -STOP $first && expect 0 fxcp snap export -q --append t -o both.fxar
kill -CONT $first && wait $first
check "the other one" test $? = 0
expect 0 fxcp snap check both.fxar && says "2 snapshots"

# Of an archive that is cut short the last whole snapshot is taken, and that it is not the newest is not passed over.
python3 - <<'PYTHON'
import struct
data = open("s.fxar", "rb").read()
at = 64
while not (data[at + 4] == 6 and struct.unpack_from("<Q", data, at + 16)[0] == 2):
    at += 64 + struct.unpack_from("<I", data, at + 12)[0]
open("cut.fxar", "wb").write(data[:at + 10])
PYTHON
expect 1 fxcp snap import cut.fxar e1 && says "2026-03-13T101500 is taken" && check "it is there" test -e e1/file2
expect 1 fxcp snap restore cut.fxar --file 'file2' -o e2 && says "is taken" && check "it is there" test -e e2/file2
expect 0 fxcp snap import cut.fxar e3 --date=2026-03-13T101500 && check "it is there" test -e e3/file2
expect 1 fxcp snap check cut.fxar && says "belong to none" "damages 1,"

# A snapshot whose end is damaged hides no other, and nothing is added behind it.
python3 - <<'PYTHON'
import struct
data = bytearray(open("s.fxar", "rb").read())
at = 64
while at < len(data):
    kind, stored = data[at + 4], struct.unpack_from("<I", data, at + 12)[0]
    if kind == 6 and struct.unpack_from("<Q", data, at + 16)[0] == 1:
        data[at + 64] ^= 1
    at += 64 + stored
open("end.fxar", "wb").write(data)
PYTHON
expect 0 fxcp snap import end.fxar f1 && check "the newest" test ! -e f1/file -a -e f1/file2
expect 0 fxcp snap import end.fxar f2 --date=2026-03-12 && check "the first" test -e f2/file -a ! -e f2/file2
expect 2 fxcp snap import end.fxar f3 --date=2026-03-13T101500 && says "has a damaged snapshot 2026-03-13T101500"
expect 0 fxcp snap inspect end.fxar && says "2026-03-13T101500  damaged at byte"
expect 1 fxcp snap check end.fxar && says "which files snapshot 2026-03-13T101500 has cannot be told"
cp end.fxar before.fxar && expect 2 fxcp snap export --append t -o end.fxar && says "fxcp snap check"
check "as it was" cmp end.fxar before.fxar

# A part.
expect 0 fxcp snap restore s.fxar --file 'file*' -o r && check "what matches" test "$(ls r)" = file2
expect 0 fxcp snap restore s.fxar --date=2026-03-12 --file /sub/x.log -o r && check "a path" test "$(cat r/sub/x.log)" = log
expect 2 fxcp snap restore s.fxar --file 'none*' -o none && says "has nothing that matches none*"
check "no directory is left for nothing" test ! -e none
expect 2 fxcp snap restore s.fxar -o r && says "--file"
expect 2 fxcp snap restore s.fxar --file x && says "--output"

# What is said.
expect 0 fxcp snap inspect -v a.fxar --list && says "types/" " -> " " = "
expect 0 fxcp snap inspect a.fxar --file types/regular && says "BLAKE3" "chunk"
expect 0 fxcp snap inspect --json --list a.fxar
json() {
  python3 - out "$1" <<'PYTHON'
import json, sys
lines = [json.loads(line) for line in open(sys.argv[1], "rb").read().splitlines()]
sys.exit(0 if eval(sys.argv[2]) else f"no: {lines[:3]}")
PYTHON
}
check "JSON" json 'lines[0]["schema"] == "fxcp.archive/1" and lines[0]["snapshots"][0]["entries"] == len(lines) - 1'
check "every entry" json "len(lines) - 1 == $(find a -printf x | wc -c)"
expect 2 fxcp snap && says "needs export, import"
expect 2 fxcp snap what && says "./snap"
expect 2 fxcp snap export && says "TREE"
expect 2 fxcp snap export a --parity=5 && says "unknown option --parity"
expect 2 fxcp snap export a -o x.fxar --delete && says "has no meaning with snap export"

# Bounds, damage.
head -c 20000000 /dev/zero >t/zeros
expect 0 fxcp snap export t -o z.fxar
expect 1 fxcp snap import z.fxar d7 --max-size=1M && says "--max-size"
check "the large one is not there" test ! -e d7/zeros
python3 - <<'PYTHON'
data = bytearray(open("a.fxar", "rb").read())
data[len(data) // 2] ^= 1
open("damaged.fxar", "wb").write(data)
open("short.fxar", "wb").write(data[:len(data) // 3])
PYTHON
expect 1 fxcp snap check damaged.fxar && says "damaged at byte"
expect 2 fxcp snap check short.fxar && says "byte"
rm -rf d8 && expect 1 fxcp snap import damaged.fxar d8 && says "damaged at byte"
check "what is there is right" python3 - <<'PYTHON'
import os
for root, _, files in os.walk("d8"):
    for name in files:
        path = os.path.join(root, name)
        if os.path.isfile(path) and not os.path.islink(path) and os.path.getsize(path) < 10_000_000:
            assert open(path, "rb").read() == open("a" + path[2:], "rb").read(), path
PYTHON

# Repair: what is whole is saved, what is lost is named, and the damaged one is as it was.
cp s.fxar broken.fxar && cp a.fxar damaged2.fxar
expect 0 fxcp snap repair a.fxar -o same.fxar && says "lost 0, gaps 0" && rm -rf d9
expect 0 fxcp snap import same.fxar d9 && same a d9
truncate -s -30 broken.fxar && cp broken.fxar before.fxar
expect 0 fxcp snap repair broken.fxar && says "broken.fxar.repaired: 3 snapshots"
check "the damaged one is as it was" cmp broken.fxar before.fxar
check "nobody else may read it" test "$(stat -c %a broken.fxar.repaired)" = 600
expect 0 fxcp snap check broken.fxar.repaired && says "3 snapshots" "damages 0"
expect 0 fxcp snap import broken.fxar.repaired d10 && same d3 d10
expect 2 fxcp snap repair broken.fxar && says "is there already"
expect 2 fxcp snap repair broken.fxar -o broken.fxar && says "is the damaged archive itself"
expect 1 fxcp snap repair damaged.fxar -o saved.fxar && says "files saved"
expect 0 fxcp snap check saved.fxar && says "damages 0"
expect 1 fxcp snap repair short.fxar -o short.repaired && says "its end is lost"
expect 0 fxcp snap import -q short.repaired d11
check "what is there is right" python3 - <<'PYTHON'
import os
for root, _, files in os.walk("d11"):
    for name in files:
        path = os.path.join(root, name)
        if os.path.isfile(path) and not os.path.islink(path) and os.path.getsize(path) < 10_000_000:
            assert open(path, "rb").read() == open("a" + path[3:], "rb").read(), path
PYTHON
expect 2 fxcp snap repair junk && says "is not an FXAR archive"
head -c 100 s.fxar >tiny.fxar
expect 2 fxcp snap repair tiny.fxar && says "has nothing that could be saved"
check "nothing was made" test ! -e tiny.fxar.repaired -a ! -e junk.repaired
expect 2 fxcp snap repair a.fxar --file x && says "has no meaning with snap repair"

# As an ordinary user.
chmod 777 "$WORK" && cp a.fxar user.fxar && chmod 644 user.fxar
expect 0 as_user "$FXCP_FOR_ALL" snap import -q user.fxar u
expect 0 as_user "$FXCP_FOR_ALL" snap export -q u -o u.fxar
rm -rf u2 && expect 0 as_user "$FXCP_FOR_ALL" snap import -q u.fxar u2
same u u2
# A directory that its owner has closed to himself.
as_user chmod 000 u2/types && expect 0 as_user "$FXCP_FOR_ALL" snap import -q u.fxar u2
same u u2
finish
