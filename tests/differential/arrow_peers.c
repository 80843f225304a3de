/* SPDX-License-Identifier: MIT */
/*
 * Others read our Arrow arrays: DuckDB takes millions of rows, through its chunks and its appender, and gives the sums
 * that whoever made the log counted; where $FLOWLOG_DUCKDB names a libduckdb.so (bench/get-peers prints it).
 * $FLOWLOG_ARROW_ROWS is how many rows (default 3000000).  Not through duckdb_arrow_scan, which gives wrong sums
 * (duckdb issue 17012).
 *
 * npm's apache-arrow reads them cell by cell, from IPC bytes that support/arrow_ipc.h makes of them; where
 * $FLOWLOG_APACHE_ARROW names a directory node_modules that has it (npm install --ignore-scripts apache-arrow).
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
#include "support/arrow_ipc.h"

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
    cr_assert_eq(flowlog_source_callback(read_lines, g, "generated", NULL, &source, &err), FLOWLOG_OK);
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

/* --- apache-arrow of npm ------------------------------------------------------------------------------------- */

/* What it prints of a stream, without the line of the columns, which is compared. */
static char *read_by_npm(struct ArrowArrayStream *stream, const char *columns)
{
    char path[] = "/tmp/flowlog_arrow_XXXXXX", command[1024], line[1024];
    const int descriptor = mkstemp(path);
    cr_assert_geq(descriptor, 0);
    FILE *f = fdopen(descriptor, "wb");
    cr_assert_eq(arrow_ipc_write(stream, f), 0);
    cr_assert_eq(fclose(f), 0);
    snprintf(command, sizeof command, "node '%s/tests/differential/arrow_read.mjs' '%s' '%s'", FLOWLOG_SOURCE_DIR,
             getenv("FLOWLOG_APACHE_ARROW"), path);
    f = popen(command, "r");
    cr_assert_not_null(f);
    cr_assert_not_null(fgets(line, sizeof line, f), "%s prints nothing", command);
    cr_expect_str_eq(line, columns);
    char *text = NULL;
    size_t len = 0;
    FILE *to = open_memstream(&text, &len);
    for (size_t n; (n = fread(line, 1, sizeof line, f)) > 0;) fwrite(line, 1, n, to);
    fclose(to);
    cr_assert_eq(pclose(f), 0);
    remove(path);
    return text;
}

static void put_cell(FILE *to, const flowlog_value *v, int binary)
{
    char text[128];
    flowlog_value_format(v, text, sizeof text);
    if (binary && v->type == FLOWLOG_TYPE_ADDR && !v->is_null) {
        const uint8_t *const b = v->addr.bytes;
        if (v->addr.family == 4) {
            fprintf(to, "00000000000000000000ffff%02x%02x%02x%02x", b[0], b[1], b[2], b[3]);
            return;
        }
        for (int i = 0; i < 16; i++) fprintf(to, "%02x", b[i]);
        return;
    }
    fputs(text, to);
}

/* The same rows without Arrow. */
static char *read_by_us(uint64_t rows, int binary)
{
    struct generator g = {.rows = rows, .state = 88172645463325252u};
    flowlog_source *source = NULL;
    flowlog_reader *reader = NULL;
    const flowlog_batch *b;
    char *text = NULL;
    size_t len = 0;
    FILE *to = open_memstream(&text, &len);
    memcpy(g.line, header, g.len = sizeof header - 1);
    cr_assert_eq(flowlog_source_callback(read_lines, &g, "generated", NULL, &source, NULL), FLOWLOG_OK);
    cr_assert_eq(flowlog_reader_open(source, NULL, &reader, NULL), FLOWLOG_OK);
    while (flowlog_reader_next(reader, &b, NULL) == FLOWLOG_OK)
        for (uint32_t r = 0; r < b->rows; r++)
            for (uint32_t c = 0; c < b->columns; c++) {
                flowlog_value v;
                cr_assert_eq(flowlog_batch_value(b, r, c, &v), FLOWLOG_OK);
                put_cell(to, &v, binary);
                fputc(c + 1 < b->columns ? ' ' : '\n', to);
            }
    flowlog_reader_close(reader);
    fclose(to);
    return text;
}

static int npm_is_asked_for(void)
{
    const char *modules = getenv("FLOWLOG_APACHE_ARROW");
    if (modules && *modules) return 1;
    fprintf(stderr, "SKIPPED: npm's apache-arrow reads only where FLOWLOG_APACHE_ARROW names a node_modules with it\n");
    return 0;
}

Test(arrow_peers, apache_arrow_of_npm_reads_every_cell)
{
    static const char *const columns[] = {
        "interface_id:Dictionary<Int32, Utf8> srcaddr:Utf8 dstaddr:Utf8 dstport:Uint32 packets:Uint64 bytes:Uint64 "
        "start:Timestamp<SECOND, UTC> end:Timestamp<SECOND, UTC> action:Dictionary<Int32, Utf8> "
        "log_status:Dictionary<Int32, Utf8> my-tag:Utf8 vpc_id:Dictionary<Int32, Utf8>\n",
        "interface_id:Utf8 srcaddr:FixedSizeBinary[16] dstaddr:FixedSizeBinary[16] dstport:Uint32 packets:Uint64 "
        "bytes:Uint64 start:Timestamp<SECOND, UTC> end:Timestamp<SECOND, UTC> action:Utf8 log_status:Utf8 my-tag:Utf8 "
        "vpc_id:Utf8\n"};
    if (!npm_is_asked_for()) return;
    for (int plain = 0; plain < 2; plain++) {
        flowlog_arrow_options o = FLOWLOG_ARROW_OPTIONS_INIT;
        struct ArrowArrayStream stream;
        struct generator g;
        o.flags = plain ? FLOWLOG_ARROW_ADDR_BINARY | FLOWLOG_ARROW_NO_DICTIONARY : 0;
        o.array_rows = 777; /* so that dictionaries change on the way */
        begin(&g, 20000, &o, &stream);
        char *got = read_by_npm(&stream, columns[plain]), *want = read_by_us(20000, plain);
        cr_expect(strcmp(got, want) == 0, "%.300s\nand not\n%.300s", got, want);
        free(got);
        free(want);
    }
}

Test(arrow_peers, apache_arrow_of_npm_reads_decimals)
{
    static const char log[] = "srcaddr bytes\n10.0.0.1 18446744073709551615\n10.0.0.2 10\n10.0.0.3 0\n";
    flowlog_plan *plan = NULL;
    flowlog_source *source = NULL;
    flowlog_result *result = NULL;
    struct ArrowArrayStream stream;
    if (!npm_is_asked_for()) return;
    cr_assert_eq(flowlog_source_memory(log, sizeof log - 1, NULL, NULL, &source, NULL), FLOWLOG_OK);
    cr_assert_eq(flowlog_plan_new(NULL, &plan), FLOWLOG_OK);
    cr_assert_eq(flowlog_plan_key(plan, "srcaddr", NULL), FLOWLOG_OK);
    cr_assert_eq(flowlog_plan_select(plan, "0 - sum(bytes) as minus, sum(bytes) / 3 as third, 1 / sum(bytes) as inverse",
                                     NULL), FLOWLOG_OK);
    cr_assert_eq(flowlog_plan_run(plan, source, NULL, &result, NULL), FLOWLOG_OK);
    flowlog_source_close(source);
    flowlog_plan_free(plan);
    cr_assert_eq(flowlog_result_to_arrow(result, NULL, &stream, NULL), FLOWLOG_OK);
    char *got = read_by_npm(&stream, "srcaddr:Utf8 minus:Decimal[29e+9] third:Decimal[29e+9] inverse:Decimal[29e+9]\n");
    cr_expect_str_eq(got, "10.0.0.1 -18446744073709551615 6148914691236517205 0\n10.0.0.2 -10 3.333333333 0.1\n"
                          "10.0.0.3 0 0 -\n");
    free(got);
}
