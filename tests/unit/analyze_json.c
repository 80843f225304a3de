/* SPDX-License-Identifier: MIT */
/* analyze_json.c - what RFC 8259 has and has not, where errors are, values by type, paths, memory. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/json.h"
#include "support/alloc_count.h"
#include "support/guard.h"

TestSuite(analyze_json, .timeout = 60);

#define COUNT(a) (sizeof(a) / sizeof(a)[0])

static flowlog_status parse(const char *text, struct fl_json *doc, flowlog_error *err)
{
    return flowlog__json_parse(text, strlen(text), NULL, NULL, doc, err);
}

static struct fl_json parsed(const char *text)
{
    struct fl_json doc;
    flowlog_error err = {0};
    cr_assert_eq(parse(text, &doc, &err), FLOWLOG_OK, "%s: %s", text, err.message);
    cr_assert_eq(err.status, 0, "*err is untouched on success");
    return doc;
}

/* A text that is accepted as a whole, and every part of it from the front, but for `shorter`, is not. */
Test(analyze_json, accepts_what_the_rfc_has)
{
    static const char *const texts[] = {
        "null", "true", "false", "0", "-0", "1", "-1", "10", "1.5", "-0.0", "1e5", "1E+5", "1e-5", "0e0", "123.456e789",
        "\"\"", "\"a\"", "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0041\"", "\"\\ud83d\\ude00\"", "\"\\uD800\\uDC00\"",
        "\"caf\xC3\xA9 \xE2\x82\xAC \xF0\x9F\x98\x80\"", "\"\x7F\"", "[]", "{}", "[ ]", "{ }", "[1]", "[[]]", "[{}]",
        "[1,2,3]", "[null,true,false,\"x\",1,[],{}]", "{\"a\":1}", "{\"a\":{\"b\":[]},\"c\":[{},{}]}", "{\"\":0}",
        " \t\r\n[ 1 , 2 ] \n", "\xEF\xBB\xBF{}", "{\"a\":1,\"A\":2}", "\"\\u0000\"", "[\"\\u0000a\",\"\\u0000b\"]",
    };
    for (size_t i = 0; i < COUNT(texts); i++) {
        struct fl_json doc = parsed(texts[i]);
        flowlog__json_clear(&doc);
    }
}

/* A line under a text: the caret stands under the first byte that cannot be. */
struct caret {
    const char *text, *caret;
    flowlog_status status;
};

Test(analyze_json, refuses_what_it_has_not_and_says_where)
{
    static const struct caret rows[] = {
        {"",
         "^", FLOWLOG_E_SYNTAX},
        {"  ",
         "  ^", FLOWLOG_E_SYNTAX},
        {"[1,]",
         "   ^", FLOWLOG_E_SYNTAX},
        {"{\"a\":1,}",
         "       ^", FLOWLOG_E_SYNTAX},
        {"[1 2]",
         "   ^", FLOWLOG_E_SYNTAX},
        {"[1}",
         "  ^", FLOWLOG_E_SYNTAX},
        {"{\"a\":1]",
         "      ^", FLOWLOG_E_SYNTAX},
        {"{\"a\" 1}",
         "     ^", FLOWLOG_E_SYNTAX},
        {"{a:1}",
         " ^", FLOWLOG_E_SYNTAX},
        {"{'a':1}",
         " ^", FLOWLOG_E_SYNTAX},
        {"{1:1}",
         " ^", FLOWLOG_E_SYNTAX},
        {"[,1]",
         " ^", FLOWLOG_E_SYNTAX},
        {"]",
         "^", FLOWLOG_E_SYNTAX},
        {"[]]",
         "  ^", FLOWLOG_E_SYNTAX},
        {"1 2",
         "  ^", FLOWLOG_E_SYNTAX},
        {"{}x",
         "  ^", FLOWLOG_E_SYNTAX},
        {"// c\n1",
         "^", FLOWLOG_E_SYNTAX},
        {"[1 /* c */]",
         "   ^", FLOWLOG_E_SYNTAX},
        {"nul",
         "   ^", FLOWLOG_E_SYNTAX},
        {"nulL",
         "   ^", FLOWLOG_E_SYNTAX},
        {"True",
         "^", FLOWLOG_E_SYNTAX},
        {"truex",
         "    ^", FLOWLOG_E_SYNTAX},
        {"NaN",
         "^", FLOWLOG_E_SYNTAX},
        {"[Infinity]",
         " ^", FLOWLOG_E_SYNTAX},
        {"+1",
         "^", FLOWLOG_E_SYNTAX},
        {"-",
         " ^", FLOWLOG_E_SYNTAX},
        {"-a",
         " ^", FLOWLOG_E_SYNTAX},
        {"01",
         "^", FLOWLOG_E_SYNTAX},
        {"-01",
         " ^", FLOWLOG_E_SYNTAX},
        {".5",
         "^", FLOWLOG_E_SYNTAX},
        {"1.",
         "  ^", FLOWLOG_E_SYNTAX},
        {"1.e1",
         "  ^", FLOWLOG_E_SYNTAX},
        {"1e",
         "  ^", FLOWLOG_E_SYNTAX},
        {"1e+",
         "   ^", FLOWLOG_E_SYNTAX},
        {"1ex",
         "  ^", FLOWLOG_E_SYNTAX},
        {"0x10",
         " ^", FLOWLOG_E_SYNTAX},
        {"\"a",
         "  ^", FLOWLOG_E_SYNTAX},
        {"\"a\nb\"",
         "  ^", FLOWLOG_E_SYNTAX},
        {"\"\\x41\"",
         " ^", FLOWLOG_E_SYNTAX},
        {"\"a\\u12g4\"",
         "  ^", FLOWLOG_E_SYNTAX},
        {"\"\\u123\"",
         " ^", FLOWLOG_E_SYNTAX},
        {"\"\\ud800\"",
         " ^", FLOWLOG_E_SYNTAX},
        {"\"\\ud800\\u0041\"",
         " ^", FLOWLOG_E_SYNTAX},
        {"\"\\ud800\\ud800\"",
         " ^", FLOWLOG_E_SYNTAX},
        {"\"\\ude00\"",
         " ^", FLOWLOG_E_SYNTAX},
        {"\"\\ud83d\\ude0\"",
         " ^", FLOWLOG_E_SYNTAX},
        {"\"\\",
         "  ^", FLOWLOG_E_SYNTAX},
        {"\"ab\x80\"",
         "   ^", FLOWLOG_E_SYNTAX},
        {"\"\xC0\xAF\"",
         " ^", FLOWLOG_E_SYNTAX},
        {"\"\xED\xA0\x80\"",
         " ^", FLOWLOG_E_SYNTAX},
        {"\"\xF4\x90\x80\x80\"",
         " ^", FLOWLOG_E_SYNTAX},
        {"\"\xE2\x82\"",
         " ^", FLOWLOG_E_SYNTAX},
        {"\xC3\xA9",
         "^", FLOWLOG_E_SYNTAX},
        {"[\xEF\xBB\xBF]",
         " ^", FLOWLOG_E_SYNTAX},
        {"\xFF\xFE[",
         "^", FLOWLOG_E_SYNTAX},
        {"{\"a\":1,\"b\":2,\"a\":3}",
         "             ^", FLOWLOG_E_DUPLICATE},
        {"[{\"a\":1,\"\\u0061\":3}]",
         "        ^", FLOWLOG_E_DUPLICATE},
        {"{\"x\":{\"k\":1,\"k\":[]},\"x\":1}",
         "            ^", FLOWLOG_E_DUPLICATE},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct fl_json doc;
        flowlog_error err = {0};
        cr_expect_eq(parse(rows[i].text, &doc, &err), rows[i].status, "row %zu: %s", i, rows[i].text);
        cr_expect_eq(err.status, rows[i].status, "row %zu", i);
        cr_expect_eq(err.offset, strlen(rows[i].caret) - 1, "row %zu: %s\n%s\nwas %u: %s", i, rows[i].text,
                     rows[i].caret, (unsigned)err.offset, err.message);
    }
}

Test(analyze_json, lines_and_columns_count_from_one)
{
    struct fl_json doc;
    flowlog_error err = {0};
    cr_expect_eq(parse("{\n  \"a\": 1,\n  \"b\" 2\n}\n", &doc, &err), FLOWLOG_E_SYNTAX);
    cr_expect_eq(err.line, 3);
    cr_expect_eq(err.column, 7);
    cr_expect_eq(err.offset, 18);
    cr_expect_str_eq(err.message, "':' is expected after a name");
    cr_expect_eq(parse("[1,\n2,\n", &doc, &err), FLOWLOG_E_SYNTAX);
    cr_expect_eq(err.line, 3);
    cr_expect_eq(err.column, 1);
    cr_expect_str_eq(err.message, "the text ends too early");
    cr_expect_eq(parse("[", &doc, NULL), FLOWLOG_E_SYNTAX, "a NULL error is allowed");
}

static const char sample[] = "{\"Subnets\": [{\"SubnetId\": \"subnet-\\u0031\", \"n\": [-12, 1.5e3, true, null]}, {}],\n"
                             " \"\\ud83d\\ude00\": {\"deep\": [[[\"\xC3\xA9\\n\"]]]}, \"e\": \"\"}";

Test(analyze_json, gives_the_tree)
{
    struct fl_json doc = parsed(sample);
    cr_assert_eq(fl_json_kind(&doc, FL_JSON_ROOT), FL_JSON_OBJECT);
    cr_expect_eq(doc.node[FL_JSON_ROOT].len, 3);
    const uint32_t list = flowlog__json_find(&doc, FL_JSON_ROOT, "Subnets");
    cr_assert_eq(fl_json_kind(&doc, list), FL_JSON_ARRAY);
    cr_expect_eq(doc.node[list].len, 2);
    const uint32_t first = fl_json_first(&doc, list), second = fl_json_next(&doc, list, first);
    cr_expect_eq(fl_json_next(&doc, list, second), 0);
    cr_expect_eq(fl_json_first(&doc, second), 0, "an empty object has no members");
    const flowlog_str id = fl_json_text(&doc, flowlog__json_find(&doc, first, "SubnetId"));
    cr_expect(id.len == 8 && !memcmp(id.ptr, "subnet-1", 8));
    int64_t n;
    const uint32_t numbers = flowlog__json_find(&doc, first, "n");
    uint32_t at = fl_json_first(&doc, numbers);
    cr_expect_eq(flowlog__json_int(&doc, at, INT64_MIN, INT64_MAX, &n, NULL), FLOWLOG_OK);
    cr_expect_eq(n, -12);
    at = fl_json_next(&doc, numbers, at);
    cr_expect_eq(flowlog__json_int(&doc, at, INT64_MIN, INT64_MAX, &n, NULL), FLOWLOG_E_SYNTAX);
    at = fl_json_next(&doc, numbers, at);
    cr_expect_eq(fl_json_kind(&doc, at), FL_JSON_TRUE);
    at = fl_json_next(&doc, numbers, at);
    cr_expect_eq(fl_json_kind(&doc, at), FL_JSON_NULL);
    cr_expect_eq(fl_json_next(&doc, numbers, at), 0);
    const uint32_t face = flowlog__json_find(&doc, FL_JSON_ROOT, "\xF0\x9F\x98\x80");
    uint32_t deep = flowlog__json_find(&doc, face, "deep");
    for (int i = 0; i < 3; i++) deep = fl_json_first(&doc, deep);
    cr_expect(fl_json_text(&doc, deep).len == 3 && !memcmp(fl_json_text(&doc, deep).ptr, "\xC3\xA9\n", 3));
    const flowlog_str empty = fl_json_text(&doc, flowlog__json_find(&doc, FL_JSON_ROOT, "e"));
    cr_expect(empty.ptr && empty.len == 0);
    cr_expect_eq(flowlog__json_find(&doc, FL_JSON_ROOT, "absent"), 0);
    cr_expect_eq(flowlog__json_find(&doc, list, "SubnetId"), 0, "an array has no members");
    cr_expect_eq(fl_json_first(&doc, 0), 0);
    flowlog__json_clear(&doc);
}

Test(analyze_json, every_truncation_is_an_error_inside_of_the_text)
{
    const size_t len = strlen(sample);
    for (size_t i = 0; i < len; i++) {
        struct guard g = guard_end(sample, i);
        struct fl_json doc;
        flowlog_error err = {0};
        const flowlog_status status = flowlog__json_parse((const char *)g.p, i, NULL, NULL, &doc, &err);
        cr_expect_eq(status, FLOWLOG_E_SYNTAX, "%zu bytes", i);
        cr_expect(err.offset <= i && err.line >= 1 && err.column >= 1, "%zu bytes", i);
        guard_free(&g);
    }
    struct guard g = guard_end(sample, len);
    struct fl_json doc;
    cr_expect_eq(flowlog__json_parse((const char *)g.p, len, NULL, NULL, &doc, NULL), FLOWLOG_OK);
    flowlog__json_clear(&doc);
    guard_free(&g);
}

Test(analyze_json, every_changed_byte_is_read_or_refused)
{
    const size_t len = strlen(sample);
    for (size_t i = 0; i < len; i++)
        for (unsigned c = 0; c < 256; c++) {
            char text[sizeof sample];
            memcpy(text, sample, sizeof sample);
            text[i] = (char)c;
            struct fl_json doc;
            flowlog_error err = {0};
            if (flowlog__json_parse(text, len, NULL, NULL, &doc, &err) == FLOWLOG_OK) flowlog__json_clear(&doc);
            else cr_assert(err.status < 0 && err.offset <= len);
        }
}

Test(analyze_json, depth_is_bounded)
{
    char text[2 * FL_JSON_DEPTH_MAX + 8];
    for (unsigned depth = 1; depth <= FL_JSON_DEPTH_MAX + 1; depth++) {
        memset(text, '[', depth);
        memset(text + depth, ']', depth);
        struct fl_json doc;
        flowlog_error err = {0};
        const flowlog_status status = flowlog__json_parse(text, 2 * depth, NULL, NULL, &doc, &err);
        if (depth <= FL_JSON_DEPTH_MAX) {
            cr_expect_eq(status, FLOWLOG_OK, "depth %u", depth);
            flowlog__json_clear(&doc);
        } else {
            cr_expect_eq(status, FLOWLOG_E_LIMIT);
            cr_expect_eq(err.offset, FL_JSON_DEPTH_MAX);
        }
    }
    static char many[1 << 20];
    memset(many, '[', sizeof many);
    struct fl_json doc;
    const struct fl_json_limits deep = {.depth = UINT32_MAX};
    cr_expect_eq(flowlog__json_parse(many, sizeof many, &deep, NULL, &doc, NULL), FLOWLOG_E_SYNTAX, "no recursion");
}

Test(analyze_json, bytes_and_values_are_bounded)
{
    struct fl_json doc;
    flowlog_error err = {0};
    const struct fl_json_limits bytes = {.bytes = 6}, nodes = {.nodes = 4}, enough = {.nodes = 5, .bytes = 7};
    cr_expect_eq(flowlog__json_parse("[1,2,3]", 7, &bytes, NULL, &doc, &err), FLOWLOG_E_LIMIT);
    cr_expect_eq(flowlog__json_parse("[1,2,3]", 7, &nodes, NULL, &doc, &err), FLOWLOG_E_LIMIT);
    cr_expect_eq(err.offset, 5);
    cr_expect_eq(flowlog__json_parse("[1,2,3]", 7, &enough, NULL, &doc, &err), FLOWLOG_OK);
    flowlog__json_clear(&doc);
    cr_expect_eq(flowlog__json_parse(NULL, 1, NULL, NULL, &doc, &err), FLOWLOG_E_ARGUMENT);
    cr_expect_eq(flowlog__json_parse(NULL, 0, NULL, NULL, &doc, &err), FLOWLOG_E_SYNTAX);
}

/* An object with `count` names, of which number `second` is called as number `first`; -1: none. */
static char *wide_object(unsigned count, unsigned first, unsigned second, size_t *len, size_t *offset)
{
    char *text = malloc(count * 24 + 8);
    size_t n = 0;
    text[n++] = '{';
    for (unsigned i = 0; i < count; i++) {
        if (i == second && offset) *offset = n;
        const unsigned name = (i == second ? first : i) * 2654435761u;
        n += (size_t)sprintf(text + n, "\"%x\":%u%s", name, i, i + 1 < count ? "," : "");
    }
    text[n++] = '}';
    *len = n;
    return text;
}

Test(analyze_json, duplicates_are_found_in_small_and_large_objects)
{
    for (unsigned count = 2; count < 40; count++)
        for (unsigned second = 1; second < count; second++)
            for (unsigned first = 0; first < second; first++) {
                size_t len, offset = 0;
                char *text = wide_object(count, first, second, &len, &offset);
                struct fl_json doc;
                flowlog_error err = {0};
                cr_assert_eq(flowlog__json_parse(text, len, NULL, NULL, &doc, &err), FLOWLOG_E_DUPLICATE);
                cr_assert_eq(err.offset, offset, "%u of %u", second, count);
                free(text);
            }
    size_t len;
    char *text = wide_object(200000, 0, UINT32_MAX, &len, NULL);
    struct fl_json doc;
    cr_expect_eq(flowlog__json_parse(text, len, NULL, NULL, &doc, NULL), FLOWLOG_OK);
    flowlog__json_clear(&doc);
    free(text);
}

Test(analyze_json, integers_are_exact_to_their_ends)
{
    static const struct {
        const char *text;
        int64_t min, max, value;
        int ok;
    } rows[] = {
        {"0", INT64_MIN, INT64_MAX, 0, 1},
        {"-0", INT64_MIN, INT64_MAX, 0, 1},
        {"9223372036854775807", INT64_MIN, INT64_MAX, INT64_MAX, 1},
        {"9223372036854775808", INT64_MIN, INT64_MAX, 0, 0},
        {"-9223372036854775808", INT64_MIN, INT64_MAX, INT64_MIN, 1},
        {"-9223372036854775809", INT64_MIN, INT64_MAX, 0, 0},
        {"18446744073709551616", INT64_MIN, INT64_MAX, 0, 0},
        {"99999999999999999999999999", INT64_MIN, INT64_MAX, 0, 0},
        {"65535", -1, 65535, 65535, 1},
        {"65536", -1, 65535, 0, 0},
        {"-1", -1, 65535, -1, 1},
        {"-2", -1, 65535, 0, 0},
        {"1.0", -1, 65535, 0, 0},
        {"1e2", -1, 65535, 0, 0},
        {"\"1\"", -1, 65535, 0, 0},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct fl_json doc = parsed(rows[i].text);
        int64_t value = 77;
        const flowlog_status status = flowlog__json_int(&doc, FL_JSON_ROOT, rows[i].min, rows[i].max, &value, NULL);
        cr_expect_eq(status, rows[i].ok ? FLOWLOG_OK : FLOWLOG_E_SYNTAX, "row %zu", i);
        cr_expect_eq(value, rows[i].ok ? rows[i].value : 77, "row %zu", i);
        flowlog__json_clear(&doc);
    }
}

Test(analyze_json, a_member_of_the_wrong_type_is_named_by_its_path)
{
    struct fl_json doc = parsed("{\"NetworkAcls\": [\n {\"Entries\": [{}, {}, {\"RuleNumber\": \"x\", \"a b\": 1, \"n\": null,"
                                " \"t\": true, \"s\": \"v\", \"l\": []}]}]}");
    const uint32_t acls = flowlog__json_find(&doc, FL_JSON_ROOT, "NetworkAcls");
    const uint32_t list = flowlog__json_find(&doc, fl_json_first(&doc, acls), "Entries");
    uint32_t entry = fl_json_first(&doc, list);
    for (int i = 0; i < 2; i++) entry = fl_json_next(&doc, list, entry);
    int64_t number = 5;
    int flag = 5;
    uint32_t node = 5;
    flowlog_str text;
    flowlog_error err = {0};
    cr_expect_eq(flowlog__json_get_int(&doc, entry, "RuleNumber", 1, 32768, 0, &number, &err), FLOWLOG_E_SYNTAX);
    cr_expect_str_eq(err.message, "$.NetworkAcls[0].Entries[2].RuleNumber: a number is expected, not a string");
    cr_expect_eq(err.line, 2);
    cr_expect_eq(err.column, 38);
    cr_expect_eq(number, 5, "written on success only");
    cr_expect_eq(flowlog__json_get_text(&doc, entry, "a b", &text, &err), FLOWLOG_E_SYNTAX);
    cr_expect_str_eq(err.message, "$.NetworkAcls[0].Entries[2][\"a b\"]: a string is expected, not a number");
    cr_expect_eq(flowlog__json_get_bool(&doc, entry, "s", 0, &flag, &err), FLOWLOG_E_SYNTAX);
    cr_expect_eq(flowlog__json_get_array(&doc, entry, "t", &node, &err), FLOWLOG_E_SYNTAX);
    cr_expect_str_eq(err.message, "$.NetworkAcls[0].Entries[2].t: an array is expected, not a boolean");
    cr_expect_eq(flowlog__json_get_object(&doc, entry, "l", &node, &err), FLOWLOG_E_SYNTAX);

    err.status = 0;
    cr_expect_eq(flowlog__json_get_int(&doc, entry, "n", 1, 2, 7, &number, &err), FLOWLOG_OK, "null is absent");
    cr_expect_eq(number, 7);
    cr_expect_eq(flowlog__json_get_bool(&doc, entry, "absent", 1, &flag, &err), FLOWLOG_OK);
    cr_expect_eq(flag, 1);
    cr_expect_eq(flowlog__json_get_bool(&doc, entry, "t", 0, &flag, &err), FLOWLOG_OK);
    cr_expect_eq(flag, 1);
    cr_expect_eq(flowlog__json_get_text(&doc, entry, "n", &text, &err), FLOWLOG_OK);
    cr_expect(!text.ptr && !text.len);
    cr_expect_eq(flowlog__json_get_text(&doc, entry, "s", &text, &err), FLOWLOG_OK);
    cr_expect(text.len == 1 && *text.ptr == 'v');
    cr_expect_eq(flowlog__json_get_array(&doc, entry, "l", &node, &err), FLOWLOG_OK);
    cr_expect_eq(fl_json_kind(&doc, node), FL_JSON_ARRAY);
    cr_expect_eq(flowlog__json_get_object(&doc, entry, "absent", &node, &err), FLOWLOG_OK);
    cr_expect_eq(node, 0);
    cr_expect_eq(err.status, 0);
    flowlog__json_clear(&doc);
}

Test(analyze_json, paths_of_every_node_fit_and_are_cut)
{
    struct fl_json doc = parsed(sample);
    for (uint32_t i = 0; i < doc.nodes; i++) {
        char path[64];
        const size_t n = flowlog__json_path(&doc, i, path, sizeof path);
        cr_expect(n < sizeof path && strlen(path) == n && path[0] == '$', "%u", (unsigned)i);
    }
    flowlog__json_clear(&doc);

    char text[600], path[64];
    memset(text, 'x', sizeof text);
    memcpy(text, "{\"", 2);
    strcpy(text + 502, "\":[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]}");
    doc = parsed(text);
    cr_expect_eq(flowlog__json_path(&doc, doc.nodes - 1, path, sizeof path), strlen(path));
    cr_expect_str_eq(path, "$.xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx...[0][0][0][0][0]...");
    flowlog__json_clear(&doc);
}

Test(analyze_json, every_allocation_may_fail)
{
    char text[4096];
    size_t n = (size_t)sprintf(text, "{\"list\":[\"a\\n\",\"b\\u0041\"");
    for (int i = 0; i < 200; i++) n += (size_t)sprintf(text + n, ",%d", i);
    n += (size_t)sprintf(text + n, "],\"wide\":{\"m\":\"\\t\"");
    for (int i = 0; i < 40; i++) n += (size_t)sprintf(text + n, ",\"m%d\":\"\\\\%0*d\"", i, i, i);
    n += (size_t)sprintf(text + n, "}}");
    for (size_t fail_at = 1;; fail_at++) {
        struct test_alloc t;
        const flowlog_alloc a = test_alloc_init(&t, fail_at);
        struct fl_json doc;
        flowlog_error err = {0};
        const flowlog_status status = flowlog__json_parse(text, n, NULL, &a, &doc, &err);
        if (status == FLOWLOG_OK) flowlog__json_clear(&doc);
        else cr_assert_eq(status, FLOWLOG_E_MEMORY);
        cr_assert(t.live_bytes == 0 && t.live_blocks == 0 && t.wrong_lengths == 0, "request %zu", fail_at);
        if (t.requests < fail_at) {
            cr_expect_eq(status, FLOWLOG_OK);
            cr_expect_gt(fail_at, 6);
            break;
        }
    }
}
