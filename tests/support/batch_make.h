/* SPDX-License-Identifier: MIT */
/*
 * support/batch_make.h - batches from cells of text, without a reader.
 *
 *     static const char *const cells[] = {"10.0.0.1", "100",   "::1", "-"};
 *     struct test_batch *b = test_batch_new("srcaddr,bytes", cells, 2);
 *     ... &b->batch ...
 *     test_batch_free(b);
 *
 * "-" is null.  A column whose cells are all NULL is absent (present 0).  log_status is OK unless there
 * is a column log-status.  Every array is an allocation of its own and exactly as long as batch.h says.
 */
#ifndef TEST_BATCH_MAKE_H
#define TEST_BATCH_MAKE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flowlog/batch.h"

enum { TEST_BATCH_COLUMNS = 24 };

struct test_batch {
    flowlog_batch batch;
    flowlog_column column[TEST_BATCH_COLUMNS];
    char name[TEST_BATCH_COLUMNS][64];
    uint8_t *status;
    char *text;
};

static size_t test_type_width(uint32_t type)
{
    switch (type) {
    case FLOWLOG_TYPE_U32:
    case FLOWLOG_TYPE_ADDR: return 4;
    case FLOWLOG_TYPE_U64:
    case FLOWLOG_TYPE_TIME: return 8;
    case FLOWLOG_TYPE_ENUM: return 1;
    default: return 0;
    }
}

/* The cell of a row that is not null. */
static void test_batch_cell(struct test_batch *b, flowlog_column *c, uint32_t r, const char *cell)
{
    const size_t len = strlen(cell);
    ((uint64_t *)(uintptr_t)c->validity)[r / 64] |= UINT64_C(1) << (r % 64);
    void *values = (void *)(uintptr_t)c->values;
    const uint64_t number = c->type == FLOWLOG_TYPE_TIME ? (uint64_t)strtoll(cell, NULL, 10) : strtoull(cell, NULL, 10);
    if (c->type == FLOWLOG_TYPE_U32) ((uint32_t *)values)[r] = (uint32_t)number;
    if (c->type == FLOWLOG_TYPE_U64 || c->type == FLOWLOG_TYPE_TIME) ((uint64_t *)values)[r] = number;
    if (c->type == FLOWLOG_TYPE_ENUM) ((uint8_t *)values)[r] = (uint8_t)flowlog_enum_code(c->field, cell, len);
    if (c->spans) {
        ((flowlog_span *)(uintptr_t)c->spans)[r] = (flowlog_span){(uint32_t)b->batch.text_len, (uint32_t)len};
        memcpy(b->text + b->batch.text_len, cell, len);
        b->batch.text_len += len;
    }
    if (c->type == FLOWLOG_TYPE_ADDR) {
        flowlog_addr a;
        if (flowlog_addr_parse(cell, len, &a) < 0) {
            fprintf(stderr, "not an address: %s\n", cell);
            abort();
        }
        ((uint8_t *)(uintptr_t)c->family)[r] = (uint8_t)a.family;
        if (a.family == 6) memcpy((void *)(uintptr_t)c->wide[r], a.bytes, 16);
        else
            ((uint32_t *)values)[r] = (uint32_t)a.bytes[0] << 24 | (uint32_t)a.bytes[1] << 16 |
                                      (uint32_t)a.bytes[2] << 8 | a.bytes[3];
    }
}

static struct test_batch *test_batch_new(const char *fields, const char *const *cells, uint32_t rows)
{
    struct test_batch *b = calloc(1, sizeof *b);
    size_t text_len = 0;
    uint32_t columns = 0;
    for (const char *p = fields; *p; columns++) {
        const size_t len = strcspn(p, ",");
        memcpy(b->name[columns], p, len);
        p += len + (p[len] == ',');
    }
    for (size_t i = 0; i < (size_t)rows * columns; i++) text_len += cells[i] ? strlen(cells[i]) : 0;
    b->text = malloc(text_len + 1);
    b->status = malloc(rows + 1);
    memset(b->status, FLOWLOG_LOG_STATUS_OK, rows + 1);
    b->batch = (flowlog_batch){.rows = rows, .columns = columns, .column = b->column, .text = b->text,
                               .log_status = b->status, .format = flowlog_format_default()};
    for (uint32_t i = 0; i < columns; i++) {
        flowlog_column *c = &b->column[i];
        const uint32_t field = flowlog_field_find(b->name[i], strlen(b->name[i]));
        c->field = (uint16_t)field;
        c->type = field ? flowlog_field_get(field)->type : FLOWLOG_TYPE_TEXT;
        c->name = field ? flowlog_field_get(field)->name : b->name[i];
        c->validity = calloc((rows + 63) / 64, 8);
        if (test_type_width(c->type)) c->values = calloc(rows, test_type_width(c->type));
        if (c->type == FLOWLOG_TYPE_ADDR) c->family = calloc(rows, 1);
        if (c->type == FLOWLOG_TYPE_ADDR) c->wide = malloc(rows * sizeof *c->wide);
        if (c->type == FLOWLOG_TYPE_ENUM || c->type == FLOWLOG_TYPE_TEXT) c->spans = calloc(rows, sizeof *c->spans);
        for (uint32_t r = 0; r < rows; r++) {
            const char *cell = cells[(size_t)r * columns + i];
            if (cell) c->present = 1;
            if (!cell || !strcmp(cell, "-")) c->null_count++;
            else test_batch_cell(b, c, r, cell);
            if (field == FLOWLOG_FIELD_LOG_STATUS) b->status[r] = ((const uint8_t *)c->values)[r];
        }
    }
    return b;
}

static void test_batch_free(struct test_batch *b)
{
    for (uint32_t i = 0; i < b->batch.columns; i++) {
        flowlog_column *c = &b->column[i];
        free((void *)(uintptr_t)c->validity);
        free((void *)(uintptr_t)c->values);
        free((void *)(uintptr_t)c->family);
        free((void *)(uintptr_t)c->wide);
        free((void *)(uintptr_t)c->spans);
    }
    free(b->status);
    free(b->text);
    free(b);
}

#endif
