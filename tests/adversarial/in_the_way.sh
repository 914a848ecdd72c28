#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What lies in the way in the target.  All that can give way without loss does; a directory that holds names is not ours to remove.
. "$(dirname "$0")/../support/common.sh"
need_fxcp
need_tool python3
work_dir

make_one() {   # make_one TYPE PATH
  case $1 in
    file) echo "a file" >"$2" ;;
    empty) : >"$2" ;;
    directory) mkdir "$2" ;;
    full) mkdir "$2" && echo inside >"$2/inside" ;;
    symlink) ln -s "$WORK/outside" "$2" ;;
    dangling) ln -s nowhere "$2" ;;
    fifo) mkfifo "$2" ;;
    socket) python3 -c 'import os, stat, sys; os.mknod(sys.argv[1], stat.S_IFSOCK | 0o644)' "$2" ;;
    linked) echo linked >"$2" && ln "$2" "$2.name" ;;
  esac
}
mkdir outside && echo precious >outside/inside
types="file empty directory full symlink dangling fifo socket linked"
before=$(fingerprint outside)
mkdir src t
for new in $types; do
  for old in $types; do
    make_one $new "src/$new.$old"
    make_one $old "t/$new.$old"
  done
done
blocked=""
for new in $types; do case $new in directory | full) ;; *) blocked="$blocked $new.full" ;; esac; done

expect 1 fxcp -a --json src t
for name in $blocked; do
  check "what is in the way is named: $name" python3 "$SUPPORT/json_lines.py" failure out "$name"
  check "and stays" test "$(cat "t/$name/inside")" = inside
  rm -rf "t/$name" "src/$name"
done
check "only those" python3 "$SUPPORT/json_lines.py" failures out "$(echo $blocked | wc -w)"
touch -r src t
rm -f t/*.full.name src/*.full.name
expect 0 fxcp -a src t
same src t --extra-ok
no_litter t
check "nothing was written through a symlink" test "$before" = "$(fingerprint outside)"

# A single file over a directory that holds names, and over an empty one.
echo text >single && mkdir -p one/single && echo inside >one/single/inside
expect 2 fxcp -a single one && says single   # nothing was done
check "the directory stays" test -f one/single/inside
rm one/single/inside
expect 0 fxcp -a single one && same single one/single
finish
