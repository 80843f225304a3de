/* SPDX-License-Identifier: MIT */
/* options.h - the command line as a struct. */
#ifndef COMMAND_OPTIONS_H
#define COMMAND_OPTIONS_H

#include <stddef.h>
#include <stdint.h>

#include "flowlog.h"
#include "message.h"

/* Commands, as bits: which options belong to which. */
enum command_bit { COMMAND_SUMMARY = 1, COMMAND_CAT = 2, COMMAND_TOP = 4, COMMAND_GROUP = 8, COMMAND_MERGE = 16,
                   COMMAND_FIELDS = 32, COMMAND_DIAGNOSE = 64,
                   COMMAND_READS = COMMAND_SUMMARY | COMMAND_CAT | COMMAND_TOP | COMMAND_GROUP | COMMAND_DIAGNOSE,
                   COMMAND_FILTERS = COMMAND_READS,
                   COMMAND_ALL = COMMAND_READS | COMMAND_MERGE | COMMAND_FIELDS };

struct options {
    const char *command; /* its name */
    unsigned command_bit;
    flowlog_form form;
    const char *log_format; /* NULL: by header or content */
    const char *output;     /* NULL: standard output */
    const char *fields;     /* cat */
    const char *where, *from, *to;           /* all that read logs */
    const char *by;                          /* top, group */
    const char *agg, *having, *sort, *per;   /* group */
    const char *partial;                     /* group, merge: where to write it */
    uint64_t threads, max_groups;            /* 0: the default */
    int nulls, approximate, explain;         /* group, top: explain */
    const char *measure;    /* top */
    const char *client, *server, *interface, *context; /* diagnose */
    const char **rules; /* diagnose; into argv, [rules_count] */
    size_t rules_count;
    uint64_t port; /* diagnose; 0: any */
    int all, grouped; /* diagnose */
    uint64_t limit;         /* -n; 0: no limit */
    int has_form, has_limit, raw, stop_on_bad, quiet, help, version;
    enum when color, progress;
    const char **paths; /* into argv */
    size_t path_count;
};

/*
 * Read argv[first..].  Options may stand before, between and after paths; "--" ends them.
 * 0, or -1 after a message.
 */
int options_parse(struct options *options, int argc, char **argv, int first);

#endif
