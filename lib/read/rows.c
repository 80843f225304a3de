/* SPDX-License-Identifier: MIT */
/*
 * rows.c - see rows.h.
 *
 * Everything is done a column at a time, and for the rows that are still in play: all of a run, or a list.  The list
 * gets shorter in up to four steps: rows whose text the filter excludes, rows that do not match it, malformed rows,
 * and rows without data where only records are asked for.  A column that is decoded by then is closed up; one that
 * is not is decoded for the rows that are left, and for those alone.
 */
#include "read/rows.h"

#include <string.h>

#include "core/bytes.h"
#include "core/error.h"

/* Text of pending rows; beyond it a batch is given before it is full. */
#define PENDING_TEXT ((size_t)64 << 10)

/*
 * Whoever asks for batches of so many rows pays for each batch, as bindings of other languages do: then it pays to
 * copy the rows of several blocks together.  Larger blocks would be fewer batches too, but leave the cache.
 */
#define GATHER_ROWS 8192

flowlog_status flowlog__batcher_init(fl_batcher *b, const flowlog_alloc *alloc, const fl_kernels *k, uint32_t flags,
                                     const flowlog_filter *filter, size_t rows_max)
{
    const size_t words = fl_bit_words(rows_max);
    const int with_lines = (flags & FLOWLOG_READ_LINES) != 0;
    memset(b, 0, sizeof *b);
    b->alloc = *alloc;
    b->k = k;
    b->flags = flags;
    b->filter = filter;
    b->rows_max = rows_max;
    b->gathers = rows_max >= GATHER_ROWS && !with_lines;
    b->status = flowlog__alloc(alloc, rows_max);
    b->valid = flowlog__alloc_array(alloc, words, 8);
    b->todo = flowlog__alloc_array(alloc, words, 8);
    b->drop = flowlog__alloc_array(alloc, words, 8);
    b->bad = flowlog__alloc_array(alloc, words, 8);
    b->pick = flowlog__alloc_array(alloc, words, 8);
    b->row = flowlog__alloc_array(alloc, rows_max, sizeof *b->row);
    b->keep = flowlog__alloc_array(alloc, rows_max, sizeof *b->keep);
    b->pairs = flowlog__alloc_array(alloc, 2 * rows_max, sizeof *b->pairs);
    if (!b->status || !b->valid || !b->todo || !b->drop || !b->bad || !b->pick || !b->row || !b->keep || !b->pairs)
        return FLOWLOG_E_MEMORY;
    if (filter) FL_TRY(flowlog__chooser_init(&b->chooser, alloc, filter, rows_max));
    if (fl_batcher_defers(b)) FL_TRY(flowlog__frame_init(&b->pending, alloc, rows_max, with_lines, PENDING_TEXT));
    return flowlog__frame_init(&b->now, alloc, rows_max, with_lines, 0);
}

void flowlog__batcher_clear(fl_batcher *b)
{
    const size_t words = fl_bit_words(b->rows_max);
    flowlog__chooser_clear(&b->chooser);
    flowlog__frame_clear(&b->now);
    flowlog__frame_clear(&b->pending);
    flowlog__release(&b->alloc, b->status, b->rows_max);
    flowlog__release(&b->alloc, b->valid, words * 8);
    flowlog__release(&b->alloc, b->todo, words * 8);
    flowlog__release(&b->alloc, b->drop, words * 8);
    flowlog__release(&b->alloc, b->bad, words * 8);
    flowlog__release(&b->alloc, b->pick, words * 8);
    flowlog__release(&b->alloc, b->row, b->rows_max * sizeof *b->row);
    flowlog__release(&b->alloc, b->keep, b->rows_max * sizeof *b->keep);
    flowlog__release(&b->alloc, b->pairs, 2 * b->rows_max * sizeof *b->pairs);
}

flowlog_status flowlog__batcher_layout(fl_batcher *b, const fl_layout_entry *layout)
{
    if (b->now.layout == layout) return FLOWLOG_OK;
    b->now.layout = NULL;
    FL_TRY(flowlog__frame_layout(&b->now, layout));
    const flowlog_status status = b->filter ? flowlog__chooser_layout(&b->chooser, &b->now) : FLOWLOG_OK;
    if (status < 0) b->now.layout = NULL;
    return status;
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
    const fl_layout_entry *e = b->now.layout;
    const uint32_t *at = rows->at + row * rows->stride;
    const uint32_t start = at[e->guard_index] + 1, len = at[e->guard_index + 1] - start;
    const int dash = len == 1 && rows->text[start] == '-';
    if (!dash && is_header_row(block, first + row)) return -1;
    if (e->guard == FL_GUARD_STATUS && !dash)
        return (int)flowlog_enum_code(FLOWLOG_FIELD_LOG_STATUS, (const char *)rows->text + start, len);
    return flowlog__layout_no_traffic(e, rows->text, at) ? FLOWLOG_LOG_STATUS_NODATA : 0;
}

/* How many kernels will go over all rows of a run, after that for their status. */
static size_t kernels_to_run(const fl_batcher *b)
{
    if (!b->filter) return b->now.layout->targets;
    return b->chooser.applied ? 1 : b->now.layout->needs;
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
    const fl_layout_entry *e = b->now.layout;
    const size_t n = rows->rows, words = fl_bit_words(n);
    if (e->guard == FL_GUARD_STATUS) {
        share_ahead(b, rows, kernels_to_run(b) + 1);
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

/* --- the rows in play ------------------------------------------------------------------------------------- */

/* `n` rows of `all`: those that b->row lists, or the first ones. */
struct view {
    fl_rows all;
    size_t first; /* row 0 of `all` is this one of the block */
    size_t n;
    int listed;
};

static size_t row_of(const fl_batcher *b, const struct view *v, size_t i) { return v->listed ? b->row[i] : i; }

static int is_decoded(const fl_batcher *b, uint32_t target)
{
    const fl_layout_entry *e = b->now.layout;
    for (uint32_t i = 0; i < e->needs; i++)
        if (e->need[i].shared == (int32_t)target) return 1;
    return 0;
}

/* Which columns of the batch are decoded. */
enum stage { NONE, NEEDED, ALL };

/* Only the rows of the view whose bit is set in `pick`, or is not (`set` 0), stay. */
static void narrow(fl_batcher *b, struct view *v, const uint64_t *pick, int set, enum stage stage)
{
    const uint64_t flip = set ? 0 : UINT64_MAX;
    size_t n = 0;
    for (size_t w = 0; w < fl_bit_words(v->n); w++) {
        const unsigned left = v->n - w * 64 < 64 ? (unsigned)(v->n - w * 64) : 64;
        for (uint64_t bits = (pick[w] ^ flip) & fl_low_bits(left); bits; bits &= bits - 1)
            b->keep[n++] = (uint32_t)(w * 64 + fl_ctz64(bits));
    }
    if (n == v->n) return;
    for (uint32_t i = 0; i < b->now.layout->targets && stage != NONE; i++) {
        const fl_target *t = &b->now.layout->target[i];
        if (t->index >= 0 && (stage == ALL || is_decoded(b, i)))
            flowlog__column_keep(&b->now.column[i], t->decoder.type, b->keep, n);
    }
    for (size_t i = 0; i < n; i++) b->row[i] = (uint32_t)row_of(b, v, b->keep[i]);
    v->n = n;
    v->listed = 1;
}

/* Decode one field of the view; 1 if rows of it were marked in b->drop. */
static int decode(fl_batcher *b, const struct view *v, const fl_target *t, fl_column *column, size_t kernels,
                  uint64_t *ms_times)
{
    fl_rows rows = v->all;
    size_t index = (size_t)t->index;
    if (v->listed) {
        const uint32_t *at = v->all.at + index;
        for (size_t i = 0; i < v->n; i++) {
            const uint32_t *pair = at + b->row[i] * v->all.stride;
            b->pairs[2 * i] = pair[0];
            b->pairs[2 * i + 1] = pair[1];
        }
        rows = (fl_rows){.text = v->all.text, .at = b->pairs, .stride = 2};
        index = 0;
    }
    rows.rows = v->n;
    if (!v->listed) share_ahead(b, &rows, kernels);
    return flowlog__decode_column(b->k, &t->decoder, &rows, index, column, b->todo, b->drop, ms_times);
}

/* Rows of the view that are marked in b->drop are malformed: they leave it. */
static void drop_bad(fl_batcher *b, struct view *v, enum stage stage)
{
    for (size_t w = 0; w < fl_bit_words(v->n); w++)
        for (uint64_t bits = b->drop[w]; bits; bits &= bits - 1)
            fl_bit_set(b->bad, row_of(b, v, w * 64 + fl_ctz64(bits)));
    narrow(b, v, b->drop, 0, stage);
}

static void clear_drop(fl_batcher *b, size_t rows) { memset(b->drop, 0, fl_bit_words(rows) * 8); }

static void list_status(fl_batcher *b, const struct view *v)
{
    if (!v->listed) memcpy(b->now.status, b->status, v->n);
    for (size_t i = 0; v->listed && i < v->n; i++) b->now.status[i] = b->status[b->row[i]];
}

/* Leave in the view what the filter wants.  1 if malformed rows were met; negative: a status. */
static int choose(fl_batcher *b, struct view *v, uint64_t *ms_times, flowlog_error *err)
{
    const fl_layout_entry *e = b->now.layout;
    int bad = 0;
    if (b->chooser.applied) {
        share_ahead(b, &v->all, 1);
        flowlog__chooser_test(&b->chooser, &v->all, b->pick);
        narrow(b, v, b->pick, 1, NONE);
        if (!v->n) return 0;
    }
    clear_drop(b, v->n);
    for (uint32_t i = 0; i < e->needs; i++) {
        const fl_target *t = &e->need[i];
        uint64_t ignored = 0;
        if (t->index < 0) continue;
        bad |= decode(b, v, t, &b->chooser.column[i], e->needs - i, t->shared < 0 ? &ignored : ms_times);
    }
    list_status(b, v);
    const flowlog_status status = flowlog__chooser_select(&b->chooser, &b->now, &v->all, v->n, b->pick, err);
    if (status < 0) return (int)status;
    if (bad) {
        for (size_t w = 0; w < fl_bit_words(v->n); w++) {
            b->pick[w] &= ~b->drop[w];
            for (uint64_t bits = b->drop[w]; bits; bits &= bits - 1)
                fl_bit_set(b->bad, row_of(b, v, w * 64 + fl_ctz64(bits)));
        }
    }
    narrow(b, v, b->pick, 1, NEEDED);
    return bad;
}

/* --- malformed rows --------------------------------------------------------------------------------------- */

/* Why a row is malformed: the first of the columns asked for that cannot be decoded. */
static uint16_t find_fault(const fl_batcher *b, const fl_rows *rows, size_t row, uint16_t *column)
{
    const fl_layout_entry *e = b->now.layout;
    const uint32_t *at = rows->at + row * rows->stride;
    *column = UINT16_MAX;
    uint16_t reason = FLOWLOG_REASON_NUMBER;
    for (uint32_t i = 0; i < e->targets + e->needs; i++) {
        const fl_target *t = i < e->targets ? &e->target[i] : &e->need[i - e->targets];
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

/* Report the rows of b->bad in their order.  With STOP_ON_BAD the run ends at the first. */
static void report_bad(fl_batcher *b, struct view *v, fl_bad_row bad, void *ctx, fl_outcome *outcome)
{
    for (size_t w = 0; w < fl_bit_words(v->all.rows); w++)
        for (uint64_t bits = b->bad[w]; bits; bits &= bits - 1) {
            const size_t row = w * 64 + fl_ctz64(bits);
            uint16_t column;
            const uint16_t reason = find_fault(b, &v->all, row, &column);
            if (!(b->flags & FLOWLOG_READ_STOP_ON_BAD)) {
                bad(ctx, v->first + row, reason, column);
                continue;
            }
            outcome->stopped = 1;
            outcome->header = 0;
            outcome->reason = reason;
            outcome->column = column;
            outcome->used = row;
            clear_drop(b, v->n);
            for (size_t i = v->n; i && row_of(b, v, i - 1) >= row; i--) fl_bit_set(b->drop, i - 1);
            narrow(b, v, b->drop, 0, ALL);
            return;
        }
}

/* --- counting --------------------------------------------------------------------------------------------- */

static const flowlog_column *shown_field(const fl_frame *f, uint32_t field)
{
    for (uint32_t i = 0; i < f->layout->targets; i++)
        if (f->shown[i].field == field && f->shown[i].present) return &f->shown[i];
    return NULL;
}

static uint64_t count_odd_times(const fl_frame *f, size_t rows)
{
    const flowlog_column *start = shown_field(f, FLOWLOG_FIELD_START), *end = shown_field(f, FLOWLOG_FIELD_END);
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

/* Times in milliseconds among the rows of the view: after some rows, that had such, have left it. */
static uint64_t count_ms_times(const fl_batcher *b, const struct view *v)
{
    const fl_layout_entry *e = b->now.layout;
    uint64_t n = 0;
    for (uint32_t i = 0; i < e->targets; i++) {
        const fl_target *t = &e->target[i];
        if (t->index < 0 || t->decoder.type != FLOWLOG_TYPE_TIME) continue;
        for (size_t r = 0; r < v->n; r++) {
            const uint32_t *at = v->all.at + row_of(b, v, r) * v->all.stride + t->index;
            flowlog_value value;
            int ms = 0;
            flowlog__decode_token(&t->decoder, v->all.text + (uint32_t)(at[0] + 1), at[1] - (at[0] + 1), &value, &ms);
            n += (uint64_t)ms;
        }
    }
    return n;
}

/* The first `rows` rows of a run, but for those in b->bad, chosen or not. */
static void count_rows(const fl_batcher *b, const fl_block *block, const struct view *v, size_t rows, int any_bad,
                       flowlog_counters *counters)
{
    size_t nodata = 0, skipdata = 0, bad = 0;
    for (size_t r = 0; r < rows; r++) {
        nodata += b->status[r] == FLOWLOG_LOG_STATUS_NODATA;
        skipdata += b->status[r] == FLOWLOG_LOG_STATUS_SKIPDATA;
    }
    for (size_t r = 0; !block->direct && r < rows; r++) counters->irregular += block->origin[v->first + r].irregular;
    for (size_t r = 0; any_bad && r < rows; r++) {
        if (!fl_bit_get(b->bad, r)) continue;
        bad++;
        nodata -= b->status[r] == FLOWLOG_LOG_STATUS_NODATA;
        skipdata -= b->status[r] == FLOWLOG_LOG_STATUS_SKIPDATA;
        if (!block->direct) counters->irregular -= block->origin[v->first + r].irregular;
    }
    counters->nodata += nodata;
    counters->skipdata += skipdata;
    counters->records += rows - bad - nodata - skipdata;
}

static void show_lines(fl_batcher *b, const fl_block *block, const struct view *v)
{
    for (size_t r = 0; r < v->n; r++) {
        const size_t row = v->first + row_of(b, v, r);
        const uint8_t *p;
        size_t len;
        whole_line(block, row, &p, &len);
        b->now.lines[r].offset = block->direct ? (uint32_t)(p - block->text) : block->origin[row].shown;
        b->now.lines[r].len = (uint32_t)len;
        b->now.line_numbers[r] = flowlog__block_line(block, row);
    }
}

/* Leave out NODATA and SKIPDATA. */
static void drop_empty(fl_batcher *b, struct view *v)
{
    uint64_t any = 0;
    clear_drop(b, v->n);
    for (size_t r = 0; r < v->n; r++) {
        const uint64_t empty = b->status[row_of(b, v, r)] >= FLOWLOG_LOG_STATUS_NODATA;
        b->drop[r / 64] |= empty << (r & 63);
        any |= empty;
    }
    if (any) narrow(b, v, b->drop, 0, ALL);
}

/* --- a run ------------------------------------------------------------------------------------------------ */

/* Decode the columns of the batch that the filter did not need.  1: malformed rows were met. */
static int decode_rest(fl_batcher *b, struct view *v, uint64_t *ms_times)
{
    const fl_layout_entry *e = b->now.layout;
    int bad = 0;
    if (!v->n) return 0;
    clear_drop(b, v->n);
    for (uint32_t i = 0; i < e->targets; i++) {
        const fl_target *t = &e->target[i];
        if (t->index < 0 || is_decoded(b, i)) continue;
        bad |= decode(b, v, t, &b->now.column[i], e->targets - i, ms_times);
    }
    if (bad) drop_bad(b, v, ALL);
    return bad;
}

flowlog_status flowlog__batcher_run(fl_batcher *b, const fl_block *block, size_t first, flowlog_counters *counters,
                                    fl_bad_row bad, void *ctx, fl_outcome *outcome, flowlog_error *err)
{
    struct view v = {.all = block->rows, .first = first};
    fl_frame *f = &b->now;
    uint64_t ms_times = 0;
    int any_bad = 0;
    v.all.at += first * v.all.stride;
    v.all.rows -= first;
    if (v.all.rows > b->rows_max) v.all.rows = b->rows_max;
    f->batch.rows = 0;
    f->batch.text = (const char *)v.all.text;
    f->batch.text_len = v.all.text == block->text ? block->len : block->scratch_used;
    f->batch.filter = b->filter;
    memset(outcome, 0, sizeof *outcome);

    const size_t taken = classify(b, block, &v.all, first);
    outcome->header = taken < v.all.rows;
    outcome->used = v.n = v.all.rows = taken;
    if (!taken) return FLOWLOG_OK;
    memset(b->bad, 0, fl_bit_words(taken) * 8);
    if (b->filter) {
        any_bad = choose(b, &v, &ms_times, err);
        if (any_bad < 0) return (flowlog_status)any_bad;
    }
    any_bad |= decode_rest(b, &v, &ms_times);
    if (any_bad) report_bad(b, &v, bad, ctx, outcome);
    b->used = outcome->used;
    count_rows(b, block, &v, outcome->used, any_bad, counters);
    counters->ms_times += ms_times && (any_bad || b->filter) ? count_ms_times(b, &v) : ms_times;
    counters->odd_times += count_odd_times(f, v.n);
    if (b->flags & FLOWLOG_READ_RECORDS_ONLY) drop_empty(b, &v);
    if (!v.n) return FLOWLOG_OK;

    f->batch.rows = (uint32_t)v.n;
    list_status(b, &v);
    if (b->flags & FLOWLOG_READ_LINES) show_lines(b, block, &v);
    flowlog__frame_finish(f);
    return FLOWLOG_OK;
}

/* --- few rows, kept until they are more --------------------------------------------------------------------- */

/* 1: no token of a run has to be copied, but for those of enumerations that are not known. */
static int is_without_text(const fl_frame *f)
{
    for (uint32_t i = 0; i < f->layout->targets; i++)
        if (f->shown[i].present && f->shown[i].type == FLOWLOG_TYPE_TEXT) return 0;
    return 1;
}

flowlog_status flowlog__batcher_defer(fl_batcher *b)
{
    fl_frame *p = &b->pending;
    const fl_frame *f = &b->now;
    const size_t rows = f->batch.rows;
    if (rows > b->rows_max / 2) return FLOWLOG_END;
    if (rows * 4 >= b->used && !(b->gathers && is_without_text(f))) return FLOWLOG_END;
    if (!p->batch.rows) {
        p->text_len = 0;
        if (p->layout != f->layout) FL_TRY(flowlog__frame_layout(p, f->layout));
    }
    if (p->layout != f->layout || (p->batch.rows && p->batch.file != f->batch.file)) return FLOWLOG_END;
    return flowlog__frame_append(p, f) ? FLOWLOG_OK : FLOWLOG_END;
}
