/* SPDX-License-Identifier: MIT */
/*
 * analyze/conversation.h - every 5-tuple of every interface, and its records.
 *
 * A conversation is the key below and a set of segments.  A segment is one record, or several of the same side and
 * action that were put together.  As long as a conversation has no more segments than fit (7), it holds every record
 * as it came: identical ones are found, and nothing depends on the order of arrival.  Beyond that the two of one side
 * that are closest in time are put together, never across the end of one connection and the beginning of the next,
 * nor across a pause that begins a new episode (episode.h); a record that is part of such a segment is then not known
 * again should it come twice.  A conversation of several connections may have more segments (FL_SEGMENTS_MAX).
 *
 * Sums, first, last and the or of flags do not depend on the order in which segments are put together, and where the
 * episodes of a conversation lie does not depend on it as long as a pause between connections is longer than those
 * within them.
 *
 * Memory: 128 bytes for 3 segments, 128 more for each 4 further ones, 8 to 22 for the directory.
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
 * Seconds after which a pause begins a new episode.  TCP has a long one: a late packet must still meet
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
/* Segments that differ in these are never put together. */
#define FL_SEG_SIDE (FL_SEG_BACK | FL_SEG_REJECT | UINT32_C(0xFF0000))

enum { FL_TCP_FIN = 1, FL_TCP_SYN = 2, FL_TCP_RST = 4, FL_TCP_SYNACK = 18 };

struct fl_segment {
    uint32_t first, last; /* seconds since 1970 */
    uint64_t packets, bytes;
    uint32_t records;
    uint32_t meta;
};

enum { FL_SEGMENTS_FIRST = 3, FL_SEGMENTS_MORE = 4, FL_SEGMENTS_BLOCKS = 16,
       FL_SEGMENTS_MAX = FL_SEGMENTS_FIRST + FL_SEGMENTS_MORE * FL_SEGMENTS_BLOCKS };

struct fl_conversation {
    struct fl_conversation_key key;
    uint32_t more;   /* 1 + the number of the block with further segments; 0: none */
    uint32_t last;   /* latest end */
    uint16_t used;   /* segments */
    uint8_t blocks;  /* further blocks */
    uint8_t state;   /* FL_CONVERSATION_* */
    struct fl_segment segment[FL_SEGMENTS_FIRST];
};
_Static_assert(sizeof(struct fl_conversation) == 128, "a conversation is two cache lines");

enum { FL_CONVERSATION_GONE = 1,     /* the place is free */
       FL_CONVERSATION_REPORTED = 2, /* and nothing came since */
       FL_CONVERSATION_FORCED = 4 }; /* segments were put together that may belong to different connections */

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

/* Add a segment; E_MEMORY.  `hold` is the pause in seconds after which a new episode begins. */
flowlog_status flowlog__conversation_add(struct fl_conversations *t, const flowlog_alloc *alloc, uint32_t place,
                                         const struct fl_segment *segment, uint32_t hold);
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
