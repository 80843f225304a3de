/* SPDX-License-Identifier: MIT */
/*
 * agg/groups.h - the groups of a question and their aggregates, fed by batches.
 *
 * Rows are taken 64 at a time, in small loops over all of them: which rows count, their keys, hashes and
 * prefetches, lookups, aggregates.  Each loop is free of the waiting of the one before, and three chunks are under way
 * at once: while the keys of one are made, the buckets of the one before it and the records of the one before that
 * arrive.
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
    int keep_null;       /* also groups with a null key */
    int all_rows;        /* also NODATA and SKIPDATA rows */
    uint64_t max_groups; /* more: E_LIMIT, or approximate */
    int approximate;     /* Space-Saving from max_groups on (approximate.c) */
    uint32_t weight;     /* the aggregate whose largest groups it keeps: a COUNT or SUM */
};

struct fl_groups {
    flowlog_alloc alloc;
    struct fl_group_spec spec;
    const struct fl_agg_op *op[FL_AGGS_MAX];
    uint64_t null_keys;     /* rows left out because a key was null */
    uint64_t counted;       /* rows that took part */
    struct fl_store packed; /* groups of packed keys */
    struct fl_store longs;  /* groups of long keys */
    struct fl_arena arena;  /* the words of long keys */
    struct fl_pool pool;    /* what states have beside their records */
    int approximated;       /* groups were given up; all keys are long, and there are max_groups */
    struct fl_weighed *heap; /* then: all groups, the smallest weight at its root */
    size_t heap_len;         /* bytes */
};

/* Completes the spec (layout of keys and records) and copies it.  `alloc` must not be NULL. */
void flowlog__groups_init(struct fl_groups *g, const struct fl_group_spec *spec, const flowlog_alloc *alloc);
void flowlog__groups_free(struct fl_groups *g);

/*
 * Add those rows of a batch, whose columns are as the spec says, that are in `selection` (a bit for each row; NULL:
 * all).  wheres[w] is such a bitmap for the aggregates whose `where` is w.  E_MEMORY, E_LIMIT, E_OVERFLOW: part of
 * the rows was added, and what is there is no longer an answer.
 */
flowlog_status flowlog__groups_add(struct fl_groups *g, const flowlog_batch *batch, const uint64_t *selection,
                                   const uint64_t *const *wheres, flowlog_error *err);

/* Of a spec without keys: make the one group there is, before any row.  E_MEMORY. */
flowlog_status flowlog__groups_add_only(struct fl_groups *g);

/*
 * Add all of `from`, which is another one of an equal spec and stays as it is.  Associative and commutative in what
 * flowlog__groups_save writes, until groups are given up.  Errors as of add.
 */
flowlog_status flowlog__groups_merge(struct fl_groups *g, const struct fl_groups *from, flowlog_error *err);

/*
 * Write all of it in the form of partials (save.c): the same bytes for the same groups.  Memory: out->failed.
 *
 * Load reads it into one that has no rows yet, of the same spec.  E_CORRUPT for anything that save would not have
 * written, with the offset; E_MEMORY.  Takes memory in proportion to the bytes that are there.
 */
void flowlog__groups_save(const struct fl_groups *g, struct fl_bytes *out);
flowlog_status flowlog__groups_load(struct fl_groups *g, struct fl_cursor *in, flowlog_error *err);

/* How many groups; and group i of 0..that: key, and record of aggregates.  Borrowed until the next add. */
FL_INLINE uint64_t fl_groups_count(const struct fl_groups *g)
{
    return (uint64_t)g->packed.count + g->longs.count;
}
struct fl_key_ref flowlog__groups_key(const struct fl_groups *g, uint64_t i);
FL_INLINE const uint64_t *fl_groups_record(const struct fl_groups *g, uint64_t i)
{
    const struct fl_store *s = i < g->packed.count ? &g->packed : &g->longs;
    const size_t group = (size_t)(i < g->packed.count ? i : i - g->packed.count) + 1;
    return s->state + group * s->words;
}

/* By how much the weight of group i may be too large; 0: it is exact. */
uint64_t flowlog__groups_error(const struct fl_groups *g, uint64_t i);

/* Where a record of an approximate spec has that: behind its aggregates. */
FL_INLINE uint64_t *fl_groups_error_word(const struct fl_groups *g, uint64_t *record)
{
    return record + g->longs.key_at - 1;
}

/* --- between the files of groups ------------------------------------------------------------------------------ */

/* Long keys on their way to groups: written one after the other behind the arena's end, from start[i] on. */
struct fl_staged {
    uint32_t n;
    size_t start[2 * FL_CHUNK + 1];
    struct fl_place place[2 * FL_CHUNK];
    uint32_t group[2 * FL_CHUNK];
};

/* Make room for `more` words behind the arena's end. */
flowlog_status flowlog__groups_reserve_words(struct fl_groups *g, size_t more);

/* So many chunks of packed keys are placed before the first of them are found. */
enum { FL_UNDER_WAY = 3 };

/*
 * Where n packed keys belong, at most FL_CHUNK, laid out as flowlog__keys_pack does.  Their buckets are fetched ahead,
 * and there is room for FL_UNDER_WAY chunks.  What was placed stays so as long as g->packed.shift does.  E_MEMORY.
 *
 * Then look at what the buckets say, which fetches records ahead; the at[i] stay good when groups are added.
 */
flowlog_status flowlog__groups_place_packed(struct fl_groups *g, const uint64_t *keys, uint32_t n,
                                            struct fl_place *place);
void flowlog__groups_look_packed(const struct fl_groups *g, const struct fl_place *place, uint32_t n, size_t *at);

/*
 * The groups of keys that were looked up, while what was placed is still so; those in `use` are made where there are
 * none.  at[i] becomes the index of the record, 0 for the others.  E_LIMIT: some were made.
 */
flowlog_status flowlog__groups_find_packed(struct fl_groups *g, const uint64_t *keys, const struct fl_place *place,
                                           uint32_t n, uint64_t use, size_t *at);

/*
 * The same for staged keys whose start[0..n] is set: look first, once, then place from *i on, which stays at the one
 * that there is no group for when this ends in E_LIMIT.
 */
flowlog_status flowlog__groups_look_long(struct fl_groups *g, struct fl_staged *staged, size_t *at);
flowlog_status flowlog__groups_place_long(struct fl_groups *g, struct fl_staged *staged, uint32_t *i, size_t *at);

/* Staged key i becomes that of a new group: keep its words.  Returns the key as the store has it. */
uint64_t flowlog__groups_keep_words(struct fl_groups *g, const struct fl_staged *staged, uint32_t i);

/*
 * From now on groups are given up: make all keys long ones; then, when there are max_groups, weigh them, and staged
 * key i may take over the lightest, whose number is returned.  Between rows, tidy bounds the memory of their keys.
 */
flowlog_status flowlog__groups_approximate(struct fl_groups *g, flowlog_error *err);
flowlog_status flowlog__groups_weigh(struct fl_groups *g, flowlog_error *err);
uint32_t flowlog__groups_take_over(struct fl_groups *g, const struct fl_staged *staged, uint32_t i);
flowlog_status flowlog__groups_tidy(struct fl_groups *g);
/* flowlog__groups_merge where groups are given up, or have been. */
flowlog_status flowlog__groups_merge_approximately(struct fl_groups *g, const struct fl_groups *from,
                                                   flowlog_error *err);

/* Fill in `err` for a status of the above, or for an aggregate that failed in a group. */
flowlog_status flowlog__groups_fail(const struct fl_groups *g, flowlog_status status, flowlog_error *err);
flowlog_status flowlog__groups_fail_agg(const struct fl_groups *g, const struct fl_agg *agg, flowlog_status status,
                                        struct fl_key_ref key, flowlog_error *err);

/* Key of group 1.. of one of the stores. */
struct fl_key_ref flowlog__groups_key_in(const struct fl_groups *g, const struct fl_store *s, uint32_t group);

#endif
