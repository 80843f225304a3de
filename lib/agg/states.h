/* SPDX-License-Identifier: MIT */
/* agg/states.h - the entries of the table of aggregates, and what they share. */
#ifndef FL_AGG_STATES_H
#define FL_AGG_STATES_H

#include "agg/state.h"
#include "core/bytes.h"
#include "core/error.h"

extern const struct fl_agg_op flowlog__agg_count, flowlog__agg_sum, flowlog__agg_or, flowlog__agg_avg,
    flowlog__agg_stddev, flowlog__agg_distinct, flowlog__agg_quantile;
extern const struct fl_agg_op flowlog__agg_extreme; /* min and max */
extern const struct fl_agg_op flowlog__agg_pick;    /* first and last */

/* For states without handles. */
void flowlog__clear_nothing(const struct fl_agg *agg, struct fl_pool *pool, uint64_t *words);

/* --- columns ---------------------------------------------------------------------------------------------- */

/*
 * Loops are written once for columns of 32 and of 64 bits, and for rows that follow one another or do not, as
 *
 *     FL_INLINE uint32_t loop(const struct fl_update *u, const struct fl_agg *agg, int wide, const uint32_t *rows)
 *
 * and compiled once for each: FL_BY_FORM calls the right one.  In them row i is fl_row, its number fl_number.
 */
#define FL_BY_FORM(loop, u, agg, type)                                                                     \
    ((type) == FLOWLOG_TYPE_U32 ? ((u)->rows ? loop((u), (agg), 0, (u)->rows) : loop((u), (agg), 0, NULL)) \
                                : ((u)->rows ? loop((u), (agg), 1, (u)->rows) : loop((u), (agg), 1, NULL)))

FL_INLINE size_t fl_row(const struct fl_update *u, const uint32_t *rows, uint32_t i)
{
    return rows ? rows[i] : (size_t)u->first + i; /* in 32 bits the sum could wrap, and loops would be slower */
}

/* U32, or by its bits U64 and TIME. */
FL_INLINE uint64_t fl_number(const void *values, int wide, size_t row)
{
    return wide ? ((const uint64_t *)values)[row] : ((const uint32_t *)values)[row];
}

FL_INLINE int fl_number_fits(uint32_t type, uint64_t v) { return type != FLOWLOG_TYPE_U32 || v <= UINT32_MAX; }

FL_INLINE const flowlog_column *fl_column(const struct fl_update *u, const struct fl_agg *agg)
{
    return &u->batch->column[agg->column];
}

/* --- addresses in three words: family, then 16 bytes in network order as a number ------------------------- */

/* 0: the row has none, and the words are zero. */
FL_INLINE int fl_address(const flowlog_column *c, size_t row, uint64_t *words)
{
    words[0] = c->family[row];
    words[1] = (uint64_t)((const uint32_t *)c->values)[row] << 32;
    words[2] = 0;
    if (words[0] == 6) {
        words[1] = fl_swap64(fl_load64(c->wide[row]));
        words[2] = fl_swap64(fl_load64(c->wide[row] + 8));
    }
    return words[0] != 0;
}

FL_INLINE void fl_address_value(const uint64_t *words, flowlog_addr *addr)
{
    addr->family = (uint32_t)words[0];
    fl_store64(addr->bytes, fl_swap64(words[1]));
    fl_store64(addr->bytes + 8, fl_swap64(words[2]));
}

/* The family, then 4 or 16 bytes; and what follows the family. */
void flowlog__address_save(const uint64_t *words, struct fl_bytes *out);
flowlog_status flowlog__address_load(uint8_t family, struct fl_cursor *in, uint64_t *words);

#endif
