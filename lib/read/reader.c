/* SPDX-License-Identifier: MIT */
/*
 * reader.c - flowlog_reader: inputs to blocks to batches, headers on the way, and every line counted once.
 *
 * next() looks for work from the inside out: rows of the current block, the next lines of the block, the
 * next block of the input, the next input.  Whatever is found first is done.
 */
#include "flowlog/reader.h"

#include <string.h>

#include "core/alloc.h"
#include "core/error.h"
#include "decode/tokenize.h"
#include "input/source.h"
#include "read/block.h"
#include "read/detect.h"
#include "read/layout.h"
#include "read/reader.h"
#include "read/rows.h"
#include "read/stream.h"
#include "schema/format.h"

#define BATCH_ROWS 1024                 /* default: the columns of a batch stay in L1 and L2 */
#define BATCH_ROWS_MAX 65536
#define BLOCK_BYTES ((size_t)32 << 10)  /* text and the places in it share L1 and L2; 16 to 64 KiB are alike */
#define BUFFER_BYTES ((size_t)256 << 10)
#define LINE_MAX_DEFAULT 65536
#define LINE_MAX_LIMIT ((size_t)1 << 20)

struct flowlog_reader {
    flowlog_alloc alloc;
    uint32_t flags;
    const fl_kernels *k;
    flowlog_source *source;
    flowlog_format *wanted; /* fields of the batches; NULL: all of each format */
    int none_wanted;        /* fields "": batches without columns */
    size_t line_max, block_bytes, bytes_max;

    fl_stream stream;
    fl_block block;
    fl_batcher batcher;
    flowlog_counters counters;

    fl_layout_entry *layout[FL_LAYOUTS_MAX];
    uint32_t layouts;
    fl_layout_entry *given;   /* of options.format, or NULL */
    fl_layout_entry *current; /* of the current input; NULL: not known yet */

    int file_open;
    uint32_t file;
    uint64_t line;   /* number of the next line that no block has */
    uint64_t offset; /* in the file, of the first byte of the window */
    int skipping;    /* within a line that is too long */
    int at_start;    /* of an input: a byte order mark may come */
    uint64_t begins; /* in its only input, where this reader does */
    uint64_t looked; /* so far was looked to know the format */
    int newline_added;

    int in_block;
    size_t rows_done; /* of block.rows */

    int held;             /* with a filter: what the last step found is still to be given: */
    flowlog_status held_status; /* rows (OK, they are in batcher.now) or an error, this one: */
    flowlog_error held_error;
    int showing;          /* the pending rows were given and are done with */

    int stopped;          /* READ_STOP_ON_BAD, once the rows before the line have been given */
    flowlog_error fatal;  /* permanent */
    int ended;
};

static const struct {
    const char *name, *message;
} reasons[FLOWLOG_REASONS] = {
    [0] = {"unknown", "unknown reason"},
#define X(name, number, text, message) [number] = {text, message},
    FLOWLOG_REASON_MAP(X)
#undef X
};

const char *flowlog_reason_name(uint32_t reason) { return reasons[reason < FLOWLOG_REASONS ? reason : 0].name; }

const char *flowlog_reason_message(uint32_t reason)
{
    return reasons[reason < FLOWLOG_REASONS ? reason : 0].message;
}

/* --- opening ------------------------------------------------------------------------------------------- */

/* Defaults for what a shorter, older struct lacks; a longer one must have zeros where we know nothing. */
static flowlog_status read_options(const flowlog_reader_options *given, flowlog_reader_options *o, flowlog_error *err)
{
    memset(o, 0, sizeof *o);
    if (!given) return FLOWLOG_OK;
    const size_t size = given->struct_size;
    if (size < 8) return FL_FAIL(err, FLOWLOG_E_ARGUMENT, "struct_size of the reader options is not set");
    memcpy(o, given, size < sizeof *o ? size : sizeof *o);
    for (size_t i = sizeof *o; i < size; i++)
        if (((const uint8_t *)given)[i])
            return FL_FAIL(err, FLOWLOG_E_ARGUMENT, "reader options of a newer version are set");
    const uint32_t known = FLOWLOG_READ_LINES | FLOWLOG_READ_STOP_ON_BAD | FLOWLOG_READ_RECORDS_ONLY;
    if (o->flags & ~known) return FL_FAIL(err, FLOWLOG_E_ARGUMENT, "unknown reader flags");
    if (o->batch_rows > BATCH_ROWS_MAX)
        return FL_FAIL(err, FLOWLOG_E_ARGUMENT, "batch_rows is above %d", BATCH_ROWS_MAX);
    if (o->line_max > LINE_MAX_LIMIT)
        return FL_FAIL(err, FLOWLOG_E_ARGUMENT, "line_max is above %zu", LINE_MAX_LIMIT);
    return FLOWLOG_OK;
}

/* Where a name that was read from the list `fields` stands in it, as a word of its own. */
static uint64_t name_offset(const char *fields, const char *name, size_t len)
{
    static const char between[] = " \t\r\n,${}\"'`";
    const char *at = fields + strspn(fields, between);
    while (*at) {
        const size_t n = strcspn(at, between);
        if (n == len && memcmp(at, name, n) == 0) break;
        at += n;
        at += strspn(at, between);
    }
    return (uint64_t)(at - fields);
}

static flowlog_status read_fields(flowlog_reader *r, const flowlog_reader_options *o, flowlog_error *err)
{
    if (!o->fields) return FLOWLOG_OK;
    const size_t len = strlen(o->fields);
    size_t blanks = 0;
    while (o->fields[blanks] && (fl_is_gap((uint8_t)o->fields[blanks]) || o->fields[blanks] == ',')) blanks++;
    if (blanks == len) {
        r->none_wanted = 1;
        return FLOWLOG_OK;
    }
    FL_TRY(flowlog_format_parse(o->fields, len, &r->alloc, &r->wanted, err));
    for (uint32_t i = 0; i < flowlog_format_columns(r->wanted); i++) {
        const flowlog_format_column *c = flowlog_format_column_at(r->wanted, i);
        if (c->field || (o->format && flowlog_format_find(o->format, c->name, c->name_len) >= 0)) continue;
        const uint64_t offset = name_offset(o->fields, c->name, c->name_len);
        return flowlog__fail_at(err, FLOWLOG_E_FIELD, offset, 0, (uint32_t)offset + 1, "unknown field '%s'", c->name);
    }
    return FLOWLOG_OK;
}

const flowlog_format *flowlog__reader_fields(const flowlog_reader *reader)
{
    static const flowlog_format nothing = {.columns = 0};
    return reader->none_wanted ? &nothing : reader->wanted;
}

/* Keep a format, or find the entry of an equal one.  The format is moved, or freed. */
static flowlog_status add_layout(flowlog_reader *r, flowlog_format *format, fl_layout_entry **entry, flowlog_error *err)
{
    for (uint32_t i = 0; i < r->layouts; i++)
        if (flowlog_format_equal(r->layout[i]->format, format)) {
            flowlog_format_free(format);
            *entry = r->layout[i];
            return FLOWLOG_OK;
        }
    flowlog_status status = FLOWLOG_E_LIMIT;
    if (r->layouts == FL_LAYOUTS_MAX) FL_FAIL(err, status, "more than %d different formats", FL_LAYOUTS_MAX);
    else
        status = flowlog__layout_new(format, flowlog__reader_fields(r), r->batcher.filter, &r->alloc, entry, err);
    if (status < 0) flowlog_format_free(format);
    else r->layout[r->layouts++] = *entry;
    return status;
}

/* Rows from here on have this layout. */
static flowlog_status use_layout(flowlog_reader *r, fl_layout_entry *entry, flowlog_error *err)
{
    r->current = entry;
    const flowlog_status status = flowlog__batcher_layout(&r->batcher, entry);
    return status < 0 ? FL_FAIL(err, status, "no memory for the columns of a batch") : FLOWLOG_OK;
}

static void destroy(flowlog_reader *r)
{
    const flowlog_alloc alloc = r->alloc;
    flowlog__stream_clear(&r->stream);
    flowlog__block_clear(&r->block, &alloc, r->bytes_max);
    flowlog__batcher_clear(&r->batcher);
    for (uint32_t i = 0; i < r->layouts; i++) flowlog__layout_free(r->layout[i], &alloc);
    flowlog_format_free(r->wanted);
    flowlog__release(&alloc, r, sizeof *r);
}

static flowlog_status set_up(flowlog_reader *r, flowlog_source *source, const flowlog_reader_options *o,
                             flowlog_error *err)
{
    const size_t rows_max = o->batch_rows ? o->batch_rows : BATCH_ROWS;
    r->flags = o->flags;
    r->source = source;
    r->line_max = o->line_max ? o->line_max : LINE_MAX_DEFAULT;
    r->block_bytes = rows_max * 32 > BLOCK_BYTES ? rows_max * 32 : BLOCK_BYTES;
    if (r->block_bytes > r->line_max) r->block_bytes = r->line_max; /* so that no line in a block is too long */
    r->bytes_max = (r->block_bytes > r->line_max ? r->block_bytes : r->line_max) + 1;
    FL_TRY(read_fields(r, o, err));

    size_t capacity = 2 * r->bytes_max + FL_DETECT_BYTES;
    if (capacity < BUFFER_BYTES) capacity = BUFFER_BYTES;
    FL_TRY(flowlog__stream_init(&r->stream, &r->alloc, source, capacity, err));
    if (flowlog__block_init(&r->block, &r->alloc, r->k, r->bytes_max, rows_max) < 0 ||
        flowlog__batcher_init(&r->batcher, &r->alloc, r->k, r->flags, o->filter, rows_max) < 0)
        return FL_FAIL(err, FLOWLOG_E_MEMORY, "no memory for a reader");
    if (o->format) {
        flowlog_format *copy;
        FL_TRY(flowlog__format_copy(o->format, &r->alloc, &copy, err));
        FL_TRY(add_layout(r, copy, &r->given, err));
    }
    return FLOWLOG_OK;
}

flowlog_status flowlog_reader_open(flowlog_source *source, const flowlog_reader_options *options,
                                   flowlog_reader **reader, flowlog_error *err)
{
    flowlog_reader_options o;
    if (!reader) return FL_FAIL(err, FLOWLOG_E_ARGUMENT, "no place for the reader");
    FL_TRY(read_options(options, &o, err));
    const fl_kernels *k = flowlog__kernels();
    if (!k)
        return FL_FAIL(err, FLOWLOG_E_UNSUPPORTED,
                       "FLOWLOG_SIMD names a level that this build or processor does not have");
    const flowlog_alloc alloc = flowlog__alloc_or_default(o.alloc);
    flowlog_reader *r = flowlog__alloc_zero(&alloc, sizeof *r);
    if (!r) return FL_FAIL(err, FLOWLOG_E_MEMORY, "no memory for a reader");
    r->alloc = alloc;
    r->k = k;
    const flowlog_status status = set_up(r, source, &o, err);
    if (status < 0) {
        destroy(r);
        return status;
    }
    *reader = r;
    return FLOWLOG_OK;
}

void flowlog_reader_close(flowlog_reader *reader)
{
    if (!reader) return;
    flowlog_source_close(reader->source);
    destroy(reader);
}

flowlog_source *flowlog__reader_take_source(flowlog_reader *reader)
{
    flowlog_source *source = reader->source;
    reader->source = NULL;
    return source;
}

/* --- lines that are no rows ------------------------------------------------------------------------------ */

static void note_bad_line(flowlog_reader *r, uint16_t reason, uint16_t column, uint64_t line, uint64_t offset,
                          const uint8_t *text, size_t len)
{
    flowlog_counters *c = &r->counters;
    c->malformed++;
    c->reasons[reason]++;
    if (c->bad_lines == FLOWLOG_BAD_LINES) return;
    flowlog_bad_line *b = &c->bad_line[c->bad_lines++];
    memset(b, 0, sizeof *b);
    b->file = r->file;
    b->reason = reason;
    b->column = column;
    b->line = line;
    b->offset = offset;
    b->text_len = (uint32_t)(len < sizeof b->text - 1 ? len : sizeof b->text - 1);
    for (uint32_t i = 0; i < b->text_len; i++) b->text[i] = (char)(text[i] < 0x20 || text[i] == 0x7F ? '?' : text[i]);
}

/* A malformed line is met: count it, or stop there. */
static void bad_line(flowlog_reader *r, uint16_t reason, uint16_t column, uint64_t line, uint64_t offset,
                     const uint8_t *text, size_t len)
{
    note_bad_line(r, reason, column, line, offset, text, len);
    if (!(r->flags & FLOWLOG_READ_STOP_ON_BAD)) return;
    const flowlog_format_column *c =
        column && r->current ? flowlog_format_column_at(r->current->format, column - 1u) : NULL;
    r->stopped = 1;
    flowlog__fail_at(&r->fatal, FLOWLOG_E_MALFORMED, offset, line, 0, "%s%s%s", c ? c->name : "", c ? ": " : "",
                     flowlog_reason_message(reason));
}

static void bad_row(void *ctx, size_t row, uint16_t reason, uint16_t column)
{
    flowlog_reader *r = ctx;
    const fl_block *b = &r->block;
    uint32_t offset, len;
    if (b->direct) {
        const uint32_t *at = b->rows.at + row * b->rows.stride;
        offset = at[0] + 1;
        len = at[b->rows.stride] - offset;
    } else {
        offset = b->origin[row].offset;
        len = b->origin[row].len;
    }
    bad_line(r, reason, column, flowlog__block_line(b, row), b->offset + offset, b->text + offset, len);
}

/* Why a line is no row of so many fields. */
static uint16_t misfit(const uint8_t *p, size_t len, uint32_t fields)
{
    size_t values = 0;
    if (flowlog_split_line((const char *)p, len, 0, NULL, 0, &values, NULL) != FLOWLOG_OK)
        return FLOWLOG_REASON_CONTROL;
    return values < fields ? FLOWLOG_REASON_TOO_FEW : FLOWLOG_REASON_TOO_MANY;
}

/*
 * A line that is no row: blank, comment, header, else malformed.  With `current` NULL a line that is none of the
 * first three is left alone and the result is 0; otherwise 1, or a negative status (E_MEMORY).
 */
static int odd_line(flowlog_reader *r, const uint8_t *p, size_t len, uint64_t line, uint64_t offset, flowlog_error *err)
{
    size_t start = 0, end = len;
    flowlog__trim_line(p, &start, &end);
    if (start == end || p[start] == '#') {
        r->counters.skipped++;
        return 1;
    }
    if (flowlog_is_header((const char *)p, len)) {
        flowlog_format *format;
        flowlog_status status =
            flowlog_format_from_header((const char *)p, len, &r->alloc, &format, err);
        fl_layout_entry *entry = NULL;
        if (status == FLOWLOG_OK) status = add_layout(r, format, &entry, err);
        if (status == FLOWLOG_OK) status = use_layout(r, entry, err);
        if (status == FLOWLOG_E_MEMORY) return status;
        if (status == FLOWLOG_OK) r->counters.headers++;
        else bad_line(r, FLOWLOG_REASON_HEADER, 0, line, offset, p, len);
        return 1;
    }
    if (!r->current) return 0;
    bad_line(r, misfit(p, len, r->current->fields), 0, line, offset, p, len);
    return 1;
}

/* --- blocks ---------------------------------------------------------------------------------------------- */

/* Take bytes off the window. */
static void consume(flowlog_reader *r, size_t n)
{
    fl_stream_consume(&r->stream, n);
    r->offset += n;
    r->counters.bytes += n;
    if (r->newline_added && !r->stream.n) {
        r->counters.bytes--;
        r->newline_added = 0;
    }
}

/* The last newline of p[0..n), as a count of bytes up to and with it; 0: none. */
static size_t through_last_newline(const uint8_t *p, size_t n)
{
    while (n && p[n - 1] != '\n') n--;
    return n;
}

/* Move what is left of memory that is not ours into our buffer, so that the slop may be read. */
static void settle(flowlog_reader *r)
{
    fl_stream *s = &r->stream;
    uint8_t *base = s->buffer + FL_TEXT_SLOP;
    FL_ASSERT(s->n <= s->capacity);
    memcpy(base, s->p, s->n);
    s->p = base;
    s->owned = 1;
}

/* More text; a line that fills the buffer cannot be, as its limit is smaller.  OK, END or MORE. */
static flowlog_status more_text(flowlog_reader *r)
{
    const flowlog_status status = flowlog__stream_fill(&r->stream);
    FL_ASSERT(status != FLOWLOG_E_LIMIT);
    return status;
}

/* Drop the rest of a line that is too long.  OK once it is over. */
static flowlog_status skip_long_line(flowlog_reader *r)
{
    fl_stream *s = &r->stream;
    for (;;) {
        const uint8_t *newline = s->n ? memchr(s->p, '\n', s->n) : NULL;
        consume(r, newline ? (size_t)(newline - s->p) + 1 : s->n);
        if (newline || s->ended) {
            r->skipping = 0;
            return FLOWLOG_OK;
        }
        const flowlog_status status = more_text(r);
        if (status == FLOWLOG_MORE) return status;
    }
}

/*
 * How many bytes of the window are whole lines, at most `most` unless the first line is longer.  OK with
 * *len > 0; END: the input is over; MORE.  Lines that are too long are dealt with on the way.
 */
static flowlog_status whole_lines(flowlog_reader *r, size_t most, size_t *len)
{
    fl_stream *s = &r->stream;
    for (;;) {
        if (r->stopped) return FLOWLOG_END;
        if (r->skipping) {
            const flowlog_status status = skip_long_line(r);
            if (status != FLOWLOG_OK) return status;
        }
        const size_t usable = s->owned ? s->n : s->n > FL_TEXT_SLOP ? s->n - FL_TEXT_SLOP : 0;
        *len = through_last_newline(s->p, usable < most ? usable : most);
        if (!*len && usable > most) {
            const size_t limit = usable < r->line_max + 1 ? usable : r->line_max + 1;
            const uint8_t *newline = limit > most ? memchr(s->p + most, '\n', limit - most) : NULL;
            if (newline) *len = (size_t)(newline - s->p) + 1;
        }
        if (*len) return FLOWLOG_OK;
        if (s->n > r->line_max && !memchr(s->p, '\n', r->line_max + 1)) {
            r->skipping = 1;
            bad_line(r, FLOWLOG_REASON_TOO_LONG, 0, r->line++, r->offset, s->p, r->line_max);
            continue;
        }
        if (!s->owned) {
            settle(r);
            continue;
        }
        if (!s->ended) {
            if (more_text(r) == FLOWLOG_MORE) return FLOWLOG_MORE;
            continue;
        }
        if (s->n && !s->damage.status) { /* the last line has no newline: give it one, behind the buffer's data */
            s->buffer[(size_t)(s->p - s->buffer) + s->n++] = '\n';
            r->newline_added = 1;
            continue;
        }
        return FLOWLOG_END; /* what is left of a damaged input is a piece of a line, and no line */
    }
}

static flowlog_status skip_byte_order_mark(flowlog_reader *r)
{
    fl_stream *s = &r->stream;
    while (s->n < 3 && !s->ended) {
        if (more_text(r) == FLOWLOG_MORE) return FLOWLOG_MORE;
    }
    r->at_start = 0;
    if (s->n >= 3 && memcmp(s->p, "\xEF\xBB\xBF", 3) == 0) consume(r, 3);
    return FLOWLOG_OK;
}

/* Enough text from the first data line on to tell its format by; see FL_DETECT_BYTES. */
static flowlog_status detect(flowlog_reader *r, size_t first_line, flowlog_error *err)
{
    fl_stream *s = &r->stream;
    while (s->n <= FL_DETECT_BYTES && !s->ended) { /* one more, to know whether they are all */
        if (more_text(r) == FLOWLOG_MORE) return FLOWLOG_MORE;
    }
    size_t len = through_last_newline(s->p, s->n < FL_DETECT_BYTES ? s->n : FL_DETECT_BYTES);
    if (s->ended && s->n <= FL_DETECT_BYTES && !s->damage.status) len = s->n;
    if (len < first_line) len = first_line;
    r->looked = r->offset + FL_DETECT_BYTES + 1;
    flowlog_format *format;
    fl_layout_entry *entry;
    const flowlog_status status = flowlog__detect_format(s->p, len, &r->alloc, &format, err);
    if (status < 0) {
        if (err && status == FLOWLOG_E_FORMAT) {
            err->line = r->line;
            err->offset = r->offset;
        }
        return status;
    }
    FL_TRY(add_layout(r, format, &entry, err));
    return use_layout(r, entry, err);
}

/* Lines at the front of an input whose format is not known, until it is.  OK, END, MORE or an error. */
static flowlog_status find_format(flowlog_reader *r, flowlog_error *err)
{
    while (!r->current) {
        size_t len;
        const flowlog_status status = whole_lines(r, 1, &len);
        if (status != FLOWLOG_OK) return status;
        const size_t line = (size_t)((const uint8_t *)memchr(r->stream.p, '\n', len) - r->stream.p);
        const int done = odd_line(r, r->stream.p, line, r->line, r->offset, err);
        if (done < 0) return (flowlog_status)done;
        if (!done) return detect(r, line + 1, err);
        r->line++;
        consume(r, line + 1);
        r->looked = r->offset;
        if (r->stopped) return FLOWLOG_END;
    }
    return FLOWLOG_OK;
}

static flowlog_status next_block(flowlog_reader *r, flowlog_error *err)
{
    size_t len;
    flowlog_status status = FLOWLOG_OK;
    if (!r->stream.owned) flowlog__source_reading(r->source, (size_t)r->offset);
    if (r->at_start) status = skip_byte_order_mark(r);
    if (status == FLOWLOG_OK && !r->current) status = find_format(r, err);
    if (status == FLOWLOG_OK) status = whole_lines(r, r->block_bytes, &len);
    if (status != FLOWLOG_OK) return status;
    flowlog__block_begin(&r->block, r->stream.p, len, r->line, r->offset);
    r->line += r->block.newlines;
    /* What was just read lies in the cache; what is mapped has to come from memory. */
    size_t ahead = r->stream.owned ? 0 : r->stream.n - len;
    if (ahead > r->block_bytes) ahead = r->block_bytes;
    r->batcher.ahead = r->stream.p + len;
    r->batcher.ahead_len = ahead;
    r->in_block = 1;
    r->rows_done = 0;
    return FLOWLOG_OK;
}

static void leave_block(flowlog_reader *r)
{
    r->in_block = 0;
    consume(r, r->block.len);
}

/* --- inputs ---------------------------------------------------------------------------------------------- */

static flowlog_status next_file(flowlog_reader *r, flowlog_error *err)
{
    if (!r->source && r->counters.files) return FLOWLOG_END;
    const flowlog_status status = flowlog__stream_next(&r->stream, &r->file, err);
    if (status != FLOWLOG_OK) return status;
    r->counters.files++;
    r->file_open = 1;
    r->line = 1;
    r->offset = r->begins;
    r->skipping = 0;
    r->at_start = !r->begins;
    r->newline_added = 0;
    r->current = NULL;
    return r->given ? use_layout(r, r->given, err) : FLOWLOG_OK;
}

/* The input is over: an error if it was cut short, told once. */
static flowlog_status close_file(flowlog_reader *r, flowlog_error *err)
{
    r->file_open = 0;
    if (!r->stream.damage.status) return FLOWLOG_OK;
    if (err) {
        *err = r->stream.damage;
        err->line = r->line;
    }
    return (flowlog_status)r->stream.damage.status;
}

static flowlog_status fatal(flowlog_reader *r, flowlog_status status, const flowlog_error *err)
{
    if (err) r->fatal = *err;
    r->fatal.status = status;
    return status;
}

/* --- next ------------------------------------------------------------------------------------------------ */

/* Rows of the block to a batch.  OK, END (not one row is left) or E_MEMORY. */
static flowlog_status rows_to_batch(flowlog_reader *r, flowlog_error *err)
{
    fl_outcome o;
    fl_block *b = &r->block;
    fl_batcher *batcher = &r->batcher;
    FL_TRY(flowlog__batcher_run(batcher, b, r->rows_done, &r->counters, bad_row, r, &o, err));
    const size_t done = r->rows_done + o.used;
    if (o.stopped) bad_row(r, done, o.reason, o.column);
    if (o.header) flowlog__block_rewind(b, done);
    r->rows_done = done;
    batcher->now.batch.file = r->file;
    return batcher->now.batch.rows ? FLOWLOG_OK : FLOWLOG_END;
}

static void count_lines(flowlog_counters *c)
{
    c->lines = c->records + c->nodata + c->skipdata + c->headers + c->malformed + c->skipped;
}

/* Go on to rows, which are then in batcher.now, or to a status. */
static flowlog_status step(flowlog_reader *r, flowlog_error *err)
{
    fl_block *b = &r->block;
    for (;;) {
        if (r->in_block && !r->stopped) {
            if (r->rows_done < b->rows.rows) {
                const flowlog_status status = rows_to_batch(r, err);
                if (status == FLOWLOG_END) continue;
                return status < 0 ? fatal(r, status, err) : status;
            }
            r->rows_done = 0;
            const int what = flowlog__block_next(b, r->current->fields);
            if (what == FL_BLOCK_END) leave_block(r);
            if (what == FL_BLOCK_LINE) {
                const uint8_t *line = b->text + b->line_start;
                const int done = odd_line(r, line, b->line_end - b->line_start, b->line - 1,
                                          b->offset + b->line_start, err);
                if (done < 0) return fatal(r, (flowlog_status)done, err);
            }
            continue;
        }
        if (r->stopped) {
            if (err) *err = r->fatal;
            return FLOWLOG_E_MALFORMED;
        }
        flowlog_status status = r->file_open ? next_block(r, err) : next_file(r, err);
        if (status == FLOWLOG_E_MEMORY) return fatal(r, status, err);
        if (status < 0) { /* this input is over; the next call begins the one after it */
            r->file_open = 0;
            return status;
        }
        if (status == FLOWLOG_MORE) return status;
        if (status == FLOWLOG_END && !r->file_open) return status;
        if (status == FLOWLOG_END && !r->stopped) FL_TRY(close_file(r, err));
    }
}

static flowlog_status show_pending(flowlog_reader *r, const flowlog_batch **batch)
{
    flowlog__frame_finish(&r->batcher.pending);
    r->showing = 1;
    *batch = &r->batcher.pending.batch;
    return FLOWLOG_OK;
}

/*
 * Few rows are kept until they are more, and given before whatever does not join them.  That waits:
 * rows in batcher.now, or an error.  END and MORE need not, as the step after them says the same.
 */
static flowlog_status step_gathered(flowlog_reader *r, const flowlog_batch **batch, flowlog_error *err)
{
    fl_batcher *b = &r->batcher;
    if (r->showing) b->pending.batch.rows = 0;
    r->showing = 0;
    for (;;) {
        if (!r->held) r->held_status = step(r, &r->held_error);
        r->held = 0;
        flowlog_status joined = FLOWLOG_END;
        if (r->held_status == FLOWLOG_OK) joined = flowlog__batcher_defer(b);
        if (joined < 0) return fatal(r, FL_FAIL(err, joined, "no memory for the columns of a batch"), err);
        if (joined == FLOWLOG_OK) {
            if (b->pending.batch.rows > (b->gathers ? b->rows_max - b->rows_max / 8 : b->rows_max / 2))
                return show_pending(r, batch);
            continue;
        }
        if (b->pending.batch.rows) {
            r->held = r->held_status <= FLOWLOG_OK;
            return show_pending(r, batch);
        }
        if (r->held_status == FLOWLOG_OK) *batch = &b->now.batch;
        if (r->held_status < 0 && err) *err = r->held_error;
        return r->held_status;
    }
}

flowlog_status flowlog_reader_next(flowlog_reader *reader, const flowlog_batch **batch, flowlog_error *err)
{
    if (!reader || !batch) return FL_FAIL(err, FLOWLOG_E_ARGUMENT, "no reader, or no place for the batch");
    if (reader->fatal.status && !reader->held && (reader->showing || !reader->batcher.pending.batch.rows)) {
        if (err) *err = reader->fatal;
        return (flowlog_status)reader->fatal.status;
    }
    flowlog_status status;
    if (fl_batcher_defers(&reader->batcher)) {
        status = step_gathered(reader, batch, err);
    } else {
        status = step(reader, err);
        if (status == FLOWLOG_OK) *batch = &reader->batcher.now.batch;
    }
    count_lines(&reader->counters);
    return status;
}

flowlog_status flowlog_reader_feed(flowlog_reader *reader, const void *data, size_t len)
{
    if (!reader || (!data && len)) return FLOWLOG_E_ARGUMENT;
    fl_stream *s = &reader->stream;
    if (reader->source || s->finished || s->fed_n) return FLOWLOG_E_STATE;
    s->fed = data;
    s->fed_n = len;
    return FLOWLOG_OK;
}

flowlog_status flowlog_reader_finish(flowlog_reader *reader)
{
    if (!reader) return FLOWLOG_E_ARGUMENT;
    if (reader->source) return FLOWLOG_E_STATE;
    reader->stream.finished = 1;
    return FLOWLOG_OK;
}

/* --- for threads ------------------------------------------------------------------------------------------ */

void flowlog__reader_begin_at(flowlog_reader *reader, uint64_t offset) { reader->begins = offset; }

flowlog_status flowlog__reader_find_format(flowlog_reader *r, flowlog_error *err)
{
    FL_TRY(next_file(r, err));
    if (!r->file_open) return FLOWLOG_END;
    flowlog_status status = skip_byte_order_mark(r);
    if (status == FLOWLOG_OK && !r->current) status = find_format(r, err);
    return r->stopped ? FLOWLOG_E_MALFORMED : status;
}

const flowlog_format *flowlog__reader_format(const flowlog_reader *reader)
{
    return reader->current ? reader->current->format : NULL;
}

uint64_t flowlog__reader_looked(const flowlog_reader *reader) { return reader->looked; }

int flowlog__reader_inflates(const flowlog_reader *reader) { return reader->stream.inflating; }

/* --- what is known of the reading ------------------------------------------------------------------------- */

const flowlog_counters *flowlog_reader_counters(const flowlog_reader *reader) { return &reader->counters; }

const char *flowlog_reader_path(const flowlog_reader *reader, uint32_t file)
{
    return reader->source ? flowlog_source_name(reader->source, file) : NULL;
}

uint32_t flowlog_reader_file(const flowlog_reader *reader) { return reader->file; }

uint64_t flowlog_reader_progress(const flowlog_reader *reader)
{
    const fl_stream *s = &reader->stream;
    return s->compressed - s->raw_n - (s->owned ? 0 : s->n);
}

uint32_t flowlog_reader_formats(const flowlog_reader *reader) { return reader->layouts; }

const flowlog_format *flowlog_reader_format_at(const flowlog_reader *reader, uint32_t index)
{
    return index < reader->layouts ? reader->layout[index]->format : NULL;
}
