/* SPDX-License-Identifier: MIT */
/* rules.c - the store of rules: pools, symbols, the way from an id or an address to an object; see rules_store.h. */
#include "analyze/rules.h"

#include <string.h>

#include "analyze/rules_store.h"
#include "analyze/sort.h"
#include "core/alloc.h"
#include "core/error.h"
#include "core/hash.h"

#define FIRST_SLOTS 64u
/* A table at most half full has runs of a few; a text made of ids that hash alike must not cost n * n. */
#define PROBES_MAX 4096u

static const size_t element_size[FL_POOL_COUNT] = {
#define FL_POOL_SIZE(name, type) sizeof(type),
    FL_POOLS(FL_POOL_SIZE)
#undef FL_POOL_SIZE
};

flowlog_status flowlog__rules_reserve(struct fl_rules *r, int pool, uint32_t more, flowlog_error *err)
{
    struct fl_pool *p = &r->pool[pool];
    const uint32_t most = pool == FL_POOL_TEXT ? UINT32_MAX / 2 : FL_RULES_ITEMS_MAX;
    if (more <= p->cap - p->count) return FLOWLOG_OK;
    if (more > most - p->count)
        return FL_FAIL(err, FLOWLOG_E_LIMIT, "more rules, interfaces or ids than the limit allows");
    uint64_t cap = (uint64_t)p->cap * 2;
    if (cap < (uint64_t)p->count + more) cap = (uint64_t)p->count + more;
    if (cap < 16) cap = 16;
    if (cap > most) cap = most;
    const size_t size = element_size[pool];
    void *data = NULL;
    if (cap <= SIZE_MAX / size) data = flowlog__resize(&r->alloc, p->data, p->cap * size, (size_t)cap * size);
    if (!data) return FL_FAIL(err, FLOWLOG_E_MEMORY, "no memory for rules");
    p->data = data;
    p->cap = (uint32_t)cap;
    return FLOWLOG_OK;
}

flowlog_status flowlog__rules_new(const flowlog_alloc *alloc, struct fl_rules **rules)
{
    const flowlog_alloc a = flowlog__alloc_or_default(alloc);
    struct fl_rules *r = flowlog__alloc_zero(&a, sizeof *r);
    if (!r) return FLOWLOG_E_MEMORY;
    r->alloc = a;
    r->slots = FIRST_SLOTS;
    r->slot = flowlog__alloc_zero(&a, FIRST_SLOTS * sizeof *r->slot);
    if (!r->slot || flowlog__rules_reserve(r, FL_POOL_SYMBOL, 1, NULL) < 0) {
        flowlog__rules_free(r);
        return FLOWLOG_E_MEMORY;
    }
    memset(fl_symbol_at(r, 0), 0, sizeof(struct fl_symbol)); /* no symbol, which stands for nothing */
    r->pool[FL_POOL_SYMBOL].count = 1;
    *rules = r;
    return FLOWLOG_OK;
}

void flowlog__rules_free(struct fl_rules *r)
{
    if (!r) return;
    const flowlog_alloc a = r->alloc;
    for (int i = 0; i < FL_POOL_COUNT; i++) flowlog__release(&a, r->pool[i].data, r->pool[i].cap * element_size[i]);
    flowlog__release(&a, r->slot, r->slots * sizeof *r->slot);
    flowlog__release(&a, r, sizeof *r);
}

/* --- symbols --------------------------------------------------------------------------------- */

/* The slot of a text, or the empty one where it would be; slots when that is too far away. */
static uint32_t find_slot(const struct fl_rules *r, flowlog_str text)
{
    uint32_t at = (uint32_t)fl_hash_bytes(text.ptr, text.len) & (r->slots - 1);
    for (uint32_t probes = 0; probes < PROBES_MAX; probes++, at = (at + 1) & (r->slots - 1)) {
        const uint32_t symbol = r->slot[at];
        if (!symbol) return at;
        const flowlog_str s = fl_symbol_text(r, symbol);
        if (s.len == text.len && !memcmp(s.ptr, text.ptr, s.len)) return at;
    }
    return r->slots;
}

uint32_t flowlog__rules_symbol(const struct fl_rules *r, flowlog_str text)
{
    if (!text.len) return 0;
    const uint32_t at = find_slot(r, text);
    return at < r->slots ? r->slot[at] : 0;
}

static flowlog_status too_alike(flowlog_error *err)
{
    return FL_FAIL(err, FLOWLOG_E_LIMIT, "too many ids that hash alike");
}

static flowlog_status grow_slots(struct fl_rules *r, flowlog_error *err)
{
    const uint32_t old_slots = r->slots;
    uint32_t *const old = r->slot;
    uint32_t *slot = flowlog__alloc_zero(&r->alloc, (size_t)old_slots * 2 * sizeof *slot);
    if (!slot) return FL_FAIL(err, FLOWLOG_E_MEMORY, "no memory for rules");
    r->slot = slot;
    r->slots = old_slots * 2;
    for (uint32_t i = 1; i < fl_pool_count(r, FL_POOL_SYMBOL); i++) {
        const uint32_t at = find_slot(r, fl_symbol_text(r, i));
        if (at == r->slots) {
            flowlog__release(&r->alloc, slot, (size_t)r->slots * sizeof *slot);
            r->slot = old;
            r->slots = old_slots;
            return too_alike(err);
        }
        slot[at] = i;
    }
    flowlog__release(&r->alloc, old, (size_t)old_slots * sizeof *old);
    return FLOWLOG_OK;
}

flowlog_status flowlog__rules_intern(struct fl_rules *r, flowlog_str text, uint32_t *symbol, flowlog_error *err)
{
    *symbol = 0;
    if (!text.len) return FLOWLOG_OK;
    const uint32_t count = fl_pool_count(r, FL_POOL_SYMBOL);
    if (count >= r->slots / 2) FL_TRY(grow_slots(r, err));
    const uint32_t at = find_slot(r, text);
    if (at == r->slots) return too_alike(err);
    if (r->slot[at]) {
        *symbol = r->slot[at];
        return FLOWLOG_OK;
    }
    FL_TRY(flowlog__rules_reserve(r, FL_POOL_SYMBOL, 1, err));
    FL_TRY(flowlog__rules_reserve(r, FL_POOL_TEXT, (uint32_t)text.len, err));
    struct fl_pool *pool = &r->pool[FL_POOL_TEXT];
    struct fl_symbol *s = fl_symbol_at(r, count);
    memset(s, 0, sizeof *s);
    s->offset = pool->count;
    s->len = (uint32_t)text.len;
    memcpy((char *)pool->data + pool->count, text.ptr, text.len);
    pool->count += s->len;
    r->pool[FL_POOL_SYMBOL].count = count + 1;
    *symbol = r->slot[at] = count;
    return FLOWLOG_OK;
}

/* --- objects by their ids -------------------------------------------------------------------- */

static void index_acls(struct fl_rules *r)
{
    for (uint32_t i = 0; i < fl_pool_count(r, FL_POOL_ACL); i++) fl_symbol_at(r, fl_acl_at(r, i)->id)->acl = i + 1;
    for (uint32_t i = 0; i < fl_pool_count(r, FL_POOL_ACL); i++) {
        const struct fl_acl *acl = fl_acl_at(r, i);
        if (fl_symbol_at(r, acl->id)->acl != i + 1) continue;
        for (uint32_t k = 0; k < acl->subnets.count; k++)
            fl_symbol_at(r, *fl_name_at(r, acl->subnets.begin + k))->subnet_acl = i + 1;
        if (acl->is_default && acl->vpc) fl_symbol_at(r, acl->vpc)->default_acl = i + 1;
    }
}

static void index_subnets(struct fl_rules *r)
{
    for (uint32_t i = 0; i < fl_pool_count(r, FL_POOL_SUBNET); i++)
        fl_symbol_at(r, fl_subnet_at(r, i)->id)->subnet = i + 1;
    for (uint32_t i = 0; i < fl_pool_count(r, FL_POOL_SUBNET); i++) {
        struct fl_subnet *subnet = fl_subnet_at(r, i);
        if (!subnet->vpc || fl_symbol_at(r, subnet->id)->subnet != i + 1) continue;
        subnet->next = fl_symbol_at(r, subnet->vpc)->first_subnet;
        fl_symbol_at(r, subnet->vpc)->first_subnet = i + 1;
    }
}

/* --- interfaces by their addresses ----------------------------------------------------------- */

static int compare_blocks(const struct fl_cidr *a, const struct fl_cidr *b)
{
    if (a->family != b->family) return a->family < b->family ? -1 : 1;
    if (a->bits != b->bits) return a->bits < b->bits ? -1 : 1;
    return memcmp(a->bytes, b->bytes, sizeof a->bytes);
}

static int compare_owners(const void *things, uint32_t a, uint32_t b)
{
    const struct fl_rules *r = things;
    const struct fl_address *x = fl_address_at(r, a), *y = fl_address_at(r, b);
    const int order = compare_blocks(&x->cidr, &y->cidr);
    if (order) return order;
    const uint32_t x_vpc = fl_iface_at(r, x->iface)->vpc, y_vpc = fl_iface_at(r, y->iface)->vpc;
    if (x_vpc != y_vpc) return x_vpc < y_vpc ? -1 : 1;
    return a < b ? -1 : a > b;
}

static void index_addresses(struct fl_rules *r)
{
    uint8_t seen[2][129] = {{0}};
    uint32_t owners = 0;
    for (uint32_t i = 0; i < fl_pool_count(r, FL_POOL_ADDRESS); i++) {
        const struct fl_address *a = fl_address_at(r, i);
        if (fl_symbol_at(r, fl_iface_at(r, a->iface)->id)->iface != a->iface + 1) continue;
        seen[a->cidr.family == 6][a->cidr.bits] = 1;
        *fl_owner_at(r, owners++) = i;
    }
    FL_ASSERT(owners <= r->pool[FL_POOL_OWNER].cap);
    r->pool[FL_POOL_OWNER].count = owners;
    if (owners) flowlog__sort(fl_owner_at(r, 0), owners, compare_owners, r);
    for (unsigned six = 0; six < 2; six++) {
        unsigned n = 0;
        for (unsigned bits = 129; bits--;)
            if (seen[six][bits]) r->lengths[six][n++] = (uint8_t)bits;
        r->lengths_count[six] = (uint8_t)n;
    }
}

void flowlog__rules_index(struct fl_rules *r)
{
    for (uint32_t i = 0; i < fl_pool_count(r, FL_POOL_SYMBOL); i++) {
        struct fl_symbol *s = fl_symbol_at(r, i);
        const struct fl_symbol blank = {.offset = s->offset, .len = s->len};
        *s = blank;
    }
    index_acls(r);
    index_subnets(r);
    for (uint32_t i = 0; i < fl_pool_count(r, FL_POOL_GROUP); i++)
        fl_symbol_at(r, fl_group_at(r, i)->id)->group = i + 1;
    for (uint32_t i = 0; i < fl_pool_count(r, FL_POOL_VPC); i++) fl_symbol_at(r, fl_vpc_at(r, i)->id)->vpc = i + 1;
    for (uint32_t i = 0; i < fl_pool_count(r, FL_POOL_LIST); i++) fl_symbol_at(r, fl_list_at(r, i)->id)->list = i + 1;
    for (uint32_t i = 0; i < fl_pool_count(r, FL_POOL_IFACE); i++)
        fl_symbol_at(r, fl_iface_at(r, i)->id)->iface = i + 1;
    index_addresses(r);
}

/* The first owner of a block, and of a VPC `vpc` or behind it. */
static uint32_t lower_bound(const struct fl_rules *r, const struct fl_cidr *block, uint32_t vpc)
{
    uint32_t low = 0, high = fl_pool_count(r, FL_POOL_OWNER);
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        const struct fl_address *a = fl_address_at(r, *fl_owner_at(r, middle));
        const int order = compare_blocks(&a->cidr, block);
        if (order < 0 || (order == 0 && fl_iface_at(r, a->iface)->vpc < vpc)) low = middle + 1;
        else high = middle;
    }
    return low;
}

uint32_t flowlog__rules_owner_in(const struct fl_rules *r, const flowlog_addr *addr, uint32_t vpc)
{
    const unsigned six = addr->family == 6;
    for (unsigned i = 0; i < r->lengths_count[six]; i++) {
        const struct fl_cidr block = flowlog__cidr_of(addr, r->lengths[six][i]);
        const uint32_t behind = lower_bound(r, &block, vpc + 1);
        if (!behind) continue;
        const struct fl_address *a = fl_address_at(r, *fl_owner_at(r, behind - 1));
        if (!compare_blocks(&a->cidr, &block) && fl_iface_at(r, a->iface)->vpc == vpc) return a->iface + 1;
    }
    return 0;
}

struct fl_span flowlog__rules_owners(const struct fl_rules *r, const flowlog_addr *addr)
{
    struct fl_span owners = {0, 0};
    const unsigned six = addr->family == 6;
    for (unsigned i = 0; i < r->lengths_count[six] && !owners.count; i++) {
        const struct fl_cidr block = flowlog__cidr_of(addr, r->lengths[six][i]);
        owners.begin = lower_bound(r, &block, 0);
        owners.count = lower_bound(r, &block, UINT32_MAX) - owners.begin;
    }
    return owners;
}

uint32_t flowlog__rules_iface(const struct fl_rules *r, flowlog_str eni)
{
    return fl_symbol_at(r, flowlog__rules_symbol(r, eni))->iface;
}

uint32_t flowlog__rules_acl_of(const struct fl_rules *r, uint32_t iface)
{
    const struct fl_iface *f = fl_iface_at(r, iface - 1);
    const struct fl_symbol *subnet = fl_symbol_at(r, f->subnet);
    if (!f->subnet) return 0;
    if (subnet->subnet_acl) return subnet->subnet_acl;
    const uint32_t vpc = f->vpc ? f->vpc : subnet->subnet ? fl_subnet_at(r, subnet->subnet - 1)->vpc : 0;
    return fl_symbol_at(r, vpc)->default_acl;
}
