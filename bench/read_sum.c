/* SPDX-License-Identifier: MIT */
/*
 * read_sum.c - two columns of a log, read and added up: what bindings of other languages are compared with.
 *
 *     read_sum FILE [map]         prints "rows packets bytes seconds cpu": of reading alone, by the clock and of
 *                                 the processor
 *
 * As a C program would be written: the defaults of reader.h, a plain loop over each column.
 */
#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "flowlog.h"

static double now(void)
{
    struct timespec t;
    timespec_get(&t, TIME_UTC);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static uint64_t sum(const flowlog_column *column, uint32_t rows)
{
    const uint64_t *const values = column->values;
    uint64_t total = 0;
    for (uint32_t r = 0; r < rows; r++) total += values[r];
    return total;
}

int main(int argc, char **argv)
{
    flowlog_reader_options options = FLOWLOG_READER_OPTIONS_INIT;
    flowlog_error err = {0};
    flowlog_source *source = NULL;
    flowlog_reader *reader = NULL;
    const flowlog_batch *batch;
    uint64_t rows = 0, packets = 0, bytes = 0;
    if (argc < 2) return fprintf(stderr, "usage: read_sum FILE [map]\n"), 2;

    const char *const path = argv[1];
    const double began = now();
    const clock_t used = clock();
    options.fields = "packets,bytes";
    flowlog_status st = flowlog_source_paths(&path, 1, argc > 2 ? FLOWLOG_SOURCE_MAP : 0, NULL, &source, &err);
    if (st >= 0 && (st = flowlog_reader_open(source, &options, &reader, &err)) < 0) flowlog_source_close(source);
    while (st >= 0 && (st = flowlog_reader_next(reader, &batch, &err)) == FLOWLOG_OK) {
        rows += batch->rows;
        packets += sum(&batch->column[0], batch->rows);
        bytes += sum(&batch->column[1], batch->rows);
    }
    flowlog_reader_close(reader);
    if (st < 0) return fprintf(stderr, "%s: %s\n", path, err.message), 1;
    printf("%" PRIu64 " %" PRIu64 " %" PRIu64 " %.6f %.6f\n", rows, packets, bytes, now() - began,
           (double)(clock() - used) / CLOCKS_PER_SEC);
    return 0;
}
