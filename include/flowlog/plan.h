/* SPDX-License-Identifier: MIT */
/*
 * flowlog/plan.h - a question: keys, aggregates, order, limit; and its answer.
 *
 * Takes  a plan, built by the functions below, and a reader (reader.h).
 * Gives  flowlog_result: rows of keys and aggregates.
 * Next   write.h prints results.
 *
 *     flowlog_plan_new(NULL, &plan);
 *     flowlog_plan_key(plan, "srcaddr", NULL);
 *     flowlog_plan_aggregate(plan, FLOWLOG_AGG_SUM, "bytes", "bytes", NULL);
 *     flowlog_plan_sort(plan, "bytes", 1, NULL);
 *     flowlog_plan_limit(plan, 10);
 */
#ifndef FLOWLOG_PLAN_H
#define FLOWLOG_PLAN_H

#include "flowlog/base.h"
#include "flowlog/reader.h"
#include "flowlog/value.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Opaque.  Changed by its builder functions, then read only: any thread may run it. */
typedef struct flowlog_plan flowlog_plan;

typedef enum flowlog_agg {
    FLOWLOG_AGG_COUNT = 1, /* rows of the group; its field is NULL */
    FLOWLOG_AGG_SUM = 2    /* exact in 64 bits; beyond that the run ends in E_OVERFLOW, never in a wrapped
                              value.  Nulls add nothing */
} flowlog_agg;

/** Ownership  *plan is owned: flowlog_plan_free.  Errors  E_MEMORY, E_ARGUMENT. */
FLOWLOG_API flowlog_status flowlog_plan_new(const flowlog_alloc *alloc, flowlog_plan **plan);
FLOWLOG_API void flowlog_plan_free(flowlog_plan *plan);

/**
 * Group by one more field, known or not to the catalogue (then it is text).  Addresses, numbers and text
 * are grouped by value, tokens by what they mean, unknown ones as they are.  Without any key all rows are
 * one group, also when there are no rows.
 *
 * Errors     E_DUPLICATE, E_FIELD (no name of a field could look like this), E_LIMIT (16 keys), E_MEMORY.
 */
FLOWLOG_API flowlog_status flowlog_plan_key(flowlog_plan *plan, const char *field, flowlog_error *err);

/** Keep groups that have a null key.  Default 0: such rows are left out, and counted in the result. */
FLOWLOG_API flowlog_status flowlog_plan_keep_null_keys(flowlog_plan *plan, int keep);

/**
 * One more output column.  `alias` NULL: "count", "sum(bytes)".
 *
 * Errors     E_FIELD for a field that cannot be summed, E_DUPLICATE for a second column of that name,
 *            E_LIMIT (64 aggregates), E_MEMORY, E_ARGUMENT.
 */
FLOWLOG_API flowlog_status flowlog_plan_aggregate(flowlog_plan *plan, flowlog_agg kind, const char *field,
                                                  const char *alias, flowlog_error *err);

/**
 * Sort by an output column or key that the plan has by now, `descending` 1 or 0; several calls sort by
 * several.  Ties, and everything when nothing is named, go by the keys in rising order: results are the
 * same on every run.  Rising is: null, then numbers by value, IPv4 before IPv6, text and tokens by bytes.
 *
 * Errors     E_FIELD (there is no such column), E_DUPLICATE.
 */
FLOWLOG_API flowlog_status flowlog_plan_sort(flowlog_plan *plan, const char *column, int descending,
                                             flowlog_error *err);

/** At most that many rows; 0: all. */
FLOWLOG_API flowlog_status flowlog_plan_limit(flowlog_plan *plan, uint64_t rows);

/** At most that many groups in memory; 0: 2^24.  Beyond it the run ends in E_LIMIT.  At most 2^32 - 256. */
FLOWLOG_API flowlog_status flowlog_plan_max_groups(flowlog_plan *plan, uint64_t groups);

/**
 * The fields a reader must be opened with for this plan, as its options take them: each once, in the order
 * in which they were first named.  Borrowed until the plan is changed or freed.
 */
FLOWLOG_API const char *flowlog_plan_fields(const flowlog_plan *plan);

/** The groups collected so far; opaque.  One thread at a time. */
typedef struct flowlog_run flowlog_run;

/**
 * Run a plan by hand: begin, add each batch, finish.  A batch must have the columns of
 * flowlog_plan_fields in that order.  Only rows whose log_status is neither NODATA nor SKIPDATA count,
 * unless null keys are kept.
 *
 * Ownership  `plan` is borrowed until the run is freed.  *run is owned: flowlog_run_free.
 * Errors     of add: E_ARGUMENT (other columns; nothing was added), and E_MEMORY, E_LIMIT, E_OVERFLOW, which
 *            end the run: from then on add and finish give the same.
 * Cost       memory grows with the groups, never with the rows.
 */
FLOWLOG_API flowlog_status flowlog_run_begin(const flowlog_plan *plan, const flowlog_alloc *alloc,
                                             flowlog_run **run);
FLOWLOG_API flowlog_status flowlog_run_add(flowlog_run *run, const flowlog_batch *batch, flowlog_error *err);

/** Opaque, immutable. */
typedef struct flowlog_result flowlog_result;

/** Ownership  *result is owned, and a copy that needs no run: flowlog_result_free.  The run stays usable. */
FLOWLOG_API flowlog_status flowlog_run_finish(flowlog_run *run, flowlog_result **result, flowlog_error *err);
FLOWLOG_API void flowlog_run_free(flowlog_run *run);

FLOWLOG_API uint64_t flowlog_result_rows(const flowlog_result *result);
FLOWLOG_API uint32_t flowlog_result_columns(const flowlog_result *result); /* keys, then aggregates */
FLOWLOG_API const char *flowlog_result_name(const flowlog_result *result, uint32_t column);

/** The value of one cell; text is borrowed from the result. */
FLOWLOG_API flowlog_status flowlog_result_value(const flowlog_result *result, uint64_t row, uint32_t column,
                                                flowlog_value *value);

/**
 * The sum of an aggregate over all groups, also those beyond the limit: what shares are of.  E_OVERFLOW when
 * it exceeds 64 bits, E_ARGUMENT for a key.
 */
FLOWLOG_API flowlog_status flowlog_result_total(const flowlog_result *result, uint32_t column,
                                                uint64_t *total);

/** Groups before the limit, and rows left out because a key was null. */
FLOWLOG_API uint64_t flowlog_result_groups(const flowlog_result *result);
FLOWLOG_API uint64_t flowlog_result_null_keys(const flowlog_result *result);

FLOWLOG_API void flowlog_result_free(flowlog_result *result);

#ifdef __cplusplus
}
#endif
#endif
