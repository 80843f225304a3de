/* SPDX-License-Identifier: MIT */
/*
 * input/os.h - what source.c asks of the operating system: file.c, directory.c, map.c.
 *
 * Everything that fails leaves a message that names the path and the reason, in English whatever the
 * locale, and long paths cut at their beginning so that the reason stays.
 */
#ifndef FL_INPUT_OS_H
#define FL_INPUT_OS_H

#include "flowlog/base.h"

/* What a path stands for. */
enum fl_path_kind { FL_PATH_FILE, FL_PATH_DIRECTORY, FL_PATH_STREAM /* pipes, terminals, devices */ };

struct fl_path_info {
    uint64_t bytes; /* of a regular file, else 0 */
    uint32_t kind;  /* fl_path_kind */
};

/* One file, to be opened when its turn comes. */
struct fl_path {
    char *name; /* NUL-terminated, owned: len + 1 bytes */
    size_t len;
    uint64_t bytes;
    int regular; /* 1: a regular file */
};

/* A growing list of them. */
struct fl_paths {
    struct fl_path *item;
    size_t count, cap;
};

/* file.c: files as descriptors; -1 is none.  "-" is standard input. */
flowlog_status flowlog__path_info(const char *path, struct fl_path_info *info, flowlog_error *err);
flowlog_status flowlog__file_open(const char *path, int *fd, struct fl_path_info *info, flowlog_error *err);
/* OK with *got > 0, END with *got == 0, E_IO. */
flowlog_status flowlog__file_read(int fd, const char *path, void *buf, size_t cap, size_t *got,
                                  flowlog_error *err);
/* The next read is at byte `offset`.  E_IO. */
flowlog_status flowlog__file_seek(int fd, const char *path, uint64_t offset, flowlog_error *err);
void flowlog__file_close(int fd);
/* E_IO with the text of an errno: "cannot open a/b: no such file or directory". */
flowlog_status flowlog__fail_errno(flowlog_error *err, const char *what, const char *path, int error);

/* directory.c: append all files below `path`, in byte order of their names. */
flowlog_status flowlog__directory_files(const char *path, const flowlog_alloc *alloc,
                                        struct fl_paths *files, flowlog_error *err);
/* Append dir + "/" + name, or name alone when dir is NULL. */
flowlog_status flowlog__paths_add(struct fl_paths *paths, const flowlog_alloc *alloc, const char *dir,
                                  const char *name, uint64_t bytes, int regular);
void flowlog__paths_free(struct fl_paths *paths, const flowlog_alloc *alloc);

/* map.c: the whole file, read-only; NULL when it cannot be mapped (then it is read). */
const uint8_t *flowlog__map(int fd, uint64_t bytes, size_t *len);
void flowlog__unmap(const uint8_t *data, size_t len);
/* Bring in, by reading of it, or let go the pages of a part of it that begins on a page. */
void flowlog__map_fetch(const uint8_t *data, size_t from, size_t len);
void flowlog__map_drop(const uint8_t *data, size_t from, size_t len);

#endif
