/* SPDX-License-Identifier: MIT */
/*
 * analyze/engine.h - what a diagnosis has collected: interfaces, conversations, gaps, and what it was told.
 *
 * Everything here is made of sums, minima, maxima, unions and sets, so that records may come in any order and two
 * engines can be merged.  What needs all of it at once (addresses of interfaces, roles, neighbours) is worked out in
 * a view (view.h) when findings are wanted.
 */
#ifndef FL_ANALYZE_ENGINE_H
#define FL_ANALYZE_ENGINE_H

#include "analyze/cidr.h"
#include "analyze/conversation.h"
#include "analyze/intern.h"
#include "analyze/map.h"
#include "analyze/spans.h"
#include "analyze/times.h"
#include "core/bytes.h"
#include "flowlog/diagnose.h"

struct fl_rules;

/* Order of the columns: FL_DIAGNOSIS_FIELDS. */
enum {
    FL_COL_ENI, FL_COL_RESOURCE, FL_COL_SRC, FL_COL_DST, FL_COL_SPORT, FL_COL_DPORT, FL_COL_PROTO, FL_COL_PACKETS,
    FL_COL_BYTES, FL_COL_START, FL_COL_END, FL_COL_ACTION, FL_COL_FLAGS, FL_COL_PSRC, FL_COL_PDST, FL_COL_DIR,
    FL_COL_REASON, FL_COL_SUBNET, FL_COL_INSTANCE, FL_COL_TYPE, FL_COLS
};
#define FL_DIAGNOSIS_FIELDS                                                                                        \
    "interface-id,resource-id,srcaddr,dstaddr,srcport,dstport,protocol,packets,bytes,start,end,action,tcp-flags,"  \
    "pkt-srcaddr,pkt-dstaddr,flow-direction,reject-reason,subnet-id,instance-id,interface-type"

/* Bits of fl_interface.facts. */
enum {
    FL_IFACE_SEEN = 1,        /* a record names it */
    FL_IFACE_REGIONAL = 2,    /* a resource-id stands in for the interface-id: a regional NAT gateway */
    FL_IFACE_NO_INSTANCE = 4, /* instance-id is in the format, and '-' */
    FL_IFACE_INSTANCE = 8     /* instance-id has a value */
};

struct fl_interface {
    uint32_t subnet; /* interned text; 0: not known.  Of several the smallest text */
    uint8_t facts;
    uint8_t type;    /* flowlog_interface_type, 0: not known */
    uint8_t told_type;     /* the same, by the context or the rules */
    uint8_t told_subnet;   /* subnet is from the context or the rules */
    struct fl_spans skipped, silent; /* SKIPDATA, NODATA */
    struct fl_times active;          /* records */
    uint32_t known_first, known_last; /* times that `active` has, each of them; 0, 0: none */
};

/* An address of an interface that was told, or a block of a subnet. */
struct fl_told_address {
    uint32_t eni;
    flowlog_addr addr;
};
struct fl_told_block {
    uint32_t subnet; /* interned text; 0: of a VPC */
    struct fl_cidr cidr;
};

struct fl_told {
    struct fl_told_address *address;
    struct fl_told_block *block;
    size_t addresses, address_cap, blocks, block_cap;
    uint32_t agg;               /* 0: not told */
    uint32_t window[2];
    uint32_t udp_timeout, udp_stream; /* seconds; 0: not told */
    uint8_t has_window, traffic; /* FL_TRAFFIC_* */
    uint8_t asks;               /* there is a question */
    uint16_t port;
    flowlog_addr client, server;
};
enum { FL_TRAFFIC_ALL = 0, FL_TRAFFIC_ACCEPT = 1, FL_TRAFFIC_REJECT = 2 };

/* An interface met lately.  Of 16 to 24 bytes, as AWS's ids are, these words are the whole name. */
struct fl_recent_name {
    uint64_t word[3]; /* the first 16 bytes, the last 8 */
    uint32_t len, eni;
};
enum { FL_RECENT_NAMES = 4096 };

/* Numbers of interned reject-reasons: the known ones have their codes; beyond these FL_REASON_SEVERAL. */
enum { FL_REASONS_MAX = 200 };

/* A kept line; the text lies in flowlog_diagnosis.line_text. */
struct fl_line {
    uint32_t file;
    uint32_t len;
    uint64_t line;
    size_t at;
    uint32_t first; /* start of the record */
};
enum { FL_LINES_MAX = 8 };

struct flowlog_diagnosis {
    flowlog_alloc alloc;
    uint32_t flags, max_conversations, evidence, late;
    flowlog_finding_fn report;
    void *report_ctx;

    struct fl_intern names;   /* of interfaces */
    struct fl_recent_name *recent; /* [FL_RECENT_NAMES] by hash; NULL: no record came yet */
    struct fl_intern texts;   /* subnets */
    struct fl_intern wide;    /* IPv6 addresses */
    struct fl_intern outers;  /* struct fl_outer */
    struct fl_intern reasons;
    struct fl_interface *iface; /* [1 + iface_cap] by number */
    uint32_t iface_cap;

    struct fl_conversations table;
    struct fl_map learned; /* addresses of interfaces, from conversations that are forgotten: as fl_locals.own */
    struct fl_map peers;   /* how many peers endpoints had in them: as fl_view.fan */
    struct fl_told told;
    struct fl_rules *rules;   /* NULL: none */
    uint8_t rules_told;       /* their facts are in `told` */

    uint64_t records, left_out, truncated;
    uint32_t span_max;        /* seconds of the longest record */
    uint32_t first, last;     /* of the log; first > last: nothing came yet */
    uint32_t given_up;        /* latest end of a conversation given up for want of memory; 0: none */
    uint32_t swept;           /* STREAM: time of the newest record at the last sweep */

    struct fl_line *line;     /* [evidence * conversations of the pool], file order; len 0: free */
    size_t line_cap;          /* conversations */
    char *line_text;
    size_t line_text_len, line_text_cap;

    flowlog_status failed;    /* what ended it */
    uint8_t finished;
};

/* Addresses of a conversation as the interface sees them, of A and of B. */
struct fl_outer {
    uint32_t a, b, families; /* 1: A is IPv6, 2: B is */
};

/* E_ARGUMENT without one, E_STATE when it is finished, or what ended it. */
flowlog_status flowlog__diagnosis_usable(const flowlog_diagnosis *d, flowlog_error *err);
flowlog_status flowlog__diagnosis_ingest(flowlog_diagnosis *d, const flowlog_batch *batch, flowlog_error *err);
/* Read all of a source; options with all members there, `range_min` as in plan/parallel.h. */
flowlog_status flowlog__diagnosis_collect(flowlog_diagnosis *d, flowlog_source *source,
                                          const flowlog_run_options *options, uint64_t range_min,
                                          flowlog_counters *counters, flowlog_error *err);
/* Keep a line of a conversation, if it is among its first; kept->at is not looked at. */
flowlog_status flowlog__diagnosis_keep_line(flowlog_diagnosis *d, uint32_t place, const struct fl_line *kept,
                                            flowlog_str text);
/* The number of a pair of addresses, of a reject-reason, new or not. */
flowlog_status flowlog__diagnosis_outer(flowlog_diagnosis *d, const struct fl_outer *outer, uint32_t *number);
flowlog_status flowlog__diagnosis_reason(flowlog_diagnosis *d, flowlog_str text, uint32_t *number);
flowlog_status flowlog__diagnosis_merge(flowlog_diagnosis *to, const flowlog_diagnosis *from);
/* The order of a conversation's ends: A is the smaller one. */
FL_INLINE int fl_end_compare(uint32_t a, uint32_t a6, uint32_t pa, uint32_t b, uint32_t b6, uint32_t pb)
{
    if (a != b) return a < b ? -1 : 1;
    if (a6 != b6) return a6 < b6 ? -1 : 1;
    return pa < pb ? -1 : pa > pb;
}
/* The number of an interface, new or not. */
flowlog_status flowlog__diagnosis_interface(flowlog_diagnosis *d, flowlog_str name, uint32_t *eni);
flowlog_status flowlog__diagnosis_subnet(flowlog_diagnosis *d, uint32_t eni, flowlog_str subnet, int told);

/* An endpoint's address; `v6` says what the number is. */
flowlog_addr flowlog__diagnosis_addr(const flowlog_diagnosis *d, uint32_t number, int v6);
/* The number of an address, or 0 and *known = 0 when no record has it. */
uint32_t flowlog__diagnosis_addr_number(const flowlog_diagnosis *d, const flowlog_addr *addr, int *known);

FL_INLINE flowlog_str fl_interface_name(const flowlog_diagnosis *d, uint32_t eni)
{
    return fl_intern_text(&d->names, eni);
}

/* The addresses at the interface: the packets' unless they differ. */
FL_INLINE struct fl_outer fl_outer_of(const flowlog_diagnosis *d, const struct fl_conversation_key *k)
{
    struct fl_outer o = {k->a, k->b, (k->where >> 8) & 3};
    if (k->outer) {
        const char *p = fl_intern_text(&d->outers, k->outer).ptr;
        o.a = fl_load32(p);
        o.b = fl_load32(p + 4);
        o.families = fl_load32(p + 8);
    }
    return o;
}

#endif
