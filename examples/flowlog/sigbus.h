/* SPDX-License-Identifier: MIT */
/* sigbus.h - a mapped file that another process shortens: a message and exit status 2, not a crash. */
#ifndef COMMAND_SIGBUS_H
#define COMMAND_SIGBUS_H

#include "flowlog.h"

/* From now on SIGBUS names the file that `reader` is at; NULL: as before. */
void sigbus_watch(const flowlog_reader *reader);

/* The same where several threads read: it cannot tell which file. */
void sigbus_catch(void);

#endif
