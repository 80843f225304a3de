/* SPDX-License-Identifier: MIT */
/*
 * analyze/view.h - all that a verdict needs beside its own conversation: which addresses are whose, who has many
 * peers, what else was let through at the time, and where the log begins and ends.
 *
 * Made from an engine when findings are wanted, valid until the engine changes.
 */
#ifndef FL_ANALYZE_VIEW_H
#define FL_ANALYZE_VIEW_H

#include "analyze/local.h"
#include "analyze/verdict.h"

/* One accepted request under a key that a refused one has too. */
struct fl_accepted {
    uint32_t key;         /* number in fl_view.wanted */
    uint32_t first, last;
    uint32_t latest;      /* largest last of this and all before it under the key */
    uint32_t who;         /* client port, or interface: must be another's */
};

struct fl_fan {
    uint32_t where, addr, port; /* interface, protocol and family; as in a key */
    uint32_t peers;             /* 0: the slot is free */
};

struct fl_view {
    const flowlog_diagnosis *d;
    uint32_t window;      /* aggregation interval and skew */
    uint32_t first, last; /* what the log covers */
    struct fl_locals locals;
    uint8_t *fan_filter;  /* [fan_mask + 1] how many conversations the endpoints of a hash have, up to 255 */
    uint32_t fan_mask;
    struct fl_fan *fan;   /* [fan_slots] peers of endpoints that have 2 or more, or share the hash of others */
    uint32_t fan_slots, fan_count; /* slots: a power of two, or 0 */
    struct fl_intern wanted;
    struct fl_accepted *accepted; /* by key, then first */
    uint32_t accepted_count, accepted_cap;
    uint64_t *hint;       /* [hint_mask + 1] bits: hashes of wanted keys */
    size_t hint_mask;
};

/* One episode and what is known about it. */
struct fl_look {
    const struct fl_conversation *c;
    const struct fl_episode *e;
    struct fl_roles roles;
    uint8_t way; /* flowlog_way of requests */
    uint8_t weak; /* 1: likely, not sure */
};

/* Aggregation interval and skew. */
uint32_t flowlog__view_window(const flowlog_diagnosis *d);

flowlog_status flowlog__view_make(const flowlog_diagnosis *d, struct fl_view *view);
void flowlog__view_free(struct fl_view *view);

/* Have what is looked at next fetched. */
void flowlog__view_fetch(const struct fl_view *view, const struct fl_conversation *c);
void flowlog__view_look(const struct fl_view *view, const struct fl_conversation *c, const struct fl_episode *e,
                        struct fl_look *look);
void flowlog__view_case(const struct fl_view *view, const struct fl_look *look, struct fl_case *out);

/* The addresses and ports of an episode; server_end 1: of the server. */
FL_INLINE uint32_t fl_look_addr(const struct fl_look *l, int server_end)
{
    return (l->roles.client_is_b != 0) == (server_end != 0) ? l->c->key.a : l->c->key.b;
}
FL_INLINE int fl_look_v6(const struct fl_look *l, int server_end)
{
    return (l->roles.client_is_b != 0) == (server_end != 0) ? fl_key_a6(&l->c->key) : fl_key_b6(&l->c->key);
}
FL_INLINE uint16_t fl_look_port(const struct fl_look *l, int server_end)
{
    return (uint16_t)((l->roles.client_is_b != 0) == (server_end != 0) ? l->c->key.ports >> 16 : l->c->key.ports);
}

/* What conversations that end before `horizon` teach, kept in the engine, so that they may be forgotten. */
flowlog_status flowlog__view_learn(const struct fl_view *view, flowlog_diagnosis *d, uint32_t horizon);

/* 1 if an interface passes on what others send: one direction is normal there, and it is no end of a path. */
int flowlog__view_is_transit(const struct fl_view *view, const struct fl_conversation *c);
/* Both ends of an episode lie in the subnet of its interface, as far as is known. */
int flowlog__view_same_subnet(const struct fl_view *view, const struct fl_look *look);

FL_INLINE unsigned fl_interface_type(const struct fl_interface *i) { return i->told_type ? i->told_type : i->type; }

#endif
