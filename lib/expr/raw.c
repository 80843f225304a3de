/* SPDX-License-Identifier: MIT */
/*
 * raw.c - tests of undecoded tokens that a filter implies, from its top-level conjuncts.
 *
 * Exact means: whatever value a matching row has, every text that is decoded to that value passes.  Numbers may have
 * leading zeros; IPv4 addresses have one text each; enumerated tokens are known in any letter case.
 */
#include <string.h>

#include "expr/filter.h"
#include "expr/internal.h"
#include "expr/print.h"
#include "schema/ascii.h"
#include "schema/enums.h"

static int add(struct fl_raw_test *test, const char *text, size_t len, int whole)
{
    if (!len || test->count == FL_RAW_ALTERNATIVES) return 0;
    const size_t n = len < FL_RAW_BYTES ? len : FL_RAW_BYTES;
    memcpy(test->alternative[test->count].bytes, text, n);
    test->alternative[test->count].len = (uint8_t)n;
    test->alternative[test->count++].whole = (uint8_t)(whole && len <= FL_RAW_BYTES);
    return 1;
}

static int add_number(struct fl_raw_test *test, uint64_t v)
{
    char text[24];
    struct fl_sink s = {text, sizeof text, 0};
    flowlog__sink_number(&s, v);
    test->zero = 1;
    return add(test, text, s.len, 1);
}

static int number_test(const struct fl_tree *t, const struct fl_node *n, struct fl_raw_test *test)
{
    if (n->type != FLOWLOG_TYPE_U32 && n->type != FLOWLOG_TYPE_U64) return 0;
    if (n->op == FL_OP_EQ) return add_number(test, n->number);
    const uint64_t *p = t->word + n->at;
    for (uint32_t i = 0; i < n->count / 2; i++) {
        if (p[2 * i + 1] - p[2 * i] >= FL_RAW_ALTERNATIVES) return 0;
        for (uint64_t v = p[2 * i];; v++) {
            if (!add_number(test, v)) return 0;
            if (v == p[2 * i + 1]) break;
        }
    }
    return 1;
}

/* The whole octets that all addresses of a range begin with. */
static int address_test(const struct fl_tree *t, const struct fl_node *n, struct fl_raw_test *test)
{
    const uint64_t *set = t->word + n->at;
    const uint32_t n4 = flowlog__set_v4(set);
    if (flowlog__set_v6(set)) return 0;
    for (uint32_t i = 0; i < n4; i++) {
        const uint32_t from = (uint32_t)(set[1 + i] >> 32), to = (uint32_t)set[1 + i];
        char text[24];
        struct fl_sink s = {text, sizeof text, 0};
        for (int octet = 0; octet < 4 && !((from ^ to) >> (24 - 8 * octet)); octet++) {
            flowlog__sink_number(&s, from >> (24 - 8 * octet) & 255);
            if (octet < 3) flowlog__sink_text(&s, ".");
        }
        if (!add(test, text, s.len, from == to)) return 0;
    }
    return 1;
}

/* Letters that tell a token from all others of its field, at most as many as leave room for every case. */
static size_t telling(uint32_t field, flowlog_str name, size_t most)
{
    const struct fl_enum_set *set = flowlog__enum_set(field);
    size_t n = 1;
    for (uint32_t c = 0; c < set->count; c++) {
        const flowlog_str other = set->names[c];
        if (other.ptr == name.ptr) continue;
        size_t same = 0;
        while (same < name.len && same < other.len &&
               fl_ascii_lower(name.ptr[same]) == fl_ascii_lower(other.ptr[same]))
            same++;
        if (same + 1 > n) n = same + 1;
    }
    if (n > name.len) n = name.len;
    return n < most ? n : most;
}

/* Both cases of each of the first letters of a known token. */
static int add_cases(struct fl_raw_test *test, uint32_t field, uint32_t code, size_t letters)
{
    const flowlog_str name = flowlog__enum_set(field)->names[code - 1];
    char text[FL_RAW_ALTERNATIVES];
    const size_t n = telling(field, name, letters);
    for (unsigned choice = 0; choice < 1u << n; choice++) {
        int possible = 1;
        for (size_t i = 0; i < n; i++) {
            const char lower = fl_ascii_lower(name.ptr[i]);
            const int letter = lower >= 'a' && lower <= 'z', upper = choice >> i & 1;
            text[i] = letter && upper ? (char)(lower & ~0x20) : lower;
            possible &= letter || !upper;
        }
        if (possible && !add(test, text, n, 0)) return 0;
    }
    return 1;
}

static int text_test(const struct fl_tree *t, const struct fl_node *n, uint32_t field,
                     struct fl_raw_test *test)
{
    if (n->items > FL_RAW_ALTERNATIVES) return 0;
    const size_t letters = n->items == 1 ? 3 : n->items == 2 ? 2 : 1; /* 2^letters * items <= 8 */
    for (uint32_t i = 0; i < n->items; i++) {
        const flowlog_str s = flowlog__node_text(t, n, i);
        const uint32_t code = n->type == FLOWLOG_TYPE_ENUM ? flowlog_enum_code(field, s.ptr, s.len) : 0;
        if (code ? !add_cases(test, field, code, letters) : !add(test, s.ptr, s.len, 1)) return 0;
    }
    return 1;
}

static int test_of(const struct fl_tree *t, const struct fl_node *n, struct fl_raw_test *test)
{
    memset(test, 0, sizeof *test);
    if (n->op < FL_OP_EQ || n->form != FL_FORM_FIELD) return 0;
    const struct fl_ref *r = &t->ref[n->field];
    test->field = r->field;
    if (!r->field) return 0;
    if (n->op == FL_OP_STARTS && n->type == FLOWLOG_TYPE_TEXT) {
        const flowlog_str s = flowlog__node_text(t, n, 0);
        return add(test, s.ptr, s.len, 0);
    }
    if (n->op != FL_OP_EQ && n->op != FL_OP_IN) return 0;
    if (n->items) return text_test(t, n, r->field, test);
    return n->type == FLOWLOG_TYPE_ADDR ? address_test(t, n, test) : number_test(t, n, test);
}

/* Smaller is better: few rows of a usual log pass an address or a port, many a protocol, most ACCEPT and OK. */
static unsigned rank(const struct fl_tree *t, const struct fl_node *n)
{
    const struct fl_ref *r = &t->ref[n->field];
    switch (r->field) {
    case FLOWLOG_FIELD_LOG_STATUS: return 6;
    case FLOWLOG_FIELD_ACTION: return n->number >> FLOWLOG_ACTION_ACCEPT & 1 ? 5 : 3;
    case FLOWLOG_FIELD_PROTOCOL: return 4;
    case FLOWLOG_FIELD_VERSION: return 6;
    default: return n->type == FLOWLOG_TYPE_ENUM ? 4 : n->op == FL_OP_EQ ? 1 : 2;
    }
}

uint32_t flowlog__filter_raw_tests(const flowlog_filter *filter, struct fl_raw_test tests[FL_RAW_TESTS])
{
    unsigned ranks[FL_RAW_TESTS];
    uint32_t count = 0;
    if (!filter) return 0;
    const struct fl_tree *t = &filter->tree;
    const struct fl_node *root = &t->node[t->root];
    const uint32_t conjuncts = root->op == FL_OP_AND ? root->count : 1;
    for (uint32_t i = 0; i < conjuncts; i++) {
        const struct fl_node *n = root->op == FL_OP_AND ? &t->node[t->word[root->at + i]] : root;
        struct fl_raw_test test;
        if (!test_of(t, n, &test)) continue;
        const unsigned r = rank(t, n);
        uint32_t at = count;
        while (at > 0 && ranks[at - 1] > r) at--;
        if (at == FL_RAW_TESTS) continue;
        if (count < FL_RAW_TESTS) count++;
        for (uint32_t k = count - 1; k > at; k--) {
            tests[k] = tests[k - 1];
            ranks[k] = ranks[k - 1];
        }
        tests[at] = test;
        ranks[at] = r;
    }
    return count;
}
