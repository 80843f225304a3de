/* SPDX-License-Identifier: MIT */
/*
 * analyze/conversation.h - every 5-tuple of every interface, and its records.
 *
 * A conversation is the key below and a set of segments.  Up to 7 different records are kept as they came, and
 * identical ones are found.  Beyond that, records in which a connection begins or ends (SYN, FIN, RST: "marks") are
 * still kept one by one, and all others are put together by side and by cells of time.  Cells are 64 seconds wide at
 * the first level and twice as wide at each further one; a conversation has the lowest level at which its segments fit
 * (7 with the marks, but at least 3).  Where there are more than 40 marks these are put together in the same way.
 *
 * So what is kept is a function of the set of records: the lowest level that fits does not depend on the order in
 * which they came, and cells of one level are whole cells of the next.  The same holds for two conversations that are
 * merged.  A record that comes again counts once while records are kept one by one; once they are put together it
 * counts as often as it comes, those that came before included.
 *
 * Memory: 128 bytes for 3 segments, 128 more for each 4 further ones, 8 to 22 for the directory; 278 at most for a
 * conversation of one connection.
 */
#ifndef FL_ANALYZE_CONVERSATION_H
#define FL_ANALYZE_CONVERSATION_H

#include "core/alloc.h"
#include "core/hash.h"

/*
 * Who talks to whom, seen where.  Endpoints A and B are in one fixed order, so both directions have one key.  An
 * IPv4 address stands for itself, an IPv6 address is the number of an interned one.
 */
struct fl_conversation_key {
    uint32_t where; /* interface << 10 | family of B is 6 << 9 | family of A is 6 << 8 | protocol */
    uint32_t outer; /* the addresses as the interface sees them, if they differ: number of an interned pair */
    uint32_t a, b;
    uint32_t ports; /* of A << 16 | of B */
};
#define FL_INTERFACES_MAX ((UINT32_C(1) << 22) - 1)

FL_INLINE uint32_t fl_key_interface(const struct fl_conversation_key *k) { return k->where >> 10; }
FL_INLINE unsigned fl_key_proto(const struct fl_conversation_key *k) { return k->where & 0xFF; }
FL_INLINE int fl_key_a6(const struct fl_conversation_key *k) { return k->where >> 8 & 1; }
FL_INLINE int fl_key_b6(const struct fl_conversation_key *k) { return k->where >> 9 & 1; }

FL_INLINE uint64_t fl_conversation_hash(const struct fl_conversation_key *k)
{
    uint64_t h = fl_hash_u64((uint64_t)k->a << 32 | k->b);
    h = fl_hash_u64(h ^ ((uint64_t)k->where << 32 | k->ports));
    return k->outer ? fl_hash_u64(h ^ k->outer) : h;
}

/*
 * Seconds after which a pause begins a new episode (episode.h).  TCP has a long one: a late packet must still meet
 * the connection it belongs to.
 */
FL_INLINE uint32_t fl_epoch_hold(unsigned proto)
{
    return proto == 6 ? 86400 : proto == 17 || proto == 1 || proto == 58 ? 300 : 900;
}

/* Bits of fl_segment.meta. */
#define FL_SEG_BACK UINT32_C(1)         /* from B to A */
#define FL_SEG_REJECT UINT32_C(2)
#define FL_SEG_SYN UINT32_C(4)          /* a record with SYN and not ACK */
#define FL_SEG_SYNACK UINT32_C(8)
#define FL_SEG_FLAGS UINT32_C(16)       /* a record has tcp-flags */
#define FL_SEG_NO_FLAGS UINT32_C(32)    /* a record has none */
#define FL_SEG_IN UINT32_C(64)          /* flow-direction says ingress */
#define FL_SEG_OUT UINT32_C(128)
#define FL_SEG_PLAIN (UINT32_C(1) << 24) /* a record whose tcp-flags have no SYN */
#define FL_SEG_TCP(meta) ((meta) >> 8 & 0xFF) /* the or of the flags */
#define FL_SEG_REASON(meta) ((meta) >> 16 & 0xFF) /* number of an interned reject-reason */
#define FL_SEG_CLOSED UINT32_C(0x500)   /* FIN or RST */
#define FL_SEG_GROUP (UINT32_C(1) << 25)  /* several records put together; else `records` says how often it came */
#define FL_SEG_MARK (FL_SEG_SYN | FL_SEG_SYNACK | FL_SEG_CLOSED)
#define FL_REASON_SEVERAL 255u /* what is left of two different reasons */

enum { FL_TCP_FIN = 1, FL_TCP_SYN = 2, FL_TCP_RST = 4, FL_TCP_SYNACK = 18 };

struct fl_segment {
    uint32_t first, last; /* seconds since 1970 */
    uint64_t packets, bytes;
    uint32_t records; /* see FL_SEG_GROUP */
    uint32_t meta;
};

/* 10 kinds of sides (2 accepted, 2 refused for 4 kinds of reasons), for marks times 3, cannot be put together. */
enum { FL_SEGMENTS_FIRST = 3, FL_SEGMENTS_MORE = 4, FL_SEGMENTS_FIT = 7, FL_SEGMENTS_MARKS = 40,
       FL_SEGMENTS_MAX = 75 };

struct fl_conversation {
    struct fl_conversation_key key;
    uint32_t more;     /* 1 + the number of the block with further segments; 0: none */
    uint32_t last;     /* latest end */
    uint8_t used;      /* segments */
    uint8_t level[2];  /* of others, of marks; 0: each record is kept */
    uint8_t state;     /* FL_CONVERSATION_* */
    struct fl_segment segment[FL_SEGMENTS_FIRST];
};
_Static_assert(sizeof(struct fl_conversation) == 128, "a conversation is two cache lines");

enum { FL_CONVERSATION_GONE = 1,      /* the place is free */
       FL_CONVERSATION_REPORTED = 2,  /* and nothing came since */
       FL_CONVERSATION_GIVEN_UP = 4,  /* reported before its time */
       FL_CONVERSATION_COUNTED = 8,   /* its ends' peers are in flowlog_diagnosis.peers */
       FL_CONVERSATION_FROM_A = 16,   /* something from A was accepted, from B */
       FL_CONVERSATION_FROM_B = 32,
       FL_CONVERSATION_REFUSED = 64,  /* something was refused */
       FL_CONVERSATION_WAY = 128 };   /* a record has flow-direction */
#define FL_CONVERSATION_BOTH (FL_CONVERSATION_FROM_A | FL_CONVERSATION_FROM_B)

struct fl_segment_block {
    struct fl_segment segment[FL_SEGMENTS_MORE];
};

/* Items in pieces that never move. */
struct fl_pool {
    void **piece;
    size_t item, piece_cap, pieces;
    uint32_t count; /* items handed out so far */
};
enum { FL_PIECE_SHIFT = 10 };

struct fl_slot {
    uint32_t check;
    uint32_t place; /* 1 + the number of the conversation; 0: empty */
};

struct fl_conversations {
    struct fl_pool pool, more;
    uint32_t *next_block;   /* [next_cap] 1 + the block that follows, by number */
    uint32_t next_cap;
    struct fl_slot *slot;
    uint32_t slots;         /* a power of two, or 0 */
    uint32_t live;          /* conversations now */
    uint32_t free_place;    /* 1 + the first place that is free; linked by `last` */
    uint32_t free_block;    /* 1 + the first block that is free; linked by next_block */
    uint64_t duplicates;    /* records that had come before */
};

void flowlog__conversations_init(struct fl_conversations *t);
void flowlog__conversations_free(struct fl_conversations *t, const flowlog_alloc *alloc);

/* Make room for `more` conversations; then flowlog__conversation_place cannot fail.  E_MEMORY, E_LIMIT. */
flowlog_status flowlog__conversations_reserve(struct fl_conversations *t, const flowlog_alloc *alloc, uint32_t more);
/* The place of a conversation, found or made. */
uint32_t flowlog__conversation_place(struct fl_conversations *t, const struct fl_conversation_key *key, uint64_t hash);
/* The same without making: UINT32_MAX when there is none. */
uint32_t flowlog__conversation_find(const struct fl_conversations *t, const struct fl_conversation_key *key);

/* Add a record, or a segment of another conversation, whose levels must be told first.  E_MEMORY. */
flowlog_status flowlog__conversation_add(struct fl_conversations *t, const flowlog_alloc *alloc, uint32_t place,
                                         const struct fl_segment *segment);
void flowlog__conversation_raise(struct fl_conversations *t, uint32_t place, const uint8_t level[2]);
void flowlog__conversation_drop(struct fl_conversations *t, uint32_t place);

FL_INLINE void *fl_pool_at(const struct fl_pool *pool, uint32_t i)
{
    return (char *)pool->piece[i >> FL_PIECE_SHIFT] + (i & ((1u << FL_PIECE_SHIFT) - 1)) * pool->item;
}
FL_INLINE struct fl_conversation *fl_conversation_at(const struct fl_conversations *t, uint32_t place)
{
    return fl_pool_at(&t->pool, place);
}

/* All segments of a conversation, copied out in the order of time.  Returns how many. */
uint32_t flowlog__conversation_segments(const struct fl_conversations *t, const struct fl_conversation *c,
                                        struct fl_segment out[FL_SEGMENTS_MAX]);

/* Negative, zero or positive: by time, then by everything else. */
int flowlog__segment_compare(const struct fl_segment *a, const struct fl_segment *b);

#endif
