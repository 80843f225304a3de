/* SPDX-License-Identifier: MIT */
/*
 * layout.c - the sizes and offsets of the public structures, as binaries of other languages rely on them.
 *
 * A change here is a change of the ABI: it needs a new minor version (before 1.0) and a CHANGELOG entry.
 * Checked where pointers have 64 bits; elsewhere only the structures without pointers are.
 */
#include <stddef.h>
#include <stdio.h>

#include "flowlog/base.h"
#include "flowlog/field.h"
#include "flowlog/value.h"

#define SIZE(type, size) _Static_assert(sizeof(type) == (size), "the size of " #type " is part of the ABI")
#define AT(type, member, offset) \
    _Static_assert(offsetof(type, member) == (offset), "the place of " #type "." #member " is part of the ABI")

/* base.h */
SIZE(flowlog_status, 4);
SIZE(flowlog_error, 256);
AT(flowlog_error, status, 0);
AT(flowlog_error, column, 4);
AT(flowlog_error, offset, 8);
AT(flowlog_error, line, 16);
AT(flowlog_error, message, 24);

/* value.h */
SIZE(flowlog_addr, 20);
AT(flowlog_addr, bytes, 0);
AT(flowlog_addr, family, 16);

#if defined(__LP64__)
SIZE(flowlog_alloc, 32);
AT(flowlog_alloc, alloc, 0);
AT(flowlog_alloc, resize, 8);
AT(flowlog_alloc, release, 16);
AT(flowlog_alloc, ctx, 24);

SIZE(flowlog_str, 16);
AT(flowlog_str, ptr, 0);
AT(flowlog_str, len, 8);

SIZE(flowlog_value, 56);
AT(flowlog_value, type, 0);
AT(flowlog_value, is_null, 1);
AT(flowlog_value, code, 2);
AT(flowlog_value, reserved, 4);
AT(flowlog_value, number, 8);
AT(flowlog_value, addr, 16);
AT(flowlog_value, text, 40);

/* field.h */
SIZE(flowlog_field_info, 56);
AT(flowlog_field_info, field, 0);
AT(flowlog_field_info, version, 2);
AT(flowlog_field_info, type, 3);
AT(flowlog_field_info, vpc, 4);
AT(flowlog_field_info, tgw, 5);
AT(flowlog_field_info, name, 8);
AT(flowlog_field_info, underscore, 16);
AT(flowlog_field_info, insights, 24);
AT(flowlog_field_info, parquet, 32);
AT(flowlog_field_info, arrow, 40);
AT(flowlog_field_info, meaning, 48);

SIZE(flowlog_format_column, 16);
AT(flowlog_format_column, field, 0);
AT(flowlog_format_column, type, 2);
AT(flowlog_format_column, name_len, 4);
AT(flowlog_format_column, name, 8);
#endif

int main(void)
{
    puts("the layout of the public structures is what it was (checked when this was compiled)");
    return 0;
}
