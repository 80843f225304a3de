/* SPDX-License-Identifier: MIT */
/*
 * merge.c - flowlog merge: partials of group, finished or made one.
 */
#include <stdio.h>
#include <string.h>

#include "answer.h"
#include "commands.h"

/* Partials added up: the first one that was loaded, and its plan. */
struct sum {
    flowlog_plan *plan;
    flowlog_run *run;
};

/* 0, or -1 after a message. */
static int read_all(const char *path, struct text *text)
{
    char buf[16384];
    FILE *const f = strcmp(path, "-") == 0 ? stdin : fopen(path, "rb");
    if (!f) {
        message_error("%s: cannot be opened", path);
        return -1;
    }
    for (size_t n; (n = fread(buf, 1, sizeof buf, f)) > 0;) text_add(text, buf, n);
    const int bad = ferror(f);
    if (f != stdin) fclose(f);
    if (bad) message_error("%s: cannot be read", path);
    return bad ? -1 : 0;
}

static int add(struct sum *sum, const char *path)
{
    struct text text = {NULL, 0, 0};
    struct sum one = {NULL, NULL};
    flowlog_error err;
    memset(&err, 0, sizeof err);
    flowlog_status status = FLOWLOG_E_IO;
    if (read_all(path, &text) == 0) {
        status = flowlog_run_load(text.ptr ? text.ptr : "", text.len, NULL, &one.plan, &one.run, &err);
        if (status >= 0 && sum->run) status = flowlog_run_merge(sum->run, one.run, &err);
        if (status < 0) message_error("%s: %s", path, err.message);
    }
    text_free(&text);
    if (status >= 0 && !sum->run) {
        *sum = one;
        return 0;
    }
    flowlog_run_free(one.run);
    flowlog_plan_free(one.plan);
    return status < 0 ? -1 : 0;
}

static int finish(const struct options *o, const struct sum *sum, struct out *out)
{
    flowlog_result *result = NULL;
    flowlog_error err;
    if (o->explain) return answer_explain(sum->plan, NULL, out);
    if (o->partial) return answer_save(sum->run, o->partial);
    if (flowlog_run_finish(sum->run, &result, &err) < 0) {
        message_error("%s", err.message);
        return -1;
    }
    answer_remarks(result, NULL);
    const int bad = answer_write(result, NULL, o->form, out);
    flowlog_result_free(result);
    return bad;
}

int command_merge(const struct options *o)
{
    struct out out = out_make(o->output);
    struct sum sum = {NULL, NULL};
    int bad = 0;
    if (!o->path_count) {
        message_error("no input: give files that 'flowlog group --partial' wrote");
        message_more("see 'flowlog merge --help'");
        return STATUS_FAILED;
    }
    for (size_t i = 0; i < o->path_count && !bad; i++) bad = add(&sum, o->paths[i]);
    if (!bad) bad = finish(o, &sum, &out);
    if (!bad && (!o->partial || o->explain)) bad = out_close(&out);
    flowlog_run_free(sum.run);
    flowlog_plan_free(sum.plan);
    return bad ? STATUS_FAILED : STATUS_DONE;
}
