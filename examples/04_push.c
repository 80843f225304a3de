/* SPDX-License-Identifier: MIT */
/*
 * 04_push.c - bytes that come from elsewhere, in pieces cut anywhere: a reader that is fed.
 *
 * Here they come from standard input, 1000 at a time; they might come from a socket or an S3 client, and may
 * be gzip.  Prints the bytes that were accepted and refused.
 *
 *     04_push < some.log.gz
 */
#include <flowlog.h>
#include <inttypes.h>
#include <stdio.h>

enum { BYTES, ACTION };

/* Take all rows that are there.  MORE when the reader wants more input, END when there will be none. */
static flowlog_status drain(flowlog_reader *reader, uint64_t sums[3], flowlog_error *err)
{
    const flowlog_batch *batch;
    flowlog_status st;
    while ((st = flowlog_reader_next(reader, &batch, err)) == FLOWLOG_OK) {
        const uint64_t *const bytes = batch->column[BYTES].values;
        const uint8_t *const action = batch->column[ACTION].values;
        if (!batch->column[BYTES].present || !batch->column[ACTION].present) continue;
        for (uint32_t row = 0; row < batch->rows; row++)
            if (action[row] <= FLOWLOG_ACTION_REJECT) sums[action[row]] += bytes[row];
    }
    return st;
}

int main(void)
{
    char piece[1000];
    uint64_t sums[3] = {0}; /* by flowlog_action; [0]: another action, or none */
    flowlog_error err = {0};
    flowlog_reader *reader = NULL;
    flowlog_reader_options options = FLOWLOG_READER_OPTIONS_INIT;
    options.fields = "bytes,action";

    flowlog_status st = flowlog_reader_open(NULL, &options, &reader, &err);
    for (size_t len; st >= 0 && (len = fread(piece, 1, sizeof piece, stdin)) > 0;) {
        st = flowlog_reader_feed(reader, piece, len);
        if (st >= 0) st = drain(reader, sums, &err);
    }
    if (st >= 0) st = flowlog_reader_finish(reader);
    if (st >= 0) st = drain(reader, sums, &err);
    if (st < 0) fprintf(stderr, "%s: %s\n", flowlog_status_message(st), err.message);
    else
        printf("%" PRIu64 " bytes accepted, %" PRIu64 " refused\n", sums[FLOWLOG_ACTION_ACCEPT],
               sums[FLOWLOG_ACTION_REJECT]);
    flowlog_reader_close(reader);
    return st < 0;
}
