/* SPDX-License-Identifier: MIT */
/*
 * read/stream.h - the text of one input after another, as a window that slides over it.
 *
 * The window p[0..n) is what has arrived and was not consumed.  It lies either in memory that is not ours
 * (a mapped file, the caller's memory: `owned` 0, nothing may be read beyond it) or in our buffer, where
 * FL_TEXT_SLOP bytes are readable before and behind it.  gzip is undone on the way, whatever the file is
 * called.
 */
#ifndef FL_READ_STREAM_H
#define FL_READ_STREAM_H

#include "codec/gzip.h"
#include "core/alloc.h"
#include "flowlog/source.h"

typedef struct fl_stream {
    flowlog_alloc alloc;
    flowlog_source *source; /* NULL: fed by the caller */
    const uint8_t *p;
    size_t n;
    int owned;
    int ended;       /* nothing will follow the window */
    uint8_t *buffer; /* FL_TEXT_SLOP + capacity + FL_TEXT_SLOP bytes */
    size_t capacity;
    uint64_t compressed; /* bytes of the source consumed so far, of all inputs */

    flowlog_error damage; /* why the input ended early; status 0: it did not */

    /* gzip */
    int inflating;
    struct fl_gzip *gzip;
    uint8_t *raw; /* compressed bytes: our buffer of RAW_BYTES, allocated with `gzip` */
    const uint8_t *raw_p;
    size_t raw_n;
    int raw_ended;

    /* push */
    const uint8_t *fed;
    size_t fed_n;
    int finished;
} fl_stream;

/* capacity: longest line and block that must fit. */
flowlog_status flowlog__stream_init(fl_stream *s, const flowlog_alloc *alloc, flowlog_source *source,
                                    size_t capacity, flowlog_error *err);
void flowlog__stream_clear(fl_stream *s);

/*
 * Begin the next input: sniffs gzip and leaves the first window.  OK, END, MORE (fed too little to know),
 * or an error, after which the next call begins the one after it.  *index is the input's number.
 */
flowlog_status flowlog__stream_next(fl_stream *s, uint32_t *index, flowlog_error *err);

/*
 * Get more text behind the window; its unread bytes move to the front of our buffer.  OK: there is more;
 * END: there is no more (`ended` is set, and `damage` if the input was cut short); MORE: the caller must
 * feed; E_LIMIT: the window fills the buffer.
 */
flowlog_status flowlog__stream_fill(fl_stream *s);

/*
 * Go on in `fresh`, another buffer of flowlog__stream_buffer bytes: the window is taken, and what inflating may
 * still refer to is copied over.  Returns the buffer the window lies in, which is the caller's from now on; the
 * window must be `owned`.
 */
uint8_t *flowlog__stream_trade(fl_stream *s, uint8_t *fresh);
size_t flowlog__stream_buffer(const fl_stream *s);

/* Take n bytes off the front of the window. */
static inline void fl_stream_consume(fl_stream *s, size_t n)
{
    s->p += n;
    s->n -= n;
}

#endif
