/* SPDX-License-Identifier: MIT */
/*
 * output/text.c - records as AWS writes them.  Values stand between single spaces and nothing is quoted,
 * so a text that is no token cannot be written.  A text "-" is null to whoever reads it.
 */
#include "output/writer.h"

static void put_text(flowlog_writer *writer, const char *text, size_t len) { fl_put(writer, text, len); }

/* What lib/decode takes for a token: no blank, no control character. */
static int fits(const char *text, size_t len)
{
    unsigned bad = len == 0;
    for (size_t i = 0; i < len; i++) bad |= (uint8_t)text[i] <= 0x20 || (uint8_t)text[i] == 0x7F;
    return !bad;
}

const struct fl_form flowlog__form_text = {"-", 1, 0, 1, ' ', put_text, fits};
