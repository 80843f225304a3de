/* SPDX-License-Identifier: MIT */
/*
 * collect.c - a source read to its end for a diagnosis, on one thread or several; see flowlog/diagnose.h.
 *
 * With several each thread has an engine of its own, which knows the numbers of the interfaces and subnets that were
 * told and nothing else.  They are merged, and what is left is taken over as a whole.
 */
#include <string.h>

#include "analyze/engine.h"
#include "core/error.h"
#include "plan/one_call.h"
#include "plan/parallel.h"

/* --- an engine of one thread ------------------------------------------------------------------------------- */

/* The same texts in the same order have the same numbers. */
static flowlog_status copy_names(struct fl_intern *to, const struct fl_intern *from, const flowlog_alloc *alloc)
{
    for (uint32_t i = 1; i <= from->count; i++) {
        const flowlog_str text = fl_intern_text(from, i);
        uint32_t id;
        FL_TRY(flowlog__intern(to, alloc, text.ptr, text.len, UINT32_MAX, &id));
    }
    return FLOWLOG_OK;
}

static flowlog_status copy_told(flowlog_diagnosis *to, const flowlog_diagnosis *from)
{
    FL_TRY(copy_names(&to->texts, &from->texts, &to->alloc));
    for (uint32_t i = 1; i <= from->names.count; i++) {
        uint32_t eni;
        FL_TRY(flowlog__diagnosis_interface(to, fl_interface_name(from, i), &eni));
        to->iface[eni].told_type = from->iface[i].told_type;
        to->iface[eni].told_subnet = from->iface[i].told_subnet;
        to->iface[eni].subnet = from->iface[i].subnet;
    }
    return FLOWLOG_OK;
}

static flowlog_status work_begin(void *ctx, void **state, flowlog_error *err)
{
    const flowlog_diagnosis *d = ctx;
    flowlog_diagnosis_options o = FLOWLOG_DIAGNOSIS_OPTIONS_INIT;
    flowlog_diagnosis *one = NULL;
    o.alloc = &d->alloc;
    o.max_conversations = d->max_conversations;
    o.evidence = d->evidence;
    FL_TRY(flowlog_diagnosis_new(&o, &one, err));
    const flowlog_status status = copy_told(one, d);
    if (status < 0) {
        flowlog_diagnosis_free(one);
        return FL_FAIL(err, status, "out of memory for a diagnosis");
    }
    *state = one;
    return FLOWLOG_OK;
}

static flowlog_status work_add(void *ctx, void *state, const flowlog_batch *batch, flowlog_error *err)
{
    (void)ctx;
    return flowlog_diagnosis_add(state, batch, err);
}

/* What one thread would have given up depends on the order of all records: then one thread has to read them. */
static flowlog_status work_merge(void *ctx, void *into, void *from, flowlog_error *err)
{
    const flowlog_diagnosis *d = ctx, *a = into, *b = from;
    if (!a->truncated && !b->truncated) FL_TRY(flowlog_diagnosis_merge(into, from, err));
    if (!a->truncated && !b->truncated && a->table.live <= d->max_conversations) return FLOWLOG_OK;
    return FL_FAIL(err, FLOWLOG_E_LIMIT, "more conversations than there may be");
}

static void work_free(void *ctx, void *state)
{
    (void)ctx;
    flowlog_diagnosis_free(state);
}

static void work_move_lines(void *ctx, void *state, uint64_t lines)
{
    flowlog_diagnosis *d = state;
    (void)ctx;
    for (size_t i = 0; i < d->line_cap * d->evidence; i++) d->line[i].line += lines;
}

/* --- all of them ------------------------------------------------------------------------------------------- */

/* All that `one` has seen becomes that of `d`, which has seen nothing; what was told stays.  `one` is freed. */
static void take_over(flowlog_diagnosis *d, flowlog_diagnosis *one)
{
    const flowlog_diagnosis told = *d;
    *d = *one;
    *one = told;
    d->flags = told.flags;
    d->late = told.late;
    d->report = told.report;
    d->report_ctx = told.report_ctx;
    d->told = told.told;
    d->rules = told.rules;
    d->rules_told = told.rules_told;
    memset(&one->told, 0, sizeof one->told);
    one->rules = NULL;
    flowlog_diagnosis_free(one);
}

flowlog_status flowlog__diagnosis_collect(flowlog_diagnosis *d, flowlog_source *source, const flowlog_run_options *o,
                                          uint64_t range_min, flowlog_counters *counters, flowlog_error *err)
{
    static const struct fl_work work = {work_begin, work_add, work_merge, work_free, work_move_lines};
    flowlog_reader_options how = FLOWLOG_READER_OPTIONS_INIT;
    how.flags = o->flags | (d->evidence ? (uint32_t)FLOWLOG_READ_LINES : 0);
    how.fields = flowlog_diagnosis_fields(d);
    how.format = o->format;
    how.alloc = o->alloc;
    how.line_max = o->line_max;
    const struct fl_parallel p = {.source = source, .options = &how, .threads = o->threads, .work = &work, .ctx = d,
                                  .progress = o->progress, .damage = o->damage, .user = o->ctx,
                                  .range_min = range_min};
    if (!d->report && !d->records && !d->left_out && d->first > d->last) {
        void *state = NULL;
        const flowlog_status status = flowlog__parallel_read(&p, &state, counters, err);
        if (status == FLOWLOG_OK) take_over(d, state);
        if (status != FLOWLOG_END) return status;
    }
    return flowlog__read_alone(&p, d, counters, err);
}

flowlog_status flowlog_diagnosis_collect(flowlog_diagnosis *d, flowlog_source *source,
                                         const flowlog_run_options *options, flowlog_error *err)
{
    flowlog_run_options o;
    flowlog_counters counters;
    FL_TRY(flowlog__diagnosis_usable(d, err));
    if (!source) return FL_FAIL(err, FLOWLOG_E_ARGUMENT, "no source given");
    FL_TRY(flowlog__run_options(options, &o, err));
    memset(&counters, 0, sizeof counters);
    const flowlog_status status = flowlog__diagnosis_collect(d, source, &o, 0, &counters, err);
    if (o.counters) *o.counters = counters;
    if (status < 0) d->failed = status;
    return status;
}
