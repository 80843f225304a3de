/* SPDX-License-Identifier: MIT */
/*
 * unit/codec_streams.h - deflate streams written by hand, bit by bit, and a caller that reads a stream in
 * pieces of any size the way lib/read does.
 */
#ifndef TEST_CODEC_STREAMS_H
#define TEST_CODEC_STREAMS_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "codec/gzip.h"
#include "codec/inflate.h"

/* --- writing ---------------------------------------------------------------------------------------- */

struct stream {
    uint8_t p[400000];
    size_t bits;
    unsigned litlen_len[288], dist_len[32], litlen_code[288], dist_code[32];
};

/* n bits, lowest first */
static inline void put(struct stream *s, uint32_t value, unsigned n)
{
    for (unsigned i = 0; i < n; i++, s->bits++)
        if (value >> i & 1) s->p[s->bits / 8] |= (uint8_t)(1 << s->bits % 8);
}
/* a code word: highest bit first */
static inline void put_word(struct stream *s, uint32_t word, unsigned n)
{
    while (n--) put(s, word >> n & 1, 1);
}
static inline size_t stream_len(const struct stream *s) { return (s->bits + 7) / 8; }

static inline void canonical(const unsigned *len, unsigned n, unsigned *code)
{
    unsigned next = 0;
    for (unsigned l = 1; l <= 15; l++) {
        for (unsigned i = 0; i < n; i++)
            if (len[i] == l) code[i] = next++;
        next <<= 1;
    }
}

static inline void begin_fixed(struct stream *s, int final)
{
    put(s, (uint32_t) final, 1);
    put(s, 1, 2);
    for (unsigned i = 0; i < 288; i++) s->litlen_len[i] = i < 144 ? 8 : i < 256 ? 9 : i < 280 ? 7 : 8;
    for (unsigned i = 0; i < 32; i++) s->dist_len[i] = 5;
    canonical(s->litlen_len, 288, s->litlen_code);
    canonical(s->dist_len, 32, s->dist_code);
}

/* The counts and a code of the code lengths in which 0..15 have four bits each: a length is itself. */
static inline void begin_dynamic_raw(struct stream *s, int final, unsigned nlitlen, unsigned ndist)
{
    put(s, (uint32_t) final, 1);
    put(s, 2, 2);
    put(s, nlitlen - 257, 5);
    put(s, ndist - 1, 5);
    put(s, 15, 4);
    for (unsigned i = 0; i < 19; i++) put(s, i < 3 ? 0 : 4, 3); /* 16, 17, 18 come first */
}

/* A block with the code lengths in litlen_len and dist_len. */
static inline void begin_dynamic(struct stream *s, int final, unsigned nlitlen, unsigned ndist)
{
    begin_dynamic_raw(s, final, nlitlen, ndist);
    for (unsigned i = 0; i < nlitlen; i++) put_word(s, s->litlen_len[i], 4);
    for (unsigned i = 0; i < ndist; i++) put_word(s, s->dist_len[i], 4);
    canonical(s->litlen_len, nlitlen, s->litlen_code);
    canonical(s->dist_len, ndist, s->dist_code);
}

static inline void put_litlen(struct stream *s, unsigned symbol)
{
    put_word(s, s->litlen_code[symbol], s->litlen_len[symbol]);
}
static inline void put_dist(struct stream *s, unsigned symbol)
{
    put_word(s, s->dist_code[symbol], s->dist_len[symbol]);
}

static inline void put_match(struct stream *s, unsigned len, unsigned far)
{
    static const unsigned len_base[] = {3,  4,  5,  6,  7,  8,  9,  10, 11,  13,  15,  17,  19,  23, 27,
                                        31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258};
    static const unsigned len_extra[] = {0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2,
                                         2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0};
    unsigned i = 28, d = 29;
    while (len_base[i] > len) i--;
    put_litlen(s, 257 + i);
    put(s, len - len_base[i], len_extra[i]);
    unsigned base, extra;
    for (;; d--) { /* RFC 1951: two symbols for each number of extra bits */
        extra = d < 4 ? 0 : d / 2 - 1;
        base = d < 4 ? d + 1 : ((2 + d % 2) << extra) + 1;
        if (base <= far) break;
    }
    put_dist(s, d);
    put(s, far - base, extra);
}

static inline void put_stored(struct stream *s, int final, const void *data, unsigned len)
{
    put(s, (uint32_t) final, 3);
    while (s->bits % 8) put(s, 0, 1);
    put(s, len, 16);
    put(s, len ^ 0xFFFF, 16);
    memcpy(s->p + s->bits / 8, data, len);
    s->bits += 8u * len;
}

/* --- reading ---------------------------------------------------------------------------------------- */

struct plan {
    size_t in_piece; /* at most so many bytes of input a call */
    size_t room;     /* at most so many bytes of output a call */
    int random;      /* 1: the sizes are upper ends */
    size_t window;   /* 0: one big buffer; else a buffer of so many bytes, shifted down to 32 KiB */
};

struct outcome {
    flowlog_status status;
    flowlog_error err;
    size_t len, used;
    uint64_t members;
    int hung, spilled; /* no progress; a byte behind the slop was written */
};

static uint32_t plan_seed = 1;
static inline size_t plan_size(size_t max, int random)
{
    plan_seed = plan_seed * 1664525u + 1013904223u;
    return random ? 1 + (size_t)(plan_seed >> 8) % max : max;
}

enum { CANARY = 0xC7 };

/* Reads a gzip (raw == 0) or deflate stream as the plan says; what comes out goes to out[0 .. cap). */
static inline struct outcome read_stream(const uint8_t *in, size_t n, struct plan plan, int raw,
                                         uint32_t features, uint8_t *out, size_t cap)
{
    static struct fl_gzip g;
    static struct fl_inflate f;
    struct outcome r;
    memset(&r, 0, sizeof r);
    static int ready;
    if (!ready) { /* choosing the kernels may ask the processor, which is slow in a virtual machine */
        flowlog__gzip_init(&g);
        flowlog__inflate_init(&f);
        ready = 1;
    }
    flowlog__inflate_reset(&f);
    flowlog__gzip_reset(&g);
    g.inflate.kernels = f.kernels = flowlog__codec_kernels(features);

    const size_t size = plan.window ? plan.window : cap;
    uint8_t *buf = malloc(size + FL_INFLATE_OUT_SLOP + 16);
    memset(buf, CANARY, size + FL_INFLATE_OUT_SLOP + 16);
    size_t have = 0;
    unsigned idle = 0;
    for (unsigned call = 0;; call++) {
        size_t piece = plan_size(plan.in_piece, plan.random), room = plan_size(plan.room, plan.random),
               used = 99;
        if (piece > n - r.used) piece = n - r.used;
        if (room > size - have) room = size - have;
        if (plan.random && call % 5 == 4) room = 0; /* input without room for what it makes */
        uint8_t *copy = malloc(piece ? piece : 1);  /* exactly so long, for the sanitizer */
        if (piece) memcpy(copy, in + r.used, piece);
        const size_t before = have;
        const int last = piece == n - r.used;
        r.status =
            raw ? flowlog__inflate_run(&f, copy, piece, &used, buf, &have, before + room, last, &r.err)
                : flowlog__gzip_run(&g, copy, piece, &used, buf, &have, before + room, last, &r.err);
        free(copy);
        if (have > before + room || used > piece) r.spilled = 1;
        if (have - before > cap - r.len) { /* more than the caller wanted to see */
            r.status = FLOWLOG_E_LIMIT;
            break;
        }
        if (have > before) memcpy(out + r.len, buf + before, have - before);
        r.len += have - before;
        r.used += used;
        if (r.status != FLOWLOG_OK) break;
        if (r.len == cap) {
            r.status = FLOWLOG_E_LIMIT;
            break;
        }
        if (!used && have == before && ++idle > 3) {
            r.hung = 1;
            break;
        }
        if (used || have > before) idle = 0;
        if (plan.window && have == size) {
            memmove(buf, buf + have - 32768, 32768);
            have = 32768;
        }
    }
    for (size_t i = 0; i < 16; i++) r.spilled |= buf[size + FL_INFLATE_OUT_SLOP + i] != CANARY;
    r.members = g.members;
    free(buf);
    return r;
}

static const struct plan one_call = {SIZE_MAX, SIZE_MAX, 0, 0};

#endif
