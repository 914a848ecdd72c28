// SPDX-License-Identifier: GPL-2.0-or-later
// Blocks: bytes that are all there, compressed as one frame of their own, and back.
//   from  archives, which compress chunk by chunk        to  the same frames that Encoder writes and Decoder reads
// Why.   A stream's context costs more than a block of 4 KiB: here zstd's and lz4's are kept and used again.
// Holds. Equal bytes give equal frames, whatever came before.  Unpacking never makes more than it was told to.  For one thread at a time.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>

#include "base/result.h"
#include "core/codec/codec.h"

namespace foxing::codec {

class BlockPacker {
 public:
  explicit BlockPacker(Codec codec);
  BlockPacker(BlockPacker&&) noexcept;
  BlockPacker& operator=(BlockPacker&&) noexcept;
  ~BlockPacker();

  /// Replaces `out`.  With Format::none a copy.  ENOMEM.
  Result<> pack(std::span<const std::byte> bytes, std::string& out);

 private:
  struct Contexts;
  Codec codec_;
  std::unique_ptr<Contexts> contexts_;
};

class BlockUnpacker {
 public:
  BlockUnpacker();
  BlockUnpacker(BlockUnpacker&&) noexcept;
  BlockUnpacker& operator=(BlockUnpacker&&) noexcept;
  ~BlockUnpacker();

  /// Replaces `out`, which then has exactly `size` bytes.  EBADMSG where the frame is damaged, or of another size.
  Result<> unpack(Format format, std::span<const std::byte> packed, std::size_t size, std::string& out);

 private:
  struct Contexts;
  std::unique_ptr<Contexts> contexts_;
};

}  // namespace foxing::codec
