/* SPDX-License-Identifier: MIT */
/*
 * plan/derive.h - key columns that records do not have: prefixes, bins, parts of times, halves of pairs, services.
 *
 * They are computed a batch at a time, and only those that a plan has.
 */
#ifndef FL_PLAN_DERIVE_H
#define FL_PLAN_DERIVE_H

#include "plan/plan.h"

/* Memory for the derived column of one key. */
struct fl_scratch {
    void *values;       /* [rows] of up to 8 bytes */
    uint8_t *family;    /* [rows] */
    uint8_t (*wide)[16];
    uint64_t *validity;
    flowlog_span *spans;
};

struct fl_derive {
    flowlog_alloc alloc;
    uint32_t columns;      /* of the batches below: the plan's fields, then what is derived */
    uint32_t rows;         /* that there is memory for */
    uint8_t *memory;
    size_t memory_len;
    flowlog_batch batch;
    flowlog_column column[FL_PLAN_FIELDS + FL_KEYS_MAX];
    uint32_t at[FL_KEYS_MAX]; /* the column of each key */
    struct fl_scratch scratch[FL_KEYS_MAX];
};

void flowlog__derive_init(struct fl_derive *d, const flowlog_plan *plan, const flowlog_alloc *alloc);
void flowlog__derive_free(struct fl_derive *d);

/*
 * *out is a batch with the plan's fields (of which `batch` has at least the first ones, in order) and the derived
 * columns, valid until the next call; the batch itself when nothing is derived.  E_MEMORY.
 */
flowlog_status flowlog__derive(struct fl_derive *d, const flowlog_plan *plan, const flowlog_batch *batch,
                               const flowlog_batch **out);

#endif
