/* SPDX-License-Identifier: MIT */
/* batch.c - access to a batch row by row, and values as text. */
#include "flowlog/batch.h"

#include <string.h>

#include "core/bytes.h"
#include "schema/ports.h"
#include "schema/services.h"

flowlog_status flowlog_batch_value(const flowlog_batch *batch, uint32_t row, uint32_t column, flowlog_value *value)
{
    if (!batch || !value || row >= batch->rows || column >= batch->columns) return FLOWLOG_E_ARGUMENT;
    const flowlog_column *c = &batch->column[column];
    memset(value, 0, sizeof *value);
    value->type = c->type;
    if (!fl_bit_get(c->validity, row)) {
        value->is_null = 1;
        return FLOWLOG_OK;
    }
    switch (c->type) {
    case FLOWLOG_TYPE_U32: value->number = ((const uint32_t *)c->values)[row]; break;
    case FLOWLOG_TYPE_U64: value->number = ((const uint64_t *)c->values)[row]; break;
    case FLOWLOG_TYPE_TIME: value->number = (uint64_t)((const int64_t *)c->values)[row]; break;
    case FLOWLOG_TYPE_ADDR:
        value->addr.family = c->family[row];
        if (value->addr.family == 6) {
            memcpy(value->addr.bytes, c->wide[row], 16);
        } else {
            const uint32_t v4 = ((const uint32_t *)c->values)[row];
            for (int k = 0; k < 4; k++) value->addr.bytes[k] = (uint8_t)(v4 >> (24 - 8 * k));
        }
        break;
    case FLOWLOG_TYPE_ENUM:
        value->code = ((const uint8_t *)c->values)[row];
        if (value->code) {
            const char *name = flowlog_enum_name(c->field, value->code);
            value->text = (flowlog_str){name, strlen(name)};
            break;
        }
        value->text = (flowlog_str){batch->text + c->spans[row].offset, c->spans[row].len};
        break;
    default: value->text = (flowlog_str){batch->text + c->spans[row].offset, c->spans[row].len}; break;
    }
    return FLOWLOG_OK;
}

int32_t flowlog_batch_find(const flowlog_batch *batch, const char *name, size_t len)
{
    if (!batch || !name) return -1;
    const uint32_t field = flowlog_field_find(name, len);
    for (uint32_t i = 0; i < batch->columns; i++) {
        const flowlog_column *c = &batch->column[i];
        if (field ? c->field == field : strlen(c->name) == len && memcmp(c->name, name, len) == 0) return (int32_t)i;
    }
    return -1;
}

/* --- values as text ---------------------------------------------------------------------------------------- */

enum {
    DECIMAL_DIGITS = 9,
    NUMBER_TEXT = 32, /* -18446744073709551615.999999999 has 31 */
    VALUE_TEXT = FLOWLOG_ADDR_TEXT_MAX + 8
};

/* Backwards, ending before `end`. */
static char *put_number(char *end, uint64_t v)
{
    do *--end = (char)('0' + v % 10);
    while (v /= 10);
    return end;
}

static size_t format_number(const flowlog_value *value, char text[NUMBER_TEXT])
{
    char *const end = text + NUMBER_TEXT, *p;
    const int below = value->type == FLOWLOG_TYPE_TIME ? (int64_t)value->number < 0
                                                       : value->type == FLOWLOG_TYPE_DECIMAL && value->code;
    const uint64_t size = value->type == FLOWLOG_TYPE_TIME && below ? 0 - value->number : value->number;
    p = end;
    if (value->type == FLOWLOG_TYPE_DECIMAL && value->billionths) {
        uint32_t rest = value->billionths;
        int digits = DECIMAL_DIGITS;
        for (; rest % 10 == 0; rest /= 10) digits--;
        for (; digits; rest /= 10, digits--) *--p = (char)('0' + rest % 10);
        *--p = '.';
    }
    p = put_number(p, size);
    if (below) *--p = '-';
    memmove(text, p, (size_t)(end - p));
    return (size_t)(end - p);
}

static size_t format_net(const flowlog_value *value, char text[VALUE_TEXT])
{
    char bits[NUMBER_TEXT], *const end = bits + sizeof bits;
    size_t n = flowlog_addr_format(&value->addr, text);
    if (!value->addr.family) return n;
    const char *p = put_number(end, value->code);
    text[n++] = '/';
    memcpy(text + n, p, (size_t)(end - p));
    return n + (size_t)(end - p);
}

static char *put_name(char *p, const char *name, uint32_t number)
{
    char digits[NUMBER_TEXT], *const end = digits + sizeof digits;
    const char *from = name ? name : put_number(end, number);
    const size_t len = name ? strlen(name) : (size_t)(end - from);
    memcpy(p, from, len);
    return p + len;
}

/* https; domain/udp, as domain is of TCP; tcp/8444; icmp. */
static size_t format_service(const flowlog_value *value, char text[VALUE_TEXT])
{
    const uint32_t protocol = (uint32_t)(value->number >> 16), port = (uint32_t)(value->number & 0xFFFF);
    const char *name = flowlog__service_name(protocol, port), *by = flowlog__protocol_name(protocol);
    char *p = text;
    if (name) {
        p = put_name(p, name, 0);
        const char *tcp = protocol == FL_PROTO_TCP ? NULL : flowlog__service_name(FL_PROTO_TCP, port);
        if (!tcp || strcmp(tcp, name) != 0) return (size_t)(p - text);
        *p++ = '/';
        return (size_t)(put_name(p, by, protocol) - text);
    }
    p = put_name(p, by, protocol);
    if (!port && !fl_has_ports(protocol)) return (size_t)(p - text);
    *p++ = '/';
    return (size_t)(put_name(p, NULL, port) - text);
}

size_t flowlog_value_format(const flowlog_value *value, char *text, size_t cap)
{
    char buffer[VALUE_TEXT];
    const char *p = buffer;
    size_t n;
    if (value->is_null) {
        p = "-";
        n = 1;
    } else if (value->type == FLOWLOG_TYPE_ADDR) {
        n = flowlog_addr_format(&value->addr, buffer);
    } else if (value->type == FLOWLOG_TYPE_NET) {
        n = format_net(value, buffer);
    } else if (value->type == FLOWLOG_TYPE_SERVICE) {
        n = format_service(value, buffer);
    } else if (value->type == FLOWLOG_TYPE_TEXT || value->type == FLOWLOG_TYPE_ENUM) {
        p = value->text.ptr;
        n = value->text.len;
    } else {
        n = format_number(value, buffer);
    }
    if (cap) {
        const size_t kept = n < cap ? n : cap - 1;
        if (kept) memcpy(text, p, kept);
        text[kept] = '\0';
    }
    return n;
}
