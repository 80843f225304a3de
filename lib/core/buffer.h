/* SPDX-License-Identifier: MIT */
/*
 * core/buffer.h - bytes that grow, to be written to; and a cursor over bytes that came from elsewhere.
 *
 * Numbers are little-endian; `put_varint` is LEB128 (7 bits a byte, lowest first), whose shortest form alone is
 * accepted back.  A writer remembers that memory ran out, so that one test at the end is enough; a cursor remembers
 * that something was missing or wrong, and gives zeros from then on.
 */
#ifndef FL_CORE_BUFFER_H
#define FL_CORE_BUFFER_H

#include <stddef.h>
#include <stdint.h>

#include "flowlog/base.h"

struct fl_bytes {
    flowlog_alloc alloc;
    uint8_t *p;
    size_t len, cap;
    int failed; /* out of memory; what was written since is lost */
};

void flowlog__bytes_init(struct fl_bytes *b, const flowlog_alloc *alloc);
void flowlog__bytes_free(struct fl_bytes *b);
void flowlog__bytes_put(struct fl_bytes *b, const void *data, size_t len);
void flowlog__bytes_put_u8(struct fl_bytes *b, uint8_t v);
void flowlog__bytes_put_u32(struct fl_bytes *b, uint32_t v);
void flowlog__bytes_put_u64(struct fl_bytes *b, uint64_t v);
void flowlog__bytes_put_varint(struct fl_bytes *b, uint64_t v);

struct fl_cursor {
    const uint8_t *p;
    size_t len, at;
    int failed;
};

const uint8_t *flowlog__cursor_take(struct fl_cursor *c, size_t len); /* NULL when there are fewer */
uint8_t flowlog__cursor_u8(struct fl_cursor *c);
uint32_t flowlog__cursor_u32(struct fl_cursor *c);
uint64_t flowlog__cursor_u64(struct fl_cursor *c);
uint64_t flowlog__cursor_varint(struct fl_cursor *c);

#endif
