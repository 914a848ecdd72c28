#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# foxingd beside a tree that changes: after a flush source and target are equal, whatever has happened.
#   mirror.sh KIND KIND [CAPTURE]       the filesystems of source and target, and the source of events
. "$(dirname "$0")/../support/common.sh"
. "$(dirname "$0")/../support/foxingd.sh"
need_fxcp
need_foxingd
private_mounts "$@"
work_dir
CAPTURE=${3:-auto}
a=$(new_fs "$1") || exit $?
b=$(new_fs "$2") || exit $?
mkdir "$a/src" "$a/elsewhere"
seed=${FOXING_SEED:-$RANDOM}
echo "FOXING_SEED=$seed"

# Everything that a tree can hold, there before, and changed as a user would.
tree_make "$a/src" --seed "$seed" --scale 0.01 --portable types names modes owners sizes sparse links xattrs acls times dirs || exit 1
mirror "$a/src" "$b/dst" || finish
same "$a/src" "$b/dst"
check "mutate" python3 "$SUPPORT/mutate.py" source "$a/src" "$seed" 300
settled
same "$a/src" "$b/dst"

# Renames: whole trees, in a ring, into the source and out of it; files that are edited while they are renamed.
mkdir -p "$a/src/r/one/deep" "$a/src/r/two" "$a/src/r/three"
for n in one two three; do echo "$n" >"$a/src/r/$n/file"; done
dd if=/dev/urandom of="$a/src/r/one/deep/large" bs=1M count=4 status=none
settled
inode=$(stat -c %i "$b/dst/r/one/deep/large")
# At one go, as far as foxingd is concerned: who looks in the middle of a ring gives up on renames and copies (docs/life-of-an-event.md).
check "pause" foxingd pause --socket "$WORK/control" "$b/dst"
mv "$a/src/r/one" "$a/src/r/tmp" && mv "$a/src/r/two" "$a/src/r/one" && mv "$a/src/r/three" "$a/src/r/two" && mv "$a/src/r/tmp" "$a/src/r/three"
check "resume" foxingd resume --socket "$WORK/control" "$b/dst"
settled
same "$a/src" "$b/dst"
check "a directory's rename is a rename" [ "$(stat -c %i "$b/dst/r/three/deep/large")" = "$inode" ]
mkdir "$a/src/r/new" && mv "$a/src/r/three" "$a/src/r/new/three"
settled
check "a rename into a new directory is a rename" [ "$(stat -c %i "$b/dst/r/new/three/deep/large")" = "$inode" ]
mv "$a/src/r/new/three/deep/large" "$a/src/r/large" && echo more >>"$a/src/r/two/file"
settled
check "a file's rename is a rename" [ "$(stat -c %i "$b/dst/r/large")" = "$inode" ]
mv "$a/src/r" "$a/elsewhere/r" && echo outside >>"$a/elsewhere/r/two/file"
settled
check "what leaves the source is gone" [ ! -e "$b/dst/r" ]
mv "$a/elsewhere/r" "$a/src/back"
settled
same "$a/src" "$b/dst"

# Chains of renames leave no intermediate name behind.
mkdir "$a/src/chains"
check "chains" python3 "$SUPPORT/storm.py" chains "$a/src/chains" 2000
settled
ghosts=$(find "$b/dst/chains" -name '*.[abcd]' | wc -l)
check "no ghosts ($ghosts)" [ "$ghosts" = 0 ]
same "$a/src" "$b/dst"

# Four processes that do not know of each other.
mkdir "$a/src/storm"
check "storm" python3 "$SUPPORT/storm.py" "$a/src/storm" "$seed" 4 "${FOXING_STORM:-1500}"
settled
same "$a/src" "$b/dst"
no_litter "$b/dst/storm"
check "one scan was enough" [ "$(counted scans)" = 1 ]
check "nothing was given up" [ "$(counted given_up)" = 0 ]
stop_mirror
finish
