/* SPDX-License-Identifier: MIT */
/*
 * Reading by several threads against reading by one: random logs with headers in the middle and every kind of damage,
 * as one file cut into ranges, as many files, as gzip.  Rows, counters, bad lines and errors are the same.
 */
#define _DEFAULT_SOURCE
#include <criterion/criterion.h>
#include <unistd.h>

#include "plan/parallel.h"
#include "support/read_logs.h"
#include "support/together.h"

TestSuite(threads, .timeout = 120);

/* --- what is collected: rows in any order ------------------------------------------------------------------- */

struct digest {
    uint64_t rows, sum, files;
};

static uint64_t hash_bytes(uint64_t h, const void *p, size_t n)
{
    for (size_t i = 0; i < n; i++) h = (h ^ ((const unsigned char *)p)[i]) * UINT64_C(0x100000001B3);
    return h;
}

static void digest_batch(struct digest *d, const flowlog_batch *b)
{
    for (uint32_t r = 0; r < b->rows; r++) {
        uint64_t h = UINT64_C(0xCBF29CE484222325) + b->file * UINT64_C(0x9E3779B97F4A7C15) + b->log_status[r];
        for (uint32_t c = 0; c < b->columns; c++) {
            char text[400];
            flowlog_value v;
            cr_assert_eq(flowlog_batch_value(b, r, c, &v), FLOWLOG_OK);
            const size_t n = flowlog_value_format(&v, text, sizeof text);
            h = hash_bytes(h, b->column[c].name, strlen(b->column[c].name) + 1);
            h = hash_bytes(h, text, n < sizeof text ? n + 1 : sizeof text);
        }
        d->sum += h;
        d->rows++;
    }
}

static flowlog_status begin(void *ctx, void **state, flowlog_error *err)
{
    (void)ctx, (void)err;
    *state = calloc(1, sizeof(struct digest));
    return *state ? FLOWLOG_OK : FLOWLOG_E_MEMORY;
}

static flowlog_status add(void *ctx, void *state, const flowlog_batch *batch, flowlog_error *err)
{
    (void)ctx, (void)err;
    digest_batch(state, batch);
    return FLOWLOG_OK;
}

static flowlog_status merge(void *ctx, void *into, void *from, flowlog_error *err)
{
    (void)ctx, (void)err;
    ((struct digest *)into)->rows += ((struct digest *)from)->rows;
    ((struct digest *)into)->sum += ((struct digest *)from)->sum;
    return FLOWLOG_OK;
}

static void end(void *ctx, void *state)
{
    (void)ctx;
    free(state);
}

static const struct fl_work work = {begin, add, merge, end, NULL};

/* --- one way and the other ------------------------------------------------------------------------------------ */

struct outcome {
    struct digest digest;
    flowlog_counters counters;
    flowlog_status status; /* END */
    flowlog_error err;
    struct text damage; /* a line for each damaged input */
};

static int note(void *ctx, const char *name, const flowlog_error *e)
{
    struct outcome *o = ctx;
    text_print(&o->damage, "%s: %d %llu %llu %s\n", name, (int)e->status, (unsigned long long)e->offset,
               (unsigned long long)e->line, e->message);
    return 0;
}

static void outcome_begin(struct outcome *o)
{
    memset(o, 0, sizeof *o);
    text_clear(&o->damage);
}

/* `source` is used up. */
static void read_alone(flowlog_source *source, const flowlog_reader_options *options, struct outcome *o)
{
    flowlog_reader *reader;
    const flowlog_batch *b;
    flowlog_error e;
    outcome_begin(o);
    cr_assert_eq(flowlog_reader_open(source, options, &reader, &e), FLOWLOG_OK, "%s", e.message);
    while ((o->status = flowlog_reader_next(reader, &b, &o->err)) != FLOWLOG_END) {
        if (o->status == FLOWLOG_OK) digest_batch(&o->digest, b);
        else if (o->status == FLOWLOG_E_MALFORMED) break;
        else note(o, flowlog_reader_path(reader, flowlog_reader_file(reader)), &o->err);
    }
    o->counters = *flowlog_reader_counters(reader);
    flowlog_reader_close(reader);
}

/* 1: threads did it; 0: one thread has to. */
static int read_together(flowlog_source *source, const flowlog_reader_options *options, uint32_t threads,
                         struct outcome *o)
{
    void *state = NULL;
    outcome_begin(o);
    const struct fl_parallel p = {.source = source, .options = options, .threads = threads, .work = &work,
                                  .damage = note, .user = o, .range_min = 1};
    o->status = flowlog__parallel_read(&p, &state, &o->counters, &o->err);
    flowlog_source_close(source);
    if (o->status == FLOWLOG_END) return 0;
    if (o->status < 0) return 1;
    o->digest = *(struct digest *)state;
    free(state);
    o->status = FLOWLOG_END;
    return 1;
}

static void outcome_same(const struct outcome *a, const struct outcome *b, const char *what, uint64_t round)
{
    const flowlog_counters *x = &a->counters, *y = &b->counters;
    cr_assert_eq(a->status, b->status, "%s, round %llu: %d and %d, %s", what, (unsigned long long)round, (int)a->status,
                 (int)b->status, b->err.message);
    cr_assert_str_eq(a->damage.p, b->damage.p, "%s, round %llu", what, (unsigned long long)round);
    cr_assert_eq(x->lines, y->lines, "%s, round %llu: lines", what, (unsigned long long)round);
    cr_assert_eq(x->bad_lines, y->bad_lines, "%s, round %llu: bad lines", what, (unsigned long long)round);
    for (uint32_t i = 0; i < x->bad_lines; i++)
        cr_assert_arr_eq(&x->bad_line[i], &y->bad_line[i], sizeof x->bad_line[i],
                         "%s, round %llu: bad line %u: %llu %llu", what, (unsigned long long)round, i,
                         (unsigned long long)x->bad_line[i].line, (unsigned long long)y->bad_line[i].line);
    cr_assert_arr_eq(x, y, offsetof(flowlog_counters, bad_line), "%s, round %llu: counters", what,
                     (unsigned long long)round);
    cr_assert_eq(a->digest.rows, b->digest.rows, "%s, round %llu: rows", what, (unsigned long long)round);
    cr_assert_eq(a->digest.sum, b->digest.sum, "%s, round %llu: values", what, (unsigned long long)round);
}

/* --- one file ---------------------------------------------------------------------------------------------------- */

static flowlog_reader_options random_options(flowlog_format **given)
{
    static const char *const fields[] = {NULL, NULL, "", "srcaddr,bytes", "start end action log-status interface-id"};
    flowlog_reader_options o = FLOWLOG_READER_OPTIONS_INIT;
    const char *name = log_formats[rnd(LOG_FORMATS)];
    o.fields = fields[rnd(5)];
    o.line_max = rnd(3) ? 0 : 300;
    if (rnd(4) == 0) o.flags |= FLOWLOG_READ_RECORDS_ONLY;
    *given = NULL;
    if (rnd(3) == 0) cr_assert_eq(flowlog_format_parse(name, strlen(name), NULL, given, NULL), FLOWLOG_OK);
    o.format = *given;
    return o;
}

static void random_text(struct text *t, unsigned lines)
{
    static const unsigned rates[] = {0, 0, 1, 5, 50};
    const struct log_plan plan = {1 + rnd(lines), rates[rnd(5)], rates[rnd(4)], rates[rnd(5)], 300, -1, rnd(8) == 0};
    log_make(t, &plan);
}

static unsigned one_file_rounds(uint64_t first, uint64_t rounds)
{
    struct text t = {NULL, 0, 0};
    unsigned done = 0;
    for (uint64_t round = first; round < first + rounds; round++) {
        struct outcome want, got;
        flowlog_format *given;
        logs_seed(round);
        random_text(&t, rnd(3) ? 600 : 30);
        const flowlog_reader_options o = random_options(&given);
        read_alone(memory_source(&t), &o, &want);
        for (uint32_t threads = 2; threads <= 5; threads++) {
            if (read_together(memory_source(&t), &o, threads, &got)) {
                outcome_same(&want, &got, "one file", round);
                done++;
            }
            text_free(&got.damage);
        }
        text_free(&want.damage);
        flowlog_format_free(given);
    }
    text_free(&t);
    return done;
}

Test(threads, one_file_in_ranges_gives_what_it_gives_whole_1) { cr_assert_gt(one_file_rounds(1, 250), 600u); }
Test(threads, one_file_in_ranges_gives_what_it_gives_whole_2) { cr_assert_gt(one_file_rounds(1001, 250), 600u); }

/* A small file, cut wherever it can be: by so many threads as it has lines. */
Test(threads, headers_at_every_border_are_found)
{
    static const char small[] = "\xEF\xBB\xBFsrcaddr bytes\n10.0.0.1 1\n10.0.0.2 2\nbytes srcaddr\n3 10.0.0.3\n"
                                "4 10.0.0.4\n\n5 10.0.0.5\nsrcaddr bytes start\n::1 6 7\n# x y z\n::2 8 9\n"
                                "srcaddr  bytes\r\n10.0.0.6\t10 \n"
                                "10.0.0.7 11\n10.0.0.8 x\n10.0.0.9 12";
    struct text t = {NULL, 0, 0};
    flowlog_reader_options o = FLOWLOG_READER_OPTIONS_INIT;
    struct outcome want, got;
    for (size_t padding = 0; padding < 40; padding++) {
        text_clear(&t);
        text_add(&t, small, sizeof small - 1);
        for (size_t i = 0; i < padding; i++) text_print(&t, "%s10.1.0.%zu %zu", i ? "\n" : "\n\n", i, i);
        read_alone(memory_source(&t), &o, &want);
        for (uint32_t threads = 2; threads < 30; threads++) {
            cr_assert(read_together(memory_source(&t), &o, threads, &got), "%u", threads);
            outcome_same(&want, &got, "borders", threads);
            text_free(&got.damage);
        }
        text_free(&want.damage);
    }
    text_free(&t);
}

/* Of more than 1 MiB, which FLOWLOG_SOURCE_MAP maps. */
Test(threads, one_large_file_read_or_mapped_gives_the_same)
{
    char path[] = "/tmp/flowlog_threads_XXXXXX";
    struct text t = {NULL, 0, 0};
    const int fd = mkstemp(path);
    cr_assert(fd >= 0 && !close(fd));
    for (uint64_t round = 1; round <= 3; round++) {
        struct outcome want, got;
        flowlog_reader_options o = FLOWLOG_READER_OPTIONS_INIT;
        logs_seed(round + 5000);
        const struct log_plan plan = {20000, 2, 1, round / 2, 300, 0, round == 3};
        log_make(&t, &plan);
        cr_assert_gt(t.n, (size_t)1 << 20, "%zu", t.n);
        write_file(path, t.p, t.n);
        o.fields = "srcaddr,bytes,end,action";
        read_alone(path_source(path, 0), &o, &want);
        for (uint32_t threads = 2; threads <= 5; threads++)
            for (uint32_t flags = 0; flags < 2; flags++) {
                const int together = read_together(path_source(path, flags), &o, threads, &got);
                cr_assert(together || want.damage.n, "round %llu", (unsigned long long)round);
                if (together) outcome_same(&want, &got, flags ? "mapped" : "read", round);
                text_free(&got.damage);
            }
        text_free(&want.damage);
    }
    unlink(path);
    text_free(&t);
}

Test(threads, a_malformed_line_that_ends_the_reading_is_left_to_one_thread)
{
    struct text t = {NULL, 0, 0};
    for (uint64_t round = 1; round <= 60; round++) {
        struct outcome want, got;
        flowlog_reader_options o = FLOWLOG_READER_OPTIONS_INIT;
        logs_seed(round + 6000);
        random_text(&t, 300);
        o.flags = FLOWLOG_READ_STOP_ON_BAD;
        read_alone(memory_source(&t), &o, &want);
        for (uint32_t threads = 2; threads <= 4; threads++) {
            const int together = read_together(memory_source(&t), &o, threads, &got);
            if (want.status == FLOWLOG_E_MALFORMED) cr_assert(!together, "round %llu", (unsigned long long)round);
            if (together) outcome_same(&want, &got, "stop", round);
            text_free(&got.damage);
        }
        text_free(&want.damage);
    }
    text_free(&t);
}

/* --- gzip --------------------------------------------------------------------------------------------------- */

Test(threads, gzip_is_inflated_beside_parsing_and_damaged_where_it_is)
{
    char path[] = "/tmp/flowlog_threads_XXXXXX";
    struct text t = {NULL, 0, 0}, packed = {NULL, 0, 0};
    const int fd = mkstemp(path);
    cr_assert(fd >= 0 && !close(fd));
    for (uint64_t round = 1; round <= 60; round++) {
        struct outcome want, got;
        flowlog_format *given;
        logs_seed(round + 7000);
        random_text(&t, rnd(5) ? 300 : 9000);
        if (rnd(10) == 0) text_add(&t, "\x1F\x8B", 2);
        const flowlog_reader_options o = random_options(&given);
        compress_text(&t, 1 + rnd(3), &packed);
        if (rnd(3) == 0) packed.n -= 1 + rnd((uint32_t)packed.n - 4);
        else if (rnd(3) == 0) packed.p[10 + rnd((uint32_t)packed.n - 10)] ^= (char)(1 << rnd(8));
        read_alone(memory_source(&packed), &o, &want);
        if (read_together(memory_source(&packed), &o, 2, &got)) outcome_same(&want, &got, "gzip", round);
        text_free(&got.damage);
        write_file(path, packed.p, packed.n);
        text_free(&want.damage);
        read_alone(path_source(path, 0), &o, &want);
        if (read_together(path_source(path, FLOWLOG_SOURCE_MAP), &o, 3, &got))
            outcome_same(&want, &got, "gzip file", round);
        text_free(&got.damage);
        text_free(&want.damage);
        flowlog_format_free(given);
    }
    unlink(path);
    text_free(&t);
    text_free(&packed);
}

/* --- many files ------------------------------------------------------------------------------------------------- */

static flowlog_source *directory_source(const char *directory, unsigned missing)
{
    char gone[100];
    flowlog_source *source = path_source(directory, rnd(2) ? FLOWLOG_SOURCE_MAP : 0);
    snprintf(gone, sizeof gone, "%s/%04u", directory, missing);
    return source;
}

Test(threads, many_files_give_what_they_give_one_by_one)
{
    char directory[] = "/tmp/flowlog_threads_XXXXXX", path[100];
    struct text t = {NULL, 0, 0}, packed = {NULL, 0, 0};
    cr_assert(mkdtemp(directory));
    for (uint64_t round = 1; round <= 25; round++) {
        struct outcome want, got;
        flowlog_format *given;
        logs_seed(round + 8000);
        const unsigned files = 2 + rnd(30);
        for (unsigned i = 0; i < files; i++) {
            random_text(&t, 60);
            snprintf(path, sizeof path, "%s/%04u", directory, i);
            if (rnd(3) == 0) {
                compress_text(&t, 1 + rnd(2), &packed);
                if (rnd(4) == 0) packed.n -= 1 + rnd((uint32_t)packed.n - 4);
                write_file(path, packed.p, packed.n);
            } else {
                write_file(path, t.p, rnd(10) ? t.n : 0);
            }
        }
        const flowlog_reader_options o = random_options(&given);
        read_alone(directory_source(directory, 0), &o, &want);
        for (uint32_t threads = 2; threads <= 5; threads++) {
            cr_assert(read_together(directory_source(directory, 0), &o, threads, &got));
            outcome_same(&want, &got, "files", round);
            text_free(&got.damage);
        }
        text_free(&want.damage);
        flowlog_format_free(given);
        for (unsigned i = 0; i < files; i++) {
            snprintf(path, sizeof path, "%s/%04u", directory, i);
            unlink(path);
        }
    }
    rmdir(directory);
    text_free(&t);
    text_free(&packed);
}

/* --- being stopped ------------------------------------------------------------------------------------------------ */

static int cancel(void *ctx, uint64_t bytes, uint64_t total)
{
    (void)ctx, (void)bytes, (void)total;
    return 1;
}

Test(threads, progress_that_says_no_ends_all_of_them)
{
    struct text t = {NULL, 0, 0}, packed = {NULL, 0, 0};
    flowlog_reader_options o = FLOWLOG_READER_OPTIONS_INIT;
    logs_seed(1);
    const struct log_plan plan = {3000, 0, 0, 0, 300, 0, 0};
    log_make(&t, &plan);
    compress_text(&t, 1, &packed);
    for (int gzip = 0; gzip < 2; gzip++) {
        void *state = NULL;
        flowlog_counters counters;
        flowlog_error err;
        flowlog_source *source = memory_source(gzip ? &packed : &t);
        const struct fl_parallel p = {.source = source, .options = &o, .threads = 3, .work = &work, .progress = cancel,
                                      .range_min = 1};
        cr_assert_eq(flowlog__parallel_read(&p, &state, &counters, &err), FLOWLOG_E_CANCELLED);
        cr_assert_eq(err.status, FLOWLOG_E_CANCELLED);
        flowlog_source_close(source);
    }
    text_free(&t);
    text_free(&packed);
}

static flowlog_status add_fails(void *ctx, void *state, const flowlog_batch *batch, flowlog_error *err)
{
    add(ctx, state, batch, err);
    return ((struct digest *)state)->rows > 100 ? FLOWLOG_E_LIMIT : FLOWLOG_OK;
}

static flowlog_status merge_fails(void *ctx, void *into, void *from, flowlog_error *err)
{
    (void)ctx, (void)into, (void)from, (void)err;
    return FLOWLOG_E_OVERFLOW;
}

Test(threads, what_a_state_cannot_hold_is_left_to_one_thread)
{
    static const struct fl_work fails[] = {{begin, add_fails, merge, end, NULL}, {begin, add, merge_fails, end, NULL}};
    struct text t = {NULL, 0, 0};
    flowlog_reader_options o = FLOWLOG_READER_OPTIONS_INIT;
    logs_seed(2);
    const struct log_plan plan = {3000, 0, 0, 0, 300, 0, 0};
    log_make(&t, &plan);
    for (int i = 0; i < 2; i++) {
        void *state = NULL;
        flowlog_counters counters;
        flowlog_source *source = memory_source(&t);
        const struct fl_parallel p = {.source = source, .options = &o, .threads = 3, .work = &fails[i], .range_min = 1};
        cr_assert_eq(flowlog__parallel_read(&p, &state, &counters, NULL), FLOWLOG_END);
        flowlog_source_close(source);
    }
    text_free(&t);
}

/* --- memory ----------------------------------------------------------------------------------------------------- */

Test(threads, memory_that_runs_out_ends_in_a_status_and_nothing_is_lost)
{
    struct text t = {NULL, 0, 0}, packed = {NULL, 0, 0};
    logs_seed(3);
    const struct log_plan plan = {1200, 5, 0, 3, 300, 0, 0};
    log_make(&t, &plan);
    compress_text(&t, 1, &packed);
    for (int gzip = 0; gzip < 2; gzip++) {
        int ok = 0;
        for (size_t n = 1; n < 400 && ok < 3; n++) {
            struct shared_alloc s = {.fail_at = n};
            const flowlog_alloc alloc = {shared_get, shared_resize, shared_put, &s};
            flowlog_reader_options o = FLOWLOG_READER_OPTIONS_INIT;
            void *state = NULL;
            flowlog_counters counters;
            flowlog_source *source = memory_source(gzip ? &packed : &t);
            o.alloc = &alloc;
            const struct fl_parallel p = {.source = source, .options = &o, .threads = 3, .work = &work, .range_min = 1};
            const flowlog_status status = flowlog__parallel_read(&p, &state, &counters, NULL);
            cr_assert(status == FLOWLOG_OK || status == FLOWLOG_END || status == FLOWLOG_E_MEMORY, "%zu: %d", n,
                      (int)status);
            ok += status == FLOWLOG_OK && s.requests < n;
            if (status == FLOWLOG_OK) free(state);
            flowlog_source_close(source);
            cr_assert_eq(s.live, 0, "%zu", n);
        }
        cr_assert_eq(ok, 3);
    }
    text_free(&t);
    text_free(&packed);
}
