/* SPDX-License-Identifier: MIT */
/*
 * json.c - text to nodes; see json.h.  What asks the nodes is in json_access.c.
 *
 * One pass from left to right.  The container that is being filled is `parent`; the one around it stands, while it is
 * open, in its `next`, so that depth costs no memory.  Strings stay where they are; only those with escapes are
 * written anew, each to at most as many bytes as it had.
 */
#include "analyze/json.h"

#include <string.h>

#include "analyze/sort.h"
#include "core/alloc.h"
#include "core/error.h"
#include "core/utf8.h"
#include "schema/ascii.h"

#define NODES_MOST (UINT32_C(1) << 31) /* so that doubling stays within 32 bits */

struct parser {
    struct fl_json *doc;
    const uint8_t *text;
    uint32_t at, len;
    uint32_t parent, depth, nodes_max, depth_max;
    uint32_t *name; /* scratch: the names of one object */
    size_t names_cap;
    flowlog_error *err;
};

static flowlog_status fail_at(const struct parser *p, flowlog_status status, uint32_t offset, const char *what)
{
    return flowlog__json_fail_at(p->doc->text, offset, p->err, status, NULL, what);
}

/* The text ends too early or goes on as it must not. */
static flowlog_status unexpected(const struct parser *p, const char *what)
{
    return fail_at(p, FLOWLOG_E_SYNTAX, p->at, p->at < p->len ? what : "the text ends too early");
}

static void skip_blanks(struct parser *p)
{
    while (p->at < p->len && fl_ascii_is_blank((char)p->text[p->at])) p->at++;
}

static int is_next(const struct parser *p, char c) { return p->at < p->len && p->text[p->at] == (uint8_t)c; }

/* A node that begins at p->at, counted as a child of the parent unless it is a member's value. */
static flowlog_status add_node(struct parser *p, int kind, struct fl_json_node **node)
{
    struct fl_json *doc = p->doc;
    if (doc->nodes >= p->nodes_max)
        return fail_at(p, FLOWLOG_E_LIMIT, p->at, "more values than the limit allows");
    if (doc->nodes == doc->nodes_cap) {
        const uint64_t cap = doc->nodes_cap ? (uint64_t)doc->nodes_cap * 2 : 64;
        void *more = NULL;
        if (cap <= SIZE_MAX / sizeof *doc->node)
            more = flowlog__resize(&doc->alloc, doc->node, doc->nodes_cap * sizeof *doc->node,
                                   (size_t)cap * sizeof *doc->node);
        if (!more) return FL_FAIL(p->err, FLOWLOG_E_MEMORY, "no memory for JSON of %u bytes", (unsigned)p->len);
        doc->node = more;
        doc->nodes_cap = (uint32_t)cap;
    }
    struct fl_json_node *n = &doc->node[doc->nodes++];
    memset(n, 0, sizeof *n);
    n->at = p->at;
    n->kind = (uint8_t)kind;
    n->next = doc->nodes;
    *node = n;
    return FLOWLOG_OK;
}

/* --- strings --------------------------------------------------------------------------------- */

/* Four hexadecimal digits at p[0 .. 4), or UINT32_MAX. */
static uint32_t hex4(const uint8_t *p, size_t len)
{
    uint32_t value = 0;
    if (len < 4) return UINT32_MAX;
    for (unsigned i = 0; i < 4; i++) {
        const char c = fl_ascii_lower((char)p[i]);
        if (!fl_ascii_is_digit(c) && (c < 'a' || c > 'f')) return UINT32_MAX;
        value = value << 4 | (uint32_t)(fl_ascii_is_digit(c) ? c - '0' : c - 'a' + 10);
    }
    return value;
}

static int is_high(uint32_t unit) { return unit >= 0xD800 && unit < 0xDC00; }
static int is_low(uint32_t unit) { return unit >= 0xDC00 && unit < 0xE000; }

/* One escape at p->at, which holds a backslash; moves behind it.  A pair of surrogates is one escape. */
static flowlog_status skip_escape(struct parser *p)
{
    const uint32_t begin = p->at++;
    if (p->at == p->len) return unexpected(p, "");
    const char c = (char)p->text[p->at++];
    if (c != 'u') {
        if (c && strchr("\"\\/bfnrt", c)) return FLOWLOG_OK;
        return fail_at(p, FLOWLOG_E_SYNTAX, begin, "a backslash is followed by one of \"\\/bfnrtu");
    }
    const uint32_t unit = hex4(p->text + p->at, p->len - p->at);
    if (unit == UINT32_MAX) return fail_at(p, FLOWLOG_E_SYNTAX, begin, "\\u is followed by four hexadecimal digits");
    p->at += 4;
    if (is_high(unit) && p->len - p->at >= 6 && p->text[p->at] == '\\' && p->text[p->at + 1] == 'u' &&
        is_low(hex4(p->text + p->at + 2, 4))) {
        p->at += 6;
    } else if (is_high(unit) || is_low(unit)) {
        return fail_at(p, FLOWLOG_E_SYNTAX, begin, "half of a surrogate pair");
    }
    return FLOWLOG_OK;
}

/* From the opening quote at p->at to behind the closing one; whether there are escapes. */
static flowlog_status skip_string(struct parser *p, int *escaped)
{
    *escaped = 0;
    p->at++;
    while (p->at < p->len) {
        const uint8_t c = p->text[p->at];
        if (c == '"') {
            p->at++;
            return FLOWLOG_OK;
        }
        if (c == '\\') {
            *escaped = 1;
            FL_TRY(skip_escape(p));
        } else if (c < 0x20) {
            return fail_at(p, FLOWLOG_E_SYNTAX, p->at, "a control character in a string is written as an escape");
        } else if (c < 0x80) {
            p->at++;
        } else {
            const size_t n = fl_utf8_sequence(p->text + p->at, p->len - p->at);
            if (!n) return fail_at(p, FLOWLOG_E_SYNTAX, p->at, "a byte that is not UTF-8");
            p->at += (uint32_t)n;
        }
    }
    return fail_at(p, FLOWLOG_E_SYNTAX, p->at, "the text ends inside of a string");
}

static size_t put_utf8(uint8_t *out, uint32_t c)
{
    if (c < 0x80) {
        out[0] = (uint8_t)c;
        return 1;
    }
    const unsigned tail = c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
    static const uint8_t lead[4] = {0, 0xC0, 0xE0, 0xF0};
    out[0] = (uint8_t)(lead[tail] | c >> (6 * tail));
    for (unsigned i = 1; i <= tail; i++) out[i] = (uint8_t)(0x80 | (c >> (6 * (tail - i)) & 0x3F));
    return tail + 1u;
}

/* The bytes of a string that skip_string has passed, without escapes; out has room for as many. */
static size_t unescape_unchecked(const uint8_t *p, const uint8_t *end, uint8_t *out)
{
    uint8_t *const begin = out;
    while (p < end) {
        if (*p != '\\') {
            *out++ = *p++;
            continue;
        }
        if (p[1] != 'u') {
            static const char from[] = "bfnrt", to[] = "\b\f\n\r\t";
            const char *known = strchr(from, p[1]);
            *out++ = known ? (uint8_t)to[known - from] : p[1];
            p += 2;
            continue;
        }
        uint32_t c = hex4(p + 2, 4);
        p += 6;
        if (is_high(c)) {
            c = 0x10000 + ((c - 0xD800) << 10) + (hex4(p + 2, 4) - 0xDC00);
            p += 6;
        }
        out += put_utf8(out, c);
    }
    return (size_t)(out - begin);
}

static flowlog_status string(struct parser *p)
{
    struct fl_json *doc = p->doc;
    struct fl_json_node *n;
    FL_TRY(add_node(p, FL_JSON_STRING, &n));
    int escaped;
    FL_TRY(skip_string(p, &escaped));
    n->data = n->at + 1;
    n->len = p->at - n->at - 2;
    if (!escaped) return FLOWLOG_OK;
    if (n->len > doc->unescaped_cap - doc->unescaped_len) {
        uint64_t cap = (uint64_t)doc->unescaped_cap * 2 + n->len + 256;
        if (cap > p->len) cap = p->len; /* all of them together are shorter than the text */
        char *more = flowlog__resize(&doc->alloc, doc->unescaped, doc->unescaped_cap, (size_t)cap);
        if (!more) return FL_FAIL(p->err, FLOWLOG_E_MEMORY, "no memory for the strings of JSON");
        doc->unescaped = more;
        doc->unescaped_cap = (uint32_t)cap;
    }
    const uint8_t *from = p->text + n->data;
    n->data = doc->unescaped_len;
    n->len = (uint32_t)unescape_unchecked(from, from + n->len, (uint8_t *)doc->unescaped + n->data);
    n->escaped = 1;
    doc->unescaped_len += n->len;
    return FLOWLOG_OK;
}

/* --- other values ---------------------------------------------------------------------------- */

static uint32_t skip_digits(struct parser *p)
{
    const uint32_t begin = p->at;
    while (p->at < p->len && fl_ascii_is_digit((char)p->text[p->at])) p->at++;
    return p->at - begin;
}

static flowlog_status number(struct parser *p)
{
    struct fl_json_node *n;
    FL_TRY(add_node(p, FL_JSON_NUMBER, &n));
    if (is_next(p, '-')) p->at++;
    const int zero = is_next(p, '0');
    const uint32_t digits = skip_digits(p);
    if (!digits) return unexpected(p, "a digit is expected");
    if (zero && digits > 1) return fail_at(p, FLOWLOG_E_SYNTAX, p->at - digits, "a number with a leading zero");
    if (is_next(p, '.')) {
        p->at++;
        if (!skip_digits(p)) return unexpected(p, "a digit is expected after the point");
    }
    if (is_next(p, 'e') || is_next(p, 'E')) {
        p->at++;
        if (is_next(p, '+') || is_next(p, '-')) p->at++;
        if (!skip_digits(p)) return unexpected(p, "a digit is expected in the exponent");
    }
    n->len = p->at - n->at;
    return FLOWLOG_OK;
}

static flowlog_status literal(struct parser *p, const char *word, int kind)
{
    struct fl_json_node *n;
    FL_TRY(add_node(p, kind, &n));
    for (; *word; word++, p->at++)
        if (!is_next(p, *word)) return unexpected(p, "a value is expected");
    return FLOWLOG_OK;
}

/* --- arrays and objects ---------------------------------------------------------------------- */

static flowlog_status open_container(struct parser *p, int kind)
{
    struct fl_json_node *n;
    if (p->depth == p->depth_max)
        return fail_at(p, FLOWLOG_E_LIMIT, p->at, "nested deeper than the limit allows");
    FL_TRY(add_node(p, kind, &n));
    n->next = p->parent;
    p->parent = p->doc->nodes - 1;
    p->depth++;
    p->at++;
    return FLOWLOG_OK;
}

static int compare_names(const void *things, uint32_t a, uint32_t b)
{
    const flowlog_str x = fl_json_text(things, a), y = fl_json_text(things, b);
    if (x.len != y.len) return x.len < y.len ? -1 : 1;
    const int order = memcmp(x.ptr, y.ptr, x.len);
    return order ? order : a < b ? -1 : a > b;
}

static int same_name(const struct fl_json *doc, uint32_t a, uint32_t b)
{
    const flowlog_str x = fl_json_text(doc, a), y = fl_json_text(doc, b);
    return x.len == y.len && !memcmp(x.ptr, y.ptr, x.len);
}

/* The first name of a complete object that an earlier one equals, or 0. */
static flowlog_status find_duplicate(struct parser *p, uint32_t object, uint32_t *duplicate)
{
    enum { FEW = 16 }; /* names that are compared each with each, without memory for them */
    const struct fl_json *doc = p->doc;
    const size_t count = doc->node[object].len;
    *duplicate = 0;
    if (count <= FEW) {
        uint32_t name[FEW], n = 0;
        for (uint32_t i = fl_json_first(doc, object); i; i = fl_json_next(doc, object, i)) {
            for (uint32_t k = 0; k < n; k++)
                if (same_name(doc, name[k], i)) {
                    *duplicate = i;
                    return FLOWLOG_OK;
                }
            name[n++] = i;
        }
        return FLOWLOG_OK;
    }
    if (count > p->names_cap) {
        uint32_t *more = flowlog__alloc_array(&doc->alloc, count, sizeof *more);
        if (!more) return FL_FAIL(p->err, FLOWLOG_E_MEMORY, "no memory for the names of an object");
        flowlog__release(&doc->alloc, p->name, p->names_cap * sizeof *p->name);
        p->name = more;
        p->names_cap = count;
    }
    size_t n = 0;
    for (uint32_t i = fl_json_first(doc, object); i; i = fl_json_next(doc, object, i)) p->name[n++] = i;
    flowlog__sort(p->name, count, compare_names, doc);
    for (size_t i = 1; i < count; i++)
        if (same_name(doc, p->name[i - 1], p->name[i]) && (!*duplicate || p->name[i] < *duplicate))
            *duplicate = p->name[i];
    return FLOWLOG_OK;
}

/* The parent is complete, p->at behind its bracket. */
static flowlog_status close_container(struct parser *p)
{
    struct fl_json_node *n = &p->doc->node[p->parent];
    const uint32_t closed = p->parent;
    p->parent = n->next;
    p->depth--;
    n->next = p->doc->nodes;
    if (n->kind != FL_JSON_OBJECT) return FLOWLOG_OK;
    uint32_t duplicate;
    FL_TRY(find_duplicate(p, closed, &duplicate));
    if (!duplicate) return FLOWLOG_OK;
    return fail_at(p, FLOWLOG_E_DUPLICATE, p->doc->node[duplicate].at, "a name that the object has already");
}

static flowlog_status member_name(struct parser *p)
{
    skip_blanks(p);
    if (!is_next(p, '"')) return unexpected(p, "a name in double quotes is expected");
    FL_TRY(string(p));
    skip_blanks(p);
    if (!is_next(p, ':')) return unexpected(p, "':' is expected after a name");
    p->at++;
    return FLOWLOG_OK;
}

/* A whole value, or the opening bracket of one. */
static flowlog_status value(struct parser *p)
{
    skip_blanks(p);
    if (p->at == p->len) return unexpected(p, "");
    switch (p->text[p->at]) {
    case '{': return open_container(p, FL_JSON_OBJECT);
    case '[': return open_container(p, FL_JSON_ARRAY);
    case '"': return string(p);
    case 't': return literal(p, "true", FL_JSON_TRUE);
    case 'f': return literal(p, "false", FL_JSON_FALSE);
    case 'n': return literal(p, "null", FL_JSON_NULL);
    case '-':
    case '0': case '1': case '2': case '3': case '4':
    case '5': case '6': case '7': case '8': case '9': return number(p);
    default: return unexpected(p, "a value is expected");
    }
}

/* Behind a value or an opening bracket: close what is complete, up to the next ',' or the end. */
static flowlog_status after_value(struct parser *p, int opened)
{
    for (; p->parent; opened = 0) {
        const int is_object = p->doc->node[p->parent].kind == FL_JSON_OBJECT;
        skip_blanks(p);
        if (is_next(p, is_object ? '}' : ']')) {
            p->at++;
            FL_TRY(close_container(p));
        } else if (opened) {
            return FLOWLOG_OK;
        } else if (is_next(p, ',')) {
            p->at++;
            return FLOWLOG_OK;
        } else {
            return unexpected(p, is_object ? "',' or '}' is expected" : "',' or ']' is expected");
        }
    }
    return FLOWLOG_OK;
}

static flowlog_status document(struct parser *p)
{
    static const uint8_t bom[3] = {0xEF, 0xBB, 0xBF};
    struct fl_json_node *nothing;
    FL_TRY(add_node(p, FL_JSON_NULL, &nothing));
    if (p->len >= sizeof bom && !memcmp(p->text, bom, sizeof bom)) p->at = sizeof bom;
    if (p->len >= 2 && (p->text[0] ^ p->text[1]) == 1 && p->text[0] >= 0xFE)
        return fail_at(p, FLOWLOG_E_SYNTAX, 0, "the text is UTF-16; JSON is UTF-8");
    do {
        if (p->parent) {
            struct fl_json_node *parent = &p->doc->node[p->parent];
            parent->len++;
            if (parent->kind == FL_JSON_OBJECT) FL_TRY(member_name(p));
        }
        const uint32_t around = p->parent;
        FL_TRY(value(p));
        FL_TRY(after_value(p, p->parent != around));
    } while (p->parent);
    skip_blanks(p);
    return p->at == p->len ? FLOWLOG_OK : unexpected(p, "something follows the value");
}

static uint32_t limit_or(uint32_t limit, uint32_t otherwise) { return limit ? limit : otherwise; }

flowlog_status flowlog__json_parse(const char *text, size_t len, const struct fl_json_limits *limits,
                                   const flowlog_alloc *alloc, struct fl_json *doc, flowlog_error *err)
{
    static const struct fl_json_limits none;
    const struct fl_json_limits *l = limits ? limits : &none;
    if (!text && len) return FL_FAIL(err, FLOWLOG_E_ARGUMENT, "text is NULL");
    if (len > limit_or(l->bytes, FL_JSON_BYTES_MAX))
        return FL_FAIL(err, FLOWLOG_E_LIMIT, "JSON of %zu bytes; the limit is %u", len,
                       (unsigned)limit_or(l->bytes, FL_JSON_BYTES_MAX));
    memset(doc, 0, sizeof *doc);
    doc->alloc = flowlog__alloc_or_default(alloc);
    doc->text = text;
    doc->text_len = (uint32_t)len;
    const uint32_t nodes = limit_or(l->nodes, FL_JSON_NODES_MAX);
    struct parser p = {.doc = doc, .text = (const uint8_t *)text, .len = (uint32_t)len, .err = err,
                       .nodes_max = nodes < NODES_MOST ? nodes : NODES_MOST,
                       .depth_max = limit_or(l->depth, FL_JSON_DEPTH_MAX)};
    const flowlog_status status = document(&p);
    flowlog__release(&doc->alloc, p.name, p.names_cap * sizeof *p.name);
    if (status < 0) flowlog__json_clear(doc);
    return status;
}

void flowlog__json_clear(struct fl_json *doc)
{
    flowlog__release(&doc->alloc, doc->node, doc->nodes_cap * sizeof *doc->node);
    flowlog__release(&doc->alloc, doc->unescaped, doc->unescaped_cap);
    doc->node = NULL;
    doc->unescaped = NULL;
    doc->nodes = doc->nodes_cap = doc->unescaped_len = doc->unescaped_cap = 0;
}
