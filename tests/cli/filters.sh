#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Rules that choose names, through the whole program: the trees that fxcp and rsync leave behind are the same.  Whether single rules match
# is asked of many more of them in support/filter_fuzz.py.
. "$(dirname "$0")/../support/common.sh"
need_fxcp
need_tool rsync
rsync --version | head -n 1 | grep -qE 'version (3\.([2-9]|[1-9][0-9])|[4-9])' || skip "rsync is older than 3.2"
work_dir
export HOME="$WORK/home" CVSIGNORE="*.env"
mkdir home && echo '*.home' >home/.cvsignore

# --- the world: a source, and a target with some of the same and with names of its own -------------------------------------------
put() { local path; for path; do mkdir -p "$(dirname "$path")" && echo "$path" | cut -d/ -f2- >"$path"; done; }
put src/{keep.c,top.o,x.log,important.log,core,a.env,b.home,save~,foo} src/build/{out,deep/obj.o,deep/text} src/sub/{foo,s.o,s.c,build/inner} \
  src/sub/deep/{foo,d.o,build,deeper/deepest/end} src/only.d/{o.o,o.c} src/CVS/Entries src/.git/HEAD src/logs/{a.log,b.txt}
mkdir src/empty
# Equal names with other contents, and what the source has not.
put old/{keep.c,old.c,old.o,gone.log} old/build/{out,stale,deep/stale.o} old/sub/{foo,s.o,stale.o,stale.c} old/logs/{a.log,z.log,z.txt} \
  old/alone/{foo,a.o,a.c,build/x} old/objects/{1.o,2.o} old/deep/deeper/{foo,r.o} old/a.env
find old -type f -exec sh -c 'echo older >>"$1"' - {} \;
rule_file() {  # PATH LINES: the same file in both trees; rsync asks the target's
  local path=$1 tree
  shift
  for tree in src old; do mkdir -p "$(dirname "$tree/$path")" && printf '%s\n' "$@" >"$tree/$path" && touch -d 2001-01-01 "$tree/$path"; done
}
find src old -exec touch -h -d 2001-01-01 {} +
find src -name '*.c' -exec touch -d 2002-02-02 {} +

listing() { (cd "$1" && find . -printf '%P %y\n' && find . -type f -exec md5sum {} +) | sort; }
# equal WHAT OURS THEIRS: the same names with the same contents.
equal() {
  CHECKS=$((CHECKS + 1))
  diff <(listing "$2") <(listing "$3") >"$WORK/.diff" && return 0
  fail "$1: not as rsync (< fxcp, > rsync)"
  head -n 12 "$WORK/.diff" | sed 's/^/      | /'
}
# Without a rule: what the result must differ from, or the rule was ignored by both.
cp -a old plain_old && rsync -a src/ plain_old/ && cp -a old plain_delete && rsync -a --delete src/ plain_delete/

# beside [RULE OPTION...]: into nothing, onto the old target, and with --delete.
beside() {
  local ours=$WORK/ours theirs=$WORK/theirs
  rm -rf "$ours" "$theirs"
  expect 0 fxcp -a "$@" src "$ours" && rsync -a "$@" src/ "$theirs/" 2>/dev/null && equal "new: $*" "$ours" "$theirs"
  check_not "the rule matters: $*" diff -rq src "$theirs"
  rm -rf "$ours" "$theirs" && cp -a old "$ours" && cp -a old "$theirs"
  expect 0 fxcp -a "$@" src "$ours" && rsync -a "$@" src/ "$theirs/" 2>/dev/null && equal "old: $*" "$ours" "$theirs"
  expect 0 fxcp -a -i "$@" src "$ours" && check_not "a re-run finds nothing to do (but times of reading)" grep -vE '^.[fd]\.{6}u\.\. ' "$WORK/out"
  deleting --delete "$@"
}
# deleting [OPTION...]: these options onto the old target alone.
deleting() {
  local ours=$WORK/ours theirs=$WORK/theirs
  rm -rf "$ours" "$theirs" && cp -a old "$ours" && cp -a old "$theirs"
  expect 0 fxcp -a "$@" src "$ours"
  rsync -a "$@" src/ "$theirs/" >"$WORK/.rsync" 2>&1 || { cat "$WORK/.rsync"; fail "rsync $*"; }
  equal "$*" "$ours" "$theirs"
  check_not "the rule matters: $*" diff -rq plain_delete "$theirs"
}

# --- each option, beside rsync ------------------------------------------------------------------------------------------------------
beside --exclude='*.o'
beside --exclude=/build
beside --exclude=build
beside --exclude=build/
beside --exclude=/sub/deep/build
beside --exclude=deep/foo
beside --exclude='deep/***'
beside --exclude='sub/**/foo'
beside --include='*.c' --include='*/' --exclude='*'
beside --include='/sub/***' --exclude='/*'
beside --include='logs/' --include='logs/*.txt' --exclude='logs/*' --exclude='/*.log'
beside --exclude='- *.o' --exclude='+ foo' --include='- foo'
beside --exclude=core --exclude='!' --exclude='*.c'
beside -f '- *.o' -f '+ s.c' -f '- s.*'
beside --filter='exclude,! */' --filter='+ foo'
beside --filter='H *.o'
beside --filter='S s.o' --filter='H *.o'
beside --filter='P *.o' --exclude=core
beside --filter='R old.o' --filter='P *.o' --filter='- x.log'
beside --filter='protect /alone/' --exclude=core
beside --filter='protect /alone/***' --exclude=core
beside --filter='-s /build' --filter='-r /objects'
beside --filter='-p *.o'
beside --filter="-/ $WORK/src/sub" --filter='P /sub'
beside -C
beside --cvs-exclude --include='*.o'

printf '# a comment\n\n; another\n*.o\n+ foo\n- /build\n' >rules
beside --exclude-from=rules
printf '*/\n*.c\n- *\n' >wanted
beside --include-from=wanted --exclude=foo
printf -- '- *.o\n\n# comment\n+ foo\nP *.log\nexclude /build\n' >full_rules
beside --filter='. full_rules'
beside --filter='merge,- wanted' --exclude=core
printf '*.o\0#odd\0- build\0' >nul_rules
put src/#odd
beside --from0 --exclude-from=nul_rules
beside -0 --exclude-from=nul_rules
rm 'src/#odd'
# From standard input: a re-run needs it again.
for moment in "" --delete; do
  rm -rf ours theirs && cp -a old ours && cp -a old theirs
  expect 0 fxcp -a $moment --exclude-from=- src ours <rules && rsync -a $moment --exclude-from=rules src/ theirs/ && equal "rules of stdin $moment" ours theirs
done

# Files of rules in directories.
rule_file .rsync-filter '- *.log' 'P /old.o'
rule_file sub/.rsync-filter '- *.o' '+ foo'
rule_file build/.rsync-filter '!' '- deep'
rm -rf plain_delete && cp -a old plain_delete && rsync -a --delete src/ plain_delete/
beside -F
beside -FF
beside -F -F --exclude=core
beside --filter=': .rsync-filter'
beside --filter=':e .rsync-filter'
beside --filter=':n .rsync-filter'
rm -rf plain_delete && cp -a old plain_delete && rsync -a --delete src/ plain_delete/
deleting --delete --delete-excluded -FF
deleting --delete-before -F
deleting --delete-after -F

# --delete-excluded: what is left out goes, what is guarded by name stays.
deleting --delete --delete-excluded --exclude='*.o'
deleting --delete-before --exclude='*.o'
deleting --delete-after --exclude='*.o'
deleting --delete-before --delete-excluded --exclude=/build
deleting --delete-after --delete-excluded --exclude=build/ --filter='P /alone/***'
deleting --delete --delete-excluded --filter='-r *.o' --exclude=core
# In words, so that a comparison with rsync is not all that stands for it.
rm -rf ours && cp -a old ours
expect 0 fxcp -a --delete --exclude=/build --exclude='*.o' src ours
check "an excluded directory survives" test -e ours/build/stale -a -e ours/build/deep/stale.o
check "it is as it was" test "$(cat ours/build/out)" = "$(cat old/build/out)"
check "an excluded file keeps its directory" test -e ours/objects/1.o -a -e ours/alone/a.o
check "what is in no rule goes" test ! -e ours/old.c -a ! -e ours/alone/a.c
expect 0 fxcp -a --delete --delete-excluded --exclude=/build --exclude='*.o' src ours
check "--delete-excluded deletes it" test ! -e ours/build -a ! -e ours/objects -a ! -e ours/alone
check "nothing left out is left" test -z "$(find ours -name '*.o')"
# -n says the same as it would do.
rm -rf ours && cp -a old ours
expect 0 fxcp -a -n -i --delete --exclude=/build --filter='P /alone/***' src ours && grep -F '*deleting' out | sort >said
before=$(listing ours)
expect 0 fxcp -a -i --delete --exclude=/build --filter='P /alone/***' src ours && grep -F '*deleting' out | sort >done
check "a dry run says what is deleted" diff said done
check "something was" test -s said
check_not "the dry run was dry" test "$before" = "$(listing ours)"

# --- where patterns are anchored ----------------------------------------------------------------------------------------------------
put more/{foo,sub/foo,x.log} && mkdir -p old_both/src old_both/more && cp -a old/. old_both/src && put old_both/more/{foo,gone}
for rules in --exclude=/foo --exclude=/src/foo --exclude=/sub --exclude=/more/sub --exclude=/src --exclude='/*/sub' --exclude=sub/foo --include='/more/***' ; do
  [ "$rules" != "--include=/more/***" ] || rules='--include=/more/*** --exclude=/src/*'
  for moment in "" --delete; do
    rm -rf ours theirs && cp -a old_both ours && cp -a old_both theirs
    set -f   # the words of $rules have stars
    expect 0 fxcp -a $moment $rules src more ours && rsync -a $moment $rules src more theirs/ && equal "two SRC $rules $moment" ours theirs
    rm -rf ours theirs && cp -a old_both ours && cp -a old_both theirs
    expect 0 fxcp -a $moment $rules --target-directory=ours src && rsync -a $moment $rules src theirs/ && equal "into DST: $rules $moment" ours theirs
    set +f
  done
done
# What is named on the command line is judged by the rules too, directory or file.
echo file >file
for rules in --exclude=file --exclude='fi*' --exclude=more/ --include=more/b; do
  rm -rf ours theirs && mkdir ours theirs
  expect 0 fxcp -a "$rules" file more ours && rsync -a "$rules" file more theirs/ && equal "file and directory as SRC: $rules" ours theirs
done
rm -rf ours && expect 0 fxcp -a --exclude=/foo src ours && check "/foo of one SRC" test ! -e ours/foo -a -e ours/sub/foo
rm -rf ours && mkdir ours && expect 0 fxcp -a --exclude=/src/foo src more ours
check "/src/foo of two SRC" test ! -e ours/src/foo -a -e ours/src/sub/foo -a -e ours/more/foo

# --- only here: the literal include, .gitignore, --max-depth ------------------------------------------------------------------------
rm -rf ours && expect 0 fxcp -a --exclude='*.log' --include=important.log src ours
check "a literal include behind a wildcard exclude wins" test -e ours/important.log -a ! -e ours/x.log
rm -rf ours && expect 0 fxcp -a --exclude=important.log --include=important.log src ours
check "but not behind a literal one" test ! -e ours/important.log -a -e ours/x.log
rm -rf ours && expect 0 fxcp -a --exclude='*.log' --include='imp*.log' src ours
check "and only a literal one" test ! -e ours/important.log

rule_file .gitignore '*.log' '!important.log' 'build/' '/foo'
rule_file sub/.gitignore '*.c' '!keep.c'
rm -rf ours && expect 0 fxcp -a --gitignore src ours
check "what git ignores is left out" test ! -e ours/x.log -a ! -e ours/build -a ! -e ours/foo -a ! -e ours/sub/s.c -a ! -e ours/sub/build
check "and only that" test -e ours/important.log -a -e ours/sub/foo -a -e ours/sub/deep/build -a -e ours/keep.c -a -e ours/.gitignore
rm -rf ours && expect 0 fxcp -a --include=x.log --gitignore src ours && check "other rules come first" test -e ours/x.log
if command -v git >/dev/null; then
  rm -rf ours && expect 0 fxcp -a --gitignore --exclude=.git/ src ours
  cp -a src repository && rm -rf repository/.git repository/empty && git -C repository init -q 2>/dev/null
  (cd repository && git ls-files --others --exclude-standard | sort) >git_names
  (cd ours && find . -type f -printf '%P\n' | sort) >our_names
  check "the names that git would add" diff our_names git_names
fi
rm -rf ours && cp -a old ours && expect 0 fxcp -a --gitignore --delete src ours
check "ignored names are guarded" test -e ours/gone.log -a -e ours/build/stale -a -e ours/sub/stale.c
check "others are not" test ! -e ours/old.c -a ! -e ours/objects
expect 0 fxcp -a --gitignore --delete --delete-excluded src ours
check "--delete-excluded deletes them" test ! -e ours/gone.log -a ! -e ours/build -a ! -e ours/sub/stale.c

for depth in 1 2 3; do
  rm -rf ours && expect 0 fxcp -a --max-depth=$depth src ours
  (cd src && find . -maxdepth $depth -printf '%P %y\n' | sort) >wanted_names
  (cd ours && find . -printf '%P %y\n' | sort) >our_names
  check "--max-depth=$depth" diff our_names wanted_names
done
rm -rf ours && cp -a old ours && expect 0 fxcp -a --max-depth=1 --delete src ours
check "what is deeper is not deleted" test -e ours/sub/stale.c -a -e ours/build/deep/stale.o
check "what is not deeper is" test ! -e ours/old.c
rm -f {src,old}{,/sub,/build}/.gitignore

# --- --files-from: lines as rsync reads them -------------------------------------------------------------------------------------------
rm -rf listed && mkdir -p listed/real/deep listed/d/sub listed/e && echo f >listed/real/f && echo g >listed/real/deep/g && echo t >listed/top
echo x >listed/d/x && echo y >listed/d/sub/y && ln -s x listed/d/l && ln -s real listed/lnk && ln -s nowhere listed/dead && ln -s .. listed/d/up
find listed -exec touch -h -d 2001-01-01 {} +
for lines in d/x lnk/f lnk lnk/ 'lnk\nlnk/f' 'lnk/deep/g\nlnk/f' d d/ d/. . ./ d/x/ 'd/\nd/sub/y' 'd/sub/\nd/x' 'd\nd/sub' /d/x ././d/x \
  d/./x d/./sub/y d/./sub d/./ d/./. /d/./x ./d/./x d/././sub/y d/./sub/./y lnk/./f 'top\nreal/./f' 'd/./x\nd/sub/./y' 'd/x\nd/./x' 'd\nd/./sub/y' \
  'e/\nd/./l' d/up/top dead; do
  more=()
  case $lines in d/ | d/./sub/y | .) more=(--exclude=/d --exclude=x --exclude=sub/ '--include=*/ --include=y --exclude=*') ;; d/x) more=(--exclude=d) ;; esac
  for options in '' -r "${more[@]}"; do
    rm -rf ours theirs && mkdir ours theirs && printf "$lines\n" >lines
    set -f
    # shellcheck disable=SC2086
    fxcp -a $options --files-from=lines listed ours >out 2>err; code=$?
    # shellcheck disable=SC2086
    rsync -a $options --files-from=lines listed theirs >/dev/null 2>&1; theirs=$?
    set +f
    check "--files-from '$lines' $options" diff <(listing ours) <(listing theirs)
    [ -n "$options" ] || check "exit codes: $code and $theirs of '$lines'" test $code = $theirs
  done
done
# In words, and what is not there.
printf 'lnk/f\nd/./x\nnone/./x\nd/./none\ndead/x\n' >lines && rm -rf ours && expect 1 fxcp -a --files-from=lines listed ours
check "those that are there: $(cd ours && find . | sort | tr '\n' ' ')" test "$(cd ours && find . | sort | tr '\n' ' ')" = ". ./lnk ./lnk/f ./x "
check "those that are not: $(cat err)" test "$(grep -c 'is listed, and not in the source' err)" = 3
says none/./x d/./none dead/x
printf 'd/./sub/\nd/./x\ntop\n' >lines && expect 0 fxcp -a --files-from=lines listed ours && expect 0 fxcp -a -i --files-from=lines listed ours
check "the same again changes nothing: $(cat out)" test ! -s out
check "DST has the attributes of SRC" test "$(stat -c %Y ours)" = "$(stat -c %Y listed)"
expect 0 fxcp --list-only --files-from=lines listed && says sub/y top

# --- what cannot be --------------------------------------------------------------------------------------------------------------
rm -rf ours && cp -a old ours && untouched=$(fingerprint ours)
refused() {  # WORDS... -- OPTIONS...: exit 2, these words, nothing touched
  local words=()
  while [ "$1" != -- ]; do words+=("$1"); shift; done
  shift
  expect 2 fxcp -a "$@" src ours </dev/null && says "${words[@]}"
  check "nothing was touched: $*" test "$untouched" = "$(fingerprint ours)"
}
refused "'q foo'" -- --filter='q foo'
refused "'-x foo'" -- --filter='-x foo'
refused "'-'" -- --filter='-'
refused "'-z foo'" -- --filter='-z foo'
refused "'+ '" -- --filter='+ '
refused -- --delete --filter='merge'
refused missing_rules "No such file" -- --exclude-from=missing_rules
refused missing_rules "No such file" -- --delete --include-from=missing_rules
refused missing_rules "No such file" -- --filter='. missing_rules'
refused src -- --exclude-from=src
printf '\n# good\n- *.o\nbogus foo\n' >bad_rules
refused "bad_rules:4" "'bogus foo'" -- --filter='. bad_rules'
printf -- '- *.o\n. bad_rules\n' >outer_rules
refused "bad_rules:4" -- --delete --filter='. outer_rules'
printf '. self_rules\n' >self_rules
refused self_rules -- --filter='. self_rules'
refused --delete-excluded -- --delete-excluded --exclude=foo
refused --max-depth -- --max-depth=0
refused --max-depth -- --max-depth=x
# A bad rule file in a directory: that directory is neither copied nor deleted in; the others are.
printf 'bogus foo\n' >src/sub/.my && rm -rf ours && cp -a old ours
expect 1 fxcp -a --delete --filter=': .my' src ours && says "sub/.my:1" "'bogus foo'"
check "nothing in it was deleted" test -e ours/sub/stale.c -a "$(cat ours/sub/foo)" = "$(cat old/sub/foo)"
check "others were copied and deleted in" test -e ours/only.d/o.c -a ! -e ours/logs/z.txt
rm src/sub/.my && ln -s ../rules src/sub/.my && rm -rf ours && cp -a old ours
expect 1 fxcp -a --delete --filter=': .my' src ours && says "sub/.my"
check "nothing in it was deleted" test -e ours/sub/stale.c
rm src/sub/.my
# One that cannot be read, as somebody who is not root.
programs_for_all
mkdir for_all && cp -a src for_all/src && cp -a old for_all/old && echo '- *.o' >for_all/src/sub/.my && chmod 0 for_all/src/sub/.my
echo '*.o' >unreadable_rules && chmod 0 unreadable_rules
if [ "$(id -u)" = 0 ]; then chown -R 65534:65534 for_all unreadable_rules; fi
untouched=$(fingerprint for_all/old)
expect 2 as_user "$FXCP_FOR_ALL" -a --exclude-from="$WORK/unreadable_rules" "$WORK/for_all/src" "$WORK/for_all/old" && says unreadable_rules "ermission denied"
check "nothing was touched" test "$untouched" = "$(fingerprint for_all/old)"
expect 1 as_user "$FXCP_FOR_ALL" -a --delete --filter=': .my' "$WORK/for_all/src" "$WORK/for_all/old" && says sub/.my "ermission denied"
check "nothing in it was deleted" test -e for_all/old/sub/stale.c
check "others were deleted in" test ! -e for_all/old/logs/z.txt
no_litter ours
finish
