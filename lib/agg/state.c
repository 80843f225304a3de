/* SPDX-License-Identifier: MIT */
/* state.c - the table of aggregates, and which types they take and give, and what they share; see state.h. */
#include "agg/state.h"

#include <string.h>

#include "agg/states.h"
#include "flowlog/plan.h"

const struct fl_agg_op *flowlog__agg_op(uint32_t kind)
{
    static const struct fl_agg_op *const ops[] = {
        [FLOWLOG_AGG_COUNT] = &flowlog__agg_count,
        [FLOWLOG_AGG_SUM] = &flowlog__agg_sum,
        [FLOWLOG_AGG_MIN] = &flowlog__agg_extreme,
        [FLOWLOG_AGG_MAX] = &flowlog__agg_extreme,
        [FLOWLOG_AGG_AVG] = &flowlog__agg_avg,
        [FLOWLOG_AGG_STDDEV] = &flowlog__agg_stddev,
        [FLOWLOG_AGG_DISTINCT] = &flowlog__agg_distinct,
        [FLOWLOG_AGG_QUANTILE] = &flowlog__agg_quantile,
        [FLOWLOG_AGG_FIRST] = &flowlog__agg_pick,
        [FLOWLOG_AGG_LAST] = &flowlog__agg_pick,
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

void flowlog__clear_nothing(const struct fl_agg *agg, struct fl_pool *pool, uint64_t *words)
{
    (void)agg;
    (void)pool;
    (void)words;
}

void flowlog__address_save(const uint64_t *words, struct fl_bytes *out)
{
    uint8_t bytes[17] = {(uint8_t)words[0]};
    fl_store64(bytes + 1, fl_swap64(words[1]));
    fl_store64(bytes + 9, fl_swap64(words[2]));
    flowlog__bytes_put(out, bytes, words[0] == 4 ? 5 : 17);
}

flowlog_status flowlog__address_load(uint8_t family, struct fl_cursor *in, uint64_t *words)
{
    uint8_t bytes[16] = {0};
    const size_t len = family == 4 ? 4 : 16;
    if (family != 4 && family != 6) return FLOWLOG_E_CORRUPT;
    const uint8_t *p = flowlog__cursor_take(in, len);
    if (!p) return FLOWLOG_E_CORRUPT;
    memcpy(bytes, p, len);
    words[0] = family;
    words[1] = fl_swap64(fl_load64(bytes));
    words[2] = fl_swap64(fl_load64(bytes + 8));
    return FLOWLOG_OK;
}
