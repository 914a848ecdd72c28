# SPDX-License-Identifier: GPL-2.0-or-later
# What every story of tests/ begins with:   . "$(dirname "$0")/../support/common.sh"
#   in    FXCP, the program; FOXING_TOOLS, the folder with tree_compare, tree_make, swapper; TMPDIR
#   gives $WORK, a directory of its own, and the helpers below.  A story ends with `finish`.
# Holds. Everything is mounted below $WORK; cleaning up unmounts and removes that, and nothing else.  `private_mounts` goes further:
#        the story then lives in a mount namespace of its own, so that even SIGKILL leaves no mount and no loop device behind.
# A check that fails is printed with its command, and the story goes on; the exit code tells in the end.  77 means: cannot run here.
set -u
export LC_ALL=C PATH="$PATH:/usr/sbin:/sbin"
# A sanitizer's finding must not look like "some files failed".
export ASAN_OPTIONS="${ASAN_OPTIONS:+$ASAN_OPTIONS:}exitcode=99:detect_leaks=1"
export UBSAN_OPTIONS="${UBSAN_OPTIONS:+$UBSAN_OPTIONS:}halt_on_error=1:exitcode=99:print_stacktrace=1"
export TSAN_OPTIONS="${TSAN_OPTIONS:+$TSAN_OPTIONS:}exitcode=99"

SUPPORT=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
FAILURES=0
CHECKS=0

skip() {
  echo "SKIP: $*" >&2
  exit 77
}

need_tool() {
  local tool
  for tool; do command -v "$tool" >/dev/null 2>&1 || skip "this machine has no $tool"; done
}

need_root() { [ "$(id -u)" = 0 ] || skip "only root can run this story"; }

need_fxcp() { [ -x "${FXCP:-}" ] || skip "FXCP does not name a program (${FXCP:-unset})"; }

# private_mounts "$@": starts the story again in a mount namespace of its own.
private_mounts() {
  need_root
  need_tool unshare
  if [ "${FOXING_PRIVATE_MOUNTS:-}" != 1 ]; then
    unshare --mount true 2>/dev/null || skip "mount namespaces are not allowed here"
    FOXING_PRIVATE_MOUNTS=1 exec unshare --mount --propagation private "$0" "$@"
  fi
}

# --- the work directory ---------------------------------------------------------------------------------------------------------
clean_up() {
  cd / || exit 1
  [ -n "${WORK:-}" ] && [ -d "$WORK" ] || return 0
  local mounted
  # Mounts in the order they were made, escaped as in mountinfo; the last first.
  for mounted in $(awk -v work="$WORK/" 'index($5, work) == 1 { list = $5 " " list } END { print list }' /proc/self/mountinfo); do
    umount "$(printf '%b' "$mounted")" 2>/dev/null || umount -l "$(printf '%b' "$mounted")" 2>/dev/null
  done
  if grep -qF " $WORK/" /proc/self/mountinfo; then
    echo "clean_up: still mounted below $WORK, left as it is" >&2
    return 0
  fi
  rm -rf "$WORK" 2>/dev/null && return 0
  chmod -R u+rwx "$WORK" 2>/dev/null   # an ordinary user cannot enter what the tests made unreadable
  rm -rf "$WORK"
}

work_dir() {
  WORK=$(mktemp -d "${TMPDIR:-/tmp}/foxing-test.XXXXXX") || skip "no work directory below ${TMPDIR:-/tmp}"
  chmod 755 "$WORK"
  trap clean_up EXIT
  trap 'exit 130' INT TERM HUP
  cd "$WORK" || exit 1
}

# --- filesystems ----------------------------------------------------------------------------------------------------------------
# loop_fs xfs|btrfs|ext4 SIZE [MKFS OPTIONS]: a fresh filesystem in a sparse image; prints where it is mounted.
loop_fs() {
  local type=$1 size=$2 dir
  shift 2
  command -v "mkfs.$type" >/dev/null || { skip "this machine has no mkfs.$type"; }
  dir=$(mktemp -d "$WORK/$type.XXXX") || exit 1
  truncate -s "$size" "$dir.img" || exit 1
  case $type in
    xfs) mkfs.xfs -q -m reflink=1,bigtime=1 "$@" "$dir.img" ;;
    btrfs) mkfs.btrfs -q "$@" "$dir.img" >/dev/null ;;
    ext4) mkfs.ext4 -q -F -m 0 "$@" "$dir.img" ;;
    *) echo "loop_fs: $type?" >&2; exit 1 ;;
  esac >&2 || skip "mkfs.$type failed"
  mount -o loop "$dir.img" "$dir" >&2 || skip "cannot mount $type through a loop device"
  [ ! -d "$dir/lost+found" ] || rmdir "$dir/lost+found"
  chmod 755 "$dir"
  echo "$dir"
}

tmpfs() {
  local dir
  dir=$(mktemp -d "$WORK/tmpfs.XXXX") || exit 1
  mount -t tmpfs -o "size=${1:-512M},mode=755" tmpfs "$dir" >&2 || skip "cannot mount tmpfs"
  echo "$dir"
}

# overlay_fs BACKING: an overlay whose upper directory lies in BACKING.
overlay_fs() {
  local backing=$1 dir
  dir=$(mktemp -d "$WORK/overlay.XXXX") || exit 1
  mkdir -p "$backing/lower" "$backing/upper" "$backing/work" || exit 1
  mount -t overlay -o "lowerdir=$backing/lower,upperdir=$backing/upper,workdir=$backing/work" overlay "$dir" >&2 ||
    skip "cannot mount overlayfs"
  echo "$dir"
}

# new_fs KIND: xfs, btrfs, ext4, tmpfs or overlay, of a size that the trees of tree_make fit in.
new_fs() {
  case $1 in
    tmpfs) tmpfs "${2:-1G}" ;;
    overlay)
      local backing
      backing=$(tmpfs "${2:-1G}") || exit $?
      overlay_fs "$backing"
      ;;
    *) loop_fs "$1" "${2:-1200M}" ;;
  esac
}

# --- programs -------------------------------------------------------------------------------------------------------------------
# No test may wait for ever: what hangs is killed, and 124 or 137 is no exit code that a test expects.
fxcp() { timeout -k 5 "${FXCP_TIMEOUT:-120}" "$FXCP" "$@"; }
tree_make() { "$FOXING_TOOLS/tree_make" "$@"; }
tree_compare() { "$FOXING_TOOLS/tree_compare" "$@"; }

# as_user COMMAND...: as nobody when we are root.  The programs are copied to where nobody may read them.
as_user() {
  if [ "$(id -u)" != 0 ]; then
    "$@"
    return
  fi
  (cd "$WORK" && HOME="$WORK" exec setpriv --reuid=65534 --regid=65534 --clear-groups -- "$@")
}

# Programs that nobody may run: $FXCP_FOR_ALL, and tree_make beside it.
programs_for_all() {
  mkdir -p "$WORK/bin"
  cp "$FXCP" "$FOXING_TOOLS/tree_make" "$FOXING_TOOLS/tree_compare" "$WORK/bin/" || exit 1
  chmod 755 "$WORK/bin" "$WORK/bin/"*
  FXCP_FOR_ALL="$WORK/bin/$(basename "$FXCP")"
  as_user "$FXCP_FOR_ALL" --version >/dev/null 2>&1 || skip "an ordinary user cannot run programs below $WORK"
}

# as_whom user|root: from here `run` is fxcp and `with` is any other command, as an ordinary user (also where we are root) or as root.
as_whom() {
  [ "$1" = user ] || need_root
  if [ "$1" = user ] && [ "$(id -u)" = 0 ]; then
    programs_for_all
    chmod 777 "$WORK"
    run() { as_user "$FXCP_FOR_ALL" "$@"; }
    with() { as_user "$@"; }
  else
    run() { fxcp "$@"; }
    with() { "$@"; }
  fi
}
# has_rsync 3.N: this one, or a later one.
has_rsync() {
  local version
  version=$(rsync --version 2>/dev/null | sed -nE '1s/.*version ([0-9]+\.[0-9]+).*/\1/p')
  [ -n "$version" ] && [ "$(printf '%s\n' "$1" "$version" | sort -V | head -n 1)" = "$1" ]
}

# --- checks ---------------------------------------------------------------------------------------------------------------------
fail() {
  FAILURES=$((FAILURES + 1))
  echo "FAIL: $*"
}

# check WHAT COMMAND...: the command must succeed.
check() {
  local what=$1
  shift
  CHECKS=$((CHECKS + 1))
  "$@" >"$WORK/.check" 2>&1 && return 0
  fail "$what"
  printf '      command:'
  printf ' %q' "$@"
  echo
  head -n 30 "$WORK/.check" | cut -c1-200 | sed 's/^/      | /'
  return 1
}

# check_not WHAT COMMAND...: the command must fail with its own "no" (1), not by a crash.
check_not() {
  local what=$1 code=0
  shift
  CHECKS=$((CHECKS + 1))
  "$@" >"$WORK/.check" 2>&1 || code=$?
  [ $code = 1 ] && return 0
  fail "$what (exit $code, expected 1): $*"
  head -n 30 "$WORK/.check" | cut -c1-200 | sed 's/^/      | /'
  return 1
}

# expect CODE COMMAND...: the exit code must be this one.  Its output stays in $WORK/out and $WORK/err.
expect() {
  local wanted=$1 code=0
  shift
  CHECKS=$((CHECKS + 1))
  "$@" >"$WORK/out" 2>"$WORK/err" || code=$?
  [ $code = "$wanted" ] && return 0
  fail "exit code $code, expected $wanted"
  printf '      command:'
  printf ' %q' "$@"
  echo
  head -n 20 "$WORK/out" | sed 's/^/      out| /'
  head -n 40 "$WORK/err" | sed 's/^/      err| /'
  return 1
}

# says WORDS...: the output of the last `expect` has each of these strings (in either stream).
says() {
  local word
  for word; do
    CHECKS=$((CHECKS + 1))
    cat "$WORK/out" "$WORK/err" | grep -qF -e "$word" && continue
    fail "the output does not say: $word"
    cat "$WORK/out" "$WORK/err" | head -n 20 | cut -c1-200 | sed 's/^/      | /'
  done
}

# same A B [OPTIONS]: the trees are equal.
same() {
  local a=$1 b=$2 code=0
  shift 2
  CHECKS=$((CHECKS + 1))
  tree_compare "$a" "$b" "$@" >"$WORK/.same" 2>&1 || code=$?
  [ $code = 0 ] && return 0
  fail "not the same: $a $b $* (tree_compare exit $code, $(wc -l <"$WORK/.same") lines)"
  head -n "${SAME_LINES:-12}" "$WORK/.same" | cut -c1-200 | sed 's/^/      | /'
  return 1
}

# no_litter DIR: no staging name is left.  Trees that have such names on purpose are compared instead.
no_litter() {
  local found
  CHECKS=$((CHECKS + 1))
  found=$(find "$1" -name '.tmp.*' | head -n 5)
  [ -z "$found" ] && return 0
  fail "staging names are left: $found"
  return 1
}

# What a story knows about a directory to see later that nothing of it was touched: everything but atimes.
fingerprint() {
  find "$1" -printf '%P|%y|%m|%U|%G|%s|%T@|%C@|%n|%i|%l\n' | LC_ALL=C sort
  find "$1" -type f -exec md5sum {} + 2>/dev/null | LC_ALL=C sort
}

finish() {
  if [ "$CHECKS" = 0 ]; then
    echo "FAIL: this story checked nothing"
    exit 1
  fi
  if [ "$FAILURES" != 0 ]; then
    echo "$FAILURES of $CHECKS checks failed"
    exit 1
  fi
  echo "$CHECKS checks passed"
  exit 0
}
