/* SPDX-License-Identifier: MIT */
/* one_call.c - a source read to its end for a plan; see flowlog/plan.h. */
#include "plan/one_call.h"

#include <string.h>

#include "core/error.h"
#include "plan/parallel.h"
#include "read/reader.h"

/* Progress is told each time this much more was consumed: several times a second, without a clock. */
#define PROGRESS_BYTES (UINT64_C(4) << 20)

flowlog_status flowlog__run_options(const flowlog_run_options *given, flowlog_run_options *o, flowlog_error *err)
{
    *o = (flowlog_run_options)FLOWLOG_RUN_OPTIONS_INIT;
    if (!given) return FLOWLOG_OK;
    const size_t size = given->struct_size;
    if (size < 8) return FL_FAIL(err, FLOWLOG_E_ARGUMENT, "struct_size of the run options is not set");
    memcpy(o, given, size < sizeof *o ? size : sizeof *o);
    for (size_t i = sizeof *o; i < size; i++)
        if (((const uint8_t *)given)[i])
            return FL_FAIL(err, FLOWLOG_E_ARGUMENT, "run options of a newer version are set");
    o->struct_size = sizeof *o;
    if (o->flags & ~(uint32_t)FLOWLOG_READ_STOP_ON_BAD)
        return FL_FAIL(err, FLOWLOG_E_ARGUMENT, "flags that a run does not have");
    return FLOWLOG_OK;
}

void flowlog__run_reader_options(const flowlog_plan *plan, const flowlog_run_options *options,
                                 flowlog_reader_options *reader)
{
    *reader = (flowlog_reader_options)FLOWLOG_READER_OPTIONS_INIT;
    reader->flags = options->flags | (flowlog__plan_all_rows(plan) ? 0 : (uint32_t)FLOWLOG_READ_RECORDS_ONLY);
    reader->fields = plan->needed ? plan->needed : ""; /* what only the filter needs it reads by itself */
    reader->format = options->format;
    reader->alloc = options->alloc;
    reader->line_max = options->line_max;
    reader->filter = plan->filter;
}

int flowlog__is_damage(flowlog_status status)
{
    return status == FLOWLOG_E_IO || status == FLOWLOG_E_CORRUPT || status == FLOWLOG_E_FORMAT;
}

flowlog_status flowlog__tell_damage(const flowlog_run_options *options, const char *name, const flowlog_error *damage,
                                    flowlog_error *err)
{
    flowlog_status status = (flowlog_status)damage->status;
    if (options->damage) status = (flowlog_status)options->damage(options->ctx, name ? name : "", damage);
    if (status == FLOWLOG_OK) return FLOWLOG_OK;
    if (err) {
        *err = *damage;
        err->status = status;
    }
    return status < 0 ? status : FLOWLOG_E_CANCELLED;
}

struct progress {
    const flowlog_run_options *options;
    uint64_t told, total;
};

static flowlog_status tell_progress(struct progress *p, uint64_t bytes, flowlog_error *err)
{
    if (!p->options->progress || bytes - p->told < PROGRESS_BYTES) return FLOWLOG_OK;
    p->told = bytes;
    if (!p->options->progress(p->options->ctx, bytes, p->total)) return FLOWLOG_OK;
    return FL_FAIL(err, FLOWLOG_E_CANCELLED, "ended by the caller");
}

static flowlog_status add_all(flowlog_run *run, flowlog_reader *reader, struct progress *p, flowlog_error *err)
{
    for (;;) {
        const flowlog_batch *batch = NULL;
        flowlog_error damage;
        memset(&damage, 0, sizeof damage);
        const flowlog_status status = flowlog_reader_next(reader, &batch, &damage);
        if (status == FLOWLOG_END) return FLOWLOG_OK;
        if (status == FLOWLOG_OK) {
            FL_TRY(flowlog_run_add(run, batch, err));
        } else if (flowlog__is_damage(status)) {
            FL_TRY(flowlog__tell_damage(p->options, flowlog_reader_path(reader, flowlog_reader_file(reader)), &damage,
                                        err));
        } else {
            if (err) *err = damage;
            return status;
        }
        FL_TRY(tell_progress(p, flowlog_reader_progress(reader), err));
    }
}

flowlog_status flowlog__collect(flowlog_run *run, flowlog_source *source, const flowlog_run_options *options,
                                flowlog_counters *counters, flowlog_error *err)
{
    flowlog_reader_options how;
    flowlog_reader *reader = NULL;
    struct progress p = {options, 0, flowlog_source_bytes(source)};
    flowlog__run_reader_options(run->plan, options, &how);
    FL_TRY(flowlog_reader_open(source, &how, &reader, err));
    flowlog_status status = add_all(run, reader, &p, err);
    const uint64_t bytes = flowlog_reader_progress(reader);
    if (status >= 0 && options->progress && options->progress(options->ctx, bytes, p.total))
        status = FL_FAIL(err, FLOWLOG_E_CANCELLED, "ended by the caller");
    *counters = *flowlog_reader_counters(reader);
    (void)flowlog__reader_take_source(reader);
    flowlog_reader_close(reader);
    return status;
}

/* --- by several threads ------------------------------------------------------------------------------------- */

struct shared {
    const flowlog_plan *plan;
    const flowlog_run_options *options;
};

static flowlog_status begin_run(const struct shared *shared, flowlog_run **run, flowlog_error *err)
{
    const flowlog_status status = flowlog_run_begin(shared->plan, shared->options->alloc, run);
    if (status == FLOWLOG_E_ARGUMENT)
        return FL_FAIL(err, status, "an approximate plan is sorted by a count or a sum first, falling");
    return status < 0 ? FL_FAIL(err, status, "out of memory for a run") : FLOWLOG_OK;
}

static flowlog_status work_begin(void *ctx, void **state, flowlog_error *err)
{
    flowlog_run *run = NULL;
    FL_TRY(begin_run(ctx, &run, err));
    *state = run;
    return FLOWLOG_OK;
}

static flowlog_status work_add(void *ctx, void *state, const flowlog_batch *batch, flowlog_error *err)
{
    (void)ctx;
    return flowlog_run_add(state, batch, err);
}

static flowlog_status work_merge(void *ctx, void *into, void *from, flowlog_error *err)
{
    (void)ctx;
    return flowlog_run_merge(into, from, err);
}

static void work_free(void *ctx, void *state)
{
    (void)ctx;
    flowlog_run_free(state);
}

/* END: one thread has to do it. */
static flowlog_status collect_together(struct shared *shared, flowlog_source *source, flowlog_run **run,
                                       flowlog_counters *counters, flowlog_error *err)
{
    static const struct fl_work work = {work_begin, work_add, work_merge, work_free};
    const flowlog_run_options *o = shared->options;
    flowlog_reader_options how;
    void *state = NULL;
    if (o->threads < 2 || shared->plan->approximate) return FLOWLOG_END; /* what is kept would depend on the order */
    flowlog__run_reader_options(shared->plan, o, &how);
    const struct fl_parallel p = {.source = source, .options = &how, .threads = o->threads, .work = &work,
                                  .ctx = shared, .progress = o->progress, .damage = o->damage, .user = o->ctx};
    const flowlog_status status = flowlog__parallel_read(&p, &state, counters, err);
    if (status == FLOWLOG_OK) *run = state;
    return status;
}

static flowlog_status collect_alone(const struct shared *shared, flowlog_source *source, flowlog_run **run,
                                    flowlog_counters *counters, flowlog_error *err)
{
    FL_TRY(begin_run(shared, run, err));
    return flowlog__collect(*run, source, shared->options, counters, err);
}

/* --- one call --------------------------------------------------------------------------------------------- */

flowlog_status flowlog_plan_collect(const flowlog_plan *plan, flowlog_source *source,
                                    const flowlog_run_options *options, flowlog_run **run, flowlog_error *err)
{
    flowlog_run_options o;
    flowlog_run *r = NULL;
    flowlog_counters counters;
    if (!plan || !source || !run) return FL_FAIL(err, FLOWLOG_E_ARGUMENT, "no plan, no source or no run given");
    FL_TRY(flowlog__run_options(options, &o, err));
    memset(&counters, 0, sizeof counters);
    struct shared shared = {plan, &o};
    flowlog_status status = collect_together(&shared, source, &r, &counters, err);
    if (status == FLOWLOG_END) status = collect_alone(&shared, source, &r, &counters, err);
    if (o.counters) *o.counters = counters;
    if (status < 0) {
        flowlog_run_free(r);
        return status;
    }
    *run = r;
    return FLOWLOG_OK;
}

flowlog_status flowlog_plan_run(const flowlog_plan *plan, flowlog_source *source, const flowlog_run_options *options,
                                flowlog_result **result, flowlog_error *err)
{
    flowlog_run *run = NULL;
    if (!result) return FL_FAIL(err, FLOWLOG_E_ARGUMENT, "no result given");
    FL_TRY(flowlog_plan_collect(plan, source, options, &run, err));
    const flowlog_status status = flowlog_run_finish(run, result, err);
    flowlog_run_free(run);
    return status;
}
