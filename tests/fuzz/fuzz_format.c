/* SPDX-License-Identifier: MIT */
/*
 * fuzz_format.c - any bytes as a format string.
 *
 * What parses has sane columns, can be found by its own names, and reads back the same from each of its
 * printed styles and from a copy.  What does not parse has a status, and a position inside of the text.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "flowlog/field.h"
#include "schema/format.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define CHECK(condition) \
    do { \
        if (!(condition)) abort(); \
    } while (0)

static void check_columns(const flowlog_format *f)
{
    uint32_t version = 0;
    CHECK(f->columns >= 1 && f->columns <= FLOWLOG_FORMAT_COLUMNS_MAX);
    for (uint32_t i = 0; i < f->columns; i++) {
        const flowlog_format_column *c = flowlog_format_column_at(f, i);
        CHECK(c->name_len >= 1 && c->name_len <= FLOWLOG_FORMAT_NAME_MAX && strlen(c->name) == c->name_len);
        CHECK(flowlog_field_find(c->name, c->name_len) == c->field);
        CHECK(flowlog_format_find(f, c->name, c->name_len) == (int32_t)i);
        CHECK(c->type == (c->field ? flowlog_field_get(c->field)->type : FLOWLOG_TYPE_TEXT));
        if (c->field && flowlog_field_get(c->field)->version > version)
            version = flowlog_field_get(c->field)->version;
    }
    CHECK(flowlog_format_version(f) == version);
}

/* A lone unknown field called default or tgw means a whole format when it stands bare. */
static int is_a_word(const flowlog_format *f, int style)
{
    return style != FLOWLOG_FORMAT_AWS && f->columns == 1 && !f->column[0].field &&
           (f->column[0].name_len == 3 || f->column[0].name_len == 7);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    flowlog_format *f = NULL, *again = NULL;
    flowlog_error err = {0};
    const flowlog_status status = flowlog_format_parse((const char *)data, len, NULL, &f, &err);
    if (status != FLOWLOG_OK) {
        CHECK(!f && err.status == status && err.message[0]);
        CHECK(err.column == err.offset + 1 && (err.offset < len || err.offset == 0));
        return 0;
    }
    CHECK(err.status == 0);
    check_columns(f);
    for (int style = FLOWLOG_FORMAT_AWS; style <= FLOWLOG_FORMAT_COMMAS; style++) {
        if (is_a_word(f, style)) continue;
        const size_t n = flowlog_format_print(f, style, NULL, 0);
        char *text = malloc(n + 1);
        CHECK(text && flowlog_format_print(f, style, text, n + 1) == n && strlen(text) == n);
        CHECK(flowlog_format_parse(text, n, NULL, &again, NULL) == FLOWLOG_OK);
        CHECK(flowlog_format_equal(f, again));
        flowlog_format_free(again);
        free(text);
    }
    CHECK(flowlog__format_copy(f, NULL, &again, NULL) == FLOWLOG_OK);
    flowlog_format_free(f);
    check_columns(again);
    flowlog_format_free(again);
    return 0;
}
