/* SPDX-License-Identifier: MIT */
/*
 * selftest.c - the library tested by a plain main, where Criterion cannot run: under TSan, MSan and
 * emulators, big-endian, 32-bit, with another C library.  It needs no file and no argument.
 *
 * It repeats the essence of the unit tests, one function a part of the library.  The last line is
 * "N passed, N failed"; the exit status is 1 when anything failed.
 */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "flowlog/base.h"

static unsigned passed, failed;

#define CHECK(condition)                                                 \
    do {                                                                 \
        if (condition) {                                                 \
            passed++;                                                    \
        } else {                                                         \
            failed++;                                                    \
            printf("%s:%d: %s\n", __FILE__, __LINE__, #condition);       \
        }                                                                \
    } while (0)

/* --- base: status and version ------------------------------------------------------------------------- */

static void base_names_every_status(void)
{
#define X(name, value, text)                                                           \
    CHECK((int)FLOWLOG_##name == (value));                                             \
    CHECK(!strcmp(flowlog_status_name(FLOWLOG_##name), "FLOWLOG_" #name));             \
    CHECK(!strcmp(flowlog_status_message(FLOWLOG_##name), text));
    FLOWLOG_STATUS_MAP(X)
#undef X
    CHECK(!strcmp(flowlog_status_name((flowlog_status)-99), "FLOWLOG_UNKNOWN"));
    CHECK(!strcmp(flowlog_status_message((flowlog_status)-99), "unknown status"));
}

static void base_knows_its_version(void)
{
    char text[32];
    snprintf(text, sizeof text, "%d.%d.%d", FLOWLOG_VERSION_MAJOR, FLOWLOG_VERSION_MINOR, FLOWLOG_VERSION_PATCH);
    CHECK(!strcmp(flowlog_version_text(), text));
    CHECK(flowlog_version() ==
          (uint32_t)(FLOWLOG_VERSION_MAJOR * 10000 + FLOWLOG_VERSION_MINOR * 100 + FLOWLOG_VERSION_PATCH));
}

int main(void)
{
    base_names_every_status();
    base_knows_its_version();
    printf("%u passed, %u failed\n", passed, failed);
    return failed ? 1 : 0;
}
