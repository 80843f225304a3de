/* SPDX-License-Identifier: MIT */
/* episode.c - see episode.h. */
#include "analyze/episode.h"

#include <string.h>

static void widen(struct fl_segment *side, const struct fl_segment *segment)
{
    struct fl_segment one = *segment;
    const struct fl_segment *s = &one;
    if (!(one.meta & FL_SEG_GROUP)) one.records = 1; /* identical records count once */
    if (!side->records) {
        *side = one;
        return;
    }
    if (s->first < side->first) side->first = s->first;
    if (s->last > side->last) side->last = s->last;
    side->packets = side->packets > UINT64_MAX - s->packets ? UINT64_MAX : side->packets + s->packets;
    side->bytes = side->bytes > UINT64_MAX - s->bytes ? UINT64_MAX : side->bytes + s->bytes;
    side->records = side->records > UINT32_MAX - s->records ? UINT32_MAX : side->records + s->records;
    const uint32_t a = FL_SEG_REASON(side->meta), b = FL_SEG_REASON(s->meta), low = a < b ? a : b, high = a < b ? b : a;
    const uint32_t reason = !low || low == high ? high : low < 3 ? low : FL_REASON_SEVERAL;
    side->meta = ((side->meta | s->meta) & ~UINT32_C(0xFF0000)) | reason << 16;
}

static void close_episode(struct fl_episode *e, const struct fl_segment *segment, uint32_t n)
{
    for (unsigned back = 0; back < 2; back++) {
        const struct fl_segment *refused = &e->side[back | FL_SEG_REJECT];
        if (!refused->records) continue;
        for (uint32_t i = 0; i < n; i++) {
            if ((segment[i].meta & FL_SEG_REJECT) || segment[i].first > refused->first) continue;
            const uint32_t end = segment[i].last < refused->first ? segment[i].last : refused->first;
            if (end > e->accepted_before[back]) e->accepted_before[back] = end;
        }
    }
}

/*
 * Whether a record begins a new connection after one that was closed: it has the SYN, or starts so shortly before it
 * that stamps, which may be off by 60 s on either side, do not part them.
 */
static int begins_again(const struct fl_segment *segment, uint32_t n, uint64_t closed, uint32_t window)
{
    enum { SKEWS = 120 };
    if (closed == UINT64_MAX) return 0;
    for (uint32_t i = 0; i < n && segment[i].first < (uint64_t)segment->first + SKEWS; i++)
        if ((segment[i].meta & FL_SEG_SYN) && segment[i].first > closed + window) return 1;
    return 0;
}

uint32_t flowlog__episodes(const struct fl_conversations *t, const struct fl_conversation *c, uint32_t window,
                           struct fl_episode out[FL_SEGMENTS_MAX])
{
    struct fl_segment segment[FL_SEGMENTS_MAX];
    const uint32_t n = flowlog__conversation_segments(t, c, segment);
    const unsigned proto = fl_key_proto(&c->key);
    const uint32_t hold = fl_epoch_hold(proto);
    uint32_t count = 0, begin = 0;
    uint64_t closed = UINT64_MAX; /* earliest end of a record with FIN or RST */
    for (uint32_t i = 0; i < n; i++) {
        const struct fl_segment *s = &segment[i];
        struct fl_episode *e = count ? &out[count - 1] : NULL;
        const int again = begins_again(s, n - i, closed, window);
        if (!e || s->first > (uint64_t)e->last + hold || again) {
            if (e) close_episode(e, segment + begin, i - begin);
            e = &out[count++];
            memset(e, 0, sizeof *e);
            e->first = s->first;
            e->last = s->last;
            begin = i;
            closed = UINT64_MAX;
        }
        if (s->last > e->last) e->last = s->last;
        if ((s->meta & FL_SEG_CLOSED) && s->last < closed) closed = s->last;
        if ((s->meta & FL_SEG_CLOSED) && !(s->meta & FL_SEG_REJECT) && s->last > e->closed) e->closed = s->last;
        widen(&e->side[s->meta & (FL_SEG_BACK | FL_SEG_REJECT)], s);
    }
    if (count) close_episode(&out[count - 1], segment + begin, n - begin);
    return count;
}

unsigned flowlog__port_service(uint32_t port)
{
    static const uint16_t listed[] = {
        1080,  1194,  1433, 1434, 1521, 1723, 1883, 2049, 2181, 2222, 2375, 2376,  2379,  2380,  3000,  3128,
        3268,  3269,  3306, 3389, 4369, 4500, 5000, 5001, 5060, 5061, 5432, 5439,  5601,  5671,  5672,  5900,
        5984,  5985,  5986, 6379, 6443, 7000, 7001, 8000, 8008, 8080, 8081, 8088,  8125,  8443,  8883,  8888,
        9000,  9042,  9090, 9092, 9093, 9094, 9200, 9300, 9418, 10250, 11211, 15672, 27017, 27018, 27019, 50051};
    if (!port) return 0;
    if (port < 1024) return 3;
    uint32_t low = 0, high = sizeof listed / sizeof *listed;
    while (low < high) {
        const uint32_t mid = (low + high) / 2;
        if (listed[mid] < port) low = mid + 1;
        else high = mid;
    }
    if (low < sizeof listed / sizeof *listed && listed[low] == port) return 3;
    return port < 32768;
}

/* The earliest start of what one end sent; 0 and *has 0 when it sent nothing. */
static uint32_t first_of(const struct fl_episode *e, unsigned back, int *has)
{
    const struct fl_segment *a = &e->side[back], *r = &e->side[back | FL_SEG_REJECT];
    *has = a->records || r->records;
    if (!a->records) return r->first;
    if (!r->records) return a->first;
    return a->first < r->first ? a->first : r->first;
}

static uint64_t packets_of(const struct fl_episode *e, unsigned back)
{
    const uint64_t a = e->side[back].packets, r = e->side[back | FL_SEG_REJECT].packets;
    return a > UINT64_MAX - r ? UINT64_MAX : a + r;
}

/* SYN and SYN-ACK.  1: A is the client, -1: B is, 0: neither or both. */
static int by_flags(const struct fl_episode *e)
{
    int a = 0, b = 0;
    for (unsigned side = 0; side < 4; side++) {
        if (!e->side[side].records) continue;
        const uint32_t meta = e->side[side].meta;
        const int syn = (meta & FL_SEG_SYN) != 0, synack = (meta & FL_SEG_SYNACK) != 0;
        if (side & FL_SEG_BACK) {
            b |= syn;
            a |= synack;
        } else {
            a |= syn;
            b |= synack;
        }
    }
    return a == b ? 0 : a ? 1 : -1;
}

/* Without ports.  The same as by_flags, and how sure. */
static int by_packets(const struct fl_episode *e, uint8_t *strength)
{
    int has_a, has_b;
    const uint32_t first_a = first_of(e, 0, &has_a), first_b = first_of(e, 1, &has_b);
    const int accepted_a = e->side[0].records != 0, accepted_b = e->side[1].records != 0;
    *strength = FL_ROLE_HIGH;
    if (has_a != has_b) return has_a ? 1 : -1;
    if (accepted_a != accepted_b) return accepted_a ? 1 : -1;
    /* There cannot be more answers than requests that were let through. */
    const int a_fits = packets_of(e, 1) <= e->side[0].packets, b_fits = packets_of(e, 0) <= e->side[1].packets;
    if (a_fits != b_fits) return a_fits ? 1 : -1;
    *strength = FL_ROLE_MEDIUM;
    if (first_a != first_b) return first_a < first_b ? 1 : -1;
    *strength = FL_ROLE_UNKNOWN;
    return 0;
}

static int by_time(const struct fl_episode *e)
{
    int has_a, has_b;
    const int64_t first_a = first_of(e, 0, &has_a), first_b = first_of(e, 1, &has_b);
    if (has_a != has_b) return has_a ? 2 : -2; /* only one of them is there: its source */
    const int64_t ahead = first_b - first_a;
    return ahead >= 5 ? 2 : ahead > 0 ? 1 : ahead <= -5 ? -2 : ahead < 0 ? -1 : 0;
}

/* The weights of diagnosis.md 1.2, R3 to R8: positive is for A. */
static int score(const struct fl_episode *e, const struct fl_conversation_key *key, uint32_t fan_a, uint32_t fan_b)
{
    const uint32_t port_a = key->ports >> 16, port_b = key->ports & 0xFFFF;
    const int service_a = (int)flowlog__port_service(port_a), service_b = (int)flowlog__port_service(port_b);
    int s = 2 * (service_b - service_a);
    if (service_a == service_b && port_a != port_b) s += port_b < port_a ? 1 : -1;
    if (fan_b >= 3 && fan_b / 3 >= fan_a) s += 5;
    if (fan_a >= 3 && fan_a / 3 >= fan_b) s -= 5;
    const int accepted_a = e->side[0].records != 0, accepted_b = e->side[1].records != 0;
    if (accepted_a && !accepted_b && e->side[1 | FL_SEG_REJECT].records) s += 2;
    if (accepted_b && !accepted_a && e->side[FL_SEG_REJECT].records) s -= 2;
    return s + by_time(e);
}

struct fl_roles flowlog__roles(const struct fl_episode *e, const struct fl_conversation_key *key, uint32_t fan_a,
                               uint32_t fan_b)
{
    struct fl_roles roles = {0, FL_ROLE_UNKNOWN, 0};
    const unsigned proto = fl_key_proto(key);
    int s = by_flags(e);
    if (s && proto == 6) {
        roles.client_is_b = s < 0;
        roles.strength = FL_ROLE_HIGH;
        roles.decisive = 1;
        return roles;
    }
    if (proto != 6 && proto != 17 && !key->ports) {
        s = by_packets(e, &roles.strength);
        if (s) roles.client_is_b = s < 0;
        return roles;
    }
    s = score(e, key, fan_a, fan_b);
    if (s) roles.client_is_b = s < 0;
    if (s < 0) s = -s;
    roles.strength = s >= 6 ? FL_ROLE_HIGH : s >= 3 ? FL_ROLE_MEDIUM : s ? FL_ROLE_LOW : FL_ROLE_UNKNOWN;
    return roles;
}
