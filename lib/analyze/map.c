/* SPDX-License-Identifier: MIT */
/* map.c - see map.h. */
#include "analyze/map.h"

#include "core/error.h"

flowlog_status flowlog__map_at(struct fl_map *map, const flowlog_alloc *alloc, const void *key, size_t len,
                               uint32_t **value)
{
    const uint32_t count = map->keys.count;
    uint32_t id;
    if (count == map->value_cap) { /* room first, so that a key is never without its number */
        const uint32_t cap = map->value_cap ? map->value_cap * 2 : 64;
        if ((uint64_t)cap * sizeof *map->value > SIZE_MAX / 2) return FLOWLOG_E_MEMORY;
        uint32_t *p = flowlog__resize(alloc, map->value, map->value_cap * sizeof *p, cap * sizeof *p);
        if (!p) return FLOWLOG_E_MEMORY;
        map->value = p;
        map->value_cap = cap;
    }
    FL_TRY(flowlog__intern(&map->keys, alloc, key, len, UINT32_MAX, &id));
    if (id > count) map->value[id - 1] = 0;
    *value = &map->value[id - 1];
    return FLOWLOG_OK;
}

uint32_t flowlog__map_get(const struct fl_map *map, const void *key, size_t len)
{
    const uint32_t id = flowlog__intern_find(&map->keys, key, len);
    return id ? map->value[id - 1] : 0;
}

void flowlog__map_free(struct fl_map *map, const flowlog_alloc *alloc)
{
    flowlog__intern_free(&map->keys, alloc);
    if (map->value) flowlog__release(alloc, map->value, map->value_cap * sizeof *map->value);
    map->value = NULL;
    map->value_cap = 0;
}
