/* SPDX-License-Identifier: MIT */
/* codec/crc32.h - the CRC-32 of gzip, zip and PNG. */
#ifndef FL_CODEC_CRC32_H
#define FL_CODEC_CRC32_H

#include <stddef.h>
#include <stdint.h>

/* `crc` of what came before (0 at the beginning) -> that of the whole.  "123456789" gives 0xCBF43926. */
uint32_t flowlog__crc32(uint32_t crc, const void *p, size_t len);

#endif
