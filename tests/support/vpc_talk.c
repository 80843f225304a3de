/* SPDX-License-Identifier: MIT */
/*
 * vpc_talk.c - what hosts say to each other: TCP with its retries and its end, and datagrams (support/vpc_sim.h).
 *
 * Sizes are those of Linux: SYN and SYN-ACK 60 bytes, RST 40, bare ACK and FIN 52, 20 more over IPv6.
 */
#include "support/vpc_sim.h"

enum { SEGMENT = 1400, HEADERS = 52, RESENDS = 3 };

static uint32_t sized(const struct vpc_world *w, int talk, uint32_t bytes)
{
    const struct vpc_talk *t = &w->talk[talk];
    return bytes + (w->host[t->client].addr[t->client_at].family == 6 ? 20u : 0u);
}

static int one(struct vpc_world *w, int talk, int reply, int flags, uint32_t bytes, int64_t at)
{
    return vpc_send(w, talk, reply, flags, 1, sized(w, talk, bytes), at);
}

/* Data of one side; 1: it arrived, perhaps after it was sent again.  *at moves to its arrival. */
static int data(struct vpc_world *w, int talk, int reply, uint32_t bytes, int64_t *at)
{
    const uint32_t rtt = w->talk[talk].rtt, packets = (bytes + SEGMENT - 1) / SEGMENT;
    int64_t wait = 300;
    if (!packets) return 1;
    for (int i = 0; i <= RESENDS; i++, wait *= 2) {
        /* What is sent again is the first segment only. */
        const uint32_t n = i ? 1 : packets, load = i && bytes > SEGMENT ? SEGMENT : bytes;
        if (vpc_send(w, talk, reply, VPC_ACK, n, load + n * sized(w, talk, HEADERS), *at)) {
            *at += rtt / 2 + 1;
            return 1;
        }
        *at += wait;
    }
    return 0;
}

/* 1: connected, *at is when; 0: refused or not answered, *at is when the client gave up. */
static int connect_(struct vpc_world *w, int talk, int tries, int64_t *at)
{
    const struct vpc_talk *t = &w->talk[talk];
    const uint32_t rtt = t->rtt;
    int64_t sent = *at, last_got = 0;
    for (int i = 0; i < tries; i++) {
        if (i) sent += INT64_C(1000) << (i - 1);
        *at = sent + rtt + 1;
        if (!one(w, talk, 0, VPC_SYN, 60, sent)) continue;
        last_got = sent + rtt / 2;
        if (w->talk[talk].host_state == VPC_SILENT) continue;
        if (w->talk[talk].host_state == VPC_REFUSES) {
            if (one(w, talk, 1, VPC_RST | VPC_ACK, 40, last_got)) return 0;
            continue;
        }
        if (one(w, talk, 1, VPC_SYN | VPC_ACK, 60, last_got)) return 1;
    }
    if (!last_got || w->talk[talk].host_state != VPC_LISTENS) return 0;
    for (int64_t wait = 1000; wait <= 2000; wait *= 2) { /* the server tries a little longer */
        last_got += wait;
        if (one(w, talk, 1, VPC_SYN | VPC_ACK, 60, last_got)) {
            *at = last_got + rtt / 2 + 1;
            return 1;
        }
    }
    return 0;
}

static void close_(struct vpc_world *w, int talk, int how, int64_t *at)
{
    const uint32_t rtt = w->talk[talk].rtt;
    const int first = how == VPC_CLOSE_SERVER || how == VPC_RESET_SERVER; /* 1: the server begins */
    if (how == VPC_LEFT_OPEN) return;
    if (how == VPC_RESET_CLIENT || how == VPC_RESET_SERVER) {
        (void)one(w, talk, first, VPC_RST | VPC_ACK, 40, *at);
    } else if (one(w, talk, first, VPC_FIN | VPC_ACK, HEADERS, *at)) {
        if (one(w, talk, !first, VPC_FIN | VPC_ACK, HEADERS, *at + rtt / 2 + 1))
            (void)one(w, talk, first, VPC_ACK, HEADERS, *at + rtt + 2);
    }
    *at += rtt + 2;
}

/* One side speaks after a pause: a keepalive, data or the end of a connection that the other has forgotten. */
static void speak(struct vpc_world *w, int talk, int reply, int open, int64_t *at)
{
    static const uint8_t closed[] = {VPC_FIN | VPC_ACK, VPC_RST, VPC_ACK, VPC_RST | VPC_ACK};
    static const uint8_t opened[] = {VPC_ACK, VPC_ACK, VPC_FIN | VPC_ACK};
    const uint8_t flags = open ? opened[vpc_random(w, 3)] : closed[vpc_random(w, 4)];
    const uint32_t bytes = flags & VPC_RST ? 40 : open && vpc_random(w, 2) ? 52 + 200 : 52;
    const uint32_t rtt = w->talk[talk].rtt;
    for (uint32_t i = 1 + vpc_random(w, 3); i; i--) {
        if (one(w, talk, reply, flags, bytes, *at)) {
            if (!(flags & VPC_RST))
                (void)one(w, talk, !reply, open ? VPC_ACK : VPC_RST, open ? 52 : 40, *at + rtt / 2 + 1);
            break;
        }
        *at += 400 + vpc_random(w, 800);
    }
    *at += rtt + 2;
}

int64_t vpc_run_tcp(struct vpc_world *w, int talk, const struct vpc_tcp *s)
{
    int64_t at = w->talk[talk].at;
    if (w->talk[talk].kind == VPC_BACKSCATTER) {
        const int flags = vpc_random(w, 2) ? VPC_SYN | VPC_ACK : VPC_RST | VPC_ACK;
        if (one(w, talk, 1, flags, 44, at) && flags & VPC_SYN)
            (void)one(w, talk, 0, VPC_RST, 40, at + w->talk[talk].rtt);
        return w->talk[talk].end;
    }
    if (!connect_(w, talk, s->tries, &at)) return at;
    w->talk[talk].established = 1;
    (void)one(w, talk, 0, VPC_ACK, HEADERS, at);
    for (int i = 0; i < s->rounds; i++) {
        if (!data(w, talk, 0, s->request, &at)) return at;
        if (!data(w, talk, 1, s->answer, &at)) return at;
        (void)vpc_send(w, talk, 0, VPC_ACK, 1 + s->answer / (2 * SEGMENT),
                       (1 + s->answer / (2 * SEGMENT)) * sized(w, talk, HEADERS), at);
        at += s->think;
    }
    close_(w, talk, s->close, &at);
    if (s->late != VPC_NOTHING) {
        const int open = s->close == VPC_LEFT_OPEN;
        at += s->pause;
        speak(w, talk, s->late != VPC_CLIENT_SPEAKS, open, &at);
        if (s->late == VPC_SERVER_THEN_CLIENT) {
            at += 1000 + vpc_random(w, 60000);
            speak(w, talk, 0, open, &at);
        }
    }
    return at;
}

int64_t vpc_run_datagrams(struct vpc_world *w, int talk, int count, int64_t gap, int64_t delay,
                          uint32_t bytes)
{
    enum { WAITING = 64 };
    int64_t due[WAITING], at = w->talk[talk].at;
    int first = 0, waiting = 0;
    const int64_t half = w->talk[talk].rtt / 2;
    if (count > WAITING) count = WAITING;
    for (int i = 0; i < count || first < waiting;) {
        if (first < waiting && (i == count || due[first] < at)) {
            if (one(w, talk, 1, 0, bytes, due[first++])) w->talk[talk].established = 1;
            continue;
        }
        if (one(w, talk, 0, 0, bytes, at) && w->talk[talk].host_state == VPC_LISTENS)
            due[waiting++] = at + half + delay;
        i++;
        at += gap;
    }
    return w->talk[talk].end;
}
