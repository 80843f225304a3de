/* SPDX-License-Identifier: MIT */
/* analyze/intern.h - byte strings to small numbers, each kept once; numbers run from 1 in the order of arrival. */
#ifndef FL_ANALYZE_INTERN_H
#define FL_ANALYZE_INTERN_H

#include "core/alloc.h"
#include "core/compiler.h"

struct fl_intern {
    char *bytes; /* of all strings, one after the other */
    size_t len, cap;
    size_t *end; /* [1 + end_cap] string i is bytes[end[i - 1] .. end[i]) */
    uint32_t *slot;
    uint32_t count, end_cap, slots; /* slots: a power of two, or 0 */
};

/* *id of the string, new or not.  E_MEMORY; E_LIMIT when there are `limit` strings and this is another one. */
flowlog_status flowlog__intern(struct fl_intern *t, const flowlog_alloc *alloc, const void *data, size_t len,
                               uint32_t limit, uint32_t *id);
/* 0: not there. */
uint32_t flowlog__intern_find(const struct fl_intern *t, const void *data, size_t len);
void flowlog__intern_free(struct fl_intern *t, const flowlog_alloc *alloc);

/* id in 1..count; 0 gives the empty string. */
FL_INLINE flowlog_str fl_intern_text(const struct fl_intern *t, uint32_t id)
{
    flowlog_str s = {"", 0};
    if (!id) return s;
    s.ptr = t->bytes + t->end[id - 1];
    s.len = t->end[id] - t->end[id - 1];
    return s;
}

#endif
