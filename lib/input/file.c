/* SPDX-License-Identifier: MIT */
/* file.c - files, pipes and standard input as descriptors, and errno as a sentence; see os.h. */
#define _POSIX_C_SOURCE 200809L
#define _FILE_OFFSET_BITS 64

#include "input/os.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/error.h"

/* read() may be asked for at most SSIZE_MAX, and Linux gives at most 2 GiB anyway. */
enum { READ_MAX = 1 << 30 };

/* As much of a path's end as leaves room for the rest of a message. */
enum { NAME_MAX_SHOWN = 140 };

/* Own text: strerror follows the locale, and messages are ASCII. */
static const char *reason(int error)
{
    switch (error) {
    case ENOENT: return "no such file or directory";
    case EACCES:
    case EPERM: return "permission denied";
    case EISDIR: return "is a directory";
    case ENOTDIR: return "a part of the path is not a directory";
    case ELOOP: return "too many symbolic links";
    case ENAMETOOLONG: return "the path is too long";
    case EMFILE:
    case ENFILE: return "too many open files";
    case EIO: return "input error of the device";
    case ENXIO:
    case ENODEV: return "no such device";
    case EOVERFLOW: return "the file is too large";
    case ENOMEM: return "out of memory";
    case ESTALE: return "the file is gone from its server";
    case EBADF: return "not open";
    case EAGAIN: return "it is not ready and does not wait";
    default: return NULL;
    }
}

flowlog_status flowlog__fail_errno(flowlog_error *err, const char *what, const char *path, int error)
{
    const size_t len = strlen(path);
    const char *dots = len > NAME_MAX_SHOWN ? "..." : "";
    const char *end = len > NAME_MAX_SHOWN ? path + len - NAME_MAX_SHOWN : path, *text = reason(error);
    if (text) return FL_FAIL(err, FLOWLOG_E_IO, "cannot %s %s%s: %s", what, dots, end, text);
    return FL_FAIL(err, FLOWLOG_E_IO, "cannot %s %s%s: error number %d", what, dots, end, error);
}

static struct fl_path_info describe(const struct stat *st)
{
    struct fl_path_info info = {0, FL_PATH_STREAM};
    if (S_ISDIR(st->st_mode)) info.kind = FL_PATH_DIRECTORY;
    if (S_ISREG(st->st_mode)) {
        info.kind = FL_PATH_FILE;
        info.bytes = st->st_size > 0 ? (uint64_t)st->st_size : 0;
    }
    return info;
}

static int is_standard_input(const char *path) { return path[0] == '-' && !path[1]; }

flowlog_status flowlog__path_info(const char *path, struct fl_path_info *info, flowlog_error *err)
{
    struct stat st;
    const int before = errno;
    if (is_standard_input(path) ? fstat(STDIN_FILENO, &st) : stat(path, &st))
        return flowlog__fail_errno(err, "open", path, errno);
    *info = describe(&st);
    errno = before;
    return FLOWLOG_OK;
}

flowlog_status flowlog__file_open(const char *path, int *fd, struct fl_path_info *info, flowlog_error *err)
{
    struct stat st;
    int f, error = 0;
    do { /* a FIFO waits for its writer here; standard input stays open behind its copy */
        f = is_standard_input(path) ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1)
                                    : open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    } while (f < 0 && errno == EINTR);
    if (f < 0) return flowlog__fail_errno(err, "open", path, errno);
    if (fstat(f, &st)) error = errno;
    else if (S_ISDIR(st.st_mode)) error = EISDIR;
    if (error) {
        flowlog__file_close(f);
        return flowlog__fail_errno(err, "open", path, error);
    }
    *info = describe(&st);
    *fd = f;
    return FLOWLOG_OK;
}

flowlog_status flowlog__file_read(int fd, const char *path, void *buf, size_t cap, size_t *got,
                                  flowlog_error *err)
{
    const int before = errno;
    ssize_t n;
    *got = 0;
    do n = read(fd, buf, cap < READ_MAX ? cap : READ_MAX);
    while (n < 0 && errno == EINTR);
    if (n < 0) return flowlog__fail_errno(err, "read", path, errno);
    errno = before;
    *got = (size_t)n;
    return n ? FLOWLOG_OK : FLOWLOG_END;
}

flowlog_status flowlog__file_seek(int fd, const char *path, uint64_t offset, flowlog_error *err)
{
    const int before = errno;
    if (lseek(fd, (off_t)offset, SEEK_SET) < 0) return flowlog__fail_errno(err, "read", path, errno);
    errno = before;
    return FLOWLOG_OK;
}

void flowlog__file_close(int fd)
{
    const int before = errno;
    if (fd >= 0) (void)close(fd); /* read only: nothing can be lost */
    errno = before;
}
