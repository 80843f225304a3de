/* SPDX-License-Identifier: MIT */
/*
 * progress.c - bytes done of total, rate, time left.
 *
 * On a terminal one line that is written over, ten times a second and after half a second at the earliest;
 * elsewhere, if asked for, a line a second and one at the end.
 */
#define _POSIX_C_SOURCE 200809L
#include "progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

static struct {
    int on, terminal, visible;
    uint64_t total;
    double begun, next;
} state;

static double now(void)
{
    struct timespec t;
    if (clock_gettime(CLOCK_MONOTONIC, &t)) return 0;
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

void progress_begin(enum when when, uint64_t total, int busy_terminal)
{
    state.terminal = isatty(STDERR_FILENO);
    state.on = when == WHEN_ALWAYS || (when == WHEN_AUTO && state.terminal && !busy_terminal);
    state.visible = 0;
    state.total = total;
    if (!state.on) return;
    state.begun = now();
    state.next = state.begun + (state.terminal ? 0.5 : 1);
}

static void print(uint64_t done, double time)
{
    const double seconds = time - state.begun, mib = 1024.0 * 1024.0;
    const double rate = seconds > 0 ? (double)done / seconds : 0;
    if (state.terminal) fputs("\r\033[K", stderr);
    fprintf(stderr, "flowlog: %.1f", (double)done / mib);
    if (state.total) {
        const double part = done < state.total ? (double)done / (double)state.total : 1;
        fprintf(stderr, " of %.1f MiB (%.0f %%)", (double)state.total / mib, part * 100);
    } else {
        fputs(" MiB", stderr);
    }
    fprintf(stderr, ", %.1f MiB/s", rate / mib);
    if (state.total > done && rate > 0) {
        const uint64_t left = (uint64_t)((double)(state.total - done) / rate + 0.5);
        fprintf(stderr, ", %" PRIu64 ":%02" PRIu64 " left", left / 60, left % 60);
    }
    if (!state.terminal) fputc('\n', stderr);
    fflush(stderr);
    state.visible = state.terminal;
}

void progress_update(uint64_t done)
{
    if (!state.on) return;
    const double time = now();
    if (time < state.next) return;
    state.next = time + (state.terminal ? 0.1 : 1);
    print(done, time);
}

void progress_clear(void)
{
    if (!state.visible) return;
    fputs("\r\033[K", stderr);
    fflush(stderr);
    state.visible = 0;
}

void progress_end(uint64_t done)
{
    if (state.on && !state.terminal) print(done, now());
    progress_clear();
    state.on = 0;
}
