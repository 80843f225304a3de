/* SPDX-License-Identifier: MIT */
/*
 * source.c - a list of inputs, one open at a time; see flowlog/source.h and source.h.
 *
 * Three kinds behind one list: paths, one block of memory, one function.  An input is either `data` (given
 * or mapped memory), a descriptor, or the function; all three are drawn from by _fill, the first also by
 * _mapped.  The end of an input and a failure stay what they are until _next is called.
 */
#include "input/source.h"

#include <string.h>

#include "core/alloc.h"
#include "core/error.h"
#include "input/os.h"

#define MAP_MIN (UINT64_C(1) << 20) /* below it a mapping costs more than a read */
#define MAP_WINDOW (1u << 18)       /* pages brought in at a time; a multiple of any page size */

struct flowlog_source {
    flowlog_alloc alloc;
    struct fl_paths paths; /* one entry without a path for memory and functions */
    uint64_t bytes;
    uint32_t flags;
    uint32_t opened; /* inputs begun; the current one is the last of them */
    /* what the one input of a source that has no paths is */
    const uint8_t *memory;
    size_t memory_len;
    flowlog_read_fn read;
    void *ctx;
    char *name; /* may be NULL */
    size_t name_len;
    /* the current input */
    int fd;        /* -1: none */
    int is_mapped; /* `data` is to be unmapped */
    size_t paged;  /* of it, pages before this have been brought in */
    const uint8_t *data;
    size_t data_len, pos;
    int in_memory;         /* `data` counts */
    flowlog_status status; /* OK, or what _fill says from now on */
};

static flowlog_status new_source(const flowlog_alloc *alloc, flowlog_source **source, flowlog_error *err)
{
    const flowlog_alloc a = flowlog__alloc_or_default(alloc);
    flowlog_source *s = flowlog__alloc(&a, sizeof *s);
    if (!s) return FL_FAIL(err, FLOWLOG_E_MEMORY, "out of memory for a source");
    *s = (flowlog_source){.alloc = a, .fd = -1, .status = FLOWLOG_END};
    *source = s;
    return FLOWLOG_OK;
}

static flowlog_status add_path(flowlog_source *s, const char *path, flowlog_error *err)
{
    struct fl_path_info info;
    FL_TRY(flowlog__path_info(path, &info, err));
    if (info.kind == FL_PATH_DIRECTORY && strcmp(path, "-") != 0)
        return flowlog__directory_files(path, &s->alloc, &s->paths, err);
    if (flowlog__paths_add(&s->paths, &s->alloc, NULL, path, info.bytes) < 0)
        return FL_FAIL(err, FLOWLOG_E_MEMORY, "out of memory for a path");
    return FLOWLOG_OK;
}

flowlog_status flowlog_source_paths(const char *const *paths, size_t count, uint32_t flags,
                                    const flowlog_alloc *alloc, flowlog_source **source,
                                    flowlog_error *err)
{
    if (!source || (!paths && count)) return FL_FAIL(err, FLOWLOG_E_ARGUMENT, "no paths or no result given");
    if (flags & ~(uint32_t)FLOWLOG_SOURCE_MAP)
        return FL_FAIL(err, FLOWLOG_E_ARGUMENT, "unknown flags of a source: 0x%x", (unsigned)flags);
    for (size_t i = 0; i < count; i++)
        if (!paths[i] || !paths[i][0]) return FL_FAIL(err, FLOWLOG_E_ARGUMENT, "an empty path was given");

    flowlog_source *s = NULL;
    FL_TRY(new_source(alloc, &s, err));
    s->flags = flags;
    flowlog_status status = FLOWLOG_OK;
    for (size_t i = 0; i < count && status >= 0; i++) status = add_path(s, paths[i], err);
    if (status >= 0 && s->paths.count > UINT32_MAX)
        status = FL_FAIL(err, FLOWLOG_E_LIMIT, "more files than 32 bits can count");
    if (status < 0) {
        flowlog_source_close(s);
        return status;
    }
    for (size_t i = 0; i < s->paths.count; i++) s->bytes += s->paths.item[i].bytes;
    *source = s;
    return FLOWLOG_OK;
}

flowlog_status flowlog_source_file(const char *path, flowlog_source **source, flowlog_error *err)
{
    return flowlog_source_paths(&path, 1, 0, NULL, source, err);
}

static flowlog_status set_name(flowlog_source *s, const char *name, flowlog_error *err)
{
    if (!name) return FLOWLOG_OK;
    s->name_len = strlen(name) + 1;
    s->name = flowlog__alloc(&s->alloc, s->name_len);
    if (!s->name) return FL_FAIL(err, FLOWLOG_E_MEMORY, "out of memory for a name");
    memcpy(s->name, name, s->name_len);
    return FLOWLOG_OK;
}

/* A source of one input that has no path. */
static flowlog_status new_single(const char *name, const flowlog_alloc *alloc, flowlog_source **source,
                                 flowlog_error *err)
{
    flowlog_source *s = NULL;
    FL_TRY(new_source(alloc, &s, err));
    const flowlog_status status = set_name(s, name, err);
    if (status < 0) {
        flowlog_source_close(s);
        return status;
    }
    *source = s;
    return FLOWLOG_OK;
}

flowlog_status flowlog_source_memory(const void *data, size_t len, const char *name,
                                     const flowlog_alloc *alloc, flowlog_source **source,
                                     flowlog_error *err)
{
    if (!source || (!data && len)) return FL_FAIL(err, FLOWLOG_E_ARGUMENT, "no memory or no result given");
    flowlog_source *s = NULL;
    FL_TRY(new_single(name, alloc, &s, err));
    static const uint8_t nothing[1] = {0}; /* so that memory is never NULL, which means "not this kind" */
    s->memory = len ? data : nothing;
    s->memory_len = len;
    s->bytes = len;
    *source = s;
    return FLOWLOG_OK;
}

flowlog_status flowlog_source_callback(flowlog_read_fn read, void *ctx, const char *name,
                                       const flowlog_alloc *alloc, flowlog_source **source,
                                       flowlog_error *err)
{
    if (!source || !read) return FL_FAIL(err, FLOWLOG_E_ARGUMENT, "no function or no result given");
    flowlog_source *s = NULL;
    FL_TRY(new_single(name, alloc, &s, err));
    s->read = read;
    s->ctx = ctx;
    *source = s;
    return FLOWLOG_OK;
}

static int is_single(const flowlog_source *s) { return s->memory || s->read; }

uint32_t flowlog_source_count(const flowlog_source *source)
{
    if (!source) return 0;
    return is_single(source) ? 1 : (uint32_t)source->paths.count;
}

uint64_t flowlog_source_bytes(const flowlog_source *source) { return source ? source->bytes : 0; }

const char *flowlog_source_name(const flowlog_source *source, uint32_t index)
{
    if (!source || index >= flowlog_source_count(source)) return NULL;
    return is_single(source) ? source->name : source->paths.item[index].name;
}

static void close_current(flowlog_source *s)
{
    if (s->is_mapped) flowlog__unmap(s->data, s->data_len);
    flowlog__file_close(s->fd);
    s->fd = -1;
    s->is_mapped = s->in_memory = 0;
    s->data = NULL;
    s->data_len = s->pos = s->paged = 0;
    s->status = FLOWLOG_END;
}

void flowlog_source_close(flowlog_source *source)
{
    if (!source) return;
    close_current(source);
    flowlog__paths_free(&source->paths, &source->alloc);
    flowlog__release(&source->alloc, source->name, source->name_len);
    const flowlog_alloc a = source->alloc;
    flowlog__release(&a, source, sizeof *source);
}

static void use_memory(flowlog_source *s, const uint8_t *data, size_t len)
{
    s->data = data;
    s->data_len = len;
    s->in_memory = 1;
}

flowlog_status flowlog__source_next(flowlog_source *source, uint32_t *index, flowlog_error *err)
{
    close_current(source);
    if (source->opened >= flowlog_source_count(source)) return FLOWLOG_END;
    *index = source->opened++;
    if (is_single(source)) {
        source->status = FLOWLOG_OK;
        if (source->memory) use_memory(source, source->memory, source->memory_len);
        return FLOWLOG_OK;
    }
    const char *path = source->paths.item[*index].name;
    struct fl_path_info info;
    FL_TRY(flowlog__file_open(path, &source->fd, &info, err));
    source->status = FLOWLOG_OK;
    /* Standard input may stand in the middle of its file, so it is read. */
    if (source->flags & FLOWLOG_SOURCE_MAP && info.kind == FL_PATH_FILE && info.bytes >= MAP_MIN
        && strcmp(path, "-") != 0) {
        size_t len = 0;
        const uint8_t *data = flowlog__map(source->fd, info.bytes, &len);
        if (data) {
            use_memory(source, data, len);
            source->is_mapped = 1;
            flowlog__file_close(source->fd);
            source->fd = -1;
        }
    }
    return FLOWLOG_OK;
}

int flowlog__source_mapped(const flowlog_source *source, const uint8_t **data, size_t *len)
{
    if (!source->in_memory) return 0;
    *data = source->data;
    *len = source->data_len;
    return 1;
}

void flowlog__source_reading(flowlog_source *source, size_t at)
{
    if (!source->is_mapped || at + MAP_WINDOW / 2 < source->paged || source->paged >= source->data_len) return;
    const size_t from = source->paged, left = source->data_len - from;
    const size_t len = left < MAP_WINDOW ? left : MAP_WINDOW;
    if (from > 2 * (size_t)MAP_WINDOW) flowlog__map_drop(source->data, from - 2 * (size_t)MAP_WINDOW, MAP_WINDOW);
    flowlog__map_fetch(source->data, from, len);
    source->paged = from + len;
}

static flowlog_status call(flowlog_source *s, uint8_t *buf, size_t cap, size_t *got, flowlog_error *err)
{
    const int64_t n = s->read(s->ctx, buf, cap);
    const char *name = s->name ? s->name : "the input";
    if (n < 0) return FL_FAIL(err, FLOWLOG_E_IO, "the read function of %.140s failed", name);
    if ((uint64_t)n > cap)
        return FL_FAIL(err, FLOWLOG_E_IO, "the read function of %.140s gave more bytes than it was asked for",
                       name);
    *got = (size_t)n;
    return n ? FLOWLOG_OK : FLOWLOG_END;
}

flowlog_status flowlog__source_fill(flowlog_source *source, uint8_t *buf, size_t cap, size_t *got,
                                    flowlog_error *err)
{
    *got = 0;
    if (source->status < 0) return FL_FAIL(err, source->status, "the input failed before");
    if (source->status == FLOWLOG_END) return FLOWLOG_END;
    if (!cap) return FL_FAIL(err, FLOWLOG_E_ARGUMENT, "no room to read into");
    if (source->in_memory) {
        const size_t left = source->data_len - source->pos, n = left < cap ? left : cap;
        if (n) memcpy(buf, source->data + source->pos, n);
        source->pos += n;
        *got = n;
        source->status = n ? FLOWLOG_OK : FLOWLOG_END;
    } else if (source->read) {
        source->status = call(source, buf, cap, got, err);
    } else {
        const char *path = source->paths.item[source->opened - 1].name;
        source->status = flowlog__file_read(source->fd, path, buf, cap, got, err);
    }
    return source->status;
}
