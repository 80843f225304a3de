/* SPDX-License-Identifier: MIT */
/*
 * expr/tree.h - typed conditions as numbered nodes in arrays, without pointers: cheap to copy and to compare.
 *
 * Every front-end builds trees with the functions below, which fold as they build: equal nodes are one node, nested
 * and/or are flat, constants vanish, lists are sorted ranges.  A condition is either true or false for a row: a
 * comparison with a null is false.
 */
#ifndef FL_EXPR_TREE_H
#define FL_EXPR_TREE_H

#include <stddef.h>
#include <stdint.h>

#include "flowlog/base.h"
#include "flowlog/field.h"

enum fl_op {
    FL_OP_NONE,
    FL_OP_FALSE,
    FL_OP_TRUE,
    FL_OP_AND,
    FL_OP_OR,
    FL_OP_NOT,
    FL_OP_IS_NULL,
    FL_OP_EQ,
    FL_OP_NE,
    FL_OP_LT,
    FL_OP_LE,
    FL_OP_GT,
    FL_OP_GE,
    FL_OP_IN,
    FL_OP_CONTAINS,
    FL_OP_STARTS,
    FL_OP_ENDS
};

/* What is compared. */
enum fl_form {
    FL_FORM_FIELD,
    FL_FORM_BITS,     /* field & mask */
    FL_FORM_PART,     /* a part of a time, core/calendar.h: which one, `mask` says */
    /* of several fields: */
    FL_FORM_DURATION, /* end - start */
    FL_FORM_BPP,      /* bytes / packets, as a fraction */
    FL_FORM_BPS       /* 8 * bytes / (end - start), as a fraction */
};

enum { FL_NODE_FALSE = 1, FL_NODE_TRUE = 2 }; /* their numbers; 0 is no node: memory ran out */

/*
 * `count` words at `at` are: of AND, OR, NOT the numbers of the operands; of a number in IN pairs [from, to], rising
 * and apart; of an address (EQ, NE, IN, LE, GE) a set, below; of text `items` strings, below.
 * Times are held with their sign bit flipped, so that all numbers are compared without sign.
 */
struct fl_node {
    uint8_t op, form, type; /* fl_op, fl_form, flowlog_type of the field */
    uint8_t cost;           /* of evaluation, for ordering */
    uint16_t field;         /* index into the fields of the tree; 0 of the derived forms */
    uint16_t reserved;
    uint32_t at, count, items;
    uint64_t number; /* EQ to GE of numbers: the other side.  ENUM: bit c for each code c that matches */
    uint64_t mask;   /* BITS, PART */
};

/*
 * A set of addresses: one word n4 << 32 | n6, n4 words from << 32 | to, and n6 times four words: from (high, low),
 * to (high, low).  Rising and apart.
 *
 * Strings: `items` words, each the word of its string counted from `at`; a string is its length and its bytes, filled
 * up to whole words with zeros.  Rising by bytes in IN.
 */

struct fl_ref {
    uint16_t field; /* flowlog_field; 0: known by name only */
    uint8_t type;
    uint32_t name, name_len; /* in chars; ends in NUL */
};

struct fl_tree {
    const struct fl_node *node;
    const uint64_t *word;
    const struct fl_ref *ref;
    const char *chars;
    uint32_t nodes, words, refs, char_count;
    uint32_t root;
};

/* A tree that grows. */
struct fl_builder {
    flowlog_alloc alloc;
    struct fl_node *node;
    uint32_t *mark; /* by node: the and/or it was last seen in */
    uint64_t *word;
    struct fl_ref *ref;
    char *chars;
    uint32_t *slot;  /* hash of nodes; a power of two of them */
    uint64_t *stack; /* operands, values of lists */
    uint32_t nodes, node_cap, mark_cap, words, word_cap, refs, ref_cap, char_count, char_cap, slots,
        stack_len, stack_cap;
    uint32_t stamp;
    int failed; /* out of memory: all functions give 0 */
};

void flowlog__builder_init(struct fl_builder *b, const flowlog_alloc *alloc);
void flowlog__builder_free(struct fl_builder *b);

/* 1, or 0 when memory ran out. */
int flowlog__tree_push(struct fl_builder *b, uint64_t value);
/* `len` bytes as words: the length, then the bytes. */
int flowlog__tree_push_text(struct fl_builder *b, const char *text, size_t len);

/* The index of a field of the catalogue; or of one known by name. */
uint32_t flowlog__tree_field(struct fl_builder *b, uint32_t field);
uint32_t flowlog__tree_named(struct fl_builder *b, const char *name, size_t len);

/* The operands pushed since the stack was `base` long are taken off and joined; none: TRUE for AND, FALSE for OR. */
uint32_t flowlog__tree_join(struct fl_builder *b, enum fl_op op, uint32_t base);
uint32_t flowlog__tree_pair(struct fl_builder *b, enum fl_op op, uint32_t x, uint32_t y);
uint32_t flowlog__tree_not(struct fl_builder *b, uint32_t x);
uint32_t flowlog__tree_is_null(struct fl_builder *b, uint32_t ref);

/* A number against EQ to GE.  `number` of a TIME as flowlog__time_key gives it; `mask` 0 of a FIELD. */
uint32_t flowlog__tree_number(struct fl_builder *b, enum fl_form form, uint32_t ref, uint64_t mask,
                              enum fl_op op, uint64_t number);
/* GE from and LE to, or what says the same. */
uint32_t flowlog__tree_number_range(struct fl_builder *b, enum fl_form form, uint32_t ref, uint64_t mask,
                                    uint64_t from, uint64_t to);
/* Pairs [from, to] that were pushed since `base`; they stay.  Of a FIELD or a PART. */
uint32_t flowlog__tree_number_in(struct fl_builder *b, enum fl_form form, uint32_t ref, uint64_t mask,
                                 uint32_t base);
/* Ranges of addresses, FL_RANGE_WORDS each, pushed since `base`; they stay.  EQ, NE of one; IN; LT to GE of one. */
uint32_t flowlog__tree_address(struct fl_builder *b, uint32_t ref, enum fl_op op, uint32_t base);
/* Strings pushed by flowlog__tree_push_text since `base`; they stay.  IN of any number, all others of one. */
uint32_t flowlog__tree_text(struct fl_builder *b, uint32_t ref, enum fl_op op, uint32_t base);

/* A range of addresses on the stack: family 4 or 6, from (high, low), to (high, low); IPv4 in the low words. */
enum { FL_RANGE_WORDS = 5 };

static inline uint64_t flowlog__time_key(int64_t t) { return (uint64_t)t ^ UINT64_C(1) << 63; }

/* Copy a node of another tree with all below it. */
uint32_t flowlog__tree_import(struct fl_builder *b, const struct fl_tree *tree, uint32_t id);

/* The tree as it stands; valid until the builder changes. */
struct fl_tree flowlog__builder_tree(const struct fl_builder *b, uint32_t root);

/* Pieces of a node. */
static inline flowlog_str flowlog__node_text(const struct fl_tree *t, const struct fl_node *n,
                                             uint32_t item)
{
    const uint64_t *p = t->word + n->at + t->word[n->at + item];
    return (flowlog_str){(const char *)(p + 1), (size_t)p[0]};
}
static inline uint32_t flowlog__set_v4(const uint64_t *set) { return (uint32_t)(set[0] >> 32); }
static inline uint32_t flowlog__set_v6(const uint64_t *set) { return (uint32_t)set[0]; }

/* 1 if the text compares as op with item 0 (IN: is one of them). */
int flowlog__text_matches(const struct fl_tree *t, const struct fl_node *n, const char *text,
                          size_t len);

#endif
