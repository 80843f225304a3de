/* SPDX-License-Identifier: MIT */
/* stream.c - see stream.h. */
#include "read/stream.h"

#include <string.h>

#include "core/error.h"
#include "input/source.h"
#include "simd/kernels.h"

#define RAW_BYTES ((size_t)128 << 10) /* compressed input a read; stays in L2 with the text it becomes */
#define HISTORY ((size_t)32 << 10)    /* how far back deflate may refer (RFC 1951, section 2) */

_Static_assert(FL_TEXT_SLOP >= FL_INFLATE_OUT_SLOP, "the slop behind the buffer serves both");

size_t flowlog__stream_buffer(const fl_stream *s) { return s->capacity + 2 * FL_TEXT_SLOP; }

flowlog_status flowlog__stream_init(fl_stream *s, const flowlog_alloc *alloc, flowlog_source *source,
                                    size_t capacity, flowlog_error *err)
{
    memset(s, 0, sizeof *s);
    s->alloc = *alloc;
    s->source = source;
    s->capacity = capacity + HISTORY;
    s->buffer = flowlog__alloc(alloc, flowlog__stream_buffer(s));
    if (!s->buffer) return FL_FAIL(err, FLOWLOG_E_MEMORY, "no memory for a buffer of %zu bytes", s->capacity);
    memset(s->buffer, 0, FL_TEXT_SLOP);
    memset(s->buffer + FL_TEXT_SLOP + s->capacity, 0, FL_TEXT_SLOP);
    return FLOWLOG_OK;
}

void flowlog__stream_clear(fl_stream *s)
{
    flowlog__release(&s->alloc, s->buffer, flowlog__stream_buffer(s));
    flowlog__release(&s->alloc, s->gzip, sizeof *s->gzip);
    flowlog__release(&s->alloc, s->raw, RAW_BYTES);
    s->buffer = NULL;
    s->gzip = NULL;
    s->raw = NULL;
}

static uint8_t *buffer_start(const fl_stream *s) { return s->buffer + FL_TEXT_SLOP; }

/* Bytes as they come from the source or the caller.  OK, END, MORE or E_IO. */
static flowlog_status draw(fl_stream *s, uint8_t *to, size_t cap, size_t *got, flowlog_error *err)
{
    *got = 0;
    if (s->source) {
        const flowlog_status status = flowlog__source_fill(s->source, to, cap, got, err);
        s->compressed += *got;
        return status;
    }
    if (!s->fed_n) return s->finished ? FLOWLOG_END : FLOWLOG_MORE;
    const size_t n = s->fed_n < cap ? s->fed_n : cap;
    memcpy(to, s->fed, n);
    s->fed += n;
    s->fed_n -= n;
    s->compressed += n;
    *got = n;
    return FLOWLOG_OK;
}

/* The input ends here: well, or with an error that is given once what arrived has been consumed. */
static flowlog_status end_here(fl_stream *s, flowlog_status status)
{
    if (status >= 0) s->damage.status = FLOWLOG_OK;
    s->ended = 1;
    return FLOWLOG_END;
}

/* Inflate behind the window until something came out. */
static flowlog_status inflate_more(fl_stream *s, uint8_t *base, size_t held)
{
    size_t total = held;
    for (;;) {
        if (!s->raw_n && !s->raw_ended) {
            const flowlog_status status = draw(s, s->raw, RAW_BYTES, &s->raw_n, &s->damage);
            if (status == FLOWLOG_MORE) return status;
            if (status < 0) return end_here(s, status);
            s->raw_p = s->raw;
            s->raw_ended = status == FLOWLOG_END;
        }
        size_t used = 0;
        const flowlog_status status = flowlog__gzip_run(s->gzip, s->raw_p, s->raw_n, &used, base, &total,
                                                        s->capacity, s->raw_ended, &s->damage);
        s->raw_p += used;
        s->raw_n -= used;
        s->n += total - held;
        if (status != FLOWLOG_OK) {
            end_here(s, status < 0 ? status : FLOWLOG_OK);
            return total > held ? FLOWLOG_OK : FLOWLOG_END;
        }
        if (total > held) return FLOWLOG_OK;
    }
}

flowlog_status flowlog__stream_fill(fl_stream *s)
{
    uint8_t *base = buffer_start(s);
    if (s->ended) return FLOWLOG_END;

    /* What must stay: the window and, when inflating, the history that ends where the window ends. */
    size_t keep = s->n;
    if (s->inflating) {
        const size_t arrived = s->p ? (size_t)(s->p - base) + s->n : 0;
        if (keep < HISTORY) keep = arrived < HISTORY ? arrived : HISTORY;
    }
    if (keep && s->p + s->n - keep != base) memmove(base, s->p + s->n - keep, keep);
    s->p = base + keep - s->n;
    s->owned = 1;
    if (keep == s->capacity) return FLOWLOG_E_LIMIT;
    if (s->inflating) return inflate_more(s, base, keep);

    size_t got = 0;
    const flowlog_status status = draw(s, base + keep, s->capacity - keep, &got, &s->damage);
    s->n += got;
    if (status == FLOWLOG_OK || status == FLOWLOG_MORE) return status;
    return end_here(s, status);
}

uint8_t *flowlog__stream_trade(fl_stream *s, uint8_t *fresh)
{
    uint8_t *const full = s->buffer, *const base = fresh + FL_TEXT_SLOP;
    const size_t arrived = (size_t)(s->p - buffer_start(s)) + s->n;
    const size_t keep = !s->inflating ? 0 : arrived < HISTORY ? arrived : HISTORY;
    FL_ASSERT(s->owned);
    memset(fresh, 0, FL_TEXT_SLOP);
    if (keep) memcpy(base, s->p + s->n - keep, keep);
    s->buffer = fresh;
    s->p = base + keep;
    s->n = 0;
    return full;
}

/* The first bytes are those of gzip (RFC 1952, section 2.3.1): from here on the window is what they hide. */
static flowlog_status start_inflating(fl_stream *s, flowlog_error *err)
{
    if (!s->gzip) {
        s->gzip = flowlog__alloc(&s->alloc, sizeof *s->gzip);
        s->raw = flowlog__alloc(&s->alloc, RAW_BYTES);
        if (!s->gzip || !s->raw) {
            flowlog__release(&s->alloc, s->gzip, sizeof *s->gzip);
            flowlog__release(&s->alloc, s->raw, RAW_BYTES);
            s->gzip = NULL;
            s->raw = NULL;
            return FL_FAIL(err, FLOWLOG_E_MEMORY, "no memory to inflate");
        }
    }
    flowlog__gzip_init(s->gzip);
    if (s->owned) { /* sniffed bytes are in the text buffer, which they must leave */
        const size_t n = s->n < RAW_BYTES ? s->n : RAW_BYTES;
        memcpy(s->raw, s->p, n);
        s->raw_p = s->raw;
        s->raw_n = n;
        s->raw_ended = s->ended;
    } else {
        s->raw_p = s->p;
        s->raw_n = s->n;
        s->raw_ended = 1;
    }
    s->inflating = 1;
    s->ended = 0;
    s->p = buffer_start(s);
    s->n = 0;
    s->owned = 1;
    /* No text yet (MORE, when the caller has fed but a piece of the gzip header) is no failure to begin. */
    const flowlog_status status = flowlog__stream_fill(s);
    return status == FLOWLOG_END || status == FLOWLOG_MORE ? FLOWLOG_OK : status;
}

/* Enough of a plain input to see what it is: two bytes. */
static flowlog_status sniff(fl_stream *s)
{
    uint8_t *base = buffer_start(s);
    while (s->n < 2 && !s->ended) {
        size_t got = 0;
        /* No more than fits in `raw`, should it be gzip. */
        const flowlog_status status = draw(s, base + s->n, RAW_BYTES - s->n, &got, &s->damage);
        s->n += got;
        if (status == FLOWLOG_MORE) return status;
        if (status != FLOWLOG_OK) end_here(s, status);
    }
    return FLOWLOG_OK;
}

flowlog_status flowlog__stream_next(fl_stream *s, uint32_t *index, flowlog_error *err)
{
    const uint8_t *data;
    size_t len;
    if (s->source) {
        const flowlog_status status = flowlog__source_next(s->source, index, err);
        if (status != FLOWLOG_OK) return status;
    }
    const int resumed = !s->source && s->n; /* a fed reader that had too little to sniff */
    s->inflating = s->raw_ended = 0;
    s->raw_n = 0;
    s->ended = 0;
    s->owned = 1;
    memset(&s->damage, 0, sizeof s->damage);
    if (s->source && flowlog__source_mapped(s->source, &data, &len)) {
        s->p = data;
        s->n = len;
        s->owned = 0;
        s->ended = 1;
        s->compressed += len;
    } else {
        s->p = buffer_start(s);
        if (!resumed) s->n = 0;
        if (s->source && flowlog__source_inflated(s->source)) return FLOWLOG_OK;
        const flowlog_status status = sniff(s);
        if (status == FLOWLOG_MORE) return status;
    }
    if (s->n >= 2 && s->p[0] == 0x1F && s->p[1] == 0x8B) return start_inflating(s, err);
    return FLOWLOG_OK;
}
