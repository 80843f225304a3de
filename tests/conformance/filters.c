/* SPDX-License-Identifier: MIT */
/*
 * filters.md as a test: every line above "--" has the canonical form below it, and every other line is the error that
 * the caret under it says.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flowlog.h"

TestSuite(filters, .timeout = 60);

enum { FILE_MAX = 1 << 18, BLOCK_LINES = 64 };

static flowlog_status parse(const char *text, flowlog_filter **filter, flowlog_error *err)
{
    static const char names[] = "version srcaddr brand-new";
    flowlog_filter_options o = FLOWLOG_FILTER_OPTIONS_INIT;
    flowlog_format *format = NULL;
    cr_assert_eq(flowlog_format_parse(names, strlen(names), NULL, &format, NULL), FLOWLOG_OK);
    o.format = format;
    o.now = 1700000000;
    const flowlog_status status = flowlog_filter_parse(text, strlen(text), &o, filter, err);
    flowlog_format_free(format);
    return status;
}

static void check_form(const char *text, const char *form, unsigned line)
{
    flowlog_filter *filter = NULL;
    flowlog_error err = {0};
    static char got[4096];
    if (parse(text, &filter, &err) < 0) {
        cr_expect_fail("filters.md:%u: %s\n%*s %s", line, text, (int)err.column, "^", err.message);
        return;
    }
    cr_assert_lt(flowlog_filter_print(filter, got, sizeof got), sizeof got);
    cr_expect_str_eq(got, form, "filters.md:%u: %s\n  is  %s\n  not %s", line, text, got, form);
    flowlog_filter_free(filter);
}

/* `under` is blanks, a caret, and "E_SYNTAX message". */
static void check_error(const char *text, const char *under, unsigned line)
{
    flowlog_filter *filter = NULL;
    flowlog_error err = {0};
    char got[512];
    const flowlog_status status = parse(text, &filter, &err);
    flowlog_filter_free(filter);
    cr_expect_lt(status, 0, "filters.md:%u: %s is no error", line, text);
    if (status >= 0) return;
    cr_expect_eq(err.offset + 1, err.column, "filters.md:%u", line);
    const char *name = flowlog_status_name(status) + strlen("FLOWLOG_");
    snprintf(got, sizeof got, "%*s %s %s", (int)err.column, "^", name, err.message);
    cr_expect_str_eq(got, under, "filters.md:%u:\n%s\n%s\n%s", line, text, got, under);
}

static unsigned forms, errors;

static void check_block(char **lines, size_t count, unsigned first)
{
    size_t bar = 0;
    while (bar < count && strcmp(lines[bar], "--")) bar++;
    for (size_t i = 0; bar < count && i < bar; i++, forms++)
        check_form(lines[i], bar + 1 < count ? lines[bar + 1] : "", first + (unsigned)i);
    cr_expect(bar == count || count - bar <= 2, "filters.md:%u: one form a block", first);
    for (size_t i = 0; bar == count && i < count; i += 2, errors++) {
        cr_assert(i + 1 < count && strchr(lines[i + 1], '^'), "filters.md:%u: neither -- nor a caret",
                  first + (unsigned)i);
        check_error(lines[i], lines[i + 1], first + (unsigned)i);
    }
}

Test(filters, mean_what_the_document_says)
{
    static char text[FILE_MAX];
    char *block[BLOCK_LINES];
    size_t in_block = 0;
    unsigned line = 0;
    int open = 0;
    FILE *f = fopen(FLOWLOG_SOURCE_DIR "/tests/conformance/filters.md", "rb");
    cr_assert_not_null(f);
    const size_t len = fread(text, 1, sizeof text - 1, f);
    fclose(f);
    cr_assert_lt(len, sizeof text - 1);
    for (char *p = text, *end; *p; p = end + 1) {
        end = strchr(p, '\n');
        cr_assert_not_null(end, "the last line has no end");
        *end = '\0';
        line++;
        if (!strcmp(p, "```")) {
            if (open) check_block(block, in_block, line - (unsigned)in_block);
            open = !open;
            in_block = 0;
        } else if (open) {
            cr_assert_lt(in_block, BLOCK_LINES);
            block[in_block++] = p;
        }
    }
    cr_expect_eq(open, 0);
    cr_expect_gt(forms, 150, "%u", forms);
    cr_expect_gt(errors, 45, "%u", errors);
}
