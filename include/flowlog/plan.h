/* SPDX-License-Identifier: MIT */
/*
 * flowlog/plan.h - a question: filter, keys, aggregates, order, limit; and its answer.
 *
 * Takes  a plan, built by the functions below, and a source (source.h), or batches (reader.h).
 * Gives  flowlog_result: rows of keys and aggregates; or a partial, an answer that is not finished.
 * Next   write.h prints results.
 *
 *     flowlog_plan_new(NULL, &plan);
 *     flowlog_plan_where(plan, "reject and dst port in [22 3389]", NULL);
 *     flowlog_plan_key(plan, "srcaddr", NULL);
 *     flowlog_plan_select(plan, "count, sum(bytes) as bytes", NULL);
 *     flowlog_plan_sort(plan, "bytes", 1, NULL);
 *     flowlog_plan_limit(plan, 10);
 *     flowlog_plan_run(plan, source, NULL, &result, NULL);
 *
 * The answer depends on the records alone: neither on their order, nor on how they lie in files, batches and
 * partials, nor on threads or the SIMD level.  The one exception is flowlog_plan_approximate, once it begins to
 * approximate.
 */
#ifndef FLOWLOG_PLAN_H
#define FLOWLOG_PLAN_H

#include "flowlog/base.h"
#include "flowlog/filter.h"
#include "flowlog/reader.h"
#include "flowlog/source.h"
#include "flowlog/value.h"

#ifdef __cplusplus
extern "C" {
#endif

/* --- the question ------------------------------------------------------------------------------------------ */

/** Opaque.  Changed by its builder functions, then read only: any thread may run it. */
typedef struct flowlog_plan flowlog_plan;

/** What is computed for each group.  Nulls are left out of all but COUNT without a field. */
typedef enum flowlog_agg {
    FLOWLOG_AGG_COUNT = 1,    /* rows of the group; with a field, those in which it is not null */
    FLOWLOG_AGG_SUM = 2,      /* exact in 64 bits; beyond that the run ends in E_OVERFLOW, never in a wrapped
                                 value.  0 where there is nothing to add */
    FLOWLOG_AGG_MIN = 3,      /* of numbers, times, addresses; null where there is none.  So MAX */
    FLOWLOG_AGG_MAX = 4,
    FLOWLOG_AGG_AVG = 5,      /* DECIMAL, rounded to 10^-9, half up; from an exact sum; null of none */
    FLOWLOG_AGG_STDDEV = 6,   /* DECIMAL: of a sample (n - 1); from exact sums, rounded down to 10^-9; null of
                                 fewer than two */
    FLOWLOG_AGG_DISTINCT = 7, /* different values: exact up to FLOWLOG_DISTINCT_EXACT of them, then HyperLogLog,
                                 and the result says so (flowlog_result_approximate) */
    FLOWLOG_AGG_QUANTILE = 8, /* the value that so many percent are not above; see FLOWLOG_QUANTILE_ERROR */
    FLOWLOG_AGG_FIRST = 9,    /* the value in the row with the smallest `start`, of those the smallest value */
    FLOWLOG_AGG_LAST = 10,    /* ... the largest `start`, of those the largest value */
    FLOWLOG_AGG_OR = 11       /* all bits that were set (tcp-flags); 0 of none */
} flowlog_agg;

/**
 * So many values DISTINCT counts exactly in a group; beyond it HyperLogLog of 2^14 registers estimates them, with
 * a standard error of 0.81 % (1.04 / sqrt(2^14); Flajolet and others 2007).  Numbers and IPv4 addresses are told
 * apart by value, IPv6 addresses and text by 64 bits of a hash.
 */
#define FLOWLOG_DISTINCT_EXACT 4096

/**
 * QUANTILE counts values in buckets, 128 for each power of two: below 256 the answer is exact, above it it is the
 * middle of a bucket and wrong by at most 1 part in 256.  Rank: the smallest value whose rank is at least
 * p / 100 * n.  Buckets are added up, so the answer depends on the values alone.
 */
#define FLOWLOG_QUANTILE_ERROR 256

/** Ownership  *plan is owned: flowlog_plan_free.  Errors  E_MEMORY, E_ARGUMENT. */
FLOWLOG_API flowlog_status flowlog_plan_new(const flowlog_alloc *alloc, flowlog_plan **plan);
FLOWLOG_API void flowlog_plan_free(flowlog_plan *plan);

/**
 * Only rows that match count (filter.h).  Called again, both must match; so with flowlog_plan_where_filter, which
 * copies a filter that is compiled already.  NODATA and SKIPDATA rows take part only in a plan that names
 * log-status, in a condition or as a key, or that keeps null keys.
 *
 * Errors     as flowlog_filter_parse, whose options `where_options` gives for all conditions to come.
 */
FLOWLOG_API flowlog_status flowlog_plan_where(flowlog_plan *plan, const char *condition, flowlog_error *err);
FLOWLOG_API flowlog_status flowlog_plan_where_filter(flowlog_plan *plan, const flowlog_filter *filter,
                                                     flowlog_error *err);
FLOWLOG_API flowlog_status flowlog_plan_where_options(flowlog_plan *plan, const flowlog_filter_options *options);

/**
 * Group by more keys, separated by commas:
 *
 *     FIELD                 any, known or not to the catalogue (then it is text)
 *     FIELD/24, FIELD/24,/64, FIELD/24/64
 *                           an address cut to a prefix: of IPv4, of IPv6 (default /64; one alone above 32 is of
 *                           IPv6, and IPv4 then stays whole)
 *     hour, hour(end)       a part of `start`, or of another time, in UTC: minute, hour, weekday (1, a Monday, to 7),
 *                           day, month, year
 *     bin(start,5m)         a time rounded down to a multiple of s, m, h, d or w since 1970
 *     pair(srcaddr,dstaddr) two keys: the smaller and the larger of two values, null being the smallest, so that
 *                           a direction and its reverse are one
 *     service               the server's port and protocol of the record (value.h)
 *
 * The column of a key has its canonical name: srcaddr/24 (IPv6 cut to /64), srcaddr/48 (IPv4 whole), srcaddr/24/56,
 * bin(start,5m), hour, hour(end), least(srcaddr,dstaddr) and greatest(srcaddr,dstaddr), service.
 *
 * Addresses, numbers and text are grouped by value, tokens by what they mean, unknown ones as they are.  Without
 * any key all rows are one group, also when there are no rows.
 *
 * Errors     E_SYNTAX, E_DUPLICATE, E_FIELD, E_LIMIT (16 keys), E_MEMORY; `err` has offset and column.
 */
FLOWLOG_API flowlog_status flowlog_plan_key(flowlog_plan *plan, const char *keys, flowlog_error *err);

/** Keep groups that have a null key.  Default 0: such rows are left out, and counted in the result. */
FLOWLOG_API flowlog_status flowlog_plan_keep_null_keys(flowlog_plan *plan, int keep);

/**
 * One more output column.  `alias` NULL: "count", "sum(bytes)".  QUANTILE needs flowlog_plan_select.
 *
 * Errors     E_FIELD for a field that cannot be aggregated so, E_DUPLICATE for a second column of that name,
 *            E_LIMIT (64 aggregates), E_MEMORY, E_ARGUMENT.
 */
FLOWLOG_API flowlog_status flowlog_plan_aggregate(flowlog_plan *plan, flowlog_agg kind, const char *field,
                                                  const char *alias, flowlog_error *err);

/**
 * More output columns as text, separated by commas:
 *
 *     count  count(F)  sum(F)  min(F)  max(F)  avg(F)  stddev(F)  distinct(F)  p50(F) ... p99.9(F)
 *     first(F)  last(F)  or(F)          each may be followed by  where CONDITION
 *     share(AGG)                        of AGG over all groups, before having and limit; AGG a count or a sum
 *     rate(AGG)                         a second: of the width of the bin when a key is one, else of the time from
 *                                       the first start to the last end of all rows that counted
 *     A + B, A - B, A * B, A / B        of the above and numbers, with parentheses; / is exact to 10^-9, and null
 *                                       when B is 0 or null
 *
 * each with  as NAME  at its end; without it the column is named by the text as it was given.
 *
 * Errors     as flowlog_plan_aggregate, and E_SYNTAX; `err` has offset and column.
 */
FLOWLOG_API flowlog_status flowlog_plan_select(flowlog_plan *plan, const char *columns, flowlog_error *err);

/**
 * Keep only groups that match: conditions on output columns, keys and aggregates (which need not be output
 * columns), count > 50 and sum(bytes) / count < 100.  Called again, both must match.
 */
FLOWLOG_API flowlog_status flowlog_plan_having(flowlog_plan *plan, const char *condition, flowlog_error *err);

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

/**
 * At most that many rows for each value of these keys, which the plan has: the first ones in its order.  The five
 * largest destinations of each hour: keys bin(start,1h) and dstaddr, limit_per(plan, "bin(start,1h)", 5).
 */
FLOWLOG_API flowlog_status flowlog_plan_limit_per(flowlog_plan *plan, const char *keys, uint64_t rows,
                                                  flowlog_error *err);

/** At most that many groups in memory; 0: 2^24.  Beyond it the run ends in E_LIMIT.  At most 2^32 - 256. */
FLOWLOG_API flowlog_status flowlog_plan_max_groups(flowlog_plan *plan, uint64_t groups);

/**
 * When there are more groups than max_groups, go on instead of ending in E_LIMIT: keep those that are largest by
 * the first column of the order, which must be a descending count or sum (Space-Saving; Metwally, Agrawal, El
 * Abbadi 2005).  That column is then too large by at most what flowlog_result_error says, every group whose true
 * value exceeds total / max_groups is there, and other aggregates of a group cover only its rows since it was last
 * taken in.  Runs on one thread.  E_ARGUMENT at the run when the order does not begin so.
 */
FLOWLOG_API flowlog_status flowlog_plan_approximate(flowlog_plan *plan, int approximate);

/**
 * The fields a reader must be opened with for this plan, as its options take them: each once, those of keys and
 * aggregates in the order in which they were first named, then those that only the filter needs.  Borrowed until
 * the plan is changed or freed.
 */
FLOWLOG_API const char *flowlog_plan_fields(const flowlog_plan *plan);

/** What flowlog_plan_where made; NULL: every row.  Borrowed until the plan is changed or freed. */
FLOWLOG_API const flowlog_filter *flowlog_plan_filter(const flowlog_plan *plan);

/**
 * The plan in its canonical form, an S-expression: equal texts are equal questions.  NUL-terminated when
 * cap > 0; returns the whole length as snprintf does.
 *
 *     (plan flx 2vl (stage (filter (eq action "REJECT")) (keys (k0 dstport)) (aggs (a0 count)) ...))
 */
FLOWLOG_API size_t flowlog_plan_explain(const flowlog_plan *plan, char *text, size_t cap);

/**
 * In which ways the answer differs from what Athena or Logs Insights would give: sentences for people, one a line, as
 * far as this plan is concerned; "" when there is none.  Like flowlog_plan_explain.
 */
FLOWLOG_API size_t flowlog_plan_remarks(const flowlog_plan *plan, char *text, size_t cap);

/* --- the answer in one call --------------------------------------------------------------------------------- */

/** Opaque, immutable. */
typedef struct flowlog_result flowlog_result;

/** The groups collected so far; opaque.  One thread at a time. */
typedef struct flowlog_run flowlog_run;

/** Input consumed so far, of `total` bytes (0: not known).  Anything but 0 ends the run with E_CANCELLED. */
typedef int (*flowlog_progress_fn)(void *ctx, uint64_t bytes, uint64_t total);

/**
 * An input could not be read, or not to its end; its name, and what flowlog_reader_next said.  0: go on with the
 * other inputs.  Anything else ends the run with that status.
 */
typedef int (*flowlog_damage_fn)(void *ctx, const char *name, const flowlog_error *err);

/** Zero means the default for every member but the first; FLOWLOG_RUN_OPTIONS_INIT sets that. */
typedef struct flowlog_run_options {
    uint32_t struct_size;         /* sizeof(flowlog_run_options) */
    uint32_t threads;             /* 0 or 1: the caller's alone.  The answer is the same for any number */
    uint32_t flags;               /* FLOWLOG_READ_STOP_ON_BAD, or 0 */
    uint32_t line_max;            /* as flowlog_reader_options */
    const flowlog_format *format; /* as flowlog_reader_options */
    const flowlog_alloc *alloc;   /* NULL: malloc.  Must allow calls from several threads when there are several */
    flowlog_progress_fn progress; /* called from the caller's thread, several times a second; may be NULL */
    flowlog_damage_fn damage;     /* called from the caller's thread, one at a time, in the order of inputs; NULL:
                                     the first damage ends the run */
    void *ctx;                    /* of both */
    flowlog_counters *counters;   /* written at the end, also when the run failed; may be NULL.  The bad lines kept
                                     are the first ones in the order of inputs */
} flowlog_run_options;

#define FLOWLOG_RUN_OPTIONS_INIT {sizeof(flowlog_run_options), 0, 0, 0, NULL, NULL, NULL, NULL, NULL, NULL}

/**
 * Read a source to its end and answer the plan: several files at a time, one large plain file by ranges, one large
 * gzip file with inflating beside parsing, when threads are asked for.
 *
 * Ownership  `source` stays the caller's, who may still ask its names, and is used up.  *result is owned.
 * Errors     those of the reader and of flowlog_run_add, E_CANCELLED, E_ARGUMENT.
 */
FLOWLOG_API flowlog_status flowlog_plan_run(const flowlog_plan *plan, flowlog_source *source,
                                            const flowlog_run_options *options, flowlog_result **result,
                                            flowlog_error *err);

/** Like flowlog_plan_run, but gives the run, to be merged, saved or finished.  *run is owned: flowlog_run_free. */
FLOWLOG_API flowlog_status flowlog_plan_collect(const flowlog_plan *plan, flowlog_source *source,
                                                const flowlog_run_options *options, flowlog_run **run,
                                                flowlog_error *err);

/* --- the answer step by step -------------------------------------------------------------------------------- */

/**
 * Run a plan by hand: begin, add each batch, finish.  A batch must have the columns of flowlog_plan_fields in that
 * order; those that only the filter needs may be missing where the reader applied the filter of this plan
 * (reader.h).
 *
 * Ownership  `plan` is borrowed until the run is freed.  *run is owned: flowlog_run_free.
 * Errors     of add: E_ARGUMENT (other columns; nothing was added), and E_MEMORY, E_LIMIT, E_OVERFLOW, which
 *            end the run: from then on add and finish give the same.
 * Cost       memory grows with the groups, never with the rows.
 */
FLOWLOG_API flowlog_status flowlog_run_begin(const flowlog_plan *plan, const flowlog_alloc *alloc,
                                             flowlog_run **run);
FLOWLOG_API flowlog_status flowlog_run_add(flowlog_run *run, const flowlog_batch *batch, flowlog_error *err);

/**
 * Add what another run of an equal plan (flowlog_plan_explain) has collected; `other` stays as it is.  Associative
 * and commutative: in whatever order runs are merged, the result is the same.
 *
 * Errors     E_ARGUMENT (another plan), E_MEMORY, E_LIMIT, E_OVERFLOW, which end the run as in add.
 */
FLOWLOG_API flowlog_status flowlog_run_merge(flowlog_run *run, const flowlog_run *other, flowlog_error *err);

/**
 * Write a partial: the plan and everything collected, little-endian, versioned, with a checksum; the same bytes
 * for the same state on every machine.  `write` takes bytes as flowlog_write_fn does (write.h).
 *
 * Errors     E_IO when `write` failed, E_MEMORY, E_STATE after an error.
 */
FLOWLOG_API flowlog_status flowlog_run_save(flowlog_run *run, int (*write)(void *ctx, const char *data, size_t len),
                                            void *ctx, flowlog_error *err);

/**
 * Read a partial: any bytes give a run or an error, never less.
 *
 * Ownership  `data` is only looked at.  *plan and *run are owned; the run borrows the plan.
 * Errors     E_CORRUPT (not a partial, cut, damaged; the offset), E_UNSUPPORTED (a later version), E_MEMORY.
 */
FLOWLOG_API flowlog_status flowlog_run_load(const void *data, size_t len, const flowlog_alloc *alloc,
                                            flowlog_plan **plan, flowlog_run **run, flowlog_error *err);

/** Ownership  *result is owned, and a copy that needs no run: flowlog_result_free.  The run stays usable. */
FLOWLOG_API flowlog_status flowlog_run_finish(flowlog_run *run, flowlog_result **result, flowlog_error *err);
FLOWLOG_API void flowlog_run_free(flowlog_run *run);

/* --- results ------------------------------------------------------------------------------------------------ */

FLOWLOG_API uint64_t flowlog_result_rows(const flowlog_result *result);
FLOWLOG_API uint32_t flowlog_result_columns(const flowlog_result *result); /* keys, then selected columns */
FLOWLOG_API uint32_t flowlog_result_keys(const flowlog_result *result);    /* how many of them are keys */
FLOWLOG_API const char *flowlog_result_name(const flowlog_result *result, uint32_t column);

/** flowlog_type of a column's values. */
FLOWLOG_API uint32_t flowlog_result_type(const flowlog_result *result, uint32_t column);

/** The value of one cell; text is borrowed from the result. */
FLOWLOG_API flowlog_status flowlog_result_value(const flowlog_result *result, uint64_t row, uint32_t column,
                                                flowlog_value *value);

/**
 * The sum of a COUNT or SUM column over all groups, also those beyond the limit: what shares are of.  E_OVERFLOW
 * when it exceeds 64 bits, E_ARGUMENT for another column.
 */
FLOWLOG_API flowlog_status flowlog_result_total(const flowlog_result *result, uint32_t column,
                                                uint64_t *total);

/** 1 if a value of this column, in some row of the result, is an estimate (DISTINCT beyond its limit). */
FLOWLOG_API int flowlog_result_approximate(const flowlog_result *result, uint32_t column);

/** By how much the first column of the order may be too large in this row; 0: exact (flowlog_plan_approximate). */
FLOWLOG_API uint64_t flowlog_result_error(const flowlog_result *result, uint64_t row);

/** Groups before having and limit, and rows left out because a key was null. */
FLOWLOG_API uint64_t flowlog_result_groups(const flowlog_result *result);
FLOWLOG_API uint64_t flowlog_result_null_keys(const flowlog_result *result);

/** Rows that took part: those that matched, without those whose key was null. */
FLOWLOG_API uint64_t flowlog_result_counted(const flowlog_result *result);

FLOWLOG_API void flowlog_result_free(flowlog_result *result);

#ifdef __cplusplus
}
#endif
#endif
