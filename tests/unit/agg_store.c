/* SPDX-License-Identifier: MIT */
/* The hash table under groups: growth, full buckets, equal checks, distribution, long keys. */
#include <criterion/criterion.h>
#include <stdio.h>

#include "agg/groups.h"
#include "flowlog/plan.h"
#include "support/alloc_count.h"
#include "support/batch_make.h"

TestSuite(store, .timeout = 30);

static struct fl_store new_store(uint32_t form)
{
    struct fl_store s;
    memset(&s, 0, sizeof s);
    flowlog__store_init(&s, form, 2, UINT64_C(0x0123456789ABCDEF));
    return s;
}

static struct fl_key_ref key_ref(uint64_t word) { return (struct fl_key_ref){word, NULL, ~word}; }

static struct fl_place place_of(const struct fl_store *s, uint64_t word)
{
    return fl_place_packed(s->form, word, ~word, s->seed, s->shift);
}

static uint32_t place(struct fl_store *s, const flowlog_alloc *a, struct fl_place p, uint64_t key)
{
    cr_assert_eq(flowlog__store_reserve(s, a, NULL, 1), FLOWLOG_OK);
    return flowlog__store_place(s, NULL, p, key_ref(key), UINT32_MAX);
}

Test(store, finds_every_key_again_through_all_growth)
{
    struct test_alloc t;
    const flowlog_alloc a = test_alloc_init(&t, 0);
    for (uint32_t form = FL_STORE_EXACT; form <= FL_STORE_TWO; form++) {
        struct fl_store s = new_store(form);
        for (uint64_t k = 0; k < 20000; k++) {
            for (int again = 0; again < 2; again++) {
                const uint64_t key = k * 0x10001;
                cr_assert_eq(flowlog__store_reserve(&s, &a, NULL, 1), FLOWLOG_OK);
                cr_assert_eq(place(&s, &a, place_of(&s, key), key), k + 1);
            }
        }
        for (uint64_t k = 0; k < 20000; k++) {
            const uint64_t key = k * 0x10001;
            cr_assert_eq(flowlog__store_find(&s, NULL, place_of(&s, key), key_ref(key)), k + 1);
            cr_assert_eq(fl_store_key(&s, (uint32_t)k + 1)[0], key);
            if (form == FL_STORE_TWO) cr_assert_eq(fl_store_key(&s, (uint32_t)k + 1)[1], ~key);
        }
        cr_expect_eq((uintptr_t)s.bucket % 64, 0);
        cr_expect_eq((uintptr_t)s.state % 64, 0);
        flowlog__store_free(&s, &a);
    }
    cr_expect(t.live_bytes == 0 && t.wrong_lengths == 0);
}

Test(store, keys_of_one_bucket_and_one_check_are_still_different_keys)
{
    const flowlog_alloc a = flowlog__alloc_or_default(NULL);
    struct fl_store s = new_store(FL_STORE_ONE);
    /* All in the last bucket, so that the search goes round the end. */
    for (int round = 0; round < 2; round++)
        for (uint64_t k = 1; k <= 40; k++)
            cr_assert_eq(place(&s, &a, (struct fl_place){15, 7}, k), k);
    cr_expect_eq(s.count, 40);
    cr_expect_eq(flowlog__store_place(&s, NULL, (struct fl_place){15, 7}, key_ref(41), 40), 0, "the limit");
    cr_expect_eq(flowlog__store_place(&s, NULL, (struct fl_place){15, 7}, key_ref(40), 40), 40, "known");
    flowlog__store_free(&s, &a);
}

static void add(struct fl_store *s, const flowlog_alloc *a, uint64_t key)
{
    cr_assert_eq(flowlog__store_reserve(s, a, NULL, 1), FLOWLOG_OK);
    place(s, a, place_of(s, key), key);
}

/* Every group is found from its own bucket on, and no further away than `far` says. */
static void expect_all_found(const struct fl_store *s)
{
    for (uint32_t g = 1; g <= s->count; g++) {
        const uint64_t key = fl_store_key(s, g)[0];
        const struct fl_place p = place_of(s, key);
        cr_assert_eq(flowlog__store_find(s, NULL, p, key_ref(key)), g);
        size_t distance = 0;
        for (int there = 0; !there; distance += !there) {
            const struct fl_bucket *b = &s->bucket[(p.bucket + distance) & s->mask];
            for (int i = 0; i < FL_SLOTS; i++) there |= b->group[i] == g;
        }
        cr_assert_leq(distance, s->far);
    }
}

/*
 * Beyond 2^8 buckets groups go to new ones by their checks; also those that are in the bucket of another, the last
 * ones among them, which go round the end.
 */
Test(store, many_buckets_are_split_by_what_they_say)
{
    const flowlog_alloc a = flowlog__alloc_or_default(NULL);
    for (uint32_t form = FL_STORE_EXACT; form <= FL_STORE_TWO; form++) {
        struct fl_store s = new_store(form);
        enum { KEYS = 40958 }; /* of 40960 at which 2^13 buckets are doubled */
        for (uint64_t k = 0; k < KEYS - 200; k++) add(&s, &a, k);
        cr_assert_eq(s.mask + 1, 1u << 13);
        /* A heap at the end. */
        uint64_t k = KEYS;
        for (uint32_t n = 0; n < 12 && form != FL_STORE_EXACT; k++) {
            const struct fl_place p = place_of(&s, k);
            if (p.bucket < s.mask - 1) continue;
            place(&s, &a, p, k);
            n++;
        }
        cr_assert(form == FL_STORE_EXACT || s.far > 0);
        const size_t far = s.far;
        for (; s.mask + 1 == 1u << 13; k++) add(&s, &a, k);
        cr_expect(s.far <= far);
        expect_all_found(&s);
        for (; s.mask + 1 <= 1u << 15; k++) add(&s, &a, k);
        expect_all_found(&s);
        flowlog__store_free(&s, &a);
    }
}

/* Whatever lies too far away for that is looked up by its key. */
Test(store, groups_far_from_their_buckets_are_found_after_growth)
{
    const flowlog_alloc a = flowlog__alloc_or_default(NULL);
    struct fl_store s = new_store(FL_STORE_ONE);
    uint64_t k = 0;
    for (; s.count < 2288; k++) add(&s, &a, k);
    for (uint32_t n = 0; n < 60; k++) { /* all of one bucket, and so many that they fill those behind it */
        const struct fl_place p = place_of(&s, k);
        if (p.bucket != s.mask - 3) continue;
        place(&s, &a, p, k);
        n++;
    }
    cr_assert_gt(s.far, 2);
    for (; s.mask + 1 == 1u << 9; k++) add(&s, &a, k);
    expect_all_found(&s);
    flowlog__store_free(&s, &a);
}

/* How many of `n` keys are not in their own bucket. */
static uint32_t displaced(const struct fl_store *s)
{
    uint32_t count = 0;
    for (uint32_t g = 1; g <= s->count; g++) {
        const struct fl_place p = place_of(s, s->key[g]);
        count += fl_match8(s->bucket[p.bucket].check, s->bucket[p.bucket].group, p.check) != g;
    }
    return count;
}

Test(store, neighbouring_addresses_spread_under_any_seed)
{
    const flowlog_alloc a = flowlog__alloc_or_default(NULL);
    enum { KEYS = 12000 }; /* 5.86 a bucket: almost the most there is */
    uint32_t worst = 0;
    uint64_t sum = 0;
    for (uint64_t seed = 0; seed < 60; seed++) {
        struct fl_store s = new_store(FL_STORE_EXACT);
        s.seed = fl_hash_u64(seed);
        cr_assert_eq(flowlog__store_reserve(&s, &a, NULL, KEYS), FLOWLOG_OK);
        for (uint32_t i = 0; i < KEYS; i++) {
            const uint64_t key = 0x0A000000u + (seed % 3 == 0 ? i : seed % 3 == 1 ? i << 8 : (i / 100) << 16 | i % 100);
            flowlog__store_place(&s, NULL, fl_place_exact(key, s.seed, s.shift), key_ref(key), UINT32_MAX);
        }
        cr_assert_eq(s.count, KEYS);
        const uint32_t d = displaced(&s);
        sum += d;
        if (d > worst) worst = d;
        flowlog__store_free(&s, &a);
    }
    cr_expect_lt(worst, KEYS / 10, "%u of %d", worst, KEYS);
    cr_expect_lt(sum / 60, KEYS / 15, "%u of %d", (unsigned)(sum / 60), KEYS);
}

Test(store, has_a_limit_of_groups_that_32_bits_can_number)
{
    const flowlog_alloc a = flowlog__alloc_or_default(NULL);
    struct fl_store s = new_store(FL_STORE_EXACT);
    s.count = UINT32_MAX - 2;
    cr_expect_eq(flowlog__store_reserve(&s, &a, NULL, 64), FLOWLOG_E_LIMIT);
}

Test(store, match8_is_the_or_of_what_matches)
{
    _Alignas(16) uint32_t key[8], value[8];
    for (uint32_t bits = 0; bits < 256; bits++) {
        uint32_t expected = 0;
        for (uint32_t i = 0; i < 8; i++) {
            key[i] = bits >> i & 1 ? 0xFFFF0001u : 0xFFFF0000u + 2 * i;
            value[i] = 0x80000001u << i;
            if (bits >> i & 1) expected |= value[i];
        }
        cr_assert_eq(fl_match8(key, value, 0xFFFF0001u), expected);
    }
}

Test(store, used8_counts_what_comes_before_the_first_zero)
{
    _Alignas(16) uint32_t value[8];
    for (uint32_t n = 0; n <= 8; n++) {
        for (uint32_t i = 0; i < 8; i++) value[i] = i < n ? 0x80000000u >> 4 * i : 0;
        cr_expect_eq(fl_used8(value), n);
    }
}

TestSuite(groups, .timeout = 30);

static void init(struct fl_groups *g, const flowlog_alloc *a, const char *const *names)
{
    struct fl_group_spec spec = {.max_groups = UINT32_MAX, .aggs = 1};
    spec.agg[0] = (struct fl_agg){.name = "count", .kind = FLOWLOG_AGG_COUNT, .column = FL_NO_COLUMN,
                                   .where = FL_NO_WHERE};
    for (; names[spec.keys.count]; spec.keys.count++) {
        const uint32_t k = spec.keys.count, field = flowlog_field_find(names[k], strlen(names[k]));
        spec.keys.key[k] = (struct fl_key){
            .column = k, .field = (uint16_t)field, .type = flowlog_field_get(field)->type};
    }
    flowlog__groups_init(g, &spec, a);
}

Test(groups, keys_are_packed_into_32_bits_or_one_word_or_two)
{
    const flowlog_alloc a = flowlog__alloc_or_default(NULL);
    static const struct {
        const char *names[6];
        uint32_t words, form;
    } rows[] = {
        {{"srcaddr"}, 1, FL_STORE_EXACT}, {{"dstport", "protocol", "action"}, 1, FL_STORE_EXACT},
        {{"srcaddr", "dstaddr"}, 1, FL_STORE_ONE}, {{"srcaddr", "dstport", "protocol", "action"}, 1, FL_STORE_ONE},
        {{"start", "dstport", "protocol"}, 1, FL_STORE_ONE}, {{"bytes"}, 1, FL_STORE_ONE},
        {{"srcaddr", "dstaddr", "protocol"}, 2, FL_STORE_TWO}, {{"bytes", "packets"}, 2, FL_STORE_TWO},
        {{"srcaddr", "dstaddr", "srcport", "dstport", "protocol"}, 2, FL_STORE_TWO},
        {{"srcaddr", "bytes", "dstport"}, 2, FL_STORE_TWO}, {{"bytes", "packets", "start"}, 0, FL_STORE_ONE},
        {{"interface-id"}, 0, FL_STORE_ONE}, {{NULL}, 1, FL_STORE_EXACT}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fl_groups g;
        init(&g, &a, rows[i].names);
        cr_expect_eq(g.spec.keys.packed_words, rows[i].words, "row %zu", i);
        if (rows[i].words) cr_expect_eq(g.packed.form, rows[i].form, "row %zu", i);
        flowlog__groups_free(&g);
    }
}

/* A wrong group in place of a hash collision: what the first bucket gives is verified. */
Test(groups, what_a_check_of_32_bits_finds_is_verified)
{
    const flowlog_alloc a = flowlog__alloc_or_default(NULL);
    static const char *const two[] = {"srcaddr", "dstaddr", NULL}, *const text[] = {"interface-id", NULL};
    static const char *const cells[] = {"10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4"};
    static const char *const enis[] = {"eni-1", "eni-2", "eni-3", "eni-4"};
    for (int is_text = 0; is_text < 2; is_text++) {
        struct fl_groups g;
        init(&g, &a, is_text ? text : two);
        struct test_batch *b = is_text ? test_batch_new("interface-id", enis, 1)
                                       : test_batch_new("srcaddr,dstaddr", cells, 1);
        struct test_batch *c = is_text ? test_batch_new("interface-id", enis + 2, 1)
                                       : test_batch_new("srcaddr,dstaddr", cells + 2, 1);
        cr_assert_eq(flowlog__groups_add(&g, &b->batch, NULL, NULL, NULL), FLOWLOG_OK);
        /* Put the check of the second key over that of the first, in all buckets: what is looked up is found. */
        struct fl_store *s = is_text ? &g.longs : &g.packed;
        cr_assert_eq(s->count, 1);
        uint64_t words[8];
        uint8_t odd[1];
        size_t n = 1;
        if (is_text) n = flowlog__keys_long(&g.spec.keys, &c->batch, 0, words);
        else flowlog__keys_pack(&g.spec.keys, &c->batch, 0, 1, words, odd);
        const struct fl_place p = fl_place_hashed(words, n, s->seed, s->shift);
        s->bucket[p.bucket].check[0] = s->bucket[p.bucket].check[1] = p.check;
        s->bucket[p.bucket].group[0] = 1;
        s->bucket[p.bucket].group[1] = 1;
        cr_assert_eq(flowlog__groups_add(&g, &c->batch, NULL, NULL, NULL), FLOWLOG_OK);
        cr_expect_eq(s->count, 2);
        cr_expect_eq(fl_groups_record(&g, 0)[0], 1);
        cr_expect_eq(fl_groups_record(&g, 1)[0], 1);
        test_batch_free(b);
        test_batch_free(c);
        flowlog__groups_free(&g);
    }
}

Test(groups, two_groups_of_one_check_may_name_a_third_that_is_beyond_all)
{
    struct test_alloc t;
    const flowlog_alloc a = test_alloc_init(&t, 0);
    static const char *const names[] = {"srcaddr", "dstaddr", NULL};
    enum { ROWS = 575 }; /* of 768 that there is room for; 511 | 512 is 1023 */
    static char text[ROWS + 1][24];
    static const char *cells[2 * ROWS + 2];
    for (uint32_t r = 0; r <= ROWS; r++) {
        sprintf(text[r], "10.0.%u.%u", r / 200, r % 200);
        cells[2 * r] = "10.9.9.9";
        cells[2 * r + 1] = text[r];
    }
    struct test_batch *b = test_batch_new("srcaddr,dstaddr", cells, ROWS);
    struct test_batch *c = test_batch_new("srcaddr,dstaddr", cells + 2 * ROWS, 1);
    struct fl_groups g;
    init(&g, &a, names);
    cr_assert_eq(flowlog__groups_add(&g, &b->batch, NULL, NULL, NULL), FLOWLOG_OK);
    cr_assert_eq(g.packed.count, ROWS);
    cr_assert_eq(g.packed.state_cap, 768);
    uint64_t key;
    uint8_t odd;
    cr_assert_eq(flowlog__keys_pack(&g.spec.keys, &c->batch, 0, 1, &key, &odd), 1);
    const struct fl_place p = fl_place_hashed(&key, 1, g.packed.seed, g.packed.shift);
    struct fl_bucket *bucket = &g.packed.bucket[p.bucket];
    bucket->check[0] = bucket->check[1] = p.check;
    bucket->group[0] = 511;
    bucket->group[1] = 512;
    cr_assert_eq(flowlog__groups_add(&g, &c->batch, NULL, NULL, NULL), FLOWLOG_OK);
    cr_expect_eq(g.packed.count, ROWS + 1);
    cr_expect_eq(fl_groups_record(&g, ROWS)[0], 1);
    flowlog__groups_free(&g);
    cr_expect(t.live_bytes == 0 && t.live_blocks == 0 && t.wrong_lengths == 0);
    test_batch_free(b);
    test_batch_free(c);
}

Test(groups, answers_do_not_depend_on_the_seed)
{
    const flowlog_alloc a = flowlog__alloc_or_default(NULL);
    static const char *const names[] = {"srcaddr", NULL};
    enum { ROWS = 3000 };
    static char text[ROWS][24];
    static const char *cells[ROWS];
    for (uint32_t r = 0; r < ROWS; r++) {
        sprintf(text[r], r % 5 ? "10.0.%u.%u" : "::%x:%x", r * 7 % 16, r * 11 % 64);
        cells[r] = text[r];
    }
    struct test_batch *b = test_batch_new("srcaddr", cells, ROWS);
    uint64_t first = 0;
    for (uint64_t seed = 0; seed < 20; seed++) {
        struct fl_groups g;
        init(&g, &a, names);
        g.packed.seed = g.longs.seed = seed;
        cr_assert_eq(flowlog__groups_add(&g, &b->batch, NULL, NULL, NULL), FLOWLOG_OK);
        uint64_t sum = fl_groups_count(&g) << 32;
        for (uint64_t i = 0; i < fl_groups_count(&g); i++) {
            flowlog_value v;
            flowlog__keys_value(&g.spec.keys, flowlog__groups_key(&g, i), 0, &v);
            uint64_t h = fl_hash_u64(fl_groups_record(&g, i)[0]);
            for (int j = 0; j < 16; j++) h = fl_hash_u64(h ^ v.addr.bytes[j] ^ v.addr.family);
            sum ^= h;
        }
        if (!seed) first = sum;
        cr_expect_eq(sum, first, "seed %d", (int)seed);
        flowlog__groups_free(&g);
    }
    test_batch_free(b);
}
