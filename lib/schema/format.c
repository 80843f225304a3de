/* SPDX-License-Identifier: MIT */
/*
 * format.c - a format string, a list of names or a header line to a flowlog_format, and back.
 *
 *     text -> names with their places -> draft (fields, duplicates and limits checked) -> one allocation
 *
 * A format string is a list of items between blanks, of which one comma may be a part:
 *
 *     item = "${" name "}" | "$${" name "}" | name | quote name quote
 *     name = 1 to 128 of the bytes 0x21 to 0x7E, without $ { } , and quotes, and no value
 *
 * A value is what a field never is called and a record is made of: something that begins with a digit, a
 * hyphen or a '#', or has a colon (numbers, IPv4 and IPv6 addresses, "-", comments, timestamps, ARNs).
 * The header rule rests on the same test.
 */
#include "schema/format.h"

#include <string.h>

#include "core/alloc.h"
#include "core/error.h"
#include "schema/ascii.h"

/* How much of a name messages show: two of them and 100 bytes of words fit flowlog_error.message. */
#define SHOWN 50
#define SHOW(len) (int)((len) < SHOWN ? (len) : SHOWN)

/* --- names ----------------------------------------------------------------------------------- */

static int is_name_byte(char c)
{
    return c > 0x20 && c < 0x7F && c != '$' && c != '{' && c != '}' && c != ',' && !fl_ascii_is_quote(c);
}

static int is_value(const char *token, size_t len)
{
    const char c = token[0];
    return fl_ascii_is_digit(c) || c == '-' || c == '#' || memchr(token, ':', len) != NULL;
}

/* Unknown names compare as known ones do: hyphens are underscores, letter case does not matter. */
static int same_name(const char *a, const char *b, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (fl_ascii_lower(a[i]) != fl_ascii_lower(b[i]) &&
            !(fl_ascii_is_hyphen(a[i]) && fl_ascii_is_hyphen(b[i])))
            return 0;
    return 1;
}

/* --- drafts ---------------------------------------------------------------------------------- */

struct draft {
    const char *text; /* in which names lie */
    uint32_t columns;
    struct {
        size_t offset;
        uint16_t field, len; /* len <= FLOWLOG_FORMAT_NAME_MAX */
    } column[FLOWLOG_FORMAT_COLUMNS_MAX];
    uint16_t by_field[FL_FIELDS + 1];
};

/* Positions are those of the text; a column that 32 bits do not hold is left out. */
#define FAIL_AT(err, status, offset, ...) \
    flowlog__fail_at((err), (status), (offset), 0, column_number(offset), __VA_ARGS__)

static uint32_t column_number(size_t offset)
{
    return offset < UINT32_MAX ? (uint32_t)offset + 1 : 0;
}

static void draft_init(struct draft *draft, const char *text)
{
    draft->text = text;
    draft->columns = 0;
    memset(draft->by_field, 0, sizeof draft->by_field);
}

/* Index of the column that this name would repeat, or columns. */
static uint32_t draft_find(const struct draft *draft, uint32_t field, const char *name, size_t len)
{
    if (field) return draft->by_field[field] ? draft->by_field[field] - 1u : draft->columns;
    uint32_t i = 0;
    while (i < draft->columns && (draft->column[i].field || draft->column[i].len != len ||
                                  !same_name(draft->text + draft->column[i].offset, name, len)))
        i++;
    return i;
}

/* The next column is called text[offset .. offset + len), len > 0, which is_name_byte holds for. */
static flowlog_status draft_add(struct draft *draft, size_t offset, size_t len, flowlog_error *err)
{
    const char *name = draft->text + offset;
    if (len > FLOWLOG_FORMAT_NAME_MAX)
        return FAIL_AT(err, FLOWLOG_E_LIMIT, offset, "field name of %zu bytes; at most %d are allowed",
                       len, FLOWLOG_FORMAT_NAME_MAX);
    if (is_value(name, len))
        return FAIL_AT(err, FLOWLOG_E_SYNTAX, offset,
                       "'%.*s' looks like a value of a record, a field name was expected", SHOW(len),
                       name);
    const uint32_t field = flowlog_field_find(name, len), n = draft->columns;
    const uint32_t first = draft_find(draft, field, name, len);
    if (first < n)
        return FAIL_AT(err, FLOWLOG_E_DUPLICATE, offset,
                       "'%.*s' (field %u, column %u) is the same field as '%.*s' (field %u, column %u)",
                       SHOW(len), name, (unsigned)n + 1, (unsigned)column_number(offset),
                       SHOW(draft->column[first].len), draft->text + draft->column[first].offset,
                       (unsigned)first + 1, (unsigned)column_number(draft->column[first].offset));
    if (n == FLOWLOG_FORMAT_COLUMNS_MAX)
        return FAIL_AT(err, FLOWLOG_E_LIMIT, offset, "more than %d fields", FLOWLOG_FORMAT_COLUMNS_MAX);
    draft->column[n].offset = offset;
    draft->column[n].len = (uint16_t)len;
    draft->column[n].field = (uint16_t)field;
    draft->columns = n + 1;
    if (field) draft->by_field[field] = (uint16_t)(n + 1);
    return FLOWLOG_OK;
}

static flowlog_status no_memory(uint32_t columns, flowlog_error *err)
{
    return FL_FAIL(err, FLOWLOG_E_MEMORY, "no memory for a format of %u fields", (unsigned)columns);
}

/* The struct is followed by its columns, those by the names that the catalogue does not have. */
_Static_assert(sizeof(struct flowlog_format) % sizeof(void *) == 0, "columns lie aligned behind it");
_Static_assert(FLOWLOG_FORMAT_COLUMNS_MAX <= INT16_MAX, "by_field holds a column + 1");
_Static_assert(FLOWLOG_FORMAT_NAME_MAX <= UINT16_MAX, "a draft holds its length");

static flowlog_status draft_finish(const struct draft *draft, const flowlog_alloc *user,
                                   flowlog_format **format, flowlog_error *err)
{
    FL_ASSERT(draft->columns >= 1);
    const size_t columns_len = draft->columns * sizeof(flowlog_format_column);
    size_t len = sizeof(struct flowlog_format) + columns_len; /* below 256 * (24 + 129) + 1 KiB in all */
    for (uint32_t i = 0; i < draft->columns; i++)
        if (!draft->column[i].field) len += draft->column[i].len + 1u;

    const flowlog_alloc alloc = flowlog__alloc_or_default(user);
    struct flowlog_format *f = flowlog__alloc(&alloc, len);
    if (!f) return no_memory(draft->columns, err);
    flowlog_format_column *column = (flowlog_format_column *)(void *)(f + 1);
    char *names = (char *)(f + 1) + columns_len;
    f->alloc = alloc;
    f->alloc_len = len;
    f->columns = draft->columns;
    f->version = 0;
    f->column = column;
    memcpy(f->by_field, draft->by_field, sizeof f->by_field);

    for (uint32_t i = 0; i < draft->columns; i++, column++) {
        const flowlog_field_info *info = flowlog_field_get(draft->column[i].field);
        memset(column, 0, sizeof *column);
        if (info) {
            column->field = info->field;
            column->type = info->type;
            column->name = info->name;
            column->name_len = (uint32_t)strlen(info->name);
            if (f->version < info->version) f->version = info->version;
        } else {
            column->type = FLOWLOG_TYPE_TEXT;
            column->name = names;
            column->name_len = draft->column[i].len;
            memcpy(names, draft->text + draft->column[i].offset, column->name_len);
            names[column->name_len] = '\0';
            names += column->name_len + 1;
        }
    }
    *format = f;
    return FLOWLOG_OK;
}

/* --- format strings -------------------------------------------------------------------------- */

/* Where the name that begins at `begin` ends. */
static size_t name_end(const char *text, size_t begin, size_t len)
{
    size_t end = begin;
    while (end < len && is_name_byte(text[end])) end++;
    return end;
}

static flowlog_status unexpected_byte(const char *text, size_t offset, flowlog_error *err)
{
    const unsigned c = (uint8_t)text[offset];
    if (c > 0x20 && c < 0x7F) return FAIL_AT(err, FLOWLOG_E_SYNTAX, offset, "unexpected '%c'", (char)c);
    return FAIL_AT(err, FLOWLOG_E_SYNTAX, offset, "byte 0x%02X cannot be part of a field name", c);
}

/* One item at *at, which is neither a blank nor a comma; moves *at behind it. */
static flowlog_status parse_item(struct draft *draft, size_t *at, size_t len, flowlog_error *err)
{
    const char *text = draft->text;
    const size_t item = *at;
    size_t begin = item, end;
    if (text[begin] == '$') {
        begin++;
        if (begin < len && text[begin] == '$') begin++;
        if (begin == len || text[begin] != '{')
            return FAIL_AT(err, FLOWLOG_E_SYNTAX, item, "expected '{' after '$'");
        begin++;
        end = name_end(text, begin, len);
        if (end < len && text[end] == '}') {
            if (end == begin) return FAIL_AT(err, FLOWLOG_E_SYNTAX, item, "no field name in '${}'");
        } else if (end == len || text[end] == '$' || text[end] == ',' || fl_ascii_is_blank(text[end])) {
            return FAIL_AT(err, FLOWLOG_E_SYNTAX, item, "no '}' after '${%.*s'", SHOW(end - begin),
                           text + begin);
        } else {
            return unexpected_byte(text, end, err);
        }
        *at = end + 1;
    } else if (fl_ascii_is_quote(text[begin])) {
        begin++;
        end = name_end(text, begin, len);
        if (end == len || text[end] != text[item])
            return FAIL_AT(err, FLOWLOG_E_SYNTAX, item, "no closing %c after a field name", text[item]);
        if (end == begin) return FAIL_AT(err, FLOWLOG_E_SYNTAX, item, "no field name between quotes");
        *at = end + 1;
    } else {
        end = name_end(text, begin, len);
        if (end == begin) return unexpected_byte(text, begin, err);
        *at = end;
    }
    FL_TRY(draft_add(draft, begin, end - begin, err));
    if (*at < len && text[*at] != ',' && !fl_ascii_is_blank(text[*at]))
        return FAIL_AT(err, FLOWLOG_E_SYNTAX, *at, "expected a blank or a comma after field '%.*s'",
                       SHOW(end - begin), text + begin);
    return FLOWLOG_OK;
}

/* "${version} ${account-id}": a whole format between quotes, as JSON and shells have it. */
static int is_quoted_list(const char *text, size_t len)
{
    if (len < 2 || !fl_ascii_is_quote(text[0]) || text[len - 1] != text[0]) return 0;
    size_t list = 0;
    for (size_t i = 1; i + 1 < len; i++) {
        if (text[i] == text[0]) return 0;
        list += fl_ascii_is_blank(text[i]) || text[i] == ',' || text[i] == '$';
    }
    return list > 0;
}

static int is_word(const char *text, size_t len, const char *word)
{
    return len == strlen(word) && same_name(text, word, len);
}

flowlog_status flowlog_format_parse(const char *text, size_t len, const flowlog_alloc *alloc,
                                    flowlog_format **format, flowlog_error *err)
{
    if (!format || (!text && len)) return FL_FAIL(err, FLOWLOG_E_ARGUMENT, "format or text is NULL");
    if (!text) text = "";
    size_t at = 0;
    while (at < len && fl_ascii_is_blank(text[at])) at++;
    while (len > at && fl_ascii_is_blank(text[len - 1])) len--;
    if (is_quoted_list(text + at, len - at)) {
        at++;
        len--;
    }
    if (is_word(text + at, len - at, "default"))
        return flowlog__format_copy(flowlog_format_default(), alloc, format, err);
    if (is_word(text + at, len - at, "tgw"))
        return flowlog__format_copy(flowlog_format_tgw(), alloc, format, err);

    struct draft draft;
    draft_init(&draft, text);
    size_t comma = 0; /* offset + 1 of a comma that no name has followed so far */
    while (at < len) {
        if (fl_ascii_is_blank(text[at])) {
            at++;
        } else if (text[at] == ',') {
            if (comma || !draft.columns)
                return FAIL_AT(err, FLOWLOG_E_SYNTAX, at, "no field name before ','");
            comma = ++at;
        } else {
            FL_TRY(parse_item(&draft, &at, len, err));
            comma = 0;
        }
    }
    if (comma) return FAIL_AT(err, FLOWLOG_E_SYNTAX, comma - 1, "no field name after ','");
    if (!draft.columns) return FAIL_AT(err, FLOWLOG_E_SYNTAX, 0, "the format has no fields");
    return draft_finish(&draft, alloc, format, err);
}

flowlog_status flowlog__format_copy(const flowlog_format *format, const flowlog_alloc *alloc,
                                    flowlog_format **copy, flowlog_error *err)
{
    const flowlog_alloc a = flowlog__alloc_or_default(alloc);
    const size_t columns_len = format->columns * sizeof(flowlog_format_column);
    const char *names = (const char *)(format + 1) + columns_len; /* where format has its own, if any */
    const size_t names_len = format->alloc_len ? format->alloc_len - sizeof *format - columns_len : 0;
    const size_t len = sizeof *format + columns_len + names_len;
    struct flowlog_format *f = flowlog__alloc(&a, len);
    if (!f) return no_memory(format->columns, err);
    flowlog_format_column *column = (flowlog_format_column *)(void *)(f + 1);
    char *own_names = (char *)(f + 1) + columns_len;
    *f = *format;
    f->alloc = a;
    f->alloc_len = len;
    f->column = column;
    memcpy(column, format->column, columns_len);
    if (names_len) memcpy(own_names, names, names_len);
    for (uint32_t i = 0; i < f->columns; i++)
        if (!column[i].field) column[i].name = own_names + (column[i].name - names);
    *copy = f;
    return FLOWLOG_OK;
}

/* --- header lines ---------------------------------------------------------------------------- */

struct header {
    const char *p, *end; /* what is left of the line */
};

/* The line without a byte order mark, and without one line end and blanks behind it. */
static struct header header_begin(const char *line, size_t len)
{
    static const char bom[3] = {'\xEF', '\xBB', '\xBF'};
    struct header h = {line, line + len};
    if (len >= sizeof bom && !memcmp(line, bom, sizeof bom)) h.p += sizeof bom;
    if (h.end > h.p && h.end[-1] == '\n') h.end--;
    if (h.end > h.p && h.end[-1] == '\r') h.end--;
    while (h.end > h.p && (h.end[-1] == ' ' || h.end[-1] == '\t')) h.end--;
    return h;
}

/* The next token, between runs of spaces and tabs; ptr NULL at the end. */
static flowlog_str header_token(struct header *h)
{
    while (h->p < h->end && (*h->p == ' ' || *h->p == '\t')) h->p++;
    flowlog_str token = {NULL, 0};
    if (h->p == h->end) return token;
    token.ptr = h->p;
    while (h->p < h->end && *h->p != ' ' && *h->p != '\t') h->p++;
    token.len = (size_t)(h->p - token.ptr);
    return token;
}

int flowlog_is_header(const char *line, size_t len)
{
    if (!line) return 0;
    struct header h = header_begin(line, len);
    size_t tokens = 0, known = 0;
    for (flowlog_str t = header_token(&h); t.ptr; t = header_token(&h)) {
        tokens++;
        if (flowlog_field_find(t.ptr, t.len)) {
            known++;
        } else if (is_value(t.ptr, t.len) || t.len > FLOWLOG_FORMAT_NAME_MAX ||
                   name_end(t.ptr, 0, t.len) < t.len) {
            return 0; /* a record's first, second or third token, mostly */
        }
    }
    return known && (known == tokens || (tokens >= 3 && known >= tokens - known));
}

flowlog_status flowlog_format_from_header(const char *line, size_t len, const flowlog_alloc *alloc,
                                          flowlog_format **format, flowlog_error *err)
{
    if (!format || (!line && len)) return FL_FAIL(err, FLOWLOG_E_ARGUMENT, "format or line is NULL");
    if (!len) return FL_FAIL(err, FLOWLOG_E_FORMAT, "an empty line is no header");
    if (!flowlog_is_header(line, len)) {
        struct header h = header_begin(line, len);
        flowlog_str t = header_token(&h);
        while (t.ptr && flowlog_field_find(t.ptr, t.len)) t = header_token(&h);
        if (!t.ptr) return FL_FAIL(err, FLOWLOG_E_FORMAT, "a blank line is no header");
        return FAIL_AT(err, FLOWLOG_E_FORMAT, (size_t)(t.ptr - line),
                       "not a header line: '%.*s' is no field that is known", SHOW(t.len), t.ptr);
    }
    struct draft draft;
    draft_init(&draft, line);
    struct header h = header_begin(line, len);
    for (flowlog_str t = header_token(&h); t.ptr; t = header_token(&h)) {
        const size_t quote = fl_ascii_is_quote(t.ptr[0]) ? 1 : 0; /* a known name, so one ends it too */
        FL_TRY(draft_add(&draft, (size_t)(t.ptr - line) + quote, t.len - 2 * quote, err));
    }
    return draft_finish(&draft, alloc, format, err);
}

/* --- the two default formats ----------------------------------------------------------------- */

/* X(column, ID) */
#define DEFAULT_COLUMNS(X) \
    X(0, VERSION) X(1, ACCOUNT_ID) X(2, INTERFACE_ID) X(3, SRCADDR) X(4, DSTADDR) X(5, SRCPORT) \
    X(6, DSTPORT) X(7, PROTOCOL) X(8, PACKETS) X(9, BYTES) X(10, START) X(11, END) X(12, ACTION) \
    X(13, LOG_STATUS)

#define TGW_COLUMNS(X) \
    X(0, VERSION) X(1, RESOURCE_TYPE) X(2, ACCOUNT_ID) X(3, TGW_ID) X(4, TGW_ATTACHMENT_ID) \
    X(5, TGW_SRC_VPC_ACCOUNT_ID) X(6, TGW_DST_VPC_ACCOUNT_ID) X(7, TGW_SRC_VPC_ID) \
    X(8, TGW_DST_VPC_ID) X(9, TGW_SRC_SUBNET_ID) X(10, TGW_DST_SUBNET_ID) X(11, TGW_SRC_ENI) \
    X(12, TGW_DST_ENI) X(13, TGW_SRC_AZ_ID) X(14, TGW_DST_AZ_ID) X(15, TGW_PAIR_ATTACHMENT_ID) \
    X(16, SRCADDR) X(17, DSTADDR) X(18, SRCPORT) X(19, DSTPORT) X(20, PROTOCOL) X(21, PACKETS) \
    X(22, BYTES) X(23, START) X(24, END) X(25, LOG_STATUS) X(26, TYPE) X(27, PACKETS_LOST_NO_ROUTE) \
    X(28, PACKETS_LOST_BLACKHOLE) X(29, PACKETS_LOST_MTU_EXCEEDED) X(30, PACKETS_LOST_TTL_EXPIRED) \
    X(31, TCP_FLAGS) X(32, REGION) X(33, FLOW_DIRECTION) X(34, PKT_SRC_AWS_SERVICE) \
    X(35, PKT_DST_AWS_SERVICE)

/* Names and types by ID, as constants that static columns can be made of. */
static const struct {
#define X(number, id, name, version, type, meaning) char id[sizeof(name)];
    FLOWLOG_FIELD_MAP(X)
#undef X
} names_of = {
#define X(number, id, name, version, type, meaning) name,
    FLOWLOG_FIELD_MAP(X)
#undef X
};
enum {
#define X(number, id, name, version, type, meaning) TYPE_OF_##id = FLOWLOG_TYPE_##type,
    FLOWLOG_FIELD_MAP(X)
#undef X
};

#define COLUMN(index, id) {FLOWLOG_FIELD_##id, TYPE_OF_##id, 0, sizeof names_of.id - 1, names_of.id},
#define BY_FIELD(index, id) [FLOWLOG_FIELD_##id] = (index) + 1,

static const flowlog_format_column default_columns[] = {DEFAULT_COLUMNS(COLUMN)};
static const flowlog_format_column tgw_columns[] = {TGW_COLUMNS(COLUMN)};
_Static_assert(sizeof tgw_columns / sizeof tgw_columns[0] == FLOWLOG_TGW_FIELDS, "all of them");

static const struct flowlog_format default_format = {
    .columns = sizeof default_columns / sizeof default_columns[0],
    .version = 2,
    .column = default_columns,
    .by_field = {DEFAULT_COLUMNS(BY_FIELD)},
};
static const struct flowlog_format tgw_format = {
    .columns = FLOWLOG_TGW_FIELDS,
    .version = 6,
    .column = tgw_columns,
    .by_field = {TGW_COLUMNS(BY_FIELD)},
};

const flowlog_format *flowlog_format_default(void)
{
    return &default_format;
}

const flowlog_format *flowlog_format_tgw(void)
{
    return &tgw_format;
}

/* --- questions ------------------------------------------------------------------------------- */

void flowlog_format_free(flowlog_format *format)
{
    if (!format || !format->alloc_len) return;
    const flowlog_alloc alloc = format->alloc;
    flowlog__release(&alloc, format, format->alloc_len);
}

uint32_t flowlog_format_columns(const flowlog_format *format)
{
    return format ? format->columns : 0;
}

const flowlog_format_column *flowlog_format_column_at(const flowlog_format *format, uint32_t index)
{
    return format && index < format->columns ? &format->column[index] : NULL;
}

int32_t flowlog_format_find(const flowlog_format *format, const char *name, size_t len)
{
    if (!format || !name) return -1;
    const uint32_t field = flowlog_field_find(name, len);
    if (field) return (int32_t)format->by_field[field] - 1;
    for (uint32_t i = 0; i < format->columns; i++) {
        const flowlog_format_column *c = &format->column[i];
        if (!c->field && c->name_len == len && same_name(c->name, name, len)) return (int32_t)i;
    }
    return -1;
}

uint32_t flowlog_format_version(const flowlog_format *format)
{
    return format ? format->version : 0;
}

int flowlog_format_equal(const flowlog_format *a, const flowlog_format *b)
{
    if (a == b) return 1;
    if (!a || !b || a->columns != b->columns) return 0;
    for (uint32_t i = 0; i < a->columns; i++) {
        const flowlog_format_column *x = &a->column[i], *y = &b->column[i];
        if (x->field != y->field) return 0;
        if (x->field) continue;
        if (x->name_len != y->name_len || memcmp(x->name, y->name, x->name_len) != 0) return 0;
    }
    return 1;
}

/* --- text ------------------------------------------------------------------------------------ */

struct printer {
    char *text;
    size_t cap, len; /* len: of the whole text, however much of it fits */
};

static void print(struct printer *out, const char *piece)
{
    for (; *piece; piece++, out->len++)
        if (out->len < out->cap) out->text[out->len] = *piece;
}

size_t flowlog_format_print(const flowlog_format *format, int style, char *text, size_t cap)
{
    struct printer out = {text, text ? cap : 0, 0};
    for (uint32_t i = 0; i < flowlog_format_columns(format); i++) {
        const flowlog_format_column *c = &format->column[i];
        if (style == FLOWLOG_FORMAT_COMMAS) {
            if (i) print(&out, ",");
            print(&out, c->field ? flowlog_field_get(c->field)->underscore : c->name);
        } else {
            if (i) print(&out, " ");
            if (style != FLOWLOG_FORMAT_HEADER) print(&out, "${");
            print(&out, c->name);
            if (style != FLOWLOG_FORMAT_HEADER) print(&out, "}");
        }
    }
    if (out.cap) text[out.len < out.cap ? out.len : out.cap - 1] = '\0';
    return out.len;
}
