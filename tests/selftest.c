/* SPDX-License-Identifier: MIT */
/*
 * selftest.c - the library tested by a plain main, where Criterion cannot run: under TSan, MSan and
 * emulators, big-endian, 32-bit, with another C library.  It needs no file and no library.
 *
 *     selftest            runs everything; the last line is "N passed, N failed", exit 1 when any failed
 *     selftest --simd     prints the SIMD level in use
 *
 * It repeats the essence of the unit tests, one function a part of the library, in data-flow order.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec/crc32.h"
#include "codec/gzip.h"
#include "codec/inflate.h"
#include "core/bytes.h"
#include "core/error.h"
#include "flowlog.h"
#include "simd/cpu.h"
#include "simd/kernels.h"
#include "support/arrow_check.h"

static unsigned passed, failed;

static void note(int good, const char *condition, int line)
{
    if (good) {
        passed++;
    } else if (++failed <= 12) {
        printf("selftest.c:%d: %s\n", line, condition);
    }
}
#define CHECK(condition) note(!!(condition), #condition, __LINE__)
#define CHECK_TEXT(a, b) note(strcmp((a), (b)) == 0, #a " is " #b, __LINE__)

/* xorshift64: the same numbers on every machine. */
static uint64_t random_state = 88172645463325252u;
static uint32_t random_below(uint32_t n)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (uint32_t)(random_state >> 32) % n;
}

/* --- the log that is tokenized, inflated and read: 40 records of version 2, every fifth a REJECT -------------- */

enum { RECORDS = 40, REJECTS = 8 };

static size_t sample_line(unsigned i, char *text, size_t cap)
{
    return (size_t)snprintf(
        text, cap,
        "2 123456789012 eni-0a1b2c3d4e5f60718 10.0.%u.%u 198.51.100.%u %u 443 6 %u %u "
        "1700000000 1700000060 %s OK\n",
        i % 4, i * 7 % 256, i * 13 % 256, 32768 + i * 97, 1 + i % 9, 40 + i * 1111,
        i % 5 == 0 ? "REJECT" : "ACCEPT");
}

static char sample[8192];
static size_t sample_len;

static void sample_make(void)
{
    for (unsigned i = 0; i < RECORDS; i++)
        sample_len += sample_line(i, sample + sample_len, sizeof sample - sample_len);
}

/* The same as gzip -9 has it: a header of 10 bytes, one dynamic block, CRC and length. */
static const uint8_t sample_gz[] = {
    0x1F, 0x8B, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0xFF, 0xAD, 0x98, 0x4B, 0xAE, 0x13, 0x31, 0x14,
    0x44, 0xE7, 0xAC, 0xC2, 0x1B, 0xA0, 0xE5, 0xBA, 0x3F, 0xDB, 0x43, 0x14, 0x65, 0x02, 0x03, 0x10, 0x62,
    0x03, 0x7C, 0x1E, 0x12, 0x13, 0xF6, 0x3F, 0x7C, 0xE5, 0xA7, 0xC6, 0xB4, 0x23, 0x21, 0x40, 0xBA, 0xC9,
    0x24, 0x9D, 0x5F, 0xC9, 0xB9, 0x5D, 0xC7, 0xA7, 0x23, 0x05, 0xA2, 0xE6, 0xD1, 0xFA, 0xA8, 0x90, 0xF2,
    0xF4, 0xF3, 0xC7, 0xEB, 0xFA, 0x19, 0x5F, 0xE4, 0xAB, 0x7E, 0xB3, 0x27, 0xFF, 0x1E, 0xB5, 0xA1, 0x17,
    0xD4, 0xE3, 0xE5, 0x5E, 0x30, 0xFA, 0xE1, 0x38, 0x50, 0xE7, 0x81, 0x4A, 0x8B, 0x5E, 0xCC, 0xB4, 0x44,
    0x41, 0x31, 0xBE, 0xDA, 0xEA, 0x79, 0x5B, 0x0F, 0xA3, 0x96, 0x8F, 0xF7, 0xB7, 0xF7, 0xDB, 0xA7, 0xF2,
    0xFE, 0xDD, 0x2B, 0xF9, 0xE7, 0x2C, 0x1C, 0xED, 0x9A, 0x05, 0x65, 0x58, 0x0F, 0x3F, 0xC3, 0xF8, 0x3D,
    0x70, 0xFC, 0x21, 0xEE, 0xCD, 0xED, 0x76, 0xFF, 0xF0, 0x9F, 0x71, 0x72, 0xC0, 0xAE, 0x79, 0x12, 0xCC,
    0x1B, 0x21, 0x67, 0x9E, 0x16, 0x11, 0x1E, 0xE4, 0xE5, 0xE9, 0x21, 0xB8, 0xE6, 0xE9, 0x28, 0xAA, 0xD5,
    0xC7, 0x99, 0x67, 0x3C, 0x6A, 0x9A, 0x98, 0xC7, 0x15, 0xF5, 0x6B, 0x9E, 0x0B, 0x13, 0xE0, 0x71, 0xE6,
    0xCD, 0xDF, 0xB5, 0x5B, 0x62, 0x1E, 0x0E, 0xF5, 0x6B, 0x1E, 0x27, 0xA7, 0x2A, 0xAE, 0x67, 0x1E, 0x13,
    0x7D, 0x78, 0xE2, 0xE9, 0x22, 0x87, 0xC9, 0x35, 0xAF, 0x75, 0xE6, 0xA9, 0xD7, 0x33, 0xAF, 0x95, 0x68,
    0x35, 0x52, 0xE7, 0x67, 0xE3, 0x9A, 0x37, 0xC0, 0x3C, 0xB3, 0x76, 0xE6, 0xF5, 0xD2, 0x3A, 0x5A, 0xEA,
    0xFC, 0x38, 0xAB, 0x6B, 0x1F, 0xEA, 0x3C, 0x45, 0xDC, 0xEC, 0x0C, 0x1C, 0xA5, 0x8F, 0x39, 0xE1, 0xC4,
    0x01, 0x86, 0x6E, 0x81, 0x5C, 0x8E, 0x6A, 0x18, 0x56, 0xDD, 0xF9, 0x2C, 0xCF, 0xDA, 0xCC, 0x0A, 0xB6,
    0xBA, 0x57, 0xBE, 0xBE, 0xB4, 0xA0, 0x5F, 0x3A, 0x0F, 0xCF, 0x64, 0x8C, 0x1E, 0x6D, 0x87, 0x0C, 0x73,
    0x54, 0xBB, 0xFA, 0x6A, 0x3D, 0x58, 0x7B, 0xA4, 0x8E, 0xB1, 0x6F, 0x98, 0x99, 0x0D, 0x54, 0x1D, 0x2A,
    0xAB, 0xF7, 0xE0, 0x92, 0x25, 0x75, 0x8E, 0x63, 0x03, 0x0D, 0x82, 0xA4, 0xB1, 0x2A, 0x63, 0x35, 0x1F,
    0xAC, 0xBE, 0xA6, 0xCE, 0x71, 0x6C, 0xA8, 0x41, 0x27, 0x6B, 0x0C, 0x12, 0xAB, 0xFB, 0x60, 0xF9, 0x2D,
    0xB5, 0x8C, 0xA8, 0x1B, 0x6D, 0x40, 0xB6, 0xA8, 0x89, 0xE8, 0xAA, 0x3F, 0xD8, 0xFF, 0x4C, 0xDE, 0xCC,
    0x42, 0x6C, 0xC0, 0x91, 0x4A, 0xE2, 0x98, 0x4A, 0x5D, 0x04, 0x00, 0x11, 0x10, 0xA9, 0x93, 0x04, 0x36,
    0xE6, 0x08, 0xB7, 0x10, 0x32, 0x07, 0x6D, 0x31, 0x00, 0x84, 0x40, 0xCB, 0xDD, 0x15, 0x65, 0xC3, 0x0E,
    0x3F, 0xC7, 0x48, 0x87, 0x2D, 0x0A, 0x08, 0x29, 0xD0, 0x73, 0x67, 0xA9, 0x1B, 0x78, 0x84, 0x50, 0x55,
    0x0B, 0x60, 0x61, 0x40, 0x00, 0x1B, 0xA9, 0xA5, 0x84, 0x6D, 0xE4, 0x99, 0x6B, 0x6C, 0xB5, 0x5F, 0xF6,
    0x7E, 0x89, 0x5C, 0xB7, 0x81, 0xED, 0xE0, 0x99, 0x4B, 0xEC, 0xD5, 0x17, 0x05, 0x84, 0x14, 0x48, 0xD6,
    0x1B, 0xDF, 0xC0, 0x33, 0xD9, 0x6A, 0xA3, 0xCA, 0xA2, 0x80, 0x90, 0x02, 0xB9, 0x82, 0x83, 0xD8, 0xC0,
    0x33, 0xD9, 0x6A, 0x63, 0x8C, 0x45, 0x01, 0x21, 0x05, 0x72, 0x15, 0x07, 0xB1, 0x3B, 0x0E, 0x67, 0xE7,
    0x75, 0xC4, 0x82, 0x80, 0x10, 0x02, 0xB9, 0x92, 0x83, 0xB6, 0x5B, 0x0E, 0xD9, 0xEA, 0x18, 0xBA, 0x18,
    0x20, 0x64, 0x40, 0xAE, 0xE6, 0x4C, 0x9A, 0x5E, 0x12, 0x27, 0x5B, 0x5D, 0x46, 0x5D, 0x08, 0x10, 0x22,
    0x20, 0x57, 0x74, 0x08, 0x95, 0xCD, 0x74, 0x88, 0x56, 0xD7, 0xDE, 0x16, 0x01, 0x94, 0x04, 0xC8, 0x55,
    0x1D, 0x8C, 0x07, 0xD7, 0x21, 0x5A, 0x7D, 0xFA, 0xE9, 0x2F, 0x02, 0x28, 0x09, 0x90, 0x2B, 0x3B, 0x52,
    0x77, 0xDB, 0x99, 0x68, 0x75, 0xEF, 0x58, 0x0C, 0x50, 0x11, 0xCF, 0xB5, 0x1D, 0xC1, 0x83, 0xEE, 0x10,
    0x3B, 0xF3, 0x93, 0x97, 0x4B, 0x00, 0x6D, 0xB9, 0xBA, 0x23, 0x78, 0xF0, 0x1D, 0x72, 0xC7, 0x5B, 0xF3,
    0x45, 0x01, 0x6E, 0x27, 0x3D, 0xD7, 0x77, 0x44, 0x76, 0xE1, 0xE1, 0x17, 0xA9, 0xF7, 0x26, 0x0B, 0x03,
    0xFC, 0x99, 0x47, 0xAE, 0xF0, 0x88, 0xEE, 0xC6, 0xC3, 0x0B, 0x29, 0xF5, 0x11, 0x63, 0x71, 0x40, 0xC9,
    0x81, 0x5C, 0xE3, 0x11, 0x7D, 0x50, 0x1E, 0xAE, 0x2B, 0x6A, 0xC4, 0x02, 0x81, 0x12, 0x04, 0xB9, 0xCA,
    0x23, 0xF6, 0xA0, 0x3C, 0x64, 0x4F, 0x20, 0x74, 0x91, 0x40, 0x49, 0x82, 0x5C, 0xE5, 0x11, 0xDF, 0x95,
    0x87, 0xEF, 0xD7, 0x98, 0x5B, 0xE3, 0xEF, 0x7F, 0x00, 0xAA, 0xE6, 0x2A, 0xCF, 0xAE, 0x02, 0x5C, 0x8F,
    0x06, 0xCF, 0xD8, 0x05, 0x02, 0xC3, 0xCB, 0x4E, 0x9A, 0xB9, 0x4F, 0xD6, 0xDD, 0x77, 0x38, 0xBA, 0x30,
    0xB7, 0xC5, 0x01, 0x5A, 0xA5, 0x27, 0xFB, 0xCE, 0xD6, 0x49, 0x71, 0x92, 0x27, 0xDC, 0xB1, 0x30, 0x60,
    0xBC, 0xEC, 0xFA, 0x3B, 0x79, 0x9E, 0x01, 0x46, 0x62, 0x9E, 0x60, 0xC6, 0x11, 0x00, 0x00,
};
enum { GZ_HEADER = 10, GZ_TRAILER = 8 };

/* --- base ------------------------------------------------------------------------------------------------------ */

static void base_names_every_status(void)
{
#define X(name, value, text)                                           \
    CHECK((int)FLOWLOG_##name == (value));                             \
    CHECK_TEXT(flowlog_status_name(FLOWLOG_##name), "FLOWLOG_" #name); \
    CHECK_TEXT(flowlog_status_message(FLOWLOG_##name), text);
    FLOWLOG_STATUS_MAP(X)
#undef X
    CHECK_TEXT(flowlog_status_name((flowlog_status)-99), "FLOWLOG_UNKNOWN");
    CHECK_TEXT(flowlog_status_message((flowlog_status)-99), "unknown status");
}

static void base_knows_its_version(void)
{
    char text[32];
    snprintf(text, sizeof text, "%d.%d.%d", FLOWLOG_VERSION_MAJOR, FLOWLOG_VERSION_MINOR,
             FLOWLOG_VERSION_PATCH);
    CHECK_TEXT(flowlog_version_text(), text);
    CHECK(flowlog_version() == (uint32_t)(FLOWLOG_VERSION_MAJOR * 10000 + FLOWLOG_VERSION_MINOR * 100 +
                                          FLOWLOG_VERSION_PATCH));
}

static void base_knows_the_sizes_of_its_structures(void)
{
    CHECK(flowlog_struct_size("flowlog_error") == sizeof(flowlog_error));
    CHECK(flowlog_struct_size("flowlog_batch") == sizeof(flowlog_batch));
    CHECK(flowlog_struct_size("flowlog_counters") == sizeof(flowlog_counters));
    CHECK(flowlog_struct_size("flowlog_diagnosis_options") == sizeof(flowlog_diagnosis_options));
    CHECK(flowlog_struct_size("flowlog_value") == sizeof(flowlog_value));
    CHECK(flowlog_struct_size("flowlog_values") == 0 && flowlog_struct_size("") == 0);
}

static void core_fills_in_an_error(void)
{
    flowlog_error err;
    memset(&err, 0xA5, sizeof err);
    CHECK(flowlog__fail_at(&err, FLOWLOG_E_SYNTAX, UINT64_C(5000000000), 7, 3, "at %s\n", "x") ==
          FLOWLOG_E_SYNTAX);
    CHECK(err.status == FLOWLOG_E_SYNTAX && err.offset == UINT64_C(5000000000) && err.line == 7 &&
          err.column == 3);
    CHECK_TEXT(err.message, "at x?");
    CHECK(FL_FAIL(&err, FLOWLOG_E_IO, "%300d", 1) == FLOWLOG_E_IO &&
          strlen(err.message) == sizeof err.message - 1);
    CHECK(err.offset == 0 && err.line == 0 && err.column == 0);
    CHECK(FL_FAIL(NULL, FLOWLOG_E_IO, "nobody listens") == FLOWLOG_E_IO);
}

static void core_loads_little_endian(void)
{
    static const uint8_t bytes[] = {0xFF, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x88};
    uint8_t out[9] = {0};
    CHECK(fl_load16(bytes + 1) == 0x0201);
    CHECK(fl_load32(bytes + 1) == 0x04030201);
    CHECK(fl_load64(bytes + 1) == UINT64_C(0x8807060504030201));
    fl_store64(out + 1, UINT64_C(0x8807060504030201));
    CHECK(memcmp(out + 1, bytes + 1, 8) == 0);
}

/* --- simd: every kernel of every table equals the scalar one ----------------------------------------------------- */

enum { ROWS_MAX = 200, FIELDS = 6, TEXT_CAP = ROWS_MAX * FIELDS * 24 };

static struct {
    uint8_t text[TEXT_CAP + FL_TEXT_SLOP];
    size_t len;
    uint32_t at[TEXT_CAP + FL_ENDS_SLOP + 1];
} rows_text;

static const char *const words[] = {"ACCEPT", "REJECT", "OK", "NODATA", "SKIPDATA", "-"};
static const char *const addresses[] = {"0.0.0.0",    "255.255.255.255", "10.0.0.1",  "1.2.3.256",
                                        "01.2.3.4",   "1.2.3",           "1.2.3.4.5", "1..3.4",
                                        "::1",        "1.2.3.4x",        "-",         "9.99.199.249",
                                        "1234.1.1.1", "fe80::1:2",       "1.2.3.-",   ".1.2.3"};

static size_t put_token(char *p, unsigned kind)
{
    switch (kind) {
    case 0: { /* digits, 1 to 20 of them, or nearly digits */
        const unsigned n = 1 + random_below(20);
        for (unsigned i = 0; i < n; i++) p[i] = (char)('0' + random_below(10));
        if (random_below(8) == 0) p[random_below(n)] = "/:-xA."[random_below(6)];
        return n;
    }
    case 1:
        return (size_t)sprintf(p, "%u.%u.%u.%u", random_below(256), random_below(256), random_below(256),
                               random_below(256));
    case 2:
        return (size_t)sprintf(p, "%s", addresses[random_below(sizeof addresses / sizeof *addresses)]);
    case 3: return (size_t)sprintf(p, "%s", words[random_below(sizeof words / sizeof *words)]);
    case 4: { /* 8 digits and fewer, with leading zeros */
        return (size_t)sprintf(p, "%0*u", 1 + (int)random_below(8), random_below(100000));
    }
    default: { /* anything that is no separator, bytes above 0x7F too */
        const unsigned n = 1 + random_below(12);
        for (unsigned i = 0; i < n; i++) {
            const unsigned c = 0x21 + random_below(0x100 - 0x21);
            p[i] = (char)(c == 0x7F ? '~' : c);
        }
        return n;
    }
    }
}

static void rows_make(size_t rows)
{
    rows_text.len = 0;
    for (size_t r = 0; r < rows; r++)
        for (unsigned f = 0; f < FIELDS; f++) {
            /* Each column mostly of its own kind, and now and then of any other. */
            char token[64];
            const size_t n = put_token(token, random_below(6) ? f : random_below(6));
            memcpy(rows_text.text + rows_text.len, token, n);
            rows_text.len += n;
            rows_text.text[rows_text.len++] = f + 1 < FIELDS ? ' ' : '\n';
        }
    memset(rows_text.text + rows_text.len, '7', FL_TEXT_SLOP);
}

/* Results of one kernel, twice; the bytes behind them must stay. */
struct outputs {
    uint64_t values[ROWS_MAX + 8];
    uint64_t valid[ROWS_MAX / 64 + 2], todo[ROWS_MAX / 64 + 2];
    int any;
};

static void compare_columns(const fl_kernels *k, const fl_rows *rows, size_t f)
{
    static const uint64_t limits[] = {0, 255, 65535, 99999999, UINT32_MAX, UINT64_MAX};
    static const fl_token known[] = {
        {UINT64_C(0x545045434341), 1}, {UINT64_C(0x5443454A4552), 2}, {UINT64_C(0x4B4F), 3}};
    const fl_kernels *s = &flowlog__kernels_scalar;
    static struct outputs a, b;
    /* Rows up to a whole number of bitmap words may be scribbled; what lies behind may not. */
    for (unsigned kernel = 0; kernel < 5; kernel++)
        for (unsigned limit = 0; limit < (kernel < 2 ? 6u : 1u); limit++) {
            memset(&a, 0xA5, sizeof a);
            memset(&b, 0xA5, sizeof b);
            a.any = b.any = 0;
            size_t width = 4;
            for (unsigned which = 0; which < 2; which++) {
                struct outputs *o = which ? &b : &a;
                const fl_kernels *t = which ? k : s;
                const uint64_t max = limits[limit];
                switch (kernel) {
                case 0:
                    o->any = t->digits8(rows, f, max > UINT32_MAX ? UINT32_MAX : (uint32_t)max,
                                        (uint32_t *)(void *)o->values, o->valid, o->todo);
                    break;
                case 1:
                    o->any = t->digits16(rows, f, max, o->values, o->valid, o->todo);
                    width = 8;
                    break;
                case 2:
                    o->any = t->ipv4(rows, f, (uint32_t *)(void *)o->values, o->valid, o->todo);
                    break;
                case 3:
                    t->spans(rows, f, (uint32_t *)(void *)o->values, o->valid);
                    width = 8;
                    break;
                default:
                    o->any =
                        t->tokens8(rows, f, known, 3, (uint8_t *)(void *)o->values, o->valid, o->todo);
                    width = 1;
                    break;
                }
            }
            CHECK(memcmp(a.values, b.values, rows->rows * width) == 0);
            CHECK(memcmp(a.valid, b.valid, sizeof a.valid) == 0);
            CHECK(memcmp(a.todo, b.todo, sizeof a.todo) == 0);
            CHECK(!a.any == !b.any);
        }
}

static void compare_scans(const fl_kernels *k)
{
    static uint8_t text[700];
    static uint32_t a[sizeof text + FL_ENDS_SLOP], b[sizeof text + FL_ENDS_SLOP];
    static const char alphabet[] = "09az. \n\n \t\r\x01\x7F\x80\xFF-";
    for (unsigned round = 0; round < 400; round++) {
        const size_t begin = random_below(70), n = round < 260 ? round : random_below(600);
        for (size_t i = 0; i < sizeof text; i++)
            text[i] = (uint8_t)alphabet[random_below(round % 3 ? sizeof alphabet - 1 : 4)];
        fl_scan sa = {9, 9, 9}, sb = {8, 8, 8};
        const size_t na = flowlog__kernels_scalar.scan_ends(text + begin, n, a, &sa);
        const size_t nb = k->scan_ends(text + begin, n, b, &sb);
        CHECK(na == nb && memcmp(a, b, na * sizeof *a) == 0);
        CHECK(sa.newlines == sb.newlines && sa.adjacent == sb.adjacent && sa.strange == sb.strange);
        CHECK(k->count_newlines(text + begin, n) == sa.newlines);
    }
}

static void simd_levels_agree(void)
{
    const uint32_t have = flowlog__cpu_features();
    for (const fl_kernels *const *k = flowlog__kernels_all; *k; k++) {
        if (((*k)->needs & have) != (*k)->needs) {
            printf("SKIPPED: %s kernels: this processor lacks them\n", (*k)->name);
            continue;
        }
        printf("%s kernels\n", (*k)->name);
        compare_scans(*k);
        static const size_t counts[] = {0,  1,  2,  7,  8,   15,  16,  17,
                                        31, 63, 64, 65, 127, 128, 129, ROWS_MAX};
        for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
            rows_make(counts[i]);
            fl_scan scan;
            rows_text.at[0] = UINT32_MAX;
            const size_t ends = flowlog__kernels_scalar.scan_ends(rows_text.text, rows_text.len,
                                                                  rows_text.at + 1, &scan);
            CHECK(ends == counts[i] * FIELDS && scan.newlines == counts[i] && !scan.adjacent &&
                  !scan.strange);
            const fl_rows rows = {
                .text = rows_text.text, .at = rows_text.at, .stride = FIELDS, .rows = counts[i]};
            for (size_t f = 0; f < FIELDS; f++) compare_columns(*k, &rows, f);
        }
    }
}

/* The scalar kernels are the specification: they are held to values written down here. */
static void simd_scalar_is_right(void)
{
    static uint8_t text[80 + FL_TEXT_SLOP] =
        "10.0.0.1 42 -\n255.255.255.255 00000007 REJECT\n1.2.3.256 70000 OTHER\n";
    uint32_t at[80 + FL_ENDS_SLOP], out[8];
    uint64_t valid, todo;
    uint8_t codes[8];
    static const fl_token known[] = {{UINT64_C(0x545045434341), 1}, {UINT64_C(0x5443454A4552), 2}};
    fl_scan scan;
    at[0] = UINT32_MAX;
    const fl_kernels *s = &flowlog__kernels_scalar;
    CHECK(s->scan_ends(text, strlen((char *)text), at + 1, &scan) == 9 && scan.newlines == 3);
    const fl_rows rows = {.text = text, .at = at, .stride = 3, .rows = 3};
    CHECK(s->ipv4(&rows, 0, out, &valid, &todo) == 1 && valid == 3 && todo == 4);
    CHECK(out[0] == 0x0A000001 && out[1] == 0xFFFFFFFF && out[2] == 0);
    CHECK(s->digits8(&rows, 1, 65535, out, &valid, &todo) == 1 && valid == 3 && todo == 4);
    CHECK(out[0] == 42 && out[1] == 7 && out[2] == 0);
    CHECK(s->tokens8(&rows, 2, known, 2, codes, &valid, &todo) == 1 && valid == 2 && todo == 4);
    CHECK(codes[0] == 0 && codes[1] == 2 && codes[2] == 0);
}

/* --- codec ------------------------------------------------------------------------------------------------------- */

static void codec_crc32_is_that_of_gzip(void)
{
    CHECK(flowlog__crc32(0, "123456789", 9) == 0xCBF43926u);
    CHECK(flowlog__crc32(0, sample, sample_len) == fl_load32(sample_gz + sizeof sample_gz - GZ_TRAILER));
    for (size_t cut = 0; cut <= sample_len; cut += 13)
        CHECK(flowlog__crc32(flowlog__crc32(0, sample, cut), sample + cut, sample_len - cut) ==
              flowlog__crc32(0, sample, sample_len));
}

static void codec_inflates_at_every_cut(void)
{
    static struct fl_inflate state;
    static uint8_t out[sizeof sample + FL_INFLATE_OUT_SLOP];
    const uint8_t *raw = sample_gz + GZ_HEADER;
    const size_t raw_len = sizeof sample_gz - GZ_HEADER - GZ_TRAILER;
    flowlog_error err;
    for (size_t cut = 0; cut <= raw_len; cut++) {
        size_t used = 0, more = 0, len = 0;
        memset(out, 0xA5, sizeof out);
        flowlog__inflate_init(&state);
        flowlog_status st =
            flowlog__inflate_run(&state, raw, cut, &used, out, &len, sizeof sample, 0, &err);
        CHECK(st >= 0 && used <= cut);
        if (st == FLOWLOG_OK)
            st = flowlog__inflate_run(&state, raw + used, raw_len - used, &more, out, &len,
                                      sizeof sample, 1, &err);
        CHECK(st == FLOWLOG_END && used + more == raw_len && len == sample_len &&
              memcmp(out, sample, sample_len) == 0);
    }
    for (size_t cut = 0; cut < raw_len;
         cut++) { /* every truncation is damage, and what came before it is right */
        size_t used = 0, len = 0;
        flowlog__inflate_init(&state);
        CHECK(flowlog__inflate_run(&state, raw, cut, &used, out, &len, sizeof sample, 1, &err) ==
              FLOWLOG_E_CORRUPT);
        CHECK(len <= sample_len && memcmp(out, sample, len) == 0);
    }
}

static void codec_gunzips_members_at_every_cut(void)
{
    static struct fl_gzip state;
    static uint8_t twice[2 * sizeof sample_gz], out[2 * sizeof sample + FL_INFLATE_OUT_SLOP];
    flowlog_error err;
    memcpy(twice, sample_gz, sizeof sample_gz);
    memcpy(twice + sizeof sample_gz, sample_gz, sizeof sample_gz);
    for (size_t cut = 0; cut <= sizeof twice; cut += cut % 64 ? 3 : 1) {
        size_t used = 0, more = 0, len = 0;
        flowlog__gzip_init(&state);
        flowlog_status st =
            flowlog__gzip_run(&state, twice, cut, &used, out, &len, 2 * sizeof sample, 0, &err);
        CHECK(st == FLOWLOG_OK && used == cut);
        st = flowlog__gzip_run(&state, twice + used, sizeof twice - used, &more, out, &len,
                               2 * sizeof sample, 1, &err);
        CHECK(st == FLOWLOG_END && used + more == sizeof twice && len == 2 * sample_len);
        CHECK(memcmp(out, sample, sample_len) == 0 && memcmp(out + sample_len, sample, sample_len) == 0);
    }
    for (unsigned i = 1; i <= GZ_TRAILER; i++) { /* a wrong CRC or length is damage */
        size_t used = 0, len = 0;
        memcpy(twice, sample_gz, sizeof sample_gz);
        twice[sizeof sample_gz - i] ^= 1;
        flowlog__gzip_init(&state);
        CHECK(flowlog__gzip_run(&state, twice, sizeof sample_gz, &used, out, &len, sizeof sample, 1,
                                &err) == FLOWLOG_E_CORRUPT);
    }
}

/* --- schema ------------------------------------------------------------------------------------------------------ */

static void schema_catalogue_finds_itself(void)
{
    const uint32_t count = flowlog_field_count();
#define X(number, id, spelling, since, kind, sense)                                               \
    {                                                                                             \
        const flowlog_field_info *info = flowlog_field_get(number);                               \
        CHECK(info &&FLOWLOG_FIELD_##id == (number) && (number) <= count);                        \
        CHECK(info && info->field == (number) && info->type == FLOWLOG_TYPE_##kind);              \
        CHECK(info &&strcmp(info->name, spelling) == 0);                                          \
        CHECK(info &&flowlog_field_find(info->name, strlen(info->name)) == (number));             \
        CHECK(info &&flowlog_field_find(info->underscore, strlen(info->underscore)) == (number)); \
        CHECK(info &&flowlog_field_find(info->insights, strlen(info->insights)) == (number));     \
    }
    FLOWLOG_FIELD_MAP(X)
#undef X
    CHECK(!flowlog_field_get(0) && !flowlog_field_get(count + 1));
    CHECK(flowlog_field_find("no-such-field", 13) == FLOWLOG_FIELD_UNKNOWN);
    CHECK(flowlog_enum_code(FLOWLOG_FIELD_ACTION, "REJECT", 6) == FLOWLOG_ACTION_REJECT);
    CHECK(flowlog_enum_code(FLOWLOG_FIELD_ACTION, "DENY", 4) == FLOWLOG_OTHER);
    CHECK_TEXT(flowlog_enum_name(FLOWLOG_FIELD_LOG_STATUS, FLOWLOG_LOG_STATUS_SKIPDATA), "SKIPDATA");
}

static void schema_formats_read_what_they_print(void)
{
    static const flowlog_format *(*const defaults[])(void) = {flowlog_format_default,
                                                              flowlog_format_tgw};
    static const uint32_t columns[] = {14, 36};
    char text[4096];
    flowlog_error err;
    for (unsigned i = 0; i < 2; i++)
        for (int style = FLOWLOG_FORMAT_AWS; style <= FLOWLOG_FORMAT_COMMAS; style++) {
            const flowlog_format *format = defaults[i]();
            CHECK(flowlog_format_columns(format) == columns[i]);
            const size_t len = flowlog_format_print(format, style, text, sizeof text);
            CHECK(len < sizeof text && strlen(text) == len);
            flowlog_format *again = NULL;
            CHECK(flowlog_format_parse(text, len, NULL, &again, &err) == FLOWLOG_OK);
            CHECK(again && flowlog_format_equal(format, again));
            if (style == FLOWLOG_FORMAT_HEADER) CHECK(flowlog_is_header(text, len));
            flowlog_format_free(again);
        }
    CHECK(!flowlog_is_header(sample, sample_line(0, text, sizeof text) - 1));
    flowlog_format *none = NULL;
    CHECK(flowlog_format_parse("srcaddr dstaddr src_addr", 24, NULL, &none, &err) ==
          FLOWLOG_E_DUPLICATE);
    CHECK(!none && err.offset == 16 && err.column == 17);
}

/* --- decode ------------------------------------------------------------------------------------------------------ */

static void decode_addresses_are_canonical(void)
{
    static const char *const rows[][2] = {
        {"10.0.0.1", "10.0.0.1"},
        {"255.255.255.255", "255.255.255.255"},
        {"::", "::"},
        {"::1", "::1"},
        {"2001:DB8:0:0:1:0:0:1", "2001:db8::1:0:0:1"},
        {"2001:db8:0000:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"},
        {"fe80:0:0:0:0:0:0:1", "fe80::1"},
        {"1:0:0:2:0:0:0:3", "1:0:0:2::3"},
        {"::ffff:10.0.0.1", "::ffff:10.0.0.1"},
        {"::FFFF:A00:1", "::ffff:10.0.0.1"},
    };
    static const char *const wrong[] = {"",          "-",        "1.2.3",         "1.2.3.256",
                                        "01.2.3.4",  "1.2.3.4 ", ":::",           "1::2::3",
                                        "fe80::1%0", "12345::",  "1:2:3:4:5:6:7", "::1.2.3",
                                        "g::"};
    flowlog_addr addr, again;
    char text[FLOWLOG_ADDR_TEXT_MAX];
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        CHECK(flowlog_addr_parse(rows[i][0], strlen(rows[i][0]), &addr) == FLOWLOG_OK);
        CHECK(flowlog_addr_format(&addr, text) == strlen(rows[i][1]));
        CHECK_TEXT(text, rows[i][1]);
        CHECK(flowlog_addr_parse(text, strlen(text), &again) == FLOWLOG_OK &&
              flowlog_addr_compare(&addr, &again) == 0);
    }
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        memset(&addr, 0xA5, sizeof addr);
        memcpy(&again, &addr, sizeof addr);
        CHECK(flowlog_addr_parse(wrong[i], strlen(wrong[i]), &addr) == FLOWLOG_E_SYNTAX);
        CHECK(memcmp(&addr, &again, sizeof addr) == 0);
    }
}

static void decode_tokenizes_lines(void)
{
    uint32_t ends[256];
    size_t count = 0, used = 0;
    uint64_t lines = 0;
    flowlog_span fields[20];
    flowlog_error err;
    const size_t line_len = strcspn(sample, "\n") + 1;
    CHECK(flowlog_count_lines(sample, sample_len, &lines) == FLOWLOG_OK && lines == RECORDS);
    CHECK(flowlog_count_lines(sample, sample_len - 1, &lines) == FLOWLOG_OK && lines == RECORDS);
    CHECK(flowlog_tokenize(sample, line_len, ends, 256, &count, &used) == FLOWLOG_OK);
    CHECK(count == 14 && used == line_len && ends[0] == 1 && ends[1] == 14 && ends[13] == line_len - 1);
    CHECK(flowlog_split_line(sample, line_len, 14, fields, 20, &count, &err) == FLOWLOG_OK &&
          count == 14);
    CHECK(fields[12].len == 6 && memcmp(sample + fields[12].offset, "REJECT", 6) == 0);
    CHECK(flowlog_split_line("a\tb  c \r\n", 9, 3, fields, 20, &count, &err) == FLOWLOG_OK &&
          count == 3);
    CHECK(flowlog_split_line("a b\x01", 4, 0, fields, 20, &count, &err) == FLOWLOG_E_MALFORMED &&
          err.offset == 3);
}

/* --- read and plan ------------------------------------------------------------------------------------------------ */

struct totals {
    uint64_t rows, bytes, rejects;
};

/* Adds up what the reader gives until it says something else than OK. */
static flowlog_status drain(flowlog_reader *reader, struct totals *t, flowlog_error *err)
{
    const flowlog_batch *batch;
    flowlog_status st;
    while ((st = flowlog_reader_next(reader, &batch, err)) == FLOWLOG_OK) {
        const int32_t bytes = flowlog_batch_find(batch, "bytes", 5),
                      action = flowlog_batch_find(batch, "action", 6);
        if (bytes < 0 || action < 0) return FLOWLOG_E_FIELD;
        t->rows += batch->rows;
        for (uint32_t r = 0; r < batch->rows; r++) {
            t->bytes += ((const uint64_t *)batch->column[bytes].values)[r];
            t->rejects += ((const uint8_t *)batch->column[action].values)[r] == FLOWLOG_ACTION_REJECT;
        }
    }
    return st;
}

static int totals_are_right(const struct totals *t)
{
    uint64_t bytes = 0;
    for (unsigned i = 0; i < RECORDS; i++) bytes += 40 + i * 1111;
    return t->rows == RECORDS && t->bytes == bytes && t->rejects == REJECTS;
}

/* Feed data[0..cut) and then the rest. */
static void feed_in_two(const void *data, size_t len, size_t cut)
{
    flowlog_error err;
    flowlog_reader *reader = NULL;
    struct totals t = {0, 0, 0};
    CHECK(flowlog_reader_open(NULL, NULL, &reader, &err) == FLOWLOG_OK);
    if (!reader) return;
    CHECK(flowlog_reader_feed(reader, data, cut) == FLOWLOG_OK);
    CHECK(drain(reader, &t, &err) == FLOWLOG_MORE);
    CHECK(flowlog_reader_feed(reader, (const char *)data + cut, len - cut) == FLOWLOG_OK);
    CHECK(drain(reader, &t, &err) == FLOWLOG_MORE);
    CHECK(flowlog_reader_finish(reader) == FLOWLOG_OK);
    CHECK(drain(reader, &t, &err) == FLOWLOG_END);
    CHECK(totals_are_right(&t));
    const flowlog_counters *c = flowlog_reader_counters(reader);
    CHECK(c->lines == RECORDS && c->records == RECORDS && c->malformed == 0 && c->bytes == sample_len);
    flowlog_reader_close(reader);
}

static void read_the_same_at_every_cut(void)
{
    for (size_t cut = 0; cut <= sample_len; cut += cut < 300 ? 1 : 41)
        feed_in_two(sample, sample_len, cut);
    for (size_t cut = 0; cut <= sizeof sample_gz; cut += cut < 40 ? 1 : 19)
        feed_in_two(sample_gz, sizeof sample_gz, cut);
}

static void read_counts_every_line(void)
{
    static const char text[] =
        "version account-id interface-id srcaddr dstaddr bytes action log-status\n"
        "2 123456789010 eni-1 10.0.0.1 10.0.0.2 18446744073709551615 ACCEPT OK\n"
        "2 123456789010 eni-1 - - - - NODATA\n"
        "2 123456789010 eni-1 - - - - SKIPDATA\n"
        "\n"
        "2 123456789010 eni-1 10.0.0.1 10.0.0.2 12x ACCEPT OK\n"
        "2 123456789010 eni-1 10.0.0 10.0.0.2 12 ACCEPT OK\n"
        "2 123456789010 eni-1 10.0.0.1\n"
        "2 123456789010 eni-1 2001:db8::1 10.0.0.2 0 SURPRISE OK";
    flowlog_error err;
    flowlog_source *source = NULL;
    flowlog_reader *reader = NULL;
    struct totals t = {0, 0, 0};
    CHECK(flowlog_source_memory(text, sizeof text - 1, "text", NULL, &source, &err) == FLOWLOG_OK);
    CHECK(flowlog_reader_open(source, NULL, &reader, &err) == FLOWLOG_OK);
    if (!reader) return;
    CHECK(drain(reader, &t, &err) == FLOWLOG_END);
    CHECK(t.rows == 4 && t.bytes == UINT64_MAX && t.rejects == 0);
    const flowlog_counters *c = flowlog_reader_counters(reader);
    CHECK(c->files == 1 && c->lines == 9 && c->headers == 1 && c->records == 2 && c->nodata == 1 &&
          c->skipdata == 1);
    CHECK(c->skipped == 1 && c->malformed == 3 && c->reasons[FLOWLOG_REASON_NUMBER] == 1);
    CHECK(c->reasons[FLOWLOG_REASON_ADDRESS] == 1 && c->reasons[FLOWLOG_REASON_TOO_FEW] == 1);
    CHECK(c->bad_lines == 3 && c->bad_line[0].line == 6 && c->bad_line[2].line == 8);
    flowlog_reader_close(reader);
}

static void plan_adds_up_by_key(void)
{
    flowlog_error err;
    flowlog_plan *plan = NULL;
    flowlog_run *run = NULL;
    flowlog_result *result = NULL;
    flowlog_source *source = NULL;
    flowlog_reader *reader = NULL;
    flowlog_reader_options options = FLOWLOG_READER_OPTIONS_INIT;
    const flowlog_batch *batch;
    flowlog_value value;
    CHECK(flowlog_plan_new(NULL, &plan) == FLOWLOG_OK);
    CHECK(flowlog_plan_key(plan, "action", &err) == FLOWLOG_OK);
    CHECK(flowlog_plan_aggregate(plan, FLOWLOG_AGG_SUM, "bytes", "bytes", &err) == FLOWLOG_OK);
    CHECK(flowlog_plan_aggregate(plan, FLOWLOG_AGG_COUNT, NULL, "flows", &err) == FLOWLOG_OK);
    CHECK(flowlog_plan_sort(plan, "bytes", 1, &err) == FLOWLOG_OK);
    options.fields = flowlog_plan_fields(plan);
    CHECK(flowlog_source_memory(sample_gz, sizeof sample_gz, NULL, NULL, &source, &err) == FLOWLOG_OK);
    CHECK(flowlog_reader_open(source, &options, &reader, &err) == FLOWLOG_OK);
    CHECK(flowlog_run_begin(plan, NULL, &run) == FLOWLOG_OK);
    if (!reader || !run) return;
    flowlog_status st;
    while ((st = flowlog_reader_next(reader, &batch, &err)) == FLOWLOG_OK)
        CHECK(flowlog_run_add(run, batch, &err) == FLOWLOG_OK);
    CHECK(st == FLOWLOG_END);
    CHECK(flowlog_run_finish(run, &result, &err) == FLOWLOG_OK);
    CHECK(result && flowlog_result_rows(result) == 2 && flowlog_result_columns(result) == 3);
    CHECK(flowlog_result_value(result, 0, 0, &value) == FLOWLOG_OK &&
          value.code == FLOWLOG_ACTION_ACCEPT);
    CHECK(flowlog_result_value(result, 1, 0, &value) == FLOWLOG_OK &&
          value.code == FLOWLOG_ACTION_REJECT);
    CHECK(flowlog_result_value(result, 1, 2, &value) == FLOWLOG_OK && value.number == REJECTS);
    uint64_t bytes = 0;
    for (unsigned i = 0; i < RECORDS; i += 5) bytes += 40 + i * 1111;
    CHECK(flowlog_result_value(result, 1, 1, &value) == FLOWLOG_OK && value.number == bytes);
    flowlog_result_free(result);
    flowlog_run_free(run);
    flowlog_reader_close(reader);
    flowlog_plan_free(plan);
}

/* --- output: Arrow arrays, whose bitmaps are bytes and whose decimals are the machine's ---------------------- */

enum { ARROW_ROWS = 300, ARROW_ARRAY = 130 };

static size_t arrow_line(unsigned i, char *text, size_t cap)
{
    char bytes[24] = "-";
    if (i % 3) snprintf(bytes, sizeof bytes, "%llu", 5000000000ull * i);
    return (size_t)snprintf(text, cap, "%s%u %s %s %u t%u", i % 7 ? "10.1.1." : "2001:db8::", 1 + i % 9, bytes,
                            i % 5 ? i % 11 ? "ACCEPT" : "DROP" : "REJECT", 1700000000 + i, i % 100);
}

static void arrow_has_the_rows_of_the_reader(void)
{
    static char log[65536];
    size_t n = (size_t)snprintf(log, sizeof log, "srcaddr bytes action start my-tag\n");
    for (unsigned i = 0; i < ARROW_ROWS; i++) {
        n += arrow_line(i, log + n, sizeof log - n);
        log[n++] = '\n';
    }
    flowlog_source *source = NULL;
    flowlog_reader *reader = NULL;
    flowlog_arrow_options options = FLOWLOG_ARROW_OPTIONS_INIT;
    struct ArrowArrayStream stream;
    struct ArrowSchema schema;
    struct ArrowArray array;
    unsigned row = 0, equal = 0;
    options.array_rows = ARROW_ARRAY;
    CHECK(flowlog_source_memory(log, n, NULL, NULL, &source, NULL) == FLOWLOG_OK);
    CHECK(flowlog_reader_open(source, NULL, &reader, NULL) == FLOWLOG_OK);
    CHECK(flowlog_reader_to_arrow(reader, &options, &stream, NULL) == FLOWLOG_OK);
    if (!reader || stream.get_schema(&stream, &schema)) return;
    while (stream.get_next(&stream, &array) == 0 && array.release) {
        CHECK(arrow_check(&schema, &array) == NULL);
        for (int64_t r = 0; r < array.length; r++, row++) {
            char line[256], want[256];
            size_t len = 0;
            for (int64_t c = 0; c < array.n_children; c++) {
                if (c) line[len++] = ' ';
                arrow_cell(schema.children[c], array.children[c], r, line + len, sizeof line - len);
                len += strlen(line + len);
            }
            arrow_line(row, want, sizeof want);
            equal += strcmp(line, want) == 0;
        }
        array.release(&array);
    }
    CHECK(row == ARROW_ROWS && equal == ARROW_ROWS);
    schema.release(&schema);
    stream.release(&stream);
}

static void arrow_decimals_are_exact(void)
{
    static const char log[] = "bytes\n18446744073709551615\n";
    flowlog_plan *plan = NULL;
    flowlog_source *source = NULL;
    flowlog_result *result = NULL;
    struct ArrowArrayStream stream;
    struct ArrowSchema schema;
    struct ArrowArray array;
    char text[64];
    CHECK(flowlog_plan_new(NULL, &plan) == FLOWLOG_OK);
    CHECK(flowlog_plan_select(plan, "1 / 3 - sum(bytes)", NULL) == FLOWLOG_OK);
    CHECK(flowlog_source_memory(log, sizeof log - 1, NULL, NULL, &source, NULL) == FLOWLOG_OK);
    CHECK(flowlog_plan_run(plan, source, NULL, &result, NULL) == FLOWLOG_OK);
    flowlog_source_close(source);
    flowlog_plan_free(plan);
    CHECK(flowlog_result_to_arrow(result, NULL, &stream, NULL) == FLOWLOG_OK);
    if (!result || stream.get_schema(&stream, &schema) || stream.get_next(&stream, &array)) return;
    CHECK(arrow_check(&schema, &array) == NULL);
    arrow_cell(schema.children[0], array.children[0], 0, text, sizeof text);
    CHECK_TEXT(text, "-18446744073709551614.666666667");
    array.release(&array);
    schema.release(&schema);
    stream.release(&stream);
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "--simd") == 0) {
        puts(flowlog_simd_name());
        return 0;
    }
    sample_make();
    base_names_every_status();
    base_knows_its_version();
    base_knows_the_sizes_of_its_structures();
    core_fills_in_an_error();
    core_loads_little_endian();
    simd_scalar_is_right();
    simd_levels_agree();
    codec_crc32_is_that_of_gzip();
    codec_inflates_at_every_cut();
    codec_gunzips_members_at_every_cut();
    schema_catalogue_finds_itself();
    schema_formats_read_what_they_print();
    decode_addresses_are_canonical();
    decode_tokenizes_lines();
    read_the_same_at_every_cut();
    read_counts_every_line();
    plan_adds_up_by_key();
    arrow_has_the_rows_of_the_reader();
    arrow_decimals_are_exact();
    printf("%u passed, %u failed\n", passed, failed);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
