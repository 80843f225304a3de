/* SPDX-License-Identifier: MIT */
/* derive.c - see derive.h.  Loops run over columns as they lie; nulls hold zeros and may be computed with. */
#include "plan/derive.h"

#include <string.h>

#include "core/alloc.h"
#include "core/bytes.h"
#include "core/calendar.h"
#include "schema/ports.h"
#include "schema/services.h"

enum { PROTOCOL_MAX = 255 /* the field has 8 bits */, PORT_MAX = 65535 };

void flowlog__derive_init(struct fl_derive *d, const flowlog_plan *plan, const flowlog_alloc *alloc)
{
    memset(d, 0, sizeof *d);
    d->alloc = *alloc;
    d->columns = plan->fields;
    for (uint32_t k = 0; k < plan->keys; k++)
        d->at[k] = plan->key[k].kind == FL_KEY_FIELD ? plan->key[k].field[0] : d->columns++;
}

void flowlog__derive_free(struct fl_derive *d) { flowlog__release(&d->alloc, d->memory, d->memory_len); }

static uint64_t round_up(uint64_t len) { return (len + 15) & ~UINT64_C(15); }

/* Bytes that a key's scratch takes for so many rows, at most 43 each; its pointers set when memory is given. */
static uint64_t lay_out(struct fl_scratch *s, const flowlog_plan *p, const struct fl_plan_key *key, uint64_t rows,
                        uint8_t *memory)
{
    const uint32_t type = p->field[key->field[0]].type;
    const int pair = key->kind == FL_KEY_LEAST || key->kind == FL_KEY_GREATEST;
    uint64_t len = 0;
    if (memory) s->values = memory;
    len += round_up(rows * sizeof(uint64_t));
    if (memory) s->validity = (uint64_t *)(void *)(memory + len);
    len += round_up((rows + 63) / 64 * sizeof(uint64_t));
    if (type == FLOWLOG_TYPE_ADDR) {
        if (memory) s->wide = (uint8_t (*)[16])(void *)(memory + len);
        len += rows * 16;
        if (memory) s->family = memory + len;
        len += round_up(rows);
    }
    if (pair && type == FLOWLOG_TYPE_TEXT) {
        if (memory) s->spans = (flowlog_span *)(void *)(memory + len);
        len += round_up(rows * sizeof(flowlog_span));
    }
    return len;
}

static flowlog_status reserve(struct fl_derive *d, const flowlog_plan *p, uint32_t rows)
{
    if (rows <= d->rows) return FLOWLOG_OK;
    uint64_t len = 0;
    for (uint32_t k = 0; k < p->keys; k++)
        if (d->at[k] >= p->fields) len += lay_out(&d->scratch[k], p, &p->key[k], rows, NULL);
    uint8_t *memory = len < SIZE_MAX ? flowlog__alloc(&d->alloc, (size_t)len) : NULL;
    if (!memory) return FLOWLOG_E_MEMORY;
    flowlog__release(&d->alloc, d->memory, d->memory_len);
    d->memory = memory;
    d->memory_len = (size_t)len;
    d->rows = rows;
    for (uint32_t k = 0; k < p->keys; k++)
        if (d->at[k] >= p->fields) memory += lay_out(&d->scratch[k], p, &p->key[k], rows, memory);
    return FLOWLOG_OK;
}

/* --- prefixes --------------------------------------------------------------------------------------------- */

static void cut_wide(uint8_t out[16], const uint8_t in[16], unsigned bits)
{
    for (unsigned i = 0; i < 16; i++) {
        const unsigned left = bits > 8 * i ? bits - 8 * i : 0;
        out[i] = (uint8_t)(left >= 8 ? in[i] : in[i] & (0xFF00u >> left));
    }
}

static void derive_prefix(const struct fl_plan_key *key, const flowlog_column *from, uint32_t rows,
                          struct fl_scratch *s, flowlog_column *to)
{
    const uint32_t *in = from->values;
    uint32_t *out = s->values;
    const uint32_t mask = key->bits[0] ? UINT32_MAX << (32 - key->bits[0]) : 0;
    uint8_t any = 0;
    for (uint32_t i = 0; i < rows; i++) {
        out[i] = in[i] & mask;
        any |= (uint8_t)(from->family[i] & 2); /* 6, and neither 4 nor 0 */
    }
    for (uint32_t i = 0; any && i < rows; i++)
        if (from->family[i] == 6) cut_wide(s->wide[i], from->wide[i], key->bits[1]);
    to->values = out;
    to->wide = (const uint8_t (*)[16])s->wide;
}

/* --- bins ------------------------------------------------------------------------------------------------- */

/* Times of neighbouring rows are mostly in one bin, and a division is slow: it is made once for each change. */
static void derive_bin(const struct fl_plan_key *key, const flowlog_column *from, uint32_t rows,
                       struct fl_scratch *s, flowlog_column *to)
{
    const int64_t *in = from->values, width = (int64_t)key->width;
    int64_t *out = s->values, begin = 0;
    for (uint32_t i = 0; i < rows; i++) {
        if (FL_UNLIKELY((uint64_t)in[i] - (uint64_t)begin >= key->width)) {
            const int64_t rest = in[i] % width;
            /* Rounded down below zero too, but for the last bin of all, which would begin before there are numbers. */
            begin = in[i] - rest;
            if (rest < 0) begin = begin < INT64_MIN + width ? INT64_MIN : begin - width;
        }
        out[i] = begin;
    }
    to->values = out;
}

/* --- parts of times --------------------------------------------------------------------------------------- */

static void derive_part(const struct fl_plan_key *key, const flowlog_column *from, uint32_t rows,
                        struct fl_scratch *s, flowlog_column *to)
{
    struct fl_part_cache cache = {.part = key->part};
    const int64_t *in = from->values;
    uint32_t *out = s->values;
    for (uint32_t i = 0; i < rows; i++) out[i] = fl_part_at(&cache, in[i]);
    to->values = out;
}

/* --- pairs ------------------------------------------------------------------------------------------------ */

/* Addresses as batch columns have them: negative, zero or positive; null before all. */
static int compare_addr(const flowlog_column *a, const flowlog_column *b, uint32_t i)
{
    if (a->family[i] != b->family[i]) return a->family[i] < b->family[i] ? -1 : 1;
    if (a->family[i] == 6) return memcmp(a->wide[i], b->wide[i], 16);
    const uint32_t x = ((const uint32_t *)a->values)[i], y = ((const uint32_t *)b->values)[i];
    return (x > y) - (x < y);
}

static int compare_text(const flowlog_batch *batch, flowlog_span a, flowlog_span b)
{
    const uint32_t len = a.len < b.len ? a.len : b.len;
    const int c = len ? memcmp(batch->text + a.offset, batch->text + b.offset, len) : 0;
    return c ? c : (a.len > b.len) - (a.len < b.len);
}

#define COMPARE_NUMBERS(type)                                                 \
    do {                                                                      \
        const type x_ = ((const type *)a->values)[i], y_ = ((const type *)b->values)[i]; \
        return (x_ > y_) - (x_ < y_);                                         \
    } while (0)

/* The order of results: null, then by value. */
static int compare(const flowlog_batch *batch, const flowlog_column *a, const flowlog_column *b, uint32_t i)
{
    const int has_a = a->present && fl_bit_get(a->validity, i), has_b = b->present && fl_bit_get(b->validity, i);
    if (!has_a || !has_b) return has_a - has_b;
    switch (a->type) {
    case FLOWLOG_TYPE_ADDR: return compare_addr(a, b, i);
    case FLOWLOG_TYPE_U32: COMPARE_NUMBERS(uint32_t);
    case FLOWLOG_TYPE_U64: COMPARE_NUMBERS(uint64_t);
    case FLOWLOG_TYPE_TIME: COMPARE_NUMBERS(int64_t);
    default: return compare_text(batch, a->spans[i], b->spans[i]);
    }
}

static void copy_cell(const flowlog_column *from, struct fl_scratch *s, uint32_t i)
{
    if (!from->present || !fl_bit_get(from->validity, i)) {
        if (s->family) s->family[i] = 0;
        if (s->spans) s->spans[i] = (flowlog_span){0, 0};
        else if (from->type == FLOWLOG_TYPE_U32 || from->type == FLOWLOG_TYPE_ADDR) ((uint32_t *)s->values)[i] = 0;
        else ((uint64_t *)s->values)[i] = 0;
        return;
    }
    s->validity[i / 64] |= UINT64_C(1) << i % 64;
    switch (from->type) {
    case FLOWLOG_TYPE_ADDR:
        s->family[i] = from->family[i];
        if (from->family[i] == 6) memcpy(s->wide[i], from->wide[i], 16); /* whose number is 0 */
        ((uint32_t *)s->values)[i] = ((const uint32_t *)from->values)[i];
        break;
    case FLOWLOG_TYPE_U32: ((uint32_t *)s->values)[i] = ((const uint32_t *)from->values)[i]; break;
    case FLOWLOG_TYPE_TEXT: s->spans[i] = from->spans[i]; break;
    default: ((uint64_t *)s->values)[i] = ((const uint64_t *)from->values)[i];
    }
}

/* Two columns without nulls of IPv4 addresses, the usual pair, in one loop. */
static int derive_ipv4_pair(const flowlog_column *a, const flowlog_column *b, uint32_t rows, int greatest,
                            uint32_t *out)
{
    const uint32_t *x = a->values, *y = b->values;
    uint8_t others = 0;
    for (uint32_t i = 0; i < rows; i++) {
        const uint32_t low = x[i] < y[i] ? x[i] : y[i], high = x[i] < y[i] ? y[i] : x[i];
        out[i] = greatest ? high : low;
        others |= (uint8_t)((a->family[i] ^ 4) | (b->family[i] ^ 4));
    }
    return !others;
}

static void derive_pair(const struct fl_plan_key *key, const flowlog_batch *batch, const flowlog_column *a,
                        const flowlog_column *b, struct fl_scratch *s, flowlog_column *to)
{
    const int greatest = key->kind == FL_KEY_GREATEST;
    const uint32_t rows = batch->rows;
    to->present = a->present || b->present;
    to->values = s->values;
    if (a->type == FLOWLOG_TYPE_ADDR && a->present && b->present
        && derive_ipv4_pair(a, b, rows, greatest, s->values)) return; /* validity and family are those of a */
    memset(s->validity, 0, ((size_t)rows + 63) / 64 * sizeof *s->validity);
    to->validity = s->validity;
    to->family = s->family;
    to->wide = (const uint8_t (*)[16])s->wide;
    to->spans = s->spans;
    for (uint32_t i = 0; i < rows; i++)
        copy_cell((compare(batch, a, b, i) > 0) == greatest ? a : b, s, i);
    to->null_count = 0;
    for (uint32_t i = 0; i < rows; i++) to->null_count += !fl_bit_get(s->validity, i);
}

/* --- services --------------------------------------------------------------------------------------------- */

/* How much a port looks like a server's: diagnosis says the same of both ends of a conversation. */
static int service_points(uint32_t protocol, uint32_t port)
{
    if ((port && port < 1024) || flowlog__service_name(protocol, port)) return 3;
    return port < 32768; /* what is above is handed out to clients */
}

static uint32_t server_port(uint32_t protocol, uint32_t src, uint32_t dst)
{
    const int s = service_points(protocol, src), d = service_points(protocol, dst);
    if (s != d) return s > d ? src : dst;
    return src < dst ? src : dst;
}

static uint32_t number_at(const flowlog_column *c, uint32_t i) { return ((const uint32_t *)c->values)[i]; }
static int is_valid(const flowlog_column *c, uint32_t i) { return c->present && fl_bit_get(c->validity, i); }

static void derive_service(const flowlog_column *src, const flowlog_column *dst, const flowlog_column *protocol,
                           uint32_t rows, struct fl_scratch *s, flowlog_column *to)
{
    uint32_t *out = s->values;
    uint32_t nulls = 0;
    memset(s->validity, 0, ((size_t)rows + 63) / 64 * sizeof *s->validity);
    for (uint32_t i = 0; i < rows; i++) {
        const uint32_t number = is_valid(protocol, i) ? number_at(protocol, i) : UINT32_MAX;
        int valid = number <= PROTOCOL_MAX;
        out[i] = valid ? number << 16 : 0;
        if (valid && fl_has_ports(number)) {
            valid = is_valid(src, i) && is_valid(dst, i) && number_at(src, i) <= PORT_MAX
                    && number_at(dst, i) <= PORT_MAX;
            out[i] = valid ? out[i] | server_port(number, number_at(src, i), number_at(dst, i)) : 0;
        }
        s->validity[i / 64] |= (uint64_t)valid << i % 64;
        nulls += !valid;
    }
    to->values = out;
    to->validity = s->validity;
    to->present = protocol->present;
    to->null_count = nulls;
}

/* --- a batch ---------------------------------------------------------------------------------------------- */

static void derive_key(struct fl_derive *d, const flowlog_plan *p, uint32_t k)
{
    const struct fl_plan_key *key = &p->key[k];
    const flowlog_column *from[3];
    flowlog_column *to = &d->column[d->at[k]];
    for (uint32_t i = 0; i < 3; i++) from[i] = &d->column[key->field[i]];
    *to = *from[0];
    to->name = key->name;
    switch (key->kind) {
    case FL_KEY_PREFIX:
        if (to->present) derive_prefix(key, from[0], d->batch.rows, &d->scratch[k], to);
        break;
    case FL_KEY_BIN:
        if (to->present) derive_bin(key, from[0], d->batch.rows, &d->scratch[k], to);
        break;
    case FL_KEY_PART:
        if (to->present) derive_part(key, from[0], d->batch.rows, &d->scratch[k], to);
        to->type = FLOWLOG_TYPE_U32;
        break;
    case FL_KEY_SERVICE: derive_service(from[0], from[1], from[2], d->batch.rows, &d->scratch[k], to); break;
    default: derive_pair(key, &d->batch, from[0], from[1], &d->scratch[k], to);
    }
}

flowlog_status flowlog__derive(struct fl_derive *d, const flowlog_plan *p, const flowlog_batch *batch,
                               const flowlog_batch **out)
{
    *out = batch;
    if (d->columns == p->fields) return FLOWLOG_OK;
    if (reserve(d, p, batch->rows) < 0) return FLOWLOG_E_MEMORY;
    d->batch = *batch;
    d->batch.columns = d->columns;
    d->batch.column = d->column;
    if (p->fields) memcpy(d->column, batch->column, p->fields * sizeof *d->column);
    for (uint32_t k = 0; k < p->keys; k++)
        if (d->at[k] >= p->fields) derive_key(d, p, k);
    *out = &d->batch;
    return FLOWLOG_OK;
}
