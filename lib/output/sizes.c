/* SPDX-License-Identifier: MIT */
/* sizes.c - how large the public structures are, for bindings.  In the last folder, since it names them all. */
#include <string.h>

#include "flowlog/arrow.h"
#include "flowlog/batch.h"
#include "flowlog/diagnose.h"
#include "flowlog/field.h"
#include "flowlog/filter.h"
#include "flowlog/plan.h"
#include "flowlog/reader.h"
#include "flowlog/token.h"

#define STRUCTS(X) \
    X(addr) \
    X(alloc) \
    X(arrow_options) \
    X(bad_line) \
    X(batch) \
    X(column) \
    X(counters) \
    X(diagnosis_options) \
    X(error) \
    X(evidence) \
    X(field_info) \
    X(filter_options) \
    X(finding) \
    X(format_column) \
    X(reader_options) \
    X(run_options) \
    X(side) \
    X(span) \
    X(str) \
    X(value)

size_t flowlog_struct_size(const char *name)
{
    static const struct {
        char name[28];
        uint16_t size;
    } sizes[] = {
#define X(name) {"flowlog_" #name, (uint16_t)sizeof(flowlog_##name)},
        STRUCTS(X)
#undef X
    };
#define X(name) _Static_assert(sizeof(flowlog_##name) <= UINT16_MAX, "fits");
    STRUCTS(X)
#undef X
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        if (strcmp(sizes[i].name, name) == 0) return sizes[i].size;
    return 0;
}
