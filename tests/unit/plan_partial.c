/* SPDX-License-Identifier: MIT */
/* Partials: what is saved is loaded, any bytes end in a status, and merging is a sum of rows. */
#include "codec/crc32.h"
#include "core/bytes.h"
#include "support/alloc_count.h"
#include "support/plan_ask.h"

TestSuite(partial, .timeout = 120);

struct bytes {
    char p[1 << 16];
    size_t len;
};

static int keep(void *ctx, const char *data, size_t len)
{
    struct bytes *b = ctx;
    cr_assert_leq(len, sizeof b->p - b->len);
    memcpy(b->p + b->len, data, len);
    b->len += len;
    return 0;
}

static int refuse(void *ctx, const char *data, size_t len)
{
    (void)ctx, (void)data, (void)len;
    return -1;
}

/* Plans with everything that a partial has, and rows for each: cells of flowlog_plan_fields. */
static const struct question {
    const char *plan;
    const char *cells[60];
    size_t count;
} questions[] = {
    {"select count", {"1", "2", "3"}, 3},
    {"key srcaddr | select sum(bytes) as b, count | sort b desc | limit 10",
     {"10.0.0.1", "5", "::1", "7", "10.0.0.1", "-", "-", "9"}, 8},
    {"key srcaddr/24/63,service,bin(start,5m),pair(srcaddr,dstaddr),action,My-Field | nulls | max 99 | per 3 service | sort service",
     {"10.0.0.1", "22", "50000", "6", "-5", "::1", "REJECT", "a text longer than eight", /* row */
      "2001:db8::1", "-", "-", "1", "700", "-", "MAYBE", "", /* row */
      "-", "-", "-", "-", "-", "-", "-", "-"}, 24},
    {"key protocol | select min(start), max(bytes), avg(bytes), stddev(bytes), distinct(srcaddr), p99.9(bytes), "
     "first(action), last(interface-id), or(protocol), count(bytes)",
     {"6", "100", "5", "10.0.0.1", "ACCEPT", "eni-1", "6", "90", "6", "::1", "REJECT", "eni-2", "17", "-", "-", "-",
      "-", "-"}, 18},
    {"key protocol | where bytes > 3 and not (dst port in [22 443] or src net 10.0.0.0/8) | select count where reject as r, "
     "sum(bytes) where action = MAYBE as m",
     {"6", "REJECT", "5", "80", "192.0.2.1", "6", "MAYBE", "2", "80", "192.0.2.1", "17", "-", "7", "53", "-"}, 15},
    {"key protocol | select share(sum(bytes)) as s, rate(count) as r | sort s desc",
     {"6", "5", "100", "200", "17", "5", "50", "-", "1", "-", "-", "300"}, 12},
    {"key dstport | select sum(bytes)/count as mean, mean * 2 + 1 as twice, rate(sum(bytes))/share(count) as odd | having count > 0 "
     "and mean < 1M | having max(bytes) > 0 | sort mean desc",
     {"22", "5", "0", "9", "22", "7", "1", "2", "443", "1", "-", "-"}, 12},
    {"key hour,weekday(end) | where not (weekday in [mon-fri] and hour in [8-17]) and year(end) < 2100 | select count as n | nulls",
     {"1700000000", "1700000059", "1699704000", "-", "-7", "0", "-", "-"}, 8},
    {"key srcaddr | select count as n | sort n desc | max 2 | approximate",
     {"10.0.0.1", "10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.3", "::1"}, 6},
};

static flowlog_run *run_of(const struct question *q, flowlog_plan **plan)
{
    *plan = ask_plan(q->plan);
    return ask_run(*plan, q->cells, q->count);
}

static const char *answer(flowlog_run *run)
{
    flowlog_result *r = NULL;
    flowlog_error err = {0};
    cr_assert_eq(flowlog_run_finish(run, &r, &err), FLOWLOG_OK, "%s", err.message);
    const char *text = ask_text(r);
    flowlog_result_free(r);
    return text;
}

static void save(flowlog_run *run, struct bytes *b)
{
    flowlog_error err = {0};
    b->len = 0;
    cr_assert_eq(flowlog_run_save(run, keep, b, &err), FLOWLOG_OK, "%s", err.message);
}

static struct bytes first, second;

Test(partial, what_is_saved_is_loaded)
{
    for (size_t i = 0; i < COUNT(questions); i++) {
        flowlog_plan *p, *p2 = NULL;
        flowlog_run *run = run_of(&questions[i], &p), *run2 = NULL;
        flowlog_error err = {0};
        char text[4096], explain[4096];
        save(run, &first);
        cr_expect_eq(memcmp(first.p, "FLOWPART\1\0\0\0", 12), 0);
        cr_assert_eq(flowlog_run_load(first.p, first.len, NULL, &p2, &run2, &err), FLOWLOG_OK, "%s: %s at %llu",
                     questions[i].plan,
                     err.message, (unsigned long long)err.offset);
        flowlog_plan_explain(p, explain, sizeof explain);
        flowlog_plan_explain(p2, text, sizeof text);
        cr_expect_str_eq(text, explain);
        save(run2, &second);
        cr_expect(first.len == second.len && !memcmp(first.p, second.p, first.len), "%s", questions[i].plan);
        strcpy(text, answer(run));
        cr_expect_str_eq(answer(run2), text, "%s", questions[i].plan);
        /* both go on alike */
        cr_expect_eq(flowlog_run_merge(run, run2, &err), FLOWLOG_OK, "%s: %s", questions[i].plan, err.message);
        flowlog_run_free(run2);
        flowlog_plan_free(p2);
        flowlog_run_free(run);
        flowlog_plan_free(p);
    }
}

/* Load, and what loads must be what would be saved. */
static flowlog_status load(const void *data, size_t len, const char *what, size_t at)
{
    flowlog_plan *p = NULL;
    flowlog_run *run = NULL;
    flowlog_result *r = NULL;
    flowlog_error err = {0};
    const flowlog_status st = flowlog_run_load(data, len, NULL, &p, &run, &err);
    if (st < 0) {
        cr_assert_eq(err.status, st);
        cr_assert(!p && !run, "%s %zu", what, at);
        return st;
    }
    save(run, &second);
    cr_assert(second.len == len && !memcmp(second.p, data, len), "%s %zu", what, at);
    if (flowlog_run_finish(run, &r, &err) >= 0) flowlog_result_free(r);
    flowlog_run_free(run);
    flowlog_plan_free(p);
    return st;
}

struct large {
    char p[1 << 18];
    size_t len;
};

static int keep_large(void *ctx, const char *data, size_t len)
{
    struct large *b = ctx;
    cr_assert_leq(len, sizeof b->p - b->len);
    memcpy(b->p + b->len, data, len);
    b->len += len;
    return 0;
}

/* A list for either side is written out twice, which may be more text than a user may write. */
Test(partial, long_conditions_are_loaded_too)
{
    enum { ADDRESSES = 4000 };
    static char text[16 * ADDRESSES + 16];
    size_t len = (size_t)sprintf(text, "host in [");
    for (unsigned i = 0; i < ADDRESSES; i++) len += (size_t)sprintf(text + len, "%u.%u.0.1 ", 1 + i % 223, i / 223 * 2);
    strcpy(text + len, "]");
    flowlog_plan *p = NULL, *p2 = NULL;
    flowlog_run *run = NULL, *run2 = NULL;
    flowlog_error err = {0};
    static struct large large;
    cr_assert_eq(flowlog_plan_new(NULL, &p), FLOWLOG_OK);
    cr_assert_eq(flowlog_plan_where(p, text, &err), FLOWLOG_OK, "%s", err.message);
    cr_assert_eq(flowlog_run_begin(p, NULL, &run), FLOWLOG_OK);
    cr_assert_eq(flowlog_run_save(run, keep_large, &large, NULL), FLOWLOG_OK);
    cr_assert_gt(large.len, FLOWLOG_FILTER_TEXT_MAX);
    cr_assert_eq(flowlog_run_load(large.p, large.len, NULL, &p2, &run2, &err), FLOWLOG_OK, "%s", err.message);
    cr_expect_eq(flowlog_run_merge(run, run2, &err), FLOWLOG_OK, "%s", err.message);
    flowlog_run_free(run2);
    flowlog_plan_free(p2);
    flowlog_run_free(run);
    flowlog_plan_free(p);
}

Test(partial, every_beginning_of_one_is_refused)
{
    static char copy[sizeof first.p];
    for (size_t i = 0; i < COUNT(questions); i++) {
        flowlog_plan *p;
        flowlog_run *run = run_of(&questions[i], &p);
        save(run, &first);
        for (size_t len = 0; len < first.len; len++) {
            cr_expect_eq(load(first.p, len, "length", len), FLOWLOG_E_CORRUPT);
            if (len < 24) continue;
            /* also when its length and checksum are made to fit */
            memcpy(copy, first.p, len);
            fl_store64(copy + 12, len - 24);
            const uint32_t crc = flowlog__crc32(0, copy, len - 4);
            for (int k = 0; k < 4; k++) copy[len - 4 + (size_t)k] = (char)(crc >> 8 * k);
            cr_expect_eq(load(copy, len, "length", len), FLOWLOG_E_CORRUPT);
        }
        flowlog_run_free(run);
        flowlog_plan_free(p);
    }
}

Test(partial, flipped_bits_are_found_by_the_checksum_and_by_the_loader)
{
    uint64_t state = 88172645463325252ULL;
    for (size_t i = 0; i < COUNT(questions); i++) {
        flowlog_plan *p;
        flowlog_run *run = run_of(&questions[i], &p);
        save(run, &first);
        for (int round = 0; round < 2000; round++) {
            state ^= state << 13, state ^= state >> 7, state ^= state << 17;
            static char copy[sizeof first.p];
            memcpy(copy, first.p, first.len);
            const size_t at = (size_t)(state >> 8) % first.len;
            copy[at] = (char)(copy[at] ^ (1 << (state & 7)));
            const flowlog_status st = load(copy, first.len, "flip", at);
            cr_assert(st == FLOWLOG_E_CORRUPT || (st == FLOWLOG_E_UNSUPPORTED && at >= 8 && at < 12), "%zu: %d", at,
                      (int)st);
            if (at < 20 || at >= first.len - 4) continue;
            copy[at] = (char)(state >> 40); /* a byte of any kind, and a checksum that fits */
            const uint32_t crc = flowlog__crc32(0, copy, first.len - 4);
            for (int k = 0; k < 4; k++) copy[first.len - 4 + (size_t)k] = (char)(crc >> 8 * k);
            (void)load(copy, first.len, "byte", at);
        }
        flowlog_run_free(run);
        flowlog_plan_free(p);
    }
}

Test(partial, a_later_version_is_not_supported)
{
    flowlog_plan *p;
    flowlog_run *run = run_of(&questions[0], &p);
    flowlog_error err = {0};
    save(run, &first);
    first.p[8] = 2;
    cr_expect_eq(load(first.p, first.len, "version", 2), FLOWLOG_E_UNSUPPORTED);
    first.p[8] = 0;
    cr_expect_eq(load(first.p, first.len, "version", 0), FLOWLOG_E_CORRUPT);
    cr_expect_eq(flowlog_run_save(run, refuse, NULL, &err), FLOWLOG_E_IO);
    cr_expect_eq(flowlog_run_save(run, NULL, NULL, &err), FLOWLOG_E_ARGUMENT);
    cr_expect_eq(flowlog_run_save(NULL, keep, &first, &err), FLOWLOG_E_ARGUMENT);
    flowlog_run_free(run);
    flowlog_plan_free(p);
}

/* Rows dealt to three runs, merged in every order, are the rows of one run, byte by byte. */
Test(partial, merged_in_any_order_is_all_rows_at_once)
{
    static const int orders[][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
    for (size_t i = 0; i + 1 < COUNT(questions); i++) { /* the last one is approximate */
        const struct question *q = &questions[i];
        flowlog_plan *p;
        flowlog_run *whole = run_of(q, &p), *part[3];
        save(whole, &first);
        const uint32_t columns = ask_columns(p) ? ask_columns(p) : 1;
        for (size_t o = 0; o < COUNT(orders); o++) {
            flowlog_error err = {0};
            for (size_t k = 0; k < 3; k++) {
                const char *cells[COUNT(q->cells)];
                size_t count = 0;
                for (size_t r = k; r < q->count / columns; r += 3)
                    for (uint32_t c = 0; c < columns; c++) cells[count++] = q->cells[r * columns + c];
                part[k] = ask_run(p, cells, count);
            }
            for (size_t k = 1; k < 3; k++)
                cr_assert_eq(flowlog_run_merge(part[orders[o][0]], part[orders[o][k]], &err), FLOWLOG_OK, "%s",
                             err.message);
            save(part[orders[o][0]], &second);
            cr_expect(first.len == second.len && !memcmp(first.p, second.p, first.len), "%s", q->plan);
            for (size_t k = 0; k < 3; k++) flowlog_run_free(part[k]);
        }
        flowlog_run_free(whole);
        flowlog_plan_free(p);
    }
}

Test(partial, runs_of_other_plans_are_not_merged)
{
    flowlog_plan *a = ask_plan("key srcaddr | select count"), *b = ask_plan("key dstaddr | select count"),
                 *c = ask_plan("key src_addr | select count");
    flowlog_run *ra, *rb, *rc;
    flowlog_error err = {0};
    cr_assert_eq(flowlog_run_begin(a, NULL, &ra), FLOWLOG_OK);
    cr_assert_eq(flowlog_run_begin(b, NULL, &rb), FLOWLOG_OK);
    cr_assert_eq(flowlog_run_begin(c, NULL, &rc), FLOWLOG_OK);
    cr_expect_eq(flowlog_run_merge(ra, rb, &err), FLOWLOG_E_ARGUMENT);
    cr_expect_eq(flowlog_run_merge(ra, ra, &err), FLOWLOG_E_ARGUMENT);
    cr_expect_eq(flowlog_run_merge(ra, NULL, &err), FLOWLOG_E_ARGUMENT);
    cr_expect_eq(flowlog_run_merge(ra, rc, &err), FLOWLOG_OK, "which is usable after all that");
    flowlog_run_free(ra);
    flowlog_run_free(rb);
    flowlog_run_free(rc);
    flowlog_plan_free(a);
    flowlog_plan_free(b);
    flowlog_plan_free(c);
}

Test(partial, memory_that_runs_out_ends_in_a_status)
{
    for (size_t i = 0; i < COUNT(questions); i++) {
        flowlog_plan *p;
        flowlog_run *run = run_of(&questions[i], &p);
        save(run, &first);
        for (size_t fail_at = 1;; fail_at++) {
            struct test_alloc t;
            const flowlog_alloc a = test_alloc_init(&t, fail_at);
            flowlog_plan *p2 = NULL;
            flowlog_run *run2 = NULL;
            flowlog_status st = flowlog_run_load(first.p, first.len, &a, &p2, &run2, NULL);
            second.len = 0;
            if (st >= 0) st = flowlog_run_save(run2, keep, &second, NULL);
            if (st >= 0) st = flowlog_run_merge(run2, run, NULL);
            flowlog_run_free(run2);
            flowlog_plan_free(p2);
            cr_assert(t.live_bytes == 0 && t.live_blocks == 0 && t.wrong_lengths == 0, "%s: request %zu",
                      questions[i].plan, fail_at);
            if (st >= 0) break;
            cr_assert_eq(st, FLOWLOG_E_MEMORY, "%s: request %zu: %d", questions[i].plan, fail_at, (int)st);
        }
        flowlog_run_free(run);
        flowlog_plan_free(p);
    }
}
