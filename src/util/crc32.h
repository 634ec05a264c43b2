/* SPDX-License-Identifier: GPL-2.0-only */
/* zlib's CRC-32 with the instructions that CPUs have for it: every byte of a recording passes through here at least twice. */
#ifndef UTIL_CRC32_H
#define UTIL_CRC32_H

#include <stddef.h>
#include <stdint.h>

/* As zlib's crc32(): goes on from crc, 0 to begin with. */
uint32_t crc32_of(uint32_t crc, const uint8_t *bytes, size_t size);

#endif
