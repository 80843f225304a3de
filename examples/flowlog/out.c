/* SPDX-License-Identifier: MIT */
/*
 * out.c - writing with every error seen: a full disk must not look like success.
 *
 * SIGPIPE stays as it was: a closed pipe ends the command without a word, as it ends cat.  Where it is
 * ignored, EPIPE is silent too.
 */
#define _POSIX_C_SOURCE 200809L
#include "out.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "message.h"

struct out out_make(const char *path) { return (struct out){path, path ? -1 : STDOUT_FILENO, 0}; }

static int fail(struct out *out)
{
    const int error = errno;
    if (!out->failed && error != EPIPE)
        message_error("cannot write %s: %s", out->path ? out->path : "standard output", strerror(error));
    out->failed = 1;
    return -1;
}

static int open_file(struct out *out)
{
    if (out->fd >= 0) return 0;
    out->fd = open(out->path, O_WRONLY | O_CREAT | O_TRUNC, 0666);
    return out->fd < 0 ? fail(out) : 0;
}

int out_write(void *ctx, const char *data, size_t len)
{
    struct out *const out = ctx;
    if (out->failed || open_file(out)) return -1;
    while (len) {
        const ssize_t n = write(out->fd, data, len);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return fail(out);
        data += n;
        len -= (size_t)n;
    }
    return 0;
}

int out_close(struct out *out)
{
    if (out->failed || open_file(out)) return -1;
    const int fd = out->fd;
    out->fd = -1;
    return close(fd) ? fail(out) : 0; /* NFS and quotas tell only now */
}

int out_is_terminal(const struct out *out) { return !out->path && isatty(STDOUT_FILENO); }

int out_is_file(const struct out *out, const char *path)
{
    struct stat a, b;
    if ((out->path ? stat(out->path, &a) : fstat(STDOUT_FILENO, &a)) || !S_ISREG(a.st_mode) || !a.st_ino)
        return 0;
    return stat(path, &b) == 0 && a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}
