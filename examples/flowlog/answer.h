/* SPDX-License-Identifier: MIT */
/* answer.h - what commands with a plan print: its rows, what is inexact about them, the plan, a partial. */
#ifndef COMMAND_ANSWER_H
#define COMMAND_ANSWER_H

#include "flowlog.h"
#include "input.h"
#include "out.h"
#include "text.h"

/*
 * The keys of --by as they were given, NUL-terminated one after the other, into `names`; how many, or 0 where one of
 * them is several columns, which then have their own names.
 */
uint32_t answer_key_names(const char *by, struct text *names);

/* On standard error: records without a key, columns that are estimates, rows that may be too large. */
void answer_remarks(const flowlog_result *result, const char *by);

/* The rows; `by` NULL: columns have their own names.  0, or -1 after a message. */
int answer_write(const flowlog_result *result, const char *by, flowlog_form form, struct out *out);

/* The canonical plan, and what a reader would be opened with; `input` may be NULL.  0, or -1 after a message. */
int answer_explain(const flowlog_plan *plan, const struct input *input, struct out *out);

/* A partial to a file.  0, or -1 after a message. */
int answer_save(flowlog_run *run, const char *path);

#endif
