/* SPDX-License-Identifier: MIT */
/* expr/lex.h - the words and signs of filters and of expressions over results. */
#ifndef FL_EXPR_LEX_H
#define FL_EXPR_LEX_H

#include <stddef.h>

#include "flowlog/base.h"

enum fl_sign {
    FL_SIGN_END,
    FL_SIGN_WORD, /* letters, digits and whatever is no sign: bytes, 10.0.0.0/8, eni-0a, 1M */
    FL_SIGN_QUOTED, /* offset and len have the text without the quotes; `quote` says which; doubled quotes inside */
    FL_SIGN_OPEN,
    FL_SIGN_CLOSE,
    FL_SIGN_LIST_OPEN,
    FL_SIGN_LIST_CLOSE,
    FL_SIGN_COMMA,
    FL_SIGN_AND,
    FL_SIGN_OR,
    FL_SIGN_NOT,
    FL_SIGN_EQ,
    FL_SIGN_NE,
    FL_SIGN_LT,
    FL_SIGN_LE,
    FL_SIGN_GT,
    FL_SIGN_GE,
    FL_SIGN_CONTAINS,
    FL_SIGN_STARTS,
    FL_SIGN_ENDS,
    FL_SIGN_PLUS, /* these four only where `arithmetic` */
    FL_SIGN_MINUS,
    FL_SIGN_TIMES,
    FL_SIGN_DIVIDE
};

struct fl_lexer {
    const char *text;
    size_t len, at;
    int arithmetic;
    enum fl_sign sign; /* the current one: */
    char quote;
    size_t begin;     /* of the sign, with its quote */
    const char *word; /* WORD, QUOTED */
    size_t word_len;
};

/* Go to the next sign.  E_SYNTAX at a byte or a quote that fits nothing. */
flowlog_status flowlog__lex(struct fl_lexer *x, flowlog_error *err);

/* 1 if the current sign is this word, in any letter case; `lower` is in small letters. */
int flowlog__lex_is(const struct fl_lexer *x, const char *lower);
int flowlog__word_is(const char *word, size_t len, const char *lower);

/* E_SYNTAX and the like at the current sign, or at an offset. */
#define FL_FAIL_AT(err, status, offset, ...) \
    flowlog__fail_at((err), (status), (offset), 0, (uint32_t)(offset) + 1, __VA_ARGS__)

/* The current sign for a message: its words, cut to 40 bytes, or "the end". */
struct fl_shown {
    char text[48];
};
struct fl_shown flowlog__lex_show(const struct fl_lexer *x);

#endif
