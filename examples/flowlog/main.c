/* SPDX-License-Identifier: MIT */
/*
 * main.c - flowlog: AWS VPC and Transit Gateway flow logs on the command line.
 *
 * A thin layer over the library: flowlog COMMAND [OPTION...] [PATH...].  Standard output is the result and
 * nothing else.
 */
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "hint.h"
#include "out.h"
#include "text.h"

#define COMMON_HELP                                                                        \
    "\n"                                                                                   \
    "Input\n"                                                                              \
    "  PATH...             files, directories (walked, sorted), - for standard input\n"    \
    "                      (the default when it is no terminal); gzip by content\n"        \
    "  --log-format STR    the fields of lines without a header:\n"                        \
    "                      '${version} ${account-id} ...', names, default or tgw\n"        \
    "  --on-bad-line WHAT  skip (default): count, report at the end\n"                     \
    "                      stop: fail at the first one\n"                                  \
    "Output\n"

#define FORM_HELP "  --table (default) --json --csv --tsv\n"

#define WHERE_HELP                                                                         \
    "  --where EXPR        only these records: 'reject and dst port in [22 3389]',\n"       \
    "                      'src net 10.0.0.0/8 and bytes > 1M', 'subnet-id = subnet-1',\n" \
    "                      'not (weekday in [mon-fri] and hour in [8-17])'\n"  \
    "  --from T, --to T    only records that start in [from, to): 2026-03-01T12:00:00Z,\n" \
    "                      seconds since 1970, or -2h\n"

#define THREADS_HELP "  --threads N         default: the processors it may run on\n"

#define EXPLAIN_HELP "  --explain           print the plan and what would be read, and read nothing\n"

#define OTHER_HELP                                                                         \
    "  -o FILE             write results to FILE; -: standard output\n"                    \
    "  -q, --quiet         no progress, no warnings\n"                                     \
    "  --color WHEN        auto (default), always, never; NO_COLOR is honoured\n"          \
    "  --progress WHEN     auto (default: on a terminal), always, never\n"                 \
    "\n"                                                                                   \
    "Exit status\n"                                                                        \
    "  0  done\n"                                                                          \
    "  1  done, but lines were malformed or input was damaged part-way: the results\n"     \
    "     cover what was read, standard error says what was not\n"                         \
    "  2  usage, input or output: nothing useful was printed\n"

static const char program_help[] =
    "Examples\n"
    "  flowlog summary logs/      what is in here, and can it be trusted?\n"
    "  flowlog top logs/          who sends most?\n"
    "  flowlog top --by srcaddr,dstport -n 5 --json log.gz\n"
    "  flowlog cat --fields srcaddr,dstaddr,bytes --csv log.gz\n"
    "  flowlog group --where reject --by dstport --sort count -n 10 logs/\n"
    "  flowlog diagnose logs/     what is broken, and what to change?\n"
    "  aws s3 cp s3://bucket/key.log.gz - | flowlog cat\n"
    "\n"
    "Usage\n"
    "  flowlog COMMAND [OPTION...] [PATH...]\n"
    "  flowlog COMMAND --help\n"
    "  flowlog --version          the library and its SIMD level\n"
    "\n"
    "Commands\n"
    "  summary   counts, times, formats, malformed lines\n"
    "  cat       the records, decoded\n"
    "  top       top talkers\n"
    "  group     any keys, aggregates, conditions on groups, order\n"
    "  merge     partials of group, from other days or machines, to one answer\n"
    "  diagnose  what is refused, by which layer, what to change\n"
    "  fields    the names that --fields, --by, --where and --log-format take\n";

static const char summary_help[] =
    "Examples\n"
    "  flowlog summary logs/\n"
    "  flowlog summary --json log.gz | jq .malformed_reasons\n"
    "  flowlog summary --where 'eni eni-0a1b2c3d' --from 2026-03-01 logs/\n"
    "  flowlog summary --log-format 'srcaddr dstaddr bytes action' custom.log\n"
    "\n"
    "Usage\n"
    "  flowlog summary [OPTION...] [PATH...]\n"
    "\n"
    "What is in the logs, and whether they can be trusted: lines by kind, sums, the\n"
    "time they cover, their formats, the first malformed lines, interfaces with\n"
    "skipped records, and the fields that a diagnosis would lack.  A sum beyond 64\n"
    "bits is an error; what no format in the input can tell is null.\n"
    "\n"
    "Options\n" WHERE_HELP
    "                      Lines are still those of the whole input, and left_out those\n"
    "                      of them that the conditions left out\n"
    COMMON_HELP FORM_HELP OTHER_HELP;

static const char cat_help[] =
    "Examples\n"
    "  flowlog cat log.gz\n"
    "  flowlog cat --json -n 3 logs/\n"
    "  flowlog cat --fields srcaddr,dstport --tsv logs/ | sort | uniq -c\n"
    "  flowlog cat --text --fields srcaddr,dstaddr,bytes logs/ > smaller.log\n"
    "\n"
    "Usage\n"
    "  flowlog cat [OPTION...] [PATH...]\n"
    "\n"
    "The records, NODATA and SKIPDATA ones too, with all fields of their format;\n"
    "where that changes there is a new header.\n"
    "\n"
    "Options\n"
    "  --fields A,B,...    these fields, in this order; null where a format lacks one\n"
    "  --raw               the original lines\n"
    "  -n N                stop after N rows; 0 (default): all\n" WHERE_HELP
    COMMON_HELP FORM_HELP
    "  --text              records as AWS writes them, after a header line\n" OTHER_HELP;

static const char top_help[] =
    "Examples\n"
    "  flowlog top logs/                                sources by bytes\n"
    "  flowlog top --by dstaddr,dstport --measure flows logs/\n"
    "  flowlog top --by interface-id -n 0 --json logs/  every interface\n"
    "\n"
    "Usage\n"
    "  flowlog top [OPTION...] [PATH...]\n"
    "\n"
    "Records with the same keys are one row; the largest come first, ties in the\n"
    "order of the keys.  NODATA and SKIPDATA are no records; records without a key\n"
    "are left out, and a warning says how many.  share is the part of all rows,\n"
    "those beyond -n too.  Sums are exact; beyond 64 bits they are an error.\n"
    "\n"
    "Options\n"
    "  --by KEYS           fields separated by commas, default srcaddr; also srcaddr/24,\n"
    "                      bin(start,5m), hour, weekday, pair(srcaddr,dstaddr), service\n"
    "  --measure WHAT      bytes (default), packets or flows\n"
    "  -n N                rows to print; default 10, 0: all\n" WHERE_HELP THREADS_HELP EXPLAIN_HELP
    COMMON_HELP FORM_HELP OTHER_HELP;

static const char group_help[] =
    "Examples\n"
    "  flowlog group --by action logs/\n"
    "  flowlog group --by 'bin(start,5m)' --agg 'sum(bytes), sum(packets)' logs/\n"
    "  flowlog group --by srcaddr --agg 'count as rejects' --where reject \\\n"
    "                --having 'rejects > 50' --sort rejects logs/\n"
    "  flowlog group --by 'bin(start,1h),dstaddr' --agg 'sum(bytes) as bytes' \\\n"
    "                --sort 'bin(start,1h):asc,bytes' -n 5 --per 'bin(start,1h)' logs/\n"
    "  flowlog group --by srcaddr --agg 'distinct(dstport)' --partial mon.part mon/\n"
    "\n"
    "Usage\n"
    "  flowlog group [OPTION...] [PATH...]\n"
    "\n"
    "Records with the same keys are one row, in the order of --sort and then of the\n"
    "keys.  NODATA and SKIPDATA records take part only where log-status is named;\n"
    "records without a key are left out, and a warning says how many.\n"
    "\n"
    "Options\n"
    "  --by KEYS           FIELD, ADDRESS/24, bin(start,5m), hour, weekday, day, month,\n"
    "                      pair(srcaddr,dstaddr), service; default: one group of all\n"
    "  --agg LIST          count, count(F), sum, min, max, avg, stddev, distinct, first,\n"
    "                      last, or(F), p50(F) ... p99.9(F), each with 'where EXPR';\n"
    "                      share(AGG), rate(AGG), + - * /; 'as NAME'.  Default count\n"
    "  --having EXPR       only groups that match: 'count > 50', 'sum(bytes) > 1G'\n"
    "  --sort COL,...      largest first; COL:asc: smallest first\n"
    "  -n N                rows to print; 0 (default): all\n"
    "  --per KEYS          -n rows for each value of these keys\n"
    "  --nulls             keep groups that have a null key\n"
    "  --max-groups N      groups in memory, beyond it an error; default 16777216\n"
    "  --approximate       go on beyond it, with the largest by the first of --sort\n"
    "  --partial FILE      write the unfinished answer, for merge, instead of rows\n" WHERE_HELP THREADS_HELP
        EXPLAIN_HELP COMMON_HELP FORM_HELP OTHER_HELP;

static const char merge_help[] =
    "Examples\n"
    "  flowlog merge mon.part tue.part\n"
    "  flowlog merge mon.part tue.part --partial week.part\n"
    "\n"
    "Usage\n"
    "  flowlog merge [OPTION...] FILE...\n"
    "\n"
    "Partials that 'flowlog group --partial' wrote for one question, added up: the\n"
    "same answer as one run over all logs, in whatever order they are given.\n"
    "\n"
    "Options\n"
    "  --partial FILE      write a partial again instead of rows\n"
    "  --explain           print the plan of the partials\n"
    "\n"
    "Output\n" FORM_HELP OTHER_HELP;

static const char diagnose_help[] =
    "Examples\n"
    "  flowlog diagnose logs/\n"
    "  flowlog diagnose --client 10.0.1.5 --server 10.0.2.6 --port 5432 logs/\n"
    "  aws ec2 describe-network-acls > acls.json\n"
    "  flowlog diagnose --rules acls.json --rules groups.json --rules enis.json logs/\n"
    "\n"
    "Usage\n"
    "  flowlog diagnose [OPTION...] [PATH...]\n"
    "\n"
    "Which conversations do not work, and what refuses them: a security group, a\n"
    "network ACL, the host, the route.  Equal problems are one row with the number\n"
    "of clients; in JSON each conversation is one object, with advice and the lines\n"
    "of the log that show it.  NODATA and SKIPDATA records are taken into account.\n"
    "\n"
    "Options\n"
    "  --client IP --server IP --port N\n"
    "                      what about these?  The answer is the last row\n"
    "  --interface ENI     findings of one interface\n"
    "  --context FILE      what is known beside the log, JSON: addresses, subnets ...\n"
    "  --rules FILE        what 'aws ec2 describe-network-acls', -security-groups,\n"
    "                      -network-interfaces and -subnets print; repeatable\n"
    "  --all               also conversations that are fine\n"
    "  --grouped           equal problems as one object in JSON, too\n"
    "  -n N                at most N findings; 0 (default): all\n" WHERE_HELP
    "                      What these leave out is not known to the diagnosis: leave in\n"
    "                      both directions, accepted and rejected\n" THREADS_HELP
    COMMON_HELP FORM_HELP OTHER_HELP;

static const char fields_help[] =
    "Examples\n"
    "  flowlog fields\n"
    "  flowlog fields --json | jq -r .name\n"
    "\n"
    "Usage\n"
    "  flowlog fields [OPTION...]\n"
    "\n"
    "The fields of VPC and Transit Gateway flow logs: name, the flow log version that\n"
    "brought it, type, meaning.\n"
    "\n"
    "Output\n" FORM_HELP OTHER_HELP;

static const struct command {
    const char *name;
    unsigned bit;
    int (*run)(const struct options *);
    const char *help;
} commands[] = {{"summary", COMMAND_SUMMARY, command_summary, summary_help},
                {"cat", COMMAND_CAT, command_cat, cat_help},
                {"top", COMMAND_TOP, command_top, top_help},
                {"group", COMMAND_GROUP, command_group, group_help},
                {"merge", COMMAND_MERGE, command_merge, merge_help},
                {"diagnose", COMMAND_DIAGNOSE, command_diagnose, diagnose_help},
                {"fields", COMMAND_FIELDS, command_fields, fields_help}};
#define COMMAND_COUNT (sizeof commands / sizeof *commands)

static int print(const char *text)
{
    struct out out = out_make(NULL);
    return out_write(&out, text, strlen(text)) || out_close(&out) ? STATUS_FAILED : STATUS_DONE;
}

static int print_version(void)
{
    struct text text = {NULL, 0, 0};
    text_print(&text, "flowlog %d.%d.%d (libflowlog %s, SIMD %s)\n", FLOWLOG_VERSION_MAJOR,
               FLOWLOG_VERSION_MINOR, FLOWLOG_VERSION_PATCH, flowlog_version_text(),
               flowlog_simd_name());
    const int status = print(text.ptr);
    text_free(&text);
    return status;
}

static int unknown_command(const char *name)
{
    const char *names[COMMAND_COUNT + 1];
    for (size_t i = 0; i < COMMAND_COUNT; i++) names[i] = commands[i].name;
    names[COMMAND_COUNT] = NULL;
    const char *const near = hint_name(name, strlen(name), names);
    if (name[0] == '-') message_error("'%s' stands before the command; options follow it", name);
    else if (near) message_error("unknown command '%s'; did you mean '%s'?", name, near);
    else message_error("unknown command '%s'", name);
    message_more("see 'flowlog --help'");
    return STATUS_FAILED;
}

int main(int argc, char **argv)
{
    message_setup(WHEN_AUTO, 0);
    if (argc < 2) {
        struct text names = {NULL, 0, 0};
        for (size_t i = 0; i < COMMAND_COUNT; i++)
            text_print(&names, "%s%s", i == 0 ? "" : i + 1 < COMMAND_COUNT ? ", " : " or ", commands[i].name);
        message_error("which command? %s", names.ptr);
        text_free(&names);
        message_more("see 'flowlog --help'");
        return STATUS_FAILED;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) return print(program_help);
    if (strcmp(argv[1], "--version") == 0) return print_version();
    const struct command *command = NULL;
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        if (strcmp(argv[1], commands[i].name) == 0) command = &commands[i];
    if (!command) return unknown_command(argv[1]);

    struct options options = {
        .command = command->name, .command_bit = command->bit, .measure = "bytes"};
    options.paths = need_memory(NULL, (size_t)argc * sizeof *options.paths);
    options.rules = need_memory(NULL, (size_t)argc * sizeof *options.rules);
    int status = STATUS_FAILED;
    if (options_parse(&options, argc, argv, 2) == 0) {
        message_setup(options.color, options.quiet);
        if (options.help) status = print(command->help);
        else if (options.version) status = print_version();
        else status = command->run(&options);
    }
    free(options.paths);
    free(options.rules);
    return status;
}
