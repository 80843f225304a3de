/* SPDX-License-Identifier: MIT */
/*
 * state_distinct.c - how many different values there are; see state.h.
 *
 * A value is 64 bits: of numbers, IPv4 addresses and known tokens a mixing that can be undone, so that different
 * ones stay different; of IPv6 addresses and other text a hash.  Up to FLOWLOG_DISTINCT_EXACT of them are kept in a
 * table of slots (slots.h).  One more, and they become registers of HyperLogLog (Flajolet, Fusy, Gandouet, Meunier
 * 2007): the upper 14 bits choose a register, which has the largest number of trailing zeros seen in the others,
 * plus one.  Both are functions of the set of values, and so is when the one becomes the other.
 *
 *     word 0   as slots have it; flags: HAS_ZERO, the value 0, which no slot can hold; REGISTERS
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
    const uint64_t *slot = fl_slots_all(pool, words);
    for (size_t i = 0; i < fl_slots_count(words); i++)
        if (slot[i]) raise_register(registers, slot[i]);
    if (words[0] & HAS_ZERO) raise_register(registers, 0);
    flowlog__slots_release(pool, words);
    words[0] = REGISTERS;
    words[1] = block;
    return FLOWLOG_OK;
}

/* --- values ----------------------------------------------------------------------------------------------- */

static uint64_t count_of(const uint64_t *words) { return fl_slots_used(words) + (words[0] & HAS_ZERO ? 1u : 0u); }

/* E_MEMORY: nothing has changed. */
static flowlog_status add(struct fl_pool *pool, uint64_t *words, uint64_t value)
{
    if (words[0] & REGISTERS) {
        raise_register(fl_pool_at(pool, words[1]), value);
        return FLOWLOG_OK;
    }
    if (FL_LIKELY(value)) {
        uint64_t *slot = fl_slots_find(pool, words, value, 0);
        if (FL_LIKELY(slot && *slot)) return FLOWLOG_OK;
    } else if (words[0] & HAS_ZERO) {
        return FLOWLOG_OK;
    }
    if (FL_UNLIKELY(count_of(words) == FLOWLOG_DISTINCT_EXACT)) {
        FL_TRY(to_registers(pool, words));
        raise_register(fl_pool_at(pool, words[1]), value);
    } else if (!value) {
        words[0] |= HAS_ZERO;
    } else {
        uint64_t *slot = flowlog__slots_add(pool, words, value, 0);
        if (FL_UNLIKELY(!slot)) return FLOWLOG_E_MEMORY;
        *slot = value;
    }
    return FLOWLOG_OK;
}

/* By one more than it is, so that 0 is no number of 32 bits. */
FL_INLINE uint64_t value_of_number(uint64_t n) { return fl_hash_u64(n + 1); }

static uint64_t value_of_token(const flowlog_batch *batch, const flowlog_column *c, uint32_t row)
{
    return fl_hash_bytes(batch->text + c->spans[row].offset, c->spans[row].len);
}

FL_INLINE uint64_t value_of(const flowlog_batch *batch, const flowlog_column *c, uint32_t type, uint32_t row)
{
    switch (type) {
    case FLOWLOG_TYPE_U32: return value_of_number(fl_number(c->values, 0, row));
    case FLOWLOG_TYPE_U64:
    case FLOWLOG_TYPE_TIME: return value_of_number(fl_number(c->values, 1, row));
    case FLOWLOG_TYPE_ADDR:
        return c->family[row] == 6 ? fl_hash_bytes(c->wide[row], 16) : value_of_number(fl_number(c->values, 0, row));
    case FLOWLOG_TYPE_ENUM: {
        const uint8_t code = ((const uint8_t *)c->values)[row];
        return code ? value_of_number(code) : value_of_token(batch, c, row);
    }
    default: return value_of_token(batch, c, row);
    }
}

/* --- update ----------------------------------------------------------------------------------------------- */

/* Rows that have a value and a record. */
struct found {
    uint32_t count;
    uint32_t i[AHEAD];
    uint64_t value[AHEAD];
};

FL_INLINE void find(const struct fl_update *u, const flowlog_column *c, uint32_t type, uint32_t from, uint32_t to,
                    struct found *f)
{
    const uint32_t *rows = u->rows;
    uint32_t count = 0;
    for (uint32_t i = from; i < to; i++) {
        f->i[count] = i;
        count += (u->at[i] != 0) & (uint32_t)fl_bit_get(c->validity, fl_row(u, rows, i));
    }
    for (uint32_t k = 0; k < count; k++) f->value[k] = value_of(u->batch, c, type, fl_row(u, rows, f->i[k]));
    f->count = count;
}

/* Where a value will be looked for. */
FL_INLINE void fetch(const struct fl_pool *pool, const uint64_t *words, uint64_t value)
{
    if (words[0] & REGISTERS) FL_PREFETCH((const uint8_t *)fl_pool_at(pool, words[1]) + (value >> REST_BITS));
    else fl_slots_fetch(pool, words, value);
}

static uint32_t distinct_update(const struct fl_update *u, const struct fl_agg *agg, flowlog_status *status)
{
    const flowlog_column *c = fl_column(u, agg);
    if (!c->present) return u->n;
    uint64_t *state = u->state + agg->word;
    struct found f;
    for (uint32_t from = 0, to; from < u->n; from = to) {
        to = u->n - from < AHEAD ? u->n : from + AHEAD;
        switch (c->type) {
        case FLOWLOG_TYPE_U32: find(u, c, FLOWLOG_TYPE_U32, from, to, &f); break;
        case FLOWLOG_TYPE_ADDR: find(u, c, FLOWLOG_TYPE_ADDR, from, to, &f); break;
        default: find(u, c, c->type, from, to, &f); break;
        }
        for (uint32_t k = 0; k < f.count; k++) fetch(u->pool, state + u->at[f.i[k]], f.value[k]);
        for (uint32_t k = 0; k < f.count; k++) {
            *status = add(u->pool, state + u->at[f.i[k]], f.value[k]);
            if (FL_UNLIKELY(*status < 0)) return f.i[k];
        }
    }
    return u->n;
}

/* --- the other operations --------------------------------------------------------------------------------- */

/* How many of the values of `from` the record has not. */
static uint64_t count_missing(const struct fl_pool *pool, uint64_t *words, const uint64_t *slot, size_t slots)
{
    uint64_t missing = 0;
    for (size_t i = 0; i < slots; i++) {
        if (!slot[i]) continue;
        const uint64_t *found = fl_slots_find(pool, words, slot[i], 0);
        missing += !found || !*found;
    }
    return missing;
}

static flowlog_status distinct_merge(const struct fl_agg *agg, struct fl_pool *pool, uint64_t *words,
                                     const struct fl_pool *from_pool, const uint64_t *from)
{
    (void)agg;
    if (from[0] & REGISTERS) {
        if (!(words[0] & REGISTERS)) FL_TRY(to_registers(pool, words));
        uint8_t *registers = fl_pool_at(pool, words[1]);
        const uint8_t *more = fl_pool_at(from_pool, from[1]);
        for (size_t i = 0; i < REGISTER_COUNT; i++) registers[i] = registers[i] > more[i] ? registers[i] : more[i];
        return FLOWLOG_OK;
    }
    const uint64_t *slot = fl_slots_log(from) ? fl_pool_at(from_pool, from[1]) : &from[1];
    const size_t slots = fl_slots_count(from);
    if (!(words[0] & REGISTERS)) {
        const uint64_t used = fl_slots_used(words) + count_missing(pool, words, slot, slots);
        const uint64_t zero = (words[0] | from[0]) & HAS_ZERO ? 1 : 0;
        if (used + zero > FLOWLOG_DISTINCT_EXACT) FL_TRY(to_registers(pool, words));
        else FL_TRY(flowlog__slots_reserve(pool, words, used, 0));
    }
    /* There is room for all of them now. */
    for (size_t i = 0; i < slots; i++)
        if (slot[i]) FL_TRY(add(pool, words, slot[i]));
    return from[0] & HAS_ZERO ? add(pool, words, 0) : FLOWLOG_OK;
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
    if (words[0] & HAS_ZERO) flowlog__bytes_put_u64(out, 0);
    flowlog__slots_save(pool, words, out);
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
    FL_TRY(flowlog__slots_reserve(pool, words, count, 0));
    for (size_t i = 0; i < count; i++) FL_TRY(add(pool, words, fl_load64(p + 8 * i)));
    return FLOWLOG_OK;
}

static void distinct_clear(const struct fl_agg *agg, struct fl_pool *pool, uint64_t *words)
{
    (void)agg;
    if (words[0] & REGISTERS) flowlog__pool_release(pool, words[1], REGISTER_COUNT);
    else flowlog__slots_release(pool, words);
    words[0] = words[1] = 0;
}

const struct fl_agg_op flowlog__agg_distinct = {
    .words = 2, .heavy = 1, .update = distinct_update, .merge = distinct_merge, .finish = distinct_finish,
    .save = distinct_save, .load = distinct_load, .clear = distinct_clear};
