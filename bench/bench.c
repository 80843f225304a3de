/* SPDX-License-Identifier: MIT */
/*
 * bench.c - what libflowlog takes for a question, from opening the file to the finished answer, through
 * the public API only.
 *
 *     bench [--map|--read] [--runs N] [--result] TASK PATH...
 *
 * TASK  count    records, nothing decoded
 *       top      the ten source addresses with most bytes (a plan)
 *       full     every column decoded: sums of numbers, lengths of text, addresses folded
 *       reject   REJECT records by destination port, the ten largest (a filter, and a loop over batches)
 *       net      records and bytes from 10.1.0.0/16 to port 443 (a filter, and a loop over batches)
 *       newline  the floor: newlines counted over the same input path, and nothing else; not for .gz
 *       check    `full`, but prints what it saw of addresses
 *
 * --map maps files (FLOWLOG_SOURCE_MAP), --read (the default) reads them.
 *
 * Prints one line a run: seconds, GB/s of text, million records a second; then the peak memory.  With
 * --result it prints the answer instead, in the normal form that all peers print too, with tabs between:
 *     count N | top ADDRESS BYTES | full COLUMN NUMBER | reject PORT COUNT | net RECORDS BYTES
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
    uint64_t ports[65536];
    uint64_t net_records, net_bytes;
};

static void die(const char *what, const flowlog_error *e)
{
    fprintf(stderr, "bench: %s: %s (line %" PRIu64 ", offset %" PRIu64 ")\n", what, e ? e->message : "",
            e ? e->line : 0, e ? e->offset : 0);
    exit(2);
}

static flowlog_reader *open_reader(const char *const *paths, size_t count, uint32_t flags,
                                   const char *fields, const flowlog_filter *filter)
{
    flowlog_error e = {0};
    flowlog_source *source = NULL;
    flowlog_reader *reader = NULL;
    flowlog_reader_options options = FLOWLOG_READER_OPTIONS_INIT;
    options.fields = fields;
    options.filter = filter;
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

static void close_reader(flowlog_reader *reader, struct answer *a)
{
    const flowlog_counters *c = flowlog_reader_counters(reader);
    a->records = c->records + c->nodata + c->skipdata;
    a->bytes = c->bytes;
    if (c->malformed != 0) {
        fprintf(stderr, "bench: %" PRIu64 " malformed lines\n", c->malformed);
        exit(2);
    }
    flowlog_reader_close(reader);
}

static void run_count(flowlog_reader *reader)
{
    while (next_batch(reader) != NULL)
        ;
}

static void run_top(const char *const *paths, size_t count, uint32_t flags, struct answer *a)
{
    flowlog_error e = {0};
    flowlog_plan *plan = NULL;
    flowlog_run *run = NULL;
    if (flowlog_plan_new(NULL, &plan) < 0 || flowlog_plan_key(plan, "srcaddr", &e) < 0 ||
        flowlog_plan_aggregate(plan, FLOWLOG_AGG_SUM, "bytes", "bytes", &e) < 0 ||
        flowlog_plan_sort(plan, "bytes", 1, &e) < 0 || flowlog_plan_limit(plan, 10) < 0 ||
        flowlog_run_begin(plan, NULL, &run) < 0)
        die("plan", &e);
    flowlog_reader *reader = open_reader(paths, count, flags, flowlog_plan_fields(plan), NULL);
    const flowlog_batch *batch;
    while ((batch = next_batch(reader)) != NULL)
        if (flowlog_run_add(run, batch, &e) < 0) die("add", &e);
    if (flowlog_run_finish(run, &a->result, &e) < 0) die("finish", &e);
    close_reader(reader, a);
    flowlog_run_free(run);
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

static void run_reject(flowlog_reader *reader, struct answer *a)
{
    const flowlog_batch *batch;
    while ((batch = next_batch(reader)) != NULL) {
        const uint32_t *port = batch->column[0].values;
        for (uint32_t i = 0; i < batch->rows; i++) a->ports[port[i] & 0xFFFF]++;
    }
}

static void run_net(flowlog_reader *reader, struct answer *a)
{
    const flowlog_batch *batch;
    while ((batch = next_batch(reader)) != NULL) {
        const uint64_t *bytes = batch->column[0].values;
        for (uint32_t i = 0; i < batch->rows; i++) a->net_bytes += bytes[i];
        a->net_records += batch->rows;
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
                struct answer *a)
{
    if (strcmp(task, "newline") == 0) {
        run_newline(paths, count, flags, a);
        return;
    }
    if (strcmp(task, "top") == 0) {
        run_top(paths, count, flags, a);
        return;
    }
    flowlog_error e = {0};
    flowlog_filter *filter = NULL;
    const int full = strcmp(task, "full") == 0 || strcmp(task, "check") == 0;
    const int reject = strcmp(task, "reject") == 0, net = strcmp(task, "net") == 0;
    const char *condition = reject ? "reject" : "src net 10.1.0.0/16 and dst port 443";
    if ((reject || net) && flowlog_filter_parse(condition, strlen(condition), NULL, &filter, &e) < 0)
        die("filter", &e);
    const char *fields = full ? NULL : reject ? "dstport" : net ? "bytes" : "";
    flowlog_reader *reader = open_reader(paths, count, flags, fields, filter);
    if (full)
        run_full(reader, a);
    else if (reject)
        run_reject(reader, a);
    else if (net)
        run_net(reader, a);
    else
        run_count(reader);
    close_reader(reader, a);
    flowlog_filter_free(filter);
}

static void print_result(const char *task, const struct answer *a)
{
    if (strcmp(task, "count") == 0 || strcmp(task, "newline") == 0) {
        printf("%s\t%" PRIu64 "\n", task, a->records);
    } else if (strcmp(task, "top") == 0) {
        for (uint64_t row = 0; row < flowlog_result_rows(a->result); row++) {
            flowlog_value key, sum;
            char text[64];
            flowlog_result_value(a->result, row, 0, &key);
            flowlog_result_value(a->result, row, 1, &sum);
            flowlog_value_format(&key, text, sizeof text);
            printf("top\t%s\t%" PRIu64 "\n", text, sum.number);
        }
    } else if (strcmp(task, "net") == 0) {
        printf("net\t%" PRIu64 "\t%" PRIu64 "\n", a->net_records, a->net_bytes);
    } else if (strcmp(task, "reject") == 0) {
        uint64_t left[65536];
        memcpy(left, a->ports, sizeof left);
        for (int n = 0; n < 10; n++) {
            uint32_t best = 0;
            for (uint32_t p = 1; p < 65536; p++)
                if (left[p] > left[best]) best = p;
            if (left[best] == 0) break;
            printf("reject\t%" PRIu32 "\t%" PRIu64 "\n", best, left[best]);
            left[best] = 0;
        }
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
    static const char *const tasks[] = {"count", "top", "full", "reject", "net", "newline", "check"};
    uint32_t flags = 0;
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
        else
            break;
    }
    for (size_t k = 0; i < argc && k < sizeof tasks / sizeof tasks[0]; k++)
        known |= strcmp(argv[i], tasks[k]) == 0;
    if (!known || argc - i < 2) {
        fputs("usage: bench [--map|--read] [--runs N] [--result] count|top|full|reject|net|newline|check "
              "PATH...\n",
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
        run(task, paths, count, flags, a);
        const double seconds = now() - begin;
        if (!result_only)
            printf("seconds\t%.6f\tGB/s\t%.3f\tMrec/s\t%.2f\n", seconds,
                   (double)a->bytes / seconds / 1e9, (double)a->records / seconds / 1e6);
        else if (n == 0)
            print_result(task, a);
        flowlog_result_free(a->result);
    }
    free(a);
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    if (!result_only) printf("rss_kb\t%ld\tsimd\t%s\n", u.ru_maxrss, flowlog_simd_name());
    return 0;
}
