/* SPDX-License-Identifier: MIT */
/*
 * support/vpc_judge.h - holds what was found in the log of a simulated VPC against what happened in it.
 *
 * Two questions.  Is a claim false: does it contradict what happened, so that whoever acts on it is misled?  And are
 * the refused conversations found?
 *
 * A claim is a finding in words (names of the specification), so that the judge depends on nothing that it judges.
 */
#ifndef TEST_VPC_JUDGE_H
#define TEST_VPC_JUDGE_H

#include "support/vpc_sim.h"

struct vpc_claim {
    int path;         /* 1: about the way between two interfaces, 0: about one interface */
    int iface;        /* index; -1: none that exists */
    uint8_t proto;
    struct vpc_end client, server;
    const char *verdict, *layer, *phase, *direction, *confidence;
    uint32_t rule;    /* number of the deciding network ACL entry; 0: none named */
    int64_t first, last; /* seconds */
};

/* 1: the claim is false; `why` says what was true.  It is held against all that happened at its interface between
   its ends at about its time; what is true of any of that is true. */
int vpc_false(const struct vpc_world *w, const struct vpc_log_options *o, const struct vpc_claim *c,
              char *why, size_t room);

/* A refused conversation, or several of the same ports and the same fate, at an interface. */
enum { VPC_CASE_REQUEST, VPC_CASE_REPLY, VPC_CASE_CHANGED, VPC_CASE_MIXED, VPC_CASES };
struct vpc_case {
    int view;      /* one of them */
    uint8_t
        kind; /* REQUEST: none was let through; REPLY: requests were, no reply was; CHANGED: of one side some were
                      let through and some refused by the rules; MIXED: several conversations that ended differently */
    uint8_t blind; /* the default format cannot tell which of the two addresses is the interface's */
    uint8_t odd_ports; /* the client's port looks more like a service than the server's */
    uint8_t near_change; /* rules changed at about its time */
    uint8_t causes;      /* of what was refused */
    uint16_t rule;       /* network ACL entry that refused it; 0: none, or several */
};
/* All refused conversations of a log of which no interval is lost, in a stable order; free() it. */
size_t vpc_cases(const struct vpc_world *w, const struct vpc_log_options *o, struct vpc_case **cases);

/* 1: one of the claims says of the case, with the right direction and phase, that it is refused (or, near a change of
   rules, that they changed).  *best: that claim. */
int vpc_found(const struct vpc_world *w, const struct vpc_log_options *o, const struct vpc_case *c,
              const struct vpc_claim *claims, size_t n, const struct vpc_claim **best);

#endif
