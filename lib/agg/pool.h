/* SPDX-License-Identifier: MIT */
/*
 * agg/pool.h - memory for states that do not fit into words: blocks of 16 * 2^k bytes by handle.
 *
 * Blocks are cut from large slabs and, given back, used again for blocks of their size.  A handle stays valid when
 * the pool grows; a pointer only until the next allocation.  Freed as a whole.
 */
#ifndef FL_AGG_POOL_H
#define FL_AGG_POOL_H

#include <stddef.h>
#include <stdint.h>

#include "core/compiler.h"
#include "flowlog/base.h"

enum { FL_POOL_CLASSES = 48 };

struct fl_pool {
    flowlog_alloc alloc;
    uint8_t **slab;     /* [slabs] */
    size_t *slab_len;
    size_t slabs, slab_cap;
    size_t used;        /* of the last slab */
    uint64_t free[FL_POOL_CLASSES]; /* handle of the first free block of a class; 0: none */
    uint64_t bytes;     /* held from the allocator */
};

void flowlog__pool_init(struct fl_pool *pool, const flowlog_alloc *alloc);
void flowlog__pool_free(struct fl_pool *pool);

/* A block of at least `len` bytes, not cleared, 16-byte aligned; 0 when there is no memory. */
uint64_t flowlog__pool_alloc(struct fl_pool *pool, size_t len);
void flowlog__pool_release(struct fl_pool *pool, uint64_t handle, size_t len);
void *flowlog__pool_at(const struct fl_pool *pool, uint64_t handle);

#endif
