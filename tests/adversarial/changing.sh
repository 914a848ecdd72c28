#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Sources that do not hold still: files that grow, shrink and are rewritten under the copy, names that come and go, and files of
# /proc and /sys, which say that they are empty.  Never a crash, never a mix of two states unnoticed.
. "$(dirname "$0")/../support/common.sh"
need_fxcp
need_tool python3
work_dir

# Files that lie about their size are copied to their end.
expect 0 fxcp /proc/self/mountinfo mountinfo && check "there is something in it" test -s mountinfo
expect 0 fxcp /proc/cpuinfo cpuinfo && check "as much as cat sees" test "$(wc -l <cpuinfo)" = "$(wc -l </proc/cpuinfo)"
expect 0 fxcp /proc/version version && check "the same" cmp version /proc/version
if [ -r /sys/kernel/mm/transparent_hugepage/enabled ]; then
  expect 0 fxcp /sys/kernel/mm/transparent_hugepage/enabled enabled && check "the same" cmp enabled /sys/kernel/mm/transparent_hugepage/enabled
fi

# A writer that replaces the whole content in place: each state is one letter.  A copy with two letters is a mix.
cat >writer.py <<'END'
import os, sys, time
path, size, until = sys.argv[1], int(sys.argv[2]), time.monotonic() + float(sys.argv[3])
fd = os.open(path, os.O_RDWR | os.O_CREAT)
letter = 0
while time.monotonic() < until:
    letter = (letter + 1) % 26
    data = bytes([97 + letter]) * 65536
    for at in range(0, size, 65536): os.pwrite(fd, data, at)
    time.sleep(float(sys.argv[4]))
END
letters() { python3 -c 'import sys; print(len(set(open(sys.argv[1], "rb").read())))' "$1"; }
mkdir src
# beside_writer PAUSE: with a pause there are quiet moments to be found; without one there is none, and that must be said.
beside_writer() {
  local runs=0 told=0 code end
  python3 writer.py src/file 4194304 60 "$1" & writer=$!
  until [ "$(stat -c %s src/file 2>/dev/null)" = 4194304 ]; do sleep 0.05; done
  end=$(($(date +%s) + 6))
  while [ "$(date +%s)" -lt $end ]; do
    code=0
    fxcp -a --reflink=never --json src t >out 2>err || code=$?
    runs=$((runs + 1)); CHECKS=$((CHECKS + 1))
    case $code in
      0) [ "$(letters t/file)" = 1 ] || { fail "exit 0, and the copy is a mix of $(letters t/file) states (or not there)"; break; } ;;
      1 | 2) told=$((told + 1))
        check "changed while read, with the path" python3 "$SUPPORT/json_lines.py" failure out file || break
        check "of that kind" python3 "$SUPPORT/json_lines.py" only_failures out changed_while_read || break
        if [ -e t/file ]; then check "no mix was stored" test "$(letters t/file)" = 1 || break; fi ;;
      *) fail "exit $code: $(head -n 5 err)"; break ;;
    esac
    [ $((runs % 2)) = 0 ] && rm -rf t
  done
  kill $writer 2>/dev/null; wait $writer 2>/dev/null
  echo "$runs runs beside a writer with pauses of $1 s, $told of them said so"
  no_litter .
  rm -rf t; expect 0 fxcp -a src t && same src t
}
beside_writer 0.05
beside_writer 0

# A file that grows, as a log does.
: >src/log
(for i in $(seq 1 200000); do echo "line $i"; done >>src/log) & writer=$!
for _ in 1 2 3 4 5; do
  code=0; fxcp -a src t >out 2>err || code=$?
  CHECKS=$((CHECKS + 1))
  [ $code = 0 ] || [ $code = 1 ] || fail "exit $code beside a growing file: $(head -n 5 err)"
  if [ -e t/log ]; then check "a beginning of the log" cmp -n "$(stat -c %s t/log)" t/log src/log; fi
done
kill $writer 2>/dev/null; wait $writer 2>/dev/null
expect 0 fxcp -a src t && same src t

# Names that come and go: vanished files are no failure.
mkdir src/busy
python3 - src/busy <<'END' & churn=$!
import os, sys, time
os.chdir(sys.argv[1]); until = time.monotonic() + 6; i = 0
while time.monotonic() < until:
    i += 1
    open(f"f{i % 500}", "w").write(str(i))
    try: os.unlink(f"f{(i * 7) % 500}")
    except OSError: pass
    if i % 50 == 0:
        try: os.mkdir(f"d{i % 300}"); open(f"d{i % 300}/x", "w").close()
        except OSError: pass
    if i % 77 == 0:
        try: os.unlink(f"d{(i * 3) % 300}/x"); os.rmdir(f"d{(i * 3) % 300}")
        except OSError: pass
END
sleep 0.2
while kill -0 $churn 2>/dev/null; do
  code=0; fxcp -a --json src t >out 2>err || code=$?
  CHECKS=$((CHECKS + 1))
  [ $code = 0 ] || [ $code = 1 ] || { fail "exit $code beside names that come and go: $(head -n 5 err)"; break; }
  if [ $code = 1 ]; then check "only changed_while_read" python3 "$SUPPORT/json_lines.py" only_failures out changed_while_read; fi
done
wait $churn
rm -rf t; expect 0 fxcp -a src t && same src t
no_litter t
finish
