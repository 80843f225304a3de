/* SPDX-License-Identifier: MIT */
/* One token, and columns of them: numbers at their limits, times, enumerations, null in every type. */
#define _DEFAULT_SOURCE
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/bytes.h"
#include "decode/column.h"
#include "flowlog/field.h"
#include "support/guard.h"

TestSuite(column, .timeout = 30);

static fl_decoder decoder_of(uint32_t field)
{
    fl_decoder d;
    flowlog__decoder_init(&d, field, field ? flowlog_field_get(field)->type : FLOWLOG_TYPE_TEXT);
    return d;
}

/* One token by the slow function, without a byte around it that may be read. */
static fl_verdict token(uint32_t field, const char *text, flowlog_value *value, int *ms)
{
    const fl_decoder d = decoder_of(field);
    struct guard g = guard_end(text, strlen(text));
    *ms = 0;
    const fl_verdict verdict = flowlog__decode_token(&d, g.p, strlen(text), value, ms);
    guard_free(&g);
    return verdict;
}

static const struct {
    uint32_t field;
    const char *text;
    int good;
    uint64_t number;
    int ms;
} numbers[] = {
    {FLOWLOG_FIELD_SRCPORT, "0", 1, 0, 0},
    {FLOWLOG_FIELD_SRCPORT, "65535", 1, 65535, 0},
    {FLOWLOG_FIELD_SRCPORT, "65536", 0, 0, 0},
    {FLOWLOG_FIELD_DSTPORT, "65535", 1, 65535, 0},
    {FLOWLOG_FIELD_DSTPORT, "65536", 0, 0, 0},
    {FLOWLOG_FIELD_DSTPORT, "00000000065535", 1, 65535, 0},
    {FLOWLOG_FIELD_DSTPORT, "99999999", 0, 0, 0},
    {FLOWLOG_FIELD_DSTPORT, "4294967296", 0, 0, 0},
    {FLOWLOG_FIELD_DSTPORT, "18446744073709551616", 0, 0, 0},
    {FLOWLOG_FIELD_PROTOCOL, "255", 1, 255, 0},
    {FLOWLOG_FIELD_PROTOCOL, "256", 0, 0, 0},
    {FLOWLOG_FIELD_PROTOCOL, "6", 1, 6, 0},
    {FLOWLOG_FIELD_PROTOCOL, "tcp", 0, 0, 0},
    {FLOWLOG_FIELD_VERSION, "99999999", 1, 99999999, 0},
    {FLOWLOG_FIELD_VERSION, "100000000", 1, 100000000, 0},
    {FLOWLOG_FIELD_TCP_FLAGS, "4294967295", 1, 4294967295u, 0},
    {FLOWLOG_FIELD_TCP_FLAGS, "4294967296", 0, 0, 0},
    {FLOWLOG_FIELD_TRAFFIC_PATH, "9", 1, 9, 0},
    {FLOWLOG_FIELD_ENCRYPTION_STATUS, "3", 1, 3, 0},
    {FLOWLOG_FIELD_BYTES, "9999999999999999", 1, 9999999999999999u, 0},
    {FLOWLOG_FIELD_BYTES, "10000000000000000", 1, 10000000000000000u, 0},
    {FLOWLOG_FIELD_BYTES, "18446744073709551615", 1, UINT64_MAX, 0},
    {FLOWLOG_FIELD_BYTES, "18446744073709551616", 0, 0, 0},
    {FLOWLOG_FIELD_BYTES, "18446744073709551625", 0, 0, 0},
    {FLOWLOG_FIELD_BYTES, "28446744073709551615", 0, 0, 0},
    {FLOWLOG_FIELD_BYTES, "99999999999999999999", 0, 0, 0},
    {FLOWLOG_FIELD_BYTES, "100000000000000000000", 0, 0, 0},
    {FLOWLOG_FIELD_BYTES, "184467440737095516150", 0, 0, 0},
    {FLOWLOG_FIELD_BYTES, "0000000000000000000000000000000000000000018446744073709551615", 1, UINT64_MAX, 0},
    {FLOWLOG_FIELD_PACKETS, "010", 1, 10, 0},
    {FLOWLOG_FIELD_PACKETS, "0000000000000000", 1, 0, 0},
    {FLOWLOG_FIELD_PACKETS, "00000000000000000", 1, 0, 0},
    {FLOWLOG_FIELD_PACKETS, "+1", 0, 0, 0},
    {FLOWLOG_FIELD_PACKETS, "-1", 0, 0, 0},
    {FLOWLOG_FIELD_PACKETS, "--", 0, 0, 0},
    {FLOWLOG_FIELD_PACKETS, "0x10", 0, 0, 0},
    {FLOWLOG_FIELD_PACKETS, "1e3", 0, 0, 0},
    {FLOWLOG_FIELD_PACKETS, "1.0", 0, 0, 0},
    {FLOWLOG_FIELD_PACKETS, "1,000", 0, 0, 0},
    {FLOWLOG_FIELD_PACKETS, "12a", 0, 0, 0},
    {FLOWLOG_FIELD_PACKETS, "a12", 0, 0, 0},
    {FLOWLOG_FIELD_PACKETS, "1/", 0, 0, 0},
    {FLOWLOG_FIELD_PACKETS, "1:", 0, 0, 0},
    {FLOWLOG_FIELD_PACKETS, "\xB1", 0, 0, 0},
    {FLOWLOG_FIELD_PACKETS, "123456789012345\xB1", 0, 0, 0},
    {FLOWLOG_FIELD_PACKETS_LOST_BLACKHOLE, "18446744073709551615", 1, UINT64_MAX, 0},
    {FLOWLOG_FIELD_START, "0", 1, 0, 0},
    {FLOWLOG_FIELD_START, "1418530010", 1, 1418530010, 0},
    {FLOWLOG_FIELD_START, "2147483648", 1, 2147483648u, 0},
    {FLOWLOG_FIELD_START, "9999999999", 1, 9999999999u, 0},
    {FLOWLOG_FIELD_END, "99999999999", 1, 99999999999u, 0},
    {FLOWLOG_FIELD_END, "100000000000", 1, 100000000, 1},
    {FLOWLOG_FIELD_END, "100000000999", 1, 100000000, 1},
    {FLOWLOG_FIELD_END, "1512564058000", 1, 1512564058, 1},
    {FLOWLOG_FIELD_END, "1512564058999", 1, 1512564058, 1},
    {FLOWLOG_FIELD_END, "18446744073709551615", 1, 18446744073709551u, 1},
    {FLOWLOG_FIELD_END, "18446744073709551616", 0, 0, 0},
    {FLOWLOG_FIELD_END, "-1", 0, 0, 0},
    {FLOWLOG_FIELD_END, "1418530010.5", 0, 0, 0},
};
enum { NUMBERS = sizeof numbers / sizeof *numbers };

Test(column, numbers_at_their_limits)
{
    for (size_t i = 0; i < NUMBERS; i++) {
        flowlog_value v;
        int ms;
        const fl_verdict verdict = token(numbers[i].field, numbers[i].text, &v, &ms);
        cr_expect_eq(verdict, numbers[i].good ? FL_VALUE : FL_BAD_NUMBER, "%s", numbers[i].text);
        if (!numbers[i].good) continue;
        cr_expect_eq(v.number, numbers[i].number, "%s", numbers[i].text);
        cr_expect_eq(ms, numbers[i].ms, "%s", numbers[i].text);
        cr_expect_eq(v.is_null, 0);
        cr_expect_eq(v.type, flowlog_field_get(numbers[i].field)->type);
    }
}

Test(column, a_dash_is_null_in_every_field)
{
    for (uint32_t field = 0; field <= flowlog_field_count(); field++) {
        flowlog_value v;
        int ms;
        memset(&v, 0xA5, sizeof v);
        cr_expect_eq(token(field, "-", &v, &ms), FL_NULL, "field %u", field);
        cr_expect_eq(v.is_null, 1, "field %u", field);
        cr_expect(!v.number && !v.code && !v.addr.family && !v.text.ptr && !v.text.len && !ms, "field %u", field);
    }
}

Test(column, known_tokens_in_any_case_and_others_as_they_are)
{
    for (uint32_t field = 1; field <= flowlog_field_count(); field++) {
        if (flowlog_field_get(field)->type != FLOWLOG_TYPE_ENUM) continue;
        const char *name;
        for (uint32_t code = 1; (name = flowlog_enum_name(field, code)) != NULL; code++)
            for (int way = 0; way < 5; way++) {
                char text[80];
                flowlog_value v;
                int ms;
                snprintf(text, sizeof text, "%s%s", name, way == 4 ? "x" : "");
                for (char *c = text; *c; c++) {
                    if (way == 1 && *c >= 'A' && *c <= 'Z') *c = (char)(*c + 32);
                    if (way == 2 && *c >= 'a' && *c <= 'z') *c = (char)(*c - 32);
                    if (way == 3 && c == text && *c >= 'a' && *c <= 'z') *c = (char)(*c - 32);
                }
                cr_expect_eq(token(field, text, &v, &ms), FL_VALUE);
                cr_expect_eq(v.code, way == 4 ? FLOWLOG_OTHER : code, "%s", text);
                cr_expect_eq(v.text.len, strlen(text));
            }
    }
}

Test(column, any_text_is_a_text)
{
    static const char *const texts[] = {"unknown", "000123456789", "\xC3\xA9\xFF", "--", "a,b;c", "\"", "%20"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        flowlog_value v;
        int ms;
        cr_expect_eq(token(FLOWLOG_FIELD_ACCOUNT_ID, texts[i], &v, &ms), FL_VALUE);
        cr_expect_eq(v.text.len, strlen(texts[i]));
        cr_expect_eq(token(0, texts[i], &v, &ms), FL_VALUE);
    }
}

/* --- columns: kernel and slow function together say what the slow function says alone -------------- */

enum { ROWS_MAX = 700 };

struct made {
    char *text; /* with slop */
    uint32_t *at;
    fl_rows rows;
};

static struct made make_rows(const char *const *tokens, size_t count)
{
    struct made m;
    size_t len = 0;
    for (size_t i = 0; i < count; i++) len += strlen(tokens[i]) + 1;
    m.text = malloc(len + FL_TEXT_SLOP);
    m.at = malloc((count + 1) * sizeof *m.at);
    m.at[0] = UINT32_MAX;
    char *p = m.text;
    for (size_t i = 0; i < count; i++) {
        p += sprintf(p, "%s\n", tokens[i]);
        m.at[i + 1] = (uint32_t)(p - m.text) - 1;
    }
    memset(p, '5', FL_TEXT_SLOP);
    m.rows = (fl_rows){.text = (const uint8_t *)m.text, .at = m.at, .stride = 1, .rows = count};
    return m;
}

static void check_column(uint32_t field, const char *const *tokens, size_t count)
{
    const fl_kernels *k = flowlog__kernels();
    const fl_decoder d = decoder_of(field);
    struct made m = make_rows(tokens, count);
    const size_t words = fl_bit_words(count);
    void *room = malloc(flowlog__column_bytes(d.type, count));
    uint64_t *todo = malloc(words * 8), *bad = calloc(words, 8), ms_times = 0, ms_wanted = 0;
    fl_column c;
    int any = 0;
    memset(room, 0xA5, flowlog__column_bytes(d.type, count));
    flowlog__column_place(&c, d.type, count, room);
    const int any_bad = flowlog__decode_column(k, &d, &m.rows, 0, &c, todo, bad, &ms_times);
    for (size_t r = 0; r < count; r++) {
        flowlog_value v;
        int ms = 0;
        const char *t = tokens[r];
        const fl_verdict verdict = flowlog__decode_token(&d, (const uint8_t *)t, strlen(t), &v, &ms);
        const int is_bad = verdict == FL_BAD_NUMBER || verdict == FL_BAD_ADDRESS;
        any |= is_bad;
        ms_wanted += (uint64_t)ms;
        cr_assert_eq((int)fl_bit_get(bad, r), is_bad, "field %u row %zu: %s", field, r, t);
        cr_assert_eq((int)fl_bit_get(c.valid, r), verdict == FL_VALUE, "field %u row %zu: %s", field, r, t);
        if (is_bad) continue;
        switch (d.type) {
        case FLOWLOG_TYPE_U32: cr_assert_eq(((uint32_t *)c.values)[r], v.number, "%s", t); break;
        case FLOWLOG_TYPE_U64:
        case FLOWLOG_TYPE_TIME: cr_assert_eq(((uint64_t *)c.values)[r], v.number, "%s", t); break;
        case FLOWLOG_TYPE_ADDR:
            cr_assert_eq(c.family[r], v.addr.family, "%s", t);
            if (v.addr.family == 6) cr_assert(!memcmp(c.wide[r], v.addr.bytes, 16), "%s", t);
            if (v.addr.family != 4) cr_assert_eq(((uint32_t *)c.values)[r], 0, "%s", t);
            else
                for (int b = 0; b < 4; b++)
                    cr_assert_eq((uint8_t)(((uint32_t *)c.values)[r] >> (24 - 8 * b)), v.addr.bytes[b]);
            break;
        case FLOWLOG_TYPE_ENUM: cr_assert_eq(((uint8_t *)c.values)[r], v.code, "%s", t); /* fall through */
        default:
            if (verdict == FL_NULL && d.type == FLOWLOG_TYPE_TEXT) cr_assert(!c.spans[r].offset && !c.spans[r].len);
            if (verdict == FL_NULL || (d.type == FLOWLOG_TYPE_ENUM && v.code)) break;
            cr_assert_eq(c.spans[r].offset, m.at[r] + 1, "%s", t);
            cr_assert_eq(c.spans[r].len, strlen(t), "%s", t);
        }
    }
    for (size_t r = count; r < words * 64; r++) cr_assert(!fl_bit_get(c.valid, r), "a bit behind the last row");
    cr_assert_eq(!any_bad, !any);
    cr_assert_eq(ms_times, ms_wanted);
    free(room);
    free(todo);
    free(bad);
    free(m.text);
    free(m.at);
}

static uint64_t state = 88172645463325252u;
static uint32_t rnd(uint32_t n)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (uint32_t)(state >> 32) % n;
}

Test(column, columns_of_every_field_and_length)
{
    static const char *const other[] = {"-",
                                        "ACCEPT",
                                        "REJECT",
                                        "accept",
                                        "OK",
                                        "NODATA",
                                        "SKIPDATA",
                                        "SKIPDATAX",
                                        "IPv4",
                                        "IPV6",
                                        "ingress",
                                        "egress",
                                        "10.0.0.1",
                                        "255.255.255.255",
                                        "1.2.3.256",
                                        "01.2.3.4",
                                        "1.2.3",
                                        "::1",
                                        "::",
                                        "fe80::1%1",
                                        "2001:db8:1234:a100:8d6e:3477:df66:f105",
                                        "::ffff:1.2.3.4",
                                        "x",
                                        "eni-1235b8ca123456789",
                                        "\xFF\xFE",
                                        "1.2.3.4.5",
                                        "100.200.100.200"};
    static const char *tokens[ROWS_MAX];
    const size_t others = sizeof other / sizeof *other;
    for (uint32_t field = 0; field <= flowlog_field_count(); field++)
        for (int round = 0; round < 24; round++) {
            const size_t count = round < 20 ? 1 + rnd(140) : 1 + rnd(ROWS_MAX);
            const unsigned strange = round % 4 ? (unsigned)round : 1000; /* one in so many */
            for (size_t r = 0; r < count; r++) {
                const uint32_t type = field ? flowlog_field_get(field)->type : FLOWLOG_TYPE_TEXT;
                tokens[r] = rnd(2) ? numbers[rnd(NUMBERS)].text : other[rnd((uint32_t)others)];
                if (rnd(strange)) {
                    tokens[r] = type == FLOWLOG_TYPE_ADDR   ? "10.20.30.40"
                                : type == FLOWLOG_TYPE_ENUM ? other[1 + rnd(6)]
                                                            : "12345678";
                    if (rnd(9) == 0) tokens[r] = "-";
                }
            }
            check_column(field, tokens, count);
        }
}

/* Something like an address of either family: groups, gaps and quads, now and then a byte too many or another. */
static void almost_address(char *t)
{
    char *begin = t;
    if (rnd(4) == 0) {
        t += sprintf(t, "%u.%u.%u.%u", rnd(rnd(9) ? 256 : 300), rnd(256), rnd(20), rnd(256));
    } else {
        const unsigned groups = rnd(4) ? 8 : 1 + rnd(9), gap = rnd(2) ? 99 : rnd(groups),
                       skipped = gap < 99 ? 1 + rnd(4) : 0;
        for (unsigned g = 0; g < groups; g++) {
            if (g == gap) t += sprintf(t, g ? ":" : "::");
            if (g >= gap && g < gap + skipped) continue;
            const unsigned width = rnd(4);
            t += sprintf(t, g + 1 < groups ? "%0*x:" : "%0*x", (int)width + (rnd(40) == 0), rnd(16u << (4 * width)));
        }
        if (rnd(8) == 0) t += sprintf(t, ":%u.%u.%u.%u", rnd(256), rnd(256), rnd(256), rnd(256));
        if (rnd(8) == 0) t += sprintf(t, "::");
    }
    if (rnd(6) == 0) begin[rnd((uint32_t)(t - begin))] = "0123456789abcdefABCDEF.:%-g/@`G\xB1"[rnd(32)];
    if (rnd(9) == 0) strcpy(begin, "-");
}

Test(column, addresses_of_both_families_as_the_slow_function_reads_them)
{
    static char text[ROWS_MAX][128];
    static const char *tokens[ROWS_MAX];
    unsigned wide = 0;
    for (int round = 0; round < 400; round++) {
        const size_t count = 1 + rnd(round % 8 ? 70 : ROWS_MAX);
        for (size_t r = 0; r < count; r++) {
            flowlog_addr a;
            almost_address(text[r]);
            tokens[r] = text[r];
            wide += flowlog_addr_parse(text[r], strlen(text[r]), &a) == FLOWLOG_OK && a.family == 6;
        }
        check_column(round % 2 ? FLOWLOG_FIELD_SRCADDR : FLOWLOG_FIELD_PKT_DSTADDR, tokens, count);
    }
    cr_assert_gt(wide, 8000u, "%u IPv6 addresses", wide);
}

Test(column, room_is_as_long_as_it_says)
{
    for (uint32_t type = FLOWLOG_TYPE_TEXT; type <= FLOWLOG_TYPE_ENUM; type++)
        for (size_t rows = 1; rows < 200; rows += 7)
            for (size_t shift = 0; shift < 64; shift += 9) {
                const size_t n = flowlog__column_bytes(type, rows);
                uint8_t *room = malloc(n + shift);
                fl_column c;
                flowlog__column_place(&c, type, rows, room + shift);
                flowlog__column_clear(&c, type, rows);
                cr_assert_eq((uintptr_t)c.valid % 64, 0);
                const uint8_t *end = room + shift + n;
                cr_assert((uint8_t *)(c.valid + fl_bit_words(rows)) <= end);
                if (c.wide) cr_assert(c.wide[rows - 1] + 16 <= end);
                if (c.family) cr_assert(c.family + rows <= end);
                if (c.spans) cr_assert((uint8_t *)(c.spans + rows) <= end);
                for (size_t r = 0; r < rows; r++) cr_assert(!fl_bit_get(c.valid, r));
                free(room);
            }
}
