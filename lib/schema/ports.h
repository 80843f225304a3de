/* SPDX-License-Identifier: MIT */
/* schema/ports.h - which protocols have ports. */
#ifndef FL_SCHEMA_PORTS_H
#define FL_SCHEMA_PORTS_H

#include <stdint.h>

#include "core/compiler.h"

/* TCP, UDP and SCTP. */
FL_INLINE int fl_has_ports(uint32_t protocol) { return protocol == 6 || protocol == 17 || protocol == 132; }

#endif
