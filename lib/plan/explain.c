/* SPDX-License-Identifier: MIT */
/*
 * explain.c - a plan as an S-expression: the canonical form that tells whether two questions are one.
 *
 *     (plan flx 2vl (stage (filter E) (keys (k0 E) ...) (aggs (a0 FN E ... (where E)) ...) (having E)
 *         (out ("name" E) ...) (sort (E asc|desc first|last) ...) (limit N per k0 ...) (limit N)
 *         (nulls keep) (max-groups N) (approximate)))
 *
 * on one line; what a plan does not have is left out.  Fields are spelled as Athena spells them.
 */
#include <stdio.h>
#include <string.h>

#include "core/calendar.h"
#include "core/compiler.h"
#include "plan/plan.h"
#include "schema/ascii.h"

/* Text that counts on when there is no room left. */
struct sink {
    char *text;
    size_t cap, len;
};

static char *room(const struct sink *s) { return s->len < s->cap ? s->text + s->len : NULL; }
static size_t room_len(const struct sink *s) { return s->len < s->cap ? s->cap - s->len : 0; }

static void put_char(struct sink *s, char c)
{
    if (s->len < s->cap) s->text[s->len] = c;
    s->len++;
}

static void put(struct sink *s, const char *text)
{
    for (; *text; text++) put_char(s, *text);
}

static void put_number(struct sink *s, uint64_t number)
{
    char text[24];
    snprintf(text, sizeof text, "%llu", (unsigned long long)number);
    put(s, text);
}

static void put_field(struct sink *s, const struct fl_plan_field *field)
{
    const flowlog_field_info *info = flowlog_field_get(field->field);
    if (info) {
        put(s, info->underscore);
        return;
    }
    for (const char *c = field->name; *c; c++) put_char(s, fl_ascii_is_hyphen(*c) ? '_' : fl_ascii_lower(*c));
}

static void put_quoted(struct sink *s, const char *text)
{
    put_char(s, '"');
    for (; *text; text++) {
        if (*text == '"' || *text == '\\') put_char(s, '\\');
        put_char(s, *text);
    }
    put_char(s, '"');
}

/* A time as SQL has it: @ts is start. */
static void put_time(struct sink *s, const struct fl_plan_field *field)
{
    if (field->field == FLOWLOG_FIELD_START) {
        put(s, "@ts");
        return;
    }
    put(s, "(from-unix ");
    put_field(s, field);
    put_char(s, ')');
}

static void put_key(struct sink *s, const flowlog_plan *p, const struct fl_plan_key *key)
{
    const struct fl_plan_field *field = &p->field[key->field[0]];
    switch (key->kind) {
    case FL_KEY_PREFIX:
        put(s, "(prefix ");
        put_field(s, field);
        put_char(s, ' ');
        put_number(s, key->bits[0]);
        put_char(s, ' ');
        put_number(s, key->bits[1]);
        break;
    case FL_KEY_BIN: /* of milliseconds, as @ts is */
        put(s, "(bin ");
        put_time(s, field);
        put_char(s, ' ');
        put_number(s, key->width * 1000);
        break;
    case FL_KEY_PART:
        put(s, "(extract ");
        put(s, flowlog__part_info(key->part)->field);
        put_char(s, ' ');
        put_time(s, field);
        break;
    case FL_KEY_LEAST:
    case FL_KEY_GREATEST:
        put(s, key->kind == FL_KEY_LEAST ? "(least " : "(greatest ");
        put_field(s, field);
        put_char(s, ' ');
        put_field(s, &p->field[key->field[1]]);
        break;
    case FL_KEY_SERVICE: put(s, "(service"); break;
    default: put_field(s, field); return;
    }
    put_char(s, ')');
}

static const char *op_name(uint32_t kind)
{
    static const char *const names[] = {
        [FLOWLOG_AGG_COUNT] = "count",    [FLOWLOG_AGG_SUM] = "sum",
        [FLOWLOG_AGG_MIN] = "min",        [FLOWLOG_AGG_MAX] = "max",
        [FLOWLOG_AGG_AVG] = "avg",        [FLOWLOG_AGG_STDDEV] = "stddev-samp",
        [FLOWLOG_AGG_DISTINCT] = "count-distinct", [FLOWLOG_AGG_QUANTILE] = "pct",
        [FLOWLOG_AGG_FIRST] = "min-by",   [FLOWLOG_AGG_LAST] = "max-by",
        [FLOWLOG_AGG_OR] = "bit-or",
    };
    return names[kind];
}

/* 99900 thousandths of a percent: 99.9; one digit behind the point at least. */
static void put_percent(struct sink *s, uint32_t quantile)
{
    char text[8];
    snprintf(text, sizeof text, "%03u", (unsigned)(quantile % 1000));
    for (size_t len = 3; len > 1 && text[len - 1] == '0'; len--) text[len - 1] = '\0';
    put_number(s, quantile / 1000);
    put_char(s, '.');
    put(s, text);
}

static void put_agg(struct sink *s, const flowlog_plan *p, const struct fl_plan_agg *agg)
{
    put(s, op_name(agg->kind));
    if (agg->field != FL_NONE) {
        put_char(s, ' ');
        put_field(s, &p->field[agg->field]);
    }
    if (agg->kind == FLOWLOG_AGG_FIRST || agg->kind == FLOWLOG_AGG_LAST) put(s, " start");
    if (agg->kind == FLOWLOG_AGG_QUANTILE) {
        put_char(s, ' ');
        put_percent(s, agg->quantile);
    }
    if (agg->where == FL_NONE) return;
    put(s, " (where ");
    put(s, p->where[agg->where].text);
    put_char(s, ')');
}

/* --- expressions ------------------------------------------------------------------------------------------ */

struct names {
    const flowlog_plan *plan;
    char text[24];
};

static const char *operand_name(void *ctx, uint32_t operand)
{
    struct names *n = ctx;
    if (operand >= FL_OPERAND_OUT) {
        snprintf(n->text, sizeof n->text, "o%u", (unsigned)(operand - FL_OPERAND_OUT));
    } else if (operand >= FL_OPERAND_RATIO) {
        const struct fl_plan_ratio *ratio = &n->plan->ratio[operand - FL_OPERAND_RATIO];
        snprintf(n->text, sizeof n->text, "(%s a%u)", ratio->is_rate ? "rate" : "share", (unsigned)ratio->agg);
    } else if (operand >= FL_OPERAND_AGG) {
        snprintf(n->text, sizeof n->text, "a%u", (unsigned)(operand - FL_OPERAND_AGG));
    } else {
        snprintf(n->text, sizeof n->text, "k%u", (unsigned)operand);
    }
    return n->text;
}

static void put_expr(struct sink *s, const flowlog_plan *p, const struct fl_plan_expr *e)
{
    struct names n = {p, ""};
    if (!e->output) put(s, operand_name(&n, e->operand));
    else s->len += flowlog__output_print(e->output, operand_name, &n, room(s), room_len(s));
}

/* --- parts ------------------------------------------------------------------------------------------------ */

static void put_keys(struct sink *s, const flowlog_plan *p)
{
    if (!p->keys) return;
    put(s, " (keys");
    for (uint32_t k = 0; k < p->keys; k++) {
        put(s, " (k");
        put_number(s, k);
        put_char(s, ' ');
        put_key(s, p, &p->key[k]);
        put_char(s, ')');
    }
    put_char(s, ')');
}

static void put_aggs(struct sink *s, const flowlog_plan *p)
{
    if (!p->aggs) return;
    put(s, " (aggs");
    for (uint32_t a = 0; a < p->aggs; a++) {
        put(s, " (a");
        put_number(s, a);
        put_char(s, ' ');
        put_agg(s, p, &p->agg[a]);
        put_char(s, ')');
    }
    put_char(s, ')');
}

static void put_having(struct sink *s, const flowlog_plan *p)
{
    if (!p->havings) return;
    put(s, p->havings > 1 ? " (having (and" : " (having");
    for (uint32_t h = 0; h < p->havings; h++) {
        put_char(s, ' ');
        put_expr(s, p, &p->having[h]);
    }
    put(s, p->havings > 1 ? "))" : ")");
}

static void put_out(struct sink *s, const flowlog_plan *p)
{
    if (!p->keys && !p->outs) return;
    put(s, " (out");
    for (uint32_t c = 0; c < p->keys + p->outs; c++) {
        const struct fl_plan_expr key = {.operand = c};
        put(s, " (");
        put_quoted(s, flowlog__plan_column(p, c));
        put_char(s, ' ');
        put_expr(s, p, c < p->keys ? &key : &p->out[c - p->keys].expr);
        put_char(s, ')');
    }
    put_char(s, ')');
}

/* Null is the smallest value, so where it stands follows. */
static void put_sort(struct sink *s, const flowlog_plan *p)
{
    if (!p->sorts) return;
    put(s, " (sort");
    for (uint32_t i = 0; i < p->sorts; i++) {
        const struct fl_plan_sort *sort = &p->sort[i];
        const struct fl_plan_expr key = {.operand = sort->index};
        put(s, " (");
        put_expr(s, p, sort->is_key ? &key : &p->out[sort->index].expr);
        put(s, sort->descending ? " desc last)" : " asc first)");
    }
    put_char(s, ')');
}

static void put_limits(struct sink *s, const flowlog_plan *p)
{
    if (p->limit_per) {
        put(s, " (limit ");
        put_number(s, p->limit_per);
        put(s, " per");
        for (uint32_t k = 0; k < p->keys; k++) {
            if (!(p->per_keys >> k & 1)) continue;
            put(s, " k");
            put_number(s, k);
        }
        put_char(s, ')');
    }
    if (p->limit) {
        put(s, " (limit ");
        put_number(s, p->limit);
        put_char(s, ')');
    }
    if (p->keep_null) put(s, " (nulls keep)");
    if (p->max_groups) {
        put(s, " (max-groups ");
        put_number(s, p->max_groups);
        put_char(s, ')');
    }
    if (p->approximate) put(s, " (approximate)");
}

size_t flowlog_plan_explain(const flowlog_plan *plan, char *text, size_t cap)
{
    struct sink s = {text, text ? cap : 0, 0};
    if (!plan) {
        if (s.cap) *text = '\0';
        return 0;
    }
    put(&s, "(plan flx 2vl (stage");
    if (plan->filter) {
        put(&s, " (filter ");
        s.len += flowlog_filter_print(plan->filter, room(&s), room_len(&s));
        put_char(&s, ')');
    }
    put_keys(&s, plan);
    put_aggs(&s, plan);
    put_having(&s, plan);
    put_out(&s, plan);
    put_sort(&s, plan);
    put_limits(&s, plan);
    put(&s, "))");
    if (s.cap) text[s.len < s.cap ? s.len : s.cap - 1] = '\0';
    return s.len;
}
