/* SPDX-License-Identifier: MIT */
/*
 * dispatch.c - choose the best kernel table the processor supports, once.
 *
 * The only state of the library: `active` is NULL until chosen.  FLOWLOG_SIMD may name a level; a name
 * that this build or this processor cannot honour selects `refused`, and every entry point then gives
 * FLOWLOG_E_UNSUPPORTED: a forced test run can fail but cannot silently run something else.  Racing threads
 * compute the same answer, so relaxed publication of a pointer to constant data is enough.
 */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "flowlog/base.h"
#include "simd/cpu.h"
#include "simd/kernels.h"

const fl_kernels *const flowlog__kernels_all[] = {
#if FL_ARCH_X86_64
    &flowlog__kernels_avx512, &flowlog__kernels_avx2, &flowlog__kernels_sse42,
#elif FL_ARCH_ARM64
    &flowlog__kernels_neon,
#endif
    &flowlog__kernels_scalar, NULL,
};

static const fl_kernels refused = {.name = "unsupported"};
static _Atomic(const fl_kernels *) active;

static const fl_kernels *choose(void)
{
    const uint32_t have = flowlog__cpu_features();
    const char *want = getenv("FLOWLOG_SIMD");
    if (want && !*want) want = NULL;
    for (const fl_kernels *const *table = flowlog__kernels_all; *table; table++)
        if (((*table)->needs & have) == (*table)->needs && (!want || strcmp(want, (*table)->name) == 0))
            return *table;
    return &refused;
}

static const fl_kernels *chosen(void)
{
    const fl_kernels *table = atomic_load_explicit(&active, memory_order_relaxed);
    if (!table) {
        table = choose();
        atomic_store_explicit(&active, table, memory_order_relaxed);
    }
    return table;
}

const fl_kernels *flowlog__kernels(void)
{
    const fl_kernels *table = chosen();
    return table == &refused ? NULL : table;
}

uint32_t flowlog__simd_allowed(void) { return chosen()->needs; } /* so all of them are present */

const char *flowlog_simd_name(void) { return chosen()->name; }
