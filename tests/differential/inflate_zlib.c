/* SPDX-License-Identifier: MIT */
/*
 * inflate against zlib: what zlib writes at every level, strategy, window and flush is read back in pieces
 * of every size; what is damaged is accepted or refused as zlib does, with the same bytes before the damage.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "simd/cpu.h"
#include "unit/codec_streams.h"

TestSuite(inflate_zlib, .timeout = 60);

/* An assertion that holds costs nothing; Criterion's own talks to the runner each time. */
#define CHECK(condition, ...)                          \
    do {                                               \
        if (!(condition)) cr_assert_fail(__VA_ARGS__); \
    } while (0)

enum { KINDS = 6, MAX = 300000 };
static uint8_t data[MAX], packed[MAX + MAX / 4], out[MAX + 100], other[MAX + 100];

static uint32_t seed = 1;
static uint32_t rnd(uint32_t n)
{
    seed = seed * 1664525u + 1013904223u;
    return (uint32_t)((uint64_t)(seed >> 8) * n >> 24);
}

static void fill(int kind, size_t n)
{
    size_t at = 0;
    switch (kind) {
    case 0: memset(data, 'a', n); break;
    case 1:
        while (at < n) data[at++] = (uint8_t)rnd(256);
        break;
    case 2: /* flow logs */
        while (at < n) {
            char line[200];
            const int l = snprintf(
                line, sizeof line,
                "2 123456789010 eni-%08x 10.%u.%u.%u 172.31.%u.%u %u 443 6 %u %u %u ACCEPT OK\n",
                rnd(40) * 2654435761u, rnd(4), rnd(9), rnd(256), rnd(4), rnd(200), 1024 + rnd(60000),
                rnd(40), rnd(100000), 1700000000 + (uint32_t)(at / 100));
            const size_t m = (size_t)l < n - at ? (size_t)l : n - at;
            memcpy(data + at, line, m);
            at += m;
        }
        break;
    case 3: /* runs of short periods */
        while (at < n) {
            const size_t period = 1 + rnd(20), begin = at;
            for (size_t i = rnd(600); i && at < n; i--, at++)
                data[at] = at - begin < period ? (uint8_t)rnd(256) : data[at - period];
        }
        break;
    case 4: /* few symbols, skewed: deep codes */
        while (at < n) {
            unsigned b = 0;
            while (b < 200 && rnd(8)) b++;
            data[at++] = (uint8_t)b;
        }
        break;
    default: /* matches far away */
        while (at < n) {
            if (at > 100 && rnd(3)) {
                const size_t far = 1 + rnd((uint32_t)(at < 32768 ? at : 32768));
                for (size_t i = 3 + rnd(300); i && at < n; i--, at++) data[at] = data[at - far];
            } else {
                data[at++] = (uint8_t)rnd(256);
            }
        }
    }
}

/* zlib's bits: negative raw, above 15 gzip.  flush: 0, or what to do after every 1000 bytes or so. */
static size_t pack(size_t n, int level, int strategy, int bits, int mem, int flush)
{
    z_stream z;
    memset(&z, 0, sizeof z);
    cr_assert_eq(deflateInit2(&z, level, Z_DEFLATED, bits, mem, strategy), Z_OK);
    z.next_in = data;
    z.next_out = packed;
    z.avail_out = sizeof packed;
    size_t at = 0;
    while (flush && at < n) {
        size_t m = 1 + rnd(2000);
        if (m > n - at) m = n - at;
        z.avail_in = (uInt)m;
        cr_assert_eq(deflate(&z, flush), Z_OK);
        at += m;
    }
    z.avail_in = (uInt)(n - at);
    cr_assert_eq(deflate(&z, Z_FINISH), Z_STREAM_END);
    deflateEnd(&z);
    return sizeof packed - z.avail_out;
}

static uint32_t features(int k)
{
    /* CPUID traps in a virtual machine and takes tens of microseconds there: ask once a process. */
    static uint32_t have, asked;
    if (!asked) have = flowlog__cpu_features(), asked = 1;
    return k ? have : 0;
}

static void same(const uint8_t *in, size_t len, struct plan plan, int raw, int k, size_t n,
                 const char *what, int a, int b)
{
    const struct outcome r = read_stream(in, len, plan, raw, features(k), out, n + 1);
    CHECK(r.status == FLOWLOG_END && r.len == n && r.used == len && !memcmp(out, data, n) && !r.hung &&
              !r.spilled,
          "%s %d %d, %zu bytes, plan %zu %zu %zu, kernels %d: %d %zu %zu/%zu %s", what, a, b, n,
          plan.in_piece, plan.room, plan.window, k, r.status, r.len, r.used, len,
          r.status < 0 ? r.err.message : "");
}

static void all_plans(size_t len, int raw, size_t n, const char *what, int a, int b)
{
    static const struct plan plans[] = {
        {SIZE_MAX, SIZE_MAX, 0, 0}, {1, SIZE_MAX, 0, 0},  {300, 5000, 1, 0},
        {70, 400, 1, 33000},        {SIZE_MAX, 31, 1, 0},
    };
    for (size_t i = 0; i < sizeof plans / sizeof *plans; i++)
        same(packed, len, plans[i], raw, i & 1, n, what, a, b);
    same(packed, len, plans[0], raw, 1, n, what, a, b);
}

Test(inflate_zlib, every_level_and_strategy)
{
    for (int kind = 0; kind < KINDS; kind++) {
        fill(kind, 40000);
        for (int level = 0; level <= 9; level++)
            for (int strategy = Z_DEFAULT_STRATEGY; strategy <= Z_FIXED; strategy++) {
                const size_t n = rnd(4) ? 3000 + rnd(5000) : 40000;
                all_plans(pack(n, level, strategy, 31, 8, 0), 0, n, "level, strategy", level, strategy);
            }
    }
}

Test(inflate_zlib, every_window_and_memory_level)
{
    for (int bits = 9; bits <= 15; bits++)
        for (int mem = 1; mem <= 9; mem++) {
            const size_t n = 60000;
            fill(2 + mem % 4, n);
            all_plans(pack(n, 6, Z_DEFAULT_STRATEGY, -bits, mem, 0), 1, n, "window, memory", bits, mem);
        }
}

Test(inflate_zlib, flush_points)
{
    static const int flush[] = {Z_PARTIAL_FLUSH, Z_SYNC_FLUSH, Z_FULL_FLUSH, Z_BLOCK};
    for (int kind = 0; kind < KINDS; kind++)
        for (int f = 0; f < 4; f++)
            for (int level = 0; level <= 9; level += 3) {
                const size_t n = 30000;
                fill(kind, n);
                all_plans(pack(n, level, Z_DEFAULT_STRATEGY, 31, 8, flush[f]), 0, n, "flush, level",
                          flush[f], level);
            }
}

Test(inflate_zlib, every_short_length)
{
    for (int kind = 0; kind < KINDS; kind++)
        for (size_t n = 0; n < 400; n += n < 70 ? 1 : 37) {
            fill(kind, n);
            for (int level = 0; level <= 9; level += 3) {
                const size_t len = pack(n, level, Z_DEFAULT_STRATEGY, 31, 8, 0);
                all_plans(len, 0, n, "kind, level", kind, level);
                same(packed, len, (struct plan){1, 1, 0, 0}, 0, 1, n, "kind, level", kind, level);
            }
        }
}

Test(inflate_zlib, big_files_through_a_small_window)
{
    for (int kind = 0; kind < KINDS; kind++) {
        const size_t n = MAX - 7;
        fill(kind, n);
        for (int level = 1; level <= 9; level += 4) {
            const size_t len = pack(n, level, Z_DEFAULT_STRATEGY, 31, 8, 0);
            same(packed, len, (struct plan){65536, SIZE_MAX, 0, 262144}, 0, 1, n, "kind, level", kind,
                 level);
            same(packed, len, (struct plan){1000, 700, 1, 32768 + 800}, 0, 1, n, "kind, level", kind,
                 level);
            same(packed, len, (struct plan){100000, 100000, 1, 65536}, 0, 0, n, "kind, level", kind,
                 level);
        }
    }
}

Test(inflate_zlib, many_members)
{
    static uint8_t joined[MAX];
    for (int round = 0; round < 20; round++) {
        size_t len = 0, total = 0;
        static uint8_t want[MAX];
        for (int i = 0; i < 40; i++) {
            const size_t n = rnd(3) ? rnd(4000) : 0;
            fill((int)rnd(KINDS), n);
            const size_t m = pack(n, (int)rnd(10), (int)rnd(5), 31, 8, 0);
            memcpy(joined + len, packed, m), len += m;
            memcpy(want + total, data, n), total += n;
        }
        memcpy(data, want, total);
        same(joined, len, one_call, 0, 1, total, "members", round, 0);
        same(joined, len, (struct plan){1, 100, 1, 0}, 0, 1, total, "members", round, 1);
        same(joined, len, (struct plan){99, 3000, 1, 40000}, 0, 0, total, "members", round, 2);
    }
}

/* What zlib makes of a raw stream: bytes, 1 when it is accepted, bytes used. */
static size_t by_zlib(const uint8_t *in, size_t len, size_t cap, int *accepted, size_t *used)
{
    static z_stream z;
    static int ready;
    if (!ready) {
        CHECK(inflateInit2(&z, -15) == Z_OK, "zlib");
        ready = 1;
    }
    inflateReset(&z);
    z.next_in = (Bytef *)(uintptr_t)in;
    z.avail_in = (uInt)len;
    z.next_out = other;
    z.avail_out = (uInt)cap;
    const int st = inflate(&z, Z_SYNC_FLUSH);
    *accepted = st == Z_STREAM_END;
    *used = len - z.avail_in;
    return cap - z.avail_out;
}

/* Both on a possibly damaged stream. */
static void judge(const uint8_t *in, size_t len, struct plan plan, int k, const char *what, size_t at)
{
    int accepted;
    size_t used;
    const size_t cap = 60000, n = by_zlib(in, len, cap, &accepted, &used);
    if (n == cap) return; /* output beyond what is looked at */
    const struct outcome r =
        read_stream(in, len, plan, 1, features(k), out, n + 400); /* zlib's and a match */
    CHECK(!r.hung && !r.spilled, "%s %zu", what, at);
    CHECK((r.status == FLOWLOG_END) == (accepted), "%s %zu: %s", what, at,
          r.status < 0 ? r.err.message : "accepted");
    CHECK(r.status == FLOWLOG_END || r.status == FLOWLOG_E_CORRUPT, "%s %zu", what, at);
    CHECK((r.len) == (n), "%s %zu: %zu bytes, zlib %zu: %s", what, at, r.len, n,
          r.status < 0 ? r.err.message : "");
    CHECK(!memcmp(out, other, n), "%s %zu", what, at);
    if (accepted) CHECK((r.used) == (used), "%s %zu", what, at);
    if (r.status < 0) CHECK(r.err.offset <= len, "%s %zu", what, at);
}

Test(inflate_zlib, every_bit_flip_of_small_files)
{
    static const struct plan pieces = {5, 60, 1, 0};
    for (int kind = 1; kind < KINDS; kind++)
        for (int level = 0; level <= 6; level += 3) {
            const size_t n = 300 + rnd(900);
            fill(kind, n);
            const size_t len = pack(n, level, level == 3 ? Z_FIXED : Z_DEFAULT_STRATEGY, -15, 8,
                                    level == 0 ? Z_FULL_FLUSH : 0);
            for (size_t i = 0; i < len * 8; i++) {
                packed[i / 8] ^= (uint8_t)(1u << i % 8);
                judge(packed, len, one_call, i & 1, "flip of bit", i);
                if (i % 4 == 0) judge(packed, len, pieces, 1, "flip of bit", i);
                packed[i / 8] ^= (uint8_t)(1u << i % 8);
            }
        }
}

Test(inflate_zlib, every_truncation_of_small_files)
{
    for (int kind = 0; kind < KINDS; kind++)
        for (int level = 0; level <= 6; level += 3) {
            const size_t n = 300 + rnd(900);
            fill(kind, n);
            const size_t len = pack(n, level, level == 3 ? Z_FIXED : Z_DEFAULT_STRATEGY, -15, 8, 0);
            for (size_t cut = 0; cut <= len; cut++) {
                judge(packed, cut, one_call, cut & 1, "cut at", cut);
                judge(packed, cut, (struct plan){1, 90, 1, 0}, 1, "cut at", cut);
            }
        }
}

/* Long blocks, in which the inner loop has changed to paired entries; pieces must give the same detail. */
Test(inflate_zlib, damage_in_the_middle_of_long_blocks)
{
    for (int round = 0; round < 1500; round++) {
        static size_t len;
        if (round % 30 == 0) {
            fill(2 + round / 30 % 4, 50000);
            len = pack(20000 + rnd(30000), round % 60 ? 6 : 1, (int)rnd(4), -15, 9, 0);
        }
        const size_t at = rnd((uint32_t)len);
        const uint8_t was = packed[at];
        packed[at] ^= (uint8_t)(1u << rnd(8));
        judge(packed, len, one_call, round & 1, "damage at", at);
        static const struct plan pieces = {3000, 20000, 1, 0};
        const struct outcome a = read_stream(packed, len, one_call, 1, features(round & 1), out, 60000);
        const struct outcome b = read_stream(packed, len, pieces, 1, features(~round & 1), out, 60000);
        CHECK(a.status == b.status, "damage at %zu", at);
        if (a.status < 0 && a.status != FLOWLOG_E_LIMIT) {
            CHECK((a.err.offset) == (b.err.offset), "damage at %zu: %d, %d", at, (int)a.err.offset,
                  (int)b.err.offset);
            CHECK(!strcmp(a.err.message, b.err.message), "damage at %zu", at);
        }
        packed[at] = was;
    }
}

Test(inflate_zlib, random_damage_of_headers_and_random_bytes)
{
    for (int round = 0; round < 30000; round++) {
        size_t len;
        if (round % 3 == 0) { /* bytes of chance that begin like a dynamic block */
            len = 1 + rnd(200);
            for (size_t i = 0; i < len; i++) packed[i] = (uint8_t)rnd(256);
            packed[0] = (uint8_t)((packed[0] & 0xF8) | 4 | rnd(2));
        } else if (round % 3 ==
                   1) { /* a complete code of the code lengths, then chance: valid codes happen */
            static struct stream s;
            memset(s.p, 0, 600), s.bits = 0;
            begin_dynamic_raw(&s, (int)rnd(2), 257 + rnd(4), 1 + rnd(4));
            len = 64 + rnd(300);
            memcpy(packed, s.p, len);
            for (size_t i = s.bits / 8 + 1; i < len; i++)
                packed[i] = (uint8_t)(rnd(3) ? rnd(16) : rnd(256));
        } else { /* bytes changed in the first hundred */
            if (round % 60 == 2) fill((int)rnd(KINDS), 2000);
            len = pack(500 + rnd(1000), 6, (int)rnd(4), -15, 8, 0);
            for (int i = 0; i < 3; i++)
                packed[rnd((uint32_t)(len < 100 ? len : 100))] = (uint8_t)rnd(256);
        }
        judge(packed, len, round & 4 ? one_call : (struct plan){40, 400, 1, 0}, round & 1, "round",
              (size_t)round);
    }
}

/* The lengths of a code are accepted or not as zlib does: all small codes. */
Test(inflate_zlib, every_small_set_of_distance_lengths)
{
    for (unsigned set = 0; set < 5 * 5 * 5 * 5; set++) {
        static struct stream s;
        memset(&s, 0, sizeof s);
        s.litlen_len['a'] = s.litlen_len[256] = s.litlen_len[257] = s.litlen_len[258] = 2;
        for (unsigned i = 0, x = set; i < 4; i++, x /= 5) s.dist_len[i] = x % 5 == 4 ? 15 : x % 5;
        begin_dynamic(&s, 1, 259, 4);
        for (int i = 0; i < 8; i++) put_litlen(&s, 'a');
        put_litlen(&s, 257);
        put(&s, set * 7, 10);
        put_litlen(&s, 256);
        judge(s.p, stream_len(&s) + 60, one_call, set & 1, "set of distances", set);

        memset(&s, 0, sizeof s);
        s.dist_len[0] = 1;
        for (unsigned i = 0, x = set; i < 4; i++, x /= 5)
            s.litlen_len[i + 254] = x % 5 == 4 ? 15 : x % 5;
        begin_dynamic(&s, 1, 258, 1);
        put(&s, set * 77777, 20);
        judge(s.p, stream_len(&s) + 60, one_call, set & 1, "set of literals", set);
    }
}
