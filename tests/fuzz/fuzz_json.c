/* SPDX-License-Identifier: MIT */
/*
 * fuzz_json.c - any bytes as JSON.
 *
 * What parses is a tree whose nodes contain each other as they should, whose paths can be written, and which reads
 * back the same when it is written anew.  What does not parse has a status and a position, and no part of it is kept.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define CHECK(condition) \
    do { \
        if (!(condition)) abort(); \
    } while (0)

static void check_position(const uint8_t *data, size_t len, const flowlog_error *err)
{
    uint64_t line = 1, column = 1;
    CHECK(err->offset <= len);
    for (uint64_t i = 0; i < err->offset; i++) {
        column = data[i] == '\n' ? 1 : column + 1;
        line += data[i] == '\n';
    }
    CHECK(err->line == line && err->column == column);
}

static void check_node(const struct fl_json *doc, uint32_t node)
{
    const struct fl_json_node *n = &doc->node[node];
    const int kind = fl_json_kind(doc, node), is_object = kind == FL_JSON_OBJECT;
    uint32_t children = 0, end = node + 1;
    CHECK(n->next > node && n->next <= doc->nodes && n->at < doc->text_len);
    for (uint32_t i = fl_json_first(doc, node); i; i = fl_json_next(doc, node, i)) {
        CHECK(i == end);
        if (is_object) CHECK(fl_json_kind(doc, i) == FL_JSON_STRING && doc->node[i].next == i + 1);
        end = doc->node[is_object ? i + 1 : i].next;
        children++;
    }
    CHECK(end == n->next && (kind >= FL_JSON_ARRAY ? children == n->len : end == node + 1));
    const flowlog_str s = fl_json_text(doc, node);
    CHECK((s.ptr != NULL) == (kind == FL_JSON_STRING));
    for (size_t i = 0; i < s.len; i++) CHECK(s.ptr[i] || n->escaped);
    char path[64];
    const size_t path_len = flowlog__json_path(doc, node, path, sizeof path);
    CHECK(path_len < sizeof path && strlen(path) <= path_len && path[0] == '$');
    int64_t value;
    if (flowlog__json_int(doc, node, -1000, 1000, &value, NULL) == FLOWLOG_OK) CHECK(value >= -1000 && value <= 1000);
}

/* Writes node and what it contains; depth is bounded by the parser. */
static char *write_node(const struct fl_json *doc, uint32_t node, char *to)
{
    const flowlog_str s = fl_json_text(doc, node);
    switch (fl_json_kind(doc, node)) {
    case FL_JSON_NULL: return to + sprintf(to, "null");
    case FL_JSON_FALSE: return to + sprintf(to, "false");
    case FL_JSON_TRUE: return to + sprintf(to, "true");
    case FL_JSON_NUMBER:
        memcpy(to, doc->text + doc->node[node].at, doc->node[node].len);
        return to + doc->node[node].len;
    case FL_JSON_STRING:
        *to++ = '"';
        for (size_t i = 0; i < s.len; i++) {
            const unsigned c = (uint8_t)s.ptr[i];
            if (c < 0x20 || c == '"' || c == '\\') to += sprintf(to, "\\u%04X", c);
            else *to++ = s.ptr[i];
        }
        *to++ = '"';
        return to;
    default: break;
    }
    const int is_object = fl_json_kind(doc, node) == FL_JSON_OBJECT;
    *to++ = is_object ? '{' : '[';
    for (uint32_t i = fl_json_first(doc, node); i; i = fl_json_next(doc, node, i)) {
        if (i != node + 1) *to++ = ',';
        to = write_node(doc, i, to);
        if (!is_object) continue;
        *to++ = ':';
        to = write_node(doc, i + 1, to);
    }
    *to++ = is_object ? '}' : ']';
    return to;
}

static void check_same(const struct fl_json *a, const struct fl_json *b)
{
    CHECK(a->nodes == b->nodes);
    for (uint32_t i = 0; i < a->nodes; i++) {
        const flowlog_str s = fl_json_text(a, i), t = fl_json_text(b, i);
        CHECK(a->node[i].kind == b->node[i].kind && a->node[i].next == b->node[i].next);
        CHECK(a->node[i].len == b->node[i].len && s.len == t.len && (!s.len || !memcmp(s.ptr, t.ptr, s.len)));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct fl_json doc, again;
    flowlog_error err = {0};
    const flowlog_status status = flowlog__json_parse((const char *)data, len, NULL, NULL, &doc, &err);
    if (status != FLOWLOG_OK) {
        CHECK(err.status == status && err.message[0]);
        check_position(data, len, &err);
        return 0;
    }
    CHECK(err.status == 0);
    for (uint32_t i = 1; i < doc.nodes && i < 2000; i++) check_node(&doc, i);
    char *text = malloc(6 * len + 64); /* a byte is at most \u0000 */
    CHECK(text);
    const size_t n = (size_t)(write_node(&doc, FL_JSON_ROOT, text) - text);
    CHECK(flowlog__json_parse(text, n, NULL, NULL, &again, NULL) == FLOWLOG_OK);
    check_same(&doc, &again);
    flowlog__json_clear(&again);
    flowlog__json_clear(&doc);
    free(text);
    return 0;
}
