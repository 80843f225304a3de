/* SPDX-License-Identifier: MIT */
/*
 * codec/gzip.h - gzip (RFC 1952) to bytes, streaming, without allocation: any number of members, header
 * CRC, CRC-32 and length of each checked.
 */
#ifndef FL_CODEC_GZIP_H
#define FL_CODEC_GZIP_H

#include "codec/inflate.h"

/* About 28 KiB, by value; nothing in it points into itself, so it may be copied and moved. */
struct fl_gzip {
    uint64_t in_total;  /* bytes consumed */
    uint64_t out_total; /* bytes produced, all members */
    uint64_t members;   /* members complete and checked */
    uint8_t state;      /* enum state of gzip.c */
    uint8_t flags;      /* FLG of the header being read */
    uint8_t field_have; /* bytes of a fixed-size field read so far */
    uint8_t field[10];
    uint32_t extra_left;
    uint32_t crc;         /* of the header, then of the data of this member */
    uint32_t isize;       /* length of the data of this member, modulo 2^32 */
    uint64_t field_begin; /* where in the input the fixed-size field began */
    uint64_t body_begin;  /* where the deflate data of this member began */
    uint64_t bad_member;  /* after damage: 1-based number of the member, 0 when it is none's */
    uint64_t bad_offset;
    const char *bad; /* static text */
    struct fl_inflate inflate;
};

void flowlog__gzip_init(struct fl_gzip *g);

/* Ready for the next stream, as after init; kernels stay, for choosing them may ask the processor. */
void flowlog__gzip_reset(struct fl_gzip *g);

/*
 * Inflate from in[0 .. in_len) into out[*out_len .. out_cap).  FL_INFLATE_OUT_SLOP more bytes behind
 * out_cap must be writable; they may be overwritten and are never counted.
 *
 * out[*out_len - h .. *out_len) with h = min(*out_len, 32768) is the history: the caller leaves it unchanged
 * between calls, or moves the last 32 KiB to the front and adjusts *out_len.  *in_used gets the bytes
 * consumed, *out_len advances.  `last`: no input follows in[in_len).
 *
 * FLOWLOG_OK   the output is full, or (last == 0) all input is used and more is needed.
 * FLOWLOG_END  every member is complete and the input has ended; only when `last`.
 * Errors       E_CORRUPT, permanent.  err->offset is the byte offset in the compressed input, counted from
 *              the beginning of the stream; everything decoded before the damage is in out and counted.
 *              Zeros behind the last member are padding; anything else there is damage.
 */
flowlog_status flowlog__gzip_run(struct fl_gzip *g, const uint8_t *in, size_t in_len, size_t *in_used,
                                 uint8_t *out, size_t *out_len, size_t out_cap, int last,
                                 flowlog_error *err);

#endif
