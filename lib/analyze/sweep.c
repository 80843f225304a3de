/* SPDX-License-Identifier: MIT */
/*
 * sweep.c - conversations that are over are reported and, a while later, forgotten.
 *
 * A conversation is over when no record can come any more: its last end lies `late` and a window before the newest
 * record.  It is forgotten two windows later still, for until then it may be what tells of its neighbours and of the
 * other end.  What it taught is kept: the interface's addresses, and how many peers its ends have.
 *
 * When there are more conversations than the engine may hold, those that were silent for longest are reported before
 * their time, as truncated; where nobody takes reports before the end they are only counted.
 */
#include "analyze/sweep.h"

#include <string.h>

#include "core/error.h"

/* --- forgetting -------------------------------------------------------------------------------------------- */

/* Conversations that ended before `horizon`; only those that were reported, unless nobody takes reports. */
static void forget(flowlog_diagnosis *d, uint32_t horizon)
{
    for (uint32_t i = 0; i < d->table.pool.count; i++) {
        struct fl_conversation *c = fl_conversation_at(&d->table, i);
        if ((c->state & FL_CONVERSATION_GONE) || c->last >= horizon) continue;
        if (d->report && !(c->state & FL_CONVERSATION_REPORTED)) continue;
        if (i < d->line_cap && d->evidence)
            memset(d->line + (size_t)i * d->evidence, 0, d->evidence * sizeof *d->line);
        flowlog__conversation_drop(&d->table, i);
    }
}

/* Kept lines lie one behind the other; without those of forgotten conversations, if these are the most. */
static flowlog_status pack_lines(flowlog_diagnosis *d)
{
    size_t live = 0;
    const size_t lines = d->line_cap * d->evidence;
    for (size_t i = 0; i < lines; i++) live += d->line[i].len;
    if (live >= d->line_text_len / 2 || d->line_text_len < 65536) return FLOWLOG_OK;
    const size_t cap = live + 4096;
    char *text = flowlog__alloc(&d->alloc, cap);
    if (!text) return FLOWLOG_E_MEMORY;
    size_t at = 0;
    for (size_t i = 0; i < lines; i++) {
        if (!d->line[i].len) continue;
        memcpy(text + at, d->line_text + d->line[i].at, d->line[i].len);
        d->line[i].at = at;
        at += d->line[i].len;
    }
    flowlog__release(&d->alloc, d->line_text, d->line_text_cap);
    d->line_text = text;
    d->line_text_len = at;
    d->line_text_cap = cap;
    return FLOWLOG_OK;
}

/* --- sweeps ------------------------------------------------------------------------------------------------ */

static uint32_t before(uint32_t time, uint64_t seconds) { return time > seconds ? (uint32_t)(time - seconds) : 0; }

static flowlog_status sweep(flowlog_diagnosis *d, flowlog_error *err)
{
    const uint32_t window = flowlog__view_window(d);
    if (d->swept > d->last || d->last - d->swept < window) return FLOWLOG_OK;
    d->swept = d->last;
    const uint32_t horizon = before(d->last, (uint64_t)d->late + window);
    const flowlog_status status = flowlog__report(d, horizon, 0, d->report, d->report_ctx, err);
    if (status < 0 || status == FLOWLOG_END) return status;
    forget(d, before(horizon, 2 * (uint64_t)window));
    return pack_lines(d);
}

/* A time before which at least an eighth of all conversations ended. */
static uint32_t oldest(const flowlog_diagnosis *d)
{
    enum { STEPS = 1024 };
    uint32_t count[STEPS] = {0}, low = UINT32_MAX, high = 0, n = 0;
    for (unsigned pass = 0; pass < 2; pass++) {
        const uint64_t step = pass ? ((uint64_t)high - low) / STEPS + 1 : 1;
        for (uint32_t i = 0; i < d->table.pool.count; i++) {
            const struct fl_conversation *c = fl_conversation_at(&d->table, i);
            if (c->state & FL_CONVERSATION_GONE) continue;
            if (pass) count[(c->last - low) / step]++;
            if (c->last < low) low = c->last;
            if (c->last > high) high = c->last;
        }
        if (!pass) continue;
        for (uint64_t i = 0; i < STEPS; i++)
            if ((n += count[i]) >= d->table.live / 8) return (uint32_t)(low + (i + 1) * step);
    }
    return high + 1;
}

static flowlog_status give_up(flowlog_diagnosis *d, flowlog_error *err)
{
    const uint32_t horizon = oldest(d);
    for (uint32_t i = 0; i < d->table.pool.count; i++) {
        struct fl_conversation *c = fl_conversation_at(&d->table, i);
        if ((c->state & (FL_CONVERSATION_GONE | FL_CONVERSATION_REPORTED)) || c->last >= horizon) continue;
        c->state |= FL_CONVERSATION_GIVEN_UP;
        d->truncated++;
    }
    if (d->report) {
        const flowlog_status status = flowlog__report(d, horizon, 0, d->report, d->report_ctx, err);
        if (status < 0 || status == FLOWLOG_END) return status;
    }
    forget(d, horizon);
    if (horizon - 1 > d->given_up) d->given_up = horizon - 1;
    return pack_lines(d);
}

flowlog_status flowlog__sweep(flowlog_diagnosis *d, flowlog_error *err)
{
    flowlog_status status = FLOWLOG_OK;
    if (d->flags & FLOWLOG_DIAGNOSE_STREAM) status = sweep(d, err);
    if (status < 0 || status == FLOWLOG_END || d->table.live <= d->max_conversations) return status;
    return give_up(d, err);
}
