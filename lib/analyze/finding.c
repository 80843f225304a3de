/* SPDX-License-Identifier: MIT */
/* finding.c - an episode and its verdict as the public structure. */
#include <string.h>

#include "analyze/report.h"

static flowlog_side side_of(const struct fl_segment *s)
{
    flowlog_side side;
    memset(&side, 0, sizeof side);
    if (!s->records) return side;
    side.packets = s->packets;
    side.bytes = s->bytes;
    side.first = s->first;
    side.last = s->last;
    side.records = s->records;
    side.tcp_flags = (uint8_t)FL_SEG_TCP(s->meta);
    return side;
}

static uint32_t reason_of(const struct fl_case *c)
{
    const uint32_t request = c->rr.records ? FL_SEG_REASON(c->rr.meta) : 0;
    return request ? request : c->pr.records ? FL_SEG_REASON(c->pr.meta) : 0;
}

static void copy_verdict(const struct fl_verdict *v, flowlog_finding *f)
{
    f->verdict = v->verdict;
    f->layer = v->layer;
    f->direction = v->way;
    f->phase = v->phase;
    f->confidence = v->confidence;
    f->transition = v->transition;
    f->proof = v->proof;
    f->missing = v->missing;
    f->alts = v->alts;
    memcpy(f->alt, v->alt, sizeof f->alt);
}

void flowlog__finding_fill(const struct fl_view *view, const struct fl_look *look, const struct fl_verdict *v,
                           uint32_t eni, flowlog_finding *f)
{
    const flowlog_diagnosis *d = view->d;
    const flowlog_str none = {"", 0};
    struct fl_case c;
    flowlog__view_case(view, look, &c);
    memset(f, 0, sizeof *f);
    f->struct_size = sizeof *f;
    copy_verdict(v, f);
    f->roles = look->roles.strength;
    f->truncated = c.truncated;
    f->proto = c.proto;
    f->client_port = fl_look_port(look, 0);
    f->server_port = fl_look_port(look, 1);
    f->client = flowlog__diagnosis_addr(d, fl_look_addr(look, 0), fl_look_v6(look, 0));
    f->server = flowlog__diagnosis_addr(d, fl_look_addr(look, 1), fl_look_v6(look, 1));
    /* Seen from the interface that the finding is about, which may be the other end's. */
    unsigned way = look->way;
    if (eni != fl_key_interface(&look->c->key)) way = FLOWLOG_WAY_IN;
    if (way == FLOWLOG_WAY_OUT) f->peer = f->server;
    if (way == FLOWLOG_WAY_IN) f->peer = f->client;
    f->eni = fl_interface_name(d, eni);
    f->subnet = fl_intern_text(&d->texts, d->iface[eni].subnet);
    const flowlog_str several = {"several", 7};
    f->reason = reason_of(&c) == FL_REASON_SEVERAL ? several : fl_intern_text(&d->reasons, reason_of(&c));
    f->other_eni = f->rule_acl = f->sg_closest = f->sg_groups = f->change_row = f->change_command = none;
    f->request_accept = side_of(&c.ra);
    f->request_reject = side_of(&c.rr);
    f->reply_accept = side_of(&c.pa);
    f->reply_reject = side_of(&c.pr);
    f->first = look->e->first;
    f->last = look->e->last;
    f->records = (uint64_t)c.ra.records + c.rr.records + c.pa.records + c.pr.records;
    f->conversations = f->clients = 1;
    f->udp_timeout = c.udp_timeout;
}
