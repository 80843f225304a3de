/* SPDX-License-Identifier: MIT */
/*
 * bench/bench_inflate.c - our streaming gzip reader against zlib, libdeflate and isa-l, on one file.
 *
 *     bench_inflate FILE.gz [runs]
 *
 * Ours, zlib's and isa-l's turn 128 KiB pieces of input into a 256 KiB buffer that keeps 32 KiB of history;
 * libdeflate has no streaming and gets the whole file and the whole output.  All check the CRC.  First
 * the CRC-32 of everything each made is compared, then they take turns and the medians are printed.
 * Peers are built in with -DHAVE_ZLIB -DHAVE_LIBDEFLATE -DHAVE_ISAL.
 */
#define _POSIX_C_SOURCE 199309L
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "codec/crc32.h"
#include "codec/gzip.h"

#if defined(HAVE_ZLIB)
#include <zlib.h>
#endif
#if defined(HAVE_LIBDEFLATE)
#include <libdeflate.h>
#endif
#if defined(HAVE_ISAL)
#include <isa-l/igzip_lib.h>
#endif

enum { PIECE = 128 * 1024, WINDOW = 256 * 1024, HISTORY = 32768, MAX_RUNS = 101 };

struct result {
    uint64_t bytes;
    uint32_t crc; /* only when asked for */
};

static const uint8_t *gz;
static size_t gz_len;
static uint8_t *whole; /* libdeflate's output */
static size_t whole_len;

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static int run_ours(struct result *r, int check)
{
    static uint8_t buf[WINDOW + FL_INFLATE_OUT_SLOP];
    static struct fl_gzip g;
    size_t at = 0, have = 0;
    flowlog_error err;
    flowlog__gzip_init(&g);
    for (;;) {
        const size_t n = gz_len - at < PIECE ? gz_len - at : PIECE, before = have;
        size_t used;
        const flowlog_status st =
            flowlog__gzip_run(&g, gz + at, n, &used, buf, &have, WINDOW, n == gz_len - at, &err);
        if (check) r->crc = flowlog__crc32(r->crc, buf + before, have - before);
        r->bytes += have - before;
        at += used;
        if (st < 0) fprintf(stderr, "ours: %s at %" PRIu64 "\n", err.message, err.offset);
        if (st) return st == FLOWLOG_END;
        if (have == WINDOW) {
            memmove(buf, buf + WINDOW - HISTORY, HISTORY);
            have = HISTORY;
        }
    }
}

#if defined(HAVE_ZLIB)
static int run_zlib(struct result *r, int check)
{
    static uint8_t buf[WINDOW];
    z_stream z;
    memset(&z, 0, sizeof z);
    if (inflateInit2(&z, 31) != Z_OK) return 0;
    size_t at = 0;
    int st = Z_OK;
    while (at < gz_len || z.avail_in) {
        if (!z.avail_in) {
            const size_t n = gz_len - at < PIECE ? gz_len - at : PIECE;
            z.next_in = (Bytef *)(uintptr_t)(gz + at);
            z.avail_in = (uInt)n;
            at += n;
        }
        do {
            z.next_out = buf;
            z.avail_out = WINDOW;
            st = inflate(&z, Z_NO_FLUSH);
            const size_t made = WINDOW - z.avail_out;
            if (check) r->crc = flowlog__crc32(r->crc, buf, made);
            r->bytes += made;
            if (st == Z_STREAM_END && (z.avail_in || at < gz_len)) inflateReset(&z);
        } while (st >= 0 && !z.avail_out);
        if (st < 0 && st != Z_BUF_ERROR) break;
    }
    inflateEnd(&z);
    return st == Z_STREAM_END;
}
#endif

#if defined(HAVE_LIBDEFLATE)
static int run_libdeflate(struct result *r, int check)
{
    static struct libdeflate_decompressor *d;
    if (!d) d = libdeflate_alloc_decompressor();
    size_t at = 0, to = 0;
    while (at < gz_len) {
        size_t used, made;
        if (libdeflate_gzip_decompress_ex(d, gz + at, gz_len - at, whole + to, whole_len - to, &used,
                                          &made))
            return 0;
        at += used;
        to += made;
    }
    if (check) r->crc = flowlog__crc32(0, whole, to);
    r->bytes = to;
    return 1;
}
#endif

#if defined(HAVE_ISAL)
static int run_isal(struct result *r, int check)
{
    static uint8_t buf[WINDOW];
    static struct inflate_state s;
    size_t at = 0;
    isal_inflate_init(&s);
    s.crc_flag = ISAL_GZIP;
    s.avail_in = 0;
    for (;;) {
        if (!s.avail_in && at < gz_len) {
            const size_t n = gz_len - at < PIECE ? gz_len - at : PIECE;
            s.next_in = (uint8_t *)(uintptr_t)(gz + at);
            s.avail_in = (uint32_t)n;
            at += n;
        }
        s.next_out = buf;
        s.avail_out = WINDOW;
        if (isal_inflate(&s) != ISAL_DECOMP_OK) return 0;
        const size_t made = WINDOW - s.avail_out;
        if (check) r->crc = flowlog__crc32(r->crc, buf, made);
        r->bytes += made;
        if (s.block_state == ISAL_BLOCK_FINISH) {
            if (!s.avail_in && at == gz_len) return 1;
            isal_inflate_reset(&s);
        } else if (!made && !s.avail_in && at == gz_len) {
            return 0;
        }
    }
}
#endif

static const struct {
    const char *name;
    int (*run)(struct result *r, int check);
} cases[] = {
    {"flowlog", run_ours},
#if defined(HAVE_LIBDEFLATE)
    {"libdeflate", run_libdeflate},
#endif
#if defined(HAVE_ISAL)
    {"isa-l", run_isal},
#endif
#if defined(HAVE_ZLIB)
    {"zlib", run_zlib},
#endif
};
enum { CASES = sizeof cases / sizeof *cases };

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "usage: %s FILE.gz [runs]\n", argv[0]);
        return 2;
    }
    int runs = argc > 2 ? atoi(argv[2]) : 7;
    if (runs < 1) runs = 1;
    if (runs > MAX_RUNS) runs = MAX_RUNS;

    FILE *f = fopen(argv[1], "rb");
    if (!f || fseek(f, 0, SEEK_END)) return perror(argv[1]), 2;
    gz_len = (size_t)ftell(f);
    uint8_t *data = malloc(gz_len + 1);
    rewind(f);
    if (!data || fread(data, 1, gz_len, f) != gz_len) return perror(argv[1]), 2;
    fclose(f);
    gz = data;

    struct result want = {0, 0};
    if (!run_ours(&want, 1)) return 1;
    whole_len = (size_t)want.bytes;
    whole = malloc(whole_len + 1);
    if (!whole) return 2;
    memset(whole, 1, whole_len); /* so that the first run does not pay for the pages */
    for (size_t c = 1; c < CASES; c++) {
        struct result got = {0, 0};
        if (!cases[c].run(&got, 1) || got.bytes != want.bytes || got.crc != want.crc) {
            fprintf(stderr,
                    "%s disagrees: %" PRIu64 " bytes, CRC %08" PRIX32 "; ours %" PRIu64 ", %08" PRIX32
                    "\n",
                    cases[c].name, got.bytes, got.crc, want.bytes, want.crc);
            return 1;
        }
    }

    static double seconds[CASES][MAX_RUNS], ratio[CASES][MAX_RUNS];
    for (int i = 0; i < runs; i++) {
        for (size_t c = 0; c < CASES; c++) {
            struct result got = {0, 0};
            const double begin = now();
            if (!cases[c].run(&got, 0)) return 1;
            seconds[c][i] = now() - begin;
        }
        for (size_t c = 0; c < CASES; c++) ratio[c][i] = seconds[CASES > 1 ? 1 : 0][i] / seconds[c][i];
    }
    printf("%s: %zu -> %" PRIu64 " bytes, CRC %08" PRIX32 ", %d runs each, medians\n", argv[1], gz_len,
           want.bytes, want.crc, runs);
    for (size_t c = 0; c < CASES; c++) {
        qsort(seconds[c], (size_t)runs, sizeof(double), by_value);
        qsort(ratio[c], (size_t)runs, sizeof(double), by_value);
        printf("%-12s %8.1f MB/s   best %8.1f", cases[c].name,
               (double)want.bytes / seconds[c][runs / 2] * 1e-6,
               (double)want.bytes / seconds[c][0] * 1e-6);
        if (CASES > 1) printf("   %.3f x %s (same round, median)", ratio[c][runs / 2], cases[1].name);
        printf("\n");
    }
    free(whole);
    free(data);
    return 0;
}
