/* SPDX-License-Identifier: MIT */
/* run.c - batches into groups and groups into a result; see flowlog/plan.h. */
#include <string.h>

#include "core/alloc.h"
#include "core/error.h"
#include "plan/order.h"
#include "plan/plan.h"
#include "plan/result.h"

struct flowlog_run {
    flowlog_alloc alloc;
    const flowlog_plan *plan;
    struct fl_groups groups;
    flowlog_status failed; /* what ended the run */
};

static void make_spec(const flowlog_plan *plan, struct fl_group_spec *spec)
{
    memset(spec, 0, sizeof *spec);
    spec->keys.count = plan->keys;
    for (uint32_t k = 0; k < plan->keys; k++) {
        const struct fl_plan_field *field = &plan->field[plan->key[k]];
        spec->keys.key[k] = (struct fl_key){.column = plan->key[k], .field = field->field, .type = field->type};
    }
    spec->aggs = plan->aggs;
    for (uint32_t a = 0; a < plan->aggs; a++)
        spec->agg[a] = (struct fl_agg){.name = plan->agg[a].name, .kind = plan->agg[a].kind,
                                       .column = plan->agg[a].field, .where = FL_NO_WHERE,
                                       .type = plan->agg[a].field == UINT32_MAX
                                                   ? 0 : plan->field[plan->agg[a].field].type};
    spec->keep_null = spec->all_rows = plan->keep_null;
    spec->max_groups = plan->max_groups;
}

flowlog_status flowlog_run_begin(const flowlog_plan *plan, const flowlog_alloc *alloc, flowlog_run **run)
{
    if (!plan || !run) return FLOWLOG_E_ARGUMENT;
    const flowlog_alloc a = flowlog__alloc_or_default(alloc);
    flowlog_run *r = flowlog__alloc(&a, sizeof *r);
    if (!r) return FLOWLOG_E_MEMORY;
    struct fl_group_spec spec;
    make_spec(plan, &spec);
    r->alloc = a;
    r->plan = plan;
    r->failed = FLOWLOG_OK;
    flowlog__groups_init(&r->groups, &spec, &r->alloc);
    /* Without keys all rows are one group, also when there are none. */
    const flowlog_status status = plan->keys ? FLOWLOG_OK : flowlog__groups_add_only(&r->groups);
    if (status < 0) {
        flowlog_run_free(r);
        return status;
    }
    *run = r;
    return FLOWLOG_OK;
}

void flowlog_run_free(flowlog_run *run)
{
    if (!run) return;
    flowlog__groups_free(&run->groups);
    const flowlog_alloc a = run->alloc;
    flowlog__release(&a, run, sizeof *run);
}

static flowlog_status check_columns(const flowlog_plan *plan, const flowlog_batch *batch, flowlog_error *err)
{
    if (batch->columns != plan->fields)
        return FL_FAIL(err, FLOWLOG_E_ARGUMENT, "the batch has %u columns and the plan %u fields",
                       (unsigned)batch->columns, (unsigned)plan->fields);
    for (uint32_t c = 0; c < plan->fields; c++) {
        const flowlog_column *column = &batch->column[c];
        const struct fl_plan_field *field = &plan->field[c];
        if (column->field != field->field || column->type != field->type
            || (!field->field && !(column->name && flowlog__plan_same_name(column->name, field->name))))
            return FL_FAIL(err, FLOWLOG_E_ARGUMENT, "column %u of the batch is '%.60s' and not '%.60s'",
                           (unsigned)c + 1, column->name ? column->name : "", field->name);
    }
    return FLOWLOG_OK;
}

flowlog_status flowlog_run_add(flowlog_run *run, const flowlog_batch *batch, flowlog_error *err)
{
    if (!run || !batch) return FL_FAIL(err, FLOWLOG_E_ARGUMENT, "no run or no batch given");
    if (run->failed < 0) return FL_FAIL(err, run->failed, "the run ended in an error before");
    FL_TRY(check_columns(run->plan, batch, err));
    return run->failed = flowlog__groups_add(&run->groups, batch, NULL, NULL, err);
}

flowlog_status flowlog_run_finish(flowlog_run *run, flowlog_result **result, flowlog_error *err)
{
    if (!run || !result) return FL_FAIL(err, FLOWLOG_E_ARGUMENT, "no run or no result given");
    if (run->failed < 0) return FL_FAIL(err, run->failed, "the run ended in an error before");
    struct fl_ranked *ranked;
    size_t count;
    flowlog_status status = flowlog__order(run->plan, &run->groups, &run->alloc, run->plan->limit, &ranked, &count);
    if (status >= 0) status = flowlog__result_new(run->plan, &run->groups, ranked, count, &run->alloc, result);
    if (ranked) flowlog__release(&run->alloc, ranked, count * sizeof *ranked);
    return status < 0 ? FL_FAIL(err, status, "out of memory for a result") : FLOWLOG_OK;
}
