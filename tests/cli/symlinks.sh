#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The choices for symlinks, in the source (-l -L -k --no-dereference --dereference-args) and in the target (-K).
. "$(dirname "$0")/../support/common.sh"
need_fxcp
work_dir
mkdir -p src/dir outside/inner
echo text >src/file; echo below >src/dir/file; echo out >outside/file; echo inner >outside/inner/file
ln -s file src/to_file; ln -s dir src/to_dir; ln -s nowhere src/dangling; ln -s ../outside src/to_outside
ln -s "$WORK/outside/file" src/absolute

expect 0 fxcp -a src links && same src links
expect 0 fxcp -r src recursive && check "-r keeps links" test -L recursive/to_file -a -L recursive/dangling
expect 0 fxcp -rl src with_l && check "-l keeps links" test "$(readlink with_l/to_outside)" = ../outside

# -L: what they point to.  A dangling link has nothing to copy: a failure with its name.
expect 1 fxcp -aL src followed && says dangling
check "a file" test -f followed/to_file -a ! -L followed/to_file
check "a directory" test -d followed/to_dir -a ! -L followed/to_dir
check "its content" cmp followed/to_dir/file src/dir/file
check "from outside" cmp followed/to_outside/inner/file outside/inner/file
check "by absolute name" cmp followed/absolute outside/file
check "the times are those of the file" test "$(stat -c %Y followed/to_file)" = "$(stat -c %Y src/file)"
# What is left out is not looked at: a link that leads nowhere, or in circles, is no failure then.  Rules for directories alone do not speak of it.
ln -s circle src/circle
expect 0 fxcp -aL --exclude='*' src left_out && check "nothing" test -z "$(ls -A left_out)"
expect 0 fxcp -aL --exclude=/dangling --exclude=/circle src left_out && check "the others" test -f left_out/to_file
expect 1 fxcp -aL --exclude=dangling/ --exclude=circle src left_out && says src/dangling
rm src/circle
# A loop of links, and a link to a directory above: an end, and a failure that is said.
mkdir loop && ln -s a loop/b && ln -s b loop/a && ln -s . loop/self && echo x >loop/file && ln -s .. loop/up
FXCP_TIMEOUT=60 expect 1 fxcp -aL loop loops
check "the file is there" cmp loop/file loops/file

# -k: links to directories only.
expect 0 fxcp -ak src dirlinks
check "a directory" test -d dirlinks/to_dir -a ! -L dirlinks/to_dir
check "a link to a file stays" test -L dirlinks/to_file
check "a dangling link stays" test -L dirlinks/dangling

# SRC itself.
ln -s src src_link; ln -s src/file file_link
expect 0 fxcp -a src_link as_link && check "-a: a link is copied as a link" test -L as_link
expect 0 fxcp -a src_link/ as_tree && same src as_tree
expect 0 fxcp -a --dereference-args src_link by_argument && same src by_argument
check "links inside stay" test -L by_argument/to_file
expect 0 fxcp file_link plain && check "without -a a SRC is followed" test -f plain -a ! -L plain
expect 0 fxcp --no-dereference file_link kept && check "--no-dereference" test -L kept

# A symlink in the target where the source has a directory: replaced, and what it points to is left alone; -K goes through it.
before=$(fingerprint outside)
mkdir t && ln -s ../outside t/dir
expect 0 fxcp -a src t && same src t
check "the link gave way" test -d t/dir -a ! -L t/dir
CHECKS=$((CHECKS + 1)); [ "$before" = "$(fingerprint outside)" ] || fail "the copy went through a symlink of the target"
mkdir k elsewhere && ln -s ../elsewhere k/dir
expect 0 fxcp -aK src k
check "-K keeps the link" test -L k/dir
check "-K writes through it" cmp elsewhere/file src/dir/file
# And where the source has a file: replaced, never written through, with or without -K.
mkdir f && echo precious >precious && ln -s ../precious f/file && ln -s ../precious f/to_file
expect 0 fxcp -aK src f
check "the file was not written through a link" test "$(cat precious)" = precious
check "a file took the place" test -f f/file -a ! -L f/file
# DST itself may be a symlink to a directory: the user named it.
mkdir real && ln -s real dst_link && expect 0 fxcp -a src dst_link/ && same src real
finish
