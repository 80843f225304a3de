/* SPDX-License-Identifier: MIT */
/* tokenize.c - the public tokenizer (flowlog/token.h) over the kernels of simd/. */
#include "decode/tokenize.h"

#include "core/error.h"
#include "flowlog/token.h"
#include "simd/kernels.h"

flowlog_status flowlog_count_lines(const char *text, size_t len, uint64_t *lines)
{
    if ((!text && len) || !lines) return FLOWLOG_E_ARGUMENT;
    const fl_kernels *k = flowlog__kernels();
    if (!k) return FLOWLOG_E_UNSUPPORTED;
    *lines = len ? k->count_newlines((const uint8_t *)text, len) + (text[len - 1] != '\n') : 0;
    return FLOWLOG_OK;
}

flowlog_status flowlog_tokenize(const char *text, size_t len, uint32_t *ends, size_t cap, size_t *count,
                                size_t *used)
{
    if ((!text && len) || !ends || !count || !used || cap < FL_ENDS_SLOP) return FLOWLOG_E_ARGUMENT;
    const fl_kernels *k = flowlog__kernels();
    if (!k) return FLOWLOG_E_UNSUPPORTED;

    /* The kernel wants room for as many ends as bytes, plus slop; parts of a multiple of 64 keep that. */
    size_t done = 0, n = 0;
    while (done < len && cap - n >= 2 * FL_ENDS_SLOP && done < UINT32_MAX) {
        size_t part = (cap - n - FL_ENDS_SLOP) & ~(size_t)63;
        fl_scan scan;
        if (part > len - done) part = len - done;
        if (part > UINT32_MAX - done) part = UINT32_MAX - done;
        const size_t found = k->scan_ends((const uint8_t *)text + done, part, ends + n, &scan);
        for (size_t i = 0; done && i < found; i++) ends[n + i] += (uint32_t)done;
        n += found;
        done += part;
    }
    /* What is left of a small array: byte by byte, as long as 64 more surely fit or the text ends. */
    while (done < len && done < UINT32_MAX && n < cap && (cap - n >= 64 || len - done <= cap - n)) {
        if (fl_is_end((uint8_t)text[done])) ends[n++] = (uint32_t)done;
        done++;
    }
    *count = n;
    *used = done;
    return FLOWLOG_OK;
}

void flowlog__trim_line(const uint8_t *p, size_t *start, size_t *end)
{
    size_t s = *start, e = *end;
    if (e > s && p[e - 1] == '\n') e--;
    if (e > s && p[e - 1] == '\r') e--;
    while (e > s && fl_is_gap(p[e - 1])) e--;
    while (s < e && fl_is_gap(p[s])) s++;
    *start = s;
    *end = e;
}

/* Fields of p[start..end) between single blanks, or between runs of them; SIZE_MAX: an empty field. */
static size_t split(const uint8_t *p, size_t start, size_t end, int runs, flowlog_span *fields, size_t cap)
{
    size_t n = 0;
    for (size_t i = start; i < end;) {
        const size_t first = i;
        while (i < end && !fl_is_gap(p[i])) i++;
        if (i == first) return SIZE_MAX;
        if (n < cap) fields[n] = (flowlog_span){(uint32_t)first, (uint32_t)(i - first)};
        n++;
        if (i < end && !runs && p[i] == '\t') return SIZE_MAX;
        if (i < end) i++;
        while (runs && i < end && fl_is_gap(p[i])) i++;
    }
    return n;
}

flowlog_status flowlog_split_line(const char *line, size_t len, uint32_t expected, flowlog_span *fields,
                                  size_t cap, size_t *count, flowlog_error *err)
{
    size_t start = 0, end = len;
    const uint8_t *p = (const uint8_t *)line;
    if ((!line && len) || (!fields && cap) || !count || len > UINT32_MAX)
        return FL_FAIL(err, FLOWLOG_E_ARGUMENT, "no line, no place for its fields, or a line beyond 4 GiB");
    flowlog__trim_line(p, &start, &end);
    for (size_t i = start; i < end; i++)
        if (fl_is_end(p[i]) && !fl_is_gap(p[i]))
            return flowlog__fail_at(err, FLOWLOG_E_MALFORMED, i, 0, (uint32_t)i + 1, "control character 0x%02X",
                                    p[i]);
    size_t n = expected ? split(p, start, end, 0, fields, cap) : SIZE_MAX;
    if (n == SIZE_MAX || n != expected) n = split(p, start, end, 1, fields, cap);
    *count = n;
    return FLOWLOG_OK;
}
