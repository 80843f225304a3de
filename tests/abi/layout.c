/* SPDX-License-Identifier: MIT */
/*
 * layout.c - the sizes and offsets of the public structures, as binaries of other languages rely on them.
 *
 * A change here is a change of the ABI: it needs a new minor version (before 1.0) and a CHANGELOG entry.
 * Checked where pointers have 64 bits; elsewhere only the structures without pointers are.
 */
#include <stddef.h>
#include <stdio.h>

#include "flowlog.h"

#define SIZE(type, size) _Static_assert(sizeof(type) == (size), "the size of " #type " is part of the ABI")
#define AT(type, member, offset) \
    _Static_assert(offsetof(type, member) == (offset), "the place of " #type "." #member " is part of the ABI")

/* base.h */
SIZE(flowlog_status, 4);
SIZE(flowlog_error, 256);
AT(flowlog_error, status, 0);
AT(flowlog_error, column, 4);
AT(flowlog_error, offset, 8);
AT(flowlog_error, line, 16);
AT(flowlog_error, message, 24);

/* value.h */
SIZE(flowlog_addr, 20);
AT(flowlog_addr, bytes, 0);
AT(flowlog_addr, family, 16);

/* token.h */
SIZE(flowlog_span, 8);
AT(flowlog_span, offset, 0);
AT(flowlog_span, len, 4);

/* reader.h */
SIZE(flowlog_bad_line, 144);
AT(flowlog_bad_line, file, 0);
AT(flowlog_bad_line, reason, 4);
AT(flowlog_bad_line, column, 6);
AT(flowlog_bad_line, line, 8);
AT(flowlog_bad_line, offset, 16);
AT(flowlog_bad_line, text_len, 24);
AT(flowlog_bad_line, text, 28);

SIZE(flowlog_counters, 1320);
AT(flowlog_counters, files, 0);
AT(flowlog_counters, bytes, 8);
AT(flowlog_counters, lines, 16);
AT(flowlog_counters, records, 24);
AT(flowlog_counters, nodata, 32);
AT(flowlog_counters, skipdata, 40);
AT(flowlog_counters, headers, 48);
AT(flowlog_counters, malformed, 56);
AT(flowlog_counters, skipped, 64);
AT(flowlog_counters, irregular, 72);
AT(flowlog_counters, ms_times, 80);
AT(flowlog_counters, odd_times, 88);
AT(flowlog_counters, reasons, 96);
AT(flowlog_counters, bad_lines, 160);
AT(flowlog_counters, bad_line, 168);

#if defined(__LP64__)
/* base.h */
SIZE(flowlog_alloc, 32);
AT(flowlog_alloc, alloc, 0);
AT(flowlog_alloc, resize, 8);
AT(flowlog_alloc, release, 16);
AT(flowlog_alloc, ctx, 24);

SIZE(flowlog_str, 16);
AT(flowlog_str, ptr, 0);
AT(flowlog_str, len, 8);

/* value.h */
SIZE(flowlog_value, 56);
AT(flowlog_value, type, 0);
AT(flowlog_value, is_null, 1);
AT(flowlog_value, code, 2);
AT(flowlog_value, billionths, 4);
AT(flowlog_value, number, 8);
AT(flowlog_value, addr, 16);
AT(flowlog_value, text, 40);

/* field.h */
SIZE(flowlog_field_info, 56);
AT(flowlog_field_info, field, 0);
AT(flowlog_field_info, version, 2);
AT(flowlog_field_info, type, 3);
AT(flowlog_field_info, vpc, 4);
AT(flowlog_field_info, tgw, 5);
AT(flowlog_field_info, name, 8);
AT(flowlog_field_info, underscore, 16);
AT(flowlog_field_info, insights, 24);
AT(flowlog_field_info, parquet, 32);
AT(flowlog_field_info, arrow, 40);
AT(flowlog_field_info, meaning, 48);

SIZE(flowlog_format_column, 16);
AT(flowlog_format_column, field, 0);
AT(flowlog_format_column, type, 2);
AT(flowlog_format_column, name_len, 4);
AT(flowlog_format_column, name, 8);

/* batch.h */
SIZE(flowlog_column, 56);
AT(flowlog_column, name, 0);
AT(flowlog_column, field, 8);
AT(flowlog_column, type, 10);
AT(flowlog_column, present, 11);
AT(flowlog_column, null_count, 12);
AT(flowlog_column, validity, 16);
AT(flowlog_column, values, 24);
AT(flowlog_column, family, 32);
AT(flowlog_column, wide, 40);
AT(flowlog_column, spans, 48);

SIZE(flowlog_batch, 80);
AT(flowlog_batch, rows, 0);
AT(flowlog_batch, columns, 4);
AT(flowlog_batch, column, 8);
AT(flowlog_batch, text, 16);
AT(flowlog_batch, text_len, 24);
AT(flowlog_batch, log_status, 32);
AT(flowlog_batch, lines, 40);
AT(flowlog_batch, line_numbers, 48);
AT(flowlog_batch, format, 56);
AT(flowlog_batch, file, 64);
AT(flowlog_batch, filter, 72);

/* filter.h */
SIZE(flowlog_filter_options, 32);
AT(flowlog_filter_options, struct_size, 0);
AT(flowlog_filter_options, flags, 4);
AT(flowlog_filter_options, format, 8);
AT(flowlog_filter_options, alloc, 16);
AT(flowlog_filter_options, now, 24);

/* reader.h */
SIZE(flowlog_reader_options, 48);
AT(flowlog_reader_options, struct_size, 0);
AT(flowlog_reader_options, flags, 4);
AT(flowlog_reader_options, fields, 8);
AT(flowlog_reader_options, format, 16);
AT(flowlog_reader_options, alloc, 24);
AT(flowlog_reader_options, batch_rows, 32);
AT(flowlog_reader_options, line_max, 36);
AT(flowlog_reader_options, filter, 40);

/* diagnose.h */
SIZE(flowlog_side, 40);
AT(flowlog_side, packets, 0);
AT(flowlog_side, bytes, 8);
AT(flowlog_side, first, 16);
AT(flowlog_side, last, 24);
AT(flowlog_side, records, 32);
AT(flowlog_side, tcp_flags, 36);
SIZE(flowlog_evidence, 32);
AT(flowlog_evidence, file, 0);
AT(flowlog_evidence, line, 8);
AT(flowlog_evidence, text, 16);
SIZE(flowlog_diagnosis_options, 48);
AT(flowlog_diagnosis_options, struct_size, 0);
AT(flowlog_diagnosis_options, flags, 4);
AT(flowlog_diagnosis_options, alloc, 8);
AT(flowlog_diagnosis_options, max_conversations, 16);
AT(flowlog_diagnosis_options, evidence, 20);
AT(flowlog_diagnosis_options, late, 24);
AT(flowlog_diagnosis_options, report, 32);
AT(flowlog_diagnosis_options, ctx, 40);
SIZE(flowlog_finding, 464);
AT(flowlog_finding, struct_size, 0);
AT(flowlog_finding, kind, 4);
AT(flowlog_finding, verdict, 5);
AT(flowlog_finding, layer, 6);
AT(flowlog_finding, direction, 7);
AT(flowlog_finding, phase, 8);
AT(flowlog_finding, confidence, 9);
AT(flowlog_finding, transition, 10);
AT(flowlog_finding, proof, 11);
AT(flowlog_finding, missing, 12);
AT(flowlog_finding, roles, 13);
AT(flowlog_finding, alts, 14);
AT(flowlog_finding, alt, 15);
AT(flowlog_finding, proto, 18);
AT(flowlog_finding, superseded, 19);
AT(flowlog_finding, sg_missing, 20);
AT(flowlog_finding, truncated, 21);
AT(flowlog_finding, client_port, 24);
AT(flowlog_finding, server_port, 26);
AT(flowlog_finding, client, 28);
AT(flowlog_finding, server, 48);
AT(flowlog_finding, peer, 68);
AT(flowlog_finding, eni, 88);
AT(flowlog_finding, other_eni, 104);
AT(flowlog_finding, subnet, 120);
AT(flowlog_finding, reason, 136);
AT(flowlog_finding, rule_acl, 152);
AT(flowlog_finding, rule_number, 168);
AT(flowlog_finding, sg_closest_kind, 172);
AT(flowlog_finding, sg_closest, 176);
AT(flowlog_finding, sg_groups, 192);
AT(flowlog_finding, change_row, 208);
AT(flowlog_finding, change_command, 224);
AT(flowlog_finding, request_accept, 240);
AT(flowlog_finding, request_reject, 280);
AT(flowlog_finding, reply_accept, 320);
AT(flowlog_finding, reply_reject, 360);
AT(flowlog_finding, first, 400);
AT(flowlog_finding, last, 408);
AT(flowlog_finding, records, 416);
AT(flowlog_finding, conversations, 424);
AT(flowlog_finding, clients, 432);
AT(flowlog_finding, lines, 440);
AT(flowlog_finding, line_count, 448);
AT(flowlog_finding, udp_timeout, 452);
AT(flowlog_finding, tcp_timeout, 456);

/* arrow.h: the first three are Arrow's */
SIZE(struct ArrowSchema, 72);
AT(struct ArrowSchema, format, 0);
AT(struct ArrowSchema, name, 8);
AT(struct ArrowSchema, metadata, 16);
AT(struct ArrowSchema, flags, 24);
AT(struct ArrowSchema, n_children, 32);
AT(struct ArrowSchema, children, 40);
AT(struct ArrowSchema, dictionary, 48);
AT(struct ArrowSchema, release, 56);
AT(struct ArrowSchema, private_data, 64);
SIZE(struct ArrowArray, 80);
AT(struct ArrowArray, length, 0);
AT(struct ArrowArray, null_count, 8);
AT(struct ArrowArray, offset, 16);
AT(struct ArrowArray, n_buffers, 24);
AT(struct ArrowArray, n_children, 32);
AT(struct ArrowArray, buffers, 40);
AT(struct ArrowArray, children, 48);
AT(struct ArrowArray, dictionary, 56);
AT(struct ArrowArray, release, 64);
AT(struct ArrowArray, private_data, 72);
SIZE(struct ArrowArrayStream, 40);
AT(struct ArrowArrayStream, get_schema, 0);
AT(struct ArrowArrayStream, get_next, 8);
AT(struct ArrowArrayStream, get_last_error, 16);
AT(struct ArrowArrayStream, release, 24);
AT(struct ArrowArrayStream, private_data, 32);
SIZE(flowlog_arrow_options, 48);
AT(flowlog_arrow_options, struct_size, 0);
AT(flowlog_arrow_options, flags, 4);
AT(flowlog_arrow_options, array_rows, 8);
AT(flowlog_arrow_options, reserved, 12);
AT(flowlog_arrow_options, alloc, 16);
AT(flowlog_arrow_options, damage, 24);
AT(flowlog_arrow_options, ctx, 32);
AT(flowlog_arrow_options, counters, 40);
#endif

int main(void)
{
    puts("the layout of the public structures is what it was (checked when this was compiled)");
    return 0;
}
