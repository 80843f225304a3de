/* SPDX-License-Identifier: MIT */
/*
 * partial.c - runs as bytes: the question, and what was collected for it.
 *
 *     8 bytes    "FLOWPART"
 *     u32        version, 1
 *     u64        bytes of what follows but the checksum
 *     plan       see put_plan
 *     span       first start, last end: for rates
 *     groups     agg/save.c
 *     u32        CRC-32 of all before it
 *
 * A plan is written as the parts of its builder's steps, in an order that follows from what it asks alone; so equal
 * questions are equal bytes, and a loader has nothing but the builder to trust.  It builds the plan and writes it
 * again: bytes that differ from what it would write are no partial.
 *
 * Operands of expressions are written k(0) of keys, a(0) of aggregates, share(0) and rate(0) of aggregates, o(0) of
 * columns, which no name of a user can be taken for.
 */
#include <stdio.h>
#include <string.h>

#include "codec/crc32.h"
#include "core/alloc.h"
#include "core/bytes.h"
#include "core/calendar.h"
#include "core/error.h"
#include "plan/run.h"
#include "plan/words.h"

static const char magic[8] = {'F', 'L', 'O', 'W', 'P', 'A', 'R', 'T'};
enum { VERSION = 1, HEAD = 8 + 4 + 8, TAIL = 4 };

enum { FLAG_KEEP_NULL = 1, FLAG_APPROXIMATE = 2 };
enum { SPAN_START = 1, SPAN_END = 2 };

/* --- writing a plan --------------------------------------------------------------------------------------- */

static void put_text(struct fl_bytes *b, const char *text, size_t len)
{
    flowlog__bytes_put_varint(b, len);
    if (len) flowlog__bytes_put(b, text, len);
}

struct names {
    const flowlog_plan *plan;
    char text[24];
};

static const char *operand_name(void *ctx, uint32_t operand)
{
    struct names *n = ctx;
    if (operand >= FL_OPERAND_OUT) {
        snprintf(n->text, sizeof n->text, "o(%u)", (unsigned)(operand - FL_OPERAND_OUT));
    } else if (operand >= FL_OPERAND_RATIO) {
        const struct fl_plan_ratio *ratio = &n->plan->ratio[operand - FL_OPERAND_RATIO];
        snprintf(n->text, sizeof n->text, "%s(%u)", ratio->is_rate ? "rate" : "share", (unsigned)ratio->agg);
    } else if (operand >= FL_OPERAND_AGG) {
        snprintf(n->text, sizeof n->text, "a(%u)", (unsigned)(operand - FL_OPERAND_AGG));
    } else {
        snprintf(n->text, sizeof n->text, "k(%u)", (unsigned)operand);
    }
    return n->text;
}

/* A filter or an expression as text: what both have in common is that they print like snprintf. */
static size_t print(const flowlog_plan *plan, const flowlog_filter *filter, const struct fl_output *output, char *text,
                    size_t cap)
{
    struct names n = {plan, ""};
    if (filter) return flowlog__filter_text(filter, text, cap);
    return flowlog__output_text(output, operand_name, &n, text, cap);
}

static void put_printed(struct fl_bytes *b, const flowlog_plan *plan, const flowlog_filter *filter,
                        const struct fl_output *output)
{
    const size_t len = print(plan, filter, output, NULL, 0);
    char *text = flowlog__alloc(&b->alloc, len + 1);
    if (!text) {
        b->failed = 1;
        return;
    }
    print(plan, filter, output, text, len + 1);
    put_text(b, text, len);
    flowlog__release(&b->alloc, text, len + 1);
}

static void put_filter(struct fl_bytes *b, const flowlog_plan *plan, const flowlog_filter *filter)
{
    if (filter) put_printed(b, plan, filter, NULL);
    else put_text(b, "", 0);
}

static void put_expr(struct fl_bytes *b, const flowlog_plan *plan, const struct fl_plan_expr *e)
{
    struct names n = {plan, ""};
    if (e->output) put_printed(b, plan, NULL, e->output);
    else put_text(b, operand_name(&n, e->operand), strlen(operand_name(&n, e->operand)));
}

static void put_field(struct fl_bytes *b, const flowlog_plan *plan, uint32_t index)
{
    const char *name = index == FL_NONE ? "" : plan->field[index].name;
    put_text(b, name, strlen(name));
}

static void put_key(struct fl_bytes *b, const flowlog_plan *plan, const struct fl_plan_key *key)
{
    flowlog__bytes_put_u8(b, key->kind);
    if (key->kind == FL_KEY_SERVICE) return;
    put_field(b, plan, key->field[0]);
    if (key->kind == FL_KEY_LEAST) put_field(b, plan, key->field[1]);
    if (key->kind == FL_KEY_BIN) flowlog__bytes_put_varint(b, key->width);
    if (key->kind == FL_KEY_PART) flowlog__bytes_put_u8(b, key->part);
    if (key->kind == FL_KEY_PREFIX) flowlog__bytes_put(b, key->bits, sizeof key->bits);
}

/*
 * The condition on rows; keys, of which a pair is one; aggregates: kind, field, percent, condition; columns: name and
 * expression; conditions on groups; order: column, which of the two kinds it is, and direction; limits; flags.
 * Each list begins with its length.
 */
static void put_plan(struct fl_bytes *b, const flowlog_plan *p)
{
    put_filter(b, p, p->filter);
    uint32_t keys = 0;
    for (uint32_t k = 0; k < p->keys; k++) keys += p->key[k].kind != FL_KEY_GREATEST;
    flowlog__bytes_put_varint(b, keys);
    for (uint32_t k = 0; k < p->keys; k++)
        if (p->key[k].kind != FL_KEY_GREATEST) put_key(b, p, &p->key[k]);
    flowlog__bytes_put_varint(b, p->aggs);
    for (uint32_t a = 0; a < p->aggs; a++) {
        const struct fl_plan_agg *agg = &p->agg[a];
        flowlog__bytes_put_u8(b, (uint8_t)agg->kind);
        put_field(b, p, agg->field);
        flowlog__bytes_put_varint(b, agg->quantile);
        put_filter(b, p, agg->where == FL_NONE ? NULL : p->where[agg->where].filter);
    }
    flowlog__bytes_put_varint(b, p->outs);
    for (uint32_t o = 0; o < p->outs; o++) {
        put_text(b, p->out[o].name, strlen(p->out[o].name));
        put_expr(b, p, &p->out[o].expr);
    }
    flowlog__bytes_put_varint(b, p->havings);
    for (uint32_t h = 0; h < p->havings; h++) put_expr(b, p, &p->having[h]);
    flowlog__bytes_put_varint(b, p->sorts);
    for (uint32_t i = 0; i < p->sorts; i++) {
        flowlog__bytes_put_varint(b, p->sort[i].index);
        flowlog__bytes_put_u8(b, (uint8_t)(p->sort[i].is_key * 2 + p->sort[i].descending));
    }
    flowlog__bytes_put_varint(b, p->limit);
    flowlog__bytes_put_varint(b, p->limit_per);
    flowlog__bytes_put_varint(b, p->per_keys);
    flowlog__bytes_put_varint(b, p->max_groups);
    flowlog__bytes_put_u8(b, (uint8_t)((p->keep_null ? FLAG_KEEP_NULL : 0) | (p->approximate ? FLAG_APPROXIMATE : 0)));
}

/* --- saving ----------------------------------------------------------------------------------------------- */

static void put_span(struct fl_bytes *b, const struct fl_span *span)
{
    flowlog__bytes_put_u8(b, (uint8_t)((span->has_start ? SPAN_START : 0) | (span->has_end ? SPAN_END : 0)));
    if (span->has_start) flowlog__bytes_put_u64(b, (uint64_t)span->start);
    if (span->has_end) flowlog__bytes_put_u64(b, (uint64_t)span->end);
}

static void put_run(struct fl_bytes *b, const flowlog_run *run)
{
    flowlog__bytes_put(b, magic, sizeof magic);
    flowlog__bytes_put_u32(b, VERSION);
    flowlog__bytes_put_u64(b, 0);
    put_plan(b, run->plan);
    put_span(b, &run->span);
    flowlog__groups_save(&run->groups, b);
    if (b->failed) return;
    fl_store64(b->p + sizeof magic + 4, b->len - HEAD);
    flowlog__bytes_put_u32(b, flowlog__crc32(0, b->p, b->len));
}

flowlog_status flowlog_run_save(flowlog_run *run, int (*write)(void *ctx, const char *data, size_t len), void *ctx,
                                flowlog_error *err)
{
    if (!run || !write) return FL_FAIL(err, FLOWLOG_E_ARGUMENT, "no run or no function given");
    if (run->failed < 0) return FL_FAIL(err, FLOWLOG_E_STATE, "the run ended in an error before");
    struct fl_bytes b;
    flowlog__bytes_init(&b, &run->alloc);
    put_run(&b, run);
    flowlog_status status = FLOWLOG_OK;
    if (b.failed) status = FL_FAIL(err, FLOWLOG_E_MEMORY, "out of memory for a partial");
    else if (write(ctx, (const char *)b.p, b.len))
        status = FL_FAIL(err, FLOWLOG_E_IO, "the partial could not be written");
    flowlog__bytes_free(&b);
    return status;
}

/* --- reading a plan --------------------------------------------------------------------------------------- */

/* Everything that is wrong ends as E_CORRUPT; where a builder's step says E_MEMORY, that stands. */
static flowlog_status get_text(struct fl_cursor *c, flowlog_str *text)
{
    const uint64_t len = flowlog__cursor_varint(c);
    if (len > c->len - c->at) return FLOWLOG_E_CORRUPT;
    const uint8_t *p = flowlog__cursor_take(c, (size_t)len);
    if (c->failed) return FLOWLOG_E_CORRUPT;
    *text = (flowlog_str){(const char *)p, (size_t)len};
    return FLOWLOG_OK;
}

static flowlog_status get_filter(struct fl_cursor *c, const flowlog_plan *p, flowlog_filter **filter)
{
    flowlog_str text;
    *filter = NULL;
    FL_TRY(get_text(c, &text));
    return text.len ? flowlog__filter_load(text.ptr, text.len, &p->alloc, filter, NULL) : FLOWLOG_OK;
}

/* A number of at most `max`. */
static flowlog_status get_number(struct fl_cursor *c, uint64_t max, uint32_t *number)
{
    const uint64_t v = flowlog__cursor_varint(c);
    if (c->failed || v > max) return FLOWLOG_E_CORRUPT;
    *number = (uint32_t)v;
    return FLOWLOG_OK;
}

static flowlog_status get_field(struct fl_cursor *c, flowlog_plan *p, uint32_t *index)
{
    flowlog_str name;
    *index = FL_NONE;
    FL_TRY(get_text(c, &name));
    if (!name.len) return FLOWLOG_OK;
    if (fl_word_end(name.ptr, 0, name.len) != name.len) return FLOWLOG_E_CORRUPT;
    return flowlog__plan_add_field(p, name.ptr, name.len, index, NULL);
}

/*
 * A key is handed to the builder as the text of one, so that no second place knows which keys there can be.  The
 * longest has two names.
 */
static flowlog_status get_key(struct fl_cursor *c, flowlog_plan *p)
{
    const uint8_t kind = flowlog__cursor_u8(c);
    flowlog_str name[2] = {{"", 0}, {"", 0}};
    uint64_t width = 0;
    const uint8_t *bits = NULL;
    const struct fl_part_info *part = NULL;
    if (kind != FL_KEY_SERVICE) FL_TRY(get_text(c, &name[0]));
    if (kind == FL_KEY_LEAST) FL_TRY(get_text(c, &name[1]));
    if (kind == FL_KEY_BIN) width = flowlog__cursor_varint(c);
    if (kind == FL_KEY_PREFIX) bits = flowlog__cursor_take(c, 2);
    if (kind == FL_KEY_PART) part = flowlog__part_info(flowlog__cursor_u8(c));
    if (c->failed || (kind == FL_KEY_PART && !part)) return FLOWLOG_E_CORRUPT;
    if (memchr(name[0].ptr, 0, name[0].len) || memchr(name[1].ptr, 0, name[1].len))
        return FLOWLOG_E_CORRUPT;
    if (name[0].len > INT32_MAX / 4 || name[1].len > INT32_MAX / 4) return FLOWLOG_E_CORRUPT;
    const size_t cap = name[0].len + name[1].len + 64;
    char *text = flowlog__alloc(&p->alloc, cap);
    if (!text) return FLOWLOG_E_MEMORY;
    const int a = (int)name[0].len, b = (int)name[1].len;
    switch (kind) {
    case FL_KEY_SERVICE: snprintf(text, cap, "service"); break;
    case FL_KEY_LEAST: snprintf(text, cap, "pair(%.*s,%.*s)", a, name[0].ptr, b, name[1].ptr); break;
    case FL_KEY_BIN: snprintf(text, cap, "bin(%.*s,%llus)", a, name[0].ptr, (unsigned long long)width); break;
    case FL_KEY_PREFIX: snprintf(text, cap, "%.*s/%u/%u", a, name[0].ptr, bits[0], bits[1]); break;
    case FL_KEY_PART: snprintf(text, cap, "%s(%.*s)", part->word, a, name[0].ptr); break;
    case FL_KEY_FIELD: snprintf(text, cap, "%.*s", a, name[0].ptr); break;
    default: *text = '\0';
    }
    struct fl_plan_key key[2];
    uint32_t count = 0;
    size_t at = 0;
    flowlog_status status = flowlog__plan_parse_key(p, text, &at, strlen(text), key, &count, NULL);
    if (status >= 0 && (at != strlen(text) || key[0].kind != kind)) status = FLOWLOG_E_CORRUPT;
    for (uint32_t i = 0; status >= 0 && i < count; i++) status = flowlog__plan_add_key(p, &key[i], NULL);
    flowlog__release(&p->alloc, text, cap);
    return status;
}

static flowlog_status get_agg(struct fl_cursor *c, flowlog_plan *p)
{
    struct fl_plan_agg agg = {flowlog__cursor_u8(c), FL_NONE, 0, FL_NONE};
    flowlog_filter *where = NULL;
    uint32_t index;
    if (!flowlog__agg_op(agg.kind)) return FLOWLOG_E_CORRUPT;
    FL_TRY(get_field(c, p, &agg.field));
    FL_TRY(get_number(c, 100000, &agg.quantile));
    if ((agg.kind == FLOWLOG_AGG_QUANTILE) != (agg.quantile != 0)) return FLOWLOG_E_CORRUPT;
    FL_TRY(get_filter(c, p, &where));
    if (where) FL_TRY(flowlog__plan_add_where(p, where, &agg.where, NULL));
    return flowlog__plan_add_agg(p, &agg, &index, NULL);
}

/* --- expressions ------------------------------------------------------------------------------------------ */

struct context {
    flowlog_plan *plan;
    struct fl_plan_expr *expr;
};

static flowlog_status resolve_out(const flowlog_plan *p, struct fl_plan_expr *expr, uint32_t o, uint32_t *operand)
{
    if (o >= p->outs || !p->out[o].expr.output) return FLOWLOG_E_CORRUPT;
    for (uint32_t i = 0; i < p->out[o].expr.aggs; i++) flowlog__plan_expr_name(expr, p->out[o].expr.agg[i]);
    *operand = FL_OPERAND_OUT + o;
    return FLOWLOG_OK;
}

static flowlog_status resolve(void *ctx, const char *text, size_t len, uint32_t *operand, flowlog_error *err)
{
    struct context *c = ctx;
    size_t at = 0;
    uint32_t number = 0, index;
    (void)err;
    while (at < len && text[at] != '(') at++;
    const size_t word = at++;
    for (; at < len && fl_ascii_is_digit(text[at]) && number < 1000; at++)
        number = number * 10 + (uint32_t)(text[at] - '0');
    if (at == word + 1 || at + 1 != len || text[at] != ')') return FLOWLOG_E_CORRUPT;
    if (fl_is_word(text, word, "o")) return resolve_out(c->plan, c->expr, number, operand);
    if (fl_is_word(text, word, "k")) {
        *operand = number;
        return number < c->plan->keys ? FLOWLOG_OK : FLOWLOG_E_CORRUPT;
    }
    if (number >= c->plan->aggs) return FLOWLOG_E_CORRUPT;
    *operand = FL_OPERAND_AGG + number;
    if (!fl_is_word(text, word, "a")) {
        const struct fl_plan_ratio ratio = {(uint32_t)fl_is_word(text, word, "rate"), number};
        if (!ratio.is_rate && !fl_is_word(text, word, "share")) return FLOWLOG_E_CORRUPT;
        FL_TRY(flowlog__plan_add_ratio(c->plan, &ratio, &index, NULL));
        *operand = FL_OPERAND_RATIO + index;
    }
    flowlog__plan_expr_name(c->expr, number);
    return FLOWLOG_OK;
}

static flowlog_status get_expr(struct fl_cursor *c, flowlog_plan *p, int condition, struct fl_plan_expr *expr)
{
    flowlog_str text;
    struct context x = {p, expr};
    size_t taken = 0;
    memset(expr, 0, sizeof *expr);
    expr->operand = FL_NONE;
    FL_TRY(get_text(c, &text));
    flowlog_status status = condition ? FLOWLOG_E_CORRUPT : resolve(&x, text.ptr, text.len, &expr->operand, NULL);
    if (status == FLOWLOG_E_MEMORY) return status;
    if (status >= 0)
        return expr->operand < FL_OPERAND_AGG || expr->operand >= FL_OPERAND_OUT ? FLOWLOG_E_CORRUPT : FLOWLOG_OK;
    memset(expr, 0, sizeof *expr);
    expr->operand = FL_NONE;
    FL_TRY(flowlog__output_parse(text.ptr, text.len, condition, resolve, &x, &p->alloc, &expr->output, &taken, NULL));
    if (taken == text.len && flowlog__output_column(expr->output) < 0) return FLOWLOG_OK;
    flowlog__output_free(expr->output);
    return FLOWLOG_E_CORRUPT;
}

static flowlog_status get_out(struct fl_cursor *c, flowlog_plan *p)
{
    flowlog_str name;
    struct fl_plan_expr expr;
    FL_TRY(get_text(c, &name));
    if (!name.len || memchr(name.ptr, 0, name.len)) return FLOWLOG_E_CORRUPT;
    FL_TRY(get_expr(c, p, 0, &expr));
    const flowlog_status status = flowlog__plan_add_out(p, name.ptr, name.len, &expr, NULL);
    if (status < 0) flowlog__output_free(expr.output);
    return status;
}

static flowlog_status get_having(struct fl_cursor *c, flowlog_plan *p)
{
    struct fl_plan_expr expr;
    FL_TRY(get_expr(c, p, 1, &expr));
    const flowlog_status status = flowlog__plan_add_having(p, &expr, NULL);
    if (status < 0) flowlog__output_free(expr.output);
    return status;
}

static flowlog_status get_sort(struct fl_cursor *c, flowlog_plan *p)
{
    struct fl_plan_sort sort;
    FL_TRY(get_number(c, FL_PLAN_COLUMNS, &sort.index));
    const uint8_t kind = flowlog__cursor_u8(c);
    sort.is_key = kind >> 1;
    sort.descending = kind & 1;
    if (kind > 3 || sort.index >= (sort.is_key ? p->keys : p->outs)) return FLOWLOG_E_CORRUPT;
    for (uint32_t i = 0; i < p->sorts; i++)
        if (p->sort[i].is_key == sort.is_key && p->sort[i].index == sort.index) return FLOWLOG_E_CORRUPT;
    p->sort[p->sorts++] = sort;
    return FLOWLOG_OK;
}

static flowlog_status get_limits(struct fl_cursor *c, flowlog_plan *p)
{
    p->limit = flowlog__cursor_varint(c);
    p->limit_per = flowlog__cursor_varint(c);
    FL_TRY(get_number(c, UINT32_MAX, &p->per_keys));
    const uint64_t max = flowlog__cursor_varint(c);
    const uint8_t flags = flowlog__cursor_u8(c);
    if (c->failed || flags > (FLAG_KEEP_NULL | FLAG_APPROXIMATE)) return FLOWLOG_E_CORRUPT;
    if (p->per_keys >> p->keys || !p->per_keys != !p->limit_per) return FLOWLOG_E_CORRUPT;
    p->keep_null = (flags & FLAG_KEEP_NULL) != 0;
    p->approximate = (flags & FLAG_APPROXIMATE) != 0;
    return flowlog_plan_max_groups(p, max) < 0 ? FLOWLOG_E_CORRUPT : FLOWLOG_OK;
}

/* `count` parts of a list, each by `get`. */
static flowlog_status get_list(struct fl_cursor *c, flowlog_plan *p, uint32_t max,
                               flowlog_status (*get)(struct fl_cursor *c, flowlog_plan *p))
{
    uint32_t count;
    FL_TRY(get_number(c, max, &count));
    for (uint32_t i = 0; i < count; i++) FL_TRY(get(c, p));
    return FLOWLOG_OK;
}

/* 1 if every aggregate is named by a column or a condition. */
static int all_named(const flowlog_plan *p)
{
    uint8_t named[FL_AGGS_MAX] = {0};
    uint32_t count = 0;
    for (uint32_t o = 0; o < p->outs; o++)
        for (uint32_t i = 0; i < p->out[o].expr.aggs; i++) named[p->out[o].expr.agg[i]] = 1;
    for (uint32_t h = 0; h < p->havings; h++)
        for (uint32_t i = 0; i < p->having[h].aggs; i++) named[p->having[h].agg[i]] = 1;
    for (uint32_t a = 0; a < p->aggs; a++) count += named[a];
    return count == p->aggs;
}

static flowlog_status get_parts(struct fl_cursor *c, flowlog_plan *p)
{
    FL_TRY(get_filter(c, p, &p->filter));
    if (p->filter && !flowlog_filter_print(p->filter, NULL, 0)) return FLOWLOG_E_CORRUPT;
    FL_TRY(get_list(c, p, FL_KEYS_MAX, get_key));
    FL_TRY(get_list(c, p, FL_AGGS_MAX, get_agg));
    FL_TRY(get_list(c, p, FL_PLAN_OUTS, get_out));
    FL_TRY(get_list(c, p, FL_PLAN_HAVINGS, get_having));
    return all_named(p) ? FLOWLOG_OK : FLOWLOG_E_CORRUPT;
}

/* 1 if the plan would be written as these bytes; 0, E_MEMORY. */
static int is_written_so(const flowlog_plan *p, const uint8_t *data, size_t len)
{
    struct fl_bytes b;
    flowlog__bytes_init(&b, &p->alloc);
    put_plan(&b, p);
    const int same = b.failed ? (int)FLOWLOG_E_MEMORY : b.len == len && memcmp(b.p, data, len) == 0;
    flowlog__bytes_free(&b);
    return same;
}

static flowlog_status get_plan(struct fl_cursor *c, flowlog_plan *p)
{
    const size_t from = c->at;
    const struct fl_plan_mark mark = flowlog__plan_mark(p);
    FL_TRY(flowlog__plan_end(p, &mark, get_parts(c, p), NULL));
    FL_TRY(flowlog__plan_set_text(p));
    FL_TRY(get_list(c, p, FL_PLAN_COLUMNS, get_sort));
    FL_TRY(get_limits(c, p));
    const int same = is_written_so(p, c->p + from, c->at - from);
    return same < 0 ? FLOWLOG_E_MEMORY : same ? FLOWLOG_OK : FLOWLOG_E_CORRUPT;
}

/* --- loading ---------------------------------------------------------------------------------------------- */

static flowlog_status get_span(struct fl_cursor *c, flowlog_run *run)
{
    const uint8_t flags = flowlog__cursor_u8(c);
    struct fl_span *span = &run->span;
    span->has_start = (flags & SPAN_START) != 0;
    span->has_end = (flags & SPAN_END) != 0;
    if (span->has_start) span->start = (int64_t)flowlog__cursor_u64(c);
    if (span->has_end) span->end = (int64_t)flowlog__cursor_u64(c);
    if (c->failed || flags > (SPAN_START | SPAN_END) || (flags && !run->needs_span)) return FLOWLOG_E_CORRUPT;
    return FLOWLOG_OK;
}

static flowlog_status fail_load(flowlog_status status, uint64_t offset, flowlog_error *err)
{
    if (status == FLOWLOG_E_MEMORY) return FL_FAIL(err, status, "out of memory for a partial");
    return flowlog__fail_at(err, FLOWLOG_E_CORRUPT, offset, 0, 0, "the partial is damaged");
}

static flowlog_status check_head(const uint8_t *p, size_t len, flowlog_error *err)
{
    if (len < HEAD + TAIL || memcmp(p, magic, sizeof magic) != 0)
        return flowlog__fail_at(err, FLOWLOG_E_CORRUPT, 0, 0, 0, "this is no partial, or not all of one");
    if (fl_load32(p + sizeof magic) != VERSION)
        return FL_FAIL(err, fl_load32(p + sizeof magic) > VERSION ? FLOWLOG_E_UNSUPPORTED : FLOWLOG_E_CORRUPT,
                       "a partial of version %u", (unsigned)fl_load32(p + sizeof magic));
    if (fl_load64(p + sizeof magic + 4) != len - HEAD - TAIL)
        return flowlog__fail_at(err, FLOWLOG_E_CORRUPT, len, 0, 0, "the partial does not end where it says");
    if (fl_load32(p + len - TAIL) != flowlog__crc32(0, p, len - TAIL))
        return flowlog__fail_at(err, FLOWLOG_E_CORRUPT, len - TAIL, 0, 0, "the partial's checksum is wrong");
    return FLOWLOG_OK;
}

flowlog_status flowlog_run_load(const void *data, size_t len, const flowlog_alloc *alloc, flowlog_plan **plan,
                                flowlog_run **run, flowlog_error *err)
{
    if (!data || !plan || !run) return FL_FAIL(err, FLOWLOG_E_ARGUMENT, "no data, no plan or no run given");
    FL_TRY(check_head(data, len, err));
    struct fl_cursor c = {data, len - TAIL, HEAD, 0};
    flowlog_plan *p = NULL;
    flowlog_run *r = NULL;
    flowlog_status status = flowlog_plan_new(alloc, &p);
    if (status >= 0) status = get_plan(&c, p);
    if (status >= 0) status = flowlog_run_begin(p, alloc, &r);
    if (status >= 0) status = get_span(&c, r);
    if (status >= 0) status = flowlog__groups_load(&r->groups, &c, NULL);
    if (status >= 0 && (c.failed || c.at != c.len)) status = FLOWLOG_E_CORRUPT;
    if (status < 0) {
        flowlog_run_free(r);
        flowlog_plan_free(p);
        return fail_load(status, c.at, err);
    }
    *plan = p;
    *run = r;
    return FLOWLOG_OK;
}
