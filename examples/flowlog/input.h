/* SPDX-License-Identifier: MIT */
/* input.h - the input of a command: opened from its options, read to the end, reported on. */
#ifndef COMMAND_INPUT_H
#define COMMAND_INPUT_H

#include "flowlog.h"
#include "options.h"
#include "out.h"

struct input {
    const struct options *options;
    flowlog_format *format; /* of --log-format, or NULL */
    flowlog_filter *filter; /* of --where, --from and --to, or NULL */
    flowlog_source *source; /* what paths stand for, until a reader takes it */
    flowlog_reader *reader; /* NULL in a command that collects */
    flowlog_counters counters; /* of what was collected */
    uint32_t inputs;
    uint32_t damaged; /* inputs that could not be read, or not to their end */
    uint64_t rows;    /* delivered */
    uint64_t consumed; /* bytes, of what was collected */
};

/* Parse --log-format, --where, --from and --to, if given.  0, or -1 after a message. */
int input_prepare(struct input *input, const struct options *options);

/* A list of fields, as an option gives it. */
struct field_list {
    uint32_t count;
    const char *name[FLOWLOG_FORMAT_COLUMNS_MAX];   /* canonical, of the catalogue or the format */
    flowlog_span given[FLOWLOG_FORMAT_COLUMNS_MAX]; /* the spelling in the option's value */
};

/*
 * Split the value of `option`, fields separated by commas or blanks, and look them up.  0, or -1 after a
 * message with a caret and, for a misspelt name, the nearest one.
 */
int input_fields(const struct input *input, const char *option, const char *value,
                 struct field_list *list);

/* Open the paths.  `fields`, `flags` and `batch_rows` as flowlog_reader_options.  0, or -1 after a message. */
int input_open(struct input *input, const struct out *out, const char *fields, uint32_t flags,
               uint32_t batch_rows);

/*
 * Instead of input_open and input_next: read everything into a run of the plan, on as many threads as --threads says
 * and with its filter.  0, or -1 after a message.
 */
int input_collect(struct input *input, const struct out *out, const flowlog_plan *plan, flowlog_run **run);

/* The same into a diagnosis, without a filter. */
int input_diagnose(struct input *input, const struct out *out, flowlog_diagnosis *diagnosis);

/* Find the inputs and nothing more.  0, or -1 after a message. */
int input_find(struct input *input, const struct out *out);

/*
 * The next batch: 1, or 0 at the end, or -1 when reading is over because of an error; all errors are
 * reported.  Damaged inputs are reported and passed over.
 */
int input_next(struct input *input, const flowlog_batch **batch);

/* 1 if not one input could be read. */
int input_is_lost(const struct input *input);

/* Report malformed lines; the exit status as far as reading goes. */
int input_finish(struct input *input);

void input_close(struct input *input);

/* 1 if a format in the input has the field. */
int input_has(const struct input *input, const char *field);

/* How to call an input in messages. */
const char *input_label(const struct input *input, uint32_t file);

/* The parts of the above that collect.c shares: an input's error, and 1 if it costs that input only. */
int input_damage(struct input *input, const char *label, const flowlog_error *err);

/* collect.c: --where, --from and --to into input->filter.  0, or -1 after a message. */
int input_filter(struct input *input);

/* An error in the text of an option, with a caret where the place is known. */
void input_report_text(const char *option, const char *text, const flowlog_error *err);

#endif
