/* SPDX-License-Identifier: MIT */
/*
 * state_pick.c - first and last: the value in the row with the smallest or largest `start`; see state.h.
 *
 * Among rows of one start first takes the smallest value and last the largest: what is picked depends on the rows
 * alone.  Rows whose start is null do not take part.
 *
 *     word 0   what the value is (tags below), and for text the length of its block, as a power of two, << 8
 *     word 1   the start as a number of which the largest is wanted
 *     word 2   ADDR: the upper half; text: its block
 *     word 3   ADDR: the lower half; text: its length; else the number or code
 */
#include <string.h>

#include "agg/states.h"
#include "core/bytes.h"
#include "flowlog/plan.h"

enum { PICK_WORDS = 4, TAG_NONE = 0, TAG_NUMBER = 1, TAG_CODE = 2, TAG_TEXT = 3 /* and 4, 6: the family */ };
enum { BLOCK_BITS_MIN = 4 };

/* A value, and the start of its row. */
struct pick {
    uint64_t tag, order, word[2];
    const char *text; /* of TAG_TEXT; word[1] is its length */
};

static uint64_t flip_of(const struct fl_agg *agg)
{
    const uint64_t order = UINT64_C(1) << 63; /* negative ones first */
    return agg->kind == FLOWLOG_AGG_FIRST ? ~order : order;
}

static struct pick pick_of(const struct fl_pool *pool, const uint64_t *words)
{
    struct pick p = {words[0] & 0xFF, words[1], {words[2], words[3]}, NULL};
    if (p.tag == TAG_TEXT) p.text = fl_pool_at(pool, words[2]);
    return p;
}

/* --- comparison ------------------------------------------------------------------------------------------- */

static flowlog_str text_of(const struct fl_agg *agg, const struct pick *p)
{
    if (p->tag == TAG_TEXT) return (flowlog_str){p->text, (size_t)p->word[1]};
    const char *name = flowlog_enum_name(agg->field, (uint32_t)p->word[1]);
    return (flowlog_str){name, strlen(name)};
}

static int compare_texts(flowlog_str a, flowlog_str b)
{
    const size_t len = a.len < b.len ? a.len : b.len;
    const int c = len ? memcmp(a.ptr, b.ptr, len) : 0;
    return c ? c : (a.len > b.len) - (a.len < b.len);
}

/* As results are sorted: numbers by value, IPv4 before IPv6, text and tokens by bytes. */
static int compare_values(const struct fl_agg *agg, const struct pick *a, const struct pick *b)
{
    if (a->tag == TAG_TEXT || a->tag == TAG_CODE) {
        if (a->tag == TAG_CODE && b->tag == TAG_CODE && a->word[1] == b->word[1]) return 0;
        return compare_texts(text_of(agg, a), text_of(agg, b));
    }
    if (a->tag != b->tag) return a->tag < b->tag ? -1 : 1;
    if (a->word[0] != b->word[0]) return a->word[0] < b->word[0] ? -1 : 1;
    const uint64_t sign = agg->type == FLOWLOG_TYPE_TIME ? UINT64_C(1) << 63 : 0;
    const uint64_t x = a->word[1] ^ sign, y = b->word[1] ^ sign;
    return (x > y) - (x < y);
}

/* 1 if p comes before what the record has. */
static int is_better(const struct fl_agg *agg, const struct fl_pool *pool, const struct pick *p,
                     const uint64_t *words)
{
    if (!words[0]) return 1;
    if (p->order != words[1]) return p->order > words[1];
    const struct pick have = pick_of(pool, words);
    const int c = compare_values(agg, p, &have);
    return agg->kind == FLOWLOG_AGG_FIRST ? c < 0 : c > 0;
}

/* --- text in blocks --------------------------------------------------------------------------------------- */

static size_t block_len(const uint64_t *words) { return (size_t)1 << (words[0] >> 8); }

static unsigned block_bits(uint64_t len)
{
    return len <= (1u << BLOCK_BITS_MIN) ? BLOCK_BITS_MIN : 64 - fl_clz64(len - 1);
}

static void release_text(struct fl_pool *pool, const uint64_t *words)
{
    if ((words[0] & 0xFF) == TAG_TEXT) flowlog__pool_release(pool, words[2], block_len(words));
}

/* Put p into the record, in the block it has if that is large enough. */
static flowlog_status take(struct fl_pool *pool, uint64_t *words, const struct pick *p)
{
    uint64_t block = p->word[0], bits = 0;
    if (p->tag == TAG_TEXT) {
        bits = block_bits(p->word[1]);
        if ((words[0] & 0xFF) == TAG_TEXT && words[0] >> 8 >= bits) {
            block = words[2];
            bits = words[0] >> 8;
        } else {
            block = flowlog__pool_alloc(pool, (size_t)1 << bits);
            if (!block) return FLOWLOG_E_MEMORY;
            release_text(pool, words);
        }
        if (p->word[1]) memcpy(fl_pool_at(pool, block), p->text, (size_t)p->word[1]);
    } else {
        release_text(pool, words);
    }
    words[0] = p->tag | bits << 8;
    words[1] = p->order;
    words[2] = block;
    words[3] = p->word[1];
    return FLOWLOG_OK;
}

/* --- the operations --------------------------------------------------------------------------------------- */

/* The value of a row; 0: it is null. */
static int row_value(const struct fl_update *u, const flowlog_column *c, size_t row, struct pick *p)
{
    if (!fl_bit_get(c->validity, row)) return 0;
    p->tag = TAG_NUMBER;
    p->word[0] = 0;
    p->text = NULL;
    switch (c->type) {
    case FLOWLOG_TYPE_U32: p->word[1] = fl_number(c->values, 0, row); return 1;
    case FLOWLOG_TYPE_U64:
    case FLOWLOG_TYPE_TIME: p->word[1] = fl_number(c->values, 1, row); return 1;
    case FLOWLOG_TYPE_ADDR: {
        uint64_t words[3];
        const int some = fl_address(c, row, words);
        p->tag = words[0];
        p->word[0] = words[1];
        p->word[1] = words[2];
        return some;
    }
    case FLOWLOG_TYPE_ENUM:
        p->tag = TAG_CODE;
        p->word[1] = ((const uint8_t *)c->values)[row];
        if (p->word[1]) return 1;
        break;
    default: break;
    }
    p->tag = TAG_TEXT;
    p->text = u->batch->text + c->spans[row].offset;
    p->word[1] = c->spans[row].len;
    return 1;
}

static uint32_t pick_update(const struct fl_update *u, const struct fl_agg *agg, flowlog_status *status)
{
    const flowlog_column *c = fl_column(u, agg), *start = &u->batch->column[agg->order];
    if (!c->present || !start->present) return u->n;
    const uint64_t flip = flip_of(agg);
    for (uint32_t i = 0; i < u->n; i++) {
        const size_t row = fl_row(u, u->rows, i);
        uint64_t *words = u->state + u->at[i] + agg->word;
        struct pick p;
        p.order = fl_number(start->values, 1, row) ^ flip;
        if (!u->at[i] || (words[0] && p.order < words[1])) continue;
        if (!fl_bit_get(start->validity, row) || !row_value(u, c, row, &p)) continue;
        if (!is_better(agg, u->pool, &p, words)) continue;
        *status = take(u->pool, words, &p);
        if (FL_UNLIKELY(*status < 0)) return i;
    }
    return u->n;
}

static flowlog_status pick_merge(const struct fl_agg *agg, struct fl_pool *pool, uint64_t *words,
                                 const struct fl_pool *from_pool, const uint64_t *from)
{
    if (!from[0]) return FLOWLOG_OK;
    const struct pick p = pick_of(from_pool, from);
    return is_better(agg, pool, &p, words) ? take(pool, words, &p) : FLOWLOG_OK;
}

static int pick_finish(const struct fl_agg *agg, const struct fl_pool *pool, const uint64_t *words,
                       flowlog_value *value)
{
    memset(value, 0, sizeof *value);
    value->type = agg->type;
    value->is_null = !words[0];
    if (value->is_null) return 0;
    const struct pick p = pick_of(pool, words);
    switch (p.tag) {
    case TAG_NUMBER: value->number = p.word[1]; break;
    case TAG_CODE: value->code = (uint16_t)p.word[1]; /* and its token */ /* fall through */
    case TAG_TEXT: value->text = text_of(agg, &p); break;
    default: fl_address_value((const uint64_t[]){p.tag, p.word[0], p.word[1]}, &value->addr); break;
    }
    return 0;
}

static void pick_save(const struct fl_agg *agg, const struct fl_pool *pool, const uint64_t *words,
                      struct fl_bytes *out)
{
    const struct pick p = pick_of(pool, words);
    if (p.tag >= 4) {
        flowlog__address_save((const uint64_t[]){p.tag, p.word[0], p.word[1]}, out);
    } else {
        flowlog__bytes_put_u8(out, (uint8_t)p.tag);
        if (!p.tag) return;
        flowlog__bytes_put_varint(out, p.word[1]);
        if (p.tag == TAG_TEXT) flowlog__bytes_put(out, p.text, (size_t)p.word[1]);
    }
    flowlog__bytes_put_u64(out, p.order ^ flip_of(agg));
}

/* What a value of each type may be. */
static int is_possible(const struct fl_agg *agg, const struct pick *p)
{
    switch (p->tag) {
    case TAG_NUMBER:
        return agg->type != FLOWLOG_TYPE_TEXT && agg->type != FLOWLOG_TYPE_ENUM && agg->type != FLOWLOG_TYPE_ADDR
               && fl_number_fits(agg->type, p->word[1]);
    case TAG_CODE:
        return agg->type == FLOWLOG_TYPE_ENUM && p->word[1] <= UINT16_MAX
               && flowlog_enum_name(agg->field, (uint32_t)p->word[1]);
    case TAG_TEXT:
        return agg->type == FLOWLOG_TYPE_TEXT
               || (agg->type == FLOWLOG_TYPE_ENUM
                   && !flowlog_enum_code(agg->field, p->text, (size_t)p->word[1]));
    default: return agg->type == FLOWLOG_TYPE_ADDR;
    }
}

static flowlog_status pick_load(const struct fl_agg *agg, struct fl_pool *pool, uint64_t *words,
                                struct fl_cursor *in)
{
    struct pick p = {.tag = flowlog__cursor_u8(in)};
    if (in->failed) return FLOWLOG_E_CORRUPT;
    if (!p.tag) return FLOWLOG_OK;
    if (p.tag >= 4) {
        uint64_t address[3];
        FL_TRY(flowlog__address_load((uint8_t)p.tag, in, address));
        p.word[0] = address[1];
        p.word[1] = address[2];
    } else {
        p.word[1] = flowlog__cursor_varint(in);
        if (p.tag == TAG_TEXT) {
            if (p.word[1] > UINT32_MAX) return FLOWLOG_E_CORRUPT;
            p.text = (const char *)flowlog__cursor_take(in, (size_t)p.word[1]);
        }
    }
    p.order = flowlog__cursor_u64(in) ^ flip_of(agg);
    if (in->failed || !is_possible(agg, &p)) return FLOWLOG_E_CORRUPT;
    return take(pool, words, &p);
}

static void pick_clear(const struct fl_agg *agg, struct fl_pool *pool, uint64_t *words)
{
    (void)agg;
    release_text(pool, words);
    memset(words, 0, PICK_WORDS * sizeof *words);
}

const struct fl_agg_op flowlog__agg_pick = {
    .words = PICK_WORDS, .heavy = 1, .update = pick_update, .merge = pick_merge, .finish = pick_finish,
    .save = pick_save, .load = pick_load, .clear = pick_clear};
