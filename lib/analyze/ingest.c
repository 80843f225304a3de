/* SPDX-License-Identifier: MIT */
/*
 * ingest.c - batches into conversations.
 *
 * Rows are taken in chunks: all keys first, while the directory is fetched; then the places, while the conversations
 * are fetched; then the segments.  So a record waits for memory once and not three times.
 */
#include <string.h>

#include "analyze/engine.h"
#include "core/bytes.h"
#include "core/error.h"

enum { CHUNK = 64 };

struct row {
    struct fl_conversation_key key;
    uint32_t place;
    uint32_t row; /* in the batch */
    uint64_t hash;
    struct fl_segment segment;
};

/* A column's cells, with defaults for a column that the format does not have. */
struct columns {
    const flowlog_batch *batch;
    const flowlog_column *c;
    uint32_t eni;       /* of the row */
};

static int has(const struct columns *s, unsigned col, uint32_t r) { return fl_bit_get(s->c[col].validity, r); }
static uint32_t u32_of(const struct columns *s, unsigned col, uint32_t r)
{
    return ((const uint32_t *)s->c[col].values)[r];
}
static uint64_t u64_of(const struct columns *s, unsigned col, uint32_t r)
{
    return ((const uint64_t *)s->c[col].values)[r];
}
static uint8_t code_of(const struct columns *s, unsigned col, uint32_t r)
{
    return ((const uint8_t *)s->c[col].values)[r];
}
static flowlog_str text_of(const struct columns *s, unsigned col, uint32_t r)
{
    const flowlog_span span = s->c[col].spans[r];
    const flowlog_str text = {s->batch->text + span.offset, span.len};
    return text;
}

/* Seconds of a time, within what 32 bits hold. */
static uint32_t seconds_of(const struct columns *s, unsigned col, uint32_t r)
{
    const int64_t t = ((const int64_t *)s->c[col].values)[r];
    return t < 0 ? 0 : t > (int64_t)UINT32_MAX - 2 ? UINT32_MAX - 2 : (uint32_t)t;
}

/* --- interfaces -------------------------------------------------------------------------------------------- */

static flowlog_status grow_interfaces(flowlog_diagnosis *d)
{
    if (d->iface && d->names.count < d->iface_cap) return FLOWLOG_OK;
    const uint32_t cap = d->iface ? d->iface_cap * 2 + 1 : 63;
    const size_t old = d->iface ? (size_t)d->iface_cap + 1 : 0;
    struct fl_interface *iface =
        flowlog__resize(&d->alloc, d->iface, old * sizeof *iface, ((size_t)cap + 1) * sizeof *iface);
    if (!iface) return FLOWLOG_E_MEMORY;
    memset(iface + old, 0, ((size_t)cap + 1 - old) * sizeof *iface);
    d->iface = iface;
    d->iface_cap = cap;
    return FLOWLOG_OK;
}

flowlog_status flowlog__diagnosis_interface(flowlog_diagnosis *d, flowlog_str name, uint32_t *eni)
{
    FL_TRY(grow_interfaces(d));
    return flowlog__intern(&d->names, &d->alloc, name.ptr, name.len, FL_INTERFACES_MAX, eni);
}

/* Negative, zero or positive, by bytes. */
static int compare_text(flowlog_str a, flowlog_str b)
{
    const int c = memcmp(a.ptr, b.ptr, a.len < b.len ? a.len : b.len);
    return c ? c : a.len < b.len ? -1 : a.len > b.len;
}

flowlog_status flowlog__diagnosis_subnet(flowlog_diagnosis *d, uint32_t eni, flowlog_str subnet, int told)
{
    struct fl_interface *iface = &d->iface[eni];
    if (iface->told_subnet && !told) return FLOWLOG_OK;
    if (iface->subnet && !told) {
        const flowlog_str have = fl_intern_text(&d->texts, iface->subnet);
        if (compare_text(have, subnet) <= 0) return FLOWLOG_OK;
    }
    iface->told_subnet = (uint8_t)told;
    return flowlog__intern(&d->texts, &d->alloc, subnet.ptr, subnet.len, UINT32_MAX, &iface->subnet);
}

/* The number of a name: most of them were there a moment ago. */
static flowlog_status number_of(flowlog_diagnosis *d, flowlog_str name, uint32_t *eni)
{
    if (name.len < 16 || name.len > 24) return flowlog__diagnosis_interface(d, name, eni);
    const uint64_t first = fl_load64(name.ptr), second = fl_load64(name.ptr + 8);
    const uint64_t last = fl_load64(name.ptr + name.len - 8);
    struct fl_recent_name *r = &d->recent[fl_hash_u64(second ^ last) % FL_RECENT_NAMES];
    if (!((r->word[0] ^ first) | (r->word[1] ^ second) | (r->word[2] ^ last) | (r->len ^ (uint32_t)name.len))) {
        *eni = r->eni;
        return FLOWLOG_OK;
    }
    FL_TRY(flowlog__diagnosis_interface(d, name, eni));
    *r = (struct fl_recent_name){{first, second, last}, (uint32_t)name.len, *eni};
    return FLOWLOG_OK;
}

/* When an interface has records: most of them are of a time of which it has others. */
static flowlog_status add_time(flowlog_diagnosis *d, uint32_t eni, uint32_t first, uint32_t last)
{
    struct fl_interface *i = &d->iface[eni];
    if (first >= i->known_first && last <= i->known_last) return FLOWLOG_OK;
    FL_TRY(flowlog__times_add(&i->active, &d->alloc, first, last));
    const uint32_t cell = (UINT32_C(1) << i->active.shift) - 1; /* cells are there as a whole */
    first &= ~cell;
    last |= cell;
    const int apart = first > (uint64_t)i->known_last + 1 || i->known_first > (uint64_t)last + 1 || !i->known_last;
    i->known_first = apart || first < i->known_first ? first : i->known_first;
    i->known_last = apart || last > i->known_last ? last : i->known_last;
    return FLOWLOG_OK;
}

/* The interface of a row into s->eni; 0 when it has none. */
static flowlog_status find_interface(flowlog_diagnosis *d, struct columns *s, uint32_t r)
{
    const int regional = !has(s, FL_COL_ENI, r);
    if (regional && !has(s, FL_COL_RESOURCE, r)) {
        s->eni = 0;
        return FLOWLOG_OK;
    }
    FL_TRY(number_of(d, text_of(s, regional ? FL_COL_RESOURCE : FL_COL_ENI, r), &s->eni));
    struct fl_interface *iface = &d->iface[s->eni];
    iface->facts |= FL_IFACE_SEEN | (regional ? FL_IFACE_REGIONAL : 0);
    if (s->c[FL_COL_INSTANCE].present)
        iface->facts |= has(s, FL_COL_INSTANCE, r) ? FL_IFACE_INSTANCE : FL_IFACE_NO_INSTANCE;
    if (s->c[FL_COL_TYPE].present && code_of(s, FL_COL_TYPE, r) > iface->type) iface->type = code_of(s, FL_COL_TYPE, r);
    if (s->c[FL_COL_SUBNET].present && has(s, FL_COL_SUBNET, r))
        return flowlog__diagnosis_subnet(d, s->eni, text_of(s, FL_COL_SUBNET, r), 0);
    return FLOWLOG_OK;
}

/* --- one row ----------------------------------------------------------------------------------------------- */

struct end {
    uint32_t addr, port;
    uint32_t v6;
};

static flowlog_status address_of(flowlog_diagnosis *d, const struct columns *s, unsigned col, uint32_t r, struct end *e)
{
    e->v6 = s->c[col].family[r] == 6;
    if (!e->v6) e->addr = u32_of(s, col, r);
    else return flowlog__intern(&d->wide, &d->alloc, s->c[col].wide[r], 16, UINT32_MAX, &e->addr);
    return FLOWLOG_OK;
}

flowlog_status flowlog__diagnosis_outer(flowlog_diagnosis *d, const struct fl_outer *outer, uint32_t *number)
{
    uint8_t bytes[12];
    fl_store32(bytes, outer->a);
    fl_store32(bytes + 4, outer->b);
    fl_store32(bytes + 8, outer->families);
    return flowlog__intern(&d->outers, &d->alloc, bytes, sizeof bytes, UINT32_MAX, number);
}

static flowlog_status make_outer(flowlog_diagnosis *d, const struct end *a, const struct end *b, uint32_t *number)
{
    const struct fl_outer outer = {a->addr, b->addr, a->v6 | b->v6 << 1};
    return flowlog__diagnosis_outer(d, &outer, number);
}

/* The key of a row, and whether it goes from B to A. */
static flowlog_status make_key(flowlog_diagnosis *d, const struct columns *s, uint32_t r, struct row *row)
{
    struct end from, to, outer_from, outer_to;
    FL_TRY(address_of(d, s, FL_COL_SRC, r, &outer_from));
    FL_TRY(address_of(d, s, FL_COL_DST, r, &outer_to));
    from = outer_from;
    to = outer_to;
    if (has(s, FL_COL_PSRC, r)) FL_TRY(address_of(d, s, FL_COL_PSRC, r, &from));
    if (has(s, FL_COL_PDST, r)) FL_TRY(address_of(d, s, FL_COL_PDST, r, &to));
    from.port = u32_of(s, FL_COL_SPORT, r) & 0xFFFF;
    to.port = u32_of(s, FL_COL_DPORT, r) & 0xFFFF;
    const int back = fl_end_compare(from.addr, from.v6, from.port, to.addr, to.v6, to.port) > 0;
    const struct end *a = back ? &to : &from, *b = back ? &from : &to;
    const uint32_t proto = u32_of(s, FL_COL_PROTO, r) & 0xFF;
    row->key = (struct fl_conversation_key){s->eni << 10 | b->v6 << 9 | a->v6 << 8 | proto, 0, a->addr, b->addr,
                                            a->port << 16 | b->port};
    row->segment.meta = back ? FL_SEG_BACK : 0;
    if (from.addr != outer_from.addr || to.addr != outer_to.addr || from.v6 != outer_from.v6 || to.v6 != outer_to.v6)
        FL_TRY(make_outer(d, back ? &outer_to : &outer_from, back ? &outer_from : &outer_to, &row->key.outer));
    row->hash = fl_conversation_hash(&row->key);
    return FLOWLOG_OK;
}

flowlog_status flowlog__diagnosis_reason(flowlog_diagnosis *d, flowlog_str text, uint32_t *number)
{
    const flowlog_status status =
        flowlog__intern(&d->reasons, &d->alloc, text.ptr, text.len, FL_REASONS_MAX, number);
    if (status != FLOWLOG_E_LIMIT) return status;
    *number = FL_REASON_SEVERAL;
    return FLOWLOG_OK;
}

static flowlog_status reason_of(flowlog_diagnosis *d, const struct columns *s, uint32_t r, uint32_t *meta)
{
    uint32_t reason = code_of(s, FL_COL_REASON, r);
    if (reason != FLOWLOG_REJECT_REASON_BPA && reason != FLOWLOG_REJECT_REASON_EC) {
        flowlog_str text = {flowlog_enum_name(FLOWLOG_FIELD_REJECT_REASON, reason), 0};
        if (text.ptr) text.len = strlen(text.ptr);
        else text = text_of(s, FL_COL_REASON, r);
        FL_TRY(flowlog__diagnosis_reason(d, text, &reason));
    }
    *meta |= reason << 16;
    return FLOWLOG_OK;
}

static flowlog_status make_segment(flowlog_diagnosis *d, const struct columns *s, uint32_t r, struct row *row)
{
    struct fl_segment *g = &row->segment;
    const int has_start = has(s, FL_COL_START, r), has_end = has(s, FL_COL_END, r);
    const uint32_t start = seconds_of(s, has_start ? FL_COL_START : FL_COL_END, r);
    const uint32_t end = seconds_of(s, has_end ? FL_COL_END : FL_COL_START, r);
    g->first = start < end ? start : end;
    g->last = start < end ? end : start;
    g->packets = u64_of(s, FL_COL_PACKETS, r);
    g->bytes = u64_of(s, FL_COL_BYTES, r);
    g->records = 1;
    if (g->last - g->first > d->span_max) d->span_max = g->last - g->first;
    if (code_of(s, FL_COL_ACTION, r) == FLOWLOG_ACTION_REJECT) {
        g->meta |= FL_SEG_REJECT;
        if (has(s, FL_COL_REASON, r)) FL_TRY(reason_of(d, s, r, &g->meta));
    }
    if (has(s, FL_COL_FLAGS, r)) {
        const uint32_t flags = u32_of(s, FL_COL_FLAGS, r) & 0xFF;
        g->meta |= FL_SEG_FLAGS | flags << 8;
        if (!(flags & FL_TCP_SYN)) g->meta |= FL_SEG_PLAIN;
        if ((flags & FL_TCP_SYNACK) == FL_TCP_SYN) g->meta |= FL_SEG_SYN;
        if ((flags & FL_TCP_SYNACK) == FL_TCP_SYNACK) g->meta |= FL_SEG_SYNACK;
    } else {
        g->meta |= FL_SEG_NO_FLAGS;
    }
    const unsigned way = code_of(s, FL_COL_DIR, r);
    if (way == FLOWLOG_DIRECTION_INGRESS) g->meta |= FL_SEG_IN;
    if (way == FLOWLOG_DIRECTION_EGRESS) g->meta |= FL_SEG_OUT;
    return FLOWLOG_OK;
}

/* NODATA and SKIPDATA. */
static flowlog_status add_gap(flowlog_diagnosis *d, const struct columns *s, uint32_t r, unsigned log_status)
{
    if (!s->eni || !has(s, FL_COL_START, r) || !has(s, FL_COL_END, r)) return FLOWLOG_OK;
    uint32_t first = seconds_of(s, FL_COL_START, r), last = seconds_of(s, FL_COL_END, r);
    if (first > last) return FLOWLOG_OK;
    if (first < d->first) d->first = first;
    if (last > d->last) d->last = last;
    struct fl_interface *iface = &d->iface[s->eni];
    if (log_status == FLOWLOG_LOG_STATUS_SKIPDATA)
        return flowlog__spans_add(&iface->skipped, &d->alloc, first, last, 1, 1);
    return flowlog__spans_add(&iface->silent, &d->alloc, first, last, 1, 0);
}

/* --- kept lines -------------------------------------------------------------------------------------------- */

static flowlog_status grow_lines(flowlog_diagnosis *d, uint32_t place, size_t text)
{
    if (place >= d->line_cap) {
        size_t cap = d->line_cap ? d->line_cap * 2 : 256;
        while (cap <= place) cap *= 2;
        const size_t size = d->evidence * sizeof *d->line;
        struct fl_line *line = flowlog__resize(&d->alloc, d->line, d->line_cap * size, cap * size);
        if (!line) return FLOWLOG_E_MEMORY;
        memset(line + d->line_cap * d->evidence, 0, (cap - d->line_cap) * size);
        d->line = line;
        d->line_cap = cap;
    }
    if (d->line_text_cap - d->line_text_len < text) {
        size_t cap = d->line_text_cap ? d->line_text_cap : 4096;
        while (cap - d->line_text_len < text) cap *= 2;
        char *p = flowlog__resize(&d->alloc, d->line_text, d->line_text_cap, cap);
        if (!p) return FLOWLOG_E_MEMORY;
        d->line_text = p;
        d->line_text_cap = cap;
    }
    return FLOWLOG_OK;
}

flowlog_status flowlog__diagnosis_keep_line(flowlog_diagnosis *d, uint32_t place, const struct fl_line *kept,
                                            flowlog_str text)
{
    const uint32_t file = kept->file;
    const uint64_t number = kept->line;
    FL_TRY(grow_lines(d, place, text.len));
    struct fl_line *line = d->line + (size_t)place * d->evidence;
    uint32_t at = 0, n = 0, same = d->evidence;
    for (; n < d->evidence && line[n].len; n++)
        if (line[n].len == text.len && memcmp(d->line_text + line[n].at, text.ptr, text.len) == 0) same = n;
    for (; at < n && (line[at].file != file ? line[at].file < file : line[at].line < number); at++) {}
    if (same < d->evidence) { /* identical lines are kept once, at their first place */
        if (same < at) return FLOWLOG_OK;
        struct fl_line moved = *kept;
        moved.at = line[same].at;
        memmove(line + at + 1, line + at, (same - at) * sizeof *line);
        line[at] = moved;
        return FLOWLOG_OK;
    }
    if (at == d->evidence) return FLOWLOG_OK;
    memmove(line + at + 1, line + at, (d->evidence - 1 - at) * sizeof *line);
    line[at] = *kept;
    line[at].at = d->line_text_len;
    memcpy(d->line_text + d->line_text_len, text.ptr, text.len);
    d->line_text_len += text.len;
    return FLOWLOG_OK;
}

/* --- batches ----------------------------------------------------------------------------------------------- */

/* Rows [first, first + n) to `rows`; returns how many of them count in *count. */
static flowlog_status decode(flowlog_diagnosis *d, struct columns *s, uint32_t first, uint32_t n, struct row *rows,
                             uint32_t *count)
{
    for (uint32_t r = first; r < first + n; r++) {
        const unsigned log_status = s->batch->log_status[r];
        FL_TRY(find_interface(d, s, r));
        if (log_status == FLOWLOG_LOG_STATUS_NODATA || log_status == FLOWLOG_LOG_STATUS_SKIPDATA) {
            FL_TRY(add_gap(d, s, r, log_status));
            continue;
        }
        const int complete = s->eni && has(s, FL_COL_SRC, r) && has(s, FL_COL_DST, r) && has(s, FL_COL_PROTO, r) &&
                             (has(s, FL_COL_START, r) || has(s, FL_COL_END, r)) && code_of(s, FL_COL_ACTION, r);
        if (!complete) {
            d->left_out++;
            continue;
        }
        struct row *row = &rows[(*count)++];
        row->row = r;
        FL_TRY(make_key(d, s, r, row));
        FL_TRY(make_segment(d, s, r, row));
        FL_TRY(add_time(d, s->eni, row->segment.first, row->segment.last));
        FL_PREFETCH(&d->table.slot[(row->hash >> 32) & (d->table.slots - 1)]);
    }
    return FLOWLOG_OK;
}

static flowlog_status add_chunk(flowlog_diagnosis *d, struct columns *s, uint32_t first, uint32_t n)
{
    struct row rows[CHUNK];
    uint32_t count = 0;
    FL_TRY(flowlog__conversations_reserve(&d->table, &d->alloc, n));
    FL_TRY(decode(d, s, first, n, rows, &count));
    for (uint32_t i = 0; i < count; i++) {
        rows[i].place = flowlog__conversation_place(&d->table, &rows[i].key, rows[i].hash);
        const char *c = (const char *)fl_conversation_at(&d->table, rows[i].place);
        FL_PREFETCH(c);
        FL_PREFETCH(c + 64);
    }
    for (uint32_t i = 0; i < count; i++) {
        const struct fl_segment *g = &rows[i].segment;
        FL_TRY(flowlog__conversation_add(&d->table, &d->alloc, rows[i].place, g));
        if (g->first < d->first) d->first = g->first;
        if (g->last > d->last) d->last = g->last;
        if (!d->evidence || !s->batch->lines) continue;
        const flowlog_span span = s->batch->lines[rows[i].row];
        const flowlog_str text = {s->batch->text + span.offset, span.len};
        const struct fl_line line = {s->batch->file, span.len, s->batch->line_numbers[rows[i].row], 0, g->first};
        FL_TRY(flowlog__diagnosis_keep_line(d, rows[i].place, &line, text));
    }
    d->records += count;
    return FLOWLOG_OK;
}

flowlog_status flowlog__diagnosis_ingest(flowlog_diagnosis *d, const flowlog_batch *batch, flowlog_error *err)
{
    struct columns s = {batch, batch->column, 0};
    if (!d->recent) d->recent = flowlog__alloc_zero(&d->alloc, FL_RECENT_NAMES * sizeof *d->recent);
    if (!d->recent) return FL_FAIL(err, FLOWLOG_E_MEMORY, "out of memory for conversations");
    for (uint32_t first = 0; first < batch->rows; first += CHUNK) {
        const uint32_t left = batch->rows - first;
        const flowlog_status status = add_chunk(d, &s, first, left < CHUNK ? left : CHUNK);
        if (status == FLOWLOG_E_LIMIT) return FL_FAIL(err, status, "too many interfaces or addresses");
        if (status < 0) return FL_FAIL(err, status, "out of memory for conversations");
    }
    return FLOWLOG_OK;
}

/* --- addresses --------------------------------------------------------------------------------------------- */

flowlog_addr flowlog__diagnosis_addr(const flowlog_diagnosis *d, uint32_t number, int v6)
{
    flowlog_addr addr;
    memset(&addr, 0, sizeof addr);
    addr.family = v6 ? 6 : 4;
    if (v6) {
        memcpy(addr.bytes, fl_intern_text(&d->wide, number).ptr, 16);
    } else {
        for (unsigned i = 0; i < 4; i++) addr.bytes[i] = (uint8_t)(number >> (24 - 8 * i));
    }
    return addr;
}

uint32_t flowlog__diagnosis_addr_number(const flowlog_diagnosis *d, const flowlog_addr *addr, int *known)
{
    *known = 1;
    if (addr->family == 4)
        return (uint32_t)addr->bytes[0] << 24 | (uint32_t)addr->bytes[1] << 16 | (uint32_t)addr->bytes[2] << 8 |
               addr->bytes[3];
    const uint32_t number = addr->family == 6 ? flowlog__intern_find(&d->wide, addr->bytes, 16) : 0;
    *known = number != 0;
    return number;
}
