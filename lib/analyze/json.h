/* SPDX-License-Identifier: MIT */
/*
 * analyze/json.h - a strict reader of JSON (RFC 8259): bytes to a tree of numbered nodes.
 *
 * Nothing is accepted that the RFC does not have: no comments, no trailing commas, no lone surrogates, no bytes that
 * are not UTF-8, no name twice in one object.  A byte order mark in front is left out, as the RFC allows.
 * Total on any bytes, without recursion: memory is bounded by the limits, time by n log n.
 *
 *     struct fl_json doc;
 *     FL_TRY(flowlog__json_parse(text, len, NULL, alloc, &doc, err));
 *     const uint32_t list = flowlog__json_find(&doc, FL_JSON_ROOT, "Subnets");
 *     for (uint32_t i = fl_json_first(&doc, list); i; i = fl_json_next(&doc, list, i)) ...
 *     flowlog__json_clear(&doc);
 *
 * Nodes lie in the order of the text, each followed by what it contains; a member is its name, a string, followed
 * by its value.  Node 0 is no node: what find() gives for a name that is not there.  It reads as null, so that
 * "absent" and "null" are one case, and has no children.
 */
#ifndef FL_ANALYZE_JSON_H
#define FL_ANALYZE_JSON_H

#include "core/compiler.h"
#include "flowlog/base.h"

enum { FL_JSON_NULL, FL_JSON_FALSE, FL_JSON_TRUE, FL_JSON_NUMBER, FL_JSON_STRING, FL_JSON_ARRAY, FL_JSON_OBJECT };

enum { FL_JSON_ROOT = 1 };

/* 0 or NULL: these.  Depth counts arrays and objects around a value; what AWS prints has 8 at most. */
#define FL_JSON_BYTES_MAX (UINT32_C(1) << 28)
#define FL_JSON_NODES_MAX (UINT32_C(1) << 24)
#define FL_JSON_DEPTH_MAX 64

struct fl_json_limits {
    uint32_t bytes, nodes, depth;
};

struct fl_json_node {
    uint32_t at;   /* byte offset in the text: of the value's first byte, of a string its quote */
    uint32_t len;  /* string: bytes, escapes resolved; number: bytes; array, object: children, members */
    uint32_t data; /* string: offset of its bytes, in the text or, if escaped, in doc.unescaped */
    uint32_t next; /* the node behind this one and all that it contains */
    uint8_t kind;  /* FL_JSON_* */
    uint8_t escaped;
};

struct fl_json {
    flowlog_alloc alloc;
    const char *text; /* borrowed: it must outlive the document */
    char *unescaped;
    struct fl_json_node *node;
    uint32_t text_len, unescaped_len, unescaped_cap, nodes, nodes_cap;
};

/*
 * Parse all of `text`.  E_SYNTAX, E_DUPLICATE (a name twice in one object) and E_LIMIT with offset, line and column
 * of the offending byte; E_MEMORY.  On failure *doc needs no clear.
 */
flowlog_status flowlog__json_parse(const char *text, size_t len, const struct fl_json_limits *limits,
                                   const flowlog_alloc *alloc, struct fl_json *doc, flowlog_error *err);
void flowlog__json_clear(struct fl_json *doc);

FL_INLINE int fl_json_kind(const struct fl_json *doc, uint32_t node) { return doc->node[node].kind; }

/* The first child of an array, the name of the first member of an object; 0 for none and for all other nodes. */
FL_INLINE uint32_t fl_json_first(const struct fl_json *doc, uint32_t parent)
{
    return doc->node[parent].kind >= FL_JSON_ARRAY && doc->node[parent].len ? parent + 1 : 0;
}

/* The child behind `child`, the name of the member behind the one with the name `child`; 0 at the end. */
FL_INLINE uint32_t fl_json_next(const struct fl_json *doc, uint32_t parent, uint32_t child)
{
    const uint32_t value = doc->node[parent].kind == FL_JSON_OBJECT ? child + 1 : child;
    return doc->node[value].next < doc->node[parent].next ? doc->node[value].next : 0;
}

/* The bytes of a string, borrowed from text and document, not ended by NUL; {NULL, 0} for all other nodes. */
FL_INLINE flowlog_str fl_json_text(const struct fl_json *doc, uint32_t node)
{
    const struct fl_json_node *n = &doc->node[node];
    flowlog_str s = {NULL, 0};
    if (n->kind != FL_JSON_STRING) return s;
    s.ptr = (n->escaped ? doc->unescaped : doc->text) + n->data;
    s.len = n->len;
    return s;
}

/* The value of the member called `name`; 0 when there is none or `object` is no object. */
uint32_t flowlog__json_find(const struct fl_json *doc, uint32_t object, const char *name);

/*
 * Members by type.  Absent and null give "nothing": {NULL, 0}, `otherwise`, or 0.  A member of another type is
 * E_SYNTAX, with its position and its path: "$.NetworkAcls[0].Entries[2].RuleNumber: an integer is expected, not a
 * string".  Integers are written without fraction and exponent; one outside of [min, max] is E_SYNTAX as well.
 */
flowlog_status flowlog__json_get_text(const struct fl_json *doc, uint32_t object, const char *name, flowlog_str *text,
                                      flowlog_error *err);
flowlog_status flowlog__json_get_int(const struct fl_json *doc, uint32_t object, const char *name, int64_t min,
                                     int64_t max, int64_t otherwise, int64_t *value, flowlog_error *err);
flowlog_status flowlog__json_get_bool(const struct fl_json *doc, uint32_t object, const char *name, int otherwise,
                                      int *value, flowlog_error *err);
/* *list is the node of an array (or object), or 0. */
flowlog_status flowlog__json_get_array(const struct fl_json *doc, uint32_t object, const char *name, uint32_t *list,
                                       flowlog_error *err);
flowlog_status flowlog__json_get_object(const struct fl_json *doc, uint32_t object, const char *name, uint32_t *node,
                                        flowlog_error *err);

/* The same for a node: OK if it is of this kind (FL_JSON_TRUE: a boolean), or the error above. */
flowlog_status flowlog__json_expect(const struct fl_json *doc, uint32_t node, int kind, flowlog_error *err);
flowlog_status flowlog__json_int(const struct fl_json *doc, uint32_t node, int64_t min, int64_t max, int64_t *value,
                                 flowlog_error *err);

/* "<path of node>: <what>" with the node's offset, line and column; returns status. */
flowlog_status flowlog__json_fail(const struct fl_json *doc, uint32_t node, flowlog_error *err, flowlog_status status,
                                  const char *what);

/* "<path>: <what>", or what alone when path is NULL, with the position of text[offset]; returns status. */
flowlog_status flowlog__json_fail_at(const char *text, uint32_t offset, flowlog_error *err, flowlog_status status,
                                     const char *path, const char *what);

/*
 * The path of a node: "$.Subnets[1].SubnetId"; a name that is not of letters, digits and '_' stands in brackets and
 * quotes.  Long names and paths are cut with "...".  Returns the length written, without the NUL; cap >= 64.
 */
size_t flowlog__json_path(const struct fl_json *doc, uint32_t node, char *path, size_t cap);

#endif
