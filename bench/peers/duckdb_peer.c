/* SPDX-License-Identifier: MIT */
/*
 * duckdb_peer.c - the tasks of bench.c, asked of DuckDB's read_csv in its fastest honest form: columns and
 * types given, nothing detected, nothing materialised but the answer.
 *
 *     duckdb_peer [--lib PATH] [--threads N] [--columns v2|v5] [--runs N] [--result] TASK FILE
 *
 * TASK  count   records
 *       top     the ten source addresses with most bytes
 *       full    every column read: sums of numbers, lengths of text
 *       reject  REJECT records by destination port, the ten largest
 *       net     records and bytes from 10.1.0.0/16 to port 443
 *       triple  bytes by source, destination and its port: how many groups, the sum, the largest
 *       distinct the ten sources with most different destination ports
 *       approx  the same with approx_count_distinct; its answer is compared with nothing
 *       bins    records and bytes by 5 minutes and action, all groups
 *       check   what `full` of bench.c says of addresses; slow, never timed
 *
 * The library is found by --lib, else $FLOWLOG_DUCKDB.  It is loaded at run time and its few functions are
 * declared here: DuckDB is needed neither to build nor to test libflowlog.  A .gz file is told by its name.
 * FILE may be a pattern (part-*.gz), which DuckDB expands.
 * Prints rows in the normal form of bench.c (--result), else the seconds of each run and the peak memory.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

/* DuckDB's C API, as far as it is used. */
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
    uint64_t (*columns)(db_result *);
    char *(*text)(db_result *, uint64_t column, uint64_t row);
    void (*destroy)(db_result *);
    void (*free)(void *);
    void (*disconnect)(void **);
    void (*close)(void **);
} db;

static void die(const char *what, const char *detail)
{
    fprintf(stderr, "duckdb_peer: %s: %s\n", what, detail);
    exit(2);
}

static void *symbol(void *lib, const char *name)
{
    void *p = dlsym(lib, name);
    if (p == NULL) die("not in this library", name);
    return p;
}

static void load(const char *path)
{
    void *lib = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (lib == NULL) die("cannot load", dlerror());
#define LOAD(member, name) *(void **)&db.member = symbol(lib, name)
    LOAD(open, "duckdb_open");
    LOAD(connect, "duckdb_connect");
    LOAD(query, "duckdb_query");
    LOAD(error, "duckdb_result_error");
    LOAD(rows, "duckdb_row_count");
    LOAD(columns, "duckdb_column_count");
    LOAD(text, "duckdb_value_varchar");
    LOAD(destroy, "duckdb_destroy_result");
    LOAD(free, "duckdb_free");
    LOAD(disconnect, "duckdb_disconnect");
    LOAD(close, "duckdb_close");
}

/* N: number; T: text; A: address, which DuckDB holds as text */
struct column {
    char kind;
    const char *type, *name;
};

#define INT "INTEGER"
#define BIG "BIGINT"
#define STR "VARCHAR"
static const struct column v2[] = {
    {'N', INT, "version"}, {'T', STR, "account-id"}, {'T', STR, "interface-id"},
    {'A', STR, "srcaddr"}, {'A', STR, "dstaddr"},    {'N', INT, "srcport"},
    {'N', INT, "dstport"}, {'N', INT, "protocol"},   {'N', BIG, "packets"},
    {'N', BIG, "bytes"},   {'N', BIG, "start"},      {'N', BIG, "end"},
    {'T', STR, "action"},  {'T', STR, "log-status"}, {0, NULL, NULL}};
static const struct column v5[] = {{'N', INT, "version"},
                                   {'A', STR, "srcaddr"},
                                   {'A', STR, "dstaddr"},
                                   {'N', INT, "srcport"},
                                   {'N', INT, "dstport"},
                                   {'N', INT, "protocol"},
                                   {'N', BIG, "start"},
                                   {'N', BIG, "end"},
                                   {'T', STR, "type"},
                                   {'N', BIG, "packets"},
                                   {'N', BIG, "bytes"},
                                   {'T', STR, "account-id"},
                                   {'T', STR, "vpc-id"},
                                   {'T', STR, "subnet-id"},
                                   {'T', STR, "instance-id"},
                                   {'T', STR, "interface-id"},
                                   {'T', STR, "region"},
                                   {'T', STR, "az-id"},
                                   {'T', STR, "sublocation-type"},
                                   {'T', STR, "sublocation-id"},
                                   {'T', STR, "action"},
                                   {'N', INT, "tcp-flags"},
                                   {'A', STR, "pkt-srcaddr"},
                                   {'A', STR, "pkt-dstaddr"},
                                   {'T', STR, "pkt-src-aws-service"},
                                   {'T', STR, "pkt-dst-aws-service"},
                                   {'N', INT, "traffic-path"},
                                   {'T', STR, "flow-direction"},
                                   {'T', STR, "log-status"},
                                   {0, NULL, NULL}};

static char sql[16384];

static void say(const char *s)
{
    if (strlen(sql) + strlen(s) >= sizeof sql) die("too long", s);
    strcat(sql, s);
}

static void say2(const char *a, const char *b, const char *c)
{
    say(a);
    say(b);
    say(c);
}

static void make_sql(const char *task, const struct column *columns, const char *file)
{
    const size_t len = strlen(file);
    sql[0] = 0;
    say("SELECT ");
    if (strcmp(task, "count") == 0) {
        say("count(*)");
    } else if (strcmp(task, "top") == 0) {
        say("srcaddr, sum(bytes) AS b");
    } else if (strcmp(task, "reject") == 0) {
        say("dstport, count(*) AS n");
    } else if (strcmp(task, "net") == 0) {
        say("count(*), sum(bytes)");
    } else if (strcmp(task, "triple") == 0) {
        say("count(*), sum(b), max(b) FROM (SELECT sum(bytes) AS b");
    } else if (strcmp(task, "distinct") == 0) {
        say("srcaddr, count(DISTINCT dstport) AS n");
    } else if (strcmp(task, "approx") == 0) {
        say("srcaddr, approx_count_distinct(dstport) AS n");
    } else if (strcmp(task, "bins") == 0) {
        say("start // 300 * 300 AS t, action, count(*), sum(bytes)");
    } else if (strcmp(task, "full") == 0) {
        for (const struct column *c = columns; c->name != NULL; c++) {
            say2(c == columns ? "sum(" : ", sum(", c->kind == 'N' ? "\"" : "length(\"", c->name);
            say(c->kind == 'N' ? "\")" : "\"))");
        }
    } else if (strcmp(task, "check") == 0) {
        int first = 1;
        for (const struct column *c = columns; c->name != NULL; c++)
            if (c->kind ==
                'A') { /* rows without, with IPv4, with IPv6; sum of the IPv4 addresses as numbers */
                say2(first ? "count(*) - count(\"" : ", count(*) - count(\"", c->name, "\")");
                say2(", sum(CASE WHEN \"", c->name, "\" LIKE '%.%' THEN 1 END)");
                say2(", sum(CASE WHEN \"", c->name, "\" LIKE '%:%' THEN 1 END)");
                say2(", sum(CASE WHEN \"", c->name, "\" LIKE '%.%' THEN ");
                static const char *const factor[] = {"16777216", "65536", "256", "1"};
                for (int i = 0; i < 4; i++) {
                    const char n[2] = {(char)('1' + i), 0};
                    say2(i ? " + CAST(split_part(\"" : "CAST(split_part(\"", c->name, "\", '.', ");
                    say2(n, ") AS BIGINT) * ", factor[i]);
                }
                say(" END)");
                first = 0;
            }
    } else {
        die("unknown task", task);
    }
    say(" FROM read_csv('");
    if (strchr(file, '\'') != NULL) die("a quote in the name", file);
    say2(file, "', delim=' ', quote='', escape='', nullstr='-', header=true, auto_detect=false, ",
         len > 3 && strcmp(file + len - 3, ".gz") == 0 ? "compression='gzip', " : "");
    say("columns={");
    for (const struct column *c = columns; c->name != NULL; c++) {
        say2(c == columns ? "'" : ", '", c->name, "': '");
        say2(c->type, "'", "");
    }
    say("})");
    if (strcmp(task, "top") == 0)
        say(" WHERE srcaddr IS NOT NULL AND \"log-status\" = 'OK' GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT "
            "10");
    if (strcmp(task, "reject") == 0)
        say(" WHERE action = 'REJECT' GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 10");
    if (strcmp(task, "triple") == 0)
        say(" WHERE srcaddr IS NOT NULL AND dstaddr IS NOT NULL AND dstport IS NOT NULL AND "
            "\"log-status\" = 'OK' GROUP BY srcaddr, dstaddr, dstport)");
    if (strcmp(task, "distinct") == 0 || strcmp(task, "approx") == 0)
        say(" WHERE srcaddr IS NOT NULL AND \"log-status\" = 'OK' GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 10");
    if (strcmp(task, "bins") == 0)
        say(" WHERE action IS NOT NULL AND \"log-status\" = 'OK' GROUP BY 1, 2 ORDER BY 1, 2");
    if (strcmp(task, "net") == 0) say(" WHERE srcaddr LIKE '10.1.%' AND dstport = 443");
}

static void ask(void *connection, const char *text, db_result *result)
{
    if (db.query(connection, text, result) != 0) die("query failed", db.error(result));
}

static void print_cell(db_result *r, uint64_t column, uint64_t row, char end)
{
    char *s = db.text(r, column, row);
    printf("%s%c", s ? s : "0", end); /* a sum of no values is null */
    db.free(s);
}

static void print_result(const char *task, const struct column *columns, db_result *r)
{
    const uint64_t rows = db.rows(r);
    if (strcmp(task, "full") == 0) {
        uint64_t i = 0;
        for (const struct column *c = columns; c->name != NULL; c++, i++)
            if (c->kind != 'A') {
                printf("full\t%s\t", c->name);
                print_cell(r, i, 0, '\n');
            }
        return;
    }
    if (strcmp(task, "check") == 0) {
        uint64_t i = 0;
        for (const struct column *c = columns; c->name != NULL; c++)
            if (c->kind == 'A') {
                printf("check\t%s\t", c->name);
                for (int k = 0; k < 4; k++) print_cell(r, i++, 0, k < 3 ? '\t' : '\n');
            }
        return;
    }
    for (uint64_t row = 0; row < rows; row++) {
        printf("%s\t", task);
        for (uint64_t c = 0; c < db.columns(r); c++)
            print_cell(r, c, row, c + 1 < db.columns(r) ? '\t' : '\n');
    }
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

int main(int argc, char **argv)
{
    const char *lib = getenv("FLOWLOG_DUCKDB"), *threads = "1";
    const struct column *columns = v2;
    int runs = 1, result_only = 0, i = 1;
    for (; i < argc && strncmp(argv[i], "--", 2) == 0; i++) {
        if (strcmp(argv[i], "--result") == 0)
            result_only = 1;
        else if (i + 1 == argc)
            break;
        else if (strcmp(argv[i], "--lib") == 0)
            lib = argv[++i];
        else if (strcmp(argv[i], "--threads") == 0)
            threads = argv[++i];
        else if (strcmp(argv[i], "--runs") == 0)
            runs = atoi(argv[++i]);
        else if (strcmp(argv[i], "--columns") == 0)
            columns = strcmp(argv[++i], "v5") == 0 ? v5 : v2;
        else
            die("unknown option", argv[i]);
    }
    if (argc - i != 2) {
        fputs("usage: duckdb_peer [--lib PATH] [--threads N] [--columns v2|v5] [--runs N] [--result] "
              "TASK FILE\n",
              stderr);
        return 2;
    }
    if (lib == NULL)
        die("no library", "give --lib or set FLOWLOG_DUCKDB (bench/get-peers says where it is)");
    load(lib);
    void *database = NULL, *connection = NULL;
    db_result r;
    if (db.open(NULL, &database) != 0 || db.connect(database, &connection) != 0) die("cannot open", lib);
    snprintf(sql, sizeof sql, "SET threads=%d", atoi(threads));
    ask(connection, sql, &r);
    db.destroy(&r);
    ask(connection, "SET memory_limit='4GB'", &r);
    db.destroy(&r);
    make_sql(argv[i], columns, argv[i + 1]);
    for (int n = 0; n < runs; n++) {
        const double begin = now();
        ask(connection, sql, &r);
        const double seconds = now() - begin;
        if (!result_only)
            printf("seconds\t%.6f\n", seconds);
        else if (n == 0)
            print_result(argv[i], columns, &r);
        db.destroy(&r);
    }
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    if (!result_only) printf("rss_kb\t%ld\n", u.ru_maxrss);
    db.disconnect(&connection);
    db.close(&database);
    return 0;
}
