#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# --cleanup removes what killed runs left behind, and only that; an ordinary run does the same in its own target.
. "$(dirname "$0")/../support/common.sh"
need_fxcp
work_dir
mkdir src && head -c 300000000 /dev/urandom >src/big
for i in $(seq 1 300); do echo $i >src/file$i; done
mkdir -p base/sub && for name in .tmp .tmp. .tmp.notes .tmp.12345678-1234-1234-1234-123456789abc \
  .tmp.00000000-0000-0000-0000-000000000000 .tmp.ffffffff-ffff-8fff-8fff-ffffffffffff; do
  echo mine >"base/$name"; echo mine >"base/sub/$name"; mkdir "base/sub/d$name" "base/sub/.tmp.dir$name"
done

# litter DIR: a run is killed until it leaves a staging name.  With old names in the target, because a new name needs none.
litter() {
  local attempt pid
  for attempt in $(seq 1 60); do
    mkdir -p "$1" && echo old >"$1/big"
    "$FXCP" -a --reflink=never src "$1" >/dev/null 2>&1 & pid=$!
    sleep "0.0$((attempt % 9 + 1))"
    kill -9 $pid 2>/dev/null
    wait $pid 2>/dev/null
    [ -n "$(find "$1" -name '.tmp.*-*')" ] && return 0
  done
  return 1
}

if litter t; then
  name=$(find t -name '.tmp.*-*' -printf '%f\n' | head -n 1)
  cp -a base/. t/
  before=$(cd t && find . ! -name "$name" ! -name . | sort)
  expect 0 fxcp --cleanup -n -v t && check "a dry run removes nothing" test -e "t/$name" && says "$name"
  expect 0 fxcp --cleanup t && check "the dead run's file is gone" test ! -e "t/$name"
  check "all else is there" test "$before" = "$(cd t && find . ! -name . | sort)"
  expect 0 fxcp --cleanup t base
  same base t --extra-ok --no-times

  # Below, too.
  mkdir -p t/deep/er && echo x >"t/deep/er/$name"
  expect 0 fxcp --cleanup t && check "deeper down, too" test ! -e "t/deep/er/$name"

  # Names that differ in one digit of the fixed part are somebody's own.
  for at in 6 7 8 9; do
    other=$(printf %s "$name" | sed "s/./$(printf %s "$name" | cut -c$at | tr '0-9a-f' '1-9a-f0')/$at")
    echo mine >"t/$other"
  done
  count=$(find t -name '.tmp.*' | wc -l)
  expect 0 fxcp --cleanup t
  echo "names that differ in one digit: $(find t -name '.tmp.*' | wc -l) of $count stay"

  # A directory or symlink of such a name was never ours.
  mkdir "t/$name" && echo mine >"t/$name/file"
  fxcp --cleanup t >out 2>err; check "a directory of that name that holds names stays (exit $?)" test -e "t/$name/file"
  rm -r "t/${name:?}"
else
  echo "no run left a staging name in 60 kills: nothing to clean up"
fi

# The file of a run that is alive stays.
mkdir alive && echo old >alive/big
"$FXCP" -a --reflink=never src alive >/dev/null 2>&1 & pid=$!
for _ in $(seq 1 200); do [ -n "$(find alive -name '.tmp.*-*')" ] && break; sleep 0.005; done
expect 0 fxcp --cleanup alive
wait $pid; code=$?
check "the run beside was not harmed (exit $code)" test $code = 0
same src alive
# Two runs into one target at once: each whole, and equal in the end.
mkdir both
"$FXCP" -a --reflink=never src both >out1 2>err1 & first=$!
"$FXCP" -a --reflink=never src both >out2 2>err2 & second=$!
wait $first; one=$?; wait $second; two=$?
echo "two runs at once: exit $one and $two"
expect 0 fxcp -a src both && same src both && no_litter both
expect 2 fxcp --cleanup no/such/target && says no/such/target
expect 2 fxcp --cleanup
finish
