/* SPDX-License-Identifier: MIT */
/*
 * advice.c - a finding as the sentence to act on.
 *
 * The sentences are templates; {names} stand for the conversation's own addresses, ports and interfaces.  What is
 * not known is called so: "its subnet".
 */
#include <stdio.h>
#include <string.h>

#include "flowlog/diagnose.h"
#include "flowlog/write.h"

/* Text with a limit, whose whole length is counted. */
struct text {
    char *p;
    size_t cap, len;
};

static void add(struct text *t, const char *s, size_t len)
{
    if (t->len < t->cap) {
        const size_t room = t->cap - t->len;
        memcpy(t->p + t->len, s, len < room ? len : room);
    }
    t->len += len;
}

static void add_text(struct text *t, const char *s) { add(t, s, strlen(s)); }
static void add_str(struct text *t, flowlog_str s, const char *unknown)
{
    if (s.len) add(t, s.ptr, s.len);
    else add_text(t, unknown);
}

static void add_number(struct text *t, uint64_t n)
{
    char buf[24];
    add(t, buf, (size_t)snprintf(buf, sizeof buf, "%llu", (unsigned long long)n));
}

static void add_addr(struct text *t, const flowlog_addr *addr)
{
    char buf[FLOWLOG_ADDR_TEXT_MAX];
    if (!addr->family) add_text(t, "any");
    else add(t, buf, flowlog_addr_format(addr, buf));
}

/* An address as one that a rule can name. */
static void add_host(struct text *t, const flowlog_addr *addr)
{
    add_addr(t, addr);
    add_text(t, addr->family == 6 ? "/128" : "/32");
}

static int has_ports(const flowlog_finding *f) { return f->proto == 6 || f->proto == 17; }

static void add_end(struct text *t, const flowlog_finding *f, const flowlog_addr *addr, unsigned port)
{
    const int colons = addr->family == 6 && has_ports(f);
    if (colons) add_text(t, "[");
    add_addr(t, addr);
    if (colons) add_text(t, "]");
    if (!has_ports(f)) return;
    add_text(t, ":");
    add_number(t, port);
}

static void add_proto(struct text *t, unsigned proto)
{
    if (proto == 6) add_text(t, "TCP");
    else if (proto == 17) add_text(t, "UDP");
    else if (proto == 1) add_text(t, "ICMP");
    else if (proto == 58) add_text(t, "ICMPv6");
    else {
        add_text(t, "protocol ");
        add_number(t, proto);
    }
}

static void add_port(struct text *t, const flowlog_finding *f, unsigned port)
{
    if (!has_ports(f)) return;
    add_text(t, " ");
    add_number(t, port);
}

static void add_alts(struct text *t, const flowlog_finding *f)
{
    for (unsigned i = 0; i < f->alts; i++) {
        if (i) add_text(t, ", ");
        add_text(t, flowlog_layer_meaning(f->alt[i]));
    }
    if (!f->alts) add_text(t, "none known");
}

static void add_time(struct text *t, const flowlog_finding *f)
{
    char time[FLOWLOG_TIME_TEXT_MAX];
    const flowlog_side *refused = f->phase == FLOWLOG_PHASE_REPLY ? &f->reply_reject : &f->request_reject;
    const int to_allow = f->transition == FLOWLOG_TRANSITION_DENY_TO_ALLOW;
    const int64_t at = !refused->records ? f->first : to_allow ? refused->last : refused->first;
    add(t, time, flowlog_time_format(at, time));
}

static void add_evidence(struct text *t, const flowlog_finding *f)
{
    switch (f->proof) {
    case FLOWLOG_PROOF_SAME_SUBNET: add_text(t, "both ends are in one subnet"); break;
    case FLOWLOG_PROOF_SIBLING_INTERFACE: add_text(t, "a neighbour in the subnet was let through at that time"); break;
    case FLOWLOG_PROOF_RULES: add_text(t, "its rules allow this"); break;
    default: add_text(t, "the log shows it"); break;
    }
}

static void add_missing(struct text *t, const flowlog_finding *f)
{
    static const char *const missing[] = {
        "one direction only",
        "the log has accepted traffic only (flow log with traffic type ACCEPT)",
        "the log has rejected traffic only (flow log with traffic type REJECT)",
        "AWS skipped records at that time (SKIPDATA)",
        "the log begins or ends there",
        "memory was full, so that parts of conversations were given up",
        "the other interface has no records at that time"};
    const unsigned i = f->missing < sizeof missing / sizeof *missing ? f->missing : 0;
    add_text(t, missing[i]);
    if (f->missing != FLOWLOG_MISSING_SKIPDATA || !f->eni.len) return;
    add_text(t, " at ");
    add_str(t, f->eni, "");
}

static void add_closest(struct text *t, const flowlog_finding *f)
{
    if (!f->sg_closest.len) return;
    add_text(t, " Closest is a rule of ");
    add_str(t, f->sg_closest, "");
    add_text(t, f->sg_closest_kind == 1 ? ", for this port and another address." : ", for this address and another port.");
}

static void add_tracking(struct text *t, const flowlog_finding *f)
{
    if (f->proto == 17) {
        add_text(t, "UDP ");
        add_number(t, f->udp_timeout ? f->udp_timeout : 30);
        add_text(t, " s, or 180 s for streams");
    } else if (f->tcp_timeout) {
        add_text(t, "TCP ");
        add_number(t, f->tcp_timeout);
        add_text(t, " s");
    } else {
        add_text(t, "TCP 350 s or 5 days, by instance type");
    }
}

/* What stands for `name` in a template; 0 when there is none of that name. */
static int add_named(struct text *t, const flowlog_finding *f, const char *name, size_t len)
{
    static const char *const names[] = {"proto",  "from",    "to",     "client",   "server",  "port",    "cport",
                                        "eni",    "other",   "subnet", "reason",   "alt",     "time",    "transition",
                                        "missing", "acl",    "rule",   "evidence", "closest", "tracking", "serverhost"};
    unsigned i = 0;
    while (i < sizeof names / sizeof *names && (strlen(names[i]) != len || memcmp(names[i], name, len) != 0)) i++;
    switch (i) {
    case 0: add_proto(t, f->proto); break;
    case 1: add_end(t, f, &f->client, f->client_port); break;
    case 2: add_end(t, f, &f->server, f->server_port); break;
    case 3: add_host(t, &f->client); break;
    case 4: add_addr(t, &f->server); break;
    case 5: add_port(t, f, f->server_port); break;
    case 6: add_port(t, f, f->client_port); break;
    case 7: add_str(t, f->eni, "the interface"); break;
    case 8: add_str(t, f->other_eni, "the other interface"); break;
    case 9: add_str(t, f->subnet, "its subnet"); break;
    case 10: add_str(t, f->reason, "another"); break;
    case 11: add_alts(t, f); break;
    case 12: add_time(t, f); break;
    case 13: add_text(t, flowlog_transition_name(f->transition)); break;
    case 14: add_missing(t, f); break;
    case 15: add_str(t, f->rule_acl, "the network ACL"); break;
    case 16: add_number(t, f->rule_number); break;
    case 17: add_evidence(t, f); break;
    case 18: add_closest(t, f); break;
    case 19: add_tracking(t, f); break;
    case 20: add_host(t, &f->server); break;
    default: return 0;
    }
    return 1;
}

static void expand(struct text *t, const flowlog_finding *f, const char *template)
{
    for (const char *p = template; *p;) {
        const char *end = *p == '{' ? strchr(p, '}') : NULL;
        if (end && add_named(t, f, p + 1, (size_t)(end - p - 1))) {
            p = end + 1;
        } else {
            add(t, p, 1);
            p++;
        }
    }
}

#define CHECK_RULE "Network ACL {acl} rule {rule} denies it: add an ALLOW with a smaller number, or change rule {rule}."
#define NO_RULE "No entry of network ACL {acl} matches, so its last one, {rule}, denies it: add an ALLOW entry."

static void add_acl(struct text *t, const flowlog_finding *f)
{
    expand(t, f, f->rule_number >= 32767 ? " " NO_RULE : " " CHECK_RULE);
}

/* A request that was refused, by layer. */
static void advise_request(struct text *t, const flowlog_finding *f, int in)
{
    expand(t, f, in ? "Inbound {proto} {from} -> {to} was refused at {eni}." : "Outbound {proto} {from} -> {to} was refused at {eni}.");
    switch (f->layer) {
    case FLOWLOG_LAYER_SG:
        expand(t, f, in ? " The network ACL is not the cause ({evidence}). Add an inbound rule that allows {proto}{port} "
                          "from {client} to a security group of {eni}.{closest}"
                        : " The network ACL is not the cause ({evidence}). Add an outbound rule that allows "
                          "{proto}{port} to {serverhost} to a security group of {eni}.{closest}");
        break;
    case FLOWLOG_LAYER_NACL: add_acl(t, f); break;
    case FLOWLOG_LAYER_SG_AND_NACL:
        expand(t, f, " Security groups and the network ACL both refuse it; opening one is not enough.");
        add_acl(t, f);
        expand(t, f, in ? " Add an inbound rule that allows {proto}{port} from {client} to a security group of {eni}.{closest}"
                        : " Add an outbound rule that allows {proto}{port} to {serverhost} to a security group of {eni}.{closest}");
        break;
    default:
        expand(t, f,
               in ? " Check (1) an inbound rule of a security group on {eni} that allows {proto}{port} from {client}; (2) the "
                    "inbound rules of the network ACL of {subnet} in number order: the first match for {proto}{port} from "
                    "{client} must be ALLOW."
                  : " Check (1) an outbound rule of a security group on {eni} that allows {proto}{port} to {serverhost}; (2) the "
                    "outbound rules of the network ACL of {subnet} in number order: the first match for {proto}{port} to "
                    "{serverhost} must be ALLOW.");
        break;
    }
}

static void advise_reply(struct text *t, const flowlog_finding *f, int in)
{
    if (in)
        expand(t, f, "The request left, the answer {to} -> {from} was refused entering {subnet} at {eni}. Security groups are "
                     "stateful and allow answers; network ACLs do not.");
    else
        expand(t, f, "The request got in, the answer {to} -> {from} was refused leaving {subnet} at {eni}. Security groups are "
                     "stateful and allow answers; network ACLs do not.");
    if (f->rule_number) add_acl(t, f);
    if (!has_ports(f))
        expand(t, f, in ? " Network ACL inbound: allow {proto} from {serverhost}." : " Network ACL outbound: allow {proto} to {client}.");
    else if (in)
        expand(t, f, " Network ACL inbound: allow {proto} from {serverhost} to ports 1024-65535 (at least{cport}).");
    else
        expand(t, f, " Network ACL outbound: allow {proto} to {client} port{cport}; clients choose 1024-65535 (Linux "
                     "32768-60999, Windows 49152-65535, NAT gateway, load balancer and Lambda 1024-65535).");
}

static const char *template_of(const flowlog_finding *f)
{
    switch (f->verdict) {
    case FLOWLOG_VERDICT_OK: return "{proto} {from} -> {to} works: accepted both ways.";
    case FLOWLOG_VERDICT_BLOCKED:
        return "{proto} {from} -> {to} was refused, but the log does not tell at which end. Give the address of {eni} "
               "(a context), or log flow-direction.";
    case FLOWLOG_VERDICT_BLOCKED_BPA:
        return "VPC Block Public Access refused {proto} {from} -> {to}, not a rule. Check the mode and the exclusions of the "
               "VPC and of {subnet} (aws ec2 describe-vpc-block-public-access-options).";
    case FLOWLOG_VERDICT_BLOCKED_ENCRYPTION:
        return "A VPC endpoint refused {proto} {from} -> {to} because of VPC Encryption Controls in enforce mode: the flow "
               "does not count as encrypted. Not a security group or network ACL rule. Check the mode, the exclusions, and "
               "whether both ends run on Nitro.";
    case FLOWLOG_VERDICT_BLOCKED_OTHER:
        return "{proto} {from} -> {to} was refused; AWS gives the reason \"{reason}\". Not a security group or network ACL "
               "rule.";
    case FLOWLOG_VERDICT_RULE_CHANGE:
        return "{proto} {from} -> {to} was accepted and refused ({transition}, around {time}). Look in CloudTrail for "
               "AuthorizeSecurityGroup*, RevokeSecurityGroup*, *NetworkAclEntry, ReplaceNetworkAclAssociation and "
               "ModifyNetworkInterfaceAttribute near that time.";
    case FLOWLOG_VERDICT_STRAY:
        return "Late packets of a connection {from} -> {to} that AWS no longer tracks: closed, or idle for longer than "
               "tracking lasts ({tracking}). Usually harmless, no rule to change. If users see drops: keepalive under 5 "
               "minutes, or a larger TcpEstablishedTimeout. Alternative: {alt}.";
    case FLOWLOG_VERDICT_REFUSED:
        return "The network works; {server} answered that{port} is closed. Start the service, or correct the port.";
    case FLOWLOG_VERDICT_NO_REPLY:
        if (f->layer == FLOWLOG_LAYER_HOST)
            return "Security groups and network ACL let {proto} {from} -> {to} in; the host did not answer. Check that the "
                   "service listens on {to}, the firewall of its operating system, and that replies do not leave by another "
                   "interface.";
        if (f->layer == FLOWLOG_LAYER_PATH)
            return "{proto} {from} -> {to} left {eni}; nothing came back. Check the route table, the routes through NAT, "
                   "internet or transit gateway and peering, and the far end's rules.";
        return "{proto} {from} -> {to} was accepted at {eni} and nothing came back; the log does not tell which end is silent. "
               "Give the interface's address (a context), or log flow-direction.";
    case FLOWLOG_VERDICT_NOT_DELIVERED:
        if (f->phase == FLOWLOG_PHASE_REPLY)
            return "The answer {to} -> {from} left {other} and never reached {eni}, not even as a REJECT: check route tables, "
                   "transit gateway and peering attachments, and firewalls in the path.";
        return "{proto} {from} -> {to} left {other} and never reached {eni}, not even as a REJECT: check route tables, transit "
               "gateway and peering attachments, and firewalls in the path.";
    case FLOWLOG_VERDICT_ASYMMETRIC:
        return "Only one direction of {from} -> {to} is seen at {eni} although data flowed: the other uses another "
               "interface. Security group tracking may fail with asymmetric routing.";
    case FLOWLOG_VERDICT_UNSOLICITED_NAT:
        return "Internet noise {from} -> {to} to a NAT gateway. ACCEPT only says that the network ACL of its subnet allows "
               "it; the gateway drops it.";
    case FLOWLOG_VERDICT_ONE_WAY: return "Normal: {proto}{port} is a service that does not answer.";
    case FLOWLOG_VERDICT_TRANSIT: return "Normal: {eni} passes traffic on, and the other direction takes another interface.";
    case FLOWLOG_VERDICT_INSUFFICIENT_DATA: return "The log cannot tell whether {from} -> {to} works: {missing}.";
    case FLOWLOG_VERDICT_CONFIG_MISMATCH:
        return "{proto} {from} -> {to} was refused at {eni}, and the rules supplied would allow it. They changed since, or are "
               "not those that were attached then; or it was a late packet.";
    case FLOWLOG_VERDICT_NOT_LOGGED:
        return "Flow logs never record traffic to Amazon DNS, the instance metadata and time services, DHCP, Windows "
               "activation and the VPC router: their silence means nothing.";
    case FLOWLOG_VERDICT_NO_RECORD:
        return "No record of {from} -> {to}: such traffic never reached a monitored interface. Check the address, the route "
               "tables, and that flow logs cover the interfaces.";
    default: return "";
    }
}

size_t flowlog_finding_advice(const flowlog_finding *f, char *text, size_t cap)
{
    struct text t = {text, cap, 0};
    if (f->clients > 1) {
        add_number(&t, f->clients);
        add_text(&t, " clients; one of them: ");
    }
    switch (f->verdict) {
    case FLOWLOG_VERDICT_BLOCKED_INBOUND: advise_request(&t, f, 1); break;
    case FLOWLOG_VERDICT_BLOCKED_OUTBOUND: advise_request(&t, f, 0); break;
    case FLOWLOG_VERDICT_BLOCKED_REPLY_INBOUND: advise_reply(&t, f, 1); break;
    case FLOWLOG_VERDICT_BLOCKED_REPLY_OUTBOUND: advise_reply(&t, f, 0); break;
    default: expand(&t, f, template_of(f)); break;
    }
    if (cap) text[t.len < cap ? t.len : cap - 1] = 0;
    return t.len;
}
