#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The store of a target on one kind of filesystem: snapshot, change, snapshot, list, diff, revert, prune.   snapshots.sh xfs|btrfs|ext4|tmpfs
. "$(dirname "$0")/../support/common.sh"
need_fxcp
need_tool python3 setfattr
kind=$1
private_mounts "$@"
work_dir
disk=$(new_fs "$kind" 400M) || exit $?
dst=$disk/dst
store=$dst/.foxing_versions

newest() { ls "$store" | grep -v index.json | sort | tail -n 1; }

tree_make src --scale 0.02 sizes modes links times names || exit 1
find src \( -name .foxing_meta -o -name .foxing_versions -o -name ".tmp.66786370-*" \) -prune -exec rm -rf {} +  # own names are not kept
mkdir src/docs && echo one >src/docs/a && echo same >src/docs/b && head -c 300000 /dev/urandom >src/docs/big
setfattr -n user.kept -v old src/docs/big && setfattr -n user.kept -v here src/docs  # small enough for all of them

# Of nothing there is no snapshot.
expect 0 fxcp -a --snapshot src "$dst" && check "no store" test ! -e "$store"
expect 2 fxcp snap list "$dst" && says "has no snapshots" "--snapshot"

# The whole tree as it was, with all that it has.
cp -a src before
echo two >src/docs/a && rm src/docs/b && echo new >src/docs/c && chmod 600 src/docs/big && setfattr -n user.kept -v new src/docs/big
expect 0 fxcp -a --delete --snapshot src "$dst" && says "snapshot 20"
first=$(newest)
same before "$store/$first/tree" --no-links
fxcp -a --delete src plain && expect 0 fxcp verify -q plain "$dst"  # the store is neither compared nor deleted
check "its owner's alone" test "$(stat -c %a "$store")" = 700
case $kind in
  xfs | btrfs) check "hardly any data was written" test "$(sed -n 's/.*"written_bytes": \([0-9]*\).*/\1/p' "$store/$first/summary.json")" -lt 100000 ;;
  *) check "all data was written" grep -q '"cloned": 0' "$store/$first/summary.json" ;;
esac

# What is done to the tree in place does not reach the snapshot: not by fxcp, not by others.
cp -a src before2
echo three >>"$dst/docs/a" && chmod 777 "$dst/docs/c" && setfattr -n user.x -v y "$dst/docs/big" 2>/dev/null
same before "$store/$first/tree" --no-links
expect 0 fxcp -a --delete src "$dst"

# The second, by links to the first where blocks cannot be shared.
echo four >src/docs/a
expect 0 fxcp -a --delete --inplace --snapshot src "$dst"
second=$(newest)
same before2 "$store/$second/tree" --no-links
same before "$store/$first/tree" --no-links
case $kind in
  ext4 | tmpfs) check "unchanged files are links" test "$(stat -c %h "$store/$second/tree/docs/c")" = 1 -a "$(find "$store/$second/tree" -type f -links +1 | wc -l)" -gt 5 ;;
esac
check "index.json has both" python3 - "$store/index.json" "$first" "$second" <<'PYTHON'
import json, sys
assert [one["snapshot"] for one in json.load(open(sys.argv[1]))["snapshots"]] == sys.argv[2:]
PYTHON

expect 0 fxcp snap list "$dst" && says "$first" "$second" "on disk"
expect 0 fxcp snap list --json "$dst"
check "what they need" python3 - "$WORK/out" "$kind" <<'PYTHON'
import json, sys
all = [json.loads(line) for line in open(sys.argv[1])]
assert len(all) == 2, all
for one in all:
    assert one["size_bytes"] > 300000 and one["files"] > 5, one
assert all[0]["shared_bytes"] > 0, all
assert all[0]["disk_usage_bytes"] < all[0]["size_bytes"] / 2 + 2_000_000, all
PYTHON
expect 0 fxcp snapshot stats "$dst" && says "snapshots: 2" "on disk beside the tree"
expect 0 fxcp snap verify "$dst" && says "2 snapshots, 0 problems"

# Looking back.
expect 1 fxcp snap diff "$dst@$first" "$dst@$second" && says "only in A: $dst@$first/docs/b" "only in B: $dst@$second/docs/c" "differs: $dst@$first/docs/a"
expect 1 fxcp snap diff "$dst@$second" "$dst" && says "docs/a"
expect 0 fxcp snap log "$dst/docs/b" && says "$first" there gone
expect 0 fxcp snap log "$dst/docs/a" && says changed now
expect 2 fxcp snap log "$dst/docs/never" && says "in no snapshot"
touch -r "$dst/docs/big" stamp
printf x | dd of="$dst/docs/big" bs=1 conv=notrunc status=none && touch -r stamp "$dst/docs/big"
fxcp snap diff "$dst@latest" "$dst" >plain.out
check_not "by times alone nothing is seen" grep -q docs/big plain.out
expect 1 fxcp snap diff --content "$dst@latest" "$dst" && says "docs/big"

# Having it back: copies, single files, deleted ones, directories.
expect 0 fxcp snap copy "$dst/docs/a" "$first" a.old && check "the old text" grep -qx one a.old
expect 0 fxcp snap copy "$dst" latest whole && same before2 whole
expect 0 fxcp snap revert "$dst/docs/b" "$first" && says "as in snapshot" && check "is back" grep -qx same "$dst/docs/b"
expect 0 fxcp snap revert "$dst/docs" "$first" && same before/docs "$dst/docs"
cd "$dst/docs" && expect 0 fxcp snap revert a "$second"
cd "$WORK" && check "from where it lies" grep -qx two "$dst/docs/a"
expect 2 fxcp snap revert "$dst/docs/c" "$first" && says "cannot be had from snapshot"
expect 2 fxcp snap revert "$dst" "$first" && says "whole target" "--delete --snapshot"
expect 0 fxcp -a --delete "$store/$first/tree" "$dst" && expect 0 fxcp verify -q before "$dst"
expect 0 fxcp -a --delete src "$dst" && expect 0 fxcp snap revert "$dst/docs" "$first"
expect 2 fxcp snap revert "$dst/docs/a" 1999 && says "has no snapshot 1999"
expect 2 fxcp snap revert "$dst/docs/../docs/a" "$first" && says "without .."
same before "$store/$first/tree" --no-links
check "nothing half is left" test -z "$(ls -A "$store" | grep '^\.')"

# Tags, and what goes.
expect 0 fxcp snap tag "$dst" "$first" keep-me && expect 2 fxcp snap tag "$dst" "$second" keep-me && says "already"
expect 2 fxcp snap tag "$dst" "$second" ../x && says "is no tag"
expect 0 fxcp snap copy "$dst/docs/a" keep-me a.tagged && check "by its tag" grep -qx one a.tagged
expect 0 fxcp -a --snapshot src "$dst" && expect 0 fxcp -a --snapshot src "$dst"
expect 2 fxcp snap prune "$dst" && says "needs a rule"
expect 2 fxcp snap prune --older-than=30 "$dst" && says "as 30d"
expect 0 fxcp snap prune --keep-last 1 --dry-run "$dst" && says "keep   $first" "tag keep-me" "remove $second" "no rule keeps it" "2 would be removed"
check "a dry run removes nothing" test "$(ls "$store" | wc -l)" = 5
expect 0 fxcp snap prune --older-than 30d --keep-last 1 "$dst" && says "0 removed"
expect 0 fxcp snap prune --keep-last 1 "$dst" && says "2 removed, 2 kept"
same before "$store/$first/tree" --no-links
expect 0 fxcp snap tag --remove "$dst" keep-me
expect 0 fxcp snap prune --max-size 0 "$dst" && says "1 removed, 1 kept"
expect 0 fxcp snap verify "$dst" && says "1 snapshots, 0 problems"

# The index is for others: nobody believes it.
echo '{"snapshots": [{"snapshot": "../../../etc"}]}' >"$store/index.json"
expect 0 fxcp snap list "$dst" && check_not "not from there" grep -q etc "$WORK/out"
expect 1 fxcp snap verify "$dst" && says "index.json" "rebuild-index"
expect 0 fxcp snap rebuild-index "$dst" && expect 0 fxcp snap verify "$dst"

# A store that somebody prepared: links are neither followed nor emptied.
mkdir precious && echo p >precious/p
ln -s "$WORK/precious" "$store/2001-01-01T000000"
mkdir "$store/2001-01-02T000000" && ln -s "$WORK/precious" "$store/2001-01-02T000000/tree" && cp "$store/$(newest)/summary.json" "$store/2001-01-02T000000"
ln -s "$WORK/precious" "$store/.making-2001-01-03T000000"
mkdir "$store/.removing-x" && ln -s "$WORK/precious" "$store/.removing-x/l"
expect 1 fxcp snap list "$dst" && says "2001-01-01T000000: is not a directory"
expect 2 fxcp snap copy "$dst/p" 2001-01-01 stolen && check "nothing was copied" test ! -e stolen
expect 2 fxcp snap copy "$dst/p" 2001-01-02T000000 stolen
expect 1 fxcp snap prune --keep-last 1 "$dst"
expect 0 fxcp -a --snapshot src "$dst"
check "untouched" grep -qx p precious/p
check "dead names are gone" test ! -e "$store/.removing-x" -a ! -L "$store/.making-2001-01-03T000000"
mkdir other && echo x >other/x && ln -s "$WORK/precious" other/.foxing_versions
expect 2 fxcp -a --snapshot src/docs other && says "not a directory" "nothing was changed"
check "and that is so" test "$(ls other)" = x -a "$(ls precious)" = p

# A link in a snapshot is a link, not a way.
ln -s "$WORK/precious" "$dst/way"
expect 0 fxcp -a --snapshot src "$dst"
expect 2 fxcp snap copy "$dst/way/p" latest stolen

# --dry-run keeps nothing; --cleanup takes what a dead run left.
count=$(ls "$store" | wc -l)
expect 0 fxcp -an --snapshot src "$dst" && check "none" test "$(ls "$store" | wc -l)" = "$count"
mkdir -p "$store/.making-2026-01-01T000000/tree" && expect 0 fxcp --cleanup "$dst" && check "gone" test ! -e "$store/.making-2026-01-01T000000"
expect 2 fxcp snap prun "$dst" && says "not prun"
finish
