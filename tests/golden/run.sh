#!/bin/sh
# SPDX-License-Identifier: MIT
# The flowlog command as its users see it: standard output byte for byte, messages, exit status.
#
#   run.sh FLOWLOG SOURCE_DIR [PROGRAM_DIR]     PROGRAM_DIR: the example programs, if they were built
#   UPDATE=1 run.sh ...                         write what comes out to expected/ instead of comparing; then look
#                                               at the difference
#
#   try STATUS COMMAND...         run it; standard output to $out, standard error to $err
#   out NAME                      standard output is expected/NAME
#   says TEXT...                  standard output has these texts
#   err TEXT...                   standard error has these texts; a `try` without `err` after it must leave
#                                 standard error empty
#   messages NAME                 standard error is expected/NAME
#   json                          every line of standard output is JSON (needs python3)
# shellcheck disable=SC2016 # single quotes are meant: $F and $T are for the inner shell, ${field} for nobody
export LC_ALL=C
unset NO_COLOR FLOWLOG_SIMD
flowlog=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
source=$(cd "$2" && pwd)
programs=
[ -z "$3" ] || programs=$(cd "$3" && pwd)
expected=$source/tests/golden/expected
tmp=$(mktemp -d) || exit 2
trap 'rm -rf "$tmp"' EXIT
out=$tmp/output err=$tmp/error
bad=0 count=0 quiet=1 command=
cd "$source/examples/data" || exit 2

fail() { echo "FAILED: $command"; echo "  $*"; sed 's/^/  stderr: /' "$err" | head -n 5; bad=1; }
silence() { [ $quiet = 1 ] || [ ! -s "$err" ] || fail "standard error should be empty"; quiet=1; }
try() {
    silence
    want=$1
    shift
    command=$*
    count=$((count + 1))
    quiet=0
    "$@" >"$out" 2>"$err" </dev/null
    status=$?
    [ $status = "$want" ] || fail "exit status $status, not $want"
}
flow() { # STATUS ARGUMENT...
    flow_want=$1
    shift
    try "$flow_want" "$flowlog" "$@"
}
pipe() { # STATUS 'shell text'; F is the command
    try "$1" env F="$flowlog" T="$tmp" sh -c "$2"
}
compare() { # FILE NAME
    if [ -n "$UPDATE" ]; then cp "$1" "$expected/$2"; return; fi
    diff "$expected/$2" "$1" >"$tmp/diff" && return
    fail "standard ${1##*/} is not expected/$2 ('<')"
    head -n 10 "$tmp/diff"
}
out() { compare "$out" "$1"; }
messages() { quiet=1; compare "$err" "$1"; }
empty() { [ ! -s "$out" ] || fail "standard output should be empty"; }
says() { for text; do grep -qF -- "$text" "$out" || { fail "no '$text' in standard output:"; head -n 5 "$out"; }; done; }
err() { quiet=1; for text; do grep -qF -- "$text" "$err" || fail "no '$text' in standard error"; done; }
same() { cmp -s "$1" "$2" || fail "$1 and $2 differ"; }
if command -v python3 >/dev/null 2>&1; then
    json() {
        python3 -c '
import json, sys
for line in open(sys.argv[1], encoding="utf-8", newline="\n"):
    json.loads(line, parse_constant=lambda c: sys.exit("not JSON: " + c))' "$out" >"$tmp/json" 2>&1 || fail "not JSON: $(tail -n 1 "$tmp/json")"
    }
else
    echo "SKIPPED: is the JSON valid? python3 was not found"
    json() { :; }
fi

header='version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status'
line() { # SRCADDR BYTES
    echo "2 123456789010 eni-0a1b2c3d $1 10.0.0.9 40000 443 6 1 $2 1772366400 1772366459 ACCEPT OK"
}

# --- help, version, usage ---------------------------------------------------------------------------------
flow 0 --help && out help.out
flow 0 summary --help && out help-summary.out
flow 0 cat --help && out help-cat.out
flow 0 top --help && out help-top.out
flow 0 top -h nowhere && out help-top.out
flow 0 fields --help && out help-fields.out
flow 0 fields --tsv && out fields.tsv
flow 2 fields vpc && err "'flowlog fields' takes no input" && empty
flow 0 --version && says 'flowlog 0.' 'libflowlog 0.' 'SIMD '
flow 0 cat --version && says 'flowlog 0.'
flow 2 && err 'which command? summary, ' ' or fields' && empty
flow 2 sumary && err "unknown command 'sumary'; did you mean 'summary'?" && empty
flow 2 frobnicate && err "unknown command 'frobnicate'" "see 'flowlog --help'"
flow 2 --json top vpc && err 'options follow it' && empty
flow 2 top --jsn vpc && err "unknown option '--jsn'; did you mean '--json'?" "see 'flowlog top --help'" && empty
flow 2 summary --by srcaddr vpc && err "'--by' is no option of 'summary'" && empty
flow 2 top --threads 0 vpc && err '--threads takes a number from 1 to 256' && empty
flow 2 top -json vpc && err "unknown option '-json'; did you mean '--json'?"
flow 2 top -x vpc && err "unknown option '-x'"
flow 2 summary -n 3 vpc && err "unknown option '-n'"
flow 2 summary --raw vpc && err "'--raw' is no option of 'summary'"
flow 2 top --by && err "'--by' needs a value"
flow 2 top -n && err "'-n' needs a value"
flow 2 top --json=yes vpc && err "'--json' takes no value"
flow 2 top -n 3x vpc && err "-n takes a whole number, not '3x'"
flow 2 top -n -1 vpc && err "-n takes a whole number"
flow 2 top -n 18446744073709551616 vpc && err "-n takes a whole number"
flow 2 top --measure byts vpc && err '--measure takes bytes, packets or flows' "did you mean 'bytes'?"
flow 2 cat --color sometimes vpc && err '--color takes auto, always or never'
flow 2 cat --on-bad-line ignore vpc && err '--on-bad-line takes skip or stop'
flow 2 cat --raw --json vpc && err '--raw prints lines as they stand'
flow 2 cat --raw --fields bytes vpc && err '--raw prints lines as they stand'
flow 2 cat nowhere.log && err 'nowhere.log' && empty
try 2 env FLOWLOG_SIMD=abacus "$flowlog" cat vpc && err 'error:' && empty

# --- summary ----------------------------------------------------------------------------------------------
flow 0 summary vpc && out summary-vpc.out
flow 0 summary --json vpc && out summary-vpc.json && json
flow 0 summary --where 'reject or skipdata' --from 2026-03-01T12:10:00Z --to 2026-03-01T12:40:00Z --json vpc && out summary-where.json && json
flow 0 summary --json --where 'not true' vpc && says '"records":0,' '"left_out":9210,' '"accept":0,' '"interfaces":0,' '"first_start":null,'
flow 0 summary --where true --csv v5 && says 'left_out,0'
flow 2 summary --where 'rejct' vpc && err "did you mean 'reject'?" && empty
flow 0 summary --json v5 tgw && out summary-v5-tgw.json && json
flow 0 summary --csv v5 && out summary-v5.csv
flow 0 summary --tsv tgw && out summary-tgw.tsv
flow 1 summary --json damaged && out summary-damaged.json && json && err \
    'damaged/truncated.log.gz: line ' 'byte ' '15 malformed lines left out' 'damaged/lines.log: line 7, byte 483, value 6: not a decimal number' \
    'and 7 more' '1 of 4 inputs could not be read to the end'
flow 1 summary -q damaged && out summary-damaged.out && err 'truncated.log.gz'
flow 0 summary --json damaged/crlf.log && says '"records":20' '"malformed":0' '"irregular":20'

# --- cat --------------------------------------------------------------------------------------------------
flow 0 cat -n 12 vpc && out cat.out
flow 0 cat --json -n 4 v5 && out cat.json && json
flow 0 cat --csv -n 4 v5 && out cat.csv
flow 0 cat --tsv -n4 v5 && out cat.tsv
flow 0 cat --text -n 4 tgw && out cat.text
flow 0 cat vpc --fields 'srcAddr, dst_port,bytes' -n 3 --json && out cat-fields.json && json
flow 0 cat --csv --fields log-status,srcaddr,flow-direction vpc -n 2 && out cat-fields.csv
flow 0 cat --raw -n 2 vpc && out cat.raw
flow 0 cat --json vpc v5 tgw && json
flow 1 cat --json -q damaged/lines.log && json && out cat-damaged.json
flow 2 cat --fields scraddr,bytes vpc && messages unknown-field.err && empty
flow 2 cat --fields 'bytes,xyzzy' vpc && messages unknown-field-2.err
flow 2 cat --fields 'bytes,start,BYTES' vpc && messages field-twice.err
flow 2 cat --fields 'srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status xyzzy vpc-id' vpc &&
    messages field-in-long-list.err
flow 2 cat --fields 'bytes,' vpc && err 'a field name is missing'
flow 2 cat --fields '' vpc && err 'a field name is missing'

# Records written as records are the input again.
gzip -dc v5/*.gz >"$tmp/v5.log"
pipe 0 '$F cat --text v5' && same "$out" "$tmp/v5.log"
pipe 0 '$F cat --text v5 | $F cat --text -' && same "$out" "$tmp/v5.log"
pipe 0 '{ sed 1q "$T/v5.log"; $F cat --raw v5; }' && same "$out" "$tmp/v5.log"
pipe 0 'gzip -dc tgw/*.gz | $F cat --text' && pipe 0 'gzip -dc tgw/*.gz >"$T/tgw.log"; $F cat --text tgw | cmp - "$T/tgw.log"' && empty

# A header again where the format changes.
{ echo "$header"; line 10.0.0.1 1; echo 'srcaddr my-tag bytes'; echo '10.0.0.2 a%20b 2'; echo "$header"; line 10.0.0.3 3; } >"$tmp/mixed.log"
flow 0 cat "$tmp/mixed.log" && out mixed.out
flow 0 cat --csv "$tmp/mixed.log" && out mixed.csv
flow 0 cat --tsv "$tmp/mixed.log" && out mixed.tsv
flow 0 cat --text "$tmp/mixed.log" && same "$out" "$tmp/mixed.log"
flow 0 cat --json "$tmp/mixed.log" && out mixed.json && json
flow 0 cat --json --fields bytes,dstport "$tmp/mixed.log" && out mixed-fields.json
flow 0 top --json "$tmp/mixed.log" && out mixed-top.json
flow 0 top --json --by dstport "$tmp/mixed.log" && err "1 records left out: '-' or no such field in dstport" && out mixed-top-port.json
flow 0 top --by srcaddr --measure packets --json "$tmp/mixed.log" && err "1 records have no 'packets'"

# --- top --------------------------------------------------------------------------------------------------
flow 0 top vpc && out top.out
flow 0 top --json vpc && out top.json && json
flow 0 top --by src_addr,dst-port --measure flows -n 3 --csv vpc && out top-flows.csv
flow 0 top --by interface-id --measure packets -n 0 --tsv vpc && out top-all.tsv
flow 0 top --by action,protocol --json -n 0 v5 && out top-enum.json && json
flow 2 top --by srcaddr,scrport vpc && messages unknown-key.err && empty
flow 2 top --by srcaddr,srcAddr vpc && err "--by: 'srcaddr' is a key already"
flow 2 top --by srcaddr,bytes vpc && messages summed-key.err
flow 2 top --by subnet-id vpc && err 'no record has subnet-id' && empty
for level in scalar sse42 avx2 avx512 neon; do
    FLOWLOG_SIMD=$level "$flowlog" --version | grep -q unsupported && continue
    try 0 env FLOWLOG_SIMD=$level "$flowlog" top --json vpc && out top.json
done

# --- filters, group, merge ------------------------------------------------------------------------------
flow 0 group --help && out help-group.out
flow 0 merge --help && out help-merge.out
flow 0 group vpc && says 9117
flow 0 cat --where 'dst port 22' --csv -n 5 vpc && out cat-where.csv
flow 0 cat --raw --where 'reject and dst port 22' -n 2 vpc && out cat-where.raw
flow 0 top --from 2026-03-01T12:30:00Z --to 2026-03-01T12:40:00Z --csv -n 3 vpc && out top-from-to.csv
flow 0 top --by 'pair(srcaddr,dstaddr)' --json -n 3 vpc && out top-pair.json && json
flow 0 top --by src_addr/24,service --json -n 3 vpc && out top-prefix.json && json
flow 0 top --explain vpc && says '(plan flx' 'fields: ' 'inputs: 24, '
flow 0 group --by action --agg 'count, sum(bytes) as bytes, avg(packets), p95(bytes), share(count)' vpc && out group.out
flow 0 group --json --where reject --by dstport --agg 'count as c, distinct(srcaddr)' --sort c,dstport:asc -n 5 vpc &&
    out group-rejects.json && json
flow 0 group --csv --by 'bin(start,1h),dstaddr' --agg 'sum(bytes) as b' --sort 'bin(start,1h):asc,b' -n 2 --per 'bin(start,1h)' vpc &&
    out group-per.csv
flow 0 group --by interface_id --agg 'count where reject as r, count' --having 'r > 50' --tsv vpc && out group-having.tsv
for threads in 1 2 5; do
    flow 0 group --threads $threads --by srcaddr,dstport --agg 'sum(bytes), distinct(dstaddr), stddev(bytes)' --csv -n 200 vpc &&
        out group-threads.csv
done
flow 0 group --by subnet-id --nulls --json vpc && says '{"subnet-id":null,"count":9210}'
flow 0 group --by subnet-id vpc && err "9117 records left out: '-' or no such field in subnet-id"
flow 2 group --max-groups 5 --by srcaddr vpc && empty && err 'error:'
flow 0 group --max-groups 20 --approximate --by srcaddr --sort count --json vpc && err 'more groups than --max-groups'
flow 0 group --explain --where reject --by dstport vpc && says '(eq action "REJECT")' 'fields: dstport,action' 'inputs: 24, '
says 'remark: records without a key are left out'
flow 2 group --where 'reject and dst prt 22' vpc && messages group-where.err && empty
flow 2 group --by 'bin(start,5q)' vpc && messages group-by.err && empty
flow 2 group --by scrport vpc && err "unknown field 'scrport'; did you mean 'srcport'?" && empty
flow 2 group --agg 'sum(byts)' vpc && messages group-agg.err && empty
flow 2 group --sort cnt vpc && messages group-sort.err && empty
flow 2 group --having 'cnt > 3' vpc && messages group-having.err && empty
flow 2 group --per dstport --by dstport vpc && err '--per needs -n' && empty
flow 2 top --from yes vpc && err '--from takes a time' && empty
flow 1 group --by action damaged && err "7 malformed lines left out" '1 of 4 inputs could not be read to the end'
for hour in 12 21; do # the files of two accounts, apart
    pipe 0 "\$F group --by srcaddr,dstport --agg 'sum(bytes), distinct(dstaddr), stddev(bytes)' -n 200 --partial \"\$T/$hour.part\" vpc/AWSLogs/$hour*" && empty
done
flow 0 merge --csv "$tmp/12.part" "$tmp/21.part" && out group-threads.csv
flow 0 merge --partial "$tmp/all.part" "$tmp/21.part" "$tmp/12.part" && empty
flow 0 merge --csv "$tmp/all.part" && out group-threads.csv
flow 0 merge --explain "$tmp/all.part" && says '(plan flx'
flow 2 merge && err "'flowlog group --partial' wrote" && empty
flow 2 merge why/flows.log && err 'why/flows.log: ' && empty
pipe 0 '$F group --by action --partial - vpc >"$T/action.part"' && empty
flow 2 merge "$tmp/action.part" "$tmp/all.part" && err 'all.part: ' && empty

# --- diagnose -------------------------------------------------------------------------------------------
flow 0 diagnose --help && out help-diagnose.out
flow 0 diagnose -n 12 vpc && out diagnose-vpc.out
flow 0 diagnose --json -n 8 v5 && out diagnose-v5.json && json
for threads in 1 2 5; do
    flow 0 diagnose --threads $threads -n 12 vpc && out diagnose-vpc.out
    flow 0 diagnose --threads $threads --json -n 8 v5 && out diagnose-v5.json
done
flow 0 diagnose why/flows.log && out diagnose-why.out
flow 0 diagnose --all --json why/flows.log && out diagnose-why.json && json
flow 0 diagnose --rules why/rules.json --json --grouped why/flows.log && out diagnose-why-rules.json && json
err 'warning: network ACL acl-0f10a2b3c4d5e6f71: inbound rule 100 allows requests from 0.0.0.0/0, but no outbound rule allows'
flow 0 diagnose --where true --all --json why/flows.log && out diagnose-why.json
flow 0 diagnose --where 'port 5432' --from 2026-03-01T12:00:05Z --to 2026-03-01T12:01:00Z --tsv why/flows.log && out diagnose-where.tsv
flow 2 diagnose --where 'prt 5432' why/flows.log && err "unknown word 'prt'" && empty
flow 0 diagnose -q --rules why/rules.json --json --grouped why/flows.log && out diagnose-why-rules.json
flow 0 diagnose --client 10.0.1.5 --server 10.0.2.6 --port 5432 --json why/flows.log && out diagnose-why-query.json && json
flow 0 diagnose --server 169.254.169.254 --json why/flows.log && says '"verdict":"NOT_LOGGED"' && json
flow 0 diagnose --server 10.0.9.9 --csv why/flows.log && says NO_RECORD
flow 0 diagnose --interface eni-0b20c3d4e5f6a7b02 --tsv why/flows.log && out diagnose-why.tsv
flow 0 diagnose tgw && err 'records left out'
flow 2 diagnose --port 70000 why && err '--port takes a port from 1 to 65535' && empty
flow 2 diagnose --client localhost why && err "--client takes an IPv4 or IPv6 address, not 'localhost'" && empty
flow 2 diagnose --rules nowhere.json why && err 'nowhere.json: cannot be opened' && empty
flow 2 diagnose --rules why/flows.log why && err 'why/flows.log: line 1, column 1: ' && empty
pipe 2 'echo "{\"locals\": {}}" | $F diagnose --context - why/flows.log' && err 'line 1, column 12: ' 'no such member' && empty
pipe 0 'echo "{\"traffic_type\": \"REJECT\"}" | $F diagnose --context - --json why/flows.log' && says INSUFFICIENT_DATA

# --- --log-format -----------------------------------------------------------------------------------------
printf '10.0.0.1 5\n10.0.0.2 7\n' >"$tmp/two.log"
flow 0 cat --log-format '${srcaddr} ${bytes}' --json "$tmp/two.log" && out two.json
flow 0 cat --log-format 'srcaddr bytes' --json "$tmp/two.log" && out two.json
flow 0 cat --log-format='$${srcaddr} $${bytes}' --json "$tmp/two.log" && out two.json
flow 0 top --log-format 'srcaddr my-bytes' --measure flows --by my-bytes --json "$tmp/two.log" &&
    says '{"my-bytes":"5","bytes":null,"packets":null,"flows":1,"share":0.5}'
flow 2 top --log-format 'srcaddr my-bytes' "$tmp/two.log" && err "no record has the field 'bytes'" '--measure flows counts records'
flow 2 cat "$tmp/two.log" && err 'two.log' '--log-format' && empty
flow 2 top "$tmp/two.log" && err 'two.log' '--log-format' && empty
flow 2 summary --json "$tmp/two.log" && err 'two.log' '--log-format' && empty
flow 1 summary --json "$tmp/two.log" "$tmp/mixed.log" && err 'two.log' '1 of 2 inputs' && says '"records":3'
flow 2 cat --log-format '${srcaddr ${bytes}' "$tmp/two.log" && messages log-format.err
flow 2 cat --log-format 'srcaddr bytes srcaddr' "$tmp/two.log" && messages log-format-twice.err
flow 2 cat --log-format '' "$tmp/two.log" && err '--log-format:'

# --- small and odd inputs ---------------------------------------------------------------------------------
: >"$tmp/empty.log"
mkdir "$tmp/nothing"
echo "$header" >"$tmp/header.log"
flow 0 summary --json "$tmp/empty.log" && says '"files":1,' '"lines":0,' '"packets":0,' '"first_start":null,' '"formats":[],' && json
flow 0 cat "$tmp/empty.log" && empty
flow 0 cat --csv --fields srcaddr,bytes "$tmp/empty.log" && says 'srcaddr,bytes'
flow 0 top "$tmp/empty.log" && says 'srcaddr  bytes  packets  flows  share'
flow 0 top --json "$tmp/empty.log" && empty
flow 0 cat --text "$tmp/header.log" && same "$out" "$tmp/header.log"
flow 0 cat --json "$tmp/header.log" && empty
flow 0 summary --json "$tmp/header.log" && says '"headers":1' '"records":0'
flow 0 top --json "$tmp/header.log" && empty
flow 0 summary --json "$tmp/nothing" && says '"files":0'

{ echo "$header"; line 10.0.0.1 18446744073709551615; line 10.0.0.2 0; } >"$tmp/max.log"
flow 0 top --json "$tmp/max.log" && out max.json && json
flow 0 top "$tmp/max.log" && out max.out
flow 0 summary --json "$tmp/max.log" && says '"total_bytes":18446744073709551615'
flow 0 cat --json --fields bytes "$tmp/max.log" && says '{"bytes":18446744073709551615}'
line 10.0.0.1 1 >>"$tmp/max.log"
flow 2 summary "$tmp/max.log" && err "max.log: the sum of 'bytes' exceeds 64 bits" && empty
flow 2 top "$tmp/max.log" && err '64 bits' && empty
flow 0 top --measure flows --json --by srcaddr -n 1 "$tmp/header.log" && empty

echo "2 123456789010 eni-1 - - - - - - - 1772366400 1772366459 - NODATA" >"$tmp/nodata.log"
flow 0 cat --json "$tmp/nodata.log" && out nodata.json && json
flow 0 cat "$tmp/nodata.log" && out nodata.out
flow 0 cat --csv "$tmp/nodata.log" && out nodata.csv
flow 0 summary --json "$tmp/nodata.log" && says '"records":0' '"nodata":1' '"interfaces":1' '"first_start":1772366400' '"last_end":1772366459'
flow 0 top --json "$tmp/nodata.log" && empty

printf 'srcaddr bytes my-tag\n10.0.0.1 1 caf\351\n10.0.0.1 1 caf\303\251\n10.0.0.1 1 a"b\\,c\n10.0.0.1 1 \302\2332J\n' >"$tmp/bytes.log"
flow 0 cat --json "$tmp/bytes.log" && out bytes.json && json
flow 0 cat --csv "$tmp/bytes.log" && out bytes.csv
flow 0 cat --tsv "$tmp/bytes.log" && out bytes.tsv
flow 0 cat "$tmp/bytes.log" && out bytes.out
flow 0 cat --text "$tmp/bytes.log" && same "$out" "$tmp/bytes.log"

# --- malformed lines --------------------------------------------------------------------------------------
{ echo "$header"; line 10.0.0.1 1; line 10.0.0.1; line 10.0.0.2 2; } >"$tmp/bad.log"
flow 1 cat --json --fields srcaddr,bytes "$tmp/bad.log" && out bad.json && err '1 malformed line left out' 'bad.log: line 3, byte 209: fewer values'
flow 1 cat --json --fields srcaddr,bytes --quiet "$tmp/bad.log" && out bad.json
flow 1 cat --json --fields srcaddr,bytes --on-bad-line skip "$tmp/bad.log" && out bad.json && err 'line 3'
flow 2 cat --json --fields srcaddr,bytes --on-bad-line stop "$tmp/bad.log" && err 'bad.log: line 3, byte 209:' && says '10.0.0.1'
flow 2 top --on-bad-line=stop "$tmp/bad.log" && err 'line 3' && empty
flow 2 summary --on-bad-line stop --json "$tmp/bad.log" && err 'line 3' && empty
flow 1 top -q --json "$tmp/bad.log" && says '10.0.0.2'
gzip -c "$tmp/v5.log" | head -c 20 >"$tmp/cut.gz"
flow 2 cat "$tmp/cut.gz" && err 'cut.gz' && empty
flow 1 cat --json damaged/truncated.log.gz && err 'truncated.log.gz: line ' && json

# --- standard input ---------------------------------------------------------------------------------------
pipe 0 '$F top --json - <"$T/v5.log" >"$T/a"; $F top --json <"$T/v5.log" >"$T/b"; $F top --json v5 >"$T/c"; cmp "$T/a" "$T/b" && cmp "$T/a" "$T/c"' && empty
pipe 0 'cat v5/*.gz | $F summary --json' && says '"records":' && json
pipe 1 'printf "a b c\n" | cat "$T/header.log" - | $F cat -' && err 'standard input: line 2'
pipe 0 'cp "$T/two.log" "$T/-odd"; cd "$T" && $F cat --log-format "srcaddr bytes" --json -- -odd' && out two.json

# --- output -----------------------------------------------------------------------------------------------
pipe 0 '$F top --json vpc -o "$T/o" && cat "$T/o"' && out top.json
flow 0 top --json vpc -o "$tmp/unused" -o - && out top.json
pipe 0 'echo kept >"$T/o"; $F cat nowhere -o "$T/o" 2>"$T/e"; cat "$T/o"' && says kept
pipe 0 '$F top --json "$T/empty.log" -o "$T/o" && cat "$T/o"' && empty
flow 2 cat "$tmp/v5.log" -o "$tmp/v5.log" && err 'v5.log is both input and output'
pipe 2 'cp "$T/v5.log" "$T/all.log"; $F cat --text "$T/all.log" >>"$T/all.log"' && err 'is both input and output'
pipe 0 'cmp "$T/v5.log" "$T/all.log"'
flow 2 cat vpc -o "$tmp/no/such/directory" && err 'cannot write' 'no/such/directory'
if [ -c /dev/full ]; then
    for arguments in '--help' 'top --help' '--version' 'summary vpc' 'summary --json vpc' 'summary --csv vpc' 'top vpc' 'top --json vpc' 'cat vpc' \
        'cat --raw vpc' 'cat --json vpc' 'cat -n 1 --csv vpc'; do
        pipe 2 "\$F $arguments >/dev/full" && err 'cannot write standard output: No space left on device'
    done
    flow 2 top -o /dev/full vpc && err 'cannot write /dev/full: No space left on device'
    flow 2 cat -o /dev/full vpc && err 'cannot write /dev/full'
else
    echo "SKIPPED: a full disk, there is no /dev/full"
fi
pipe 2 '$F top vpc >&-' && err 'cannot write standard output'
pipe 0 '$F cat --json vpc | head -n 1' && says '"version":2'
pipe 0 '(trap "" PIPE; $F cat --json vpc; echo $? >"$T/status") | head -n 1 >"$T/line"; cat "$T/status"' && says 2

# --- colour, progress -------------------------------------------------------------------------------------
escape=$(printf '\033')
flow 2 cat --color always nowhere && err "${escape}[1;31merror:"
try 2 env NO_COLOR=1 "$flowlog" cat nowhere && err 'flowlog: error: '
flow 0 summary --color always v5 && says "${escape}[1mfiles"
flow 0 summary --color never v5 && if grep -q "$escape" "$out"; then fail "colour in spite of never"; fi
flow 0 summary --color always --json v5 && json
flow 0 top --progress always --json vpc && err 'MiB' '(100 %)' && out top.json
flow 0 top --progress never --json vpc && out top.json

# --- a mapped file that becomes shorter ------------------------------------------------------------------
i=0
while [ $i -lt 8 ]; do cat "$tmp/v5.log"; i=$((i + 1)); done >"$tmp/long.log"
pipe 0 '($F cat --json "$T/long.log"; echo $? >"$T/status") | { read -r first; : >"$T/long.log"; cat >/dev/null; }; cat "$T/status"' && err 'long.log' && says 2

# --- the example programs ---------------------------------------------------------------------------------
if [ -n "$programs" ]; then
    try 0 "$programs/01_count" vpc && out 01_count.out
    try 1 "$programs/01_count" nowhere && err nowhere
    try 0 "$programs/02_top" vpc && out 02_top.out
    try 0 "$programs/03_rows" vpc && out 03_rows.out
    pipe 0 "cat v5/*.gz | $programs/04_push" && out 04_push.out
    try 0 "$programs/05_why" why/flows.log 10.0.1.5 10.0.2.6 5432 why/rules.json && out 05_why.out
    try 0 "$programs/06_filter" vpc 'reject and dst port 22 and dst host 10.0.0.20' && out 06_filter.out
    try 1 "$programs/06_filter" vpc 'reject and dst prt 22' && err 'prt'
    try 0 "$programs/07_group" vpc && out 07_group.out
    try 0 "$programs/08_series" vpc && out 08_series.out
    try 0 "$programs/09_merge" vpc/AWSLogs/123456789010 vpc/AWSLogs/210987654321 && out 09_merge.out
    try 0 "$programs/09_merge" vpc && out 09_merge.out
    pipe 0 "cat \"\$T/v5.log\" | $programs/04_push" && out 04_push.out
    if [ -x "$programs/10_cpp_top" ]; then # where there is a C++ compiler
        try 0 "$programs/10_cpp_top" vpc && out 10_cpp_top.out
        try 1 "$programs/10_cpp_top" nowhere && err nowhere
    fi
fi

silence
[ $bad = 0 ] && echo "$count command lines, all as expected"
exit $bad
