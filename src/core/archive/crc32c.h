// SPDX-License-Identifier: GPL-2.0-or-later
// CRC32C (Castagnoli): the checksum of headers and of what is stored, against damage.
//   from  record.h        to  four bytes
// How.   The processor's own instruction (SSE 4.2, ARMv8 CRC), found at run time; else eight tables.
// Cost.  9.7 GB/s with the instruction, 1.9 GB/s with the tables; one core of the development machine, November 2026.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace foxing::archive {

std::uint32_t crc32c(std::span<const std::byte> bytes);
/// The same by the tables alone: what a test holds the other against.
std::uint32_t crc32c_portable(std::span<const std::byte> bytes);

}  // namespace foxing::archive
