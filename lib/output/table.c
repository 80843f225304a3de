/* SPDX-License-Identifier: MIT */
/*
 * output/table.c - aligned columns for people.
 *
 * A cell is made text when its row comes, and kept one after the other in `text` until HELD_ROWS rows or
 * HELD_BYTES bytes are there; then widths are settled, everything held is written, and from then on a row
 * is held only until it is complete.  Column c of row r is len[r * columns + c] bytes, shown width[...]
 * characters wide (one a code point: ids and addresses have no wide or combining ones).
 *
 * A column is set to the right if the values seen first are numbers.  Text is never trusted: what a terminal
 * would obey, and what is no UTF-8, is shown as \x1b.
 */
#include "core/alloc.h"
#include "core/error.h"
#include "core/utf8.h"
#include "output/number.h"
#include "output/writer.h"

#define HELD_ROWS 1000u
#define HELD_BYTES ((size_t)1 << 20)
#define CELL_MAX 64 /* bytes of a cell that is no text */
#define GAP 2 /* blanks between columns */

struct cell {
    uint32_t len, width; /* bytes, characters */
};

struct column {
    uint32_t width;
    uint8_t kind; /* 0: only nulls so far; else 1 left, 2 right */
};

struct fl_table {
    char *text;
    size_t text_len, text_cap;
    struct cell *cells; /* [cell_rows * columns]; row 0 of the first lot is the header */
    size_t cell_rows;
    size_t rows; /* held */
    struct column *columns;
    int settled; /* widths are final */
};

static flowlog_status no_memory(flowlog_error *err)
{
    return FL_FAIL(err, FLOWLOG_E_MEMORY, "no memory for a table");
}

static int reserve_text(flowlog_writer *w, size_t len)
{
    struct fl_table *const t = w->table;
    if (t->text_cap - t->text_len >= len) return 1;
    if (len > SIZE_MAX / 4 - t->text_len) return 0;
    const size_t cap = (t->text_len + len) * 2;
    char *const p = flowlog__resize(&w->alloc, t->text, t->text_cap, cap);
    if (!p) return 0;
    t->text = p;
    t->text_cap = cap;
    return 1;
}

/* Cells of one more row. */
static int reserve_row(flowlog_writer *w)
{
    struct fl_table *const t = w->table;
    if (t->rows < t->cell_rows) return 1;
    const size_t row = w->columns * sizeof(struct cell), rows = t->cell_rows ? t->cell_rows * 4 : 16;
    if (rows > SIZE_MAX / row) return 0;
    struct cell *const p = flowlog__resize(&w->alloc, t->cells, t->cell_rows * row, rows * row);
    if (!p) return 0;
    t->cells = p;
    t->cell_rows = rows;
    return 1;
}

/* Text as a terminal may see it, at most 4 bytes for one. */
static struct cell add_text(struct fl_table *t, const char *text, size_t len)
{
    static const char hex[] = "0123456789abcdef";
    const uint8_t *const p = (const uint8_t *)text;
    char *const out = t->text + t->text_len;
    size_t used = 0;
    uint32_t width = 0;
    for (size_t i = 0; i < len;) {
        const size_t n = p[i] < 0x80 ? (p[i] >= 0x20 && p[i] != 0x7F) : fl_utf8_sequence(p + i, len - i);
        const int control = n == 2 && p[i] == 0xC2 && p[i + 1] < 0xA0; /* U+0080 to U+009F */
        if (n == 0 || control) {
            memcpy(out + used, "\\x", 2);
            out[used + 2] = hex[p[i] >> 4];
            out[used + 3] = hex[p[i] & 15];
            used += 4;
            width += 4;
            i++;
            continue;
        }
        memcpy(out + used, p + i, n);
        used += n;
        width++;
        i += n;
    }
    t->text_len += used;
    return (struct cell){(uint32_t)used, width};
}

/* 12.50% of 0.125: two decimals, the third cut off. */
static size_t format_percent(char *out, uint64_t number)
{
    size_t len = fl_format_u64(out, number / 10000000);
    out[len++] = '.';
    fl_put_digits(out + len, 2, (uint32_t)(number / 100000 % 100));
    out[len + 2] = '%';
    return len + 3;
}

size_t flowlog_time_format(int64_t seconds, char text[FLOWLOG_TIME_TEXT_MAX])
{
    const size_t len = fl_format_time(text, seconds);
    text[len] = '\0';
    return len;
}

static size_t format_cell(char *out, const flowlog_value *v)
{
    if (v->is_null || (v->type == FLOWLOG_TYPE_ADDR && v->addr.family != 4 && v->addr.family != 6)) {
        *out = '-';
        return 1;
    }
    switch (v->type) {
    case FLOWLOG_TYPE_TIME: return fl_format_time(out, (int64_t)v->number);
    case FLOWLOG_TYPE_SHARE: return format_percent(out, v->number);
    case FLOWLOG_TYPE_ADDR: return fl_format_addr(out, &v->addr);
    case FLOWLOG_TYPE_DECIMAL:
    case FLOWLOG_TYPE_NET:
    case FLOWLOG_TYPE_SERVICE: return flowlog_value_format(v, out, CELL_MAX);
    default: return fl_format_u64(out, v->number);
    }
}

static int is_number(uint8_t type)
{
    return type == FLOWLOG_TYPE_U32 || type == FLOWLOG_TYPE_U64 || type == FLOWLOG_TYPE_DECIMAL
           || type == FLOWLOG_TYPE_SHARE;
}

/* Add the cell of the row that is being made.  0: no memory. */
static int add_cell(flowlog_writer *w, uint32_t column, const flowlog_value *v)
{
    struct fl_table *const t = w->table;
    const int text = !v->is_null && (v->type == FLOWLOG_TYPE_TEXT || v->type == FLOWLOG_TYPE_ENUM);
    if (text && v->text.len > UINT32_MAX / 8) return 0;
    if (!reserve_text(w, text ? v->text.len * 4 : CELL_MAX)) return 0;
    struct cell *const cell = &t->cells[t->rows * w->columns + column];
    if (text) {
        *cell = add_text(t, v->text.ptr, v->text.len);
    } else {
        const size_t len = format_cell(t->text + t->text_len, v);
        t->text_len += len;
        *cell = (struct cell){(uint32_t)len, (uint32_t)len};
    }
    if (!t->settled) {
        struct column *const c = &t->columns[column];
        if (cell->width > c->width) c->width = cell->width;
        if (!c->kind && !v->is_null)
            c->kind = is_number(v->type) ? 2 : 1;
    }
    return 1;
}

flowlog_status flowlog__table_new(flowlog_writer *w, const char *const *names, flowlog_error *err)
{
    struct fl_table *const t = flowlog__alloc_zero(&w->alloc, sizeof *t);
    if (!t) return no_memory(err);
    w->table = t;
    t->columns = flowlog__alloc_zero(&w->alloc, w->columns * sizeof *t->columns);
    int ok = t->columns && reserve_row(w);
    for (uint32_t c = 0; ok && c < w->columns; c++) {
        flowlog_value name = {.type = FLOWLOG_TYPE_TEXT, .text = {names[c], strlen(names[c])}};
        ok = add_cell(w, c, &name);
        t->columns[c].kind = 0;
    }
    if (!ok) {
        flowlog__table_free(w);
        return no_memory(err);
    }
    t->rows = 1;
    return FLOWLOG_OK;
}

static void put_blanks(flowlog_writer *w, size_t n)
{
    static const char blanks[] = "                                ";
    for (; n > sizeof blanks - 1; n -= sizeof blanks - 1) fl_put(w, blanks, sizeof blanks - 1);
    fl_put(w, blanks, n);
}

/* Write what is held.  No blanks at the end of a line. */
static void put_rows(flowlog_writer *w)
{
    struct fl_table *const t = w->table;
    const char *text = t->text;
    for (size_t r = 0; r < t->rows; r++) {
        const struct cell *const row = t->cells + r * w->columns;
        for (uint32_t c = 0; c < w->columns; c++) {
            const struct column *const column = &t->columns[c];
            const size_t pad = row[c].width < column->width ? column->width - row[c].width : 0;
            if (c) put_blanks(w, GAP);
            if (column->kind == 2) put_blanks(w, pad);
            fl_put(w, text, row[c].len);
            if (column->kind != 2 && c + 1 < w->columns) put_blanks(w, pad);
            text += row[c].len;
        }
        fl_put_char(w, '\n');
    }
    t->settled = 1;
    t->rows = 0;
    t->text_len = 0;
}

flowlog_status flowlog__table_row(flowlog_writer *w, const flowlog_value *values, flowlog_error *err)
{
    struct fl_table *const t = w->table;
    const size_t text_len = t->text_len;
    int ok = reserve_row(w);
    for (uint32_t c = 0; ok && c < w->columns; c++) ok = add_cell(w, c, &values[c]);
    if (!ok) { /* the row may be given again */
        t->text_len = text_len;
        return no_memory(err);
    }
    t->rows++;
    if (t->settled || t->rows > HELD_ROWS || t->text_len > HELD_BYTES) put_rows(w);
    return FLOWLOG_OK;
}

void flowlog__table_finish(flowlog_writer *w) { put_rows(w); }

void flowlog__table_free(flowlog_writer *w)
{
    struct fl_table *const t = w->table;
    if (!t) return;
    flowlog__release(&w->alloc, t->text, t->text_cap);
    flowlog__release(&w->alloc, t->cells, t->cell_rows * w->columns * sizeof(struct cell));
    flowlog__release(&w->alloc, t->columns, w->columns * sizeof *t->columns);
    flowlog__release(&w->alloc, t, sizeof *t);
    w->table = NULL;
}
