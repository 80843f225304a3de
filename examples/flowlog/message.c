/* SPDX-License-Identifier: MIT */
/*
 * message.c - lines on standard error.
 *
 * File names and pieces of log lines end up here, so nothing that a terminal obeys is let through.
 */
#define _POSIX_C_SOURCE 200809L
#include "message.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "progress.h"

static int use_color, is_quiet;

int message_wants_color(enum when color, int is_terminal)
{
    const char *const no_color = getenv("NO_COLOR");
    const char *const term = getenv("TERM");
    if (color != WHEN_AUTO) return color == WHEN_ALWAYS;
    return is_terminal && !(no_color && *no_color) && !(term && strcmp(term, "dumb") == 0);
}

void message_setup(enum when color, int quiet)
{
    use_color = message_wants_color(color, isatty(STDERR_FILENO));
    is_quiet = quiet;
}

/* C0 controls, DEL, and U+0080 to U+009F (C2 80 to C2 9F) as '?'. */
static void disarm(char *text)
{
    for (unsigned char *p = (unsigned char *)text; *p; p++) {
        if (*p < 0x20 || *p == 0x7F) *p = '?';
        else if (*p == 0xC2 && p[1] >= 0x80 && p[1] < 0xA0) p[0] = p[1] = '?';
    }
}

static void print(const char *color, const char *kind, const char *format, va_list args)
{
    char text[4096];
    vsnprintf(text, sizeof text, format, args);
    disarm(text);
    progress_clear();
    if (!kind) fprintf(stderr, "  %s\n", text);
    else if (use_color) fprintf(stderr, "flowlog: \033[%sm%s:\033[0m %s\n", color, kind, text);
    else fprintf(stderr, "flowlog: %s: %s\n", kind, text);
}

void message_error(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    print("1;31", "error", format, args);
    va_end(args);
}

void message_warning(const char *format, ...)
{
    if (is_quiet) return;
    va_list args;
    va_start(args, format);
    print("1;33", "warning", format, args);
    va_end(args);
}

void message_more(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    print(NULL, NULL, format, args);
    va_end(args);
}

void message_caret(const char *text, size_t offset)
{
    /* 72 bytes around the place of a long text. */
    const size_t len = strlen(text), window = 72;
    if (offset > len) offset = len;
    size_t from = offset > window / 2 ? offset - window / 2 : 0;
    if (len - from < window) from = len > window ? len - window : 0;
    const size_t shown = len - from < window ? len - from : window;
    const char *const before = from ? "..." : "", *const after = from + shown < len ? "..." : "";
    message_more("%s%.*s%s", before, (int)shown, text + from, after);
    message_more("%*s^", (int)(strlen(before) + offset - from), "");
}
