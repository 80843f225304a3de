/* SPDX-License-Identifier: MIT */
/*
 * report.c - see report.h.
 *
 * Every episode is judged once to see what is to be delivered.  What is chosen is kept as a reference, sorted, and
 * judged again when its turn comes: a verdict is cheaper than its memory.
 */
#include "analyze/report.h"

#include <string.h>

#include "analyze/explain.h"
#include "analyze/rules_group.h"
#include "analyze/sort.h"
#include "core/error.h"

struct ref {
    uint32_t place;
    uint32_t eni; /* where it fails, for the order */
    uint8_t episode, kind, verdict, layer;
    uint8_t way, client_is_b, badness, confidence;
    uint32_t last;
};

struct report {
    flowlog_diagnosis *d;
    struct fl_view view;
    flowlog_finding_fn fn;
    void *ctx;
    struct ref *ref;
    uint32_t *index;
    size_t ref_cap;
    uint32_t refs;
    uint32_t *rank; /* [1 + interfaces] their places in the order of names */
    struct ref best; /* the answer */
    uint64_t matches;
    flowlog_evidence line[FL_LINES_MAX];
    struct fl_explained explained; /* of the finding made last */
    struct fl_rule_group group;    /* changes of one group */
    struct group_text *text;       /* their memory; NULL: there are no rules, or no groups */
    char row[FL_RULE_CHANGES_MAX * FL_RULE_ROW_MAX];
    char command[FL_RULE_CHANGES_MAX * FL_RULE_COMMAND_MAX];
};

struct group_text {
    struct fl_rule_change change[FL_RULE_GROUP_MAX];
    char row[8192], command[16384];
};

/* --- what is to be delivered ------------------------------------------------------------------------------- */

/* How much a verdict says to "why does it not work": of several the largest is the answer. */
static uint8_t badness_of(unsigned verdict)
{
    switch (verdict) {
    case FLOWLOG_VERDICT_STRAY:
    case FLOWLOG_VERDICT_UNSOLICITED_NAT:
    case FLOWLOG_VERDICT_TRANSIT: return 1;
    case FLOWLOG_VERDICT_INSUFFICIENT_DATA: return 2;
    case FLOWLOG_VERDICT_OK:
    case FLOWLOG_VERDICT_ONE_WAY: return 3;
    case FLOWLOG_VERDICT_ASYMMETRIC:
    case FLOWLOG_VERDICT_CONFIG_MISMATCH: return 4;
    case FLOWLOG_VERDICT_RULE_CHANGE: return 5;
    case FLOWLOG_VERDICT_REFUSED:
    case FLOWLOG_VERDICT_NO_REPLY:
    case FLOWLOG_VERDICT_NOT_DELIVERED: return 6;
    default: return 7;
    }
}

static int end_matches(const flowlog_diagnosis *d, const struct fl_look *l, int server_end, const flowlog_addr *wanted)
{
    if (!wanted->family) return 1;
    const flowlog_addr have = flowlog__diagnosis_addr(d, fl_look_addr(l, server_end), fl_look_v6(l, server_end));
    return !flowlog_addr_compare(&have, wanted);
}

static int matches(const flowlog_diagnosis *d, const struct fl_look *l)
{
    const struct fl_told *t = &d->told;
    if (!t->asks) return 1;
    struct fl_look turned = *l;
    turned.roles.client_is_b = !turned.roles.client_is_b;
    for (int turn = 0; turn <= (l->roles.strength == FL_ROLE_UNKNOWN); turn++) {
        const struct fl_look *k = turn ? &turned : l;
        if (end_matches(d, k, 0, &t->client) && end_matches(d, k, 1, &t->server) &&
            (!t->port || t->port == fl_look_port(k, 1)))
            return 1;
    }
    return 0;
}

static int is_wanted(const struct report *r, unsigned verdict)
{
    return (r->d->flags & FLOWLOG_DIAGNOSE_ALL) || !flowlog__verdict_is_fine(verdict);
}

/* Of two that match, the one to answer with: the worse, the surer, the path, the later. */
static void consider(struct report *r, const struct ref *ref)
{
    const struct ref *b = &r->best;
    if (r->matches++) {
        if (ref->badness != b->badness) {
            if (ref->badness < b->badness) return;
        } else if (ref->kind != b->kind) {
            if (ref->kind < b->kind) return;
        } else if (ref->confidence != b->confidence) {
            if (ref->confidence < b->confidence) return;
        } else if (ref->last < b->last) {
            return;
        }
    }
    r->best = *ref;
}

static flowlog_status add_ref(struct report *r, const struct ref *ref)
{
    if (r->d->told.asks) consider(r, ref);
    if (!is_wanted(r, ref->verdict)) return FLOWLOG_OK;
    if (r->refs == r->ref_cap) {
        const size_t cap = r->ref_cap ? r->ref_cap * 2 : 256;
        if (cap > UINT32_MAX / 2) return FLOWLOG_E_LIMIT;
        struct ref *p = flowlog__resize(&r->d->alloc, r->ref, r->ref_cap * sizeof *p, cap * sizeof *p);
        if (!p) return FLOWLOG_E_MEMORY;
        r->ref = p;
        r->ref_cap = cap;
    }
    r->ref[r->refs++] = *ref;
    return FLOWLOG_OK;
}

static struct ref make_ref(const struct fl_look *l, uint32_t place, uint32_t episode, unsigned kind,
                           const struct fl_verdict *v, uint32_t eni)
{
    const struct ref ref = {place, eni, (uint8_t)episode, (uint8_t)kind, v->verdict, v->layer, v->way,
                            l->roles.client_is_b, badness_of(v->verdict), v->confidence, l->e->last};
    return ref;
}

static flowlog_status judge(struct report *r, uint32_t place)
{
    const struct fl_conversation *c = fl_conversation_at(&r->d->table, place);
    struct fl_episode episode[FL_SEGMENTS_MAX];
    const uint32_t n = flowlog__episodes(&r->d->table, c, r->view.window, episode);
    for (uint32_t i = 0; i < n; i++) {
        struct fl_look look;
        struct fl_case facts;
        struct fl_verdict v;
        struct fl_path path;
        flowlog__view_look(&r->view, c, &episode[i], &look);
        if (!matches(r->d, &look)) continue;
        flowlog__view_case(&r->view, &look, &facts);
        flowlog__verdict(&facts, &v);
        struct fl_explained explained;
        int has_path;
        FL_TRY(flowlog__path(&r->view, &look, &path, &has_path));
        flowlog__explain(&r->view, &look, fl_key_interface(&c->key), &v, &explained);
        if (has_path) flowlog__explain(&r->view, &look, path.at, &path.v, &explained);
        const int superseded = has_path && v.verdict == FLOWLOG_VERDICT_NO_REPLY;
        struct ref ref = make_ref(&look, place, i, FLOWLOG_FINDING_DIAGNOSIS, &v, fl_key_interface(&c->key));
        if (!superseded || !(r->d->flags & FLOWLOG_DIAGNOSE_GROUPED)) FL_TRY(add_ref(r, &ref));
        if (!has_path) continue;
        ref = make_ref(&look, place, i, FLOWLOG_FINDING_PATH, &path.v, path.at);
        FL_TRY(add_ref(r, &ref));
    }
    return FLOWLOG_OK;
}

static flowlog_status judge_all(struct report *r, uint32_t horizon)
{
    enum { AHEAD = 8 /* conversations between fetching and use */ };
    const uint32_t count = r->d->table.pool.count;
    for (uint32_t i = 0; i < count; i++) {
        const struct fl_conversation *c = fl_conversation_at(&r->d->table, i);
        if (i + AHEAD < count) flowlog__view_fetch(&r->view, fl_conversation_at(&r->d->table, i + AHEAD));
        if ((c->state & (FL_CONVERSATION_GONE | FL_CONVERSATION_REPORTED)) || !c->used || c->last >= horizon) continue;
        FL_TRY(judge(r, i));
    }
    return FLOWLOG_OK;
}

/* --- the order --------------------------------------------------------------------------------------------- */

#define COMPARE(a, b) \
    do { \
        if ((a) != (b)) return (a) < (b) ? -1 : 1; \
    } while (0)

struct seen_end {
    flowlog_addr addr;
    uint32_t port;
};

static struct seen_end end_of(const flowlog_diagnosis *d, const struct ref *ref, int server_end)
{
    const struct fl_conversation_key *k = &fl_conversation_at(&d->table, ref->place)->key;
    const int a = (ref->client_is_b != 0) == (server_end != 0);
    const struct seen_end e = {flowlog__diagnosis_addr(d, a ? k->a : k->b, a ? fl_key_a6(k) : fl_key_b6(k)),
                               a ? k->ports >> 16 : k->ports & 0xFFFF};
    return e;
}

/* Up to the server: what grouped findings have in common. */
static int compare_groups(const struct report *r, const struct ref *x, const struct ref *y)
{
    COMPARE(x->kind, y->kind);
    COMPARE(r->rank[x->eni], r->rank[y->eni]);
    const struct seen_end sx = end_of(r->d, x, 1), sy = end_of(r->d, y, 1);
    const int c = flowlog_addr_compare(&sx.addr, &sy.addr);
    if (c) return c;
    COMPARE(sx.port, sy.port);
    const unsigned px = fl_key_proto(&fl_conversation_at(&r->d->table, x->place)->key);
    const unsigned py = fl_key_proto(&fl_conversation_at(&r->d->table, y->place)->key);
    COMPARE(px, py);
    if (!(r->d->flags & FLOWLOG_DIAGNOSE_GROUPED)) return 0;
    COMPARE(x->verdict, y->verdict);
    COMPARE(x->layer, y->layer);
    COMPARE(x->way, y->way);
    return 0;
}

static int compare_refs(const void *things, uint32_t a, uint32_t b)
{
    const struct report *r = things;
    const struct ref *x = &r->ref[a], *y = &r->ref[b];
    int c = compare_groups(r, x, y);
    if (c) return c;
    const struct seen_end cx = end_of(r->d, x, 0), cy = end_of(r->d, y, 0);
    c = flowlog_addr_compare(&cx.addr, &cy.addr);
    if (c) return c;
    COMPARE(cx.port, cy.port);
    COMPARE(x->episode, y->episode);
    COMPARE(x->last, y->last);
    COMPARE(x->verdict, y->verdict);
    return x->place < y->place ? -1 : x->place > y->place;
}

static int compare_names(const void *things, uint32_t a, uint32_t b)
{
    const struct fl_intern *names = things;
    const flowlog_str x = fl_intern_text(names, a), y = fl_intern_text(names, b);
    const int c = memcmp(x.ptr, y.ptr, x.len < y.len ? x.len : y.len);
    return c ? c : x.len < y.len ? -1 : x.len > y.len;
}

static flowlog_status rank_interfaces(struct report *r)
{
    const uint32_t n = r->d->names.count;
    uint32_t *order = flowlog__alloc_array(&r->d->alloc, (size_t)n + 1, sizeof *order);
    r->rank = flowlog__alloc_array(&r->d->alloc, (size_t)n + 1, sizeof *r->rank);
    if (order && r->rank) {
        for (uint32_t i = 0; i < n; i++) order[i] = i + 1;
        flowlog__sort(order, n, compare_names, &r->d->names);
        r->rank[0] = 0;
        for (uint32_t i = 0; i < n; i++) r->rank[order[i]] = i + 1;
    }
    const int done = order && r->rank;
    if (order) flowlog__release(&r->d->alloc, order, ((size_t)n + 1) * sizeof *order);
    return done ? FLOWLOG_OK : FLOWLOG_E_MEMORY;
}

static flowlog_status put_in_order(struct report *r)
{
    FL_TRY(rank_interfaces(r));
    if (!r->refs) return FLOWLOG_OK;
    r->index = flowlog__alloc_array(&r->d->alloc, r->refs, sizeof *r->index);
    if (!r->index) return FLOWLOG_E_MEMORY;
    for (uint32_t i = 0; i < r->refs; i++) r->index[i] = i;
    flowlog__sort(r->index, r->refs, compare_refs, r);
    return FLOWLOG_OK;
}

/* --- delivery ---------------------------------------------------------------------------------------------- */

static void add_lines(struct report *r, const struct ref *ref, const struct fl_episode *e, flowlog_finding *f)
{
    const flowlog_diagnosis *d = r->d;
    f->lines = r->line;
    if (!d->evidence || ref->place >= d->line_cap) return;
    const struct fl_line *line = d->line + (size_t)ref->place * d->evidence;
    for (uint32_t i = 0; i < d->evidence && line[i].len; i++) {
        if (line[i].first < e->first || line[i].first > e->last) continue;
        flowlog_evidence *out = &r->line[f->line_count++];
        memset(out, 0, sizeof *out);
        out->file = line[i].file;
        out->line = line[i].line;
        out->text.ptr = d->line_text + line[i].at;
        out->text.len = line[i].len;
    }
}

/* The finding of a reference, whole. */
static void make_finding(struct report *r, const struct ref *ref, flowlog_finding *f)
{
    const struct fl_conversation *c = fl_conversation_at(&r->d->table, ref->place);
    struct fl_episode episode[FL_SEGMENTS_MAX];
    struct fl_look look;
    struct fl_case facts;
    struct fl_verdict v;
    struct fl_path path;
    flowlog__episodes(&r->d->table, c, r->view.window, episode);
    flowlog__view_look(&r->view, c, &episode[ref->episode], &look);
    flowlog__view_case(&r->view, &look, &facts);
    flowlog__verdict(&facts, &v);
    struct fl_explained *explained = &r->explained;
    int has_path = 0;
    (void)flowlog__path(&r->view, &look, &path, &has_path); /* what it needs was made when all were judged */
    if (ref->kind == FLOWLOG_FINDING_PATH && has_path) {
        flowlog__explain(&r->view, &look, path.at, &path.v, explained);
        flowlog__finding_fill(&r->view, &look, &path.v, path.at, f);
        f->other_eni = fl_interface_name(r->d, path.other);
    } else {
        flowlog__explain(&r->view, &look, fl_key_interface(&c->key), &v, explained);
        flowlog__finding_fill(&r->view, &look, &v, fl_key_interface(&c->key), f);
        f->superseded = has_path && v.verdict == FLOWLOG_VERDICT_NO_REPLY;
    }
    flowlog__explain_fill(&r->view, explained, r->row, sizeof r->row, r->command, sizeof r->command, f);
    f->kind = ref->kind;
    add_lines(r, ref, look.e, f);
}

static void add_side(flowlog_side *to, const flowlog_side *s)
{
    if (!s->records) return;
    if (!to->records || s->first < to->first) to->first = s->first;
    if (!to->records || s->last > to->last) to->last = s->last;
    to->packets = to->packets > UINT64_MAX - s->packets ? UINT64_MAX : to->packets + s->packets;
    to->bytes = to->bytes > UINT64_MAX - s->bytes ? UINT64_MAX : to->bytes + s->bytes;
    to->records = to->records > UINT32_MAX - s->records ? UINT32_MAX : to->records + s->records;
    to->tcp_flags |= s->tcp_flags;
}

/* What would let this one through, beside the others of its group. */
static void add_changes(struct report *r)
{
    struct fl_rule_change change[FL_RULE_CHANGES_MAX];
    if (!r->text || !r->explained.asked) return;
    const size_t n = flowlog__rules_changes(r->d->rules, &r->explained.q, &r->explained.a, change);
    flowlog__rule_group_add(&r->group, change, n);
}

/* One finding for refs [from, to) of the order, which are one group.  The surest speaks for all. */
static int deliver_group(struct report *r, uint32_t from, uint32_t to)
{
    uint32_t best = from;
    for (uint32_t i = from; i < to; i++)
        if (r->ref[r->index[i]].confidence > r->ref[r->index[best]].confidence) best = i;
    flowlog_finding f, one;
    struct totals {
        flowlog_side side[4];
        uint64_t records, clients;
        int64_t first, last;
    } t;
    flowlog_addr client;
    memset(&t, 0, sizeof t);
    memset(&client, 0, sizeof client);
    r->group.count = r->group.more = 0;
    for (uint32_t i = from; i < to; i++) {
        make_finding(r, &r->ref[r->index[i]], &one);
        if (i == from || flowlog_addr_compare(&one.client, &client)) add_changes(r);
        add_side(&t.side[0], &one.request_accept);
        add_side(&t.side[1], &one.request_reject);
        add_side(&t.side[2], &one.reply_accept);
        add_side(&t.side[3], &one.reply_reject);
        if (i == from || one.first < t.first) t.first = one.first;
        if (i == from || one.last > t.last) t.last = one.last;
        t.records += one.records;
        t.clients += i == from || flowlog_addr_compare(&one.client, &client);
        client = one.client;
    }
    make_finding(r, &r->ref[r->index[best]], &f); /* last: its texts are in the buffers */
    f.request_accept = t.side[0];
    f.request_reject = t.side[1];
    f.reply_accept = t.side[2];
    f.reply_reject = t.side[3];
    f.first = t.first;
    f.last = t.last;
    f.records = t.records;
    f.clients = t.clients;
    f.conversations = to - from;
    if (r->group.count > 1) {
        struct group_text *text = r->text;
        flowlog__rule_group_write(r->d->rules, f.eni, &r->group, text->row, sizeof text->row, text->command,
                                  sizeof text->command);
        f.change_row = (flowlog_str){text->row, strlen(text->row)};
        f.change_command = (flowlog_str){text->command, strlen(text->command)};
    }
    return r->fn(r->ctx, &f);
}

static flowlog_status deliver(struct report *r)
{
    uint32_t to;
    for (uint32_t from = 0; from < r->refs; from = to) {
        to = from + 1;
        if (r->d->flags & FLOWLOG_DIAGNOSE_GROUPED) {
            while (to < r->refs && !compare_groups(r, &r->ref[r->index[from]], &r->ref[r->index[to]])) to++;
            if (deliver_group(r, from, to)) return FLOWLOG_END;
        } else {
            flowlog_finding f;
            make_finding(r, &r->ref[r->index[from]], &f);
            if (r->fn(r->ctx, &f)) return FLOWLOG_END;
        }
    }
    return FLOWLOG_OK;
}

/* --- the answer -------------------------------------------------------------------------------------------- */

/* What flow logs never record: see diagnosis.md 1.4. */
static int is_never_logged(const flowlog_diagnosis *d, const flowlog_addr *addr)
{
    static const char *const never[] = {"169.254.169.254", "169.254.169.253", "169.254.169.123", "169.254.169.250",
                                        "169.254.169.251", "169.254.170.2", "fd00:ec2::254", "fd00:ec2::253",
                                        "fd00:ec2::123"};
    flowlog_addr a;
    for (unsigned i = 0; i < sizeof never / sizeof *never; i++)
        if (flowlog_addr_parse(never[i], strlen(never[i]), &a) >= 0 && !flowlog_addr_compare(&a, addr)) return 1;
    if (addr->family != 4) return 0;
    /* The second address of a subnet or VPC is its router, the third the DNS server. */
    for (size_t i = 0; i < d->told.blocks; i++) {
        const struct fl_cidr *block = &d->told.block[i].cidr;
        if (block->family != 4 || block->bits > 28 || memcmp(block->bytes, addr->bytes, 3) != 0) continue;
        const unsigned offset = (unsigned)(addr->bytes[3] - block->bytes[3]);
        if (offset == 1 || offset == 2) return 1;
    }
    return 0;
}

static flowlog_status answer(struct report *r)
{
    flowlog_finding f;
    const struct fl_told *t = &r->d->told;
    if (r->matches) {
        make_finding(r, &r->best, &f);
        f.kind = FLOWLOG_FINDING_QUERY;
        f.conversations = r->matches;
        return r->fn(r->ctx, &f) ? FLOWLOG_END : FLOWLOG_OK;
    }
    memset(&f, 0, sizeof f);
    f.struct_size = sizeof f;
    f.kind = FLOWLOG_FINDING_QUERY;
    f.confidence = FLOWLOG_CONFIDENCE_HIGH;
    f.client = t->client;
    f.server = t->server;
    f.server_port = t->port;
    f.eni.ptr = f.other_eni.ptr = f.subnet.ptr = f.reason.ptr = f.rule_acl.ptr = f.sg_closest.ptr = f.sg_groups.ptr =
        f.change_row.ptr = f.change_command.ptr = "";
    f.lines = r->line;
    f.first = r->view.first;
    f.last = r->view.last;
    const int never = is_never_logged(r->d, &t->server) || is_never_logged(r->d, &t->client);
    f.verdict = never ? FLOWLOG_VERDICT_NOT_LOGGED : FLOWLOG_VERDICT_NO_RECORD;
    f.layer = never ? FLOWLOG_LAYER_NONE : FLOWLOG_LAYER_PATH;
    return r->fn(r->ctx, &f) ? FLOWLOG_END : FLOWLOG_OK;
}

/* --- all together ------------------------------------------------------------------------------------------ */

static void mark_reported(flowlog_diagnosis *d, uint32_t horizon)
{
    for (uint32_t i = 0; i < d->table.pool.count; i++) {
        struct fl_conversation *c = fl_conversation_at(&d->table, i);
        if (!(c->state & FL_CONVERSATION_GONE) && c->last < horizon) c->state |= FL_CONVERSATION_REPORTED;
    }
}

static flowlog_status run(struct report *r, uint32_t horizon, int all)
{
    FL_TRY(flowlog__explain_prepare(r->d));
    FL_TRY(flowlog__view_make(r->d, &r->view));
    FL_TRY(judge_all(r, horizon));
    FL_TRY(put_in_order(r));
    if (r->d->rules && (r->d->flags & FLOWLOG_DIAGNOSE_GROUPED)) {
        r->text = flowlog__alloc(&r->d->alloc, sizeof *r->text);
        if (!r->text) return FLOWLOG_E_MEMORY;
        r->group.change = r->text->change;
    }
    mark_reported(r->d, horizon);
    flowlog_status status = deliver(r);
    if (!all && status == FLOWLOG_OK) status = flowlog__view_learn(&r->view, r->d, horizon);
    if (status == FLOWLOG_OK && all && r->d->told.asks) status = answer(r);
    return status;
}

flowlog_status flowlog__report(flowlog_diagnosis *d, uint32_t horizon, int all, flowlog_finding_fn fn, void *ctx,
                               flowlog_error *err)
{
    struct report r;
    memset(&r, 0, sizeof r);
    r.d = d;
    r.fn = fn;
    r.ctx = ctx;
    const flowlog_status status = run(&r, horizon, all);
    if (r.ref) flowlog__release(&d->alloc, r.ref, r.ref_cap * sizeof *r.ref);
    if (r.index) flowlog__release(&d->alloc, r.index, r.refs * sizeof *r.index);
    if (r.rank) flowlog__release(&d->alloc, r.rank, ((size_t)d->names.count + 1) * sizeof *r.rank);
    if (r.text) flowlog__release(&d->alloc, r.text, sizeof *r.text);
    flowlog__view_free(&r.view);
    if (status < 0)
        return FL_FAIL(err, status, status == FLOWLOG_E_LIMIT ? "too many findings" : "out of memory for findings");
    return status;
}
