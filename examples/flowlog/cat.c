/* SPDX-License-Identifier: MIT */
/*
 * cat.c - flowlog cat: the records, decoded.
 *
 * Without --fields each format brings its own columns, so a writer lives as long as the columns stay the
 * same; then a new one begins, with a new header where the form has one.
 */
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "input.h"
#include "text.h"

struct sheet {
    flowlog_form form;
    struct out out;
    flowlog_writer *writer; /* NULL: none yet */
    char **names;           /* of the writer's columns, as the input has them */
    uint32_t columns;
};

static void drop_sheet(struct sheet *s)
{
    flowlog_writer_close(s->writer);
    for (uint32_t i = 0; i < s->columns; i++) free(s->names[i]);
    free(s->names);
    s->writer = NULL;
    s->names = NULL;
    s->columns = 0;
}

/* Finish the writer.  0, or -1 after a message. */
static int end_sheet(struct sheet *s)
{
    flowlog_error err;
    const flowlog_status status = s->writer ? flowlog_writer_finish(s->writer, &err) : FLOWLOG_OK;
    if (status < 0 && !s->out.failed) message_error("%s", err.message);
    drop_sheet(s);
    return status < 0 ? -1 : 0;
}

/* Names as they are shown: underscores, but for tables and records. */
static int begin_sheet(struct sheet *s, const char *const *names, uint32_t columns)
{
    if (s->writer && columns == s->columns) {
        uint32_t same = 0;
        while (same < columns && strcmp(names[same], s->names[same]) == 0) same++;
        if (same == columns) return 0;
    }
    const int again = s->writer != NULL;
    if (end_sheet(s)) return -1;
    if (again && s->form == FLOWLOG_FORM_TABLE && out_write(&s->out, "\n", 1)) return -1;
    s->names = need_memory(NULL, columns * sizeof *s->names);
    char **const shown = need_memory(NULL, columns * sizeof *shown);
    for (uint32_t i = 0; i < columns; i++) {
        const size_t len = strlen(names[i]) + 1;
        s->names[i] = memcpy(need_memory(NULL, len), names[i], len);
        shown[i] = memcpy(need_memory(NULL, len), names[i], len);
        if (s->form == FLOWLOG_FORM_TABLE || s->form == FLOWLOG_FORM_TEXT) continue;
        for (char *p = shown[i]; *p; p++)
            if (*p == '-') *p = '_';
    }
    s->columns = columns;
    flowlog_error err;
    const flowlog_status status = flowlog_writer_open(s->form, (const char *const *)shown, columns,
                                                      out_write, &s->out, NULL, &s->writer, &err);
    for (uint32_t i = 0; i < columns; i++) free(shown[i]);
    free(shown);
    if (status < 0) message_error("%s", err.message);
    return status < 0 ? -1 : 0;
}

static int write_batch(struct sheet *s, const flowlog_batch *batch, uint32_t rows)
{
    const char *names[FLOWLOG_FORMAT_COLUMNS_MAX];
    for (uint32_t i = 0; i < batch->columns; i++) names[i] = batch->column[i].name;
    if (begin_sheet(s, names, batch->columns)) return -1;
    flowlog_error err;
    if (flowlog_writer_batch(s->writer, batch, 0, rows, &err) >= 0) return 0;
    if (!s->out.failed) message_error("%s", err.message);
    return -1;
}

/* Original lines, gathered into pieces worth a system call. */
static int write_lines(struct text *buffer, struct out *out, const flowlog_batch *batch, uint32_t rows)
{
    for (uint32_t r = 0; r < rows; r++) {
        text_add(buffer, batch->text + batch->lines[r].offset, batch->lines[r].len);
        text_add(buffer, "\n", 1);
        if (buffer->len < 65536) continue;
        if (out_write(out, buffer->ptr, buffer->len)) return -1;
        buffer->len = 0;
    }
    return 0;
}

/* The header of an input without rows. */
static int write_header(struct sheet *s, const struct input *input, const struct field_list *asked)
{
    const char *names[FLOWLOG_FORMAT_COLUMNS_MAX];
    if (asked->count) return begin_sheet(s, asked->name, asked->count);
    if (!flowlog_reader_formats(input->reader)) return 0;
    const flowlog_format *const format = flowlog_reader_format_at(input->reader, 0);
    const uint32_t columns = flowlog_format_columns(format);
    for (uint32_t i = 0; i < columns; i++) names[i] = flowlog_format_column_at(format, i)->name;
    return begin_sheet(s, names, columns);
}

static int open_input(struct input *input, const struct out *out, const struct field_list *asked)
{
    const struct options *const o = input->options;
    const uint32_t batch_rows = o->limit && o->limit < 1024 ? (uint32_t)o->limit : 0;
    struct text fields = {NULL, 0, 0};
    for (uint32_t i = 0; i < asked->count; i++)
        text_print(&fields, "%s%s", i ? "," : "", asked->name[i]);
    const int status = input_open(input, out, fields.ptr, o->raw ? FLOWLOG_READ_LINES : 0, batch_rows);
    text_free(&fields);
    return status;
}

static int run(struct input *input, struct sheet *s, struct text *lines)
{
    const struct options *const o = input->options;
    struct field_list asked;
    asked.count = 0;
    if (o->fields && input_fields(input, "--fields", o->fields, &asked)) return STATUS_FAILED;
    if (open_input(input, &s->out, &asked)) return STATUS_FAILED;

    const flowlog_batch *batch;
    uint64_t left = o->limit ? o->limit : UINT64_MAX;
    int more = 0, written = 0;
    while (left && written == 0 && (more = input_next(input, &batch)) > 0) {
        const uint32_t rows = batch->rows < left ? batch->rows : (uint32_t)left;
        written = o->raw ? write_lines(lines, &s->out, batch, rows) : write_batch(s, batch, rows);
        left -= rows;
    }
    if (!o->raw && written == 0 && input->rows == 0 && more == 0 && !input_is_lost(input))
        written = write_header(s, input, &asked);
    if (written == 0) written = end_sheet(s);
    if (written == 0 && lines->len) written = out_write(&s->out, lines->ptr, lines->len);
    const int status = input_finish(input);
    return written || more < 0 ? STATUS_FAILED : status;
}

int command_cat(const struct options *o)
{
    if (o->raw && (o->fields || o->has_form)) {
        message_error("--raw prints lines as they stand, so %s cannot be had with it",
                      o->fields ? "--fields" : "another form");
        message_more("see 'flowlog cat --help'");
        return STATUS_FAILED;
    }
    struct input input;
    struct sheet sheet = {.form = o->form, .out = out_make(o->output)};
    struct text lines = {NULL, 0, 0};
    int status = input_prepare(&input, o) ? STATUS_FAILED : run(&input, &sheet, &lines);
    drop_sheet(&sheet);
    if (status != STATUS_FAILED && out_close(&sheet.out)) status = STATUS_FAILED;
    text_free(&lines);
    input_close(&input);
    return status;
}
