/* SPDX-License-Identifier: MIT */
/*
 * fields.c - flowlog fields: the catalogue of the library, for people and for the completions of shells.
 */
#include <string.h>

#include "commands.h"
#include "out.h"

enum { NAME, VERSION, TYPE, MEANING, COLUMNS };
static const char *const column_names[COLUMNS] = {"name", "version", "type", "meaning"};

static const char *type_name(uint8_t type)
{
    switch (type) {
    case FLOWLOG_TYPE_U32:
    case FLOWLOG_TYPE_U64: return "number";
    case FLOWLOG_TYPE_TIME: return "time";
    case FLOWLOG_TYPE_ADDR: return "address";
    case FLOWLOG_TYPE_ENUM: return "word";
    default: return "text";
    }
}

static flowlog_value text_value(const char *text)
{
    return (flowlog_value){.type = FLOWLOG_TYPE_TEXT, .text = {text, strlen(text)}};
}

static flowlog_status write_fields(const struct options *o, struct out *out, flowlog_error *err)
{
    flowlog_writer *writer = NULL;
    flowlog_status status = flowlog_writer_open(o->form, column_names, COLUMNS, out_write, out, NULL, &writer, err);
    for (uint32_t i = 1; i <= flowlog_field_count() && status >= 0; i++) {
        const flowlog_field_info *const field = flowlog_field_get(i);
        const flowlog_value values[COLUMNS] = {
            [NAME] = text_value(field->name),
            [VERSION] = {.type = FLOWLOG_TYPE_U32, .number = field->version},
            [TYPE] = text_value(type_name(field->type)),
            [MEANING] = text_value(field->meaning)};
        status = flowlog_writer_row(writer, values, err);
    }
    if (status >= 0) status = flowlog_writer_finish(writer, err);
    flowlog_writer_close(writer);
    return status;
}

int command_fields(const struct options *o)
{
    if (o->path_count) {
        message_error("'flowlog fields' takes no input: '%s'", o->paths[0]);
        return STATUS_FAILED;
    }
    struct out out = out_make(o->output);
    flowlog_error err;
    memset(&err, 0, sizeof err);
    if (write_fields(o, &out, &err) < 0) {
        if (!out.failed) message_error("%s", err.message);
        return STATUS_FAILED;
    }
    return out_close(&out) ? STATUS_FAILED : STATUS_DONE;
}
