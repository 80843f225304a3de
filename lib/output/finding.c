/* SPDX-License-Identifier: MIT */
/* finding.c - a finding as one JSON object. */
#include <stdio.h>
#include <string.h>

#include "flowlog/diagnose.h"
#include "flowlog/write.h"

/* Text with a limit, whose whole length is counted; `some` 1: a member was written. */
struct json {
    char *p;
    size_t cap, len;
    int some;
};

static void add(struct json *j, const char *s, size_t len)
{
    if (j->len < j->cap) {
        const size_t room = j->cap - j->len;
        memcpy(j->p + j->len, s, len < room ? len : room);
    }
    j->len += len;
}

static void add_text(struct json *j, const char *s) { add(j, s, strlen(s)); }

static void add_key(struct json *j, const char *key)
{
    add_text(j, j->some ? ",\"" : "{\"");
    add_text(j, key);
    add_text(j, "\":");
    j->some = 1;
}

static void add_quoted(struct json *j, const char *s, size_t len)
{
    const size_t at = j->len < j->cap ? j->len : j->cap;
    j->len += flowlog_json_quote(s, len, j->cap ? j->p + at : NULL, j->cap - at);
}

static void add_int(struct json *j, const char *key, int64_t n)
{
    char buf[24];
    add_key(j, key);
    add(j, buf, (size_t)snprintf(buf, sizeof buf, "%lld", (long long)n));
}

static void add_count(struct json *j, const char *key, uint64_t n)
{
    char buf[24];
    add_key(j, key);
    add(j, buf, (size_t)snprintf(buf, sizeof buf, "%llu", (unsigned long long)n));
}

static void add_name(struct json *j, const char *key, const char *name)
{
    add_key(j, key);
    if (*name) add_quoted(j, name, strlen(name));
    else add_text(j, "null");
}

static void add_str(struct json *j, const char *key, flowlog_str s)
{
    add_key(j, key);
    if (s.len) add_quoted(j, s.ptr, s.len);
    else add_text(j, "null");
}

static void add_addr(struct json *j, const char *key, const flowlog_addr *addr)
{
    char buf[FLOWLOG_ADDR_TEXT_MAX];
    add_key(j, key);
    if (addr->family) add_quoted(j, buf, flowlog_addr_format(addr, buf));
    else add_text(j, "null");
}

static void add_null(struct json *j, const char *key)
{
    add_key(j, key);
    add_text(j, "null");
}

static void add_ends(struct json *j, const flowlog_finding *f)
{
    const int none = f->verdict == FLOWLOG_VERDICT_NOT_LOGGED || f->verdict == FLOWLOG_VERDICT_NO_RECORD;
    add_str(j, "eni", f->eni);
    if (f->kind == FLOWLOG_FINDING_PATH) add_str(j, "other_eni", f->other_eni);
    if (none) add_null(j, "proto");
    else add_count(j, "proto", f->proto);
    if (f->clients > 1) { /* a group: none of them stands for all */
        add_null(j, "client");
        add_null(j, "client_port");
    } else {
        add_addr(j, "client", &f->client);
        if (none || f->conversations > 1) add_null(j, "client_port");
        else add_count(j, "client_port", f->client_port);
    }
    add_addr(j, "server", &f->server);
    if (none && !f->server_port) add_null(j, "port");
    else add_count(j, "port", f->server_port);
    if (f->clients > 1) add_null(j, "peer");
    else add_addr(j, "peer", &f->peer);
}

static void add_alts(struct json *j, const flowlog_finding *f)
{
    add_key(j, "alt");
    add_text(j, "[");
    for (unsigned i = 0; i < f->alts; i++) {
        const char *name = flowlog_layer_name(f->alt[i]);
        if (i) add_text(j, ",");
        add_quoted(j, name, strlen(name));
    }
    add_text(j, "]");
}

static void add_rules(struct json *j, const flowlog_finding *f)
{
    if (f->transition) add_name(j, "transition", flowlog_transition_name(f->transition));
    if (f->missing) add_name(j, "missing", flowlog_missing_name(f->missing));
    if (f->reason.len) add_str(j, "reason", f->reason);
    if (f->rule_number) add_count(j, "rule_number", f->rule_number);
    if (f->rule_acl.len) add_str(j, "rule_acl", f->rule_acl);
    if (f->sg_groups.len) add_str(j, "sg_groups", f->sg_groups);
    if (f->sg_missing) {
        add_key(j, "sg_missing");
        add_text(j, "true");
    }
    if (f->sg_closest.len) add_str(j, "sg_closest", f->sg_closest);
}

static void add_packets(struct json *j, const flowlog_finding *f)
{
    struct json inner = {j->p, j->cap, j->len, 0};
    add_key(j, "packets");
    inner.len = j->len;
    add_count(&inner, "request_accept", f->request_accept.packets);
    add_count(&inner, "request_reject", f->request_reject.packets);
    add_count(&inner, "reply_accept", f->reply_accept.packets);
    add_count(&inner, "reply_reject", f->reply_reject.packets);
    add_text(&inner, "}");
    j->len = inner.len;
}

/* Names of files; neither: they have numbers. */
struct names {
    const flowlog_reader *reader;
    const flowlog_source *source;
};

static const char *name_of(const struct names *names, uint32_t file)
{
    if (names->source) return flowlog_source_name(names->source, file);
    return names->reader ? flowlog_reader_path(names->reader, file) : NULL;
}

static void add_lines(struct json *j, const flowlog_finding *f, const struct names *names)
{
    if (!f->line_count) return;
    add_key(j, "lines");
    add_text(j, "[");
    struct json inner = {j->p, j->cap, j->len, 0};
    for (uint32_t i = 0; i < f->line_count; i++) {
        const char *path = name_of(names, f->lines[i].file);
        if (i) add_text(&inner, ",");
        inner.some = 0;
        if (path) add_name(&inner, "file", path);
        else add_count(&inner, "file", f->lines[i].file);
        add_count(&inner, "line", f->lines[i].line);
        add_str(&inner, "text", f->lines[i].text);
        add_text(&inner, "}");
    }
    j->len = inner.len;
    add_text(j, "]");
}

static size_t write_json(const flowlog_finding *f, const struct names *names, char *text, size_t cap)
{
    char advice[4096];
    struct json j = {text, cap, 0, 0};
    add_name(&j, "kind", flowlog_finding_kind_name(f->kind));
    add_ends(&j, f);
    add_name(&j, "verdict", flowlog_verdict_name(f->verdict));
    add_name(&j, "layer", flowlog_layer_name(f->layer));
    add_name(&j, "phase", flowlog_phase_name(f->phase));
    add_name(&j, "direction", flowlog_way_name(f->direction));
    add_name(&j, "confidence", flowlog_confidence_name(f->confidence));
    add_alts(&j, f);
    add_rules(&j, f);
    add_name(&j, "evidence", flowlog_proof_name(f->proof));
    add_int(&j, "first", f->first);
    add_int(&j, "last", f->last);
    add_count(&j, "records", f->records);
    if (f->conversations != 1) add_count(&j, "conversations", f->conversations);
    if (f->conversations != 1) add_count(&j, "clients", f->clients);
    add_packets(&j, f);
    flowlog_finding_advice(f, advice, sizeof advice);
    add_name(&j, "advice", advice);
    if (f->change_row.len) add_str(&j, "change", f->change_row);
    if (f->change_command.len) add_str(&j, "command", f->change_command);
    add_lines(&j, f, names);
    add_text(&j, "}");
    if (cap) text[j.len < cap ? j.len : cap - 1] = 0;
    return j.len;
}

size_t flowlog_finding_json(const flowlog_finding *f, const flowlog_reader *reader, char *text, size_t cap)
{
    const struct names names = {reader, NULL};
    return write_json(f, &names, text, cap);
}

size_t flowlog_finding_json_source(const flowlog_finding *f, const flowlog_source *source, char *text, size_t cap)
{
    const struct names names = {NULL, source};
    return write_json(f, &names, text, cap);
}
