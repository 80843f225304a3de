/* SPDX-License-Identifier: MIT */
/*
 * agg/groups.h - the groups of a question and their aggregates, fed by batches.
 *
 * Rows are taken 64 at a time, in small loops over all of them: which rows count, their keys, hashes and
 * prefetches, lookups, aggregates.  Each loop is free of the waiting of the one before.
 *
 * Hashes are seeded for each object, so that nobody can prepare input that collides.  Nothing that is
 * given out depends on the seed, except the order of flowlog__groups_key, which callers sort.
 */
#ifndef FL_AGG_GROUPS_H
#define FL_AGG_GROUPS_H

#include "agg/key.h"
#include "agg/state.h"
#include "agg/store.h"

struct fl_group_spec {
    struct fl_keys keys;
    uint32_t aggs;
    struct fl_agg agg[FL_AGGS_MAX];
    int keep_null;       /* also groups with a null key, and NODATA and SKIPDATA rows */
    uint64_t max_groups; /* more: E_LIMIT */
};

struct fl_groups {
    flowlog_alloc alloc;
    struct fl_group_spec spec;
    const struct fl_agg_op *op[FL_AGGS_MAX];
    uint64_t null_keys;     /* rows left out */
    struct fl_store packed; /* groups of packed keys */
    struct fl_store longs;  /* groups of long keys */
    struct fl_arena arena;  /* the words of long keys */
    struct fl_pool pool;    /* of states */
};

/* Completes the spec (layout of keys and records) and copies it.  `alloc` must not be NULL. */
void flowlog__groups_init(struct fl_groups *g, const struct fl_group_spec *spec, const flowlog_alloc *alloc);
void flowlog__groups_free(struct fl_groups *g);

/*
 * Add the rows of a batch whose columns are as the spec says.  E_MEMORY, E_LIMIT, E_OVERFLOW: part of the
 * rows was added, and what is there is no longer an answer.
 */
flowlog_status flowlog__groups_add(struct fl_groups *g, const flowlog_batch *batch, flowlog_error *err);

/* Of a spec without keys: make the one group there is, before any row.  E_MEMORY. */
flowlog_status flowlog__groups_add_only(struct fl_groups *g);

/* How many groups; and group i of 0..that: key, and record of aggregates.  Borrowed until the next add. */
FL_INLINE uint64_t fl_groups_count(const struct fl_groups *g)
{
    return (uint64_t)g->packed.count + g->longs.count;
}
struct fl_key_ref flowlog__groups_key(const struct fl_groups *g, uint64_t i);
const uint64_t *flowlog__groups_record(const struct fl_groups *g, uint64_t i);

#endif
