/* SPDX-License-Identifier: MIT */
/*
 * arrow_schema.c - the columns of a builder as an ArrowSchema.
 *
 * Owned as arrays are (arrow_array.c): the parent is one allocation with the structures of its children, each child
 * one with its name and the structure of its dictionary, so that either may outlive the other.
 */
#include "core/alloc.h"
#include "output/arrow_build.h"

struct owner {
    flowlog_alloc alloc;
    size_t len; /* of this allocation */
    struct ArrowSchema dictionary;
};

static void release_schema(struct ArrowSchema *schema)
{
    struct owner *const o = schema->private_data;
    for (int64_t i = 0; i < schema->n_children; i++)
        if (schema->children[i]->release) schema->children[i]->release(schema->children[i]);
    if (schema->dictionary && schema->dictionary->release) schema->dictionary->release(schema->dictionary);
    if (o) {
        const flowlog_alloc a = o->alloc;
        flowlog__release(&a, o, o->len);
    }
    schema->release = NULL;
}

/* A schema and `extra` bytes behind its owner.  NULL: no memory. */
static struct owner *new_schema(struct ArrowSchema *schema, const flowlog_alloc *alloc, size_t extra)
{
    const size_t len = sizeof(struct owner) + extra;
    struct owner *const o = flowlog__alloc_zero(alloc, len);
    if (!o) return NULL;
    o->alloc = *alloc;
    o->len = len;
    memset(schema, 0, sizeof *schema);
    schema->name = "";
    schema->private_data = o;
    schema->release = release_schema;
    return o;
}

static const char *format_of(const struct fl_arrow_column *c)
{
    switch (c->layout) {
    case FL_ARROW_ADDR: return "w:16";
    case FL_ARROW_DECIMAL: return "d:29,9"; /* 2^64 - 1 has 20 digits, and 9 follow the point */
    case FL_ARROW_TEXT: return "u";
    case FL_ARROW_DICTIONARY: return "i";
    default: return c->type == FLOWLOG_TYPE_U32 ? "I" : c->type == FLOWLOG_TYPE_U64 ? "L" : "tss:UTC";
    }
}

/* A field of the catalogue has underscores in its name. */
static const char *name_of(const struct fl_arrow_column *c)
{
    const uint32_t field = c->field ? c->field : flowlog_field_find(c->name, strlen(c->name));
    const flowlog_field_info *const info = flowlog_field_get(field);
    return info && strcmp(info->name, c->name) == 0 ? info->underscore : c->name;
}

static flowlog_status make_child(struct ArrowSchema *child, const flowlog_alloc *alloc, const struct fl_arrow_column *c)
{
    const char *const name = name_of(c);
    struct fl_arrow_buffer text = {0}; /* names that users gave need not be UTF-8 either */
    flowlog_status status = flowlog__arrow_put_text(&text, alloc, name, strlen(name));
    struct owner *const o = status < 0 ? NULL : new_schema(child, alloc, text.len + 1);
    if (o) {
        char *const to = (char *)(o + 1);
        if (text.len) memcpy(to, text.p, text.len);
        child->name = to;
        child->format = format_of(c);
        child->flags = ARROW_FLAG_NULLABLE;
    }
    flowlog__arrow_drop(&text, alloc);
    if (!o) return FLOWLOG_E_MEMORY;
    if (c->layout != FL_ARROW_DICTIONARY) return FLOWLOG_OK;
    /* Of nothing but static text, so there is nothing to own. */
    o->dictionary.format = "u";
    o->dictionary.name = "";
    o->dictionary.release = release_schema;
    child->dictionary = &o->dictionary;
    return FLOWLOG_OK;
}

flowlog_status flowlog__arrow_schema(const struct fl_arrow_builder *b, struct ArrowSchema *schema)
{
    const size_t each = sizeof(struct ArrowSchema) + sizeof(struct ArrowSchema *);
    struct ArrowSchema made;
    if (b->columns > (SIZE_MAX / 2) / each) return FLOWLOG_E_MEMORY;
    struct owner *const o = new_schema(&made, &b->alloc, b->columns * each);
    if (!o) return FLOWLOG_E_MEMORY;
    struct ArrowSchema *const child = (struct ArrowSchema *)(void *)(o + 1);
    made.format = "+s";
    made.children = (struct ArrowSchema **)(void *)(child + b->columns);
    for (uint32_t i = 0; i < b->columns; i++) {
        made.children[i] = &child[i];
        const flowlog_status status = make_child(&child[i], &b->alloc, &b->column[i]);
        if (status < 0) {
            release_schema(&made);
            return status;
        }
        made.n_children = (int64_t)i + 1;
    }
    *schema = made;
    return FLOWLOG_OK;
}
