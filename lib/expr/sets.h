/* SPDX-License-Identifier: MIT */
/* expr/sets.h - lists of values made sorted ranges that do not touch. */
#ifndef FL_EXPR_SETS_H
#define FL_EXPR_SETS_H

#include <stddef.h>
#include <stdint.h>

#include "flowlog/base.h"

/* 128 bits: an IPv6 address, an IPv4 address in the low word. */
struct fl_wide_addr {
    uint64_t high, low;
};

/* Pairs [from, to] of words, in place; the number that is left. */
size_t flowlog__merge_numbers(uint64_t *pairs, size_t count);

/* Ranges of FL_RANGE_WORDS words (expr/tree.h), in place, IPv4 first; the number that is left. */
size_t flowlog__merge_ranges(uint64_t *ranges, size_t count);

/* Strings, by their bytes, each once; the number that is left. */
size_t flowlog__merge_texts(flowlog_str *texts, size_t count);

int flowlog__compare_text(flowlog_str a, flowlog_str b);

#endif
