/* SPDX-License-Identifier: MIT */
/*
 * select.c - the text of output columns and of conditions on groups: aggregates, shares, rates, arithmetic.
 *
 * A column is cut out of the list and its name off its end; what is left is one call, which is read here, or an
 * expression, whose calls expr/output.h hands back to be read here.
 */
#include "plan/plan.h"
#include "plan/words.h"

#include "core/alloc.h"

/* What the resolver of an expression works on. */
struct context {
    flowlog_plan *plan;
    struct fl_plan_expr *expr;
};

/* --- where things end ------------------------------------------------------------------------------------- */

/* Over one sign of the text, or a whole quoted text.  *depth counts the brackets around it. */
static size_t step(const char *text, size_t at, size_t end, int *depth)
{
    const char c = text[at++];
    if (c == '(' || c == '[') ++*depth;
    if ((c == ')' || c == ']') && *depth) --*depth;
    if (c != '"' && c != '\'') return at;
    while (at < end && text[at] != c) at++;
    return at < end ? at + 1 : at;
}

/* The end of the column that begins at `at`: a comma outside of brackets and quotes, or the end. */
static size_t column_end(const char *text, size_t at, size_t end)
{
    int depth = 0;
    while (at < end && (depth || text[at] != ',')) at = step(text, at, end, &depth);
    return at;
}

/*
 * The first (or, with `last`, the last) `word` in text[at..end) that stands alone outside of brackets and quotes, or
 * `end`.
 */
static size_t find_word(const char *text, size_t at, size_t end, const char *word, int last)
{
    size_t found = end;
    int depth = 0, between = 1;
    while (at < end) {
        const size_t word_end = fl_word_end(text, at, end);
        if (between && !depth && word_end > at) {
            if (fl_is_word(text + at, word_end - at, word) && (word_end == end || fl_ascii_is_blank(text[word_end]))) {
                found = at;
                if (!last) return found;
            }
            if (text[at] != '"' && text[at] != '\'') {
                at = word_end;
                continue;
            }
        }
        between = fl_ascii_is_blank(text[at]) || text[at] == ')';
        at = step(text, at, end, &depth);
    }
    return found;
}

/* --- aggregates ------------------------------------------------------------------------------------------- */

/* "99.9" as thousandths of a percent; 0: it is none from 0.001 to 100. */
static uint32_t parse_percent(const char *text, size_t len)
{
    uint32_t value = 0, digits = 0, behind = 0;
    int point = 0;
    for (size_t i = 0; i < len; i++) {
        if (text[i] == '.' && !point && digits && i + 1 < len) {
            point = 1;
            continue;
        }
        if (!fl_ascii_is_digit(text[i]) || behind == 3) return 0;
        value = value * 10 + (uint32_t)(text[i] - '0');
        if (value > 100000) return 0;
        digits++;
        behind += (uint32_t)point;
    }
    if (!digits) return 0;
    for (; behind < 3; behind++) value *= 10;
    return value <= 100000 ? value : 0;
}

/* The kind of aggregate that a word means, 0: none. */
static uint32_t agg_kind(const char *word, size_t len, uint32_t *quantile)
{
    *quantile = 0;
    for (uint32_t kind = 1; kind <= FLOWLOG_AGG_OR; kind++) {
        const char *name = flowlog__plan_agg_word(kind);
        if (name && fl_is_word(word, len, name)) return kind;
    }
    if (len < 2 || fl_ascii_lower(word[0]) != 'p') return 0;
    *quantile = parse_percent(word + 1, len - 1);
    return *quantile ? FLOWLOG_AGG_QUANTILE : 0;
}

static flowlog_status fail_word(flowlog_error *err, flowlog_status status, const char *text, size_t at, size_t end,
                                const char *what)
{
    const size_t len = end - at;
    if (!len) return FL_FAIL_AT(err, FLOWLOG_E_SYNTAX, at, "something is missing: %s", what);
    return FL_FAIL_AT(err, status, at, "%s: '%.*s'", what, (int)(len < 64 ? len : 64), text + at);
}

/* What a step without text said, as said of a place of the text. */
static flowlog_status fail_here(flowlog_status status, flowlog_error *err, size_t at)
{
    if (status < 0 && err) {
        err->offset = at;
        err->column = (uint32_t)at + 1;
    }
    return status;
}

static flowlog_status parse_where(flowlog_plan *plan, const char *text, size_t at, size_t end, uint32_t *where,
                                  flowlog_error *err)
{
    flowlog_filter *filter = NULL;
    flowlog_filter_options options = plan->where_options;
    options.alloc = &plan->alloc;
    if (fl_skip_blanks(text, at, end) == end)
        return FL_FAIL_AT(err, FLOWLOG_E_SYNTAX, at, "a condition is missing behind 'where'");
    FL_TRY(fl_shift(flowlog_filter_parse(text + at, end - at, &options, &filter, err), err, at));
    return flowlog__plan_add_where(plan, filter, where, err);
}

/* ( TEXT ) behind a word: what stands between, and where it ends.  0: there is none. */
static int parse_brackets(const char *text, size_t at, size_t end, size_t *from, size_t *to, size_t *next)
{
    int depth = 0;
    at = fl_skip_blanks(text, at, end);
    if (at == end || text[at] != '(') return 0;
    *from = at + 1;
    do {
        *to = at;
        at = step(text, at, end, &depth);
    } while (at < end && depth);
    *next = at;
    return !depth;
}

/* What stands in the brackets of an aggregate: a field, or for a count nothing or a star. */
static flowlog_status parse_field(flowlog_plan *plan, const char *text, size_t at, size_t end,
                                  struct fl_plan_agg *agg, size_t *field_at, flowlog_error *err)
{
    at = fl_skip_blanks(text, at, end);
    while (end > at && fl_ascii_is_blank(text[end - 1])) end--;
    *field_at = at;
    if (agg->kind == FLOWLOG_AGG_COUNT && (at == end || (end - at == 1 && text[at] == '*'))) return FLOWLOG_OK;
    const size_t word_end = fl_word_end(text, at, end);
    if (word_end == at || word_end != end)
        return fail_word(err, FLOWLOG_E_SYNTAX, text, word_end, end, "one field is wanted in brackets");
    return flowlog__plan_add_field(plan, text + at, end - at, &agg->field, err);
}

/* sum(FIELD), count, either with "where CONDITION" behind it, and nothing else. */
static flowlog_status parse_agg(flowlog_plan *plan, const char *text, size_t at, size_t end, uint32_t *index,
                                flowlog_error *err)
{
    struct fl_plan_agg agg = {0, FL_NONE, 0, FL_NONE};
    at = fl_skip_blanks(text, at, end);
    const size_t word_end = fl_word_end(text, at, end);
    agg.kind = agg_kind(text + at, word_end - at, &agg.quantile);
    if (!agg.kind) return fail_word(err, FLOWLOG_E_FIELD, text, at, word_end, "not an aggregate");
    size_t from, to, next = word_end, field_at = at;
    if (parse_brackets(text, word_end, end, &from, &to, &next))
        FL_TRY(parse_field(plan, text, from, to, &agg, &field_at, err));
    if (agg.field == FL_NONE && agg.kind != FLOWLOG_AGG_COUNT)
        return FL_FAIL_AT(err, FLOWLOG_E_SYNTAX, word_end, "(FIELD) is missing behind '%.*s'",
                          (int)(word_end - at), text + at);
    next = fl_skip_blanks(text, next, end);
    if (next < end) {
        const size_t where_end = fl_word_end(text, next, end);
        if (!fl_is_word(text + next, where_end - next, "where"))
            return fail_word(err, FLOWLOG_E_SYNTAX, text, next, where_end > next ? where_end : next + 1,
                             "nothing but 'where' can stand here");
        FL_TRY(parse_where(plan, text, where_end, end, &agg.where, err));
    }
    return fail_here(flowlog__plan_add_agg(plan, &agg, index, err), err, field_at);
}

/* An aggregate, or the share or rate of one.  *operand is its number. */
static flowlog_status parse_call(flowlog_plan *plan, const char *text, size_t at, size_t end,
                                 struct fl_plan_expr *expr, uint32_t *operand, flowlog_error *err)
{
    at = fl_skip_blanks(text, at, end);
    const size_t word_end = fl_word_end(text, at, end);
    const int share = fl_is_word(text + at, word_end - at, "share");
    const int rate = fl_is_word(text + at, word_end - at, "rate");
    uint32_t agg, index;
    if (!share && !rate) {
        FL_TRY(parse_agg(plan, text, at, end, &agg, err));
        *operand = FL_OPERAND_AGG + agg;
    } else {
        size_t from, to, next;
        if (!parse_brackets(text, word_end, end, &from, &to, &next))
            return FL_FAIL_AT(err, FLOWLOG_E_SYNTAX, word_end, "(AGGREGATE) is missing behind '%s'",
                              share ? "share" : "rate");
        FL_TRY(parse_agg(plan, text, from, to, &agg, err));
        next = fl_skip_blanks(text, next, end);
        if (next != end) return fail_word(err, FLOWLOG_E_SYNTAX, text, next, end, "nothing can stand here");
        const struct fl_plan_ratio ratio = {(uint32_t)rate, agg};
        FL_TRY(fail_here(flowlog__plan_add_ratio(plan, &ratio, &index, err), err, from));
        *operand = FL_OPERAND_RATIO + index;
    }
    flowlog__plan_expr_name(expr, agg);
    return FLOWLOG_OK;
}

/* --- expressions ------------------------------------------------------------------------------------------ */

static uint32_t find_out(const flowlog_plan *plan, const char *text, size_t len)
{
    for (uint32_t o = 0; o < plan->outs; o++)
        if (strlen(plan->out[o].name) == len && memcmp(plan->out[o].name, text, len) == 0) return o;
    return FL_NONE;
}

/* The operand that a word or call of an expression means: a column, a key, an aggregate. */
static flowlog_status resolve(void *ctx, const char *text, size_t len, uint32_t *operand, flowlog_error *err)
{
    const struct context *c = ctx;
    flowlog_plan *plan = c->plan;
    const uint32_t o = find_out(plan, text, len);
    if (o != FL_NONE) {
        const struct fl_plan_expr *e = &plan->out[o].expr;
        for (uint32_t i = 0; i < e->aggs; i++) flowlog__plan_expr_name(c->expr, e->agg[i]);
        *operand = e->output ? FL_OPERAND_OUT + o : e->operand;
        return FLOWLOG_OK;
    }
    *operand = flowlog__plan_find_key(plan, text, len);
    if (*operand != FL_NONE) return FLOWLOG_OK;
    return parse_call(plan, text, 0, len, c->expr, operand, err);
}

/* 1 if text[at..end) is one call, perhaps with its where, and nothing else. */
static int is_call(const char *text, size_t at, size_t end)
{
    size_t from, to, quantile_end = fl_word_end(text, at, end), next = quantile_end;
    uint32_t quantile;
    const size_t len = quantile_end - at;
    if (!agg_kind(text + at, len, &quantile) && !fl_is_word(text + at, len, "share")
        && !fl_is_word(text + at, len, "rate")) return 0;
    (void)parse_brackets(text, quantile_end, end, &from, &to, &next);
    next = fl_skip_blanks(text, next, end);
    return next == end || fl_is_word(text + next, fl_word_end(text, next, end) - next, "where");
}

static flowlog_status parse_number(flowlog_plan *plan, const char *text, size_t at, size_t end,
                                   struct fl_plan_expr *expr, flowlog_error *err)
{
    struct context c = {plan, expr};
    size_t taken = 0;
    memset(expr, 0, sizeof *expr);
    expr->operand = FL_NONE;
    if (is_call(text, at, end)) return parse_call(plan, text, at, end, expr, &expr->operand, err);
    FL_TRY(fl_shift(flowlog__output_parse(text + at, end - at, 0, resolve, &c, &plan->alloc, &expr->output, &taken,
                                          err), err, at));
    const size_t next = fl_skip_blanks(text, at + taken, end);
    const int64_t only = flowlog__output_column(expr->output);
    if (next == end && only < 0) return FLOWLOG_OK;
    flowlog__output_free(expr->output);
    expr->output = NULL;
    if (next != end) return fail_word(err, FLOWLOG_E_SYNTAX, text, next, end, "not understood");
    expr->operand = (uint32_t)only;
    return FLOWLOG_OK;
}

/* --- columns ---------------------------------------------------------------------------------------------- */

/* "as NAME" cut off the end of a column: *end moves to before it. */
static flowlog_status parse_alias(const char *text, size_t at, size_t *end, flowlog_str *name, flowlog_error *err)
{
    const size_t as = find_word(text, at, *end, "as", 1);
    if (as == *end) {
        *name = (flowlog_str){text + at, *end - at};
        return FLOWLOG_OK;
    }
    size_t from = fl_skip_blanks(text, as + 2, *end), to = *end;
    const int quoted = from < to && (text[from] == '"' || text[from] == '\'');
    if (from == to) return FL_FAIL_AT(err, FLOWLOG_E_SYNTAX, from, "a name is missing behind 'as'");
    if (quoted && to - from >= 3 && text[to - 1] == text[from]) {
        from++;
        to--;
    } else if (quoted || fl_word_end(text, from, to) != to) {
        return fail_word(err, FLOWLOG_E_SYNTAX, text, from, to, "not one word, as a name is");
    }
    *name = (flowlog_str){text + from, to - from};
    *end = as;
    while (*end > at && fl_ascii_is_blank(text[*end - 1])) --*end;
    return FLOWLOG_OK;
}

static flowlog_status add_column(flowlog_plan *plan, const char *text, size_t at, size_t end, flowlog_error *err)
{
    struct fl_plan_expr expr;
    flowlog_str name = {text, 0};
    at = fl_skip_blanks(text, at, end);
    while (end > at && fl_ascii_is_blank(text[end - 1])) end--;
    FL_TRY(parse_alias(text, at, &end, &name, err));
    if (at == end) return FL_FAIL_AT(err, FLOWLOG_E_SYNTAX, at, "a column is missing");
    FL_TRY(parse_number(plan, text, at, end, &expr, err));
    if (!expr.output && expr.operand < FL_OPERAND_AGG) /* a key is a column already */
        return fail_word(err, FLOWLOG_E_FIELD, text, at, end, "a key, which is a column already");
    const flowlog_status status = flowlog__plan_add_out(plan, name.ptr, name.len, &expr, err);
    if (status < 0) flowlog__output_free(expr.output);
    return fail_here(status, err, (size_t)(name.ptr - text));
}

static flowlog_status add_columns(flowlog_plan *plan, const char *text, flowlog_error *err)
{
    const size_t len = strlen(text);
    for (size_t at = 0;;) {
        const size_t end = column_end(text, at, len);
        FL_TRY(add_column(plan, text, at, end, err));
        if (end == len) return FLOWLOG_OK;
        at = end + 1;
    }
}

flowlog_status flowlog_plan_select(flowlog_plan *plan, const char *columns, flowlog_error *err)
{
    if (!plan || !columns) return FL_FAIL(err, FLOWLOG_E_ARGUMENT, "no plan or no columns given");
    const struct fl_plan_mark mark = flowlog__plan_mark(plan);
    return flowlog__plan_end(plan, &mark, add_columns(plan, columns, err), err);
}

static flowlog_status add_aggregate(flowlog_plan *plan, flowlog_agg kind, const char *field, const char *alias,
                                    flowlog_error *err)
{
    struct fl_plan_expr expr;
    struct fl_plan_agg agg = {(uint32_t)kind, FL_NONE, 0, FL_NONE};
    uint32_t index;
    memset(&expr, 0, sizeof expr);
    const char *word = flowlog__plan_agg_word(agg.kind), *name = "";
    if (field) {
        const size_t len = strlen(field);
        if (!len || fl_word_end(field, 0, len) != len)
            return FL_FAIL(err, FLOWLOG_E_FIELD, "not the name of a field: '%.64s'", field);
        FL_TRY(flowlog__plan_add_field(plan, field, len, &agg.field, err));
        name = plan->field[agg.field].name;
    }
    FL_TRY(flowlog__plan_add_agg(plan, &agg, &index, err));
    expr.operand = FL_OPERAND_AGG + index;
    flowlog__plan_expr_name(&expr, index);
    if (alias) return flowlog__plan_add_out(plan, alias, strlen(alias), &expr, err);
    /* count, sum(bytes) */
    const size_t word_len = strlen(word), name_len = strlen(name), len = word_len + (field ? name_len + 2 : 0);
    char *text = flowlog__alloc(&plan->alloc, len + 1);
    if (!text) return FL_FAIL(err, FLOWLOG_E_MEMORY, "out of memory for a plan");
    memcpy(text, word, word_len);
    if (field) {
        text[word_len] = '(';
        memcpy(text + word_len + 1, name, name_len);
        text[len - 1] = ')';
    }
    const flowlog_status status = flowlog__plan_add_out(plan, text, len, &expr, err);
    flowlog__release(&plan->alloc, text, len + 1);
    return status;
}

flowlog_status flowlog_plan_aggregate(flowlog_plan *plan, flowlog_agg kind, const char *field, const char *alias,
                                      flowlog_error *err)
{
    if (!plan || !flowlog__agg_op((uint32_t)kind) || kind == FLOWLOG_AGG_QUANTILE)
        return FL_FAIL(err, FLOWLOG_E_ARGUMENT, "no plan given, or no such aggregate");
    if (alias && !*alias) return FL_FAIL(err, FLOWLOG_E_ARGUMENT, "an empty alias");
    const struct fl_plan_mark mark = flowlog__plan_mark(plan);
    return flowlog__plan_end(plan, &mark, add_aggregate(plan, kind, field, alias, err), err);
}

/* --- conditions on groups --------------------------------------------------------------------------------- */

static flowlog_status add_having(flowlog_plan *plan, const char *text, flowlog_error *err)
{
    const size_t len = strlen(text);
    struct fl_plan_expr expr;
    struct context c = {plan, &expr};
    size_t taken = 0;
    memset(&expr, 0, sizeof expr);
    expr.operand = FL_NONE;
    FL_TRY(flowlog__output_parse(text, len, 1, resolve, &c, &plan->alloc, &expr.output, &taken, err));
    const flowlog_status status = flowlog__plan_add_having(plan, &expr, err);
    if (status < 0) flowlog__output_free(expr.output);
    return status;
}

flowlog_status flowlog_plan_having(flowlog_plan *plan, const char *condition, flowlog_error *err)
{
    if (!plan || !condition) return FL_FAIL(err, FLOWLOG_E_ARGUMENT, "no plan or no condition given");
    if (fl_skip_blanks(condition, 0, strlen(condition)) == strlen(condition)) return FLOWLOG_OK;
    const struct fl_plan_mark mark = flowlog__plan_mark(plan);
    return flowlog__plan_end(plan, &mark, add_having(plan, condition, err), err);
}
