// SPDX-License-Identifier: GPL-2.0-or-later
// lz4 in frames, by liblz4.  Source: lz4frame.h, lz4_Frame_format.md of the lz4 project.
#include <lz4frame.h>

#include <algorithm>
#include <memory>

#include "core/codec/transform.h"

namespace foxing::codec {
namespace {

constexpr std::size_t kPiece = 256 * 1024;   // given to the library at a time
constexpr std::size_t kOutput = 256 * 1024;  // taken from it at a time

struct FreeContext {
  void operator()(LZ4F_cctx* context) const { LZ4F_freeCompressionContext(context); }
  void operator()(LZ4F_dctx* context) const { LZ4F_freeDecompressionContext(context); }
};

/// As the lz4 tool writes: blocks of 4 MiB that stand alone, and a checksum of the whole.
LZ4F_preferences_t preferences(std::optional<Bytes> size) {
  LZ4F_preferences_t preferences{};
  preferences.frameInfo.blockSizeID = size && *size <= 64_KiB ? LZ4F_max64KB : LZ4F_max4MB;
  preferences.frameInfo.blockMode = LZ4F_blockIndependent;
  preferences.frameInfo.contentChecksumFlag = LZ4F_contentChecksumEnabled;
  preferences.frameInfo.contentSize = size ? size->value : 0;  // 0: not said
  return preferences;
}

Result<> compressed(std::size_t answer) {
  if (LZ4F_isError(answer) == 0) return {};
  const std::string_view name = LZ4F_getErrorName(answer);
  if (name == "ERROR_allocation_failed") return out_of_memory("compress");
  if (name == "ERROR_frameSize_wrong") return fail(EINVAL, "compress", {}, "more or fewer bytes came than were announced");
  return fail(EINVAL, "compress", {}, std::string(name));
}

class Lz4Encoder final : public Transform {
 public:
  Lz4Encoder(LZ4F_cctx* context, std::optional<Bytes> size)
      : context_(context), preferences_(preferences(size)), output_(LZ4F_compressBound(kPiece, &preferences_)) {}

  Result<> write(std::span<const std::byte> bytes, Sink& sink) override {
    FOX_TRY(begin(sink));
    while (!bytes.empty()) {
      const std::span<const std::byte> piece = bytes.first(std::min(bytes.size(), kPiece));
      const std::size_t made =
          LZ4F_compressUpdate(context_.get(), output_.data(), output_.size(), piece.data(), piece.size(), nullptr);
      FOX_TRY(compressed(made));
      FOX_TRY(output_.hand_over(made, sink));
      bytes = bytes.subspan(piece.size());
    }
    return {};
  }
  Result<> finish(Sink& sink) override {
    FOX_TRY(begin(sink));
    const std::size_t made = LZ4F_compressEnd(context_.get(), output_.data(), output_.size(), nullptr);
    FOX_TRY(compressed(made));
    return output_.hand_over(made, sink);
  }

 private:
  Result<> begin(Sink& sink) {
    if (begun_) return {};
    begun_ = true;
    const std::size_t made = LZ4F_compressBegin(context_.get(), output_.data(), output_.size(), &preferences_);
    FOX_TRY(compressed(made));
    return output_.hand_over(made, sink);
  }

  std::unique_ptr<LZ4F_cctx, FreeContext> context_;
  LZ4F_preferences_t preferences_;
  OutputBuffer output_;
  bool begun_ = false;
};

class Lz4Decoder final : public Transform {
 public:
  explicit Lz4Decoder(LZ4F_dctx* context) : context_(context), output_(kOutput) {}

  Result<> write(std::span<const std::byte> bytes, Sink& sink) override {
    for (bool full = false; !bytes.empty() || full;) {
      std::size_t made = output_.size();
      std::size_t taken = bytes.size();
      const std::size_t wanted = LZ4F_decompress(context_.get(), output_.data(), &made, bytes.data(), &taken, nullptr);
      if (LZ4F_isError(wanted) != 0) return refused(LZ4F_getErrorName(wanted));
      wanted_ = wanted;
      whole_frames_ = whole_frames_ || wanted == 0;
      bytes = bytes.subspan(taken);
      FOX_TRY(output_.hand_over(made, sink));
      full = made == output_.size() && wanted != 0;
    }
    return {};
  }
  Result<> finish(Sink&) override {
    if (wanted_ != 0 || !whole_frames_) return cut_short(Format::lz4);
    return {};
  }

 private:
  Result<> refused(std::string_view name) const {
    if (name == "ERROR_allocation_failed") return out_of_memory("decompress");
    if (name == "ERROR_frameType_unknown") {
      if (whole_frames_) return garbage_follows(Format::lz4);
      return damaged(Format::lz4, "this is not the beginning of a frame");
    }
    return damaged(Format::lz4, name);
  }

  std::unique_ptr<LZ4F_dctx, FreeContext> context_;
  OutputBuffer output_;
  std::size_t wanted_ = 0;  // 0: between frames
  bool whole_frames_ = false;
};

}  // namespace

TransformResult lz4_encoder(std::optional<Bytes> size) {
  LZ4F_cctx* context = nullptr;
  if (LZ4F_isError(LZ4F_createCompressionContext(&context, LZ4F_VERSION)) != 0) return out_of_memory("compress");
  return std::make_unique<Lz4Encoder>(context, size);
}

TransformResult lz4_decoder() {
  LZ4F_dctx* context = nullptr;
  if (LZ4F_isError(LZ4F_createDecompressionContext(&context, LZ4F_VERSION)) != 0) return out_of_memory("decompress");
  return std::make_unique<Lz4Decoder>(context);
}

}  // namespace foxing::codec
