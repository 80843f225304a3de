/* SPDX-License-Identifier: MIT */
/*
 * shim.h - what the Go package needs of C: callbacks whose context is a number (a cgo.Handle) and no Go pointer, and
 * rows of a result in one call.
 *
 * The functions flowlogGo... are Go's, in callback.go.  That file must not include this one: cgo allows no definitions
 * beside exports.
 */
#ifndef FLOWLOG_GO_SHIM_H
#define FLOWLOG_GO_SHIM_H

#include <flowlog.h>
#include <stdlib.h>

extern int64_t flowlogGoRead(uintptr_t handle, void *buf, size_t cap);
extern int flowlogGoWrite(uintptr_t handle, char *data, size_t len);
extern int flowlogGoProgress(uintptr_t handle, uint64_t bytes, uint64_t total);
extern int flowlogGoDamage(uintptr_t handle, char *name, flowlog_error *err);
extern int flowlogGoFinding(uintptr_t handle, flowlog_finding *finding);
extern void flowlogGoWarning(uintptr_t handle, char *text, size_t len);

static int64_t go_read(void *ctx, void *buf, size_t cap)
{
    return flowlogGoRead((uintptr_t)ctx, buf, cap);
}

static int go_write(void *ctx, const char *data, size_t len)
{
    return flowlogGoWrite((uintptr_t)ctx, (char *)data, len);
}

static int go_progress(void *ctx, uint64_t bytes, uint64_t total)
{
    return flowlogGoProgress((uintptr_t)ctx, bytes, total);
}

static int go_damage(void *ctx, const char *name, const flowlog_error *err)
{
    return flowlogGoDamage((uintptr_t)ctx, (char *)name, (flowlog_error *)err);
}

static int go_finding(void *ctx, const flowlog_finding *finding)
{
    return flowlogGoFinding((uintptr_t)ctx, (flowlog_finding *)finding);
}

static void go_warning(void *ctx, const char *text, size_t len)
{
    flowlogGoWarning((uintptr_t)ctx, (char *)text, len);
}

static inline flowlog_status shim_source(uintptr_t handle, const char *name, const flowlog_alloc *alloc,
                                         flowlog_source **source, flowlog_error *err)
{
    return flowlog_source_callback(go_read, (void *)handle, name, alloc, source, err);
}

static inline flowlog_status shim_save(flowlog_run *run, uintptr_t handle, flowlog_error *err)
{
    return flowlog_run_save(run, go_write, (void *)handle, err);
}

static inline flowlog_status shim_write(const flowlog_result *result, int form, uintptr_t handle,
                                        const flowlog_alloc *alloc, flowlog_error *err)
{
    return flowlog_write_result(result, (flowlog_form)form, go_write, (void *)handle, alloc, err);
}

static inline void shim_run_callbacks(flowlog_run_options *options, uintptr_t handle, int progress, int damage)
{
    options->progress = progress ? go_progress : NULL;
    options->damage = damage ? go_damage : NULL;
    options->ctx = (void *)handle;
}

static inline flowlog_status shim_finish(flowlog_diagnosis *diagnosis, uintptr_t handle, flowlog_error *err)
{
    return flowlog_diagnosis_finish(diagnosis, go_finding, (void *)handle, err);
}

static inline flowlog_status shim_warnings(const flowlog_diagnosis *diagnosis, uintptr_t handle)
{
    return flowlog_diagnosis_warnings(diagnosis, go_warning, (void *)handle);
}

/* The name of a structure whose size is another one in the library that runs; NULL: there is none. */
static inline const char *shim_mismatch(void)
{
#define SHIM_STRUCT(name) {#name, sizeof(name)}
    static const struct {
        const char *name;
        size_t size;
    } known[] = {
        SHIM_STRUCT(flowlog_addr), SHIM_STRUCT(flowlog_alloc), SHIM_STRUCT(flowlog_bad_line),
        SHIM_STRUCT(flowlog_batch), SHIM_STRUCT(flowlog_column), SHIM_STRUCT(flowlog_counters),
        SHIM_STRUCT(flowlog_diagnosis_options), SHIM_STRUCT(flowlog_error),
        SHIM_STRUCT(flowlog_filter_options), SHIM_STRUCT(flowlog_finding),
        SHIM_STRUCT(flowlog_reader_options), SHIM_STRUCT(flowlog_run_options),
        SHIM_STRUCT(flowlog_span), SHIM_STRUCT(flowlog_str), SHIM_STRUCT(flowlog_value),
    };
#undef SHIM_STRUCT
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (flowlog_struct_size(known[i].name) != known[i].size) return known[i].name;
    return NULL;
}

/* All values of one row; `values` has room for as many as the result has columns. */
static inline flowlog_status shim_row(const flowlog_result *result, uint64_t row, flowlog_value *values)
{
    const uint32_t columns = flowlog_result_columns(result);
    for (uint32_t i = 0; i < columns; i++) {
        const flowlog_status status = flowlog_result_value(result, row, i, &values[i]);
        if (status < 0) return status;
    }
    return FLOWLOG_OK;
}

#endif
