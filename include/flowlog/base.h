/* SPDX-License-Identifier: MIT */
/*
 * flowlog/base.h - what every other header rests on: version, status codes, error detail, allocator.
 *
 * Every fallible function returns a flowlog_status and takes an optional, caller-owned flowlog_error
 * as its last argument.  The library never prints, never aborts, never exits and keeps no global state
 * but the choice of SIMD kernels, which is made once.
 */
#ifndef FLOWLOG_BASE_H
#define FLOWLOG_BASE_H

#include <stddef.h>
#include <stdint.h>

/* The one place where the version stands; CMake and pkg-config read it from here. */
#define FLOWLOG_VERSION_MAJOR 0
#define FLOWLOG_VERSION_MINOR 1
#define FLOWLOG_VERSION_PATCH 0

#if defined(_WIN32)
#define FLOWLOG_API
#elif defined(__GNUC__)
#define FLOWLOG_API __attribute__((visibility("default")))
#else
#define FLOWLOG_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/**
 * Every status there is: X(name, value, message).
 *
 * The sign is the class: negative is an error, zero is done, positive is a note.  Values are explicit
 * and never reused: -10 usage, -20 system, -30 data, -40 query or format text, -50 limits.
 */
#define FLOWLOG_STATUS_MAP(X)                                                \
    X(OK, 0, "success")                                                      \
    X(END, 1, "no more rows")                                                \
    X(MORE, 2, "more input is needed")                                       \
    X(E_ARGUMENT, -10, "invalid argument")                                   \
    X(E_UNSUPPORTED, -11, "not supported by this build, processor or input") \
    X(E_STATE, -12, "call not allowed in this state")                        \
    X(E_CANCELLED, -13, "ended by the caller")                               \
    X(E_MEMORY, -20, "out of memory")                                        \
    X(E_IO, -21, "input or output failed")                                   \
    X(E_CORRUPT, -30, "the data is damaged")                                 \
    X(E_FORMAT, -31, "the record format cannot be known")                    \
    X(E_MALFORMED, -32, "malformed line")                                    \
    X(E_OVERFLOW, -33, "a sum exceeds 64 bits")                              \
    X(E_SYNTAX, -40, "syntax error")                                         \
    X(E_FIELD, -41, "unknown field")                                         \
    X(E_DUPLICATE, -42, "duplicate field")                                   \
    X(E_LIMIT, -50, "a limit was reached")

typedef enum flowlog_status {
#define FLOWLOG_STATUS_ENUM(name, value, message) FLOWLOG_##name = (value),
    FLOWLOG_STATUS_MAP(FLOWLOG_STATUS_ENUM)
#undef FLOWLOG_STATUS_ENUM
} flowlog_status;

/** "FLOWLOG_E_IO" for FLOWLOG_E_IO; "FLOWLOG_UNKNOWN" for a number that is no status.  Static text. */
FLOWLOG_API const char *flowlog_status_name(flowlog_status status);

/** One English phrase for a status, without a full stop.  Static text. */
FLOWLOG_API const char *flowlog_status_message(flowlog_status status);

/**
 * The detail of a failure.  Owned by the caller, NULL allowed wherever one is taken, written on failure
 * and untouched on success.  256 bytes, part of the ABI.
 */
typedef struct flowlog_error {
    int32_t status;    /* a flowlog_status */
    uint32_t column;   /* 1-based byte column of the offending token; 0 = unknown */
    uint64_t offset;   /* byte offset in the input (of a .gz: see the message) or text; 0 when unknown */
    uint64_t line;     /* 1-based line of the input; 0 = unknown */
    char message[232]; /* NUL-terminated; for people, never to be parsed */
} flowlog_error;

/**
 * Where memory comes from.  Copied into each object that takes one; NULL means malloc and free.
 * `len` of release and `old_len` of resize are exactly what was asked for.  A function returns NULL
 * when there is no memory, and is never called with a length of zero.
 *
 * Threads    called from whichever thread uses the object.
 */
typedef struct flowlog_alloc {
    void *(*alloc)(void *ctx, size_t len);
    void *(*resize)(void *ctx, void *p, size_t old_len, size_t new_len);
    void (*release)(void *ctx, void *p, size_t len);
    void *ctx;
} flowlog_alloc;

/** Text that need not end in NUL.  Whether it is borrowed or static is said where it is given. */
typedef struct flowlog_str {
    const char *ptr;
    size_t len; /* bytes */
} flowlog_str;

/** The version of the library that runs: major * 10000 + minor * 100 + patch. */
FLOWLOG_API uint32_t flowlog_version(void);

/** The same as text, "0.1.0".  Static. */
FLOWLOG_API const char *flowlog_version_text(void);

/**
 * Bytes of the public structure of that name ("flowlog_batch"), 0 for a name that is none.  Bindings that
 * declare the structures anew compare this with theirs when they load the library, and refuse it when it differs.
 */
FLOWLOG_API size_t flowlog_struct_size(const char *name);

/**
 * The SIMD level in use: "scalar", "sse42", "avx2", "avx512" or "neon".  It is the best this processor
 * has, or the one that the environment variable FLOWLOG_SIMD names; when that names one which this
 * build or this processor cannot honour the answer is "unsupported", and opening a reader or calling a
 * tokenizer gives FLOWLOG_E_UNSUPPORTED.  All levels give the same answers, bit for bit.
 */
FLOWLOG_API const char *flowlog_simd_name(void);

#ifdef __cplusplus
}
#endif
#endif
