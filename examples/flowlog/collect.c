/* SPDX-License-Identifier: MIT */
/*
 * collect.c - the filter of a command, and everything read into a run of a plan or a diagnosis, on several threads.
 */
#if defined(__linux__)
#define _GNU_SOURCE /* sched_getaffinity */
#include <sched.h>
#else
#define _POSIX_C_SOURCE 200809L
#endif
#include "input.h"

#include <string.h>
#include <time.h>
#include <unistd.h>

#include "hint.h"
#include "progress.h"
#include "sigbus.h"
#include "text.h"

/* Beyond that threads only wait for one another. */
enum { THREADS_MAX = 256 };

/* --- which records ----------------------------------------------------------------------------------------- */

/* And the condition to the filter.  `before` bytes of it stand before what the user wrote, `shown`. */
static int add_condition(struct input *input, const char *option, const char *text, size_t before, const char *shown)
{
    flowlog_filter_options options = FLOWLOG_FILTER_OPTIONS_INIT;
    flowlog_filter *filter = NULL, *both = NULL;
    flowlog_error err;
    options.format = input->format;
    options.now = (int64_t)time(NULL);
    if (flowlog_filter_parse(text, strlen(text), &options, &filter, &err) < 0) {
        err.column = err.column > before ? err.column - (uint32_t)before : 0;
        input_report_text(option, shown, &err);
        return -1;
    }
    const flowlog_status status = flowlog_filter_and(input->filter, filter, NULL, &both, &err);
    if (status < 0) message_error("%s: %s", option, err.message);
    flowlog_filter_free(filter);
    if (status < 0) return -1;
    flowlog_filter_free(input->filter);
    input->filter = both;
    return 0;
}

static int add_time(struct input *input, const char *option, const char *comparison, const char *value)
{
    static const char allowed[] = "0123456789-+:.TZtzsmhdw";
    if (!*value || value[strspn(value, allowed)]) {
        message_error("%s takes a time such as 2026-03-01T12:00:00Z, seconds since 1970 or -2h, not '%s'", option,
                      value);
        return -1;
    }
    struct text text = {NULL, 0, 0};
    text_print(&text, "%s%s", comparison, value);
    const int bad = add_condition(input, option, text.ptr, strlen(comparison), value);
    text_free(&text);
    return bad;
}

int input_filter(struct input *input)
{
    const struct options *const o = input->options;
    if (o->where && add_condition(input, "--where", o->where, 0, o->where)) return -1;
    if (o->from && add_time(input, "--from", "start >= ", o->from)) return -1;
    return o->to && add_time(input, "--to", "start < ", o->to) ? -1 : 0;
}

/* --- all of them ------------------------------------------------------------------------------------------- */

/* The processors that this process may run on. */
static uint32_t processors(void)
{
    long count = sysconf(_SC_NPROCESSORS_ONLN);
#if defined(__linux__)
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0) count = CPU_COUNT(&set);
#endif
    return count < 1 ? 1 : count > THREADS_MAX ? THREADS_MAX : (uint32_t)count;
}

static int on_progress(void *ctx, uint64_t bytes, uint64_t total)
{
    struct input *const input = ctx;
    (void)total;
    input->consumed = bytes;
    progress_update(bytes);
    return 0;
}

static int on_damage(void *ctx, const char *name, const flowlog_error *err)
{
    struct input *const input = ctx;
    const char *const label = !name || !*name ? "input" : strcmp(name, "-") == 0 ? "standard input" : name;
    return input_damage(input, label, err) ? 0 : err->status;
}

/* A key that is no field; the reader says where in the fields of the plan. */
static void report_field(const struct options *o, const char *name)
{
    const size_t len = strcspn(name, ",");
    const char *const near = hint_field(name, len);
    if (near) message_error("--by: unknown field '%.*s'; did you mean '%s'?", (int)len, name, near);
    else message_error("--by: unknown field '%.*s'", (int)len, name);
    for (const char *p = o->by; p && *p; p++) {
        if (strncmp(p, name, len) != 0) continue;
        message_caret(o->by, (size_t)(p - o->by));
        return;
    }
}

/* Find the inputs, and how they are read. */
static int prepare(struct input *input, const struct out *out, flowlog_run_options *options)
{
    const struct options *const o = input->options;
    if (input_find(input, out)) return -1;
    *options = (flowlog_run_options)FLOWLOG_RUN_OPTIONS_INIT;
    options->threads = o->threads ? (uint32_t)o->threads : processors();
    options->flags = o->stop_on_bad ? (uint32_t)FLOWLOG_READ_STOP_ON_BAD : 0;
    options->format = input->format;
    options->progress = on_progress;
    options->damage = on_damage;
    options->ctx = input;
    options->counters = &input->counters;
    sigbus_catch();
    return 0;
}

/* 0, or -1 after a message about what ended the reading. */
static int conclude(struct input *input, flowlog_status status, const flowlog_error *err)
{
    const flowlog_counters *const c = &input->counters;
    input->rows = c->records + c->nodata + c->skipdata;
    if (status < 0) {
        const uint32_t file = status == FLOWLOG_E_MALFORMED && c->bad_lines ? c->bad_line[0].file : 0;
        progress_clear();
        input_damage(input, input->inputs == 1 || file ? input_label(input, file) : "input", err);
        return -1;
    }
    progress_end(input->consumed);
    return 0;
}

int input_collect(struct input *input, const struct out *out, const flowlog_plan *plan, flowlog_run **run)
{
    flowlog_run_options options;
    flowlog_error err;
    if (prepare(input, out, &options)) return -1;
    const flowlog_status status = flowlog_plan_collect(plan, input->source, &options, run, &err);
    if (status == FLOWLOG_E_FIELD && err.offset < strlen(flowlog_plan_fields(plan))) {
        progress_clear();
        report_field(input->options, flowlog_plan_fields(plan) + err.offset);
        return -1;
    }
    return conclude(input, status, &err);
}

int input_diagnose(struct input *input, const struct out *out, flowlog_diagnosis *diagnosis)
{
    flowlog_run_options options;
    flowlog_error err;
    if (prepare(input, out, &options)) return -1;
    return conclude(input, flowlog_diagnosis_collect(diagnosis, input->source, &options, &err), &err);
}
