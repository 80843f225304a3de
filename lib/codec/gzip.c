/* SPDX-License-Identifier: MIT */
/*
 * codec/gzip.c - the members of a gzip file (RFC 1952) around codec/inflate.c.
 *
 *     FIRST    magic of the first member      -> HEADER; an input without it is not gzip
 *     NEXT     behind a member                -> HEADER, PADDING; the end of input is the end
 *     HEADER   the other 8 fixed bytes        -> the optional fields in this order:
 *     EXTRA_LEN, EXTRA, NAME, COMMENT, HEADER_CRC
 *     BODY     deflate data                   -> TRAILER
 *     TRAILER  CRC-32 and length              -> NEXT
 *     PADDING  zeros
 *     BAD
 *
 * The CRC is taken of what each call produced, while it is in the cache.
 */
#include "codec/gzip.h"

#include <inttypes.h>

#include "core/bytes.h"
#include "core/error.h"

enum state {
    FIRST,
    NEXT,
    HEADER,
    EXTRA_LEN,
    EXTRA,
    NAME,
    COMMENT,
    HEADER_CRC,
    BODY,
    TRAILER,
    PADDING,
    BAD
};
enum { FHCRC = 2, FEXTRA = 4, FNAME = 8, FCOMMENT = 16, RESERVED = 0xE0 };

static const char in_header[] = "truncated in a header";
static const char in_body[] = "truncated in the middle of a member";
static const char not_gzip[] = "not gzip";
static const char trailing[] = "bytes behind the last gzip member that are neither a member nor zeros";

void flowlog__gzip_reset(struct fl_gzip *g)
{
    g->in_total = g->out_total = g->members = 0;
    g->state = FIRST;
    g->flags = 0;
    g->field_have = 0;
    g->extra_left = g->crc = g->isize = 0;
    g->field_begin = g->body_begin = g->bad_member = g->bad_offset = 0;
    g->bad = NULL;
    flowlog__inflate_reset(&g->inflate);
}

void flowlog__gzip_init(struct fl_gzip *g)
{
    flowlog__inflate_init(&g->inflate);
    flowlog__gzip_reset(g);
}

static flowlog_status report(const struct fl_gzip *g, flowlog_error *err)
{
    if (!g->bad_member)
        return flowlog__fail_at(err, FLOWLOG_E_CORRUPT, g->bad_offset, 0, 0, "%s", g->bad);
    return flowlog__fail_at(err, FLOWLOG_E_CORRUPT, g->bad_offset, 0, 0, "gzip member %" PRIu64 ": %s",
                            g->bad_member, g->bad);
}

static void damaged(struct fl_gzip *g, uint64_t offset, const char *what)
{
    g->bad = what;
    g->bad_offset = offset;
    g->bad_member = what == not_gzip || what == trailing ? 0 : g->members + 1;
    g->state = BAD;
}

/* Collects a field of n bytes over as many calls as it takes; 1 when it is complete. */
static int field(struct fl_gzip *g, const uint8_t *in, size_t in_len, size_t *at, unsigned n)
{
    if (!g->field_have) g->field_begin = g->in_total + *at;
    while (g->field_have < n && *at < in_len) g->field[g->field_have++] = in[(*at)++];
    if (g->field_have < n) return 0;
    g->field_have = 0;
    return 1;
}

/* The state after `done`, by the flags still to be served: header fields come in the order of the states. */
static void after_header_field(struct fl_gzip *g, enum state done)
{
    if (done < EXTRA_LEN && g->flags & FEXTRA)
        g->state = EXTRA_LEN;
    else if (done < NAME && g->flags & FNAME)
        g->state = NAME;
    else if (done < COMMENT && g->flags & FCOMMENT)
        g->state = COMMENT;
    else if (done < HEADER_CRC && g->flags & FHCRC)
        g->state = HEADER_CRC;
    else
        g->state = BODY;
}

/* A piece of the header: one state's worth, or what the input holds of it.  0: more input is needed. */
static int run_header(struct fl_gzip *g, const uint8_t *in, size_t in_len, size_t *at)
{
    const size_t begin = *at;
    const enum state state = (enum state)g->state;
    int done = 0;

    switch (state) {
    case HEADER:
        /* The magic is known to be right; field() began with it, so its bytes are counted here. */
        if (!field(g, in, in_len, at, 10)) return 0;
        if (g->field[2] != 8) {
            damaged(g, g->field_begin + 2, "unknown compression method");
        } else if (g->field[3] & RESERVED) {
            damaged(g, g->field_begin + 3, "reserved header flags");
        } else {
            g->flags = g->field[3];
            g->crc = flowlog__crc32_scalar(0, g->field, 10);
            after_header_field(g, HEADER);
        }
        break;
    case EXTRA_LEN:
        if (!field(g, in, in_len, at, 2)) return 0;
        g->crc = flowlog__crc32_scalar(g->crc, g->field, 2);
        g->extra_left = fl_load16(g->field);
        g->state = EXTRA;
        break;
    case EXTRA: {
        size_t n = in_len - *at;
        if (n > g->extra_left) n = g->extra_left;
        g->crc = flowlog__crc32_scalar(g->crc, in + begin, n);
        *at += n;
        g->extra_left -= (uint32_t)n;
        if (g->extra_left) return 0;
        after_header_field(g, EXTRA);
        break;
    }
    case NAME:
    case COMMENT:
        while (!done && *at < in_len) done = !in[(*at)++];
        g->crc = flowlog__crc32_scalar(g->crc, in + begin, *at - begin);
        if (!done) return 0;
        after_header_field(g, state);
        break;
    default: /* HEADER_CRC */
        if (!field(g, in, in_len, at, 2)) return 0;
        if (fl_load16(g->field) != (g->crc & 0xFFFF))
            damaged(g, g->field_begin, "CRC of the header does not match");
        else
            g->state = BODY;
        break;
    }
    if (g->state == BODY) {
        g->crc = g->isize = 0;
        g->body_begin = g->in_total + *at;
        flowlog__inflate_reset(&g->inflate);
    }
    return 1;
}

flowlog_status flowlog__gzip_run(struct fl_gzip *g, const uint8_t *in, size_t in_len, size_t *in_used,
                                 uint8_t *out, size_t *out_len, size_t out_cap, int last,
                                 flowlog_error *err)
{
    static const uint8_t nothing[1];
    if (!in_len) in = nothing; /* so that NULL is fine */
    size_t at = 0;
    const char *cut = NULL; /* what to call it if the input ends here */
    int waiting = 0;        /* for input, or for room */

    while (!waiting && g->state != BAD) {
        switch ((enum state)g->state) {
        case FIRST:
            /* Two bytes tell; both stay in `field` for HEADER, which collects the other eight. */
            if (!g->field_have) g->field_begin = g->in_total + at;
            if (at == in_len) {
                cut = g->field_have ? in_header : not_gzip;
                waiting = 1;
            } else if (in[at] != (g->field_have ? 0x8B : 0x1F)) {
                damaged(g, g->field_begin, not_gzip);
            } else {
                g->field[g->field_have++] = in[at++];
                if (g->field_have == 2) g->state = HEADER;
            }
            break;
        case NEXT:
            if (!g->field_have) g->field_begin = g->in_total + at;
            if (at == in_len) {
                cut = g->field_have ? in_header : NULL;
                waiting = 1;
            } else if (in[at] == (g->field_have ? 0x8B : 0x1F)) {
                g->field[g->field_have++] = in[at++];
                if (g->field_have == 2) g->state = HEADER;
            } else if (!g->field_have && !in[at]) {
                g->state = PADDING;
            } else {
                damaged(g, g->field_begin, trailing);
            }
            break;
        case HEADER:
        case EXTRA_LEN:
        case EXTRA:
        case NAME:
        case COMMENT:
        case HEADER_CRC:
            waiting = !run_header(g, in, in_len, &at);
            cut = in_header;
            break;
        case BODY: {
            const size_t before = *out_len;
            size_t used;
            flowlog_error detail;
            const flowlog_status st = flowlog__inflate_run(&g->inflate, in + at, in_len - at, &used, out,
                                                           out_len, out_cap, 0, &detail);
            const size_t made = *out_len - before;
            at += used;
            if (made) g->crc = g->inflate.kernels.crc32(g->crc, out + before, made);
            g->isize += (uint32_t)made;
            g->out_total += made;
            if (st < 0) {
                damaged(g, g->body_begin + detail.offset, g->inflate.bad);
            } else if (st == FLOWLOG_END) {
                g->state = TRAILER;
            } else {
                waiting = 1;
                cut = *out_len < out_cap ? in_body : NULL; /* full: the rest may be in the bit buffer */
            }
            break;
        }
        case TRAILER:
            if (!field(g, in, in_len, &at, 8)) {
                cut = in_body;
                waiting = 1;
            } else if (fl_load32(g->field) != g->crc) {
                damaged(g, g->field_begin, "CRC-32 mismatch");
            } else if (fl_load32(g->field + 4) != g->isize) {
                damaged(g, g->field_begin + 4, "length mismatch");
            } else {
                g->members++;
                g->state = NEXT;
            }
            break;
        case PADDING:
            while (at < in_len && !in[at]) at++;
            if (at < in_len) damaged(g, g->in_total + at, trailing);
            cut = NULL;
            waiting = 1;
            break;
        case BAD: break;
        }
    }
    if (last && g->state != BAD && cut && at == in_len) damaged(g, g->in_total + in_len, cut);

    *in_used = at;
    g->in_total += at;
    if (g->state == BAD) return report(g, err);
    return last && at == in_len && (g->state == PADDING || g->state == NEXT) ? FLOWLOG_END : FLOWLOG_OK;
}
