/* SPDX-License-Identifier: MIT */
/* analyze/map.h - a number for each key of words. */
#ifndef FL_ANALYZE_MAP_H
#define FL_ANALYZE_MAP_H

#include "analyze/intern.h"

struct fl_map {
    struct fl_intern keys;
    uint32_t *value; /* [value_cap] by number of the key - 1 */
    uint32_t value_cap;
};

/* Where the number of a key is; 0 when the key is new.  Borrowed until the next call.  E_MEMORY, E_LIMIT. */
flowlog_status flowlog__map_at(struct fl_map *map, const flowlog_alloc *alloc, const void *key, size_t len,
                               uint32_t **value);
/* The number of a key, 0 when there is none. */
uint32_t flowlog__map_get(const struct fl_map *map, const void *key, size_t len);
void flowlog__map_free(struct fl_map *map, const flowlog_alloc *alloc);

#endif
