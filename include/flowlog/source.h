/* SPDX-License-Identifier: MIT */
/*
 * flowlog/source.h - where bytes come from: memory, files and directory trees, standard input, a callback.
 *
 * Takes  paths, pointers or functions.
 * Gives  flowlog_source, a list of inputs one after the other.  Each input is a file of its own: it has a
 *        name, its own format, and may be gzip (found by its first bytes, never by its name).
 * Next   reader.h
 */
#ifndef FLOWLOG_SOURCE_H
#define FLOWLOG_SOURCE_H

#include "flowlog/base.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Opaque.  One thread at a time.  Owned until a reader takes it. */
typedef struct flowlog_source flowlog_source;

/* Options of flowlog_source_paths, or-ed. */
enum {
    /**
     * Map regular files of at least 1 MiB into memory instead of reading them: faster, but a file that
     * another process shortens meanwhile ends this process with SIGBUS.  The library installs no signal
     * handler; a program that sets this flag on files it does not own should.
     */
    FLOWLOG_SOURCE_MAP = 1
};

/**
 * Files and directories.  A directory stands for all regular files below it, symbolic links to files
 * included and links to directories not, in byte order of their paths, names that begin with a dot left
 * out; one without any is no input and no error.  "-" is standard input, and a path may name a pipe.
 * Directories are read now, files are opened one by one when their turn comes: one that is gone or
 * forbidden by then is an error of that input only (reader.h).
 *
 * Ownership  paths are copied; *source is owned.
 * Errors     E_IO (a path that does not exist, a directory that cannot be read; the message names it),
 *            E_MEMORY, E_ARGUMENT, E_LIMIT (2^32 files).
 */
FLOWLOG_API flowlog_status flowlog_source_paths(const char *const *paths, size_t count, uint32_t flags,
                                                const flowlog_alloc *alloc, flowlog_source **source,
                                                flowlog_error *err);

/** Like flowlog_source_paths with one path and no flags. */
FLOWLOG_API flowlog_status flowlog_source_file(const char *path, flowlog_source **source,
                                               flowlog_error *err);

/** Memory, borrowed until the source, or the reader that took it, is closed.  `name` may be NULL. */
FLOWLOG_API flowlog_status flowlog_source_memory(const void *data, size_t len, const char *name,
                                                 const flowlog_alloc *alloc, flowlog_source **source,
                                                 flowlog_error *err);

/**
 * A function that is asked for bytes: it writes up to `cap` bytes to `buf` and returns how many, 0 at
 * the end, or -1 when it failed (the reader then gives E_IO).
 */
typedef int64_t (*flowlog_read_fn)(void *ctx, void *buf, size_t cap);

FLOWLOG_API flowlog_status flowlog_source_callback(flowlog_read_fn read, void *ctx, const char *name,
                                                   const flowlog_alloc *alloc, flowlog_source **source,
                                                   flowlog_error *err);

/** How many inputs the source has, and the bytes they hold as far as that is known (0 for pipes). */
FLOWLOG_API uint32_t flowlog_source_count(const flowlog_source *source);
FLOWLOG_API uint64_t flowlog_source_bytes(const flowlog_source *source);

/** The name of input `index`, its path or what was given, borrowed from the source; NULL when there is none. */
FLOWLOG_API const char *flowlog_source_name(const flowlog_source *source, uint32_t index);

/** Only for a source that no reader took.  NULL is allowed and does nothing. */
FLOWLOG_API void flowlog_source_close(flowlog_source *source);

#ifdef __cplusplus
}
#endif
#endif
