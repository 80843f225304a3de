/* SPDX-License-Identifier: MIT */
/* lex.c - see lex.h. */
#include "expr/lex.h"

#include <string.h>

#include "core/error.h"
#include "schema/ascii.h"

/* What a word cannot have in it. */
static int ends_word(char c)
{
    return (unsigned char)c <= ' ' || c == 0x7F || strchr("()[],!=<>~&|#\"'`^$", c) != NULL;
}

static void skip_blanks(struct fl_lexer *x)
{
    while (x->at < x->len) {
        const char c = x->text[x->at];
        if (c == '#') {
            while (x->at < x->len && x->text[x->at] != '\n') x->at++;
        } else if (fl_ascii_is_blank(c)) {
            x->at++;
        } else {
            return;
        }
    }
}

static flowlog_status quoted(struct fl_lexer *x, flowlog_error *err)
{
    const char quote = x->text[x->at];
    const size_t from = x->at + 1;
    for (size_t i = from; i < x->len; i++) {
        const char c = x->text[i];
        if (((unsigned char)c < ' ' && c != '\t') || c == 0x7F)
            return FL_FAIL_AT(err, FLOWLOG_E_SYNTAX, i, "a control character in quotes");
        if (c != quote) continue;
        if (i + 1 < x->len && x->text[i + 1] == quote) {
            i++;
            continue;
        }
        x->sign = FL_SIGN_QUOTED;
        x->quote = quote;
        x->word = x->text + from;
        x->word_len = i - from;
        x->at = i + 1;
        return FLOWLOG_OK;
    }
    return FL_FAIL_AT(err, FLOWLOG_E_SYNTAX, x->at, "this %c has no end", quote);
}

/* The signs, longer ones first. */
static const struct {
    char text[3];
    uint8_t sign, arithmetic;
} signs[] = {
    {"&&", FL_SIGN_AND, 0},     {"||", FL_SIGN_OR, 0},       {"==", FL_SIGN_EQ, 0},
    {"!=", FL_SIGN_NE, 0},      {"<=", FL_SIGN_LE, 0},       {">=", FL_SIGN_GE, 0},
    {"<>", FL_SIGN_NE, 0},      {"^=", FL_SIGN_STARTS, 0},   {"$=", FL_SIGN_ENDS, 0},
    {"=", FL_SIGN_EQ, 0},       {"<", FL_SIGN_LT, 0},        {">", FL_SIGN_GT, 0},
    {"~", FL_SIGN_CONTAINS, 0}, {"!", FL_SIGN_NOT, 0},       {"(", FL_SIGN_OPEN, 0},
    {")", FL_SIGN_CLOSE, 0},    {"[", FL_SIGN_LIST_OPEN, 0}, {"]", FL_SIGN_LIST_CLOSE, 0},
    {",", FL_SIGN_COMMA, 0},    {"+", FL_SIGN_PLUS, 1},      {"-", FL_SIGN_MINUS, 1},
    {"*", FL_SIGN_TIMES, 1},    {"/", FL_SIGN_DIVIDE, 1},
};

flowlog_status flowlog__lex(struct fl_lexer *x, flowlog_error *err)
{
    skip_blanks(x);
    x->begin = x->at;
    x->word = x->text + x->at;
    x->word_len = 0;
    if (x->at == x->len) {
        x->sign = FL_SIGN_END;
        return FLOWLOG_OK;
    }
    const char c = x->text[x->at];
    if (fl_ascii_is_quote(c)) return quoted(x, err);
    for (size_t i = 0; i < sizeof signs / sizeof *signs; i++) {
        const size_t n = strlen(signs[i].text);
        if (signs[i].arithmetic > x->arithmetic || n > x->len - x->at ||
            memcmp(x->word, signs[i].text, n))
            continue;
        x->sign = (enum fl_sign)signs[i].sign;
        x->word_len = n;
        x->at += n;
        return FLOWLOG_OK;
    }
    if (c == '&' || c == '|')
        return FL_FAIL_AT(err, FLOWLOG_E_SYNTAX, x->at, "a single '%c': write %c%c", c, c, c);
    if (ends_word(c))
        return FL_FAIL_AT(err, FLOWLOG_E_SYNTAX, x->at,
                          c == '^' || c == '$' ? "'%c' is written before '=': name ^= begin, name $= end"
                                               : "a control character",
                          c);
    while (x->at < x->len && !ends_word(x->text[x->at]) &&
           !(x->arithmetic && strchr("+*", x->text[x->at])))
        x->at++;
    x->sign = FL_SIGN_WORD;
    x->word_len = x->at - x->begin;
    return FLOWLOG_OK;
}

int flowlog__word_is(const char *word, size_t len, const char *lower)
{
    size_t i = 0;
    while (i < len && lower[i] && fl_ascii_lower(word[i]) == lower[i]) i++;
    return i == len && !lower[i];
}

int flowlog__lex_is(const struct fl_lexer *x, const char *lower)
{
    return x->sign == FL_SIGN_WORD && flowlog__word_is(x->word, x->word_len, lower);
}

struct fl_shown flowlog__lex_show(const struct fl_lexer *x)
{
    struct fl_shown s = {"the end"};
    if (x->sign == FL_SIGN_END) return s;
    size_t n = x->word_len < 40 ? x->word_len : 40;
    s.text[0] = '\'';
    memcpy(s.text + 1, x->word, n);
    memcpy(s.text + 1 + n, x->word_len > 40 ? "...'" : "'", x->word_len > 40 ? 5 : 2);
    return s;
}
