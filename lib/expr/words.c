/* SPDX-License-Identifier: MIT */
/* words.c - the conditions that a word begins: host, net, port, tcp, reject, flags, hour, fields, times. */
#include <string.h>

#include "core/calendar.h"
#include "expr/literal.h"
#include "expr/parse.h"
#include "schema/ascii.h"
#include "schema/nearest.h"
#include "schema/services.h"

/* Which side a condition is about. */
struct side {
    uint8_t pkt, src, dst, both;
};

static const struct side either = {0, 1, 1, 0};

static flowlog_status parse_side(struct fl_parser *p, struct side *side)
{
    *side = (struct side){0, 0, 0, 0};
    if (flowlog__lex_is(&p->x, "pkt")) {
        side->pkt = 1;
        FL_NEXT(p);
    }
    const int src = flowlog__lex_is(&p->x, "src"), dst = flowlog__lex_is(&p->x, "dst");
    side->src = !dst;
    side->dst = !src;
    if (!src && !dst) return FLOWLOG_OK;
    FL_NEXT(p);
    const struct fl_lexer before = p->x;
    const int both = p->x.sign == FL_SIGN_AND || flowlog__lex_is(&p->x, "and");
    if (!both && p->x.sign != FL_SIGN_OR && !flowlog__lex_is(&p->x, "or")) return FLOWLOG_OK;
    FL_NEXT(p);
    if (!flowlog__lex_is(&p->x, src ? "dst" : "src")) {
        p->x = before; /* src host A or ...: the joint is another's */
        return FLOWLOG_OK;
    }
    side->src = side->dst = 1;
    side->both = (uint8_t)both;
    return flowlog__lex(&p->x, p->err);
}

/* The comparison for one side, or for both, with what was pushed since `base`.  Different is different on both. */
static uint32_t compare_sides(struct fl_parser *p, struct side side, uint32_t src, uint32_t dst,
                              enum fl_op op, uint32_t base)
{
    uint32_t x = 0, y = 0;
    if (side.src) x = flowlog__parse_compare(p, flowlog__tree_field(&p->b, src), op, base);
    if (side.dst) y = flowlog__parse_compare(p, flowlog__tree_field(&p->b, dst), op, base);
    p->b.stack_len = base;
    if (!side.dst) return x;
    if (!side.src) return y;
    return flowlog__tree_pair(&p->b, side.both || op == FL_OP_NE ? FL_OP_AND : FL_OP_OR, x, y);
}

static flowlog_status check_order(struct fl_parser *p, enum fl_op op, size_t at)
{
    return op >= FL_OP_CONTAINS
               ? FL_FAIL_AT(p->err, FLOWLOG_E_SYNTAX, at, "text is searched in fields only")
               : FLOWLOG_OK;
}

/* A range a-b has no order. */
static flowlog_status check_single(struct fl_parser *p, enum fl_op op, enum fl_kind kind, uint32_t base,
                                   size_t at)
{
    if (op < FL_OP_LT || op > FL_OP_GE) return FLOWLOG_OK;
    const uint64_t *v = p->b.stack + base;
    const int single =
        kind == FL_KIND_ADDRESS ? v[1] == v[3] && v[2] == v[4] : kind == FL_KIND_TEXT || v[0] == v[1];
    return single ? FLOWLOG_OK
                  : FL_FAIL_AT(p->err, FLOWLOG_E_SYNTAX, at,
                               "more and less are of one value, not of a range");
}

/* portrange A - B, with blanks around the hyphen: A is on the stack, and B, if it follows, becomes its end. */
static flowlog_status parse_range_end(struct fl_parser *p, enum fl_op op, uint32_t base)
{
    uint64_t *v = p->b.stack + base;
    const int one = op <= FL_OP_NE && p->b.stack_len == base + 2 && v[0] == v[1];
    if (!one || p->x.sign != FL_SIGN_WORD || p->x.word_len != 1 || p->x.word[0] != '-') return FLOWLOG_OK;
    FL_NEXT(p);
    const size_t at = p->x.begin;
    FL_TRY(flowlog__parse_values(p, FL_KIND_PORT, &op));
    v = p->b.stack + base; /* may have moved */
    if (p->b.stack_len != base + 4 || v[2] != v[3] || v[2] < v[0])
        return FL_FAIL_AT(p->err, FLOWLOG_E_SYNTAX, at, "expected a port above %u", (unsigned)v[0]);
    v[1] = v[2];
    p->b.stack_len = base + 2;
    return FLOWLOG_OK;
}

/* [OP] VALUES of source and destination fields. */
static flowlog_status parse_pair(struct fl_parser *p, struct side side, enum fl_kind kind, int range, uint32_t src,
                                 uint32_t dst, uint32_t *id)
{
    const uint32_t base = p->b.stack_len;
    enum fl_op op;
    size_t at = p->x.begin;
    FL_TRY(flowlog__parse_operator(p, &op));
    FL_TRY(check_order(p, op, at));
    at = p->x.begin;
    FL_TRY(flowlog__parse_values(p, kind, &op));
    if (range) FL_TRY(parse_range_end(p, op, base));
    FL_TRY(check_single(p, op, kind, base, at));
    *id = compare_sides(p, side, src, dst, op, base);
    return FLOWLOG_OK;
}

static flowlog_status parse_addresses(struct fl_parser *p, struct side side, uint32_t *id)
{
    if (side.pkt)
        return parse_pair(p, side, FL_KIND_ADDRESS, 0, FLOWLOG_FIELD_PKT_SRCADDR, FLOWLOG_FIELD_PKT_DSTADDR, id);
    return parse_pair(p, side, FL_KIND_ADDRESS, 0, FLOWLOG_FIELD_SRCADDR, FLOWLOG_FIELD_DSTADDR, id);
}

/* service NAME: a port by name, or an AWS service. */
static flowlog_status parse_service(struct fl_parser *p, struct side side, uint32_t *id)
{
    struct fl_builder *b = &p->b;
    const uint32_t base = b->stack_len;
    uint32_t protocol, port;
    enum fl_op op;
    FL_TRY(flowlog__parse_operator(p, &op));
    if (op > FL_OP_EQ || p->x.sign == FL_SIGN_LIST_OPEN)
        return FL_FAIL_HERE(p, FLOWLOG_E_SYNTAX, "service is followed by one name");
    if ((p->x.sign != FL_SIGN_WORD && p->x.sign != FL_SIGN_QUOTED) || flowlog__is_joint(&p->x))
        return FL_FAIL_HERE(p, FLOWLOG_E_SYNTAX, "expected the name of a service before %s",
                            flowlog__lex_show(&p->x).text);
    if (!side.pkt && flowlog__service_find(p->x.word, p->x.word_len, &protocol, &port)) {
        (void)(flowlog__tree_push(b, port) && flowlog__tree_push(b, port));
        const uint32_t ports =
            compare_sides(p, side, FLOWLOG_FIELD_SRCPORT, FLOWLOG_FIELD_DSTPORT, FL_OP_IN, base);
        const uint64_t tcp = protocol == FL_PROTO_UDP ? FL_PROTO_UDP : FL_PROTO_TCP;
        const uint64_t udp = protocol == FL_PROTO_TCP ? FL_PROTO_TCP : FL_PROTO_UDP;
        (void)(flowlog__tree_push(b, tcp) && flowlog__tree_push(b, tcp) && flowlog__tree_push(b, udp) &&
               flowlog__tree_push(b, udp));
        const uint32_t by =
            flowlog__tree_number_in(b, FL_FORM_FIELD, flowlog__tree_field(b, FLOWLOG_FIELD_PROTOCOL), 0, base);
        b->stack_len = base;
        *id = flowlog__tree_pair(b, FL_OP_AND, by, ports);
        return flowlog__lex(&p->x, p->err);
    }
    if (!flowlog_enum_code(FLOWLOG_FIELD_PKT_SRC_AWS_SERVICE, p->x.word, p->x.word_len))
        return FL_FAIL_HERE(
            p, FLOWLOG_E_SYNTAX,
            "no service is called %s; an AWS service that is new: pkt-dst-aws-service = ...",
            flowlog__lex_show(&p->x).text);
    FL_TRY(flowlog__parse_text(p));
    *id = compare_sides(p, side, FLOWLOG_FIELD_PKT_SRC_AWS_SERVICE, FLOWLOG_FIELD_PKT_DST_AWS_SERVICE,
                        FL_OP_EQ, base);
    return flowlog__lex(&p->x, p->err);
}

/* Behind [DIR]: host, ip, net, port, portrange, service, or an address. */
static flowlog_status parse_sided(struct fl_parser *p, struct side side, uint32_t *id)
{
    const int range = flowlog__lex_is(&p->x, "portrange");
    if (range || flowlog__lex_is(&p->x, "port")) {
        if (side.pkt) return FL_FAIL_HERE(p, FLOWLOG_E_SYNTAX, "ports have no packet-level fields");
        FL_NEXT(p);
        return parse_pair(p, side, FL_KIND_PORT, range, FLOWLOG_FIELD_SRCPORT, FLOWLOG_FIELD_DSTPORT, id);
    }
    if (flowlog__lex_is(&p->x, "service")) {
        FL_NEXT(p);
        return parse_service(p, side, id);
    }
    if (flowlog__lex_is(&p->x, "host") || flowlog__lex_is(&p->x, "ip") ||
        flowlog__lex_is(&p->x, "net")) {
        FL_NEXT(p);
        return parse_addresses(p, side, id);
    }
    uint64_t range_words[FL_RANGE_WORDS];
    if (p->x.sign == FL_SIGN_LIST_OPEN || flowlog__lex_is(&p->x, "in") ||
        (p->x.sign == FL_SIGN_WORD && flowlog__read_addresses(p->x.word, p->x.word_len, range_words)))
        return parse_addresses(p, side, id);
    return FL_FAIL_HERE(p, FLOWLOG_E_SYNTAX, "expected host, net, port or an address before %s",
                        flowlog__lex_show(&p->x).text);
}

static uint32_t number_is(struct fl_parser *p, uint32_t field, uint64_t number)
{
    return flowlog__tree_number(&p->b, FL_FORM_FIELD, flowlog__tree_field(&p->b, field), 0, FL_OP_EQ,
                                number);
}

/* tcp, or tcp dst port 22: then `not` in front is of both. */
static flowlog_status parse_protocol(struct fl_parser *p, uint32_t number, uint32_t *id)
{
    FL_NEXT(p);
    const uint32_t protocol = number_is(p, FLOWLOG_FIELD_PROTOCOL, number);
    const struct fl_lexer before = p->x;
    struct side side = either;
    uint32_t port;
    *id = protocol;
    if (flowlog__lex_is(&p->x, "src") || flowlog__lex_is(&p->x, "dst")) FL_TRY(parse_side(p, &side));
    if (!flowlog__lex_is(&p->x, "port") && !flowlog__lex_is(&p->x, "portrange")) {
        p->x = before;
        return FLOWLOG_OK;
    }
    FL_TRY(parse_sided(p, side, &port));
    *id = flowlog__tree_pair(&p->b, FL_OP_AND, protocol, port);
    return FLOWLOG_OK;
}

/* FIELD [OP] VALUES, FIELD is null.  `word`: the operator may be left out (eni, proto). */
static flowlog_status parse_field(struct fl_parser *p, uint32_t ref, int word, uint32_t *id)
{
    static const uint8_t kinds[] = {FL_KIND_TEXT, FL_KIND_TEXT,    FL_KIND_NUMBER, FL_KIND_NUMBER,
                                    FL_KIND_TIME, FL_KIND_ADDRESS, FL_KIND_TEXT};
    struct fl_builder *b = &p->b;
    const uint32_t base = b->stack_len;
    enum fl_op op;
    if (b->failed) return FLOWLOG_E_MEMORY;
    const struct fl_ref r = b->ref[ref];
    if (flowlog__lex_is(&p->x, "is")) {
        FL_NEXT(p);
        const int not = flowlog__lex_is(&p->x, "not");
        if (not ) FL_NEXT(p);
        if (!flowlog__lex_is(&p->x, "null"))
            return FL_FAIL_HERE(p, FLOWLOG_E_SYNTAX, "expected null after is");
        *id = flowlog__tree_is_null(b, ref);
        if (not ) *id = flowlog__tree_not(b, *id);
        return flowlog__lex(&p->x, p->err);
    }
    FL_TRY(flowlog__parse_operator(p, &op));
    if (op == FL_OP_NONE && !word && p->x.sign != FL_SIGN_LIST_OPEN)
        return FL_FAIL_HERE(p, FLOWLOG_E_SYNTAX, "expected a comparison after '%.40s'",
                            b->chars + r.name);
    if ((op <= FL_OP_NE) && (p->x.sign == FL_SIGN_WORD || p->x.sign == FL_SIGN_QUOTED) &&
        p->x.word_len == 1 && p->x.word[0] == '-') {
        *id = flowlog__tree_is_null(b, ref);
        if (op == FL_OP_NE) *id = flowlog__tree_not(b, *id);
        return flowlog__lex(&p->x, p->err);
    }
    enum fl_kind kind = (enum fl_kind)kinds[r.type];
    if (r.field == FLOWLOG_FIELD_PROTOCOL) kind = FL_KIND_PROTOCOL;
    if (r.field == FLOWLOG_FIELD_SRCPORT || r.field == FLOWLOG_FIELD_DSTPORT) kind = FL_KIND_PORT;
    const size_t at = p->x.begin;
    uint64_t range[FL_RANGE_WORDS];
    if (op >= FL_OP_CONTAINS) {
        if (p->x.sign == FL_SIGN_LIST_OPEN)
            return FL_FAIL_HERE(p, FLOWLOG_E_SYNTAX, "a list is compared with 'in' only");
        if (op == FL_OP_STARTS && kind == FL_KIND_ADDRESS &&
            flowlog__read_octets(p->x.word, p->x.word_len, range)) {
            for (size_t i = 0; i < FL_RANGE_WORDS; i++) (void)flowlog__tree_push(b, range[i]);
            *id = flowlog__tree_address(b, ref, FL_OP_IN, base);
            b->stack_len = base;
            return flowlog__lex(&p->x, p->err);
        }
        kind = FL_KIND_TEXT;
    }
    FL_TRY(flowlog__parse_values(p, kind, &op));
    FL_TRY(check_single(p, op, kind, base, at));
    *id = flowlog__parse_compare(p, ref, op, base);
    b->stack_len = base;
    return FLOWLOG_OK;
}

static flowlog_status parse_flags(struct fl_parser *p, uint32_t *id)
{
    static const char letters[] = "fsrpau"; /* from bit 0 */
    uint64_t mask = 0;
    if (p->x.sign == FL_SIGN_EQ) FL_NEXT(p);
    if (p->x.sign != FL_SIGN_WORD || flowlog__is_joint(&p->x))
        return FL_FAIL_HERE(p, FLOWLOG_E_SYNTAX, "expected letters of FSRPAU before %s",
                            flowlog__lex_show(&p->x).text);
    for (size_t i = 0; i < p->x.word_len; i++) {
        const char c = fl_ascii_lower(p->x.word[i]), *at = strchr(letters, c);
        if (!at)
            return FL_FAIL_HERE(p, FLOWLOG_E_SYNTAX, "%s: flags are letters of FSRPAU",
                                flowlog__lex_show(&p->x).text);
        mask |= UINT64_C(1) << (at - letters);
    }
    *id = flowlog__tree_number(&p->b, FL_FORM_BITS, flowlog__tree_field(&p->b, FLOWLOG_FIELD_TCP_FLAGS),
                               mask, FL_OP_EQ, mask);
    return flowlog__lex(&p->x, p->err);
}

static flowlog_status parse_derived(struct fl_parser *p, enum fl_form form, const char *name,
                                    uint32_t *id)
{
    const uint32_t base = p->b.stack_len;
    enum fl_op op;
    size_t at = p->x.begin;
    FL_TRY(flowlog__parse_operator(p, &op));
    if (op == FL_OP_IN) return FL_FAIL_AT(p->err, FLOWLOG_E_SYNTAX, at, "'%s' is compared with one number", name);
    if (op < FL_OP_EQ || op > FL_OP_GE)
        return FL_FAIL_AT(p->err, FLOWLOG_E_SYNTAX, at, "expected a comparison after '%s'", name);
    at = p->x.begin;
    FL_TRY(flowlog__parse_values(p, form == FL_FORM_DURATION ? FL_KIND_PERIOD : FL_KIND_NUMBER, &op));
    if (op == FL_OP_IN || p->b.stack[base] != p->b.stack[base + 1])
        return FL_FAIL_AT(p->err, FLOWLOG_E_SYNTAX, at, "'%s' is compared with one number", name);
    *id = flowlog__tree_number(&p->b, form, 0, 0, op, p->b.stack[base]);
    p->b.stack_len = base;
    return FLOWLOG_OK;
}

/* (FIELD) behind hour and so on; without it `start`. */
static flowlog_status parse_time_field(struct fl_parser *p, const char *word, uint32_t *ref)
{
    uint32_t field = FLOWLOG_FIELD_START;
    if (p->x.sign == FL_SIGN_OPEN) {
        FL_NEXT(p);
        field = p->x.sign == FL_SIGN_WORD || p->x.sign == FL_SIGN_QUOTED
                    ? flowlog_field_find(p->x.word, p->x.word_len)
                    : FLOWLOG_FIELD_UNKNOWN;
        const flowlog_field_info *info = flowlog_field_get(field);
        if (!info || info->type != FLOWLOG_TYPE_TIME)
            return FL_FAIL_HERE(p, FLOWLOG_E_FIELD, "%s is of a time: %s(start) or %s(end)", word, word, word);
        FL_NEXT(p);
        if (p->x.sign != FL_SIGN_CLOSE)
            return FL_FAIL_HERE(p, FLOWLOG_E_SYNTAX, "expected ')' before %s", flowlog__lex_show(&p->x).text);
        FL_NEXT(p);
    }
    *ref = flowlog__tree_field(&p->b, field);
    return FLOWLOG_OK;
}

/* hour, weekday and so on [(FIELD)] [OP] VALUES. */
static flowlog_status parse_part(struct fl_parser *p, uint32_t part, uint32_t *id)
{
    const uint32_t base = p->b.stack_len;
    const struct fl_part_info *info = flowlog__part_info(part);
    uint32_t ref = 0;
    enum fl_op op;
    FL_TRY(parse_time_field(p, info->word, &ref));
    size_t at = p->x.begin;
    FL_TRY(flowlog__parse_operator(p, &op));
    FL_TRY(check_order(p, op, at));
    at = p->x.begin;
    const enum fl_kind kind = part == FL_PART_WEEKDAY ? FL_KIND_WEEKDAY : FL_KIND_NUMBER;
    FL_TRY(flowlog__parse_values(p, kind, &op));
    FL_TRY(check_single(p, op, kind, base, at));
    for (uint32_t i = base; i < p->b.stack_len; i++) /* what is more or less than all is no mistake */
        if ((p->b.stack[i] < info->min || p->b.stack[i] > info->max) && (op < FL_OP_LT || op > FL_OP_GE))
            return FL_FAIL_AT(p->err, FLOWLOG_E_SYNTAX, at, "'%s' is %u to %u", info->word, (unsigned)info->min,
                              (unsigned)info->max);
    *id = flowlog__parse_compare_numbers(p, FL_FORM_PART, ref, part, op, base);
    p->b.stack_len = base;
    return FLOWLOG_OK;
}

static uint32_t start_is(struct fl_parser *p, enum fl_op op, uint64_t key)
{
    return flowlog__tree_number(&p->b, FL_FORM_FIELD, flowlog__tree_field(&p->b, FLOWLOG_FIELD_START), 0,
                                op, key);
}

static flowlog_status parse_last(struct fl_parser *p, uint32_t *id)
{
    int64_t period;
    if (p->x.sign != FL_SIGN_WORD || !flowlog__read_period(p->x.word, p->x.word_len, &period))
        return FL_FAIL_HERE(p, FLOWLOG_E_SYNTAX, "expected a time such as 2h or 7d before %s",
                            flowlog__lex_show(&p->x).text);
    if (!p->now || p->now < INT64_MIN / 2 + 1)
        return FL_FAIL_HERE(p, FLOWLOG_E_SYNTAX, "last: the time of day was not given");
    *id = start_is(p, FL_OP_GE, flowlog__time_key(p->now - period));
    return flowlog__lex(&p->x, p->err);
}

static flowlog_status parse_from(struct fl_parser *p, uint32_t *id)
{
    const uint32_t base = p->b.stack_len;
    enum fl_op op = FL_OP_EQ;
    FL_TRY(flowlog__parse_values(p, FL_KIND_TIME, &op));
    if (!flowlog__lex_is(&p->x, "to"))
        return FL_FAIL_HERE(p, FLOWLOG_E_SYNTAX, "expected 'to' before %s",
                            flowlog__lex_show(&p->x).text);
    FL_NEXT(p);
    FL_TRY(flowlog__parse_values(p, FL_KIND_TIME, &op));
    if (op != FL_OP_EQ) return FL_FAIL_HERE(p, FLOWLOG_E_SYNTAX, "from and to are one time each");
    const uint32_t from = start_is(p, FL_OP_GE, p->b.stack[base]),
                   to = start_is(p, FL_OP_LT, p->b.stack[base + 2]);
    p->b.stack_len = base;
    *id = flowlog__tree_pair(&p->b, FL_OP_AND, from, to);
    return FLOWLOG_OK;
}

/* --- the words ----------------------------------------------------------------------------------------------- */

enum action { SIDE, TOKEN, FAMILY, FLAGS, DERIVED, PART, NAMED, LAST, FROM, CONSTANT };

static const struct word {
    char word[10];
    uint8_t action, a, b;
} words[] = {
    {"src", SIDE, 0, 0},
    {"dst", SIDE, 0, 0},
    {"pkt", SIDE, 0, 0},
    {"host", SIDE, 0, 0},
    {"ip", SIDE, 0, 0},
    {"net", SIDE, 0, 0},
    {"port", SIDE, 0, 0},
    {"portrange", SIDE, 0, 0},
    {"service", SIDE, 0, 0},
    {"accept", TOKEN, FLOWLOG_FIELD_ACTION, FLOWLOG_ACTION_ACCEPT},
    {"reject", TOKEN, FLOWLOG_FIELD_ACTION, FLOWLOG_ACTION_REJECT},
    {"ok", TOKEN, FLOWLOG_FIELD_LOG_STATUS, FLOWLOG_LOG_STATUS_OK},
    {"nodata", TOKEN, FLOWLOG_FIELD_LOG_STATUS, FLOWLOG_LOG_STATUS_NODATA},
    {"skipdata", TOKEN, FLOWLOG_FIELD_LOG_STATUS, FLOWLOG_LOG_STATUS_SKIPDATA},
    {"ingress", TOKEN, FLOWLOG_FIELD_FLOW_DIRECTION, FLOWLOG_DIRECTION_INGRESS},
    {"egress", TOKEN, FLOWLOG_FIELD_FLOW_DIRECTION, FLOWLOG_DIRECTION_EGRESS},
    {"ipv4", FAMILY, 4, 0},
    {"ipv6", FAMILY, 6, 0},
    {"flags", FLAGS, 0, 0},
    {"duration", DERIVED, FL_FORM_DURATION, 0},
    {"bpp", DERIVED, FL_FORM_BPP, 0},
    {"bps", DERIVED, FL_FORM_BPS, 0},
    {"minute", PART, FL_PART_MINUTE, 0},
    {"hour", PART, FL_PART_HOUR, 0},
    {"weekday", PART, FL_PART_WEEKDAY, 0},
    {"day", PART, FL_PART_DAY, 0},
    {"month", PART, FL_PART_MONTH, 0},
    {"year", PART, FL_PART_YEAR, 0},
    {"proto", NAMED, FLOWLOG_FIELD_PROTOCOL, 0},
    {"eni", NAMED, FLOWLOG_FIELD_INTERFACE_ID, 0},
    {"vpc", NAMED, FLOWLOG_FIELD_VPC_ID, 0},
    {"subnet", NAMED, FLOWLOG_FIELD_SUBNET_ID, 0},
    {"instance", NAMED, FLOWLOG_FIELD_INSTANCE_ID, 0},
    {"account", NAMED, FLOWLOG_FIELD_ACCOUNT_ID, 0},
    {"last", LAST, 0, 0},
    {"from", FROM, 0, 0},
    {"true", CONSTANT, FL_NODE_TRUE, 0},
    {"false", CONSTANT, FL_NODE_FALSE, 0},
};

static flowlog_status parse_known(struct fl_parser *p, const struct word *w, uint32_t *id)
{
    struct fl_builder *b = &p->b;
    const uint32_t base = b->stack_len;
    struct side side;
    if (w->action == SIDE) {
        FL_TRY(parse_side(p, &side));
        return parse_sided(p, side, id);
    }
    FL_NEXT(p);
    switch (w->action) {
    case FLAGS: return parse_flags(p, id);
    case DERIVED: return parse_derived(p, (enum fl_form)w->a, w->word, id);
    case PART: return parse_part(p, w->a, id);
    case NAMED: return parse_field(p, flowlog__tree_field(b, w->a), 1, id);
    case LAST: return parse_last(p, id);
    case FROM: return parse_from(p, id);
    case CONSTANT: *id = w->a; return FLOWLOG_OK;
    case FAMILY: { /* of the source, because few formats have the field type */
        const uint64_t max = w->a == 4 ? UINT32_MAX : UINT64_MAX;
        const uint64_t all[FL_RANGE_WORDS] = {w->a, 0, 0, w->a == 4 ? 0 : max, max};
        for (size_t i = 0; i < FL_RANGE_WORDS; i++) (void)flowlog__tree_push(b, all[i]);
        *id = flowlog__tree_address(b, flowlog__tree_field(b, FLOWLOG_FIELD_SRCADDR), FL_OP_IN, base);
        break;
    }
    default: {
        const char *name = flowlog_enum_name(w->a, w->b);
        (void)flowlog__tree_push_text(b, name, strlen(name));
        *id = flowlog__tree_text(b, flowlog__tree_field(b, w->a), FL_OP_EQ, base);
    }
    }
    b->stack_len = base;
    return FLOWLOG_OK;
}

/* 1 if a format could have a field of this name: see flowlog_format_parse. */
static int could_be_name(const char *name, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (name[i] <= ' ' || name[i] >= 0x7F || strchr("${},\"'`", name[i])) return 0;
    return len > 0 && len <= FLOWLOG_FORMAT_NAME_MAX;
}

/* 1 and the field that the current word or quoted name stands for. */
static int find_field(struct fl_parser *p, uint32_t *ref)
{
    const char *name = p->x.word;
    const size_t len = p->x.word_len;
    const uint32_t field = flowlog_field_find(name, len);
    if (field) {
        *ref = flowlog__tree_field(&p->b, field);
        return 1;
    }
    const int32_t column = p->format ? flowlog_format_find(p->format, name, len) : -1;
    if (column < 0 && !(p->x.sign == FL_SIGN_QUOTED && p->x.quote == '`' && could_be_name(name, len)))
        return 0;
    const flowlog_format_column *c =
        column < 0 ? NULL : flowlog_format_column_at(p->format, (uint32_t)column);
    *ref = c ? flowlog__tree_named(&p->b, c->name, c->name_len) : flowlog__tree_named(&p->b, name, len);
    return 1;
}

static flowlog_status unknown_word(struct fl_parser *p)
{
    const struct fl_lexer word = p->x;
    struct fl_nearest near = {NULL, 0};
    enum fl_op op = FL_OP_NONE;
    struct fl_lexer ahead = word;
    if (flowlog__lex(&ahead, NULL) == FLOWLOG_OK) {
        p->x = ahead;
        flowlog_error *const err = p->err;
        p->err = NULL;
        (void)flowlog__parse_operator(p, &op);
        p->err = err;
        if (flowlog__lex_is(&ahead, "is")) op = FL_OP_IS_NULL;
        p->x = word;
    }
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (op == FL_OP_NONE || (words[i].action >= DERIVED && words[i].action <= NAMED)) /* what can be compared */
            flowlog__nearest_consider(&near, word.word, word.word_len, words[i].word);
    const char *field = flowlog__nearest_field(word.word, word.word_len);
    if (field) flowlog__nearest_consider(&near, word.word, word.word_len, field);
    if (op != FL_OP_NONE)
        return FL_FAIL_HERE(p, FLOWLOG_E_FIELD,
                            near.name ? "unknown field %s; did you mean '%s'?" : "unknown field %s",
                            flowlog__lex_show(&word).text, near.name);
    return FL_FAIL_HERE(p, FLOWLOG_E_SYNTAX,
                        near.name ? "unknown word %s; did you mean '%s'?" : "unknown word %s",
                        flowlog__lex_show(&word).text, near.name);
}

flowlog_status flowlog__parse_word(struct fl_parser *p, uint32_t *id)
{
    uint64_t range[FL_RANGE_WORDS];
    uint32_t ref;
    if ((p->x.sign != FL_SIGN_WORD && p->x.sign != FL_SIGN_QUOTED) || flowlog__is_joint(&p->x))
        return FL_FAIL_HERE(p, FLOWLOG_E_SYNTAX, "expected a condition before %s",
                            flowlog__lex_show(&p->x).text);
    if (p->x.sign == FL_SIGN_WORD) {
        for (size_t i = 0; i < sizeof words / sizeof *words; i++)
            if (flowlog__lex_is(&p->x, words[i].word)) return parse_known(p, &words[i], id);
        const int32_t protocol = flowlog__protocol_find(p->x.word, p->x.word_len);
        if (protocol >= 0) return parse_protocol(p, (uint32_t)protocol, id);
        if (flowlog__read_addresses(p->x.word, p->x.word_len, range))
            return parse_addresses(p, either, id);
    }
    if (!find_field(p, &ref)) return p->b.failed ? FLOWLOG_E_MEMORY : unknown_word(p);
    FL_NEXT(p);
    return parse_field(p, ref, 0, id);
}
