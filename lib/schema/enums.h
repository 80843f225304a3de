/* SPDX-License-Identifier: MIT */
/*
 * schema/enums.h - the tokens that the enumerated fields are known to have.
 *
 * Code c of a field, from 1 to count, is names[c - 1]; 0 is FLOWLOG_OTHER.  Codes are never reused: what
 * AWS adds goes to the end of its list.
 */
#ifndef FL_SCHEMA_ENUMS_H
#define FL_SCHEMA_ENUMS_H

#include "flowlog/field.h"

struct fl_enum_set {
    uint32_t count;
    const flowlog_str *names; /* each also ends in NUL */
};

/* NULL for a field that is not enumerated. */
const struct fl_enum_set *flowlog__enum_set(uint32_t field);

#endif
