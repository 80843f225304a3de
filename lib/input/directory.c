/* SPDX-License-Identifier: MIT */
/*
 * directory.c - a directory to the sorted list of the files below it; see os.h.
 *
 * Walked with a list of directories still to be read and not by recursion, so that a deep tree costs no
 * stack.  Links to directories are not followed: without them a tree has no loops.  Names are complete
 * paths, made of the path that was given.
 */
#define _POSIX_C_SOURCE 200809L
#define _FILE_OFFSET_BITS 64

#include "input/os.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "core/alloc.h"
#include "core/error.h"

flowlog_status flowlog__paths_add(struct fl_paths *paths, const flowlog_alloc *alloc, const char *dir,
                                  const char *name, uint64_t bytes, int regular)
{
    if (paths->count == paths->cap) {
        const size_t cap = paths->cap ? paths->cap * 2 : 16;
        if (cap > SIZE_MAX / sizeof *paths->item) return FLOWLOG_E_MEMORY;
        void *grown = flowlog__resize(alloc, paths->item, paths->cap * sizeof *paths->item,
                                      cap * sizeof *paths->item);
        if (!grown) return FLOWLOG_E_MEMORY;
        paths->item = grown;
        paths->cap = cap;
    }
    const size_t name_len = strlen(name);
    size_t dir_len = dir ? strlen(dir) : 0;
    /* "logs/" and "logs" give the same names; the root is the slash alone. */
    while (dir_len && dir[dir_len - 1] == '/') dir_len--;
    const size_t len = dir ? dir_len + 1 + name_len : name_len;
    char *text = flowlog__alloc(alloc, len + 1);
    if (!text) return FLOWLOG_E_MEMORY;
    if (dir) {
        memcpy(text, dir, dir_len);
        text[dir_len] = '/';
    }
    memcpy(text + (len - name_len), name, name_len + 1);
    paths->item[paths->count++] = (struct fl_path){text, len, bytes, regular};
    return FLOWLOG_OK;
}

void flowlog__paths_free(struct fl_paths *paths, const flowlog_alloc *alloc)
{
    for (size_t i = 0; i < paths->count; i++)
        flowlog__release(alloc, paths->item[i].name, paths->item[i].len + 1);
    flowlog__release(alloc, paths->item, paths->cap * sizeof *paths->item);
    *paths = (struct fl_paths){NULL, 0, 0};
}

/* Heap sort, because qsort may call malloc.  strcmp compares as unsigned bytes. */
static void sift_down(struct fl_path *item, size_t root, size_t count)
{
    const struct fl_path moving = item[root];
    for (size_t child; (child = 2 * root + 1) < count; root = child) {
        if (child + 1 < count && strcmp(item[child].name, item[child + 1].name) < 0) child++;
        if (strcmp(moving.name, item[child].name) >= 0) break;
        item[root] = item[child];
    }
    item[root] = moving;
}

static void sort(struct fl_path *item, size_t count)
{
    for (size_t i = count / 2; i-- > 0;) sift_down(item, i, count);
    for (size_t end = count; end-- > 1;) {
        const struct fl_path largest = item[0];
        item[0] = item[end];
        item[end] = largest;
        sift_down(item, 0, end);
    }
}

static flowlog_status fail_memory(flowlog_error *err)
{
    return FL_FAIL(err, FLOWLOG_E_MEMORY, "out of memory while reading a directory");
}

/* One entry of a directory: a file, a directory to be read later, or nothing of ours. */
static flowlog_status take(const char *dir, int fd, const char *name, const flowlog_alloc *alloc,
                           struct fl_paths *files, struct fl_paths *todo, flowlog_error *err)
{
    if (name[0] == '.') return FLOWLOG_OK;
    struct stat st;
    int link = 0, failed = fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW);
    if (!failed && S_ISLNK(st.st_mode)) {
        link = 1;
        failed = fstatat(fd, name, &st, 0);
    }
    if (failed) {
        if (errno == ENOENT || (link && errno == ELOOP)) return FLOWLOG_OK; /* just removed, or leads nowhere */
        const int error = errno;
        struct fl_paths one = {NULL, 0, 0};
        flowlog_status status = flowlog__paths_add(&one, alloc, dir, name, 0, 0);
        status = status < 0 ? fail_memory(err) : flowlog__fail_errno(err, "open", one.item[0].name, error);
        flowlog__paths_free(&one, alloc);
        return status;
    }
    flowlog_status status = FLOWLOG_OK;
    if (S_ISREG(st.st_mode))
        status = flowlog__paths_add(files, alloc, dir, name, st.st_size > 0 ? (uint64_t)st.st_size : 0, 1);
    else if (S_ISDIR(st.st_mode) && !link)
        status = flowlog__paths_add(todo, alloc, dir, name, 0, 0);
    return status < 0 ? fail_memory(err) : FLOWLOG_OK;
}

static flowlog_status read_directory(const char *path, const flowlog_alloc *alloc, struct fl_paths *files,
                                     struct fl_paths *todo, flowlog_error *err)
{
    DIR *dir = opendir(path);
    if (!dir) return flowlog__fail_errno(err, "read the directory", path, errno);
    flowlog_status status = FLOWLOG_OK;
    while (status >= 0) {
        errno = 0; /* the only way to tell the end from an error */
        const struct dirent *entry = readdir(dir);
        if (!entry) {
            if (errno) status = flowlog__fail_errno(err, "read the directory", path, errno);
            break;
        }
        status = take(path, dirfd(dir), entry->d_name, alloc, files, todo, err);
    }
    (void)closedir(dir);
    return status;
}

flowlog_status flowlog__directory_files(const char *path, const flowlog_alloc *alloc,
                                        struct fl_paths *files, flowlog_error *err)
{
    const int before = errno;
    const size_t first = files->count;
    struct fl_paths todo = {NULL, 0, 0};
    flowlog_status status = flowlog__paths_add(&todo, alloc, NULL, path, 0, 0);
    if (status < 0) status = fail_memory(err);
    while (status >= 0 && todo.count) {
        const struct fl_path dir = todo.item[--todo.count];
        status = read_directory(dir.name, alloc, files, &todo, err);
        flowlog__release(alloc, dir.name, dir.len + 1);
    }
    flowlog__paths_free(&todo, alloc);
    if (status < 0) return status;
    if (files->count > first) sort(files->item + first, files->count - first);
    errno = before;
    return FLOWLOG_OK;
}
