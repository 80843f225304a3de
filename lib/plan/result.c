/* SPDX-License-Identifier: MIT */
/*
 * result.c - the answer: rows of cells of one or two words, and the bytes that do not fit into them.
 *
 *   U32 U64 TIME SERVICE   the number
 *   DECIMAL                two words: what stands before the point; the sign and the billionths
 *   ADDR NET               family, bits of the prefix, and the IPv4 address or where the 16 bytes are
 *   ENUM of a code         the code
 *   ENUM OTHER, TEXT       two words: where the text is, and its length
 *
 * A row begins with a bit for each column that is null there; of an approximate plan, its error follows.
 */
#include "plan/result.h"

#include <string.h>

#include "core/alloc.h"
#include "core/error.h"

enum { NULL_WORDS = (FL_PLAN_COLUMNS + 63) / 64 };

struct result_column {
    const char *name;
    uint32_t type, word; /* of the row */
    uint16_t field;      /* ENUM: whose codes they are */
    uint8_t is_total, too_large;
    int estimated;
    uint64_t total; /* of COUNT and SUM */
};

struct flowlog_result {
    flowlog_alloc alloc;
    uint32_t keys, columns, words; /* of a row */
    int has_error;                 /* word NULL_WORDS of each row is its error */
    uint64_t rows, groups, null_keys, counted;
    struct result_column column[FL_PLAN_COLUMNS];
    char *names;
    size_t names_len;
    uint64_t *cells; /* [rows][words] */
    size_t cells_len;
    struct fl_bytes bytes;
};

void flowlog_result_free(flowlog_result *r)
{
    if (!r) return;
    const flowlog_alloc a = r->alloc;
    flowlog__release(&a, r->names, r->names_len);
    flowlog__release(&a, r->cells, r->cells_len);
    flowlog__bytes_free(&r->bytes);
    flowlog__release(&a, r, sizeof *r);
}

/* --- columns ---------------------------------------------------------------------------------------------- */

static flowlog_status set_names(flowlog_result *r, const flowlog_plan *plan)
{
    for (uint32_t c = 0; c < r->columns; c++) r->names_len += strlen(flowlog__plan_column(plan, c)) + 1;
    if (!r->columns) return FLOWLOG_OK;
    char *p = r->names = flowlog__alloc(&r->alloc, r->names_len);
    if (!p) return FLOWLOG_E_MEMORY;
    for (uint32_t c = 0; c < r->columns; c++) {
        const size_t len = strlen(flowlog__plan_column(plan, c)) + 1;
        memcpy(p, flowlog__plan_column(plan, c), len);
        r->column[c].name = p;
        p += len;
    }
    return FLOWLOG_OK;
}

static uint32_t width_of(uint32_t type)
{
    return type == FLOWLOG_TYPE_DECIMAL || type == FLOWLOG_TYPE_TEXT || type == FLOWLOG_TYPE_ENUM ? 2 : 1;
}

static void set_columns(flowlog_result *r, const struct fl_values *v)
{
    const flowlog_plan *plan = v->plan;
    r->has_error = plan->approximate;
    r->words = NULL_WORDS + (uint32_t)r->has_error;
    for (uint32_t c = 0; c < r->columns; c++) {
        struct result_column *column = &r->column[c];
        uint32_t field = FL_NONE;
        if (c < plan->keys) {
            column->type = plan->key[c].type;
            field = plan->key[c].field[0];
        } else {
            const struct fl_plan_out *out = &plan->out[c - plan->keys];
            const uint32_t operand = out->expr.output ? FL_OPERAND_OUT : out->expr.operand;
            column->type = out->type;
            if (operand >= FL_OPERAND_AGG && operand < FL_OPERAND_RATIO) {
                const uint32_t a = operand - FL_OPERAND_AGG, kind = plan->agg[a].kind;
                field = plan->agg[a].field;
                column->is_total = kind == FLOWLOG_AGG_COUNT || kind == FLOWLOG_AGG_SUM;
                column->total = v->total[a];
                column->too_large = v->too_large[a];
            }
        }
        if (field != FL_NONE) column->field = plan->field[field].field;
        column->word = r->words;
        r->words += width_of(column->type);
    }
}

/* --- cells ------------------------------------------------------------------------------------------------ */

static uint64_t put_bytes(struct fl_bytes *bytes, const void *data, size_t len)
{
    const uint64_t at = bytes->len;
    flowlog__bytes_put(bytes, data, len);
    return at;
}

static void put_cell(flowlog_result *r, uint64_t *row, uint32_t c, const flowlog_value *v)
{
    uint64_t *cell = row + r->column[c].word;
    if (v->is_null) {
        row[c / 64] |= UINT64_C(1) << c % 64;
        return;
    }
    switch (r->column[c].type) {
    case FLOWLOG_TYPE_DECIMAL:
        cell[0] = v->number;
        cell[1] = (uint64_t)v->code << 32 | v->billionths;
        break;
    case FLOWLOG_TYPE_ADDR:
    case FLOWLOG_TYPE_NET:
        cell[0] = v->addr.family | (uint64_t)v->code << 8;
        if (v->addr.family == 6) cell[0] |= put_bytes(&r->bytes, v->addr.bytes, 16) << 16;
        else for (int i = 0; i < 4; i++) cell[0] |= (uint64_t)v->addr.bytes[i] << (16 + 8 * i);
        break;
    case FLOWLOG_TYPE_ENUM:
    case FLOWLOG_TYPE_TEXT:
        cell[0] = v->code ? v->code : put_bytes(&r->bytes, v->text.ptr, v->text.len);
        cell[1] = v->code ? UINT64_MAX : v->text.len; /* no text is that long */
        break;
    default: cell[0] = v->number;
    }
}

static void get_cell(const flowlog_result *r, const uint64_t *row, uint32_t c, flowlog_value *v)
{
    const uint64_t *cell = row + r->column[c].word;
    memset(v, 0, sizeof *v);
    v->type = (uint8_t)r->column[c].type;
    v->is_null = row[c / 64] >> c % 64 & 1;
    if (v->is_null) return;
    switch (v->type) {
    case FLOWLOG_TYPE_DECIMAL:
        v->number = cell[0];
        v->code = (uint16_t)(cell[1] >> 32);
        v->billionths = (uint32_t)cell[1];
        break;
    case FLOWLOG_TYPE_ADDR:
    case FLOWLOG_TYPE_NET:
        v->addr.family = (uint32_t)(cell[0] & 255);
        v->code = (uint16_t)(cell[0] >> 8 & 255);
        if (v->addr.family == 6) memcpy(v->addr.bytes, r->bytes.p + (size_t)(cell[0] >> 16), 16);
        else for (int i = 0; i < 4; i++) v->addr.bytes[i] = (uint8_t)(cell[0] >> (16 + 8 * i));
        break;
    case FLOWLOG_TYPE_ENUM:
    case FLOWLOG_TYPE_TEXT:
        if (cell[1] == UINT64_MAX) {
            const char *name = flowlog_enum_name(r->column[c].field, (uint32_t)cell[0]);
            v->code = (uint16_t)cell[0];
            v->text = (flowlog_str){name ? name : "", name ? strlen(name) : 0};
        } else {
            v->text = (flowlog_str){cell[1] ? (const char *)r->bytes.p + (size_t)cell[0] : "", (size_t)cell[1]};
        }
        break;
    default: v->number = cell[0];
    }
}

static flowlog_status set_rows(flowlog_result *r, const struct fl_values *v, const struct fl_ranking *ranking)
{
    if (ranking->count > SIZE_MAX / sizeof(uint64_t) / r->words) return FLOWLOG_E_MEMORY;
    r->rows = ranking->count;
    if (!ranking->count) return FLOWLOG_OK;
    r->cells_len = ranking->count * r->words * sizeof(uint64_t);
    r->cells = flowlog__alloc_zero(&r->alloc, r->cells_len);
    struct fl_row *row = flowlog__alloc(&r->alloc, sizeof *row);
    if (!r->cells || !row) {
        flowlog__release(&r->alloc, row, sizeof *row);
        return FLOWLOG_E_MEMORY;
    }
    uint64_t uses[FL_OPERAND_WORDS] = {0};
    for (uint32_t k = 0; k < r->keys; k++) uses[k / 64] |= UINT64_C(1) << k % 64;
    for (uint32_t o = 0; o < v->plan->outs; o++) {
        const struct fl_plan_expr *e = &v->plan->out[o].expr;
        for (uint32_t w = 0; w < FL_OPERAND_WORDS; w++) uses[w] |= e->uses[w];
        if (e->output) uses[(FL_OPERAND_OUT + o) / 64] |= UINT64_C(1) << (FL_OPERAND_OUT + o) % 64;
    }
    for (size_t i = 0; i < ranking->count; i++) {
        uint64_t *cells = r->cells + i * r->words;
        flowlog__values_row(v, ranking->ranked[i].group, uses, row);
        if (r->has_error) cells[NULL_WORDS] = flowlog__groups_error(v->groups, ranking->ranked[i].group);
        for (uint32_t c = 0; c < r->columns; c++) {
            int estimated = 0;
            const flowlog_value *value =
                c < r->keys ? &row->value[c] : flowlog__values_out(v, row, c - r->keys, &estimated);
            put_cell(r, cells, c, value);
            r->column[c].estimated |= estimated;
        }
    }
    flowlog__release(&r->alloc, row, sizeof *row);
    return r->bytes.failed ? FLOWLOG_E_MEMORY : FLOWLOG_OK;
}

flowlog_status flowlog__result_new(const struct fl_values *v, const struct fl_ranking *ranking,
                                   const flowlog_alloc *alloc, flowlog_result **result)
{
    flowlog_result *r = flowlog__alloc_zero(alloc, sizeof *r);
    if (!r) return FLOWLOG_E_MEMORY;
    r->alloc = *alloc;
    flowlog__bytes_init(&r->bytes, alloc);
    r->keys = v->plan->keys;
    r->columns = r->keys + v->plan->outs;
    r->groups = fl_groups_count(v->groups);
    r->null_keys = v->groups->null_keys;
    r->counted = v->groups->counted;
    flowlog_status status = set_names(r, v->plan);
    set_columns(r, v);
    if (status >= 0) status = set_rows(r, v, ranking);
    if (status < 0) {
        flowlog_result_free(r);
        return status;
    }
    *result = r;
    return FLOWLOG_OK;
}

/* --- what is asked of it ---------------------------------------------------------------------------------- */

uint64_t flowlog_result_rows(const flowlog_result *result) { return result ? result->rows : 0; }

uint32_t flowlog_result_columns(const flowlog_result *result) { return result ? result->columns : 0; }

uint32_t flowlog_result_keys(const flowlog_result *result) { return result ? result->keys : 0; }

const char *flowlog_result_name(const flowlog_result *result, uint32_t column)
{
    return column < flowlog_result_columns(result) ? result->column[column].name : NULL;
}

uint32_t flowlog_result_type(const flowlog_result *result, uint32_t column)
{
    return column < flowlog_result_columns(result) ? result->column[column].type : 0;
}

flowlog_status flowlog_result_value(const flowlog_result *result, uint64_t row, uint32_t column,
                                    flowlog_value *value)
{
    if (!result || !value || row >= result->rows || column >= result->columns) return FLOWLOG_E_ARGUMENT;
    get_cell(result, result->cells + (size_t)row * result->words, column, value);
    return FLOWLOG_OK;
}

flowlog_status flowlog_result_total(const flowlog_result *result, uint32_t column, uint64_t *total)
{
    if (!result || !total || column >= result->columns || !result->column[column].is_total) return FLOWLOG_E_ARGUMENT;
    if (result->column[column].too_large) return FLOWLOG_E_OVERFLOW;
    *total = result->column[column].total;
    return FLOWLOG_OK;
}

int flowlog_result_approximate(const flowlog_result *result, uint32_t column)
{
    return column < flowlog_result_columns(result) ? result->column[column].estimated : 0;
}

uint64_t flowlog_result_error(const flowlog_result *result, uint64_t row)
{
    if (!result || !result->has_error || row >= result->rows) return 0;
    return result->cells[(size_t)row * result->words + NULL_WORDS];
}

uint64_t flowlog_result_groups(const flowlog_result *result) { return result ? result->groups : 0; }

uint64_t flowlog_result_null_keys(const flowlog_result *result) { return result ? result->null_keys : 0; }

uint64_t flowlog_result_counted(const flowlog_result *result) { return result ? result->counted : 0; }
