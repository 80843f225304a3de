/* SPDX-License-Identifier: MIT */
/*
 * Random VPCs, their rules written as JSON, and random packets: what flowlog__rules_ask says, against a plain model
 * that knows only structs, text and bits as characters.  Then properties of the smallest change: with it the packet
 * and its answer pass, and nothing else does that did not before.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/rules.h"

TestSuite(rules_brute, .timeout = 240);

static uint64_t state = 1;
static unsigned rnd(unsigned n)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (unsigned)((state >> 16) % n);
}

/* --- the model ------------------------------------------------------------------------------- */

/* An address or block: '0' and '1' a bit, as many as the prefix has. */
struct bits {
    char bit[129];
    unsigned family;
    char text[64];
};

enum { VPCS = 2, SUBNETS = 4, ACLS = 4, GROUPS = 5, IFACES = 9, LISTS = 2, RULES = 6, ENTRIES = 9 };

struct entry {
    int number, egress, allow, proto, from, to, type, code;
    struct bits block;
};
struct rule {
    int egress, proto, from, to, kind, list, group;
    struct bits block;
};
struct world {
    struct {
        int there, vpc, is_default, entries, associated[SUBNETS];
        struct entry entry[ENTRIES];
    } acl[ACLS];
    struct {
        int there, vpc, rules; /* vpc -1: not said */
        struct rule rule[RULES];
    } group[GROUPS];
    struct {
        int there, vpc, subnet, groups_known, groups, group[3], addresses;
        struct bits address[4];
    } iface[IFACES];
    struct {
        int there, blocks;
        struct bits block[3];
    } list[LISTS];
    struct {
        int there, vpc, blocks;
        struct bits block[2];
    } subnet[SUBNETS];
    struct {
        int there, blocks;
        struct bits block[2];
    } vpc[VPCS];
};

static struct bits bits_of(const flowlog_addr *a, unsigned length, int is_block)
{
    struct bits b;
    memset(&b, 0, sizeof b);
    b.family = a->family;
    for (unsigned i = 0; i < length; i++) b.bit[i] = a->bytes[i / 8] >> (7 - i % 8) & 1 ? '1' : '0';
    const size_t n = flowlog_addr_format(a, b.text);
    if (is_block) sprintf(b.text + n, "/%u", length);
    return b;
}

static flowlog_addr random_address(void)
{
    static const char *const roots[] = {"10.0.%u.%u", "10.0.%u.%u", "10.0.%u.%u", "10.1.%u.%u", "203.0.%u.%u",
                                        "2001:db8::%x:%x", "2001:db8::%x:%x", "2001:db9:0:%x::%x", "fd00::%x:%x"};
    char text[64];
    flowlog_addr a;
    sprintf(text, roots[rnd(9)], rnd(2), rnd(3) ? 1 + rnd(4) : 250 + rnd(5));
    cr_assert_eq(flowlog_addr_parse(text, strlen(text), &a), FLOWLOG_OK);
    return a;
}

static struct bits random_block(void)
{
    static const unsigned four[] = {0, 0, 8, 16, 24, 24, 28, 31, 32}, six[] = {0, 0, 16, 32, 44, 64, 112, 120, 128};
    const flowlog_addr a = random_address();
    return bits_of(&a, a.family == 4 ? four[rnd(9)] : six[rnd(9)], 1);
}

static int has(const struct bits *block, const struct bits *address)
{
    return block->family == address->family && !strncmp(block->bit, address->bit, strlen(block->bit));
}

static int random_proto(void)
{
    static const int protos[] = {-1, 6, 6, 6, 17, 17, 1, 58, 47};
    return protos[rnd(9)];
}

static void random_ports(int *from, int *to)
{
    static const int ports[] = {0, 22, 443, 1024, 5432, 32768, 40000, 65535};
    *from = ports[rnd(8)];
    *to = rnd(2) ? *from : ports[rnd(8)];
    if (*to < *from || !rnd(5)) *from = *to = -1; /* absent: all */
}

static struct entry random_entry(void)
{
    struct entry e = {.egress = (int)rnd(2), .allow = rnd(3) > 0, .proto = random_proto(), .block = random_block(),
                      .from = -1, .to = -1, .type = -1, .code = -1};
    if (e.proto == 6 || e.proto == 17) random_ports(&e.from, &e.to);
    if (e.proto == 1 && rnd(2)) e.type = rnd(2) * 8;
    if (e.proto == 58 && rnd(2)) e.type = 128 + (int)rnd(2);
    if (e.type >= 0 && rnd(2)) e.code = (int)rnd(2);
    return e;
}

static struct rule random_rule(void)
{
    struct rule r = {.egress = (int)rnd(2), .proto = random_proto(), .kind = (int)rnd(5), .list = (int)rnd(LISTS),
                     .group = (int)rnd(GROUPS), .block = random_block(), .from = -1, .to = -1};
    if (r.proto == 6 || r.proto == 17) random_ports(&r.from, &r.to);
    if (r.proto == 1 && rnd(2)) r.from = rnd(2) * 8;
    if (r.proto == 58 && rnd(2)) r.from = 128;
    if ((r.proto == 1 || r.proto == 58) && r.from >= 0) r.to = (int)rnd(3) - 1;
    return r;
}

static void random_world(struct world *w)
{
    memset(w, 0, sizeof *w);
    for (int i = 0; i < ACLS; i++) {
        w->acl[i].there = rnd(8) > 0;
        w->acl[i].vpc = i % VPCS;
        w->acl[i].is_default = i < VPCS && rnd(3);
        w->acl[i].entries = (int)rnd(ENTRIES);
        for (int s = 0; s < SUBNETS; s++) w->acl[i].associated[s] = s % VPCS == i % VPCS && !rnd(3);
        for (int k = 0; k < w->acl[i].entries; k++) {
            w->acl[i].entry[k] = random_entry();
            do w->acl[i].entry[k].number = rnd(9) ? 1 + (int)rnd(40) : 32767;
            while (0);
            for (int j = 0; j < k; j++) /* a number once in a direction, as AWS has it */
                if (w->acl[i].entry[j].number == w->acl[i].entry[k].number &&
                    w->acl[i].entry[j].egress == w->acl[i].entry[k].egress) {
                    w->acl[i].entry[k].number = 41 + (int)rnd(1000);
                    j = -1;
                }
        }
    }
    for (int i = 0; i < GROUPS; i++) {
        w->group[i].there = rnd(8) > 0;
        w->group[i].vpc = rnd(4) ? i % VPCS : -1;
        w->group[i].rules = (int)rnd(RULES + 1);
        for (int k = 0; k < w->group[i].rules; k++) w->group[i].rule[k] = random_rule();
    }
    for (int i = 0; i < LISTS; i++) {
        w->list[i].there = rnd(3) > 0;
        w->list[i].blocks = (int)rnd(4);
        for (int k = 0; k < w->list[i].blocks; k++) w->list[i].block[k] = random_block();
    }
    for (int i = 0; i < SUBNETS; i++) {
        w->subnet[i].there = rnd(3) > 0;
        w->subnet[i].vpc = i % VPCS;
        w->subnet[i].blocks = (int)rnd(3);
        for (int k = 0; k < w->subnet[i].blocks; k++) w->subnet[i].block[k] = random_block();
    }
    for (int i = 0; i < VPCS; i++) {
        w->vpc[i].there = !rnd(3);
        w->vpc[i].blocks = (int)rnd(3);
        for (int k = 0; k < w->vpc[i].blocks; k++) w->vpc[i].block[k] = random_block();
    }
    for (int i = 0; i < IFACES; i++) {
        w->iface[i].there = rnd(8) > 0;
        w->iface[i].vpc = rnd(8) ? (int)rnd(VPCS) : -1;
        w->iface[i].subnet = rnd(8) ? (int)rnd(SUBNETS) : -1;
        w->iface[i].groups_known = rnd(8) > 0;
        w->iface[i].groups = w->iface[i].groups_known ? (int)rnd(4) : 0;
        for (int k = 0; k < w->iface[i].groups; k++) w->iface[i].group[k] = (int)rnd(GROUPS);
        w->iface[i].addresses = (int)rnd(4);
        for (int k = 0; k < w->iface[i].addresses; k++) {
            const flowlog_addr a = random_address();
            w->iface[i].address[k] = k == 2 ? bits_of(&a, a.family == 4 ? 28 : 80, 1)
                                            : bits_of(&a, a.family == 4 ? 32 : 128, 0);
        }
    }
}

/* --- the model as JSON ----------------------------------------------------------------------- */

static char *out;
static size_t out_len;
static char buffer[200000];

#define PRINT(...) (out_len += (size_t)sprintf(out + out_len, __VA_ARGS__))
#define COMMA() (void)(out[out_len - 1] == '[' || out[out_len - 1] == '{' || PRINT(","))

static void print_acl(const struct world *w, int i)
{
    COMMA();
    PRINT("{\"NetworkAclId\":\"acl-%d\",\"VpcId\":\"vpc-%d\",\"IsDefault\":%s,\"Associations\":[", i, w->acl[i].vpc,
          w->acl[i].is_default ? "true" : "false");
    for (int s = 0; s < SUBNETS; s++)
        if (w->acl[i].associated[s]) {
            COMMA();
            PRINT("{\"SubnetId\":\"subnet-%d\"}", s);
        }
    PRINT("],\"Entries\":[");
    for (int k = 0; k < w->acl[i].entries; k++) {
        const struct entry *e = &w->acl[i].entry[k];
        COMMA();
        PRINT("{\"RuleNumber\":%d,\"Egress\":%s,\"RuleAction\":\"%s\",\"Protocol\":\"%d\",\"%s\":\"%s\"", e->number,
              e->egress ? "true" : "false", e->allow ? "allow" : "deny", e->proto,
              e->block.family == 4 ? "CidrBlock" : "Ipv6CidrBlock", e->block.text);
        if (e->from >= 0) PRINT(",\"PortRange\":{\"From\":%d,\"To\":%d}", e->from, e->to);
        if (e->proto == 1 || e->proto == 58) PRINT(",\"IcmpTypeCode\":{\"Type\":%d,\"Code\":%d}", e->type, e->code);
        PRINT("}");
    }
    PRINT("]}");
}

static void print_group(const struct world *w, int i)
{
    static const char *const names[] = {"tcp", "udp", "icmp", "icmpv6"};
    COMMA();
    PRINT("{\"GroupId\":\"sg-%d\"", i);
    if (w->group[i].vpc >= 0) PRINT(",\"VpcId\":\"vpc-%d\"", w->group[i].vpc);
    for (int egress = 0; egress < 2; egress++) {
        PRINT(",\"IpPermissions%s\":[", egress ? "Egress" : "");
        for (int k = 0; k < w->group[i].rules; k++) {
            const struct rule *r = &w->group[i].rule[k];
            if (r->egress != egress) continue;
            COMMA();
            const int name = r->proto == 6 ? 0 : r->proto == 17 ? 1 : r->proto == 1 ? 2 : r->proto == 58 ? 3 : 9;
            if (name < 4) PRINT("{\"IpProtocol\":\"%s\"", names[name]);
            else PRINT("{\"IpProtocol\":\"%d\"", r->proto);
            if (r->from >= 0 || r->proto == 1) PRINT(",\"FromPort\":%d,\"ToPort\":%d", r->from, r->to);
            if (r->kind == 0) PRINT(",\"PrefixListIds\":[{\"PrefixListId\":\"pl-%d\"}]}", r->list);
            else if (r->kind == 1) PRINT(",\"UserIdGroupPairs\":[{\"GroupId\":\"sg-%d\"}]}", r->group);
            else if (r->block.family == 4) PRINT(",\"IpRanges\":[{\"CidrIp\":\"%s\"}]}", r->block.text);
            else PRINT(",\"Ipv6Ranges\":[{\"CidrIpv6\":\"%s\"}]}", r->block.text);
        }
        PRINT("]");
    }
    PRINT("}");
}

static void print_iface(const struct world *w, int i)
{
    static const char *const list[2][2] = {{"PrivateIpAddresses", "Ipv4Prefixes"}, {"Ipv6Addresses", "Ipv6Prefixes"}};
    static const char *const item[2][2] = {{"PrivateIpAddress", "Ipv4Prefix"}, {"Ipv6Address", "Ipv6Prefix"}};
    COMMA();
    PRINT("{\"NetworkInterfaceId\":\"eni-%d\"", i);
    if (w->iface[i].vpc >= 0) PRINT(",\"VpcId\":\"vpc-%d\"", w->iface[i].vpc);
    if (w->iface[i].subnet >= 0) PRINT(",\"SubnetId\":\"subnet-%d\"", w->iface[i].subnet);
    if (w->iface[i].groups_known) {
        PRINT(",\"Groups\":[");
        for (int k = 0; k < w->iface[i].groups; k++) {
            COMMA();
            PRINT("{\"GroupId\":\"sg-%d\"}", w->iface[i].group[k]);
        }
        PRINT("]");
    }
    for (int six = 0; six < 2; six++)
        for (int block = 0; block < 2; block++) {
            PRINT(",\"%s\":[", list[six][block]);
            for (int k = 0; k < w->iface[i].addresses; k++)
                if ((w->iface[i].address[k].family == 6) == six &&
                    (strchr(w->iface[i].address[k].text, '/') != NULL) == block) {
                    COMMA();
                    PRINT("{\"%s\":\"%s\"}", item[six][block], w->iface[i].address[k].text);
                }
            PRINT("]");
        }
    PRINT("}");
}

static void print_blocks(const struct bits *block, int count, const char *name, const char *key, unsigned family)
{
    PRINT(",\"%s\":[", name);
    for (int k = 0; k < count; k++)
        if (block[k].family == family) {
            COMMA();
            PRINT("{\"%s\":\"%s\"}", key, block[k].text);
        }
    PRINT("]");
}

static const char *world_json(const struct world *w)
{
    out = buffer;
    out_len = 0;
    PRINT("{\"NetworkAcls\":[");
    for (int i = 0; i < ACLS; i++)
        if (w->acl[i].there) print_acl(w, i);
    PRINT("],\"SecurityGroups\":[");
    for (int i = 0; i < GROUPS; i++)
        if (w->group[i].there) print_group(w, i);
    PRINT("],\"NetworkInterfaces\":[");
    for (int i = 0; i < IFACES; i++)
        if (w->iface[i].there) print_iface(w, i);
    PRINT("],\"Subnets\":[");
    for (int i = 0; i < SUBNETS; i++)
        if (w->subnet[i].there) {
            COMMA();
            PRINT("{\"SubnetId\":\"subnet-%d\",\"VpcId\":\"vpc-%d\"", i, w->subnet[i].vpc);
            print_blocks(w->subnet[i].block, w->subnet[i].blocks, "CidrBlockAssociationSet", "CidrBlock", 4);
            print_blocks(w->subnet[i].block, w->subnet[i].blocks, "Ipv6CidrBlockAssociationSet", "Ipv6CidrBlock", 6);
            PRINT("}");
        }
    PRINT("],\"Vpcs\":[");
    for (int i = 0; i < VPCS; i++)
        if (w->vpc[i].there) {
            COMMA();
            PRINT("{\"VpcId\":\"vpc-%d\"", i);
            print_blocks(w->vpc[i].block, w->vpc[i].blocks, "CidrBlockAssociationSet", "CidrBlock", 4);
            print_blocks(w->vpc[i].block, w->vpc[i].blocks, "Ipv6CidrBlockAssociationSet", "Ipv6CidrBlock", 6);
            PRINT("}");
        }
    PRINT("],\"PrefixLists\":{");
    for (int i = 0; i < LISTS; i++)
        if (w->list[i].there) {
            COMMA();
            PRINT("\"pl-%d\":[", i);
            for (int k = 0; k < w->list[i].blocks; k++) {
                COMMA();
                PRINT("\"%s\"", w->list[i].block[k].text);
            }
            PRINT("]");
        }
    PRINT("}}");
    return buffer;
}

/* --- the model's answers --------------------------------------------------------------------- */

/* Type of an assumed echo. */
static int echo(int proto, int reply) { return proto == 58 ? (reply ? 129 : 128) : reply ? 0 : 8; }

struct packet {
    int iface, egress, proto, dport, sport, reply, same_subnet;
    flowlog_addr local, remote;
    struct bits local_bits, remote_bits;
};

/* The interface of a VPC (-2: any) that has an address by its longest prefix; the last one of equals; -1: none. */
static int owner_of(const struct world *w, const struct bits *address, int vpc, int group, int *members, int *maybes)
{
    size_t longest = 0;
    int owner = -1;
    for (int pass = 0; pass < 2; pass++)
        for (int i = 0; i < IFACES; i++)
            for (int k = 0; w->iface[i].there && k < w->iface[i].addresses; k++) {
                const struct bits *a = &w->iface[i].address[k];
                if (!has(a, address) || (vpc != -2 && w->iface[i].vpc != vpc)) continue;
                if (pass == 0 && strlen(a->bit) > longest) longest = strlen(a->bit);
                if (pass == 0 || strlen(a->bit) < longest) continue;
                owner = i;
                int member = 0;
                for (int g = 0; g < w->iface[i].groups; g++) member |= w->iface[i].group[g] == group;
                if (members) *members |= member;
                if (maybes) *maybes |= !w->iface[i].groups_known;
            }
    return owner;
}

static unsigned shared(const struct bits *a, const struct bits *b)
{
    unsigned n = 0;
    while (a->bit[n] && a->bit[n] == b->bit[n]) n++;
    return a->family == b->family ? n : 0;
}

static int is_same_subnet(const struct world *w, const struct packet *p)
{
    const int subnet = w->iface[p->iface].there ? w->iface[p->iface].subnet : -1;
    const unsigned near = shared(&p->local_bits, &p->remote_bits), six = p->remote.family == 6;
    if (subnet >= 0) {
        int of_family = 0, inside = 0;
        for (int k = 0; w->subnet[subnet].there && k < w->subnet[subnet].blocks; k++) {
            of_family |= w->subnet[subnet].block[k].family == p->remote.family;
            inside |= has(&w->subnet[subnet].block[k], &p->remote_bits);
        }
        if (of_family) return inside;
        const int peer = owner_of(w, &p->remote_bits, w->iface[p->iface].vpc, -1, NULL, NULL);
        if (peer >= 0 && w->iface[peer].subnet >= 0) return w->iface[peer].subnet == subnet;
    }
    return near >= (six ? 64u : 28u) ? 1 : near < (six ? 44u : 16u) ? 0 : 2;
}

static int acl_of(const struct world *w, int iface)
{
    int acl = -1;
    const int subnet = w->iface[iface].subnet;
    int vpc = w->iface[iface].vpc;
    if (subnet < 0) return -1;
    for (int i = 0; i < ACLS; i++)
        if (w->acl[i].there && w->acl[i].associated[subnet]) acl = i;
    if (acl >= 0) return acl;
    if (vpc < 0 && w->subnet[subnet].there) vpc = w->subnet[subnet].vpc;
    for (int i = 0; i < ACLS; i++)
        if (w->acl[i].there && w->acl[i].is_default && w->acl[i].vpc == vpc) acl = i;
    return acl;
}

static int walk(const struct world *w, int acl, const struct packet *p, int *number)
{
    for (int n = 1; n <= 32767; n = n == 1100 ? 32767 : n + 1) /* no others are made */
        for (int k = 0; k < w->acl[acl].entries; k++) {
            const struct entry *e = &w->acl[acl].entry[k];
            if (e->number != n || e->egress != p->egress || !has(&e->block, &p->remote_bits)) continue;
            if (e->proto != -1 && e->proto != p->proto) continue;
            if (e->from >= 0 && (p->dport < e->from || p->dport > e->to)) continue;
            if (e->type >= 0 && e->type != echo(p->proto, p->reply)) continue;
            if (e->type >= 0 && e->code > 0) continue;
            *number = n;
            return e->allow ? FL_RULE_ALLOW : FL_RULE_DENY;
        }
    *number = p->remote.family == 4 ? 32767 : 32768;
    return FL_RULE_DENY;
}

static int is_private(const flowlog_addr *a)
{
    return a->family == 4 ? a->bytes[0] == 10 : a->bytes[0] == 0xFD;
}

/* 0 no, 1 maybe, 2 yes */
static int reference(const struct world *w, const struct packet *p, int group)
{
    const int vpc = w->iface[p->iface].vpc;
    int members = 0, maybes = 0;
    const int own = owner_of(w, &p->remote_bits, vpc, -1, NULL, NULL);
    if (own >= 0) {
        for (int g = 0; g < w->iface[own].groups; g++) members |= w->iface[own].group[g] == group;
        return members ? 2 : w->iface[own].groups_known ? 0 : 1;
    }
    owner_of(w, &p->remote_bits, -2, group, &members, &maybes);
    if (members) return 2;
    int inside = is_private(&p->remote) || (p->remote.family == 6 && shared(&p->local_bits, &p->remote_bits) >= 44);
    if (vpc >= 0) {
        for (int k = 0; w->vpc[vpc].there && k < w->vpc[vpc].blocks; k++)
            inside |= has(&w->vpc[vpc].block[k], &p->remote_bits);
        for (int s = 0; s < SUBNETS; s++)
            for (int k = 0; w->subnet[s].there && w->subnet[s].vpc == vpc && k < w->subnet[s].blocks; k++)
                inside |= has(&w->subnet[s].block[k], &p->remote_bits);
    }
    /* In the group's own VPC somebody else has the address: the last one that was supplied. */
    const int home = w->group[group].there ? w->group[group].vpc : -1;
    if (home >= 0) {
        size_t longest = 0;
        int owner = -1;
        for (int pass = 0; pass < 2; pass++)
            for (int i = 0; i < IFACES; i++)
                for (int k = 0; w->iface[i].there && k < w->iface[i].addresses; k++)
                    if (has(&w->iface[i].address[k], &p->remote_bits)) {
                        const size_t n = strlen(w->iface[i].address[k].bit);
                        if (!pass && n > longest) longest = n;
                        if (pass && n == longest && w->iface[i].vpc == home) owner = i;
                    }
        if (owner >= 0) return w->iface[owner].groups_known ? 0 : 1;
    }
    return inside;
}

static int groups_say(const struct world *w, const struct packet *p)
{
    int answer = 0, there = 0;
    if (!w->iface[p->iface].groups_known) return FL_RULE_UNKNOWN;
    if (!w->iface[p->iface].groups) return FL_RULE_NOT_CONSULTED;
    for (int g = 0; g < w->iface[p->iface].groups; g++) {
        const int group = w->iface[p->iface].group[g];
        if (!w->group[group].there && answer < 1) answer = 1;
        if (!w->group[group].there) continue;
        there = 1;
        for (int k = 0; k < w->group[group].rules; k++) {
            const struct rule *r = &w->group[group].rule[k];
            int says = 0;
            if (r->egress != p->egress || (r->proto != -1 && r->proto != p->proto)) continue;
            if ((p->proto == 6 || p->proto == 17) && r->from >= 0 && (p->dport < r->from || p->dport > r->to)) continue;
            if ((p->proto == 1 || p->proto == 58) && r->from >= 0 &&
                (r->from != echo(p->proto, 0) || r->to > 0))
                continue;
            if (r->kind == 0) {
                says = w->list[r->list].there ? 0 : 1;
                for (int b = 0; says == 0 && b < w->list[r->list].blocks; b++)
                    if (has(&w->list[r->list].block[b], &p->remote_bits)) says = 2;
            } else if (r->kind == 1) {
                says = reference(w, p, r->group);
            } else {
                says = has(&r->block, &p->remote_bits) ? 2 : 0;
            }
            if (says > answer) answer = says;
        }
    }
    return answer == 2 ? FL_RULE_ALLOW : answer == 0 ? FL_RULE_DENY : there ? FL_RULE_MAYBE : FL_RULE_UNKNOWN;
}

/* --- packets --------------------------------------------------------------------------------- */

static struct packet random_packet(const struct world *w)
{
    static const int protos[] = {6, 6, 6, 17, 1, 58, 47}, ports[] = {22, 443, 1023, 1024, 5432, 20641, 40000, 65535};
    struct packet p = {.iface = (int)rnd(IFACES),
                       .egress = (int)rnd(2),
                       .reply = !rnd(3),
                       .same_subnet = rnd(3) ? 2 : (int)rnd(2)};
    p.proto = protos[rnd(7)];
    p.dport = p.proto == 6 || p.proto == 17 ? ports[rnd(8)] : 0;
    p.sport = p.proto == 6 || p.proto == 17 ? ports[rnd(8)] : 0;
    p.local = random_address();
    do p.remote = random_address();
    while (p.remote.family != p.local.family);
    if (w->iface[p.iface].addresses && rnd(2)) { /* its own first address */
        const struct bits *a = &w->iface[p.iface].address[0];
        flowlog_addr own;
        if (flowlog_addr_parse(a->text, strlen(a->text), &own) == FLOWLOG_OK &&
            own.family == p.remote.family)
            p.local = own;
    }
    p.local_bits = bits_of(&p.local, p.local.family == 4 ? 32 : 128, 0);
    p.remote_bits = bits_of(&p.remote, p.remote.family == 4 ? 32 : 128, 0);
    return p;
}

static struct fl_rule_answer ask(const struct fl_rules *r, const struct packet *p, struct fl_rule_question *q)
{
    static const char *const names[IFACES] = {"eni-0", "eni-1", "eni-2", "eni-3", "eni-4", "eni-5", "eni-6", "eni-7", "eni-8"};
    struct fl_rule_answer a;
    *q = (struct fl_rule_question){.eni = {names[p->iface], 5}, .local = p->local, .remote = p->remote,
                                   .dport = (uint16_t)p->dport, .sport = (uint16_t)p->sport, .proto = (uint8_t)p->proto,
                                   .egress = (uint8_t)p->egress, .reply = (uint8_t)p->reply,
                                   .same_subnet = (uint8_t)p->same_subnet};
    cr_assert_eq(flowlog__rules_ask(r, q, &a), FLOWLOG_OK);
    return a;
}

/* Some of the worlds replace another one: what is in both counts as the second one says. */
static struct fl_rules *load(const struct world *w)
{
    struct fl_rules *r;
    flowlog_error err = {0};
    cr_assert_eq(flowlog__rules_new(NULL, &r), FLOWLOG_OK);
    if (!rnd(4)) {
        struct world *old = malloc(sizeof *old);
        random_world(old);
        for (int i = 0; i < ACLS; i++) old->acl[i].there &= w->acl[i].there;
        for (int i = 0; i < GROUPS; i++) old->group[i].there &= w->group[i].there;
        for (int i = 0; i < IFACES; i++) old->iface[i].there &= w->iface[i].there;
        for (int i = 0; i < SUBNETS; i++) old->subnet[i].there &= w->subnet[i].there;
        for (int i = 0; i < VPCS; i++) old->vpc[i].there &= w->vpc[i].there;
        for (int i = 0; i < LISTS; i++) old->list[i].there &= w->list[i].there;
        const char *text = world_json(old);
        cr_assert_eq(flowlog__rules_load(r, text, strlen(text), &err), FLOWLOG_OK, "%s", err.message);
        free(old);
    }
    const char *text = world_json(w);
    cr_assert_eq(flowlog__rules_load(r, text, strlen(text), &err), FLOWLOG_OK, "%s: %s", err.message, text);
    return r;
}

static void check(const struct world *w, const struct fl_rules *r, unsigned seed, unsigned counts[8])
{
    const struct packet p = random_packet(w);
    struct fl_rule_question q;
    const struct fl_rule_answer a = ask(r, &p, &q);
    const int known = w->iface[p.iface].there, acl = known ? acl_of(w, p.iface) : -1;
    const int same = p.same_subnet == 2 ? is_same_subnet(w, &p) : p.same_subnet;
    int number = 0, nacl = same == 1 ? FL_RULE_NOT_CONSULTED : FL_RULE_UNKNOWN;
    if (acl >= 0 && same != 1) nacl = walk(w, acl, &p, &number);
    if (nacl == FL_RULE_DENY && same == 2) nacl = FL_RULE_MAYBE;
    const int sg = p.reply ? FL_RULE_NOT_CONSULTED : known ? groups_say(w, &p) : FL_RULE_UNKNOWN;
    cr_assert(
        a.nacl == nacl && a.sg == sg && a.rule_number == (unsigned)number && a.same_subnet == same,
        "seed %u: eni-%d %s %s -> %s proto %d port %d reply %d: ACL %d (%d, rule %u, %d), groups %d (%d), same %d (%d)\n%s",
        seed, p.iface, p.egress ? "out" : "in", p.local_bits.text, p.remote_bits.text, p.proto, p.dport,
        p.reply, a.nacl, nacl, (unsigned)a.rule_number, number, a.sg, sg, a.same_subnet, same,
        world_json(w));
    counts[a.nacl]++;
    counts[3 + a.sg]++;
}

Test(rules_brute, answers_are_those_of_a_plain_model)
{
    struct world *w = malloc(sizeof *w);
    unsigned counts[8] = {0};
    for (unsigned seed = 1; seed <= 400; seed++) {
        state = seed * UINT64_C(0x9E3779B97F4A7C15);
        random_world(w);
        struct fl_rules *r = load(w);
        for (int i = 0; i < 100; i++) check(w, r, seed, counts);
        flowlog__rules_free(r);
    }
    for (int i = 0; i < 8; i++) cr_expect_gt(counts[i], 200, "%d: too few", i);
    free(w);
}

/* --- the smallest change --------------------------------------------------------------------- */

static void apply(struct world *w, const struct packet *p, const struct fl_rule_change *c, const flowlog_addr *peer)
{
    int number = 0;
    const struct bits block = bits_of(peer, peer->family == 4 ? 32 : 128, 1);
    for (size_t i = 0; i < c->id.len; i++)
        if (c->id.ptr[i] >= '0' && c->id.ptr[i] <= '9') number = c->id.ptr[i] - '0';
    if (c->what == FL_RULE_CHANGE_NACL) {
        struct entry *e = &w->acl[number].entry[w->acl[number].entries++];
        *e = (struct entry){.number = (int)c->number,
                            .egress = c->egress,
                            .allow = 1,
                            .proto = p->proto,
                            .from = -1,
                            .to = -1,
                            .type = -1,
                            .code = -1,
                            .block = block};
        if (p->proto == 1 || p->proto == 58) {
            e->type = c->from;
            e->code = c->to;
        } else if (!c->portless) {
            e->from = c->from;
            e->to = c->to;
        }
    } else {
        struct rule *r = &w->group[number].rule[w->group[number].rules++];
        *r = (struct rule){.egress = c->egress, .proto = p->proto, .kind = 2, .block = block, .from = -1, .to = -1};
        if (!c->portless) {
            r->from = c->from;
            r->to = c->to;
        }
    }
}

Test(rules_brute, the_smallest_change_lets_the_packet_through_and_nothing_else)
{
    struct world *w = malloc(sizeof *w), *then = malloc(sizeof *then);
    unsigned changed = 0;
    for (unsigned seed = 1; seed <= 2000; seed++) {
        struct fl_rule_change change[FL_RULE_CHANGES_MAX];
        struct fl_rule_question q, other;
        state = seed * UINT64_C(0xD1342543DE82EF95);
        random_world(w);
        for (int i = 0; i < ACLS; i++)
            if (w->acl[i].entries > ENTRIES - 3) w->acl[i].entries = ENTRIES - 3;
        for (int i = 0; i < GROUPS; i++)
            if (w->group[i].rules > RULES - 2) w->group[i].rules = RULES - 2;
        struct fl_rules *r = load(w);
        struct packet p = random_packet(w);
        p.same_subnet = 0;
        const struct fl_rule_answer a = ask(r, &p, &q);
        const size_t count = flowlog__rules_changes(r, &q, &a, change);
        int by_hand = 0;
        for (size_t i = 0; i < count; i++) by_hand |= change[i].what == FL_RULE_CHANGE_NACL_ENTRY;
        if (count && !by_hand) {
            *then = *w;
            for (size_t i = 0; i < count; i++) apply(then, &p, &change[i], &p.remote);
            struct fl_rules *s = load(then);
            const struct fl_rule_answer b = ask(s, &p, &q);
            cr_assert(b.nacl != FL_RULE_DENY && b.sg != FL_RULE_DENY, "seed %u", seed);
            cr_assert_eq(flowlog__rules_changes(s, &q, &b, change), 0, "seed %u: the answer passes too", seed);
            for (int i = 0; i < 60; i++) {
                struct packet x = random_packet(w);
                if (!memcmp(&x.remote, &p.remote, sizeof x.remote) && x.proto == p.proto) continue;
                const struct fl_rule_answer before = ask(r, &x, &other), after = ask(s, &x, &other);
                cr_assert(before.nacl == after.nacl && before.sg == after.sg, "seed %u: wider than the packet", seed);
            }
            changed++;
            flowlog__rules_free(s);
        }
        flowlog__rules_free(r);
    }
    cr_expect_gt(changed, 600, "%u", changed);
    free(w);
    free(then);
}
