/* SPDX-License-Identifier: MIT */
/*
 * simd/kernels.h - the contract of every kernel, stated once.  kernels_scalar.c is the specification:
 * plain loops that every other table equals bit for bit.
 *
 * Kernels know nothing of flow logs.  They work on `fl_rows`, the places of fields in some text, and do
 * the common shape of a token; a row with anything else gets its bit in `todo`, its output 0 and its bit
 * in `valid` cleared, and the caller does it the slow way (decode/column.c).  A token "-" is neither
 * valid nor todo where a contract says so, and its output is 0.
 *
 * Bitmaps have bit r of word r / 64 for row r; all (rows + 63) / 64 words are written, unused bits 0.
 * The functions that have `todo` return 1 if any of its bits is set, else 0.
 */
#ifndef FL_SIMD_KERNELS_H
#define FL_SIMD_KERNELS_H

#include <stddef.h>
#include <stdint.h>

#include "core/compiler.h"
#include "simd/cpu.h"

/* Bytes that must be readable after the end of the last row.  Their content does not matter. */
#define FL_TEXT_SLOP 64

/* Entries that scan_ends may scribble beyond its count. */
#define FL_ENDS_SLOP 64

/*
 * Row r's field f is text[at[r * stride + f] + 1 .. at[r * stride + f + 1]), in 32-bit arithmetic: the
 * entry before a row that begins at offset 0 is 0xFFFFFFFF.  No field is empty.
 */
typedef struct fl_rows {
    const uint8_t *text;
    const uint32_t *at;
    size_t stride;
    size_t rows;
    const uint8_t *ahead; /* text to be brought into the cache meanwhile, as a hint: `lines_ahead` cache */
    size_t lines_ahead;   /* lines for every eight rows.  May lie anywhere; no byte of it is used */
} fl_rows;

/* Called by kernels once for every eight rows. */
FL_INLINE void fl_fetch_ahead(const fl_rows *rows, size_t row)
{
    uintptr_t p = (uintptr_t)rows->ahead + (row / 8) * rows->lines_ahead * 64; /* perhaps in no object */
    for (size_t n = rows->lines_ahead; n; n--, p += 64) FL_PREFETCH_L2((const void *)p);
}

/* What scan_ends saw on its way. */
typedef struct fl_scan {
    size_t newlines;
    uint32_t adjacent; /* 1: two ends side by side, or one at the very beginning: an empty field */
    uint32_t strange;  /* 1: an end that is neither ' ' nor '\n' */
} fl_scan;

/* A known token of 1 to 8 bytes: its bytes, first in the lowest, and its code. */
typedef struct fl_token {
    uint64_t bytes;
    uint64_t code;
} fl_token;
#define FL_TOKENS_MAX 8

/*
 * X(return type, name, (parameters))
 *
 *   count_newlines: how many '\n' are in p[0..n).
 *
 *   scan_ends: the offsets of every byte in 0x00..0x20 and 0x7F of p[0..n), rising; the count is
 *     returned and *scan is written.  `out` has room for n + FL_ENDS_SLOP entries.  n < 2^32.
 *     These two read nothing outside p[0..n).
 *
 *   digits8: tokens of 1 to 8 decimal digits, not above `max`.  "-" is null.
 *   digits16: tokens of 1 to 16 decimal digits, not above `max`.  "-" is null.
 *   ipv4: dotted decimal without leading zeros, as a number (10.0.0.1 = 0x0A000001).
 *   ipv6: of the rows whose bit is set in `todo`, those with 16-bit groups in hexadecimal, at most 39 characters, and
 *     "::" at most once (RFC 4291 section 2.2, forms 1 and 2): the address in network order, 6 in `family`,
 *     and the bit moves from `todo` to `valid`.  All other rows stay as they are.
 *   spans: {offset, length} of every token as two 32-bit words; "-" is null, with {0, 0}.  No todo.
 *   tokens8: the code of the token among `count` (0..FL_TOKENS_MAX) known ones.  "-" is null.
 */
#define FL_KERNELS(X)                                                                               \
    X(size_t, count_newlines, (const uint8_t *p, size_t n))                                         \
    X(size_t, scan_ends, (const uint8_t *p, size_t n, uint32_t *out, fl_scan *scan))                \
    X(int, digits8, (const fl_rows *rows, size_t field, uint32_t max, uint32_t *out,                \
                     uint64_t *valid, uint64_t *todo))                                              \
    X(int, digits16, (const fl_rows *rows, size_t field, uint64_t max, uint64_t *out,               \
                      uint64_t *valid, uint64_t *todo))                                             \
    X(int, ipv4, (const fl_rows *rows, size_t field, uint32_t *out, uint64_t *valid, uint64_t *todo)) \
    X(int, ipv6, (const fl_rows *rows, size_t field, uint8_t(*out)[16], uint8_t *family,            \
                  uint64_t *valid, uint64_t *todo))                                                 \
    X(void, spans, (const fl_rows *rows, size_t field, uint32_t *out, uint64_t *valid))             \
    X(int, tokens8, (const fl_rows *rows, size_t field, const fl_token *known, size_t count,        \
                     uint8_t *out, uint64_t *valid, uint64_t *todo))

typedef struct fl_kernels {
    const char *name; /* "scalar", "sse42", "avx2", "avx512", "neon" */
    uint32_t needs;   /* FL_CPU_* bits that must all be present */
#define FL_KERNEL_MEMBER(ret, name, params) ret(*name) params;
    FL_KERNELS(FL_KERNEL_MEMBER)
#undef FL_KERNEL_MEMBER
} fl_kernels;

/* For the initialisers of the tables.  Each level defines FL_KERNEL(name), so that profiles tell the levels apart. */
#define FL_KERNEL_ENTRY(ret, name, params) .name = FL_KERNEL(name),

extern const fl_kernels flowlog__kernels_scalar;
#if FL_ARCH_X86_64
extern const fl_kernels flowlog__kernels_sse42, flowlog__kernels_avx2, flowlog__kernels_avx512;
#elif FL_ARCH_ARM64
extern const fl_kernels flowlog__kernels_neon;
#endif

/* Every table compiled into this build, best first, scalar last, NULL-terminated. */
extern const fl_kernels *const flowlog__kernels_all[];

/* The active table; NULL when FLOWLOG_SIMD asks for what cannot be had. */
const fl_kernels *flowlog__kernels(void);

/* The FL_CPU_* bits that code outside the table may use: those of the active level.  Cheap. */
uint32_t flowlog__simd_allowed(void);

#endif
