/* SPDX-License-Identifier: MIT */
/*
 * analyze/episode.h - one connection of a conversation: its sides, and who is the client.
 *
 * A conversation's records in the order of time are cut where the next one begins more than a protocol's pause after
 * the last end, or where a SYN comes more than a window after a record with FIN or RST.
 */
#ifndef FL_ANALYZE_EPISODE_H
#define FL_ANALYZE_EPISODE_H

#include "analyze/conversation.h"

enum { FL_ROLE_UNKNOWN = 0, FL_ROLE_LOW = 1, FL_ROLE_MEDIUM = 2, FL_ROLE_HIGH = 3 };

struct fl_episode {
    struct fl_segment side[4]; /* by FL_SEG_BACK | FL_SEG_REJECT; records 0: there are none */
    uint32_t first, last;
    uint32_t closed; /* latest end of an accepted record with FIN or RST; 0: none */
    uint32_t accepted_before[2]; /* latest accepted end before the first rejected start from A, from B; 0: none */
};

/* The episodes of a conversation, in the order of time.  Returns how many, at least 1 if it has records. */
uint32_t flowlog__episodes(const struct fl_conversations *t, const struct fl_conversation *c, uint32_t window,
                           struct fl_episode out[FL_SEGMENTS_MAX]);

struct fl_roles {
    uint8_t client_is_b; /* else A is */
    uint8_t strength;    /* FL_ROLE_* */
    uint8_t decisive;    /* SYN or SYN-ACK said so */
};

/*
 * Who began: by flags, ports, how many peers each end has (`fan_a`, `fan_b`: accepted both ways), what was accepted,
 * and what came first.
 */
struct fl_roles flowlog__roles(const struct fl_episode *e, const struct fl_conversation_key *key, uint32_t fan_a,
                               uint32_t fan_b);

/* 3: a service port (1 to 1023, or a listed one); 1: 1024 to 32767; 0: any other. */
unsigned flowlog__port_service(uint32_t port);

#endif
