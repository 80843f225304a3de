/* SPDX-License-Identifier: MIT */
/*
 * agg/key.h - the keys of a row as something that can be hashed and compared.
 *
 * A key has one of two forms, and which one depends on its values alone, so that equal keys always have
 * the same form:
 *
 *   packed   all key columns side by side in one 64-bit word or two: IPv4 addresses in 32 bits, ports in 16,
 *            other small numbers and known tokens in 8, services in 24, large numbers in 40.  For plans whose
 *            columns fit, and rows whose values do.
 *   long     a run of 64-bit words, for everything else: IPv6, text, unknown tokens, nulls, large values.
 *
 * The long form has for each key column, in order, a word whose lowest byte is a tag, with a value in the
 * other 56 bits, and what follows from it.  It is read back from left to right, so two keys with the same
 * words are equal.  Whole words only: bytes written and then read as words across them would stall.
 *
 *   null                 0
 *   U32 U64 TIME SERVICE 1, the value; or, from 2^56 on, 2 and a word: the value
 *   ADDR NET             4, the IPv4 address as a number; or 6 and two words: 16 bytes in network order
 *   ENUM of a code       1, the code
 *   ENUM OTHER, TEXT     3, the length, and words: the bytes, filled up with zeros
 *
 * Keys of type NET, SERVICE and bins of time are columns like others, of type ADDR, U32 and TIME, in which whoever
 * made them has cut or computed the values already.
 */
#ifndef FL_AGG_KEY_H
#define FL_AGG_KEY_H

#include "core/buffer.h"
#include "core/hash.h"
#include "flowlog/batch.h"

enum {
    FL_KEYS_MAX = 16,
    FL_CHUNK = 64,                        /* rows handled together: one word of a validity bitmap */
    FL_UNPACKED_MAX = 2 * FL_KEYS_MAX,    /* words of a packed key in the long form */
    FL_LONG_WORDS_MAX = (1 << 24) - 1     /* words of a long key */
};

/* The tags of long keys and of keys in partials; a word has FL_TAG_BITS of tag. */
enum {
    FL_TAG_NULL = 0,
    FL_TAG_VALUE = 1,
    FL_TAG_LARGE = 2,
    FL_TAG_TEXT = 3,
    FL_TAG_IPV4 = 4,
    FL_TAG_IPV6 = 6,
    FL_TAG_BITS = 8
};

struct fl_key {
    uint32_t column; /* in the batches */
    uint16_t field;  /* flowlog_field, 0: unknown */
    uint8_t type;    /* flowlog_type */
    uint8_t bits;    /* of the packed form, from bit `shift` of word `word` on */
    uint8_t shift, word;
    uint8_t prefix4, prefix6; /* NET: bits that addresses of IPv4 and of IPv6 were cut to */
};

struct fl_keys {
    uint32_t count;
    uint32_t packed_words; /* 1 or 2; 0: never packed */
    uint32_t packed_bits;  /* of all columns */
    struct fl_key key[FL_KEYS_MAX];
};

/* A key wherever it is kept: packed in `word` and `second` (0 when there is none), or in words[0 .. ) when that is
   not NULL; `word` is then where a store keeps it (store.h). */
struct fl_key_ref {
    uint64_t word;
    const uint64_t *words;
    uint64_t second;
};

/* Fill in the packed form from type and field. */
void flowlog__keys_layout(struct fl_keys *keys);

/*
 * The packed keys of `n` rows (at most FL_CHUNK) from `first` on: packed[i], and packed[FL_CHUNK + i] when there are
 * two words.  Returns 1 when all of them fit; else odd[i] is not 0 for those that do not, whose words mean nothing.
 */
int flowlog__keys_pack(const struct fl_keys *keys, const flowlog_batch *batch, uint32_t first, uint32_t n,
                       uint64_t *packed, uint8_t *odd);

/*
 * Most words that the long keys of rows[0..n) take when they are written one after the other; then write
 * one, and return how many words it has.
 */
size_t flowlog__keys_long_max(const struct fl_keys *keys, const flowlog_batch *batch, const uint32_t *rows,
                              uint32_t n);
size_t flowlog__keys_long(const struct fl_keys *keys, const flowlog_batch *batch, uint32_t row,
                          uint64_t *words);

/* A packed key in the long form; returns how many words it has, at most FL_UNPACKED_MAX. */
size_t flowlog__keys_unpack(const struct fl_keys *keys, uint64_t word, uint64_t second, uint64_t *words);

/* A long key in the packed form: packed[0] and [1].  0 when it has none. */
int flowlog__keys_repack(const struct fl_keys *keys, const uint64_t *words, uint64_t packed[2]);

/* Key column k of a key; text points into ref.words or is static. */
void flowlog__keys_value(const struct fl_keys *keys, struct fl_key_ref ref, uint32_t k, flowlog_value *value);

/* Where the column after one of a long key begins. */
FL_INLINE const uint64_t *fl_key_next(const uint64_t *w)
{
    const uint64_t head = *w++;
    switch (head & fl_low_bits(FL_TAG_BITS)) {
    case FL_TAG_LARGE: return w + 1;
    case FL_TAG_IPV6: return w + 2;
    case FL_TAG_TEXT: return w + (size_t)(((head >> FL_TAG_BITS) + 7) / 8);
    default: return w;
    }
}

/*
 * Write a long key into a partial: for each column its tag, a byte, and a varint (VALUE and LARGE are both VALUE),
 * 4 or 16 bytes of address in network order, or a varint of length and the bytes.  One key has one form.
 */
void flowlog__keys_encode(const struct fl_keys *keys, const uint64_t *words, struct fl_bytes *out);

/*
 * Read it back into words, for which there must be room for 3 words a column and, where there is text, for all that
 * is left of `in`.  Returns how many words there are; SIZE_MAX for anything that flowlog__keys_encode would not have
 * written, nulls among it unless `nulls`.
 */
size_t flowlog__keys_decode(const struct fl_keys *keys, int nulls, struct fl_cursor *in, uint64_t *words);
int flowlog__keys_have_text(const struct fl_keys *keys);

/* Negative, zero or positive: null, then by value; addresses by family, tokens and text by bytes. */
int flowlog__value_compare(const flowlog_value *a, const flowlog_value *b);

/* The same of keys, column by column. */
int flowlog__keys_compare(const struct fl_keys *keys, struct fl_key_ref a, struct fl_key_ref b);

FL_INLINE uint64_t fl_key_hash(const uint64_t *words, size_t n, uint64_t seed)
{
    uint64_t h = seed;
    for (size_t i = 0; i < n; i++) h = fl_hash_u64(h ^ words[i]);
    return h;
}

#endif
