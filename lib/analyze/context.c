/* SPDX-License-Identifier: MIT */
/* context.c - see context.h. */
#include "analyze/context.h"

#include <string.h>

#include "analyze/json.h"
#include "analyze/rules.h"
#include "core/error.h"

struct context {
    flowlog_diagnosis *d;
    const struct fl_json *doc;
    flowlog_error *err;
};

/* --- what was told ----------------------------------------------------------------------------------------- */

static flowlog_status grow(const flowlog_alloc *alloc, void **items, size_t *cap, size_t count, size_t size)
{
    if (count < *cap) return FLOWLOG_OK;
    const size_t more = *cap ? *cap * 2 : 16;
    if (more > SIZE_MAX / size) return FLOWLOG_E_MEMORY;
    void *p = flowlog__resize(alloc, *items, *cap * size, more * size);
    if (!p) return FLOWLOG_E_MEMORY;
    *items = p;
    *cap = more;
    return FLOWLOG_OK;
}

flowlog_status flowlog__told_address(flowlog_diagnosis *d, uint32_t eni, const flowlog_addr *addr)
{
    struct fl_told *t = &d->told;
    void *items = t->address;
    const flowlog_status status = grow(&d->alloc, &items, &t->address_cap, t->addresses, sizeof *t->address);
    t->address = items;
    if (status < 0) return status;
    t->address[t->addresses].eni = eni;
    t->address[t->addresses++].addr = *addr;
    return FLOWLOG_OK;
}

flowlog_status flowlog__told_block(flowlog_diagnosis *d, uint32_t subnet, const struct fl_cidr *cidr)
{
    struct fl_told *t = &d->told;
    void *items = t->block;
    const flowlog_status status = grow(&d->alloc, &items, &t->block_cap, t->blocks, sizeof *t->block);
    t->block = items;
    if (status < 0) return status;
    t->block[t->blocks].subnet = subnet;
    t->block[t->blocks++].cidr = *cidr;
    return FLOWLOG_OK;
}

void flowlog__told_free(flowlog_diagnosis *d)
{
    struct fl_told *t = &d->told;
    if (t->address) flowlog__release(&d->alloc, t->address, t->address_cap * sizeof *t->address);
    if (t->block) flowlog__release(&d->alloc, t->block, t->block_cap * sizeof *t->block);
}

/* --- values ------------------------------------------------------------------------------------------------ */

static flowlog_status fail(const struct context *c, uint32_t node, const char *what)
{
    return flowlog__json_fail(c->doc, node, c->err, FLOWLOG_E_SYNTAX, what);
}

static flowlog_status no_memory(const struct context *c, flowlog_status status)
{
    return status < 0 ? FL_FAIL(c->err, status, status == FLOWLOG_E_LIMIT ? "too many interfaces" : "out of memory for the context")
                      : FLOWLOG_OK;
}

static flowlog_status get_addr(const struct context *c, uint32_t node, flowlog_addr *addr)
{
    FL_TRY(flowlog__json_expect(c->doc, node, FL_JSON_STRING, c->err));
    const flowlog_str text = fl_json_text(c->doc, node);
    return flowlog_addr_parse(text.ptr, text.len, addr) < 0 ? fail(c, node, "an IPv4 or IPv6 address is expected")
                                                            : FLOWLOG_OK;
}

static flowlog_status get_seconds(const struct context *c, uint32_t node, uint32_t *seconds)
{
    int64_t value;
    FL_TRY(flowlog__json_int(c->doc, node, 0, UINT32_MAX, &value, c->err));
    *seconds = (uint32_t)value;
    return FLOWLOG_OK;
}

static flowlog_status load_addresses(const struct context *c, uint32_t list, uint32_t eni)
{
    FL_TRY(flowlog__json_expect(c->doc, list, FL_JSON_ARRAY, c->err));
    for (uint32_t i = fl_json_first(c->doc, list); i; i = fl_json_next(c->doc, list, i)) {
        flowlog_addr addr;
        FL_TRY(get_addr(c, i, &addr));
        FL_TRY(no_memory(c, flowlog__told_address(c->d, eni, &addr)));
    }
    return FLOWLOG_OK;
}

static flowlog_status load_blocks(const struct context *c, uint32_t list, uint32_t subnet)
{
    FL_TRY(flowlog__json_expect(c->doc, list, FL_JSON_ARRAY, c->err));
    for (uint32_t i = fl_json_first(c->doc, list); i; i = fl_json_next(c->doc, list, i)) {
        struct fl_cidr cidr;
        FL_TRY(flowlog__json_expect(c->doc, i, FL_JSON_STRING, c->err));
        if (!flowlog__cidr_parse(fl_json_text(c->doc, i), &cidr)) return fail(c, i, "an address block is expected");
        FL_TRY(no_memory(c, flowlog__told_block(c->d, subnet, &cidr)));
    }
    return FLOWLOG_OK;
}

/* --- members ----------------------------------------------------------------------------------------------- */

static flowlog_status load_local(const struct context *c, uint32_t object)
{
    for (uint32_t i = fl_json_first(c->doc, object); i; i = fl_json_next(c->doc, object, i)) {
        uint32_t eni;
        FL_TRY(no_memory(c, flowlog__diagnosis_interface(c->d, fl_json_text(c->doc, i), &eni)));
        FL_TRY(load_addresses(c, i + 1, eni));
    }
    return FLOWLOG_OK;
}

static flowlog_status load_eni(const struct context *c, uint32_t object, uint32_t eni)
{
    flowlog_str type, subnet;
    uint32_t list;
    FL_TRY(flowlog__json_get_text(c->doc, object, "type", &type, c->err));
    FL_TRY(flowlog__json_get_text(c->doc, object, "subnet", &subnet, c->err));
    FL_TRY(flowlog__json_get_array(c->doc, object, "groups", &list, c->err));
    if (type.ptr)
        c->d->iface[eni].told_type = (uint8_t)flowlog_enum_code(FLOWLOG_FIELD_INTERFACE_TYPE, type.ptr, type.len);
    if (subnet.ptr) FL_TRY(no_memory(c, flowlog__diagnosis_subnet(c->d, eni, subnet, 1)));
    FL_TRY(flowlog__json_get_array(c->doc, object, "addrs", &list, c->err));
    return list ? load_addresses(c, list, eni) : FLOWLOG_OK;
}

static flowlog_status load_enis(const struct context *c, uint32_t object)
{
    for (uint32_t i = fl_json_first(c->doc, object); i; i = fl_json_next(c->doc, object, i)) {
        uint32_t eni;
        FL_TRY(flowlog__json_expect(c->doc, i + 1, FL_JSON_OBJECT, c->err));
        FL_TRY(no_memory(c, flowlog__diagnosis_interface(c->d, fl_json_text(c->doc, i), &eni)));
        FL_TRY(load_eni(c, i + 1, eni));
    }
    return FLOWLOG_OK;
}

static flowlog_status load_subnets(const struct context *c, uint32_t object)
{
    for (uint32_t i = fl_json_first(c->doc, object); i; i = fl_json_next(c->doc, object, i)) {
        const flowlog_str name = fl_json_text(c->doc, i);
        uint32_t subnet;
        FL_TRY(no_memory(c, flowlog__intern(&c->d->texts, &c->d->alloc, name.ptr, name.len, UINT32_MAX, &subnet)));
        FL_TRY(load_blocks(c, i + 1, subnet));
    }
    return FLOWLOG_OK;
}

static flowlog_status load_traffic(const struct context *c, uint32_t node)
{
    static const char *const kinds[] = {"ALL", "ACCEPT", "REJECT"};
    const flowlog_str text = fl_json_text(c->doc, node);
    for (unsigned i = 0; i < 3; i++)
        if (text.len == strlen(kinds[i]) && memcmp(text.ptr, kinds[i], text.len) == 0) {
            c->d->told.traffic = (uint8_t)i;
            return FLOWLOG_OK;
        }
    return fail(c, node, "ALL, ACCEPT or REJECT is expected");
}

static flowlog_status load_window(const struct context *c, uint32_t list)
{
    const uint32_t from = fl_json_first(c->doc, list), to = from ? fl_json_next(c->doc, list, from) : 0;
    if (!to || fl_json_next(c->doc, list, to)) return fail(c, list, "two times are expected");
    FL_TRY(get_seconds(c, from, &c->d->told.window[0]));
    FL_TRY(get_seconds(c, to, &c->d->told.window[1]));
    if (c->d->told.window[0] > c->d->told.window[1]) return fail(c, list, "the first time is after the second");
    c->d->told.has_window = 1;
    return FLOWLOG_OK;
}

static flowlog_status load_query(const struct context *c, uint32_t object)
{
    struct fl_told *t = &c->d->told;
    int64_t port;
    const uint32_t client = flowlog__json_find(c->doc, object, "client");
    const uint32_t server = flowlog__json_find(c->doc, object, "server");
    if (client) FL_TRY(get_addr(c, client, &t->client));
    if (server) FL_TRY(get_addr(c, server, &t->server));
    FL_TRY(flowlog__json_get_int(c->doc, object, "port", 0, 65535, 0, &port, c->err));
    t->port = (uint16_t)port;
    t->asks = 1;
    return FLOWLOG_OK;
}

static flowlog_status load_rules(const struct context *c, uint32_t object)
{
    if (!c->d->rules) FL_TRY(no_memory(c, flowlog__rules_new(&c->d->alloc, &c->d->rules)));
    return flowlog__rules_load_node(c->d->rules, c->doc, object, c->err);
}

static flowlog_status load_agg(const struct context *c, uint32_t node)
{
    FL_TRY(get_seconds(c, node, &c->d->told.agg));
    return c->d->told.agg == 60 || c->d->told.agg == 600 ? FLOWLOG_OK : fail(c, node, "60 or 600 is expected");
}

static flowlog_status load_udp_timeout(const struct context *c, uint32_t node)
{
    return get_seconds(c, node, &c->d->told.udp_timeout);
}
static flowlog_status load_udp_stream(const struct context *c, uint32_t node)
{
    return get_seconds(c, node, &c->d->told.udp_stream);
}
static flowlog_status load_vpc_cidrs(const struct context *c, uint32_t node) { return load_blocks(c, node, 0); }
static flowlog_status load_nothing(const struct context *c, uint32_t node)
{
    (void)c;
    (void)node;
    return FLOWLOG_OK;
}

static const struct member {
    const char *name;
    int kind;
    flowlog_status (*load)(const struct context *c, uint32_t node);
} members[] = {
    {"local", FL_JSON_OBJECT, load_local},
    {"enis", FL_JSON_OBJECT, load_enis},
    {"subnets", FL_JSON_OBJECT, load_subnets},
    {"vpc_cidrs", FL_JSON_ARRAY, load_vpc_cidrs},
    {"traffic_type", FL_JSON_STRING, load_traffic},
    {"agg", FL_JSON_NUMBER, load_agg},
    {"log_window", FL_JSON_ARRAY, load_window},
    {"udp_timeout", FL_JSON_NUMBER, load_udp_timeout},
    {"udp_stream", FL_JSON_NUMBER, load_udp_stream},
    {"rules", FL_JSON_OBJECT, load_rules},
    {"query", FL_JSON_OBJECT, load_query},
    {"detect", FL_JSON_OBJECT, load_nothing},
};
#define MEMBERS (sizeof members / sizeof *members)

static flowlog_status load_member(const struct context *c, uint32_t name)
{
    const flowlog_str text = fl_json_text(c->doc, name);
    for (size_t i = 0; i < MEMBERS; i++)
        if (strlen(members[i].name) == text.len && memcmp(members[i].name, text.ptr, text.len) == 0) {
            FL_TRY(flowlog__json_expect(c->doc, name + 1, members[i].kind, c->err));
            return members[i].load(c, name + 1);
        }
    return fail(c, name + 1, "a context has no such member");
}

flowlog_status flowlog__context_load(flowlog_diagnosis *d, const char *json, size_t len, flowlog_error *err)
{
    struct fl_json doc;
    FL_TRY(flowlog__json_parse(json, len, NULL, &d->alloc, &doc, err));
    const struct context c = {d, &doc, err};
    flowlog_status status = flowlog__json_expect(&doc, FL_JSON_ROOT, FL_JSON_OBJECT, err);
    if (status >= 0)
        for (uint32_t i = fl_json_first(&doc, FL_JSON_ROOT); i && status >= 0; i = fl_json_next(&doc, FL_JSON_ROOT, i))
            status = load_member(&c, i);
    flowlog__json_clear(&doc);
    return status;
}
