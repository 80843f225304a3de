/* SPDX-License-Identifier: MIT */
/*
 * column.c - see column.h.  A kernel leaves the rows it could not do in `todo`; they are few in any real
 * log (IPv6 addresses, numbers beyond 16 digits, times in milliseconds, tokens nobody knew), and
 * flowlog__decode_token does them one by one.
 */
#include "decode/column.h"

#include <string.h>

#include "core/bytes.h"
#include "decode/address.h"
#include "schema/enums.h"

/* Times from here on are milliseconds: as seconds this is the year 5138. */
#define MS_FROM UINT64_C(100000000000)

static uint64_t largest(uint32_t field, uint32_t type)
{
    switch (field) {
    case FLOWLOG_FIELD_SRCPORT:
    case FLOWLOG_FIELD_DSTPORT: return 65535;
    case FLOWLOG_FIELD_PROTOCOL: return 255;
    default: return type == FLOWLOG_TYPE_U32 ? UINT32_MAX : type == FLOWLOG_TYPE_TIME ? MS_FROM - 1 : UINT64_MAX;
    }
}

void flowlog__decoder_init(fl_decoder *d, uint32_t field, uint32_t type)
{
    memset(d, 0, sizeof *d);
    d->field = (uint16_t)field;
    d->type = (uint8_t)type;
    d->max = largest(field, type);
    const struct fl_enum_set *set = type == FLOWLOG_TYPE_ENUM ? flowlog__enum_set(field) : NULL;
    for (uint32_t i = 0; set && i < set->count && d->tokens < FL_TOKENS_MAX; i++) {
        const flowlog_str name = set->names[i];
        if (name.len > 8) continue;
        fl_token *t = &d->token[d->tokens++];
        for (size_t b = 0; b < name.len; b++) t->bytes |= (uint64_t)(uint8_t)name.ptr[b] << (8 * b);
        t->code = i + 1;
    }
}

static size_t round_up(size_t n) { return (n + 63) & ~(size_t)63; } /* a cache line, and any vector */

/* Bytes of `values` for a row of each type. */
static size_t value_size(uint32_t type)
{
    switch (type) {
    case FLOWLOG_TYPE_U32:
    case FLOWLOG_TYPE_ADDR: return 4;
    case FLOWLOG_TYPE_U64:
    case FLOWLOG_TYPE_TIME: return 8;
    case FLOWLOG_TYPE_ENUM: return 1;
    default: return 0;
    }
}

static int has_spans(uint32_t type) { return type == FLOWLOG_TYPE_TEXT || type == FLOWLOG_TYPE_ENUM; }

size_t flowlog__column_bytes(uint32_t type, size_t rows)
{
    size_t n = round_up(fl_bit_words(rows) * 8) + round_up(value_size(type) * rows);
    if (has_spans(type)) n += round_up(rows * sizeof(flowlog_span));
    if (type == FLOWLOG_TYPE_ADDR) n += round_up(rows) + rows * 16;
    return n + 64;
}

void flowlog__column_place(fl_column *c, uint32_t type, size_t rows, void *room)
{
    uint8_t *p = (uint8_t *)room + (round_up((uintptr_t)room) - (uintptr_t)room);
    memset(c, 0, sizeof *c);
    c->valid = (uint64_t *)(void *)p;
    p += round_up(fl_bit_words(rows) * 8);
    if (value_size(type)) c->values = p;
    p += round_up(value_size(type) * rows);
    if (has_spans(type)) c->spans = (flowlog_span *)(void *)p;
    if (type == FLOWLOG_TYPE_ADDR) {
        c->family = p;
        c->wide = (uint8_t(*)[16])(void *)(p + round_up(rows));
    }
}

void flowlog__column_clear(fl_column *c, uint32_t type, size_t rows)
{
    memset(c->valid, 0, fl_bit_words(rows) * 8);
    if (c->values) memset(c->values, 0, value_size(type) * rows);
    if (c->spans) memset(c->spans, 0, rows * sizeof *c->spans);
    if (c->family) memset(c->family, 0, rows);
}

static int parse_number(const uint8_t *p, size_t len, uint64_t *value)
{
    uint64_t v = 0;
    if (!len) return 0;
    for (size_t i = 0; i < len; i++) {
        const uint64_t digit = (uint64_t)p[i] - '0';
        if (digit > 9 || v > (UINT64_MAX - digit) / 10) return 0;
        v = v * 10 + digit;
    }
    *value = v;
    return 1;
}

fl_verdict flowlog__decode_token(const fl_decoder *d, const uint8_t *p, size_t len, flowlog_value *value, int *ms)
{
    uint32_t v4;
    memset(value, 0, sizeof *value);
    value->type = d->type;
    if (len == 1 && p[0] == '-') {
        value->is_null = 1;
        return FL_NULL;
    }
    switch (d->type) {
    case FLOWLOG_TYPE_TIME:
        if (!parse_number(p, len, &value->number)) return FL_BAD_NUMBER;
        if (value->number >= MS_FROM) {
            value->number /= 1000;
            *ms = 1;
        }
        return FL_VALUE;
    case FLOWLOG_TYPE_U32:
    case FLOWLOG_TYPE_U64:
        if (!parse_number(p, len, &value->number) || value->number > d->max) return FL_BAD_NUMBER;
        return FL_VALUE;
    case FLOWLOG_TYPE_ADDR:
        if (flowlog__parse_ipv4(p, len, &v4)) {
            value->addr.family = 4;
            for (int k = 0; k < 4; k++) value->addr.bytes[k] = (uint8_t)(v4 >> (24 - 8 * k));
            return FL_VALUE;
        }
        if (!flowlog__parse_ipv6(p, len, value->addr.bytes)) return FL_BAD_ADDRESS;
        value->addr.family = 6;
        return FL_VALUE;
    case FLOWLOG_TYPE_ENUM: value->code = (uint16_t)flowlog_enum_code(d->field, (const char *)p, len); break;
    default: break;
    }
    value->text = (flowlog_str){(const char *)p, len};
    return FL_VALUE;
}

/* Put one slow value into its place in the column. */
static void store(const fl_decoder *d, fl_column *c, size_t row, const flowlog_value *v, flowlog_span span)
{
    switch (d->type) {
    case FLOWLOG_TYPE_U32: ((uint32_t *)c->values)[row] = (uint32_t)v->number; break;
    case FLOWLOG_TYPE_U64:
    case FLOWLOG_TYPE_TIME: ((uint64_t *)c->values)[row] = v->number; break;
    case FLOWLOG_TYPE_ADDR:
        c->family[row] = (uint8_t)v->addr.family;
        if (v->addr.family == 6) memcpy(c->wide[row], v->addr.bytes, 16);
        break;
    case FLOWLOG_TYPE_ENUM:
        ((uint8_t *)c->values)[row] = (uint8_t)v->code;
        c->spans[row] = span;
        break;
    default: c->spans[row] = span; break;
    }
}

static int run_kernel(const fl_kernels *k, const fl_decoder *d, const fl_rows *rows, size_t index, fl_column *c,
                      uint64_t *todo)
{
    switch (d->type) {
    case FLOWLOG_TYPE_U32: return k->digits8(rows, index, (uint32_t)d->max, c->values, c->valid, todo);
    case FLOWLOG_TYPE_U64:
    case FLOWLOG_TYPE_TIME: return k->digits16(rows, index, d->max, c->values, c->valid, todo);
    case FLOWLOG_TYPE_ADDR:
        memset(c->family, 4, rows->rows);
        return k->ipv4(rows, index, c->values, c->valid, todo) &&
               k->ipv6(rows, index, c->wide, c->family, c->valid, todo);
    case FLOWLOG_TYPE_ENUM: return k->tokens8(rows, index, d->token, d->tokens, c->values, c->valid, todo);
    default: k->spans(rows, index, (uint32_t *)(void *)c->spans, c->valid); return 0;
    }
}

int flowlog__decode_column(const fl_kernels *k, const fl_decoder *d, const fl_rows *rows, size_t index,
                           fl_column *c, uint64_t *todo, uint64_t *bad, uint64_t *ms_times)
{
    int any_bad = 0;
    if (!run_kernel(k, d, rows, index, c, todo)) return 0;
    for (size_t w = 0; w < fl_bit_words(rows->rows); w++) {
        for (uint64_t left = todo[w]; left; left &= left - 1) {
            const size_t row = w * 64 + fl_ctz64(left);
            const uint32_t *at = rows->at + row * rows->stride + index;
            const flowlog_span span = {at[0] + 1, at[1] - (at[0] + 1)};
            flowlog_value value;
            int ms = 0;
            const fl_verdict verdict = flowlog__decode_token(d, rows->text + span.offset, span.len, &value, &ms);
            store(d, c, row, &value, verdict == FL_VALUE ? span : (flowlog_span){0, 0});
            *ms_times += (uint64_t)ms;
            if (verdict == FL_VALUE) {
                fl_bit_set(c->valid, row);
            } else if (verdict != FL_NULL) {
                fl_bit_set(bad, row);
                any_bad = 1;
            }
        }
    }
    return any_bad;
}
