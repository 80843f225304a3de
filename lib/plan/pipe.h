/* SPDX-License-Identifier: MIT */
/*
 * plan/pipe.h - an input that one thread reads and inflates while another one parses what comes out.
 *
 * The text and the errors are those of reading it with one thread, byte for byte.
 */
#ifndef FL_PLAN_PIPE_H
#define FL_PLAN_PIPE_H

#include "flowlog/source.h"

struct fl_pipe;

/*
 * Start a thread on the only input of `source`, which is its own until the pipe is closed.  *text is a source that
 * gives what it reads; it is closed before the pipe.
 *
 * Errors     E_MEMORY, also when no thread can be had: then `source` was not touched.
 */
flowlog_status flowlog__pipe_open(flowlog_source *source, const flowlog_alloc *alloc, struct fl_pipe **pipe,
                                  flowlog_source **text, flowlog_error *err);

/* Bytes of `source` that belong to the text given so far. */
uint64_t flowlog__pipe_progress(struct fl_pipe *pipe);

/* Stop and join the thread.  NULL does nothing. */
void flowlog__pipe_close(struct fl_pipe *pipe);

#endif
