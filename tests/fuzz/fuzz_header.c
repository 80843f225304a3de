/* SPDX-License-Identifier: MIT */
/*
 * fuzz_header.c - any bytes as a line that may be a header.
 *
 * The two functions agree; a header's format, printed as a header, is one again and makes the same format;
 * no line whose first token begins with a digit, a hyphen or '#' is a header.
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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    const char *line = (const char *)data;
    flowlog_format *f = NULL, *again = NULL;
    flowlog_error err = {0};
    const int is_header = flowlog_is_header(line, len);
    const flowlog_status status = flowlog_format_from_header(line, len, NULL, &f, &err);
    CHECK((status == FLOWLOG_E_FORMAT) == !is_header);
    if (len && ((line[0] >= '0' && line[0] <= '9') || line[0] == '-' || line[0] == '#')) CHECK(!is_header);
    if (status != FLOWLOG_OK) {
        CHECK(!f && err.status == status && err.message[0] && (err.offset < len || err.offset == 0));
        CHECK(!is_header || status == FLOWLOG_E_DUPLICATE); /* half of it known: too many cannot come first */
        return 0;
    }
    uint32_t known = 0;
    for (uint32_t i = 0; i < f->columns; i++) known += f->column[i].field != 0;
    CHECK(known == f->columns || (f->columns >= 3 && known * 2 >= f->columns));

    const size_t n = flowlog_format_print(f, FLOWLOG_FORMAT_HEADER, NULL, 0);
    char *text = malloc(n + 1);
    CHECK(text && flowlog_format_print(f, FLOWLOG_FORMAT_HEADER, text, n + 1) == n);
    CHECK(flowlog_format_from_header(text, n, NULL, &again, NULL) == FLOWLOG_OK);
    CHECK(flowlog_format_equal(f, again));
    flowlog_format_free(again);
    CHECK(flowlog_format_parse(text, n, NULL, &again, NULL) == FLOWLOG_OK);
    CHECK(flowlog_format_equal(f, again));
    flowlog_format_free(again);
    free(text);
    flowlog_format_free(f);
    return 0;
}
