/* SPDX-License-Identifier: MIT */
/*
 * flowlog/filter.h - which rows: a condition in the words that tcpdump and nfdump users type.
 *
 * Takes  text such as  reject and dst port in [22 3389] and src net 10.0.0.0/8
 * Gives  flowlog_filter, immutable, for a reader (reader.h: rows that do not match are never decoded further
 *        than that), a plan (plan.h), or for batches at hand.
 *
 *     flowlog_filter_parse(text, len, NULL, &filter, &err);
 *
 * The language; words in any case, # begins a comment to the end of the line:
 *
 *     A and B, A B, A && B      A or B, A || B      not A, ! A      ( A )
 *     [DIR] host ADDR           [DIR] net CIDR      ADDR, CIDR alone: either side
 *     [DIR] port N              [DIR] port > 1023   [DIR] portrange 6000-6008
 *     PROTO                     tcp udp icmp icmpv6 esp ah gre sctp ..., proto 6; before "port": tcp dst port 22
 *     accept reject             ok nodata skipdata  ingress egress  ipv4 ipv6
 *     flags SA                  all of these TCP flags are set: letters of FSRPAU
 *     bytes packets duration bpp bps   OP NUMBER with K M G T (1000) or Ki Mi Gi Ti (1024)
 *     minute hour weekday day month year  OP NUMBER: of `start`, in UTC; hour(end): of another time
 *     eni vpc subnet instance account service NAME
 *     FIELD OP VALUE            any field, = == != <> < <= > >= or eq ne lt le gt ge
 *     FIELD in [V V, V]         also after host, ip, net, port, proto, hour and the like; a-b is a range
 *     FIELD ~ TEXT              the value has this text in it; ^= begins, $= ends with it
 *     FIELD is null             FIELD is not null; FIELD = - and FIELD != - are the same
 *     last 2h                   from TIME to TIME: `start` in [from, to)
 *     true false                every row, no row
 *
 * A FIELD is spelt as AWS does, or with underscores, or camelCase; one that is a word of this language, or that only
 * the input knows, stands in back quotes: `end`, `my-field`.  A VALUE with other signs in it stands in quotes of
 * either kind, a doubled quote being one: 'it''s'.
 *
 *     NUMBER                    1000, 64K, 1Mi; 6000-6008 where it may be a range; ports and protocols also by name
 *     ADDR                      10.0.0.1, 2001:db8::1, 10.0.0.0/8 (bits of the host are cut), 10.0.0.1-10.0.0.9
 *     TIME                      2024-01-31, 2024-01-31T10:30:05Z, ...+02:00 (UTC without an offset), epoch seconds,
 *                               -2h before now, now
 *     weekday                   1 or mon, Monday, to 7 or sun, Sunday; outside of working hours are
 *                               not (weekday in [mon-fri] and hour in [8-17])
 *
 * DIR is src, dst, src or dst (the default), src and dst; with pkt before it the packet-level addresses.
 * A comparison with a null is false, and `not` of it is true.  `duration` is end - start, `bpp` bytes a
 * packet, `bps` bits a second; compared exactly, without rounding.
 */
#ifndef FLOWLOG_FILTER_H
#define FLOWLOG_FILTER_H

#include "flowlog/base.h"
#include "flowlog/batch.h"
#include "flowlog/field.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Opaque.  Immutable, so that any number of threads may use it at once. */
typedef struct flowlog_filter flowlog_filter;

/** Limits of the language; what exceeds one is E_LIMIT. */
enum {
    FLOWLOG_FILTER_TEXT_MAX = 65536, /* bytes of text */
    FLOWLOG_FILTER_DEPTH_MAX = 200,  /* parentheses and nots within one another */
    FLOWLOG_FILTER_LIST_MAX = 65536  /* values of one list */
};

/** Zero means the default for every member but the first; FLOWLOG_FILTER_OPTIONS_INIT sets that. */
typedef struct flowlog_filter_options {
    uint32_t struct_size;         /* sizeof(flowlog_filter_options) */
    uint32_t flags;               /* 0 */
    const flowlog_format *format; /* makes its unknown fields known.  Only looked at now */
    const flowlog_alloc *alloc;   /* NULL: malloc.  Copied */
    int64_t now;                  /* seconds since 1970 that `last` and -2h count from; 0: they are E_SYNTAX */
} flowlog_filter_options;

#define FLOWLOG_FILTER_OPTIONS_INIT {sizeof(flowlog_filter_options), 0, NULL, NULL, 0}

/**
 * Compile a condition.  Text that is empty or blank matches every row.
 *
 * Ownership  `text` is only looked at; *filter is owned: flowlog_filter_free.
 * Errors     E_SYNTAX, E_FIELD (unknown field, with the nearest name), E_LIMIT, E_MEMORY, E_ARGUMENT.  `err` has
 *            the offset and the column of the word that is at fault.
 */
FLOWLOG_API flowlog_status flowlog_filter_parse(const char *text, size_t len, const flowlog_filter_options *options,
                                                flowlog_filter **filter, flowlog_error *err);

/** Both must match; `a` and `b` stay as they are and are not needed afterwards.  NULL matches every row. */
FLOWLOG_API flowlog_status flowlog_filter_and(const flowlog_filter *a, const flowlog_filter *b,
                                              const flowlog_alloc *alloc, flowlog_filter **filter,
                                              flowlog_error *err);

/** NULL is allowed and does nothing. */
FLOWLOG_API void flowlog_filter_free(flowlog_filter *filter);

/**
 * The fields it reads, each once, separated by commas, "" for none: what a batch must have for
 * flowlog_filter_select.  Borrowed from the filter.
 */
FLOWLOG_API const char *flowlog_filter_fields(const flowlog_filter *filter);

/**
 * Write the condition in its canonical form, (and (eq action "REJECT") (eq dstport 22)): equal texts are equal
 * conditions.  "" when every row matches.  NUL-terminated when cap > 0; returns the whole length as snprintf
 * does.
 */
FLOWLOG_API size_t flowlog_filter_print(const flowlog_filter *filter, char *text, size_t cap);

/**
 * Bit r of selection[r / 64] is set where row r matches; all (rows + 63) / 64 words are written.  Columns are
 * found by field, unknown fields by name; one that the batch lacks is null in every row.  NODATA and SKIPDATA
 * rows are rows like others.  *matched may be NULL.
 *
 * Errors     E_ARGUMENT, E_MEMORY.
 */
FLOWLOG_API flowlog_status flowlog_filter_select(const flowlog_filter *filter, const flowlog_batch *batch,
                                                 uint64_t *selection, uint32_t *matched, flowlog_error *err);

#ifdef __cplusplus
}
#endif
#endif
