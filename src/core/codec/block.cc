// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/codec/block.h"

#include <lz4frame.h>
#include <zstd.h>

#include <algorithm>
#include <utility>

#include "core/codec/transform.h"

namespace foxing::codec {
namespace {

struct Free {
  void operator()(ZSTD_CCtx* context) const { ZSTD_freeCCtx(context); }
  void operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); }
  void operator()(LZ4F_dctx* context) const { LZ4F_freeDecompressionContext(context); }
};

class Appending final : public Sink {
 public:
  Appending(std::string& out, std::size_t most) : out_(out), most_(most) {}
  Result<> write(std::span<const std::byte> bytes) override {
    if (bytes.size() > most_ - out_.size()) return fail(EBADMSG, "decompress", {}, "more comes out than was announced");
    out_.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    return {};
  }

 private:
  std::string& out_;
  const std::size_t most_;
};

tl::unexpected<Error> another_size(Format format) { return damaged(format, "it has another size than was announced"); }

}  // namespace

struct BlockPacker::Contexts {
  std::unique_ptr<ZSTD_CCtx, Free> zstd;
};

BlockPacker::BlockPacker(Codec codec) : codec_(codec), contexts_(std::make_unique<Contexts>()) {}
BlockPacker::BlockPacker(BlockPacker&&) noexcept = default;
BlockPacker& BlockPacker::operator=(BlockPacker&&) noexcept = default;
BlockPacker::~BlockPacker() = default;

Result<> BlockPacker::pack(std::span<const std::byte> bytes, std::string& out) {
  out.clear();
  if (codec_.format == Format::zstd) {
    if (!contexts_->zstd) contexts_->zstd.reset(ZSTD_createCCtx());
    if (!contexts_->zstd) return out_of_memory("compress");
    out.resize(ZSTD_compressBound(bytes.size()));
    const std::size_t size =
        ZSTD_compressCCtx(contexts_->zstd.get(), out.data(), out.size(), bytes.data(), bytes.size(), codec_.level);
    if (ZSTD_isError(size) != 0) return out_of_memory("compress");  // the room is enough, and nothing else can be wrong
    out.resize(size);
    return {};
  }
  if (codec_.format == Format::lz4) {
    LZ4F_preferences_t how{};
    how.frameInfo.contentSize = bytes.size();
    out.resize(LZ4F_compressFrameBound(bytes.size(), &how));
    const std::size_t size = LZ4F_compressFrame(out.data(), out.size(), bytes.data(), bytes.size(), &how);
    if (LZ4F_isError(size) != 0) return out_of_memory("compress");
    out.resize(size);
    return {};
  }
  Appending sink(out, SIZE_MAX);
  Encoder encoder = FOX_TRY(Encoder::create(codec_, Bytes(bytes.size())));
  FOX_TRY(encoder.write(bytes, sink));
  return encoder.finish(sink);
}

struct BlockUnpacker::Contexts {
  std::unique_ptr<ZSTD_DCtx, Free> zstd;
  std::unique_ptr<LZ4F_dctx, Free> lz4;
};

BlockUnpacker::BlockUnpacker() : contexts_(std::make_unique<Contexts>()) {}
BlockUnpacker::BlockUnpacker(BlockUnpacker&&) noexcept = default;
BlockUnpacker& BlockUnpacker::operator=(BlockUnpacker&&) noexcept = default;
BlockUnpacker::~BlockUnpacker() = default;

Result<> BlockUnpacker::unpack(Format format, std::span<const std::byte> packed, std::size_t size, std::string& out) {
  out.clear();
  if (format == Format::zstd) {
    if (!contexts_->zstd) contexts_->zstd.reset(ZSTD_createDCtx());
    if (!contexts_->zstd) return out_of_memory("decompress");
    out.resize(size);
    const std::size_t made = ZSTD_decompressDCtx(contexts_->zstd.get(), out.data(), size, packed.data(), packed.size());
    if (ZSTD_isError(made) != 0) return damaged(format, ZSTD_getErrorName(made));
    if (made != size) return another_size(format);
    return {};
  }
  if (format == Format::lz4) {
    LZ4F_dctx* context = contexts_->lz4.get();
    if (context == nullptr) {
      if (LZ4F_isError(LZ4F_createDecompressionContext(&context, LZ4F_VERSION)) != 0) return out_of_memory("decompress");
      contexts_->lz4.reset(context);
    }
    out.resize(size);
    std::size_t read = 0, made = 0;
    for (;;) {
      std::size_t room = size - made, left = packed.size() - read;
      const std::size_t wanted = LZ4F_decompress(context, out.data() + made, &room, packed.data() + read, &left, nullptr);
      if (LZ4F_isError(wanted) != 0 || (wanted != 0 && room == 0 && left == 0)) {
        LZ4F_resetDecompressionContext(context);
        return damaged(format, LZ4F_isError(wanted) != 0 ? LZ4F_getErrorName(wanted) : "it has another size than was announced");
      }
      read += left;
      made += room;
      if (wanted == 0) break;
    }
    if (read != packed.size()) return garbage_follows(format);
    if (made != size) return another_size(format);
    return {};
  }
  Appending sink(out, size);
  Decoder decoder = FOX_TRY(Decoder::create(format));
  FOX_TRY(decoder.write(packed, sink));
  FOX_TRY(decoder.finish(sink));
  if (out.size() != size) return another_size(format);
  return {};
}

}  // namespace foxing::codec
