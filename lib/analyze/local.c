/* SPDX-License-Identifier: MIT */
/* local.c - see local.h. */
#include "analyze/local.h"

#include <string.h>

#include "analyze/sort.h"
#include "core/error.h"

struct own_key {
    uint32_t eni, addr, v6;
};
struct owner_key {
    uint32_t addr, v6;
};

/* What all records of an interface and family have in common so far: `left` of two addresses, or no record yet. */
struct common {
    uint32_t addr[2];
    uint8_t left, begun;
    uint8_t settled; /* 1: nothing more to find out */
    uint8_t votes;   /* causality: 1 for addr[0], 2 for addr[1] */
    uint8_t seen;    /* 1: flow-direction tells own addresses */
};

struct finder {
    const flowlog_diagnosis *d;
    const flowlog_alloc *alloc;
    struct fl_locals *locals;
    struct common *common; /* [2 * (interfaces + 1)]: by interface and family */
    struct common *blocks; /* [interfaces + 1]: the same of the /64s of IPv6 addresses */
    struct fl_intern *block;
    uint32_t window;
};

unsigned flowlog__local_is(const struct fl_locals *locals, uint32_t eni, uint32_t addr, int v6)
{
    const struct own_key key = {eni, addr, (uint32_t)v6};
    if (locals->one) {
        const struct fl_local_one *one = &locals->one[2 * (size_t)eni + (unsigned)v6];
        if (!one->many) return one->addr == addr ? one->how : 0;
    }
    return flowlog__map_get(&locals->own, &key, sizeof key);
}

uint32_t flowlog__local_owner(const struct fl_locals *locals, uint32_t addr, int v6)
{
    const struct owner_key key = {addr, (uint32_t)v6};
    return flowlog__map_get(&locals->owner, &key, sizeof key);
}

static flowlog_status mark(const struct finder *f, uint32_t eni, uint32_t addr, int v6, uint32_t how)
{
    const struct own_key key = {eni, addr, (uint32_t)v6};
    uint32_t *value;
    FL_TRY(flowlog__map_at(&f->locals->own, f->alloc, &key, sizeof key, &value));
    *value |= how;
    return FLOWLOG_OK;
}

int flowlog__addr_is_inside(const flowlog_diagnosis *d, const flowlog_addr *addr)
{
    if (flowlog__addr_is_private(addr)) return 1;
    for (size_t i = 0; i < d->told.blocks; i++)
        if (flowlog__cidr_has(&d->told.block[i].cidr, addr)) return 1;
    return 0;
}

/* The way of packets from A to B as flow-direction has it; unknown where records contradict each other. */
static unsigned seen_way(const flowlog_diagnosis *d, const struct fl_conversation *c)
{
    struct fl_segment segment[FL_SEGMENTS_MAX];
    if (!(c->state & FL_CONVERSATION_WAY)) return FLOWLOG_WAY_UNKNOWN;
    const uint32_t n = flowlog__conversation_segments(&d->table, c, segment);
    unsigned in = 0, out = 0;
    for (uint32_t i = 0; i < n; i++) {
        const uint32_t meta = segment[i].meta;
        in |= (meta & FL_SEG_BACK) ? meta & FL_SEG_OUT : meta & FL_SEG_IN;
        out |= (meta & FL_SEG_BACK) ? meta & FL_SEG_IN : meta & FL_SEG_OUT;
    }
    return in && !out ? FLOWLOG_WAY_IN : out && !in ? FLOWLOG_WAY_OUT : FLOWLOG_WAY_UNKNOWN;
}

/* --- what all records have in common ----------------------------------------------------------------------- */

static void narrow(struct common *c, uint32_t x, uint32_t y)
{
    if (!c->begun) {
        c->begun = 1;
        c->addr[0] = x;
        c->addr[1] = y;
        c->left = x == y ? 1 : 2;
        return;
    }
    if (c->left == 2 && c->addr[1] != x && c->addr[1] != y) c->left = 1;
    if (c->left && c->addr[0] != x && c->addr[0] != y) {
        c->addr[0] = c->addr[1];
        c->left--;
    }
}

static int can_infer(const flowlog_diagnosis *d, uint32_t eni)
{
    const unsigned type = d->iface[eni].told_type ? d->iface[eni].told_type : d->iface[eni].type;
    return !(d->iface[eni].facts & FL_IFACE_REGIONAL) && type != FLOWLOG_INTERFACE_TYPE_REGIONAL_NAT_GATEWAY;
}

/* The number of the /64 around an IPv6 address. */
static flowlog_status block_of(const struct finder *f, uint32_t number, uint32_t *block)
{
    return flowlog__intern(f->block, f->alloc, fl_intern_text(&f->d->wide, number).ptr, 8, UINT32_MAX, block);
}

static flowlog_status collect(const struct finder *f)
{
    const flowlog_diagnosis *d = f->d;
    for (uint32_t i = 0; i < d->table.pool.count; i++) {
        const struct fl_conversation *c = fl_conversation_at(&d->table, i);
        if ((c->state & FL_CONVERSATION_GONE) || !c->used) continue;
        const uint32_t eni = fl_key_interface(&c->key);
        const struct fl_outer o = fl_outer_of(d, &c->key);
        if (!can_infer(d, eni)) continue;
        const unsigned way = seen_way(d, c);
        if (way == FLOWLOG_WAY_OUT) FL_TRY(mark(f, eni, o.a, o.families & 1, FL_LOCAL_SEEN));
        if (way == FLOWLOG_WAY_IN) FL_TRY(mark(f, eni, o.b, (int)(o.families >> 1), FL_LOCAL_SEEN));
        if (way != FLOWLOG_WAY_UNKNOWN) f->common[2 * eni + (o.families & 1)].seen = 1;
        if (o.families == 0 || o.families == 3) narrow(&f->common[2 * eni + (o.families & 1)], o.a, o.b);
        if (o.families != 3) continue;
        uint32_t a, b;
        FL_TRY(block_of(f, o.a, &a));
        FL_TRY(block_of(f, o.b, &b));
        narrow(&f->blocks[eni], a, b);
    }
    return FLOWLOG_OK;
}

/*
 * Where one /64 is in all records, its addresses are the interface's own, as far as the other end is in another.  With
 * at least two other /64s seen this is sure; among two only, what addresses have in common is all there is.
 */
static flowlog_status mark_blocks(const struct finder *f)
{
    const flowlog_diagnosis *d = f->d;
    for (uint32_t i = 0; i < d->table.pool.count; i++) {
        const struct fl_conversation *c = fl_conversation_at(&d->table, i);
        if ((c->state & FL_CONVERSATION_GONE) || !c->used) continue;
        const uint32_t eni = fl_key_interface(&c->key);
        const struct fl_outer o = fl_outer_of(d, &c->key);
        if (o.families != 3 || f->blocks[eni].left != 1 || f->common[2 * eni + 1].settled) continue;
        uint32_t a, b;
        FL_TRY(block_of(f, o.a, &a));
        FL_TRY(block_of(f, o.b, &b));
        if (a == b) continue;
        FL_TRY(mark(f, eni, a == f->blocks[eni].addr[0] ? o.a : o.b, 1, FL_LOCAL_FOUND));
        f->blocks[eni].settled = 1;
    }
    for (uint32_t eni = 1; eni <= d->names.count; eni++)
        if (f->blocks[eni].settled) f->common[2 * eni + 1].settled = 1;
    return FLOWLOG_OK;
}

static flowlog_status mark_told(const struct finder *f)
{
    for (size_t i = 0; i < f->d->told.addresses; i++) {
        const struct fl_told_address *t = &f->d->told.address[i];
        int known;
        const uint32_t number = flowlog__diagnosis_addr_number(f->d, &t->addr, &known);
        if (!known) continue;
        f->common[2 * t->eni + (t->addr.family == 6)].settled = 1;
        FL_TRY(mark(f, t->eni, number, t->addr.family == 6, FL_LOCAL_TOLD));
    }
    return FLOWLOG_OK;
}

/* From conversations that were forgotten. */
static flowlog_status mark_learned(const struct finder *f)
{
    const struct fl_map *learned = &f->d->learned;
    for (uint32_t i = 1; i <= learned->keys.count; i++) {
        struct own_key key;
        memcpy(&key, fl_intern_text(&learned->keys, i).ptr, sizeof key);
        FL_TRY(mark(f, key.eni, key.addr, (int)key.v6, learned->value[i - 1]));
    }
    return FLOWLOG_OK;
}

/* Every address that is known so far to its interface; `weak` ones too. */
static flowlog_status fill_owners(const struct finder *f, int weak)
{
    const struct fl_map *own = &f->locals->own;
    for (uint32_t i = 1; i <= own->keys.count; i++) {
        struct own_key key;
        if (own->value[i - 1] == (FL_LOCAL_FOUND | FL_LOCAL_WEAK) && !weak) continue;
        memcpy(&key, fl_intern_text(&own->keys, i).ptr, sizeof key);
        const struct owner_key to = {key.addr, key.v6};
        uint32_t *owner;
        FL_TRY(flowlog__map_at(&f->locals->owner, f->alloc, &to, sizeof to, &owner));
        *owner = !*owner || *owner == key.eni ? key.eni : FL_OWNER_MANY;
    }
    return FLOWLOG_OK;
}

static flowlog_status fill_ones(const struct finder *f)
{
    struct fl_locals *l = f->locals;
    l->ones = 2 * ((size_t)f->d->names.count + 1);
    struct fl_local_one *one = flowlog__alloc_zero(f->alloc, l->ones * sizeof *one);
    if (!one) return FLOWLOG_E_MEMORY;
    for (uint32_t i = 1; i <= l->own.keys.count; i++) {
        struct own_key key;
        memcpy(&key, fl_intern_text(&l->own.keys, i).ptr, sizeof key);
        struct fl_local_one *to = &one[2 * (size_t)key.eni + key.v6];
        to->many |= to->how != 0;
        to->addr = key.addr;
        to->how = (uint8_t)l->own.value[i - 1];
    }
    l->one = one;
    return FLOWLOG_OK;
}

/* --- two candidates ---------------------------------------------------------------------------------------- */

static flowlog_status settle(const struct finder *f, uint32_t eni, int v6, unsigned which, uint32_t how)
{
    struct common *c = &f->common[2 * eni + (uint32_t)v6];
    c->settled = 1;
    return mark(f, eni, c->addr[which], v6, how);
}

/* By what is known of other interfaces, then by what is private. */
static flowlog_status break_tie(const struct finder *f, uint32_t eni, int v6)
{
    const struct common *c = &f->common[2 * eni + (uint32_t)v6];
    int other[2], inside[2];
    for (unsigned i = 0; i < 2; i++) {
        const uint32_t owner = flowlog__local_owner(f->locals, c->addr[i], v6);
        const flowlog_addr addr = flowlog__diagnosis_addr(f->d, c->addr[i], v6);
        if (flowlog__local_is(f->locals, eni, c->addr[i], v6)) return settle(f, eni, v6, i, FL_LOCAL_FOUND);
        other[i] = owner && owner != eni;
        inside[i] = flowlog__addr_is_inside(f->d, &addr);
    }
    if (other[0] != other[1]) return settle(f, eni, v6, other[0] ? 1 : 0, FL_LOCAL_TIED);
    if (inside[0] != inside[1]) return settle(f, eni, v6, inside[0] ? 0 : 1, FL_LOCAL_TIED);
    return FLOWLOG_OK;
}

/*
 * Causality: what one interface accepted and another refused came through the one first.  `place` are conversations
 * of undecided interfaces, those with the same packets next to each other.
 */
struct sides {
    uint32_t first[4], last[4]; /* by FL_SEG_BACK | FL_SEG_REJECT */
    uint8_t has[4];
};

static void sides_of(const flowlog_diagnosis *d, const struct fl_conversation *c, struct sides *s)
{
    struct fl_segment segment[FL_SEGMENTS_MAX];
    const uint32_t n = flowlog__conversation_segments(&d->table, c, segment);
    memset(s, 0, sizeof *s);
    for (uint32_t i = 0; i < n; i++) {
        const unsigned side = segment[i].meta & (FL_SEG_BACK | FL_SEG_REJECT);
        if (!s->has[side] || segment[i].first < s->first[side]) s->first[side] = segment[i].first;
        if (!s->has[side] || segment[i].last > s->last[side]) s->last[side] = segment[i].last;
        s->has[side] = 1;
    }
}

static void vote(const struct finder *f, const struct fl_conversation *c, uint32_t addr)
{
    struct common *common = &f->common[2 * fl_key_interface(&c->key) + (uint32_t)fl_key_a6(&c->key)];
    if (common->left != 2 || common->settled) return;
    if (addr == common->addr[0]) common->votes |= 1;
    if (addr == common->addr[1]) common->votes |= 2;
}

static void vote_pair(const struct finder *f, const struct fl_conversation *x, const struct fl_conversation *y)
{
    struct sides a, r;
    sides_of(f->d, x, &a);
    sides_of(f->d, y, &r);
    for (unsigned back = 0; back < 2; back++) {
        const unsigned refused = back | FL_SEG_REJECT;
        if (!a.has[back] || !r.has[refused]) continue;
        if (a.first[back] > (uint64_t)r.last[refused] + f->window ||
            r.first[refused] > (uint64_t)a.last[back] + f->window)
            continue;
        vote(f, x, back ? x->key.b : x->key.a);
        vote(f, y, back ? y->key.a : y->key.b);
    }
}

struct causes {
    const struct fl_conversations *table;
    const uint32_t *place;
};

static int compare_packets(const struct fl_conversation_key *x, const struct fl_conversation_key *y)
{
    if ((x->where ^ y->where) & 0x3FF) return (x->where & 0x3FF) < (y->where & 0x3FF) ? -1 : 1;
    if (x->a != y->a) return x->a < y->a ? -1 : 1;
    if (x->b != y->b) return x->b < y->b ? -1 : 1;
    return x->ports < y->ports ? -1 : x->ports > y->ports;
}

static int compare_causes(const void *things, uint32_t a, uint32_t b)
{
    const struct causes *s = things;
    const struct fl_conversation_key *x = &fl_conversation_at(s->table, s->place[a])->key;
    const struct fl_conversation_key *y = &fl_conversation_at(s->table, s->place[b])->key;
    const int c = compare_packets(x, y);
    return c ? c : x->where < y->where ? -1 : x->where > y->where;
}

static int is_undecided(const struct finder *f, const struct fl_conversation *c)
{
    if ((c->state & FL_CONVERSATION_GONE) || !c->used || c->key.outer || fl_key_a6(&c->key) != fl_key_b6(&c->key))
        return 0;
    const struct common *common = &f->common[2 * fl_key_interface(&c->key) + (uint32_t)fl_key_a6(&c->key)];
    return common->left == 2 && !common->settled;
}

static void vote_all(const struct finder *f, const struct causes *s, const uint32_t *index, uint32_t n)
{
    enum { MOST = 16 /* interfaces that one packet is compared on */ };
    for (uint32_t i = 0; i < n; i++) {
        const struct fl_conversation *x = fl_conversation_at(s->table, s->place[index[i]]);
        for (uint32_t j = i + 1; j < n && j - i < MOST; j++) {
            const struct fl_conversation *y = fl_conversation_at(s->table, s->place[index[j]]);
            if (compare_packets(&x->key, &y->key)) break;
            if (fl_key_interface(&x->key) == fl_key_interface(&y->key)) continue;
            vote_pair(f, x, y);
            vote_pair(f, y, x);
        }
    }
}

static flowlog_status find_causes(const struct finder *f)
{
    const struct fl_conversations *table = &f->d->table;
    uint32_t n = 0, at = 0;
    for (uint32_t i = 0; i < table->pool.count; i++) n += (uint32_t)is_undecided(f, fl_conversation_at(table, i));
    if (n < 2) return FLOWLOG_OK;
    uint32_t *place = flowlog__alloc_array(f->alloc, n, sizeof *place);
    uint32_t *index = flowlog__alloc_array(f->alloc, n, sizeof *index);
    if (place && index) {
        for (uint32_t i = 0; i < table->pool.count; i++)
            if (is_undecided(f, fl_conversation_at(table, i))) {
                index[at] = at;
                place[at++] = i;
            }
        const struct causes s = {table, place};
        flowlog__sort(index, n, compare_causes, &s);
        vote_all(f, &s, index, n);
    }
    const flowlog_status status = place && index ? FLOWLOG_OK : FLOWLOG_E_MEMORY;
    if (place) flowlog__release(f->alloc, place, n * sizeof *place);
    if (index) flowlog__release(f->alloc, index, n * sizeof *index);
    return status;
}

/* --- several addresses ------------------------------------------------------------------------------------- */

/* Two addresses that occur together, how often, and whether one of them was chosen. */
struct pair {
    uint32_t slot; /* 2 * interface + family */
    uint32_t x, y;
    uint32_t records;
    uint8_t covered;
};
struct choice {
    uint32_t addr, records, peers;
};

static int compare_pairs(const void *things, uint32_t a, uint32_t b)
{
    const struct pair *x = (const struct pair *)things + a, *y = (const struct pair *)things + b;
    if (x->slot != y->slot) return x->slot < y->slot ? -1 : 1;
    if (x->x != y->x) return x->x < y->x ? -1 : 1;
    return x->y < y->y ? -1 : x->y > y->y;
}

static int compare_choices(const void *things, uint32_t a, uint32_t b)
{
    const struct choice *x = (const struct choice *)things + a, *y = (const struct choice *)things + b;
    return x->addr < y->addr ? -1 : x->addr > y->addr;
}

/* 1 if x is to be taken rather than y. */
static int is_better(const struct finder *f, const struct choice *x, const struct choice *y, int v6)
{
    if (x->records != y->records) return x->records > y->records;
    if (x->peers != y->peers) return x->peers > y->peers;
    const flowlog_addr a = flowlog__diagnosis_addr(f->d, x->addr, v6), b = flowlog__diagnosis_addr(f->d, y->addr, v6);
    const int inside_a = flowlog__addr_is_inside(f->d, &a), inside_b = flowlog__addr_is_inside(f->d, &b);
    if (inside_a != inside_b) return inside_a;
    char text_a[FLOWLOG_ADDR_TEXT_MAX], text_b[FLOWLOG_ADDR_TEXT_MAX];
    flowlog_addr_format(&a, text_a);
    flowlog_addr_format(&b, text_b);
    return strcmp(text_a, text_b) > 0;
}

/* The address that is in most of the uncovered records of pairs[0..n); 0 when all are covered. */
static int choose(const struct finder *f, const struct pair *pairs, uint32_t n, struct choice *ends, uint32_t *index,
                  uint32_t *addr)
{
    uint32_t count = 0, best = UINT32_MAX;
    for (uint32_t i = 0; i < n; i++) {
        if (pairs[i].covered) continue;
        ends[count] = (struct choice){pairs[i].x, pairs[i].records, 1};
        ends[count + 1] = (struct choice){pairs[i].y, pairs[i].records, 1};
        index[count] = count;
        index[count + 1] = count + 1;
        count += 2;
    }
    if (!count) return 0;
    flowlog__sort(index, count, compare_choices, ends);
    uint32_t at = 0; /* the first of those with the same address takes the sum */
    for (uint32_t i = 0; i < count; i++) {
        if (ends[index[i]].addr != ends[index[at]].addr) at = i;
        if (i != at) {
            ends[index[at]].records += ends[index[i]].records;
            ends[index[at]].peers++;
        }
        const int last = i + 1 == count || ends[index[i + 1]].addr != ends[index[at]].addr;
        if (last && (best == UINT32_MAX || is_better(f, &ends[index[at]], &ends[best], pairs->slot & 1)))
            best = index[at];
    }
    *addr = ends[best].addr;
    return 1;
}

static flowlog_status cover(const struct finder *f, struct pair *pairs, uint32_t n, struct choice *ends,
                            uint32_t *index)
{
    enum { ROUNDS = 64 /* addresses of an interface; AWS allows 50 */ };
    const uint32_t eni = pairs->slot / 2;
    const int v6 = pairs->slot & 1;
    uint32_t addr;
    for (uint32_t i = 0; i < n; i++) /* what is known, as by flow-direction, needs no other reason */
        pairs[i].covered = flowlog__local_is(f->locals, eni, pairs[i].x, v6) ||
                           flowlog__local_is(f->locals, eni, pairs[i].y, v6);
    for (unsigned round = 0; round < ROUNDS && choose(f, pairs, n, ends, index, &addr); round++) {
        FL_TRY(mark(f, eni, addr, v6, v6 ? FL_LOCAL_FOUND | FL_LOCAL_WEAK : FL_LOCAL_FOUND));
        for (uint32_t i = 0; i < n; i++) pairs[i].covered |= pairs[i].x == addr || pairs[i].y == addr;
    }
    return FLOWLOG_OK;
}

/* Pairs of interfaces without a common address, in order, equal ones put together.  Returns how many. */
static uint32_t list_pairs(const struct finder *f, struct pair *pairs, uint32_t *index, struct pair *sorted)
{
    const flowlog_diagnosis *d = f->d;
    uint32_t n = 0, out = 0;
    for (uint32_t i = 0; i < d->table.pool.count; i++) {
        const struct fl_conversation *c = fl_conversation_at(&d->table, i);
        if ((c->state & FL_CONVERSATION_GONE) || !c->used) continue;
        const struct fl_outer o = fl_outer_of(d, &c->key);
        const uint32_t slot = 2 * fl_key_interface(&c->key) + (o.families & 1);
        const struct common *common = &f->common[slot];
        if (!common->begun || common->left || common->settled || (o.families && o.families != 3)) continue;
        if (pairs) {
            struct fl_segment segment[FL_SEGMENTS_MAX];
            const uint32_t segments = flowlog__conversation_segments(&d->table, c, segment);
            pairs[n] = (struct pair){slot, o.a < o.b ? o.a : o.b, o.a < o.b ? o.b : o.a, 0, 0};
            for (uint32_t k = 0; k < segments; k++) pairs[n].records += segment[k].records;
            index[n] = n;
        }
        n++;
    }
    if (!pairs) return n;
    flowlog__sort(index, n, compare_pairs, pairs);
    for (uint32_t i = 0; i < n; i++) {
        if (i && !compare_pairs(pairs, index[i], index[i - 1])) sorted[out - 1].records += pairs[index[i]].records;
        else sorted[out++] = pairs[index[i]];
    }
    return out;
}

static flowlog_status cover_all(const struct finder *f)
{
    const uint32_t n = list_pairs(f, NULL, NULL, NULL);
    if (!n) return FLOWLOG_OK;
    flowlog_status status = FLOWLOG_E_MEMORY;
    struct pair *pairs = flowlog__alloc_array(f->alloc, 2 * (size_t)n, sizeof *pairs);
    struct choice *ends = flowlog__alloc_array(f->alloc, 2 * (size_t)n, sizeof *ends);
    uint32_t *index = flowlog__alloc_array(f->alloc, 2 * (size_t)n, sizeof *index);
    if (pairs && ends && index) {
        struct pair *sorted = pairs + n;
        const uint32_t count = list_pairs(f, pairs, index, sorted);
        status = FLOWLOG_OK;
        for (uint32_t from = 0, to; status >= 0 && from < count; from = to) {
            for (to = from + 1; to < count && sorted[to].slot == sorted[from].slot; to++) {}
            status = cover(f, sorted + from, to - from, ends, index);
        }
    }
    if (pairs) flowlog__release(f->alloc, pairs, 2 * (size_t)n * sizeof *pairs);
    if (ends) flowlog__release(f->alloc, ends, 2 * (size_t)n * sizeof *ends);
    if (index) flowlog__release(f->alloc, index, 2 * (size_t)n * sizeof *index);
    return status;
}

/* --- all together ------------------------------------------------------------------------------------------ */

static flowlog_status find_all(const struct finder *f)
{
    const uint32_t slots = 2 * (f->d->names.count + 1);
    FL_TRY(mark_told(f));
    FL_TRY(mark_learned(f));
    FL_TRY(collect(f));
    FL_TRY(mark_blocks(f));
    for (uint32_t s = 2; s < slots; s++)
        if (f->common[s].left == 1 && !f->common[s].settled && !f->common[s].seen)
            FL_TRY(settle(f, s / 2, s & 1, 0, (s & 1) ? FL_LOCAL_FOUND | FL_LOCAL_WEAK : FL_LOCAL_FOUND));
    FL_TRY(cover_all(f));
    FL_TRY(fill_owners(f, 0)); /* ties are broken by what is certain, or the order of interfaces would matter */
    for (uint32_t s = 2; s < slots; s++)
        if (f->common[s].left == 2 && !f->common[s].settled) FL_TRY(break_tie(f, s / 2, s & 1));
    FL_TRY(find_causes(f));
    for (uint32_t s = 2; s < slots; s++)
        if (f->common[s].left == 2 && !f->common[s].settled && (f->common[s].votes == 1 || f->common[s].votes == 2))
            FL_TRY(settle(f, s / 2, s & 1, f->common[s].votes - 1u, FL_LOCAL_TIED));
    flowlog__map_free(&f->locals->owner, f->alloc);
    FL_TRY(fill_owners(f, 1));
    return fill_ones(f);
}

flowlog_status flowlog__locals_find(const flowlog_diagnosis *d, uint32_t window, struct fl_locals *locals)
{
    memset(locals, 0, sizeof *locals);
    const size_t slots = 2 * ((size_t)d->names.count + 1);
    struct fl_intern block;
    memset(&block, 0, sizeof block);
    struct finder f = {d, &d->alloc, locals, NULL, NULL, &block, window};
    f.common = flowlog__alloc_zero(&d->alloc, slots * sizeof *f.common);
    f.blocks = flowlog__alloc_zero(&d->alloc, slots / 2 * sizeof *f.blocks);
    const flowlog_status status = f.common && f.blocks ? find_all(&f) : FLOWLOG_E_MEMORY;
    if (f.common) flowlog__release(&d->alloc, f.common, slots * sizeof *f.common);
    if (f.blocks) flowlog__release(&d->alloc, f.blocks, slots / 2 * sizeof *f.blocks);
    flowlog__intern_free(&block, &d->alloc);
    return status;
}

void flowlog__locals_free(struct fl_locals *locals, const flowlog_alloc *alloc)
{
    flowlog__map_free(&locals->own, alloc);
    if (locals->one) flowlog__release(alloc, locals->one, locals->ones * sizeof *locals->one);
    locals->one = NULL;
    flowlog__map_free(&locals->owner, alloc);
}

unsigned flowlog__local_way(const struct fl_locals *locals, const flowlog_diagnosis *d,
                            const struct fl_conversation *c, int *weak)
{
    *weak = 0;
    const unsigned seen = seen_way(d, c);
    if (seen != FLOWLOG_WAY_UNKNOWN) return seen;
    const uint32_t eni = fl_key_interface(&c->key);
    const struct fl_outer o = fl_outer_of(d, &c->key);
    const unsigned a = flowlog__local_is(locals, eni, o.a, o.families & 1);
    const unsigned b = flowlog__local_is(locals, eni, o.b, (int)(o.families >> 1));
    if ((a | b) & FL_LOCAL_TOLD)
        return !(b & FL_LOCAL_TOLD) ? FLOWLOG_WAY_OUT : !(a & FL_LOCAL_TOLD) ? FLOWLOG_WAY_IN : FLOWLOG_WAY_UNKNOWN;
    if (a && b && ((a ^ b) & FL_LOCAL_WEAK)) return (b & FL_LOCAL_WEAK) ? FLOWLOG_WAY_OUT : FLOWLOG_WAY_IN;
    *weak = ((a | b) & FL_LOCAL_WEAK) != 0;
    return a && !b ? FLOWLOG_WAY_OUT : b && !a ? FLOWLOG_WAY_IN : FLOWLOG_WAY_UNKNOWN;
}
