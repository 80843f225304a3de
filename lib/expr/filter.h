/* SPDX-License-Identifier: MIT */
/*
 * expr/filter.h - the inside of a filter that readers and plans use.
 */
#ifndef FL_EXPR_FILTER_H
#define FL_EXPR_FILTER_H

#include "flowlog/filter.h"

/*
 * A test of the token itself, before anything is decoded.  It is implied by the filter: a row that fails it cannot
 * match, whatever else it has, and whether or not its values are well-formed; a row that passes may still not match.
 * A token passes when one of the alternatives fits: its first bytes, and, where `whole`, its length.
 */
enum { FL_RAW_ALTERNATIVES = 8, FL_RAW_BYTES = 16, FL_RAW_TESTS = 4 };
struct fl_raw_test {
    uint16_t field; /* flowlog_field */
    uint8_t count;  /* of alternatives */
    uint8_t zero;   /* 1: a token that begins with '0' passes too: a number may have leading zeros */
    struct {
        uint8_t len, whole;
        uint8_t bytes[FL_RAW_BYTES]; /* filled up with zeros */
    } alternative[FL_RAW_ALTERNATIVES];
};

/* The tests implied by the top-level conjuncts, cheapest and most selective first; at most FL_RAW_TESTS. */
uint32_t flowlog__filter_raw_tests(const flowlog_filter *filter, struct fl_raw_test tests[FL_RAW_TESTS]);

/* The fields one by one, as flowlog_filter_fields has them. */
uint32_t flowlog__filter_field_count(const flowlog_filter *filter);
const char *flowlog__filter_field_name(const flowlog_filter *filter, uint32_t i);
uint32_t flowlog__filter_field_id(const flowlog_filter *filter, uint32_t i); /* flowlog_field, 0: unknown */

/* 1 if it reads log-status (ok, nodata, skipdata, log-status = ...). */
int flowlog__filter_names_status(const flowlog_filter *filter);

/* 1 if it has a `not` of anything but `is null`: where a null is not what SQL makes of it.  NULL: 0. */
int flowlog__filter_negates(const flowlog_filter *filter);

/* A copy of its own.  E_MEMORY. */
flowlog_status flowlog__filter_copy(const flowlog_filter *filter, const flowlog_alloc *alloc, flowlog_filter **copy);

/*
 * A filter as text that flowlog__filter_load reads back to an equal one (absolute times, unknown fields in back
 * quotes): for partials.  snprintf-like.
 */
size_t flowlog__filter_text(const flowlog_filter *filter, char *text, size_t cap);

/*
 * flowlog_filter_parse for such text: it may be longer and deeper than what users may write, because words for
 * either side are written out in it.  E_SYNTAX, E_LIMIT, E_MEMORY as there.
 */
flowlog_status flowlog__filter_load(const char *text, size_t len, const flowlog_alloc *alloc, flowlog_filter **filter,
                                    flowlog_error *err);

#endif
