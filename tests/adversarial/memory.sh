#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Memory does not grow with the number of files: memory.sh COUNT; half of the files lie in one directory, half in a tree.
# The program alone may take 64 MiB.  A sanitizer has its own memory, which says nothing about ours: such a build is compared with
# itself on a tenth of the files.  FXCP_PLAIN names a build without sanitizers, when there is one.
. "$(dirname "$0")/../support/common.sh"
. "$(dirname "$0")/../support/memory.sh"
count=${1:-200000}

make_files() {   # make_files DIR COUNT
  python3 - "$1" "$2" <<'END'
import os, sys
top, count = sys.argv[1], int(sys.argv[2])
os.makedirs(top + "/one")
def touch(fd, name):
    os.close(os.open(name, os.O_CREAT | os.O_WRONLY, dir_fd=fd))
fd = os.open(top + "/one", os.O_RDONLY)
for i in range(count // 2): touch(fd, f"a file with a name of usual length {i}")
for d in range(count // 2 // 100):
    path = f"{top}/tree/{d % 10}/{d // 10 % 10}/{d}"
    os.makedirs(path)
    fd2 = os.open(path, os.O_RDONLY)
    for i in range(100): touch(fd2, f"file {i}")
    os.close(fd2)
END
}
# peak SRC DST: copies, and prints the highest RSS in KiB.
peak() {
  python3 - "$program" "$@" <<'END'
import os, sys
pid = os.spawnv(os.P_NOWAIT, sys.argv[1], [sys.argv[1], "-a", "-q"] + sys.argv[2:])
_, status, usage = os.wait4(pid, 0)
if os.waitstatus_to_exitcode(status) != 0: sys.exit(f"exit {os.waitstatus_to_exitcode(status)}")
print(usage.ru_maxrss)
END
}
make_files "$a/few" $((count / 10)) && make_files "$a/many" "$count" || exit 1
few=$(peak "$a/few" "$a/t") || fail "the copy of $((count / 10)) files failed: $few"
same "$a/few" "$a/t"; rm -rf "$a/t"
many=$(peak "$a/many" "$a/t") || fail "the copy of $count files failed: $many"
echo "RSS: $few KiB for $((count / 10)) files, $many KiB for $count (sanitizer: $sanitized, $program)"
same "$a/many" "$a/t"
again=$(peak "$a/many" "$a/t") || fail "the second run failed: $again"
echo "RSS of a run over an equal target: $again KiB"
less=$(peak "$a/few" "$a/t" --delete) || fail "the run that deletes failed: $less"
echo "RSS of a run that deletes $((count * 9 / 10)) names, half of them in one directory: $less KiB"
same "$a/few" "$a/t"
[ $sanitized = yes ] || check "under 64 MiB, deleting" test "${less:-99999999}" -lt 65536
check "nor with what is deleted: $few -> $less KiB" test "${less:-99999999}" -lt $((few + 16384))
[ $sanitized = yes ] || { check "under 64 MiB" test "${many:-99999999}" -lt 65536; check "under 64 MiB, again" test "${again:-99999999}" -lt 65536; }
check "does not grow with the files: $few -> $many KiB" test "${many:-99999999}" -lt $((few + 16384))
check "nor over an equal target: $few -> $again KiB" test "${again:-99999999}" -lt $((few + 16384))
finish
