/* SPDX-License-Identifier: MIT */
/* core/alloc.h - the allocator each object carries; the only place that calls malloc. */
#ifndef FL_CORE_ALLOC_H
#define FL_CORE_ALLOC_H

#include "flowlog/base.h"

/* *user, or malloc's when user is NULL. */
flowlog_alloc flowlog__alloc_or_default(const flowlog_alloc *user);

/* NULL when there is no memory or len is 0.  The memory of _zero is cleared. */
void *flowlog__alloc(const flowlog_alloc *a, size_t len);
void *flowlog__alloc_zero(const flowlog_alloc *a, size_t len);
/* count * size, NULL when the product overflows. */
void *flowlog__alloc_array(const flowlog_alloc *a, size_t count, size_t size);
/* p may be NULL (then old_len is 0).  On failure p stays as it is. */
void *flowlog__resize(const flowlog_alloc *a, void *p, size_t old_len, size_t new_len);
/* p may be NULL. */
void flowlog__release(const flowlog_alloc *a, void *p, size_t len);

#endif
