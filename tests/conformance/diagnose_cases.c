/* SPDX-License-Identifier: MIT */
/*
 * The conformance corpus of the diagnosis (tests/data/diagnosis.jsonl): each case as it stands, with its lines
 * shuffled, doubled, all times shifted, interfaces renamed so that their order turns round, and spread over two
 * engines that are merged.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/json.h"
#include "core/alloc.h"
#include "flowlog.h"

TestSuite(diagnose_cases, .timeout = 120);

enum { CASES_MAX = 512, LINES_MAX = 64, FINDINGS_MAX = 64, FILE_MAX = 1 << 20 };

/* --- the corpus -------------------------------------------------------------------------------------------- */

struct corpus {
    char *text;
    size_t count;
    char *line[CASES_MAX];
};

static struct corpus corpus_load(void)
{
    struct corpus c = {.text = malloc(FILE_MAX)};
    FILE *f = fopen(FLOWLOG_SOURCE_DIR "/tests/data/diagnosis.jsonl", "rb");
    cr_assert_not_null(f, "tests/data/diagnosis.jsonl");
    const size_t len = fread(c.text, 1, FILE_MAX - 1, f);
    fclose(f);
    c.text[len] = 0;
    for (char *p = strtok(c.text, "\n"); p; p = strtok(NULL, "\n"))
        c.line[c.count++] = p;
    cr_assert_gt(c.count, 90);
    return c;
}

static struct fl_json parse(const char *text)
{
    struct fl_json doc;
    flowlog_error err;
    const flowlog_alloc alloc = flowlog__alloc_or_default(NULL);
    cr_assert_eq(flowlog__json_parse(text, strlen(text), NULL, &alloc, &doc, &err), FLOWLOG_OK, "%s", err.message);
    return doc;
}

/* The text of a value as it stands. */
static flowlog_str raw(const struct fl_json *doc, uint32_t node)
{
    const struct fl_json_node *n = &doc->node[node];
    const uint32_t end = n->next < doc->nodes ? doc->node[n->next].at : doc->text_len;
    flowlog_str s = {doc->text + n->at, end - n->at};
    while (s.len && !strchr("}]\"0123456789e", s.ptr[s.len - 1])) s.len--; /* what stands between two values */
    if (n->kind == FL_JSON_OBJECT || n->kind == FL_JSON_ARRAY) {
        int depth = 0, quoted = 0;
        for (s.len = 0;; s.len++) {
            const char c = s.ptr[s.len];
            if (c == '"') quoted = !quoted;
            if (!quoted && (c == '{' || c == '[')) depth++;
            if (!quoted && (c == '}' || c == ']') && --depth == 0) break;
        }
        s.len++;
    }
    return s;
}

/* --- findings ---------------------------------------------------------------------------------------------- */

struct found {
    flowlog_finding f[FINDINGS_MAX];
    char text[FINDINGS_MAX][3][256]; /* eni, reason, acl: they are borrowed */
    size_t count;
};

static flowlog_str keep_text(char to[256], flowlog_str s)
{
    cr_assert_lt(s.len, 256);
    memcpy(to, s.ptr, s.len);
    return (flowlog_str){to, s.len};
}

static int keep(void *ctx, const flowlog_finding *f)
{
    struct found *r = ctx;
    char advice[2048];
    cr_assert_lt(r->count, FINDINGS_MAX);
    cr_assert_gt(flowlog_finding_advice(f, advice, sizeof advice), 10);
    cr_assert_null(strchr(advice, '{'), "%s", advice);
    const size_t i = r->count++;
    r->f[i] = *f;
    r->f[i].eni = keep_text(r->text[i][0], f->eni);
    r->f[i].reason = keep_text(r->text[i][1], f->reason);
    r->f[i].rule_acl = keep_text(r->text[i][2], f->rule_acl);
    return 0;
}

static int text_is(flowlog_str want, const char *have)
{
    return want.len == strlen(have) && memcmp(want.ptr, have, want.len) == 0;
}

static int addr_is(flowlog_str want, const flowlog_addr *have)
{
    flowlog_addr a;
    return flowlog_addr_parse(want.ptr, want.len, &a) == FLOWLOG_OK && !flowlog_addr_compare(&a, have);
}

/* Every code of `list` is among the alternatives. */
static int alts_are(const struct fl_json *doc, uint32_t list, const flowlog_finding *f)
{
    for (uint32_t i = fl_json_first(doc, list); i; i = fl_json_next(doc, list, i)) {
        int found = 0;
        for (unsigned k = 0; k < f->alts; k++) found |= text_is(fl_json_text(doc, i), flowlog_layer_name(f->alt[k]));
        if (!found) return 0;
    }
    return 1;
}

static int number_is(const struct fl_json *doc, uint32_t node, int64_t have)
{
    int64_t want;
    if (fl_json_kind(doc, node) == FL_JSON_TRUE) return have == 1;
    return flowlog__json_int(doc, node, 0, INT64_MAX, &want, NULL) == FLOWLOG_OK && want == have;
}

/* One key of what is expected. */
static int key_holds(const struct fl_json *doc, uint32_t name, const flowlog_finding *f)
{
    const flowlog_str key = fl_json_text(doc, name), want = fl_json_text(doc, name + 1);
    if (text_is(key, "kind")) return text_is(want, flowlog_finding_kind_name(f->kind));
    if (text_is(key, "verdict")) return text_is(want, flowlog_verdict_name(f->verdict));
    if (text_is(key, "layer")) return text_is(want, flowlog_layer_name(f->layer));
    if (text_is(key, "direction")) return text_is(want, flowlog_way_name(f->direction));
    if (text_is(key, "phase")) return text_is(want, flowlog_phase_name(f->phase));
    if (text_is(key, "confidence")) return text_is(want, flowlog_confidence_name(f->confidence));
    if (text_is(key, "transition")) return text_is(want, flowlog_transition_name(f->transition));
    if (text_is(key, "evidence")) return text_is(want, flowlog_proof_name(f->proof));
    if (text_is(key, "eni")) return f->eni.len == want.len && memcmp(f->eni.ptr, want.ptr, want.len) == 0;
    if (text_is(key, "reason")) return f->reason.len == want.len && memcmp(f->reason.ptr, want.ptr, want.len) == 0;
    if (text_is(key, "rule_acl"))
        return f->rule_acl.len == want.len && memcmp(f->rule_acl.ptr, want.ptr, want.len) == 0;
    if (text_is(key, "peer")) return addr_is(want, &f->peer);
    if (text_is(key, "client")) return addr_is(want, &f->client);
    if (text_is(key, "server")) return addr_is(want, &f->server);
    if (text_is(key, "port")) return number_is(doc, name + 1, f->server_port);
    if (text_is(key, "client_port")) return number_is(doc, name + 1, f->client_port);
    if (text_is(key, "proto")) return number_is(doc, name + 1, f->proto);
    if (text_is(key, "rule_number")) return number_is(doc, name + 1, f->rule_number);
    if (text_is(key, "sg_missing")) return number_is(doc, name + 1, f->sg_missing);
    if (text_is(key, "alt")) return alts_are(doc, name + 1, f);
    cr_assert(0, "the test does not know the key %.*s", (int)key.len, key.ptr);
    return 0;
}

static int is_found(const struct fl_json *doc, uint32_t object, const struct found *r)
{
    const int any_kind = flowlog__json_find(doc, object, "kind") != 0;
    for (size_t i = 0; i < r->count; i++) {
        int all = any_kind || r->f[i].kind == FLOWLOG_FINDING_DIAGNOSIS;
        for (uint32_t k = fl_json_first(doc, object); k && all; k = fl_json_next(doc, object, k))
            all = key_holds(doc, k, &r->f[i]);
        if (all) return 1;
    }
    return 0;
}

static void print_found(const struct found *r)
{
    for (size_t i = 0; i < r->count; i++) {
        const flowlog_finding *f = &r->f[i];
        char client[FLOWLOG_ADDR_TEXT_MAX], server[FLOWLOG_ADDR_TEXT_MAX];
        flowlog_addr_format(&f->client, client);
        flowlog_addr_format(&f->server, server);
        fprintf(stderr, "    %s %s %s:%u -> %s:%u", flowlog_finding_kind_name(f->kind), f->eni.ptr, client,
                f->client_port, server, f->server_port);
        fprintf(stderr, " %s %s %s %s %s", flowlog_verdict_name(f->verdict), flowlog_layer_name(f->layer),
                flowlog_way_name(f->direction), flowlog_phase_name(f->phase), flowlog_confidence_name(f->confidence));
        fprintf(stderr, " proof %s, %s, alt %s, rule %u\n", flowlog_proof_name(f->proof),
                flowlog_transition_name(f->transition), flowlog_layer_name(f->alt[0]), (unsigned)f->rule_number);
    }
}

/* --- running a case ---------------------------------------------------------------------------------------- */

static uint32_t random_below(uint64_t *state, uint32_t n)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return (uint32_t)(*state >> 32) % n;
}

static flowlog_diagnosis *engine(const struct fl_json *doc)
{
    flowlog_diagnosis_options o = FLOWLOG_DIAGNOSIS_OPTIONS_INIT;
    flowlog_diagnosis *d = NULL;
    flowlog_error err;
    o.flags = FLOWLOG_DIAGNOSE_ALL;
    cr_assert_eq(flowlog_diagnosis_new(&o, &d, &err), FLOWLOG_OK, "%s", err.message);
    const flowlog_str options = raw(doc, flowlog__json_find(doc, FL_JSON_ROOT, "options"));
    cr_assert_eq(flowlog_diagnosis_context(d, options.ptr, options.len, &err), FLOWLOG_OK, "%s", err.message);
    return d;
}

static void feed(flowlog_diagnosis *d, const char *text, size_t len)
{
    flowlog_reader_options o = FLOWLOG_READER_OPTIONS_INIT;
    flowlog_source *source = NULL;
    flowlog_reader *reader = NULL;
    const flowlog_batch *batch;
    flowlog_error err;
    o.fields = flowlog_diagnosis_fields(d);
    cr_assert_eq(flowlog_source_memory(text, len, "case", NULL, &source, &err), FLOWLOG_OK);
    cr_assert_eq(flowlog_reader_open(source, &o, &reader, &err), FLOWLOG_OK, "%s", err.message);
    flowlog_status status;
    while ((status = flowlog_reader_next(reader, &batch, &err)) == FLOWLOG_OK)
        cr_assert_eq(flowlog_diagnosis_add(d, batch, &err), FLOWLOG_OK, "%s", err.message);
    cr_assert_eq(status, FLOWLOG_END, "%s", err.message);
    cr_assert_eq(flowlog_reader_counters(reader)->malformed, 0);
    flowlog_reader_close(reader);
}

enum { AS_IT_STANDS, SHUFFLED, DOUBLED, SPLIT };

/* All lines, in some order, each `times` times, to one engine or to two. */
static void run(const struct fl_json *doc, int how, uint64_t *state, struct found *r)
{
    const flowlog_str format = fl_json_text(doc, flowlog__json_find(doc, FL_JSON_ROOT, "format"));
    const uint32_t list = flowlog__json_find(doc, FL_JSON_ROOT, "lines");
    flowlog_str line[2 * LINES_MAX];
    size_t lines = 0, len[2] = {0, 0};
    for (int times = 0; times < (how == DOUBLED ? 2 : 1); times++)
        for (uint32_t i = fl_json_first(doc, list); i; i = fl_json_next(doc, list, i))
            line[lines++] = fl_json_text(doc, i);
    for (size_t i = lines; how != AS_IT_STANDS && i > 1; i--) {
        const size_t k = random_below(state, (uint32_t)i);
        const flowlog_str moved = line[k];
        line[k] = line[i - 1];
        line[i - 1] = moved;
    }
    char *text[2] = {malloc(FILE_MAX), malloc(FILE_MAX)};
    for (int e = 0; e < 2; e++) len[e] = (size_t)snprintf(text[e], FILE_MAX, "%.*s\n", (int)format.len, format.ptr);
    for (size_t i = 0; i < lines; i++) {
        const int e = how == SPLIT ? (int)random_below(state, 2) : 0;
        len[e] += (size_t)snprintf(text[e] + len[e], FILE_MAX - len[e], "%.*s\n", (int)line[i].len, line[i].ptr);
    }
    flowlog_diagnosis *d = engine(doc);
    flowlog_error err;
    feed(d, text[0], len[0]);
    if (how == SPLIT) {
        flowlog_diagnosis *other = engine(doc);
        feed(other, text[1], len[1]);
        cr_assert_eq(flowlog_diagnosis_merge(d, other, &err), FLOWLOG_OK, "%s", err.message);
        flowlog_diagnosis_free(other);
    }
    r->count = 0;
    cr_assert_eq(flowlog_diagnosis_finish(d, keep, r, &err), FLOWLOG_OK, "%s", err.message);
    flowlog_diagnosis_free(d);
    free(text[0]);
    free(text[1]);
}

static void check(const struct fl_json *doc, const struct found *r)
{
    const flowlog_str id = fl_json_text(doc, flowlog__json_find(doc, FL_JSON_ROOT, "id"));
    const uint32_t expect = flowlog__json_find(doc, FL_JSON_ROOT, "expect");
    const uint32_t also = flowlog__json_find(doc, FL_JSON_ROOT, "also");
    const uint32_t absent = flowlog__json_find(doc, FL_JSON_ROOT, "absent");
    int good = is_found(doc, expect, r);
    for (uint32_t i = fl_json_first(doc, also); i; i = fl_json_next(doc, also, i)) good &= is_found(doc, i, r);
    for (uint32_t i = fl_json_first(doc, absent); i; i = fl_json_next(doc, absent, i)) good &= !is_found(doc, i, r);
    cr_expect(good, "%.*s: expected %.*s", (int)id.len, id.ptr, (int)raw(doc, expect).len, raw(doc, expect).ptr);
    if (!good) print_found(r);
}

static void check_corpus(int how, int times)
{
    struct corpus c = corpus_load();
    struct found *r = malloc(sizeof *r);
    uint64_t state = 88172645463325252u;
    for (size_t i = 0; i < c.count; i++) {
        struct fl_json doc = parse(c.line[i]);
        for (int k = 0; k < times; k++) {
            run(&doc, how, &state, r);
            check(&doc, r);
        }
        flowlog__json_clear(&doc);
    }
    free(r);
    free(c.text);
}

Test(diagnose_cases, each_case_has_its_findings) { check_corpus(AS_IT_STANDS, 1); }
Test(diagnose_cases, the_order_of_lines_means_nothing) { check_corpus(SHUFFLED, 8); }
Test(diagnose_cases, identical_lines_count_once) { check_corpus(DOUBLED, 4); }
Test(diagnose_cases, two_engines_merged_find_what_one_does) { check_corpus(SPLIT, 8); }

static int is_digit(char c) { return c >= '0' && c <= '9'; }

/* Every time in a case (ten digits, of the years 2014 to 2027) by `by` seconds. */
static void shift_times(char *text, long by)
{
    for (char *p = text; *p;) {
        size_t n = 0;
        while (is_digit(p[n])) n++;
        const long value = n == 10 ? strtol(p, NULL, 10) : 0;
        if (value >= 1400000000L && value < 1800000000L && (p == text || !strchr("abcdef-.:", p[-1]))) {
            char digits[24];
            snprintf(digits, sizeof digits, "%010ld", value + by);
            memcpy(p, digits, 10);
        }
        p += n ? n : 1;
    }
}

Test(diagnose_cases, shifted_times_mean_nothing)
{
    static const long by[] = {1, 59, 86399, -1234567, 300000000};
    struct found *r = malloc(sizeof *r);
    for (size_t k = 0; k < sizeof by / sizeof *by; k++) {
        struct corpus c = corpus_load();
        uint64_t state = 1;
        for (size_t i = 0; i < c.count; i++) {
            shift_times(c.line[i], by[k]);
            struct fl_json doc = parse(c.line[i]);
            run(&doc, AS_IT_STANDS, &state, r);
            check(&doc, r);
            flowlog__json_clear(&doc);
        }
        free(c.text);
    }
    free(r);
}

/* Digits of interface ids for their complement: the order of names turns round. */
static void rename_interfaces(char *text)
{
    static const char hex[] = "0123456789abcdef";
    for (char *p = strstr(text, "eni-"); p; p = strstr(p, "eni-"))
        for (p += 4; strchr(hex, *p); p++) *p = hex[15 - (strchr(hex, *p) - hex)];
}

Test(diagnose_cases, names_of_interfaces_mean_nothing)
{
    struct corpus c = corpus_load();
    struct found *r = malloc(sizeof *r);
    uint64_t state = 1;
    for (size_t i = 0; i < c.count; i++) {
        rename_interfaces(c.line[i]);
        struct fl_json doc = parse(c.line[i]);
        run(&doc, AS_IT_STANDS, &state, r);
        check(&doc, r);
        flowlog__json_clear(&doc);
    }
    free(r);
    free(c.text);
}
