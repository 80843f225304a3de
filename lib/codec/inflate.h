/* SPDX-License-Identifier: MIT */
/*
 * codec/inflate.h - raw deflate (RFC 1951) to bytes, streaming, without allocation.
 *
 * The caller owns input and output; the output buffer is also the window, so nothing is copied twice.
 */
#ifndef FL_CODEC_INFLATE_H
#define FL_CODEC_INFLATE_H

#include "codec/kernels.h"
#include "flowlog/base.h"

/* Bytes behind out_cap that must be writable.  They may be overwritten and are never counted. */
#define FL_INFLATE_OUT_SLOP 64
#define FL_INFLATE_WINDOW 32768

/*
 * A sub-table of 2^s entries holds a complete code of depth s, thus at least s + 1 of the symbols.  With
 * s = 15 - FL_INFLATE_LITLEN_BITS = 4 that is 16 entries for 5 symbols, so 288 symbols make no more than
 * 57 such sub-tables and what 3 symbols can make (4 entries).  For distances, s = 7: 128 entries for 8.
 */
#define FL_INFLATE_LITLEN_ENTRIES ((1 << FL_INFLATE_LITLEN_BITS) + 288 / 5 * 16 + 16)
#define FL_INFLATE_DIST_ENTRIES ((1 << FL_INFLATE_DIST_BITS) + 32 / 8 * 128)
#define FL_INFLATE_PRECODE_BITS 7

struct fl_inflate {
    uint64_t bits;  /* next bits of the stream, first one lowest; zero from bit `nbits` on */
    uint32_t nbits; /* 0..63; whole bytes stay here only when a call ended for want of input */
    uint8_t state;  /* enum state of inflate.c */
    uint8_t final_block;
    uint8_t fixed_loaded;                    /* the tables hold the fixed code */
    uint8_t paired;                          /* entries of litlen tell of two symbols where they can */
    uint32_t left;                           /* stored block or match: bytes still to copy */
    uint32_t far;                            /* match: its distance */
    uint32_t nlitlen, ndist, nprecode, have; /* dynamic header: lengths announced and read */
    uint32_t trial_left;                     /* bytes this block may still make without pairs */
    uint64_t in_total;                       /* bytes consumed since init */
    uint64_t out_total;                      /* bytes produced since init */
    const char *bad;                         /* after damage: what, static text */
    uint64_t bad_offset;                     /* and where, counted like in_total */
    struct fl_codec_kernels kernels;
    uint8_t lens[288 + 32 + 16]; /* code lengths of a dynamic block */
    uint64_t litlen[FL_INFLATE_LITLEN_ENTRIES];
    uint32_t dist[FL_INFLATE_DIST_ENTRIES];
    uint32_t precode[1 << FL_INFLATE_PRECODE_BITS];
};

void flowlog__inflate_init(struct fl_inflate *s);

/*
 * Inflate from in[0 .. in_len) into out[*out_len .. out_cap).
 *
 * out[*out_len - h .. *out_len) with h = min(*out_len, 32768) is the history: the caller leaves it unchanged
 * between calls, or moves the last 32 KiB to the front and adjusts *out_len.  Bytes from before init are
 * no history.  *in_used gets the bytes consumed, *out_len advances.  `last`: no input follows in[in_len).
 *
 * FLOWLOG_OK   the output is full, or (last == 0) all input is used and more is needed.
 * FLOWLOG_END  the final block is complete; in[*in_used] is the first byte behind it.  Stays so.
 * Errors       E_CORRUPT, permanent: err->offset is the byte offset in the compressed data since init;
 *              everything decoded before the damage has been written and counted.
 */
flowlog_status flowlog__inflate_run(struct fl_inflate *s, const uint8_t *in, size_t in_len,
                                    size_t *in_used, uint8_t *out, size_t *out_len, size_t out_cap,
                                    int last, flowlog_error *err);

/* Ready for the next raw stream; kernels stay. */
void flowlog__inflate_reset(struct fl_inflate *s);

#endif
