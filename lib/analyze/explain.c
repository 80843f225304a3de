/* SPDX-License-Identifier: MIT */
/* explain.c - see explain.h; diagnosis.md, section 3.2. */
#include "analyze/explain.h"

#include <string.h>

#include "analyze/context.h"
#include "core/error.h"

/* --- facts ------------------------------------------------------------------------------------------------- */

static flowlog_status tell_interface(flowlog_diagnosis *d, const struct fl_rule_interface *iface)
{
    uint32_t eni;
    FL_TRY(flowlog__diagnosis_interface(d, iface->id, &eni));
    struct fl_interface *to = &d->iface[eni];
    if (!to->told_type && iface->type.len)
        to->told_type = (uint8_t)flowlog_enum_code(FLOWLOG_FIELD_INTERFACE_TYPE, iface->type.ptr, iface->type.len);
    if (!to->told_subnet && iface->subnet.len) FL_TRY(flowlog__diagnosis_subnet(d, eni, iface->subnet, 1));
    for (uint32_t i = 0; i < iface->addresses; i++) {
        const struct fl_cidr block = flowlog__rules_address(d->rules, iface, i);
        if (block.bits != (block.family == 4 ? 32 : 128)) continue;
        flowlog_addr addr;
        memset(&addr, 0, sizeof addr);
        memcpy(addr.bytes, block.bytes, sizeof addr.bytes);
        addr.family = block.family;
        FL_TRY(flowlog__told_address(d, eni, &addr));
    }
    return FLOWLOG_OK;
}

flowlog_status flowlog__explain_prepare(flowlog_diagnosis *d)
{
    struct fl_rule_interface iface;
    if (!d->rules || d->rules_told) return FLOWLOG_OK;
    for (uint32_t i = 0; flowlog__rules_interface_at(d->rules, i, &iface); i++) FL_TRY(tell_interface(d, &iface));
    d->rules_told = 1;
    return FLOWLOG_OK;
}

/* --- questions --------------------------------------------------------------------------------------------- */

static int is_refusal(unsigned verdict)
{
    return verdict == FLOWLOG_VERDICT_BLOCKED_INBOUND || verdict == FLOWLOG_VERDICT_BLOCKED_OUTBOUND ||
           verdict == FLOWLOG_VERDICT_BLOCKED_REPLY_INBOUND || verdict == FLOWLOG_VERDICT_BLOCKED_REPLY_OUTBOUND;
}

static void make_question(const struct fl_view *view, const struct fl_look *look, uint32_t eni,
                          const struct fl_verdict *v, struct fl_rule_question *q)
{
    const flowlog_diagnosis *d = view->d;
    const int reply = v->phase == FLOWLOG_PHASE_REPLY, egress = v->way == FLOWLOG_WAY_OUT;
    const int local_is_server = reply == egress; /* a server sends replies and takes requests */
    memset(q, 0, sizeof *q);
    q->eni = fl_interface_name(d, eni);
    q->local = flowlog__diagnosis_addr(d, fl_look_addr(look, local_is_server), fl_look_v6(look, local_is_server));
    q->remote = flowlog__diagnosis_addr(d, fl_look_addr(look, !local_is_server), fl_look_v6(look, !local_is_server));
    q->dport = fl_look_port(look, !reply);
    q->sport = fl_look_port(look, reply);
    q->proto = (uint8_t)fl_key_proto(&look->c->key);
    q->egress = (uint8_t)egress;
    q->reply = (uint8_t)reply;
    q->same_subnet = v->proof == FLOWLOG_PROOF_SAME_SUBNET ? 1 : 2;
}

void flowlog__explain(const struct fl_view *view, const struct fl_look *look, uint32_t eni, struct fl_verdict *v,
                      struct fl_explained *e)
{
    e->asked = e->sg_missing = 0;
    const int change = v->verdict == FLOWLOG_VERDICT_RULE_CHANGE;
    if (!view->d->rules || !(is_refusal(v->verdict) || change)) return;
    if (v->way != FLOWLOG_WAY_IN && v->way != FLOWLOG_WAY_OUT) return;
    make_question(view, look, eni, v, &e->q);
    if (flowlog__rules_ask(view->d->rules, &e->q, &e->a) < 0) return;
    e->asked = 1;
    const unsigned nacl = e->a.nacl, sg = e->a.sg;
    e->sg_missing = sg == FL_RULE_DENY;
    if (nacl == FL_RULE_UNKNOWN || nacl == FL_RULE_MAYBE || sg == FL_RULE_UNKNOWN || sg == FL_RULE_MAYBE) return;
    if (nacl == FL_RULE_NOT_CONSULTED && sg == FL_RULE_NOT_CONSULTED) return;
    if (nacl != FL_RULE_DENY && sg != FL_RULE_DENY) {
        if (change) return; /* the rules are those after the change */
        v->verdict = FLOWLOG_VERDICT_CONFIG_MISMATCH;
        v->layer = FLOWLOG_LAYER_UNKNOWN;
        v->confidence = FLOWLOG_CONFIDENCE_MEDIUM;
        return;
    }
    v->layer = nacl != FL_RULE_DENY ? FLOWLOG_LAYER_SG
               : sg == FL_RULE_DENY ? FLOWLOG_LAYER_SG_AND_NACL
                                    : FLOWLOG_LAYER_NACL;
    if (v->proof != FLOWLOG_PROOF_SAME_SUBNET) v->proof = FLOWLOG_PROOF_RULES;
    if (change) return;
    v->alts = 0;
    /* Rules say what refuses such packets, not that these were such: they make nothing surer than who is the client,
     * and of ICMP no record has the type. */
    const unsigned proto = fl_key_proto(&look->c->key);
    if (look->roles.strength == FL_ROLE_HIGH && proto != 1 && proto != 58) v->confidence = FLOWLOG_CONFIDENCE_HIGH;
    else if (v->confidence < FLOWLOG_CONFIDENCE_MEDIUM) v->confidence = FLOWLOG_CONFIDENCE_MEDIUM;
}

static flowlog_str or_empty(flowlog_str s)
{
    const flowlog_str none = {"", 0};
    return s.ptr ? s : none;
}

void flowlog__explain_fill(const struct fl_view *view, const struct fl_explained *e, char *row, size_t row_cap,
                           char *command, size_t command_cap, flowlog_finding *f)
{
    struct fl_rule_interface iface;
    if (view->d->rules && flowlog__rules_interface(view->d->rules, f->eni, &iface))
        f->tcp_timeout = iface.tcp_established_sec;
    if (!e->asked) return;
    f->sg_missing = e->sg_missing;
    f->rule_number = e->a.nacl == FL_RULE_DENY ? e->a.rule_number : 0;
    f->rule_acl = or_empty(e->a.acl);
    f->sg_groups = or_empty(e->a.sg_groups);
    if (e->sg_missing && e->a.sg_closest_kind) {
        f->sg_closest_kind = e->a.sg_closest_kind;
        f->sg_closest = or_empty(e->a.sg_closest_group);
    }
    row[0] = command[0] = 0;
    flowlog__rules_change(view->d->rules, &e->q, &e->a, row, row_cap, command, command_cap);
    f->change_row.ptr = row;
    f->change_row.len = strlen(row);
    f->change_command.ptr = command;
    f->change_command.len = strlen(command);
}
