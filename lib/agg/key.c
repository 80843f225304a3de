/* SPDX-License-Identifier: MIT */
/* key.c - key columns to packed and long keys, and back; see key.h. */
#include "agg/key.h"

#include <string.h>

#include "core/bytes.h"

enum { PACKED_BITS = 64 /* of a word */, NOT_PACKED = 65 };

/* Widths that hold what AWS writes; a value that is larger makes its key a long one. */
static unsigned packed_bits(const struct fl_key *key)
{
    switch (key->type) {
    case FLOWLOG_TYPE_ADDR:
    case FLOWLOG_TYPE_NET: return 32;
    case FLOWLOG_TYPE_SERVICE: return 24;
    case FLOWLOG_TYPE_ENUM: return 8;
    case FLOWLOG_TYPE_U32: return key->field == FLOWLOG_FIELD_SRCPORT || key->field == FLOWLOG_FIELD_DSTPORT ? 16 : 8;
    case FLOWLOG_TYPE_U64:
    case FLOWLOG_TYPE_TIME: return 40;
    default: return NOT_PACKED; /* text: too long for it to pay */
    }
}

/* A column lies in one word, the first that has room for it. */
void flowlog__keys_layout(struct fl_keys *keys)
{
    unsigned used[2] = {0, 0}, sum = 0;
    for (uint32_t k = 0; k < keys->count; k++) {
        struct fl_key *key = &keys->key[k];
        const unsigned bits = packed_bits(key), word = used[0] + bits > PACKED_BITS;
        key->bits = (uint8_t)bits;
        key->word = (uint8_t)word;
        key->shift = (uint8_t)(used[word] & (PACKED_BITS - 1));
        used[word] += bits;
        sum += bits;
    }
    keys->packed_bits = sum;
    keys->packed_words = used[1] > PACKED_BITS ? 0 : used[1] ? 2 : 1;
}

static int is_null(const flowlog_column *c, uint32_t row) { return !c->present || !fl_bit_get(c->validity, row); }

/* Numbers of any width: `bits` of them, and what is beyond makes the row an odd one. */
#define PACK_NUMBERS(type)                                             \
    do {                                                               \
        const type *values_ = (const type *)c->values + first;         \
        for (uint32_t i = 0; i < n; i++) {                             \
            const uint64_t v_ = (uint64_t)values_[i];                  \
            packed[i] |= (v_ & mask) << key->shift;                    \
            odd[i] |= (uint8_t)(v_ > mask);                            \
        }                                                              \
    } while (0)

static void pack_column(const struct fl_key *key, const flowlog_column *c, uint32_t first, uint32_t n,
                        uint64_t *packed, uint8_t *odd)
{
    const uint64_t mask = fl_low_bits(key->bits);
    packed += key->word * FL_CHUNK;
    if (c->type == FLOWLOG_TYPE_ADDR) {
        const uint32_t *values = (const uint32_t *)c->values + first;
        const uint8_t *family = c->family + first;
        for (uint32_t i = 0; i < n; i++) {
            packed[i] |= (uint64_t)values[i] << key->shift;
            odd[i] |= (uint8_t)(family[i] ^ 4);
        }
        return;
    }
    if (c->type == FLOWLOG_TYPE_ENUM) {
        const uint8_t *values = (const uint8_t *)c->values + first;
        for (uint32_t i = 0; i < n; i++) {
            packed[i] |= (uint64_t)values[i] << key->shift;
            odd[i] |= (uint8_t)(values[i] == FLOWLOG_OTHER);
        }
        return;
    }
    if (c->type == FLOWLOG_TYPE_U32) PACK_NUMBERS(uint32_t);
    else if (c->type == FLOWLOG_TYPE_U64) PACK_NUMBERS(uint64_t);
    else PACK_NUMBERS(int64_t); /* a negative time is beyond any mask */
    if (c->null_count)
        for (uint32_t i = 0; i < n; i++) odd[i] |= (uint8_t)!fl_bit_get(c->validity, first + i);
}

/* The most frequent question, "by address", where all rows count: one pass without a branch. */
static int pack_addresses(const flowlog_column *c, uint32_t first, uint32_t n, uint64_t *packed, uint8_t *odd)
{
    const uint32_t *values = (const uint32_t *)c->values + first;
    const uint8_t *family = c->family + first;
    uint8_t others = 0;
    for (uint32_t i = 0; i < n; i++) {
        packed[i] = values[i];
        others |= (uint8_t)(family[i] ^ 4);
    }
    if (!others) return 1;
    for (uint32_t i = 0; i < n; i++) odd[i] = (uint8_t)(family[i] ^ 4);
    return 0;
}

/* No row has a packed key. */
static int none_fits(uint32_t n, uint8_t *odd)
{
    memset(odd, 1, n);
    return 0;
}

int flowlog__keys_pack(const struct fl_keys *keys, const flowlog_batch *batch, uint32_t first, uint32_t n,
                       uint64_t *packed, uint8_t *odd)
{
    if (!keys->packed_words) return none_fits(n, odd);
    for (uint32_t k = 0; k < keys->count; k++)
        if (!batch->column[keys->key[k].column].present) return none_fits(n, odd);
    if (keys->count == 1 && keys->key[0].bits == 32)
        return pack_addresses(&batch->column[keys->key[0].column], first, n, packed, odd);
    for (uint32_t w = 0; w < keys->packed_words; w++) memset(packed + w * FL_CHUNK, 0, n * sizeof *packed);
    memset(odd, 0, n);
    for (uint32_t k = 0; k < keys->count; k++)
        pack_column(&keys->key[k], &batch->column[keys->key[k].column], first, n, packed, odd);
    uint8_t any = 0;
    for (uint32_t i = 0; i < n; i++) any |= odd[i];
    return !any;
}

size_t flowlog__keys_long_max(const struct fl_keys *keys, const flowlog_batch *batch, const uint32_t *rows,
                              uint32_t n)
{
    uint64_t words = (uint64_t)keys->count * 3 * n;
    for (uint32_t k = 0; k < keys->count; k++) {
        const flowlog_column *c = &batch->column[keys->key[k].column];
        if (!c->present || (c->type != FLOWLOG_TYPE_TEXT && c->type != FLOWLOG_TYPE_ENUM)) continue;
        /* The spans of known tokens, and of nulls among enumerations, are not set. */
        const uint8_t *codes = c->type == FLOWLOG_TYPE_ENUM ? c->values : NULL;
        for (uint32_t i = 0; i < n; i++)
            if (!codes || (codes[rows[i]] == FLOWLOG_OTHER && fl_bit_get(c->validity, rows[i])))
                words += c->spans[rows[i]].len / 8;
    }
    return words < SIZE_MAX ? (size_t)words : SIZE_MAX;
}

static uint64_t *put_text(uint64_t *w, const char *text, size_t len)
{
    *w++ = FL_TAG_TEXT | (uint64_t)len << FL_TAG_BITS;
    const size_t rest = len % 8;
    const char *end = text + (len - rest);
    for (; text < end; text += 8) memcpy(w++, text, 8);
    if (!rest) return w;
    uint64_t tail = 0;
    if (len > 8) tail = fl_load64(text + rest - 8) >> (64 - 8 * rest); /* with bytes before it, in one load */
    else for (size_t i = 0; i < rest; i++) tail |= (uint64_t)(uint8_t)text[i] << 8 * i;
    fl_store64(w, tail);
    return w + 1;
}

static uint64_t *put_number(uint64_t *w, uint64_t v)
{
    if (v >> (64 - FL_TAG_BITS)) {
        *w++ = FL_TAG_LARGE;
        *w++ = v;
    } else {
        *w++ = FL_TAG_VALUE | v << FL_TAG_BITS;
    }
    return w;
}

static uint64_t *put_addr(uint64_t *w, const flowlog_column *c, uint32_t row)
{
    if (c->family[row] == 6) {
        *w++ = FL_TAG_IPV6;
        memcpy(w, c->wide[row], 16);
        return w + 2;
    }
    *w++ = FL_TAG_IPV4 | (uint64_t)((const uint32_t *)c->values)[row] << FL_TAG_BITS;
    return w;
}

static uint64_t *put(uint64_t *w, const flowlog_batch *batch, const flowlog_column *c, uint32_t row)
{
    if (is_null(c, row)) {
        *w++ = FL_TAG_NULL;
        return w;
    }
    switch (c->type) {
    case FLOWLOG_TYPE_U32: return put_number(w, ((const uint32_t *)c->values)[row]);
    case FLOWLOG_TYPE_U64: return put_number(w, ((const uint64_t *)c->values)[row]);
    case FLOWLOG_TYPE_TIME: return put_number(w, (uint64_t)((const int64_t *)c->values)[row]);
    case FLOWLOG_TYPE_ADDR: return put_addr(w, c, row);
    case FLOWLOG_TYPE_ENUM:
        if (((const uint8_t *)c->values)[row] != FLOWLOG_OTHER)
            return put_number(w, ((const uint8_t *)c->values)[row]);
        break;
    default: break;
    }
    return put_text(w, batch->text + c->spans[row].offset, c->spans[row].len);
}

size_t flowlog__keys_long(const struct fl_keys *keys, const flowlog_batch *batch, uint32_t row,
                          uint64_t *words)
{
    uint64_t *w = words;
    for (uint32_t k = 0; k < keys->count; k++) w = put(w, batch, &batch->column[keys->key[k].column], row);
    return (size_t)(w - words);
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

static int is_address(const struct fl_key *key)
{
    return key->type == FLOWLOG_TYPE_ADDR || key->type == FLOWLOG_TYPE_NET;
}

static uint64_t packed_value(const struct fl_key *key, uint64_t word, uint64_t second)
{
    return (key->word ? second : word) >> key->shift & fl_low_bits(key->bits);
}

static void unpack(const struct fl_key *key, uint64_t v, flowlog_value *value)
{
    if (is_address(key)) set_ipv4(value, (uint32_t)v);
    else if (key->type == FLOWLOG_TYPE_ENUM) set_code(value, key->field, (uint32_t)v);
    else value->number = v;
}

size_t flowlog__keys_unpack(const struct fl_keys *keys, uint64_t word, uint64_t second, uint64_t *words)
{
    uint64_t *w = words;
    for (uint32_t k = 0; k < keys->count; k++) {
        const uint64_t v = packed_value(&keys->key[k], word, second);
        if (is_address(&keys->key[k])) *w++ = FL_TAG_IPV4 | v << FL_TAG_BITS;
        else w = put_number(w, v);
    }
    return (size_t)(w - words);
}

int flowlog__keys_repack(const struct fl_keys *keys, const uint64_t *words, uint64_t packed[2])
{
    packed[0] = packed[1] = 0;
    if (!keys->packed_words) return 0;
    for (uint32_t k = 0; k < keys->count; k++, words = fl_key_next(words)) {
        const struct fl_key *key = &keys->key[k];
        const uint64_t tag = *words & fl_low_bits(FL_TAG_BITS), v = *words >> FL_TAG_BITS;
        if (tag != (is_address(key) ? FL_TAG_IPV4 : FL_TAG_VALUE) || v > fl_low_bits(key->bits)) return 0;
        packed[key->word] |= v << key->shift;
    }
    return 1;
}

static void get(const struct fl_key *key, const uint64_t *w, flowlog_value *value)
{
    const uint64_t v = *w >> FL_TAG_BITS;
    switch (*w & fl_low_bits(FL_TAG_BITS)) {
    case FL_TAG_NULL: value->is_null = 1; break;
    case FL_TAG_LARGE: value->number = w[1]; break;
    case FL_TAG_TEXT: value->text = (flowlog_str){(const char *)(w + 1), (size_t)v}; break;
    case FL_TAG_IPV4: set_ipv4(value, (uint32_t)v); break;
    case FL_TAG_IPV6:
        value->addr.family = 6;
        memcpy(value->addr.bytes, w + 1, 16);
        break;
    default:
        if (key->type == FLOWLOG_TYPE_ENUM) set_code(value, key->field, (uint32_t)v);
        else value->number = v;
    }
}

void flowlog__keys_value(const struct fl_keys *keys, struct fl_key_ref ref, uint32_t k, flowlog_value *value)
{
    memset(value, 0, sizeof *value);
    const struct fl_key *key = &keys->key[k];
    value->type = key->type;
    if (ref.words) {
        const uint64_t *w = ref.words;
        for (uint32_t i = 0; i < k; i++) w = fl_key_next(w);
        get(key, w, value);
    } else {
        unpack(key, packed_value(key, ref.word, ref.second), value);
    }
    if (key->type == FLOWLOG_TYPE_NET && !value->is_null)
        value->code = value->addr.family == 4 ? key->prefix4 : key->prefix6;
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
    case FLOWLOG_TYPE_NET:
        if (a->addr.family != b->addr.family) return a->addr.family < b->addr.family ? -1 : 1;
        return memcmp(a->addr.bytes, b->addr.bytes, sizeof a->addr.bytes);
    case FLOWLOG_TYPE_ENUM:
    case FLOWLOG_TYPE_TEXT: return compare_bytes(a->text.ptr, a->text.len, b->text.ptr, b->text.len);
    case FLOWLOG_TYPE_TIME:
        return ((int64_t)a->number > (int64_t)b->number) - ((int64_t)a->number < (int64_t)b->number);
    default: return (a->number > b->number) - (a->number < b->number);
    }
}

int flowlog__keys_compare(const struct fl_keys *keys, struct fl_key_ref a, struct fl_key_ref b)
{
    int c = 0;
    for (uint32_t k = 0; !c && k < keys->count; k++) {
        flowlog_value x, y;
        flowlog__keys_value(keys, a, k, &x);
        flowlog__keys_value(keys, b, k, &y);
        c = flowlog__value_compare(&x, &y);
    }
    return c;
}
