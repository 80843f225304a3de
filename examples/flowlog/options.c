/* SPDX-License-Identifier: MIT */
/*
 * options.c - one table of options and a loop over the arguments.
 *
 * An option that a command cannot use is refused rather than ignored, and no abbreviation is taken: a new
 * option must not change what an old command line means.
 */
#include "options.h"

#include <string.h>

#include "hint.h"

enum option_id {
    OPTION_LOG_FORMAT, OPTION_ON_BAD_LINE, OPTION_JSON, OPTION_CSV, OPTION_TSV, OPTION_TEXT, OPTION_TABLE,
    OPTION_QUIET, OPTION_COLOR, OPTION_PROGRESS, OPTION_OUTPUT, OPTION_HELP, OPTION_VERSION,
    OPTION_FIELDS, OPTION_RAW, OPTION_BY, OPTION_MEASURE, OPTION_LIMIT,
    OPTION_CLIENT, OPTION_SERVER, OPTION_PORT, OPTION_INTERFACE, OPTION_CONTEXT, OPTION_RULES, OPTION_EVERYTHING,
    OPTION_GROUPED, OPTION_WHERE, OPTION_FROM, OPTION_TO, OPTION_THREADS, OPTION_AGG, OPTION_HAVING, OPTION_SORT,
    OPTION_PER, OPTION_NULLS, OPTION_MAX_GROUPS, OPTION_APPROXIMATE, OPTION_PARTIAL, OPTION_EXPLAIN
};

static const struct option {
    const char *name; /* without its dashes; NULL: only a letter */
    char letter;
    uint8_t takes_value;
    uint8_t commands;
    uint8_t id;
} table[] = {
    {"log-format", 0, 1, COMMAND_READS, OPTION_LOG_FORMAT},
    {"json", 0, 0, COMMAND_ALL, OPTION_JSON},
    {"csv", 0, 0, COMMAND_ALL, OPTION_CSV},
    {"tsv", 0, 0, COMMAND_ALL, OPTION_TSV},
    {"text", 0, 0, COMMAND_CAT, OPTION_TEXT},
    {"table", 0, 0, COMMAND_ALL, OPTION_TABLE},
    {"on-bad-line", 0, 1, COMMAND_READS, OPTION_ON_BAD_LINE},
    {"quiet", 'q', 0, COMMAND_ALL, OPTION_QUIET},
    {"color", 0, 1, COMMAND_ALL, OPTION_COLOR},
    {"progress", 0, 1, COMMAND_ALL, OPTION_PROGRESS},
    {NULL, 'n', 1, COMMAND_CAT | COMMAND_TOP | COMMAND_GROUP | COMMAND_DIAGNOSE, OPTION_LIMIT},
    {NULL, 'o', 1, COMMAND_ALL, OPTION_OUTPUT},
    {"help", 'h', 0, COMMAND_ALL, OPTION_HELP},
    {"version", 0, 0, COMMAND_ALL, OPTION_VERSION},
    {"fields", 0, 1, COMMAND_CAT, OPTION_FIELDS},
    {"raw", 0, 0, COMMAND_CAT, OPTION_RAW},
    {"by", 0, 1, COMMAND_TOP | COMMAND_GROUP, OPTION_BY},
    {"measure", 0, 1, COMMAND_TOP, OPTION_MEASURE},
    {"where", 0, 1, COMMAND_FILTERS, OPTION_WHERE},
    {"from", 0, 1, COMMAND_FILTERS, OPTION_FROM},
    {"to", 0, 1, COMMAND_FILTERS, OPTION_TO},
    {"threads", 0, 1, COMMAND_TOP | COMMAND_GROUP | COMMAND_DIAGNOSE, OPTION_THREADS},
    {"explain", 0, 0, COMMAND_TOP | COMMAND_GROUP | COMMAND_MERGE, OPTION_EXPLAIN},
    {"agg", 0, 1, COMMAND_GROUP, OPTION_AGG},
    {"having", 0, 1, COMMAND_GROUP, OPTION_HAVING},
    {"sort", 0, 1, COMMAND_GROUP, OPTION_SORT},
    {"per", 0, 1, COMMAND_GROUP, OPTION_PER},
    {"nulls", 0, 0, COMMAND_GROUP, OPTION_NULLS},
    {"max-groups", 0, 1, COMMAND_GROUP, OPTION_MAX_GROUPS},
    {"approximate", 0, 0, COMMAND_GROUP, OPTION_APPROXIMATE},
    {"partial", 0, 1, COMMAND_GROUP | COMMAND_MERGE, OPTION_PARTIAL},
    {"client", 0, 1, COMMAND_DIAGNOSE, OPTION_CLIENT},
    {"server", 0, 1, COMMAND_DIAGNOSE, OPTION_SERVER},
    {"port", 0, 1, COMMAND_DIAGNOSE, OPTION_PORT},
    {"interface", 0, 1, COMMAND_DIAGNOSE, OPTION_INTERFACE},
    {"context", 0, 1, COMMAND_DIAGNOSE, OPTION_CONTEXT},
    {"rules", 0, 1, COMMAND_DIAGNOSE, OPTION_RULES},
    {"all", 0, 0, COMMAND_DIAGNOSE, OPTION_EVERYTHING},
    {"grouped", 0, 0, COMMAND_DIAGNOSE, OPTION_GROUPED},
};
#define TABLE_LEN (sizeof table / sizeof *table)

static int see_help(const struct options *o)
{
    message_more("see 'flowlog %s --help'", o->command);
    return -1;
}

static int unknown_option(const struct options *o, const char *arg, size_t len)
{
    const char *names[TABLE_LEN + 1];
    size_t count = 0, dashes = 0;
    while (dashes < len && arg[dashes] == '-') dashes++;
    for (size_t i = 0; i < TABLE_LEN; i++) {
        if (!table[i].name) continue;
        if (table[i].commands & o->command_bit) names[count++] = table[i].name;
        else if (strlen(table[i].name) == len - dashes &&
                 memcmp(table[i].name, arg + dashes, len - dashes) == 0) {
            message_error("'%.*s' is no option of '%s'", (int)len, arg, o->command);
            return see_help(o);
        }
    }
    names[count] = NULL;
    const char *const near = hint_name(arg + dashes, len - dashes, names);
    if (near) message_error("unknown option '%.*s'; did you mean '--%s'?", (int)len, arg, near);
    else message_error("unknown option '%.*s'", (int)len, arg);
    return see_help(o);
}

static int parse_choice(const struct options *o, const char *option, const char *value,
                        const char *const *choices)
{
    for (int i = 0; choices[i]; i++)
        if (strcmp(value, choices[i]) == 0) return i;
    const char *const near = hint_name(value, strlen(value), choices);
    char list[128] = "";
    for (int i = 0; choices[i]; i++) {
        if (i) strcat(list, choices[i + 1] ? ", " : " or ");
        strcat(list, choices[i]);
    }
    message_error("--%s takes %s, not '%s'", option, list, value);
    if (near) message_more("did you mean '%s'?", near);
    return see_help(o);
}

static int parse_count(const struct options *o, const char *option, const char *value, uint64_t *count)
{
    uint64_t n = 0;
    const char *p = value;
    for (; *p >= '0' && *p <= '9'; p++) {
        const uint64_t digit = (uint64_t)(*p - '0');
        if (n > (UINT64_MAX - digit) / 10) break;
        n = n * 10 + digit;
    }
    if (*p || p == value) {
        message_error("%s takes a whole number, not '%s'", option, value);
        return see_help(o);
    }
    *count = n;
    return 0;
}

static int parse_port(struct options *o, const char *value)
{
    if (parse_count(o, "--port", value, &o->port)) return -1;
    if (o->port >= 1 && o->port <= 65535) return 0;
    message_error("--port takes a port from 1 to 65535, not '%s'", value);
    return see_help(o);
}

static int parse_threads(struct options *o, const char *value)
{
    if (parse_count(o, "--threads", value, &o->threads)) return -1;
    if (o->threads >= 1 && o->threads <= 256) return 0;
    message_error("--threads takes a number from 1 to 256, not '%s'", value);
    return see_help(o);
}

static int set_form(struct options *o, flowlog_form form)
{
    o->form = form; /* the last one counts */
    o->has_form = 1;
    return 0;
}

static int apply(struct options *o, const struct option *option, const char *value)
{
    static const char *const policies[] = {"skip", "stop", NULL};
    static const char *const whens[] = {"auto", "always", "never", NULL};
    static const char *const measures[] = {"bytes", "packets", "flows", NULL};
    int choice = 0;
    switch ((enum option_id)option->id) {
    case OPTION_LOG_FORMAT: o->log_format = value; return 0;
    case OPTION_JSON: return set_form(o, FLOWLOG_FORM_JSON);
    case OPTION_CSV: return set_form(o, FLOWLOG_FORM_CSV);
    case OPTION_TSV: return set_form(o, FLOWLOG_FORM_TSV);
    case OPTION_TEXT: return set_form(o, FLOWLOG_FORM_TEXT);
    case OPTION_TABLE: return set_form(o, FLOWLOG_FORM_TABLE);
    case OPTION_ON_BAD_LINE:
        choice = parse_choice(o, option->name, value, policies);
        o->stop_on_bad = choice == 1;
        break;
    case OPTION_QUIET: o->quiet = 1; return 0;
    case OPTION_COLOR:
        choice = parse_choice(o, option->name, value, whens);
        o->color = (enum when)(choice > 0 ? choice : 0);
        break;
    case OPTION_PROGRESS:
        choice = parse_choice(o, option->name, value, whens);
        o->progress = (enum when)(choice > 0 ? choice : 0);
        break;
    case OPTION_LIMIT: o->has_limit = 1; return parse_count(o, "-n", value, &o->limit);
    case OPTION_OUTPUT: o->output = strcmp(value, "-") == 0 ? NULL : value; return 0;
    case OPTION_HELP: o->help = 1; return 0;
    case OPTION_VERSION: o->version = 1; return 0;
    case OPTION_FIELDS: o->fields = value; return 0;
    case OPTION_RAW: o->raw = 1; return 0;
    case OPTION_CLIENT: o->client = value; return 0;
    case OPTION_SERVER: o->server = value; return 0;
    case OPTION_PORT: return parse_port(o, value);
    case OPTION_INTERFACE: o->interface = value; return 0;
    case OPTION_CONTEXT: o->context = value; return 0;
    case OPTION_RULES: o->rules[o->rules_count++] = value; return 0;
    case OPTION_EVERYTHING: o->all = 1; return 0;
    case OPTION_GROUPED: o->grouped = 1; return 0;
    case OPTION_BY: o->by = value; return 0;
    case OPTION_WHERE: o->where = value; return 0;
    case OPTION_FROM: o->from = value; return 0;
    case OPTION_TO: o->to = value; return 0;
    case OPTION_THREADS: return parse_threads(o, value);
    case OPTION_AGG: o->agg = value; return 0;
    case OPTION_HAVING: o->having = value; return 0;
    case OPTION_SORT: o->sort = value; return 0;
    case OPTION_PER: o->per = value; return 0;
    case OPTION_NULLS: o->nulls = 1; return 0;
    case OPTION_MAX_GROUPS: return parse_count(o, "--max-groups", value, &o->max_groups);
    case OPTION_APPROXIMATE: o->approximate = 1; return 0;
    case OPTION_PARTIAL: o->partial = value; return 0;
    case OPTION_EXPLAIN: o->explain = 1; return 0;
    case OPTION_MEASURE:
        choice = parse_choice(o, option->name, value, measures);
        if (choice >= 0) o->measure = measures[choice];
        break;
    }
    return choice < 0 ? -1 : 0;
}

/* --name, --name=value, --name value.  Returns how many arguments it took, or -1. */
static int parse_long(struct options *o, char **args, int count)
{
    const char *const name = args[0] + 2, *const equals = strchr(name, '=');
    const size_t len = equals ? (size_t)(equals - name) : strlen(name);
    for (size_t i = 0; i < TABLE_LEN; i++) {
        const struct option *const option = &table[i];
        if (!option->name || !(option->commands & o->command_bit) || strlen(option->name) != len ||
            memcmp(option->name, name, len) != 0)
            continue;
        if (!option->takes_value && equals) {
            message_error("'--%s' takes no value", option->name);
            return see_help(o);
        }
        if (option->takes_value && !equals && count < 2) {
            message_error("'--%s' needs a value", option->name);
            return see_help(o);
        }
        if (apply(o, option, equals ? equals + 1 : args[1])) return -1;
        return option->takes_value && !equals ? 2 : 1;
    }
    return unknown_option(o, args[0], len + 2);
}

/* -n10, -n 10, -qn10. */
static int parse_letters(struct options *o, char **args, int count)
{
    for (const char *p = args[0] + 1; *p; p++) {
        const struct option *option = NULL;
        for (size_t i = 0; i < TABLE_LEN; i++)
            if (table[i].letter == *p && (table[i].commands & o->command_bit)) option = &table[i];
        if (!option) {
            if (p == args[0] + 1 && p[1]) return unknown_option(o, args[0], strlen(args[0])); /* -json */
            message_error("unknown option '-%c'", *p);
            return see_help(o);
        }
        if (!option->takes_value) {
            if (apply(o, option, NULL)) return -1;
            continue;
        }
        if (!p[1] && count < 2) {
            message_error("'-%c' needs a value", *p);
            return see_help(o);
        }
        if (apply(o, option, p[1] ? p + 1 : args[1])) return -1;
        return p[1] ? 1 : 2;
    }
    return 1;
}

int options_parse(struct options *o, int argc, char **argv, int first)
{
    int ended = 0;
    for (int i = first; i < argc;) {
        const char *const arg = argv[i];
        if (ended || arg[0] != '-' || !arg[1]) {
            o->paths[o->path_count++] = arg;
            i++;
        } else if (strcmp(arg, "--") == 0) {
            ended = 1;
            i++;
        } else {
            const int took =
                arg[1] == '-' ? parse_long(o, argv + i, argc - i) : parse_letters(o, argv + i, argc - i);
            if (took < 0) return -1;
            i += took;
        }
    }
    return 0;
}
