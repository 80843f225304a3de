/* SPDX-License-Identifier: MIT */
/*
 * zsv_peer.c - top talkers as a good C programmer writes them on libzsv, the fastest CSV parser with a
 * library: text keys in an open hash table, no checks, no addresses.  It does less than libflowlog; that is
 * the point of comparing.
 *
 *     zsv_peer [--runs N] [--result] count|top FILE        default format only
 *
 * Needs zsv.h and libzsv; bench/run builds it where a compiler finds both and leaves its rows out elsewhere.
 * The "fast" scan engine is used, without quotes and without a look at UTF-8.
 */
#define _POSIX_C_SOURCE 200809L
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <zsv.h>

#define SLOTS (1u << 18)

struct slot {
    uint64_t sum;
    uint8_t len;
    unsigned char key[47];
};

static struct slot *slots;
static uint64_t rows;
static int top;

static void on_row(void *ctx)
{
    const zsv_parser parser = ctx;
    if (rows++ == 0 || !top) return; /* the header is a row too */
    const struct zsv_cell status = zsv_get_cell(parser, 13);
    if (status.len != 2) return; /* NODATA, SKIPDATA */
    const struct zsv_cell key = zsv_get_cell(parser, 3);
    const struct zsv_cell bytes = zsv_get_cell(parser, 9);
    uint64_t value = 0, hash = UINT64_C(14695981039346656037);
    for (size_t i = 0; i < bytes.len; i++) value = value * 10 + (uint64_t)(bytes.str[i] - '0');
    for (size_t i = 0; i < key.len; i++) hash = (hash ^ key.str[i]) * UINT64_C(1099511628211);
    uint32_t at = (uint32_t)(hash >> 40) & (SLOTS - 1);
    while (slots[at].len != 0 &&
           (slots[at].len != key.len || memcmp(slots[at].key, key.str, key.len) != 0))
        at = (at + 1) & (SLOTS - 1);
    slots[at].len = (uint8_t)key.len;
    memcpy(slots[at].key, key.str, key.len);
    slots[at].sum += value;
}

static void run(const char *path)
{
    struct zsv_opts options;
    memset(&options, 0, sizeof options);
    rows = 0;
    memset(slots, 0, SLOTS * sizeof *slots);
    FILE *f = fopen(path, "rb");
    if (f == NULL) {
        perror(path);
        exit(2);
    }
    options.stream = f;
    options.delimiter = ' ';
    options.no_quotes = 1;
    options.scan_engine = 3;
    options.max_columns = 64;
    options.malformed_utf8_replace = ZSV_MALFORMED_UTF8_DO_NOT_REPLACE;
    options.row_handler = on_row;
    zsv_parser parser = zsv_new(&options);
    if (parser == NULL) exit(2);
    zsv_set_context(parser, parser);
    while (zsv_parse_more(parser) == zsv_status_ok)
        ;
    zsv_finish(parser);
    zsv_delete(parser);
    fclose(f);
}

static void print_result(void)
{
    if (!top) {
        printf("count\t%" PRIu64 "\n", rows - 1);
        return;
    }
    for (int n = 0; n < 10; n++) {
        struct slot *best = &slots[0];
        for (uint32_t i = 1; i < SLOTS; i++)
            if (slots[i].sum > best->sum) best = &slots[i];
        printf("top\t%.*s\t%" PRIu64 "\n", best->len, (const char *)best->key, best->sum);
        best->sum = 0;
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
    int runs = 1, result_only = 0, i = 1;
    for (; i < argc && strncmp(argv[i], "--", 2) == 0; i++) {
        if (strcmp(argv[i], "--result") == 0)
            result_only = 1;
        else if (strcmp(argv[i], "--runs") == 0 && i + 1 < argc)
            runs = atoi(argv[++i]);
    }
    if (argc - i != 2) {
        fputs("usage: zsv_peer [--runs N] [--result] count|top FILE\n", stderr);
        return 2;
    }
    top = strcmp(argv[i], "top") == 0;
    slots = malloc(SLOTS * sizeof *slots);
    if (slots == NULL) return 2;
    for (int n = 0; n < runs; n++) {
        const double begin = now();
        run(argv[i + 1]);
        if (!result_only) printf("seconds\t%.6f\n", now() - begin);
    }
    if (result_only) print_result();
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    if (!result_only) printf("rss_kb\t%ld\n", u.ru_maxrss);
    free(slots);
    return 0;
}
