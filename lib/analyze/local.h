/* SPDX-License-Identifier: MIT */
/*
 * analyze/local.h - which addresses are an interface's own, and so which way its packets go.
 *
 * Ground: one of srcaddr and dstaddr is always the interface's primary address (IPv4), or one of its addresses
 * (IPv6).  Found out, per interface and family, in this order: what was told; flow-direction; the address that is in
 * all records (IPv6: the /64 that is, for all addresses of an interface lie in one); of two that are, the one that is
 * not another interface's, or the private one, or the one that follows from what another interface accepted; and where
 * no address is in all records, the fewest that are.
 */
#ifndef FL_ANALYZE_LOCAL_H
#define FL_ANALYZE_LOCAL_H

#include "analyze/engine.h"
#include "analyze/map.h"

enum { FL_LOCAL_TOLD = 1, FL_LOCAL_SEEN = 2 /* by flow-direction */, FL_LOCAL_FOUND = 4, FL_LOCAL_TIED = 8,
       FL_LOCAL_WEAK = 16 /* likely: an interface may have several IPv6 addresses */ };
#define FL_OWNER_MANY UINT32_MAX

/* An interface with one address in a family needs no search. */
struct fl_local_one {
    uint32_t addr;
    uint8_t how;  /* FL_LOCAL_* of it; 0: none */
    uint8_t many; /* there are others: see `own` */
};

struct fl_locals {
    struct fl_map own;   /* {interface, address, family} -> FL_LOCAL_* */
    struct fl_local_one *one; /* [ones] by 2 * interface + family; NULL until all are found */
    size_t ones;
    struct fl_map owner; /* {address, family} -> interface, or FL_OWNER_MANY */
};

flowlog_status flowlog__locals_find(const flowlog_diagnosis *d, uint32_t window, struct fl_locals *locals);
void flowlog__locals_free(struct fl_locals *locals, const flowlog_alloc *alloc);

unsigned flowlog__local_is(const struct fl_locals *locals, uint32_t eni, uint32_t addr, int v6); /* FL_LOCAL_* */
uint32_t flowlog__local_owner(const struct fl_locals *locals, uint32_t addr, int v6); /* 0: none known */

/* The way of packets from A to B: flowlog_way; *weak 1: likely, not sure. */
unsigned flowlog__local_way(const struct fl_locals *locals, const flowlog_diagnosis *d,
                            const struct fl_conversation *c, int *weak);

/* Private, or in a VPC's or subnet's block that was told. */
int flowlog__addr_is_inside(const flowlog_diagnosis *d, const flowlog_addr *addr);

#endif
