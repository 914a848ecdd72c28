#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Is a mirror a mirror?  sync_property.sh SOURCE TARGET [signatures], each one of xfs btrfs ext4 tmpfs overlay.
# Rounds of changes to both sides, as users make them (support/mutate.py), each followed by `fxcp -a --delete`: the trees are equal, and the
# same command again finds everything equal and writes nothing.  At last once more with --backup-dir: what gave way is there.
# With `signatures` rounds alternate --generate-sigs, --generate-sigs --detect-renames and neither.  Pruning assumes that nobody else changes the
# target: where it was changed the round says --no-prune, in all other rounds only the source changes, and hashes are believed.
#   FOXING_SEED=N     repeats a run         FOXING_ROUNDS=N   how many rounds (6)      FOXING_MOMENTS="--delete"   only this moment of deleting
. "$(dirname "$0")/../support/common.sh"
need_fxcp
need_tool python3
private_mounts "$@"
work_dir
from=$1 to=$2 variant=${3:-}
seed=${FOXING_SEED:-$(date +%s)} rounds=${FOXING_ROUNDS:-6}
echo "FOXING_SEED=$seed FOXING_ROUNDS=$rounds"
a=$(new_fs "$from") || exit $?
if [ "$from" = "$to" ]; then b=$a; else b=$(new_fs "$to") || exit $?; fi

tree_make "$a/src" --seed "$seed" --scale 0.01 --portable types names modes owners sizes sparse links xattrs acls times dirs || exit 1
# The product's own names and attributes are not copied, and are another story.
find "$a/src" -name .foxing_meta -delete
find "$a/src" -exec setfattr -h -x user.foxing.notours {} + 2>/dev/null

# exact A B: equal, but for what a mirror remembers in its root.  Holes are compared in what was just made: a file whose bytes are equal stays as
# it is, dense or sparse, and the changes have some that move nothing but holes.
exact() {
  CHECKS=$((CHECKS + 1))
  local options=(--atime)
  [ "$round" = 0 ] || options+=(--no-holes)
  [ "${believing:-no}" = no ] || options=("${options[@]:1}")  # access times are in no hash
  tree_compare "$1" "$2" "${options[@]}" >"$WORK/differences" 2>&1
  local code=$?
  grep -vxF '.: xattr only in B: user.foxing.origin' "$WORK/differences" | grep -vE "${ALLOWED:-^$}" >"$WORK/.exact"
  [ $code -le 1 ] && [ ! -s "$WORK/.exact" ] && return 0
  fail "round $round: not the same (tree_compare exit $code, $(wc -l <"$WORK/.exact") differences)"
  head -n "${SAME_LINES:-12}" "$WORK/.exact" | cut -c1-200 | sed 's/^/      | /'
  return 1
}

# counted KEY: a number of the summary of the last run.
counted() { sed -n 's/.*"type":"summary".*"'"$1"'":\([0-9]*\).*/\1/p' "$WORK/out" | tail -1; }

# Everything is named, and named as equal.
all_unchanged() {
  local lines entries
  lines=$(wc -l <"$WORK/out") entries=$(find "$a/src" -printf x | wc -c)
  check "round $round: $lines lines for $entries entries" test "$lines" = "$entries"
  # Where hashes were believed, access times of directories were not asked about.
  local done_again='^\.[fdLDS] {9} '
  [ "$variant" != signatures ] || done_again='^\.([fdLDS] {9}|d\.{6}u\.\.) '
  check_not "round $round: something was done again" grep -vE "$done_again" "$WORK/out"
}

# Hashes are bound to the options: only where they stay the same is anything pruned.
with_signatures() {
  local moments=(--delete --delete-after) kinds=("--generate-sigs" "--generate-sigs --detect-renames" "--generate-sigs" "")
  local moment=${moments[$(($(cksum <<<"$seed" | cut -d' ' -f1) % 2))]} options pruned=0 renamed=0
  for ((round = 0; round <= rounds; ++round)); do
    read -ra options <<<"${kinds[$((round % ${#kinds[@]}))]}"
    believing=no
    if [ $round != 0 ]; then
      if [ $((round % 3)) = 0 ]; then
        check "mutate target" python3 "$SUPPORT/mutate.py" target "$b/dst" "$seed.$round" 60
        options+=(--no-prune)
      else
        believing=yes
      fi
      check "mutate source" python3 "$SUPPORT/mutate.py" source "$a/src" "$seed.$round" $((1 + RANDOM % 60))
    fi
    expect 0 fxcp -a "$moment" --json "${options[@]}" "$a/src" "$b/dst"
    pruned=$((pruned + $(counted pruned))) renamed=$((renamed + $(counted renamed)))
    exact "$a/src" "$b/dst" || { echo "      round $round: $moment ${options[*]}, pruned $(counted pruned)" && cp -a out "out.$round"; }
    expect 0 fxcp -a "$moment" --json "${options[@]}" "$a/src" "$b/dst"
    check_not "round $round: the second run copies" test "$(counted files)" != 0
    pruned=$((pruned + $(counted pruned)))
    exact "$a/src" "$b/dst"
    believing=no
    expect 0 fxcp -a "$moment" -ii "${options[@]}" "$a/src" "$b/dst"
    all_unchanged
    [ "$FAILURES" -lt 12 ] || break
  done
  check "directories were pruned: $pruned" test "$pruned" -gt 0
  echo "$pruned directories pruned, $renamed files renamed"
  [ "$FAILURES" = 0 ] || echo "again: FOXING_SEED=$seed FOXING_ROUNDS=$rounds $0 $from $to signatures"
  finish
}
RANDOM=$(($(cksum <<<"$seed" | cut -d' ' -f1) % 32768))
[ "$variant" != signatures ] || with_signatures

read -ra moments <<<"${FOXING_MOMENTS:---delete --delete-before --delete-after}"
for ((round = 0; round <= rounds; ++round)); do
  if [ $round != 0 ]; then
    # The target first: then what is edited in secret in the source is later than its copy.
    check "mutate target" python3 "$SUPPORT/mutate.py" target "$b/dst" "$seed.$round" 60
    check "mutate source" python3 "$SUPPORT/mutate.py" source "$a/src" "$seed.$round" 250
    check_not "round $round: the trees differ" tree_compare "$a/src" "$b/dst" --quiet
  fi
  moment=${moments[$((round % ${#moments[@]}))]}
  expect 0 fxcp -a "$moment" "$a/src" "$b/dst"
  check "round $round: silent" test ! -s err
  exact "$a/src" "$b/dst" || cp -a err "err.$round"
  python3 "$SUPPORT/stamps.py" save "$b/dst" stamps || fail "stamps"
  expect 0 fxcp -a "$moment" -ii "$a/src" "$b/dst"
  all_unchanged
  check "round $round: the second run writes nothing" python3 "$SUPPORT/stamps.py" check "$a/src" "$b/dst" stamps
  [ "$FAILURES" -lt 12 ] || break
done

# Nothing is lost of what gives way, when it is to be kept.
keeping() {
  check "mutate target" python3 "$SUPPORT/mutate.py" target "$b/dst" "$seed.keep" 60
  check "mutate source" python3 "$SUPPORT/mutate.py" source "$a/src" "$seed.keep" 250
  cp -a --sparse=always "$b/dst" "$b/before" || fail "cp"
  expect 0 fxcp -a --delete --backup-dir="$b/kept" "$a/src" "$b/dst"
  ALLOWED=': link count: ' exact "$a/src" "$b/dst"  # what is kept may be another name of what stays
  check "everything is kept" python3 "$SUPPORT/kept.py" "$b/before" "$b/dst" "$b/kept"
}
keeping
[ "$FAILURES" = 0 ] || echo "again: FOXING_SEED=$seed FOXING_ROUNDS=$rounds $0 $from $to"
finish
