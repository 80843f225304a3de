/* SPDX-License-Identifier: MIT */
/* output/result.c - a whole flowlog_result in one call: its columns are the writer's. */
#include "core/alloc.h"
#include "core/error.h"
#include "flowlog/write.h"

static flowlog_status write_rows(const flowlog_result *result, flowlog_writer *writer,
                                 flowlog_value *values, flowlog_error *err)
{
    const uint32_t columns = flowlog_result_columns(result);
    const uint64_t rows = flowlog_result_rows(result);
    for (uint64_t r = 0; r < rows; r++) {
        for (uint32_t c = 0; c < columns; c++) FL_TRY(flowlog_result_value(result, r, c, &values[c]));
        FL_TRY(flowlog_writer_row(writer, values, err));
    }
    return flowlog_writer_finish(writer, err);
}

flowlog_status flowlog_write_result(const flowlog_result *result, flowlog_form form,
                                    flowlog_write_fn write, void *ctx, const flowlog_alloc *alloc,
                                    flowlog_error *err)
{
    const uint32_t columns = result ? flowlog_result_columns(result) : 0;
    if (!columns) return FL_FAIL(err, FLOWLOG_E_ARGUMENT, "a result with at least one column is needed");
    const flowlog_alloc a = flowlog__alloc_or_default(alloc);
    /* Names first, then the values of a row take their place. */
    const size_t len = columns * sizeof(flowlog_value);
    _Static_assert(sizeof(flowlog_value) >= sizeof(const char *), "a name fits where a value does");
    void *const row = flowlog__alloc(&a, len);
    if (!row) return FL_FAIL(err, FLOWLOG_E_MEMORY, "no memory for a row of %u columns", columns);
    const char **const names = row;
    for (uint32_t c = 0; c < columns; c++) names[c] = flowlog_result_name(result, c);
    flowlog_writer *writer = NULL;
    flowlog_status status = flowlog_writer_open(form, names, columns, write, ctx, &a, &writer, err);
    if (status >= 0) status = write_rows(result, writer, row, err);
    flowlog_writer_close(writer);
    flowlog__release(&a, row, len);
    return status;
}
