/* SPDX-License-Identifier: MIT */
/*
 * Others read our Arrow arrays: DuckDB takes millions of rows, through its chunks and its appender, and gives the sums
 * that whoever made the log counted; where $FLOWLOG_DUCKDB names a libduckdb.so (bench/get-peers prints it).
 * $FLOWLOG_ARROW_ROWS is how many rows (default 3000000).
 *
 * Not through duckdb_arrow_scan, which gives wrong sums (duckdb issue 17012).
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <criterion/criterion.h>
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flowlog.h"
#include "support/alloc_count.h"
#include "support/arrow_check.h"

TestSuite(arrow_peers, .timeout = 280);

/* --- a log that is written while it is read, and counted while it is written --------------------------------- */

enum { VECTOR = 2048 /* DuckDB 1.5 crashes when a chunk has more rows */ };
enum { INTERFACES = 40, SOURCES = 5000, LINE = 256 };

struct counts {
    uint64_t rows, nodata, bytes, packets, bytes_rows, srcaddr_len, srcaddr_rows, dst_octets, dstport, v6, tags_len;
    uint64_t accept, reject, other, of_eni[INTERFACES];
    uint64_t start_min, start_max;
};

struct generator {
    uint64_t rows, next, state;
    struct counts counts;
    char line[LINE];
    size_t len, at;
};

static uint32_t rnd(struct generator *g, uint32_t n)
{
    g->state ^= g->state << 13;
    g->state ^= g->state >> 7;
    g->state ^= g->state << 17;
    return (uint32_t)((g->state >> 16) % n);
}

static const char header[] = "interface-id srcaddr dstaddr dstport packets bytes start end action log-status my-tag vpc-id\n";

static void make_line(struct generator *g)
{
    struct counts *const c = &g->counts;
    const uint32_t eni = rnd(g, INTERFACES);
    const uint64_t start = 1700000000 + g->next / 7;
    char source[48] = "-", bytes[24] = "-", tag[64];
    c->rows++;
    c->of_eni[eni]++;
    if (!c->start_min) c->start_min = start;
    c->start_max = start;
    snprintf(tag, sizeof tag, "t%.*s%u", (int)rnd(g, 20), "abcdefghijklmnopqrstuvwxyz", rnd(g, 100000));
    c->tags_len += strlen(tag);
    if (rnd(g, 200) == 0) {
        c->nodata++;
        g->len = (size_t)snprintf(g->line, LINE, "eni-%u - - - - - %llu %llu - NODATA %s -\n", eni,
                                  (unsigned long long)start, (unsigned long long)start + 60, tag);
        return;
    }
    const uint32_t from = rnd(g, SOURCES), kind = rnd(g, 50);
    if (kind) {
        snprintf(source, sizeof source, from % 10 ? "10.0.%u.%u" : "2001:db8::%x:%x", 1 + from / 250, 1 + from % 250);
        c->srcaddr_rows++;
        c->srcaddr_len += strlen(source);
        c->v6 += from % 10 == 0;
    }
    if (rnd(g, 30)) {
        const uint64_t n = rnd(g, 1000) ? rnd(g, 100000) : 1000000000000 + rnd(g, 1000);
        snprintf(bytes, sizeof bytes, "%llu", (unsigned long long)n);
        c->bytes += n;
        c->bytes_rows++;
    }
    const uint32_t octet = rnd(g, 256), port = rnd(g, 65536), packets = rnd(g, 1000), what = rnd(g, 1000);
    c->dst_octets += octet;
    c->dstport += port;
    c->packets += packets;
    *(what == 0 ? &c->other : what < 300 ? &c->reject : &c->accept) += 1;
    g->len = (size_t)snprintf(g->line, LINE, "eni-%u %s 192.0.2.%u %u %u %s %llu %llu %s OK %s -\n", eni, source, octet,
                              port, packets, bytes, (unsigned long long)start, (unsigned long long)start + 60,
                              what == 0 ? "MAYBE" : what < 300 ? "REJECT" : "ACCEPT", tag);
}

static int64_t read_lines(void *ctx, void *to, size_t cap)
{
    struct generator *const g = ctx;
    size_t n = 0;
    while (n < cap) {
        if (g->at == g->len) {
            if (g->next == g->rows) break;
            g->at = 0;
            g->next++;
            make_line(g);
        }
        const size_t more = cap - n < g->len - g->at ? cap - n : g->len - g->at;
        memcpy((char *)to + n, g->line + g->at, more);
        g->at += more;
        n += more;
    }
    return (int64_t)n;
}

static void begin(struct generator *g, uint64_t rows, const flowlog_arrow_options *options,
                  struct ArrowArrayStream *stream)
{
    flowlog_source *source = NULL;
    flowlog_reader *reader = NULL;
    flowlog_error err = {0};
    memset(g, 0, sizeof *g);
    g->state = 88172645463325252u;
    g->rows = rows;
    memcpy(g->line, header, g->len = sizeof header - 1);
    cr_assert_eq(flowlog_source_callback(read_lines, g, "generated", NULL, &source, &err), FLOWLOG_OK, "%s", err.message);
    cr_assert_eq(flowlog_reader_open(source, NULL, &reader, &err), FLOWLOG_OK, "%s", err.message);
    cr_assert_eq(flowlog_reader_to_arrow(reader, options, stream, &err), FLOWLOG_OK, "%s", err.message);
}

static uint64_t rows_wanted(void)
{
    const char *n = getenv("FLOWLOG_ARROW_ROWS");
    return n ? strtoull(n, NULL, 10) : 3000000;
}

/* --- DuckDB's C API, as far as it is used ---------------------------------------------------------------------- */

typedef struct {
    uint64_t column_count, row_count, rows_changed;
    void *columns;
    char *error_message;
    void *internal;
} db_result;

static struct {
    int (*open)(const char *, void **);
    int (*connect)(void *, void **);
    void (*disconnect)(void **);
    void (*close)(void **);
    int (*query)(void *, const char *, db_result *);
    const char *(*error)(db_result *);
    char *(*text)(db_result *, uint64_t column, uint64_t row);
    void (*destroy)(db_result *);
    void (*free)(void *);
    void *(*schema)(void *connection, struct ArrowSchema *, void **converted);
    void *(*chunk)(void *connection, struct ArrowArray *, void *converted, void **chunk);
    const char *(*error_message)(void *);
    void (*destroy_chunk)(void **);
    void (*destroy_schema)(void **);
    int (*appender)(void *, const char *schema, const char *table, void **);
    int (*append)(void *appender, void *chunk);
    const char *(*append_error)(void *);
    int (*destroy_appender)(void **);
} db;

static void *base, *connection;

/* 0 after a line about it when DuckDB is not asked for. */
static int open_duckdb(void)
{
    const char *library = getenv("FLOWLOG_DUCKDB");
    if (!library || !*library) {
        fprintf(stderr, "SKIPPED: DuckDB is asked only where FLOWLOG_DUCKDB names a libduckdb.so\n");
        return 0;
    }
    void *lib = dlopen(library, RTLD_NOW | RTLD_LOCAL);
    cr_assert_not_null(lib, "%s", dlerror());
#define LOAD(member, name) cr_assert_not_null(*(void **)&db.member = dlsym(lib, name), name)
    LOAD(open, "duckdb_open");
    LOAD(connect, "duckdb_connect");
    LOAD(disconnect, "duckdb_disconnect");
    LOAD(close, "duckdb_close");
    LOAD(query, "duckdb_query");
    LOAD(error, "duckdb_result_error");
    LOAD(text, "duckdb_value_varchar");
    LOAD(destroy, "duckdb_destroy_result");
    LOAD(free, "duckdb_free");
    LOAD(schema, "duckdb_schema_from_arrow");
    LOAD(chunk, "duckdb_data_chunk_from_arrow");
    LOAD(error_message, "duckdb_error_data_message");
    LOAD(destroy_chunk, "duckdb_destroy_data_chunk");
    LOAD(destroy_schema, "duckdb_destroy_arrow_converted_schema");
    LOAD(appender, "duckdb_appender_create");
    LOAD(append, "duckdb_append_data_chunk");
    LOAD(append_error, "duckdb_appender_error");
    LOAD(destroy_appender, "duckdb_appender_destroy");
    cr_assert_eq(db.open(NULL, &base), 0);
    cr_assert_eq(db.connect(base, &connection), 0);
    return 1;
}

static void close_duckdb(void)
{
    db.disconnect(&connection);
    db.close(&base);
}

/* The cells of the first row, separated by blanks. */
static const char *ask(const char *sql, uint64_t columns)
{
    static char text[4096];
    db_result r;
    size_t n = 0;
    text[0] = '\0';
    memset(&r, 0, sizeof r);
    if (db.query(connection, sql, &r)) cr_assert(0, "%s: %s", sql, db.error(&r));
    for (uint64_t c = 0; c < columns; c++) {
        char *cell = db.text(&r, c, 0);
        n += (size_t)snprintf(text + n, sizeof text - n, "%s%s", c ? " " : "", cell ? cell : "-");
        db.free(cell);
    }
    db.destroy(&r);
    return text;
}

/* All arrays of a stream into the table t. */
static void load(struct ArrowArrayStream *stream)
{
    struct ArrowSchema schema;
    void *converted = NULL, *appender = NULL, *error;
    cr_assert_eq(stream->get_schema(stream, &schema), 0, "%s", stream->get_last_error(stream));
    error = db.schema(connection, &schema, &converted);
    cr_assert_null(error, "%s", db.error_message(error));
    cr_assert_eq(db.appender(connection, NULL, "t", &appender), 0);
    for (uint64_t i = 0;; i++) {
        struct ArrowArray array;
        void *chunk = NULL;
        cr_assert_eq(stream->get_next(stream, &array), 0, "%s", stream->get_last_error(stream));
        if (!array.release) break;
        const char *wrong = i % 64 ? NULL : arrow_check(&schema, &array);
        cr_assert_null(wrong, "%s", wrong);
        error = db.chunk(connection, &array, converted, &chunk);
        cr_assert_null(error, "array %llu: %s", (unsigned long long)i, db.error_message(error));
        cr_assert_eq(db.append(appender, chunk), 0, "%s", db.append_error(appender));
        db.destroy_chunk(&chunk);
        if (array.release) array.release(&array);
    }
    cr_assert_eq(db.destroy_appender(&appender), 0);
    db.destroy_schema(&converted);
    schema.release(&schema);
    stream->release(stream);
}

Test(arrow_peers, duckdb_counts_in_millions_of_rows_what_the_log_has)
{
    static const struct {
        uint32_t flags, rows, share;
    } ways[] = {{0, VECTOR, 1}, {FLOWLOG_ARROW_NO_DICTIONARY, 2000, 10}, {0, 1, 1000}};
    if (!open_duckdb()) return;
    for (size_t w = 0; w < sizeof ways / sizeof *ways; w++) {
        struct test_alloc t;
        const flowlog_alloc alloc = test_alloc_init(&t, 0);
        flowlog_arrow_options o = FLOWLOG_ARROW_OPTIONS_INIT;
        struct ArrowArrayStream stream;
        struct generator g;
        const struct counts *const c = &g.counts;
        char want[2048];
        o.flags = ways[w].flags;
        o.array_rows = ways[w].rows;
        o.alloc = &alloc;
        begin(&g, rows_wanted() / ways[w].share, &o, &stream);
        ask("drop table if exists t", 0);
        ask("create table t(iface varchar, srcaddr varchar, dstaddr varchar, dstport uinteger, packets ubigint, bytes "
            "ubigint, start timestamptz, \"end\" timestamptz, action varchar, status varchar, tag varchar, vpc varchar)", 0);
        load(&stream);
        cr_expect_eq(t.live_blocks, 0, "DuckDB has released every array");
        snprintf(want, sizeof want, "%llu %llu %llu %llu %llu %llu", (unsigned long long)c->rows,
                 (unsigned long long)c->bytes, (unsigned long long)c->bytes_rows, (unsigned long long)c->packets,
                 (unsigned long long)c->dstport, (unsigned long long)c->nodata);
        cr_expect_str_eq(ask("select count(*), sum(bytes), count(bytes), sum(packets), sum(dstport), count(*) filter "
                             "(where status = 'NODATA') from t", 6), want);
        snprintf(want, sizeof want, "%llu %llu %llu %llu %llu 0", (unsigned long long)c->srcaddr_rows,
                 (unsigned long long)c->srcaddr_len, (unsigned long long)c->dst_octets, (unsigned long long)c->v6,
                 (unsigned long long)c->tags_len);
        cr_expect_str_eq(ask("select count(srcaddr), sum(length(srcaddr)), sum(split_part(dstaddr, '.', 4)::ubigint), "
                             "count(*) filter (where srcaddr like '2001:%'), sum(length(tag)), "
                             "count(vpc) from t", 6), want);
        snprintf(want, sizeof want, "%llu %llu %llu %llu", (unsigned long long)c->accept, (unsigned long long)c->reject,
                 (unsigned long long)c->other, (unsigned long long)c->nodata);
        cr_expect_str_eq(ask("select count(*) filter (where action = 'ACCEPT'), count(*) filter (where action = "
                             "'REJECT'), count(*) filter (where action = 'MAYBE'), count(*) filter (where action is "
                             "null) from t", 4), want);
        snprintf(want, sizeof want, "%llu %llu %llu", (unsigned long long)c->start_min,
                 (unsigned long long)c->start_max, (unsigned long long)c->rows * 60);
        cr_expect_str_eq(ask("select epoch(min(start))::ubigint, epoch(max(start))::ubigint, "
                             "sum(epoch(\"end\" - start))::ubigint from t", 3), want);
        size_t n = 0;
        for (uint32_t i = 0; i < INTERFACES; i++)
            n += (size_t)snprintf(want + n, sizeof want - n, "%s%llu", i ? " " : "", (unsigned long long)c->of_eni[i]);
        cr_expect_str_eq(ask("select string_agg(n, ' ' order by i) from (select substr(iface, 5)::int as i, "
                             "count(*)::varchar as n from t group by 1)", 1), want);
    }
    close_duckdb();
}

Test(arrow_peers, duckdb_reads_a_result_exactly)
{
    flowlog_plan *plan = NULL;
    flowlog_source *source = NULL;
    flowlog_result *result = NULL;
    flowlog_error err = {0};
    flowlog_arrow_options o = FLOWLOG_ARROW_OPTIONS_INIT;
    struct ArrowArrayStream stream;
    struct generator g = {.rows = 100000, .state = 1234567};
    char want[512];
    if (!open_duckdb()) return;
    memcpy(g.line, header, g.len = sizeof header - 1);
    cr_assert_eq(flowlog_source_callback(read_lines, &g, "generated", NULL, &source, &err), FLOWLOG_OK);
    cr_assert_eq(flowlog_plan_new(NULL, &plan), FLOWLOG_OK);
    cr_assert_eq(flowlog_plan_key(plan, "interface-id, action, bin(start,1m), srcaddr/24", &err), FLOWLOG_OK, "%s",
                 err.message);
    cr_assert_eq(flowlog_plan_select(plan, "count, sum(bytes) as b, 0 - b as minus, min(bytes) as least", &err),
                 FLOWLOG_OK, "%s", err.message);
    cr_assert_eq(flowlog_plan_keep_null_keys(plan, 1), FLOWLOG_OK);
    cr_assert_eq(flowlog_plan_run(plan, source, NULL, &result, &err), FLOWLOG_OK, "%s", err.message);
    flowlog_source_close(source);
    flowlog_plan_free(plan);
    const unsigned long long groups = flowlog_result_rows(result);
    o.array_rows = VECTOR;
    cr_assert_eq(flowlog_result_to_arrow(result, &o, &stream, &err), FLOWLOG_OK);
    ask("create table t(iface varchar, action varchar, minute timestamptz, net varchar, n ubigint, b ubigint, minus "
        "decimal(29,9), least ubigint)", 0);
    load(&stream);
    snprintf(want, sizeof want, "%llu %llu %llu -%llu.000000000 %llu", groups, (unsigned long long)g.counts.rows,
             (unsigned long long)g.counts.bytes, (unsigned long long)g.counts.bytes,
             (unsigned long long)g.counts.srcaddr_rows);
    cr_expect_str_eq(ask("select count(*), sum(n), sum(b), sum(minus), sum(n) filter (where net like '%/%') from t", 5),
                     want);
    close_duckdb();
}
