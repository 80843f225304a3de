/* SPDX-License-Identifier: MIT */
/*
 * bench/bench_diagnose.c - the diagnosis of a log, reading included, on one core.
 *
 *     bench_diagnose [conversations] [records a conversation]        2000000 5
 *     bench_diagnose --write 2000000 5 >log     the log, for `flowlog diagnose --threads N log`
 *
 * The log is in the default format: conversations begin over an hour at 2 000 interfaces and last some minutes, so
 * that about a twentieth of them is active at a time; 3 % are refused, a third of these in their answers.  It is made
 * in pieces, outside of the time that is measured, and fed to a reader.  Checked first: as many records as were made,
 * and as many findings of each kind.  Memory is what the allocator of the engine was asked for.
 */
#define _POSIX_C_SOURCE 199309L
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "flowlog.h"

enum { PIECE = 8 << 20, MINUTES = 60, INTERFACES = 2000, START = 1700000000 };

/* Of the processor: what else the machine does is not counted. */
static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* --- memory ------------------------------------------------------------------------------------------------ */

struct memory {
    uint64_t live, peak;
};

static void count(struct memory *m, size_t more, size_t less)
{
    m->live += more;
    m->live -= less;
    if (m->live > m->peak) m->peak = m->live;
}
static void *get(void *ctx, size_t len)
{
    count(ctx, len, 0);
    return malloc(len);
}
static void *change(void *ctx, void *p, size_t old_len, size_t new_len)
{
    count(ctx, new_len, old_len);
    return realloc(p, new_len);
}
static void put(void *ctx, void *p, size_t len)
{
    count(ctx, 0, len);
    free(p);
}

/* --- the log ----------------------------------------------------------------------------------------------- */

struct log {
    uint64_t conversations, per, minute, at, records, refused;
    char *text;
    size_t len;
};

static uint64_t mix(uint64_t z)
{
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

static char *put_number(char *p, uint64_t n)
{
    char digits[20];
    size_t len = 0;
    do digits[len++] = (char)('0' + n % 10);
    while (n /= 10);
    while (len) *p++ = digits[--len];
    return p;
}
static char *put_text(char *p, const char *s)
{
    const size_t len = strlen(s);
    memcpy(p, s, len);
    return p + len;
}
static char *put_ipv4(char *p, uint32_t a)
{
    for (int i = 3; i >= 0; i--) {
        p = put_number(p, a >> (8 * i) & 255);
        if (i) *p++ = '.';
    }
    return p;
}

/* Record `k` of conversation `c`: requests and answers in turn, two a minute. */
static void put_record(struct log *g, uint64_t c, uint64_t k)
{
    const uint64_t h = mix(c + 1), eni = h % INTERFACES;
    const uint32_t server = 0x0A000000u + (uint32_t)eni * 256 + 10,
                   client = 0xC6120000u + (uint32_t)(h >> 32 & 0x1FFFF);
    const unsigned cport = 32768 + (unsigned)(h >> 16 & 0x3FFF), kind = (unsigned)(h >> 50) % 100;
    const int reply = k & 1, request_refused = kind < 2, reply_refused = kind == 2;
    const uint64_t start = START + (c * MINUTES / g->conversations + k / 2) * 60 + (h >> 8 & 31);
    char *p = g->text + g->len;
    if (request_refused && reply) return;
    p = put_text(p, "2 123456789010 eni-");
    for (int i = 15; i >= 0; i--) *p++ = "0123456789abcdef"[mix(eni) >> (4 * i) & 15];
    *p++ = ' ';
    p = put_ipv4(p, reply ? server : client);
    *p++ = ' ';
    p = put_ipv4(p, reply ? client : server);
    *p++ = ' ';
    p = put_number(p, reply ? 443 : cport);
    *p++ = ' ';
    p = put_number(p, reply ? cport : 443);
    p = put_text(p, " 6 ");
    p = put_number(p, request_refused || reply_refused ? 3 : 5 + (h >> 40 & 15));
    *p++ = ' ';
    p = put_number(p, request_refused || reply_refused ? 180 : 900 + (h >> 20 & 4095));
    *p++ = ' ';
    p = put_number(p, start);
    *p++ = ' ';
    p = put_number(p, start + 25);
    p = put_text(p, request_refused || (reply_refused && reply) ? " REJECT OK\n" : " ACCEPT OK\n");
    g->len = (size_t)(p - g->text);
    g->records++;
}

/* The next piece; 0 at the end.  In the order of minutes, as records are delivered. */
static int make_piece(struct log *g)
{
    const uint64_t lasts = (g->per + 1) / 2;
    g->len = 0;
    while (g->minute < MINUTES + lasts) {
        const uint64_t first = g->minute + 1 > lasts ? g->minute + 1 - lasts : 0;
        const uint64_t from = (first * g->conversations + MINUTES - 1) / MINUTES;
        const uint64_t to = ((g->minute + 1) * g->conversations + MINUTES - 1) / MINUTES;
        const uint64_t end = to < g->conversations ? to : g->conversations, n = end > from ? end - from : 0;
        for (; g->at < n; g->at++) {
            if (g->len > PIECE - 1024) return 1;
            const uint64_t c = from + (g->at * 7919) % n; /* as good as in no order */
            const uint64_t age = g->minute - c * MINUTES / g->conversations;
            for (uint64_t k = 2 * age; k < 2 * age + 2 && k < g->per; k++) put_record(g, c, k);
        }
        g->at = 0;
        g->minute++;
    }
    return g->len > 0;
}

/* --- the run ----------------------------------------------------------------------------------------------- */

struct tally {
    uint64_t findings, blocked, replies;
};

static int take(void *ctx, const flowlog_finding *f)
{
    struct tally *t = ctx;
    t->findings++;
    t->blocked += f->verdict == FLOWLOG_VERDICT_BLOCKED_INBOUND;
    t->replies += f->verdict == FLOWLOG_VERDICT_BLOCKED_REPLY_OUTBOUND;
    return 0;
}

static void must(flowlog_status status, const flowlog_error *err)
{
    if (status >= 0) return;
    fprintf(stderr, "bench_diagnose: %s\n", err->message);
    exit(1);
}

int main(int argc, char **argv)
{
    const int write = argc > 1 && !strcmp(argv[1], "--write");
    argc -= write;
    argv += write;
    struct log g = {argc > 1 ? strtoull(argv[1], NULL, 10) : 2000000, argc > 2 ? strtoull(argv[2], NULL, 10) : 5,
                    0, 0, 0, 0, malloc(PIECE), 0};
    struct memory memory = {0, 0};
    const flowlog_alloc alloc = {get, change, put, &memory};
    flowlog_diagnosis_options options = FLOWLOG_DIAGNOSIS_OPTIONS_INIT;
    flowlog_reader_options reading = FLOWLOG_READER_OPTIONS_INIT;
    flowlog_diagnosis *d = NULL;
    flowlog_reader *reader = NULL;
    const flowlog_batch *batch;
    flowlog_error err;
    double reading_sec = 0, adding_sec = 0;
    if (!g.conversations || !g.per || !g.text) return 1;
    if (write) {
        while (make_piece(&g))
            if (fwrite(g.text, 1, g.len, stdout) != g.len) return 1;
        free(g.text);
        return fflush(stdout) != 0;
    }
    options.alloc = &alloc;
    options.max_conversations = 1 << 26;
    must(flowlog_diagnosis_new(&options, &d, &err), &err);
    reading.fields = flowlog_diagnosis_fields(d);
    reading.format = flowlog_format_default();
    must(flowlog_reader_open(NULL, &reading, &reader, &err), &err);
    for (int more = 1; more;) {
        more = make_piece(&g);
        double t = now();
        must(more ? flowlog_reader_feed(reader, g.text, g.len) : flowlog_reader_finish(reader), &err);
        for (;;) {
            const flowlog_status status = flowlog_reader_next(reader, &batch, &err);
            must(status, &err);
            const double middle = now();
            reading_sec += middle - t;
            t = middle;
            if (status != FLOWLOG_OK) break;
            must(flowlog_diagnosis_add(d, batch, &err), &err);
            const double end = now();
            adding_sec += end - t;
            t = end;
        }
    }
    const uint64_t collected = memory.live;
    struct tally tally = {0, 0, 0};
    const double t = now();
    must(flowlog_diagnosis_finish(d, take, &tally, &err), &err);
    const double finish_sec = now() - t, all = reading_sec + adding_sec + finish_sec, records = (double)g.records;
    if (flowlog_diagnosis_records(d) != g.records) {
        fprintf(stderr, "bench_diagnose: %" PRIu64 " records made, %" PRIu64 " counted\n", g.records,
                flowlog_diagnosis_records(d));
        return 1;
    }
    printf("%" PRIu64 " records, %" PRIu64 " conversations, %" PRIu64 " findings (%" PRIu64 " requests, %" PRIu64 " answers refused)\n", g.records,
           g.conversations, tally.findings, tally.blocked, tally.replies);
    printf("read %.2f s, add %.2f s, finish %.2f s: %.2f million records/s\n", reading_sec, adding_sec, finish_sec, records / all / 1e6);
    printf("memory: %.1f bytes a conversation, %.1f at the peak\n", (double)collected / (double)g.conversations,
           (double)memory.peak / (double)g.conversations);
    flowlog_reader_close(reader);
    flowlog_diagnosis_free(d);
    free(g.text);
    return memory.live != 0;
}
