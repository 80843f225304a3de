/* SPDX-License-Identifier: MIT */
/*
 * input.c - options to reader, and what is said when input is not as it should be.
 *
 * An input that ends in damage costs that input only, and the exit status 1; if every input failed and
 * no row came, nothing useful can be printed, and it is 2.
 */
#define _POSIX_C_SOURCE 200809L
#include "input.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "hint.h"
#include "progress.h"
#include "sigbus.h"

int input_prepare(struct input *input, const struct options *options)
{
    *input = (struct input){.options = options};
    flowlog_error err;
    const char *const text = options->log_format;
    if (text && flowlog_format_parse(text, strlen(text), NULL, &input->format, &err) < 0) {
        input_report_text("--log-format", text, &err);
        return -1;
    }
    return input_filter(input);
}

static const char *find_field(const struct input *input, const char *option, const char *value,
                              flowlog_span given)
{
    const char *const name = value + given.offset;
    const int len = (int)given.len;
    const uint32_t field = flowlog_field_find(name, given.len);
    if (field) return flowlog_field_get(field)->name;
    const int32_t column = input->format ? flowlog_format_find(input->format, name, given.len) : -1;
    if (column >= 0) return flowlog_format_column_at(input->format, (uint32_t)column)->name;
    const char *const near = hint_field(name, given.len);
    if (!len) message_error("%s: a field name is missing", option);
    else if (near)
        message_error("%s: unknown field '%.*s'; did you mean '%s'?", option, len, name, near);
    else message_error("%s: unknown field '%.*s'", option, len, name);
    message_caret(value, given.offset);
    return NULL;
}

int input_fields(const struct input *input, const char *option, const char *value,
                 struct field_list *list)
{
    list->count = 0;
    for (const char *p = value;;) {
        p += strspn(p, " ");
        const flowlog_span given = {(uint32_t)(p - value), (uint32_t)strcspn(p, ", ")};
        const char *const name = find_field(input, option, value, given);
        if (!name) return -1;
        for (uint32_t i = 0; i < list->count; i++) {
            if (strcmp(list->name[i], name) != 0) continue;
            message_error("%s: '%s' is there twice", option, name);
            message_caret(value, given.offset);
            return -1;
        }
        if (list->count == FLOWLOG_FORMAT_COLUMNS_MAX) {
            message_error("%s: more than %d fields", option, FLOWLOG_FORMAT_COLUMNS_MAX);
            return -1;
        }
        list->name[list->count] = name;
        list->given[list->count++] = given;
        p += given.len;
        p += strspn(p, " ");
        if (!*p) return 0;
        if (*p == ',') p++;
    }
}

const char *input_label(const struct input *input, uint32_t file)
{
    const char *const path =
        input->reader ? flowlog_reader_path(input->reader, file) : flowlog_source_name(input->source, file);
    return !path ? "input" : strcmp(path, "-") == 0 ? "standard input" : path;
}

void input_report_text(const char *option, const char *text, const flowlog_error *err)
{
    message_error("%s: %s", option, err->message);
    if (err->column) message_caret(text, err->column - 1);
}

int input_damage(struct input *input, const char *label, const flowlog_error *err)
{
    if (err->line)
        message_error("%s: line %" PRIu64 ", byte %" PRIu64 ": %s", label, err->line, err->offset,
                      err->message);
    else if (err->offset) message_error("%s: byte %" PRIu64 ": %s", label, err->offset, err->message);
    else message_error("%s: %s", label, err->message);
    if (err->status == FLOWLOG_E_FORMAT && !input->options->log_format)
        message_more("say what the fields are: --log-format '${version} ${account-id} ...', names, "
                     "default or tgw");
    if (err->status != FLOWLOG_E_IO && err->status != FLOWLOG_E_CORRUPT && err->status != FLOWLOG_E_FORMAT) return 0;
    input->damaged++;
    return 1;
}

int input_find(struct input *input, const struct out *out)
{
    const struct options *const o = input->options;
    static const char *const standard_input[] = {"-"};
    const char *const *paths = o->paths;
    size_t count = o->path_count;
    if (!count) {
        if (isatty(STDIN_FILENO)) {
            message_error("no input: give files, directories, or - for standard input");
            message_more("see 'flowlog %s --help'", o->command);
            return -1;
        }
        paths = standard_input;
        count = 1;
    }
    flowlog_error err;
    if (flowlog_source_paths(paths, count, FLOWLOG_SOURCE_MAP, NULL, &input->source, &err) < 0) {
        message_error("%s", err.message);
        return -1;
    }
    input->inputs = flowlog_source_count(input->source);
    for (uint32_t i = 0; i < input->inputs; i++) {
        const char *const name = flowlog_source_name(input->source, i);
        if (!name || strcmp(name, "-") == 0 || !out_is_file(out, name)) continue;
        message_error("%s is both input and output", name);
        return -1;
    }
    progress_begin(o->quiet && o->progress == WHEN_AUTO ? WHEN_NEVER : o->progress,
                   flowlog_source_bytes(input->source),
                   o->command_bit == COMMAND_CAT && out_is_terminal(out));
    return 0;
}

int input_open(struct input *input, const struct out *out, const char *fields, uint32_t flags,
               uint32_t batch_rows)
{
    const struct options *const o = input->options;
    flowlog_error err;
    if (input_find(input, out)) return -1;
    flowlog_reader_options options = FLOWLOG_READER_OPTIONS_INIT;
    options.flags = flags | (o->stop_on_bad ? (uint32_t)FLOWLOG_READ_STOP_ON_BAD : 0);
    options.fields = fields;
    options.format = input->format;
    options.batch_rows = batch_rows;
    options.filter = input->filter;
    if (flowlog_reader_open(input->source, &options, &input->reader, &err) < 0) {
        message_error("%s", err.message);
        return -1;
    }
    input->source = NULL;
    sigbus_watch(input->reader);
    return 0;
}

int input_next(struct input *input, const flowlog_batch **batch)
{
    for (;;) {
        flowlog_error err;
        const flowlog_status status = flowlog_reader_next(input->reader, batch, &err);
        progress_update(flowlog_reader_progress(input->reader));
        if (status == FLOWLOG_OK) {
            input->rows += (*batch)->rows;
            return 1;
        }
        if (status >= 0) return 0;
        if (!input_damage(input, input_label(input, flowlog_reader_file(input->reader)), &err)) return -1;
    }
}

int input_is_lost(const struct input *input)
{
    return input->damaged && input->damaged >= input->inputs && input->rows == 0;
}

int input_finish(struct input *input)
{
    const flowlog_counters *const c =
        input->reader ? flowlog_reader_counters(input->reader) : &input->counters;
    if (input->reader) progress_end(flowlog_reader_progress(input->reader));
    /* With "stop" the line was an error and is reported. */
    if (c->malformed && !input->options->quiet && !input->options->stop_on_bad) {
        message_warning("%" PRIu64 " malformed line%s left out", c->malformed,
                        c->malformed == 1 ? "" : "s");
        for (uint32_t i = 0; i < c->bad_lines; i++) {
            const flowlog_bad_line *const bad = &c->bad_line[i];
            char value[24] = "";
            if (bad->column) snprintf(value, sizeof value, ", value %u", (unsigned)bad->column);
            message_more("%s: line %" PRIu64 ", byte %" PRIu64 "%s: %s: %s",
                         input_label(input, bad->file), bad->line, bad->offset, value,
                         flowlog_reason_message(bad->reason), bad->text);
        }
        if (c->malformed > c->bad_lines)
            message_more("and %" PRIu64 " more", c->malformed - c->bad_lines);
    }
    if (input->damaged && !input_is_lost(input) && !input->options->quiet)
        message_warning("%" PRIu32 " of %" PRIu32
                        " inputs could not be read to the end; the results cover what was read",
                        input->damaged, input->inputs);
    if (input_is_lost(input)) return STATUS_FAILED;
    return c->malformed || input->damaged ? STATUS_PARTLY : STATUS_DONE;
}

void input_close(struct input *input)
{
    sigbus_watch(NULL);
    progress_clear();
    flowlog_reader_close(input->reader);
    flowlog_source_close(input->source);
    flowlog_filter_free(input->filter);
    flowlog_format_free(input->format);
    *input = (struct input){.options = NULL};
}

int input_has(const struct input *input, const char *field)
{
    for (uint32_t i = 0; i < flowlog_reader_formats(input->reader); i++)
        if (flowlog_format_find(flowlog_reader_format_at(input->reader, i), field, strlen(field)) >= 0)
            return 1;
    return 0;
}
