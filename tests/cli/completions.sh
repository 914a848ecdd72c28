#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# completions.sh bash|zsh|fish: what a person gets by pressing tab in that shell.
# Each name below is the only one that fits, so that a tab brings it in full; what must not be offered stays as it was typed.
. "$(dirname "$0")/../support/common.sh"
shell=${1:?bash, zsh or fish}
need_fxcp
need_tool python3 "$shell"
docgen=$(dirname "$FXCP")/fxcp_docgen
[ -x "$docgen" ] || skip "there is no fxcp_docgen beside $FXCP"
work_dir

"$docgen" "$shell" >script
mkdir here && echo x >here/apple-file && mkdir here/apply-dir here/grove && cd here || exit 1

# becomes LINE WORD...: after LINE and a tab the command has these words.  A slash behind the name of a directory does not count.
becomes() {
  local line=$1 got
  shift
  got=$("$SUPPORT/complete_with.py" "$shell" ../script "$line" | sed 's|/$||') || got="(failed)"
  check "$line becomes $*, and not $(echo $got)" test "$got" = "$(printf '%s\n' "$@")"
}

becomes "fxcp --rec" --recursive
becomes "fxcp inf" info
becomes "fxcp ver" verify
becomes "fxcp -a gro" -a grove
becomes "fxcp -- apple" -- apple-file
becomes "fxcp --reflink=al" --reflink=always
becomes "fxcp --content ha" --content hash

for option in files-from exclude-from include-from log-file; do
  becomes "fxcp --$option=apple" "--$option=apple-file"
  becomes "fxcp --$option=gr" "--$option=grove"     # the way to a file
done
becomes "fxcp --files-from apple" --files-from apple-file

# Directories, and no files.
for option in target-directory link-dest trash; do
  becomes "fxcp --$option=app" "--$option=apply-dir"
  becomes "fxcp --$option apple-" "--$option" apple-
done
becomes "fxcp -T app" -T apply-dir

# Neither.
becomes "fxcp --max-size=app" --max-size=app
becomes "fxcp --max-size app" --max-size app
finish
