/* SPDX-License-Identifier: MIT */
/*
 * simd/inflate_tpl.h - body of fl_inflate_fast_fn.  The including file defines
 *     FL_INFLATE_FAST_NAME       the name of the function
 *     FL_INFLATE_KEEP(x, n)      the lowest n bits of x, n in 0..63
 *
 * How a symbol flows: the entry of the next symbol is loaded as soon as the bits before it are known,
 * before the bytes of the current one are written, so that the chain "bits -> entry -> shift" is all
 * the processor waits for.  A refill without a branch puts at least 56 bits into the buffer; bits above
 * nbits may then be set, but only to what the next refill puts there anyway.
 *
 * Bits: 2 literals (2 * 11) + a length (15 + 5) = 42 <= 56, refill, a distance (15 + 13) = 28, refill.
 * Input: each refill reads 8 bytes and advances by at most 7: 3 refills an iteration, 14 + 8 <= 32.
 */

_Static_assert(2 * FL_INFLATE_LITLEN_BITS + 15 + 5 <= 56, "two literals and a length fit between two refills");
_Static_assert(3 * 7 + 8 <= FL_INFLATE_FAST_IN, "three refills fit into the margin of the input");
_Static_assert(FL_INFLATE_FAST_SLOP >= 32, "a match copied 32 bytes a step overshoots by less than 32");

#define REFILL()                                \
    do {                                        \
        bits |= fl_load64(in) << (nbits & 63);  \
        in += 7 - (nbits >> 3 & 7);             \
        nbits |= 56;                            \
    } while (0)

/* nbits keeps garbage above bit 7 between refills (subtracting a whole entry saves a mask). */
#define DROP(e)                 \
    do {                        \
        bits >>= ((e) & 63);    \
        nbits -= (e);           \
    } while (0)

enum fl_inflate_stop FL_INFLATE_FAST_NAME(struct fl_inflate_cursor *c)
{
    const uint32_t *const litlen = c->litlen, *const dist = c->dist;
    const uint8_t *in = c->in;
    uint8_t *out = c->out;
    uint64_t bits = c->bits;
    uint32_t nbits = c->nbits;
    enum fl_inflate_stop stop = FL_INFLATE_STOP_MARGIN;

    if ((size_t)(c->in_end - in) < FL_INFLATE_FAST_IN || (size_t)(c->out_end - out) < FL_INFLATE_FAST_OUT)
        return FL_INFLATE_STOP_MARGIN;
    const uint8_t *const in_last = c->in_end - FL_INFLATE_FAST_IN;
    const uint8_t *const out_last = c->out_end - FL_INFLATE_FAST_OUT;

    REFILL();
    uint32_t e = litlen[FL_INFLATE_KEEP(bits, FL_INFLATE_LITLEN_BITS)];
    do {
        /* Here: 56 bits or more in the buffer, e the entry of the next symbol. */
        uint64_t saved = bits;
        DROP(e);
        if (e & FL_INFLATE_LITERAL) {
            *out++ = (uint8_t)(e >> 16);
            e = litlen[FL_INFLATE_KEEP(bits, FL_INFLATE_LITLEN_BITS)];
            saved = bits;
            DROP(e);
            if (e & FL_INFLATE_LITERAL) {
                *out++ = (uint8_t)(e >> 16);
                e = litlen[FL_INFLATE_KEEP(bits, FL_INFLATE_LITLEN_BITS)];
                saved = bits;
                DROP(e);
                if (e & FL_INFLATE_LITERAL) {
                    const uint8_t byte = (uint8_t)(e >> 16);
                    e = litlen[FL_INFLATE_KEEP(bits, FL_INFLATE_LITLEN_BITS)];
                    nbits &= 0xFF;
                    REFILL();
                    *out++ = byte;
                    continue;
                }
            }
        }
        if (FL_UNLIKELY(e & FL_INFLATE_SPECIAL)) {
            if (e & FL_INFLATE_LINK) {
                const uint32_t link = e;
                e = litlen[FL_INFLATE_VALUE(e) + FL_INFLATE_KEEP(bits, FL_INFLATE_CODE(e))];
                saved = bits;
                DROP(e);
                if (e & FL_INFLATE_LITERAL) {
                    *out++ = (uint8_t)(e >> 16);
                    e = litlen[FL_INFLATE_KEEP(bits, FL_INFLATE_LITLEN_BITS)];
                    nbits &= 0xFF;
                    REFILL();
                    continue;
                }
                if (e & FL_INFLATE_SPECIAL) {
                    nbits &= 0xFF;
                    stop = FL_INFLATE_VALUE(e) ? FL_INFLATE_STOP_BAD_LITLEN : FL_INFLATE_STOP_BLOCK;
                    if (stop != FL_INFLATE_STOP_BLOCK) nbits += FL_INFLATE_DROP(e) + FL_INFLATE_DROP(link);
                    goto done;
                }
            } else {
                nbits &= 0xFF;
                stop = FL_INFLATE_VALUE(e) ? FL_INFLATE_STOP_BAD_LITLEN : FL_INFLATE_STOP_BLOCK;
                if (stop != FL_INFLATE_STOP_BLOCK) nbits += FL_INFLATE_DROP(e);
                goto done;
            }
        }
        /* A match. */
        uint32_t len = (e >> 16) + (uint32_t)(FL_INFLATE_KEEP(saved, FL_INFLATE_DROP(e)) >> FL_INFLATE_CODE(e));
        e = dist[FL_INFLATE_KEEP(bits, FL_INFLATE_DIST_BITS)];
        nbits &= 0xFF;
        REFILL();
        uint32_t linked = 0;
        if (FL_UNLIKELY(e & FL_INFLATE_SPECIAL)) {
            if (e & FL_INFLATE_LINK) {
                linked = FL_INFLATE_DROP(e);
                bits >>= FL_INFLATE_DIST_BITS;
                nbits -= FL_INFLATE_DIST_BITS;
                e = dist[FL_INFLATE_VALUE(e) + FL_INFLATE_KEEP(bits, FL_INFLATE_CODE(e))];
            }
            if (e & FL_INFLATE_SPECIAL) {
                nbits += linked;
                stop = FL_INFLATE_STOP_BAD_DIST;
                goto done;
            }
        }
        const uint32_t far = (e >> 16) + (uint32_t)(FL_INFLATE_KEEP(bits, FL_INFLATE_DROP(e)) >> FL_INFLATE_CODE(e));
        if (FL_UNLIKELY(far > (size_t)(out - c->floor))) {
            nbits += linked;
            stop = FL_INFLATE_STOP_TOO_FAR;
            goto done;
        }
        DROP(e);
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
