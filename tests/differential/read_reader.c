/* SPDX-License-Identifier: MIT */
/*
 * The reader against a slow model of it (support/read_model.h): the bundled logs, random ones of many formats
 * with every kind of damage, all ways in which the same bytes can arrive, and all options that change no row.
 */
#define _DEFAULT_SOURCE
#include <criterion/criterion.h>
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zlib.h>

#include "flowlog/token.h"
#include "support/alloc_count.h"
#include "support/guard.h"
#include "support/read_logs.h"

TestSuite(reader_model, .timeout = 90);

/* --- ways in ------------------------------------------------------------------------------------------------- */

static size_t piece_size; /* 0: random */
static size_t next_piece(void *ctx)
{
    (void)ctx;
    return piece_size ? piece_size : rnd(5) ? 1 + rnd(200) : rnd(3000);
}

struct callback {
    const char *p;
    size_t n, at, most;
};

static int64_t call_back(void *ctx, void *buf, size_t cap)
{
    struct callback *c = ctx;
    size_t n = c->most < cap ? c->most : cap;
    if (n > c->n - c->at) n = c->n - c->at;
    memcpy(buf, c->p + c->at, n);
    c->at += n;
    return (int64_t)n;
}

static void read_source(flowlog_source *source, const flowlog_reader_options *o, struct reading *r)
{
    flowlog_reader *reader;
    flowlog_error err;
    cr_assert_eq(flowlog_reader_open(source, o, &reader, &err), FLOWLOG_OK, "%s", err.message);
    transcript_of_reader(reader, NULL, 0, NULL, NULL, r);
    flowlog_reader_close(reader);
}

static void read_memory(const char *p, size_t n, const flowlog_reader_options *o, struct reading *r)
{
    flowlog_source *source;
    char *exact = malloc(n ? n : 1); /* so that a sanitizer sees one byte too many */
    memcpy(exact, p, n);
    cr_assert_eq(flowlog_source_memory(exact, n, "memory", NULL, &source, NULL), FLOWLOG_OK);
    read_source(source, o, r);
    free(exact);
}

static void read_pieces(const char *p, size_t n, size_t size, const flowlog_reader_options *o, struct reading *r)
{
    flowlog_reader *reader;
    cr_assert_eq(flowlog_reader_open(NULL, o, &reader, NULL), FLOWLOG_OK);
    piece_size = size;
    transcript_of_reader(reader, p, n, next_piece, NULL, r);
    flowlog_reader_close(reader);
}

static void read_callback(const char *p, size_t n, size_t most, const flowlog_reader_options *o, struct reading *r)
{
    flowlog_source *source;
    struct callback c = {p, n, 0, most};
    cr_assert_eq(flowlog_source_callback(call_back, &c, NULL, NULL, &source, NULL), FLOWLOG_OK);
    read_source(source, o, r);
}

static void read_file(const char *p, size_t n, uint32_t flags, const flowlog_reader_options *o, struct reading *r)
{
    char path[] = "/tmp/flowlog_read_XXXXXX";
    const char *paths[] = {path};
    flowlog_source *source;
    const int fd = mkstemp(path);
    cr_assert(fd >= 0 && write(fd, p, n) == (ssize_t)n && !close(fd));
    cr_assert_eq(flowlog_source_paths(paths, 1, flags, NULL, &source, NULL), FLOWLOG_OK);
    read_source(source, o, r);
    unlink(path);
}

/* Members of so many bytes each, cut anywhere; 0: one. */
static void compress_text(const char *p, size_t n, size_t member, struct text *out)
{
    text_clear(out);
    size_t at = 0;
    do {
        const size_t len = member && member < n - at ? member : n - at;
        z_stream z = {0};
        cr_assert_eq(deflateInit2(&z, 1 + (int)rnd(9), Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY), Z_OK);
        const size_t bound = deflateBound(&z, len) + 64;
        uint8_t *packed = malloc(bound);
        z.next_in = (Bytef *)(uintptr_t)(p + at);
        z.avail_in = (uInt)len;
        z.next_out = packed;
        z.avail_out = (uInt)bound;
        cr_assert_eq(deflate(&z, Z_FINISH), Z_STREAM_END);
        text_add(out, packed, bound - z.avail_out);
        deflateEnd(&z);
        free(packed);
        at += len;
    } while (at < n);
}

static flowlog_reader_options reader_options(const struct model_options *m, flowlog_format **given)
{
    flowlog_reader_options o = FLOWLOG_READER_OPTIONS_INIT;
    o.flags = m->flags;
    o.fields = m->fields;
    o.line_max = (uint32_t)m->line_max;
    *given = NULL;
    if (m->given) cr_assert_eq(flowlog_format_parse(m->given, strlen(m->given), NULL, given, NULL), FLOWLOG_OK);
    o.format = *given;
    return o;
}

/* The documented rule: lines are those of flowlog_count_lines, once the byte order mark is gone. */
static void check_counts(const char *p, size_t n, const struct reading *r, const char *what)
{
    const flowlog_counters *c = &r->counters;
    uint64_t lines;
    const size_t mark = n >= 3 && !memcmp(p, "\xEF\xBB\xBF", 3) ? 3 : 0;
    cr_assert_eq(flowlog_count_lines(p + mark, n - mark, &lines), FLOWLOG_OK);
    cr_assert_eq(c->lines, c->records + c->nodata + c->skipdata + c->headers + c->malformed + c->skipped, "%s", what);
    uint64_t reasons = 0;
    for (int i = 0; i < FLOWLOG_REASONS; i++) reasons += c->reasons[i];
    cr_assert_eq(c->malformed, reasons, "%s", what);
    cr_assert_eq(c->bad_lines, c->malformed < FLOWLOG_BAD_LINES ? c->malformed : FLOWLOG_BAD_LINES, "%s", what);
    if (r->status != FLOWLOG_END) return;
    cr_assert_eq(c->lines, lines, "%s: %llu lines of %llu", what, (unsigned long long)c->lines,
                 (unsigned long long)lines);
    cr_assert_eq(c->bytes, n, "%s", what);
    cr_assert_eq(c->files, 1, "%s", what);
}

static void same(const struct reading *want, const struct reading *got, const char *what, uint64_t round)
{
    const char *difference = transcript_difference(want, got);
    if (difference && getenv("FLOWLOG_TEST_DUMP")) {
        FILE *f = fopen(getenv("FLOWLOG_TEST_DUMP"), "wb");
        if (f) fwrite(want->transcript.p, 1, want->transcript.n, f), fclose(f);
    }
    cr_assert(!difference, "%s, round %llu: %s", what, (unsigned long long)round, difference);
}

/* --- the bundled logs ------------------------------------------------------------------------------ */

static void slurp(const char *path, struct text *t)
{
    gzFile f = gzopen(path, "rb"); /* reads plain files as they are */
    char buffer[65536];
    int n;
    cr_assert(f, "%s", path);
    text_clear(t);
    while ((n = gzread(f, buffer, sizeof buffer)) > 0) text_add(t, buffer, (size_t)n);
    gzclose(f);
}

static unsigned check_bundled_file(const char *path)
{
    struct text t = {NULL, 0, 0};
    struct reading want, got;
    const struct model_options m = {NULL, NULL, 0, FLOWLOG_READ_LINES};
    flowlog_format *given;
    flowlog_reader_options o = reader_options(&m, &given);
    flowlog_source *source;
    slurp(path, &t);
    model_read(t.p, t.n, &m, &want);
    if (strstr(path, "truncated")) {
        text_free(&t);
        reading_free(&want);
        return 0; /* conformance and damage are tested elsewhere */
    }
    cr_assert_eq(flowlog_source_file(path, &source, NULL), FLOWLOG_OK);
    read_source(source, &o, &got);
    same(&want, &got, path, 0);
    check_counts(t.p, t.n, &got, path);
    reading_free(&want);
    reading_free(&got);
    text_free(&t);
    return 1;
}

static unsigned check_directory(const char *path)
{
    unsigned files = 0;
    DIR *d = opendir(path);
    cr_assert(d, "%s", path);
    for (struct dirent *e; (e = readdir(d)) != NULL;) {
        char child[1024];
        struct stat st;
        const size_t n = strlen(e->d_name);
        if (e->d_name[0] == '.') continue;
        snprintf(child, sizeof child, "%s/%s", path, e->d_name);
        cr_assert_eq(stat(child, &st), 0);
        if (S_ISDIR(st.st_mode)) files += check_directory(child);
        else if (n > 4 && (!strcmp(e->d_name + n - 4, ".log") || !strcmp(e->d_name + n - 3, ".gz")))
            files += check_bundled_file(child);
    }
    closedir(d);
    return files;
}

Test(reader_model, the_bundled_logs_are_read_as_the_model_reads_them)
{
    cr_assert_geq(check_directory(FLOWLOG_SOURCE_DIR "/examples/data"), 28u);
    cr_assert_geq(check_directory(FLOWLOG_SOURCE_DIR "/tests/data"), 10u);
}

/* --- random logs ----------------------------------------------------------------------------------- */

/* Some fields of any format, in any order, some that no format has. */
static const char *random_fields(void)
{
    static char list[1000];
    static struct model_format f, chosen;
    if (rnd(2)) return NULL;
    if (rnd(10) == 0) return "";
    chosen.n = 0;
    list[0] = '\0';
    for (unsigned i = 1 + rnd(6); i; i--) {
        model_names(&f, log_formats[rnd(LOG_FORMATS)]);
        const struct model_column *c = &f.c[rnd(f.n)];
        if (!c->field || !model_add_name(&chosen, c->name, strlen(c->name))) continue;
        if (list[0]) strcat(list, rnd(2) ? "," : ", ");
        strcat(list, c->name);
    }
    return list;
}

static struct model_options random_options(void)
{
    static const size_t limits[] = {0, 0, 0, 0, 16, 100, 300, 4096};
    struct model_options m = {NULL, random_fields(), limits[rnd(8)], 0};
    if (rnd(3) == 0) m.given = log_formats[rnd(LOG_FORMATS)];
    if (rnd(2)) m.flags |= FLOWLOG_READ_LINES;
    if (rnd(4) == 0) m.flags |= FLOWLOG_READ_RECORDS_ONLY;
    if (rnd(8) == 0) m.flags |= FLOWLOG_READ_STOP_ON_BAD;
    return m;
}

static struct log_plan random_plan(size_t line_max)
{
    static const unsigned rates[] = {0, 2, 20, 200};
    return (struct log_plan){1 + rnd(rnd(3) ? 60 : 1200), rates[rnd(4)], rates[rnd(4)] / 4, rates[rnd(3)], line_max,
                             -1, rnd(6) == 0};
}

static void random_rounds(uint64_t first, uint64_t rounds)
{
    static const uint32_t batch_rows[] = {0, 0, 1, 2, 7, 64, 1024, 65536};
    struct text t = {NULL, 0, 0};
    for (uint64_t round = first; round < first + rounds; round++) {
        logs_seed(round);
        const struct model_options m = random_options();
        const struct log_plan plan = random_plan(m.line_max);
        log_make(&t, &plan);
        struct reading want, got;
        flowlog_format *given;
        flowlog_reader_options o = reader_options(&m, &given);
        o.batch_rows = batch_rows[rnd(8)];
        model_read(t.p, t.n, &m, &want);
        read_memory(t.p, t.n, &o, &got);
        same(&want, &got, "memory", round);
        check_counts(t.p, t.n, &got, "memory");
        reading_free(&got);
        o.batch_rows = batch_rows[rnd(8)];
        read_pieces(t.p, t.n, t.n < 3000 ? rnd(3) : 0, &o, &got);
        same(&want, &got, "pieces", round);
        reading_free(&got);
        reading_free(&want);
        flowlog_format_free(given);
    }
    text_free(&t);
}

Test(reader_model, random_logs_1) { random_rounds(1, 500); }
Test(reader_model, random_logs_2) { random_rounds(1001, 500); }
Test(reader_model, random_logs_3) { random_rounds(2001, 500); }

/* --- the same bytes, however they arrive ----------------------------------------------------------- */

/* Small and full of faults: a header, rows, a header of as many fields, a comment, a long line, no last newline. */
static const char small_log[] =
    "\xEF\xBB\xBFversion account-id srcaddr dstaddr bytes start log-status\n"
    "2 123456789010 10.0.0.1 2001:db8::1 100 1700000000 OK\n"
    "2 123456789010 10.0.0.2 10.0.0.3 18446744073709551615 1700000000000 OK\r\n"
    "#2 123456789010 10.0.0.2 10.0.0.3 5 6 OK\n"
    "\n"
    "2 unknown - - - - NODATA\n"
    "2 123456789010 10.0.0.1  10.0.0.9\t7 8 ok \n"
    "2 123456789010 10.0.0.256 10.0.0.9 7 8 OK\n"
    "2 \x01 10.0.0.2 10.0.0.9 7 8 OK\n"
    "2 xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx 1 1 7 8 OK\n"
    "bytes srcaddr dstaddr account-id version end log-status\n"
    "9 10.0.0.1 10.0.0.2 123456789010 2 7 SKIPDATA\n"
    "9 10.0.0.1 10.0.0.2 123456789010 2 7\n"
    "srcaddr bytes\n"
    "10.9.9.9 1\n"
    "10.9.9.9 +1";

Test(reader_model, every_cut_of_a_small_log_gives_the_same)
{
    const size_t n = sizeof small_log - 1;
    const struct model_options m = {NULL, NULL, 90, FLOWLOG_READ_LINES};
    flowlog_format *given;
    flowlog_reader_options o = reader_options(&m, &given);
    struct reading want, got;
    model_read(small_log, n, &m, &want);
    cr_assert_eq(want.counters.malformed, 5);
    for (size_t cut = 0; cut <= n; cut++) {
        flowlog_reader *reader;
        cr_assert_eq(flowlog_reader_open(NULL, &o, &reader, NULL), FLOWLOG_OK);
        piece_size = cut ? cut : n;
        transcript_of_reader(reader, small_log, n, next_piece, NULL, &got);
        flowlog_reader_close(reader);
        same(&want, &got, "pieces of", cut);
        reading_free(&got);
    }
    reading_free(&want);
}

/* Two pieces: the second is what is left. */
struct cut {
    size_t first;
    int given;
};

static size_t two_pieces(void *ctx)
{
    struct cut *c = ctx;
    if (c->given++) return SIZE_MAX;
    return c->first;
}

static void every_cut_in_two(const char *p, size_t n, const struct model_options *m, const char *what)
{
    flowlog_format *given;
    flowlog_reader_options o = reader_options(m, &given);
    struct reading want, got;
    read_memory(p, n, &o, &want);
    for (size_t cut = 1; cut < n; cut++) {
        flowlog_reader *reader;
        struct cut c = {cut, 0};
        cr_assert_eq(flowlog_reader_open(NULL, &o, &reader, NULL), FLOWLOG_OK);
        transcript_of_reader(reader, p, n, two_pieces, &c, &got);
        flowlog_reader_close(reader);
        same(&want, &got, what, cut);
        reading_free(&got);
    }
    reading_free(&want);
    flowlog_format_free(given);
}

Test(reader_model, every_cut_in_two_pieces_gives_the_same)
{
    const struct model_options plain = {NULL, NULL, 90, FLOWLOG_READ_LINES},
                               stop = {NULL, NULL, 90, FLOWLOG_READ_STOP_ON_BAD};
    every_cut_in_two(small_log, sizeof small_log - 1, &plain, "cut");
    every_cut_in_two(small_log, sizeof small_log - 1, &stop, "cut, stopping");
}

/* A fed reader that got the two bytes of gzip's magic number and had to wait lost them. */
Test(reader_model, gzip_fed_in_any_pieces_gives_the_same)
{
    const size_t n = sizeof small_log - 1;
    const struct model_options m = {NULL, NULL, 90, FLOWLOG_READ_LINES};
    flowlog_format *given;
    flowlog_reader_options o = reader_options(&m, &given);
    struct text packed = {NULL, 0, 0};
    struct reading want, got;
    model_read(small_log, n, &m, &want);
    for (size_t member = 0; member < 300; member += 99) {
        compress_text(small_log, n, member, &packed);
        for (size_t size = 1; size < 40; size++) {
            read_pieces(packed.p, packed.n, size, &o, &got);
            same(&want, &got, "gzip in pieces of", size);
            reading_free(&got);
        }
        every_cut_in_two(packed.p, packed.n, &m, "gzip cut");
    }
    text_free(&packed);
    reading_free(&want);
}

static void all_sources(const struct text *t, const struct model_options *m, size_t least, uint64_t round)
{
    static const size_t members[] = {0, 1000, 77777};
    struct reading want, got;
    struct text packed = {NULL, 0, 0};
    flowlog_format *given;
    flowlog_reader_options o = reader_options(m, &given);
    model_read(t->p, t->n, m, &want);
#define WAY(call, what) (call, same(&want, &got, what, round), check_counts(t->p, t->n, &got, what), reading_free(&got))
    WAY(read_memory(t->p, t->n, &o, &got), "memory");
    WAY(read_file(t->p, t->n, 0, &o, &got), "file");
    WAY(read_file(t->p, t->n, FLOWLOG_SOURCE_MAP, &o, &got), "file, mapped");
    WAY(read_callback(t->p, t->n, least, &o, &got), "callback, a little at a time");
    WAY(read_callback(t->p, t->n, SIZE_MAX, &o, &got), "callback");
    WAY(read_pieces(t->p, t->n, 0, &o, &got), "pieces");
    for (size_t i = 0; i < 3; i++) {
        compress_text(t->p, t->n, members[i], &packed);
        WAY(read_memory(packed.p, packed.n, &o, &got), "gzip in memory");
        WAY(read_file(packed.p, packed.n, i == 2 ? FLOWLOG_SOURCE_MAP : 0, &o, &got), "gzip in a file");
        WAY(read_pieces(packed.p, packed.n, 0, &o, &got), "gzip in pieces");
        WAY(read_callback(packed.p, packed.n, least, &o, &got), "gzip, a little at a time");
    }
#undef WAY
    reading_free(&want);
    text_free(&packed);
    flowlog_format_free(given);
}

Test(reader_model, every_source_of_the_same_bytes_gives_the_same)
{
    struct text t = {NULL, 0, 0};
    for (uint64_t round = 1; round <= 40; round++) {
        logs_seed(round + 77000);
        const struct model_options m = random_options();
        const struct log_plan plan = random_plan(m.line_max);
        log_make(&t, &plan);
        all_sources(&t, &m, 1, round);
    }
    text_free(&t);
}

Test(reader_model, big_files_give_the_same_from_every_source)
{
    struct text t = {NULL, 0, 0};
    for (uint64_t round = 1; round <= 2; round++) {
        logs_seed(round + 88000);
        const struct model_options m = {NULL, round == 1 ? "srcaddr,bytes,start,end,action,interface-id" : NULL, 0, 0};
        const struct log_plan plan = {14000, 3, 1, 0, 0, 0, 0};
        log_make(&t, &plan);
        cr_assert_gt(t.n, (size_t)1 << 20); /* what FLOWLOG_SOURCE_MAP maps */
        all_sources(&t, &m, 999, round);
    }
    text_free(&t);
}

/* Regular lines whose text ends exactly where the reader's buffers may: 1024 steps around each size. */
Test(reader_model, inputs_of_every_length_around_the_buffers)
{
    static const size_t sizes[] = {16384, 32768, 65536, 131072, 262144, 278528, 294912, 327680};
    struct text t = {NULL, 0, 0}, packed = {NULL, 0, 0};
    const struct model_options m = {NULL, "srcaddr", 0, 0};
    flowlog_format *given;
    flowlog_reader_options o = reader_options(&m, &given);
    static struct model_format f;
    model_names(&f, log_formats[0]);
    text_print(&t, "%s\n", log_formats[0]);
    while (t.n < 330000) {
        text_print(&t, "2 123456789010 eni-1235b8ca123456789 10.0.%u.%u 172.31.16.21 20641 22 6 20 4249 1418530010 1418530070 ACCEPT OK\n",
                   rnd(256), rnd(256));
    }
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        for (size_t d = 0; d < 5; d++) {
            const size_t n = sizes[i] - 2 + d;
            struct reading want, got;
            model_read(t.p, n, &m, &want);
            read_memory(t.p, n, &o, &got), same(&want, &got, "memory", n);
            check_counts(t.p, n, &got, "memory"), reading_free(&got);
            read_callback(t.p, n, SIZE_MAX, &o, &got), same(&want, &got, "callback", n), reading_free(&got);
            compress_text(t.p, n, 0, &packed);
            read_memory(packed.p, packed.n, &o, &got), same(&want, &got, "gzip", n), reading_free(&got);
            reading_free(&want);
        }
    text_free(&t);
    text_free(&packed);
}

/* The lines looked at end at 16 KiB or where the text does; which of the two may not hang on how text arrives. */
Test(reader_model, the_format_is_told_the_same_whatever_the_length_and_the_pieces)
{
    struct text t = {NULL, 0, 0};
    for (int odd = 0; odd < 2; odd++)
        for (size_t n = 16384 - 3; n <= 16384 + 3; n++)
            for (int newline = 0; newline < 2; newline++) {
                const struct model_options m = {NULL, NULL, 0, 0};
                flowlog_format *given;
                flowlog_reader_options o = reader_options(&m, &given);
                struct reading want, got;
                text_clear(&t);
                while (t.n + 220 < n)
                    text_print(&t, "2 123456789010 eni-1235b8ca123456789 10.0.0.1 172.31.16.21 20641 22 6 20 4249 1418530010 1418530070 ACCEPT OK\n");
                /* The last line is no record, or one, and ends at n. */
                const char *last = odd ? "no record at all, but some text that goes on to the end "
                                       : "2 123456789010 eni-1235b8ca123456789 10.0.0.1 172.31.16.21 20641 22 6 20 4249 1418530010 1418530070 ACCEPT OK ";
                text_print(&t, "%s", last);
                while (t.n < n - (size_t)newline) text_add(&t, " ", 1);
                if (newline) text_add(&t, "\n", 1);
                cr_assert_eq(t.n, n);
                model_read(t.p, t.n, &m, &want);
                read_memory(t.p, t.n, &o, &got), same(&want, &got, "memory", n), reading_free(&got);
                for (size_t size = 1; size < 20000; size = size * 3 + 1) {
                    read_pieces(t.p, t.n, size, &o, &got);
                    same(&want, &got, "pieces", size);
                    reading_free(&got);
                }
                read_callback(t.p, t.n, 16384, &o, &got), same(&want, &got, "callback", n), reading_free(&got);
                read_file(t.p, t.n, 0, &o, &got), same(&want, &got, "file", n), reading_free(&got);
                reading_free(&want);
            }
    text_free(&t);
}

Test(reader_model, headerless_lines_before_a_header_tell_their_own_format)
{
    static const char record[] = "2 123456789010 eni-1235b8ca123456789 10.0.0.1 172.31.16.21 20641 22 6 20 4249 1418530010 1418530070 ACCEPT OK\n";
    static const char *const rest[] = {"srcaddr bytes\n10.0.0.1 5\n", "version account-id\n2 7\n", "srcaddr srcaddr\n", "a b c\n",
                                       "\n# a b\n \tsrcaddr  bytes \r\n::1 6\n"};
    struct text t = {NULL, 0, 0};
    for (size_t i = 0; i < sizeof rest / sizeof *rest; i++) {
        const struct model_options m = {NULL, NULL, 0, FLOWLOG_READ_LINES};
        flowlog_format *given;
        flowlog_reader_options o = reader_options(&m, &given);
        struct reading want, got;
        text_clear(&t);
        text_print(&t, "%s%s%s", record, record, rest[i]);
        model_read(t.p, t.n, &m, &want);
        cr_assert_eq(want.status, i == 3 ? FLOWLOG_E_FORMAT : FLOWLOG_END);
        read_memory(t.p, t.n, &o, &got);
        same(&want, &got, "memory", i);
        reading_free(&got);
        reading_free(&want);
    }
    text_free(&t);
}

/* --- options that change no row -------------------------------------------------------------------- */

Test(reader_model, batch_rows_and_line_max_change_no_row_that_is_short_enough)
{
    static const uint32_t batch_rows[] = {1, 2, 7, 63, 64, 65, 1024, 65536};
    static const uint32_t line_max[] = {0, 3000, 4096, 1 << 20};
    struct text t = {NULL, 0, 0};
    for (uint64_t round = 1; round <= 12; round++) {
        logs_seed(round + 99000);
        struct model_options m = random_options();
        m.line_max = 0;
        const struct log_plan plan = {1 + rnd(2500), round % 2 ? 30 : 0, 4, 2, 300, -1, 0};
        struct reading want, got;
        flowlog_format *given;
        flowlog_reader_options o = reader_options(&m, &given);
        log_make(&t, &plan);
        model_read(t.p, t.n, &m, &want);
        for (size_t i = 0; i < 8; i++) {
            o.batch_rows = batch_rows[i];
            o.line_max = line_max[i % 4];
            read_memory(t.p, t.n, &o, &got);
            same(&want, &got, "batch_rows", o.batch_rows);
            reading_free(&got);
        }
        reading_free(&want);
        flowlog_format_free(given);
    }
    text_free(&t);
}

Test(reader_model, batches_are_never_longer_than_asked)
{
    struct text t = {NULL, 0, 0};
    const struct log_plan plan = {3000, 10, 2, 0, 0, 0, 0};
    logs_seed(5);
    log_make(&t, &plan);
    for (uint32_t most = 1; most <= 65536; most *= 4) {
        flowlog_reader_options o = FLOWLOG_READER_OPTIONS_INIT;
        flowlog_source *source;
        flowlog_reader *reader;
        const flowlog_batch *b;
        o.batch_rows = most;
        cr_assert_eq(flowlog_source_memory(t.p, t.n, NULL, NULL, &source, NULL), FLOWLOG_OK);
        cr_assert_eq(flowlog_reader_open(source, &o, &reader, NULL), FLOWLOG_OK);
        uint64_t rows = 0;
        while (flowlog_reader_next(reader, &b, NULL) == FLOWLOG_OK) {
            cr_assert(b->rows >= 1 && b->rows <= most);
            rows += b->rows;
        }
        const flowlog_counters *c = flowlog_reader_counters(reader);
        cr_assert_eq(rows, c->records + c->nodata + c->skipdata);
        flowlog_reader_close(reader);
    }
    text_free(&t);
}

/* A column of a healthy log holds the same, whichever other columns are decoded. */
Test(reader_model, a_column_alone_equals_the_same_column_among_all)
{
    static struct model_format f;
    struct text t = {NULL, 0, 0};
    for (int format = 0; format < LOG_FORMATS; format++) {
        const struct log_plan plan = {300, 0, 0, 0, 0, format, 0};
        logs_seed((uint64_t)format + 1);
        log_make(&t, &plan);
        model_names(&f, log_formats[format]);
        for (uint32_t i = 0; i < f.n; i++) {
            const struct model_options alone = {log_formats[format], f.c[i].name, 0, 0},
                                       all = {log_formats[format], NULL, 0, 0};
            flowlog_format *given[2];
            flowlog_reader_options o[2] = {reader_options(&alone, &given[0]), reader_options(&all, &given[1])};
            flowlog_reader *reader[2];
            const flowlog_batch *b[2];
            for (int k = 0; k < 2; k++) {
                flowlog_source *source;
                cr_assert_eq(flowlog_source_memory(t.p, t.n, NULL, NULL, &source, NULL), FLOWLOG_OK);
                cr_assert_eq(flowlog_reader_open(source, &o[k], &reader[k], NULL), FLOWLOG_OK);
            }
            while (flowlog_reader_next(reader[0], &b[0], NULL) == FLOWLOG_OK) {
                cr_assert_eq(flowlog_reader_next(reader[1], &b[1], NULL), FLOWLOG_OK);
                cr_assert_eq(b[0]->rows, b[1]->rows);
                for (uint32_t r = 0; r < b[0]->rows; r++) {
                    struct text x = {NULL, 0, 0}, y = {NULL, 0, 0};
                    transcript_cell(&x, b[0], &b[0]->column[0], r);
                    transcript_cell(&y, b[1], &b[1]->column[i], r);
                    cr_assert_str_eq(x.p, y.p);
                    cr_assert(!strstr(x.p, "BROKEN"));
                    text_free(&x);
                    text_free(&y);
                }
            }
            cr_assert_eq(flowlog_reader_next(reader[1], &b[1], NULL), FLOWLOG_END);
            for (int k = 0; k < 2; k++) {
                cr_assert_eq(flowlog_reader_counters(reader[k])->malformed, 0);
                flowlog_reader_close(reader[k]);
                flowlog_format_free(given[k]);
            }
        }
    }
    text_free(&t);
}

/* flowlog_batch_value and flowlog_value_format say what the columns say. */
Test(reader_model, values_one_by_one_are_those_of_the_columns)
{
    struct text t = {NULL, 0, 0};
    const struct log_plan plan = {500, 0, 0, 0, 0, 2, 0};
    flowlog_source *source;
    flowlog_reader *reader;
    const flowlog_batch *b;
    logs_seed(3);
    log_make(&t, &plan);
    cr_assert_eq(flowlog_source_memory(t.p, t.n, NULL, NULL, &source, NULL), FLOWLOG_OK);
    cr_assert_eq(flowlog_reader_open(source, NULL, &reader, NULL), FLOWLOG_OK);
    while (flowlog_reader_next(reader, &b, NULL) == FLOWLOG_OK) {
        flowlog_value v;
        cr_assert_eq(flowlog_batch_value(b, b->rows, 0, &v), FLOWLOG_E_ARGUMENT);
        cr_assert_eq(flowlog_batch_value(b, 0, b->columns, &v), FLOWLOG_E_ARGUMENT);
        for (uint32_t r = 0; r < b->rows; r++)
            for (uint32_t i = 0; i < b->columns; i++) {
                const flowlog_column *c = &b->column[i];
                char text[100], small[4] = "xxx";
                cr_assert_eq(flowlog_batch_value(b, r, i, &v), FLOWLOG_OK);
                cr_assert_eq(v.type, c->type);
                const size_t n = flowlog_value_format(&v, text, sizeof text);
                cr_assert_eq(n, strlen(text));
                cr_assert_eq(flowlog_value_format(&v, small, 3), n);
                cr_assert(strlen(small) == (n < 2 ? n : 2) && !strncmp(small, text, 2));
                cr_assert_eq(flowlog_value_format(&v, NULL, 0), n);
                cr_assert_eq(flowlog_batch_find(b, c->name, strlen(c->name)), (int32_t)i);
                cr_assert_eq(v.is_null, !transcript_bit(c->validity, r));
                if (v.is_null) {
                    cr_assert_str_eq(text, "-");
                    continue;
                }
                char want[100];
                flowlog_addr a = {{0}, 4};
                switch (c->type) {
                case FLOWLOG_TYPE_U32: sprintf(want, "%u", ((const uint32_t *)c->values)[r]); break;
                case FLOWLOG_TYPE_U64:
                    sprintf(want, "%llu", (unsigned long long)((const uint64_t *)c->values)[r]);
                    break;
                case FLOWLOG_TYPE_TIME: sprintf(want, "%lld", (long long)((const int64_t *)c->values)[r]); break;
                case FLOWLOG_TYPE_ADDR:
                    a.family = c->family[r];
                    if (a.family == 6) memcpy(a.bytes, c->wide[r], 16);
                    else
                        for (int k = 0; k < 4; k++)
                            a.bytes[k] = (uint8_t)(((const uint32_t *)c->values)[r] >> (24 - 8 * k));
                    flowlog_addr_format(&a, want);
                    break;
                case FLOWLOG_TYPE_ENUM:
                    if (((const uint8_t *)c->values)[r]) {
                        strcpy(want, flowlog_enum_name(c->field, ((const uint8_t *)c->values)[r]));
                        break;
                    } /* fall through */
                default: sprintf(want, "%.*s", (int)c->spans[r].len, b->text + c->spans[r].offset); break;
                }
                cr_assert_str_eq(text, want);
            }
    }
    cr_assert_eq(flowlog_reader_counters(reader)->malformed, 0);
    flowlog_reader_close(reader);
    text_free(&t);
}

/* --- memory ---------------------------------------------------------------------------------------- */

Test(reader_model, nothing_outside_of_borrowed_memory_is_read)
{
    struct text t = {NULL, 0, 0};
    for (uint64_t round = 1; round <= 260; round++) {
        logs_seed(round + 55000);
        const struct model_options m = random_options();
        const struct log_plan plan = random_plan(m.line_max);
        log_make(&t, &plan);
        flowlog_format *given;
        flowlog_reader_options o = reader_options(&m, &given);
        /* Short inputs of every length, then some of any. */
        const size_t n = round < 200 && round < t.n ? round : t.n;
        struct guard g[2] = {guard_end(t.p, n), guard_start(t.p, n)};
        struct reading want, got;
        model_read(t.p, n, &m, &want);
        for (int side = 0; side < 2; side++) {
            flowlog_source *source;
            cr_assert_eq(flowlog_source_memory(g[side].p, n, NULL, NULL, &source, NULL), FLOWLOG_OK);
            read_source(source, &o, &got);
            same(&want, &got, side ? "begins at a hole" : "ends at a hole", round);
            reading_free(&got);
            guard_free(&g[side]);
        }
        reading_free(&want);
        flowlog_format_free(given);
    }
    text_free(&t);
}

static flowlog_status read_counted(const struct text *t, flowlog_reader_options o, struct test_alloc *a, size_t fail_at,
                                   uint64_t *rows)
{
    const flowlog_alloc alloc = test_alloc_init(a, fail_at);
    flowlog_source *source = NULL;
    flowlog_reader *reader = NULL;
    const flowlog_batch *b;
    flowlog_error err = {0};
    o.alloc = &alloc;
    *rows = 0;
    flowlog_status status = flowlog_source_memory(t->p, t->n, "name", &alloc, &source, &err);
    if (status == FLOWLOG_OK) {
        status = flowlog_reader_open(source, &o, &reader, &err);
        if (status < 0) flowlog_source_close(source);
    }
    if (status == FLOWLOG_OK) {
        while ((status = flowlog_reader_next(reader, &b, &err)) == FLOWLOG_OK) *rows += b->rows;
        if (status == FLOWLOG_E_MEMORY)
            cr_assert_eq(flowlog_reader_next(reader, &b, &err), FLOWLOG_E_MEMORY, "permanent");
        flowlog_reader_close(reader);
    }
    if (status < 0) cr_assert_eq(err.status, status, "%d %d", (int)err.status, (int)status);
    cr_assert(!a->live_blocks && !a->live_bytes && !a->wrong_lengths, "request %zu: %zu blocks left, %zu wrong lengths", fail_at,
              a->live_blocks, a->wrong_lengths);
    return status;
}

Test(reader_model, every_allocation_may_fail)
{
    struct text t = {NULL, 0, 0}, packed = {NULL, 0, 0};
    for (int kind = 0; kind < 6; kind++) {
        const struct log_plan plan = {
            300, kind == 3 ? 100 : 0, kind == 3 ? 5 : 0, kind == 1 || kind == 3 ? 20 : 0, 0, kind == 2 ? 0 : -1,
            kind == 2};
        flowlog_reader_options o = FLOWLOG_READER_OPTIONS_INIT;
        struct test_alloc a;
        uint64_t rows, all;
        logs_seed((uint64_t)kind + 7);
        log_make(&t, &plan);
        if (kind == 2) text_clear(&t); /* no header: lines that tell their format */
        for (int i = 0; kind == 2 && i < 300; i++)
            text_print(&t, "2 123456789010 eni-1235b8ca123456789 10.0.0.%d 10.0.1.1 20641 22 6 20 4249 1418530010 1418530070 ACCEPT OK\n", i % 256);
        if (kind >= 4) {
            compress_text(t.p, t.n, 0, &packed);
            text_clear(&t);
            text_add(&t, packed.p, packed.n);
        }
        if (kind % 2) o.flags = FLOWLOG_READ_LINES;
        if (kind == 5) {
            o.fields = "srcaddr bytes";
            o.format = flowlog_format_tgw();
        }
        if (kind == 4) o.format = flowlog_format_default();
        cr_assert_eq(read_counted(&t, o, &a, 0, &all), FLOWLOG_END);
        const size_t requests = a.requests;
        cr_assert_geq(requests, 10u);
        for (size_t i = 1; i <= requests; i++) {
            const flowlog_status status = read_counted(&t, o, &a, i, &rows);
            cr_assert(status == FLOWLOG_E_MEMORY, "kind %d, request %zu of %zu: %d", kind, i, requests, (int)status);
            cr_assert_leq(rows, all);
        }
        cr_assert_eq(read_counted(&t, o, &a, requests + 1, &rows), FLOWLOG_END);
        cr_assert_eq(rows, all);
    }
    text_free(&t);
    text_free(&packed);
}

Test(reader_model, nothing_is_allocated_after_the_first_batch)
{
    struct text t = {NULL, 0, 0}, packed = {NULL, 0, 0};
    for (int kind = 0; kind < 6; kind++) { /* damaged or not; memory, gzip, fed */
        const struct log_plan plan = {5000, kind % 2 ? 100 : 0, kind % 2 ? 10 : 0, 0, 0, 0, 0};
        flowlog_reader_options o = FLOWLOG_READER_OPTIONS_INIT;
        struct test_alloc a;
        const flowlog_alloc alloc = test_alloc_init(&a, 0);
        flowlog_source *source = NULL;
        flowlog_reader *reader;
        const flowlog_batch *b;
        size_t first = 0, batches = 0;
        logs_seed((uint64_t)kind + 70);
        log_make(&t, &plan);
        compress_text(t.p, t.n, 100000, &packed);
        const struct text *in = kind / 2 ? &packed : &t;
        o.alloc = &alloc;
        o.flags = FLOWLOG_READ_LINES;
        if (kind < 4) cr_assert_eq(flowlog_source_memory(in->p, in->n, NULL, &alloc, &source, NULL), FLOWLOG_OK);
        cr_assert_eq(flowlog_reader_open(source, &o, &reader, NULL), FLOWLOG_OK);
        flowlog_status status;
        size_t at = 0;
        while ((status = flowlog_reader_next(reader, &b, NULL)) != FLOWLOG_END) {
            if (status == FLOWLOG_MORE && at == in->n) {
                cr_assert_eq(flowlog_reader_finish(reader), FLOWLOG_OK);
            } else if (status == FLOWLOG_MORE) {
                const size_t n = in->n - at < 5000 ? in->n - at : 5000;
                cr_assert_eq(flowlog_reader_feed(reader, in->p + at, n), FLOWLOG_OK);
                at += n;
            } else {
                cr_assert_eq(status, FLOWLOG_OK);
                if (!batches++) first = a.requests;
            }
        }
        cr_assert_gt(batches, 4u);
        cr_assert_eq(a.requests, first, "kind %d: %zu requests at the first batch, %zu in the end", kind, first, a.requests);
        flowlog_reader_close(reader);
        cr_assert_eq(a.live_blocks, 0);
    }
    text_free(&t);
    text_free(&packed);
}

/* --- SIMD levels ----------------------------------------------------------------------------------- */

static uint64_t digest(uint64_t h, const struct text *t)
{
    for (size_t i = 0; i < t->n; i++) h = (h ^ (uint8_t)t->p[i]) * UINT64_C(1099511628211);
    return h;
}

static uint64_t digest_of_many(void)
{
    struct text t = {NULL, 0, 0};
    uint64_t h = 1;
    for (uint64_t round = 1; round <= 60; round++) {
        logs_seed(round + 44000);
        const struct model_options m = random_options();
        const struct log_plan plan = random_plan(m.line_max);
        struct reading got;
        flowlog_format *given;
        flowlog_reader_options o = reader_options(&m, &given);
        log_make(&t, &plan);
        read_memory(t.p, t.n, &o, &got);
        h = digest(h, &got.transcript);
        reading_free(&got);
        flowlog_format_free(given);
    }
    text_free(&t);
    return h;
}

Test(reader_model, every_simd_level_gives_the_same)
{
    static const char *const levels[] = {"scalar", "sse42", "avx2", "avx512", "neon"};
    uint64_t want = 0;
    unsigned compared = 0;
    for (int i = 0; i < 5; i++) {
        int ends[2];
        uint64_t h = 0;
        cr_assert_eq(pipe(ends), 0);
        const pid_t child = fork(); /* the level is chosen once a process: nothing before this may ask for it */
        if (!child) {
            setenv("FLOWLOG_SIMD", levels[i], 1);
            if (strcmp(flowlog_simd_name(), levels[i]) == 0) h = digest_of_many();
            _exit(write(ends[1], &h, sizeof h) != sizeof h);
        }
        close(ends[1]);
        cr_assert_eq(read(ends[0], &h, sizeof h), (ssize_t)sizeof h, "%s crashed", levels[i]);
        close(ends[0]);
        waitpid(child, NULL, 0);
        if (!h) continue;
        if (!i) want = h;
        cr_assert_eq(h, want, "%s differs from scalar", levels[i]);
        compared++;
    }
    cr_assert_geq(compared, 1u);
}
