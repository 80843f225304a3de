/* SPDX-License-Identifier: MIT */
/*
 * The diagnosis before a judge that knows what happened: random VPCs (support/vpc_sim.h), their logs in three formats,
 * whole, with intervals lost and cut off, with and without the rules.
 *
 * Seeds 1 to 240; FLOWLOG_VPC_SEEDS=FROM:TO in the environment takes others.  What is found wrong is printed with the
 * seed and the records that show it.
 */
#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flowlog/diagnose.h"
#include "flowlog/reader.h"
#include "support/vpc_judge.h"
#include "support/vpc_sim.h"

TestSuite(diagnose_vpc, .timeout = 240);

static void seeds(uint64_t *from, uint64_t *to)
{
    const char *text = getenv("FLOWLOG_VPC_SEEDS");
    *from = 1;
    *to = 240;
    if (text) cr_assert_eq(sscanf(text, "%" SCNu64 ":%" SCNu64, from, to), 2);
}

/* --- asking the engine ------------------------------------------------------------------------------------- */

struct claims {
    struct vpc_claim *p;
    size_t n, room;
    const struct vpc_world *w;
    uint64_t truncated;
    struct vpc_text text; /* every finding in a line, to compare whole answers */
};

static void claims_free(struct claims *c)
{
    free(c->p);
    vpc_text_free(&c->text);
}

static struct vpc_addr plain_addr(const flowlog_addr *a)
{
    struct vpc_addr p = {.family = a->family};
    memcpy(p.b, a->bytes, a->family == 4 ? 4 : 16);
    return p;
}

static int take(void *ctx, const flowlog_finding *f)
{
    struct claims *c = ctx;
    char a[VPC_ADDR_TEXT], b[VPC_ADDR_TEXT];
    if (c->n == c->room) {
        c->room = c->room ? c->room * 2 : 256;
        c->p = realloc(c->p, c->room * sizeof *c->p);
        cr_assert(c->p);
    }
    struct vpc_claim *x = &c->p[c->n++];
    *x = (struct vpc_claim){.path = f->kind == FLOWLOG_FINDING_PATH, .iface = -1, .proto = f->proto,
                            .client = {plain_addr(&f->client), f->client_port},
                            .server = {plain_addr(&f->server), f->server_port}, .rule = f->rule_number,
                            .first = f->first, .last = f->last};
    x->verdict = flowlog_verdict_name(f->verdict);
    x->layer = flowlog_layer_name(f->layer);
    x->phase = flowlog_phase_name(f->phase);
    x->direction = flowlog_way_name(f->direction);
    x->confidence = flowlog_confidence_name(f->confidence);
    for (int i = 0; i < c->w->ifaces; i++)
        if (f->eni.len == strlen(c->w->iface[i].id) && !memcmp(f->eni.ptr, c->w->iface[i].id, f->eni.len)) x->iface = i;
    vpc_print(&c->text,
              "%s %.*s %u %s:%u %s:%u %s %s %s %s %s rule %u alt %u,%u,%u %" PRId64 "-%" PRId64 " %" PRIu64,
              flowlog_finding_kind_name(f->kind), (int)f->eni.len, f->eni.ptr, f->proto,
              vpc_addr_text(&x->client.addr, a), f->client_port, vpc_addr_text(&x->server.addr, b), f->server_port,
              x->verdict, x->layer, x->phase, x->direction, x->confidence, f->rule_number, f->alt[0], f->alt[1],
              f->alt[2], f->first, f->last, f->records);
    const flowlog_side *sides[] = {&f->request_accept, &f->request_reject, &f->reply_accept, &f->reply_reject};
    for (int i = 0; i < 4; i++) vpc_print(&c->text, " %" PRIu64 "/%" PRIu64, sides[i]->packets, sides[i]->bytes);
    vpc_print(&c->text, "\n");
    return 0;
}

/* What is given to the engine besides the log. */
enum { BARE, WITH_RULES, FEW, STREAM, PATIENT }; /* FEW: nothing, and memory for few conversations; STREAM: nothing;
                                                    PATIENT: the same, and records may come as late as they like */

/* `claims` takes what is found while records are added. */
static flowlog_diagnosis *engine(const struct vpc_world *w, int given, struct claims *claims)
{
    flowlog_diagnosis_options options = {.struct_size = sizeof options};
    flowlog_diagnosis *d;
    flowlog_error err;
    options.flags = FLOWLOG_DIAGNOSE_ALL;
    if (given == FEW) options.max_conversations = 64;
    if (given == PATIENT) options.late = UINT32_C(1) << 30;
    if (given == STREAM || given == PATIENT) {
        options.flags |= FLOWLOG_DIAGNOSE_STREAM;
        options.report = take;
        options.ctx = claims;
    }
    cr_assert_eq(flowlog_diagnosis_new(&options, &d, &err), FLOWLOG_OK, "%s", err.message);
    /* That addresses outside the private ranges are the VPC's own, nobody can see from records. */
    const struct vpc_addr odd = vpc_ip("198.18.0.0");
    if (vpc_cidr_holds(&w->cidr, &odd)) {
        static const char context[] = "{\"vpc_cidrs\":[\"198.18.0.0/16\"]}";
        cr_assert_eq(flowlog_diagnosis_context(d, context, sizeof context - 1, &err), FLOWLOG_OK, "%s", err.message);
    }
    for (int what = 0; given == WITH_RULES && what < VPC_JSONS; what++) {
        struct vpc_text json = {0};
        vpc_json(w, what, VPC_ALWAYS - 1, &json); /* as they are when somebody looks: after the log */
        cr_assert_eq(flowlog_diagnosis_rules(d, json.p, json.n, &err), FLOWLOG_OK, "%s", err.message);
        vpc_text_free(&json);
    }
    return d;
}

static void feed(flowlog_diagnosis *d, int format, const char *text, size_t len)
{
    flowlog_source *source;
    flowlog_reader *reader;
    flowlog_format *layout;
    flowlog_error err;
    flowlog_reader_options options = FLOWLOG_READER_OPTIONS_INIT;
    cr_assert_eq(flowlog_format_parse(vpc_formats[format], strlen(vpc_formats[format]), NULL, &layout, &err),
                 FLOWLOG_OK);
    options.format = layout;
    options.fields = flowlog_diagnosis_fields(d);
    options.batch_rows = 100; /* what is over is looked for after each batch */
    cr_assert_eq(flowlog_source_memory(text, len, NULL, NULL, &source, &err), FLOWLOG_OK);
    cr_assert_eq(flowlog_reader_open(source, &options, &reader, &err), FLOWLOG_OK, "%s", err.message);
    const flowlog_batch *batch;
    flowlog_status st;
    while ((st = flowlog_reader_next(reader, &batch, &err)) == FLOWLOG_OK)
        cr_assert_eq(flowlog_diagnosis_add(d, batch, &err), FLOWLOG_OK, "%s", err.message);
    cr_assert_eq(st, FLOWLOG_END, "%s", err.message);
    cr_assert_eq(flowlog_reader_counters(reader)->malformed, 0);
    flowlog_reader_close(reader);
    flowlog_format_free(layout);
}

static void finish(flowlog_diagnosis *d, struct claims *c)
{
    flowlog_error err;
    c->truncated = flowlog_diagnosis_truncated(d);
    cr_assert_eq(flowlog_diagnosis_finish(d, take, c, &err), FLOWLOG_OK, "%s", err.message);
    flowlog_diagnosis_free(d);
    vpc_print(&c->text, "%s", "");
}

static struct claims ask(const struct vpc_world *w, const struct vpc_log_options *o, int given, const char *text,
                         size_t len)
{
    struct claims c = {.w = w};
    flowlog_diagnosis *d = engine(w, given, &c);
    feed(d, o->format, text, len);
    finish(d, &c);
    return c;
}

/* --- the records that show it ------------------------------------------------------------------------------ */

/* 1: the line is of the conversation of the claim, at whichever interface. */
static int is_of(const char *line, const struct vpc_claim *c)
{
    char a[VPC_ADDR_TEXT], b[VPC_ADDR_TEXT], key[2][160];
    vpc_addr_text(&c->client.addr, a);
    vpc_addr_text(&c->server.addr, b);
    snprintf(key[0], sizeof key[0], " %u %u %u ", c->client.port, c->server.port, c->proto);
    snprintf(key[1], sizeof key[1], " %u %u %u ", c->server.port, c->client.port, c->proto);
    const char *end = strchr(line, '\n');
    char copy[1024] = " ";
    snprintf(copy + 1, sizeof copy - 1, "%.*s ", (int)(end - line), line);
    if (!strstr(copy, key[0]) && !strstr(copy, key[1])) return 0;
    snprintf(key[0], sizeof key[0], " %s ", a);
    snprintf(key[1], sizeof key[1], " %s ", b);
    return strstr(copy, key[0]) && strstr(copy, key[1]);
}

static int still_claims(const struct vpc_world *w, const struct vpc_log_options *o, int given,
                        const struct vpc_claim *c, const char *const *lines, const uint8_t *keep, size_t n)
{
    struct vpc_text t = {0};
    for (size_t i = 0; i < n; i++)
        if (keep[i]) vpc_print(&t, "%.*s\n", (int)strcspn(lines[i], "\n"), lines[i]);
    struct claims got = ask(w, o, given, t.p ? t.p : "", t.n);
    int found = 0;
    for (size_t i = 0; i < got.n && !found; i++) {
        const struct vpc_claim *x = &got.p[i];
        found = x->path == c->path && x->iface == c->iface && x->verdict == c->verdict && x->layer == c->layer &&
                x->confidence == c->confidence && x->direction == c->direction && x->client.port == c->client.port &&
                x->server.port == c->server.port && vpc_addr_same(&x->client.addr, &c->client.addr) &&
                vpc_addr_same(&x->server.addr, &c->server.addr);
    }
    claims_free(&got);
    vpc_text_free(&t);
    return found;
}

/* The claim's own lines, and as few others as it needs. */
static void print_records(const struct vpc_world *w, const struct vpc_log_options *o, int given,
                          const struct vpc_claim *c, const struct vpc_log *log)
{
    size_t n = 0;
    const char **lines = calloc(log->records + log->nodata + log->skipdata + 1, sizeof *lines);
    for (const char *p = log->text.p; *p; p = strchr(p, '\n') + 1) lines[n++] = p;
    uint8_t *keep = malloc(n + 1);
    memset(keep, 1, n);
    for (size_t step = n / 2 + 1; step; step = step > 8 ? step / 3 : step - 1)
        for (size_t at = 0; at < n; at += step) {
            uint8_t *before = malloc(n);
            memcpy(before, keep, n);
            int any = 0;
            for (size_t i = at; i < n && i < at + step; i++)
                if (keep[i] && !is_of(lines[i], c)) keep[i] = 0, any = 1;
            if (any && !still_claims(w, o, given, c, lines, keep, n)) memcpy(keep, before, n);
            free(before);
        }
    fprintf(stderr, "  %s\n", vpc_formats[o->format]);
    for (size_t i = 0; i < n; i++)
        if (keep[i]) fprintf(stderr, "  %.*s\n", (int)strcspn(lines[i], "\n"), lines[i]);
    free(keep);
    free(lines);
}

/* --- judging ----------------------------------------------------------------------------------------------- */

struct tally {
    unsigned worlds, claims, high, wrong, twins, truncated, printed;
};
enum { PRINT_MAX = 6 }; /* reproductions of one test */
static unsigned print_max(void)
{
    const char *text = getenv("FLOWLOG_VPC_PRINT");
    return text ? (unsigned)atoi(text) : PRINT_MAX;
}

static void report(const struct vpc_world *w, uint64_t seed, const struct vpc_log_options *o, int given,
                   const struct vpc_claim *c, const char *why, const struct vpc_log *log, struct tally *t)
{
    char a[VPC_ADDR_TEXT], b[VPC_ADDR_TEXT];
    fprintf(stderr,
            "seed %" PRIu64 ", version %d, %d s, times %d, lose %d%s%s%s: at %s %s%s %u %s:%u -> %s:%u "
            "%s/%s %s %s %s, rule %u\n  but %s\n",
            seed, (int[]){2, 3, 5}[o->format], o->interval_s, o->times, o->lose, o->marked ? " marked" : "",
            o->from || o->to ? ", cut" : "", (const char *[]){"", ", rules", ", few", ", streaming", ", patient"}[given],
            c->iface < 0 ? "-" : w->iface[c->iface].id, c->path ? "path " : "", "proto", c->proto,
            vpc_addr_text(&c->client.addr, a), c->client.port, vpc_addr_text(&c->server.addr, b), c->server.port,
            c->verdict, c->layer, c->direction, c->phase, c->confidence, c->rule, why);
    if (t->printed++ < print_max()) print_records(w, o, given, c, log);
}

/* Two hosts that ping each other as often, and both in vain, leave the records of AWS's own example, in which the
   network ACL refuses the answers: accepted one way, as many refused the other way.  ICMP has no ports and no
   record its type, so nobody can tell.  Where intervals are lost, as many may be left. */
static int is_twin(const struct vpc_world *w, const struct vpc_log_options *o, const struct vpc_claim *c)
{
    if ((c->proto != VPC_ICMP && c->proto != VPC_ICMP6) || strncmp(c->verdict, "BLOCKED_REPLY_", 14)) return 0;
    uint64_t accepted = 0, refused = 0;
    for (size_t i = 0; i < w->views; i++) {
        const struct vpc_view *v = &w->view[i];
        const struct vpc_side *s = &v->side[v->request_in ? VPC_RR : VPC_RA];
        const struct vpc_addr *peer = v->request_in ? &v->client.addr : &v->server.addr;
        if (v->iface != c->iface || w->talk[v->talk].proto != c->proto || !s->packets) continue;
        if (s->first / 1000 > c->last + 60 || s->last / 1000 < c->first - 60) continue;
        if (!vpc_addr_same(peer, &c->client.addr) && !vpc_addr_same(peer, &c->server.addr)) continue;
        if (v->request_in) refused += s->packets;
        else accepted += s->packets;
    }
    return accepted && (o->lose ? refused != 0 : accepted == refused);
}

/* Every finding of high confidence must be true. */
static void judge(const struct vpc_world *w, uint64_t seed, const struct vpc_log_options *o, int given,
                  const struct claims *c, const struct vpc_log *log, struct tally *t)
{
    char why[512];
    t->worlds++;
    t->truncated += (unsigned)c->truncated;
    for (size_t i = 0; i < c->n; i++) {
        t->claims++;
        if (strcmp(c->p[i].confidence, "high")) continue;
        t->high++;
        if (!vpc_false(w, o, &c->p[i], why, sizeof why)) continue;
        if (is_twin(w, o, &c->p[i])) {
            t->twins++;
            continue;
        }
        t->wrong++;
        report(w, seed, o, given, &c->p[i], why, log, t);
    }
}

/* How a world is logged. */
static struct vpc_log_options logged(uint64_t seed)
{
    return (struct vpc_log_options){.format = (int)(seed % VPC_FORMATS), .interval_s = seed / 3 % 3 ? 60 : 600,
                                    .times = (int)(seed / 5 % 3), .order = (int)(seed / 7 % 3), .nodata = seed % 4 != 0,
                                    .seed = seed};
}

static void show(const char *what, const struct tally *t)
{
    fprintf(stderr, "%s: %u logs, %u findings, %u of high confidence, %u of them false, %u twin pings, %u given up\n", what, t->worlds,
            t->claims, t->high, t->wrong, t->twins, t->truncated);
}

typedef void vary(uint64_t seed, const struct vpc_world *w, struct vpc_log_options *o);

static void judge_all(const char *what, int given, vary *how)
{
    uint64_t from, to;
    struct tally t = {0};
    seeds(&from, &to);
    for (uint64_t seed = from; seed <= to; seed++) {
        struct vpc_world *w = vpc_make(seed);
        struct vpc_log_options o = logged(seed);
        struct vpc_log log;
        /* Rules of today say nothing certain of what happened under those of yesterday. */
        if (given != WITH_RULES || !w->changed) {
            how(seed, w, &o);
            vpc_log_write(w, &o, &log);
            struct claims c = ask(w, &o, given, log.text.p, log.text.n);
            judge(w, seed, &o, given, &c, &log, &t);
            claims_free(&c);
            vpc_log_free(&log);
        }
        vpc_free(w);
    }
    show(what, &t);
    cr_expect_eq(t.wrong, 0, "%s: %u false findings of high confidence", what, t.wrong);
}

static void whole(uint64_t seed, const struct vpc_world *w, struct vpc_log_options *o) { (void)seed, (void)w, (void)o; }

/* As files come, so that what is given up is old. */
static void sorted(uint64_t seed, const struct vpc_world *w, struct vpc_log_options *o)
{
    (void)seed, (void)w;
    o->order = VPC_NEARLY;
}

static void stream_lossy(uint64_t seed, const struct vpc_world *w, struct vpc_log_options *o)
{
    (void)seed, (void)w;
    o->order = VPC_NEARLY;
    o->lose = 100;
    o->marked = seed % 2 != 0;
}

static void lossy_marked(uint64_t seed, const struct vpc_world *w, struct vpc_log_options *o)
{
    (void)seed, (void)w;
    o->lose = 100;
    o->marked = 1;
}

static void lossy(uint64_t seed, const struct vpc_world *w, struct vpc_log_options *o)
{
    (void)seed, (void)w;
    o->lose = 100;
}

static void cut(uint64_t seed, const struct vpc_world *w, struct vpc_log_options *o)
{
    const int64_t at = w->talk[seed % w->talks].at, other = w->talk[seed * 7 % w->talks].at;
    o->from = (at < other ? at : other) + 5000;
    o->to = (at < other ? other : at) + 1800000;
}

Test(diagnose_vpc, no_finding_of_high_confidence_is_false) { judge_all("whole", BARE, whole); }
Test(diagnose_vpc, nor_with_the_rules_supplied) { judge_all("whole, rules", WITH_RULES, whole); }
Test(diagnose_vpc, nor_with_a_tenth_of_the_intervals_skipped) { judge_all("SKIPDATA", BARE, lossy_marked); }
Test(diagnose_vpc, nor_with_a_tenth_of_the_intervals_lost) { judge_all("lost", BARE, lossy); }
Test(diagnose_vpc, nor_with_both_and_the_rules) { judge_all("lost, rules", WITH_RULES, lossy); }
Test(diagnose_vpc, nor_in_a_log_that_is_cut_off) { judge_all("cut", BARE, cut); }

Test(diagnose_vpc, nor_with_memory_for_few_conversations) { judge_all("few", FEW, sorted); }
Test(diagnose_vpc, nor_while_records_still_come) { judge_all("streaming", STREAM, sorted); }
Test(diagnose_vpc, nor_while_records_still_come_and_some_are_lost)
{
    judge_all("streaming, lost", STREAM, stream_lossy);
}

/* --- what is refused is found -------------------------------------------------------------------------------- */

struct found {
    unsigned all[VPC_CASES], found[VPC_CASES];
    unsigned blind, blind_found;           /* the format cannot tell the direction */
    unsigned odd, odd_found;               /* without flags, ports say that the client is the server */
    unsigned layers, layers_right, rules, rules_right;
};

static const char *cause_name(uint8_t causes)
{
    return causes == 1 << VPC_BY_GROUP  ? "SG"
           : causes == 1 << VPC_BY_ACL  ? "NACL"
           : causes == 1 << VPC_BY_BOTH ? "SG_AND_NACL"
                                        : "";
}

/* The peer has a private address of no interface that is known, and a rule for this traffic names a group: the peer
   may be a member, as far as the rules say. */
static int names_a_group(const struct vpc_world *w, const struct vpc_view *v)
{
    const struct vpc_iface *iface = &w->iface[v->iface];
    const struct vpc_talk *t = &w->talk[v->talk];
    const struct vpc_addr *peer = v->request_in ? &v->client.addr : &v->server.addr;
    if (w->host[v->request_in ? t->client : t->server].iface >= 0 || peer->b[0] != 192) return 0;
    for (int g = 0; g < iface->groups; g++) {
        const struct vpc_group *group = &w->group[iface->group[g]];
        for (int i = 0; i < group->n; i++) {
            const struct vpc_group_rule *r = &group->rule[i];
            if (r->group >= 0 && r->egress != v->request_in && r->proto == t->proto && t->server_port >= r->from &&
                t->server_port <= r->to)
                return 1;
        }
    }
    return 0;
}

static void look_for(const struct vpc_world *w, uint64_t seed, const struct vpc_log_options *o, int given,
                     const struct claims *claims, struct found *f, unsigned *printed)
{
    struct vpc_case *cases;
    const size_t n = vpc_cases(w, o, &cases);
    for (size_t i = 0; i < n; i++) {
        const struct vpc_case *c = &cases[i];
        const struct vpc_view *v = &w->view[c->view];
        const struct vpc_claim *best = NULL;
        const int found = vpc_found(w, o, c, claims->p, claims->n, &best);
        if (c->odd_ports && (o->format == VPC_V2 || w->talk[v->talk].proto == VPC_UDP)) {
            f->odd++;
            f->odd_found += (unsigned)found;
            continue;
        }
        if (c->blind && o->format != VPC_V5 && given == BARE) {
            f->blind++;
            f->blind_found += (unsigned)found;
            continue;
        }
        f->all[c->kind]++;
        f->found[c->kind] += (unsigned)found;
        if (!found && c->kind <= VPC_CASE_REPLY && (*printed)++ < 40) {
            char a[VPC_ADDR_TEXT], b[VPC_ADDR_TEXT];
            fprintf(stderr, "seed %" PRIu64 ", version %d%s: not found at %s: proto %u %s:%u -> %s:%u, %s refused\n", seed,
                    (int[]){2, 3, 5}[o->format], given ? ", rules" : "", w->iface[v->iface].id, w->talk[v->talk].proto,
                    vpc_addr_text(&v->client.addr, a), v->client.port, vpc_addr_text(&v->server.addr, b),
                    v->server.port,
                    c->kind == VPC_CASE_REPLY ? "reply" : "request");
            for (size_t k = 0; k < claims->n; k++) {
                const struct vpc_claim *x = &claims->p[k];
                if (x->iface == v->iface && x->proto == w->talk[v->talk].proto &&
                    (x->client.port == v->client.port || x->server.port == v->client.port))
                    fprintf(stderr, "    %s:%u %s/%s %s %s %s\n", vpc_addr_text(&x->client.addr, a), x->client.port,
                            x->verdict,
                            x->layer, x->direction, x->phase, x->confidence);
            }
        }
        if (!found || given == BARE || c->kind > VPC_CASE_REPLY || !*cause_name(c->causes)) continue;
        if (c->kind == VPC_CASE_REQUEST && names_a_group(w, v)) continue;
        const char *layer = c->kind == VPC_CASE_REPLY ? "NACL" : cause_name(c->causes);
        f->layers++;
        if (!strcmp(layer, best->layer)) f->layers_right++;
        else
            fprintf(stderr, "seed %" PRIu64 ": layer %s, not %s: proto %u port %u\n", seed, best->layer, layer, best->proto,
                    best->server.port);
        if (!c->rule) continue;
        f->rules++;
        if (best->rule == c->rule) f->rules_right++;
        else
            fprintf(stderr, "seed %" PRIu64 ": rule %u, not %u: proto %u port %u\n", seed, best->rule, c->rule, best->proto,
                    best->server.port);
    }
    free(cases);
}

static void look_all(int format, int given, struct found *f)
{
    uint64_t from, to;
    unsigned printed = 0;
    seeds(&from, &to);
    for (uint64_t seed = from; seed <= to; seed++) {
        struct vpc_world *w = vpc_make(seed);
        struct vpc_log_options o = logged(seed);
        struct vpc_log log;
        o.format = format;
        if (given == BARE || !w->changed) {
            vpc_log_write(w, &o, &log);
            struct claims c = ask(w, &o, given, log.text.p, log.text.n);
            look_for(w, seed, &o, given, &c, f, &printed);
            claims_free(&c);
            vpc_log_free(&log);
        }
        vpc_free(w);
    }
    static const char *const kinds[VPC_CASES] = {"requests", "replies", "changed", "mixed"};
    fprintf(stderr, "version %d%s:", (int[]){2, 3, 5}[format], given ? ", rules" : "");
    for (int k = 0; k < VPC_CASES; k++) fprintf(stderr, " %s %u of %u,", kinds[k], f->found[k], f->all[k]);
    fprintf(stderr, " of those without a direction %u of %u, with odd ports %u of %u", f->blind_found, f->blind,
            f->odd_found, f->odd);
    if (given) fprintf(stderr, "; layer %u of %u, rule %u of %u", f->layers_right, f->layers, f->rules_right, f->rules);
    fprintf(stderr, "\n");
}

static void expect_99_percent(const struct found *f)
{
    for (int k = 0; k <= VPC_CASE_REPLY; k++) {
        cr_expect_gt(f->all[k], 50);
        cr_expect_geq(f->found[k] * 100, f->all[k] * 99, "kind %d: %u of %u", k, f->found[k], f->all[k]);
    }
}

Test(diagnose_vpc, refused_conversations_are_found_in_the_default_format)
{
    struct found f = {0};
    look_all(VPC_V2, BARE, &f);
    expect_99_percent(&f);
}

Test(diagnose_vpc, and_with_flags_and_with_flow_direction)
{
    for (int format = VPC_V3; format <= VPC_V5; format++) {
        struct found f = {0};
        look_all(format, BARE, &f);
        expect_99_percent(&f);
    }
}

Test(diagnose_vpc, with_the_rules_the_layer_and_the_entry_are_exact)
{
    for (int format = VPC_V2; format < VPC_FORMATS; format++) {
        struct found f = {0};
        look_all(format, WITH_RULES, &f);
        expect_99_percent(&f);
        cr_expect_eq(f.layers_right, f.layers);
        cr_expect_eq(f.rules_right, f.rules);
        cr_expect_gt(f.rules, 50);
    }
}

/* --- whichever way the records come -------------------------------------------------------------------------- */

/* 1: the same; else the first line that differs is printed. */
static int same(const struct claims *a, const struct claims *b)
{
    const char *x = a->text.p, *y = b->text.p;
    while (*x || *y) {
        const size_t n = strcspn(x, "\n"), m = strcspn(y, "\n");
        if (n != m || memcmp(x, y, n)) {
            fprintf(stderr, "  %.*s\n  %.*s\n", (int)n, x, (int)m, y);
            return 0;
        }
        x += n + (x[n] != '\0');
        y += m + (y[m] != '\0');
    }
    return 1;
}

Test(diagnose_vpc, order_and_splitting_change_nothing)
{
    uint64_t from, to;
    seeds(&from, &to);
    for (uint64_t seed = from; seed <= to; seed += 4) {
        struct vpc_world *w = vpc_make(seed);
        struct vpc_log_options o = logged(seed);
        struct vpc_log sorted, shuffled;
        o.lose = seed / 4 % 2 ? 100 : 0;
        o.marked = 1;
        o.order = VPC_SORTED;
        vpc_log_write(w, &o, &sorted);
        o.order = VPC_SHUFFLED;
        vpc_log_write(w, &o, &shuffled);
        struct claims a = ask(w, &o, BARE, sorted.text.p, sorted.text.n);
        struct claims b = ask(w, &o, BARE, shuffled.text.p, shuffled.text.n);
        cr_expect(same(&a, &b), "seed %" PRIu64 ": shuffled", seed);
        claims_free(&b);

        /* Three engines, the first two thirds of them in the other order. */
        size_t cut1 = shuffled.text.n / 3, cut2 = cut1 * 2;
        while (cut1 && shuffled.text.p[cut1 - 1] != '\n') cut1--;
        while (cut2 && shuffled.text.p[cut2 - 1] != '\n') cut2--;
        flowlog_diagnosis *x = engine(w, BARE, NULL), *y = engine(w, BARE, NULL), *z = engine(w, BARE, NULL);
        flowlog_error err;
        feed(x, o.format, shuffled.text.p + cut1, cut2 - cut1);
        feed(y, o.format, shuffled.text.p, cut1);
        feed(z, o.format, shuffled.text.p + cut2, shuffled.text.n - cut2);
        cr_assert_eq(flowlog_diagnosis_merge(y, z, &err), FLOWLOG_OK);
        cr_assert_eq(flowlog_diagnosis_merge(x, y, &err), FLOWLOG_OK);
        flowlog_diagnosis_free(y);
        flowlog_diagnosis_free(z);
        b = (struct claims){.w = w};
        finish(x, &b);
        cr_expect(same(&a, &b), "seed %" PRIu64 ": merged", seed);
        claims_free(&a);
        claims_free(&b);
        vpc_log_free(&sorted);
        vpc_log_free(&shuffled);
        vpc_free(w);
    }
}

/* --- while records still come ------------------------------------------------------------------------------- */

static int compare_lines(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

/* The lines of a text in order; free() the list.  The text is cut up. */
static char **lines_of(struct vpc_text *t, size_t *n)
{
    char **list = calloc(t->n + 1, sizeof *list);
    cr_assert(list);
    *n = 0;
    for (char *p = t->p; *p; p += strlen(p) + 1) {
        list[(*n)++] = p;
        p[strcspn(p, "\n")] = '\0';
    }
    qsort(list, *n, sizeof *list, compare_lines);
    return list;
}

/* How many lines of `a` are in `b` too, each once.  Both are cut up. */
static size_t in_both(struct vpc_text *a, struct vpc_text *b, uint64_t seed, size_t *all)
{
    size_t n, m, k = 0, same_ones = 0;
    char **x = lines_of(a, &n), **y = lines_of(b, &m);
    for (size_t i = 0; i < n; i++) {
        while (k < m && strcmp(y[k], x[i]) < 0) k++;
        if (k < m && !strcmp(y[k], x[i])) same_ones++, k++;
        else if (getenv("FLOWLOG_VPC_SHOW")) fprintf(stderr, "seed %" PRIu64 ": %s\n", seed, x[i]);
    }
    *all += n;
    free(x);
    free(y);
    return same_ones;
}

/* What streaming finds otherwise are conversations that pause for hours, and what is not known yet by then: which
   address the interface has, and who has many peers. */
Test(diagnose_vpc, streaming_finds_what_waiting_does)
{
    uint64_t from, to;
    size_t all = 0, same_ones = 0;
    seeds(&from, &to);
    for (uint64_t seed = from; seed <= to; seed++) {
        struct vpc_world *w = vpc_make(seed);
        struct vpc_log_options o = logged(seed);
        struct vpc_log log;
        o.order = VPC_SORTED;
        vpc_log_write(w, &o, &log);
        struct claims a = ask(w, &o, BARE, log.text.p, log.text.n), b = ask(w, &o, STREAM, log.text.p, log.text.n),
                      c = ask(w, &o, PATIENT, log.text.p, log.text.n);
        cr_expect(same(&a, &c), "seed %" PRIu64 ": nothing was over, and yet it differs", seed);
        same_ones += in_both(&a.text, &b.text, seed, &all);
        claims_free(&a);
        claims_free(&b);
        claims_free(&c);
        vpc_log_free(&log);
        vpc_free(w);
    }
    fprintf(stderr, "streaming: %zu of %zu findings are those of waiting\n", same_ones, all);
    cr_expect_geq(same_ones * 1000, all * 995);
}
