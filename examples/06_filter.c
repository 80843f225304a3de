/* SPDX-License-Identifier: MIT */
/*
 * 06_filter.c - only the records that match a condition: a filter handed to a reader.
 *
 *     06_filter examples/data/vpc 'reject and dst port 22 and src host 203.0.113.99'
 */
#include <flowlog.h>
#include <stdio.h>
#include <string.h>

static int print(void *ctx, const char *text, size_t len)
{
    return fwrite(text, 1, len, ctx) == len ? 0 : -1;
}

int main(int argc, char **argv)
{
    static const char *const names[] = {"srcaddr", "dstaddr", "dstport", "action"};
    const char *condition = argc > 2 ? argv[2] : "reject";
    flowlog_error err = {0};
    flowlog_filter *filter = NULL;
    flowlog_source *source = NULL;
    flowlog_reader *reader = NULL;
    flowlog_writer *writer = NULL;
    const flowlog_batch *batch;
    flowlog_reader_options options = FLOWLOG_READER_OPTIONS_INIT;
    flowlog_status st = flowlog_filter_parse(condition, strlen(condition), NULL, &filter, &err);

    options.fields = "srcaddr,dstaddr,dstport,action";
    options.filter = filter; /* borrowed until the reader is closed */
    if (st >= 0) st = flowlog_source_file(argc > 1 ? argv[1] : "-", &source, &err);
    if (st >= 0) st = flowlog_reader_open(source, &options, &reader, &err);
    if (st < 0) flowlog_source_close(source); /* an open reader owns it */
    if (st >= 0) st = flowlog_writer_open(FLOWLOG_FORM_CSV, names, 4, print, stdout, NULL, &writer, &err);
    while (st >= 0 && (st = flowlog_reader_next(reader, &batch, &err)) == FLOWLOG_OK)
        st = flowlog_writer_batch(writer, batch, 0, batch->rows, &err);
    if (st >= 0) st = flowlog_writer_finish(writer, &err);
    if (st < 0) fprintf(stderr, "%s: %s\n", flowlog_status_message(st), err.message);

    flowlog_writer_close(writer);
    flowlog_reader_close(reader);
    flowlog_filter_free(filter);
    return st < 0;
}
