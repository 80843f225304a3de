/* SPDX-License-Identifier: MIT */
/*
 * flowlog/diagnose.h - which conversations work, which do not, and what refuses them.
 *
 * Takes  batches (batch.h) with the fields of flowlog_diagnosis_fields, and what is known beside the log: a
 *        context and rules, both as JSON.
 * Gives  findings: for each conversation at an interface a verdict, the layer that is responsible, how sure
 *        that is, the evidence, and the sentence an engineer acts on.
 *
 *     flowlog_diagnosis_new(NULL, &d, &err);
 *     ... a reader opened with flowlog_diagnosis_fields(d) ...
 *     while (flowlog_reader_next(reader, &batch, &err) == FLOWLOG_OK) flowlog_diagnosis_add(d, batch, &err);
 *     flowlog_diagnosis_finish(d, print, ctx, &err);
 *
 * Findings depend on which records there are, never on their order, on how they are spread over files and
 * engines (flowlog_diagnosis_merge), or on records that come twice.  Where memory bounds this, it is said.
 */
#ifndef FLOWLOG_DIAGNOSE_H
#define FLOWLOG_DIAGNOSE_H

#include "flowlog/base.h"
#include "flowlog/batch.h"
#include "flowlog/plan.h"
#include "flowlog/reader.h"
#include "flowlog/value.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What a finding is about: X(name, number, "name in JSON"). */
#define FLOWLOG_FINDING_MAP(X)                                                       \
    X(DIAGNOSIS, 1, "diagnosis") /* one conversation at one interface */             \
    X(PATH, 2, "path")           /* one conversation from the one interface to the other */ \
    X(QUERY, 3, "query")         /* the answer to flowlog_diagnosis_query */

typedef enum flowlog_finding_kind {
#define FLOWLOG_FINDING_ENUM(name, number, text) FLOWLOG_FINDING_##name = (number),
    FLOWLOG_FINDING_MAP(FLOWLOG_FINDING_ENUM)
#undef FLOWLOG_FINDING_ENUM
} flowlog_finding_kind;

/** Every verdict: X(name, number, "what it means").  Numbers are never reused; the name is the code in JSON. */
#define FLOWLOG_VERDICT_MAP(X)                                                                  \
    X(OK, 1, "accepted both ways")                                                              \
    X(BLOCKED_INBOUND, 2, "the request was refused on its way in")                              \
    X(BLOCKED_OUTBOUND, 3, "the request was refused on its way out")                            \
    X(BLOCKED_REPLY_INBOUND, 4, "the answer was refused on its way in")                         \
    X(BLOCKED_REPLY_OUTBOUND, 5, "the answer was refused on its way out")                       \
    X(BLOCKED, 6, "refused, and the log does not tell at which end")                            \
    X(BLOCKED_BPA, 7, "refused by VPC Block Public Access")                                     \
    X(BLOCKED_ENCRYPTION, 8, "refused by encryption controls")                                  \
    X(BLOCKED_OTHER, 9, "refused for another reason that AWS gives")                            \
    X(RULE_CHANGE, 10, "accepted and refused: a rule changed")                                  \
    X(STRAY, 11, "late packets of a connection that is no longer tracked")                      \
    X(REFUSED, 12, "the host answered that the port is closed")                                 \
    X(NO_REPLY, 13, "accepted, and nothing came back")                                          \
    X(NOT_DELIVERED, 14, "left one interface and never reached the other")                      \
    X(ASYMMETRIC, 15, "data flowed, but one direction is not seen here")                        \
    X(UNSOLICITED_NAT, 16, "noise that a NAT gateway accepted and drops")                       \
    X(ONE_WAY, 17, "a service that does not answer")                                            \
    X(TRANSIT, 18, "an interface in the middle, where one direction is normal")                 \
    X(INSUFFICIENT_DATA, 19, "the log cannot tell")                                             \
    X(CONFIG_MISMATCH, 20, "the rules supplied would allow what was refused")                   \
    X(NOT_LOGGED, 21, "flow logs never record such traffic")                                    \
    X(NO_RECORD, 22, "no record: it never reached a monitored interface")

typedef enum flowlog_verdict {
#define FLOWLOG_VERDICT_ENUM(name, number, meaning) FLOWLOG_VERDICT_##name = (number),
    FLOWLOG_VERDICT_MAP(FLOWLOG_VERDICT_ENUM)
#undef FLOWLOG_VERDICT_ENUM
} flowlog_verdict;

/** What is responsible, and what else may be (flowlog_finding.alt, where RULE_CHANGE occurs too). */
#define FLOWLOG_LAYER_MAP(X)                                   \
    X(NONE, 1, "nothing is wrong")                             \
    X(SG, 2, "a security group")                               \
    X(NACL, 3, "a network ACL")                                \
    X(SG_OR_NACL, 4, "a security group or a network ACL")      \
    X(SG_AND_NACL, 5, "a security group and a network ACL")    \
    X(CONNTRACK, 6, "connection tracking")                     \
    X(HOST, 7, "the host")                                     \
    X(PATH, 8, "the way between the interfaces")               \
    X(NAT, 9, "a NAT gateway")                                 \
    X(BPA, 10, "VPC Block Public Access")                      \
    X(ENCRYPTION, 11, "VPC encryption controls")               \
    X(OTHER, 12, "what the reject-reason says")                \
    X(UNKNOWN, 13, "not known")                                \
    X(RULE_CHANGE, 14, "a rule that changed")

typedef enum flowlog_layer {
#define FLOWLOG_LAYER_ENUM(name, number, meaning) FLOWLOG_LAYER_##name = (number),
    FLOWLOG_LAYER_MAP(FLOWLOG_LAYER_ENUM)
#undef FLOWLOG_LAYER_ENUM
} flowlog_layer;

/* 0 is "none" for each of these. */
typedef enum flowlog_way { /* of the packets that the verdict is about, as the interface sees them */
    FLOWLOG_WAY_NONE = 0,
    FLOWLOG_WAY_IN = 1,
    FLOWLOG_WAY_OUT = 2,
    FLOWLOG_WAY_UNKNOWN = 3
} flowlog_way;
typedef enum flowlog_phase { FLOWLOG_PHASE_NONE = 0, FLOWLOG_PHASE_REQUEST = 1, FLOWLOG_PHASE_REPLY = 2 } flowlog_phase;
typedef enum flowlog_confidence {
    FLOWLOG_CONFIDENCE_NONE = 0,
    FLOWLOG_CONFIDENCE_LOW = 1,    /* look at the alternatives */
    FLOWLOG_CONFIDENCE_MEDIUM = 2, /* the likeliest; a known alternative exists */
    FLOWLOG_CONFIDENCE_HIGH = 3    /* documents and records leave one explanation */
} flowlog_confidence;
typedef enum flowlog_transition {
    FLOWLOG_TRANSITION_NONE = 0,
    FLOWLOG_TRANSITION_ALLOW_TO_DENY = 1,
    FLOWLOG_TRANSITION_DENY_TO_ALLOW = 2,
    FLOWLOG_TRANSITION_OVERLAP = 3 /* within one aggregation interval: the order cannot be known */
} flowlog_transition;
typedef enum flowlog_proof {
    FLOWLOG_PROOF_NONE = 0,
    FLOWLOG_PROOF_SAME_SUBNET = 1,       /* both ends in one subnet: network ACLs are not consulted */
    FLOWLOG_PROOF_SIBLING_INTERFACE = 2, /* a neighbour in the subnet was let through at that time */
    FLOWLOG_PROOF_OTHER_PORT = 3,        /* another client port was let through at that time */
    FLOWLOG_PROOF_RULES = 4              /* the rules supplied say so */
} flowlog_proof;
/* What an INSUFFICIENT_DATA lacks. */
typedef enum flowlog_missing {
    FLOWLOG_MISSING_NONE = 0,
    FLOWLOG_MISSING_ACCEPT_ONLY = 1, /* the log has accepted traffic only */
    FLOWLOG_MISSING_REJECT_ONLY = 2,
    FLOWLOG_MISSING_SKIPDATA = 3,    /* AWS skipped records at that time */
    FLOWLOG_MISSING_EDGE = 4,        /* the log begins or ends there */
    FLOWLOG_MISSING_TRUNCATED = 5,   /* memory was full: parts of conversations were given up */
    FLOWLOG_MISSING_SILENT = 6       /* the other interface has no record at all at that time */
} flowlog_missing;

/* The texts that JSON has; "" where there is none.  Static. */
FLOWLOG_API const char *flowlog_finding_kind_name(uint32_t kind);
FLOWLOG_API const char *flowlog_verdict_name(uint32_t verdict);
FLOWLOG_API const char *flowlog_verdict_meaning(uint32_t verdict);
FLOWLOG_API const char *flowlog_layer_name(uint32_t layer);
FLOWLOG_API const char *flowlog_layer_meaning(uint32_t layer);
FLOWLOG_API const char *flowlog_way_name(uint32_t way);               /* "none" "in" "out" "unknown" */
FLOWLOG_API const char *flowlog_phase_name(uint32_t phase);           /* "none" "request" "reply" */
FLOWLOG_API const char *flowlog_confidence_name(uint32_t confidence); /* "low" "medium" "high" */
FLOWLOG_API const char *flowlog_transition_name(uint32_t transition); /* "allow_to_deny" ... */
FLOWLOG_API const char *flowlog_proof_name(uint32_t proof);           /* "same-subnet" "sibling-eni" ... */
FLOWLOG_API const char *flowlog_missing_name(uint32_t missing);       /* "accept-only" ... */

/** One of the four sides of a conversation: requests or replies, accepted or refused.  records 0: there are none. */
typedef struct flowlog_side {
    uint64_t packets, bytes;
    int64_t first, last; /* seconds since 1970 UTC */
    uint32_t records;
    uint8_t tcp_flags; /* or of those that the records have */
    uint8_t reserved[3];
} flowlog_side;

/** A line of the log that belongs to a finding. */
typedef struct flowlog_evidence {
    uint32_t file; /* as flowlog_batch.file */
    uint32_t reserved;
    uint64_t line; /* 1-based within the file */
    flowlog_str text;
} flowlog_evidence;

/**
 * One finding.  All text, and `lines`, is borrowed until the callback returns.
 *
 * Addresses are those of the packets where the format has them (pkt-srcaddr, pkt-dstaddr), else those of the
 * interface.  When roles is NONE, who is called client and who server means nothing.
 */
typedef struct flowlog_finding {
    uint32_t struct_size; /* sizeof(flowlog_finding) of the library; it may grow */
    uint8_t kind;         /* flowlog_finding_kind */
    uint8_t verdict;      /* flowlog_verdict */
    uint8_t layer;        /* flowlog_layer */
    uint8_t direction;    /* flowlog_way */
    uint8_t phase;        /* flowlog_phase */
    uint8_t confidence;   /* flowlog_confidence; of NOT_LOGGED and NO_RECORD high */
    uint8_t transition;   /* flowlog_transition; of RULE_CHANGE */
    uint8_t proof;        /* flowlog_proof */
    uint8_t missing;      /* flowlog_missing; of INSUFFICIENT_DATA */
    uint8_t roles;        /* flowlog_confidence: how sure it is who is the client */
    uint8_t alts;         /* of `alt` that are set */
    uint8_t alt[3];       /* flowlog_layer: what else may be */
    uint8_t proto;        /* IANA protocol number */
    uint8_t superseded;   /* 1: a path finding says more about this conversation */
    uint8_t sg_missing;   /* 1: no security group rule allows it */
    uint8_t truncated;    /* 1: given up early, because memory was full */
    uint8_t reserved[2];
    uint16_t client_port, server_port; /* 0 where the protocol has none */
    flowlog_addr client, server, peer; /* peer: the end that is not this interface; family 0: not known */
    flowlog_str eni;                   /* interface-id, or resource-id of a regional NAT gateway */
    flowlog_str other_eni;             /* PATH: the interface at the other end */
    flowlog_str subnet;                /* of eni; empty: not known */
    flowlog_str reason;                /* reject-reason, as the log has it; else empty */
    flowlog_str rule_acl;              /* the network ACL that was looked at; empty: none */
    uint32_t rule_number;              /* its entry that decided, 32767 and 32768: none matched; 0: none */
    uint32_t sg_closest_kind;          /* 1: a rule for that port and another address; 2: the other way round */
    flowlog_str sg_closest;            /* the group with the rule that comes closest */
    flowlog_str sg_groups;             /* the groups of the interface, joined by ',' */
    flowlog_str change_row;            /* the smallest change that would let it through; empty: none to give.  Grouped:
                                          all clients of the group and nobody else, as few address blocks as cover
                                          them exactly; a line for each rule to add */
    flowlog_str change_command;        /* the same as commands of the AWS CLI, a line each */
    flowlog_side request_accept, request_reject, reply_accept, reply_reject;
    int64_t first, last;      /* of all records */
    uint64_t records;         /* identical ones once */
    uint64_t conversations;   /* grouped: how many; QUERY: how many match; else 1 */
    uint64_t clients;         /* grouped: different client addresses; else 1 */
    const flowlog_evidence *lines; /* [line_count], smallest file and line first */
    uint32_t line_count;
    uint32_t udp_timeout, tcp_timeout; /* seconds after which tracking ends, as far as known */
    uint32_t reserved2;
} flowlog_finding;

/**
 * The sentence to act on, with the conversation's own addresses and ports.  Always NUL-terminated when
 * cap > 0; returns the whole length as snprintf does.
 */
FLOWLOG_API size_t flowlog_finding_advice(const flowlog_finding *finding, char *text, size_t cap);

/**
 * The finding as one JSON object, without a newline: `kind` first, then the keys of the command's output.  What is
 * not known is null; keys that say nothing (reason, rule_number ...) are left out.  `reader` names the files of
 * evidence lines, NULL: by number.  NUL and length as above.
 */
FLOWLOG_API size_t flowlog_finding_json(const flowlog_finding *finding, const flowlog_reader *reader, char *text,
                                        size_t cap);

/** The same with files named as `source` does, which flowlog_diagnosis_collect has read. */
FLOWLOG_API size_t flowlog_finding_json_source(const flowlog_finding *finding, const flowlog_source *source, char *text,
                                               size_t cap);

/** Takes a finding; returns 0 to go on.  Anything else ends the delivery, and the call gives FLOWLOG_END. */
typedef int (*flowlog_finding_fn)(void *ctx, const flowlog_finding *finding);

/** Opaque.  One thread at a time. */
typedef struct flowlog_diagnosis flowlog_diagnosis;

/* Flags of flowlog_diagnosis_options, or-ed. */
enum {
    FLOWLOG_DIAGNOSE_ALL = 1,     /* also conversations that are fine (OK, ONE_WAY, TRANSIT) */
    FLOWLOG_DIAGNOSE_GROUPED = 2, /* equal ones (kind, interface, server, port, verdict, layer) are one finding
                                     with a count of conversations and clients; superseded ones are left out */
    FLOWLOG_DIAGNOSE_STREAM = 4   /* see flowlog_diagnosis_add; not with GROUPED */
};

/** Zero means the default for every member but the first. */
typedef struct flowlog_diagnosis_options {
    uint32_t struct_size;       /* sizeof(flowlog_diagnosis_options) */
    uint32_t flags;             /* FLOWLOG_DIAGNOSE_* */
    const flowlog_alloc *alloc; /* NULL: malloc.  Copied */
    uint32_t max_conversations; /* in memory at a time, looked at after each batch; 0: 2^22.  At most 2^26.  Beyond
                                   it those silent for longest are given up: reported early, as truncated, if there
                                   is `report`, else left out and only counted */
    uint32_t evidence;          /* lines kept of each conversation, at most 8.  The reader must then be
                                   opened with FLOWLOG_READ_LINES */
    uint32_t late;              /* STREAM: seconds that a record may come late; 0: 900 */
    uint32_t reserved;
    flowlog_finding_fn report;  /* takes findings during add */
    void *ctx;
} flowlog_diagnosis_options;

#define FLOWLOG_DIAGNOSIS_OPTIONS_INIT {sizeof(flowlog_diagnosis_options), 0, NULL, 0, 0, 0, 0, NULL, NULL}

/**
 * Ownership  *diagnosis is owned: flowlog_diagnosis_free.
 * Errors     E_ARGUMENT, E_MEMORY.
 */
FLOWLOG_API flowlog_status flowlog_diagnosis_new(const flowlog_diagnosis_options *options,
                                                 flowlog_diagnosis **diagnosis, flowlog_error *err);
FLOWLOG_API void flowlog_diagnosis_free(flowlog_diagnosis *diagnosis);

/**
 * What is known beside the log, as one JSON object: `local` {interface: [addresses]}, `enis` {interface: {type,
 * subnet, groups, addrs}}, `subnets` {id: [CIDR]}, `vpc_cidrs` [CIDR], `traffic_type` "ALL", "ACCEPT" or "REJECT",
 * `agg` 60 or 600, `log_window` [from, to], `udp_timeout`, `udp_stream`, `rules` (see below), `query` {client,
 * server, port}, `detect` (left alone here).  Members that are not named here are an error.  Before the first batch.
 *
 * Errors     E_SYNTAX, E_DUPLICATE, E_LIMIT with offset, line and column; E_STATE, E_MEMORY, E_ARGUMENT.
 */
FLOWLOG_API flowlog_status flowlog_diagnosis_context(flowlog_diagnosis *diagnosis, const char *json, size_t len,
                                                     flowlog_error *err);

/**
 * Rules as `aws ec2 describe-network-acls`, `-security-groups`, `-network-interfaces`, `-subnets` and
 * `get-managed-prefix-list-entries` print them: one of these, or several members in one object.  Several calls add
 * up.  With rules the layer is looked up instead of inferred.
 */
FLOWLOG_API flowlog_status flowlog_diagnosis_rules(flowlog_diagnosis *diagnosis, const char *json, size_t len,
                                                   flowlog_error *err);

/** One sentence about the rules themselves, such as a network ACL that lets requests in but no answer out. */
typedef void (*flowlog_rule_warning_fn)(void *ctx, const char *text, size_t len);

/**
 * What is wrong with the rules supplied whatever the traffic: ephemeral ports that answers cannot reach, entries that
 * are never reached, references to groups without active peering.  In the order of loading; none without rules.
 * Errors  E_ARGUMENT.
 */
FLOWLOG_API flowlog_status flowlog_diagnosis_warnings(const flowlog_diagnosis *diagnosis,
                                                      flowlog_rule_warning_fn report, void *ctx);

/**
 * A question: findings are then those about it, and one more of kind QUERY that answers it.  Addresses of family 0
 * and port 0 match any.  The client and the server are those of the conversation, never source and destination.
 */
FLOWLOG_API flowlog_status flowlog_diagnosis_query(flowlog_diagnosis *diagnosis, const flowlog_addr *client,
                                                   const flowlog_addr *server, uint16_t port, flowlog_error *err);

/** The fields a reader must be opened with, as its options take them.  Static. */
FLOWLOG_API const char *flowlog_diagnosis_fields(const flowlog_diagnosis *diagnosis);

/**
 * Add a batch, which must have the columns of flowlog_diagnosis_fields in that order.  NODATA and SKIPDATA rows
 * say what a silence means: leave them in.
 *
 * With STREAM, conversations that ended `late` and an aggregation interval before the newest record are reported
 * and then forgotten; without, everything waits for finish.  Streaming gives what finish would, if no record comes
 * later than that, no conversation pauses for longer, and by then it is known what the interface's address is and
 * which ends have many peers.
 *
 * Errors     E_ARGUMENT (other columns; nothing was added), E_STATE (after finish), and E_MEMORY, E_LIMIT, which are
 *            permanent; FLOWLOG_END when the callback said so.
 * Cost       no allocation for records of known conversations; at most 300 bytes a conversation.
 */
FLOWLOG_API flowlog_status flowlog_diagnosis_add(flowlog_diagnosis *diagnosis, const flowlog_batch *batch,
                                                 flowlog_error *err);

/**
 * Read a source to its end: one call instead of a reader and flowlog_diagnosis_add.  With options->threads several
 * files, or ranges of a large one, at a time; findings and the lines in them are those of one thread.  Each thread
 * may hold max_conversations.  One thread reads when there is `report`, records were added before, or
 * max_conversations does not suffice.
 *
 * Allocators   with threads both the options' and the diagnosis' must allow calls from several threads.
 * Ownership    as flowlog_plan_run: `source` stays the caller's, who may still ask its names, and is used up.
 * Errors       those of the reader and of flowlog_diagnosis_add, E_CANCELLED, E_ARGUMENT; after one the diagnosis can
 *              only be freed.  FLOWLOG_END when `report` said so.
 */
FLOWLOG_API flowlog_status flowlog_diagnosis_collect(flowlog_diagnosis *diagnosis, flowlog_source *source,
                                                     const flowlog_run_options *options, flowlog_error *err);

/**
 * Add all that another engine has seen, as if its batches had been added here; `other` is unchanged.  Context, rules
 * and question stay those of `diagnosis`.  In any order and grouping the findings are the same.
 */
FLOWLOG_API flowlog_status flowlog_diagnosis_merge(flowlog_diagnosis *diagnosis, const flowlog_diagnosis *other,
                                                   flowlog_error *err);

/**
 * Deliver the findings, ordered by interface, server, port, client, time; paths after diagnoses, the answer last.
 * May be called once.
 */
FLOWLOG_API flowlog_status flowlog_diagnosis_finish(flowlog_diagnosis *diagnosis, flowlog_finding_fn report, void *ctx,
                                                    flowlog_error *err);

/** Records that counted, and records left out because an address was '-'. */
FLOWLOG_API uint64_t flowlog_diagnosis_records(const flowlog_diagnosis *diagnosis);
FLOWLOG_API uint64_t flowlog_diagnosis_left_out(const flowlog_diagnosis *diagnosis);

/** Conversations given up early because there were more than max_conversations at a time. */
FLOWLOG_API uint64_t flowlog_diagnosis_truncated(const flowlog_diagnosis *diagnosis);

#ifdef __cplusplus
}
#endif
#endif
