/* SPDX-License-Identifier: MIT */
/*
 * threads.c - reading by several threads tested by a plain main, for ThreadSanitizer and emulators: one file in
 * ranges, one gzip file beside an inflating thread, many files; each gives the partial, and the findings of a
 * diagnosis, that one thread gives.
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

/* Two thirds in one format, the rest in another one; some lines are damaged.  Flows: of a few interfaces. */
static void make_flows(struct bytes *b, size_t least)
{
    static const char first[] =
        "version interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status\n";
    static const char second[] =
        "interface-id log-status end action srcaddr dstaddr srcport dstport protocol packets bytes start\n";
    char line[200], ends[80];
    b->n = 0;
    put(b, first, sizeof first - 1);
    int swapped = 0;
    while (b->n < least) {
        const unsigned client = 32768 + random_below(20), host = random_below(250);
        const unsigned start = 1700000000 + random_below(900);
        const char *action = random_below(10) ? "ACCEPT" : "REJECT", *port = random_below(500) ? "" : "x";
        if (!swapped && b->n > least / 3 * 2) {
            put(b, second, sizeof second - 1);
            swapped = 1;
        }
        if (random_below(2)) snprintf(ends, sizeof ends, "192.0.2.%u 10.0.0.%u %u 443%s", host, host % 8, client, port);
        else snprintf(ends, sizeof ends, "10.0.0.%u 192.0.2.%u 443%s %u", host % 8, host, port, client);
        const int n = swapped ? snprintf(line, sizeof line, "eni-%u OK %u %s %s 6 3 180 %u\n", host % 8, start + 20,
                                         action, ends, start)
                              : snprintf(line, sizeof line, "2 eni-%u %s 6 3 180 %u %u %s OK\n", host % 8, ends, start,
                                         start + 20, action);
        put(b, line, (size_t)n);
    }
}

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

/* The answer of a plan as a partial, or what a diagnosis finds; and the counters. */
typedef flowlog_status answer_fn(const flowlog_plan *plan, flowlog_source *source, const flowlog_run_options *o,
                                 struct bytes *out);

static flowlog_status partial_of(const flowlog_plan *plan, flowlog_source *source, const flowlog_run_options *o,
                                 struct bytes *out)
{
    flowlog_run *run = NULL;
    flowlog_error err;
    flowlog_status status = flowlog_plan_collect(plan, source, o, &run, &err);
    if (status == FLOWLOG_OK) status = flowlog_run_save(run, put_some, out, &err);
    flowlog_run_free(run);
    return status;
}

static int put_finding(void *ctx, const flowlog_finding *finding)
{
    char json[8192];
    const size_t n = flowlog_finding_json(finding, NULL, json, sizeof json);
    put(ctx, json, n < sizeof json ? n : sizeof json);
    return 0;
}

static flowlog_status findings_of(const flowlog_plan *plan, flowlog_source *source, const flowlog_run_options *o,
                                  struct bytes *out)
{
    flowlog_diagnosis_options options = FLOWLOG_DIAGNOSIS_OPTIONS_INIT;
    flowlog_diagnosis *d = NULL;
    flowlog_error err;
    (void)plan;
    options.flags = FLOWLOG_DIAGNOSE_GROUPED;
    options.evidence = 2;
    if (flowlog_diagnosis_new(&options, &d, &err) < 0) abort();
    flowlog_status status = flowlog_diagnosis_collect(d, source, o, &err);
    if (status == FLOWLOG_OK) status = flowlog_diagnosis_finish(d, put_finding, out, &err);
    flowlog_diagnosis_free(d);
    return status;
}

static void compare(const flowlog_plan *plan, answer_fn *answer, flowlog_source *(*open_source)(void *ctx), void *ctx,
                    uint64_t total)
{
    static flowlog_counters want_counters, got_counters;
    struct bytes want = {NULL, 0, 0}, got = {NULL, 0, 0};
    flowlog_status first = FLOWLOG_OK;
    for (unsigned threads = 1; threads <= 4; threads++) {
        struct bytes *out = threads == 1 ? &want : &got;
        flowlog_run_options o = FLOWLOG_RUN_OPTIONS_INIT;
        flowlog_source *source = open_source(ctx);
        o.threads = threads;
        o.counters = threads == 1 ? &want_counters : &got_counters;
        o.progress = progress;
        out->n = 0;
        told = 0;
        const flowlog_status status = answer(plan, source, &o, out);
        flowlog_source_close(source);
        if (threads == 1) first = status;
        if (threads == 1) continue;
        CHECK(status == first, threads);
        CHECK(got.n == want.n && (got.n == 0 || memcmp(got.p, want.p, got.n) == 0), threads);
        CHECK(memcmp(&want_counters, &got_counters, sizeof want_counters) == 0, threads);
        CHECK(status < 0 || told == total, threads);
    }
    CHECK(first < 0 || (want.n > 100 && want_counters.bad_lines == FLOWLOG_BAD_LINES), 1);
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

static void many_files(const flowlog_plan *plan, struct bytes *log, struct bytes *gzip, int flows)
{
    const char *temporary = getenv("TMPDIR");
    char directory[200], path[220];
    uint64_t total = 0;
    snprintf(directory, sizeof directory, "%.180s/flowlog_XXXXXX", temporary && *temporary ? temporary : "/tmp");
    if (!mkdtemp(directory)) return; /* an emulator without a file system */
    for (int i = 0; i < FILES; i++) {
        (flows ? make_flows : make_log)(log, 20000u + 30000u * (unsigned)i);
        make_gzip(gzip, log);
        const struct bytes *b = i % 3 ? log : gzip;
        snprintf(path, sizeof path, "%s/%d", directory, i);
        FILE *f = fopen(path, "wb");
        if (!f || fwrite(b->p, 1, b->n, f) != b->n || fclose(f)) abort();
        total += b->n;
    }
    compare(plan, flows ? findings_of : partial_of, open_path, directory, total);
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
    compare(plan, partial_of, open_memory, &log, log.n);
    make_gzip(&gzip, &log);
    compare(plan, partial_of, open_memory, &gzip, gzip.n);
    gzip.n -= gzip.n / 3;
    compare(plan, partial_of, open_memory, &gzip, gzip.n); /* damaged: the same error */
    many_files(plan, &log, &gzip, 0);
    make_flows(&log, (size_t)13 << 20); /* three */
    compare(plan, findings_of, open_memory, &log, log.n);
    make_gzip(&gzip, &log);
    compare(plan, findings_of, open_memory, &gzip, gzip.n);
    many_files(plan, &log, &gzip, 1);
    flowlog_plan_free(plan);
    free(log.p);
    free(gzip.p);
    printf("%u passed, %u failed\n", passed, failed);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
