/* SPDX-License-Identifier: MIT */
/* batch.c - access to a batch row by row, and values as text. */
#include "flowlog/batch.h"

#include <string.h>

#include "core/bytes.h"

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

size_t flowlog_value_format(const flowlog_value *value, char *text, size_t cap)
{
    char buffer[FLOWLOG_ADDR_TEXT_MAX];
    const char *p = buffer;
    size_t n;
    if (value->is_null) {
        p = "-";
        n = 1;
    } else if (value->type == FLOWLOG_TYPE_ADDR) {
        n = flowlog_addr_format(&value->addr, buffer);
    } else if (value->type == FLOWLOG_TYPE_TEXT || value->type == FLOWLOG_TYPE_ENUM) {
        p = value->text.ptr;
        n = value->text.len;
    } else {
        uint64_t v = value->number;
        char *end = buffer + sizeof buffer, *t = end;
        do *--t = (char)('0' + v % 10);
        while (v /= 10);
        p = t;
        n = (size_t)(end - t);
    }
    if (cap) {
        const size_t kept = n < cap ? n : cap - 1;
        if (kept) memcpy(text, p, kept);
        text[kept] = '\0';
    }
    return n;
}
