/* SPDX-License-Identifier: MIT */
/* block.c - see block.h. */
#include "read/block.h"

#include <string.h>

#include "decode/tokenize.h"

flowlog_status flowlog__block_init(fl_block *b, const flowlog_alloc *alloc, const fl_kernels *k, size_t bytes_max,
                                   size_t rows_max)
{
    memset(b, 0, sizeof *b);
    b->k = k;
    b->rows_max = rows_max;
    b->table_cap = bytes_max + FL_ENDS_SLOP + rows_max;
    b->scratch_cap = 2 * bytes_max + FL_TEXT_SLOP;
    b->at = flowlog__alloc_array(alloc, bytes_max + FL_ENDS_SLOP + 1, sizeof *b->at);
    b->table = flowlog__alloc_array(alloc, b->table_cap, sizeof *b->table);
    b->origin = flowlog__alloc_array(alloc, rows_max, sizeof *b->origin);
    b->scratch = flowlog__alloc(alloc, b->scratch_cap);
    return b->at && b->table && b->origin && b->scratch ? FLOWLOG_OK : FLOWLOG_E_MEMORY;
}

void flowlog__block_clear(fl_block *b, const flowlog_alloc *alloc, size_t bytes_max)
{
    flowlog__release(alloc, b->at, (bytes_max + FL_ENDS_SLOP + 1) * sizeof *b->at);
    flowlog__release(alloc, b->table, b->table_cap * sizeof *b->table);
    flowlog__release(alloc, b->origin, b->rows_max * sizeof *b->origin);
    flowlog__release(alloc, b->scratch, b->scratch_cap);
}

void flowlog__block_begin(fl_block *b, const uint8_t *text, size_t len, uint64_t line, uint64_t offset)
{
    fl_scan scan;
    b->text = text;
    b->len = len;
    b->line = line;
    b->offset = offset;
    b->at[0] = UINT32_MAX;
    b->count = b->k->scan_ends(text, len, b->at + 1, &scan);
    b->pos = 0;
    b->newlines = scan.newlines;
    b->plain = !scan.adjacent && !scan.strange;
    b->odd_next = 0;
    b->proven = 0;
    b->rows.rows = 0;
}

/*
 * 1 if the rest of the block is nothing but rows of `fields` fields, and none is a comment.  The answer is kept
 * while it holds, and comes at the first row that is none, so that no block is gone through for each of its lines.
 */
static int all_rows(fl_block *b, uint32_t fields)
{
    const size_t lines = b->newlines;
    if (b->proven == fields) return 1;
    if (!b->plain || b->count - b->pos != lines * fields) return 0;
    /* As many newlines as rows, and one at the end of each: so there are none elsewhere. */
    const uint32_t *at = b->at + b->pos;
    for (size_t r = 0; r < lines; r++, at += fields)
        if (b->text[at[fields]] != '\n' || b->text[(uint32_t)(at[0] + 1)] == '#') return 0;
    b->proven = fields;
    return 1;
}

/* Index in `at` of the newline that ends the line at pos. */
static size_t end_of_line(const fl_block *b)
{
    size_t i = b->pos + 1;
    while (b->text[b->at[i]] != '\n') i++;
    return i;
}

static void take_line(fl_block *b, size_t newline)
{
    b->pos = newline;
    b->newlines--;
    b->line++;
}

/* How the line behind at[pos] looks. */
enum shape { REGULAR, TRIMMED, SPACED, ODD };

/*
 * REGULAR: single blanks, the right number of values.  TRIMMED: the same between *first and *last, with
 * blanks or a CR outside.  SPACED: the right number of values between runs of blanks.  ODD: none of these.
 */
static enum shape shape_of(const fl_block *b, uint32_t fields, size_t newline, size_t *first, size_t *last)
{
    const uint8_t *p = b->text;
    size_t start = b->at[b->pos] + 1, end = b->at[newline];
    uint32_t values = 0;
    int single = 1;
    *first = start;
    *last = end;
    flowlog__trim_line(p, first, last);
    if (*first == *last || p[*first] == '#') return ODD;
    size_t before = *first - 1; /* place of the end before this value; wraps at offset 0, as at[] does */
    for (size_t i = b->pos + 1; i <= newline; i++) {
        const size_t at = b->at[i];
        if (at < *first) continue;
        if (at >= *last) break;
        if (!fl_is_gap(p[at])) return ODD;
        if (at == before + 1 || p[at] == '\t') single = 0;
        if (at != before + 1) values++;
        before = at;
    }
    values++; /* the last one ends where the line does */
    if (values != fields) return ODD;
    if (!single) return SPACED;
    return *first == start && *last == end ? REGULAR : TRIMMED;
}

static void add_origin(fl_block *b, size_t row, size_t newline, uint32_t shown, int irregular)
{
    const uint32_t start = b->at[b->pos] + 1;
    b->origin[row] = (fl_origin){b->line, start, b->at[newline] - start, shown, (uint32_t)irregular};
}

/* Append the places of a line whose values have single blanks between them. */
static void add_row(fl_block *b, uint32_t fields, size_t newline, size_t first, size_t last)
{
    uint32_t *row = b->table + b->rows.rows * (fields + 1), *next = row;
    const uint32_t start = b->at[b->pos] + 1;
    *next++ = (uint32_t)first - 1;
    for (size_t i = b->pos + 1; i <= newline; i++)
        if (b->at[i] >= first && b->at[i] < last) *next++ = b->at[i];
    *next = (uint32_t)last;
    add_origin(b, b->rows.rows++, newline, start, first != start || last != b->at[newline]);
}

/* Lines with runs of blanks, one after the other: written anew with single ones, as rows of the scratch text. */
static void take_spaced(fl_block *b, uint32_t fields)
{
    uint8_t *const text = b->scratch;
    size_t used = 0, first, last;
    b->rows = (fl_rows){.text = text, .at = b->table, .stride = fields + 1};
    while (b->newlines && b->rows.rows < b->rows_max) {
        const size_t newline = end_of_line(b), start = b->at[b->pos] + 1, len = b->at[newline] - start;
        if (used + 2 * (len + 1) + FL_TEXT_SLOP > b->scratch_cap) break;
        if (shape_of(b, fields, newline, &first, &last) != SPACED) break;
        uint32_t *next = b->table + b->rows.rows * (fields + 1);
        *next++ = (uint32_t)used - 1;
        for (size_t i = first; i < last;) {
            while (i < last && !fl_is_gap(b->text[i])) text[used++] = b->text[i++];
            *next++ = (uint32_t)used;
            text[used++] = i < last ? ' ' : '\n';
            while (i < last && fl_is_gap(b->text[i])) i++;
        }
        memcpy(text + used, b->text + start, len);
        add_origin(b, b->rows.rows++, newline, (uint32_t)used, 1);
        used += len;
        text[used++] = '\n';
        take_line(b, newline);
    }
    memset(text + used, 0, FL_TEXT_SLOP);
    b->scratch_used = used;
}

/* Rows from the next lines, until one is no row or the table is full. */
static void walk(fl_block *b, uint32_t fields)
{
    size_t first, last;
    b->direct = 0;
    b->rows = (fl_rows){.text = b->text, .at = b->table, .stride = fields + 1};
    while (b->newlines && b->rows.rows < b->rows_max) {
        const size_t newline = end_of_line(b);
        const enum shape shape = shape_of(b, fields, newline, &first, &last);
        if (shape == SPACED && !b->rows.rows) {
            take_spaced(b, fields);
            return;
        }
        if (shape == SPACED || shape == ODD) return;
        add_row(b, fields, newline, first, last);
        take_line(b, newline);
    }
}

static int hand_out_line(fl_block *b)
{
    const size_t newline = end_of_line(b);
    b->line_start = b->at[b->pos] + 1;
    b->line_end = b->at[newline];
    b->odd_next = 0;
    take_line(b, newline);
    return FL_BLOCK_LINE;
}

int flowlog__block_next(fl_block *b, uint32_t fields)
{
    b->rows.rows = 0;
    if (!b->newlines) return FL_BLOCK_END;
    if (b->odd_next) return hand_out_line(b);
    if (all_rows(b, fields)) {
        b->rows = (fl_rows){.text = b->text, .at = b->at + b->pos, .stride = fields, .rows = b->newlines};
        b->direct = 1;
        b->direct_pos = b->pos;
        b->first_line = b->line;
        b->pos = b->count;
        b->line += b->newlines;
        b->newlines = 0;
        return FL_BLOCK_ROWS;
    }
    walk(b, fields);
    return b->rows.rows ? FL_BLOCK_ROWS : hand_out_line(b);
}

uint64_t flowlog__block_line(const fl_block *b, size_t row)
{
    return b->direct ? b->first_line + row : b->origin[row].line;
}

void flowlog__block_rewind(fl_block *b, size_t row)
{
    const uint64_t line = flowlog__block_line(b, row), behind = b->line + b->newlines;
    if (b->direct) {
        b->pos = b->direct_pos + row * b->rows.stride;
    } else { /* the entry before the row's line: at[] rises, but for its first */
        size_t low = 0, high = b->pos;
        while (low < high) {
            const size_t middle = low + (high - low) / 2;
            if (b->at[middle] + 1 < b->origin[row].offset) low = middle + 1;
            else high = middle;
        }
        b->pos = low;
    }
    b->line = line;
    b->newlines = (size_t)(behind - line);
    b->rows.rows = row;
    b->odd_next = 1;
}
