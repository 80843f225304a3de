/* SPDX-License-Identifier: MIT */
/* key.c - key columns to packed and long keys, and back; see key.h. */
#include "agg/key.h"

#include <string.h>

#include "core/bytes.h"

enum { TAG_NULL = 0, TAG_VALUE = 1, TAG_TEXT = 2, TAG_IPV4 = 4, TAG_IPV6 = 6 };

/* Widths that hold what AWS writes; a value that is larger makes its key a long one. */
static unsigned packed_bits(const struct fl_key *key)
{
    switch (key->type) {
    case FLOWLOG_TYPE_ADDR: return 32;
    case FLOWLOG_TYPE_ENUM: return 8;
    case FLOWLOG_TYPE_U32: return key->field == FLOWLOG_FIELD_SRCPORT || key->field == FLOWLOG_FIELD_DSTPORT ? 16 : 8;
    case FLOWLOG_TYPE_U64:
    case FLOWLOG_TYPE_TIME: return 40;
    default: return 65; /* text: too long for it to pay */
    }
}

void flowlog__keys_layout(struct fl_keys *keys)
{
    unsigned sum = 0;
    for (uint32_t k = 0; k < keys->count; k++) {
        struct fl_key *key = &keys->key[k];
        const unsigned bits = packed_bits(key);
        key->bits = (uint8_t)bits;
        key->shift = (uint8_t)(sum & 63);
        sum += bits;
    }
    keys->packed_bits = sum;
}

static int is_null(const flowlog_column *c, uint32_t row) { return !c->present || !fl_bit_get(c->validity, row); }

/* Numbers of any width: `bits` of them, and what is beyond makes the row an odd one. */
#define PACK_NUMBERS(type)                                             \
    do {                                                               \
        const type *values_ = c->values;                               \
        for (uint32_t i = 0; i < n; i++) {                             \
            const uint64_t v_ = (uint64_t)values_[rows[i]];            \
            packed[i] |= (v_ & mask) << key->shift;                    \
            odd[i] |= (uint8_t)(v_ > mask);                            \
        }                                                              \
    } while (0)

static void pack_column(const struct fl_key *key, const flowlog_column *c, const uint32_t *rows, uint32_t n,
                        uint64_t *packed, uint8_t *odd)
{
    const uint64_t mask = fl_low_bits(key->bits);
    if (c->type == FLOWLOG_TYPE_ADDR) {
        const uint32_t *values = c->values;
        for (uint32_t i = 0; i < n; i++) {
            packed[i] |= (uint64_t)values[rows[i]] << key->shift;
            odd[i] |= (uint8_t)(c->family[rows[i]] ^ 4);
        }
        return;
    }
    if (c->type == FLOWLOG_TYPE_ENUM) {
        const uint8_t *values = c->values;
        for (uint32_t i = 0; i < n; i++) {
            packed[i] |= (uint64_t)values[rows[i]] << key->shift;
            odd[i] |= (uint8_t)(values[rows[i]] == FLOWLOG_OTHER);
        }
        return;
    }
    if (c->type == FLOWLOG_TYPE_U32) PACK_NUMBERS(uint32_t);
    else if (c->type == FLOWLOG_TYPE_U64) PACK_NUMBERS(uint64_t);
    else PACK_NUMBERS(int64_t); /* a negative time is beyond any mask */
    if (c->null_count)
        for (uint32_t i = 0; i < n; i++) odd[i] |= (uint8_t)!fl_bit_get(c->validity, rows[i]);
}

/* The most frequent question, "by address", where all rows count: one pass without a branch. */
static int pack_addresses(const flowlog_column *c, uint32_t first, uint32_t n, uint64_t *packed)
{
    const uint32_t *values = (const uint32_t *)c->values + first;
    const uint8_t *family = c->family + first;
    uint8_t others = 0;
    for (uint32_t i = 0; i < n; i++) {
        packed[i] = values[i];
        others |= (uint8_t)(family[i] ^ 4);
    }
    return !others;
}

static void list_from(uint32_t first, uint32_t n, uint32_t *rows)
{
    for (uint32_t i = 0; i < n; i++) rows[i] = first + i;
}

int flowlog__keys_pack(const struct fl_keys *keys, const flowlog_batch *batch, const uint32_t *rows,
                       uint32_t first, uint32_t n, uint64_t *packed, uint8_t *odd)
{
    uint32_t list[FL_CHUNK];
    memset(odd, 1, n);
    if (keys->packed_bits > 64) return 0;
    for (uint32_t k = 0; k < keys->count; k++)
        if (!batch->column[keys->key[k].column].present) return 0;
    if (!rows) {
        const flowlog_column *c = &batch->column[keys->key[0].column];
        if (keys->count == 1 && c->type == FLOWLOG_TYPE_ADDR && pack_addresses(c, first, n, packed)) return 1;
        list_from(first, n, list);
        rows = list;
    }
    memset(packed, 0, n * sizeof *packed);
    memset(odd, 0, n);
    for (uint32_t k = 0; k < keys->count; k++)
        pack_column(&keys->key[k], &batch->column[keys->key[k].column], rows, n, packed, odd);
    uint8_t any = 0;
    for (uint32_t i = 0; i < n; i++) any |= odd[i];
    return !any;
}

size_t flowlog__keys_long_max(const struct fl_keys *keys, const flowlog_batch *batch, uint32_t row)
{
    size_t bytes = 0;
    for (uint32_t k = 0; k < keys->count; k++) {
        const flowlog_column *c = &batch->column[keys->key[k].column];
        const int has_text = c->type == FLOWLOG_TYPE_TEXT || c->type == FLOWLOG_TYPE_ENUM;
        bytes += 1 + 16;
        if (has_text && !is_null(c, row)) bytes += c->spans[row].len;
    }
    return bytes / 8 + 1;
}

static uint8_t *put_text(uint8_t *p, const flowlog_batch *batch, flowlog_span span)
{
    *p++ = TAG_TEXT;
    fl_store32(p, span.len);
    if (span.len) memcpy(p + 4, batch->text + span.offset, span.len);
    return p + 4 + span.len;
}

static uint8_t *put_number(uint8_t *p, uint64_t v)
{
    *p++ = TAG_VALUE;
    fl_store64(p, v);
    return p + 8;
}

static uint8_t *put_addr(uint8_t *p, const flowlog_column *c, uint32_t row)
{
    if (c->family[row] == 6) {
        *p++ = TAG_IPV6;
        memcpy(p, c->wide[row], 16);
        return p + 16;
    }
    const uint32_t v = ((const uint32_t *)c->values)[row];
    *p++ = TAG_IPV4;
    for (int i = 0; i < 4; i++) *p++ = (uint8_t)(v >> (24 - 8 * i));
    return p;
}

static uint8_t *put(uint8_t *p, const flowlog_batch *batch, const flowlog_column *c, uint32_t row)
{
    if (is_null(c, row)) {
        *p++ = TAG_NULL;
        return p;
    }
    switch (c->type) {
    case FLOWLOG_TYPE_U32: return put_number(p, ((const uint32_t *)c->values)[row]);
    case FLOWLOG_TYPE_U64: return put_number(p, ((const uint64_t *)c->values)[row]);
    case FLOWLOG_TYPE_TIME: return put_number(p, (uint64_t)((const int64_t *)c->values)[row]);
    case FLOWLOG_TYPE_ADDR: return put_addr(p, c, row);
    case FLOWLOG_TYPE_ENUM:
        if (((const uint8_t *)c->values)[row] == FLOWLOG_OTHER) return put_text(p, batch, c->spans[row]);
        *p++ = TAG_VALUE;
        *p++ = ((const uint8_t *)c->values)[row];
        return p;
    default: return put_text(p, batch, c->spans[row]);
    }
}

size_t flowlog__keys_long(const struct fl_keys *keys, const flowlog_batch *batch, uint32_t row,
                          uint64_t *words)
{
    uint8_t *const start = (uint8_t *)words, *p = start;
    for (uint32_t k = 0; k < keys->count; k++) p = put(p, batch, &batch->column[keys->key[k].column], row);
    while ((p - start) % 8) *p++ = 0;
    return (size_t)(p - start) / 8;
}

static void set_code(flowlog_value *value, uint16_t field, uint32_t code)
{
    const char *name = flowlog_enum_name(field, code);
    value->code = (uint16_t)code;
    value->text = (flowlog_str){name ? name : "", name ? strlen(name) : 0};
}

static void set_ipv4(flowlog_value *value, uint32_t v)
{
    value->addr.family = 4;
    for (int i = 0; i < 4; i++) value->addr.bytes[i] = (uint8_t)(v >> (24 - 8 * i));
}

static void unpack(const struct fl_key *key, uint64_t word, flowlog_value *value)
{
    const uint64_t v = word >> key->shift & fl_low_bits(key->bits);
    if (key->type == FLOWLOG_TYPE_ADDR) set_ipv4(value, (uint32_t)v);
    else if (key->type == FLOWLOG_TYPE_ENUM) set_code(value, key->field, (uint32_t)v);
    else value->number = v;
}

/* One column of a long key: its value, when asked for, and where the next column begins. */
static const uint8_t *get(const struct fl_key *key, const uint8_t *p, flowlog_value *value)
{
    const uint8_t tag = *p++;
    if (value && tag == TAG_NULL) value->is_null = 1;
    if (tag == TAG_NULL) return p;
    if (tag == TAG_TEXT) {
        const uint32_t len = fl_load32(p);
        if (value) value->text = (flowlog_str){(const char *)p + 4, len};
        return p + 4 + len;
    }
    if (key->type == FLOWLOG_TYPE_ADDR) {
        const uint32_t len = tag == TAG_IPV6 ? 16 : 4;
        if (value) {
            value->addr.family = tag;
            memcpy(value->addr.bytes, p, len);
        }
        return p + len;
    }
    if (key->type == FLOWLOG_TYPE_ENUM) {
        if (value) set_code(value, key->field, *p);
        return p + 1;
    }
    if (value) value->number = fl_load64(p);
    return p + 8;
}

void flowlog__keys_value(const struct fl_keys *keys, struct fl_key_ref ref, uint32_t k, flowlog_value *value)
{
    memset(value, 0, sizeof *value);
    value->type = keys->key[k].type;
    if (!ref.words) {
        unpack(&keys->key[k], ref.word, value);
        return;
    }
    const uint8_t *p = (const uint8_t *)ref.words;
    for (uint32_t i = 0; i < k; i++) p = get(&keys->key[i], p, NULL);
    get(&keys->key[k], p, value);
}

static int compare_bytes(const void *a, size_t a_len, const void *b, size_t b_len)
{
    const size_t len = a_len < b_len ? a_len : b_len;
    const int c = len ? memcmp(a, b, len) : 0;
    return c ? c : (a_len > b_len) - (a_len < b_len);
}

int flowlog__value_compare(const flowlog_value *a, const flowlog_value *b)
{
    if (a->is_null || b->is_null) return b->is_null - a->is_null;
    switch (a->type) {
    case FLOWLOG_TYPE_ADDR:
        if (a->addr.family != b->addr.family) return a->addr.family < b->addr.family ? -1 : 1;
        return memcmp(a->addr.bytes, b->addr.bytes, sizeof a->addr.bytes);
    case FLOWLOG_TYPE_ENUM:
    case FLOWLOG_TYPE_TEXT: return compare_bytes(a->text.ptr, a->text.len, b->text.ptr, b->text.len);
    case FLOWLOG_TYPE_TIME:
        return ((int64_t)a->number > (int64_t)b->number) - ((int64_t)a->number < (int64_t)b->number);
    default: return (a->number > b->number) - (a->number < b->number);
    }
}
