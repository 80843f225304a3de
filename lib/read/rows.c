/* SPDX-License-Identifier: MIT */
/*
 * rows.c - see rows.h.
 *
 * Everything is done a column at a time.  A row that turns out malformed is found only then; it is so rare
 * that the places of the other rows are copied together and the columns decoded again.
 */
#include "read/rows.h"

#include <string.h>

#include "core/bytes.h"
#include "core/error.h"

flowlog_status flowlog__batcher_init(fl_batcher *b, const flowlog_alloc *alloc, const fl_kernels *k, uint32_t flags,
                                     size_t rows_max, size_t table_cap)
{
    const size_t words = fl_bit_words(rows_max);
    memset(b, 0, sizeof *b);
    b->alloc = *alloc;
    b->k = k;
    b->flags = flags;
    b->rows_max = rows_max;
    b->kept_cap = table_cap;
    b->shown = flowlog__alloc_array(alloc, FLOWLOG_FORMAT_COLUMNS_MAX, sizeof *b->shown);
    b->column = flowlog__alloc_array(alloc, FLOWLOG_FORMAT_COLUMNS_MAX, sizeof *b->column);
    b->status = flowlog__alloc(alloc, rows_max);
    b->valid = flowlog__alloc_array(alloc, words, 8);
    b->todo = flowlog__alloc_array(alloc, words, 8);
    b->drop = flowlog__alloc_array(alloc, words, 8);
    b->kept = flowlog__alloc_array(alloc, table_cap, sizeof *b->kept);
    b->kept_row = flowlog__alloc_array(alloc, rows_max, sizeof *b->kept_row);
    if (!b->shown || !b->column || !b->status || !b->valid || !b->todo || !b->drop || !b->kept || !b->kept_row)
        return FLOWLOG_E_MEMORY;
    if (flags & FLOWLOG_READ_LINES) {
        b->lines = flowlog__alloc_array(alloc, rows_max, sizeof *b->lines);
        b->line_numbers = flowlog__alloc_array(alloc, rows_max, sizeof *b->line_numbers);
        if (!b->lines || !b->line_numbers) return FLOWLOG_E_MEMORY;
    }
    return FLOWLOG_OK;
}

void flowlog__batcher_clear(fl_batcher *b)
{
    const size_t words = fl_bit_words(b->rows_max);
    flowlog__release(&b->alloc, b->shown, FLOWLOG_FORMAT_COLUMNS_MAX * sizeof *b->shown);
    flowlog__release(&b->alloc, b->column, FLOWLOG_FORMAT_COLUMNS_MAX * sizeof *b->column);
    flowlog__release(&b->alloc, b->room, b->room_len);
    flowlog__release(&b->alloc, b->status, b->rows_max);
    flowlog__release(&b->alloc, b->valid, words * 8);
    flowlog__release(&b->alloc, b->todo, words * 8);
    flowlog__release(&b->alloc, b->drop, words * 8);
    flowlog__release(&b->alloc, b->kept, b->kept_cap * sizeof *b->kept);
    flowlog__release(&b->alloc, b->kept_row, b->rows_max * sizeof *b->kept_row);
    flowlog__release(&b->alloc, b->lines, b->rows_max * sizeof *b->lines);
    flowlog__release(&b->alloc, b->line_numbers, b->rows_max * sizeof *b->line_numbers);
}

flowlog_status flowlog__batcher_layout(fl_batcher *b, const fl_layout_entry *layout)
{
    size_t need = 0;
    for (uint32_t i = 0; i < layout->targets; i++)
        need += flowlog__column_bytes(layout->target[i].decoder.type, b->rows_max);
    if (need > b->room_len) {
        void *room = flowlog__alloc(&b->alloc, need);
        if (!room) return FLOWLOG_E_MEMORY;
        flowlog__release(&b->alloc, b->room, b->room_len);
        b->room = room;
        b->room_len = need;
    }
    uint8_t *room = b->room;
    for (uint32_t i = 0; i < layout->targets; i++) {
        const fl_target *t = &layout->target[i];
        fl_column *c = &b->column[i];
        flowlog__column_place(c, t->decoder.type, b->rows_max, room);
        room += flowlog__column_bytes(t->decoder.type, b->rows_max);
        if (t->index < 0) flowlog__column_clear(c, t->decoder.type, b->rows_max);
        b->shown[i] = (flowlog_column){
            .name = t->name, .field = t->decoder.field, .type = t->decoder.type, .present = t->index >= 0,
            .validity = c->valid, .values = c->values, .family = c->family,
            .wide = (const uint8_t(*)[16])c->wide, .spans = c->spans};
    }
    b->layout = layout;
    b->batch.columns = layout->targets;
    b->batch.column = b->shown;
    b->batch.format = layout->format;
    return FLOWLOG_OK;
}

/* The line that a row came from, as it stands. */
static void whole_line(const fl_block *block, size_t row, const uint8_t **p, size_t *len)
{
    if (block->direct) {
        const uint32_t *at = block->rows.at + row * block->rows.stride;
        *p = block->text + (uint32_t)(at[0] + 1);
        *len = at[block->rows.stride] - (uint32_t)(at[0] + 1);
    } else {
        *p = block->text + block->origin[row].offset;
        *len = block->origin[row].len;
    }
}

static int is_header_row(const fl_block *block, size_t row)
{
    const uint8_t *line;
    size_t len;
    whole_line(block, row, &line, &len);
    return flowlog_is_header((const char *)line, len);
}

/* The status of one row that is not plainly OK, NODATA or SKIPDATA; -1: the row is a header. */
static int odd_status(const fl_batcher *b, const fl_block *block, const fl_rows *rows, size_t row, size_t first)
{
    const fl_layout_entry *e = b->layout;
    const uint32_t *at = rows->at + row * rows->stride;
    const uint32_t start = at[e->guard_index] + 1, len = at[e->guard_index + 1] - start;
    const int dash = len == 1 && rows->text[start] == '-';
    if (!dash && is_header_row(block, first + row)) return -1;
    if (e->guard == FL_GUARD_STATUS && !dash)
        return (int)flowlog_enum_code(FLOWLOG_FIELD_LOG_STATUS, (const char *)rows->text + start, len);
    return flowlog__layout_no_traffic(e, rows->text, at) ? FLOWLOG_LOG_STATUS_NODATA : 0;
}

/*
 * Have the next kernel fetch its share of the text to come, `kernels` of them being left.  Decoding leaves the
 * path to memory idle and scanning waits for it; fetching a few lines every eight rows evens that out.
 */
static void share_ahead(fl_batcher *b, fl_rows *rows, size_t kernels)
{
    const size_t groups = (rows->rows + 7) / 8;
    const size_t lines = (b->ahead_len / 64 + groups * kernels - 1) / (groups * kernels);
    const size_t bytes = lines * groups * 64;
    rows->ahead = b->ahead;
    rows->lines_ahead = lines;
    b->ahead += bytes < b->ahead_len ? bytes : b->ahead_len;
    b->ahead_len -= bytes < b->ahead_len ? bytes : b->ahead_len;
}

/* Fill b->status; the number of rows before the first header, or all. */
static size_t classify(fl_batcher *b, const fl_block *block, fl_rows *rows, size_t first)
{
    const fl_layout_entry *e = b->layout;
    const size_t n = rows->rows, words = fl_bit_words(n);
    if (e->guard == FL_GUARD_STATUS) {
        share_ahead(b, rows, e->targets + 1);
        b->k->tokens8(rows, e->guard_index, e->status.token, e->status.tokens, b->status, b->valid, b->todo);
    } else {
        const uint32_t *at = rows->at + e->guard_index;
        memset(b->status, 0, n);
        for (size_t w = 0; w < words; w++) {
            uint64_t plain = 0;
            for (size_t r = w * 64; r < n && r < w * 64 + 64; r++, at += rows->stride) {
                const uint8_t c = rows->text[(uint32_t)(at[0] + 1)];
                plain |= (uint64_t)((e->guard == FL_GUARD_DIGIT) & (c >= '0') & (c <= '9')) << (r & 63);
            }
            b->valid[w] = plain;
        }
    }
    for (size_t w = 0; w < words; w++) {
        const unsigned left = n - w * 64 < 64 ? (unsigned)(n - w * 64) : 64;
        for (uint64_t odd = ~b->valid[w] & fl_low_bits(left); odd; odd &= odd - 1) {
            const size_t row = w * 64 + fl_ctz64(odd);
            const int status = odd_status(b, block, rows, row, first);
            if (status < 0) return row;
            b->status[row] = (uint8_t)status;
        }
    }
    return n;
}

/* Decode all columns; 1 if rows were marked in b->drop. */
static int decode(fl_batcher *b, fl_rows *rows, uint64_t *ms_times)
{
    int bad = 0;
    memset(b->drop, 0, fl_bit_words(rows->rows) * 8);
    for (uint32_t i = 0; i < b->layout->targets; i++) {
        const fl_target *t = &b->layout->target[i];
        if (t->index < 0) continue;
        share_ahead(b, rows, b->layout->targets - i);
        bad |= flowlog__decode_column(b->k, &t->decoder, rows, (size_t)t->index, &b->column[i], b->todo, b->drop,
                                      ms_times);
    }
    return bad;
}

/* Why a row is malformed: the first of the columns asked for that cannot be decoded. */
static uint16_t find_fault(const fl_batcher *b, const fl_rows *rows, size_t row, uint16_t *column)
{
    const uint32_t *at = rows->at + row * rows->stride;
    *column = UINT16_MAX;
    uint16_t reason = FLOWLOG_REASON_NUMBER;
    for (uint32_t i = 0; i < b->layout->targets; i++) {
        const fl_target *t = &b->layout->target[i];
        if (t->index < 0 || t->index + 1 >= *column) continue;
        const uint32_t start = at[t->index] + 1, len = at[t->index + 1] - start;
        flowlog_value value;
        int ms = 0;
        const fl_verdict v = flowlog__decode_token(&t->decoder, rows->text + start, len, &value, &ms);
        if (v != FL_BAD_NUMBER && v != FL_BAD_ADDRESS) continue;
        reason = v == FL_BAD_ADDRESS ? FLOWLOG_REASON_ADDRESS : FLOWLOG_REASON_NUMBER;
        *column = (uint16_t)(t->index + 1);
    }
    return reason;
}

/* Copy the places of rows that are not in b->drop to b->kept, where they may already be (`again`). */
static void keep_others(fl_batcher *b, fl_rows *rows, int again)
{
    const size_t width = b->layout->fields + 1;
    size_t n = 0;
    for (size_t r = 0; r < rows->rows; r++) {
        if (fl_bit_get(b->drop, r)) continue;
        memmove(b->kept + n * width, rows->at + r * rows->stride, width * sizeof *b->kept);
        b->status[n] = b->status[r];
        b->kept_row[n++] = again ? b->kept_row[r] : (uint32_t)r;
    }
    *rows = (fl_rows){.text = rows->text, .at = b->kept, .stride = width, .rows = n};
}

static const flowlog_column *shown_field(const fl_batcher *b, uint32_t field)
{
    for (uint32_t i = 0; i < b->layout->targets; i++)
        if (b->shown[i].field == field && b->shown[i].present) return &b->shown[i];
    return NULL;
}

static uint64_t count_odd_times(const fl_batcher *b, size_t rows)
{
    const flowlog_column *start = shown_field(b, FLOWLOG_FIELD_START), *end = shown_field(b, FLOWLOG_FIELD_END);
    uint64_t n = 0;
    if (!start || !end) return 0;
    const int64_t *s = start->values, *e = end->values;
    for (size_t r = 0; r < rows; r++) n += s[r] > e[r];
    if (!n) return 0; /* else once more, without the rows where one of them is null */
    n = 0;
    for (size_t r = 0; r < rows; r++)
        n += (uint64_t)((s[r] > e[r]) & fl_bit_get(start->validity, r) & fl_bit_get(end->validity, r));
    return n;
}

static void count_rows(const fl_batcher *b, size_t rows, flowlog_counters *counters)
{
    size_t nodata = 0, skipdata = 0;
    for (size_t r = 0; r < rows; r++) {
        nodata += b->status[r] == FLOWLOG_LOG_STATUS_NODATA;
        skipdata += b->status[r] == FLOWLOG_LOG_STATUS_SKIPDATA;
    }
    counters->nodata += nodata;
    counters->skipdata += skipdata;
    counters->records += rows - nodata - skipdata;
}

static void show_lines(fl_batcher *b, const fl_block *block, const fl_rows *rows, size_t first, int kept)
{
    for (size_t r = 0; r < rows->rows; r++) {
        const size_t row = first + (kept ? b->kept_row[r] : r);
        const uint8_t *p;
        size_t len;
        whole_line(block, row, &p, &len);
        b->lines[r].offset = block->direct ? (uint32_t)(p - block->text) : block->origin[row].shown;
        b->lines[r].len = (uint32_t)len;
        b->line_numbers[r] = flowlog__block_line(block, row);
    }
}

/* Leave out NODATA and SKIPDATA; 1 if there were any. */
static int drop_empty(fl_batcher *b, size_t rows)
{
    int any = 0;
    memset(b->drop, 0, fl_bit_words(rows) * 8);
    for (size_t r = 0; r < rows; r++)
        if (b->status[r] >= FLOWLOG_LOG_STATUS_NODATA) {
            fl_bit_set(b->drop, r);
            any = 1;
        }
    return any;
}

void flowlog__batcher_run(fl_batcher *b, const fl_block *block, size_t first, flowlog_counters *counters,
                          fl_bad_row bad, void *ctx, fl_outcome *outcome)
{
    fl_rows rows = block->rows;
    uint64_t ms_times = 0;
    rows.at += first * rows.stride;
    rows.rows -= first;
    if (rows.rows > b->rows_max) rows.rows = b->rows_max;
    memset(outcome, 0, sizeof *outcome);

    const size_t taken = classify(b, block, &rows, first);
    outcome->header = taken < rows.rows;
    outcome->used = rows.rows = taken;
    if (!taken) return;

    int kept = 0;
    if (decode(b, &rows, &ms_times)) {
        for (size_t r = 0; r < rows.rows; r++) {
            uint16_t column;
            if (!fl_bit_get(b->drop, r)) continue;
            const uint16_t reason = find_fault(b, &rows, r, &column);
            if (b->flags & FLOWLOG_READ_STOP_ON_BAD) {
                outcome->stopped = 1;
                outcome->header = 0;
                outcome->reason = reason;
                outcome->column = column;
                outcome->used = rows.rows = r;
                break;
            }
            bad(ctx, first + r, reason, column);
        }
        keep_others(b, &rows, 0);
        kept = 1;
        ms_times = 0;
        if (rows.rows) decode(b, &rows, &ms_times);
    }
    count_rows(b, rows.rows, counters);
    counters->ms_times += ms_times;
    counters->odd_times += count_odd_times(b, rows.rows);
    for (size_t r = 0; !block->direct && r < rows.rows; r++)
        counters->irregular += block->origin[first + (kept ? b->kept_row[r] : r)].irregular;
    if (b->flags & FLOWLOG_READ_RECORDS_ONLY && drop_empty(b, rows.rows)) {
        keep_others(b, &rows, kept);
        kept = 1;
        if (rows.rows) decode(b, &rows, &ms_times);
    }
    outcome->rows = rows.rows;
    if (!rows.rows) return;

    if (b->flags & FLOWLOG_READ_LINES) show_lines(b, block, &rows, first, kept);
    for (uint32_t i = 0; i < b->layout->targets; i++) {
        uint32_t valid = 0;
        for (size_t w = 0; w < fl_bit_words(rows.rows); w++) {
            const uint64_t bits = b->column[i].valid[w];
            valid += bits == UINT64_MAX ? 64 : fl_popcount64(bits);
        }
        b->shown[i].null_count = (uint32_t)rows.rows - valid;
    }
    b->batch.rows = (uint32_t)rows.rows;
    b->batch.text = (const char *)rows.text;
    b->batch.text_len = rows.text == block->text ? block->len : block->scratch_used;
    b->batch.log_status = b->status;
    b->batch.lines = b->lines;
    b->batch.line_numbers = b->line_numbers;
}
