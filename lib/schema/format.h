/* SPDX-License-Identifier: MIT */
/* schema/format.h - the inside of a flowlog_format, for readers that map fields to columns. */
#ifndef FL_SCHEMA_FORMAT_H
#define FL_SCHEMA_FORMAT_H

#include "flowlog/field.h"
#include "schema/catalogue.h"

struct flowlog_format {
    flowlog_alloc alloc;
    size_t alloc_len; /* of the one allocation: this struct, the columns, unknown names; 0: static */
    uint32_t columns; /* at least 1 */
    uint32_t version;
    const flowlog_format_column *column;
    uint16_t by_field[FL_FIELDS + 1]; /* index of a field's column + 1; 0: the format has none */
};

/* An owned copy, of a static format too.  E_MEMORY. */
flowlog_status flowlog__format_copy(const flowlog_format *format, const flowlog_alloc *alloc,
                                    flowlog_format **copy, flowlog_error *err);

#endif
