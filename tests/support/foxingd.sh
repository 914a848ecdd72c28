# SPDX-License-Identifier: GPL-2.0-or-later
# What the stories of tests/daemon share; after common.sh.
#   mirror SRC DST [OPTIONS]   starts `foxingd sync --watch` and waits until everything is equal for the first time
#   configure SRC DST...       writes $WORK/config.toml: one source and its targets
#   settled                    waits until all that has happened is on the target
#   stop_mirror, kill_mirror   SIGTERM, and its exit code is checked; SIGKILL
# CAPTURE is the source of events for mirror.
CAPTURE=auto
FOXINGD=${FOXINGD:-$(dirname "${FXCP:-/}")/foxingd}
MIRROR=

need_foxingd() {
  [ -x "$FOXINGD" ] || skip "there is no foxingd beside fxcp ($FOXINGD)"
  need_root
}

foxingd() { timeout -k 5 "${FXCP_TIMEOUT:-120}" "$FOXINGD" "$@"; }

configure() {
  local target
  {
    printf 'control_socket = "%s"\nmetrics = ""\n[[sources]]\npath = "%s"\n' "$WORK/control" "$1"
    for target in "${@:2}"; do printf '[[sources.targets]]\npath = "%s"\n' "$target"; done
  } >"$WORK/config.toml"
}

begin_mirror() {
  "$FOXINGD" "$@" 2>>"$WORK/foxingd.log" &
  MIRROR=$!
  local tries
  for tries in $(seq 200); do
    [ -S "$WORK/control" ] && return 0
    kill -0 $MIRROR 2>/dev/null || break
    sleep 0.05
  done
  fail "foxingd did not begin: $*"
  tail -n 5 "$WORK/foxingd.log" | sed 's/^/      | /'
  return 1
}

mirror() {
  local source=$1 target=$2
  shift 2
  rm -f "$WORK/control"
  begin_mirror sync -a --watch --capture "$CAPTURE" --socket "$WORK/control" "$@" "$source" "$target" && settled
}

settled() { check "flush" foxingd flush --socket "$WORK/control" --timeout "${1:-60}"; }

stop_mirror() {
  local code=0
  kill "$MIRROR" 2>/dev/null
  wait "$MIRROR" || code=$?
  CHECKS=$((CHECKS + 1))
  [ $code = 0 ] || fail "foxingd ended with $code"
}

kill_mirror() {
  kill -KILL "$MIRROR" 2>/dev/null
  wait "$MIRROR" 2>/dev/null
}

# A number of `status --json`.
counted() { foxingd status --json --socket "$WORK/control" | python3 -c 'import json, sys; print(json.load(sys.stdin)["replicas"][int(sys.argv[2])][sys.argv[1]])' "$1" "${2:-0}"; }
