/* SPDX-License-Identifier: MIT */
/* diagnose.c - the life of a diagnosis; see flowlog/diagnose.h. */
#include <string.h>

#include "analyze/context.h"
#include "analyze/report.h"
#include "analyze/rules.h"
#include "analyze/sweep.h"
#include "core/error.h"

enum { CONVERSATIONS_DEFAULT = 1 << 22, CONVERSATIONS_MOST = 1 << 26, LATE_DEFAULT = 900 };

/* --- new and free ------------------------------------------------------------------------------------------ */

static flowlog_status read_options(const flowlog_diagnosis_options *given, flowlog_diagnosis_options *o,
                                   flowlog_error *err)
{
    memset(o, 0, sizeof *o);
    if (given) {
        const size_t size = given->struct_size;
        if (size < 8) return FL_FAIL(err, FLOWLOG_E_ARGUMENT, "struct_size of the diagnosis options is not set");
        for (size_t i = sizeof *o; i < size; i++)
            if (((const unsigned char *)given)[i])
                return FL_FAIL(err, FLOWLOG_E_ARGUMENT, "the diagnosis options have members of a later version");
        memcpy(o, given, size < sizeof *o ? size : sizeof *o);
    }
    const uint32_t known = FLOWLOG_DIAGNOSE_ALL | FLOWLOG_DIAGNOSE_GROUPED | FLOWLOG_DIAGNOSE_STREAM;
    if (o->flags & ~known) return FL_FAIL(err, FLOWLOG_E_ARGUMENT, "unknown flags in the diagnosis options");
    if (o->evidence > FL_LINES_MAX || o->max_conversations > CONVERSATIONS_MOST)
        return FL_FAIL(err, FLOWLOG_E_ARGUMENT, "the diagnosis options exceed their limits");
    if ((o->flags & FLOWLOG_DIAGNOSE_STREAM) && ((o->flags & FLOWLOG_DIAGNOSE_GROUPED) || !o->report))
        return FL_FAIL(err, FLOWLOG_E_ARGUMENT, "streaming needs a report function and does not group");
    return FLOWLOG_OK;
}

/* The known reject-reasons have their codes as numbers. */
static flowlog_status intern_reasons(flowlog_diagnosis *d)
{
    for (uint32_t code = FLOWLOG_REJECT_REASON_BPA; code <= FLOWLOG_REJECT_REASON_EC; code++) {
        const char *name = flowlog_enum_name(FLOWLOG_FIELD_REJECT_REASON, code);
        uint32_t id;
        FL_TRY(flowlog__intern(&d->reasons, &d->alloc, name, strlen(name), FL_REASONS_MAX, &id));
    }
    return FLOWLOG_OK;
}

flowlog_status flowlog_diagnosis_new(const flowlog_diagnosis_options *options, flowlog_diagnosis **diagnosis,
                                     flowlog_error *err)
{
    flowlog_diagnosis_options o;
    if (!diagnosis) return FL_FAIL(err, FLOWLOG_E_ARGUMENT, "no place for the diagnosis given");
    FL_TRY(read_options(options, &o, err));
    const flowlog_alloc alloc = flowlog__alloc_or_default(o.alloc);
    flowlog_diagnosis *d = flowlog__alloc_zero(&alloc, sizeof *d);
    if (!d) return FL_FAIL(err, FLOWLOG_E_MEMORY, "out of memory for a diagnosis");
    d->alloc = alloc;
    d->flags = o.flags;
    d->max_conversations = o.max_conversations ? o.max_conversations : CONVERSATIONS_DEFAULT;
    d->evidence = o.evidence;
    d->late = o.late ? o.late : LATE_DEFAULT;
    d->report = o.report;
    d->report_ctx = o.ctx;
    d->first = UINT32_MAX;
    flowlog__conversations_init(&d->table);
    const flowlog_status status = intern_reasons(d);
    if (status < 0) {
        flowlog_diagnosis_free(d);
        return FL_FAIL(err, status, "out of memory for a diagnosis");
    }
    *diagnosis = d;
    return FLOWLOG_OK;
}

void flowlog_diagnosis_free(flowlog_diagnosis *d)
{
    if (!d) return;
    const flowlog_alloc alloc = d->alloc;
    for (uint32_t i = 0; d->iface && i <= d->iface_cap; i++) {
        flowlog__spans_free(&d->iface[i].skipped, &alloc);
        flowlog__spans_free(&d->iface[i].silent, &alloc);
        flowlog__times_free(&d->iface[i].active, &alloc);
    }
    if (d->iface) flowlog__release(&alloc, d->iface, ((size_t)d->iface_cap + 1) * sizeof *d->iface);
    if (d->recent) flowlog__release(&alloc, d->recent, FL_RECENT_NAMES * sizeof *d->recent);
    flowlog__intern_free(&d->names, &alloc);
    flowlog__intern_free(&d->texts, &alloc);
    flowlog__intern_free(&d->wide, &alloc);
    flowlog__intern_free(&d->outers, &alloc);
    flowlog__intern_free(&d->reasons, &alloc);
    flowlog__conversations_free(&d->table, &alloc);
    flowlog__map_free(&d->learned, &alloc);
    flowlog__map_free(&d->peers, &alloc);
    flowlog__told_free(d);
    flowlog__rules_free(d->rules);
    if (d->line) flowlog__release(&alloc, d->line, d->line_cap * d->evidence * sizeof *d->line);
    if (d->line_text) flowlog__release(&alloc, d->line_text, d->line_text_cap);
    flowlog__release(&alloc, d, sizeof *d);
}

/* --- what is told ------------------------------------------------------------------------------------------ */

flowlog_status flowlog__diagnosis_usable(const flowlog_diagnosis *d, flowlog_error *err)
{
    if (!d) return FL_FAIL(err, FLOWLOG_E_ARGUMENT, "no diagnosis given");
    if (d->failed < 0) return FL_FAIL(err, d->failed, "the diagnosis ended in an error before");
    if (d->finished) return FL_FAIL(err, FLOWLOG_E_STATE, "the diagnosis is finished");
    return FLOWLOG_OK;
}

flowlog_status flowlog_diagnosis_context(flowlog_diagnosis *d, const char *json, size_t len, flowlog_error *err)
{
    FL_TRY(flowlog__diagnosis_usable(d, err));
    if (!json && len) return FL_FAIL(err, FLOWLOG_E_ARGUMENT, "no context given");
    if (d->records) return FL_FAIL(err, FLOWLOG_E_STATE, "a context is given before the first record");
    return flowlog__context_load(d, json ? json : "", len, err);
}

flowlog_status flowlog_diagnosis_rules(flowlog_diagnosis *d, const char *json, size_t len, flowlog_error *err)
{
    FL_TRY(flowlog__diagnosis_usable(d, err));
    if (!json && len) return FL_FAIL(err, FLOWLOG_E_ARGUMENT, "no rules given");
    if (d->rules_told) return FL_FAIL(err, FLOWLOG_E_STATE, "rules are given before the first finding");
    if (!d->rules && flowlog__rules_new(&d->alloc, &d->rules) < 0)
        return FL_FAIL(err, FLOWLOG_E_MEMORY, "out of memory for rules");
    return flowlog__rules_load(d->rules, json ? json : "", len, err);
}

flowlog_status flowlog_diagnosis_warnings(const flowlog_diagnosis *d, flowlog_rule_warning_fn report, void *ctx)
{
    if (!d || !report) return FLOWLOG_E_ARGUMENT;
    struct fl_rule_cursor cursor = {0, 0, 0};
    struct fl_rule_warning warning;
    char text[512]; /* longer sentences are cut: ids and blocks have bounds */
    while (d->rules && flowlog__rules_warning(d->rules, &cursor, &warning)) {
        const size_t len = flowlog__rule_warning_text(&warning, text, sizeof text);
        report(ctx, text, len < sizeof text ? len : sizeof text - 1);
    }
    return FLOWLOG_OK;
}

flowlog_status flowlog_diagnosis_query(flowlog_diagnosis *d, const flowlog_addr *client, const flowlog_addr *server,
                                       uint16_t port, flowlog_error *err)
{
    FL_TRY(flowlog__diagnosis_usable(d, err));
    memset(&d->told.client, 0, sizeof d->told.client);
    memset(&d->told.server, 0, sizeof d->told.server);
    if (client) d->told.client = *client;
    if (server) d->told.server = *server;
    d->told.port = port;
    d->told.asks = 1;
    return FLOWLOG_OK;
}

const char *flowlog_diagnosis_fields(const flowlog_diagnosis *d)
{
    (void)d;
    return FL_DIAGNOSIS_FIELDS;
}

/* --- records ----------------------------------------------------------------------------------------------- */

static flowlog_status check_columns(const flowlog_batch *batch, flowlog_error *err)
{
    static const uint16_t field[FL_COLS] = {
        FLOWLOG_FIELD_INTERFACE_ID, FLOWLOG_FIELD_RESOURCE_ID, FLOWLOG_FIELD_SRCADDR, FLOWLOG_FIELD_DSTADDR,
        FLOWLOG_FIELD_SRCPORT, FLOWLOG_FIELD_DSTPORT, FLOWLOG_FIELD_PROTOCOL, FLOWLOG_FIELD_PACKETS,
        FLOWLOG_FIELD_BYTES, FLOWLOG_FIELD_START, FLOWLOG_FIELD_END, FLOWLOG_FIELD_ACTION, FLOWLOG_FIELD_TCP_FLAGS,
        FLOWLOG_FIELD_PKT_SRCADDR, FLOWLOG_FIELD_PKT_DSTADDR, FLOWLOG_FIELD_FLOW_DIRECTION,
        FLOWLOG_FIELD_REJECT_REASON, FLOWLOG_FIELD_SUBNET_ID, FLOWLOG_FIELD_INSTANCE_ID,
        FLOWLOG_FIELD_INTERFACE_TYPE};
    if (batch->columns != FL_COLS)
        return FL_FAIL(err, FLOWLOG_E_ARGUMENT, "the batch has %u columns and a diagnosis needs %u",
                       (unsigned)batch->columns, (unsigned)FL_COLS);
    for (uint32_t c = 0; c < FL_COLS; c++)
        if (batch->column[c].field != field[c] || batch->column[c].type != flowlog_field_get(field[c])->type)
            return FL_FAIL(err, FLOWLOG_E_ARGUMENT, "column %u of the batch is not '%s'", (unsigned)c + 1,
                           flowlog_field_get(field[c])->name);
    return FLOWLOG_OK;
}

flowlog_status flowlog_diagnosis_add(flowlog_diagnosis *d, const flowlog_batch *batch, flowlog_error *err)
{
    FL_TRY(flowlog__diagnosis_usable(d, err));
    if (!batch) return FL_FAIL(err, FLOWLOG_E_ARGUMENT, "no batch given");
    FL_TRY(check_columns(batch, err));
    flowlog_status status = flowlog__diagnosis_ingest(d, batch, err);
    if (status >= 0) status = flowlog__sweep(d, err);
    if (status < 0) d->failed = status;
    return status;
}

flowlog_status flowlog_diagnosis_finish(flowlog_diagnosis *d, flowlog_finding_fn report, void *ctx,
                                        flowlog_error *err)
{
    FL_TRY(flowlog__diagnosis_usable(d, err));
    if (!report) return FL_FAIL(err, FLOWLOG_E_ARGUMENT, "no report function given");
    d->finished = 1;
    return flowlog__report(d, UINT32_MAX, 1, report, ctx, err);
}

uint64_t flowlog_diagnosis_records(const flowlog_diagnosis *d) { return d ? d->records - d->table.duplicates : 0; }
uint64_t flowlog_diagnosis_left_out(const flowlog_diagnosis *d) { return d ? d->left_out : 0; }
uint64_t flowlog_diagnosis_truncated(const flowlog_diagnosis *d) { return d ? d->truncated : 0; }

flowlog_status flowlog_diagnosis_merge(flowlog_diagnosis *d, const flowlog_diagnosis *other, flowlog_error *err)
{
    FL_TRY(flowlog__diagnosis_usable(d, err));
    FL_TRY(flowlog__diagnosis_usable(other, err));
    if (d == other) return FL_FAIL(err, FLOWLOG_E_ARGUMENT, "a diagnosis cannot be merged with itself");
    const flowlog_status status = flowlog__diagnosis_merge(d, other);
    if (status >= 0) return FLOWLOG_OK;
    d->failed = status;
    return FL_FAIL(err, status, status == FLOWLOG_E_LIMIT ? "too many interfaces or addresses" : "out of memory for conversations");
}
