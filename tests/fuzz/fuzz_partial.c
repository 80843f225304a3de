/* SPDX-License-Identifier: MIT */
/*
 * fuzz_partial.c - any bytes as a partial: as they stand, and as what stands between a right head and a right
 * checksum, which no fuzzer would find.
 *
 * What loads is a run that would be saved as these very bytes, can be finished, printed and merged with itself.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "codec/crc32.h"
#include "core/bytes.h"
#include "flowlog.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define CHECK(condition) \
    do { \
        if (!(condition)) abort(); \
    } while (0)

enum { HEAD = 20, TAIL = 4, BODY_MAX = 1 << 16 };

struct expected {
    const uint8_t *p;
    size_t len, at;
};

static int compare(void *ctx, const char *data, size_t len)
{
    struct expected *e = ctx;
    CHECK(len <= e->len - e->at && !memcmp(e->p + e->at, data, len));
    e->at += len;
    return 0;
}

static int swallow(void *ctx, const char *data, size_t len)
{
    size_t *total = ctx;
    CHECK(data || !len);
    *total += len;
    return 0;
}

static void check_texts(const flowlog_plan *plan)
{
    static size_t (*const print[])(const flowlog_plan *, char *, size_t) = {flowlog_plan_explain, flowlog_plan_remarks};
    for (size_t i = 0; i < sizeof print / sizeof *print; i++) {
        const size_t len = print[i](plan, NULL, 0);
        char *text = malloc(len + 1);
        CHECK(text && print[i](plan, text, len + 1) == len && strlen(text) == len);
        free(text);
    }
}

static void check_answer(flowlog_run *run)
{
    flowlog_result *result = NULL;
    flowlog_error err = {0};
    size_t total = 0;
    const flowlog_status status = flowlog_run_finish(run, &result, &err);
    if (status < 0) {
        CHECK(status == FLOWLOG_E_OVERFLOW && err.status == status); /* of a share */
        return;
    }
    CHECK(flowlog_write_result(result, FLOWLOG_FORM_JSON, swallow, &total, NULL, &err) == FLOWLOG_OK);
    flowlog_result_free(result);
}

static void check(const uint8_t *data, size_t len)
{
    flowlog_plan *plan = NULL, *plan2 = NULL;
    flowlog_run *run = NULL, *run2 = NULL;
    flowlog_error err = {0};
    const flowlog_status status = flowlog_run_load(data, len, NULL, &plan, &run, &err);
    if (status < 0) {
        CHECK(!plan && !run && err.status == status && err.message[0] && err.offset <= len);
        return;
    }
    struct expected e = {data, len, 0};
    CHECK(flowlog_run_save(run, compare, &e, NULL) == FLOWLOG_OK && e.at == len);
    check_texts(plan);
    check_answer(run);
    CHECK(flowlog_run_load(data, len, NULL, &plan2, &run2, NULL) == FLOWLOG_OK);
    const flowlog_status merged = flowlog_run_merge(run, run2, &err);
    CHECK(merged == FLOWLOG_OK || merged == FLOWLOG_E_OVERFLOW || merged == FLOWLOG_E_LIMIT);
    if (merged == FLOWLOG_OK) check_answer(run);
    flowlog_run_free(run2);
    flowlog_plan_free(plan2);
    flowlog_run_free(run);
    flowlog_plan_free(plan);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    check(data, len);
    if (len > BODY_MAX) return 0;
    uint8_t *whole = malloc(HEAD + len + TAIL);
    CHECK(whole);
    memcpy(whole, "FLOWPART\1\0\0", 12);
    fl_store64(whole + 12, len);
    if (len) memcpy(whole + HEAD, data, len);
    fl_store32(whole + HEAD + len, flowlog__crc32(0, whole, HEAD + len));
    check(whole, HEAD + len + TAIL);
    free(whole);
    return 0;
}
