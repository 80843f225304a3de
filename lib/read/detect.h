/* SPDX-License-Identifier: MIT */
/* read/detect.h - which known format lines without a header have, told from their content. */
#ifndef FL_READ_DETECT_H
#define FL_READ_DETECT_H

#include "flowlog/field.h"

/*
 * How much text is looked at: complete lines within so many bytes from the first data line, and at least
 * that line.  A constant, so that the answer does not depend on how input arrives.
 */
#define FL_DETECT_BYTES 16384

/*
 * `text` holds whole lines, the first no header; blank lines and those that begin with '#' do not count, and
 * what follows a header has the format that it says.  The 14-field default, else the 36-field Transit Gateway
 * default, else the only other known layout that fits every line.
 *
 * OK: *format is owned.  E_FORMAT: none fits, or several do; the message says what did not fit.
 */
flowlog_status flowlog__detect_format(const uint8_t *text, size_t len, const flowlog_alloc *alloc,
                                      flowlog_format **format, flowlog_error *err);

#endif
