/* SPDX-License-Identifier: MIT */
/* out.h - where results go: standard output, or the file of -o. */
#ifndef COMMAND_OUT_H
#define COMMAND_OUT_H

#include <stddef.h>

struct out {
    const char *path; /* NULL: standard output */
    int fd;           /* -1: not opened yet; a file is created when its first bytes come */
    int failed;       /* and the reason was printed */
};

/* path NULL: standard output. */
struct out out_make(const char *path);

/* A flowlog_write_fn; ctx is a struct out. */
int out_write(void *ctx, const char *data, size_t len);

/* 0, or -1 when not everything arrived; creates an empty file if nothing was written. */
int out_close(struct out *out);

/* 1 if the results go to a terminal. */
int out_is_terminal(const struct out *out);

/* 1 if `path` is the regular file that results go to: reading it would never end. */
int out_is_file(const struct out *out, const char *path);

#endif
