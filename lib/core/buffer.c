/* SPDX-License-Identifier: MIT */
/* buffer.c - bytes that grow, and a cursor; see buffer.h. */
#include "core/buffer.h"

#include <string.h>

#include "core/alloc.h"
#include "core/bytes.h"

enum { FIRST_CAP = 256, VARINT_MAX = 10 /* bytes: 64 bits, 7 at a time */ };

void flowlog__bytes_init(struct fl_bytes *b, const flowlog_alloc *alloc)
{
    memset(b, 0, sizeof *b);
    b->alloc = *alloc;
}

void flowlog__bytes_free(struct fl_bytes *b)
{
    flowlog__release(&b->alloc, b->p, b->cap);
    b->p = NULL;
    b->len = b->cap = 0;
}

static int reserve(struct fl_bytes *b, size_t more)
{
    if (b->failed) return 0;
    if (b->cap - b->len >= more) return 1;
    size_t cap = b->cap <= SIZE_MAX / 2 ? b->cap * 2 : SIZE_MAX;
    if (cap < FIRST_CAP) cap = FIRST_CAP;
    if (cap - b->len < more) cap = more <= SIZE_MAX - b->len ? b->len + more : 0;
    void *p = flowlog__resize(&b->alloc, b->p, b->cap, cap);
    if (!p) {
        b->failed = 1;
        return 0;
    }
    b->p = p;
    b->cap = cap;
    return 1;
}

void flowlog__bytes_put(struct fl_bytes *b, const void *data, size_t len)
{
    if (!len || !reserve(b, len)) return;
    memcpy(b->p + b->len, data, len);
    b->len += len;
}

void flowlog__bytes_put_u8(struct fl_bytes *b, uint8_t v) { flowlog__bytes_put(b, &v, 1); }

void flowlog__bytes_put_u32(struct fl_bytes *b, uint32_t v)
{
    uint8_t bytes[4];
    fl_store32(bytes, v);
    flowlog__bytes_put(b, bytes, sizeof bytes);
}

void flowlog__bytes_put_u64(struct fl_bytes *b, uint64_t v)
{
    uint8_t bytes[8];
    fl_store64(bytes, v);
    flowlog__bytes_put(b, bytes, sizeof bytes);
}

void flowlog__bytes_put_varint(struct fl_bytes *b, uint64_t v)
{
    uint8_t bytes[VARINT_MAX];
    size_t len = 0;
    for (; v >= 0x80; v >>= 7) bytes[len++] = (uint8_t)(v | 0x80);
    bytes[len++] = (uint8_t)v;
    flowlog__bytes_put(b, bytes, len);
}

/* --- cursor ----------------------------------------------------------------------------------------------- */

const uint8_t *flowlog__cursor_take(struct fl_cursor *c, size_t len)
{
    if (c->failed || c->len - c->at < len) {
        c->failed = 1;
        return NULL;
    }
    const uint8_t *p = c->p + c->at;
    c->at += len;
    return p;
}

uint8_t flowlog__cursor_u8(struct fl_cursor *c)
{
    const uint8_t *p = flowlog__cursor_take(c, 1);
    return p ? *p : 0;
}

uint32_t flowlog__cursor_u32(struct fl_cursor *c)
{
    const uint8_t *p = flowlog__cursor_take(c, 4);
    return p ? fl_load32(p) : 0;
}

uint64_t flowlog__cursor_u64(struct fl_cursor *c)
{
    const uint8_t *p = flowlog__cursor_take(c, 8);
    return p ? fl_load64(p) : 0;
}

uint64_t flowlog__cursor_varint(struct fl_cursor *c)
{
    uint64_t v = 0;
    for (unsigned shift = 0; shift < 7 * VARINT_MAX; shift += 7) {
        const uint8_t *p = flowlog__cursor_take(c, 1);
        if (!p) return 0;
        const uint64_t bits = *p & 0x7Fu;
        if (shift == 63 && bits > 1) break;
        v |= bits << shift;
        if (*p & 0x80) continue;
        if (shift && !bits) break; /* a shorter form would do */
        return v;
    }
    c->failed = 1;
    return 0;
}
