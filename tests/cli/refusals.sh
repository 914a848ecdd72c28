#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What must be refused before anything is touched: exit 2, and the message names the path.
#   refusals.sh user      what needs no root      refusals.sh root     the same through bind mounts
. "$(dirname "$0")/../support/common.sh"
need_fxcp
[ "${1:-user}" = user ] || private_mounts "$@"
work_dir

fresh() {
  rm -rf "$WORK/t"
  mkdir -p "$WORK/t/src/sub/deeper" "$WORK/t/dst" && cd "$WORK/t" || exit 1
  echo text >src/file
  echo more >src/sub/file
  echo old >dst/old
  echo alone >single
}
# refuses NAME ARGUMENTS...: exit 2, says NAME, and everything is as it was.
refuses() {
  local name=$1 before
  shift
  before=$(fingerprint "$WORK/t")
  expect 2 fxcp "$@" && says "$name"
  CHECKS=$((CHECKS + 1))
  [ "$before" = "$(fingerprint "$WORK/t")" ] || fail "something was touched by: fxcp $*"
}

user_story() {
  fresh
  refuses missing -a missing dst
  refuses missing -a missing new
  refuses missing -a src/missing new
  refuses "single/below" -a single/below new
  refuses missing -a src missing dst
  refuses missing -a --target-directory=missing src
  refuses single -a --target-directory=single src

  # DST inside SRC, also where it does not exist yet, and by detours.
  refuses src -a src src/sub
  refuses src -a src src/new
  refuses src -a src src/sub/deeper/new
  refuses src -a src/ ./src/sub/../sub/new
  refuses dst -a . dst
  refuses new -a . new
  ln -s src/sub detour
  refuses detour -a src detour
  refuses detour -a src detour/new
  ln -s src alias
  refuses src -a alias/ src/sub
  refuses src -a --target-directory=src/sub src

  # SRC and DST are the same.
  refuses src -a src src
  refuses src -a src/ src/.
  refuses src -a src alias
  refuses src -a --target-directory=. src
  refuses single -a single single
  refuses single -a single ./single
  refuses single -a single .
  ln single hard
  refuses hard -a single hard
  ln -s single soft
  refuses soft single soft
  refuses file -a src/file src

  # SRC inside DST is another matter for one name, but not where it would be overwritten by itself.
  # DST is a file where it must be a directory.
  refuses single -a src single
  refuses single -a src dst single
  refuses single -a src/file src/sub/file single
  refuses single -a src single/

  # One bad source of several: nothing is begun.
  refuses nothing -a src nothing single dst

  # Usage.
  refuses "" -a src
  refuses "" -a
  refuses ""
  refuses no-such-option -a --no-such-option src dst
  refuses "" -a -Z src dst
  refuses sometimes -a --reflink=sometimes src dst
  refuses many -a -j many src dst
  refuses "" -a -j 0 src dst
  refuses "" -a '' dst
  refuses "" -a src ''
}

root_story() {
  fresh
  mkdir bound
  mount --bind src bound
  refuses bound -a src bound
  refuses bound -a src bound/new
  refuses bound -a bound src
  refuses bound -a src bound/sub
  umount bound
  mount --bind src/sub bound
  refuses bound -a src bound
  refuses bound -a src bound/new
  umount bound
  touch bound_file
  mount --bind single bound_file
  refuses bound_file -a single bound_file
  umount bound_file

  # The other way round all is well: a mount of something else below SRC's parent.
  mount -t tmpfs tmpfs bound
  expect 0 fxcp -a src bound && same src bound
  umount bound
}

"${1:-user}_story"
cd "$WORK" || exit 1
finish
