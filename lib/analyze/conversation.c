/* SPDX-License-Identifier: MIT */
/* conversation.c - see conversation.h. */
#include "analyze/conversation.h"

#include <string.h>

#include "core/error.h"

enum { FIRST_SLOTS = 256 };

/* --- pools ------------------------------------------------------------------------------------------------- */

#define PIECE_LEN(pool) (((size_t)1 << FL_PIECE_SHIFT) * (pool)->item)

static flowlog_status pool_reserve(struct fl_pool *pool, const flowlog_alloc *alloc, uint32_t more)
{
    if (more > UINT32_MAX - 1 - pool->count) return FLOWLOG_E_LIMIT;
    const size_t want = ((size_t)pool->count + more + ((size_t)1 << FL_PIECE_SHIFT) - 1) >> FL_PIECE_SHIFT;
    if (want > pool->piece_cap) {
        size_t cap = pool->piece_cap ? pool->piece_cap * 2 : 16;
        if (cap < want) cap = want;
        if (cap > SIZE_MAX / sizeof *pool->piece) return FLOWLOG_E_MEMORY;
        void **piece = flowlog__resize(alloc, pool->piece, pool->piece_cap * sizeof *piece, cap * sizeof *piece);
        if (!piece) return FLOWLOG_E_MEMORY;
        pool->piece = piece;
        pool->piece_cap = cap;
    }
    for (; pool->pieces < want; pool->pieces++) {
        pool->piece[pool->pieces] = flowlog__alloc(alloc, PIECE_LEN(pool));
        if (!pool->piece[pool->pieces]) return FLOWLOG_E_MEMORY;
    }
    return FLOWLOG_OK;
}

static void pool_free(struct fl_pool *pool, const flowlog_alloc *alloc)
{
    for (size_t i = 0; i < pool->pieces; i++) flowlog__release(alloc, pool->piece[i], PIECE_LEN(pool));
    if (pool->piece) flowlog__release(alloc, pool->piece, pool->piece_cap * sizeof *pool->piece);
}

/* --- the directory ----------------------------------------------------------------------------------------- */

void flowlog__conversations_init(struct fl_conversations *t)
{
    memset(t, 0, sizeof *t);
    t->pool.item = sizeof(struct fl_conversation);
    t->more.item = sizeof(struct fl_segment_block);
}

void flowlog__conversations_free(struct fl_conversations *t, const flowlog_alloc *alloc)
{
    pool_free(&t->pool, alloc);
    pool_free(&t->more, alloc);
    if (t->next_block) flowlog__release(alloc, t->next_block, t->next_cap * sizeof *t->next_block);
    if (t->slot) flowlog__release(alloc, t->slot, t->slots * sizeof *t->slot);
    flowlog__conversations_init(t);
}

static void put(struct fl_conversations *t, uint64_t hash, uint32_t place)
{
    uint32_t s = (uint32_t)(hash >> 32) & (t->slots - 1);
    while (t->slot[s].place) s = (s + 1) & (t->slots - 1);
    t->slot[s].check = (uint32_t)hash;
    t->slot[s].place = place + 1;
}

static flowlog_status grow_slots(struct fl_conversations *t, const flowlog_alloc *alloc, uint32_t slots)
{
    if ((uint64_t)slots * sizeof *t->slot > SIZE_MAX / 2) return FLOWLOG_E_MEMORY;
    struct fl_slot *slot = flowlog__alloc_zero(alloc, slots * sizeof *slot);
    if (!slot) return FLOWLOG_E_MEMORY;
    if (t->slot) flowlog__release(alloc, t->slot, t->slots * sizeof *slot);
    t->slot = slot;
    t->slots = slots;
    for (uint32_t i = 0; i < t->pool.count; i++) {
        const struct fl_conversation *c = fl_conversation_at(t, i);
        if (!(c->state & FL_CONVERSATION_GONE)) put(t, fl_conversation_hash(&c->key), i);
    }
    return FLOWLOG_OK;
}

flowlog_status flowlog__conversations_reserve(struct fl_conversations *t, const flowlog_alloc *alloc, uint32_t more)
{
    const uint64_t want = (uint64_t)t->live + more;
    if (want > UINT32_C(1) << 29) return FLOWLOG_E_LIMIT;
    uint32_t slots = t->slots ? t->slots : FIRST_SLOTS;
    while (want > slots / 4 * 3) slots *= 2;
    if (slots != t->slots) FL_TRY(grow_slots(t, alloc, slots));
    return pool_reserve(&t->pool, alloc, more);
}

static int same_key(const struct fl_conversation_key *a, const struct fl_conversation_key *b)
{
    return !((a->where ^ b->where) | (a->outer ^ b->outer) | (a->a ^ b->a) | (a->b ^ b->b) | (a->ports ^ b->ports));
}

uint32_t flowlog__conversation_place(struct fl_conversations *t, const struct fl_conversation_key *key, uint64_t hash)
{
    uint32_t s = (uint32_t)(hash >> 32) & (t->slots - 1);
    for (; t->slot[s].place; s = (s + 1) & (t->slots - 1))
        if (t->slot[s].check == (uint32_t)hash && same_key(&fl_conversation_at(t, t->slot[s].place - 1)->key, key))
            return t->slot[s].place - 1;
    uint32_t place;
    if (t->free_place) {
        place = t->free_place - 1;
        t->free_place = fl_conversation_at(t, place)->last;
    } else {
        place = t->pool.count++;
    }
    struct fl_conversation *c = fl_conversation_at(t, place);
    c->key = *key;
    c->more = c->last = 0;
    c->used = c->level[0] = c->level[1] = c->state = 0;
    t->slot[s].check = (uint32_t)hash;
    t->slot[s].place = place + 1;
    t->live++;
    return place;
}

uint32_t flowlog__conversation_find(const struct fl_conversations *t, const struct fl_conversation_key *key)
{
    if (!t->slots) return UINT32_MAX;
    const uint64_t hash = fl_conversation_hash(key);
    uint32_t s = (uint32_t)(hash >> 32) & (t->slots - 1);
    for (; t->slot[s].place; s = (s + 1) & (t->slots - 1))
        if (t->slot[s].check == (uint32_t)hash && same_key(&fl_conversation_at(t, t->slot[s].place - 1)->key, key))
            return t->slot[s].place - 1;
    return UINT32_MAX;
}

void flowlog__conversation_drop(struct fl_conversations *t, uint32_t place)
{
    struct fl_conversation *c = fl_conversation_at(t, place);
    const uint32_t mask = t->slots - 1;
    uint32_t hole = (uint32_t)(fl_conversation_hash(&c->key) >> 32) & mask;
    while (t->slot[hole].place != place + 1) hole = (hole + 1) & mask;
    /* Whatever stands behind the hole and was moved past it goes into it. */
    for (uint32_t s = (hole + 1) & mask; t->slot[s].place; s = (s + 1) & mask) {
        const struct fl_conversation *other = fl_conversation_at(t, t->slot[s].place - 1);
        const uint32_t home = (uint32_t)(fl_conversation_hash(&other->key) >> 32) & mask;
        if (((s - home) & mask) < ((s - hole) & mask)) continue;
        t->slot[hole] = t->slot[s];
        hole = s;
    }
    t->slot[hole].place = 0;
    for (uint32_t b = c->more; b;) {
        const uint32_t next = t->next_block[b - 1];
        t->next_block[b - 1] = t->free_block;
        t->free_block = b;
        b = next;
    }
    c->state = FL_CONVERSATION_GONE;
    c->used = 0;
    c->last = t->free_place;
    t->free_place = place + 1;
    t->live--;
}

/* --- segments ---------------------------------------------------------------------------------------------- */

#define LESS(a, b) ((a) < (b) ? -1 : (a) > (b))

int flowlog__segment_compare(const struct fl_segment *a, const struct fl_segment *b)
{
    if (a->first != b->first) return LESS(a->first, b->first);
    if (a->last != b->last) return LESS(a->last, b->last);
    if (a->meta != b->meta) return LESS(a->meta, b->meta);
    if (a->packets != b->packets) return LESS(a->packets, b->packets);
    if (a->bytes != b->bytes) return LESS(a->bytes, b->bytes);
    return LESS(a->records, b->records);
}

/* Pointers to all segments, in the order of arrival. */
static uint32_t list_segments(const struct fl_conversations *t, struct fl_conversation *c,
                              struct fl_segment *list[FL_SEGMENTS_MAX])
{
    uint32_t n = 0;
    for (; n < c->used && n < FL_SEGMENTS_FIRST; n++) list[n] = &c->segment[n];
    for (uint32_t b = c->more; n < c->used; b = t->next_block[b - 1]) {
        struct fl_segment_block *block = fl_pool_at(&t->more, b - 1);
        for (unsigned i = 0; i < FL_SEGMENTS_MORE && n < c->used; i++) list[n++] = &block->segment[i];
    }
    return n;
}

uint32_t flowlog__conversation_segments(const struct fl_conversations *t, const struct fl_conversation *c,
                                        struct fl_segment out[FL_SEGMENTS_MAX])
{
    const struct fl_segment *from = c->segment;
    uint32_t left = FL_SEGMENTS_FIRST, b = c->more;
    for (uint32_t i = 0; i < c->used; i++, from++, left--) { /* few: by insertion */
        if (!left) {
            from = ((const struct fl_segment_block *)fl_pool_at(&t->more, b - 1))->segment;
            b = t->next_block[b - 1];
            left = FL_SEGMENTS_MORE;
        }
        uint32_t at = i;
        for (; at && flowlog__segment_compare(from, &out[at - 1]) < 0; at--) out[at] = out[at - 1];
        out[at] = *from;
    }
    return c->used;
}

static uint64_t times(uint64_t n, uint32_t by) { return n && by > UINT64_MAX / n ? UINT64_MAX : n * by; }
static uint64_t plus(uint64_t a, uint64_t b) { return a > UINT64_MAX - b ? UINT64_MAX : a + b; }

/* A record, which may have come several times, as a group of one.  From now on each time counts. */
static void make_group(struct fl_conversations *t, struct fl_segment *s)
{
    if (s->meta & FL_SEG_GROUP) return;
    t->duplicates -= s->records - 1;
    s->packets = times(s->packets, s->records);
    s->bytes = times(s->bytes, s->records);
    s->meta |= FL_SEG_GROUP;
}

static uint32_t reason_of_two(uint32_t a, uint32_t b) { return a == b ? a : FL_REASON_SEVERAL; }

static void absorb(struct fl_conversations *t, struct fl_segment *into, const struct fl_segment *other)
{
    struct fl_segment s = *other;
    make_group(t, into);
    make_group(t, &s);
    if (s.first < into->first) into->first = s.first;
    if (s.last > into->last) into->last = s.last;
    into->packets = plus(into->packets, s.packets);
    into->bytes = plus(into->bytes, s.bytes);
    into->records = into->records > UINT32_MAX - s.records ? UINT32_MAX : into->records + s.records;
    const uint32_t reason = reason_of_two(FL_SEG_REASON(into->meta), FL_SEG_REASON(s.meta));
    into->meta = ((into->meta | s.meta) & ~UINT32_C(0xFF0000)) | reason << 16;
}

/* Segments of one kind and cell are put together: the side, the kind of reason, and what kind of mark it is. */
static uint32_t kind_of(const struct fl_segment *s)
{
    const uint32_t reason = FL_SEG_REASON(s->meta), opens = (s->meta & (FL_SEG_SYN | FL_SEG_SYNACK)) != 0;
    return (s->meta & (FL_SEG_BACK | FL_SEG_REJECT)) | (reason < 3 ? reason : 3) << 2 | opens << 4 |
           (uint32_t)((s->meta & FL_SEG_CLOSED) != 0) << 5;
}
static unsigned is_mark(const struct fl_segment *s) { return (s->meta & FL_SEG_MARK) != 0; }

enum { LEVEL_MAX = 27, CELL_SHIFT = 5 /* level 1: 2^6 seconds */ };
static uint64_t cell_of(const struct fl_segment *s, unsigned level)
{
    return (uint64_t)s->first >> (CELL_SHIFT + level);
}

/* Two segments that are to be one at the levels of a conversation. */
static int belong(const struct fl_conversation *c, const struct fl_segment *a, const struct fl_segment *b)
{
    const unsigned level = c->level[is_mark(a)];
    return level && kind_of(a) == kind_of(b) && cell_of(a, level) == cell_of(b, level);
}

/* Put together what belongs together; what is left has no gaps.  Returns how many. */
static uint32_t regroup(struct fl_conversations *t, struct fl_conversation *c, struct fl_segment **list, uint32_t n)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t k = 0;
        while (k < kept && !belong(c, list[k], list[i])) k++;
        if (k < kept) absorb(t, list[k], list[i]);
        else if (kept++ != i) *list[k] = *list[i];
    }
    return kept;
}

/* The lowest levels at which the segments fit.  Returns how many there are then. */
static uint32_t fit(struct fl_conversations *t, struct fl_conversation *c, struct fl_segment **list, uint32_t n)
{
    enum { LEAST = 3 /* that are no marks */ };
    if (n <= FL_SEGMENTS_FIT && !c->level[0] && !c->level[1]) return n;
    for (;;) {
        uint32_t marks = 0;
        for (uint32_t i = 0; i < n; i++) marks += is_mark(list[i]);
        const uint32_t room = marks + LEAST < FL_SEGMENTS_FIT && !c->level[1] ? FL_SEGMENTS_FIT - marks : LEAST;
        const int too_many = n - marks > room && c->level[0] < LEVEL_MAX;
        const int too_many_marks = marks > FL_SEGMENTS_MARKS && c->level[1] < LEVEL_MAX;
        if (!too_many && !too_many_marks) return n;
        if (too_many_marks) c->level[1]++;
        else c->level[0]++;
        n = regroup(t, c, list, n);
    }
}

static flowlog_status add_block(struct fl_conversations *t, const flowlog_alloc *alloc, struct fl_conversation *c)
{
    uint32_t block = t->free_block;
    if (block) {
        t->free_block = t->next_block[block - 1];
    } else {
        FL_TRY(pool_reserve(&t->more, alloc, 1));
        if (t->more.count == t->next_cap) {
            const uint32_t cap = t->next_cap ? t->next_cap * 2 : 1u << FL_PIECE_SHIFT;
            uint32_t *next = flowlog__resize(alloc, t->next_block, t->next_cap * sizeof *next, cap * sizeof *next);
            if (!next) return FLOWLOG_E_MEMORY;
            t->next_block = next;
            t->next_cap = cap;
        }
        block = ++t->more.count;
    }
    t->next_block[block - 1] = 0;
    uint32_t *link = &c->more;
    while (*link) link = &t->next_block[*link - 1];
    *link = block;
    return FLOWLOG_OK;
}

/* The place behind the last segment; NULL when there is no room. */
static struct fl_segment *end_of(const struct fl_conversations *t, struct fl_conversation *c)
{
    if (c->used < FL_SEGMENTS_FIRST) return &c->segment[c->used];
    uint32_t at = c->used - (uint32_t)FL_SEGMENTS_FIRST, b = c->more;
    for (; b && at >= FL_SEGMENTS_MORE; at -= FL_SEGMENTS_MORE) b = t->next_block[b - 1];
    return b ? &((struct fl_segment_block *)fl_pool_at(&t->more, b - 1))->segment[at] : NULL;
}

static int same_record(const struct fl_segment *a, const struct fl_segment *b)
{
    return a->first == b->first && a->last == b->last && a->packets == b->packets && a->bytes == b->bytes &&
           a->meta == b->meta && !(a->meta & FL_SEG_GROUP);
}

void flowlog__conversation_raise(struct fl_conversations *t, uint32_t place, const uint8_t level[2])
{
    struct fl_conversation *c = fl_conversation_at(t, place);
    struct fl_segment *list[FL_SEGMENTS_MAX];
    for (unsigned i = 0; i < 2; i++)
        if (c->level[i] < level[i]) c->level[i] = level[i];
    c->used = (uint8_t)regroup(t, c, list, list_segments(t, c, list));
}

static unsigned state_of(uint32_t meta)
{
    const unsigned way = (meta & (FL_SEG_IN | FL_SEG_OUT)) ? FL_CONVERSATION_WAY : 0;
    if (meta & FL_SEG_REJECT) return way | FL_CONVERSATION_REFUSED;
    return way | ((meta & FL_SEG_BACK) ? FL_CONVERSATION_FROM_B : FL_CONVERSATION_FROM_A);
}

flowlog_status flowlog__conversation_add(struct fl_conversations *t, const flowlog_alloc *alloc, uint32_t place,
                                         const struct fl_segment *segment)
{
    struct fl_conversation *c = fl_conversation_at(t, place);
    struct fl_segment *list[FL_SEGMENTS_MAX];
    uint32_t n = list_segments(t, c, list);
    if (segment->last > c->last) c->last = segment->last;
    c->state = (uint8_t)((c->state & ~(unsigned)FL_CONVERSATION_REPORTED) | state_of(segment->meta));
    for (uint32_t i = 0; i < n; i++) {
        if (same_record(list[i], segment)) {
            t->duplicates++; /* those of the segment are counted by the engine that it comes from */
            list[i]->records = list[i]->records > UINT32_MAX - segment->records ? UINT32_MAX
                                                                                 : list[i]->records + segment->records;
            return FLOWLOG_OK;
        }
        if (belong(c, list[i], segment)) {
            absorb(t, list[i], segment);
            return FLOWLOG_OK;
        }
    }
    struct fl_segment *end = end_of(t, c);
    if (!end) {
        FL_TRY(add_block(t, alloc, c));
        end = end_of(t, c);
    }
    *end = *segment;
    list[n++] = end;
    c->used = (uint8_t)fit(t, c, list, n);
    return FLOWLOG_OK;
}
