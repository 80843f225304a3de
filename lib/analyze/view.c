/* SPDX-License-Identifier: MIT */
/* view.c - see view.h. */
#include "analyze/view.h"

#include <string.h>

#include "analyze/rules.h"
#include "analyze/sort.h"
#include "core/error.h"

enum { SKEW = 60 /* seconds that start and end may be off, by AWS's word */ };

/* --- peers of an endpoint ---------------------------------------------------------------------------------- */

struct fan_key {
    uint32_t where, addr, port;
};

static int both_accepted(const struct fl_conversation *c)
{
    return (c->state & FL_CONVERSATION_BOTH) == FL_CONVERSATION_BOTH;
}

/* Whether its ends are to be counted: TCP and UDP, accepted both ways, and not counted before. */
static int is_counted(const struct fl_conversation *c)
{
    const unsigned proto = fl_key_proto(&c->key);
    return !(c->state & (FL_CONVERSATION_GONE | FL_CONVERSATION_COUNTED)) && (proto == 6 || proto == 17) &&
           both_accepted(c);
}

static struct fan_key fan_key_of(const struct fl_conversation_key *k, int b)
{
    const uint32_t v6 = (uint32_t)(b ? fl_key_b6(k) : fl_key_a6(k));
    const struct fan_key key = {(k->where & ~UINT32_C(0x300)) | v6 << 8, b ? k->b : k->a,
                                b ? k->ports & 0xFFFF : k->ports >> 16};
    return key;
}

static uint64_t fan_hash(const struct fan_key *key)
{
    return fl_hash_u64(fl_hash_u64((uint64_t)key->where << 32 | key->addr) ^ key->port);
}

static uint32_t fan_place(const struct fl_view *v, const struct fan_key *key)
{
    return (uint32_t)fan_hash(key) & v->fan_mask;
}

/* The slot of an endpoint, or the free one where it belongs.  At least half of the slots are free. */
static struct fl_fan *fan_slot(const struct fl_view *v, const struct fan_key *key)
{
    uint32_t s = (uint32_t)(fan_hash(key) >> 32) & (v->fan_slots - 1);
    for (; v->fan[s].peers; s = (s + 1) & (v->fan_slots - 1))
        if (!((v->fan[s].where ^ key->where) | (v->fan[s].addr ^ key->addr) | (v->fan[s].port ^ key->port))) break;
    return &v->fan[s];
}

static flowlog_status grow_fans(struct fl_view *v)
{
    struct fl_fan *old = v->fan;
    const uint32_t old_slots = v->fan_slots, slots = old_slots ? old_slots * 2 : 1024;
    if (slots > UINT32_C(1) << 30 || (uint64_t)slots * sizeof *old > SIZE_MAX / 2) return FLOWLOG_E_MEMORY;
    struct fl_fan *fan = flowlog__alloc_zero(&v->d->alloc, slots * sizeof *fan);
    if (!fan) return FLOWLOG_E_MEMORY;
    v->fan = fan;
    v->fan_slots = slots;
    for (uint32_t i = 0; i < old_slots; i++) {
        const struct fan_key key = {old[i].where, old[i].addr, old[i].port};
        if (old[i].peers) *fan_slot(v, &key) = old[i];
    }
    if (old) flowlog__release(&v->d->alloc, old, old_slots * sizeof *old);
    return FLOWLOG_OK;
}

static flowlog_status count_fan(struct fl_view *v, const struct fan_key *key)
{
    if (v->fan_count >= v->fan_slots / 2) FL_TRY(grow_fans(v));
    struct fl_fan *f = fan_slot(v, key);
    v->fan_count += !f->peers;
    f->where = key->where;
    f->addr = key->addr;
    f->port = key->port;
    f->peers++;
    return FLOWLOG_OK;
}

/* Seconds that an idle UDP entry of connection tracking lives: one way, and a stream (EC2 user guide). */
enum { UDP_TIMEOUT = 30, UDP_STREAM = 180 };

enum { AHEAD = 16 /* conversations between fetching and use */ };
void flowlog__view_fetch(const struct fl_view *v, const struct fl_conversation *c)
{
    for (int end = 0; end < 2; end++) {
        const struct fan_key key = fan_key_of(&c->key, end);
        FL_PREFETCH(&v->fan_filter[fan_place(v, &key)]);
    }
}

/*
 * Most endpoints have one peer.  A first pass counts by hash; whatever has 2 or more there is counted in truth in a
 * second one.  Counts come from keys, not from records, so nothing is counted twice.
 */
static flowlog_status count_fans(struct fl_view *v)
{
    const flowlog_diagnosis *d = v->d;
    uint32_t len = 1024;
    while (len < d->table.live && len < UINT32_C(1) << 28) len *= 2;
    len *= 4;
    v->fan_filter = flowlog__alloc_zero(&d->alloc, len);
    if (!v->fan_filter) return FLOWLOG_E_MEMORY;
    v->fan_mask = len - 1;
    for (unsigned pass = 0; pass < 2; pass++) {
        for (uint32_t i = 0; i < d->table.pool.count; i++) {
            if (i + AHEAD < d->table.pool.count) flowlog__view_fetch(v, fl_conversation_at(&d->table, i + AHEAD));
            const struct fl_conversation *c = fl_conversation_at(&d->table, i);
            if (!is_counted(c)) continue;
            for (int end = 0; end < 2; end++) {
                const struct fan_key key = fan_key_of(&c->key, end);
                uint8_t *count = &v->fan_filter[fan_place(v, &key)];
                if (pass == 0) {
                    *count = (uint8_t)(*count + (*count < 255));
                } else if (*count >= 2) {
                    FL_TRY(count_fan(v, &key));
                }
            }
        }
    }
    return FLOWLOG_OK;
}

static uint32_t fan_of(const struct fl_view *v, const struct fl_conversation_key *k, int b)
{
    const struct fan_key key = fan_key_of(k, b);
    const uint8_t about = v->fan_filter[fan_place(v, &key)];
    const uint32_t before = v->d->peers.keys.count ? flowlog__map_get(&v->d->peers, &key, sizeof key) : 0;
    return before + (about < 2 ? about : fan_slot(v, &key)->peers);
}

/* --- an episode -------------------------------------------------------------------------------------------- */

/* 1 if endpoint B comes before A: what decides where nothing else does must not depend on internal order. */
static int b_is_smaller(const flowlog_diagnosis *d, const struct fl_conversation_key *k)
{
    const flowlog_addr a = flowlog__diagnosis_addr(d, k->a, fl_key_a6(k)),
                       b = flowlog__diagnosis_addr(d, k->b, fl_key_b6(k));
    const int c = flowlog_addr_compare(&b, &a);
    return c ? c < 0 : (k->ports & 0xFFFF) < k->ports >> 16;
}

void flowlog__view_look(const struct fl_view *view, const struct fl_conversation *c, const struct fl_episode *e,
                        struct fl_look *look)
{
    int weak;
    const unsigned way = flowlog__local_way(&view->locals, view->d, c, &weak);
    look->weak = (uint8_t)weak;
    look->c = c;
    look->e = e;
    look->roles = flowlog__roles(e, &c->key, fan_of(view, &c->key, 0), fan_of(view, &c->key, 1));
    if (!look->roles.strength) look->roles.client_is_b = (uint8_t)b_is_smaller(view->d, &c->key);
    look->way = (uint8_t)way;
    if (look->roles.client_is_b && way != FLOWLOG_WAY_UNKNOWN)
        look->way = way == FLOWLOG_WAY_IN ? FLOWLOG_WAY_OUT : FLOWLOG_WAY_IN;
}

/* On the interface's own side the packets have another address than the interface shows. */
static int own_side_differs(const struct fl_view *view, const struct fl_conversation *c)
{
    if (!c->key.outer) return 0;
    int weak;
    const struct fl_outer o = fl_outer_of(view->d, &c->key);
    const unsigned way = flowlog__local_way(&view->locals, view->d, c, &weak);
    if (way == FLOWLOG_WAY_OUT) return o.a != c->key.a;
    return way == FLOWLOG_WAY_IN && o.b != c->key.b;
}

/*
 * Whether requests that enter are for somebody behind the interface: not its own address, nor one that was told, nor
 * a private one at an instance, which then is its secondary address.
 */
static int forwards(const struct fl_view *view, const struct fl_look *l)
{
    const uint32_t eni = fl_key_interface(&l->c->key), number = fl_look_addr(l, 1);
    const int v6 = fl_look_v6(l, 1);
    if (l->way != FLOWLOG_WAY_IN || !own_side_differs(view, l->c)) return 0;
    if (flowlog__local_is(&view->locals, eni, number, v6) & FL_LOCAL_TOLD) return 0;
    const flowlog_addr addr = flowlog__diagnosis_addr(view->d, number, v6);
    return !((view->d->iface[eni].facts & FL_IFACE_INSTANCE) && flowlog__addr_is_inside(view->d, &addr));
}

int flowlog__view_is_transit(const struct fl_view *view, const struct fl_conversation *c)
{
    const flowlog_diagnosis *d = view->d;
    const struct fl_interface *iface = &d->iface[fl_key_interface(&c->key)];
    const unsigned type = fl_interface_type(iface);
    if (type == FLOWLOG_INTERFACE_TYPE_TRANSIT_GATEWAY) return 1;
    if (type == FLOWLOG_INTERFACE_TYPE_NAT_GATEWAY || type == FLOWLOG_INTERFACE_TYPE_REGIONAL_NAT_GATEWAY) return 0;
    if (!(iface->facts & FL_IFACE_NO_INSTANCE) ||
        (iface->facts & (FL_IFACE_INSTANCE | FL_IFACE_REGIONAL)) || !c->key.outer)
        return 0;
    return own_side_differs(view, c); /* no instance, and packets that are not its own */
}

int flowlog__view_same_subnet(const struct fl_view *view, const struct fl_look *look)
{
    const flowlog_diagnosis *d = view->d;
    const uint32_t eni = fl_key_interface(&look->c->key), subnet = d->iface[eni].subnet;
    const flowlog_addr client = flowlog__diagnosis_addr(d, fl_look_addr(look, 0), fl_look_v6(look, 0));
    const flowlog_addr server = flowlog__diagnosis_addr(d, fl_look_addr(look, 1), fl_look_v6(look, 1));
    for (size_t i = 0; i < d->told.blocks; i++) {
        const struct fl_told_block *block = &d->told.block[i];
        if (block->subnet && (!subnet || subnet == block->subnet) && flowlog__cidr_has(&block->cidr, &client) &&
            flowlog__cidr_has(&block->cidr, &server))
            return 1;
    }
    if (d->rules && look->way != FLOWLOG_WAY_UNKNOWN) {
        const int out = look->way == FLOWLOG_WAY_OUT;
        if (flowlog__rules_same_subnet(d->rules, fl_interface_name(d, eni), out ? &client : &server,
                                       out ? &server : &client) == 1)
            return 1;
    }
    if (!subnet || look->way == FLOWLOG_WAY_UNKNOWN) return 0;
    const int peer = look->way == FLOWLOG_WAY_OUT; /* the server is */
    const uint32_t owner = flowlog__local_owner(&view->locals, fl_look_addr(look, peer), fl_look_v6(look, peer));
    return owner && owner != FL_OWNER_MANY && owner != eni && d->iface[owner].subnet == subnet;
}

/* --- what else was let through ----------------------------------------------------------------------------- */

struct wanted_key {
    uint32_t tag, scope, where, addr, other, port;
};

/* The same client, server and port, whatever the client's port is. */
static struct wanted_key port_key(const struct fl_look *l)
{
    const struct wanted_key key = {3, fl_key_interface(&l->c->key), l->c->key.where & 0xFF, fl_look_addr(l, 0),
                                   fl_look_addr(l, 1), fl_look_port(l, 1) | (uint32_t)fl_look_v6(l, 0) << 16};
    return key;
}

/* The same remote address, protocol and port, at any interface of the subnet. */
static struct wanted_key sibling_key(const struct fl_view *v, const struct fl_look *l)
{
    const int remote = l->way == FLOWLOG_WAY_OUT;
    const struct wanted_key key = {2, v->d->iface[fl_key_interface(&l->c->key)].subnet,
                                   (l->c->key.where & 0xFF) | (uint32_t)l->way << 8, fl_look_addr(l, remote), 0,
                                   fl_look_port(l, 1) | (uint32_t)fl_look_v6(l, remote) << 16};
    return key;
}

static int has_ports(const struct fl_look *l)
{
    const unsigned proto = fl_key_proto(&l->c->key);
    return proto == 6 || proto == 17;
}

/* A network ACL entry matches the type of ICMP, which no record has: one that passed proves nothing of another. */
static int is_icmp(const struct fl_look *l)
{
    const unsigned proto = fl_key_proto(&l->c->key);
    return proto == 1 || proto == 58;
}

/* Sides of requests and replies. */
static const struct fl_segment *side(const struct fl_look *l, int reply, int refused)
{
    const unsigned back = (unsigned)(l->roles.client_is_b != 0) ^ (unsigned)reply;
    return &l->e->side[back | (refused ? FL_SEG_REJECT : 0)];
}

static int only_request_refused(const struct fl_look *l)
{
    return side(l, 0, 1)->records && !side(l, 0, 0)->records && !side(l, 1, 0)->records && !side(l, 1, 1)->records;
}

typedef flowlog_status look_fn(struct fl_view *v, const struct fl_look *l);

static flowlog_status each_episode(struct fl_view *v, const struct fl_conversation *c, look_fn *fn)
{
    struct fl_episode episode[FL_SEGMENTS_MAX];
    const uint32_t n = flowlog__episodes(&v->d->table, c, v->window, episode);
    for (uint32_t k = 0; k < n; k++) {
        struct fl_look look;
        flowlog__view_look(v, c, &episode[k], &look);
        FL_TRY(fn(v, &look));
    }
    return FLOWLOG_OK;
}

/*
 * Whether a conversation may have a key that is wanted: by hashes of what can be known without looking at it,
 * the pair of its addresses, and each address in the subnet.
 */
static uint64_t pair_hash(uint32_t eni, uint32_t a, uint32_t b)
{
    return fl_hash_u64(((uint64_t)(a < b ? a : b) << 32 | (a < b ? b : a)) ^ fl_hash_u64(eni));
}
static uint64_t end_hash(uint32_t subnet, uint32_t addr) { return fl_hash_u64((uint64_t)subnet << 32 | addr); }

static int may_be_wanted(const struct fl_view *v, const struct fl_conversation *c)
{
    const uint32_t eni = fl_key_interface(&c->key), subnet = v->d->iface[eni].subnet;
    if (fl_bit_get(v->hint, (size_t)pair_hash(eni, c->key.a, c->key.b) & v->hint_mask)) return 1;
    return subnet && (fl_bit_get(v->hint, (size_t)end_hash(subnet, c->key.a) & v->hint_mask) ||
                      fl_bit_get(v->hint, (size_t)end_hash(subnet, c->key.b) & v->hint_mask));
}

static flowlog_status make_hint(struct fl_view *v)
{
    size_t bits = 4096;
    while (bits < (size_t)v->wanted.count * 16 && bits < SIZE_MAX / 4) bits *= 2;
    v->hint = flowlog__alloc_zero(&v->d->alloc, bits / 8);
    if (!v->hint) return FLOWLOG_E_MEMORY;
    v->hint_mask = bits - 1;
    for (uint32_t i = 1; i <= v->wanted.count; i++) {
        struct wanted_key key;
        memcpy(&key, fl_intern_text(&v->wanted, i).ptr, sizeof key);
        const uint64_t h = key.tag == 3 ? pair_hash(key.scope, key.addr, key.other) : end_hash(key.scope, key.addr);
        fl_bit_set(v->hint, (size_t)h & v->hint_mask);
    }
    return FLOWLOG_OK;
}

static flowlog_status want(struct fl_view *v, const struct fl_look *l)
{
    uint32_t id;
    if (!only_request_refused(l) || l->way == FLOWLOG_WAY_UNKNOWN) return FLOWLOG_OK;
    if (has_ports(l)) {
        const struct wanted_key key = port_key(l);
        FL_TRY(flowlog__intern(&v->wanted, &v->d->alloc, &key, sizeof key, UINT32_MAX, &id));
    }
    const struct wanted_key key = sibling_key(v, l);
    return key.scope ? flowlog__intern(&v->wanted, &v->d->alloc, &key, sizeof key, UINT32_MAX, &id) : FLOWLOG_OK;
}

static flowlog_status take(struct fl_view *v, const struct fl_look *l, const struct wanted_key *key, uint32_t who)
{
    const uint32_t id = flowlog__intern_find(&v->wanted, key, sizeof *key);
    if (!id) return FLOWLOG_OK;
    if (v->accepted_count == v->accepted_cap) {
        const uint32_t cap = v->accepted_cap ? v->accepted_cap * 2 : 64;
        struct fl_accepted *p =
            flowlog__resize(&v->d->alloc, v->accepted, v->accepted_cap * sizeof *p, cap * sizeof *p);
        if (!p) return FLOWLOG_E_MEMORY;
        v->accepted = p;
        v->accepted_cap = cap;
    }
    const struct fl_segment *ra = side(l, 0, 0);
    v->accepted[v->accepted_count++] = (struct fl_accepted){id, ra->first, ra->last, 0, who};
    return FLOWLOG_OK;
}

static flowlog_status take_both(struct fl_view *v, const struct fl_look *l)
{
    if (!side(l, 0, 0)->records || l->way == FLOWLOG_WAY_UNKNOWN) return FLOWLOG_OK;
    if (has_ports(l)) {
        const struct wanted_key key = port_key(l);
        FL_TRY(take(v, l, &key, fl_look_port(l, 0)));
    }
    const struct wanted_key key = sibling_key(v, l);
    return key.scope ? take(v, l, &key, fl_key_interface(&l->c->key)) : FLOWLOG_OK;
}

static int compare_accepted(const void *things, uint32_t a, uint32_t b)
{
    const struct fl_accepted *x = (const struct fl_accepted *)things + a, *y = (const struct fl_accepted *)things + b;
    if (x->key != y->key) return x->key < y->key ? -1 : 1;
    if (x->first != y->first) return x->first < y->first ? -1 : 1;
    return x->last < y->last ? -1 : x->last > y->last;
}

static flowlog_status sort_accepted(struct fl_view *v)
{
    const flowlog_alloc *alloc = &v->d->alloc;
    const size_t n = v->accepted_count;
    uint32_t *index = flowlog__alloc_array(alloc, n, sizeof *index);
    struct fl_accepted *sorted = flowlog__alloc_array(alloc, n, sizeof *sorted);
    const flowlog_status status = index && sorted ? FLOWLOG_OK : FLOWLOG_E_MEMORY;
    if (status >= 0) {
        for (uint32_t i = 0; i < n; i++) index[i] = i;
        flowlog__sort(index, n, compare_accepted, v->accepted);
        for (uint32_t i = 0; i < n; i++) {
            sorted[i] = v->accepted[index[i]];
            sorted[i].latest = sorted[i].last;
            if (i && sorted[i - 1].key == sorted[i].key && sorted[i - 1].latest > sorted[i].latest)
                sorted[i].latest = sorted[i - 1].latest;
        }
    }
    if (index) flowlog__release(alloc, index, n * sizeof *index);
    if (status < 0) {
        if (sorted) flowlog__release(alloc, sorted, n * sizeof *sorted);
        return status;
    }
    flowlog__release(alloc, v->accepted, v->accepted_cap * sizeof *sorted);
    v->accepted = sorted;
    v->accepted_cap = (uint32_t)n;
    return FLOWLOG_OK;
}

static flowlog_status find_accepted(struct fl_view *v)
{
    const struct fl_conversations *table = &v->d->table;
    for (uint32_t i = 0; i < table->pool.count; i++) {
        const struct fl_conversation *c = fl_conversation_at(table, i);
        if (!(c->state & FL_CONVERSATION_GONE) && (c->state & FL_CONVERSATION_REFUSED))
            FL_TRY(each_episode(v, c, want));
    }
    if (!v->wanted.count) return FLOWLOG_OK;
    FL_TRY(make_hint(v));
    for (uint32_t i = 0; i < table->pool.count; i++) {
        const struct fl_conversation *c = fl_conversation_at(table, i);
        if (!(c->state & FL_CONVERSATION_GONE) && (c->state & FL_CONVERSATION_BOTH) && may_be_wanted(v, c))
            FL_TRY(each_episode(v, c, take_both));
    }
    return v->accepted_count ? sort_accepted(v) : FLOWLOG_OK;
}

struct when {
    uint32_t first, last; /* of what was accepted within a window */
    uint8_t found;        /* 1; 2: surely both before and after */
};

/*
 * When another than `who` was let through under a key, within `window` of what was refused.
 *
 * A start may be 60 s before or after the first packet, and an end up to 60 s after the last: only what was accepted
 * 120 s into the refusal proves that the entry did not change from allow to deny before it, and the other way round.
 */
static struct when was_accepted(const struct fl_view *v, const struct wanted_key *key, uint32_t who,
                                const struct fl_segment *refused, uint32_t window)
{
    struct when w = {0, 0, 0};
    const uint32_t id = flowlog__intern_find(&v->wanted, key, sizeof *key);
    uint32_t low = 0, high = v->accepted_count;
    int before = 0, after = 0;
    if (!id) return w;
    while (low < high) { /* the first that begins too late */
        const uint32_t mid = low + (high - low) / 2;
        const struct fl_accepted *a = &v->accepted[mid];
        if (a->key < id || (a->key == id && a->first <= (uint64_t)refused->last + window)) low = mid + 1;
        else high = mid;
    }
    while (low-- && v->accepted[low].key == id && (uint64_t)v->accepted[low].latest + window >= refused->first) {
        const struct fl_accepted *a = &v->accepted[low];
        if (a->who == who || (uint64_t)a->last + window < refused->first) continue;
        if (!w.found || a->first < w.first) w.first = a->first;
        if (!w.found || a->last > w.last) w.last = a->last;
        w.found = 1;
        after |= a->last > (uint64_t)refused->first + 2 * SKEW;
        before |= (uint64_t)a->first + 2 * SKEW < refused->last;
    }
    if (before && after) w.found = 2;
    return w;
}

/* --- cases ------------------------------------------------------------------------------------------------- */

/*
 * The log has something of the interface right after what was accepted, and does not end with the interval of that: an
 * answer would be there.
 */
static int goes_on(const struct fl_view *view, const struct fl_interface *iface, const struct fl_segment *ra)
{
    const uint32_t last = ra->last, seconds = view->window;
    const uint32_t silent = iface->silent.count ? iface->silent.span[iface->silent.count - 1].last : 0;
    const uint32_t active = fl_times_end(&iface->active);
    if ((uint64_t)last + seconds > (active > silent ? active : silent)) return 0;
    return flowlog__times_after(&iface->active, last, seconds) ||
           flowlog__spans_overlap(&iface->silent, last + 1, last > UINT32_MAX - seconds ? UINT32_MAX : last + seconds);
}

/* The sides of the conversation at the interface of the other end, at that time: those that have records. */
static unsigned seen_there(const struct fl_view *view, const struct fl_look *l)
{
    const flowlog_diagnosis *d = view->d;
    const int remote = l->way == FLOWLOG_WAY_OUT; /* the server is */
    struct fl_conversation_key key = l->c->key;
    struct fl_episode episode[FL_SEGMENTS_MAX];
    unsigned sides = 0;
    if (l->way == FLOWLOG_WAY_UNKNOWN) return 0;
    const uint32_t at = flowlog__local_owner(&view->locals, fl_look_addr(l, remote), fl_look_v6(l, remote));
    if (!at || at == FL_OWNER_MANY || at == fl_key_interface(&key)) return 0;
    key.where = at << 10 | (key.where & 0x3FF);
    key.outer = 0;
    const uint32_t place = flowlog__conversation_find(&d->table, &key);
    if (place == UINT32_MAX) return 0;
    const uint32_t n = flowlog__episodes(&d->table, fl_conversation_at(&d->table, place), view->window, episode);
    for (uint32_t i = 0; i < n; i++) {
        const struct fl_episode *e = &episode[i];
        if (e->first > (uint64_t)l->e->last + view->window || l->e->first > (uint64_t)e->last + view->window) continue;
        for (unsigned side = 0; side < 4; side++) sides |= (unsigned)(e->side[side].records != 0) << side;
    }
    return sides;
}

/* What was refused alone is no request where the other end has what went the other way; and nobody answers requests
   that were refused there. */
static void look_there(const struct fl_view *view, const struct fl_look *l, struct fl_case *out)
{
    const unsigned back = l->roles.client_is_b != 0;
    if (only_request_refused(l) && !(out->rr.meta & FL_SEG_SYN)) {
        out->answered_there = seen_there(view, l) >> (back ^ 1) & 1;
    } else if (!has_ports(l) && out->ra.records && out->pr.records && l->way == FLOWLOG_WAY_OUT) {
        const unsigned sides = seen_there(view, l);
        out->refused_there = (sides >> (back | FL_SEG_REJECT) & 1) && !(sides >> back & 1);
    }
}

void flowlog__view_case(const struct fl_view *view, const struct fl_look *l, struct fl_case *out)
{
    const flowlog_diagnosis *d = view->d;
    const uint32_t eni = fl_key_interface(&l->c->key), w = view->window;
    const struct fl_interface *iface = &d->iface[eni];
    const unsigned type = fl_interface_type(iface);
    memset(out, 0, sizeof *out);
    out->ra = *side(l, 0, 0);
    out->rr = *side(l, 0, 1);
    out->pa = *side(l, 1, 0);
    out->pr = *side(l, 1, 1);
    out->accepted_before_rr = l->e->accepted_before[l->roles.client_is_b];
    out->accepted_before_pr = l->e->accepted_before[!l->roles.client_is_b];
    out->closed = l->e->closed;
    out->udp_timeout = d->told.udp_timeout ? d->told.udp_timeout : UDP_TIMEOUT;
    out->udp_stream = d->told.udp_stream ? d->told.udp_stream : UDP_STREAM;
    struct fl_rule_interface known;
    if (d->rules && flowlog__rules_interface(d->rules, fl_interface_name(d, eni), &known)) {
        if (known.udp_set || !d->told.udp_timeout) out->udp_timeout = known.udp_sec;
        if (known.udp_stream_set || !d->told.udp_stream) out->udp_stream = known.udp_stream_sec;
    }
    out->server_port = fl_look_port(l, 1);
    out->proto = (uint8_t)fl_key_proto(&l->c->key);
    out->v6 = (uint8_t)fl_key_a6(&l->c->key);
    out->way = l->way;
    out->weak_way = l->weak;
    out->window = w;
    out->told_window = d->told.has_window;
    out->roles = l->roles.strength;
    out->decisive = l->roles.decisive;
    out->traffic = d->told.traffic;
    out->near_start = l->e->first < (uint64_t)view->first + w;
    out->near_end = (uint64_t)l->e->last + w > view->last;
    out->skipped = (uint8_t)flowlog__spans_overlap(&iface->skipped, l->e->first > w ? l->e->first - w : 0,
                                                   l->e->last > UINT32_MAX - w ? UINT32_MAX : l->e->last + w);
    out->truncated = (l->c->state & FL_CONVERSATION_GIVEN_UP) ||
                     (d->given_up && l->e->first <= (uint64_t)d->given_up + w);
    out->transit = (uint8_t)flowlog__view_is_transit(view, l->c);
    out->nat = type == FLOWLOG_INTERFACE_TYPE_NAT_GATEWAY || type == FLOWLOG_INTERFACE_TYPE_REGIONAL_NAT_GATEWAY ||
               (iface->facts & FL_IFACE_REGIONAL);
    out->forwards = (uint8_t)forwards(view, l);
    if (out->nat) {
        const flowlog_addr client = flowlog__diagnosis_addr(d, fl_look_addr(l, 0), fl_look_v6(l, 0));
        out->inside_client = flowlog__addr_is_inside(d, &client) ||
                             flowlog__local_owner(&view->locals, fl_look_addr(l, 0), fl_look_v6(l, 0));
    }
    if (!out->rr.records && !out->pr.records) { /* the rest is about what was refused */
        out->goes_on = !out->pa.records && goes_on(view, iface, &out->ra);
        return;
    }
    out->same_subnet = (uint8_t)flowlog__view_same_subnet(view, l);
    look_there(view, l, out);
    if (!only_request_refused(l) || l->way == FLOWLOG_WAY_UNKNOWN) return;
    if (has_ports(l)) {
        const struct wanted_key key = port_key(l);
        const struct when other = was_accepted(view, &key, fl_look_port(l, 0), &out->rr, w);
        out->other_port = other.found != 0;
        out->other_first = other.first;
        out->other_last = other.last;
    }
    const struct wanted_key key = sibling_key(view, l);
    if (key.scope && !is_icmp(l)) out->sibling = was_accepted(view, &key, eni, &out->rr, 2 * w).found;
}

/* --- what is remembered ------------------------------------------------------------------------------------ */

static flowlog_status learn_peers(flowlog_diagnosis *d, struct fl_conversation *c)
{
    enum { MOST = 1 << 20 /* endpoints whose peers are remembered */ };
    if (d->peers.keys.count >= MOST || !is_counted(c)) return FLOWLOG_OK;
    for (int end = 0; end < 2; end++) {
        const struct fan_key key = fan_key_of(&c->key, end);
        uint32_t *count;
        FL_TRY(flowlog__map_at(&d->peers, &d->alloc, &key, sizeof key, &count));
        *count += *count < UINT32_MAX;
    }
    c->state |= FL_CONVERSATION_COUNTED;
    return FLOWLOG_OK;
}

flowlog_status flowlog__view_learn(const struct fl_view *v, flowlog_diagnosis *d, uint32_t horizon)
{
    const struct fl_map *own = &v->locals.own;
    for (uint32_t i = 1; i <= own->keys.count; i++) {
        const flowlog_str key = fl_intern_text(&own->keys, i);
        const uint32_t how = own->value[i - 1];
        uint32_t *value;
        if (!(how & (FL_LOCAL_SEEN | FL_LOCAL_FOUND)) || (how & FL_LOCAL_WEAK)) continue;
        FL_TRY(flowlog__map_at(&d->learned, &d->alloc, key.ptr, key.len, &value));
        *value = FL_LOCAL_FOUND;
    }
    for (uint32_t i = 0; i < d->table.pool.count; i++) {
        struct fl_conversation *c = fl_conversation_at(&d->table, i);
        if (c->last < horizon) FL_TRY(learn_peers(d, c));
    }
    return FLOWLOG_OK;
}

/* --- made and freed ---------------------------------------------------------------------------------------- */

uint32_t flowlog__view_window(const flowlog_diagnosis *d)
{
    return (d->told.agg ? d->told.agg : d->span_max > 60 ? 600 : 60) + SKEW;
}

flowlog_status flowlog__view_make(const flowlog_diagnosis *d, struct fl_view *view)
{
    memset(view, 0, sizeof *view);
    view->d = d;
    view->window = flowlog__view_window(d);
    view->first = d->told.has_window ? d->told.window[0] : d->first;
    view->last = d->told.has_window ? d->told.window[1] : d->last;
    flowlog_status status = flowlog__locals_find(d, view->window, &view->locals);
    if (status >= 0) status = count_fans(view);
    if (status >= 0) status = find_accepted(view);
    if (status < 0) flowlog__view_free(view);
    return status;
}

void flowlog__view_free(struct fl_view *view)
{
    if (!view->d) return;
    const flowlog_alloc *alloc = &view->d->alloc;
    flowlog__locals_free(&view->locals, alloc);
    if (view->fan_filter) flowlog__release(alloc, view->fan_filter, (size_t)view->fan_mask + 1);
    if (view->fan) flowlog__release(alloc, view->fan, view->fan_slots * sizeof *view->fan);
    flowlog__intern_free(&view->wanted, alloc);
    if (view->accepted) flowlog__release(alloc, view->accepted, view->accepted_cap * sizeof *view->accepted);
    if (view->hint) flowlog__release(alloc, view->hint, (view->hint_mask + 1) / 8);
    memset(view, 0, sizeof *view);
}
