/* SPDX-License-Identifier: MIT */
/*
 * 01_count.c - how many records files hold: a source, a reader, and its counters.
 *
 *     01_count examples/data/vpc        prints: 9117 records, 90 without data, 3 skipped, 0 malformed lines
 */
#include <flowlog.h>
#include <inttypes.h>
#include <stdio.h>

int main(int argc, char **argv)
{
    flowlog_error err = {0};
    flowlog_source *source = NULL;
    flowlog_reader *reader = NULL;
    const flowlog_batch *batch;
    flowlog_reader_options options = FLOWLOG_READER_OPTIONS_INIT;
    options.fields = ""; /* count lines, decode nothing */

    const char *const *paths = (const char *const *)argv + 1;
    flowlog_status st = flowlog_source_paths(paths, (size_t)argc - 1, 0, NULL, &source, &err);
    if (st >= 0) st = flowlog_reader_open(source, &options, &reader, &err);
    if (st < 0) flowlog_source_close(source); /* an open reader owns it */
    while (st >= 0 && st != FLOWLOG_END) st = flowlog_reader_next(reader, &batch, &err);
    if (st < 0) {
        fprintf(stderr, "%s\n", err.message);
    } else {
        const flowlog_counters *const c = flowlog_reader_counters(reader);
        printf("%" PRIu64 " records, %" PRIu64 " without data, %" PRIu64 " skipped, %" PRIu64
               " malformed lines\n",
               c->records, c->nodata, c->skipdata, c->malformed);
    }
    flowlog_reader_close(reader);
    return st < 0;
}
