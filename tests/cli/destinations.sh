#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Where do the copies go?  What SRC and DST mean, for directories, files, several sources, and the two options for it.
. "$(dirname "$0")/../support/common.sh"
need_fxcp
work_dir
tree_make "$WORK/src" --user --scale 0.01 types sizes links || exit 1
mkdir one two && echo one >one/file && echo two >two/file && echo text >file && echo other >other

# One directory: DST becomes a mirror of its contents, whether it exists, with or without slash, again and again.
expect 0 fxcp -a src fresh && same src fresh
expect 0 fxcp -a src fresh && same src fresh
mkdir existing && expect 0 fxcp -a src existing && same src existing
expect 0 fxcp -a src/ slash && same src slash
expect 0 fxcp -a src/ slash/ && same src slash
expect 0 fxcp -a src/. dot && same src dot
expect 0 fxcp -a src into/ && same src into
(cd src && expect 0 fxcp -a . ../from_inside) && same src from_inside
mkdir here && (cd here && expect 0 fxcp -a ../src .) && same src here
expect 0 fxcp -a "$WORK/src" "$WORK/absolute" && same src absolute
expect 0 fxcp -a --no-target-directory src itself && same src itself
expect 0 fxcp -a src "$(printf 'strange\nname \xff')" && same src "$(printf 'strange\nname \xff')"

# The directories above DST: a missing parent is not made up.
expect 2 fxcp -a src no/such/parent
says no/such
check "nothing was made" test ! -e no

# Several sources, and --target-directory: DIR/basename.
mkdir several
expect 0 fxcp -a one two file several
same one several/one && same two several/two && same file several/file
expect 0 fxcp -a one/ two/ several/ && same one several/one && same two several/two
mkdir by_option
expect 0 fxcp -a --target-directory=by_option one file && same one by_option/one && same file by_option/file
expect 0 fxcp -a --target-directory by_option two && same two by_option/two
check "no contents beside" test "$(ls by_option | tr '\n' ' ')" = "file one two "

# Files.
expect 0 fxcp -a file copy && same file copy
expect 0 fxcp -a file by_option && same file by_option/file
expect 0 fxcp file plain && check "content" cmp file plain
expect 0 fxcp -a other copy && same other copy
mkdir a_directory && expect 0 fxcp -a file a_directory/ && same file a_directory/file
expect 0 fxcp -a file a_directory/renamed && same file a_directory/renamed
cp file -- -dashed
expect 0 fxcp -a -- -dashed ./dashed && same ./-dashed dashed
cp file info && expect 0 fxcp -a ./info info2 && same info info2

# Hard links reach across the sources of one run.
ln one/file two/linked
mkdir links && expect 0 fxcp -a one two links
check "one file with two names" test links/one/file -ef links/two/linked

# Two runs at once into one new target: each finds what the other has made, and both end well.
mkdir big && for i in $(seq 300); do echo "$i" >big/$i && ln -s $i big/link$i; done && mkdir big/{a,b,c} && cp big/?? big/a && cp big/?? big/b
for round in 1 2 3 4 5; do
  rm -rf both && { fxcp -a big both >first 2>&1 & } && expect 0 fxcp -a big both
  code=0; wait $! || code=$?
  check "the other run, $code: $(head -n 3 first)" test $code = 0
  same big both && no_litter both
done

# A directory without -a or -r is left out, and that is said.
"$FXCP" src without >out 2>&1; code=$?
check "a directory is not copied without -r (exit $code)" test $code -ne 0
check "and is named" grep -q src out
check "nothing was made" test ! -e without

# -r copies, and keeps no times.
expect 0 fxcp -r one recursive && check "content" cmp one/file recursive/file
finish
