/* SPDX-License-Identifier: MIT */
/* layout.c - see layout.h. */
#include "read/layout.h"

#include <string.h>

#include "core/alloc.h"
#include "core/error.h"

/*
 * The fields that describe traffic, not the interface: all of them null is how a format without log-status
 * says that there was none.  The first that a format has becomes its guard: those that must be decimal
 * numbers come first.
 */
static const uint16_t flow_fields[] = {
    FLOWLOG_FIELD_PROTOCOL, FLOWLOG_FIELD_SRCPORT, FLOWLOG_FIELD_DSTPORT,     FLOWLOG_FIELD_PACKETS,
    FLOWLOG_FIELD_BYTES,    FLOWLOG_FIELD_SRCADDR, FLOWLOG_FIELD_DSTADDR,     FLOWLOG_FIELD_PKT_SRCADDR,
    FLOWLOG_FIELD_ACTION,   FLOWLOG_FIELD_TCP_FLAGS, FLOWLOG_FIELD_PKT_DSTADDR,
};

static void choose_guard(fl_layout_entry *e)
{
    const int32_t status = flowlog_format_find(e->format, "log-status", 10);
    e->guard = FL_GUARD_LINE;
    for (size_t i = 0; i < sizeof flow_fields / sizeof *flow_fields; i++) {
        const flowlog_field_info *info = flowlog_field_get(flow_fields[i]);
        const int32_t at = flowlog_format_find(e->format, info->name, strlen(info->name));
        if (at < 0) continue;
        e->flow_index[e->flow_fields++] = (uint16_t)at;
        if (e->guard == FL_GUARD_LINE && info->type != FLOWLOG_TYPE_ENUM) {
            e->guard = FL_GUARD_DIGIT;
            e->guard_index = (uint32_t)at;
        }
    }
    if (status >= 0) {
        e->guard = FL_GUARD_STATUS;
        e->guard_index = (uint32_t)status;
        flowlog__decoder_init(&e->status, FLOWLOG_FIELD_LOG_STATUS, FLOWLOG_TYPE_ENUM);
    }
}

flowlog_status flowlog__layout_new(flowlog_format *format, const flowlog_format *wanted,
                                   const flowlog_alloc *alloc, fl_layout_entry **entry, flowlog_error *err)
{
    const uint32_t targets = wanted ? flowlog_format_columns(wanted) : flowlog_format_columns(format);
    const size_t len = sizeof(fl_layout_entry) + targets * sizeof(fl_target);
    fl_layout_entry *e = flowlog__alloc_zero(alloc, len);
    if (!e) return FL_FAIL(err, FLOWLOG_E_MEMORY, "no memory for a format of %u fields", targets);
    e->format = format;
    e->fields = flowlog_format_columns(format);
    e->targets = targets;
    e->target = (fl_target *)(void *)(e + 1);
    e->alloc_len = len;
    for (uint32_t i = 0; i < targets; i++) {
        const flowlog_format_column *c = flowlog_format_column_at(wanted ? wanted : format, i);
        fl_target *t = &e->target[i];
        t->index = wanted ? flowlog_format_find(format, c->name, c->name_len) : (int32_t)i;
        t->name = c->name;
        flowlog__decoder_init(&t->decoder, c->field, c->type);
    }
    choose_guard(e);
    *entry = e;
    return FLOWLOG_OK;
}

void flowlog__layout_free(fl_layout_entry *entry, const flowlog_alloc *alloc)
{
    if (!entry) return;
    flowlog_format_free(entry->format);
    flowlog__release(alloc, entry, entry->alloc_len);
}

int flowlog__layout_no_traffic(const fl_layout_entry *e, const uint8_t *text, const uint32_t *at)
{
    for (uint32_t i = 0; i < e->flow_fields; i++) {
        const uint32_t start = at[e->flow_index[i]] + 1, end = at[e->flow_index[i] + 1];
        if (end - start != 1 || text[start] != '-') return 0;
    }
    return e->flow_fields > 0;
}
