// SPDX-License-Identifier: GPL-2.0-or-later
// Payloads on their way into records and out of them: compressed where that pays, and believed only when their BLAKE3 is right.
//   from  exporter.cc, writer.cc: bytes        to  Packed        and from  a record's head and what is stored, back
//
// How.   What looks like noise (the entropy of a sample of 4 KiB) is stored without a try; what does not shrink by a thirty-second is stored, too.
// Holds. Equal bytes and the same codec give equal records.  Packer and Unpacker are for one thread at a time.
#pragma once

#include <span>
#include <string>

#include "core/archive/record.h"
#include "core/codec/block.h"

namespace foxing::archive {

/// True where compressing would be in vain: the sample has nearly eight bits a byte.
bool looks_like_noise(std::span<const std::byte> bytes);

struct Packed {
  codec::Format format = codec::Format::none;
  std::string stored;  // empty where format is none: it is the bytes themselves
};

class Packer {
 public:
  explicit Packer(codec::Codec codec) : codec_(codec), packer_(codec) {}
  Result<Packed> pack(std::span<const std::byte> bytes);

 private:
  codec::Codec codec_;
  codec::BlockPacker packer_;
};

/// A whole record: head and payload.
Result<std::string> make_record(Kind kind, std::uint64_t number, std::string_view payload, Packer& packer);
/// The head of a record for `bytes`, stored as `packed` says.
Head head_for(Kind kind, std::uint64_t number, std::span<const std::byte> bytes, const digest::Digest& id, const Packed& packed);

class Unpacker {
 public:
  /// Checks the checksum of what is stored, makes it what it was and checks its BLAKE3.  EBADMSG with byte and record.
  Result<> unpack(const Head& head, FileOffset at, std::string_view stored, std::string& out);

 private:
  codec::BlockUnpacker unpacker_;
};

}  // namespace foxing::archive
