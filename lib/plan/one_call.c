/* SPDX-License-Identifier: MIT */
/* one_call.c - a source read to its end for a plan; see flowlog/plan.h. */
#include "plan/one_call.h"

#include <string.h>

#include "core/error.h"
#include "plan/parallel.h"
#include "plan/run.h"

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
    reader->flags = options->flags; /* to leave out the few NODATA rows costs groups less than it costs a reader */
    reader->fields = plan->needed ? plan->needed : ""; /* what only the filter needs it reads by itself */
    reader->format = options->format;
    reader->alloc = options->alloc;
    reader->line_max = options->line_max;
    reader->filter = plan->filter;
}

/* --- what is done with batches ------------------------------------------------------------------------------ */

struct shared {
    const flowlog_plan *plan;
    const flowlog_run_options *options;
};

static flowlog_status work_begin(void *ctx, void **state, flowlog_error *err)
{
    const struct shared *shared = ctx;
    flowlog_run *run = NULL;
    const flowlog_status status = flowlog_run_begin(shared->plan, shared->options->alloc, &run);
    if (status == FLOWLOG_E_ARGUMENT)
        return FL_FAIL(err, status, "an approximate plan is sorted by a count or a sum first, falling");
    if (status < 0) return FL_FAIL(err, status, "out of memory for a run");
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

/* By several threads, where that pays and is asked for. */
static flowlog_status collect(struct shared *shared, flowlog_source *source, void **state, flowlog_counters *counters,
                              flowlog_error *err)
{
    static const struct fl_work work = {work_begin, work_add, work_merge, work_free, NULL};
    const flowlog_run_options *o = shared->options;
    flowlog_reader_options how;
    flowlog__run_reader_options(shared->plan, o, &how);
    const struct fl_parallel p = {.source = source, .options = &how, .threads = o->threads, .work = &work,
                                  .ctx = shared, .progress = o->progress, .damage = o->damage, .user = o->ctx};
    if (!shared->plan->approximate) { /* there what is kept depends on the order */
        const flowlog_status status = flowlog__parallel_read(&p, state, counters, err);
        if (status != FLOWLOG_END) return status;
    }
    FL_TRY(work_begin(shared, state, err));
    return flowlog__read_alone(&p, *state, counters, err);
}

/* --- one call --------------------------------------------------------------------------------------------- */

flowlog_status flowlog_plan_collect(const flowlog_plan *plan, flowlog_source *source,
                                    const flowlog_run_options *options, flowlog_run **run, flowlog_error *err)
{
    flowlog_run_options o;
    void *r = NULL;
    flowlog_counters counters;
    if (!plan || !source || !run) return FL_FAIL(err, FLOWLOG_E_ARGUMENT, "no plan, no source or no run given");
    FL_TRY(flowlog__run_options(options, &o, err));
    memset(&counters, 0, sizeof counters);
    struct shared shared = {plan, &o};
    const flowlog_status status = collect(&shared, source, &r, &counters, err);
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
