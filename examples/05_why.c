/* SPDX-License-Identifier: MIT */
/*
 * 05_why.c - why can A not reach B?  A log, two addresses and a port in, one sentence out.
 *
 *     05_why examples/data/why/flows.log 10.0.1.5 10.0.2.6 5432 [rules.json]
 *
 * The rules are optional: what `aws ec2 describe-network-acls` and its likes print.
 */
#include <flowlog.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int answer(void *ctx, const flowlog_finding *f)
{
    char advice[4096];
    (void)ctx;
    if (f->kind != FLOWLOG_FINDING_QUERY) return 0; /* what the answer rests on */
    flowlog_finding_advice(f, advice, sizeof advice);
    printf("%s (%s), confidence %s\n%s\n", flowlog_verdict_name(f->verdict), flowlog_layer_meaning(f->layer),
           flowlog_confidence_name(f->confidence), advice);
    if (f->change_command.len) printf("%.*s\n", (int)f->change_command.len, f->change_command.ptr);
    return 0;
}

static flowlog_status load_rules(flowlog_diagnosis *d, const char *path, flowlog_error *err)
{
    static char json[1 << 20];
    FILE *f = fopen(path, "rb");
    const size_t len = f ? fread(json, 1, sizeof json, f) : 0;
    if (f) fclose(f);
    return flowlog_diagnosis_rules(d, json, len, err);
}

static flowlog_status read_log(flowlog_diagnosis *d, const char *path, flowlog_error *err)
{
    flowlog_reader_options options = FLOWLOG_READER_OPTIONS_INIT;
    flowlog_source *source = NULL;
    flowlog_reader *reader = NULL;
    const flowlog_batch *batch;
    options.fields = flowlog_diagnosis_fields(d);
    flowlog_status st = flowlog_source_file(path, &source, err);
    if (st >= 0) st = flowlog_reader_open(source, &options, &reader, err);
    if (st < 0) flowlog_source_close(source); /* an open reader owns it */
    while (st >= 0 && (st = flowlog_reader_next(reader, &batch, err)) == FLOWLOG_OK)
        st = flowlog_diagnosis_add(d, batch, err);
    flowlog_reader_close(reader);
    return st;
}

int main(int argc, char **argv)
{
    if (argc < 5) {
        fprintf(stderr, "usage: 05_why LOG CLIENT SERVER PORT [RULES.json]\n");
        return 2;
    }
    flowlog_error err = {0};
    flowlog_diagnosis *d = NULL;
    flowlog_addr client, server;
    flowlog_status st = flowlog_addr_parse(argv[2], strlen(argv[2]), &client);
    if (st >= 0) st = flowlog_addr_parse(argv[3], strlen(argv[3]), &server);
    if (st >= 0) st = flowlog_diagnosis_new(NULL, &d, &err);
    if (st >= 0) st = flowlog_diagnosis_query(d, &client, &server, (uint16_t)strtoul(argv[4], NULL, 10), &err);
    if (st >= 0 && argc > 5) st = load_rules(d, argv[5], &err);
    if (st >= 0) st = read_log(d, argv[1], &err);
    if (st >= 0) st = flowlog_diagnosis_finish(d, answer, NULL, &err);
    if (st < 0) fprintf(stderr, "%s: %s\n", flowlog_status_message(st), err.message);
    flowlog_diagnosis_free(d);
    return st < 0;
}
