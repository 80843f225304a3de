/* SPDX-License-Identifier: MIT */
/*
 * simd/inflate_fast.h - the inner loop of inflate as a pure function, and the entries it looks up.
 *
 * The loop runs while plenty of input and output is left, and so tests neither within a symbol; codec/
 * inflate.c does the rest.  It lives here because compiling it once more for BMI2 (shifts by any register,
 * no flags) pays; inflate_tpl.h is the body, written once.
 *
 * An entry of the table of distances is 32 bits:
 *
 *     bits  0..7   bits to drop: code word + extra bits (of the sub-table part, in a sub-table)
 *     bits  8..13  length of the code word alone; in a link: bits that index the sub-table
 *     bit  14      LINK: the code word goes on in the sub-table that begins at `value`
 *     bit  15      SPECIAL: LINK, or a code that must not appear
 *     bits 16..31  value: base distance, index of a sub-table
 *
 * An entry of the table of literals and lengths is 64 bits and tells as much as its index determines: up to
 * two literals, or one literal and the length behind it.  Most matches in text are then a single look-up
 * and a branch that is guessed right, whether a literal stands before them or not.
 *
 *     bits  0..7   bits to drop: all code words + extra bits
 *     bits  8..13  the same without the extra bits; 63 in special entries
 *     bit  14      NO_MATCH: no length in it
 *     bit  15      SPECIAL: LINK, end of block (value 0) or a code that must not appear (value 1)
 *     bits 16..31  the literals, first one lowest
 *     bits 32..47  value: base length, index of a sub-table
 *     bits 48..49  number of literals, 0..2
 *     bits 52..55  length of the code word of the first literal
 *     bits 56..59  in a link: bits that index the sub-table
 *     bit  60      LINK
 */
#ifndef FL_SIMD_INFLATE_FAST_H
#define FL_SIMD_INFLATE_FAST_H

#include <stddef.h>
#include <stdint.h>

#include "core/compiler.h"

#define FL_INFLATE_DROP(e) ((uint32_t)((e)&0xFF))
#define FL_INFLATE_CODE(e) ((uint32_t)((e) >> 8 & 63))
#define FL_INFLATE_SPECIAL 0x8000u

#define FL_INFLATE_DIST_LINK UINT32_C(0x4000)
#define FL_INFLATE_DIST_VALUE(e) ((uint32_t)((e) >> 16))

#define FL_INFLATE_NO_MATCH 0x4000u
#define FL_INFLATE_VALUE(e) ((uint32_t)((e) >> 32 & 0xFFFF))
#define FL_INFLATE_LITERALS(e) ((uint32_t)((e) >> 48 & 3))
#define FL_INFLATE_FIRST(e) ((uint32_t)((e) >> 52 & 15))
#define FL_INFLATE_SUB(e) ((uint32_t)((e) >> 56 & 15))
#define FL_INFLATE_LINK (UINT64_C(1) << 60)

#define FL_INFLATE_LITLEN_BITS 11 /* bits that index the first table of literals and lengths */
#define FL_INFLATE_DIST_BITS 8    /* the same for distances */

/* Bytes of input that must be left for the loop to run, and bytes of output: 4 literals and a match. */
#define FL_INFLATE_FAST_IN 32
#define FL_INFLATE_FAST_OUT (4 + 258)
/* How far behind out_end the loop may write; see FL_INFLATE_OUT_SLOP in codec/inflate.h. */
#define FL_INFLATE_FAST_SLOP 64

enum fl_inflate_stop {
    FL_INFLATE_STOP_MARGIN,     /* input or output runs short */
    FL_INFLATE_STOP_BLOCK,      /* end-of-block code consumed */
    FL_INFLATE_STOP_BAD_LITLEN, /* the next bits are no literal or length */
    FL_INFLATE_STOP_BAD_DIST,   /* the next bits are no distance */
    FL_INFLATE_STOP_TOO_FAR     /* the next bits are a distance that reaches before `floor` */
};

struct fl_inflate_cursor {
    uint64_t bits;     /* next bits of the stream, first one lowest; zero from bit `nbits` on */
    uint32_t nbits;    /* 0..63 */
    const uint8_t *in; /* the byte behind those bits */
    const uint8_t *in_end;
    uint8_t *out;
    uint8_t *out_end;     /* FL_INFLATE_FAST_SLOP bytes from here on may be overwritten */
    const uint8_t *floor; /* no match begins before */
    const uint64_t *litlen;
    const uint32_t *dist;
};

/*
 * Decodes symbols until one of the above.  MARGIN and BLOCK leave a cursor as described; after the others
 * in * 8 - nbits is still the position of the damage, but `bits` is lost.
 */
typedef enum fl_inflate_stop fl_inflate_fast_fn(struct fl_inflate_cursor *c);

#if FL_ARCH_X86_64
fl_inflate_fast_fn flowlog__inflate_fast_bmi2; /* needs BMI1 and BMI2 */
#endif

#endif
