/* SPDX-License-Identifier: MIT */
/* schema/catalogue.h - how many fields the catalogue has, and the hash of their names. */
#ifndef FL_SCHEMA_CATALOGUE_H
#define FL_SCHEMA_CATALOGUE_H

#include "flowlog/field.h"
#include "schema/ascii.h"

#define FL_ONE_MORE(number, id, name, version, type, meaning) +1
enum { FL_FIELDS = FLOWLOG_FIELD_MAP(FL_ONE_MORE) };
#undef FL_ONE_MORE

/*
 * A perfect hash of names: flowlog__field_slots[fl_field_hash(...)] is the only field that a name can
 * stand for, or 0.  FACTOR is an odd number by which no two spellings without their hyphens share a
 * slot; the test schema_catalogue computes the table again, and prints another if this one fails.
 */
#define FL_FIELD_HASH_FACTOR 0x56BADBC9u
extern const uint8_t flowlog__field_slots[256];

FL_INLINE uint32_t fl_field_hash(const char *name, size_t len, uint32_t factor)
{
    uint32_t hash = 0;
    for (size_t i = 0; i < len; i++)
        if (!fl_ascii_is_hyphen(name[i])) hash = (hash ^ (uint8_t)(name[i] | 0x20)) * factor;
    return hash >> 24;
}

/* The longest spelling of a field that flowlog_field_find knows: "ecs-container-instance-arn". */
#define FL_FIELD_NAME_MAX 26

#endif
