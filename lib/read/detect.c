/* SPDX-License-Identifier: MIT */
/*
 * detect.c - see detect.h.
 *
 * A layout fits a line when the line has as many values and each value is one that its field can have.
 * The checks are those of decoding, and for identifiers the prefix that AWS gives them; a field about
 * which nothing is known fits anything.
 */
#include "read/detect.h"

#include <string.h>

#include "core/error.h"
#include "decode/column.h"
#include "decode/tokenize.h"
#include "flowlog/token.h"
#include "schema/layouts.h"

/* Identifiers begin with one of these, or the field says nothing. */
static const struct {
    uint16_t field;
    const char *prefix;
} prefixes[] = {
    {FLOWLOG_FIELD_INTERFACE_ID, "eni-"},          {FLOWLOG_FIELD_VPC_ID, "vpc-"},
    {FLOWLOG_FIELD_SUBNET_ID, "subnet-"},          {FLOWLOG_FIELD_INSTANCE_ID, "i-"},
    {FLOWLOG_FIELD_RESOURCE_ID, "nat-"},           {FLOWLOG_FIELD_NEXT_HOP_INTERFACE_ID, "eni-"},
    {FLOWLOG_FIELD_NEXT_HOP_SUBNET_ID, "subnet-"}, {FLOWLOG_FIELD_NEXT_HOP_VPC_ID, "vpc-"},
    {FLOWLOG_FIELD_ECS_CLUSTER_ARN, "arn:"},       {FLOWLOG_FIELD_ECS_CONTAINER_INSTANCE_ARN, "arn:"},
    {FLOWLOG_FIELD_ECS_TASK_ARN, "arn:"},          {FLOWLOG_FIELD_ECS_TASK_DEFINITION_ARN, "arn:"},
    {FLOWLOG_FIELD_TGW_ID, "tgw-"},                {FLOWLOG_FIELD_TGW_ATTACHMENT_ID, "tgw-attach-"},
    {FLOWLOG_FIELD_TGW_PAIR_ATTACHMENT_ID, "tgw-attach-"}, {FLOWLOG_FIELD_TGW_SRC_VPC_ID, "vpc-"},
    {FLOWLOG_FIELD_TGW_DST_VPC_ID, "vpc-"},        {FLOWLOG_FIELD_TGW_SRC_SUBNET_ID, "subnet-"},
    {FLOWLOG_FIELD_TGW_DST_SUBNET_ID, "subnet-"},  {FLOWLOG_FIELD_TGW_SRC_ENI, "eni-"},
    {FLOWLOG_FIELD_TGW_DST_ENI, "eni-"},
};

/* Twelve digits, or "unknown". */
static int is_account(const uint8_t *p, size_t len)
{
    if (len == 7 && memcmp(p, "unknown", 7) == 0) return 1;
    if (len != 12) return 0;
    for (size_t i = 0; i < len; i++)
        if (p[i] < '0' || p[i] > '9') return 0;
    return 1;
}

static int fits_field(const fl_decoder *d, const uint8_t *p, size_t len)
{
    flowlog_value value;
    int ms = 0;
    const fl_verdict verdict = flowlog__decode_token(d, p, len, &value, &ms);
    if (verdict == FL_NULL) return 1;
    if (verdict != FL_VALUE) return 0;
    switch (d->field) {
    case FLOWLOG_FIELD_VERSION: return value.number >= 2 && value.number <= 99;
    case FLOWLOG_FIELD_ACCOUNT_ID:
    case FLOWLOG_FIELD_TGW_SRC_VPC_ACCOUNT_ID:
    case FLOWLOG_FIELD_TGW_DST_VPC_ACCOUNT_ID: return is_account(p, len);
    /* The closed sets among the enumerations; the others grow. */
    case FLOWLOG_FIELD_ACTION:
    case FLOWLOG_FIELD_LOG_STATUS:
    case FLOWLOG_FIELD_TYPE:
    case FLOWLOG_FIELD_FLOW_DIRECTION:
    case FLOWLOG_FIELD_RESOURCE_TYPE: return value.code != FLOWLOG_OTHER;
    default: break;
    }
    for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++)
        if (prefixes[i].field == d->field) {
            const size_t n = strlen(prefixes[i].prefix);
            return len > n && memcmp(p, prefixes[i].prefix, n) == 0;
        }
    return 1;
}

/* Why a line does not fit: the count (column 0) or a column (1-based). */
struct misfit {
    size_t values;
    uint32_t column;
    flowlog_span token;
};

static int fits_line(const flowlog_format *format, const uint8_t *line, size_t len, struct misfit *why)
{
    flowlog_span field[FLOWLOG_FORMAT_COLUMNS_MAX];
    const uint32_t columns = flowlog_format_columns(format);
    *why = (struct misfit){0, 0, {0, 0}};
    if (flowlog_split_line((const char *)line, len, columns, field, FLOWLOG_FORMAT_COLUMNS_MAX, &why->values,
                           NULL) != FLOWLOG_OK ||
        why->values != columns)
        return 0;
    for (uint32_t i = 0; i < columns; i++) {
        const flowlog_format_column *c = flowlog_format_column_at(format, i);
        fl_decoder d;
        flowlog__decoder_init(&d, c->field, c->type);
        if (!fits_field(&d, line + field[i].offset, field[i].len)) {
            why->column = i + 1;
            why->token = field[i];
            return 0;
        }
    }
    return 1;
}

/* The next line of text that counts; its length without the newline, or 0 at the end or at a header. */
static size_t next_line(const uint8_t *text, size_t len, size_t *at, const uint8_t **line)
{
    while (*at < len) {
        const uint8_t *start = text + *at, *newline = memchr(start, '\n', len - *at);
        const size_t n = newline ? (size_t)(newline - start) : len - *at;
        size_t s = 0, e = n;
        *at += n + (newline != NULL);
        flowlog__trim_line(start, &s, &e);
        if (s == e || start[s] == '#') continue;
        if (flowlog_is_header((const char *)start, n)) return 0;
        *line = start;
        return n;
    }
    return 0;
}

static int fits_all(const flowlog_format *format, const uint8_t *text, size_t len, struct misfit *why,
                    const uint8_t **line)
{
    size_t at = 0, n;
    while ((n = next_line(text, len, &at, line)) != 0)
        if (!fits_line(format, *line, n, why)) return 0;
    return 1;
}

flowlog_status flowlog__detect_format(const uint8_t *text, size_t len, const flowlog_alloc *alloc,
                                      flowlog_format **format, flowlog_error *err)
{
    size_t count, fitting = 0;
    const struct fl_layout *layout = flowlog__layouts(&count), *found = NULL, *also = NULL;
    struct misfit first = {0, 0, {0, 0}}, why;
    const uint8_t *first_line = text, *line = text;
    for (size_t i = 0; i < count; i++) {
        flowlog_format *f;
        FL_TRY(flowlog_format_parse(layout[i].fields, strlen(layout[i].fields), alloc, &f, err));
        const int fits = fits_all(f, text, len, &why, &line);
        flowlog_format_free(f);
        if (i == 0) {
            first = why;
            first_line = line;
        }
        if (!fits) continue;
        fitting++;
        also = found;
        found = &layout[i];
        if (i < 2) { /* the defaults need no rival */
            fitting = 1;
            break;
        }
    }
    if (fitting == 1) return flowlog_format_parse(found->fields, strlen(found->fields), alloc, format, err);
    if (fitting > 1)
        return FL_FAIL(err, FLOWLOG_E_FORMAT,
                       "no header, and the lines fit several formats (%s; %s): give the format", also->name,
                       found->name);
    if (!first.column)
        return FL_FAIL(err, FLOWLOG_E_FORMAT,
                       "no header, and a line of %zu values fits no known format: give the format", first.values);
    return FL_FAIL(err, FLOWLOG_E_FORMAT,
                   "no header, and the lines fit no known format: of the default one, value %u (%.*s) does not "
                   "fit; give the format",
                   first.column, (int)(first.token.len < 40 ? first.token.len : 40),
                   (const char *)first_line + first.token.offset);
}
