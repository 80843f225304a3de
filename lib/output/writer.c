/* SPDX-License-Identifier: MIT */
/*
 * output/writer.c - rows to bytes: the buffer, and cells in every form but the table.
 *
 * What stands before each cell is made once, when the writer is opened: `{"srcaddr":` and `,"dstaddr":`
 * in JSON, a separator elsewhere.  After that a cell is a copy, a number and no decision.
 */
#include "output/writer.h"

#include "core/alloc.h"
#include "core/bytes.h"
#include "core/error.h"
#include "output/number.h"

/* Room for one cell that is no text: 31 bytes of a decimal, 39 of an address and its quotes, 43 of a prefix. */
#define CELL_MAX 64

void flowlog__writer_flush(flowlog_writer *writer)
{
    if (writer->used && !writer->failed && writer->write(writer->ctx, writer->buffer, writer->used))
        writer->failed = 1;
    writer->used = 0;
}

void flowlog__writer_put_long(flowlog_writer *writer, const char *data, size_t len)
{
    while (len) {
        const size_t room = FL_WRITER_BUFFER - writer->used, n = len < room ? len : room;
        memcpy(writer->buffer + writer->used, data, n);
        writer->used += n;
        data += n;
        len -= n;
        if (writer->used == FL_WRITER_BUFFER) flowlog__writer_flush(writer);
    }
}

size_t flowlog__format_share(char *out, uint64_t number)
{
    size_t len = fl_format_u64(out, number / 1000000000);
    uint32_t rest = (uint32_t)(number % 1000000000);
    if (!rest) return len;
    size_t digits = 9;
    for (; rest % 10 == 0; rest /= 10) digits--;
    out[len++] = '.';
    fl_put_digits(out + len, digits, rest);
    return len + digits;
}

/* Text before cell `column`: in JSON the brace or comma and the key; else the separator, nothing for column 0. */
static size_t make_prefix(const struct fl_form *form, uint32_t column, const char *name, char *out,
                          size_t cap)
{
    if (form != &flowlog__form_json) {
        if (cap && column) *out = form->separator;
        return column != 0;
    }
    char none[1];
    const size_t len = flowlog_json_quote(name, strlen(name), cap ? out + 1 : none, cap ? cap - 1 : 0);
    if (cap) {
        out[0] = column ? ',' : '{';
        out[1 + len] = ':'; /* over the NUL */
    }
    return len + 2;
}

static void put_header(flowlog_writer *w, const char *const *names)
{
    for (uint32_t c = 0; c < w->columns; c++) {
        if (c) fl_put_char(w, w->form->separator);
        w->form->text(w, names[c], strlen(names[c]));
    }
    fl_put_char(w, '\n');
}

flowlog_status flowlog_writer_open(flowlog_form form, const char *const *names, uint32_t columns,
                                   flowlog_write_fn write, void *ctx, const flowlog_alloc *alloc,
                                   flowlog_writer **writer, flowlog_error *err)
{
    static const struct fl_form *const forms[] = {NULL, &flowlog__form_json, &flowlog__form_csv,
                                                  &flowlog__form_tsv, &flowlog__form_text};
    if ((uint32_t)form >= sizeof forms / sizeof *forms)
        return FL_FAIL(err, FLOWLOG_E_ARGUMENT, "no form has the number %u", (unsigned)form);
    if (!names || !columns || !write || !writer)
        return FL_FAIL(err, FLOWLOG_E_ARGUMENT,
                       "names, at least one column, a function and a writer are needed");
    const struct fl_form *const f = forms[form];
    uint64_t prefix_len = 0;
    for (uint32_t c = 0; c < columns; c++) {
        if (!names[c]) return FL_FAIL(err, FLOWLOG_E_ARGUMENT, "the name of column %u is NULL", c + 1);
        if (f && f->fits && !f->fits(names[c], strlen(names[c])))
            return FL_FAIL(err, FLOWLOG_E_ARGUMENT,
                           "the name of column %u cannot stand in a header line", c + 1);
        if (f) prefix_len += make_prefix(f, c, names[c], NULL, 0);
    }
    /* Spans are 32 bits wide; a hundred million columns are not meant either. */
    if (prefix_len > UINT32_MAX / 2 || columns > UINT32_MAX / 64)
        return FL_FAIL(err, FLOWLOG_E_ARGUMENT, "%u columns are too many", columns);

    const size_t spans_len = f ? columns * sizeof(flowlog_span) : 0;
    const size_t own_len =
        sizeof(flowlog_writer) + spans_len + (size_t)prefix_len + 1 + FL_WRITER_BUFFER;
    const flowlog_alloc a = flowlog__alloc_or_default(alloc);
    flowlog_writer *w = flowlog__alloc(&a, own_len);
    if (!w) return FL_FAIL(err, FLOWLOG_E_MEMORY, "no memory for a writer of %u columns", columns);
    *w = (flowlog_writer){
        .alloc = a, .own_len = own_len, .form = f, .write = write, .ctx = ctx, .columns = columns};
    w->prefix = (flowlog_span *)(w + 1);
    w->prefix_text = (char *)(w + 1) + spans_len;
    w->buffer = w->prefix_text + prefix_len + 1;
    if (f) {
        size_t at = 0;
        for (uint32_t c = 0; c < columns; c++) {
            const size_t len =
                make_prefix(f, c, names[c], w->prefix_text + at, (size_t)prefix_len + 1 - at);
            w->prefix[c] = (flowlog_span){(uint32_t)at, (uint32_t)len};
            at += len;
        }
        if (f->header) put_header(w, names);
    } else {
        const flowlog_status status = flowlog__table_new(w, names, err);
        if (status < 0) {
            flowlog__release(&a, w, own_len);
            return status;
        }
    }
    *writer = w;
    return FLOWLOG_OK;
}

FL_INLINE void put_prefix(flowlog_writer *w, uint32_t column)
{
    fl_put(w, w->prefix_text + w->prefix[column].offset, w->prefix[column].len);
}

FL_INLINE void put_null(flowlog_writer *w) { fl_put(w, w->form->null_text, w->form->null_len); }

static void put_addr(flowlog_writer *w, const flowlog_addr *addr)
{
    char *const out = fl_room(w, CELL_MAX);
    const unsigned quotes = w->form->quotes_addr;
    size_t len = quotes;
    out[0] = '"';
    len += fl_format_addr(out + len, addr);
    out[len] = '"';
    w->used += len + quotes;
}

FL_INLINE void end_row(flowlog_writer *w)
{
    if (w->form == &flowlog__form_json) fl_put_char(w, '}');
    fl_put_char(w, '\n');
}

static flowlog_status check(const flowlog_writer *w, flowlog_error *err)
{
    if (w->finished) return FL_FAIL(err, FLOWLOG_E_STATE, "the writer is finished");
    if (w->failed) return FL_FAIL(err, FLOWLOG_E_IO, "the output could not be written");
    return FLOWLOG_OK;
}

static flowlog_status cannot_hold(flowlog_error *err, uint32_t column)
{
    return FL_FAIL(err, FLOWLOG_E_ARGUMENT,
                   "the text of column %u is empty or holds blanks, which records cannot", column + 1);
}

static flowlog_status check_values(const flowlog_writer *w, const flowlog_value *values,
                                   flowlog_error *err)
{
    for (uint32_t c = 0; c < w->columns; c++) {
        const flowlog_value *const v = &values[c];
        if (v->is_null) continue;
        if (v->type == FLOWLOG_TYPE_TEXT || v->type == FLOWLOG_TYPE_ENUM) {
            if (!v->text.ptr && v->text.len)
                return FL_FAIL(err, FLOWLOG_E_ARGUMENT, "the text of column %u is NULL", c + 1);
            if (w->form && w->form->fits && !w->form->fits(v->text.ptr, v->text.len))
                return cannot_hold(err, c);
        } else if ((v->type < FLOWLOG_TYPE_TEXT || v->type > FLOWLOG_TYPE_SERVICE) &&
                   v->type != FLOWLOG_TYPE_SHARE) {
            return FL_FAIL(err, FLOWLOG_E_ARGUMENT, "column %u has the type %u, which there is not",
                           c + 1, (unsigned)v->type);
        }
    }
    return FLOWLOG_OK;
}

static void put_value(flowlog_writer *w, const flowlog_value *v)
{
    if (v->is_null) {
        put_null(w);
        return;
    }
    switch (v->type) {
    case FLOWLOG_TYPE_U32:
    case FLOWLOG_TYPE_U64: w->used += fl_format_u64(fl_room(w, CELL_MAX), v->number); break;
    case FLOWLOG_TYPE_TIME: w->used += fl_format_i64(fl_room(w, CELL_MAX), (int64_t)v->number); break;
    case FLOWLOG_TYPE_SHARE: w->used += flowlog__format_share(fl_room(w, CELL_MAX), v->number); break;
    case FLOWLOG_TYPE_ADDR:
        if (v->addr.family == 4 || v->addr.family == 6) put_addr(w, &v->addr);
        else put_null(w);
        break;
    case FLOWLOG_TYPE_DECIMAL: w->used += flowlog_value_format(v, fl_room(w, CELL_MAX), CELL_MAX); break;
    case FLOWLOG_TYPE_NET:
    case FLOWLOG_TYPE_SERVICE: {
        char text[CELL_MAX];
        w->form->text(w, text, flowlog_value_format(v, text, sizeof text));
        break;
    }
    default: w->form->text(w, v->text.len ? v->text.ptr : "", v->text.len); break;
    }
}

flowlog_status flowlog_writer_row(flowlog_writer *w, const flowlog_value *values, flowlog_error *err)
{
    if (!w || !values) return FL_FAIL(err, FLOWLOG_E_ARGUMENT, "a writer and values are needed");
    FL_TRY(check(w, err));
    FL_TRY(check_values(w, values, err));
    if (!w->form) FL_TRY(flowlog__table_row(w, values, err));
    else {
        for (uint32_t c = 0; c < w->columns; c++) {
            put_prefix(w, c);
            put_value(w, &values[c]);
        }
        end_row(w);
    }
    return w->failed ? check(w, err) : FLOWLOG_OK;
}

/* The text of cell r: a known enumeration token in AWS's case, else as it stands. */
FL_INLINE flowlog_str cell_text(const flowlog_batch *batch, const flowlog_column *column, uint32_t r)
{
    if (column->type == FLOWLOG_TYPE_ENUM) {
        const uint8_t code = ((const uint8_t *)column->values)[r];
        const char *const name = code ? flowlog_enum_name(column->field, code) : NULL;
        if (name) return (flowlog_str){name, strlen(name)};
    }
    return (flowlog_str){batch->text + column->spans[r].offset, column->spans[r].len};
}

FL_INLINE void put_cell(flowlog_writer *w, const flowlog_batch *batch, const flowlog_column *column,
                        uint32_t r)
{
    if (!fl_bit_get(column->validity, r)) {
        put_null(w);
        return;
    }
    switch (column->type) {
    case FLOWLOG_TYPE_U32:
        w->used += fl_format_u32(fl_room(w, CELL_MAX), ((const uint32_t *)column->values)[r]);
        break;
    case FLOWLOG_TYPE_U64:
        w->used += fl_format_u64(fl_room(w, CELL_MAX), ((const uint64_t *)column->values)[r]);
        break;
    case FLOWLOG_TYPE_TIME:
        w->used += fl_format_i64(fl_room(w, CELL_MAX), ((const int64_t *)column->values)[r]);
        break;
    case FLOWLOG_TYPE_ADDR:
        if (column->family[r] == 4) {
            char *const out = fl_room(w, CELL_MAX);
            const unsigned quotes = w->form->quotes_addr;
            out[0] = '"';
            const size_t len =
                quotes + fl_format_ipv4(out + quotes, ((const uint32_t *)column->values)[r]);
            out[len] = '"';
            w->used += len + quotes;
        } else if (column->family[r] == 6) {
            flowlog_addr addr = {.family = 6};
            memcpy(addr.bytes, column->wide[r], 16);
            put_addr(w, &addr);
        } else {
            put_null(w);
        }
        break;
    default: {
        const flowlog_str s = cell_text(batch, column, r);
        w->form->text(w, s.ptr, s.len);
        break;
    }
    }
}

static flowlog_status check_cells(const flowlog_writer *w, const flowlog_batch *batch, uint32_t r,
                                  flowlog_error *err)
{
    for (uint32_t c = 0; c < w->columns; c++) {
        const flowlog_column *const column = &batch->column[c];
        if ((column->type != FLOWLOG_TYPE_TEXT && column->type != FLOWLOG_TYPE_ENUM) ||
            !fl_bit_get(column->validity, r))
            continue;
        const flowlog_str s = cell_text(batch, column, r);
        if (!w->form->fits(s.ptr, s.len)) return cannot_hold(err, c);
    }
    return FLOWLOG_OK;
}

static flowlog_status table_rows(flowlog_writer *w, const flowlog_batch *batch, uint32_t first,
                                 uint32_t rows, flowlog_error *err)
{
    const size_t len = w->columns * sizeof(flowlog_value);
    flowlog_value *const values = flowlog__alloc(&w->alloc, len);
    if (!values) return FL_FAIL(err, FLOWLOG_E_MEMORY, "no memory for a row");
    flowlog_status status = FLOWLOG_OK;
    for (uint32_t r = first; status >= 0 && r < first + rows; r++) {
        for (uint32_t c = 0; status >= 0 && c < w->columns; c++)
            status = flowlog_batch_value(batch, r, c, &values[c]);
        if (status >= 0) status = flowlog_writer_row(w, values, err);
    }
    flowlog__release(&w->alloc, values, len);
    return status;
}

flowlog_status flowlog_writer_batch(flowlog_writer *w, const flowlog_batch *batch, uint32_t first,
                                    uint32_t rows, flowlog_error *err)
{
    if (!w || !batch) return FL_FAIL(err, FLOWLOG_E_ARGUMENT, "a writer and a batch are needed");
    if (batch->columns != w->columns)
        return FL_FAIL(err, FLOWLOG_E_ARGUMENT, "the batch has %u columns, the writer %u",
                       batch->columns, w->columns);
    if (first > batch->rows || rows > batch->rows - first)
        return FL_FAIL(err, FLOWLOG_E_ARGUMENT, "the batch has only %u rows", batch->rows);
    FL_TRY(check(w, err));
    if (!w->form) return table_rows(w, batch, first, rows, err);
    for (uint32_t r = first; r < first + rows; r++) {
        if (w->form->fits) FL_TRY(check_cells(w, batch, r, err));
        for (uint32_t c = 0; c < w->columns; c++) {
            put_prefix(w, c);
            put_cell(w, batch, &batch->column[c], r);
        }
        end_row(w);
        if (FL_UNLIKELY(w->failed)) return check(w, err);
    }
    return FLOWLOG_OK;
}

flowlog_status flowlog_writer_finish(flowlog_writer *w, flowlog_error *err)
{
    if (!w) return FL_FAIL(err, FLOWLOG_E_ARGUMENT, "a writer is needed");
    FL_TRY(check(w, err));
    if (!w->form) flowlog__table_finish(w);
    flowlog__writer_flush(w);
    FL_TRY(check(w, err));
    w->finished = 1;
    return FLOWLOG_OK;
}

void flowlog_writer_close(flowlog_writer *w)
{
    if (!w) return;
    if (!w->form) flowlog__table_free(w);
    const flowlog_alloc a = w->alloc;
    flowlog__release(&a, w, w->own_len);
}
