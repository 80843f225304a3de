/* SPDX-License-Identifier: MIT */
/*
 * diagnose.c - flowlog diagnose: what is broken, by which layer, what to change.
 *
 * People get a row for each problem with the number of clients that have it; programs get a JSON object for each
 * conversation, or with --grouped the same rows.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "input.h"
#include "text.h"

enum { EVIDENCE = 2, COLUMNS = 13 };

static const char *const names[COLUMNS] = {"clients", "client",     "server",        "port",  "proto", "interface", "verdict",
                                           "layer",   "confidence", "conversations", "first", "last",  "advice"};

struct job {
    const struct options *options;
    struct input *input;
    struct out *out;
    flowlog_writer *writer; /* NULL: JSON */
    struct text text;       /* of one finding */
    uint64_t written;
    int failed;
};

/* --- what is told ------------------------------------------------------------------------------------------ */

/* The whole file, or -1 after a message. */
static int read_file(const char *path, struct text *text)
{
    char buf[4096];
    FILE *f = strcmp(path, "-") == 0 ? stdin : fopen(path, "rb");
    if (!f) {
        message_error("%s: cannot be opened", path);
        return -1;
    }
    for (size_t n; (n = fread(buf, 1, sizeof buf, f)) > 0;) text_add(text, buf, n);
    const int bad = ferror(f);
    if (f != stdin) fclose(f);
    if (bad) message_error("%s: cannot be read", path);
    return bad ? -1 : 0;
}

static int tell(flowlog_diagnosis *d, const char *path, int rules)
{
    struct text text = {NULL, 0, 0};
    flowlog_error err;
    int bad = read_file(path, &text);
    if (!bad) {
        const char *json = text.ptr ? text.ptr : "";
        const flowlog_status status = rules ? flowlog_diagnosis_rules(d, json, text.len, &err)
                                            : flowlog_diagnosis_context(d, json, text.len, &err);
        bad = status < 0;
        if (bad && err.line)
            message_error("%s: line %" PRIu64 ", column %" PRIu32 ": %s", path, err.line, err.column, err.message);
        else if (bad) message_error("%s: %s", path, err.message);
    }
    text_free(&text);
    return bad ? -1 : 0;
}

static int parse_address(const char *option, const char *value, flowlog_addr *addr)
{
    memset(addr, 0, sizeof *addr);
    if (!value || flowlog_addr_parse(value, strlen(value), addr) >= 0) return 0;
    message_error("%s takes an IPv4 or IPv6 address, not '%s'", option, value);
    return -1;
}

/* --client, --server, --port. */
static int ask(flowlog_diagnosis *d, const struct options *o)
{
    flowlog_addr client, server;
    flowlog_error err;
    if (parse_address("--client", o->client, &client) || parse_address("--server", o->server, &server)) return -1;
    if (!o->client && !o->server && !o->port) return 0;
    if (flowlog_diagnosis_query(d, &client, &server, (uint16_t)o->port, &err) >= 0) return 0;
    message_error("%s", err.message);
    return -1;
}

static flowlog_diagnosis *prepare(const struct options *o)
{
    flowlog_diagnosis_options options = FLOWLOG_DIAGNOSIS_OPTIONS_INIT;
    flowlog_diagnosis *d = NULL;
    flowlog_error err;
    const int grouped = o->grouped || o->form != FLOWLOG_FORM_JSON;
    options.flags = (o->all ? (uint32_t)FLOWLOG_DIAGNOSE_ALL : 0) | (grouped ? (uint32_t)FLOWLOG_DIAGNOSE_GROUPED : 0);
    options.evidence = o->form == FLOWLOG_FORM_JSON ? EVIDENCE : 0;
    if (flowlog_diagnosis_new(&options, &d, &err) < 0) {
        message_error("%s", err.message);
        return NULL;
    }
    int bad = o->context && tell(d, o->context, 0);
    for (size_t i = 0; i < o->rules_count && !bad; i++) bad = tell(d, o->rules[i], 1);
    if (!bad && !ask(d, o)) return d;
    flowlog_diagnosis_free(d);
    return NULL;
}

/* --- what is found ----------------------------------------------------------------------------------------- */

static flowlog_value number(uint64_t n)
{
    flowlog_value v;
    memset(&v, 0, sizeof v);
    v.type = FLOWLOG_TYPE_U64;
    v.number = n;
    return v;
}

static flowlog_value text_value(const char *text, size_t len)
{
    flowlog_value v;
    memset(&v, 0, sizeof v);
    v.type = FLOWLOG_TYPE_TEXT;
    v.is_null = len == 0;
    v.text.ptr = text;
    v.text.len = len;
    return v;
}

static flowlog_value address(const flowlog_addr *addr)
{
    flowlog_value v;
    memset(&v, 0, sizeof v);
    v.type = FLOWLOG_TYPE_ADDR;
    v.is_null = addr->family == 0;
    v.addr = *addr;
    return v;
}

static flowlog_value time_value(int64_t seconds)
{
    flowlog_value v = number((uint64_t)seconds);
    v.type = FLOWLOG_TYPE_TIME;
    return v;
}

static int write_row(struct job *job, const flowlog_finding *f)
{
    char advice[4096];
    flowlog_error err;
    const char *const verdict = flowlog_verdict_name(f->verdict), *const layer = flowlog_layer_name(f->layer);
    const char *const confidence = flowlog_confidence_name(f->confidence);
    size_t len = flowlog_finding_advice(f, advice, sizeof advice);
    if (len >= sizeof advice) len = sizeof advice - 1;
    text_add(&job->text, advice, len);
    if (f->change_row.len) text_print(&job->text, " Change: %.*s", (int)f->change_row.len, f->change_row.ptr);
    for (size_t i = 0; i < job->text.len; i++)
        if (job->text.ptr[i] == '\n') job->text.ptr[i] = ';';
    flowlog_value v[COLUMNS];
    v[0] = number(f->clients);
    v[1] = address(&f->client);
    v[1].is_null |= f->clients > 1;
    v[2] = address(&f->server);
    v[3] = number(f->server_port);
    v[4] = number(f->proto);
    v[5] = text_value(f->eni.ptr, f->eni.len);
    v[6] = text_value(verdict, strlen(verdict));
    v[7] = text_value(layer, strlen(layer));
    v[8] = text_value(confidence, strlen(confidence));
    v[9] = number(f->conversations);
    v[10] = time_value(f->first);
    v[11] = time_value(f->last);
    v[12] = text_value(job->text.ptr, job->text.len);
    return flowlog_writer_row(job->writer, v, &err) < 0;
}

/* Files are named as whoever has the source does. */
static size_t finding_json(const struct input *input, const flowlog_finding *f, char *text, size_t cap)
{
    return input->reader ? flowlog_finding_json(f, input->reader, text, cap)
                         : flowlog_finding_json_source(f, input->source, text, cap);
}

static int write_json(struct job *job, const flowlog_finding *f)
{
    char small[8192];
    const size_t len = finding_json(job->input, f, small, sizeof small);
    if (len < sizeof small) {
        text_add(&job->text, small, len);
    } else {
        char *large = need_memory(NULL, len + 1);
        finding_json(job->input, f, large, len + 1);
        text_add(&job->text, large, len);
        free(large);
    }
    text_add(&job->text, "\n", 1);
    return out_write(job->out, job->text.ptr, job->text.len);
}

static int is_interface(const char *name, flowlog_str eni)
{
    return strlen(name) == eni.len && memcmp(name, eni.ptr, eni.len) == 0;
}

static int take(void *ctx, const flowlog_finding *f)
{
    struct job *job = ctx;
    const struct options *o = job->options;
    if (o->interface && f->kind != FLOWLOG_FINDING_QUERY && !is_interface(o->interface, f->eni) &&
        !is_interface(o->interface, f->other_eni))
        return 0;
    /* In a table a path says nothing new where an end's own finding names the same fault. */
    if (job->writer && f->kind == FLOWLOG_FINDING_PATH && f->verdict != FLOWLOG_VERDICT_NOT_DELIVERED) return 0;
    if (o->limit && job->written >= o->limit && f->kind != FLOWLOG_FINDING_QUERY) return 0;
    job->written++;
    job->text.len = 0;
    job->failed = job->writer ? write_row(job, f) : write_json(job, f);
    return job->failed;
}

static int deliver(struct job *job, flowlog_diagnosis *d)
{
    flowlog_error err;
    if (job->options->form != FLOWLOG_FORM_JSON &&
        flowlog_writer_open(job->options->form, names, COLUMNS, out_write, job->out, NULL, &job->writer, &err) < 0) {
        message_error("%s", err.message);
        return -1;
    }
    const flowlog_status status = flowlog_diagnosis_finish(d, take, job, &err);
    if (status < 0) message_error("%s", err.message);
    int bad = status < 0 || job->failed;
    if (job->writer && !bad && flowlog_writer_finish(job->writer, &err) < 0) bad = 1;
    flowlog_writer_close(job->writer);
    text_free(&job->text);
    return bad ? -1 : 0;
}

/* --- all together ------------------------------------------------------------------------------------------ */

enum { WARNINGS = 20 /* of the rules, that are printed */ };

static void warn(void *ctx, const char *text, size_t len)
{
    uint64_t *count = ctx;
    if (++*count <= WARNINGS) message_warning("%.*s", (int)len, text);
}

static void warn_of_rules(const flowlog_diagnosis *d)
{
    uint64_t count = 0;
    flowlog_diagnosis_warnings(d, warn, &count);
    if (count > WARNINGS) message_more("and %" PRIu64 " more about the rules", count - WARNINGS);
}

/* Only what matches, which a reader knows how to find, on one thread.  0, or -1 after a message. */
static int add_matching(struct input *input, flowlog_diagnosis *d, struct out *out)
{
    const uint32_t flags = input->options->form == FLOWLOG_FORM_JSON ? FLOWLOG_READ_LINES : 0;
    const flowlog_batch *batch;
    flowlog_error err;
    int more;
    if (input_open(input, out, flowlog_diagnosis_fields(d), flags, 0)) return -1;
    while ((more = input_next(input, &batch)) > 0) {
        if (flowlog_diagnosis_add(d, batch, &err) >= 0) continue;
        message_error("%s: %s", input_label(input, batch->file), err.message);
        return -1;
    }
    return more;
}

static int run(struct input *input, flowlog_diagnosis *d, struct out *out)
{
    const struct options *const o = input->options;
    if (input->filter ? add_matching(input, d, out) : input_diagnose(input, out, d)) return STATUS_FAILED;
    const int status = input_finish(input);
    if (status == STATUS_FAILED) return status;
    struct job job = {o, input, out, NULL, {NULL, 0, 0}, 0, 0};
    if (flowlog_diagnosis_left_out(d))
        message_warning("%" PRIu64 " records left out: '-' or no such field in an address, protocol, time or action",
                        flowlog_diagnosis_left_out(d));
    if (flowlog_diagnosis_truncated(d))
        message_warning("%" PRIu64 " conversations were given up early for want of memory",
                        flowlog_diagnosis_truncated(d));
    warn_of_rules(d);
    return deliver(&job, d) ? STATUS_FAILED : status;
}

int command_diagnose(const struct options *o)
{
    struct input input;
    struct out out = out_make(o->output);
    int status = STATUS_FAILED;
    if (input_prepare(&input, o) == 0) {
        flowlog_diagnosis *d = prepare(o);
        if (d) status = run(&input, d, &out);
        flowlog_diagnosis_free(d);
    }
    if (status != STATUS_FAILED && out_close(&out)) status = STATUS_FAILED;
    input_close(&input);
    return status;
}
