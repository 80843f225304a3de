/* SPDX-License-Identifier: MIT */
/*
 * rules_change.c - the smallest change that lets a refused packet, and its answer, through.
 *
 * One rule for one address; see rules.h.  A new entry of a network ACL goes in front of the one that denies: no entry
 * in front of that matches the packet, so any free number there will do.
 */
#include <stdio.h>
#include <string.h>

#include "analyze/rules_store.h"
#include "core/error.h"
#include "schema/ascii.h"

enum { CLIENT_FIRST = 1024, CLIENT_LAST = 65535 }; /* what AWS advises to open for answers */

/* --- what to add ----------------------------------------------------------------------------- */

/* The number of entry i of this direction, those that are taken behind those that are there; 0: not of it. */
static uint32_t number_at(const struct fl_rules *r, const struct fl_acl *acl, int egress,
                          const struct fl_rule_numbers *taken, uint32_t i)
{
    if (i >= acl->entries.count) return taken->number[i - acl->entries.count];
    const struct fl_acl_entry *e = fl_entry_at(r, acl->entries.begin + i);
    return e->egress == egress ? e->number : 0;
}

/*
 * As close to `before` as numbers go by ten, as people have them; if the ACL ends there, close to its last entry
 * instead.  Failing that any number between the two; failing that the largest one that is free.
 */
uint32_t flowlog__rules_free_number(const struct fl_rules *r, const struct fl_acl *acl, int egress, uint32_t before,
                                    struct fl_rule_numbers *taken)
{
    const uint32_t count = acl->entries.count + taken->count;
    const int at_end = before > FL_RULE_NUMBER_LAST;
    const uint32_t end = at_end ? FL_RULE_NUMBER_LAST + 1 : before;
    uint32_t last = 0, number;
    if (taken->count == FL_RULES_ACL_ENTRIES_MAX) return 0; /* more than an ACL can have */
    for (uint32_t i = 0; i < count; i++) {
        const uint32_t n = number_at(r, acl, egress, taken, i);
        if (n < end && n > last) last = n;
    }
    const uint32_t ten = at_end ? (last / 10 + 1) * 10 : (end - 1) / 10 * 10;
    if (at_end && !last) {
        number = 100; /* where AWS's own examples begin */
    } else if (ten > last && ten < end) {
        number = ten;
    } else if (end - 1 > last) {
        number = at_end ? last + 1 : end - 1;
    } else {
        for (number = end - 1; number; number--) {
            uint32_t i = 0;
            while (i < count && number_at(r, acl, egress, taken, i) != number) i++;
            if (i == count) break;
        }
    }
    if (number) taken->number[taken->count++] = number;
    return number;
}

/* The entry that decided is for all clients' ports, not one that somebody wants closed. */
static int is_general(const struct fl_rules *r, const struct fl_acl *acl, int egress, uint32_t number)
{
    for (uint32_t i = 0; i < acl->entries.count; i++) {
        const struct fl_acl_entry *e = fl_entry_at(r, acl->entries.begin + i);
        if (e->egress == egress && e->number == number)
            return e->proto == -1 || (e->from <= CLIENT_FIRST && e->to == CLIENT_LAST);
    }
    return 1;
}

/* The packet's own address, protocol and port, or type and code. */
static struct fl_rule_change change_for(const struct fl_rule_question *q)
{
    struct fl_rule_change c;
    memset(&c, 0, sizeof c);
    c.egress = q->egress;
    c.proto = q->proto;
    c.peer = flowlog__cidr_of(&q->remote, 128);
    if (fl_has_ports(q->proto)) {
        c.from = c.to = q->dport;
    } else if (fl_is_icmp(q->proto)) {
        c.from = fl_echo(q->proto, q->reply).type;
        c.to = fl_echo(q->proto, q->reply).code;
    } else {
        c.portless = 1;
    }
    return c;
}

static struct fl_rule_change acl_change(const struct fl_rules *r, const struct fl_acl *acl,
                                        const struct fl_rule_question *q, uint32_t before)
{
    struct fl_rule_change c = change_for(q);
    c.what = FL_RULE_CHANGE_NACL;
    c.id = fl_symbol_text(r, acl->id);
    c.before = before;
    struct fl_rule_numbers taken = {{0}, 0};
    c.number = flowlog__rules_free_number(r, acl, q->egress, before, &taken);
    if (!c.number) {
        c.what = FL_RULE_CHANGE_NACL_ENTRY;
        c.number = before;
    }
    if (q->reply && fl_has_ports(q->proto) && q->dport >= CLIENT_FIRST && is_general(r, acl, q->egress, before)) {
        c.from = CLIENT_FIRST;
        c.to = CLIENT_LAST;
    }
    return c;
}

size_t flowlog__rules_changes(const struct fl_rules *r, const struct fl_rule_question *q,
                              const struct fl_rule_answer *a, struct fl_rule_change change[FL_RULE_CHANGES_MAX])
{
    const uint32_t iface = flowlog__rules_iface(r, q->eni), number = iface ? flowlog__rules_acl_of(r, iface) : 0;
    const struct fl_acl *acl = number ? fl_acl_at(r, number - 1) : NULL;
    size_t n = 0;
    if (acl && a->nacl == FL_RULE_DENY) change[n++] = acl_change(r, acl, q, a->rule_number);
    if (iface && a->sg == FL_RULE_DENY) {
        const struct fl_iface *f = fl_iface_at(r, iface - 1);
        struct fl_rule_change c = change_for(q);
        c.what = FL_RULE_CHANGE_SG;
        c.id = a->sg_closest_group.len ? a->sg_closest_group : fl_symbol_text(r, *fl_name_at(r, f->groups.begin));
        change[n++] = c;
    }
    if (acl && !q->reply && (q->sport || !fl_has_ports(q->proto))) {
        struct fl_rule_question back = *q;
        struct fl_rule_answer answer;
        back.egress = !q->egress;
        back.reply = 1;
        back.dport = q->sport;
        back.sport = q->dport;
        if (flowlog__rules_ask(r, &back, &answer) == FLOWLOG_OK && answer.nacl == FL_RULE_DENY)
            change[n++] = acl_change(r, acl, &back, answer.rule_number);
    }
    return n;
}

/* --- how it is said -------------------------------------------------------------------------- */

/* "tcp", "58", ... */
static void protocol_name(unsigned proto, char name[8])
{
    const char *known = proto == 6 ? "tcp" : proto == 17 ? "udp" : proto == 1 ? "icmp" : proto == 58 ? "icmpv6" : NULL;
    if (known) snprintf(name, 8, "%s", known);
    else snprintf(name, 8, "%u", proto & 0xFF);
}

/* " port 443", " ports 1024-65535", " type 8 code 0", "". */
static void ports_text(const struct fl_rule_change *c, char text[32])
{
    const unsigned from = c->from, to = c->to;
    if (c->portless) text[0] = '\0';
    else if (fl_is_icmp(c->proto)) snprintf(text, 32, " type %u code %u", from, to);
    else if (from == to) snprintf(text, 32, " port %u", from);
    else snprintf(text, 32, " ports %u-%u", from, to);
}

/* What snprintf would have liked to write, as what it wrote. */
static size_t written(int n, size_t cap) { return n < 0 ? 0 : (size_t)n < cap ? (size_t)n : cap - 1; }

size_t flowlog__rule_change_row(const struct fl_rule_change *c, char row[FL_RULE_ROW_MAX])
{
    char proto[8], ports[32], peer[FL_CIDR_TEXT_MAX];
    const char *direction = c->egress ? "outbound" : "inbound", *to = c->egress ? "to" : "from";
    protocol_name(c->proto, proto);
    ports_text(c, ports);
    flowlog__cidr_format(&c->peer, peer);
    const int id_len = (int)c->id.len;
    int n;
    if (c->what == FL_RULE_CHANGE_SG)
        n = snprintf(row, FL_RULE_ROW_MAX, "security group %.*s: add %s allow %s%s %s %s", id_len, c->id.ptr, direction,
                     proto, ports, to, peer);
    else if (c->what == FL_RULE_CHANGE_NACL)
        n = snprintf(row, FL_RULE_ROW_MAX, "network ACL %.*s: add %s rule %u allow %s%s %s %s, before rule %u", id_len,
                     c->id.ptr, direction, (unsigned)c->number, proto, ports, to, peer, (unsigned)c->before);
    else
        n = snprintf(row, FL_RULE_ROW_MAX,
                     "network ACL %.*s: change %s rule %u, which denies %s%s %s %s; no smaller number is free", id_len,
                     c->id.ptr, direction, (unsigned)c->number, proto, ports, to, peer);
    return written(n, FL_RULE_ROW_MAX);
}

/* Ids come from a file, and the command goes into a shell: only letters, digits, '-' and '_'. */
static int is_plain(flowlog_str id)
{
    for (size_t i = 0; i < id.len; i++) {
        const char c = fl_ascii_lower(id.ptr[i]);
        if (!fl_ascii_is_digit(c) && !fl_ascii_is_hyphen(c) && (c < 'a' || c > 'z')) return 0;
    }
    return id.len && id.ptr[0] != '-';
}

/* "--port-range From=443,To=443 ", "--icmp-type-code Type=8,Code=0 ", "". */
static void acl_ports(const struct fl_rule_change *c, char text[64])
{
    const unsigned from = c->from, to = c->to;
    if (c->portless) text[0] = '\0';
    else if (fl_is_icmp(c->proto)) snprintf(text, 64, "--icmp-type-code Type=%u,Code=%u ", from, to);
    else snprintf(text, 64, "--port-range From=%u,To=%u ", from, to);
}

size_t flowlog__rule_change_command(const struct fl_rule_change *c, char command[FL_RULE_COMMAND_MAX])
{
    char ports[64], proto[8], peer[FL_CIDR_TEXT_MAX];
    const int id_len = (int)c->id.len, six = c->peer.family == 6;
    command[0] = '\0';
    flowlog__cidr_format(&c->peer, peer);
    if (c->what == FL_RULE_CHANGE_NACL_ENTRY || !is_plain(c->id)) return 0;
    if (c->what == FL_RULE_CHANGE_NACL) {
        acl_ports(c, ports);
        return written(snprintf(command, FL_RULE_COMMAND_MAX,
                                "aws ec2 create-network-acl-entry --network-acl-id %.*s --%s --rule-number %u "
                                "--protocol %u %s--%s %s --rule-action allow",
                                id_len, c->id.ptr, c->egress ? "egress" : "ingress", (unsigned)c->number,
                                (unsigned)c->proto, ports, six ? "ipv6-cidr-block" : "cidr-block", peer),
                       FL_RULE_COMMAND_MAX);
    }
    protocol_name(c->proto, proto);
    ports[0] = '\0';
    if (!c->portless) snprintf(ports, sizeof ports, "FromPort=%u,ToPort=%u,", (unsigned)c->from, (unsigned)c->to);
    return written(snprintf(command, FL_RULE_COMMAND_MAX,
                            "aws ec2 authorize-security-group-%s --group-id %.*s --ip-permissions "
                            "'IpProtocol=%s,%s%s=[{%s=%s}]'",
                            c->egress ? "egress" : "ingress", id_len, c->id.ptr, proto, ports,
                            six ? "Ipv6Ranges" : "IpRanges", six ? "CidrIpv6" : "CidrIp", peer),
                   FL_RULE_COMMAND_MAX);
}

static size_t append_line(char *text, size_t at, size_t cap, const char *line, size_t len)
{
    if (!cap) return 0;
    if (at && len && at + 1 < cap) text[at++] = '\n';
    const size_t room = cap - 1 - at, n = len < room ? len : room;
    memcpy(text + at, line, n);
    text[at + n] = '\0';
    return at + n;
}

size_t flowlog__rules_change(const struct fl_rules *r, const struct fl_rule_question *q, const struct fl_rule_answer *a,
                             char *row, size_t row_cap, char *command, size_t command_cap)
{
    struct fl_rule_change change[FL_RULE_CHANGES_MAX];
    const size_t count = flowlog__rules_changes(r, q, a, change);
    size_t row_at = 0, command_at = 0;
    if (row_cap) row[0] = '\0';
    if (command_cap) command[0] = '\0';
    for (size_t i = 0; i < count; i++) {
        char line[FL_RULE_COMMAND_MAX > FL_RULE_ROW_MAX ? FL_RULE_COMMAND_MAX : FL_RULE_ROW_MAX];
        const size_t row_len = flowlog__rule_change_row(&change[i], line);
        row_at = append_line(row, row_at, row_cap, line, row_len);
        const size_t command_len = flowlog__rule_change_command(&change[i], line);
        command_at = append_line(command, command_at, command_cap, line, command_len);
    }
    return count;
}
