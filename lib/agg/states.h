/* SPDX-License-Identifier: MIT */
/* agg/states.h - the entries of the table of aggregates, and what their loops share. */
#ifndef FL_AGG_STATES_H
#define FL_AGG_STATES_H

#include "agg/state.h"
#include "core/bytes.h"

extern const struct fl_agg_op flowlog__agg_count, flowlog__agg_sum, flowlog__agg_or;

/*
 * Loops are written once for columns of 32 and of 64 bits, and for rows that follow one another or do not, as
 *
 *     FL_INLINE uint32_t loop(const struct fl_update *u, const struct fl_agg *agg, int wide, const uint32_t *rows)
 *
 * and compiled once for each: FL_BY_FORM calls the right one.  In them row i is fl_row, its number fl_number.
 */
#define FL_BY_FORM(loop, u, agg, type)                                                          \
    ((type) == FLOWLOG_TYPE_U32 ? ((u)->rows ? loop((u), (agg), 0, (u)->rows) : loop((u), (agg), 0, NULL)) \
                                : ((u)->rows ? loop((u), (agg), 1, (u)->rows) : loop((u), (agg), 1, NULL)))

FL_INLINE uint32_t fl_row(const struct fl_update *u, const uint32_t *rows, uint32_t i)
{
    return rows ? rows[i] : u->first + i;
}

/* U32, or by its bits U64 and TIME. */
FL_INLINE uint64_t fl_number(const void *values, int wide, uint32_t row)
{
    return wide ? ((const uint64_t *)values)[row] : ((const uint32_t *)values)[row];
}

FL_INLINE const flowlog_column *fl_column(const struct fl_update *u, const struct fl_agg *agg)
{
    return &u->batch->column[agg->column];
}

#endif
