#!/bin/sh
# SPDX-License-Identifier: MIT
# completions.sh FLOWLOG SOURCE_DIR
# The man page and the completions know the commands and options that --help names, and no others.
export LC_ALL=C
flowlog=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
cd "$2/examples/flowlog" || exit 2
tmp=$(mktemp -d) || exit 2
trap 'rm -rf "$tmp"' EXIT
bad=0

same() { # WHAT WHERE: $tmp/want against $tmp/have
    sort -u -o "$tmp/want" "$tmp/want"
    sort -u -o "$tmp/have" "$tmp/have"
    diff "$tmp/want" "$tmp/have" >"$tmp/diff" && return
    sed -n -e "s/^< /$2 lacks $1 /p" -e "s/^> /$2 has $1, which --help does not name: /p" "$tmp/diff"
    bad=1
}
options() { # COMMAND: the options of --help, which are in the first column, and those that every command has
    "$flowlog" "$1" --help | sed -e '1,/^Usage/d' -e '/^  -/!d' -e 's/^  //' -e 's/   *.*//' |
        grep -oE '(^| )--?[a-z][a-z-]*' | tr -d ' '
    printf '%s\n' -h --help --version
}
have_bash=0 have_zsh=0
if command -v bash >/dev/null; then have_bash=1; else echo "SKIPPED: bash's completion: no bash"; fi
if command -v zsh >/dev/null; then have_zsh=1; else echo "SKIPPED: zsh's completion: no zsh"; fi

commands=$("$flowlog" --help | sed '1,/^Commands/d' | awk '{ print $1 }')
[ "$(echo "$commands" | wc -l)" -ge 7 ] || { echo "cannot read the commands of --help"; exit 1; }

# The pages and tables, command by command.
: >"$tmp/all"
for command in $commands; do
    options "$command" | sort -u >"$tmp/options"
    cat "$tmp/options" >>"$tmp/all"
    [ "$(wc -l <"$tmp/options")" -ge 8 ] || { echo "cannot read the options of $command --help"; exit 1; }
    if [ $have_bash = 1 ]; then
        grep -e '^--' -e '^-[no]$' "$tmp/options" >"$tmp/want"
        bash -c '. ./flowlog.bash; COMP_WORDS=("$1" "$2" -) COMP_CWORD=2; _flowlog; printf "%s\n" "${COMPREPLY[@]}"' \
            - "$flowlog" "$command" >"$tmp/have"
        same "$command" "flowlog.bash"
    fi
    if [ $have_zsh = 1 ]; then # what it hands to zsh's own function: '(-q --quiet)--quiet[...]', '-n+[...]', '*:log:...'
        cp "$tmp/options" "$tmp/want"
        zsh -f -c '_arguments() { print -rl -- "$@" }; words=(flowlog "$1" -) CURRENT=3; . ./_flowlog' - "$command" |
            sed 's/^([^)]*)//' | grep -oE '^[*]?--?[a-z][a-z-]*' | grep -v '^-s$' | tr -d '*' >"$tmp/have"
        same "$command" "_flowlog"
    fi
done

# The man page.
echo "$commands" >"$tmp/want"
sed -n 's/^\.It Cm \([a-z]*\)$/\1/p' flowlog.1 >"$tmp/have"
same "command" "flowlog.1"
cp "$tmp/all" "$tmp/want"
sed 's/\\-/-/g' flowlog.1 | grep -E '^\.It .*Fl ' | grep -oE 'Fl [-a-z]+' | sed 's/Fl /-/' >"$tmp/have"
same "option" "flowlog.1"

# The commands, and the names of fields in a list.
if [ $have_bash = 1 ]; then
    completed() { bash -c '. ./flowlog.bash; COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)); _flowlog; echo "${COMPREPLY[@]}"' - "$@"; }
    try() { # EXPECTED WORD...
        expected=$1
        shift
        got=$(completed "$flowlog" "$@" 2>&1)
        [ "$got" = "$expected" ] || { echo "flowlog.bash completes '$*' to '$got', not '$expected'"; bad=1; }
    }
    try "$(echo "$commands" | tr '\n' ' ')--help --version" ''
    try 'diagnose' di
    try 'instance-id instance-tag instance-tag-2' cat --fields inst
    try 'srcaddr,dstaddr srcaddr,dstport' top --by srcaddr,dst
    try 'hour' group --by = ho
    try 'skip stop' cat --on-bad-line = ''
    try 'always' cat --color al
fi
if command -v mandoc >/dev/null; then
    mandoc -Tlint flowlog.1 || bad=1
elif command -v man >/dev/null; then
    man --warnings -l flowlog.1 >/dev/null 2>"$tmp/man"
    [ ! -s "$tmp/man" ] || { cat "$tmp/man"; bad=1; }
else
    echo "SKIPPED: the layout of the man page: neither mandoc nor man"
fi
[ $bad = 0 ] && echo "the man page and the completions of $(echo "$commands" | wc -l) commands agree with --help"
exit $bad
