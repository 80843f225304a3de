/* SPDX-License-Identifier: MIT */
/*
 * plan/parallel.h - a source read by several threads.
 *
 *   many files             a queue of them, one reader and one state a thread
 *   one large plain file   as many ranges as threads, cut where lines begin; one state a range
 *   one gzip file          one thread inflates (plan/pipe.h), the caller's parses
 *
 * What comes out is what one thread gives: rows, counters, bad lines.  A range begins with the format of the file's
 * first line; where a header in a range before it says otherwise it is read again.
 */
#ifndef FL_PLAN_PARALLEL_H
#define FL_PLAN_PARALLEL_H

#include "flowlog/plan.h"
#include "flowlog/reader.h"

/*
 * What is done with the batches.  A state is used by one thread at a time; `ctx` by all of them.  Merging must be
 * associative and commutative.
 */
struct fl_work {
    flowlog_status (*begin)(void *ctx, void **state, flowlog_error *err);
    flowlog_status (*add)(void *ctx, void *state, const flowlog_batch *batch, flowlog_error *err);
    flowlog_status (*merge)(void *ctx, void *into, void *from, flowlog_error *err); /* `from` is freed next */
    void (*free)(void *ctx, void *state);                                           /* NULL does nothing */
    /* What the state saw begins behind so many lines of its file.  NULL: no READ_LINES, which one thread has then */
    void (*move_lines)(void *ctx, void *state, uint64_t lines);
};

struct fl_parallel {
    flowlog_source *source;                /* stays the caller's */
    const flowlog_reader_options *options; /* of all readers */
    uint32_t threads;
    const struct fl_work *work;
    void *ctx;                /* of `work` */
    flowlog_progress_fn progress; /* called from the caller's thread, as the next; both may be NULL */
    flowlog_damage_fn damage;     /* in the order of inputs, once all have been read */
    void *user;               /* of both */
    uint64_t range_min;       /* least bytes of a range; 0: 4 MiB */
};

/*
 * OK: *state has all of it and is owned.  END: nothing was done that could be seen, and one thread has to read the
 * source: because it does not pay, or because an error was met, of which one thread will say what and where.
 * *counters is written in any case but END.
 *
 * Errors     E_CANCELLED, E_MEMORY, and what `damage` says.  Of a gzip file also all others: it is read once.
 */
flowlog_status flowlog__parallel_read(const struct fl_parallel *p, void **state, flowlog_counters *counters,
                                      flowlog_error *err);

/*
 * The same on one thread, into a state that was begun; `threads` is not looked at.  The source is used up.  *counters
 * is written also when this fails.  END when `add` said so.
 */
flowlog_status flowlog__read_alone(const struct fl_parallel *p, void *state, flowlog_counters *counters,
                                   flowlog_error *err);

/* --- what both share (alone.c) ------------------------------------------------------------------------------ */

struct fl_pipe;

/* 1 if what a reader said is the damage of one input, which the others can be read without. */
int flowlog__is_damage(flowlog_status status);

/* What the caller says to the damage of an input: OK to go on, or the status to end with. */
flowlog_status flowlog__tell_damage(const struct fl_parallel *p, const char *name, const flowlog_error *damage,
                                    flowlog_error *err);

/* From the caller's thread, when enough was read since it was told last, or `now`.  A range that is read again does
   not take back what was told. */
flowlog_status flowlog__tell_progress(const struct fl_parallel *p, uint64_t *told, uint64_t bytes, int now,
                                      flowlog_error *err);

/* All batches of a reader into a state.  `pipe` is what inflates for it, or NULL. */
flowlog_status flowlog__read_all(const struct fl_parallel *p, struct fl_pipe *pipe, flowlog_reader *reader, void *state,
                                 flowlog_error *err);

#endif
