/* SPDX-License-Identifier: MIT */
/*
 * choose.c - see choose.h.
 *
 * Most rows of a selective filter fall at a comparison of a few bytes of one token.  The loop over all rows has no
 * branch that depends on them; what is left is gone through bit by bit.
 */
#include "read/choose.h"

#include <string.h>

#include "core/bytes.h"

static void prepare(struct fl_text_test *ready, const struct fl_raw_test *test)
{
    static const uint8_t ones[FL_RAW_BYTES] = {255, 255, 255, 255, 255, 255, 255, 255,
                                               255, 255, 255, 255, 255, 255, 255, 255};
    memset(ready, 0, sizeof *ready);
    ready->count = test->count;
    ready->zero = test->zero;
    for (uint32_t i = 0; i < test->count; i++) {
        const size_t len = test->alternative[i].len;
        uint8_t mask[FL_RAW_BYTES] = {0};
        memcpy(mask, ones, len);
        for (size_t half = 0; half < 2; half++) {
            ready->fit[i].mask[half] = fl_load64(mask + 8 * half);
            ready->fit[i].bytes[half] = fl_load64(test->alternative[i].bytes + 8 * half) & ready->fit[i].mask[half];
        }
        ready->fit[i].len = test->alternative[i].whole ? (uint32_t)len : 0;
        ready->fit[i].len_mask = test->alternative[i].whole ? UINT32_MAX : 0;
        ready->wide |= len > 8;
    }
}

flowlog_status flowlog__chooser_init(fl_chooser *c, const flowlog_alloc *alloc, const flowlog_filter *filter,
                                     size_t rows_max)
{
    struct fl_raw_test tests[FL_RAW_TESTS];
    memset(c, 0, sizeof *c);
    c->alloc = *alloc;
    c->filter = filter;
    c->rows_max = rows_max;
    c->tests = flowlog__filter_raw_tests(filter, tests);
    for (uint32_t i = 0; i < c->tests; i++) {
        prepare(&c->test[i], &tests[i]);
        c->test_field[i] = tests[i].field;
    }
    c->columns = flowlog__filter_field_count(filter);
    if (!c->columns) return FLOWLOG_OK;
    c->shown = flowlog__alloc_array(alloc, c->columns, sizeof *c->shown);
    c->column = flowlog__alloc_array(alloc, c->columns, sizeof *c->column);
    return c->shown && c->column ? FLOWLOG_OK : FLOWLOG_E_MEMORY;
}

void flowlog__chooser_clear(fl_chooser *c)
{
    flowlog__release(&c->alloc, c->shown, c->columns * sizeof *c->shown);
    flowlog__release(&c->alloc, c->column, c->columns * sizeof *c->column);
    flowlog__release(&c->alloc, c->room, c->room_len);
}

/* The tests that apply to a format.  Where it lacks the field the filter says what that means. */
static void find_tests(fl_chooser *c, const flowlog_format *format)
{
    c->applied = 0;
    for (uint32_t t = 0; t < c->tests; t++)
        for (uint32_t i = 0; i < flowlog_format_columns(format); i++)
            if (flowlog_format_column_at(format, i)->field == c->test_field[t]) {
                c->apply[c->applied] = t;
                c->apply_index[c->applied++] = i;
                break;
            }
}

flowlog_status flowlog__chooser_layout(fl_chooser *c, const fl_frame *frame)
{
    const fl_layout_entry *layout = frame->layout;
    size_t need = 0;
    for (uint32_t i = 0; i < layout->needs; i++)
        if (layout->need[i].shared < 0) need += flowlog__column_bytes(layout->need[i].decoder.type, c->rows_max);
    if (need > c->room_len) {
        void *room = flowlog__alloc(&c->alloc, need);
        if (!room) return FLOWLOG_E_MEMORY;
        flowlog__release(&c->alloc, c->room, c->room_len);
        c->room = room;
        c->room_len = need;
    }
    uint8_t *room = c->room;
    for (uint32_t i = 0; i < layout->needs; i++) {
        const fl_target *t = &layout->need[i];
        if (t->shared >= 0) {
            c->column[i] = frame->column[t->shared];
        } else {
            flowlog__column_place(&c->column[i], t->decoder.type, c->rows_max, room);
            room += flowlog__column_bytes(t->decoder.type, c->rows_max);
            if (t->index < 0) flowlog__column_clear(&c->column[i], t->decoder.type, c->rows_max);
        }
        c->shown[i] = flowlog__column_show(t, &c->column[i]);
    }
    c->layout = layout;
    find_tests(c, layout->format);
    return FLOWLOG_OK;
}

FL_INLINE uint64_t fits(const struct fl_text_test *t, uint32_t i, uint64_t low, uint64_t high, uint32_t len)
{
    uint64_t differ = ((low ^ t->fit[i].bytes[0]) & t->fit[i].mask[0]) | ((len ^ t->fit[i].len) & t->fit[i].len_mask);
    differ |= (high ^ t->fit[i].bytes[1]) & t->fit[i].mask[1];
    return differ == 0;
}

/* 1 if the token between at[0] and at[1] passes.  FL_TEXT_SLOP bytes behind it are readable. */
FL_INLINE uint64_t passes(const struct fl_text_test *t, uint32_t count, int wide, const uint8_t *text,
                          const uint32_t *at)
{
    const uint32_t start = at[0] + 1, len = at[1] - start;
    const uint64_t low = fl_load64(text + start), high = wide ? fl_load64(text + start + 8) : 0;
    uint64_t pass = (uint64_t)(t->zero & ((low & 0xFF) == '0'));
    for (uint32_t i = 0; i < count; i++) pass |= fits(t, i, low, high, len);
    return pass;
}

FL_INLINE void test_all(const struct fl_text_test *t, uint32_t count, int wide, const fl_rows *rows, size_t index,
                        uint64_t *pass)
{
    const uint32_t *at = rows->at + index;
    for (size_t r = 0; r < rows->rows;) {
        uint64_t word = 0;
        const size_t w = r / 64, stop = rows->rows - r < 64 ? rows->rows : r + 64;
        for (; r < stop; r++, at += rows->stride) {
            if (r % 8 == 0) fl_fetch_ahead(rows, r);
            word |= passes(t, count, wide, rows->text, at) << (r & 63);
        }
        pass[w] = word;
    }
}

static size_t count_bits(const uint64_t *map, size_t rows)
{
    size_t n = 0;
    for (size_t w = 0; w < fl_bit_words(rows); w++) n += fl_popcount64(map[w]);
    return n;
}

size_t flowlog__chooser_test(const fl_chooser *c, const fl_rows *rows, uint64_t *pass)
{
    const struct fl_text_test *t = &c->test[c->apply[0]];
    const size_t words = fl_bit_words(rows->rows);
    if (!c->applied) {
        for (size_t w = 0; w < words; w++) pass[w] = fl_low_bits(w + 1 < words ? 64 : (unsigned)(rows->rows - w * 64));
        return rows->rows;
    }
    if (t->wide) test_all(t, t->count, 1, rows, c->apply_index[0], pass);
    else if (t->count == 1) test_all(t, 1, 0, rows, c->apply_index[0], pass);
    else if (t->count == 2) test_all(t, 2, 0, rows, c->apply_index[0], pass);
    else test_all(t, t->count, 0, rows, c->apply_index[0], pass);
    for (uint32_t i = 1; i < c->applied; i++) {
        t = &c->test[c->apply[i]];
        const uint32_t *at = rows->at + c->apply_index[i];
        for (size_t w = 0; w < words; w++)
            for (uint64_t left = pass[w]; left; left &= left - 1) {
                const size_t row = w * 64 + fl_ctz64(left);
                if (!passes(t, t->count, t->wide, rows->text, at + row * rows->stride)) fl_bit_clear(pass, row);
            }
    }
    return count_bits(pass, rows->rows);
}

flowlog_status flowlog__chooser_select(fl_chooser *c, const fl_frame *frame, const fl_rows *rows, size_t count,
                                       uint64_t *selection, flowlog_error *err)
{
    flowlog_batch batch = frame->batch;
    batch.rows = (uint32_t)count;
    batch.columns = c->columns;
    batch.column = c->shown;
    batch.text = (const char *)rows->text;
    batch.log_status = frame->status;
    batch.lines = NULL;
    batch.line_numbers = NULL;
    batch.filter = NULL;
    for (uint32_t i = 0; i < c->columns; i++) c->shown[i].null_count = flowlog__column_nulls(&c->column[i], count);
    return flowlog_filter_select(c->filter, &batch, selection, NULL, err);
}
