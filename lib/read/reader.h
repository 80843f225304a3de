/* SPDX-License-Identifier: MIT */
/* read/reader.h - what the inside may ask of a reader beyond flowlog/reader.h. */
#ifndef FL_READ_READER_H
#define FL_READ_READER_H

#include "flowlog/reader.h"

/* Take the source out of a reader, which must then only be closed: the caller's again.  NULL: a fed reader. */
flowlog_source *flowlog__reader_take_source(flowlog_reader *reader);

/*
 * Before the first flowlog_reader_next: its source gives the one input from byte `offset` on, where a line begins
 * whose format is that of the options.  Offsets are then those of the input; lines are counted from here.
 */
void flowlog__reader_begin_at(flowlog_reader *reader, uint64_t offset);

/* Instead of the first flowlog_reader_next: begin the first input, until its format is known.  OK, END or an error. */
flowlog_status flowlog__reader_find_format(flowlog_reader *reader, flowlog_error *err);

/* The fields that the reader was opened for, without columns if they are none; NULL: all of each format. */
const flowlog_format *flowlog__reader_fields(const flowlog_reader *reader);

/* The format of the next line; NULL: not known. */
const flowlog_format *flowlog__reader_format(const flowlog_reader *reader);

/* How far into the input was looked to know the first format; 0: it was given. */
uint64_t flowlog__reader_looked(const flowlog_reader *reader);

/* 1 if the current input is gzip. */
int flowlog__reader_inflates(const flowlog_reader *reader);

#endif
