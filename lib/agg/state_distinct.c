/* SPDX-License-Identifier: MIT */
/*
 * state_distinct.c - how many different values there are; see state.h.
 *
 * A value is 64 bits: of numbers, IPv4 addresses and known tokens a mixing that can be undone, so that different
 * ones stay different; of IPv6 addresses and other text a hash.  Up to FLOWLOG_DISTINCT_EXACT of them are kept in a
 * table of slots (slots.h): as they were before they were mixed, in half the memory, as long as all are numbers of
 * 32 bits.  One more, and they become registers of HyperLogLog (Flajolet, Fusy, Gandouet, Meunier 2007): the upper
 * 14 bits choose a register, which has the largest number of trailing zeros seen in the others, plus one.  Sets and
 * registers are functions of the values, and so is when the one becomes the other.
 *
 *     word 0   as slots have it; flags: HAS_ZERO, the 0 that no slot can hold; NARROW, numbers of 32 bits; REGISTERS
 *     word 1   as slots have it; with REGISTERS the block of registers, a byte each
 */
#include <string.h>

#include "agg/slots.h"
#include "agg/states.h"
#include "core/hash.h"
#include "flowlog/plan.h"

enum {
    REGISTER_BITS = 14,
    REGISTER_COUNT = 1 << REGISTER_BITS,
    REST_BITS = 64 - REGISTER_BITS,
    REGISTER_MAX = REST_BITS + 1,
    AHEAD = 64 /* rows looked at together */
};
#define HAS_ZERO (UINT64_C(1) << 8)
#define REGISTERS (UINT64_C(1) << 9)
#define NARROW (UINT64_C(1) << 10)

/* By one more than it is, so that 0 is the value of no number of 32 bits. */
FL_INLINE uint64_t value_of_number(uint64_t n) { return fl_hash_u64(n + 1); }

FL_INLINE enum fl_slots_form form_of(const uint64_t *words)
{
    return words[0] & NARROW ? FL_SLOTS_NARROW : FL_SLOTS_SET;
}

/* Slot i as a value; 0 when it is free. */
FL_INLINE uint64_t slot_value(const struct fl_pool *pool, const uint64_t *words, size_t i)
{
    const uint64_t slot = fl_slots_get(pool, words, i, form_of(words));
    return slot && words[0] & NARROW ? value_of_number(slot) : slot;
}

/* The value that HAS_ZERO stands for. */
static uint64_t zero_value(const uint64_t *words) { return words[0] & NARROW ? value_of_number(0) : 0; }

/* --- registers -------------------------------------------------------------------------------------------- */

FL_INLINE void raise_register(uint8_t *registers, uint64_t value)
{
    uint8_t *r = &registers[value >> REST_BITS];
    const unsigned rank = fl_ctz64(value | UINT64_C(1) << REST_BITS) + 1;
    *r = *r > rank ? *r : (uint8_t)rank;
}

/*
 * The estimate of Ertl (New cardinality estimation algorithms for HyperLogLog sketches, 2017, algorithm 6), which
 * needs no correction from below: registers^2 / (2 ln 2) / z, where
 *
 *     z = registers * sigma(share of zeros) + sum over registers that are not 0 of 2^-register
 *     sigma(x) = x + sum over k >= 1 of x^(2^k) 2^(k-1)
 *
 * in whole numbers: z with 50 bits behind the point where no register is 0, else with 32.  A register of 51, half
 * of the last bit, is taken as it comes; Ertl's tau for it is smaller than what is rounded off.
 */
static uint64_t estimate(const uint8_t *registers)
{
    uint32_t count[REGISTER_MAX + 1] = {0};
    for (size_t i = 0; i < REGISTER_COUNT; i++) count[registers[i]]++;
    uint64_t z = (uint64_t)count[REGISTER_MAX] >> 1;
    for (unsigned k = 1; k <= REST_BITS; k++) z += (uint64_t)count[k] << (REST_BITS - k);
    int point = REST_BITS;
    if (count[0]) {
        uint64_t x = (uint64_t)count[0] << (32 - REGISTER_BITS), y = 1, sigma = x;
        while ((x = x * x >> 32) != 0) {
            sigma += x * y;
            y += y;
        }
        z = (z >> (REST_BITS - 32)) + (sigma << REGISTER_BITS);
        point = 32;
    }
    /* z to 32 bits; then 2^64 / (2 ln 2) / z, and what that lacks: 2^28 2^point / 2^64, and the bits that z lost. */
    int shift = 2 * REGISTER_BITS + point - 64;
    while (z >> 32) {
        z = (z >> 1) + (z & 1);
        shift--;
    }
    while (!(z >> 31)) {
        z <<= 1;
        shift++;
    }
    const uint64_t n = UINT64_C(0xB8AA3B295C17F0BC) / z; /* 2^64 / (2 ln 2) */
    if (shift < 0) return shift > -64 ? (n + (UINT64_C(1) << (-shift - 1))) >> -shift : 0;
    return shift < 64 && n <= UINT64_MAX >> shift ? n << shift : UINT64_MAX;
}

/* Values to registers.  E_MEMORY: nothing has changed. */
static flowlog_status to_registers(struct fl_pool *pool, uint64_t *words)
{
    const uint64_t block = flowlog__pool_alloc(pool, REGISTER_COUNT);
    if (!block) return FLOWLOG_E_MEMORY;
    uint8_t *registers = fl_pool_at(pool, block);
    memset(registers, 0, REGISTER_COUNT);
    for (size_t i = 0; i < fl_slots_count(words); i++) {
        const uint64_t value = slot_value(pool, words, i);
        if (value) raise_register(registers, value);
    }
    if (words[0] & HAS_ZERO) raise_register(registers, zero_value(words));
    flowlog__slots_release(pool, words, form_of(words));
    words[0] = REGISTERS;
    words[1] = block;
    return FLOWLOG_OK;
}

/* --- sets ------------------------------------------------------------------------------------------------- */

static uint64_t count_of(const uint64_t *words) { return fl_slots_used(words) + (words[0] & HAS_ZERO ? 1u : 0u); }

/*
 * A value, or of a narrow set a number, to what is not registers.  E_MEMORY: nothing has changed.  E_LIMIT: nor
 * then, for there are as many as can be, and this is another one.
 */
FL_INLINE flowlog_status add_slot(struct fl_pool *pool, uint64_t *words, uint64_t slot, enum fl_slots_form form)
{
    size_t i = 0;
    if (FL_LIKELY(slot) ? fl_slots_find(pool, words, slot, form, &i) : (words[0] & HAS_ZERO) != 0) return FLOWLOG_OK;
    if (FL_UNLIKELY(count_of(words) == FLOWLOG_DISTINCT_EXACT)) return FLOWLOG_E_LIMIT;
    if (FL_LIKELY(slot)) return fl_slots_add(pool, words, i, slot, form);
    words[0] |= HAS_ZERO;
    return FLOWLOG_OK;
}

/* A narrow set to one of values.  E_MEMORY: nothing has changed. */
static flowlog_status widen(struct fl_pool *pool, uint64_t *words)
{
    uint64_t wide[2] = {0, 0};
    FL_TRY(flowlog__slots_reserve(pool, wide, count_of(words), FL_SLOTS_SET));
    for (size_t i = 0; i < fl_slots_count(words); i++) {
        const uint64_t value = slot_value(pool, words, i);
        if (value) FL_TRY(add_slot(pool, wide, value, FL_SLOTS_SET));
    }
    if (words[0] & HAS_ZERO) FL_TRY(add_slot(pool, wide, zero_value(words), FL_SLOTS_SET));
    flowlog__slots_release(pool, words, FL_SLOTS_NARROW);
    memcpy(words, wide, sizeof wide);
    return FLOWLOG_OK;
}

/* E_MEMORY: nothing that is to be seen has changed. */
static flowlog_status add_value(struct fl_pool *pool, uint64_t *words, uint64_t value)
{
    if (FL_UNLIKELY(words[0] & NARROW)) FL_TRY(widen(pool, words));
    if (!(words[0] & REGISTERS)) {
        const flowlog_status status = add_slot(pool, words, value, FL_SLOTS_SET);
        if (FL_LIKELY(status != FLOWLOG_E_LIMIT)) return status;
        FL_TRY(to_registers(pool, words));
    }
    raise_register(fl_pool_at(pool, words[1]), value);
    return FLOWLOG_OK;
}

static flowlog_status add_number(struct fl_pool *pool, uint64_t *words, uint32_t number)
{
    if (FL_UNLIKELY(!(words[0] & NARROW))) {
        if (words[0]) return add_value(pool, words, value_of_number(number));
        words[0] = NARROW;
    }
    const flowlog_status status = add_slot(pool, words, number, FL_SLOTS_NARROW);
    if (FL_LIKELY(status != FLOWLOG_E_LIMIT)) return status;
    FL_TRY(to_registers(pool, words));
    raise_register(fl_pool_at(pool, words[1]), value_of_number(number));
    return FLOWLOG_OK;
}

/* --- values ----------------------------------------------------------------------------------------------- */

static uint64_t value_of_token(const flowlog_batch *batch, const flowlog_column *c, size_t row)
{
    return fl_hash_bytes(batch->text + c->spans[row].offset, c->spans[row].len);
}

/* 1: *value is a number of 32 bits; 0: a value. */
FL_INLINE int value_of(const flowlog_batch *batch, const flowlog_column *c, uint32_t type, size_t row,
                       uint64_t *value)
{
    switch (type) {
    case FLOWLOG_TYPE_U32: *value = fl_number(c->values, 0, row); return 1;
    case FLOWLOG_TYPE_U64:
    case FLOWLOG_TYPE_TIME: *value = value_of_number(fl_number(c->values, 1, row)); return 0;
    case FLOWLOG_TYPE_ADDR:
        *value = c->family[row] == 6 ? fl_hash_bytes(c->wide[row], 16) : fl_number(c->values, 0, row);
        return c->family[row] != 6;
    case FLOWLOG_TYPE_ENUM:
        *value = ((const uint8_t *)c->values)[row];
        if (*value) return 1;
        break;
    default: break;
    }
    *value = value_of_token(batch, c, row);
    return 0;
}

/* --- update ----------------------------------------------------------------------------------------------- */

/* Rows that have a value and a record. */
struct found {
    uint32_t count;
    uint32_t i[AHEAD];
    uint8_t is_number[AHEAD];
    size_t at[AHEAD];
    uint64_t value[AHEAD];
};

FL_INLINE void find(const struct fl_update *u, const flowlog_column *c, uint32_t type, const uint32_t *rows,
                    uint32_t from, uint32_t to, struct found *f)
{
    const uint64_t *validity = c->validity;
    const size_t *at = u->at;
    uint32_t count = 0;
    for (uint32_t i = from; i < to; i++) {
        f->i[count] = i;
        f->at[count] = at[i];
        count += (at[i] != 0) & (uint32_t)fl_bit_get(validity, fl_row(u, rows, i));
    }
    for (uint32_t k = 0; k < count; k++)
        f->is_number[k] = (uint8_t)value_of(u->batch, c, type, fl_row(u, rows, f->i[k]), &f->value[k]);
    f->count = count;
}

/* Where a value will be looked for, if the set is of the form that it has. */
FL_INLINE void fetch(const struct fl_pool *pool, const uint64_t *words, int is_number, uint64_t value)
{
    if (words[0] & REGISTERS) {
        if (is_number) value = value_of_number(value);
        FL_PREFETCH((const uint8_t *)fl_pool_at(pool, words[1]) + (value >> REST_BITS));
    } else if (words[0] & NARROW) {
        fl_slots_fetch(pool, words, value, FL_SLOTS_NARROW);
    } else {
        fl_slots_fetch(pool, words, is_number ? value_of_number(value) : value, FL_SLOTS_SET);
    }
}

/* What most rows are: a number that a table of numbers has, or for which it has room.  0: neither. */
FL_INLINE int add_quickly(const struct fl_pool *pool, uint64_t *words, uint64_t number)
{
    const uint64_t word = words[0], log = word & 0xFF;
    if (!(word & NARROW) || !log || !number) return 0;
    size_t i;
    if (fl_slots_find(pool, words, number, FL_SLOTS_NARROW, &i)) return 1;
    const uint64_t used = word >> 32;
    if (used * 4 + 4 > UINT64_C(3) << log || used >= FLOWLOG_DISTINCT_EXACT - 1) return 0;
    fl_slots_store(fl_pool_at(pool, words[1]), i, FL_SLOTS_NARROW, number);
    words[0] = word + FL_SLOTS_USED;
    return 1;
}

/* Rows from..to at once; returns the one at which it stopped. */
FL_INLINE uint32_t add_rows(const struct fl_update *u, const struct fl_agg *agg, uint32_t type, uint32_t from,
                            uint32_t to, flowlog_status *status)
{
    uint64_t *state = u->state + agg->word;
    struct found f;
    if (u->rows) find(u, fl_column(u, agg), type, u->rows, from, to, &f);
    else find(u, fl_column(u, agg), type, NULL, from, to, &f);
    for (uint32_t k = 0; k < f.count; k++) fetch(u->pool, state + f.at[k], f.is_number[k], f.value[k]);
    for (uint32_t k = 0; k < f.count; k++) {
        uint64_t *words = state + f.at[k];
        if (f.is_number[k] && FL_LIKELY(add_quickly(u->pool, words, f.value[k]))) continue;
        *status = f.is_number[k] ? add_number(u->pool, words, (uint32_t)f.value[k])
                                 : add_value(u->pool, words, f.value[k]);
        if (FL_UNLIKELY(*status < 0)) return f.i[k];
    }
    return to;
}

static uint32_t distinct_update(const struct fl_update *u, const struct fl_agg *agg, flowlog_status *status)
{
    const flowlog_column *c = fl_column(u, agg);
    if (!c->present) return u->n;
    for (uint32_t from = 0, to, done; from < u->n; from = to) {
        to = u->n - from < AHEAD ? u->n : from + AHEAD;
        switch (c->type) {
        case FLOWLOG_TYPE_U32: done = add_rows(u, agg, FLOWLOG_TYPE_U32, from, to, status); break;
        case FLOWLOG_TYPE_ADDR: done = add_rows(u, agg, FLOWLOG_TYPE_ADDR, from, to, status); break;
        default: done = add_rows(u, agg, c->type, from, to, status); break;
        }
        if (FL_UNLIKELY(done < to)) return done;
    }
    return u->n;
}

/* --- the other operations --------------------------------------------------------------------------------- */

/* How many of the values of `from` the record has not; both are sets, and narrow only if both are. */
static uint64_t count_missing(const struct fl_pool *pool, const uint64_t *words, const struct fl_pool *from_pool,
                              const uint64_t *from)
{
    const enum fl_slots_form form = form_of(words);
    uint64_t missing = from[0] & HAS_ZERO && form == form_of(from) && !(words[0] & HAS_ZERO);
    size_t at;
    for (size_t i = 0; i < fl_slots_count(from); i++) {
        const uint64_t slot = form == FL_SLOTS_NARROW ? fl_slots_get(from_pool, from, i, FL_SLOTS_NARROW)
                                                      : slot_value(from_pool, from, i);
        if (slot) missing += !fl_slots_find(pool, words, slot, form, &at);
    }
    /* The zero of a narrow set is a value like others in one that is not. */
    if (from[0] & HAS_ZERO && form != form_of(from))
        missing += !fl_slots_find(pool, words, zero_value(from), form, &at);
    return missing;
}

static flowlog_status merge_registers(struct fl_pool *pool, uint64_t *words, const uint8_t *more)
{
    if (!(words[0] & REGISTERS)) FL_TRY(to_registers(pool, words));
    uint8_t *registers = fl_pool_at(pool, words[1]);
    for (size_t i = 0; i < REGISTER_COUNT; i++) registers[i] = registers[i] > more[i] ? registers[i] : more[i];
    return FLOWLOG_OK;
}

static flowlog_status distinct_merge(const struct fl_agg *agg, struct fl_pool *pool, uint64_t *words,
                                     const struct fl_pool *from_pool, const uint64_t *from)
{
    (void)agg;
    if (from[0] & REGISTERS) return merge_registers(pool, words, fl_pool_at(from_pool, from[1]));
    if (!from[0]) return FLOWLOG_OK;
    if (!words[0]) words[0] = from[0] & NARROW;
    if (words[0] & NARROW && !(from[0] & NARROW)) FL_TRY(widen(pool, words));
    if (!(words[0] & REGISTERS)) {
        const uint64_t missing = count_missing(pool, words, from_pool, from);
        if (count_of(words) + missing > FLOWLOG_DISTINCT_EXACT) FL_TRY(to_registers(pool, words));
        else FL_TRY(flowlog__slots_reserve(pool, words, fl_slots_used(words) + missing, form_of(words)));
    }
    /* There is room for all of them now. */
    const int is_narrow = (words[0] & NARROW) != 0;
    for (size_t i = 0; i < fl_slots_count(from); i++) {
        const uint64_t slot = fl_slots_get(from_pool, from, i, form_of(from));
        if (!slot) continue;
        FL_TRY(is_narrow ? add_number(pool, words, (uint32_t)slot)
                         : add_value(pool, words, slot_value(from_pool, from, i)));
    }
    if (!(from[0] & HAS_ZERO)) return FLOWLOG_OK;
    return is_narrow ? add_number(pool, words, 0) : add_value(pool, words, zero_value(from));
}

static int distinct_finish(const struct fl_agg *agg, const struct fl_pool *pool, const uint64_t *words,
                           flowlog_value *value)
{
    (void)agg;
    memset(value, 0, sizeof *value);
    value->type = FLOWLOG_TYPE_U64;
    const int is_estimate = (words[0] & REGISTERS) != 0;
    value->number = is_estimate ? estimate(fl_pool_at(pool, words[1])) : count_of(words);
    return is_estimate;
}

/* How many values, and they; or one more than could be exact, and the registers. */
static void distinct_save(const struct fl_agg *agg, const struct fl_pool *pool, const uint64_t *words,
                          struct fl_bytes *out)
{
    (void)agg;
    if (words[0] & REGISTERS) {
        flowlog__bytes_put_varint(out, FLOWLOG_DISTINCT_EXACT + 1);
        flowlog__bytes_put(out, fl_pool_at(pool, words[1]), REGISTER_COUNT);
        return;
    }
    flowlog__bytes_put_varint(out, count_of(words));
    const size_t start = out->len;
    for (size_t i = 0; i < fl_slots_count(words); i++) {
        const uint64_t value = slot_value(pool, words, i);
        if (value) flowlog__bytes_put_u64(out, value);
    }
    if (words[0] & HAS_ZERO) flowlog__bytes_put_u64(out, zero_value(words));
    if (!out->failed) flowlog__slots_sort(out->p + start, (size_t)count_of(words));
}

static flowlog_status load_registers(struct fl_pool *pool, uint64_t *words, struct fl_cursor *in)
{
    const uint8_t *p = flowlog__cursor_take(in, REGISTER_COUNT);
    if (!p) return FLOWLOG_E_CORRUPT;
    uint8_t any = 0, too_large = 0;
    for (size_t i = 0; i < REGISTER_COUNT; i++) {
        any |= p[i];
        too_large |= p[i] > REGISTER_MAX;
    }
    if (!any || too_large) return FLOWLOG_E_CORRUPT;
    const uint64_t block = flowlog__pool_alloc(pool, REGISTER_COUNT);
    if (!block) return FLOWLOG_E_MEMORY;
    memcpy(fl_pool_at(pool, block), p, REGISTER_COUNT);
    words[0] = REGISTERS;
    words[1] = block;
    return FLOWLOG_OK;
}

static flowlog_status distinct_load(const struct fl_agg *agg, struct fl_pool *pool, uint64_t *words,
                                    struct fl_cursor *in)
{
    (void)agg;
    const uint64_t count = flowlog__cursor_varint(in);
    if (in->failed || count > FLOWLOG_DISTINCT_EXACT + 1) return FLOWLOG_E_CORRUPT;
    if (count == FLOWLOG_DISTINCT_EXACT + 1) return load_registers(pool, words, in);
    const uint8_t *p = flowlog__cursor_take(in, (size_t)count * 8);
    if (!p) return FLOWLOG_E_CORRUPT;
    for (size_t i = 1; i < count; i++)
        if (fl_load64(p + 8 * i - 8) >= fl_load64(p + 8 * i)) return FLOWLOG_E_CORRUPT;
    FL_TRY(flowlog__slots_reserve(pool, words, count, FL_SLOTS_SET));
    for (size_t i = 0; i < count; i++) FL_TRY(add_value(pool, words, fl_load64(p + 8 * i)));
    return FLOWLOG_OK;
}

static void distinct_clear(const struct fl_agg *agg, struct fl_pool *pool, uint64_t *words)
{
    (void)agg;
    if (words[0] & REGISTERS) flowlog__pool_release(pool, words[1], REGISTER_COUNT);
    else flowlog__slots_release(pool, words, form_of(words));
    words[0] = words[1] = 0;
}

const struct fl_agg_op flowlog__agg_distinct = {
    .words = 2, .heavy = 1, .update = distinct_update, .merge = distinct_merge, .finish = distinct_finish,
    .save = distinct_save, .load = distinct_load, .clear = distinct_clear};
