/* SPDX-License-Identifier: MIT */
/*
 * threads.c - reading by several threads tested by a plain main, for ThreadSanitizer and emulators: one file in
 * ranges, one gzip file beside an inflating thread, many files; each gives the partial that one thread gives.
 *
 * The last line is "N passed, N failed", exit 1 when any failed.
 */
#define _POSIX_C_SOURCE 200809L
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "codec/crc32.h"
#include "core/bytes.h"
#include "flowlog.h"

static unsigned passed, failed;

static void note(int good, const char *condition, int line, unsigned threads)
{
    if (good) {
        passed++;
    } else if (++failed <= 12) {
        printf("threads.c:%d: %s with %u threads\n", line, condition, threads);
    }
}
#define CHECK(condition, threads) note(!!(condition), #condition, __LINE__, threads)

struct bytes {
    uint8_t *p;
    size_t n, cap;
};

static void put(struct bytes *b, const void *p, size_t n)
{
    if (b->n + n > b->cap) {
        b->cap = 2 * (b->n + n);
        b->p = realloc(b->p, b->cap);
        if (!b->p) abort();
    }
    memcpy(b->p + b->n, p, n);
    b->n += n;
}

static int put_some(void *ctx, const char *data, size_t len)
{
    put(ctx, data, len);
    return 0;
}

/* --- logs ------------------------------------------------------------------------------------------------------- */

static uint32_t state = 2463534242u;
static unsigned random_below(unsigned n)
{
    state ^= state << 13;
    state ^= state >> 17;
    state ^= state << 5;
    return state % n;
}

/* Two thirds in one format, the rest in another one; some lines are damaged. */
static void make_log(struct bytes *b, size_t least)
{
    static const char first[] = "version srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status\n";
    static const char second[] = "bytes action srcaddr dstport log-status\n";
    char line[200];
    b->n = 0;
    put(b, first, sizeof first - 1);
    int swapped = 0;
    while (b->n < least) {
        const char *action = random_below(10) ? "ACCEPT" : "REJECT", *port = random_below(500) ? "" : "x";
        if (!swapped && b->n > least / 3 * 2) {
            put(b, second, sizeof second - 1);
            swapped = 1;
        }
        const int n =
            swapped ? snprintf(line, sizeof line, "%u %s 10.0.%u.%u %u%s OK\n", random_below(9000), action,
                               random_below(8), random_below(256), random_below(70), port)
                    : snprintf(line, sizeof line, "2 10.0.%u.%u 192.0.2.1 %u %u%s 6 5 %u 1700000000 1700000060 %s OK\n",
                               random_below(8), random_below(256), random_below(65536), random_below(70), port,
                               random_below(9000), action);
        put(b, line, (size_t)n);
    }
}

/* gzip whose blocks are stored: nothing here compresses. */
static void make_gzip(struct bytes *out, const struct bytes *in)
{
    static const uint8_t header[] = {0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 255};
    uint8_t word[8];
    out->n = 0;
    put(out, header, sizeof header);
    for (size_t at = 0; at < in->n;) {
        const size_t n = in->n - at < 65535 ? in->n - at : 65535;
        const uint8_t block[5] = {at + n == in->n, (uint8_t)n, (uint8_t)(n >> 8), (uint8_t)~n, (uint8_t)(~n >> 8)};
        put(out, block, sizeof block);
        put(out, in->p + at, n);
        at += n;
    }
    fl_store32(word, flowlog__crc32(0, in->p, in->n));
    fl_store32(word + 4, (uint32_t)in->n);
    put(out, word, 8);
}

/* --- one thread and several -------------------------------------------------------------------------------------- */

static uint64_t told;
static int progress(void *ctx, uint64_t bytes, uint64_t total)
{
    (void)ctx, (void)total;
    told = bytes;
    return 0;
}

static flowlog_plan *make_plan(void)
{
    flowlog_plan *plan = NULL;
    if (flowlog_plan_new(NULL, &plan) < 0 ||
        flowlog_plan_where(plan, "src net 10.0.0.0/21 and dst port < 50", NULL) < 0 ||
        flowlog_plan_key(plan, "srcaddr,action", NULL) < 0 ||
        flowlog_plan_select(plan, "count, sum(bytes), distinct(dstport), p90(bytes)", NULL) < 0)
        abort();
    return plan;
}

/* Both are the plan's answer as a partial, and the counters. */
static flowlog_status answer(const flowlog_plan *plan, flowlog_source *source, unsigned threads, struct bytes *partial,
                             flowlog_counters *counters)
{
    flowlog_run_options o = FLOWLOG_RUN_OPTIONS_INIT;
    flowlog_run *run = NULL;
    flowlog_error err;
    partial->n = 0;
    o.threads = threads;
    o.counters = counters;
    o.progress = progress;
    flowlog_status status = flowlog_plan_collect(plan, source, &o, &run, &err);
    if (status == FLOWLOG_OK) status = flowlog_run_save(run, put_some, partial, &err);
    flowlog_run_free(run);
    flowlog_source_close(source);
    return status;
}

static void compare(const flowlog_plan *plan, flowlog_source *(*open_source)(void *ctx), void *ctx, uint64_t total)
{
    static flowlog_counters want_counters, got_counters;
    struct bytes want = {NULL, 0, 0}, got = {NULL, 0, 0};
    const flowlog_status status = answer(plan, open_source(ctx), 1, &want, &want_counters);
    for (unsigned threads = 2; threads <= 4; threads++) {
        told = 0;
        CHECK(answer(plan, open_source(ctx), threads, &got, &got_counters) == status, threads);
        CHECK(got.n == want.n && (got.n == 0 || memcmp(got.p, want.p, got.n) == 0), threads);
        CHECK(memcmp(&want_counters, &got_counters, sizeof want_counters) == 0, threads);
        CHECK(status < 0 || told == total, threads);
    }
    CHECK(status < 0 || want_counters.bad_lines == FLOWLOG_BAD_LINES, 1);
    free(want.p);
    free(got.p);
}

static flowlog_source *open_memory(void *ctx)
{
    const struct bytes *b = ctx;
    flowlog_source *source = NULL;
    if (flowlog_source_memory(b->p, b->n, "memory", NULL, &source, NULL) < 0) abort();
    return source;
}

static flowlog_source *open_path(void *ctx)
{
    const char *path = ctx;
    flowlog_source *source = NULL;
    if (flowlog_source_paths(&path, 1, FLOWLOG_SOURCE_MAP, NULL, &source, NULL) < 0) abort();
    return source;
}

enum { FILES = 9 };

static void many_files(const flowlog_plan *plan, struct bytes *log, struct bytes *gzip)
{
    const char *temporary = getenv("TMPDIR");
    char directory[200], path[220];
    uint64_t total = 0;
    snprintf(directory, sizeof directory, "%.180s/flowlog_XXXXXX", temporary && *temporary ? temporary : "/tmp");
    if (!mkdtemp(directory)) return; /* an emulator without a file system */
    for (int i = 0; i < FILES; i++) {
        make_log(log, 20000u + 30000u * (unsigned)i);
        make_gzip(gzip, log);
        const struct bytes *b = i % 3 ? log : gzip;
        snprintf(path, sizeof path, "%s/%d", directory, i);
        FILE *f = fopen(path, "wb");
        if (!f || fwrite(b->p, 1, b->n, f) != b->n || fclose(f)) abort();
        total += b->n;
    }
    compare(plan, open_path, directory, total);
    for (int i = 0; i < FILES; i++) {
        snprintf(path, sizeof path, "%s/%d", directory, i);
        unlink(path);
    }
    rmdir(directory);
}

int main(void)
{
    struct bytes log = {NULL, 0, 0}, gzip = {NULL, 0, 0};
    flowlog_plan *plan = make_plan();
    make_log(&log, (size_t)17 << 20); /* four ranges of 4 MiB */
    compare(plan, open_memory, &log, log.n);
    make_gzip(&gzip, &log);
    compare(plan, open_memory, &gzip, gzip.n);
    gzip.n -= gzip.n / 3;
    compare(plan, open_memory, &gzip, gzip.n); /* damaged: the same error */
    many_files(plan, &log, &gzip);
    flowlog_plan_free(plan);
    free(log.p);
    free(gzip.p);
    printf("%u passed, %u failed\n", passed, failed);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
