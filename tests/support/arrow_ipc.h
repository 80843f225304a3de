/* SPDX-License-Identifier: MIT */
/*
 * support/arrow_ipc.h - an Arrow stream as bytes of Arrow's IPC stream format, for readers that take no C structures.
 *
 *     arrow_ipc_write(&stream, file);        0, or what the stream said; releases it
 *
 * As much of it as libflowlog's arrays need.  The metadata are FlatBuffers, written forwards: every table has slots of
 * 8 bytes for all its fields, and what a slot refers to is written behind it.  Little-endian machines only.
 */
#ifndef TEST_ARROW_IPC_H
#define TEST_ARROW_IPC_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flowlog/arrow.h"

enum { IPC_MAX = 1 << 16 };

struct ipc {
    uint8_t p[IPC_MAX];
    size_t n;
};

static inline void ipc_align(struct ipc *b, size_t to, size_t rest)
{
    while (b->n % to != rest) b->p[b->n++] = 0;
}

static inline void ipc_put(struct ipc *b, const void *data, size_t len)
{
    if (b->n + len + 64 > IPC_MAX) abort();
    memcpy(b->p + b->n, data, len);
    b->n += len;
}

static inline void ipc_u32(struct ipc *b, uint32_t v) { ipc_put(b, &v, sizeof v); }

/* The slot at `at` refers to what is written next. */
static inline void ipc_here(struct ipc *b, size_t at)
{
    const uint32_t v = (uint32_t)(b->n - at);
    memcpy(b->p + at, &v, sizeof v);
}

/* A table of so many fields, referred to from `from`: where its first slot is. */
static inline size_t ipc_table(struct ipc *b, size_t from, uint16_t fields)
{
    const uint16_t size[2] = {(uint16_t)(4 + 2 * fields), (uint16_t)(4 + 8 * fields)};
    ipc_align(b, 4, 0);
    const size_t vtable = b->n;
    ipc_put(b, size, sizeof size);
    for (uint16_t i = 0; i < fields; i++) {
        const uint16_t offset = (uint16_t)(4 + 8 * i);
        ipc_put(b, &offset, sizeof offset);
    }
    ipc_align(b, 8, 4);
    ipc_here(b, from);
    ipc_u32(b, (uint32_t)(b->n - vtable));
    const size_t slots = b->n;
    for (uint16_t i = 0; i < fields; i++) ipc_put(b, &(uint64_t){0}, 8);
    return slots;
}

static inline void ipc_set(struct ipc *b, size_t slots, int field, int64_t v)
{
    memcpy(b->p + slots + 8 * (size_t)field, &v, sizeof v);
}

static inline void ipc_text(struct ipc *b, size_t slots, int field, const char *text)
{
    ipc_align(b, 4, 0);
    ipc_here(b, slots + 8 * (size_t)field);
    ipc_u32(b, (uint32_t)strlen(text));
    ipc_put(b, text, strlen(text) + 1);
}

/* A vector, referred to from a slot; its elements are then written one after the other. */
static inline void ipc_vector(struct ipc *b, size_t slots, int field, int64_t count)
{
    ipc_align(b, 8, 4);
    ipc_here(b, slots + 8 * (size_t)field);
    ipc_u32(b, (uint32_t)count);
}

enum { IPC_SCHEMA = 1, IPC_DICTIONARY = 2, IPC_BATCH = 3, IPC_V5 = 4 };

/* A message with that header, whose slots are returned. */
static inline size_t ipc_message(struct ipc *b, int header, uint16_t fields, int64_t body)
{
    b->n = 0;
    ipc_u32(b, 0);
    const size_t message = ipc_table(b, 0, 4);
    ipc_set(b, message, 0, IPC_V5);
    ipc_set(b, message, 1, header);
    ipc_set(b, message, 3, body);
    return ipc_table(b, message + 8 * 2, fields);
}

static inline void ipc_flush(struct ipc *b, FILE *to)
{
    ipc_align(b, 8, 0);
    const uint32_t prefix[2] = {0xFFFFFFFF, (uint32_t)b->n};
    fwrite(prefix, sizeof prefix, 1, to);
    fwrite(b->p, 1, b->n, to);
}

/* --- the schema ------------------------------------------------------------------------------------------------ */

/* Type 2: Int, 5: Utf8, 7: Decimal, 10: Timestamp, 15: FixedSizeBinary. */
static inline void ipc_type(struct ipc *b, size_t field, const char *format)
{
    const int is_int = format[0] == 'I' || format[0] == 'L';
    const int type = is_int ? 2 : format[0] == 'd' ? 7 : format[0] == 't' ? 10 : format[0] == 'w' ? 15 : 5;
    ipc_set(b, field, 2, type);
    const size_t slots = ipc_table(b, field + 8 * 3, type == 5 ? 0 : type == 15 ? 1 : type == 7 ? 3 : 2);
    if (is_int) ipc_set(b, slots, 0, format[0] == 'I' ? 32 : 64);
    if (type == 15) ipc_set(b, slots, 0, 16);
    if (type == 10) ipc_text(b, slots, 1, "UTC"); /* unit 0: seconds */
    if (type != 7) return;
    ipc_set(b, slots, 0, 29);
    ipc_set(b, slots, 1, 9);
    ipc_set(b, slots, 2, 128);
}

static inline void ipc_field(struct ipc *b, size_t from, const struct ArrowSchema *s, int64_t id)
{
    const size_t field = ipc_table(b, from, 6);
    ipc_text(b, field, 0, s->name);
    ipc_set(b, field, 1, 1);
    ipc_type(b, field, s->dictionary ? "u" : s->format);
    ipc_vector(b, field, 5, 0);
    /* A slot that refers to nothing is left out of its vtable. */
    if (!s->dictionary) {
        uint32_t back;
        memcpy(&back, b->p + field - 4, sizeof back);
        memset(b->p + field - 4 - back + 4 + 2 * 4, 0, 2);
        return;
    }
    const size_t encoding = ipc_table(b, field + 8 * 4, 2);
    ipc_set(b, encoding, 0, id);
    const size_t index = ipc_table(b, encoding + 8, 2);
    ipc_set(b, index, 0, 32);
    ipc_set(b, index, 1, 1);
}

static inline void ipc_schema(struct ipc *b, const struct ArrowSchema *s, FILE *to)
{
    const size_t schema = ipc_message(b, IPC_SCHEMA, 2, 0);
    ipc_vector(b, schema, 1, s->n_children);
    const size_t at = b->n;
    for (int64_t i = 0; i < s->n_children; i++) ipc_u32(b, 0);
    for (int64_t i = 0; i < s->n_children; i++) ipc_field(b, at + 4 * (size_t)i, s->children[i], i);
    ipc_flush(b, to);
}

/* --- arrays ---------------------------------------------------------------------------------------------------- */

static inline int64_t ipc_len(const char *format, const struct ArrowArray *a, int64_t buffer)
{
    if (buffer == 0) return a->buffers[0] ? (a->length + 7) / 8 : 0;
    if (buffer == 2) return ((const int32_t *)a->buffers[1])[a->length];
    if (format[0] == 'u') return 4 * (a->length + 1);
    return a->length * (format[0] == 'I' || format[0] == 'i' ? 4 : format[0] == 'w' || format[0] == 'd' ? 16 : 8);
}

static inline int64_t ipc_padded(int64_t len) { return (len + 7) / 8 * 8; }

/* RecordBatch of some columns in those slots; with `to`, the body instead. */
static inline int64_t ipc_batch(struct ipc *b, size_t slots, int64_t columns, struct ArrowSchema *const *s,
                                struct ArrowArray *const *a, FILE *to)
{
    int64_t offset = 0, buffers = 0;
    if (b) ipc_vector(b, slots, 1, columns);
    for (int64_t c = 0; c < columns; c++) {
        const int64_t node[2] = {a[c]->length, a[c]->null_count};
        if (b) ipc_put(b, node, sizeof node);
        buffers += a[c]->n_buffers;
    }
    if (b) ipc_vector(b, slots, 2, buffers);
    for (int64_t c = 0; c < columns; c++)
        for (int64_t i = 0; i < a[c]->n_buffers; i++) {
            const int64_t place[2] = {offset, ipc_len(s[c]->format, a[c], i)};
            if (b) ipc_put(b, place, sizeof place);
            if (to) fwrite(a[c]->buffers[i], 1, (size_t)place[1], to);
            if (to) fwrite("\0\0\0\0\0\0\0", 1, (size_t)(ipc_padded(place[1]) - place[1]), to);
            offset += ipc_padded(place[1]);
        }
    return offset;
}

/* As the last slot of a RecordBatch is not set, it is left out by having three only. */
static inline void ipc_array(struct ipc *b, const struct ArrowSchema *s, const struct ArrowArray *a, FILE *to)
{
    for (int64_t c = 0; c < a->n_children; c++) {
        struct ArrowArray *values = a->children[c]->dictionary;
        struct ArrowSchema *type = s->children[c]->dictionary;
        if (!values) continue;
        const size_t dictionary = ipc_message(b, IPC_DICTIONARY, 3, ipc_batch(NULL, 0, 1, &type, &values, NULL));
        ipc_set(b, dictionary, 0, c);
        const size_t batch = ipc_table(b, dictionary + 8, 3);
        ipc_set(b, batch, 0, values->length);
        ipc_batch(b, batch, 1, &type, &values, NULL);
        ipc_flush(b, to);
        ipc_batch(NULL, 0, 1, &type, &values, to);
    }
    const int64_t body = ipc_batch(NULL, 0, a->n_children, s->children, a->children, NULL);
    const size_t batch = ipc_message(b, IPC_BATCH, 3, body);
    ipc_set(b, batch, 0, a->length);
    ipc_batch(b, batch, a->n_children, s->children, a->children, NULL);
    ipc_flush(b, to);
    ipc_batch(NULL, 0, a->n_children, s->children, a->children, to);
}

static inline int arrow_ipc_write(struct ArrowArrayStream *stream, FILE *to)
{
    static struct ipc b;
    struct ArrowSchema s = {.release = NULL};
    int bad = stream->get_schema(stream, &s);
    if (!bad) ipc_schema(&b, &s, to);
    while (!bad) {
        struct ArrowArray a;
        bad = stream->get_next(stream, &a);
        if (bad || !a.release) break;
        ipc_array(&b, &s, &a, to);
        a.release(&a);
    }
    if (!bad) fwrite("\xFF\xFF\xFF\xFF\0\0\0\0", 1, 8, to);
    if (s.release) s.release(&s);
    stream->release(stream);
    return bad;
}

#endif
