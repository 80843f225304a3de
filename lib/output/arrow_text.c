/* SPDX-License-Identifier: MIT */
/* arrow_text.c - see arrow_text.h. */
#include "output/arrow_text.h"

#include "core/alloc.h"
#include "core/bytes.h"
#include "core/hash.h"
#include "core/utf8.h"

#define HIGHS UINT64_C(0x8080808080808080)

enum { SLOTS_MIN = 64 };

/* --- buffers ---------------------------------------------------------------------------------------------- */

void *flowlog__arrow_grow(struct fl_arrow_buffer *b, const flowlog_alloc *alloc, size_t more)
{
    if (more > SIZE_MAX / 4 - b->len || b->cap > SIZE_MAX / 4) return NULL;
    size_t cap = b->len + more;
    if (cap < b->cap * 2) cap = b->cap * 2;
    if (cap < b->hint) cap = b->hint;
    cap = (cap + FL_ARROW_PADDING - 1) / FL_ARROW_PADDING * FL_ARROW_PADDING;
    if (!cap) cap = FL_ARROW_PADDING;
    uint8_t *p = flowlog__resize(alloc, b->p, b->cap, cap);
    if (!p) return NULL;
    b->p = p;
    b->cap = cap;
    return p + b->len;
}

void flowlog__arrow_drop(struct fl_arrow_buffer *b, const flowlog_alloc *alloc)
{
    flowlog__release(alloc, b->p, b->cap);
    memset(b, 0, sizeof *b);
}

/* --- text ------------------------------------------------------------------------------------------------- */

static int is_ascii(const char *text, size_t len)
{
    uint64_t high = 0;
    if (len < 8) {
        for (size_t i = 0; i < len; i++) high |= (uint8_t)text[i] & 0x80u;
        return !high;
    }
    for (size_t i = 0; i + 8 < len; i += 8) high |= fl_load64(text + i);
    return !((high | fl_load64(text + len - 8)) & HIGHS);
}

/* How many bytes at p are a valid character; 0: this byte is part of none. */
static size_t character(const uint8_t *p, size_t len) { return *p < 0x80 ? 1 : fl_utf8_sequence(p, len); }

static int is_utf8(const char *text, size_t len)
{
    const uint8_t *p = (const uint8_t *)text;
    for (size_t i = 0, n; i < len; i += n) {
        n = character(p + i, len - i);
        if (!n) return 0;
    }
    return 1;
}

/* U+0080 to U+00FF have two bytes: out has room for 2 * len. */
static size_t make_utf8(const char *text, size_t len, uint8_t *out)
{
    const uint8_t *p = (const uint8_t *)text;
    size_t to = 0;
    for (size_t i = 0; i < len;) {
        const size_t n = character(p + i, len - i);
        if (n) {
            memcpy(out + to, p + i, n);
            to += n;
            i += n;
        } else {
            out[to++] = (uint8_t)(0xC0 | p[i] >> 6);
            out[to++] = (uint8_t)(0x80 | (p[i++] & 0x3F));
        }
    }
    return to;
}

flowlog_status flowlog__arrow_put_text(struct fl_arrow_buffer *b, const flowlog_alloc *alloc, const char *text,
                                       size_t len)
{
    if (!len) return FLOWLOG_OK;
    if (len > SIZE_MAX / 2) return FLOWLOG_E_MEMORY;
    const int plain = is_ascii(text, len) || is_utf8(text, len);
    uint8_t *const to = fl_arrow_room(b, alloc, plain ? len : 2 * len);
    if (!to) return FLOWLOG_E_MEMORY;
    if (plain) memcpy(to, text, len);
    b->len += plain ? len : make_utf8(text, len, to);
    return FLOWLOG_OK;
}

/* --- dictionaries ----------------------------------------------------------------------------------------- */

static flowlog_str text_at(const struct fl_arrow_dictionary *d, uint32_t i)
{
    const int32_t *offset = (const int32_t *)(const void *)d->offsets.p;
    return (flowlog_str){(const char *)d->text.p + offset[i], (size_t)(offset[i + 1] - offset[i])};
}

flowlog_status flowlog__dictionary_append(struct fl_arrow_dictionary *d, const flowlog_alloc *alloc,
                                          const char *text, size_t len)
{
    if (len > INT32_MAX - d->text.len) return FLOWLOG_E_LIMIT;
    int32_t *const end = fl_arrow_room(&d->offsets, alloc, 2 * sizeof(int32_t));
    uint8_t *const to = fl_arrow_room(&d->text, alloc, len);
    if (!end || !to) return FLOWLOG_E_MEMORY;
    if (len) memcpy(to, text, len);
    d->text.len += len;
    if (!d->offsets.len) end[0] = 0;
    end[d->offsets.len == 0] = (int32_t)d->text.len;
    d->offsets.len += d->offsets.len ? sizeof(int32_t) : 2 * sizeof(int32_t);
    d->count++;
    return FLOWLOG_OK;
}

/* At most half of the slots are taken. */
static flowlog_status grow_table(struct fl_arrow_dictionary *d, const flowlog_alloc *alloc)
{
    const size_t slots = d->slots ? d->slots * 2 : SLOTS_MIN;
    if (slots > SIZE_MAX / sizeof *d->slot) return FLOWLOG_E_MEMORY;
    uint64_t *const slot = flowlog__alloc_zero(alloc, slots * sizeof *slot);
    if (!slot) return FLOWLOG_E_MEMORY;
    for (size_t i = 0; i < d->slots; i++) {
        if (!d->slot[i]) continue;
        size_t at = (size_t)(d->slot[i] >> 32) & (slots - 1);
        while (slot[at]) at = (at + 1) & (slots - 1);
        slot[at] = d->slot[i];
    }
    flowlog__release(alloc, d->slot, d->slots * sizeof *slot);
    d->slot = slot;
    d->slots = slots;
    return FLOWLOG_OK;
}

/* In words of 8 bytes, the last one overlapping: most texts are ids of 12 to 24 bytes. */
FL_INLINE int is_text(const struct fl_arrow_dictionary *d, uint32_t i, const char *text, size_t len)
{
    const flowlog_str s = text_at(d, i);
    if (s.len != len) return 0;
    if (len < 8) return !len || memcmp(s.ptr, text, len) == 0;
    for (size_t k = 0; k + 8 < len; k += 8)
        if (fl_load64(s.ptr + k) != fl_load64(text + k)) return 0;
    return fl_load64(s.ptr + len - 8) == fl_load64(text + len - 8);
}

/* 32 bits, and in *high bit 7 of some byte where the text is not ASCII. */
FL_INLINE uint64_t hash_text(const char *text, size_t len, uint64_t *high)
{
    const uint64_t odd = UINT64_C(0x9E3779B97F4A7C15); /* 2^64 / golden ratio */
    uint64_t h = len, any = 0, tail = 0;
    if (len < 8) {
        for (size_t i = 0; i < len; i++) tail = tail << 8 | (uint8_t)text[i];
    } else {
        for (size_t i = 0; i + 8 < len; i += 8) {
            const uint64_t word = fl_load64(text + i);
            any |= word;
            h = (h ^ word) * odd;
            h ^= h >> 32;
        }
        tail = fl_load64(text + len - 8);
    }
    *high = (any | tail) & HIGHS;
    return fl_hash_u64(h ^ tail) >> 32;
}

flowlog_status flowlog__dictionary_find(struct fl_arrow_dictionary *d, const flowlog_alloc *alloc, const char *text,
                                        size_t len, uint32_t *index)
{
    uint64_t high, hash = hash_text(text, len, &high);
    if (FL_UNLIKELY(high) && !is_utf8(text, len)) {
        d->scratch.len = 0;
        const flowlog_status status = flowlog__arrow_put_text(&d->scratch, alloc, text, len);
        if (status < 0) return status;
        text = (const char *)d->scratch.p;
        len = d->scratch.len;
        hash = hash_text(text, len, &high);
    }
    if (hash == d->last_hash && d->last < d->count && is_text(d, d->last, text, len)) {
        *index = d->last;
        return FLOWLOG_OK;
    }
    if (d->count >= d->slots / 2) {
        const flowlog_status status = grow_table(d, alloc);
        if (status < 0) return status;
    }
    size_t at = (size_t)hash & (d->slots - 1);
    uint32_t found = d->count;
    for (; d->slot[at]; at = (at + 1) & (d->slots - 1)) {
        const uint32_t i = (uint32_t)d->slot[at] - 1;
        if (d->slot[at] >> 32 != hash || !is_text(d, i, text, len)) continue;
        found = i;
        break;
    }
    if (found == d->count) {
        const flowlog_status status = flowlog__dictionary_append(d, alloc, text, len);
        if (status < 0) return status;
        d->slot[at] = hash << 32 | d->count;
    }
    d->last_hash = hash;
    *index = d->last = found;
    return FLOWLOG_OK;
}

void flowlog__dictionary_reset(struct fl_arrow_dictionary *d)
{
    d->count = d->known = d->last = 0;
    if (d->slots) memset(d->slot, 0, d->slots * sizeof *d->slot);
}

void flowlog__dictionary_clear(struct fl_arrow_dictionary *d, const flowlog_alloc *alloc)
{
    flowlog__arrow_drop(&d->offsets, alloc);
    flowlog__arrow_drop(&d->text, alloc);
    flowlog__arrow_drop(&d->scratch, alloc);
    flowlog__release(alloc, d->slot, d->slots * sizeof *d->slot);
    memset(d, 0, sizeof *d);
}
