/* SPDX-License-Identifier: MIT */
/*
 * 03_rows.c - row by row: refused packets to port 22, with where each line stands in its file.
 *
 * Columns are plain arrays, in the order in which their fields were asked for; flowlog_batch_value gives one
 * cell with its type where speed does not matter.  A null number is 0 in its column, and never 22.
 *
 *     03_rows examples/data/vpc
 */
#include <flowlog.h>
#include <inttypes.h>
#include <stdio.h>

enum { SRCADDR, DSTADDR, DSTPORT, ACTION };

static void print_row(const flowlog_reader *reader, const flowlog_batch *batch, uint32_t row)
{
    char text[2][FLOWLOG_ADDR_TEXT_MAX];
    for (uint32_t column = SRCADDR; column <= DSTADDR; column++) {
        flowlog_value value;
        flowlog_batch_value(batch, row, column, &value);
        flowlog_value_format(&value, text[column], sizeof text[column]);
    }
    printf("%s -> %s  %s:%" PRIu64 "\n", text[SRCADDR], text[DSTADDR],
           flowlog_reader_path(reader, batch->file), batch->line_numbers[row]);
}

int main(int argc, char **argv)
{
    flowlog_error err = {0};
    flowlog_source *source = NULL;
    flowlog_reader *reader = NULL;
    const flowlog_batch *batch;
    flowlog_reader_options options = FLOWLOG_READER_OPTIONS_INIT;
    options.fields = "srcaddr,dstaddr,dstport,action";
    options.flags = FLOWLOG_READ_LINES;

    flowlog_status st = flowlog_source_file(argc > 1 ? argv[1] : "-", &source, &err);
    if (st >= 0) st = flowlog_reader_open(source, &options, &reader, &err);
    if (st < 0) flowlog_source_close(source); /* an open reader owns it */
    while (st >= 0 && (st = flowlog_reader_next(reader, &batch, &err)) == FLOWLOG_OK) {
        if (!batch->column[DSTPORT].present || !batch->column[ACTION].present)
            continue; /* another format */
        const uint32_t *const dstport = batch->column[DSTPORT].values;
        const uint8_t *const action = batch->column[ACTION].values;
        for (uint32_t row = 0; row < batch->rows; row++)
            if (dstport[row] == 22 && action[row] == FLOWLOG_ACTION_REJECT)
                print_row(reader, batch, row);
    }
    if (st < 0) fprintf(stderr, "%s: %s\n", flowlog_status_message(st), err.message);
    flowlog_reader_close(reader);
    return st < 0;
}
