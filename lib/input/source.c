/* SPDX-License-Identifier: MIT */
/*
 * source.c - a list of inputs, one open at a time; see flowlog/source.h and source.h.
 *
 * Three kinds behind one list: paths, one block of memory, one function.  An input is either `data` (given
 * or mapped memory), a descriptor, or the function; all three are drawn from by _fill, the first also by
 * _mapped.  The end of an input and a failure stay what they are until _next is called.
 *
 * For threads there are sources that borrow the list of another one: each gives some of its inputs, or a part of one.
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
    uint32_t opened;  /* inputs begun */
    uint32_t current; /* number of the last of them */
    /* what the one input of a source that has no paths is */
    const uint8_t *memory;
    size_t memory_len;
    flowlog_read_fn read;
    void *ctx;
    char *name; /* may be NULL */
    size_t name_len;
    /* a source that borrows the inputs of another one */
    const flowlog_source *parent; /* NULL: it has its own */
    fl_take take;
    uint64_t from, to; /* the part of each input that is read */
    const struct fl_pipe_ops *pipe;
    /* the current input */
    int fd;        /* -1: none */
    const uint8_t *map; /* what is to be unmapped, and contains `data`; NULL: nothing */
    size_t map_len;
    size_t paged; /* of it, pages before this have been brought in */
    uint64_t left; /* bytes of a part that are still to be read */
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
    *s = (flowlog_source){.alloc = a, .fd = -1, .to = UINT64_MAX, .status = FLOWLOG_END};
    *source = s;
    return FLOWLOG_OK;
}

static flowlog_status add_path(flowlog_source *s, const char *path, flowlog_error *err)
{
    struct fl_path_info info;
    FL_TRY(flowlog__path_info(path, &info, err));
    if (info.kind == FL_PATH_DIRECTORY && strcmp(path, "-") != 0)
        return flowlog__directory_files(path, &s->alloc, &s->paths, err);
    if (flowlog__paths_add(&s->paths, &s->alloc, NULL, path, info.bytes,
                           info.kind == FL_PATH_FILE && strcmp(path, "-") != 0) < 0)
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
    if (source->parent) return flowlog_source_count(source->parent);
    return is_single(source) ? 1 : (uint32_t)source->paths.count;
}

uint64_t flowlog_source_bytes(const flowlog_source *source) { return source ? source->bytes : 0; }

const char *flowlog_source_name(const flowlog_source *source, uint32_t index)
{
    if (!source || index >= flowlog_source_count(source)) return NULL;
    if (source->parent) return flowlog_source_name(source->parent, index);
    return is_single(source) ? source->name : source->paths.item[index].name;
}

static void close_current(flowlog_source *s)
{
    flowlog__unmap(s->map, s->map_len);
    flowlog__file_close(s->fd);
    s->fd = -1;
    s->map = s->data = NULL;
    s->in_memory = 0;
    s->map_len = s->data_len = s->pos = s->paged = 0;
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

/* The part of `data` that is to be read. */
static void use_memory(flowlog_source *s, const uint8_t *data, size_t len)
{
    const size_t from = s->from < len ? (size_t)s->from : len, to = s->to < len ? (size_t)s->to : len;
    s->data = data + from;
    s->data_len = to - from;
    s->in_memory = 1;
}

/* The number of the next input. */
static flowlog_status take_next(flowlog_source *s, uint32_t *index)
{
    if (s->take) return s->take(s->ctx, index);
    if (s->opened >= flowlog_source_count(s)) return FLOWLOG_END;
    *index = s->opened;
    return FLOWLOG_OK;
}

static flowlog_status open_path(flowlog_source *s, const char *path, flowlog_error *err)
{
    struct fl_path_info info;
    FL_TRY(flowlog__file_open(path, &s->fd, &info, err));
    /* Standard input may stand in the middle of its file, so it is read. */
    if (s->flags & FLOWLOG_SOURCE_MAP && info.kind == FL_PATH_FILE && info.bytes >= MAP_MIN && strcmp(path, "-") != 0) {
        s->map = flowlog__map(s->fd, info.bytes, &s->map_len);
        if (s->map) {
            use_memory(s, s->map, s->map_len);
            s->paged = (size_t)(s->data - s->map) / MAP_WINDOW * MAP_WINDOW;
            flowlog__file_close(s->fd);
            s->fd = -1;
            return FLOWLOG_OK;
        }
    }
    s->left = s->to - s->from;
    return s->from ? flowlog__file_seek(s->fd, path, s->from, err) : FLOWLOG_OK;
}

flowlog_status flowlog__source_next(flowlog_source *source, uint32_t *index, flowlog_error *err)
{
    const flowlog_source *list = source->parent ? source->parent : source;
    close_current(source);
    const flowlog_status status = take_next(source, index);
    if (status != FLOWLOG_OK) return status;
    source->opened++;
    source->current = *index;
    if (source->pipe) FL_TRY(source->pipe->open(source->ctx, err));
    else if (list->memory) use_memory(source, list->memory, list->memory_len);
    else if (!is_single(list)) FL_TRY(open_path(source, list->paths.item[*index].name, err));
    source->status = FLOWLOG_OK;
    return FLOWLOG_OK;
}

int flowlog__source_mapped(const flowlog_source *source, const uint8_t **data, size_t *len)
{
    if (!source->in_memory) return 0;
    *data = source->data;
    *len = source->data_len;
    return 1;
}

int flowlog__source_inflated(const flowlog_source *source) { return source->pipe != NULL; }

void flowlog__source_reading(flowlog_source *source, size_t at)
{
    if (!source->map) return;
    const size_t begin = (size_t)(source->data - source->map), end = begin + source->data_len;
    if (at + MAP_WINDOW / 2 < source->paged || source->paged >= end) return;
    const size_t from = source->paged, left = end - from, len = left < MAP_WINDOW ? left : MAP_WINDOW;
    if (from >= begin + 3 * (size_t)MAP_WINDOW)
        flowlog__map_drop(source->map, from - 2 * (size_t)MAP_WINDOW, MAP_WINDOW);
    flowlog__map_fetch(source->map, from, len);
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
    } else if (source->pipe) {
        source->status = source->pipe->fill(source->ctx, buf, cap, got, err);
    } else if (source->read) {
        source->status = call(source, buf, cap, got, err);
    } else {
        const size_t most = source->left < cap ? (size_t)source->left : cap;
        const char *path = flowlog_source_name(source, source->current);
        source->status = most ? flowlog__file_read(source->fd, path, buf, most, got, err) : FLOWLOG_END;
        source->left -= *got;
    }
    return source->status;
}

/* --- for threads ----------------------------------------------------------------------------------------- */

int flowlog__source_reopens(const flowlog_source *source)
{
    if (is_single(source)) return source->memory != NULL;
    for (size_t i = 0; i < source->paths.count; i++)
        if (!source->paths.item[i].regular) return 0;
    return 1;
}

static flowlog_status new_child(const flowlog_source *parent, void *ctx, const flowlog_alloc *alloc,
                                flowlog_source **source, flowlog_error *err)
{
    FL_TRY(new_source(alloc, source, err));
    (*source)->parent = parent;
    (*source)->ctx = ctx;
    (*source)->flags = parent->flags;
    (*source)->bytes = parent->bytes;
    return FLOWLOG_OK;
}

flowlog_status flowlog__source_queue(const flowlog_source *parent, fl_take take, void *ctx,
                                     const flowlog_alloc *alloc, flowlog_source **source, flowlog_error *err)
{
    FL_TRY(new_child(parent, ctx, alloc, source, err));
    (*source)->take = take;
    return FLOWLOG_OK;
}

flowlog_status flowlog__source_range(const flowlog_source *parent, uint64_t from, uint64_t to,
                                     const flowlog_alloc *alloc, flowlog_source **source, flowlog_error *err)
{
    FL_TRY(new_child(parent, NULL, alloc, source, err));
    (*source)->from = from;
    (*source)->to = to;
    return FLOWLOG_OK;
}

flowlog_status flowlog__source_pipe(const flowlog_source *parent, const struct fl_pipe_ops *ops, void *ctx,
                                    const flowlog_alloc *alloc, flowlog_source **source, flowlog_error *err)
{
    FL_TRY(new_child(parent, ctx, alloc, source, err));
    (*source)->pipe = ops;
    return FLOWLOG_OK;
}

