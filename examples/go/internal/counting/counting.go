// SPDX-License-Identifier: MIT

// Package counting is an allocator for the tests: it knows what is in use, and can fail.
package counting

/*
#cgo pkg-config: libflowlog
#include <flowlog.h>
#include <stdatomic.h>
#include <stdlib.h>

static atomic_llong blocks, bytes, left = -1;

// Whether this allocation fails: every one after `left` others, once it is not negative.
static int fails(void)
{
    return atomic_load(&left) >= 0 && atomic_fetch_sub(&left, 1) <= 0 && (atomic_store(&left, 0), 1);
}

static void *take(void *ctx, size_t len)
{
    void *p = fails() ? NULL : malloc(len);
    (void)ctx;
    if (p) {
        atomic_fetch_add(&blocks, 1);
        atomic_fetch_add(&bytes, (long long)len);
    }
    return p;
}

static void *change(void *ctx, void *p, size_t old_len, size_t new_len)
{
    void *moved = fails() ? NULL : realloc(p, new_len);
    (void)ctx;
    if (moved) {
        atomic_fetch_add(&bytes, (long long)new_len - (long long)(p ? old_len : 0));
        if (!p) atomic_fetch_add(&blocks, 1);
    }
    return moved;
}

static void release(void *ctx, void *p, size_t len)
{
    (void)ctx;
    if (!p) return;
    atomic_fetch_sub(&blocks, 1);
    atomic_fetch_sub(&bytes, (long long)len);
    free(p);
}

static const flowlog_alloc counting = {take, change, release, NULL};
static const void *allocator(void) { return &counting; }
static long long live_blocks(void) { return atomic_load(&blocks); }
static long long live_bytes(void) { return atomic_load(&bytes); }
static void fail_after(long long n) { atomic_store(&left, n); }
*/
import "C"

import "unsafe"

// Allocator is a flowlog_alloc for any number of threads.
func Allocator() unsafe.Pointer { return C.allocator() }

// Live is what was allocated and not released.
func Live() (blocks, bytes int64) { return int64(C.live_blocks()), int64(C.live_bytes()) }

// FailAfter lets n allocations succeed and fails all others; a negative n: none fails.
func FailAfter(n int) { C.fail_after(C.longlong(n)) }
