/* SPDX-License-Identifier: MIT */
/*
 * schema/layouts.h - record formats that are known to be in use, for input that has neither a header nor
 * a format from the caller: the reader tries which of them every line fits.
 */
#ifndef FL_SCHEMA_LAYOUTS_H
#define FL_SCHEMA_LAYOUTS_H

#include <stddef.h>

struct fl_layout {
    const char *name;   /* for messages: "default", "all fields up to version 5" */
    const char *fields; /* as flowlog_format_parse reads them: AWS's names between single spaces */
};

/* The two defaults come first (VPC, Transit Gateway).  Static. */
const struct fl_layout *flowlog__layouts(size_t *count);

#endif
