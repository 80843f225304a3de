/* SPDX-License-Identifier: MIT */
/*
 * A diagnosis by several threads against one thread: logs of simulated VPCs with damaged lines between, as one file cut
 * into ranges, as many files, as gzip.  Findings in JSON, with the lines that show them, are the same to the byte.
 */
#define _DEFAULT_SOURCE
#include <criterion/criterion.h>
#include <unistd.h>

#include "analyze/engine.h"
#include "support/read_logs.h"
#include "support/together.h"
#include "support/vpc_sim.h"

TestSuite(diagnose_threads, .timeout = 120);

/* --- a log ------------------------------------------------------------------------------------------------- */

struct log {
    struct vpc_world *w;
    struct vpc_log_options how;
    flowlog_format *format;
    struct text text;
};

static void log_begin(struct log *g, uint64_t seed)
{
    static const char *const between[] = {"", "# a remark", "2 1 x", "\x01",
                                          "2 123456789012 eni-9 - - - - - - - 1 2 - NODATA x"};
    struct vpc_log log;
    logs_seed(seed);
    memset(g, 0, sizeof *g);
    g->w = vpc_make(seed);
    g->how = (struct vpc_log_options){.format = (int)(seed % VPC_FORMATS), .interval_s = seed % 2 ? 60 : 600,
                                      .order = (int)(seed / 3 % 3), .nodata = 1, .lose = seed % 4 ? 0 : 100,
                                      .marked = 1, .seed = seed};
    vpc_log_write(g->w, &g->how, &log);
    for (const char *p = log.text.p; *p;) {
        const size_t n = strcspn(p, "\n") + 1;
        if (rnd(20) == 0) text_print(&g->text, "%s\n", between[rnd(5)]);
        text_add(&g->text, p, n);
        if (rnd(8) == 0) text_add(&g->text, p, n); /* once more */
        p += n;
    }
    vpc_log_free(&log);
    const char *header = vpc_formats[g->how.format];
    cr_assert_eq(flowlog_format_parse(header, strlen(header), NULL, &g->format, NULL), FLOWLOG_OK);
}

static void log_end(struct log *g)
{
    vpc_free(g->w);
    flowlog_format_free(g->format);
    text_free(&g->text);
}

/* --- what is found ----------------------------------------------------------------------------------------- */

struct outcome {
    struct text text; /* a line for each finding, then one for each damaged input */
    flowlog_counters counters;
    const flowlog_source *source;
    flowlog_status status;
    uint64_t truncated;
};

static int take(void *ctx, const flowlog_finding *f)
{
    static char json[65537];
    struct outcome *o = ctx;
    const size_t n = flowlog_finding_json_source(f, o->source, json, sizeof json - 1);
    cr_assert_lt(n, sizeof json - 1);
    json[n] = '\n';
    text_add(&o->text, json, n + 1);
    return 0;
}

static int note(void *ctx, const char *name, const flowlog_error *e)
{
    struct outcome *o = ctx;
    text_print(&o->text, "%s: %d %llu %llu %s\n", name, (int)e->status, (unsigned long long)e->offset,
               (unsigned long long)e->line, e->message);
    return 0;
}

struct way {
    uint32_t flags, evidence, max_conversations;
    int rules;
};

static flowlog_diagnosis *engine(const struct log *g, const struct way *way, const flowlog_alloc *alloc)
{
    flowlog_diagnosis_options o = FLOWLOG_DIAGNOSIS_OPTIONS_INIT;
    flowlog_diagnosis *d;
    flowlog_error err;
    o.flags = way->flags;
    o.alloc = alloc;
    o.evidence = way->evidence;
    o.max_conversations = way->max_conversations;
    cr_assert_eq(flowlog_diagnosis_new(&o, &d, &err), FLOWLOG_OK, "%s", err.message);
    struct text context = {NULL, 0, 0};
    text_print(&context, "{\"enis\":{\"eni-none\":{\"type\":\"nat_gateway\",\"subnet\":\"subnet-0\"}");
    for (int i = g->w->ifaces; i-- > 0;)
        text_print(&context, ",\"%s\":{\"subnet\":\"subnet-%d\"}", g->w->iface[i].id, i % 2);
    text_print(&context, "},\"subnets\":{\"subnet-z\":[\"203.0.113.0/24\"]}}");
    if (way->rules < 2)
        cr_assert_eq(flowlog_diagnosis_context(d, context.p, context.n, &err), FLOWLOG_OK, "%s", err.message);
    text_free(&context);
    for (int what = 0; way->rules && what < VPC_JSONS; what++) {
        struct vpc_text json = {0};
        vpc_json(g->w, what, 0, &json);
        cr_assert_eq(flowlog_diagnosis_rules(d, json.p, json.n, &err), FLOWLOG_OK, "%s", err.message);
        vpc_text_free(&json);
    }
    return d;
}

/* `source` is used up. */
static void diagnose(const struct log *g, const struct way *way, flowlog_source *source, uint32_t threads,
                     struct outcome *o)
{
    flowlog_run_options how = FLOWLOG_RUN_OPTIONS_INIT;
    flowlog_diagnosis *d = engine(g, way, NULL);
    flowlog_error err = {0};
    memset(o, 0, sizeof *o);
    text_clear(&o->text);
    o->source = source;
    how.threads = threads;
    how.format = g->format;
    how.damage = note;
    how.ctx = o;
    o->status = flowlog__diagnosis_collect(d, source, &how, 1, &o->counters, &err);
    cr_assert_eq(o->status, FLOWLOG_OK, "%s", err.message);
    o->truncated = flowlog_diagnosis_truncated(d);
    cr_assert_eq(flowlog_diagnosis_finish(d, take, o, &err), FLOWLOG_OK, "%s", err.message);
    text_print(&o->text, "%llu records, %llu left out\n", (unsigned long long)flowlog_diagnosis_records(d),
               (unsigned long long)flowlog_diagnosis_left_out(d));
    flowlog_diagnosis_free(d);
    flowlog_source_close(source);
}

static void outcome_same(const struct outcome *a, const struct outcome *b, const char *what, uint64_t seed,
                         uint32_t threads)
{
    const char *x = a->text.p, *y = b->text.p;
    for (; *x && *x == *y; x++, y++) {}
    while (x > a->text.p && x[-1] != '\n') x--, y--;
    cr_assert(!*x && !*y, "%s, seed %llu, %u threads:\n%.*s\n%.*s", what, (unsigned long long)seed, threads,
              (int)strcspn(x, "\n"), x, (int)strcspn(y, "\n"), y);
    cr_assert_arr_eq(&a->counters, &b->counters, sizeof a->counters, "%s, seed %llu: counters", what,
                     (unsigned long long)seed);
    cr_assert_eq(a->truncated, b->truncated);
}

static struct way way_of(uint64_t seed)
{
    const uint32_t all = seed % 2 ? (uint32_t)FLOWLOG_DIAGNOSE_ALL : 0;
    const uint32_t grouped = seed % 5 == 1 ? (uint32_t)FLOWLOG_DIAGNOSE_GROUPED : 0;
    const struct way way = {all | grouped, (uint32_t)(seed % 4 * 2), 0, (int)(seed % 3)};
    return way;
}

/* --- one file ---------------------------------------------------------------------------------------------- */

Test(diagnose_threads, one_file_in_ranges_gives_what_it_gives_whole)
{
    for (uint64_t seed = 1; seed <= 24; seed++) {
        struct log g;
        struct outcome want, got;
        const struct way way = way_of(seed);
        log_begin(&g, seed);
        diagnose(&g, &way, memory_source(&g.text), 1, &want);
        for (uint32_t threads = 2; threads <= 8; threads++) {
            diagnose(&g, &way, memory_source(&g.text), threads, &got);
            outcome_same(&want, &got, "ranges", seed, threads);
            text_free(&got.text);
        }
        text_free(&want.text);
        log_end(&g);
    }
}

Test(diagnose_threads, the_line_shown_is_the_line_of_the_file)
{
    struct log g;
    struct outcome got;
    const struct way way = {FLOWLOG_DIAGNOSE_ALL, 8, 0, 0};
    unsigned shown = 0;
    log_begin(&g, 5);
    diagnose(&g, &way, memory_source(&g.text), 7, &got);
    for (const char *p = got.text.p; (p = strstr(p, "{\"file\":\"memory\",\"line\":")); p++) {
        unsigned long line;
        int at = 0;
        const char *q = g.text.p;
        cr_assert_eq(sscanf(p, "{\"file\":\"memory\",\"line\":%lu,\"text\":\"%n", &line, &at), 1);
        for (; line > 1; line--) q = strchr(q, '\n') + 1;
        const size_t n = strcspn(q, "\n");
        cr_assert(at && !strncmp(p + at, q, n) && p[at + (int)n] == '"', "%.200s", p);
        shown++;
    }
    cr_assert_gt(shown, 300);
    text_free(&got.text);
    log_end(&g);
}

/* What is given up depends on the order of all records, which one thread alone sees. */
Test(diagnose_threads, memory_for_few_conversations_is_that_of_one_thread)
{
    for (uint64_t seed = 1; seed <= 8; seed++) {
        struct log g;
        struct outcome want, got;
        const struct way way = {FLOWLOG_DIAGNOSE_ALL, 2, 20, 0};
        log_begin(&g, seed);
        diagnose(&g, &way, memory_source(&g.text), 1, &want);
        diagnose(&g, &way, memory_source(&g.text), 3, &got);
        cr_assert_gt(want.truncated, 0);
        outcome_same(&want, &got, "few", seed, 3);
        text_free(&want.text);
        text_free(&got.text);
        log_end(&g);
    }
}

/* --- many files, gzip -------------------------------------------------------------------------------------- */

Test(diagnose_threads, many_files_give_what_they_give_one_by_one)
{
    char directory[] = "/tmp/flowlog_diagnose_XXXXXX", path[100];
    struct text packed = {NULL, 0, 0};
    cr_assert(mkdtemp(directory));
    for (uint64_t seed = 101; seed <= 112; seed++) {
        struct log g;
        struct outcome want, got;
        const struct way way = way_of(seed);
        log_begin(&g, seed);
        const unsigned files = seed % 4 ? 2 + rnd(12) : 1;
        size_t at = 0;
        for (unsigned i = 0; i < files; i++) {
            size_t to = i + 1 < files ? at + rnd((uint32_t)(g.text.n - at) / 2 + 1) : g.text.n;
            while (to < g.text.n && to && g.text.p[to - 1] != '\n') to++;
            const struct text part = {g.text.p + at, to - at, 0};
            snprintf(path, sizeof path, "%s/%04u", directory, i);
            if (files == 1 || rnd(2)) {
                compress_text(&part, 1 + rnd(2), &packed);
                if (files > 1 && rnd(4) == 0) packed.n -= 1 + rnd((uint32_t)packed.n - 4);
                write_file(path, packed.p, packed.n);
            } else {
                write_file(path, part.p, part.n);
            }
            at = to;
        }
        diagnose(&g, &way, path_source(directory, 0), 1, &want);
        for (uint32_t threads = 2; threads <= 8; threads++) {
            diagnose(&g, &way, path_source(directory, threads % 2 ? FLOWLOG_SOURCE_MAP : 0), threads, &got);
            outcome_same(&want, &got, "files", seed, threads);
            text_free(&got.text);
        }
        text_free(&want.text);
        log_end(&g);
        for (unsigned i = 0; i < files; i++) {
            snprintf(path, sizeof path, "%s/%04u", directory, i);
            unlink(path);
        }
    }
    rmdir(directory);
    text_free(&packed);
}

/* --- the call ---------------------------------------------------------------------------------------------- */

static int cancel(void *ctx, uint64_t bytes, uint64_t total)
{
    (void)ctx, (void)bytes, (void)total;
    return 1;
}

static int stop(void *ctx, const flowlog_finding *f)
{
    (void)f;
    ++*(unsigned *)ctx;
    return 1;
}

Test(diagnose_threads, a_call_ends_as_its_caller_says)
{
    struct log g;
    const struct way way = {0, 0, 0, 0};
    flowlog_run_options how = FLOWLOG_RUN_OPTIONS_INIT;
    flowlog_diagnosis_options o = FLOWLOG_DIAGNOSIS_OPTIONS_INIT;
    flowlog_error err;
    unsigned called = 0;
    log_begin(&g, 1);
    flowlog_source *source = memory_source(&g.text);
    flowlog_diagnosis *d = engine(&g, &way, NULL);
    how.threads = 3;
    how.format = g.format;
    how.progress = cancel;
    cr_assert_eq(flowlog_diagnosis_collect(NULL, source, &how, &err), FLOWLOG_E_ARGUMENT);
    cr_assert_eq(flowlog_diagnosis_collect(d, NULL, &how, &err), FLOWLOG_E_ARGUMENT);
    cr_assert_eq(flowlog_diagnosis_collect(d, source, &how, &err), FLOWLOG_E_CANCELLED);
    cr_assert_eq(flowlog_diagnosis_finish(d, stop, &called, &err), FLOWLOG_E_CANCELLED);
    flowlog_diagnosis_free(d);
    flowlog_source_close(source);

    how.progress = NULL;
    o.flags = FLOWLOG_DIAGNOSE_STREAM;
    o.report = stop;
    o.ctx = &called;
    cr_assert_eq(flowlog_diagnosis_new(&o, &d, &err), FLOWLOG_OK);
    source = memory_source(&g.text);
    cr_assert_eq(flowlog_diagnosis_collect(d, source, &how, &err), FLOWLOG_END);
    cr_assert_eq(called, 1);
    flowlog_diagnosis_free(d);
    flowlog_source_close(source);
    log_end(&g);
}

Test(diagnose_threads, a_second_source_adds_to_the_first)
{
    struct log g;
    struct outcome want, got = {0};
    const struct way way = {FLOWLOG_DIAGNOSE_ALL, 0, 0, 1};
    flowlog_run_options how = FLOWLOG_RUN_OPTIONS_INIT;
    log_begin(&g, 7);
    diagnose(&g, &way, memory_source(&g.text), 1, &want);
    flowlog_diagnosis *d = engine(&g, &way, NULL);
    size_t half = g.text.n / 2;
    while (g.text.p[half - 1] != '\n') half++;
    how.threads = 3;
    how.format = g.format;
    text_clear(&got.text);
    for (unsigned i = 0; i < 2; i++) {
        const struct text part = {g.text.p + (i ? half : 0), i ? g.text.n - half : half, 0};
        flowlog_source *source = memory_source(&part);
        cr_assert_eq(flowlog__diagnosis_collect(d, source, &how, 1, &got.counters, NULL), FLOWLOG_OK);
        flowlog_source_close(source);
    }
    cr_assert_eq(flowlog_diagnosis_finish(d, take, &got, NULL), FLOWLOG_OK);
    cr_assert_eq(strncmp(want.text.p, got.text.p, got.text.n), 0);
    flowlog_diagnosis_free(d);
    text_free(&want.text);
    text_free(&got.text);
    log_end(&g);
}

Test(diagnose_threads, memory_that_runs_out_ends_in_a_status_and_nothing_is_lost)
{
    struct log g;
    const struct way way = {0, 2, 0, 1};
    flowlog_counters counters;
    flowlog_error err;
    log_begin(&g, 2);
    if (g.text.n > 20000) g.text.n = 20000;
    while (g.text.p[g.text.n - 1] != '\n') g.text.n--;
    int ok = 0;
    for (size_t n = 1; n < 3000 && ok < 3; n += 1 + n / 40) {
        struct shared_alloc s = {0};
        const flowlog_alloc alloc = {shared_get, shared_resize, shared_put, &s};
        flowlog_run_options how = FLOWLOG_RUN_OPTIONS_INIT;
        flowlog_diagnosis *d = engine(&g, &way, &alloc);
        flowlog_source *source = memory_source(&g.text);
        how.threads = 3;
        how.format = g.format;
        how.alloc = &alloc;
        s.fail_at = s.requests + n;
        const flowlog_status status = flowlog__diagnosis_collect(d, source, &how, 1, &counters, &err);
        cr_assert(status == FLOWLOG_OK || status == FLOWLOG_E_MEMORY, "%zu: %d", n, (int)status);
        ok += status == FLOWLOG_OK && s.requests < s.fail_at;
        flowlog_diagnosis_free(d);
        flowlog_source_close(source);
        cr_assert_eq(s.live, 0, "%zu", n);
    }
    cr_assert_eq(ok, 3);
    log_end(&g);
}
