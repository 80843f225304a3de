/* SPDX-License-Identifier: MIT */
/* alone.c - a source read by one thread, and what that shares with reading it by several; see parallel.h. */
#include <string.h>

#include "core/error.h"
#include "plan/parallel.h"
#include "plan/pipe.h"
#include "read/reader.h"

/* Progress is told each time this much more was consumed: several times a second, without a clock. */
#define PROGRESS_BYTES (UINT64_C(4) << 20)

int flowlog__is_damage(flowlog_status status)
{
    return status == FLOWLOG_E_IO || status == FLOWLOG_E_CORRUPT || status == FLOWLOG_E_FORMAT;
}

flowlog_status flowlog__tell_damage(const struct fl_parallel *p, const char *name, const flowlog_error *damage,
                                    flowlog_error *err)
{
    flowlog_status status = (flowlog_status)damage->status;
    if (p->damage) status = (flowlog_status)p->damage(p->user, name ? name : "", damage);
    if (status == FLOWLOG_OK) return FLOWLOG_OK;
    if (err) {
        *err = *damage;
        err->status = status;
    }
    return status < 0 ? status : FLOWLOG_E_CANCELLED;
}

flowlog_status flowlog__tell_progress(const struct fl_parallel *p, uint64_t *told, uint64_t bytes, int now,
                                      flowlog_error *err)
{
    if (bytes < *told) bytes = *told;
    if (!p->progress || (!now && bytes - *told < PROGRESS_BYTES)) return FLOWLOG_OK;
    *told = bytes;
    if (!p->progress(p->user, bytes, flowlog_source_bytes(p->source))) return FLOWLOG_OK;
    return FL_FAIL(err, FLOWLOG_E_CANCELLED, "ended by the caller");
}

flowlog_status flowlog__read_all(const struct fl_parallel *p, struct fl_pipe *pipe, flowlog_reader *reader, void *state,
                                 flowlog_error *err)
{
    uint64_t told = 0;
    for (;;) {
        const flowlog_batch *batch = NULL;
        flowlog_error damage;
        memset(&damage, 0, sizeof damage);
        const flowlog_status status = flowlog_reader_next(reader, &batch, &damage);
        const uint64_t bytes = pipe ? flowlog__pipe_progress(pipe) : flowlog_reader_progress(reader);
        if (status == FLOWLOG_END)
            return flowlog__tell_progress(p, &told, pipe ? flowlog_source_bytes(p->source) : bytes, 1, err);
        if (status == FLOWLOG_OK) {
            const flowlog_status added = p->work->add(p->ctx, state, batch, err);
            if (added != FLOWLOG_OK) return added;
        } else if (flowlog__is_damage(status)) {
            const char *name = flowlog_reader_path(reader, flowlog_reader_file(reader));
            FL_TRY(flowlog__tell_damage(p, name, &damage, err));
        } else {
            if (err) *err = damage;
            return status;
        }
        FL_TRY(flowlog__tell_progress(p, &told, bytes, 0, err));
    }
}

flowlog_status flowlog__read_alone(const struct fl_parallel *p, void *state, flowlog_counters *counters,
                                   flowlog_error *err)
{
    flowlog_reader *reader = NULL;
    FL_TRY(flowlog_reader_open(p->source, p->options, &reader, err));
    const flowlog_status status = flowlog__read_all(p, NULL, reader, state, err);
    *counters = *flowlog_reader_counters(reader);
    (void)flowlog__reader_take_source(reader);
    flowlog_reader_close(reader);
    return status;
}
