#!/bin/sh
# SPDX-License-Identifier: MIT
# Every command of the table in examples/README.md gives as many rows as are said there, and that first one.
#
#   table.sh FLOWLOG SOURCE_DIR
export LC_ALL=C
flowlog=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
cd "$2/examples/data" || exit 2
tmp=$(mktemp -d) || exit 2
trap 'rm -rf "$tmp"' EXIT
mkdir "$tmp/bin" && ln -s "$flowlog" "$tmp/bin/flowlog" && PATH=$tmp/bin:$PATH
# shellcheck disable=SC2016 # the backquotes are those of the table
sed -n 's/^| \(.*\) | `\(flowlog [^`]*\)` | \([0-9]*\): `\([^`]*\)` |$/\1\n\2\n\3\n\4/p' ../README.md >"$tmp/table"
count=0 bad=0
while read -r question && read -r command && read -r rows && read -r first; do
    count=$((count + 1))
    sh -c "$command --csv" >"$tmp/out" 2>"$tmp/err" </dev/null || { echo "FAILED: $command"; cat "$tmp/err"; bad=1; }
    [ "$(($(wc -l <"$tmp/out") - 1))" = "$rows" ] && [ "$(sed -n 2p "$tmp/out")" = "$first" ] && continue
    echo "FAILED: $question: $command"
    echo "  $(($(wc -l <"$tmp/out") - 1)) rows, first $(sed -n 2p "$tmp/out")"
    bad=1
done <"$tmp/table"
[ "$count" = "$(grep -c '^| .*`flowlog ' ../README.md)" ] || { echo "FAILED: a line of the table was not understood"; bad=1; }
echo "$count commands"
exit $bad
