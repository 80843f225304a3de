/* SPDX-License-Identifier: MIT */
/*
 * sigbus.c - the price of mapping files that are not ours (FLOWLOG_SOURCE_MAP).
 *
 * The library installs no handlers, programs do.  The signal comes from a load in this thread, so asking
 * the reader which file it is at, which only reads its memory, is safe; the rest is write and _exit.
 */
#define _POSIX_C_SOURCE 200809L
#include "sigbus.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

#if defined(SIGBUS)
static const flowlog_reader *volatile watched;

static void say(const char *text)
{
    if (write(STDERR_FILENO, text, strlen(text)) < 0) _exit(2);
}

static void on_sigbus(int signal_number)
{
    (void)signal_number;
    const char *const path = watched ? flowlog_reader_path(watched, flowlog_reader_file(watched)) : NULL;
    say("flowlog: error: ");
    say(path ? path : "input");
    say(": the file became shorter, or could not be read, while it was read\n");
    _exit(2);
}

static void set(void (*handler)(int), const flowlog_reader *reader)
{
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = handler;
    sigemptyset(&action.sa_mask);
    watched = reader;
    sigaction(SIGBUS, &action, NULL);
}

void sigbus_watch(const flowlog_reader *reader) { set(reader ? on_sigbus : SIG_DFL, reader); }

void sigbus_catch(void) { set(on_sigbus, NULL); }
#else
void sigbus_watch(const flowlog_reader *reader) { (void)reader; }
void sigbus_catch(void) {}
#endif
