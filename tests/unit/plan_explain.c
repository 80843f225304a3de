/* SPDX-License-Identifier: MIT */
/* Plans in their canonical form: equal questions are equal texts, and different ones are not. */
#include "support/alloc_count.h"
#include "support/plan_ask.h"

TestSuite(explain, .timeout = 30);

static void expect(const char *plan, const char *text)
{
    cr_expect_str_eq(ask_explain(plan), text, "%s\n%s", plan, ask_explain(plan));
}

Test(explain, has_only_the_parts_that_a_plan_has)
{
    flowlog_plan *p = NULL;
    char text[64];
    cr_assert_eq(flowlog_plan_new(NULL, &p), FLOWLOG_OK);
    cr_expect_eq(flowlog_plan_explain(p, text, sizeof text), strlen("(plan flx 2vl (stage))"));
    cr_expect_str_eq(text, "(plan flx 2vl (stage))");
    flowlog_plan_free(p);
    expect("select count", "(plan flx 2vl (stage (aggs (a0 count)) (out (\"count\" a0))))");
    expect("key action", "(plan flx 2vl (stage (keys (k0 action)) (out (\"action\" k0))))");
    expect("where  ", "(plan flx 2vl (stage))");
    expect("where reject", "(plan flx 2vl (stage (filter (eq action \"REJECT\"))))");
    expect("limit 3 | max 9 | nulls | approximate",
           "(plan flx 2vl (stage (limit 3) (nulls keep) (max-groups 9) (approximate)))");
    expect("max 16777216", "(plan flx 2vl (stage))");
}

Test(explain, writes_keys_as_expressions)
{
    expect("key srcaddr/24,dstaddr/47,pair(pkt-srcaddr,pkt-dstaddr),bin(start,5m),bin(end,1h),service,interface-id,My-Field",
           "(plan flx 2vl (stage (keys (k0 (prefix srcaddr 24 64)) (k1 (prefix dstaddr 32 47)) (k2 (least pkt_srcaddr pkt_dstaddr)) "
           "(k3 (greatest pkt_srcaddr pkt_dstaddr)) (k4 (bin @ts 300000)) (k5 (bin (from-unix end) 3600000)) (k6 (service)) "
           "(k7 interface_id) (k8 my_field)) (out (\"srcaddr/24\" k0) (\"dstaddr/47\" k1) "
           "(\"least(pkt-srcaddr,pkt-dstaddr)\" k2) (\"greatest(pkt-srcaddr,pkt-dstaddr)\" k3) (\"bin(start,5m)\" k4) "
           "(\"bin(end,1h)\" k5) (\"service\" k6) (\"interface-id\" k7) (\"My-Field\" k8))))");
}

static const char *remarks_of(const char *plan)
{
    static char text[1 << 12];
    char small[8];
    flowlog_plan *p = ask_plan(plan);
    const size_t len = flowlog_plan_remarks(p, text, sizeof text);
    cr_assert_eq(len, strlen(text));
    cr_assert(!len || text[len - 1] == '\n');
    cr_assert_eq(flowlog_plan_remarks(p, small, sizeof small), len);
    cr_assert_eq(strlen(small), len < sizeof small ? len : sizeof small - 1);
    cr_assert_eq(flowlog_plan_remarks(p, NULL, 0), len);
    flowlog_plan_free(p);
    return text;
}

Test(explain, remarks_are_those_that_concern_the_plan)
{
    /* each part of a plan, and a word of its remark that plans without that part do not have */
    static const char *const rows[][3] = {
        {"key log-status | nulls | select count", "select count", "NODATA"},
        {"key log-status | nulls", "key log-status", "without a key"},
        {"where reject and srcport is not null", "where not reject", "Athena drops the row"},
        {"select count where reject", "select count where not dst port 22", "Athena drops the row"},
        {"select count(srcaddr)", "select distinct(srcaddr)", "0.81 %"},
        {"select avg(bytes)", "select p95(bytes)", "256"},
        {"select avg(bytes)", "select sum(bytes)/count as mean", "64 bits"},
        {"select count | sort count", "select count | sort count | limit 3", "ties"},
        {"select count | sort count | limit 3", "key dstport | limit 3", "smallest keys"},
        {"key dstport | select count | per 3 dstport | sort count", "key dstport | per 3 dstport", "smallest keys"},
        {"key hour | select max(bytes)", "key bin(start,5m)", "2021-02-01"},
        {"key hour | select max(bytes)", "select max(end)", "2021-02-01"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        cr_expect_null(strstr(remarks_of(rows[i][0]), rows[i][2]), "%s: %s", rows[i][0], rows[i][2]);
        cr_expect_not_null(strstr(remarks_of(rows[i][1]), rows[i][2]), "%s: %s", rows[i][1], rows[i][2]);
    }
    cr_expect_str_eq(remarks_of("where ok"), "");
    cr_expect_eq(flowlog_plan_remarks(NULL, NULL, 0), 0);
}

Test(explain, writes_parts_of_times_as_sql_has_them)
{
    expect("key hour,weekday(end)", "(plan flx 2vl (stage (keys (k0 (extract hour @ts)) (k1 (extract day_of_week (from-unix end)))) "
                                    "(out (\"hour\" k0) (\"weekday(end)\" k1))))");
}

Test(explain, writes_aggregates_as_operations)
{
    expect("select count as a, count(action) as b, sum(bytes) as c, min(start) as d, max(end) as e, avg(packets) as f, "
           "stddev(packets) as g, distinct(dstport) as h, p95(bytes) as i, p99.9(bytes) as j, p0.125(bytes) as k, "
           "first(action) as l, last(tcp-flags) as m, or(tcp-flags) as n, sum(bytes) where reject as o",
           "(plan flx 2vl (stage (aggs (a0 count) (a1 count action) (a2 sum bytes) (a3 min start) (a4 max end) "
           "(a5 avg packets) (a6 stddev-samp packets) (a7 count-distinct dstport) (a8 pct bytes 95.0) (a9 pct bytes 99.9) "
           "(a10 pct bytes 0.125) (a11 min-by action start) (a12 max-by tcp_flags start) (a13 bit-or tcp_flags) "
           "(a14 sum bytes (where (eq action \"REJECT\")))) (out (\"a\" a0) (\"b\" a1) (\"c\" a2) (\"d\" a3) (\"e\" a4) "
           "(\"f\" a5) (\"g\" a6) (\"h\" a7) (\"i\" a8) (\"j\" a9) (\"k\" a10) (\"l\" a11) (\"m\" a12) (\"n\" a13) (\"o\" a14))))");
    expect("select count() as a, count(*) as b, count as c",
           "(plan flx 2vl (stage (aggs (a0 count)) (out (\"a\" a0) (\"b\" a0) (\"c\" a0))))");
    expect("select share(count) as s, rate(sum(bytes)) as r",
           "(plan flx 2vl (stage (aggs (a0 count) (a1 sum bytes)) (out (\"s\" (share a0)) (\"r\" (rate a1)))))");
    expect("select count as \"a \\ b'\"", "(plan flx 2vl (stage (aggs (a0 count)) (out (\"a \\\\ b'\" a0))))");
}

Test(explain, writes_order_and_limits)
{
    expect("key dstport,pair(srcaddr,dstaddr) | per 3 pair(src_addr, dst_addr)",
           "(plan flx 2vl (stage (keys (k0 dstport) (k1 (least srcaddr dstaddr)) (k2 (greatest srcaddr dstaddr))) "
           "(out (\"dstport\" k0) (\"least(srcaddr,dstaddr)\" k1) (\"greatest(srcaddr,dstaddr)\" k2)) (limit 3 per k1 k2)))");
    expect("key pair(srcaddr,dstaddr) | per 3 least(srcaddr,dstaddr)",
           "(plan flx 2vl (stage (keys (k0 (least srcaddr dstaddr)) (k1 (greatest srcaddr dstaddr))) "
           "(out (\"least(srcaddr,dstaddr)\" k0) (\"greatest(srcaddr,dstaddr)\" k1)) (limit 3 per k0)))");
    expect("key action,dstport | select count, sum(bytes) as b | sort b desc | sort dst_port | limit 10 | per 5 dstport",
           "(plan flx 2vl (stage (keys (k0 action) (k1 dstport)) (aggs (a0 count) (a1 sum bytes)) "
           "(out (\"action\" k0) (\"dstport\" k1) (\"count\" a0) (\"b\" a1)) (sort (a1 desc last) (k1 asc first)) "
           "(limit 5 per k1) (limit 10)))");
}

Test(explain, writes_expressions_and_conditions_on_groups)
{
    expect("key dstport | select count, sum(bytes)/count as mean | having count > 50 and mean < 1K | sort mean desc",
           "(plan flx 2vl (stage (keys (k0 dstport)) (aggs (a0 count) (a1 sum bytes)) (having (and (gt a0 50) (lt o1 1000))) "
           "(out (\"dstport\" k0) (\"count\" a0) (\"mean\" (fdiv a1 a0))) (sort ((fdiv a1 a0) desc last))))");
    expect("key dstport | select count | having avg(bytes) > 5 | having count > 1",
           "(plan flx 2vl (stage (keys (k0 dstport)) (aggs (a0 count) (a1 avg bytes)) (having (and (gt a1 5) (gt a0 1))) "
           "(out (\"dstport\" k0) (\"count\" a0))))");
}

/* Each pair asks the same. */
Test(explain, equal_questions_are_equal_texts)
{
    static const char *const rows[][2] = {
        {"key srcAddr,dst_port | select SUM(bytes) as b", "key srcaddr | key DSTPORT | select sum( BYTES ) as b"},
        {"key srcaddr/24,/64", "key src-addr/24"},
        {"key bin(start,3600s)", "key bin(startTime,1h)"},
        {"key my_field", "key my_field | where "},
        {"select count where reject as c", "select count() where action = REJECT as c"},
        {"select p95(bytes) as p", "select P95.00(bytes) as p"},
        {"select sum(bytes) as b, count as c", "select sum(bytes) as b | select count as c"},
        {"where reject and dst port 22", "where reject | where dst port 22"},
        {"select count as c, sum(bytes) as b | having count > 1",
         "having count > 1 | select count as c, sum(bytes) as b"},
        {"select sum(bytes) as b | having count > 1", "having count > 1 | select sum(bytes) as b"},
        {"select sum(bytes)/count as m, rate(count) as r",
         "having rate(count) > 0 or count < 1 | select sum(bytes)/count as m, rate(count) as r"},
        {"select count | limit 5", "limit 3 | select count | limit 5"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        char first[4096];
        strcpy(first, ask_explain(rows[i][0]));
        if (i == 10) { /* but for the condition */
            char *having = strstr(first, " (out ");
            const char *second = ask_explain(rows[i][1]), *out = strstr(second, " (out ");
            cr_expect(having && out && !strcmp(having, out), "%s\n%s", first, second);
            cr_expect_eq(strncmp(first, second, (size_t)(having - first)), 0, "%s\n%s", first, second);
            continue;
        }
        cr_expect_str_eq(first, ask_explain(rows[i][1]), "%s\n%s", first, ask_explain(rows[i][1]));
    }
}

Test(explain, different_questions_are_different_texts)
{
    static const char *const plans[] = {
        "key srcaddr", "key dstaddr", "key srcaddr,dstaddr", "key dstaddr,srcaddr", "key srcaddr/24",
            "key srcaddr/25",
        "key srcaddr/24/63", "key bin(start,1h)", "key bin(end,1h)", "key bin(start,2h)", "key pair(srcaddr,dstaddr)",
        "key service", "select count", "select count as c", "select count(bytes)", "select sum(bytes)",
            "select p50(bytes)",
        "select p50.1(bytes)", "select count where reject", "select count where accept", "select share(count)",
        "select rate(count)", "where reject", "where accept", "select count | limit 1", "select count | sort count",
        "select count | sort count desc", "key dstport | per 1 dstport", "nulls", "max 5", "approximate",
        "select count | having count > 1", "select count | having count > 2",
            "select count | having count(bytes) > 1",
    };
    for (size_t i = 0; i < COUNT(plans); i++)
        for (size_t k = 0; k < i; k++) {
            char first[4096];
            strcpy(first, ask_explain(plans[i]));
            cr_expect(strcmp(first, ask_explain(plans[k])), "%s and %s: %s", plans[i], plans[k], first);
        }
}

Test(explain, is_cut_to_its_room_and_ends_in_nul)
{
    flowlog_plan *p = ask_plan("key srcaddr | where reject | select count, sum(bytes)/count as m | having m > 5 | sort m");
    char whole[1024], part[1024];
    const size_t len = flowlog_plan_explain(p, whole, sizeof whole);
    cr_expect_eq(flowlog_plan_explain(p, NULL, 0), len);
    for (size_t cap = 0; cap <= len + 1; cap++) {
        memset(part, 'x', sizeof part);
        cr_expect_eq(flowlog_plan_explain(p, part, cap), len);
        const size_t kept = cap ? cap - 1 : 0;
        cr_expect_eq(memcmp(part, whole, kept), 0, "room %zu", cap);
        if (cap) cr_expect_eq(part[kept], '\0', "room %zu", cap);
        cr_expect_eq(part[cap], 'x', "room %zu", cap);
    }
    flowlog_plan_free(p);
    cr_expect_eq(flowlog_plan_explain(NULL, part, sizeof part), 0);
    cr_expect_str_eq(part, "");
}

/* --- one question, told in different ways ------------------------------------------------------------------- */

static uint64_t state;
static uint32_t rnd(uint32_t n)
{
    state ^= state << 13, state ^= state >> 7, state ^= state << 17;
    return (uint32_t)(state >> 32) % n;
}

/* Spellings of one part, the first of which is the plain one. */
static const char *const conditions[][4] = {
    {"action = REJECT", "reject", "(reject and reject)", "not not action eq 'reject'"},
    {"dstport in [22 3389]", "dst port in [3389 22]", "dst_port in (rdp, ssh, 22)", "(dst port [22 3389])"},
    {"srcaddr in 10.0.0.0/8", "src net 10.0.0.0/8", "srcAddr ^= 10.", "src net [10.0.0.0/9 10.128.0.0/9]"},
    {"bytes > 1000", "bytes gt 1K", "bytes > 1k", "(bytes > 1000 and true)"},
    {"hour >= 8", "hour(start) >= 8", "HOUR ge 8", "not not hour >= 8"},
    {"not protocol = 6", "not tcp", "! proto 6", "not (tcp or tcp)"},
};
static const char *const key_parts[][4] = {
    {"srcaddr/24", "src_addr / 24", "srcAddr/24,/64", "srcaddr/24/64"},
    {"bin(start,5m)", "bin( start , 300s )", "BIN(startTime,5m)", "bin(start_time,5m)"},
    {"hour", "hour(start)", "Hour", "HOUR( start )"},
    {"pair(srcport,dstport)", "pair(src_port,dst-port)", "Pair( srcPort , dstPort )", "pair(srcport,dstport)"},
    {"service", "Service", " service", "SERVICE"},
    {"interface-id", "interface_id", "interfaceId", "INTERFACE-ID"},
};
static const char *const outs[][4] = {
    {"count as c", "count() as c", "count(*) as c", "COUNT as c"},
    {"sum(bytes) as s", "Sum( bytes ) as s", "sum(bytes) as 's'", "sum(Bytes) as \"s\""},
    {"p95(packets) as p", "P95(packets) as p", "p95.0(packets) as p", "p95.00( packets ) as p"},
    {"count where action = REJECT as r", "count where reject as r", "count() where not not reject as r",
     "count where (reject) as r"},
    {"sum(bytes) / count as m", "(sum(bytes)) / count(*) as m", "sum(bytes)/count as m", "sum( bytes )/(count()) as m"},
    {"share(sum(packets)) as h", "Share(sum(packets)) as h", "share( sum(packets) ) as h", "share(SUM(packets)) as h"},
};
enum { PARTS = 6 };

/* `take` says which parts, in order; with `plain` in one step each and in the first spelling. */
static void explain(uint32_t where, uint32_t key, uint32_t out, uint64_t limit, int plain, char *text, size_t cap)
{
    flowlog_plan *p = NULL;
    flowlog_error err = {0};
    const uint32_t take[3] = {where, key, out};
    uint32_t next[3] = {0, 0, 0};
    cr_assert_eq(flowlog_plan_new(NULL, &p), FLOWLOG_OK);
    if (!plain && rnd(2)) flowlog_plan_limit(p, limit + 1);
    for (int left = 1; left;) {
        const uint32_t kind = plain ? next[0] < PARTS ? 0 : next[1] < PARTS ? 1 : 2 : rnd(3);
        char step[1024] = "";
        do { /* one part, or several in one step */
            while (next[kind] < PARTS && !(take[kind] >> next[kind] & 1)) next[kind]++;
            if (next[kind] == PARTS) break;
            const char *const *spelt = (kind == 0 ? conditions : kind == 1 ? key_parts : outs)[next[kind]++];
            if (*step) strcat(step, kind ? ", " : " and ");
            strcat(step, spelt[plain ? 0 : rnd(4)]);
        } while (!plain && rnd(2));
        const flowlog_status status = !*step      ? FLOWLOG_OK
                                      : kind == 0 ? flowlog_plan_where(p, step, &err)
                                      : kind == 1 ? flowlog_plan_key(p, step, &err)
                                                  : flowlog_plan_select(p, step, &err);
        cr_assert_eq(status, FLOWLOG_OK, "%s: %s", step, err.message);
        left = next[0] < PARTS || next[1] < PARTS || next[2] < PARTS;
    }
    flowlog_plan_limit(p, limit);
    cr_assert_lt(flowlog_plan_explain(p, text, cap), cap);
    flowlog_plan_free(p);
}

Test(explain, equal_questions_are_equal_texts_however_they_are_told)
{
    static char plain[8192], told[8192], before[8192];
    state = UINT64_C(0x9E3779B97F4A7C15);
    for (uint32_t round = 0; round < 300; round++) {
        const uint32_t where = rnd(1u << PARTS), key = rnd(1u << PARTS), out = rnd(1u << PARTS);
        const uint64_t limit = rnd(3);
        explain(where, key, out, limit, 1, plain, sizeof plain);
        for (int i = 0; i < 5; i++) {
            explain(where, key, out, limit, 0, told, sizeof told);
            cr_assert_str_eq(told, plain, "round %u:\n%s\n%s", (unsigned)round, told, plain);
        }
        /* and another question is another text */
        explain(where, key ^ 1u << rnd(PARTS), out, limit, 1, before, sizeof before);
        cr_assert_str_neq(before, plain);
    }
}
