/* SPDX-License-Identifier: MIT */
/*
 * bench.c - what libflowlog takes for a question, from opening the file to the finished answer, through
 * the public API only.
 *
 *     bench [--map|--read] [--threads N] [--runs N] [--result] TASK PATH...
 *
 * TASK  count    records, nothing decoded
 *       top      the ten source addresses with most bytes (a plan)
 *       full     every column decoded: sums of numbers, lengths of text, addresses folded
 *       reject   REJECT records by destination port, the ten largest (a plan with a filter)
 *       net      records and bytes from 10.1.0.0/16 to port 443 (a plan with a filter and no key)
 *       triple   bytes by source, destination and its port: how many groups, the sum, the largest (a plan)
 *       distinct the ten sources with most different destination ports (a plan)
 *       bins     records and bytes by 5 minutes and action, all groups (a plan)
 *       newline  the floor: newlines counted over the same input path, and nothing else; not for .gz
 *       check    `full`, but prints what it saw of addresses
 *
 * --map maps files (FLOWLOG_SOURCE_MAP), --read (the default) reads them.  --threads is for plans only.
 *
 * Prints one line a run: seconds, GB/s of text, million records a second; then the peak memory.  With
 * --result it prints the answer instead, in the normal form that all peers print too, with tabs between:
 *     count N | top ADDRESS BYTES | full COLUMN NUMBER | reject PORT COUNT | net RECORDS BYTES
 *     triple GROUPS SUM LARGEST | distinct ADDRESS PORTS | bins START ACTION RECORDS BYTES
 *     check COLUMN NULL IPV4 IPV6 SUM-OF-IPV4
 * bench/run compares these before it times anything.
 */
#define _POSIX_C_SOURCE 200809L
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "flowlog.h"

#define COLUMNS_MAX 256
#define NAME_MAX_LEN 64
#define READ_BLOCK (256 * 1024)

/* What `full` keeps of a column; enough that no decoding can be left out. */
struct folded {
    char name[NAME_MAX_LEN];
    uint8_t type;
    uint64_t sum;          /* numbers; lengths of text */
    uint64_t null, v4, v6; /* addresses */
    uint64_t sum_v4, mix_v6;
    uint8_t name_len[256]; /* of enumerations: lengths of the tokens that codes stand for */
};

struct answer {
    uint64_t records, bytes;
    uint32_t columns;
    struct folded column[COLUMNS_MAX];
    flowlog_result *result;
};

/* A task that is a plan. */
struct question {
    const char *task, *where, *keys, *columns, *sort;
    uint64_t limit;
};

static const struct question questions[] = {
    {"top", NULL, "srcaddr", "sum(bytes) as bytes", "bytes", 10},
    {"reject", "reject", "dstport", "count as n", "n", 10},
    {"net", "src net 10.1.0.0/16 and dst port 443", NULL, "count as n, sum(bytes) as bytes", NULL, 0},
    {"triple", NULL, "srcaddr, dstaddr, dstport", "sum(bytes) as bytes", "bytes", 1},
    {"distinct", NULL, "srcaddr", "distinct(dstport) as ports", "ports", 10},
    {"bins", NULL, "bin(start,5m), action", "count as n, sum(bytes) as bytes", NULL, 0}};

static const struct question *question_of(const char *task)
{
    for (size_t i = 0; i < sizeof questions / sizeof questions[0]; i++)
        if (strcmp(questions[i].task, task) == 0) return &questions[i];
    return NULL;
}

static void die(const char *what, const flowlog_error *e)
{
    fprintf(stderr, "bench: %s: %s (line %" PRIu64 ", offset %" PRIu64 ")\n", what, e ? e->message : "",
            e ? e->line : 0, e ? e->offset : 0);
    exit(2);
}

static flowlog_reader *open_reader(const char *const *paths, size_t count, uint32_t flags,
                                   const char *fields)
{
    flowlog_error e = {0};
    flowlog_source *source = NULL;
    flowlog_reader *reader = NULL;
    flowlog_reader_options options = FLOWLOG_READER_OPTIONS_INIT;
    options.fields = fields;
    if (flowlog_source_paths(paths, count, flags, NULL, &source, &e) < 0) die("source", &e);
    if (flowlog_reader_open(source, &options, &reader, &e) < 0) die("reader", &e);
    return reader;
}

/* One batch, or NULL at the end.  The data of a benchmark is not damaged: anything else ends it. */
static const flowlog_batch *next_batch(flowlog_reader *reader)
{
    flowlog_error e = {0};
    const flowlog_batch *batch = NULL;
    const flowlog_status st = flowlog_reader_next(reader, &batch, &e);
    if (st < 0) die("next", &e);
    return st == FLOWLOG_OK ? batch : NULL;
}

static void keep_counters(const flowlog_counters *c, struct answer *a)
{
    a->records = c->records + c->nodata + c->skipdata;
    a->bytes = c->bytes;
    if (c->malformed != 0) {
        fprintf(stderr, "bench: %" PRIu64 " malformed lines\n", c->malformed);
        exit(2);
    }
}

static void run_count(flowlog_reader *reader)
{
    while (next_batch(reader) != NULL)
        ;
}

static void run_plan(const struct question *q, const char *const *paths, size_t count, uint32_t flags,
                     uint32_t threads, struct answer *a)
{
    flowlog_error e = {0};
    flowlog_plan *plan = NULL;
    flowlog_source *source = NULL;
    flowlog_counters counters = {0};
    flowlog_run_options options = FLOWLOG_RUN_OPTIONS_INIT;
    options.threads = threads;
    options.counters = &counters;
    if (flowlog_plan_new(NULL, &plan) < 0 || (q->where && flowlog_plan_where(plan, q->where, &e) < 0) ||
        (q->keys && flowlog_plan_key(plan, q->keys, &e) < 0) ||
        flowlog_plan_select(plan, q->columns, &e) < 0 ||
        (q->sort && flowlog_plan_sort(plan, q->sort, 1, &e) < 0) ||
        flowlog_plan_limit(plan, q->limit) < 0)
        die("plan", &e);
    if (flowlog_source_paths(paths, count, flags, NULL, &source, &e) < 0) die("source", &e);
    if (flowlog_plan_run(plan, source, &options, &a->result, &e) < 0) die("run", &e);
    keep_counters(&counters, a);
    flowlog_source_close(source);
    flowlog_plan_free(plan);
}

static void fold(struct folded *f, const flowlog_column *c, uint32_t rows)
{
    uint64_t sum = 0;
    switch (c->type) {
    case FLOWLOG_TYPE_U32: {
        const uint32_t *v = c->values;
        for (uint32_t i = 0; i < rows; i++) sum += v[i];
        break;
    }
    case FLOWLOG_TYPE_U64: {
        const uint64_t *v = c->values;
        for (uint32_t i = 0; i < rows; i++) sum += v[i];
        break;
    }
    case FLOWLOG_TYPE_TIME: {
        const int64_t *v = c->values;
        for (uint32_t i = 0; i < rows; i++) sum += (uint64_t)v[i];
        break;
    }
    case FLOWLOG_TYPE_ADDR: {
        const uint32_t *v = c->values;
        uint64_t v4 = 0, v6 = 0, mix = 0;
        for (uint32_t i = 0; i < rows; i++) {
            v4 += c->family[i] == 4;
            v6 += c->family[i] == 6;
            sum += v[i];
        }
        if (v6 != 0)
            for (uint32_t i = 0; i < rows; i++)
                if (c->family[i] == 6) {
                    uint64_t w[2];
                    memcpy(w, c->wide[i], 16);
                    mix += w[0] ^ w[1];
                }
        f->v4 += v4;
        f->v6 += v6;
        f->null += rows - v4 - v6;
        f->sum_v4 += sum;
        f->mix_v6 += mix;
        sum = 0;
        break;
    }
    case FLOWLOG_TYPE_ENUM: { /* a code, or text where there is none for it */
        const uint8_t *v = c->values;
        for (uint32_t i = 0; i < rows; i++)
            sum += v[i] != FLOWLOG_OTHER                  ? f->name_len[v[i]]
                   : c->validity[i / 64] >> (i % 64) & 1 ? c->spans[i].len
                                                         : 0;
        break;
    }
    default: /* TEXT */
        for (uint32_t i = 0; i < rows; i++) sum += c->spans[i].len;
    }
    f->sum += sum;
}

static void run_full(flowlog_reader *reader, struct answer *a)
{
    const flowlog_batch *batch;
    while ((batch = next_batch(reader)) != NULL) {
        if (a->columns == 0) {
            if (batch->columns > COLUMNS_MAX) die("too many columns", NULL);
            a->columns = batch->columns;
            for (uint32_t c = 0; c < batch->columns; c++) {
                snprintf(a->column[c].name, NAME_MAX_LEN, "%s", batch->column[c].name);
                a->column[c].type = batch->column[c].type;
                for (uint32_t code = 1; a->column[c].type == FLOWLOG_TYPE_ENUM && code < 256; code++) {
                    const char *token = flowlog_enum_name(batch->column[c].field, code);
                    a->column[c].name_len[code] = (uint8_t)(token != NULL ? strlen(token) : 0);
                }
            }
        }
        if (batch->columns != a->columns) die("`full` takes files of one format", NULL);
        for (uint32_t c = 0; c < batch->columns; c++)
            fold(&a->column[c], &batch->column[c], batch->rows);
    }
}

static uint64_t count_block(const char *p, size_t len)
{
    uint64_t lines = 0;
    if (len > 0 && flowlog_count_lines(p, len, &lines) < 0) die("count_lines", NULL);
    return lines - (len > 0 && p[len - 1] != '\n'); /* newlines, not lines */
}

static void run_newline(const char *const *paths, size_t count, uint32_t flags, struct answer *a)
{
    static char buffer[READ_BLOCK];
    a->records = a->bytes = 0;
    for (size_t i = 0; i < count; i++) {
        const int fd = open(paths[i], O_RDONLY);
        struct stat st;
        if (fd < 0 || fstat(fd, &st) != 0) die(paths[i], NULL);
        const size_t len = (size_t)st.st_size;
        if ((flags & FLOWLOG_SOURCE_MAP) && len > 0) {
            const char *p = mmap(NULL, len, PROT_READ, MAP_PRIVATE, fd, 0);
            if (p == MAP_FAILED) die("mmap", NULL);
            for (size_t at = 0; at < len; at += READ_BLOCK)
                a->records += count_block(p + at, len - at < READ_BLOCK ? len - at : READ_BLOCK);
            munmap((void *)(uintptr_t)p, len);
        } else {
            ssize_t n;
            while ((n = read(fd, buffer, sizeof buffer)) > 0)
                a->records += count_block(buffer, (size_t)n);
        }
        a->bytes += len;
        close(fd);
    }
}

static void run(const char *task, const char *const *paths, size_t count, uint32_t flags,
                uint32_t threads, struct answer *a)
{
    if (strcmp(task, "newline") == 0) {
        run_newline(paths, count, flags, a);
        return;
    }
    const struct question *q = question_of(task);
    if (q != NULL) {
        run_plan(q, paths, count, flags, threads, a);
        return;
    }
    const int full = strcmp(task, "full") == 0 || strcmp(task, "check") == 0;
    flowlog_reader *reader = open_reader(paths, count, flags, full ? NULL : "");
    if (full)
        run_full(reader, a);
    else
        run_count(reader);
    keep_counters(flowlog_reader_counters(reader), a);
    flowlog_reader_close(reader);
}

static void print_plan(const char *task, const flowlog_result *r)
{
    const int triple = strcmp(task, "triple") == 0;
    for (uint64_t row = 0; row < flowlog_result_rows(r); row++) {
        printf("%s", task);
        if (triple) { /* of all groups, then of the largest one */
            uint64_t total = 0;
            if (flowlog_result_total(r, 3, &total) < 0) die("total", NULL);
            printf("\t%" PRIu64 "\t%" PRIu64, flowlog_result_groups(r), total);
        }
        for (uint32_t c = triple ? 3 : 0; c < flowlog_result_columns(r); c++) {
            flowlog_value v;
            char text[64];
            flowlog_result_value(r, row, c, &v);
            flowlog_value_format(&v, text, sizeof text);
            printf("\t%s", text);
        }
        putchar('\n');
    }
}

static void print_result(const char *task, const struct answer *a)
{
    if (strcmp(task, "count") == 0 || strcmp(task, "newline") == 0) {
        printf("%s\t%" PRIu64 "\n", task, a->records);
    } else if (question_of(task) != NULL) {
        print_plan(task, a->result);
    } else {
        const int check = strcmp(task, "check") == 0;
        for (uint32_t c = 0; c < a->columns; c++) {
            const struct folded *f = &a->column[c];
            if (check && f->type == FLOWLOG_TYPE_ADDR)
                printf("check\t%s\t%" PRIu64 "\t%" PRIu64 "\t%" PRIu64 "\t%" PRIu64 "\n", f->name,
                       f->null, f->v4, f->v6, f->sum_v4);
            if (!check && f->type != FLOWLOG_TYPE_ADDR)
                printf("full\t%s\t%" PRIu64 "\n", f->name, f->sum);
        }
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
    static const char *const tasks[] = {"count", "full", "newline", "check"};
    uint32_t flags = 0, threads = 1;
    uint64_t groups = 0;
    int runs = 1, result_only = 0, i = 1, known = 0;
    for (; i < argc && strncmp(argv[i], "--", 2) == 0; i++) {
        if (strcmp(argv[i], "--map") == 0)
            flags = FLOWLOG_SOURCE_MAP;
        else if (strcmp(argv[i], "--read") == 0)
            flags = 0;
        else if (strcmp(argv[i], "--result") == 0)
            result_only = 1;
        else if (strcmp(argv[i], "--runs") == 0 && i + 1 < argc)
            runs = atoi(argv[++i]);
        else if (strcmp(argv[i], "--threads") == 0 && i + 1 < argc)
            threads = (uint32_t)atoi(argv[++i]);
        else
            break;
    }
    for (size_t k = 0; i < argc && k < sizeof tasks / sizeof tasks[0]; k++)
        known |= strcmp(argv[i], tasks[k]) == 0 || question_of(argv[i]) != NULL;
    if (!known || argc - i < 2) {
        fputs("usage: bench [--map|--read] [--threads N] [--runs N] [--result] TASK PATH...\n"
              "TASK: count top full reject net triple distinct bins newline check\n",
              stderr);
        return 2;
    }
    const char *task = argv[i];
    const char *const *paths = (const char *const *)(argv + i + 1);
    const size_t count = (size_t)(argc - i - 1);
    struct answer *a = malloc(sizeof *a);
    if (a == NULL) return 2;
    for (int n = 0; n < runs; n++) {
        memset(a, 0, sizeof *a);
        const double begin = now();
        run(task, paths, count, flags, threads, a);
        const double seconds = now() - begin;
        if (!result_only)
            printf("seconds\t%.6f\tGB/s\t%.3f\tMrec/s\t%.2f\n", seconds,
                   (double)a->bytes / seconds / 1e9, (double)a->records / seconds / 1e6);
        else if (n == 0)
            print_result(task, a);
        groups = a->result != NULL ? flowlog_result_groups(a->result) : 0;
        flowlog_result_free(a->result);
    }
    free(a);
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    if (!result_only)
        printf("rss_kb\t%ld\tsimd\t%s\tgroups\t%" PRIu64 "\n", u.ru_maxrss, flowlog_simd_name(), groups);
    return 0;
}
