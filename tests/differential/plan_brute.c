/* SPDX-License-Identifier: MIT */
/*
 * Random plans over random rows against a plain model: rows are cells of text, groups are found by comparing
 * every row with every group, sorting is by insertion.  Then properties: neither the order of rows nor how
 * they are cut into batches changes a byte of the answer.
 */
#include <criterion/criterion.h>
#include <time.h>

#include "flowlog/plan.h"
#include "support/batch_make.h"

TestSuite(brute, .timeout = 60);

static uint64_t state;
static uint32_t rnd(uint32_t n)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (uint32_t)((state >> 16) % n);
}

enum { COLUMNS = 12, ROWS_MAX = 700, CELL = 48 };
static const char *const names[COLUMNS] = {"srcaddr", "dstaddr", "dstport", "protocol", "action", "interface-id",
                                           "start", "bytes", "log-status", "odd-field", "hour",
                                           "weekday"};
enum { SRC, DST, PORT, PROTOCOL, ACTION, INTERFACE, START, BYTES, STATUS, ODD, HOUR, WEEKDAY };

struct table {
    uint32_t rows;
    char cell[ROWS_MAX][COLUMNS][CELL];
};

static void random_cell(char *cell, int column)
{
    static const char *const actions[] = {"ACCEPT", "REJECT", "MAYBE", "ALLOW", "ACCEPTED"};
    static const char *const v6[] = {"::", "::1", "2001:db8::1", "2001:db8::2", "::ffff:10.0.0.1", "ffff::"};
    static const char *const odd[] = {"", "a", "b", "ab", "a-rather-long-value-of-text", "\xC3\xA9", "A"};
    switch (column) {
    case SRC:
    case DST:
        if (!rnd(6)) strcpy(cell, v6[rnd(6)]);
        else sprintf(cell, "%u.0.%u.%u", 9 + rnd(3), rnd(2) * 255, rnd(4) * 85);
        break;
    case PORT: sprintf(cell, "%u", rnd(3) ? rnd(4) * 21 : 65530 + rnd(12)); break;
    case PROTOCOL: sprintf(cell, "%u", rnd(9) ? rnd(3) * 127 : 255 + rnd(3)); break;
    case ACTION: strcpy(cell, actions[rnd(5)]); break;
    case INTERFACE: sprintf(cell, "eni-0123456789abcde%02u", rnd(12)); break;
    case START:
        sprintf(cell, "%lld", rnd(9) ? 1700000000LL + rnd(5) * rnd(40000) : (long long)rnd(3) * 2000000000000LL - 5);
        break;
    case BYTES: sprintf(cell, "%llu", rnd(5) ? (unsigned long long)rnd(2000) : 1ULL << (30 + rnd(20))); break;
    case STATUS: strcpy(cell, rnd(8) ? "OK" : rnd(2) ? "NODATA" : rnd(2) ? "SKIPDATA" : "UNHEARD"); break;
    default: strcpy(cell, odd[rnd(7)]);
    }
    if (column != STATUS && !rnd(12)) strcpy(cell, "-");
}

/* The columns that records do not have, as the C library works them out. */
static void derive_cells(char (*cell)[CELL])
{
    struct tm tm;
    const time_t t = (time_t)atoll(cell[START]);
    strcpy(cell[HOUR], "-");
    strcpy(cell[WEEKDAY], "-");
    if (!strcmp(cell[START], "-")) return;
    cr_assert_not_null(gmtime_r(&t, &tm));
    sprintf(cell[HOUR], "%d", tm.tm_hour);
    sprintf(cell[WEEKDAY], "%d", tm.tm_wday ? tm.tm_wday : 7);
}

struct question {
    uint32_t keys, key[4], aggs, agg[3]; /* agg: 0 = count, else sum of that column */
    uint32_t sorts, sort[3], descending[3]; /* sort: output column */
    uint64_t limit;
    int keep_null;
};

struct group {
    const char *key[4];
    uint64_t agg[3];
};

static struct group model[ROWS_MAX];
static uint32_t model_groups;
static uint64_t model_null;

static int compare_cells(uint32_t column, const char *a, const char *b)
{
    const int na = !strcmp(a, "-"), nb = !strcmp(b, "-");
    if (na || nb) return nb - na;
    if (column == SRC || column == DST) {
        flowlog_addr x, y;
        cr_assert_eq(flowlog_addr_parse(a, strlen(a), &x), FLOWLOG_OK);
        cr_assert_eq(flowlog_addr_parse(b, strlen(b), &y), FLOWLOG_OK);
        return flowlog_addr_compare(&x, &y);
    }
    if (column == PORT || column == PROTOCOL || column == BYTES || column == START || column >= HOUR) {
        const long long x = atoll(a), y = atoll(b);
        return (x > y) - (x < y);
    }
    return strcmp(a, b);
}

static const struct question *question; /* of the comparison below */

static int compare_column(const struct group *a, const struct group *b, uint32_t c)
{
    if (c < question->keys) return compare_cells(question->key[c], a->key[c], b->key[c]);
    c -= question->keys;
    return (a->agg[c] > b->agg[c]) - (a->agg[c] < b->agg[c]);
}

static int compare_groups(const void *x, const void *y)
{
    const struct group *a = x, *b = y;
    for (uint32_t s = 0; s < question->sorts; s++) {
        const int c = compare_column(a, b, question->sort[s]);
        if (c) return question->descending[s] ? -c : c;
    }
    for (uint32_t k = 0; k < question->keys; k++) {
        const int c = compare_column(a, b, k);
        if (c) return c;
    }
    return 0;
}

static void answer_model(const struct question *q, const struct table *t)
{
    model_groups = q->keys ? 0 : 1;
    model_null = 0;
    int all_rows = q->keep_null; /* also those without traffic */
    for (uint32_t k = 0; k < q->keys; k++) all_rows |= q->key[k] == STATUS;
    memset(model, 0, sizeof model);
    for (uint32_t r = 0; r < t->rows; r++) {
        int null = 0;
        for (uint32_t k = 0; k < q->keys; k++) null |= !strcmp(t->cell[r][q->key[k]], "-");
        if (!q->keep_null) {
            if (!all_rows && (!strcmp(t->cell[r][STATUS], "NODATA") || !strcmp(t->cell[r][STATUS], "SKIPDATA")))
                continue;
            model_null += (uint64_t)null;
            if (null) continue;
        }
        uint32_t g = 0;
        for (; g < model_groups; g++) {
            int equal = 1;
            for (uint32_t k = 0; k < q->keys; k++)
                equal &= !compare_cells(q->key[k], model[g].key[k], t->cell[r][q->key[k]]);
            if (equal) break;
        }
        if (g == model_groups) model_groups++;
        for (uint32_t k = 0; k < q->keys; k++) model[g].key[k] = t->cell[r][q->key[k]];
        for (uint32_t a = 0; a < q->aggs; a++)
            model[g].agg[a] += q->agg[a] ? strtoull(t->cell[r][q->agg[a]], NULL, 10) : 1;
    }
    question = q;
    qsort(model, model_groups, sizeof model[0], compare_groups);
}

static flowlog_plan *make_plan(const struct question *q)
{
    flowlog_plan *p = NULL;
    char alias[16];
    cr_assert_eq(flowlog_plan_new(NULL, &p), FLOWLOG_OK);
    for (uint32_t k = 0; k < q->keys; k++) cr_assert_eq(flowlog_plan_key(p, names[q->key[k]], NULL), FLOWLOG_OK);
    for (uint32_t a = 0; a < q->aggs; a++) {
        sprintf(alias, "agg%u", a);
        cr_assert_eq(flowlog_plan_aggregate(p, q->agg[a] ? FLOWLOG_AGG_SUM : FLOWLOG_AGG_COUNT,
                                            q->agg[a] ? names[q->agg[a]] : NULL, alias, NULL), FLOWLOG_OK);
    }
    for (uint32_t s = 0; s < q->sorts; s++) {
        sprintf(alias, "agg%u", q->sort[s] - q->keys);
        cr_assert_eq(flowlog_plan_sort(p, q->sort[s] < q->keys ? names[q->key[q->sort[s]]] : alias,
                                       (int)q->descending[s], NULL), FLOWLOG_OK);
    }
    flowlog_plan_limit(p, q->limit);
    flowlog_plan_keep_null_keys(p, q->keep_null);
    return p;
}

/* A batch of the plan's fields from rows order[from..to). */
static struct test_batch *make_batch(const flowlog_plan *p, const struct table *t, const uint32_t *order,
                                     uint32_t from, uint32_t to)
{
    static const char *cells[ROWS_MAX * COLUMNS];
    size_t n = 0;
    const char *text = flowlog_plan_fields(p);
    for (uint32_t r = from; r < to; r++) {
        for (const char *f = text; *f;) {
            const size_t len = strcspn(f, ",");
            int c = 0;
            while (strncmp(names[c], f, len) || names[c][len]) c++;
            cells[n++] = t->cell[order[r]][c];
            f += len + (f[len] == ',');
        }
    }
    struct test_batch *b = test_batch_new(text, cells, to - from);
    for (uint32_t r = from; r < to; r++) {
        const char *s = t->cell[order[r]][STATUS];
        b->status[r - from] = (uint8_t)flowlog_enum_code(FLOWLOG_FIELD_LOG_STATUS, s, strlen(s));
    }
    return b;
}

static void format_cell(const flowlog_value *v, char *text)
{
    char addr[FLOWLOG_ADDR_TEXT_MAX];
    if (v->is_null) strcpy(text, "-");
    else if (v->type == FLOWLOG_TYPE_ADDR) {
        flowlog_addr_format(&v->addr, addr);
        strcpy(text, addr);
    } else if (v->type == FLOWLOG_TYPE_TEXT || v->type == FLOWLOG_TYPE_ENUM)
        sprintf(text, "%.*s", (int)v->text.len, v->text.ptr);
    else if (v->type == FLOWLOG_TYPE_TIME) sprintf(text, "%lld", (long long)v->number);
    else sprintf(text, "%llu", (unsigned long long)v->number);
}

static char answer[2][1 << 18];

/* The answer as text: rows, then groups, null keys, totals. */
static void ask(const flowlog_plan *p, const struct question *q, const struct table *t, const uint32_t *order,
                uint32_t most, char *out)
{
    flowlog_run *run;
    flowlog_result *result;
    flowlog_error err = {0};
    cr_assert_eq(flowlog_run_begin(p, NULL, &run), FLOWLOG_OK);
    for (uint32_t from = 0, to; from < t->rows; from = to) {
        to = from + 1 + rnd(most);
        if (to > t->rows) to = t->rows;
        struct test_batch *b = make_batch(p, t, order, from, to);
        cr_assert_eq(flowlog_run_add(run, &b->batch, &err), FLOWLOG_OK, "%s", err.message);
        test_batch_free(b);
    }
    cr_assert_eq(flowlog_run_finish(run, &result, &err), FLOWLOG_OK, "%s", err.message);
    flowlog_run_free(run);
    cr_assert_eq(flowlog_result_columns(result), q->keys + q->aggs);
    for (uint64_t r = 0; r < flowlog_result_rows(result); r++) {
        for (uint32_t c = 0; c < q->keys + q->aggs; c++) {
            flowlog_value v;
            cr_assert_eq(flowlog_result_value(result, r, c, &v), FLOWLOG_OK);
            format_cell(&v, out);
            out += strlen(out);
            *out++ = '|';
        }
        *out++ = '\n';
    }
    out += sprintf(out, "groups %llu null %llu", (unsigned long long)flowlog_result_groups(result),
                   (unsigned long long)flowlog_result_null_keys(result));
    for (uint32_t a = 0; a < q->aggs; a++) {
        uint64_t total = 0;
        cr_assert_eq(flowlog_result_total(result, q->keys + a, &total), FLOWLOG_OK);
        out += sprintf(out, " total %llu", (unsigned long long)total);
    }
    flowlog_result_free(result);
}

static void print_model(const struct question *q, char *out)
{
    const uint32_t rows = q->limit && q->limit < model_groups ? (uint32_t)q->limit : model_groups;
    uint64_t total[3] = {0};
    for (uint32_t r = 0; r < model_groups; r++)
        for (uint32_t a = 0; a < q->aggs; a++) total[a] += model[r].agg[a];
    for (uint32_t r = 0; r < rows; r++) {
        for (uint32_t k = 0; k < q->keys; k++) out += sprintf(out, "%s|", model[r].key[k]);
        for (uint32_t a = 0; a < q->aggs; a++) out += sprintf(out, "%llu|", (unsigned long long)model[r].agg[a]);
        *out++ = '\n';
    }
    out += sprintf(out, "groups %u null %llu", model_groups, (unsigned long long)model_null);
    for (uint32_t a = 0; a < q->aggs; a++) out += sprintf(out, " total %llu", (unsigned long long)total[a]);
}

static void random_question(struct question *q)
{
    memset(q, 0, sizeof *q);
    q->keys = rnd(5);
    for (uint32_t k = 0; k < q->keys; k++) {
    again:
        q->key[k] = rnd(COLUMNS);
        for (uint32_t j = 0; j < k; j++)
            if (q->key[j] == q->key[k]) goto again;
    }
    static const uint32_t sums[] = {0, BYTES, PORT, PROTOCOL};
    q->aggs = rnd(4);
    for (uint32_t a = 0; a < q->aggs; a++) q->agg[a] = sums[rnd(4)];
    const uint32_t columns = q->keys + q->aggs;
    for (uint32_t s = rnd(4); s > 0 && columns; s--) {
        const uint32_t c = rnd(columns);
        uint32_t j = 0;
        while (j < q->sorts && q->sort[j] != c) j++;
        if (j < q->sorts) continue;
        q->sort[q->sorts] = c;
        q->descending[q->sorts++] = rnd(2);
    }
    q->limit = rnd(2) ? 0 : 1 + rnd(20);
    q->keep_null = rnd(3) == 0;
}

static struct table table;

Test(brute, answers_equal_a_plain_model_whatever_the_order_and_the_batches)
{
    uint32_t order[ROWS_MAX];
    for (uint32_t round = 0; round < 400; round++) {
        state = UINT64_C(0x9E3779B97F4A7C15) * (round + 1);
        struct question q;
        random_question(&q);
        table.rows = rnd(8) ? rnd(200) : rnd(ROWS_MAX + 1);
        for (uint32_t r = 0; r < table.rows; r++) {
            order[r] = r;
            for (int c = 0; c < HOUR; c++) random_cell(table.cell[r][c], c);
            derive_cells(table.cell[r]);
        }
        flowlog_plan *p = make_plan(&q);
        ask(p, &q, &table, order, ROWS_MAX, answer[0]);
        answer_model(&q, &table);
        print_model(&q, answer[1]);
        cr_assert_str_eq(answer[0], answer[1], "round %u", round);
        for (uint32_t r = table.rows; r-- > 1;) {
            const uint32_t j = rnd(r + 1), swap = order[r];
            order[r] = order[j];
            order[j] = swap;
        }
        ask(p, &q, &table, order, 100, answer[1]);
        cr_assert_str_eq(answer[0], answer[1], "round %u, other order and batches", round);
        flowlog_plan_free(p);
    }
}
