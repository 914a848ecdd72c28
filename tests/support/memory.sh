# SPDX-License-Identifier: GPL-2.0-or-later
# What the stories of memory share; after common.sh, with "$@".  Sets: program, the one to measure, which is FXCP_PLAIN where that is there; sanitized, yes or no;
# a, a large tmpfs.  A sanitizer has its own memory, which says nothing about ours: such a build is compared with itself only.
need_fxcp
need_tool python3
private_mounts "$@"
work_dir
program=$FXCP
[ -n "${FXCP_PLAIN:-}" ] && [ -x "$FXCP_PLAIN" ] && program=$FXCP_PLAIN
sanitized=no
grep -qa -e __asan_init -e __tsan_init "$program" && sanitized=yes
export ASAN_OPTIONS="$ASAN_OPTIONS:quarantine_size_mb=1:malloc_context_size=1:detect_leaks=0"
a=$(tmpfs 4G) || exit $?
