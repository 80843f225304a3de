/* SPDX-License-Identifier: MIT */
/*
 * arrow_build.c - see arrow_build.h.
 *
 * A column is two or three buffers that grow.  Null rows have zeros, or no text, as they have in a batch.
 */
#include "output/arrow_build.h"

#include "core/alloc.h"
#include "core/bytes.h"
#include "core/decimal.h"
#include "output/number.h"

enum { ADDR_BYTES = 16, DECIMAL_BYTES = 16, VALUE_TEXT = 64 /* an address with its prefix: 43 */ };

/* --- the columns ------------------------------------------------------------------------------------------ */

flowlog_status flowlog__arrow_init(struct fl_arrow_builder *b, const flowlog_alloc *alloc, uint32_t flags,
                                   uint32_t columns)
{
    memset(b, 0, sizeof *b);
    b->alloc = *alloc;
    b->flags = flags;
    b->text_max = FL_ARROW_TEXT_MAX;
    if (!columns) return FLOWLOG_OK;
    b->column = flowlog__alloc_array(alloc, columns, sizeof *b->column);
    if (!b->column) return FLOWLOG_E_MEMORY;
    memset(b->column, 0, columns * sizeof *b->column);
    b->columns = columns;
    return FLOWLOG_OK;
}

void flowlog__arrow_clear(struct fl_arrow_builder *b)
{
    for (uint32_t c = 0; c < b->columns; c++) {
        struct fl_arrow_column *const column = &b->column[c];
        flowlog__arrow_drop(&column->valid, &b->alloc);
        flowlog__arrow_drop(&column->values, &b->alloc);
        flowlog__arrow_drop(&column->text, &b->alloc);
        flowlog__dictionary_clear(&column->dictionary, &b->alloc);
    }
    flowlog__release(&b->alloc, b->column, b->columns * sizeof *b->column);
    b->column = NULL;
    b->columns = 0;
}

flowlog_status flowlog__arrow_set(struct fl_arrow_builder *b, uint32_t column, const char *name, uint32_t field,
                                  uint32_t type)
{
    const int dictionaries = !(b->flags & FLOWLOG_ARROW_NO_DICTIONARY);
    struct fl_arrow_column *const c = &b->column[column];
    c->name = name;
    c->field = (uint16_t)field;
    c->type = (uint8_t)type;
    c->width = sizeof(int32_t);
    switch (type) {
    case FLOWLOG_TYPE_U32: c->layout = FL_ARROW_FIXED; break;
    case FLOWLOG_TYPE_U64:
    case FLOWLOG_TYPE_TIME:
        c->layout = FL_ARROW_FIXED;
        c->width = sizeof(uint64_t);
        break;
    case FLOWLOG_TYPE_ADDR:
        c->layout = b->flags & FLOWLOG_ARROW_ADDR_BINARY ? FL_ARROW_ADDR : FL_ARROW_TEXT;
        if (c->layout == FL_ARROW_ADDR) c->width = ADDR_BYTES;
        break;
    case FLOWLOG_TYPE_DECIMAL:
        c->layout = FL_ARROW_DECIMAL;
        c->width = DECIMAL_BYTES;
        break;
    case FLOWLOG_TYPE_ENUM: c->layout = dictionaries ? FL_ARROW_DICTIONARY : FL_ARROW_TEXT; break;
    case FLOWLOG_TYPE_TEXT: c->layout = dictionaries && field ? FL_ARROW_DICTIONARY : FL_ARROW_TEXT; break;
    case FLOWLOG_TYPE_NET:
    case FLOWLOG_TYPE_SERVICE: c->layout = FL_ARROW_TEXT; break;
    default: return FLOWLOG_E_ARGUMENT;
    }
    return FLOWLOG_OK;
}

/* --- validity --------------------------------------------------------------------------------------------- */

/* Bits [first, first + rows) of `from`, or nulls when that is NULL, behind the `at` bits that are there. */
static flowlog_status add_validity(struct fl_arrow_column *c, const flowlog_alloc *alloc, size_t at,
                                   const uint64_t *from, uint32_t first, uint32_t rows)
{
    const size_t len = fl_bit_words(at + rows) * sizeof(uint64_t), more = len - c->valid.len;
    uint8_t *const fresh = fl_arrow_room(&c->valid, alloc, more);
    if (!fresh) return FLOWLOG_E_MEMORY;
    memset(fresh, 0, more);
    c->valid.len = len;
    c->nulls += rows;
    if (!from) return FLOWLOG_OK;
    uint64_t *const to = (uint64_t *)(void *)c->valid.p;
    for (uint32_t done = 0; done < rows;) {
        const size_t i = (size_t)first + done, k = at + done;
        const unsigned n = rows - done < 64 ? rows - done : 64, shift = (unsigned)(i & 63);
        uint64_t bits = from[i >> 6] >> shift;
        if (shift + n > 64) bits |= from[(i >> 6) + 1] << (64 - shift);
        bits &= fl_low_bits(n);
        to[k >> 6] |= bits << (k & 63);
        if ((k & 63) + n > 64) to[(k >> 6) + 1] |= bits >> (64 - (k & 63));
        c->nulls -= fl_popcount64(bits);
        done += n;
    }
    return FLOWLOG_OK;
}

/* --- values of a batch ------------------------------------------------------------------------------------ */

static void *room_for(struct fl_arrow_buffer *b, const flowlog_alloc *alloc, uint32_t rows, size_t each)
{
    const size_t len = (size_t)rows * each;
    return len / each == rows ? fl_arrow_room(b, alloc, len) : NULL;
}

/* Room for the offsets of so many rows; before the first one there is a zero. */
static int32_t *room_for_offsets(struct fl_arrow_column *c, const flowlog_alloc *alloc, uint32_t rows)
{
    if (!c->values.len) {
        int32_t *const first = fl_arrow_room(&c->values, alloc, sizeof *first);
        if (!first) return NULL;
        *first = 0;
        c->values.len = sizeof *first;
    }
    return room_for(&c->values, alloc, rows, sizeof(int32_t));
}

static flowlog_status add_nulls(struct fl_arrow_column *c, const flowlog_alloc *alloc, uint32_t rows)
{
    if (c->layout == FL_ARROW_TEXT) {
        int32_t *const to = room_for_offsets(c, alloc, rows);
        if (!to) return FLOWLOG_E_MEMORY;
        for (uint32_t r = 0; r < rows; r++) to[r] = (int32_t)c->text.len;
    } else {
        void *const to = room_for(&c->values, alloc, rows, c->width);
        if (!to) return FLOWLOG_E_MEMORY;
        memset(to, 0, (size_t)rows * c->width);
    }
    c->values.len += (size_t)rows * c->width;
    return FLOWLOG_OK;
}

static flowlog_status add_fixed(struct fl_arrow_column *c, const flowlog_alloc *alloc, const flowlog_column *from,
                                uint32_t first, uint32_t rows)
{
    const size_t len = (size_t)rows * c->width;
    void *const to = room_for(&c->values, alloc, rows, c->width);
    if (!to) return FLOWLOG_E_MEMORY;
    memcpy(to, (const uint8_t *)from->values + (size_t)first * c->width, len);
    c->values.len += len;
    return FLOWLOG_OK;
}

static void put_wide(uint8_t *to, uint32_t family, uint32_t ipv4, const uint8_t *ipv6)
{
    static const uint8_t mapped[12] = {[10] = 0xFF, [11] = 0xFF};
    memset(to, 0, ADDR_BYTES);
    if (family == 6) memcpy(to, ipv6, ADDR_BYTES);
    if (family != 4) return;
    memcpy(to, mapped, sizeof mapped);
    for (int i = 0; i < 4; i++) to[12 + i] = (uint8_t)(ipv4 >> (24 - 8 * i));
}

static flowlog_status add_addresses(struct fl_arrow_column *c, const flowlog_alloc *alloc, const flowlog_column *from,
                                    uint32_t first, uint32_t rows)
{
    uint8_t *const to = room_for(&c->values, alloc, rows, ADDR_BYTES);
    if (!to) return FLOWLOG_E_MEMORY;
    for (uint32_t i = 0, r = first; i < rows; i++, r++)
        put_wide(to + (size_t)i * ADDR_BYTES, from->family[r], ((const uint32_t *)from->values)[r], from->wide[r]);
    c->values.len += (size_t)rows * ADDR_BYTES;
    return FLOWLOG_OK;
}

static flowlog_status add_address_text(struct fl_arrow_column *c, const flowlog_alloc *alloc,
                                       const flowlog_column *from, uint32_t first, uint32_t rows)
{
    if (rows > (FL_ARROW_TEXT_MAX - c->text.len) / FLOWLOG_ADDR_TEXT_MAX) return FLOWLOG_E_LIMIT;
    int32_t *const to = room_for_offsets(c, alloc, rows);
    char *const text = room_for(&c->text, alloc, rows, FLOWLOG_ADDR_TEXT_MAX);
    if (!to || !text) return FLOWLOG_E_MEMORY;
    char *p = text;
    for (uint32_t i = 0, r = first; i < rows; i++, r++) {
        if (from->family[r] == 4) {
            p += fl_format_ipv4(p, ((const uint32_t *)from->values)[r]);
        } else if (from->family[r] == 6) {
            flowlog_addr addr = {.family = 6};
            memcpy(addr.bytes, from->wide[r], ADDR_BYTES);
            p += flowlog_addr_format(&addr, p);
        }
        to[i] = (int32_t)(c->text.len + (size_t)(p - text));
    }
    c->text.len += (size_t)(p - text);
    c->values.len += rows * sizeof(int32_t);
    return FLOWLOG_OK;
}

/* The text of a row that is not null: a known token of an enumeration as AWS spells it, else as it stands. */
FL_INLINE flowlog_str text_of(const flowlog_batch *batch, const flowlog_column *from, uint32_t r)
{
    const uint8_t code = from->type == FLOWLOG_TYPE_ENUM ? ((const uint8_t *)from->values)[r] : 0;
    const char *const name = code ? flowlog_enum_name(from->field, code) : NULL;
    if (name) return (flowlog_str){name, strlen(name)};
    return (flowlog_str){batch->text + from->spans[r].offset, from->spans[r].len};
}

static flowlog_status put_text(struct fl_arrow_column *c, const flowlog_alloc *alloc, flowlog_str s)
{
    const flowlog_status status = flowlog__arrow_put_text(&c->text, alloc, s.ptr, s.len);
    return status == FLOWLOG_OK && c->text.len > FL_ARROW_TEXT_MAX ? FLOWLOG_E_LIMIT : status;
}

static flowlog_status add_text(struct fl_arrow_column *c, const flowlog_alloc *alloc, const flowlog_batch *batch,
                               const flowlog_column *from, uint32_t first, uint32_t rows)
{
    int32_t *const to = room_for_offsets(c, alloc, rows);
    if (!to) return FLOWLOG_E_MEMORY;
    for (uint32_t i = 0, r = first; i < rows; i++, r++) {
        if (fl_bit_get(from->validity, r)) {
            const flowlog_status status = put_text(c, alloc, text_of(batch, from, r));
            if (status < 0) return status;
        }
        to[i] = (int32_t)c->text.len;
    }
    c->values.len += rows * sizeof(int32_t);
    return FLOWLOG_OK;
}

/* All tokens that AWS documents, so that most arrays of a stream have the same dictionary. */
static flowlog_status begin_dictionary(struct fl_arrow_column *c, const flowlog_alloc *alloc)
{
    struct fl_arrow_dictionary *const d = &c->dictionary;
    if (c->type != FLOWLOG_TYPE_ENUM || d->count) return FLOWLOG_OK;
    const char *name;
    while ((name = flowlog_enum_name(c->field, d->known + 1)) != NULL) {
        const flowlog_status status = flowlog__dictionary_append(d, alloc, name, strlen(name));
        if (status < 0) return status;
        d->known++;
    }
    return FLOWLOG_OK;
}

static flowlog_status add_indices(struct fl_arrow_column *c, const flowlog_alloc *alloc, const flowlog_batch *batch,
                                  const flowlog_column *from, uint32_t first, uint32_t rows)
{
    int32_t *const to = room_for(&c->values, alloc, rows, sizeof *to);
    const uint8_t *const codes = from->type == FLOWLOG_TYPE_ENUM ? from->values : NULL;
    if (!to) return FLOWLOG_E_MEMORY;
    for (uint32_t i = 0, r = first; i < rows; i++, r++) {
        uint32_t index = 0;
        if (codes && codes[r] && codes[r] <= c->dictionary.known) {
            index = codes[r] - 1u;
        } else if (fl_bit_get(from->validity, r)) {
            const flowlog_str s = {batch->text + from->spans[r].offset, from->spans[r].len};
            const flowlog_status status = flowlog__dictionary_find(&c->dictionary, alloc, s.ptr, s.len, &index);
            if (status < 0) return status;
        }
        to[i] = (int32_t)index;
    }
    c->values.len += rows * sizeof *to;
    return FLOWLOG_OK;
}

static flowlog_status add_column(struct fl_arrow_builder *b, struct fl_arrow_column *c, const flowlog_batch *batch,
                                 const flowlog_column *from, uint32_t first, uint32_t rows)
{
    const flowlog_alloc *const a = &b->alloc;
    flowlog_status status = add_validity(c, a, b->rows, from ? from->validity : NULL, first, rows);
    if (status == FLOWLOG_OK && c->layout == FL_ARROW_DICTIONARY) status = begin_dictionary(c, a);
    if (status < 0) return status;
    if (!from) return add_nulls(c, a, rows);
    switch (c->layout) {
    case FL_ARROW_FIXED: return add_fixed(c, a, from, first, rows);
    case FL_ARROW_ADDR: return add_addresses(c, a, from, first, rows);
    case FL_ARROW_DICTIONARY: return add_indices(c, a, batch, from, first, rows);
    default:
        return c->type == FLOWLOG_TYPE_ADDR ? add_address_text(c, a, from, first, rows)
                                            : add_text(c, a, batch, from, first, rows);
    }
}

/* Which column of the batch is column c here; NULL: none. */
static const flowlog_column *source_of(const flowlog_batch *batch, const int32_t *map, uint32_t c)
{
    if (!map) return &batch->column[c];
    return map[c] < 0 ? NULL : &batch->column[map[c]];
}

flowlog_status flowlog__arrow_add(struct fl_arrow_builder *b, const flowlog_batch *batch, const int32_t *map,
                                  uint32_t first, uint32_t rows)
{
    for (uint32_t c = 0; c < b->columns; c++) {
        const flowlog_status status =
            add_column(b, &b->column[c], batch, source_of(batch, map, c), first, rows);
        if (status < 0) return status;
    }
    b->rows += rows;
    return FLOWLOG_OK;
}

/* --- limits ----------------------------------------------------------------------------------------------- */

static size_t text_used(const struct fl_arrow_column *c)
{
    return c->layout == FL_ARROW_DICTIONARY ? c->dictionary.text.len : c->text.len;
}

/* How many rows may be added if each may have `most` bytes, and the batch can say of each what it has. */
static uint32_t fit_column(const flowlog_batch *batch, const flowlog_column *from, size_t room, uint32_t first,
                           uint32_t rows)
{
    if (from->type == FLOWLOG_TYPE_ADDR) {
        const size_t most = room / FLOWLOG_ADDR_TEXT_MAX;
        return rows < most ? rows : (uint32_t)most;
    }
    /* A byte that is not UTF-8 becomes two. */
    if (batch->text_len < room / 2 / rows) return rows;
    for (uint32_t i = 0; i < rows; i++) {
        if (!fl_bit_get(from->validity, first + i)) continue;
        const size_t len = 2 * text_of(batch, from, first + i).len;
        if (len > room) return i;
        room -= len;
    }
    return rows;
}

uint32_t flowlog__arrow_fit(const struct fl_arrow_builder *b, const flowlog_batch *batch, const int32_t *map,
                            uint32_t first, uint32_t rows)
{
    for (uint32_t c = 0; c < b->columns && rows; c++) {
        const struct fl_arrow_column *const column = &b->column[c];
        const flowlog_column *const from = source_of(batch, map, c);
        if (!from || (column->layout != FL_ARROW_TEXT && column->layout != FL_ARROW_DICTIONARY)) continue;
        const size_t used = text_used(column);
        rows = fit_column(batch, from, used < b->text_max ? b->text_max - used : 0, first, rows);
    }
    return rows;
}

int flowlog__arrow_is_full(const struct fl_arrow_builder *b)
{
    for (uint32_t c = 0; c < b->columns; c++)
        if (text_used(&b->column[c]) > b->text_max / 2) return 1;
    return 0;
}

/* --- rows of a result ------------------------------------------------------------------------------------- */

/* number * 10^9 + billionths: less than 2^94, so that the sign has its bit. */
static void put_decimal(uint8_t *to, const flowlog_value *v)
{
    const uint64_t low = (v->number & UINT32_MAX) * FL_BILLION + v->billionths;
    const uint64_t middle = (v->number >> 32) * FL_BILLION + (low >> 32);
    uint64_t word[2] = {middle << 32 | (low & UINT32_MAX), middle >> 32}; /* lower half first */
    if (v->code) {
        word[0] = ~word[0] + 1;
        word[1] = ~word[1] + (word[0] == 0);
    }
    memcpy(to, &word[FL_BIG_ENDIAN], sizeof *word);
    memcpy(to + sizeof *word, &word[!FL_BIG_ENDIAN], sizeof *word);
}

static flowlog_status put_value_text(struct fl_arrow_column *c, const flowlog_alloc *alloc, const flowlog_value *v)
{
    char text[VALUE_TEXT];
    flowlog_str s = v->text;
    int32_t *const to = room_for_offsets(c, alloc, 1);
    if (!to) return FLOWLOG_E_MEMORY;
    if (c->type == FLOWLOG_TYPE_ADDR || c->type == FLOWLOG_TYPE_NET || c->type == FLOWLOG_TYPE_SERVICE)
        s = (flowlog_str){text, flowlog_value_format(v, text, sizeof text)};
    const flowlog_status status = put_text(c, alloc, s);
    if (status < 0) return status;
    *to = (int32_t)c->text.len;
    c->values.len += sizeof *to;
    return FLOWLOG_OK;
}

static flowlog_status put_value(struct fl_arrow_column *c, const flowlog_alloc *alloc, const flowlog_value *v)
{
    if (c->layout == FL_ARROW_TEXT) return put_value_text(c, alloc, v);
    uint8_t *const to = fl_arrow_room(&c->values, alloc, c->width);
    if (!to) return FLOWLOG_E_MEMORY;
    const uint8_t *const a = v->addr.bytes;
    uint32_t small = (uint32_t)v->number;
    switch (c->layout) {
    case FL_ARROW_DECIMAL: put_decimal(to, v); break;
    case FL_ARROW_ADDR:
        put_wide(to, v->addr.family, (uint32_t)a[0] << 24 | (uint32_t)a[1] << 16 | (uint32_t)a[2] << 8 | a[3], a);
        break;
    case FL_ARROW_DICTIONARY: {
        const flowlog_status status =
            flowlog__dictionary_find(&c->dictionary, alloc, v->text.ptr, v->text.len, &small);
        if (status < 0) return status;
        memcpy(to, &small, sizeof small);
        break;
    }
    default:
        if (c->width == sizeof small) memcpy(to, &small, sizeof small);
        else memcpy(to, &v->number, sizeof v->number);
    }
    c->values.len += c->width;
    return FLOWLOG_OK;
}

flowlog_status flowlog__arrow_add_result(struct fl_arrow_builder *b, const flowlog_result *result, uint64_t row)
{
    static const uint64_t one = 1;
    for (uint32_t i = 0; i < b->columns; i++) {
        struct fl_arrow_column *const c = &b->column[i];
        flowlog_value v;
        flowlog_status status = flowlog_result_value(result, row, i, &v);
        if (status == FLOWLOG_OK)
            status = add_validity(c, &b->alloc, b->rows, v.is_null ? NULL : &one, 0, 1);
        if (status == FLOWLOG_OK) status = v.is_null ? add_nulls(c, &b->alloc, 1) : put_value(c, &b->alloc, &v);
        if (status < 0) return status;
    }
    b->rows++;
    return FLOWLOG_OK;
}
