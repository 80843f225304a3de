/* SPDX-License-Identifier: MIT */
/*
 * summary.c - flowlog summary: what is in here, and can it be trusted?
 *
 * The counters of the reader, and sums over six columns.  All columns are decoded, not just these: whether a
 * line is malformed is known only when all of it was looked at.  So a condition is not the reader's but asked
 * here: lines are those of the whole input, records and sums those that match.  A number that no format in the
 * input can tell is null: no bytes column is not zero bytes.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "input.h"
#include "text.h"

enum { ACTION, PACKETS, BYTES, START, END, INTERFACE_ID, COLUMNS };
static const char *const field_names[COLUMNS] = {"action", "packets", "bytes",
                                                 "start",  "end",     "interface-id"};

/*
 * What `diagnose` reads, without which it cannot tell who was refused by what: the identity of a conversation
 * first, then the fields that make its verdict certain.
 */
static const char *const diagnosis_fields[] = {
    "interface-id",  "srcaddr",        "dstaddr",       "srcport",     "dstport",   "protocol",
    "packets",       "bytes",          "start",         "end",         "action",    "log-status",
    "tcp-flags",     "flow-direction", "pkt-srcaddr",   "pkt-dstaddr", "subnet-id", "instance-id",
    "reject-reason", "traffic-path",   "interface-type"};

/* Interfaces by name, each once: open addressing over an array. */
struct interface {
    char *name;
    size_t len;
    int skipdata;
};
struct interfaces {
    struct interface *list;
    uint32_t *slots; /* index into list + 1; 0 = free */
    size_t count, cap, slot_count;
    size_t last; /* of the row before: mostly the same */
};

struct sums {
    uint64_t accept, reject, packets, bytes;
    int64_t first, last;
    int has_first, has_last;
    struct interfaces interfaces;
    flowlog_filter *filter; /* NULL: every row; else those that match: */
    uint64_t records, nodata, skipdata;
    uint64_t *selection; /* of a batch; NULL without a filter */
    uint32_t room;       /* rows */
};

static int matches(const struct sums *s, uint32_t row)
{
    return !s->selection || (s->selection[row / 64] >> row % 64 & 1);
}

static size_t hash(const char *text, size_t len)
{
    uint64_t h = UINT64_C(14695981039346656037); /* FNV-1a */
    for (size_t i = 0; i < len; i++) h = (h ^ (unsigned char)text[i]) * UINT64_C(1099511628211);
    return (size_t)(h ^ h >> 32);
}

static int same(const struct interface *i, const char *name, size_t len)
{
    return i->len == len && memcmp(i->name, name, len) == 0;
}

static void grow(struct interfaces *s)
{
    s->cap = s->cap ? s->cap * 2 : 64;
    s->slot_count = s->cap * 2;
    s->list = need_memory(s->list, s->cap * sizeof *s->list);
    s->slots = need_memory(s->slots, s->slot_count * sizeof *s->slots);
    memset(s->slots, 0, s->slot_count * sizeof *s->slots);
    for (size_t i = 0; i < s->count; i++) {
        size_t slot = hash(s->list[i].name, s->list[i].len) % s->slot_count;
        while (s->slots[slot]) slot = (slot + 1) % s->slot_count;
        s->slots[slot] = (uint32_t)i + 1;
    }
}

static struct interface *find_interface(struct interfaces *s, const char *name, size_t len)
{
    if (s->count && same(&s->list[s->last], name, len)) return &s->list[s->last];
    if (s->count == s->cap) grow(s);
    size_t slot = hash(name, len) % s->slot_count;
    for (; s->slots[slot]; slot = (slot + 1) % s->slot_count) {
        s->last = s->slots[slot] - 1;
        if (same(&s->list[s->last], name, len)) return &s->list[s->last];
    }
    s->slots[slot] = (uint32_t)s->count + 1;
    s->last = s->count++;
    char *const copy = need_memory(NULL, len);
    memcpy(copy, name, len);
    s->list[s->last] = (struct interface){copy, len, 0};
    return &s->list[s->last];
}

static int is_null(const flowlog_column *column, uint32_t row)
{
    return !(column->validity[row / 64] >> row % 64 & 1);
}

/* 0, or -1 when the sum exceeds 64 bits.  Nulls are zero. */
static int add_up(const struct sums *s, const flowlog_column *column, uint32_t rows, uint64_t *sum)
{
    const uint64_t *const values = column->values;
    for (uint32_t r = 0; r < rows; r++) {
        if (!matches(s, r)) continue;
        if (values[r] > UINT64_MAX - *sum) return -1;
        *sum += values[r];
    }
    return 0;
}

/* Which rows match, and how many of each kind.  0, or -1 after a message. */
static int select_rows(struct sums *s, const flowlog_batch *batch)
{
    flowlog_error err;
    if (batch->rows > s->room) {
        s->room = batch->rows;
        s->selection = need_memory(s->selection, ((size_t)s->room + 63) / 64 * sizeof *s->selection);
    }
    if (flowlog_filter_select(s->filter, batch, s->selection, NULL, &err) < 0) {
        message_error("%s", err.message);
        return -1;
    }
    for (uint32_t r = 0; r < batch->rows; r++) {
        const uint8_t status = batch->log_status[r];
        if (!matches(s, r)) continue;
        s->nodata += status == FLOWLOG_LOG_STATUS_NODATA;
        s->skipdata += status == FLOWLOG_LOG_STATUS_SKIPDATA;
        s->records += status != FLOWLOG_LOG_STATUS_NODATA && status != FLOWLOG_LOG_STATUS_SKIPDATA;
    }
    return 0;
}

/* The name of the column whose sum exceeds 64 bits, or NULL. */
static const char *add_batch(struct sums *s, const flowlog_batch *batch)
{
    const flowlog_column *column[COLUMNS];
    for (int i = 0; i < COLUMNS; i++) {
        const int32_t index = flowlog_batch_find(batch, field_names[i], strlen(field_names[i]));
        column[i] = index < 0 ? NULL : &batch->column[index];
    }
    if (column[ACTION]) {
        const uint8_t *const actions = column[ACTION]->values;
        for (uint32_t r = 0; r < batch->rows; r++) {
            if (!matches(s, r)) continue;
            s->accept += actions[r] == FLOWLOG_ACTION_ACCEPT;
            s->reject += actions[r] == FLOWLOG_ACTION_REJECT;
        }
    }
    if (column[PACKETS] && add_up(s, column[PACKETS], batch->rows, &s->packets)) return "packets";
    if (column[BYTES] && add_up(s, column[BYTES], batch->rows, &s->bytes)) return "bytes";
    for (uint32_t r = 0; column[START] && r < batch->rows; r++) {
        const int64_t start = ((const int64_t *)column[START]->values)[r];
        if ((s->has_first && start >= s->first) || is_null(column[START], r) || !matches(s, r)) continue;
        s->first = start;
        s->has_first = 1;
    }
    for (uint32_t r = 0; column[END] && r < batch->rows; r++) {
        const int64_t end = ((const int64_t *)column[END]->values)[r];
        if ((s->has_last && end <= s->last) || is_null(column[END], r) || !matches(s, r)) continue;
        s->last = end;
        s->has_last = 1;
    }
    for (uint32_t r = 0; column[INTERFACE_ID] && r < batch->rows; r++) {
        if (is_null(column[INTERFACE_ID], r) || !matches(s, r)) continue;
        const flowlog_span span = column[INTERFACE_ID]->spans[r];
        struct interface *const i = find_interface(&s->interfaces, batch->text + span.offset, span.len);
        if (batch->log_status[r] == FLOWLOG_LOG_STATUS_SKIPDATA) i->skipdata = 1;
    }
    return NULL;
}

static int by_name(const void *a, const void *b)
{
    const struct interface *const x = a, *const y = b;
    const int order = memcmp(x->name, y->name, x->len < y->len ? x->len : y->len);
    return order ? order : (x->len > y->len) - (x->len < y->len);
}

/*
 * The answer as a sequence of members, which JSON and the other forms spell differently.  `list`, then its
 * members, then `end_list`.
 */
enum { LIST_SHOWN = 20 }; /* members of a list that people are shown; programs get them all */

struct answer {
    flowlog_form form;
    flowlog_writer *writer; /* CSV and TSV: rows of key and value, a row for each member of a list */
    int bold;
    int members; /* of the innermost list so far */
    char closing;
    const char *list;
    struct text text;
};

static void emit(struct answer *a, const char *key, const char *json, const char *plain)
{
    if (a->form == FLOWLOG_FORM_JSON) {
        if (a->members++) text_add(&a->text, ",", 1);
        if (key) text_print(&a->text, "\"%s\":", key);
        text_add(&a->text, json, strlen(json));
        return;
    }
    char name[64] = "";
    if (a->form == FLOWLOG_FORM_TABLE) {
        if (a->list && a->members++ >= LIST_SHOWN) return;
        if (a->list) text_print(&a->text, key ? "  %s: %s\n" : "  %s%s\n", key ? key : "", plain);
        else
            text_print(&a->text, "%s%s%s:%*s %s\n", a->bold ? "\033[1m" : "", key,
                       a->bold ? "\033[0m" : "", (int)(12 > strlen(key) ? 12 - strlen(key) : 0), "",
                       plain);
        return;
    }
    strncat(name, a->list ? a->list : key, 40);
    if (a->list && key) strncat(strcat(name, "."), key, 20);
    const flowlog_value row[2] = {{.type = FLOWLOG_TYPE_TEXT, .text = {name, strlen(name)}},
                                  {.type = FLOWLOG_TYPE_TEXT, .is_null = strcmp(json, "null") == 0,
                                   .text = {plain, strlen(plain)}}};
    flowlog_writer_row(a->writer, row, NULL); /* a failure stays and is seen at the end */
}

static void list(struct answer *a, const char *key, char bracket, uint64_t count)
{
    a->closing = bracket == '{' ? '}' : ']';
    if (a->form == FLOWLOG_FORM_JSON) text_print(&a->text, ",\"%s\":%c", key, bracket);
    if (a->form == FLOWLOG_FORM_TABLE) {
        struct text t = {NULL, 0, 0};
        text_print(&t, "%" PRIu64, count);
        a->list = NULL;
        emit(a, key, "", t.ptr);
        text_free(&t);
    }
    a->list = key;
    a->members = 0;
}

static void end_list(struct answer *a)
{
    if (a->form == FLOWLOG_FORM_TABLE && a->members > LIST_SHOWN)
        text_print(&a->text, "  and %d more, all of them in --json\n", a->members - LIST_SHOWN);
    if (a->form == FLOWLOG_FORM_JSON) text_add(&a->text, &a->closing, 1);
    a->list = NULL;
    a->members = 1;
}

static void number(struct answer *a, const char *key, uint64_t value, int known)
{
    struct text t = {NULL, 0, 0};
    if (known) text_print(&t, "%" PRIu64, value);
    emit(a, key, known ? t.ptr : "null", known ? t.ptr : "-");
    text_free(&t);
}

static void moment(struct answer *a, const char *key, int64_t value, int known)
{
    struct text t = {NULL, 0, 0};
    char iso[FLOWLOG_TIME_TEXT_MAX];
    if (known) text_print(&t, "%" PRId64, value);
    flowlog_time_format(value, iso);
    if (known && a->form == FLOWLOG_FORM_TABLE) text_print(&t, "  %s", iso);
    emit(a, key, known ? t.ptr : "null", known ? t.ptr : "-");
    text_free(&t);
}

static void string(struct answer *a, const char *key, const char *text, size_t len)
{
    struct text json = {NULL, 0, 0}, plain = {NULL, 0, 0};
    text_json(&json, text, len);
    text_add(&plain, text, len);
    emit(a, key, json.ptr, plain.ptr);
    text_free(&json);
    text_free(&plain);
}

static void write_counters(struct answer *a, const struct input *input, const struct sums *s)
{
    const flowlog_counters *const c = flowlog_reader_counters(input->reader);
    const int empty = flowlog_reader_formats(input->reader) == 0;
    int known[COLUMNS];
    for (int i = 0; i < COLUMNS; i++) known[i] = empty || input_has(input, field_names[i]);
    number(a, "files", c->files, 1);
    number(a, "bytes", c->bytes, 1);
    number(a, "lines", c->lines, 1);
    number(a, "records", s->filter ? s->records : c->records, 1);
    number(a, "headers", c->headers, 1);
    number(a, "nodata", s->filter ? s->nodata : c->nodata, 1);
    number(a, "skipdata", s->filter ? s->skipdata : c->skipdata, 1);
    number(a, "malformed", c->malformed, 1);
    number(a, "skipped", c->skipped, 1);
    if (s->filter) /* the sum of these kinds is the number of lines again */
        number(a, "left_out", c->records + c->nodata + c->skipdata - s->records - s->nodata - s->skipdata, 1);
    number(a, "irregular", c->irregular, 1);
    number(a, "ms_times", c->ms_times, 1);
    number(a, "accept", s->accept, known[ACTION]);
    number(a, "reject", s->reject, known[ACTION]);
    number(a, "packets", s->packets, known[PACKETS]);
    number(a, "total_bytes", s->bytes, known[BYTES]);
    number(a, "interfaces", s->interfaces.count, known[INTERFACE_ID]);
    moment(a, "first_start", s->first, s->has_first);
    moment(a, "last_end", s->last, s->has_last);
}

static void write_formats(struct answer *a, const struct input *input)
{
    const uint32_t count = flowlog_reader_formats(input->reader);
    const int style = a->form == FLOWLOG_FORM_TABLE ? FLOWLOG_FORMAT_HEADER : FLOWLOG_FORMAT_AWS;
    list(a, "formats", '[', count);
    for (uint32_t i = 0; i < count; i++) {
        const flowlog_format *const format = flowlog_reader_format_at(input->reader, i);
        const size_t len = flowlog_format_print(format, style, NULL, 0);
        char *const text = need_memory(NULL, len + 1);
        flowlog_format_print(format, style, text, len + 1);
        string(a, NULL, text, len);
        free(text);
    }
    end_list(a);
}

static void write_bad_lines(struct answer *a, const struct input *input)
{
    const flowlog_counters *const c = flowlog_reader_counters(input->reader);
    uint32_t reasons = 0;
    for (uint32_t i = 0; i < FLOWLOG_REASONS; i++) reasons += c->reasons[i] != 0;
    list(a, "malformed_reasons", '{', reasons);
    for (uint32_t i = 0; i < FLOWLOG_REASONS; i++)
        if (c->reasons[i]) number(a, flowlog_reason_name(i), c->reasons[i], 1);
    end_list(a);
    list(a, "first_malformed", '[', c->bad_lines);
    for (uint32_t i = 0; i < c->bad_lines; i++) {
        const flowlog_bad_line *const bad = &c->bad_line[i];
        const char *const path = flowlog_reader_path(input->reader, bad->file);
        const char *const reason = flowlog_reason_name(bad->reason);
        struct text json = {NULL, 0, 0}, plain = {NULL, 0, 0};
        text_print(&json, "{\"file\":");
        text_json(&json, path ? path : "", path ? strlen(path) : 0);
        text_print(&json,
                   ",\"line\":%" PRIu64 ",\"offset\":%" PRIu64 ",\"reason\":\"%s\",\"text\":", bad->line,
                   bad->offset, reason);
        text_json(&json, bad->text, strlen(bad->text));
        text_print(&json, "}");
        text_print(&plain, "%s: line %" PRIu64 ", byte %" PRIu64 ": %s: %s", path ? path : "input",
                   bad->line, bad->offset, flowlog_reason_message(bad->reason), bad->text);
        emit(a, NULL, json.ptr, a->form == FLOWLOG_FORM_TABLE ? plain.ptr : json.ptr);
        text_free(&json);
        text_free(&plain);
    }
    end_list(a);
}

static void write_lists(struct answer *a, const struct input *input, struct sums *s)
{
    struct interfaces *const all = &s->interfaces;
    uint64_t skipdata = 0, missing = 0;
    if (all->count) qsort(all->list, all->count, sizeof *all->list, by_name);
    for (size_t i = 0; i < all->count; i++) skipdata += all->list[i].skipdata != 0;
    list(a, "skipdata_interfaces", '[', skipdata);
    for (size_t i = 0; i < all->count; i++)
        if (all->list[i].skipdata) string(a, NULL, all->list[i].name, all->list[i].len);
    end_list(a);
    const size_t count =
        flowlog_reader_formats(input->reader) ? sizeof diagnosis_fields / sizeof *diagnosis_fields : 0;
    for (size_t i = 0; i < count; i++) missing += !input_has(input, diagnosis_fields[i]);
    list(a, "missing_for_diagnosis", '[', missing);
    for (size_t i = 0; i < count; i++)
        if (!input_has(input, diagnosis_fields[i]))
            string(a, NULL, diagnosis_fields[i], strlen(diagnosis_fields[i]));
    end_list(a);
}

/* 0, or -1 when it could not be written. */
static int write_answer(const struct input *input, struct sums *s, struct out *out)
{
    const struct options *const o = input->options;
    static const char *const names[] = {"key", "value"};
    struct answer a = {.form = o->form, .bold = message_wants_color(o->color, out_is_terminal(out))};
    const int rows = o->form == FLOWLOG_FORM_CSV || o->form == FLOWLOG_FORM_TSV;
    if (rows && flowlog_writer_open(o->form, names, 2, out_write, out, NULL, &a.writer, NULL) < 0) {
        message_error("out of memory");
        return -1;
    }
    if (o->form == FLOWLOG_FORM_JSON) text_add(&a.text, "{", 1);
    write_counters(&a, input, s);
    write_formats(&a, input);
    write_bad_lines(&a, input);
    write_lists(&a, input, s);
    if (o->form == FLOWLOG_FORM_JSON) text_add(&a.text, "}\n", 2);
    const int failed =
        rows ? flowlog_writer_finish(a.writer, NULL) < 0 : out_write(out, a.text.ptr, a.text.len) != 0;
    flowlog_writer_close(a.writer);
    text_free(&a.text);
    return failed ? -1 : 0;
}

static int run(struct input *input, struct sums *s, struct out *out)
{
    s->filter = input->filter;
    input->filter = NULL; /* see above */
    if (input_open(input, out, NULL, 0, 0)) return STATUS_FAILED;
    const flowlog_batch *batch;
    int more;
    while ((more = input_next(input, &batch)) > 0) {
        if (s->filter && select_rows(s, batch)) return STATUS_FAILED;
        const char *const overflow = add_batch(s, batch);
        if (!overflow) continue;
        message_error("%s: the sum of '%s' exceeds 64 bits", input_label(input, batch->file), overflow);
        return STATUS_FAILED;
    }
    if (more < 0) return STATUS_FAILED;
    const int status = input_finish(input);
    if (status == STATUS_FAILED) return status;
    return write_answer(input, s, out) ? STATUS_FAILED : status;
}

int command_summary(const struct options *o)
{
    struct input input;
    struct out out = out_make(o->output);
    struct sums sums;
    memset(&sums, 0, sizeof sums);
    int status = input_prepare(&input, o) ? STATUS_FAILED : run(&input, &sums, &out);
    if (status != STATUS_FAILED && out_close(&out)) status = STATUS_FAILED;
    for (size_t i = 0; i < sums.interfaces.count; i++) free(sums.interfaces.list[i].name);
    free(sums.interfaces.list);
    free(sums.interfaces.slots);
    free(sums.selection);
    flowlog_filter_free(sums.filter);
    input_close(&input);
    return status;
}
