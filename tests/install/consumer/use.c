/* SPDX-License-Identifier: MIT */
/* use.c - a C program that uses the installed library. */
#include <flowlog.h>
#include <stdio.h>

int main(void)
{
    printf("C %s\n", flowlog_version_text());
    return flowlog_version() !=
           FLOWLOG_VERSION_MAJOR * 10000 + FLOWLOG_VERSION_MINOR * 100 + FLOWLOG_VERSION_PATCH;
}
