/* SPDX-License-Identifier: MIT */
/*
 * core/error.h - fill in a caller's flowlog_error, which may be NULL.
 *
 *     return FL_FAIL(err, FLOWLOG_E_SYNTAX, "expected '}' after %.*s", ...);
 *     FL_TRY(flowlog__step(...));            returns what the step returned when that is an error
 */
#ifndef FL_CORE_ERROR_H
#define FL_CORE_ERROR_H

#include "core/compiler.h"
#include "flowlog/base.h"

/* Writes status and message, clears the positions, returns status. */
flowlog_status flowlog__fail(flowlog_error *err, flowlog_status status, const char *fmt, ...) FL_PRINTF(3, 4);

/* The same with positions: byte offset, 1-based line, 1-based column; 0 = unknown. */
flowlog_status flowlog__fail_at(flowlog_error *err, flowlog_status status, uint64_t offset, uint64_t line,
                                uint32_t column, const char *fmt, ...) FL_PRINTF(6, 7);

#define FL_FAIL(err, status, ...) flowlog__fail((err), (status), __VA_ARGS__)
#define FL_TRY(expr)                               \
    do {                                           \
        const flowlog_status fl_status_ = (expr);  \
        if (fl_status_ < 0) return fl_status_;     \
    } while (0)

#endif
