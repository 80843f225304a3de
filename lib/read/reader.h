/* SPDX-License-Identifier: MIT */
/* read/reader.h - what the inside may do with a reader. */
#ifndef FL_READ_READER_H
#define FL_READ_READER_H

#include "flowlog/reader.h"

/* Take the source out of a reader, which must then only be closed: the caller's again.  NULL: a fed reader. */
flowlog_source *flowlog__reader_take_source(flowlog_reader *reader);

#endif
