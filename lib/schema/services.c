/* SPDX-License-Identifier: MIT */
/* services.c - see services.h. */
#include "schema/services.h"

#include <string.h>

#include "schema/ascii.h"

/* The first name of a number is the one that is printed. */
static const struct {
    uint8_t number;
    char name[12];
} protocols[] = {
    {1, "icmp"},      {2, "igmp"},    {4, "ipip"},     {6, "tcp"},     {8, "egp"},   {9, "igp"},    {17, "udp"},
    {33, "dccp"},     {41, "ipv6-encap"}, {46, "rsvp"}, {47, "gre"},    {50, "esp"},  {51, "ah"},    {58, "icmpv6"},
    {88, "eigrp"},    {89, "ospf"},   {97, "etherip"}, {103, "pim"},   {108, "ipcomp"}, {112, "vrrp"}, {115, "l2tp-ip"},
    {132, "sctp"},    {136, "udplite"}, {58, "icmp6"}, {58, "ipv6-icmp"}, {89, "ospfigp"},
};

enum { TCP = 1, UDP = 2, BOTH = TCP | UDP };

/* By rising port; the first name of a port and protocol is the one that is printed. */
static const struct {
    uint16_t port;
    uint8_t by;
    char name[17];
} services[] = {
    {7, BOTH, "echo"},
    {9, BOTH, "discard"},
    {13, BOTH, "daytime"},
    {19, BOTH, "chargen"},
    {20, TCP, "ftp-data"},
    {21, TCP, "ftp"},
    {22, TCP, "ssh"},
    {23, TCP, "telnet"},
    {25, TCP, "smtp"},
    {37, BOTH, "time"},
    {43, TCP, "whois"},
    {49, TCP, "tacacs"},
    {53, BOTH, "domain"},
    {53, BOTH, "dns"},
    {67, UDP, "bootps"},
    {67, UDP, "dhcp"},
    {68, UDP, "bootpc"},
    {69, UDP, "tftp"},
    {70, TCP, "gopher"},
    {79, TCP, "finger"},
    {80, TCP, "http"},
    {88, BOTH, "kerberos"},
    {110, TCP, "pop3"},
    {111, BOTH, "sunrpc"},
    {113, TCP, "ident"},
    {119, TCP, "nntp"},
    {123, UDP, "ntp"},
    {135, TCP, "msrpc"},
    {137, UDP, "netbios-ns"},
    {138, UDP, "netbios-dgm"},
    {139, TCP, "netbios-ssn"},
    {143, TCP, "imap"},
    {161, UDP, "snmp"},
    {162, UDP, "snmptrap"},
    {179, TCP, "bgp"},
    {194, TCP, "irc"},
    {389, BOTH, "ldap"},
    {443, TCP, "https"},
    {443, UDP, "quic"},
    {445, TCP, "smb"},
    {445, TCP, "microsoft-ds"},
    {464, BOTH, "kpasswd"},
    {465, TCP, "submissions"},
    {465, TCP, "smtps"},
    {500, UDP, "isakmp"},
    {513, TCP, "login"},
    {514, TCP, "shell"},
    {514, UDP, "syslog"},
    {515, TCP, "printer"},
    {520, UDP, "rip"},
    {546, UDP, "dhcpv6-client"},
    {547, UDP, "dhcpv6-server"},
    {554, TCP, "rtsp"},
    {587, TCP, "submission"},
    {623, UDP, "ipmi"},
    {631, TCP, "ipp"},
    {636, TCP, "ldaps"},
    {853, TCP, "domain-s"},
    {853, UDP, "domain-quic"},
    {873, TCP, "rsync"},
    {989, TCP, "ftps-data"},
    {990, TCP, "ftps"},
    {993, TCP, "imaps"},
    {995, TCP, "pop3s"},
    {1080, TCP, "socks"},
    {1194, UDP, "openvpn"},
    {1433, TCP, "mssql"},
    {1433, TCP, "ms-sql-s"},
    {1434, UDP, "ms-sql-m"},
    {1521, TCP, "oracle"},
    {1723, TCP, "pptp"},
    {1812, UDP, "radius"},
    {1883, TCP, "mqtt"},
    {2049, BOTH, "nfs"},
    {2181, TCP, "zookeeper"},
    {2222, TCP, "ssh-alt"},
    {2375, TCP, "docker"},
    {2376, TCP, "docker-s"},
    {2379, TCP, "etcd-client"},
    {2380, TCP, "etcd-server"},
    {3128, TCP, "squid"},
    {3268, TCP, "globalcatalog"},
    {3306, TCP, "mysql"},
    {3389, BOTH, "rdp"},
    {3389, BOTH, "ms-wbt-server"},
    {4500, UDP, "ipsec-nat-t"},
    {4789, UDP, "vxlan"},
    {5060, BOTH, "sip"},
    {5061, TCP, "sips"},
    {5353, UDP, "mdns"},
    {5432, TCP, "postgresql"},
    {5432, TCP, "postgres"},
    {5439, TCP, "redshift"},
    {5671, TCP, "amqps"},
    {5672, TCP, "amqp"},
    {5900, TCP, "vnc"},
    {5985, TCP, "winrm"},
    {5986, TCP, "winrm-s"},
    {6081, UDP, "geneve"},
    {6379, TCP, "redis"},
    {6443, TCP, "kubernetes"},
    {8080, TCP, "http-alt"},
    {8443, TCP, "https-alt"},
    {8883, TCP, "mqtts"},
    {9042, TCP, "cassandra"},
    {9092, TCP, "kafka"},
    {9200, TCP, "elasticsearch"},
    {11211, BOTH, "memcached"},
    {27017, TCP, "mongodb"},
    {51820, UDP, "wireguard"},
};

enum { SERVICES = sizeof services / sizeof *services };

static int is_name(const char *name, const char *word, size_t len)
{
    if (strlen(name) != len) return 0;
    for (size_t i = 0; i < len; i++)
        if (name[i] != fl_ascii_lower(word[i])) return 0;
    return 1;
}

const char *flowlog__protocol_name(uint32_t number)
{
    for (size_t i = 0; i < sizeof protocols / sizeof *protocols; i++)
        if (protocols[i].number == number) return protocols[i].name;
    return NULL;
}

int32_t flowlog__protocol_find(const char *name, size_t len)
{
    for (size_t i = 0; i < sizeof protocols / sizeof *protocols; i++)
        if (is_name(protocols[i].name, name, len)) return protocols[i].number;
    return -1;
}

const char *flowlog__service_name(uint32_t protocol, uint32_t port)
{
    const unsigned by = protocol == FL_PROTO_TCP ? TCP : protocol == FL_PROTO_UDP ? UDP : 0;
    size_t i = 0; /* of ports below */
    for (size_t left = SERVICES; left;) {
        const size_t half = (left + 1) / 2;
        i += services[i + half - 1].port < port ? half : 0;
        left -= half;
    }
    for (; by && i < SERVICES && services[i].port == port; i++)
        if (services[i].by & by) return services[i].name;
    return NULL;
}

int flowlog__service_find(const char *name, size_t len, uint32_t *protocol, uint32_t *port)
{
    for (size_t i = 0; i < SERVICES; i++) {
        if (!is_name(services[i].name, name, len)) continue;
        *protocol = services[i].by == TCP ? FL_PROTO_TCP : services[i].by == UDP ? FL_PROTO_UDP : 0;
        *port = services[i].port;
        return 1;
    }
    return 0;
}

const char *flowlog__service_at(uint32_t i)
{
    return i < SERVICES ? services[i].name : NULL;
}
