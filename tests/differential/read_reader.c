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
    cr_assert_eq(c->lines, lines, "%s: %llu lines of %llu", what, (unsigned long long)c->lines, (unsigned long long)lines);
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

/* --- the bundled logs ------------------------------------------------------------------------------------------ */

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
        else if (n > 4 && (!strcmp(e->d_name + n - 4, ".log") || !strcmp(e->d_name + n - 3, ".gz"))) files += check_bundled_file(child);
    }
    closedir(d);
    return files;
}

Test(reader_model, the_bundled_logs_are_read_as_the_model_reads_them)
{
    cr_assert_geq(check_directory(FLOWLOG_SOURCE_DIR "/examples/data"), 28u);
    cr_assert_geq(check_directory(FLOWLOG_SOURCE_DIR "/tests/data"), 10u);
}

/* --- random logs ------------------------------------------------------------------------------------------------- */

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
    return (struct log_plan){1 + rnd(rnd(3) ? 60 : 1200), rates[rnd(4)], rates[rnd(4)] / 4, rates[rnd(3)], line_max, -1, rnd(6) == 0};
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
