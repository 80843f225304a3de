/* SPDX-License-Identifier: MIT */
/*
 * input/source.h - how the reader draws bytes from a flowlog_source.
 *
 * The inputs of a source follow one another: _next opens the next one, then either _mapped gives its
 * whole content at once or _fill copies the next bytes of it into the reader's buffer.
 */
#ifndef FL_INPUT_SOURCE_H
#define FL_INPUT_SOURCE_H

#include "flowlog/source.h"

/*
 * Close the current input and open the next one.  OK; END when there is none left; E_IO when it cannot be
 * opened (the caller may go on with the one after it).  *index is its number in either case.
 */
flowlog_status flowlog__source_next(flowlog_source *source, uint32_t *index, flowlog_error *err);

/* The whole content of the current input when it lies in memory (mapped, or given), else 0. */
int flowlog__source_mapped(const flowlog_source *source, const uint8_t **data, size_t *len);

/*
 * Up to cap bytes of the current input into buf.  OK with *got > 0; END with *got == 0 at its end; E_IO.
 * Short reads are normal; interrupted ones are repeated inside.
 */
flowlog_status flowlog__source_fill(flowlog_source *source, uint8_t *buf, size_t cap, size_t *got,
                                    flowlog_error *err);

/* 1: what _fill gives is text as it is, and is not to be looked at for gzip. */
int flowlog__source_inflated(const flowlog_source *source);

/*
 * Everything in the mapped input before `at` will not be asked for again, and what follows will be soon: pages
 * behind are let go, so that they do not count as ours, and pages ahead are brought in many at a time, which
 * is cheaper than one fault after the other.  Does nothing for other inputs.
 */
void flowlog__source_reading(flowlog_source *source, size_t at);

/* --- for threads ----------------------------------------------------------------------------------------- */

/* 1 if all inputs are memory or regular files: they can be opened again, by several threads and from any place. */
int flowlog__source_reopens(const flowlog_source *source);

/*
 * Sources that borrow the inputs of `parent`, with their names and numbers; any number of them, each for a thread of
 * its own.  The parent is not read meanwhile and lives longer.  E_MEMORY.
 *
 * queue: the inputs that `take` hands out, OK or END.  Called from the thread that reads this source.
 */
typedef flowlog_status (*fl_take)(void *ctx, uint32_t *index);
flowlog_status flowlog__source_queue(const flowlog_source *parent, fl_take take, void *ctx,
                                     const flowlog_alloc *alloc, flowlog_source **source, flowlog_error *err);

/* range: of its only input, which reopens, the bytes [from, to); UINT64_MAX: to the end. */
flowlog_status flowlog__source_range(const flowlog_source *parent, uint64_t from, uint64_t to,
                                     const flowlog_alloc *alloc, flowlog_source **source, flowlog_error *err);

/*
 * pipe: its only input, which another thread reads and inflates: `open` tells whether it could be opened, `fill` is
 * flowlog__source_fill.
 */
struct fl_pipe_ops {
    flowlog_status (*open)(void *ctx, flowlog_error *err);
    flowlog_status (*fill)(void *ctx, uint8_t *buf, size_t cap, size_t *got, flowlog_error *err);
};
flowlog_status flowlog__source_pipe(const flowlog_source *parent, const struct fl_pipe_ops *ops, void *ctx,
                                    const flowlog_alloc *alloc, flowlog_source **source, flowlog_error *err);

#endif
