/* SPDX-License-Identifier: MIT */
/* pending.c - stands for expr/output.c until that is there: expressions over results are not supported. */
#include "expr/output.h"

#define FL_PENDING __attribute__((weak))

FL_PENDING flowlog_status flowlog__output_parse(const char *text, size_t len, int condition, fl_output_resolve resolve,
                                                void *ctx, const flowlog_alloc *alloc, struct fl_output **output,
                                                size_t *end, flowlog_error *err)
{
    (void)text, (void)len, (void)condition, (void)resolve, (void)ctx, (void)alloc, (void)output, (void)end, (void)err;
    return FLOWLOG_E_UNSUPPORTED;
}
FL_PENDING void flowlog__output_free(struct fl_output *output) { (void)output; }
FL_PENDING int64_t flowlog__output_column(const struct fl_output *output)
{
    (void)output;
    return -1;
}
FL_PENDING void flowlog__output_columns(const struct fl_output *output, uint64_t *columns, size_t words)
{
    (void)output, (void)columns, (void)words;
}
FL_PENDING void flowlog__output_renumber(struct fl_output *output, const uint32_t *map) { (void)output, (void)map; }
FL_PENDING void flowlog__output_eval(const struct fl_output *output, const flowlog_value *columns, flowlog_value *value)
{
    (void)output, (void)columns, (void)value;
}
FL_PENDING size_t flowlog__output_print(const struct fl_output *output, const char *(*name)(void *ctx, uint32_t column),
                                        void *ctx, char *text, size_t cap)
{
    (void)output, (void)name, (void)ctx, (void)text, (void)cap;
    return 0;
}
FL_PENDING size_t flowlog__output_text(const struct fl_output *output, const char *(*name)(void *ctx, uint32_t column),
                                       void *ctx, char *text, size_t cap)
{
    (void)output, (void)name, (void)ctx, (void)text, (void)cap;
    return 0;
}
