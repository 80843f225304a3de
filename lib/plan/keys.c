/* SPDX-License-Identifier: MIT */
/*
 * keys.c - the text of keys: fields, prefixes, bins, parts of times, pairs and the service (flowlog/plan.h).
 *
 * A key is first read as words, which needs no plan, and then bound to the plan's fields: so a key can be looked
 * for in any spelling without a change to the plan.
 */
#include <stdio.h>

#include "core/calendar.h"
#include "plan/plan.h"
#include "plan/words.h"

/* One key as words. */
struct key_words {
    uint64_t width;
    flowlog_str name[2]; /* of fields; a SERVICE has none */
    uint8_t kind;        /* LEAST: a pair */
    uint8_t bits[2];
    uint8_t part;
};

struct parser {
    const char *text;
    size_t at, end;
    flowlog_error *err;
};

static int is_next(struct parser *p, char c)
{
    p->at = fl_skip_blanks(p->text, p->at, p->end);
    return p->at < p->end && p->text[p->at] == c;
}

static flowlog_status expect(struct parser *p, char c)
{
    if (!is_next(p, c)) return FL_FAIL_AT(p->err, FLOWLOG_E_SYNTAX, p->at, "'%c' is missing in a key", c);
    p->at++;
    return FLOWLOG_OK;
}

static uint32_t field_type(flowlog_str name)
{
    const flowlog_field_info *info = flowlog_field_get(flowlog_field_find(name.ptr, name.len));
    return info ? info->type : (uint32_t)FLOWLOG_TYPE_TEXT;
}

static flowlog_status parse_name(struct parser *p, flowlog_str *name)
{
    p->at = fl_skip_blanks(p->text, p->at, p->end);
    const size_t end = fl_word_end(p->text, p->at, p->end);
    if (end == p->at) {
        if (p->at == p->end) return FL_FAIL_AT(p->err, FLOWLOG_E_SYNTAX, p->at, "a field is missing in a key");
        return FL_FAIL_AT(p->err, FLOWLOG_E_SYNTAX, p->at, "not the name of a field: '%c'", p->text[p->at]);
    }
    *name = (flowlog_str){p->text + p->at, end - p->at};
    p->at = end;
    return FLOWLOG_OK;
}

static flowlog_status parse_number(struct parser *p, uint64_t max, uint64_t *number)
{
    p->at = fl_skip_blanks(p->text, p->at, p->end);
    const size_t from = p->at;
    *number = 0;
    for (; p->at < p->end && fl_ascii_is_digit(p->text[p->at]); p->at++) {
        *number = *number * 10 + (uint64_t)(p->text[p->at] - '0');
        if (*number > max)
            return FL_FAIL_AT(p->err, FLOWLOG_E_SYNTAX, from, "a number above %llu", (unsigned long long)max);
    }
    if (p->at == from) return FL_FAIL_AT(p->err, FLOWLOG_E_SYNTAX, from, "a number is missing in a key");
    return FLOWLOG_OK;
}

/* FIELD/24, FIELD/24/64, FIELD/24,/64: what stands behind the field. */
static flowlog_status parse_prefix(struct parser *p, struct key_words *k)
{
    uint64_t bits[2];
    const size_t name_at = (size_t)(k->name[0].ptr - p->text);
    if (field_type(k->name[0]) != FLOWLOG_TYPE_ADDR)
        return FL_FAIL_AT(p->err, FLOWLOG_E_FIELD, name_at, "'%.*s' is not an address, which could have a prefix",
                          (int)(k->name[0].len < 64 ? k->name[0].len : 64), k->name[0].ptr);
    FL_TRY(expect(p, '/'));
    const size_t first_at = p->at;
    FL_TRY(parse_number(p, 128, &bits[0]));
    size_t comma = fl_skip_blanks(p->text, p->at, p->end);
    if (comma < p->end && p->text[comma] == ',') comma = fl_skip_blanks(p->text, comma + 1, p->end);
    k->kind = FL_KEY_PREFIX;
    if (comma < p->end && p->text[comma] == '/') {
        if (bits[0] > 32) return FL_FAIL_AT(p->err, FLOWLOG_E_SYNTAX, first_at, "an IPv4 prefix above 32");
        p->at = comma + 1;
        FL_TRY(parse_number(p, 128, &bits[1]));
    } else {
        bits[1] = bits[0] > 32 ? bits[0] : 64;
        if (bits[0] > 32) bits[0] = 32;
    }
    k->bits[0] = (uint8_t)bits[0];
    k->bits[1] = (uint8_t)bits[1];
    return FLOWLOG_OK;
}

static const struct unit {
    char letter;
    uint32_t sec;
} units[] = {{'w', 604800}, {'d', 86400}, {'h', 3600}, {'m', 60}, {'s', 1}};

static flowlog_status check_time(const struct parser *p, flowlog_str name, const char *what)
{
    if (field_type(name) == FLOWLOG_TYPE_TIME) return FLOWLOG_OK;
    return FL_FAIL_AT(p->err, FLOWLOG_E_FIELD, (size_t)(name.ptr - p->text), "'%.*s' is not a time, which could have %s",
                      (int)(name.len < 64 ? name.len : 64), name.ptr, what);
}

static flowlog_status parse_bin(struct parser *p, struct key_words *k)
{
    uint64_t count;
    k->kind = FL_KEY_BIN;
    FL_TRY(expect(p, '('));
    FL_TRY(parse_name(p, &k->name[0]));
    FL_TRY(check_time(p, k->name[0], "bins"));
    FL_TRY(expect(p, ','));
    p->at = fl_skip_blanks(p->text, p->at, p->end);
    const size_t width_at = p->at;
    FL_TRY(parse_number(p, FL_BIN_MAX_SEC, &count));
    size_t u = 0;
    const char letter = p->at < p->end ? fl_ascii_lower(p->text[p->at]) : '\0';
    while (u < sizeof units / sizeof *units && units[u].letter != letter) u++;
    if (u == sizeof units / sizeof *units)
        return FL_FAIL_AT(p->err, FLOWLOG_E_SYNTAX, p->at, "s, m, h, d or w is missing behind the width of a bin");
    p->at++;
    if (!count || count > FL_BIN_MAX_SEC / units[u].sec)
        return FL_FAIL_AT(p->err, FLOWLOG_E_SYNTAX, width_at, "a bin is at least 1s and at most %llus wide",
                          (unsigned long long)FL_BIN_MAX_SEC);
    k->width = count * units[u].sec;
    return expect(p, ')');
}

static flowlog_status parse_pair(struct parser *p, struct key_words *k)
{
    k->kind = FL_KEY_LEAST;
    FL_TRY(expect(p, '('));
    FL_TRY(parse_name(p, &k->name[0]));
    FL_TRY(expect(p, ','));
    FL_TRY(parse_name(p, &k->name[1]));
    const uint32_t a = field_type(k->name[0]), b = field_type(k->name[1]);
    if (a != b || a == FLOWLOG_TYPE_ENUM)
        return FL_FAIL_AT(p->err, FLOWLOG_E_FIELD, (size_t)(k->name[1].ptr - p->text),
                          "a pair needs two addresses, numbers, times or texts");
    return expect(p, ')');
}

/* 1 if the word is of a part of a time. */
static int is_part(flowlog_str word, uint8_t *part)
{
    *part = 0;
    while (*part < FL_PARTS && !fl_is_word(word.ptr, word.len, flowlog__part_info(*part)->word)) ++*part;
    return *part < FL_PARTS;
}

/* hour, hour(end): what stands behind the word. */
static flowlog_status parse_part(struct parser *p, struct key_words *k)
{
    k->kind = FL_KEY_PART;
    k->name[0] = (flowlog_str){"start", 5};
    if (!is_next(p, '(')) return FLOWLOG_OK;
    p->at++;
    FL_TRY(parse_name(p, &k->name[0]));
    FL_TRY(check_time(p, k->name[0], "parts"));
    return expect(p, ')');
}

static flowlog_status parse_words(struct parser *p, struct key_words *k)
{
    memset(k, 0, sizeof *k);
    FL_TRY(parse_name(p, &k->name[0]));
    const flowlog_str word = k->name[0];
    if (is_part(word, &k->part)) return parse_part(p, k);
    k->part = 0;
    if (is_next(p, '(')) {
        if (fl_is_word(word.ptr, word.len, "bin")) return parse_bin(p, k);
        if (fl_is_word(word.ptr, word.len, "pair")) return parse_pair(p, k);
        return FL_FAIL_AT(p->err, FLOWLOG_E_SYNTAX, (size_t)(word.ptr - p->text),
                          "'%.*s' makes no key: bin(start,5m), pair(srcaddr,dstaddr), hour(end)",
                          (int)(word.len < 64 ? word.len : 64), word.ptr);
    }
    if (is_next(p, '/')) return parse_prefix(p, k);
    if (fl_is_word(word.ptr, word.len, "service")) k->kind = FL_KEY_SERVICE;
    return FLOWLOG_OK;
}

/* --- binding ---------------------------------------------------------------------------------------------- */

static uint32_t key_type(const flowlog_plan *plan, const struct fl_plan_key *key)
{
    if (key->kind == FL_KEY_PREFIX) return FLOWLOG_TYPE_NET;
    if (key->kind == FL_KEY_SERVICE) return FLOWLOG_TYPE_SERVICE;
    if (key->kind == FL_KEY_PART) return FLOWLOG_TYPE_U32;
    return plan->field[key->field[0]].type;
}

static flowlog_status bind(flowlog_plan *plan, const struct key_words *k, size_t at, struct fl_plan_key *key,
                           flowlog_error *err)
{
    static const flowlog_str server[3] = {{"srcport", 7}, {"dstport", 7}, {"protocol", 8}};
    const int service = k->kind == FL_KEY_SERVICE;
    const uint32_t count = service ? 3 : k->kind == FL_KEY_LEAST ? 2 : 1;
    memset(key, 0, sizeof *key);
    key->kind = k->kind;
    key->width = k->width;
    key->bits[0] = k->bits[0];
    key->bits[1] = k->bits[1];
    key->part = k->part;
    for (uint32_t i = 0; i < count; i++) {
        const flowlog_str name = service ? server[i] : k->name[i];
        FL_TRY(flowlog__plan_add_field(plan, name.ptr, name.len, &key->field[i], err));
    }
    key->type = (uint8_t)key_type(plan, key);
    if (count == 2 && key->field[0] == key->field[1])
        return FL_FAIL_AT(err, FLOWLOG_E_DUPLICATE, at, "a pair of one field");
    return FLOWLOG_OK;
}

flowlog_status flowlog__plan_parse_key(flowlog_plan *plan, const char *text, size_t *at, size_t end,
                                       struct fl_plan_key key[2], uint32_t *count, flowlog_error *err)
{
    struct parser p = {text, *at, end, err};
    struct key_words k;
    FL_TRY(parse_words(&p, &k));
    FL_TRY(bind(plan, &k, *at, &key[0], err));
    *count = 1;
    if (k.kind == FL_KEY_LEAST) {
        key[1] = key[0];
        key[1].kind = FL_KEY_GREATEST;
        *count = 2;
    }
    *at = p.at;
    return FLOWLOG_OK;
}

static int is_field(const struct fl_plan_field *field, flowlog_str name)
{
    const uint32_t id = flowlog_field_find(name.ptr, name.len);
    return id ? field->field == id : !field->field && flowlog__plan_same_name(field->name, name.ptr, name.len);
}

static int is_key(const flowlog_plan *plan, const struct fl_plan_key *key, const struct key_words *k)
{
    if (key->kind != k->kind || key->width != k->width || key->part != k->part) return 0;
    if (memcmp(key->bits, k->bits, sizeof k->bits) != 0) return 0;
    if (k->kind == FL_KEY_SERVICE) return 1;
    return is_field(&plan->field[key->field[0]], k->name[0])
           && (k->kind != FL_KEY_LEAST || is_field(&plan->field[key->field[1]], k->name[1]));
}

uint32_t flowlog__plan_find_key(const flowlog_plan *plan, const char *text, size_t len)
{
    struct parser p = {text, 0, len, NULL};
    struct key_words k;
    for (uint32_t i = 0; i < plan->keys; i++)
        if (strlen(plan->key[i].name) == len && memcmp(plan->key[i].name, text, len) == 0) return i;
    if (parse_words(&p, &k) < 0 || k.kind == FL_KEY_LEAST || fl_skip_blanks(text, p.at, len) != len) return FL_NONE;
    uint32_t i = 0;
    while (i < plan->keys && !is_key(plan, &plan->key[i], &k)) i++;
    return i < plan->keys ? i : FL_NONE;
}

size_t flowlog__plan_key_name(const flowlog_plan *plan, const struct fl_plan_key *key, char *text, size_t cap)
{
    const char *a = plan->field[key->field[0]].name;
    const unsigned v4 = key->bits[0], v6 = key->bits[1];
    int n;
    size_t u = 0;
    switch (key->kind) {
    case FL_KEY_PREFIX:
        if (v6 == 64 && v4 < 32) n = snprintf(text, cap, "%s/%u", a, v4);
        else if (v4 == 32 && v6 > 32 && v6 != 64) n = snprintf(text, cap, "%s/%u", a, v6);
        else n = snprintf(text, cap, "%s/%u/%u", a, v4, v6);
        break;
    case FL_KEY_BIN:
        while (key->width % units[u].sec) u++;
        n = snprintf(text, cap, "bin(%s,%llu%c)", a, (unsigned long long)(key->width / units[u].sec),
                     units[u].letter);
        break;
    case FL_KEY_LEAST:
    case FL_KEY_GREATEST:
        n = snprintf(text, cap, "%s(%s,%s)", key->kind == FL_KEY_LEAST ? "least" : "greatest", a,
                     plan->field[key->field[1]].name);
        break;
    case FL_KEY_SERVICE: n = snprintf(text, cap, "service"); break;
    case FL_KEY_PART:
        n = snprintf(text, cap, plan->field[key->field[0]].field == FLOWLOG_FIELD_START ? "%s" : "%s(%s)",
                     flowlog__part_info(key->part)->word, a);
        break;
    default: n = snprintf(text, cap, "%s", a);
    }
    return n < 0 ? 0 : (size_t)n;
}

/* --- the builder ------------------------------------------------------------------------------------------ */

static flowlog_status add_keys(flowlog_plan *plan, const char *text, flowlog_error *err)
{
    const size_t end = strlen(text);
    for (size_t at = 0;; at++) { /* over the comma */
        struct fl_plan_key key[2];
        uint32_t count;
        at = fl_skip_blanks(text, at, end);
        const size_t from = at;
        FL_TRY(flowlog__plan_parse_key(plan, text, &at, end, key, &count, err));
        for (uint32_t i = 0; i < count; i++) {
            const flowlog_status status = flowlog__plan_add_key(plan, &key[i], err);
            if (status >= 0) continue;
            if (err) {
                err->offset = from;
                err->column = (uint32_t)from + 1;
            }
            return status;
        }
        at = fl_skip_blanks(text, at, end);
        if (at == end) return FLOWLOG_OK;
        if (text[at] != ',')
            return FL_FAIL_AT(err, FLOWLOG_E_SYNTAX, at, "a comma is missing between keys");
    }
}

flowlog_status flowlog_plan_key(flowlog_plan *plan, const char *keys, flowlog_error *err)
{
    if (!plan || !keys) return FL_FAIL(err, FLOWLOG_E_ARGUMENT, "no plan or no key given");
    const struct fl_plan_mark mark = flowlog__plan_mark(plan);
    return flowlog__plan_end(plan, &mark, add_keys(plan, keys, err), err);
}

/* --- limits for each value of keys ------------------------------------------------------------------------ */

/*
 * The key whose very name stands at p->at, as a bit, with p->at behind it; 0: none.  The name of a half of a pair is
 * no key that could be asked for, but it is one that can be limited by.
 */
static uint32_t named_key(const flowlog_plan *plan, struct parser *p)
{
    for (uint32_t k = 0; k < plan->keys; k++) {
        const size_t len = strlen(plan->key[k].name);
        if (len > p->end - p->at || memcmp(plan->key[k].name, p->text + p->at, len) != 0) continue;
        const size_t next = fl_skip_blanks(p->text, p->at + len, p->end);
        if (next != p->end && p->text[next] != ',') continue;
        p->at = next;
        return UINT32_C(1) << k;
    }
    return 0;
}

/* The next key of the list in any spelling: a bit, or two for a pair. */
static flowlog_status parse_per(const flowlog_plan *plan, struct parser *p, uint32_t *bits)
{
    struct key_words k;
    p->at = fl_skip_blanks(p->text, p->at, p->end);
    const size_t from = p->at;
    *bits = named_key(plan, p);
    if (*bits) return FLOWLOG_OK;
    FL_TRY(parse_words(p, &k));
    for (uint32_t i = 0; i < plan->keys; i++) {
        if (!is_key(plan, &plan->key[i], &k)) continue;
        *bits |= UINT32_C(1) << i;
        if (k.kind == FL_KEY_LEAST) *bits |= UINT32_C(2) << i; /* the other half follows */
    }
    if (*bits) return FLOWLOG_OK;
    return FL_FAIL_AT(p->err, FLOWLOG_E_FIELD, from, "the plan has no key '%.*s'",
                      (int)(p->at - from < 64 ? p->at - from : 64), p->text + from);
}

flowlog_status flowlog_plan_limit_per(flowlog_plan *plan, const char *keys, uint64_t rows, flowlog_error *err)
{
    if (!plan || !keys) return FL_FAIL(err, FLOWLOG_E_ARGUMENT, "no plan or no key given");
    struct parser p = {keys, 0, strlen(keys), err};
    uint32_t chosen = 0, bits;
    for (;; p.at++) { /* over the comma */
        const size_t from = fl_skip_blanks(keys, p.at, p.end);
        FL_TRY(parse_per(plan, &p, &bits));
        if (bits & chosen) return FL_FAIL_AT(err, FLOWLOG_E_DUPLICATE, from, "a key named twice");
        chosen |= bits;
        p.at = fl_skip_blanks(keys, p.at, p.end);
        if (p.at == p.end) break;
        if (keys[p.at] != ',')
            return FL_FAIL_AT(err, FLOWLOG_E_SYNTAX, p.at, "a comma is missing between keys");
    }
    plan->per_keys = rows ? chosen : 0;
    plan->limit_per = rows;
    return FLOWLOG_OK;
}
