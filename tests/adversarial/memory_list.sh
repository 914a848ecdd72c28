#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Memory does not grow with the lines of a list (--files-from): memory_list.sh COUNT.  Two thirds of the names lie in one directory, the others in a tree;
# the list comes through a pipe, in the order of the tree, and in any order.  As memory.sh a sanitizer's build is compared with itself only.
. "$(dirname "$0")/../support/common.sh"
. "$(dirname "$0")/../support/memory.sh"
count=${1:-200000}

make_files() {   # make_files DIR COUNT
  python3 - "$1" "$2" <<'END_OF_TREE'
import os, sys
top, count = sys.argv[1], int(sys.argv[2])
os.makedirs(top + "/one")
fd = os.open(top + "/one", os.O_RDONLY)
for i in range(count * 2 // 3): os.close(os.open(f"a file with a name of usual length {i}", os.O_CREAT | os.O_WRONLY, dir_fd=fd))
for d in range(count // 3 // 100):
    path = f"{top}/tree/{d % 10}/{d // 10 % 10}/{d}"
    os.makedirs(path)
    for i in range(100): os.close(os.open(f"{path}/file {i}", os.O_CREAT | os.O_WRONLY))
END_OF_TREE
}
# peak LIST SRC DST [OPTION...]: prints the highest RSS in KiB.
peak() {
  python3 - "$program" "$@" <<'END_OF_RUN'
import os, sys
os.dup2(os.open(sys.argv[2], os.O_RDONLY), 0)
pid = os.spawnv(os.P_NOWAIT, sys.argv[1], [sys.argv[1], "-a", "-q", "--from0", "--files-from=-"] + sys.argv[3:])
_, status, usage = os.wait4(pid, 0)
if os.waitstatus_to_exitcode(status) != 0: sys.exit(f"exit {os.waitstatus_to_exitcode(status)}")
print(usage.ru_maxrss)
END_OF_RUN
}
measured() {  # measured WHAT LIST SRC DST [OPTION...]
  local what=$1 rss
  shift
  rss=$(peak "$@") || fail "$what failed: $rss"
  echo "RSS of $what: $rss KiB (sanitizer: $sanitized)"
  [ $sanitized = yes ] || check "$what: under 64 MiB" test "${rss:-99999999}" -lt 65536
  check "$what: does not grow with the lines: $few -> $rss KiB" test "${rss:-99999999}" -lt $((few + 16384))
}
make_files "$a/few" $((count / 10)) && make_files "$a/many" "$count" || exit 1
(cd "$a/few" && find . -print0) >few.list && (cd "$a/many" && find . -print0) >many.list && shuf -z many.list >mixed.list
few=$(peak few.list "$a/few" "$a/t") || fail "$((count / 10)) lines: $few"
same "$a/few" "$a/t"
rm -rf "$a/t"
measured "$count lines" many.list "$a/many" "$a/t"
same "$a/many" "$a/t"
measured "a second run" many.list "$a/many" "$a/t"
measured "a dry run" many.list "$a/many" "$a/nothing" --dry-run
rm -rf "$a/t"
measured "a list in any order" mixed.list "$a/many" "$a/t"
same "$a/many" "$a/t"
finish
