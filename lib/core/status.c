/* SPDX-License-Identifier: MIT */
/* status.c - the names and messages of FLOWLOG_STATUS_MAP, and the version. */
#include "flowlog/base.h"

const char *flowlog_status_name(flowlog_status status)
{
    switch ((int)status) {
#define X(name, value, message) \
    case value: return "FLOWLOG_" #name;
        FLOWLOG_STATUS_MAP(X)
#undef X
    default: return "FLOWLOG_UNKNOWN";
    }
}

const char *flowlog_status_message(flowlog_status status)
{
    switch ((int)status) {
#define X(name, value, message) \
    case value: return message;
        FLOWLOG_STATUS_MAP(X)
#undef X
    default: return "unknown status";
    }
}

uint32_t flowlog_version(void)
{
    return FLOWLOG_VERSION_MAJOR * 10000u + FLOWLOG_VERSION_MINOR * 100u + FLOWLOG_VERSION_PATCH;
}

#define TEXT_(x) #x
#define TEXT(x) TEXT_(x)

const char *flowlog_version_text(void)
{
    return TEXT(FLOWLOG_VERSION_MAJOR) "." TEXT(FLOWLOG_VERSION_MINOR) "." TEXT(FLOWLOG_VERSION_PATCH);
}
