/* SPDX-License-Identifier: MIT */
/* error.c - see error.h. */
#include "core/error.h"

#include <stdarg.h>
#include <stdio.h>

static void fill(flowlog_error *err, flowlog_status status, const char *fmt, va_list args)
{
    err->status = status;
    if (vsnprintf(err->message, sizeof err->message, fmt, args) < 0) err->message[0] = '\0';
    /* Input bytes may have come in through %.*s: keep the message printable on any terminal. */
    for (char *c = err->message; *c; c++)
        if ((unsigned char)*c < 0x20 || (unsigned char)*c >= 0x7F) *c = '?';
}

flowlog_status flowlog__fail(flowlog_error *err, flowlog_status status, const char *fmt, ...)
{
    if (!err) return status;
    va_list args;
    va_start(args, fmt);
    err->offset = err->line = 0;
    err->column = 0;
    fill(err, status, fmt, args);
    va_end(args);
    return status;
}

flowlog_status flowlog__fail_at(flowlog_error *err, flowlog_status status, uint64_t offset, uint64_t line,
                                uint32_t column, const char *fmt, ...)
{
    if (!err) return status;
    va_list args;
    va_start(args, fmt);
    err->offset = offset;
    err->line = line;
    err->column = column;
    fill(err, status, fmt, args);
    va_end(args);
    return status;
}
