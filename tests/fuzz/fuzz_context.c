/* SPDX-License-Identifier: MIT */
/*
 * fuzz_context.c - any bytes as the context of a diagnosis, and then the records of a small log.
 *
 * A context that was not taken has an error with a place.  Whatever was taken, every finding has codes that have
 * names, advice and JSON that end, and lines of the log; two engines that are told the same and are merged find what
 * one finds.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "flowlog/diagnose.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define CHECK(condition) \
    do { \
        if (!(condition)) abort(); \
    } while (0)

static const char records[] =
    "version interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status\n"
    "2 eni-1 10.0.1.5 10.0.2.6 40000 443 6 3 180 1700000000 1700000050 ACCEPT OK\n"
    "2 eni-1 10.0.2.6 10.0.1.5 443 40000 6 3 180 1700000000 1700000050 REJECT OK\n"
    "2 eni-2 10.0.1.5 10.0.2.6 40000 443 6 3 180 1700000001 1700000051 ACCEPT OK\n"
    "2 eni-2 203.0.113.9 10.0.2.6 50000 22 6 5 300 1700000100 1700000140 REJECT OK\n"
    "2 eni-2 10.0.2.6 203.0.113.9 123 123 17 1 76 1700000100 1700000140 ACCEPT OK\n"
    "2 eni-2 10.0.1.5 10.0.2.6 0 0 1 4 336 1700000200 1700000240 REJECT OK\n"
    "2 eni-1 2001:db8::5 2001:db8::9 40001 5432 6 1 80 1700000300 1700000310 REJECT OK\n"
    "2 eni-2 - - - - - - - 1700000300 1700000359 - SKIPDATA\n"
    "2 eni-1 - - - - - - - 1700000400 1700000459 - NODATA\n";

struct seen {
    uint64_t findings, sum;
};

static uint64_t mix(uint64_t h, const void *p, size_t n)
{
    for (size_t i = 0; i < n; i++) h = (h ^ ((const unsigned char *)p)[i]) * UINT64_C(0x100000001B3);
    return h;
}

static int look(void *ctx, const flowlog_finding *f)
{
    struct seen *seen = ctx;
    char text[16384];
    CHECK(*flowlog_finding_kind_name(f->kind) && *flowlog_verdict_name(f->verdict) && *flowlog_layer_name(f->layer));
    CHECK(*flowlog_confidence_name(f->confidence) && f->alts <= 3 && f->line_count <= 2);
    for (uint32_t i = 0; i < f->line_count; i++) CHECK(f->lines[i].line && f->lines[i].text.len);
    CHECK(flowlog_finding_advice(f, text, sizeof text) < sizeof text);
    const size_t n = flowlog_finding_json(f, NULL, text, sizeof text);
    CHECK(n < sizeof text && text[0] == '{' && text[n - 1] == '}');
    seen->sum = mix(seen->sum, text, n);
    seen->findings++;
    return 0;
}

/* NULL: the context was not taken. */
static flowlog_diagnosis *make(const uint8_t *data, size_t len)
{
    flowlog_diagnosis_options o = FLOWLOG_DIAGNOSIS_OPTIONS_INIT;
    flowlog_diagnosis *d = NULL;
    flowlog_error err = {0};
    o.flags = FLOWLOG_DIAGNOSE_ALL;
    o.evidence = 2;
    CHECK(flowlog_diagnosis_new(&o, &d, &err) == FLOWLOG_OK);
    const flowlog_status status = flowlog_diagnosis_context(d, (const char *)data, len, &err);
    if (status == FLOWLOG_OK) return d;
    CHECK(err.status == status && err.message[0] && err.offset <= len);
    flowlog_diagnosis_free(d);
    return NULL;
}

/* Lines [from, to) of the records, with the header. */
static void add(flowlog_diagnosis *d, unsigned from, unsigned to)
{
    char text[sizeof records];
    size_t n = 0;
    unsigned line = 0;
    for (const char *p = records; *p; line++) {
        const size_t len = (size_t)(strchr(p, '\n') - p) + 1;
        if (line == 0 || (line > from && line <= to)) {
            memcpy(text + n, p, len);
            n += len;
        }
        p += len;
    }
    flowlog_source *source = NULL;
    flowlog_run_options o = FLOWLOG_RUN_OPTIONS_INIT;
    CHECK(flowlog_source_memory(text, n, "log", NULL, &source, NULL) == FLOWLOG_OK);
    CHECK(flowlog_diagnosis_collect(d, source, &o, NULL) == FLOWLOG_OK);
    flowlog_source_close(source);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    enum { LINES = 9, HALF = 3 };
    struct seen whole = {0, 0}, merged = {0, 0};
    flowlog_diagnosis *d = make(data, len), *a = d ? make(data, len) : NULL, *b = d ? make(data, len) : NULL;
    if (!d) return 0;
    CHECK(a && b);
    add(d, 0, LINES);
    CHECK(flowlog_diagnosis_finish(d, look, &whole, NULL) == FLOWLOG_OK);
    add(a, HALF, LINES);
    add(b, 0, HALF);
    CHECK(flowlog_diagnosis_merge(a, b, NULL) == FLOWLOG_OK);
    CHECK(flowlog_diagnosis_finish(a, look, &merged, NULL) == FLOWLOG_OK);
    CHECK(whole.findings == merged.findings);
    flowlog_diagnosis_free(d);
    flowlog_diagnosis_free(a);
    flowlog_diagnosis_free(b);
    return 0;
}
