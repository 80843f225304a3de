/* SPDX-License-Identifier: MIT */
/*
 * filter_values.c - random conditions over random batches: what flowlog_filter_select gives is what the condition
 * says, row by row, over the values of flowlog_batch_value.
 *
 * A condition is drawn as a tree, which is written as text for the library and walked for the expected answer.  The
 * raw tests that the library derives from it must let every matching row pass, in whatever way its values are
 * written.
 */
#include <criterion/criterion.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "expr/filter.h"
#include "support/batch_make.h"

TestSuite(filter_values, .timeout = 300);

#define COUNT(a) (sizeof(a) / sizeof(a)[0])

static uint64_t state;

static uint32_t rnd(uint32_t n)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (uint32_t)(state >> 32) % n;
}

/* --- values, few enough to be met again ------------------------------------------------------------------------- */

static const char *const fields[] = {
    "srcaddr", "dstaddr", "srcport", "dstport", "protocol", "packets", "bytes", "start", "end", "action",
    "log-status", "interface-id", "tcp-flags", "flow-direction", "pkt-dst-aws-service", "new-field", "account-id", "pkt-srcaddr",
};
enum {
    SRC,
    DST,
    SPORT,
    DPORT,
    PROTO,
    PACKETS,
    BYTES,
    START,
    END,
    ACTION,
    STATUS,
    ENI,
    FLAGS,
    WAY,
    SERVICE,
    NEW,
    ACCOUNT,
    PKT
};

static const char *const addresses[] = {
    "0.0.0.0", "10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.1.1", "10.1.0.0", "10.255.255.255", "11.0.0.0", "192.0.2.7",
    "255.255.255.255", "1.0.0.1", "100.0.0.1", "::", "::1", "2001:db8::1", "2001:db8:0:1::", "2001:db9::", "::ffff:10.0.0.1",
    "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "fe80::1:2:3:4",
};
static const char *const small_numbers[] = {"0", "1", "6", "17", "22", "23", "58", "80", "81", "82", "255"};
static const char *const numbers[] = {
    "0", "1", "2", "3", "10", "99", "100", "443", "1000", "1024", "65535", "1000000", "4294967295", "4294967296",
    "9007199254740993", "2305843009213693952", "9223372036854775807", "9223372036854775808", "18446744073709551615",
};
static const char *const times[] = {"0", "1", "60", "100", "160", "1700000000", "1700000060", "1700000061", "86399", "951782400", "1709251199", "4102444800", "253402300800",
                                    "4000000000000"};
static const char *const tokens[][8] = {
    {"ACCEPT", "REJECT", "accept", "Reject", "DROP", "A", "REJECTED", "zzz"},
    {"OK", "NODATA", "SKIPDATA", "ok", "NoData", "O", "OKAY", "SKIP"},
    {"ingress", "egress", "Ingress", "EGRESS", "in", "i", "e", "both"},
    {"S3", "s3", "EC2", "EC2_INSTANCE_CONNECT", "ec2_instance_connect", "AMAZON", "NEW_SERVICE_WITH_LONG_NAME", "ROUTE53_HEALTHCHECKS"},
};
static const char *const texts[] = {"eni-1", "eni-12", "eni-2", "a", "b", "aa", "0123", "123", "eni-0123456789abcdef0", "eni-0123456789abcdef1", "it's", "say_\"x\""};

static const char *pick(uint32_t field)
{
    switch (field) {
    case SRC:
    case DST:
    case PKT: return addresses[rnd(COUNT(addresses))];
    case SPORT:
    case DPORT: return rnd(2) ? numbers[rnd(11)] : small_numbers[rnd(COUNT(small_numbers))];
    case PROTO: return small_numbers[rnd(COUNT(small_numbers))];
    case FLAGS: return rnd(2) ? numbers[rnd(9)] : small_numbers[rnd(COUNT(small_numbers))];
    case PACKETS: return numbers[rnd(rnd(4) ? 6 : COUNT(numbers))];
    case BYTES: return numbers[rnd(COUNT(numbers))];
    case START:
    case END: return times[rnd(COUNT(times))];
    case ACTION: return tokens[0][rnd(8)];
    case STATUS: return tokens[1][rnd(8)];
    case WAY: return tokens[2][rnd(8)];
    case SERVICE: return tokens[3][rnd(8)];
    default: return texts[rnd(COUNT(texts))];
    }
}

static struct test_batch *random_batch(uint32_t rows)
{
    char names[512] = "";
    uint32_t columns = 0, used[COUNT(fields)];
    for (uint32_t f = 0; f < COUNT(fields); f++)
        if (rnd(8)) { /* else the batch lacks it */
            used[columns++] = f;
            sprintf(names + strlen(names), "%s%s", columns > 1 ? "," : "", fields[f]);
        }
    const char **cells = malloc(sizeof *cells * rows * (columns + 1));
    for (uint32_t i = 0; i < columns; i++) {
        const int absent = rnd(12) == 0;
        for (uint32_t r = 0; r < rows; r++) cells[r * columns + i] = absent ? NULL : rnd(9) ? pick(used[i]) : "-";
    }
    struct test_batch *b = test_batch_new(names, cells, rows);
    free(cells);
    return b;
}

/* --- conditions ---------------------------------------------------------------------------------- */

enum kind { AND, OR, NOT, COMPARE, LIST, SEARCH, IS_NULL, BITS, DERIVED, PART };
enum { VALUES = 40 };

struct node {
    enum kind kind;
    uint32_t field, op, count; /* op: eq ne lt le gt ge, or contains starts ends */
    const char *value[VALUES];
    unsigned bits[VALUES]; /* of a network; 999: the value itself */
    uint32_t part, from, to; /* PART */
    const struct node *a, *b;
};

static uint32_t random_part(uint32_t part)
{
    static const uint32_t from[] = {0, 0, 1, 1, 1, 1970}, count[] = {60, 24, 7, 31, 12, 140};
    return from[part] + rnd(count[part]);
}

static struct node pool[400];
static uint32_t pool_used;

static unsigned random_bits(const char *address)
{
    if (rnd(2)) return 999;
    return rnd(4) ? 8 * rnd(strchr(address, ':') ? 17 : 5) : rnd(strchr(address, ':') ? 129 : 33);
}

static struct node *random_leaf(void)
{
    struct node *n = &pool[pool_used++];
    *n = (struct node){.field = rnd(COUNT(fields))};
    switch (rnd(11)) {
    case 10:
        n->kind = PART;
        n->field = rnd(2) ? START : END;
        n->op = rnd(7); /* 6: in */
        n->part = rnd(6);
        n->from = random_part(n->part);
        n->to = n->op == 6 ? n->from + rnd(4) : n->from;
        break;
    case 0: n->kind = IS_NULL; break;
    case 1:
        n->kind = BITS;
        n->op = 1 + rnd(63);
        break;
    case 2:
        n->kind = DERIVED;
        n->field = rnd(3);
        n->op = rnd(6);
        n->value[0] = numbers[rnd(COUNT(numbers))];
        break;
    case 3:
    case 4: {
        n->kind = LIST;
        n->count = 1 + rnd(rnd(3) ? 4 : VALUES - 1);
        for (uint32_t i = 0; i < n->count; i++) {
            n->value[i] = pick(n->field);
            n->bits[i] = n->field <= DST || n->field == PKT ? random_bits(n->value[i]) : 999;
        }
        break;
    }
    case 5:
        n->kind = SEARCH;
        n->op = rnd(3);
        n->value[0] = rnd(2) ? pick(n->field) : &pick(n->field)[0];
        if (rnd(2)) n->value[0] += rnd((uint32_t)strlen(n->value[0]));
        break;
    default:
        n->kind = COMPARE;
        n->op = rnd(6);
        n->count = 1;
        n->value[0] = pick(n->field);
        n->bits[0] = (n->field <= DST || n->field == PKT) && n->op < 2 ? random_bits(n->value[0]) : 999;
    }
    return n;
}

static const struct node *random_node(unsigned depth)
{
    if (!depth || rnd(3) == 0) return random_leaf();
    struct node *n = &pool[pool_used++];
    *n = (struct node){.kind = (enum kind)rnd(3)};
    n->a = random_node(depth - 1);
    n->b = n->kind == NOT ? NULL : random_node(depth - 1);
    return n;
}

static char text[65536];
static size_t text_len;

static void put(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    text_len += (size_t)vsnprintf(text + text_len, sizeof text - text_len, format, args);
    va_end(args);
}

static void put_value(const struct node *n, uint32_t i)
{
    if (n->bits[i] != 999) {
        put("%s/%u", n->value[i], n->bits[i]);
        return;
    }
    const char *quote = strchr(n->value[i], '\'') ? "\""
                        : strchr(n->value[i], '"') || !strcmp(n->value[i], "in") || rnd(3) == 0
                            ? "'"
                            : ""; /* a word of the language */
    put("%s%s%s", quote, n->value[i], quote);
}

static void write_node(const struct node *n)
{
    static const char *const ops[][3] = {{"=", "==", "eq"},  {"!=", "<>", "ne"}, {"<", "lt", "LT"},
                                         {"<=", "le", "Le"}, {">", "gt", "GT"},  {">=", "ge", "ge"}};
    static const char *const searches[] = {"~", "^=", "$="};
    static const char *const derived[] = {"duration", "bpp", "bps"};
    static const char *const parts[] = {"minute", "Hour", "weekday", "day", "month", "year"};
    static const char *const days[] = {"mon", "Tuesday", "WED", "thursday", "fri", "sat", "Sunday"};
    const char *quote = n->field == NEW ? "`" : "";
    switch (n->kind) {
    case AND:
    case OR:
        put("(");
        write_node(n->a);
        put(n->kind == OR ? (rnd(2) ? " or " : "||") : rnd(3) == 0 ? " " : rnd(2) ? " and " : " && ");
        write_node(n->b);
        put(")");
        return;
    case NOT:
        put(rnd(2) ? "not " : "! ");
        write_node(n->a);
        return;
    case IS_NULL: put(rnd(2) ? "%s%s%s is null" : "%s%s%s = -", quote, fields[n->field], quote); return;
    case BITS:
        put("flags ");
        for (unsigned i = 0; i < 6; i++)
            if (n->op >> i & 1) put("%c", "FSRPAU"[i]);
        return;
    case PART:
        put("%s%s", parts[n->part], n->field == END ? rnd(2) ? "(end)" : "( `end` )" : rnd(2) ? "" : "(start)");
        if (n->op < 6 && n->part == 2 && rnd(2))
            put(" %s %s", ops[n->op][rnd(3)], days[n->from - 1]);
        else if (n->op < 6)
            put(" %s %u", ops[n->op][rnd(3)], (unsigned)n->from);
        else
            put(rnd(2) ? " in [%u-%u]" : " %u-%u", (unsigned)n->from, (unsigned)n->to);
        return;
    case DERIVED: put("%s %s %s", derived[n->field], ops[n->op][rnd(3)], n->value[0]); return;
    case SEARCH:
        put("%s%s%s %s ", quote, fields[n->field], quote, searches[n->op]);
        put(strchr(n->value[0], '"') ? "'%s'" : "\"%s\"", n->value[0]);
        return;
    default: break;
    }
    put("%s%s%s %s ", quote, fields[n->field], quote, n->kind == LIST ? "in [" : ops[n->op][rnd(3)]);
    for (uint32_t i = 0; i < n->count; i++) {
        if (i) put(rnd(2) ? ", " : " ");
        put_value(n, i);
    }
    if (n->kind == LIST) put("]");
}

/* --- the expected answer ---------------------------------------------------------------------------- */

static int64_t value_of(const flowlog_batch *b, uint32_t row, const char *name, flowlog_value *v)
{
    const int32_t c = flowlog_batch_find(b, name, strlen(name));
    memset(v, 0, sizeof *v);
    v->is_null = 1;
    if (c >= 0) cr_assert_eq(flowlog_batch_value(b, row, (uint32_t)c, v), FLOWLOG_OK);
    return (int64_t)v->number;
}

static int holds(uint32_t op, int order)
{
    const int by[] = {order == 0, order != 0, order < 0, order <= 0, order > 0, order >= 0};
    return by[op];
}

static int compare_text(const char *a, size_t a_len, const char *b, size_t b_len)
{
    const int order = memcmp(a, b, a_len < b_len ? a_len : b_len);
    return order ? order : (a_len > b_len) - (a_len < b_len);
}

/* The first bits of two addresses are the same. */
static int shares(const flowlog_addr *a, const flowlog_addr *b, unsigned bits)
{
    if (a->family != b->family) return 0;
    for (unsigned i = 0; i < bits; i++)
        if ((a->bytes[i / 8] ^ b->bytes[i / 8]) >> (7 - i % 8) & 1) return 0;
    return 1;
}

static int matches_value(const flowlog_value *v, uint32_t field, uint32_t op, const char *value, unsigned bits)
{
    if (field <= DST || field == PKT) {
        flowlog_addr a;
        cr_assert_eq(flowlog_addr_parse(value, strlen(value), &a), FLOWLOG_OK);
        if (bits != 999) return shares(&v->addr, &a, bits) == (op == 0);
        return holds(op, flowlog_addr_compare(&v->addr, &a));
    }
    if (v->type == FLOWLOG_TYPE_TEXT || v->type == FLOWLOG_TYPE_ENUM) {
        const uint32_t catalogue = flowlog_field_find(fields[field], strlen(fields[field]));
        const uint32_t code = v->type == FLOWLOG_TYPE_ENUM ? flowlog_enum_code(catalogue, value, strlen(value)) : 0;
        if (code) value = flowlog_enum_name(catalogue, code);
        return holds(op, compare_text(v->text.ptr, v->text.len, value, strlen(value)));
    }
    const uint64_t wanted = strtoull(value, NULL, 10);
    return holds(op, (v->number > wanted) - (v->number < wanted));
}

static int matches_derived(const flowlog_batch *b, uint32_t row, const struct node *n)
{
    flowlog_value start, end, bytes, packets;
    value_of(b, row, "start", &start);
    value_of(b, row, "end", &end);
    value_of(b, row, "bytes", &bytes);
    value_of(b, row, "packets", &packets);
    const __int128 wanted = (__int128)strtoull(n->value[0], NULL, 10),
                   lasting = (__int128)(int64_t)end.number - (int64_t)start.number;
    __int128 left = lasting, right = wanted;
    if (n->field == 0 && (start.is_null || end.is_null)) return 0;
    if (n->field == 1) {
        if (bytes.is_null || packets.is_null || !packets.number) return 0;
        left = bytes.number;
        /* beyond 127 bits nothing but more is possible */
        right = wanted && packets.number > UINT64_MAX / 2 && wanted > UINT64_MAX / 2 ? ((__int128)1 << 126)
                                                                                     : wanted * packets.number;
    }
    if (n->field == 2) {
        if (bytes.is_null || start.is_null || end.is_null || lasting <= 0) return 0;
        left = (__int128)bytes.number * 8;
        right = wanted * lasting;
    }
    return holds(n->op, (left > right) - (left < right));
}

/* As the C library has it. */
static int matches_part(const flowlog_batch *b, uint32_t row, const struct node *n)
{
    flowlog_value v;
    struct tm tm;
    const time_t t = (time_t)value_of(b, row, fields[n->field], &v);
    if (v.is_null) return 0;
    cr_assert_not_null(gmtime_r(&t, &tm));
    const int year = tm.tm_year + 1900 > 9999 ? 9999 : tm.tm_year + 1900;
    const int of[] = {tm.tm_min, tm.tm_hour, tm.tm_wday ? tm.tm_wday : 7, tm.tm_mday, tm.tm_mon + 1, year};
    const uint32_t have = (uint32_t)of[n->part];
    return n->op == 6 ? n->from <= have && have <= n->to : holds(n->op, (have > n->from) - (have < n->from));
}

static int matches(const flowlog_batch *b, uint32_t row, const struct node *n)
{
    flowlog_value v;
    char written[64];
    switch (n->kind) {
    case AND: return matches(b, row, n->a) && matches(b, row, n->b);
    case OR: return matches(b, row, n->a) || matches(b, row, n->b);
    case NOT: return !matches(b, row, n->a);
    case DERIVED: return matches_derived(b, row, n);
    case PART: return matches_part(b, row, n);
    case BITS: value_of(b, row, "tcp-flags", &v); return !v.is_null && (v.number & n->op) == n->op;
    default: break;
    }
    value_of(b, row, fields[n->field], &v);
    if (n->kind == IS_NULL) return v.is_null;
    if (v.is_null) return 0;
    if (n->kind == SEARCH) {
        const size_t len = flowlog_value_format(&v, written, sizeof written), k = strlen(n->value[0]);
        if (len < k) return 0;
        if (n->op) return !memcmp(written + (n->op == 1 ? 0 : len - k), n->value[0], k);
        for (size_t i = 0; i + k <= len; i++)
            if (!memcmp(written + i, n->value[0], k)) return 1;
        return 0;
    }
    for (uint32_t i = 0; i < n->count; i++)
        if (matches_value(&v, n->field, n->kind == LIST ? 0 : n->op, n->value[i], n->bits[i])) return 1;
    return 0;
}

/* --- raw tests ---------------------------------------------------------------------------------------- */

static int passes(const struct fl_raw_test *t, const char *token)
{
    const size_t len = strlen(token);
    if (t->zero && token[0] == '0') return 1;
    for (uint32_t i = 0; i < t->count; i++) {
        const size_t n = t->alternative[i].len;
        if (len >= n && !memcmp(token, t->alternative[i].bytes, n) && (!t->alternative[i].whole || len == n)) return 1;
    }
    return 0;
}

/* Some text that is decoded to the value. */
static void random_token(const flowlog_value *v, char token[96])
{
    if (v->is_null) {
        strcpy(token, "-");
        return;
    }
    size_t n = 0;
    if (v->type == FLOWLOG_TYPE_U32 || v->type == FLOWLOG_TYPE_U64)
        for (uint32_t zeros = rnd(3) ? 0 : rnd(4); zeros; zeros--) token[n++] = '0';
    flowlog_value_format(v, token + n, 64);
    for (char *c = token; v->type == FLOWLOG_TYPE_ENUM && v->code && *c; c++)
        if (*c >= 'A' && (*c | 0x20) <= 'z' && *c != '_' && rnd(2)) *c ^= 0x20;
}

static void check_raw_tests(const flowlog_filter *filter, const flowlog_batch *b, const uint64_t *selection)
{
    struct fl_raw_test tests[FL_RAW_TESTS];
    const uint32_t count = flowlog__filter_raw_tests(filter, tests);
    cr_assert(count <= FL_RAW_TESTS);
    for (uint32_t i = 0; i < count; i++) {
        const char *name = flowlog_field_get(tests[i].field)->name;
        for (uint32_t r = 0; r < b->rows; r++) {
            flowlog_value v;
            char token[96];
            if (!(selection[r / 64] >> r % 64 & 1)) continue;
            value_of(b, r, name, &v);
            random_token(&v, token);
            cr_assert(passes(&tests[i], token), "%s: row %u, %s is %s", text, (unsigned)r, name, token);
        }
    }
}

Test(filter_values, selections_are_what_the_condition_says)
{
    uint32_t found = 0, raw = 0;
    state = UINT64_C(0x9E3779B97F4A7C15);
    for (int round = 0; round < 250; round++) {
        const uint32_t rows = round % 10 == 0 ? 1000 + rnd(1200) : 1 + rnd(200);
        struct test_batch *b = random_batch(rows);
        uint64_t *selection = malloc((rows + 63) / 64 * sizeof *selection);
        for (int k = 0; k < 12; k++) {
            flowlog_filter *filter = NULL;
            flowlog_error err = {0};
            struct fl_raw_test tests[FL_RAW_TESTS];
            uint32_t matched = 0;
            pool_used = 0;
            text_len = 0;
            const struct node *n = random_node(1 + rnd(4));
            write_node(n);
            if (flowlog_filter_parse(text, text_len, NULL, &filter, &err) < 0) {
                /* numbers that a port or an hour cannot be are errors where they are compared for equality */
                cr_assert(strstr(err.message, " are 0 to ") || strstr(err.message, "' is "), "%s: %s at %u", text,
                          err.message, (unsigned)err.column);
                continue;
            }
            cr_assert_eq(flowlog_filter_select(filter, &b->batch, selection, &matched, &err), FLOWLOG_OK);
            uint32_t expected = 0;
            for (uint32_t r = 0; r < rows; r++) {
                const int want = matches(&b->batch, r, n), got = (int)(selection[r / 64] >> r % 64 & 1);
                cr_assert_eq(want, got, "%s: row %u of %u: %d instead of %d", text, (unsigned)r, (unsigned)rows,
                             got, want);
                expected += (uint32_t)want;
            }
            cr_assert_eq(expected, matched, "%s", text);
            if (rows % 64) cr_assert_eq(selection[rows / 64] >> rows % 64, 0);
            check_raw_tests(filter, &b->batch, selection);
            raw += flowlog__filter_raw_tests(filter, tests) > 0;
            found += matched > 0 && matched < rows;
            flowlog_filter_free(filter);
        }
        free(selection);
        test_batch_free(b);
    }
    /* the drawing is not all of one kind */
    cr_expect_gt(found, 1000);
    cr_expect_gt(raw, 200);
}
