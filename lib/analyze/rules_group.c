/* SPDX-License-Identifier: MIT */
/* rules_group.c - see rules_group.h. */
#include "analyze/rules_group.h"

#include <stdio.h>
#include <string.h>

#include "analyze/rules_store.h"

void flowlog__rule_group_add(struct fl_rule_group *g, const struct fl_rule_change *change, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (g->count < FL_RULE_GROUP_MAX) g->change[g->count++] = change[i];
        else g->more++;
    }
}

/* --- the order --------------------------------------------------------------------------------------------- */

#define COMPARE(a, b) \
    do { \
        if ((a) != (b)) return (a) < (b) ? -1 : 1; \
    } while (0)

/* All but the address and the number. */
static int compare_kinds(const struct fl_rule_change *x, const struct fl_rule_change *y)
{
    COMPARE(x->what, y->what);
    COMPARE(x->egress, y->egress);
    COMPARE(x->id.len, y->id.len);
    const int c = memcmp(x->id.ptr, y->id.ptr, x->id.len);
    if (c) return c;
    COMPARE(x->proto, y->proto);
    COMPARE(x->portless, y->portless);
    COMPARE(x->from, y->from);
    COMPARE(x->to, y->to);
    COMPARE(x->before, y->before);
    return 0;
}

static int compare_blocks(const struct fl_cidr *x, const struct fl_cidr *y)
{
    COMPARE(x->family, y->family);
    const int c = memcmp(x->bytes, y->bytes, sizeof x->bytes);
    if (c) return c;
    COMPARE(x->bits, y->bits);
    return 0;
}

static int compare_changes(const struct fl_rule_change *x, const struct fl_rule_change *y)
{
    const int c = compare_kinds(x, y);
    return c ? c : compare_blocks(&x->peer, &y->peer);
}

/* A heap, as in sort.c, of the changes themselves. */
static void sink(struct fl_rule_change *c, size_t root, size_t count)
{
    const struct fl_rule_change moved = c[root];
    while (root < count / 2) {
        size_t child = 2 * root + 1;
        if (child + 1 < count && compare_changes(&c[child], &c[child + 1]) < 0) child++;
        if (compare_changes(&c[child], &moved) <= 0) break;
        c[root] = c[child];
        root = child;
    }
    c[root] = moved;
}

static void sort_changes(struct fl_rule_change *c, size_t count)
{
    for (size_t root = count / 2; root--;) sink(c, root, count);
    for (size_t end = count; end > 1; end--) {
        const struct fl_rule_change largest = c[0];
        c[0] = c[end - 1];
        c[end - 1] = largest;
        sink(c, 0, end - 1);
    }
}

/* --- blocks ------------------------------------------------------------------------------------------------ */

/* Two halves of one block, the lower one first. */
static int are_halves(const struct fl_cidr *low, const struct fl_cidr *high)
{
    if (low->family != high->family || low->bits != high->bits || !low->bits) return 0;
    const unsigned bit = low->bits - 1u;
    struct fl_cidr other = *low;
    if (low->bytes[bit / 8] >> (7 - bit % 8) & 1) return 0;
    other.bytes[bit / 8] |= (uint8_t)(0x80 >> bit % 8);
    return !compare_blocks(&other, high);
}

size_t flowlog__cidr_join(struct fl_cidr *block, size_t count)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        if (kept && flowlog__cidr_covers(&block[kept - 1], &block[i])) continue;
        block[kept++] = block[i];
        while (kept >= 2 && are_halves(&block[kept - 2], &block[kept - 1])) {
            kept--;
            block[kept - 1].bits--;
        }
    }
    return kept;
}

/* --- text -------------------------------------------------------------------------------------------------- */

struct out {
    char *text;
    size_t cap, len;
    size_t left; /* lines that had no room */
};

enum { MORE = 32 /* bytes for what is said of them */ };

static void add_line(struct out *o, const char *line, size_t len)
{
    if (!len) return;
    if (o->left || o->len + len + 1 + MORE > o->cap) {
        o->left++;
        return;
    }
    if (o->len) o->text[o->len++] = '\n';
    memcpy(o->text + o->len, line, len);
    o->len += len;
    o->text[o->len] = '\0';
}

static void end_lines(struct out *o, size_t more)
{
    if (o->cap < MORE || !(o->left + more)) return;
    o->len += (size_t)snprintf(o->text + o->len, MORE, "%sand %lu more", o->len ? "\n" : "",
                               (unsigned long)(o->left + more) % 1000000000ul);
}

enum { LIST = 16 /* blocks in one line */, LINE_MAX = FL_RULE_COMMAND_MAX + LIST * (FL_CIDR_TEXT_MAX + 14) };

/* `text` [len] with the blocks behind the first one put in at `at`, each between `before` and `after`. */
static size_t put_in(char *text, size_t len, size_t at, const struct fl_cidr *block, size_t count, const char *before,
                     const char *after)
{
    char rest[FL_RULE_COMMAND_MAX], one[FL_CIDR_TEXT_MAX];
    const size_t tail = len - at;
    memcpy(rest, text + at, tail);
    for (size_t i = 1; i < count; i++) {
        flowlog__cidr_format(&block[i], one);
        at += (size_t)snprintf(text + at, LINE_MAX - at, "%s%s%s", before, one, after);
    }
    memcpy(text + at, rest, tail);
    return at + tail;
}

/* A rule of a security group for up to LIST blocks. */
static void add_group_rule(struct fl_rule_change *c, const struct fl_cidr *block, size_t count, struct out *row,
                           struct out *command)
{
    char line[LINE_MAX];
    c->peer = block[0];
    size_t len = flowlog__rule_change_row(c, line);
    add_line(row, line, put_in(line, len, len, block, count, ", ", ""));
    len = flowlog__rule_change_command(c, line);
    const char *end = len ? strchr(line, ']') : NULL;
    const char *name = c->peer.family == 6 ? ",{CidrIpv6=" : ",{CidrIp=";
    if (end) add_line(command, line, put_in(line, len, (size_t)(end - line), block, count, name, "}"));
}

/* An entry of a network ACL for each block; `taken` are the numbers given so far. */
static void add_entries(const struct fl_rules *rules, const struct fl_acl *acl, struct fl_rule_change *c,
                        const struct fl_cidr *block, size_t count, struct fl_rule_numbers *taken, struct out *row,
                        struct out *command)
{
    char line[LINE_MAX];
    for (size_t i = 0; i < count; i++) {
        c->peer = block[i];
        if (c->what == FL_RULE_CHANGE_NACL && acl)
            c->number = flowlog__rules_free_number(rules, acl, c->egress, c->before, taken);
        if (c->what == FL_RULE_CHANGE_NACL && !c->number) {
            c->what = FL_RULE_CHANGE_NACL_ENTRY;
            c->number = c->before;
        }
        size_t len = flowlog__rule_change_row(c, line);
        add_line(row, line, len);
        len = flowlog__rule_change_command(c, line);
        add_line(command, line, len);
    }
}

void flowlog__rule_group_write(const struct fl_rules *rules, flowlog_str eni, struct fl_rule_group *g, char *row,
                               size_t row_cap, char *command, size_t command_cap)
{
    struct out rows = {row, row_cap, 0, 0}, commands = {command, command_cap, 0, 0};
    struct fl_rule_numbers taken[2] = {{{0}, 0}, {{0}, 0}}; /* of both directions */
    const uint32_t iface = flowlog__rules_iface(rules, eni), number = iface ? flowlog__rules_acl_of(rules, iface) : 0;
    const struct fl_acl *acl = number ? fl_acl_at(rules, number - 1) : NULL;
    if (row_cap) row[0] = '\0';
    if (command_cap) command[0] = '\0';
    sort_changes(g->change, g->count);
    for (size_t from = 0, to; from < g->count; from = to) {
        struct fl_cidr block[FL_RULE_GROUP_MAX];
        size_t n = 0;
        for (to = from; to < g->count && !compare_kinds(&g->change[from], &g->change[to]); to++)
            block[n++] = g->change[to].peer;
        n = flowlog__cidr_join(block, n);
        struct fl_rule_change *c = &g->change[from];
        if (c->what == FL_RULE_CHANGE_SG) {
            for (size_t i = 0; i < n; i += LIST)
                add_group_rule(c, block + i, n - i < LIST ? n - i : LIST, &rows, &commands);
        } else {
            add_entries(rules, acl, c, block, n, &taken[c->egress != 0], &rows, &commands);
        }
    }
    end_lines(&rows, g->more);
}
