/* SPDX-License-Identifier: MIT */
/*
 * plan.c - the builder of plans: names to fields, with every mistake found when it is made.
 *
 * Each call is a step: it adds to the ends of the plan's arrays, and flowlog__plan_end either keeps all of that or
 * takes all of it back, so that a call that failed has changed nothing.
 */
#include "plan/plan.h"

#include <string.h>

#include "core/alloc.h"
#include "core/error.h"
#include "plan/words.h"

static flowlog_status fail_memory(flowlog_error *err)
{
    return FL_FAIL(err, FLOWLOG_E_MEMORY, "out of memory for a plan");
}

flowlog_status flowlog_plan_new(const flowlog_alloc *alloc, flowlog_plan **plan)
{
    if (!plan) return FLOWLOG_E_ARGUMENT;
    const flowlog_alloc a = flowlog__alloc_or_default(alloc);
    flowlog_plan *p = flowlog__alloc_zero(&a, sizeof *p);
    if (!p) return FLOWLOG_E_MEMORY;
    p->alloc = a;
    p->where_options = (flowlog_filter_options)FLOWLOG_FILTER_OPTIONS_INIT;
    *plan = p;
    return FLOWLOG_OK;
}

static void release_text(const flowlog_alloc *alloc, char *text)
{
    if (text) flowlog__release(alloc, text, strlen(text) + 1);
}

static char *copy_text(const flowlog_alloc *alloc, const char *text, size_t len)
{
    char *copy = flowlog__alloc(alloc, len + 1);
    if (!copy) return NULL;
    if (len) memcpy(copy, text, len);
    copy[len] = '\0';
    return copy;
}

/* --- steps ------------------------------------------------------------------------------------------------ */

struct fl_plan_mark flowlog__plan_mark(const flowlog_plan *p)
{
    return (struct fl_plan_mark){p->fields, p->keys, p->aggs, p->ratios, p->outs, p->wheres, p->havings};
}

static void take_back(flowlog_plan *p, const struct fl_plan_mark *to)
{
    const flowlog_alloc *a = &p->alloc;
    while (p->fields > to->fields) release_text(a, p->field[--p->fields].name);
    while (p->keys > to->keys) release_text(a, p->key[--p->keys].name);
    while (p->outs > to->outs) {
        struct fl_plan_out *out = &p->out[--p->outs];
        release_text(a, out->name);
        flowlog__output_free(out->expr.output);
    }
    while (p->havings > to->havings) flowlog__output_free(p->having[--p->havings].output);
    while (p->wheres > to->wheres) {
        struct fl_plan_where *where = &p->where[--p->wheres];
        release_text(a, where->text);
        flowlog_filter_free(where->filter);
    }
    p->aggs = to->aggs;
    p->ratios = to->ratios;
}

void flowlog_plan_free(flowlog_plan *plan)
{
    if (!plan) return;
    const flowlog_alloc a = plan->alloc;
    const struct fl_plan_mark nothing = {0, 0, 0, 0, 0, 0, 0};
    take_back(plan, &nothing);
    release_text(&a, plan->text);
    release_text(&a, plan->needed);
    flowlog_filter_free(plan->filter);
    flowlog_format_free(plan->where_format);
    flowlog__release(&a, plan, sizeof *plan);
}

static size_t put_name(char *text, size_t at, const char *name)
{
    const size_t len = strlen(name), comma = at != 0;
    if (text && comma) text[at] = ',';
    if (text) memcpy(text + at + comma, name, len + 1);
    return at + comma + len;
}

/* The names of the fields into `text` (NULL: only their length), with those of a filter that are not among them. */
static size_t put_names(const flowlog_plan *p, const flowlog_filter *filter, char *text)
{
    size_t at = 0;
    for (uint32_t i = 0; i < p->fields; i++) at = put_name(text, at, p->field[i].name);
    const uint32_t count = filter ? flowlog__filter_field_count(filter) : 0;
    for (uint32_t f = 0; f < count; f++) {
        const char *name = flowlog__filter_field_name(filter, f);
        if (!flowlog__plan_has_field(p, flowlog__filter_field_id(filter, f), name)) at = put_name(text, at, name);
    }
    return at;
}

/* Make text and needed anew.  On E_MEMORY they stay as they were. */
static flowlog_status set_text(flowlog_plan *p, const flowlog_filter *filter, flowlog_error *err)
{
    char *text = flowlog__alloc_zero(&p->alloc, put_names(p, filter, NULL) + 1);
    char *needed = flowlog__alloc_zero(&p->alloc, put_names(p, NULL, NULL) + 1);
    if (!text || !needed) {
        if (text) flowlog__release(&p->alloc, text, put_names(p, filter, NULL) + 1);
        if (needed) flowlog__release(&p->alloc, needed, put_names(p, NULL, NULL) + 1);
        return fail_memory(err);
    }
    (void)put_names(p, filter, text);
    (void)put_names(p, NULL, needed);
    release_text(&p->alloc, p->text);
    release_text(&p->alloc, p->needed);
    p->text = text;
    p->needed = needed;
    return FLOWLOG_OK;
}

flowlog_status flowlog__plan_set_text(flowlog_plan *p) { return set_text(p, p->filter, NULL); }

struct renumber {
    uint32_t count;
    uint32_t map[FL_OPERANDS]; /* old operand -> new one */
    struct fl_plan_agg agg[FL_AGGS_MAX];
    uint8_t placed[FL_AGGS_MAX];
};

static void place_aggs(struct renumber *r, const flowlog_plan *p, const struct fl_plan_expr *e)
{
    for (uint32_t i = 0; i < e->aggs; i++) {
        const uint32_t a = e->agg[i];
        if (r->placed[a]) continue;
        r->placed[a] = 1;
        r->map[FL_OPERAND_AGG + a] = FL_OPERAND_AGG + r->count;
        r->agg[r->count++] = p->agg[a];
    }
}

static void renumber_expr(const struct renumber *r, const flowlog_plan *p, struct fl_plan_expr *e)
{
    for (uint32_t i = 0; i < e->aggs; i++)
        e->agg[i] = (uint8_t)(r->map[FL_OPERAND_AGG + e->agg[i]] - FL_OPERAND_AGG);
    if (e->output) flowlog__output_renumber(e->output, r->map);
    else e->operand = r->map[e->operand];
    flowlog__plan_expr_uses(p, e);
}

/* Aggregates in the order in which columns, then conditions, name them: see plan.h. */
static void put_in_order(flowlog_plan *p)
{
    struct renumber r;
    memset(&r, 0, sizeof r);
    for (uint32_t i = 0; i < FL_OPERANDS; i++) r.map[i] = i;
    for (uint32_t o = 0; o < p->outs; o++) place_aggs(&r, p, &p->out[o].expr);
    for (uint32_t h = 0; h < p->havings; h++) place_aggs(&r, p, &p->having[h]);
    FL_ASSERT(r.count == p->aggs);
    memcpy(p->agg, r.agg, p->aggs * sizeof *p->agg);
    for (uint32_t i = 0; i < p->ratios; i++)
        p->ratio[i].agg = r.map[FL_OPERAND_AGG + p->ratio[i].agg] - FL_OPERAND_AGG;
    for (uint32_t o = 0; o < p->outs; o++) renumber_expr(&r, p, &p->out[o].expr);
    for (uint32_t h = 0; h < p->havings; h++) renumber_expr(&r, p, &p->having[h]);
}

flowlog_status flowlog__plan_end(flowlog_plan *p, const struct fl_plan_mark *mark, flowlog_status status,
                                 flowlog_error *err)
{
    if (status >= 0 && p->fields != mark->fields) status = set_text(p, p->filter, err);
    if (status < 0) {
        take_back(p, mark);
        return status;
    }
    put_in_order(p);
    return FLOWLOG_OK;
}

/* --- fields ----------------------------------------------------------------------------------------------- */

const char *flowlog_plan_fields(const flowlog_plan *plan) { return plan && plan->text ? plan->text : ""; }

int flowlog__plan_same_name(const char *a, const char *b, size_t b_len)
{
    size_t i = 0;
    for (; a[i] && i < b_len; i++)
        if (fl_ascii_lower(a[i]) != fl_ascii_lower(b[i]) && !(fl_ascii_is_hyphen(a[i]) && fl_ascii_is_hyphen(b[i])))
            return 0;
    return !a[i] && i == b_len;
}

static uint32_t find_field(const flowlog_plan *p, uint32_t field, const char *name, size_t len)
{
    uint32_t i = 0;
    while (i < p->fields && !(field ? p->field[i].field == field
                                    : !p->field[i].field && flowlog__plan_same_name(p->field[i].name, name, len))) i++;
    return i;
}

int flowlog__plan_has_field(const flowlog_plan *p, uint32_t field, const char *name)
{
    return find_field(p, field, name, strlen(name)) < p->fields;
}

uint32_t flowlog__plan_field_at(const flowlog_plan *p, uint32_t field)
{
    for (uint32_t i = 0; i < p->fields; i++)
        if (p->field[i].field == field) return i;
    return FL_NONE;
}

flowlog_status flowlog__plan_add_field(flowlog_plan *p, const char *name, size_t len, uint32_t *index,
                                       flowlog_error *err)
{
    const flowlog_field_info *info = flowlog_field_get(flowlog_field_find(name, len));
    *index = find_field(p, info ? info->field : 0, name, len);
    if (*index < p->fields) return FLOWLOG_OK;
    if (p->fields == FL_PLAN_FIELDS)
        return FL_FAIL(err, FLOWLOG_E_LIMIT, "more than %d fields", FL_PLAN_FIELDS);
    struct fl_plan_field *field = &p->field[p->fields];
    field->field = info ? info->field : FLOWLOG_FIELD_UNKNOWN;
    field->type = info ? info->type : FLOWLOG_TYPE_TEXT;
    field->name = info ? copy_text(&p->alloc, info->name, strlen(info->name)) : copy_text(&p->alloc, name, len);
    if (!field->name) return fail_memory(err);
    *index = p->fields++;
    return FLOWLOG_OK;
}

/* --- parts of steps --------------------------------------------------------------------------------------- */

const char *flowlog__plan_column(const flowlog_plan *p, uint32_t c)
{
    return c < p->keys ? p->key[c].name : p->out[c - p->keys].name;
}

static int has_column(const flowlog_plan *p, const char *name, size_t len)
{
    for (uint32_t c = 0; c < p->keys + p->outs; c++) {
        const char *have = flowlog__plan_column(p, c);
        if (strlen(have) == len && memcmp(have, name, len) == 0) return 1;
    }
    return 0;
}

flowlog_status flowlog__plan_add_key(flowlog_plan *p, const struct fl_plan_key *key, flowlog_error *err)
{
    const size_t len = flowlog__plan_key_name(p, key, NULL, 0);
    char *name = flowlog__alloc(&p->alloc, len + 1);
    if (!name) return fail_memory(err);
    flowlog__plan_key_name(p, key, name, len + 1);
    flowlog_status status = FLOWLOG_OK;
    if (p->keys == FL_KEYS_MAX) status = FL_FAIL(err, FLOWLOG_E_LIMIT, "more than %d keys", FL_KEYS_MAX);
    for (uint32_t k = 0; status >= 0 && k < p->keys; k++)
        if (strlen(p->key[k].name) == len && flowlog__plan_same_name(p->key[k].name, name, len))
            status = FL_FAIL(err, FLOWLOG_E_DUPLICATE, "'%.64s' is a key already", name);
    if (status >= 0 && has_column(p, name, len))
        status = FL_FAIL(err, FLOWLOG_E_DUPLICATE, "'%.64s' names an aggregate already", name);
    if (status < 0) {
        flowlog__release(&p->alloc, name, len + 1);
        return status;
    }
    p->key[p->keys] = *key;
    p->key[p->keys++].name = name;
    return FLOWLOG_OK;
}

static const char *const agg_words[] = {
    [FLOWLOG_AGG_COUNT] = "count", [FLOWLOG_AGG_SUM] = "sum",     [FLOWLOG_AGG_MIN] = "min",
    [FLOWLOG_AGG_MAX] = "max",     [FLOWLOG_AGG_AVG] = "avg",     [FLOWLOG_AGG_STDDEV] = "stddev",
    [FLOWLOG_AGG_DISTINCT] = "distinct", [FLOWLOG_AGG_QUANTILE] = NULL, [FLOWLOG_AGG_FIRST] = "first",
    [FLOWLOG_AGG_LAST] = "last",   [FLOWLOG_AGG_OR] = "or",
};

const char *flowlog__plan_agg_word(uint32_t kind)
{
    return kind < sizeof agg_words / sizeof *agg_words ? agg_words[kind] : NULL;
}

static flowlog_status check_agg(const flowlog_plan *p, const struct fl_plan_agg *agg, flowlog_error *err)
{
    const char *word = agg->kind == FLOWLOG_AGG_QUANTILE ? "a quantile" : flowlog__plan_agg_word(agg->kind);
    if (agg->field == FL_NONE) {
        if (agg->kind == FLOWLOG_AGG_COUNT) return FLOWLOG_OK;
        return FL_FAIL(err, FLOWLOG_E_ARGUMENT, "%s needs a field", word);
    }
    const struct fl_plan_field *field = &p->field[agg->field];
    if (flowlog__agg_op(agg->kind) && flowlog__agg_type(agg->kind, field->type)) return FLOWLOG_OK;
    return FL_FAIL(err, FLOWLOG_E_FIELD, "'%.64s' is not a field that %s can take", field->name, word);
}

flowlog_status flowlog__plan_add_agg(flowlog_plan *p, const struct fl_plan_agg *agg, uint32_t *index,
                                     flowlog_error *err)
{
    for (uint32_t a = 0; a < p->aggs; a++) {
        *index = a;
        if (p->agg[a].kind == agg->kind && p->agg[a].field == agg->field && p->agg[a].quantile == agg->quantile
            && p->agg[a].where == agg->where) return FLOWLOG_OK;
    }
    FL_TRY(check_agg(p, agg, err));
    if (p->aggs == FL_AGGS_MAX) return FL_FAIL(err, FLOWLOG_E_LIMIT, "more than %d aggregates", FL_AGGS_MAX);
    if (agg->kind == FLOWLOG_AGG_FIRST || agg->kind == FLOWLOG_AGG_LAST) {
        uint32_t start;
        FL_TRY(flowlog__plan_add_field(p, "start", 5, &start, err));
    }
    p->agg[p->aggs] = *agg;
    *index = p->aggs++;
    return FLOWLOG_OK;
}

flowlog_status flowlog__plan_add_where(flowlog_plan *p, flowlog_filter *filter, uint32_t *index, flowlog_error *err)
{
    const size_t len = flowlog_filter_print(filter, NULL, 0);
    char *text = flowlog__alloc(&p->alloc, len + 1);
    flowlog_status status = text ? FLOWLOG_OK : fail_memory(err);
    if (text) flowlog_filter_print(filter, text, len + 1);
    for (*index = 0; text && *index < p->wheres && strcmp(p->where[*index].text, text) != 0;) ++*index;
    const int found = text && *index < p->wheres;
    const uint32_t fields = flowlog__filter_field_count(filter);
    for (uint32_t f = 0; status >= 0 && !found && f < fields; f++) {
        const char *name = flowlog__filter_field_name(filter, f);
        uint32_t field;
        status = flowlog__plan_add_field(p, name, strlen(name), &field, err);
    }
    if (status >= 0 && !found && p->wheres == FL_AGGS_MAX)
        status = FL_FAIL(err, FLOWLOG_E_LIMIT, "more than %d conditions of aggregates", FL_AGGS_MAX);
    if (status < 0 || found) {
        if (text) flowlog__release(&p->alloc, text, len + 1);
        flowlog_filter_free(filter);
        return status;
    }
    p->where[p->wheres++] = (struct fl_plan_where){filter, text};
    return FLOWLOG_OK;
}

flowlog_status flowlog__plan_add_ratio(flowlog_plan *p, const struct fl_plan_ratio *ratio, uint32_t *index,
                                       flowlog_error *err)
{
    const uint32_t kind = p->agg[ratio->agg].kind;
    if (kind != FLOWLOG_AGG_COUNT && kind != FLOWLOG_AGG_SUM)
        return FL_FAIL(err, FLOWLOG_E_FIELD, "%s is of a count or a sum", ratio->is_rate ? "a rate" : "a share");
    for (uint32_t i = 0; i < p->ratios; i++) {
        *index = i;
        if (p->ratio[i].is_rate == ratio->is_rate && p->ratio[i].agg == ratio->agg) return FLOWLOG_OK;
    }
    if (p->ratios == FL_AGGS_MAX)
        return FL_FAIL(err, FLOWLOG_E_LIMIT, "more than %d shares and rates", FL_AGGS_MAX);
    if (ratio->is_rate && !flowlog__plan_bin(p)) {
        uint32_t field;
        FL_TRY(flowlog__plan_add_field(p, "start", 5, &field, err));
        FL_TRY(flowlog__plan_add_field(p, "end", 3, &field, err));
    }
    p->ratio[p->ratios] = *ratio;
    *index = p->ratios++;
    return FLOWLOG_OK;
}

void flowlog__plan_expr_name(struct fl_plan_expr *e, uint32_t agg)
{
    for (uint32_t i = 0; i < e->aggs; i++)
        if (e->agg[i] == agg) return;
    e->agg[e->aggs++] = (uint8_t)agg;
}

void flowlog__plan_expr_uses(const flowlog_plan *p, struct fl_plan_expr *e)
{
    memset(e->uses, 0, sizeof e->uses);
    if (e->output) flowlog__output_columns(e->output, e->uses, FL_OPERAND_WORDS);
    else e->uses[e->operand / 64] |= UINT64_C(1) << e->operand % 64;
    for (uint32_t o = 0; o < p->outs; o++) /* columns that a column uses stand before it */
        if (fl_uses(e->uses, FL_OPERAND_OUT + o))
            for (uint32_t w = 0; w < FL_OPERAND_WORDS; w++) e->uses[w] |= p->out[o].expr.uses[w];
}

/* A column's type, when its values are those of one operand. */
static uint32_t operand_type(const flowlog_plan *p, uint32_t operand)
{
    if (operand < FL_OPERAND_AGG) return p->key[operand].type;
    if (operand >= FL_OPERAND_OUT) return p->out[operand - FL_OPERAND_OUT].type;
    if (operand >= FL_OPERAND_RATIO) return FLOWLOG_TYPE_DECIMAL;
    const struct fl_plan_agg *agg = &p->agg[operand - FL_OPERAND_AGG];
    return flowlog__agg_type(agg->kind, agg->field == FL_NONE ? FLOWLOG_TYPE_U64 : p->field[agg->field].type);
}

flowlog_status flowlog__plan_add_out(flowlog_plan *p, const char *name, size_t len, const struct fl_plan_expr *expr,
                                     flowlog_error *err)
{
    if (has_column(p, name, len))
        return FL_FAIL(err, FLOWLOG_E_DUPLICATE, "two columns named '%.*s'", (int)(len < 64 ? len : 64), name);
    if (p->outs == FL_PLAN_OUTS) return FL_FAIL(err, FLOWLOG_E_LIMIT, "more than %d aggregates", FL_PLAN_OUTS);
    struct fl_plan_out *out = &p->out[p->outs];
    out->name = copy_text(&p->alloc, name, len);
    if (!out->name) return fail_memory(err);
    out->expr = *expr;
    flowlog__plan_expr_uses(p, &out->expr);
    out->type = expr->output ? (uint32_t)FLOWLOG_TYPE_DECIMAL : operand_type(p, expr->operand);
    p->outs++;
    return FLOWLOG_OK;
}

flowlog_status flowlog__plan_add_having(flowlog_plan *p, const struct fl_plan_expr *expr, flowlog_error *err)
{
    if (p->havings == FL_PLAN_HAVINGS)
        return FL_FAIL(err, FLOWLOG_E_LIMIT, "more than %d conditions of groups", FL_PLAN_HAVINGS);
    p->having[p->havings] = *expr;
    flowlog__plan_expr_uses(p, &p->having[p->havings++]);
    return FLOWLOG_OK;
}

/* --- what is asked of a finished plan --------------------------------------------------------------------- */

int flowlog__plan_all_rows(const flowlog_plan *p)
{
    int all = p->keep_null || (p->filter && flowlog__filter_names_status(p->filter));
    for (uint32_t w = 0; w < p->wheres; w++) all |= flowlog__filter_names_status(p->where[w].filter);
    for (uint32_t k = 0; k < p->keys; k++) {
        const struct fl_plan_key *key = &p->key[k];
        all |= p->field[key->field[0]].field == FLOWLOG_FIELD_LOG_STATUS;
    }
    return all;
}

uint64_t flowlog__plan_bin(const flowlog_plan *p)
{
    for (uint32_t k = 0; k < p->keys; k++)
        if (p->key[k].kind == FL_KEY_BIN) return p->key[k].width;
    return 0;
}

int flowlog__plan_needs_span(const flowlog_plan *p)
{
    uint32_t rates = 0;
    for (uint32_t i = 0; i < p->ratios; i++) rates |= p->ratio[i].is_rate;
    return rates && !flowlog__plan_bin(p);
}

const flowlog_filter *flowlog_plan_filter(const flowlog_plan *plan) { return plan ? plan->filter : NULL; }

/* --- conditions ------------------------------------------------------------------------------------------- */

flowlog_status flowlog_plan_where_options(flowlog_plan *plan, const flowlog_filter_options *options)
{
    if (!plan) return FLOWLOG_E_ARGUMENT;
    flowlog_filter_options o = FLOWLOG_FILTER_OPTIONS_INIT;
    if (options) {
        const size_t size = options->struct_size;
        if (size < 8) return FLOWLOG_E_ARGUMENT;
        memcpy(&o, options, size < sizeof o ? size : sizeof o);
        for (size_t i = sizeof o; i < size; i++)
            if (((const uint8_t *)options)[i]) return FLOWLOG_E_ARGUMENT;
        o.struct_size = sizeof o;
        if (o.flags) return FLOWLOG_E_ARGUMENT;
    }
    flowlog_format *format = NULL;
    if (o.format) FL_TRY(flowlog__format_copy(o.format, &plan->alloc, &format, NULL));
    flowlog_format_free(plan->where_format);
    plan->where_format = format;
    o.format = format;
    o.alloc = NULL; /* the plan's own, given with each call */
    plan->where_options = o;
    return FLOWLOG_OK;
}

/* `more` is moved, also when this fails. */
static flowlog_status add_filter(flowlog_plan *p, flowlog_filter *more, flowlog_error *err)
{
    flowlog_filter *both = more;
    flowlog_status status = FLOWLOG_OK;
    if (flowlog_filter_print(more, NULL, 0) == 0) { /* every row */
        flowlog_filter_free(more);
        return FLOWLOG_OK;
    }
    if (p->filter) {
        status = flowlog_filter_and(p->filter, more, &p->alloc, &both, err);
        flowlog_filter_free(more);
        if (status < 0) return status;
    }
    status = set_text(p, both, err);
    if (status < 0) {
        flowlog_filter_free(both);
        return status;
    }
    flowlog_filter_free(p->filter);
    p->filter = both;
    return FLOWLOG_OK;
}

flowlog_status flowlog_plan_where(flowlog_plan *plan, const char *condition, flowlog_error *err)
{
    if (!plan || !condition) return FL_FAIL(err, FLOWLOG_E_ARGUMENT, "no plan or no condition given");
    flowlog_filter *filter = NULL;
    flowlog_filter_options options = plan->where_options;
    options.alloc = &plan->alloc;
    FL_TRY(flowlog_filter_parse(condition, strlen(condition), &options, &filter, err));
    return add_filter(plan, filter, err);
}

flowlog_status flowlog_plan_where_filter(flowlog_plan *plan, const flowlog_filter *filter, flowlog_error *err)
{
    if (!plan || !filter) return FL_FAIL(err, FLOWLOG_E_ARGUMENT, "no plan or no filter given");
    flowlog_filter *copy = NULL;
    if (flowlog__filter_copy(filter, &plan->alloc, &copy) < 0) return fail_memory(err);
    return add_filter(plan, copy, err);
}

/* --- order and limits ------------------------------------------------------------------------------------- */

flowlog_status flowlog_plan_keep_null_keys(flowlog_plan *plan, int keep)
{
    if (!plan) return FLOWLOG_E_ARGUMENT;
    plan->keep_null = keep != 0;
    return FLOWLOG_OK;
}

/* An output column by its exact name, else a key in any spelling. */
static int find_column(flowlog_plan *p, const char *name, struct fl_plan_sort *sort)
{
    for (uint32_t c = 0; c < p->keys + p->outs; c++)
        if (!strcmp(flowlog__plan_column(p, c), name)) {
            sort->is_key = c < p->keys;
            sort->index = c < p->keys ? c : c - p->keys;
            return 1;
        }
    sort->is_key = 1;
    sort->index = flowlog__plan_find_key(p, name, strlen(name));
    return sort->index != FL_NONE;
}

flowlog_status flowlog_plan_sort(flowlog_plan *plan, const char *column, int descending, flowlog_error *err)
{
    if (!plan || !column) return FL_FAIL(err, FLOWLOG_E_ARGUMENT, "no plan or no column given");
    struct fl_plan_sort sort = {0, 0, descending != 0};
    if (!find_column(plan, column, &sort))
        return FL_FAIL_AT(err, FLOWLOG_E_FIELD, 0, "no key and no column is named '%.64s'", column);
    for (uint32_t i = 0; i < plan->sorts; i++)
        if (plan->sort[i].is_key == sort.is_key && plan->sort[i].index == sort.index)
            return FL_FAIL_AT(err, FLOWLOG_E_DUPLICATE, 0, "sorted by '%.64s' already", column);
    plan->sort[plan->sorts++] = sort; /* there are as many as there are columns */
    return FLOWLOG_OK;
}

flowlog_status flowlog_plan_limit(flowlog_plan *plan, uint64_t rows)
{
    if (!plan) return FLOWLOG_E_ARGUMENT;
    plan->limit = rows;
    return FLOWLOG_OK;
}

flowlog_status flowlog_plan_max_groups(flowlog_plan *plan, uint64_t groups)
{
    if (!plan || groups > FL_PLAN_GROUPS_MAX) return FLOWLOG_E_ARGUMENT;
    plan->max_groups = groups == FL_PLAN_GROUPS_DEFAULT ? 0 : groups;
    return FLOWLOG_OK;
}

flowlog_status flowlog_plan_approximate(flowlog_plan *plan, int approximate)
{
    if (!plan) return FLOWLOG_E_ARGUMENT;
    plan->approximate = approximate != 0;
    return FLOWLOG_OK;
}
