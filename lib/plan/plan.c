/* SPDX-License-Identifier: MIT */
/* plan.c - the builder of plans: names to fields, with every mistake found when it is made. */
#include "plan/plan.h"

#include <string.h>

#include "core/alloc.h"
#include "core/error.h"
#include "schema/catalogue.h"

flowlog_status flowlog_plan_new(const flowlog_alloc *alloc, flowlog_plan **plan)
{
    if (!plan) return FLOWLOG_E_ARGUMENT;
    const flowlog_alloc a = flowlog__alloc_or_default(alloc);
    flowlog_plan *p = flowlog__alloc_zero(&a, sizeof *p);
    if (!p) return FLOWLOG_E_MEMORY;
    p->alloc = a;
    p->max_groups = FL_PLAN_GROUPS_DEFAULT;
    *plan = p;
    return FLOWLOG_OK;
}

static void release_text(const flowlog_alloc *alloc, char *text)
{
    if (text) flowlog__release(alloc, text, strlen(text) + 1);
}

void flowlog_plan_free(flowlog_plan *plan)
{
    if (!plan) return;
    const flowlog_alloc a = plan->alloc;
    for (uint32_t i = 0; i < plan->fields; i++) release_text(&a, plan->field[i].name);
    for (uint32_t i = 0; i < plan->aggs; i++) release_text(&a, plan->agg[i].name);
    flowlog__release(&a, plan->text, plan->text_cap);
    flowlog__release(&a, plan, sizeof *plan);
}

const char *flowlog_plan_fields(const flowlog_plan *plan) { return plan && plan->text ? plan->text : ""; }

const char *flowlog__plan_column(const flowlog_plan *plan, uint32_t c)
{
    return c < plan->keys ? plan->field[plan->key[c]].name : plan->agg[c - plan->keys].name;
}

int flowlog__plan_same_name(const char *a, const char *b)
{
    for (; *a && *b; a++, b++)
        if (fl_ascii_lower(*a) != fl_ascii_lower(*b) && !(fl_ascii_is_hyphen(*a) && fl_ascii_is_hyphen(*b))) return 0;
    return !*a && !*b;
}

/* --- fields ----------------------------------------------------------------------------------------------- */

static flowlog_status fail_memory(flowlog_error *err)
{
    return FL_FAIL(err, FLOWLOG_E_MEMORY, "out of memory for a plan");
}

/* A name that could stand in a format, whether the catalogue knows it or not. */
static int is_name(const char *name)
{
    if (!name || !*name) return 0;
    for (const char *c = name; *c; c++)
        if ((unsigned char)*c <= 0x20 || *c == 0x7F || *c == ',') return 0;
    return 1;
}

static struct fl_plan_field look_up(const char *name)
{
    const uint32_t field = flowlog_field_find(name, strlen(name));
    const flowlog_field_info *info = flowlog_field_get(field);
    struct fl_plan_field found = {NULL, (uint16_t)field, info ? info->type : FLOWLOG_TYPE_TEXT};
    return found;
}

static uint32_t find_field(const flowlog_plan *plan, const char *name)
{
    const uint32_t field = flowlog_field_find(name, strlen(name));
    uint32_t i = 0;
    for (; i < plan->fields; i++) {
        if (field ? plan->field[i].field == field
                  : !plan->field[i].field && flowlog__plan_same_name(plan->field[i].name, name)) break;
    }
    return i;
}

static char *copy_text(const flowlog_alloc *alloc, const char *text)
{
    const size_t len = strlen(text) + 1;
    char *copy = flowlog__alloc(alloc, len);
    if (copy) memcpy(copy, text, len);
    return copy;
}

static flowlog_status reserve_text(flowlog_plan *plan, size_t more)
{
    if (plan->text_cap - plan->text_len >= more) return FLOWLOG_OK;
    const size_t cap = plan->text_cap * 2 + more;
    char *text = flowlog__resize(&plan->alloc, plan->text, plan->text_cap, cap);
    if (!text) return FLOWLOG_E_MEMORY;
    plan->text = text;
    plan->text_cap = cap;
    return FLOWLOG_OK;
}

/* The index of a field that the plan reads, added when it is new. */
static flowlog_status add_field(flowlog_plan *plan, const char *name, uint32_t *index, flowlog_error *err)
{
    *index = find_field(plan, name);
    if (*index < plan->fields) return FLOWLOG_OK;
    struct fl_plan_field field = look_up(name);
    if (field.field) name = flowlog_field_get(field.field)->name;
    const size_t len = strlen(name);
    if (reserve_text(plan, len + 2) < 0) return fail_memory(err);
    field.name = copy_text(&plan->alloc, name);
    if (!field.name) return fail_memory(err);
    char *end = plan->text + plan->text_len;
    if (plan->fields) *end++ = ',';
    memcpy(end, name, len + 1);
    plan->text_len = (size_t)(end - plan->text) + len;
    plan->field[plan->fields++] = field;
    return FLOWLOG_OK;
}

static int has_column(const flowlog_plan *plan, const char *name)
{
    for (uint32_t c = 0; c < plan->keys + plan->aggs; c++)
        if (!strcmp(flowlog__plan_column(plan, c), name)) return 1;
    return 0;
}

/* --- the parts of a question ------------------------------------------------------------------------------ */

flowlog_status flowlog_plan_key(flowlog_plan *plan, const char *field, flowlog_error *err)
{
    if (!plan || !field) return FL_FAIL(err, FLOWLOG_E_ARGUMENT, "no plan or no field given");
    if (!is_name(field)) return FL_FAIL(err, FLOWLOG_E_FIELD, "not the name of a field: '%.64s'", field);
    uint32_t index = find_field(plan, field);
    for (uint32_t k = 0; k < plan->keys; k++)
        if (plan->key[k] == index) return FL_FAIL(err, FLOWLOG_E_DUPLICATE, "'%.64s' is a key already", field);
    const struct fl_plan_field found = look_up(field);
    const char *name = found.field ? flowlog_field_get(found.field)->name : field;
    if (has_column(plan, name))
        return FL_FAIL(err, FLOWLOG_E_DUPLICATE, "'%.64s' names an aggregate already", name);
    if (plan->keys == FL_KEYS_MAX) return FL_FAIL(err, FLOWLOG_E_LIMIT, "more than %d keys", FL_KEYS_MAX);
    FL_TRY(add_field(plan, field, &index, err));
    plan->key[plan->keys++] = index;
    return FLOWLOG_OK;
}

flowlog_status flowlog_plan_keep_null_keys(flowlog_plan *plan, int keep)
{
    if (!plan) return FLOWLOG_E_ARGUMENT;
    plan->keep_null = keep != 0;
    return FLOWLOG_OK;
}

static flowlog_status check_sum(const char *field, const char **name, flowlog_error *err)
{
    if (!field) return FL_FAIL(err, FLOWLOG_E_ARGUMENT, "a sum needs a field");
    const struct fl_plan_field found = look_up(field);
    if (!found.field) return FL_FAIL(err, FLOWLOG_E_FIELD, "unknown field '%.64s' cannot be summed", field);
    if (found.type != FLOWLOG_TYPE_U32 && found.type != FLOWLOG_TYPE_U64)
        return FL_FAIL(err, FLOWLOG_E_FIELD, "'%.64s' is not a number that can be summed", field);
    *name = flowlog_field_get(found.field)->name;
    return FLOWLOG_OK;
}

flowlog_status flowlog_plan_aggregate(flowlog_plan *plan, flowlog_agg kind, const char *field,
                                      const char *alias, flowlog_error *err)
{
    if (!plan || (kind != FLOWLOG_AGG_COUNT && kind != FLOWLOG_AGG_SUM))
        return FL_FAIL(err, FLOWLOG_E_ARGUMENT, "no plan given, or no such aggregate");
    if (kind == FLOWLOG_AGG_COUNT && field) return FL_FAIL(err, FLOWLOG_E_ARGUMENT, "a count takes no field");
    if (alias && !*alias) return FL_FAIL(err, FLOWLOG_E_ARGUMENT, "an empty alias");

    const char *name = NULL;
    char text[FL_FIELD_NAME_MAX + 6] = "count";
    if (kind == FLOWLOG_AGG_SUM) {
        FL_TRY(check_sum(field, &name, err));
        const size_t len = strlen(name);
        memcpy(text, "sum(", 4);
        memcpy(text + 4, name, len);
        memcpy(text + 4 + len, ")", 2);
    }
    if (!alias) alias = text;
    if (has_column(plan, alias)) return FL_FAIL(err, FLOWLOG_E_DUPLICATE, "two columns named '%.64s'", alias);
    if (plan->aggs == FL_AGGS_MAX) return FL_FAIL(err, FLOWLOG_E_LIMIT, "more than %d aggregates", FL_AGGS_MAX);

    struct fl_plan_agg agg = {copy_text(&plan->alloc, alias), (uint32_t)kind, UINT32_MAX};
    if (!agg.name) return fail_memory(err);
    if (name) {
        const flowlog_status status = add_field(plan, name, &agg.field, err);
        if (status < 0) {
            release_text(&plan->alloc, agg.name);
            return status;
        }
    }
    plan->agg[plan->aggs++] = agg;
    return FLOWLOG_OK;
}

/* An output column by its exact name, else a key by any name of its field. */
static int find_column(const flowlog_plan *plan, const char *name, struct fl_plan_sort *sort)
{
    for (uint32_t c = 0; c < plan->keys + plan->aggs; c++)
        if (!strcmp(flowlog__plan_column(plan, c), name)) {
            sort->is_key = c < plan->keys;
            sort->index = c < plan->keys ? c : c - plan->keys;
            return 1;
        }
    const uint32_t field = find_field(plan, name);
    for (uint32_t k = 0; k < plan->keys; k++)
        if (plan->key[k] == field) {
            sort->is_key = 1;
            sort->index = k;
            return 1;
        }
    return 0;
}

flowlog_status flowlog_plan_sort(flowlog_plan *plan, const char *column, int descending, flowlog_error *err)
{
    if (!plan || !column) return FL_FAIL(err, FLOWLOG_E_ARGUMENT, "no plan or no column given");
    struct fl_plan_sort sort = {0, 0, descending != 0};
    if (!find_column(plan, column, &sort))
        return FL_FAIL(err, FLOWLOG_E_FIELD, "no key and no aggregate is named '%.64s'", column);
    for (uint32_t i = 0; i < plan->sorts; i++)
        if (plan->sort[i].is_key == sort.is_key && plan->sort[i].index == sort.index)
            return FL_FAIL(err, FLOWLOG_E_DUPLICATE, "sorted by '%.64s' already", column);
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
    plan->max_groups = groups ? groups : FL_PLAN_GROUPS_DEFAULT;
    return FLOWLOG_OK;
}
