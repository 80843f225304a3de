/* SPDX-License-Identifier: MIT */
/*
 * core/compiler.h - the only header that asks which compiler and processor this is.
 *
 * Every FL_ARCH_* is always defined, to 0 or 1, so that a misspelt test is an error under -Wundef.
 */
#ifndef FL_CORE_COMPILER_H
#define FL_CORE_COMPILER_H

#if defined(__x86_64__) || defined(_M_X64)
#define FL_ARCH_X86_64 1
#else
#define FL_ARCH_X86_64 0
#endif
#if defined(__aarch64__) && defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define FL_ARCH_ARM64 1
#else
#define FL_ARCH_ARM64 0
#endif
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#define FL_BIG_ENDIAN 1
#else
#define FL_BIG_ENDIAN 0
#endif

#if defined(__GNUC__)
#define FL_INLINE static inline __attribute__((always_inline))
#define FL_NOINLINE __attribute__((noinline))
#define FL_LIKELY(x) __builtin_expect(!!(x), 1)
#define FL_UNLIKELY(x) __builtin_expect(!!(x), 0)
#define FL_PREFETCH(p) __builtin_prefetch(p)
#define FL_PREFETCH_L2(p) __builtin_prefetch(p, 0, 2) /* to the second level: soon, not now */
#define FL_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#else
#define FL_INLINE static inline
#define FL_NOINLINE
#define FL_LIKELY(x) (x)
#define FL_UNLIKELY(x) (x)
#define FL_PREFETCH(p) ((void)(p))
#define FL_PREFETCH_L2(p) ((void)(p))
#define FL_PRINTF(fmt, args)
#endif

#define FL_PRAGMA(x) _Pragma(#x)

/* FL_TARGET_BEGIN("avx2,bmi") ... FL_TARGET_END: compile everything between for that instruction set. */
#if defined(__clang__)
#define FL_TARGET_BEGIN(isa) FL_PRAGMA(clang attribute push(__attribute__((target(isa))), apply_to = function))
#define FL_TARGET_END FL_PRAGMA(clang attribute pop)
#elif defined(__GNUC__)
#define FL_TARGET_BEGIN(isa) FL_PRAGMA(GCC push_options) FL_PRAGMA(GCC target(isa))
#define FL_TARGET_END FL_PRAGMA(GCC pop_options)
#else
#define FL_TARGET_BEGIN(isa)
#define FL_TARGET_END
#endif

/*
 * FL_ASSERT(condition): an invariant of our own, never a statement about input.  Checked where
 * FLOWLOG_ASSERT is defined (debug, sanitizer and fuzz builds), absent elsewhere.
 */
#if defined(FLOWLOG_ASSERT)
#define FL_ASSERT(condition) ((condition) ? (void)0 : __builtin_trap())
#else
#define FL_ASSERT(condition) ((void)0)
#endif

#endif
