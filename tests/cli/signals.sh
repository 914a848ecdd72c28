#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# SIGINT and SIGTERM stop the copy cleanly: summary, exit 1, no staging names, whole files only; a second one at once.
. "$(dirname "$0")/../support/common.sh"
need_fxcp
need_tool python3
work_dir
mkdir src
for i in $(seq 1 60); do mkdir "src/d$i" && for k in $(seq 1 100); do echo "$i $k" >"src/d$i/f$k"; done; done
for i in 1 2 3 4; do head -c 80000000 /dev/urandom >"src/big$i"; done

# stopped SIGNAL DELAY: a copy that gets the signal in its midst.
stopped() {
  local signal=$1 delay=$2 code=0 pid
  rm -rf t
  # --reflink=never, so that it takes a while; a new session, because background jobs of a shell ignore SIGINT.
  python3 -c 'import signal, os, sys; signal.signal(signal.SIGINT, signal.SIG_DFL); os.execv(sys.argv[1], sys.argv[1:])' \
    "$FXCP" -a --reflink=never --json src t >out 2>err &
  pid=$!
  for _ in $(seq 1 500); do [ -e t ] && break; sleep 0.01; done   # it has begun: its handlers are there
  sleep "$delay"
  kill -s "$signal" $pid 2>/dev/null || { wait $pid; return 2; }
  for _ in $(seq 1 100); do kill -0 $pid 2>/dev/null || break; sleep 0.1; done
  kill -0 $pid 2>/dev/null && { fail "still running 10 s after SIG$signal"; kill -9 $pid; }
  wait $pid || code=$?
  return $((code == 0 ? 2 : code == 1 ? 0 : code))
}

caught=0
for signal in INT TERM; do
  for delay in 0 0.05 0.1 0.2 0.4; do
    code=0
    stopped $signal $delay || code=$?
    [ $code = 2 ] && continue   # it was done before
    caught=$((caught + 1))
    CHECKS=$((CHECKS + 1))
    [ $code = 0 ] || fail "exit code $code after SIG$signal, expected 1: $(head -n 3 err)"
    no_litter t
    check "a summary" python3 "$SUPPORT/json_lines.py" last out summary
    # What is there is whole; what is not there was not come to.
    check "no half file after SIG$signal" sh -c "! diff -rq src t | grep -v '^Only in src'"
  done
done
check "at least one signal came in time" test $caught -gt 0
expect 0 fxcp -a src t && same src t
finish
