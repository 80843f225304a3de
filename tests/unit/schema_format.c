/* SPDX-License-Identifier: MIT */
/* schema_format.c - formats from text and back: styles, duplicates, limits, positions of errors, memory. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flowlog/field.h"
#include "schema/format.h"
#include "schema/layouts.h"
#include "support/alloc_count.h"
#include "support/guard.h"

TestSuite(schema_format, .timeout = 20);

#define COUNT(a) (sizeof(a) / sizeof(a)[0])
#define DEFAULT_HEADER \
    "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start " \
    "end action log-status"

static flowlog_format *parse(const char *text)
{
    flowlog_format *format = NULL;
    flowlog_error err = {0};
    const flowlog_status status = flowlog_format_parse(text, strlen(text), NULL, &format, &err);
    cr_assert_eq(status, FLOWLOG_OK, "%s: %s", text, err.message);
    cr_assert_eq(err.status, 0, "*err is untouched on success");
    return format;
}

static void expect_prints(const flowlog_format *format, int style, const char *expected)
{
    char text[8192];
    cr_expect_eq(flowlog_format_print(format, style, text, sizeof text), strlen(expected));
    cr_expect_str_eq(text, expected);
}

static void expect_reads_as(const char *text, const char *names)
{
    flowlog_format *format = parse(text);
    expect_prints(format, FLOWLOG_FORMAT_HEADER, names);
    flowlog_format_free(format);
}

Test(schema_format, reads_every_style_alike)
{
    static const char *const texts[] = {
        "${version} ${srcaddr} ${log-status}",
        "$${version} $${srcaddr} $${log-status}",
        "version srcaddr log-status",
        "version,srcaddr,log-status",
        "version, srcaddr ,log-status",
        "${version},$${srcaddr} log_status",
        "VERSION SRC_ADDR LOG_STATUS",
        "version srcAddr logStatus",
        "\t${version}\t${src_addr}\r\n${logStatus}\n",
        "  version   `srcaddr` \"log-status\" ",
        "'version' 'srcAddr' 'logstatus'",
        "\"${version} ${srcaddr} ${log-status}\"",
        "'version,srcaddr,log_status'",
        "\"version srcaddr 'log-status'\"",
    };
    for (size_t i = 0; i < COUNT(texts); i++) expect_reads_as(texts[i], "version srcaddr log-status");
    expect_reads_as("\"start\"", "start");
    expect_reads_as("`end`, \"start\"", "end start");
}

Test(schema_format, knows_default_and_tgw_as_words)
{
    flowlog_format *a = parse("default"), *b = parse(" TGW\n"), *c = parse(DEFAULT_HEADER);
    cr_expect(flowlog_format_equal(a, flowlog_format_default()));
    cr_expect(flowlog_format_equal(b, flowlog_format_tgw()));
    cr_expect(flowlog_format_equal(a, c));
    cr_expect_not(flowlog_format_equal(a, b));
    flowlog_format_free(a);
    flowlog_format_free(b);
    flowlog_format_free(c);
    /* Elsewhere they are names like others. */
    expect_reads_as("${default}", "default");
    expect_reads_as("default tgw", "default tgw");
}

Test(schema_format, the_static_formats_are_the_first_two_layouts)
{
    size_t count;
    const struct fl_layout *layouts = flowlog__layouts(&count);
    expect_prints(flowlog_format_default(), FLOWLOG_FORMAT_HEADER, DEFAULT_HEADER);
    expect_prints(flowlog_format_default(), FLOWLOG_FORMAT_HEADER, layouts[0].fields);
    expect_prints(flowlog_format_tgw(), FLOWLOG_FORMAT_HEADER, layouts[1].fields);
    const flowlog_format *const statics[] = {flowlog_format_default(), flowlog_format_tgw()};
    for (size_t k = 0; k < 2; k++) {
        flowlog_format *parsed = parse(layouts[k].fields);
        cr_expect(flowlog_format_equal(parsed, statics[k]));
        cr_expect_eq(flowlog_format_version(parsed), flowlog_format_version(statics[k]));
        cr_expect_arr_eq(parsed->by_field, statics[k]->by_field, sizeof parsed->by_field);
        for (uint32_t i = 0; i < parsed->columns; i++)
            cr_expect(!memcmp(&parsed->column[i].field, &statics[k]->column[i].field, 8) &&
                      !strcmp(parsed->column[i].name, statics[k]->column[i].name), "column %u", i);
        flowlog_format_free(parsed);
    }
    flowlog_format_free((flowlog_format *)flowlog_format_default()); /* does nothing */
    flowlog_format_free((flowlog_format *)flowlog_format_tgw());
    flowlog_format_free(NULL);
    cr_expect_eq(flowlog_format_columns(flowlog_format_default()), 14);
    cr_expect_eq(flowlog_format_columns(flowlog_format_tgw()), 36);
}

Test(schema_format, every_layout_parses_to_known_fields_and_differs_from_the_others)
{
    static const unsigned columns[] = {14, 36, 21, 25, 29, 39, 40, 41, 42, 54, 29, 21, 6, 8, 17, 29, 7};
    static const unsigned versions[] = {2, 6, 3, 4, 5, 7, 8, 9, 10, 11, 5, 3, 3, 9, 3, 5, 10};
    size_t count;
    const struct fl_layout *layouts = flowlog__layouts(&count);
    cr_assert_eq(count, COUNT(columns));
    for (size_t i = 0; i < count; i++) {
        flowlog_format *a = parse(layouts[i].fields);
        cr_expect_eq(flowlog_format_columns(a), columns[i], "%s", layouts[i].name);
        cr_expect_eq(flowlog_format_version(a), versions[i], "%s", layouts[i].name);
        for (uint32_t c = 0; c < a->columns; c++) cr_expect_neq(a->column[c].field, 0, "%s", a->column[c].name);
        expect_prints(a, FLOWLOG_FORMAT_HEADER, layouts[i].fields);
        for (size_t k = 0; k < i; k++) {
            flowlog_format *b = parse(layouts[k].fields);
            cr_expect_not(flowlog_format_equal(a, b), "%s, %s", layouts[i].name, layouts[k].name);
            flowlog_format_free(b);
        }
        /* AWS's example of TCP flags has bytes before packets, unlike all others. */
        const int32_t bytes = flowlog_format_find(a, "bytes", 5), packets = flowlog_format_find(a, "packets", 7);
        if (bytes >= 0) cr_expect_eq(bytes < packets, i == 10 || i == 11, "%s", layouts[i].name);
        /* "up to version N" is the catalogue's beginning, in its order. */
        if (i >= 2 && i <= 9)
            for (uint32_t c = 0; c < a->columns; c++) cr_expect_eq(a->column[c].field, c + 1);
        if (i == 10)
            for (uint32_t c = 1; c < a->columns; c++)
                cr_expect_lt(strcmp(a->column[c - 1].name, a->column[c].name), 0);
        flowlog_format_free(a);
    }
}

Test(schema_format, keeps_unknown_names_as_text_columns)
{
    flowlog_format *f = parse("${version} ${new-field} x.y/z%20 ${Other_Field}");
    cr_assert_eq(flowlog_format_columns(f), 4);
    const flowlog_format_column *c = flowlog_format_column_at(f, 1);
    cr_expect_eq(c->field, 0);
    cr_expect_eq(c->type, FLOWLOG_TYPE_TEXT);
    cr_expect_eq(c->name_len, 9);
    cr_expect_str_eq(c->name, "new-field");
    cr_expect_str_eq(flowlog_format_column_at(f, 3)->name, "Other_Field");
    cr_expect_eq(flowlog_format_find(f, "new-field", 9), 1);
    cr_expect_eq(flowlog_format_find(f, "NEW_FIELD", 9), 1, "as SQL spells it");
    cr_expect_eq(flowlog_format_find(f, "other-field", 11), 3);
    cr_expect_eq(flowlog_format_find(f, "newfield", 8), -1);
    expect_prints(f, FLOWLOG_FORMAT_AWS, "${version} ${new-field} ${x.y/z%20} ${Other_Field}");
    expect_prints(f, FLOWLOG_FORMAT_COMMAS, "version,new-field,x.y/z%20,Other_Field");
    flowlog_format_free(f);
}

Test(schema_format, answers_questions_about_columns)
{
    flowlog_format *f = parse("dstaddr ${tcp-flags} unheard-of region");
    cr_expect_eq(flowlog_format_find(f, "dst_addr", 8), 0);
    cr_expect_eq(flowlog_format_find(f, "tcpFlags", 8), 1);
    cr_expect_eq(flowlog_format_find(f, "region", 6), 3);
    cr_expect_eq(flowlog_format_find(f, "srcaddr", 7), -1);
    cr_expect_eq(flowlog_format_find(f, "", 0), -1);
    cr_expect_eq(flowlog_format_find(f, NULL, 0), -1);
    cr_expect_eq(flowlog_format_find(NULL, "region", 6), -1);
    cr_expect_null(flowlog_format_column_at(f, 4));
    cr_expect_null(flowlog_format_column_at(NULL, 0));
    cr_expect_eq(flowlog_format_columns(NULL), 0);
    cr_expect_eq(flowlog_format_version(f), 4);
    cr_expect_eq(flowlog_format_version(NULL), 0);
    cr_expect_eq(flowlog_format_column_at(f, 1)->type, FLOWLOG_TYPE_U32);
    cr_expect_eq(flowlog_format_column_at(f, 1)->field, FLOWLOG_FIELD_TCP_FLAGS);
    cr_expect_str_eq(flowlog_format_column_at(f, 0)->name, "dstaddr");
    flowlog_format_free(f);
    f = parse("foo bar");
    cr_expect_eq(flowlog_format_version(f), 0);
    flowlog_format_free(f);
}

Test(schema_format, equality_is_same_columns_in_same_order)
{
    static const struct {
        const char *a, *b;
        int equal;
    } table[] = {
        {"srcaddr dstaddr", "${src_addr},dstAddr", 1}, {"srcaddr dstaddr", "dstaddr srcaddr", 0},
        {"srcaddr", "srcaddr dstaddr", 0},             {"srcaddr foo", "srcaddr foo", 1},
        {"srcaddr foo", "srcaddr fop", 0},             {"srcaddr foo", "srcaddr fooo", 0},
        {"srcaddr foo", "srcaddr dstaddr", 0},
    };
    for (size_t i = 0; i < COUNT(table); i++) {
        flowlog_format *a = parse(table[i].a), *b = parse(table[i].b);
        cr_expect_eq(flowlog_format_equal(a, b), table[i].equal, "row %zu", i);
        cr_expect_eq(flowlog_format_equal(b, a), table[i].equal, "row %zu", i);
        cr_expect(flowlog_format_equal(a, a));
        cr_expect_not(flowlog_format_equal(a, NULL));
        cr_expect_not(flowlog_format_equal(NULL, a));
        flowlog_format_free(a);
        flowlog_format_free(b);
    }
}

/* Text, a caret below the byte that is reported (or NULL for offset 0 of nothing), status. */
Test(schema_format, errors_point_at_the_token)
{
    static const struct {
        const char *text, *caret;
        int status;
        const char *message; /* a part of it */
    } table[] = {
        {"", "^", FLOWLOG_E_SYNTAX, "no fields"},
        {" \t\r\n ", "^", FLOWLOG_E_SYNTAX, "no fields"},
        {" \" \"\n", "^", FLOWLOG_E_SYNTAX, "no fields"}, /* blanks between quotes */
        {"'\t'", "^", FLOWLOG_E_SYNTAX, "no fields"},
        {"${version} ${srcaddr", //
         "           ^", FLOWLOG_E_SYNTAX, "no '}' after '${srcaddr'"},
        {"${version ${srcaddr}", //
         "^", FLOWLOG_E_SYNTAX, "no '}' after '${version'"},
        {"${version,srcaddr}", //
         "^", FLOWLOG_E_SYNTAX, "no '}'"},
        {"version $${", //
         "        ^", FLOWLOG_E_SYNTAX, "no '}'"},
        {"${}", "^", FLOWLOG_E_SYNTAX, "no field name in '${}'"},
        {"version $${} end", //
         "        ^", FLOWLOG_E_SYNTAX, "no field name in '${}'"},
        {"${ version }", "^", FLOWLOG_E_SYNTAX, "no '}'"},
        {"$version", "^", FLOWLOG_E_SYNTAX, "expected '{' after '$'"},
        {"version $", //
         "        ^", FLOWLOG_E_SYNTAX, "expected '{'"},
        {"version $$$${end}", //
         "        ^", FLOWLOG_E_SYNTAX, "expected '{'"},
        {"${version}${end}", //
         "          ^", FLOWLOG_E_SYNTAX, "expected a blank or a comma after field 'version'"},
        {"version${end}", //
         "       ^", FLOWLOG_E_SYNTAX, "expected a blank or a comma"},
        {"${version}end", //
         "          ^", FLOWLOG_E_SYNTAX, "expected a blank or a comma"},
        {"version} end", //
         "       ^", FLOWLOG_E_SYNTAX, "expected a blank or a comma"},
        {"version {end}", //
         "        ^", FLOWLOG_E_SYNTAX, "unexpected '{'"},
        {"version,,end", //
         "        ^", FLOWLOG_E_SYNTAX, "no field name before ','"},
        {"version, ,end", //
         "         ^", FLOWLOG_E_SYNTAX, "no field name before ','"},
        {" ,version", //
         " ^", FLOWLOG_E_SYNTAX, "no field name before ','"},
        {"version, ", //
         "       ^", FLOWLOG_E_SYNTAX, "no field name after ','"},
        {",", "^", FLOWLOG_E_SYNTAX, "no field name before ','"},
        {"version \"end", //
         "        ^", FLOWLOG_E_SYNTAX, "no closing \""},
        {"version \"end`", //
         "        ^", FLOWLOG_E_SYNTAX, "no closing \""},
        {"version \"\" end", //
         "        ^", FLOWLOG_E_SYNTAX, "no field name between quotes"},
        {"version \"end\"x", //
         "             ^", FLOWLOG_E_SYNTAX, "expected a blank or a comma"},
        {"version e\x01nd", //
         "         ^", FLOWLOG_E_SYNTAX, "expected a blank or a comma"},
        {"version \x01nd", //
         "        ^", FLOWLOG_E_SYNTAX, "byte 0x01"},
        {"version ${e\xC3\xA9}", //
         "           ^", FLOWLOG_E_SYNTAX, "byte 0xC3"},
        {"version ${\"end\"}", //
         "          ^", FLOWLOG_E_SYNTAX, "unexpected '\"'"},
        {"srcaddr end src_addr", //
         "            ^", FLOWLOG_E_DUPLICATE,
         "'src_addr' (field 3, column 13) is the same field as 'srcaddr' (field 1, column 1)"},
        {"${version} ${end}, $${endTime}", //
         "                      ^", FLOWLOG_E_DUPLICATE,
         "'endTime' (field 3, column 23) is the same field as 'end' (field 2, column 14)"},
        {"foo-bar version foo_Bar", //
         "                ^", FLOWLOG_E_DUPLICATE,
         "'foo_Bar' (field 3, column 17) is the same field as 'foo-bar' (field 1, column 1)"},
        {"2 123456789010 eni-1235b8ca123456789", "^", FLOWLOG_E_SYNTAX, "'2' looks like a value"},
        {"eni-1 - srcaddr", //
         "      ^", FLOWLOG_E_SYNTAX, "'-' looks like a value"},
        {"# version", "^", FLOWLOG_E_SYNTAX, "'#' looks like a value"},
        {"srcaddr fe80::1", //
         "        ^", FLOWLOG_E_SYNTAX, "'fe80::1' looks like a value"},
        {"srcaddr 10.0.0.1", //
         "        ^", FLOWLOG_E_SYNTAX, "'10.0.0.1' looks like a value"},
    };
    for (size_t i = 0; i < COUNT(table); i++) {
        struct test_alloc t;
        const flowlog_alloc a = test_alloc_init(&t, 0);
        flowlog_format *format = (void *)&t;
        flowlog_error err = {0};
        const int status = flowlog_format_parse(table[i].text, strlen(table[i].text), &a, &format, &err);
        cr_expect_eq(status, table[i].status, "row %zu: %s", i, flowlog_status_name(status));
        cr_expect_eq(err.status, status, "row %zu", i);
        cr_expect_eq(err.offset, strlen(table[i].caret) - 1, "row %zu: offset %u", i, (unsigned)err.offset);
        cr_expect_eq(err.column, err.offset + 1, "row %zu: column %u", i, err.column);
        cr_expect_eq(err.line, 0);
        cr_expect(strstr(err.message, table[i].message), "row %zu: %s", i, err.message);
        cr_expect_eq((void *)format, (void *)&t, "row %zu: written only on success", i);
        cr_expect_eq(t.requests, 0, "row %zu: nothing allocated in vain", i);
        cr_expect_eq(flowlog_format_parse(table[i].text, strlen(table[i].text), NULL, &format, NULL), status);
    }
}

Test(schema_format, null_arguments_are_errors)
{
    flowlog_format *format;
    flowlog_error err;
    cr_expect_eq(flowlog_format_parse("version", 7, NULL, NULL, &err), FLOWLOG_E_ARGUMENT);
    cr_expect_eq(flowlog_format_parse(NULL, 7, NULL, &format, &err), FLOWLOG_E_ARGUMENT);
    cr_expect_eq(flowlog_format_parse(NULL, 0, NULL, &format, &err), FLOWLOG_E_SYNTAX);
    cr_expect_eq(flowlog_format_parse("a\0b", 3, NULL, &format, &err), FLOWLOG_E_SYNTAX);
    cr_expect_eq(err.offset, 1);
}

Test(schema_format, limits_are_256_fields_and_128_bytes_a_name)
{
    char text[256 * 8 + 16];
    for (unsigned n = 255; n <= 257; n++) {
        size_t len = 0;
        for (unsigned i = 0; i < n; i++) len += (size_t)sprintf(text + len, "x%03u ", i);
        flowlog_format *format;
        flowlog_error err = {0};
        const int status = flowlog_format_parse(text, len, NULL, &format, &err);
        cr_expect_eq(status, n <= FLOWLOG_FORMAT_COLUMNS_MAX ? FLOWLOG_OK : FLOWLOG_E_LIMIT);
        if (!status) {
            cr_expect_eq(flowlog_format_columns(format), n);
            cr_expect_str_eq(flowlog_format_column_at(format, n - 1)->name, n == 255 ? "x254" : "x255");
            flowlog_format_free(format);
        } else {
            cr_expect_eq(err.offset, 256 * 5, "the first field too many");
        }
    }
    for (size_t n = 127; n <= 129; n++) {
        flowlog_format *format;
        flowlog_error err = {0};
        memcpy(text, "end ", 4);
        memset(text + 4, 'x', n);
        const int status = flowlog_format_parse(text, 4 + n, NULL, &format, &err);
        cr_expect_eq(status, n <= FLOWLOG_FORMAT_NAME_MAX ? FLOWLOG_OK : FLOWLOG_E_LIMIT);
        if (!status) {
            cr_expect_eq(flowlog_format_column_at(format, 1)->name_len, n);
            flowlog_format_free(format);
        } else {
            cr_expect_eq(err.offset, 4);
        }
    }
}

Test(schema_format, prints_into_any_room_as_snprintf_does)
{
    flowlog_format *f = parse("version account-id foo");
    static const char *const expected[] = {"${version} ${account-id} ${foo}", "version account-id foo",
                                           "version,account_id,foo"};
    for (int style = 0; style < 3; style++) {
        const size_t len = strlen(expected[style]);
        cr_expect_eq(flowlog_format_print(f, style, NULL, 0), len);
        for (size_t cap = 0; cap <= len + 2; cap++) {
            struct guard g = guard_end(NULL, cap);
            cr_expect_eq(flowlog_format_print(f, style, (char *)g.p, cap), len);
            if (cap) {
                const size_t n = cap - 1 < len ? cap - 1 : len;
                cr_expect(!memcmp(g.p, expected[style], n) && g.p[n] == '\0', "style %d cap %zu", style, cap);
            }
            guard_free(&g);
        }
    }
    char text[4] = "abc";
    cr_expect_eq(flowlog_format_print(NULL, 0, text, 4), 0);
    cr_expect_str_eq(text, "");
    flowlog_format_free(f);
}

Test(schema_format, what_is_printed_reads_back_the_same)
{
    static const char *const unknown[] = {"new-field", "export-timestamp", "X", "a.b", "Quux_2"};
    uint32_t random = 12345;
    for (int round = 0; round < 3000; round++) {
        /* A random subset in a random order, each in a random spelling and between random separators. */
        uint32_t order[77];
        for (uint32_t i = 0; i < COUNT(order); i++) order[i] = i;
        char text[8192] = "";
        size_t len = 0;
        random = random * 1664525u + 1013904223u;
        const uint32_t count = 1 + (random >> 16) % COUNT(order);
        for (uint32_t i = 0; i < count; i++) {
            random = random * 1664525u + 1013904223u;
            const uint32_t k = i + (random >> 8) % ((uint32_t)COUNT(order) - i), pick = order[k];
            order[k] = order[i];
            order[i] = pick;
            const flowlog_field_info *info = flowlog_field_get(pick + 1);
            const char *names[] = {"", "", ""};
            if (info) names[0] = info->name, names[1] = info->underscore, names[2] = info->insights;
            const char *name = info ? names[(random >> 4) % 3] : unknown[pick - 72];
            static const char *const style[] = {"${%s} ", "$${%s}\t", "%s ", "%s\n", "\"%s\" ", "`%s`  "};
            len += (size_t)sprintf(text + len, style[(random >> 20) % COUNT(style)], name);
            if (i + 1 < count && random >> 30 == 0) text[len++] = ',';
        }
        flowlog_format *first = NULL;
        flowlog_error err;
        const int status = flowlog_format_parse(text, len, NULL, &first, &err);
        cr_assert_eq(status, FLOWLOG_OK, "%.*s: %s", (int)len, text, err.message);
        cr_assert_eq(flowlog_format_columns(first), count);
        for (int s = 0; s < 3; s++) {
            char printed[8192];
            flowlog_format_print(first, s, printed, sizeof printed);
            flowlog_format *second = parse(printed);
            cr_expect(flowlog_format_equal(first, second), "%s", printed);
            cr_expect_eq(flowlog_format_version(first), flowlog_format_version(second));
            flowlog_format_free(second);
        }
        for (uint32_t i = 0; i < count; i++) {
            const flowlog_format_column *c = flowlog_format_column_at(first, i);
            cr_expect_eq(c->field, order[i] < 72 ? order[i] + 1 : 0);
            cr_expect_eq(flowlog_format_find(first, c->name, c->name_len), (int32_t)i);
            if (c->field) cr_expect_eq(first->by_field[c->field], i + 1);
        }
        flowlog_format_free(first);
    }
}

Test(schema_format, makes_one_allocation_and_survives_its_failure)
{
    static const char *const texts[] = {"version srcaddr", "foo-bar version x", "default", "tgw"};
    for (size_t i = 0; i < COUNT(texts); i++) {
        for (size_t fail_at = 0; fail_at <= 1; fail_at++) {
            struct test_alloc t;
            const flowlog_alloc a = test_alloc_init(&t, fail_at);
            flowlog_format *format = NULL, *copy = NULL;
            flowlog_error err = {0};
            const int status = flowlog_format_parse(texts[i], strlen(texts[i]), &a, &format, &err);
            cr_expect_eq(status, fail_at ? FLOWLOG_E_MEMORY : FLOWLOG_OK);
            cr_expect_eq(err.status, status);
            cr_expect_eq(t.requests, 1);
            if (!status) {
                for (size_t fail_copy = 0; fail_copy <= 1; fail_copy++) {
                    struct test_alloc u;
                    const flowlog_alloc b = test_alloc_init(&u, fail_copy);
                    cr_expect_eq(flowlog__format_copy(format, &b, &copy, &err),
                                 fail_copy ? FLOWLOG_E_MEMORY : FLOWLOG_OK);
                    if (!fail_copy) {
                        cr_expect(flowlog_format_equal(format, copy));
                        flowlog_format_free(copy);
                    }
                    cr_expect(!u.live_bytes && !u.live_blocks && !u.wrong_lengths);
                }
            }
            flowlog_format_free(format);
            cr_expect(!t.live_bytes && !t.live_blocks && !t.wrong_lengths, "%s", texts[i]);
        }
    }
}

Test(schema_format, a_copy_outlives_its_original)
{
    flowlog_format *format = parse("foo-bar version Quux"), *copy = NULL, *again = NULL;
    cr_assert_eq(flowlog__format_copy(format, NULL, &copy, NULL), FLOWLOG_OK);
    memset((void *)(uintptr_t)flowlog_format_column_at(format, 0)->name, '#', 7); /* its own names */
    flowlog_format_free(format);
    expect_prints(copy, FLOWLOG_FORMAT_HEADER, "foo-bar version Quux");
    cr_assert_eq(flowlog__format_copy(copy, NULL, &again, NULL), FLOWLOG_OK);
    flowlog_format_free(copy);
    expect_prints(again, FLOWLOG_FORMAT_HEADER, "foo-bar version Quux");
    cr_expect_eq(flowlog_format_find(again, "quux", 4), 2);
    flowlog_format_free(again);
}

Test(schema_format, reads_no_byte_outside_the_text)
{
    static const char text[] = " ${version},$${account-id} \"start\" foo-bar `end` '${x}' , default ";
    for (size_t len = 0; len < sizeof text; len++) {
        struct guard end = guard_end(text, len), start = guard_start(text, len);
        flowlog_format *a = NULL, *b = NULL;
        cr_expect_eq(flowlog_format_parse((const char *)end.p, len, NULL, &a, NULL),
                     flowlog_format_parse((const char *)start.p, len, NULL, &b, NULL));
        guard_free(&end);
        guard_free(&start);
        cr_expect(flowlog_format_equal(a, b)); /* names are the format's own */
        flowlog_format_free(a);
        flowlog_format_free(b);
    }
}
