/* SPDX-License-Identifier: MIT */
/*
 * read/choose.h - which rows of a block a filter wants: first by their text, then by the filter's own columns.
 *
 * Columns that the batches have too are decoded in the frame's room, the others here.
 */
#ifndef FL_READ_CHOOSE_H
#define FL_READ_CHOOSE_H

#include "expr/filter.h"
#include "read/frame.h"

/* A raw test, ready to be compared with 16 bytes of text. */
struct fl_text_test {
    uint32_t count;
    uint8_t zero; /* as in fl_raw_test */
    uint8_t wide; /* 1: some alternative has more than 8 bytes */
    struct {
        uint64_t bytes[2], mask[2];
        uint32_t len, len_mask; /* mask 0: of any length */
    } fit[FL_RAW_ALTERNATIVES];
};

typedef struct fl_chooser {
    flowlog_alloc alloc;
    const flowlog_filter *filter; /* borrowed */
    size_t rows_max;
    uint32_t tests;
    struct fl_text_test test[FL_RAW_TESTS];
    uint16_t test_field[FL_RAW_TESTS];
    uint32_t applied; /* of the tests, those whose field this layout has; and which column that is */
    uint32_t apply[FL_RAW_TESTS], apply_index[FL_RAW_TESTS];

    const fl_layout_entry *layout;
    uint32_t columns;
    flowlog_column *shown; /* [columns] what the filter is shown, as the next */
    fl_column *column;
    void *room; /* of those that the frame does not have */
    size_t room_len;
} fl_chooser;

/* E_MEMORY: to be cleared all the same. */
flowlog_status flowlog__chooser_init(fl_chooser *c, const flowlog_alloc *alloc, const flowlog_filter *filter,
                                     size_t rows_max);
void flowlog__chooser_clear(fl_chooser *c);

/* Rows from here on are of the frame's layout.  E_MEMORY. */
flowlog_status flowlog__chooser_layout(fl_chooser *c, const fl_frame *frame);

/* Set the bit of each row whose text does not exclude it.  Returns how many there are. */
size_t flowlog__chooser_test(const fl_chooser *c, const fl_rows *rows, uint64_t *pass);

/*
 * Set the bit of each of the rows that match, once all needed columns are decoded.  E_MEMORY.
 */
flowlog_status flowlog__chooser_select(fl_chooser *c, const fl_frame *frame, const fl_rows *rows, size_t count,
                                       uint64_t *selection, flowlog_error *err);

#endif
