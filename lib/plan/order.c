/* SPDX-License-Identifier: MIT */
/*
 * order.c - selection and sorting of groups; see order.h.
 *
 * The order has the plan's columns and then the remaining keys, so that no two groups are equal and the
 * result is one and the same.  For its first two columns each group carries a number that grows with the
 * column (exactly, or as far as 64 bits reach), and most comparisons look no further.
 *
 * With a limit below the number of groups a heap holds the best so far, the worst of them at its root:
 * almost every group fails against the root's first number.  What remains is merge sorted.
 */
#include "plan/order.h"

#include <string.h>

#include "core/alloc.h"
#include "core/error.h"

enum { FL_TERMS = FL_PLAN_COLUMNS };

struct order {
    const struct fl_values *v;
    uint32_t terms;
    struct fl_plan_sort term[FL_TERMS];
    uint64_t uses[FL_TERMS][FL_OPERAND_WORDS];
    uint8_t exact[2]; /* the number of these columns is all there is of them */
    uint8_t plain[2]; /* and it is this word of the group's record */
    uint32_t word[2];
    struct fl_row row[2];
};

static void add_term(struct order *o, struct fl_plan_sort sort)
{
    const flowlog_plan *plan = o->v->plan;
    const uint32_t t = o->terms++;
    o->term[t] = sort;
    if (sort.is_key) return;
    const struct fl_plan_expr *e = &plan->out[sort.index].expr;
    memcpy(o->uses[t], e->uses, sizeof e->uses);
    const uint32_t operand = e->output ? FL_OPERAND_OUT + sort.index : e->operand;
    o->uses[t][operand / 64] |= UINT64_C(1) << operand % 64;
    if (t >= 2 || operand < FL_OPERAND_AGG || operand >= FL_OPERAND_RATIO) return;
    const uint32_t kind = plan->agg[operand - FL_OPERAND_AGG].kind; /* of these none is null */
    o->exact[t] = kind == FLOWLOG_AGG_COUNT || kind == FLOWLOG_AGG_SUM || kind == FLOWLOG_AGG_DISTINCT;
    o->plain[t] = o->v->groups->op[operand - FL_OPERAND_AGG]->plain;
    o->word[t] = o->v->groups->spec.agg[operand - FL_OPERAND_AGG].word;
}

static void set_terms(struct order *o)
{
    const flowlog_plan *plan = o->v->plan;
    for (uint32_t i = 0; i < plan->sorts; i++) add_term(o, plan->sort[i]);
    for (uint32_t k = 0; k < plan->keys; k++) {
        uint32_t i = 0;
        while (i < plan->sorts && !(plan->sort[i].is_key && plan->sort[i].index == k)) i++;
        if (i == plan->sorts) add_term(o, (struct fl_plan_sort){1, k, 0});
    }
}

/* --- numbers that grow with values ------------------------------------------------------------------------ */

/* 2^64 numbers of nine digits are more than 64 bits hold: exact below 2^32, and coarser above. */
static uint64_t prefix_of_decimal(const flowlog_value *v)
{
    const uint64_t middle = UINT64_C(1) << 63;
    const uint64_t size = v->number <= UINT32_MAX ? v->number << 30 | v->billionths /* less than 2^30 */
                                                  : UINT64_C(1) << 62 | v->number >> 2;
    return v->code ? middle - 1 - size : middle | size;
}

/* Grows with the value; equal for different values only beyond its 64 bits. */
static uint64_t prefix_of_value(const flowlog_value *v)
{
    uint64_t n = 0;
    if (v->is_null) return 0;
    switch (v->type) {
    case FLOWLOG_TYPE_NET:
    case FLOWLOG_TYPE_ADDR:
        for (int i = 0; i < 8; i++) n = n << 8 | v->addr.bytes[i];
        return v->addr.family == 4 ? (n >> 32) + 1 : UINT64_C(1) << 63 | n >> 1;
    case FLOWLOG_TYPE_TEXT:
    case FLOWLOG_TYPE_ENUM:
        for (size_t i = 0; i < 8; i++) n = n << 8 | (i < v->text.len ? (unsigned char)v->text.ptr[i] : 0);
        break;
    case FLOWLOG_TYPE_DECIMAL: return prefix_of_decimal(v);
    case FLOWLOG_TYPE_TIME: n = v->number ^ UINT64_C(1) << 63; break;
    default: n = v->number;
    }
    return n < UINT64_MAX ? n + 1 : n;
}

static const flowlog_value *value_of(const struct order *o, uint32_t group, uint32_t t, struct fl_row *row)
{
    const struct fl_groups *g = o->v->groups;
    if (o->term[t].is_key) {
        const uint32_t k = o->term[t].index;
        flowlog__keys_value(&g->spec.keys, flowlog__groups_key(g, group), k, &row->value[k]);
        return &row->value[k];
    }
    int estimated;
    flowlog__values_row(o->v, group, o->uses[t], row);
    return flowlog__values_out(o->v, row, o->term[t].index, &estimated);
}

static uint64_t prefix(struct order *o, uint32_t group, uint32_t t)
{
    uint64_t n;
    if (t >= o->terms) return 0;
    if (o->plain[t]) {
        n = fl_groups_record(o->v->groups, group)[o->word[t]];
    } else {
        const flowlog_value *value = value_of(o, group, t, &o->row[0]);
        n = o->exact[t] ? value->number : prefix_of_value(value);
    }
    return o->term[t].descending ? ~n : n;
}

/* --- order ------------------------------------------------------------------------------------------------ */

static int compare_term(struct order *o, uint32_t a, uint32_t b, uint32_t t)
{
    const flowlog_value *x = value_of(o, a, t, &o->row[0]);
    const int c = flowlog__values_compare(x, value_of(o, b, t, &o->row[1]));
    return o->term[t].descending ? -c : c;
}

/* 1 if a comes before b.  Never called with one group twice. */
static int before(struct order *o, const struct fl_ranked *a, const struct fl_ranked *b)
{
    for (uint32_t t = 0; t < o->terms; t++) {
        if (t < 2 && a->prefix[t] != b->prefix[t]) return a->prefix[t] < b->prefix[t];
        if (t < 2 && o->exact[t]) continue;
        const int c = compare_term(o, a->group, b->group, t);
        if (c) return c < 0;
    }
    return 0;
}

/* A heap whose root comes last. */
static void sift_down(struct order *o, struct fl_ranked *heap, size_t root, size_t count)
{
    const struct fl_ranked moving = heap[root];
    for (size_t child; (child = 2 * root + 1) < count; root = child) {
        if (child + 1 < count && before(o, &heap[child], &heap[child + 1])) child++;
        if (!before(o, &moving, &heap[child])) break;
        heap[root] = heap[child];
    }
    heap[root] = moving;
}

/* The first `cap` of the groups that match, as a heap when there are more of them. */
static size_t select_first(struct order *o, struct fl_ranked *heap, size_t cap)
{
    const uint64_t groups = fl_groups_count(o->v->groups);
    size_t count = 0;
    int full = 0;
    for (uint32_t i = 0; i < groups; i++) {
        if (o->v->plan->havings && !flowlog__values_match(o->v, i, &o->row[0])) continue;
        struct fl_ranked one = {{prefix(o, i, 0), 0}, i};
        if (full && one.prefix[0] > heap[0].prefix[0]) continue;
        one.prefix[1] = prefix(o, i, 1);
        if (count < cap) {
            heap[count++] = one;
            continue;
        }
        for (size_t k = count / 2; !full && k-- > 0;) sift_down(o, heap, k, count);
        full = 1;
        if (!before(o, &one, &heap[0])) continue;
        heap[0] = one;
        sift_down(o, heap, 0, count);
    }
    return count;
}

typedef int (*before_fn)(struct order *o, const struct fl_ranked *a, const struct fl_ranked *b);

/* Stable.  Runs of RUN by insertion, then merged from one array into the other.  Returns the one it ended in. */
static struct fl_ranked *merge_sort(struct order *o, before_fn is_before, struct fl_ranked *a, struct fl_ranked *b,
                                    size_t count)
{
    enum { RUN = 8 };
    for (size_t start = 0; start < count; start += RUN) {
        const size_t end = count - start < RUN ? count : start + RUN;
        for (size_t i = start + 1; i < end; i++) {
            const struct fl_ranked one = a[i];
            size_t j = i;
            for (; j > start && is_before(o, &one, &a[j - 1]); j--) a[j] = a[j - 1];
            a[j] = one;
        }
    }
    for (size_t run = RUN; run < count; run *= 2) {
        for (size_t start = 0; start < count; start += 2 * run) {
            const size_t middle = count - start < run ? count : start + run;
            const size_t end = count - start < 2 * run ? count : start + 2 * run;
            size_t i = start, j = middle;
            for (size_t k = start; k < end; k++)
                b[k] = i < middle && (j == end || !is_before(o, &a[j], &a[i])) ? a[i++] : a[j++];
        }
        struct fl_ranked *swap = a;
        a = b;
        b = swap;
    }
    return a;
}

/* --- a limit for each value of some keys ------------------------------------------------------------------ */

static int compare_per(struct order *o, const struct fl_ranked *a, const struct fl_ranked *b)
{
    const struct fl_groups *g = o->v->groups;
    for (uint32_t k = 0; k < o->v->plan->keys; k++) {
        if (!(o->v->plan->per_keys >> k & 1)) continue;
        flowlog_value x, y;
        flowlog__keys_value(&g->spec.keys, flowlog__groups_key(g, a->group), k, &x);
        flowlog__keys_value(&g->spec.keys, flowlog__groups_key(g, b->group), k, &y);
        const int c = flowlog__values_compare(&x, &y);
        if (c) return c;
    }
    return 0;
}

static int before_per(struct order *o, const struct fl_ranked *a, const struct fl_ranked *b)
{
    return compare_per(o, a, b) < 0;
}

static int before_place(struct order *o, const struct fl_ranked *a, const struct fl_ranked *b)
{
    (void)o;
    return a->prefix[0] < b->prefix[0];
}

/*
 * Sorted by those keys and, since sorting is stable, in the plan's order among equal ones, the rows to leave out are
 * those too far behind the first one of their keys; what is left goes back to its place.
 */
static struct fl_ranked *limit_per(struct order *o, struct fl_ranked *a, struct fl_ranked *b, size_t *count)
{
    for (size_t i = 0; i < *count; i++) a[i].prefix[0] = i;
    struct fl_ranked *sorted = merge_sort(o, before_per, a, b, *count), *other = sorted == a ? b : a;
    size_t kept = 0, first = 0;
    for (size_t i = 0; i < *count; i++) {
        if (i && compare_per(o, &sorted[i - 1], &sorted[i])) first = i;
        if (i - first < o->v->plan->limit_per) other[kept++] = sorted[i];
    }
    *count = kept;
    return merge_sort(o, before_place, other, sorted, kept);
}

void flowlog__ranking_free(struct fl_ranking *ranking, const flowlog_alloc *alloc)
{
    flowlog__release(alloc, ranking->ranked, ranking->cap * sizeof *ranking->ranked);
}

flowlog_status flowlog__order(const struct fl_values *v, const flowlog_alloc *alloc, struct fl_ranking *ranking)
{
    const flowlog_plan *plan = v->plan;
    const uint64_t groups = fl_groups_count(v->groups);
    const uint64_t cap = plan->limit && plan->limit < groups && !plan->limit_per ? plan->limit : groups;
    memset(ranking, 0, sizeof *ranking);
    if (!cap) return FLOWLOG_OK;
    if (cap > SIZE_MAX / sizeof(struct fl_ranked)) return FLOWLOG_E_MEMORY;
    const size_t len = (size_t)cap * sizeof(struct fl_ranked);
    struct order *o = flowlog__alloc_zero(alloc, sizeof *o);
    struct fl_ranked *a = flowlog__alloc(alloc, len), *b = flowlog__alloc(alloc, len);
    flowlog_status status = FLOWLOG_E_MEMORY;
    if (o && a && b) {
        o->v = v;
        set_terms(o);
        ranking->cap = (size_t)cap;
        ranking->count = select_first(o, a, (size_t)cap);
        ranking->ranked = merge_sort(o, before, a, b, ranking->count);
        if (plan->limit_per)
            ranking->ranked = limit_per(o, ranking->ranked, ranking->ranked == a ? b : a, &ranking->count);
        if (plan->limit && ranking->count > plan->limit) ranking->count = (size_t)plan->limit;
        status = FLOWLOG_OK;
    }
    if (a != ranking->ranked || !a) flowlog__release(alloc, a, len);
    if (b != ranking->ranked || !b) flowlog__release(alloc, b, len);
    flowlog__release(alloc, o, sizeof *o);
    return status;
}
