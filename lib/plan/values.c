/* SPDX-License-Identifier: MIT */
/* values.c - see values.h. */
#include "plan/values.h"

#include <string.h>

#include "core/decimal.h"
#include "core/error.h"

static int finish(const struct fl_groups *g, uint64_t group, uint32_t a, flowlog_value *value)
{
    const struct fl_agg *agg = &g->spec.agg[a];
    return g->op[a]->finish(agg, &g->pool, fl_groups_record(g, group) + agg->word, value);
}

flowlog_status flowlog__values_init(struct fl_values *v, const flowlog_plan *plan, const struct fl_groups *groups,
                                    uint64_t rate_sec, flowlog_error *err)
{
    memset(v, 0, sizeof *v);
    v->plan = plan;
    v->groups = groups;
    v->rate_sec = rate_sec;
    const uint64_t count = fl_groups_count(groups);
    for (uint32_t a = 0; a < plan->aggs; a++) {
        if (!groups->op[a]->plain) continue; /* COUNT and SUM are */
        const uint32_t word = groups->spec.agg[a].word;
        uint64_t total = 0;
        int too_large = 0;
        for (uint64_t i = 0; i < count; i++) {
            const uint64_t number = fl_groups_record(groups, i)[word];
            total += number;
            too_large |= total < number;
        }
        v->total[a] = total;
        v->too_large[a] = (uint8_t)too_large;
    }
    for (uint32_t i = 0; i < plan->ratios; i++)
        if (!plan->ratio[i].is_rate && v->too_large[plan->ratio[i].agg])
            return FL_FAIL(err, FLOWLOG_E_OVERFLOW, "the total that a share is of exceeds 64 bits");
    return FLOWLOG_OK;
}

static void set_decimal(flowlog_value *value, int valid, struct fl_decimal d)
{
    memset(value, 0, sizeof *value);
    value->type = FLOWLOG_TYPE_DECIMAL;
    value->is_null = !valid;
    if (!valid) return;
    value->number = d.whole;
    value->billionths = d.billionths;
    value->code = (uint16_t)d.negative;
}

static struct fl_decimal decimal_of_value(const flowlog_value *value)
{
    if (value->type != FLOWLOG_TYPE_DECIMAL) return flowlog__decimal_of(value->number);
    return (struct fl_decimal){value->number, value->billionths, value->code};
}

static void set_ratio(const struct fl_values *v, const struct fl_plan_ratio *ratio, const struct fl_row *row,
                      flowlog_value *value)
{
    const uint64_t whole = ratio->is_rate ? v->rate_sec : v->total[ratio->agg];
    struct fl_decimal d = {0, 0, 0};
    const int valid = flowlog__decimal_ratio(row->value[FL_OPERAND_AGG + ratio->agg].number, whole, &d);
    set_decimal(value, valid, d);
}

static void set_bit(uint64_t *bits, uint32_t i) { bits[i / 64] |= UINT64_C(1) << i % 64; }

static void set_out(const struct fl_values *v, uint32_t o, struct fl_row *row)
{
    const struct fl_plan_expr *e = &v->plan->out[o].expr;
    flowlog_value *value = &row->value[FL_OPERAND_OUT + o];
    flowlog__output_eval(e->output, row->value, value);
    /* Of one type in all rows. */
    if (!value->is_null) set_decimal(value, 1, decimal_of_value(value));
    value->type = FLOWLOG_TYPE_DECIMAL;
    uint64_t any = 0;
    for (uint32_t w = 0; w < FL_OPERAND_WORDS; w++) any |= e->uses[w] & row->estimated[w];
    if (any) set_bit(row->estimated, FL_OPERAND_OUT + o);
}

void flowlog__values_row(const struct fl_values *v, uint64_t group, const uint64_t uses[FL_OPERAND_WORDS],
                         struct fl_row *row)
{
    const flowlog_plan *p = v->plan;
    memset(row->estimated, 0, sizeof row->estimated);
    for (uint32_t k = 0; k < p->keys; k++)
        if (fl_uses(uses, k))
            flowlog__keys_value(&v->groups->spec.keys, flowlog__groups_key(v->groups, group), k, &row->value[k]);
    uint32_t needed[FL_AGGS_MAX] = {0}; /* by ratios */
    for (uint32_t i = 0; i < p->ratios; i++)
        if (fl_uses(uses, FL_OPERAND_RATIO + i)) needed[p->ratio[i].agg] = 1;
    for (uint32_t a = 0; a < p->aggs; a++) {
        const uint32_t operand = FL_OPERAND_AGG + a;
        if (!needed[a] && !fl_uses(uses, operand)) continue;
        if (finish(v->groups, group, a, &row->value[operand])) set_bit(row->estimated, operand);
    }
    for (uint32_t i = 0; i < p->ratios; i++)
        if (fl_uses(uses, FL_OPERAND_RATIO + i))
            set_ratio(v, &p->ratio[i], row, &row->value[FL_OPERAND_RATIO + i]);
    for (uint32_t o = 0; o < p->outs; o++) /* what a column uses stands before it */
        if (fl_uses(uses, FL_OPERAND_OUT + o)) set_out(v, o, row);
}

const flowlog_value *flowlog__values_out(const struct fl_values *v, const struct fl_row *row, uint32_t out,
                                         int *estimated)
{
    const struct fl_plan_expr *e = &v->plan->out[out].expr;
    const uint32_t operand = e->output ? FL_OPERAND_OUT + out : e->operand;
    *estimated = fl_uses(row->estimated, operand);
    return &row->value[operand];
}

int flowlog__values_match(const struct fl_values *v, uint64_t group, struct fl_row *row)
{
    for (uint32_t h = 0; h < v->plan->havings; h++) {
        const struct fl_plan_expr *e = &v->plan->having[h];
        flowlog_value value;
        flowlog__values_row(v, group, e->uses, row);
        flowlog__output_eval(e->output, row->value, &value);
        if (value.is_null || !value.number) return 0;
    }
    return 1;
}

int flowlog__values_compare(const flowlog_value *a, const flowlog_value *b)
{
    if (a->is_null || b->is_null || a->type != FLOWLOG_TYPE_DECIMAL) return flowlog__value_compare(a, b);
    return flowlog__decimal_compare(decimal_of_value(a), decimal_of_value(b));
}
