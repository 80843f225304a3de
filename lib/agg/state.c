/* SPDX-License-Identifier: MIT */
/* state.c - the table of aggregates, and which types they take and give; see state.h. */
#include "agg/state.h"

#include "agg/states.h"
#include "flowlog/plan.h"

const struct fl_agg_op *flowlog__agg_op(uint32_t kind)
{
    static const struct fl_agg_op *const ops[] = {
        [FLOWLOG_AGG_COUNT] = &flowlog__agg_count,
        [FLOWLOG_AGG_SUM] = &flowlog__agg_sum,
        [FLOWLOG_AGG_OR] = &flowlog__agg_or,
    };
    return kind < sizeof ops / sizeof ops[0] ? ops[kind] : NULL;
}

uint32_t flowlog__agg_type(uint32_t kind, uint32_t type)
{
    const int is_number = type == FLOWLOG_TYPE_U32 || type == FLOWLOG_TYPE_U64;
    switch (kind) {
    case FLOWLOG_AGG_COUNT:
    case FLOWLOG_AGG_DISTINCT: return FLOWLOG_TYPE_U64;
    case FLOWLOG_AGG_SUM: return is_number ? FLOWLOG_TYPE_U64 : 0;
    case FLOWLOG_AGG_AVG:
    case FLOWLOG_AGG_STDDEV: return is_number ? FLOWLOG_TYPE_DECIMAL : 0;
    case FLOWLOG_AGG_OR: return is_number ? type : 0;
    case FLOWLOG_AGG_MIN:
    case FLOWLOG_AGG_MAX: return is_number || type == FLOWLOG_TYPE_TIME || type == FLOWLOG_TYPE_ADDR ? type : 0;
    case FLOWLOG_AGG_QUANTILE: return is_number || type == FLOWLOG_TYPE_TIME ? type : 0;
    case FLOWLOG_AGG_FIRST:
    case FLOWLOG_AGG_LAST: return type >= FLOWLOG_TYPE_TEXT && type <= FLOWLOG_TYPE_ENUM ? type : 0;
    default: return 0;
    }
}
