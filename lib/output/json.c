/* SPDX-License-Identifier: MIT */
/*
 * output/json.c - text as JSON strings (RFC 8259).
 *
 * Quote, backslash and control characters are escaped, DEL and U+0080 to U+009F too, so that a line is safe to
 * look at; other UTF-8 stands as it is.  JSON text must be UTF-8 and log text need not be: a byte that is part
 * of no valid sequence becomes \u00XX.
 */
#include "core/bytes.h"
#include "core/utf8.h"
#include "output/writer.h"

#define ONES UINT64_C(0x0101010101010101)
#define HIGHS UINT64_C(0x8080808080808080)

/* Nonzero if one of 8 bytes is zero. */
FL_INLINE uint64_t has_zero(uint64_t x) { return (x - ONES) & ~x & HIGHS; }

/* Nonzero if one of 8 bytes is not plain: below 0x20, above 0x7E, a quote or a backslash. */
FL_INLINE uint64_t special8(const char *p)
{
    const uint64_t x = fl_load64(p);
    return (x & HIGHS) | ((x - ONES * 0x20) & ~x & HIGHS) | has_zero(x ^ ONES * 0x22) |
           has_zero(x ^ ONES * 0x5C) | has_zero(x ^ ONES * 0x7F);
}

FL_INLINE int special(uint8_t c) { return c < 0x20 || c > 0x7E || c == '"' || c == '\\'; }

static int is_plain(const char *text, size_t len)
{
    if (len < 8) {
        int any = 0;
        for (size_t i = 0; i < len; i++) any |= special((uint8_t)text[i]);
        return !any;
    }
    for (size_t i = 0; i + 8 < len; i += 8)
        if (special8(text + i)) return 0;
    return !special8(text + len - 8);
}

/* What stands for the byte or sequence at p: its text in out (6 bytes) and how many bytes of p it stands for. */
static size_t escape(const uint8_t *p, size_t len, char out[6], size_t *out_len)
{
    static const char hex[] = "0123456789abcdef";
    const size_t sequence = p[0] >= 0x80 ? fl_utf8_sequence(p, len) : 0;
    const int control = sequence == 2 && p[0] == 0xC2 && p[1] < 0xA0;
    if (sequence && !control) {
        memcpy(out, p, sequence);
        *out_len = sequence;
        return sequence;
    }
    const uint8_t c = control ? p[1] : p[0];
    if (!special(c)) {
        out[0] = (char)c;
        *out_len = 1;
        return 1;
    }
    static const char named[] = "\b\f\n\r\t\"\\", letters[] = "bfnrt\"\\";
    const char *const name = c < 0x80 ? memchr(named, c, sizeof named - 1) : NULL;
    out[0] = '\\';
    if (name) {
        out[1] = letters[name - named];
        *out_len = 2;
        return 1;
    }
    memcpy(out + 1, "u00", 3);
    out[4] = hex[c >> 4];
    out[5] = hex[c & 15];
    *out_len = 6;
    return control ? 2 : 1;
}

static void put_text(flowlog_writer *writer, const char *text, size_t len)
{
    if (FL_LIKELY(len <= 4096 && is_plain(text, len))) {
        char *out = fl_room(writer, len + 2);
        out[0] = '"';
        memcpy(out + 1, text, len);
        out[len + 1] = '"';
        writer->used += len + 2;
        return;
    }
    fl_put_char(writer, '"');
    for (size_t i = 0, n; i < len;) {
        char *out = fl_room(writer, 6);
        i += escape((const uint8_t *)text + i, len - i, out, &n);
        writer->used += n;
    }
    fl_put_char(writer, '"');
}

size_t flowlog_json_quote(const char *text, size_t len, char *out, size_t cap)
{
    size_t used = 0;
    char piece[6] = {'"'};
    size_t n = 1;
    for (size_t i = 0;;) { /* opening quote, escaped text, closing quote */
        for (size_t k = 0; k < n; k++)
            if (used + k + 1 < cap) out[used + k] = piece[k];
        used += n;
        if (i < len) {
            i += escape((const uint8_t *)text + i, len - i, piece, &n);
        } else if (i == len) {
            piece[0] = '"';
            n = 1;
            i++;
        } else {
            break;
        }
    }
    if (cap) out[used < cap ? used : cap - 1] = '\0';
    return used;
}

const struct fl_form flowlog__form_json = {"null", 4, 1, 0, ',', put_text, NULL};
