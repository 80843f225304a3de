/* SPDX-License-Identifier: MIT */
/* frame.c - see frame.h. */
#include "read/frame.h"

#include <string.h>

#include "core/bytes.h"

flowlog_status flowlog__frame_init(fl_frame *f, const flowlog_alloc *alloc, size_t rows_max, int with_lines,
                                   size_t text_cap)
{
    memset(f, 0, sizeof *f);
    f->alloc = *alloc;
    f->rows_max = rows_max;
    f->text_cap = text_cap;
    f->shown = flowlog__alloc_array(alloc, FLOWLOG_FORMAT_COLUMNS_MAX, sizeof *f->shown);
    f->column = flowlog__alloc_array(alloc, FLOWLOG_FORMAT_COLUMNS_MAX, sizeof *f->column);
    f->status = flowlog__alloc(alloc, rows_max);
    if (!f->shown || !f->column || !f->status) return FLOWLOG_E_MEMORY;
    if (with_lines) {
        f->lines = flowlog__alloc_array(alloc, rows_max, sizeof *f->lines);
        f->line_numbers = flowlog__alloc_array(alloc, rows_max, sizeof *f->line_numbers);
        if (!f->lines || !f->line_numbers) return FLOWLOG_E_MEMORY;
    }
    if (text_cap) {
        f->text = flowlog__alloc(alloc, text_cap);
        if (!f->text) return FLOWLOG_E_MEMORY;
    }
    return FLOWLOG_OK;
}

void flowlog__frame_clear(fl_frame *f)
{
    flowlog__release(&f->alloc, f->shown, FLOWLOG_FORMAT_COLUMNS_MAX * sizeof *f->shown);
    flowlog__release(&f->alloc, f->column, FLOWLOG_FORMAT_COLUMNS_MAX * sizeof *f->column);
    flowlog__release(&f->alloc, f->room, f->room_len);
    flowlog__release(&f->alloc, f->status, f->rows_max);
    flowlog__release(&f->alloc, f->lines, f->rows_max * sizeof *f->lines);
    flowlog__release(&f->alloc, f->line_numbers, f->rows_max * sizeof *f->line_numbers);
    flowlog__release(&f->alloc, f->text, f->text_cap);
}

flowlog_column flowlog__column_show(const fl_target *t, const fl_column *c)
{
    return (flowlog_column){
        .name = t->name, .field = t->decoder.field, .type = t->decoder.type, .present = t->index >= 0,
        .validity = c->valid, .values = c->values, .family = c->family, .wide = (const uint8_t(*)[16])c->wide,
        .spans = c->spans};
}

flowlog_status flowlog__frame_layout(fl_frame *f, const fl_layout_entry *layout)
{
    size_t need = 0;
    for (uint32_t i = 0; i < layout->targets; i++)
        need += flowlog__column_bytes(layout->target[i].decoder.type, f->rows_max);
    if (need > f->room_len) {
        void *room = flowlog__alloc(&f->alloc, need);
        if (!room) return FLOWLOG_E_MEMORY;
        flowlog__release(&f->alloc, f->room, f->room_len);
        f->room = room;
        f->room_len = need;
    }
    uint8_t *room = f->room;
    for (uint32_t i = 0; i < layout->targets; i++) {
        const fl_target *t = &layout->target[i];
        fl_column *c = &f->column[i];
        flowlog__column_place(c, t->decoder.type, f->rows_max, room);
        room += flowlog__column_bytes(t->decoder.type, f->rows_max);
        if (t->index < 0) flowlog__column_clear(c, t->decoder.type, f->rows_max);
        f->shown[i] = flowlog__column_show(t, c);
    }
    f->layout = layout;
    f->batch.columns = layout->targets;
    f->batch.column = f->shown;
    f->batch.format = layout->format;
    return FLOWLOG_OK;
}

uint32_t flowlog__column_nulls(const fl_column *column, size_t rows)
{
    uint32_t valid = 0;
    for (size_t w = 0; w < fl_bit_words(rows); w++) {
        const uint64_t bits = column->valid[w];
        valid += bits == UINT64_MAX ? 64 : fl_popcount64(bits);
    }
    return (uint32_t)rows - valid;
}

void flowlog__frame_finish(fl_frame *f)
{
    for (uint32_t i = 0; i < f->layout->targets; i++)
        f->shown[i].null_count = flowlog__column_nulls(&f->column[i], f->batch.rows);
    f->batch.log_status = f->status;
    f->batch.lines = f->lines;
    f->batch.line_numbers = f->line_numbers;
}

/* --- rows taken out --------------------------------------------------------------------------------------- */

/* Never a word that is still to be read is written: row i comes from rows[i] >= i. */
static void keep_bits(uint64_t *map, const uint32_t *rows, size_t n)
{
    for (size_t i = 0; i < n;) {
        const size_t w = i / 64, stop = n - i < 64 ? n : i + 64;
        uint64_t word = 0;
        for (; i < stop; i++) word |= (uint64_t)fl_bit_get(map, rows[i]) << (i & 63);
        map[w] = word;
    }
}

#define KEEP(type, values)                                       \
    do {                                                         \
        type *v = (values);                                      \
        for (size_t i = 0; i < n; i++) v[i] = v[rows[i]];        \
    } while (0)

void flowlog__column_keep(fl_column *c, uint32_t type, const uint32_t *rows, size_t n)
{
    keep_bits(c->valid, rows, n);
    switch (type) {
    case FLOWLOG_TYPE_U32: KEEP(uint32_t, c->values); break;
    case FLOWLOG_TYPE_U64:
    case FLOWLOG_TYPE_TIME: KEEP(uint64_t, c->values); break;
    case FLOWLOG_TYPE_ENUM: KEEP(uint8_t, c->values); break;
    case FLOWLOG_TYPE_ADDR:
        KEEP(uint32_t, c->values);
        KEEP(uint8_t, c->family);
        for (size_t i = 0; i < n; i++)
            if (c->family[i] == 6) memmove(c->wide[i], c->wide[rows[i]], 16);
        break;
    default: break;
    }
    if (c->spans) KEEP(flowlog_span, c->spans);
}

/* --- rows appended ------------------------------------------------------------------------------------------ */

static void append_bits(uint64_t *map, size_t at, const uint64_t *from, size_t n)
{
    const unsigned shift = at & 63;
    uint64_t *to = map + at / 64;
    if (shift) to[0] &= fl_low_bits(shift);
    for (size_t w = 0; w < fl_bit_words(n); w++) {
        if (!shift) {
            to[w] = from[w];
            continue;
        }
        to[w] |= from[w] << shift;
        /* The words of a map reach as far as the row after the last one, and no further. */
        if (w * 64 + 64 - shift < n) to[w + 1] = from[w] >> (64 - shift);
    }
}

/* 1 if a row of a column has text: always in TEXT, in ENUM only where there is no code for it. */
static int has_text(const fl_column *c, uint32_t type, size_t row)
{
    return fl_bit_get(c->valid, row) && (type == FLOWLOG_TYPE_TEXT || !((const uint8_t *)c->values)[row]);
}

static size_t text_needed(const fl_frame *f)
{
    size_t need = 0;
    for (uint32_t i = 0; i < f->layout->targets; i++) {
        const fl_column *c = &f->column[i];
        for (size_t r = 0; c->spans && r < f->batch.rows; r++)
            if (has_text(c, f->shown[i].type, r)) need += c->spans[r].len;
    }
    for (size_t r = 0; f->lines && r < f->batch.rows; r++) need += f->lines[r].len;
    return need;
}

static flowlog_span copy_text(fl_frame *f, const fl_frame *from, flowlog_span span)
{
    const flowlog_span copy = {(uint32_t)f->text_len, span.len};
    memcpy(f->text + f->text_len, from->batch.text + span.offset, span.len);
    f->text_len += span.len;
    return copy;
}

static void append_column(fl_frame *f, const fl_frame *from, uint32_t i)
{
    const size_t at = f->batch.rows, n = from->batch.rows;
    const uint32_t type = f->shown[i].type;
    fl_column *to = &f->column[i];
    const fl_column *c = &from->column[i];
    append_bits(to->valid, at, c->valid, n);
    switch (type) {
    case FLOWLOG_TYPE_U32: memcpy((uint32_t *)to->values + at, c->values, n * 4); break;
    case FLOWLOG_TYPE_U64:
    case FLOWLOG_TYPE_TIME: memcpy((uint64_t *)to->values + at, c->values, n * 8); break;
    case FLOWLOG_TYPE_ENUM: memcpy((uint8_t *)to->values + at, c->values, n); break;
    case FLOWLOG_TYPE_ADDR:
        memcpy((uint32_t *)to->values + at, c->values, n * 4);
        memcpy(to->family + at, c->family, n);
        for (size_t r = 0; r < n; r++)
            if (c->family[r] == 6) memcpy(to->wide[at + r], c->wide[r], 16);
        break;
    default: break;
    }
    for (size_t r = 0; to->spans && r < n; r++) {
        const flowlog_span none = {0, 0};
        to->spans[at + r] = has_text(c, type, r) ? copy_text(f, from, c->spans[r]) : none;
    }
}

int flowlog__frame_append(fl_frame *f, const fl_frame *from)
{
    const size_t at = f->batch.rows, n = from->batch.rows;
    if (n > f->rows_max - at || text_needed(from) > f->text_cap - f->text_len) return 0;
    for (uint32_t i = 0; i < f->layout->targets; i++)
        if (f->shown[i].present) append_column(f, from, i);
    memcpy(f->status + at, from->status, n);
    for (size_t r = 0; f->lines && r < n; r++) {
        f->lines[at + r] = copy_text(f, from, from->lines[r]);
        f->line_numbers[at + r] = from->line_numbers[r];
    }
    f->batch.rows += (uint32_t)n;
    f->batch.text = (const char *)f->text;
    f->batch.text_len = f->text_len;
    f->batch.file = from->batch.file;
    f->batch.filter = from->batch.filter;
    return 1;
}
