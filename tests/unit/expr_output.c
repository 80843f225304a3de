/* SPDX-License-Identifier: MIT */
/* expr_output.c - arithmetic and conditions over the columns of a result: forms, values, errors, memory. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "expr/output.h"
#include "flowlog/filter.h"
#include "support/alloc_count.h"

TestSuite(expr_output, .timeout = 60);

#define COUNT(a) (sizeof(a) / sizeof(a)[0])

static const char *const names[] = {
    "count", "sum(bytes)", "p99.9(bytes)", "srcaddr", "srcaddr/24", "action", "avg(bytes)", "tcp-flags",
    "count where reject or (tcp and dst port in 22, 80)", "service", "bin(start,5m)", "none", "dstport", "total bytes",
    "delta",
};

static const char *name_of(void *ctx, uint32_t column)
{
    (void)ctx;
    return names[column];
}

static flowlog_status resolve(void *ctx, const char *text, size_t len, uint32_t *column, flowlog_error *err)
{
    (void)ctx;
    for (uint32_t i = 0; i < COUNT(names); i++)
        if (strlen(names[i]) == len && !memcmp(names[i], text, len)) {
            *column = i;
            return FLOWLOG_OK;
        }
    if (err) *err = (flowlog_error){.status = FLOWLOG_E_FIELD, .offset = len > 3 ? 3 : 0, .column = 1};
    if (err) snprintf(err->message, sizeof err->message, "no column '%.*s'", (int)len, text);
    return FLOWLOG_E_FIELD;
}

static const flowlog_value columns[] = {
    {.type = FLOWLOG_TYPE_U64, .number = 4},
    {.type = FLOWLOG_TYPE_U64, .number = 1000},
    {.type = FLOWLOG_TYPE_U64, .number = 77},
    {.type = FLOWLOG_TYPE_ADDR, .addr = {{10, 1, 2, 3}, 4}},
    {.type = FLOWLOG_TYPE_NET, .addr = {{10, 1, 2}, 4}, .code = 24},
    {.type = FLOWLOG_TYPE_ENUM, .code = 2, .text = {"REJECT", 6}},
    {.type = FLOWLOG_TYPE_DECIMAL, .number = 2, .billionths = 500000000},
    {.type = FLOWLOG_TYPE_U32, .number = 18},
    {.type = FLOWLOG_TYPE_U64, .number = 3},
    {.type = FLOWLOG_TYPE_SERVICE, .number = 6 << 16 | 443},
    {.type = FLOWLOG_TYPE_TIME, .number = 1704067200},
    {.type = FLOWLOG_TYPE_U64, .is_null = 1},
    {.type = FLOWLOG_TYPE_U32, .number = 443},
    {.type = FLOWLOG_TYPE_U64, .number = 12},
    {.type = FLOWLOG_TYPE_DECIMAL, .number = 1, .code = 1},
};

static struct fl_output *parse(const char *text, int condition, size_t *end)
{
    struct fl_output *o = NULL;
    flowlog_error err = {0};
    const flowlog_status status =
        flowlog__output_parse(text, strlen(text), condition, resolve, NULL, NULL, &o, end, &err);
    cr_assert_eq(status, FLOWLOG_OK, "%s: %s at %u", text, err.message, (unsigned)err.column);
    return o;
}

static void show(const flowlog_value *v, char *text)
{
    if (v->is_null) strcpy(text, "null");
    else if (v->type == FLOWLOG_TYPE_DECIMAL)
        sprintf(text, "%s%llu.%09u", v->code ? "-" : "", (unsigned long long)v->number, (unsigned)v->billionths);
    else
        sprintf(text, "%llu", (unsigned long long)v->number);
}

static void expect(const char *text, int condition, const char *form, const char *value)
{
    size_t end = 0, again_end;
    char got[512], written[512], second[512], shown[64];
    flowlog_value v;
    struct fl_output *o = parse(text, condition, &end);
    const size_t n = flowlog__output_print(o, name_of, NULL, got, sizeof got);
    cr_expect_eq(n, strlen(got));
    cr_expect_str_eq(got, form, "%s: %s instead of %s", text, got, form);
    flowlog__output_eval(o, columns, &v);
    show(&v, shown);
    cr_expect_str_eq(shown, value, "%s: %s instead of %s", text, shown, value);
    flowlog__output_text(o, name_of, NULL, written, sizeof written);
    struct fl_output *again = parse(written, condition, &again_end);
    flowlog__output_print(again, name_of, NULL, second, sizeof second);
    cr_expect_str_eq(second, got, "%s: %s", text, written);
    flowlog__output_free(o);
    flowlog__output_free(again);
}

Test(expr_output, numbers)
{
    static const char *const rows[][3] = {
        {"count", "count", "4"},
        {"sum(bytes) / count", "(fdiv sum(bytes) count)", "250"},
        {"sum(bytes)/count/2", "(fdiv (fdiv sum(bytes) count) 2)", "125"},
        {"sum(bytes)/(count/2)", "(fdiv sum(bytes) (fdiv count 2))", "500"},
        {"count - 1 - 1", "(sub (sub count 1) 1)", "2"},
        {"count - (1 - 1)", "(sub count (sub 1 1))", "4"},
        {"1 + 2 * 3", "(add 1 (mul 2 3))", "7"},
        {"(1 + 2) * 3", "(mul (add 1 2) 3)", "9"},
        {"count-1", "(sub count 1)", "3"},
        {"count/3", "(fdiv count 3)", "1.333333333"},
        {"100/count", "(fdiv 100 count)", "25"},
        {"1-count", "(sub 1 count)", "-3.000000000"},
        {"avg(bytes) * 2", "(mul avg(bytes) 2)", "5"},
        {"avg(bytes) + 0.25", "(add avg(bytes) 0.25)", "2.750000000"},
        {"1.50K + 1Mi", "(add 1500 1048576)", "1050076"},
        {"count / 0", "(fdiv count 0)", "null"},
        {"count + none", "(add count none)", "null"},
        {"count + srcaddr", "(add count srcaddr)", "null"},
        {"18446744073709551615 + 1", "(add 18446744073709551615 1)", "null"},
        {"(count where reject or (tcp and dst port in 22, 80)) / count",
         "(fdiv count where reject or (tcp and dst port in 22, 80) count)", "0.750000000"},
        {"tcp-flags-1", "(sub tcp-flags 1)", "17"},
        {"delta", "delta", "-1.000000000"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) expect(rows[i][0], 0, rows[i][1], rows[i][2]);
}

Test(expr_output, a_number_ends_before_a_comma_or_as)
{
    static const struct {
        const char *text;
        size_t end;
    } rows[] = {{"count, sum(bytes)", 5}, {"count as n", 6}, {"count / 2 as n", 10}, {"count", 5}, {"count  ", 7}};
    for (size_t i = 0; i < COUNT(rows); i++) {
        size_t end = 99;
        struct fl_output *o = parse(rows[i].text, 0, &end);
        cr_expect_eq(end, rows[i].end, "%s: %zu", rows[i].text, end);
        flowlog__output_free(o);
    }
}

Test(expr_output, conditions)
{
    static const char *const rows[][3] = {
        {"count > 3", "(gt count 3)", "1"},
        {"count > 4", "(gt count 4)", "0"},
        {"3 < count", "(lt 3 count)", "1"},
        {"count > 3 and sum(bytes) / count < 250", "(and (gt count 3) (lt (fdiv sum(bytes) count) 250))", "0"},
        {"count > 3 and (sum(bytes) / count <= 250 or action = accept)",
         "(and (gt count 3) (or (le (fdiv sum(bytes) count) 250) (eq action \"accept\")))", "1"},
        {"count > 3 sum(bytes) ge 1K not count = 5", "(and (gt count 3) (ge sum(bytes) 1000) (not (eq count 5)))", "1"},
        {"avg(bytes) = 2.5", "(eq avg(bytes) 2.5)", "1"},
        {"avg(bytes) > 2.499999999", "(gt avg(bytes) 2.499999999)", "1"},
        {"delta < 0", "(lt delta 0)", "1"},
        {"none > 0", "(gt none 0)", "0"},
        {"none != 0", "(ne none 0)", "0"},
        {"not none > 0", "(not (gt none 0))", "1"},
        {"none is null", "(is-null none)", "1"},
        {"count is not null", "(not (is-null count))", "1"},
        {"count in [1, 4]", "(in count 1 4)", "1"},
        {"count in [1 5]", "(in count 1 5)", "0"},
        {"srcaddr = 10.1.2.3", "(eq srcaddr (ip 10.1.2.3))", "1"},
        {"srcaddr = 10.1.0.0/16", "(eq srcaddr 10.1.0.0/16)", "1"},
        {"srcaddr != 10.0.0.0/16", "(ne srcaddr 10.0.0.0/16)", "1"},
        {"srcaddr in [10.0.0.1 10.1.0.0/16]", "(in srcaddr (ip 10.0.0.1) 10.1.0.0/16)", "1"},
        {"srcaddr/24 = 10.1.2.0/24", "(eq srcaddr/24 10.1.2.0/24)", "1"},
        {"srcaddr/24 = 10.0.0.0/8", "(eq srcaddr/24 10.0.0.0/8)", "1"},
        {"srcaddr/24 = 10.1.2.0", "(eq srcaddr/24 (ip 10.1.2.0))", "0"},
        {"srcaddr = srcaddr/24", "(eq srcaddr srcaddr/24)", "1"},
        {"srcaddr > 10.1.2.2", "(gt srcaddr (ip 10.1.2.2))", "1"},
        {"srcaddr < ::1", "(lt srcaddr (ip ::1))", "1"},
        {"srcaddr = nonsense", "(eq srcaddr \"nonsense\")", "0"},
        {"action = reject", "(eq action \"reject\")", "1"},
        {"action = 'REJECT'", "(eq action \"REJECT\")", "1"},
        {"action != reject", "(ne action \"reject\")", "0"},
        {"action ~ JEC", "(contains-str action \"JEC\")", "1"},
        {"action ^= REJ and action $= CT", "(and (starts action \"REJ\") (ends action \"CT\"))", "1"},
        {"action in [accept drop]", "(in action \"accept\" \"drop\")", "0"},
        {"service = https", "(eq service \"https\")", "1"},
        {"service = tcp/443", "(eq service \"tcp/443\")", "1"},
        {"service = ssh", "(eq service \"ssh\")", "0"},
        {"service in [ssh https]", "(in service \"ssh\" \"https\")", "1"},
        {"bin(start,5m) >= 2024-01-01", "(ge bin(start,5m) \"2024-01-01\")", "1"},
        {"bin(start,5m) > 1704067199", "(gt bin(start,5m) 1704067199)", "1"},
        {"dstport = 443 or dstport = 0443", "(or (eq dstport 443) (eq dstport \"0443\"))", "1"},
        {"\"total bytes\" = 12", "(eq total bytes 12)", "1"},
        {"(count where reject or (tcp and dst port in 22, 80)) = 3",
         "(eq count where reject or (tcp and dst port in 22, 80) 3)", "1"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) expect(rows[i][0], 1, rows[i][1], rows[i][2]);
}

Test(expr_output, columns_are_listed_and_renumbered)
{
    size_t end;
    struct fl_output *o = parse("count > 3 and (sum(bytes) / 2 > 1 or not action ~ x or delta in [1])", 1, &end);
    uint64_t used[2] = {9, 9};
    uint32_t map[COUNT(names)] = {0};
    flowlog__output_columns(o, used, 2);
    cr_expect_eq(used[0], 1 | 1 << 1 | 1 << 5 | 1 << 14);
    cr_expect_eq(used[1], 0);
    for (uint32_t i = 0; i < COUNT(names); i++) map[i] = i + 64;
    flowlog__output_renumber(o, map);
    flowlog__output_columns(o, used, 2);
    cr_expect_eq(used[0], 0);
    cr_expect_eq(used[1], 1 | 1 << 1 | 1 << 5 | 1 << 14);
    cr_expect_eq(flowlog__output_column(o), -1);
    flowlog__output_free(o);
    o = parse("(sum(bytes))", 0, &end);
    cr_expect_eq(flowlog__output_column(o), 1);
    flowlog__output_free(o);
}

Test(expr_output, errors_have_places)
{
    static const struct {
        const char *text, *caret;
        int condition;
        flowlog_status status;
    } rows[] = {
        {"", "^", 1, FLOWLOG_E_SYNTAX},
        {"count", "^", 1, FLOWLOG_E_SYNTAX},
        {"count >", "       ^", 1, FLOWLOG_E_SYNTAX},
        {"count > 3 and", "             ^", 1, FLOWLOG_E_SYNTAX},
        {"count and count > 1", "^", 1, FLOWLOG_E_SYNTAX},
        {"(count > 3", "^", 1, FLOWLOG_E_SYNTAX},
        {"count > 3)", "         ^", 1, FLOWLOG_E_SYNTAX},
        {"count > 3 > 2", "          ^", 1, FLOWLOG_E_SYNTAX},
        {"(count > 3) + 1 > 2", "            ^", 1, FLOWLOG_E_SYNTAX},
        {"count + 'x' > 2", "      ^", 1, FLOWLOG_E_SYNTAX},
        {"count in 5", "         ^", 1, FLOWLOG_E_SYNTAX},
        {"count in []", "          ^", 1, FLOWLOG_E_SYNTAX},
        {"count in [1", "         ^", 1, FLOWLOG_E_SYNTAX},
        {"count > 1x", "        ^", 1, FLOWLOG_E_SYNTAX},
        {"sum(bytes > 1", "   ^", 1, FLOWLOG_E_SYNTAX},
        {"nothing > 1", "   ^", 1, FLOWLOG_E_FIELD},
        {"count > 1 and sum(byte) > 1", "                 ^", 1, FLOWLOG_E_FIELD},
        {"count + ", "        ^", 0, FLOWLOG_E_SYNTAX},
        {"count > 1", "      ^", 0, FLOWLOG_E_SYNTAX},
        {"'text'", "^", 0, FLOWLOG_E_SYNTAX},
        {"10.0.0.1", "^", 0, FLOWLOG_E_SYNTAX},
        {"count count", "      ^", 0, FLOWLOG_E_SYNTAX},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct fl_output *o = NULL;
        size_t end;
        flowlog_error err = {0};
        const char *text = rows[i].text;
        const flowlog_status status =
            flowlog__output_parse(text, strlen(text), rows[i].condition, resolve, NULL, NULL, &o, &end, &err);
        cr_expect_eq(status, rows[i].status, "%s: %s", text, flowlog_status_name(status));
        cr_expect_eq(err.column, strlen(rows[i].caret), "%s: column %u: %s", text, (unsigned)err.column, err.message);
        cr_expect_null(o);
    }
}

static flowlog_status parse_repeated(const char *begin, const char *piece, size_t times, const char *last)
{
    const size_t room = strlen(begin) + strlen(piece) * times + strlen(last) + 1;
    char *text = malloc(room);
    struct fl_output *o = NULL;
    size_t end, n = (size_t)sprintf(text, "%s", begin);
    for (size_t i = 0; i < times; i++) n += (size_t)sprintf(text + n, "%s", piece);
    n += (size_t)sprintf(text + n, "%s", last);
    const flowlog_status status = flowlog__output_parse(text, n, 1, resolve, NULL, NULL, &o, &end, NULL);
    flowlog__output_free(o);
    free(text);
    return status;
}

Test(expr_output, depth_and_length_are_limited)
{
    cr_expect_eq(parse_repeated("", "(", 200, "count"), FLOWLOG_E_SYNTAX);
    cr_expect_eq(parse_repeated("", "(", 201, "count"), FLOWLOG_E_LIMIT);
    cr_expect_eq(parse_repeated("", "not ", 201, "count > 1"), FLOWLOG_E_LIMIT);
    cr_expect_eq(parse_repeated("count", " + 1", 200, " > 1"), FLOWLOG_OK);
    cr_expect_eq(parse_repeated("count", " + 1", 300, " > 1"), FLOWLOG_E_LIMIT);
    cr_expect_eq(parse_repeated("count > 1", " and count > 1", 300, ""), FLOWLOG_E_LIMIT);
    cr_expect_eq(parse_repeated("", " ", 65536, "c"), FLOWLOG_E_LIMIT);
    cr_expect_eq(parse_repeated("count in [", "1 ", 30000, "]"), FLOWLOG_OK);
}

Test(expr_output, memory_that_runs_out_anywhere_is_a_status)
{
    static const char text[] = "count > 3 and (sum(bytes)/count > 1.5K or not action in [a b c] or srcaddr = 10.0.0.0/8) and "
                               "(tcp-flags-1 > 5 or action = word or delta > 1 or dstport in [1 2 3 4 5 6 7 8 9 10 11 12])";
    struct test_alloc t;
    for (size_t fail = 1;; fail++) {
        flowlog_alloc a = test_alloc_init(&t, fail);
        struct fl_output *o = NULL;
        size_t end;
        flowlog_error err = {0};
        const flowlog_status status = flowlog__output_parse(text, strlen(text), 1, resolve, NULL, &a, &o, &end, &err);
        flowlog__output_free(o);
        cr_assert(status == FLOWLOG_OK || status == FLOWLOG_E_MEMORY, "%zu: %s", fail, err.message);
        cr_assert(t.live_bytes == 0 && t.live_blocks == 0 && t.wrong_lengths == 0, "request %zu", fail);
        if (status == FLOWLOG_OK) {
            cr_assert_gt(fail, 4);
            break;
        }
    }
}
