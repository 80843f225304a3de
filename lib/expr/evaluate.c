/* SPDX-License-Identifier: MIT */
/* evaluate.c - see evaluate.h: the comparisons of one node with a column. */
#include "expr/evaluate.h"

#include <string.h>

#include "core/bytes.h"
#include "core/calendar.h"
#include "expr/print.h"

/* --- 64 rows without a branch: 0 or 1 each, then packed ------------------------------------------------------ */

/* Byte i, which is 0 or 1, becomes bit i. */
static uint64_t pack_flags(const uint8_t flag[64])
{
    uint64_t bits = 0;
    for (unsigned i = 0; i < 8; i++)
        bits |= (fl_load64(flag + 8 * i) * UINT64_C(0x0102040810204080) >> 56) << (8 * i);
    return bits;
}

static uint64_t range32(const uint32_t *v, size_t rows, uint32_t from, uint32_t span)
{
    uint8_t flag[64];
    if (rows < 64) memset(flag, 0, sizeof flag);
    if (rows < 64)
        for (size_t i = 0; i < rows; i++) flag[i] = v[i] - from <= span;
    else
        for (size_t i = 0; i < 64; i++) flag[i] = v[i] - from <= span;
    return pack_flags(flag);
}

static uint64_t range64(const uint64_t *v, size_t rows, uint64_t from, uint64_t span)
{
    uint8_t flag[64];
    if (rows < 64) memset(flag, 0, sizeof flag);
    if (rows < 64)
        for (size_t i = 0; i < rows; i++) flag[i] = v[i] - from <= span;
    else
        for (size_t i = 0; i < 64; i++) flag[i] = v[i] - from <= span;
    return pack_flags(flag);
}

static uint64_t equal8(const uint8_t *v, size_t rows, uint8_t value)
{
    uint8_t flag[64];
    if (rows < 64) memset(flag, 0, sizeof flag);
    if (rows < 64)
        for (size_t i = 0; i < rows; i++) flag[i] = v[i] == value;
    else
        for (size_t i = 0; i < 64; i++) flag[i] = v[i] == value;
    return pack_flags(flag);
}

static uint64_t bits32(const uint32_t *v, size_t rows, uint32_t mask, uint32_t value)
{
    uint8_t flag[64];
    memset(flag, 0, sizeof flag);
    for (size_t i = 0; i < rows; i++) flag[i] = (v[i] & mask) == value;
    return pack_flags(flag);
}

/* --- sorted ranges --------------------------------------------------------------------------------------------- */

/*
 * at[i]: how many of the rising p[0], p[step], p[2 * step] ... are at or before key[i].  All searches go in step and
 * without a branch, so that the loads of one do not wait for those of another.
 */
enum { LANES = 8 };
static void search_begins(const uint64_t *p, size_t count, size_t step, const uint64_t key[LANES], size_t at[LANES])
{
    for (size_t i = 0; i < LANES; i++) at[i] = 0;
    for (size_t left = count; left;) {
        const size_t half = (left + 1) / 2;
        for (size_t i = 0; i < LANES; i++) at[i] += half & (0 - (size_t)(p[step * (at[i] + half - 1)] <= key[i]));
        left -= half;
    }
}

/* The next LANES rows of `open`, which are taken off; how many there are.  The others are filled up with the first. */
static size_t next_rows(uint64_t *open, unsigned row[LANES])
{
    size_t n = 0;
    for (; *open && n < LANES; *open &= *open - 1) row[n++] = fl_ctz64(*open);
    for (size_t i = n; i < LANES; i++) row[i] = row[0];
    return n;
}

/* --- numbers ------------------------------------------------------------------------------------------------- */

/* Pairs [from, to] that a comparison is true for; NE is the opposite of EQ and not asked for.  Times flipped. */
static void pair_of(const struct fl_node *n, uint64_t pair[2])
{
    pair[0] = 0;
    pair[1] = UINT64_MAX;
    switch (n->op) {
    case FL_OP_LT:
        pair[1] = n->number - 1;
        break; /* LT 0 and GT of the largest number are no nodes, but for times */
    case FL_OP_LE: pair[1] = n->number; break;
    case FL_OP_GT: pair[0] = n->number + 1; break;
    case FL_OP_GE: pair[0] = n->number; break;
    default: pair[0] = pair[1] = n->number;
    }
}

/* 1 if x is in one of the pairs, which rise. */
static int in_pairs(const uint64_t *p, size_t pairs, uint64_t x)
{
    size_t at = 0; /* pairs that begin at or before x */
    for (size_t left = pairs; left;) {
        const size_t half = (left + 1) / 2;
        at += p[2 * (at + half - 1)] <= x ? half : 0;
        left -= half;
    }
    return at > 0 && x <= p[2 * at - 1];
}

enum { FEW = 4, PORTS = 65536 };

static uint64_t number_at(const flowlog_column *c, size_t row)
{
    if (c->type == FLOWLOG_TYPE_U32) return ((const uint32_t *)c->values)[row];
    const uint64_t v = ((const uint64_t *)c->values)[row];
    return c->type == FLOWLOG_TYPE_TIME ? v ^ UINT64_C(1) << 63 : v;
}

static uint64_t few_pairs(const flowlog_column *c, const uint64_t *p, size_t pairs, size_t row,
                          size_t rows)
{
    uint64_t bits = 0;
    for (size_t i = 0; i < pairs; i++) {
        const uint64_t from = p[2 * i], span = p[2 * i + 1] - from;
        if (c->type == FLOWLOG_TYPE_U32) {
            if (from > UINT32_MAX) continue;
            const uint64_t most = UINT32_MAX - from;
            bits |= range32((const uint32_t *)c->values + row, rows, (uint32_t)from,
                            (uint32_t)(span < most ? span : most));
        } else {
            /* flipping the sign bit of a time is adding 2^63, and differences do not change */
            const uint64_t flip = c->type == FLOWLOG_TYPE_TIME ? UINT64_C(1) << 63 : 0;
            bits |= range64((const uint64_t *)c->values + row, rows, from ^ flip, span);
        }
    }
    return bits;
}

/* Rows of a word whose numbers are in one of many pairs. */
static uint64_t searched_pairs(const flowlog_column *c, const uint64_t *p, size_t pairs, size_t first, uint64_t open)
{
    uint64_t key[LANES], bits = 0;
    unsigned row[LANES];
    size_t at[LANES];
    for (size_t n; (n = next_rows(&open, row)) > 0;) {
        for (size_t i = 0; i < LANES; i++) key[i] = number_at(c, first + row[i]);
        search_begins(p, pairs, 2, key, at);
        for (size_t i = 0; i < n; i++) bits |= (uint64_t)(at[i] > 0 && key[i] <= p[2 * at[i] - 1]) << row[i];
    }
    return bits;
}

static void many_pairs(const flowlog_column *c, const uint64_t *p, size_t pairs, size_t from,
                       size_t words, const uint64_t *open, uint64_t *out)
{
    uint64_t bitmap[PORTS / 64];
    const int small = c->type == FLOWLOG_TYPE_U32 && p[2 * pairs - 1] < PORTS;
    if (small) {
        memset(bitmap, 0, sizeof bitmap);
        for (size_t i = 0; i < pairs; i++)
            for (uint64_t v = p[2 * i]; v <= p[2 * i + 1]; v++) fl_bit_set(bitmap, (size_t)v);
    }
    for (size_t w = 0; w < words; w++) {
        out[w] = small ? 0 : searched_pairs(c, p, pairs, (from + w) * 64, open[w]);
        for (uint64_t left = small ? open[w] : 0; left; left &= left - 1) {
            const unsigned i = fl_ctz64(left);
            const uint64_t x = number_at(c, (from + w) * 64 + i);
            out[w] |= (uint64_t)(x < PORTS && fl_bit_get(bitmap, (size_t)x)) << i;
        }
    }
}

static size_t rows_at(const struct fl_evaluation *e, size_t word)
{
    const size_t left = e->batch->rows - word * 64;
    return left < 64 ? left : 64;
}

static void numbers(const struct fl_evaluation *e, const struct fl_node *n, const flowlog_column *c,
                    size_t from, size_t words, const uint64_t *open, uint64_t *out)
{
    uint64_t pair[2];
    const uint64_t *p = n->op == FL_OP_IN ? e->tree->word + n->at : pair;
    const size_t pairs = n->op == FL_OP_IN ? n->count / 2 : 1;
    pair_of(n, pair);
    if (pairs > FEW) {
        many_pairs(c, p, pairs, from, words, open, out);
        return;
    }
    /* the first or the last time there is, beyond which nothing is */
    const int none =
        (n->op == FL_OP_LT && n->number == 0) || (n->op == FL_OP_GT && n->number == UINT64_MAX);
    for (size_t w = 0; w < words; w++)
        out[w] = open[w] && !none ? few_pairs(c, p, pairs, (from + w) * 64, rows_at(e, from + w)) : 0;
}

/* --- addresses ----------------------------------------------------------------------------------------------- */

/* Rows of a word whose addresses are in one of many ranges, which are from << 32 | to. */
static uint64_t searched_v4(const uint32_t *v, const uint64_t *ranges, size_t count, uint64_t open)
{
    uint64_t key[LANES], bits = 0;
    unsigned row[LANES];
    size_t at[LANES];
    for (size_t n; (n = next_rows(&open, row)) > 0;) {
        for (size_t i = 0; i < LANES; i++) key[i] = (uint64_t)v[row[i]] << 32 | UINT32_MAX;
        search_begins(ranges, count, 1, key, at);
        for (size_t i = 0; i < n; i++)
            bits |= (uint64_t)(at[i] > 0 && v[row[i]] <= (uint32_t)ranges[at[i] - 1]) << row[i];
    }
    return bits;
}

static uint64_t load_big(const uint8_t *p)
{
    uint64_t v = 0;
    for (int i = 0; i < 8; i++) v = v << 8 | p[i];
    return v;
}

static int at_most(const uint64_t a[2], uint64_t high, uint64_t low)
{
    return a[0] < high || (a[0] == high && a[1] <= low);
}

static int in_v6(const uint64_t *ranges, size_t count, const uint8_t wide[16])
{
    const uint64_t high = load_big(wide), low = load_big(wide + 8);
    size_t at = 0;
    for (size_t left = count; left;) {
        const size_t half = (left + 1) / 2;
        at += at_most(ranges + 4 * (at + half - 1), high, low) ? half : 0;
        left -= half;
    }
    if (!at) return 0;
    const uint64_t *to = ranges + 4 * (at - 1) + 2;
    return high < to[0] || (high == to[0] && low <= to[1]);
}

static uint64_t v4_word(const flowlog_column *c, const uint64_t *ranges, size_t count, size_t row,
                        size_t rows, uint64_t open)
{
    const uint32_t *v = (const uint32_t *)c->values + row;
    uint64_t bits = 0;
    if (count <= FEW) {
        for (size_t i = 0; i < count; i++) {
            const uint32_t from = (uint32_t)(ranges[i] >> 32), to = (uint32_t)ranges[i];
            bits |= range32(v, rows, from, to - from);
        }
    } else {
        bits = searched_v4(v, ranges, count, open);
    }
    /* 0 also stands where there is no IPv4 address */
    if (count && ranges[0] >> 32 == 0 && bits) bits &= equal8(c->family + row, rows, 4);
    return bits;
}

static void addresses(const struct fl_evaluation *e, const struct fl_node *n, const flowlog_column *c,
                      size_t from, size_t words, const uint64_t *open, uint64_t *out)
{
    const uint64_t *set = e->tree->word + n->at;
    const size_t n4 = flowlog__set_v4(set), n6 = flowlog__set_v6(set);
    for (size_t w = 0; w < words; w++) {
        const size_t row = (from + w) * 64, rows = rows_at(e, from + w);
        uint64_t bits = 0;
        if (open[w] && n4) bits = v4_word(c, set + 1, n4, row, rows, open[w]);
        if (open[w] && n6)
            for (uint64_t left = open[w] & equal8(c->family + row, rows, 6); left; left &= left - 1) {
                const unsigned i = fl_ctz64(left);
                bits |= (uint64_t)in_v6(set + 1 + n4, n6, c->wide[row + i]) << i;
            }
        out[w] = bits;
    }
}

/* --- text ---------------------------------------------------------------------------------------------------- */

/* Codes of which one matches are compared 64 at a time. */
static uint64_t code_word(const uint8_t *v, size_t rows, uint64_t codes)
{
    uint64_t bits = 0;
    if (!(codes & (codes - 1))) return equal8(v, rows, (uint8_t)fl_ctz64(codes));
    for (size_t i = 0; i < rows; i++) bits |= (codes >> (v[i] & 63) & 1) << i;
    return bits;
}

static int span_matches(const struct fl_evaluation *e, const struct fl_node *n, flowlog_span span)
{
    return flowlog__text_matches(e->tree, n, e->batch->text + span.offset, span.len);
}

static void tokens(const struct fl_evaluation *e, const struct fl_node *n, const flowlog_column *c,
                   size_t from, size_t words, const uint64_t *open, uint64_t *out)
{
    const uint64_t codes = n->number & ~UINT64_C(1);
    for (size_t w = 0; w < words; w++) {
        const size_t row = (from + w) * 64, rows = rows_at(e, from + w);
        const uint8_t *v = (const uint8_t *)c->values + row;
        out[w] = open[w] && codes ? code_word(v, rows, codes) : 0;
        if (!open[w] || !(n->number & 1)) continue;
        for (uint64_t left = open[w] & c->validity[from + w] & equal8(v, rows, 0); left;
             left &= left - 1) {
            const unsigned i = fl_ctz64(left);
            out[w] |= (uint64_t)span_matches(e, n, c->spans[row + i]) << i;
        }
    }
}

/* A value as text, where text is looked for in numbers and addresses. */
static size_t format_value(const flowlog_column *c, size_t row, char text[FLOWLOG_ADDR_TEXT_MAX])
{
    if (c->type == FLOWLOG_TYPE_ADDR) {
        flowlog_addr a = {{0}, c->family[row]};
        const uint32_t v4 = ((const uint32_t *)c->values)[row];
        for (int k = 0; k < 4; k++) a.bytes[k] = (uint8_t)(v4 >> (24 - 8 * k));
        if (a.family == 6) memcpy(a.bytes, c->wide[row], 16);
        return flowlog_addr_format(&a, text);
    }
    struct fl_sink s = {text, FLOWLOG_ADDR_TEXT_MAX, 0};
    uint64_t v = c->type == FLOWLOG_TYPE_U32 ? ((const uint32_t *)c->values)[row]
                                             : ((const uint64_t *)c->values)[row];
    if (c->type == FLOWLOG_TYPE_TIME && v >> 63) {
        flowlog__sink_text(&s, "-");
        v = 0 - v;
    }
    flowlog__sink_number(&s, v);
    return s.len;
}

/* Rows of a word that have this very text. */
static uint64_t equal_texts(const struct fl_evaluation *e, const flowlog_span *spans, flowlog_str text, uint64_t open)
{
    uint64_t bits = 0;
    for (; open; open &= open - 1) {
        const unsigned i = fl_ctz64(open);
        const flowlog_span span = spans[i];
        if (span.len != text.len || (text.len && memcmp(e->batch->text + span.offset, text.ptr, text.len))) continue;
        bits |= UINT64_C(1) << i;
    }
    return bits;
}

static void texts(const struct fl_evaluation *e, const struct fl_node *n, const flowlog_column *c,
                  size_t from, size_t words, const uint64_t *open, uint64_t *out)
{
    char text[FLOWLOG_ADDR_TEXT_MAX];
    const int equal = c->type == FLOWLOG_TYPE_TEXT && n->op == FL_OP_EQ;
    for (size_t w = 0; w < words; w++) {
        uint64_t bits = 0, left = open[w] & c->validity[from + w];
        if (equal) {
            out[w] = equal_texts(e, c->spans + (from + w) * 64, flowlog__node_text(e->tree, n, 0), left);
            continue;
        }
        for (; left; left &= left - 1) {
            const unsigned i = fl_ctz64(left);
            const size_t row = (from + w) * 64 + i;
            const int hit = c->type == FLOWLOG_TYPE_TEXT
                                ? span_matches(e, n, c->spans[row])
                                : flowlog__text_matches(e->tree, n, text, format_value(c, row, text));
            bits |= (uint64_t)hit << i;
        }
        out[w] = bits;
    }
}

/* --- parts of times ------------------------------------------------------------------------------------------ */

static void parts(const struct fl_evaluation *e, const struct fl_node *n, const flowlog_column *c,
                  size_t from, size_t words, const uint64_t *open, uint64_t *out)
{
    struct fl_part_cache cache = {.part = (uint32_t)n->mask};
    uint64_t pair[2];
    const uint64_t *p = n->op == FL_OP_IN ? e->tree->word + n->at : pair;
    const size_t pairs = n->op == FL_OP_IN ? n->count / 2 : 1;
    const int64_t *v = c->values;
    uint32_t last = UINT32_MAX; /* no part is that */
    uint64_t hit = 0;
    pair_of(n, pair);
    for (size_t w = 0; w < words; w++) {
        out[w] = 0;
        for (uint64_t left = open[w] & c->validity[from + w]; left; left &= left - 1) {
            const unsigned i = fl_ctz64(left);
            const uint32_t value = fl_part_at(&cache, v[(from + w) * 64 + i]);
            if (value != last) hit = (uint64_t)in_pairs(p, pairs, value);
            last = value;
            out[w] |= hit << i;
        }
    }
}

/* --- derived forms ------------------------------------------------------------------------------------------- */

struct wide {
    uint64_t high, low;
};

static struct wide product(uint64_t a, uint64_t b)
{
    const uint64_t a0 = (uint32_t)a, a1 = a >> 32, b0 = (uint32_t)b, b1 = b >> 32;
    const uint64_t low = a0 * b0, m1 = a1 * b0 + (low >> 32), m2 = a0 * b1 + (uint32_t)m1;
    return (struct wide){a1 * b1 + (m1 >> 32) + (m2 >> 32), m2 << 32 | (uint32_t)low};
}

static int compare_wide(struct wide a, struct wide b)
{
    if (a.high != b.high) return a.high < b.high ? -1 : 1;
    return (a.low > b.low) - (a.low < b.low);
}

static int holds(unsigned op, int order)
{
    switch (op) {
    case FL_OP_EQ: return order == 0;
    case FL_OP_NE: return order != 0;
    case FL_OP_LT: return order < 0;
    case FL_OP_LE: return order <= 0;
    case FL_OP_GT: return order > 0;
    default: return order >= 0;
    }
}

/* No quotient with a divisor of zero, nor with a time that runs backwards. */
static int derived_row(const struct fl_evaluation *e, const struct fl_node *n, size_t row)
{
    uint64_t lasting = 0;
    int negative = 0;
    if (n->form != FL_FORM_BPP) {
        const int64_t start = ((const int64_t *)e->start->values)[row],
                      end = ((const int64_t *)e->end->values)[row];
        negative = end < start;
        lasting = (uint64_t)end - (uint64_t)start;
    }
    if (n->form == FL_FORM_DURATION)
        return holds(n->op, negative ? -1 : (lasting > n->number) - (lasting < n->number));
    const uint64_t bytes = ((const uint64_t *)e->bytes->values)[row];
    const uint64_t divisor =
        n->form == FL_FORM_BPP ? ((const uint64_t *)e->packets->values)[row] : lasting;
    if (!divisor || negative) return 0;
    const struct wide left =
        n->form == FL_FORM_BPP ? (struct wide){0, bytes} : (struct wide){bytes >> 61, bytes << 3};
    return holds(n->op, compare_wide(left, product(divisor, n->number)));
}

static void derived(const struct fl_evaluation *e, const struct fl_node *n, size_t from, size_t words,
                    const uint64_t *open, uint64_t *out)
{
    const flowlog_column *a = n->form == FL_FORM_DURATION ? e->start : e->bytes;
    const flowlog_column *b = n->form == FL_FORM_BPP ? e->packets : e->end,
                         *c = n->form == FL_FORM_BPP ? b : e->start;
    const int all = a && b && c;
    for (size_t w = 0; w < words; w++) {
        out[w] = 0;
        if (!all) continue;
        const uint64_t valid = a->validity[from + w] & b->validity[from + w] & c->validity[from + w];
        for (uint64_t left = open[w] & valid; left; left &= left - 1) {
            const unsigned i = fl_ctz64(left);
            out[w] |= (uint64_t)derived_row(e, n, (from + w) * 64 + i) << i;
        }
    }
}

/* --- one node ------------------------------------------------------------------------------------------------ */

static void flags(const struct fl_evaluation *e, const struct fl_node *n, const flowlog_column *c,
                  size_t from, size_t words, const uint64_t *open, uint64_t *out)
{
    for (size_t w = 0; w < words; w++)
        out[w] = open[w] ? bits32((const uint32_t *)c->values + (from + w) * 64, rows_at(e, from + w),
                                  (uint32_t)n->mask, (uint32_t)n->number)
                         : 0;
}

void flowlog__filter_leaf(const struct fl_evaluation *e, const struct fl_node *n, size_t from,
                          size_t words, const uint64_t *open, uint64_t *out)
{
    if (n->form >= FL_FORM_DURATION) {
        derived(e, n, from, words, open, out);
        return;
    }
    const flowlog_column *c = e->column[n->field];
    if (!c || n->op == FL_OP_IS_NULL) {
        for (size_t w = 0; w < words; w++)
            out[w] = n->op == FL_OP_IS_NULL ? open[w] & ~(c ? c->validity[from + w] : 0) : 0;
        return;
    }
    if (n->form == FL_FORM_BITS)
        flags(e, n, c, from, words, open, out);
    else if (n->form == FL_FORM_PART)
        parts(e, n, c, from, words, open, out);
    else if (n->type == FLOWLOG_TYPE_ENUM)
        tokens(e, n, c, from, words, open, out);
    else if (n->items)
        texts(e, n, c, from, words, open, out);
    else if (n->type == FLOWLOG_TYPE_ADDR)
        addresses(e, n, c, from, words, open, out);
    else
        numbers(e, n, c, from, words, open, out);
    /* NE of tokens and text has been compared already; of numbers and addresses it is what does not equal */
    const uint64_t flip = n->op == FL_OP_NE && !n->items ? ~UINT64_C(0) : 0;
    for (size_t w = 0; w < words; w++) out[w] = (out[w] ^ flip) & open[w] & c->validity[from + w];
}
