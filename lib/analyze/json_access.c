/* SPDX-License-Identifier: MIT */
/* json_access.c - questions to a tree of JSON nodes, and where in the text an answer was wrong; see json.h. */
#include <stdio.h>
#include <string.h>

#include "analyze/json.h"
#include "core/error.h"
#include "schema/ascii.h"

uint32_t flowlog__json_find(const struct fl_json *doc, uint32_t object, const char *name)
{
    const size_t len = strlen(name);
    if (doc->node[object].kind != FL_JSON_OBJECT) return 0;
    for (uint32_t i = fl_json_first(doc, object); i; i = fl_json_next(doc, object, i)) {
        const flowlog_str s = fl_json_text(doc, i);
        if (s.len == len && !memcmp(s.ptr, name, len)) return i + 1;
    }
    return 0;
}

/* --- paths ----------------------------------------------------------------------------------- */

struct path {
    char *text;
    size_t len, cap;
    int cut;
};

static void put(struct path *p, const char *text, size_t len)
{
    if (p->cut || len > p->cap - 4 - p->len) { /* room for "..." and the NUL is kept */
        if (!p->cut) {
            memcpy(p->text + p->len, "...", 3);
            p->len += 3;
        }
        p->cut = 1;
    } else {
        memcpy(p->text + p->len, text, len);
        p->len += len;
    }
}

static int is_word(flowlog_str s)
{
    for (size_t i = 0; i < s.len; i++)
        if (!fl_ascii_is_digit(s.ptr[i]) && s.ptr[i] != '_' &&
            (fl_ascii_lower(s.ptr[i]) < 'a' || fl_ascii_lower(s.ptr[i]) > 'z'))
            return 0;
    return s.len > 0;
}

static void put_name(struct path *p, flowlog_str name)
{
    enum { NAME_SHOWN = 40 };
    const size_t shown = name.len < NAME_SHOWN ? name.len : NAME_SHOWN;
    const int word = is_word(name);
    put(p, word ? "." : "[\"", word ? 1 : 2);
    put(p, name.ptr, shown);
    if (shown < name.len) put(p, "...", 3);
    if (!word) put(p, "\"]", 2);
}

size_t flowlog__json_path(const struct fl_json *doc, uint32_t node, char *path, size_t cap)
{
    struct path p = {path, 0, cap, 0};
    put(&p, "$", 1);
    for (uint32_t parent = FL_JSON_ROOT; node && parent != node;) {
        const int is_object = doc->node[parent].kind == FL_JSON_OBJECT;
        uint32_t child = fl_json_first(doc, parent), number = 0;
        /* The name of a member counts as its value. */
        while (child && doc->node[is_object ? child + 1 : child].next <= node) {
            child = fl_json_next(doc, parent, child);
            number++;
        }
        FL_ASSERT(child);
        if (is_object) {
            put_name(&p, fl_json_text(doc, child));
        } else {
            char text[16];
            put(&p, text, (size_t)snprintf(text, sizeof text, "[%u]", (unsigned)number));
        }
        parent = is_object ? child + 1 : child;
        if (child == node) break;
    }
    path[p.len] = '\0';
    return p.len;
}

flowlog_status flowlog__json_fail_at(const char *text, uint32_t offset, flowlog_error *err, flowlog_status status,
                                     const char *path, const char *what)
{
    if (!err) return status;
    uint64_t line = 1;
    uint32_t begin = 0; /* of the line */
    for (uint32_t i = 0; i < offset; i++)
        if (text[i] == '\n') {
            line++;
            begin = i + 1;
        }
    return flowlog__fail_at(err, status, offset, line, offset - begin + 1, "%s%s%s", path ? path : "",
                            path ? ": " : "", what);
}

flowlog_status flowlog__json_fail(const struct fl_json *doc, uint32_t node, flowlog_error *err, flowlog_status status,
                                  const char *what)
{
    char path[120];
    flowlog__json_path(doc, node, path, sizeof path);
    return flowlog__json_fail_at(doc->text, doc->node[node].at, err, status, path, what);
}

/* --- values by type -------------------------------------------------------------------------- */

flowlog_status flowlog__json_expect(const struct fl_json *doc, uint32_t node, int kind, flowlog_error *err)
{
    static const char *const name[] = {"null",     "a boolean", "a boolean", "a number",
                                       "a string", "an array",  "an object"};
    const int is = fl_json_kind(doc, node);
    if (is == kind || (kind == FL_JSON_TRUE && is == FL_JSON_FALSE)) return FLOWLOG_OK;
    char what[64];
    snprintf(what, sizeof what, "%s is expected, not %s", name[kind], name[is]);
    return flowlog__json_fail(doc, node, err, FLOWLOG_E_SYNTAX, what);
}

flowlog_status flowlog__json_int(const struct fl_json *doc, uint32_t node, int64_t min, int64_t max, int64_t *value,
                                 flowlog_error *err)
{
    FL_TRY(flowlog__json_expect(doc, node, FL_JSON_NUMBER, err));
    const struct fl_json_node *n = &doc->node[node];
    const char *p = doc->text + n->at, *end = p + n->len;
    const int negative = *p == '-';
    const uint64_t most = negative ? (uint64_t)INT64_MAX + 1 : (uint64_t)INT64_MAX;
    uint64_t magnitude = 0;
    int fits = 1;
    for (p += negative; p < end; p++) {
        if (!fl_ascii_is_digit(*p))
            return flowlog__json_fail(doc, node, err, FLOWLOG_E_SYNTAX, "a whole number is expected");
        const uint64_t digit = (uint64_t)(*p - '0');
        if (magnitude > (most - digit) / 10) fits = 0;
        else magnitude = magnitude * 10 + digit;
    }
    const int64_t v = !negative ? (int64_t)magnitude : magnitude ? -(int64_t)(magnitude - 1) - 1 : 0;
    if (!fits || v < min || v > max) {
        char what[80];
        snprintf(what, sizeof what, "a number from %lld to %lld is expected", (long long)min, (long long)max);
        return flowlog__json_fail(doc, node, err, FLOWLOG_E_SYNTAX, what);
    }
    *value = v;
    return FLOWLOG_OK;
}

/* The member, checked; 0 for what is absent or null. */
static flowlog_status get(const struct fl_json *doc, uint32_t object, const char *name, int kind, uint32_t *node,
                          flowlog_error *err)
{
    const uint32_t found = flowlog__json_find(doc, object, name);
    const uint32_t n = fl_json_kind(doc, found) == FL_JSON_NULL ? 0 : found;
    if (n) FL_TRY(flowlog__json_expect(doc, n, kind, err));
    *node = n;
    return FLOWLOG_OK;
}

flowlog_status flowlog__json_get_text(const struct fl_json *doc, uint32_t object, const char *name, flowlog_str *text,
                                      flowlog_error *err)
{
    uint32_t node;
    FL_TRY(get(doc, object, name, FL_JSON_STRING, &node, err));
    *text = fl_json_text(doc, node);
    return FLOWLOG_OK;
}

flowlog_status flowlog__json_get_int(const struct fl_json *doc, uint32_t object, const char *name, int64_t min,
                                     int64_t max, int64_t otherwise, int64_t *value, flowlog_error *err)
{
    uint32_t node;
    FL_TRY(get(doc, object, name, FL_JSON_NUMBER, &node, err));
    if (node) return flowlog__json_int(doc, node, min, max, value, err);
    *value = otherwise;
    return FLOWLOG_OK;
}

flowlog_status flowlog__json_get_bool(const struct fl_json *doc, uint32_t object, const char *name, int otherwise,
                                      int *value, flowlog_error *err)
{
    uint32_t node;
    FL_TRY(get(doc, object, name, FL_JSON_TRUE, &node, err));
    *value = node ? fl_json_kind(doc, node) == FL_JSON_TRUE : otherwise;
    return FLOWLOG_OK;
}

flowlog_status flowlog__json_get_array(const struct fl_json *doc, uint32_t object, const char *name, uint32_t *list,
                                       flowlog_error *err)
{
    return get(doc, object, name, FL_JSON_ARRAY, list, err);
}

flowlog_status flowlog__json_get_object(const struct fl_json *doc, uint32_t object, const char *name, uint32_t *node,
                                        flowlog_error *err)
{
    return get(doc, object, name, FL_JSON_OBJECT, node, err);
}
