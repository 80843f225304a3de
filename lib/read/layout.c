/* SPDX-License-Identifier: MIT */
/* layout.c - see layout.h. */
#include "read/layout.h"

#include <string.h>

#include "core/alloc.h"
#include "core/error.h"
#include "expr/filter.h"

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

static void set_target(fl_target *t, const flowlog_format *format, const char *name, uint32_t field, uint32_t type)
{
    t->index = flowlog_format_find(format, name, strlen(name));
    t->shared = -1;
    t->name = name;
    flowlog__decoder_init(&t->decoder, field, type);
}

static void set_needs(fl_layout_entry *e, const flowlog_filter *filter)
{
    for (uint32_t i = 0; i < e->needs; i++) {
        fl_target *need = &e->need[i];
        const uint32_t field = flowlog__filter_field_id(filter, i);
        const flowlog_field_info *info = flowlog_field_get(field);
        set_target(need, e->format, flowlog__filter_field_name(filter, i), field,
                   info ? info->type : FLOWLOG_TYPE_TEXT);
        for (uint32_t t = 0; t < e->targets && need->index >= 0 && need->shared < 0; t++)
            if (e->target[t].index == need->index) need->shared = (int32_t)t;
    }
}

flowlog_status flowlog__layout_new(flowlog_format *format, const flowlog_format *wanted,
                                   const flowlog_filter *filter, const flowlog_alloc *alloc, fl_layout_entry **entry,
                                   flowlog_error *err)
{
    const flowlog_format *shown = wanted ? wanted : format;
    const uint32_t targets = flowlog_format_columns(shown), needs = filter ? flowlog__filter_field_count(filter) : 0;
    const size_t len = sizeof(fl_layout_entry) + ((size_t)targets + needs) * sizeof(fl_target);
    fl_layout_entry *e = flowlog__alloc_zero(alloc, len);
    if (!e) return FL_FAIL(err, FLOWLOG_E_MEMORY, "no memory for a format of %u fields", targets);
    e->format = format;
    e->fields = flowlog_format_columns(format);
    e->targets = targets;
    e->target = (fl_target *)(void *)(e + 1);
    e->needs = needs;
    e->need = e->target + targets;
    e->alloc_len = len;
    for (uint32_t i = 0; i < targets; i++) {
        const flowlog_format_column *c = flowlog_format_column_at(shown, i);
        set_target(&e->target[i], format, c->name, c->field, c->type);
    }
    set_needs(e, filter);
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
