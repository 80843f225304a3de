/* SPDX-License-Identifier: MIT */
/* key_code.c - long keys to the bytes of partials and back; see key.h. */
#include <string.h>

#include "agg/key.h"
#include "core/bytes.h"

static void put_ipv4(uint32_t v, struct fl_bytes *out)
{
    const uint8_t bytes[5] = {FL_TAG_IPV4, (uint8_t)(v >> 24), (uint8_t)(v >> 16), (uint8_t)(v >> 8), (uint8_t)v};
    flowlog__bytes_put(out, bytes, sizeof bytes);
}

void flowlog__keys_encode(const struct fl_keys *keys, const uint64_t *words, struct fl_bytes *out)
{
    const uint64_t *w = words;
    for (uint32_t k = 0; k < keys->count; k++, w = fl_key_next(w)) {
        const uint64_t v = *w >> FL_TAG_BITS;
        const uint8_t tag = (uint8_t)(*w & fl_low_bits(FL_TAG_BITS));
        if (tag == FL_TAG_IPV4) {
            put_ipv4((uint32_t)v, out);
            continue;
        }
        flowlog__bytes_put_u8(out, tag == FL_TAG_LARGE ? FL_TAG_VALUE : tag);
        if (tag == FL_TAG_VALUE || tag == FL_TAG_TEXT) flowlog__bytes_put_varint(out, v);
        if (tag == FL_TAG_LARGE) flowlog__bytes_put_varint(out, w[1]);
        if (tag == FL_TAG_TEXT) flowlog__bytes_put(out, w + 1, (size_t)v);
        if (tag == FL_TAG_IPV6) flowlog__bytes_put(out, w + 1, 16);
    }
}

int flowlog__keys_have_text(const struct fl_keys *keys)
{
    for (uint32_t k = 0; k < keys->count; k++)
        if (keys->key[k].type == FLOWLOG_TYPE_TEXT || keys->key[k].type == FLOWLOG_TYPE_ENUM) return 1;
    return 0;
}

/* Each of these writes one column from *w on, and returns 0 for what no key has. */

static int get_number(const struct fl_key *key, struct fl_cursor *in, uint64_t **w)
{
    const uint64_t v = flowlog__cursor_varint(in);
    if (in->failed) return 0;
    switch (key->type) {
    case FLOWLOG_TYPE_U64:
    case FLOWLOG_TYPE_TIME: break;
    case FLOWLOG_TYPE_U32:
    case FLOWLOG_TYPE_SERVICE:
        if (v > UINT32_MAX) return 0;
        break;
    case FLOWLOG_TYPE_ENUM:
        if (v == FLOWLOG_OTHER || v > UINT8_MAX || !flowlog_enum_name(key->field, (uint32_t)v)) return 0;
        break;
    default: return 0;
    }
    if (v >> (64 - FL_TAG_BITS)) {
        *(*w)++ = FL_TAG_LARGE;
        *(*w)++ = v;
    } else {
        *(*w)++ = FL_TAG_VALUE | v << FL_TAG_BITS;
    }
    return 1;
}

static int get_text(const struct fl_key *key, struct fl_cursor *in, uint64_t **w)
{
    const uint64_t len = flowlog__cursor_varint(in);
    if (len > SIZE_MAX || (key->type != FLOWLOG_TYPE_TEXT && key->type != FLOWLOG_TYPE_ENUM)) return 0;
    const uint8_t *text = flowlog__cursor_take(in, (size_t)len);
    if (!text) return 0;
    /* A token that has a code is never kept as text. */
    if (key->type == FLOWLOG_TYPE_ENUM && flowlog_enum_code(key->field, (const char *)text, (size_t)len)) return 0;
    *(*w)++ = FL_TAG_TEXT | len << FL_TAG_BITS;
    const size_t words = (size_t)((len + 7) / 8);
    if (words) (*w)[words - 1] = 0;
    memcpy(*w, text, (size_t)len);
    *w += words;
    return 1;
}

static int is_cut(const uint8_t *bytes, unsigned len, unsigned prefix)
{
    for (unsigned i = prefix; i < 8 * len; i++)
        if (bytes[i / 8] >> (7 - i % 8) & 1) return 0;
    return 1;
}

static int get_address(const struct fl_key *key, uint8_t tag, struct fl_cursor *in, uint64_t **w)
{
    if (key->type != FLOWLOG_TYPE_ADDR && key->type != FLOWLOG_TYPE_NET) return 0;
    const unsigned len = tag == FL_TAG_IPV4 ? 4 : 16;
    const uint8_t *b = flowlog__cursor_take(in, len);
    if (!b || (key->type == FLOWLOG_TYPE_NET && !is_cut(b, len, len == 4 ? key->prefix4 : key->prefix6))) return 0;
    if (len == 4) {
        const uint32_t v = (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
        *(*w)++ = FL_TAG_IPV4 | (uint64_t)v << FL_TAG_BITS;
    } else {
        *(*w)++ = FL_TAG_IPV6;
        memcpy(*w, b, 16);
        *w += 2;
    }
    return 1;
}

size_t flowlog__keys_decode(const struct fl_keys *keys, int nulls, struct fl_cursor *in, uint64_t *words)
{
    uint64_t *w = words;
    for (uint32_t k = 0; k < keys->count; k++) {
        const struct fl_key *key = &keys->key[k];
        const uint8_t tag = flowlog__cursor_u8(in);
        int ok = 0;
        if (in->failed) return SIZE_MAX;
        switch (tag) {
        case FL_TAG_NULL:
            *w++ = FL_TAG_NULL;
            ok = nulls;
            break;
        case FL_TAG_VALUE: ok = get_number(key, in, &w); break;
        case FL_TAG_TEXT: ok = get_text(key, in, &w); break;
        case FL_TAG_IPV4:
        case FL_TAG_IPV6: ok = get_address(key, tag, in, &w); break;
        default: break;
        }
        if (!ok) return SIZE_MAX;
    }
    const size_t count = (size_t)(w - words);
    return count <= FL_LONG_WORDS_MAX ? count : SIZE_MAX;
}
