/* SPDX-License-Identifier: MIT */
/*
 * support/vpc_sim.h - a simulated VPC: packets walk as AWS says they do, and leave the records AWS would write.
 *
 * Built from AWS's rules alone and of nothing that lib/ has, so that it can judge the diagnosis.
 *
 * The walk: host -> (egress) security groups, then network ACL if the packet leaves the subnet -> route ->
 * (ingress) network ACL if it comes from another subnet, then security groups -> host -> the reply the same way
 * back.  A NAT gateway on the way is one more interface, with a network ACL and without security groups.
 *   - Security groups allow only, are a union, and are stateful: a tracked connection passes until its entry
 *     is gone (closed, or idle for too long).  A flow that an any-address rule allows, while the other
 *     direction allows every answer to any address, is not tracked: each packet is judged by the rules.
 *   - Network ACLs are stateless: entries by number, the first that fits decides, 32767 (IPv6: 32768) denies.
 *   - At each interface a packet is counted in exactly one record: (interface, 5-tuple, action, interval).
 *
 * Three things come out: the log as text (vpc_log.c), the rules as the AWS CLI prints them (vpc_json.c), and
 * the truth: a vpc_view for each conversation at each interface it met.
 *
 * Time is in milliseconds of Unix time unless a name says seconds.  The same seed gives the same world.
 * Test support: memory that cannot be had ends the program.
 */
#ifndef TEST_VPC_SIM_H
#define TEST_VPC_SIM_H

#include <stddef.h>
#include <stdint.h>

enum { VPC_FIN = 1, VPC_SYN = 2, VPC_RST = 4, VPC_ACK = 16 };
enum { VPC_ANY = -1, VPC_ICMP = 1, VPC_TCP = 6, VPC_UDP = 17, VPC_GRE = 47, VPC_ICMP6 = 58 };
enum { VPC_OUT = 0, VPC_IN = 1 }; /* egress, ingress, seen from an interface */
#define VPC_ALWAYS INT64_MAX

struct vpc_addr {
    uint8_t family, b[16]; /* 4 or 6; 0: none.  IPv4 in b[0..3] */
};

struct vpc_cidr {
    struct vpc_addr addr;
    uint8_t bits;
};

/* What rules and records see of one packet, or of several that are alike. */
struct vpc_packet {
    struct vpc_addr src, dst;
    uint16_t sport, dport; /* 0 where the protocol has none */
    uint8_t proto, flags, icmp_type, icmp_code;
    uint32_t packets, bytes; /* bytes of all */
};

/* --- rules ----------------------------------------------------------------------------------------------- */

struct vpc_acl_entry {
    struct vpc_cidr cidr;
    int64_t since, until; /* in force in [since, until) */
    uint16_t number, from, to; /* ports, TCP and UDP only */
    int16_t proto;             /* VPC_ANY: all */
    int16_t icmp_type;         /* VPC_ANY: all, with every code */
    uint8_t egress, allow;
};

enum { VPC_ENTRIES = 40, VPC_RULES = 24, VPC_GROUPS_OF = 3, VPC_ADDRS = 3, VPC_SERVICES = 8 };

struct vpc_acl {
    char id[24];
    int n; /* entries, in ascending order of number */
    uint8_t is_default;
    struct vpc_acl_entry entry[VPC_ENTRIES];
};

struct vpc_group_rule {
    struct vpc_cidr cidr;
    int64_t since, until;
    int group;         /* >= 0: addresses of that group's members instead of cidr */
    int16_t proto;     /* VPC_ANY: all, with every port */
    uint16_t from, to; /* ports, TCP and UDP only */
    int16_t icmp_type; /* VPC_ANY: all */
    uint8_t egress;
};

struct vpc_group {
    char id[24];
    int n;
    struct vpc_group_rule rule[VPC_RULES];
};

struct vpc_subnet {
    char id[32];
    struct vpc_cidr cidr, cidr6; /* cidr6.addr.family 0: none */
    int acl;                     /* index; the default ACL is written without this association */
};

/* --- who talks ------------------------------------------------------------------------------------------- */

enum { VPC_INSTANCE, VPC_BALANCER, VPC_NAT };

struct vpc_iface {
    char id[24], instance[24]; /* instance "": none */
    int subnet, groups, group[VPC_GROUPS_OF];
    uint8_t kind;
    int32_t tcp_timeout_s, udp_timeout_s, udp_stream_s; /* of connection tracking */
    int64_t phase;                                      /* when its intervals begin, below 60 s */
};

enum { VPC_LISTENS, VPC_REFUSES, VPC_SILENT };

struct vpc_service {
    uint8_t proto, state;
    uint16_t port; /* 0: of a protocol without ports */
};

struct vpc_host {
    int iface; /* -1: outside, seen by no interface of ours */
    int addrs; /* the first IPv4 address is the primary one */
    struct vpc_addr addr[VPC_ADDRS];
    int services;
    struct vpc_service service[VPC_SERVICES];
    uint8_t otherwise; /* state of all other ports */
};

/* --- conversations and the truth about them ---------------------------------------------------------------- */

enum { VPC_TALK, VPC_NOISE, VPC_BACKSCATTER }; /* noise: to the address of a NAT gateway; backscatter: answers
                                                  to what was never asked */

struct vpc_talk {
    int client, server;     /* hosts; of a noise: server -1 */
    int nat;                /* interface of the NAT gateway between them, or -1 */
    int client_at, server_at; /* which of their addresses */
    uint16_t client_port, server_port, nat_port;
    uint8_t proto, kind;
    uint8_t lose_request, lose_reply; /* eighths of the packets that the route loses; 8: all */
    uint32_t rtt;                     /* ms */
    int64_t at;

    /* what came of it */
    int64_t end;                                          /* of the last packet */
    int64_t nat_last;                                     /* of the last packet through the NAT gateway */
    uint32_t requests_sent, requests_got, replies_sent, replies_got; /* packets, by the hosts */
    uint8_t host_state;                                   /* of the server's port; of a noise VPC_SILENT */
    uint8_t lost_request, lost_reply; /* the route lost some */
    uint8_t established;              /* both have had an answer */
};

/* Why packets of one side were refused: bits of 1 << cause.  A packet that both refuse is BOTH alone. */
enum { VPC_BY_GROUP = 1, VPC_BY_ACL, VPC_BY_BOTH };
/* Request accepted, request refused, reply accepted, reply refused. */
enum { VPC_RA, VPC_RR, VPC_PA, VPC_PR };

struct vpc_side {
    uint64_t packets, bytes;
    int64_t first, last;
    uint8_t causes;            /* of the refused sides */
    uint8_t openers;           /* refused: one of them could have begun a conversation */
    uint8_t strays;            /* refused: one of them met no entry where there had been one, and no network
                                  ACL refused it; or it came after the connection's end */
    uint16_t rule_min, rule_max; /* numbers of the entries by which a network ACL refused; 0: none */
};

struct vpc_end {
    struct vpc_addr addr;
    uint16_t port;
};

/* A conversation at an interface.  A NAT gateway's interface has two: leg 0 to the inside, leg 1 to the outside. */
struct vpc_view {
    int talk, iface, leg;
    struct vpc_end client, server;             /* of the packets (pkt-srcaddr, pkt-dstaddr) */
    struct vpc_end shown_client, shown_server; /* as srcaddr and dstaddr have them */
    uint8_t request_in;                        /* 1: requests enter the interface */
    uint8_t same_subnet;                       /* 1: no network ACL is consulted */
    uint8_t tracked;                           /* 1: there was an entry of it once */
    uint8_t fins;                              /* bits: requests, replies had a FIN; 3: the connection has ended,
                                                  or a RST has passed */
    struct vpc_side side[4];
};

/* Packets at an interface, all alike, at one time. */
struct vpc_seen {
    int view;
    uint8_t reply, refused, flags;
    uint32_t packets, bytes;
    int64_t at;
};

/* An entry of connection tracking. */
struct vpc_track {
    int iface, echo; /* echo: the talk of an ICMP echo, which has an identifier of its own; else -1 */
    struct vpc_end local, remote;
    uint8_t proto, begun_in; /* begun_in: the first packet entered */
    uint8_t both, turns;     /* both directions seen; changes of direction, up to 3 */
    uint8_t fins, gone;      /* bits: which directions have sent FIN */
    int64_t born, last, closed; /* closed: 0, or when it was */
};

enum { VPC_SUBNETS = 5, VPC_ACLS = 5, VPC_GROUPS = 6, VPC_IFACES = 12, VPC_HOSTS = 28 };

struct vpc_world {
    char id[24], account[16];
    struct vpc_cidr cidr, cidr6;
    int subnets, acls, groups, ifaces, hosts;
    struct vpc_subnet subnet[VPC_SUBNETS];
    struct vpc_acl acl[VPC_ACLS]; /* acl[0] is the VPC's default */
    struct vpc_group group[VPC_GROUPS];
    struct vpc_iface iface[VPC_IFACES];
    struct vpc_host host[VPC_HOSTS];
    int64_t linger;  /* how long an entry outlives the close of its connection */
    int64_t changed; /* 0, or when rules changed */
    uint64_t random;

    struct vpc_talk *talk;
    struct vpc_view *view;
    struct vpc_seen *seen;
    struct vpc_track *track;
    size_t talks, views, seens, tracks, talk_room, view_room, seen_room, track_room;
};

struct vpc_world *vpc_new(uint64_t seed); /* empty: an id, an account, and a default ACL that allows all */
void vpc_free(struct vpc_world *w);
uint32_t vpc_random(struct vpc_world *w, uint32_t n); /* below n */

/* --- addresses ------------------------------------------------------------------------------------------- */

struct vpc_addr vpc_ip(const char *text); /* dotted quad, or groups of hex with one :: */
struct vpc_cidr vpc_net(const char *text);
int vpc_addr_same(const struct vpc_addr *a, const struct vpc_addr *b);
int vpc_cidr_holds(const struct vpc_cidr *c, const struct vpc_addr *a);
enum { VPC_ADDR_TEXT = 44 };
const char *vpc_addr_text(const struct vpc_addr *a, char text[VPC_ADDR_TEXT]);

/* --- building a VPC (indices come back) ------------------------------------------------------------------ */

int vpc_add_acl(struct vpc_world *w); /* empty: denies all */
int vpc_add_subnet(struct vpc_world *w, const char *cidr, const char *cidr6, int acl);
int vpc_add_group(struct vpc_world *w);
/* An interface and its host.  Addresses are separated by commas, the primary one first. */
int vpc_add_iface(struct vpc_world *w, int kind, int subnet, const char *addrs, int *host);
int vpc_add_outside(struct vpc_world *w, const char *addrs);
void vpc_join(struct vpc_world *w, int iface, int group);
void vpc_serve(struct vpc_world *w, int host, int proto, int port, int state);
/* Rules in force at all times; the entry is returned to be refined. */
struct vpc_acl_entry *vpc_entry(struct vpc_world *w, int acl, int number, int egress, int allow, int proto,
                                const char *cidr, int from, int to);
struct vpc_group_rule *vpc_rule(struct vpc_world *w, int group, int egress, int proto, const char *cidr,
                                int from, int to);

/* --- what the rules say ---------------------------------------------------------------------------------- */

/* 1: allowed.  *number: of the entry that decided. */
int vpc_acl_allows(const struct vpc_acl *acl, int egress, const struct vpc_packet *p, int64_t at,
                   uint16_t *number);
/* 1: a rule allows it.  *untracked: by a rule for any address, and every answer is allowed too; or it is such an
   answer. */
int vpc_groups_allow(const struct vpc_world *w, int iface, int egress, const struct vpc_packet *p, int64_t at,
                     int *untracked);

/* --- talking --------------------------------------------------------------------------------------------- */

/* A conversation; members left 0 are 0, and `nat` is set to -1 unless it is the index of a NAT gateway. */
int vpc_talk(struct vpc_world *w, const struct vpc_talk *talk);
/* Packets of a conversation at a time.  1: they arrived at the other host. */
int vpc_send(struct vpc_world *w, int talk, int reply, int flags, uint32_t packets, uint32_t bytes,
             int64_t at);

enum { VPC_CLOSE_CLIENT, VPC_CLOSE_SERVER, VPC_RESET_CLIENT, VPC_RESET_SERVER, VPC_LEFT_OPEN };
/* What happens when a TCP conversation has been quiet or closed for a while. */
enum { VPC_NOTHING, VPC_SERVER_SPEAKS, VPC_CLIENT_SPEAKS, VPC_SERVER_THEN_CLIENT };

struct vpc_tcp {
    int tries;        /* SYNs at most, 1 s, 2 s, 4 s ... apart */
    int rounds;       /* request and answer */
    uint32_t request, answer; /* bytes of each, at most 1400 a packet */
    int64_t think;    /* between rounds */
    int close;        /* VPC_CLOSE_* */
    int64_t pause;    /* then, after this time */
    int late;         /* VPC_NOTHING ... */
};
int64_t vpc_run_tcp(struct vpc_world *w, int talk, const struct vpc_tcp *script);
/* `count` requests `gap` apart, each answered `delay` after it arrived: UDP, or echoes, or GRE. */
int64_t vpc_run_datagrams(struct vpc_world *w, int talk, int count, int64_t gap, int64_t delay,
                          uint32_t bytes);

/* --- what comes out -------------------------------------------------------------------------------------- */

enum {
    VPC_V2,
    VPC_V3,
    VPC_V5,
    VPC_FORMATS
}; /* default; with tcp-flags and pkt-*; with flow-direction as well */
extern const char *const vpc_formats[VPC_FORMATS]; /* header lines */

enum {
    VPC_EXACT,
    VPC_BY_WINDOW,
    VPC_SKEWED
}; /* start and end: true; those of the interval; off by up to 60 s */
enum { VPC_SORTED, VPC_NEARLY, VPC_SHUFFLED };

struct vpc_log_options {
    int format, interval_s, times, order;
    int header, nodata;
    int lose;          /* thousandths of the intervals of each interface that are lost */
    int marked;        /* lost ones leave a SKIPDATA */
    int64_t from, to;  /* only intervals that lie within; 0: all */
    uint64_t seed;     /* of loss, skew and order */
};

struct vpc_text {
    char *p;
    size_t n, room;
};
void vpc_print(struct vpc_text *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
void vpc_text_free(struct vpc_text *t);

struct vpc_log {
    struct vpc_text text; /* NUL-terminated */
    uint64_t records, packets, bytes, nodata, skipdata, lost; /* lost: intervals */
    int64_t first_s, last_s; /* of the intervals covered */
};
void vpc_log_write(const struct vpc_world *w, const struct vpc_log_options *o, struct vpc_log *log);
void vpc_log_free(struct vpc_log *log);
/* Whether an interval of an interface is lost under these options. */
int vpc_log_loses(const struct vpc_log_options *o, int iface, int64_t window);
int64_t vpc_log_window(const struct vpc_world *w, const struct vpc_log_options *o, int iface, int64_t at);

/* describe-network-acls, describe-security-groups, describe-network-interfaces, describe-subnets as at a time. */
enum { VPC_JSON_ACLS, VPC_JSON_GROUPS, VPC_JSON_IFACES, VPC_JSON_SUBNETS, VPC_JSONS };
void vpc_json(const struct vpc_world *w, int what, int64_t at, struct vpc_text *json);

/* A random VPC with its conversations. */
struct vpc_world *vpc_make(uint64_t seed);

#endif
