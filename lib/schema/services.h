/* SPDX-License-Identifier: MIT */
/*
 * schema/services.h - the names of protocols and of servers' ports that people type and read.
 *
 * Source  IANA, "Protocol Numbers" and "Service Name and Transport Protocol Port Number Registry"; names that are
 *         not registered but known to everyone (rdp, docker, redis) stand for the ports they are used with.
 */
#ifndef FL_SCHEMA_SERVICES_H
#define FL_SCHEMA_SERVICES_H

#include <stddef.h>
#include <stdint.h>

enum { FL_PROTO_ICMP = 1, FL_PROTO_TCP = 6, FL_PROTO_UDP = 17, FL_PROTO_ICMPV6 = 58 };

/* "tcp" for 6; NULL for a number without a name.  Static. */
const char *flowlog__protocol_name(uint32_t number);

/* The number of a name in any letter case, or -1. */
int32_t flowlog__protocol_find(const char *name, size_t len);

/* "ssh" for 6 and 22; NULL where there is none.  Static. */
const char *flowlog__service_name(uint32_t protocol, uint32_t port);

/*
 * 1 and what a name in any letter case stands for, or 0.  *protocol is 6 or 17, or 0 when both serve it (domain).
 */
int flowlog__service_find(const char *name, size_t len, uint32_t *protocol, uint32_t *port);

/* Name i of the services, NULL beyond the last: for hints. */
const char *flowlog__service_at(uint32_t i);

#endif
