/* SPDX-License-Identifier: MIT */
/*
 * fuzz_filter.c - any bytes as a condition, and as an expression over the columns of a result.
 *
 * What parses reads back from its own text to the same canonical form, and can be evaluated.  What does not parse
 * has a status, and a place inside of the text.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "expr/filter.h"
#include "expr/output.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define CHECK(condition) \
    do { \
        if (!(condition)) abort(); \
    } while (0)

static const char *name_of(void *ctx, uint32_t column)
{
    static const char *const names[] = {"count", "bytes", "a/b"};
    (void)ctx;
    return names[column];
}

static flowlog_status resolve(void *ctx, const char *text, size_t len, uint32_t *column, flowlog_error *err)
{
    for (uint32_t i = 0; i < 3; i++)
        if (strlen(name_of(ctx, i)) == len && !memcmp(name_of(ctx, i), text, len)) {
            *column = i;
            return FLOWLOG_OK;
        }
    if (err) {
        memset(err, 0, sizeof *err);
        err->status = FLOWLOG_E_FIELD;
    }
    return FLOWLOG_E_FIELD;
}

static char *print_filter(const flowlog_filter *f, size_t (*print)(const flowlog_filter *, char *, size_t), size_t *len)
{
    *len = print(f, NULL, 0);
    char *text = malloc(*len + 1);
    CHECK(text && print(f, text, *len + 1) == *len && text[*len] == '\0');
    return text;
}

static void check_filter(const char *data, size_t len)
{
    flowlog_filter *f = NULL, *again = NULL;
    flowlog_error err = {0};
    flowlog_filter_options options = FLOWLOG_FILTER_OPTIONS_INIT;
    options.now = 1700000000;
    const flowlog_status status = flowlog_filter_parse(data, len, &options, &f, &err);
    if (status != FLOWLOG_OK) {
        CHECK(!f && err.status == status && err.message[0]);
        CHECK(err.column == err.offset + 1 && err.offset <= len);
        return;
    }
    size_t form_len, text_len, second_len;
    char *form = print_filter(f, flowlog_filter_print, &form_len);
    char *text = print_filter(f, flowlog__filter_text, &text_len);
    CHECK(flowlog__filter_load(text, text_len, NULL, &again, &err) == FLOWLOG_OK);
    char *second = print_filter(again, flowlog_filter_print, &second_len);
    CHECK(form_len == second_len && !memcmp(form, second, form_len));
    struct fl_raw_test tests[FL_RAW_TESTS];
    CHECK(flowlog__filter_raw_tests(f, tests) <= FL_RAW_TESTS);
    flowlog_batch batch = {0};
    const flowlog_column column = {0};
    uint64_t selection[2];
    uint32_t matched;
    batch.rows = 65;
    batch.column = &column;
    CHECK(flowlog_filter_select(f, &batch, selection, &matched, NULL) == FLOWLOG_OK && matched <= 65);
    free(form);
    free(text);
    free(second);
    flowlog_filter_free(f);
    flowlog_filter_free(again);
}

typedef size_t (*output_printer)(const struct fl_output *, const char *(*)(void *, uint32_t), void *, char *, size_t);

static char *print_output(const struct fl_output *o, output_printer print, size_t *len)
{
    *len = print(o, name_of, NULL, NULL, 0);
    char *text = malloc(*len + 1);
    CHECK(text && print(o, name_of, NULL, text, *len + 1) == *len);
    return text;
}

static void check_output(const char *data, size_t len, int condition)
{
    static const flowlog_value columns[] = {
        {.type = FLOWLOG_TYPE_U64, .number = 5},
        {.type = FLOWLOG_TYPE_TEXT, .text = {"x", 1}},
        {.type = FLOWLOG_TYPE_ADDR, .addr = {{10}, 4}},
    };
    struct fl_output *o = NULL, *again = NULL;
    size_t end, form_len, text_len;
    flowlog_error err = {0};
    flowlog_status status = flowlog__output_parse(data, len, condition, resolve, NULL, NULL, &o, &end, &err);
    if (status != FLOWLOG_OK) {
        CHECK(!o && err.status == status && err.offset <= len);
        return;
    }
    flowlog_value value;
    CHECK(end <= len);
    flowlog__output_eval(o, columns, &value);
    char *form = print_output(o, flowlog__output_print, &form_len);
    char *text = print_output(o, flowlog__output_text, &text_len);
    status = flowlog__output_parse(text, text_len, condition, resolve, NULL, NULL, &again, &end, &err);
    CHECK(status == FLOWLOG_OK || status == FLOWLOG_E_LIMIT); /* the text may be longer than what was given */
    if (again) {
        size_t second_len;
        char *second = print_output(again, flowlog__output_print, &second_len);
        CHECK(form_len == second_len && !memcmp(form, second, form_len));
        free(second);
    }
    free(form);
    free(text);
    flowlog__output_free(o);
    flowlog__output_free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    check_filter((const char *)data, len);
    check_output((const char *)data, len, 0);
    check_output((const char *)data, len, 1);
    return 0;
}
