/* SPDX-License-Identifier: MIT */
/* analyze/context.h - what is known beside the log, as JSON; see flowlog_diagnosis_context. */
#ifndef FL_ANALYZE_CONTEXT_H
#define FL_ANALYZE_CONTEXT_H

#include "analyze/engine.h"

flowlog_status flowlog__context_load(flowlog_diagnosis *d, const char *json, size_t len, flowlog_error *err);

/* One more address of an interface, one more block of a subnet (number of its interned name) or, 0, of a VPC. */
flowlog_status flowlog__told_address(flowlog_diagnosis *d, uint32_t eni, const flowlog_addr *addr);
flowlog_status flowlog__told_block(flowlog_diagnosis *d, uint32_t subnet, const struct fl_cidr *cidr);
void flowlog__told_free(flowlog_diagnosis *d);

#endif
