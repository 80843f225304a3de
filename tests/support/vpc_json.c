/* SPDX-License-Identifier: MIT */
/*
 * vpc_json.c - the rules of a simulated VPC as the AWS CLI prints them (support/vpc_sim.h).
 */
#include <stdio.h>
#include <string.h>

#include "support/vpc_sim.h"

static const char *cidr_text(const struct vpc_cidr *c, char text[VPC_ADDR_TEXT + 4])
{
    char addr[VPC_ADDR_TEXT];
    snprintf(text, VPC_ADDR_TEXT + 4, "%s/%u", vpc_addr_text(&c->addr, addr), c->bits);
    return text;
}

static const char *comma(int *n) { return (*n)++ ? "," : ""; }

/* --- network ACLs ---------------------------------------------------------------------------------------- */

static void entry(const struct vpc_acl_entry *e, int *n, struct vpc_text *t)
{
    char cidr[VPC_ADDR_TEXT + 4];
    vpc_print(
        t, "%s{\"%s\":\"%s\",\"Egress\":%s,\"Protocol\":\"%d\",\"RuleAction\":\"%s\",\"RuleNumber\":%u",
        comma(n), e->cidr.addr.family == 4 ? "CidrBlock" : "Ipv6CidrBlock", cidr_text(&e->cidr, cidr),
        e->egress ? "true" : "false", e->proto, e->allow ? "allow" : "deny", e->number);
    if (e->proto == VPC_TCP || e->proto == VPC_UDP)
        vpc_print(t, ",\"PortRange\":{\"From\":%u,\"To\":%u}", e->from, e->to);
    if (e->proto == VPC_ICMP || e->proto == VPC_ICMP6)
        vpc_print(t, ",\"IcmpTypeCode\":{\"Code\":-1,\"Type\":%d}", e->icmp_type);
    vpc_print(t, "}");
}

static void last_entry(int egress, int family, int *n, struct vpc_text *t)
{
    struct vpc_acl_entry e = {.cidr = vpc_net(family == 4 ? "0.0.0.0/0" : "::/0"), .proto = VPC_ANY,
                              .number = (uint16_t)(family == 4 ? 32767 : 32768), .egress = (uint8_t)egress};
    entry(&e, n, t);
}

static void acls(const struct vpc_world *w, int64_t at, struct vpc_text *t)
{
    vpc_print(t, "{\"NetworkAcls\":[");
    for (int a = 0; a < w->acls; a++) {
        const struct vpc_acl *acl = &w->acl[a];
        vpc_print(t, "%s{\"Associations\":[", a ? "," : "");
        int n = 0;
        /* The default ACL's subnets need no association to be its own. */
        for (int s = 0; s < w->subnets; s++)
            if (w->subnet[s].acl == a && (!acl->is_default || s % 2))
                vpc_print(
                    t,
                    "%s{\"NetworkAclAssociationId\":\"aclassoc-%d\",\"NetworkAclId\":\"%s\",\"SubnetId\":\"%s\"}",
                    comma(&n), s, acl->id, w->subnet[s].id);
        vpc_print(t, "],\"Entries\":[");
        n = 0;
        for (int i = 0; i < acl->n; i++)
            if (at >= acl->entry[i].since && at < acl->entry[i].until) entry(&acl->entry[i], &n, t);
        for (int egress = 0; egress < 2; egress++) {
            last_entry(egress, 4, &n, t);
            if (w->cidr6.addr.family) last_entry(egress, 6, &n, t);
        }
        vpc_print(
            t,
            "],\"IsDefault\":%s,\"NetworkAclId\":\"%s\",\"Tags\":[],\"VpcId\":\"%s\",\"OwnerId\":\"%s\"}",
            acl->is_default ? "true" : "false", acl->id, w->id, w->account);
    }
    vpc_print(t, "]}\n");
}

/* --- security groups --------------------------------------------------------------------------------------- */

static void permission(const struct vpc_world *w, const struct vpc_group_rule *r, int *n, struct vpc_text *t)
{
    char cidr[VPC_ADDR_TEXT + 4] = "", proto[8];
    snprintf(proto, sizeof proto, "%d", r->proto);
    const char *name = r->proto == VPC_TCP     ? "tcp"
                       : r->proto == VPC_UDP   ? "udp"
                       : r->proto == VPC_ICMP  ? "icmp"
                       : r->proto == VPC_ICMP6 ? "icmpv6"
                                               : proto;
    vpc_print(t, "%s{\"IpProtocol\":\"%s\"", comma(n), name);
    if (r->proto == VPC_TCP || r->proto == VPC_UDP)
        vpc_print(t, ",\"FromPort\":%u,\"ToPort\":%u", r->from, r->to);
    if (r->proto == VPC_ICMP || r->proto == VPC_ICMP6)
        vpc_print(t, ",\"FromPort\":%d,\"ToPort\":-1", r->icmp_type);
    vpc_print(t, ",\"IpRanges\":[");
    if (r->group < 0) cidr_text(&r->cidr, cidr);
    if (r->group < 0 && r->cidr.addr.family == 4) vpc_print(t, "{\"CidrIp\":\"%s\"}", cidr);
    vpc_print(t, "],\"Ipv6Ranges\":[");
    if (r->group < 0 && r->cidr.addr.family == 6) vpc_print(t, "{\"CidrIpv6\":\"%s\"}", cidr);
    vpc_print(t, "],\"PrefixListIds\":[],\"UserIdGroupPairs\":[");
    if (r->group >= 0)
        vpc_print(t, "{\"GroupId\":\"%s\",\"UserId\":\"%s\"}", w->group[r->group].id, w->account);
    vpc_print(t, "]}");
}

static void groups(const struct vpc_world *w, int64_t at, struct vpc_text *t)
{
    vpc_print(t, "{\"SecurityGroups\":[");
    for (int g = 0; g < w->groups; g++) {
        const struct vpc_group *group = &w->group[g];
        vpc_print(
            t,
            "%s{\"Description\":\"\",\"GroupName\":\"group %d\",\"OwnerId\":\"%s\",\"GroupId\":\"%s\",\"VpcId\":\"%s\"",
            g ? "," : "", g, w->account, group->id, w->id);
        for (int egress = 0; egress < 2; egress++) {
            int n = 0;
            vpc_print(t, ",\"%s\":[", egress ? "IpPermissionsEgress" : "IpPermissions");
            for (int i = 0; i < group->n; i++)
                if (group->rule[i].egress == egress && at >= group->rule[i].since &&
                    at < group->rule[i].until)
                    permission(w, &group->rule[i], &n, t);
            vpc_print(t, "]");
        }
        vpc_print(t, "}");
    }
    vpc_print(t, "]}\n");
}

/* --- interfaces, subnets ----------------------------------------------------------------------------------- */

static const struct vpc_host *host_of(const struct vpc_world *w, int iface)
{
    for (int h = 0; h < w->hosts; h++)
        if (w->host[h].iface == iface) return &w->host[h];
    return NULL;
}

static void ifaces(const struct vpc_world *w, struct vpc_text *t)
{
    static const char *const types[] = {"interface", "interface", "nat_gateway"};
    static const char *const descriptions[] = {"", "ELB app/front/0123456789abcdef",
                                               "Interface for NAT Gateway nat-0123456789abcdef0"};
    char text[VPC_ADDR_TEXT];
    vpc_print(t, "{\"NetworkInterfaces\":[");
    for (int i = 0; i < w->ifaces; i++) {
        const struct vpc_iface *f = &w->iface[i];
        const struct vpc_host *h = host_of(w, i);
        vpc_print(
            t,
            "%s{\"NetworkInterfaceId\":\"%s\",\"SubnetId\":\"%s\",\"VpcId\":\"%s\",\"InterfaceType\":\"%s\"",
            i ? "," : "", f->id, w->subnet[f->subnet].id, w->id, types[f->kind]);
        vpc_print(t, ",\"Description\":\"%s\",\"RequesterManaged\":%s,\"SourceDestCheck\":%s",
                  descriptions[f->kind], f->kind == VPC_INSTANCE ? "false" : "true",
                  f->kind == VPC_NAT ? "false" : "true");
        if (f->instance[0])
            vpc_print(t, ",\"Attachment\":{\"InstanceId\":\"%s\",\"Status\":\"attached\"}", f->instance);
        vpc_print(
            t,
            ",\"ConnectionTrackingConfiguration\":{\"TcpEstablishedTimeout\":%d,\"UdpStreamTimeout\":%d,\"UdpTimeout\":%d}",
            f->tcp_timeout_s, f->udp_stream_s, f->udp_timeout_s);
        vpc_print(t, ",\"Groups\":[");
        int n = 0;
        for (int g = 0; g < f->groups; g++)
            vpc_print(t, "%s{\"GroupId\":\"%s\"}", comma(&n), w->group[f->group[g]].id);
        n = 0;
        for (int a = 0; a < h->addrs; a++) {
            if (h->addr[a].family != 4) continue;
            vpc_addr_text(&h->addr[a], text);
            if (!n) vpc_print(t, "],\"PrivateIpAddress\":\"%s\",\"PrivateIpAddresses\":[", text);
            vpc_print(t, "%s{\"Primary\":%s,\"PrivateIpAddress\":\"%s\"}", n ? "," : "",
                      n ? "false" : "true", text);
            n++;
        }
        vpc_print(t, "],\"Ipv6Addresses\":[");
        n = 0;
        for (int a = 0; a < h->addrs; a++)
            if (h->addr[a].family == 6)
                vpc_print(t, "%s{\"Ipv6Address\":\"%s\"}", comma(&n), vpc_addr_text(&h->addr[a], text));
        vpc_print(t, "]}");
    }
    vpc_print(t, "]}\n");
}

static void subnets(const struct vpc_world *w, struct vpc_text *t)
{
    char text[VPC_ADDR_TEXT + 4];
    vpc_print(t, "{\"Subnets\":[");
    for (int s = 0; s < w->subnets; s++) {
        const struct vpc_subnet *n = &w->subnet[s];
        vpc_print(
            t,
            "%s{\"SubnetId\":\"%s\",\"VpcId\":\"%s\",\"CidrBlock\":\"%s\",\"Ipv6CidrBlockAssociationSet\":[",
            s ? "," : "", n->id, w->id, cidr_text(&n->cidr, text));
        if (n->cidr6.addr.family) vpc_print(t, "{\"Ipv6CidrBlock\":\"%s\"}", cidr_text(&n->cidr6, text));
        vpc_print(t, "]}");
    }
    vpc_print(t, "]}\n");
}

void vpc_json(const struct vpc_world *w, int what, int64_t at, struct vpc_text *json)
{
    switch (what) {
    case VPC_JSON_ACLS: acls(w, at, json); break;
    case VPC_JSON_GROUPS: groups(w, at, json); break;
    case VPC_JSON_IFACES: ifaces(w, json); break;
    default: subnets(w, json); break;
    }
}
