#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A list of --files-from with more lines than fit into one window (16 384): what is copied, counted and said is as with one that is held whole, which is
# what --verify does.
. "$(dirname "$0")/../support/common.sh"
need_fxcp
need_tool python3
work_dir

# 100 directories of 170 names each of one file: 17 000 lines, and not 17 000 inodes.
python3 - <<'END_OF_TREE'
import os
os.makedirs("s")
for d in range(100):
    path = f"s/{d % 4}/{d}"
    os.makedirs(path)
    for i in range(170):
        if i == 0: open(f"{path}/{i}", "w").write(path)
        else: os.link(f"{path}/0", f"{path}/{i}")
    os.utime(path, (1e9 + d, 1e9 + d))
    os.chmod(path, 0o755 if d % 3 else 0o500)
# Names of one file in the first and the last directory: a link across windows.
os.link("s/0/0/0", "s/3/99/far")
for top in range(4): os.utime(f"s/{top}", (1e9, 1e9))
os.utime("s", (9e8, 9e8))
END_OF_TREE
(cd s && find . -type f -print | LC_ALL=C sort -V) >sorted
shuf --random-source=sorted sorted >mixed
(cd s && find . -type f -print0) >nuls
lines=$(wc -l <sorted)
check "more lines than one window: $lines" test "$lines" = 17001
count() { grep -o "\"$1\":[0-9]*" "$2" | tail -n 1 | cut -d: -f2; }  # count KEY FILE: of the summary
counters="files hard_links directories unchanged failures"

# --- in the order of the tree, in any order, and by NUL bytes -------------------------------------------------------------------------
expect 0 fxcp -a --json --files-from=sorted s once && cp out once.json
# --verify needs the whole list: the run beside it holds all of it in one window.
expect 0 fxcp -a --json --verify --files-from=sorted s verified && cp out verified.json
same s once
same s verified
for key in $counters; do
  check "$key: $(count "$key" once.json)" test "$(count "$key" once.json)" = "$(count "$key" verified.json)"
done
check "directories are counted once" test "$(count directories once.json)" = 105
expect 0 fxcp -a --json --files-from=mixed s mixed_copy && cp out mixed.json
same s mixed_copy
check "in any order, too: $(count directories mixed.json)" test "$(count directories mixed.json)" = 105
# A list that does not end before its first window has been copied.
look_for_the_first() {  # until it is there, half a minute at most
  local first i
  first=$(head -z -n 1 nuls | tr -d '\0')
  for ((i = 0; i < 300; i++)); do
    [ -e "nul_copy/$first" ] && echo 1 >began && return
    sleep 0.1
  done
}
echo 0 >began
expect 0 fxcp -a -i --from0 --files-from=- s nul_copy < <(cat nuls && look_for_the_first) && cp out said
check "copying began before the list ended" test "$(cat began)" = 1
same s nul_copy
# --- nothing to do ------------------------------------------------------------------------------------------------------------------
expect 0 fxcp -a -i --files-from=mixed s once && check "the same again, in any order, changes nothing: $(head -n 3 out)" test ! -s out
# --- what is said of each name ---------------------------------------------------------------------------------------------------------
names_said() { grep -E '^[.<>ch*][fdLDS]' "$1" | sed 's/^[^ ]* //; s/ => .*//' | sort; }
(cd s && find . -printf '%P %y\n' | sed 's/^ d$/.\/ d/; s/ d$/\//; s/\/\/$/\//; s/ f$//' | sort) >wanted
check "a line for each name, once" diff <(names_said said) wanted
expect 0 fxcp -a -n -i --files-from=mixed s dry && check "a dry run says so too" diff <(names_said out) wanted
check "and makes nothing" test ! -e dry
expect 0 fxcp --list-only --files-from=sorted s
check "listed once each: $(wc -l <out)" test "$(wc -l <out)" = $((lines + 105))
# --- what is not there, twice what is, what leads outside ---------------------------------------------------------------------------------
{ echo first/missing; cat sorted; echo ./0/0/5; echo ../outside; echo 0/0; echo last/missing; } >gaps
expect 1 fxcp -a --files-from=gaps s gaps_copy && says first/missing last/missing 'is listed, and not in the source' "'../outside' leads outside"
check "each once" test "$(grep -c 'is listed, and not' err)" = 2
same s gaps_copy
{ echo ../outside; cat sorted; } >outside && expect 2 fxcp -a --files-from=outside s nothing && check "nothing is begun" test ! -e nothing
# --- bases: what stands before /./ ----------------------------------------------------------------------------------------------------
{ printf '2/2/./%d\n' {100..129}; cat sorted; printf '1/1/./%d\n' {130..159}; } >bases
expect 0 fxcp -a --files-from=bases s bases_copy
check "of the first window" cmp s/2/2/100 bases_copy/100
check "and of the last" cmp s/1/1/159 bases_copy/159
check "all of them" test "$(find bases_copy -maxdepth 1 -type f | wc -l)" = 60
find bases_copy -maxdepth 1 -type f -delete
check "beside the others" diff <(cd s && find . -printf '%P %y %m %T@\n' | sort) <(cd bases_copy && find . -mindepth 1 -printf '%P %y %m %T@\n' | cat - <(cd ../s && find . -maxdepth 0 -printf '%P %y %m %T@\n') | sort)
# --- listed directories, and all below --------------------------------------------------------------------------------------------------
{ cat sorted; echo 2/; echo 3; } >below
expect 0 fxcp -a -r --files-from=below s below_copy
same s below_copy
# --- sources that go ---------------------------------------------------------------------------------------------------------------------
cp -a s leaving && expect 0 fxcp -a --remove-source-files --files-from=sorted leaving moved
same s moved
check "the sources are gone: $(find leaving -type f | wc -l)" test "$(find leaving -type f | wc -l)" = 0
no_litter once mixed_copy gaps_copy bases_copy below_copy moved
finish
