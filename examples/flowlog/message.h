/* SPDX-License-Identifier: MIT */
/* message.h - what goes to standard error: errors, warnings, progress; and the exit status. */
#ifndef COMMAND_MESSAGE_H
#define COMMAND_MESSAGE_H

#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define PRINTF(string, first) __attribute__((format(printf, string, first)))
#else
#define PRINTF(string, first)
#endif

enum {
    STATUS_DONE = 0,
    STATUS_PARTLY = 1, /* done, but lines were malformed or input was damaged part-way */
    STATUS_FAILED = 2  /* usage, input or output, query: nothing useful was printed */
};

enum when { WHEN_AUTO, WHEN_ALWAYS, WHEN_NEVER };

/* Colour of messages, and whether warnings are wanted.  Errors always are. */
void message_setup(enum when color, int quiet);

/* 1 if a stream that is (or is not) a terminal is to be coloured. */
int message_wants_color(enum when color, int is_terminal);

/* "flowlog: error: ..." and a newline.  Control characters in what they print appear as '?'. */
void message_error(const char *format, ...) PRINTF(1, 2);
void message_warning(const char *format, ...) PRINTF(1, 2);

/* An indented line after one of the above. */
void message_more(const char *format, ...) PRINTF(1, 2);

/* The text that an error is about, indented, and a caret below its byte `offset`. */
void message_caret(const char *text, size_t offset);

#endif
