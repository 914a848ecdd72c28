#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Somebody swaps names while root copies.  Nothing outside of the two trees is read into the target or written; nothing hangs.
#   races.sh source|leaf|fifo|file|target|targetleaf|both     FOXING_RACE_SECONDS (8) says how long
# The oracle is negative: a secret from outside must never appear in the target, and what lies outside must never change.
. "$(dirname "$0")/../support/common.sh"
need_fxcp
private_mounts "$@"
work_dir
mode=${1:-source} seconds=${FOXING_RACE_SECONDS:-8}
mkdir -p outside/dir src/victim/dir dst
for i in $(seq 1 30); do echo "SECRET $i" >"outside/file$i"; echo "SECRET $i" >"outside/dir/file$i"; done
chmod 700 outside
for i in $(seq 1 30); do echo "public $i" >"src/victim/file$i"; echo "public $i" >"src/victim/dir/file$i"; done
chown -R 1000:1000 src
outside_before=$(fingerprint outside)

swap() { "$FOXING_TOOLS/swapper" "$@" >>"$WORK/swaps" & SWAPPERS="${SWAPPERS:-} $!"; }
stop_swapping() {
  [ -n "${SWAPPERS:-}" ] || return 0
  kill $SWAPPERS 2>/dev/null
  wait $SWAPPERS 2>/dev/null
  SWAPPERS=""
}
arm() {
  SWAPPERS=""
  case $mode in
    source)   # a directory of the source becomes a symlink that leads outside
      ln -sfn "$WORK/outside" src/trap
      swap src victim trap ;;
    leaf)     # files of the source become symlinks that lead outside
      for i in 1 2 3; do ln -sfn "$WORK/outside/file$i" "src/victim/trap$i"; swap src/victim "file$i" "trap$i"; done ;;
    fifo)     # a file becomes a fifo that nobody writes to
      for i in 1 2 3; do [ -e "src/victim/trap$i" ] || mkfifo "src/victim/trap$i"; swap src/victim "file$i" "trap$i"; done ;;
    file)     # a directory becomes a file
      [ -e src/trap ] || echo "public file" >src/trap
      swap src victim trap ;;
    target)   # a directory of the target becomes a symlink that leads outside
      rm -rf dst && mkdir -p dst/victim/dir && ln -s "$WORK/outside" dst/trap
      swap dst victim trap ;;
    targetleaf)   # old files of the target become symlinks that lead outside
      rm -rf dst && mkdir -p dst/victim/dir
      for i in 1 2 3; do
        echo old >"dst/victim/file$i" && ln -s "$WORK/outside/file$i" "dst/victim/trap$i"
        swap dst/victim "file$i" "trap$i"
      done ;;
    both)     # directories further down, in both trees at once
      rm -rf dst && mkdir -p dst/victim/dir && ln -s "$WORK/outside/dir" dst/victim/trap
      ln -sfn "$WORK/outside/dir" src/victim/trap
      swap src/victim dir trap
      swap dst/victim dir trap ;;
    *) echo "races.sh: $mode?"; exit 2 ;;
  esac
}

runs=0 failed=0
end=$(($(date +%s) + seconds))
# A slow machine gets more time, so that there are enough runs to mean something.
while [ "$(date +%s)" -lt $end ] || { [ $runs -lt 5 ] && [ "$(date +%s)" -lt $((end + 120)) ]; }; do
  code=0
  arm
  timeout -k 1 20 "$FXCP" -a src dst >out 2>err || code=$?
  runs=$((runs + 1))
  case $code in
    0) ;;
    1 | 2) failed=$((failed + 1)) ;;
    124 | 137) fail "run $runs hangs"; break ;;
    *) fail "run $runs: exit $code: $(head -n 20 err)"; break ;;
  esac
  stop_swapping
  # Links may be in the target as links; what they lead to may not.
  leaked=$(find dst -type f -exec grep -l SECRET {} + | head -n 3)
  [ -z "$leaked" ] || { fail "run $runs: a secret from outside is in the target: $leaked"; break; }
  [ "$outside_before" = "$(fingerprint outside)" ] ||
    { fail "run $runs: something outside was changed: $(diff <(echo "$outside_before") <(fingerprint outside) | head -n 5)"; break; }
  rm -rf dst && mkdir dst
done
stop_swapping
CHECKS=$((CHECKS + runs))
check "enough runs to mean something" test $runs -ge 3
echo "$mode: $runs runs, $failed with failures, swaps: $(awk '{ n += $1 } END { print n + 0 }' swaps)"
check "there were swaps" test "$(awk '{ n += $1 } END { print n + 0 }' swaps)" -gt $runs

# When it is quiet again, the copy is exact.
expect 0 fxcp -a src dst && same src dst --extra-ok
no_litter dst
finish
