/* SPDX-License-Identifier: MIT */
/*
 * support/read_model.h - the reader once more, slowly: a text, line by line, to what a reader must give.
 *
 * Written from the rules (headers of include/flowlog, decisions of the specification) and not from lib/read.
 * It shares with the library only the catalogue: names of fields, their types, codes of tokens, and the list
 * of known layouts.  Numbers are compared as text, addresses are read by inet_pton.
 *
 * What it gives is a transcript, text that says all that can be seen of a reading:
 *
 *     F srcaddr:5:1 dstport:2:1          columns of the rows that follow: name, type, present
 *     1 42 4:0a000001 443                status, line number (only with READ_LINES), values
 *     B 17 1234 5 4                      a malformed line: line, offset, reason, column (the first eight)
 *
 * transcript_of_reader() makes the same from a flowlog_reader; a test compares the two.
 */
#ifndef TEST_READ_MODEL_H
#define TEST_READ_MODEL_H

#include <arpa/inet.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flowlog/reader.h"
#include "schema/layouts.h"

/* --- text that grows ------------------------------------------------------------------------------------- */

struct text {
    char *p;
    size_t n, cap;
};

static inline void text_add(struct text *t, const void *p, size_t n)
{
    if (t->n + n + 1 > t->cap) {
        t->cap = (t->n + n + 1) * 2;
        t->p = realloc(t->p, t->cap);
        if (!t->p) abort();
    }
    if (n) memcpy(t->p + t->n, p, n);
    t->n += n;
    t->p[t->n] = '\0';
}

__attribute__((format(printf, 2, 3))) static inline void text_print(struct text *t, const char *format, ...)
{
    char line[512];
    va_list args;
    va_start(args, format);
    const int n = vsnprintf(line, sizeof line, format, args);
    va_end(args);
    text_add(t, line, (size_t)n < sizeof line ? (size_t)n : sizeof line - 1);
}

static inline void text_clear(struct text *t)
{
    t->n = 0;
    text_add(t, "", 0);
}

static inline void text_free(struct text *t)
{
    free(t->p);
    *t = (struct text){NULL, 0, 0};
}

/* --- what a reading gave --------------------------------------------------------------------------------- */

struct reading {
    struct text transcript;
    flowlog_counters counters;
    flowlog_status status; /* END, or the first error */
    flowlog_error err;
    uint32_t errors; /* how many; after an error reading goes on */
};

static inline void reading_free(struct reading *r)
{
    text_free(&r->transcript);
}

/* --- formats --------------------------------------------------------------------------------------------- */

struct model_column {
    char name[FLOWLOG_FORMAT_NAME_MAX + 1];
    uint32_t field, type;
};

struct model_format {
    uint32_t n;
    struct model_column c[FLOWLOG_FORMAT_COLUMNS_MAX];
};

static inline int model_is_blank(char c) { return c == ' ' || c == '\t'; }
static inline int model_is_quote(char c) { return c == '"' || c == '\'' || c == '`'; }

static inline int model_same_name(const char *a, const char *b, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        char x = a[i], y = b[i];
        if (x >= 'A' && x <= 'Z') x = (char)(x + 32);
        if (y >= 'A' && y <= 'Z') y = (char)(y + 32);
        if (x == '_') x = '-';
        if (y == '_') y = '-';
        if (x != y) return 0;
    }
    return 1;
}

/* 0: named before, or too many. */
static inline int model_add_name(struct model_format *f, const char *name, size_t len)
{
    const uint32_t field = flowlog_field_find(name, len);
    for (uint32_t i = 0; i < f->n; i++) {
        if (field ? f->c[i].field == field
                  : !f->c[i].field && strlen(f->c[i].name) == len && model_same_name(f->c[i].name, name, len))
            return 0;
    }
    if (f->n == FLOWLOG_FORMAT_COLUMNS_MAX) return 0;
    struct model_column *c = &f->c[f->n++];
    c->field = field;
    c->type = field ? flowlog_field_get(field)->type : FLOWLOG_TYPE_TEXT;
    snprintf(c->name, sizeof c->name, "%.*s", (int)len, name);
    if (field) snprintf(c->name, sizeof c->name, "%s", flowlog_field_get(field)->name);
    return 1;
}

/* Names between blanks or commas. */
static inline void model_names(struct model_format *f, const char *names)
{
    f->n = 0;
    while (*names) {
        const size_t len = strcspn(names, " ,");
        if (len) model_add_name(f, names, len);
        names += len + (names[len] != '\0');
    }
}

/* The line as tokens between runs of blanks; at most 300. */
struct model_tokens {
    size_t n;
    struct {
        const char *p;
        size_t len;
    } t[300];
};

static inline void model_split(const char *p, size_t len, struct model_tokens *tokens)
{
    tokens->n = 0;
    for (size_t i = 0; i < len;) {
        while (i < len && model_is_blank(p[i])) i++;
        const size_t first = i;
        while (i < len && !model_is_blank(p[i])) i++;
        if (i > first && tokens->n < 300) {
            tokens->t[tokens->n].p = p + first;
            tokens->t[tokens->n++].len = i - first;
        }
    }
}

/*
 * 0: no header, 1: a header, -1: one with a field named twice or too many fields.  A byte order mark may stand
 * before it when it is at the start of its line.
 */
static inline int model_header(const char *p, size_t len, int at_start, struct model_format *f)
{
    struct model_tokens t;
    size_t known = 0;
    if (at_start && len >= 3 && !memcmp(p, "\xEF\xBB\xBF", 3)) p += 3, len -= 3;
    model_split(p, len, &t);
    for (size_t i = 0; i < t.n; i++) {
        const char *name = t.t[i].p;
        const size_t n = t.t[i].len;
        if (flowlog_field_find(name, n)) {
            known++;
            continue;
        }
        if (n > FLOWLOG_FORMAT_NAME_MAX || (name[0] >= '0' && name[0] <= '9') || name[0] == '-' ||
            name[0] == '#')
            return 0;
        for (size_t k = 0; k < n; k++)
            if (name[k] <= 0x20 || name[k] >= 0x7F || strchr("${},:\"'`", name[k])) return 0;
    }
    if (!known || (known < t.n && (t.n < 3 || known * 2 < t.n))) return 0;
    f->n = 0;
    for (size_t i = 0; i < t.n; i++) {
        const size_t quote = model_is_quote(t.t[i].p[0]);
        if (!model_add_name(f, t.t[i].p + quote, t.t[i].len - 2 * quote)) return -1;
    }
    return 1;
}

/* 1 if a line has as many values as the format, and a status that makes it a record whatever else it says. */
static inline int model_says_record(const struct model_format *f, const char *p, size_t len)
{
    static const char *const statuses[] = {"OK", "NODATA", "SKIPDATA"};
    struct model_tokens t;
    model_split(p, len, &t);
    for (size_t i = 0; i < f->n && t.n == f->n; i++)
        for (size_t s = 0; s < 3 && f->c[i].field == FLOWLOG_FIELD_LOG_STATUS; s++)
            if (t.t[i].len == strlen(statuses[s]) && !memcmp(t.t[i].p, statuses[s], t.t[i].len)) return 1;
    return 0;
}

/* --- values ---------------------------------------------------------------------------------------------- */

/* A decimal number not above the one that `max` spells; its digits without leading zeros. */
static inline int model_number(const char *p, size_t len, const char *max, char digits[24])
{
    if (!len) return 0;
    for (size_t i = 0; i < len; i++)
        if (p[i] < '0' || p[i] > '9') return 0;
    while (len > 1 && *p == '0') p++, len--;
    if (len > strlen(max) || (len == strlen(max) && memcmp(p, max, len) > 0)) return 0;
    memcpy(digits, p, len);
    digits[len] = '\0';
    return 1;
}

static inline const char *model_max(const struct model_column *c)
{
    if (c->field == FLOWLOG_FIELD_SRCPORT || c->field == FLOWLOG_FIELD_DSTPORT) return "65535";
    if (c->field == FLOWLOG_FIELD_PROTOCOL) return "255";
    return c->type == FLOWLOG_TYPE_U32 ? "4294967295" : "18446744073709551615";
}

/* 4, 6 or 0. */
static inline int model_address(const char *p, size_t len, uint8_t out[16])
{
    char text[64];
    if (len >= sizeof text || memchr(p, '\0', len)) return 0;
    memcpy(text, p, len);
    text[len] = '\0';
    for (size_t i = 0; i < len; i++) /* an octet with a leading zero */
        if (text[i] == '0' && (i == 0 || text[i - 1] == '.') && text[i + 1] >= '0' && text[i + 1] <= '9' &&
            !strchr(text, ':'))
            return 0;
    memset(out, 0, 16);
    if (inet_pton(AF_INET, text, out) == 1) return 4;
    memset(out, 0, 16);
    return inet_pton(AF_INET6, text, out) == 1 ? 6 : 0;
}

struct model_value {
    char text[80];   /* as in the transcript, but for TEXT and OTHER, which follow it */
    int is_null, ms;
    long long time;  /* TIME */
    uint32_t code;   /* ENUM */
};

/* 0, or the flowlog_reason. */
static inline int model_decode(const struct model_column *c, const char *p, size_t len, struct model_value *v)
{
    char digits[24];
    uint8_t bytes[16];
    memset(v, 0, sizeof *v);
    if (len == 1 && *p == '-') {
        v->is_null = 1;
        strcpy(v->text, "-");
        return 0;
    }
    switch (c->type) {
    case FLOWLOG_TYPE_U32:
    case FLOWLOG_TYPE_U64:
        if (!model_number(p, len, model_max(c), digits)) return FLOWLOG_REASON_NUMBER;
        strcpy(v->text, digits);
        return 0;
    case FLOWLOG_TYPE_TIME:
        if (!model_number(p, len, "18446744073709551615", digits)) return FLOWLOG_REASON_NUMBER;
        if (strlen(digits) >= 12) { /* 10^11 has twelve digits */
            digits[strlen(digits) - 3] = '\0';
            v->ms = 1;
        }
        strcpy(v->text, digits);
        v->time = atoll(digits);
        return 0;
    case FLOWLOG_TYPE_ADDR: {
        const int family = model_address(p, len, bytes);
        if (!family) return FLOWLOG_REASON_ADDRESS;
        char *t = v->text + sprintf(v->text, "%d:", family);
        for (int i = 0; i < (family == 4 ? 4 : 16); i++) t += sprintf(t, "%02x", bytes[i]);
        return 0;
    }
    case FLOWLOG_TYPE_ENUM:
        v->code = flowlog_enum_code(c->field, p, len);
        sprintf(v->text, v->code ? "E%u" : "E", v->code);
        return 0;
    default: strcpy(v->text, "T"); return 0;
    }
}

/* --- formats told from content --------------------------------------------------------------------------- */

static inline int model_begins(const char *p, size_t len, const char *prefix)
{
    return len > strlen(prefix) && !memcmp(p, prefix, strlen(prefix));
}

static inline int model_fits(const struct model_column *c, const char *p, size_t len)
{
    struct model_value v;
    const char *name = c->name;
    if (model_decode(c, p, len, &v)) return 0;
    if (v.is_null) return 1;
    if (!strcmp(name, "version")) return atoll(v.text) >= 2 && atoll(v.text) <= 99;
    if (strlen(name) >= 10 && !strcmp(name + strlen(name) - 10, "account-id")) {
        size_t digits = 0;
        while (digits < len && p[digits] >= '0' && p[digits] <= '9') digits++;
        return (len == 12 && digits == 12) || (len == 7 && !memcmp(p, "unknown", 7));
    }
    static const char *const closed[] = {"action", "log-status", "type", "flow-direction", "resource-type"};
    for (size_t i = 0; i < 5; i++)
        if (!strcmp(name, closed[i])) return v.code != 0;
    static const char *const ids[][2] = {{"next-hop-interface-id", "eni-"},
                                         {"interface-id", "eni-"},
                                         {"tgw-src-eni", "eni-"},
                                         {"tgw-dst-eni", "eni-"},
                                         {"vpc-id", "vpc-"},
                                         {"next-hop-vpc-id", "vpc-"},
                                         {"tgw-src-vpc-id", "vpc-"},
                                         {"tgw-dst-vpc-id", "vpc-"},
                                         {"subnet-id", "subnet-"},
                                         {"next-hop-subnet-id", "subnet-"},
                                         {"tgw-src-subnet-id", "subnet-"},
                                         {"tgw-dst-subnet-id", "subnet-"},
                                         {"instance-id", "i-"},
                                         {"resource-id", "nat-"},
                                         {"tgw-id", "tgw-"},
                                         {"tgw-attachment-id", "tgw-attach-"},
                                         {"tgw-pair-attachment-id", "tgw-attach-"},
                                         {"ecs-cluster-arn", "arn:"},
                                         {"ecs-container-instance-arn", "arn:"},
                                         {"ecs-task-arn", "arn:"},
                                         {"ecs-task-definition-arn", "arn:"}};
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++)
        if (!strcmp(name, ids[i][0])) return model_begins(p, len, ids[i][1]);
    return 1;
}

/* The line without one CR at its end and blanks at both. */
static inline void model_trim(const char **p, size_t *len)
{
    if (*len && (*p)[*len - 1] == '\r') --*len;
    while (*len && model_is_blank((*p)[*len - 1])) --*len;
    while (*len && model_is_blank(**p)) ++*p, --*len;
}

static inline int model_has_control(const char *p, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (((unsigned char)p[i] < 0x20 && p[i] != '\t') || p[i] == 0x7F) return 1;
    return 0;
}

/* Complete lines within 16 KiB of text, up to a header; at least the first.  1: all fit. */
static inline int model_fits_all(const struct model_format *f, const char *text, size_t len)
{
    static struct model_format header;
    int first = 1;
    for (size_t at = 0; at < len;) {
        const char *const whole = text + at, *newline = memchr(whole, '\n', len - at), *p = whole;
        size_t n = newline ? (size_t)(newline - p) : len - at;
        struct model_tokens t;
        if (!first && at + n + (newline != NULL) > 16384) break;
        first = 0;
        at += n + 1;
        model_trim(&p, &n);
        if (!n || *p == '#') continue;
        if (model_header(p, n, p == whole, &header)) break;
        if (model_has_control(p, n)) return 0;
        model_split(p, n, &t);
        if (t.n != f->n) return 0;
        for (size_t i = 0; i < t.n; i++)
            if (!model_fits(&f->c[i], t.t[i].p, t.t[i].len)) return 0;
    }
    return 1;
}

static inline int model_detect(const char *text, size_t len, struct model_format *f)
{
    size_t count, fitting = 0, found = 0;
    const struct fl_layout *layouts = flowlog__layouts(&count);
    for (size_t i = 0; i < count; i++) {
        model_names(f, layouts[i].fields);
        if (!model_fits_all(f, text, len)) continue;
        if (i < 2) return 1;
        fitting++;
        found = i;
    }
    model_names(f, layouts[found].fields);
    return fitting == 1;
}

/* --- the model ------------------------------------------------------------------------------------------- */

struct model_options {
    const char *given;  /* names of options.format, or NULL */
    const char *fields; /* as options.fields */
    size_t line_max;    /* 0: 65536 */
    uint32_t flags;
};

static inline int model_is_flow(uint32_t field)
{
    switch (field) {
    case FLOWLOG_FIELD_SRCADDR:
    case FLOWLOG_FIELD_DSTADDR:
    case FLOWLOG_FIELD_SRCPORT:
    case FLOWLOG_FIELD_DSTPORT:
    case FLOWLOG_FIELD_PROTOCOL:
    case FLOWLOG_FIELD_PACKETS:
    case FLOWLOG_FIELD_BYTES:
    case FLOWLOG_FIELD_ACTION:
    case FLOWLOG_FIELD_TCP_FLAGS:
    case FLOWLOG_FIELD_PKT_SRCADDR:
    case FLOWLOG_FIELD_PKT_DSTADDR: return 1;
    default: return 0;
    }
}

static inline uint32_t model_status(const struct model_format *f, const struct model_tokens *t)
{
    uint32_t flows = 0, nulls = 0;
    for (uint32_t i = 0; i < f->n; i++) {
        const int null = t->t[i].len == 1 && t->t[i].p[0] == '-';
        if (f->c[i].field == FLOWLOG_FIELD_LOG_STATUS && !null)
            return flowlog_enum_code(FLOWLOG_FIELD_LOG_STATUS, t->t[i].p, t->t[i].len);
        flows += (uint32_t)model_is_flow(f->c[i].field);
        nulls += (uint32_t)(model_is_flow(f->c[i].field) && null);
    }
    return flows && flows == nulls ? FLOWLOG_LOG_STATUS_NODATA : 0;
}

struct model {
    struct model_options o;
    struct reading *r;
    struct model_format format, wanted;
    struct text row, columns, shown; /* columns: of the format; shown: those of the last row */
    int known;
};

static inline void model_bad(struct model *m, uint64_t line, uint64_t offset, int reason,
                             uint32_t column, const char *p, size_t len)
{
    flowlog_counters *c = &m->r->counters;
    c->malformed++;
    c->reasons[reason]++;
    if (c->bad_lines < FLOWLOG_BAD_LINES) {
        flowlog_bad_line *b = &c->bad_line[c->bad_lines++];
        b->reason = (uint16_t)reason;
        b->column = (uint16_t)column;
        b->line = line;
        b->offset = offset;
        b->text_len = (uint32_t)(len < 115 ? len : 115);
        for (uint32_t i = 0; i < b->text_len; i++)
            b->text[i] = (char)((unsigned char)p[i] < 0x20 || p[i] == 0x7F ? '?' : p[i]);
    }
    if (m->o.flags & FLOWLOG_READ_STOP_ON_BAD) {
        m->r->status = FLOWLOG_E_MALFORMED;
        m->r->err.line = line;
        m->r->err.offset = offset;
    }
}

static inline int model_find(const struct model_format *f, const struct model_column *c)
{
    for (uint32_t i = 0; i < f->n; i++)
        if (c->field ? f->c[i].field == c->field
                     : !f->c[i].field && strlen(f->c[i].name) == strlen(c->name) &&
                           model_same_name(f->c[i].name, c->name, strlen(c->name)))
            return (int)i;
    return -1;
}

static inline const struct model_format *model_targets(const struct model *m)
{
    return m->o.fields ? &m->wanted : &m->format;
}

static inline void model_show_columns(struct model *m)
{
    text_clear(&m->columns);
    text_add(&m->columns, "F", 1);
    for (uint32_t i = 0; i < model_targets(m)->n; i++) {
        const struct model_column *c = &model_targets(m)->c[i];
        text_print(&m->columns, " %s:%u:%d", c->name, c->type, model_find(&m->format, c) >= 0);
    }
    text_add(&m->columns, "\n", 1);
}

/* p[0..len): a line that is neither blank, comment nor header, trimmed; whole: as it stands. */
static inline void model_row(struct model *m, const char *p, size_t len, const char *whole,
                             size_t whole_len, uint64_t line, uint64_t offset)
{
    flowlog_counters *k = &m->r->counters;
    struct model_tokens t;
    if (model_has_control(p, len)) {
        model_bad(m, line, offset, FLOWLOG_REASON_CONTROL, 0, whole, whole_len);
        return;
    }
    model_split(p, len, &t);
    if (t.n != m->format.n) {
        model_bad(m, line, offset, t.n < m->format.n ? FLOWLOG_REASON_TOO_FEW : FLOWLOG_REASON_TOO_MANY,
                  0, whole, whole_len);
        return;
    }
    const struct model_format *targets = model_targets(m);
    const uint32_t status = model_status(&m->format, &t);
    uint32_t fault = UINT32_MAX, ms = 0;
    int reason = 0;
    long long start = 0, end = 0;
    int times = 0;
    text_clear(&m->row);
    text_print(&m->row, "%u", status);
    if (m->o.flags & FLOWLOG_READ_LINES) {
        text_print(&m->row, " %llu <", (unsigned long long)line);
        text_add(&m->row, whole, whole_len);
        text_add(&m->row, ">", 1);
    }
    for (uint32_t i = 0; i < targets->n; i++) {
        const int at = model_find(&m->format, &targets->c[i]);
        struct model_value v;
        if (at < 0) {
            text_add(&m->row, " -", 2);
            continue;
        }
        const int bad = model_decode(&m->format.c[at], t.t[at].p, t.t[at].len, &v);
        if (bad && (uint32_t)at < fault) {
            fault = (uint32_t)at;
            reason = bad;
        }
        ms += (uint32_t)v.ms;
        if (targets->c[i].field == FLOWLOG_FIELD_START && !v.is_null) start = v.time, times++;
        if (targets->c[i].field == FLOWLOG_FIELD_END && !v.is_null) end = v.time, times++;
        text_print(&m->row, " %s", v.text);
        if (!bad && !v.is_null &&
            (targets->c[i].type == FLOWLOG_TYPE_TEXT ||
             (targets->c[i].type == FLOWLOG_TYPE_ENUM && !v.code)))
            text_add(&m->row, t.t[at].p, t.t[at].len);
    }
    text_add(&m->row, "\n", 1);
    if (reason) {
        model_bad(m, line, offset, reason, fault + 1, whole, whole_len);
        return;
    }
    k->ms_times += ms;
    k->odd_times += times == 2 && start > end;
    if (status == FLOWLOG_LOG_STATUS_NODATA) k->nodata++;
    else if (status == FLOWLOG_LOG_STATUS_SKIPDATA) k->skipdata++;
    else k->records++;
    size_t regular = t.n - 1;
    for (size_t i = 0; i < t.n; i++) regular += t.t[i].len;
    k->irregular += regular != whole_len || memchr(p, '\t', len) != NULL;
    if (m->o.flags & FLOWLOG_READ_RECORDS_ONLY && status >= FLOWLOG_LOG_STATUS_NODATA) return;
    if (!m->shown.p || strcmp(m->shown.p, m->columns.p) != 0) {
        text_clear(&m->shown);
        text_add(&m->shown, m->columns.p, m->columns.n);
        text_add(&m->r->transcript, m->columns.p, m->columns.n);
    }
    text_add(&m->r->transcript, m->row.p, m->row.n);
}

static inline void transcript_end(struct reading *r)
{
    const flowlog_counters *c = &r->counters;
    for (uint32_t i = 0; i < c->bad_lines; i++) {
        const flowlog_bad_line *b = &c->bad_line[i];
        text_print(&r->transcript, "B %llu %llu %u %u %u ", (unsigned long long)b->line, (unsigned long long)b->offset,
                   b->reason, b->column, b->text_len);
        text_add(&r->transcript, b->text, b->text_len);
        text_add(&r->transcript, "\n", 1);
    }
    text_print(
        &r->transcript,
        "lines %llu records %llu nodata %llu skipdata %llu headers %llu malformed %llu skipped %llu irregular %llu "
        "ms %llu odd %llu reasons",
        (unsigned long long)c->lines, (unsigned long long)c->records, (unsigned long long)c->nodata,
        (unsigned long long)c->skipdata, (unsigned long long)c->headers,
        (unsigned long long)c->malformed, (unsigned long long)c->skipped,
        (unsigned long long)c->irregular, (unsigned long long)c->ms_times,
        (unsigned long long)c->odd_times);
    for (int i = 0; i < FLOWLOG_REASONS; i++) text_print(&r->transcript, " %llu", (unsigned long long)c->reasons[i]);
    text_print(&r->transcript, "\nstatus %d line %llu offset %llu\n", (int)r->status,
               (unsigned long long)(r->status == FLOWLOG_END ? 0 : r->err.line),
               (unsigned long long)(r->status == FLOWLOG_END ? 0 : r->err.offset));
    if (r->status == FLOWLOG_END) text_print(&r->transcript, "bytes %llu\n", (unsigned long long)c->bytes);
}

/* One input, read to its end or to what ends it. */
static inline void model_read(const char *text, size_t len, const struct model_options *options, struct reading *r)
{
    static struct model m;
    static struct model_format header;
    const size_t line_max = options->line_max ? options->line_max : 65536;
    flowlog_counters *k = &r->counters;
    struct text row = m.row, columns = m.columns, shown = m.shown; /* keep the memory */
    memset(r, 0, sizeof *r);
    memset(&m, 0, sizeof m);
    m.row = row, m.columns = columns, m.shown = shown;
    if (m.shown.p) text_clear(&m.shown);
    m.o = *options;
    m.r = r;
    text_clear(&r->transcript);
    r->status = FLOWLOG_END;
    if (options->fields) model_names(&m.wanted, options->fields);
    if (options->given) {
        model_names(&m.format, options->given);
        model_show_columns(&m);
        m.known = 1;
    }
    size_t at = len >= 3 && !memcmp(text, "\xEF\xBB\xBF", 3) ? 3 : 0;
    uint64_t line = 0;
    while (at < len && r->status == FLOWLOG_END) {
        const char *whole = text + at, *newline = memchr(whole, '\n', len - at), *p = whole;
        const size_t whole_len = newline ? (size_t)(newline - whole) : len - at, offset = at;
        size_t n = whole_len;
        at += n + (newline != NULL);
        line++;
        if (n > line_max) {
            model_bad(&m, line, offset, FLOWLOG_REASON_TOO_LONG, 0, whole, line_max);
            continue;
        }
        model_trim(&p, &n);
        if (!n || *p == '#') {
            k->skipped++;
            continue;
        }
        const int h = m.known && model_says_record(&m.format, p, n) ? 0 : model_header(p, n, p == whole, &header);
        if (h < 0) model_bad(&m, line, offset, FLOWLOG_REASON_HEADER, 0, whole, whole_len);
        if (h > 0) {
            k->headers++;
            m.format = header;
            m.known = 1;
            model_show_columns(&m);
        }
        if (h) continue;
        if (!m.known && !model_detect(text + offset, len - offset, &m.format)) {
            r->status = FLOWLOG_E_FORMAT;
            r->err.line = line;
            r->err.offset = offset;
            break;
        }
        if (!m.known) model_show_columns(&m);
        m.known = 1;
        model_row(&m, p, n, whole, whole_len, line, offset);
    }
    k->bytes = len;
    k->lines = k->records + k->nodata + k->skipdata + k->headers + k->malformed + k->skipped;
    if (r->status == FLOWLOG_END && k->lines != line) abort(); /* a fault of the model */
    transcript_end(r);
}

/* --- the same from a reader ------------------------------------------------------------------------------ */

static inline int transcript_bit(const uint64_t *map, uint32_t row) { return (int)(map[row / 64] >> (row % 64) & 1); }

/* A rule of batch.h that a batch breaks. */
static inline void transcript_broken(struct text *t, const char *what) { text_print(t, "BROKEN: %s\n", what); }

static inline void transcript_cell(struct text *t, const flowlog_batch *b, const flowlog_column *c, uint32_t row)
{
    const int valid = transcript_bit(c->validity, row);
    const int is_text = c->type == FLOWLOG_TYPE_TEXT;
    flowlog_span span = {0, 0};
    uint64_t number = 0;
    switch (c->type) {
    case FLOWLOG_TYPE_U32:
    case FLOWLOG_TYPE_ADDR: number = ((const uint32_t *)c->values)[row]; break;
    case FLOWLOG_TYPE_U64: number = ((const uint64_t *)c->values)[row]; break;
    case FLOWLOG_TYPE_TIME: number = (uint64_t)((const int64_t *)c->values)[row]; break;
    case FLOWLOG_TYPE_ENUM: number = ((const uint8_t *)c->values)[row]; break;
    default: break;
    }
    if (is_text || (c->type == FLOWLOG_TYPE_ENUM && valid && !number)) span = c->spans[row];
    if ((uint64_t)span.offset + span.len > b->text_len) {
        transcript_broken(t, "a span leaves the text");
        return;
    }
    if (!valid) {
        if (number || span.offset || span.len || (c->family && c->family[row]))
            transcript_broken(t, "a null is not zero");
        text_add(t, " -", 2);
        return;
    }
    switch (c->type) {
    case FLOWLOG_TYPE_ADDR:
        if (c->family[row] == 4) {
            text_print(t, " 4:%08x", (unsigned)number);
        } else {
            if (c->family[row] != 6 || number) transcript_broken(t, "family or value of an address");
            text_add(t, " 6:", 3);
            for (int i = 0; i < 16; i++) text_print(t, "%02x", c->wide[row][i]);
        }
        break;
    case FLOWLOG_TYPE_TEXT: text_add(t, " T", 2); break;
    case FLOWLOG_TYPE_ENUM: text_print(t, number ? " E%u" : " E", (unsigned)number); break;
    default: text_print(t, " %llu", (unsigned long long)number); break;
    }
    if (span.len) text_add(t, b->text + span.offset, span.len);
    else if (is_text) transcript_broken(t, "an empty token");
}

/* Append the rows of a batch; *shown: the columns of the last one. */
static inline void transcript_batch(struct text *t, const flowlog_batch *b, struct text *shown)
{
    struct text columns = {NULL, 0, 0};
    text_add(&columns, "F", 1);
    for (uint32_t i = 0; i < b->columns; i++)
        text_print(&columns, " %s:%u:%u", b->column[i].name, b->column[i].type, b->column[i].present);
    text_add(&columns, "\n", 1);
    if (!shown->p || strcmp(shown->p, columns.p) != 0) {
        text_clear(shown);
        text_add(shown, columns.p, columns.n);
        text_add(t, columns.p, columns.n);
    }
    text_free(&columns);
    if (!b->rows) transcript_broken(t, "a batch without rows");
    if (!b->lines != !b->line_numbers || !b->log_status || !b->format) transcript_broken(t, "members of a batch");
    for (uint32_t i = 0; i < b->columns; i++) {
        uint32_t nulls = 0;
        for (uint32_t r = 0; r < b->rows; r++) nulls += !transcript_bit(b->column[i].validity, r);
        if (nulls != b->column[i].null_count) transcript_broken(t, "null_count");
        if (!b->column[i].present && nulls != b->rows) transcript_broken(t, "values of an absent column");
    }
    for (uint32_t r = 0; r < b->rows; r++) {
        text_print(t, "%u", b->log_status[r]);
        if (b->lines) {
            text_print(t, " %llu <", (unsigned long long)b->line_numbers[r]);
            if ((uint64_t)b->lines[r].offset + b->lines[r].len > b->text_len)
                transcript_broken(t, "a line leaves the text");
            else text_add(t, b->text + b->lines[r].offset, b->lines[r].len);
            text_add(t, ">", 1);
        }
        for (uint32_t i = 0; i < b->columns; i++) transcript_cell(t, b, &b->column[i], r);
        text_add(t, "\n", 1);
    }
}

/*
 * Read to the end.  With `pieces` not NULL the reader is a fed one, and gets text[0..len) in pieces of
 * pieces(ctx) bytes, each in memory of its own that is given back before the next.
 */
static inline void transcript_of_reader(flowlog_reader *reader, const char *text, size_t len, size_t (*pieces)(void *),
                                        void *ctx, struct reading *r)
{
    struct text shown = {NULL, 0, 0};
    const flowlog_batch *batch;
    flowlog_status status;
    char *piece = NULL;
    size_t at = 0;
    int finished = 0;
    memset(r, 0, sizeof *r);
    text_clear(&r->transcript);
    r->status = FLOWLOG_END;
    for (;;) {
        flowlog_error err = {0};
        status = flowlog_reader_next(reader, &batch, &err);
        if (status == FLOWLOG_OK) {
            transcript_batch(&r->transcript, batch, &shown);
        } else if (status == FLOWLOG_MORE) {
            free(piece);
            piece = NULL;
            if (finished || !pieces) {
                transcript_broken(&r->transcript, "MORE without need");
                break;
            }
            if (at == len) {
                if (flowlog_reader_finish(reader) != FLOWLOG_OK) transcript_broken(&r->transcript, "finish");
                finished = 1;
                continue;
            }
            size_t n = pieces(ctx);
            if (n > len - at) n = len - at;
            piece = malloc(n ? n : 1);
            if (!piece) abort();
            memcpy(piece, text + at, n);
            at += n;
            if (flowlog_reader_feed(reader, piece, n) != FLOWLOG_OK) transcript_broken(&r->transcript, "feed");
        } else if (status == FLOWLOG_END) {
            break;
        } else {
            if (!r->errors++) {
                r->status = status;
                r->err = err;
            }
            if (err.status != status) transcript_broken(&r->transcript, "err.status");
            if (status == FLOWLOG_E_MALFORMED || status == FLOWLOG_E_MEMORY) break; /* permanent */
        }
    }
    free(piece);
    text_free(&shown);
    r->counters = *flowlog_reader_counters(reader);
    transcript_end(r);
}

/* The first place where two transcripts differ, as a sentence in static memory; NULL: nowhere. */
static inline const char *transcript_difference(const struct reading *want, const struct reading *got)
{
    static char message[700];
    const struct text *a = &want->transcript, *b = &got->transcript;
    if (a->n == b->n && !memcmp(a->p, b->p, a->n)) return NULL;
    size_t i = 0, line = 1, start = 0;
    for (; i < a->n && i < b->n && a->p[i] == b->p[i]; i++)
        if (a->p[i] == '\n') line++, start = i + 1;
    snprintf(message, sizeof message, "transcript line %zu, byte %zu:\n  want %.*s\n  got  %.*s\n  (%s)",
             line, i - start,
             (int)(strcspn(a->p + start, "\n") < 300 ? strcspn(a->p + start, "\n") : 300), a->p + start,
             (int)(strcspn(b->p + start, "\n") < 300 ? strcspn(b->p + start, "\n") : 300), b->p + start,
             got->err.message);
    return message;
}

#endif
