/* SPDX-License-Identifier: MIT */
/*
 * codec/inflate.c - raw deflate (RFC 1951) to bytes, resumable at any byte of input and output.
 *
 * A symbol is decoded in one step or not at all: a match needs at most 15 + 5 + 15 + 13 = 48 bits and the
 * bit buffer holds 56, so no state lies inside a symbol.  The states:
 *
 *     BLOCK    3 bits of block header          -> STORED, SYMBOLS (fixed code), DYNAMIC
 *     STORED   align, LEN and NLEN             -> COPY
 *     COPY     `left` bytes of a stored block  -> BLOCK, DONE
 *     DYNAMIC  14 bits: three counts           -> PRECODE
 *     PRECODE  `have` of `nprecode` lengths    -> LENGTHS
 *     LENGTHS  `have` of nlitlen + ndist       -> SYMBOLS
 *     SYMBOLS  literals and matches            -> MATCH, BLOCK, DONE
 *     MATCH    `left` bytes at distance `far`  -> SYMBOLS
 *     DONE, BAD
 *
 * While input and output are plentiful SYMBOLS runs the inner loop of simd/inflate_tpl.h; both use the
 * same tables.  What code lengths are accepted is what zlib accepts: complete codes, and for distances
 * and literals a code of a single word of one bit, whose other half must not appear; no distances at all.
 */
#include "codec/inflate.h"

#include "core/bytes.h"
#include "core/error.h"
#include "simd/kernels.h"

_Static_assert(FL_INFLATE_OUT_SLOP >= FL_INFLATE_FAST_SLOP, "the slop promised is the slop used");
_Static_assert(FL_INFLATE_LITLEN_ENTRIES <= 0x10000 && FL_INFLATE_DIST_ENTRIES <= 0x10000,
               "indices of sub-tables fit into the value of an entry");
_Static_assert(FL_INFLATE_LITLEN_BITS == 11 && FL_INFLATE_DIST_BITS == 8,
               "the sizes in inflate.h were derived so");

enum state { BLOCK, STORED, COPY, DYNAMIC, PRECODE, LENGTHS, SYMBOLS, MATCH, DONE, BAD };

/* Lengths and distances: base value, number of extra bits. */
#define VAL(base, extra) ((uint32_t)(base) << 16 | (extra))
#define INVALID FL_INFLATE_SPECIAL

/* Symbols 257.. (RFC 1951, 3.2.5).  286 and 287 take part in the fixed code but must not appear. */
static const uint32_t length_entry[31] = {
    VAL(3, 0),   VAL(4, 0),   VAL(5, 0),   VAL(6, 0),   VAL(7, 0),   VAL(8, 0),  VAL(9, 0),  VAL(10, 0),
    VAL(11, 1),  VAL(13, 1),  VAL(15, 1),  VAL(17, 1),  VAL(19, 2),  VAL(23, 2), VAL(27, 2), VAL(31, 2),
    VAL(35, 3),  VAL(43, 3),  VAL(51, 3),  VAL(59, 3),  VAL(67, 4),  VAL(83, 4), VAL(99, 4), VAL(115, 4),
    VAL(131, 5), VAL(163, 5), VAL(195, 5), VAL(227, 5), VAL(258, 0), INVALID,    INVALID,
};
static const uint32_t dist_entry[32] = {
    VAL(1, 0),     VAL(2, 0),     VAL(3, 0),     VAL(4, 0),      VAL(5, 1),      VAL(7, 1),
    VAL(9, 2),     VAL(13, 2),    VAL(17, 3),    VAL(25, 3),     VAL(33, 4),     VAL(49, 4),
    VAL(65, 5),    VAL(97, 5),    VAL(129, 6),   VAL(193, 6),    VAL(257, 7),    VAL(385, 7),
    VAL(513, 8),   VAL(769, 8),   VAL(1025, 9),  VAL(1537, 9),   VAL(2049, 10),  VAL(3073, 10),
    VAL(4097, 11), VAL(6145, 11), VAL(8193, 12), VAL(12289, 12), VAL(16385, 13), VAL(24577, 13),
    INVALID,       INVALID,
};

/* Bytes a block must have made before its entries are paired; a block of 32768 symbols makes 100 000. */
enum { PAIR_AFTER = 6000 };

enum alphabet { ALPHABET_PRECODE, ALPHABET_LITLEN, ALPHABET_DIST };

/* Entries as simd/inflate_fast.h describes them. */
FL_INLINE uint64_t litlen_entry(uint32_t symbol, uint32_t code)
{
    const uint64_t special = FL_INFLATE_SPECIAL | FL_INFLATE_NO_MATCH | 63u << 8;
    if (symbol < 256)
        return FL_INFLATE_NO_MATCH | (uint64_t)symbol << 16 | UINT64_C(1) << 48 | (uint64_t)code << 52 |
               code << 8 | code;
    if (symbol == 256) return special | code;
    const uint32_t e = length_entry[symbol - 257];
    if (e == INVALID) return special | UINT64_C(1) << 32 | code;
    return (uint64_t)(e >> 16) << 32 | code << 8 | ((e & 0xFF) + code);
}
FL_INLINE uint64_t symbol_entry(enum alphabet alphabet, uint32_t symbol, uint32_t code)
{
    if (alphabet == ALPHABET_LITLEN) return litlen_entry(symbol, code);
    return (alphabet == ALPHABET_DIST ? dist_entry[symbol] : VAL(symbol, 0)) + (code << 8 | code);
}
/* A code word that is none of the symbols: one bit in a code of one word. */
FL_INLINE uint64_t invalid_entry(enum alphabet alphabet)
{
    return alphabet == ALPHABET_LITLEN ? litlen_entry(286, 1) : INVALID + (1u << 8 | 1u);
}
FL_INLINE uint64_t link_entry(enum alphabet alphabet, size_t begin, unsigned sub_bits,
                              unsigned table_bits)
{
    if (alphabet == ALPHABET_LITLEN)
        return FL_INFLATE_SPECIAL | FL_INFLATE_NO_MATCH | 63u << 8 | FL_INFLATE_LINK |
               (uint64_t)begin << 32 | (uint64_t)sub_bits << 56 | table_bits;
    return (uint32_t)begin << 16 | FL_INFLATE_SPECIAL | FL_INFLATE_DIST_LINK | sub_bits << 8 |
           table_bits;
}

/* A table of 64-bit entries for literals and lengths, of 32-bit ones for the others. */
FL_INLINE void set_entry(void *table, enum alphabet alphabet, size_t i, uint64_t e)
{
    if (alphabet == ALPHABET_LITLEN)
        ((uint64_t *)table)[i] = e;
    else
        ((uint32_t *)table)[i] = (uint32_t)e;
}
FL_INLINE void double_table(void *table, enum alphabet alphabet, unsigned bits)
{
    const size_t len = (alphabet == ALPHABET_LITLEN ? sizeof(uint64_t) : sizeof(uint32_t)) << bits;
    memcpy((uint8_t *)table + len, table, len);
}

/*
 * Make the decoding table of a code from its lengths (0: symbol not used).  Returns 0 when the lengths
 * make no code.  Symbols are taken in order of their code words; the table of the words of up to k bits,
 * indexed by k bits, becomes that of k + 1 bits by appending a copy of itself, so that each step costs
 * what it adds.  Words come in reversed, as the bit buffer shows them.
 */
FL_INLINE int build(void *table, size_t entries, unsigned table_bits, enum alphabet alphabet,
                    const uint8_t *lens, unsigned count)
{
    unsigned of_len[16] = {0}, start[16], longest = 15;
    uint16_t sorted[288];

    for (unsigned i = 0; i < count; i++) of_len[lens[i]]++;
    while (longest && !of_len[longest]) longest--;
    int left = 1;
    for (unsigned len = 1; len <= 15; len++) {
        left = left * 2 - (int)of_len[len];
        if (left < 0) return 0; /* over-subscribed */
    }
    if (left) {
        if (alphabet == ALPHABET_PRECODE || longest > 1) return 0; /* incomplete */
        /* No word at all, or the word "0" alone: the rest is one bit of invalid code. */
        uint64_t only = invalid_entry(alphabet);
        for (unsigned i = 0; i < count; i++)
            if (lens[i]) only = symbol_entry(alphabet, i, 1);
        for (size_t i = 0; i < (size_t)1 << table_bits; i++)
            set_entry(table, alphabet, i, i & 1 ? invalid_entry(alphabet) : only);
        return 1;
    }

    start[1] = 0;
    for (unsigned len = 1; len < 15; len++) start[len + 1] = start[len] + of_len[len];
    const unsigned used = start[15] + of_len[15];
    for (unsigned i = 0; i < count; i++)
        if (lens[i]) sorted[start[lens[i]]++] = (uint16_t)i;

    const uint16_t *symbol = sorted, *const end = sorted + used;
    uint32_t word = 0;
    unsigned len = 1;
    while (!of_len[len]) len++;
    if (len <= table_bits) {
        for (;;) {
            const uint32_t ones = (UINT32_C(1) << len) - 1;
            for (unsigned n = of_len[len]; n; n--) {
                set_entry(table, alphabet, word, symbol_entry(alphabet, *symbol++, len));
                if (word == ones) { /* the last word of all */
                    for (; len < table_bits; len++) double_table(table, alphabet, len);
                    return 1;
                }
                /* word + 1 with the bits in reverse: the highest zero becomes one, the ones above it zero. */
                const uint32_t bit = UINT32_C(1) << (31 - (unsigned)__builtin_clz(word ^ ones));
                word = (word & (bit - 1)) | bit;
            }
            if (len == table_bits) break;
            double_table(table, alphabet, len);
            len++;
        }
        len++;
    }

    /* Words longer than table_bits: a sub-table for each beginning, as deep as its words are long. */
    const uint32_t head = (UINT32_C(1) << table_bits) - 1;
    uint32_t current = ~UINT32_C(0);
    size_t sub = 0, sub_size = 0, next = head + 1;
    unsigned todo = of_len[len];
    while (symbol < end) {
        while (!todo) todo = of_len[++len];
        if ((word & head) != current) {
            current = word & head;
            unsigned sub_bits = len - table_bits;
            size_t fill = todo;
            while (fill < (size_t)1 << sub_bits) {
                sub_bits++;
                fill = fill * 2 + of_len[table_bits + sub_bits];
            }
            sub = next;
            sub_size = (size_t)1 << sub_bits;
            next += sub_size;
            FL_ASSERT(next <= entries);
            if (next > entries) return 0; /* cannot be, see FL_INFLATE_LITLEN_ENTRIES */
            set_entry(table, alphabet, current, link_entry(alphabet, sub, sub_bits, table_bits));
        }
        const uint64_t e = symbol_entry(alphabet, *symbol++, len - table_bits);
        for (size_t i = word >> table_bits; i < sub_size; i += (size_t)1 << (len - table_bits))
            set_entry(table, alphabet, sub + i, e);
        todo--;
        const uint32_t ones = (UINT32_C(1) << len) - 1;
        if (word == ones) break;
        const uint32_t bit = UINT32_C(1) << (31 - (unsigned)__builtin_clz(word ^ ones));
        word = (word & (bit - 1)) | bit;
    }
    return 1;
}

static FL_NOINLINE int build_litlen(struct fl_inflate *s, const uint8_t *lens, unsigned count)
{
    s->paired = 0;
    s->trial_left = PAIR_AFTER;
    return build(s->litlen, FL_INFLATE_LITLEN_ENTRIES, FL_INFLATE_LITLEN_BITS, ALPHABET_LITLEN, lens,
                 count);
}
static FL_NOINLINE int build_dist(struct fl_inflate *s, const uint8_t *lens, unsigned count)
{
    return build(s->dist, FL_INFLATE_DIST_ENTRIES, FL_INFLATE_DIST_BITS, ALPHABET_DIST, lens, count);
}
static FL_NOINLINE int build_precode(struct fl_inflate *s, const uint8_t *lens)
{
    return build(s->precode, (size_t)1 << FL_INFLATE_PRECODE_BITS, FL_INFLATE_PRECODE_BITS,
                 ALPHABET_PRECODE, lens, 19);
}

/*
 * Let each entry that is a literal tell of the symbol behind it too, if that lies within the index.  The
 * entry of that symbol is at a smaller index, and going down from the highest it still stands alone.
 */
static FL_NOINLINE void pair_symbols(uint64_t *litlen)
{
    for (size_t i = (size_t)1 << FL_INFLATE_LITLEN_BITS; i--;) {
        const uint64_t first = litlen[i], len = FL_INFLATE_FIRST(first); /* 0 when it is no literal */
        const uint64_t next = litlen[i >> len];
        const uint64_t both = (next & ~UINT64_C(0x00F0000000FF0000)) + (next << 8 & 0xFF000000) +
                              (len << 8) + (first & UINT64_C(0x00F3000000FF0000)) + len;
        litlen[i] = len && FL_INFLATE_CODE(next) + len <= FL_INFLATE_LITLEN_BITS ? both : first;
    }
}

static void load_fixed(struct fl_inflate *s)
{
    if (s->fixed_loaded) return;
    memset(s->lens, 8, 144);
    memset(s->lens + 144, 9, 112);
    memset(s->lens + 256, 7, 24);
    memset(s->lens + 280, 8, 8);
    memset(s->lens + 288, 5, 32);
    build_litlen(s, s->lens, 288);
    build_dist(s, s->lens + 288, 32);
    s->fixed_loaded = 1;
}

/* One call: the state's bits in registers, and where the input and output stand. */
struct run {
    struct fl_inflate *s;
    const uint8_t *in_begin, *in, *in_end;
    uint8_t *out_begin, *out, *out_end;
    const uint8_t *floor;
    uint64_t bits;
    uint32_t nbits;
};

/* What a step says. */
enum step { GO_ON, NEED_INPUT, FULL, DAMAGED };

/* As many bytes as fit: 56 bits or more unless the input ends. */
FL_INLINE void refill(struct run *r)
{
    if (FL_LIKELY(r->in_end - r->in >= 8)) {
        const uint32_t n = (63 - r->nbits) >> 3; /* whole bytes that fit */
        r->bits |= (fl_load64(r->in) & fl_low_bits(n * 8)) << r->nbits;
        r->in += n;
        r->nbits += n * 8;
        return;
    }
    while (r->nbits < 56 && r->in < r->in_end) {
        r->bits |= (uint64_t)*r->in++ << r->nbits;
        r->nbits += 8;
    }
}
FL_INLINE void drop(struct run *r, uint32_t n)
{
    r->bits >>= n;
    r->nbits -= n;
}

static enum step damaged(struct run *r, const char *what)
{
    /* The byte that holds the first bit not consumed. */
    const int64_t ahead = (int64_t)((r->nbits + 7) / 8);
    r->s->bad = what;
    r->s->bad_offset = r->s->in_total + (uint64_t)((int64_t)(r->in - r->in_begin) - ahead);
    r->s->state = BAD;
    return DAMAGED;
}

static enum step end_block(struct fl_inflate *s)
{
    s->state = s->final_block ? DONE : BLOCK;
    return GO_ON;
}

static enum step run_block(struct run *r)
{
    struct fl_inflate *s = r->s;
    refill(r);
    if (r->nbits < 3) return NEED_INPUT;
    const unsigned type = (unsigned)(r->bits >> 1 & 3);
    if (type == 3) return damaged(r, "deflate: invalid block type");
    s->final_block = r->bits & 1;
    drop(r, 3);
    if (type == 0) {
        s->state = STORED;
    } else if (type == 1) {
        load_fixed(s);
        s->state = SYMBOLS;
    } else {
        s->fixed_loaded = 0;
        s->state = DYNAMIC;
    }
    return GO_ON;
}

static enum step run_stored(struct run *r)
{
    drop(r, r->nbits & 7);
    refill(r);
    if (r->nbits < 32) return NEED_INPUT;
    const uint32_t len = (uint32_t)(r->bits & 0xFFFF), nlen = (uint32_t)(r->bits >> 16 & 0xFFFF);
    if (len != (nlen ^ 0xFFFF))
        return damaged(r, "deflate: length of a stored block does not match its complement");
    drop(r, 32);
    r->s->left = len;
    r->s->state = COPY;
    return GO_ON;
}

static enum step run_copy(struct run *r)
{
    struct fl_inflate *s = r->s;
    for (; s->left && r->nbits && r->out < r->out_end; s->left--) {
        *r->out++ = (uint8_t)r->bits;
        drop(r, 8);
    }
    if (!r->nbits) {
        size_t n = s->left;
        if (n > (size_t)(r->in_end - r->in)) n = (size_t)(r->in_end - r->in);
        if (n > (size_t)(r->out_end - r->out)) n = (size_t)(r->out_end - r->out);
        if (n) memcpy(r->out, r->in, n);
        r->in += n;
        r->out += n;
        s->left -= (uint32_t)n;
    }
    if (!s->left) return end_block(s);
    return r->out == r->out_end ? FULL : NEED_INPUT;
}

static enum step run_dynamic(struct run *r)
{
    struct fl_inflate *s = r->s;
    refill(r);
    if (r->nbits < 14) return NEED_INPUT;
    s->nlitlen = (uint32_t)(r->bits & 31) + 257;
    s->ndist = (uint32_t)(r->bits >> 5 & 31) + 1;
    s->nprecode = (uint32_t)(r->bits >> 10 & 15) + 4;
    if (s->nlitlen > 286 || s->ndist > 30)
        return damaged(r, "deflate: too many length or distance symbols");
    drop(r, 14);
    s->have = 0;
    memset(s->lens, 0, 19);
    s->state = PRECODE;
    return GO_ON;
}

static enum step run_precode(struct run *r)
{
    static const uint8_t order[19] = {16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15};
    struct fl_inflate *s = r->s;
    while (s->have < s->nprecode) {
        refill(r);
        if (r->nbits < 3) return NEED_INPUT;
        do {
            s->lens[order[s->have++]] = (uint8_t)(r->bits & 7);
            drop(r, 3);
        } while (s->have < s->nprecode && r->nbits >= 3);
    }
    if (!build_precode(s, s->lens)) return damaged(r, "deflate: invalid code of the code lengths");
    s->have = 0;
    s->state = LENGTHS;
    return GO_ON;
}

static enum step run_lengths(struct run *r)
{
    struct fl_inflate *s = r->s;
    const uint32_t all = s->nlitlen + s->ndist;
    while (s->have < all) {
        refill(r);
        do {
            const uint32_t e = s->precode[r->bits & ((1u << FL_INFLATE_PRECODE_BITS) - 1)];
            const uint32_t code = FL_INFLATE_DROP(e), symbol = FL_INFLATE_DIST_VALUE(e);
            if (code > r->nbits) return NEED_INPUT;
            if (symbol < 16) {
                drop(r, code);
                s->lens[s->have++] = (uint8_t)symbol;
                continue;
            }
            /* 16: the last one 3..6 times; 17: zero 3..10 times; 18: zero 11..138 times */
            const uint32_t extra = symbol == 16 ? 2 : symbol == 17 ? 3 : 7;
            if (code + extra > r->nbits) return NEED_INPUT;
            const uint32_t times =
                (uint32_t)(r->bits >> code & ((1u << extra) - 1)) + (symbol == 18 ? 11 : 3);
            if ((symbol == 16 && !s->have) || times > all - s->have)
                return damaged(r, "deflate: invalid repeat of a code length");
            memset(s->lens + s->have, symbol == 16 ? s->lens[s->have - 1] : 0, times);
            s->have += times;
            drop(r, code + extra);
        } while (s->have < all && r->nbits >= FL_INFLATE_PRECODE_BITS + 7);
    }
    if (!s->lens[256]) return damaged(r, "deflate: a block without an end-of-block code");
    if (!build_litlen(s, s->lens, s->nlitlen)) return damaged(r, "deflate: invalid literal/length code");
    if (!build_dist(s, s->lens + s->nlitlen, s->ndist))
        return damaged(r, "deflate: invalid distance code");
    s->state = SYMBOLS;
    return GO_ON;
}

static enum step run_match(struct run *r)
{
    struct fl_inflate *s = r->s;
    size_t n = s->left;
    if (n > (size_t)(r->out_end - r->out)) n = (size_t)(r->out_end - r->out);
    s->left -= (uint32_t)n;
    const uint8_t *from = r->out - s->far;
    if (s->far >= n) {
        if (n) memcpy(r->out, from, n);
        r->out += n;
    } else {
        for (; n; n--) *r->out++ = *from++;
    }
    if (s->left) return FULL;
    s->state = SYMBOLS;
    return GO_ON;
}

/* One symbol, whole or not at all; for a match as much of it as the output takes. */
static enum step one_symbol(struct run *r)
{
    struct fl_inflate *s = r->s;
    refill(r);
    uint32_t used = 0;
    uint64_t e = s->litlen[r->bits & ((1u << FL_INFLATE_LITLEN_BITS) - 1)];
    if (e & FL_INFLATE_LINK) {
        used = FL_INFLATE_LITLEN_BITS;
        e = s->litlen[FL_INFLATE_VALUE(e) + (r->bits >> used & ((1u << FL_INFLATE_SUB(e)) - 1))];
    }
    /* Bits not there yet show as zeros; the entry they lead to is right if its word needs none of them. */
    if (FL_INFLATE_LITERALS(e)) { /* the first one; what the entry may tell of the next has to wait */
        if (used + FL_INFLATE_FIRST(e) > r->nbits) return NEED_INPUT;
        if (r->out == r->out_end) return FULL;
        *r->out++ = (uint8_t)(e >> 16);
        drop(r, used + FL_INFLATE_FIRST(e));
        return GO_ON;
    }
    uint32_t at = used + FL_INFLATE_DROP(e); /* behind the length */
    if (e & FL_INFLATE_SPECIAL) {
        if (at > r->nbits) return NEED_INPUT;
        if (FL_INFLATE_VALUE(e)) return damaged(r, "deflate: invalid literal/length symbol");
        drop(r, at);
        return end_block(s);
    }
    if (at > r->nbits) return NEED_INPUT;
    const uint32_t len =
        FL_INFLATE_VALUE(e) + (uint32_t)((r->bits & fl_low_bits(at)) >> (used + FL_INFLATE_CODE(e)));
    used = at;
    uint32_t d = s->dist[r->bits >> used & ((1u << FL_INFLATE_DIST_BITS) - 1)];
    if (d & FL_INFLATE_DIST_LINK) {
        used += FL_INFLATE_DIST_BITS;
        d = s->dist[FL_INFLATE_DIST_VALUE(d) + (r->bits >> used & ((1u << FL_INFLATE_CODE(d)) - 1))];
    }
    if (used + FL_INFLATE_CODE(d) > r->nbits) return NEED_INPUT;
    if (d & FL_INFLATE_SPECIAL) {
        drop(r, at);
        return damaged(r, "deflate: invalid distance symbol");
    }
    const uint32_t end = used + FL_INFLATE_DROP(d);
    if (end > r->nbits) return NEED_INPUT;
    const uint32_t far = FL_INFLATE_DIST_VALUE(d) +
                         (uint32_t)((r->bits & fl_low_bits(end)) >> (used + FL_INFLATE_CODE(d)));
    if (far > (size_t)(r->out - r->floor)) {
        drop(r, at);
        return damaged(r, "deflate: distance too far back");
    }
    if (r->out == r->out_end)
        return FULL; /* consumes nothing, so that input is not held while waiting */
    drop(r, end);
    s->left = len;
    s->far = far;
    s->state = MATCH;
    return run_match(r);
}

static enum step run_symbols(struct run *r)
{
    struct fl_inflate *s = r->s;
    while (r->in_end - r->in >= FL_INFLATE_FAST_IN && r->out_end - r->out >= FL_INFLATE_FAST_OUT) {
        uint8_t *out_end = r->out_end;
        if (!s->paired) { /* pays only in blocks that go on for a while */
            if (s->trial_left < FL_INFLATE_FAST_OUT) {
                pair_symbols(s->litlen);
                s->paired = 1;
            } else if ((size_t)(out_end - r->out) > s->trial_left) {
                out_end = r->out + s->trial_left;
            }
        }
        struct fl_inflate_cursor c = {r->bits, r->nbits, r->in,     r->in_end, r->out,
                                      out_end, r->floor, s->litlen, s->dist};
        const enum fl_inflate_stop stop = s->kernels.inflate_fast(&c);
        if (!s->paired) s->trial_left -= (uint32_t)(c.out - r->out);
        r->bits = c.bits;
        r->nbits = c.nbits;
        r->in = c.in;
        r->out = c.out;
        switch (stop) {
        case FL_INFLATE_STOP_BLOCK: return end_block(s);
        case FL_INFLATE_STOP_BAD_LITLEN: return damaged(r, "deflate: invalid literal/length symbol");
        case FL_INFLATE_STOP_BAD_DIST: return damaged(r, "deflate: invalid distance symbol");
        case FL_INFLATE_STOP_TOO_FAR: return damaged(r, "deflate: distance too far back");
        case FL_INFLATE_STOP_MARGIN: break;
        }
    }
    enum step step;
    do step = one_symbol(r);
    while (step == GO_ON && s->state == SYMBOLS);
    return step;
}

void flowlog__inflate_reset(struct fl_inflate *s)
{
    s->bits = 0;
    s->nbits = 0;
    s->state = BLOCK;
    s->final_block = 0;
    s->left = s->far = 0;
    s->in_total = s->out_total = 0;
    s->bad = NULL;
    s->bad_offset = 0;
}

void flowlog__inflate_init(struct fl_inflate *s)
{
    s->fixed_loaded = s->paired = 0;
    s->nlitlen = s->ndist = s->nprecode = s->have = 0;
    s->kernels = flowlog__codec_kernels(flowlog__simd_allowed());
    flowlog__inflate_reset(s);
}

flowlog_status flowlog__inflate_run(struct fl_inflate *s, const uint8_t *in, size_t in_len,
                                    size_t *in_used, uint8_t *out, size_t *out_len, size_t out_cap,
                                    int last, flowlog_error *err)
{
    static const uint8_t nothing[1];
    if (!in_len) in = nothing; /* so that NULL is fine */
    const size_t history = s->out_total < *out_len ? (size_t)s->out_total : *out_len;
    struct run r = {s, in, in, in + in_len, out, out + *out_len, out + out_cap, NULL, s->bits, s->nbits};
    r.floor = r.out - history;

    enum step step = GO_ON;
    while (step == GO_ON && s->state != DONE) {
        switch ((enum state)s->state) {
        case BLOCK: step = run_block(&r); break;
        case STORED: step = run_stored(&r); break;
        case COPY: step = run_copy(&r); break;
        case DYNAMIC: step = run_dynamic(&r); break;
        case PRECODE: step = run_precode(&r); break;
        case LENGTHS: step = run_lengths(&r); break;
        case SYMBOLS: step = run_symbols(&r); break;
        case MATCH: step = run_match(&r); break;
        case DONE: break;
        case BAD: step = DAMAGED; break;
        }
    }
    if (step == NEED_INPUT && last) {
        step = damaged(&r, "deflate: the data ends too early");
        s->bad_offset = s->in_total + in_len;
    }

    if (step == GO_ON || step == FULL) {
        /*
         * Whole bytes not needed go back.  None of them is older than this call: bytes are kept between
         * calls only for a symbol that lacked input, and the first step takes all of them.
         */
        size_t back = r.nbits >> 3;
        if (back > (size_t)(r.in - in)) back = (size_t)(r.in - in);
        r.in -= back;
        r.nbits -= (uint32_t)back * 8;
        r.bits &= fl_low_bits(r.nbits);
    }
    const size_t made = (size_t)(r.out - (out + *out_len));
    s->bits = r.bits;
    s->nbits = r.nbits;
    *in_used = (size_t)(r.in - in);
    s->in_total += *in_used;
    s->out_total += made;
    *out_len += made;

    if (step == DAMAGED)
        return flowlog__fail_at(err, FLOWLOG_E_CORRUPT, s->bad_offset, 0, 0, "%s", s->bad);
    return s->state == DONE ? FLOWLOG_END : FLOWLOG_OK;
}
