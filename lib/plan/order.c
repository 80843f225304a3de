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

struct order {
    const struct fl_groups *g;
    uint32_t terms;
    struct fl_plan_sort term[FL_PLAN_COLUMNS];
};

static void set_terms(struct order *o, const flowlog_plan *plan)
{
    for (uint32_t i = 0; i < plan->sorts; i++) o->term[o->terms++] = plan->sort[i];
    for (uint32_t k = 0; k < plan->keys; k++) {
        uint32_t i = 0;
        while (i < plan->sorts && !(plan->sort[i].is_key && plan->sort[i].index == k)) i++;
        if (i == plan->sorts) o->term[o->terms++] = (struct fl_plan_sort){1, k, 0};
    }
}

/* Grows with the value; equal for different values only beyond its 64 bits. */
static uint64_t prefix_of_value(const flowlog_value *v)
{
    uint64_t n;
    if (v->is_null) return 0;
    if (v->type == FLOWLOG_TYPE_ADDR) {
        n = 0;
        for (int i = 0; i < 8; i++) n = n << 8 | v->addr.bytes[i];
        return v->addr.family == 4 ? (n >> 32) + 1 : UINT64_C(1) << 63 | n >> 1;
    }
    if (v->type == FLOWLOG_TYPE_TEXT || v->type == FLOWLOG_TYPE_ENUM) {
        n = 0;
        for (size_t i = 0; i < 8; i++) n = n << 8 | (i < v->text.len ? (unsigned char)v->text.ptr[i] : 0);
    } else {
        n = v->type == FLOWLOG_TYPE_TIME ? v->number ^ UINT64_C(1) << 63 : v->number;
    }
    return n < UINT64_MAX ? n + 1 : n;
}

static uint64_t aggregate_of(const struct order *o, uint32_t group, uint32_t index)
{
    const struct fl_agg *agg = &o->g->spec.agg[index];
    flowlog_value value;
    flowlog__agg_op(agg->kind)->finish(agg, &o->g->pool, flowlog__groups_record(o->g, group) + agg->word, &value);
    return value.number;
}

static uint64_t prefix(const struct order *o, uint32_t group, uint32_t t)
{
    if (t >= o->terms) return 0;
    uint64_t n;
    if (o->term[t].is_key) {
        flowlog_value value;
        flowlog__keys_value(&o->g->spec.keys, flowlog__groups_key(o->g, group), o->term[t].index, &value);
        n = prefix_of_value(&value);
    } else {
        n = aggregate_of(o, group, o->term[t].index);
    }
    return o->term[t].descending ? ~n : n;
}

static int compare_term(const struct order *o, uint32_t a, uint32_t b, const struct fl_plan_sort *term)
{
    int c;
    if (term->is_key) {
        flowlog_value x, y;
        flowlog__keys_value(&o->g->spec.keys, flowlog__groups_key(o->g, a), term->index, &x);
        flowlog__keys_value(&o->g->spec.keys, flowlog__groups_key(o->g, b), term->index, &y);
        c = flowlog__value_compare(&x, &y);
    } else {
        const uint64_t x = aggregate_of(o, a, term->index), y = aggregate_of(o, b, term->index);
        c = (x > y) - (x < y);
    }
    return term->descending ? -c : c;
}

/* 1 if a comes before b.  Never called with one group twice. */
static int before(const struct order *o, const struct fl_ranked *a, const struct fl_ranked *b)
{
    for (uint32_t t = 0; t < o->terms; t++) {
        if (t < 2 && a->prefix[t] != b->prefix[t]) return a->prefix[t] < b->prefix[t];
        if (t < 2 && !o->term[t].is_key) continue; /* the number is all there is of an aggregate */
        const int c = compare_term(o, a->group, b->group, &o->term[t]);
        if (c) return c < 0;
    }
    return 0;
}

/* A heap whose root comes last. */
static void sift_down(const struct order *o, struct fl_ranked *heap, size_t root, size_t count)
{
    const struct fl_ranked moving = heap[root];
    for (size_t child; (child = 2 * root + 1) < count; root = child) {
        if (child + 1 < count && before(o, &heap[child], &heap[child + 1])) child++;
        if (!before(o, &moving, &heap[child])) break;
        heap[root] = heap[child];
    }
    heap[root] = moving;
}

static void select_first(const struct order *o, struct fl_ranked *heap, size_t count)
{
    const uint64_t groups = fl_groups_count(o->g);
    for (uint32_t i = 0; i < count; i++) heap[i] = (struct fl_ranked){{prefix(o, i, 0), prefix(o, i, 1)}, i};
    if (count == groups) return;
    for (size_t i = count / 2; i-- > 0;) sift_down(o, heap, i, count);
    for (uint32_t i = (uint32_t)count; i < groups; i++) {
        struct fl_ranked one = {{prefix(o, i, 0), 0}, i};
        if (one.prefix[0] > heap[0].prefix[0]) continue;
        one.prefix[1] = prefix(o, i, 1);
        if (!before(o, &one, &heap[0])) continue;
        heap[0] = one;
        sift_down(o, heap, 0, count);
    }
}

/* Runs of RUN by insertion, then merged from one array into the other.  Returns the one it ended in. */
static struct fl_ranked *merge_sort(const struct order *o, struct fl_ranked *a, struct fl_ranked *b, size_t count)
{
    enum { RUN = 8 };
    for (size_t start = 0; start < count; start += RUN) {
        const size_t end = count - start < RUN ? count : start + RUN;
        for (size_t i = start + 1; i < end; i++) {
            const struct fl_ranked one = a[i];
            size_t j = i;
            for (; j > start && before(o, &one, &a[j - 1]); j--) a[j] = a[j - 1];
            a[j] = one;
        }
    }
    for (size_t run = RUN; run < count; run *= 2) {
        for (size_t start = 0; start < count; start += 2 * run) {
            const size_t middle = count - start < run ? count : start + run;
            const size_t end = count - start < 2 * run ? count : start + 2 * run;
            size_t i = start, j = middle;
            for (size_t k = start; k < end; k++)
                b[k] = i < middle && (j == end || !before(o, &a[j], &a[i])) ? a[i++] : a[j++];
        }
        struct fl_ranked *swap = a;
        a = b;
        b = swap;
    }
    return a;
}

flowlog_status flowlog__order(const flowlog_plan *plan, const struct fl_groups *g, const flowlog_alloc *alloc,
                              uint64_t limit, struct fl_ranked **ranked, size_t *count)
{
    struct order o = {.g = g, .terms = 0};
    set_terms(&o, plan);
    const uint64_t groups = fl_groups_count(g), rows = limit && limit < groups ? limit : groups;
    *ranked = NULL;
    *count = (size_t)rows;
    if (!rows) return FLOWLOG_OK;
    if (rows > SIZE_MAX / sizeof(struct fl_ranked)) return FLOWLOG_E_MEMORY;
    const size_t len = (size_t)rows * sizeof(struct fl_ranked);
    struct fl_ranked *a = flowlog__alloc(alloc, len), *b = flowlog__alloc(alloc, len);
    if (!a || !b) {
        flowlog__release(alloc, a, len);
        flowlog__release(alloc, b, len);
        return FLOWLOG_E_MEMORY;
    }
    select_first(&o, a, (size_t)rows);
    *ranked = merge_sort(&o, a, b, (size_t)rows);
    flowlog__release(alloc, *ranked == a ? b : a, len);
    return FLOWLOG_OK;
}
