/* SPDX-License-Identifier: MIT */
/* progress.h - how far the reading is, on standard error. */
#ifndef COMMAND_PROGRESS_H
#define COMMAND_PROGRESS_H

#include <stdint.h>

#include "message.h"

/* total: bytes of input, 0 if not known.  busy_terminal: results go to the terminal too. */
void progress_begin(enum when when, uint64_t total, int busy_terminal);
void progress_update(uint64_t done);
/* Take the line off the terminal, before something else is written there. */
void progress_clear(void);
void progress_end(uint64_t done);

#endif
