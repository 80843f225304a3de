/* SPDX-License-Identifier: MIT */
/*
 * arrow_array.c - finished columns as an ArrowArray, which then owns their memory.
 *
 * A parent, each child and each dictionary is one allocation (struct owner) and the buffers it names; none refers to
 * another but through the structures that Arrow defines.  So a child that is moved out of its parent, which sets
 * the release of its structure there to NULL, stays valid when the parent is released, in whatever order and thread.
 *
 *   parent: owner | struct ArrowArray of each child | pointers to them
 *   child:  owner, with the struct ArrowArray of its dictionary in it
 */
#include "core/alloc.h"
#include "core/bytes.h"
#include "output/arrow_build.h"

struct owner {
    flowlog_alloc alloc;
    size_t len; /* of this allocation */
    const void *buffers[3];
    size_t cap[3];
    struct ArrowArray dictionary;
};

static void release_array(struct ArrowArray *array)
{
    struct owner *const o = array->private_data;
    for (int64_t i = 0; i < array->n_children; i++)
        if (array->children[i]->release) array->children[i]->release(array->children[i]);
    if (array->dictionary && array->dictionary->release) array->dictionary->release(array->dictionary);
    const flowlog_alloc a = o->alloc;
    for (int i = 0; i < 3; i++) flowlog__release(&a, (void *)(uintptr_t)o->buffers[i], o->cap[i]);
    flowlog__release(&a, o, o->len);
    array->release = NULL;
}

/* An array without buffers yet.  E_MEMORY. */
static flowlog_status new_array(struct ArrowArray *array, const flowlog_alloc *alloc, uint32_t children)
{
    const size_t each = sizeof(struct ArrowArray) + sizeof(struct ArrowArray *);
    if (children > (SIZE_MAX / 2) / each) return FLOWLOG_E_MEMORY;
    const size_t len = sizeof(struct owner) + children * each;
    struct owner *const o = flowlog__alloc_zero(alloc, len);
    if (!o) return FLOWLOG_E_MEMORY;
    struct ArrowArray *const child = (struct ArrowArray *)(void *)(o + 1);
    o->alloc = *alloc;
    o->len = len;
    memset(array, 0, sizeof *array);
    array->buffers = o->buffers;
    array->private_data = o;
    array->release = release_array;
    if (!children) return FLOWLOG_OK;
    array->n_children = children;
    array->children = (struct ArrowArray **)(void *)(child + children);
    for (uint32_t i = 0; i < children; i++) array->children[i] = &child[i];
    return FLOWLOG_OK;
}

/* Zeros up to the next multiple of FL_ARROW_PADDING; the capacity is one. */
static void pad(const struct fl_arrow_buffer *b)
{
    const size_t end = (b->len + FL_ARROW_PADDING - 1) / FL_ARROW_PADDING * FL_ARROW_PADDING;
    memset(b->p + b->len, 0, end - b->len);
}

/* The next array will be about as long: its memory is then asked for once. */
static void move_buffer(struct ArrowArray *array, int i, struct fl_arrow_buffer *b)
{
    struct owner *const o = array->private_data;
    pad(b);
    o->buffers[i] = b->p;
    o->cap[i] = b->cap;
    b->hint = b->len + b->len / 8;
    b->p = NULL;
    b->len = b->cap = 0;
}

/* Bitmaps are bytes, least significant bit first. */
static void order_bits(struct fl_arrow_buffer *b)
{
    uint64_t *const word = (uint64_t *)(void *)b->p;
    for (size_t i = 0; i < b->len / sizeof *word; i++) fl_store64(&word[i], word[i]);
}

/* Empty arrays have an offset too, and no buffer but a bitmap of no nulls is NULL. */
static flowlog_status complete(struct fl_arrow_buffer *b, const flowlog_alloc *alloc, size_t least)
{
    if (!fl_arrow_room(b, alloc, least)) return FLOWLOG_E_MEMORY;
    if (b->len) return FLOWLOG_OK;
    memset(b->p, 0, least);
    b->len = least;
    return FLOWLOG_OK;
}

static flowlog_status prepare_column(struct fl_arrow_column *c, const flowlog_alloc *alloc)
{
    flowlog_status status = complete(&c->values, alloc, c->layout == FL_ARROW_TEXT ? sizeof(int32_t) : 0);
    if (status == FLOWLOG_OK && c->layout == FL_ARROW_TEXT) status = complete(&c->text, alloc, 0);
    if (status < 0 || c->layout != FL_ARROW_DICTIONARY) return status;
    status = complete(&c->dictionary.offsets, alloc, sizeof(int32_t));
    return status < 0 ? status : complete(&c->dictionary.text, alloc, 0);
}

static flowlog_status prepare(struct fl_arrow_builder *b, struct ArrowArray *array)
{
    for (uint32_t i = 0; i < b->columns; i++) {
        struct ArrowArray *const child = array->children[i];
        flowlog_status status = prepare_column(&b->column[i], &b->alloc);
        if (status == FLOWLOG_OK) status = new_array(child, &b->alloc, 0);
        if (status < 0) return status;
        if (b->column[i].layout != FL_ARROW_DICTIONARY) continue;
        struct ArrowArray *const dictionary = &((struct owner *)child->private_data)->dictionary;
        status = new_array(dictionary, &b->alloc, 0);
        if (status < 0) return status;
        child->dictionary = dictionary;
    }
    return FLOWLOG_OK;
}

static void move_column(struct fl_arrow_column *c, size_t rows, struct ArrowArray *array)
{
    array->length = (int64_t)rows;
    array->null_count = (int64_t)c->nulls;
    if (c->nulls) {
        order_bits(&c->valid);
        move_buffer(array, 0, &c->valid);
    } else {
        c->valid.len = 0;
    }
    move_buffer(array, 1, &c->values);
    array->n_buffers = c->layout == FL_ARROW_TEXT ? 3 : 2;
    if (c->layout == FL_ARROW_TEXT) move_buffer(array, 2, &c->text);
    c->nulls = 0;
    if (c->layout != FL_ARROW_DICTIONARY) return;
    struct ArrowArray *const dictionary = array->dictionary;
    dictionary->length = c->dictionary.count;
    dictionary->n_buffers = 3;
    move_buffer(dictionary, 1, &c->dictionary.offsets);
    move_buffer(dictionary, 2, &c->dictionary.text);
    flowlog__dictionary_reset(&c->dictionary);
}

flowlog_status flowlog__arrow_finish(struct fl_arrow_builder *b, struct ArrowArray *array)
{
    struct ArrowArray made;
    flowlog_status status = new_array(&made, &b->alloc, b->columns);
    if (status < 0) return status;
    status = prepare(b, &made);
    if (status < 0) {
        release_array(&made);
        return status;
    }
    made.length = (int64_t)b->rows;
    made.n_buffers = 1; /* validity, of which a struct that is never null has none */
    for (uint32_t i = 0; i < b->columns; i++) move_column(&b->column[i], b->rows, made.children[i]);
    b->rows = 0;
    *array = made;
    return FLOWLOG_OK;
}
