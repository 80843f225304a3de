/* SPDX-License-Identifier: MIT */
/*
 * simd/inflate_tpl.h - body of fl_inflate_fast_fn.  The including file defines
 *     FL_INFLATE_FAST_NAME       the name of the function
 *     FL_INFLATE_KEEP(x, n)      the lowest n bits of x, n in 0..63
 *
 * What the processor waits for is the chain "bits -> entry -> shift -> bits", once for a length and once
 * for a distance.  So everything else is kept off it: the next entry is loaded as soon as the bits before
 * it are known, before the refill (which only adds bits above) and before the bytes are written; literals
 * are stored without asking how many there are.  A refill without a branch puts at least 56 bits into the
 * buffer; bits above nbits may then be set, but only to what the next refill puts there anyway.
 *
 * Bits: literals (11) + literal and length, by a link (11 + 4 + 5) = 31 <= 56, refill, distance (15 + 13),
 * then 28 >= 11 are left for the index of the next entry.
 * Input: each refill reads 8 bytes and advances by at most 7.
 */

_Static_assert(FL_INFLATE_LITLEN_BITS + 15 + 5 <= 56, "literals and a length fit between two refills");
_Static_assert(2 * FL_INFLATE_LITLEN_BITS <= 56 - FL_INFLATE_LITLEN_BITS,
               "and so does an index behind literals");
_Static_assert(15 + 13 <= 56 - FL_INFLATE_LITLEN_BITS, "and an index behind a distance");
_Static_assert(3 * 7 + 8 <= FL_INFLATE_FAST_IN, "three refills fit into the margin of the input");
_Static_assert(FL_INFLATE_FAST_SLOP >= 32, "a match copied 32 bytes a step overshoots by less than 32");

#define REFILL()                               \
    do {                                       \
        bits |= fl_load64(in) << (nbits & 63); \
        in += (nbits ^ 63) >> 3;               \
        nbits |= 56;                           \
    } while (0)

/* nbits keeps garbage above bit 7 between refills (subtracting a whole entry saves a mask). */
#define DROP(e)                 \
    do {                        \
        bits >>= ((e)&63);      \
        nbits -= (uint32_t)(e); \
    } while (0)

enum fl_inflate_stop FL_INFLATE_FAST_NAME(struct fl_inflate_cursor *c)
{
    const uint64_t *const litlen = c->litlen;
    const uint32_t *const dist = c->dist;
    const uint8_t *const floor = c->floor;
    const uint8_t *in = c->in;
    uint8_t *out = c->out;
    uint64_t bits = c->bits;
    uint32_t nbits = c->nbits;
    enum fl_inflate_stop stop = FL_INFLATE_STOP_MARGIN;

    if ((size_t)(c->in_end - in) < FL_INFLATE_FAST_IN ||
        (size_t)(c->out_end - out) < FL_INFLATE_FAST_OUT)
        return FL_INFLATE_STOP_MARGIN;
    const uint8_t *const in_last = c->in_end - FL_INFLATE_FAST_IN;
    const uint8_t *const out_last = c->out_end - FL_INFLATE_FAST_OUT;

    REFILL();
    uint64_t e = litlen[FL_INFLATE_KEEP(bits, FL_INFLATE_LITLEN_BITS)];
    do {
        /* Here: 56 bits or more in the buffer, e the entry they lead to. */
        uint64_t saved = bits;
        DROP(e);
        fl_store32(out, (uint32_t)(e >> 16));
        out += FL_INFLATE_LITERALS(e);
        if (e & FL_INFLATE_NO_MATCH) {
            if (FL_LIKELY(!(e & FL_INFLATE_SPECIAL))) {
                e = litlen[FL_INFLATE_KEEP(bits, FL_INFLATE_LITLEN_BITS)];
                saved = bits;
                DROP(e);
                fl_store32(out, (uint32_t)(e >> 16));
                out += FL_INFLATE_LITERALS(e);
            }
            if (FL_UNLIKELY(e & FL_INFLATE_SPECIAL)) {
                uint32_t undo = FL_INFLATE_DROP(e);
                if (e & FL_INFLATE_LINK) {
                    e = litlen[FL_INFLATE_VALUE(e) + FL_INFLATE_KEEP(bits, FL_INFLATE_SUB(e))];
                    saved = bits;
                    DROP(e);
                    undo += FL_INFLATE_DROP(e);
                    fl_store32(out, (uint32_t)(e >> 16));
                    out += FL_INFLATE_LITERALS(e);
                }
                if (e & FL_INFLATE_SPECIAL) {
                    nbits &= 0xFF;
                    stop = FL_INFLATE_STOP_BLOCK;
                    if (FL_INFLATE_VALUE(e)) {
                        stop = FL_INFLATE_STOP_BAD_LITLEN;
                        nbits += undo;
                    }
                    goto done;
                }
            }
            if (e & FL_INFLATE_NO_MATCH) {
                e = litlen[FL_INFLATE_KEEP(bits, FL_INFLATE_LITLEN_BITS)];
                nbits &= 0xFF;
                REFILL();
                continue;
            }
        }
        /* A match. */
        uint32_t d = dist[FL_INFLATE_KEEP(bits, FL_INFLATE_DIST_BITS)];
        uint32_t len = FL_INFLATE_VALUE(e) +
                       (uint32_t)(FL_INFLATE_KEEP(saved, FL_INFLATE_DROP(e)) >> FL_INFLATE_CODE(e));
        nbits &= 0xFF;
        REFILL();
        uint32_t linked = 0;
        if (FL_UNLIKELY(d & FL_INFLATE_SPECIAL)) {
            if (d & FL_INFLATE_DIST_LINK) {
                linked = FL_INFLATE_DIST_BITS;
                bits >>= FL_INFLATE_DIST_BITS;
                nbits -= FL_INFLATE_DIST_BITS;
                d = dist[FL_INFLATE_DIST_VALUE(d) + FL_INFLATE_KEEP(bits, FL_INFLATE_CODE(d))];
            }
            if (d & FL_INFLATE_SPECIAL) {
                nbits += linked;
                stop = FL_INFLATE_STOP_BAD_DIST;
                goto done;
            }
        }
        const uint32_t far = FL_INFLATE_DIST_VALUE(d) +
                             (uint32_t)(FL_INFLATE_KEEP(bits, FL_INFLATE_DROP(d)) >> FL_INFLATE_CODE(d));
        if (FL_UNLIKELY(far > (size_t)(out - floor))) {
            nbits += linked;
            stop = FL_INFLATE_STOP_TOO_FAR;
            goto done;
        }
        DROP(d);
        e = litlen[FL_INFLATE_KEEP(bits, FL_INFLATE_LITLEN_BITS)];
        nbits &= 0xFF;
        REFILL();

        const uint8_t *from = out - far;
        uint8_t *to = out;
        out += len;
        if (FL_LIKELY(far >= 16)) {
            memcpy(to, from, 16);
            memcpy(to + 16, from + 16, 16);
            while (FL_UNLIKELY(len > 32)) {
                to += 32;
                from += 32;
                len = len - 32;
                memcpy(to, from, 16);
                memcpy(to + 16, from + 16, 16);
            }
        } else if (far >= 8) {
            do {
                fl_store64(to, fl_load64(from));
                to += 8;
                from += 8;
            } while (to < out);
        } else {
            /* The last `far` bytes again and again: eight of them, in steps of a multiple of far. */
            uint64_t pattern = fl_load64(from) & ((UINT64_C(1) << far * 8) - 1);
            for (uint32_t have = far * 8; have < 64; have *= 2) pattern |= pattern << have;
            const uint32_t step = 8 - 8 % far;
            do {
                fl_store64(to, pattern);
                to += step;
            } while (to < out);
        }
    } while (in <= in_last && out <= out_last);
    nbits &= 0xFF;
done:
    c->in = in;
    c->out = out;
    c->nbits = nbits;
    c->bits = nbits < 64 ? FL_INFLATE_KEEP(bits, nbits) : 0;
    return stop;
}

#undef REFILL
#undef DROP
