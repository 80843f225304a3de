/* SPDX-License-Identifier: MIT */
/*
 * analyze/verdict.h - what one episode means: the table of diagnosis.md, section 1.6.
 *
 * A pure function of four sides (requests and replies, accepted and refused) and of what is known around them.
 */
#ifndef FL_ANALYZE_VERDICT_H
#define FL_ANALYZE_VERDICT_H

#include "analyze/episode.h"
#include "flowlog/diagnose.h"

struct fl_case {
    struct fl_segment ra, rr, pa, pr; /* Request and rePly, Accepted and Rejected; records 0: there are none */
    uint32_t accepted_before_rr, accepted_before_pr, closed; /* as in fl_episode */
    uint32_t udp_timeout, udp_stream;
    uint32_t window; /* aggregation interval and skew */
    uint32_t other_first, other_last; /* other_port: when it was accepted */
    uint16_t server_port;
    uint8_t proto, v6;
    uint8_t way;         /* flowlog_way of requests; NONE is none */
    uint8_t weak_way;    /* 1: `way` is likely, not sure */
    uint8_t roles;       /* FL_ROLE_* */
    uint8_t decisive;    /* flags say who is the client */
    uint8_t traffic;     /* FL_TRAFFIC_* */
    uint8_t near_start, near_end; /* of the log, within a window */
    uint8_t told_window; /* 1: what the log covers was told, not taken from its records */
    uint8_t skipped;     /* SKIPDATA near */
    uint8_t truncated;   /* parts of conversations were given up */
    uint8_t transit, nat; /* the kind of interface */
    uint8_t same_subnet; /* 1: both ends in one */
    uint8_t forwards;    /* 1: the packets go to another address than the interface's own */
    uint8_t inside_client; /* 1: the client's address is one of the VPC, as far as is known */
    uint8_t sibling;     /* a neighbour of the subnet was let through: 1 near in time, 2 surely before and after */
    uint8_t other_port;  /* 1: another client port was let through */
    uint8_t goes_on;     /* 1: the interface has records or NODATA right after what was accepted, and later */
    uint8_t refused_there; /* 1: the other end's interface refused the requests */
    uint8_t answered_there; /* 1: the other end's interface has packets that go the other way */
};

struct fl_verdict {
    uint8_t verdict, layer, way, phase, confidence, transition, proof, missing;
    uint8_t alts, alt[3];
};

void flowlog__verdict(const struct fl_case *c, struct fl_verdict *v);

/* 1 for verdicts that need nobody's attention. */
int flowlog__verdict_is_fine(unsigned verdict);

#endif
