/* SPDX-License-Identifier: MIT */
/*
 * Random plans over random logs: threads, files in another order, shuffled lines and partials that are saved, loaded
 * and merged give the same bytes; and DuckDB gives the same rows, where $FLOWLOG_DUCKDB names a libduckdb.so (as
 * bench/get-peers prints it).  $FLOWLOG_PLANS is how many plans are drawn (default 600).
 *
 * SQL says what a plan says with four rewritings: a comparison with a null is false (coalesce), groups with a null
 * key are left out, NODATA and SKIPDATA rows too, and addresses are compared as numbers (IPv4; IPv6 only for
 * equality).  Decimals are compared to one part in a million.  Quantiles are asked of packets, which stay below 256,
 * where they are exact.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <criterion/criterion.h>
#include <dlfcn.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "flowlog.h"
#include "schema/services.h"

TestSuite(plan_duckdb, .timeout = 240);

static uint64_t state = 1;
static uint32_t rnd(uint32_t n)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (uint32_t)((state >> 16) % n);
}

/* --- logs ---------------------------------------------------------------------------------------------------- */

enum { FILES = 3, LINES = 1500, LINE = 200 };
static char line[FILES * LINES][LINE];
static char path[FILES + 1][64]; /* the last one holds all lines, shuffled */
static char directory[32];

static const char *address(void)
{
    static char text[2][40];
    static int which;
    char *t = text[which ^= 1];
    static const char *const v6[] = {"2001:db8::1", "2001:db8::2", "fe80::1"};
    if (rnd(12) == 0) return v6[rnd(3)];
    snprintf(t, sizeof text[0], "%u.%u.%u.%u", 9 + rnd(3), rnd(3), rnd(2) * 255, rnd(6));
    return t;
}

static const char *number(uint32_t below)
{
    static char text[4][16];
    static int which;
    char *t = text[which = (which + 1) % 4];
    if (rnd(25) == 0) return "-";
    snprintf(t, sizeof text[0], "%u", rnd(below));
    return t;
}

static void random_line(char *to)
{
    static const char *const ports[] = {"22", "80", "443", "3389", "40000", "51234"};
    const unsigned start = 1700000000 + rnd(4000);
    if (rnd(30) == 0) {
        snprintf(to, LINE, "2 123456789012 eni-%02u - - - - - - - %u %u - %s", rnd(5), start, start + 60,
                 rnd(2) ? "NODATA" : "SKIPDATA");
        return;
    }
    const char *from = rnd(40) ? address() : "-";
    snprintf(to, LINE, "2 123456789012 eni-%02u %s %s %s %s %s %s %s %u %u %s OK", rnd(5), from, address(),
             rnd(9) ? ports[rnd(6)] : number(65536), rnd(9) ? ports[rnd(6)] : number(65536), rnd(5) ? "6" : number(20),
             number(200), rnd(20) ? number(100000) : "4294967296123", start, start + rnd(60),
             rnd(30) ? rnd(3) ? "ACCEPT" : "REJECT" : "-");
}

static void write_file(const char *name, char (*const *lines)[LINE], uint32_t n)
{
    FILE *f = fopen(name, "w");
    cr_assert_not_null(f);
    fputs("version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action "
          "log-status\n", f);
    for (uint32_t i = 0; i < n; i++) fprintf(f, "%s\n", *lines[i]);
    cr_assert_eq(fclose(f), 0);
}

static void make_logs(void)
{
    static char(*all[FILES * LINES])[LINE];
    strcpy(directory, "/tmp/flowlog_plan_XXXXXX");
    cr_assert_not_null(mkdtemp(directory));
    for (uint32_t i = 0; i < FILES * LINES; i++) {
        random_line(line[i]);
        all[i] = &line[i];
    }
    for (uint32_t f = 0; f <= FILES; f++) {
        snprintf(path[f], sizeof path[f], "%s/%u.log", directory, f);
        if (f < FILES) write_file(path[f], all + f * LINES, LINES);
    }
    for (uint32_t i = FILES * LINES; i > 1; i--) {
        const uint32_t k = rnd(i);
        char(*swap)[LINE] = all[k];
        all[k] = all[i - 1];
        all[i - 1] = swap;
    }
    write_file(path[FILES], all, FILES * LINES);
}

static void remove_logs(void)
{
    for (uint32_t f = 0; f <= FILES; f++) unlink(path[f]);
    rmdir(directory);
}

/* --- plans --------------------------------------------------------------------------------------------------- */

/* The same in both languages. */
struct words {
    const char *flow, *sql; /* of a pair two columns, on two lines */
};

static const struct words conditions[] = {
    {"reject", "coalesce(action = 'REJECT', false)"},
    {"accept", "coalesce(action = 'ACCEPT', false)"},
    {"not reject", "not coalesce(action = 'REJECT', false)"},
    {"dst port 443", "coalesce(dstport = 443, false)"},
    {"port in [22 3389]", "(coalesce(srcport in (22, 3389), false) or coalesce(dstport in (22, 3389), false))"},
    {"tcp src port > 1023", "(coalesce(protocol = 6, false) and coalesce(srcport > 1023, false))"},
    {"not (tcp and bytes > 1K)", "not (coalesce(protocol = 6, false) and coalesce(bytes > 1000, false))"},
    {"src net 10.0.0.0/8", "coalesce(src between 167772160 and 184549375, false)"},
    {"net 9.1.0.0/16", "(coalesce(src between 151060480 and 151126015, false) or coalesce(dst between 151060480 and "
                       "151126015, false))"},
    {"dst host 2001:db8::1", "coalesce(dstaddr = '2001:db8::1', false)"},
    {"host in [10.1.0.3, 11.0.0.0/9]", "(coalesce(src = 167837699 or src between 184549376 and 192937983, false) or "
                                       "coalesce(dst = 167837699 or dst between 184549376 and 192937983, false))"},
    {"bpp > 300", "coalesce(packets > 0 and bytes > 300 * packets, false)"},
    {"duration >= 30", "coalesce(\"end\" - start >= 30, false)"},
    {"from 1700000500 to 1700003000", "coalesce(start >= 1700000500 and start < 1700003000, false)"},
    {"interface-id = eni-02", "coalesce(iface = 'eni-02', false)"},
    {"interface-id $= 3 or packets < 5", "(coalesce(iface like '%3', false) or coalesce(packets < 5, false))"},
    {"protocol != 6", "coalesce(protocol <> 6, false)"},
    {"srcport is null", "srcport is null"},
    {"hour = 22 or hour(end) in [0-11]", "(coalesce(hour(make_timestamp(start * 1000000)) = 22, false) or "
                                         "coalesce(hour(make_timestamp(\"end\" * 1000000)) between 0 and 11, false))"},
    {"not (weekday in [mon tue] and minute >= 20)", "not (coalesce(isodow(make_timestamp(start * 1000000)) in (1, 2), false) "
                                                    "and coalesce(minute(make_timestamp(start * 1000000)) >= 20, false))"},
    {"not bytes <= 50000 and portrange 80-443", "(not coalesce(bytes <= 50000, false) and (coalesce(srcport between "
                                                "80 and 443, false) or coalesce(dstport between 80 and 443, false)))"},
};
static const struct words keys[] = {
    {"srcaddr", "srcaddr"},
    {"dstaddr", "dstaddr"},
    {"srcport", "srcport"},
    {"dstport", "dstport"},
    {"protocol", "protocol"},
    {"action", "action"},
    {"interface-id", "iface"},
    {"bin(start,5m)", "start - start % 300"},
    {"bin(end,1h)", "\"end\" - \"end\" % 3600"},
    {"packets", "packets"},
    {"hour", "hour(make_timestamp(start * 1000000))"},
    {"weekday(end)", "isodow(make_timestamp(\"end\" * 1000000))"},
    {"minute", "minute(make_timestamp(start * 1000000))"},
    {"day", "day(make_timestamp(start * 1000000))"},
    {"srcaddr/16", "case when srcaddr like '%.%' then split_part(srcaddr,'.',1)||'.'||split_part(srcaddr,'.',2)||'.0.0/16' "
                   "when srcaddr like '2001%' then '2001:db8::/64' when srcaddr is not null then 'fe80::/64' end"},
    {"dstaddr/24,/127", "case when dstaddr like '%.%' then split_part(dstaddr,'.',1)||'.'||split_part(dstaddr,'.',2)||'.'"
                        "||split_part(dstaddr,'.',3)||'.0/24' when dstaddr like '2001%1' then '2001:db8::/127' "
                        "when dstaddr like '2001%' then '2001:db8::2/127' when dstaddr is not null then 'fe80::/127' end"},
    {"srcaddr/48", "case when srcaddr like '%.%' then srcaddr||'/32' when srcaddr like '2001%' then '2001:db8::/48' "
                   "when srcaddr is not null then 'fe80::/48' end"},
    {"pair(srcaddr,dstaddr)",
     "case when srcaddr is null or dstaddr is null then null when src <= dst then srcaddr when src > dst then dstaddr "
     "when src is not null then srcaddr when dst is not null then dstaddr else least(srcaddr, dstaddr) end\n"
     "case when srcaddr is null or dstaddr is null then null when src <= dst then dstaddr when src > dst then srcaddr "
     "when src is not null then dstaddr when dst is not null then srcaddr else greatest(srcaddr, dstaddr) end"},
    {"pair(srcport,dstport)", "case when srcport is not null and dstport is not null then least(srcport, dstport) end\n"
     "case when srcport is not null and dstport is not null then greatest(srcport, dstport) end"},
    {"service", "service"},
    {"dstaddr/8,/16", "case when dstaddr like '%.%' then split_part(dstaddr,'.',1)||'.0.0.0/8' "
                      "when dstaddr like '2001%' then '2001::/16' when dstaddr is not null then 'fe80::/16' end"},
};
static const struct words columns[] = {
    {"count", "count(*)"},
    {"count(srcport)", "count(srcport)"},
    {"sum(bytes)", "coalesce(sum(bytes), 0)"},
    {"sum(packets)", "coalesce(sum(packets), 0)"},
    {"min(bytes)", "min(bytes)"},
    {"max(start)", "max(start)"},
    {"max(dstport)", "max(dstport)"},
    {"avg(bytes)", "avg(bytes)"},
    {"stddev(packets)", "stddev_samp(packets)"},
    {"distinct(dstport)", "count(distinct dstport)"},
    {"distinct(srcaddr)", "count(distinct srcaddr)"},
    {"p50(packets)", "quantile_disc(packets, 0.5)"},
    {"p99.9(packets)", "quantile_disc(packets, 0.999)"},
    {"first(bytes)", "(min({s: start, v: bytes}) filter (where bytes is not null)).v"},
    {"last(dstport)", "(max({s: start, v: dstport}) filter (where dstport is not null)).v"},
    {"or(packets)", "coalesce(bit_or(packets), 0)"},
    {"count where reject", "count(*) filter (where action = 'REJECT')"},
    {"sum(bytes) where dst port 443", "coalesce(sum(bytes) filter (where dstport = 443), 0)"},
    {"distinct(dstaddr) where tcp", "count(distinct dstaddr) filter (where protocol = 6)"},
    {"sum(bytes) / count", "coalesce(sum(bytes), 0) / nullif(count(*), 0)"},
    {"sum(bytes) - sum(packets) * 2", "coalesce(sum(bytes), 0) - coalesce(sum(packets), 0) * 2"},
    {"share(count)", "count(*) / nullif(sum(count(*)) over (), 0)"},
    {"max(packets) where reject", "max(packets) filter (where action = 'REJECT')"},
};
#define COUNT(a) ((uint32_t)(sizeof(a) / sizeof(a)[0]))

struct question {
    uint32_t conditions, condition[3], keys, key[3], columns, column[4];
    uint32_t having; /* of count, more than so many; 0: none */
    int descending, or_else;
    uint64_t limit;
};

static uint32_t draw_distinct(uint32_t *to, uint32_t count, uint32_t of)
{
    for (uint32_t i = 0; i < count; i++)
        for (int again = 1; again;) {
            to[i] = rnd(of);
            again = 0;
            for (uint32_t k = 0; k < i; k++) again |= to[k] == to[i];
        }
    return count;
}

static struct question draw(void)
{
    struct question q = {0};
    q.conditions = draw_distinct(q.condition, rnd(4), COUNT(conditions));
    q.keys = draw_distinct(q.key, rnd(4), COUNT(keys));
    q.columns = draw_distinct(q.column, 1 + rnd(4), COUNT(columns));
    q.having = rnd(3) ? 0 : 1 + rnd(20);
    q.or_else = rnd(3) == 0;
    q.descending = (int)rnd(2);
    q.limit = rnd(4) ? 0 : 1 + rnd(10);
    return q;
}

static void add(char *to, const char *a, const char *b, const char *c)
{
    strcat(to, a);
    strcat(to, b);
    strcat(to, c);
}

static flowlog_plan *plan_of(const struct question *q)
{
    flowlog_plan *p = NULL;
    flowlog_error err = {0};
    char text[2048] = "";
    cr_assert_eq(flowlog_plan_new(NULL, &p), FLOWLOG_OK);
    for (uint32_t i = 0; i < q->conditions; i++)
        add(text, i ? q->or_else ? " or (" : " and (" : "(", conditions[q->condition[i]].flow, ")");
    cr_assert_eq(flowlog_plan_where(p, text, &err), FLOWLOG_OK, "%s: %s", text, err.message);
    for (uint32_t i = 0; i < q->keys; i++)
        cr_assert_eq(flowlog_plan_key(p, keys[q->key[i]].flow, &err), FLOWLOG_OK, "%s", err.message);
    for (uint32_t i = 0; i < q->columns; i++) {
        snprintf(text, sizeof text, "%s as c%u", columns[q->column[i]].flow, (unsigned)i);
        cr_assert_eq(flowlog_plan_select(p, text, &err), FLOWLOG_OK, "%s: %s", text, err.message);
    }
    snprintf(text, sizeof text, "count > %u", (unsigned)q->having);
    if (q->having) cr_assert_eq(flowlog_plan_having(p, text, &err), FLOWLOG_OK, "%s", err.message);
    cr_assert_eq(flowlog_plan_sort(p, "c0", q->descending, &err), FLOWLOG_OK, "%s", err.message);
    return p;
}

/* --- answers ------------------------------------------------------------------------------------------------- */

static int put(void *ctx, const char *data, size_t len) { return fwrite(data, 1, len, ctx) == len ? 0 : -1; }

static char *json_of(const flowlog_result *r)
{
    char *text = NULL;
    size_t len = 0;
    FILE *f = open_memstream(&text, &len);
    flowlog_error err = {0};
    cr_assert_eq(flowlog_write_result(r, FLOWLOG_FORM_JSON, put, f, NULL, &err), FLOWLOG_OK, "%s", err.message);
    fclose(f);
    return text;
}

static flowlog_source *source_of(const char *const *paths, size_t n)
{
    flowlog_source *s = NULL;
    flowlog_error err = {0};
    cr_assert_eq(flowlog_source_paths(paths, n, 0, NULL, &s, &err), FLOWLOG_OK, "%s", err.message);
    return s;
}

static char *answer(const flowlog_plan *p, const char *const *paths, size_t n, uint32_t threads)
{
    flowlog_run_options o = FLOWLOG_RUN_OPTIONS_INIT;
    flowlog_source *s = source_of(paths, n);
    flowlog_result *r = NULL;
    flowlog_error err = {0};
    o.threads = threads;
    cr_assert_eq(flowlog_plan_run(p, s, &o, &r, &err), FLOWLOG_OK, "%s", err.message);
    char *text = json_of(r);
    flowlog_result_free(r);
    flowlog_source_close(s);
    return text;
}

/* One partial a file, saved and loaded, merged from the last to the first. */
static char *answer_by_partials(const flowlog_plan *p)
{
    flowlog_run *total = NULL;
    flowlog_plan *plans[FILES] = {0};
    flowlog_error err = {0};
    for (int f = FILES - 1; f >= 0; f--) {
        const char *const one[] = {path[f]};
        flowlog_source *s = source_of(one, 1);
        flowlog_run *run = NULL, *loaded = NULL;
        char *bytes = NULL;
        size_t len = 0;
        FILE *out = open_memstream(&bytes, &len);
        cr_assert_eq(flowlog_plan_collect(p, s, NULL, &run, &err), FLOWLOG_OK, "%s", err.message);
        cr_assert_eq(flowlog_run_save(run, put, out, &err), FLOWLOG_OK, "%s", err.message);
        fclose(out);
        cr_assert_eq(flowlog_run_load(bytes, len, NULL, &plans[f], &loaded, &err), FLOWLOG_OK, "%s", err.message);
        if (total) {
            cr_assert_eq(flowlog_run_merge(loaded, total, &err), FLOWLOG_OK, "%s", err.message);
            flowlog_run_free(total);
        }
        total = loaded;
        free(bytes);
        flowlog_run_free(run);
        flowlog_source_close(s);
    }
    flowlog_result *r = NULL;
    cr_assert_eq(flowlog_run_finish(total, &r, &err), FLOWLOG_OK, "%s", err.message);
    char *text = json_of(r);
    flowlog_result_free(r);
    flowlog_run_free(total);
    for (int f = 0; f < FILES; f++) flowlog_plan_free(plans[f]);
    return text;
}

static uint32_t plans_wanted(void)
{
    const char *n = getenv("FLOWLOG_PLANS");
    return n ? (uint32_t)strtoul(n, NULL, 10) : 600;
}

Test(plan_duckdb, order_files_threads_and_partials_do_not_change_a_byte)
{
    const char *const there[] = {path[0], path[1], path[2]}, *const back[] = {path[2], path[0], path[1]};
    const char *const shuffled[] = {path[FILES]};
    make_logs();
    for (uint32_t i = 0, n = plans_wanted() / 4; i < n; i++) {
        const struct question q = draw();
        flowlog_plan *p = plan_of(&q);
        char explained[4096];
        flowlog_plan_explain(p, explained, sizeof explained);
        cr_assert_eq(flowlog_plan_limit(p, q.limit), FLOWLOG_OK);
        char *const want = answer(p, there, 3, 1), *const got[] = {answer(p, back, 3, 1), answer(p, shuffled, 1, 1),
                                                                    answer(p, there, 3, 2), answer(p, back, 3, 4),
                                                                    answer_by_partials(p)};
        static const char *const what[] = {"files in another order", "shuffled lines", "two threads", "four threads",
                                           "partials"};
        for (uint32_t k = 0; k < COUNT(got); k++) {
            cr_assert_str_eq(want, got[k], "%s: %s", what[k], explained);
            free(got[k]);
        }
        free(want);
        flowlog_plan_free(p);
    }
    remove_logs();
}

/* --- DuckDB -------------------------------------------------------------------------------------------------- */

/* Its C API, as far as it is used. */
typedef struct {
    uint64_t column_count, row_count, rows_changed;
    void *columns;
    char *error_message;
    void *internal;
} db_result;

static struct {
    int (*open)(const char *, void **);
    int (*connect)(void *, void **);
    int (*query)(void *, const char *, db_result *);
    const char *(*error)(db_result *);
    uint64_t (*rows)(db_result *);
    char *(*text)(db_result *, uint64_t column, uint64_t row);
    void (*destroy)(db_result *);
    void (*free)(void *);
} db;

static void *connection;

static db_result ask(const char *sql)
{
    db_result r;
    memset(&r, 0, sizeof r);
    if (db.query(connection, sql, &r)) cr_assert(0, "%s: %s", sql, db.error(&r));
    return r;
}

/* How much a port looks like a server's: 3, 1 or 0, as value.h says. */
static void put_points(char *to, const char *port)
{
    static const uint32_t by[] = {FL_PROTO_TCP, FL_PROTO_UDP};
    to += sprintf(to, "case when %s between 1 and 1023", port);
    for (uint32_t i = 0; i < COUNT(by); i++) {
        to += sprintf(to, " or (protocol = %u and %s in (-1", (unsigned)by[i], port); /* -1: never */
        for (uint32_t p = 1024; p < 65536; p++)
            if (flowlog__service_name(by[i], p)) to += sprintf(to, ",%u", (unsigned)p);
        to += sprintf(to, "))");
    }
    sprintf(to, " then 3 when %s < 32768 then 1 else 0 end", port);
}

/* One more column of the table: protocol/port. */
static void add_services(void)
{
    char *sql = malloc(16384), *points = malloc(4096);
    strcpy(sql, "create table t as select *, case when protocol > 255 then null "
                "when protocol not in (6, 17, 132) then protocol || '/0' "
                "when srcport is not null and dstport is not null then protocol || '/' || (case when src_points = dst_points "
                "then least(srcport, dstport) when src_points > dst_points then srcport else dstport end) end as service "
                "from (select *, ");
    put_points(points, "srcport");
    add(sql, points, " as src_points, ", "");
    put_points(points, "dstport");
    add(sql, points, " as dst_points from lines)", "");
    db_result r = ask(sql);
    db.destroy(&r);
    free(points);
    free(sql);
}

static void load_duckdb(const char *library)
{
    void *lib = dlopen(library, RTLD_NOW | RTLD_LOCAL), *base = NULL;
    cr_assert_not_null(lib, "%s", dlerror());
#define LOAD(member, name) *(void **)&db.member = dlsym(lib, name)
    LOAD(open, "duckdb_open");
    LOAD(connect, "duckdb_connect");
    LOAD(query, "duckdb_query");
    LOAD(error, "duckdb_result_error");
    LOAD(rows, "duckdb_row_count");
    LOAD(text, "duckdb_value_varchar");
    LOAD(destroy, "duckdb_destroy_result");
    LOAD(free, "duckdb_free");
    cr_assert_eq(db.open(NULL, &base), 0);
    cr_assert_eq(db.connect(base, &connection), 0);
    char sql[2048];
    snprintf(sql, sizeof sql,
             "create table lines as select *, "
             "case when srcaddr like '%%.%%' then split_part(srcaddr,'.',1)::bigint*16777216+split_part(srcaddr,'.',2)::bigint*65536"
             "+split_part(srcaddr,'.',3)::bigint*256+split_part(srcaddr,'.',4)::bigint end as src, "
             "case when dstaddr like '%%.%%' then split_part(dstaddr,'.',1)::bigint*16777216+split_part(dstaddr,'.',2)::bigint*65536"
             "+split_part(dstaddr,'.',3)::bigint*256+split_part(dstaddr,'.',4)::bigint end as dst "
             "from read_csv('%s', delim=' ', header=true, nullstr='-', auto_detect=false, columns={'version':'INTEGER',"
             "'account':'VARCHAR','iface':'VARCHAR','srcaddr':'VARCHAR','dstaddr':'VARCHAR','srcport':'BIGINT',"
             "'dstport':'BIGINT','protocol':'BIGINT','packets':'BIGINT','bytes':'BIGINT','start':'BIGINT','end':'BIGINT',"
             "'action':'VARCHAR','status':'VARCHAR'}) where status = 'OK'", path[FILES]);
    db_result r = ask(sql);
    db.destroy(&r);
    add_services();
}

/* All key columns, each behind `before`, and behind `after` the next one; how many there are. */
static uint32_t add_keys(char *sql, const struct question *q, const char *first, const char *before, const char *after)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < q->keys; i++)
        for (const char *p = keys[q->key[i]].sql; p; p = strchr(p, '\n') ? strchr(p, '\n') + 1 : NULL) {
            strcat(sql, n++ ? before : first);
            strncat(sql, p, strcspn(p, "\n"));
            strcat(sql, after);
        }
    return n;
}

/* Returns how many key columns there are. */
static uint32_t sql_of(const struct question *q, char *sql)
{
    strcpy(sql, "select 0");
    const uint32_t n = add_keys(sql, q, ", ", ", ", "");
    for (uint32_t i = 0; i < q->columns; i++) add(sql, ", ", columns[q->column[i]].sql, "");
    strcat(sql, ", count(*) as n from t where (");
    for (uint32_t i = 0; i < q->conditions; i++)
        add(sql, i ? q->or_else ? " or " : " and " : "", conditions[q->condition[i]].sql, "");
    strcat(sql, q->conditions ? ")" : "true)");
    add_keys(sql, q, " and (", " and (", ") is not null");
    add_keys(sql, q, " group by ", ", ", "");
    return n;
}

enum { CELLS = 10, CELL = 64 };
struct row {
    char cell[CELLS][CELL];
};

static uint32_t sorted_keys; /* of the comparison below */
static int compare_rows(const void *a, const void *b)
{
    const struct row *x = a, *y = b;
    for (uint32_t k = 0; k < sorted_keys; k++) {
        const int c = strcmp(x->cell[k], y->cell[k]);
        if (c) return c;
    }
    return 0;
}

static void put_cell(char *cell, const char *text) { snprintf(cell, CELL, "%s", text ? text : "-"); }

static uint32_t rows_of_duckdb(const struct question *q, uint32_t cells, const char *sql, struct row *rows,
                               uint32_t max)
{
    db_result r = ask(sql);
    const uint64_t count = db.rows(&r);
    uint32_t n = 0;
    for (uint64_t i = 0; i < count; i++) {
        char *total = db.text(&r, 1 + cells, i);
        const unsigned long members = strtoul(total, NULL, 10);
        db.free(total);
        if (q->having && members <= q->having) continue;
        cr_assert_lt(n, max);
        for (uint32_t c = 0; c < cells; c++) {
            char *text = db.text(&r, 1 + c, i);
            put_cell(rows[n].cell[c], text);
            db.free(text);
        }
        n++;
    }
    db.destroy(&r);
    return n;
}

static uint32_t rows_of_ours(const struct question *q, uint32_t cells, struct row *rows, uint32_t max)
{
    const char *const there[] = {path[0], path[1], path[2]};
    flowlog_plan *p = plan_of(q);
    flowlog_source *s = source_of(there, 3);
    flowlog_result *r = NULL;
    flowlog_error err = {0};
    cr_assert_eq(flowlog_plan_run(p, s, NULL, &r, &err), FLOWLOG_OK, "%s", err.message);
    const uint32_t n = (uint32_t)flowlog_result_rows(r);
    cr_assert_lt(n, max);
    cr_assert_eq(flowlog_result_columns(r), cells);
    for (uint32_t i = 0; i < n; i++)
        for (uint32_t c = 0; c < cells; c++) {
            flowlog_value v;
            cr_assert_eq(flowlog_result_value(r, i, c, &v), FLOWLOG_OK);
            if (v.type == FLOWLOG_TYPE_SERVICE && !v.is_null)
                snprintf(rows[i].cell[c], CELL, "%u/%u", (unsigned)(v.number >> 16), (unsigned)(v.number & 0xFFFF));
            else flowlog_value_format(&v, rows[i].cell[c], CELL);
        }
    flowlog_result_free(r);
    flowlog_source_close(s);
    flowlog_plan_free(p);
    return n;
}

static int same_cell(const char *a, const char *b)
{
    if (!strcmp(a, b)) return 1;
    char *end_a, *end_b;
    const double x = strtod(a, &end_a), y = strtod(b, &end_b);
    return !*end_a && !*end_b && fabs(x - y) <= 1e-6 * fmax(1, fmax(fabs(x), fabs(y)))
           && (strpbrk(a, ".e") || strpbrk(b, ".e"));
}

Test(plan_duckdb, duckdb_gives_the_same_rows)
{
    const char *library = getenv("FLOWLOG_DUCKDB");
    if (!library || !*library) {
        fprintf(stderr, "SKIPPED: DuckDB is asked only where FLOWLOG_DUCKDB names a libduckdb.so\n");
        return;
    }
    enum { ROWS = FILES * LINES + 1 };
    struct row *ours = malloc(ROWS * sizeof *ours), *theirs = malloc(ROWS * sizeof *theirs);
    char *sql = malloc(16384);
    uint64_t rows = 0;
    make_logs();
    load_duckdb(library);
    const uint32_t plans = plans_wanted();
    for (uint32_t i = 0; i < plans; i++) {
        const struct question q = draw();
        const uint32_t key_columns = sql_of(&q, sql), cells = key_columns + q.columns;
        const uint32_t n = rows_of_ours(&q, cells, ours, ROWS), m = rows_of_duckdb(&q, cells, sql, theirs, ROWS);
        cr_assert_eq(n, m, "%u rows and not %u: %s", (unsigned)n, (unsigned)m, sql);
        sorted_keys = key_columns;
        qsort(ours, n, sizeof *ours, compare_rows);
        qsort(theirs, m, sizeof *theirs, compare_rows);
        for (uint32_t r = 0; r < n; r++)
            for (uint32_t c = 0; c < cells; c++)
                cr_assert(same_cell(ours[r].cell[c], theirs[r].cell[c]), "row %u, column %u: %s and not %s: %s",
                          (unsigned)r, (unsigned)c, ours[r].cell[c], theirs[r].cell[c], sql);
        rows += n;
    }
    fprintf(stderr, "%u plans, %llu rows compared with DuckDB\n", (unsigned)plans, (unsigned long long)rows);
    cr_assert_gt(rows, plans);
    remove_logs();
    free(ours);
    free(theirs);
    free(sql);
}
