/* SPDX-License-Identifier: MIT */
/* verdict.c - see verdict.h; each function is one row or a few of the table. */
#include "analyze/verdict.h"

#include <string.h>

#include "analyze/engine.h"

enum { TCP = 6, UDP = 17, ICMP = 1, ICMP6 = 58 };
enum { SKEW = 60 /* seconds that start and end may be off, by AWS's word */ };
enum { LOW = FLOWLOG_CONFIDENCE_LOW, MEDIUM = FLOWLOG_CONFIDENCE_MEDIUM, HIGH = FLOWLOG_CONFIDENCE_HIGH };

/* --- what the sides say ------------------------------------------------------------------------------------ */

static int has(const struct fl_segment *s) { return s->records != 0; }
static uint32_t tcp(const struct fl_segment *s) { return FL_SEG_TCP(s->meta); }

/* All records of a side have tcp-flags. */
static int flagged(const struct fl_segment *s) { return (s->meta & FL_SEG_FLAGS) && !(s->meta & FL_SEG_NO_FLAGS); }

/* At most `v4` bytes a packet, or 20 more with IPv6's larger header.  bytes may be '-', which is 0. */
static int is_small(const struct fl_case *c, const struct fl_segment *s, unsigned v4)
{
    const unsigned most = v4 + (c->v6 ? 20 : 0);
    return s->bytes / most < s->packets || (s->bytes / most == s->packets && s->bytes % most == 0);
}

/* Every packet has `v4` bytes, or 20 more with IPv6's header, as far as sums can tell. */
static int is_exactly(const struct fl_case *c, const struct fl_segment *s, unsigned v4)
{
    const unsigned size = v4 + (c->v6 ? 20 : 0);
    return s->packets && s->bytes / size == s->packets && s->bytes % size == 0;
}

/* Nothing but SYN. */
static int only_syns(const struct fl_case *c, const struct fl_segment *s)
{
    return flagged(s) && tcp(s) == FL_TCP_SYN && !(s->meta & FL_SEG_PLAIN) && is_small(c, s, 60) && s->packets &&
           s->bytes % s->packets == 0;
}

/*
 * The records show that the connection had ended before something was refused: a RST, or a FIN from each end.  Where
 * it ended in the same minute, the refusal may have come first and be the reason.
 */
static int has_ended(const struct fl_case *c, const struct fl_segment *refused)
{
    const uint32_t last = !has(&c->pa) || c->ra.last > c->pa.last ? c->ra.last : c->pa.last;
    if (refused->first < (uint64_t)last + SKEW) return 0;
    if (last > (uint64_t)c->closed + 2 * SKEW) return 0; /* it went on, or another one began */
    return ((tcp(&c->ra) | tcp(&c->pa)) & FL_TCP_RST) || (tcp(&c->ra) & tcp(&c->pa) & FL_TCP_FIN);
}

/* What ended before the requests began is no answer to them; stamps may be 60 s off. */
static int can_answer(const struct fl_segment *requests, const struct fl_segment *answers)
{
    return (uint64_t)answers->last + SKEW >= requests->first;
}

/*
 * One answer to each request at most, in the same interval: an end is never before the last packet and at most 60 s
 * after it.  Where the answers' end is not the later one, less than a minute lies between the two, and no interval that
 * is lost can have had other answers.
 */
static int at_once(const struct fl_segment *requests, const struct fl_segment *answers)
{
    enum { TRIP = 3 /* seconds, for a packet there and back */ };
    return answers->packets <= requests->packets && answers->last <= (uint64_t)requests->last + TRIP &&
           can_answer(requests, answers);
}

static int is_icmp(const struct fl_case *c) { return c->proto == ICMP || c->proto == ICMP6; }

static unsigned opposite(unsigned way)
{
    return way == FLOWLOG_WAY_IN ? FLOWLOG_WAY_OUT : way == FLOWLOG_WAY_OUT ? FLOWLOG_WAY_IN : way;
}

/*
 * Whether refused packets are late ones of a connection that is no longer tracked (1.5): 0 no, else a confidence.
 * `same` is what was accepted of the same direction.
 */
static unsigned stray(const struct fl_case *c, const struct fl_segment *refused, const struct fl_segment *same,
                      uint32_t accepted_before)
{
    if (c->proto == TCP && flagged(refused)) {
        if (tcp(refused) & FL_TCP_SYN) return 0;
        return (tcp(refused) & (FL_TCP_FIN | FL_TCP_RST)) && has_ended(c, refused) ? HIGH : MEDIUM;
    }
    if (c->proto == TCP) {
        const uint64_t few = same->packets / 20 > 3 ? same->packets / 20 : 3;
        return has(same) && refused->packets <= few && refused->last >= same->last ? LOW : 0;
    }
    if (c->proto == UDP) {
        const uint32_t limit = c->ra.packets >= 2 && c->pa.packets >= 2 ? c->udp_stream : c->udp_timeout;
        return has(same) && accepted_before && refused->first - accepted_before > limit ? LOW : 0;
    }
    return 0;
}

static uint8_t transition_of(uint32_t accept_first, uint32_t accept_last, const struct fl_segment *refused)
{
    if (accept_last < refused->first) return FLOWLOG_TRANSITION_ALLOW_TO_DENY;
    return refused->last < accept_first ? FLOWLOG_TRANSITION_DENY_TO_ALLOW : FLOWLOG_TRANSITION_OVERLAP;
}

/* Of what was accepted the same way, or else at all. */
static uint8_t transition(const struct fl_case *c, const struct fl_segment *same, const struct fl_segment *refused)
{
    const struct fl_segment *a = has(same) ? same : has(&c->ra) ? &c->ra : &c->pa;
    return transition_of(a->first, a->last, refused);
}

/* --- verdicts ---------------------------------------------------------------------------------------------- */

static void set(struct fl_verdict *v, unsigned verdict, unsigned layer, unsigned confidence)
{
    v->verdict = (uint8_t)verdict;
    v->layer = (uint8_t)layer;
    v->confidence = (uint8_t)confidence;
}

static void add_alt(struct fl_verdict *v, unsigned layer)
{
    if (v->alts < 3) v->alt[v->alts++] = (uint8_t)layer;
}

static void about(const struct fl_case *c, struct fl_verdict *v, unsigned phase)
{
    v->phase = (uint8_t)phase;
    v->way = (uint8_t)(phase == FLOWLOG_PHASE_REQUEST ? c->way : phase == FLOWLOG_PHASE_REPLY ? opposite(c->way)
                                                                                              : FLOWLOG_WAY_NONE);
}

static void set_stray(const struct fl_case *c, struct fl_verdict *v, unsigned phase, unsigned confidence, unsigned alt)
{
    set(v, FLOWLOG_VERDICT_STRAY, FLOWLOG_LAYER_CONNTRACK, confidence);
    about(c, v, phase);
    add_alt(v, alt);
    /* An entry added in the middle of a connection refuses its FIN just so. */
    const struct fl_segment *refused = phase == FLOWLOG_PHASE_REPLY ? &c->pr : &c->rr;
    if (confidence == MEDIUM && (has(&c->ra) || has(&c->pa)) && !has_ended(c, refused))
        add_alt(v, FLOWLOG_LAYER_RULE_CHANGE);
}

/* BLOCKED_INBOUND and so on, by way and phase. */
static void set_blocked(const struct fl_case *c, struct fl_verdict *v, unsigned phase, unsigned layer,
                        unsigned confidence)
{
    about(c, v, phase);
    const int reply = phase == FLOWLOG_PHASE_REPLY, in = v->way == FLOWLOG_WAY_IN;
    unsigned verdict = FLOWLOG_VERDICT_BLOCKED;
    if (v->way == FLOWLOG_WAY_IN || v->way == FLOWLOG_WAY_OUT)
        verdict = reply ? (in ? FLOWLOG_VERDICT_BLOCKED_REPLY_INBOUND : FLOWLOG_VERDICT_BLOCKED_REPLY_OUTBOUND)
                        : (in ? FLOWLOG_VERDICT_BLOCKED_INBOUND : FLOWLOG_VERDICT_BLOCKED_OUTBOUND);
    set(v, verdict, layer, confidence);
}

static void set_change(const struct fl_case *c, struct fl_verdict *v, unsigned phase, unsigned layer,
                       unsigned confidence)
{
    set(v, FLOWLOG_VERDICT_RULE_CHANGE, layer, confidence);
    about(c, v, phase);
    v->transition = phase == FLOWLOG_PHASE_REPLY ? transition(c, &c->pa, &c->pr) : transition(c, &c->ra, &c->rr);
}

static void set_insufficient(struct fl_verdict *v, unsigned missing)
{
    set(v, FLOWLOG_VERDICT_INSUFFICIENT_DATA, FLOWLOG_LAYER_UNKNOWN, LOW);
    v->missing = (uint8_t)missing;
}

/* At most low where it is not known who is the client, at most medium where it is not sure: an answer that is refused
   alone looks like a request. */
static unsigned cap(const struct fl_case *c, unsigned confidence)
{
    if (c->roles <= FL_ROLE_LOW) return LOW;
    return (c->roles == FL_ROLE_MEDIUM || c->answered_there) && confidence > MEDIUM ? MEDIUM : confidence;
}

/* What the log lacks, so that a missing record proves nothing (1.4); 0: nothing. */
static unsigned lacks(const struct fl_case *c)
{
    if (c->traffic == FL_TRAFFIC_ACCEPT) return FLOWLOG_MISSING_ACCEPT_ONLY;
    if (c->traffic == FL_TRAFFIC_REJECT) return FLOWLOG_MISSING_REJECT_ONLY;
    if (c->skipped) return FLOWLOG_MISSING_SKIPDATA;
    return c->truncated ? FLOWLOG_MISSING_TRUNCATED : 0;
}

/*
 * A closed port answers each SYN with a RST of 40 bytes; a SYN has at most 60.  In the default format that is all there
 * is to tell a refusal from a short connection, so neither is sure there.  With flags, a RST from the client and no SYN
 * may be all that it had to say to a SYN-ACK that it never asked for.  Of protocols without ports other than ICMP, two
 * one-way flows look like requests and answers.
 */
static void accepted_both(const struct fl_case *c, struct fl_verdict *v)
{
    const int any_flags = ((c->ra.meta | c->pa.meta) & FL_SEG_FLAGS) != 0;
    const int fits = is_exactly(c, &c->pa, 40) && c->pa.packets <= c->ra.packets;
    unsigned refused = 0, fine = HIGH;
    if (c->proto != TCP && c->proto != UDP && !is_icmp(c)) fine = MEDIUM;
    if (c->proto == TCP && (tcp(&c->ra) & (FL_TCP_SYN | FL_TCP_RST)) == FL_TCP_RST) fine = MEDIUM;
    if (c->proto == TCP && (c->ra.meta & c->pa.meta & FL_SEG_SYN)) fine = MEDIUM; /* each called the other */
    if (c->proto == TCP && (c->ra.meta & FL_SEG_SYN) && (tcp(&c->pa) & FL_TCP_RST) && !(c->pa.meta & FL_SEG_SYNACK)) {
        const int only_rst = flagged(&c->pa) && (tcp(&c->pa) & ~UINT32_C(16)) == FL_TCP_RST;
        fine = MEDIUM;
        const int sure = at_once(&c->ra, &c->pa) && !c->skipped && !c->truncated;
        if (only_syns(c, &c->ra) && only_rst && fits && sure) refused = HIGH;
        else if (is_small(c, &c->ra, 60) && is_small(c, &c->pa, 60)) refused = MEDIUM;
    } else if (c->proto == TCP && !any_flags && is_small(c, &c->ra, 60) && is_small(c, &c->pa, 60)) {
        if (fits) refused = MEDIUM;
        else if (is_exactly(c, &c->ra, 40) || is_exactly(c, &c->pa, 40)) fine = MEDIUM;
    }
    if (!refused) {
        set(v, FLOWLOG_VERDICT_OK, FLOWLOG_LAYER_NONE, fine);
        return;
    }
    set(v, FLOWLOG_VERDICT_REFUSED, FLOWLOG_LAYER_HOST, refused);
    about(c, v, FLOWLOG_PHASE_REPLY);
}

static void request_refused(const struct fl_case *c, struct fl_verdict *v)
{
    const int syn = (tcp(&c->rr) & FL_TCP_SYN) != 0;
    if (c->proto == TCP && flagged(&c->rr) && !syn) {
        set_stray(c, v, FLOWLOG_PHASE_REQUEST, MEDIUM, FLOWLOG_LAYER_SG_OR_NACL);
    } else if (c->way == FLOWLOG_WAY_UNKNOWN) {
        set_blocked(c, v, FLOWLOG_PHASE_REQUEST, FLOWLOG_LAYER_SG_OR_NACL, LOW);
    } else if (c->same_subnet) {
        set_blocked(c, v, FLOWLOG_PHASE_REQUEST, FLOWLOG_LAYER_SG, cap(c, HIGH));
        v->proof = FLOWLOG_PROOF_SAME_SUBNET;
    } else if (c->other_port && (syn || c->proto == UDP)) {
        set(v, FLOWLOG_VERDICT_RULE_CHANGE, FLOWLOG_LAYER_SG_OR_NACL, MEDIUM);
        about(c, v, FLOWLOG_PHASE_REQUEST);
        v->transition = transition_of(c->other_first, c->other_last, &c->rr);
        v->proof = FLOWLOG_PROOF_OTHER_PORT;
    } else if (c->other_port && c->proto == TCP) {
        set_stray(c, v, FLOWLOG_PHASE_REQUEST, LOW, FLOWLOG_LAYER_RULE_CHANGE);
        v->proof = FLOWLOG_PROOF_OTHER_PORT;
    } else if (c->sibling) { /* not at the same time: an entry may have changed between */
        set_blocked(c, v, FLOWLOG_PHASE_REQUEST, FLOWLOG_LAYER_SG, cap(c, c->sibling == 2 ? HIGH : MEDIUM));
        v->proof = FLOWLOG_PROOF_SIBLING_INTERFACE;
        if (c->sibling != 2) add_alt(v, FLOWLOG_LAYER_NACL);
    } else {
        set_blocked(c, v, FLOWLOG_PHASE_REQUEST, FLOWLOG_LAYER_SG_OR_NACL, cap(c, syn ? HIGH : MEDIUM));
    }
}

static void tcp_reply_refused(const struct fl_case *c, struct fl_verdict *v)
{
    unsigned confidence = MEDIUM;
    const int flags = flagged(&c->ra) && flagged(&c->pr);
    const int whole = !c->skipped && !c->truncated, reset = (tcp(&c->pr) & FL_TCP_RST) != 0;
    const int near = c->pr.first <= (uint64_t)c->ra.last + c->window && can_answer(&c->ra, &c->pr) && whole;
    if (c->pr.meta & FL_SEG_SYNACK) confidence = HIGH;
    else if (tcp(&c->ra) & FL_TCP_SYN) confidence = reset && whole && at_once(&c->ra, &c->pr) ? HIGH : MEDIUM;
    else if (flags && c->pr.packets <= 3) {
        set_stray(c, v, FLOWLOG_PHASE_REPLY, MEDIUM, FLOWLOG_LAYER_NACL);
        return;
    } else if (flags) {
        confidence = LOW;
    } else if (is_exactly(c, &c->ra, 60) && is_exactly(c, &c->pr, 60) && near) {
        confidence = HIGH; /* SYN and SYN-ACK; 40 and 52 bytes may be the end of an old connection */
    }
    set_blocked(c, v, FLOWLOG_PHASE_REPLY, FLOWLOG_LAYER_NACL, confidence);
    if (confidence != HIGH) add_alt(v, FLOWLOG_LAYER_CONNTRACK);
}

/* Services that answer within seconds or never, and whose clients do not wait for 30 s. */
static int answers_at_once(unsigned port)
{
    return port == 53 || port == 67 || port == 68 || port == 88 || port == 123 || port == 389;
}

/*
 * Tracking ends after 30 s, and start and end may be off by 60: records cannot prove that it had not, but where nobody
 * waits for an answer for that long.
 */
static void udp_reply_refused(const struct fl_case *c, struct fl_verdict *v)
{
    const int late = c->pr.first > (uint64_t)c->ra.last + c->udp_timeout;
    const int overlaps = c->pr.first <= c->ra.last && c->ra.first <= c->pr.last;
    const int sure = overlaps && answers_at_once(c->server_port);
    set_blocked(c, v, FLOWLOG_PHASE_REPLY, FLOWLOG_LAYER_NACL, late ? LOW : sure ? HIGH : MEDIUM);
    if (!sure) add_alt(v, FLOWLOG_LAYER_CONNTRACK);
}

/* Accepted one way, refused the other: security groups are stateful, so the refusal is the network ACL's. */
static void reply_refused(const struct fl_case *c, struct fl_verdict *v)
{
    if (c->same_subnet) {
        set_stray(c, v, FLOWLOG_PHASE_REPLY, MEDIUM, FLOWLOG_LAYER_SG);
        v->proof = FLOWLOG_PROOF_SAME_SUBNET;
    } else if (c->proto == TCP) {
        tcp_reply_refused(c, v);
    } else if (c->proto == UDP) {
        udp_reply_refused(c, v);
    } else {
        /* An echo is answered by one of its size; other counts may be two ends that ping each other, as may be what
           is answered though it did not arrive. */
        const int same = c->pr.packets == c->ra.packets && c->pr.bytes == c->ra.bytes && can_answer(&c->ra, &c->pr);
        const int echo = is_icmp(c) && same && !c->skipped && !c->truncated && !c->refused_there;
        set_blocked(c, v, FLOWLOG_PHASE_REPLY, FLOWLOG_LAYER_NACL, echo ? HIGH : MEDIUM);
    }
    if (c->roles <= FL_ROLE_LOW && v->confidence > MEDIUM) v->confidence = MEDIUM;
}

static int is_one_way_service(unsigned port)
{
    static const uint16_t services[] = {162, 514, 2055, 4739, 6343, 8125, 9995, 12201};
    for (unsigned i = 0; i < sizeof services / sizeof *services; i++)
        if (services[i] == port) return 1;
    return 0;
}

static void unanswered(const struct fl_case *c, struct fl_verdict *v)
{
    const int data = (tcp(&c->ra) & (FL_TCP_SYN | FL_TCP_FIN)) == (FL_TCP_SYN | FL_TCP_FIN) ||
                     (c->ra.packets > 3 && !is_small(c, &c->ra, 80));
    const unsigned missing = lacks(c);
    if (c->transit) {
        set(v, FLOWLOG_VERDICT_TRANSIT, FLOWLOG_LAYER_NONE, MEDIUM);
    } else if (c->proto == UDP && is_one_way_service(c->server_port)) {
        set(v, FLOWLOG_VERDICT_ONE_WAY, FLOWLOG_LAYER_NONE, MEDIUM);
    } else if (c->nat && c->way == FLOWLOG_WAY_IN && !c->forwards && !c->inside_client) {
        /* Of protocols without ports an answer whose request is lost looks the same. */
        const int sure = c->roles == FL_ROLE_HIGH && (c->proto == TCP || c->proto == UDP);
        set(v, FLOWLOG_VERDICT_UNSOLICITED_NAT, FLOWLOG_LAYER_NAT, sure ? HIGH : cap(c, MEDIUM));
        about(c, v, FLOWLOG_PHASE_REQUEST);
    } else if (missing) {
        set_insufficient(v, missing);
    } else if (c->proto == TCP && data && c->near_end) {
        set_insufficient(v, FLOWLOG_MISSING_EDGE);
    } else if (c->proto == TCP && data) {
        set(v, FLOWLOG_VERDICT_ASYMMETRIC, FLOWLOG_LAYER_PATH, MEDIUM);
        about(c, v, FLOWLOG_PHASE_REPLY);
    } else {
        /* Sent at 0, 1 and 3 s: answers to less, or to the last one, may be in the next interval, and lost with it. */
        enum { SYNS = 3, RETRIED = 3 /* seconds */ };
        const int through = c->forwards || c->nat; /* the host is behind this interface, if anywhere */
        const int syns = c->proto == TCP && c->ra.packets >= SYNS && only_syns(c, &c->ra) && !through &&
                         c->ra.last - c->ra.first >= RETRIED && ((c->goes_on && !c->near_start) || c->told_window);
        const unsigned layer = c->way == FLOWLOG_WAY_UNKNOWN           ? FLOWLOG_LAYER_UNKNOWN
                               : c->way == FLOWLOG_WAY_IN && !through ? FLOWLOG_LAYER_HOST
                                                                      : FLOWLOG_LAYER_PATH;
        set(v, FLOWLOG_VERDICT_NO_REPLY, layer,
            c->near_end || c->proto == UDP ? LOW : cap(c, syns ? HIGH : MEDIUM));
        about(c, v, FLOWLOG_PHASE_REPLY);
    }
}

static void only_reply_refused(const struct fl_case *c, struct fl_verdict *v)
{
    const int flags = c->proto == TCP && flagged(&c->pr);
    if (c->traffic == FL_TRAFFIC_REJECT && !flags) {
        set_insufficient(v, FLOWLOG_MISSING_REJECT_ONLY);
        about(c, v, FLOWLOG_PHASE_REPLY);
        add_alt(v, FLOWLOG_LAYER_NACL);
        add_alt(v, FLOWLOG_LAYER_CONNTRACK);
        return;
    }
    unsigned confidence = MEDIUM;
    /* Sure only if the log would have the request: a RST is also what a closed port answers. */
    if (flags && !(tcp(&c->pr) & FL_TCP_SYN) && (tcp(&c->pr) & (FL_TCP_FIN | FL_TCP_RST)))
        confidence = c->told_window && !c->near_start && !c->skipped && !c->truncated ? HIGH : MEDIUM;
    else if (!flags && (c->near_start || c->truncated)) confidence = LOW;
    set_stray(c, v, FLOWLOG_PHASE_REPLY, confidence, FLOWLOG_LAYER_NACL);
}

static void only_reply_accepted(const struct fl_case *c, struct fl_verdict *v)
{
    const unsigned missing = lacks(c);
    if (c->transit) {
        set(v, FLOWLOG_VERDICT_TRANSIT, FLOWLOG_LAYER_NONE, MEDIUM);
    } else if (missing || c->near_start) {
        set_insufficient(v, missing ? missing : FLOWLOG_MISSING_EDGE);
    } else {
        set(v, FLOWLOG_VERDICT_ASYMMETRIC, FLOWLOG_LAYER_PATH, LOW);
        about(c, v, FLOWLOG_PHASE_REQUEST);
    }
}

static void both_refused(const struct fl_case *c, struct fl_verdict *v)
{
    const int flags = c->proto == TCP && flagged(&c->rr) && flagged(&c->pr);
    if (flags && !((tcp(&c->rr) | tcp(&c->pr)) & FL_TCP_SYN)) {
        set_stray(c, v, FLOWLOG_PHASE_REQUEST, MEDIUM, FLOWLOG_LAYER_SG_OR_NACL);
    } else {
        set_blocked(c, v, FLOWLOG_PHASE_REQUEST, FLOWLOG_LAYER_SG_OR_NACL, LOW);
        add_alt(v, FLOWLOG_LAYER_CONNTRACK);
    }
}

/* Requests refused, replies accepted: either the roles are wrong, or an old connection ends. */
static void upside_down(const struct fl_case *c, struct fl_verdict *v)
{
    if (c->roles <= FL_ROLE_LOW) {
        struct fl_case turned = *c;
        turned.ra = c->pa;
        turned.rr = c->pr;
        turned.pa = c->ra;
        turned.pr = c->rr;
        turned.way = (uint8_t)opposite(c->way);
        reply_refused(&turned, v);
    } else if (c->proto == TCP && !c->decisive) {
        set_stray(c, v, FLOWLOG_PHASE_REQUEST, LOW, FLOWLOG_LAYER_SG_OR_NACL);
    } else {
        set_change(c, v, FLOWLOG_PHASE_REQUEST, FLOWLOG_LAYER_SG_OR_NACL, LOW);
    }
}

/* Something was accepted and refused in one direction. */
static void mixed(const struct fl_case *c, struct fl_verdict *v, unsigned code)
{
    const unsigned request = has(&c->rr) ? stray(c, &c->rr, &c->ra, c->accepted_before_rr) : 0;
    const unsigned reply = has(&c->pr) ? stray(c, &c->pr, &c->pa, c->accepted_before_pr) : 0;
    switch (code) {
    case 0xB: /* 1011 */
        if (reply) set_stray(c, v, FLOWLOG_PHASE_REPLY, reply, FLOWLOG_LAYER_NACL);
        else set_change(c, v, FLOWLOG_PHASE_REPLY, FLOWLOG_LAYER_NACL, MEDIUM);
        break;
    case 0xC: /* 1100 */
    case 0xE: /* 1110 */
        if (request) {
            set_stray(c, v, FLOWLOG_PHASE_REQUEST, request, FLOWLOG_LAYER_SG_OR_NACL);
        } else {
            const int weak = code == 0xC && c->proto == TCP && !(tcp(&c->rr) & FL_TCP_SYN);
            set_change(c, v, FLOWLOG_PHASE_REQUEST, FLOWLOG_LAYER_SG_OR_NACL, weak ? LOW : MEDIUM);
        }
        break;
    case 0xD: /* 1101 */
        if (!reply) set_blocked(c, v, FLOWLOG_PHASE_REPLY, FLOWLOG_LAYER_NACL, MEDIUM);
        else set_change(c, v, FLOWLOG_PHASE_REQUEST, FLOWLOG_LAYER_SG_OR_NACL, LOW);
        break;
    case 0xF: /* 1111 */
        if (request && reply) set_stray(c, v, FLOWLOG_PHASE_REPLY, LOW, FLOWLOG_LAYER_NACL);
        else set_change(c, v, FLOWLOG_PHASE_REPLY, FLOWLOG_LAYER_NACL, LOW);
        break;
    case 0x3: /* 0011 */ set_stray(c, v, FLOWLOG_PHASE_REPLY, LOW, FLOWLOG_LAYER_NACL); break;
    default: /* 0111 */ set_change(c, v, FLOWLOG_PHASE_REQUEST, FLOWLOG_LAYER_SG_OR_NACL, LOW); break;
    }
    if (c->same_subnet && (v->layer == FLOWLOG_LAYER_NACL || v->layer == FLOWLOG_LAYER_SG_OR_NACL)) {
        /* Inside a subnet no network ACL is asked; a security group cuts an untracked connection. */
        if (v->layer == FLOWLOG_LAYER_NACL) set_change(c, v, v->phase, FLOWLOG_LAYER_SG, LOW);
        v->layer = FLOWLOG_LAYER_SG;
        v->proof = FLOWLOG_PROOF_SAME_SUBNET;
    }
}

/* A refusal for which AWS gives the reason. */
static int with_reason(const struct fl_case *c, struct fl_verdict *v)
{
    const uint32_t request = has(&c->rr) ? FL_SEG_REASON(c->rr.meta) : 0;
    const uint32_t reason = request ? request : has(&c->pr) ? FL_SEG_REASON(c->pr.meta) : 0;
    if (!reason) return 0;
    if (reason == FLOWLOG_REJECT_REASON_BPA) set(v, FLOWLOG_VERDICT_BLOCKED_BPA, FLOWLOG_LAYER_BPA, HIGH);
    else if (reason == FLOWLOG_REJECT_REASON_EC)
        set(v, FLOWLOG_VERDICT_BLOCKED_ENCRYPTION, FLOWLOG_LAYER_ENCRYPTION, HIGH);
    else set(v, FLOWLOG_VERDICT_BLOCKED_OTHER, FLOWLOG_LAYER_OTHER, HIGH);
    about(c, v, request ? FLOWLOG_PHASE_REQUEST : FLOWLOG_PHASE_REPLY);
    return 1;
}

void flowlog__verdict(const struct fl_case *c, struct fl_verdict *v)
{
    memset(v, 0, sizeof *v);
    if (with_reason(c, v)) return;
    const unsigned code = (unsigned)has(&c->ra) << 3 | (unsigned)has(&c->rr) << 2 | (unsigned)has(&c->pa) << 1 |
                          (unsigned)has(&c->pr);
    switch (code) {
    case 0xA: accepted_both(c, v); break;
    case 0x4: request_refused(c, v); break;
    case 0x9: reply_refused(c, v); break;
    case 0x8: unanswered(c, v); break;
    case 0x1: only_reply_refused(c, v); break;
    case 0x2: only_reply_accepted(c, v); break;
    case 0x5: both_refused(c, v); break;
    case 0x6: upside_down(c, v); break;
    default: mixed(c, v, code); break;
    }
    if (v->way == FLOWLOG_WAY_UNKNOWN) v->confidence = LOW; /* a verdict about a direction nobody knows */
    if (v->way != FLOWLOG_WAY_NONE && c->weak_way && v->confidence > MEDIUM) v->confidence = MEDIUM;
}

int flowlog__verdict_is_fine(unsigned verdict)
{
    return verdict == FLOWLOG_VERDICT_OK || verdict == FLOWLOG_VERDICT_ONE_WAY || verdict == FLOWLOG_VERDICT_TRANSIT;
}
